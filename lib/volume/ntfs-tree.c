/* ntfs-tree.c - walking and pruning trees by MFT reference; quotas.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Removing is libntfs-3g's ntfs_delete(): the index entry first, then clusters and records, so that whatever happens in between (within the
 * transaction nothing does) could lose space but never give a cluster to two files. $UsnJrnl is not told: it is Windows' own log, and a record of what
 * Windows did not do would be a lie. $Quota is told that its numbers are old, as Linux' own driver does.
 */
#include "volume/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "volume/ntfs-internal.h"
#include "volume/path.h"

#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/index.h>

#define QUOTA_DEFAULTS 1u /* key of the entry that speaks for the whole volume */
#define QUOTA_COUNTING 0x850u /* tracking enabled, tracking requested, pending deletes: otherwise nobody counts */
#define QUOTA_OUT_OF_DATE 0x200u
#define QUOTA_ENTRY_MIN 8u /* version, flags */

static int ntfs_only(struct cf_volume *v, struct cf_error *err)
{
	return v->fs == CF_FS_NTFS ? 0 : cf_fail(err, CF_E_UNSUPPORTED, "the volume is not NTFS but %s", cf_fs_name(v->fs));
}

/* Walks down; folder and name (both may be NULL) are those of the last step. */
static int find(struct cf_ntfs *n, const char *path, uint64_t *folder, uint64_t *ref, struct cf_stat *st, struct cf_buf *name,
		struct cf_error *err)
{
	CF_PATH names = { 0 };
	CF_BUF wide = { 0 };
	if (cf_path_split(path, &names, err) < 0 || cf_ntfs_stat_record(n, CF_NTFS_REC_ROOT, st, err) < 0)
		return -1;
	*ref = CF_NTFS_REC_ROOT;
	for (size_t i = 0; i < names.n; i++) {
		struct cf_ntfs_name found;
		bool inside;
		if (st->kind != CF_FILE_DIRECTORY || st->reparse_tag)
			return cf_fail(err, CF_E_NOT_FOUND, "the path leads through a link, which is not followed: %s", path);
		if (cf_buf_resize(&wide, 0) < 0 || cf_utf8_to_utf16(names.name[i], &wide) < 0)
			return cf_fail_nomem(err); /* that it is well-formed was checked with the path */
		if (folder)
			*folder = *ref;
		if (cf_ntfs_lookup(n, *ref, cf_buf_span(&wide), &found, name, err) < 0 ||
		    cf_ntfs_stat_in(n, found.ref, *ref, st, &inside, err) < 0)
			return -1;
		if (!inside)
			return cf_fail(err, CF_E_CORRUPT, "the folder's index and the MFT contradict each other about %s; run chkdsk", path);
		*ref = found.ref;
	}
	return 0;
}

int cf_tree_find(struct cf_volume *v, const char *path, uint64_t *ref, struct cf_stat *st, struct cf_error *err)
{
	struct cf_stat own;
	return ntfs_only(v, err) < 0 ? -1 : find(cf_ntfs_of(v), path, NULL, ref, st ? st : &own, NULL, err);
}

int cf_tree_find_name(struct cf_volume *v, const char *path, uint64_t *folder, uint64_t *ref, struct cf_stat *st, struct cf_buf *name,
		      struct cf_error *err)
{
	*folder = 0;
	return ntfs_only(v, err) < 0 ? -1 : find(cf_ntfs_of(v), path, folder, ref, st, name, err);
}

struct listing {
	struct cf_ntfs *n;
	uint64_t folder;
	int (*fn)(void *, const struct cf_tree_entry *);
	void *user;
	struct cf_error *err;
};

