/* text-dump-collect.c - which dumps were copied out, and whether they are whole.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

#define LABEL 9

static void one(struct cf_page *p, const json_t *d)
{
	const json_t *files = json_object_get(d, "files");
	char size[32], line[700];
	size_t i;
	json_t *f;
	cf_page_print(p, CF_INK_BOLD, "%s", cf_str(d, "path"));
	cf_page_print(p, CF_INK_PLAIN, "%s%s, %s%s%s\n", *cf_str(d, "kind") ? ", " : "", cf_str(d, "kind"), cf_size(cf_num(d, "size"), size),
		      *cf_str(d, "time") ? ", " : "", cf_str(d, "time"));
	if (*cf_str(d, "error"))
		cf_page_item(p, 2, CF_INK_RED, _("not collected"), 15, cf_str(d, "error"));
	if (json_is_false(json_object_get(d, "complete")))
		cf_page_item(p, 2, CF_INK_YELLOW, _("cut short"), LABEL + 2, cf_str(d, "cut"));
	json_array_foreach(files, i, f) {
		snprintf(line, sizeof line, "%s (%s)", cf_str(f, "file"), cf_size(cf_num(f, "size"), size));
		cf_page_item(p, 2, CF_INK_GREEN, i ? "" : "->", LABEL, line);
	}
	if (*cf_str(d, "sha256"))
		cf_page_item(p, 2, CF_INK_PLAIN, "SHA-256", LABEL, cf_str(d, "sha256"));
	if (json_is_true(json_object_get(d, "recorded")))
		cf_page_item(p, 2, CF_INK_DIM, _("note"), LABEL, _("recorded as collected: a repair may now delete that paging file"));
}

void cf_text_dump_collect(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *d;
	json_array_foreach(json_object_get(doc, "collected"), i, d)
		one(p, d);
	cf_page_print(p, CF_INK_PLAIN, "\n");
	cf_page_item(p, 0, CF_INK_YELLOW, "", 0, cf_str(doc, "warning"));
}
