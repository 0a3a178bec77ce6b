/* view.h - a disk as it will be once it has grown and parts of it lie elsewhere, without a byte being moved.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_VIEW_H
#define CF_BLOCK_VIEW_H

#include "block/block.h"

#define CF_VIEW_COPIES 16u

/* The len bytes at `to` (bytes on the view) read as those at `from` on the disk beneath. */
struct cf_view_copy {
	uint64_t from, to, len;
};

/* size: bytes, at least those of next; what lies behind next's end reads as zeros. Read-only. next is borrowed. */
struct cf_block *cf_view_open(struct cf_block *next, uint64_t size, const struct cf_view_copy *copy, size_t n, struct cf_error *err);

#endif
