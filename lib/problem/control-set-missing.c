/* control-set-missing.c - Select names a control set that does not exist: 0xC0000225 and the like.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <string.h>

static bool exists(const struct cf_install *in, unsigned number)
{
	for (size_t i = 0; i < in->n_sets; i++)
		if (in->set[i].number == number)
			return true;
	return false;
}

static int report(const struct cf_context *c, const char *which, unsigned number, struct cf_findings *out,
		  struct cf_error *err)
{
	CF_FREE char *where = strdup("HKLM\\SYSTEM\\Select");
	struct cf_finding *f =
		!where ? NULL
		: !which ? cf_finding_add(out, &cf_problem_control_set_missing, (int)c->in->vol, where, "%s",
					  _("SYSTEM\\Select names no current control set"))
			 : cf_finding_add(out, &cf_problem_control_set_missing, (int)c->in->vol, where,
					  _("Select\\%s names ControlSet%03u, which does not exist"), which, number);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_int(out, f, "control_set", number);
	cf_evidence_int(out, f, "control_sets_on_disk", c->in->n_sets);
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	/* What a damaged hive says about control sets is not worth repeating: hive-corrupt speaks. */
	if (!c->in || !c->in->system.hive || c->in->system.report.n_fatal)
		return 0;
	if (c->in->select_missing)
		return report(c, NULL, 0, out, err);
	if (!exists(c->in, c->in->current))
		return report(c, "Current", c->in->current, out, err);
	if (c->in->default_set && c->in->default_set != c->in->current && !exists(c->in, c->in->default_set))
		return report(c, "Default", c->in->default_set, out, err);
	return 0;
}

const struct cf_problem cf_problem_control_set_missing = {
	.id = "control-set-missing",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Determine which ControlSet the machine is booting from",
	.title = N_("The control set to boot from does not exist"),
	.seen = N_("SYSTEM\\Select\\Current or Default names a control set that is not in the hive, or there is no Select."),
	.does = N_("Nothing in this version; no control set is ever made up. Set Select to an existing one with regedit or hivexregedit."),
	.risk = N_("None from looking."),
	.detect = detect,
};
