/* undo.c - a finished repair is put back, byte for byte.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything is checked before the first write: the file, that it is of this disk, and that the disk is as the repair left
 * it. Then the same order as a commit: marker, mark in the undo file, disk, flush, re-read, mark, new name. Once the
 * marker says that writing has begun, a crash is finished by the next open (recover.c), towards the old content.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "txn/place.h"

char *cf_undo_newest(const struct cf_txn_place *place, struct cf_error *err)
{
	CF_NAMES names = { 0 };
	if (cf_names_get(place, &names, err) < 0)
		return NULL;
	for (unsigned n = CF_UNDO_NAMES_MAX;; n--) {
		CF_FREE char *path = NULL;
		int there = cf_names_undo_there(&names, &n, &path, err);
		if (there < 0)
			return NULL;
		if (!there)
			break;
		CF_JOURNAL j = { .h = -1 };
		/* One that can't be read is handed out too: whoever applies it is told why not. */
		if (cf_journal_open(&j, path, false, NULL) < 0)
			return CF_STEAL(path);
		if (j.marks[CF_MARK_FINISHED] != CF_MARK_ABSENT && j.marks[CF_MARK_UNDONE] != CF_MARK_SET)
			return CF_STEAL(path);
	}
	cf_fail(err, CF_E_NOT_FOUND, "there is no undo file of this disk (%s)", names.base);
	return NULL;
}

int cf_undo_read_info(const char *undo_file, struct cf_undo_info *info, struct cf_error *err)
{
	CF_ROW row = { 0 };
	memset(info, 0, sizeof *info);
	CF_FREE char *path = cf_place_absolute(undo_file, err);
	if (!path || cf_row_read(&row, path, err) < 0)
		return -1;
	info->transactions = row.n;
	/* Of a row that is not there any more the first transaction tells what it was. */
	for (size_t i = 0; i < cf_max_u64(row.n, 1); i++) {
		CF_JOURNAL j = { .h = -1 };
		struct cf_undo_record last;
		if (cf_journal_open_at(&j, path, row.at[i], false, err) < 0 || cf_journal_verify(&j, err) < 0)
			return -1;
		/* Only the disk's last block can be short, and it comes last. */
		if (cf_journal_records(&j, j.blocks - 1, 1, &last, NULL, err) < 0)
			return -1;
		info->blocks += j.blocks;
		info->bytes += (j.blocks - 1) * CF_UNDO_BLOCK + cf_le32_get(last.length);
		info->time = j.time;
		memcpy(info->disk_path, j.disk_path, sizeof info->disk_path);
		memcpy(info->disk_id, j.disk_id, sizeof info->disk_id);
		if (j.growth.kind != CF_GROWTH_NONE)
			info->growth = j.growth;
	}
	return 0;
}

/* That the file is whole, can be undone, and is of this disk. */
static int check_file(struct cf_journal *j, struct cf_block *disk, const struct cf_txn_place *place,
		      struct cf_error *err)
{
	char raw[CF_UNDO_ID] = "", id[CF_UNDO_ID];
	if (place->disk_id)
		snprintf(raw, sizeof raw, "%s", place->disk_id);
	cf_journal_text(id, raw, sizeof id);
	if (strcmp(id, j->disk_id) != 0)
		return cf_fail(err, CF_E_REFUSED, "%s belongs to another disk: to %s (%s), and this one is %s", j->path,
			       j->disk_id, j->disk_path, id);
	/* Of a disk that was grown and is small again, what is left to undo lies in the old part. */
	if (disk->size < (j->growth.kind != CF_GROWTH_NONE ? j->growth.old_size : j->disk_size))
		return cf_fail(err, CF_E_REFUSED, "%s belongs to a disk of %llu bytes, and this one has %llu", j->path,
			       (unsigned long long)j->disk_size, (unsigned long long)disk->size);
	if (j->marks[CF_MARK_UNDONE] == CF_MARK_SET)
		return cf_fail(err, CF_E_REFUSED, "%s has been undone already", j->path);
	if (j->marks[CF_MARK_ARMED] != CF_MARK_SET) {
		cf_fail(err, CF_E_CORRUPT, j->marks[CF_MARK_ARMED] == CF_MARK_ABSENT ?
			"%s was never completed: nothing of that repair reached the disk" :
			"the undo file %s is damaged: its first mark does not match its checksum", j->path);
		return cf_fail_path(err, j->path);
	}
	return cf_journal_verify(j, err);
}

