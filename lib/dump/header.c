/* header.c - the headers of kernel dumps: DUMP_HEADER32, DUMP_HEADER64, and what follows them (bitmap, RDMP, triage).
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: offsets of mindumpdef.h (Windows SDK) as volatility3's crash.json and crash64.json and kdmp-parser's HEADER64 give them too;
 * SUMMARY_DUMP64 with 64-bit fields as ReactOS documents it from a Windows 11 dump and kdmp-parser and volatility3 read it, the older one with
 * 32-bit fields (before Windows 8); RDMP as kdmp-parser reads WinDbg's .dump; the triage header's SizeOfDump and ValidOffset from rizin's
 * dmp_specs.h. Words that Windows left unset hold "PAGE" (kdmp-parser checks for it too; so does the real minidump).
 */
#include "dump/internal.h"

#include <stdio.h>

#include "base/stamp.h"

#define UNSET32 0x45474150u /* "PAGE" */
#define UNSET64 UINT64_C(0x4547415045474150)
#define TRIAGE_VALID 0x44475254u /* "TRGD", the last word of a triage dump */
#define FILETIME_1970 INT64_C(11644473600)
#define YEAR_1990 INT64_C(631152000)
#define YEAR_2200 INT64_C(7258118400)
#define MAX_PROCESSORS 4096u   /* Windows supports 2048 */
#define MAX_PAGES (UINT64_C(1) << 40) /* 4 PiB of memory: what 52 bits of physical address reach */

struct layout {
	uint32_t header, dtb, pfn, modules, processes, machine, cpus, code, params, kdbg, memory, exception, comment, type, product, writer,
		required, uptime, time, attributes;
	unsigned word; /* bytes of an address */
};

static const struct layout layout32 = { CF_DUMP_HEADER32, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x60, 0x64, 0x7d0, 0x820, 0xf88, 0xf94,
					0xf9c, 0xfa0, 0xfb8, 0xfc0, 0x8a0, 4 };
static const struct layout layout64 = { CF_DUMP_HEADER64, 0x10, 0x18, 0x20, 0x28, 0x30, 0x34, 0x38, 0x40, 0x80, 0x88, 0xf00, 0xfb0, 0xf98, 0x1040,
					0x1048, 0xfa0, 0x1030, 0xfa8, 0x1050, 8 };

static uint32_t get32(const uint8_t *h, uint32_t at)
{
	uint32_t v = cf_ld32(h + at);
	return v == UNSET32 ? 0 : v;
}

static uint64_t get64(const uint8_t *h, uint32_t at)
{
	uint64_t v = cf_ld64(h + at);
	return v == UNSET64 ? 0 : v;
}

static uint64_t get_word(const uint8_t *h, const struct layout *l, uint32_t at)
{
	return l->word == 8 ? get64(h, at) : get32(h, at);
}

enum cf_dump_magic cf_dump_magic(const void *first, size_t n)
{
	if (n >= 8 && memcmp(first, "PAGEDUMP", 8) == 0)
		return CF_MAGIC_KERNEL32;
	if (n >= 8 && memcmp(first, "PAGEDU64", 8) == 0)
		return CF_MAGIC_KERNEL64;
	return n >= 4 && memcmp(first, "MDMP", 4) == 0 ? CF_MAGIC_USER : CF_MAGIC_NONE;
}

const char *cf_dump_kind_name(enum cf_dump_kind k)
{
	static const char *const names[] = { "complete", "kernel", "bitmap", "active", "triage", "user" };
	return (unsigned)k < CF_ARRAY_LEN(names) ? names[k] : "";
}

const char *cf_dump_architecture(uint32_t machine)
{
	switch (machine) {
	case 0x14c:
		return "x86";
	case 0x8664:
		return "x64";
	case 0xaa64:
		return "arm64";
	case 0x1c4:
		return "arm";
	case 0x200:
		return "ia64";
	default:
		return NULL;
	}
}

char *cf_dump_time_text(const struct cf_dump_info *i, char *out)
{
	out[0] = 0;
	if (i->has_time)
		cf_time_text(i->time, out);
	return out;
}

void cf_dump_cut(struct cf_dump_info *i, const char *fmt, ...)
{
	va_list ap;
	i->complete = false;
	if (i->cut[0])
		return;
	va_start(ap, fmt);
	vsnprintf(i->cut, sizeof i->cut, fmt, ap);
	va_end(ap);
}

/* The source has to have this many bytes. */
static void require(struct cf_dump_info *i, uint64_t bytes)
{
	i->required_size = bytes;
	if (i->size < bytes)
		cf_dump_cut(i, _("%llu of %llu bytes are there"), (unsigned long long)i->size, (unsigned long long)bytes);
}

/* Pages that begin at first; false when the numbers can't be. */
static bool require_pages(struct cf_dump_info *i, uint64_t first, uint64_t pages)
{
	uint64_t bytes, end;
	if (first < i->header_size || pages > MAX_PAGES || cf_mul_overflow(pages, (uint64_t)CF_DUMP_PAGE, &bytes) ||
	    cf_add_overflow(first, bytes, &end) || end > INT64_MAX)
		return false;
	i->first_page = first;
	i->pages = pages;
	require(i, end);
	return true;
}

