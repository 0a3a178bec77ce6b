/* space.c - what fills the volumes of a disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The volume of the selected Windows comes first, then every other one in the order of the disks. What can't be measured is named with its
 * reason; the command fails only when nothing can.
 */
#include <stdlib.h>

#include "job/session.h"
#include "space/usage.h"

#define TOP_DEFAULT 5

/* Numbers that a hostile volume made up must not become negative. */
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
