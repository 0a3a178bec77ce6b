/* probe.c - which container a file is, from its content, without opening anything else.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bytes of a raw disk are the guest's: a guest can write a qcow2 header at offset 0 that names any file of the host as
 * its backing file. So a container is only believed when the file's name does not say "raw"; what it names is reported,
 * never opened; and the caller tells QEMU the format, so that QEMU never looks for itself.
 * Sources: QEMU's docs/interop/qcow2.txt; VMware's Virtual Disk Format 5.0; VHD specification; [MS-VHDX]; VirtualBox's VDI.
 */
#include "block/probe.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/endian.h"
#include "base/span.h"
#include "block/vhd.h"
#include "block/vhdx.h"

#define DESCRIPTOR_MAX (64u * 1024) /* bytes of a VMDK descriptor that are read: real ones have about 1 KiB */
#define QCOW2_DATA_FILE 4u          /* incompatible feature: the data lies in another file */
#define VDI_SIGNATURE 0xbeda107fu

struct qcow2_disk {
	uint8_t magic[4];        /* 0: "QFI" 0xfb */
	cf_be32 version;         /* 4 */
	cf_be64 backing_offset;  /* 8 */
	cf_be32 backing_length;  /* 16: bytes, at most 1023 */
	cf_be32 cluster_bits;    /* 20 */
	cf_be64 size;            /* 24 */
	cf_be32 encryption;      /* 32: 0 none, 1 AES, 2 LUKS */
	uint8_t tables[36];      /* 36 */
	cf_be64 incompatible;    /* 72: version 3 */
};
_Static_assert(sizeof(struct qcow2_disk) == 80, "qcow2 header");

static const struct {
	const char *word;
	enum cf_disk_format format;
} words[] = {
	{ "raw", CF_FMT_RAW },     { "vhd", CF_FMT_VHD_FIXED }, { "vhdx", CF_FMT_VHDX },
	{ "qcow2", CF_FMT_QCOW2 }, { "vmdk", CF_FMT_VMDK },     { "vdi", CF_FMT_VDI },
};

/* Files that are no disks, or disks that neither we nor QEMU can change: told by name instead of "no partition table". */
static const struct {
	const char *magic;
	uint8_t length;
	const char *what, *advice;
} strangers[] = {
	{ "QED\0", 4, "a QED image", "convert it with \"qemu-img convert -O qcow2\"" },
	{ "WithoutFreeSpace", 16, "a Parallels image", "convert it with \"qemu-img convert -O qcow2\"" },
	{ "WithouFreSpacExt", 16, "a Parallels image", "convert it with \"qemu-img convert -O qcow2\"" },
	{ "COWD", 4, "a VMware ESX sparse extent", "convert the disk with \"qemu-img convert -O qcow2\"" },
	{ "LUKS\xba\xbe", 6, "a LUKS-encrypted disk", "unlock it first and give the unlocked device" },
	{ "EVF\x09\x0d\x0a\xff", 7, "an EnCase evidence file", "export it as a raw image" },
	{ "\x1f\x8b\x08", 3, "a gzip-compressed file", "unpack it first" },
	{ "BZh", 3, "a bzip2-compressed file", "unpack it first" },
	{ "\xfd" "7zXZ", 6, "an xz-compressed file", "unpack it first" },
	{ "\x28\xb5\x2f\xfd", 4, "a zstd-compressed file", "unpack it first" },
	{ "PK\x03\x04", 4, "a ZIP archive", "unpack it first" },
	{ "7z\xbc\xaf\x27\x1c", 6, "a 7-Zip archive", "unpack it first" },
	{ "MSWIM\0\0\0", 8, "a Windows image file (WIM)", "it holds files, not a disk" },
};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);
	return n >= k && strcasecmp(name + n - k, suffix) == 0;
}

/* True when the name says that the content is a plain disk. */
static bool name_says_raw(const char *name)
{
	return has_suffix(name, ".raw") || has_suffix(name, ".img") || has_suffix(name, ".dd") || has_suffix(name, ".bin") ||
	       has_suffix(name, "-flat.vmdk");
}

