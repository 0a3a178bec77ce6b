/* hive-diff.c - compares a hive before and after its edits: exactly the edits may differ.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Both trees are walked side by side. Keys that no edit touches have to be alike in name, order, flags, times, class,
 * security and every byte of their values; a touched key has to be what the edits make of it. Both hives have been
 * validated, so every cell has one owner and the walk ends.
 */
#include "registry/hive-edit-internal.h"

#include "base/grow.h"

struct pair {
	uint32_t before; /* CF_HIVE_NONE: made by the edits */
	uint32_t after;
	uint32_t parent_sk; /* of the key above, in the hive after */
	char *path;         /* NULL: not touched by any edit */
};

struct walk {
	const struct cf_hive *before, *after;
	const struct cf_hive_edits *e;
	struct pair *stack;
	size_t n, cap;
	size_t n_set; /* values found as the edits want them */
	struct cf_error *err;
};

static int differ(struct walk *w, uint32_t after, const char *what)
{
	CF_FREE char *name = cf_hive_key_name(w->after, after, NULL);
	return cf_fail(w->err, CF_E_INTERNAL, "%s of the key %s is not what it has to be", what, name ? name : "?");
}

/* Takes over path. */
static int push(struct walk *w, uint32_t before, uint32_t after, uint32_t parent_sk, char *path)
{
	if (!CF_ROOM(w->stack, w->n, w->cap, 256)) {
		free(path);
		return cf_fail_nomem(w->err);
	}
	w->stack[w->n++] = (struct pair){ before, after, parent_sk, path };
	return 0;
}

/* ---- values ---- */

static int load(struct walk *w, const struct cf_hive *h, const struct cf_vk *vk, struct cf_buf *copy,
		struct cf_span *data)
{
	struct cf_data_place place;
	if (cf_data_place(h, vk, &place, w->err) < 0)
		return -1;
	*data = place.plain;
	if (!place.big)
		return 0;
	if (cf_data_read(h, vk, copy, w->err) < 0)
		return -1;
	*data = cf_buf_span(copy);
	return 0;
}

