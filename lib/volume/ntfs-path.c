/* ntfs-path.c - Windows paths on NTFS: from a path to an MFT record, and folder listings.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names are converted with base/utf16.h, never with the C library's locale. No reparse point is ever followed: a path that leads
 * through a link ends there.
 */
#include "volume/ntfs-internal.h"

#include <stdlib.h>

#include "volume/path.h"

#define FA_REPARSE 0x400u
#define FILETIME_UNIX_EPOCH INT64_C(11644473600) /* seconds from 1601 to 1970 */

void cf_ntfs_place_free(struct cf_ntfs_place *place)
{
	cf_buf_free(&place->name);
	cf_buf_free(&place->spelling);
}

int64_t cf_ntfs_unix_time(uint64_t filetime)
{
	return (int64_t)(filetime / 10000000) - FILETIME_UNIX_EPOCH;
}

int cf_ntfs_resolve(struct cf_ntfs *n, const char *path, struct cf_ntfs_place *place, struct cf_error *err)
{
	CF_PATH names = { 0 };
	bool link = false;
	if (cf_path_split(path, &names, err) < 0)
		return -1;
	place->ref = CF_NTFS_REC_ROOT;
	place->parent = 0;
	for (size_t i = 0; i < names.n; i++) {
		struct cf_ntfs_name found;
		struct cf_error why = { 0 };
		uint64_t folder = place->ref;
		place->parent = 0;
		if (cf_buf_resize(&place->name, 0) < 0 || cf_utf8_to_utf16(names.name[i], &place->name) < 0)
			return cf_fail_nomem(err); /* that it is well-formed was checked with the path */
		if (cf_ntfs_lookup(n, folder, cf_buf_span(&place->name), &found, &place->spelling, &why) < 0) {
			if (err)
				*err = why;
			if (why.code != CF_E_NOT_FOUND)
				return -1;
			if (i + 1 == names.n && !link)
				place->parent = folder;
			return cf_fail(err, CF_E_NOT_FOUND, link ? "the path leads through a link, which is not followed"
								 : "there is no such file or folder on the volume");
		}
		link = found.attributes & FA_REPARSE;
		place->parent = folder;
		place->ref = found.ref;
	}
	return 0;
}

int cf_ntfs_stat(struct cf_volume *v, const char *path, struct cf_stat *st, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	CF_NTFS_PLACE place = { 0 };
	if (cf_ntfs_resolve(n, path, &place, err) < 0 || cf_ntfs_stat_record(n, place.ref, st, err) < 0)
		return -1;
	return 0;
}

struct listing {
	struct cf_ntfs *n;
	uint64_t folder;
	int (*fn)(void *, const char *, const struct cf_stat *);
	void *user;
	struct cf_error *err;
};

/* A record that can't be read must not hide the other names: then the index's own copy of the facts has to do. */
static void stat_from_index(const struct cf_ntfs_name *name, struct cf_stat *st)
{
	*st = (struct cf_stat){
		.kind = name->attributes & 0x10000000u ? CF_FILE_DIRECTORY : CF_FILE_REGULAR,
		.attributes = name->attributes & CF_NTFS_FA_STORED,
		.size = name->size,
		.allocated = name->allocated,
		.links = 1,
		.mtime = cf_ntfs_unix_time((uint64_t)name->mtime),
		.id = CF_NTFS_REF_RECORD(name->ref),
	};
}

static int list_one(void *user, const struct cf_ntfs_name *name)
{
	struct listing *l = user;
	if (name->space == 2 || (l->folder == CF_NTFS_REC_ROOT && CF_NTFS_REF_RECORD(name->ref) < CF_NTFS_REC_FIRST_ORDINARY))
		return 0;
	struct cf_stat st;
	struct cf_error why = { 0 };
	if (cf_ntfs_stat_record(l->n, name->ref, &st, &why) < 0) {
		if (why.code != CF_E_CORRUPT) {
			if (l->err)
				*l->err = why;
			return -1;
		}
		stat_from_index(name, &st);
	}
	CF_FREE char *text = cf_utf16_to_utf8(name->name, NULL);
	return text ? l->fn(l->user, text, &st) : cf_fail_nomem(l->err);
}

int cf_ntfs_list(struct cf_volume *v, const char *path, int (*fn)(void *, const char *, const struct cf_stat *), void *user,
		 struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	CF_NTFS_PLACE place = { 0 };
	struct cf_stat st;
	if (cf_ntfs_resolve(n, path, &place, err) < 0 || cf_ntfs_stat_record(n, place.ref, &st, err) < 0)
		return -1;
	if (st.kind != CF_FILE_DIRECTORY)
		return cf_fail(err, CF_E_NOT_FOUND, "it is a file, not a folder: %s", path);
	struct listing l = { n, st.id, fn, user, err };
	return cf_ntfs_walk(n, place.ref, list_one, &l, err);
}
