/* fuzz-ntfs-move.c - clusters moved on a small NTFS volume from one input, held in memory.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: a byte of options, a number (4 bytes, little-endian) that chooses the moves, then pieces of the volume: the sector where it begins and the
 * count of sectors (2 bytes each), and the bytes. What no piece has is a pattern of its place, so that content that went astray is seen. Option 1: fix-ups
 * are made right first; 2: $Bitmap is made to agree with the files; 4: single moves, whatever may move; else a whole defragmentation.
 *
 * On a volume whose owners agree with $Bitmap (the only one that is ever rearranged) every stream must keep its bytes and $Bitmap must go on
 * agreeing, and a move that fails or finds no room must leave every byte as it was. On others nothing must be touched out of bounds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "space/defrag.h"
#include "tests/random.h"
#include "volume/mft-check.h"
#include "volume/ntfs-move.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTOR 512u
#define SECTORS 4096u
#define MOVES 12
#define SUMS_MAX 8192u

struct volume {
	struct cf_block b;
	uint8_t *p; /* SECTORS * SECTOR bytes */
};

static int volume_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	(void)err;
	memcpy(buf, ((struct volume *)b)->p + off, len);
	return 0;
}

static int volume_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	(void)err;
	memcpy(((struct volume *)b)->p + off, buf, len);
	return 0;
}

static const struct cf_block_ops volume_ops = { .name = "fuzz volume", .read = volume_read, .write = volume_write };

/* As in fuzz-mft. */
static void make_fixups(uint8_t *r)
{
	size_t at = cf_ld16(r + 4), n = 3;
	if (memcmp(r, "FILE", 4) != 0 || at + 2 * n > 510)
		return;
	cf_st16(r + 6, (uint16_t)n);
	for (size_t i = 1; i < n; i++)
		memcpy(r + i * SECTOR - 2, r + at, 2);
}

static void load(struct volume *v, const uint8_t *data, size_t size, uint8_t options)
{
	for (uint32_t i = 0; i < SECTORS; i++)
		for (uint32_t k = 0; k < SECTOR; k += 4)
			cf_st32(v->p + i * SECTOR + k, i << 16 | k | 0x80000000u);
	for (size_t at = 0; at + 4 < size;) {
		size_t first = cf_ld16(data + at), n = cf_ld16(data + at + 2) * (size_t)SECTOR;
		at += 4;
		n = n < size - at ? n : size - at;
		if (first * SECTOR + n > SECTORS * SECTOR)
			return;
		memcpy(v->p + first * SECTOR, data + at, n);
		at += n;
	}
	for (uint32_t i = 0; options & 1 && i + 1 < SECTORS; i++)
		make_fixups(v->p + i * SECTOR);
}

/* ---- what must not change ---- */

struct sum {
	uint64_t record, value;
	uint32_t stream;
};

struct sums {
	struct cf_mft *mft;
	struct sum *of;
	size_t n;
	bool full;
};