/* The format that the name promises; CF_FMT_RAW when it promises none. */
static enum cf_disk_format name_promises(const char *name)
{
	if (has_suffix(name, "-flat.vmdk"))
		return CF_FMT_RAW;
	if (has_suffix(name, ".avhd"))
		return CF_FMT_VHD_FIXED;
	if (has_suffix(name, ".avhdx"))
		return CF_FMT_VHDX;
	for (size_t i = 1; i < CF_ARRAY_LEN(words); i++) {
		char suffix[12];
		snprintf(suffix, sizeof suffix, ".%s", words[i].word);
		if (has_suffix(name, suffix))
			return words[i].format;
	}
	return CF_FMT_RAW;
}

/* ---- VHD ---- */

/* A fixed VHD is recognised by a footer whose size fits the file exactly: a coincidence can't do that. */
static bool fixed_footer(struct cf_span tail, uint64_t file_size, struct cf_vhd_footer *footer)
{
	static const uint32_t lengths[] = { CF_VHD_FOOTER, CF_VHD_FOOTER_OLD };
	for (size_t i = 0; i < CF_ARRAY_LEN(lengths); i++) {
		if (tail.n < lengths[i])
			continue;
		struct cf_span bytes = cf_span_sub(tail, tail.n - lengths[i], lengths[i]);
		if (cf_vhd_parse(bytes, footer, NULL) == 0 && footer->type == CF_VHD_FIXED &&
		    footer->current_size + lengths[i] == file_size)
			return true;
	}
	return false;
}

static void take_footer(const struct cf_vhd_footer *footer, struct cf_probe *out)
{
	out->format = footer->type == CF_VHD_FIXED ? CF_FMT_VHD_FIXED : CF_FMT_VHD_DYNAMIC;
	out->size = footer->current_size;
	out->sector_size = 512;
	out->saved_state = footer->saved_state;
	out->differencing = footer->type == CF_VHD_DIFFERENCING;
	memcpy(out->id, footer->id, sizeof out->id);
	out->has_id = true;
}

/* Not fixed, or damaged: dynamic and differencing disks carry a copy of the footer at offset 0. */
static int examine_vhd(struct cf_span head, struct cf_span tail, uint64_t file_size, struct cf_probe *out,
		       struct cf_error *err)
{
	struct cf_vhd_footer footer;
	struct cf_error why;

	if (fixed_footer(tail, file_size, &footer)) {
		take_footer(&footer, out);
		return 0;
	}
	struct cf_span first = cf_span_sub(head, 0, cf_min_u64(head.n, CF_VHD_FOOTER));
	if (cf_vhd_has_cookie(first)) {
		if (cf_vhd_parse(first, &footer, err) < 0 && cf_vhd_parse(tail, &footer, err) < 0)
			return -1;
		if (footer.type == CF_VHD_FIXED)
			return cf_fail(err, CF_E_CORRUPT, "the VHD's footer says that it is fixed, but stands at the start of the file");
		take_footer(&footer, out);
		return 0;
	}
	if (cf_vhd_parse(tail, &footer, &why) == 0) {
		if (footer.type == CF_VHD_FIXED)
			return cf_fail(err, CF_E_CORRUPT,
				       "the fixed VHD's footer says %llu bytes, but the file holds %llu before it: it was cut or grown by something else",
				       (unsigned long long)footer.current_size, (unsigned long long)file_size - CF_VHD_FOOTER);
		return cf_fail(err, CF_E_CORRUPT, "the VHD's footer says that it is dynamic, but its copy at the start of the file is missing");
	}
	if (why.code == CF_E_CORRUPT)
		return cf_fail(err, CF_E_CORRUPT, "%s", why.message);
	return cf_fail(err, CF_E_CORRUPT,
		       "the file has no VHD footer: it was cut short, or is a raw disk (then say --format=raw)");
}

