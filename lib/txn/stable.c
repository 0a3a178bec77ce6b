/* stable.c - the transaction's system calls, and the hook in front of them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing here retries a failed sync: after one the kernel may have dropped the pages, so the caller gives up instead.
 * The hook is the library's only variable with a life longer than a call; it is NULL outside the test suite.
 */
#include "txn/stable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/overflow.h"

/* ---- system calls ---- */

static int real_open(void *user, const char *path, enum cf_stable_open how)
{
	(void)user;
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	flags |= how == CF_STABLE_READ ? O_RDONLY : O_RDWR;
	if (how == CF_STABLE_CREATE)
		flags |= O_CREAT | O_EXCL;
	int fd = open(path, flags, 0600);
	return fd < 0 ? -errno : fd;
}

static void real_close(void *user, int h)
{
	(void)user;
	close(h);
}

static ssize_t real_pread(void *user, int h, void *buf, size_t len, uint64_t off)
{
	(void)user;
	ssize_t n = pread(h, buf, len, (off_t)off);
	return n < 0 ? -errno : n;
}

static ssize_t real_pwrite(void *user, int h, const void *buf, size_t len, uint64_t off)
{
	(void)user;
	ssize_t n = pwrite(h, buf, len, (off_t)off);
	return n < 0 ? -errno : n;
}

static int real_stat(void *user, int h, struct cf_stable_stat *out)
{
	(void)user;
	struct stat st;
	if (fstat(h, &st) < 0)
		return -errno;
	out->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	out->regular = S_ISREG(st.st_mode) && st.st_nlink == 1;
	out->ours = st.st_uid == geteuid();
	return 0;
}

static int real_allocate(void *user, int h, uint64_t size)
{
	(void)user;
	if (size > INT64_MAX)
		return -EFBIG;
	if (fallocate(h, 0, 0, (off_t)size) == 0)
		return 0;
	/* File systems that can't: glibc writes the blocks one by one. */
	return errno == EOPNOTSUPP ? -posix_fallocate(h, 0, (off_t)size) : -errno;
}

static int real_truncate(void *user, int h, uint64_t size)
{
	(void)user;
	if (size > INT64_MAX)
		return -EFBIG;
	return ftruncate(h, (off_t)size) < 0 ? -errno : 0;
}

static int real_sync(void *user, int h)
{
	(void)user;
	return fsync(h) < 0 ? -errno : 0;
}

static int real_sync_folder(void *user, const char *folder)
{
	(void)user;
	CF_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Some network file systems can't sync a folder and say EINVAL: there the server orders the names. */
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int real_rename(void *user, const char *from, const char *to)
{
	(void)user;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	struct stat st;
	if (lstat(to, &st) == 0)
		return -EEXIST;
	return rename(from, to) < 0 ? -errno : 0;
}

static int real_unlink(void *user, const char *path)
{
	(void)user;
	return unlink(path) < 0 ? -errno : 0;
}

static int real_exists(void *user, const char *path)
{
	(void)user;
	struct stat st;
	if (lstat(path, &st) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

static int real_make_folder(void *user, const char *folder)
{
	(void)user;
	char path[PATH_MAX];
	size_t n = strlen(folder);
	if (n == 0 || n >= sizeof path)
		return -ENAMETOOLONG;
	memcpy(path, folder, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		char c = path[i];
		path[i] = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST) {
			int e = errno;
			struct stat st;
			if (stat(path, &st) < 0) /* an automounter's or read-only parent that is there is fine */
				return -e;
		}
		path[i] = c;
	}
	CF_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & 077) && fchmod(fd, 0700) < 0)
		return -errno;
	return 0;
}

static int real_room(void *user, const char *folder, struct cf_stable_room *room)
{
	(void)user;
	struct statfs fs;
	struct stat st;
	if (statfs(folder, &fs) < 0 || stat(folder, &st) < 0)
		return -errno;
	uint64_t unit = fs.f_frsize > 0 ? (uint64_t)fs.f_frsize : (uint64_t)fs.f_bsize;
	if (cf_mul_overflow((uint64_t)fs.f_bavail, unit, &room->free))
		room->free = UINT64_MAX;
	room->type = (uint32_t)fs.f_type;
	room->device = st.st_dev;
	return 0;
}

static int real_disk_write(void *user, struct cf_block *disk, uint64_t off, const void *buf, size_t len,
			   struct cf_error *err)
{
	(void)user;
	return cf_block_write(disk, off, buf, len, err);
}

static int real_disk_put(void *user, struct cf_block *disk, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	(void)user;
	return cf_block_put(disk, off, buf, len, err);
}

static int real_disk_flush(void *user, struct cf_block *disk, struct cf_error *err)
{
	(void)user;
	return cf_block_flush(disk, err);
}

const struct cf_stable_ops cf_stable_real = {
	.open = real_open,
	.close = real_close,
	.pread = real_pread,
	.pwrite = real_pwrite,
	.stat = real_stat,
	.allocate = real_allocate,
	.truncate = real_truncate,
	.sync = real_sync,
	.sync_folder = real_sync_folder,
	.rename = real_rename,
	.unlink = real_unlink,
	.exists = real_exists,
	.make_folder = real_make_folder,
	.room = real_room,
	.disk_write = real_disk_write,
	.disk_put = real_disk_put,
	.disk_flush = real_disk_flush,
};

