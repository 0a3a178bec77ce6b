/* expand.c - the disk becomes larger, and Windows gets the room: plan on a view of the future disk, prove it there, ask, do it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The plan is carried out on an overlay over a view: the disk as it will be once its file has grown and the recovery partition has been copied. The
 * same switch then runs on the real disk. In between: 1. the file grows (txn/growth.h: recorded, taken back if what follows does not
 * happen); 2. the recovery partition is copied to where nothing refers to it yet; 3. one transaction switches; 4. the record goes. A
 * stop before the end of 3 leaves the old disk, one after it the new one.
 */
#include "job/expand.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct run {
	struct cf_session s;
	struct cf_expand x;
	struct cf_expand_changes changes;
	struct cf_growth growth;   /* kind NONE: the file stays as large as it is */
	struct cf_machine *result; /* as the overlay shows the switched disk */
	uint64_t pending;          /* bytes of the switch */
	uint64_t fresh;
};

static void run_end(struct run *r)
{
	cf_machine_free(r->result);
	cf_expand_changes_free(&r->changes);
	cf_session_close(&r->s);
}

enum cf_growth_kind cf_job_growth_kind(const struct cf_disk *d)
{
	switch (d->is_device || d->is_uri ? CF_FMT_DEVICE : d->format) {
	case CF_FMT_RAW:
		return CF_GROWTH_RAW;
	case CF_FMT_VHD_FIXED:
		return CF_GROWTH_VHD;
	case CF_FMT_QCOW2:
		return CF_GROWTH_QCOW2;
	default:
		return CF_GROWTH_NONE;
	}
}

/* ---- planning ---- */

static int check_target(const struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	const struct cf_machine *m = r->s.m;
	const struct cf_install *in = r->s.ctx.in;
	if (req->windows && m->selected < 0)
		return cf_fail(err, CF_E_NOT_FOUND, "there is no Windows number %d on this disk: it has %zu", req->windows, m->n_installs);
	if (m->ambiguous && !req->windows)
		return cf_fail(err, CF_E_REFUSED, "this disk has %zu Windows installations and no default boot entry says which one: name it with --windows N",
			       m->n_installs);
	if (!in)
		return cf_fail(err, CF_E_NO_WINDOWS, "no Windows installation was found on this disk, so it is not known which volume is to grow");
	if (req->expect_computer && (!in->computer_name || strcasecmp(in->computer_name, req->expect_computer) != 0))
		return cf_fail(err, CF_E_REFUSED, "this disk belongs to the computer %s, not to %s; nothing was changed",
			       in->computer_name ? in->computer_name : "(unknown)", req->expect_computer);
	return 0;
}

/* A container that nothing here can make larger in place: only what it has already can be taken. */
static int check_container(const struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	const struct cf_disk *d = r->s.disk[0];
	bool more = req->expand_max || req->expand_by || req->expand_size > d->block->size;
	if (!more || req->output || d->is_device || d->is_uri || cf_job_growth_kind(d) != CF_GROWTH_NONE)
		return 0;
	bool dynamic = d->format == CF_FMT_VHD_DYNAMIC, vhdx = d->format == CF_FMT_VHDX;
	char name[16];
	snprintf(name, sizeof name, "%s", cf_disk_format_name(d->format));
	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return cf_fail(err, CF_E_UNSUPPORTED, "a %s%s can't be made larger in place: say --output NEW.%s, which makes a larger copy and leaves this one as it is; "
		       "room that it has already is taken with --size %llu", dynamic ? "dynamic " : "", name,
		       dynamic || vhdx ? cf_disk_format_name(d->format) : "vhdx", (unsigned long long)d->block->size);
}

static int make_plan(struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	struct cf_expand_options opt = { .size = req->expand_size, .by = req->expand_by, .max = req->expand_max,
					 .can_grow = req->output || cf_job_growth_kind(r->s.disk[0]) != CF_GROWTH_NONE,
					 .drop_recovery = req->drop_recovery, .force_unclean = req->force_unclean,
					 .accept_shadow_copy_loss = req->accept_shadow_copy_loss,
					 .recovery_key_at_hand = req->recovery_key_at_hand };
	if (cf_session_survey(&r->s, err) < 0 || check_target(r, err) < 0 || check_container(r, err) < 0)
		return -1;
	return cf_expand_plan(r->s.m, r->s.m->install[r->s.m->selected].vol, &opt, &r->x, err);
}

