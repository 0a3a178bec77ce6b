/* journal.h - one undo file: written, read with bounds, compared with a disk, put back.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TXN_JOURNAL_H
#define CF_TXN_JOURNAL_H

#include "base/span.h"
#include "txn/overlay.h"
#include "txn/stable.h"
#include "txn/undo-format.h"

#define CF_JOURNAL_BATCH 64u /* blocks that are read, checked or written at a time: 256 KiB */

enum cf_mark_state { CF_MARK_ABSENT, CF_MARK_SET, CF_MARK_DAMAGED };

struct cf_journal {
	int h;       /* cf_stable handle, -1: closed */
	char *path;  /* owned */
	uint8_t nonce[CF_UNDO_NONCE];
	uint64_t at;                /* bytes from the start of the file to this transaction's header: 0 but for later ones of a row */
	bool is_row;
	uint8_t row[CF_UNDO_NONCE]; /* with is_row: the row's name */
	uint32_t row_number;        /* with is_row: from 0 */
	uint64_t disk_size, blocks, records_at, images_at, file_size;
	uint32_t prints, flags, sector_size;
	struct cf_growth growth;
	int64_t time;
	char disk_id[CF_UNDO_ID], disk_path[CF_UNDO_PATH];
	enum cf_mark_state marks[CF_UNDO_MARK_COUNT];
	uint32_t armed_crc;  /* from the armed mark */
	uint32_t tables_crc; /* computed while writing, or by cf_journal_verify */
};

/* CRC-32 of n bytes, seeded with the nonce. */
uint32_t cf_undo_crc(const uint8_t nonce[CF_UNDO_NONCE], const void *p, size_t n);

/* Adds a structure of n bytes that ends in its own CRC to the CRC over all tables, without that CRC: a message with its CRC
 * behind it has the same CRC whatever it says. */
static inline uint32_t cf_undo_tables_add(uint32_t crc, const void *p, size_t n)
{
	return cf_crc32(crc, p, n - sizeof(cf_le32));
}

/* Marks, shared with the marker file: slot k of the transaction whose header lies at `at` of the file behind handle h. */
int cf_mark_read(int h, const char *path, uint64_t at, const uint8_t nonce[CF_UNDO_NONCE], unsigned kind, enum cf_mark_state *state,
		 uint32_t *tables_crc, struct cf_error *err) CF_MUST_CHECK;
int cf_mark_set(int h, const char *path, uint64_t at, const uint8_t nonce[CF_UNDO_NONCE], unsigned kind, uint32_t tables_crc,
		struct cf_error *err) CF_MUST_CHECK; /* written and synced */

/* Size in bytes of the undo file that cf_journal_create would make. */
uint64_t cf_journal_size(uint64_t blocks, size_t prints);

/* Where the next transaction of a row goes. */
struct cf_row_end {
	uint8_t id[CF_UNDO_NONCE];
	uint32_t number; /* 0: the file is made; else it is appended to */
	uint64_t at;     /* bytes from the start of the file */
};

/* Makes the file (which must not exist), or appends to it with a row (NULL: none) that has begun, reserves its room, writes everything but marks, syncs file and folder. Base is the
 * disk as it is, overlay as it will be. *created tells whether the file now exists and is ours, also on failure. */
int cf_journal_create(struct cf_journal *j, const char *path, const uint8_t nonce[CF_UNDO_NONCE],
		      const struct cf_txn_place *place, struct cf_overlay *overlay, struct cf_overlay_block **list,
		      size_t n, const struct cf_txn_fingerprint *prints, size_t n_prints, const struct cf_row_end *row, bool *created,
		      struct cf_error *err) CF_MUST_CHECK;

