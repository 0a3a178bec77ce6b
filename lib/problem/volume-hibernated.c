/* volume-hibernated.c - hiberfil.sys holds an image: the disk's volumes are frozen in the middle of a session.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		if (!v->vol || !v->health.hibernated)
			continue;
		CF_FREE char *name = cf_vol_name(c->m, i);
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_volume_hibernated, (int)i, name,
							      _("%s holds a hibernated Windows (or fast start-up)"), name);
		if (!f)
			return cf_fail_nomem(err);
		cf_evidence_str(out, f, "path", "\\hiberfil.sys");
	}
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	(void)c;
	w->discard_hibernation[f->vol] = true;
	return cf_work_change(w, f, "\\hiberfil.sys", _("hibernation image"), _("discarded (first page cleared)"), err);
}

const struct cf_problem cf_problem_volume_hibernated = {
	.id = "volume-hibernated",
	.severity = CF_SEV_WARNING,
	.repair = CF_REPAIR_OPT_IN,
	.article = CF_ARTICLE_STARTING,
	.step = "not in the article",
	.title = N_("Windows is hibernated on this volume"),
	.seen = N_("hiberfil.sys begins with \"hibr\": the next start resumes a frozen session whose caches contradict any change of the disk."),
	.does = N_("By default nothing, and the volume is not written. With --with volume-hibernated: the image is discarded (its first page is "
		   "cleared), so that Windows starts afresh; the journal of a hibernated volume usually needs --force-unclean too."),
	.risk = N_("Open programs and unsaved work of the frozen session are lost. Undo brings the image back as long as Windows has not started."),
	.detect = detect,
	.fix = fix,
};
