/* find.c - finding the crash dumps on a machine's disks.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: CrashControl's DumpFile, MinidumpDir, DedicatedDumpFile (notes §3.3) in every control set, and their defaults; LiveKernelReports keeps a
 * folder a component; smss looks for a dump in the paging files of ExistingPageFiles, cuts and renames the file to \DUMPxxxx.tmp, and later copies
 * it to DumpFile (Windows Internals, notes §6.4); LocalDumps from Microsoft's "Collecting User-Mode Dumps".
 */
#include "dump/find.h"

#include "base/grow.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_PLACES 4096 /* dumps that are listed; more are only mentioned */
#define MAX_FOLDERS 512 /* users, and components of LiveKernelReports */

struct find {
	const struct cf_machine *m;
	const struct cf_install *in;
	struct cf_dump_list *out;
	unsigned places; /* mask of those that are asked for */
	enum cf_dump_where where;
	size_t vol;
	const char *folder;
	char **sub; /* folders met on the way, when not NULL */
	size_t n_sub;
	bool no_memory;
};

void cf_dump_list_free(struct cf_dump_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i].path);
	free(l->item);
	*l = (struct cf_dump_list){ 0 };
}

static bool set_aside(enum cf_dump_where w)
{
	return w == CF_DUMP_PAGEFILE || w == CF_DUMP_DEDICATED || w == CF_DUMP_RENAMED;
}

static bool asked(const struct find *f, enum cf_dump_where w)
{
	return !f->no_memory && f->places & CF_DUMP_BIT(w);
}

static void add(struct find *f, enum cf_dump_where where, size_t vol, const char *path, uint64_t size)
{
	struct cf_dump_list *l = f->out;
	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].vol == vol && strcasecmp(l->item[i].path, path) == 0)
			return;
	if (l->n >= MAX_PLACES) {
		l->more = true;
		return;
	}
	if (!CF_ROOM(l->item, l->n, l->cap, 16)) {
		f->no_memory = true;
		return;
	}
	char *copy = strdup(path);
	f->no_memory |= !copy;
	if (copy)
		l->item[l->n++] = (struct cf_dump_place){ where, vol, copy, size, set_aside(where) };
}

bool cf_dump_inside(const struct cf_vol *v, const char *path)
{
	char first[8];
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = v->vol ? cf_dump_from_clusters(v, path, NULL) : NULL;
	if (!s || cf_dump_read(s, 0, first, sizeof first, NULL) < 0)
		return false;
	enum cf_dump_magic magic = cf_dump_magic(first, sizeof first);
	return magic == CF_MAGIC_KERNEL32 || magic == CF_MAGIC_KERNEL64;
}

/* A file by its path; those that are set aside for dumps only when one is inside. */
static void add_file(struct find *f, enum cf_dump_where where, size_t vol, const char *path)
{
	struct cf_stat st = { 0 };
	const struct cf_vol *v = &f->m->vol[vol];
	if (!v->vol || !asked(f, where) || cf_volume_stat(v->vol, path, &st, NULL) < 0 || st.kind != CF_FILE_REGULAR)
		return;
	if (!set_aside(where) || cf_dump_inside(v, path))
		add(f, where, vol, path, st.size);
}

/* The volume that a path of the registry is on; -1: none here. */
static int volume_of(const struct find *f, char letter)
{
	return letter == f->in->own_letter ? (int)f->in->vol : cf_machine_find_letter(f->m, f->in, letter);
}

static int each_file(void *user, const char *name, const struct cf_stat *st)
{
	struct find *f = user;
	CF_FREE char *path = NULL;
	size_t n = strlen(name);
	bool dump = st->kind == CF_FILE_REGULAR && n >= 4 && strcasecmp(name + n - 4, ".dmp") == 0;
	bool folder = st->kind == CF_FILE_DIRECTORY && f->sub && f->n_sub < MAX_FOLDERS && !st->reparse_tag;
	if (!dump && !folder)
		return 0;
	if (asprintf(&path, "%s\\%s", f->folder, name) < 0) {
		path = NULL;
		f->no_memory = true;
		return 1;
	}
	if (dump)
		add(f, f->where, f->vol, path, st->size);
	else
		f->sub[f->n_sub++] = CF_STEAL(path);
	return f->no_memory;
}

static void list_folder(struct find *f, enum cf_dump_where where, size_t vol, const char *path)
{
	if (!f->m->vol[vol].vol || !asked(f, where))
		return;
	f->where = where;
	f->vol = vol;
	f->folder = strcmp(path, "\\") == 0 ? "" : path;
	(void)!cf_volume_list(f->m->vol[vol].vol, path, each_file, f, NULL); /* no such folder: no dumps */
}

/* The folders in a folder, malloc'd; f->n_sub of them. Its dumps are added too. */
static char **list_with_folders(struct find *f, enum cf_dump_where where, size_t vol, const char *path)
{
	char **sub = calloc(MAX_FOLDERS, sizeof *sub);
	f->no_memory |= !sub;
	f->sub = sub;
	f->n_sub = 0;
	if (sub)
		list_folder(f, where, vol, path);
	f->sub = NULL;
	return sub;
}

