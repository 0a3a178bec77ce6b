/* usage-tree.c - the folders of a volume: who lies in whom, sums from the leaves up, paths.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Folders and files come in any order, so a folder may be referred to before its own record is seen. No recursion: folders are put in order
 * by taking leaves off; what bites its own tail never becomes a leaf, stays out of the order, and counts as "other".
 */
#include "space/usage-internal.h"

#include <stdlib.h>

#include "base/grow.h"
#include "base/utf16.h"

#define DEPTH_MAX 4096u /* names of a path that are shown */

int cf_usage_tree_init(struct cf_usage_tree *t, uint64_t records, struct cf_error *err)
{
	*t = (struct cf_usage_tree){ .records = records };
	if (records >= CF_USAGE_NONE)
		return cf_fail(err, CF_E_UNSUPPORTED, "$MFT has %llu records: more than can be measured", (unsigned long long)records);
	t->index = calloc(records ? (size_t)records : 1, sizeof *t->index); /* zero pages until used */
	return t->index ? 0 : cf_fail_nomem(err);
}

void cf_usage_tree_free(struct cf_usage_tree *t)
{
	free(t->dir);
	free(t->index);
	free(t->order);
	cf_buf_free(&t->names);
	*t = (struct cf_usage_tree){ 0 };
}

uint32_t cf_usage_tree_at(struct cf_usage_tree *t, uint64_t record, bool *outside)
{
	*outside = record >= t->records;
	if (*outside)
		return CF_USAGE_NONE;
	if (t->index[record])
		return t->index[record] - 1;
	if (!CF_ROOM(t->dir, t->n, t->max, 1024))
		return CF_USAGE_NONE;
	t->dir[t->n] = (struct cf_usage_dir){ .record = (uint32_t)record, .parent = CF_USAGE_NONE, .class = CF_USAGE_OTHER };
	t->index[record] = (uint32_t)++t->n;
	return (uint32_t)(t->n - 1);
}

int cf_usage_tree_close(struct cf_usage_tree *t, const struct cf_usage_marks *marks, struct cf_error *err)
{
	t->order = calloc(t->n ? t->n : 1, sizeof *t->order);
	if (!t->order)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < t->n; i++) {
		struct cf_usage_dir *d = &t->dir[i];
		if (d->record == CF_NTFS_REC_ROOT || !d->known)
			d->parent = CF_USAGE_NONE; /* the root is its own parent */
		if (d->parent != CF_USAGE_NONE)
			t->dir[d->parent].children++;
	}
	/* Leaves first; a folder whose last child has been taken becomes one. */
	for (size_t i = 0; i < t->n; i++)
		if (!t->dir[i].children)
			t->order[t->n_order++] = (uint32_t)i;
	for (size_t at = 0; at < t->n_order; at++) {
		uint32_t parent = t->dir[t->order[at]].parent;
		if (parent != CF_USAGE_NONE && !--t->dir[parent].children)
			t->order[t->n_order++] = parent;
	}
	for (size_t at = t->n_order; at-- > 0;) { /* parents before their children */
		struct cf_usage_dir *d = &t->dir[t->order[at]];
		enum cf_usage_class own = cf_usage_marked(marks, d->record);
		if (own != CF_USAGE_CLASSES)
			d->class = (uint8_t)own;
		else if (d->parent != CF_USAGE_NONE)
			d->class = t->dir[d->parent].class;
	}
	return 0;
}

void cf_usage_tree_sum(struct cf_usage_tree *t)
{
	for (size_t at = 0; at < t->n_order; at++) {
		const struct cf_usage_dir *d = &t->dir[t->order[at]];
		if (d->parent == CF_USAGE_NONE)
			continue;
		struct cf_usage_dir *parent = &t->dir[d->parent];
		parent->bytes += d->bytes;
		parent->files += d->files;
		parent->largest_child = cf_max_u64(parent->largest_child, d->bytes);
	}
}

static int append_name(struct cf_buf *out, struct cf_span name)
{
	CF_FREE char *text = cf_utf16_to_utf8(name, NULL);
	return text ? cf_buf_printf(out, "\\%s", text) : -1;
}

char *cf_usage_tree_path(const struct cf_usage_tree *t, const char *prefix, uint32_t dir, struct cf_span name)
{
	uint32_t way[DEPTH_MAX];
	size_t n = 0;
	CF_BUF out = { 0 };
	bool lost = dir == CF_USAGE_NONE;
	while (dir != CF_USAGE_NONE && t->dir[dir].record != CF_NTFS_REC_ROOT) {
		if (n == DEPTH_MAX || !t->dir[dir].known) {
			lost = true;
			break;
		}
		way[n++] = dir;
		dir = t->dir[dir].parent;
		lost = dir == CF_USAGE_NONE;
	}
	/* What hangs in the air is shown so. */
	if (cf_buf_printf(&out, "%s%s", prefix, lost ? "\\?" : "") < 0)
		return NULL;
	while (n-- > 0) {
		const struct cf_usage_dir *d = &t->dir[way[n]];
		if (append_name(&out, cf_span_sub(cf_buf_span(&t->names), d->name, d->name_bytes)) < 0)
			return NULL;
	}
	if (name.n && append_name(&out, name) < 0)
		return NULL;
	if (cf_buf_append(&out, "", 1) < 0)
		return NULL;
	return (char *)CF_STEAL(out.p);
}
