/* work.c - queuing what fixes want done, and the plan that people read.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/utf16.h"

int cf_work_begin(const struct cf_context *c, struct cf_work *w, struct cf_error *err)
{
	*w = (struct cf_work){ .c = c, .failed_vol = -1 };
	w->force_unclean = calloc(c->m->n_vols + 1, sizeof *w->force_unclean);
	w->discard_hibernation = calloc(c->m->n_vols + 1, sizeof *w->discard_hibernation);
	if (!w->force_unclean || !w->discard_hibernation) {
		cf_work_end(w);
		return cf_fail_nomem(err);
	}
	return 0;
}

void cf_work_end(struct cf_work *w)
{
	for (size_t i = 0; i < w->n_hives; i++) {
		free(w->hive[i].path);
		cf_hive_edits_free(&w->hive[i].edits);
	}
	for (size_t i = 0; i < w->n_deletes; i++)
		free(w->del[i].path);
	for (size_t i = 0; i < w->n_cleanups; i++)
		cf_cleanup_free(w->cleanup[i].plan);
	for (size_t i = 0; i < w->n_changes; i++) {
		free(w->change[i].what);
		free(w->change[i].before);
		free(w->change[i].after);
	}
	free(w->hive);
	free(w->del);
	free(w->cleanup);
	for (size_t i = 0; i < w->n_defrags; i++)
		free(w->defrag[i].records);
	free(w->change);
	free(w->force_unclean);
	free(w->discard_hibernation);
	*w = (struct cf_work){ 0 };
}

bool cf_work_may_write(const struct cf_work *w, size_t vol, bool boot_store, char *reason, size_t n)
{
	const struct cf_machine *m = w->c->m;
	const struct cf_vol *v = &m->vol[vol];
	CF_FREE char *name = cf_vol_name(m, vol);
	const char *who = name ? name : _("the volume");
	if (!v->vol) {
		snprintf(reason, n, "%s", v->error.message);
		return false;
	}
	if (w->unwritable && w->unwritable[vol]) {
		snprintf(reason, n, "%s", w->unwritable[vol]);
		return false;
	}
	if (v->health.damaged) {
		snprintf(reason, n, _("%s is damaged (%s); have Windows run chkdsk first"), who, v->health.damage);
		return false;
	}
	if (v->health.hibernated && !w->discard_hibernation[vol]) {
		snprintf(reason, n, _("%s is hibernated; shut Windows down fully, or add --with volume-hibernated to discard the session"), who);
		return false;
	}
	if (v->health.journal_unclean && !w->c->req->force_unclean) {
		snprintf(reason, n,
			 _("%s was not dismounted cleanly; start the VM once, or say --force-unclean (empties the journal, chkdsk runs)"), who);
		return false;
	}
	for (size_t i = 0; boot_store && i < m->n_vols; i++)
		if (m->vol[i].fs == CF_FS_BITLOCKER && !w->c->req->recovery_key_at_hand) {
			snprintf(reason, n, "%s",
				 _("a volume of this disk is encrypted: a changed boot store can ask for the recovery key; say "
				   "--recovery-key-at-hand when you have it"));
			return false;
		}
	return true;
}

/* The gate for one finding's work on a volume: true to go on. Notes the journal for emptying where that was allowed. */
static bool enter(struct cf_work *w, struct cf_finding *f, size_t vol, bool boot_store)
{
	char reason[500];
	if (!cf_work_may_write(w, vol, boot_store, reason, sizeof reason)) {
		cf_finding_block(f, "%s", reason);
		return false;
	}
	if (w->c->m->vol[vol].health.journal_unclean)
		w->force_unclean[vol] = true;
	return true;
}

static bool hive_usable(struct cf_finding *f, const struct cf_hive_file *h)
{
	if (!h->present || h->error.code != CF_OK)
		cf_finding_block(f, _("%s can't be read: %s"), h->path ? h->path : "", h->error.message);
	else if (h->report.n_fatal)
		cf_finding_block(f, _("%s is damaged (hive-corrupt) and is not edited"), h->path);
	else if (h->replay.state == CF_REPLAY_REJECTED)
		cf_finding_block(f, _("%s was not closed and Windows would reject its logs (%s); it is not edited"), h->path,
				 h->replay.reason);
	else
		return true;
	return false;
}

