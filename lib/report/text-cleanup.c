/* text-cleanup.c - the classes of a clean-up as a table, what stays and why, and the outcome.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

#define ID_WIDTH 24
#define NUMBERS_WIDTH 26 /* "  123456 files     999 MiB  " */

static void row(struct cf_page *p, const json_t *c)
{
	char label[120], files[32], size[32], text[700];
	uint64_t n = cf_num(c, "files"), folders = cf_num(c, "folders");
	const char *blocked = cf_str(c, "blocked");
	bool some = n || folders;
	snprintf(files, sizeof files, n == 1 ? _("%llu file") : _("%llu files"), (unsigned long long)n);
	snprintf(label, sizeof label, "%-*s%13s %11s", ID_WIDTH - 1, cf_str(c, "id"), some ? files : "-",
		 some ? cf_size(cf_num(c, "bytes"), size) : "-");
	bool explain = !*blocked && (p->verbose > 0 || (some && !json_is_true(json_object_get(c, "default"))));
	snprintf(text, sizeof text, "%s%s%s", cf_str(c, "title"), *blocked ? _("; stays: ") : explain ? ": " : "",
		 *blocked ? blocked : explain ? cf_str(c, "means") : "");
	cf_page_item(p, 2, json_is_true(json_object_get(c, "chosen")) && some ? CF_INK_CYAN : CF_INK_PLAIN, label, ID_WIDTH + NUMBERS_WIDTH + 1,
		     text);
	size_t i;
	json_t *f;
	if (p->verbose <= 0)
		return;
	json_array_foreach(json_object_get(c, "largest"), i, f) {
		snprintf(text, sizeof text, "%10s  %s", cf_size(cf_num(f, "bytes"), size), cf_str(f, "path"));
		cf_page_item(p, 4, CF_INK_DIM, "", ID_WIDTH, text);
	}
}

static void table(struct cf_page *p, const json_t *doc, const char *title, bool chosen)
{
	size_t i;
	json_t *c;
	bool any = false;
	json_array_foreach(json_object_get(doc, "classes"), i, c) {
		bool is_default = json_is_true(json_object_get(c, "default")), is_chosen = json_is_true(json_object_get(c, "chosen"));
		bool blocked = *cf_str(c, "blocked");
		/* A default class that must wait is shown where it would have been. */
		if (chosen != (is_chosen || (blocked && is_default)))
			continue;
		if (!chosen && p->verbose <= 0 && !cf_num(c, "files") && !cf_num(c, "folders"))
			continue;
		if (!any)
			cf_page_heading(p, title);
		any = true;
		row(p, c);
	}
}