/* A refusal because the disk has changed names the newer undo file, if that is the reason. */
static int explain_change(const char *path, const struct cf_txn_place *place, struct cf_error *err)
{
	if (err->code != CF_E_CHANGED)
		return -1;
	CF_FREE char *newest = cf_undo_newest(place, NULL);
	size_t n = strlen(err->message);
	if (newest && strcmp(newest, path) != 0)
		snprintf(err->message + n, sizeof err->message - n, "; there is a newer undo file: undo %s first", newest);
	else
		snprintf(err->message + n, sizeof err->message - n,
			 "; nothing was written (--force puts the old content back all the same)");
	return -1;
}

/* The marker of this undo: a new one, or the one that an unfinished transaction of the same file left. */
static int take_marker(struct cf_marker *m, const struct cf_names *names, struct cf_journal *j, struct cf_error *err)
{
	bool created = false;
	struct cf_error ignored;
	if (m->path) {
		/* The process that left it may not have synced it. */
		if (cf_stable_sync(m->h, m->path, err) < 0 || cf_stable_sync_folder_of(m->path, err) < 0)
			return -1;
		/* A commit that is taken back by force: its finished mark must not count any more. */
		return m->kind == CF_MARKER_COMMIT ? cf_marker_set(m, CF_MARKER_ROLLBACK, err) : 0;
	}
	if (cf_marker_create(m, names->marker, CF_MARKER_UNDO, j->nonce, j->path, j->at, &created, err) == 0)
		return 0;
	if (created && cf_marker_remove(m, &ignored) < 0)
		return -1; /* not active: the next open removes it */
	return -1;
}

/* The undo failed before or while writing the disk. What it overwrote is put back, so that the disk is as it was. */
static void give_up(struct cf_marker *m, struct cf_journal *j, struct cf_block *disk, const struct cf_saved *saved,
		    struct cf_error *why)
{
	struct cf_error e = { 0 };
	size_t n = strlen(why->message);
	if (cf_saved_restore(saved, disk, &e) < 0) {
		snprintf(why->message + n, sizeof why->message - n,
			 "; the undo is half done (%.300s): %s keeps the old content, and the next open goes on with it",
			 e.message, j->path);
		return;
	}
	snprintf(why->message + n, sizeof why->message - n, "; the disk is as it was before the undo");
	if (cf_marker_set(m, CF_MARKER_DONE, &e) == 0 && cf_marker_remove(m, &e) < 0)
		return; /* done: the next open removes it */
}

static int put_back(struct cf_marker *m, struct cf_journal *j, struct cf_block *disk, const struct cf_names *names,
		    bool torn, uint64_t *bytes, struct cf_error *err)
{
	/* Of a disk that was between before there is nothing whole to go back to. */
	struct cf_saved saved = { .incomplete = torn };
	/* 1. The marker; 2. the undo file says that it is being undone; 3. the marker says that the disk may be between. */
	if (take_marker(m, names, j, err) < 0)
		return -1;
	int r = 0;
	if (j->marks[CF_MARK_UNDOING] != CF_MARK_SET)
		r = cf_journal_mark(j, CF_MARK_UNDOING, err);
	if (r == 0)
		r = cf_marker_set(m, CF_MARKER_ACTIVE, err);
	/* 4. The disk, its cache, and what the medium holds. */
	if (r == 0)
		r = cf_journal_restore(j, disk, &saved, bytes, err);
	if (r < 0)
		give_up(m, j, disk, &saved, err);
	cf_buf_free(&saved.data);
	return r;
}

