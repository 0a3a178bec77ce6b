/* undo.c - put back what the last repair changed.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>

#include "base/stamp.h"
#include "job/session.h"

/* Puts back. Of an expansion the record that makes the disk's file small again comes first; opening the disk anew does that. */
static int put_back(const struct cf_request *req, struct cf_session *s, struct cf_result *r, const char *file, const struct cf_undo_info *info)
{
	struct cf_txn_stats stats = { 0 };
	bool grown = info->growth.kind != CF_GROWTH_NONE && !s->place[0].state_is_folder && s->disk[0]->block->size == info->growth.new_size;
	if (grown && cf_growth_record(s->state[0], &info->growth, &r->error) < 0)
		return -1;
	int ret = cf_undo_apply(s->disk[0]->block, &s->place[0], file, req->force, false, &stats, &r->error);
	json_object_set_new(r->doc, "bytes_written", json_integer((json_int_t)stats.bytes_written));
	if (!grown)
		return ret;
	struct cf_error e = { 0 };
	cf_session_close(s);
	int again = cf_session_open(s, req, NULL, true, &e);
	if (ret == 0 && again < 0) {
		r->error = e;
		return cf_fail_prefix(&r->error, "the disk's content is as it was, but its file could not be made small again (the next open tries)");
	}
	return ret;
}

static int undo_file(const struct cf_request *req, struct cf_session *s, struct cf_result *r, const char *file)
{
	struct cf_undo_info info;
	struct cf_txn_stats stats = { 0 };
	if (cf_undo_read_info(file, &info, &r->error) < 0)
		return cf_fail_path(&r->error, file);
	/* All checks first, so that nobody is asked about an undo that would be refused. */
	if (cf_undo_apply(s->disk[0]->block, &s->place[0], file, req->force, true, &stats, &r->error) < 0)
		return -1;
	json_object_set_new(r->doc, "undo_file", cf_json_text(file));
	char time[CF_TIME_TEXT];
	json_object_set_new(r->doc, "repaired_at", cf_json_text(cf_time_text(info.time, time)));
	json_object_set_new(r->doc, "bytes_planned", json_integer((json_int_t)info.bytes));
	json_object_set_new(r->doc, "bytes_written", json_integer(0));
	if (req->dry_run) {
		r->dry_run = true;
		r->exit_status = info.bytes ? 4 : 0;
		return 0;
	}
	if (!cf_session_confirmed(s, r))
		return 0;
	return put_back(req, s, r, file, &info);
}

int cf_job_undo(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	CF_FREE char *newest = NULL;
	int ret = cf_session_open(&s, req, NULL, !req->dry_run, &r->error);
	const char *file = req->args && req->args[0] ? req->args[0] : req->undo_file;
	/* Taking back what was never finished is the undo that was asked for; an older repair is undone when asked again. Of a row of
	 * transactions only the open one was taken back, and the others are what is to be undone. */
	bool settled = ret == 0 && s.rolled_back && !s.row_shortened && !file;
	if (settled) {
		json_object_set_new(r->doc, "rolled_back", json_true());
		cf_describe_unwritten(r->doc);
	}
	if (ret == 0 && !file && !settled) {
		file = newest = cf_undo_newest(&s.place[0], &r->error);
		if (!file)
			ret = -1;
	}
	if (ret == 0 && !settled)
		ret = undo_file(req, &s, r, file);
	if (ret == 0) {
		struct cf_error ignored;
		json_object_set_new(r->doc, "disk", json_null());
		json_object_set_new(r->doc, "windows", json_array());
		/* What the disk is now, as far as it can be read: an undo succeeds also where Windows can't be found. */
		if (cf_session_survey(&s, &ignored) == 0) {
			json_object_set_new(r->doc, "disk", cf_describe_disk(&s));
			json_object_set_new(r->doc, "windows", cf_describe_windows(&s));
		}
		json_object_set_new(r->doc, "verdict", json_null());
		json_object_set_new(r->doc, "problems", json_array());
		json_object_set_new(r->doc, "changes", json_array());
	}
	cf_session_close(&s);
	return ret;
}
