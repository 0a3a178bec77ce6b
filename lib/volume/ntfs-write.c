/* ntfs-write.c - changing an NTFS volume: the content of a file, a new file, a file less.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * libntfs-3g keeps no journal: a change is only as atomic as the transaction beneath the block layer. When anything here fails, the
 * caller drops that transaction. Nothing is changed through a reparse point, and nothing is written for content that is equal.
 */
#include "volume/ntfs-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "volume/path.h"

#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/security.h>

#define PIECE 4096u

int cf_ntfs_force_clean(struct cf_ntfs *n, struct cf_error *err)
{
	errno = 0;
	if (ntfs_logfile_reset(n->nv))
		return cf_ntfs_fail(n, err, errno, "can't empty $LogFile");
	le16 flags = n->nv->flags;
	cf_st16(&flags, cf_ld16(&flags) | 1);
	if (ntfs_volume_write_flags(n->nv, flags))
		return cf_ntfs_fail(n, err, errno, "can't set the volume's dirty flag");
	return 0;
}

int cf_ntfs_discard_hibernation(struct cf_ntfs *n, struct cf_error *err)
{
	static const uint8_t zeros[PIECE];
	CF_NTFS_PLACE place = { 0 };
	if (cf_ntfs_resolve(n, "\\hiberfil.sys", &place, err) < 0)
		return -1;
	errno = 0;
	ntfs_inode *ni = ntfs_inode_open(n->nv, place.ref);
	ntfs_attr *na = ni ? ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0) : NULL;
	int rc = 0, e = errno;
	if (!na) {
		rc = cf_ntfs_fail(n, err, e ? e : EIO, "can't open \\hiberfil.sys");
	} else if (cf_ld16(&na->data_flags)) {
		rc = cf_fail(err, CF_E_UNSUPPORTED, "\\hiberfil.sys is compressed, sparse or encrypted, which Windows never makes");
	} else {
		s64 len = (s64)cf_min_u64(sizeof zeros, (uint64_t)na->data_size);
		errno = 0;
		if (len && ntfs_attr_pwrite(na, 0, len, zeros) != len)
			rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't clear \\hiberfil.sys");
	}
	if (na)
		ntfs_attr_close(na);
	errno = 0;
	if (ni && ntfs_inode_close(ni) && rc == 0)
		rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't clear \\hiberfil.sys");
	return rc;
}

static int sync_volume(struct cf_ntfs *n, struct cf_error *err)
{
	errno = 0;
	if (ntfs_device_sync(n->nv->dev) || n->io.write_failed)
		return cf_ntfs_fail(n, err, errno ? errno : EIO, "can't write the NTFS volume");
	return 0;
}

/* $MFT and its like, and what lies in $Extend ($UsnJrnl, $Quota, …). */
static bool is_system_file(const struct cf_stat *st, const struct cf_ntfs_place *place)
{
	uint64_t parent = CF_NTFS_REF_RECORD(place->parent);
	return st->id < CF_NTFS_REC_FIRST_FREE || (parent < CF_NTFS_REC_FIRST_FREE && parent != CF_NTFS_REC_ROOT);
}

/* What may be written over. */
static int may_replace(const struct cf_stat *st, const struct cf_ntfs_place *place, const char *path, struct cf_error *err)
{
	if (st->kind == CF_FILE_DIRECTORY)
		return cf_fail(err, CF_E_REFUSED, "it is a folder, not a file: %s", path);
	if (is_system_file(st, place))
		return cf_fail(err, CF_E_REFUSED, "it is one of the file system's own files: %s", path);
	if (st->unreadable != CF_READABLE)
		return cf_fail(err, CF_E_UNSUPPORTED, "the file's content can't be changed: %s: %s",
			       cf_ntfs_unreadable_text(st->unreadable), path);
	if (st->reparse_tag)
		return cf_fail(err, CF_E_UNSUPPORTED, "the file's content can't be changed: it is a reparse point (tag 0x%08x): %s",
			       st->reparse_tag, path);
	return 0;
}

/* Writes the pieces of [0, common) that differ. *changed: something was written. */
static int write_common(ntfs_attr *na, struct cf_span data, uint64_t common, bool *changed)
{
	uint8_t old[PIECE];
	for (uint64_t off = 0; off < common; off += PIECE) {
		s64 len = (s64)cf_min_u64(PIECE, common - off);
		if (ntfs_attr_pread(na, (s64)off, len, old) != len)
			return -1;
		if (memcmp(old, data.p + off, (size_t)len) == 0)
			continue;
		if (ntfs_attr_pwrite(na, (s64)off, len, data.p + off) != len)
			return -1;
		*changed = true;
	}
	return 0;
}

