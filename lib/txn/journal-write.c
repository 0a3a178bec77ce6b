/* journal-write.c - making an undo file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * While this file writes, the disk is untouched: whatever fails here costs nothing but the half-made undo file. When
 * cf_journal_create returns 0 every byte except the marks is on stable storage, under its name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/overflow.h"
#include "config.h"
#include "txn/journal.h"

uint32_t cf_undo_crc(const uint8_t nonce[CF_UNDO_NONCE], const void *p, size_t n)
{
	return cf_crc32(cf_crc32(0, nonce, CF_UNDO_NONCE), p, n);
}

static uint64_t round_up(uint64_t n)
{
	return (n + CF_UNDO_BLOCK - 1) / CF_UNDO_BLOCK * CF_UNDO_BLOCK;
}

/* blocks ≤ CF_UNDO_BLOCKS_MAX and prints ≤ CF_UNDO_PRINTS_MAX, so nothing here overflows. */
static void layout(uint64_t blocks, uint64_t prints, uint64_t *records_at, uint64_t *images_at, uint64_t *size)
{
	*records_at = CF_UNDO_PRINTS_AT + round_up(prints * sizeof(struct cf_undo_print));
	*images_at = *records_at + round_up(blocks * sizeof(struct cf_undo_record));
	*size = *images_at + blocks * CF_UNDO_BLOCK;
}

uint64_t cf_journal_size(uint64_t blocks, size_t prints)
{
	uint64_t records_at, images_at, size;
	layout(blocks, prints, &records_at, &images_at, &size);
	return size;
}

int cf_mark_set(int h, const char *path, uint64_t at, const uint8_t nonce[CF_UNDO_NONCE], unsigned kind, uint32_t tables_crc,
		struct cf_error *err)
{
	struct cf_undo_mark m = { 0 };
	memcpy(m.magic, CF_MARK_MAGIC, sizeof m.magic);
	memcpy(m.nonce, nonce, sizeof m.nonce);
	cf_le32_set(&m.kind, kind);
	cf_le32_set(&m.tables_crc, tables_crc);
	cf_le64_set(&m.time, (uint64_t)time(NULL));
	cf_le32_set(&m.crc, cf_undo_crc(nonce, &m, offsetof(struct cf_undo_mark, crc)));
	if (cf_stable_write(h, path, at + CF_UNDO_MARKS_AT + (uint64_t)kind * CF_UNDO_BLOCK, &m, sizeof m, err) < 0)
		return -1;
	return cf_stable_sync(h, path, err);
}

int cf_journal_mark(struct cf_journal *j, enum cf_undo_mark_kind kind, struct cf_error *err)
{
	if (cf_mark_set(j->h, j->path, j->at, j->nonce, kind, kind == CF_MARK_ARMED ? j->tables_crc : 0, err) < 0)
		return -1;
	j->marks[kind] = CF_MARK_SET;
	return 0;
}

/* strncpy with a guaranteed NUL, cut at a byte. */
static void put_text(char *out, size_t size, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	if (n >= size)
		n = size - 1;
	memset(out, 0, size);
	if (n)
		memcpy(out, text, n);
}

