/* detect.c - which file system a partition holds, by content.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Only looks. What would be dangerous to mistake comes first: a BitLocker volume (the To-Go kind carries a FAT boot
 * sector in front), then the signatures, then FAT, which has none and is accepted only if its numbers agree. What only
 * says "member of a dynamic disk" or "of a storage pool" comes last, as a volume may lie on those sectors.
 */
#include "base/endian.h"
#include "volume/fat-bpb.h"
#include "volume/volume.h"

#define LOOK ((size_t)(64 * CF_KIB)) /* bytes from the start in which everything but LDM's copies is found */

/* BitLocker identifiers, as they lie on the disk: 4967D63B-2E29-4AD8-8399-F6A339E3D001, and
 * 92A84D3B-DD80-4D0E-9E4E-B1E3284EAED8 of a volume where only used space was encrypted. */
static const uint8_t fve_guid[2][16] = {
	{ 0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01 },
	{ 0x3b, 0x4d, 0xa8, 0x92, 0x80, 0xdd, 0x0e, 0x4d, 0x9e, 0x4e, 0xb1, 0xe3, 0x28, 0x4e, 0xae, 0xd8 },
};

static bool has(struct cf_span s, uint64_t off, const void *bytes, size_t n)
{
	const uint8_t *p = cf_span_at(s, off, n);
	return p && memcmp(p, bytes, n) == 0;
}

static bool is_bitlocker(struct cf_span s)
{
	if (has(s, 3, "-FVE-FS-", 8))
		return true;
	/* The identifier is at 160, with To-Go (a FAT32 boot sector with OEM "MSWIN4.1") at 424. */
	for (size_t i = 0; i < CF_ARRAY_LEN(fve_guid); i++)
		if (has(s, 424, fve_guid[i], 16) || has(s, 160, fve_guid[i], 16))
			return true;
	return false;
}

static bool is_storage_spaces(struct cf_span s)
{
	for (size_t off = 0; off < s.n; off += 512)
		if (has(s, off, "SPACEDB ", 8))
			return true;
	return false;
}

/* LDM's private header: sector 6 of an MBR disk; copies in sectors 1856 and 2047 of the 1 MiB database; on GPT disks
 * the last sector of the metadata partition. */
static int find_ldm(struct cf_block *slice, struct cf_span s, bool *found, struct cf_error *err)
{
	uint64_t ss = slice->sector_size;
	uint64_t place[] = { 6 * 512, 6 * ss, 0, 1856 * 512, 2047 * 512, slice->size - cf_min_u64(slice->size, ss),
			     slice->size - cf_min_u64(slice->size, 512) };
	*found = false;
	for (size_t i = 0; i < CF_ARRAY_LEN(place) && !*found; i++) {
		uint8_t sig[8];
		if (!cf_range_ok(place[i], sizeof sig, slice->size))
			continue;
		if (place[i] + sizeof sig <= s.n)
			memcpy(sig, s.p + place[i], sizeof sig);
		else if (cf_block_read(slice, place[i], sig, sizeof sig, err) < 0)
			return -1;
		*found = memcmp(sig, "PRIVHEAD", 8) == 0;
	}
	return 0;
}

static bool all_zero(struct cf_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

int cf_volume_detect(struct cf_block *slice, enum cf_fs *fs, struct cf_error *err)
{
	CF_BUF head = { 0 };
	struct cf_fat_geometry g;
	bool ldm;
	*fs = CF_FS_UNKNOWN;
	if (cf_buf_resize(&head, (size_t)cf_min_u64(LOOK, slice->size)) < 0)
		return cf_fail_nomem(err);
	if (head.n && cf_block_read(slice, 0, head.p, head.n, err) < 0)
		return cf_fail_prefix(err, "the start of the volume can't be read");
	struct cf_span s = cf_buf_span(&head);
	if (is_bitlocker(s))
		*fs = CF_FS_BITLOCKER;
	else if (has(s, 3, "NTFS    ", 8))
		*fs = CF_FS_NTFS;
	else if (has(s, 3, "EXFAT   ", 8))
		*fs = CF_FS_EXFAT;
	else if (has(s, 0, "\0\0\0ReFS", 8))
		*fs = CF_FS_REFS;
	else if (cf_fat_geometry(s, &g, NULL))
		*fs = g.fs;
	else if (find_ldm(slice, s, &ldm, err) < 0)
		return cf_fail_prefix(err, "the volume can't be read");
	else if (ldm)
		*fs = CF_FS_LDM;
	else if (is_storage_spaces(s))
		*fs = CF_FS_STORAGE_SPACES;
	else if (all_zero(cf_span_sub(s, 0, cf_min_u64(s.n, 4096))))
		*fs = CF_FS_EMPTY;
	return 0;
}

const char *cf_fs_name(enum cf_fs fs)
{
	static const char *const names[] = {
		[CF_FS_UNKNOWN] = "unknown",
		[CF_FS_NTFS] = "ntfs",
		[CF_FS_FAT12] = "fat12",
		[CF_FS_FAT16] = "fat16",
		[CF_FS_FAT32] = "fat32",
		[CF_FS_EXFAT] = "exfat",
		[CF_FS_REFS] = "refs",
		[CF_FS_BITLOCKER] = "bitlocker",
		[CF_FS_LDM] = "ldm",
		[CF_FS_STORAGE_SPACES] = "storage-spaces",
		[CF_FS_EMPTY] = "empty",
	};
	return (unsigned)fs < CF_ARRAY_LEN(names) && names[fs] ? names[fs] : "unknown";
}
