/* text-configure.c - dump configure: the arithmetic, the values, and what became of them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

static enum cf_ink ink_of(const char *fits)
{
	return strcmp(fits, "yes") == 0 ? CF_INK_GREEN : CF_INK_YELLOW;
}

static void arithmetic(struct cf_page *p, const json_t *doc)
{
	const json_t *rows = json_object_get(doc, "arithmetic"), *notes = json_object_get(doc, "notes");
	const char *last = "";
	size_t i;
	json_t *v;
	cf_page_heading(p, _("Will a dump be written?"));
	json_array_foreach(rows, i, v) {
		char line[1200];
		/* Control sets that are alike are said once. */
		if (strcmp(cf_str(v, "sentence"), last) == 0 && strcmp(cf_str(v, "type"), cf_str(json_array_get(rows, i - 1), "type")) == 0)
			continue;
		last = cf_str(v, "sentence");
		snprintf(line, sizeof line, "%s: %s", cf_str(v, "control_set"), last);
		cf_page_item(p, 2, ink_of(cf_str(v, "fits")), cf_str(v, "fits"), 9, line);
	}
	json_array_foreach(notes, i, v)
		cf_page_item(p, 2, CF_INK_DIM, _("note"), 9, json_string_value(v));
}

static void left(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(doc, "problems"), i, f)
		if (strcmp(cf_str(f, "status"), "left") == 0)
			cf_page_item(p, 0, CF_INK_YELLOW, _("Left:"), 6, cf_str(f, "reason"));
}

void cf_text_configure(struct cf_page *p, const cf_result *r)
{
	const json_t *doc = r->doc;
	uint64_t planned = cf_num(doc, "bytes_planned"), written = cf_num(doc, "bytes_written");
	bool declined = json_is_true(json_object_get(doc, "declined")), preview = r->plan || r->dry_run;
	char size[32], buf[1100];
	if (!declined && !(written && p->verbose < 1)) {
		cf_text_disk(p, doc, false);
		arithmetic(p, doc);
		if (preview || written)
			cf_text_changes(p, doc, preview ? _("Plan") : _("Changes"));
	}
	if (preview || !written)
		cf_page_print(p, CF_INK_PLAIN, "\n");
	left(p, doc);
	if (r->plan) {
		cf_page_print(p, CF_INK_PLAIN, _("%s will be written in one transaction; it was tried on an overlay and proved there.\n"),
			      cf_size(planned, size));
	} else if (declined || (!preview && !written && r->exit_status)) {
		cf_page_print(p, CF_INK_PLAIN, _("Nothing was changed.\n"));
	} else if (r->dry_run && planned) {
		cf_page_print(p, CF_INK_PLAIN, _("Dry run: nothing was changed. %s would be written; it was tried on an overlay and proved there.\n"),
			      cf_size(planned, size));
	} else if (!written) {
		cf_page_print(p, CF_INK_GREEN, _("Every value is as it should be: nothing to change.\n"));
	} else {
		cf_page_print(p, CF_INK_GREEN, "%s", _("Crash dumps are set up."));
		cf_page_print(p, CF_INK_PLAIN, _(" %s written, read back and compared.\n"), cf_size(written, size));
		if (*cf_str(doc, "backup_folder"))
			cf_page_print(p, CF_INK_PLAIN, _("Hives before it: %s\n"), cf_str(doc, "backup_folder"));
		if (*cf_str(doc, "undo_file"))
			cf_page_print(p, CF_INK_PLAIN, _("To put every byte back: coldfix undo %s\n"), cf_quoted(p->disk, buf, sizeof buf));
		cf_page_print(p, CF_INK_PLAIN, _("Next: start the VM, crash it (NMI), then: coldfix dump %s collect --to DIR\n"),
			      cf_quoted(p->disk, buf, sizeof buf));
	}
}
