/* paging.c - the paging files that a control set names.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: PagingFiles lines are "path" or "path initial maximum" in MB; "?:" is any drive (notes §3.2).
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "windows/survey.h"

/* "C:\pagefile.sys 1024 2048" or "\??\C:\pagefile.sys"; false when it names no drive. */
static bool parse_line(const char *line, struct cf_paging_file *p)
{
	*p = (struct cf_paging_file){ 0 };
	snprintf(p->text, sizeof p->text, "%s", line);
	if (strncmp(line, "\\??\\", 4) == 0)
		line += 4;
	if (!((isalpha((unsigned char)line[0]) || line[0] == '?') && line[1] == ':'))
		return false;
	p->letter = (char)toupper((unsigned char)line[0]);
	line += 2;
	/* A path may hold blanks; sizes are the last two words when both are numbers. */
	size_t len = strcspn(line, " ");
	const char *blank = strrchr(line, ' ');
	if (blank && strspn(blank + 1, "0123456789") == strlen(blank + 1)) {
		unsigned long long a, b;
		char tail;
		const char *first = blank;
		while (first > line && first[-1] != ' ')
			first--;
		if (first > line && sscanf(first, "%llu %llu%c", &a, &b, &tail) == 2) {
			p->sized = true;
			p->initial_mb = a;
			p->maximum_mb = b;
			len = (size_t)(first - 1 - line);
		}
	} else {
		len = strlen(line);
	}
	while (len && line[len - 1] == ' ')
		len--;
	if (len >= sizeof p->path)
		return false;
	memcpy(p->path, line, len);
	p->path[len] = 0;
	return true;
}

int cf_install_paging_files(const struct cf_install *in, const struct cf_control_set *set, const char *value,
			    struct cf_paging_file *out, size_t *n, bool *found, struct cf_error *err)
{
	*n = 0;
	*found = false;
	const struct cf_hive *h = in->system.hive;
	if (!h)
		return 0;
	char path[128];
	snprintf(path, sizeof path, "%s\\Control\\Session Manager\\Memory Management", set->key);
	CF_VALUE v = { 0 };
	struct cf_error e = { 0 };
	if (cf_hive_value(h, cf_hive_root(h), path, value, &v, &e) < 0) {
		if (e.code == CF_E_NO_MEMORY)
			return cf_fail_nomem(err);
		return 0; /* not there; damage is hive-corrupt's to report */
	}
	*found = true;
	size_t lines = 0;
	char **strv = cf_value_multi_sz(&v, &lines);
	if (!strv)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < lines && *n < CF_MAX_PAGING_FILES; i++)
		if (parse_line(strv[i], &out[*n]))
			(*n)++;
	cf_strv_free(strv);
	return 0;
}
