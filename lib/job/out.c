/* out.c - making, naming and taking away a folder on the host.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "job/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/overflow.h"

bool cf_all_zero(const uint8_t *p, size_t n)
{
	return !n || (!p[0] && memcmp(p, p + 1, n - 1) == 0);
}

int cf_out_pwrite(int fd, const void *p, size_t n, uint64_t off, const char *name, struct cf_error *err)
{
	const uint8_t *b = p;
	while (n) {
		ssize_t w = pwrite(fd, b, n, (off_t)off);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			int e = w < 0 ? errno : EIO;
			bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;
			return cf_fail_errno(err, full ? CF_E_NO_SPACE : CF_E_IO, e, "can't write %s", name);
		}
		b += w;
		n -= (size_t)w;
		off += (uint64_t)w;
	}
	return 0;
}

int cf_out_open(struct cf_out *o, const char *to, struct cf_error *err)
{
	*o = (struct cf_out){ .parent_fd = -1, .fd = -1 };
	o->parent = strdup(to);
	o->above = strdup(to);
	if (!o->parent || !o->above)
		return cf_fail_nomem(err);
	for (size_t n = strlen(o->above); n > 1 && o->above[n - 1] == '/'; n--)
		o->above[n - 1] = 0;
	char *slash = strrchr(o->above, '/');
	if (slash)
		slash[slash == o->above] = 0;
	else
		snprintf(o->above, strlen(to) + 1, "."); /* "" as a folder is refused by mkdir */
	o->made_parent = mkdir(to, 0700) == 0;
	int e = errno;
	o->parent_fd = o->made_parent || e == EEXIST ? open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (o->parent_fd < 0)
		return cf_fail_errno(err, CF_E_IO, o->made_parent || e == EEXIST ? errno : e, "can't use %s as a folder", to);
	if (o->made_parent) {
		CF_CLOSE int above = open(o->above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above >= 0)
			(void)fsync(above); /* that the folder's own name lasts is no condition for anything */
	}
	return 0;
}

struct cf_sandbox cf_out_box(const struct cf_out *o)
{
	return (struct cf_sandbox){ .folder = o->parent, .tree = true, .remove = { o->made_parent ? o->above : NULL } };
}

