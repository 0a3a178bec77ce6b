/* mft-check.c - the clusters of all files against $Bitmap.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bits beyond the last cluster are padding and not looked at. Runs that a scan hands on lie on the volume, so no index here is out of range
 * but those outside a map's window, which are cut off first.
 */
#include <stdlib.h>

#include "volume/mft-check.h"
#include "volume/mft-internal.h"

#define WINDOW (UINT64_C(1) << 30)   /* clusters of one map */
#define PIECE ((size_t)64 * 1024)    /* bytes of $Bitmap at once */

struct cf_extent_map {
	uint64_t first, count; /* clusters */
	uint64_t words[];
};

static void example(struct cf_extent_check *check, struct cf_extent_example e)
{
	unsigned same = 0;
	for (unsigned i = 0; i < check->examples; i++) {
		struct cf_extent_example *x = &check->example[i];
		same += x->fault == e.fault;
		/* Pieces of one extent, cut at a word or a piece of $Bitmap. */
		if (x->fault == e.fault && x->lcn + x->count == e.lcn && x->record == e.record) {
			x->count += e.count;
			return;
		}
	}
	/* No fault crowds out the others. */
	if (same < CF_EXTENT_EXAMPLES / 3 && check->examples < CF_EXTENT_EXAMPLES)
		check->example[check->examples++] = e;
}

struct cf_extent_map *cf_extent_map_new(uint64_t first, uint64_t count, struct cf_error *err)
{
	struct cf_extent_map *map = NULL;
	if (count <= SIZE_MAX / 2)
		map = calloc(1, sizeof *map + (size_t)((count + 63) / 64) * sizeof(uint64_t));
	if (!map) {
		cf_fail_nomem(err);
		return NULL;
	}
	map->first = first;
	map->count = count;
	return map;
}

void cf_extent_map_free(struct cf_extent_map *map)
{
	free(map);
}

void cf_extent_map_freep(struct cf_extent_map **map)
{
	free(*map);
}

/* Bits [from, to) of one word, 0 <= from < to <= 64. */
static uint64_t mask_of(unsigned from, unsigned to)
{
	return (to == 64 ? UINT64_MAX : (UINT64_C(1) << to) - 1) & (UINT64_MAX << from);
}

static void add_run(struct cf_extent_map *map, uint64_t record, uint64_t lcn, uint64_t count, struct cf_extent_check *check)
{
	uint64_t begin = cf_max_u64(lcn, map->first), end = cf_min_u64(lcn + count, map->first + map->count);
	if (begin >= end)
		return;
	check->owned += end - begin;
	for (uint64_t bit = begin - map->first, stop = end - map->first; bit < stop;) {
		unsigned from = bit & 63, to = (unsigned)cf_min_u64(64, from + (stop - bit));
		uint64_t mask = mask_of(from, to), *word = &map->words[bit / 64], twice = *word & mask;
		if (twice) {
			unsigned n = (unsigned)__builtin_popcountll(twice);
			check->cross_linked += n;
			check->owned -= n;
			unsigned at = (unsigned)__builtin_ctzll(twice);
			example(check, (struct cf_extent_example){ .fault = CF_EXTENT_CROSS_LINKED,
								   .lcn = map->first + (bit & ~UINT64_C(63)) + at,
								   .count = n,
								   .record = record,
								   .other = UINT64_MAX });
		}
		*word |= mask;
		bit += to - from;
	}
}

void cf_extent_map_add(struct cf_extent_map *map, const struct cf_mft_file *file, struct cf_extent_check *check)
{
	for (size_t i = 0; i < file->stream_count; i++) {
		const struct cf_mft_stream *s = &file->streams[i];
		for (size_t k = 0; k < s->run_count; k++)
			if (s->runs[k].lcn != CF_MFT_HOLE)
				add_run(map, file->record, s->runs[k].lcn, s->runs[k].count, check);
	}
}

/* ---- $Bitmap ---- */

/* Calls fn with pieces of $Bitmap of whole words that hold the clusters [first, first + count); bits beyond the last cluster are set. */
struct bitmap_walk {
	struct cf_mft *m;
	uint64_t first, count;
	int (*fn)(void *user, uint64_t first, const uint64_t *words, size_t n);
	void *user;
	struct cf_error *err;
};

