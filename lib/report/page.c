/* page.c - laying out text for people.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf16.h"
#include "problem/problem.h"

static const char *const escape[] = { "", "\033[1m", "\033[2m", "\033[31m", "\033[33m", "\033[32m", "\033[36m" };

static void add(struct cf_page *p, const char *s, size_t n)
{
	if (cf_buf_append(&p->out, s, n) < 0)
		p->no_memory = true;
}

void cf_page_print(struct cf_page *p, enum cf_ink ink, const char *fmt, ...)
{
	bool paint = p->color && ink != CF_INK_PLAIN;
	va_list ap;
	if (paint)
		add(p, escape[ink], strlen(escape[ink]));
	size_t start = p->out.n;
	va_start(ap, fmt);
	/* Whatever was put into a record, no control character but the page's own line breaks reaches the terminal. */
	if (cf_buf_vprintf(&p->out, fmt, ap) < 0 || cf_buf_append(&p->out, "", 1) < 0)
		p->no_memory = true;
	else
		p->out.n = start + cf_text_tame((char *)p->out.p + start, true);
	va_end(ap);
	if (paint)
		add(p, "\033[0m", 4);
}

size_t cf_text_columns(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void pad(struct cf_page *p, size_t n)
{
	while (n--)
		add(p, " ", 1);
}

void cf_page_item(struct cf_page *p, size_t indent, enum cf_ink ink, const char *label, size_t label_width, const char *given)
{
	CF_FREE char *copy = strdup(given);
	if (!copy) {
		p->no_memory = true;
		return;
	}
	cf_text_tame(copy, false);
	const char *text = copy;
	size_t left = indent + label_width, col;
	label = label ? label : "";
	pad(p, indent);
	cf_page_print(p, ink, "%s", label);
	size_t used = cf_text_columns(label);
	if (used >= label_width && label_width) {
		add(p, "\n", 1);
		pad(p, left);
	} else {
		pad(p, label_width - used);
	}
	col = left;
	while (*text == ' ')
		text++;
	for (bool first = true; *text; first = false) {
		size_t n = strcspn(text, " ");
		char word[1200];
		snprintf(word, sizeof word, "%.*s", (int)cf_min_u64(n, sizeof word - 1), text);
		size_t w = cf_text_columns(word);
		if (!first && col + 1 + w > p->width) {
			add(p, "\n", 1);
			pad(p, left);
			col = left;
		} else if (!first) {
			add(p, " ", 1);
			col++;
		}
		add(p, text, n);
		col += w;
		text += n + strspn(text + n, " ");
	}
	add(p, "\n", 1);
}

void cf_page_heading(struct cf_page *p, const char *text)
{
	cf_page_print(p, CF_INK_PLAIN, "\n");
	cf_page_print(p, CF_INK_BOLD, "%s", text);
	cf_page_print(p, CF_INK_PLAIN, "\n");
}

const char *cf_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s ? s : "";
}

uint64_t cf_num(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));
	return n < 0 ? 0 : (uint64_t)n;
}

char *cf_size(uint64_t bytes, char *out)
{
	return cf_size_text(bytes, out);
}
