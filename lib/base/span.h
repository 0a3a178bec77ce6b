/* span.h - a bounded view of bytes, and a growable buffer.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bytes that came from a disk are only reached through cf_span_at/cf_span_sub, which check the range; a span never
 * owns its bytes. struct cf_buf owns its bytes and is freed with cf_buf_free (or by scope with CF_BUF).
 */
#ifndef CF_BASE_SPAN_H
#define CF_BASE_SPAN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/overflow.h"

struct cf_span {
	const uint8_t *p;
	size_t n;
};

static inline struct cf_span cf_span_of(const void *p, size_t n)
{
	return (struct cf_span){ p, n };
}

/* Pointer to len bytes at off, or NULL when they do not lie inside the span. */
static inline const uint8_t *cf_span_at(struct cf_span s, uint64_t off, uint64_t len)
{
	return s.p && cf_range_ok(off, len, s.n) ? s.p + off : NULL;
}

/* The part [off, off+len) of s; {NULL, 0} when it does not lie inside. */
static inline struct cf_span cf_span_sub(struct cf_span s, uint64_t off, uint64_t len)
{
	if (!s.p || !cf_range_ok(off, len, s.n))
		return (struct cf_span){ NULL, 0 };
	return (struct cf_span){ s.p + off, (size_t)len };
}

struct cf_buf {
	uint8_t *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
};

/* All return 0, or -1 when memory runs out or a size overflows; the buffer is then as it was. */
int cf_buf_reserve(struct cf_buf *b, size_t cap) CF_MUST_CHECK;
int cf_buf_resize(struct cf_buf *b, size_t n) CF_MUST_CHECK; /* new bytes are zero */
int cf_buf_append(struct cf_buf *b, const void *p, size_t n) CF_MUST_CHECK;
int cf_buf_copy(struct cf_buf *b, struct cf_span s) CF_MUST_CHECK; /* replaces the content */
void cf_buf_free(struct cf_buf *b);                                /* leaves an empty buffer */

/* Append formatted text without a NUL; 0 or -1. */
int cf_buf_printf(struct cf_buf *b, const char *fmt, ...) CF_PRINTF(2, 3);
int cf_buf_vprintf(struct cf_buf *b, const char *fmt, va_list ap) CF_PRINTF(2, 0);

static inline struct cf_span cf_buf_span(const struct cf_buf *b)
{
	return (struct cf_span){ b->p, b->n };
}

#define CF_BUF CF_CLEANUP(cf_buf_free) struct cf_buf

#endif
