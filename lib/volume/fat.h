/* fat.h - what the parts of the FAT driver share; not for anybody else.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * fat-bpb.c reads the boot sector, fat-table.c the allocation table, fat-name.c turns names, fat-dir.c folders,
 * fat-check.c looks whether writing is safe, fat-write.c changes files, fat.c is the driver itself.
 */
#ifndef CF_VOLUME_FAT_H
#define CF_VOLUME_FAT_H

#include "base/endian.h"
#include "base/span.h"
#include "volume/fat-bpb.h"
#include "volume/volume-ops.h"

/* ---- the volume ------------------------------------------------------------------------------------------- */

/* Pages hold whole 512- and 4096-byte sectors and whole pairs of 12-bit entries. */
#define FAT_PAGE_SIZE 49152u
#define FAT_PAGE_SECTORS (FAT_PAGE_SIZE / 512)

struct fat_page {
	uint8_t *bytes;                 /* NULL: not loaded */
	bool dirty;
	bool sector[FAT_PAGE_SECTORS];  /* which 512 bytes are dirty */
};

struct fat_volume {
	struct cf_volume v;
	struct cf_fat_geometry g;
	struct fat_page *page;
	size_t n_pages, n_loaded;
	bool free_known;
	uint32_t free;        /* free clusters, once counted */
	uint32_t next_free;   /* where to look first */
	bool fat_changed;
	bool broken;          /* a write failed half-way: nothing more may be written */
};

/* ---- fat-table.c: clusters and chains --------------------------------------------------------------------- */

#define FAT_FREE 0u
#define FAT_BAD 0x0ffffff7u
#define FAT_END 0x0fffffffu

/* What the table says about a cluster (2 .. clusters + 1): FAT_FREE, FAT_BAD, FAT_END, or the next cluster, which may be a
 * number that does not exist. */
int cf_fat_get(struct fat_volume *v, uint32_t cluster, uint32_t *value, struct cf_error *err) CF_MUST_CHECK;
/* In memory only, until cf_fat_flush. */
int cf_fat_set(struct fat_volume *v, uint32_t cluster, uint32_t value, struct cf_error *err) CF_MUST_CHECK;
/* Writes changed sectors to every FAT that is in use, and the FSInfo sector. */
int cf_fat_flush(struct fat_volume *v, struct cf_error *err) CF_MUST_CHECK;
void cf_fat_drop(struct fat_volume *v); /* frees the pages */

int cf_fat_count_free(struct fat_volume *v, struct cf_error *err) CF_MUST_CHECK;
int cf_fat_space(struct fat_volume *v, struct cf_volume_space *s, struct cf_error *err) CF_MUST_CHECK;

/* Fills out with n free clusters, in order from hint on if possible; changes nothing. CF_E_NO_SPACE. */
int cf_fat_find_free(struct fat_volume *v, uint32_t hint, uint32_t n, uint32_t *out, struct cf_error *err) CF_MUST_CHECK;

struct fat_run {
	uint64_t index; /* clusters of the chain before this run */
	uint32_t first, count;
};

struct fat_chain {
	struct fat_run *run;
	size_t n, cap;
	uint64_t clusters;
	bool ended; /* the end mark was seen */
};

/* Follows a chain from first for at most limit clusters; with *ended false there are more. CF_E_CORRUPT when it leaves the
 * volume or runs into a free or bad cluster; the chain then holds what was followed. first 0 is an empty chain. */
int cf_fat_chain(struct fat_volume *v, uint32_t first, uint64_t limit, struct fat_chain *c,
		 struct cf_error *err) CF_MUST_CHECK;
int cf_fat_chain_add(struct fat_chain *c, uint32_t cluster) CF_MUST_CHECK; /* -1: out of memory */
void cf_fat_chain_free(struct fat_chain *c);
#define FAT_CHAIN CF_CLEANUP(cf_fat_chain_free) struct fat_chain

/* Where byte pos of a chain lies on the volume, and how many bytes follow there without a gap; 0 behind its end. */
uint64_t cf_fat_chain_at(const struct fat_volume *v, const struct fat_chain *c, uint64_t pos, uint64_t *run);

static inline uint64_t fat_cluster_offset(const struct fat_volume *v, uint32_t cluster)
{
	return v->g.data_offset + (uint64_t)(cluster - 2) * v->g.cluster_size;
}

/* ---- fat-name.c ------------------------------------------------------------------------------------------- */

#define FAT_NAME_MAX 255 /* UTF-16 units of a long name */
#define FAT_LFN_UNITS 13 /* of them in one entry */
#define FAT_LFN_MAX 20   /* entries of one name */

/* A short name's 11 bytes as text of at most 12 units; nt_case: byte 12 of the entry. Returns the number of units. */
size_t cf_fat_short_decode(const uint8_t raw[11], uint8_t nt_case, uint16_t out[12]);
uint8_t cf_fat_short_sum(const uint8_t raw[11]);
/* The name as a short name alone, if that says it all: fills raw and nt_case. */
bool cf_fat_short_exact(const uint16_t *name, size_t n, uint8_t raw[11], uint8_t *nt_case);
/* The alias of a long name; attempt 0 is the plain one (false when there can be none), 1.. are NAME~1 and on. */
bool cf_fat_short_alias(const uint16_t *name, size_t n, uint32_t attempt, uint8_t raw[11]);
bool cf_fat_name_eq(const uint16_t *a, size_t na, const uint16_t *b, size_t nb);
bool cf_fat_long_valid(const uint16_t *name, size_t n);

