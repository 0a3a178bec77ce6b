/* stable.h - everything that a transaction asks of the machine, in one table: so that a test can be the machine.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Undo file, marker and the writes to the disk itself go through these calls and nothing else in txn/ touches a file.
 * The real table is system calls. A test puts its own in front (cf_stable_set_hook) to record the order of writes and
 * syncs, to fail one of them, or to die at one of them.
 */
#ifndef CF_TXN_STABLE_H
#define CF_TXN_STABLE_H

#include <sys/types.h>

#include "block/block.h"

struct cf_stable_stat {
	uint64_t size;   /* bytes */
	bool regular;    /* a regular file with one name */
	bool ours;       /* owned by the effective user */
};

struct cf_stable_room {
	uint64_t free;   /* bytes that may be used here */
	uint64_t type;   /* statfs f_type */
	uint64_t device; /* st_dev of the folder */
};

enum cf_stable_open { CF_STABLE_READ, CF_STABLE_WRITE, CF_STABLE_CREATE }; /* create: new, mode 0600, or -EEXIST */

/* Each returns 0 (or what it says) or -errno. */
struct cf_stable_ops {
	int (*open)(void *user, const char *path, enum cf_stable_open how); /* a handle, never through a symbolic link */
	void (*close)(void *user, int h);
	ssize_t (*pread)(void *user, int h, void *buf, size_t len, uint64_t off);
	ssize_t (*pwrite)(void *user, int h, const void *buf, size_t len, uint64_t off);
	int (*stat)(void *user, int h, struct cf_stable_stat *st);
	int (*allocate)(void *user, int h, uint64_t size); /* room for size bytes is reserved, they read as zero */
	int (*truncate)(void *user, int h, uint64_t size); /* longer: zeros follow. NULL: no file's length can be set */
	int (*sync)(void *user, int h);
	int (*sync_folder)(void *user, const char *folder);
	int (*rename)(void *user, const char *from, const char *to); /* never replaces: -EEXIST */
	int (*unlink)(void *user, const char *path);
	int (*exists)(void *user, const char *path);               /* 1, 0 or -errno; does not follow a link */
	int (*make_folder)(void *user, const char *folder);        /* with its parents, 0700 */
	int (*room)(void *user, const char *folder, struct cf_stable_room *room);
	/* The disk itself: 0 or -1 with err. */
	int (*disk_write)(void *user, struct cf_block *disk, uint64_t off, const void *buf, size_t len,
			  struct cf_error *err);
	/* The same for what may be written until the flush (cf_block_put). NULL: disk_write does it. */
	int (*disk_put)(void *user, struct cf_block *disk, uint64_t off, const void *buf, size_t len, struct cf_error *err);
	int (*disk_flush)(void *user, struct cf_block *disk, struct cf_error *err);
};

struct cf_stable {
	const struct cf_stable_ops *ops;
	void *user;
};

/* System calls. */
extern const struct cf_stable_ops cf_stable_real;

/* Tests only: every later call in this process goes to hook (borrowed); NULL: the real table again. Not thread-safe. */
void cf_stable_set_hook(const struct cf_stable *hook);

/* The calls as txn/ uses them: whole buffers, sentences for errors. Paths appear in the error. */
int cf_stable_open(const char *path, enum cf_stable_open how, struct cf_error *err);
void cf_stable_close(int h);
static inline void cf_stable_closep(int *h)
{
	if (*h >= 0)
		cf_stable_close(*h);
}
#define CF_STABLE_CLOSE CF_CLEANUP(cf_stable_closep)

/* Reads exactly len bytes; CF_E_CORRUPT when the file ends before. */
int cf_stable_read(int h, const char *path, uint64_t off, void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_write(int h, const char *path, uint64_t off, const void *buf, size_t len,
		    struct cf_error *err) CF_MUST_CHECK;
int cf_stable_stat(int h, const char *path, struct cf_stable_stat *st, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_allocate(int h, const char *path, uint64_t size, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_truncate(int h, const char *path, uint64_t size, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_sync(int h, const char *path, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_sync_folder_of(const char *path, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_rename(const char *from, const char *to, struct cf_error *err) CF_MUST_CHECK;
/* A file that is not there is fine. */
int cf_stable_unlink(const char *path, struct cf_error *err) CF_MUST_CHECK;
/* 1, 0 or -1 */
int cf_stable_exists(const char *path, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_make_folder(const char *folder, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_room(const char *folder, struct cf_stable_room *room, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_disk_write(struct cf_block *disk, uint64_t off, const void *buf, size_t len,
			 struct cf_error *err) CF_MUST_CHECK;
int cf_stable_disk_put(struct cf_block *disk, uint64_t off, const void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
int cf_stable_disk_flush(struct cf_block *disk, struct cf_error *err) CF_MUST_CHECK;

/* Malloc'd folder part of a path ("." when there is none); NULL when out of memory. */
char *cf_stable_folder_of(const char *path);

#endif
