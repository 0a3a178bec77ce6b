/* inuse.c - is somebody else using this disk, and telling others that we are.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two sources: what the kernel does with the disk (/sys, /proc) and the locks that QEMU and everything built on it take on an
 * image. The locks are advisory open-file-description locks, so they end with the last copy of the descriptor, also when
 * we are killed. Which byte means what: QEMU's block/file-posix.c, "raw_lock".
 */
#include "block/inuse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/overflow.h"

#define LOCK_USE_BASE 100    /* byte 100 + n is locked: somebody does n */
#define LOCK_FORBID_BASE 200 /* byte 200 + n is locked: somebody can't bear that others do n */
#define PARTITIONS_MAX 256u
#define LINES_MAX 65536u     /* of a file under /proc */

enum { DOES_READ = 0, DOES_WRITE = 1, DOES_RESIZE = 3, N_ACTIONS = 5 };

const struct cf_kernel_view cf_kernel = { "/sys", "/proc" };

/* ---- what the kernel does ---- */

static bool read_line(const char *path, char *out, size_t n)
{
	CF_FCLOSE FILE *f = fopen(path, "re");
	if (!f || !fgets(out, (int)n, f))
		return false;
	out[strcspn(out, "\n")] = 0;
	return true;
}

/* Same file, or same block device under whatever name. */
static bool is_same(const struct stat *a, const char *path)
{
	struct stat b;
	if (stat(path, &b) < 0 || (a->st_mode & S_IFMT) != (b.st_mode & S_IFMT))
		return false;
	return S_ISBLK(a->st_mode) ? a->st_rdev == b.st_rdev : a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

static bool in_loop(const struct stat *st, const struct cf_kernel_view *view, char *why, size_t why_len)
{
	char path[512], backing[4096];
	snprintf(path, sizeof path, "%s/block", view->sys);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	bool found = false;
	struct dirent *e;
	while (!found && (e = readdir(dir))) {
		if (strncmp(e->d_name, "loop", 4) != 0)
			continue;
		snprintf(path, sizeof path, "%s/block/%.64s/loop/backing_file", view->sys, e->d_name);
		found = read_line(path, backing, sizeof backing) && is_same(st, backing);
		if (found)
			snprintf(why, why_len, "attached to /dev/%.64s (detach it with \"losetup -d\")", e->d_name);
	}
	closedir(dir);
	return found;
}

/* /proc escapes blanks and backslashes as three octal digits. */
static void unescape(char *s)
{
	char *out = s;
	for (; *s; s++, out++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out = *s;
		}
	}
	*out = 0;
}

static bool in_swap(const struct stat *st, const struct cf_kernel_view *view, char *why, size_t why_len)
{
	char path[512], line[4200];
	snprintf(path, sizeof path, "%s/swaps", view->proc);
	CF_FCLOSE FILE *f = fopen(path, "re");
	for (unsigned i = 0; f && i < LINES_MAX && fgets(line, sizeof line, f); i++) {
		line[strcspn(line, " \t\n")] = 0;
		unescape(line);
		if (line[0] == '/' && is_same(st, line)) {
			snprintf(why, why_len, "in use as swap space (turn it off with \"swapoff\")");
			return true;
		}
	}
	return false;
}

static bool is_mounted(dev_t dev, const struct cf_kernel_view *view, char *why, size_t why_len)
{
	char path[512], line[8192], want[32];
	snprintf(path, sizeof path, "%s/self/mountinfo", view->proc);
	snprintf(want, sizeof want, "%u:%u", major(dev), minor(dev));
	CF_FCLOSE FILE *f = fopen(path, "re");
	for (unsigned i = 0; f && i < LINES_MAX && fgets(line, sizeof line, f); i++) {
		/* 36 35 98:0 /root /mountpoint options - type source ... ; btrfs and overlays show a device of their
		 * own in the third field, so the source is looked at as well. */
		char id[32], target[4096], source[4096];
		struct stat st = { .st_mode = S_IFBLK, .st_rdev = dev };
		const char *rest = strstr(line, " - ");
		if (sscanf(line, "%*s %*s %31s %*s %4095s", id, target) != 2)
			continue;
		if (!rest || sscanf(rest, " - %*s %4095s", source) != 1)
			source[0] = 0;
		unescape(target);
		unescape(source);
		if (strcmp(id, want) == 0 || (source[0] == '/' && is_same(&st, source))) {
			snprintf(why, why_len, "mounted on %.200s (unmount it first)", target);
			return true;
		}
	}
	return false;
}

