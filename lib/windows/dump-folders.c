/* dump-folders.c - where dumps of single programs go: LocalDumps of Windows Error Reporting.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: Microsoft's "Collecting User-Mode Dumps": DumpFolder of SOFTWARE\\Microsoft\\Windows\\Windows Error Reporting\\LocalDumps, and of a subkey
 * for each program; without it %LOCALAPPDATA%\\CrashDumps.
 */
#include <stdlib.h>

#include "windows/survey.h"

#define LOCAL_DUMPS "Microsoft\\Windows\\Windows Error Reporting\\LocalDumps"
#define MAX_PROGRAMS 64 /* keys of single programs; a machine has a few */

struct walk {
	const struct cf_hive *hive;
	char **folder;
	size_t n;
};

/* -1: no memory. What can't be read is left out: hive-corrupt says that the hive is damaged. */
static int take_folder(struct walk *w, cf_key key)
{
	CF_VALUE v = { 0 };
	struct cf_error why = { 0 };
	if (cf_hive_value(w->hive, key, "", "DumpFolder", &v, &why) < 0)
		return why.code == CF_E_NO_MEMORY ? -1 : 0;
	char *text = cf_value_string(&v);
	if (!text || !*text) {
		free(text);
		return 0;
	}
	w->folder[w->n++] = text;
	return 0;
}

static int each(void *user, cf_key sub, const char *name)
{
	struct walk *w = user;
	(void)name;
	if (w->n > MAX_PROGRAMS)
		return 1;
	return take_folder(w, sub) < 0 ? -2 : 0;
}

int cf_survey_dump_folders(struct cf_install *in, struct cf_error *err)
{
	struct walk w = { .hive = in->software.hive };
	struct cf_error why = { 0 };
	cf_key key;
	if (cf_hive_find(w.hive, cf_hive_root(w.hive), LOCAL_DUMPS, &key, &why) < 0)
		return why.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
	in->dump_folders = w.folder = calloc(MAX_PROGRAMS + 3, sizeof *w.folder);
	if (!w.folder || take_folder(&w, key) < 0)
		return cf_fail_nomem(err);
	int r = cf_hive_subkeys(w.hive, key, each, &w, &why);
	return r == -2 || (r < 0 && why.code == CF_E_NO_MEMORY) ? cf_fail_nomem(err) : 0;
}
