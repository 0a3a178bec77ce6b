/* view.c - a disk as it will be once it has grown and parts of it lie elsewhere, without a byte being moved.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans are tried on it: whatever was not there before reads as zeros, and a range that is to be a copy of another reads that other
 * one. Read-only; an overlay on top takes the writes.
 */
#include "block/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"

struct view {
	struct cf_block b;
	struct cf_block *next;
	size_t n;
	struct cf_view_copy copy[CF_VIEW_COPIES];
};

/* How many of the len bytes at off come from one place: *from, or zeros (UINT64_MAX). */
static size_t piece(const struct view *v, uint64_t off, size_t len, uint64_t *from)
{
	uint64_t end = off + len;
	for (size_t i = 0; i < v->n; i++) {
		const struct cf_view_copy *c = &v->copy[i];
		if (off >= c->to && off - c->to < c->len) {
			*from = c->from + (off - c->to);
			return (size_t)cf_min_u64(len, c->len - (off - c->to));
		}
		if (c->to > off)
			end = cf_min_u64(end, c->to);
	}
	*from = off < v->next->size ? off : UINT64_MAX;
	if (off < v->next->size)
		end = cf_min_u64(end, v->next->size);
	return (size_t)(end - off);
}

static int view_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct view *v = (struct view *)b;
	uint8_t *p = buf;
	while (len > 0) {
		uint64_t from;
		size_t n = piece(v, off, len, &from);
		if (from == UINT64_MAX)
			memset(p, 0, n);
		else if (cf_block_read(v->next, from, p, n, err) < 0)
			return -1;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static void view_close(struct cf_block *b)
{
	free(b);
}

static const struct cf_block_ops view_ops = { .name = "view", .read = view_read, .close = view_close };

struct cf_block *cf_view_open(struct cf_block *next, uint64_t size, const struct cf_view_copy *copy, size_t n, struct cf_error *err)
{
	bool fits = size >= next->size && n <= CF_VIEW_COPIES;
	for (size_t i = 0; i < n && fits; i++)
		fits = cf_range_ok(copy[i].from, copy[i].len, next->size) && cf_range_ok(copy[i].to, copy[i].len, size);
	if (!fits) {
		cf_fail(err, CF_E_INTERNAL, "the planned disk is impossible");
		return NULL;
	}
	struct view *v = calloc(1, sizeof *v);
	if (!v) {
		cf_fail_nomem(err);
		return NULL;
	}
	v->b.ops = &view_ops;
	v->b.size = size;
	v->b.sector_size = next->sector_size;
	v->b.read_only = true;
	v->next = next;
	v->n = n;
	if (n)
		memcpy(v->copy, copy, n * sizeof *copy);
	return &v->b;
}
