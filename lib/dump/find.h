/* find.h - the crash dumps on a machine's disks: where Windows puts them, and where one waits to be saved.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_DUMP_FIND_H
#define CF_DUMP_FIND_H

#include "dump/dump.h"

enum cf_dump_where {
	CF_DUMP_MEMORY,    /* where DumpFile says */
	CF_DUMP_MINIDUMP,  /* a small one: MinidumpDir */
	CF_DUMP_LIVE,      /* LiveKernelReports */
	CF_DUMP_PAGEFILE,  /* still inside a paging file */
	CF_DUMP_DEDICATED, /* inside the dedicated dump file */
	CF_DUMP_RENAMED,   /* \DUMPxxxx.tmp: a paging file that Windows has already cut and renamed, and not yet copied */
	CF_DUMP_PROCESS,   /* of one program: LocalDumps */
	CF_DUMP_ELSEWHERE  /* a file that somebody named; never found */
};

struct cf_dump_place {
	enum cf_dump_where where;
	size_t vol;      /* index into cf_machine.vol */
	char *path;      /* volume-relative: "\\Windows\\MEMORY.DMP" */
	uint64_t size;   /* bytes of the file */
	bool clusters;   /* read it with cf_dump_from_clusters: it was written past the file system */
};

struct cf_dump_list {
	size_t n, cap;
	struct cf_dump_place *item;
	bool more; /* there are more than were listed */
};

#define CF_DUMP_BIT(where) (1u << (where))
#define CF_DUMP_EVERYWHERE 0x7fu

/* Every dump of one installation, or with in NULL of all of them, and on the volumes' roots, in the places that the mask of CF_DUMP_BIT allows. Files that Windows sets aside for dumps are listed
 * only with a dump in them; others by their place and name, whatever they hold. -1 only when memory runs out: what can't be read is left out. */
int cf_dump_find(const struct cf_machine *m, const struct cf_install *in, unsigned places, struct cf_dump_list *out,
		 struct cf_error *err) CF_MUST_CHECK;
void cf_dump_list_free(struct cf_dump_list *l);
#define CF_DUMP_LIST CF_CLEANUP(cf_dump_list_free) struct cf_dump_list

/* The bytes of one; the machine must outlive the source. */
struct cf_dump_source *cf_dump_open(const struct cf_machine *m, const struct cf_dump_place *p, struct cf_error *err);

/* Does this file begin with a kernel crash dump (PAGEDUMP, PAGEDU64)? Read from its first cluster, since such a dump is written past NTFS. */
bool cf_dump_inside(const struct cf_vol *v, const char *path);

/* Lower-case hex (65 bytes) of the SHA-256 of a dump's first 8 KiB, or of all of a shorter one: no two crashes have the same header. */
int cf_dump_header_hash(struct cf_dump_source *s, char hex[65], struct cf_error *err) CF_MUST_CHECK;

/* "C:\Windows\MEMORY.DMP", or for a volume without a letter "2:\MEMORY.DMP" (partition 2; with its disk in front unless that is the first); malloc'd. */
char *cf_dump_path_text(const struct cf_machine *m, const struct cf_dump_place *p);

#endif
