/* direct.h - reads past the page cache, several at a time.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_DIRECT_H
#define CF_BLOCK_DIRECT_H

#include "block/block.h"

#define CF_DIRECT_ALIGN 4096u /* suits 512- and 4096-byte sectors alike */

struct cf_direct; /* opaque: what the kernel needs for reads in the background, and at most 16 MiB for what they bring */

/* NULL: the kernel has no such reads, or there is no memory. */
struct cf_direct *cf_direct_new(void);

/* Waits for what is on its way. NULL is fine. */
void cf_direct_free(struct cf_direct *d);

/* Goes on with a pass (block.h) by reads from fd, which was opened with O_DIRECT. With wait until none is on its way. What could not be read this way is
 * not marked in pass->shown and is left to the caller. 0, or -1 when see() failed. */
int cf_direct_go(struct cf_direct *d, int fd, struct cf_block_pass *pass, bool wait, struct cf_error *err) CF_MUST_CHECK;

#endif
