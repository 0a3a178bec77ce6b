/* copy.c - a new image with the content of a disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The copy grows under a temporary name beside its final one and gets that name only when it is complete and on stable
 * storage, without ever replacing a file; on failure the temporary file goes. Zeros are not written: a new file has them.
 */
#include "block/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/overflow.h"
#include "block/child.h"
#include "block/container.h"
#include "block/file.h"
#include "block/vhd.h"

#define CHUNK (1024u * 1024) /* bytes read at once */
#define GRAIN 65536u         /* runs of zeros of this length and alignment are left out; qcow2's cluster */
#define RENAME_KEEP 1u       /* renameat2: fail when the new name exists (RENAME_NOREPLACE) */

struct copy {
	struct cf_disk *source;
	enum cf_disk_format format;
	uint64_t size;             /* guest-visible bytes of the copy */
	char folder[PATH_MAX];     /* absolute */
	char temp[PATH_MAX], final[PATH_MAX];
	bool temp_made;
	int (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
	void *user;
};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);
	return n > k && strcasecmp(name + n - k, suffix) == 0;
}

static int choose_format(struct copy *c, const char *name, struct cf_error *err)
{
	static const char *const impossible[] = { ".vmdk", ".vdi", ".avhd", ".avhdx" };
	for (size_t i = 0; i < CF_ARRAY_LEN(impossible); i++)
		if (has_suffix(name, impossible[i]))
			return cf_fail(err, CF_E_UNSUPPORTED, "a copy can be .raw, .vhd, .vhdx or .qcow2, not %s", impossible[i]);
	c->format = has_suffix(name, ".vhd")     ? CF_FMT_VHD_FIXED
		    : has_suffix(name, ".vhdx")  ? CF_FMT_VHDX
		    : has_suffix(name, ".qcow2") ? CF_FMT_QCOW2
						 : CF_FMT_RAW;
	c->size = cf_max_u64(c->size, c->source->block->size);
	if (c->format == CF_FMT_VHD_FIXED)
		c->size = (c->size + CF_MIB - 1) / CF_MIB * CF_MIB;
	if (c->format == CF_FMT_VHD_FIXED && c->size > CF_VHD_MAX)
		return cf_fail(err, CF_E_UNSUPPORTED, "the disk is too large for a VHD");
	if (c->source->block->sector_size != 512 && (c->format == CF_FMT_VHD_FIXED || c->format == CF_FMT_VHDX))
		return cf_fail(err, CF_E_UNSUPPORTED, "a .%s with %u-byte sectors can't be made: copy to .raw or .qcow2",
			       cf_disk_format_name(c->format), c->source->block->sector_size);
	return 0;
}

