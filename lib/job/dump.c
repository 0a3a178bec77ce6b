/* dump.c - coldfix dump DISK VERB: one row a verb.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "job/session.h"

static const struct {
	const char *verb;
	int (*run)(const struct cf_request *req, struct cf_result *r);
} verbs[] = {
	{ "list", cf_job_dump_list },
	{ "info", cf_job_dump_info },
	{ "collect", cf_job_dump_collect },
	{ "configure", cf_job_dump_configure },
};

int cf_job_dump(const struct cf_request *req, struct cf_result *r)
{
	const char *verb = req->args && req->args[0] ? req->args[0] : NULL;
	if (!verb)
		return cf_fail(&r->error, CF_E_USAGE, "dump needs a verb behind the disk; see coldfix dump --help");
	json_object_set_new(r->doc, "verb", cf_json_text(verb));
	for (size_t i = 0; i < CF_ARRAY_LEN(verbs); i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].run(req, r);
	return cf_fail(&r->error, CF_E_USAGE, "dump has no verb \"%s\"; see coldfix dump --help", verb);
}