/* One line for each reason, over the chosen classes. */
static void stays(struct cf_page *p, const json_t *doc)
{
	static const struct {
		const char *word, *text;
	} reasons[] = {
		{ "young", N_("%llu temporary files (%s) of the last %llu days before the VM stopped; --keep-days 0 takes them too") },
		{ "hard-link", N_("%llu names (%s) of files that have another name elsewhere: deleting them would free nothing") },
		{ "link", N_("%llu links and other reparse points: they are not followed") },
		{ "dump", N_("%llu crash dumps (%s)") },
		{ "system", N_("%llu files (%s) with the System attribute") },
		{ "pending", N_("%llu files (%s) that the next start of Windows renames or deletes") },
		{ "damaged", N_("%llu names whose records can't be read; have Windows run chkdsk") },
	};
	bool any = false;
	for (size_t k = 0; k < CF_ARRAY_LEN(reasons); k++) {
		uint64_t files = 0, bytes = 0;
		char line[300], size[32], text[240];
		size_t i;
		json_t *c;
		json_array_foreach(json_object_get(doc, "classes"), i, c) {
			const json_t *kept = json_object_get(json_object_get(c, "kept"), reasons[k].word);
			if (!json_is_true(json_object_get(c, "chosen")))
				continue;
			files += cf_num(kept, "files");
			bytes += cf_num(kept, "bytes");
		}
		if (!files)
			continue;
		if (!any)
			cf_page_heading(p, _("Stays"));
		any = true;
		cf_size(bytes, size);
		/* Each text of the list above takes these in this order, or fewer. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof text, _(reasons[k].text), (unsigned long long)files, size, (unsigned long long)cf_num(doc, "keep_days"));
#pragma GCC diagnostic pop
		snprintf(line, sizeof line, "%s", text);
		cf_page_item(p, 2, CF_INK_PLAIN, "", 0, line);
	}
}

static void heading(struct cf_page *p, const json_t *doc)
{
	const json_t *v = json_object_get(doc, "volume");
	char line[300], free_now[32], total[32], frees[32];
	snprintf(line, sizeof line, _("%s of %s are free; deleting the marked classes gives back %s"), cf_size(cf_num(v, "free_bytes"), free_now),
		 cf_size(cf_num(v, "total_bytes"), total), cf_size(cf_num(doc, "bytes"), frees));
	char label[80];
	snprintf(label, sizeof label, "%s", cf_str(v, "name"));
	cf_page_item(p, 0, CF_INK_BOLD, label, 10, line);
}

static void outcome(struct cf_page *p, const cf_result *r)
{
	const json_t *doc = r->doc, *v = json_object_get(doc, "volume");
	char size[32], after[32], frees[32], buf[1100];
	uint64_t written = cf_num(doc, "bytes_written"), files = cf_num(doc, "files");
	cf_size(cf_num(doc, "bytes"), frees);
	cf_size(cf_num(v, "free_bytes_after"), after);
	if (!cf_num(doc, "files") && !cf_num(doc, "folders")) {
		cf_page_print(p, CF_INK_PLAIN, r->dry_run ? _("Dry run: there is nothing to delete.\n") : _("There is nothing to delete: nothing was changed.\n"));
	} else if (json_is_true(json_object_get(doc, "declined"))) {
		cf_page_print(p, CF_INK_PLAIN, _("Nothing was changed.\n"));
	} else if (r->plan || r->dry_run) {
		cf_page_print(p, CF_INK_PLAIN, "%s", r->plan ? "" : _("Dry run: nothing was changed. "));
		cf_page_print(p, CF_INK_PLAIN,
			      json_is_true(json_object_get(doc, "in_steps"))
				      ? _("%s of metadata will be written in the first of several transactions; it was tried on an overlay and proved there.\n")
				      : _("%s of metadata will be written in one transaction; it was tried on an overlay and proved there.\n"),
			      cf_size(cf_num(doc, "bytes_planned"), size));
	} else {
		cf_page_print(p, CF_INK_GREEN, files == 1 ? _("Deleted %llu file, %s came free; %s are free now.") : _("Deleted %llu files, %s came free; %s are free now."),
			      (unsigned long long)files, frees, after);
		cf_page_print(p, CF_INK_PLAIN, _(" %s written, read back and compared.\n"), cf_size(written, size));
		if (*cf_str(doc, "undo_file"))
			cf_page_print(p, CF_INK_PLAIN, _("To put every byte back: coldfix undo %s\n"), cf_quoted(p->disk, buf, sizeof buf));
	}
}

void cf_text_cleanup(struct cf_page *p, const cf_result *r)
{
	const json_t *doc = r->doc;
	size_t i;
	json_t *note;
	bool before = r->plan || r->dry_run || !cf_num(doc, "bytes_written");
	if (before && !json_is_true(json_object_get(doc, "declined"))) {
		cf_text_disk(p, doc, false);
		heading(p, doc);
		table(p, doc, _("To be deleted"), true);
		if (p->verbose >= 0) {
			table(p, doc, _("On request (--class ID,...)"), false);
			stays(p, doc);
			cf_page_heading(p, _("Notes"));
			json_array_foreach(json_object_get(doc, "notes"), i, note)
				cf_page_item(p, 2, CF_INK_PLAIN, "", 0, json_string_value(note));
		}
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
	outcome(p, r);
}
