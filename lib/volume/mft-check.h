/* mft-check.h - who owns each cluster, against what $Bitmap says; and the free extents.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The check that guards every rearrangement: made before it (a volume that contradicts itself isn't touched) and after it, on the overlay.
 * On a sound NTFS volume every cluster that is marked in $Bitmap belongs to exactly one stream of one file: $Boot, $LogFile, $Bitmap and the
 * bad clusters of $BadClus too. Memory: one bit a cluster, in windows of 2^30 clusters (128 MiB), each of which costs one more scan.
 */
#ifndef CF_VOLUME_MFT_CHECK_H
#define CF_VOLUME_MFT_CHECK_H

#include "volume/mft-scan.h"

enum cf_extent_fault {
	CF_EXTENT_LOST,        /* marked as used, but nobody's: wasted space, chkdsk finds it */
	CF_EXTENT_UNMARKED,    /* a file's, but free as $Bitmap says: the next file written may overwrite it */
	CF_EXTENT_CROSS_LINKED /* more than one owner */
};

struct cf_extent_example {
	enum cf_extent_fault fault;
	uint64_t lcn, count;    /* clusters */
	uint64_t record, other; /* cross-linked: the owners' MFT records, UINT64_MAX if not known; unmarked: the owner in record */
};
#define CF_EXTENT_EXAMPLES 16

struct cf_extent_check {
	uint64_t clusters;     /* of the volume */
	uint64_t owned;        /* clusters that some file has */
	uint64_t marked;       /* clusters that $Bitmap calls used */
	uint64_t lost, unmarked, cross_linked; /* clusters; cross_linked counts a cluster once an owner beyond the first */
	struct cf_mft_stats scan;              /* with bad or damaged records the figures are not the whole truth */
	struct cf_extent_example example[CF_EXTENT_EXAMPLES]; /* the first ones of each fault */
	unsigned examples;
};

/* Scans all files and compares. -1 only when $MFT or $Bitmap can't be read, memory runs out or the progress callback stops it. */
int cf_mft_check(struct cf_mft *m, struct cf_extent_check *check, struct cf_error *err) CF_MUST_CHECK;

/* True when every cluster is accounted for: nothing lost, unmarked, cross-linked, bad, orphaned or damaged. */
bool cf_extent_check_sound(const struct cf_extent_check *check);

/* What is wrong, as one malloc'd sentence without a full stop ("3 clusters belong to more than one file, …"), or NULL when it is sound or
 * memory runs out. */
char *cf_extent_check_text(const struct cf_extent_check *check);

/* The same in pieces, for those who scan anyway. The map covers the clusters [first, first + count); runs outside are left out. */
struct cf_extent_map; /* opaque */
struct cf_extent_map *cf_extent_map_new(uint64_t first, uint64_t count, struct cf_error *err);
void cf_extent_map_free(struct cf_extent_map *map); /* NULL is fine */
void cf_extent_map_freep(struct cf_extent_map **map);
/* Adds a file's runs: check->owned, cross_linked and examples. */
void cf_extent_map_add(struct cf_extent_map *map, const struct cf_mft_file *file, struct cf_extent_check *check);
/* Compares with $Bitmap: check->clusters, marked, lost, unmarked and examples. Not from within a callback of m. */
int cf_extent_map_compare(const struct cf_extent_map *map, struct cf_mft *m, struct cf_extent_check *check,
			  struct cf_error *err) CF_MUST_CHECK;

/* Calls fn with every free extent of $Bitmap in order; nonzero stops and is returned. Not from within a callback of m. CF_E_CORRUPT when
 * $Bitmap is shorter than the volume or the volume's end is missing. */
int cf_mft_free_extents(struct cf_mft *m, int (*fn)(void *user, uint64_t lcn, uint64_t count), void *user,
			struct cf_error *err) CF_MUST_CHECK;

#endif
