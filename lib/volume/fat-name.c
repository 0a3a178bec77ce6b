/* fat-name.c - short names (8.3) and what they stand for.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Microsoft's FAT specification 1.03, "Name Limits and Character Sets" and "Name Generation". A short name is 8 + 3
 * bytes in an OEM code page that the volume does not tell; it is read as code page 437, which only matters for bytes
 * above 0x7f in a name without a long one. Names that are made here are plain ASCII.
 */
#include <stdio.h>

#include "base/utf16.h"
#include "volume/fat.h"

/* Code page 437, 0x80 to 0xff. */
static const uint16_t oem[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5,
	0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192,
	0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229,
	0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* ASCII only, whatever the locale. */
static bool is_upper(unsigned c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(unsigned c)
{
	return c >= 'a' && c <= 'z';
}

static uint8_t upper(unsigned c)
{
	return (uint8_t)(is_lower(c) ? c - 32 : c);
}

#define REPLACEMENT 0xfffd /* a byte that no name may have */

static uint16_t decode_char(uint8_t c, bool lower)
{
	if (c >= 0x80)
		return oem[c - 0x80];
	if (c < 0x20 || strchr("\"*/:<>?\\|", c))
		return REPLACEMENT;
	return lower && is_upper(c) ? (uint16_t)(c + 32) : c;
}

size_t cf_fat_short_decode(const uint8_t raw[11], uint8_t nt_case, uint16_t out[12])
{
	size_t base = 8, ext = 3, n = 0;
	while (base && raw[base - 1] == ' ')
		base--;
	while (ext && raw[8 + ext - 1] == ' ')
		ext--;
	for (size_t i = 0; i < base; i++) /* 0x05 stands for 0xe5, which marks a deleted entry */
		out[n++] = decode_char(i == 0 && raw[0] == 0x05 ? 0xe5 : raw[i], nt_case & 0x08);
	if (ext)
		out[n++] = '.';
	for (size_t i = 0; i < ext; i++)
		out[n++] = decode_char(raw[8 + i], nt_case & 0x10);
	return n;
}

uint8_t cf_fat_short_sum(const uint8_t raw[11])
{
	uint8_t sum = 0;
	for (size_t i = 0; i < 11; i++)
		sum = (uint8_t)((uint8_t)(sum << 7 | sum >> 1) + raw[i]);
	return sum;
}

bool cf_fat_name_eq(const uint16_t *a, size_t na, const uint16_t *b, size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++)
		if (cf_utf16_upper(a[i]) != cf_utf16_upper(b[i]))
			return false;
	return true;
}

bool cf_fat_long_valid(const uint16_t *name, size_t n)
{
	if (!n || n > FAT_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] < 0x20 || (name[i] < 0x80 && strchr("\"*/:<>?\\|", name[i])))
			return false;
	return !(name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.')));
}

/* What may stand in a short name as it is (letters in upper case). */
static bool short_char(uint16_t c)
{
	return c < 0x80 && c && (is_upper(c) || is_lower(c) || (c >= '0' && c <= '9') || strchr("$%'-_@~`!(){}^#&", c));
}

/* Copies one part, at most room characters. False when a character does not fit, or both letter cases occur. */
static bool exact_part(const uint16_t *s, size_t n, uint8_t *out, size_t room, bool *lower)
{
	bool up = false, low = false;
	if (n > room)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!short_char(s[i]))
			return false;
		up = up || is_upper(s[i]);
		low = low || is_lower(s[i]);
		out[i] = upper(s[i]);
	}
	*lower = low;
	return !(up && low);
}

static size_t last_dot(const uint16_t *name, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (name[i] == '.')
			return i;
	return n;
}

bool cf_fat_short_exact(const uint16_t *name, size_t n, uint8_t raw[11], uint8_t *nt_case)
{
	size_t dot = last_dot(name, n), ext = dot < n ? n - dot - 1 : 0;
	bool low_base, low_ext = false;
	memset(raw, ' ', 11);
	if (!dot || (dot < n && !ext))
		return false;
	if (!exact_part(name, dot, raw, 8, &low_base) || !exact_part(name + n - ext, ext, raw + 8, 3, &low_ext))
		return false;
	*nt_case = (uint8_t)((low_base ? 0x08 : 0) | (low_ext ? 0x10 : 0));
	return true;
}

/* Upper case, without spaces and dots, anything else as "_". *lossy when the result says less than s. */
static size_t alias_part(const uint16_t *s, size_t n, uint8_t *out, size_t room, bool *lossy)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ' || s[i] == '.') {
			*lossy = true;
			continue;
		}
		if (used == room) {
			*lossy = true;
			break;
		}
		if (!short_char(s[i]))
			*lossy = true;
		out[used++] = short_char(s[i]) ? upper(s[i]) : '_';
	}
	return used;
}

bool cf_fat_short_alias(const uint16_t *name, size_t n, uint32_t attempt, uint8_t raw[11])
{
	bool lossy = false;
	while (n && (*name == '.' || *name == ' ')) {
		name++;
		n--;
		lossy = true;
	}
	size_t dot = last_dot(name, n);
	memset(raw, ' ', 11);
	size_t base = alias_part(name, dot, raw, 8, &lossy);
	if (dot < n)
		alias_part(name + dot + 1, n - dot - 1, raw + 8, 3, &lossy);
	if (!base)
		raw[base++] = '_';
	if (attempt == 0)
		return !lossy;
	char tail[9];
	size_t t = (size_t)snprintf(tail, sizeof tail, "~%u", attempt > 999999 ? 999999 : attempt);
	if (base > 8 - t)
		base = 8 - t;
	memset(raw + base, ' ', 8 - base);
	memcpy(raw + base, tail, t);
	return true;
}
