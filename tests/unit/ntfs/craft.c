/* craft.c - things on an NTFS image that our driver never makes itself.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "craft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/unistr.h>
#include <ntfs-3g/reparse.h>
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/runlist.h>

static ntfs_volume *mount_image(const char *image)
{
	ntfs_log_set_handler(ntfs_log_handler_null);
	ntfs_volume *vol = ntfs_mount(image, NTFS_MNT_FORENSIC);
	if (vol)
		NVolSetCompression(vol);
	return vol;
}

struct open {
	ntfs_volume *vol;
	ntfs_inode *ni, *dir;
};

static int open_all(struct open *o, const char *image, const char *path, const char *folder)
{
	*o = (struct open){ .vol = mount_image(image) };
	if (!o->vol)
		return -1;
	if (path)
		o->ni = ntfs_pathname_to_inode(o->vol, NULL, path);
	if (folder)
		o->dir = ntfs_pathname_to_inode(o->vol, NULL, folder);
	return (path && !o->ni) || (folder && !o->dir) ? -1 : 0;
}

static int close_all(struct open *o, int rc)
{
	if (o->ni && (o->dir ? ntfs_inode_close_in_dir(o->ni, o->dir) : ntfs_inode_close(o->ni)))
		rc = -1;
	if (o->dir && ntfs_inode_close(o->dir))
		rc = -1;
	if (o->vol && ntfs_umount(o->vol, FALSE))
		rc = -1;
	return rc;
}

int craft_link(const char *image, const char *path, const char *folder, const char *new_name)
{
	struct open o;
	ntfschar *name = NULL;
	int rc = open_all(&o, image, path, folder), len = 0;
	if (rc == 0 && (len = ntfs_mbstoucs(new_name, &name)) > 0)
		rc = ntfs_link(o.ni, o.dir, name, (u8)len);
	free(name);
	return close_all(&o, rc);
}

int craft_dos_name(const char *image, const char *path, const char *folder, const char *dos)
{
	struct open o;
	int rc = open_all(&o, image, path, folder);
	if (rc == 0) {
		rc = ntfs_set_ntfs_dos_name(o.ni, o.dir, dos, strlen(dos), 0); /* closes both */
		o.ni = o.dir = NULL;
	}
	return close_all(&o, rc);
}

int craft_stream(const char *image, const char *path, const char *stream, const void *p, size_t n)
{
	struct open o;
	ntfschar *name = NULL;
	int rc = open_all(&o, image, path, NULL), len = 0;
	if (rc == 0 && (len = ntfs_mbstoucs(stream, &name)) > 0)
		rc = ntfs_attr_add(o.ni, AT_DATA, name, (u8)len, p, (s64)n);
	free(name);
	return close_all(&o, rc);
}

int craft_reparse(const char *image, const char *path, uint32_t tag)
{
	struct open o;
	char data[8 + 16] = { 0 };
	le32 t = cpu_to_le32(tag);
	le16 len = const_cpu_to_le16(16);
	memcpy(data, &t, 4);
	memcpy(data + 4, &len, 2);
	int rc = open_all(&o, image, path, NULL);
	/* The plain way checks some tags' content, which is not wanted here. */
	if (rc == 0)
		rc = ntfs_attr_add(o.ni, AT_REPARSE_POINT, AT_UNNAMED, 0, (u8 *)data, sizeof data);
	if (rc == 0) {
		o.ni->flags |= FILE_ATTR_REPARSE_POINT;
		NInoFileNameSetDirty(o.ni);
		ntfs_inode_mark_dirty(o.ni);
	}
	return close_all(&o, rc);
}

int craft_attributes(const char *image, const char *path, uint32_t set, uint32_t clear)
{
	struct open o;
	int rc = open_all(&o, image, path, NULL);
	if (rc == 0) {
		if (set & 0x4000) /* EFS is also a flag of the stream */
			rc = ntfs_attr_set_flags(o.ni, AT_DATA, AT_UNNAMED, 0, ATTR_IS_ENCRYPTED, ATTR_IS_ENCRYPTED);
		o.ni->flags |= cpu_to_le32(set);
		o.ni->flags &= cpu_to_le32(~clear);
		NInoFileNameSetDirty(o.ni);
		ntfs_inode_mark_dirty(o.ni);
	}
	return close_all(&o, rc);
}

