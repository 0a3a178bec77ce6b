/* hive-precheck.c - the edits that hivex would do wrongly, found before it starts.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What hivex does is known from its source and from trials (the project's notes, §2.8). Each refusal names the key and
 * the reason. Nothing here is the last word: the result is compared with the original all the same.
 */
#include "registry/hive-edit-internal.h"

#define HIVEX_MAX_SUBKEYS 70000u
#define HIVEX_MAX_VALUES 110000u
#define HIVEX_MAX_CELL 999000u /* its limit for one allocation is 1,000,000 */
#define HIVEX_MAX_READ 8000000u

static int refuse(struct cf_error *err, const char *key, const char *why)
{
	return cf_fail(err, CF_E_REFUSED, "the key %s can't be edited safely: %s; edit it in Windows", *key ? key : "\\", why);
}

/* hivex stops reading a list at a name with a lone surrogate. */
static bool well_formed(struct cf_span name, bool latin1)
{
	size_t n = cf_name_units(name, latin1);
	for (size_t i = 0; i < n; i++) {
		uint16_t c = cf_name_unit(name, latin1, i);
		if (c >= 0xdc00 && c < 0xe000)
			return false;
		if (c >= 0xd800 && c < 0xdc00) {
			if (i + 1 == n)
				return false;
			uint16_t low = cf_name_unit(name, latin1, ++i);
			if (low < 0xdc00 || low >= 0xe000)
				return false;
		}
	}
	return true;
}

/* Names go through hivex as C strings in UTF-8. */
static bool passes_hivex(struct cf_span name, bool latin1)
{
	for (size_t i = 0; i < cf_name_units(name, latin1); i++)
		if (cf_name_unit(name, latin1, i) == 0)
			return false;
	return well_formed(name, latin1);
}

/* Escapes stand for characters that hivex would take literally. */
static bool plain_text(const char *s)
{
	return !strstr(s, "\\u{");
}

static bool frees_nothing(const struct cf_vk *vk)
{
	return !vk->is_inline && vk->size == 0;
}

/* hivex writes all values of a key anew when one of them changes. */
static int check_values(const struct cf_hive *h, const struct cf_nk *nk, const struct cf_hive_edits *e, const char *key,
			struct cf_error *err)
{
	struct cf_span list;
	if (cf_value_list(h, nk, &list, err) < 0)
		return -1;
	if (nk->n_values + e->n > HIVEX_MAX_VALUES)
		return refuse(err, key, "it has too many values");
	for (size_t i = 0; i < list.n; i += 4) {
		struct cf_vk vk;
		const struct cf_hive_edit *set;
		if (cf_hive_vk(h, cf_ld32(list.p + i), &vk, err) < 0)
			return -1;
		if (frees_nothing(&vk) || (vk.flags & CF_VK_TOMBSTONE))
			return refuse(err, key, "it has values of a layered key");
		if (!passes_hivex(vk.name, vk.latin1))
			return refuse(err, key, "the name of one of its values would be damaged");
		CF_FREE char *name = cf_name_utf8(vk.name, vk.latin1);
		if (!name)
			return cf_fail_nomem(err);
		bool stays = cf_edits_value_fate(e, key, name, &set) == CF_FATE_UNTOUCHED;
		if (vk.size > HIVEX_MAX_READ || (stays && vk.size > (h->base.minor > 3 ? CF_BIG_SEGMENT : HIVEX_MAX_CELL)))
			return refuse(err, key, "one of its values is too large to be written anew");
	}
	return 0;
}

static enum cf_list_kind leaf_kind(const struct cf_hive *h, const struct cf_nk *nk)
{
	struct cf_subkey_iter it;
	cf_key sub;
	if (nk->n_subkeys == 0 || cf_subkey_iter_init(&it, h, nk, NULL) < 0 || cf_subkey_iter_next(&it, &sub, NULL) <= 0)
		return CF_LIST_BAD;
	return it.kind;
}

/* The part of the path that is not there yet: hivex computes hints and order for ASCII only. */
static int check_new_names(const struct cf_nk *parent, const char *key, const char *rest,
			   struct cf_error *err)
{
	for (const char *p = rest; *p; p++)
		if ((unsigned char)*p >= 0x80 || (unsigned char)*p < 0x20)
			return refuse(err, key, "a new key's name has other characters than ASCII");
	if (!plain_text(rest))
		return refuse(err, key, "a new key's name has characters that need an escape");
	if (parent->n_subkeys >= HIVEX_MAX_SUBKEYS)
		return refuse(err, key, "the key above it has too many subkeys");
	if (parent->sk == CF_HIVE_NONE)
		return refuse(err, key, "the key above it has no security descriptor");
	return 0;
}

