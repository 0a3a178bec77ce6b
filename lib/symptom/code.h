/* code.h - an error code out of several readings of it, none of which is trusted alone.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Readers of text take one digit for another, and 0xC0000017 must never come out of another code. So a code is read several times
 * from pictures of different size, and the shapes of its digits are compared with each other: the first character is a zero
 * whatever the font is, so what looks like it is a zero, and what looks different is not.
 */
#ifndef CF_SYMPTOM_CODE_H
#define CF_SYMPTOM_CODE_H

#include "symptom/picture.h"
#include "symptom/symptom.h"

#define CF_CODE_READINGS 8
#define CF_CODE_TEXT 40

/* What comparing the shapes of "0x" and eight digits says; the digits are numbered 0 … 7, and digit 0 is not looked at. */
struct cf_code_shape {
	bool placed; /* the digits were found: last_two can be believed */
	bool known;  /* and so many of them are zeros that all of this can */
	unsigned zeros;    /* bit i: digit i surely is a zero */
	unsigned not_zeros;/* bit i: digit i surely is none; in neither: it may be */
	double last_two;   /* how alike the digits 6 and 7 are, -1 … 1 */
};

void cf_code_shape_of(const struct cf_grey *line, struct cf_code_shape *out);

/* Does text begin with 0x, or with what readers make of it? */
bool cf_code_begins(const char *text);

/* Eight hexadecimal digits behind 0x at the beginning of text; strict: only letters that can be no other digit are put right
 * (O, l, …). False when it is no code. */
bool cf_code_strict(const char *text, uint32_t *code);

#define CF_CODE_AGREED 0.93 /* sure of a code that several readings agree on */

struct cf_read_code {
	bool found;
	uint32_t value;
	double sure;
};

/* Decides. no_memory: how surely the screen says in words that memory for a ramdisk is missing (0..1). */
void cf_code_decide(const char (*reading)[CF_CODE_TEXT], size_t n, const struct cf_code_shape *shape, double no_memory,
		    struct cf_read_code *out);

/* Does some reading look like an attempt at this code: each character right or one that it is often taken for? */
bool cf_code_resembles(const char *reading, uint32_t code);

#endif
