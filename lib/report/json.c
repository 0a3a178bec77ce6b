/* json.c - a result as the contract's JSON object.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "job/session.h"

static json_t *error_json(const struct cf_error *e)
{
	return json_pack("{s:s,s:o,s:o,s:o}", "code", cf_code_name(e->code), "message", cf_json_text(e->message), "path",
			 cf_json_text(e->path[0] ? e->path : NULL), "offset", e->has_offset ? json_integer((json_int_t)e->offset) : json_null());
}

static char *dump(json_t *j)
{
	char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (!text)
		return NULL;
	size_t n = strlen(text);
	char *out = realloc(text, n + 2);
	if (!out) {
		free(text);
		return NULL;
	}
	memcpy(out + n, "\n", 2);
	return out;
}

static json_t *head(const char *command, int exit_status, const struct cf_error *e)
{
	json_t *j = json_object();
	json_object_set_new(j, "coldfix", json_string(cf_version()));
	json_object_set_new(j, "command", json_string(command));
	json_object_set_new(j, "exit_status", json_integer(exit_status));
	if (e)
		json_object_set_new(j, "error", error_json(e));
	return j;
}

char *cf_result_json(const cf_result *r)
{
	json_t *j = head(cf_command_name(r->command), r->exit_status, cf_result_error(r));
	if (r->dry_run)
		json_object_set_new(j, "dry_run", json_true());
	json_object_update(j, r->doc);
	return dump(j);
}

char *cf_error_json(const char *command, const struct cf_error *error, int exit_status)
{
	return dump(head(command, exit_status, error));
}
