/* safe.c - names from disks on their way to a terminal.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A computer name, a label or a file name may hold escape sequences. The record itself is shown as it is in JSON (which escapes on its
 * own); text for people is made from a copy without characters that a terminal obeys.
 */
#include <string.h>

#include "report/page.h"

/* The code point that starts at s (valid UTF-8, as jansson keeps it) and its length. */
static unsigned decode(const unsigned char *s, size_t *len)
{
	if (s[0] < 0x80) {
		*len = 1;
		return s[0];
	}
	if (s[0] < 0xe0 && s[1]) {
		*len = 2;
		return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
	}
	if (s[0] < 0xf0 && s[1] && s[2]) {
		*len = 3;
		return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	}
	*len = strnlen((const char *)s, 4);
	return 0x10000;
}

static bool obeyed(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f;
}

static json_t *safe_string(const char *s)
{
	CF_BUF out = { 0 };
	int r = 0;
	for (size_t n; *s && r == 0; s += n) {
		unsigned c = decode((const unsigned char *)s, &n);
		r = obeyed(c) ? cf_buf_printf(&out, c < 0x100 ? "\\x%02x" : "\\u%04x", c) : cf_buf_append(&out, s, n);
	}
	return r < 0 ? NULL : json_stringn(out.p ? (char *)out.p : "", out.n);
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