static bool has_holder(const char *folder, char *why, size_t why_len)
{
	char path[600];
	snprintf(path, sizeof path, "%.500s/holders", folder);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	struct dirent *e;
	while ((e = readdir(dir)) && e->d_name[0] == '.')
		;
	if (e)
		snprintf(why, why_len, "held by /dev/%.64s (device mapper, LVM or RAID: deactivate it first)", e->d_name);
	closedir(dir);
	return e != NULL;
}

static bool device_used(dev_t dev, const struct cf_kernel_view *view, char *why, size_t why_len)
{
	char folder[256];
	struct stat st = { .st_mode = S_IFBLK, .st_rdev = dev };
	snprintf(folder, sizeof folder, "%s/dev/block/%u:%u", view->sys, major(dev), minor(dev));
	return is_mounted(dev, view, why, why_len) || has_holder(folder, why, why_len) ||
	       in_swap(&st, view, why, why_len) || in_loop(&st, view, why, why_len);
}

bool cf_kernel_uses(const struct stat *st, const struct cf_kernel_view *view, char *why, size_t why_len)
{
	if (!S_ISBLK(st->st_mode))
		return in_loop(st, view, why, why_len) || in_swap(st, view, why, why_len);
	if (device_used(st->st_rdev, view, why, why_len))
		return true;

	/* A whole disk is in use when one of its partitions is: those are folders with a file "dev" in them. */
	char folder[256], path[600], text[64];
	snprintf(folder, sizeof folder, "%s/dev/block/%u:%u", view->sys, major(st->st_rdev), minor(st->st_rdev));
	DIR *dir = opendir(folder);
	bool used = false;
	struct dirent *e;
	unsigned partitions = 0;
	while (dir && !used && partitions < PARTITIONS_MAX && (e = readdir(dir))) {
		unsigned ma, mi;
		snprintf(path, sizeof path, "%s/%.128s/partition", folder, e->d_name);
		if (e->d_name[0] == '.' || access(path, F_OK) != 0)
			continue;
		partitions++;
		snprintf(path, sizeof path, "%s/%.128s/dev", folder, e->d_name);
		if (read_line(path, text, sizeof text) && sscanf(text, "%u:%u", &ma, &mi) == 2)
			used = device_used(makedev(ma, mi), view, why, why_len);
	}
	if (dir)
		closedir(dir);
	return used;
}

/* ---- QEMU's image locks ---- */

/* 1: done, 0: somebody holds the other kind, -1 with errno. */
static int lock_byte(int fd, short type, off_t byte)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

/* True when another description holds any lock on the byte. */
static bool byte_locked(int fd, off_t byte)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

int cf_image_lock(int fd, bool writable, struct cf_error *err)
{
	const unsigned does = writable ? 1u << DOES_READ | 1u << DOES_WRITE : 1u << DOES_READ;
	const unsigned forbids = 1u << DOES_WRITE | 1u << DOES_RESIZE;

	/* First take, then look: of two that start at once at least one sees the other. */
	int taken = 1;
	for (unsigned i = 0; i < N_ACTIONS && taken > 0; i++) {
		if (does & 1u << i)
			taken = lock_byte(fd, F_RDLCK, LOCK_USE_BASE + (off_t)i);
		if (taken > 0 && forbids & 1u << i)
			taken = lock_byte(fd, F_RDLCK, LOCK_FORBID_BASE + (off_t)i);
	}
	if (taken < 0) {
		if (errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)
			return 1;
		return cf_fail_errno(err, CF_E_IO, errno, "can't lock the disk");
	}
	for (unsigned i = 0; i < N_ACTIONS && taken > 0; i++)
		if ((does & 1u << i && byte_locked(fd, LOCK_FORBID_BASE + (off_t)i)) ||
		    (forbids & 1u << i && byte_locked(fd, LOCK_USE_BASE + (off_t)i)))
			taken = 0;
	if (taken == 0)
		for (unsigned i = 0; i < N_ACTIONS; i++) {
			lock_byte(fd, F_UNLCK, LOCK_USE_BASE + (off_t)i);
			lock_byte(fd, F_UNLCK, LOCK_FORBID_BASE + (off_t)i);
		}
	return taken;
}
