/* place.c - where a transaction keeps its state, and whether it is safe there.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The marker always lies at a place that follows from the disk alone, so that any later open finds it; the undo file may
 * lie anywhere that survives a power cut. Nothing here writes, except to make the state folder.
 */
#include "txn/place.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/overflow.h"

#define ROOM_SLACK (256 * CF_KIB) /* the marker, folder blocks and the file system's own bookkeeping */
#define DEVICES_MAX 64            /* devices that may stack under a file system (LVM, RAID, dm) */

static char *join(const char *a, const char *b)
{
	char *s;
	return asprintf(&s, "%s%s", a, b) < 0 ? NULL : s;
}

char *cf_place_absolute(const char *path, struct cf_error *err)
{
	char *s = realpath(path, NULL);
	if (s)
		return s;
	if (path[0] == '/') {
		s = strdup(path);
	} else {
		CF_FREE char *cwd = getcwd(NULL, 0);
		if (!cwd) {
			cf_fail_errno(err, CF_E_IO, errno, "cannot find out the working folder");
			return NULL;
		}
		if (asprintf(&s, "%s/%s", cwd, path) < 0)
			s = NULL;
	}
	if (!s)
		cf_fail_nomem(err);
	return s;
}

/* Of a file that does not exist yet: its folder resolved, its name kept. */
static char *absolute_new(const char *path, struct cf_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	CF_FREE char *folder = cf_stable_folder_of(path);
	if (!folder) {
		cf_fail_nomem(err);
		return NULL;
	}
	CF_FREE char *real = cf_place_absolute(folder, err);
	char *s;
	if (!real)
		return NULL;
	if (asprintf(&s, "%s%s%s", real, real[1] ? "/" : "", name) < 0) {
		cf_fail_nomem(err);
		return NULL;
	}
	return s;
}

int cf_names_get(const struct cf_txn_place *place, struct cf_names *names, struct cf_error *err)
{
	names->marker = names->base = NULL;
	if (!place->state_base || !place->state_base[0])
		return cf_fail(err, CF_E_INTERNAL, "no place for the state of this disk was given");
	/* Through a symbolic link and by its own name, an image has one marker. */
	CF_FREE char *base = cf_place_absolute(place->state_base, err);
	if (!base)
		return -1;
	names->marker = join(base, place->state_is_folder ? "/pending" : ".coldfix-pending");
	names->base = join(base, place->state_is_folder ? "/undo" : ".coldfix-undo");
	if (names->marker && names->base)
		return 0;
	cf_names_free(names);
	return cf_fail_nomem(err);
}

void cf_names_free(struct cf_names *names)
{
	free(names->marker);
	free(names->base);
	names->marker = names->base = NULL;
}

char *cf_names_undo(const struct cf_names *names, unsigned n)
{
	char *s;
	if (n == 1)
		return strdup(names->base);
	return asprintf(&s, "%s.%u", names->base, n) < 0 ? NULL : s;
}

int cf_names_undo_there(const struct cf_names *names, unsigned *n, char **path, struct cf_error *err)
{
	for (; *n > 0; --*n) {
		CF_FREE char *name = cf_names_undo(names, *n);
		if (!name)
			return cf_fail_nomem(err);
		int there = cf_stable_exists(name, err);
		if (there > 0)
			*path = CF_STEAL(name);
		if (there)
			return there;
	}
	return 0;
}

char *cf_place_new_undo(const struct cf_txn_place *place, const struct cf_names *names, struct cf_error *err)
{
	if (place->undo_file) {
		CF_FREE char *path = absolute_new(place->undo_file, err);
		if (!path)
			return NULL;
		int there = cf_stable_exists(path, err);
		if (there > 0) {
			cf_fail(err, CF_E_REFUSED,
				"%s exists already and is never overwritten; name another undo file", path);
			cf_fail_path(err, path);
		}
		return there == 0 ? CF_STEAL(path) : NULL;
	}
	CF_FREE char *newest = NULL;
	unsigned n = CF_UNDO_NAMES_MAX;
	int there = cf_names_undo_there(names, &n, &newest, err);
	if (there < 0)
		return NULL;
	if (n == CF_UNDO_NAMES_MAX) {
		cf_fail(err, CF_E_REFUSED, "%s exists: too many undo files; move the old ones away", newest);
		return NULL;
	}
	char *next = cf_names_undo(names, n + 1); /* the first, when there is none */
	if (!next)
		cf_fail_nomem(err);
	return next;
}

