/* json.c - a result as the contract's JSON object.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "job/session.h"

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

char *cf_result_json(const cf_result *r)
{
	json_t *j = cf_json_head(cf_command_name(r->command), r->exit_status, cf_result_error(r));
	if (r->dry_run)
		json_object_set_new(j, "dry_run", json_true());
	json_object_update(j, r->doc);
	return dump(j);
}

char *cf_error_json(const char *command, const struct cf_error *error, int exit_status)
{
	return dump(cf_json_head(command, exit_status, error));
}
