/* volume.c - the file system drivers behind one interface.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks what every driver would have to check (arguments, the write flag), dispatches through struct cf_volume_ops
 * and names the path in errors. Holds no state of its own.
 */
#include "volume/volume.h"

#include "volume/volume-ops.h"

/* Content is fetched in pieces of this size, so that a size that lies about the file costs no memory up front. */
#define READ_PIECE ((size_t)CF_MIB)

struct cf_volume *cf_volume_open(struct cf_block *slice, enum cf_fs fs, int flags, struct cf_error *err)
{
	if ((flags & CF_VOL_WRITE) && slice->read_only) {
		cf_fail(err, CF_E_READ_ONLY, "the disk is open for reading only");
		return NULL;
	}
	switch (fs) {
	case CF_FS_NTFS:
		return cf_ntfs_open(slice, flags, err);
	case CF_FS_FAT12:
	case CF_FS_FAT16:
	case CF_FS_FAT32:
		return cf_fat_open(slice, flags, err);
	default:
		cf_fail(err, CF_E_UNSUPPORTED, "files on a volume of kind \"%s\" can't be read", cf_fs_name(fs));
		return NULL;
	}
}

int cf_volume_close(struct cf_volume *vol, struct cf_error *err)
{
	return vol ? vol->ops->close(vol, err) : 0;
}

void cf_volume_closep(struct cf_volume **vol)
{
	struct cf_error ignored;
	if (*vol)
		(void)!cf_volume_close(*vol, &ignored);
	*vol = NULL;
}

int cf_volume_stat(struct cf_volume *vol, const char *path, struct cf_stat *st, struct cf_error *err)
{
	*st = (struct cf_stat){ 0 };
	return vol->ops->stat(vol, path, st, err) < 0 ? cf_fail_path(err, path) : 0;
}

bool cf_volume_exists(struct cf_volume *vol, const char *path)
{
	struct cf_stat st;
	return cf_volume_stat(vol, path, &st, NULL) == 0;
}

int cf_volume_list(struct cf_volume *vol, const char *path,
		   int (*fn)(void *user, const char *name, const struct cf_stat *st), void *user, struct cf_error *err)
{
	/* The callback's own value may be -1 too; only an error of the driver has a code. */
	if (err)
		err->code = CF_OK;
	int rc = vol->ops->list(vol, path, fn, user, err);
	if (rc < 0 && err && err->code != CF_OK)
		cf_fail_path(err, path);
	return rc;
}

struct cf_file *cf_file_open(struct cf_volume *vol, const char *path, struct cf_error *err)
{
	struct cf_file *f = vol->ops->open(vol, path, err);
	if (!f)
		cf_fail_path(err, path);
	return f;
}

int cf_file_read(struct cf_file *f, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	*got = 0;
	if (!len || off >= f->size)
		return 0;
	return f->vol->ops->read(f, off, buf, (size_t)cf_min_u64(len, f->size - off), got, err);
}

uint64_t cf_file_size(const struct cf_file *f)
{
	return f->size;
}

void cf_file_close(struct cf_file *f)
{
	if (f)
		f->vol->ops->close_file(f);
}

static void close_filep(struct cf_file **f)
{
	cf_file_close(*f);
}

int cf_file_extents(struct cf_file *f, int (*fn)(void *user, uint64_t file_off, uint64_t offset, uint64_t len), void *user,
		    struct cf_error *err)
{
	return f->vol->ops->extents(f, fn, user, err);
}

static int read_whole(struct cf_file *f, uint64_t max, struct cf_buf *out, struct cf_error *err)
{
	if (f->size > max)
		return cf_fail(err, CF_E_UNSUPPORTED, "the file has %llu bytes, larger than the %llu that are expected here",
			       (unsigned long long)f->size, (unsigned long long)max);
	out->n = 0;
	while (out->n < f->size) {
		size_t old = out->n, got, want = (size_t)cf_min_u64(READ_PIECE, f->size - old);
		if (cf_buf_reserve(out, old + want) < 0)
			return cf_fail_nomem(err);
		int rc = cf_file_read(f, old, out->p + old, want, &got, err);
		out->n = old + (rc < 0 ? 0 : got);
		if (rc < 0)
			return -1;
		if (!got)
			return cf_fail(err, CF_E_CORRUPT, "the file ends at byte %zu of %llu", old, (unsigned long long)f->size);
	}
	return 0;
}

int cf_volume_read_file(struct cf_volume *vol, const char *path, uint64_t max, struct cf_buf *out, struct cf_error *err)
{
	struct cf_file *f CF_CLEANUP(close_filep) = cf_file_open(vol, path, err);
	if (!f)
		return -1;
	return read_whole(f, max, out, err) < 0 ? cf_fail_path(err, path) : 0;
}

static int writable(const struct cf_volume *vol, const char *path, struct cf_error *err)
{
	if (vol->flags & CF_VOL_WRITE)
		return 0;
	cf_fail(err, CF_E_READ_ONLY, "the volume is open for reading only");
	return cf_fail_path(err, path);
}

int cf_volume_replace(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err)
{
	if (writable(vol, path, err) < 0)
		return -1;
	return vol->ops->replace(vol, path, data, err) < 0 ? cf_fail_path(err, path) : 0;
}

int cf_volume_create(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err)
{
	if (writable(vol, path, err) < 0)
		return -1;
	return vol->ops->create(vol, path, data, err) < 0 ? cf_fail_path(err, path) : 0;
}

int cf_volume_delete(struct cf_volume *vol, const char *path, struct cf_error *err)
{
	if (writable(vol, path, err) < 0)
		return -1;
	return vol->ops->remove(vol, path, err) < 0 ? cf_fail_path(err, path) : 0;
}

int cf_volume_health(struct cf_volume *vol, struct cf_volume_health *h, struct cf_error *err)
{
	*h = (struct cf_volume_health){ 0 };
	return vol->ops->health(vol, h, err);
}

int cf_volume_space(struct cf_volume *vol, struct cf_volume_space *s, struct cf_error *err)
{
	*s = (struct cf_volume_space){ 0 };
	return vol->ops->space(vol, s, err);
}

char *cf_volume_label(struct cf_volume *vol, struct cf_error *err)
{
	return vol->ops->label(vol, err);
}

int cf_volume_fingerprints(struct cf_volume *vol, int (*fn)(void *user, uint64_t off, uint64_t len, const char *what),
			   void *user, struct cf_error *err)
{
	return vol->ops->fingerprints(vol, fn, user, err);
}

bool cf_volume_mft_can_grow(struct cf_volume *vol)
{
	return vol->ops->mft_can_grow(vol);
}