/* Allocates up to size. libntfs-3g's allocator gives up on a scattered volume although there is room: then smaller steps are tried, down
 * to a cluster, before the volume counts as full. */
static int grow(ntfs_attr *na, uint64_t size)
{
	uint64_t cluster = na->ni->vol->cluster_size, step = size - (uint64_t)na->data_size;
	while ((uint64_t)na->data_size < size) { /* data_size grows, or step shrinks */
		uint64_t target = cf_min_u64(size, (uint64_t)na->data_size + step);
		errno = 0;
		if (ntfs_attr_truncate_solid(na, (s64)target) == 0) {
			if ((uint64_t)na->data_size != target)
				return -1;
			continue;
		}
		if (errno != ENOSPC || step <= cluster)
			return -1;
		step = (step / 2 + cluster - 1) / cluster * cluster;
	}
	return 0;
}

/* Order: room first (so that a full volume fails before content changes), then content, then the new end. */
static int write_content(ntfs_attr *na, struct cf_span data, bool *changed)
{
	uint64_t old = (uint64_t)na->data_size, common = cf_min_u64(old, data.n);
	if (data.n > old) {
		*changed = true;
		if (grow(na, data.n) < 0)
			return -1;
	}
	if (write_common(na, data, common, changed) < 0)
		return -1;
	if (data.n > old && ntfs_attr_pwrite(na, (s64)old, (s64)(data.n - old), data.p + old) != (s64)(data.n - old))
		return -1;
	if (data.n < old) {
		*changed = true;
		return ntfs_attr_truncate(na, (s64)data.n);
	}
	return 0;
}

/* Makes the unnamed stream of an open inode equal to data. */
static int put_content(struct cf_ntfs *n, ntfs_inode *ni, struct cf_span data, const char *path, struct cf_error *err)
{
	bool changed = false;
	errno = 0;
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	if (!na)
		return cf_ntfs_fail(n, err, errno == ENOENT ? EIO : errno, "can't open the content of %s", path);
	if (cf_ld16(&na->data_flags)) { /* compressed, sparse or encrypted */
		ntfs_attr_close(na);
		return cf_fail(err, CF_E_UNSUPPORTED, "the file is compressed or sparse, which is not written to: %s", path);
	}
	errno = 0;
	int rc = write_content(na, data, &changed), e = errno ? errno : EIO;
	ntfs_attr_close(na);
	if (rc < 0)
		return cf_ntfs_fail(n, err, e, "can't write %s", path);
	if (changed) {
		ni->flags |= FILE_ATTR_ARCHIVE;
		ntfs_inode_update_times(ni, NTFS_UPDATE_MCTIME);
	}
	return 0;
}

int cf_ntfs_replace(struct cf_volume *v, const char *path, struct cf_span data, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	CF_NTFS_PLACE place = { 0 };
	struct cf_stat st;
	if (data.n > INT64_MAX || cf_ntfs_resolve(n, path, &place, err) < 0 ||
	    cf_ntfs_stat_record(n, place.ref, &st, err) < 0 || may_replace(&st, &place, path, err) < 0)
		return -1;
	errno = 0;
	ntfs_inode *ni = ntfs_inode_open(n->nv, place.ref);
	if (!ni)
		return cf_ntfs_fail(n, err, errno, "can't open %s", path);
	int rc = put_content(n, ni, data, path, err);
	errno = 0;
	if (ntfs_inode_close(ni) && rc == 0)
		rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't write %s", path);
	return rc < 0 ? -1 : sync_volume(n, err);
}

/* The security descriptor that a new file gets: what Windows would derive from the folder's inheritable entries, owner and group
 * being the folder's; else the folder's own; 0 (libntfs-3g then grants everyone access) only when the folder has none either. */
static le32 new_security_id(struct cf_ntfs *n, ntfs_inode *folder, bool for_folder)
{
	struct PERMISSIONS_CACHE *cache = NULL;
	struct SECURITY_CONTEXT scx = { .vol = n->nv, .pseccache = &cache };
	le32 id = ntfs_inherited_id(&scx, folder, for_folder);
	ntfs_destroy_security_context(&scx);
	return id ? id : folder->security_id;
}

