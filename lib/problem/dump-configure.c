/* dump-configure.c - the values of CrashControl that a type of dump needs, sized so that it will be written.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: Microsoft's memory-dump-file-options and "Overview of memory dump file options" (types, sizes, AlwaysKeepMemoryDump, FilterPages),
 * DedicatedDumpFile and DumpFileSize of "How to use the DedicatedDumpFile registry value" (a string of a local drive, the size in MB), notes §3.3.
 * The arithmetic of the sizes is dump-room.c's. A crash is written to the paging file of the Windows volume or to the dedicated file, and copied to
 * DumpFile at the next start: both have to have room. PagingFiles is never changed here: where it is on another drive, or too small, a
 * dedicated file takes its place.
 */
#include "problem/dump-configure.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf16.h"
#include "problem/work.h"

#define FIRST_BUILD_OF_ACTIVE 10240    /* Windows 10, Server 2016 */
#define FIRST_BUILD_OF_AUTOMATIC 9200  /* Windows 8, Server 2012; NMICrashDump means nothing from there on */
#define MAX_DEDICATED_PATH 150         /* characters that the loader of the crash driver takes */
#define DEFAULT_DUMP_FILE "%SystemRoot%\\MEMORY.DMP"

static const struct type {
	const char *name;
	uint32_t number;
	bool filter; /* FilterPages */
	unsigned first_build;
} types[] = {
	{ "complete", CF_DUMP_COMPLETE, false, 0 },
	{ "active", CF_DUMP_COMPLETE, true, FIRST_BUILD_OF_ACTIVE },
	{ "kernel", CF_DUMP_KERNEL, false, 0 },
	{ "automatic", CF_DUMP_AUTOMATIC, false, FIRST_BUILD_OF_AUTOMATIC },
	{ "small", CF_DUMP_SMALL, false, 0 },
};