/* Adds the devices under a sysfs folder of links ("…/slaves"). */
static void add_slaves(const char *folder, uint64_t *list, size_t *n)
{
	DIR *d = opendir(folder);
	if (!d)
		return;
	for (struct dirent *e; *n < DEVICES_MAX && (e = readdir(d));) {
		char path[PATH_MAX];
		unsigned major, minor;
		if (e->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s/dev", folder, e->d_name) >= PATH_MAX)
			continue;
		CF_FCLOSE FILE *f = fopen(path, "re");
		if (f && fscanf(f, "%u:%u", &major, &minor) == 2)
			list[(*n)++] = makedev(major, minor);
	}
	closedir(d);
}

bool cf_place_stands_on(const char *sys, uint64_t device, uint64_t disk)
{
	uint64_t list[DEVICES_MAX] = { device };
	size_t n = 1;
	for (size_t i = 0; i < n; i++) {
		char path[PATH_MAX];
		unsigned major_no = major(list[i]), minor_no = minor(list[i]);
		if (list[i] == disk)
			return true;
		snprintf(path, sizeof path, "%s/dev/block/%u:%u/slaves", sys, major_no, minor_no);
		add_slaves(path, list, &n);
		/* A partition's folder lies in its disk's folder. */
		snprintf(path, sizeof path, "%s/dev/block/%u:%u/partition", sys, major_no, minor_no);
		if (n < DEVICES_MAX && access(path, F_OK) == 0) {
			snprintf(path, sizeof path, "%s/dev/block/%u:%u/../dev", sys, major_no, minor_no);
			CF_FCLOSE FILE *f = fopen(path, "re");
			if (f && fscanf(f, "%u:%u", &major_no, &minor_no) == 2)
				list[n++] = makedev(major_no, minor_no);
		}
	}
	return false;
}

int cf_place_check(const char *path, const struct cf_txn_place *place, uint64_t need, struct cf_error *err)
{
	struct cf_stable_room room;
	struct stat st;
	CF_FREE char *folder = cf_stable_folder_of(path);
	if (!folder)
		return cf_fail_nomem(err);
	if (cf_stable_room(folder, &room, err) < 0)
		return -1;
	if (room.type == TMPFS_MAGIC || room.type == RAMFS_MAGIC || room.type == HUGETLBFS_MAGIC) {
		cf_fail(err, CF_E_REFUSED,
			"%s lies on a memory file system, where an undo file would not survive a power cut; "
			"name a place on a real one with --undo-file", folder);
		return cf_fail_path(err, folder);
	}
	if (place->disk_path && stat(place->disk_path, &st) == 0 && S_ISBLK(st.st_mode) &&
	    cf_place_stands_on("/sys", room.device, st.st_rdev)) {
		cf_fail(err, CF_E_REFUSED, "%s lies on the disk that is to be written; "
			"name a place on another disk with --undo-file", folder);
		return cf_fail_path(err, folder);
	}
	if (need && (need > UINT64_MAX - ROOM_SLACK || room.free < need + ROOM_SLACK)) {
		cf_fail(err, CF_E_NO_SPACE,
			"the undo file needs %llu KiB but %s has room for %llu KiB; make room, or name another place "
			"with --undo-file", (unsigned long long)((need + ROOM_SLACK) / CF_KIB), folder,
			(unsigned long long)(room.free / CF_KIB));
		return cf_fail_path(err, folder);
	}
	return 0;
}

int cf_nonce_make(uint8_t nonce[CF_UNDO_NONCE], struct cf_error *err)
{
	if (getrandom(nonce, CF_UNDO_NONCE, 0) == (ssize_t)CF_UNDO_NONCE)
		return 0;
	return cf_fail_errno(err, CF_E_IO, errno, "cannot get random bytes");
}
