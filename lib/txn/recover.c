/* recover.c - what an earlier process left unfinished is settled by the next open.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The marker says where the undo file is; marks in both say how far it came. Before anything is written, the whole undo
 * file is checked and every block of the disk must be one of the two that the transaction knows, sector by sector; so a
 * disk that Windows has used in between is never touched. Everything here may be cut off and run again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "txn/place.h"

/* The commit had not begun to write the disk: its undo file is half made, or made and useless. Removed only when it is
 * surely ours: a regular file of this user that carries this transaction's nonce, or that never got its header. */
static int remove_half_made(const struct cf_marker *m, struct cf_error *err)
{
	struct cf_undo_header h = { 0 };
	struct cf_stable_stat st;
	static const uint8_t zero[CF_UNDO_SECTOR];
	if (m->at != 0) /* of a row: what was half made lies behind the row's end */
		return 0;
	int there = cf_stable_exists(m->journal, err);
	if (there <= 0)
		return there;
	CF_STABLE_CLOSE int fd = cf_stable_open(m->journal, CF_STABLE_READ, err);
	if (fd < 0 || cf_stable_stat(fd, m->journal, &st, err) < 0)
		return -1;
	if (!st.regular || !st.ours)
		return 0;
	if (cf_stable_read(fd, m->journal, 0, &h, (size_t)cf_min_u64(st.size, sizeof h), err) < 0)
		return -1;
	bool ours = memcmp(&h, zero, sizeof zero) == 0 ||
		    (memcmp(h.magic, CF_UNDO_MAGIC, sizeof h.magic) == 0 &&
		     memcmp(h.nonce, m->nonce, sizeof h.nonce) == 0);
	if (!ours)
		return 0;
	if (cf_stable_unlink(m->journal, err) < 0)
		return -1;
	return cf_stable_sync_folder_of(m->journal, err);
}

static int damaged_marker(const struct cf_marker *m, struct cf_error *err)
{
	cf_fail(err, CF_E_CORRUPT,
		"a repair of this disk did not finish, and its marker %s is damaged: put the disk back with "
		"'coldfix undo DISK UNDO-FILE', then remove the marker", m->path);
	return cf_fail_path(err, m->path);
}

/* Opens the undo file that the marker names. 1, 0: it is not there, -1. What a dead process wrote but did not sync can still
 * be lost, so for writing all that is seen is synced before anything is built on it. */
static int open_journal(const struct cf_marker *m, struct cf_journal *j, bool writable, struct cf_error *err)
{
	int there = cf_stable_exists(m->journal, err);
	if (there < 0)
		return -1;
	if (there && cf_journal_open_at(j, m->journal, m->at, writable, err) < 0)
		return -1;
	if (writable && there && cf_stable_sync(j->h, j->path, err) < 0)
		return -1;
	if (writable && cf_stable_sync_folder_of(m->journal, err) < 0 && (there || !err || err->code != CF_E_NOT_FOUND))
		return -1;
	if (!there)
		return 0;
	if (memcmp(j->nonce, m->nonce, CF_UNDO_NONCE) == 0)
		return 1;
	cf_fail(err, CF_E_CORRUPT, "%s is not the undo file of the repair that did not finish: put the right one there",
		m->journal);
	return cf_fail_path(err, m->journal);
}

/* The disk is whole; files are left over. */
static int tidy(struct cf_marker *m, enum cf_recovery *what, struct cf_error *err)
{
	CF_JOURNAL j = { .h = -1 };
	struct cf_error ignored;
	*what = CF_RECOVERY_STALE_REMOVED;
	int there = open_journal(m, &j, true, &ignored);
	/* An undo that was given up leaves its undo file as it was. */
	bool keep = m->kind == CF_MARKER_UNDO && there > 0 && j.marks[CF_MARK_UNDONE] != CF_MARK_SET;
	/* Of a row that goes on, done came after the undone mark: only the marker is left. */
	keep |= there > 0 && j.at != 0;
	if (there <= 0 || keep)
		return cf_marker_remove(m, err);
	return cf_retire(m, &j, m->kind == CF_MARKER_UNDO, err);
}