static int list_one(void *user, const struct cf_ntfs_name *name)
{
	struct listing *l = user;
	struct cf_tree_entry e = { .wide = name->name, .ref = name->ref };
	struct cf_error why = { 0 };
	bool inside = false;
	if (name->space == 2 ||
	    (CF_NTFS_REF_RECORD(l->folder) == CF_NTFS_REC_ROOT && CF_NTFS_REF_RECORD(name->ref) < CF_NTFS_REC_FIRST_ORDINARY))
		return 0;
	if (cf_ntfs_stat_in(l->n, name->ref, l->folder, &e.st, &inside, &why) < 0) {
		if (why.code == CF_E_IO || why.code == CF_E_NO_MEMORY) {
			if (l->err)
				*l->err = why;
			return -1;
		}
		inside = false;
	}
	if (!inside) {
		e.damaged = true;
		e.st = (struct cf_stat){ 0 };
	}
	CF_FREE char *text = cf_utf16_to_utf8(name->name, NULL);
	if (!text)
		return cf_fail_nomem(l->err);
	e.name = text;
	return l->fn(l->user, &e);
}

int cf_tree_list(struct cf_volume *v, uint64_t folder, int (*fn)(void *, const struct cf_tree_entry *), void *user, struct cf_error *err)
{
	if (ntfs_only(v, err) < 0)
		return -1;
	struct listing l = { cf_ntfs_of(v), folder, fn, user, err };
	return cf_ntfs_walk(l.n, folder, list_one, &l, err);
}

int cf_tree_read(struct cf_volume *v, uint64_t ref, void *buf, size_t n, size_t *got, struct cf_error *err)
{
	*got = 0;
	if (ntfs_only(v, err) < 0)
		return -1;
	struct cf_error why = { 0 };
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(cf_ntfs_of(v), ref, CF_NTFS_AT_DATA, NULL, &why);
	if (!s && why.code == CF_E_NOT_FOUND)
		return 0;
	if (s && cf_ntfs_stream_read(s, 0, buf, n, got, &why) == 0)
		return 0;
	if (err)
		*err = why;
	return -1;
}

int cf_tree_remove(struct cf_volume *v, uint64_t folder, uint64_t ref, struct cf_span name, struct cf_error *err)
{
	if (ntfs_only(v, err) < 0)
		return -1;
	struct cf_ntfs *n = cf_ntfs_of(v);
	unsigned long long number = CF_NTFS_REF_RECORD(ref);
	CF_BUF wide = { 0 };
	if (number < CF_NTFS_REC_FIRST_FREE || (CF_NTFS_REF_RECORD(folder) < CF_NTFS_REC_FIRST_FREE && CF_NTFS_REF_RECORD(folder) != CF_NTFS_REC_ROOT))
		return cf_fail(err, CF_E_REFUSED, "MFT record %llu is one of the file system's own files", number);
	if (name.n < 2 || name.n > CF_NTFS_NAME_MAX * 2u)
		return cf_fail(err, CF_E_CORRUPT, "MFT record %llu has an impossible name", number);
	if (cf_buf_copy(&wide, name) < 0)
		return cf_fail_nomem(err);
	errno = 0;
	ntfs_inode *dir = ntfs_inode_open(n->nv, folder);
	if (!dir)
		return cf_ntfs_fail(n, err, errno, "can't open the folder in MFT record %llu", (unsigned long long)CF_NTFS_REF_RECORD(folder));
	ntfs_inode *ni = ntfs_inode_open(n->nv, ref);
	if (!ni) {
		int e = errno;
		ntfs_inode_close(dir);
		return cf_ntfs_fail(n, err, e, "can't open MFT record %llu", number);
	}
	const void *units = wide.p; /* malloc'd, so its alignment does */
	errno = 0;
	/* Closes both inodes, whether it succeeds or not. */
	if (ntfs_delete(n->nv, NULL, ni, dir, units, (u8)(wide.n / 2)) == 0)
		return 0;
	if (errno == ENOTEMPTY && !n->io.failed)
		return cf_fail(err, CF_E_REFUSED, "the folder in MFT record %llu is not empty", number);
	/* Index, names and record contradict each other: a file that was just listed can't be missing. */
	return cf_ntfs_fail(n, err, errno && errno != ENOENT ? errno : EIO, "can't delete MFT record %llu", number);
}