static void plain_fields(const uint8_t *h, const struct layout *l, struct cf_dump_info *i)
{
	i->header_size = l->header;
	i->bits = l->word * 8;
	i->major = get32(h, 8);
	i->build = get32(h, 0xc);
	i->machine = get32(h, l->machine);
	i->architecture = cf_dump_architecture(i->machine);
	i->processors = get32(h, l->cpus);
	if (i->processors > MAX_PROCESSORS)
		i->processors = 0;
	i->has_bugcheck = true;
	i->code = get32(h, l->code);
	for (uint32_t k = 0; k < 4; k++)
		i->parameter[k] = get_word(h, l, l->params + k * l->word);
	i->directory_table_base = get_word(h, l, l->dtb);
	i->pfn_database = get_word(h, l, l->pfn);
	i->ps_loaded_module_list = get_word(h, l, l->modules);
	i->ps_active_process_head = get_word(h, l, l->processes);
	i->kd_debugger_data_block = get_word(h, l, l->kdbg);
	i->exception_code = get32(h, l->exception);
	i->exception_address = get_word(h, l, l->exception + (l->word == 8 ? 0x10 : 0xc));
	i->has_exception = i->exception_code != 0;
	i->type = get32(h, l->type);
	i->product_type = get32(h, l->product);
	i->writer_status = get32(h, l->writer);
	i->attributes = get32(h, l->attributes);
	i->required_dump_space = get64(h, l->required);
	if (i->required_dump_space > INT64_MAX)
		i->required_dump_space = 0;
	uint64_t pages = l->word == 8 ? get64(h, l->memory + 8) : get32(h, l->memory + 4);
	i->memory_pages = get32(h, l->memory) && pages <= MAX_PAGES ? pages : 0;
	uint64_t filetime = get64(h, l->time), up = get64(h, l->uptime);
	i->time = (int64_t)(filetime / 10000000) - FILETIME_1970;
	i->has_time = i->time >= YEAR_1990 && i->time < YEAR_2200;
	i->uptime_seconds = up / 10000000;
	i->has_uptime = up && i->uptime_seconds < (uint64_t)YEAR_2200;
	size_t n = 0;
	for (const uint8_t *c = h + l->comment; n < 128 && c[n] >= 0x20 && c[n] < 0x7f && memcmp(h + l->comment, "PAGE", 4) != 0; n++)
		i->comment[n] = (char)c[n];
}

/* SDMP or FDMP behind the header. after has n bytes of it. */
static int bitmap_header(const uint8_t *after, size_t n, struct cf_dump_info *i, struct cf_error *err)
{
	bool summary = n >= 0x38 && memcmp(after, "SDMPDUMP", 8) == 0, full = n >= 0x38 && memcmp(after, "FDMPDUMP", 8) == 0;
	if (n < 0x38) {
		cf_dump_cut(i, _("it ends inside its header"));
		return 0;
	}
	if (!summary && !full)
		return cf_fail_at(err, CF_E_CORRUPT, i->header_size, "the dump says that a bitmap follows its header, and there is none");
	uint64_t first = cf_ld64(after + 0x20), pages = cf_ld64(after + 0x28), bits = cf_ld64(after + 0x30);
	uint32_t at = 0x38;
	/* Before Windows 8: HeaderSize, BitmapSize, Pages of 32 bits, then an RTL_BITMAP with its size again. */
	uint32_t old_first = cf_ld32(after + 0xc), old_bits = cf_ld32(after + 0x10), old_pages = cf_ld32(after + 0x14);
	if (old_first > i->header_size && old_bits && old_bits != UNSET32 && cf_ld32(after + 0x18) == old_bits) {
		first = old_first;
		pages = old_pages;
		bits = old_bits;
		at = i->bits == 64 ? 0x28 : 0x20;
	}
	uint64_t bitmap = i->header_size + at, bytes = bits / 8 + (bits % 8 != 0), end;
	if (bits > MAX_PAGES || pages > bits || cf_add_overflow(bitmap, bytes, &end) || first < end || !require_pages(i, first, pages))
		return cf_fail_at(err, CF_E_CORRUPT, i->header_size, "the numbers of the dump's bitmap contradict each other");
	i->bitmap = bitmap;
	i->bitmap_bits = bits;
	if (i->attributes & CF_DUMP_ATTR_FILTERED)
		i->kind = CF_KIND_ACTIVE;
	else if (i->type == 2)
		i->kind = CF_KIND_KERNEL;
	else if (full && i->memory_pages && pages >= i->memory_pages)
		i->kind = CF_KIND_COMPLETE;
	else
		i->kind = full && i->type == 5 ? CF_KIND_ACTIVE : CF_KIND_BITMAP;
	return 0;
}

