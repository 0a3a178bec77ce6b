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

#include "txn/place.h"

char *cf_undo_newest(const struct cf_txn_place *place, struct cf_error *err)
{
	CF_NAMES names = { 0 };
	if (cf_names_get(place, &names, err) < 0)
		return NULL;
	for (unsigned n = CF_UNDO_NAMES_MAX; n > 0; n--) {
		CF_FREE char *path = cf_names_undo(&names, n);
		if (!path) {
			cf_fail_nomem(err);
			return NULL;
		}
		int there = cf_stable_exists(path, err);
		if (there < 0)
			return NULL;
		if (!there)
			continue;
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
	CF_JOURNAL j = { .h = -1 };
	memset(info, 0, sizeof *info);
	CF_FREE char *path = cf_place_absolute(undo_file, err);
	if (!path || cf_journal_open(&j, path, false, err) < 0)
		return -1;
	if (cf_journal_verify(&j, err) < 0)
		return -1;
	info->blocks = j.blocks;
	/* Only the disk's last block can be short, and it comes last. */
	struct cf_undo_record last;
	if (cf_journal_records(&j, j.blocks - 1, 1, &last, NULL, err) < 0)
		return -1;
	info->bytes = (j.blocks - 1) * CF_UNDO_BLOCK + cf_le32_get(last.length);
	info->time = j.time;
	memcpy(info->disk_path, j.disk_path, sizeof info->disk_path);
	memcpy(info->disk_id, j.disk_id, sizeof info->disk_id);
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
	if (disk->size < j->disk_size)
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

/* Compares the disk; a refusal names the newer undo file, if that is the reason. */
static int check_disk(struct cf_journal *j, struct cf_block *disk, const struct cf_txn_place *place, bool torn,
		      bool force, uint64_t *bytes, struct cf_error *err)
{
	enum cf_check how = force ? CF_CHECK_COUNT : torn ? CF_CHECK_TORN : CF_CHECK_STRICT;
	if (cf_journal_check(j, disk, how, bytes, err) == 0)
		return 0;
	if (err->code != CF_E_CHANGED)
		return -1;
	CF_FREE char *newest = cf_undo_newest(place, NULL);
	size_t n = strlen(err->message);
	if (newest && strcmp(newest, j->path) != 0)
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
	if (cf_marker_create(m, names->marker, CF_MARKER_UNDO, j->nonce, j->path, &created, err) == 0)
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

static int undo(struct cf_block *disk, const struct cf_txn_place *place, const char *undo_file, bool force, bool dry_run,
		struct cf_txn_stats *stats, struct cf_error *err)
{
	CF_NAMES names = { 0 };
	CF_MARKER m = { .h = -1 };
	CF_JOURNAL j = { .h = -1 };
	enum cf_recovery what;
	uint64_t bytes = 0;
	CF_FREE char *path = cf_place_absolute(undo_file, err);
	if (!path)
		return -1;
	if (!dry_run && place->state_is_folder && cf_stable_make_folder(place->state_base, err) < 0)
		return -1;
	if (cf_names_get(place, &names, err) < 0 || cf_journal_open(&j, path, !dry_run, err) < 0)
		return -1;
	int there = cf_marker_open(&m, names.marker, !dry_run, err);
	if (there < 0)
		return -1;
	bool finished = j.marks[CF_MARK_FINISHED] == CF_MARK_SET && m.marks[CF_MARKER_ROLLBACK] == CF_MARK_ABSENT;
	/* A transaction of this very file that was cut off is carried on, so that force can help it over a changed disk. */
	bool same = there && m.valid && memcmp(m.nonce, j.nonce, sizeof m.nonce) == 0 &&
		    m.marks[CF_MARKER_ACTIVE] != CF_MARK_ABSENT && m.marks[CF_MARKER_DONE] == CF_MARK_ABSENT &&
		    (m.kind == CF_MARKER_UNDO || !finished);
	if (there && !same) {
		/* Something else is unfinished, or only its tidying is. */
		if (dry_run)
			return cf_fail(err, CF_E_UNCLEAN, "another transaction of this disk has not finished (%s)", m.path);
		cf_marker_close(&m);
		if (cf_txn_recover(disk, place, &what, err) < 0)
			return -1;
		if (what == CF_RECOVERY_ROLLED_BACK)
			return cf_fail(err, CF_E_CHANGED, "a transaction that had not finished was settled just now; "
				       "look at the disk again before undoing more");
	}
	if (check_file(&j, disk, place, err) < 0)
		return -1;
	bool torn = !finished || j.marks[CF_MARK_UNDOING] != CF_MARK_ABSENT;
	if (check_disk(&j, disk, place, torn, force, &bytes, err) < 0)
		return -1;
	stats->bytes_written = bytes;
	stats->blocks = j.blocks;
	stats->undo_bytes = j.file_size;
	if (dry_run)
		return 0;
	stats->bytes_written = 0;
	if (cf_place_check(path, place, 0, err) < 0)
		return -1;
	if (place->state_is_folder && cf_place_check(names.marker, place, 0, err) < 0)
		return -1;
	if (put_back(&m, &j, disk, &names, torn, &stats->bytes_written, err) < 0)
		return -1;
	/* 5. Undone. From here on the disk is old and checked; 6. the new name, and the marker goes. */
	if (cf_journal_mark(&j, CF_MARK_UNDONE, err) < 0 || cf_retire(&m, &j, true, err) < 0)
		return cf_fail_prefix(err, "the disk is as it was before the repair, but that could not be recorded "
				      "(the next open does so)");
	return 0;
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
	return undo(disk, place, undo_file, force, dry_run, stats, err);
}
