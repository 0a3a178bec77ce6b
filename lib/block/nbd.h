/* nbd.h - the NBD client: a server's export as a block device.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_NBD_H
#define CF_BLOCK_NBD_H

#include "block/block.h"
#include "block/child.h"

/* False when the build has no libnbd; then the functions below fail with CF_E_UNSUPPORTED. */
bool cf_nbd_available(void);

/* Connects over the connected socket sock to the server child, which opens its image meanwhile. Takes sock, file_fd (see
 * cf_container_open) and the child over in every case. On failure err holds what the child said, if anything. */
struct cf_block *cf_nbd_open_child(int sock, int file_fd, struct cf_child *child, uint32_t sector_size, bool writable,
				   struct cf_error *err);

#endif
