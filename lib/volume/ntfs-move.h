/* ntfs-move.h - clusters of a stream change their place on an NTFS volume.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A move copies clusters to a free place, marks that place in $Bitmap, rewrites the mapping pairs of those attribute records whose
 * runs it changes (in the base record and in extension records, each keeping its range of VCNs, so attribute lists stay as
 * they are), and frees the old place. File numbers, sizes, time stamps, security, names and holes stay. Everything goes through the
 * slice, which in practice lies on the overlay of a transaction: a move is not safe by itself against a stop in its middle.
 * What is about to be changed is checked first: that the runs are as expected, the old clusters used, the new ones free.
 */
#ifndef CF_VOLUME_NTFS_MOVE_H
#define CF_VOLUME_NTFS_MOVE_H

#include "volume/mft-scan.h"

/* Clusters [vcn, vcn + count) of a stream, none of them in a hole, go to lcn. */
struct cf_move {
	uint64_t vcn, count, lcn;
};

/* The stream: number `stream` of the file in cf_mft_file.streams of MFT record `record`. */
struct cf_move_target {
	uint64_t record;
	uint32_t stream;
};

struct cf_mover; /* opaque */

struct cf_mover_options {
	/* Writes bytes to a place of the slice that is free both before and after the open transaction (cf_series_fill); NULL: cf_block_write. */
	int (*fill)(void *user, uint64_t off, const void *buf, size_t len, struct cf_error *err);
	/* Told of bytes that were copied; nonzero stops with CF_E_CANCELLED, and what the slice then holds must be dropped. May be NULL. */
	int (*copied)(void *user, uint64_t bytes);
	void *user;
	/* Copy only what finding other things on the volume needs ($MFT, attribute lists): for a plan that is thrown away. */
	bool no_data;
};

/* slice is borrowed, and written. NULL with err. */
struct cf_mover *cf_mover_open(struct cf_block *slice, const struct cf_mover_options *opt, struct cf_error *err);
void cf_mover_close(struct cf_mover *m); /* NULL is fine */

/* The scanner of the volume as it is now; owned by the mover, and another one after a move of $MFT. */
struct cf_mft *cf_mover_mft(struct cf_mover *m);

/* Forgets what was read: after a transaction was dropped. */
int cf_mover_reset(struct cf_mover *m, struct cf_error *err) CF_MUST_CHECK;

/* Carries out n moves of one stream, in order of vcn. 1: done. 0: the new mapping pairs don't fit into their MFT record, nothing was
 * changed. -1: CF_E_CHANGED when the stream or $Bitmap isn't as the moves expect (nothing was changed then), or it failed midway. */
int cf_mover_move(struct cf_mover *m, const struct cf_move_target *target, const struct cf_move *moves, size_t n,
		  struct cf_error *err) CF_MUST_CHECK;

/* Would the new mapping pairs fit? 1, 0 or -1; changes nothing and does not look at $Bitmap. */
int cf_mover_fits(struct cf_mover *m, const struct cf_move_target *target, const struct cf_move *moves, size_t n,
		  struct cf_error *err) CF_MUST_CHECK;

/* ---- pieces of it, for tests ---- */

/* Mapping pairs of the runs within [lowest, highest] with their terminating zero, into out. Their size in bytes; 0: they don't cover the
 * range without a gap, or need more than size bytes. */
size_t cf_pairs_encode(const struct cf_mft_run *runs, size_t n, uint64_t lowest, uint64_t highest, uint8_t *out, size_t size);

/* Puts the moves into a run list: *out (malloc'd) with *n_out runs, adjoining ones joined. CF_E_CHANGED when a move is of a hole, or of clusters
 * that the list does not have; CF_E_NO_MEMORY. */
int cf_runs_apply(const struct cf_mft_run *runs, size_t n, const struct cf_move *moves, size_t n_moves, struct cf_mft_run **out,
		  size_t *n_out, struct cf_error *err) CF_MUST_CHECK;

/* Replaces the mapping pairs of the attribute at `off` of an MFT record of record_size bytes whose fix-ups are undone. False: no room, and
 * the record is as it was. */
bool cf_record_set_pairs(uint8_t *record, uint32_t record_size, uint32_t off, const uint8_t *pairs, size_t n);

/* Makes a record ready to be written: the update sequence, one higher. */
void cf_record_protect(uint8_t *record, uint32_t record_size);

#endif
