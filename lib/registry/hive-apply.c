/* hive-apply.c - carries out a list of edits on a hive in memory and proves the result.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order: validate, drop the edits that change nothing, edit a copy (in place where every new value fits where the old one lies,
 * else with hivex in a child), give it its sequence numbers and checksum, validate again, compare with the original.
 * The original is never touched; a copy that does not pass is thrown away.
 */
#include "registry/hive-edit-internal.h"

#define CF_HIVE CF_CLEANUP(cf_hive_closep) struct cf_hive

static struct cf_hive *open_copy(struct cf_span bytes, struct cf_error *err)
{
	CF_BUF copy = { 0 };
	if (cf_buf_copy(&copy, bytes) < 0) {
		cf_fail_nomem(err);
		return NULL;
	}
	return cf_hive_open(&copy, err);
}

static const char *first_fatal(const struct cf_hive_report *r)
{
	for (size_t i = 0; i < r->n_defects && i < CF_ARRAY_LEN(r->defect); i++)
		if (r->defect[i].fatal)
			return r->defect[i].what;
	return "a defect";
}

/* ---- which edits change anything, in the hive's own spelling ---- */

/* The path as the hive spells it, as far as it is there; *found its key or CF_KEY_NONE. */
static char *spell_path(const struct cf_hive *h, const char *path, cf_key *found, struct cf_error *err)
{
	cf_key key = cf_hive_root(h);
	char *out = strdup("");
	*found = key;
	for (const char *p = path; out && *p;) {
		struct cf_error e = { 0 };
		size_t n = cf_path_component(p);
		CF_FREE char *name = strndup(p, n);
		CF_FREE char *before = out;
		out = NULL;
		if (!name)
			break;
		if (*found != CF_KEY_NONE && cf_hive_find(h, key, name, &key, &e) < 0) {
			if (e.code != CF_E_NOT_FOUND) {
				if (err)
					*err = e;
				return NULL;
			}
			*found = CF_KEY_NONE;
		}
		if (*found != CF_KEY_NONE) {
			*found = key;
			free(name);
			name = cf_hive_key_name(h, key, err);
			if (!name)
				return NULL;
		}
		out = cf_path_join(before, name);
		p += n;
		p += *p == '\\';
	}
	if (!out)
		cf_fail_nomem(err);
	return out;
}

/* 1 and the value, 0 when the key has none of this name, -1. */
static int look_up(const struct cf_hive *h, cf_key key, const char *name, struct cf_nk *nk, struct cf_vk *vk,
		   struct cf_error *err)
{
	struct cf_wanted w;
	if (key == CF_KEY_NONE)
		return 0;
	if (cf_hive_nk(h, key, nk, err) < 0 || cf_wanted_init(&w, name, strlen(name), err) < 0)
		return -1;
	int r = cf_hive_find_value(h, nk, &w, vk, err);
	cf_buf_free(&w.units);
	return r;
}

static int value_changes(const struct cf_hive *h, const struct cf_hive_edit *e, const struct cf_vk *vk, bool *changes,
			 struct cf_error *err)
{
	CF_BUF data = { 0 };
	*changes = true;
	if (e->op == CF_EDIT_DELETE_VALUE || vk->type != e->type || vk->size != e->data.n)
		return 0;
	if (cf_data_read(h, vk, &data, err) < 0)
		return -1;
	*changes = data.n && memcmp(data.p, e->data.p, data.n) != 0;
	return 0;
}

/* Adds the edit to eff in the hive's spelling when it changes something, or when keep says that the order matters. */
static int add_effective(const struct cf_hive *h, const struct cf_hive_edit *e, bool keep, struct cf_hive_edits *eff,
			 struct cf_error *err)
{
	cf_key key;
	CF_FREE char *path = spell_path(h, e->key, &key, err);
	if (!path)
		return -1;
	if (e->op == CF_EDIT_DELETE_KEY) {
		for (size_t i = 0; i < eff->n; i++)
			keep |= eff->edit[i].op == CF_EDIT_SET && cf_path_covers(path, eff->edit[i].key);
		return keep || key != CF_KEY_NONE ? cf_hive_edits_delete_key(eff, path, err) : 0;
	}
	struct cf_nk nk;
	struct cf_vk vk;
	bool changes = e->op == CF_EDIT_SET;
	int r = look_up(h, key, e->name, &nk, &vk, err);
	if (r < 0 || (r > 0 && value_changes(h, e, &vk, &changes, err) < 0))
		return -1;
	if (!changes && !keep)
		return 0;
	CF_FREE char *name = r > 0 ? cf_name_utf8(vk.name, vk.latin1) : strdup(e->name);
	if (!name)
		return cf_fail_nomem(err);
	if (e->op == CF_EDIT_DELETE_VALUE)
		return cf_hive_edits_delete_value(eff, path, name, err);
	return cf_hive_edits_set(eff, path, name, e->type, cf_buf_span(&e->data), err);
}

