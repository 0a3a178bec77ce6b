/* mft-scan.h - every file of an NTFS volume in one sequential read of $MFT.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * $MFT is read in large pieces straight from the block layer, without libntfs-3g and inode by inode work. Each base record gives one
 * struct cf_mft_file, complete with what its extension records hold: those are kept on the way (at most 32 MiB, else read again), and
 * the files that need them come after all others. So files come in no order that means anything. Nothing is written. Records that can't be
 * understood are counted and skipped; only a device that fails altogether, or a damaged start of $MFT, is an error.
 *
 * What libntfs-3g holds back (an inode that isn't synced) is not seen: close or sync a volume that is being changed first. While a scan
 * runs nobody else may use the slice, unless from within the callback.
 */
#ifndef CF_VOLUME_MFT_SCAN_H
#define CF_VOLUME_MFT_SCAN_H

#include "base/span.h"
#include "block/block.h"
#include "volume/ntfs-format.h"

/* A run of clusters of a stream. Runs of a stream are in order of vcn and don't overlap in it; those that adjoin in both numbers
 * are one. [lcn, lcn + count) lies on the volume, unless lcn is CF_MFT_HOLE. */
struct cf_mft_run {
	uint64_t vcn, lcn, count; /* clusters */
};
#define CF_MFT_HOLE UINT64_MAX

/* Index of the first of n runs that ends behind vcn; n: none does. vcn lies in it unless it begins behind vcn too. */
size_t cf_runs_find(const struct cf_mft_run *runs, size_t n, uint64_t vcn);

/* One attribute, all its pieces together ($STANDARD_INFORMATION and $FILE_NAME are not among them). */
struct cf_mft_stream {
	uint32_t type;          /* CF_NTFS_AT_… */
	struct cf_span name;    /* UTF-16LE; n 0: unnamed */
	uint16_t flags;         /* CF_NTFS_AF_… */
	uint8_t unit;           /* compression unit: log2 of clusters; 0: none */
	bool resident;
	bool damaged;           /* runs that contradict the header, the volume or each other; what is sure is given */
	uint16_t pieces;        /* attribute records, 1 unless the stream is spread over several (65535: or more) */
	uint64_t size;          /* bytes of content */
	uint64_t initialized;   /* bytes of it that were ever written */
	uint64_t allocated;     /* bytes of clusters that it really has: runs without holes; 0 when resident */
	uint64_t extents;       /* places on the volume where it goes on elsewhere, plus one; 0: no clusters */
	struct cf_span value;   /* resident: the content */
	const struct cf_mft_run *runs; /* not resident */
	size_t run_count;
};

struct cf_mft_name {
	uint64_t parent;     /* MFT reference of the folder: CF_NTFS_REF_RECORD, CF_NTFS_REF_SEQUENCE */
	struct cf_span name; /* UTF-16LE */
	uint8_t space;       /* 0 POSIX, 1 Win32, 2 DOS alias, 3 Win32 that is also the DOS name */
};

/* Everything in it belongs to the scanner and is gone when the callback returns. */
struct cf_mft_file {
	uint64_t record;
	uint16_t sequence;
	uint16_t link_count;  /* as the record says: DOS aliases count */
	bool directory;
	bool damaged;         /* something of it could not be read or contradicts itself */
	uint32_t attributes;  /* FILE_ATTRIBUTE_* of $STANDARD_INFORMATION, with CF_NTFS_FA_DIRECTORY for folders */
	uint32_t reparse_tag; /* 0: none; UINT32_MAX: one that isn't resident, unknown */
	uint64_t created, modified, changed, accessed; /* FILETIME: 100 ns since 1601 UTC; cf_mft_unix_time() */
	const struct cf_mft_name *names;
	size_t name_count;
	uint32_t hard_links;  /* names that are no DOS alias */
	const struct cf_mft_stream *streams; /* in order of type and name, unless damaged */
	size_t stream_count;
	uint64_t size;        /* bytes of the unnamed $DATA */
	uint64_t allocated;   /* bytes of clusters of all streams together: what comes free when the file goes */
	const uint64_t *extensions; /* numbers of its extension records */
	size_t extension_count;
};

/* What a scan met. */
struct cf_mft_stats {
	uint64_t records;     /* that $MFT has, used or not */
	uint64_t files;       /* handed to the callback, folders too */
	uint64_t folders;     /* of these */
	uint64_t extensions;  /* extension records in use */
	uint64_t orphans;     /* of these: no base record lists them */
	uint64_t bad;         /* records in use that are torn, damaged or unreadable: skipped */
	uint64_t damaged;     /* files with .damaged */
};

struct cf_mft_geometry {
	uint32_t sector_size, cluster_size, record_size; /* bytes */
	uint64_t clusters; /* of the volume */
	uint64_t records;  /* of $MFT, initialized */
};

struct cf_mft; /* opaque */

/* slice is borrowed and must outlive it. Reads the boot sector, $MFT's own record with its extensions, and its bitmap. CF_E_CORRUPT,
 * CF_E_UNSUPPORTED, CF_E_IO, CF_E_NO_MEMORY. NULL with err. What it knows of $MFT's place is of this moment: open again after $MFT moved or grew. */
struct cf_mft *cf_mft_open(struct cf_block *slice, struct cf_error *err);
void cf_mft_close(struct cf_mft *m); /* NULL is fine */
void cf_mft_closep(struct cf_mft **m);

const struct cf_mft_geometry *cf_mft_geometry(const struct cf_mft *m);

/* Called about every 2 MiB with bytes of $MFT read and to read; nonzero stops with CF_E_CANCELLED. NULL: nobody is told. */
void cf_mft_progress(struct cf_mft *m, int (*fn)(void *user, uint64_t done, uint64_t total), void *user);

/* fn returns nonzero to stop: that value is then returned. stats may be NULL. 0, or -1 with err. */
int cf_mft_scan(struct cf_mft *m, int (*fn)(void *user, const struct cf_mft_file *file), void *user,
		struct cf_mft_stats *stats, struct cf_error *err) CF_MUST_CHECK;

/* One file by its record number, as cf_mft_scan gives it; not from within a callback of the same m. CF_E_NOT_FOUND: not in use or no
 * base record; CF_E_CORRUPT: damaged. */
int cf_mft_one(struct cf_mft *m, uint64_t record, int (*fn)(void *user, const struct cf_mft_file *file), void *user,
	       struct cf_error *err) CF_MUST_CHECK;

/* The file's stream of a type; name is ASCII, NULL for the unnamed one. NULL when it has none. */
const struct cf_mft_stream *cf_mft_stream(const struct cf_mft_file *file, uint32_t type, const char *name);

/* Reads [off, off+len) of a stream as it lies on the disk: holes and what lies behind the initialized size are zeros, compressed and
 * encrypted bytes stay what they are. CF_E_CORRUPT when a part of it has no place. From within the callback, or with a run list
 * that was kept (name and value are not used then, unless resident). */
int cf_mft_read(struct cf_mft *m, const struct cf_mft_stream *s, uint64_t off, void *buf, size_t len,
		struct cf_error *err) CF_MUST_CHECK;

/* FILETIME to seconds since 1970. */
int64_t cf_mft_unix_time(uint64_t filetime);

#endif
