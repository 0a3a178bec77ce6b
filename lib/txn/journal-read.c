/* journal-read.c - reading an undo file with bounds.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file may be torn, damaged or made by an enemy: the layout must be exactly the one that the counts imply, records must
 * ascend inside the disk, and no image is handed out whose SHA-256 is not the one in its CRC-checked record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "txn/journal.h"

static int corrupt(const struct cf_journal *j, uint64_t off, const char *what, struct cf_error *err)
{
	cf_fail_at(err, CF_E_CORRUPT, off, "the undo file %s is damaged: %s", j->path, what);
	return cf_fail_path(err, j->path);
}

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

int cf_mark_read(int h, const char *path, uint64_t at, const uint8_t nonce[CF_UNDO_NONCE], unsigned kind, enum cf_mark_state *state,
		 uint32_t *tables_crc, struct cf_error *err)
{
	struct cf_undo_mark m;
	if (cf_stable_read(h, path, at + CF_UNDO_MARKS_AT + (uint64_t)kind * CF_UNDO_BLOCK, &m, sizeof m, err) < 0)
		return -1;
	if (is_zero(&m, sizeof m))
		*state = CF_MARK_ABSENT;
	else if (memcmp(m.magic, CF_MARK_MAGIC, sizeof m.magic) == 0 &&
		 memcmp(m.nonce, nonce, CF_UNDO_NONCE) == 0 && cf_le32_get(m.kind) == kind &&
		 cf_le32_get(m.crc) == cf_undo_crc(nonce, &m, offsetof(struct cf_undo_mark, crc)))
		*state = CF_MARK_SET;
	else
		*state = CF_MARK_DAMAGED;
	if (tables_crc)
		*tables_crc = cf_le32_get(m.tables_crc);
	return 0;
}

void cf_journal_text(char *out, const char *in, size_t size)
{
	memcpy(out, in, size);
	out[size - 1] = 0;
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static int decode_header(struct cf_journal *j, const struct cf_undo_header *h, struct cf_error *err)
{
	if (memcmp(h->magic, CF_UNDO_MAGIC, sizeof h->magic) != 0) {
		cf_fail(err, CF_E_CORRUPT, "%s is not an undo file", j->path);
		return cf_fail_path(err, j->path);
	}
	memcpy(j->nonce, h->nonce, sizeof j->nonce);
	if (cf_le32_get(h->crc) != cf_undo_crc(j->nonce, h, offsetof(struct cf_undo_header, crc)))
		return corrupt(j, j->at, "its header does not match its checksum", err);
	if (cf_le32_get(h->version) != CF_UNDO_VERSION || cf_le32_get(h->incompat) & ~CF_UNDO_INCOMPAT_KNOWN ||
	    cf_le32_get(h->header_size) != sizeof *h || cf_le32_get(h->block_size) != CF_UNDO_BLOCK) {
		cf_fail(err, CF_E_UNSUPPORTED, "the undo file %s was made by another version of coldfix; use that one",
			j->path);
		return cf_fail_path(err, j->path);
	}
	j->is_row = cf_le32_get(h->incompat) & CF_UNDO_INCOMPAT_ROW;
	if (j->is_row) {
		memcpy(j->row, h->row, sizeof j->row);
		j->row_number = cf_le32_get(h->row_number);
	}
	/* A later transaction of a row is never taken for a file of its own, nor found at another place. */
	if (j->at != (j->is_row ? cf_le64_get(h->row_at) : 0) || (j->at == 0) != (j->row_number == 0))
		return corrupt(j, j->at, "a transaction does not lie where it belongs", err);
	if (cf_le32_get(h->compat) & CF_UNDO_COMPAT_GROWTH) {
		j->growth = (struct cf_growth){ .kind = (enum cf_growth_kind)cf_le32_get(h->growth),
						.old_size = cf_le64_get(h->growth_from),
						.new_size = cf_le64_get(h->growth_to) };
		memcpy(j->growth.footer, h->growth_footer, sizeof j->growth.footer);
		if (j->growth.kind < CF_GROWTH_RAW || j->growth.kind > CF_GROWTH_QCOW2 || !j->growth.old_size ||
		    j->growth.old_size >= j->growth.new_size || j->growth.new_size > INT64_MAX - CF_GROWTH_FOOTER)
			return corrupt(j, j->at, "what it says of the disk's file is impossible", err);
	}
	j->time = (int64_t)cf_le64_get(h->time);
	j->disk_size = cf_le64_get(h->disk_size);
	j->sector_size = cf_le32_get(h->sector_size);
	j->blocks = cf_le64_get(h->blocks);
	j->prints = cf_le32_get(h->prints);
	j->flags = cf_le32_get(h->flags);
	j->records_at = cf_le64_get(h->records_at);
	j->images_at = cf_le64_get(h->images_at);
	j->file_size = cf_le64_get(h->file_size);
	cf_journal_text(j->disk_id, h->disk_id, sizeof j->disk_id);
	cf_journal_text(j->disk_path, h->disk_path, sizeof j->disk_path);
	if (j->disk_size == 0 || j->disk_size > INT64_MAX || j->blocks == 0 || j->blocks > CF_UNDO_BLOCKS_MAX ||
	    j->prints > CF_UNDO_PRINTS_MAX)
		return corrupt(j, j->at, "its counts are impossible", err);
	uint64_t records = (j->prints * (uint64_t)sizeof(struct cf_undo_print) + CF_UNDO_BLOCK - 1) / CF_UNDO_BLOCK;
	uint64_t images = (j->blocks * sizeof(struct cf_undo_record) + CF_UNDO_BLOCK - 1) / CF_UNDO_BLOCK;
	records = CF_UNDO_PRINTS_AT + records * CF_UNDO_BLOCK;
	images = records + images * CF_UNDO_BLOCK;
	if (cf_le64_get(h->prints_at) != CF_UNDO_PRINTS_AT || j->records_at != records || j->images_at != images ||
	    j->file_size != images + j->blocks * CF_UNDO_BLOCK)
		return corrupt(j, j->at, "its parts do not lie where they must", err);
	return 0;
}

