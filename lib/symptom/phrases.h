/* phrases.h - the sentences by which a screen is known, found in text that may have been misread.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SYMPTOM_PHRASES_H
#define CF_SYMPTOM_PHRASES_H

#include "symptom/symptom.h"

struct cf_phrases {
	enum cf_screen screen;  /* the screen that its sentences speak for most; CF_SCREEN_UNKNOWN: none */
	const char *language;   /* of those sentences; NULL: none */
	unsigned n;             /* how many of them were found */
	double quality;         /* how well the best of them was found, 0..1; 1: letter for letter */
	double no_memory;       /* the same for "not enough memory to create a ramdisk device", in any language; 0: not there */
	const char *no_memory_language;
	size_t last;            /* where, in folded letters, the last sentence of the screen ends (logs: the latest event counts) */
};

/* exact: letter for letter and the last sentence in the text decides (a log); else tolerant and the weightiest sentences decide. */
int cf_phrases_find(const char *text, bool exact, struct cf_phrases *out) CF_MUST_CHECK;

/* Letters and digits only, lower case, without accents, letters that readers confuse made one. Appends; -1: out of memory. */
int cf_fold(const char *text, size_t n, struct cf_buf *out) CF_MUST_CHECK;

/* Least number of edits that turn `needle` into some part of `text`; *end: behind that part. Both folded. */
unsigned cf_distance_in(struct cf_span text, struct cf_span needle, size_t *end);

#endif
