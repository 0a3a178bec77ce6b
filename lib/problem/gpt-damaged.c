/* gpt-damaged.c - one copy of the GPT is bad, or its sizes do not fit the disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (unsigned d = 0; d < c->m->n_disks; d++) {
		const struct cf_part_table *t = &c->m->disk[d].parts;
		const struct cf_error *e = &c->m->disk[d].part_error;
		if (e->code == CF_OK && (t->scheme != CF_SCHEME_GPT || !t->n_defects))
			continue;
		struct cf_finding *f = cf_finding_add(out, &cf_problem_gpt_damaged, -1, c->m->disk[d].path, "%s",
						      e->code != CF_OK ? e->message : t->defect[0].what);
		if (!f)
			return cf_fail_nomem(err);
		if (e->code != CF_OK || !t->gpt_repairable)
			f->repair = CF_REPAIR_NONE;
		cf_evidence_int(out, f, "disk", d);
		cf_evidence_bool(out, f, "used_backup", t->used_backup);
		for (size_t i = 0; e->code == CF_OK && i < t->n_defects; i++)
			cf_evidence_push(out, f, "defects", t->defect[i].what);
	}
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	unsigned d = (unsigned)json_integer_value(json_object_get(f->evidence, "disk"));
	if (f->repair == CF_REPAIR_NONE) {
		cf_finding_block(f, "%s", _("no intact copy of the GPT says what to write"));
		return 0;
	}
	w->repair_gpt[d] = true;
	return cf_work_change(w, f, _("partition table"), c->m->disk[d].parts.defect[0].what,
			      c->m->disk[d].parts.used_backup ? _("primary GPT written from the backup")
							       : _("backup GPT written from the primary"),
			      err);
}

const struct cf_problem cf_problem_gpt_damaged = {
	.id = "gpt-damaged",
	.severity = CF_SEV_WARNING,
	.repair = CF_REPAIR_OPT_IN,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("The partition table is damaged"),
	.seen = N_("A checksum of the primary or the backup GPT is wrong, the two differ, or the backup does not lie at the end of the disk."),
	.does = N_("With --with gpt-damaged: the bad copy is written anew from the good one. Disk GUID, partition GUIDs and places stay."),
	.risk = N_("If a tool was stopped in the middle of changing partitions, the good copy may be the older one: compare coldfix info first."),
	.detect = detect,
	.fix = fix,
};
