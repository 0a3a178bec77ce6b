/* series.c - a row of bounded transactions on one disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Here is only what a row adds to a commit: where the next transaction goes in the undo file, and the bytes that go to free
 * space past the journal. Those are on the medium, and compared, before a commit begins that makes anything refer to them.
 */
#include "txn/series.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/overflow.h"
#include "txn/place.h"

#define DEFAULT_MAX_BYTES (64 * CF_MIB)
#define FILL_PIECE ((size_t)CF_BLOCK_RANGE_MAX) /* bytes that are summed, and read back, at a time */
#define BATCH_MAX (32 * CF_MIB) /* bytes that are flushed, and then read back while more is filled */

struct filled {
	uint64_t off;
	uint32_t len; /* at most FILL_PIECE */
	uint64_t sum;
};

/* Pieces that follow each other, read as one. */
struct stretch {
	const struct filled *piece;
	size_t n;
};

/* What has been flushed and is being read back while more is filled. */
struct check {
	struct filled *fill;
	size_t cap_fill, cap;
	struct cf_block_range *range;
	struct stretch *stretch; /* of each range */
	bool *shown;
	struct cf_block_pass pass;
	bool open;
};

struct cf_series {
	struct cf_txn *txn;
	struct cf_txn_place place;
	struct cf_row_end end;
	char *path; /* of the undo file, once it is there */
	struct cf_series_stats stats;
	struct filled *fill;
	size_t n_fill, cap_fill;
	uint64_t filled, batch; /* bytes of fill; how many are checked together */
	struct check check;
};

/* Tells a disk that does not return what it was given, and nothing more: SHA-256 would cost as much time as the copying. Fletcher's two sums in eight lanes of
 * 64 bits (the compiler makes vectors of them), as file systems check their blocks: one changed word always changes the first, words that
 * have changed places the second. p: whole blocks. */
static uint64_t sum_of(const uint8_t *p, size_t len)
{
	typedef uint64_t lanes __attribute__((vector_size(64)));
	const uint64_t prime = UINT64_C(0x9e3779b185ebca87);
	lanes word, first = { 0 }, second = { 0 };
	uint64_t sum = 0;
	for (size_t at = 0; at + sizeof word <= len; at += sizeof word) {
		memcpy(&word, p + at, sizeof word);
		first += word;
		second += first;
	}
	/* Each step can be undone, so no difference is lost here. */
	for (size_t i = 0; i < 2 * sizeof word / sizeof sum; i++) {
		sum = (sum ^ (i % 2 ? first : second)[i / 2]) * prime;
		sum ^= sum >> 29;
	}
	return sum;
}

struct cf_series *cf_series_begin(struct cf_block *base, const struct cf_txn_place *place, uint64_t max_bytes,
				  struct cf_error *err)
{
	CF_FREE struct cf_series *s = calloc(1, sizeof *s);
	if (!s) {
		cf_fail_nomem(err);
		return NULL;
	}
	s->place = *place;
	if (cf_nonce_make(s->end.id, err) < 0)
		return NULL;
	max_bytes = max_bytes ? max_bytes : DEFAULT_MAX_BYTES;
	s->batch = cf_min_u64(BATCH_MAX, max_bytes / 4);
	s->txn = cf_txn_begin(base, max_bytes, err);
	return s->txn ? CF_STEAL(s) : NULL;
}

struct cf_block *cf_series_block(struct cf_series *s)
{
	return cf_txn_block(s->txn);
}

uint64_t cf_series_held(const struct cf_series *s)
{
	return s->txn->overlay.n * (uint64_t)CF_TXN_BLOCK;
}

const struct cf_series_stats *cf_series_stats(const struct cf_series *s)
{
	return &s->stats;
}

static int by_offset(const void *a, const void *b)
{
	const struct filled *x = a, *y = b;
	return x->off < y->off ? -1 : x->off > y->off;
}

