/* test-ntfs-move.c - mapping pairs, run lists and MFT records as a move changes them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/random.h"
#include "volume/ntfs-internal.h"
#include "volume/ntfs-move.h"

static uint32_t random_state = 12345;

/* Reads pairs back with the other half, the decoder. */
static void check_pairs(const struct cf_mft_run *runs, size_t n, uint64_t lowest, uint64_t highest)
{
	uint8_t out[4096];
	size_t len = cf_pairs_encode(runs, n, lowest, highest, out, sizeof out), pos = 0;
	assert_true(len > 0);
	struct cf_span s = cf_span_of(out, len);
	int64_t lcn, previous = 0;
	uint64_t count, vcn = lowest;
	int rc;
	while ((rc = cf_ntfs_next_run(s, &pos, &lcn, &count, &previous)) == 1) {
		size_t i = 0;
		while (i < n && runs[i].vcn + runs[i].count <= vcn)
			i++;
		assert_true(i < n && runs[i].vcn <= vcn);
		if (runs[i].lcn == CF_MFT_HOLE)
			assert_int_equal(lcn, -1);
		else
			assert_int_equal(lcn, runs[i].lcn + (vcn - runs[i].vcn));
		vcn += count;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(pos, len - 1);
	assert_int_equal(vcn, highest + 1);
	/* One byte less is not enough, and nothing is written behind the end. */
	memset(out, 0xaa, sizeof out);
	assert_int_equal(cf_pairs_encode(runs, n, lowest, highest, out, len - 1), 0);
	assert_int_equal(out[len - 1], 0xaa);
}

static void test_pairs(void **state)
{
	(void)state;
	/* The example of the NTFS documentation: 0x38 clusters at 0x342573, then a hole, then backwards. */
	const struct cf_mft_run runs[] = { { 0, 0x342573, 0x38 }, { 0x38, CF_MFT_HOLE, 0x80 }, { 0xb8, 0x342473, 0x114 } };
	static const uint8_t want[] = { 0x31, 0x38, 0x73, 0x25, 0x34, 0x02, 0x80, 0x00, 0x22, 0x14, 0x01, 0x00, 0xff, 0 };
	uint8_t out[64];
	assert_int_equal(cf_pairs_encode(runs, 3, 0, 0x1cb, out, sizeof out), sizeof want);
	assert_memory_equal(out, want, sizeof want);
	for (uint64_t lo = 0; lo < 0x1cc; lo += 7)
		for (uint64_t hi = lo; hi < 0x1cc; hi += 31)
			check_pairs(runs, 3, lo, hi);
	/* Not covered: behind the end, and over a gap. */
	const struct cf_mft_run gap[] = { { 0, 100, 10 }, { 11, 200, 10 } };
	assert_int_equal(cf_pairs_encode(runs, 3, 0, 0x1cc, out, sizeof out), 0);
	assert_int_equal(cf_pairs_encode(gap, 2, 0, 20, out, sizeof out), 0);
	assert_int_equal(cf_pairs_encode(gap, 2, 5, 9, out, sizeof out) > 0, 1);
	/* Numbers at the edges of their sizes. */
	for (unsigned bit = 1; bit < 47; bit++)
		for (int d = -1; d <= 1; d++) {
			const struct cf_mft_run edge[] = { { 0, (UINT64_C(1) << bit) + (uint64_t)d, 1 }, { 1, 3, (UINT64_C(1) << (bit % 30)) + 1 } };
			check_pairs(edge, 2, 0, edge[1].count);
		}
}

static void test_apply(void **state)
{
	(void)state;
	struct cf_error err;
	for (int round = 0; round < 2000; round++) {
		struct cf_mft_run runs[12];
		struct cf_move moves[6];
		size_t n = 1 + next_random(&random_state) % 12, m = 0, n_out;
		uint64_t vcn = 0, at = 0;
		/* where[] is the truth, cluster by cluster. */
		uint64_t where[400];
		for (size_t i = 0; i < n; i++) {
			bool hole = next_random(&random_state) % 4 == 0;
			runs[i] = (struct cf_mft_run){ vcn, hole ? CF_MFT_HOLE : 1000 * (i + 1), 1 + next_random(&random_state) % 30 };
			for (uint64_t k = 0; k < runs[i].count; k++)
				where[vcn + k] = hole ? CF_MFT_HOLE : runs[i].lcn + k;
			vcn += runs[i].count;
		}
		while (at < vcn && m < 6) {
			uint64_t start = at + next_random(&random_state) % 9, count = 0, most = 1 + next_random(&random_state) % 40;
			while (start + count < vcn && count < most && where[start + count] != CF_MFT_HOLE)
				count++;
			if (count) {
				moves[m] = (struct cf_move){ start, count, 50000 + 1000 * m };
				for (uint64_t k = 0; k < count; k++)
					where[start + k] = moves[m].lcn + k;
				m++;
			}
			at = start + count + 1;
		}
		struct cf_mft_run *out = NULL;
		assert_int_equal(cf_runs_apply(runs, n, moves, m, &out, &n_out, &err), 0);
		uint64_t next = 0;
		for (size_t i = 0; i < n_out; i++) {
			assert_int_equal(out[i].vcn, next);
			for (uint64_t k = 0; k < out[i].count; k++)
				assert_int_equal(where[next + k], out[i].lcn == CF_MFT_HOLE ? CF_MFT_HOLE : out[i].lcn + k);
			next += out[i].count;
		}
		assert_int_equal(next, vcn);
		free(out);
	}
	const struct cf_mft_run runs[] = { { 0, 10, 5 }, { 5, CF_MFT_HOLE, 5 }, { 10, 100, 5 } };
	const struct cf_move hole[] = { { 3, 4, 500 } }, behind[] = { { 12, 9, 500 } }, nowhere[] = { { 40, 1, 500 } };
	struct cf_mft_run *out = NULL;
	size_t n_out;
	assert_int_equal(cf_runs_apply(runs, 3, hole, 1, &out, &n_out, &err), -1);
	assert_int_equal(err.code, CF_E_CHANGED);
	assert_int_equal(cf_runs_apply(runs, 3, behind, 1, &out, &n_out, &err), -1);
	assert_int_equal(cf_runs_apply(runs, 3, nowhere, 1, &out, &n_out, &err), -1);
	assert_null(out);
}

/* A record of 1024 bytes with one attribute of 0x48 bytes whose pairs begin at 0x40, and another one behind it. */
static void make_record(uint8_t *r, uint32_t filler)
{
	memset(r, 0, 1024);
	memcpy(r, "FILE", 4);
	cf_st16(r + 4, 0x30);
	cf_st16(r + 6, 3);
	cf_st16(r + 0x14, 0x38);
	cf_st32(r + 0x38, 0x80);
	cf_st32(r + 0x38 + 4, 0x48);
	cf_st16(r + 0x38 + 0x20, 0x40);
	cf_st32(r + 0x80, 0x100);
	cf_st32(r + 0x84, filler);
	memset(r + 0x88, 0x77, filler - 8);
	cf_st32(r + 0x80 + filler, UINT32_MAX);
	cf_st32(r + 0x18, 0x80 + filler + 8);
}

static void test_record(void **state)
{
	(void)state;
	uint8_t r[1024], was[1024], pairs[64] = { 0x11, 0x22, 0x33 };
	/* Grows by 16 bytes, shrinks back; what lies behind moves along. */
	make_record(r, 0x40);
	memcpy(was, r, sizeof r);
	assert_true(cf_record_set_pairs(r, 1024, 0x38, pairs, 20));
	assert_int_equal(cf_ld32(r + 0x38 + 4), 0x58);
	assert_memory_equal(r + 0x78, pairs, 20);
	assert_int_equal(cf_ld32(r + 0x90), 0x100);
	assert_int_equal(cf_ld32(r + 0x18), 0x80 + 0x40 + 8 + 16);
	memset(pairs, 0, sizeof pairs);
	assert_true(cf_record_set_pairs(r, 1024, 0x38, pairs, 1));
	assert_memory_equal(r, was, sizeof r);
	/* Full to the last byte: what fits in the same size goes in, what needs more is refused and changes nothing. */
	make_record(r, 1024 - 0x80 - 8);
	memcpy(was, r, sizeof r);
	assert_false(cf_record_set_pairs(r, 1024, 0x38, pairs, 9));
	assert_memory_equal(r, was, sizeof r);
	pairs[0] = 0x11;
	assert_true(cf_record_set_pairs(r, 1024, 0x38, pairs, 8));
	assert_int_equal(cf_ld32(r + 0x18), 1024);
	/* Protected, and back. */
	memcpy(was, r, sizeof r);
	for (int i = 0; i < 3; i++) {
		cf_st16(was + 0x30, i == 0 ? 0xfffe : i == 1 ? 0 : 41);
		memcpy(r, was, sizeof r);
		cf_record_protect(r, 1024);
		assert_int_equal(cf_ld16(r + 0x30), i == 2 ? 42 : 1);
		assert_int_equal(cf_ld16(r + 510), cf_ld16(r + 0x30));
		assert_int_equal(cf_ld16(r + 1022), cf_ld16(r + 0x30));
		assert_true(cf_ntfs_fixup(r, 1024));
		assert_memory_equal(r + 0x40, was + 0x40, 1024 - 0x40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
