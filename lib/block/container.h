/* container.h - images in a container format, through a QEMU process of our own.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_CONTAINER_H
#define CF_BLOCK_CONTAINER_H

#include "block/probe.h"

struct cf_container {
	const char *path;
	enum cf_disk_format format;
	uint64_t size;        /* raw only: bytes that the guest sees, 0 otherwise */
	uint32_t sector_size; /* of the device that is made */
	bool is_device;       /* the container lies on a block device */
	bool writable, force_share;
	bool allow_backing;   /* QEMU may open the files that the image names */
	bool overlay;         /* send QEMU's own writes (log replay) to a throw-away file; path stays untouched */
};

/* Opens it through a private qemu-nbd. fd: the container's own file for dropping its cached pages before a direct read, taken
 * over in every case; -1: none. CF_E_UNSUPPORTED when libnbd or qemu-nbd is missing, CF_E_IN_USE when QEMU can't lock. */
struct cf_block *cf_container_open(const struct cf_container *c, int fd, struct cf_error *err);

/* True for the schemes of NBD URIs. */
bool cf_is_nbd_uri(const char *path);

/* An NBD server's export as a block device. */
struct cf_block *cf_nbd_open_uri(const char *uri, bool writable, struct cf_error *err);

#endif
