/* usage-class.c - where the classes of usage begin: folders and files by their paths.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A folder's class holds for everything beneath it until another one begins. Paths are those of Disk Cleanup's handlers and of Windows'
 * defaults (formats.md 5 in the sources' words); paging files and dumps are where the registry has them.
 */
#include "space/usage-internal.h"

#include <stdlib.h>

#include "base/grow.h"
#include "base/i18n.h"
#include "base/utf16.h"
#include "dump/find.h"

#define FOLDERS_MAX 4096u /* user profiles, service profiles, snapshots: names that are looked into */

static const struct {
	const char *word, *text;
} class_names[CF_USAGE_CLASSES] = {
	[CF_USAGE_WINDOWS] = { "windows", N_("Windows") },
	[CF_USAGE_WINSXS] = { "winsxs", N_("Component store (WinSxS)") },
	[CF_USAGE_PROGRAMS] = { "programs", N_("Programs") },
	[CF_USAGE_USERS] = { "users", N_("Users") },
	[CF_USAGE_PAGING] = { "paging", N_("Paging files") },
	[CF_USAGE_HIBERNATION] = { "hibernation", N_("Hibernation file") },
	[CF_USAGE_DUMPS] = { "dumps", N_("Crash dumps") },
	[CF_USAGE_UPDATES] = { "updates", N_("Update downloads") },
	[CF_USAGE_SHADOW] = { "shadow-copies", N_("Shadow copies") },
	[CF_USAGE_TEMP] = { "temp", N_("Temporary files") },
	[CF_USAGE_RECYCLE] = { "recycle-bin", N_("Recycle bin") },
	[CF_USAGE_OLD_WINDOWS] = { "old-windows", N_("Previous Windows, setup") },
	[CF_USAGE_NTFS] = { "ntfs", N_("NTFS itself") },
	[CF_USAGE_OTHER] = { "other", N_("Everything else") },
};

const char *cf_usage_class_word(enum cf_usage_class c)
{
	return (unsigned)c < CF_USAGE_CLASSES ? class_names[c].word : "";
}

const char *cf_usage_class_text(enum cf_usage_class c)
{
	return (unsigned)c < CF_USAGE_CLASSES ? _(class_names[c].text) : "";
}

struct rule {
	const char *path;
	enum cf_usage_class class;
};

/* On the volume. */
static const struct rule volume_rules[] = {
	{ "\\Program Files", CF_USAGE_PROGRAMS },
	{ "\\Program Files (x86)", CF_USAGE_PROGRAMS },
	{ "\\Program Files (Arm)", CF_USAGE_PROGRAMS },
	{ "\\ProgramData", CF_USAGE_PROGRAMS },
	{ "\\Users", CF_USAGE_USERS },
	{ "\\Documents and Settings", CF_USAGE_USERS },
	{ "\\pagefile.sys", CF_USAGE_PAGING },
	{ "\\swapfile.sys", CF_USAGE_PAGING },
	{ "\\hiberfil.sys", CF_USAGE_HIBERNATION },
	{ "\\DumpStack.log", CF_USAGE_DUMPS },
	{ "\\DumpStack.log.tmp", CF_USAGE_DUMPS },
	{ "\\$Recycle.Bin", CF_USAGE_RECYCLE },
	{ "\\RECYCLER", CF_USAGE_RECYCLE },
	{ "\\Windows.old", CF_USAGE_OLD_WINDOWS },
	{ "\\$WINDOWS.~BT", CF_USAGE_OLD_WINDOWS },
	{ "\\$Windows.~WS", CF_USAGE_OLD_WINDOWS },
	{ "\\$GetCurrent", CF_USAGE_OLD_WINDOWS },
	{ "\\ESD", CF_USAGE_OLD_WINDOWS },
	{ "\\Temp", CF_USAGE_TEMP },
};