/* ---- fat-dir.c -------------------------------------------------------------------------------------------- */

#define FAT_DIR_BYTES_MAX (65536u * 32u) /* of the specification */

#define FAT_ATTR_READ_ONLY 0x01
#define FAT_ATTR_HIDDEN 0x02
#define FAT_ATTR_SYSTEM 0x04
#define FAT_ATTR_LABEL 0x08
#define FAT_ATTR_DIRECTORY 0x10
#define FAT_ATTR_ARCHIVE 0x20
#define FAT_ATTR_LFN 0x0f

struct fat_entry_disk {
	uint8_t name[11];       /* 0x00 */
	uint8_t attr;           /* 0x0b */
	uint8_t nt_case;        /* 0x0c: 0x08 base, 0x10 extension in lower case */
	uint8_t ctime_tenth;    /* 0x0d */
	cf_le16 ctime, cdate;   /* 0x0e, 0x10 */
	cf_le16 adate;          /* 0x12 */
	cf_le16 cluster_high;   /* 0x14: FAT32 */
	cf_le16 mtime, mdate;   /* 0x16, 0x18 */
	cf_le16 cluster_low;    /* 0x1a */
	cf_le32 size;           /* 0x1c */
};
_Static_assert(sizeof(struct fat_entry_disk) == 32, "FAT directory entry");

struct fat_lfn_disk {
	uint8_t order;          /* 0x00: from 1, 0x40 on the last part, which comes first */
	uint8_t name1[10];      /* 0x01 */
	uint8_t attr;           /* 0x0b: 0x0f */
	uint8_t type;           /* 0x0c: 0 */
	uint8_t sum;            /* 0x0d: of the short name */
	uint8_t name2[12];      /* 0x0e */
	cf_le16 cluster;        /* 0x1a: 0 */
	uint8_t name3[4];       /* 0x1c */
};
_Static_assert(sizeof(struct fat_lfn_disk) == 32, "FAT long name entry");

struct fat_dir {
	bool fixed;             /* root folder of FAT12 and FAT16 */
	struct fat_chain chain;
	struct cf_buf bytes;
};

struct fat_entry {
	size_t first, pos;      /* bytes in the folder: first entry of the group, and the short one */
	struct fat_entry_disk d;
	uint16_t name[FAT_NAME_MAX + 1]; /* what Windows shows */
	size_t n;
	uint16_t alias[12];
	size_t n_alias;
};

/* Loads a folder; cluster 0 is the root. */
int cf_fat_dir_load(struct fat_volume *v, uint32_t cluster, struct fat_dir *dir, struct cf_error *err) CF_MUST_CHECK;
void cf_fat_dir_free(struct fat_dir *dir);
#define FAT_DIR CF_CLEANUP(cf_fat_dir_free) struct fat_dir

/* The next file or folder at or behind *pos, which moves on; false at the end. Labels, "." and ".." are left out. */
bool cf_fat_dir_next(const struct fat_dir *dir, size_t *pos, struct fat_entry *e);
bool cf_fat_dir_find(const struct fat_dir *dir, const uint16_t *name, size_t n, struct fat_entry *e);
/* Bytes up to the end mark. */
size_t cf_fat_dir_used(const struct fat_dir *dir);
/* Writes [from, from + len) of the folder's bytes to the volume. */
int cf_fat_dir_write(struct fat_volume *v, const struct fat_dir *dir, size_t from, size_t len,
		     struct cf_error *err) CF_MUST_CHECK;

uint32_t cf_fat_entry_cluster(const struct fat_volume *v, const struct fat_entry_disk *d);

/* Finds path. e->n is 0 for the root folder. dir (may be NULL) becomes the folder it lies in, for the caller to free. */
int cf_fat_lookup(struct fat_volume *v, const char *path, struct fat_entry *e, struct fat_dir *dir,
		  struct cf_error *err) CF_MUST_CHECK;
/* Finds the folder in which a new file is to lie, and the new name in UTF-16LE. */
int cf_fat_lookup_parent(struct fat_volume *v, const char *path, struct fat_dir *dir, struct cf_buf *name,
			 struct cf_error *err) CF_MUST_CHECK;

/* ---- fat-check.c ------------------------------------------------------------------------------------------ */

/* CF_E_UNCLEAN when writing could destroy another file: clusters that two files share, or that are in use but marked free. */
int cf_fat_check(struct fat_volume *v, struct cf_error *err) CF_MUST_CHECK;

/* ---- fat-write.c ------------------------------------------------------------------------------------------ */

int cf_fat_replace(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err);
int cf_fat_create(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err);
int cf_fat_remove(struct cf_volume *vol, const char *path, struct cf_error *err);

#endif
