/* hive-edit.c - the list of edits: building it, and what it says about one key or value.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Paths are kept without leading, trailing or doubled backslashes. At most one edit of a value is in the list after the last deletion of a key
 * above it, so the list stays as short as what it does.
 */
#include "registry/hive-edit-internal.h"

#include "base/utf16.h"

#define MAX_KEY_NAME 255u     /* UTF-16 code units, Windows' limit */
#define MAX_VALUE_NAME 16383u /* the same */
#define MAX_EDITS 100000u

/* The path in its plain form; NULL and an error when a name in it can't be one. */
static char *clean_path(const char *path, struct cf_error *err)
{
	char *out = calloc(strlen(path) + 1, 1);
	if (!out) {
		cf_fail_nomem(err);
		return NULL;
	}
	char *to = out;
	for (const char *p = path; *p;) {
		size_t n = cf_path_component(p);
		struct cf_wanted w = { 0 };
		if (n) {
			if (cf_wanted_init(&w, p, n, err) < 0) {
				free(out);
				return NULL;
			}
			size_t units = w.units.n / 2;
			cf_buf_free(&w.units);
			if (units > MAX_KEY_NAME) {
				free(out);
				cf_fail(err, CF_E_USAGE, "a key name in %.80s is longer than 255 characters", path);
				return NULL;
			}
			if (to != out)
				*to++ = '\\';
			memcpy(to, p, n);
			to += n;
		}
		p += n;
		p += *p == '\\';
	}
	return out;
}

bool cf_path_covers(const char *a, const char *b)
{
	const char *pa = a, *pb = b;
	while (*pa) {
		pa += cf_path_component(pa);
		pa += *pa == '\\';
		size_t n = cf_path_component(pb);
		if (!n)
			return false;
		pb += n;
		if (*pa && *pb == '\\')
			pb++;
	}
	CF_FREE char *head = strndup(b, (size_t)(pb - b));
	return head && cf_utf8_eq_nocase(a, head);
}

char *cf_path_join(const char *a, const char *b)
{
	char *out = NULL;
	if (!*a)
		return strdup(b);
	return asprintf(&out, "%s\\%s", a, b) < 0 ? NULL : out;
}

static bool same_value(const struct cf_hive_edit *e, const char *key, const char *name)
{
	return e->op != CF_EDIT_DELETE_KEY && cf_utf8_eq_nocase(e->key, key) && cf_utf8_eq_nocase(e->name, name);
}

static void free_edit(struct cf_hive_edit *e)
{
	free(e->key);
	free(e->name);
	cf_buf_free(&e->data);
}

void cf_hive_edits_free(struct cf_hive_edits *e)
{
	for (size_t i = 0; i < e->n; i++)
		free_edit(&e->edit[i]);
	free(e->edit);
	*e = (struct cf_hive_edits){ 0 };
}

/* Takes over edit, also when it fails. */
static int add(struct cf_hive_edits *e, struct cf_hive_edit *edit, struct cf_error *err)
{
	for (size_t i = e->n; edit->op != CF_EDIT_DELETE_KEY && i > 0; i--) {
		struct cf_hive_edit *old = &e->edit[i - 1];
		if (old->op == CF_EDIT_DELETE_KEY && cf_path_covers(old->key, edit->key))
			break;
		if (same_value(old, edit->key, edit->name)) {
			free_edit(old);
			*old = *edit;
			return 0;
		}
	}
	if (e->n == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 8;
		struct cf_hive_edit *more = cap > MAX_EDITS ? NULL : reallocarray(e->edit, cap, sizeof(*more));
		if (!more) {
			free_edit(edit);
			return cf_fail_nomem(err);
		}
		e->edit = more;
		e->cap = cap;
	}
	e->edit[e->n++] = *edit;
	return 0;
}

static int queue(struct cf_hive_edits *e, enum cf_edit_op op, const char *key, const char *name, uint32_t type,
		 struct cf_span data, struct cf_error *err)
{
	struct cf_hive_edit edit = { .op = op, .type = type, .key = clean_path(key, err) };
	if (!edit.key)
		return -1;
	if (op == CF_EDIT_DELETE_KEY) {
		if (!*edit.key) {
			free_edit(&edit);
			return cf_fail(err, CF_E_USAGE, "the root key of a hive can't be deleted");
		}
		return add(e, &edit, err);
	}
	struct cf_wanted w;
	if (cf_wanted_init(&w, name, strlen(name), err) < 0) {
		free_edit(&edit);
		return -1;
	}
	size_t units = w.units.n / 2;
	cf_buf_free(&w.units);
	if (units > MAX_VALUE_NAME) {
		free_edit(&edit);
		return cf_fail(err, CF_E_USAGE, "the value name %.40s… is longer than 16383 characters", name);
	}
	edit.name = strdup(name);
	if (!edit.name || cf_buf_copy(&edit.data, data) < 0) {
		free_edit(&edit);
		return cf_fail_nomem(err);
	}
	return add(e, &edit, err);
}