/* ---- the hook ---- */

static const struct cf_stable real_table = { &cf_stable_real, NULL };
static const struct cf_stable *hook_table;

void cf_stable_set_hook(const struct cf_stable *hook)
{
	hook_table = hook;
}

static const struct cf_stable *table(void)
{
	return hook_table ? hook_table : &real_table;
}

/* ---- as txn/ uses them ---- */

static int fail(struct cf_error *err, int minus_errno, const char *path, const char *what)
{
	int e = -minus_errno;
	enum cf_code code = CF_E_IO;
	if (e == ELOOP) {
		cf_fail(err, CF_E_REFUSED, "%s %s: it is a symbolic link, which is never followed here; remove it", what, path);
		return cf_fail_path(err, path);
	}
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		code = CF_E_NO_SPACE;
	else if (e == EACCES || e == EPERM || e == EROFS || e == EEXIST)
		code = CF_E_REFUSED;
	else if (e == ENOENT || e == ENOTDIR)
		code = CF_E_NOT_FOUND;
	cf_fail_errno(err, code, e, "%s %s", what, path);
	return cf_fail_path(err, path);
}

int cf_stable_open(const char *path, enum cf_stable_open how, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int h = t->ops->open(t->user, path, how);
	if (h >= 0)
		return h;
	return fail(err, h, path, how == CF_STABLE_CREATE ? "cannot create" : "cannot open");
}

void cf_stable_close(int h)
{
	const struct cf_stable *t = table();
	t->ops->close(t->user, h);
}

int cf_stable_read(int h, const char *path, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	const struct cf_stable *t = table();
	uint8_t *p = buf;
	while (len > 0) {
		ssize_t n = t->ops->pread(t->user, h, p, len, off);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return fail(err, (int)n, path, "cannot read");
		if (n == 0) {
			cf_fail_at(err, CF_E_CORRUPT, off, "%s ends too early", path);
			return cf_fail_path(err, path);
		}
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

int cf_stable_write(int h, const char *path, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	const struct cf_stable *t = table();
	const uint8_t *p = buf;
	while (len > 0) {
		ssize_t n = t->ops->pwrite(t->user, h, p, len, off);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return fail(err, n < 0 ? (int)n : -EIO, path, "cannot write");
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

int cf_stable_stat(int h, const char *path, struct cf_stable_stat *st, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->stat(t->user, h, st);
	return r < 0 ? fail(err, r, path, "cannot examine") : 0;
}

int cf_stable_allocate(int h, const char *path, uint64_t size, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = -EINTR;
	while (r == -EINTR)
		r = t->ops->allocate(t->user, h, size);
	return r < 0 ? fail(err, r, path, "cannot reserve room for") : 0;
}

int cf_stable_truncate(int h, const char *path, uint64_t size, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = -EINTR;
	while (r == -EINTR)
		r = t->ops->truncate ? t->ops->truncate(t->user, h, size) : -EOPNOTSUPP;
	return r < 0 ? fail(err, r, path, "cannot change the size of") : 0;
}

int cf_stable_sync(int h, const char *path, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->sync(t->user, h);
	return r < 0 ? fail(err, r, path, "cannot sync") : 0;
}

char *cf_stable_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

int cf_stable_sync_folder_of(const char *path, struct cf_error *err)
{
	const struct cf_stable *t = table();
	CF_FREE char *folder = cf_stable_folder_of(path);
	if (!folder)
		return cf_fail_nomem(err);
	int r = t->ops->sync_folder(t->user, folder);
	return r < 0 ? fail(err, r, folder, "cannot sync the folder") : 0;
}

int cf_stable_rename(const char *from, const char *to, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->rename(t->user, from, to);
	return r < 0 ? fail(err, r, from, "cannot rename") : 0;
}

int cf_stable_unlink(const char *path, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->unlink(t->user, path);
	return r < 0 && r != -ENOENT ? fail(err, r, path, "cannot remove") : 0;
}

int cf_stable_exists(const char *path, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->exists(t->user, path);
	return r < 0 ? fail(err, r, path, "cannot examine") : r;
}

int cf_stable_make_folder(const char *folder, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->make_folder(t->user, folder);
	return r < 0 ? fail(err, r, folder, "cannot make the folder") : 0;
}

int cf_stable_room(const char *folder, struct cf_stable_room *room, struct cf_error *err)
{
	const struct cf_stable *t = table();
	int r = t->ops->room(t->user, folder, room);
	return r < 0 ? fail(err, r, folder, "cannot examine the folder") : 0;
}

int cf_stable_disk_write(struct cf_block *disk, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	const struct cf_stable *t = table();
	return t->ops->disk_write(t->user, disk, off, buf, len, err);
}

int cf_stable_disk_put(struct cf_block *disk, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	const struct cf_stable *t = table();
	return (t->ops->disk_put ? t->ops->disk_put : t->ops->disk_write)(t->user, disk, off, buf, len, err);
}

int cf_stable_disk_flush(struct cf_block *disk, struct cf_error *err)
{
	const struct cf_stable *t = table();
	return t->ops->disk_flush(t->user, disk, err);
}
