/* hive-corrupt.c - a hive is damaged beyond what its logs can mend, or absurdly large.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>

static int look(const struct cf_context *c, const struct cf_hive_file *h, const char *what, struct cf_findings *out,
		struct cf_error *err)
{
	if (!h->path || (h->present && !h->report.n_fatal && h->error.code == CF_OK))
		return 0;
	CF_FREE char *vol = cf_vol_name(c->m, h->vol);
	char where[600], detail[1400];
	snprintf(where, sizeof where, "%s, %s", vol ? vol : "", h->path);
	if (!h->present)
		snprintf(detail, sizeof detail, _("The %s hive %s is missing"), what, h->path);
	else if (h->error.code != CF_OK)
		snprintf(detail, sizeof detail, _("The %s hive can't be read: %s"), what, h->error.message);
	else
		snprintf(detail, sizeof detail, _("The %s hive is damaged in %zu places; first: %s"), what, h->report.n_fatal,
			 h->report.defect[0].what);
	/* The first fatal defect says more than a cosmetic one that stands before it. */
	for (size_t i = 0; h->error.code == CF_OK && i < CF_ARRAY_LEN(h->report.defect) && i < h->report.n_defects; i++)
		if (h->report.defect[i].fatal) {
			snprintf(detail, sizeof detail, _("The %s hive is damaged in %zu places; first: %s"), what,
				 h->report.n_fatal, h->report.defect[i].what);
			break;
		}
	struct cf_finding *f = !vol ? NULL : cf_finding_add(out, &cf_problem_hive_corrupt, (int)h->vol, where, "%s", detail);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_str(out, f, "path", h->path);
	cf_evidence_int(out, f, "size", h->size);
	cf_evidence_int(out, f, "defects", h->report.n_fatal);
	for (size_t i = 0; i < CF_ARRAY_LEN(h->report.defect) && i < h->report.n_defects; i++)
		if (h->report.defect[i].fatal)
			cf_evidence_push(out, f, "places", h->report.defect[i].what);
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (c->in && look(c, &c->in->system, "SYSTEM", out, err) < 0)
		return -1;
	/* Without SOFTWARE Windows does not start either, but a disk that never had the file is an oddity, not damage. */
	if (c->in && c->in->software.present && look(c, &c->in->software, "SOFTWARE", out, err) < 0)
		return -1;
	int store = c->in ? c->in->store : c->m->n_stores == 1 ? 0 : -1;
	return store >= 0 ? look(c, &c->m->store[store].file, _("boot store"), out, err) : 0;
}

const struct cf_problem cf_problem_hive_corrupt = {
	.id = "hive-corrupt",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_NONE,
	.cause = CF_CAUSE_POSSIBLE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("A registry hive is damaged"),
	.seen = N_("After its logs were replayed a hive still has a bin, cell, list or record that contradicts the format, its size is absurd, "
		   "or it can't be read at all."),
	.does = N_("Nothing: a damaged hive is never edited. Restore it from a backup or from System32\\config\\RegBack, or ask Microsoft's support; "
		   "coldfix get copies it out for them."),
	.risk = N_("None from looking."),
	.detect = detect,
};
