/* block.h - a block device is a vtable, and features are layers.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything above reads and writes bytes of a guest disk through struct cf_block, at any offset and length inside
 * [0, size): a backend that needs alignment handles it itself. A layer (slice, overlay, fault) is another cf_block
 * that knows only the next one. Who creates a layer closes it; closing a layer never closes the one beneath, unless
 * its constructor says so. Not thread-safe.
 */
#ifndef CF_BLOCK_BLOCK_H
#define CF_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cf_block;

#define CF_BLOCK_RANGE_MAX (1024u * 1024) /* bytes of one of the ranges of a cf_block_pass */

struct cf_block_range {
	uint64_t off;
	size_t len;
};

/* Ranges that are to be read back past the cache. Owned by the caller, with its arrays; zero it before use. */
struct cf_block_pass {
	const struct cf_block_range *range; /* each of 1 to CF_BLOCK_RANGE_MAX bytes */
	size_t n;
	/* Told of range i and its bytes, once for each, in any order, maybe by another thread. 0, or -1 with err: then the pass is to be ended. */
	int (*see)(void *user, size_t i, const uint8_t *buf, struct cf_error *err);
	void *user;
	bool *shown; /* n of them, false at first; not to be looked at before the pass has been waited for */
};

struct cf_block_ops {
	const char *name;
	/* Ranges are checked before these are called; len > 0. 0 or -1 with err. */
	int (*read)(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err);
	int (*write)(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err);
	/* Begins to write a copy of the bytes. Reads and writes of the same bytes wait for it; an error comes with any later put, or with flush. NULL: write
	 * does it. */
	int (*put)(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err);
	/* Everything written so far is on stable storage when this returns 0. */
	int (*flush)(struct cf_block *b, struct cf_error *err);
	/* Reads what the medium holds, past the page cache where that can be done; NULL: read does. */
	int (*read_direct)(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err);
	/* Begins to read a pass in the background. NULL: nothing is begun. */
	void (*pass_begin)(struct cf_block *b, struct cf_block_pass *p);
	/* Returns when what was begun is shown, or with stop as soon as nothing is on its way. What is not shown then is read by read_direct. 0, or -1 when
	 * see() failed. NULL: all of it is. */
	int (*pass_wait)(struct cf_block *b, struct cf_block_pass *p, bool stop, struct cf_error *err);
	/* Where bytes that may differ from zero lie: fills the first such range that ends behind off, clipped to
	 * [off, size); start == size: only zeros follow. NULL: everything may. Only a hint for speed: never fails. */
	void (*next_data)(struct cf_block *b, uint64_t off, uint64_t *start, uint64_t *end);
	void (*close)(struct cf_block *b);
};

/* First member of every backend's own struct. */
struct cf_block {
	const struct cf_block_ops *ops;
	uint64_t size;        /* bytes that the guest sees */
	uint32_t sector_size; /* logical sector: 512 or 4096 */
	bool read_only;
	uint64_t bytes_read, bytes_written; /* counted by cf_block_read/cf_block_write */
};

/* Range-checked access; CF_E_IO with the offset when the range is outside or the backend fails. */
int cf_block_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
int cf_block_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
/* For many bytes that nobody reads again soon: may return before they are written, and leaves them out of the cache. An error may come with a
 * later put instead, and comes with the flush at the latest; then nothing of what was put since the last flush can be relied on. */
int cf_block_put(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
int cf_block_flush(struct cf_block *b, struct cf_error *err) CF_MUST_CHECK;
int cf_block_read_direct(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
/* Begins to read the ranges of a pass, which were flushed since they were written, past the cache, in the background where the device can do that. A device has
 * one pass at a time; one that was begun is waited for or ended before its arrays go or its ranges are written. CF_E_IO when a range is outside. */
int cf_block_pass_begin(struct cf_block *b, struct cf_block_pass *p, struct cf_error *err) CF_MUST_CHECK;

/* Returns when all is shown; a pass that was not begun is read now. CF_E_IO as for a single direct read, or what see() failed with. */
int cf_block_pass_wait(struct cf_block *b, struct cf_block_pass *p, struct cf_error *err) CF_MUST_CHECK;

/* Shows no more, and waits for what is on its way. */
void cf_block_pass_end(struct cf_block *b, struct cf_block_pass *p);
void cf_block_close(struct cf_block *b); /* NULL is fine */
static inline void cf_block_closep(struct cf_block **b)
{
	cf_block_close(*b);
}

/* The next range at or behind off that may hold something else than zeros; *start == size: there is none. */
void cf_block_next_data(struct cf_block *b, uint64_t off, uint64_t *start, uint64_t *end);

/* The bytes [start, start+len) of next as a device of their own; keeps no reference count: close before next. */
struct cf_block *cf_slice_open(struct cf_block *next, uint64_t start, uint64_t len, struct cf_error *err);

/* A device in memory (tests, small images). Copies bytes (NULL: zeros); writable. */
struct cf_block *cf_memory_open(const void *bytes, uint64_t size, uint32_t sector_size, struct cf_error *err);

/* A layer that fails on purpose (tests): the nth read (direct ones count) or write from now on fails with CF_E_IO, those
 * before and after it work; 0: never. */
struct cf_block *cf_fault_open(struct cf_block *next, uint64_t fail_read, uint64_t fail_write, struct cf_error *err);

#endif
