/* fat-bpb.c - the boot sector of a FAT volume, checked.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Microsoft's FAT specification 1.03. The number of clusters decides between FAT12 and FAT16. FAT32 has a boot sector
 * of another shape (FATSz16 is 0), and that shape decides, as it does in Windows: an ESP on a disk with 4096-byte
 * sectors is a FAT32 volume of fewer clusters than the specification asks for, and reading it as FAT16 would be fatal.
 */
#include "volume/fat-bpb.h"

#include "base/endian.h"

struct bpb_disk {
	uint8_t jump[3];           /* 0x00: EB xx 90 or E9 xx xx */
	uint8_t oem[8];            /* 0x03 */
	cf_le16 bytes_per_sector;  /* 0x0b */
	uint8_t sectors_per_cluster; /* 0x0d */
	cf_le16 reserved;          /* 0x0e: sectors before the first FAT */
	uint8_t n_fats;            /* 0x10 */
	cf_le16 root_entries;      /* 0x11: 0 on FAT32 */
	cf_le16 total16;           /* 0x13 */
	uint8_t media;             /* 0x15 */
	cf_le16 fat_size16;        /* 0x16: sectors; 0 on FAT32 */
	cf_le16 spt, heads;        /* 0x18, 0x1a */
	cf_le32 hidden;            /* 0x1c */
	cf_le32 total32;           /* 0x20 */
	cf_le32 fat_size32;        /* 0x24: from here on FAT32 only */
	cf_le16 ext_flags;         /* 0x28: bits 0-3 active FAT, bit 7 not mirrored */
	cf_le16 version;           /* 0x2a: 0 */
	cf_le32 root_cluster;      /* 0x2c */
	cf_le16 fsinfo;            /* 0x30: sector */
	cf_le16 backup_boot;       /* 0x32: sector */
};
_Static_assert(sizeof(struct bpb_disk) == 0x34, "FAT boot sector");

#define FAT12_CLUSTERS 4085  /* fewer: FAT12 */
#define FAT16_CLUSTERS 65525 /* fewer: FAT16 */
#define FAT32_CLUSTERS 0x0ffffff5u

static bool power_of_two(unsigned v)
{
	return v && !(v & (v - 1));
}

static const char *check_fat32(const struct bpb_disk *b, struct cf_fat_geometry *g, uint64_t fat_start_sector)
{
	unsigned flags = cf_le16_get(b->ext_flags), info = cf_le16_get(b->fsinfo);
	g->fs = CF_FS_FAT32;
	g->root_cluster = cf_le32_get(b->root_cluster) & 0x0fffffff;
	g->mirrored = !(flags & 0x80);
	g->active_fat = g->mirrored ? 0 : flags & 0x0f;
	if (cf_le16_get(b->version))
		return "unknown FAT32 version";
	if (g->active_fat >= g->n_fats)
		return "the active FAT does not exist";
	if (g->root_cluster < 2 || g->root_cluster - 2 >= g->clusters)
		return "the root folder lies outside the volume";
	if (g->clusters >= FAT32_CLUSTERS)
		return "too many clusters";
	if (info && info != 0xffff) {
		if (info >= fat_start_sector)
			return "the FSInfo sector lies outside the reserved sectors";
		g->fsinfo_offset = (uint64_t)info * g->sector_size;
	}
	return NULL;
}

static const char *check(const struct bpb_disk *b, struct cf_fat_geometry *g)
{
	uint32_t ss = cf_le16_get(b->bytes_per_sector);
	if (b->jump[0] != 0xeb && b->jump[0] != 0xe9)
		return "no jump instruction";
	if (!power_of_two(ss) || ss < 512 || ss > 4096)
		return "bad sector size";
	if (!power_of_two(b->sectors_per_cluster))
		return "bad cluster size";
	if (b->media != 0xf0 && b->media < 0xf8)
		return "bad media byte";
	uint64_t reserved = cf_le16_get(b->reserved);
	if (!reserved || !b->n_fats)
		return "no reserved sectors or no FAT";
	bool fat32 = !cf_le16_get(b->fat_size16);
	uint64_t fat = fat32 ? cf_le32_get(b->fat_size32) : cf_le16_get(b->fat_size16);
	uint64_t total = cf_le16_get(b->total16) ? cf_le16_get(b->total16) : cf_le32_get(b->total32);
	uint64_t root = ((uint64_t)cf_le16_get(b->root_entries) * 32 + ss - 1) / ss;
	if (!fat || !total || fat32 == (root != 0))
		return "sizes are missing";
	/* At most 16 + 8 + 32 + 8 bits: no overflow. */
	uint64_t data = reserved + b->n_fats * fat + root;
	if (data >= total)
		return "the FATs are larger than the volume";
	uint64_t clusters = (total - data) / b->sectors_per_cluster;
	if (!clusters || clusters > UINT32_MAX)
		return "no clusters";
	*g = (struct cf_fat_geometry){
		.sector_size = ss,
		.cluster_size = ss * b->sectors_per_cluster,
		.fat_offset = reserved * ss,
		.fat_size = fat * ss,
		.n_fats = b->n_fats,
		.mirrored = true,
		.root_offset = (reserved + b->n_fats * fat) * ss,
		.root_entries = cf_le16_get(b->root_entries),
		.data_offset = data * ss,
		.clusters = (uint32_t)clusters,
		.total_size = total * ss,
	};
	if (fat32) {
		const char *bad = check_fat32(b, g, reserved);
		if (bad)
			return bad;
	} else if (clusters >= FAT16_CLUSTERS) {
		return "too many clusters for FAT16";
	} else {
		g->fs = clusters < FAT12_CLUSTERS ? CF_FS_FAT12 : CF_FS_FAT16;
	}
	uint64_t entries = g->fs == CF_FS_FAT12 ? g->fat_size * 2 / 3 : g->fat_size / (g->fs == CF_FS_FAT16 ? 2 : 4);
	if (entries < clusters + 2)
		return "the FAT is too small for the volume";
	return NULL;
}

bool cf_fat_geometry(struct cf_span boot, struct cf_fat_geometry *g, const char **why)
{
	struct bpb_disk b;
	const char *bad = "the boot sector is cut off";
	*g = (struct cf_fat_geometry){ 0 };
	if (boot.n >= 512) {
		memcpy(&b, boot.p, sizeof b);
		bad = boot.p[510] == 0x55 && boot.p[511] == 0xaa ? check(&b, g) : "no 55 AA mark";
	}
	if (why)
		*why = bad;
	return !bad;
}
