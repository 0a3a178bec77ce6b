/* backup.c - before the first write: hives with their logs and the boot stores, copied to a folder beside the disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The article demands a copy of \Windows\System32\config. The folder is new for each repair, 0700, its files 0600, all synced
 * with the names that lead to them. Until it is whole it is called TIME.incomplete, so that what a crash left can't be
 * taken for a backup.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/stamp.h"
#include "job/session.h"

#define MAX_FILES 256

struct item {
	size_t vol;
	char path[600]; /* on the volume */
	char name[300]; /* in the backup folder */
	uint64_t size;
};

struct list {
	struct item *item;
	size_t n;
	size_t vol;
	const char *folder;
	const char *prefix;
	bool incomplete;
};

static bool is_hive_name(const char *name)
{
	static const char *const hives[] = { "SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT", "COMPONENTS", "BCD" };
	for (size_t i = 0; i < CF_ARRAY_LEN(hives); i++) {
		size_t n = strlen(hives[i]);
		if (strncasecmp(name, hives[i], n) == 0 && (!name[n] || strncasecmp(name + n, ".LOG", 4) == 0))
			return true;
	}
	return false;
}

static int each(void *user, const char *name, const struct cf_stat *st)
{
	struct list *l = user;
	if (st->kind != CF_FILE_REGULAR || !is_hive_name(name) || l->n == MAX_FILES)
		return 0;
	struct item *it = &l->item[l->n];
	it->vol = l->vol;
	it->size = st->size;
	if (snprintf(it->path, sizeof it->path, "%s\\%s", l->folder, name) >= (int)sizeof it->path ||
	    snprintf(it->name, sizeof it->name, "%s-%s", l->prefix, name) >= (int)sizeof it->name || strchr(name, '/'))
		return 0;
	l->n++;
	return 0;
}

/* The hives that stand in the folder of path on a volume; the prefix names the partition. */
static void gather(const struct cf_session *s, struct list *l, size_t vol, const char *path, bool folder)
{
	char dir[600], prefix[64];
	snprintf(dir, sizeof dir, "%s", path);
	char *cut = folder ? NULL : strrchr(dir, '\\');
	if (cut)
		*cut = 0;
	snprintf(prefix, sizeof prefix, "disk%u-partition%u", s->m->vol[vol].disk, s->m->vol[vol].number);
	l->vol = vol;
	l->folder = dir;
	l->prefix = prefix;
	/* A folder that can't be read to its end gives what was listed so far. */
	if (s->m->vol[vol].vol && cf_volume_list(s->m->vol[vol].vol, dir, each, l, NULL) != 0)
		l->incomplete = true;
	l->folder = l->prefix = NULL;
}

/* Zeros stay holes: a sparse file of the guest costs the host no room. */
static int write_piece(int fd, const uint8_t *p, size_t n, uint64_t off)
{
	if (!p[0] && memcmp(p, p + 1, n - 1) == 0)
		return 0;
	while (n) {
		ssize_t w = pwrite(fd, p, n, (off_t)off);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
		off += (uint64_t)w;
	}
	return 0;
}

static int copy_out(const struct cf_session *s, const struct item *it, int dir, FILE *sums, struct cf_error *err)
{
	struct cf_file *f = cf_file_open(s->m->vol[it->vol].vol, it->path, err);
	if (!f)
		return -1;
	CF_CLOSE int fd = openat(dir, it->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CF_BUF buf = { 0 };
	int r = 0;
	if (fd < 0)
		r = cf_fail_errno(err, CF_E_IO, errno, "can't create %s in the backup folder", it->name);
	else if (cf_buf_resize(&buf, CF_MIB) < 0)
		r = cf_fail_nomem(err);
	struct cf_sha256_state *sha = r == 0 ? cf_sha256_new() : NULL;
	if (r == 0 && !sha)
		r = cf_fail_nomem(err);
	for (uint64_t off = 0; r == 0;) {
		size_t got;
		if (cf_file_read(f, off, buf.p, buf.n, &got, err) < 0) {
			r = -1;
			break;
		}
		if (!got)
			break;
		cf_sha256_add(sha, buf.p, got);
		if (write_piece(fd, buf.p, got, off) < 0)
			r = cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't write %s in the backup folder",
					  it->name);
		off += got;
	}
	if (r == 0 && (ftruncate(fd, (off_t)cf_file_size(f)) < 0 || fsync(fd) < 0))
		r = cf_fail_errno(err, CF_E_IO, errno, "can't sync %s in the backup folder", it->name);
	uint8_t hash[CF_SHA256_LEN];
	char hex[65];
	if (sha) {
		cf_sha256_end(sha, hash);
		if (r == 0)
			fprintf(sums, "%s  %s\n", cf_sha256_hex(hash, hex), it->name);
	}
	cf_file_close(f);
	return r;
}

