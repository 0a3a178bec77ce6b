/* undo-format.h - the undo file and the marker as they lie on a disk; docs/undo-format.md is the specification.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one definition that writer, reader, fuzz target and tests share. All integers are little-endian. Everything that
 * is written once lies in a block of its own, so that no later write can tear what an earlier sync made safe. Every CRC
 * is seeded with the file's nonce, so that a record left over from another file never passes.
 */
#ifndef CF_TXN_UNDO_FORMAT_H
#define CF_TXN_UNDO_FORMAT_H

#include "base/endian.h"
#include "base/hash.h"

#define CF_UNDO_MAGIC "CFUNDO\r\n"   /* 8 bytes; CR LF shows a transfer that rewrote line ends */
#define CF_MARKER_MAGIC "CFPEND\r\n"
#define CF_MARK_MAGIC "CFMARK\r\n"
#define CF_UNDO_VERSION 1u

#define CF_UNDO_BLOCK 4096u   /* bytes of a covered block, and the alignment of every part of the file */
#define CF_UNDO_SECTOR 512u   /* bytes that a dying machine writes whole or not at all */
#define CF_UNDO_SECTORS (CF_UNDO_BLOCK / CF_UNDO_SECTOR)
#define CF_UNDO_TAG 8u        /* bytes of a sector's SHA-256 that are kept */
#define CF_UNDO_NONCE 16u
#define CF_UNDO_ID 80u
#define CF_UNDO_PATH 512u
#define CF_UNDO_PRINTS_MAX 65536u              /* fingerprints in one file: a budget for hostile files */
#define CF_UNDO_BLOCKS_MAX (UINT64_C(1) << 32) /* covered blocks in one file: 16 TiB of before-images */
#define CF_UNDO_PRINT_LENGTH_MAX 65536u        /* bytes of one fingerprinted range */

/* Where the parts of an undo file begin; fingerprints, records and images follow, each padded to CF_UNDO_BLOCK. */
#define CF_UNDO_MARKS_AT CF_UNDO_BLOCK
#define CF_UNDO_PRINTS_AT (CF_UNDO_MARKS_AT + CF_UNDO_MARK_COUNT * CF_UNDO_BLOCK)

/* The marks, in the order they are set. Slot k of a file lies at CF_UNDO_BLOCK * (1 + k). */
enum cf_undo_mark_kind {
	CF_MARK_ARMED,    /* undo file: every record is on stable storage, the disk may be written now */
	CF_MARK_FINISHED, /* undo file: the disk holds the new content, checked */
	CF_MARK_UNDOING,  /* undo file: the before-images are being put back */
	CF_MARK_UNDONE,   /* undo file: the disk holds the old content again, checked */
	CF_UNDO_MARK_COUNT
};
enum cf_marker_mark_kind {
	CF_MARKER_ACTIVE,   /* marker: from here on the disk may hold part of the change */
	CF_MARKER_ROLLBACK, /* marker: the commit is being taken back even if its finished mark made it to the disk */
	CF_MARKER_DONE,     /* marker: the disk is whole; only files are left to be tidied */
	CF_MARKER_MARK_COUNT
};

/* Feature words: a reader refuses a file with an incompatible bit that it does not know, and ignores compatible ones. */
#define CF_UNDO_INCOMPAT_ROW 1u /* one transaction of a row: others may follow in the same file */
#define CF_UNDO_INCOMPAT_KNOWN CF_UNDO_INCOMPAT_ROW
#define CF_UNDO_COMPAT_GROWTH 1u /* the disk's file was made larger; undo makes it small again */
#define CF_UNDO_FLAG_NO_UNDO 1u /* the file goes once the commit has succeeded */

struct cf_undo_header {
	uint8_t magic[8];           /* 0x000 */
	cf_le32 version;            /* 0x008 */
	cf_le32 header_size;        /* 0x00c: 4096 */
	cf_le32 incompat;           /* 0x010 */
	cf_le32 compat;             /* 0x014 */
	uint8_t nonce[CF_UNDO_NONCE]; /* 0x018: random, names this transaction */
	cf_le64 time;               /* 0x028: seconds since 1970, UTC */
	cf_le64 disk_size;          /* 0x030: bytes, at the time of the commit */
	cf_le32 sector_size;        /* 0x038 */
	cf_le32 block_size;         /* 0x03c: 4096 */
	cf_le64 blocks;             /* 0x040: records, and images */
	cf_le32 prints;             /* 0x048: fingerprints */
	cf_le32 flags;              /* 0x04c: CF_UNDO_FLAG_* */
	cf_le64 prints_at;          /* 0x050: bytes from the start of the file */
	cf_le64 records_at;         /* 0x058 */
	cf_le64 images_at;          /* 0x060 */
	cf_le64 file_size;          /* 0x068 */
	char writer[32];            /* 0x070: program and version, for people */
	char disk_id[CF_UNDO_ID];   /* 0x090: NUL-terminated */
	char disk_path[CF_UNDO_PATH]; /* 0x0e0: NUL-terminated, for people */
	uint8_t row[CF_UNDO_NONCE]; /* 0x2e0: names the row; zero: not of a row, and so are the next two */
	cf_le32 row_number;         /* 0x2f0: from 0 */
	cf_le32 reserved_row;       /* 0x2f4: zero */
	cf_le64 row_at;             /* 0x2f8: bytes from the start of the file to this header */
	cf_le32 growth;             /* 0x300: enum cf_growth_kind; 0: the file was not made larger, and so are the next three */
	cf_le32 reserved_growth;    /* 0x304: zero */
	cf_le64 growth_from, growth_to; /* 0x308, 0x310: bytes that the guest saw before, and sees since */
	uint8_t growth_footer[512]; /* 0x318: VHD: the footer as it was */
	uint8_t reserved[2788];     /* 0x518: zero */
	cf_le32 crc;                /* 0xffc: of the bytes before it */
};
_Static_assert(sizeof(struct cf_undo_header) == CF_UNDO_BLOCK, "undo file header");

