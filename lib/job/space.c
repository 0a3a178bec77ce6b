/* space.c - what fills the volumes of a disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The volume of the selected Windows comes first, then every other one in the order of the disks. What can't be measured is named with its
 * reason; the command fails only when nothing can.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/expand.h"
#include "job/session.h"
#include "problem/limits.h"
#include "space/cleanup.h"
#include "space/expand.h"
#include "space/usage.h"

#define TOP_DEFAULT 5
#define COUNT_AT_MOST 50000u  /* temporary files and downloads; of more the clean-up's exact share is left to the clean-up */
#define WORTH_SAYING CF_MIB   /* a clean-up that brings less is not worth a line, unless the volume is full */

static json_t *classes(const struct cf_usage *u)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < CF_USAGE_CLASSES; i++) {
		json_t *j = json_object();
		json_object_set_new(j, "class", json_string(cf_usage_class_word(i)));
		json_object_set_new(j, "title", json_string(cf_usage_class_text(i)));
		json_object_set_new(j, "bytes", cf_json_number(u->class[i].bytes));
		json_object_set_new(j, "files", cf_json_number(u->class[i].files));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *one_file(const struct cf_usage_file *f)
{
	json_t *j = json_object();
	cf_json_set_path(j, f->path);
	json_object_set_new(j, "class", json_string(cf_usage_class_word(f->class)));
	json_object_set_new(j, "size", cf_json_number(f->size));
	json_object_set_new(j, "allocated_bytes", cf_json_number(f->allocated));
	json_object_set_new(j, "extents", cf_json_number(f->extents));
	json_object_set_new(j, "links", cf_json_number(f->links));
	return j;
}

static json_t *file_list(const struct cf_usage_file *f, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, one_file(&f[i]));
	return list;
}

static json_t *folder_list(const struct cf_usage *u)
{
	json_t *list = json_array();
	for (size_t i = 0; i < u->n_folders; i++) {
		const struct cf_usage_folder *f = &u->folder[i];
		json_t *j = json_object();
		cf_json_set_path(j, f->path);
		json_object_set_new(j, "class", json_string(cf_usage_class_word(f->class)));
		json_object_set_new(j, "bytes", cf_json_number(f->bytes));
		json_object_set_new(j, "files", cf_json_number(f->files));
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *fragmentation(const struct cf_usage *u)
{
	json_t *j = json_object();
	json_object_set_new(j, "files", cf_json_number(u->clustered));
	json_object_set_new(j, "fragmented_files", cf_json_number(u->in_pieces));
	json_object_set_new(j, "extents", cf_json_number(u->extents));
	json_object_set_new(j, "average_extents", json_real(u->clustered ? (double)u->extents / (double)u->clustered : 0.0));
	json_object_set_new(j, "mft_extents", cf_json_number(u->mft_extents));
	json_object_set_new(j, "most_fragmented", file_list(u->fragmented, u->n_fragmented));
	return j;
}

static json_t *free_space(const struct cf_usage *u)
{
	json_t *j = json_object(), *list = json_array();
	json_object_set_new(j, "extents", cf_json_number(u->free_extents));
	json_object_set_new(j, "largest_bytes", cf_json_number(u->largest_free));
	json_object_set_new(j, "average_bytes", cf_json_number(u->free_extents ? u->free / u->free_extents : 0));
	for (unsigned i = 0; i < CF_USAGE_BUCKETS; i++) {
		json_t *b = json_object();
		json_object_set_new(b, "from_bytes", cf_json_number(cf_usage_bound(i)));
		json_object_set_new(b, "below_bytes", i + 1 < CF_USAGE_BUCKETS ? cf_json_number(cf_usage_bound(i + 1)) : json_null());
		json_object_set_new(b, "extents", cf_json_number(u->bucket[i].files));
		json_object_set_new(b, "bytes", cf_json_number(u->bucket[i].bytes));
		json_array_append_new(list, b);
	}
	json_object_set_new(j, "histogram", list);
	return j;
}

static json_t *consistency(const struct cf_usage *u)
{
	const struct cf_extent_check *c = &u->check;
	if (!u->checked)
		return json_null();
	CF_FREE char *text = cf_extent_check_text(c);
	json_t *j = json_object();
	json_object_set_new(j, "sound", json_boolean(cf_extent_check_sound(c)));
	json_object_set_new(j, "detail", cf_json_text(text));
	json_object_set_new(j, "lost_clusters", cf_json_number(c->lost));
	json_object_set_new(j, "unmarked_clusters", cf_json_number(c->unmarked));
	json_object_set_new(j, "cross_linked_clusters", cf_json_number(c->cross_linked));
	json_object_set_new(j, "bad_records", cf_json_number(c->scan.bad));
	json_object_set_new(j, "orphaned_records", cf_json_number(c->scan.orphans));
	json_object_set_new(j, "damaged_files", cf_json_number(c->scan.damaged));
	return j;
}

static void fill(json_t *j, const struct cf_usage *u)
{
	json_object_set_new(j, "cluster_size", cf_json_number(u->cluster_size));
	json_object_set_new(j, "total_bytes", cf_json_number(u->total));
	json_object_set_new(j, "used_bytes", cf_json_number(u->used));
	json_object_set_new(j, "free_bytes", cf_json_number(u->free));
	json_object_set_new(j, "reserved_bytes", cf_json_number(u->reserved));
	json_object_set_new(j, "files", cf_json_number(u->files));
	json_object_set_new(j, "folders", cf_json_number(u->folders));
	json_object_set_new(j, "classes", classes(u));
	json_object_set_new(j, "winsxs_shared_bytes", cf_json_number(u->winsxs_shared));
	json_object_set_new(j, "largest_files", file_list(u->largest, u->n_largest));
	json_object_set_new(j, "largest_folders", folder_list(u));
	json_object_set_new(j, "fragmentation", fragmentation(u));
	json_object_set_new(j, "free_space", free_space(u));
	json_object_set_new(j, "consistency", consistency(u));
}

struct watch {
	const struct cf_request *req;
	const char *what;
};

static int tell(void *user, uint64_t done, uint64_t total)
{
	const struct watch *w = user;
	return w->req->progress(w->req->user, w->what, done, total);
}

static json_t *head(const struct cf_session *s, const struct cf_vol *v)
{
	char letter[2] = { v->letter, 0 };
	json_t *j = json_object();
	json_object_set_new(j, "disk", cf_json_text(s->m->disk[v->disk].path));
	json_object_set_new(j, "partition", json_integer(v->number));
	json_object_set_new(j, "letter", v->letter ? json_string(letter) : json_null());
	json_object_set_new(j, "label", cf_json_text(v->label));
	json_object_set_new(j, "role", json_string(cf_role_name(v->role)));
	json_object_set_new(j, "filesystem", json_string(cf_fs_name(v->fs)));
	json_object_set_new(j, "unclean", json_boolean(v->health.journal_unclean || v->health.dirty_flag || v->health.hibernated));
	return j;
}

/* ---- what helps ---- */

/* shadow: the volume has shadow copies, and the command wants to hear that they may go. */
static void add_next(json_t *list, const char *command, bool shadow, const char *why, uint64_t bytes)
{
	char line[160];
	snprintf(line, sizeof line, "%s%s%s", command, shadow ? " --accept-shadow-copy-loss" : "", strcmp(command, "diagnose") ? " --dry-run" : "");
	json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "command", line, "why", cf_json_text(why), "bytes", cf_json_number(bytes)));
}

