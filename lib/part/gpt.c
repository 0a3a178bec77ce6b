/* gpt.c - the GUID partition table, primary and backup.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * UEFI specification, chapter 5: the primary header is LBA 1, the backup header the last LBA; each names its array of
 * entries and carries the CRC-32 of itself and of the array. A copy counts only if both sums are right. The primary is
 * preferred; whatever is wrong with the other one becomes a defect, never a failure. A disk that grew or was cut has
 * its backup elsewhere: it is looked for at the last LBA, where the primary says, and where the protective MBR ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/hash.h"
#include "base/utf16.h"
#include "part/part-internal.h"

struct gpt_header_disk {
	uint8_t signature[8];  /* 0x00: "EFI PART" */
	cf_le32 revision;      /* 0x08: 0x00010000 */
	cf_le32 header_size;   /* 0x0c: 92 */
	cf_le32 header_crc;    /* 0x10: over header_size bytes with this field 0 */
	cf_le32 reserved;      /* 0x14 */
	cf_le64 my_lba;        /* 0x18 */
	cf_le64 other_lba;     /* 0x20 */
	cf_le64 first_usable;  /* 0x28 */
	cf_le64 last_usable;   /* 0x30: inclusive */
	struct cf_guid disk;   /* 0x38 */
	cf_le64 array_lba;     /* 0x48 */
	cf_le32 entries;       /* 0x50: 128 */
	cf_le32 entry_size;    /* 0x54: 128 */
	cf_le32 array_crc;     /* 0x58 */
};
_Static_assert(sizeof(struct gpt_header_disk) == 92, "GPT header");

struct gpt_entry_disk {
	struct cf_guid type;  /* 0x00: zero for unused */
	struct cf_guid guid;  /* 0x10 */
	cf_le64 first, last;  /* 0x20, 0x28: last is inclusive */
	cf_le64 attributes;   /* 0x30 */
	uint8_t name[72];     /* 0x38: UTF-16LE */
};
_Static_assert(sizeof(struct gpt_entry_disk) == 128, "GPT entry");

#define GPT_ARRAY_MAX CF_MIB      /* 8192 entries; Windows uses 16 KiB */
#define GPT_ENTRY_SIZE_MAX 4096

struct copy {
	uint64_t lba;
	bool signature; /* "EFI PART" is there */
	bool io_error;
	bool valid;
	char why[120];  /* when not valid */
	struct gpt_header_disk h;
	struct cf_buf array;
};

static void release_copy(struct copy *c)
{
	cf_buf_free(&c->array);
}

static const char *word(uint64_t lba)
{
	return lba == 1 ? "primary" : "backup";
}

static bool check_header(const struct cf_block *disk, const uint8_t *sector, struct copy *c)
{
	const struct gpt_header_disk *h = &c->h;
	uint32_t size = cf_le32_get(h->header_size);
	if (cf_le32_get(h->revision) >> 16 != 1) {
		snprintf(c->why, sizeof c->why, "unknown revision 0x%08x", cf_le32_get(h->revision));
		return false;
	}
	if (size < sizeof *h || size > disk->sector_size) {
		snprintf(c->why, sizeof c->why, "bad header size %u", size);
		return false;
	}
	static const uint8_t zero[4];
	uint32_t crc = cf_crc32(0, sector, 16);
	crc = cf_crc32(crc, zero, sizeof zero);
	crc = cf_crc32(crc, sector + 20, size - 20);
	if (crc != cf_le32_get(h->header_crc)) {
		snprintf(c->why, sizeof c->why, "bad checksum");
		return false;
	}
	if (cf_le64_get(h->my_lba) != c->lba) {
		snprintf(c->why, sizeof c->why, "it says that it belongs at LBA %llu",
			 (unsigned long long)cf_le64_get(h->my_lba));
		return false;
	}
	uint64_t entry = cf_le32_get(h->entry_size);
	if (entry < sizeof(struct gpt_entry_disk) || entry > GPT_ENTRY_SIZE_MAX || entry % 8) {
		snprintf(c->why, sizeof c->why, "bad entry size %llu", (unsigned long long)entry);
		return false;
	}
	return true;
}

