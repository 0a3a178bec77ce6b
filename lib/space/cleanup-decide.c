/* cleanup-decide.c - from names to a decision: dumps, hard links, folders that become empty; and the sums that people see.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "space/cleanup-internal.h"

#include <stdlib.h>

#include "base/utf16.h"

#define DUMP_LEAST 4096u /* bytes: a smaller file holds no dump */

static unsigned flags_of(const struct cf_clean_item *it)
{
	return cf_clean_classes[it->cls].flags;
}

char *cf_clean_item_path(const struct cf_cleanup *c, const struct cf_clean_item *it)
{
	const struct cf_clean_store *s = c->store;
	char *path = cf_utf16_to_utf8(cf_clean_item_name(s, it), NULL);
	const struct cf_clean_folder *f = &s->folder[it->folder];
	while (path) { /* parents have smaller indexes */
		const char *place = f->parent == CF_CLEAN_NO ? c->sum[f->cls].place[f->place] : NULL;
		CF_FREE char *part = place ? NULL : cf_utf16_to_utf8(cf_clean_item_name(s, &s->item[f->item]), NULL);
		CF_FREE char *rest = path;
		path = NULL;
		/* The folder that holds a class's own folder: the place is the whole path. */
		if (place && it->inside != CF_CLEAN_NO && s->folder[it->inside].parent == CF_CLEAN_NO)
			return strdup(place);
		if (!place && !part)
			return NULL;
		if (asprintf(&path, "%s\\%s", place ? (strcmp(place, "\\") == 0 ? "" : place) : part, rest) < 0)
			path = NULL;
		if (place)
			return path;
		f = &s->folder[f->parent];
	}
	return NULL;
}

/* ---- dumps ---- */

static bool is_dump(const uint8_t *p, size_t n)
{
	return (n >= 8 && (memcmp(p, "PAGEDUMP", 8) == 0 || memcmp(p, "PAGEDU64", 8) == 0)) || (n >= 4 && memcmp(p, "MDMP", 4) == 0);
}

/* Whatever a file is called: a crash dump is evidence, and stays. */
static int keep_dumps(struct cf_cleanup *c, struct cf_volume *vol, struct cf_error *err)
{
	struct cf_clean_store *s = c->store;
	for (size_t i = 0; i < s->n_items; i++) {
		struct cf_clean_item *it = &s->item[i];
		struct cf_error why = { 0 };
		uint8_t head[8];
		size_t got;
		if (it->keep != CF_KEEP_NOT || it->inside != CF_CLEAN_NO || flags_of(it) & CF_CLEAN_DUMPS || it->bytes < DUMP_LEAST)
			continue;
		if (cf_tree_read(vol, it->ref, head, sizeof head, &got, &why) == 0) {
			if (is_dump(head, got))
				it->keep = CF_KEEP_DUMP;
		} else if (why.code == CF_E_IO || why.code == CF_E_NO_MEMORY) {
			if (err)
				*err = why;
			return -1;
		} else if (why.code != CF_E_UNSUPPORTED) {
			it->keep = CF_KEEP_DAMAGED;
		}
	}
	return 0;
}

/* The newest dump is that of the failure that is being looked into. */
static void keep_newest(struct cf_cleanup *c)
{
	struct cf_clean_store *s = c->store;
	struct cf_clean_item *newest = NULL;
	for (size_t i = 0; i < s->n_items; i++) {
		struct cf_clean_item *it = &s->item[i];
		if (flags_of(it) & CF_CLEAN_DUMPS && it->keep == CF_KEEP_NOT && it->inside == CF_CLEAN_NO &&
		    (!newest || it->time > newest->time))
			newest = it;
	}
	if (newest)
		newest->keep = CF_KEEP_RULE;
}

/* ---- hard links ---- */

