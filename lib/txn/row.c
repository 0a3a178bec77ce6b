/* row.c - the transactions that lie one behind the other in the undo file of a row.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each is a whole undo file but for its place: header, marks, fingerprints, records, images. A row is read by its headers alone,
 * from the first one on, as far as each names the row, its own number and its own place. Behind the last live one there may
 * be what a stop left half made or what was put back. The file may be damaged: a row that breaks off although more of it follows is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/overflow.h"
#include "txn/place.h"

#define ROW_MAX (UINT32_C(1) << 24) /* transactions of one row: a budget for hostile files */

static int row_add(struct cf_row *row, size_t *cap, uint64_t at, struct cf_error *err)
{
	if (!CF_ROOM(row->at, row->all, *cap, 16))
		return cf_fail_nomem(err);
	row->at[row->all++] = at;
	return 0;
}

/* Does anything behind `at` belong to the row? Then its middle is damaged, and not only its end half made. */
static int check_end(const struct cf_journal *first, uint64_t at, uint64_t size, struct cf_error *err)
{
	enum { PAGES = 256 };
	CF_FREE uint8_t *buf = malloc(PAGES * (size_t)CF_UNDO_BLOCK);
	if (!buf)
		return cf_fail_nomem(err);
	for (at += CF_UNDO_BLOCK; at < size && size - at >= CF_UNDO_BLOCK;) {
		size_t n = (size_t)cf_min_u64(PAGES, (size - at) / CF_UNDO_BLOCK);
		if (cf_stable_read(first->h, first->path, at, buf, n * CF_UNDO_BLOCK, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++, at += CF_UNDO_BLOCK) {
			const struct cf_undo_header *h = (const struct cf_undo_header *)(buf + i * CF_UNDO_BLOCK);
			if (memcmp(h->magic, CF_UNDO_MAGIC, sizeof h->magic) != 0 ||
			    memcmp(h->row, first->row, sizeof h->row) != 0 || cf_le64_get(h->row_at) != at ||
			    cf_le32_get(h->crc) != cf_undo_crc(h->nonce, h, offsetof(struct cf_undo_header, crc)))
				continue;
			cf_fail_at(err, CF_E_CORRUPT, at,
				   "the undo file %s is damaged: a transaction before this one can't be read", first->path);
			return cf_fail_path(err, first->path);
		}
	}
	return 0;
}

int cf_row_read(struct cf_row *row, const char *path, struct cf_error *err)
{
	CF_JOURNAL first = { .h = -1 };
	struct cf_stable_stat st;
	size_t cap = 0;
	*row = (struct cf_row){ 0 };
	if (cf_journal_open(&first, path, false, err) < 0 || cf_stable_stat(first.h, path, &st, err) < 0 ||
	    row_add(row, &cap, 0, err) < 0)
		return -1;
	row->bytes = first.file_size;
	if (!first.is_row) {
		row->n = 1;
		return 0;
	}
	bool live = first.marks[CF_MARK_FINISHED] == CF_MARK_SET && first.marks[CF_MARK_UNDONE] != CF_MARK_SET;
	row->n = live ? 1 : 0;
	uint64_t at = first.file_size;
	for (uint32_t number = 1; number < ROW_MAX && cf_range_ok(at, sizeof(struct cf_undo_header), st.size); number++) {
		CF_JOURNAL j = { .h = -1 };
		if (cf_journal_open_at(&j, path, at, false, NULL) < 0 || !j.is_row || j.row_number != number ||
		    memcmp(j.row, first.row, sizeof j.row) != 0)
			return check_end(&first, at, st.size, err);
		bool counts = j.marks[CF_MARK_FINISHED] == CF_MARK_SET && j.marks[CF_MARK_UNDONE] != CF_MARK_SET;
		if (counts && !live) {
			cf_fail_at(err, CF_E_CORRUPT, at, "the undo file %s is damaged: its transactions are not in order", path);
			return cf_fail_path(err, path);
		}
		if (row_add(row, &cap, at, err) < 0)
			return -1;
		live = counts;
		at += j.file_size; /* at and file_size lie inside the file, so that does not overflow */
		if (live) {
			row->n++;
			row->bytes = at;
		}
	}
	return 0;
}

void cf_row_free(struct cf_row *row)
{
	free(row->at);
	*row = (struct cf_row){ 0 };
}

/* ---- blocks that have been seen ---- */

#define PIECE_BLOCKS 32768u

struct piece {
	uint64_t number; /* of PIECE_BLOCKS blocks */
	uint64_t bits[PIECE_BLOCKS / 64];
};

struct cf_seen {
	struct piece **slot; /* hash table, open addressing */
	size_t n, cap;
};

struct cf_seen *cf_seen_new(void)
{
	return calloc(1, sizeof(struct cf_seen));
}

void cf_seen_free(struct cf_seen *seen)
{
	if (!seen)
		return;
	for (size_t i = 0; i < seen->cap; i++)
		free(seen->slot[i]);
	free(seen->slot);
	free(seen);
}

static size_t slot_of(const struct cf_seen *seen, uint64_t number)
{
	size_t i = (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (seen->cap - 1);
	while (seen->slot[i] && seen->slot[i]->number != number)
		i = (i + 1) & (seen->cap - 1);
	return i;
}

static int grow(struct cf_seen *seen)
{
	struct cf_seen bigger = { .n = seen->n, .cap = seen->cap ? seen->cap * 2 : 64 };
	bigger.slot = calloc(bigger.cap, sizeof(struct piece *));
	if (!bigger.slot)
		return -1;
	for (size_t i = 0; i < seen->cap; i++)
		if (seen->slot[i])
			bigger.slot[slot_of(&bigger, seen->slot[i]->number)] = seen->slot[i];
	free(seen->slot);
	*seen = bigger;
	return 0;
}

int cf_seen_add(struct cf_seen *seen, uint64_t block)
{
	uint64_t number = block / PIECE_BLOCKS, bit = UINT64_C(1) << (block % 64);
	if ((seen->n + 1) * 4 > seen->cap * 3 && grow(seen) < 0)
		return -1;
	size_t i = slot_of(seen, number);
	if (!seen->slot[i]) {
		seen->slot[i] = calloc(1, sizeof(struct piece));
		if (!seen->slot[i])
			return -1;
		seen->slot[i]->number = number;
		seen->n++;
	}
	uint64_t *word = &seen->slot[i]->bits[block % PIECE_BLOCKS / 64];
	if (*word & bit)
		return 1;
	*word |= bit;
	return 0;
}
