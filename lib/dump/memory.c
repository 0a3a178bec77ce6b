/* memory.c - the memory in a complete or bitmap dump: physical pages, page tables, and PsLoadedModuleList.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: runs and bitmap as in header.c; page tables as Intel's manual has them (4 levels; x86 with and without PAE), Windows' transition entries
 * as kdmp-parser reads them; KLDR_DATA_TABLE_ENTRY's public part as in rizin's dmp_specs.h and kdmp-parser's LdrDataTableEntry.
 */
#include <stdlib.h>

#include "dump/internal.h"

#define MAX_RUNS 86u                   /* what fits into the header's 700 bytes */
#define MAX_BITMAP (64 * CF_MIB)       /* of 2 TiB of memory; larger dumps give no list of modules */
#define CHUNK 4096u                    /* bytes of bitmap for which one count is kept */
#define MAX_NAME 1024u                 /* bytes of a module's name */
#define PFN_MASK UINT64_C(0x000ffffffffff000)

struct memory {
	struct cf_dump_source *s;
	const struct cf_dump_info *i;
	size_t n_runs;
	struct run {
		uint64_t page, count, first; /* page number, how many, and how many stand in the dump before */
	} run[MAX_RUNS];
	struct cf_buf bitmap;
	uint64_t *before; /* pages present before each chunk of the bitmap */
	bool pae;
};

static void memory_free(struct memory *m)
{
	cf_buf_free(&m->bitmap);
	free(m->before);
}

static unsigned ones(const uint8_t *p, size_t n)
{
	unsigned sum = 0;
	for (size_t k = 0; k < n; k++)
		sum += (unsigned)__builtin_popcount(p[k]);
	return sum;
}

static int load_bitmap(struct memory *m, struct cf_error *err)
{
	size_t bytes = (size_t)(m->i->bitmap_bits / 8), chunks = bytes / CHUNK + 1;
	m->before = calloc(chunks, sizeof *m->before);
	if (!m->before || cf_buf_resize(&m->bitmap, bytes) < 0)
		return cf_fail_nomem(err);
	if (cf_dump_read(m->s, m->i->bitmap, m->bitmap.p, bytes, err) < 0)
		return -1;
	for (size_t k = 0; k + 1 < chunks; k++)
		m->before[k + 1] = m->before[k] + ones(m->bitmap.p + k * CHUNK, CHUNK);
	return 0;
}

static int load_runs(struct memory *m, struct cf_error *err)
{
	uint8_t b[700];
	bool wide = m->i->bits == 64;
	uint64_t sum = 0;
	if (cf_dump_read(m->s, wide ? 0x88 : 0x64, b, sizeof b, err) < 0)
		return -1;
	uint64_t n = cf_min_u64(cf_ld32(b), wide ? (700 - 16) / 16 : (700 - 8) / 8);
	for (size_t k = 0; k < n; k++) {
		const uint8_t *r = b + (wide ? 16 + k * 16 : 8 + k * 8);
		uint64_t page = wide ? cf_ld64(r) : cf_ld32(r), count = wide ? cf_ld64(r + 8) : cf_ld32(r + 4);
		m->run[m->n_runs++] = (struct run){ page, count, sum };
		if (cf_add_overflow(sum, count, &sum))
			return 0;
	}
	return 0;
}

/* Where a page of memory stands in the dump; false: not in it. */
static bool find_page(const struct memory *m, uint64_t page, uint64_t *index)
{
	if (m->bitmap.n) {
		size_t byte = (size_t)(page / 8), chunk = byte / CHUNK;
		if (page / 8 >= m->bitmap.n || !(m->bitmap.p[byte] >> page % 8 & 1))
			return false;
		*index = m->before[chunk] + ones(m->bitmap.p + chunk * CHUNK, byte - chunk * CHUNK) +
			 (unsigned)__builtin_popcount(m->bitmap.p[byte] & ((1u << page % 8) - 1));
		return *index < m->i->pages;
	}
	for (size_t k = 0; k < m->n_runs; k++)
		if (page >= m->run[k].page && page - m->run[k].page < m->run[k].count) {
			*index = m->run[k].first + (page - m->run[k].page);
			return *index < m->i->pages;
		}
	return false;
}

/* len bytes that lie in one page of physical memory. */
static bool read_physical(const struct memory *m, uint64_t at, void *buf, size_t len)
{
	uint64_t index;
	if (!find_page(m, at / CF_DUMP_PAGE, &index))
		return false;
	return cf_dump_read(m->s, m->i->first_page + index * CF_DUMP_PAGE + at % CF_DUMP_PAGE, buf, len, NULL) == 0;
}

static bool read_entry(const struct memory *m, uint64_t at, unsigned size, uint64_t *entry)
{
	uint8_t b[8];
	if (!read_physical(m, at, b, size))
		return false;
	*entry = size == 8 ? cf_ld64(b) : cf_ld32(b);
	return true;
}

