/* file.c - raw files, fixed VHDs and block devices, read and written in place.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's byte n is the file's byte n; what follows the guest's bytes (a VHD footer) is out of reach. Written bytes
 * are in the page cache until flush. Once the kernel has reported a failed flush, every later one fails too: it reports
 * lost writes only once, and "synced" must never be claimed after that. read_direct goes round the page cache.
 */
#include "block/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/overflow.h"
#include "block/direct.h"

#define DIRECT_ALIGN CF_DIRECT_ALIGN
#define DIRECT_CHUNK (256u * 1024)   /* bytes of the bounce buffer */
#define WRITE_BEHIND (8u * 1024 * 1024)

struct file_block {
	struct cf_block b;
	int fd;
	int direct_fd;     /* the same file with O_DIRECT, -1: not opened */
	bool direct_tried;
	bool no_background; /* neither that nor threads can be had */
	struct cf_direct *direct; /* made by the first pass or put */
	int flush_errno;   /* of the first flush that failed */
	size_t behind;     /* bytes written since the kernel was last asked to begin with them */
	char *path;
};

int cf_pwrite_all(int fd, const void *buf, size_t len, uint64_t off)
{
	const uint8_t *p = buf;
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return -1;
		}
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t cf_pread_all(int fd, void *buf, size_t len, uint64_t off)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(fd, (uint8_t *)buf + done, len - done, (off_t)(off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int read_failed(struct file_block *f, uint64_t off, size_t len, ssize_t got, struct cf_error *err)
{
	if (got < 0)
		cf_fail_errno(err, CF_E_IO, errno, "can't read %zu bytes at offset %llu", len, (unsigned long long)off);
	else
		cf_fail(err, CF_E_IO, "the file ends at offset %llu, where %zu more bytes were expected: it was cut short",
			(unsigned long long)(off + (uint64_t)got), len - (size_t)got);
	if (err) {
		err->offset = off;
		err->has_offset = 1;
	}
	return cf_fail_path(err, f->path);
}

static int file_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct file_block *f = (struct file_block *)b;
	cf_direct_wait(f->direct, off, len);
	ssize_t n = cf_pread_all(f->fd, buf, len, off);
	return n == (ssize_t)len ? 0 : read_failed(f, off, len, n, err);
}

/* Lets the disk begin with what was written, so that it does not stand idle until the flush. Nothing is waited for and no promise is made: the kernel
 * may write these pages at any time anyway, and it keeps an error for the flush. */
static void begin_writing(struct file_block *f, size_t len)
{
	f->behind += len;
	if (f->behind < WRITE_BEHIND)
		return;
	f->behind = 0;
	(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int write_failed(const struct file_block *f, int e, uint64_t off, struct cf_error *err)
{
	bool full = e == ENOSPC || e == EDQUOT;
	cf_fail_errno(err, full ? CF_E_NO_SPACE : CF_E_IO, e, "can't write at offset %llu", (unsigned long long)off);
	if (err) {
		err->offset = off;
		err->has_offset = 1;
	}
	return cf_fail_path(err, f->path);
}

static int file_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct file_block *f = (struct file_block *)b;
	cf_direct_wait(f->direct, off, len);
	if (cf_pwrite_all(f->fd, buf, len, off) < 0)
		return write_failed(f, errno, off, err);
	begin_writing(f, len);
	return 0;
}

static int file_flush(struct cf_block *b, struct cf_error *err)
{
	struct file_block *f = (struct file_block *)b;
	uint64_t bad_off;
	if (cf_direct_settle(f->direct, &bad_off) < 0)
		return write_failed(f, errno, bad_off, err);
	if (!f->flush_errno && fdatasync(f->fd) < 0 && errno != EINVAL)
		f->flush_errno = errno;
	if (!f->flush_errno)
		return 0;
	bool full = f->flush_errno == ENOSPC || f->flush_errno == EDQUOT;
	cf_fail_errno(err, full ? CF_E_NO_SPACE : CF_E_IO, f->flush_errno, "what was written did not reach the disk");
	return cf_fail_path(err, f->path);
}

/* Opens the same file once more: /proc/self/fd names the inode, so a renamed file can't lead elsewhere. */
static void open_direct(struct file_block *f)
{
	char name[40];
	f->direct_tried = true;
	snprintf(name, sizeof name, "/proc/self/fd/%d", f->fd);
	f->direct_fd = open(name, (f->b.read_only ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC);
}

static struct cf_direct *background(struct file_block *f)
{
	if (!f->direct_tried)
		open_direct(f);
	if (!f->direct && !f->no_background && f->direct_fd >= 0) {
		f->direct = cf_direct_new(f->direct_fd, f->fd);
		f->no_background = !f->direct;
		/* Who moves bytes reads what lies anywhere: reading ahead would only fetch what nobody asks for. */
		(void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_RANDOM);
	}
	return f->direct;
}

static int file_put(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct file_block *f = (struct file_block *)b;
	uint64_t bad_off;
	if (off % CF_DIRECT_ALIGN || len % CF_DIRECT_ALIGN || !background(f))
		return file_write(b, off, buf, len, err);
	return cf_direct_put(f->direct, off, buf, len, &bad_off) < 0 ? write_failed(f, errno, bad_off, err) : 0;
}

/* Reads through an aligned bounce buffer. 1: done, 0: this file can't be read directly, -1 with errno. */
static int read_aligned(struct file_block *f, uint64_t off, uint8_t *buf, size_t len)
{
	CF_FREE void *bounce = NULL;
	if (posix_memalign(&bounce, DIRECT_ALIGN, DIRECT_CHUNK) != 0)
		return 0;
	while (len) {
		uint64_t start = off & ~(uint64_t)(DIRECT_ALIGN - 1);
		size_t skip = (size_t)(off - start);
		size_t want = (size_t)cf_min_u64((skip + len + DIRECT_ALIGN - 1) & ~(size_t)(DIRECT_ALIGN - 1), DIRECT_CHUNK);
		ssize_t n = pread(f->direct_fd, bounce, want, (off_t)start);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EINVAL ? 0 : -1;
		/* At the end of a file a direct read is short. If it does not even reach what was asked for, the
		 * plain way decides whether the file was cut. */
		if ((size_t)n <= skip)
			return 0;
		size_t take = (size_t)cf_min_u64((size_t)n - skip, len);
		memcpy(buf, (uint8_t *)bounce + skip, take);
		buf += take;
		off += take;
		len -= take;
	}
	return 1;
}

static int file_read_direct(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct file_block *f = (struct file_block *)b;
	cf_direct_wait(f->direct, off, len);
	if (!f->direct_tried)
		open_direct(f);
	if (f->direct_fd >= 0) {
		int r = read_aligned(f, off, buf, len);
		if (r < 0)
			return read_failed(f, off, len, -1, err);
		if (r > 0)
			return 0;
	}
	/* Drop the cached pages instead. Only clean pages are dropped, so what was written must be synced first. */
	if (!b->read_only && file_flush(b, err) < 0)
		return -1;
	(void)posix_fadvise(f->fd, (off_t)off, (off_t)len, POSIX_FADV_DONTNEED);
	return file_read(b, off, buf, len, err);
}

static void file_pass_begin(struct cf_block *b, struct cf_block_pass *p)
{
	struct file_block *f = (struct file_block *)b;
	if (background(f))
		cf_direct_pass(f->direct, p);
}

static int file_pass_wait(struct cf_block *b, struct cf_block_pass *p, bool stop, struct cf_error *err)
{
	(void)p;
	return cf_direct_pass_wait(((struct file_block *)b)->direct, stop, err);
}

static void file_next_data(struct cf_block *b, uint64_t off, uint64_t *start, uint64_t *end)
{
	struct file_block *f = (struct file_block *)b;
	off_t data = lseek(f->fd, (off_t)off, SEEK_DATA);
	if (data < 0) {
		if (errno == ENXIO)
			*start = *end = b->size;
		return;
	}
	off_t hole = lseek(f->fd, data, SEEK_HOLE);
	if (hole < 0)
		return;
	*start = cf_min_u64((uint64_t)data, b->size);
	*end = cf_min_u64((uint64_t)hole, b->size);
}

static void file_close(struct cf_block *b)
{
	struct file_block *f = (struct file_block *)b;
	cf_direct_free(f->direct);
	if (f->direct_fd >= 0)
		close(f->direct_fd);
	close(f->fd);
	free(f->path);
	free(f);
}

static const struct cf_block_ops file_ops = {
	.name = "file",
	.read = file_read,
	.write = file_write,
	.put = file_put,
	.flush = file_flush,
	.read_direct = file_read_direct,
	.pass_begin = file_pass_begin,
	.pass_wait = file_pass_wait,
	.next_data = file_next_data,
	.close = file_close,
};

struct cf_block *cf_raw_open(int fd, const char *path, uint64_t size, uint32_t sector_size, bool read_only,
			      struct cf_error *err)
{
	struct file_block *f = calloc(1, sizeof *f);
	if (!f || !(f->path = strdup(path))) {
		free(f);
		close(fd);
		cf_fail_nomem(err);
		return NULL;
	}
	f->b.ops = &file_ops;
	f->b.size = size;
	f->b.sector_size = sector_size;
	f->b.read_only = read_only;
	f->fd = fd;
	f->direct_fd = -1;
	return &f->b;
}
