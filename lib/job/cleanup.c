/* cleanup.c - the cleanup command: list, try and prove on an overlay, ask, do the same on the disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The same life as a repair (repair.c), on one volume. What would take more memory than one transaction may hold is done in several, each proved on its
 * own before it is committed, all undone as one (txn/series.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stamp.h"
#include "job/session.h"
#include "space/cleanup.h"
#include "txn/series.h"

#define MAX_HELD (240 * CF_MIB) /* of changed blocks in memory: some hundred thousand files */
#define MARGIN (16 * CF_MIB)    /* for the file that goes beyond it, and the folders */
#define MAX_SKIP 16             /* folders that turn out to be damaged only when something is taken out of them */

struct run {
	struct cf_session s;
	struct cf_cleanup *plan;
	struct cf_clean_done done; /* over all transactions */
	uint64_t free_after;
	struct cf_series *series;
	struct cf_machine *result; /* as the open transaction shows it */
	uint64_t held;
	uint64_t skip[MAX_SKIP];   /* MFT references of folders that are left alone */
	size_t n_skip;
};

static void run_end(struct run *r)
{
	cf_machine_free(r->result);
	cf_series_end(r->series);
	cf_cleanup_free(r->plan);
	cf_session_close(&r->s);
}

static const struct cf_vol *volume(const struct run *r)
{
	return &r->s.m->vol[r->s.ctx.in->vol];
}

/* ---- may it be done at all ---- */

static int check_install(const struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	const struct cf_machine *m = r->s.m;
	if (req->windows && m->selected < 0)
		return cf_fail(err, CF_E_NOT_FOUND, "there is no Windows number %d on this disk: it has %zu", req->windows, m->n_installs);
	if (m->ambiguous && !req->windows)
		return cf_fail(err, CF_E_REFUSED,
			       "this disk has %zu Windows installations and no default boot entry says which one: name it with --windows N",
			       m->n_installs);
	if (!r->s.ctx.in)
		return cf_fail(err, CF_E_NO_WINDOWS, "no Windows installation was found on this disk");
	return 0;
}

static int check_volume(const struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	const struct cf_vol *v = volume(r);
	CF_FREE char *name = cf_vol_name(r->s.m, r->s.ctx.in->vol);
	const char *who = name ? name : "the volume";
	if (!v->vol)
		return cf_fail(err, v->error.code, "%s", v->error.message);
	if (v->health.damaged)
		return cf_fail(err, CF_E_CORRUPT, "%s is damaged (%s); have Windows run chkdsk first", who, v->health.damage);
	if (v->health.hibernated)
		return cf_fail(err, CF_E_UNCLEAN,
			       "%s is hibernated; shut Windows down fully, or discard the session with coldfix repair --with volume-hibernated",
			       who);
	if (v->health.journal_unclean && !req->force_unclean)
		return cf_fail(err, CF_E_UNCLEAN,
			       "%s was not dismounted cleanly; start the VM once, or say --force-unclean (empties the journal, chkdsk runs)", who);
	if (v->health.shadow_copies && !req->accept_shadow_copy_loss)
		return cf_fail(err, CF_E_REFUSED, "%s has %u shadow cop%s, which deleting from outside spoils; say --accept-shadow-copy-loss to go on",
			       who, v->health.shadow_copy_count, v->health.shadow_copy_count == 1 ? "y" : "ies");
	return 0;
}

/* ---- one transaction ---- */

static uint64_t max_held(const struct cf_request *req)
{
	return req->max_held ? req->max_held : MAX_HELD;
}

static bool held_enough(void *user)
{
	const struct run *r = user;
	return cf_series_held(r->series) >= max_held(r->s.req);
}

static int tell(void *user, uint64_t done, uint64_t total)
{
	const struct run *r = user;
	const struct cf_request *req = r->s.req;
	return req->progress ? req->progress(req->user, "deleting", done, total) : 0;
}

static int delete_on(struct run *r, struct cf_block *slice, struct cf_clean_done *done, struct cf_error *err)
{
	const struct cf_clean_hooks hooks = { .full = held_enough, .progress = tell, .user = r };
	int flags = CF_VOL_WRITE | (volume(r)->health.journal_unclean ? CF_VOL_FORCE_UNCLEAN : 0);
	struct cf_volume *vol = cf_volume_open(slice, CF_FS_NTFS, flags, err);
	int rc = vol ? cf_cleanup_apply(r->plan, vol, &hooks, done, err) : -1;
	/* The first error is the one to tell; a failed close is an error only when nothing else was. */
	if (cf_volume_close(vol, rc < 0 ? NULL : err) < 0)
		rc = -1;
	return rc;
}

