/* ntfs.c - the NTFS driver: opening with its safety rules, files, and the table that volume.c calls.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening writes nothing, for reading or for writing, unless CF_VOL_FORCE_UNCLEAN finds a journal that has to be emptied or
 * CF_VOL_DISCARD_HIBERNATION an image that has to go. A volume that Windows hibernated on, or whose journal isn't closed, is never opened for writing otherwise: Windows would replay the journal
 * or its memory over our changes.
 */
#include "volume/ntfs-internal.h"

#include <stdlib.h>

struct ntfs_file {
	struct cf_file file;
	struct cf_ntfs_stream *stream; /* NULL: the file has no unnamed stream */
	struct cf_stat st;
};

static int close_volume(struct cf_volume *v, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	int rc = cf_ntfs_unmount(n, err);
	free(n);
	return rc;
}

/* The safety rules of a writable open. All is read before anything is written, so that a refusal leaves the volume as it was. */
static int may_write(struct cf_ntfs *n, struct cf_error *err)
{
	struct cf_ntfs_journal j;
	bool hibernated, discard = n->vol.flags & CF_VOL_DISCARD_HIBERNATION, force = n->vol.flags & CF_VOL_FORCE_UNCLEAN;
	if (n->io.slice->read_only)
		return cf_fail(err, CF_E_READ_ONLY, "the disk can't be written");
	if (n->boot.truncated)
		return cf_fail(err, CF_E_CORRUPT, "the NTFS volume is larger than its partition: its end is missing");
	if (cf_ntfs_hibernated(n, &hibernated, err) < 0 || cf_ntfs_journal_state(n, &j, err) < 0)
		return -1;
	if (hibernated && !discard)
		return cf_fail(err, CF_E_UNCLEAN,
			       "Windows is hibernated on this volume (or was shut down with fast start-up): let it start and shut down "
			       "with \"shutdown /s /f /t 0\", which keeps nothing in \\hiberfil.sys");
	if (j.unclean && !force)
		return cf_fail(err, CF_E_UNCLEAN,
			       "the NTFS journal is unclean ($LogFile: %s): let Windows start and shut down properly, or use "
			       "--force-unclean to empty the journal and have Windows run chkdsk", j.text);
	n->io.writable = true;
	if (hibernated && cf_ntfs_discard_hibernation(n, err) < 0)
		return -1;
	return j.unclean ? cf_ntfs_force_clean(n, err) : 0;
}

static struct cf_file *open_file(struct cf_volume *v, const char *path, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	CF_NTFS_PLACE place = { 0 };
	CF_FREE struct ntfs_file *f = calloc(1, sizeof *f);
	if (!f) {
		cf_fail_nomem(err);
		return NULL;
	}
	if (cf_ntfs_resolve(n, path, &place, err) < 0 || cf_ntfs_stat_record(n, place.ref, &f->st, err) < 0)
		return NULL;
	if (f->st.kind == CF_FILE_DIRECTORY) {
		cf_fail(err, CF_E_UNSUPPORTED, "it is a folder, not a file: %s", path);
		return NULL;
	}
	struct cf_error why = { 0 };
	f->stream = cf_ntfs_stream_open(n, place.ref, CF_NTFS_AT_DATA, NULL, &why);
	if (!f->stream && why.code != CF_E_NOT_FOUND) {
		if (err)
			*err = why;
		return NULL;
	}
	f->file.vol = v;
	f->file.size = f->stream ? cf_ntfs_stream_size(f->stream) : 0;
	return &CF_STEAL(f)->file;
}

static int read_file(struct cf_file *file, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	struct ntfs_file *f = (struct ntfs_file *)file;
	*got = 0;
	if (f->st.unreadable != CF_READABLE)
		return cf_fail(err, CF_E_UNSUPPORTED, "the file's content can't be given: %s",
			       cf_ntfs_unreadable_text(f->st.unreadable));
	return f->stream ? cf_ntfs_stream_read(f->stream, off, buf, len, got, err) : 0;
}

static int file_extents(struct cf_file *file, int (*fn)(void *, uint64_t, uint64_t, uint64_t), void *user, struct cf_error *err)
{
	struct ntfs_file *f = (struct ntfs_file *)file;
	return f->stream ? cf_ntfs_stream_extents(f->stream, fn, user, err) : 0;
}

static void close_file(struct cf_file *file)
{
	struct ntfs_file *f = (struct ntfs_file *)file;
	cf_ntfs_stream_close(f->stream);
	free(f);
}

static const struct cf_volume_ops ntfs_ops = {
	.close = close_volume,
	.stat = cf_ntfs_stat,
	.list = cf_ntfs_list,
	.open = open_file,
	.read = read_file,
	.extents = file_extents,
	.close_file = close_file,
	.replace = cf_ntfs_replace,
	.create = cf_ntfs_create,
	.remove = cf_ntfs_remove,
	.health = cf_ntfs_health,
	.space = cf_ntfs_space,
	.label = cf_ntfs_label,
	.fingerprints = cf_ntfs_fingerprints,
	.mft_can_grow = cf_ntfs_mft_can_grow,
};

struct cf_volume *cf_ntfs_open(struct cf_block *slice, int flags, struct cf_error *err)
{
	struct cf_ntfs *n = calloc(1, sizeof *n);
	if (!n) {
		cf_fail_nomem(err);
		return NULL;
	}
	n->vol = (struct cf_volume){ .ops = &ntfs_ops, .slice = slice, .fs = CF_FS_NTFS, .flags = flags };
	n->io.slice = slice;
	bool writable = flags & CF_VOL_WRITE;
	if (cf_ntfs_check(slice, &n->boot, err) < 0 || cf_ntfs_mount(n, writable, err) < 0) {
		free(n);
		return NULL;
	}
	if (writable && may_write(n, err) < 0) {
		n->io.writable = false;
		struct cf_error ignored;
		if (cf_ntfs_unmount(n, &ignored) < 0) {
			/* the refusal matters more */
		}
		free(n);
		return NULL;
	}
	return &n->vol;
}
