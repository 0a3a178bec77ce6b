/* overlay.c - changed blocks in memory over an untouched disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A block is copied up when it is first written; reads compose. Nothing in this file writes to the disk beneath: only
 * commit.c does that. Memory is bounded: max_bytes of blocks, then CF_E_NO_SPACE.
 */
#include "txn/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"

#define DEFAULT_MAX_BYTES CF_GIB

static size_t slot_of(const struct cf_overlay *o, uint64_t index)
{
	uint64_t h = index * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)(h >> 32) & (o->cap - 1);
	while (o->slots[i] && o->slots[i]->index != index)
		i = (i + 1) & (o->cap - 1);
	return i;
}

static struct cf_overlay_block *find(const struct cf_overlay *o, uint64_t index)
{
	return o->n ? o->slots[slot_of(o, index)] : NULL;
}

bool cf_overlay_has(const struct cf_overlay *o, uint64_t index)
{
	return find(o, index) != NULL;
}

static int grow(struct cf_overlay *o, struct cf_error *err)
{
	size_t old_cap = o->cap, cap = old_cap ? old_cap * 2 : 64;
	struct cf_overlay_block **old = o->slots, **slots = calloc(cap, sizeof *slots);
	if (!slots)
		return cf_fail_nomem(err);
	o->slots = slots;
	o->cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i])
			slots[slot_of(o, old[i]->index)] = old[i];
	free(old);
	return 0;
}

/* The block, copied up from the disk unless the caller is about to fill all of it. */
static struct cf_overlay_block *copy_up(struct cf_overlay *o, uint64_t index, bool whole, struct cf_error *err)
{
	struct cf_overlay_block *b = find(o, index);
	if (b)
		return b;
	if ((o->n + 1) * (uint64_t)CF_TXN_BLOCK > o->max_bytes) {
		cf_fail_at(err, CF_E_NO_SPACE, index * CF_TXN_BLOCK,
			   "the change is larger than the %llu MiB that one transaction may hold in memory",
			   (unsigned long long)(o->max_bytes / CF_MIB));
		return NULL;
	}
	if ((o->n + 1) * 4 > o->cap * 3 && grow(o, err) < 0)
		return NULL;
	b = calloc(1, sizeof *b);
	if (!b) {
		cf_fail_nomem(err);
		return NULL;
	}
	b->index = index;
	if (!whole && cf_block_read(o->base, index * CF_TXN_BLOCK, b->data,
				    cf_overlay_length(index, o->block.size), err) < 0) {
		free(b);
		return NULL;
	}
	o->slots[slot_of(o, index)] = b;
	o->n++;
	return b;
}

