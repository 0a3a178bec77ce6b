/* ntfs-internal.h - what the files of the NTFS driver share; included by ntfs*.c and mft-*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libntfs-3g does the reading and writing of inodes and attributes; everything that walks structures in ways a hostile volume could
 * abuse (boot sector, folder indexes, restart pages, run lists) is parsed here under budgets. libntfs-3g's headers are included by
 * ntfs-device.c, ntfs-grow.c, ntfs-stream.c, ntfs-stat.c and ntfs-write.c only, after this header, which names their structures without them.
 */
#ifndef CF_VOLUME_NTFS_INTERNAL_H
#define CF_VOLUME_NTFS_INTERNAL_H

#include "base/endian.h"
#include "base/error.h"
#include "base/overflow.h"
#include "base/span.h"
#include "base/utf16.h"
#include "volume/ntfs-format.h"
#include "volume/volume-ops.h"

struct _ntfs_volume; /* libntfs-3g's own names */
struct ntfs_device;

/* The boot sector, checked. */
struct cf_ntfs_boot {
	uint32_t sector_size, cluster_size, record_size, index_size;
	uint64_t sectors;  /* of the volume, without the backup boot sector */
	uint64_t clusters;
	uint64_t mft_lcn, mirror_lcn;
	bool truncated;    /* the volume claims more bytes than the slice has */
};

/* What $LogFile's restart pages say. */
struct cf_ntfs_journal {
	bool unclean;
	char text[64]; /* "version 2.0, in use" */
};

/* The device that libntfs-3g reads and writes: our slice. */
struct cf_ntfs_io {
	struct cf_block *slice;
	bool writable;         /* refuses every write while false */
	bool failed;           /* an access failed; error says how */
	bool write_failed;     /* sticky: reported again by close */
	uint64_t position;     /* for the seek/read/write members, which libntfs-3g hardly uses */
	struct cf_error error;
};

struct cf_ntfs {
	struct cf_volume vol;
	struct cf_ntfs_io io;
	struct cf_ntfs_boot boot;
	struct _ntfs_volume *nv;
	const uint8_t *upcase; /* UTF-16LE units, owned by nv */
	size_t upcase_units;
};

static inline struct cf_ntfs *cf_ntfs_of(struct cf_volume *v)
{
	return (struct cf_ntfs *)v;
}

/* ---- ntfs-check.c: no libntfs-3g ---- */

/* Reads and checks the boot sector and MFT record 0, before libntfs-3g sees the volume. CF_E_CORRUPT, CF_E_UNSUPPORTED, CF_E_IO. */
int cf_ntfs_check(struct cf_block *slice, struct cf_ntfs_boot *boot, struct cf_error *err) CF_MUST_CHECK;

/* Undoes the update sequence of a multi-sector record in place. False: torn or not a record. */
bool cf_ntfs_fixup(uint8_t *record, size_t size);

/* Judges the first bytes of $LogFile (both restart pages). head is changed (fix-ups). */
void cf_ntfs_journal_parse(uint8_t *head, size_t n, struct cf_ntfs_journal *j);

/* One run of mapping pairs: *lcn is -1 for a hole. pos is the offset in pairs of the next run. 1: a run, 0: the end, -1: damaged. */
int cf_ntfs_next_run(struct cf_span pairs, size_t *pos, int64_t *lcn, uint64_t *length, int64_t *previous);

/* ---- ntfs-device.c ---- */

/* Mounts n->io.slice without a single write, read-only or (writable) ready for writing once n->io.writable is set. */
int cf_ntfs_mount(struct cf_ntfs *n, bool writable, struct cf_error *err) CF_MUST_CHECK;

/* Writes out and frees everything of libntfs-3g. */
int cf_ntfs_unmount(struct cf_ntfs *n, struct cf_error *err) CF_MUST_CHECK;

/* Turns errno of a failed libntfs-3g call into an error: "WHAT: reason"; a failed device access takes precedence. Returns -1. */
int cf_ntfs_fail(struct cf_ntfs *n, struct cf_error *err, int errno_value, const char *what, ...) CF_PRINTF(4, 5);

/* $VOLUME_INFORMATION's flags as mounted. */
bool cf_ntfs_dirty_flag(struct cf_ntfs *n);

/* ---- ntfs-stream.c: attributes as byte streams ---- */

struct cf_ntfs_stream; /* an open attribute and its inode */

/* name: ASCII, NULL for unnamed. ref: MFT reference; with sequence number 0 it is not compared. CF_E_NOT_FOUND when the record has no
 * such attribute. */
struct cf_ntfs_stream *cf_ntfs_stream_open(struct cf_ntfs *n, uint64_t ref, uint32_t type, const char *name,
					   struct cf_error *err);
uint64_t cf_ntfs_stream_size(const struct cf_ntfs_stream *s);
uint64_t cf_ntfs_stream_initialized(const struct cf_ntfs_stream *s);
int cf_ntfs_stream_read(struct cf_ntfs_stream *s, uint64_t off, void *buf, size_t len, size_t *got,
			struct cf_error *err) CF_MUST_CHECK;
