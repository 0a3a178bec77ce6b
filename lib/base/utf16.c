/* utf16.c - UTF-16LE and UTF-8.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/utf16.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

static int put_utf8(struct cf_buf *b, uint32_t c)
{
	uint8_t o[4];
	size_t n;
	if (c < 0x80) {
		o[0] = (uint8_t)c;
		n = 1;
	} else if (c < 0x800) {
		o[0] = (uint8_t)(0xc0 | c >> 6);
		o[1] = (uint8_t)(0x80 | (c & 0x3f));
		n = 2;
	} else if (c < 0x10000) {
		o[0] = (uint8_t)(0xe0 | c >> 12);
		o[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		o[2] = (uint8_t)(0x80 | (c & 0x3f));
		n = 3;
	} else {
		o[0] = (uint8_t)(0xf0 | c >> 18);
		o[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		o[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		o[3] = (uint8_t)(0x80 | (c & 0x3f));
		n = 4;
	}
	return cf_buf_append(b, o, n);
}

/* C0 and C1 controls and the line and paragraph separators move a terminal's cursor; bidirectional marks and overrides make a
 * name look like another one. */
static bool must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static int put_escaped(struct cf_buf *b, uint32_t c, bool *escaped)
{
	if (!must_escape(c))
		return put_utf8(b, c);
	if (escaped)
		*escaped = true;
	return cf_buf_printf(b, "\\u{%04X}", (unsigned)c);
}

static char *finish(struct cf_buf *b)
{
	if (cf_buf_append(b, "", 1) < 0) {
		cf_buf_free(b);
		return NULL;
	}
	return (char *)b->p;
}

static char *convert(struct cf_span s, bool *escaped, bool stop_at_nul)
{
	struct cf_buf b = { 0 };
	for (size_t i = 0; i + 1 < s.n; i += 2) {
		uint32_t c = cf_ld16(s.p + i);
		if (!c && stop_at_nul)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 3 < s.n) {
			uint32_t low = cf_ld16(s.p + i + 2);
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (put_escaped(&b, c, escaped) < 0) {
			cf_buf_free(&b);
			return NULL;
		}
	}
	return finish(&b);
}

char *cf_utf16_to_utf8(struct cf_span s, bool *escaped)
{
	return convert(s, escaped, false);
}

char *cf_utf16z_to_utf8(struct cf_span s, bool *escaped)
{
	return convert(s, escaped, true);
}

char *cf_latin1_to_utf8(struct cf_span s, bool *escaped)
{
	struct cf_buf b = { 0 };
	for (size_t i = 0; i < s.n; i++)
		if (put_escaped(&b, s.p[i], escaped) < 0) {
			cf_buf_free(&b);
			return NULL;
		}
	return finish(&b);
}

/* Decodes one code point of well-formed UTF-8 at *p and moves on; UINT32_MAX for anything else. */
static uint32_t next_utf8(const char **p)
{
	const uint8_t *s = (const uint8_t *)*p;
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	int more = s[0] < 0x80 ? 0 : (s[0] & 0xe0) == 0xc0 ? 1 : (s[0] & 0xf0) == 0xe0 ? 2 : (s[0] & 0xf8) == 0xf0 ? 3 : -1;
	if (more < 0)
		return UINT32_MAX;
	uint32_t c = more == 0 ? s[0] : s[0] & (0x3fu >> more);
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return UINT32_MAX;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return UINT32_MAX;
	*p += more + 1;
	return c;
}

char *cf_text_escape(const char *text)
{
	struct cf_buf out = { 0 };
	int r = 0;
	while (*text && r == 0) {
		uint32_t c = next_utf8(&text);
		r = c == UINT32_MAX ? cf_buf_printf(&out, "\\x{%02X}", (uint8_t)*text++) : put_escaped(&out, c, NULL);
	}
	if (r < 0) {
		cf_buf_free(&out);
		return NULL;
	}
	return finish(&out);
}

size_t cf_text_tame(char *text, bool keep_lines)
{
	char *out = text;
	for (const char *p = text; *p;) {
		const char *from = p;
		uint32_t c = next_utf8(&p);
		if (c != UINT32_MAX && (!must_escape(c) || (keep_lines && c == '\n'))) {
			while (from < p)
				*out++ = *from++;
			continue;
		}
		if (c == UINT32_MAX)
			p++;
		*out++ = '?';
	}
	*out = 0;
	return (size_t)(out - text);
}

/* "\u{XXXX}" at p: the code unit and the characters it takes; 0 characters when it is no escape. */
static size_t parse_escape(const char *p, uint32_t *unit)
{
	if (strncmp(p, "\\u{", 3) != 0)
		return 0;
	char *end;
	unsigned long v = strtoul(p + 3, &end, 16);
	if (end == p + 3 || end > p + 9 || *end != '}' || v > 0x10ffff || !must_escape((uint32_t)v))
		return 0;
	*unit = (uint32_t)v;
	return (size_t)(end + 1 - p);
}

static int put_unit(struct cf_buf *out, uint32_t u)
{
	uint8_t b[2];
	cf_st16(b, (uint16_t)u);
	return cf_buf_append(out, b, 2);
}

int cf_utf8_to_utf16(const char *text, struct cf_buf *out)
{
	while (*text) {
		uint32_t c;
		size_t esc = parse_escape(text, &c);
		if (esc)
			text += esc;
		else if ((c = next_utf8(&text)) == UINT32_MAX)
			return -1;
		if (c >= 0x10000) {
			c -= 0x10000;
			if (put_unit(out, 0xd800 + (c >> 10)) < 0 || put_unit(out, 0xdc00 + (c & 0x3ff)) < 0)
				return -1;
		} else if (put_unit(out, c) < 0) {
			return -1;
		}
	}
	return 0;
}

uint16_t cf_utf16_upper(uint16_t c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? (uint16_t)(c - 32) : c;
	if ((c >= 0xe0 && c <= 0xfe && c != 0xf7))
		return (uint16_t)(c - 32);
	if (c == 0xff)
		return 0x178;
	if ((c >= 0x100 && c <= 0x137 && c != 0x131) || (c >= 0x14a && c <= 0x177))
		return (uint16_t)(c & ~1u);
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return (c & 1) ? c : (uint16_t)(c - 1);
	if (c == 0x3ac)
		return 0x386;
	if (c >= 0x3ad && c <= 0x3af)
		return (uint16_t)(c - 37);
	if (c >= 0x3b1 && c <= 0x3cb && c != 0x3c2)
		return (uint16_t)(c - 32);
	if (c >= 0x430 && c <= 0x44f)
		return (uint16_t)(c - 32);
	if (c >= 0x450 && c <= 0x45f)
		return (uint16_t)(c - 80);
	return c;
}

bool cf_utf8_eq_nocase(const char *a, const char *b)
{
	while (*a && *b) {
		uint32_t ca = next_utf8(&a), cb = next_utf8(&b);
		if (ca == UINT32_MAX || cb == UINT32_MAX)
			return false;
		if (ca < 0x10000)
			ca = cf_utf16_upper((uint16_t)ca);
		if (cb < 0x10000)
			cb = cf_utf16_upper((uint16_t)cb);
		if (ca != cb)
			return false;
	}
	return !*a && !*b;
}
