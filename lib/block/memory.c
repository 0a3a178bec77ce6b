/* memory.c - a block device in memory.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Owns a private copy of the bytes it was made from; what is written is seen by nobody else and is gone when it closes.
 */
#include "block/block.h"

#include <string.h>

struct memory {
	struct cf_block b;
	uint8_t bytes[];
};

static int memory_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	(void)err;
	memcpy(buf, ((struct memory *)b)->bytes + off, len);
	return 0;
}

static int memory_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	(void)err;
	memcpy(((struct memory *)b)->bytes + off, buf, len);
	return 0;
}

static void memory_close(struct cf_block *b)
{
	free(b);
}

static const struct cf_block_ops memory_ops = {
	.name = "memory",
	.read = memory_read,
	.write = memory_write,
	.close = memory_close,
};

struct cf_block *cf_memory_open(const void *bytes, uint64_t size, uint32_t sector_size, struct cf_error *err)
{
	struct memory *m = size <= SIZE_MAX - sizeof *m ? calloc(1, sizeof *m + (size_t)size) : NULL;
	if (!m) {
		cf_fail_nomem(err);
		return NULL;
	}
	m->b.ops = &memory_ops;
	m->b.size = size;
	m->b.sector_size = sector_size;
	if (bytes && size)
		memcpy(m->bytes, bytes, (size_t)size);
	return &m->b;
}
