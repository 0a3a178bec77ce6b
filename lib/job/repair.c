/* repair.c - the life of one repair: plan on an overlay, prove it there, ask, do the same on the disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The disk is opened read-only for the plan; the fixes write into copy-on-write overlays, the detectors run again on them, and only
 * if each planned problem is gone and nothing new appeared is there anything to commit. After the confirmation the disk (or the copy that --output
 * asked for) is opened for writing and the same path runs again; if it does not arrive at the same plan, the disk has changed meanwhile and
 * nothing is written. A dry run stops before the second half, so the preview is the repair.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/select.h"
#include "job/expand.h"
#include "job/session.h"
#include "job/symptom.h"

#define MAX_SKIP 16 /* folders that turn out to be damaged only when something is taken out of them */

struct run {
	struct cf_session s;
	struct cf_findings found, after;
	struct cf_verdict verdict;
	struct cf_work w;
	bool has_work;
	struct cf_txn *txn[CF_MAX_DISKS];
	uint64_t pending[CF_MAX_DISKS], total_pending;
	struct cf_machine *result; /* the machine as the overlays show it */
	const struct cf_task *task; /* NULL: a repair */
	uint64_t skip[MAX_SKIP];   /* MFT references of folders that the clean-up leaves alone */
	size_t n_skip;
	char *no_cleanup;          /* why there can be no clean-up; NULL: there can */
	char **unwritable;         /* per volume: why it turned out that it can't be written; NULL-filled */
};

static void run_end(struct run *r)
{
	for (size_t i = 0; r->unwritable && i < r->s.m->n_vols; i++)
		free(r->unwritable[i]);
	free(r->unwritable);
	free(r->no_cleanup);
	cf_machine_free(r->result);
	if (r->has_work)
		cf_work_end(&r->w);
	for (unsigned i = 0; i < CF_MAX_DISKS; i++)
		cf_txn_end(r->txn[i]);
	cf_findings_free(&r->found);
	cf_findings_free(&r->after);
	cf_session_close(&r->s);
}

static bool same_finding(const struct cf_finding *a, const struct cf_finding *b)
{
	return a->problem == b->problem && a->repair == b->repair && strcmp(a->where, b->where) == 0;
}

static const struct cf_finding *find_same(const struct cf_findings *fs, const struct cf_finding *f)
{
	for (size_t i = 0; i < fs->n; i++)
		if (same_finding(&fs->item[i], f))
			return &fs->item[i];
	return NULL;
}

/* What is scattered is judged by its share of what is free: a repair that frees space can tip that without having scattered anything. */
static bool freed_only(const struct run *r, const struct cf_finding *f)
{
	if (strcmp(f->problem->id, "free-space-scattered") != 0 || f->vol < 0 || (size_t)f->vol >= r->s.m->n_vols)
		return false;
	const struct cf_volume_space *before = &r->s.m->vol[f->vol].space, *after = &r->result->vol[f->vol].space;
	return after->largest_free_extent_bytes >= before->largest_free_extent_bytes && after->free_bytes >= before->free_bytes;
}

/* Each planned problem is gone, nothing new that counts appeared. */
static int prove(struct run *r, struct cf_error *err)
{
	for (size_t i = 0; i < r->found.n; i++) {
		struct cf_finding *f = &r->found.item[i];
		bool gone = !find_same(&r->after, f);
		if (f->status == CF_STATUS_PLANNED && !gone)
			return cf_fail(err, CF_E_INTERNAL,
				       "after the repair \"%s\" would still be there (%s); nothing was written. Please report this",
				       f->problem->id, f->detail);
		/* Some problems go with the repair of another one (a hive is replayed before it is edited). */
		if (gone && (f->status == CF_STATUS_FOUND || f->status == CF_STATUS_LEFT)) {
			f->status = CF_STATUS_PLANNED;
			free(f->reason);
			f->reason = NULL;
		}
	}
	for (size_t i = 0; i < r->after.n; i++) {
		const struct cf_finding *f = &r->after.item[i];
		if (cf_finding_counts(f) && !find_same(&r->found, f) && !freed_only(r, f))
			return cf_fail(err, CF_E_INTERNAL,
				       "the repair would bring a new problem, \"%s\" (%s); nothing was written. Please report this",
				       f->problem->id, f->detail);
	}
	return 0;
}

