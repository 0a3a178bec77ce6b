/* overlay.h - changed blocks in memory over an untouched disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TXN_OVERLAY_H
#define CF_TXN_OVERLAY_H

#include "block/block.h"
#include "txn/txn.h"

struct cf_overlay_block {
	uint64_t index; /* offset on the disk / CF_TXN_BLOCK */
	uint8_t data[CF_TXN_BLOCK]; /* zero behind the end of the disk */
};

struct cf_overlay {
	struct cf_block block; /* first member: the overlay is a device */
	struct cf_block *base; /* borrowed; only read here */
	struct cf_overlay_block **slots; /* open addressing by index; NULL: free */
	size_t n, cap;                   /* cap is a power of two, or 0 */
	uint64_t max_bytes;
};

struct cf_txn {
	struct cf_overlay overlay;
};

/* Bytes of block index on a disk of size bytes: CF_TXN_BLOCK, or less for a partial last block. */
static inline uint32_t cf_overlay_length(uint64_t index, uint64_t size)
{
	uint64_t left = size - index * CF_TXN_BLOCK;
	return left < CF_TXN_BLOCK ? (uint32_t)left : CF_TXN_BLOCK;
}

/* Forgets the blocks that equal the disk; *sorted (malloc'd, the blocks stay owned by the overlay) receives the others by
 * ascending index, NULL when there are none. Valid until the overlay is written, cleared or freed. */
int cf_overlay_changed(struct cf_overlay *o, struct cf_overlay_block ***sorted, size_t *n,
		       struct cf_error *err) CF_MUST_CHECK;

void cf_overlay_clear(struct cf_overlay *o);

/* Does the overlay hold a copy of this block? */
bool cf_overlay_has(const struct cf_overlay *o, uint64_t index);

#endif
