/* test-hive-log.c - replaying transaction logs: a synthetic dirty hive for every rule.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The synthetic hives have no keys, only bins with one free cell each, whose first bytes say which write they come
 * from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "log-set.h"

#define PAGE 4096u

/* ---- building ---- */

static void put_base(uint8_t *p, uint32_t seq1, uint32_t seq2, uint32_t type, uint32_t bins_size, uint64_t time)
{
	memset(p, 0, 512);
	memcpy(p, "regf", 4);
	cf_st32(p + 4, seq1);
	cf_st32(p + 8, seq2);
	cf_st64(p + 12, time);
	cf_st32(p + 0x14, 1);
	cf_st32(p + 0x18, 5);
	cf_st32(p + 0x1c, type);
	cf_st32(p + 0x20, 1);
	cf_st32(p + 0x24, 0x20);
	cf_st32(p + 0x28, bins_size);
	cf_st32(p + 0x2c, 1);
	cf_st32(p + 0x1fc, cf_hive_checksum(p));
}

static void put_bin(uint8_t *p, uint32_t rel, uint8_t mark)
{
	memset(p, mark, PAGE);
	memset(p, 0, 0x20);
	memcpy(p, "hbin", 4);
	cf_st32(p + 4, rel);
	cf_st32(p + 8, PAGE);
	cf_st64(p + 0x14, 1000);
	cf_st32(p + 0x20, PAGE - 0x20);
}

/* A hive of n bins marked 'P', written at time 1000. */
static void make_hive(struct cf_buf *b, uint32_t n, uint32_t seq1, uint32_t seq2)
{
	b->n = 0;
	assert_int_equal(cf_buf_resize(b, (size_t)PAGE * (n + 1)), 0);
	memset(b->p, 0, b->n);
	put_base(b->p, seq1, seq2, 0, PAGE * n, 1000);
	for (uint32_t i = 0; i < n; i++)
		put_bin(b->p + (size_t)PAGE * (i + 1), PAGE * i, 'P');
}

static void make_log(struct cf_buf *b, uint32_t seq, uint32_t bins)
{
	b->n = 0;
	assert_int_equal(cf_buf_resize(b, 512), 0);
	put_base(b->p, seq, seq, 6, PAGE * bins, 1000);
}

static void hash_entry(uint8_t *e)
{
	uint32_t size = cf_ld32(e + 4);
	cf_st64(e + 0x18, cf_marvin32(cf_span_of(e + 0x28, size - 0x28)));
	cf_st64(e + 0x20, cf_marvin32(cf_span_of(e, 0x20)));
}

/* Appends an entry that writes the bins [first, first+n), marked, and says that the hive has bins bins. Gives its
 * offset. */
static size_t add_entry(struct cf_buf *b, uint32_t seq, uint32_t bins, uint32_t first, uint32_t n, uint8_t mark)
{
	size_t at = b->n, size = (0x28 + (size_t)n * (8 + PAGE) + 511) / 512 * 512;
	assert_int_equal(cf_buf_resize(b, at + size), 0);
	uint8_t *e = b->p + at;
	memcpy(e, "HvLE", 4);
	cf_st32(e + 4, (uint32_t)size);
	cf_st32(e + 12, seq);
	cf_st32(e + 16, PAGE * bins);
	cf_st32(e + 20, n);
	for (uint32_t i = 0; i < n; i++) {
		cf_st32(e + 0x28 + (size_t)i * 8, PAGE * (first + i));
		cf_st32(e + 0x2c + (size_t)i * 8, PAGE);
		put_bin(e + 0x28 + (size_t)n * 8 + (size_t)i * PAGE, PAGE * (first + i), mark);
	}
	hash_entry(e);
	return at;
}

