/* marker.c - the small file that lets any later open find an unfinished commit.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The marker exists under its name before the undo file does, and is the last thing to go. Its header is synced before
 * anything else happens, so a header that does not check out means: nothing was begun, as long as no mark is set.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "txn/place.h"

#define MARKER_SIZE (CF_UNDO_MARKS_AT + CF_MARKER_MARK_COUNT * CF_UNDO_BLOCK)
#define UNDONE_NAMES_MAX 999u

int cf_marker_create(struct cf_marker *m, const char *path, enum cf_marker_kind kind,
		     const uint8_t nonce[CF_UNDO_NONCE], const char *journal, uint64_t at, bool *created,
		     struct cf_error *err)
{
	static const uint8_t zero[CF_MARKER_MARK_COUNT * CF_UNDO_BLOCK];
	struct cf_marker_header h = { 0 };
	memset(m, 0, sizeof *m);
	m->h = -1;
	*created = false;
	size_t n = strlen(journal);
	if (n >= sizeof h.path)
		return cf_fail(err, CF_E_USAGE, "the path of the undo file is longer than %zu bytes", sizeof h.path - 1);
	m->path = strdup(path);
	if (!m->path)
		return cf_fail_nomem(err);
	memcpy(h.magic, CF_MARKER_MAGIC, sizeof h.magic);
	cf_le32_set(&h.version, CF_UNDO_VERSION);
	cf_le32_set(&h.kind, kind);
	memcpy(h.nonce, nonce, sizeof h.nonce);
	cf_le32_set(&h.path_length, (uint32_t)n);
	cf_le64_set(&h.at, at);
	memcpy(h.path, journal, n);
	cf_le32_set(&h.crc, cf_undo_crc(nonce, &h, offsetof(struct cf_marker_header, crc)));

	m->h = cf_stable_open(path, CF_STABLE_CREATE, err);
	if (m->h < 0)
		return -1;
	*created = true;
	m->kind = kind;
	m->at = at;
	m->valid = true;
	memcpy(m->nonce, nonce, sizeof m->nonce);
	memcpy(m->journal, h.path, sizeof m->journal);
	if (cf_stable_allocate(m->h, path, MARKER_SIZE, err) < 0 ||
	    cf_stable_write(m->h, path, CF_UNDO_MARKS_AT, zero, sizeof zero, err) < 0 ||
	    cf_stable_write(m->h, path, 0, &h, sizeof h, err) < 0 || cf_stable_sync(m->h, path, err) < 0)
		return -1;
	return cf_stable_sync_folder_of(path, err);
}

int cf_marker_open(struct cf_marker *m, const char *path, bool writable, struct cf_error *err)
{
	struct cf_marker_header h = { 0 };
	struct cf_stable_stat st;
	memset(m, 0, sizeof *m);
	m->h = -1;
	int there = cf_stable_exists(path, err);
	if (there <= 0)
		return there;
	m->path = strdup(path);
	if (!m->path)
		return cf_fail_nomem(err);
	m->h = cf_stable_open(path, writable ? CF_STABLE_WRITE : CF_STABLE_READ, err);
	if (m->h < 0 || cf_stable_stat(m->h, path, &st, err) < 0)
		return -1;
	if (!st.regular) {
		cf_fail(err, CF_E_CORRUPT, "%s is not a marker of an unfinished commit", path);
		return cf_fail_path(err, path);
	}
	size_t have = st.size < sizeof h ? (size_t)st.size : sizeof h;
	if (cf_stable_read(m->h, path, 0, &h, have, err) < 0)
		return -1;
	memcpy(m->nonce, h.nonce, sizeof m->nonce);
	m->kind = (enum cf_marker_kind)cf_le32_get(h.kind);
	uint32_t n = cf_le32_get(h.path_length);
	m->valid = memcmp(h.magic, CF_MARKER_MAGIC, sizeof h.magic) == 0 &&
		   cf_le32_get(h.crc) == cf_undo_crc(m->nonce, &h, offsetof(struct cf_marker_header, crc));
	if (m->valid && (cf_le32_get(h.version) != CF_UNDO_VERSION ||
			 (m->kind != CF_MARKER_COMMIT && m->kind != CF_MARKER_UNDO))) {
		cf_fail(err, CF_E_UNSUPPORTED,
			"%s tells of a commit by another version of coldfix that did not finish; use that one", path);
		return cf_fail_path(err, path);
	}
	if (m->valid && (n == 0 || n >= sizeof h.path || h.path[n] != 0 || strlen(h.path) != n || h.path[0] != '/'))
		m->valid = false;
	if (m->valid)
		memcpy(m->journal, h.path, sizeof m->journal);
	m->at = m->valid ? cf_le64_get(h.at) : 0;
	for (unsigned k = 0; k < CF_MARKER_MARK_COUNT; k++) {
		uint64_t end = CF_UNDO_MARKS_AT + k * (uint64_t)CF_UNDO_BLOCK + sizeof(struct cf_undo_mark);
		if (st.size >= end && cf_mark_read(m->h, path, 0, m->nonce, k, &m->marks[k], NULL, err) < 0)
			return -1;
	}
	return 1;
}

int cf_marker_set(struct cf_marker *m, enum cf_marker_mark_kind kind, struct cf_error *err)
{
	if (m->marks[kind] == CF_MARK_SET)
		return 0;
	if (cf_mark_set(m->h, m->path, 0, m->nonce, kind, 0, err) < 0)
		return -1;
	m->marks[kind] = CF_MARK_SET;
	return 0;
}

int cf_marker_remove(struct cf_marker *m, struct cf_error *err)
{
	if (cf_stable_unlink(m->path, err) < 0)
		return -1;
	return cf_stable_sync_folder_of(m->path, err);
}

void cf_marker_close(struct cf_marker *m)
{
	if (m->path && m->h >= 0)
		cf_stable_close(m->h);
	free(m->path);
	m->path = NULL;
	m->h = -1;
}

/* NAME.undone, or NAME.undone.2, … when that is taken. */
static int rename_undone(const char *path, struct cf_error *err)
{
	for (unsigned n = 1; n <= UNDONE_NAMES_MAX; n++) {
		char number[16] = "";
		CF_FREE char *to = NULL;
		if (n > 1)
			snprintf(number, sizeof number, ".%u", n);
		if (asprintf(&to, "%s.undone%s", path, number) < 0) {
			to = NULL;
			return cf_fail_nomem(err);
		}
		int there = cf_stable_exists(to, err);
		if (there < 0)
			return -1;
		if (!there)
			return cf_stable_rename(path, to, err);
	}
	return cf_fail(err, CF_E_REFUSED, "%s.undone exists many times over; move the old ones away", path);
}

int cf_retire(struct cf_marker *m, struct cf_journal *j, bool undone, struct cf_error *err)
{
	/* 0. In a row a mark takes the file's place: what was taken back must not count as finished. */
	bool row_goes_on = j->path && j->at != 0;
	if (row_goes_on && j->marks[CF_MARK_UNDONE] != CF_MARK_SET && cf_journal_mark(j, CF_MARK_UNDONE, err) < 0)
		return -1;
	/* 1. Once the marker says that the disk is whole, an undo file that is gone no longer alarms anyone.
	 * 2. The undo file goes, or gets its new name.
	 * 3. The marker goes. */
	if (cf_marker_set(m, CF_MARKER_DONE, err) < 0)
		return -1;
	if (j->path && !row_goes_on) {
		if ((undone ? rename_undone(j->path, err) : cf_stable_unlink(j->path, err)) < 0)
			return -1;
		if (cf_stable_sync_folder_of(j->path, err) < 0)
			return -1;
	}
	return cf_marker_remove(m, err);
}
