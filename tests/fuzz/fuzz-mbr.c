/* fuzz-mbr.c - an MBR and its chain of logical partitions from one input.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: 1 byte of flags, then 512-byte sectors that are spread over a disk of 256 KiB, one each `step` sectors (flags 0-2: step 1 << n). Flag 8
 * marks each of them with 55 AA.
 */
#include <stdlib.h>

#include "base/span.h"
#include "part/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DISK (1u << 18)

static struct cf_part_table table;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t disk[DISK];
	struct cf_error err;
	if (size < 1)
		return 0;
	size_t step = (size_t)512 << (data[0] & 7);
	bool mark = data[0] & 8;
	memset(disk, 0, sizeof disk);
	data++;
	size--;
	for (size_t at = 0; size && at < DISK; at += step) {
		size_t n = size < 512 ? size : 512;
		memcpy(disk + at, data, n);
		if (mark)
			memcpy(disk + at + 510, "\x55\xaa", 2);
		data += n;
		size -= n;
	}
	struct cf_block *b = cf_memory_open(disk, DISK, 512, &err);
	if (!b)
		abort();
	if (cf_part_read(b, &table, &err) == 0)
		for (size_t i = 0; i < table.n; i++) {
			if (!cf_range_ok(table.part[i].start, table.part[i].size, DISK) || !table.part[i].size)
				abort();
			cf_part_type_word(&table, &table.part[i]);
		}
	cf_block_close(b);
	return 0;
}
