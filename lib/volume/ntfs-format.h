/* ntfs-format.h - numbers of the NTFS format that more than one file needs.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * As libntfs-3g's layout.h has them.
 */
#ifndef CF_VOLUME_NTFS_FORMAT_H
#define CF_VOLUME_NTFS_FORMAT_H

#include <stdint.h>

/* MFT record numbers of the system files. */
enum {
	CF_NTFS_REC_MFT = 0,
	CF_NTFS_REC_LOGFILE = 2,
	CF_NTFS_REC_VOLUME = 3,
	CF_NTFS_REC_ROOT = 5,
	CF_NTFS_REC_BITMAP = 6,
	CF_NTFS_REC_BOOT = 7,
	CF_NTFS_REC_BADCLUS = 8,
	CF_NTFS_REC_EXTEND = 11,
	CF_NTFS_REC_FIRST_ORDINARY = 16, /* names below are not listed, as Windows does */
	CF_NTFS_REC_FIRST_FREE = 24      /* Windows hands out none below */
};

/* Attribute types. */
enum {
	CF_NTFS_AT_STD_INFO = 0x10,
	CF_NTFS_AT_LIST = 0x20,
	CF_NTFS_AT_FILE_NAME = 0x30,
	CF_NTFS_AT_VOLUME_NAME = 0x60,
	CF_NTFS_AT_DATA = 0x80,
	CF_NTFS_AT_INDEX_ROOT = 0x90,
	CF_NTFS_AT_INDEX_ALLOCATION = 0xa0,
	CF_NTFS_AT_BITMAP = 0xb0,
	CF_NTFS_AT_REPARSE_POINT = 0xc0
};

/* Flags of an attribute (a stream). */
#define CF_NTFS_AF_COMPRESSED 0x00ffu
#define CF_NTFS_AF_ENCRYPTED 0x4000u
#define CF_NTFS_AF_SPARSE 0x8000u

/* FILE_ATTRIBUTE_* that matter here; the directory bit is ours to add (NTFS keeps it in the record's flags). */
#define CF_NTFS_FA_DIRECTORY 0x10u
#define CF_NTFS_FA_ENCRYPTED 0x4000u
#define CF_NTFS_FA_STORED 0xfffffu /* bits above are NTFS's own (index present) */

#define CF_NTFS_REF_RECORD(ref) ((ref) & UINT64_C(0xffffffffffff))
#define CF_NTFS_REF_SEQUENCE(ref) ((uint16_t)((ref) >> 48))
#define CF_NTFS_NAME_MAX 255 /* UTF-16 units */

#endif
