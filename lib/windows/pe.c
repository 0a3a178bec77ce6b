/* pe.c - what a Windows program file says about itself: processor and version.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Used when the registry can't tell. PE header: "MZ", at 0x3c the offset of "PE\0\0", then the machine. The version
 * is found by its signature (VS_FIXEDFILEINFO, winver.h), which lies on a multiple of four; the search is bounded.
 */
#include <string.h>

#include "base/endian.h"
#include "windows/survey.h"

#define MAX_HEADER_OFFSET 65536u           /* e_lfanew of real programs is below 1 KiB */
#define MAX_SEARCH (UINT64_C(32) * 1024 * 1024) /* ntoskrnl.exe has 4 to 13 MiB */
#define CHUNK 65536u
#define FIXED_INFO_SIZE 52u
#define FIXED_INFO_SIGNATURE 0xfeef04bdu
#define FIXED_INFO_STRUCT_VERSION 0x00010000u

static void close_filep(struct cf_file **f)
{
	if (*f)
		cf_file_close(*f);
}

const char *cf_pe_architecture(struct cf_volume *vol, const char *path)
{
	static const struct {
		uint16_t machine;
		const char *word;
	} machines[] = { { 0x8664, "x64" }, { 0x014c, "x86" }, { 0xaa64, "arm64" }, { 0x01c4, "arm" }, { 0x0200, "ia64" } };
	CF_CLEANUP(close_filep) struct cf_file *f = cf_file_open(vol, path, NULL);
	uint8_t b[64];
	size_t got = 0;
	if (!f || cf_file_read(f, 0, b, sizeof b, &got, NULL) < 0 || got < sizeof b || memcmp(b, "MZ", 2) != 0)
		return NULL;
	uint32_t off = cf_ld32(b + 0x3c);
	if (off > MAX_HEADER_OFFSET || cf_file_read(f, off, b, 6, &got, NULL) < 0 || got < 6 || memcmp(b, "PE\0", 4) != 0)
		return NULL;
	for (size_t i = 0; i < CF_ARRAY_LEN(machines); i++)
		if (machines[i].machine == cf_ld16(b + 4))
			return machines[i].word;
	return NULL;
}

static bool find_version(struct cf_span s, unsigned version[4])
{
	for (size_t i = 0; cf_span_at(s, i, FIXED_INFO_SIZE); i += 4) {
		const uint8_t *p = s.p + i;
		if (cf_ld32(p) != FIXED_INFO_SIGNATURE || cf_ld32(p + 4) != FIXED_INFO_STRUCT_VERSION)
			continue;
		uint32_t ms = cf_ld32(p + 8), ls = cf_ld32(p + 12);
		if (!ms)
			continue;
		version[0] = ms >> 16;
		version[1] = ms & 0xffff;
		version[2] = ls >> 16;
		version[3] = ls & 0xffff;
		return true;
	}
	return false;
}

bool cf_pe_version(struct cf_volume *vol, const char *path, unsigned version[4])
{
	CF_CLEANUP(close_filep) struct cf_file *f = cf_file_open(vol, path, NULL);
	CF_BUF b = { 0 };
	if (!f || cf_buf_resize(&b, CHUNK) < 0)
		return false;
	uint64_t end = cf_min_u64(cf_file_size(f), MAX_SEARCH);
	/* Pieces overlap by a little more than the structure, so that none is cut in two. */
	for (uint64_t off = 0; off < end; off += CHUNK - 64) {
		size_t got = 0;
		if (cf_file_read(f, off, b.p, CHUNK, &got, NULL) < 0 || !got)
			return false;
		if (find_version(cf_span_of(b.p, got), version))
			return true;
	}
	return false;
}
