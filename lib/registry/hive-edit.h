/* hive-edit.h - changing a hive: a list of edits, carried out by hivex in a child process on a private memory file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hivex is trusted to edit, not to survive: it runs in a child (it can abort on hostile input), on a memfd, after a
 * full validation by our scanner. Edits that hivex does wrongly are refused before it starts. Its result is validated again and compared with
 * the original key by key: exactly the edits may differ.
 */
#ifndef CF_REGISTRY_HIVE_EDIT_H
#define CF_REGISTRY_HIVE_EDIT_H

#include "registry/hive.h"

enum cf_edit_op {
	CF_EDIT_SET,          /* make the key (and its parents) if needed, set the value */
	CF_EDIT_DELETE_VALUE, /* gone afterwards; not an error when it is not there */
	CF_EDIT_DELETE_KEY    /* the key and all beneath it; not an error when it is not there */
};

struct cf_hive_edit {
	enum cf_edit_op op;
	char *key;   /* path from the root, backslashes, UTF-8 */
	char *name;  /* value name, "" the default value; NULL for DELETE_KEY */
	uint32_t type;
	struct cf_buf data;
};

struct cf_hive_edits {
	struct cf_hive_edit *edit;
	size_t n, cap;
};

/* Queue edits; strings and data are copied. A later edit of the same value replaces the earlier one. */
int cf_hive_edits_set(struct cf_hive_edits *e, const char *key, const char *name, uint32_t type, struct cf_span data,
		      struct cf_error *err) CF_MUST_CHECK;
int cf_hive_edits_set_u32(struct cf_hive_edits *e, const char *key, const char *name, uint32_t v,
			  struct cf_error *err) CF_MUST_CHECK;
int cf_hive_edits_set_string(struct cf_hive_edits *e, const char *key, const char *name, uint32_t type,
			     const char *utf8, struct cf_error *err) CF_MUST_CHECK; /* with the terminating NUL */
int cf_hive_edits_set_multi(struct cf_hive_edits *e, const char *key, const char *name, const char *const *strv,
			    struct cf_error *err) CF_MUST_CHECK;
int cf_hive_edits_delete_value(struct cf_hive_edits *e, const char *key, const char *name,
			       struct cf_error *err) CF_MUST_CHECK;
int cf_hive_edits_delete_key(struct cf_hive_edits *e, const char *key, struct cf_error *err) CF_MUST_CHECK;
void cf_hive_edits_free(struct cf_hive_edits *e);

/* Carries out the edits on a hive that is already replayed (replayed bytes whose sequence numbers are equal). out
 * receives the new hive: both sequence numbers equal and greater than the old ones, checksum right, so that stale logs stay ineligible. When the edits
 * change nothing, out is byte-identical to hive. CF_E_CORRUPT: the hive has fatal defects; CF_E_REFUSED: an edit that
 * hivex would do wrongly, with the reason; CF_E_INTERNAL: the child failed or the result was not what was asked. */
int cf_hive_apply(struct cf_span hive, const struct cf_hive_edits *edits, struct cf_buf *out,
		  struct cf_error *err) CF_MUST_CHECK;

/* Marks a dirty hive without usable logs clean (seq2 = seq1, checksum), in place; for hives that validate without fatal defects. */
void cf_hive_mark_clean(struct cf_buf *hive);

#endif