/* The switch on an overlay, and a look at what comes out. */
static int try_switch(struct run *r, struct cf_block *overlay, struct cf_error *err)
{
	struct cf_block *instead[CF_MAX_DISKS] = { overlay };
	if (cf_expand_switch(&r->x, r->s.m, overlay, r->fresh, &r->changes, err) < 0)
		return -1;
	if (cf_session_survey_with(&r->s, instead, &r->result, err) < 0)
		return cf_fail_prefix(err, "the expanded disk could not be read again; nothing was switched");
	return cf_expand_prove(&r->x, r->s.m, r->result, err);
}

static uint64_t whole_blocks(uint64_t n)
{
	return (n + CF_TXN_BLOCK - 1) / CF_TXN_BLOCK * CF_TXN_BLOCK;
}

static int preview(struct run *r, struct cf_error *err)
{
	struct cf_block *view = cf_expand_view(&r->x, r->s.disk[0]->block, err);
	struct cf_txn *txn = view ? cf_txn_begin(view, 0, err) : NULL;
	r->fresh = r->x.disk > r->x.old_disk ? whole_blocks(r->x.old_disk) : r->x.disk;
	int ret = txn ? try_switch(r, cf_txn_block(txn), err) : -1;
	if (ret == 0)
		ret = cf_txn_pending(txn, &r->pending, err);
	/* Its volumes read through the overlay. */
	cf_machine_free(r->result);
	r->result = NULL;
	cf_txn_end(txn);
	cf_block_close(view);
	return ret;
}

/* ---- telling ---- */

static json_t *describe_changes(const struct run *r)
{
	json_t *a = json_array();
	for (size_t i = 0; i < r->changes.n; i++) {
		const struct cf_expand_change *c = &r->changes.item[i];
		json_array_append_new(a, json_pack("{s:s,s:o,s:o,s:o}", "problem", "expand", "what", cf_json_text(c->what), "before",
						   cf_json_text(c->before), "after", cf_json_text(c->after)));
	}
	return a;
}

static void describe_plan(const struct run *r, struct cf_result *out)
{
	const struct cf_expand *x = &r->x;
	json_t *moves = json_array();
	for (size_t i = 0; i < x->n_moves; i++) {
		const struct cf_expand_move *v = &x->move[i];
		json_array_append_new(moves, json_pack("{s:i,s:I,s:I,s:o,s:b}", "partition", (int)v->number, "size", (json_int_t)v->size, "from",
						       (json_int_t)v->from, "to", v->drop ? json_null() : json_integer((json_int_t)v->to),
						       "dropped", (int)v->drop));
	}
	json_object_set_new(out->doc, "expand",
			    json_pack("{s:I,s:I,s:i,s:I,s:I,s:o}", "disk_size_before", (json_int_t)x->old_disk, "disk_size_after", (json_int_t)x->disk,
				      "partition", (int)x->number, "size_before", (json_int_t)x->old_size, "size_after", (json_int_t)x->size,
				      "moved", moves));
	json_object_set_new(out->doc, "changes", describe_changes(r));
	json_object_set_new(out->doc, "bytes_planned", json_integer((json_int_t)(r->pending + cf_expand_copied(x))));
}

static void describe_disk(const struct run *r, struct cf_result *out)
{
	json_object_set_new(out->doc, "disk", cf_describe_disk(&r->s));
	json_object_set_new(out->doc, "windows", cf_describe_windows(&r->s));
}

/* ---- doing ---- */

/* The surveyed disk is still the one that the plan was made for, whatever size its file has now. */
static int same_disk(const struct run *r, struct cf_error *err)
{
	const struct cf_machine *m = r->s.m;
	const struct cf_vol *v = r->x.vol < m->n_vols ? &m->vol[r->x.vol] : NULL;
	if (!v || v->number != r->x.number || v->start != r->x.start || v->size != r->x.old_size || m->disk[0].block->size != r->x.disk)
		return cf_fail(err, CF_E_CHANGED, "the disk has changed since the plan was made; run coldfix again");
	return 0;
}

