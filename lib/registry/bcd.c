/* bcd.c - reading a boot store: objects and elements from the hive into structs, and decoding element data.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything is copied out of the hive once, so a store outlives its hive and nothing here reads hive bytes later.
 * Damage beneath one object costs that object or element and is counted; only an Objects key that can't be walked fails
 * the whole.
 */
#include "registry/bcd-internal.h"

#include <ctype.h>
#include <stdio.h>

#include "base/endian.h"
#include "base/utf16.h"

#define ONE_ELEMENT_MAX (1u << 20) /* bytes; a bad memory list of this size would name 512 MiB of pages */

/* ---- reading ---- */

struct reader {
	const struct cf_hive *hive;
	struct cf_bcd *bcd;
	struct cf_bcd_object *object; /* whose elements are read */
	uint64_t budget;
	bool no_memory;
};

/* Grows an array of n elements of the given size when n is a power of two (or 0); false: no memory. */
static bool room_for_one(void *array, size_t n, size_t size)
{
	void *p;
	if (n & (n - 1))
		return true;
	memcpy(&p, array, sizeof(p)); /* array is the address of a pointer of some type */
	p = reallocarray(p, n ? 2 * n : 1, size);
	if (!p)
		return false;
	memcpy(array, &p, sizeof(p));
	return true;
}

static bool parse_element_key(const char *name, uint32_t *type)
{
	if (strlen(name) != 8)
		return false;
	for (const char *p = name; *p; p++)
		if (!isxdigit((unsigned char)*p))
			return false;
	*type = (uint32_t)strtoul(name, NULL, 16);
	return true;
}

static int out_of_memory(struct reader *r)
{
	r->no_memory = true;
	return 1;
}

static int read_element(void *user, cf_key sub, const char *name)
{
	struct reader *r = user;
	struct cf_bcd_object *o = r->object;
	struct cf_bcd_element e = { 0 };
	struct cf_error err;
	CF_VALUE v = { 0 };
	if (o->n == CF_BCD_MAX_ELEMENTS || r->budget == 0) {
		r->bcd->skipped++;
		return 1;
	}
	if (!parse_element_key(name, &e.type)) {
		r->bcd->skipped++;
		return 0;
	}
	if (cf_hive_value(r->hive, sub, "", "Element", &v, &err) < 0) {
		if (err.code == CF_E_NO_MEMORY)
			return out_of_memory(r);
		r->bcd->skipped++;
		return 0;
	}
	r->budget -= cf_min_u64(r->budget, v.data.n);
	if (v.data.n > ONE_ELEMENT_MAX) {
		r->bcd->skipped++;
		return 0;
	}
	if (!room_for_one(&o->element, o->n, sizeof(*o->element)))
		return out_of_memory(r);
	e.reg_type = v.type;
	e.data = v.data;
	v.data = (struct cf_buf){ 0 };
	memcpy(e.key, name, 9);
	o->element[o->n++] = e;
	return 0;
}

static int by_type(const void *a, const void *b)
{
	const struct cf_bcd_element *x = a, *y = b;
	return x->type != y->type ? (x->type < y->type ? -1 : 1) : strcmp(x->key, y->key);
}

/* Description\Type; 0 when there is none (stores made by hand), which is no damage. */
static void read_type(struct reader *r, cf_key key, struct cf_bcd_object *o)
{
	struct cf_error err;
	CF_VALUE v = { 0 };
	if (cf_hive_value(r->hive, key, "Description", "Type", &v, &err) == 0) {
		if (v.data.n >= 4)
			o->type = cf_ld32(v.data.p);
		else
			r->bcd->skipped++;
	} else if (err.code == CF_E_NO_MEMORY) {
		r->no_memory = true;
	} else if (err.code != CF_E_NOT_FOUND) {
		r->bcd->skipped++;
	}
}

static void read_elements(struct reader *r, cf_key key, struct cf_bcd_object *o)
{
	struct cf_error err;
	cf_key elements;
	if (cf_hive_find(r->hive, key, "Elements", &elements, &err) < 0) {
		if (err.code == CF_E_NO_MEMORY)
			r->no_memory = true;
		else if (err.code != CF_E_NOT_FOUND)
			r->bcd->skipped++;
		return;
	}
	r->object = o;
	if (cf_hive_subkeys(r->hive, elements, read_element, r, &err) < 0) {
		if (err.code == CF_E_NO_MEMORY)
			r->no_memory = true;
		r->bcd->skipped++;
	}
	if (o->n)
		qsort(o->element, o->n, sizeof(*o->element), by_type);
}

static int read_object(void *user, cf_key sub, const char *name)
{
	struct reader *r = user;
	struct cf_bcd *bcd = r->bcd;
	struct cf_bcd_object o = { 0 };
	if (bcd->n == CF_BCD_MAX_OBJECTS || r->budget == 0) {
		bcd->skipped++;
		return 1;
	}
	if (*name != '{' || strlen(name) != 38 || !cf_guid_parse(name, &o.guid)) {
		bcd->skipped++;
		return 0;
	}
	memcpy(o.key, name, 39);
	if (!room_for_one(&bcd->object, bcd->n, sizeof(*bcd->object)))
		return out_of_memory(r);
	bcd->object[bcd->n] = o;
	read_type(r, sub, &bcd->object[bcd->n]);
	read_elements(r, sub, &bcd->object[bcd->n++]);
	return r->no_memory;
}

