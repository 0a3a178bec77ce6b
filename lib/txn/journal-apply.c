/* journal-apply.c - comparing an undo file with a disk, and putting the disk back.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Comparing comes first and writes nothing. cf_journal_restore is idempotent: it writes only blocks that do not hold their
 * before-images yet, so it can be cut off anywhere and run again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "txn/place.h"

/* True when every sector of the block is either the before-image's or hashes to what was being written. */
static bool sectors_known(const struct cf_undo_record *r, const uint8_t *image, const uint8_t *disk)
{
	uint32_t length = cf_le32_get(r->length);
	for (uint32_t s = 0; s * CF_UNDO_SECTOR < length; s++) {
		uint32_t at = s * CF_UNDO_SECTOR;
		size_t n = cf_min_u64(CF_UNDO_SECTOR, length - at);
		uint8_t hash[CF_SHA256_LEN];
		if (memcmp(disk + at, image + at, n) == 0)
			continue;
		cf_sha256(disk + at, n, hash);
		if (memcmp(hash, r->after_tags[s], CF_UNDO_TAG) != 0)
			return false;
	}
	return true;
}

/* First record whose block is at least `block`, by bisection. */
static int find_record(struct cf_journal *j, uint64_t block, uint64_t *found, struct cf_error *err)
{
	uint64_t low = 0, high = j->blocks;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		struct cf_undo_record r;
		if (cf_journal_records(j, mid, 1, &r, NULL, err) < 0)
			return -1;
		if (cf_le64_get(r.block) < block)
			low = mid + 1;
		else
			high = mid;
	}
	*found = low;
	return 0;
}

/* The range as it would be with the before-images in place must hash to what it was. buf: the largest length. */
static int check_print(struct cf_journal *j, struct cf_block *disk, const struct cf_undo_print *p, uint8_t *buf,
		       struct cf_error *err)
{
	uint64_t off = cf_le64_get(p->offset), end = off + cf_le32_get(p->length), n;
	if (cf_block_read(disk, off, buf, (size_t)(end - off), err) < 0)
		return -1;
	if (find_record(j, off / CF_UNDO_BLOCK, &n, err) < 0)
		return -1;
	/* At most 64 KiB / 4 KiB + 1 records can overlap. */
	for (; n < j->blocks; n++) {
		struct cf_undo_record r;
		uint8_t image[CF_UNDO_BLOCK];
		if (cf_journal_records(j, n, 1, &r, image, err) < 0)
			return -1;
		uint64_t start = cf_le64_get(r.block) * CF_UNDO_BLOCK;
		if (start >= end)
			break;
		uint64_t from = cf_max_u64(start, off), to = cf_min_u64(start + cf_le32_get(r.length), end);
		if (from < to)
			memcpy(buf + (from - off), image + (from - start), (size_t)(to - from));
	}
	uint8_t hash[CF_SHA256_LEN];
	cf_sha256(buf, (size_t)(end - off), hash);
	if (memcmp(hash, p->before, sizeof hash) == 0)
		return 0;
	char what[sizeof p->what];
	cf_journal_text(what, p->what, sizeof what);
	return cf_fail_at(err, CF_E_CHANGED, off, "the disk has changed since the repair: %s is not as it was left",
			  what[0] ? what : "a fingerprinted range");
}

static int check_block(const struct cf_undo_record *r, const uint8_t *image, struct cf_block *disk, enum cf_check how, uint8_t *now,
		       uint64_t *bytes, struct cf_error *err)
{
	uint64_t off = cf_le64_get(r->block) * CF_UNDO_BLOCK;
	uint32_t length = cf_le32_get(r->length);
	uint8_t hash[CF_SHA256_LEN];
	if (cf_block_read(disk, off, now, length, err) < 0)
		return -1;
	if (memcmp(now, image, length) == 0)
		return 0;
	*bytes += length;
	cf_sha256(now, length, hash);
	if (how == CF_CHECK_COUNT || memcmp(hash, r->after, sizeof hash) == 0 ||
	    (how == CF_CHECK_TORN && sectors_known(r, image, now)))
		return 0;
	return cf_fail_at(err, CF_E_CHANGED, off,
			  "the disk has changed since the repair: the block at byte %llu is neither as the repair found it nor as "
			  "the repair left it", (unsigned long long)off);
}

