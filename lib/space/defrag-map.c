/* defrag-map.c - what $Bitmap says, the cheapest stretch to empty, and free extents by size.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything here follows from the bits alone, so the same volume always gives the same plan.
 */
#include <stdlib.h>

#include "base/grow.h"
#include "space/defrag-internal.h"
#include "volume/ntfs-format.h"

#define PIECE (1024 * 1024u) /* bytes of $Bitmap read at a time */
#define LOOK_AT 64           /* free extents of a class that are compared */

int cf_map_new(struct cf_map *map, uint64_t clusters, struct cf_error *err)
{
	*map = (struct cf_map){ .clusters = clusters };
	if (clusters > CF_DEFRAG_CLUSTERS_MAX)
		return cf_fail(err, CF_E_UNSUPPORTED, "the volume has %llu clusters, more than Windows can use (%llu)",
			       (unsigned long long)clusters, (unsigned long long)CF_DEFRAG_CLUSTERS_MAX);
	/* Where there is no room for the truth, nothing is free and nothing can be moved; and nothing has moved yet. */
	map->used = cf_bits_new(clusters, CF_MAP_MEMORY, true);
	map->fixed = cf_bits_new(clusters, CF_MAP_MEMORY, true);
	map->moved = cf_bits_new(clusters, CF_MAP_MEMORY / 2, false);
	if (map->used && map->fixed && map->moved)
		return 0;
	cf_map_free(map);
	return cf_fail_nomem(err);
}

void cf_map_free(struct cf_map *map)
{
	cf_bits_free(map->used);
	cf_bits_free(map->fixed);
	cf_bits_free(map->moved);
	*map = (struct cf_map){ 0 };
}

struct reading {
	struct cf_map *map;
	struct cf_mft *mft;
	uint64_t *words; /* PIECE bytes */
	uint64_t run;    /* free clusters before the piece that is looked at */
	struct cf_error *err;
};

static void end_run(struct reading *r)
{
	r->map->free += r->run;
	r->map->free_extents += r->run > 0;
	r->map->largest = cf_max_u64(r->map->largest, r->run);
	r->run = 0;
}

/* Free extents in n words, the first one of cluster `first`. */
static void count_free(struct reading *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t w = r->words[i];
		if (!w) {
			r->run += 64;
			continue;
		}
		if (w == UINT64_MAX) {
			end_run(r);
			continue;
		}
		for (unsigned bit = 0; bit < 64;) {
			uint64_t rest = w >> bit;
			unsigned zeros = rest ? (unsigned)__builtin_ctzll(rest) : 64 - bit;
			r->run += zeros;
			bit += zeros;
			if (bit >= 64)
				break;
			end_run(r);
			rest = ~(w >> bit);
			bit += rest ? (unsigned)__builtin_ctzll(rest) : 64;
		}
	}
}

static int read_bitmap(void *user, const struct cf_mft_file *f)
{
	struct reading *r = user;
	const struct cf_mft_stream *s = cf_mft_stream(f, CF_NTFS_AT_DATA, NULL);
	uint64_t clusters = r->map->clusters, bytes = (clusters + 7) / 8;
	if (!s || s->damaged || s->size < bytes)
		return cf_fail(r->err, CF_E_CORRUPT, "$Bitmap is damaged or too short; run chkdsk");
	for (uint64_t off = 0; off < bytes; off += PIECE) {
		size_t n = (size_t)cf_min_u64(PIECE, bytes - off);
		/* What lies behind the last cluster counts as used. */
		memset(r->words, 0xff, PIECE);
		if (cf_mft_read(r->mft, s, off, r->words, n, r->err) < 0)
			return -1;
		if (off + n == bytes && clusters % 8)
			((uint8_t *)r->words)[n - 1] |= (uint8_t)(0xff << clusters % 8);
		for (size_t i = 0; i < PIECE / 8; i++)
			r->words[i] = cf_ld64(&r->words[i]); /* $Bitmap's bytes are little-endian bits */
		count_free(r, PIECE / 8);
		uint64_t left = clusters - off * 8, leaves = cf_min_u64((left + CF_BITS_LOAD - 1) / CF_BITS_LOAD, PIECE * 8 / CF_BITS_LOAD);
		cf_bits_load(r->map->used, off * 8, r->words, (size_t)leaves * CF_BITS_LOAD / 64);
	}
	end_run(r);
	return 0;
}

int cf_map_read(struct cf_map *map, struct cf_mft *mft, struct cf_error *err)
{
	CF_FREE uint64_t *words = malloc(PIECE);
	struct reading r = { .map = map, .mft = mft, .words = words, .err = err };
	if (!words)
		return cf_fail_nomem(err);
	map->free = map->free_extents = map->largest = 0;
	if (cf_mft_one(mft, CF_NTFS_REC_BITMAP, read_bitmap, &r, err) != 0)
		return -1;
	cf_bits_copy(map->fixed, map->used);
	return 0;
}