static int effective_edits(const struct cf_hive *h, const struct cf_hive_edits *edits, struct cf_hive_edits *eff,
			   struct cf_error *err)
{
	bool keep = false;
	for (size_t i = 0; i < edits->n && !keep; i++) {
		cf_key key;
		if (edits->edit[i].op != CF_EDIT_DELETE_KEY)
			continue;
		CF_FREE char *path = spell_path(h, edits->edit[i].key, &key, err);
		if (!path)
			return -1;
		keep = key != CF_KEY_NONE;
	}
	for (size_t i = 0; i < edits->n; i++)
		if (add_effective(h, &edits->edit[i], keep, eff, err) < 0)
			return -1;
	return 0;
}

/* ---- in place ---- */

/* Whether the new data fits exactly where the old data lies, with nothing to allocate or to free. */
static bool fits_in_place(const struct cf_hive *h, const struct cf_vk *vk, size_t n)
{
	struct cf_data_place place;
	struct cf_span cell;
	if ((vk->flags & CF_VK_TOMBSTONE) || cf_data_place(h, vk, &place, NULL) < 0 || place.big)
		return false;
	if (vk->is_inline)
		return n <= 4;
	return n > 4 && vk->size > 0 && n <= CF_BIG_SEGMENT && vk->size <= CF_BIG_SEGMENT &&
	       cf_hive_cell(h, vk->data, (uint32_t)n, "data", &cell, NULL) == 0;
}

static void put_in_place(struct cf_buf *out, const struct cf_nk *nk, const struct cf_vk *vk, const struct cf_hive_edit *e)
{
	struct cf_vk_disk *d = (void *)(out->p + CF_HIVE_BASE + vk->rel + 4);
	uint32_t n = (uint32_t)e->data.n;
	cf_le32_set(&d->type, e->type);
	if (vk->is_inline) {
		uint8_t bytes[4] = { 0 };
		if (n)
			memcpy(bytes, e->data.p, n);
		memcpy(&d->data, bytes, sizeof(bytes));
		cf_le32_set(&d->data_size, n | CF_VK_INLINE);
	} else {
		memcpy(out->p + CF_HIVE_BASE + vk->data + 4, e->data.p, n);
		cf_le32_set(&d->data_size, n);
	}
	struct cf_nk_disk *k = (void *)(out->p + CF_HIVE_BASE + nk->rel + 4);
	if (cf_le32_get(k->max_value_data) < n)
		cf_le32_set(&k->max_value_data, n);
}

/* 1 done, 0 when not all edits can be done so, -1. */
static int edit_in_place(const struct cf_hive *h, const struct cf_hive_edits *e, struct cf_buf *out, struct cf_error *err)
{
	if (cf_buf_copy(out, cf_hive_bytes(h)) < 0)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < e->n; i++) {
		const struct cf_hive_edit *edit = &e->edit[i];
		struct cf_error miss = { 0 };
		struct cf_nk nk;
		struct cf_vk vk;
		cf_key key;
		if (edit->op != CF_EDIT_SET)
			return 0;
		if (cf_hive_find(h, cf_hive_root(h), edit->key, &key, &miss) < 0) {
			if (miss.code == CF_E_NOT_FOUND)
				return 0;
			if (err)
				*err = miss;
			return -1;
		}
		int r = look_up(h, key, edit->name, &nk, &vk, err);
		if (r < 0)
			return -1;
		if (r == 0 || !fits_in_place(h, &vk, edit->data.n))
			return 0;
		put_in_place(out, &nk, &vk, edit);
	}
	return 1;
}

/* ---- the result ---- */