static int begin_overlays(struct run *r, struct cf_block **overlay, struct cf_error *err)
{
	for (unsigned d = 0; d < r->s.n; d++) {
		overlay[d] = r->s.disk[d]->block;
		if (!cf_work_touches(&r->w, d))
			continue;
		r->txn[d] = cf_txn_begin(r->s.disk[d]->block, 0, err);
		if (!r->txn[d])
			return -1;
		overlay[d] = cf_txn_block(r->txn[d]);
	}
	return 0;
}

/* Everything that is wrong, and what somebody asked for. */
static int detect(const struct run *r, const struct cf_context *c, struct cf_findings *fs, struct cf_error *err)
{
	return r->task && r->task->row->detect(c, fs, err) < 0 ? -1 : cf_detect_all(c, fs, err);
}

static int look_at_result(struct run *r, struct cf_block **overlay, struct cf_error *err)
{
	struct cf_context c;
	if (cf_session_survey_with(&r->s, overlay, &r->result, err) < 0)
		return cf_fail_prefix(err, "the repaired disk could not be read again; nothing was written");
	cf_context_make(&c, r->result, r->s.req);
	c.collected = r->s.collected;
	c.n_collected = r->s.n_collected;
	return detect(r, &c, &r->after, err);
}

static int check_target(struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	const struct cf_machine *m = r->s.m;
	if (req->windows && m->selected < 0)
		return cf_fail(err, CF_E_NOT_FOUND, "there is no Windows number %d on this disk: it has %zu", req->windows,
			       m->n_installs);
	if (m->ambiguous && !req->windows)
		return cf_fail(err, CF_E_REFUSED,
			       "this disk has %zu Windows installations and no default boot entry says which one: name it with --windows N",
			       m->n_installs);
	if (req->expect_computer) {
		const char *name = r->s.ctx.in ? r->s.ctx.in->computer_name : NULL;
		if (!name || strcasecmp(name, req->expect_computer) != 0)
			return cf_fail(err, CF_E_REFUSED, "this disk belongs to the computer %s, not to %s; nothing was changed",
				       name ? name : "(unknown)", req->expect_computer);
	}
	return 0;
}

static int select_and_fix(struct run *r, struct cf_error *err)
{
	return r->task ? cf_select_task(&r->s.ctx, r->task->row, &r->found, &r->w, err)
		       : cf_select_and_fix(&r->s.ctx, &r->found, &r->w, err);
}

/* Selects, queues and carries out on fresh overlays. */
static int try_plan(struct run *r, struct cf_block **overlay, struct cf_error *err)
{
	if (detect(r, &r->s.ctx, &r->found, err) < 0 || cf_work_begin(&r->s.ctx, &r->w, err) < 0)
		return -1;
	r->has_work = true;
	r->w.unwritable = r->unwritable;
	r->w.skip = r->skip;
	r->w.n_skip = r->n_skip;
	r->w.no_cleanup = r->no_cleanup;
	if (select_and_fix(r, err) < 0)
		return -1;
	if (cf_work_empty(&r->w))
		return 0;
	return begin_overlays(r, overlay, err) < 0 || cf_work_apply(&r->w, overlay, err) < 0 ? -1 : 0;
}

static void forget_try(struct run *r)
{
	cf_work_end(&r->w);
	r->has_work = false;
	cf_findings_free(&r->found);
	for (unsigned d = 0; d < r->s.n; d++) {
		cf_txn_end(r->txn[d]);
		r->txn[d] = NULL;
	}
}

/* A volume that can't be written must not keep the others from being repaired, a folder that can't be cleaned not the rest of the volume: what belongs to
 * them is left, with the reason. */
static bool leave_some(struct run *r, const struct cf_error *err)
{
	int v = r->has_work ? r->w.failed_vol : -1;
	if (err->code == CF_E_NO_MEMORY || err->code == CF_E_IO || err->code == CF_E_CANCELLED)
		return false;
	if (r->has_work && r->w.failed_cleanup) {
		if (r->w.stuck && r->n_skip < MAX_SKIP)
			r->skip[r->n_skip++] = r->w.stuck;
		else if (r->no_cleanup || !(r->no_cleanup = strdup(err->message)))
			return false;
		return true;
	}
	if (v < 0 || r->unwritable[v])
		return false;
	r->unwritable[v] = strdup(err->message);
	return r->unwritable[v] != NULL;
}