/* Absolute names, and an empty temporary file, readable for those who may read the source. */
static int choose_names(struct copy *c, const char *new_path, struct cf_error *err)
{
	struct stat st;
	const char *slash = strrchr(new_path, '/');
	const char *name = slash ? slash + 1 : new_path;
	CF_FREE char *folder = slash ? strndup(new_path, slash == new_path ? 1 : (size_t)(slash - new_path)) : strdup(".");

	if (!folder)
		return cf_fail_nomem(err);
	if (!*name)
		return cf_fail(err, CF_E_USAGE, "the new image needs a name");
	if (lstat(new_path, &st) == 0)
		return cf_fail(err, CF_E_REFUSED, "the file exists already: a copy never replaces a file");
	if (!realpath(folder, c->folder))
		return cf_fail_errno(err, errno == ENOENT ? CF_E_NOT_FOUND : CF_E_IO, errno, "the new image's folder can't be used");
	if (choose_format(c, name, err) < 0)
		return -1;
	const char *sep = strcmp(c->folder, "/") == 0 ? "" : "/";
	if (snprintf(c->final, sizeof c->final, "%s%s%s", c->folder, sep, name) >= (int)sizeof c->final ||
	    snprintf(c->temp, sizeof c->temp, "%s%s.coldfix-copy-XXXXXX", c->folder, sep) >= (int)sizeof c->temp)
		return cf_fail(err, CF_E_USAGE, "the new image's name is too long");
	CF_CLOSE int fd = mkostemp(c->temp, O_CLOEXEC);
	if (fd < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't make a file in %s", c->folder);
	c->temp_made = true;
	if (!c->source->is_uri && !c->source->is_device && stat(c->source->path, &st) == 0 &&
	    fchmod(fd, st.st_mode & (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't set the new file's permissions");
	return 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Writes the parts of buf that aren't zero. */
static int write_runs(struct cf_block *to, uint64_t off, const uint8_t *buf, size_t n, struct cf_error *err)
{
	size_t run = 0; /* start of the run that is being collected */
	for (size_t i = 0; i < n;) {
		/* To the next multiple of GRAIN on the disk, which the run may not start on. */
		size_t step = (size_t)cf_min_u64(GRAIN - (off + i) % GRAIN, n - i);
		if (is_zero(buf + i, step)) {
			if (i > run && cf_block_write(to, off + run, buf + run, i - run, err) < 0)
				return -1;
			run = i + step;
		}
		i += step;
	}
	return n > run ? cf_block_write(to, off + run, buf + run, n - run, err) : 0;
}

static int report(const struct copy *c, uint64_t done, struct cf_error *err)
{
	if (c->progress && c->progress(c->user, "copying the disk", done, c->source->block->size))
		return cf_fail(err, CF_E_CANCELLED, "copying was cancelled; the unfinished copy is removed");
	return 0;
}

static int copy_content(const struct copy *c, struct cf_block *to, struct cf_error *err)
{
	struct cf_block *from = c->source->block;
	uint64_t off = 0, end = 0;
	CF_FREE uint8_t *buf = malloc(CHUNK);

	if (!buf)
		return cf_fail_nomem(err);
	while (off < from->size) {
		if (off >= end)
			cf_block_next_data(from, off, &off, &end);
		if (report(c, off, err) < 0)
			return -1;
		size_t n = (size_t)cf_min_u64(end - off, CHUNK);
		if (off >= from->size)
			break;
		if (cf_block_read(from, off, buf, n, err) < 0 || write_runs(to, off, buf, n, err) < 0)
			return -1;
		off += n;
	}
	return report(c, from->size, err);
}

static int write_footer(int fd, uint64_t size, struct cf_error *err)
{
	uint8_t id[16], footer[CF_VHD_FOOTER];
	if (getrandom(id, sizeof id, 0) != sizeof id)
		return cf_fail_errno(err, CF_E_IO, errno, "can't get random bytes for the VHD's identity");
	cf_vhd_build(size, id, (int64_t)time(NULL), footer);
	if (cf_pwrite_all(fd, footer, sizeof footer, size) < 0)
		return cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't write the VHD footer");
	return 0;
}

static int fill_plain(const struct copy *c, struct cf_error *err)
{
	CF_CLOSE int fd = open(c->temp, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)c->size) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't make a file of %llu bytes", (unsigned long long)c->size);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't duplicate a file descriptor");
	struct cf_block *to = cf_raw_open(own, c->final, c->size, 512, false, err);
	if (!to)
		return -1;
	int r = copy_content(c, to, err);
	cf_block_close(to);
	/* The footer last: a copy without one is no VHD. */
	if (r == 0 && c->format == CF_FMT_VHD_FIXED)
		r = write_footer(fd, c->size, err);
	return r;
}

static int fill_container(const struct copy *c, struct cf_error *err)
{
	char size[32];
	snprintf(size, sizeof size, "%llu", (unsigned long long)c->size);
	const char *const argv[] = { "qemu-img", "create", "-q", "-f", cf_disk_format_name(c->format), c->temp, size, NULL };
	if (cf_child_run(argv, err) < 0)
		return -1;
	struct cf_container image = {
		.path = c->temp, .format = c->format, .sector_size = c->source->block->sector_size, .writable = true
	};
	struct cf_block *to = cf_container_open(&image, -1, err);
	if (!to)
		return -1;
	int r = 0;
	if (to->size != c->size)
		r = cf_fail(err, CF_E_IO, "QEMU made an image of %llu bytes instead of %llu", (unsigned long long)to->size,
			    (unsigned long long)c->size);
	if (r == 0)
		r = copy_content(c, to, err);
	if (r == 0)
		r = cf_block_flush(to, err);
	cf_block_close(to);
	return r;
}

/* 1. The content is on stable storage; 2. it gets its name, if nobody took it; 3. the name is on stable storage. */
static int publish(struct copy *c, struct cf_error *err)
{
	CF_CLOSE int fd = open(c->temp, O_RDONLY | O_CLOEXEC);
	CF_CLOSE int dir = open(c->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || dir < 0 || fsync(fd) < 0)
		return cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "the copy did not reach the disk");
	int r = (int)syscall(SYS_renameat2, AT_FDCWD, c->temp, AT_FDCWD, c->final, RENAME_KEEP);
	if (r < 0 && (errno == EINVAL || errno == ENOSYS)) { /* a file system without it: link refuses, too */
		r = link(c->temp, c->final);
		if (r == 0)
			unlink(c->temp);
	}
	if (r < 0 && errno == EEXIST)
		return cf_fail(err, CF_E_REFUSED, "the file has come into being meanwhile: a copy never replaces a file");
	if (r < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't give the copy its name");
	c->temp_made = false;
	if (fsync(dir) < 0 && errno != EINVAL)
		return cf_fail_errno(err, CF_E_IO, errno, "the copy's name did not reach the disk");
	return 0;
}

int cf_disk_copy_larger(struct cf_disk *source, const char *new_path, uint64_t size,
			int (*progress)(void *user, const char *what, uint64_t done, uint64_t total), void *user, struct cf_error *err)
{
	CF_FREE struct copy *c = calloc(1, sizeof *c);
	if (!c)
		return cf_fail_nomem(err);
	c->source = source;
	c->size = size;
	c->progress = progress;
	c->user = user;
	int r = choose_names(c, new_path, err);
	if (r == 0)
		r = c->format == CF_FMT_RAW || c->format == CF_FMT_VHD_FIXED ? fill_plain(c, err) : fill_container(c, err);
	if (r == 0)
		r = publish(c, err);
	if (c->temp_made)
		unlink(c->temp);
	return r == 0 ? 0 : cf_fail_path(err, new_path);
}

int cf_disk_copy(struct cf_disk *source, const char *new_path,
		 int (*progress)(void *user, const char *what, uint64_t done, uint64_t total), void *user, struct cf_error *err)
{
	return cf_disk_copy_larger(source, new_path, 0, progress, user, err);
}
