/* fat-check.c - is it safe to write to this FAT volume?
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Whoever writes into a cluster that two files share destroys the other one, and a cluster that a file uses although the
 * FAT calls it free would be given to somebody else. So before the first write every folder is read and every chain is
 * followed, each cluster marked once. Damage that endangers nobody else (a file that ends early, lost clusters) does
 * not matter here. Reads only.
 */
#include "volume/fat.h"

#include "base/grow.h"

#define FILES_MAX (1u << 20) /* an ESP has a few hundred */

struct check {
	struct fat_volume *v;
	uint8_t *used;      /* a bit for each cluster */
	uint32_t *folder;   /* folders still to be looked at */
	size_t n, cap;
	uint32_t files;
};

static void check_free(struct check *c)
{
	free(c->used);
	free(c->folder);
}

/* Marks the clusters of one chain. *sound: the chain may be followed as a folder. */
static int claim(struct check *c, uint32_t first, bool *sound, struct cf_error *err)
{
	FAT_CHAIN chain = { 0 };
	struct cf_error why;
	*sound = cf_fat_chain(c->v, first, c->v->g.clusters, &chain, &why) == 0;
	if (!*sound && why.code != CF_E_CORRUPT) {
		if (err)
			*err = why;
		return -1;
	}
	for (size_t i = 0; i < chain.n; i++)
		for (uint32_t k = 0; k < chain.run[i].count; k++) {
			uint32_t bit = chain.run[i].first - 2 + k;
			if (c->used[bit / 8] & 1u << bit % 8)
				return cf_fail(err, CF_E_UNCLEAN, "cluster %u belongs to two files (or to one file twice)", bit + 2);
			c->used[bit / 8] |= (uint8_t)(1u << bit % 8);
		}
	if (*sound && !chain.ended)
		return cf_fail(err, CF_E_UNCLEAN, "a chain of clusters runs in a circle");
	return 0;
}

/* A chain that broke off at a free cluster: that cluster looks free, but a file lays claim to it. */
static int not_into_free(struct check *c, uint32_t first, struct cf_error *err)
{
	FAT_CHAIN chain = { 0 };
	uint32_t next = first;
	if (!first || cf_fat_chain(c->v, first, c->v->g.clusters, &chain, NULL) == 0)
		return 0;
	if (chain.n) {
		const struct fat_run *last = &chain.run[chain.n - 1];
		if (cf_fat_get(c->v, last->first + last->count - 1, &next, err) < 0)
			return -1;
	}
	uint32_t value = FAT_BAD;
	if (next < 2 || next - 2 >= c->v->g.clusters)
		return 0;
	if (cf_fat_get(c->v, next, &value, err) < 0)
		return -1;
	return value == FAT_FREE ? cf_fail(err, CF_E_UNCLEAN, "cluster %u is marked free, but a file uses it", next) : 0;
}

static int push(struct check *c, uint32_t cluster, struct cf_error *err)
{
	if (!CF_ROOM(c->folder, c->n, c->cap, 64))
		return cf_fail_nomem(err);
	c->folder[c->n++] = cluster;
	return 0;
}

static int check_folder(struct check *c, uint32_t cluster, struct cf_error *err)
{
	FAT_DIR dir = { 0 };
	struct fat_entry e;
	if (cf_fat_dir_load(c->v, cluster, &dir, err) < 0)
		return -1;
	for (size_t pos = 0; cf_fat_dir_next(&dir, &pos, &e);) {
		uint32_t first = cf_fat_entry_cluster(c->v, &e.d);
		bool sound;
		if (++c->files > FILES_MAX)
			return cf_fail(err, CF_E_UNSUPPORTED, "the volume holds more than %u files", FILES_MAX);
		if (claim(c, first, &sound, err) < 0 || (!sound && not_into_free(c, first, err) < 0))
			return -1;
		if ((e.d.attr & FAT_ATTR_DIRECTORY) && sound && first && push(c, first, err) < 0)
			return -1;
	}
	return 0;
}

int cf_fat_check(struct fat_volume *v, struct cf_error *err)
{
	struct check c CF_CLEANUP(check_free) = { .v = v, .used = calloc(v->g.clusters / 8 + 1, 1) };
	bool sound;
	if (!c.used)
		return cf_fail_nomem(err);
	if (v->g.fs == CF_FS_FAT32 && claim(&c, v->g.root_cluster, &sound, err) < 0)
		return -1;
	if (push(&c, 0, err) < 0)
		return -1;
	/* Every folder is a chain of its own and no cluster is in two: no folder comes twice. */
	while (c.n)
		if (check_folder(&c, c.folder[--c.n], err) < 0)
			return -1;
	return 0;
}
