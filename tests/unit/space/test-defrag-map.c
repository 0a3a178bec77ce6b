/* test-defrag-map.c - bits, the cheapest stretch, and free extents by size, against the plain way to find them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "space/defrag-internal.h"
#include "tests/random.h"

#define N 700u

static uint32_t random_state = 99;

static bool bit(const uint64_t *b, uint64_t i)
{
	return b[i / 64] >> (i % 64) & 1;
}

static void make_map(struct cf_map *map, unsigned mean, unsigned fixed_of)
{
	assert_int_equal(cf_map_new(map, N, NULL), 0);
	for (uint64_t at = 0; at < N;) {
		uint64_t used = cf_min_u64(next_random(&random_state) % mean + 1, N - at);
		cf_bits_set(map->used, at, used, true);
		if (next_random(&random_state) % fixed_of == 0)
			cf_bits_set(map->fixed, at, used, true);
		at += used + next_random(&random_state) % mean + 1;
	}
	for (uint64_t i = 0; i < N; i++)
		map->free += !bit(map->used, i);
}

static void test_bits(void **state)
{
	(void)state;
	for (int round = 0; round < 500; round++) {
		uint64_t b[16] = { 0 };
		bool truth[1024] = { false };
		for (int k = 0; k < 8; k++) {
			uint64_t at = next_random(&random_state) % 1000, n = next_random(&random_state) % (1024 - at), value = next_random(&random_state) & 1;
			cf_bits_set(b, at, n, value);
			for (uint64_t i = at; i < at + n; i++)
				truth[i] = value;
		}
		for (unsigned i = 0; i < 1024; i++)
			assert_int_equal(bit(b, i), truth[i]);
		for (int value = 0; value < 2; value++) {
			uint64_t at = next_random(&random_state) % 1024, end = at + next_random(&random_state) % (1025 - at), want = at;
			while (want < end && truth[want] != value)
				want++;
			assert_int_equal(cf_bits_find(b, at, end, value), want);
		}
	}
}

/* Every pair of free extents, tried one after the other. */
static bool plain_window(const struct cf_map *map, uint64_t goal, uint64_t *best)
{
	bool found = false;
	for (uint64_t i = 0; i < N; i++) {
		if (bit(map->used, i) || (i && !bit(map->used, i - 1)))
			continue;
		uint64_t cost = 0, inside = 0;
		for (uint64_t j = i; j < N && !bit(map->fixed, j); j++) {
			cost += bit(map->used, j);
			inside += !bit(map->used, j);
			bool ends = !bit(map->used, j) && (j + 1 == N || bit(map->used, j + 1));
			if (ends && j + 1 - i >= goal && map->free - inside >= cost && (!found || cost < *best)) {
				*best = cost;
				found = true;
			}
		}
	}
	return found;
}

static void test_window(void **state)
{
	(void)state;
	unsigned found = 0;
	for (int round = 0; round < 600; round++) {
		struct cf_map map;
		uint64_t start, end, used, best = 0, goal = 5 + next_random(&random_state) % 150;
		make_map(&map, 2 + next_random(&random_state) % 20, 1 + next_random(&random_state) % 30);
		bool there = plain_window(&map, goal, &best);
		bool got = cf_map_window(&map, goal, &start, &end, &used);
		/* The plain way also tries longer stretches; a cheapest one is never longer than it must be at its left end. */
		assert_int_equal(got, there);
		if (got) {
			assert_int_equal(used, best);
			assert_true(end - start >= goal && !bit(map.used, start) && !bit(map.used, end - 1));
			uint64_t count = 0;
			for (uint64_t i = start; i < end; i++) {
				assert_false(bit(map.fixed, i));
				count += bit(map.used, i);
			}
			assert_int_equal(count, used);
			found++;
		}
		cf_map_free(&map);
	}
	assert_in_range(found, 100, 599);
}

/* What is taken was free, once, and is hardly smaller than what another free extent could have given. */
static void test_holes(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		struct cf_map map;
		struct cf_holes holes;
		uint64_t taken[N / 64 + 2] = { 0 }, lcn, without = next_random(&random_state) % N, stop = without + next_random(&random_state) % (N - without);
		make_map(&map, 2 + next_random(&random_state) % 30, 5);
		assert_int_equal(cf_holes_fill(&holes, &map, without, stop, NULL), 0);
		for (int k = 0; k < 200; k++) {
			uint64_t want = 1 + next_random(&random_state) % 25;
			int rc = cf_holes_take(&holes, want, &lcn);
			assert_true(rc >= 0);
			if (rc) {
				for (uint64_t i = lcn; i < lcn + want; i++) {
					assert_false(bit(map.used, i));
					assert_false(bit(taken, i));
				}
				cf_bits_set(taken, lcn, want, true);
				continue;
			}
			/* Nothing was large enough: so it is. */
			uint64_t run = 0;
			for (uint64_t i = 0; i < N; i++) {
				run = bit(map.used, i) || bit(taken, i) ? 0 : run + 1;
				if (run >= want) {
					/* Only a free extent inside the stretch that was left out. */
					uint64_t a = i, b = i;
					while (a && !bit(map.used, a - 1))
						a--;
					while (b + 1 < N && !bit(map.used, b + 1))
						b++;
					assert_true(a >= without && b + 1 <= stop);
				}
			}
		}
		cf_holes_free(&holes);
		cf_map_free(&map);
	}
}

static void test_too_large(void **state)
{
	(void)state;
	struct cf_map map;
	struct cf_error err;
	assert_int_equal(cf_map_new(&map, CF_DEFRAG_CLUSTERS_MAX + 1, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