/* From an open disk to a proven overlay. */
static int plan(struct run *r, struct cf_error *err)
{
	struct cf_block *overlay[CF_MAX_DISKS];
	if (cf_session_survey(&r->s, err) < 0 || check_target(r, err) < 0)
		return -1;
	r->unwritable = calloc(r->s.m->n_vols + 1, sizeof *r->unwritable);
	if (!r->unwritable)
		return cf_fail_nomem(err);
	while (try_plan(r, overlay, err) < 0) {
		if (!leave_some(r, err))
			return -1;
		forget_try(r);
		*err = (struct cf_error){ 0 };
	}
	cf_verdict_make(&r->found, &r->s.ctx, &r->verdict);
	if (cf_work_empty(&r->w))
		return 0;
	if (look_at_result(r, overlay, err) < 0 || prove(r, err) < 0)
		return -1;
	for (unsigned d = 0; d < r->s.n; d++) {
		if (r->txn[d] && cf_txn_pending(r->txn[d], &r->pending[d], err) < 0)
			return -1;
		r->total_pending += r->pending[d];
	}
	return 0;
}

static json_t *describe_changes(const struct cf_work *w)
{
	json_t *a = json_array();
	for (size_t i = 0; i < w->n_changes; i++) {
		const struct cf_change *c = &w->change[i];
		json_array_append_new(a, json_pack("{s:s,s:o,s:o,s:o}", "problem", c->problem, "what", cf_json_text(c->what),
						   "before", cf_json_text(c->before), "after", cf_json_text(c->after)));
	}
	return a;
}

/* Of a task: what it is about and what goes with it; what else is wrong is diagnose's to say. */
static json_t *describe_found(const struct run *r)
{
	json_t *all = cf_describe_findings(&r->found), *some = json_array();
	size_t i;
	json_t *f;
	if (!r->task) {
		json_decref(some);
		return all;
	}
	json_array_foreach(all, i, f) {
		const char *status = json_string_value(json_object_get(f, "status"));
		if (r->found.item[i].problem == r->task->row || strcmp(status, "planned") == 0 || strcmp(status, "fixed") == 0)
			json_array_append(some, f);
	}
	json_decref(all);
	return some;
}

static void describe(const struct run *r, struct cf_result *out)
{
	json_t *doc = out->doc;
	if (r->task)
		(void)!r->task->describe(&r->s.ctx, doc, NULL); /* it could be worked out for the plan, so it can be now */
	else
		json_object_set_new(doc, "verdict", cf_describe_verdict(&r->verdict));
	json_object_set_new(doc, "disk", cf_describe_disk(&r->s));
	json_object_set_new(doc, "windows", cf_describe_windows(&r->s));
	json_object_set_new(doc, "problems", describe_found(r));
	json_object_set_new(doc, "changes", describe_changes(&r->w));
	cf_describe_unwritten(doc);
	json_object_set_new(doc, "bytes_planned", json_integer((json_int_t)r->total_pending));
}

static void set_status(struct cf_findings *fs, enum cf_status from, enum cf_status to)
{
	for (size_t i = 0; i < fs->n; i++)
		if (fs->item[i].status == from)
			fs->item[i].status = to;
}

static int exit_status(const struct run *r)
{
	for (size_t i = 0; i < r->found.n; i++) {
		const struct cf_finding *f = &r->found.item[i];
		if ((r->task ? f->problem == r->task->row : cf_finding_counts(f)) && f->status != CF_STATUS_FIXED)
			return 4;
	}
	return 0;
}

/* Everything that could still refuse the undo files, before the first byte of backup or journal is written. */
static int check_places(struct run *r, struct cf_error *err)
{
	for (unsigned d = 0; d < r->s.n; d++) {
		struct cf_txn_fingerprint *prints = NULL;
		size_t n = 0;
		if (!r->pending[d])
			continue;
		if (cf_session_fingerprints(r->result, d, &prints, &n, err) < 0)
			return -1;
		free(prints);
		if (cf_txn_check_place(r->txn[d], &r->s.place[d], n, err) < 0)
			return cf_fail_path(err, r->s.disk[d]->path);
	}
	return 0;
}