static uint64_t mix(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int sum_file(void *user, const struct cf_mft_file *f)
{
	struct sums *s = user;
	static uint8_t part[65536];
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *st = &f->streams[i];
		uint64_t head[] = { st->type, st->flags, st->unit, st->resident, st->size, st->initialized, st->allocated, f->sequence, f->attributes };
		uint64_t h = mix(1469598103934665603u, (const uint8_t *)head, sizeof head);
		/* Where things lie stands in these; what is damaged stays, and may own anything. */
		if (f->damaged || st->damaged || ((f->record < 2 || f->record == CF_NTFS_REC_BITMAP) && st->type == CF_NTFS_AT_DATA))
			continue;
		for (uint64_t off = 0; off < st->size && off < SECTORS * SECTOR; off += sizeof part) {
			size_t n = (size_t)(st->size - off < sizeof part ? st->size - off : sizeof part);
			if (cf_mft_read(s->mft, st, off, part, n, NULL) == 0)
				h = mix(h, part, n);
		}
		if (s->n == SUMS_MAX)
			s->full = true;
		else
			s->of[s->n++] = (struct sum){ f->record, h, (uint32_t)i };
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

static bool sum_up(struct volume *v, struct sums *s)
{
	s->n = 0;
	s->full = false;
	s->mft = cf_mft_open(&v->b, NULL);
	bool good = s->mft && cf_mft_scan(s->mft, sum_file, s, NULL, NULL) == 0;
	cf_mft_close(s->mft);
	if (s->n)
		qsort(s->of, s->n, sizeof *s->of, by_place);
	return good && !s->full;
}

static bool owners_agree(struct volume *v, struct cf_extent_check *check)
{
	struct cf_mft *m = cf_mft_open(&v->b, NULL);
	bool good = m && cf_mft_check(m, check, NULL) == 0 && !check->unmarked && !check->cross_linked;
	cf_mft_close(m);
	return good;
}

/* ---- $Bitmap as the files have it ---- */

struct marking {
	struct volume *v;
	uint8_t bits[SECTORS];
	uint32_t cluster;
	bool write;
};

static int mark(void *user, const struct cf_mft_file *f)
{
	struct marking *m = user;
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *s = &f->streams[i];
		uint64_t done = 0;
		for (size_t k = 0; k < s->run_count; k++) {
			const struct cf_mft_run *r = &s->runs[k];
			if (r->lcn == CF_MFT_HOLE)
				continue;
			if (!m->write) {
				for (uint64_t c = r->lcn; c < r->lcn + r->count && c < SECTORS; c++)
					m->bits[c / 8] |= (uint8_t)(1u << c % 8);
			} else if (f->record == CF_NTFS_REC_BITMAP && s->type == CF_NTFS_AT_DATA && !s->name.n && done < sizeof m->bits) {
				size_t n = (size_t)cf_min_u64(r->count * m->cluster, sizeof m->bits - done);
				if (cf_range_ok(r->lcn * m->cluster, n, SECTORS * SECTOR))
					memcpy(m->v->p + r->lcn * m->cluster, m->bits + done, n);
				done += n;
			}
		}
	}
	return 0;
}

static void make_bitmap(struct volume *v)
{
	struct marking m = { .v = v };
	struct cf_mft *mft = cf_mft_open(&v->b, NULL);
	if (!mft)
		return;
	m.cluster = cf_mft_geometry(mft)->cluster_size;
	for (int i = 0; i < 2; i++, m.write = true)
		if (cf_mft_scan(mft, mark, &m, NULL, NULL) < 0)
			break;
	cf_mft_close(mft);
}

/* ---- single moves ---- */

struct choice {
	uint32_t *random;
	struct cf_move_target target;
	struct cf_move mv[4];
	size_t n;
	uint64_t clusters, found; /* streams seen that could be chosen */
	uint8_t *bits;            /* of $Bitmap as far as it is known: places that are free */
};

/* One of all streams, some of its clusters, to places that are free or (rarely) are not. */
static int choose(void *user, const struct cf_mft_file *f)
{
	struct choice *c = user;
	for (uint32_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *s = &f->streams[i];
		if (s->resident || !s->run_count || f->record < CF_NTFS_REC_FIRST_FREE || next_random(c->random) % ++c->found)
			continue;
		c->target = (struct cf_move_target){ f->record, i };
		c->n = 0;
		uint64_t vcn = 0;
		for (size_t k = next_random(c->random) % s->run_count; k < s->run_count && c->n < CF_ARRAY_LEN(c->mv); k++) {
			const struct cf_mft_run *r = &s->runs[k];
			uint64_t skip = next_random(c->random) % r->count, count = 1 + next_random(c->random) % (r->count - skip);
			if ((r->lcn == CF_MFT_HOLE && next_random(c->random) % 16) || r->vcn + skip < vcn)
				continue;
			uint64_t at = next_random(c->random) % c->clusters, run = 0;
			for (uint64_t tries = 0; tries < c->clusters && run < count; tries++, at = (at + 1) % c->clusters) {
				run = at && !(c->bits[at / 8] >> at % 8 & 1) ? run + 1 : 0;
			}
			if (run < count && next_random(c->random) % 8)
				continue;
			at = run < count ? next_random(c->random) % c->clusters : (at + c->clusters - count) % c->clusters;
			for (uint64_t b = at; b < at + count && b < c->clusters; b++)
				c->bits[b / 8] |= (uint8_t)(1u << b % 8);
			c->mv[c->n++] = (struct cf_move){ r->vcn + skip, count, at };
			vcn = r->vcn + skip + count;
		}
	}
	return 0;
}

static int see_free(void *user, uint64_t lcn, uint64_t count)
{
	struct choice *c = user;
	for (uint64_t b = lcn; b < lcn + count; b++)
		c->bits[b / 8] &= (uint8_t)~(1u << b % 8);
	return 0;
}

static void move_some(struct volume *v, uint32_t random, bool agree)
{
	static uint8_t bits[SECTORS], before[SECTORS * SECTOR];
	struct cf_mover *m = cf_mover_open(&v->b, NULL, NULL);
	for (int i = 0; m && i < MOVES; i++) {
		struct cf_error err = { 0 };
		struct choice c = { .random = &random, .bits = bits, .clusters = cf_mft_geometry(cf_mover_mft(m))->clusters };
		memset(bits, 0xff, sizeof bits);
		if (c.clusters > SECTORS || cf_mft_free_extents(cf_mover_mft(m), see_free, &c, NULL) < 0 ||
		    cf_mft_scan(cf_mover_mft(m), choose, &c, NULL, NULL) < 0)
			break;
		memcpy(before, v->p, sizeof before);
		int fits = c.n ? cf_mover_fits(m, &c.target, c.mv, c.n, &err) : 0;
		int r = c.n ? cf_mover_move(m, &c.target, c.mv, c.n, &err) : 0;
		/* Unless it is done, it has not begun. */
		if (r > 0 ? fits != 1 : agree && memcmp(before, v->p, sizeof before) != 0)
			abort();
	}
	cf_mover_close(m);
}

/* ---- all of it ---- */

static void defragment(struct volume *v, uint32_t random)
{
	struct cf_defrag_options opt = { .consolidate_only = random % 5 == 1, .max_bytes = random % 7 == 1 ? 100000 : 0 };
	struct cf_defrag_io io = { .slice = &v->b, .copy_all = true, .max_held = UINT64_MAX, .max_data = UINT64_MAX };
	struct cf_defrag_figures before, after;
	struct cf_defrag_result result;
	if (random % 3 == 1)
		io.max_held = io.max_data = 1 + random % 60000;
	if (cf_defrag_run(&io, &opt, &before, &after, &result, NULL) == 0 &&
	    (before.free != after.free || before.files != after.files || (opt.max_bytes && result.moved > opt.max_bytes)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[SECTORS * SECTOR];
	static struct sum of[2][SUMS_MAX];
	struct volume v = { .b = { .ops = &volume_ops, .size = sizeof bytes, .sector_size = SECTOR }, .p = bytes };
	struct sums before = { .of = of[0] }, after = { .of = of[1] };
	struct cf_extent_check was, is;
	if (size < 5)
		return 0;
	uint32_t random = cf_ld32(data + 1) | 1;
	load(&v, data + 5, size - 5, data[0]);
	if (data[0] & 2)
		make_bitmap(&v);
	bool agree = owners_agree(&v, &was) && sum_up(&v, &before);
	if (data[0] & 4)
		move_some(&v, random, agree);
	else if (agree)
		defragment(&v, random);
	if (!agree)
		return 0;
	if (!owners_agree(&v, &is) || is.marked != was.marked || is.lost != was.lost || !sum_up(&v, &after) || after.n != before.n)
		abort();
	for (size_t i = 0; i < before.n; i++)
		if (before.of[i].record != after.of[i].record || before.of[i].stream != after.of[i].stream || before.of[i].value != after.of[i].value)
			abort();
	return 0;
}