/* One undo, from the first look to the last mark. */
struct undo {
	struct cf_block *disk;
	const struct cf_txn_place *place;
	const char *path; /* of the undo file, absolute */
	bool force, dry_run;
	struct cf_names names;
	struct cf_marker m; /* path NULL: there is none */
	struct cf_row row;
	uint64_t planned;   /* bytes that differ from the before-images */
	struct cf_txn_stats *stats;
};

/* A disk that a stop left between two states in this transaction. */
static bool is_torn(const struct undo *u, const struct cf_journal *j)
{
	bool finished = j->marks[CF_MARK_FINISHED] == CF_MARK_SET && u->m.marks[CF_MARKER_ROLLBACK] == CF_MARK_ABSENT;
	return !finished || j->marks[CF_MARK_UNDOING] != CF_MARK_ABSENT;
}

/* The marker that is there is of this undo file: a transaction that was cut off is carried on, so that force can help it over a
 * changed disk. Anything else that is unfinished is settled first. */
static int take_over(struct undo *u, struct cf_error *err)
{
	enum cf_recovery what;
	const struct cf_marker *m = &u->m;
	for (size_t i = u->row.n ? u->row.n - 1 : 0; i < u->row.all && i <= u->row.n; i++) {
		CF_JOURNAL j = { .h = -1 };
		if (!m->valid || m->at != u->row.at[i] || cf_journal_open_at(&j, u->path, m->at, false, NULL) < 0)
			continue;
		bool finished = j.marks[CF_MARK_FINISHED] == CF_MARK_SET && m->marks[CF_MARKER_ROLLBACK] == CF_MARK_ABSENT;
		if (memcmp(m->nonce, j.nonce, sizeof m->nonce) == 0 && m->marks[CF_MARKER_ACTIVE] != CF_MARK_ABSENT &&
		    m->marks[CF_MARKER_DONE] == CF_MARK_ABSENT && (m->kind == CF_MARKER_UNDO || !finished)) {
			u->row.n = i + 1;
			return 0;
		}
	}
	if (u->dry_run)
		return cf_fail(err, CF_E_UNCLEAN, "another transaction of this disk has not finished (%s)", m->path);
	cf_marker_close(&u->m);
	if (cf_txn_recover(u->disk, u->place, &what, err) < 0)
		return -1;
	if (what == CF_RECOVERY_ROLLED_BACK || what == CF_RECOVERY_ROW_SHORTENED)
		return cf_fail(err, CF_E_CHANGED, "a transaction that had not finished was settled just now; "
			       "look at the disk again before undoing more");
	return 0;
}

/* Everything before the first write: each transaction's part of the file, and the disk. A block that several transactions cover
 * must be as the last of them left it; that the others fit is seen when their turn comes. */
static int check_all(struct undo *u, struct cf_error *err)
{
	struct cf_seen *seen = u->row.n > 1 ? cf_seen_new() : NULL;
	int r = u->row.n > 1 && !seen ? cf_fail_nomem(err) : 0;
	for (size_t i = u->row.n; r == 0 && i > 0; i--) {
		CF_JOURNAL j = { .h = -1 };
		r = cf_journal_open_at(&j, u->path, u->row.at[i - 1], false, err);
		if (r == 0)
			r = check_file(&j, u->disk, u->place, err);
		if (r < 0)
			break;
		enum cf_check how = u->force ? CF_CHECK_COUNT : is_torn(u, &j) ? CF_CHECK_TORN : CF_CHECK_STRICT;
		uint64_t bytes = 0;
		if (i == u->row.n)
			r = cf_journal_check_prints(&j, u->disk, how, err);
		if (r == 0)
			r = cf_journal_check_blocks(&j, u->disk, how, seen, &bytes, err);
		u->planned += bytes;
		u->stats->blocks += j.blocks;
		u->stats->undo_bytes += j.file_size;
		if (r < 0)
			explain_change(u->path, u->place, err);
	}
	cf_seen_free(seen);
	return r;
}

