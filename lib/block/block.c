/* block.c - the checked way into every block device.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No backend sees a range outside [0, size), an empty one, or a write when it is read-only: that is decided here, once.
 * Nothing is cached.
 */
#include "block/block.h"

#include <stdlib.h>

#include "base/overflow.h"

static int check_range(const struct cf_block *b, uint64_t off, size_t len, const char *verb, struct cf_error *err)
{
	if (cf_range_ok(off, len, b->size))
		return 0;
	return cf_fail_at(err, CF_E_IO, off, "%s %zu bytes at offset %llu reaches beyond the end of the disk (%llu bytes)",
			  verb, len, (unsigned long long)off, (unsigned long long)b->size);
}

int cf_block_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	if (check_range(b, off, len, "reading", err) < 0)
		return -1;
	if (len == 0)
		return 0;
	if (b->ops->read(b, off, buf, len, err) < 0)
		return -1;
	b->bytes_read += len;
	return 0;
}

typedef int write_fn(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err);

static int checked_write(struct cf_block *b, write_fn *fn, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	if (b->read_only || !fn)
		return cf_fail_at(err, CF_E_READ_ONLY, off, "the disk is open for reading only");
	if (check_range(b, off, len, "writing", err) < 0)
		return -1;
	if (len == 0)
		return 0;
	if (fn(b, off, buf, len, err) < 0)
		return -1;
	b->bytes_written += len;
	return 0;
}

int cf_block_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	return checked_write(b, b->ops->write, off, buf, len, err);
}

int cf_block_put(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	return checked_write(b, b->ops->put ? b->ops->put : b->ops->write, off, buf, len, err);
}

int cf_block_flush(struct cf_block *b, struct cf_error *err)
{
	return b->ops->flush ? b->ops->flush(b, err) : 0;
}

int cf_block_read_direct(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	if (!b->ops->read_direct)
		return cf_block_read(b, off, buf, len, err);
	if (check_range(b, off, len, "reading", err) < 0)
		return -1;
	if (len == 0)
		return 0;
	if (b->ops->read_direct(b, off, buf, len, err) < 0)
		return -1;
	b->bytes_read += len;
	return 0;
}

static int check_pass(const struct cf_block *b, const struct cf_block_pass *p, struct cf_error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->range[i].len == 0 || p->range[i].len > CF_BLOCK_RANGE_MAX)
			return cf_fail_at(err, CF_E_INTERNAL, p->range[i].off, "%zu bytes can't be read at once", p->range[i].len);
		if (check_range(b, p->range[i].off, p->range[i].len, "reading", err) < 0)
			return -1;
	}
	return 0;
}

int cf_block_pass_begin(struct cf_block *b, struct cf_block_pass *p, struct cf_error *err)
{
	if (check_pass(b, p, err) < 0)
		return -1;
	if (b->ops->pass_begin)
		b->ops->pass_begin(b, p);
	return 0;
}

int cf_block_pass_wait(struct cf_block *b, struct cf_block_pass *p, struct cf_error *err)
{
	if (check_pass(b, p, err) < 0 || (b->ops->pass_wait && b->ops->pass_wait(b, p, false, err) < 0))
		return -1;
	CF_FREE uint8_t *buf = malloc(CF_BLOCK_RANGE_MAX);
	if (!buf)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < p->n; i++) {
		if (p->shown[i])
			continue;
		if (cf_block_read_direct(b, p->range[i].off, buf, p->range[i].len, err) < 0)
			return -1;
		p->shown[i] = true;
		if (p->see(p->user, i, buf, err) < 0)
			return -1;
	}
	return 0;
}

void cf_block_pass_end(struct cf_block *b, struct cf_block_pass *p)
{
	struct cf_error ignored;
	if (b->ops->pass_wait && b->ops->pass_wait(b, p, true, &ignored) < 0)
		return; /* who ends a pass has given up on what it shows */
}

void cf_block_next_data(struct cf_block *b, uint64_t off, uint64_t *start, uint64_t *end)
{
	*start = cf_min_u64(off, b->size);
	*end = b->size;
	if (off >= b->size || !b->ops->next_data)
		return;
	b->ops->next_data(b, off, start, end);
	/* A hint that makes no progress or leaves the device would make a copy loop or lose bytes: then all is data. */
	if (*start < off || *start > b->size || *end > b->size || (*end <= *start && *start != b->size)) {
		*start = off;
		*end = b->size;
	}
}

void cf_block_close(struct cf_block *b)
{
	if (b)
		b->ops->close(b);
}
