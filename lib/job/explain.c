/* explain.c - what a problem is, from the same table that finds and repairs it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "job/session.h"

static json_t *row(const struct cf_problem *p)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", p->id, "severity", cf_severity_name(p->severity), "repair",
			 cf_repair_name(p->repair), "article", p->article, "step", p->step, "title", p->title, "seen", p->seen, "does",
			 p->does, "risk", p->risk);
}

int cf_job_explain(const struct cf_request *req, struct cf_result *r)
{
	const char *what = req->args && req->args[0] ? req->args[0] : NULL;
	json_t *rows = json_array();
	json_object_set_new(r->doc, "problems", rows);
	json_object_set_new(r->doc, "list", json_boolean(!what));
	for (size_t i = 0; i < cf_problem_count; i++) {
		const struct cf_problem *p = cf_problem_table[i];
		if (!what || strcmp(what, p->id) == 0 || strcmp(what, p->article) == 0)
			json_array_append_new(rows, row(p));
	}
	if (!json_array_size(rows))
		return cf_fail(&r->error, CF_E_USAGE,
			       "there is no problem or article \"%s\"; coldfix explain lists them all", what ? what : "");
	return 0;
}
