/* hive-unclean.c - a hive was not closed: its logs wait to be replayed. Normal after a hard stop.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>
#include <string.h>

static int look(const struct cf_context *c, const struct cf_hive_file *h, struct cf_findings *out, struct cf_error *err)
{
	/* SOFTWARE is not kept open, so its handle says nothing: a hive that can't be read has an error. */
	if (!h->present || h->error.code != CF_OK || h->replay.state == CF_REPLAY_CLEAN)
		return 0;
	CF_FREE char *vol = cf_vol_name(c->m, h->vol);
	char where[600];
	snprintf(where, sizeof where, "%s, %s", vol ? vol : "", h->path);
	struct cf_finding *f = NULL;
	switch (h->replay.state) {
	case CF_REPLAY_APPLIED:
		f = cf_finding_add(out, &cf_problem_hive_unclean, (int)h->vol, where,
				   _("%s was not closed; %u entries of its logs wait to be replayed (Windows does that at its start)"),
				   h->path, h->replay.entries);
		break;
	case CF_REPLAY_NO_LOGS:
		f = cf_finding_add(out, &cf_problem_hive_unclean, (int)h->vol, where,
				   _("%s was not closed, and nothing in its logs is left to replay"), h->path);
		break;
	default:
		f = cf_finding_add(out, &cf_problem_hive_unclean, (int)h->vol, where,
				   _("%s was not closed, and Windows would reject its logs: %s"), h->path, h->replay.reason);
		if (f)
			f->repair = CF_REPAIR_NONE;
	}
	if (!vol || !f)
		return cf_fail_nomem(err);
	cf_evidence_str(out, f, "path", h->path);
	cf_evidence_int(out, f, "entries", h->replay.entries);
	cf_evidence_bool(out, f, "torn_base_block", h->replay.torn_base);
	if (h->replay.reason[0])
		cf_evidence_str(out, f, "reason", h->replay.reason);
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (c->in && (look(c, &c->in->system, out, err) < 0 || look(c, &c->in->software, out, err) < 0))
		return -1;
	return c->store ? look(c, &c->store->file, out, err) : 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	const char *path = json_string_value(json_object_get(f->evidence, "path"));
	const struct cf_hive_file *h[] = { c->in ? &c->in->system : NULL, c->in ? &c->in->software : NULL,
					   c->store ? &c->store->file : NULL };
	for (size_t i = 0; i < CF_ARRAY_LEN(h); i++)
		if (h[i] && h[i]->path && (int)h[i]->vol == f->vol && strcmp(h[i]->path, path) == 0)
			return cf_work_replay_hive(w, f, h[i], err);
	return 0;
}

const struct cf_problem cf_problem_hive_unclean = {
	.id = "hive-unclean",
	.severity = CF_SEV_INFO,
	.repair = CF_REPAIR_OPT_IN,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article (loading a hive in regedit replays its logs)",
	.title = N_("A registry hive was not closed properly"),
	.seen = N_("The sequence numbers of the hive's base block differ or its checksum is wrong: changes wait in .LOG1 and .LOG2."),
	.does = N_("Replays the logs as Windows does, before any other edit of that hive, or with --only hive-unclean. A log that Windows would "
		   "reject is rejected here too, and the hive is then left alone."),
	.risk = N_("None that Windows' own next start would not take: the result is the same bytes."),
	.detect = detect,
	.fix = fix,
};
