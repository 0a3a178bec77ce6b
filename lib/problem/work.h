/* work.h - what the fixes want done: edits of hives and stores, files to delete; carried out on overlays.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fixes of several problems edit the same hive: their edits are queued here and each hive is replayed, edited and written
 * once. Queuing checks whether the volume may be written at all; if not, the finding is marked blocked with the reason and nothing
 * is queued for it there. Each queued edit records one change (before, after) for the plan.
 */
#ifndef CF_PROBLEM_WORK_H
#define CF_PROBLEM_WORK_H

#include "problem/problem.h"
#include "registry/hive-edit.h"
#include "space/cleanup.h"
#include "space/expand.h"
#include "space/defrag.h"

struct cf_change {
	const char *problem; /* id */
	char *what, *before, *after;
};

struct cf_work_hive {
	size_t vol;
	char *path;
	bool is_store;
	struct cf_hive_edits edits;
	bool replay_only; /* no edits: write the replayed hive */
};

struct cf_work_delete {
	size_t vol;
	char *path;
};

struct cf_work_cleanup {
	size_t vol;
	struct cf_cleanup *plan; /* owned */
};

struct cf_work_defrag {
	size_t vol;
	struct cf_defrag_options opt;
	uint64_t *records; /* owned: opt.records */
};

struct cf_work {
	const struct cf_context *c;
	size_t n_hives, n_deletes, n_changes, n_cleanups;
	struct cf_work_hive *hive;
	struct cf_work_delete *del;
	struct cf_work_cleanup *cleanup;
	struct cf_work_defrag defrag[2]; /* of the Windows volume: boot files, free space */
	size_t n_defrags;
	struct cf_change *change;
	bool *force_unclean;       /* per volume: empty its journal */
	bool *discard_hibernation; /* per volume */
	bool repair_gpt[CF_MAX_DISKS];
	bool grows;              /* the volume takes free room behind it, after everything else */
	struct cf_expand expand; /* with grows */
	char *const *unwritable; /* borrowed, may be NULL; per volume: why an earlier try could not write it, or NULL */
	const uint64_t *skip;    /* borrowed: folders (MFT references) that an earlier try of the clean-up could not take a name out of */
	size_t n_skip;
	const char *no_cleanup;  /* borrowed, may be NULL: why an earlier try of the clean-up failed for good */
	bool failed_cleanup;     /* after a failed cf_work_apply: it was the clean-up, and in this folder (0: in none) */
	uint64_t stuck;
	int failed_vol;          /* after a failed cf_work_apply: the volume that failed; -1: something else */
};

int cf_work_begin(const struct cf_context *c, struct cf_work *w, struct cf_error *err) CF_MUST_CHECK;
void cf_work_end(struct cf_work *w);

/* May this volume be written? False fills reason (a sentence). boot_store: the stricter rule for boot stores on disks with encryption. */
bool cf_work_may_write(const struct cf_work *w, size_t vol, bool boot_store, char *reason, size_t reason_size);

/* SYSTEM or SOFTWARE hive of the selected installation. key is the path inside the hive; before may be NULL ("absent"). Blocked: 0 is returned and f->blocked set. */
int cf_work_set_u32(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *hive, const char *key,
		    const char *name, uint32_t v, struct cf_error *err) CF_MUST_CHECK;
int cf_work_set_string(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *hive, const char *key,
		       const char *name, uint32_t type, const char *v, struct cf_error *err) CF_MUST_CHECK;
int cf_work_set_multi(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *hive, const char *key,
		      const char *name, const char *const *v, struct cf_error *err) CF_MUST_CHECK;
int cf_work_delete_value(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *hive, const char *key,
			 const char *name, struct cf_error *err) CF_MUST_CHECK;

/* The boot store of the selected installation. */
int cf_work_bcd_set(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
		    uint32_t element, uint32_t reg_type, struct cf_span data, struct cf_error *err) CF_MUST_CHECK;
int cf_work_bcd_set_bool(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
			 uint32_t element, bool v, struct cf_error *err) CF_MUST_CHECK;
int cf_work_bcd_set_u64(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t object_type,
			uint32_t element, uint64_t v, struct cf_error *err) CF_MUST_CHECK;
int cf_work_bcd_delete(struct cf_work *w, struct cf_finding *f, const struct cf_guid *object, uint32_t element,
		       struct cf_error *err) CF_MUST_CHECK;

int cf_work_delete_file(struct cf_work *w, struct cf_finding *f, size_t vol, const char *path,
			struct cf_error *err) CF_MUST_CHECK;
/* Lets a volume of the OS disk take the unallocated room right behind it, within the disk as it is: an expansion (space/expand.h) that moves nothing. */
int cf_work_grow(struct cf_work *w, struct cf_finding *f, const struct cf_expand *x, struct cf_error *err) CF_MUST_CHECK;

/* Deletes what a clean-up of the default classes lists (space/cleanup.h), before anything else is written to that volume. Takes plan over in
 * any case. */
int cf_work_clean_up(struct cf_work *w, struct cf_finding *f, size_t vol, struct cf_cleanup *plan, struct cf_error *err) CF_MUST_CHECK;
/* Makes files and free space whole (space/defrag.h), behind a clean-up and before anything else is written to that volume. records (malloc'd, taken
 * over in any case): only these files. */
int cf_work_defrag(struct cf_work *w, size_t vol, uint64_t *records, size_t n, struct cf_error *err) CF_MUST_CHECK;
int cf_work_replay_hive(struct cf_work *w, struct cf_finding *f, const struct cf_hive_file *hive,
			struct cf_error *err) CF_MUST_CHECK;

/* Records a change that is not an edit of a hive or a file. */
int cf_work_change(struct cf_work *w, const struct cf_finding *f, const char *what, const char *before, const char *after,
		   struct cf_error *err) CF_MUST_CHECK;

/* The same for a finding that can't be repaired now: sets blocked and reason. */
void cf_finding_block(struct cf_finding *f, const char *fmt, ...) CF_PRINTF(2, 3);

bool cf_work_empty(const struct cf_work *w);

/* Carries everything out on the overlays (one per disk of the machine; NULL for disks that need no write): opens each
 * volume for writing there, writes hives and stores, deletes files, closes. */
int cf_work_apply(struct cf_work *w, struct cf_block *const *overlay, struct cf_error *err) CF_MUST_CHECK;

/* Whether any work lies on this disk. */
bool cf_work_touches(const struct cf_work *w, unsigned disk);

#endif
