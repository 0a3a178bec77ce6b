/* install.c - finding the Windows installations of a volume.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An installation is a folder that holds System32\config\SYSTEM: nothing else is asked of it, so that a damaged one
 * is still found. \Windows comes first, then the other top-level folders, then what a boot loader names (any depth).
 * Windows.old is not an installation unless a loader starts it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf16.h"
#include "windows/survey.h"

#define ATTRIBUTE_REPARSE 0x400u

struct folders {
	char *name[CF_SURVEY_MAX_FOLDERS];
	size_t n;
	bool no_memory;
};

static bool worth_a_look(const char *name, const struct cf_stat *st)
{
	if (st->kind != CF_FILE_DIRECTORY || st->reparse_tag || (st->attributes & ATTRIBUTE_REPARSE))
		return false;
	if (name[0] == '$' || strpbrk(name, "\\/") || strlen(name) > CF_SURVEY_MAX_NAME)
		return false; /* a backslash: a name with an escape, which is no path */
	return !cf_utf8_eq_nocase(name, "Windows.old") && !cf_utf8_eq_nocase(name, "System Volume Information");
}

static int collect(void *user, const char *name, const struct cf_stat *st)
{
	struct folders *f = user;
	if (!worth_a_look(name, st))
		return 0;
	bool first = cf_utf8_eq_nocase(name, "Windows");
	if (f->n == CF_SURVEY_MAX_FOLDERS && !first)
		return 0;
	char *copy = strdup(name);
	if (!copy) {
		f->no_memory = true;
		return 1;
	}
	if (f->n == CF_SURVEY_MAX_FOLDERS)
		free(f->name[--f->n]);
	f->name[f->n++] = copy;
	if (first) {
		char *other = f->name[0];
		f->name[0] = copy;
		f->name[f->n - 1] = other;
	}
	return 0;
}

static void folders_free(struct folders *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->name[i]);
	f->n = 0;
}

static bool known(const struct cf_machine *m, size_t vol, const char *root)
{
	for (size_t i = 0; i < m->n_installs; i++)
		if (m->install[i].vol == vol && cf_utf8_eq_nocase(m->install[i].root, root))
			return true;
	return false;
}

/* Adds root ("\\Windows") when it is an installation that is not known yet. */
static int try_root(struct cf_machine *m, size_t vol, const char *root, struct cf_error *err)
{
	CF_FREE char *hive = NULL;
	struct cf_stat st;
	if (m->n_installs >= CF_SURVEY_MAX_INSTALLS || known(m, vol, root))
		return 0;
	if (asprintf(&hive, "%s\\System32\\config\\SYSTEM", root) < 0) {
		hive = NULL;
		return cf_fail_nomem(err);
	}
	if (cf_volume_stat(m->vol[vol].vol, hive, &st, NULL) < 0 || st.kind != CF_FILE_REGULAR)
		return 0;
	struct cf_install *grown = realloc(m->install, (m->n_installs + 1) * sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	m->install = grown;
	struct cf_install *in = &grown[m->n_installs];
	*in = (struct cf_install){ .vol = vol, .store = -1, .own_letter = 'C' };
	in->root = strdup(root);
	if (!in->root)
		return cf_fail_nomem(err);
	m->n_installs++;
	return 0;
}

static int search_volume(struct cf_machine *m, size_t vol, struct cf_error *err)
{
	CF_CLEANUP(folders_free) struct folders f = { .n = 0 };
	struct cf_error why = { 0 };
	int r = cf_volume_list(m->vol[vol].vol, "\\", collect, &f, &why);
	if (f.no_memory || why.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < f.n; i++) {
		CF_FREE char *root = NULL;
		if (asprintf(&root, "\\%s", f.name[i]) < 0) {
			root = NULL;
			return cf_fail_nomem(err);
		}
		if (try_root(m, vol, root, err) < 0)
			return -1;
	}
	/* A root folder that can't be listed may still lead to the file by name. */
	return r < 0 ? try_root(m, vol, "\\Windows", err) : 0;
}

/* Folders that the loaders of a store start from. */
static int search_loaders(struct cf_machine *m, const struct cf_boot_store *s, struct cf_error *err)
{
	for (size_t i = 0; i < s->bcd.n; i++) {
		const struct cf_bcd_object *o = &s->bcd.object[i];
		if (!cf_is_loader(o))
			continue;
		int vol = cf_loader_volume(m, s, o);
		if (vol < 0 || !m->vol[vol].vol)
			continue;
		bool no_memory = false;
		CF_FREE char *root = cf_loader_root(o, &no_memory);
		if (no_memory)
			return cf_fail_nomem(err);
		if (root && try_root(m, (size_t)vol, root, err) < 0)
			return -1;
	}
	return 0;
}

int cf_survey_installs(struct cf_machine *m, struct cf_error *err)
{
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].vol && search_volume(m, i, err) < 0)
			return -1;
	for (size_t i = 0; i < m->n_stores; i++)
		if (search_loaders(m, &m->store[i], err) < 0)
			return -1;
	return 0;
}