static int by_ref(const void *a, const void *b, void *user)
{
	const struct cf_clean_item *item = user, *x = &item[*(const uint32_t *)a], *y = &item[*(const uint32_t *)b];
	if (x->ref != y->ref)
		return x->ref < y->ref ? -1 : 1;
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

/* One file's names that were found, order[from, to). It goes when all that it has go: together with the chosen classes. */
static void decide_links(struct cf_cleanup *c, size_t from, size_t to)
{
	struct cf_clean_store *s = c->store;
	uint32_t chosen = 0, of_class[CF_CLEAN_MAX_CLASSES] = { 0 };
	bool counted[CF_CLEAN_MAX_CLASSES] = { false };
	for (size_t i = from; i < to; i++) {
		const struct cf_clean_item *it = &s->item[s->order[i]];
		if (it->keep != CF_KEEP_NOT)
			continue;
		chosen += c->sum[it->cls].chosen;
		of_class[it->cls] += !c->sum[it->cls].chosen;
	}
	for (size_t i = from; i < to; i++) {
		struct cf_clean_item *it = &s->item[s->order[i]];
		bool in_chosen = c->sum[it->cls].chosen;
		unsigned slot = in_chosen ? CF_CLEAN_MAX_CLASSES - 1 : it->cls;
		if (it->keep != CF_KEEP_NOT)
			continue;
		if (chosen + (in_chosen ? 0 : of_class[it->cls]) < it->links) {
			it->keep = CF_KEEP_LINKED;
			continue;
		}
		/* Its clusters come free once. */
		if (counted[slot])
			it->bytes = 0;
		else
			c->sum[it->cls].files++;
		counted[slot] = true;
	}
}

static int decide_files(struct cf_cleanup *c, struct cf_error *err)
{
	struct cf_clean_store *s = c->store;
	s->order = calloc(s->n_items + 1, sizeof *s->order);
	if (!s->order)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < s->n_items; i++)
		if (s->item[i].inside == CF_CLEAN_NO)
			s->order[s->n_order++] = (uint32_t)i;
	qsort_r(s->order, s->n_order, sizeof *s->order, by_ref, s->item);
	for (size_t from = 0, to; from < s->n_order; from = to) {
		for (to = from + 1; to < s->n_order && s->item[s->order[to]].ref == s->item[s->order[from]].ref;)
			to++;
		decide_links(c, from, to);
	}
	return 0;
}

/* ---- no more than so many ---- */

/* One file that goes: its names are order[from, to). */
struct going {
	uint64_t bytes;
	size_t from, to;
};

static int largest_first(const void *a, const void *b)
{
	const struct going *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->from < y->from ? -1 : 1; /* the same disk gives the same plan */
}

static void postpone(struct cf_cleanup *c, const struct going *g)
{
	struct cf_clean_store *s = c->store;
	bool first = true; /* where the file was counted */
	c->later_files++;
	c->later_bytes += g->bytes; /* each counted once, and of one volume */
	for (size_t i = g->from; i < g->to; i++) {
		struct cf_clean_item *it = &s->item[s->order[i]];
		if (it->keep != CF_KEEP_NOT || !c->sum[it->cls].chosen)
			continue;
		c->sum[it->cls].files -= first;
		it->keep = CF_KEEP_LATER;
		first = false;
	}
}

static int limit_files(struct cf_cleanup *c, uint64_t max_files, struct cf_error *err)
{
	struct cf_clean_store *s = c->store;
	uint64_t files = 0;
	size_t n = 0;
	for (size_t k = 0; k < cf_clean_n_classes; k++)
		files += c->sum[k].chosen ? c->sum[k].files : 0;
	if (!max_files || files <= max_files)
		return 0;
	CF_FREE struct going *g = calloc((size_t)files, sizeof *g); /* at most as many as there are names */
	if (!g)
		return cf_fail_nomem(err);
	for (size_t from = 0, to; from < s->n_order && n < files; from = to) {
		struct going one = { .from = from };
		bool goes = false;
		for (to = from; to < s->n_order && s->item[s->order[to]].ref == s->item[s->order[from]].ref; to++) {
			const struct cf_clean_item *it = &s->item[s->order[to]];
			if (it->keep != CF_KEEP_NOT || !c->sum[it->cls].chosen)
				continue;
			goes = true;
			one.bytes += it->bytes;
		}
		one.to = to;
		if (goes)
			g[n++] = one;
	}
	qsort(g, n, sizeof *g, largest_first);
	for (size_t i = (size_t)max_files; i < n; i++)
		postpone(c, &g[i]);
	return 0;
}