int cf_hive_edits_set(struct cf_hive_edits *e, const char *key, const char *name, uint32_t type, struct cf_span data,
		      struct cf_error *err)
{
	return queue(e, CF_EDIT_SET, key, name, type, data, err);
}

int cf_hive_edits_set_u32(struct cf_hive_edits *e, const char *key, const char *name, uint32_t v, struct cf_error *err)
{
	uint8_t b[4];
	cf_st32(b, v);
	return queue(e, CF_EDIT_SET, key, name, CF_REG_DWORD, cf_span_of(b, sizeof(b)), err);
}

static int append_string(struct cf_buf *b, const char *utf8, struct cf_error *err)
{
	if (cf_utf8_to_utf16(utf8, b) < 0)
		return cf_fail(err, CF_E_USAGE, "\"%.80s\" is no well-formed UTF-8", utf8);
	return cf_buf_append(b, "\0", 2) < 0 ? cf_fail_nomem(err) : 0;
}

int cf_hive_edits_set_string(struct cf_hive_edits *e, const char *key, const char *name, uint32_t type,
			     const char *utf8, struct cf_error *err)
{
	CF_BUF b = { 0 };
	if (append_string(&b, utf8, err) < 0)
		return -1;
	return queue(e, CF_EDIT_SET, key, name, type, cf_buf_span(&b), err);
}

int cf_hive_edits_set_multi(struct cf_hive_edits *e, const char *key, const char *name, const char *const *strv,
			    struct cf_error *err)
{
	CF_BUF b = { 0 };
	for (; *strv; strv++) {
		if (!**strv)
			return cf_fail(err, CF_E_USAGE, "a REG_MULTI_SZ can't hold an empty string: it would end there");
		if (append_string(&b, *strv, err) < 0)
			return -1;
	}
	if (append_string(&b, "", err) < 0)
		return -1;
	return queue(e, CF_EDIT_SET, key, name, CF_REG_MULTI_SZ, cf_buf_span(&b), err);
}

int cf_hive_edits_delete_value(struct cf_hive_edits *e, const char *key, const char *name, struct cf_error *err)
{
	return queue(e, CF_EDIT_DELETE_VALUE, key, name, 0, cf_span_of(NULL, 0), err);
}

int cf_hive_edits_delete_key(struct cf_hive_edits *e, const char *key, struct cf_error *err)
{
	return queue(e, CF_EDIT_DELETE_KEY, key, NULL, 0, cf_span_of(NULL, 0), err);
}

enum cf_fate cf_edits_value_fate(const struct cf_hive_edits *e, const char *key, const char *name,
				 const struct cf_hive_edit **set)
{
	*set = NULL;
	for (size_t i = e->n; i > 0; i--) {
		const struct cf_hive_edit *edit = &e->edit[i - 1];
		if (edit->op == CF_EDIT_DELETE_KEY && cf_path_covers(edit->key, key))
			return CF_FATE_GONE;
		if (!same_value(edit, key, name))
			continue;
		if (edit->op == CF_EDIT_DELETE_VALUE)
			return CF_FATE_GONE;
		*set = edit;
		return CF_FATE_SET;
	}
	return CF_FATE_UNTOUCHED;
}

enum cf_fate cf_edits_key_fate(const struct cf_hive_edits *e, const char *key)
{
	for (size_t i = e->n; i > 0; i--) {
		const struct cf_hive_edit *edit = &e->edit[i - 1];
		if (edit->op == CF_EDIT_DELETE_KEY && cf_path_covers(edit->key, key))
			return CF_FATE_GONE;
		if (edit->op == CF_EDIT_SET && cf_path_covers(key, edit->key))
			return CF_FATE_SET;
	}
	return CF_FATE_UNTOUCHED;
}

bool cf_edits_touch(const struct cf_hive_edits *e, const char *key)
{
	for (size_t i = 0; i < e->n; i++)
		if (cf_path_covers(key, e->edit[i].key) ||
		    (e->edit[i].op == CF_EDIT_DELETE_KEY && cf_path_covers(e->edit[i].key, key)))
			return true;
	return false;
}