static bool is_free(const struct cf_out *o, const char *name, const char *suffix)
{
	char path[200];
	struct stat st;
	snprintf(path, sizeof path, "%s%s", name, suffix);
	return fstatat(o->parent_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

int cf_out_begin(struct cf_out *o, const char *name, const char *suffix, struct cf_error *err)
{
	for (int i = 1; i < 1000; i++) {
		char try[160], number[16] = "";
		if (i > 1)
			snprintf(number, sizeof number, ".%d", i);
		snprintf(try, sizeof try, "%.140s%s", name, number);
		snprintf(o->work, sizeof o->work, "%s.incomplete", try);
		if (!is_free(o, try, "") || (suffix && !is_free(o, try, suffix)))
			continue;
		if (mkdirat(o->parent_fd, o->work, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't make the folder %s in %s", o->work,
					     o->parent);
		}
		o->name = strdup(try);
		o->fd = openat(o->parent_fd, o->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (!o->name)
			return cf_fail_nomem(err);
		if (o->fd < 0)
			return cf_fail_errno(err, CF_E_IO, errno, "can't open the new folder %s in %s", o->work, o->parent);
		/* It is ours since a moment; nobody may have put another in its place. */
		struct stat own;
		if (fstat(o->fd, &own) < 0 || own.st_uid != geteuid() || own.st_mode & 077)
			return cf_fail(err, CF_E_REFUSED, "somebody exchanged the folder %s in %s", o->work, o->parent);
		return 0;
	}
	return cf_fail(err, CF_E_IO, "can't find a free name for %s in %s", name, o->parent);
}

static int remember(struct cf_out *o, const char *path, bool folder, struct cf_error *err)
{
	struct cf_out_name *grown = reallocarray(o->made, o->n_made + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	o->made = grown;
	grown[o->n_made] = (struct cf_out_name){ strdup(path), folder };
	if (!grown[o->n_made].path)
		return cf_fail_nomem(err);
	o->n_made++;
	return 0;
}

int cf_out_folder(struct cf_out *o, const char *path, struct cf_error *err)
{
	if (remember(o, path, true, err) < 0)
		return -1;
	if (mkdirat(o->fd, path, 0700) == 0)
		return 0;
	return cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't make the folder %s in %s", path, o->work);
}

int cf_out_create(struct cf_out *o, const char *path, bool *taken, struct cf_error *err)
{
	int fd = openat(o->fd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	*taken = fd < 0 && errno == EEXIST;
	if (fd < 0 && !*taken)
		cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't create %s in %s", path, o->work);
	if (fd >= 0 && remember(o, path, false, err) < 0) {
		unlinkat(o->fd, path, 0);
		close(fd);
		return -1;
	}
	return fd;
}

int cf_out_put(struct cf_out *o, const char *path, struct cf_span data, uint8_t hash[CF_SHA256_LEN], struct cf_error *err)
{
	bool taken;
	CF_CLOSE int fd = cf_out_create(o, path, &taken, err);
	if (fd < 0)
		return taken ? cf_fail(err, CF_E_INTERNAL, "%s would be written twice", path) : -1;
	if (hash)
		cf_sha256(data.p, data.n, hash);
	if (cf_out_pwrite(fd, data.p, data.n, 0, path, err) < 0)
		return -1;
	return fsync(fd) < 0 ? cf_fail_errno(err, CF_E_IO, errno, "can't sync %s", path) : 0;
}

/* A name in a folder is there after a power cut only if the folder was synced. */
static int sync_fd(int fd, const char *name, struct cf_error *err)
{
	/* Some network file systems can't sync a folder and say EINVAL: there the server orders the names. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return cf_fail_errno(err, CF_E_IO, errno, "can't sync the folder %s", name);
	return 0;
}

int cf_out_finish(struct cf_out *o, char **path, struct cf_error *err)
{
	*path = NULL;
	for (size_t i = 0; i < o->n_made; i++) {
		if (!o->made[i].folder)
			continue;
		CF_CLOSE int fd = openat(o->fd, o->made[i].path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sync_fd(fd, o->made[i].path, err) < 0)
			return -1;
	}
	if (sync_fd(o->fd, o->work, err) < 0)
		return -1;
	CF_FREE char *whole = NULL;
	size_t n = strlen(o->parent);
	if (asprintf(&whole, "%s%s%s", o->parent, n && o->parent[n - 1] == '/' ? "" : "/", o->name) < 0) {
		whole = NULL;
		return cf_fail_nomem(err);
	}
	/* An empty folder of that name that somebody made meanwhile is replaced, anything else refuses. */
	if (renameat(o->parent_fd, o->work, o->parent_fd, o->name) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't name the folder %s", whole);
	snprintf(o->work, sizeof o->work, "%s", o->name);
	if (sync_fd(o->parent_fd, o->parent, err) < 0)
		return -1;
	for (size_t i = 0; i < o->n_made; i++)
		free(o->made[i].path);
	o->n_made = 0;
	free(o->name);
	o->name = NULL;
	o->made_parent = false;
	*path = CF_STEAL(whole);
	return 0;
}

int cf_out_clear(struct cf_out *o, struct cf_error *err)
{
	int e = 0;
	while (o->n_made) {
		struct cf_out_name *m = &o->made[--o->n_made];
		if (unlinkat(o->fd, m->path, m->folder ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT)
			e = errno;
		free(m->path);
	}
	if (o->name && unlinkat(o->parent_fd, o->work, AT_REMOVEDIR) < 0)
		e = errno;
	free(o->name);
	o->name = NULL;
	return e ? cf_fail_errno(err, CF_E_IO, e, "can't remove the folder %s in %s", o->work, o->parent) : 0;
}

void cf_out_end(struct cf_out *o)
{
	(void)!cf_out_clear(o, NULL);
	if (o->made_parent)
		rmdir(o->parent); /* only if it is empty */
	if (o->fd >= 0)
		close(o->fd);
	if (o->parent_fd >= 0)
		close(o->parent_fd);
	free(o->made);
	free(o->parent);
	free(o->above);
	*o = (struct cf_out){ .parent_fd = -1, .fd = -1 };
}
