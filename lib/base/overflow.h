/* overflow.h - checked arithmetic for numbers that come from a disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every sum or product of two numbers read from a disk goes through these. Each returns true when the result does
 * NOT fit (the sense of __builtin_*_overflow), so that the error path reads `if (cf_add_overflow(...)) return fail`.
 */
#ifndef CF_BASE_OVERFLOW_H
#define CF_BASE_OVERFLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define cf_add_overflow(a, b, out) __builtin_add_overflow((a), (b), (out))
#define cf_sub_overflow(a, b, out) __builtin_sub_overflow((a), (b), (out))
#define cf_mul_overflow(a, b, out) __builtin_mul_overflow((a), (b), (out))

/* True when [off, off+len) lies inside [0, size); safe for any input. */
static inline bool cf_range_ok(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static inline uint64_t cf_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t cf_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

#define CF_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define CF_KIB UINT64_C(1024)
#define CF_MIB (UINT64_C(1024) * 1024)
#define CF_GIB (UINT64_C(1024) * 1024 * 1024)

#endif
