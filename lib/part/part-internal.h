/* part-internal.h - what the three readers of lib/part share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_PART_PART_INTERNAL_H
#define CF_PART_PART_INTERNAL_H

#include "base/span.h"
#include "part/part.h"

#define CF_MBR_SIZE 512
#define CF_MBR_TYPE_PROTECTIVE 0xee
#define CF_MBR_ENTRIES 0x1be

/* Notes one defect; the last slot says that there are more. */
void cf_part_defect(struct cf_part_table *t, uint64_t offset, const char *fmt, ...) CF_PRINTF(3, 4);

/* Adds a partition if it lies inside the disk, else notes a defect. False when the table is full. */
bool cf_part_add(struct cf_part_table *t, const struct cf_block *disk, const struct cf_partition *p);

/* The four entries of sector 0 as far as a decision needs them. */
struct cf_mbr_look {
	bool marked;      /* 55 AA */
	bool status_ok;   /* every status byte is 00 or 80 */
	bool any;         /* an entry is in use */
	bool plausible;   /* status_ok, any, and every entry in use begins on the disk behind sector 0 and is not empty */
	bool protective;  /* an entry has type EE */
	bool other;       /* an entry in use has another type than EE */
	uint32_t protective_last; /* last LBA that the EE entry covers, saturated */
};
void cf_mbr_look(const uint8_t sector[CF_MBR_SIZE], const struct cf_block *disk, struct cf_mbr_look *look);

/* Reads primary and logical partitions; entries of type EE are left out. */
int cf_mbr_read(struct cf_block *disk, const uint8_t sector[CF_MBR_SIZE], struct cf_part_table *t,
		struct cf_error *err) CF_MUST_CHECK;

enum cf_gpt_found {
	CF_GPT_ABSENT, /* no "EFI PART" in any place where it could be */
	CF_GPT_BAD,    /* signature seen, but no copy is right */
	CF_GPT_BACKUP, /* the table was filled from a backup */
	CF_GPT_PRIMARY
};

/* Reads the GPT into t. hint_lba: last LBA according to the protective MBR, 0 for none. With BAD and ABSENT the table
 * holds only defects. */
int cf_gpt_read(struct cf_block *disk, uint64_t hint_lba, struct cf_part_table *t, enum cf_gpt_found *found,
		struct cf_error *err) CF_MUST_CHECK;

/* cf_part_edit of a GPT and of an MBR. */
int cf_gpt_edit(struct cf_block *disk, const struct cf_part_edit *edit, size_t n, struct cf_error *err) CF_MUST_CHECK;
int cf_mbr_edit(struct cf_block *disk, const struct cf_part_edit *edit, size_t n, struct cf_error *err) CF_MUST_CHECK;

#endif