static void free_folders(char **sub, size_t n)
{
	for (size_t i = 0; sub && i < n; i++)
		free(sub[i]);
	free(sub);
}

/* A folder, and those in it: LiveKernelReports keeps a folder a component. */
static void list_two_levels(struct find *f, enum cf_dump_where where, size_t vol, const char *path)
{
	char **sub = list_with_folders(f, where, vol, path);
	size_t n = f->n_sub;
	for (size_t i = 0; sub && i < n; i++)
		list_folder(f, where, vol, sub[i]);
	free_folders(sub, n);
}

/* A path value of CrashControl or beneath: the volume and the path on it (malloc'd). */
static bool crash_path(const struct find *f, const struct cf_control_set *set, const char *sub, const char *name, int *vol, char **path)
{
	char key[120], letter = 0;
	bool found = false;
	CF_FREE char *text = NULL;
	*path = NULL;
	snprintf(key, sizeof key, "%s\\Control\\CrashControl%s", set->key, sub);
	if (cf_hive_get_string(f->in->system.hive, key, name, &text, &found, NULL) < 0 || !found || !text ||
	    !cf_install_path(f->in, text, &letter, path))
		return false;
	*vol = volume_of(f, letter);
	return *vol >= 0;
}

static void crash_control(struct find *f, const struct cf_control_set *set)
{
	static const struct {
		const char *key, *name;
		enum cf_dump_where where;
		bool folder;
	} values[] = {
		{ "", "DumpFile", CF_DUMP_MEMORY, false },
		{ "", "MinidumpDir", CF_DUMP_MINIDUMP, true },
		{ "\\LiveKernelReports", "LiveKernelReportsPath", CF_DUMP_LIVE, true },
		{ "", "DedicatedDumpFile", CF_DUMP_DEDICATED, false },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(values); i++) {
		CF_FREE char *path = NULL;
		int vol;
		if (!asked(f, values[i].where) || !crash_path(f, set, values[i].key, values[i].name, &vol, &path))
			continue;
		if (values[i].where == CF_DUMP_LIVE)
			list_two_levels(f, values[i].where, (size_t)vol, path);
		else if (values[i].folder)
			list_folder(f, values[i].where, (size_t)vol, path);
		else
			add_file(f, values[i].where, (size_t)vol, path);
	}
}

static void paging_files(struct find *f, const struct cf_control_set *set)
{
	static const char *const values[] = { "PagingFiles", "ExistingPageFiles" };
	struct cf_paging_file pf[CF_MAX_PAGING_FILES];
	size_t n = 0;
	bool found;
	for (size_t i = 0; i < CF_ARRAY_LEN(values) && asked(f, CF_DUMP_PAGEFILE); i++) {
		if (cf_install_paging_files(f->in, set, values[i], pf, &n, &found, NULL) < 0)
			f->no_memory = true;
		for (size_t k = 0; k < n && !f->no_memory; k++) {
			int vol = pf[k].letter == '?' ? (int)f->in->vol : volume_of(f, pf[k].letter);
			if (vol >= 0)
				add_file(f, CF_DUMP_PAGEFILE, (size_t)vol, pf[k].path);
		}
	}
}

/* What Windows does without any setting. */
static void default_places(struct find *f)
{
	static const struct {
		const char *name;
		enum cf_dump_where where;
	} places[] = { { "MEMORY.DMP", CF_DUMP_MEMORY }, { "Minidump", CF_DUMP_MINIDUMP }, { "LiveKernelReports", CF_DUMP_LIVE } };
	for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
		CF_FREE char *path = NULL;
		if (asprintf(&path, "%s\\%s", f->in->root, places[i].name) < 0) {
			path = NULL;
			f->no_memory = true;
		} else if (places[i].where == CF_DUMP_MEMORY) {
			add_file(f, places[i].where, f->in->vol, path);
		} else {
			list_two_levels(f, places[i].where, f->in->vol, path);
		}
	}
}

/* rest behind what; NULL when text does not begin with it (any letter case). */
static const char *behind(const char *text, const char *what)
{
	size_t n = strlen(what);
	return strncasecmp(text, what, n) == 0 && (!text[n] || text[n] == '\\') ? text + n : NULL;
}

/* Dumps of programs in one user's profile ("\\Users\\ada"). */
static void profile(struct find *f, const char *home)
{
	char *const *folder = f->in->dump_folders;
	CF_FREE char *usual = NULL;
	if (asprintf(&usual, "%s\\AppData\\Local\\CrashDumps", home) < 0) {
		usual = NULL;
		f->no_memory = true;
		return;
	}
	list_folder(f, CF_DUMP_PROCESS, f->in->vol, usual);
	for (; folder && *folder; folder++) {
		CF_FREE char *path = NULL;
		const char *local = behind(*folder, "%LOCALAPPDATA%"), *own = behind(*folder, "%USERPROFILE%");
		if (!local && !own)
			continue;
		if (asprintf(&path, "%s%s%s", home, local ? "\\AppData\\Local" : "", local ? local : own) < 0) {
			path = NULL;
			f->no_memory = true;
			return;
		}
		list_folder(f, CF_DUMP_PROCESS, f->in->vol, path);
	}
}