static bool read_array(struct cf_block *disk, struct copy *c)
{
	uint64_t bytes = (uint64_t)cf_le32_get(c->h.entries) * cf_le32_get(c->h.entry_size);
	uint64_t off;
	if (bytes > GPT_ARRAY_MAX) {
		snprintf(c->why, sizeof c->why, "%u entries are more than any disk has", cf_le32_get(c->h.entries));
		return false;
	}
	if (cf_mul_overflow(cf_le64_get(c->h.array_lba), (uint64_t)disk->sector_size, &off) ||
	    !cf_range_ok(off, bytes, disk->size) || off < 2 * (uint64_t)disk->sector_size) {
		snprintf(c->why, sizeof c->why, "its entries lie outside the disk");
		return false;
	}
	if (cf_buf_resize(&c->array, (size_t)bytes) < 0) {
		snprintf(c->why, sizeof c->why, "no memory for its entries");
		return false;
	}
	if (bytes && cf_block_read(disk, off, c->array.p, (size_t)bytes, NULL) < 0) {
		c->io_error = true;
		snprintf(c->why, sizeof c->why, "its entries can't be read");
		return false;
	}
	if (cf_crc32(0, c->array.p, (size_t)bytes) != cf_le32_get(c->h.array_crc)) {
		snprintf(c->why, sizeof c->why, "bad checksum of its entries");
		return false;
	}
	return true;
}

/* Reads and checks the copy whose header is at lba. */
static void read_copy(struct cf_block *disk, uint64_t lba, struct copy *c)
{
	uint8_t sector[4096];
	uint64_t off;
	*c = (struct copy){ .lba = lba };
	if (disk->sector_size > sizeof sector || cf_mul_overflow(lba, (uint64_t)disk->sector_size, &off) ||
	    !cf_range_ok(off, disk->sector_size, disk->size)) {
		snprintf(c->why, sizeof c->why, "it lies outside the disk");
		return;
	}
	if (cf_block_read(disk, off, sector, disk->sector_size, NULL) < 0) {
		c->io_error = true;
		snprintf(c->why, sizeof c->why, "it can't be read");
		return;
	}
	memcpy(&c->h, sector, sizeof c->h);
	c->signature = memcmp(c->h.signature, "EFI PART", 8) == 0;
	if (!c->signature)
		snprintf(c->why, sizeof c->why, "there is none");
	else
		c->valid = check_header(disk, sector, c) && read_array(disk, c);
}

static void set_name(struct cf_partition *p, const uint8_t *name)
{
	CF_FREE char *text = cf_utf16z_to_utf8(cf_span_of(name, 72), NULL);
	snprintf(p->name, sizeof p->name, "%s", text ? text : "");
}

