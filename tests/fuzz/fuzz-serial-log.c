/* fuzz-serial-log.c - a serial log, and tesseract's table, from hostile bytes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first byte chooses: even, the rest is a log; odd, it is the table that is read back from the text reader.
 */
#include <stdlib.h>

#include "symptom/ocr.h"
#include "symptom/symptom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_log(struct cf_span log)
{
	struct cf_symptom s = { 0 };
	struct cf_error err = { 0 };
	cf_is_log(log);
	if (cf_symptom_log(log, &s, &err) < 0)
		abort();
	if (s.screen != CF_SCREEN_UNKNOWN && s.screen != CF_SCREEN_SERIAL)
		abort();
	if (s.article && (!s.has_code || s.code != CF_STATUS_NO_MEMORY))
		abort();
	if (!s.text.n || s.text.p[s.text.n - 1] || memchr(s.text.p, 0x1b, s.text.n))
		abort();
	cf_buf_free(&s.text);
}

static void read_table(struct cf_span table)
{
	struct cf_words w;
	if (cf_ocr_table(table, &w) < 0)
		abort();
	for (size_t i = 0; i < w.n; i++)
		if (!w.word[i].text[0] || strlen(w.word[i].text) >= CF_WORD_TEXT || w.word[i].sure > 100 || (i && w.word[i].line < w.word[i - 1].line))
			abort();
	free(w.word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct cf_span rest = cf_span_of(data + 1, size - 1);
	if (data[0] & 1)
		read_table(rest);
	else
		read_log(rest);
	return 0;
}
