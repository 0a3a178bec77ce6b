/* fuzz-dump-triage.c - what follows the header of a small dump: its tables, drivers, strings, stack, and data of drivers behind them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: a byte (odd: 64 bits), then the bytes behind a header that is right.
 */
#include <string.h>

#include "base/endian.h"
#include "fuzz-dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CF_BUF b = { 0 };
	if (!size || size > CF_MIB)
		return 0;
	bool wide = data[0] & 1;
	size_t header = wide ? CF_DUMP_HEADER64 : CF_DUMP_HEADER32;
	if (cf_buf_resize(&b, header + size - 1) < 0)
		return 0;
	memcpy(b.p, wide ? "PAGEDU64" : "PAGEDUMP", 8);
	cf_st32(b.p + (wide ? 0x30 : 0x20), wide ? 0x8664 : 0x14c);
	cf_st32(b.p + (wide ? 0xf98 : 0xf88), 4);
	memcpy(b.p + header, data + 1, size - 1);
	struct cf_dump_source *s = cf_dump_from_memory(cf_buf_span(&b), NULL);
	if (!s)
		abort();
	fuzz_dump(s);
	cf_dump_close(s);
	return 0;
}