/* Opens and checks header and marks. CF_E_CORRUPT, CF_E_UNSUPPORTED (another version), CF_E_NOT_FOUND, CF_E_IO. */
int cf_journal_open(struct cf_journal *j, const char *path, bool writable, struct cf_error *err) CF_MUST_CHECK;
/* The same for the transaction of a row whose header lies at `at`. */
int cf_journal_open_at(struct cf_journal *j, const char *path, uint64_t at, bool writable, struct cf_error *err) CF_MUST_CHECK;
void cf_journal_close(struct cf_journal *j);
#define CF_JOURNAL CF_CLEANUP(cf_journal_close) struct cf_journal

/* Sets a mark and syncs it. */
int cf_journal_mark(struct cf_journal *j, enum cf_undo_mark_kind kind, struct cf_error *err) CF_MUST_CHECK;

/* Reads the whole file: every record's CRC, order and range, every before-image's hash, the armed mark's CRC over all
 * tables. After this the file can be trusted. */
int cf_journal_verify(struct cf_journal *j, struct cf_error *err) CF_MUST_CHECK;

enum cf_check {
	CF_CHECK_STRICT, /* every block must hold its after- or its before-image */
	CF_CHECK_TORN,   /* or, sector by sector, either: a crash may have torn a write */
	CF_CHECK_COUNT   /* anything goes; only counts */
};

/* Compares the disk with the file; every fingerprinted range must also be what it was outside the covered blocks.
 * CF_E_CHANGED names the place. *bytes: in blocks that differ from their before-images. */
int cf_journal_check(struct cf_journal *j, struct cf_block *disk, enum cf_check how, uint64_t *bytes,
		     struct cf_error *err) CF_MUST_CHECK;

/* Only the fingerprints. */
int cf_journal_check_prints(struct cf_journal *j, struct cf_block *disk, enum cf_check how, struct cf_error *err) CF_MUST_CHECK;

/* Only the blocks; those in seen (NULL: none) are left out, and those that are compared are put into it. */
struct cf_seen;
int cf_journal_check_blocks(struct cf_journal *j, struct cf_block *disk, enum cf_check how, struct cf_seen *seen, uint64_t *bytes,
			    struct cf_error *err) CF_MUST_CHECK;

/* What a restore overwrote, so that it can be taken back when it fails midway. Free data with cf_buf_free. */
struct cf_saved {
	struct cf_buf data; /* offset (8 bytes), length (8 bytes), content; again */
	bool incomplete;    /* something could not be kept: there is no way back */
};
#define CF_SAVED_MAX (256 * CF_MIB)

/* Writes the before-images where the disk differs, flushes, reads back past the cache and compares. *bytes: written.
 * saved may be NULL. */
int cf_journal_restore(struct cf_journal *j, struct cf_block *disk, struct cf_saved *saved, uint64_t *bytes,
		       struct cf_error *err) CF_MUST_CHECK;

/* Puts back what a failed restore overwrote, flushes and compares. */
int cf_saved_restore(const struct cf_saved *saved, struct cf_block *disk, struct cf_error *err) CF_MUST_CHECK;

/* Records and images of one batch, and the disk's blocks beside them. */
struct cf_journal_batch {
	struct cf_undo_record records[CF_JOURNAL_BATCH];
	uint8_t images[CF_JOURNAL_BATCH * CF_UNDO_BLOCK];
	uint8_t disk[CF_JOURNAL_BATCH * CF_UNDO_BLOCK];
};

/* Fingerprint i, checked. */
int cf_journal_print(struct cf_journal *j, uint32_t i, struct cf_undo_print *p, struct cf_error *err) CF_MUST_CHECK;

/* Text of size bytes from the file for people: ends inside its field, no control character reaches a terminal. */
void cf_journal_text(char *out, const char *in, size_t size);

/* n records from the first, n at most CF_JOURNAL_BATCH; images may be NULL (else n * 4096 bytes). */
int cf_journal_records(struct cf_journal *j, uint64_t first, size_t n, struct cf_undo_record *records, uint8_t *images,
		       struct cf_error *err) CF_MUST_CHECK;

#endif
