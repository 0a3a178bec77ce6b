/* shared.c - what several problems need: places as text, paging files of the selected installation.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/problem.h"

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

int cf_paging_files(const struct cf_context *c, const struct cf_control_set *set, const char *value,
		    struct cf_paging_file *out, size_t *n, bool *found, struct cf_error *err)
{
	return cf_install_paging_files(c->in, set, value, out, n, found, err);
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

const struct cf_collected *cf_dump_was_collected(const struct cf_context *c, const struct cf_vol *v, const char *path)
{
	char hex[65];
	if (!c->n_collected || !cf_dump_inside(v, path))
		return NULL;
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *dump = cf_dump_from_clusters(v, path, NULL);
	if (!dump || cf_dump_header_hash(dump, hex, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < c->n_collected; i++)
		if (strcmp(c->collected[i].header, hex) == 0)
			return &c->collected[i];
	return NULL;
}

bool cf_dump_keeps(const struct cf_context *c, const struct cf_vol *v, const char *path)
{
	return !c->req->discard_dump && cf_dump_inside(v, path) && !cf_dump_was_collected(c, v, path);
}
