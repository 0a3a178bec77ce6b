/* defrag.h - files in one piece and free space in one piece, on an NTFS volume that nobody uses.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Works in rounds until nothing is left to improve: read $MFT, plan, move. Files first: each group of small pieces of a stream goes to the
 * smallest free extent that takes it whole. Then, while the largest free extent is smaller than half of the free space, the stretch of the volume
 * that costs least is emptied into free extents elsewhere, no file getting more pieces by it. A round only uses space that was
 * free before it, so what a move frees is never overwritten before the move is safe. A plan is the same work on an overlay that is thrown
 * away, without the data, so what is said before is what happens after. A volume that is good gives an empty plan.
 *
 * Left where they are: the system files (but for the parts of $MFT behind its first extent), $Extend, all of System Volume Information (the
 * deduplication store; shadow copies, whose places volsnap keeps as numbers), a paging file with a crash dump in it, files whose records are damaged.
 * Memory: two bits a cluster where free and used space alternate, up to 100 MiB (what goes beyond, 1 TiB of nothing but
 * scattered 4 KiB clusters, stays as it is), eight bytes a folder for a moment, and about 100 MiB besides.
 */
#ifndef CF_SPACE_DEFRAG_H
#define CF_SPACE_DEFRAG_H

#include "base/error.h"
#include "block/block.h"

#define CF_DEFRAG_LARGE (64 * 1024 * UINT64_C(1024)) /* bytes: a piece of this size is no fragment, as with Windows' defrag */
#define CF_DEFRAG_CLUSTERS_MAX (UINT64_C(1) << 32)   /* volumes with more are refused: Windows has none, and numbers clusters with 32 bits */

/* What Windows' defrag reports of a volume. Bytes unless the name says otherwise. */
struct cf_defrag_figures {
	uint64_t volume, cluster, used, free;
	uint64_t files, fragmented_files, file_fragments;       /* numbers; fragments: pieces of the fragmented ones */
	uint64_t folders, fragmented_folders, folder_fragments;
	uint64_t streams, pieces;                               /* with clusters of their own; pieces of all of them */
	uint64_t movable, unmovable;                            /* files and folders with clusters */
	uint64_t fragmented;                                    /* bytes of fragmented streams */
	uint64_t free_extents, largest_free;
	uint64_t mft, mft_records, mft_used_records, mft_fragments;
	uint64_t bad_records;                                   /* that could not be understood: what they own stays where it is */
	bool dedup_store;                                       /* there is one, and it is left alone */
};

struct cf_defrag_options {
	bool consolidate_only;    /* move nothing to make a file whole */
	const uint64_t *records;  /* only these files (MFT record numbers, ascending), and as much consolidation as they need; NULL: all */
	size_t n_records;
	uint64_t max_bytes;       /* move no more data than this; 0: no limit */
};

/* What was done, or would be. */
struct cf_defrag_result {
	uint64_t moved;         /* bytes of data that were copied */
	uint64_t needed;        /* of these, bytes that had to: each cluster once, however often it moved */
	uint64_t moves;         /* pieces of files */
	uint64_t made_whole;    /* streams that have fewer fragments */
	uint64_t growth;        /* bytes of it that went to places where the image had none: a thin image grows by at most so much */
	uint64_t steps;         /* transactions */
	uint64_t no_room;       /* streams that stayed because their MFT record has no room for the new place */
	unsigned rounds;
	bool incomplete;        /* a plan that would need more memory: it is at least this */
	bool limited;           /* max_bytes ended it */
};

/* Where the work happens. */
struct cf_defrag_io {
	struct cf_block *slice; /* the volume, on the overlay of a transaction */
	/* All with user. fill: as in ntfs-move.h. commit: makes what the overlay holds final; NULL: never (a plan). held: bytes that the overlay
	 * holds. growth: of a range of the slice, bytes that the image has no room for yet; may be NULL. progress: bytes copied so far;
	 * nonzero stops (CF_E_CANCELLED), and what was not committed is to be dropped; may be NULL. */
	int (*fill)(void *user, uint64_t off, const void *buf, size_t len, struct cf_error *err);
	int (*commit)(void *user, struct cf_error *err);
	uint64_t (*held)(void *user);
	uint64_t (*growth)(void *user, uint64_t off, uint64_t len);
	int (*progress)(void *user, uint64_t moved);
	void *user;
	bool copy_all;          /* without commit: not a plan, the overlay is committed by somebody else; copy the data, too */
	/* Commit when the overlay holds more, or so much was copied. What is larger than either goes in parts, so a plan needs the same two. */
	uint64_t max_held, max_data;
};

/* The work on an overlay that is thrown away, after a check of who owns which cluster: what cf_defrag_run would do now. */
struct cf_defrag_plan {
	struct cf_block *disk;  /* only read */
	uint64_t start, size;   /* of the volume on it */
	struct cf_defrag_options opt;
	uint64_t max_part;      /* the smaller of the work's max_held and max_data; 0: no limit */
	/* With user: bytes moved so far (nonzero stops); and a look at the volume as it would be, where data has not been copied. Both may be NULL. */
	int (*progress)(void *user, uint64_t moved);
	int (*look)(void *user, struct cf_block *slice, struct cf_error *err);
	void *user;
	/* what comes out */
	struct cf_defrag_figures before, after;
	struct cf_defrag_result result;
	uint64_t metadata;      /* bytes in blocks of $MFT and $Bitmap that differ */
};
int cf_defrag_plan(struct cf_defrag_plan *p, struct cf_error *err) CF_MUST_CHECK;

/* CF_E_CORRUPT, beginning with `when`, unless each cluster that some file has is marked in $Bitmap and has that one owner. Lost clusters hurt
 * nobody: they stay where they are. */
int cf_defrag_check_owners(struct cf_block *slice, const char *when, struct cf_error *err) CF_MUST_CHECK;

/* Looks at the volume and changes nothing. */
int cf_defrag_analyze(struct cf_block *slice, struct cf_defrag_figures *figures, struct cf_error *err) CF_MUST_CHECK;

/* Does the work. before and after may be NULL. On failure what was committed stays and result tells how much that is. */
int cf_defrag_run(const struct cf_defrag_io *io, const struct cf_defrag_options *opt, struct cf_defrag_figures *before,
		  struct cf_defrag_figures *after, struct cf_defrag_result *result, struct cf_error *err) CF_MUST_CHECK;

#endif
