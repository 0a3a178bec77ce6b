/* txn.h - the only writer: a copy-on-write overlay that becomes the disk in one transaction, and its undo.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Work is done on cf_txn_block(), an overlay in memory over the untouched disk. cf_txn_commit() then
 *   1. checks that there is room for the undo file, writes the marker, before-images, after-hashes and fingerprints, and
 *      syncs file and directory;
 *   2. marks the journal valid ("armed") and syncs;
 *   3. applies the changed blocks to the disk, flushes;
 *   4. re-reads them past the page cache and compares;
 *   5. sets the finished mark, syncs.
 * A stop before 2 leaves the disk old (the stale file is removed by the next open); between 2 and 5 the next open rolls
 * back; after 5 the disk is new. Blocks that equal the disk's content are dropped first: an edit that changes nothing writes nothing.
 * The format of the undo file is docs/undo-format.md and txn/undo-format.h.
 */
#ifndef CF_TXN_TXN_H
#define CF_TXN_TXN_H

#include "txn/growth.h"

#define CF_TXN_BLOCK 4096u /* bytes: the unit of the overlay, the journal and undo */

struct cf_txn;

/* What a commit covers besides its own blocks: ranges whose content identifies the disk's state (partition tables, boot
 * sectors, MFT records 0-15, $LogFile restart pages, hive base blocks). Undo refuses when one has changed since. */
struct cf_txn_fingerprint {
	uint64_t offset, length; /* bytes, on the disk; at most 64 KiB */
	char what[48];           /* "GPT header", "hive base block of SYSTEM" */
};

/* Where a transaction keeps its state. */
struct cf_txn_place {
	const char *undo_file;   /* path; never overwritten: NULL picks state_dir's next free name */
	const char *state_base;  /* image files: the image's path (DISK.coldfix-undo, .coldfix-undo.2, …); devices and NBD: a
				  * folder, made 0700 */
	bool state_is_folder;
	const char *disk_id;     /* identity of the disk as text: GPT GUID, MBR signature or size-only; stored and compared */
	const char *disk_path;   /* the disk as the user named it; stored for messages */
	bool no_undo;            /* still journals; the journal is removed once the commit succeeded */
	const struct cf_growth *growth; /* how the disk's file was made larger for this; NULL: it was not. Kept for undo */
	/* Progress of an undo, in bytes; between two transactions of a row nonzero stops it. May be NULL. */
	int (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
	void *user;
};

struct cf_txn_stats {
	uint64_t bytes_written; /* bytes that reached the disk */
	uint64_t undo_bytes;    /* size of the undo file */
	uint64_t blocks;
};

/* base is borrowed and must outlive the transaction. max_bytes: the most memory the overlay may hold (0: 1 GiB). */
struct cf_txn *cf_txn_begin(struct cf_block *base, uint64_t max_bytes, struct cf_error *err);

/* The overlay as a block device; owned by the transaction. Writable even over a read-only base. */
struct cf_block *cf_txn_block(struct cf_txn *txn);

/* Bytes that an overlay (cf_txn_block) holds in memory now; 0 for any other device. */
uint64_t cf_txn_held(const struct cf_block *overlay);

/* Bytes that a commit would write now (whole blocks that differ from the disk). */
int cf_txn_pending(struct cf_txn *txn, uint64_t *bytes, struct cf_error *err) CF_MUST_CHECK;

/* Commits. undo_path (may be NULL) receives the malloc'd path of the undo file, NULL when nothing was written or with
 * no_undo. On failure the disk is as it was before (rolled back), or, if even that failed, the error says so, names the
 * journal, and the next open rolls back. */
int cf_txn_commit(struct cf_txn *txn, const struct cf_txn_place *place, const struct cf_txn_fingerprint *prints,
		  size_t n_prints, char **undo_path, struct cf_txn_stats *stats, struct cf_error *err) CF_MUST_CHECK;

/* What a commit would refuse about the place of its undo file (exists, memory file system, no room), asked before anything else is
 * written on its behalf. May make the state folder of a device. */
int cf_txn_check_place(struct cf_txn *txn, const struct cf_txn_place *place, size_t n_prints, struct cf_error *err) CF_MUST_CHECK;

/* The same for other state that is to outlive a power cut: path need not exist, its folder must. */
int cf_txn_check_folder(const char *path, const struct cf_txn_place *place, struct cf_error *err) CF_MUST_CHECK;

/* Drops the overlay. NULL is fine. */
void cf_txn_end(struct cf_txn *txn);

/* ---- after a crash, and undo ---- */

enum cf_recovery {
	CF_RECOVERY_NONE,
	CF_RECOVERY_ROLLED_BACK,
	CF_RECOVERY_STALE_REMOVED,
	CF_RECOVERY_ROW_SHORTENED /* the last transaction of a row was taken back; earlier ones of it stay (series.h) */
};

/* Looks for an unfinished commit of this disk (its marker) and rolls it back. With a read-only disk an unfinished commit
 * is CF_E_UNCLEAN and names what to run. *what says what was done. */
int cf_txn_recover(struct cf_block *disk, const struct cf_txn_place *place, enum cf_recovery *what,
		   struct cf_error *err) CF_MUST_CHECK;

/* Path (malloc'd) of the newest undo file of this disk, or NULL with CF_E_NOT_FOUND. */
char *cf_undo_newest(const struct cf_txn_place *place, struct cf_error *err);

struct cf_undo_info {
	uint64_t blocks, bytes;  /* that it would put back */
	size_t transactions;     /* 1, or what is left of a row; 0: nothing */
	int64_t time;            /* seconds since 1970: when the repair was made */
	char disk_path[512], disk_id[80];
	struct cf_growth growth; /* kind CF_GROWTH_NONE: the disk's file was not made larger */
};
int cf_undo_read_info(const char *undo_file, struct cf_undo_info *info, struct cf_error *err) CF_MUST_CHECK;

/* Puts the before-images back, as a transaction of its own: a crash in the middle is finished by the next open. Every
 * block must hold its after-image (or already its before-image) and every fingerprint must match, else CF_E_CHANGED and
 * nothing is written, unless force. When done the undo file is renamed to NAME.undone. A file that is damaged, of
 * another disk, or of another version is refused. dry_run: all checks, no write.
 * The transactions of a row are put back newest first, each as above. A stop on the way leaves a shorter row, which the next
 * undo goes on with; the file is renamed when none is left. */
int cf_undo_apply(struct cf_block *disk, const struct cf_txn_place *place, const char *undo_file, bool force,
		  bool dry_run, struct cf_txn_stats *stats, struct cf_error *err) CF_MUST_CHECK;

#endif