static struct cf_work_hive *hive_entry(struct cf_work *w, const struct cf_hive_file *h, bool is_store)
{
	for (size_t i = 0; i < w->n_hives; i++)
		if (w->hive[i].vol == h->vol && strcmp(w->hive[i].path, h->path) == 0)
			return &w->hive[i];
	struct cf_work_hive *grown = reallocarray(w->hive, w->n_hives + 1, sizeof *grown);
	if (!grown)
		return NULL;
	w->hive = grown;
	char *path = strdup(h->path);
	if (!path)
		return NULL;
	w->hive[w->n_hives] = (struct cf_work_hive){ .vol = h->vol, .path = path, .is_store = is_store };
	return &w->hive[w->n_hives++];
}

/* What an earlier fix of this plan makes of the same place: a later one starts from there. */
static const char *planned_text(const struct cf_work *w, const char *what)
{
	for (size_t i = w->n_changes; i > 0; i--)
		if (strcmp(w->change[i - 1].what, what) == 0)
			return w->change[i - 1].after;
	return NULL;
}

int cf_work_change(struct cf_work *w, const struct cf_finding *f, const char *what, const char *before, const char *after,
		   struct cf_error *err)
{
	struct cf_change *grown = reallocarray(w->change, w->n_changes + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	w->change = grown;
	struct cf_change c = { .problem = f->problem->id, .what = strdup(what), .before = strdup(before), .after = strdup(after) };
	if (!c.what || !c.before || !c.after) {
		free(c.what);
		free(c.before);
		free(c.after);
		return cf_fail_nomem(err);
	}
	w->change[w->n_changes++] = c;
	return 0;
}

/* A value as one line of text. */
static char *value_text(const struct cf_value *v)
{
	CF_BUF b = { 0 };
	if (v->type == CF_REG_DWORD && v->data.n >= 4) {
		if (cf_buf_printf(&b, "%u", cf_ld32(v->data.p)) < 0)
			return NULL;
	} else if (v->type == CF_REG_MULTI_SZ) {
		size_t n = 0;
		char **s = cf_value_multi_sz(v, &n);
		for (size_t i = 0; s && i < n; i++)
			if (cf_buf_printf(&b, "%s%s", i ? ", " : "", s[i]) < 0)
				break;
		cf_strv_free(s);
	} else if (v->type == CF_REG_SZ || v->type == CF_REG_EXPAND_SZ || v->type == CF_REG_LINK) {
		return cf_value_string(v);
	} else if (cf_buf_printf(&b, _("%zu bytes"), v->data.n) < 0) {
		return NULL;
	}
	return cf_buf_append(&b, "", 1) < 0 ? NULL : (char *)CF_STEAL(b.p);
}

static char *current_text(const struct cf_hive_file *h, const char *key, const char *name)
{
	CF_VALUE v = { 0 };
	if (cf_hive_value(h->hive, cf_hive_root(h->hive), key, name, &v, NULL) < 0)
		return strdup(_("(absent)"));
	return value_text(&v);
}

static const char *base_name(const char *path)
{
	const char *p = strrchr(path, '\\');
	return p ? p + 1 : path;
}

static int record(struct cf_work *w, const struct cf_finding *f, const struct cf_hive_file *h, const char *key,
		  const char *name, const char *after, struct cf_error *err)
{
	CF_FREE char *what = NULL;
	CF_FREE char *before = current_text(h, key, name);
	if (asprintf(&what, "HKLM\\%s\\%s\\%s", base_name(h->path), key, name) < 0)
		what = NULL;
	if (!before || !what)
		return cf_fail_nomem(err);
	const char *planned = planned_text(w, what);
	if (strcmp(planned ? planned : before, after) == 0)
		return 0; /* nothing changes here */
	return cf_work_change(w, f, what, planned ? planned : before, after, err);
}

int cf_work_set_u32(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *h, const char *key,
		    const char *name, uint32_t v, struct cf_error *err)
{
	if (!enter(w, f, h->vol, false) || !hive_usable(f, h))
		return 0;
	char after[16];
	snprintf(after, sizeof after, "%u", v);
	struct cf_work_hive *e = hive_entry(w, h, false);
	if (!e)
		return cf_fail_nomem(err);
	return cf_hive_edits_set_u32(&e->edits, key, name, v, err) < 0 ? -1 : record(w, f, h, key, name, after, err);
}

int cf_work_set_string(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *h, const char *key,
		       const char *name, uint32_t type, const char *v, struct cf_error *err)
{
	if (!enter(w, f, h->vol, false) || !hive_usable(f, h))
		return 0;
	struct cf_work_hive *e = hive_entry(w, h, false);
	if (!e)
		return cf_fail_nomem(err);
	return cf_hive_edits_set_string(&e->edits, key, name, type, v, err) < 0 ? -1 : record(w, f, h, key, name, v, err);
}

int cf_work_set_multi(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *h, const char *key,
		      const char *name, const char *const *v, struct cf_error *err)
{
	if (!enter(w, f, h->vol, false) || !hive_usable(f, h))
		return 0;
	CF_BUF after = { 0 };
	for (size_t i = 0; v[i]; i++)
		if (cf_buf_printf(&after, "%s%s", i ? ", " : "", v[i]) < 0)
			return cf_fail_nomem(err);
	struct cf_work_hive *e = hive_entry(w, h, false);
	if (!e || cf_buf_append(&after, "", 1) < 0)
		return cf_fail_nomem(err);
	return cf_hive_edits_set_multi(&e->edits, key, name, v, err) < 0
		       ? -1
		       : record(w, f, h, key, name, (const char *)after.p, err);
}

int cf_work_delete_value(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *h, const char *key,
			 const char *name, struct cf_error *err)
{
	if (!enter(w, f, h->vol, false) || !hive_usable(f, h))
		return 0;
	struct cf_work_hive *e = hive_entry(w, h, false);
	if (!e)
		return cf_fail_nomem(err);
	return cf_hive_edits_delete_value(&e->edits, key, name, err) < 0
		       ? -1
		       : record(w, f, h, key, name, _("(deleted)"), err);
}

/* ---- the boot store ---- */

static int record_element(struct cf_work *w, const struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
			  uint32_t element, const char *after, struct cf_error *err)
{
	const struct cf_bcd *bcd = &w->c->store->bcd;
	const struct cf_bcd_object *o = cf_bcd_object(bcd, object);
	const struct cf_bcd_element *e = o ? cf_bcd_element(o, element) : NULL;
	const char *alias = cf_bcd_alias(object);
	const char *name = cf_bcd_element_name(o && o->type ? o->type : object_type, element);
	char guid[CF_GUID_TEXT], what[120], before[64];
	uint64_t n;
	bool on;
	if (alias)
		snprintf(what, sizeof what, "bcd %s %s", alias, name ? name : "");
	else
		snprintf(what, sizeof what, "bcd {%s} %s", cf_guid_format(object, guid), name ? name : "");
	if (!e)
		snprintf(before, sizeof before, "%s", _("(absent)"));
	else if ((element >> 24 & 15) == 7)
		snprintf(before, sizeof before, _("%zu entries"), cf_bcd_integer_count(e));
	else if ((element >> 24 & 15) == 6 && cf_bcd_bool(e, &on))
		snprintf(before, sizeof before, "%s", on ? "Yes" : "No");
	else if ((element >> 24 & 15) == 5 && cf_bcd_u64(e, &n))
		snprintf(before, sizeof before, "%llu", (unsigned long long)n);
	else {
		CF_FREE char *text = cf_bcd_string(e);
		if (text)
			snprintf(before, sizeof before, "%s", text);
		else
			snprintf(before, sizeof before, _("%zu bytes"), e->data.n);
	}
	return cf_work_change(w, f, what, before, after, err);
}

int cf_work_bcd_set(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
		    uint32_t element, uint32_t reg_type, struct cf_span data, struct cf_error *err)
{
	const struct cf_boot_store *store = w->c->store;
	if (!enter(w, f, store->vol, true) || !hive_usable(f, &store->file))
		return 0;
	struct cf_work_hive *h = hive_entry(w, &store->file, true);
	CF_FREE char *path = cf_bcd_element_path(&store->bcd, object, element);
	if (!h || !path)
		return cf_fail_nomem(err);
	if (!cf_bcd_object(&store->bcd, object)) {
		char guid[CF_GUID_TEXT], key[80];
		snprintf(key, sizeof key, "Objects\\{%s}\\Description", cf_guid_format(object, guid));
		if (cf_hive_edits_set_u32(&h->edits, key, "Type", object_type, err) < 0)
			return -1;
	}
	if (cf_hive_edits_set(&h->edits, path, "Element", reg_type, data, err) < 0)
		return -1;
	CF_FREE char *after = NULL;
	unsigned format = element >> 24 & 15;
	if (format == 2 || format == 3)
		after = cf_utf16z_to_utf8(data, NULL);
	else if (format == 6)
		after = strdup(data.n && data.p[0] ? "Yes" : "No");
	else if (format == 5 && data.n == 8 && asprintf(&after, "%llu", (unsigned long long)cf_ld64(data.p)) < 0)
		after = NULL;
	return record_element(w, f, object, object_type, element, after ? after : "", err);
}

int cf_work_bcd_set_bool(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
			 uint32_t element, bool v, struct cf_error *err)
{
	uint8_t b = v;
	return cf_work_bcd_set(w, f, object, object_type, element, CF_REG_BINARY, cf_span_of(&b, 1), err);
}

int cf_work_bcd_set_u64(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
			uint32_t element, uint64_t v, struct cf_error *err)
{
	uint8_t b[8];
	cf_st64(b, v);
	return cf_work_bcd_set(w, f, object, object_type, element, CF_REG_BINARY, cf_span_of(b, 8), err);
}

int cf_work_bcd_delete(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t element,
		       struct cf_error *err)
{
	const struct cf_boot_store *store = w->c->store;
	if (!enter(w, f, store->vol, true) || !hive_usable(f, &store->file))
		return 0;
	struct cf_work_hive *h = hive_entry(w, &store->file, true);
	CF_FREE char *path = cf_bcd_element_path(&store->bcd, object, element);
	if (!h || !path)
		return cf_fail_nomem(err);
	const struct cf_bcd_object *o = cf_bcd_object(&store->bcd, object);
	return cf_hive_edits_delete_key(&h->edits, path, err) < 0
		       ? -1
		       : record_element(w, f, object, o ? o->type : 0, element, _("(deleted)"), err);
}

/* ---- files ---- */

int cf_work_delete_file(struct cf_work *w, struct cf_finding *f, size_t vol, const char *path, struct cf_error *err)
{
	if (!enter(w, f, vol, false))
		return 0;
	for (size_t i = 0; i < w->n_deletes; i++)
		if (w->del[i].vol == vol && cf_utf8_eq_nocase(w->del[i].path, path))
			return 0;
	struct cf_stat st = { 0 };
	if (cf_volume_stat(w->c->m->vol[vol].vol, path, &st, err) < 0)
		return -1;
	struct cf_work_delete *grown = reallocarray(w->del, w->n_deletes + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	w->del = grown;
	char *copy = strdup(path);
	if (!copy)
		return cf_fail_nomem(err);
	w->del[w->n_deletes++] = (struct cf_work_delete){ .vol = vol, .path = copy };
	CF_FREE char *name = cf_vol_name(w->c->m, vol);
	CF_FREE char *what = NULL;
	char size[32];
	if (!name || asprintf(&what, "%s %s", name, path) < 0) {
		what = NULL;
		return cf_fail_nomem(err);
	}
	return cf_work_change(w, f, what, cf_size_text(st.size, size), _("(deleted)"), err);
}

int cf_work_defrag(struct cf_work *w, size_t vol, uint64_t *records, size_t n, struct cf_error *err)
{
	if (w->n_defrags >= CF_ARRAY_LEN(w->defrag)) {
		free(records);
		return cf_fail(err, CF_E_INTERNAL, "too many rearrangements in one repair");
	}
	w->defrag[w->n_defrags++] = (struct cf_work_defrag){ .vol = vol, .opt = { .records = records, .n_records = n }, .records = records };
	return 0;
}

int cf_work_clean_up(struct cf_work *w, struct cf_finding *f, size_t vol, struct cf_cleanup *plan, struct cf_error *err)
{
	CF_CLEANUP(cf_cleanup_freep) struct cf_cleanup *own = plan;
	if (!enter(w, f, vol, false))
		return 0;
	struct cf_work_cleanup *grown = reallocarray(w->cleanup, w->n_cleanups + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	w->cleanup = grown;
	w->cleanup[w->n_cleanups++] = (struct cf_work_cleanup){ .vol = vol, .plan = CF_STEAL(own) };
	CF_FREE char *name = cf_vol_name(w->c->m, vol);
	if (!name)
		return cf_fail_nomem(err);
	for (size_t k = 0; k < cf_clean_n_classes; k++) {
		const struct cf_clean_sum *sum = &plan->sum[k];
		CF_FREE char *what = NULL;
		char before[120], after[160], size[32];
		if (!sum->chosen || !(sum->files || sum->folders))
			continue;
		snprintf(before, sizeof before, _("%llu files and %llu folders, %s"), (unsigned long long)sum->files,
			 (unsigned long long)sum->folders, cf_size_text(sum->bytes, size));
		if (asprintf(&what, "%s %s", name, cf_clean_classes[k].id) < 0) {
			what = NULL;
			return cf_fail_nomem(err);
		}
		snprintf(after, sizeof after, _("(deleted)"));
		if (sum->kept[CF_KEEP_LATER])
			snprintf(after, sizeof after, _("(deleted; %llu more files, %s, are left to coldfix cleanup)"),
				 (unsigned long long)sum->kept[CF_KEEP_LATER], cf_size_text(sum->kept_bytes[CF_KEEP_LATER], size));
		if (cf_work_change(w, f, what, before, after, err) < 0)
			return -1;
	}
	return 0;
}

int cf_work_grow(struct cf_work *w, struct cf_finding *f, const struct cf_expand *x, struct cf_error *err)
{
	CF_FREE char *name = cf_vol_name(w->c->m, x->vol);
	CF_FREE char *what = NULL;
	char before[32], after[32];
	if (!enter(w, f, x->vol, false))
		return 0;
	if (!name || asprintf(&what, _("size of %s, into the free room behind it"), name) < 0) {
		what = NULL;
		return cf_fail_nomem(err);
	}
	w->grows = true;
	w->expand = *x;
	return cf_work_change(w, f, what, cf_size_text(x->old_size, before), cf_size_text(x->size, after), err);
}

int cf_work_replay_hive(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *h, struct cf_error *err)
{
	bool is_store = w->c->store && h == &w->c->store->file;
	if (!enter(w, f, h->vol, is_store) || !hive_usable(f, h))
		return 0;
	struct cf_work_hive *e = hive_entry(w, h, is_store);
	if (!e)
		return cf_fail_nomem(err);
	e->replay_only = true;
	char after[80];
	snprintf(after, sizeof after, _("closed, %u log entries replayed"), h->replay.entries);
	return cf_work_change(w, f, h->path, _("not closed"), after, err);
}

bool cf_work_empty(const struct cf_work *w)
{
	for (unsigned d = 0; d < w->c->m->n_disks; d++)
		if (cf_work_touches(w, d))
			return false;
	return true;
}

bool cf_work_touches(const struct cf_work *w, unsigned disk)
{
	const struct cf_machine *m = w->c->m;
	if (w->grows && disk == 0)
		return true;
	for (size_t i = 0; i < w->n_hives; i++)
		if (m->vol[w->hive[i].vol].disk == disk)
			return true;
	for (size_t i = 0; i < w->n_deletes; i++)
		if (m->vol[w->del[i].vol].disk == disk)
			return true;
	for (size_t i = 0; i < w->n_defrags; i++)
		if (m->vol[w->defrag[i].vol].disk == disk)
			return true;
	for (size_t i = 0; i < w->n_cleanups; i++)
		if (m->vol[w->cleanup[i].vol].disk == disk)
			return true;
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].disk == disk && (w->force_unclean[i] || w->discard_hibernation[i]))
			return true;
	return w->repair_gpt[disk];
}
