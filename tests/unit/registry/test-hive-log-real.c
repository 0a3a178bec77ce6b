/* test-hive-log-real.c - replaying the logs of real dirty hives, and of real boot stores whose last write is undone
 * first. SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "corpus.h"
#include "log-set.h"

#define YARP "registry-dirty-logs/msuhanov+yarp/"
#define PAGE 4096u

static bool load_set(struct set *s, const char *hive, const char *log1, const char *log2)
{
	return corpus_read(hive, &s->primary) && (!log1 || corpus_read(log1, &s->log1)) &&
	       (!log2 || corpus_read(log2, &s->log2));
}

static void test_real_windows10(void **state)
{
	(void)state;
	struct set s = { 0 };
	struct cf_buf windows = { 0 };
	if (!load_set(&s, YARP "NewDirtyHive1/NewDirtyHive", YARP "NewDirtyHive1/NewDirtyHive.LOG1",
		      YARP "NewDirtyHive1/NewDirtyHive.LOG2") ||
	    !corpus_read(YARP "NewDirtyHive1/RecoveredHive_Windows10", &windows)) {
		print_message("# the shared test data is not there\n");
		skip();
	}
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	assert_int_equal(s.r.entries, 4);
	assert_int_equal(s.r.log_used, 3);
	assert_int_equal(s.hive.n, windows.n);
	assert_memory_equal(s.hive.p, windows.p, windows.n);

	s.log2.n = 0; /* LOG1 alone gives the entry of sequence number 2 */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	assert_int_equal(s.r.entries, 1);
	assert_int_equal(cf_ld32(s.hive.p + 4), 3);
	set_free(&s);
	cf_buf_free(&windows);
}

