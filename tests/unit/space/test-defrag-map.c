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

static bool bit(const struct cf_bits *b, uint64_t i)
{
	return cf_bits_find(b, i, i + 1, true) == i;
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

#define MANY 40000u

static void test_bits(void **state)
{
	(void)state;
	static bool truth[MANY], seen[MANY];
	static uint64_t words[(MANY / CF_BITS_LOAD + 1) * CF_BITS_LOAD / 64];
	for (int round = 0; round < 60; round++) {
		struct cf_bits *b = cf_bits_new(MANY, SIZE_MAX, false), *c = cf_bits_new(MANY, SIZE_MAX, true);
		assert_true(b && c);
		memset(truth, 0, sizeof truth);
		for (int k = 0; k < 12; k++) {
			uint64_t most = round % 2 ? MANY : 300, at = next_random(&random_state) % MANY;
			bool value = next_random(&random_state) & 1;
			uint64_t n = cf_min_u64(next_random(&random_state) % most, MANY - at);
			cf_bits_set(b, at, n, value);
			for (uint64_t i = at; i < at + n; i++)
				truth[i] = value;
		}
		/* The same by way of words, and of a copy. */
		memset(words, 0, sizeof words);
		for (unsigned i = 0; i < MANY; i++) {
			words[i / 64] |= (uint64_t)truth[i] << i % 64;
			seen[i] = bit(b, i);
		}
		assert_memory_equal(seen, truth, sizeof truth);
		cf_bits_load(c, 0, words, CF_ARRAY_LEN(words));
		cf_bits_copy(b, c);
		for (int k = 0; k < 300; k++) {
			uint64_t at = next_random(&random_state) % MANY, end = at + next_random(&random_state) % (MANY - at + 1), want = at;
			bool value = next_random(&random_state) & 1;
			while (want < end && truth[want] != value)
				want++;
			assert_int_equal(cf_bits_find(b, at, end, value), want);
			assert_int_equal(cf_bits_find(c, at, end, value), want);
		}
		cf_bits_free(b);
		cf_bits_free(c);
	}
	cf_bits_free(NULL);
}

/* Without room what is mixed becomes uniform, the safe way round, and what is uniform stays true. */
static void test_bits_without_room(void **state)
{
	(void)state;
	for (int otherwise = 0; otherwise < 2; otherwise++) {
		struct cf_bits *b = cf_bits_new(MANY, 1200, otherwise);
		unsigned wrong = 0, right = 0;
		assert_non_null(b);
		cf_bits_set(b, 3 * CF_BITS_LOAD, 2 * CF_BITS_LOAD, true);
		for (uint64_t i = 0; i < 6; i++)
			cf_bits_set(b, i * CF_BITS_LOAD + 100, 50, i < 3 || i > 4);
		for (uint64_t i = 0; i < 6 * CF_BITS_LOAD; i++) {
			uint64_t in = i % CF_BITS_LOAD, leaf = i / CF_BITS_LOAD;
			bool outer = leaf == 3 || leaf == 4, truth = (in >= 100 && in < 150) != outer;
			if (bit(b, i) == truth)
				right++;
			else if (++wrong)
				assert_int_equal(bit(b, i), otherwise);
		}
		assert_true(right > 2 * CF_BITS_LOAD && wrong > 0);
		assert_int_equal(cf_bits_find(b, 6 * CF_BITS_LOAD, MANY, true), MANY);
		cf_bits_free(b);
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
		struct cf_bits *taken = cf_bits_new(N, SIZE_MAX, false);
		uint64_t lcn, without = next_random(&random_state) % N, stop = without + next_random(&random_state) % (N - without);
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
		cf_bits_free(taken);
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
		cmocka_unit_test(test_bits_without_room),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
