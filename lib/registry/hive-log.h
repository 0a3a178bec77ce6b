/* hive-log.h - replaying a hive's transaction logs as Windows does (old "DIRT" and new "HvLE" format).
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_REGISTRY_HIVE_LOG_H
#define CF_REGISTRY_HIVE_LOG_H

#include "registry/hive.h"

enum cf_replay_state {
	CF_REPLAY_CLEAN,     /* the hive is clean: logs are ignored, as Windows does */
	CF_REPLAY_APPLIED,   /* entries were applied; the result is what Windows would load */
	CF_REPLAY_NO_LOGS,   /* dirty, and there is nothing in the logs (absent, empty, or all older than the hive) */
	CF_REPLAY_REJECTED   /* dirty, and the logs that should apply are invalid: Windows would not load it from them */
};

struct cf_replay {
	enum cf_replay_state state;
	unsigned entries;         /* HvLE entries or DIRT pages that were applied */
	bool torn_base;           /* the base block was rebuilt from a log */
	unsigned log_used;        /* bit 0: LOG1 (or LOG), bit 1: LOG2 */
	char reason[160];         /* for REJECTED and NO_LOGS */
};

/* primary: the hive file. log1/log2: the log files' bytes, empty span when absent or 0 bytes; a single LOG goes in
 * log1. hive (initialised; what it held is freed) receives the bytes after replay, or a copy of the primary for CLEAN,
 * NO_LOGS and REJECTED. A log is older than the hive when its base block's sequence number is before the hive's
 * secondary one (old format: its time before the hive's). -1 only when the primary is no hive at all (CF_E_CORRUPT,
 * CF_E_UNSUPPORTED for Windows 9x) or memory runs out. */
int cf_hive_replay(struct cf_span primary, struct cf_span log1, struct cf_span log2, struct cf_buf *hive,
		   struct cf_replay *replay, struct cf_error *err) CF_MUST_CHECK;

/* Marvin32 with the registry's seed (exposed for tests and for the disk factory's cross-check). */
uint64_t cf_marvin32(struct cf_span data);

#endif