static void fill(struct cf_block *disk, const struct copy *c, struct cf_part_table *t)
{
	uint64_t ss = disk->sector_size, lbas = disk->size / ss;
	size_t step = cf_le32_get(c->h.entry_size);
	t->scheme = CF_SCHEME_GPT;
	t->disk_guid = c->h.disk;
	t->first_usable = cf_min_u64(cf_le64_get(c->h.first_usable), lbas) * ss;
	t->last_usable = cf_min_u64(cf_le64_get(c->h.last_usable), lbas - 1) * ss + ss;
	t->needs = (cf_min_u64(c->lba == 1 ? cf_le64_get(c->h.other_lba) : c->lba, UINT64_MAX / ss - 1) + 1) * ss;
	for (size_t i = 0, off = 0; i < cf_le32_get(c->h.entries); i++, off += step) {
		struct gpt_entry_disk e;
		memcpy(&e, c->array.p + off, sizeof e);
		if (cf_guid_is_zero(&e.type))
			continue;
		uint64_t first = cf_le64_get(e.first), last = cf_le64_get(e.last);
		uint64_t place = cf_le64_get(c->h.array_lba) * ss + off;
		if (first > last || last >= lbas || !first) {
			cf_part_defect(t, place, "partition %zu lies outside the disk (LBA %llu to %llu of %llu)", i + 1,
				       (unsigned long long)first, (unsigned long long)last, (unsigned long long)lbas);
			continue;
		}
		if (first < cf_le64_get(c->h.first_usable) || last > cf_le64_get(c->h.last_usable)) {
			cf_part_defect(t, place, "partition %zu lies outside the usable part of the disk", i + 1);
			continue;
		}
		struct cf_partition p = {
			.number = (unsigned)i + 1,
			.start = first * ss,
			.size = (last - first + 1) * ss,
			.type_guid = e.type,
			.guid = e.guid,
			.attributes = cf_le64_get(e.attributes),
		};
		set_name(&p, e.name);
		if (!cf_part_add(t, disk, &p))
			return;
	}
}

static void bad_copy(const struct cf_block *disk, const struct copy *c, struct cf_part_table *t)
{
	cf_part_defect(t, c->lba * disk->sector_size, "%s GPT header at LBA %llu: %s", word(c->lba),
		       (unsigned long long)c->lba, c->why);
}

/* Both copies must say the same about everything but their own place. */
static bool copies_agree(const struct gpt_header_disk *a, const struct gpt_header_disk *b)
{
	return cf_guid_eq(&a->disk, &b->disk) && memcmp(&a->entries, &b->entries, 12) == 0 &&
	       memcmp(&a->first_usable, &b->first_usable, 16) == 0;
}

/* The primary is right: is the backup in its place, and does it say the same? */
static void check_backup(struct cf_block *disk, const struct copy *primary, struct cf_part_table *t)
{
	struct copy backup CF_CLEANUP(release_copy) = { 0 };
	uint64_t last = disk->size / disk->sector_size - 1, there = cf_le64_get(primary->h.other_lba);
	if (there != last)
		cf_part_defect(t, disk->sector_size,
			       "sizes wrong: the backup GPT should be at the last LBA %llu, the primary says LBA %llu (the disk %s)",
			       (unsigned long long)last, (unsigned long long)there, there > last ? "was cut" : "has grown");
	if (cf_le64_get(primary->h.last_usable) > last)
		cf_part_defect(t, disk->sector_size, "sizes wrong: last usable LBA %llu lies behind the end of the disk",
			       (unsigned long long)cf_le64_get(primary->h.last_usable));
	if (there > last)
		return;
	read_copy(disk, there, &backup);
	if (!backup.valid)
		bad_copy(disk, &backup, t);
	else if (!copies_agree(&primary->h, &backup.h))
		cf_part_defect(t, there * disk->sector_size, "primary and backup GPT differ");
	else
		t->both_copies = true;
}

/* The primary is bad: the first valid backup of those places where one may be. */
static bool find_backup(struct cf_block *disk, const struct copy *primary, uint64_t hint_lba, struct copy *backup,
			struct cf_part_table *t, bool *seen)
{
	uint64_t last = disk->size / disk->sector_size - 1;
	uint64_t place[] = { last, primary->signature ? cf_le64_get(primary->h.other_lba) : 0, hint_lba };
	for (size_t i = 0; i < CF_ARRAY_LEN(place); i++) {
		if (place[i] < 2 || place[i] > last || (i > 0 && place[i] == last))
			continue;
		release_copy(backup);
		read_copy(disk, place[i], backup);
		if (backup->valid) {
			if (i > 0)
				cf_part_defect(t, place[i] * disk->sector_size,
					       "sizes wrong: the backup GPT is at LBA %llu, not at the last LBA %llu",
					       (unsigned long long)place[i], (unsigned long long)last);
			return true;
		}
		*seen = *seen || backup->signature || backup->io_error;
		if (i == 0)
			bad_copy(disk, backup, t);
	}
	return false;
}

