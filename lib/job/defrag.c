/* defrag.c - files and free space in one piece: report, plan, ask, move in a row of transactions, check.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The plan is the work itself on an overlay that is thrown away, without the data. After the confirmation the disk is opened for writing; if it does
 * not show the figures that the plan was made for, it has changed and nothing is written. Before and after, every cluster's
 * owner is compared with $Bitmap: a volume that contradicts itself is not touched.
 */
#include <stdlib.h>
#include <string.h>

#include "job/session.h"
#include "space/boot-files.h"
#include "space/defrag.h"
#include "txn/series.h"

#define SERIES_MEMORY (128 * CF_MIB)
#define STEP_HELD (40 * CF_MIB)     /* of a transaction with undo, data too; without, metadata */
#define STEP_DATA (512 * CF_MIB)    /* data of a transaction without undo */

struct job {
	const struct cf_request *req;
	struct cf_result *out;
	struct cf_session s;
	const struct cf_vol *v;
	struct cf_defrag_options opt;
	uint64_t *records;
	struct cf_defrag_figures before, after;
	struct cf_defrag_result plan, done;
	uint64_t undo_need;
	struct cf_series *series;
	struct cf_txn_fingerprint *prints;
	size_t n_prints;
};

static void job_end(struct job *j)
{
	cf_series_end(j->series);
	free(j->records);
	free(j->prints);
	cf_session_close(&j->s);
}

/* ---- which volume, and may it be ---- */

static int choose_volume(struct job *j, struct cf_error *err)
{
	const struct cf_machine *m = j->s.m;
	const char *arg = j->req->args ? j->req->args[0] : NULL, *path;
	size_t vol;
	if (arg) {
		if (cf_session_path(&j->s, arg, &vol, &path, err) < 0)
			return -1;
		if (*path && strcmp(path, "\\") != 0)
			return cf_fail(err, CF_E_USAGE, "\"%s\" is no volume: use C: or 2: (partition 2)", arg);
	} else if (m->selected >= 0) {
		vol = m->install[m->selected].vol;
	} else {
		size_t ntfs = 0;
		for (size_t i = 0; i < m->n_vols; i++)
			if (m->vol[i].disk == 0 && m->vol[i].fs == CF_FS_NTFS) {
				vol = i;
				ntfs++;
			}
		if (ntfs != 1)
			return cf_fail(err, CF_E_NO_WINDOWS, "no Windows was found on this disk; say which volume: C: or 2: (partition 2)");
	}
	j->v = &m->vol[vol];
	if (j->v->disk != 0)
		return cf_fail(err, CF_E_USAGE, "that volume is on another disk: name that disk instead");
	if (!j->v->vol && err)
		*err = j->v->error;
	if (j->v->vol && j->v->fs != CF_FS_NTFS)
		return cf_fail(err, CF_E_UNSUPPORTED, "partition %u is %s: only NTFS is defragmented", j->v->number, cf_fs_name(j->v->fs));
	return j->v->vol ? 0 : -1;
}