/* What coldfix cleanup would give back; 0: nothing, or the volume may not be cleaned. */
static int next_cleanup(const struct cf_session *s, const struct cf_usage *u, bool full, json_t *list, uint64_t *gain, struct cf_error *err)
{
	const struct cf_clean_options opt = { .keep_days = -1 };
	const struct cf_vol *v = &s->m->vol[s->ctx.in->vol];
	struct cf_cleanup *plan = NULL;
	struct cf_error why = { 0 };
	char size[32], text[200];
	*gain = u->class[CF_USAGE_TEMP].bytes + u->class[CF_USAGE_UPDATES].bytes;
	if (u->class[CF_USAGE_TEMP].files + u->class[CF_USAGE_UPDATES].files > COUNT_AT_MOST) {
		snprintf(text, sizeof text, _("deletes temporary files and downloads that need no longer be there: up to %s"),
			 cf_size_text(*gain, size));
		add_next(list, "cleanup", v->health.shadow_copies, text, *gain);
		return 0;
	}
	*gain = 0;
	if (cf_cleanup_find(s->m, s->ctx.in, &opt, &plan, &why) < 0)
		return why.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
	*gain = plan->bytes;
	cf_cleanup_free(plan);
	if (*gain < (full ? 1 : WORTH_SAYING))
		return 0;
	snprintf(text, sizeof text, _("gives back %s: temporary files, downloads and caches that Windows makes again"), cf_size_text(*gain, size));
	add_next(list, "cleanup", v->health.shadow_copies, text, *gain);
	return 0;
}

static void next_expand(const struct cf_session *s, bool full, json_t *list)
{
	struct cf_expand_options opt = { .stay = true, .accept_shadow_copy_loss = true, .force_unclean = true, .recovery_key_at_hand = true };
	const struct cf_vol *v = &s->m->vol[s->ctx.in->vol];
	struct cf_expand x;
	char size[32], text[200], command[100];
	if (v->disk != 0)
		return;
	if (cf_expand_plan(s->m, s->ctx.in->vol, &opt, &x, NULL) == 0 && !cf_expand_empty(&x)) {
		snprintf(text, sizeof text, _("gives Windows the unallocated room right behind its volume: %s"),
			 cf_size_text(x.size - x.old_size, size));
		snprintf(command, sizeof command, "expand --size %llu", (unsigned long long)x.disk);
		add_next(list, command, v->health.shadow_copies, text, x.size - x.old_size);
	} else if (full) {
		bool grows = cf_job_growth_kind(s->disk[0]) != CF_GROWTH_NONE;
		snprintf(text, sizeof text, grows ? _("makes the disk and the volume of Windows larger") :
						    _("makes a larger copy, in which the volume of Windows is larger too"));
		add_next(list, grows ? "expand --by 8G" : "expand --by 8G --output NEW", v->health.shadow_copies, text, 8 * CF_GIB);
	}
}