/* ---- folders ---- */

/* From the inside out: folders stand behind those that they are in. */
static void decide_folders(struct cf_cleanup *c)
{
	struct cf_clean_store *s = c->store;
	for (size_t i = 0; i < s->n_items; i++)
		if (s->item[i].inside == CF_CLEAN_NO && s->item[i].keep != CF_KEEP_NOT)
			s->folder[s->item[i].folder].left++;
	for (size_t i = s->n_folders; i-- > 0;) {
		const struct cf_clean_folder *f = &s->folder[i];
		if (f->item == CF_CLEAN_NO)
			continue;
		struct cf_clean_item *it = &s->item[f->item];
		if (it->keep == CF_KEEP_NOT && (f->left || !(flags_of(it) & CF_CLEAN_FOLDERS)))
			it->keep = CF_KEEP_FILLED;
		if (it->keep != CF_KEEP_NOT)
			s->folder[it->folder].left++;
		else
			c->sum[it->cls].folders++;
	}
}

/* ---- sums ---- */

static int add_example(struct cf_cleanup *c, struct cf_clean_sum *sum, const struct cf_clean_item *it, struct cf_error *err)
{
	size_t at = sum->n_examples;
	while (at && sum->example[at - 1].bytes < it->bytes)
		at--;
	if (at == CF_CLEAN_EXAMPLES || !it->bytes)
		return 0;
	char *path = cf_clean_item_path(c, it);
	if (!path)
		return cf_fail_nomem(err);
	if (sum->n_examples == CF_CLEAN_EXAMPLES)
		free(sum->example[--sum->n_examples].path);
	memmove(&sum->example[at + 1], &sum->example[at], (sum->n_examples - at) * sizeof *sum->example);
	sum->example[at] = (struct cf_clean_example){ path, it->bytes };
	sum->n_examples++;
	return 0;
}

static int add_up(struct cf_cleanup *c, struct cf_error *err)
{
	struct cf_clean_store *s = c->store;
	for (size_t i = 0; i < s->n_items; i++) {
		const struct cf_clean_item *it = &s->item[i];
		struct cf_clean_sum *sum = &c->sum[it->cls];
		bool file = it->inside == CF_CLEAN_NO;
		if (it->keep != CF_KEEP_NOT) {
			sum->kept[it->keep] += file;
			sum->kept_bytes[it->keep] += file ? it->bytes : 0; /* each is less than 2^63, and of a volume */
			continue;
		}
		sum->names += file;
		if (cf_add_overflow(sum->bytes, it->bytes, &sum->bytes))
			return cf_fail(err, CF_E_CORRUPT, "the sizes of the files are impossible; run chkdsk");
		if (file && add_example(c, sum, it, err) < 0)
			return -1;
	}
	for (size_t k = 0; k < cf_clean_n_classes; k++)
		if (c->sum[k].chosen) {
			c->files += c->sum[k].files;
			c->folders += c->sum[k].folders;
			c->bytes += c->sum[k].bytes;
		}
	return 0;
}

int cf_clean_decide(struct cf_cleanup *c, struct cf_volume *vol, uint64_t max_files, struct cf_error *err)
{
	if (keep_dumps(c, vol, err) < 0)
		return -1;
	keep_newest(c);
	if (decide_files(c, err) < 0 || limit_files(c, max_files, err) < 0)
		return -1;
	decide_folders(c);
	return add_up(c, err);
}