static int overlay_read(struct cf_block *block, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct cf_overlay *o = (struct cf_overlay *)block;
	uint8_t *p = buf;
	while (len > 0) {
		size_t in = (size_t)(off % CF_TXN_BLOCK);
		size_t n = cf_min_u64(CF_TXN_BLOCK - in, len);
		const struct cf_overlay_block *b = find(o, off / CF_TXN_BLOCK);
		if (b) {
			memcpy(p, b->data + in, n);
		} else {
			while (n < len && !find(o, (off + n) / CF_TXN_BLOCK))
				n = cf_min_u64(n + CF_TXN_BLOCK, len);
			if (cf_block_read(o->base, off, p, n, err) < 0)
				return -1;
		}
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int overlay_write(struct cf_block *block, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct cf_overlay *o = (struct cf_overlay *)block;
	const uint8_t *p = buf;
	while (len > 0) {
		uint64_t index = off / CF_TXN_BLOCK;
		size_t in = (size_t)(off % CF_TXN_BLOCK);
		size_t n = cf_min_u64(CF_TXN_BLOCK - in, len);
		bool whole = in == 0 && n == cf_overlay_length(index, block->size);
		struct cf_overlay_block *b = copy_up(o, index, whole, err);
		if (!b)
			return -1;
		memcpy(b->data + in, p, n);
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int overlay_flush(struct cf_block *block, struct cf_error *err)
{
	(void)block;
	(void)err;
	return 0;
}

static const struct cf_block_ops overlay_ops = {
	.name = "overlay",
	.read = overlay_read,
	.write = overlay_write,
	.flush = overlay_flush,
};

struct cf_txn *cf_txn_begin(struct cf_block *base, uint64_t max_bytes, struct cf_error *err)
{
	struct cf_txn *txn = calloc(1, sizeof *txn);
	if (!txn) {
		cf_fail_nomem(err);
		return NULL;
	}
	struct cf_overlay *o = &txn->overlay;
	o->block.ops = &overlay_ops;
	o->block.size = base->size;
	o->block.sector_size = base->sector_size;
	o->base = base;
	o->max_bytes = max_bytes ? max_bytes : DEFAULT_MAX_BYTES;
	return txn;
}

struct cf_block *cf_txn_block(struct cf_txn *txn)
{
	return &txn->overlay.block;
}

uint64_t cf_txn_held(const struct cf_block *overlay)
{
	return overlay->ops == &overlay_ops ? ((const struct cf_overlay *)overlay)->n * (uint64_t)CF_TXN_BLOCK : 0;
}

void cf_overlay_clear(struct cf_overlay *o)
{
	for (size_t i = 0; i < o->cap; i++)
		free(o->slots[i]);
	free(o->slots);
	o->slots = NULL;
	o->n = o->cap = 0;
}

void cf_txn_end(struct cf_txn *txn)
{
	if (!txn)
		return;
	cf_overlay_clear(&txn->overlay);
	free(txn);
}

static int by_index(const void *a, const void *b)
{
	const struct cf_overlay_block *x = *(struct cf_overlay_block *const *)a;
	const struct cf_overlay_block *y = *(struct cf_overlay_block *const *)b;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Puts exactly the n blocks of list into the table again. */
static void rebuild(struct cf_overlay *o, struct cf_overlay_block **list, size_t n)
{
	memset(o->slots, 0, o->cap * sizeof *o->slots);
	for (size_t i = 0; i < n; i++)
		o->slots[slot_of(o, list[i]->index)] = list[i];
	o->n = n;
}

int cf_overlay_changed(struct cf_overlay *o, struct cf_overlay_block ***sorted, size_t *n, struct cf_error *err)
{
	*sorted = NULL;
	*n = 0;
	if (o->n == 0)
		return 0;
	CF_FREE struct cf_overlay_block **list = calloc(o->n, sizeof(struct cf_overlay_block *));
	if (!list)
		return cf_fail_nomem(err);
	size_t count = 0;
	for (size_t i = 0; i < o->cap; i++)
		if (o->slots[i])
			list[count++] = o->slots[i];
	qsort(list, count, sizeof *list, by_index);

	/* Keep the blocks that differ in front, those that don't behind them, so that an error midway loses nothing. */
	size_t kept = 0;
	int result = 0;
	for (size_t i = 0; i < count; i++) {
		uint8_t disk[CF_TXN_BLOCK];
		uint32_t length = cf_overlay_length(list[i]->index, o->block.size);
		result = cf_block_read(o->base, list[i]->index * CF_TXN_BLOCK, disk, length, err);
		if (result < 0)
			break;
		if (memcmp(disk, list[i]->data, length) == 0) {
			free(list[i]);
			list[i] = NULL;
		} else if (kept != i) {
			list[kept++] = list[i];
			list[i] = NULL;
		} else {
			kept++;
		}
	}
	if (result < 0) {
		size_t all = 0;
		for (size_t i = 0; i < count; i++)
			if (list[i])
				list[all++] = list[i];
		rebuild(o, list, all);
		return -1;
	}
	rebuild(o, list, kept);
	if (kept)
		*sorted = CF_STEAL(list);
	*n = kept;
	return 0;
}

int cf_txn_pending(struct cf_txn *txn, uint64_t *bytes, struct cf_error *err)
{
	CF_FREE struct cf_overlay_block **list = NULL;
	size_t n;
	*bytes = 0;
	if (cf_overlay_changed(&txn->overlay, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		*bytes += cf_overlay_length(list[i]->index, txn->overlay.block.size);
	return 0;
}