/* What can be done about what was measured: only what is true of this volume, and what it brings. */
static int describe_next(const struct cf_session *s, const struct cf_usage *u, json_t *j, struct cf_error *err)
{
	const struct cf_vol *v = &s->m->vol[s->ctx.in->vol];
	json_t *list = json_array();
	uint64_t gain = 0, wanted = cf_wanted_extent(s->req, u->free);
	bool full = u->free < cf_full_below(s->req);
	char a[32], b[32], text[200];
	json_object_set_new(j, "next", list);
	/* What is not settled is not rearranged: diagnose says what to do first. */
	if (v->health.damaged || v->health.hibernated || v->health.journal_unclean || (u->checked && !cf_extent_check_sound(&u->check))) {
		add_next(list, "diagnose", false, _("says what has to be settled first: the volume is not clean"), 0);
		return 0;
	}
	if (next_cleanup(s, u, full, list, &gain, err) < 0)
		return -1;
	next_expand(s, full && u->free + gain < cf_full_below(s->req), list);
	if (u->largest_free < wanted) {
		snprintf(text, sizeof text, _("makes the free space whole: its largest piece has %s of %s"), cf_size_text(u->largest_free, a),
			 cf_size_text(u->free, b));
		add_next(list, "defrag", v->health.shadow_copies, text, 0);
	}
	return 0;
}

/* One volume into the list. -1 for what ends the command. */
static int measure(const struct cf_session *s, size_t vol, json_t *list, unsigned *measured, struct cf_error *err)
{
	const struct cf_vol *v = &s->m->vol[vol];
	json_t *j = head(s, v);
	CF_FREE char *name = cf_vol_name(s->m, vol);
	struct watch w = { s->req, name };
	struct cf_usage u = { 0 };
	struct cf_error why = { 0 };
	struct cf_usage_options opt = { .top = s->req->top ? s->req->top : TOP_DEFAULT,
					.progress = s->req->progress ? tell : NULL,
					.user = &w };
	int rc = name ? 0 : cf_fail_nomem(err);
	if (rc == 0 && cf_usage_measure(s->m, vol, &opt, &u, &why) == 0) {
		fill(j, &u);
		json_object_set_new(j, "reason", json_null());
		++*measured;
		if (s->ctx.in && s->ctx.in->vol == vol)
			rc = describe_next(s, &u, j, err);
	} else if (rc == 0) {
		json_object_set_new(j, "reason", cf_json_text(v->vol || v->error.code == CF_OK ? why.message : v->error.message));
		if (v->space.total_bytes) { /* FAT: what its table says */
			json_object_set_new(j, "total_bytes", cf_json_number(v->space.total_bytes));
			json_object_set_new(j, "free_bytes", cf_json_number(v->space.free_bytes));
		}
		if (why.code == CF_E_NO_MEMORY || why.code == CF_E_CANCELLED || why.code == CF_E_USAGE) {
			*err = why;
			rc = -1;
		}
	}
	cf_usage_free(&u);
	if (json_array_append_new(list, j) < 0 && rc == 0)
		rc = cf_fail_nomem(err);
	return rc;
}

int cf_job_space(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	json_t *list = json_array();
	unsigned measured = 0;
	json_object_set_new(r->doc, "volumes", list);
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	if (ret == 0) {
		size_t first = s.ctx.in ? s.ctx.in->vol : s.m->n_vols;
		json_object_set_new(r->doc, "disk", cf_describe_disk(&s));
		json_object_set_new(r->doc, "windows", cf_describe_windows(&s));
		if (first < s.m->n_vols)
			ret = measure(&s, first, list, &measured, &r->error);
		for (size_t i = 0; ret == 0 && i < s.m->n_vols; i++)
			if (i != first && (s.m->vol[i].vol || s.m->vol[i].error.code != CF_OK || s.m->vol[i].fs > CF_FS_UNKNOWN) &&
			    s.m->vol[i].fs != CF_FS_EMPTY)
				ret = measure(&s, i, list, &measured, &r->error);
		if (ret == 0 && !measured)
			ret = cf_fail(&r->error, CF_E_UNSUPPORTED, "there is no NTFS volume on this disk that can be measured%s%s",
				      json_array_size(list) ? ": " : "",
				      json_array_size(list) ? json_string_value(json_object_get(json_array_get(list, 0), "reason")) : "");
	}
	cf_session_close(&s);
	return ret;
}
