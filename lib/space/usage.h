/* usage.h - what fills a volume: by class, by folder, by file; and in how many pieces files and free space lie.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One pass over $MFT. Bytes are clusters that files really have (compressed and sparse files less than their size, resident ones
 * none; index and streams included), each cluster once however many names its file has, so that the classes together are what
 * $Bitmap calls used. Memory: about 100 bytes a folder and 16 a file with several names.
 */
#ifndef CF_SPACE_USAGE_H
#define CF_SPACE_USAGE_H

#include "volume/mft-check.h"
#include "windows/machine.h"

enum cf_usage_class {
	CF_USAGE_WINDOWS,     /* the Windows folder, but what follows */
	CF_USAGE_WINSXS,      /* files that have no name outside the component store */
	CF_USAGE_PROGRAMS,    /* Program Files, ProgramData */
	CF_USAGE_USERS,
	CF_USAGE_PAGING,
	CF_USAGE_HIBERNATION,
	CF_USAGE_DUMPS,
	CF_USAGE_UPDATES,     /* downloads of Windows Update and Delivery Optimization */
	CF_USAGE_SHADOW,      /* shadow copies */
	CF_USAGE_TEMP,        /* of Windows, services and users */
	CF_USAGE_RECYCLE,
	CF_USAGE_OLD_WINDOWS, /* Windows.old and setup's folders */
	CF_USAGE_NTFS,        /* the file system's own: MFT, journals, everything in $Extend */
	CF_USAGE_OTHER,
	CF_USAGE_CLASSES
};

const char *cf_usage_class_word(enum cf_usage_class c); /* of JSON: "windows", "winsxs", … */
const char *cf_usage_class_text(enum cf_usage_class c); /* for people */

struct cf_usage_sum {
	uint64_t bytes, files;
};

struct cf_usage_file {
	char *path;         /* "C:\Users\…", "2:\…" on a volume without a letter */
	uint64_t size;      /* bytes of the unnamed stream */
	uint64_t allocated; /* bytes on the volume, all streams */
	uint64_t extents;   /* of all its streams */
	uint32_t links;
	enum cf_usage_class class;
};

struct cf_usage_folder {
	char *path;
	uint64_t bytes, files; /* of everything beneath */
	enum cf_usage_class class;
};

/* Free space by the size of its extents: bucket i holds those from cf_usage_bound(i) to below cf_usage_bound(i + 1) bytes. */
#define CF_USAGE_BUCKETS 6
uint64_t cf_usage_bound(unsigned bucket); /* bytes; UINT64_MAX for CF_USAGE_BUCKETS */

#define CF_USAGE_TOP_MAX 1000

struct cf_usage {
	uint64_t cluster_size;
	uint64_t total, free, used;  /* bytes, by $Bitmap */
	uint64_t reserved;           /* of used: CF_USAGE_NTFS */
	struct cf_usage_sum class[CF_USAGE_CLASSES];
	uint64_t winsxs_shared;      /* bytes of files in the component store that count elsewhere, having a name there too */
	uint64_t files, folders;
	size_t n_largest, n_folders, n_fragmented;
	struct cf_usage_file *largest;    /* by allocated */
	struct cf_usage_folder *folder;   /* by bytes; not the root, and none that hardly holds more than one folder in it does */
	struct cf_usage_file *fragmented; /* by extents, those with more than one */
	/* pieces */
	uint64_t clustered;          /* files that have clusters */
	uint64_t in_pieces;          /* of these: files with a stream of more than one extent */
	uint64_t extents;            /* of all files */
	uint64_t mft_extents;
	uint64_t free_extents, largest_free; /* count; bytes */
	struct cf_usage_sum bucket[CF_USAGE_BUCKETS]; /* .files: extents */
	struct cf_extent_check check;
	bool checked;                /* false: too many clusters for a check on the way */
};

struct cf_usage_options {
	unsigned top; /* entries of each list, at most CF_USAGE_TOP_MAX */
	int (*progress)(void *user, uint64_t done, uint64_t total);
	void *user;
};

/* Measures volume vol of the machine, which must be NTFS and open. CF_E_UNSUPPORTED for others; CF_E_CORRUPT when $MFT or $Bitmap can't be
 * used; CF_E_CANCELLED. out is zero-initialised by the caller and freed with cf_usage_free in any case. */
int cf_usage_measure(const struct cf_machine *m, size_t vol, const struct cf_usage_options *opt, struct cf_usage *out,
		     struct cf_error *err) CF_MUST_CHECK;
void cf_usage_free(struct cf_usage *u);

#endif