/* ---- writing the bad copy anew ---- */

/* Where the structures of this disk belong, in sectors. */
struct plan {
	uint64_t last;          /* backup header */
	uint64_t array_sectors;
	uint64_t primary_array;
	uint64_t last_usable;
};

/* Every partition must end before the backup array of this disk. */
static bool partitions_fit(const struct copy *good, uint64_t last_usable)
{
	size_t step = cf_le32_get(good->h.entry_size);
	for (size_t i = 0, off = 0; i < cf_le32_get(good->h.entries); i++, off += step) {
		struct gpt_entry_disk e;
		memcpy(&e, good->array.p + off, sizeof e);
		if (!cf_guid_is_zero(&e.type) && cf_le64_get(e.last) > last_usable)
			return false;
	}
	return true;
}

/* Fills *p; false with a sentence in *why when the good copy can't be written anew on this disk. */
static bool make_plan(const struct cf_block *disk, const struct copy *good, struct plan *p, const char **why)
{
	p->last = disk->size / disk->sector_size - 1;
	p->array_sectors = (good->array.n + disk->sector_size - 1) / disk->sector_size;
	p->primary_array = good->lba == 1 ? cf_le64_get(good->h.array_lba) : 2;
	*why = "there is no room for both copies of the GPT on this disk";
	if (!good->array.n || p->last < 2 * p->array_sectors + 4 ||
	    p->primary_array + p->array_sectors > cf_le64_get(good->h.first_usable))
		return false;
	p->last_usable = p->last - p->array_sectors - 1;
	*why = "a partition reaches behind the end of the disk, which was cut: enlarge the disk first";
	return partitions_fit(good, p->last_usable);
}

int cf_gpt_read(struct cf_block *disk, uint64_t hint_lba, struct cf_part_table *t, enum cf_gpt_found *found,
		struct cf_error *err)
{
	struct copy primary CF_CLEANUP(release_copy) = { 0 };
	struct copy backup CF_CLEANUP(release_copy) = { 0 };
	struct plan plan;
	const char *why;
	*found = CF_GPT_ABSENT;
	if (disk->size / disk->sector_size < 3)
		return 0;
	read_copy(disk, 1, &primary);
	if (primary.valid) {
		*found = CF_GPT_PRIMARY;
		check_backup(disk, &primary, t);
		t->gpt_repairable = t->n_defects > 0 && make_plan(disk, &primary, &plan, &why);
		fill(disk, &primary, t);
		return 0;
	}
	bad_copy(disk, &primary, t);
	bool seen = primary.signature || primary.io_error;
	if (find_backup(disk, &primary, hint_lba, &backup, t, &seen)) {
		*found = CF_GPT_BACKUP;
		t->used_backup = true;
		t->gpt_repairable = make_plan(disk, &backup, &plan, &why);
		fill(disk, &backup, t);
		return 0;
	}
	if (primary.io_error && backup.io_error)
		return cf_fail_at(err, CF_E_IO, disk->sector_size, "neither the primary nor the backup GPT can be read");
	if (seen)
		*found = CF_GPT_BAD;
	return 0;
}

/* A header for one place, from the good one; sector is zeroed first. */
static void make_header(uint8_t *sector, const struct cf_block *disk, const struct gpt_header_disk *good, uint64_t my, uint64_t other,
			uint64_t array, uint64_t last_usable)
{
	struct gpt_header_disk h = *good;
	cf_le32_set(&h.header_size, sizeof h);
	cf_le32_set(&h.header_crc, 0);
	cf_le64_set(&h.my_lba, my);
	cf_le64_set(&h.other_lba, other);
	cf_le64_set(&h.array_lba, array);
	cf_le64_set(&h.last_usable, last_usable);
	cf_le32_set(&h.header_crc, cf_crc32(0, &h, sizeof h));
	memset(sector, 0, disk->sector_size);
	memcpy(sector, &h, sizeof h);
}