/* In a Windows folder. */
static const struct rule windows_rules[] = {
	{ "", CF_USAGE_WINDOWS },
	{ "\\WinSxS", CF_USAGE_WINSXS },
	{ "\\Temp", CF_USAGE_TEMP },
	{ "\\SystemTemp", CF_USAGE_TEMP },
	{ "\\SoftwareDistribution\\Download", CF_USAGE_UPDATES },
	{ "\\SoftwareDistribution\\DeliveryOptimization", CF_USAGE_UPDATES },
	{ "\\ServiceProfiles\\NetworkService\\AppData\\Local\\Microsoft\\Windows\\DeliveryOptimization", CF_USAGE_UPDATES },
	{ "\\System32\\config\\systemprofile\\AppData\\Local\\Temp", CF_USAGE_TEMP },
	{ "\\SysWOW64\\config\\systemprofile\\AppData\\Local\\Temp", CF_USAGE_TEMP },
	{ "\\Minidump", CF_USAGE_DUMPS },
	{ "\\LiveKernelReports", CF_USAGE_DUMPS },
	{ "\\MEMORY.DMP", CF_USAGE_DUMPS },
};

/* In each profile. */
static const struct rule profile_rules[] = {
	{ "\\AppData\\Local\\Temp", CF_USAGE_TEMP },
	{ "\\Local Settings\\Temp", CF_USAGE_TEMP },
	{ "\\AppData\\Local\\CrashDumps", CF_USAGE_DUMPS },
};

static void mark(struct cf_usage_marks *marks, uint64_t record, enum cf_usage_class class)
{
	if (!CF_ROOM(marks->item, marks->n, marks->max, 64)) {
		marks->no_memory = true;
		return;
	}
	marks->item[marks->n++] = (struct cf_usage_mark){ record, class };
}

/* A path that is a link marks the link itself, which is what lies there. */
static void mark_path(struct cf_volume *v, struct cf_usage_marks *marks, const char *folder, const char *path,
		      enum cf_usage_class class)
{
	CF_FREE char *whole = NULL;
	struct cf_stat st;
	if (asprintf(&whole, "%s%s", folder, path) < 0) {
		whole = NULL;
		marks->no_memory = true;
		return;
	}
	if (cf_volume_stat(v, whole, &st, NULL) == 0)
		mark(marks, st.id, class);
}

struct profiles {
	struct cf_volume *v;
	struct cf_usage_marks *marks;
	const char *folder;
	unsigned budget;
};

static int see_profile(void *user, const char *name, const struct cf_stat *st)
{
	struct profiles *p = user;
	CF_FREE char *whole = NULL;
	if (st->kind != CF_FILE_DIRECTORY || st->reparse_tag || !p->budget)
		return 0;
	p->budget--;
	if (asprintf(&whole, "%s\\%s", p->folder, name) < 0) {
		whole = NULL;
		p->marks->no_memory = true;
		return 0;
	}
	for (size_t i = 0; i < CF_ARRAY_LEN(profile_rules); i++)
		mark_path(p->v, p->marks, whole, profile_rules[i].path, profile_rules[i].class);
	return 0;
}

/* What can't be listed has no class of its own: the scan counts it all the same. */
static void mark_profiles(struct cf_volume *v, struct cf_usage_marks *marks, const char *folder)
{
	struct profiles p = { v, marks, folder, FOLDERS_MAX };
	(void)!cf_volume_list(v, folder, see_profile, &p, NULL);
}

static void mark_windows(struct cf_volume *v, struct cf_usage_marks *marks, const char *root)
{
	CF_FREE char *services = NULL;
	for (size_t i = 0; i < CF_ARRAY_LEN(windows_rules); i++)
		mark_path(v, marks, root, windows_rules[i].path, windows_rules[i].class);
	if (asprintf(&services, "%s\\ServiceProfiles", root) < 0) {
		services = NULL;
		marks->no_memory = true;
		return;
	}
	mark_profiles(v, marks, services);
}

/* The name of a snapshot's store ends with this; alone it is the catalogue. */
#define SNAPSHOT "{3808876b-c176-4e48-b7ae-04046e6cc752}"

