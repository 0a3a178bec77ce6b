/* place.h - where a transaction keeps its state: names, safety of the place, and the marker.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TXN_PLACE_H
#define CF_TXN_PLACE_H

#include "txn/journal.h"

/* Paths of one disk's state, absolute where that can be found out. All owned; cf_names_free. */
struct cf_names {
	char *marker; /* DISK.coldfix-pending or FOLDER/pending */
	char *base;   /* DISK.coldfix-undo or FOLDER/undo: the first default undo file, others add ".2", ".3", … */
};
int cf_names_get(const struct cf_txn_place *place, struct cf_names *names, struct cf_error *err) CF_MUST_CHECK;
void cf_names_free(struct cf_names *names);
#define CF_NAMES CF_CLEANUP(cf_names_free) struct cf_names

#define CF_UNDO_NAMES_MAX 999u /* default undo files of one disk that may stack up */

/* Malloc'd name of the nth default undo file, from 1. */
char *cf_names_undo(const struct cf_names *names, unsigned n);

/* The newest undo file of the numbers up to *n that exists. 1: *n is its number and *path (malloc'd) its name, 0: there is none, -1. */
int cf_names_undo_there(const struct cf_names *names, unsigned *n, char **path, struct cf_error *err) CF_MUST_CHECK;

/* Malloc'd path of the undo file that a commit is to make: place->undo_file, which must not exist, or the name after the
 * highest default one that exists. */
char *cf_place_new_undo(const struct cf_txn_place *place, const struct cf_names *names, struct cf_error *err);

/* Malloc'd absolute path of an undo file that exists, symbolic links resolved (tests' machines: as given). */
char *cf_place_absolute(const char *path, struct cf_error *err);

/* Refuses (CF_E_REFUSED) a folder on a memory file system or on the disk being repaired, and one without `need` bytes of
 * room (CF_E_NO_SPACE; 0: not asked). path: a file in that folder. */
int cf_place_check(const char *path, const struct cf_txn_place *place, uint64_t need,
		   struct cf_error *err) CF_MUST_CHECK;

/* As a commit that begins now would be refused: the undo file's name, its place, and room for `need` bytes. May make the state
 * folder of a device. */
int cf_place_check_new(const struct cf_txn_place *place, uint64_t need, struct cf_error *err) CF_MUST_CHECK;

/* True when block device `device` is `disk`, a partition of it, or stands on it; sys: "/sys" or a test's copy. */
bool cf_place_stands_on(const char *sys, uint64_t device, uint64_t disk);

/* ---- the marker ---- */

struct cf_marker {
	int h;      /* cf_stable handle, -1: closed */
	char *path; /* owned: the marker's own */
	enum cf_marker_kind kind;
	uint8_t nonce[CF_UNDO_NONCE];
	char journal[sizeof((struct cf_marker_header *)0)->path];
	uint64_t at; /* where in it the transaction's header lies: not 0 for later ones of a row */
	bool valid; /* the header checks out */
	enum cf_mark_state marks[CF_MARKER_MARK_COUNT];
};

/* Makes and syncs the marker, which must not exist. *created as in cf_journal_create. */
int cf_marker_create(struct cf_marker *m, const char *path, enum cf_marker_kind kind,
		     const uint8_t nonce[CF_UNDO_NONCE], const char *journal, uint64_t at, bool *created,
		     struct cf_error *err) CF_MUST_CHECK;

/* 1: opened; 0: there is none; -1. A marker that was cut short by a crash opens with valid false. */
int cf_marker_open(struct cf_marker *m, const char *path, bool writable, struct cf_error *err) CF_MUST_CHECK;
int cf_marker_set(struct cf_marker *m, enum cf_marker_mark_kind kind, struct cf_error *err) CF_MUST_CHECK;

/* Removes the marker from its folder and syncs that. */
int cf_marker_remove(struct cf_marker *m, struct cf_error *err) CF_MUST_CHECK;
void cf_marker_close(struct cf_marker *m);
#define CF_MARKER CF_CLEANUP(cf_marker_close) struct cf_marker

/* Random, so that no two transactions share one. */
int cf_nonce_make(uint8_t nonce[CF_UNDO_NONCE], struct cf_error *err) CF_MUST_CHECK;

/* Tidies after the disk is whole: sets the marker's done mark, removes the journal (rename_undone false) or renames it to
 * NAME.undone, removes the marker; everything synced in this order. Of a later transaction of a row only the marker goes,
 * after its undone mark has been set: the file belongs to the earlier ones. */
int cf_retire(struct cf_marker *m, struct cf_journal *j, bool rename_undone, struct cf_error *err) CF_MUST_CHECK;

/* ---- rows ---- */

/* cf_txn_commit of the next transaction of a row (NULL: of none). With row->number > 0 place->undo_file is the row's file. */
int cf_txn_commit_row(struct cf_txn *txn, const struct cf_txn_place *place, const struct cf_row_end *row,
		      const struct cf_txn_fingerprint *prints, size_t n_prints, char **undo_path, struct cf_txn_stats *stats,
		      struct cf_error *err) CF_MUST_CHECK;

/* The transactions of one undo file that the disk still holds: 0 … n-1, each with its header at at[i]. A file that is no row
 * has one at most. Owned; cf_row_free. */
struct cf_row {
	uint64_t *at;
	size_t n, all;  /* live; with those that were put back, or never finished behind them */
	uint64_t bytes; /* of the file, up to the end of the last live one */
};
int cf_row_read(struct cf_row *row, const char *path, struct cf_error *err) CF_MUST_CHECK;
void cf_row_free(struct cf_row *row);
#define CF_ROW CF_CLEANUP(cf_row_free) struct cf_row

/* Blocks of a disk that have been seen: pieces of 128 MiB that hold one, 4 KiB each. */
struct cf_seen;
struct cf_seen *cf_seen_new(void);
void cf_seen_free(struct cf_seen *seen);
/* 1: it was seen before; 0: from now on it is; -1: no memory. */
int cf_seen_add(struct cf_seen *seen, uint64_t block);

#endif
