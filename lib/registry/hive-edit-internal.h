/* hive-edit-internal.h - what hive-edit.c, hive-apply.c, hive-diff.c and hive-hivex.c share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_REGISTRY_HIVE_EDIT_INTERNAL_H
#define CF_REGISTRY_HIVE_EDIT_INTERNAL_H

#include "registry/hive-edit.h"
#include "registry/hive-internal.h"

/* What a list of edits, carried out in order, says about one value or key. */
enum cf_fate {
	CF_FATE_UNTOUCHED,
	CF_FATE_GONE,
	CF_FATE_SET /* value: see the edit; key: is there afterwards */
};
enum cf_fate cf_edits_value_fate(const struct cf_hive_edits *e, const char *key, const char *name,
				 const struct cf_hive_edit **set);
enum cf_fate cf_edits_key_fate(const struct cf_hive_edits *e, const char *key);

/* Whether any edit is about this key, about something beneath it, or deletes a key above it. */
bool cf_edits_touch(const struct cf_hive_edits *e, const char *key);

/* True when the path a is b or lies above it, letter case aside. */
bool cf_path_covers(const char *a, const char *b);

/* "a\b", or "b" when a is empty; malloc'd. */
char *cf_path_join(const char *a, const char *b);

/* Compares before and after: 0 when exactly the edits differ; else CF_E_INTERNAL naming the first other difference. */
int cf_hive_compare(const struct cf_hive *before, const struct cf_hive *after, const struct cf_hive_edits *e,
		    struct cf_error *err) CF_MUST_CHECK;

/* CF_E_REFUSED, with the reason, for what hivex would do wrongly; the hive has been validated. */
int cf_hive_precheck(const struct cf_hive *h, const struct cf_hive_edits *e, struct cf_error *err) CF_MUST_CHECK;

/* hivex in a child process: out receives what it wrote. The hive is validated, the edits are such that hivex does
 * them right, and spelled as the hive spells them. */
int cf_hivex_run(struct cf_span hive, const struct cf_hive_edits *e, struct cf_buf *out,
		 struct cf_error *err) CF_MUST_CHECK;

#endif