/* Exactly len bytes, or CF_E_CORRUPT. */
int cf_ntfs_stream_read_all(struct cf_ntfs_stream *s, uint64_t off, void *buf, size_t len,
			    struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_stream_extents(struct cf_ntfs_stream *s, int (*fn)(void *, uint64_t, uint64_t, uint64_t), void *user,
			   struct cf_error *err) CF_MUST_CHECK;
void cf_ntfs_stream_close(struct cf_ntfs_stream *s); /* NULL is fine */
void cf_ntfs_stream_closep(struct cf_ntfs_stream **s);

/* ---- ntfs-stat.c ---- */

int cf_ntfs_stat_record(struct cf_ntfs *n, uint64_t ref, struct cf_stat *st, struct cf_error *err) CF_MUST_CHECK;

/* The same; *in_folder: the record itself says that it has a name in that folder. */
int cf_ntfs_stat_in(struct cf_ntfs *n, uint64_t ref, uint64_t folder, struct cf_stat *st, bool *in_folder,
		    struct cf_error *err) CF_MUST_CHECK;

/* Why this reparse tag makes content unreadable. */
enum cf_unreadable cf_ntfs_tag_meaning(uint32_t tag);

/* "encrypted with EFS", … */
const char *cf_ntfs_unreadable_text(enum cf_unreadable why);

/* ---- ntfs-dir.c: no libntfs-3g ---- */

/* One name of a folder as its index has it. name points into the index block. */
struct cf_ntfs_name {
	uint64_t ref;
	struct cf_span name; /* UTF-16LE */
	uint8_t space;       /* 0 POSIX, 1 Win32, 2 DOS, 3 both */
	uint32_t attributes;
	uint64_t size, allocated;
	int64_t mtime;       /* FILETIME */
};

/* Finds a name in folder ref; CF_E_NOT_FOUND. Letter case follows $UpCase. found->name is empty; spelling (may be NULL) gets the name
 * as the volume spells it. */
int cf_ntfs_lookup(struct cf_ntfs *n, uint64_t folder, struct cf_span name, struct cf_ntfs_name *found,
		   struct cf_buf *spelling, struct cf_error *err) CF_MUST_CHECK;

/* Every index entry in order, DOS names too. fn as in cf_volume_list. */
int cf_ntfs_walk(struct cf_ntfs *n, uint64_t folder, int (*fn)(void *, const struct cf_ntfs_name *), void *user,
		 struct cf_error *err) CF_MUST_CHECK;

/* Compares as $UpCase says: <0, 0, >0. */
int cf_ntfs_compare(const struct cf_ntfs *n, struct cf_span a, struct cf_span b);

/* ---- ntfs-path.c: no libntfs-3g ---- */

/* What a path leads to. parent and name are those of the last component; for the root folder parent is 0 and name is empty. */
struct cf_ntfs_place {
	uint64_t ref, parent;
	struct cf_buf name;     /* UTF-16LE as asked for */
	struct cf_buf spelling; /* UTF-16LE as the volume has it */
};
void cf_ntfs_place_free(struct cf_ntfs_place *place);
#define CF_NTFS_PLACE CF_CLEANUP(cf_ntfs_place_free) struct cf_ntfs_place

/* CF_E_NOT_FOUND when there is no such file or folder: parent and name are then filled if only the last component is missing, else
 * parent is 0. place must be zero-initialised; free it with cf_ntfs_place_free. */
int cf_ntfs_resolve(struct cf_ntfs *n, const char *path, struct cf_ntfs_place *place, struct cf_error *err) CF_MUST_CHECK;

int cf_ntfs_stat(struct cf_volume *v, const char *path, struct cf_stat *st, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_list(struct cf_volume *v, const char *path, int (*fn)(void *, const char *, const struct cf_stat *), void *user,
		 struct cf_error *err) CF_MUST_CHECK;

/* FILETIME (100 ns since 1601) to seconds since 1970. */
int64_t cf_ntfs_unix_time(uint64_t filetime);

/* ---- ntfs-health.c: no libntfs-3g ---- */

int cf_ntfs_journal_state(struct cf_ntfs *n, struct cf_ntfs_journal *j, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_hibernated(struct cf_ntfs *n, bool *hibernated, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_health(struct cf_volume *v, struct cf_volume_health *h, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_space(struct cf_volume *v, struct cf_volume_space *s, struct cf_error *err) CF_MUST_CHECK;
char *cf_ntfs_label(struct cf_volume *v, struct cf_error *err);
int cf_ntfs_fingerprints(struct cf_volume *v, int (*fn)(void *, uint64_t, uint64_t, const char *), void *user,
			 struct cf_error *err) CF_MUST_CHECK;
bool cf_ntfs_mft_can_grow(struct cf_volume *v);

/* ---- ntfs-write.c ---- */

/* Empties $LogFile and sets the dirty flag (CF_VOL_FORCE_UNCLEAN). */
int cf_ntfs_force_clean(struct cf_ntfs *n, struct cf_error *err) CF_MUST_CHECK;
/* Clears the header of \\hiberfil.sys, so that Windows starts afresh (CF_VOL_DISCARD_HIBERNATION). */
int cf_ntfs_discard_hibernation(struct cf_ntfs *n, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_replace(struct cf_volume *v, const char *path, struct cf_span data, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_create(struct cf_volume *v, const char *path, struct cf_span data, struct cf_error *err) CF_MUST_CHECK;
int cf_ntfs_remove(struct cf_volume *v, const char *path, struct cf_error *err) CF_MUST_CHECK;
/* Creates an empty folder in an existing one; not part of the driver's table, for tests and tools. */
int cf_ntfs_mkdir(struct cf_volume *v, const char *path, struct cf_error *err) CF_MUST_CHECK;

#endif
