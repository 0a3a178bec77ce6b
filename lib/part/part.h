/* part.h - partition tables: GPT (primary and backup) and MBR with logical partitions.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading never changes a table. A damaged copy of a GPT is survived and reported in defects; cf_part_repair_gpt() and cf_part_edit() are the only writers.
 */
#ifndef CF_PART_PART_H
#define CF_PART_PART_H

#include "base/guid.h"
#include "block/block.h"

#define CF_PART_MAX 256 /* more than Windows can use (128); a hostile table ends there */

enum cf_scheme { CF_SCHEME_NONE, CF_SCHEME_MBR, CF_SCHEME_GPT };

struct cf_partition {
	unsigned number;      /* GPT: index from 1; MBR: 1-4 primary, 5.. logical */
	uint64_t start, size; /* bytes */
	struct cf_guid type_guid, guid; /* GPT */
	uint8_t mbr_type;               /* MBR */
	bool active;                    /* MBR 0x80 */
	uint64_t record;                /* MBR, logical: where its extended boot record lies, bytes; else 0 */
	uint64_t attributes;            /* GPT */
	char name[36 * 8 + 1];          /* GPT name, UTF-8 with escapes; "" on MBR */
};

/* One thing that is wrong with the table. */
struct cf_part_defect {
	char what[160]; /* "backup GPT header at LBA 67108863: bad checksum" */
	uint64_t offset;
};

struct cf_part_table {
	enum cf_scheme scheme;
	struct cf_guid disk_guid; /* GPT */
	uint32_t signature;       /* MBR (of the protective MBR on GPT disks) */
	size_t n;
	struct cf_partition part[CF_PART_MAX];
	size_t n_defects;
	struct cf_part_defect defect[16];
	bool used_backup;         /* the primary GPT is bad; this is the backup */
	bool gpt_repairable;      /* defects that cf_part_repair_gpt() puts right: a bad or misplaced copy */
	bool both_copies;         /* GPT: primary and backup are right and agree, wherever the backup lies */
	uint64_t first_usable, last_usable; /* GPT: bytes of the disk that partitions may take: [first, last) by the table */
	uint64_t needs;           /* bytes that the disk must have for this table: GPT up to the backup's end, MBR up to the last partition's */
};

/* Reads the table. scheme NONE (no table: a bare volume or an empty disk) is success with n = 0. CF_E_CORRUPT when a
 * table is there but no copy can be used; CF_E_IO. Partitions that overlap or lie outside are dropped and listed as defects. */
int cf_part_read(struct cf_block *disk, struct cf_part_table *table, struct cf_error *err) CF_MUST_CHECK;

/* Writes the bad or misplaced copy of a GPT anew from the good one (the primary if it is valid, else a backup): backup at the
 * last LBA, sizes as the disk has them, entries and GUIDs unchanged. To be called on an overlay. CF_E_REFUSED when no copy is valid or a
 * partition would not fit. */
int cf_part_repair_gpt(struct cf_block *disk, struct cf_error *err) CF_MUST_CHECK;

/* A partition that is to lie elsewhere, to end elsewhere, or to go. */
struct cf_part_edit {
	unsigned number;
	uint64_t start, size; /* bytes, multiples of the sector size */
	bool remove;
};

/* Changes partitions of the table and nothing else of it: GUIDs, types, names, attributes and boot code stay. GPT: both copies are
 * written, the backup at the last LBA of this disk, and the header of one that lay elsewhere is wiped. MBR: primary partitions only.
 * To be called on an overlay. CF_E_REFUSED when the table is not whole, a partition is not there, two would overlap, or one would not fit. */
int cf_part_edit(struct cf_block *disk, const struct cf_part_edit *edit, size_t n, struct cf_error *err) CF_MUST_CHECK;

/* Byte behind the last one that a partition may take on a disk of `size` bytes with this table, and with what its scheme can say.
 * 0: the disk is too small. */
uint64_t cf_part_room_end(const struct cf_part_table *t, uint64_t size, uint32_t sector_size);

/* A word for a partition's type: "esp", "msr", "basic-data", "recovery", "ldm-metadata", "ldm-data", "storage-spaces",
 * "linux", "ntfs" (MBR 07), "fat", "winre" (MBR 27), "extended", "other". */
const char *cf_part_type_word(const struct cf_part_table *t, const struct cf_partition *p);

/* Type as text of the contract's "type": GPT type GUID, or "0x07". out has CF_GUID_TEXT bytes. */
char *cf_part_type_text(const struct cf_part_table *t, const struct cf_partition *p, char *out);

#endif
