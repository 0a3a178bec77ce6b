/* oracle.c - reads a hive with hivex beside our reader and compares them key by key.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/endian.h"

hive_h *hivex_of(struct cf_span bytes, int *fd)
{
	char path[64];
	*fd = memfd_create("hive", MFD_CLOEXEC);
	assert_true(*fd >= 0);
	assert_int_equal(write(*fd, bytes.p, bytes.n), bytes.n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return hivex_open(path, 0);
}

/* hivex gives names without escapes; escaped ones can't be compared as text. */
static void same_name(const char *ours, char *theirs)
{
	assert_non_null(ours);
	if (theirs && !strstr(ours, "\\u{"))
		assert_string_equal(ours, theirs);
	free(theirs);
}

static void same_values(const struct cf_hive *h, cf_key key, hive_h *x, hive_node_h node, struct totals *t)
{
	struct cf_error err;
	struct cf_nk nk;
	struct cf_span list;
	assert_int_equal(cf_hive_nk(h, key, &nk, &err), 0);
	CF_FREE hive_value_h *values = hivex_node_values(x, node);
	if (!values || cf_value_list(h, &nk, &list, &err) < 0) {
		t->unlike++;
		return;
	}
	for (size_t i = 0; values[i]; i++) {
		struct cf_vk vk;
		assert_true(i < list.n / 4);
		assert_int_equal(values[i], cf_ld32(list.p + 4 * i) + 0x1000);
		if (cf_hive_vk(h, cf_ld32(list.p + 4 * i), &vk, &err) < 0) {
			t->unlike++;
			continue;
		}
		CF_FREE char *name = cf_name_utf8(vk.name, vk.latin1);
		same_name(name, hivex_value_key(x, values[i]));
		hive_type type;
		size_t len = 0;
		CF_FREE char *data = hivex_value_value(x, values[i], &type, &len);
		CF_BUF ours = { 0 };
		int r = cf_data_read(h, &vk, &ours, &err);
		t->values++;
		if (!data || r < 0) {
			/* hivex can't read what has no bytes and is not inline: an empty value for us and for Windows */
			if (data || r < 0 || ours.n)
				t->unlike++;
			continue;
		}
		assert_int_equal(vk.type, type);
		assert_int_equal(ours.n, len);
		assert_memory_equal(ours.p ? ours.p : (uint8_t *)"", data, len);
		t->bytes += len;
		t->big += len > CF_BIG_SEGMENT;
	}
}

/* Both trees key by key, in list order, without recursion. */
void same_tree(const struct cf_hive *h, hive_h *x, struct totals *t)
{
	size_t n = 1, cap = 1024;
	struct {
		cf_key ours;
		hive_node_h theirs;
	} *stack = malloc(cap * sizeof(*stack));
	assert_non_null(stack);
	stack[0].ours = cf_hive_root(h);
	stack[0].theirs = hivex_root(x);
	while (n) {
		struct cf_error err;
		struct cf_nk nk;
		struct cf_subkey_iter it;
		cf_key key = stack[--n].ours, sub;
		hive_node_h node = stack[n].theirs;
		t->keys++;
		assert_int_equal(cf_hive_nk(h, key, &nk, &err), 0);
		CF_FREE char *name = cf_hive_key_name(h, key, &err);
		same_name(name, hivex_node_name(x, node));
		assert_int_equal(cf_hive_key_time(h, key), hivex_node_timestamp(x, node));
		same_values(h, key, x, node, t);
		CF_FREE hive_node_h *children = hivex_node_children(x, node);
		if (!children || cf_subkey_iter_init(&it, h, &nk, &err) < 0) {
			t->unlike++;
			continue;
		}
		size_t i = 0;
		while (cf_subkey_iter_next(&it, &sub, &err) > 0) {
			assert_int_equal(children[i], sub + 0x1000);
			i++;
			if (n == cap) {
				stack = realloc(stack, (cap *= 2) * sizeof(*stack));
				assert_non_null(stack);
			}
			stack[n].ours = sub;
			stack[n++].theirs = sub + 0x1000;
			assert_true(n < 1000000);
		}
		assert_int_equal(children[i], 0);
	}
	free(stack);
}
