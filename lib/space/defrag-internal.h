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

/* ---- defrag-map.c: clusters as bits ---- */

struct cf_map {
	uint64_t clusters;
	uint64_t *used;  /* as $Bitmap says */
	uint64_t *fixed; /* of these, those that can't be moved now */
	uint64_t *moved; /* those that were copied at least once in this run (old places): for cf_defrag_result.needed; may be NULL */
	uint64_t free, free_extents, largest; /* clusters, number, clusters */
};

int cf_map_new(struct cf_map *map, uint64_t clusters, struct cf_error *err) CF_MUST_CHECK;
void cf_map_free(struct cf_map *map);

/* Reads $Bitmap; fixed becomes the same. */
int cf_map_read(struct cf_map *map, struct cf_mft *mft, struct cf_error *err) CF_MUST_CHECK;

void cf_bits_set(uint64_t *bits, uint64_t first, uint64_t count, bool value);

/* The first bit at or behind `at` that is `value`, below end; end if there is none. */
uint64_t cf_bits_find(const uint64_t *bits, uint64_t at, uint64_t end, bool value);

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
	uint32_t *parent;  /* of each MFT record that is a folder; UINT32_MAX: unknown */
	uint64_t n_parents;
	uint64_t dedup;    /* record of the deduplication store; UINT64_MAX: none */
	uint32_t cluster_size, record_size;
	const struct cf_move_target *skip; /* streams that can't be made whole: no room in their records */
	size_t n_skip;
};

int cf_look_begin(struct cf_look *look, struct cf_error *err) CF_MUST_CHECK; /* reads the folders; look->mft is set */
void cf_look_end(struct cf_look *look);

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