/* The result as a whole machine: it must still be readable, and its fingerprints go with the commit. */
static int look_at_result(struct run *r, struct cf_error *err)
{
	struct cf_block *instead[CF_MAX_DISKS] = { NULL };
	instead[volume(r)->disk] = cf_series_block(r->series);
	if (cf_session_survey_with(&r->s, instead, &r->result, err) < 0)
		return cf_fail_prefix(err, "the cleaned disk could not be read again; nothing was written");
	const struct cf_vol *v = r->plan->vol < r->result->n_vols ? &r->result->vol[r->plan->vol] : NULL;
	if (!v || !v->vol || r->result->selected != r->s.m->selected)
		return cf_fail(err, CF_E_INTERNAL, "after the clean-up Windows would not be found any more; nothing was written. Please report this");
	r->free_after = v->space.free_bytes;
	return 0;
}

/* Deletes on the open transaction as much as it may hold, and proves it there. */
static int one_piece(struct run *r, struct cf_clean_done *done, struct cf_error *err)
{
	const struct cf_vol *v = volume(r);
	struct cf_block *slice = cf_slice_open(cf_series_block(r->series), v->start, v->size, err);
	int rc = slice ? delete_on(r, slice, done, err) : -1;
	if (rc == 0)
		rc = cf_cleanup_prove(r->plan, done, v->slice, slice, err);
	cf_block_close(slice);
	if (rc == 0)
		rc = look_at_result(r, err);
	if (rc == 0) {
		r->done.files += done->files;
		r->done.folders += done->folders;
		r->done.bytes += done->bytes;
		r->done.quota_stale |= done->quota_stale;
		r->done.stopped = done->stopped;
		r->held = cf_series_held(r->series);
	}
	return rc;
}

static int find(struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	const struct cf_clean_options opt = { .classes = req->classes, .keep_days = req->keep_days_given ? req->keep_days : -1,
					      .skip = r->skip, .n_skip = r->n_skip };
	cf_cleanup_free(r->plan);
	r->plan = NULL;
	if (cf_session_survey(&r->s, err) < 0 || check_install(r, err) < 0 || check_volume(r, err) < 0)
		return -1;
	return cf_cleanup_find(r->s.m, r->s.ctx.in, &opt, &r->plan, err);
}

static bool anything(const struct run *r)
{
	return r->plan->files || r->plan->folders;
}

/* The same, and where a folder's index turns out to be damaged it is tried again without that folder. */
static int piece(struct run *r, struct cf_clean_done *done, struct cf_error *err)
{
	for (;;) { /* ends: every turn takes one of MAX_SKIP places */
		*done = (struct cf_clean_done){ 0 };
		if (!anything(r) || one_piece(r, done, err) == 0)
			return 0;
		if (!done->stuck || r->n_skip == MAX_SKIP)
			return -1;
		r->skip[r->n_skip++] = done->stuck;
		cf_series_drop(r->series);
		*err = (struct cf_error){ 0 };
		if (find(r, err) < 0)
			return -1;
	}
}

/* From an open disk to a proven overlay. */
static int plan(struct run *r, struct cf_error *err)
{
	struct cf_clean_done done;
	if (find(r, err) < 0)
		return -1;
	r->free_after = volume(r)->space.free_bytes;
	if (!anything(r))
		return 0;
	unsigned disk = volume(r)->disk;
	r->series = cf_series_begin(r->s.disk[disk]->block, &r->s.place[disk], max_held(r->s.req) + MARGIN, err);
	return r->series ? piece(r, &done, err) : -1;
}

/* ---- the record ---- */

static json_t *describe_kept(const struct cf_clean_sum *sum)
{
	json_t *kept = json_object();
	for (int why = CF_KEEP_NOT + 1; why < CF_KEEP_REASONS; why++)
		if (sum->kept[why])
			json_object_set_new(kept, cf_clean_keep_name(why),
					    json_pack("{s:I,s:I}", "files", (json_int_t)sum->kept[why], "bytes",
						      (json_int_t)sum->kept_bytes[why]));
	return kept;
}

static json_t *describe_class(const struct run *r, size_t k)
{
	const struct cf_clean_class *cls = &cf_clean_classes[k];
	const struct cf_clean_sum *sum = &r->plan->sum[k];
	json_t *j = json_object(), *places = json_array(), *largest = json_array();
	json_object_set_new(j, "id", json_string(cls->id));
	json_object_set_new(j, "title", json_string(cls->title));
	json_object_set_new(j, "means", json_string(cls->means));
	json_object_set_new(j, "default", json_boolean(cls->by_default));
	json_object_set_new(j, "chosen", json_boolean(sum->chosen));
	json_object_set_new(j, "files", json_integer((json_int_t)sum->files));
	json_object_set_new(j, "folders", json_integer((json_int_t)sum->folders));
	json_object_set_new(j, "bytes", json_integer((json_int_t)sum->bytes));
	if (sum->blocked)
		json_object_set_new(j, "blocked", cf_json_text(sum->blocked));
	for (size_t i = 0; i < sum->n_places; i++)
		json_array_append_new(places, cf_json_text(sum->place[i]));
	json_object_set_new(j, "places", places);
	for (size_t i = 0; i < sum->n_examples; i++)
		json_array_append_new(largest, json_pack("{s:o,s:I}", "path", cf_json_text(sum->example[i].path), "bytes",
							 (json_int_t)sum->example[i].bytes));
	json_object_set_new(j, "largest", largest);
	json_object_set_new(j, "kept", describe_kept(sum));
	return j;
}

