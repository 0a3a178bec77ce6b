/* page.h - laying out text for people: colours, indents, wrapped lines.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_REPORT_PAGE_H
#define CF_REPORT_PAGE_H

#include "job/result.h"

#include "base/i18n.h"
#include "base/span.h"

enum cf_ink { CF_INK_PLAIN, CF_INK_BOLD, CF_INK_DIM, CF_INK_RED, CF_INK_YELLOW, CF_INK_GREEN, CF_INK_CYAN };

struct cf_page {
	struct cf_buf out;
	bool color, no_memory;
	size_t width;
	int verbose;
	const char *disk; /* the disk's path byte by byte, for commands to type */
};

void cf_page_print(struct cf_page *p, enum cf_ink ink, const char *fmt, ...) CF_PRINTF(3, 4);

/* A label in its own column, then text wrapped behind it; label NULL or "": only the indent. */
void cf_page_item(struct cf_page *p, size_t indent, enum cf_ink ink, const char *label, size_t label_width, const char *text);

/* A heading with a blank line before it. */
void cf_page_heading(struct cf_page *p, const char *text);

/* Columns that UTF-8 text takes (one per code point: good enough for names). */
size_t cf_text_columns(const char *s);

/* A malloc'd copy of a record with every control and direction character in its strings escaped as \xNN or \uNNNN: names come
 * from disks, and a terminal obeys what it is sent. NULL when out of memory. */
json_t *cf_page_safe(const json_t *record);

/* json_string_value, "" for anything else. */
const char *cf_str(const json_t *o, const char *key);
uint64_t cf_num(const json_t *o, const char *key);

/* "126 GiB" of a JSON number. */
char *cf_size(uint64_t bytes, char *out);

/* The renderers of the single parts. */
void cf_text_expand(struct cf_page *p, const cf_result *r);
void cf_text_disk(struct cf_page *p, const json_t *doc, bool full);
void cf_text_bcd(struct cf_page *p, const json_t *doc);
void cf_text_defrag(struct cf_page *p, const struct cf_result *r);
void cf_text_space(struct cf_page *p, const json_t *doc);
void cf_text_dumps(struct cf_page *p, const json_t *doc);
void cf_text_symptom(struct cf_page *p, const json_t *doc);
void cf_text_collect(struct cf_page *p, const json_t *doc);
void cf_text_cleanup(struct cf_page *p, const cf_result *r);
void cf_text_dump_collect(struct cf_page *p, const json_t *doc);
void cf_text_configure(struct cf_page *p, const cf_result *r);
void cf_text_changes(struct cf_page *p, const json_t *doc, const char *title);

/* A path as a shell needs it typed; out has n bytes and may not be used. */
const char *cf_quoted(const char *path, char *out, size_t n);

#endif
