/* mbr.c - the MBR and its chain of logical partitions.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sector 0 and every extended boot record (EBR) hold four 16-byte entries at 0x1BE and 55 AA at 0x1FE. In an EBR the
 * first entry is a logical partition, its start counted from that EBR; the link entry is the next EBR, its start
 * counted from the first sector of the extended partition. Positions come from the disk, so the chain has a budget and
 * must never meet a record twice.
 */
#include "base/endian.h"
#include "part/part-internal.h"

struct mbr_entry_disk {
	uint8_t status;       /* 0x00: 0x80 active, else 0 */
	uint8_t chs_first[3]; /* 0x01 */
	uint8_t type;         /* 0x04: 0 unused */
	uint8_t chs_last[3];  /* 0x05 */
	cf_le32 start;        /* 0x08: sectors */
	cf_le32 count;        /* 0x0c: sectors */
};
_Static_assert(sizeof(struct mbr_entry_disk) == 16, "MBR entry");

#define EBR_MAX 256 /* logical partitions; Windows has drive letters for fewer */

static struct mbr_entry_disk entry(const uint8_t *sector, unsigned i)
{
	struct mbr_entry_disk e;
	memcpy(&e, sector + CF_MBR_ENTRIES + i * sizeof e, sizeof e);
	return e;
}

static bool marked(const uint8_t *sector)
{
	return sector[510] == 0x55 && sector[511] == 0xaa;
}

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

void cf_mbr_look(const uint8_t sector[CF_MBR_SIZE], const struct cf_block *disk, struct cf_mbr_look *look)
{
	*look = (struct cf_mbr_look){ .marked = marked(sector), .status_ok = true, .plausible = true };
	for (unsigned i = 0; i < 4; i++) {
		struct mbr_entry_disk e = entry(sector, i);
		if (e.status & 0x7f)
			look->status_ok = false;
		if (!e.type)
			continue;
		uint64_t start = cf_le32_get(e.start), count = cf_le32_get(e.count);
		look->any = true;
		if (!start || !count || start >= disk->size / disk->sector_size)
			look->plausible = false;
		if (e.type == CF_MBR_TYPE_PROTECTIVE) {
			look->protective = true;
			look->protective_last = (uint32_t)cf_min_u64(start + count - (count != 0), UINT32_MAX);
		} else {
			look->other = true;
		}
	}
	look->plausible = look->plausible && look->status_ok && look->any;
}

static struct cf_partition partition(const struct mbr_entry_disk *e, unsigned number, uint64_t base_lba,
				     uint32_t sector_size)
{
	return (struct cf_partition){
		.number = number,
		.start = (base_lba + cf_le32_get(e->start)) * sector_size, /* 33 bits of LBA: fits */
		.size = (uint64_t)cf_le32_get(e->count) * sector_size,
		.mbr_type = e->type,
		.active = e->status & 0x80,
	};
}

/* The logical partitions of the extended partition [first, first + count) in sectors. */
static int read_logical(struct cf_block *disk, uint64_t first, uint64_t count, struct cf_part_table *t,
			struct cf_error *err)
{
	uint64_t seen[EBR_MAX];
	uint64_t lba = first;
	unsigned number = 5;
	for (unsigned n = 0;; n++) {
		uint8_t s[CF_MBR_SIZE];
		uint64_t off = lba * disk->sector_size;
		if (n == EBR_MAX) {
			cf_part_defect(t, off, "more than %d logical partitions", EBR_MAX);
			return 0;
		}
		for (unsigned i = 0; i < n; i++)
			if (seen[i] == lba) {
				cf_part_defect(t, off, "the chain of logical partitions runs in a circle");
				return 0;
			}
		seen[n] = lba;
		if (lba - first >= count || !cf_range_ok(off, sizeof s, disk->size)) {
			cf_part_defect(t, off, "an extended boot record lies outside the extended partition");
			return 0;
		}
		if (cf_block_read(disk, off, s, sizeof s, err) < 0)
			return cf_fail_prefix(err, "an extended boot record can't be read");
		if (!marked(s)) {
			cf_part_defect(t, off, "the extended boot record at LBA %llu has no 55 AA mark", (unsigned long long)lba);
			return 0;
		}
		uint64_t next = 0;
		for (unsigned i = 0; i < 4; i++) {
			struct mbr_entry_disk e = entry(s, i);
			if (!e.type || !cf_le32_get(e.count))
				continue;
			if (is_extended(e.type)) {
				if (!next)
					next = first + cf_le32_get(e.start);
				continue;
			}
			struct cf_partition p = partition(&e, number++, lba, disk->sector_size);
			p.record = off;
			if (!cf_le32_get(e.start))
				cf_part_defect(t, p.start, "logical partition %u begins at its own boot record", p.number);
			else if (p.start / disk->sector_size - first >= count || p.size / disk->sector_size >
			    count - (p.start / disk->sector_size - first))
				cf_part_defect(t, p.start, "logical partition %u lies outside the extended partition",
					       p.number);
			else if (!cf_part_add(t, disk, &p))
				return 0;
		}
		if (!next)
			return 0;
		lba = next;
	}
}

int cf_mbr_read(struct cf_block *disk, const uint8_t sector[CF_MBR_SIZE], struct cf_part_table *t,
		struct cf_error *err)
{
	struct mbr_entry_disk extended = { 0 };
	t->scheme = CF_SCHEME_MBR;
	for (unsigned i = 0; i < 4; i++) {
		struct mbr_entry_disk e = entry(sector, i);
		if (!e.type || e.type == CF_MBR_TYPE_PROTECTIVE || !cf_le32_get(e.count))
			continue;
		struct cf_partition p = partition(&e, i + 1, 0, disk->sector_size);
		if (!p.start) {
			cf_part_defect(t, CF_MBR_ENTRIES + i * sizeof e, "partition %u begins at the partition table itself", i + 1);
			continue;
		}
		if (is_extended(e.type)) {
			if (extended.type) {
				cf_part_defect(t, p.start, "a second extended partition");
				continue;
			}
			extended = e;
		}
		cf_part_add(t, disk, &p);
	}
	for (size_t i = 0; i < t->n; i++)
		t->needs = cf_max_u64(t->needs, t->part[i].start + t->part[i].size);
	if (!extended.type)
		return 0;
	return read_logical(disk, cf_le32_get(extended.start), cf_le32_get(extended.count), t, err);
}
