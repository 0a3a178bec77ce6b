/* dynamic-disk.c - a dynamic disk (LDM): its volumes are not partitions.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		if (c->m->vol[i].fs != CF_FS_LDM)
			continue;
		CF_FREE char *name = cf_vol_name(c->m, i);
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_dynamic_disk, (int)i, name,
							      _("%s belongs to a dynamic disk (LDM)"), name);
		if (!f)
			return cf_fail_nomem(err);
		if (c->in) {
			f->severity = CF_SEV_INFO;
			f->cause = CF_CAUSE_NO;
		}
		cf_evidence_int(out, f, "partition", c->m->vol[i].number);
		return 0; /* one finding names the disk; its other parts add nothing */
	}
	return 0;
}

const struct cf_problem cf_problem_dynamic_disk = {
	.id = "dynamic-disk",
	.severity = CF_SEV_BLOCKER,
	.repair = CF_REPAIR_NONE,
	.cause = CF_CAUSE_CANNOT_TELL,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("The disk is a dynamic disk"),
	.seen = N_("A partition of type LDM (MBR 0x42, or the LDM types of GPT)."),
	.does = N_("Nothing on those volumes. Convert the disk to a basic disk, or use a Windows repair VM."),
	.risk = N_("None from looking."),
	.detect = detect,
};