#define CF_GROWTH_MAGIC "CFGROW\r\n"

/* IMAGE.coldfix-growing: what the image's file was. */
struct cf_growth_record_disk {
	uint8_t magic[8];        /* 0x000 */
	cf_le32 version;         /* 0x008 */
	cf_le32 kind;            /* 0x00c: enum cf_growth_kind */
	cf_le64 old_size;        /* 0x010: bytes that the guest saw */
	cf_le64 new_size;        /* 0x018 */
	uint8_t footer[512];     /* 0x020: VHD: the footer as it was */
	uint8_t reserved[476];   /* 0x220: zero */
	cf_le32 crc;             /* 0x3fc: of the bytes before it, seeded with a nonce of zeros */
};
_Static_assert(sizeof(struct cf_growth_record_disk) == 1024, "record of a growing image");

/* One state reached. All zero: not reached. Anything else that does not check out: damaged. */
struct cf_undo_mark {
	uint8_t magic[8];             /* 0x00 */
	uint8_t nonce[CF_UNDO_NONCE]; /* 0x08 */
	cf_le32 kind;                 /* 0x18 */
	cf_le32 tables_crc;           /* 0x1c: armed mark: CRC of header, fingerprints and records; else 0 */
	cf_le64 time;                 /* 0x20 */
	uint8_t reserved[20];         /* 0x28: zero */
	cf_le32 crc;                  /* 0x3c */
};
_Static_assert(sizeof(struct cf_undo_mark) == 64, "undo file mark");

/* A range that identifies the disk's state, as it was before and as it is when the commit has finished. */
struct cf_undo_print {
	cf_le64 offset;                /* 0x00: bytes, on the disk */
	cf_le32 length;                /* 0x08: bytes */
	cf_le32 flags;                 /* 0x0c: zero */
	char what[48];                 /* 0x10: NUL-terminated */
	uint8_t before[CF_SHA256_LEN]; /* 0x40 */
	uint8_t after[CF_SHA256_LEN];  /* 0x60 */
	uint8_t reserved[60];          /* 0x80: zero */
	cf_le32 crc;                   /* 0xbc */
};
_Static_assert(sizeof(struct cf_undo_print) == 192, "undo file fingerprint");

/* One covered block; image n belongs to record n. Records ascend by block. */
struct cf_undo_record {
	cf_le64 block;                 /* 0x00: offset on the disk / 4096 */
	cf_le32 length;                /* 0x08: 4096, less for the disk's partial last block */
	cf_le32 flags;                 /* 0x0c: zero */
	uint8_t before[CF_SHA256_LEN]; /* 0x10: of the image's first `length` bytes */
	uint8_t after[CF_SHA256_LEN];  /* 0x30 */
	uint8_t after_tags[CF_UNDO_SECTORS][CF_UNDO_TAG]; /* 0x50: of each sector after, to know a torn write */
	uint8_t reserved[44];          /* 0x90: zero */
	cf_le32 crc;                   /* 0xbc */
};
_Static_assert(sizeof(struct cf_undo_record) == 192, "undo file record");

/* The marker: DISK.coldfix-pending beside an image, "pending" in a state folder. Its marks follow as in an undo file. */
struct cf_marker_header {
	uint8_t magic[8];             /* 0x00 */
	cf_le32 version;              /* 0x08 */
	cf_le32 kind;                 /* 0x0c: enum cf_marker_kind */
	uint8_t nonce[CF_UNDO_NONCE]; /* 0x10: of the undo file */
	cf_le32 path_length;          /* 0x20: bytes, without the NUL */
	uint8_t reserved[4];          /* 0x24: zero */
	cf_le64 at;                   /* 0x28: bytes from the start of the undo file to the transaction's header */
	uint8_t reserved2[16];        /* 0x30: zero */
	char path[4028];              /* 0x40: absolute path of the undo file, NUL-terminated */
	cf_le32 crc;                  /* 0xffc */
};
_Static_assert(sizeof(struct cf_marker_header) == CF_UNDO_BLOCK, "marker header");

enum cf_marker_kind { CF_MARKER_COMMIT = 1, CF_MARKER_UNDO = 2 };

#endif
