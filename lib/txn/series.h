/* series.h - a row of bounded transactions on one disk: each commits by itself, all are undone as one.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * For work that moves gigabytes. Each transaction is a commit as in txn.h: a stop at any moment leaves at most the open one to
 * roll back, and the disk as the ones before left it, so each of them must leave a sound disk. Their before-images are
 * appended to one undo file (docs/undo-format.md, "Rows"), which `coldfix undo` puts back newest first, exactly. With no_undo each has a
 * journal of its own, which goes when it has succeeded. Memory: what the open transaction holds, and 8 bytes per committed one.
 */
#ifndef CF_TXN_SERIES_H
#define CF_TXN_SERIES_H

#include "txn/txn.h"

struct cf_series;

struct cf_series_stats {
	uint64_t transactions;  /* committed */
	uint64_t bytes_written; /* that reached the disk, with what cf_series_fill wrote */
	uint64_t undo_bytes;    /* size of the undo file; 0 with no_undo */
	const char *undo_file;  /* owned by the series; NULL: nothing committed yet, or no_undo */
};

/* base and what place points to are borrowed until cf_series_end. max_bytes: the most an open transaction may hold in memory
 * (0: 64 MiB); writing more is CF_E_NO_SPACE, so commit before: see cf_series_held. */
struct cf_series *cf_series_begin(struct cf_block *base, const struct cf_txn_place *place, uint64_t max_bytes,
				  struct cf_error *err);

/* The disk as the open transaction changes it; owned by the series and the same for its whole life. */
struct cf_block *cf_series_block(struct cf_series *s);

/* Bytes that the open transaction holds in memory. */
uint64_t cf_series_held(const struct cf_series *s);

/* Writes bytes to a place that nothing on the disk refers to: neither as the last commit left it nor in the open
 * transaction before this call. They are there for whatever the open transaction makes refer to them. With undo they are part of the transaction like any
 * write. With no_undo whole blocks go to the disk at once, past memory and journal; before the next commit begins they have been flushed,
 * read back past the cache and compared, some of that while more is filled: so this call may fail with what an earlier one wrote. A roll-back then leaves them behind in what is free space again. */
int cf_series_fill(struct cf_series *s, uint64_t off, const void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;

/* The same for a part of the disk that did not exist before the file that holds it was made larger (growth.h): whole blocks go there at once, with
 * undo too, since undo makes the file end before it. len: at most 1 MiB. */
int cf_series_fill_new(struct cf_series *s, uint64_t off, const void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;

/* Whether an undo file for that many more changed bytes, in that many transactions, could be made: the place, its name and its room.
 * Ask before the first write. *need (may be NULL): bytes that it would take. */
int cf_series_check_place(struct cf_series *s, uint64_t bytes, uint64_t transactions, size_t n_prints, uint64_t *need,
			  struct cf_error *err) CF_MUST_CHECK;

/* Commits the open transaction, and opens the next one; nothing changed: nothing is written. On failure as cf_txn_commit: the
 * disk is as the transaction before left it, what the open one holds is kept, and the series should end. */
int cf_series_commit(struct cf_series *s, const struct cf_txn_fingerprint *prints, size_t n_prints,
		     struct cf_error *err) CF_MUST_CHECK;

/* Forgets what the open transaction holds. */
void cf_series_drop(struct cf_series *s);

const struct cf_series_stats *cf_series_stats(const struct cf_series *s);

/* Drops the open transaction and frees. NULL is fine. */
void cf_series_end(struct cf_series *s);

#endif
