/* usage-internal.h - what the files of the measurement share; included by usage*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SPACE_USAGE_INTERNAL_H
#define CF_SPACE_USAGE_INTERNAL_H

#include "space/usage.h"

/* ---- usage-class.c: which records begin a class, found by path before the scan ---- */

struct cf_usage_mark {
	uint64_t record;
	enum cf_usage_class class;
};
struct cf_usage_marks {
	struct cf_usage_mark *item; /* by record, each once */
	size_t n, max;
	bool no_memory;
};
int cf_usage_mark_all(const struct cf_machine *m, size_t vol, struct cf_usage_marks *marks, struct cf_error *err) CF_MUST_CHECK;
/* The class of a record, or CF_USAGE_CLASSES when it begins none. */
enum cf_usage_class cf_usage_marked(const struct cf_usage_marks *marks, uint64_t record);

/* ---- usage-tree.c: the folders ---- */

#define CF_USAGE_NONE UINT32_MAX

struct cf_usage_dir {
	uint32_t record, parent; /* parent: index of a folder; CF_USAGE_NONE: not known */
	uint32_t name, name_bytes; /* UTF-16LE in names */
	uint32_t children;       /* folders that have this one as their parent */
	bool known;              /* its own record was seen */
	uint8_t class;
	uint64_t bytes, files;   /* directly in it, then (after cf_usage_tree_sum) of everything beneath */
	uint64_t classed, classed_files; /* directly in it and of no class of its own */
	uint64_t largest_child;  /* bytes */
};

struct cf_usage_tree {
	struct cf_usage_dir *dir;
	uint32_t *index;         /* of a record's folder, plus one; 0: none yet */
	uint32_t *order;         /* folders, children before their parents */
	uint64_t records;
	size_t n, max, n_order;
	struct cf_buf names;
};

int cf_usage_tree_init(struct cf_usage_tree *t, uint64_t records, struct cf_error *err) CF_MUST_CHECK;
void cf_usage_tree_free(struct cf_usage_tree *t);
/* The folder of a record, made when it is new. CF_USAGE_NONE: out of memory, or no record of this $MFT (then *outside). */
uint32_t cf_usage_tree_at(struct cf_usage_tree *t, uint64_t record, bool *outside);
/* Once all folders are known: their order and classes. */
int cf_usage_tree_close(struct cf_usage_tree *t, const struct cf_usage_marks *marks, struct cf_error *err) CF_MUST_CHECK;
/* Adds up what is beneath each folder. */
void cf_usage_tree_sum(struct cf_usage_tree *t);
/* "PREFIX\folder\name" (name UTF-16LE, may be empty), malloc'd; NULL when out of memory. */
char *cf_usage_tree_path(const struct cf_usage_tree *t, const char *prefix, uint32_t dir, struct cf_span name);

#endif