/* An old log that writes the bins of mask, marked. */
static void make_old_log(struct cf_buf *b, uint32_t seq, uint32_t bins, uint32_t mask, uint8_t mark, uint64_t time)
{
	size_t page = (512 + 4 + (size_t)bins + 511) / 512 * 512;
	b->n = 0;
	assert_int_equal(cf_buf_resize(b, page), 0);
	memset(b->p, 0, page);
	put_base(b->p, seq, seq, 1, PAGE * bins, time);
	memcpy(b->p + 512, "DIRT", 4);
	for (uint32_t i = 0; i < bins; i++) {
		if (!(mask >> i & 1))
			continue;
		uint8_t bin[PAGE];
		b->p[516 + i] = 0xff;
		put_bin(bin, PAGE * i, mark);
		assert_int_equal(cf_buf_append(b, bin, PAGE), 0);
	}
}

/* The marks of the bins ("AAP") and the sequence number of the result. */
static void check_hive(const struct set *s, const char *marks, uint32_t seq)
{
	size_t n = strlen(marks);
	assert_int_equal(cf_ld32(s->hive.p + 0x28), n * PAGE);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s->hive.p[PAGE * (i + 1) + 0x100], marks[i]);
	assert_int_equal(cf_ld32(s->hive.p + 4), seq);
	assert_int_equal(cf_ld32(s->hive.p + 8), seq);
}

/* ---- hashes ---- */

static void test_marvin(void **state)
{
	(void)state;
	uint8_t b[32] = { 0 };
	assert_true(cf_marvin32(cf_span_of("abcdefgh", 8)) == 0x253e0a1a576ba388);
	assert_true(cf_marvin32(cf_span_of(b, 32)) == 0xda91a06ac5359223);
	for (uint8_t i = 0; i < 32; i++)
		b[i] = i;
	assert_true(cf_marvin32(cf_span_of(b, 32)) == 0xc64feee425c2e24c);
}

/* ---- new format ---- */

static void test_new_one_log(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_hive(&s.primary, 3, 6, 5);
	make_log(&s.log1, 5, 3);
	add_entry(&s.log1, 5, 3, 0, 1, 'A');
	add_entry(&s.log1, 6, 3, 1, 1, 'B');
	add_entry(&s.log1, 4, 3, 2, 1, 'Z'); /* remnant */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "ABP", 7);
	assert_int_equal(s.r.entries, 2);
	assert_int_equal(s.r.log_used, 1);
	assert_false(s.r.torn_base);

	make_hive(&s.primary, 3, 6, 6); /* clean: logs don't count */
	assert_int_equal(replay(&s), CF_REPLAY_CLEAN);
	set_free(&s);
}

static void test_new_two_logs(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_hive(&s.primary, 4, 6, 5);
	make_log(&s.log2, 5, 4); /* LOG2 is the earlier one */
	add_entry(&s.log2, 5, 4, 0, 2, 'A');
	make_log(&s.log1, 6, 4);
	add_entry(&s.log1, 6, 4, 1, 1, 'B');
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "ABPP", 7);
	assert_int_equal(s.r.log_used, 3);

	make_log(&s.log1, 7, 4); /* a gap: the later log does not follow */
	add_entry(&s.log1, 7, 4, 1, 1, 'B');
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "AAPP", 6);
	assert_int_equal(s.r.log_used, 2);

	make_log(&s.log2, 4, 4); /* the earlier log is stale: the later one alone */
	add_entry(&s.log2, 4, 4, 0, 2, 'A');
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "PBPP", 8);
	assert_int_equal(s.r.log_used, 1);

	make_log(&s.log1, 3, 4); /* both stale */
	add_entry(&s.log1, 3, 4, 1, 1, 'B');
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS);

	s.log2.p[100] ^= 1; /* stale and damaged */
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	set_free(&s);
}