static int see_snapshot(void *user, const char *name, const struct cf_stat *st)
{
	struct cf_usage_marks *marks = user;
	size_t n = strlen(name), tail = strlen(SNAPSHOT);
	if (st->kind == CF_FILE_REGULAR && n >= tail && cf_utf8_eq_nocase(name + n - tail, SNAPSHOT))
		mark(marks, st->id, CF_USAGE_SHADOW);
	return marks->n > FOLDERS_MAX * 4; /* more than a volume can have: hostile */
}

/* Paging files that any control set of any installation names on this volume. */
static void mark_paging(const struct cf_machine *m, size_t vol, struct cf_usage_marks *marks)
{
	struct cf_paging_file file[CF_MAX_PAGING_FILES];
	for (size_t i = 0; i < m->n_installs; i++) {
		const struct cf_install *in = &m->install[i];
		for (size_t s = 0; s < in->n_sets; s++) {
			size_t n = 0;
			bool found;
			if (cf_install_paging_files(in, &in->set[s], "PagingFiles", file, &n, &found, NULL) < 0)
				continue;
			for (size_t k = 0; k < n; k++) {
				int on = file[k].letter == '?' || file[k].letter == in->own_letter ?
						 (int)in->vol :
						 cf_machine_find_letter(m, in, file[k].letter);
				if (on == (int)vol)
					mark_path(m->vol[vol].vol, marks, file[k].path, "", CF_USAGE_PAGING);
			}
		}
	}
}

static int mark_dumps(const struct cf_machine *m, size_t vol, struct cf_usage_marks *marks, struct cf_error *err)
{
	CF_DUMP_LIST found = { 0 };
	/* A dump inside a paging file leaves it a paging file. */
	if (cf_dump_find(m, NULL, CF_DUMP_EVERYWHERE & ~CF_DUMP_BIT(CF_DUMP_PAGEFILE), &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.n; i++)
		if (found.item[i].vol == vol)
			mark_path(m->vol[vol].vol, marks, found.item[i].path, "", CF_USAGE_DUMPS);
	return 0;
}

static int by_record(const void *a, const void *b)
{
	const struct cf_usage_mark *x = a, *y = b;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	return (int)x->class - (int)y->class;
}

int cf_usage_mark_all(const struct cf_machine *m, size_t vol, struct cf_usage_marks *marks, struct cf_error *err)
{
	struct cf_volume *v = m->vol[vol].vol;
	bool any = false;
	mark(marks, CF_NTFS_REC_EXTEND, CF_USAGE_NTFS);
	for (size_t i = 0; i < CF_ARRAY_LEN(volume_rules); i++)
		mark_path(v, marks, "", volume_rules[i].path, volume_rules[i].class);
	for (size_t i = 0; i < m->n_installs; i++) {
		if (m->install[i].vol != vol || !m->install[i].root)
			continue;
		mark_windows(v, marks, m->install[i].root);
		any = true;
	}
	if (!any)
		mark_windows(v, marks, "\\Windows");
	mark_profiles(v, marks, "\\Users");
	mark_profiles(v, marks, "\\Documents and Settings");
	(void)!cf_volume_list(v, "\\System Volume Information", see_snapshot, marks, NULL);
	mark_paging(m, vol, marks);
	if (mark_dumps(m, vol, marks, err) < 0)
		return -1;
	if (marks->no_memory)
		return cf_fail_nomem(err);
	/* Where two rules meet (Windows installed in \Windows.old, say) the first class counts. */
	qsort(marks->item, marks->n, sizeof *marks->item, by_record);
	size_t n = 0;
	for (size_t i = 0; i < marks->n; i++)
		if (!n || marks->item[n - 1].record != marks->item[i].record)
			marks->item[n++] = marks->item[i];
	marks->n = n;
	return 0;
}

static int find_record(const void *key, const void *element)
{
	uint64_t record = *(const uint64_t *)key;
	const struct cf_usage_mark *x = element;
	return record < x->record ? -1 : record > x->record;
}

enum cf_usage_class cf_usage_marked(const struct cf_usage_marks *marks, uint64_t record)
{
	const struct cf_usage_mark *x =
		marks->n ? bsearch(&record, marks->item, marks->n, sizeof *marks->item, find_record) : NULL;
	return x ? x->class : CF_USAGE_CLASSES;
}
