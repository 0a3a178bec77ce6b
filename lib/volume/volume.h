/* volume.h - a volume: which file system it is, and files on it by Windows path.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Paths are volume-relative Windows paths in UTF-8 with backslashes ("\\Windows\\System32\\config\\SYSTEM"); forward slashes
 * are accepted too; letter case never matters; a leading backslash may be left out; "" or "\\" is the root folder.
 * A volume sits on a cf_block slice and writes only there (in a repair that slice lies on the overlay).
 */
#ifndef CF_VOLUME_VOLUME_H
#define CF_VOLUME_VOLUME_H

#include "base/span.h"
#include "block/block.h"

enum cf_fs {
	CF_FS_UNKNOWN,
	CF_FS_NTFS,
	CF_FS_FAT12,
	CF_FS_FAT16,
	CF_FS_FAT32,
	CF_FS_EXFAT,
	CF_FS_REFS,
	CF_FS_BITLOCKER, /* also ADE */
	CF_FS_LDM,       /* member of a dynamic disk */
	CF_FS_STORAGE_SPACES,
	CF_FS_EMPTY      /* nothing but zeros where a boot sector would be */
};

/* What the first sectors of a partition say. CF_E_IO only when they can't be read. */
int cf_volume_detect(struct cf_block *slice, enum cf_fs *fs, struct cf_error *err) CF_MUST_CHECK;

/* "ntfs", "fat32", …, "bitlocker", "refs", "ldm", "storage-spaces", "unknown": the word of the contract. */
const char *cf_fs_name(enum cf_fs fs);

struct cf_volume; /* opaque */

enum cf_volume_flags {
	CF_VOL_READ = 0,
	CF_VOL_WRITE = 1,         /* NTFS: refuses an unclean or hibernated volume with CF_E_UNCLEAN */
	CF_VOL_FORCE_UNCLEAN = 2, /* with WRITE: empty the journal and set the dirty flag, so that Windows runs chkdsk */
	CF_VOL_DISCARD_HIBERNATION = 4, /* with WRITE: clear the first 4 KiB of \\hiberfil.sys; the journal still needs FORCE */
};

/* slice is borrowed and must outlive the volume. NTFS and FAT only; CF_E_UNSUPPORTED for others. */
struct cf_volume *cf_volume_open(struct cf_block *slice, enum cf_fs fs, int flags, struct cf_error *err);

/* Writes out everything and frees; -1 with err when writing failed. NULL is fine. */
int cf_volume_close(struct cf_volume *vol, struct cf_error *err);

/* For clean-up by scope where the result does not matter (read-only). */
void cf_volume_closep(struct cf_volume **vol);

enum cf_file_kind { CF_FILE_REGULAR, CF_FILE_DIRECTORY };

/* Why a file's content can't be given as Windows would. */
enum cf_unreadable {
	CF_READABLE,
	CF_UNREADABLE_EFS,       /* encrypted with EFS */
	CF_UNREADABLE_WOF,       /* CompactOS / WIM-backed */
	CF_UNREADABLE_DEDUP,
	CF_UNREADABLE_CLOUD,     /* placeholder: OneDrive and the like */
	CF_UNREADABLE_LINK       /* a symbolic link or junction */
};

struct cf_stat {
	enum cf_file_kind kind;
	enum cf_unreadable unreadable;
	uint64_t size;      /* bytes of the unnamed stream */
	uint64_t allocated; /* bytes on the volume */
	uint32_t attributes;/* FILE_ATTRIBUTE_* */
	uint32_t links;     /* hard links; FAT: 1 */
	uint32_t reparse_tag; /* 0: none */
	int64_t mtime;      /* seconds since 1970 UTC */
	int64_t born;       /* when it was made here; 0: not known */
	int64_t accessed;   /* when it was last read or written, as far as Windows keeps that; 0: not known */
	uint64_t own_bytes; /* NTFS: clusters of all its streams, its index and its attribute list, in bytes: what deleting it gives
			     * back. UINT64_MAX: can't be counted. FAT: 0 */
	uint64_t id;        /* NTFS: MFT record number; FAT: first cluster */
	uint64_t fragments; /* extents of the unnamed stream or of the index; 0: resident */
};

/* CF_E_NOT_FOUND when there is no such file or folder. Never follows reparse points. */
int cf_volume_stat(struct cf_volume *vol, const char *path, struct cf_stat *st, struct cf_error *err) CF_MUST_CHECK;
bool cf_volume_exists(struct cf_volume *vol, const char *path);

/* Calls fn for each name in a folder (no "." and "..", no DOS aliases), in the volume's order. name is UTF-8 with escapes.
 * fn returns nonzero to stop; that value is then returned. */
int cf_volume_list(struct cf_volume *vol, const char *path,
		   int (*fn)(void *user, const char *name, const struct cf_stat *st), void *user,
		   struct cf_error *err) CF_MUST_CHECK;

