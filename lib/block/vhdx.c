/* vhdx.c - what has to be known about a VHDX file before QEMU opens it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads only; the container is opened and written by QEMU's driver. While a log is pending the metadata may be old or torn,
 * so then nothing that is missing counts as damage.
 * Source: Microsoft's [MS-VHDX], sections 2.2 (headers, regions) and 2.6 (metadata).
 */
#include "block/vhdx.h"

#include <stdio.h>
#include <string.h>

#include "base/endian.h"
#include "base/span.h"
#include "base/utf16.h"

#define HEADER_LEN 4096u
#define TABLE_LEN 65536u     /* region and metadata tables */
#define TABLE_ENTRIES_MAX 2047u
#define LOCATOR_MAX 65536u   /* bytes of a parent locator that are read: paths are at most 32 KiB */
#define LOCATOR_KEYS_MAX 64u

struct header_disk {
	uint8_t signature[4];  /* 0: "head" */
	cf_le32 checksum;      /* 4: CRC-32C of the 4096 bytes with this field zero */
	cf_le64 sequence;      /* 8 */
	uint8_t file_write[16]; /* 0x10 */
	uint8_t data_write[16]; /* 0x20 */
	uint8_t log_guid[16];  /* 0x30: all zero: nothing to replay */
	cf_le16 log_version;   /* 0x40 */
	cf_le16 version;       /* 0x42 */
	cf_le32 log_length;    /* 0x44 */
	cf_le64 log_offset;    /* 0x48 */
};
_Static_assert(sizeof(struct header_disk) == 0x50, "VHDX header");

struct region_disk {
	uint8_t guid[16];  /* 0 */
	cf_le64 offset;    /* 16: bytes in the file */
	cf_le32 length;    /* 24 */
	cf_le32 required;  /* 28 */
};
_Static_assert(sizeof(struct region_disk) == 32, "VHDX region entry");

struct item_disk {
	uint8_t guid[16];  /* 0 */
	cf_le32 offset;    /* 16: bytes from the start of the region, at least 64 KiB */
	cf_le32 length;    /* 20 */
	cf_le32 flags;     /* 24 */
	cf_le32 reserved;  /* 28 */
};
_Static_assert(sizeof(struct item_disk) == 32, "VHDX metadata entry");

struct key_disk {
	cf_le32 key_offset, value_offset; /* 0, 4: from the start of the locator */
	cf_le16 key_length, value_length; /* 8, 10: bytes */
};
_Static_assert(sizeof(struct key_disk) == 12, "VHDX parent locator entry");

static const char metadata_region[] = "8b7ca206-4790-4b9a-b8fe-575f050f886e";
static const char item_file_parameters[] = "caa16737-fa36-4d43-b3b6-33f0aa44e76b";
static const char item_disk_size[] = "2fa54224-cd1b-4876-b211-5dbed83bf4b8";
static const char item_logical_sector[] = "8141bf1d-a96f-4709-ba47-f233a8faab5f";
static const char item_parent_locator[] = "a8d35f2d-b30b-454d-abf7-d3d84834ab0c";

uint32_t cf_crc32c(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < n; i++) {
		crc ^= b[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static bool is_guid(const uint8_t bytes[16], const char *text)
{
	struct cf_guid g;
	return cf_guid_parse(text, &g) && memcmp(g.b, bytes, sizeof g.b) == 0;
}

/* True when the 32-bit checksum at offset 4 of p is right. Changes nothing that lasts. */
static bool checksum_ok(uint8_t *p, size_t n)
{
	uint32_t stored = cf_ld32(p + 4);
	cf_st32(p + 4, 0);
	bool ok = cf_crc32c(p, n) == stored;
	cf_st32(p + 4, stored);
	return ok;
}

/* The current header: of the two copies the valid one with the higher sequence number. */
static int read_header(struct cf_block *raw, struct header_disk *out, struct cf_error *err)
{
	static const uint32_t places[] = { 64 * 1024, 128 * 1024 };
	uint8_t bytes[HEADER_LEN];
	bool found = false;

	for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
		struct header_disk h;
		if (!cf_range_ok(places[i], sizeof bytes, raw->size))
			continue;
		if (cf_block_read(raw, places[i], bytes, sizeof bytes, err) < 0)
			return -1;
		memcpy(&h, bytes, sizeof h);
		if (memcmp(h.signature, "head", 4) != 0 || !checksum_ok(bytes, sizeof bytes))
			continue;
		if (!found || cf_le64_get(h.sequence) > cf_le64_get(out->sequence))
			*out = h;
		found = true;
	}
	return found ? 0 : cf_fail(err, CF_E_CORRUPT, "neither of the VHDX file's two headers is valid");
}

/* Offset and length of the metadata region, from the first valid region table. */
static int find_metadata(struct cf_block *raw, uint8_t *table, uint64_t *off, uint32_t *len, struct cf_error *err)
{
	static const uint32_t places[] = { 192 * 1024, 256 * 1024 };

	for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
		if (!cf_range_ok(places[i], TABLE_LEN, raw->size))
			continue;
		if (cf_block_read(raw, places[i], table, TABLE_LEN, err) < 0)
			return -1;
		if (memcmp(table, "regi", 4) != 0 || !checksum_ok(table, TABLE_LEN))
			continue;
		uint32_t count = cf_ld32(table + 8);
		if (count > TABLE_ENTRIES_MAX)
			continue;
		for (uint32_t k = 0; k < count; k++) {
			struct region_disk r;
			memcpy(&r, table + 16 + k * sizeof r, sizeof r);
			if (!is_guid(r.guid, metadata_region))
				continue;
			*off = cf_le64_get(r.offset);
			*len = cf_le32_get(r.length);
			if (*len >= TABLE_LEN && cf_range_ok(*off, *len, raw->size))
				return 0;
		}
	}
	return cf_fail(err, CF_E_CORRUPT, "the VHDX file has no valid region table that leads to its metadata");
}