/* ---- quotas ---- */

/* Finds the entry of the defaults; *flags points into it while the context lives. 0: there is none (a volume without quotas), 1: found, -1. */
static int quota_entry(struct cf_ntfs *n, ntfs_inode *ni, ntfs_index_context **ictx, uint8_t **flags, struct cf_error *err)
{
	static const char name[] = "$Q";
	ntfschar wide[2];
	le32 key;
	for (size_t i = 0; i < 2; i++)
		cf_st16(&wide[i], (uint16_t)name[i]);
	cf_st32(&key, QUOTA_DEFAULTS);
	*ictx = ntfs_index_ctx_get(ni, wide, 2);
	if (!*ictx)
		return cf_fail_nomem(err);
	errno = 0;
	if (ntfs_index_lookup(&key, sizeof key, *ictx))
		return errno == ENOENT ? 0 : cf_ntfs_fail(n, err, errno ? errno : EIO, "can't read the quotas ($Quota)");
	/* What libntfs-3g calls the data is the key; the library has checked that the entry lies in its block. */
	struct cf_span entry = cf_span_of((*ictx)->entry, cf_ld16(&(*ictx)->entry->length));
	size_t at = cf_ld16(&(*ictx)->entry->data_offset), len = cf_ld16(&(*ictx)->entry->data_length);
	if (len < QUOTA_ENTRY_MIN || !cf_span_at(entry, at, len))
		return cf_fail(err, CF_E_CORRUPT, "the quotas ($Quota) are damaged; run chkdsk");
	*flags = (uint8_t *)(*ictx)->entry + at + 4;
	return 1;
}

static int quota(struct cf_ntfs *n, enum cf_quota_state *state, bool mark, struct cf_error *err)
{
	CF_NTFS_PLACE place = { 0 };
	struct cf_error why = { 0 };
	*state = CF_QUOTA_OFF;
	if (cf_ntfs_resolve(n, "\\$Extend\\$Quota", &place, &why) < 0) {
		if (why.code == CF_E_NOT_FOUND)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	errno = 0;
	ntfs_inode *ni = ntfs_inode_open(n->nv, place.ref);
	if (!ni)
		return cf_ntfs_fail(n, err, errno, "can't open $Quota");
	ntfs_index_context *ictx = NULL;
	uint8_t *flags = NULL;
	int rc = quota_entry(n, ni, &ictx, &flags, err);
	if (rc == 1) {
		uint32_t f = cf_ld32(flags);
		if (f & QUOTA_COUNTING)
			*state = f & QUOTA_OUT_OF_DATE ? CF_QUOTA_STALE : CF_QUOTA_TRACKED;
		if (mark && *state == CF_QUOTA_TRACKED) {
			cf_st32(flags, f | QUOTA_OUT_OF_DATE);
			ntfs_index_entry_mark_dirty(ictx);
			*state = CF_QUOTA_STALE;
		}
	}
	if (ictx)
		ntfs_index_ctx_put(ictx);
	errno = 0;
	if (ntfs_inode_close(ni) && rc >= 0)
		rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't write $Quota");
	return rc < 0 ? -1 : 0;
}

int cf_tree_quota(struct cf_volume *v, enum cf_quota_state *state, struct cf_error *err)
{
	*state = CF_QUOTA_OFF;
	return ntfs_only(v, err) < 0 ? -1 : quota(cf_ntfs_of(v), state, false, err);
}

int cf_tree_quota_stale(struct cf_volume *v, struct cf_error *err)
{
	enum cf_quota_state state;
	return ntfs_only(v, err) < 0 ? -1 : quota(cf_ntfs_of(v), &state, true, err);
}
