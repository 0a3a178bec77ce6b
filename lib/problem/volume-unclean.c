/* volume-unclean.c - an NTFS volume was not dismounted: its journal holds changes that were not carried out.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		if (!v->vol || v->fs != CF_FS_NTFS || !(v->health.journal_unclean || v->health.dirty_flag))
			continue;
		CF_FREE char *name = cf_vol_name(c->m, i);
		struct cf_finding *f =
			!name ? NULL
			: v->health.journal_unclean
				? cf_finding_add(out, &cf_problem_volume_unclean, (int)i, name,
						 _("%s was not dismounted (journal: %s)"), name, v->health.journal)
				: cf_finding_add(out, &cf_problem_volume_unclean, (int)i, name,
						 _("%s is marked dirty: Windows checks it at its next start"), name);
		if (!f)
			return cf_fail_nomem(err);
		if (!v->health.journal_unclean)
			f->repair = CF_REPAIR_NONE;
		cf_evidence_bool(out, f, "journal_unclean", v->health.journal_unclean);
		cf_evidence_bool(out, f, "dirty_flag", v->health.dirty_flag);
		cf_evidence_str(out, f, "journal", v->health.journal);
	}
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	if (!c->req->force_unclean) {
		cf_finding_block(f, "%s",
				 _("start the VM once so that Windows settles the volume, or say --force-unclean (empties the journal and "
				   "has Windows run chkdsk)"));
		return 0;
	}
	if (c->m->vol[f->vol].health.hibernated && !w->discard_hibernation[f->vol]) {
		cf_finding_block(f, "%s", _("the volume is hibernated; add --with volume-hibernated to discard that"));
		return 0;
	}
	w->force_unclean[f->vol] = true;
	return cf_work_change(w, f, "$LogFile", c->m->vol[f->vol].health.journal, _("empty; chkdsk at the next start"), err);
}

const struct cf_problem cf_problem_volume_unclean = {
	.id = "volume-unclean",
	.severity = CF_SEV_INFO,
	.repair = CF_REPAIR_OPT_IN,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article (sibling articles run chkdsk first)",
	.title = N_("A volume was not dismounted cleanly"),
	.seen = N_("The restart pages of $LogFile are not closed (normal for a VM that was stopped hard), or the volume is marked dirty."),
	.does = N_("By default nothing: repairs that write to this volume are left, with the reason; other volumes are repaired all the same. With "
		   "--force-unclean the journal is emptied inside the same transaction and the volume is marked dirty, so that Windows runs chkdsk."),
	.risk = N_("Emptying the journal loses the last metadata operations of the guest (seconds); chkdsk puts the volume in order. Undo puts the "
		   "journal back."),
	.detect = detect,
	.fix = fix,
};