static int check_stretch(void *user, size_t i, const uint8_t *buf, struct cf_error *err)
{
	const struct stretch *s = (const struct stretch *)user + i;
	for (size_t k = 0; k < s->n; k++) {
		const struct filled *f = &s->piece[k];
		if (sum_of(buf, f->len) != f->sum)
			return cf_fail_at(err, CF_E_IO, f->off,
					  "the disk does not return what was written at byte %llu; copy it to a sound one",
					  (unsigned long long)f->off);
		buf += f->len;
	}
	return 0;
}

static int grow_check(struct check *c, size_t n)
{
	if (n <= c->cap)
		return 0;
	free(c->range);
	free(c->stretch);
	free(c->shown);
	c->range = calloc(n, sizeof *c->range);
	c->stretch = calloc(n, sizeof *c->stretch);
	c->shown = calloc(n, sizeof *c->shown);
	c->cap = c->range && c->stretch && c->shown ? n : 0;
	return c->cap ? 0 : -1;
}

/* Waits until what is being read back has been compared. */
static int finish_check(struct cf_series *s, struct cf_error *err)
{
	if (!s->check.open)
		return 0;
	s->check.open = false;
	int rc = cf_block_pass_wait(s->txn->overlay.base, &s->check.pass, err);
	if (rc < 0)
		cf_block_pass_end(s->txn->overlay.base, &s->check.pass);
	return rc;
}

static void end_check(struct cf_series *s)
{
	if (s->check.open)
		cf_block_pass_end(s->txn->overlay.base, &s->check.pass);
	s->check.open = false;
}

/* Flushes what was filled so far, and begins to read it back. */
static int begin_check(struct cf_series *s, struct cf_error *err)
{
	struct cf_block *base = s->txn->overlay.base;
	struct check *c = &s->check;
	if (finish_check(s, err) < 0)
		return -1;
	if (s->n_fill == 0)
		return 0;
	if (grow_check(c, s->n_fill) < 0)
		return cf_fail_nomem(err);
	if (cf_stable_disk_flush(base, err) < 0)
		return -1;
	qsort(s->fill, s->n_fill, sizeof *s->fill, by_offset);
	size_t n = 0;
	for (size_t i = 0; i < s->n_fill; i++) {
		const struct filled *f = &s->fill[i];
		if (!n || f->off != c->range[n - 1].off + c->range[n - 1].len || c->range[n - 1].len + f->len > CF_BLOCK_RANGE_MAX) {
			c->range[n] = (struct cf_block_range){ .off = f->off };
			c->shown[n] = false;
			c->stretch[n++] = (struct stretch){ .piece = f };
		}
		c->range[n - 1].len += f->len;
		c->stretch[n - 1].n++;
	}
	/* The pieces stay as they are while they are compared; new ones go to the other list. */
	struct filled *other = c->fill;
	size_t cap = c->cap_fill;
	c->fill = s->fill;
	c->cap_fill = s->cap_fill;
	s->fill = other;
	s->cap_fill = cap;
	s->n_fill = 0;
	s->filled = 0;
	c->pass = (struct cf_block_pass){ .range = c->range, .n = n, .see = check_stretch, .user = c->stretch, .shown = c->shown };
	c->open = true;
	return cf_block_pass_begin(base, &c->pass, err);
}

/* What was written past the journal must be on the medium before anything refers to it. */
static int settle_fill(struct cf_series *s, struct cf_error *err)
{
	return begin_check(s, err) < 0 ? -1 : finish_check(s, err);
}

static int fill_piece(struct cf_series *s, uint64_t off, const uint8_t *p, size_t len, struct cf_error *err)
{
	if (!CF_ROOM(s->fill, s->n_fill, s->cap_fill, 64))
		return cf_fail_nomem(err);
	struct filled *f = &s->fill[s->n_fill];
	f->off = off;
	f->len = (uint32_t)len;
	f->sum = sum_of(p, len);
	if (cf_stable_disk_put(s->txn->overlay.base, off, p, len, err) < 0)
		return -1;
	s->n_fill++;
	s->filled += len;
	s->stats.bytes_written += len;
	return s->filled >= s->batch ? begin_check(s, err) : 0;
}