static void test_new_wrap(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_hive(&s.primary, 3, UINT32_MAX, UINT32_MAX - 1);
	make_log(&s.log1, 0, 3);
	add_entry(&s.log1, 0, 3, 2, 1, 'C');
	make_log(&s.log2, UINT32_MAX - 1, 3);
	add_entry(&s.log2, UINT32_MAX - 1, 3, 0, 1, 'A');
	add_entry(&s.log2, UINT32_MAX, 3, 1, 1, 'B');
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "ABC", 1);

	make_hive(&s.primary, 3, 1, 0); /* now LOG2 is stale, though its number is larger */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "PPC", 1);
	assert_int_equal(s.r.log_used, 1);

	make_hive(&s.primary, 3, 3, 2); /* the last entry gives sequence number 0 */
	make_log(&s.log1, UINT32_MAX, 3);
	add_entry(&s.log1, UINT32_MAX, 3, 2, 1, 'C');
	s.log2.n = 0;
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS);
	s.primary.p[4] = 0xff; /* torn: the log's number counts alone */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "PPC", 0);
	set_free(&s);
}

static void test_new_torn_base(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_log(&s.log1, 9, 3);
	add_entry(&s.log1, 9, 3, 0, 1, 'A');
	make_log(&s.log2, 10, 3);
	add_entry(&s.log2, 10, 3, 0, 1, 'B');
	s.log2.p[0x90] = 2;
	cf_st32(s.log2.p + 0x1fc, cf_hive_checksum(s.log2.p));
	for (int how = 0; how < 3; how++) { /* one field, the signature, the whole sector */
		make_hive(&s.primary, 3, 6, 6);
		memset(s.primary.p + (how == 0 ? 0x28 : 0), 0xa5, how == 2 ? 512 : 1);
		assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
		assert_true(s.r.torn_base);
		check_hive(&s, "BPP", 11); /* only the latest log, as Windows does */
		assert_int_equal(s.r.log_used, 2);
		assert_int_equal(s.hive.p[0x90], 2);
	}
	s.log1.n = s.log2.n = 0;
	make_hive(&s.primary, 3, 6, 6);
	s.primary.p[0x28] ^= 1;
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS);
	set_free(&s);
}

static void test_new_bad_entries(void **state)
{
	(void)state;
	/* What is changed in the second entry, and whether the hashes are made right again afterwards. */
	static const struct { size_t off; uint8_t value; bool hash; } bad[] = {
		{ 0x18, 0x5a, false },       /* hash 1 */
		{ 0x20, 0x5a, false },       /* hash 2 */
		{ 0x28 + 8 + 0x200, 0x5a, false }, /* a page */
		{ 0, 'h', true },            /* signature */
		{ 0x0c, 9, true },           /* a gap in the sequence */
		{ 0x10, 1, true },           /* the hive's size is no multiple of 4096 */
		{ 0x13, 0xff, true },        /* … is absurd */
		{ 0x17, 0xff, true },        /* more pages than there is room for */
		{ 0x2b, 0xff, true },        /* page beyond the hive */
		{ 0x2e, 0x10, true },        /* page longer than the entry */
	};
	struct set s = { 0 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make_hive(&s.primary, 3, 6, 5);
		make_log(&s.log1, 5, 3);
		add_entry(&s.log1, 5, 3, 0, 1, 'A');
		size_t at = add_entry(&s.log1, 6, 3, 1, 1, 'B');
		assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
		check_hive(&s, "ABP", 7);
		s.log1.p[at + bad[i].off] = bad[i].value;
		if (bad[i].hash)
			hash_entry(s.log1.p + at);
		assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
		check_hive(&s, "APP", 6);

		make_log(&s.log1, 5, 3); /* the same as the first entry */
		at = add_entry(&s.log1, 5, 3, 1, 1, 'B');
		s.log1.p[at + bad[i].off] = bad[i].value;
		if (bad[i].hash)
			hash_entry(s.log1.p + at);
		assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	}
	/* every length that cuts the second entry, and then the first */
	make_log(&s.log1, 5, 3);
	add_entry(&s.log1, 5, 3, 0, 1, 'A');
	size_t second = add_entry(&s.log1, 6, 3, 1, 1, 'B'), full = s.log1.n;
	for (size_t n = full - 1; n > 0; n -= n > 97 ? 97 : n) {
		s.log1.n = n;
		assert_int_equal(replay(&s), n >= second ? CF_REPLAY_APPLIED : CF_REPLAY_REJECTED);
	}
	set_free(&s);
}