static int put_back(struct cf_marker *m, struct cf_journal *j, struct cf_block *disk, struct cf_error *err)
{
	uint64_t bytes;
	if (disk->size < j->disk_size)
		return cf_fail(err, CF_E_REFUSED, "the repair that did not finish was of a larger disk: %s belongs to %s",
			       j->path, j->disk_path);
	if (cf_journal_verify(j, err) < 0)
		return -1;
	if (cf_journal_check(j, disk, CF_CHECK_TORN, &bytes, err) < 0) {
		if (err && err->code == CF_E_CHANGED)
			cf_fail_prefix(err, "a repair did not finish and can't be taken back (to do so all the same: "
				       "'coldfix undo --force DISK %.200s'; to keep the disk as it is: remove %.200s)",
				       j->path, m->path);
		return -1;
	}
	if (cf_journal_restore(j, disk, NULL, &bytes, err) < 0)
		return -1;
	if (m->kind == CF_MARKER_UNDO && j->marks[CF_MARK_UNDONE] != CF_MARK_SET &&
	    cf_journal_mark(j, CF_MARK_UNDONE, err) < 0)
		return -1;
	return cf_retire(m, j, m->kind == CF_MARKER_UNDO, err);
}

/* The disk may hold part of a change. */
static int settle_active(struct cf_marker *m, struct cf_block *disk, enum cf_recovery *what, struct cf_error *err)
{
	CF_JOURNAL j = { .h = -1 };
	bool writable = !disk->read_only;
	int there = open_journal(m, &j, writable, err);
	if (there < 0)
		return -1;
	if (there == 0) {
		cf_fail(err, CF_E_UNCLEAN,
			"a repair of this disk did not finish, and its undo file %.300s is not there: put it back or mount "
			"the file system that holds it (to keep the disk as it is: remove %.300s)", m->journal, m->path);
		return cf_fail_path(err, m->journal);
	}
	bool whole = m->kind == CF_MARKER_COMMIT ?
			     j.marks[CF_MARK_FINISHED] == CF_MARK_SET && m->marks[CF_MARKER_ROLLBACK] == CF_MARK_ABSENT :
			     j.marks[CF_MARK_UNDONE] == CF_MARK_SET;
	if (!writable) {
		if (whole)
			return 0;
		cf_fail(err, CF_E_UNCLEAN,
			"a repair of this disk did not finish: run 'coldfix repair' on it, which first puts it back as it was");
		return cf_fail_path(err, m->journal);
	}
	if (!whole) {
		if (put_back(m, &j, disk, err) < 0)
			return -1;
		*what = j.at != 0 ? CF_RECOVERY_ROW_SHORTENED : CF_RECOVERY_ROLLED_BACK;
		return 0;
	}
	if (m->kind == CF_MARKER_COMMIT && !(j.flags & CF_UNDO_FLAG_NO_UNDO))
		return cf_marker_remove(m, err);
	*what = CF_RECOVERY_STALE_REMOVED;
	return cf_retire(m, &j, m->kind == CF_MARKER_UNDO, err);
}

int cf_txn_recover(struct cf_block *disk, const struct cf_txn_place *place, enum cf_recovery *what, struct cf_error *err)
{
	CF_NAMES names = { 0 };
	CF_MARKER m = { .h = -1 };
	struct cf_error unused_error;
	*what = CF_RECOVERY_NONE;
	if (!err)
		err = &unused_error;
	if (cf_names_get(place, &names, err) < 0)
		return -1;
	int there = cf_marker_open(&m, names.marker, !disk->read_only, err);
	if (there <= 0)
		return there;
	bool active = m.marks[CF_MARKER_ACTIVE] != CF_MARK_ABSENT;
	if (!m.valid && (active || m.marks[CF_MARKER_ROLLBACK] || m.marks[CF_MARKER_DONE]))
		return damaged_marker(&m, err);
	bool done = m.marks[CF_MARKER_DONE] == CF_MARK_SET;
	if (!disk->read_only && (cf_stable_sync(m.h, m.path, err) < 0 || cf_stable_sync_folder_of(m.path, err) < 0))
		return -1;
	if (active && !done)
		return settle_active(&m, disk, what, err);
	/* The disk is whole. With a disk opened for reading, nothing is tidied either. */
	if (disk->read_only)
		return 0;
	if (done)
		return tidy(&m, what, err);
	if (m.valid && m.kind == CF_MARKER_COMMIT && remove_half_made(&m, err) < 0)
		return -1;
	*what = CF_RECOVERY_STALE_REMOVED;
	return cf_marker_remove(&m, err);
}