int cf_journal_open(struct cf_journal *j, const char *path, bool writable, struct cf_error *err)
{
	return cf_journal_open_at(j, path, 0, writable, err);
}

int cf_journal_open_at(struct cf_journal *j, const char *path, uint64_t at, bool writable, struct cf_error *err)
{
	struct cf_undo_header h;
	struct cf_stable_stat st;
	memset(j, 0, sizeof *j);
	j->h = -1;
	j->at = at;
	j->path = strdup(path);
	if (!j->path)
		return cf_fail_nomem(err);
	j->h = cf_stable_open(path, writable ? CF_STABLE_WRITE : CF_STABLE_READ, err);
	if (j->h < 0 || cf_stable_stat(j->h, path, &st, err) < 0)
		return -1;
	if (!st.regular || !cf_range_ok(at, sizeof h, st.size)) {
		cf_fail(err, CF_E_CORRUPT, "%s is not an undo file", path);
		return cf_fail_path(err, path);
	}
	if (cf_stable_read(j->h, path, at, &h, sizeof h, err) < 0 || decode_header(j, &h, err) < 0)
		return -1;
	if (st.size - at < j->file_size)
		return corrupt(j, st.size, "it is shorter than its header says", err);
	for (unsigned k = 0; k < CF_UNDO_MARK_COUNT; k++)
		if (cf_mark_read(j->h, path, at, j->nonce, k, &j->marks[k], k == CF_MARK_ARMED ? &j->armed_crc : NULL,
				 err) < 0)
			return -1;
	return 0;
}

void cf_journal_close(struct cf_journal *j)
{
	if (j->path && j->h >= 0)
		cf_stable_close(j->h);
	free(j->path);
	j->path = NULL;
	j->h = -1;
}