/* hivex looks for a key by reading the names of all its siblings. */
static int check_subkey_names(const struct cf_hive *h, const struct cf_nk *nk, const char *key, struct cf_error *err)
{
	struct cf_subkey_iter it;
	struct cf_nk child;
	cf_key sub;
	int r;
	if (cf_subkey_iter_init(&it, h, nk, err) < 0)
		return -1;
	while ((r = cf_subkey_iter_next(&it, &sub, err)) > 0) {
		if (cf_hive_nk(h, sub, &child, err) < 0)
			return -1;
		if (!well_formed(child.name, child.latin1))
			return refuse(err, key, "hivex can't read the name of a key beside it");
	}
	return r;
}

static int check_value_edit(const struct cf_hive *h, const struct cf_hive_edits *e, const struct cf_hive_edit *edit,
			    struct cf_error *err)
{
	const char *p = edit->key;
	struct cf_nk nk;
	if (!plain_text(edit->key) || !plain_text(edit->name))
		return refuse(err, edit->key, "a name has characters that hivex can't pass on");
	if (edit->op == CF_EDIT_SET && edit->data.n > (h->base.minor > 3 ? CF_BIG_SEGMENT : HIVEX_MAX_CELL))
		return refuse(err, edit->key, "the new value is too large");
	if (cf_hive_nk(h, cf_hive_root(h), &nk, err) < 0)
		return -1;
	while (*p) {
		struct cf_error miss = { 0 };
		size_t n = cf_path_component(p);
		CF_FREE char *name = strndup(p, n);
		cf_key sub;
		if (!name)
			return cf_fail_nomem(err);
		if (check_subkey_names(h, &nk, edit->key, err) < 0)
			return -1;
		if (cf_hive_find(h, nk.rel, name, &sub, &miss) < 0) {
			if (miss.code != CF_E_NOT_FOUND)
				return refuse(err, edit->key, miss.message);
			return edit->op == CF_EDIT_SET ? check_new_names(&nk, edit->key, p, err) : 0;
		}
		if (cf_hive_nk(h, sub, &nk, err) < 0)
			return -1;
		if (!passes_hivex(nk.name, nk.latin1))
			return refuse(err, edit->key, "a name has characters that hivex can't pass on");
		p += n;
		p += *p == '\\';
	}
	return check_values(h, &nk, e, edit->key, err);
}

/* hivex frees the cell of every value beneath and stops the process at one that has none. */
static int check_subtree(const struct cf_hive *h, cf_key top, const char *key, struct cf_error *err)
{
	CF_BUF todo = { 0 };
	uint8_t b[4];
	cf_st32(b, top);
	int r = cf_buf_append(&todo, b, 4) < 0 ? cf_fail_nomem(err) : 0;
	while (r == 0 && todo.n) {
		struct cf_nk nk;
		struct cf_span list;
		struct cf_subkey_iter it;
		cf_key sub;
		todo.n -= 4;
		if (cf_hive_nk(h, cf_ld32(todo.p + todo.n), &nk, err) < 0 || cf_value_list(h, &nk, &list, err) < 0 ||
		    cf_subkey_iter_init(&it, h, &nk, err) < 0)
			return -1;
		for (size_t i = 0; i < list.n; i += 4) {
			struct cf_vk vk;
			if (cf_hive_vk(h, cf_ld32(list.p + i), &vk, err) < 0)
				return -1;
			if (frees_nothing(&vk))
				return refuse(err, key, "beneath it are values of a layered key");
		}
		while ((r = cf_subkey_iter_next(&it, &sub, err)) > 0) {
			cf_st32(b, sub);
			if (cf_buf_append(&todo, b, 4) < 0)
				return cf_fail_nomem(err);
		}
	}
	return r;
}

static int check_delete_key(const struct cf_hive *h, const struct cf_hive_edit *edit, struct cf_error *err)
{
	struct cf_error miss = { 0 };
	struct cf_nk nk, parent;
	cf_key key;
	if (!plain_text(edit->key))
		return refuse(err, edit->key, "a name has characters that hivex can't pass on");
	if (cf_hive_find(h, cf_hive_root(h), edit->key, &key, &miss) < 0)
		return miss.code == CF_E_NOT_FOUND ? 0 : refuse(err, edit->key, miss.message);
	if (cf_hive_nk(h, key, &nk, err) < 0 || cf_hive_nk(h, nk.parent, &parent, err) < 0)
		return -1;
	if (check_subkey_names(h, &parent, edit->key, err) < 0)
		return -1;
	if (leaf_kind(h, &parent) == CF_LIST_LI)
		return refuse(err, edit->key, "it is in a list of the old kind");
	return check_subtree(h, key, edit->key, err);
}

int cf_hive_precheck(const struct cf_hive *h, const struct cf_hive_edits *e, struct cf_error *err)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct cf_hive_edit *edit = &e->edit[i];
		int r = edit->op == CF_EDIT_DELETE_KEY ? check_delete_key(h, edit, err) : check_value_edit(h, e, edit, err);
		if (r < 0)
			return -1;
	}
	return 0;
}