static json_t *describe_changes(const struct run *r)
{
	json_t *a = json_array();
	CF_FREE char *name = cf_vol_name(r->s.m, r->plan->vol);
	for (size_t k = 0; k < cf_clean_n_classes; k++) {
		const struct cf_clean_sum *sum = &r->plan->sum[k];
		char what[160], before[120], size[32];
		if (!sum->chosen || !(sum->files || sum->folders))
			continue;
		snprintf(what, sizeof what, "%s %s", name ? name : "", cf_clean_classes[k].id);
		snprintf(before, sizeof before, _("%llu files and %llu folders, %s"), (unsigned long long)sum->files,
			 (unsigned long long)sum->folders, cf_size_text(sum->bytes, size));
		json_array_append_new(a, json_pack("{s:s,s:o,s:s,s:s}", "problem", "volume-full", "what", cf_json_text(what), "before", before,
						   "after", _("(deleted)")));
	}
	return a;
}

static json_t *describe_notes(const struct run *r)
{
	json_t *a = json_array();
	const struct cf_cleanup *c = r->plan;
	json_array_append_new(a, json_string(_("WinSxS is never touched: clean the component store in the running Windows with "
					       "DISM /Online /Cleanup-Image /StartComponentCleanup")));
	json_array_append_new(a, json_string(_("$UsnJrnl is left alone: programs that follow it will not see these deletions")));
	if (c->quota != CF_QUOTA_OFF)
		json_array_append_new(a, json_string(_("quotas are marked as out of date: Windows counts them again at its next start")));
	if (c->truncated)
		json_array_append_new(a, json_string(_("more files were found than one run keeps in mind: run it again for the rest")));
	for (uint64_t i = 0; i < c->n_damaged && i < CF_CLEAN_DAMAGED_SHOWN; i++) {
		CF_FREE char *line = NULL;
		if (asprintf(&line, _("the index of %s is damaged: names in it stay; have Windows run chkdsk, then clean up again"), c->damaged[i]) < 0)
			line = NULL;
		json_array_append_new(a, cf_json_text(line));
	}
	if (c->n_damaged > CF_CLEAN_DAMAGED_SHOWN)
		json_array_append_new(a, json_string(_("so do further folders whose index is damaged")));
	if (volume(r)->health.dirty_flag)
		json_array_append_new(a, json_string(_("Windows will run chkdsk at its next start: the volume is marked dirty")));
	return a;
}

static void describe(const struct run *r, struct cf_result *out)
{
	json_t *doc = out->doc, *classes = json_array(), *damaged = json_array();
	const struct cf_cleanup *c = r->plan;
	CF_FREE char *name = cf_vol_name(r->s.m, c->vol);
	char when[CF_TIME_TEXT];
	json_object_set_new(doc, "verdict", json_null());
	json_object_set_new(doc, "disk", cf_describe_disk(&r->s));
	json_object_set_new(doc, "windows", cf_describe_windows(&r->s));
	json_object_set_new(doc, "problems", json_array());
	json_object_set_new(doc, "volume",
			    json_pack("{s:i,s:o,s:I,s:I,s:I}", "partition", (int)volume(r)->number, "name", cf_json_text(name), "total_bytes",
				      (json_int_t)volume(r)->space.total_bytes, "free_bytes", (json_int_t)c->free_before, "free_bytes_after",
				      (json_int_t)(r->done.stopped ? c->free_before + c->bytes : r->free_after)));
	for (size_t k = 0; k < cf_clean_n_classes; k++)
		json_array_append_new(classes, describe_class(r, k));
	json_object_set_new(doc, "classes", classes);
	json_object_set_new(doc, "files", json_integer((json_int_t)c->files));
	json_object_set_new(doc, "folders", json_integer((json_int_t)c->folders));
	json_object_set_new(doc, "bytes", json_integer((json_int_t)c->bytes));
	for (uint64_t i = 0; i < c->n_damaged && i < CF_CLEAN_DAMAGED_SHOWN; i++)
		json_array_append_new(damaged, cf_json_text(c->damaged[i]));
	json_object_set_new(doc, "damaged_folders", damaged);
	json_object_set_new(doc, "keep_days", json_integer(c->keep_days));
	json_object_set_new(doc, "last_used", cf_json_text(cf_time_text(c->last_used, when)));
	json_object_set_new(doc, "update_pending", json_boolean(c->pending));
	json_object_set_new(doc, "notes", describe_notes(r));
	json_object_set_new(doc, "changes", describe_changes(r));
	cf_describe_unwritten(doc);
	json_object_set_new(doc, "bytes_planned", json_integer((json_int_t)r->held));
	json_object_set_new(doc, "in_steps", json_boolean(r->done.stopped));
}

