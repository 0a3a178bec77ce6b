/* ntfs-ops.h - what ntfs-populate can do to a volume; every function ends the program with a message if it cannot.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef IMAGES_NTFS_OPS_H
#define IMAGES_NTFS_OPS_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct _ntfs_volume;

/* Clusters; a list ends with length 0. */
struct extent {
	int64_t lcn, length;
};
/* Marks them as used. */
void take(struct _ntfs_volume *vol, const struct extent *e);
/* Gives an empty file these extents, already taken, the whole length valid. */
void assign(struct _ntfs_volume *vol, const char *path, const struct extent *e, int64_t size);

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Paths use '/'; sizes and offsets are bytes. The manifest operations of the same names say more. */
void set_dos_name(struct _ntfs_volume *vol, const char *path, const char *shortname);
/* type is S_IFREG or S_IFDIR; parents are made as needed, an existing folder is left as it is. */
void create(struct _ntfs_volume *vol, const char *path, mode_t type);
void make_file(struct _ntfs_volume *vol, const char *path, const char *source);
void make_solid(struct _ntfs_volume *vol, const char *path, int64_t size);
/* kind is "fill", "sparse" or "compressed". */
void make_data(struct _ntfs_volume *vol, const char *kind, const char *path, int64_t size);
void make_stream(struct _ntfs_volume *vol, const char *path, const char *name, int64_t size);
void make_link(struct _ntfs_volume *vol, const char *path, const char *old);
void make_junction(struct _ntfs_volume *vol, const char *path, const char *target);
/* Any reparse tag (hex) with 16 bytes of data: what only Windows' filters know. */
void make_reparse(struct _ntfs_volume *vol, const char *path, const char *tag);
/* An empty file that is given the clusters of another one: damage. */
void cross_link(struct _ntfs_volume *vol, const char *path, const char *other);
/* Windows counts what each user has: the flag in $Quota. */
void track_quota(struct _ntfs_volume *vol);
void delete_file(struct _ntfs_volume *vol, const char *path);
void set_attributes(struct _ntfs_volume *vol, const char *path, const char *letters);
void set_time(struct _ntfs_volume *vol, const char *path, time_t t);
void set_changed(struct _ntfs_volume *vol, const char *path, time_t t); /* only the time of the last change */
/* Two files of n pieces of `each` clusters, in turns. */
void fragment(struct _ntfs_volume *vol, const char *path, const char *other, int64_t n, int64_t each);
/* $MFT in n more pieces: what lies behind it is given to files below dir, then small files are made there until it grows elsewhere. */
void split_mft(struct _ntfs_volume *vol, const char *dir, int64_t n);
/* $Bitmap in single clusters, and n bad clusters in $BadClus, every second one. */
void split_bitmap(struct _ntfs_volume *vol);
void split_bad(struct _ntfs_volume *vol, int64_t n);
void leave(struct _ntfs_volume *vol, int64_t rest, const char *path);
void scatter(struct _ntfs_volume *vol, const char *dir, int64_t size);
/* n small files below dir, `per` to a leaf folder, with temporary files made and deleted in between. */
void make_many(struct _ntfs_volume *vol, const char *dir, int64_t n, int64_t per);
/* version "1.1" or "2.0"; state "clean", "dirty" or "empty". */
void write_journal(struct _ntfs_volume *vol, const char *version, const char *state);
void set_serial(struct _ntfs_volume *vol, const char *hex);
void report(struct _ntfs_volume *vol);
/* Writes the host file `source` into an existing file at offset `at`. */
void write_source(struct _ntfs_volume *vol, const char *path, int64_t at, const char *source);
void write_text(struct _ntfs_volume *vol, const char *path, const char *text);

#endif