bool cf_map_window(const struct cf_map *map, uint64_t goal, uint64_t *start, uint64_t *end, uint64_t *used)
{
	uint64_t n = map->clusters, best = UINT64_MAX;
	uint64_t left = cf_bits_find(map->used, 0, n, false), inside = 0; /* free clusters of [left, right end) */
	uint64_t hole = cf_bits_find(map->used, left, n, true);            /* where the free extent at left ends */
	for (uint64_t right = left, last = left; right < n;) {
		/* A free extent [right, stop); between last and right all is used. */
		uint64_t stop = cf_bits_find(map->used, right, n, true);
		if (cf_bits_find(map->fixed, last, right, true) < right) {
			left = right;
			hole = stop;
			inside = 0;
		}
		inside += stop - right;
		/* Give up free extents on the left as long as the rest is long enough. */
		for (;;) {
			uint64_t next = hole < stop ? cf_bits_find(map->used, hole, stop, false) : stop;
			if (next >= stop || stop - next < goal)
				break;
			inside -= hole - left;
			left = next;
			hole = cf_bits_find(map->used, left, stop, true);
		}
		uint64_t cost = stop - left - inside;
		/* What is emptied must go into the free space outside. */
		if (stop - left >= goal && cost < best && map->free - inside >= cost) {
			best = cost;
			*start = left;
			*end = stop;
		}
		last = stop;
		right = cf_bits_find(map->used, stop, n, false);
	}
	*used = best;
	return best != UINT64_MAX;
}

/* ---- free extents by size ---- */

/* Four classes for each power of two. */
static unsigned class_of(uint64_t count)
{
	unsigned top = 63u - (unsigned)__builtin_clzll(count);
	return top < 2 ? (unsigned)count : 4 * top + (unsigned)(count >> (top - 2) & 3);
}

static int put(struct cf_holes *h, struct cf_hole hole)
{
	unsigned c = class_of(hole.count);
	if (!CF_ROOM(h->of[c].hole, h->of[c].n, h->of[c].cap, 16))
		return -1;
	h->of[c].hole[h->of[c].n++] = hole;
	return 0;
}

void cf_holes_free(struct cf_holes *h)
{
	for (unsigned c = 0; c < CF_HOLE_CLASSES; c++)
		free(h->of[c].hole);
	*h = (struct cf_holes){ 0 };
}

/* The class from which on all free extents together are few enough. */
static unsigned smallest_class(const struct cf_map *map)
{
	uint64_t count[CF_HOLE_CLASSES] = { 0 }, n = 0;
	for (uint64_t at = 0; (at = cf_bits_find(map->used, at, map->clusters, false)) < map->clusters;) {
		uint64_t end = cf_bits_find(map->used, at, map->clusters, true);
		count[class_of(end - at)]++;
		at = end;
	}
	for (unsigned c = CF_HOLE_CLASSES; c-- > 0;) {
		n += count[c];
		if (n > CF_HOLES_MAX)
			return c + 1;
	}
	return 0;
}

int cf_holes_fill(struct cf_holes *h, const struct cf_map *map, uint64_t without, uint64_t without_end, struct cf_error *err)
{
	unsigned least = smallest_class(map);
	*h = (struct cf_holes){ 0 };
	for (uint64_t at = 0; (at = cf_bits_find(map->used, at, map->clusters, false)) < map->clusters;) {
		uint64_t end = cf_bits_find(map->used, at, map->clusters, true);
		bool inside = at >= without && end <= without_end;
		if (!inside && class_of(end - at) >= least && put(h, (struct cf_hole){ at, end - at }) < 0) {
			cf_holes_free(h);
			return cf_fail_nomem(err);
		}
		at = end;
	}
	return 0;
}

int cf_holes_take(struct cf_holes *h, uint64_t count, uint64_t *lcn)
{
	for (unsigned c = class_of(count); c < CF_HOLE_CLASSES; c++) {
		size_t n = h->of[c].n, first = n > LOOK_AT ? n - LOOK_AT : 0, best = SIZE_MAX;
		for (size_t i = first; i < n; i++)
			if (h->of[c].hole[i].count >= count &&
			    (best == SIZE_MAX || h->of[c].hole[i].count < h->of[c].hole[best].count))
				best = i;
		if (best == SIZE_MAX)
			continue;
		struct cf_hole hole = h->of[c].hole[best];
		h->of[c].hole[best] = h->of[c].hole[--h->of[c].n];
		*lcn = hole.lcn;
		return hole.count > count && put(h, (struct cf_hole){ hole.lcn + count, hole.count - count }) < 0 ? -1 : 1;
	}
	return 0;
}
