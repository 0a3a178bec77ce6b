/* boot-store-missing.c - no boot store boots this Windows.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || c->in->store >= 0)
		return 0;
	bool bare = c->m->disk[c->m->vol[c->in->vol].disk].parts.scheme == CF_SCHEME_NONE;
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	struct cf_finding *f =
		!name ? NULL
		: bare ? cf_finding_add(out, &cf_problem_boot_store_missing, -1, name,
					_("This is a single volume without a partition table: its boot store lies elsewhere"))
		       : cf_finding_add(out, &cf_problem_boot_store_missing, -1, name,
					_("No boot store was found for the Windows on %s (\\EFI\\Microsoft\\Boot\\BCD, \\Boot\\BCD)"), name);
	if (!f)
		return cf_fail_nomem(err);
	if (bare)
		f->severity = CF_SEV_INFO;
	cf_evidence_int(out, f, "stores_on_disk", c->m->n_stores);
	return 0;
}

const struct cf_problem cf_problem_boot_store_missing = {
	.id = "boot-store-missing",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "List the BCD store",
	.title = N_("No boot store was found"),
	.seen = N_("No readable volume has \\EFI\\Microsoft\\Boot\\BCD or \\Boot\\BCD with an entry for this Windows."),
	.does = N_("Nothing in this version: rebuild it with bcdboot from Windows installation media."),
	.risk = N_("None from looking."),
	.detect = detect,
};
