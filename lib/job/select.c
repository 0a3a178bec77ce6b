/* select.c - the rules of --only, --skip, --with and --prepare.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Default repairs run unless skipped; opt-in ones when named; recommended settings when the same repair fixes an error or a
 * warning, or with --prepare. --only names exactly what runs.
 */
#include "job/select.h"

#include <string.h>

#include "job/symptom.h"

static bool in_list(const char *const *list, const char *id)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strcmp(list[i], id) == 0)
			return true;
	return false;
}

int cf_select_check(const struct cf_request *req, struct cf_error *err)
{
	static const char *const option[] = { "--only", "--skip", "--with" };
	const char *const *list[] = { req->only, req->skip, req->with };
	for (size_t k = 0; k < CF_ARRAY_LEN(list); k++)
		for (size_t i = 0; list[k] && list[k][i]; i++)
			if (!cf_problem_by_id(list[k][i]))
				return cf_fail(err, CF_E_USAGE, "%s: there is no problem \"%s\"; coldfix explain lists them all",
					       option[k], list[k][i]);
	return 0;
}

static bool is_obstacle(const struct cf_finding *f)
{
	const char *id = f->problem->id;
	return strcmp(id, "volume-hibernated") == 0 || strcmp(id, "volume-unclean") == 0 || strcmp(id, "gpt-damaged") == 0;
}

enum choice { RUN, NOT_ASKED, SKIP, IF_OTHERS_RUN };

static enum choice choose(const struct cf_request *req, const struct cf_finding *f)
{
	const char *id = f->problem->id;
	if (in_list(req->skip, id))
		return SKIP;
	if (req->only)
		return in_list(req->only, id) ? RUN : SKIP;
	if (in_list(req->with, id))
		return RUN;
	/* With an article only its problems; what stands in the way of every repair stays. */
	if (req->article && !is_obstacle(f) && !cf_article_covers(req->article, f->problem))
		return SKIP;
	/* --force-unclean is itself the word that the journal may be emptied, but only where something has to be written. */
	switch (f->repair) {
	case CF_REPAIR_DEFAULT:
		return RUN;
	case CF_REPAIR_RECOMMENDED:
		return req->prepare ? RUN : IF_OTHERS_RUN;
	default:
		return NOT_ASKED;
	}
}

static int fix_one(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	if (f->repair == CF_REPAIR_NONE || !f->problem->fix) {
		cf_finding_block(f, _("this version does not repair it: see coldfix explain %s"), f->problem->id);
		f->status = CF_STATUS_LEFT;
		return 0;
	}
	if (f->problem->fix(c, f, w, err) < 0)
		return -1;
	f->status = f->blocked ? CF_STATUS_LEFT : CF_STATUS_PLANNED;
	return 0;
}

/* One pass over the findings of one kind; recommended ones only when something that counts is repaired. */
static int pass(const struct cf_context *c, struct cf_findings *fs, struct cf_work *w, bool obstacles, bool recommended,
		struct cf_error *err)
{
	bool something = false;
	for (size_t i = 0; i < fs->n; i++)
		something |= fs->item[i].status == CF_STATUS_PLANNED && cf_finding_counts(&fs->item[i]);
	for (size_t i = 0; i < fs->n; i++) {
		struct cf_finding *f = &fs->item[i];
		enum choice choice = choose(c->req, f);
		if (is_obstacle(f) != obstacles || (choice == IF_OTHERS_RUN) != recommended || f->status != CF_STATUS_FOUND)
			continue;
		if (choice == RUN || (choice == IF_OTHERS_RUN && something)) {
			if (fix_one(c, f, w, err) < 0)
				return -1;
		} else if (choice == SKIP) {
			f->status = CF_STATUS_SKIPPED;
		} else if (choice == NOT_ASKED && f->severity != CF_SEV_INFO) {
			f->status = CF_STATUS_LEFT;
			if (f->repair == CF_REPAIR_OPT_IN && f->problem->fix)
				cf_finding_block(f, _("repaired only when asked for: --with %s"), f->problem->id);
			else
				cf_finding_block(f, _("this version does not repair it: see coldfix explain %s"), f->problem->id);
		}
	}
	return 0;
}

int cf_select_and_fix(const struct cf_context *c, struct cf_findings *fs, struct cf_work *w, struct cf_error *err)
{
	if (pass(c, fs, w, true, false, err) < 0 || pass(c, fs, w, false, false, err) < 0 ||
	    pass(c, fs, w, false, true, err) < 0)
		return -1;
	return 0;
}

int cf_select_task(const struct cf_context *c, const struct cf_problem *task, struct cf_findings *fs, struct cf_work *w,
		   struct cf_error *err)
{
	for (size_t i = 0; i < fs->n; i++)
		if (fs->item[i].problem == task && fix_one(c, &fs->item[i], w, err) < 0)
			return -1;
	return 0;
}