int cf_series_fill(struct cf_series *s, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct cf_overlay *o = &s->txn->overlay;
	const uint8_t *p = buf;
	if (!s->place.no_undo)
		return cf_block_write(&o->block, off, buf, len, err);
	if (!cf_range_ok(off, len, o->block.size))
		return cf_fail_at(err, CF_E_IO, off, "writing %zu bytes would reach beyond the end of the disk", len);
	while (len > 0) {
		size_t in = (size_t)(off % CF_TXN_BLOCK), n = cf_min_u64(CF_TXN_BLOCK - in, len);
		/* Part of a block, or one that the transaction holds a copy of, goes with the transaction. */
		bool direct = in == 0 && n == CF_TXN_BLOCK && !cf_overlay_has(o, off / CF_TXN_BLOCK);
		while (direct && n < FILL_PIECE && len - n >= CF_TXN_BLOCK && !cf_overlay_has(o, (off + n) / CF_TXN_BLOCK))
			n += CF_TXN_BLOCK;
		if ((direct ? fill_piece(s, off, p, n, err) : cf_block_write(&o->block, off, p, n, err)) < 0)
			return -1;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

int cf_series_fill_new(struct cf_series *s, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	const struct cf_overlay *o = &s->txn->overlay;
	if (len == 0 || len > FILL_PIECE || off % CF_TXN_BLOCK || !cf_range_ok(off, len, o->block.size))
		return cf_fail_at(err, CF_E_INTERNAL, off, "%zu bytes can't be put there", len);
	for (uint64_t i = off / CF_TXN_BLOCK; i * CF_TXN_BLOCK < off + len; i++)
		if (cf_overlay_has(o, i))
			return cf_block_write(&s->txn->overlay.block, off, buf, len, err);
	return fill_piece(s, off, buf, len, err);
}

int cf_series_check_place(struct cf_series *s, uint64_t bytes, uint64_t transactions, size_t n_prints, uint64_t *need,
			  struct cf_error *err)
{
	uint64_t blocks = bytes / CF_TXN_BLOCK + 2 * transactions, each = cf_journal_size(1, n_prints), total;
	/* Of each transaction the headers; of each block its image and its record. */
	if (cf_mul_overflow(each, transactions, &total) || cf_add_overflow(total, blocks * (CF_TXN_BLOCK + 192), &total))
		return cf_fail(err, CF_E_NO_SPACE, "the undo file would be larger than any file can be");
	if (need)
		*need = s->place.no_undo ? 0 : total;
	return cf_place_check_new(&s->place, s->place.no_undo ? each : total, err);
}

int cf_series_commit(struct cf_series *s, const struct cf_txn_fingerprint *prints, size_t n_prints, struct cf_error *err)
{
	CF_FREE char *path = NULL;
	struct cf_txn_stats stats = { 0 };
	struct cf_txn_place place = s->place;
	if (settle_fill(s, err) < 0)
		return -1;
	if (s->path)
		place.undo_file = s->path;
	if (cf_txn_commit_row(s->txn, &place, s->place.no_undo ? NULL : &s->end, prints, n_prints, &path, &stats, err) < 0)
		return -1;
	if (stats.blocks == 0)
		return 0;
	s->stats.transactions++;
	s->stats.bytes_written += stats.bytes_written;
	if (s->place.no_undo)
		return 0;
	s->end.number++;
	s->end.at += stats.undo_bytes;
	s->stats.undo_bytes = s->end.at;
	if (!s->path)
		s->stats.undo_file = s->path = CF_STEAL(path);
	return 0;
}

void cf_series_drop(struct cf_series *s)
{
	end_check(s);
	cf_overlay_clear(&s->txn->overlay);
	s->n_fill = 0;
	s->filled = 0;
}

void cf_series_end(struct cf_series *s)
{
	if (!s)
		return;
	end_check(s);
	cf_txn_end(s->txn);
	free(s->path);
	free(s->fill);
	free(s->check.fill);
	free(s->check.range);
	free(s->check.stretch);
	free(s->check.shown);
	free(s);
}
