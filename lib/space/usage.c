/* usage.c - the measurement: one scan, what it adds up, and the lists of the largest.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files with one name are added to their folder and forgotten. Files with several are kept until all folders have a class, since only
 * then it is known where they count: under the first name outside the component store. Paths are made at the end, for the lists only.
 */
#include "space/usage-internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/grow.h"

#define CHECK_MAX (UINT64_C(1) << 30) /* clusters that are checked on the way: 128 MiB of bits */
#define MOSTLY_ONE 4                  /* a folder is left out of the list when one folder in it holds all but 1/4 of it */

/* A file with several names; its folders follow in scan.parents. */
struct linked {
	uint64_t bytes;
	size_t parents;
	uint32_t n;
	uint8_t class; /* of its own, or CF_USAGE_CLASSES */
};

/* The n entries with the largest keys so far, as a heap with the smallest on top. */
struct top {
	struct top_entry {
		uint64_t key, record;
	} *item;
	size_t n, max;
};

struct scan {
	struct cf_usage *u;
	struct cf_usage_tree tree;
	struct cf_usage_marks marks;
	struct cf_extent_map *map;
	struct linked *linked;
	uint32_t *parents;
	size_t n_linked, max_linked, n_parents, max_parents;
	struct top largest, fragmented;
	struct cf_error *err;
};

static void add(uint64_t *sum, uint64_t n)
{
	if (cf_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX; /* only where the same clusters belong to file after file */
}

static void sift_down(struct top *t, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < t->n; i = child) {
		if (child + 1 < t->n && t->item[child + 1].key < t->item[child].key)
			child++;
		if (t->item[i].key <= t->item[child].key)
			return;
		struct top_entry x = t->item[i];
		t->item[i] = t->item[child];
		t->item[child] = x;
	}
}

static void top_add(struct top *t, uint64_t key, uint64_t record)
{
	if (t->n == t->max && (!t->max || key <= t->item[0].key))
		return;
	if (t->n == t->max) {
		t->item[0] = (struct top_entry){ key, record };
		sift_down(t, 0);
		return;
	}
	t->item[t->n++] = (struct top_entry){ key, record };
	if (t->n == t->max)
		for (size_t i = t->n / 2; i-- > 0;)
			sift_down(t, i);
}