int cf_journal_records(struct cf_journal *j, uint64_t first, size_t n, struct cf_undo_record *records, uint8_t *images,
		       struct cf_error *err)
{
	uint64_t at = j->at + j->records_at + first * sizeof *records;
	if (cf_stable_read(j->h, j->path, at, records, n * sizeof *records, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++, at += sizeof *records) {
		const struct cf_undo_record *r = &records[i];
		uint64_t block = cf_le64_get(r->block);
		if (cf_le32_get(r->crc) != cf_undo_crc(j->nonce, r, offsetof(struct cf_undo_record, crc)))
			return corrupt(j, at, "a record does not match its checksum", err);
		if (block > (j->disk_size - 1) / CF_UNDO_BLOCK ||
		    cf_le32_get(r->length) != cf_overlay_length(block, j->disk_size) || cf_le32_get(r->flags) != 0)
			return corrupt(j, at, "a record names a place that is not on the disk", err);
	}
	if (!images)
		return 0;
	at = j->at + j->images_at + first * CF_UNDO_BLOCK;
	if (cf_stable_read(j->h, j->path, at, images, n * CF_UNDO_BLOCK, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++, at += CF_UNDO_BLOCK) {
		uint8_t hash[CF_SHA256_LEN];
		cf_sha256(images + i * CF_UNDO_BLOCK, cf_le32_get(records[i].length), hash);
		if (memcmp(hash, records[i].before, sizeof hash) != 0)
			return corrupt(j, at, "a before-image does not match its hash", err);
	}
	return 0;
}

int cf_journal_print(struct cf_journal *j, uint32_t i, struct cf_undo_print *p, struct cf_error *err)
{
	uint64_t at = j->at + CF_UNDO_PRINTS_AT + i * (uint64_t)sizeof *p;
	if (cf_stable_read(j->h, j->path, at, p, sizeof *p, err) < 0)
		return -1;
	uint32_t length = cf_le32_get(p->length);
	if (cf_le32_get(p->crc) != cf_undo_crc(j->nonce, p, offsetof(struct cf_undo_print, crc)))
		return corrupt(j, at, "a fingerprint does not match its checksum", err);
	if (length == 0 || length > CF_UNDO_PRINT_LENGTH_MAX || cf_le32_get(p->flags) != 0 ||
	    !cf_range_ok(cf_le64_get(p->offset), length, j->disk_size))
		return corrupt(j, at, "a fingerprint names a place that is not on the disk", err);
	return 0;
}

int cf_journal_verify(struct cf_journal *j, struct cf_error *err)
{
	CF_FREE struct cf_journal_batch *b = malloc(sizeof *b);
	struct cf_undo_header h;
	uint64_t next = 0; /* lowest block that the next record may name */
	if (!b)
		return cf_fail_nomem(err);
	if (cf_stable_read(j->h, j->path, j->at, &h, sizeof h, err) < 0)
		return -1;
	uint32_t crc = cf_undo_tables_add(0, &h, sizeof h);
	for (uint32_t i = 0; i < j->prints; i++) {
		struct cf_undo_print p;
		if (cf_journal_print(j, i, &p, err) < 0)
			return -1;
		crc = cf_undo_tables_add(crc, &p, sizeof p);
	}
	for (uint64_t first = 0; first < j->blocks; first += CF_JOURNAL_BATCH) {
		size_t n = cf_min_u64(CF_JOURNAL_BATCH, j->blocks - first);
		if (cf_journal_records(j, first, n, b->records, b->images, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			uint64_t block = cf_le64_get(b->records[i].block);
			if (block < next)
				return corrupt(j, j->at + j->records_at + (first + i) * sizeof b->records[0],
					       "its records are out of order", err);
			next = block + 1;
			crc = cf_undo_tables_add(crc, &b->records[i], sizeof b->records[i]);
		}
	}
	j->tables_crc = crc;
	if (j->marks[CF_MARK_ARMED] == CF_MARK_SET && j->armed_crc != crc)
		return corrupt(j, j->at, "its tables are not the ones that were armed", err);
	return 0;
}
