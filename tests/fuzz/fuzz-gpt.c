/* fuzz-gpt.c - a GPT from one input: reading and repairing may refuse, they may not crash or go on for ever.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: 1 byte of flags, then the first bytes of a disk of 256 KiB; the last 33 sectors of the input, with flag 4, lie at the disk's end.
 * Flags: 1 makes the primary's checksums right, 2 the backup's, so that the fuzzer gets past them; 8: sectors of 4096 bytes.
 */
#include <stdlib.h>

#include "base/endian.h"
#include "base/hash.h"
#include "base/span.h"
#include "part/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DISK (1u << 18)

static void right_checksums(uint8_t *disk, size_t header, uint32_t ss)
{
	uint8_t *h = disk + header;
	uint64_t off = cf_ld64(h + 72), n = (uint64_t)cf_ld32(h + 80) * cf_ld32(h + 84);
	uint32_t len = cf_ld32(h + 12);
	if (!cf_mul_overflow(off, (uint64_t)ss, &off) && cf_range_ok(off, n, DISK))
		cf_st32(h + 88, cf_crc32(0, disk + off, (size_t)n));
	if (len < 92 || len > ss)
		return;
	cf_st32(h + 16, 0);
	cf_st32(h + 16, cf_crc32(0, h, len));
}

static struct cf_part_table table;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t disk[DISK];
	struct cf_error err;
	if (size < 1 || size > DISK / 2)
		return 0;
	uint8_t flags = *data++;
	uint32_t ss = flags & 8 ? 4096 : 512;
	size--;
	memset(disk, 0, sizeof disk);
	if (size)
		memcpy(disk, data, size);
	if ((flags & 4) && size >= 33 * 512)
		memcpy(disk + DISK - 33 * 512, data + size - 33 * 512, 33 * 512);
	if (flags & 1)
		right_checksums(disk, ss, ss);
	if (flags & 2)
		right_checksums(disk, DISK - ss, ss);
	struct cf_block *b = cf_memory_open(disk, DISK, ss, &err);
	if (!b)
		abort();
	if (cf_part_read(b, &table, &err) == 0) {
		char text[CF_GUID_TEXT];
		for (size_t i = 0; i < table.n; i++) {
			const struct cf_partition *p = &table.part[i];
			if (!cf_range_ok(p->start, p->size, DISK) || !p->size)
				abort();
			cf_part_type_word(&table, p);
			cf_part_type_text(&table, p, text);
		}
		bool repairable = table.gpt_repairable;
		if (cf_part_repair_gpt(b, &err) == 0) {
			/* what was repaired can be read, from the primary */
			if (cf_part_read(b, &table, &err) == 0 && table.scheme == CF_SCHEME_GPT && table.used_backup)
				abort();
		} else if (repairable) {
			abort(); /* what reading promises, repairing keeps */
		}
	}
	cf_block_close(b);
	return 0;
}
