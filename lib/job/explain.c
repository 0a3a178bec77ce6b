/* explain.c - what a problem is, from the same table that finds and repairs it; and an article's steps, with a disk's facts in them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "job/playbook.h"
#include "job/symptom.h"

static json_t *row(const struct cf_problem *p)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "id", p->id, "severity", cf_severity_name(p->severity), "repair",
			 cf_repair_name(p->repair), "article", p->article, "step", p->step, "title", p->title, "seen", p->seen, "does",
			 p->does, "risk", p->risk);
}

/* The playbook with the facts of a disk; as diagnose, it opens it read-only and locks itself in. */
static int with_disk(const char *what, const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	struct cf_findings fs = { 0 };
	int ret = cf_session_look(&s, req, req->args[1], NULL, &r->error);
	if (ret == 0)
		ret = cf_detect_all(&s.ctx, &fs, &r->error);
	if (ret == 0 && !s.ctx.in && !fs.n)
		ret = cf_fail(&r->error, CF_E_NO_WINDOWS, "no Windows installation was found on this disk");
	if (ret == 0) {
		json_object_set_new(r->doc, "disk", cf_describe_disk(&s));
		json_object_set_new(r->doc, "windows", cf_describe_windows(&s));
		json_object_set_new(r->doc, "playbook", cf_playbook(what, &s.ctx, &fs));
	}
	cf_findings_free(&fs);
	cf_session_close(&s);
	return ret;
}

int cf_job_explain(const struct cf_request *req, struct cf_result *r)
{
	const char *what = req->args && req->args[0] ? req->args[0] : NULL;
	json_t *rows = json_array();
	json_object_set_new(r->doc, "problems", rows);
	json_object_set_new(r->doc, "list", json_boolean(!what));
	for (size_t i = 0; i < cf_problem_count; i++) {
		const struct cf_problem *p = cf_problem_table[i];
		if (!what || strcmp(what, p->id) == 0 || cf_article_covers(what, p))
			json_array_append_new(rows, row(p));
	}
	if (!json_array_size(rows))
		return cf_fail(&r->error, CF_E_USAGE,
			       "there is no problem or article \"%s\"; coldfix explain lists them all", what ? what : "");
	json_object_set_new(r->doc, "playbook", what ? cf_playbook(what, NULL, NULL) : json_array());
	if (json_array_size(json_object_get(r->doc, "playbook")))
		json_object_set_new(r->doc, "article", json_string(what));
	if (!what || !req->args[1])
		return 0;
	if (!json_array_size(json_object_get(r->doc, "playbook")))
		return cf_fail(&r->error, CF_E_USAGE, "\"%s\" is no article: with a disk, explain takes status-no-memory or starting-windows", what);
	r->disk = req->args[1];
	return with_disk(what, req, r);
}