static const struct type *type_of(const char *name)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(types); i++)
		if (strcasecmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

/* ---- what one control set is to have ---- */

struct wish {
	const struct type *type;
	const char *dump_file;        /* to set; NULL: what stands there is right */
	char dedicated[300];          /* "": none */
	bool set_dedicated;           /* the path is not there yet */
	uint32_t dedicated_mb;        /* DumpFileSize; 0: leave */
	bool overwrite, keep, nmi;    /* Overwrite 1, AlwaysKeepMemoryDump 1, NMICrashDump 1 are wanted */
	uint64_t needed;              /* bytes that the crash writes at most; 0: not known */
	enum cf_dump_fit fit;
	char why[700];
};

static void key_of(const struct cf_control_set *s, char key[80])
{
	snprintf(key, 80, "%s\\Control\\CrashControl", s->key);
}

/* 0 when it is absent. */
static bool get_u32(const struct cf_context *c, const struct cf_control_set *s, const char *name, uint32_t *v)
{
	char key[80];
	bool found = false;
	key_of(s, key);
	*v = 0;
	return cf_hive_get_u32(c->in->system.hive, key, name, v, &found, NULL) == 0 && found;
}

static char *get_text(const struct cf_context *c, const struct cf_control_set *s, const char *name)
{
	char key[80], *text = NULL;
	bool found = false;
	key_of(s, key);
	if (cf_hive_get_string(c->in->system.hive, key, name, &text, &found, NULL) < 0 || !found || (text && !*text)) {
		free(text);
		return NULL;
	}
	return text;
}

/* --type, else the type that is set, else the one that crash-dump-off would choose. */
static int choose_type(const struct cf_context *c, const struct cf_control_set *s, struct wish *w, struct cf_error *err)
{
	uint32_t filter;
	if (c->req->dump_type) {
		w->type = type_of(c->req->dump_type);
	} else {
		uint32_t number = cf_dump_type(c, s);
		bool active = number == CF_DUMP_COMPLETE && get_u32(c, s, "FilterPages", &filter) && filter == 1;
		for (size_t i = 0; i < CF_ARRAY_LEN(types); i++)
			if (types[i].number == number && types[i].filter == active)
				w->type = &types[i];
	}
	if (!w->type)
		return cf_fail(err, CF_E_USAGE, "there is no such type of crash dump");
	if (c->in->build && c->in->build < w->type->first_build)
		return cf_fail(err, CF_E_UNSUPPORTED, "this Windows (build %u) has no %s dump: it came with build %u; use --type kernel or complete",
			       c->in->build, w->type->name, w->type->first_build);
	return 0;
}

/* ---- room ---- */

/* The volume of a drive letter; -1: not at hand. */
static int volume_of(const struct cf_context *c, char letter)
{
	return letter == c->in->own_letter ? (int)c->in->vol : cf_machine_find_letter(c->m, c->in, letter);
}

/* Free bytes there, with what an existing file of that name takes; false: not known. */
static bool room_on(const struct cf_context *c, char letter, const char *path, uint64_t *bytes)
{
	int v = volume_of(c, letter);
	struct cf_stat st;
	if (v < 0 || !c->m->vol[v].vol || !c->m->vol[v].space.total_bytes)
		return false;
	*bytes = c->m->vol[v].space.free_bytes;
	if (path && cf_volume_stat(c->m->vol[v].vol, path, &st, NULL) == 0 && st.kind == CF_FILE_REGULAR)
		*bytes += st.allocated;
	return true;
}

/* "memory 16 GiB + 257 MiB = 16.3 GiB" */
static void say_need(const struct cf_context *c, const struct wish *w, char *out, size_t n)
{
	char a[32], b[32];
	cf_size_text(w->needed, a);
	if (w->type->number == CF_DUMP_SMALL)
		snprintf(out, n, _("a small dump takes at most %s"), a);
	else if (w->type->number == CF_DUMP_COMPLETE)
		snprintf(out, n, w->type->filter ? _("an active dump takes at most the memory of %s + 257 MiB = %s")
						 : _("a complete dump takes the memory of %s + 257 MiB = %s"),
			 cf_size_text(c->req->ram, b), a);
	else
		snprintf(out, n, _("a kernel dump of a machine with %s takes about a third of it, at least 800 MiB: %s"),
			 cf_size_text(c->req->ram, b), a);
}

/* The dump lies first in `first` (a paging or dedicated file on letter), then also in DumpFile: is there room for both? keep: bytes that have to
 * stay free on the volume of Windows. */
static void judge_room(const struct cf_context *c, struct wish *w, const char *first, char letter, const char *path, const char *dump_file,
		       uint64_t keep)
{
	char need[200], a[32], b[32], target = 0;
	CF_FREE char *file = NULL;
	uint64_t room, second, both;
	say_need(c, w, need, sizeof need);
	bool small = w->type->number == CF_DUMP_SMALL;
	if (small || !cf_install_path(c->in, dump_file, &target, &file))
		target = letter;
	uint64_t copy = small ? CF_MIB : w->needed;
	if (!room_on(c, letter, path, &room)) {
		w->fit = CF_DUMP_FIT_UNKNOWN;
		snprintf(w->why, sizeof w->why, _("%s; %s lies on a drive that is not at hand, so its room is not known"), need, first);
		return;
	}
	bool same = target == letter, known = same || room_on(c, target, file, &second);
	if (cf_add_overflow(w->needed, same ? copy : 0, &both) || cf_add_overflow(both, keep, &both) || room < both) {
		w->fit = CF_DUMP_NO_ROOM;
		snprintf(w->why, sizeof w->why, same ? _("%s in %s and the same again for %s: %c: has %s and would need %s")
						     : _("%s in %s, %s on another drive: %c: has %s and would need %s"),
			 need, first, small ? _("the saved dump") : dump_file, letter, cf_size_text(room, a), cf_size_text(both, b));
	} else if (!known) {
		w->fit = CF_DUMP_FIT_UNKNOWN;
		snprintf(w->why, sizeof w->why, _("%s in %s, which has room (%s free on %c:); %s lies on a drive that is not at hand, so its room is not known"),
			 need, first, cf_size_text(room, a), letter, dump_file);
	} else if (!same && second < copy) {
		w->fit = CF_DUMP_NO_ROOM;
		snprintf(w->why, sizeof w->why, _("%s; %s needs as much, and %c: has %s"), need, dump_file, target, cf_size_text(second, a));
	} else {
		w->fit = CF_DUMP_FITS;
		snprintf(w->why, sizeof w->why, same ? _("%s in %s and the same again for %s: %c: has %s for them, it fits")
						     : _("%s in %s; as much for %s on another drive: %c: has %s, it fits"),
			 need, first, small ? _("the saved dump") : dump_file, letter, cf_size_text(room, a));
	}
}

static int no_room(const struct wish *w, struct cf_error *err)
{
	return cf_fail(err, CF_E_NO_SPACE, "no %s dump would be written: %s; make room, choose a smaller --type, or another drive with --dedicated-file "
		       "and --dump-file", w->type->name, w->why);
}

/* ---- the dedicated file ---- */

static int check_dedicated(const struct cf_context *c, const char *text, char *letter, char **path, struct cf_error *err)
{
	struct cf_stat st;
	if (!cf_install_path(c->in, text, letter, path) || !**path || strcmp(*path, "\\") == 0)
		return cf_fail(err, CF_E_USAGE, "--dedicated-file: \"%s\" is no file on a drive: write C:\\dd.sys", text);
	if (strcasecmp(*path, "\\pagefile.sys") == 0)
		return cf_fail(err, CF_E_USAGE, "--dedicated-file: \"%s\" is the paging file's name", text);
	const struct cf_letter *l = cf_letter_entry(c->in, *letter);
	if (l && l->not_a_disk)
		return cf_fail(err, CF_E_REFUSED, "--dedicated-file: %c: is no hard disk of this VM", *letter);
	int v = volume_of(c, *letter);
	if (v < 0 || !c->m->vol[v].vol)
		return 0;
	/* Windows makes the file, but no folder for it. */
	CF_FREE char *folder = strdup(*path);
	if (!folder)
		return cf_fail_nomem(err);
	char *cut = strrchr(folder, '\\');
	if (cut)
		*cut = 0;
	if (*folder && (cf_volume_stat(c->m->vol[v].vol, folder, &st, NULL) < 0 || st.kind != CF_FILE_DIRECTORY))
		return cf_fail(err, CF_E_NOT_FOUND, "--dedicated-file: there is no folder %s on %c:", folder, *letter);
	if (cf_volume_stat(c->m->vol[v].vol, *path, &st, NULL) == 0 && st.kind == CF_FILE_DIRECTORY)
		return cf_fail(err, CF_E_REFUSED, "--dedicated-file: %s is a folder", text);
	return 0;
}

/* A dedicated file is asked for or set: its size, and whether it fits. */
static int use_dedicated(const struct cf_context *c, const struct cf_control_set *s, struct wish *w, const char *dump_file, uint64_t keep,
			 struct cf_error *err)
{
	char letter = 0, first[340], a[32], b[32];
	CF_FREE char *path = NULL;
	uint32_t mb = 0;
	if (check_dedicated(c, w->dedicated, &letter, &path, err) < 0)
		return -1;
	uint64_t size = c->req->dedicated_size ? c->req->dedicated_size : w->needed;
	if (!size && w->set_dedicated)
		return cf_fail(err, CF_E_USAGE, "how large the dedicated dump file has to be depends on the VM's memory: say --ram SIZE, or --size SIZE");
	if (w->needed && size < w->needed)
		return cf_fail(err, CF_E_USAGE, "--size %s is too small: a %s dump needs %s", cf_size_text(size, a), w->type->name,
			       cf_size_text(w->needed, b));
	uint64_t wanted = size / CF_MIB + (size % CF_MIB != 0);
	if (wanted > UINT32_MAX)
		return cf_fail(err, CF_E_USAGE, "the dedicated dump file would be too large: %s", cf_size_text(size, a));
	/* A larger one that somebody set stays. */
	bool set = get_u32(c, s, "DumpFileSize", &mb) && mb && !w->set_dedicated;
	w->dedicated_mb = c->req->dedicated_size || !set || mb < wanted ? (uint32_t)wanted : 0;
	if (!w->needed) {
		w->fit = CF_DUMP_FIT_UNKNOWN;
		snprintf(w->why, sizeof w->why, _("the VM's memory is not known (--ram), so whether %s is large enough was not checked"), w->dedicated);
		return 0;
	}
	snprintf(first, sizeof first, "%s", w->dedicated);
	judge_room(c, w, first, letter, path, dump_file, keep);
	return w->fit == CF_DUMP_NO_ROOM ? no_room(w, err) : 0;
}

/* The paging file if the dump fits there, else a dedicated file on the volume of Windows that leaves it enough. */
static int use_paging_file(const struct cf_context *c, const struct cf_control_set *s, struct wish *w, const char *dump_file, struct cf_error *err)
{
	char why[300];
	const struct cf_volume_space *space = &c->m->vol[c->in->vol].space;
	w->fit = cf_dump_fits(c, s, w->type->number, why, sizeof why);
	if (w->fit == CF_DUMP_FIT_UNKNOWN) {
		snprintf(w->why, sizeof w->why, _("%s, so whether the dump fits was not checked"), why);
		return 0;
	}
	if (w->fit == CF_DUMP_FITS) {
		judge_room(c, w, _("the paging file"), c->in->own_letter, "\\pagefile.sys", dump_file, 0);
		if (w->fit != CF_DUMP_NO_ROOM)
			return 0;
		snprintf(why, sizeof why, "%.290s", w->why);
	}
	if (!w->needed)
		return cf_fail(err, CF_E_USAGE, "%s; say --ram SIZE, so that a dedicated dump file can be sized", why);
	snprintf(w->dedicated, sizeof w->dedicated, "%c:\\dd.sys", c->in->own_letter);
	w->set_dedicated = true;
	if (use_dedicated(c, s, w, dump_file, cf_max_u64(CF_GIB, space->total_bytes / 10), err) == 0)
		return 0;
	if (!err || err->code != CF_E_NO_SPACE)
		return -1;
	char need[200];
	say_need(c, w, need, sizeof need);
	snprintf(w->why, sizeof w->why, _("%s; %s; with a dedicated file 1 GiB and 10 %% have to stay free"), need, why);
	return no_room(w, err);
}

/* ---- the whole wish ---- */

static int make_wish(const struct cf_context *c, const struct cf_control_set *s, struct wish *w, struct cf_error *err)
{
	const struct cf_request *req = c->req;
	*w = (struct wish){ 0 };
	if (choose_type(c, s, w, err) < 0)
		return -1;
	bool small = w->type->number == CF_DUMP_SMALL;
	w->needed = req->ram || small ? cf_dump_needed(w->type->number, req->ram) : 0;
	CF_FREE char *file = get_text(c, s, "DumpFile");
	CF_FREE char *dedicated = get_text(c, s, "DedicatedDumpFile");
	if (req->dump_file ? !file || strcmp(file, req->dump_file) != 0 : !file)
		w->dump_file = req->dump_file ? req->dump_file : DEFAULT_DUMP_FILE;
	w->overwrite = w->keep = !small;
	w->nmi = req->nmi && !(c->in->build >= FIRST_BUILD_OF_AUTOMATIC);
	const char *dump_file = w->dump_file ? w->dump_file : file;
	if (req->dedicated_dump_file || dedicated) {
		snprintf(w->dedicated, sizeof w->dedicated, "%s", req->dedicated_dump_file ? req->dedicated_dump_file : dedicated);
		w->set_dedicated = req->dedicated_dump_file && (!dedicated || strcasecmp(dedicated, req->dedicated_dump_file) != 0);
		if (use_dedicated(c, s, w, dump_file, 0, err) == 0)
			return 0;
		if (!req->dedicated_dump_file && !req->dedicated_size && err && err->code != CF_E_NO_SPACE && err->code != CF_E_NO_MEMORY)
			cf_fail(err, CF_E_REFUSED, "DedicatedDumpFile is set to \"%s\", which can't be used: name another with --dedicated-file",
				dedicated);
		return -1;
	}
	if (req->dedicated_size)
		return cf_fail(err, CF_E_USAGE, "--size is the size of a dedicated dump file: name it with --dedicated-file");
	return use_paging_file(c, s, w, dump_file, err);
}

/* Is a DWORD already what it is to be? Windows takes an absent Overwrite for 1. */
static bool has_u32(const struct cf_context *c, const struct cf_control_set *s, const char *name, uint32_t want, bool absent_is_right)
{
	uint32_t v;
	return get_u32(c, s, name, &v) ? v == want : absent_is_right;
}

/* Calls for each value that is not yet right; either text or number. */
typedef int (*each_value)(void *user, const struct cf_control_set *s, const char *name, const char *text, uint32_t type, uint32_t number,
			  struct cf_error *err);

static int each_wrong(const struct cf_context *c, const struct cf_control_set *s, const struct wish *w, each_value fn, void *user,
		      struct cf_error *err)
{
	if (!has_u32(c, s, "CrashDumpEnabled", w->type->number, false) && fn(user, s, "CrashDumpEnabled", NULL, 0, w->type->number, err) < 0)
		return -1;
	/* Only types 1 and its active form look at it. */
	if (w->type->number == CF_DUMP_COMPLETE && !has_u32(c, s, "FilterPages", w->type->filter, !w->type->filter) &&
	    fn(user, s, "FilterPages", NULL, 0, w->type->filter, err) < 0)
		return -1;
	if (w->dump_file && fn(user, s, "DumpFile", w->dump_file, CF_REG_EXPAND_SZ, 0, err) < 0)
		return -1;
	CF_FREE char *folder = get_text(c, s, "MinidumpDir");
	if (!folder && fn(user, s, "MinidumpDir", "%SystemRoot%\\Minidump", CF_REG_EXPAND_SZ, 0, err) < 0)
		return -1;
	if (w->overwrite && !has_u32(c, s, "Overwrite", 1, true) && fn(user, s, "Overwrite", NULL, 0, 1, err) < 0)
		return -1;
	if (w->keep && !has_u32(c, s, "AlwaysKeepMemoryDump", 1, false) && fn(user, s, "AlwaysKeepMemoryDump", NULL, 0, 1, err) < 0)
		return -1;
	if (w->set_dedicated && fn(user, s, "DedicatedDumpFile", w->dedicated, CF_REG_SZ, 0, err) < 0)
		return -1;
	if (w->dedicated_mb && !has_u32(c, s, "DumpFileSize", w->dedicated_mb, false) && fn(user, s, "DumpFileSize", NULL, 0, w->dedicated_mb, err) < 0)
		return -1;
	return w->nmi && !has_u32(c, s, "NMICrashDump", 1, false) ? fn(user, s, "NMICrashDump", NULL, 0, 1, err) : 0;
}

static int count(void *user, const struct cf_control_set *s, const char *name, const char *text, uint32_t type, uint32_t number,
		 struct cf_error *err)
{
	(void)s, (void)name, (void)text, (void)type, (void)number, (void)err;
	++*(unsigned *)user;
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	unsigned wrong = 0;
	if (!c->in)
		return cf_fail(err, CF_E_NO_WINDOWS, "no Windows installation was found on this disk");
	if (!c->in->system.hive || !c->in->n_sets)
		return cf_fail(err, CF_E_CORRUPT, "the registry of this Windows has no control set that can be read");
	cf_for_each_set(c, s) {
		struct wish w;
		if (make_wish(c, s, &w, err) < 0)
			return cf_fail_path(err, s->key);
		if (each_wrong(c, s, &w, count, &wrong, err) < 0)
			return -1;
	}
	if (!wrong)
		return 0;
	CF_FREE char *where = cf_where_registry(c, "ControlSet*", "Control\\CrashControl");
	struct cf_finding *f = !where ? NULL
				      : cf_finding_add(out, &cf_task_dump_configure, (int)c->in->vol, where,
						       wrong == 1 ? _("%u value of CrashControl is to be set") : _("%u values of CrashControl are to be set"),
						       wrong);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_int(out, f, "values", wrong);
	return 0;
}

struct queue {
	const struct cf_context *c;
	struct cf_finding *f;
	struct cf_work *w;
};

static int set(void *user, const struct cf_control_set *s, const char *name, const char *text, uint32_t type, uint32_t number,
	       struct cf_error *err)
{
	struct queue *q = user;
	char key[80];
	key_of(s, key);
	return text ? cf_work_set_string(q->w, q->f, &q->c->in->system, key, name, type, text, err)
		    : cf_work_set_u32(q->w, q->f, &q->c->in->system, key, name, number, err);
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *work, struct cf_error *err)
{
	struct queue q = { c, f, work };
	cf_for_each_set(c, s) {
		struct wish w;
		if (make_wish(c, s, &w, err) < 0)
			return cf_fail_path(err, s->key);
		if (each_wrong(c, s, &w, set, &q, err) < 0)
			return -1;
	}
	return 0;
}

const struct cf_problem cf_task_dump_configure = {
	.id = "dump-configure",
	.severity = CF_SEV_RECOMMENDED,
	.repair = CF_REPAIR_RECOMMENDED,
	.article = "starting-windows",
	.step = "Enable memory dump collection",
	.title = N_("Crash dumps are to be set up"),
	.detect = detect,
	.fix = fix,
};

/* ---- the request, and the report ---- */

int cf_dump_configure_check(const struct cf_request *req, struct cf_error *err)
{
	if (req->dedicated_size && req->dedicated_size < 2 * CF_MIB)
		return cf_fail(err, CF_E_USAGE, "--size: no crash dump is smaller than 2 MiB");
	if (req->dump_type && !type_of(req->dump_type))
		return cf_fail(err, CF_E_USAGE, "--type: \"%s\" is not complete, active, kernel, automatic or small", req->dump_type);
	const char *const path[] = { req->dump_file, req->dedicated_dump_file };
	static const char *const option[] = { "--dump-file", "--dedicated-file" };
	for (size_t i = 0; i < CF_ARRAY_LEN(path); i++) {
		const char *p = path[i];
		if (!p)
			continue;
		/* What is no text can't stand in a registry. */
		json_t *text = json_string(p);
		json_decref(text);
		bool drive = text && ((p[0] | 32) >= 'a' && (p[0] | 32) <= 'z') && p[1] == ':' && p[2] == '\\' && p[3];
		bool root = text && i == 0 && (strncasecmp(p, "%SystemRoot%\\", 13) == 0 || strncasecmp(p, "%SystemDrive%\\", 14) == 0);
		size_t n = strlen(p);
		if ((!drive && !root) || p[n - 1] == '\\' || strpbrk(drive ? p + 2 : p, "/:*?\"<>|") || n > (i ? MAX_DEDICATED_PATH : 259))
			return cf_fail(err, CF_E_USAGE, "%s: \"%s\" is no path of Windows: write %s", option[i], p,
				       i ? "C:\\dd.sys (at most 150 characters)" : "C:\\MEMORY.DMP or %SystemRoot%\\MEMORY.DMP");
	}
	return 0;
}

static int note(json_t *notes, struct cf_error *err, const char *text)
{
	return json_array_append_new(notes, json_string(text)) < 0 ? cf_fail_nomem(err) : 0;
}

static int add_notes(const struct cf_context *c, const struct wish *w, json_t *notes, struct cf_error *err)
{
	char text[500], letter = 0;
	CF_FREE char *path = NULL;
	const struct cf_control_set *s = c->in->set;
	CF_FREE char *now = get_text(c, s, "DumpFile");
	struct cf_stat st;
	if (c->req->nmi && !w->nmi && note(notes, err, _("NMICrashDump is not needed: from Windows 8 and Server 2012 on every NMI makes a dump")) < 0)
		return -1;
	if (!c->req->nmi && c->in->build && c->in->build < FIRST_BUILD_OF_AUTOMATIC && !has_u32(c, s, "NMICrashDump", 1, false) &&
	    note(notes, err, _("before Windows 8 an NMI makes no dump unless NMICrashDump is 1: add --nmi")) < 0)
		return -1;
	const char *file = w->dump_file ? w->dump_file : now;
	int v = file && cf_install_path(c->in, file, &letter, &path) ? volume_of(c, letter) : -1;
	if (w->type->number != CF_DUMP_SMALL && v >= 0 && c->m->vol[v].vol && cf_volume_stat(c->m->vol[v].vol, path, &st, NULL) == 0) {
		snprintf(text, sizeof text, _("the next crash overwrites %s; copy it out first: coldfix dump DISK collect --to DIR"), file);
		cf_text_tame(text, false);
		if (note(notes, err, text) < 0)
			return -1;
	}
	if (w->set_dedicated || w->dedicated_mb) {
		snprintf(text, sizeof text, _("Windows makes %s at its next start; it takes %u MiB from then on"), w->dedicated, w->dedicated_mb);
		cf_text_tame(text, false);
		if (note(notes, err, text) < 0)
			return -1;
	}
	if (*w->dedicated && strncasecmp(w->dedicated, "D:", 2) == 0 && c->req->temp_disk == CF_TEMP_SCSI)
		return note(notes, err, _("D: is the temporary disk: a dump on it is lost when the VM moves to another host"));
	return 0;
}

int cf_dump_configure_describe(const struct cf_context *c, json_t *doc, struct cf_error *err)
{
	static const char *const fits[] = { [CF_DUMP_FITS] = "yes", [CF_DUMP_NO_ROOM] = "no", [CF_DUMP_FIT_UNKNOWN] = "unknown" };
	json_t *sums = json_array(), *notes = json_array();
	json_object_set_new(doc, "arithmetic", sums);
	json_object_set_new(doc, "notes", notes);
	cf_for_each_set(c, s) {
		struct wish w;
		if (make_wish(c, s, &w, err) < 0)
			return cf_fail_path(err, s->key);
		/* A text that had to be cut may end within a character. */
		cf_text_tame(w.why, false);
		cf_text_tame(w.dedicated, false);
		json_t *row = json_pack("{s:s,s:s,s:o,s:o,s:s,s:s}", "control_set", s->key, "type", w.type->name, "needed_bytes",
					w.needed ? json_integer((json_int_t)w.needed) : json_null(), "dedicated_file",
					*w.dedicated ? json_string(w.dedicated) : json_null(), "fits", fits[w.fit], "sentence", w.why);
		if (json_array_append_new(sums, row) < 0)
			return cf_fail_nomem(err);
		if (s == c->in->set && add_notes(c, &w, notes, err) < 0)
			return -1;
	}
	return 0;
}