static int write_header(struct cf_journal *j, const struct cf_txn_place *place, struct cf_error *err)
{
	struct cf_undo_header h = { 0 };
	memcpy(h.magic, CF_UNDO_MAGIC, sizeof h.magic);
	cf_le32_set(&h.version, CF_UNDO_VERSION);
	cf_le32_set(&h.header_size, sizeof h);
	memcpy(h.nonce, j->nonce, sizeof h.nonce);
	cf_le64_set(&h.time, (uint64_t)j->time);
	cf_le64_set(&h.disk_size, j->disk_size);
	cf_le32_set(&h.sector_size, j->sector_size);
	cf_le32_set(&h.block_size, CF_UNDO_BLOCK);
	cf_le64_set(&h.blocks, j->blocks);
	cf_le32_set(&h.prints, j->prints);
	cf_le32_set(&h.flags, j->flags);
	cf_le64_set(&h.prints_at, CF_UNDO_PRINTS_AT);
	cf_le64_set(&h.records_at, j->records_at);
	cf_le64_set(&h.images_at, j->images_at);
	cf_le64_set(&h.file_size, j->file_size);
	if (j->is_row) {
		cf_le32_set(&h.incompat, CF_UNDO_INCOMPAT_ROW);
		memcpy(h.row, j->row, sizeof h.row);
		cf_le32_set(&h.row_number, j->row_number);
		cf_le64_set(&h.row_at, j->at);
	}
	if (place->growth) {
		cf_le32_set(&h.compat, CF_UNDO_COMPAT_GROWTH);
		cf_le32_set(&h.growth, place->growth->kind);
		cf_le64_set(&h.growth_from, place->growth->old_size);
		cf_le64_set(&h.growth_to, place->growth->new_size);
		memcpy(h.growth_footer, place->growth->footer, sizeof h.growth_footer);
	}
	put_text(h.writer, sizeof h.writer, "coldfix " CF_VERSION);
	put_text(h.disk_id, sizeof h.disk_id, place->disk_id);
	put_text(h.disk_path, sizeof h.disk_path, place->disk_path);
	memcpy(j->disk_id, h.disk_id, sizeof j->disk_id);
	memcpy(j->disk_path, h.disk_path, sizeof j->disk_path);
	cf_le32_set(&h.crc, cf_undo_crc(j->nonce, &h, offsetof(struct cf_undo_header, crc)));
	j->tables_crc = cf_undo_tables_add(0, &h, sizeof h);
	if (cf_stable_write(j->h, j->path, j->at, &h, sizeof h, err) < 0)
		return -1;
	/* The marks' blocks are written now, so that setting one later needs no room. */
	static const uint8_t zero[CF_UNDO_MARK_COUNT * CF_UNDO_BLOCK];
	return cf_stable_write(j->h, j->path, j->at + CF_UNDO_MARKS_AT, zero, sizeof zero, err);
}

static int write_print(struct cf_journal *j, struct cf_overlay *o, const struct cf_txn_fingerprint *f, uint64_t at,
		       uint8_t *buf, struct cf_error *err)
{
	struct cf_undo_print p = { 0 };
	if (f->length == 0 || f->length > CF_UNDO_PRINT_LENGTH_MAX || !cf_range_ok(f->offset, f->length, j->disk_size))
		return cf_fail_at(err, CF_E_INTERNAL, f->offset, "a fingerprint's range is not on the disk");
	cf_le64_set(&p.offset, f->offset);
	cf_le32_set(&p.length, (uint32_t)f->length);
	memcpy(p.what, f->what, sizeof p.what - 1);
	if (cf_block_read(o->base, f->offset, buf, (size_t)f->length, err) < 0)
		return -1;
	cf_sha256(buf, (size_t)f->length, p.before);
	if (cf_block_read(&o->block, f->offset, buf, (size_t)f->length, err) < 0)
		return -1;
	cf_sha256(buf, (size_t)f->length, p.after);
	cf_le32_set(&p.crc, cf_undo_crc(j->nonce, &p, offsetof(struct cf_undo_print, crc)));
	j->tables_crc = cf_undo_tables_add(j->tables_crc, &p, sizeof p);
	return cf_stable_write(j->h, j->path, at, &p, sizeof p, err);
}

static void make_record(const struct cf_journal *j, struct cf_undo_record *r, const struct cf_overlay_block *b,
			const uint8_t *before)
{
	uint32_t length = cf_overlay_length(b->index, j->disk_size);
	memset(r, 0, sizeof *r);
	cf_le64_set(&r->block, b->index);
	cf_le32_set(&r->length, length);
	cf_sha256(before, length, r->before);
	cf_sha256(b->data, length, r->after);
	for (uint32_t s = 0; s * CF_UNDO_SECTOR < length; s++) {
		uint8_t hash[CF_SHA256_LEN];
		uint32_t at = s * CF_UNDO_SECTOR;
		cf_sha256(b->data + at, cf_min_u64(CF_UNDO_SECTOR, length - at), hash);
		memcpy(r->after_tags[s], hash, CF_UNDO_TAG);
	}
	cf_le32_set(&r->crc, cf_undo_crc(j->nonce, r, offsetof(struct cf_undo_record, crc)));
}

