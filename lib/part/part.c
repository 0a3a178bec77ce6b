/* part.c - which partition table a disk has.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is ever written here. The order of evidence: sector 0 says whether there is a table at all (a file system's
 * boot record carries the same 55 AA mark as an MBR and must not be taken for one); a protective entry, or an intact
 * primary header, makes it a GPT disk; everything else is MBR. The table that is returned has been checked: every
 * partition lies on the disk and none overlaps another.
 */
#include "part/part.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/endian.h"
#include "part/part-internal.h"

void cf_part_defect(struct cf_part_table *t, uint64_t offset, const char *fmt, ...)
{
	if (t->n_defects == CF_ARRAY_LEN(t->defect)) {
		snprintf(t->defect[t->n_defects - 1].what, sizeof t->defect[0].what, "more defects than can be listed");
		return;
	}
	struct cf_part_defect *d = &t->defect[t->n_defects++];
	d->offset = offset;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(d->what, sizeof d->what, fmt, ap);
	va_end(ap);
}

bool cf_part_add(struct cf_part_table *t, const struct cf_block *disk, const struct cf_partition *p)
{
	if (!cf_range_ok(p->start, p->size, disk->size)) {
		cf_part_defect(t, p->start, "partition %u lies outside the disk (ends at byte %llu of %llu)", p->number,
			       (unsigned long long)(p->start + p->size), (unsigned long long)disk->size);
		return true;
	}
	if (t->n == CF_PART_MAX) {
		cf_part_defect(t, p->start, "more than %d partitions", CF_PART_MAX);
		return false;
	}
	t->part[t->n++] = *p;
	return true;
}

static bool is_container(const struct cf_part_table *t, const struct cf_partition *p)
{
	return t->scheme == CF_SCHEME_MBR && (p->mbr_type == 0x05 || p->mbr_type == 0x0f || p->mbr_type == 0x85);
}

/* Two partitions may share bytes only if one is the extended partition and the other a logical one inside it. */
static bool overlap(const struct cf_part_table *t, const struct cf_partition *a, const struct cf_partition *b)
{
	if ((is_container(t, a) && b->number > 4) || (is_container(t, b) && a->number > 4))
		return false;
	return a->start < b->start + b->size && b->start < a->start + a->size;
}

/* Which of two overlapping partitions is the wrong one can't be known, so neither is used. */
static void drop_overlapping(struct cf_part_table *t)
{
	bool bad[CF_PART_MAX] = { false };
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = i + 1; j < t->n; j++)
			if (overlap(t, &t->part[i], &t->part[j])) {
				cf_part_defect(t, t->part[j].start, "partitions %u and %u overlap", t->part[i].number,
					       t->part[j].number);
				bad[i] = bad[j] = true;
			}
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (!bad[i])
			t->part[n++] = t->part[i];
	t->n = n;
}

static bool power_of_two(unsigned v)
{
	return v && !(v & (v - 1));
}

/* A file system's boot record in sector 0: jump instruction and either a signature or a FAT parameter block that
 * makes sense. Only tells it apart from an MBR; lib/volume decides what it is. */
static bool is_boot_record(const uint8_t *s)
{
	if (memcmp(s + 3, "ReFS\0\0\0", 8) == 0)
		return true;
	if (s[0] != 0xeb && s[0] != 0xe9)
		return false;
	if (memcmp(s + 3, "NTFS    ", 8) == 0 || memcmp(s + 3, "EXFAT   ", 8) == 0 || memcmp(s + 3, "-FVE-FS-", 8) == 0)
		return true;
	unsigned bytes = cf_ld16(s + 11);
	return power_of_two(bytes) && bytes >= 512 && bytes <= 4096 && power_of_two(s[13]) && cf_ld16(s + 14) != 0 &&
	       (s[16] == 1 || s[16] == 2) && (s[21] == 0xf0 || s[21] >= 0xf8);
}

/* The header of a disk with the other sector size lies at byte 512 or 4096. */
static bool other_sector_size(struct cf_block *disk, unsigned *size)
{
	uint8_t sig[8];
	*size = disk->sector_size == 512 ? 4096 : 512;
	return cf_range_ok(*size, sizeof sig, disk->size) && cf_block_read(disk, *size, sig, sizeof sig, NULL) == 0 &&
	       memcmp(sig, "EFI PART", 8) == 0;
}

static int no_usable_gpt(struct cf_block *disk, const struct cf_part_table *t, struct cf_error *err)
{
	unsigned size;
	if (other_sector_size(disk, &size))
		return cf_fail_at(err, CF_E_CORRUPT, size,
				  "no usable partition table with %u-byte sectors, but a GPT header at byte %u: the disk seems to have "
				  "%u-byte sectors (--sector-size=%u)",
				  (unsigned)disk->sector_size, size, size, size);
	if (t->n_defects > 1)
		return cf_fail_at(err, CF_E_CORRUPT, disk->sector_size,
				  "neither the primary nor the backup GPT can be used: %s; %s", t->defect[0].what,
				  t->defect[1].what);
	return cf_fail_at(err, CF_E_CORRUPT, disk->sector_size,
			  "neither the primary nor the backup GPT can be used: %s",
			  t->n_defects ? t->defect[0].what : "no header in its place");
}

static int read_table(struct cf_block *disk, const uint8_t *sector, struct cf_part_table *t, struct cf_error *err)
{
	struct cf_mbr_look look;
	cf_mbr_look(sector, disk, &look);
	bool record = is_boot_record(sector);
	bool mbr = look.marked && look.status_ok && (!record || look.plausible);

	/* A plain MBR: an old GPT that somebody left behind does not count, neither for Windows nor for firmware. */
	if (mbr && look.any && !look.protective)
		return cf_mbr_read(disk, sector, t, err);

	enum cf_gpt_found found;
	if (cf_gpt_read(disk, look.protective ? look.protective_last : 0, t, &found, err) < 0)
		return -1;
	if (mbr && look.protective) {
		if (found >= CF_GPT_BACKUP)
			return 0;
		if (found == CF_GPT_ABSENT && look.other) {
			*t = (struct cf_part_table){ 0 };
			cf_part_defect(t, 0, "the MBR has a protective entry, but there is no GPT");
			return cf_mbr_read(disk, sector, t, err);
		}
		return no_usable_gpt(disk, t, err);
	}
	/* No protective entry. An intact primary header is proof enough; a lone backup only if sector 0 holds nothing. */
	if (found == CF_GPT_PRIMARY || (found == CF_GPT_BACKUP && !record && !look.any)) {
		cf_part_defect(t, 0, "the protective MBR is missing");
		return 0;
	}
	*t = (struct cf_part_table){ 0 };
	return mbr ? cf_mbr_read(disk, sector, t, err) : 0;
}

int cf_part_read(struct cf_block *disk, struct cf_part_table *table, struct cf_error *err)
{
	uint8_t sector[CF_MBR_SIZE];
	*table = (struct cf_part_table){ 0 };
	if (disk->sector_size < CF_MBR_SIZE || disk->size < 2 * (uint64_t)disk->sector_size)
		return 0;
	if (cf_block_read(disk, 0, sector, sizeof sector, err) < 0)
		return cf_fail_prefix(err, "the partition table can't be read");
	if (read_table(disk, sector, table, err) < 0)
		return -1;
	drop_overlapping(table);
	if (table->scheme != CF_SCHEME_NONE)
		table->signature = cf_ld32(sector + 0x1b8);
	return 0;
}