/* WinDbg's .dump /k, /ka, /f. How many pages there are stands only in /f's header; the others' ranges would have to be added up. */
static int rdmp_header(const uint8_t *after, size_t n, struct cf_dump_info *i, struct cf_error *err)
{
	i->kind = i->type == 0xa ? CF_KIND_COMPLETE : CF_KIND_KERNEL;
	if (n < 0x30) {
		cf_dump_cut(i, _("it ends inside its header"));
		return 0;
	}
	if (cf_ld32(after) != 0x40 || memcmp(after + 4, "RDMPDUMP", 8) != 0)
		return cf_fail_at(err, CF_E_CORRUPT, i->header_size, "the dump's type needs an RDMP header, and there is none");
	uint64_t first = cf_ld64(after + 0x18), pages = i->type == 0xa ? cf_ld64(after + 0x28) : 0;
	if (!require_pages(i, first, pages))
		return cf_fail_at(err, CF_E_CORRUPT, i->header_size, "the numbers of the dump's RDMP header contradict each other");
	if (i->type != 0xa)
		i->required_size = cf_max_u64(i->required_size, i->required_dump_space);
	if (i->size < i->required_size)
		require(i, i->required_size);
	return 0;
}

static int triage_header(struct cf_dump_source *s, const uint8_t *after, size_t n, struct cf_dump_info *i, struct cf_error *err)
{
	uint8_t word[4];
	if (n < 12) {
		cf_dump_cut(i, _("it ends inside its header"));
		return 0;
	}
	uint32_t size = cf_ld32(after + 4), valid = cf_ld32(after + 8);
	if (size < i->header_size || valid < i->header_size || valid > size - 4) {
		/* Some tools and Windows versions leave the triage block empty; there is nothing to measure then. */
		require(i, i->required_dump_space);
		cf_dump_cut(i, _("its triage block is empty"));
		return 0;
	}
	i->triage_size = size;
	require(i, size);
	if (!i->complete)
		return 0;
	if (cf_dump_read(s, valid, word, sizeof word, err) < 0)
		return -1;
	if (cf_ld32(word) != TRIAGE_VALID)
		cf_dump_cut(i, _("the mark at its end is missing: it was not written to the end"));
	return 0;
}

static int body(struct cf_dump_source *s, const uint8_t *after, size_t n, struct cf_dump_info *i, struct cf_error *err)
{
	switch (i->type) {
	case 1:
		i->kind = i->attributes & CF_DUMP_ATTR_FILTERED ? CF_KIND_ACTIVE : CF_KIND_COMPLETE;
		if (!i->memory_pages)
			cf_dump_cut(i, _("its header does not say which memory follows"));
		else if (!require_pages(i, i->header_size, i->memory_pages))
			return cf_fail_at(err, CF_E_CORRUPT, i->header_size, "the dump's memory has a size that can't be");
		return 0;
	case 2:
	case 5:
	case 6:
	case 7:
		i->kind = CF_KIND_BITMAP;
		return bitmap_header(after, n, i, err);
	case 3: /* the header alone */
		i->kind = CF_KIND_KERNEL;
		require(i, i->header_size);
		return 0;
	case 4:
		i->kind = CF_KIND_TRIAGE;
		return triage_header(s, after, n, i, err);
	case 8:
	case 9:
	case 0xa:
		return rdmp_header(after, n, i, err);
	default: /* before Windows 2000 there was no type: a complete dump */
		if (i->type)
			return cf_fail_at(err, CF_E_UNSUPPORTED, i->bits == 64 ? 0xf98 : 0xf88, "dumps of type %u are not known", i->type);
		i->kind = CF_KIND_COMPLETE;
		if (!i->memory_pages || !require_pages(i, i->header_size, i->memory_pages))
			cf_dump_cut(i, _("its header does not say which memory follows"));
		return 0;
	}
}

int cf_dump_read_info(struct cf_dump_source *s, struct cf_dump_info *out, struct cf_error *err)
{
	uint8_t h[CF_DUMP_HEADER64 + 0x80];
	size_t n = (size_t)cf_min_u64(s->size, sizeof h);
	*out = (struct cf_dump_info){ .size = s->size, .complete = true };
	if (cf_dump_read(s, 0, h, n, err) < 0)
		return -1;
	enum cf_dump_magic magic = cf_dump_magic(h, n);
	if (magic == CF_MAGIC_USER)
		return cf_dump_read_user(s, out, err);
	if (magic == CF_MAGIC_NONE)
		return cf_fail(err, CF_E_UNSUPPORTED, "it is no crash dump: it begins with none of PAGEDUMP, PAGEDU64, MDMP");
	const struct layout *l = magic == CF_MAGIC_KERNEL64 ? &layout64 : &layout32;
	if (n < l->header)
		return cf_fail(err, CF_E_CORRUPT, "the dump ends inside its header: %zu of %u bytes are there", n, l->header);
	plain_fields(h, l, out);
	if (body(s, h + l->header, n - l->header, out, err) < 0)
		return -1;
	if (out->attributes & CF_DUMP_ATTR_INSUFFICIENT)
		cf_dump_cut(out, _("Windows marked it: the file had no room for all of it"));
	cf_dump_find_extent(s, out);
	return 0;
}
