/* device.h - what a block device says about itself.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_DEVICE_H
#define CF_BLOCK_DEVICE_H

#include <sys/stat.h>

#include "block/disk.h"
#include "block/inuse.h"

/* Size in bytes and logical sector size of the open block device. */
int cf_device_size(int fd, uint64_t *size, uint32_t *sector_size, struct cf_error *err) CF_MUST_CHECK;

/* Fills model, serial, lun and id of disk for the device st (which is at path). Only a lack of memory is an error. */
int cf_device_identify(struct cf_disk *disk, const struct stat *st, const char *path, const struct cf_kernel_view *view,
		       struct cf_error *err) CF_MUST_CHECK;

/* Malloc'd name that is safe as a folder name and stable: prefix, text with odd characters replaced, and, when it had to
 * be changed or shortened, a hash of the original. */
char *cf_disk_id_from(const char *prefix, const char *text);

#endif