/* ---- qcow2 ---- */

static int examine_qcow2(struct cf_block *raw, struct cf_span head, struct cf_probe *out, struct cf_error *err)
{
	struct qcow2_disk h;
	const uint8_t *p = cf_span_at(head, 0, sizeof h);

	if (!p || memcmp(p, "QFI\xfb", 4) != 0)
		return cf_fail(err, CF_E_CORRUPT, "the file has no qcow2 header");
	memcpy(&h, p, sizeof h);
	uint32_t version = cf_be32_get(h.version);
	if (version != 2 && version != 3)
		return cf_fail(err, CF_E_UNSUPPORTED, "this is a qcow image of version %u: only 2 and 3 can be opened", version);
	if (cf_be32_get(h.encryption) != 0)
		return cf_fail(err, CF_E_UNSUPPORTED, "the qcow2 image is encrypted: decrypt it with \"qemu-img convert\" first");
	out->format = CF_FMT_QCOW2;
	uint64_t off = cf_be64_get(h.backing_offset);
	uint32_t len = cf_be32_get(h.backing_length);
	if (version == 3 && cf_be64_get(h.incompatible) & QCOW2_DATA_FILE) {
		out->other_files = true;
		snprintf(out->other, sizeof out->other, "an external data file");
	}
	if (off != 0) {
		out->other_files = out->differencing = true;
		char name[sizeof out->other] = "";
		len = (uint32_t)cf_min_u64(len, sizeof name - 1);
		if (cf_range_ok(off, len, raw->size) && cf_block_read(raw, off, name, len, err) < 0)
			return -1;
		snprintf(out->other, sizeof out->other, "%s", name);
	}
	return 0;
}

/* ---- VMDK ---- */

/* The value of KEY= in a descriptor, without quotes; true when the key is there. */
static bool descriptor_value(const char *text, const char *key, char *out, size_t out_len)
{
	size_t n = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strspn(line, " \t");
		if (strncasecmp(line, key, n) != 0)
			continue;
		const char *v = line + n + strspn(line + n, " \t");
		if (*v != '=')
			continue;
		v += 1 + strspn(v + 1, " \t\"");
		snprintf(out, out_len, "%.*s", (int)cf_min_u64(strcspn(v, "\"\r\n"), out_len - 1), v);
		return true;
	}
	return false;
}

static void examine_descriptor(const char *text, struct cf_probe *out)
{
	char value[sizeof out->other];

	if (descriptor_value(text, "parentCID", value, sizeof value) && strcasecmp(value, "ffffffff") != 0) {
		out->differencing = out->other_files = true;
		if (descriptor_value(text, "parentFileNameHint", value, sizeof value))
			snprintf(out->other, sizeof out->other, "%s", value);
	}
	if (descriptor_value(text, "createType", value, sizeof value) && strcasecmp(value, "streamOptimized") == 0)
		out->write_once = true;
}

static int examine_vmdk(struct cf_block *raw, struct cf_span head, struct cf_probe *out, struct cf_error *err)
{
	CF_FREE char *text = calloc(1, DESCRIPTOR_MAX + 1);
	if (!text)
		return cf_fail_nomem(err);
	out->format = CF_FMT_VMDK;
	if (head.n >= 21 && memcmp(head.p, "# Disk DescriptorFile", 21) == 0) {
		memcpy(text, head.p, cf_min_u64(head.n, DESCRIPTOR_MAX));
		examine_descriptor(text, out);
		out->other_files = true;
		if (!out->other[0])
			snprintf(out->other, sizeof out->other, "the extent files that its descriptor lists");
		return 0;
	}
	const uint8_t *p = cf_span_at(head, 0, 80);
	if (!p || memcmp(p, "KDMV", 4) != 0)
		return cf_fail(err, CF_E_CORRUPT, "the file has no VMDK header");
	/* 8: flags, bit 16: compressed grains; 12: capacity, 28: descriptor offset, 36: its length, all in sectors. */
	out->write_once = cf_ld32(p + 8) & 0x10000;
	if (cf_ld64(p + 12) == 0) { /* then QEMU would follow the embedded descriptor to its extents */
		out->other_files = true;
		snprintf(out->other, sizeof out->other, "the extent files that its descriptor lists");
	}
	uint64_t off, len;
	if (cf_mul_overflow(cf_ld64(p + 28), UINT64_C(512), &off) || cf_mul_overflow(cf_ld64(p + 36), UINT64_C(512), &len))
		return cf_fail_at(err, CF_E_CORRUPT, 28, "the VMDK header's descriptor offset is impossible");
	len = cf_min_u64(len, DESCRIPTOR_MAX);
	if (off && cf_range_ok(off, len, raw->size)) {
		if (cf_block_read(raw, off, text, (size_t)len, err) < 0)
			return -1;
		examine_descriptor(text, out);
	}
	return 0;
}

