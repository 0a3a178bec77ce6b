/* fat-bpb.h - where everything is on a FAT volume, from its boot sector. Shared by detect.c and fat*.c.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_VOLUME_FAT_BPB_H
#define CF_VOLUME_FAT_BPB_H

#include "base/span.h"
#include "volume/volume.h"

struct cf_fat_geometry {
	enum cf_fs fs;            /* FAT12, FAT16 or FAT32 */
	uint32_t sector_size;     /* bytes, 512 to 4096 */
	uint32_t cluster_size;    /* bytes, up to 256 KiB */
	uint64_t fat_offset;      /* bytes: the first FAT */
	uint64_t fat_size;        /* bytes of one FAT */
	unsigned n_fats;          /* 1 or 2 (any number up to 255 is accepted) */
	unsigned active_fat;      /* the one to read; with mirrored false the only one to write */
	bool mirrored;
	uint64_t root_offset;     /* bytes: the fixed root folder; FAT12 and FAT16 */
	uint32_t root_entries;    /* 32-byte entries there; 0 on FAT32 */
	uint32_t root_cluster;    /* FAT32 */
	uint64_t fsinfo_offset;   /* bytes; 0: none (FAT12, FAT16) */
	uint64_t data_offset;     /* bytes: cluster 2 */
	uint32_t clusters;        /* data clusters; valid numbers are 2 .. clusters + 1 */
	uint64_t total_size;      /* bytes of the volume as the boot sector says */
};

/* boot: at least the first 512 bytes of the volume. False, with a reason of at most 100 characters in *why (may be
 * NULL), when it is not a FAT boot sector or its numbers contradict each other. */
bool cf_fat_geometry(struct cf_span boot, struct cf_fat_geometry *g, const char **why);

#endif
