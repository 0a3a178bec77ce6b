/* file.h - bytes of a raw file, a fixed VHD's data, or a block device.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_FILE_H
#define CF_BLOCK_FILE_H

#include "block/block.h"

/* The bytes [0, size) of fd. Takes fd over in every case, also on failure. path is for messages and copied. Locks held
 * on fd live as long as the block does. */
struct cf_block *cf_raw_open(int fd, const char *path, uint64_t size, uint32_t sector_size, bool read_only,
			      struct cf_error *err);

/* pwrite until everything is written; 0 or -1 with errno. */
int cf_pwrite_all(int fd, const void *buf, size_t len, uint64_t off);

/* pread until len bytes or the end of the file: bytes read, or -1 with errno. */
ssize_t cf_pread_all(int fd, void *buf, size_t len, uint64_t off);

#endif
