/* code.c - votes of several readings, checked against the shapes of the digits.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "symptom/code.h"

#include <ctype.h>
#include <stdio.h>

/* The next character; what is not ASCII counts as one: the signs for cent and copyright are a misread c, all others are unknown. */
static char next_char(const char **s)
{
	unsigned char c = (unsigned char)**s;
	if (!c)
		return 0;
	if (c < 0x80) {
		++*s;
		return (char)c;
	}
	char is = c == 0xc2 && ((unsigned char)(*s)[1] == 0xa2 || (unsigned char)(*s)[1] == 0xa9) ? 'c' : '?';
	for (++*s; ((unsigned char)**s & 0xc0) == 0x80;)
		++*s;
	return is;
}

/* Letters that are no hexadecimal digits and have one obvious reading. */
static char plain_digit(char c)
{
	switch (c) {
	case 'o': case 'O': case 'Q':
		return '0';
	case 'l': case 'I': case '|':
		return '1';
	default:
		return isxdigit((unsigned char)c) ? (char)toupper((unsigned char)c) : 0;
	}
}

/* The characters behind "0x", as they were read; the number of them. 0: there is no 0x. */
static size_t behind_prefix(const char *text, char out[CF_CODE_TEXT])
{
	size_t n = 0;
	char zero = next_char(&text), x = next_char(&text);
	if (!zero || !strchr("0oOQ@D8B69Cc?", zero) || !x || !strchr("xX%", x))
		return 0;
	for (char c; n + 1 < CF_CODE_TEXT && (c = next_char(&text)) && c != ' ';)
		out[n++] = c;
	/* punctuation that ends a sentence or a bracket belongs to the text around it */
	while (n > 8 && strchr(".,:;)]'\"", out[n - 1]))
		n--;
	out[n] = 0;
	return n;
}

bool cf_code_begins(const char *text)
{
	char digits[CF_CODE_TEXT];
	return behind_prefix(text, digits) > 0;
}

/* The upper half of a boot screen's code is one of few: a digit of it that reads like none of these is a misread zero. The lower half,
 * which tells codes apart, is never touched. */
static char upper_digit(const char digits[CF_CODE_TEXT], int i, char c)
{
	return i >= 1 && i <= 3 && toupper((unsigned char)digits[0]) == 'C' && strchr("DB8", c) ? '0' : c;
}

bool cf_code_strict(const char *text, uint32_t *code)
{
	char digits[CF_CODE_TEXT];
	if (behind_prefix(text, digits) != 8)
		return false;
	*code = 0;
	for (int i = 0; i < 8; i++) {
		char c = plain_digit(digits[i]);
		if (!c)
			return false;
		c = upper_digit(digits, i, c);
		*code = *code << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
	}
	return true;
}

/* What a digit is often taken for. */
static bool taken_for(char digit, char seen)
{
	static const struct {
		char digit;
		const char *seen;
	} often[] = {
		{ '0', "0oOQ@DdeEgaG8B69cCu" }, { '1', "1lI|!i7TtJ]" }, { '7', "7?T1Ff/t" }, { 'C', "cC(GeoO6" },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(often); i++)
		if (often[i].digit == digit)
			return strchr(often[i].seen, seen) != NULL;
	return toupper((unsigned char)seen) == digit;
}

bool cf_code_resembles(const char *reading, uint32_t code)
{
	char seen[CF_CODE_TEXT], wanted[12];
	size_t n = behind_prefix(reading, seen);
	snprintf(wanted, sizeof wanted, "%08X", code);
	if (n < 6 || n > 9)
		return false;
	/* A digit may be missing or one too many among equal neighbours: so compare from both ends, and the middle only as zeros. */
	if (!taken_for(wanted[0], seen[0]) || !taken_for(wanted[6], seen[n - 2]) || !taken_for(wanted[7], seen[n - 1]))
		return false;
	for (size_t i = 1; i + 2 < n; i++)
		if (!taken_for(wanted[i < 6 ? i : 5], seen[i]))
			return false;
	return true;
}

