/* slice.c - a part of a block device as a device of its own.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The part was checked to lie inside the device below when it was made, so start + off cannot overflow afterwards. Every
 * access goes through the checked functions of the device below, which also count it.
 */
#include "block/block.h"

#include "base/overflow.h"

struct slice {
	struct cf_block b;
	struct cf_block *next;
	uint64_t start;
};

static int slice_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct slice *s = (struct slice *)b;
	return cf_block_read(s->next, s->start + off, buf, len, err);
}

static int slice_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct slice *s = (struct slice *)b;
	return cf_block_write(s->next, s->start + off, buf, len, err);
}

static int slice_flush(struct cf_block *b, struct cf_error *err)
{
	return cf_block_flush(((struct slice *)b)->next, err);
}

static int slice_read_direct(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct slice *s = (struct slice *)b;
	return cf_block_read_direct(s->next, s->start + off, buf, len, err);
}

static void slice_next_data(struct cf_block *b, uint64_t off, uint64_t *start, uint64_t *end)
{
	struct slice *s = (struct slice *)b;
	cf_block_next_data(s->next, s->start + off, start, end);
	*start = cf_min_u64(*start - s->start, b->size);
	*end = cf_min_u64(*end - s->start, b->size);
}

static void slice_close(struct cf_block *b)
{
	free(b);
}

static const struct cf_block_ops slice_ops = {
	.name = "slice",
	.read = slice_read,
	.write = slice_write,
	.flush = slice_flush,
	.read_direct = slice_read_direct,
	.next_data = slice_next_data,
	.close = slice_close,
};

struct cf_block *cf_slice_open(struct cf_block *next, uint64_t start, uint64_t len, struct cf_error *err)
{
	if (!cf_range_ok(start, len, next->size)) {
		cf_fail_at(err, CF_E_CORRUPT, start, "a part of %llu bytes at offset %llu does not lie inside the disk (%llu bytes)",
			   (unsigned long long)len, (unsigned long long)start, (unsigned long long)next->size);
		return NULL;
	}
	struct slice *s = calloc(1, sizeof *s);
	if (!s) {
		cf_fail_nomem(err);
		return NULL;
	}
	s->b.ops = &slice_ops;
	s->b.size = len;
	s->b.sector_size = next->sector_size;
	s->b.read_only = next->read_only;
	s->next = next;
	s->start = start;
	return &s->b;
}