int cf_journal_check_blocks(struct cf_journal *j, struct cf_block *disk, enum cf_check how, struct cf_seen *seen, uint64_t *bytes,
			    struct cf_error *err)
{
	CF_FREE struct cf_journal_batch *b = malloc(sizeof *b);
	if (!b)
		return cf_fail_nomem(err);
	for (uint64_t first = 0; first < j->blocks; first += CF_JOURNAL_BATCH) {
		size_t n = cf_min_u64(CF_JOURNAL_BATCH, j->blocks - first);
		if (cf_journal_records(j, first, n, b->records, b->images, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			int known = seen ? cf_seen_add(seen, cf_le64_get(b->records[i].block)) : 0;
			if (known < 0)
				return cf_fail_nomem(err);
			if (!known && check_block(&b->records[i], b->images + i * CF_UNDO_BLOCK, disk, how, b->disk, bytes, err) < 0)
				return -1;
		}
	}
	return 0;
}

int cf_journal_check(struct cf_journal *j, struct cf_block *disk, enum cf_check how, uint64_t *bytes,
		     struct cf_error *err)
{
	*bytes = 0;
	if (cf_journal_check_prints(j, disk, how, err) < 0)
		return -1;
	return cf_journal_check_blocks(j, disk, how, NULL, bytes, err);
}

int cf_journal_check_prints(struct cf_journal *j, struct cf_block *disk, enum cf_check how, struct cf_error *err)
{
	CF_FREE uint8_t *buf = malloc(CF_UNDO_PRINT_LENGTH_MAX);
	if (!buf)
		return cf_fail_nomem(err);
	/* Fingerprints first: "hive base block of SYSTEM" tells people more than a block number. */
	for (uint32_t i = 0; i < j->prints && how != CF_CHECK_COUNT; i++) {
		struct cf_undo_print p;
		if (cf_journal_print(j, i, &p, err) < 0 || check_print(j, disk, &p, buf, err) < 0)
			return -1;
	}
	return 0;
}

/* Keeps what a write is about to replace. */
static void save(struct cf_saved *saved, uint64_t off, const uint8_t *now, size_t len)
{
	uint8_t head[16];
	cf_st64(head, off);
	cf_st64(head + 8, len);
	if (saved->incomplete)
		return;
	if (saved->data.n + len > CF_SAVED_MAX || cf_buf_append(&saved->data, head, sizeof head) < 0 ||
	    cf_buf_append(&saved->data, now, len) < 0) {
		saved->incomplete = true;
		cf_buf_free(&saved->data);
	}
}

/* Writes those images of a batch that the disk lacks, neighbours in one write. */
static int restore_batch(struct cf_journal_batch *b, size_t n, struct cf_block *disk, struct cf_saved *saved,
			 uint64_t *bytes, struct cf_error *err)
{
	bool differs[CF_JOURNAL_BATCH] = { false };
	for (size_t i = 0; i < n; i++) {
		uint64_t off = cf_le64_get(b->records[i].block) * CF_UNDO_BLOCK;
		uint32_t length = cf_le32_get(b->records[i].length);
		uint8_t *now = b->disk + i * CF_UNDO_BLOCK;
		/* A block that can't be read may have been spoilt by the write that failed: writing it may heal it. */
		bool unreadable = cf_block_read_direct(disk, off, now, length, NULL) < 0;
		differs[i] = unreadable || memcmp(now, b->images + i * CF_UNDO_BLOCK, length) != 0;
		if (unreadable && saved)
			saved->incomplete = true;
	}
	for (size_t i = 0; i < n;) {
		if (!differs[i]) {
			i++;
			continue;
		}
		uint64_t block = cf_le64_get(b->records[i].block);
		size_t run = 1, len = cf_le32_get(b->records[i].length);
		while (i + run < n && differs[i + run] && cf_le64_get(b->records[i + run].block) == block + run) {
			len += cf_le32_get(b->records[i + run].length);
			run++;
		}
		if (saved)
			save(saved, block * CF_UNDO_BLOCK, b->disk + i * CF_UNDO_BLOCK, len);
		if (cf_stable_disk_write(disk, block * CF_UNDO_BLOCK, b->images + i * CF_UNDO_BLOCK, len, err) < 0)
			return -1;
		*bytes += len;
		i += run;
	}
	return 0;
}

static int verify_batch(struct cf_journal_batch *b, size_t n, struct cf_block *disk, struct cf_error *err)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t off = cf_le64_get(b->records[i].block) * CF_UNDO_BLOCK;
		uint32_t length = cf_le32_get(b->records[i].length);
		if (cf_block_read_direct(disk, off, b->disk, length, err) < 0)
			return -1;
		if (memcmp(b->disk, b->images + i * CF_UNDO_BLOCK, length) != 0)
			return cf_fail_at(err, CF_E_IO, off,
					  "the disk does not return what was written at byte %llu; copy it to a sound one",
					  (unsigned long long)off);
	}
	return 0;
}

int cf_journal_restore(struct cf_journal *j, struct cf_block *disk, struct cf_saved *saved, uint64_t *bytes,
		       struct cf_error *err)
{
	CF_FREE struct cf_journal_batch *b = malloc(sizeof *b);
	*bytes = 0;
	if (!b)
		return cf_fail_nomem(err);
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t first = 0; first < j->blocks; first += CF_JOURNAL_BATCH) {
			size_t n = cf_min_u64(CF_JOURNAL_BATCH, j->blocks - first);
			if (cf_journal_records(j, first, n, b->records, b->images, err) < 0)
				return -1;
			if (pass == 0 ? restore_batch(b, n, disk, saved, bytes, err) < 0 :
					verify_batch(b, n, disk, err) < 0)
				return -1;
		}
		/* Even when nothing was written now: a process that died before may not have flushed. */
		if (pass == 0 && cf_stable_disk_flush(disk, err) < 0)
			return -1;
	}
	return 0;
}

int cf_saved_restore(const struct cf_saved *saved, struct cf_block *disk, struct cf_error *err)
{
	struct cf_span s = cf_buf_span(&saved->data);
	if (saved->incomplete)
		return cf_fail(err, CF_E_NO_MEMORY, "what was overwritten could not be kept");
	for (int pass = 0; pass < 2; pass++) {
		for (size_t at = 0; at < s.n;) {
			uint64_t off = cf_ld64(s.p + at);
			size_t len = (size_t)cf_ld64(s.p + at + 8);
			const uint8_t *content = s.p + at + 16;
			at += 16 + len;
			if (pass == 0) {
				if (cf_stable_disk_write(disk, off, content, len, err) < 0)
					return -1;
				continue;
			}
			CF_FREE uint8_t *now = malloc(len);
			if (!now)
				return cf_fail_nomem(err);
			if (cf_block_read_direct(disk, off, now, len, err) < 0)
				return -1;
			if (memcmp(now, content, len) != 0)
				return cf_fail_at(err, CF_E_IO, off, "the disk does not return what was written");
		}
		if (pass == 0 && cf_stable_disk_flush(disk, err) < 0)
			return -1;
	}
	return 0;
}
