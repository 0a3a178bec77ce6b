/* commit.c - an overlay becomes the disk, or nothing happens.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order of writes and syncs below is the product's first promise; docs/undo-format.md says why each sync stands where
 * it does, and tests/crash stops at every one of them. The disk is written in apply() only, and in the roll-back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "txn/place.h"

struct commit {
	struct cf_block *base;
	struct cf_overlay *overlay;
	struct cf_overlay_block **list;
	size_t n;
	const struct cf_txn_fingerprint *prints;
	size_t n_prints;
	const struct cf_row_end *row; /* NULL: a transaction of its own */
	struct cf_marker *marker;
	struct cf_journal *journal;
	uint64_t written;
};

/* Calls fn with each run of neighbouring blocks as one buffer of at most CF_JOURNAL_BATCH blocks. */
static int each_run(struct commit *c, int (*fn)(struct commit *c, uint64_t off, const uint8_t *buf, size_t len,
						struct cf_error *err), struct cf_error *err)
{
	CF_FREE uint8_t *buf = malloc(CF_JOURNAL_BATCH * (size_t)CF_TXN_BLOCK);
	if (!buf)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < c->n;) {
		uint64_t first = c->list[i]->index;
		size_t run = 0, len = 0;
		while (i + run < c->n && run < CF_JOURNAL_BATCH && c->list[i + run]->index == first + run) {
			uint32_t length = cf_overlay_length(first + run, c->base->size);
			memcpy(buf + len, c->list[i + run]->data, length);
			len += length;
			run++;
		}
		if (fn(c, first * CF_TXN_BLOCK, buf, len, err) < 0)
			return -1;
		i += run;
	}
	return 0;
}

static int apply_run(struct commit *c, uint64_t off, const uint8_t *buf, size_t len, struct cf_error *err)
{
	if (cf_stable_disk_write(c->base, off, buf, len, err) < 0)
		return -1;
	c->written += len;
	return 0;
}