static int write_copy(struct cf_block *disk, const struct copy *good, uint64_t my, uint64_t other, uint64_t array,
		      uint64_t last_usable, struct cf_error *err)
{
	uint8_t sector[4096];
	make_header(sector, disk, &good->h, my, other, array, last_usable);
	if (cf_block_write(disk, array * disk->sector_size, good->array.p, good->array.n, err) < 0)
		return -1;
	return cf_block_write(disk, my * disk->sector_size, sector, disk->sector_size, err);
}

/* The protective entry covers the whole disk. 0xffffffff says so for any size (Windows writes that), and a hybrid MBR is left
 * alone. Nothing else of sector 0 changes. */
static int write_protective_size(struct cf_block *disk, const uint8_t *mbr, uint64_t last, struct cf_error *err)
{
	struct cf_mbr_look look;
	uint8_t count[4];
	cf_mbr_look(mbr, disk, &look);
	if (!look.marked || !look.protective || look.other)
		return 0;
	cf_st32(count, (uint32_t)cf_min_u64(last, UINT32_MAX));
	for (size_t at = CF_MBR_ENTRIES; at < CF_MBR_ENTRIES + 64; at += 16)
		if (mbr[at + 4] == CF_MBR_TYPE_PROTECTIVE && cf_ld32(mbr + at + 8) == 1 &&
		    cf_ld32(mbr + at + 12) != UINT32_MAX && memcmp(mbr + at + 12, count, 4) != 0)
			return cf_block_write(disk, at + 12, count, sizeof count, err);
	return 0;
}

int cf_part_repair_gpt(struct cf_block *disk, struct cf_error *err)
{
	struct copy primary CF_CLEANUP(release_copy) = { 0 };
	struct copy backup CF_CLEANUP(release_copy) = { 0 };
	CF_FREE struct cf_part_table *scratch = calloc(1, sizeof *scratch);
	uint8_t mbr[CF_MBR_SIZE];
	struct cf_mbr_look look;
	struct plan p;
	const char *why;
	bool seen = false;
	if (!scratch)
		return cf_fail_nomem(err);
	if (disk->sector_size < CF_MBR_SIZE || disk->sector_size > 4096 || disk->size / disk->sector_size < 3)
		return cf_fail(err, CF_E_REFUSED, "the disk is too small for a GPT");
	if (cf_block_read(disk, 0, mbr, sizeof mbr, err) < 0)
		return -1;
	cf_mbr_look(mbr, disk, &look);
	read_copy(disk, 1, &primary);
	if (!primary.valid &&
	    !find_backup(disk, &primary, look.protective ? look.protective_last : 0, &backup, scratch, &seen))
		return cf_fail(err, CF_E_REFUSED, "no intact copy of the GPT says what to write");
	const struct copy *good = primary.valid ? &primary : &backup;
	if (!make_plan(disk, good, &p, &why))
		return cf_fail(err, CF_E_REFUSED, "%s", why);
	if (write_copy(disk, good, p.last, 1, p.last - p.array_sectors, p.last_usable, err) < 0 ||
	    write_copy(disk, good, 1, p.last, p.primary_array, p.last_usable, err) < 0)
		return -1;
	return write_protective_size(disk, mbr, p.last, err);
}

/* ---- changing partitions ---- */

/* The entry of partition `number`, which must be in use. */
static uint8_t *entry_of(struct copy *c, unsigned number, struct gpt_entry_disk *e)
{
	uint8_t *at = NULL;
	if (number >= 1 && number <= cf_le32_get(c->h.entries)) {
		at = c->array.p + (size_t)(number - 1) * cf_le32_get(c->h.entry_size);
		memcpy(e, at, sizeof *e);
	}
	return at && !cf_guid_is_zero(&e->type) ? at : NULL;
}