static int walk_bitmap(void *user, const struct cf_mft_file *file)
{
	struct bitmap_walk *w = user;
	const struct cf_mft_stream *s = cf_mft_stream(file, CF_NTFS_AT_DATA, NULL);
	uint64_t end = w->first + w->count;
	if (!s || s->size < (w->m->boot.clusters + 7) / 8)
		return cf_fail(w->err, CF_E_CORRUPT, "$Bitmap is shorter than the volume; run chkdsk");
	CF_FREE uint64_t *words = malloc(PIECE);
	if (!words)
		return cf_fail_nomem(w->err);
	for (uint64_t at = w->first; at < end; at += PIECE * 8) { /* first is a multiple of 64 */
		uint64_t bits = cf_min_u64(PIECE * 8, end - at);
		size_t bytes = (size_t)((bits + 7) / 8), n = (size_t)((bits + 63) / 64);
		words[n - 1] = UINT64_MAX;
		if (cf_mft_read(w->m, s, at / 8, words, bytes, w->err) < 0)
			return cf_fail_prefix(w->err, "can't read $Bitmap");
		for (size_t i = 0; i < n; i++)
			words[i] = cf_ld64(&words[i]);
		if (bits & 63)
			words[n - 1] |= UINT64_MAX << (bits & 63);
		int rc = w->fn(w->user, at, words, n);
		if (rc)
			return rc;
	}
	return 0;
}

static int with_bitmap(struct cf_mft *m, uint64_t first, uint64_t count,
		       int (*fn)(void *, uint64_t, const uint64_t *, size_t), void *user, struct cf_error *err)
{
	if (m->boot.truncated) /* and what it claims may be any number */
		return cf_fail(err, CF_E_CORRUPT, "the NTFS volume is larger than its partition: its end is missing");
	struct bitmap_walk w = { .m = m, .first = first, .count = count, .fn = fn, .user = user, .err = err };
	return cf_mft_one(m, CF_NTFS_REC_BITMAP, walk_bitmap, &w, err);
}

struct free_walk {
	int (*fn)(void *, uint64_t, uint64_t);
	void *user;
	uint64_t begin, end; /* the free extent so far; begin == end: none */
};

/* One more free extent; those that adjoin are handed on as one. */
static int free_run(struct free_walk *f, uint64_t lcn, uint64_t count)
{
	if (f->end != lcn) {
		int rc = f->end > f->begin ? f->fn(f->user, f->begin, f->end - f->begin) : 0;
		f->begin = lcn;
		if (rc)
			return rc;
	}
	f->end = lcn + count;
	return 0;
}

/* Takes the lowest run of ones out of *bits, which is not 0: its first bit and its length. */
static unsigned take_run(uint64_t *bits, unsigned *len)
{
	unsigned from = (unsigned)__builtin_ctzll(*bits);
	uint64_t rest = ~(*bits >> from);
	*len = rest ? (unsigned)__builtin_ctzll(rest) : 64;
	*len = *len > 64 - from ? 64 - from : *len;
	*bits &= ~mask_of(from, from + *len);
	return from;
}

static int free_words(void *user, uint64_t first, const uint64_t *words, size_t n)
{
	struct free_walk *f = user;
	for (size_t i = 0; i < n; i++) {
		uint64_t free_bits = ~words[i], lcn = first + i * 64;
		while (free_bits) {
			unsigned len, from = take_run(&free_bits, &len);
			int rc = free_run(f, lcn + from, len);
			if (rc)
				return rc;
		}
	}
	return 0;
}

int cf_mft_free_extents(struct cf_mft *m, int (*fn)(void *user, uint64_t lcn, uint64_t count), void *user, struct cf_error *err)
{
	struct free_walk f = { .fn = fn, .user = user };
	int rc = with_bitmap(m, 0, m->boot.clusters, free_words, &f, err);
	return rc ? rc : f.end > f.begin ? fn(user, f.begin, f.end - f.begin) : 0;
}

struct comparison {
	const struct cf_extent_map *map;
	struct cf_extent_check *check;
};

static void fault_bits(struct cf_extent_check *check, enum cf_extent_fault fault, uint64_t *counter, uint64_t lcn, uint64_t bits)
{
	if (!bits)
		return;
	*counter += (unsigned)__builtin_popcountll(bits);
	while (bits) {
		unsigned len, from = take_run(&bits, &len);
		example(check, (struct cf_extent_example){
				       .fault = fault, .lcn = lcn + from, .count = len, .record = UINT64_MAX, .other = UINT64_MAX });
	}
}

