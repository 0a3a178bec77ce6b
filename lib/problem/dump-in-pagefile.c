/* dump-in-pagefile.c - a crash dump still lies inside pagefile.sys: Windows never came far enough to save it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdlib.h>

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		if (!cf_dump_inside(v, "\\pagefile.sys"))
			continue;
		struct cf_stat st = { 0 };
		CF_FREE char *name = cf_vol_name(c->m, i);
		char size[32];
		if (cf_volume_stat(v->vol, "\\pagefile.sys", &st, NULL) < 0)
			continue;
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_dump_in_pagefile, (int)i, name,
							      _("pagefile.sys (%s) on %s begins with a crash dump"),
							      cf_size_text(st.size, size), name);
		if (!f)
			return cf_fail_nomem(err);
		cf_evidence_str(out, f, "path", "\\pagefile.sys");
		cf_evidence_int(out, f, "size", st.size);
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
	.seen = N_("The first bytes of a pagefile.sys are the header of a kernel dump (PAGEDUMP, PAGEDU64)."),
	.does = N_("Nothing: it is evidence. Windows saves it at its next successful start; copy the file out with coldfix get before that if you "
		   "need it now. While it is there, that paging file is not deleted, unless --discard-dump."),
	.risk = N_("None from looking."),
	.detect = detect,
};