/* The file becomes larger, and the disk is opened anew. */
static int grow_container(struct run *r, const char *path, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	struct cf_growth g = { .kind = cf_job_growth_kind(r->s.disk[0]), .old_size = r->s.disk[0]->block->size, .new_size = r->x.disk };
	CF_FREE char *image = strdup(r->s.state[0]);
	if (!image)
		return cf_fail_nomem(err);
	if (g.kind == CF_GROWTH_NONE)
		return cf_fail(err, CF_E_INTERNAL, "the disk's file can't be made larger");
	/* QEMU locks a qcow2 image itself; of a file the lock is kept as long as can be. */
	if (g.kind == CF_GROWTH_QCOW2)
		cf_session_close(&r->s);
	if (cf_growth_begin(image, &g, err) < 0)
		return cf_fail_path(err, path);
	r->growth = g;
	cf_session_close(&r->s);
	if (cf_session_open_growing(&r->s, req, path, err) < 0 || cf_session_survey(&r->s, err) < 0)
		return -1;
	return same_disk(r, err);
}

static int switch_disk(struct run *r, struct cf_series *row, const json_t *agreed, struct cf_error *err)
{
	struct cf_txn_fingerprint *prints = NULL;
	size_t n = 0;
	if (try_switch(r, cf_series_block(row), err) < 0)
		return -1;
	json_t *now = describe_changes(r);
	bool same = json_equal(now, agreed);
	json_decref(now);
	if (!same)
		return cf_fail(err, CF_E_CHANGED, "the disk has changed since the plan was made; run coldfix again");
	int ret = cf_session_fingerprints(r->result, 0, &prints, &n, err);
	if (ret == 0)
		ret = cf_series_commit(row, prints, n, err);
	free(prints);
	return ret;
}

/* Copies and switches; on failure what the row committed is put back. */
static int carry_out(struct run *r, const json_t *agreed, struct cf_result *out, struct cf_error *err)
{
	struct cf_session *s = &r->s;
	struct cf_block *disk = s->disk[0]->block;
	bool grown = r->growth.kind != CF_GROWTH_NONE;
	s->place[0].growth = grown ? &r->growth : NULL;
	r->fresh = grown ? whole_blocks(r->growth.old_size) : r->x.disk;
	struct cf_series *row = cf_series_begin(disk, &s->place[0], 0, err);
	if (!row)
		return -1;
	uint64_t journal = r->pending;
	for (size_t i = 0; i < r->x.n_moves; i++)
		if (!r->x.move[i].drop && r->x.move[i].to < r->fresh)
			journal += r->x.move[i].size;
	int ret = cf_series_check_place(row, journal, 2 + journal / (32 * CF_MIB), 64, NULL, err);
	if (ret == 0)
		ret = cf_expand_copy(&r->x, disk, row, r->fresh, s->req->progress, s->req->user, err);
	if (ret == 0)
		ret = switch_disk(r, row, agreed, err);
	const struct cf_series_stats *st = cf_series_stats(row);
	json_object_set_new(out->doc, "bytes_written", json_integer((json_int_t)st->bytes_written));
	json_object_set_new(out->doc, "undo_file", cf_json_text(st->undo_file));
	if (ret < 0 && st->undo_file) {
		struct cf_error e = { 0 };
		CF_FREE char *file = strdup(st->undo_file);
		json_object_set_new(out->doc, "undo_file", json_null());
		if (!file || cf_undo_apply(disk, &s->place[0], file, false, false, NULL, &e) < 0)
			cf_fail_prefix(err, "copies in free space stay until 'coldfix undo' (%.200s)", e.message);
	}
	cf_machine_free(r->result);
	r->result = NULL;
	cf_series_end(row);
	return ret;
}

/* The file is made small again after a failure. */
static void take_growth_back(struct run *r, const char *path, struct cf_error *why)
{
	struct cf_error e = { 0 };
	const struct cf_request *req = r->s.req;
	cf_session_close(&r->s);
	/* The next open decides by the partition table; nothing is lost if it has to wait. */
	if (cf_session_open(&r->s, req, path, true, &e) < 0)
		cf_fail_prefix(why, "the image is still larger than it was (%.200s)", e.message);
	cf_session_close(&r->s);
}

