/* image-device.c - an NTFS volume inside a plain file, for libntfs-3g: the helpers' own device.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shares no line with libcoldfix.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "image-device.h"

int image_fd = -1;
int64_t image_base;

static int dev_open(struct ntfs_device *dev, int flags)
{
	NDevSetOpen(dev);
	if ((flags & O_ACCMODE) == O_RDONLY)
		NDevSetReadOnly(dev);
	return 0;
}

static int dev_close(struct ntfs_device *dev)
{
	NDevClearOpen(dev);
	return 0;
}

static s64 dev_seek(struct ntfs_device *dev, s64 offset, int whence)
{
	(void)dev;
	(void)whence;
	return offset;
}

static s64 dev_pread(struct ntfs_device *dev, void *buf, s64 count, s64 offset)
{
	(void)dev;
	return pread(image_fd, buf, (size_t)count, image_base + offset);
}

static s64 dev_pwrite(struct ntfs_device *dev, const void *buf, s64 count, s64 offset)
{
	(void)dev;
	return pwrite(image_fd, buf, (size_t)count, image_base + offset);
}

static s64 dev_noread(struct ntfs_device *dev, void *buf, s64 count)
{
	(void)dev;
	(void)buf;
	(void)count;
	errno = ENOTSUP;
	return -1;
}

static s64 dev_nowrite(struct ntfs_device *dev, const void *buf, s64 count)
{
	(void)buf;
	return dev_noread(dev, NULL, count);
}

static int dev_sync(struct ntfs_device *dev)
{
	NDevClearDirty(dev);
	return 0;
}

static int dev_stat(struct ntfs_device *dev, struct stat *st)
{
	(void)dev;
	return fstat(image_fd, st);
}

static int dev_ioctl(struct ntfs_device *dev, unsigned long request, void *arg)
{
	(void)dev;
	(void)request;
	(void)arg;
	errno = ENOTTY;
	return -1;
}

struct ntfs_device_operations image_ops = {
	.open = dev_open, .close = dev_close, .seek = dev_seek, .read = dev_noread, .write = dev_nowrite,
	.pread = dev_pread, .pwrite = dev_pwrite, .sync = dev_sync, .stat = dev_stat, .ioctl = dev_ioctl,
};