static void test_real_bad_logs(void **state)
{
	(void)state;
	struct set s = { 0 };
	if (!load_set(&s, YARP "BadLogHive1/BadLogHive", YARP "BadLogHive1/BadLogHive.LOG1",
		      YARP "BadLogHive1/BadLogHive.LOG2")) {
		print_message("# the shared test data is not there\n");
		skip();
	}
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	assert_non_null(strstr(s.r.reason, "checksum"));
	cf_st32(s.log1.p + 0x1fc, cf_hive_checksum(s.log1.p)); /* all else in this log is right: */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	assert_int_equal(s.r.entries, 64);
	struct cf_error err = { 0 };
	struct cf_hive *h = cf_hive_open(&s.hive, &err);
	assert_non_null(h);
	cf_key key;
	assert_int_equal(cf_hive_find(h, cf_hive_root(h), "key_with_many_subkeys\\5000\\find_me_in_log", &key, &err),
			 0);
	assert_int_equal(cf_hive_find(h, cf_hive_root(h), "key_with_many_subkeys\\1", &key, &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	struct cf_hive_report *report = calloc(1, sizeof(*report));
	assert_int_equal(cf_hive_validate(h, report, &err), 0);
	assert_int_equal(report->n_fatal, 0);
	free(report);
	cf_hive_close(h);
	set_free(&s);

	s = (struct set){ 0 };
	assert_true(load_set(&s, YARP "BadLogHive2/BadLogHive", YARP "BadLogHive2/BadLogHive.LOG1", NULL));
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	assert_non_null(strstr(s.r.reason, "DIRT"));
	set_free(&s);
}

/* How many keys and values b has that a does not have. */
struct diff {
	const struct cf_hive *a, *b;
	size_t keys, values;
	char path[4096];
	size_t len;
};

struct names {
	char *name[4096];
	size_t n;
};

static int collect_key(void *user, cf_key sub, const char *name)
{
	struct names *n = user;
	(void)sub;
	assert_true(n->n < 4096);
	n->name[n->n++] = strdup(name);
	return 0;
}

static int count_new_value(void *user, const struct cf_value *v)
{
	struct diff *d = user;
	struct cf_error err;
	struct cf_value old = { 0 };
	if (cf_hive_value(d->a, cf_hive_root(d->a), d->path, v->name, &old, &err) < 0) {
		assert_int_equal(err.code, CF_E_NOT_FOUND);
		d->values++;
	}
	cf_value_free(&old);
	return 0;
}

static void diff_key(struct diff *d) /* test data, at most 32 deep */
{
	struct cf_error err = { 0 };
	cf_key kb, ka;
	assert_int_equal(cf_hive_find(d->b, cf_hive_root(d->b), d->path, &kb, &err), 0);
	if (d->len && cf_hive_find(d->a, cf_hive_root(d->a), d->path, &ka, &err) < 0)
		d->keys++;
	assert_int_equal(cf_hive_values(d->b, kb, count_new_value, d, &err), 0);
	struct names *n = calloc(1, sizeof(*n));
	assert_int_equal(cf_hive_subkeys(d->b, kb, collect_key, n, &err), 0);
	for (size_t i = 0; i < n->n; i++) {
		size_t len = d->len, add = strlen(n->name[i]);
		assert_true(len + add + 2 < sizeof(d->path));
		if (len)
			d->path[d->len++] = '\\';
		memcpy(d->path + d->len, n->name[i], add + 1);
		d->len += add;
		diff_key(d);
		d->len = len;
		d->path[len] = 0;
		free(n->name[i]);
	}
	free(n);
}

static size_t count_pages(const struct cf_buf *log)
{
	size_t n = 0;
	for (size_t at = 512; at + 0x28 <= log->n && memcmp(log->p + at, "HvLE", 4) == 0;
	     at += cf_ld32(log->p + at + 4))
		n += cf_ld32(log->p + at + 20);
	return n;
}

static void test_real_usrclass(void **state)
{
	(void)state;
	struct set s = { 0 };
	if (!load_set(&s, "registry-dirty-logs/mkorman90+regipy/UsrClass.dat.xz",
		      "registry-dirty-logs/mkorman90+regipy/UsrClass.dat.LOG1.xz",
		      "registry-dirty-logs/mkorman90+regipy/UsrClass.dat.LOG2.xz")) {
		print_message("# the shared test data is not there\n");
		skip();
	}
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	struct cf_error err = { 0 };
	struct cf_buf before = { 0 };
	assert_int_equal(cf_buf_copy(&before, cf_buf_span(&s.primary)), 0);
	struct cf_hive *a = cf_hive_open(&before, &err), *b = cf_hive_open(&s.hive, &err);
	assert_non_null(a);
	assert_non_null(b);
	struct diff *d = calloc(1, sizeof(*d));
	d->a = a;
	d->b = b;
	diff_key(d);
	assert_int_equal(s.r.log_used, 3);
	assert_int_equal(s.r.entries, 14);
	assert_int_equal(count_pages(&s.log1) + count_pages(&s.log2), 158); /* regipy's count */
	assert_int_equal(cf_hive_base(b)->seq1, 301);
	assert_true(d->keys > 0 && d->values > 0);
	struct cf_hive_report *report = calloc(1, sizeof(*report));
	assert_int_equal(cf_hive_validate(b, report, &err), 0);
	assert_int_equal(report->n_fatal, 0);
	free(report);
	free(d);
	cf_hive_close(a);
	cf_hive_close(b);
	set_free(&s);
}

/* A clean store whose log still holds the last write: undo that write, and the replay has to bring back every byte. */
static void test_real_boot_stores(void **state)
{
	(void)state;
	struct corpus c = corpus_load((const char *const[]){ "bcd", NULL });
	size_t n_new = 0, n_old = 0;
	for (size_t i = 0; i < c.n; i++) {
		struct set s = { .primary = c.file[i].bytes };
		char log[1024];
		snprintf(log, sizeof(log), "%s.LOG", c.file[i].name);
		struct cf_hive_base base, log_base;
		assert_int_equal(cf_hive_read_base(cf_buf_span(&s.primary), &base, NULL), 0);
		if (!corpus_read(log, &s.log1) || cf_hive_read_base(cf_buf_span(&s.log1), &log_base, NULL) < 0) {
			cf_buf_free(&s.log1);
			continue;
		}
		assert_int_equal(replay(&s), CF_REPLAY_CLEAN);
		bool is_new = log_base.file_type == 6;
		if (log_base.seq1 + is_new == base.seq1 && (is_new || log_base.timestamp == base.timestamp)) {
			CF_BUF original = { 0 };
			assert_int_equal(cf_buf_copy(&original, cf_buf_span(&s.primary)), 0);
			cf_st32(s.primary.p + 8, base.seq1 - 1);
			cf_st32(s.primary.p + 0x1fc, cf_hive_checksum(s.primary.p));
			if (is_new) {
				const uint8_t *ref = s.log1.p + 512 + 0x28;
				for (uint32_t k = cf_ld32(s.log1.p + 512 + 20); k; k--, ref += 8)
					memset(s.primary.p + PAGE + cf_ld32(ref), 0xee, cf_ld32(ref + 4));
			}
			assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
			assert_int_equal(s.hive.n, original.n);
			assert_memory_equal(s.hive.p + PAGE, original.p + PAGE, original.n - PAGE);
			if (is_new)
				assert_memory_equal(s.hive.p, original.p, original.n);
			*(is_new ? &n_new : &n_old) += 1;
		}
		cf_buf_free(&s.log1);
		cf_buf_free(&s.hive);
	}
	print_message("# %zu stores with new logs, %zu with old ones\n", n_new, n_old);
	bool none = c.n == 0;
	corpus_free(&c);
	if (none)
		skip();
	assert_true(n_new > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_windows10),
		cmocka_unit_test(test_real_bad_logs),
		cmocka_unit_test(test_real_usrclass),
		cmocka_unit_test(test_real_boot_stores),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