int craft_folder_compressed(const char *image, const char *path)
{
	struct open o;
	int rc = open_all(&o, image, path, NULL);
	if (rc == 0)
		rc = ntfs_attr_set_flags(o.ni, AT_INDEX_ROOT, NTFS_INDEX_I30, 4, ATTR_IS_COMPRESSED, ATTR_COMPRESSION_MASK);
	if (rc == 0) {
		o.ni->flags |= FILE_ATTR_COMPRESSED;
		NInoFileNameSetDirty(o.ni);
		ntfs_inode_mark_dirty(o.ni);
	}
	return close_all(&o, rc);
}

int craft_file(const char *image, const char *folder, const char *name, uint64_t off, const void *p, size_t n)
{
	struct open o;
	ntfschar *wide = NULL;
	int rc = open_all(&o, image, NULL, folder), len = 0;
	if (rc == 0 && (len = ntfs_mbstoucs(name, &wide)) > 0) {
		o.ni = ntfs_create(o.dir, const_cpu_to_le32(0), wide, (u8)len, S_IFREG);
		ntfs_attr *na = o.ni ? ntfs_attr_open(o.ni, AT_DATA, AT_UNNAMED, 0) : NULL;
		rc = na ? 0 : -1;
		for (size_t done = 0; rc == 0 && done < n;) {
			s64 got = ntfs_attr_pwrite(na, (s64)(off + done), (s64)(n - done), (const char *)p + done);
			if (got <= 0)
				rc = -1;
			else
				done += (size_t)got;
		}
		if (na && ntfs_attr_pclose(na))
			rc = -1;
		if (na)
			ntfs_attr_close(na);
	}
	free(wide);
	return close_all(&o, rc);
}

int craft_extend(const char *image, const char *path, uint64_t size)
{
	struct open o;
	int rc = open_all(&o, image, path, NULL);
	ntfs_attr *na = rc == 0 ? ntfs_attr_open(o.ni, AT_DATA, AT_UNNAMED, 0) : NULL;
	if (na) {
		rc = ntfs_attr_truncate_solid(na, (s64)size);
		ntfs_attr_close(na);
	}
	return close_all(&o, na ? rc : -1);
}

int craft_cross_link(const char *image, const char *path, const char *other)
{
	struct open o;
	int rc = open_all(&o, image, path, NULL);
	ntfs_inode *oi = rc == 0 ? ntfs_pathname_to_inode(o.vol, NULL, other) : NULL;
	ntfs_attr *na = oi ? ntfs_attr_open(o.ni, AT_DATA, AT_UNNAMED, 0) : NULL;
	ntfs_attr *from = oi ? ntfs_attr_open(oi, AT_DATA, AT_UNNAMED, 0) : NULL;
	rc = -1;
	if (na && from && !ntfs_attr_map_whole_runlist(na) && !ntfs_attr_map_whole_runlist(from) && !na->rl[1].length) {
		na->rl[0].lcn = from->rl[0].lcn;
		NAttrSetFullyMapped(na);
		rc = ntfs_attr_update_mapping_pairs(na, 0);
	}
	ntfs_attr_close(na);
	ntfs_attr_close(from);
	if (oi && ntfs_inode_close(oi))
		rc = -1;
	return close_all(&o, rc);
}

int craft_bitmap(const char *image, uint64_t lcn, uint64_t count, int set)
{
	struct open o;
	int rc = open_all(&o, image, NULL, NULL);
	if (rc == 0)
		rc = set ? ntfs_bitmap_set_run(o.vol->lcnbmp_na, (s64)lcn, (s64)count) :
			   ntfs_bitmap_clear_run(o.vol->lcnbmp_na, (s64)lcn, (s64)count);
	return close_all(&o, rc);
}
