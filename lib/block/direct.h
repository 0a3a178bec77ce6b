/* direct.h - reads and writes past the page cache that go on while the caller does something else.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_DIRECT_H
#define CF_BLOCK_DIRECT_H

#include "block/block.h"

#define CF_DIRECT_ALIGN 4096u /* suits 512- and 4096-byte sectors alike */

struct cf_direct; /* opaque: a thread, and 16 MiB for what is on its way */

/* direct_fd was opened with O_DIRECT, plain_fd is the same file without; for puts both are writable. They are the caller's and stay open as long. NULL: no
 * memory, or no thread can be had. */
struct cf_direct *cf_direct_new(int direct_fd, int plain_fd);

/* Waits for what is on its way. NULL is fine. */
void cf_direct_free(struct cf_direct *d);

/* Begins with a pass (block.h): it is read and shown by the thread. What could not be read this way, be it all, is not marked in
 * pass->shown and is left to the caller. */
void cf_direct_pass(struct cf_direct *d, struct cf_block_pass *pass);

/* Waits until the pass is through, with stop as soon as nothing is on its way. 0, or -1 when see() failed. Nothing was begun: 0. NULL is fine. */
int cf_direct_pass_wait(struct cf_direct *d, bool stop, struct cf_error *err) CF_MUST_CHECK;

/* Takes a copy of len bytes (a multiple of CF_DIRECT_ALIGN, as off is) that are going to be written at off. Neighbours that follow each other become one
 * write. 0, or -1 with errno: then these bytes or earlier ones are not written, and *bad_off says where; so it stays. */
int cf_direct_put(struct cf_direct *d, uint64_t off, const void *buf, size_t len, uint64_t *bad_off) CF_MUST_CHECK;

/* Returns when no put that overlaps [off, off + len) is on its way, however it ended. NULL is fine. */
void cf_direct_wait(struct cf_direct *d, uint64_t off, uint64_t len);

/* Waits for all puts. 0 or -1 as cf_direct_put. NULL is fine. */
int cf_direct_settle(struct cf_direct *d, uint64_t *bad_off) CF_MUST_CHECK;

#endif
