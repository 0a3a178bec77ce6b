/* harness.h - drives a commit, its undo and their recoveries through every crash.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plan says what is done to which disk; what that is comes from a callback, so a whole repair can be driven through as
 * well as a handful of blocks. To drive a command that opens the disk itself, record it with machine_install and
 * machine_record around the call and hand the machine to crash_sweep; crash-run.c does so.
 */
#ifndef TESTS_CRASH_HARNESS_H
#define TESTS_CRASH_HARNESS_H

#include "machine.h"
#include "txn/txn.h"

struct crash_plan {
	const char *name;
	struct cf_block *base;     /* the disk before; borrowed, never written */
	struct cf_txn_place place; /* paths are the machine's own, absolute */
	const struct cf_txn_fingerprint *prints;
	size_t n_prints;
	/* Makes the change on the overlay; 0 or -1. */
	int (*change)(void *user, struct cf_block *overlay, struct cf_error *err);
	void *user;
	size_t step;      /* bytes between tears; 512 for all of them */
	unsigned seeds;   /* power cuts a point, beside "nothing" and "all" of what was not synced */
	unsigned nested;  /* every nth crashed machine dies again during its recovery, every nth failing one while it deals
			   * with the failure; 0: none */
};

struct crash_counts {
	uint64_t events, states; /* of commits, undos and recoveries */
	uint64_t rolled_back, kept_new, nested;
};

/* Commit, undo and recovery of the plan at every crash. 0, or -1 with a line on stderr for the first thing that is wrong. */
int crash_run(const struct crash_plan *plan, struct crash_counts *counts);

/* Every crash of the trace in m (recorded): after recovery the disk must be before or after. What is found there must
 * take a commit, or an undo, as the plan has it. */
int crash_sweep(const struct crash_plan *plan, const struct machine *m, const struct machine *before,
		const struct machine *after, struct crash_counts *counts);

/* Undoes what m (after a commit) holds, and sweeps that. The disk must be as before then. */
int crash_undo(const struct crash_plan *plan, struct machine *m, const struct machine *before, const struct machine *after,
	       struct crash_counts *counts);

/* Every single operation of commit and undo fails once, and from there on for ever, with each error. */
int crash_faults(const struct crash_plan *plan, struct crash_counts *counts);

#endif
