/* tree.h - folders and names of an NTFS volume by MFT reference: for work on whole trees.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A path is looked up once; from there on everything goes by reference, so that thousands of files cost no thousands of path look-ups, and no name
 * can lead anywhere but into the folder that was listed. Reparse points are never followed, neither in the middle of a path nor at its end.
 */
#ifndef CF_VOLUME_TREE_H
#define CF_VOLUME_TREE_H

#include "volume/volume.h"

/* One name in a folder. Valid during the call. */
struct cf_tree_entry {
	const char *name;    /* UTF-8 with escapes */
	struct cf_span wide; /* the same as UTF-16LE, as the index has it */
	uint64_t ref;        /* MFT reference, with the sequence number */
	struct cf_stat st;   /* zero when damaged */
	bool damaged;        /* its record can't be read, or does not say that it lies in this folder */
};

/* The folder or file that a path leads to without any reparse point on the way; CF_E_NOT_FOUND when there is none. *st (may be NULL) is that of
 * the last name, which may itself be a reparse point. CF_E_UNSUPPORTED for volumes that are not NTFS, here and below. */
int cf_tree_find(struct cf_volume *vol, const char *path, uint64_t *ref, struct cf_stat *st, struct cf_error *err) CF_MUST_CHECK;

/* The folder that holds a path's last name, and that name as the volume spells it (UTF-16LE). */
int cf_tree_find_name(struct cf_volume *vol, const char *path, uint64_t *folder, uint64_t *ref, struct cf_stat *st, struct cf_buf *name,
		      struct cf_error *err) CF_MUST_CHECK;

/* Calls fn for each name in a folder (no DOS aliases; of the root folder not the file system's own). fn returns nonzero to stop; that value is then
 * returned. CF_E_CORRUPT for a folder whose index is damaged. */
int cf_tree_list(struct cf_volume *vol, uint64_t folder, int (*fn)(void *user, const struct cf_tree_entry *e), void *user,
		 struct cf_error *err) CF_MUST_CHECK;

/* The first n bytes of the unnamed stream of a file; *got may be less. For data that is plainly there: holes read as zeros, encrypted data as it
 * lies there. */
int cf_tree_read(struct cf_volume *vol, uint64_t ref, void *buf, size_t n, size_t *got, struct cf_error *err) CF_MUST_CHECK;

/* Takes one name (UTF-16LE) of a file or of an empty folder away, and with the last name everything that it holds: clusters, records, entries in the
 * indexes of object ids and reparse points. Needs CF_VOL_WRITE. Nothing is synced: closing the volume does. The file system's own files are
 * refused. CF_E_REFUSED for a folder that is not empty. */
int cf_tree_remove(struct cf_volume *vol, uint64_t folder, uint64_t ref, struct cf_span name, struct cf_error *err) CF_MUST_CHECK;

enum cf_quota_state {
	CF_QUOTA_OFF,     /* nobody counts: nothing to say */
	CF_QUOTA_TRACKED, /* Windows counts what each user has */
	CF_QUOTA_STALE,   /* and is to count again at its next start */
};

/* What $Quota says. */
int cf_tree_quota(struct cf_volume *vol, enum cf_quota_state *state, struct cf_error *err) CF_MUST_CHECK;

/* Where Windows counts, tells it to count again (QUOTA_FLAG_OUT_OF_DATE of the defaults entry). Needs CF_VOL_WRITE. */
int cf_tree_quota_stale(struct cf_volume *vol, struct cf_error *err) CF_MUST_CHECK;

#endif
