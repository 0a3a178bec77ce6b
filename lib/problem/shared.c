/* shared.c - what several problems need: places as text, paging files as a control set names them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: PagingFiles lines are "path" or "path initial maximum" in MB; "?:" is any drive (notes §3.2).
 */
#include "problem/problem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *cf_where_registry(const struct cf_context *c, const char *set_key, const char *rest)
{
	char *s = NULL;
	(void)c;
	return asprintf(&s, "HKLM\\SYSTEM\\%s\\%s", set_key, rest) < 0 ? NULL : s;
}

char *cf_where_store(const struct cf_context *c)
{
	if (!c->store)
		return strdup("");
	CF_FREE char *vol = cf_vol_name(c->m, c->store->vol);
	char *s = NULL;
	if (!vol || asprintf(&s, "%s, %s", vol, c->store->path) < 0)
		return NULL;
	return s;
}

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

int cf_paging_files(const struct cf_context *c, const struct cf_control_set *set, const char *value,
		    struct cf_paging_file *out, size_t *n, bool *found, struct cf_error *err)
{
	*n = 0;
	*found = false;
	const struct cf_hive *h = c->in->system.hive;
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

char cf_paging_wanted(const struct cf_context *c)
{
	switch (c->req->temp_disk) {
	case CF_TEMP_SCSI:
		return 'D';
	case CF_TEMP_NVME: /* raw and unformatted at each start: Windows can't page there */
	case CF_TEMP_NONE:
		return c->in->own_letter;
	case CF_TEMP_LETTER:
		return c->req->temp_letter;
	default:
		return 0;
	}
}

const struct cf_letter *cf_letter_entry(const struct cf_install *in, char letter)
{
	for (size_t i = 0; i < in->n_letters; i++)
		if (in->letter[i].letter == letter)
			return &in->letter[i];
	return NULL;
}

static int first_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	uint64_t *where = user;
	if (file_off == 0 && len >= 8)
		*where = offset;
	return 1;
}

bool cf_dump_inside(const struct cf_vol *v, const char *path)
{
	struct cf_file *f = v->vol ? cf_file_open(v->vol, path, NULL) : NULL;
	if (!f)
		return false;
	uint64_t where = UINT64_MAX;
	if (cf_file_extents(f, first_extent, &where, NULL) < 0)
		where = UINT64_MAX;
	cf_file_close(f);
	char magic[8];
	if (where == UINT64_MAX || cf_block_read(v->slice, where, magic, sizeof magic, NULL) < 0)
		return false;
	return memcmp(magic, "PAGEDUMP", 8) == 0 || memcmp(magic, "PAGEDU64", 8) == 0;
}
