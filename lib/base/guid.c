/* guid.c - GUID text and back.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/guid.h"

#include <stdio.h>

/* Where the byte behind each pair of hex digits of the text lies on the disk. */
static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

char *cf_guid_format(const struct cf_guid *g, char *out)
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[g->b[order[i]] >> 4];
		*p++ = hex[g->b[order[i]] & 15];
	}
	*p = 0;
	return out;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool cf_guid_parse(const char *text, struct cf_guid *g)
{
	bool braces = *text == '{';
	struct cf_guid out;
	text += braces;
	for (int i = 0; i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		int hi = digit(text[0]);
		int lo = hi < 0 ? -1 : digit(text[1]);
		if (lo < 0)
			return false;
		out.b[order[i]] = (uint8_t)(hi << 4 | lo);
		text += 2;
	}
	if (braces && *text++ != '}')
		return false;
	if (*text)
		return false;
	*g = out;
	return true;
}

bool cf_guid_is_zero(const struct cf_guid *g)
{
	static const struct cf_guid zero;
	return cf_guid_eq(g, &zero);
}