/* ---- the second half ---- */

static int commit(struct run *r, struct cf_error *err)
{
	struct cf_txn_fingerprint *prints = NULL;
	size_t n = 0;
	unsigned disk = volume(r)->disk;
	int rc = cf_session_fingerprints(r->result, disk, &prints, &n, err);
	if (rc == 0)
		rc = cf_series_commit(r->series, prints, n, err);
	free(prints);
	return rc < 0 ? cf_fail_path(err, r->s.disk[disk]->path) : 0;
}

static int check_place(struct run *r, struct cf_error *err)
{
	struct cf_txn_fingerprint *prints = NULL;
	size_t n = 0;
	int rc = cf_session_fingerprints(r->result, volume(r)->disk, &prints, &n, err);
	free(prints);
	return rc < 0 ? -1 : cf_series_check_place(r->series, r->held, 1, n, NULL, err);
}

/* The first transaction is proved already; each further one looks at the disk as the one before left it. */
static int carry_out(struct run *r, struct cf_result *out, struct cf_error *err)
{
	struct cf_clean_done done = r->done;
	int rc = check_place(r, err);
	if (rc == 0)
		rc = commit(r, err);
	while (rc == 0 && done.stopped) { /* each deletes something: the first file always fits */
		rc = find(r, err) < 0 || piece(r, &done, err) < 0 ? -1 : commit(r, err);
		if (rc == 0 && !done.files)
			break;
	}
	const struct cf_series_stats *stats = cf_series_stats(r->series);
	json_object_set_new(out->doc, "bytes_written", json_integer((json_int_t)stats->bytes_written));
	json_object_set_new(out->doc, "undo_file", cf_json_text(stats->undo_file));
	json_object_set_new(out->doc, "transactions", json_integer((json_int_t)stats->transactions));
	if (rc < 0 && stats->transactions)
		cf_fail_prefix(err, "part of the clean-up was already written (coldfix undo takes it back)");
	return rc;
}

static int execute(const struct cf_request *req, const json_t *agreed, struct cf_result *out)
{
	struct run r = { 0 };
	int rc = cf_session_open(&r.s, req, NULL, true, &out->error);
	if (rc == 0)
		rc = plan(&r, &out->error);
	if (rc == 0) {
		json_t *now = describe_changes(&r);
		if (!json_equal(now, agreed))
			rc = cf_fail(&out->error, CF_E_CHANGED,
				     "the disk has changed since the plan was made; nothing was written, run coldfix again");
		json_decref(now);
	}
	if (rc == 0 && anything(&r))
		rc = carry_out(&r, out, &out->error);
	if (rc == 0) {
		json_object_set_new(out->doc, "files", json_integer((json_int_t)r.done.files));
		json_object_set_new(out->doc, "folders", json_integer((json_int_t)r.done.folders));
		json_object_set_new(out->doc, "bytes", json_integer((json_int_t)r.done.bytes));
		json_object_set_new(out->doc, "bytes_planned", json_integer(0));
		json_object_set_new(json_object_get(out->doc, "volume"), "free_bytes_after", json_integer((json_int_t)r.free_after));
		out->exit_status = 0;
	}
	run_end(&r);
	return rc;
}

int cf_job_cleanup(const struct cf_request *req, struct cf_result *out)
{
	struct run r = { 0 };
	const struct cf_clean_options opt = { .classes = req->classes };
	int rc = cf_clean_check_options(&opt, &out->error);
	if (rc == 0)
		rc = cf_session_open_for_plan(&r.s, req, &out->error);
	if (rc == 0)
		rc = plan(&r, &out->error);
	if (rc < 0) {
		run_end(&r);
		return rc;
	}
	out->dry_run = req->dry_run;
	describe(&r, out);
	out->exit_status = anything(&r) ? 4 : 0;
	bool to_do = anything(&r) && !req->dry_run && cf_session_confirmed(&r.s, out);
	json_t *agreed = to_do ? describe_changes(&r) : NULL;
	run_end(&r); /* the read-only view goes before the disk is opened for writing */
	if (to_do)
		rc = execute(req, agreed, out);
	json_decref(agreed);
	return rc;
}
