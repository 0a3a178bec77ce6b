/* corpus.c - finds and unpacks the real hives of the shared test data.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "corpus.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int slurp(FILE *f, struct cf_buf *b)
{
	static uint8_t part[65536];
	size_t n;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		if (cf_buf_append(b, part, n) < 0)
			return -1;
	return 0;
}

static int load(const char *path, struct cf_buf *b)
{
	size_t n = strlen(path);
	if (n > 3 && strcmp(path + n - 3, ".xz") == 0) {
		CF_FREE char *command = NULL;
		if (asprintf(&command, "xz -dc '%s'", path) < 0)
			return -1;
		FILE *p = popen(command, "r");
		int r = p ? slurp(p, b) : -1;
		return p && pclose(p) == 0 ? r : -1;
	}
	CF_FCLOSE FILE *f = fopen(path, "rb");
	return f ? slurp(f, b) : -1;
}

bool corpus_read(const char *name, struct cf_buf *bytes)
{
	const char *shared = getenv("COLDFIX_SHARED");
	CF_FREE char *path = NULL;
	if (!shared || asprintf(&path, "%s/data/%s", shared, name) < 0)
		return false;
	return load(path, bytes) == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void add(struct corpus *c, const char *path, const char *data)
{
	if (strstr(path, ".LOG"))
		return;
	struct cf_buf b = { 0 };
	if (load(path, &b) == 0 && b.n >= 4 && memcmp(b.p, "regf", 4) == 0) {
		c->file = reallocarray(c->file, c->n + 1, sizeof(*c->file));
		if (!c->file)
			abort();
		c->file[c->n++] = (struct corpus_file){ strdup(path + strlen(data) + 1), b };
	} else {
		cf_buf_free(&b);
	}
}

struct corpus corpus_load(const char *const *folders)
{
	struct corpus c = { 0 };
	const char *shared = getenv("COLDFIX_SHARED");
	CF_FREE char *data = NULL;
	if (!shared || asprintf(&data, "%s/data", shared) < 0)
		return c;
	for (; *folders; folders++) {
		CF_FREE char *folder = NULL;
		if (asprintf(&folder, "%s/%s", data, *folders) < 0)
			return c;
		char *roots[] = { folder, NULL };
		FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
		if (!fts)
			continue;
		for (FTSENT *e; (e = fts_read(fts));)
			if (e->fts_info == FTS_F)
				add(&c, e->fts_path, data);
		fts_close(fts);
	}
	return c;
}

void corpus_free(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->file[i].name);
		cf_buf_free(&c->file[i].bytes);
	}
	free(c->file);
	*c = (struct corpus){ 0 };
}