static void test_new_grow(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_hive(&s.primary, 2, 6, 5);
	make_log(&s.log1, 5, 2);
	add_entry(&s.log1, 5, 4, 2, 2, 'G');
	size_t at = add_entry(&s.log1, 6, 5, 4, 1, 'H');
	cf_st32(s.log1.p + at + 8, 1); /* KTM-locked */
	hash_entry(s.log1.p + at);
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "PPGGH", 7);
	assert_int_equal(s.hive.n, 6 * PAGE);
	assert_int_equal(cf_ld32(s.hive.p + 0x90), 1);

	s.primary.p[0x90] = 3; /* an entry without the bit clears it, and nothing else */
	cf_st32(s.primary.p + 0x1fc, cf_hive_checksum(s.primary.p));
	s.log1.n = at;
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "PPGG", 6);
	assert_int_equal(cf_ld32(s.hive.p + 0x90), 2);

	make_hive(&s.primary, 4, 6, 5); /* shrinking leaves slack, as Windows does */
	make_log(&s.log1, 5, 4);
	add_entry(&s.log1, 5, 3, 0, 1, 'A');
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "APP", 6);
	assert_int_equal(s.hive.n, 5 * PAGE);

	make_log(&s.log1, 5, 4); /* grown, but the new bin's page is not in the log */
	add_entry(&s.log1, 5, 6, 5, 1, 'X');
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	set_free(&s);
}

static void test_bins_checked(void **state)
{
	(void)state;
	static const struct {
		size_t off;
		uint8_t value;
	} bad[] = {{0, 'x'}, {5, 0x20}, {9, 0x11}, {9, 0}, {10, 1}};
	struct set s = { 0 };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make_hive(&s.primary, 3, 6, 5);
		make_log(&s.log1, 5, 3);
		size_t at = add_entry(&s.log1, 5, 3, 1, 1, 'A');
		s.log1.p[at + 0x30 + bad[i].off] = bad[i].value;
		hash_entry(s.log1.p + at);
		assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	}
	set_free(&s);
}

static void test_no_logs(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_hive(&s.primary, 2, 6, 5);
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS);
	assert_int_equal(cf_buf_resize(&s.log1, 8192), 0);
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS); /* all zero */
	s.log1.p[8000] = 1;
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED); /* content, but no base block */
	make_log(&s.log2, 5, 2);
	add_entry(&s.log2, 5, 2, 1, 1, 'B');
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED); /* the other one is right */
	check_hive(&s, "PB", 6);

	struct cf_error err = { 0 };
	assert_int_equal(
	    cf_hive_replay(cf_span_of("regf", 4), cf_buf_span(&s.log1), cf_buf_span(&s.log2), &s.hive, &s.r, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	memset(s.primary.p, 0, s.primary.n);
	assert_int_equal(
	    cf_hive_replay(cf_buf_span(&s.primary), cf_buf_span(&s.log1), cf_buf_span(&s.log2), &s.hive, &s.r, &err),
	    -1);
	put_base(s.primary.p, 5, 5, 6, PAGE, 1000); /* a log is no hive */
	assert_int_equal(
	    cf_hive_replay(cf_buf_span(&s.primary), cf_buf_span(&s.log1), cf_buf_span(&s.log2), &s.hive, &s.r, &err),
	    -1);
	set_free(&s);
}

/* ---- old format ---- */

static void test_old(void **state)
{
	(void)state;
	struct set s = { 0 };
	make_hive(&s.primary, 4, 6, 5);
	make_old_log(&s.log1, 6, 4, 0x5, 'A', 1000);
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "APAP", 7);
	assert_int_equal(s.r.entries, 16);
	assert_int_equal(s.r.log_used, 1);

	make_old_log(&s.log2, 7, 5, 0x13, 'B', 1001); /* newer, after a failed write: holds all that LOG1 does */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "BBPPB", 8);
	assert_int_equal(s.r.log_used, 2);

	make_old_log(&s.log2, 7, 4, 0x3, 'B', 1000); /* as old: LOG1 first */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "APAP", 7);
	s.log1.p[0x200] = 'd'; /* LOG1 unusable */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	check_hive(&s, "BBPP", 8);

	make_old_log(&s.log1, 5, 4, 0x5, 'A', 999); /* both of an earlier write */
	make_old_log(&s.log2, 4, 4, 0x5, 'A', 998);
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS);

	make_old_log(&s.log1, 6, 4, 0x5, 'A', 1000);
	s.log1.n--; /* the last page is not whole */
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);
	s.log1.n = 516 + 2; /* nor is the bitmap */
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);

	make_old_log(&s.log1, 6, 4, 0x5, 'A', 1000);
	cf_st32(s.log1.p + 4, 7); /* caught in the middle of writing the log */
	cf_st32(s.log1.p + 0x1fc, cf_hive_checksum(s.log1.p));
	s.log2.n = 0;
	assert_int_equal(replay(&s), CF_REPLAY_REJECTED);

	make_old_log(&s.log1, 6, 4, 0x5, 'A', 1000);
	s.primary.p[0x1c] = 0x5a; /* torn: the time in the first bin decides */
	assert_int_equal(replay(&s), CF_REPLAY_APPLIED);
	assert_true(s.r.torn_base);
	check_hive(&s, "APAP", 7);
	cf_st64(s.primary.p + PAGE + 0x14, 1001);
	assert_int_equal(replay(&s), CF_REPLAY_NO_LOGS);
	set_free(&s);
}

