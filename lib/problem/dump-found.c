/* dump-found.c - crash dumps that Windows has saved: MEMORY.DMP, Minidump, LiveKernelReports.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_LISTED 64

struct walk {
	struct cf_findings *out;
	struct cf_finding *f;
	const char *folder;
	size_t count;
	uint64_t bytes;
	char sub[MAX_LISTED][300];
	size_t n_sub;
};

static int each(void *user, const char *name, const struct cf_stat *st)
{
	struct walk *w = user;
	size_t n = strlen(name);
	if (st->kind == CF_FILE_DIRECTORY) {
		if (w->n_sub < MAX_LISTED && !st->reparse_tag)
			snprintf(w->sub[w->n_sub++], sizeof w->sub[0], "%s\\%s", w->folder, name);
		return 0;
	}
	if (n < 4 || strcasecmp(name + n - 4, ".dmp") != 0)
		return 0;
	w->count++;
	w->bytes += st->size;
	char path[600];
	snprintf(path, sizeof path, "%s\\%s", w->folder, name);
	if (w->count <= MAX_LISTED)
		cf_evidence_push(w->out, w->f, "files", path);
	return 0;
}

/* MEMORY.DMP: where DumpFile of the current control set says, on any disk at hand; else the default place. */
static void memory_dmp(const struct cf_context *c, struct walk *w)
{
	CF_FREE char *text = NULL, *path = NULL;
	char letter = c->in->own_letter;
	bool found = false;
	if (c->in->system.hive) {
		char key[80];
		snprintf(key, sizeof key, "ControlSet%03u\\Control\\CrashControl", c->in->current);
		if (cf_hive_get_string(c->in->system.hive, key, "DumpFile", &text, &found, NULL) < 0)
			found = false;
	}
	if (!found || !cf_install_path(c->in, text, &letter, &path))
		letter = c->in->own_letter;
	if (!path && asprintf(&path, "%s\\MEMORY.DMP", c->in->root) < 0)
		path = NULL;
	int v = letter == c->in->own_letter ? (int)c->in->vol : cf_machine_find_letter(c->m, c->in, letter);
	struct cf_stat st;
	if (v >= 0 && path && c->m->vol[v].vol && cf_volume_stat(c->m->vol[v].vol, path, &st, NULL) == 0 &&
	    st.kind == CF_FILE_REGULAR) {
		w->count++;
		w->bytes += st.size;
		cf_evidence_push(w->out, w->f, "files", path);
	}
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !c->m->vol[c->in->vol].vol)
		return 0;
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	CF_FREE struct walk *w = calloc(1, sizeof *w);
	struct cf_finding *f =
		!name || !w ? NULL : cf_finding_add(out, &cf_problem_dump_found, (int)c->in->vol, name, "%s", "");
	if (!f)
		return cf_fail_nomem(err);
	w->out = out;
	w->f = f;
	memory_dmp(c, w);
	static const char *const folders[] = { "Minidump", "LiveKernelReports" };
	for (size_t i = 0; i < CF_ARRAY_LEN(folders); i++) {
		char path[300];
		snprintf(path, sizeof path, "%s\\%s", c->in->root, folders[i]);
		w->folder = path;
		w->n_sub = 0;
		if (cf_volume_list(c->m->vol[c->in->vol].vol, path, each, w, NULL) != 0)
			continue; /* no such folder */
		size_t subs = w->n_sub; /* one level down: LiveKernelReports keeps a folder a component */
		for (size_t k = 0; k < subs; k++) {
			w->folder = w->sub[k];
			w->n_sub = MAX_LISTED;
			if (cf_volume_list(c->m->vol[c->in->vol].vol, w->folder, each, w, NULL) != 0)
				continue;
		}
	}
	if (!w->count) {
		json_decref(f->evidence);
		free(f->where);
		free(f->detail);
		out->n--;
		return 0;
	}
	char size[32];
	free(f->detail);
	if (asprintf(&f->detail, w->count == 1 ? _("%zu crash dump of %s is on the disk") : _("%zu crash dumps, %s, are on the disk"),
		     w->count, cf_size_text(w->bytes, size)) < 0) {
		f->detail = NULL;
		return cf_fail_nomem(err);
	}
	cf_evidence_int(out, f, "count", w->count);
	cf_evidence_int(out, f, "bytes", w->bytes);
	return 0;
}

const struct cf_problem cf_problem_dump_found = {
	.id = "dump-found",
	.severity = CF_SEV_INFO,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_STARTING,
	.step = "Collect the memory dump file",
	.title = N_("Crash dumps are on the disk"),
	.seen = N_("A file where DumpFile says, or *.dmp under Minidump or LiveKernelReports."),
	.does = N_("Nothing. Copy them out with coldfix get DISK PATH."),
	.risk = N_("They hold the VM's memory, secrets included."),
	.detect = detect,
};
