/* fuzz-regf.c - any bytes as a hive: opening, validating and walking it may find defects, it may not crash.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: the hive. Its checksum is made right, so that the fuzzer gets past it. A hive without fatal defects has to be
 * readable to its last byte: what the validation passes, an edit relies on.
 */
#include <stdlib.h>

#include "registry/hive-edit-internal.h"

#define MAX_INPUT (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tour {
	const struct cf_hive *h;
	struct cf_buf todo; /* u32: keys to visit */
	size_t keys, values, errors;
};

static int see_value(void *user, const struct cf_value *v)
{
	struct tour *t = user;
	size_t n;
	t->values++;
	free(cf_value_string(v));
	cf_strv_free(cf_value_multi_sz(v, &n));
	return v->name ? 0 : 1;
}

static int see_key(void *user, cf_key sub, const char *name)
{
	struct tour *t = user;
	uint8_t b[4];
	(void)name;
	cf_st32(b, sub);
	if (cf_buf_append(&t->todo, b, 4) < 0)
		abort();
	return 0;
}

/* Keys may be in a circle when the hive is damaged: more than the hive can hold are not visited. */
static void walk(struct tour *t, size_t most)
{
	struct cf_error err = { 0 };
	see_key(t, cf_hive_root(t->h), "");
	while (t->todo.n && t->keys < most) {
		t->todo.n -= 4;
		cf_key key = cf_ld32(t->todo.p + t->todo.n);
		t->keys++;
		t->errors += cf_hive_values(t->h, key, see_value, t, &err) < 0;
		t->errors += cf_hive_subkeys(t->h, key, see_key, t, &err) < 0;
	}
	t->errors += t->todo.n > 0;
	cf_buf_free(&t->todo);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cf_error err = { 0 };
	struct cf_hive_report report;
	const struct cf_hive_edits none = { 0 };
	CF_BUF b = { 0 };
	if (size > MAX_INPUT)
		return 0;
	if (cf_buf_copy(&b, cf_span_of(data, size)) < 0)
		abort();
	if (size >= 512)
		cf_st32(b.p + 508, cf_hive_checksum(b.p));
	CF_CLEANUP(cf_hive_closep) struct cf_hive *h = cf_hive_open(&b, &err);
	if (!h) {
		if (err.code == CF_OK || b.n != size)
			abort();
		return 0;
	}
	if (cf_hive_validate(h, &report, &err) < 0)
		abort();
	struct tour t = { .h = h };
	walk(&t, size / 80 + 1);
	if (report.n_fatal)
		return 0;
	if (t.errors || t.keys != report.n_keys || t.values != report.n_values || cf_hive_compare(h, h, &none, &err) < 0)
		abort();
	return 0;
}
