/* test-hive-read.c - the reader against hivex on every real hive, and on bytes made here.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "corpus.h"
#include "oracle.h"

static const char *const folders[] = { "registry-hives", "registry-dirty-logs", "bcd", NULL };

static struct cf_hive *open_copy(struct cf_span bytes, struct cf_error *err)
{
	CF_BUF copy = { 0 };
	assert_int_equal(cf_buf_copy(&copy, bytes), 0);
	return cf_hive_open(&copy, err);
}

/* Its one unlike value claims more bytes than its cell has: hivex gives none, and so do we. */
#define ODD "DeletedDataHiveTruncated"

static void test_like_hivex(void **state)
{
	(void)state;
	struct corpus c = corpus_load(folders);
	struct totals all = { 0 };
	if (!c.n)
		SKIP_WITHOUT_DATA();
	for (size_t i = 0; i < c.n; i++) {
		struct cf_error err = { 0 };
		struct cf_span bytes = cf_buf_span(&c.file[i].bytes);
		struct cf_hive *h = open_copy(bytes, &err);
		int fd;
		hive_h *x = hivex_of(bytes, &fd);
		if (h && x) {
			struct totals t = { 0 };
			same_tree(h, x, &t);
			if (t.unlike != (strstr(c.file[i].name, ODD) ? 1 : 0))
				fail_msg("%s: %zu unlike", c.file[i].name, t.unlike);
			all.hives++;
			all.keys += t.keys;
			all.values += t.values;
			all.bytes += t.bytes;
			all.big += t.big;
		} else {
			/* a wrong checksum: hivex refuses it, we open it for the log replay */
			assert_non_null(h);
			assert_false(cf_hive_base(h)->checksum_ok);
		}
		cf_hive_close(h);
		if (x)
			hivex_close(x);
		close(fd);
	}
	print_message("# %zu hives, %zu keys, %zu values (%zu big), %zu bytes\n", all.hives, all.keys, all.values, all.big,
		      all.bytes);
	assert_true(all.hives > 150);
	corpus_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_hivex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