/* The rules of a volume that is going to be rearranged. */
static int may_move(const struct job *j, struct cf_error *err)
{
	const struct cf_volume_health *h = &j->v->health;
	if (h->damaged)
		return cf_fail(err, CF_E_CORRUPT, "the volume is damaged (%s): let Windows run chkdsk /f first", h->damage);
	if (h->hibernated)
		return cf_fail(err, CF_E_UNCLEAN, "Windows is hibernated on this volume (or was shut down with fast start-up): let it start and "
						  "shut down with \"shutdown /s /f /t 0\" first");
	if (h->journal_unclean)
		return cf_fail(err, CF_E_UNCLEAN, "the NTFS journal is unclean ($LogFile: %s): let Windows start and shut down properly first",
			       h->journal);
	if (h->dirty_flag)
		return cf_fail(err, CF_E_UNCLEAN, "the volume is marked dirty: let Windows run chkdsk /f first");
	if (h->shadow_copies && !j->req->accept_shadow_copy_loss)
		return cf_fail(err, CF_E_REFUSED, "the volume has %u shadow %s that moving clusters would spoil; "
						  "--accept-shadow-copy-loss does it all the same", h->shadow_copy_count,
			       h->shadow_copy_count == 1 ? "copy" : "copies");
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* --boot-files-only and --file: the record numbers. */
static int choose_files(struct job *j, struct cf_error *err)
{
	const struct cf_request *req = j->req;
	size_t n = 0;
	j->opt = (struct cf_defrag_options){ .consolidate_only = req->consolidate_only, .max_bytes = req->max_bytes };
	if (req->boot_files_only) {
		if (!j->s.ctx.in || &j->s.m->vol[j->s.ctx.in->vol] != j->v)
			return cf_fail(err, CF_E_NO_WINDOWS, "there is no Windows on this volume whose boot files could be found");
		if (cf_boot_files(j->v->vol, j->s.ctx.in->root, &j->records, &n, err) < 0)
			return -1;
	}
	for (size_t i = 0; req->files && req->files[i]; i++) {
		struct cf_stat st;
		const char *path;
		size_t vol;
		if (cf_session_path(&j->s, req->files[i], &vol, &path, err) < 0 ||
		    cf_volume_stat(j->s.m->vol[vol].vol, path, &st, err) < 0)
			return cf_fail_path(err, req->files[i]);
		if (&j->s.m->vol[vol] != j->v)
			return cf_fail(err, CF_E_USAGE, "%s is on another volume", req->files[i]);
		uint64_t *p = reallocarray(j->records, n + 1, sizeof *p);
		if (!p)
			return cf_fail_nomem(err);
		j->records = p;
		j->records[n++] = st.id;
	}
	if (n)
		qsort(j->records, n, sizeof *j->records, by_number);
	j->opt.records = j->records;
	j->opt.n_records = n;
	return 0;
}

static int look(struct job *j, struct cf_error *err)
{
	if (cf_session_survey(&j->s, err) < 0 || choose_volume(j, err) < 0)
		return -1;
	if (!j->req->analyze && may_move(j, err) < 0)
		return -1;
	return choose_files(j, err);
}

/* ---- as JSON ---- */

static json_t *describe_figures(const struct cf_defrag_figures *f)
{
	json_t *o = json_object();
	const struct { const char *key; uint64_t value; } n[] = {
		{ "volume_bytes", f->volume }, { "cluster_size", f->cluster }, { "used_bytes", f->used }, { "free_bytes", f->free },
		{ "free_extents", f->free_extents }, { "largest_free_extent_bytes", f->largest_free },
		{ "files", f->files }, { "fragmented_files", f->fragmented_files }, { "file_fragments", f->file_fragments },
		{ "folders", f->folders }, { "fragmented_folders", f->fragmented_folders }, { "folder_fragments", f->folder_fragments },
		{ "streams", f->streams }, { "extents", f->pieces }, { "fragmented_bytes", f->fragmented },
		{ "movable", f->movable }, { "unmovable", f->unmovable }, { "mft_bytes", f->mft }, { "mft_records", f->mft_records },
		{ "mft_used_records", f->mft_used_records }, { "mft_extents", f->mft_fragments }, { "bad_records", f->bad_records },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(n); i++)
		json_object_set_new(o, n[i].key, cf_json_number(n[i].value));
	json_object_set_new(o, "deduplication_store", json_boolean(f->dedup_store));
	return o;
}

static void describe(struct job *j)
{
	json_t *doc = j->out->doc, *vol = json_object(), *plan = json_object();
	char letter[2] = { j->v->letter, 0 };
	json_object_set_new(vol, "partition", cf_json_number(j->v->number));
	json_object_set_new(vol, "letter", *letter ? json_string(letter) : json_null());
	json_object_set_new(vol, "label", cf_json_text(j->v->label));
	json_object_set_new(doc, "disk", cf_describe_disk(&j->s));
	json_object_set_new(doc, "windows", cf_describe_windows(&j->s));
	json_object_set_new(doc, "volume", vol);
	json_object_set_new(doc, "before", describe_figures(&j->before));
	json_object_set_new(doc, "after", json_null());
	cf_describe_unwritten(doc);
	json_object_set_new(doc, "bytes_moved", json_integer(0));
	if (j->req->analyze) {
		json_decref(plan);
		json_object_set_new(doc, "plan", json_null());
		return;
	}
	json_object_set_new(plan, "bytes_to_move", cf_json_number(j->plan.moved));
	json_object_set_new(plan, "moves", cf_json_number(j->plan.moves));
	json_object_set_new(plan, "streams_made_whole", cf_json_number(j->plan.made_whole));
	json_object_set_new(plan, "image_growth_bytes", cf_json_number(j->plan.growth));
	json_object_set_new(plan, "undo_bytes", cf_json_number(j->undo_need));
	json_object_set_new(plan, "streams_without_room", cf_json_number(j->plan.no_room));
	json_object_set_new(plan, "at_least", json_boolean(j->plan.incomplete));
	json_object_set_new(plan, "limited", json_boolean(j->plan.limited));
	json_object_set_new(plan, "after", j->plan.incomplete ? json_null() : describe_figures(&j->after));
	json_object_set_new(doc, "plan", plan);
}

/* What was done, also by a run that failed on the way. */
static void describe_done(struct job *j)
{
	json_t *doc = j->out->doc;
	const struct cf_series_stats *st = j->series ? cf_series_stats(j->series) : NULL;
	json_object_set_new(doc, "bytes_moved", cf_json_number(j->done.moved));
	json_object_set_new(doc, "bytes_that_had_to_move", cf_json_number(j->done.needed));
	json_object_set_new(doc, "moves", cf_json_number(j->done.moves));
	json_object_set_new(doc, "streams_made_whole", cf_json_number(j->done.made_whole));
	json_object_set_new(doc, "streams_without_room", cf_json_number(j->done.no_room));
	json_object_set_new(doc, "limited", json_boolean(j->done.limited));
	json_object_set_new(doc, "transactions", cf_json_number(st ? st->transactions : 0));
	json_object_set_new(doc, "bytes_written", cf_json_number(st ? st->bytes_written : 0));
	json_object_set_new(doc, "undo_bytes", cf_json_number(st ? st->undo_bytes : 0));
	json_object_set_new(doc, "undo_file", cf_json_text(st ? st->undo_file : NULL));
}

/* ---- the plan ---- */

static int tell_planning(void *user, uint64_t moved)
{
	struct job *j = user;
	return j->req->progress ? j->req->progress(j->req->user, "planning", moved, 0) : 0;
}

static int make_plan(struct job *j, struct cf_error *err)
{
	struct cf_defrag_plan p = { .disk = j->s.disk[0]->block, .start = j->v->start, .size = j->v->size, .opt = j->opt,
				    .max_part = j->req->no_undo ? STEP_DATA : STEP_HELD, .progress = tell_planning, .user = j };
	int r = cf_defrag_plan(&p, err);
	j->before = p.before;
	j->after = p.after;
	j->plan = p.result;
	if (r < 0 || !j->plan.moved)
		return r;
	/* Blocks of $MFT and $Bitmap are journalled by each transaction that changes them. */
	uint64_t steps = j->plan.moved / (STEP_HELD / 2) + j->plan.steps + 1;
	struct cf_series *s = cf_series_begin(j->s.disk[0]->block, &j->s.place[0], 0, err);
	r = s ? cf_series_check_place(s, j->plan.moved + 2 * p.metadata + steps * 64 * CF_KIB, steps, 40, &j->undo_need, err) : -1;
	cf_series_end(s);
	return r;
}

/* ---- the work ---- */

static int fill(void *user, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct job *j = user;
	if (!cf_range_ok(off, len, j->v->size))
		return cf_fail(err, CF_E_INTERNAL, "a move leads out of the partition");
	return cf_series_fill(j->series, j->v->start + off, buf, len, err);
}

static int commit(void *user, struct cf_error *err)
{
	struct job *j = user;
	return cf_series_commit(j->series, j->prints, j->n_prints, err);
}

static uint64_t held(void *user)
{
	return cf_series_held(((struct job *)user)->series);
}

static int tell_moved(void *user, uint64_t moved)
{
	struct job *j = user;
	return j->req->progress ? j->req->progress(j->req->user, "defrag", cf_min_u64(moved, j->plan.moved), j->plan.moved) : 0;
}

/* The fingerprints of every step: what does not move (hives do). */
static int take_prints(struct job *j, struct cf_error *err)
{
	struct cf_machine bare = *j->s.m;
	bare.n_installs = bare.n_stores = 0;
	return cf_session_fingerprints(&bare, 0, &j->prints, &j->n_prints, err);
}

static void explain_stop(const struct job *j, struct cf_error *err)
{
	const struct cf_series_stats *st = cf_series_stats(j->series);
	size_t n = strlen(err->message);
	char size[32];
	if (!st->transactions)
		snprintf(err->message + n, sizeof err->message - n, "; nothing was changed");
	else
		snprintf(err->message + n, sizeof err->message - n,
			 "; the volume is whole: about %s were moved in %llu finished steps, and stay there%s; run defrag again to go on",
			 cf_size_text(j->done.moved, size), (unsigned long long)st->transactions,
			 st->undo_file ? " (coldfix undo puts them back)" : "");
}

static int work(struct job *j, struct cf_error *err)
{
	bool no_undo = j->req->no_undo;
	j->series = cf_series_begin(j->s.disk[0]->block, &j->s.place[0], SERIES_MEMORY, err);
	if (!j->series || take_prints(j, err) < 0)
		return -1;
	CF_CLEANUP(cf_block_closep) struct cf_block *slice = cf_slice_open(cf_series_block(j->series), j->v->start, j->v->size, err);
	struct cf_defrag_io io = { .slice = slice, .fill = fill, .commit = commit, .held = held, .progress = tell_moved, .user = j,
				   .max_held = STEP_HELD, .max_data = no_undo ? STEP_DATA : STEP_HELD };
	struct cf_defrag_figures before, now;
	if (!slice)
		return -1;
	/* The same volume as the plan's: what is written follows from it alone. */
	if (cf_defrag_analyze(slice, &now, err) < 0)
		return -1;
	if (memcmp(&now, &j->before, sizeof now) != 0)
		return cf_fail(err, CF_E_CHANGED, "the disk has changed since the plan was made; nothing was written, run coldfix again");
	int r = cf_defrag_run(&io, &j->opt, &before, &j->after, &j->done, err);
	if (r < 0) {
		explain_stop(j, err);
		return -1;
	}
	cf_series_drop(j->series);
	return cf_defrag_check_owners(slice, "after the work the volume contradicts itself (undo puts it back; please report this)", err);
}

static int execute(struct job *plan, struct cf_result *out)
{
	struct job j = { .req = plan->req, .out = out, .before = plan->before, .plan = plan->plan };
	struct cf_error *err = &out->error;
	int r = cf_session_open(&j.s, j.req, NULL, true, err);
	if (r == 0)
		r = look(&j, err);
	if (r == 0)
		r = work(&j, err);
	describe_done(&j);
	if (r == 0)
		json_object_set_new(out->doc, "after", describe_figures(&j.after));
	if (r == 0 && cf_session_survey(&j.s, err) == 0) {
		json_object_set_new(out->doc, "disk", cf_describe_disk(&j.s));
		json_object_set_new(out->doc, "windows", cf_describe_windows(&j.s));
	}
	job_end(&j);
	return r;
}

static int check_request(const struct cf_request *req, struct cf_error *err)
{
	bool some = req->boot_files_only || (req->files && req->files[0]);
	if (req->consolidate_only && some)
		return cf_fail(err, CF_E_USAGE, "--consolidate-only moves what is in the way of free space: it can't go with --file or --boot-files-only");
	if (req->analyze && (req->consolidate_only || some || req->max_bytes))
		return cf_fail(err, CF_E_USAGE, "--analyze only reports: leave the other options out");
	return 0;
}

int cf_job_defrag(const struct cf_request *req, struct cf_result *out)
{
	struct job j = { .req = req, .out = out };
	struct cf_error *err = &out->error;
	int r = check_request(req, err);
	if (r == 0)
		r = cf_session_open_for_plan(&j.s, req, err);
	if (r == 0)
		r = look(&j, err);
	if (r == 0 && req->analyze)
		r = cf_defrag_analyze(j.v->slice, &j.before, err);
	else if (r == 0)
		r = make_plan(&j, err);
	if (r < 0) {
		job_end(&j);
		return r;
	}
	describe(&j);
	out->dry_run = req->dry_run;
	bool to_do = !req->analyze && j.plan.moved;
	out->exit_status = to_do && req->dry_run ? 4 : 0;
	if (to_do && !req->dry_run && !cf_session_confirmed(&j.s, out))
		to_do = false;
	cf_session_close(&j.s); /* the read-only view goes before the disk is opened for writing */
	if (to_do && !req->dry_run)
		r = execute(&j, out);
	else if (!req->analyze && !req->dry_run && !json_object_get(out->doc, "declined"))
		json_object_set(out->doc, "after", json_object_get(out->doc, "before"));
	job_end(&j);
	return r;
}