/* Where the backup is being made, and what it will be called. */
struct place {
	char *base, *path, *work; /* owned: the folder of all backups, TIME, TIME.incomplete */
	bool made_base;
};

static void place_free(struct place *p)
{
	free(p->base);
	free(p->path);
	free(p->work);
}

/* A name in a folder is there after a power cut only if the folder was synced. */
static int sync_folder(const char *path, struct cf_error *err)
{
	CF_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some network file systems can't sync a folder and say EINVAL: there the server orders the names. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return cf_fail_errno(err, CF_E_IO, errno, "can't sync the folder %s", path);
	return 0;
}

static int sync_parent(const char *path, struct cf_error *err)
{
	CF_FREE char *folder = strdup(path);
	if (!folder)
		return cf_fail_nomem(err);
	char *slash = strrchr(folder, '/');
	if (!slash)
		return sync_folder(".", err);
	slash[slash == folder] = 0;
	return sync_folder(folder, err);
}

/* The backup is to outlive a power cut and the disk that it was taken from. */
static int check_place(const struct cf_session *s, const struct place *p, struct cf_error *err)
{
	CF_FREE char *inside = NULL;
	struct cf_error why = { 0 };
	if (asprintf(&inside, "%s/x", p->base) < 0) {
		inside = NULL;
		return cf_fail_nomem(err);
	}
	if (cf_txn_check_folder(inside, &s->place[0], &why) == 0)
		return 0;
	if (p->made_base)
		rmdir(p->base);
	if (why.code != CF_E_REFUSED)
		return cf_fail(err, why.code, "%s", why.message);
	return cf_fail(err, CF_E_REFUSED,
		       "the backup folder %s would lie on a memory file system or on the disk that is to be written; name another one with "
		       "--backup-dir",
		       p->base);
}

static int make_folder(const struct cf_session *s, struct place *p, struct cf_error *err)
{
	char *base = NULL;
	if (s->req->backup_dir)
		base = strdup(s->req->backup_dir);
	else if (asprintf(&base, s->place[0].state_is_folder ? "%s/backup" : "%s.coldfix-backup", s->state[0]) < 0)
		base = NULL;
	if (!base)
		return cf_fail_nomem(err);
	p->base = base;
	if (s->place[0].state_is_folder && !s->req->backup_dir) {
		/* the state folder itself may be new */
		for (char *slash = base; (slash = strchr(slash + 1, '/'));) {
			*slash = 0;
			mkdir(base, 0700);
			*slash = '/';
		}
	}
	p->made_base = mkdir(base, 0700) == 0;
	if (!p->made_base && errno != EEXIST)
		return cf_fail_errno(err, CF_E_IO, errno, "can't make the backup folder %s", base);
	if (check_place(s, p, err) < 0)
		return -1;
	char stamp[CF_TIME_TEXT];
	cf_now_stamp(stamp);
	for (int i = 0; i < 1000; i++) {
		char number[16] = "";
		if (i)
			snprintf(number, sizeof number, ".%d", i + 1);
		CF_FREE char *path = NULL;
		CF_FREE char *work = NULL;
		if (asprintf(&path, "%s/%s%s", base, stamp, number) < 0 || asprintf(&work, "%s.incomplete", path) < 0)
			return cf_fail_nomem(err);
		if (access(path, F_OK) == 0)
			continue;
		if (mkdir(work, 0700) == 0) {
			p->path = CF_STEAL(path);
			p->work = CF_STEAL(work);
			return 0;
		}
		int e = errno;
		if (e == EEXIST)
			continue;
		if (p->made_base)
			rmdir(base);
		return cf_fail_errno(err, CF_E_IO, e, "can't make the backup folder %s", work);
	}
	return cf_fail(err, CF_E_IO, "can't find a free name for the backup folder in %s", base);
}