/* ---- VDI ---- */

static bool looks_like_vdi(struct cf_span head)
{
	const uint8_t *p = cf_span_at(head, 0x40, 4);
	return p && cf_ld32(p) == VDI_SIGNATURE && memcmp(head.p, "<<< ", 4) == 0;
}

static int examine_vdi(struct cf_span head, struct cf_probe *out, struct cf_error *err)
{
	const uint8_t *p = cf_span_at(head, 0, 512);
	if (!p || cf_ld32(p + 0x40) != VDI_SIGNATURE)
		return cf_fail(err, CF_E_CORRUPT, "the file has no VDI header");
	out->format = CF_FMT_VDI;
	out->differencing = cf_ld32(p + 0x4c) == 4; /* image type */
	memcpy(out->id, p + 0x188, sizeof out->id);
	out->has_id = true;
	return 0;
}

static int examine_vhdx(struct cf_block *raw, struct cf_probe *out, struct cf_error *err)
{
	struct cf_vhdx v;
	if (cf_vhdx_read(raw, &v, err) < 0) {
		if (err && err->code == CF_E_NOT_FOUND)
			err->code = CF_E_CORRUPT;
		return -1;
	}
	out->format = CF_FMT_VHDX;
	out->log_pending = v.log_pending;
	out->sector_size = v.metadata_ok ? v.sector_size : 0;
	out->size = v.size;
	out->differencing = v.has_parent;
	snprintf(out->other, sizeof out->other, "%s", v.parent_path);
	memcpy(out->id, v.data_write.b, sizeof out->id);
	out->has_id = true;
	return 0;
}

/* ---- the decision ---- */

/* What the content looks like; CF_FMT_RAW when like nothing known. */
static enum cf_disk_format content_looks_like(struct cf_span head, struct cf_span tail, uint64_t file_size)
{
	struct cf_vhd_footer footer;

	/* First, because the start of a fixed VHD is the guest's. */
	if (fixed_footer(tail, file_size, &footer))
		return CF_FMT_VHD_FIXED;
	if (cf_vhd_has_cookie(head))
		return CF_FMT_VHD_DYNAMIC;
	if (head.n >= 8 && memcmp(head.p, "vhdxfile", 8) == 0)
		return CF_FMT_VHDX;
	if (head.n >= 4 && memcmp(head.p, "QFI\xfb", 4) == 0)
		return CF_FMT_QCOW2;
	if (head.n >= 4 && memcmp(head.p, "KDMV", 4) == 0)
		return CF_FMT_VMDK;
	if (head.n >= 21 && memcmp(head.p, "# Disk DescriptorFile", 21) == 0)
		return CF_FMT_VMDK;
	if (looks_like_vdi(head))
		return CF_FMT_VDI;
	return CF_FMT_RAW;
}

