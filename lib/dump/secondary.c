/* secondary.c - data of drivers behind a kernel dump: where the dump really ends.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Behind the dump itself drivers may have added data of their own: "DumpBlob", then blobs to the end of the file, each with a header of 32 bytes
 * (HeaderSize, a GUID, DataSize, PrePad, PostPad). Source: DUMP_BLOB_FILE_HEADER and DUMP_BLOB_HEADER of Microsoft's WDK; checked on a real
 * Windows 10 minidump, whose blobs end exactly where the file does. In a paging file nothing else tells where the dump ends.
 */
#include "dump/internal.h"

#define FILE_HEADER 16u
#define BLOB_HEADER 32u
#define MAX_BLOBS 65536

void cf_dump_find_extent(struct cf_dump_source *s, struct cf_dump_info *i)
{
	uint8_t h[BLOB_HEADER];
	uint64_t at = i->required_size;
	i->extent = cf_min_u64(at ? at : i->size, i->size);
	if (!i->complete || !at || cf_dump_read(s, at, h, FILE_HEADER, NULL) < 0 || memcmp(h, "DumpBlob", 8) != 0 || cf_ld32(h + 8) != FILE_HEADER)
		return;
	at += FILE_HEADER;
	i->extent = at;
	for (unsigned k = 0; k < MAX_BLOBS && cf_dump_read(s, at, h, sizeof h, NULL) == 0 && cf_ld32(h) == BLOB_HEADER; k++) {
		uint64_t blob = (uint64_t)BLOB_HEADER + cf_ld32(h + 20) + cf_ld32(h + 24) + cf_ld32(h + 28);
		if (!cf_range_ok(at, blob, i->size)) {
			i->extent = i->size; /* the last blob is cut; the dump itself is whole */
			return;
		}
		at += blob;
		i->extent = at;
	}
}
