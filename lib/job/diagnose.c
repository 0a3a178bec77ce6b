/* diagnose.c - info and diagnose: look, judge, change nothing.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "job/session.h"

int cf_fill_info(const struct cf_session *s, json_t *doc, struct cf_error *err)
{
	/* All the keys that every command has; info judges nothing. */
	json_object_set_new(doc, "verdict", json_null());
	json_object_set_new(doc, "disk", cf_describe_disk(s));
	json_object_set_new(doc, "windows", cf_describe_windows(s));
	json_object_set_new(doc, "problems", json_array());
	json_object_set_new(doc, "changes", json_array());
	cf_describe_unwritten(doc);
	if (s->m->disk[0].parts.scheme == CF_SCHEME_NONE && !s->m->n_vols)
		return cf_fail(err, CF_E_UNSUPPORTED, "neither a partition table nor a file system was recognised on this disk");
	return 0;
}

int cf_job_info(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	if (ret == 0)
		ret = cf_fill_info(&s, r->doc, &r->error);
	cf_session_close(&s);
	return ret;
}

static bool names_a_reason(const struct cf_findings *fs)
{
	for (size_t i = 0; i < fs->n; i++)
		if (cf_finding_counts(&fs->item[i]))
			return true;
	return false;
}

int cf_fill_diagnose(const struct cf_session *s, json_t *doc, int *exit_status, struct cf_error *err)
{
	struct cf_findings fs = { 0 };
	struct cf_verdict v;
	int ret = cf_detect_all(&s->ctx, &fs, err);
	if (ret == 0) {
		cf_verdict_make(&fs, &s->ctx, &v);
		json_object_set_new(doc, "verdict", cf_describe_verdict(&v));
		json_object_set_new(doc, "disk", cf_describe_disk(s));
		json_object_set_new(doc, "windows", cf_describe_windows(s));
		json_object_set_new(doc, "problems", cf_describe_findings(&fs));
		json_object_set_new(doc, "changes", json_array());
		cf_describe_unwritten(doc);
		if (names_a_reason(&fs))
			*exit_status = 4;
		else if (!s->ctx.in)
			ret = cf_fail(err, CF_E_NO_WINDOWS,
				      "no Windows installation was found on this disk (looked for System32\\config\\SYSTEM on every readable volume)");
	}
	cf_findings_free(&fs);
	return ret;
}

int cf_job_diagnose(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	if (ret == 0)
		ret = cf_fill_diagnose(&s, r->doc, &r->exit_status, &r->error);
	cf_session_close(&s);
	return ret;
}