static int refuse_strangers(struct cf_span head, struct cf_error *err)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(strangers); i++) {
		const uint8_t *p = cf_span_at(head, 0, strangers[i].length);
		if (p && memcmp(p, strangers[i].magic, strangers[i].length) == 0)
			return cf_fail(err, CF_E_UNSUPPORTED, "this is %s: %s (or say --format=raw if it is a plain disk all the same)",
				       strangers[i].what, strangers[i].advice);
	}
	return 0;
}

static bool same_family(enum cf_disk_format a, enum cf_disk_format b)
{
	bool va = a == CF_FMT_VHD_FIXED || a == CF_FMT_VHD_DYNAMIC, vb = b == CF_FMT_VHD_FIXED || b == CF_FMT_VHD_DYNAMIC;
	return a == b || (va && vb);
}

/* Decides by content and name what the file is to be taken for. */
static int decide(struct cf_span head, struct cf_span tail, uint64_t file_size, const char *name,
		  enum cf_disk_format *format, struct cf_error *err)
{
	enum cf_disk_format content = content_looks_like(head, tail, file_size), promised = name_promises(name);

	*format = content;
	if (content != CF_FMT_RAW && name_says_raw(name))
		return cf_fail(err, CF_E_REFUSED,
			       "the name says a raw disk, but the content begins or ends like a %s image, which a guest can fake: say --format=raw or --format=%s",
			       cf_disk_format_name(content), cf_disk_format_name(content));
	if (promised != CF_FMT_RAW && !same_family(promised, content)) {
		if (content != CF_FMT_RAW)
			return cf_fail(err, CF_E_REFUSED,
				       "the name says %s, but the content looks like %s: say --format=%s, or --format=raw if it is a plain disk",
				       cf_disk_format_name(promised), cf_disk_format_name(content), cf_disk_format_name(content));
		*format = promised; /* and let its examination say what is missing */
		return 0;
	}
	return content == CF_FMT_RAW ? refuse_strangers(head, err) : 0;
}

static int format_from_word(const char *word, enum cf_disk_format *format, struct cf_error *err)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
		if (strcasecmp(word, words[i].word) == 0) {
			*format = words[i].format;
			return 0;
		}
	return cf_fail(err, CF_E_USAGE, "unknown format \"%s\": it is one of raw, vhd, vhdx, qcow2, vmdk, vdi", word);
}

int cf_probe(struct cf_block *raw, const char *name, const char *format, struct cf_probe *out, struct cf_error *err)
{
	CF_BUF head = { 0 };
	uint8_t tail[CF_VHD_FOOTER];
	size_t tail_len = (size_t)cf_min_u64(raw->size, sizeof tail);
	enum cf_disk_format found = CF_FMT_RAW;

	memset(out, 0, sizeof *out);
	if (format && format_from_word(format, &found, err) < 0)
		return -1;
	if (cf_buf_resize(&head, (size_t)cf_min_u64(raw->size, CF_PROBE_HEAD)) < 0)
		return cf_fail_nomem(err);
	if (cf_block_read(raw, 0, head.p, head.n, err) < 0 ||
	    cf_block_read(raw, raw->size - tail_len, tail, tail_len, err) < 0)
		return -1;
	struct cf_span h = cf_buf_span(&head), t = cf_span_of(tail, tail_len);
	if (!format && decide(h, t, raw->size, name, &found, err) < 0)
		return -1;
	switch (found) {
	case CF_FMT_VHD_FIXED:
	case CF_FMT_VHD_DYNAMIC:
		return examine_vhd(h, t, raw->size, out, err);
	case CF_FMT_VHDX:
		return examine_vhdx(raw, out, err);
	case CF_FMT_QCOW2:
		return examine_qcow2(raw, h, out, err);
	case CF_FMT_VMDK:
		return examine_vmdk(raw, h, out, err);
	case CF_FMT_VDI:
		return examine_vdi(h, out, err);
	case CF_FMT_RAW:
	case CF_FMT_DEVICE:
	case CF_FMT_NBD:
		break;
	}
	out->format = CF_FMT_RAW;
	out->size = raw->size;
	return 0;
}
