/* mft-internal.h - what the files of the MFT scanner share; included by mft-*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_VOLUME_MFT_INTERNAL_H
#define CF_VOLUME_MFT_INTERNAL_H

#include "volume/mft-scan.h"
#include "volume/ntfs-internal.h"

#define CF_MFT_RECORD_MAX 4096u

/* One attribute record, to be joined with the others of its stream. */
struct cf_mft_piece {
	uint32_t type;
	struct cf_span name, attr;
	uint64_t lowest; /* first VCN; 0 when resident */
};

/* Puts a file together from its records. The arrays are reused from file to file. */
struct cf_mft_build {
	uint64_t clusters;
	uint32_t cluster_size;
	struct cf_mft_file file;
	struct cf_span list;    /* the base record's $ATTRIBUTE_LIST attribute; {NULL, 0}: none */
	bool sorted;            /* pieces came in order so far */
	struct cf_mft_piece *pieces;
	struct cf_mft_name *names;
	struct cf_mft_stream *streams;
	struct cf_mft_run *runs;
	uint64_t *extensions;
	size_t n_attributes;    /* attribute records seen, the list too */
	size_t n_pieces, n_names, n_streams, n_runs, n_extensions;
	size_t max_pieces, max_names, max_streams, max_runs, max_extensions;
};

/* A record in use that was kept while $MFT was read, with its fix-ups undone. */
struct cf_mft_kept {
	uint64_t record;
	size_t at;  /* in the store */
	uint32_t n; /* bytes */
};

struct cf_mft {
	struct cf_block *slice;
	struct cf_ntfs_boot boot;
	struct cf_mft_geometry geometry;
	struct cf_mft_run *runs; /* $MFT's data */
	size_t run_count;
	uint64_t beyond;         /* records that $MFT claims behind geometry.records: they have no place */
	struct cf_buf in_use;    /* $MFT's bitmap; empty: unknown, then all records count as used */
	struct cf_mft_build build;
	struct cf_buf list;      /* an attribute list that isn't resident */
	struct cf_buf references; /* uint64_t: what a list leads to */
	uint8_t **pool;          /* records of the file in build that were read for it, record_size bytes each */
	size_t n_pool, max_pool;
	int (*progress)(void *, uint64_t, uint64_t);
	void *progress_user;
	/* of one scan */
	struct cf_buf store;
	size_t store_max;        /* bytes; what doesn't fit is read again */
	struct cf_mft_kept *kept; /* in order of record */
	uint64_t *deferred;      /* numbers of base records with an attribute list */
	size_t n_kept, max_kept, n_deferred, max_deferred;
	uint64_t claimed;        /* extension records that a base has listed */
};

/* Makes room for one more element in an array of the scanner; false when out of memory. */
#define CF_MFT_ROOM(array, n, max) ((n) < (max) || cf_mft_grow((void **)&(array), &(max), sizeof *(array)))
bool cf_mft_grow(void **array, size_t *max, size_t size);

/* ---- mft-build.c ---- */

/* Is this fixed-up record's header sound? Its used bytes then. */
bool cf_mft_header(struct cf_span record, struct cf_span *used);

/* Begins a file with its base record (the bytes in use). rec must stay until the file is done with. 0, or -1 when out of memory. */
int cf_mft_build_begin(struct cf_mft_build *b, uint64_t number, struct cf_span rec);
/* Adds the attributes of an extension record, likewise. */
int cf_mft_build_extension(struct cf_mft_build *b, uint64_t number, struct cf_span rec);
/* Joins the pieces: b->file is complete. */
int cf_mft_build_finish(struct cf_mft_build *b);
void cf_mft_build_free(struct cf_mft_build *b);

/* ---- mft-open.c ---- */

enum cf_mft_state { CF_MFT_FREE, CF_MFT_USED, CF_MFT_BAD };

/* Judges one record as it lies on the disk, and undoes its fix-ups if it is in use. */
enum cf_mft_state cf_mft_judge(const struct cf_mft *m, uint64_t number, uint8_t *record, struct cf_span *used);

/* Reads the bytes [off, off+len) of a stream with these runs; CF_E_CORRUPT where it has no place on the slice. */
int cf_mft_read_runs(struct cf_mft *m, const struct cf_mft_run *runs, size_t n, uint64_t off, uint8_t *buf, size_t len,
		     struct cf_error *err) CF_MUST_CHECK;

/* The file that m->build has begun, with its attribute list: adds all extension records and finishes it. What can't be had marks the
 * file as damaged. -1: out of memory. */
int cf_mft_gather(struct cf_mft *m, struct cf_error *err) CF_MUST_CHECK;

/* Forgets what one scan kept. */
void cf_mft_forget(struct cf_mft *m);

#endif
