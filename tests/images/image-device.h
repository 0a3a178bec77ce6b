/* image-device.h - an NTFS volume inside a plain file, for libntfs-3g.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef IMAGE_DEVICE_H
#define IMAGE_DEVICE_H

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>

extern int image_fd;        /* set before ntfs_device_mount; opened read-only, nothing can be written */
extern int64_t image_base;  /* bytes from the start of the file to the volume */
extern struct ntfs_device_operations image_ops;

#endif