/* Largest first; equal ones in order of their record, so that the same disk gives the same list. */
static int compare_top(const void *a, const void *b)
{
	const struct top_entry *x = a, *y = b;
	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

/* The folder that a name lies in. False: out of memory. */
static bool folder_of(struct scan *s, uint64_t parent, uint32_t *dir)
{
	bool outside;
	*dir = cf_usage_tree_at(&s->tree, CF_NTFS_REF_RECORD(parent), &outside);
	return *dir != CF_USAGE_NONE || outside;
}

static void count_in(struct cf_usage *u, struct cf_usage_tree *t, uint32_t dir, enum cf_usage_class own, uint64_t bytes, unsigned file)
{
	if (dir != CF_USAGE_NONE) {
		add(&t->dir[dir].bytes, bytes);
		t->dir[dir].files += file;
	}
	if (dir != CF_USAGE_NONE && own == CF_USAGE_CLASSES) {
		add(&t->dir[dir].classed, bytes);
		t->dir[dir].classed_files += file;
	} else {
		own = own == CF_USAGE_CLASSES ? CF_USAGE_OTHER : own;
		add(&u->class[own].bytes, bytes);
		u->class[own].files += file;
	}
}

static int see_folder(struct scan *s, const struct cf_mft_file *f)
{
	bool outside;
	uint32_t self = cf_usage_tree_at(&s->tree, f->record, &outside), parent = CF_USAGE_NONE;
	if (self == CF_USAGE_NONE)
		return outside ? 0 : -1;
	const struct cf_mft_name *name = NULL;
	for (size_t i = 0; i < f->name_count && (!name || name->space == 2); i++)
		name = &f->names[i];
	if (name && !folder_of(s, name->parent, &parent))
		return -1;
	struct cf_usage_dir *d = &s->tree.dir[self];
	d->known = true;
	d->parent = parent;
	s->u->folders++;
	if (name && s->tree.names.n + name->name.n < UINT32_MAX) {
		d->name = (uint32_t)s->tree.names.n;
		d->name_bytes = (uint32_t)name->name.n;
		if (cf_buf_append(&s->tree.names, name->name.p, name->name.n) < 0)
			return -1;
	}
	count_in(s->u, &s->tree, self, CF_USAGE_CLASSES, f->allocated, 0);
	return 0;
}

static int see_linked(struct scan *s, const struct cf_mft_file *f, enum cf_usage_class own)
{
	if (!CF_ROOM(s->linked, s->n_linked, s->max_linked, 256))
		return -1;
	struct linked *l = &s->linked[s->n_linked++];
	*l = (struct linked){ .bytes = f->allocated, .parents = s->n_parents, .class = (uint8_t)own };
	for (size_t i = 0; i < f->name_count; i++) {
		if (f->names[i].space == 2)
			continue;
		if (!CF_ROOM(s->parents, s->n_parents, s->max_parents, 256) ||
		    !folder_of(s, f->names[i].parent, &s->parents[s->n_parents]))
			return -1;
		s->n_parents++;
		l->n++;
	}
	return 0;
}

/* Extents of all streams; an attribute list is bookkeeping, which comes with many of them. */
static uint64_t extents_of(const struct cf_mft_file *f, bool *in_pieces)
{
	uint64_t n = 0;
	*in_pieces = false;
	for (size_t i = 0; i < f->stream_count; i++) {
		if (f->streams[i].type == CF_NTFS_AT_LIST)
			continue;
		n += f->streams[i].extents;
		*in_pieces |= f->streams[i].extents > 1;
	}
	return n;
}

static void see_pieces(struct scan *s, const struct cf_mft_file *f)
{
	bool in_pieces;
	uint64_t extents = extents_of(f, &in_pieces);
	if (!extents)
		return;
	s->u->clustered++;
	s->u->extents += extents;
	s->u->in_pieces += in_pieces;
	if (in_pieces)
		top_add(&s->fragmented, extents, f->record);
	if (f->record == CF_NTFS_REC_MFT) {
		const struct cf_mft_stream *data = cf_mft_stream(f, CF_NTFS_AT_DATA, NULL);
		s->u->mft_extents = data ? data->extents : 0;
	}
}

static bool of_ntfs(const struct cf_mft_file *f)
{
	return f->record < CF_NTFS_REC_FIRST_FREE && f->record != CF_NTFS_REC_ROOT;
}

static int see_file(void *user, const struct cf_mft_file *f)
{
	struct scan *s = user;
	int rc = 0;
	if (s->map)
		cf_extent_map_add(s->map, f, &s->u->check);
	see_pieces(s, f);
	if (f->directory) {
		rc = see_folder(s, f);
	} else if (of_ntfs(f)) {
		count_in(s->u, &s->tree, CF_USAGE_NONE, CF_USAGE_NTFS, f->allocated, 1);
	} else {
		enum cf_usage_class own = cf_usage_marked(&s->marks, f->record);
		uint32_t dir = CF_USAGE_NONE;
		s->u->files++;
		top_add(&s->largest, f->allocated, f->record);
		const struct cf_mft_name *name = NULL;
		for (size_t i = 0; i < f->name_count && (!name || name->space == 2); i++)
			name = &f->names[i];
		if (f->hard_links > 1)
			rc = see_linked(s, f, own);
		else if (name && !folder_of(s, name->parent, &dir))
			rc = -1;
		else
			count_in(s->u, &s->tree, dir, own, f->allocated, 1);
	}
	return rc < 0 ? cf_fail_nomem(s->err) : 0;
}

/* Where a file with several names counts: the first folder outside the component store. */
static uint32_t home_of(const struct cf_usage_tree *t, const uint32_t *parents, size_t n, bool *in_store)
{
	uint32_t home = n ? parents[0] : CF_USAGE_NONE;
	bool found = false;
	*in_store = false;
	for (size_t i = 0; i < n; i++) {
		bool store = parents[i] != CF_USAGE_NONE && t->dir[parents[i]].class == CF_USAGE_WINSXS;
		*in_store |= store;
		if (!store && !found) {
			home = parents[i];
			found = true;
		}
	}
	*in_store &= found;
	return home;
}

static void count_linked(struct scan *s)
{
	for (size_t i = 0; i < s->n_linked; i++) {
		const struct linked *l = &s->linked[i];
		bool shared;
		uint32_t home = home_of(&s->tree, s->parents + l->parents, l->n, &shared);
		if (shared)
			add(&s->u->winsxs_shared, l->bytes);
		count_in(s->u, &s->tree, home, l->class, l->bytes, 1);
	}
}

static void count_classes(struct scan *s)
{
	for (size_t i = 0; i < s->tree.n; i++) {
		const struct cf_usage_dir *d = &s->tree.dir[i];
		add(&s->u->class[d->class].bytes, d->classed);
		s->u->class[d->class].files += d->classed_files;
	}
	s->u->reserved = s->u->class[CF_USAGE_NTFS].bytes;
}

/* ---- the lists ---- */

struct details {
	struct scan *s;
	const char *prefix;
	struct cf_usage_file *out;
};

static int fill_file(void *user, const struct cf_mft_file *f)
{
	struct details *d = user;
	const struct cf_usage_tree *t = &d->s->tree;
	const struct cf_mft_name *name = NULL;
	uint32_t dir = CF_USAGE_NONE;
	for (size_t i = 0; i < f->name_count; i++) {
		bool outside;
		if (f->names[i].space == 2)
			continue;
		uint32_t at = cf_usage_tree_at(&d->s->tree, CF_NTFS_REF_RECORD(f->names[i].parent), &outside);
		bool better = dir != CF_USAGE_NONE && t->dir[dir].class == CF_USAGE_WINSXS && at != CF_USAGE_NONE &&
			      t->dir[at].class != CF_USAGE_WINSXS;
		if (name && !better)
			continue;
		name = &f->names[i];
		dir = at;
	}
	d->out->size = f->size;
	d->out->allocated = f->allocated;
	d->out->links = f->hard_links;
	bool in_pieces;
	d->out->extents = extents_of(f, &in_pieces);
	enum cf_usage_class own = cf_usage_marked(&d->s->marks, f->record);
	d->out->class = own != CF_USAGE_CLASSES ? own : of_ntfs(f) ? CF_USAGE_NTFS : dir != CF_USAGE_NONE ? t->dir[dir].class : CF_USAGE_OTHER;
	d->out->path = cf_usage_tree_path(t, d->prefix, dir, name ? name->name : (struct cf_span){ NULL, 0 });
	return d->out->path ? 0 : cf_fail_nomem(d->s->err);
}

static int list_files(struct scan *s, struct cf_mft *m, struct top *top, const char *prefix, struct cf_usage_file **out, size_t *n)
{
	*out = calloc(top->n ? top->n : 1, sizeof **out);
	if (!*out)
		return cf_fail_nomem(s->err);
	qsort(top->item, top->n, sizeof *top->item, compare_top);
	for (size_t i = 0; i < top->n; i++) {
		struct details d = { s, prefix, *out + *n };
		struct cf_error why = { 0 };
		/* What could be read during the scan and no longer can is left out. */
		if (cf_mft_one(m, top->item[i].record, fill_file, &d, &why) == 0)
			++*n;
		else if (why.code == CF_OK || why.code == CF_E_NO_MEMORY)
			return cf_fail_nomem(s->err);
	}
	return 0;
}

static int list_folders(struct scan *s, const char *prefix, size_t max)
{
	struct cf_usage_tree *t = &s->tree;
	struct top top = { .max = max };
	top.item = calloc(max ? max : 1, sizeof *top.item);
	if (!top.item)
		return cf_fail_nomem(s->err);
	for (size_t i = 0; i < t->n_order; i++) {
		const struct cf_usage_dir *d = &t->dir[t->order[i]];
		if (d->known && d->record != CF_NTFS_REC_ROOT && d->record >= CF_NTFS_REC_FIRST_FREE && d->bytes &&
		    d->bytes - cf_min_u64(d->largest_child, d->bytes) > d->bytes / MOSTLY_ONE)
			top_add(&top, d->bytes, t->order[i]);
	}
	qsort(top.item, top.n, sizeof *top.item, compare_top);
	struct cf_usage_folder *out = s->u->folder = calloc(top.n ? top.n : 1, sizeof *out);
	int rc = out ? 0 : cf_fail_nomem(s->err);
	for (size_t i = 0; rc == 0 && i < top.n; i++) {
		const struct cf_usage_dir *d = &t->dir[top.item[i].record];
		out[i] = (struct cf_usage_folder){ .bytes = d->bytes, .files = d->files, .class = d->class };
		out[i].path = cf_usage_tree_path(t, prefix, (uint32_t)top.item[i].record, (struct cf_span){ NULL, 0 });
		rc = out[i].path ? 0 : cf_fail_nomem(s->err);
		s->u->n_folders++;
	}
	free(top.item);
	return rc;
}

/* ---- free space ---- */

uint64_t cf_usage_bound(unsigned bucket)
{
	static const uint64_t bound[] = { 0, 64 * CF_KIB, CF_MIB, 16 * CF_MIB, 128 * CF_MIB, 512 * CF_MIB };
	_Static_assert(CF_ARRAY_LEN(bound) == CF_USAGE_BUCKETS, "a lower bound a bucket");
	return bucket < CF_USAGE_BUCKETS ? bound[bucket] : UINT64_MAX;
}

static int see_free(void *user, uint64_t lcn, uint64_t count)
{
	struct cf_usage *u = user;
	uint64_t bytes = count * u->cluster_size; /* of a volume whose bytes were checked */
	unsigned i = 0;
	(void)lcn;
	while (i + 1 < CF_USAGE_BUCKETS && bytes >= cf_usage_bound(i + 1))
		i++;
	u->bucket[i].bytes += bytes;
	u->bucket[i].files++;
	u->free += bytes;
	u->free_extents++;
	u->largest_free = cf_max_u64(u->largest_free, bytes);
	return 0;
}

/* ---- all of it ---- */

static int measure(struct scan *s, const struct cf_machine *machine, size_t vol, const struct cf_usage_options *opt, struct cf_mft *m)
{
	struct cf_usage *u = s->u;
	const struct cf_mft_geometry *g = cf_mft_geometry(m);
	const struct cf_vol *v = &machine->vol[vol];
	char prefix[16];
	u->cluster_size = g->cluster_size;
	u->total = g->clusters * g->cluster_size;
	if (v->letter)
		snprintf(prefix, sizeof prefix, "%c:", v->letter);
	else
		snprintf(prefix, sizeof prefix, "%u:", v->number);
	if (cf_usage_tree_init(&s->tree, g->records, s->err) < 0 || cf_mft_free_extents(m, see_free, u, s->err) < 0)
		return -1;
	u->used = u->total - u->free;
	if (g->clusters <= CHECK_MAX && !(s->map = cf_extent_map_new(0, g->clusters, s->err)))
		return -1;
	cf_mft_progress(m, opt->progress, opt->user);
	if (cf_mft_scan(m, see_file, s, &u->check.scan, s->err) < 0)
		return -1;
	if (s->map && cf_extent_map_compare(s->map, m, &u->check, s->err) < 0)
		return -1;
	u->checked = s->map != NULL;
	if (cf_usage_tree_close(&s->tree, &s->marks, s->err) < 0)
		return -1;
	count_linked(s);
	count_classes(s);
	cf_usage_tree_sum(&s->tree);
	if (list_folders(s, prefix, opt->top) < 0)
		return -1;
	if (list_files(s, m, &s->largest, prefix, &u->largest, &u->n_largest) < 0)
		return -1;
	return list_files(s, m, &s->fragmented, prefix, &u->fragmented, &u->n_fragmented);
}

int cf_usage_measure(const struct cf_machine *m, size_t vol, const struct cf_usage_options *opt, struct cf_usage *out,
		     struct cf_error *err)
{
	const struct cf_vol *v = &m->vol[vol];
	struct cf_error own = { 0 };
	struct scan s = { .u = out, .err = err ? err : &own };
	if (v->fs != CF_FS_NTFS || !v->vol)
		return cf_fail(err, CF_E_UNSUPPORTED, "partition %u holds no NTFS volume that can be read", v->number);
	if (opt->top > CF_USAGE_TOP_MAX)
		return cf_fail(err, CF_E_USAGE, "at most %d entries can be listed", CF_USAGE_TOP_MAX);
	s.largest.max = s.fragmented.max = opt->top;
	s.largest.item = calloc(opt->top + 1u, sizeof *s.largest.item);
	s.fragmented.item = calloc(opt->top + 1u, sizeof *s.fragmented.item);
	int rc = s.largest.item && s.fragmented.item ? 0 : cf_fail_nomem(s.err);
	if (rc == 0)
		rc = cf_usage_mark_all(m, vol, &s.marks, s.err);
	struct cf_mft *mft = rc == 0 ? cf_mft_open(v->slice, s.err) : NULL;
	rc = mft ? measure(&s, m, vol, opt, mft) : -1;
	cf_mft_close(mft);
	cf_extent_map_free(s.map);
	cf_usage_tree_free(&s.tree);
	free(s.marks.item);
	free(s.linked);
	free(s.parents);
	free(s.largest.item);
	free(s.fragmented.item);
	return rc;
}

static void free_files(struct cf_usage_file *f, size_t n)
{
	for (size_t i = 0; f && i < n; i++)
		free(f[i].path);
	free(f);
}

void cf_usage_free(struct cf_usage *u)
{
	free_files(u->largest, u->n_largest);
	free_files(u->fragmented, u->n_fragmented);
	for (size_t i = 0; u->folder && i < u->n_folders; i++)
		free(u->folder[i].path);
	free(u->folder);
	*u = (struct cf_usage){ 0 };
}
