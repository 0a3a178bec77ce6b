/* dump-in-pagefile.c - a crash dump still lies inside pagefile.sys: Windows never came far enough to save it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>
#include <stdlib.h>

/* Once it was copied out, it is no longer something that has to be done. */
static int tell_collected(struct cf_finding *f, const struct cf_collected *done)
{
	char *text = NULL;
	if (asprintf(&text, _("%s; it was collected on %s"), f->detail, done->time) < 0)
		return -1;
	free(f->detail);
	f->detail = text;
	f->severity = CF_SEV_INFO;
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	CF_DUMP_LIST l = { 0 };
	if (cf_dump_find(c->m, NULL, CF_DUMP_BIT(CF_DUMP_PAGEFILE), &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		const struct cf_dump_place *p = &l.item[i];
		CF_FREE char *name = cf_vol_name(c->m, p->vol);
		char size[32];
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_dump_in_pagefile, (int)p->vol, name,
							      _("%s (%s) on %s begins with a crash dump"), p->path + (p->path[0] == '\\'),
							      cf_size_text(p->size, size), name);
		if (!f)
			return cf_fail_nomem(err);
		const struct cf_collected *done = cf_dump_was_collected(c, &c->m->vol[p->vol], p->path);
		cf_evidence_str(out, f, "collected", done ? done->time : NULL);
		if (done && tell_collected(f, done) < 0)
			return cf_fail_nomem(err);
		cf_evidence_str(out, f, "path", p->path);
		cf_evidence_int(out, f, "size", p->size);
	}
	return 0;
}

const struct cf_problem cf_problem_dump_in_pagefile = {
	.id = "dump-in-pagefile",
	.severity = CF_SEV_WARNING,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_STARTING,
	.step = "Collect the memory dump file",
	.title = N_("A crash dump is still inside pagefile.sys"),
	.seen = N_("The first bytes of a pagefile.sys, or of another file that PagingFiles or ExistingPageFiles names, are the header of a kernel dump "
		   "(PAGEDUMP, PAGEDU64)."),
	.does = N_("Nothing: it is evidence. coldfix dump DISK info says what is in it. Windows saves it at its next successful start; coldfix "
		   "dump DISK collect --to DIR rebuilds it now as the MEMORY.DMP that Windows would make. Until then that paging file is not deleted, "
		   "unless --discard-dump; afterwards this is information only."),
	.risk = N_("None from looking."),
	.detect = detect,
};
