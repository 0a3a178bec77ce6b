/* path.c - Windows paths on a volume taken apart.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A name that was listed can be given back as part of a path even if it had to be escaped: the backslash of such an
 * escape ("\u{D800}") does not separate.
 */
#include "volume/path.h"

#include <string.h>

#include "base/span.h"
#include "base/utf16.h"

/* Length of an escape at p as cf_utf16_to_utf8 makes them; 0 for anything else. */
static size_t escape_length(const char *p)
{
	if (strncmp(p, "\\u{", 3) != 0)
		return 0;
	size_t n = 3 + strspn(p + 3, "0123456789abcdefABCDEF");
	if (p[n] != '}' || n == 3 || n > 9)
		return 0;
	char text[12] = { 0 };
	memcpy(text, p, n + 1);
	CF_BUF unit = { 0 };
	return cf_utf8_to_utf16(text, &unit) == 0 && unit.n == 2 ? n + 1 : 0;
}

static bool is_separator(char c)
{
	return c == '\\' || c == '/';
}

static int add_name(struct cf_path *p, char *name, const char *path, struct cf_error *err)
{
	CF_BUF units = { 0 };
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return cf_fail(err, CF_E_USAGE, "\"%s\" is not allowed in a path on a volume: %.400s", name, path);
	if (cf_utf8_to_utf16(name, &units) < 0)
		return cf_fail(err, CF_E_USAGE, "a path is not well-formed UTF-8");
	p->name[p->n++] = name;
	return 0;
}

int cf_path_split(const char *path, struct cf_path *p, struct cf_error *err)
{
	*p = (struct cf_path){ 0 };
	size_t len = strlen(path);
	if (len > CF_PATH_BYTES_MAX)
		return cf_fail(err, CF_E_USAGE, "a path of %zu bytes is longer than Windows allows", len);
	p->store = strdup(path);
	p->name = calloc(len / 2 + 1, sizeof *p->name);
	if (!p->store || !p->name) {
		cf_path_free(p);
		return cf_fail_nomem(err);
	}
	for (char *s = p->store; *s;) {
		if (is_separator(*s) && !escape_length(s)) {
			s++;
			continue;
		}
		char *name = s;
		while (*s && (!is_separator(*s) || escape_length(s)))
			s += escape_length(s) ? escape_length(s) : 1;
		bool end = !*s;
		*s = 0;
		if (add_name(p, name, path, err) < 0) {
			cf_path_free(p);
			return -1;
		}
		if (!end)
			s++;
	}
	return 0;
}

void cf_path_free(struct cf_path *p)
{
	free(p->name);
	free(p->store);
	*p = (struct cf_path){ 0 };
}

int cf_name_check_new(const char *name, struct cf_error *err)
{
	CF_BUF units = { 0 };
	if (cf_utf8_to_utf16(name, &units) < 0)
		return cf_fail(err, CF_E_USAGE, "a file name is not well-formed UTF-8");
	if (units.n < 2 || units.n > 510)
		return cf_fail(err, CF_E_USAGE, "a file name must have 1 to 255 characters");
	for (size_t i = 0; i < units.n; i += 2) {
		unsigned c = (unsigned)(units.p[i] | units.p[i + 1] << 8);
		if (c < 0x20 || (c < 0x80 && strchr("\"*/:<>?\\|", (int)c)))
			return cf_fail(err, CF_E_USAGE, "Windows does not allow this file name: %s", name);
	}
	unsigned last = (unsigned)(units.p[units.n - 2] | units.p[units.n - 1] << 8);
	if (last == '.' || last == ' ')
		return cf_fail(err, CF_E_USAGE, "a file name can't end with a dot or a space: \"%s\"", name);
	return 0;
}