/* The folder a new thing goes to, open; its name in place. */
static ntfs_inode *open_parent(struct cf_ntfs *n, const char *path, struct cf_ntfs_place *place, struct cf_error *err)
{
	struct cf_error why = { 0 };
	struct cf_stat st;
	CF_PATH names = { 0 };
	if (cf_ntfs_resolve(n, path, place, &why) == 0) {
		cf_fail(err, CF_E_REFUSED, "it exists already: %s", path);
		return NULL;
	}
	if (why.code != CF_E_NOT_FOUND || !place->parent) {
		if (err)
			*err = why;
		return NULL;
	}
	if (cf_path_split(path, &names, err) < 0 || cf_name_check_new(names.name[names.n - 1], err) < 0 ||
	    cf_ntfs_stat_record(n, place->parent, &st, err) < 0)
		return NULL;
	if (st.kind != CF_FILE_DIRECTORY || st.reparse_tag) {
		cf_fail(err, CF_E_REFUSED, "nothing can be created there, it is no ordinary folder: %s", path);
		return NULL;
	}
	errno = 0;
	ntfs_inode *folder = ntfs_inode_open(n->nv, place->parent);
	if (!folder)
		cf_ntfs_fail(n, err, errno, "can't open the folder of %s", path);
	return folder;
}

static int make(struct cf_volume *v, const char *path, bool is_folder, struct cf_span data, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	CF_NTFS_PLACE place = { 0 };
	ntfs_inode *folder = open_parent(n, path, &place, err);
	if (!folder)
		return -1;
	int rc = 0;
	errno = 0;
	/* Units and ntfschar are both UTF-16LE; the buffer is malloc'd, so its alignment does. */
	const void *name = place.name.p;
	ntfs_inode *ni = ntfs_create(folder, new_security_id(n, folder, is_folder), name, (u8)(place.name.n / 2),
				     is_folder ? S_IFDIR : S_IFREG);
	if (!ni)
		rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't create %s", path);
	/* The folder goes first: closing the new inode updates its name in the folder's index through an inode of its own, and there must
	 * never be two of one record. (ntfs_inode_close_in_dir would share ours, but frees it when it fails.) */
	ntfs_inode_update_times(folder, NTFS_UPDATE_MCTIME);
	errno = 0;
	if (ntfs_inode_close(folder) && rc == 0)
		rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't create %s", path);
	if (ni && rc == 0 && !is_folder && data.n)
		rc = put_content(n, ni, data, path, err);
	errno = 0;
	if (ni && ntfs_inode_close(ni) && rc == 0)
		rc = cf_ntfs_fail(n, err, errno ? errno : EIO, "can't create %s", path);
	return rc < 0 ? -1 : sync_volume(n, err);
}

int cf_ntfs_create(struct cf_volume *v, const char *path, struct cf_span data, struct cf_error *err)
{
	return make(v, path, false, data, err);
}

int cf_ntfs_mkdir(struct cf_volume *v, const char *path, struct cf_error *err)
{
	return make(v, path, true, (struct cf_span){ NULL, 0 }, err);
}

static int may_delete(const struct cf_stat *st, const struct cf_ntfs_place *place, const char *path, struct cf_error *err)
{
	if (st->kind == CF_FILE_DIRECTORY)
		return cf_fail(err, CF_E_REFUSED, "it is a folder, which is not deleted: %s", path);
	if (is_system_file(st, place))
		return cf_fail(err, CF_E_REFUSED, "it is one of the file system's own files: %s", path);
	if (st->reparse_tag)
		return cf_fail(err, CF_E_REFUSED, "it is a link or another reparse point, which is not deleted: %s", path);
	if (st->links != 1)
		return cf_fail(err, CF_E_REFUSED, "the file has %u names, so deleting one would free nothing: %s", st->links, path);
	return 0;
}

int cf_ntfs_remove(struct cf_volume *v, const char *path, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	CF_NTFS_PLACE place = { 0 };
	struct cf_stat st;
	if (cf_ntfs_resolve(n, path, &place, err) < 0 || cf_ntfs_stat_record(n, place.ref, &st, err) < 0 ||
	    may_delete(&st, &place, path, err) < 0)
		return -1;
	errno = 0;
	ntfs_inode *folder = ntfs_inode_open(n->nv, place.parent);
	if (!folder)
		return cf_ntfs_fail(n, err, errno, "can't open the folder of %s", path);
	ntfs_inode *ni = ntfs_inode_open(n->nv, place.ref);
	if (!ni) {
		int e = errno;
		ntfs_inode_close(folder);
		return cf_ntfs_fail(n, err, e, "can't open %s", path);
	}
	const void *name = place.spelling.p;
	errno = 0;
	/* Closes both inodes, whether it succeeds or not. */
	if (ntfs_delete(n->nv, NULL, ni, folder, name, (u8)(place.spelling.n / 2)))
		return cf_ntfs_fail(n, err, errno ? errno : EIO, "can't delete %s", path);
	return sync_volume(n, err);
}
