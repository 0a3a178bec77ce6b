/* ntfs-device.c - libntfs-3g on our block layer: its device operations, mounting and unmounting.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every byte that libntfs-3g reads or writes passes through struct cf_ntfs_io. A mount writes nothing: a read-only one because of
 * NTFS_MNT_RDONLY, a writable one because NTFS_MNT_FORENSIC skips the library's own checks and repairs (our own checks take their
 * place) and because io.writable stays false until those have passed.
 */
#include "volume/ntfs-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <linux/fs.h>

#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/logging.h>

static struct cf_ntfs_io *io_of(struct ntfs_device *dev)
{
	return dev->d_private;
}

static int dev_open(struct ntfs_device *dev, int flags)
{
	if (NDevOpen(dev)) {
		errno = EBUSY;
		return -1;
	}
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
	struct cf_ntfs_io *io = io_of(dev);
	s64 base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? (s64)io->position : (s64)io->slice->size;
	if (cf_add_overflow(base, offset, &base) || base < 0 || (uint64_t)base > io->slice->size) {
		errno = EINVAL;
		return -1;
	}
	io->position = (uint64_t)base;
	return base;
}

/* Bytes of [offset, offset+count) that lie on the slice. */
static size_t clamp(const struct cf_ntfs_io *io, s64 count, s64 offset)
{
	if (count <= 0 || offset < 0 || (uint64_t)offset >= io->slice->size)
		return 0;
	return (size_t)cf_min_u64((uint64_t)count, io->slice->size - (uint64_t)offset);
}

static s64 dev_pread(struct ntfs_device *dev, void *buf, s64 count, s64 offset)
{
	struct cf_ntfs_io *io = io_of(dev);
	size_t n = clamp(io, count, offset);
	if (n && cf_block_read(io->slice, (uint64_t)offset, buf, n, &io->error) < 0) {
		io->failed = true;
		errno = EIO;
		return -1;
	}
	return (s64)n;
}

static s64 dev_pwrite(struct ntfs_device *dev, const void *buf, s64 count, s64 offset)
{
	struct cf_ntfs_io *io = io_of(dev);
	if (!io->writable || NDevReadOnly(dev)) {
		errno = EROFS;
		return -1;
	}
	size_t n = clamp(io, count, offset);
	if (count > 0 && n < (size_t)count) {
		cf_fail_at(&io->error, CF_E_IO, (uint64_t)offset, "the file system wrote beyond the end of its partition");
		io->failed = io->write_failed = true;
		errno = EIO;
		return -1;
	}
	NDevSetDirty(dev);
	if (n && cf_block_write(io->slice, (uint64_t)offset, buf, n, &io->error) < 0) {
		io->failed = io->write_failed = true;
		errno = EIO;
		return -1;
	}
	return (s64)n;
}

static s64 dev_read(struct ntfs_device *dev, void *buf, s64 count)
{
	s64 n = dev_pread(dev, buf, count, (s64)io_of(dev)->position);
	if (n > 0)
		io_of(dev)->position += (uint64_t)n;
	return n;
}

static s64 dev_write(struct ntfs_device *dev, const void *buf, s64 count)
{
	s64 n = dev_pwrite(dev, buf, count, (s64)io_of(dev)->position);
	if (n > 0)
		io_of(dev)->position += (uint64_t)n;
	return n;
}

static int dev_sync(struct ntfs_device *dev)
{
	struct cf_ntfs_io *io = io_of(dev);
	if (!NDevDirty(dev))
		return 0;
	if (cf_block_flush(io->slice, &io->error) < 0) {
		io->failed = io->write_failed = true;
		errno = EIO;
		return -1;
	}
	NDevClearDirty(dev);
	return 0;
}

static int dev_stat(struct ntfs_device *dev, struct stat *st)
{
	memset(st, 0, sizeof *st);
	st->st_mode = S_IFREG | 0600;
	st->st_size = (off_t)io_of(dev)->slice->size;
	return 0;
}

static int dev_ioctl(struct ntfs_device *dev, unsigned long request, void *argp)
{
	if (request == BLKGETSIZE64) {
		memcpy(argp, &io_of(dev)->slice->size, sizeof(uint64_t));
		return 0;
	}
	errno = ENOTTY;
	return -1;
}

static struct ntfs_device_operations device_ops = {
	.open = dev_open,
	.close = dev_close,
	.seek = dev_seek,
	.read = dev_read,
	.write = dev_write,
	.pread = dev_pread,
	.pwrite = dev_pwrite,
	.sync = dev_sync,
	.stat = dev_stat,
	.ioctl = dev_ioctl,
};

int cf_ntfs_fail(struct cf_ntfs *n, struct cf_error *err, int errno_value, const char *what, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, what);
	vsnprintf(text, sizeof text, what, ap);
	va_end(ap);
	if (n->io.failed) {
		n->io.failed = false;
		if (err)
			*err = n->io.error;
		return cf_fail_prefix(err, "%s", text);
	}
	switch (errno_value) {
	case ENOENT:
		return cf_fail(err, CF_E_NOT_FOUND, "%s: there is no such thing", text);
	case ENOSPC:
		return cf_fail(err, CF_E_NO_SPACE, "%s: the volume is full", text);
	case ENOMEM:
		return cf_fail_nomem(err);
	case EROFS:
		return cf_fail(err, CF_E_READ_ONLY, "%s: the volume is open for reading only", text);
	case EOPNOTSUPP:
		return cf_fail_errno(err, CF_E_UNSUPPORTED, errno_value, "%s", text);
	default:
		return cf_fail(err, CF_E_CORRUPT, "%s: the NTFS structures are damaged; run chkdsk on it", text);
	}
}

int cf_ntfs_mount(struct cf_ntfs *n, bool writable, struct cf_error *err)
{
	/* The library logs to stderr unless told otherwise; libcoldfix never prints. */
	ntfs_log_set_handler(ntfs_log_handler_null);
	struct ntfs_device *dev = ntfs_device_alloc("coldfix", 0, &device_ops, &n->io);
	if (!dev)
		return cf_fail_nomem(err);
	errno = 0;
	n->nv = ntfs_device_mount(dev, writable ? NTFS_MNT_FORENSIC : NTFS_MNT_RDONLY);
	if (!n->nv) {
		int e = errno;
		ntfs_device_free(dev); /* it was closed, but not freed */
		return cf_ntfs_fail(n, err, e, "can't open the NTFS volume");
	}
	n->upcase = (const uint8_t *)n->nv->upcase;
	n->upcase_units = n->nv->upcase_len;
	return 0;
}

int cf_ntfs_unmount(struct cf_ntfs *n, struct cf_error *err)
{
	if (!n->nv)
		return 0;
	errno = 0;
	int rc = ntfs_umount(n->nv, FALSE), e = errno; /* closes and frees the device, also when it fails */
	n->nv = NULL;
	if (n->io.write_failed) {
		if (err)
			*err = n->io.error;
		return cf_fail_prefix(err, "can't write the NTFS volume");
	}
	return rc ? cf_ntfs_fail(n, err, e, "can't close the NTFS volume") : 0;
}

bool cf_ntfs_dirty_flag(struct cf_ntfs *n)
{
	return (cf_ld16(&n->nv->flags) & 1) != 0;
}
