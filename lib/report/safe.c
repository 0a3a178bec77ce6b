/* safe.c - names from disks on their way to a terminal.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A computer name, a label or a file name may hold escape sequences. The record itself is shown as it is in JSON (which escapes on its
 * own); text for people is made from a copy without characters that a terminal obeys.
 */
#include "base/utf16.h"
#include "report/page.h"

static json_t *safe_string(const char *s)
{
	CF_FREE char *shown = cf_text_escape(s);
	return shown ? json_string(shown) : NULL;
}

/* The record is ours and a few levels deep, whatever the disk holds. */
json_t *cf_page_safe(const json_t *record)
{
	const char *key;
	json_t *v, *copy, *from = (json_t *)record;
	size_t i;
	if (json_is_string(record))
		return safe_string(json_string_value(record));
	if (json_is_array(record)) {
		copy = json_array();
		json_array_foreach(from, i, v)
			if (json_array_append_new(copy, cf_page_safe(v)) < 0)
				goto no_memory;
		return copy;
	}
	if (!json_is_object(record))
		return json_incref(from);
	copy = json_object();
	json_object_foreach(from, key, v)
		if (json_object_set_new(copy, key, cf_page_safe(v)) < 0)
			goto no_memory;
	return copy;
no_memory:
	json_decref(copy);
	return NULL;
}

char *cf_printable(const char *text)
{
	return cf_text_escape(text);
}
