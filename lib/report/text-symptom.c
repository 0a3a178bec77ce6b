/* text-symptom.c - what a screenshot or a log shows, for people.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

#define LABEL 9

static const char *in_words(const char *value, const char *const (*table)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(value, table[i][0]) == 0)
			return _(table[i][1]);
	return value;
}

static void one(struct cf_page *p, const json_t *f)
{
	static const char *const screens[][2] = {
		{ "boot-manager", N_("Windows Boot Manager") }, { "recovery", N_("Recovery screen") },
		{ "starting-windows", N_("Starting Windows") }, { "stop", N_("stop screen (blue screen)") },
		{ "check-disk", N_("disk check") }, { "login", N_("log-in screen: Windows has started") },
		{ "blank", N_("blank") }, { "serial", N_("serial console") }, { "unknown", N_("not recognised") },
	};
	static const char *const languages[][2] = {
		{ "en", N_("English") }, { "sv", N_("Swedish") }, { "nl", N_("Dutch") }, { "fr", N_("French") },
	};
	static const char *const articles[][2] = { { "status-no-memory", N_("status-no-memory (Windows stop error - Status No Memory)") },
						   { "starting-windows", N_("starting-windows (VM boot error: Starting Windows)") } };
	char line[300];
	const char *language = cf_str(f, "language"), *code = cf_str(f, "code"), *name = cf_str(f, "code_name");
	bool known = json_is_true(json_object_get(f, "recognised"));
	cf_page_print(p, CF_INK_BOLD, "%s\n", cf_str(f, "path"));
	if (*cf_str(f, "error")) {
		cf_page_item(p, 2, CF_INK_RED, _("Error"), LABEL, cf_str(f, "error"));
		return;
	}
	snprintf(line, sizeof line, "%s%s%s", in_words(cf_str(f, "screen"), screens, CF_ARRAY_LEN(screens)), *language ? ", " : "",
		 *language ? in_words(language, languages, CF_ARRAY_LEN(languages)) : "");
	if (known)
		snprintf(line + strlen(line), sizeof line - strlen(line), _(" (%.0f %% sure)"),
			 json_real_value(json_object_get(f, "confidence")) * 100);
	cf_page_item(p, 2, known ? CF_INK_PLAIN : CF_INK_YELLOW, _("Screen"), LABEL, line);
	if (*code) {
		snprintf(line, sizeof line, "%s%s%s", code, *name ? " " : "", name);
		cf_page_item(p, 2, CF_INK_PLAIN, _("Code"), LABEL, line);
	}
	if (*cf_str(f, "article"))
		cf_page_item(p, 2, CF_INK_CYAN, _("Article"), LABEL, in_words(cf_str(f, "article"), articles, CF_ARRAY_LEN(articles)));
	if (*cf_str(f, "note"))
		cf_page_item(p, 2, CF_INK_PLAIN, _("Note"), LABEL, _(cf_str(f, "note")));
	if (*cf_str(f, "next") && p->verbose >= 0)
		cf_page_item(p, 2, CF_INK_PLAIN, _("Next"), LABEL, cf_str(f, "next"));
	if (p->verbose > 0 && *cf_str(f, "text"))
		cf_page_item(p, 2, CF_INK_DIM, _("Text"), LABEL, cf_str(f, "text"));
}

void cf_text_symptom(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(doc, "files"), i, f) {
		if (i)
			cf_page_print(p, CF_INK_PLAIN, "\n");
		one(p, f);
	}
}