/* Puts transaction i back. The disk was compared with the last one already. */
static int undo_one(struct undo *u, size_t i, struct cf_error *err)
{
	CF_JOURNAL j = { .h = -1 };
	uint64_t bytes = 0;
	if (cf_journal_open_at(&j, u->path, u->row.at[i], true, err) < 0)
		return -1;
	bool torn = is_torn(u, &j);
	enum cf_check how = u->force ? CF_CHECK_COUNT : torn ? CF_CHECK_TORN : CF_CHECK_STRICT;
	if (i + 1 < u->row.n && cf_journal_check(&j, u->disk, how, &bytes, err) < 0)
		return -1;
	int r = put_back(&u->m, &j, u->disk, &u->names, torn, &bytes, err);
	u->stats->bytes_written += bytes;
	if (r < 0)
		return -1;
	/* 5. Undone. From here on the disk is old and checked; 6. the new name, and the marker goes. */
	if (cf_journal_mark(&j, CF_MARK_UNDONE, err) < 0 || cf_retire(&u->m, &j, true, err) < 0)
		return cf_fail_prefix(err, "the disk is as it was before the repair, but that could not be recorded "
				      "(the next open does so)");
	return 0;
}

static int undo_all(struct undo *u, struct cf_error *err)
{
	for (size_t i = u->row.n; i > 0; i--) {
		int r = undo_one(u, i - 1, err);
		size_t done = u->row.n - i + (r == 0);
		cf_marker_close(&u->m);
		u->m = (struct cf_marker){ .h = -1 };
		if (r == 0 && i > 1 && u->place->progress &&
		    u->place->progress(u->place->user, "undo", cf_min_u64(u->stats->bytes_written, u->planned), u->planned))
			r = cf_fail(err, CF_E_CANCELLED, "stopped");
		if (r < 0 && u->row.n > 1)
			cf_fail_prefix(err, "%zu of %zu steps are undone; run the undo again to go on", done, u->row.n);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int undo(struct undo *u, struct cf_error *err)
{
	const struct cf_txn_place *place = u->place;
	CF_JOURNAL j = { .h = -1 };
	if (!u->dry_run && place->state_is_folder && cf_stable_make_folder(place->state_base, err) < 0)
		return -1;
	if (cf_names_get(place, &u->names, err) < 0 || cf_journal_open(&j, u->path, !u->dry_run, err) < 0 ||
	    cf_row_read(&u->row, u->path, err) < 0)
		return -1;
	int there = cf_marker_open(&u->m, u->names.marker, !u->dry_run, err);
	if (there < 0 || (there && take_over(u, err) < 0))
		return -1;
	/* A row of which nothing is left is refused like a file that was undone. */
	u->row.n = (size_t)cf_max_u64(u->row.n, 1);
	if (check_all(u, err) < 0)
		return -1;
	u->stats->bytes_written = u->planned;
	if (u->dry_run)
		return 0;
	u->stats->bytes_written = 0;
	if (cf_place_check(u->path, place, 0, err) < 0)
		return -1;
	if (place->state_is_folder && cf_place_check(u->names.marker, place, 0, err) < 0)
		return -1;
	return undo_all(u, err);
}

int cf_undo_apply(struct cf_block *disk, const struct cf_txn_place *place, const char *undo_file, bool force,
		  bool dry_run, struct cf_txn_stats *stats, struct cf_error *err)
{
	struct cf_txn_stats unused_stats;
	struct cf_error unused_error;
	if (!stats)
		stats = &unused_stats;
	if (!err)
		err = &unused_error;
	memset(stats, 0, sizeof *stats);
	if (disk->read_only && !dry_run)
		return cf_fail(err, CF_E_READ_ONLY, "the disk was opened for reading only");
	CF_FREE char *path = cf_place_absolute(undo_file, err);
	if (!path)
		return -1;
	struct undo u = { .disk = disk, .place = place, .path = path, .force = force, .dry_run = dry_run, .m = { .h = -1 },
			  .stats = stats };
	int r = undo(&u, err);
	cf_row_free(&u.row);
	cf_marker_close(&u.m);
	cf_names_free(&u.names);
	return r;
}
