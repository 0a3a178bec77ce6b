/* fuzz-regf-log.c - a hive and its two logs from one input: the replay may refuse, it may not crash.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: 1 byte of flags, u32 length of the primary, u32 length of LOG1, then primary, LOG1 and LOG2. Flags: 1, 2, 4
 * make the checksum of the three base blocks right; 8 makes the hashes of all entries right, so that the fuzzer gets
 * past them.
 */
#include <stdlib.h>

#include "base/endian.h"
#include "base/overflow.h"
#include "registry/hive-log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void right_hashes(struct cf_buf *log)
{
	for (size_t at = 512; cf_range_ok(at, 0x28, log->n);) {
		uint8_t *e = log->p + at;
		uint32_t n = cf_ld32(e + 4);
		if (n < 0x28 || !cf_range_ok(at, n, log->n))
			return;
		cf_st64(e + 0x18, cf_marvin32(cf_span_of(e + 0x28, n - 0x28)));
		cf_st64(e + 0x20, cf_marvin32(cf_span_of(e, 0x20)));
		at += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 9)
		return 0;
	struct cf_span all = cf_span_of(data + 9, size - 9);
	size_t n[3] = { (size_t)cf_min_u64(cf_ld32(data + 1), all.n) };
	n[1] = (size_t)cf_min_u64(cf_ld32(data + 5), all.n - n[0]);
	n[2] = all.n - n[0] - n[1];
	struct cf_buf part[3] = { { 0 } };
	size_t at = 0;
	for (int i = 0; i < 3; at += n[i++]) {
		if (cf_buf_copy(&part[i], cf_span_sub(all, at, n[i])) < 0)
			abort();
		if (i && data[0] & 8)
			right_hashes(&part[i]);
		if (data[0] >> i & 1 && n[i] >= 512)
			cf_st32(part[i].p + 508, cf_hive_checksum(part[i].p));
	}
	CF_BUF hive = { 0 };
	struct cf_replay r;
	struct cf_error err = { 0 };
	if (cf_hive_replay(cf_buf_span(&part[0]), cf_buf_span(&part[1]), cf_buf_span(&part[2]), &hive, &r, &err) == 0) {
		struct cf_hive_base base;
		if (r.state == CF_REPLAY_APPLIED ? cf_hive_read_base(cf_buf_span(&hive), &base, NULL) < 0 || base.dirty
						 : hive.n != part[0].n || memcmp(hive.p, part[0].p, hive.n) != 0)
			abort();
	} else if (err.code == CF_OK) {
		abort();
	}
	for (int i = 0; i < 3; i++)
		cf_buf_free(&part[i]);
	return 0;
}