static void set_numbers(struct cf_buf *b, uint32_t seq)
{
	struct cf_base_disk *d = (void *)b->p;
	cf_le32_set(&d->seq1, seq);
	cf_le32_set(&d->seq2, seq);
	cf_le32_set(&d->checksum, cf_hive_checksum(b->p));
}

/* Sequence numbers, size of the bins and checksum are all that may differ in the base block. */
static bool same_base(struct cf_span a, struct cf_span b)
{
	struct cf_base_disk x, y;
	memcpy(&x, a.p, sizeof(x));
	memcpy(&y, b.p, sizeof(y));
	x.seq1 = y.seq1;
	x.seq2 = y.seq2;
	x.bins_size = y.bins_size;
	x.checksum = y.checksum;
	size_t rest = CF_HIVE_BASE - sizeof(x);
	return memcmp(&x, &y, sizeof(x)) == 0 && memcmp(a.p + sizeof(x), b.p + sizeof(x), rest) == 0;
}

static int prove(const struct cf_hive *before, const struct cf_hive_report *old, struct cf_hive *after,
		 const struct cf_hive_edits *e, struct cf_error *err)
{
	struct cf_hive_report new;
	if (cf_hive_validate(after, &new, err) < 0)
		return -1;
	if (new.n_fatal)
		return cf_fail(err, CF_E_INTERNAL, "%s", first_fatal(&new));
	if (new.n_defects > old->n_defects)
		return cf_fail(err, CF_E_REFUSED, "%s; edit this key in Windows",
			       new.defect[cf_min_u64(old->n_defects, CF_ARRAY_LEN(new.defect) - 1)].what);
	if (after->base.dirty || after->base.seq1 != before->base.seq1 + 1)
		return cf_fail(err, CF_E_INTERNAL, "the sequence numbers are wrong");
	if (!same_base(cf_hive_bytes(before), cf_hive_bytes(after)))
		return cf_fail(err, CF_E_INTERNAL, "the base block is not what it has to be");
	return cf_hive_compare(before, after, e, err);
}

static int apply(const struct cf_hive *before, const struct cf_hive_report *report, const struct cf_hive_edits *e,
		 struct cf_buf *out, struct cf_error *err)
{
	CF_BUF edited = { 0 };
	int r = edit_in_place(before, e, &edited, err);
	if (r < 0)
		return -1;
	if (r == 0 && (cf_hive_precheck(before, e, err) < 0 || cf_hivex_run(cf_hive_bytes(before), e, &edited, err) < 0))
		return -1;
	if (edited.n < CF_HIVE_BASE)
		return cf_fail(err, CF_E_INTERNAL, "the edited hive is too short; nothing was changed");
	set_numbers(&edited, before->base.seq1 + 1);
	CF_HIVE *after = cf_hive_open(&edited, err);
	if (!after || prove(before, report, after, e, err) < 0)
		return cf_fail_prefix(err, "the edited hive did not pass the checks, nothing was changed");
	cf_buf_free(out);
	*out = after->bytes;
	after->bytes = (struct cf_buf){ 0 };
	return 0;
}

int cf_hive_apply(struct cf_span hive, const struct cf_hive_edits *edits, struct cf_buf *out, struct cf_error *err)
{
	struct cf_hive_report report;
	struct cf_hive_edits eff = { 0 };
	CF_HIVE *before = open_copy(hive, err);
	if (!before || cf_hive_validate(before, &report, err) < 0)
		return -1;
	if (report.n_fatal)
		return cf_fail(err, CF_E_CORRUPT, "the hive is damaged (%s), so it is not edited", first_fatal(&report));
	if (before->base.dirty)
		return cf_fail(err, CF_E_REFUSED, "the hive has to be replayed from its logs before it is edited");
	int r = effective_edits(before, edits, &eff, err);
	if (r == 0 && eff.n == 0)
		r = cf_buf_copy(out, hive) < 0 ? cf_fail_nomem(err) : 0;
	else if (r == 0)
		r = apply(before, &report, &eff, out, err);
	cf_hive_edits_free(&eff);
	return r;
}

void cf_hive_mark_clean(struct cf_buf *hive)
{
	if (hive->n < sizeof(struct cf_base_disk))
		return;
	struct cf_base_disk *d = (void *)hive->p;
	set_numbers(hive, cf_le32_get(d->seq1));
}