/* Does a value contradict what the shapes say? */
static bool contradicts(uint32_t value, const struct cf_code_shape *s)
{
	unsigned zeros = 0;
	for (unsigned i = 1; i < 8; i++)
		if (!(value >> (28 - 4 * i) & 15))
			zeros |= 1u << i;
	bool twins = (value & 15) == (value >> 4 & 15);
	if (!s->known)
		return s->placed && twins && s->last_two < 0.55;
	return (s->zeros & ~zeros) || (s->not_zeros & zeros) || (twins ? s->last_two < 0.55 : s->last_two > 0.93);
}

/* Zeros from the shapes, other digits where all readings that have eight agree. */
static bool merge(const char (*reading)[CF_CODE_TEXT], size_t n, const struct cf_code_shape *s, uint32_t *value)
{
	char digit[8] = { 0 };
	unsigned votes[8] = { 0 };
	if (!s->known)
		return false;
	for (size_t r = 0; r < n; r++) {
		char seen[CF_CODE_TEXT];
		if (behind_prefix(reading[r], seen) != 8)
			continue;
		for (unsigned i = 0; i < 8; i++) {
			char c = plain_digit(seen[i]);
			if (c > '9') /* where zeros are read as e and a, a letter says nothing */
				c = i == 0 && c == 'C' ? 'C' : 0;
			else if (!c && seen[i] == '?')
				c = '7';
			if (s->zeros >> i & 1)
				c = '0';
			if (!c || (digit[i] && digit[i] != c))
				digit[i] = '!';
			else
				digit[i] = c;
			votes[i]++;
		}
	}
	*value = 0;
	for (unsigned i = 0; i < 8; i++) {
		if (!digit[i] || digit[i] == '!' || votes[i] < 2)
			return false;
		*value = *value << 4 | (uint32_t)(digit[i] <= '9' ? digit[i] - '0' : digit[i] - 'A' + 10);
	}
	return !contradicts(*value, s);
}

static void vote(const char (*reading)[CF_CODE_TEXT], size_t n, const struct cf_code_shape *s, struct cf_read_code *out)
{
	uint32_t value[CF_CODE_READINGS];
	unsigned count[CF_CODE_READINGS] = { 0 }, different = 0, best = 0, all = 0;
	for (size_t r = 0; r < n; r++) {
		uint32_t v;
		unsigned i = 0;
		if (!cf_code_strict(reading[r], &v) || contradicts(v, s))
			continue;
		while (i < different && value[i] != v)
			i++;
		if (i == different && different < CF_CODE_READINGS)
			value[different++] = v;
		count[i]++;
		all++;
	}
	for (unsigned i = 1; i < different; i++)
		best = count[i] > count[best] ? i : best;
	if (!different)
		return;
	bool tie = false;
	for (unsigned i = 0; i < different; i++)
		tie |= i != best && count[i] == count[best];
	/* One reading alone counts only when the shapes bear it out. */
	if (tie || (count[best] < 2 && !s->known))
		return;
	*out = (struct cf_read_code){ true, value[best], count[best] >= 3 && count[best] == all ? 0.98 : count[best] >= 2 ? CF_CODE_AGREED : 0.85 };
	if (s->known && out->sure < 0.95)
		out->sure += 0.03;
}

void cf_code_decide(const char (*reading)[CF_CODE_TEXT], size_t n, const struct cf_code_shape *shape, double no_memory,
		    struct cf_read_code *out)
{
	uint32_t value;
	*out = (struct cf_read_code){ 0 };
	n = n < CF_CODE_READINGS ? n : CF_CODE_READINGS;
	vote(reading, n, shape, out);
	if (!out->found && merge(reading, n, shape, &value))
		*out = (struct cf_read_code){ true, value, 0.85 };
	/* The sentence says the same as the code: together they are surer, and a misread digit is put right. */
	if (no_memory < 0.8 || (out->found && out->value == CF_STATUS_NO_MEMORY)) {
		if (no_memory >= 0.8)
			out->sure = 0.99;
		return;
	}
	for (size_t r = 0; r < n; r++)
		if (cf_code_resembles(reading[r], CF_STATUS_NO_MEMORY)) {
			*out = (struct cf_read_code){ true, CF_STATUS_NO_MEMORY, 0.90 };
			return;
		}
}