/* Bytes changed at random: the replay says something about every input, and what it says holds. */
static void test_hostile(void **state)
{
	(void)state;
	struct set s = { 0 };
	uint64_t x = 0x9e3779b97f4a7c15;
	for (int round = 0; round < 20000; round++) {
		make_hive(&s.primary, 3, 6, 5);
		if (round & 1) {
			make_log(&s.log1, 5, 3);
			add_entry(&s.log1, 5, 3, 0, 1, 'A');
			make_log(&s.log2, 6, 3);
			add_entry(&s.log2, 6, 4, 3, 1, 'B');
		} else {
			make_old_log(&s.log1, 6, 3, 3, 'A', 1000);
			make_old_log(&s.log2, 6, 4, 8, 'B', 1000 + (round >> 1 & 1));
		}
		struct cf_buf *all[] = { &s.primary, &s.log1, &s.log2 };
		for (int k = 0; k < 3; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			struct cf_buf *b = all[x % 3];
			size_t near = x & 0x1000 ? 0x300 : b->n; /* mostly where the structures are */
			b->p[(x >> 16) % (near < b->n ? near : b->n)] = (uint8_t)(x >> 56);
			if (x & 0x2000 && b->n >= 512)
				cf_st32(b->p + 0x1fc, cf_hive_checksum(b->p));
			if (x & 0x4000 && b != &s.primary && b->n > 0x228 && cf_ld32(b->p + 0x204) > 0x28 &&
			    cf_ld32(b->p + 0x204) <= b->n - 512)
				hash_entry(b->p + 512);
		}
		struct cf_error err = { 0 };
		int r = cf_hive_replay(cf_buf_span(&s.primary), cf_buf_span(&s.log1), cf_buf_span(&s.log2), &s.hive,
				       &s.r, &err);
		assert_int_equal(r < 0, err.code != CF_OK);
		if (r == 0)
			replay(&s);
	}
	set_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marvin),
		cmocka_unit_test(test_new_one_log),
		cmocka_unit_test(test_new_two_logs),
		cmocka_unit_test(test_new_wrap),
		cmocka_unit_test(test_new_torn_base),
		cmocka_unit_test(test_new_bad_entries),
		cmocka_unit_test(test_new_grow),
		cmocka_unit_test(test_bins_checked),
		cmocka_unit_test(test_no_logs),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
