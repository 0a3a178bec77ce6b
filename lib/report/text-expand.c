/* text-expand.c - how large the disk and Windows become, and what moves for it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

#define LABEL_WIDTH 22

static void line(struct cf_page *p, const char *label, uint64_t before, uint64_t after)
{
	char a[32], b[32], text[100];
	if (before == after)
		snprintf(text, sizeof text, "%s", cf_size(after, b));
	else
		snprintf(text, sizeof text, "%s -> %s", cf_size(before, a), cf_size(after, b));
	cf_page_item(p, 2, CF_INK_BOLD, label, LABEL_WIDTH, text);
}

static void sizes(struct cf_page *p, const json_t *x)
{
	size_t i;
	json_t *v;
	char label[60], text[200], a[32];
	line(p, _("Disk"), cf_num(x, "disk_size_before"), cf_num(x, "disk_size_after"));
	snprintf(label, sizeof label, _("Windows, partition %d"), (int)cf_num(x, "partition"));
	line(p, label, cf_num(x, "size_before"), cf_num(x, "size_after"));
	json_array_foreach(json_object_get(x, "moved"), i, v) {
		snprintf(label, sizeof label, _("Recovery, partition %d"), (int)cf_num(v, "partition"));
		if (json_is_true(json_object_get(v, "dropped")))
			snprintf(text, sizeof text, _("%s, deleted"), cf_size(cf_num(v, "size"), a));
		else
			snprintf(text, sizeof text, _("%s, moved whole from byte %llu to %llu"), cf_size(cf_num(v, "size"), a),
				 (unsigned long long)cf_num(v, "from"), (unsigned long long)cf_num(v, "to"));
		cf_page_item(p, 2, CF_INK_BOLD, label, LABEL_WIDTH, text);
	}
}

static void changes(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *c;
	cf_page_heading(p, _("Changes"));
	json_array_foreach(json_object_get(doc, "changes"), i, c) {
		char text[900];
		cf_page_item(p, 2, CF_INK_PLAIN, "", 0, cf_str(c, "what"));
		snprintf(text, sizeof text, "%.400s -> %.400s", cf_str(c, "before"), cf_str(c, "after"));
		cf_page_item(p, 4, CF_INK_PLAIN, "", 0, text);
	}
}

void cf_text_expand(struct cf_page *p, const cf_result *r)
{
	const json_t *doc = r->doc, *x = json_object_get(doc, "expand");
	char size[32], buf[1100];
	bool nothing = !json_array_size(json_object_get(doc, "changes")), declined = json_is_true(json_object_get(doc, "declined"));
	if (nothing) {
		cf_page_print(p, CF_INK_GREEN, _("Nothing to do: Windows has all the room of this disk (%s) already.\n"),
			      cf_size(cf_num(x, "disk_size_before"), size));
		return;
	}
	if (declined) {
		cf_page_print(p, CF_INK_PLAIN, _("Nothing was changed.\n"));
		return;
	}
	sizes(p, x);
	if (r->plan || r->dry_run || p->verbose > 0)
		changes(p, doc);
	cf_page_print(p, CF_INK_PLAIN, "\n");
	cf_size(r->plan || r->dry_run ? cf_num(doc, "bytes_planned") : cf_num(doc, "bytes_written"), size);
	if (r->plan) {
		cf_page_print(p, CF_INK_PLAIN, _("%s will be written; it was tried on an overlay and proved there.\n"), size);
	} else if (r->dry_run) {
		cf_page_print(p, CF_INK_PLAIN, _("Dry run: nothing was changed. %s would be written; it was tried on an overlay and proved there.\n"), size);
	} else {
		cf_page_print(p, CF_INK_GREEN, "%s", _("Expanded."));
		cf_page_print(p, CF_INK_PLAIN, _(" %s written, read back and compared.\n"), size);
		if (*cf_str(doc, "undo_file"))
			cf_page_print(p, CF_INK_PLAIN, _("To put every byte back: coldfix undo %s\n"), cf_quoted(p->disk, buf, sizeof buf));
	}
}