/* OS disk first: its registry must no longer name a paging file before the data disk loses it. */
static int commit(struct run *r, struct cf_result *out, struct cf_error *err)
{
	CF_FREE char *folder = NULL;
	json_t *files = json_array();
	uint64_t written = 0;
	int ret = 0;
	json_object_set_new(out->doc, "undo_files", files);
	if (check_places(r, err) < 0)
		return -1;
	if (!r->s.req->no_backup && cf_session_backup(&r->s, &folder, err) < 0)
		return -1;
	json_object_set_new(out->doc, "backup_folder", cf_json_text(folder));
	for (unsigned d = 0; d < r->s.n && ret == 0; d++) {
		struct cf_txn_fingerprint *prints = NULL;
		size_t n = 0;
		CF_FREE char *undo = NULL;
		struct cf_txn_stats stats = { 0 };
		if (!r->pending[d])
			continue;
		ret = cf_session_fingerprints(r->result, d, &prints, &n, err);
		if (ret == 0)
			ret = cf_txn_commit(r->txn[d], &r->s.place[d], prints, n, &undo, &stats, err);
		free(prints);
		if (ret < 0) {
			cf_fail_path(err, r->s.disk[d]->path);
			break;
		}
		written += stats.bytes_written;
		if (undo) {
			json_array_append_new(files, cf_json_text(undo));
			if (d == 0 || json_is_null(json_object_get(out->doc, "undo_file")))
				json_object_set_new(out->doc, "undo_file", cf_json_text(undo));
		}
	}
	json_object_set_new(out->doc, "bytes_written", json_integer((json_int_t)written));
	if (ret < 0 && written)
		cf_fail_prefix(err, "an earlier disk of this repair was already written (undo it with coldfix undo)");
	return ret;
}

/* With --expand the plan that is shown holds both steps. */
static bool confirmed(const struct cf_request *req, struct run *r, struct cf_result *out)
{
	json_t *doc = out->doc, *whole = req->confirm ? cf_job_repair_expand_plan(req, doc) : NULL;
	if (whole)
		out->doc = whole;
	bool yes = cf_session_confirmed(&r->s, out);
	out->doc = doc;
	json_decref(whole);
	if (!yes)
		json_object_set_new(doc, "declined", json_true());
	return yes;
}

/* The same changes, but for a copy's GPT, whose backup moves to the end of a rounded-up image. */
static bool as_agreed(const json_t *now, const json_t *agreed, bool copy)
{
	json_t *left = json_array();
	size_t i;
	json_t *c;
	json_array_foreach(now, i, c)
		if (!copy || strcmp(json_string_value(json_object_get(c, "problem")), "gpt-damaged") != 0)
			json_array_append(left, c);
	bool same = json_equal(left, agreed);
	json_decref(left);
	return same;
}

/* The second half: the same on a disk that is open for writing. */
static int execute(const struct cf_request *req, const struct cf_task *task, const char *path, const json_t *agreed, struct cf_result *out)
{
	struct run r = { .task = task };
	int ret = cf_session_open(&r.s, req, path, true, &out->error);
	if (ret == 0)
		ret = plan(&r, &out->error);
	if (ret == 0) {
		json_t *now = describe_changes(&r.w);
		if (!as_agreed(now, agreed, path && path == req->output))
			ret = cf_fail(&out->error, CF_E_CHANGED,
				      "the disk has changed since the plan was made; nothing was written, run coldfix again");
		json_decref(now);
	}
	if (ret == 0 && r.total_pending)
		ret = commit(&r, out, &out->error);
	json_t *written = json_incref(json_object_get(out->doc, "bytes_written"));
	json_t *undo = json_incref(json_object_get(out->doc, "undo_file"));
	if (ret == 0) {
		set_status(&r.found, CF_STATUS_PLANNED, CF_STATUS_FIXED);
		out->exit_status = exit_status(&r);
		describe(&r, out);
		if (written)
			json_object_set(out->doc, "bytes_written", written);
		if (undo)
			json_object_set(out->doc, "undo_file", undo);
	}
	json_decref(written);
	json_decref(undo);
	run_end(&r);
	return ret;
}

