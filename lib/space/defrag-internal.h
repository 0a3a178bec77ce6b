/* defrag-internal.h - what the files of the defragmenter share; included by defrag*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SPACE_DEFRAG_INTERNAL_H
#define CF_SPACE_DEFRAG_INTERNAL_H

#include "base/endian.h"
#include "base/overflow.h"
#include "base/span.h"
#include "space/defrag.h"
#include "volume/ntfs-move.h"

#define CF_JOBS_MAX 262144u     /* pieces that one round plans; the next round goes on */
#define CF_HOLES_MAX 524288u    /* free extents that one round uses, the largest */

/* ---- defrag-bits.c: a set of clusters ---- */

#define CF_BITS_LOAD 4096u /* clusters that are loaded together */

struct cf_bits; /* opaque */

/* All 0, clusters [0, count). Its memory grows with what is scattered, up to max_bytes and two bytes in 1024 clusters; stretches that go beyond
 * become all `otherwise`. NULL: out of memory. */
struct cf_bits *cf_bits_new(uint64_t count, size_t max_bytes, bool otherwise);
void cf_bits_free(struct cf_bits *b); /* NULL is fine */

void cf_bits_set(struct cf_bits *b, uint64_t first, uint64_t count, bool value);

/* The first bit at or behind `at` that is `value`, below end; end if there is none. */
uint64_t cf_bits_find(const struct cf_bits *b, uint64_t at, uint64_t end, bool value);

/* Bits from `first` on (a multiple of CF_BITS_LOAD) out of n words (a multiple of CF_BITS_LOAD / 64), the lowest bit first. */
void cf_bits_load(struct cf_bits *b, uint64_t first, const uint64_t *words, size_t n);

/* Of the same size. */
void cf_bits_copy(struct cf_bits *to, const struct cf_bits *from);

/* ---- defrag-map.c: what is free ---- */

#define CF_MAP_MEMORY (40 * CF_MIB) /* bytes, for each of used and fixed */

struct cf_map {
	uint64_t clusters;
	struct cf_bits *used;  /* as $Bitmap says */
	struct cf_bits *fixed; /* of these, those that can't be moved now */
	struct cf_bits *moved; /* those that were copied at least once in this run (old places): for cf_defrag_result.needed */
	uint64_t free, free_extents, largest; /* clusters, number, clusters */
};

int cf_map_new(struct cf_map *map, uint64_t clusters, struct cf_error *err) CF_MUST_CHECK;
void cf_map_free(struct cf_map *map);

/* Reads $Bitmap; fixed becomes the same. */
int cf_map_read(struct cf_map *map, struct cf_mft *mft, struct cf_error *err) CF_MUST_CHECK;

/* The stretch [*start, *end) that begins and ends with a free extent, is at least `goal` clusters long, holds nothing fixed, and has the fewest used
 * clusters. False: there is none. used: those clusters. */
bool cf_map_window(const struct cf_map *map, uint64_t goal, uint64_t *start, uint64_t *end, uint64_t *used);

/* Free extents by size. */
struct cf_hole {
	uint64_t lcn, count;
};
#define CF_HOLE_CLASSES 256
struct cf_holes {
	struct {
		struct cf_hole *hole;
		size_t n, cap;
	} of[CF_HOLE_CLASSES];
};

/* All free extents but those in [without, without_end). */
int cf_holes_fill(struct cf_holes *holes, const struct cf_map *map, uint64_t without, uint64_t without_end,
		  struct cf_error *err) CF_MUST_CHECK;
void cf_holes_free(struct cf_holes *holes);

/* Takes count clusters from a free extent that is hardly larger. 1: *lcn, 0: none is large enough, -1: out of memory. */
int cf_holes_take(struct cf_holes *holes, uint64_t count, uint64_t *lcn);

/* ---- defrag-look.c: what $MFT says ---- */

/* Clusters of the VCNs [vcn, end) of a stream, to go to one place. */
struct cf_job {
	struct cf_move_target target;
	uint32_t extents;  /* that become one */
	bool chained;      /* goes on where the job before ends: the two in one place would be better still */
	uint64_t vcn, end, clusters, from;
	uint64_t to;       /* UINT64_MAX: no place was found */
	uint64_t order;    /* place of the first job of its stream: streams are moved in this order */
};

struct cf_look {
	struct cf_mft *mft;
	struct cf_map *map;
	const struct cf_defrag_options *opt;
	struct cf_bits *apart; /* MFT records of the folders whose files stay where they are */
	uint64_t records;
	bool dedup;        /* there is a deduplication store */
	uint32_t cluster_size, record_size;
	const struct cf_move_target *skip; /* streams that can't be made whole: no room in their records; sorted by cf_by_target when a scan begins */
	size_t n_skip;
};

int cf_look_begin(struct cf_look *look, struct cf_error *err) CF_MUST_CHECK; /* reads the folders; look->mft is set */
void cf_look_end(struct cf_look *look);
int cf_by_target(const void *a, const void *b); /* for qsort */

struct cf_jobs {
	struct cf_job *job;
	size_t n, cap;
	bool full;
};
void cf_jobs_free(struct cf_jobs *jobs);

/* One scan: the figures, fixed without what can be moved now (pieces of at most `movable` clusters), and the jobs that make files whole. */
int cf_look_at_files(struct cf_look *look, uint64_t movable, struct cf_defrag_figures *figures, struct cf_jobs *jobs,
		     struct cf_error *err) CF_MUST_CHECK;

/* One scan: a job for each piece in [start, end). jobs->full: there are more than fit. */
int cf_look_at_window(struct cf_look *look, uint64_t start, uint64_t end, struct cf_jobs *jobs, struct cf_error *err) CF_MUST_CHECK;

#endif