static void programs(struct find *f)
{
	static const char *const services[] = { "System32\\config\\systemprofile", "ServiceProfiles\\LocalService", "ServiceProfiles\\NetworkService" };
	char *const *folder = f->in->dump_folders;
	for (; folder && *folder; folder++) {
		CF_FREE char *path = NULL;
		CF_FREE char *full = NULL;
		const char *data = behind(*folder, "%ProgramData%");
		char letter = 0;
		if (data && asprintf(&full, "%%SystemDrive%%\\ProgramData%s", data) < 0) {
			full = NULL;
			f->no_memory = true;
			return;
		}
		int vol = cf_install_path(f->in, full ? full : *folder, &letter, &path) ? volume_of(f, letter) : -1;
		if (vol >= 0)
			list_folder(f, CF_DUMP_PROCESS, (size_t)vol, path);
	}
	char **user = list_with_folders(f, CF_DUMP_PROCESS, f->in->vol, "\\Users");
	size_t n = f->n_sub;
	for (size_t i = 0; user && i < n; i++)
		profile(f, user[i]);
	free_folders(user, n);
	for (size_t i = 0; i < CF_ARRAY_LEN(services); i++) {
		CF_FREE char *path = NULL;
		if (asprintf(&path, "%s\\%s", f->in->root, services[i]) < 0) {
			path = NULL;
			f->no_memory = true;
			return;
		}
		profile(f, path);
	}
}

/* "DUMP1a2b.tmp" */
static int each_in_root(void *user, const char *name, const struct cf_stat *st)
{
	struct find *f = user;
	char path[64];
	size_t n = strlen(name);
	if (st->kind != CF_FILE_REGULAR || n < 8 || n > 40 || strncasecmp(name, "DUMP", 4) != 0 || strcasecmp(name + n - 4, ".tmp") != 0)
		return 0;
	snprintf(path, sizeof path, "\\%s", name);
	if (cf_dump_inside(&f->m->vol[f->vol], path))
		add(f, CF_DUMP_RENAMED, f->vol, path, st->size);
	return f->no_memory;
}

static void of_install(struct find *f, const struct cf_install *in)
{
	f->in = in;
	for (size_t i = 0; in->system.hive && i < in->n_sets; i++)
		crash_control(f, &in->set[i]);
	default_places(f);
	for (size_t i = 0; in->system.hive && i < in->n_sets; i++)
		paging_files(f, &in->set[i]);
	if (asked(f, CF_DUMP_PROCESS))
		programs(f);
}

int cf_dump_find(const struct cf_machine *m, const struct cf_install *in, unsigned places, struct cf_dump_list *out, struct cf_error *err)
{
	struct find f = { .m = m, .out = out, .places = places };
	for (size_t i = 0; i < m->n_installs && !f.no_memory; i++)
		if (!in || in == &m->install[i])
			of_install(&f, &m->install[i]);
	for (size_t i = 0; i < m->n_vols && !f.no_memory; i++) {
		if (!m->vol[i].vol)
			continue;
		add_file(&f, CF_DUMP_PAGEFILE, i, "\\pagefile.sys");
		f.vol = i;
		if (asked(&f, CF_DUMP_RENAMED))
			(void)!cf_volume_list(m->vol[i].vol, "\\", each_in_root, &f, NULL);
	}
	return f.no_memory ? cf_fail_nomem(err) : 0;
}

struct cf_dump_source *cf_dump_open(const struct cf_machine *m, const struct cf_dump_place *p, struct cf_error *err)
{
	const struct cf_vol *v = &m->vol[p->vol];
	return p->clusters ? cf_dump_from_clusters(v, p->path, err) : cf_dump_from_file(v->vol, p->path, err);
}

char *cf_dump_path_text(const struct cf_machine *m, const struct cf_dump_place *p)
{
	const struct cf_vol *v = &m->vol[p->vol];
	char *out = NULL;
	int r = v->letter ? asprintf(&out, "%c:%s", v->letter, p->path)
		: v->disk ? asprintf(&out, "%s, %u:%s", m->disk[v->disk].path, v->number, p->path)
			  : asprintf(&out, "%u:%s", v->number, p->path);
	return r < 0 ? NULL : out;
}

int cf_dump_header_hash(struct cf_dump_source *s, char hex[65], struct cf_error *err)
{
	uint8_t bytes[CF_DUMP_HEADER64], hash[CF_SHA256_LEN];
	size_t n = (size_t)cf_min_u64(sizeof bytes, s->size);
	if (cf_dump_read(s, 0, bytes, n, err) < 0)
		return -1;
	cf_sha256(bytes, n, hash);
	cf_sha256_hex(hash, hex);
	return 0;
}