static int execute(const struct cf_request *req, const char *path, const json_t *agreed, struct cf_result *out)
{
	struct run r = { 0 };
	struct cf_error *err = &out->error, ignored;
	int ret = cf_session_open(&r.s, req, path, true, err);
	if (ret == 0)
		ret = make_plan(&r, err);
	if (ret == 0 && cf_expand_empty(&r.x))
		ret = cf_fail(err, CF_E_CHANGED, "the disk has changed since the plan was made; nothing was written, run coldfix again");
	if (ret == 0)
		ret = preview(&r, err); /* what it takes, for the room that the undo file needs */
	cf_expand_changes_free(&r.changes);
	bool grows = ret == 0 && r.x.disk > r.s.disk[0]->block->size;
	if (grows)
		ret = grow_container(&r, path ? path : req->disk, err);
	if (ret == 0)
		ret = carry_out(&r, agreed, out, err);
	if (ret == 0 && grows && cf_growth_keep(r.s.state[0], &ignored) < 0)
		cf_notice(req, "%s: a record of the expansion could not be removed; the next open does", r.s.disk[0]->path);
	if (ret == 0 && cf_session_survey(&r.s, err) == 0)
		describe_disk(&r, out);
	if (ret < 0 && grows && r.growth.kind != CF_GROWTH_NONE) {
		r.s.req = req;
		take_growth_back(&r, path ? path : req->disk, err);
	}
	run_end(&r);
	return ret;
}

/* A copy that can grow in place begins as large as its source, so that undo makes it that small again; others are made in their final size. */
static int copy_then_execute(const struct cf_request *req, struct run *r, const json_t *agreed, struct cf_result *out)
{
	size_t n = strlen(req->output);
	bool vhdx = n > 5 && strcasecmp(req->output + n - 5, ".vhdx") == 0;
	int ret = cf_disk_copy_larger(r->s.disk[0], req->output, vhdx ? r->x.disk : 0, req->progress, req->user, &out->error);
	if (ret < 0)
		return ret;
	struct cf_request copy = *req;
	copy.format = NULL;
	copy.output = NULL;
	copy.sector_size = r->s.disk[0]->block->sector_size;
	copy.expand_size = r->x.disk;
	copy.expand_by = 0;
	copy.expand_max = 0;
	json_object_set_new(out->doc, "output", cf_json_text(req->output));
	out->disk = req->output;
	run_end(r);
	*r = (struct run){ 0 };
	ret = execute(&copy, req->output, agreed, out);
	if (ret < 0 && out->error.code != CF_E_INTERNAL)
		unlink(req->output);
	return ret;
}

static int check_request(const struct cf_request *req, struct cf_error *err)
{
	int said = (req->expand_size != 0) + (req->expand_by != 0) + (req->expand_max != 0);
	if (said != 1)
		return cf_fail(err, CF_E_USAGE, said ? "--size, --by and --max: one of them" : "how large? --size N, --by N or --max");
	if (req->output && access(req->output, F_OK) == 0)
		return cf_fail(err, CF_E_REFUSED, "%s exists already; --output never overwrites", req->output);
	return 0;
}

int cf_job_expand(const struct cf_request *req, struct cf_result *out)
{
	struct run r = { 0 };
	int ret = check_request(req, &out->error);
	if (ret == 0)
		ret = cf_session_open_for_plan(&r.s, req, &out->error);
	if (ret == 0)
		ret = make_plan(&r, &out->error);
	bool empty = ret == 0 && cf_expand_empty(&r.x);
	if (ret == 0 && !empty)
		ret = preview(&r, &out->error);
	if (ret < 0) {
		run_end(&r);
		return ret;
	}
	out->dry_run = req->dry_run;
	describe_disk(&r, out);
	describe_plan(&r, out);
	cf_describe_unwritten(out->doc);
	out->exit_status = empty || !req->dry_run ? 0 : 4;
	if (empty || req->dry_run || !cf_session_confirmed(&r.s, out)) {
		run_end(&r);
		return 0;
	}
	json_t *agreed = describe_changes(&r);
	if (req->output) {
		ret = copy_then_execute(req, &r, agreed, out);
	} else {
		run_end(&r); /* the read-only view goes before the disk is opened for writing */
		r = (struct run){ 0 };
		ret = execute(req, NULL, agreed, out);
	}
	run_end(&r);
	json_decref(agreed);
	return ret;
}