static int write_records(struct cf_journal *j, struct cf_overlay *o, struct cf_overlay_block **list, size_t n,
			 struct cf_error *err)
{
	CF_FREE uint8_t *images = malloc(CF_JOURNAL_BATCH * (size_t)CF_UNDO_BLOCK);
	CF_FREE struct cf_undo_record *records = malloc(CF_JOURNAL_BATCH * sizeof *records);
	if (!images || !records)
		return cf_fail_nomem(err);
	for (size_t first = 0; first < n; first += CF_JOURNAL_BATCH) {
		size_t count = cf_min_u64(CF_JOURNAL_BATCH, n - first);
		memset(images, 0, count * CF_UNDO_BLOCK);
		for (size_t i = 0; i < count; i++) {
			const struct cf_overlay_block *b = list[first + i];
			uint8_t *before = images + i * CF_UNDO_BLOCK;
			if (cf_block_read(o->base, b->index * CF_TXN_BLOCK, before,
					  cf_overlay_length(b->index, j->disk_size), err) < 0)
				return -1;
			make_record(j, &records[i], b, before);
			j->tables_crc = cf_undo_tables_add(j->tables_crc, &records[i], sizeof records[i]);
		}
		if (cf_stable_write(j->h, j->path, j->at + j->images_at + first * (uint64_t)CF_UNDO_BLOCK, images,
				    count * CF_UNDO_BLOCK, err) < 0 ||
		    cf_stable_write(j->h, j->path, j->at + j->records_at + first * (uint64_t)sizeof *records, records,
				    count * sizeof *records, err) < 0)
			return -1;
	}
	return 0;
}

int cf_journal_create(struct cf_journal *j, const char *path, const uint8_t nonce[CF_UNDO_NONCE],
		      const struct cf_txn_place *place, struct cf_overlay *overlay, struct cf_overlay_block **list,
		      size_t n, const struct cf_txn_fingerprint *prints, size_t n_prints, const struct cf_row_end *row, bool *created,
		      struct cf_error *err)
{
	memset(j, 0, sizeof *j);
	j->h = -1;
	*created = false;
	if (n_prints > CF_UNDO_PRINTS_MAX || n > CF_UNDO_BLOCKS_MAX)
		return cf_fail(err, CF_E_INTERNAL, "the change is too large for one undo file");
	j->path = strdup(path);
	if (!j->path)
		return cf_fail_nomem(err);
	memcpy(j->nonce, nonce, sizeof j->nonce);
	j->disk_size = overlay->block.size;
	j->sector_size = overlay->block.sector_size;
	j->blocks = n;
	j->prints = (uint32_t)n_prints;
	j->flags = place->no_undo ? CF_UNDO_FLAG_NO_UNDO : 0;
	j->time = (int64_t)time(NULL);
	layout(n, n_prints, &j->records_at, &j->images_at, &j->file_size);

	if (row) {
		j->is_row = true;
		j->at = row->at;
		j->row_number = row->number;
		memcpy(j->row, row->id, sizeof j->row);
	}
	bool append = row && row->number > 0;
	j->h = cf_stable_open(path, append ? CF_STABLE_WRITE : CF_STABLE_CREATE, err);
	if (j->h < 0)
		return -1;
	*created = !append;
	if (cf_stable_allocate(j->h, path, j->at + j->file_size, err) < 0 || write_header(j, place, err) < 0)
		return -1;
	CF_FREE uint8_t *buf = malloc(CF_UNDO_PRINT_LENGTH_MAX);
	if (!buf)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < n_prints; i++)
		if (write_print(j, overlay, &prints[i], j->at + CF_UNDO_PRINTS_AT + i * sizeof(struct cf_undo_print), buf, err) < 0)
			return -1;
	if (write_records(j, overlay, list, n, err) < 0 || cf_stable_sync(j->h, path, err) < 0)
		return -1;
	return cf_stable_sync_folder_of(path, err);
}
