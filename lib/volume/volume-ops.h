/* volume-ops.h - what a file system driver provides; shared by volume.c, ntfs*.c and fat*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * volume.c checks arguments and dispatches; each driver embeds struct cf_volume / struct cf_file as first member. Every op has the meaning
 * of the function of the same name in volume.h.
 */
#ifndef CF_VOLUME_VOLUME_OPS_H
#define CF_VOLUME_VOLUME_OPS_H

#include "volume/volume.h"

struct cf_volume_ops {
	int (*close)(struct cf_volume *v, struct cf_error *err); /* frees v */
	int (*stat)(struct cf_volume *v, const char *path, struct cf_stat *st, struct cf_error *err);
	int (*list)(struct cf_volume *v, const char *path, int (*fn)(void *, const char *, const struct cf_stat *),
		    void *user, struct cf_error *err);
	struct cf_file *(*open)(struct cf_volume *v, const char *path, struct cf_error *err);
	int (*read)(struct cf_file *f, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err);
	int (*extents)(struct cf_file *f, int (*fn)(void *, uint64_t, uint64_t, uint64_t), void *user,
		       struct cf_error *err);
	void (*close_file)(struct cf_file *f);
	int (*replace)(struct cf_volume *v, const char *path, struct cf_span data, struct cf_error *err);
	int (*create)(struct cf_volume *v, const char *path, struct cf_span data, struct cf_error *err);
	int (*remove)(struct cf_volume *v, const char *path, struct cf_error *err);
	int (*health)(struct cf_volume *v, struct cf_volume_health *h, struct cf_error *err);
	int (*space)(struct cf_volume *v, struct cf_volume_space *s, struct cf_error *err);
	char *(*label)(struct cf_volume *v, struct cf_error *err);
	int (*fingerprints)(struct cf_volume *v, int (*fn)(void *, uint64_t, uint64_t, const char *), void *user,
			    struct cf_error *err);
	bool (*mft_can_grow)(struct cf_volume *v);
};

struct cf_volume {
	const struct cf_volume_ops *ops;
	struct cf_block *slice;
	enum cf_fs fs;
	int flags;
};

struct cf_file {
	struct cf_volume *vol;
	uint64_t size;
};

struct cf_volume *cf_ntfs_open(struct cf_block *slice, int flags, struct cf_error *err);
struct cf_volume *cf_fat_open(struct cf_block *slice, int flags, struct cf_error *err);

#endif
