/* archive.c - writing a tar of plain files and folders through zstd.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ustar format of POSIX.1-1988: a header of 512 bytes, the content, zeros up to the next 512; two empty blocks end it. Sizes
 * over 8 GiB take the base-256 form that GNU tar, bsdtar and 7-Zip read. Owner is root (0), so that nothing of this host goes along.
 */
#include "job/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compress.h"
#include "base/overflow.h"

#define BLOCK 512u

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2];
	char user[32], group[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "ustar header");

struct pack {
	struct cf_zstd *z;
	struct cf_sha256_state *sha;
	int fd;
	uint64_t at;
	const char *name; /* of the archive, for messages */
};

static int to_file(void *user, const void *p, size_t n, struct cf_error *err)
{
	struct pack *k = user;
	if (cf_out_pwrite(k->fd, p, n, k->at, k->name, err) < 0)
		return -1;
	cf_sha256_add(k->sha, p, n);
	k->at += n;
	return 0;
}

static int put(struct pack *k, const void *p, size_t n, struct cf_error *err)
{
	return cf_zstd_add(k->z, p, n, to_file, k, err);
}

static void number(char *field, size_t n, uint64_t v)
{
	snprintf(field, n, "%0*llo", (int)n - 1, (unsigned long long)v);
}

static int header(struct pack *k, const char *folder, const char *path, bool is_folder, const struct stat *st, struct cf_error *err)
{
	struct ustar h = { .type = is_folder ? '5' : '0', .magic = "ustar", .version = { '0', '0' } };
	uint64_t size = is_folder ? 0 : (uint64_t)st->st_size;
	if (snprintf(h.name, sizeof h.name, "%s%s", path, is_folder ? "/" : "") >= (int)sizeof h.name ||
	    snprintf(h.prefix, sizeof h.prefix, "%s", folder) >= (int)sizeof h.prefix)
		return cf_fail(err, CF_E_INTERNAL, "the name %s/%s is too long for an archive", folder, path);
	number(h.mode, sizeof h.mode, is_folder ? 0700 : 0600);
	number(h.uid, sizeof h.uid, 0);
	number(h.gid, sizeof h.gid, 0);
	number(h.mtime, sizeof h.mtime, (uint64_t)st->st_mtime & 077777777777u);
	if (size < (UINT64_C(1) << 33)) {
		number(h.size, sizeof h.size, size);
	} else {
		h.size[0] = (char)0x80;
		for (unsigned i = 0; i < 8; i++)
			h.size[11 - i] = (char)(size >> 8 * i);
	}
	memset(h.checksum, ' ', sizeof h.checksum);
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof h; i++)
		sum += ((const unsigned char *)&h)[i];
	snprintf(h.checksum, sizeof h.checksum, "%06o", sum);
	return put(k, &h, sizeof h, err);
}

static int content(struct pack *k, int fd, const char *path, uint64_t size, struct cf_error *err)
{
	static const char zeros[BLOCK];
	CF_BUF buf = { 0 };
	if (cf_buf_resize(&buf, CF_MIB) < 0)
		return cf_fail_nomem(err);
	for (uint64_t off = 0; off < size;) {
		ssize_t n = pread(fd, buf.p, (size_t)cf_min_u64(buf.n, size - off), (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cf_fail_errno(err, CF_E_IO, n ? errno : EIO, "can't read %s again", path);
		if (put(k, buf.p, (size_t)n, err) < 0)
			return -1;
		off += (uint64_t)n;
	}
	size_t pad = (size_t)(BLOCK - size % BLOCK) % BLOCK;
	return pad ? put(k, zeros, pad, err) : 0;
}

static int entry(struct cf_out *o, struct pack *k, const struct cf_out_name *m, struct cf_error *err)
{
	struct stat st;
	CF_CLOSE int fd = openat(o->fd, m->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (m->folder ? O_DIRECTORY : 0));
	if (fd < 0 || fstat(fd, &st) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't read %s again", m->path);
	if (header(k, o->name, m->path, m->folder, &st, err) < 0)
		return -1;
	return m->folder ? 0 : content(k, fd, m->path, (uint64_t)st.st_size, err);
}

static int fill(struct cf_out *o, struct pack *k, struct cf_error *err)
{
	static const char end[2 * BLOCK];
	struct stat own;
	/* The folder itself first, so that unpacking makes it 0700. */
	if (fstat(o->fd, &own) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't look at the folder %s", o->work);
	if (header(k, "", o->name, true, &own, err) < 0)
		return -1;
	for (size_t i = 0; i < o->n_made; i++)
		if (entry(o, k, &o->made[i], err) < 0)
			return -1;
	if (put(k, end, sizeof end, err) < 0 || cf_zstd_end(k->z, to_file, k, err) < 0)
		return -1;
	return fsync(k->fd) < 0 ? cf_fail_errno(err, CF_E_IO, errno, "can't sync %s", k->name) : 0;
}

int cf_archive_pack(struct cf_out *o, char **path, uint8_t hash[CF_SHA256_LEN], uint64_t *size, struct cf_error *err)
{
	char name[200], work[220];
	*path = NULL;
	snprintf(name, sizeof name, "%s" CF_ARCHIVE_SUFFIX, o->name);
	snprintf(work, sizeof work, "%s.incomplete", name);
	struct pack k = { .name = name };
	k.z = cf_zstd_new(0, "--archive", err);
	k.sha = k.z ? cf_sha256_new() : NULL;
	if (!k.z)
		return -1;
	k.fd = k.sha ? openat(o->parent_fd, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	int r = !k.sha ? cf_fail_nomem(err) : k.fd < 0 ? cf_fail_errno(err, CF_E_IO, errno, "can't create %s in %s", work, o->parent) : 0;
	bool made = r == 0;
	if (r == 0)
		r = fill(o, &k, err);
	if (k.sha)
		cf_sha256_end(k.sha, hash);
	*size = k.at;
	size_t n = strlen(o->parent);
	if (r == 0 && asprintf(path, "%s%s%s", o->parent, n && o->parent[n - 1] == '/' ? "" : "/", name) < 0) {
		*path = NULL;
		r = cf_fail_nomem(err);
	}
	if (r == 0 && renameat(o->parent_fd, work, o->parent_fd, name) < 0)
		r = cf_fail_errno(err, CF_E_IO, errno, "can't name the archive %s", name);
	if (r < 0 && made)
		unlinkat(o->parent_fd, work, 0);
	if (k.fd >= 0)
		close(k.fd);
	cf_zstd_free(k.z);
	if (r == 0) {
		/* The archive stands for itself now; a folder that can't be removed is said, but costs it nothing. */
		o->made_parent = false;
		r = cf_out_clear(o, err);
		if (fsync(o->parent_fd) < 0 && errno != EINVAL && r == 0)
			r = cf_fail_errno(err, CF_E_IO, errno, "can't sync the folder %s", o->parent);
	}
	if (r < 0) {
		free(*path);
		*path = NULL;
	}
	return r;
}
