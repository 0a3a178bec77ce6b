/* dump.h - crash dumps: where their bytes come from, and what their headers say.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A dump is read through a source, so that a file on the host, a file of the guest and a dump that still lies inside a paging file are
 * one thing to everything above. All numbers in a dump are hostile: nothing here trusts an offset, a count or a size that it holds.
 *
 * Source of the format: mindumpdef.h of Microsoft's Windows SDK (DUMP_HEADER32, DUMP_HEADER64, DUMP_FILE_ATTRIBUTES, dump types), volatility3's
 * crash.json, crash64.json and crash_common.json, ReactOS' and 0vercl0k/kdmp-parser's bitmap and RDMP headers, rizin's dmp_specs.h (triage);
 * checked on a real Windows 10 minidump. Each reader names what it took from where.
 */
#ifndef CF_DUMP_DUMP_H
#define CF_DUMP_DUMP_H

#include "windows/machine.h"

#define CF_DUMP_PAGE 4096u
#define CF_DUMP_HEADER32 4096u /* bytes of a 32-bit header */
#define CF_DUMP_HEADER64 8192u

/* ---- sources ---- */

/* Bytes that can be read at an offset. First member of every source's own struct. */
struct cf_dump_source {
	uint64_t size; /* bytes that are there: of the file; of a paging file what its clusters hold */
	/* The range is checked before; len > 0. All of it or -1 with err. */
	int (*read)(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err);
	void (*close)(struct cf_dump_source *s);
};

/* Range-checked; CF_E_CORRUPT with the offset when it lies outside. */
int cf_dump_read(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err) CF_MUST_CHECK;
void cf_dump_close(struct cf_dump_source *s); /* NULL is fine */
void cf_dump_closep(struct cf_dump_source **s);

/* Bytes in memory, borrowed. */
struct cf_dump_source *cf_dump_from_memory(struct cf_span bytes, struct cf_error *err);

/* A regular file of the host; fd is borrowed and read with pread. */
struct cf_dump_source *cf_dump_from_fd(int fd, struct cf_error *err);

/* A file of the guest as Windows would give it (its volume must outlive the source). */
struct cf_dump_source *cf_dump_from_file(struct cf_volume *vol, const char *path, struct cf_error *err);

/* The clusters of a guest's paging or dedicated dump file, straight off the volume: crashdmp.sys writes past NTFS, so what lies behind the
 * initialized size, where the file reads as zeros, counts too. Holes and resident files read as the file does. v must outlive the source. */
struct cf_dump_source *cf_dump_from_clusters(const struct cf_vol *v, const char *path, struct cf_error *err);

/* ---- headers ---- */

enum cf_dump_kind {
	CF_KIND_COMPLETE, /* all of the memory */
	CF_KIND_KERNEL,   /* kernel's memory, in the format before Windows 8; also WinDbg's .dump /k */
	CF_KIND_BITMAP,   /* kernel's memory, in the format since Windows 8 (kernel, automatic, live dumps) */
	CF_KIND_ACTIVE,   /* all but the pages that don't matter (guests' memory and such) */
	CF_KIND_TRIAGE,   /* small: a stack and the list of drivers */
	CF_KIND_USER      /* of one process (MDMP) */
};
const char *cf_dump_kind_name(enum cf_dump_kind k); /* the word of the contract */

/* A word that a header leaves unset is filled with "PAGE"; such fields read as 0 here. */
struct cf_dump_info {
	enum cf_dump_kind kind;
	unsigned bits;                /* 32 or 64: of the header; 0: user-mode dump */
	uint32_t header_size;         /* bytes; CF_DUMP_HEADER32 or 64; of an MDMP its own header */
	uint32_t type;                /* DumpType as it stands (1 full, 2 summary, 4 triage, 5 and 6 bitmap, …) */
	uint32_t major, build;        /* MajorVersion (0xF free, 0xC checked build); the OS build: 19041 */
	uint32_t machine;             /* IMAGE_FILE_MACHINE_… */
	const char *architecture;     /* "x64", "x86", "arm64", "arm", "ia64"; NULL: none of them */
	uint32_t processors;          /* 0: not known */
	bool has_bugcheck;            /* false: user-mode dump */
	uint32_t code;                /* stop code as it stands */
	uint64_t parameter[4];
	uint64_t directory_table_base, pfn_database, ps_loaded_module_list, ps_active_process_head, kd_debugger_data_block;
	bool has_exception;           /* of a user-mode dump, or of the kernel's header */
	uint32_t exception_code;
	uint64_t exception_address;
	bool has_time, has_uptime;
	int64_t time;                 /* of the crash: seconds since 1970 UTC */
	uint64_t uptime_seconds;
	uint32_t product_type;        /* 1 workstation, 2 domain controller, 3 server; 0: not known */
	uint32_t attributes;          /* CF_DUMP_ATTR_… */
	uint32_t writer_status;
	char comment[129];            /* printable ASCII; "" for none */

	uint64_t memory_pages;        /* pages that the machine had, as the header says; 0: not known */
	uint64_t first_page;          /* offset of the first page of memory; 0: none */
	uint64_t pages;               /* pages of memory that follow there */
	uint64_t bitmap, bitmap_bits; /* offset of the bitmap and how many pages it speaks of; 0: none */
	uint64_t triage_size;         /* SizeOfDump of a triage dump */

	uint64_t size;                /* of the source */
	uint64_t required_dump_space; /* RequiredDumpSpace as it stands: what Windows asked room for, more than required_size where data of
				       * drivers follows; 0: not set */
	uint64_t required_size;       /* bytes from the start that have to be there for a whole dump; 0: not known */
	uint64_t extent;              /* bytes from the start that belong to it, data of drivers behind it included; never more than size */
	bool complete;
	char cut[160];                /* when not complete: why */
};

#define CF_DUMP_ATTR_INSUFFICIENT 0x4u /* Windows itself says that the file was too small */
#define CF_DUMP_ATTR_LIVE 0x10u        /* written by a running system */
#define CF_DUMP_ATTR_FILTERED 0x40u    /* an active dump */
#define CF_DUMP_ATTR_ENCRYPTED 0x100u

/* What the first bytes of a file promise. */
enum cf_dump_magic { CF_MAGIC_NONE, CF_MAGIC_KERNEL32, CF_MAGIC_KERNEL64, CF_MAGIC_USER };
enum cf_dump_magic cf_dump_magic(const void *first, size_t n);

/* Reads the headers (at most 12 KiB, and for triage dumps the word at their end). CF_E_UNSUPPORTED: no crash dump; CF_E_CORRUPT: the header is
 * cut short or contradicts itself; CF_E_IO. A dump that is cut short behind its header is no error: see complete. */
int cf_dump_read_info(struct cf_dump_source *s, struct cf_dump_info *out, struct cf_error *err) CF_MUST_CHECK;

/* "2026-11-21T05:02:09Z" into out (32 bytes); "" when the time is not known. Returns out. */
char *cf_dump_time_text(const struct cf_dump_info *i, char *out);

#endif