static int check_room(const char *folder, const struct list *l, struct cf_error *err)
{
	struct statvfs st;
	uint64_t need = CF_MIB;
	for (size_t i = 0; i < l->n; i++)
		if (cf_add_overflow(need, l->item[i].size, &need))
			return cf_fail(err, CF_E_NO_SPACE, "the hives are too large to back up");
	if (statvfs(folder, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize < need)
		return cf_fail(err, CF_E_NO_SPACE,
			       "no room for the backup of the hives in %s (%llu MiB needed); name another folder with --backup-dir", folder,
			       (unsigned long long)(need / CF_MIB + 1));
	return 0;
}

/* Everything in the folder, and the sums of it; synced. */
static int fill(const struct cf_session *s, const struct list *l, int dir, const struct place *p, struct cf_error *err)
{
	int fd = dir < 0 ? -1 : openat(dir, "SHA256SUMS", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CF_FCLOSE FILE *sums = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!sums) {
		cf_fail_errno(err, CF_E_IO, errno, "can't write to the backup folder %s", p->work);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (size_t i = 0; i < l->n; i++)
		if (copy_out(s, &l->item[i], dir, sums, err) < 0)
			return -1;
	if (fflush(sums) != 0 || ferror(sums) || fsync(fileno(sums)) < 0)
		return cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't write to the backup folder %s",
				     p->work);
	return sync_folder(p->work, err);
}

/* Nothing half-done stays behind. */
static void take_away(const struct list *l, int dir, const struct place *p)
{
	for (size_t i = 0; i < l->n && dir >= 0; i++)
		unlinkat(dir, l->item[i].name, 0);
	if (dir >= 0)
		unlinkat(dir, "SHA256SUMS", 0);
	rmdir(p->work);
	rmdir(p->path); /* when only the syncs behind its new name failed */
	if (p->made_base)
		rmdir(p->base); /* only if it is empty */
}

int cf_session_backup(const struct cf_session *s, char **folder, struct cf_error *err)
{
	struct list l = { 0 };
	CF_CLEANUP(place_free) struct place place = { 0 };
	CF_FREE struct item *items = calloc(MAX_FILES, sizeof *items);
	*folder = NULL;
	if (!items)
		return cf_fail_nomem(err);
	l.item = items;
	for (size_t i = 0; i < s->m->n_installs; i++) {
		char dir[600];
		snprintf(dir, sizeof dir, "%s\\System32\\config", s->m->install[i].root);
		gather(s, &l, s->m->install[i].vol, dir, true);
	}
	for (size_t i = 0; i < s->m->n_stores; i++)
		gather(s, &l, s->m->store[i].vol, s->m->store[i].path, false);
	if (!l.n)
		return 0;
	if (make_folder(s, &place, err) < 0)
		return -1;
	int r = check_room(place.work, &l, err);
	/* The folder is ours since a moment; nobody may have put another in its place. */
	struct stat own;
	CF_CLOSE int dir = open(place.work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && dir >= 0 && (fstat(dir, &own) < 0 || own.st_uid != geteuid() || own.st_mode & 077))
		r = cf_fail(err, CF_E_REFUSED, "somebody exchanged the backup folder %s", place.work);
	if (r == 0 && fill(s, &l, dir, &place, err) < 0)
		r = cf_fail_prefix(err, "the backup of the hives failed, and without it nothing is written (--no-backup goes on)");
	if (r == 0 && rename(place.work, place.path) < 0)
		r = cf_fail_errno(err, CF_E_IO, errno, "can't name the backup folder %s", place.path);
	if (r == 0 && (sync_folder(place.base, err) < 0 || sync_parent(place.base, err) < 0))
		r = -1;
	if (r < 0) {
		take_away(&l, dir, &place);
		return r;
	}
	*folder = CF_STEAL(place.path);
	return 0;
}
