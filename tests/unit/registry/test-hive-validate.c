/* test-hive-validate.c - no false finding on healthy hives, the right one on bad ones, and no crash on spoilt bytes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "corpus.h"
#include "registry/hive-internal.h"
#include "tests/random.h"

static const char *const folders[] = { "registry-hives", "registry-dirty-logs", "bcd", NULL };

/* The hives that are not right, with the first thing that must be said about them. All others must be without any defect. */
static const struct {
	const char *name;
	bool fatal;
	const char *what;
} bad[] = {
	{ "ColinFinck+nt-hive/testhive", false, "wrong root mark" }, /* offreg.dll */
	{ "SECURITYNoRoot", false, "wrong root mark" },
	{ "DeletedTreeNoRootFlagHive", false, "wrong root mark" },
	{ "yuorlife+tuff/6a4e2a34b2/Boot/BCD", false, "wrong root mark" },
	{ "yuorlife+tuff/7ecf07d732/EFI/Microsoft/Boot/BCD", false, "wrong root mark" },
	{ "BadListHive", true, "has another owner too" },
	{ "DeletedDataHiveTruncated", true, "value list of the record at 0x11b0: there is no allocated cell" },
	{ "EffectiveSizeHive", true, "checksum is wrong" },
	{ "GarbageHive", true, "checksum is wrong" },
	{ "InvalidParentHive", true, "as its parent, but is in the list of 0x1140" },
	{ "WrongOrderHive", false, "out of order" },
	{ "HealedHive", false, "counts 8 uses, there are 4" },
};

static void check_one(const struct corpus_file *f, const struct cf_hive_report *r)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(bad); i++) {
		size_t n = strlen(f->name), m = strlen(bad[i].name);
		if (n < m || strcmp(f->name + n - m, bad[i].name) != 0)
			continue;
		if (!r->n_defects || !strstr(r->defect[0].what, bad[i].what))
			fail_msg("%s: \"%s\", not \"%s\"", f->name, r->defect[0].what, bad[i].what);
		assert_int_equal(bad[i].fatal, r->n_fatal > 0);
		return;
	}
	if (r->n_defects)
		fail_msg("%s: false finding: %s", f->name, r->defect[0].what);
}

static void test_corpus(void **state)
{
	(void)state;
	struct corpus c = corpus_load(folders);
	size_t keys = 0, values = 0;
	if (!c.n)
		SKIP_WITHOUT_DATA();
	for (size_t i = 0; i < c.n; i++) {
		struct cf_error err;
		struct cf_hive_report r;
		struct cf_hive *h = cf_hive_open(&c.file[i].bytes, &err);
		if (!h && strstr(c.file[i].name, "SYSTEM.DAT"))
			continue;
		assert_non_null(h);
		assert_int_equal(cf_hive_validate(h, &r, &err), 0);
		check_one(&c.file[i], &r);
		keys += r.n_keys;
		values += r.n_values;
		if (strstr(c.file[i].name, "regipy/SYSTEM.xz")) {
			assert_int_equal(r.n_keys, 30756);
			assert_int_equal(r.n_values, 73456);
		}
		cf_hive_close(h);
	}
	print_message("# %zu hives, %zu keys, %zu values\n", c.n, keys, values);
	assert_true(c.n > 150);
	corpus_free(&c);
}

static int count_value(void *user, const struct cf_value *v)
{
	*(size_t *)user += v->data.n;
	return 0;
}

static int look(void *user, cf_key sub, const char *name)
{
	const struct cf_hive *h = ((void **)user)[0];
	size_t *n = ((void **)user)[1];
	struct cf_error err;
	cf_key found;
	if (cf_hive_values(h, sub, count_value, n, &err) < 0)
		*n += 1;
	if (cf_hive_find(h, cf_hive_root(h), name, &found, &err) < 0)
		*n += 1;
	return 0;
}

/* Opens, validates and reads around; the outcome does not matter, coming back does. */
static void survive(struct cf_span bytes)
{
	struct cf_error err;
	struct cf_hive_report r;
	CF_BUF copy = { 0 };
	size_t n = 0;
	assert_int_equal(cf_buf_copy(&copy, bytes), 0);
	struct cf_hive *h = cf_hive_open(&copy, &err);
	if (!h) {
		assert_int_not_equal(err.code, CF_OK);
		return;
	}
	assert_int_equal(cf_hive_validate(h, &r, &err), 0);
	assert_true(r.n_defects >= r.n_fatal);
	assert_true(r.n_keys <= bytes.n / 80);
	void *user[] = { h, &n };
	if (cf_hive_subkeys(h, cf_hive_root(h), look, user, &err) < 0)
		n++;
	cf_hive_close(h);
}

static void test_spoilt(void **state)
{
	(void)state;
	static const char *const some[] = { "registry-hives/msuhanov+yarp/hives_for_tests", "registry-hives/libguestfs+hivex",
		"bcd/Bizzaro+x230-osx", NULL };
	struct corpus c = corpus_load(some);
	if (!c.n)
		SKIP_WITHOUT_DATA();
	uint32_t seed = 20220;
	for (unsigned round = 0; round < 2000; round++) {
		struct corpus_file *f = &c.file[round % c.n];
		CF_BUF b = { 0 };
		assert_int_equal(cf_buf_copy(&b, cf_buf_span(&f->bytes)), 0);
		unsigned changes = 1 + next_random(&seed) % 8;
		for (unsigned i = 0; i < changes; i++) {
			/* mostly where the records are */
			size_t at = next_random(&seed) % (next_random(&seed) % 4 ? cf_min_u64(b.n, 0x3000) : b.n);
			if (next_random(&seed) % 3 == 0)
				b.p[at] = (uint8_t)next_random(&seed);
			else if (at + 4 <= b.n)
				cf_st32(b.p + (at & ~(size_t)3), next_random(&seed) % 2 ? next_random(&seed) % 0x3000 & ~7u
									 : 0u - (next_random(&seed) % 0x200 & ~7u));
		}
		if (round % 2)
			cf_st32(b.p + 508, cf_hive_checksum(b.p));
		if (round % 50 == 0)
			b.n = next_random(&seed) % b.n;
		survive(cf_buf_span(&b));
	}
	corpus_free(&c);
}

static void test_no_hive(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	struct cf_buf empty = { 0 };
	uint8_t creg[512] = "CREG";
	CF_BUF b = { 0 };
	assert_null(cf_hive_open(&empty, &err));
	assert_int_equal(err.code, CF_E_CORRUPT);
	assert_int_equal(cf_buf_copy(&b, cf_span_of(creg, sizeof(creg))), 0);
	assert_null(cf_hive_open(&b, &err));
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
	assert_int_equal(b.n, 512); /* still the caller's */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_corpus),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_no_hive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
