/* paths.c - paths as the registry spells them: which volume's letter, and where on it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "windows/survey.h"

static bool is_separator(char c)
{
	return c == '\\' || c == '/';
}

/* The rest of text after prefix (any letter case), if what follows is a separator or nothing. */
static const char *after(const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	if (strncasecmp(text, prefix, n) != 0 || (text[n] && !is_separator(text[n])))
		return NULL;
	return text + n;
}

/* root and rest put together with single backslashes; "\\" for nothing. */
static char *join(const char *root, const char *rest)
{
	char *out = malloc(strlen(root) + strlen(rest) + 2);
	if (!out)
		return NULL;
	size_t n = strlen(root);
	memcpy(out, root, n);
	for (; *rest; rest++) {
		char c = is_separator(*rest) ? '\\' : *rest;
		if (c == '\\' && n && out[n - 1] == '\\')
			continue;
		out[n++] = c;
	}
	while (n > 1 && out[n - 1] == '\\')
		n--;
	if (!n)
		out[n++] = '\\';
	out[n] = 0;
	return out;
}

bool cf_install_path(const struct cf_install *in, const char *text, char *letter, char **path)
{
	static const char *const system_roots[] = { "%SystemRoot%", "%windir%", "\\SystemRoot" };
	static const char *const prefixes[] = { "\\??\\", "\\\\?\\", "\\\\.\\", "\\DosDevices\\" };
	const char *rest;
	*path = NULL;
	for (size_t i = 0; i < CF_ARRAY_LEN(system_roots); i++)
		if ((rest = after(text, system_roots[i])) != NULL) {
			*letter = in->own_letter;
			return (*path = join(in->root, rest)) != NULL;
		}
	if ((rest = after(text, "%SystemDrive%")) != NULL) {
		*letter = in->own_letter;
		return (*path = join("", rest)) != NULL;
	}
	for (size_t i = 0; i < CF_ARRAY_LEN(prefixes); i++)
		if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
			text += strlen(prefixes[i]);
			break;
		}
	char c = text[0];
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == '?')
		c = in->own_letter;
	if (c < 'A' || c > 'Z' || text[1] != ':' || (text[2] && !is_separator(text[2])))
		return false;
	*letter = c;
	return (*path = join("", text + 2)) != NULL;
}