static int verify_run(struct commit *c, uint64_t off, const uint8_t *buf, size_t len, struct cf_error *err)
{
	CF_FREE uint8_t *now = malloc(len);
	if (!now)
		return cf_fail_nomem(err);
	if (cf_block_read_direct(c->base, off, now, len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		if (now[i] != buf[i])
			return cf_fail_at(err, CF_E_IO, off + i,
					  "the disk does not return what was written at byte %llu; copy it to a sound one",
					  (unsigned long long)(off + i));
	return 0;
}

/* The fingerprinted ranges lie partly outside the blocks that were written: they must be as planned too. */
static int verify_prints(struct commit *c, struct cf_error *err)
{
	CF_FREE uint8_t *now = malloc(2 * (size_t)CF_UNDO_PRINT_LENGTH_MAX);
	if (!now)
		return cf_fail_nomem(err);
	uint8_t *planned = now + CF_UNDO_PRINT_LENGTH_MAX;
	for (size_t i = 0; i < c->n_prints; i++) {
		const struct cf_txn_fingerprint *f = &c->prints[i];
		size_t length = (size_t)f->length;
		if (cf_block_read_direct(c->base, f->offset, now, length, err) < 0 ||
		    cf_block_read(&c->overlay->block, f->offset, planned, length, err) < 0)
			return -1;
		if (memcmp(now, planned, length) != 0)
			return cf_fail_at(err, CF_E_IO, f->offset, "the disk does not return %.*s as it was written",
					  (int)sizeof f->what, f->what);
	}
	return 0;
}

static int apply(struct commit *c, struct cf_error *err)
{
	/* 6. The disk, then its own cache. */
	if (each_run(c, apply_run, err) < 0 || cf_stable_disk_flush(c->base, err) < 0)
		return -1;
	/* 7. What the medium holds, not what the page cache remembers. */
	if (each_run(c, verify_run, err) < 0)
		return -1;
	return verify_prints(c, err);
}

/* Nothing has reached the disk, and the marker does not say that something might have. */
static void abandon(struct commit *c, bool marker_created, bool journal_created)
{
	struct cf_error ignored;
	if (journal_created) {
		if (cf_stable_unlink(c->journal->path, &ignored) < 0 ||
		    cf_stable_sync_folder_of(c->journal->path, &ignored) < 0)
			return; /* the marker stays, and the next open removes the undo file */
	}
	if (marker_created && cf_marker_remove(c->marker, &ignored) < 0)
		return;
}

/* The disk is whole again, but the marker may say that it is not. What can't be tidied now is tidied by the next open. */
static void tidy(struct commit *c)
{
	struct cf_error ignored;
	if (cf_retire(c->marker, c->journal, false, &ignored) == 0 || c->marker->marks[CF_MARKER_DONE] == CF_MARK_SET)
		return;
	if (c->journal->at != 0)
		return; /* the row's file stays, so the marker does, for the next open */
	if (cf_marker_remove(c->marker, &ignored) == 0 && cf_stable_unlink(c->journal->path, &ignored) < 0)
		return;
}

/* Takes back what apply() wrote; why is the error that made it necessary and gets the outcome appended. */
static void roll_back(struct commit *c, struct cf_error *why)
{
	struct cf_error e = { 0 };
	uint64_t bytes;
	size_t n = strlen(why->message);
	if (cf_journal_restore(c->journal, c->base, NULL, &bytes, &e) == 0) {
		snprintf(why->message + n, sizeof why->message - n, "; the disk is as it was before");
		tidy(c);
		return;
	}
	snprintf(why->message + n, sizeof why->message - n,
		 "; putting the old content back failed too (%.300s): %s keeps it, and the next open tries again", e.message,
		 c->journal->path);
}

/* Steps 2 to 5: everything that comes before the disk is touched. */
static int prepare(struct commit *c, const struct cf_txn_place *place, const struct cf_names *names, const char *path,
		   struct cf_error *err)
{
	uint8_t nonce[CF_UNDO_NONCE];
	bool marker_created = false, journal_created = false;
	if (cf_nonce_make(nonce, err) < 0)
		return -1;
	/* 2. The marker, so that whatever comes next is found again.
	 * 3. The undo file with everything but its marks; file and folder synced.
	 * 4. Only now the mark that makes it count. */
	if (cf_marker_create(c->marker, names->marker, CF_MARKER_COMMIT, nonce, path, c->row ? c->row->at : 0, &marker_created, err) < 0 ||
	    cf_journal_create(c->journal, path, nonce, place, c->overlay, c->list, c->n, c->prints, c->n_prints,
			      c->row, &journal_created, err) < 0 ||
	    cf_journal_mark(c->journal, CF_MARK_ARMED, err) < 0) {
		abandon(c, marker_created, journal_created);
		return -1;
	}
	/* 5. From here on an undo file that has gone missing is an alarm, not a leftover. */
	if (cf_marker_set(c->marker, CF_MARKER_ACTIVE, err) < 0) {
		tidy(c);
		return -1;
	}
	return 0;
}

/* Step 8, and what to do when it fails although the disk is new and checked. */
static int finish(struct commit *c, struct cf_error *err)
{
	struct cf_error e = { 0 };
	if (cf_journal_mark(c->journal, CF_MARK_FINISHED, err) == 0)
		return 0;
	/* The mark may be on the medium all the same, so a roll-back that is cut off would be taken for a finished
	 * commit, unless the marker speaks against it. */
	if (cf_marker_set(c->marker, CF_MARKER_ROLLBACK, &e) == 0) {
		roll_back(c, err);
		return -1;
	}
	size_t n = strlen(err->message);
	snprintf(err->message + n, sizeof err->message - n,
		 "; the disk holds the new content, but that could not be recorded: the next open settles it with %s",
		 c->journal->path);
	return -1;
}

/* An earlier commit of this disk that did not finish, or left its marker. */
static int settle(struct cf_block *base, const struct cf_txn_place *place, const struct cf_names *names,
		  struct cf_error *err)
{
	enum cf_recovery what;
	int there = cf_stable_exists(names->marker, err);
	if (there <= 0)
		return there;
	if (cf_txn_recover(base, place, &what, err) < 0)
		return -1;
	if (what == CF_RECOVERY_ROLLED_BACK)
		return cf_fail(err, CF_E_CHANGED, "an earlier repair had not finished and was taken back just now; "
			       "what was planned no longer fits the disk: run the command again");
	return 0;
}

/* 1. Room, and a place that survives a power cut. A marker beside an image lives and dies with the image. */
static int check(const struct cf_txn_place *place, const struct cf_names *names, const char *path, uint64_t need, struct cf_error *err)
{
	if (cf_place_check(path, place, need, err) < 0)
		return -1;
	return place->state_is_folder ? cf_place_check(names->marker, place, 0, err) : 0;
}

int cf_place_check_new(const struct cf_txn_place *place, uint64_t need, struct cf_error *err)
{
	CF_NAMES names = { 0 };
	if ((place->state_is_folder && cf_stable_make_folder(place->state_base, err) < 0) || cf_names_get(place, &names, err) < 0)
		return -1;
	CF_FREE char *path = cf_place_new_undo(place, &names, err);
	return path ? check(place, &names, path, need, err) : -1;
}

int cf_txn_check_place(struct cf_txn *txn, const struct cf_txn_place *place, size_t n_prints, struct cf_error *err)
{
	CF_FREE struct cf_overlay_block **list = NULL;
	size_t n;
	if (cf_overlay_changed(&txn->overlay, &list, &n, err) < 0)
		return -1;
	return cf_place_check_new(place, cf_journal_size(n, n_prints), err);
}

int cf_txn_check_folder(const char *path, const struct cf_txn_place *place, struct cf_error *err)
{
	return cf_place_check(path, place, 0, err);
}

static int commit(struct commit *c, const struct cf_txn_place *place, char **undo_path, struct cf_txn_stats *stats,
		  struct cf_error *err)
{
	CF_NAMES names = { 0 };
	if (place->state_is_folder && cf_stable_make_folder(place->state_base, err) < 0)
		return -1;
	if (cf_names_get(place, &names, err) < 0 || settle(c->base, place, &names, err) < 0)
		return -1;
	bool append = c->row && c->row->number > 0;
	CF_FREE char *path = append ? strdup(place->undo_file) : cf_place_new_undo(place, &names, err);
	if (!path)
		return append ? cf_fail_nomem(err) : -1;
	if (check(place, &names, path, cf_journal_size(c->n, c->n_prints), err) < 0)
		return -1;
	if (prepare(c, place, &names, path, err) < 0)
		return -1;
	if (apply(c, err) < 0) {
		roll_back(c, err);
		return -1;
	}
	/* 8. The finished mark. */
	if (finish(c, err) < 0)
		return -1;
	/* 9. The marker goes. A leftover marker beside a finished undo file harms nothing, so failing here is no failure. */
	stats->bytes_written = c->written;
	stats->blocks = c->n;
	struct cf_error ignored;
	if (place->no_undo) {
		tidy(c);
		return 0;
	}
	stats->undo_bytes = c->journal->file_size;
	if (cf_marker_remove(c->marker, &ignored) < 0)
		ignored.code = CF_OK;
	if (undo_path)
		*undo_path = CF_STEAL(path);
	return 0;
}

int cf_txn_commit(struct cf_txn *txn, const struct cf_txn_place *place, const struct cf_txn_fingerprint *prints,
		  size_t n_prints, char **undo_path, struct cf_txn_stats *stats, struct cf_error *err)
{
	return cf_txn_commit_row(txn, place, NULL, prints, n_prints, undo_path, stats, err);
}

int cf_txn_commit_row(struct cf_txn *txn, const struct cf_txn_place *place, const struct cf_row_end *row,
		      const struct cf_txn_fingerprint *prints, size_t n_prints, char **undo_path, struct cf_txn_stats *stats,
		      struct cf_error *err)
{
	struct cf_txn_stats unused_stats;
	struct cf_error unused_error;
	CF_FREE struct cf_overlay_block **list = NULL;
	CF_MARKER marker = { .h = -1 };
	CF_JOURNAL journal = { .h = -1 };
	struct commit c = { .base = txn->overlay.base, .overlay = &txn->overlay, .prints = prints, .n_prints = n_prints,
			    .row = row, .marker = &marker, .journal = &journal };
	if (!stats)
		stats = &unused_stats;
	if (!err)
		err = &unused_error;
	memset(stats, 0, sizeof *stats);
	if (undo_path)
		*undo_path = NULL;
	if (cf_overlay_changed(&txn->overlay, &list, &c.n, err) < 0)
		return -1;
	if (c.n == 0)
		return 0;
	if (c.base->read_only)
		return cf_fail(err, CF_E_READ_ONLY, "the disk was opened for reading only");
	c.list = list;
	if (commit(&c, place, undo_path, stats, err) < 0)
		return -1;
	cf_overlay_clear(&txn->overlay);
	return 0;
}