static bool same_bytes(struct cf_span a, struct cf_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* 1 alike, 0 not, -1. */
static int same_value(struct walk *w, const struct cf_vk *a, const struct cf_vk *b)
{
	CF_BUF copy_a = { 0 };
	CF_BUF copy_b = { 0 };
	struct cf_span da, db;
	if (a->type != b->type || a->size != b->size || ((a->flags ^ b->flags) & CF_VK_TOMBSTONE) ||
	    !cf_name_eq(a->name, a->latin1, b->name, b->latin1))
		return 0;
	if (load(w, w->before, a, &copy_a, &da) < 0 || load(w, w->after, b, &copy_b, &db) < 0)
		return -1;
	return same_bytes(da, db);
}

/* 1 when the value is what the edit sets. */
static int as_set(struct walk *w, const struct cf_vk *vk, const struct cf_hive_edit *edit)
{
	CF_BUF copy = { 0 };
	struct cf_span data;
	if (vk->type != edit->type || vk->size != edit->data.n)
		return 0;
	if (load(w, w->after, vk, &copy, &data) < 0)
		return -1;
	return same_bytes(data, cf_buf_span(&edit->data));
}

static int fate_of(struct walk *w, const char *path, const struct cf_vk *vk, enum cf_fate *fate,
		   const struct cf_hive_edit **edit)
{
	*edit = NULL;
	*fate = CF_FATE_UNTOUCHED;
	if (!path)
		return 0;
	CF_FREE char *name = cf_name_utf8(vk->name, vk->latin1);
	if (!name)
		return cf_fail_nomem(w->err);
	*fate = cf_edits_value_fate(w->e, path, name, edit);
	return 0;
}

/* The values that were there come first, in their order; then the new ones. */
static int compare_values(struct walk *w, const struct cf_nk *before, const struct cf_nk *after, const char *path)
{
	struct cf_span old = { NULL, 0 }, new;
	struct cf_vk a, b;
	enum cf_fate fate;
	const struct cf_hive_edit *edit;
	size_t at = 0;
	if ((before && cf_value_list(w->before, before, &old, w->err) < 0) ||
	    cf_value_list(w->after, after, &new, w->err) < 0)
		return -1;
	for (size_t i = 0; i < old.n; i += 4) {
		if (cf_hive_vk(w->before, cf_ld32(old.p + i), &a, w->err) < 0 || fate_of(w, path, &a, &fate, &edit) < 0)
			return -1;
		if (fate == CF_FATE_GONE)
			continue;
		if (at == new.n)
			return differ(w, after->rel, "the number of values");
		if (cf_hive_vk(w->after, cf_ld32(new.p + at), &b, w->err) < 0)
			return -1;
		bool same_name = cf_name_eq(a.name, a.latin1, b.name, b.latin1);
		int r = fate == CF_FATE_SET ? (same_name ? as_set(w, &b, edit) : 0) : same_value(w, &a, &b);
		if (r <= 0)
			return r < 0 ? -1 : differ(w, after->rel, "a value");
		w->n_set += fate == CF_FATE_SET;
		at += 4;
	}
	for (; at < new.n; at += 4) {
		if (cf_hive_vk(w->after, cf_ld32(new.p + at), &b, w->err) < 0 || fate_of(w, path, &b, &fate, &edit) < 0)
			return -1;
		int r = fate == CF_FATE_SET ? as_set(w, &b, edit) : 0;
		if (r <= 0)
			return r < 0 ? -1 : differ(w, after->rel, "a new value");
		w->n_set++;
	}
	return 0;
}

/* ---- keys ---- */

static int descriptor(struct walk *w, const struct cf_hive *h, uint32_t rel, struct cf_span *out)
{
	struct cf_span cell;
	*out = (struct cf_span){ NULL, 0 };
	if (rel == CF_HIVE_NONE)
		return 0;
	if (cf_hive_cell(h, rel, sizeof(struct cf_sk_disk), "security", &cell, w->err) < 0)
		return -1;
	*out = cf_span_sub(cell, sizeof(struct cf_sk_disk),
			   cf_le32_get(((const struct cf_sk_disk *)(const void *)cell.p)->size));
	return 0;
}

static int class_name(struct walk *w, const struct cf_hive *h, const struct cf_nk *nk, struct cf_span *out)
{
	*out = (struct cf_span){ NULL, 0 };
	if (!nk->class_len || nk->class_name == CF_HIVE_NONE)
		return 0;
	if (cf_hive_cell(h, nk->class_name, nk->class_len, "class name", out, w->err) < 0)
		return -1;
	out->n = nk->class_len;
	return 0;
}

static int compare_properties(struct walk *w, const struct cf_nk *a, const struct cf_nk *b)
{
	struct cf_span sa, sb, ca, cb;
	if (descriptor(w, w->before, a->sk, &sa) < 0 || descriptor(w, w->after, b->sk, &sb) < 0 ||
	    class_name(w, w->before, a, &ca) < 0 || class_name(w, w->after, b, &cb) < 0)
		return -1;
	if (a->flags != b->flags || a->time != b->time || !cf_name_eq(a->name, a->latin1, b->name, b->latin1))
		return differ(w, b->rel, "the name, time or mark");
	if (!same_bytes(sa, sb) || !same_bytes(ca, cb))
		return differ(w, b->rel, "the security or class");
	return 0;
}

/* The next subkey that was there before and still has to be; 1, 0 end, -1. */
static int next_kept(struct walk *w, struct cf_subkey_iter *it, const char *path, struct cf_nk *nk)
{
	cf_key key;
	int r;
	while ((r = cf_subkey_iter_next(it, &key, w->err)) > 0) {
		if (cf_hive_nk(w->before, key, nk, w->err) < 0)
			return -1;
		if (!path)
			return 1;
		CF_FREE char *name = cf_name_utf8(nk->name, nk->latin1);
		CF_FREE char *sub = name ? cf_path_join(path, name) : NULL;
		if (!sub)
			return cf_fail_nomem(w->err);
		bool deleted = false;
		for (size_t i = 0; i < w->e->n && !deleted; i++)
			deleted = w->e->edit[i].op == CF_EDIT_DELETE_KEY && cf_path_covers(w->e->edit[i].key, sub);
		if (!deleted)
			return 1;
	}
	return r;
}

/* Pushes the subkey of a touched key, with its path when edits touch it as well; new ones have to be wanted. */
static int push_child(struct walk *w, const struct cf_nk *kept, const struct cf_nk *child, uint32_t sk, const char *path)
{
	char *sub = NULL;
	if (path) {
		CF_FREE char *name = cf_name_utf8(child->name, child->latin1);
		sub = name ? cf_path_join(path, name) : NULL;
		if (!sub)
			return cf_fail_nomem(w->err);
		if (kept && !cf_edits_touch(w->e, sub)) {
			free(sub);
			sub = NULL;
		} else if (!kept && cf_edits_key_fate(w->e, sub) != CF_FATE_SET) {
			free(sub);
			return differ(w, child->rel, "the presence");
		}
	}
	return push(w, kept ? kept->rel : CF_HIVE_NONE, child->rel, sk, sub);
}

static int compare_subkeys(struct walk *w, const struct cf_nk *before, const struct cf_nk *after, const char *path)
{
	struct cf_subkey_iter old, new;
	struct cf_nk kept, child;
	cf_key key;
	int have = 0, r;
	if (before && (cf_subkey_iter_init(&old, w->before, before, w->err) < 0 ||
		       (have = next_kept(w, &old, path, &kept)) < 0))
		return -1;
	if (cf_subkey_iter_init(&new, w->after, after, w->err) < 0)
		return -1;
	while ((r = cf_subkey_iter_next(&new, &key, w->err)) > 0) {
		if (cf_hive_nk(w->after, key, &child, w->err) < 0)
			return -1;
		bool same = have && cf_name_eq(kept.name, kept.latin1, child.name, child.latin1);
		if (!same && !path)
			return differ(w, child.rel, "the presence or order");
		if (push_child(w, same ? &kept : NULL, &child, after->sk, path) < 0)
			return -1;
		if (same && (have = next_kept(w, &old, path, &kept)) < 0)
			return -1;
	}
	if (r == 0 && have)
		return differ(w, after->rel, "the list of subkeys");
	return r;
}

static int compare_pair(struct walk *w, const struct pair *p)
{
	struct cf_nk a, b;
	bool old = p->before != CF_HIVE_NONE;
	if ((old && cf_hive_nk(w->before, p->before, &a, w->err) < 0) || cf_hive_nk(w->after, p->after, &b, w->err) < 0)
		return -1;
	if (old ? compare_properties(w, &a, &b) < 0 : false)
		return -1;
	if (!old && (b.sk != p->parent_sk || b.class_len || (b.flags & ~CF_NK_LATIN1)))
		return differ(w, b.rel, "the security, class or mark");
	if (compare_values(w, old ? &a : NULL, &b, p->path) < 0)
		return -1;
	return compare_subkeys(w, old ? &a : NULL, &b, p->path);
}

int cf_hive_compare(const struct cf_hive *before, const struct cf_hive *after, const struct cf_hive_edits *e,
		    struct cf_error *err)
{
	struct walk w = { .before = before, .after = after, .e = e, .err = err };
	size_t want = 0;
	const struct cf_hive_edit *set;
	for (size_t i = 0; i < e->n; i++)
		want += e->edit[i].op == CF_EDIT_SET &&
			cf_edits_value_fate(e, e->edit[i].key, e->edit[i].name, &set) == CF_FATE_SET && set == &e->edit[i];
	char *root = strdup("");
	int r = root ? push(&w, cf_hive_root(before), cf_hive_root(after), CF_HIVE_NONE, root) : cf_fail_nomem(err);
	while (r == 0 && w.n) {
		struct pair p = w.stack[--w.n];
		r = compare_pair(&w, &p);
		free(p.path);
	}
	while (w.n)
		free(w.stack[--w.n].path);
	free(w.stack);
	if (r == 0 && w.n_set != want)
		return cf_fail(err, CF_E_INTERNAL, "%zu of %zu values are not there after the edit", want - w.n_set, want);
	return r;
}
