/* shadow-copies.c - volume snapshots that writes from outside of Windows would spoil.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		if (!v->vol || !v->health.shadow_copies)
			continue;
		CF_FREE char *name = cf_vol_name(c->m, i);
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_shadow_copies, (int)i, name,
							      v->health.shadow_copy_count == 1 ? _("%s has %u shadow copy")
											       : _("%s has %u shadow copies"),
							      name, v->health.shadow_copy_count);
		if (!f)
			return cf_fail_nomem(err);
		cf_evidence_int(out, f, "count", v->health.shadow_copy_count);
	}
	return 0;
}

const struct cf_problem cf_problem_shadow_copies = {
	.id = "shadow-copies",
	.severity = CF_SEV_INFO,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("The volume has shadow copies"),
	.seen = N_("System Volume Information holds snapshot stores."),
	.does = N_("Nothing. The small edits of a repair are made all the same (a snapshot then shows the new bytes of those files); work that moves "
		   "or frees much (cleanup, defrag, expand) will ask for --accept-shadow-copy-loss."),
	.risk = N_("Writes from outside bypass the snapshot's copy-on-write: older versions of the changed blocks are not kept."),
	.detect = detect,
};