int cf_bcd_read(const struct cf_hive *hive, struct cf_bcd *bcd, struct cf_error *err)
{
	*bcd = (struct cf_bcd){ 0 };
	struct reader r = { .hive = hive, .bcd = bcd, .budget = CF_BCD_MAX_DATA };
	struct cf_error why;
	cf_key objects;
	if (cf_hive_find(hive, cf_hive_root(hive), "Objects", &objects, &why) < 0) {
		if (why.code == CF_E_NOT_FOUND)
			return cf_fail(err, CF_E_CORRUPT, "this hive is no boot store: it has no key \"Objects\"");
		if (err)
			*err = why;
		return -1;
	}
	int rc = cf_hive_subkeys(hive, objects, read_object, &r, err);
	if (r.no_memory)
		rc = cf_fail_nomem(err);
	if (rc < 0) {
		cf_bcd_free(bcd);
		return -1;
	}
	return 0;
}

void cf_bcd_free(struct cf_bcd *bcd)
{
	for (size_t i = 0; i < bcd->n; i++) {
		for (size_t k = 0; k < bcd->object[i].n; k++)
			cf_buf_free(&bcd->object[i].element[k].data);
		free(bcd->object[i].element);
	}
	free(bcd->object);
	*bcd = (struct cf_bcd){ 0 };
}

/* ---- finding ---- */

const struct cf_bcd_object *cf_bcd_object(const struct cf_bcd *bcd, const struct cf_guid *guid)
{
	for (size_t i = 0; i < bcd->n; i++)
		if (cf_guid_eq(&bcd->object[i].guid, guid))
			return &bcd->object[i];
	return NULL;
}

const struct cf_bcd_element *cf_bcd_element(const struct cf_bcd_object *o, uint32_t type)
{
	for (size_t i = 0; o && i < o->n; i++)
		if (o->element[i].type == type)
			return &o->element[i];
	return NULL;
}

char *cf_bcd_element_path(const struct cf_bcd *bcd, const struct cf_guid *object, uint32_t type)
{
	const struct cf_bcd_object *o = cf_bcd_object(bcd, object);
	const struct cf_bcd_element *e = cf_bcd_element(o, type);
	char guid[CF_GUID_TEXT], object_key[48], element_key[12], *path;
	snprintf(object_key, sizeof(object_key), "{%s}", cf_guid_format(object, guid));
	snprintf(element_key, sizeof(element_key), "%08x", type);
	if (asprintf(&path, "Objects\\%s\\Elements\\%s", o ? o->key : object_key, e ? e->key : element_key) < 0)
		return NULL;
	return path;
}

/* ---- decoding ---- */

static bool is(const struct cf_bcd_element *e, unsigned fmt)
{
	return e && cf_bcd_fmt(e->type) == fmt;
}

bool cf_bcd_u64(const struct cf_bcd_element *e, uint64_t *out)
{
	if (!is(e, CF_BCD_FMT_INTEGER) || e->data.n < 1 || e->data.n > 8)
		return false;
	*out = 0;
	for (size_t i = 0; i < e->data.n; i++)
		*out |= (uint64_t)e->data.p[i] << 8 * i;
	return true;
}

bool cf_bcd_bool(const struct cf_bcd_element *e, bool *out)
{
	if (!is(e, CF_BCD_FMT_BOOL) || e->data.n < 1)
		return false;
	*out = e->data.p[0] != 0;
	return true;
}

/* The NUL-terminated UTF-16 text at *at, if it is a GUID; *at moves behind it in any case. */
static bool guid_at(struct cf_span s, size_t *at, struct cf_guid *out)
{
	char text[40];
	size_t n = 0;
	bool fits = true;
	for (; *at + 2 <= s.n; *at += 2) {
		uint16_t c = cf_ld16(s.p + *at);
		if (c == 0) {
			*at += 2;
			break;
		}
		if (c > 0x7e || n + 1 >= sizeof(text))
			fits = false;
		else
			text[n++] = (char)c;
	}
	text[n] = '\0';
	return fits && cf_guid_parse(text, out);
}

bool cf_bcd_guid(const struct cf_bcd_element *e, struct cf_guid *out)
{
	size_t at = 0;
	return is(e, CF_BCD_FMT_GUID) && guid_at(cf_buf_span(&e->data), &at, out);
}

size_t cf_bcd_guid_list(const struct cf_bcd_element *e, struct cf_guid *out, size_t max)
{
	size_t n = 0, at = 0;
	if (!is(e, CF_BCD_FMT_GUID_LIST))
		return 0;
	while (n < max && at + 2 <= e->data.n)
		if (guid_at(cf_buf_span(&e->data), &at, &out[n]))
			n++;
	return n;
}

size_t cf_bcd_integer_count(const struct cf_bcd_element *e)
{
	return is(e, CF_BCD_FMT_INTEGER_LIST) ? e->data.n / 8 : 0;
}

uint64_t cf_bcd_integer_at(const struct cf_bcd_element *e, size_t i)
{
	return i < cf_bcd_integer_count(e) ? cf_ld64(e->data.p + 8 * i) : 0;
}

char *cf_bcd_string(const struct cf_bcd_element *e)
{
	if (!is(e, CF_BCD_FMT_STRING) && !is(e, CF_BCD_FMT_GUID))
		return NULL;
	return cf_utf16z_to_utf8(cf_buf_span(&e->data), NULL);
}
