/* fuzz-detect.c - the first bytes of a volume: what it is, and opening it as that.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: the start of a volume of 256 KiB; the last bytes of it, if the input is longer than 64 KiB, at its end.
 */
#include <stdlib.h>

#include "base/span.h"
#include "volume/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VOLUME ((size_t)256 << 10)
#define HEAD ((size_t)64 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t disk[VOLUME];
	struct cf_error err;
	enum cf_fs fs;
	memset(disk, 0, sizeof disk);
	if (size > VOLUME)
		size = VOLUME;
	size_t head = size < HEAD ? size : HEAD;
	if (head)
		memcpy(disk, data, head);
	if (size > head)
		memcpy(disk + VOLUME - (size - head), data + head, size - head);
	struct cf_block *b = cf_memory_open(disk, VOLUME, 512, &err);
	if (!b || cf_volume_detect(b, &fs, &err) < 0)
		abort(); /* a block in memory can be read */
	if (!cf_fs_name(fs)[0])
		abort();
	struct cf_volume *v = cf_volume_open(b, fs, CF_VOL_READ, &err);
	if (v && cf_volume_close(v, &err) < 0)
		abort();
	cf_block_close(b);
	return 0;
}
