/* span.c - the growable buffer.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/span.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int cf_buf_reserve(struct cf_buf *b, size_t cap)
{
	if (cap <= b->cap)
		return 0;
	size_t want = b->cap < 64 ? 64 : b->cap;
	while (want < cap)
		if (cf_mul_overflow(want, (size_t)2, &want))
			want = cap;
	uint8_t *p = realloc(b->p, want);
	if (!p)
		return -1;
	b->p = p;
	b->cap = want;
	return 0;
}

int cf_buf_resize(struct cf_buf *b, size_t n)
{
	if (cf_buf_reserve(b, n) < 0)
		return -1;
	if (n > b->n)
		memset(b->p + b->n, 0, n - b->n);
	b->n = n;
	return 0;
}

int cf_buf_append(struct cf_buf *b, const void *p, size_t n)
{
	size_t total;
	if (cf_add_overflow(b->n, n, &total) || cf_buf_reserve(b, total) < 0)
		return -1;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n = total;
	return 0;
}

int cf_buf_copy(struct cf_buf *b, struct cf_span s)
{
	if (cf_buf_reserve(b, s.n) < 0)
		return -1;
	if (s.n)
		memmove(b->p, s.p, s.n);
	b->n = s.n;
	return 0;
}

void cf_buf_free(struct cf_buf *b)
{
	free(b->p);
	*b = (struct cf_buf){ 0 };
}

int cf_buf_vprintf(struct cf_buf *b, const char *fmt, va_list ap)
{
	CF_FREE char *text = NULL;
	int n = vasprintf(&text, fmt, ap);
	if (n < 0) {
		text = NULL;
		return -1;
	}
	return cf_buf_append(b, text, (size_t)n);
}

int cf_buf_printf(struct cf_buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int r = cf_buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}
