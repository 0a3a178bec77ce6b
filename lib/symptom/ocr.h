/* ocr.h - the text in a picture, read by tesseract.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program tesseract runs as a child that can read only the system's own folders, write nothing but its answer, open no
 * connection, and has limits on memory and time. It gets a plain PGM that we made, never a file that came from outside.
 */
#ifndef CF_SYMPTOM_OCR_H
#define CF_SYMPTOM_OCR_H

#include "symptom/picture.h"

#define CF_WORD_TEXT 64
#define CF_MAX_WORDS 3000

struct cf_word {
	unsigned x, y, w, h;      /* pixels of the picture that was given */
	unsigned line;            /* words of one line have the same number; ascending */
	int sure;                 /* 0..100 */
	char text[CF_WORD_TEXT];  /* UTF-8, no spaces */
};

struct cf_words {
	size_t n;
	struct cf_word *word; /* malloc'd */
};

enum cf_ocr_mode { CF_OCR_PAGE, CF_OCR_SCATTERED, CF_OCR_LINE }; /* one block of lines; text here and there; one line */

/* Reads a picture with the data of `languages` ("eng", "eng+swe"). only: the characters that may occur, or NULL.
 * CF_E_UNSUPPORTED with the names of the packages when tesseract or its data is missing. Free out->word in any case. */
int cf_ocr(const struct cf_grey *picture, enum cf_ocr_mode mode, const char *languages, const char *only, struct cf_words *out,
	   struct cf_error *err) CF_MUST_CHECK;

/* Reads tesseract's table (TSV); hostile text is cut, never trusted. -1: out of memory. */
int cf_ocr_table(struct cf_span tsv, struct cf_words *out) CF_MUST_CHECK;

#endif