static int compare_words(void *user, uint64_t first, const uint64_t *words, size_t n)
{
	struct comparison *c = user;
	const struct cf_extent_map *map = c->map;
	for (size_t i = 0; i < n; i++) {
		uint64_t at = first + i * 64 - map->first, left = map->count - at;
		uint64_t real = left >= 64 ? UINT64_MAX : mask_of(0, (unsigned)left), owned = map->words[at / 64], marked = words[i] & real;
		c->check->marked += (unsigned)__builtin_popcountll(marked);
		fault_bits(c->check, CF_EXTENT_LOST, &c->check->lost, first + i * 64, marked & ~owned);
		fault_bits(c->check, CF_EXTENT_UNMARKED, &c->check->unmarked, first + i * 64, owned & ~marked);
	}
	return 0;
}

int cf_extent_map_compare(const struct cf_extent_map *map, struct cf_mft *m, struct cf_extent_check *check, struct cf_error *err)
{
	struct comparison c = { map, check };
	check->clusters = m->boot.clusters;
	return with_bitmap(m, map->first, map->count, compare_words, &c, err);
}

/* ---- the whole check ---- */

struct owners {
	struct cf_extent_map *map;
	struct cf_extent_check *check;
};

static int add_file(void *user, const struct cf_mft_file *file)
{
	struct owners *o = user;
	cf_extent_map_add(o->map, file, o->check);
	return 0;
}

/* Names the owners in the examples. */
static int name_owner(void *user, const struct cf_mft_file *file)
{
	struct cf_extent_check *check = user;
	for (size_t i = 0; i < file->stream_count; i++) {
		const struct cf_mft_stream *s = &file->streams[i];
		for (size_t k = 0; k < s->run_count; k++) {
			const struct cf_mft_run *r = &s->runs[k];
			for (unsigned e = 0; r->lcn != CF_MFT_HOLE && e < check->examples; e++) {
				struct cf_extent_example *x = &check->example[e];
				if (x->lcn < r->lcn || x->lcn >= r->lcn + r->count)
					continue;
				if (x->fault == CF_EXTENT_UNMARKED && x->record == UINT64_MAX)
					x->record = file->record;
				if (x->fault == CF_EXTENT_CROSS_LINKED && x->record != file->record && x->other == UINT64_MAX)
					x->other = file->record;
			}
		}
	}
	return 0;
}

int cf_mft_check(struct cf_mft *m, struct cf_extent_check *check, struct cf_error *err)
{
	uint64_t clusters = m->boot.clusters;
	*check = (struct cf_extent_check){ .clusters = clusters };
	for (uint64_t first = 0; first < clusters; first += WINDOW) {
		CF_CLEANUP(cf_extent_map_freep)
		struct cf_extent_map *map = cf_extent_map_new(first, cf_min_u64(WINDOW, clusters - first), err);
		struct owners o = { map, check };
		if (!map || cf_mft_scan(m, add_file, &o, &check->scan, err) < 0 ||
		    cf_extent_map_compare(map, m, check, err) < 0)
			return -1;
	}
	return check->unmarked || check->cross_linked ? cf_mft_scan(m, name_owner, check, NULL, err) : 0;
}

bool cf_extent_check_sound(const struct cf_extent_check *c)
{
	return !c->lost && !c->unmarked && !c->cross_linked && !c->scan.bad && !c->scan.orphans && !c->scan.damaged;
}

static int say(struct cf_buf *b, uint64_t n, const char *one, const char *many)
{
	if (!n)
		return 0;
	return cf_buf_printf(b, "%s%llu %s", b->n ? ", " : "", (unsigned long long)n, n == 1 ? one : many);
}

char *cf_extent_check_text(const struct cf_extent_check *c)
{
	CF_BUF b = { 0 };
	if (cf_extent_check_sound(c) ||
	    say(&b, c->cross_linked, "cluster belongs to more than one file", "clusters belong to more than one file") < 0 ||
	    say(&b, c->unmarked, "cluster of a file is marked as free", "clusters of files are marked as free") < 0 ||
	    say(&b, c->lost, "cluster is marked as used but belongs to no file", "clusters are marked as used but belong to no file") < 0 ||
	    say(&b, c->scan.bad, "MFT record is damaged", "MFT records are damaged") < 0 ||
	    say(&b, c->scan.orphans, "extension record belongs to no file", "extension records belong to no file") < 0 ||
	    say(&b, c->scan.damaged, "file contradicts itself", "files contradict themselves") < 0 || cf_buf_append(&b, "", 1) < 0)
		return NULL;
	return (char *)CF_STEAL(b.p);
}
