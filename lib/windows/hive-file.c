/* hive-file.c - a hive file with its logs, as Windows would load it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is written: logs are replayed in memory. A clean hive is handed on without a copy, a dirty one is copied by
 * the replay and its primary is freed at once, so that two copies of a large hive live only as long as the replay
 * itself.
 */
#include <stdlib.h>
#include <string.h>

#include "windows/survey.h"

/* One log's bytes; an empty buffer when there is none. A log that is there but can't be read is an error: without it
 * nobody knows what Windows would load. */
static int read_log(struct cf_volume *vol, const char *path, const char *suffix, struct cf_buf *out,
		    struct cf_error *err)
{
	CF_FREE char *name = NULL;
	if (asprintf(&name, "%s%s", path, suffix) < 0) {
		name = NULL;
		return cf_fail_nomem(err);
	}
	struct cf_error why = { 0 };
	struct cf_stat st;
	if (cf_volume_stat(vol, name, &st, &why) < 0) {
		if (why.code == CF_E_NOT_FOUND)
			return 0;
		if (err)
			*err = why;
		return cf_fail_path(err, name);
	}
	if (st.kind != CF_FILE_REGULAR || !st.size)
		return 0;
	if (cf_volume_read_file(vol, name, CF_HIVE_ABSURD_BYTES, out, err) < 0) {
		cf_fail_path(err, name);
		return cf_fail_prefix(err, "the hive was not closed properly and its log can't be read");
	}
	return 0;
}

static int replay_logs(struct cf_volume *vol, const char *path, struct cf_buf *primary, struct cf_replay *replay,
		       struct cf_error *err)
{
	CF_BUF log1 = { 0 };
	CF_BUF log2 = { 0 };
	if (read_log(vol, path, ".LOG1", &log1, err) < 0 || read_log(vol, path, ".LOG2", &log2, err) < 0)
		return -1;
	if (!log1.n && !log2.n && read_log(vol, path, ".LOG", &log1, err) < 0)
		return -1;
	CF_BUF hive = { 0 };
	if (cf_hive_replay(cf_buf_span(primary), cf_buf_span(&log1), cf_buf_span(&log2), &hive, replay, err) < 0)
		return -1;
	cf_buf_free(primary);
	*primary = hive;
	hive = (struct cf_buf){ 0 };
	return 0;
}

int cf_hive_read_replayed(struct cf_volume *vol, const char *path, struct cf_buf *bytes, struct cf_replay *replay,
			  struct cf_error *err)
{
	struct cf_stat st;
	struct cf_hive_base base;
	*replay = (struct cf_replay){ .state = CF_REPLAY_CLEAN };
	if (cf_volume_stat(vol, path, &st, err) < 0)
		return -1;
	if (st.kind != CF_FILE_REGULAR)
		return cf_fail(err, CF_E_CORRUPT, "a folder lies where the hive file should be");
	if (st.size > CF_HIVE_ABSURD_BYTES)
		return cf_fail(err, CF_E_CORRUPT, "the hive is absurdly large (%llu MiB): it was not loaded",
			       (unsigned long long)(st.size / CF_MIB));
	if (cf_volume_read_file(vol, path, CF_HIVE_ABSURD_BYTES, bytes, err) < 0)
		return -1;
	bool dirty = cf_hive_read_base(cf_buf_span(bytes), &base, NULL) < 0 || base.dirty;
	return dirty ? replay_logs(vol, path, bytes, replay, err) : 0;
}

/* Bytes of the hives that stay in memory. A disk can name many installations, each with hives as large as it likes. */
static uint64_t kept_bytes(const struct cf_machine *m)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < m->n_installs; i++)
		sum += m->install[i].system.hive ? cf_hive_bytes(m->install[i].system.hive).n : 0;
	for (size_t i = 0; i < m->n_stores; i++)
		sum += m->store[i].file.hive ? cf_hive_bytes(m->store[i].file.hive).n : 0;
	return sum;
}

static int load(struct cf_machine *m, size_t vol, bool validate, struct cf_hive_file *file, struct cf_error *err)
{
	CF_BUF bytes = { 0 };
	struct cf_stat st;
	if (vol >= m->n_vols || !m->vol[vol].vol)
		return cf_fail(err, CF_E_NOT_FOUND, "the volume of the hive can't be read");
	struct cf_volume *v = m->vol[vol].vol;
	if (cf_volume_stat(v, file->path, &st, err) < 0)
		return -1;
	file->present = true;
	file->size = st.size;
	if (st.size <= CF_HIVE_ABSURD_BYTES && st.size + kept_bytes(m) > CF_SURVEY_MAX_HIVE_BYTES)
		return cf_fail(err, CF_E_UNSUPPORTED, "the hives of all Windows installations are too large together: this one was not loaded");
	if (cf_hive_read_replayed(v, file->path, &bytes, &file->replay, err) < 0)
		return -1;
	file->hive = cf_hive_open(&bytes, err);
	if (!file->hive)
		return -1;
	return validate ? cf_hive_validate(file->hive, &file->report, err) : 0;
}

void cf_hive_file_load(struct cf_machine *m, size_t vol, const char *path, bool validate, struct cf_hive_file *file)
{
	*file = (struct cf_hive_file){ .vol = vol };
	file->path = strdup(path);
	if (!file->path) {
		cf_fail_nomem(&file->error);
		return;
	}
	if (load(m, vol, validate, file, &file->error) < 0) {
		cf_fail_path(&file->error, path);
		cf_hive_close(file->hive);
		file->hive = NULL;
	}
}

void cf_hive_file_free(struct cf_hive_file *file)
{
	cf_hive_close(file->hive);
	free(file->path);
	*file = (struct cf_hive_file){ 0 };
}
