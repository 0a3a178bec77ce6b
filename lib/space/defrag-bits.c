/* defrag-bits.c - a set of clusters that takes little memory where it is uniform.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The clusters are cut into leaves; only one that has both kinds in it is held as bits. So a volume of many TiB costs what is scattered on it,
 * and no more than a limit: a leaf that would go beyond it becomes uniform, in the way that its user can live with.
 */
#include <stdlib.h>

#include "space/defrag-internal.h"

#define LEAF 4096u /* clusters */
#define WORDS (LEAF / 64)

struct cf_bits {
	uint64_t **leaf; /* NULL: all 0; full: all 1 */
	size_t leaves, held, max_held;
	bool otherwise;
};

static uint64_t full[WORDS]; /* its address is what counts */

struct cf_bits *cf_bits_new(uint64_t count, size_t max_bytes, bool otherwise)
{
	struct cf_bits *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->leaves = (size_t)((count + LEAF - 1) / LEAF);
	b->max_held = max_bytes / (sizeof(uint64_t[WORDS]) + 16);
	b->otherwise = otherwise;
	b->leaf = calloc(b->leaves + 1, sizeof *b->leaf);
	if (b->leaf)
		return b;
	free(b);
	return NULL;
}

static void set_leaf(struct cf_bits *b, size_t i, uint64_t *to)
{
	if (b->leaf[i] && b->leaf[i] != full) {
		free(b->leaf[i]);
		b->held--;
	}
	b->leaf[i] = to;
}

void cf_bits_free(struct cf_bits *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->leaves; i++)
		set_leaf(b, i, NULL);
	free(b->leaf);
	free(b);
}

static bool is_uniform(const uint64_t *words)
{
	if (words[0] != 0 && words[0] != UINT64_MAX)
		return false;
	for (unsigned i = 1; i < WORDS; i++)
		if (words[i] != words[0])
			return false;
	return true;
}

/* The leaf as words of its own; NULL: it has become what it is when there is no room. */
static uint64_t *open_leaf(struct cf_bits *b, size_t i)
{
	if (b->leaf[i] && b->leaf[i] != full)
		return b->leaf[i];
	uint64_t *words = b->held < b->max_held ? malloc(sizeof(uint64_t[WORDS])) : NULL;
	if (!words) {
		b->leaf[i] = b->otherwise ? full : NULL;
		return NULL;
	}
	memset(words, b->leaf[i] ? 0xff : 0, sizeof(uint64_t[WORDS]));
	b->held++;
	return b->leaf[i] = words;
}

void cf_bits_load(struct cf_bits *b, uint64_t first, const uint64_t *words, size_t n)
{
	size_t i = (size_t)(first / LEAF);
	for (size_t at = 0; at < n; at += WORDS, i++) {
		if (is_uniform(words + at)) {
			set_leaf(b, i, words[at] ? full : NULL);
			continue;
		}
		uint64_t *leaf = open_leaf(b, i);
		if (leaf)
			memcpy(leaf, words + at, sizeof(uint64_t[WORDS]));
	}
}

void cf_bits_copy(struct cf_bits *to, const struct cf_bits *from)
{
	for (size_t i = 0; i < from->leaves; i++) {
		if (!from->leaf[i] || from->leaf[i] == full)
			set_leaf(to, i, from->leaf[i]);
		else
			cf_bits_load(to, (uint64_t)i * LEAF, from->leaf[i], WORDS);
	}
}

void cf_bits_set(struct cf_bits *b, uint64_t first, uint64_t count, bool value)
{
	for (uint64_t at = first, end = first + count, next; at < end; at = next) {
		size_t i = (size_t)(at / LEAF);
		next = cf_min_u64(((uint64_t)i + 1) * LEAF, end);
		if (next - at == LEAF) {
			set_leaf(b, i, value ? full : NULL);
			continue;
		}
		if (b->leaf[i] == (value ? full : NULL))
			continue;
		uint64_t *leaf = open_leaf(b, i);
		for (uint64_t k = at % LEAF, stop = k + (next - at); leaf && k < stop;) {
			unsigned bit = k % 64, n = (unsigned)cf_min_u64(64 - bit, stop - k);
			uint64_t mask = (n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1) << bit;
			leaf[k / 64] = value ? leaf[k / 64] | mask : leaf[k / 64] & ~mask;
			k += n;
		}
		if (leaf && is_uniform(leaf))
			set_leaf(b, i, value ? full : NULL);
	}
}

uint64_t cf_bits_find(const struct cf_bits *b, uint64_t at, uint64_t end, bool value)
{
	while (at < end) {
		const uint64_t *leaf = b->leaf[at / LEAF];
		if (!leaf || leaf == full) {
			if ((leaf == full) == value)
				return at;
			at += LEAF - at % LEAF;
			continue;
		}
		uint64_t w = leaf[at % LEAF / 64], word = (value ? w : ~w) >> (at % 64);
		if (word)
			return cf_min_u64(at + (unsigned)__builtin_ctzll(word), end);
		at += 64 - at % 64;
	}
	return end;
}
