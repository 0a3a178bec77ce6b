/* bad-memory-registry.c - from Windows build 19042 on, bad pages are kept in the registry: Control\WHEA\BadPages.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: Microsoft's "How to manage the PFA memory list": 8 bytes a page frame number.
 */
#include "problem/table.h"

#include <stdio.h>

#define FIRST_BUILD 19042

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !c->in->system.hive || (c->in->build && c->in->build < FIRST_BUILD))
		return 0;
	const struct cf_hive *h = c->in->system.hive;
	cf_for_each_set(c, s) {
		char path[64], size[32];
		snprintf(path, sizeof path, "%s\\Control\\WHEA", s->key);
		CF_VALUE v = { 0 };
		struct cf_error e = { 0 };
		if (cf_hive_value(h, cf_hive_root(h), path, "BadPages", &v, &e) < 0) {
			if (e.code == CF_E_NO_MEMORY)
				return cf_fail_nomem(err);
			continue;
		}
		if (!v.data.n)
			continue;
		size_t pages = (v.data.n + 7) / 8;
		CF_FREE char *where = cf_where_registry(c, s->key, "Control\\WHEA\\BadPages");
		struct cf_finding *f =
			!where ? NULL
			       : cf_finding_add(out, &cf_problem_bad_memory_registry, (int)c->in->vol, where,
						pages == 1 ? _("%zu bad page = %s is excluded by WHEA\\BadPages in %s")
							   : _("%zu bad pages = %s are excluded by WHEA\\BadPages in %s"),
						pages, cf_size_text(pages * 4096, size), s->key);
		if (!f)
			return cf_fail_nomem(err);
		cf_evidence_str(out, f, "control_set", s->key);
		cf_evidence_int(out, f, "pages", pages);
		cf_evidence_int(out, f, "bytes", pages * 4096);
		cf_evidence_int(out, f, "build", c->in->build);
	}
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	char key[64];
	snprintf(key, sizeof key, "%s\\Control\\WHEA", json_string_value(json_object_get(f->evidence, "control_set")));
	return cf_work_delete_value(w, f, &c->in->system, key, "BadPages", err);
}

const struct cf_problem cf_problem_bad_memory_registry = {
	.id = "bad-memory-registry",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_DEFAULT,
	.cause = CF_CAUSE_LIKELY,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Clean out bad memory (moved into the registry with Windows 10 20H2)",
	.title = N_("Memory pages are excluded by WHEA\\BadPages in the registry"),
	.seen = N_("A BadPages value with at least one page under Control\\WHEA in a control set, on Windows build 19042 or later. The "
		   "article looks only in the boot store, where these versions no longer keep the list."),
	.does = N_("Deletes the value in every control set that has it."),
	.risk = N_("Pages that really are bad on physical hardware would be used again. A VM's memory pages are never bad in that sense."),
	.detect = detect,
	.fix = fix,
};