/* Reads up to len bytes at off of the unnamed stream; *got is less at the end of the file. CF_E_UNSUPPORTED names the
 * reason when the content can't be given (enum cf_unreadable): never zeros instead. */
struct cf_file; /* opaque */
struct cf_file *cf_file_open(struct cf_volume *vol, const char *path, struct cf_error *err);
int cf_file_read(struct cf_file *f, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err) CF_MUST_CHECK;
uint64_t cf_file_size(const struct cf_file *f);
void cf_file_close(struct cf_file *f);

/* Extents of the unnamed stream in order. offset is in bytes on the volume; UINT64_MAX for a hole. A resident stream is
 * one extent (its place inside the MFT record can't be used for in-place writes but identifies it). Fn as in list. */
int cf_file_extents(struct cf_file *f, int (*fn)(void *user, uint64_t file_off, uint64_t offset, uint64_t len), void *user,
		    struct cf_error *err) CF_MUST_CHECK;

/* The whole content, at most max bytes (CF_E_UNSUPPORTED "larger than …"). Replaces out's content. */
int cf_volume_read_file(struct cf_volume *vol, const char *path, uint64_t max, struct cf_buf *out,
			struct cf_error *err) CF_MUST_CHECK;

/* ---- writing: needs CF_VOL_WRITE ---- */

/* Makes the content of an existing file equal to data, writing only the 4 KiB pieces that differ; grows or cuts the file. */
int cf_volume_replace(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err) CF_MUST_CHECK;

/* Creates a file in an existing folder; CF_E_REFUSED if the name exists. */
int cf_volume_create(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err) CF_MUST_CHECK;

/* Deletes one file (one name of it); refuses folders and reparse points. */
int cf_volume_delete(struct cf_volume *vol, const char *path, struct cf_error *err) CF_MUST_CHECK;

/* ---- what the volume is like ---- */

struct cf_volume_health {
	bool dirty_flag;        /* NTFS VOLUME_IS_DIRTY: chkdsk is scheduled */
	bool journal_unclean;   /* $LogFile not closed: a crashed or running Windows */
	char journal[64];       /* "version 2.0, in use" */
	bool hibernated;        /* hiberfil.sys holds an image (hibernation or fast start-up) */
	bool shadow_copies;     /* System Volume Information holds a snapshot store */
	unsigned shadow_copy_count;
	bool damaged;           /* metadata that could not be read; text in damage */
	char damage[160];
};

struct cf_volume_space {
	uint64_t total_bytes, free_bytes, cluster_size;
	uint64_t largest_free_extent_bytes, free_extents;
};

int cf_volume_health(struct cf_volume *vol, struct cf_volume_health *h, struct cf_error *err) CF_MUST_CHECK;

/* From $Bitmap or the FAT. */
int cf_volume_space(struct cf_volume *vol, struct cf_volume_space *s, struct cf_error *err) CF_MUST_CHECK;

/* Volume label in UTF-8 (malloc'd, "" if none) or NULL with err. */
char *cf_volume_label(struct cf_volume *vol, struct cf_error *err);

/* Ranges of the volume that identify its state for undo: boot sector, MFT records 0-15, $LogFile restart pages; FAT: boot sector and FSInfo.
 * fn as in list; offsets in bytes on the volume. */
int cf_volume_fingerprints(struct cf_volume *vol, int (*fn)(void *user, uint64_t off, uint64_t len, const char *what),
			   void *user, struct cf_error *err) CF_MUST_CHECK;

/* True when $MFT can grow by one record (free record in its bitmap, or room for a new extent); FAT: true. */
bool cf_volume_mft_can_grow(struct cf_volume *vol);

/* ---- growing: NTFS ---- */

struct cf_ntfs_grown {
	uint32_t cluster_size;          /* bytes */
	uint64_t old_clusters, clusters; /* of the volume */
	uint64_t bitmap_clusters;       /* that $Bitmap took of the new ones */
};

/* Makes the NTFS volume on the slice as large as the slice, which its partition already is or will be. Touches only $Bitmap,
 * $BadClus, the boot sector and its copy; needs no free cluster. fresh: bytes from the slice's start behind which nothing was ever
 * written (0: not known), where additional clusters of $Bitmap cost no undo. flags: CF_VOL_FORCE_UNCLEAN or 0. To be called on an
 * overlay. CF_E_UNCLEAN, CF_E_CORRUPT; CF_E_REFUSED beyond 2^32 - 1 clusters; CF_E_UNSUPPORTED when $Bitmap or $BadClus is kept in several
 * MFT records. */
int cf_ntfs_grow(struct cf_block *slice, uint64_t fresh, int flags, struct cf_ntfs_grown *out, struct cf_error *err) CF_MUST_CHECK;

#endif
