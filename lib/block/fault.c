/* fault.c - a layer that fails on purpose.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Counts reads and writes and fails exactly the chosen one before the device below sees it; everything else passes
 * through unchanged. For tests of error paths.
 */
#include "block/block.h"

struct fault {
	struct cf_block b;
	struct cf_block *next;
	uint64_t reads_left, writes_left; /* 0: never fails (any more) */
};

static int count_down(uint64_t *left, const char *what, uint64_t off, struct cf_error *err)
{
	if (*left == 0 || --*left > 0)
		return 0;
	return cf_fail_at(err, CF_E_IO, off, "%s failed on purpose", what);
}

static int fault_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct fault *f = (struct fault *)b;
	if (count_down(&f->reads_left, "a read", off, err) < 0)
		return -1;
	return cf_block_read(f->next, off, buf, len, err);
}

static int fault_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct fault *f = (struct fault *)b;
	if (count_down(&f->writes_left, "a write", off, err) < 0)
		return -1;
	return cf_block_write(f->next, off, buf, len, err);
}

static int fault_flush(struct cf_block *b, struct cf_error *err)
{
	return cf_block_flush(((struct fault *)b)->next, err);
}

static int fault_read_direct(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct fault *f = (struct fault *)b;
	if (count_down(&f->reads_left, "a read", off, err) < 0)
		return -1;
	return cf_block_read_direct(f->next, off, buf, len, err);
}

static void fault_close(struct cf_block *b)
{
	free(b);
}

static const struct cf_block_ops fault_ops = {
	.name = "fault",
	.read = fault_read,
	.write = fault_write,
	.flush = fault_flush,
	.read_direct = fault_read_direct,
	.close = fault_close,
};

struct cf_block *cf_fault_open(struct cf_block *next, uint64_t fail_read, uint64_t fail_write, struct cf_error *err)
{
	struct fault *f = calloc(1, sizeof *f);
	if (!f) {
		cf_fail_nomem(err);
		return NULL;
	}
	f->b.ops = &fault_ops;
	f->b.size = next->size;
	f->b.sector_size = next->sector_size;
	f->b.read_only = next->read_only;
	f->next = next;
	f->reads_left = fail_read;
	f->writes_left = fail_write;
	return &f->b;
}