static int edit_entry(struct copy *c, const struct cf_part_edit *edit, uint32_t ss, struct cf_error *err)
{
	struct gpt_entry_disk e;
	uint8_t *at = entry_of(c, edit->number, &e);
	if (!at)
		return cf_fail(err, CF_E_REFUSED, "there is no partition %u", edit->number);
	if (edit->remove) {
		memset(at, 0, cf_le32_get(c->h.entry_size));
		return 0;
	}
	if (!edit->size || edit->start % ss || edit->size % ss)
		return cf_fail(err, CF_E_INTERNAL, "partition %u would not lie on whole sectors", edit->number);
	cf_le64_set(&e.first, edit->start / ss);
	cf_le64_set(&e.last, (edit->start + edit->size) / ss - 1);
	memcpy(at, &e, sizeof e);
	return 0;
}

/* Every entry lies in the usable part, and no two share a sector. */
static int check_entries(const struct copy *c, uint64_t last_usable, struct cf_error *err)
{
	uint64_t range[CF_PART_MAX][2];
	size_t used = 0, step = cf_le32_get(c->h.entry_size);
	for (size_t i = 0; i < cf_le32_get(c->h.entries); i++) {
		struct gpt_entry_disk e;
		memcpy(&e, c->array.p + i * step, sizeof e);
		if (cf_guid_is_zero(&e.type))
			continue;
		uint64_t first = cf_le64_get(e.first), last = cf_le64_get(e.last);
		if (used == CF_PART_MAX)
			return cf_fail(err, CF_E_REFUSED, "the table has more than %d partitions", CF_PART_MAX);
		if (first > last || first < cf_le64_get(c->h.first_usable) || last > last_usable)
			return cf_fail(err, CF_E_REFUSED, "partition %zu would lie outside the usable part of the disk", i + 1);
		for (size_t k = 0; k < used; k++)
			if (first <= range[k][1] && range[k][0] <= last)
				return cf_fail(err, CF_E_REFUSED, "partition %zu would overlap another one", i + 1);
		range[used][0] = first;
		range[used++][1] = last;
	}
	return 0;
}

int cf_gpt_edit(struct cf_block *disk, const struct cf_part_edit *edit, size_t n, struct cf_error *err)
{
	struct copy primary CF_CLEANUP(release_copy) = { 0 };
	struct copy backup CF_CLEANUP(release_copy) = { 0 };
	uint8_t mbr[CF_MBR_SIZE], zero[4096] = { 0 };
	struct plan p;
	const char *why;
	if (cf_block_read(disk, 0, mbr, sizeof mbr, err) < 0)
		return -1;
	read_copy(disk, 1, &primary);
	uint64_t there = primary.valid ? cf_le64_get(primary.h.other_lba) : 0;
	if (primary.valid)
		read_copy(disk, there, &backup);
	if (!primary.valid || !backup.valid || !copies_agree(&primary.h, &backup.h))
		return cf_fail(err, CF_E_REFUSED, "the GPT is damaged: repair it first (coldfix repair --only gpt-damaged)");
	for (size_t i = 0; i < n; i++)
		if (edit_entry(&primary, &edit[i], disk->sector_size, err) < 0)
			return -1;
	if (!make_plan(disk, &primary, &p, &why))
		return cf_fail(err, CF_E_REFUSED, "%s", why);
	if (check_entries(&primary, p.last_usable, err) < 0)
		return -1;
	cf_le32_set(&primary.h.array_crc, cf_crc32(0, primary.array.p, primary.array.n));
	/* The old backup first: its sector may now belong to what is written after it. */
	if (there != p.last && cf_block_write(disk, there * disk->sector_size, zero, disk->sector_size, err) < 0)
		return -1;
	if (write_copy(disk, &primary, p.last, 1, p.last - p.array_sectors, p.last_usable, err) < 0 ||
	    write_copy(disk, &primary, 1, p.last, p.primary_array, p.last_usable, err) < 0)
		return -1;
	return write_protective_size(disk, mbr, p.last, err);
}
