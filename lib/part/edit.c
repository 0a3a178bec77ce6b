/* edit.c - changing where partitions lie; the MBR's half, and what both schemes can say.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Only the places and sizes that were asked for change: disk signature, boot code, types, GUIDs and names are what boot stores and
 * drive letters hang on.
 */
#include "base/endian.h"
#include "part/part-internal.h"

#define MBR_LIMIT (UINT64_C(1) << 32) /* sectors: an entry's start and length have 32 bits */
#define MBR_TAIL CF_MIB               /* Windows leaves this much at the end of an MBR disk, for a dynamic disk's database */
#define CHS_HEADS 255u                /* the geometry that every BIOS of the last decades pretends */
#define CHS_SECTORS 63u

uint64_t cf_part_room_end(const struct cf_part_table *t, uint64_t size, uint32_t sector_size)
{
	uint64_t lbas = size / sector_size;
	if (t->scheme == CF_SCHEME_GPT) {
		/* What lies behind the usable part now: the backup array and its header. */
		uint64_t tail = t->needs > t->last_usable ? (t->needs - t->last_usable) / sector_size : 0;
		uint64_t least = (128 * 128 + sector_size - 1) / sector_size + 1;
		tail = cf_max_u64(tail > 4096 ? 0 : tail, least);
		return lbas > tail ? (lbas - tail) * sector_size : 0;
	}
	lbas = cf_min_u64(lbas, MBR_LIMIT);
	return lbas * sector_size > MBR_TAIL ? lbas * sector_size - MBR_TAIL : 0;
}

/* Cylinder, head and sector of lba; what they can't say is 1023, 254, 63. */
static void set_chs(uint8_t *chs, uint64_t lba)
{
	uint64_t cylinder = lba / (CHS_HEADS * CHS_SECTORS);
	bool beyond = cylinder > 1023;
	uint8_t head = beyond ? CHS_HEADS - 1 : (uint8_t)(lba / CHS_SECTORS % CHS_HEADS);
	uint8_t sector = beyond ? CHS_SECTORS : (uint8_t)(lba % CHS_SECTORS + 1);
	cylinder = beyond ? 1023 : cylinder;
	chs[0] = head;
	chs[1] = (uint8_t)(sector | (cylinder >> 2 & 0xc0u));
	chs[2] = (uint8_t)cylinder;
}

static int edit_entry(uint8_t *mbr, const struct cf_part_edit *edit, const struct cf_block *disk, struct cf_error *err)
{
	uint32_t ss = disk->sector_size;
	if (edit->number < 1 || edit->number > 4)
		return cf_fail(err, CF_E_REFUSED, "partition %u is a logical one, which can't be moved or resized", edit->number);
	uint8_t *e = mbr + CF_MBR_ENTRIES + (edit->number - 1) * 16u;
	if (!e[4])
		return cf_fail(err, CF_E_REFUSED, "there is no partition %u", edit->number);
	if (edit->remove) {
		memset(e, 0, 16);
		return 0;
	}
	if (!edit->size || edit->start % ss || edit->size % ss || !cf_range_ok(edit->start, edit->size, disk->size))
		return cf_fail(err, CF_E_INTERNAL, "partition %u would not lie on whole sectors of the disk", edit->number);
	uint64_t first = edit->start / ss, count = edit->size / ss;
	if (first + count > MBR_LIMIT)
		return cf_fail(err, CF_E_REFUSED, "partition %u would reach beyond 2 TiB, which an MBR can't say", edit->number);
	if (first != cf_ld32(e + 8))
		set_chs(e + 1, first);
	set_chs(e + 5, first + count - 1);
	cf_st32(e + 8, (uint32_t)first);
	cf_st32(e + 12, (uint32_t)count);
	return 0;
}

int cf_mbr_edit(struct cf_block *disk, const struct cf_part_edit *edit, size_t n, struct cf_error *err)
{
	uint8_t mbr[CF_MBR_SIZE];
	if (cf_block_read(disk, 0, mbr, sizeof mbr, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (edit_entry(mbr, &edit[i], disk, err) < 0)
			return -1;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = i + 1; k < 4; k++) {
			const uint8_t *a = mbr + CF_MBR_ENTRIES + i * 16u, *b = mbr + CF_MBR_ENTRIES + k * 16u;
			uint64_t as = cf_ld32(a + 8), bs = cf_ld32(b + 8);
			if (a[4] && b[4] && as < bs + cf_ld32(b + 12) && bs < as + cf_ld32(a + 12))
				return cf_fail(err, CF_E_REFUSED, "partitions %u and %u would overlap", i + 1, k + 1);
		}
	return cf_block_write(disk, 0, mbr, sizeof mbr, err);
}

int cf_part_edit(struct cf_block *disk, const struct cf_part_edit *edit, size_t n, struct cf_error *err)
{
	CF_FREE struct cf_part_table *t = malloc(sizeof *t);
	if (!t)
		return cf_fail_nomem(err);
	if (cf_part_read(disk, t, err) < 0)
		return -1;
	if (t->scheme == CF_SCHEME_GPT)
		return cf_gpt_edit(disk, edit, n, err);
	if (t->scheme == CF_SCHEME_MBR)
		return cf_mbr_edit(disk, edit, n, err);
	return cf_fail(err, CF_E_REFUSED, "the disk has no partition table");
}