static int copy_then_execute(const struct cf_request *req, struct run *r, const json_t *agreed, struct cf_result *out)
{
	uint64_t larger = cf_job_repair_expand_copy(req, out->doc, r->s.disk[0]->block->size);
	int ret = cf_disk_copy_larger(r->s.disk[0], req->output, larger, req->progress, req->user, &out->error);
	if (ret < 0)
		return ret;
	struct cf_request copy = *req;
	const char *with[CF_PROBLEM_MAX + 2] = { NULL };
	copy.format = NULL;
	copy.sector_size = r->s.disk[0]->block->sector_size;
	/* A copy that is larger, or rounded up to whole MiB, gets its backup GPT moved to its end; the original's own damage stays a choice. */
	if (!r->s.m->disk[0].parts.n_defects && (larger || r->s.disk[0]->block->size % CF_MIB)) {
		size_t n = 0;
		for (; req->with && req->with[n] && n < CF_PROBLEM_MAX; n++)
			with[n] = req->with[n];
		with[n] = "gpt-damaged";
		copy.with = with;
	}
	json_object_set_new(out->doc, "output", cf_json_text(req->output));
	out->disk = req->output;
	ret = execute(&copy, NULL, req->output, agreed, out);
	/* A copy that could not be repaired is not what was asked for. */
	if (ret < 0 && out->error.code != CF_E_INTERNAL)
		unlink(req->output);
	return ret;
}

int cf_job_task(const struct cf_request *req, const struct cf_task *task, struct cf_result *out)
{
	struct run r = { .task = task };
	int ret = cf_session_open_for_plan(&r.s, req, &out->error);
	if (ret == 0)
		ret = plan(&r, &out->error);
	if (ret < 0) {
		run_end(&r);
		return ret;
	}
	out->dry_run = req->dry_run;
	describe(&r, out);
	out->exit_status = r.total_pending ? 4 : exit_status(&r);
	if (out->exit_status == 0 && !r.s.ctx.in)
		ret = cf_fail(&out->error, CF_E_NO_WINDOWS, "no Windows installation was found on this disk");
	bool to_do = ret == 0 && !req->dry_run && (r.total_pending || req->output);
	if (to_do && r.total_pending && !confirmed(req, &r, out))
		to_do = false;
	json_t *agreed = to_do ? describe_changes(&r.w) : NULL;
	if (to_do && req->output) {
		ret = copy_then_execute(req, &r, agreed, out);
		run_end(&r);
	} else {
		run_end(&r); /* the read-only view goes before the disk is opened for writing */
		if (to_do)
			ret = execute(req, task, NULL, agreed, out);
	}
	json_decref(agreed);
	return ret;
}

/* --symptom FILE: the same repair with the problems of the article that the file names. Settings that make the next hang
 * visible are what the other article is about, so with it they run by themselves. */
static int repair_symptom(const struct cf_request *req, struct cf_result *out)
{
	struct cf_request chosen = *req;
	json_t *described = NULL;
	if (req->only)
		return cf_fail(&out->error, CF_E_USAGE, "--symptom and --only both say what is repaired: give one of them");
	if (cf_symptom_article(req->symptom, &described, &chosen.article, &out->error) < 0)
		return -1;
	json_object_set_new(out->doc, "symptom", described);
	chosen.symptom = NULL;
	chosen.prepare |= strcmp(chosen.article, CF_ARTICLE_STARTING_WINDOWS) == 0;
	return cf_job_repair(&chosen, out);
}

int cf_job_repair(const struct cf_request *req, struct cf_result *out)
{
	if (req->symptom)
		return repair_symptom(req, out);
	if (cf_select_check(req, &out->error) < 0)
		return -1;
	if (req->output && access(req->output, F_OK) == 0)
		return cf_fail(&out->error, CF_E_REFUSED, "%s exists already; --output never overwrites", req->output);
	if (cf_job_task(req, NULL, out) < 0)
		return -1;
	return req->expand ? cf_job_repair_expand(req, out) : 0;
}