/* Physical address of a virtual one. Levels from the top: the first address bit that each resolves, and how many. */
static bool translate(const struct memory *m, uint64_t va, uint64_t *pa)
{
	static const struct level {
		unsigned shift, bits;
	} long_mode[] = { { 39, 9 }, { 30, 9 }, { 21, 9 }, { 12, 9 }, { 0, 0 } }, pae[] = { { 30, 2 }, { 21, 9 }, { 12, 9 }, { 0, 0 } },
	  plain[] = { { 22, 10 }, { 12, 10 }, { 0, 0 } };
	bool wide = m->i->bits == 64;
	unsigned size = wide || m->pae ? 8 : 4;
	const struct level *l = wide ? long_mode : m->pae ? pae : plain;
	uint64_t table = m->i->directory_table_base & (wide || !m->pae ? PFN_MASK : ~UINT64_C(31)), entry;
	for (; l->shift; l++) {
		uint64_t index = va >> l->shift & ((1u << l->bits) - 1);
		if (!read_entry(m, table + index * size, size, &entry))
			return false;
		bool transition = l->shift == 12 && (entry & 0xc00) == 0x800; /* not valid, but still in memory */
		if (!(entry & 1) && !transition)
			return false;
		uint64_t page = entry & PFN_MASK;
		if (l->shift > 12 && entry & 0x80 && !(l->shift == 30 && !wide)) { /* a large page; PAE's top level has none */
			uint64_t inside = (UINT64_C(1) << l->shift) - 1;
			*pa = (page & ~inside) | (va & inside);
			return true;
		}
		table = page;
	}
	*pa = table | (va & (CF_DUMP_PAGE - 1));
	return true;
}

static bool read_virtual(const struct memory *m, uint64_t va, void *buf, size_t len)
{
	uint8_t *to = buf;
	while (len) {
		uint64_t pa, left = CF_DUMP_PAGE - va % CF_DUMP_PAGE;
		size_t n = (size_t)cf_min_u64(len, left);
		if (!translate(m, va, &pa) || !read_physical(m, pa, to, n))
			return false;
		to += n;
		va += n;
		len -= n;
	}
	return true;
}

/* UNICODE_STRING: FullDllName, else BaseDllName (its text may be paged out). */
static struct cf_span module_name(const struct memory *m, const uint8_t *entry, uint8_t *buf)
{
	bool wide = m->i->bits == 64;
	for (unsigned k = 0; k < 2; k++) {
		const uint8_t *u = entry + (wide ? 0x48 + k * 0x10 : 0x24 + k * 8);
		size_t len = cf_ld16(u);
		if (len && len <= MAX_NAME && read_virtual(m, wide ? cf_ld64(u + 8) : cf_ld32(u + 4), buf, len))
			return cf_span_of(buf, len);
	}
	return (struct cf_span){ 0 };
}

static int walk(const struct memory *m, struct cf_dump_modules *out, struct cf_error *err)
{
	bool wide = m->i->bits == 64;
	uint64_t head = m->i->ps_loaded_module_list, at;
	uint8_t b[0x68], name[MAX_NAME];
	if (!read_virtual(m, head, b, wide ? 8 : 4))
		return 0;
	out->known = true;
	at = wide ? cf_ld64(b) : cf_ld32(b);
	for (size_t k = 0; at != head && !out->broken; k++) {
		if (k >= CF_DUMP_MAX_MODULES || !read_virtual(m, at, b, wide ? 0x68 : 0x34)) {
			out->broken = true;
			break;
		}
		struct cf_dump_module module = { .base = wide ? cf_ld64(b + 0x30) : cf_ld32(b + 0x18), .size = cf_ld32(b + (wide ? 0x40 : 0x20)) };
		if (cf_dump_module_add(out, module_name(m, b, name), module, err) < 0)
			return -1;
		at = wide ? cf_ld64(b) : cf_ld32(b);
	}
	return 0;
}

int cf_dump_memory_modules(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_modules *out, struct cf_error *err)
{
	CF_CLEANUP(memory_free) struct memory m = { .s = s, .i = i };
	uint8_t pae = 0;
	if (!i->first_page || !i->pages || !i->ps_loaded_module_list || (i->machine != 0x8664 && i->machine != 0x14c) ||
	    (i->machine == 0x8664) != (i->bits == 64))
		return 0;
	if (i->bits == 32 && cf_dump_read(s, 0x5c, &pae, 1, err) < 0)
		return -1;
	m.pae = pae == 1;
	if (i->bitmap) {
		/* A bitmap that the dump does not hold whole says nothing about where pages are. */
		if (i->bitmap_bits / 8 > MAX_BITMAP || i->bitmap_bits < 8 || !cf_range_ok(i->bitmap, i->bitmap_bits / 8, i->size))
			return 0;
		if (load_bitmap(&m, err) < 0)
			return -1;
	} else if (i->type > 1 || load_runs(&m, err) < 0) {
		return i->type > 1 ? 0 : -1; /* WinDbg's own format has ranges of its own */
	}
	return walk(&m, out, err);
}