static void keep_text(struct cf_span utf16, char *out, size_t out_len)
{
	CF_FREE char *text = cf_utf16z_to_utf8(utf16, NULL);
	snprintf(out, out_len, "%s", text ? text : "");
}

/* Where this differencing disk looks for its parent; best effort, only for the message and to find children. */
static void read_locator(struct cf_span locator, struct cf_vhdx *out)
{
	const uint8_t *p = cf_span_at(locator, 0, 20);
	uint32_t count = p ? cf_ld16(p + 18) : 0;
	for (uint32_t i = 0; i < count && i < LOCATOR_KEYS_MAX; i++) {
		struct key_disk k;
		const uint8_t *e = cf_span_at(locator, 20 + i * sizeof k, sizeof k);
		if (!e)
			return;
		memcpy(&k, e, sizeof k);
		char key[64];
		keep_text(cf_span_sub(locator, cf_le32_get(k.key_offset), cf_le16_get(k.key_length)), key, sizeof key);
		struct cf_span value = cf_span_sub(locator, cf_le32_get(k.value_offset), cf_le16_get(k.value_length));
		if (strcmp(key, "parent_linkage") == 0)
			keep_text(value, out->parent_linkage, sizeof out->parent_linkage);
		else if (strcmp(key, "relative_path") == 0 ||
			 (strcmp(key, "absolute_win32_path") == 0 && !out->parent_path[0]))
			keep_text(value, out->parent_path, sizeof out->parent_path);
	}
}

static int read_item(struct cf_block *raw, uint64_t region, uint32_t region_len, const struct item_disk *item,
		     struct cf_vhdx *out, struct cf_error *err)
{
	uint32_t off = cf_le32_get(item->offset), len = cf_le32_get(item->length);
	uint8_t small[8] = { 0 };

	if (!cf_range_ok(off, len, region_len))
		return 0;
	if (is_guid(item->guid, item_parent_locator)) {
		CF_BUF buf = { 0 };
		if (len > LOCATOR_MAX)
			return 0;
		if (cf_buf_resize(&buf, len) < 0)
			return cf_fail_nomem(err);
		if (cf_block_read(raw, region + off, buf.p, len, err) < 0)
			return -1;
		read_locator(cf_buf_span(&buf), out);
		return 0;
	}
	if (len < 4)
		return 0;
	if (cf_block_read(raw, region + off, small, len < 8 ? 4 : 8, err) < 0)
		return -1;
	if (is_guid(item->guid, item_file_parameters) && len >= 8)
		out->has_parent = cf_ld32(small + 4) & 2;
	else if (is_guid(item->guid, item_disk_size) && len >= 8)
		out->size = cf_ld64(small);
	else if (is_guid(item->guid, item_logical_sector))
		out->sector_size = cf_ld32(small);
	return 0;
}

static int read_metadata(struct cf_block *raw, struct cf_vhdx *out, struct cf_error *err)
{
	uint64_t region = 0;
	uint32_t region_len = 0;
	CF_BUF table = { 0 };

	if (cf_buf_resize(&table, TABLE_LEN) < 0)
		return cf_fail_nomem(err);
	if (find_metadata(raw, table.p, &region, &region_len, err) < 0 ||
	    cf_block_read(raw, region, table.p, TABLE_LEN, err) < 0)
		return -1;
	uint32_t count = cf_ld16(table.p + 10);
	if (memcmp(table.p, "metadata", 8) != 0 || count > TABLE_ENTRIES_MAX)
		return cf_fail_at(err, CF_E_CORRUPT, region, "the VHDX file's metadata table is damaged");
	for (uint32_t i = 0; i < count; i++) {
		struct item_disk item;
		memcpy(&item, table.p + 32 + i * sizeof item, sizeof item);
		if (read_item(raw, region, region_len, &item, out, err) < 0)
			return -1;
	}
	if (out->size == 0 || (out->sector_size != 512 && out->sector_size != 4096) || out->size % out->sector_size)
		return cf_fail_at(err, CF_E_CORRUPT, region, "the VHDX file's metadata gives no usable size (%llu bytes) and sector size (%u)",
				  (unsigned long long)out->size, out->sector_size);
	return 0;
}

int cf_vhdx_read(struct cf_block *raw, struct cf_vhdx *out, struct cf_error *err)
{
	uint8_t magic[8] = { 0 };
	struct header_disk h = { .signature = { 0 } };
	struct cf_error ignored;

	memset(out, 0, sizeof *out);
	if (raw->size >= sizeof magic && cf_block_read(raw, 0, magic, sizeof magic, err) < 0)
		return -1;
	if (memcmp(magic, "vhdxfile", 8) != 0)
		return cf_fail(err, CF_E_NOT_FOUND, "this is no VHDX file");
	if (read_header(raw, &h, err) < 0)
		return -1;
	memcpy(out->data_write.b, h.data_write, sizeof out->data_write.b);
	for (size_t i = 0; i < sizeof h.log_guid; i++)
		out->log_pending |= h.log_guid[i] != 0;
	if (read_metadata(raw, out, out->log_pending ? &ignored : err) == 0)
		out->metadata_ok = true;
	else if (!out->log_pending)
		return -1;
	return 0;
}
