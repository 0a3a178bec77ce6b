/* harness.c - drives a commit, its undo and their recoveries through every crash.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong(const struct crash_plan *plan, const char *where, const char *what, const struct cf_error *err)
{
	fprintf(stderr, "%s: %s: %s%s%s\n", plan->name, where, what, err ? ": " : "", err ? err->message : "");
	return -1;
}

static int do_commit(const struct crash_plan *plan, struct machine *m, char **undo_path, struct cf_error *err)
{
	struct cf_txn_stats stats;
	struct cf_txn *txn = cf_txn_begin(machine_disk(m), 0, err);
	if (!txn)
		return -1;
	int r = plan->change(plan->user, cf_txn_block(txn), err);
	if (r == 0)
		r = cf_txn_commit(txn, &plan->place, plan->prints, plan->n_prints, undo_path, &stats, err);
	cf_txn_end(txn);
	return r;
}

static int do_undo(const struct crash_plan *plan, struct machine *m, struct cf_error *err)
{
	CF_FREE char *path = NULL;
	if (plan->place.undo_file)
		path = strdup(plan->place.undo_file);
	else
		path = cf_undo_newest(&plan->place, err);
	return path ? cf_undo_apply(machine_disk(m), &plan->place, path, false, false, NULL, err) : -1;
}

/* x has settled on before or after: from there everything works. */
static int check_goes_on(const struct crash_plan *plan, struct machine *x, const struct machine *before,
			 const struct machine *after, const char *where)
{
	struct cf_error err;
	CF_FREE char *path = NULL;
	if (machine_same_disk(x, before)) {
		if (do_commit(plan, x, &path, &err) < 0)
			return wrong(plan, where, "the repair does not work afterwards", &err);
		if (!machine_same_disk(x, after))
			return wrong(plan, where, "the repair afterwards gives another disk", NULL);
	}
	if (plan->place.no_undo)
		return 0;
	if (do_undo(plan, x, &err) < 0)
		return wrong(plan, where, "undo does not work afterwards", &err);
	if (!machine_same_disk(x, before))
		return wrong(plan, where, "undo afterwards gives another disk", NULL);
	return 0;
}

/* A machine as a crash left it: looking at it read-only, then recovery. It stays settled. */
static int check_settles(const struct crash_plan *plan, struct machine *x, const struct machine *before,
			 const struct machine *after, const char *where, struct crash_counts *counts)
{
	struct cf_error err;
	enum cf_recovery what;
	machine_disk(x)->read_only = true;
	int seen = cf_txn_recover(machine_disk(x), &plan->place, &what, &err);
	machine_disk(x)->read_only = false;
	if (seen < 0 && err.code != CF_E_UNCLEAN)
		return wrong(plan, where, "a read-only open failed otherwise than by CF_E_UNCLEAN", &err);
	if (seen == 0 && !machine_same_disk(x, before) && !machine_same_disk(x, after))
		return wrong(plan, where, "a read-only open took a disk in between for whole", NULL);
	if (cf_txn_recover(machine_disk(x), &plan->place, &what, &err) < 0)
		return wrong(plan, where, "recovery failed", &err);
	bool is_before = machine_same_disk(x, before), is_after = machine_same_disk(x, after);
	if (!is_before && !is_after)
		return wrong(plan, where, "the disk is in between after recovery", NULL);
	if (seen < 0 && what != CF_RECOVERY_ROLLED_BACK)
		return wrong(plan, where, "recovery did nothing about an unclean disk", NULL);
	if (machine_count_names(x, "pending"))
		return wrong(plan, where, "the marker is still there", NULL);
	counts->rolled_back += is_before;
	counts->kept_new += is_after;
	return 0;
}

static int sweep(const struct crash_plan *plan, const struct machine *m, const struct machine *before,
		 const struct machine *after, size_t first, bool deeper, struct crash_counts *counts);

/* A machine that was found dead, and is now settled; if nest, it has recorded how, from event first on. */
static int check_state(const struct crash_plan *plan, struct machine *x, const struct machine *before,
		       const struct machine *after, const char *where, bool nest, struct crash_counts *counts)
{
	size_t first = x->n_events;
	machine_install(x);
	if (check_settles(plan, x, before, after, where, counts) < 0)
		return -1;
	x->recording = false;
	if (nest && sweep(plan, x, before, after, first, false, counts) < 0)
		return wrong(plan, where, "(during the recovery from this)", NULL);
	machine_install(x);
	return check_goes_on(plan, x, before, after, where);
}

static int crash_at(const struct crash_plan *plan, const struct machine *m, size_t point, size_t torn,
		    enum crash_mode mode, uint32_t seed, const struct machine *before, const struct machine *after,
		    bool deeper, struct crash_counts *counts)
{
	char where[160];
	const struct event *e = point < m->n_events ? &m->events[point] : NULL;
	snprintf(where, sizeof where, "%s at event %zu of %zu (%s %s, %zu of %zu bytes), seed %u",
		 mode == CRASH_POWER ? "power cut" : "process death", point, m->n_events,
		 e ? machine_event_name(e) : "the end", e && e->path ? e->path : "", torn, e ? e->len : 0, seed);
	struct machine *x = machine_crash(m, point, torn, mode, seed);
	bool nest = deeper && plan->nested && counts->states % plan->nested == 0;
	if (deeper)
		counts->states++;
	else
		counts->nested++;
	if (nest && mode == CRASH_PROCESS)
		machine_carry_on(x, m, point, torn);
	else if (nest)
		machine_record(x);
	int r = check_state(plan, x, before, after, where, nest, counts);
	machine_free(x);
	return r;
}

static int sweep(const struct crash_plan *plan, const struct machine *m, const struct machine *before,
		 const struct machine *after, size_t first, bool deeper, struct crash_counts *counts)
{
	if (deeper)
		counts->events += m->n_events;
	for (size_t k = first; k <= m->n_events; k++) {
		size_t len = k < m->n_events ? m->events[k].len : 0;
		size_t step = deeper ? plan->step : cf_max_u64(plan->step, len / 4 / 512 * 512 + 512);
		for (size_t torn = 0; torn == 0 || torn < len; torn += step)
			if (crash_at(plan, m, k, torn, CRASH_PROCESS, 1, before, after, deeper, counts) < 0)
				return -1;
		/* The event that was under way is one more thing that was not synced. */
		unsigned seeds = deeper ? plan->seeds + 2 : 3;
		for (uint32_t seed = 0; seed < seeds; seed++)
			if (crash_at(plan, m, k, len, CRASH_POWER, seed, before, after, deeper, counts) < 0)
				return -1;
	}
	return 0;
}

int crash_sweep(const struct crash_plan *plan, const struct machine *m, const struct machine *before,
		const struct machine *after, struct crash_counts *counts)
{
	int r = sweep(plan, m, before, after, 0, true, counts);
	machine_install(NULL);
	return r;
}

int crash_undo(const struct crash_plan *plan, struct machine *m, const struct machine *before, const struct machine *after,
	       struct crash_counts *counts)
{
	struct cf_error err = { 0 };
	machine_install(m);
	machine_record(m);
	if (do_undo(plan, m, &err) < 0 || !machine_same_disk(m, before))
		return wrong(plan, "undo", "failed", &err);
	m->recording = false;
	return crash_sweep(plan, m, before, after, counts);
}

int crash_run(const struct crash_plan *plan, struct crash_counts *counts)
{
	struct cf_error err;
	CF_FREE char *path = NULL;
	struct machine *before = machine_new(plan->base), *m = machine_new(plan->base), *after = NULL;
	int r = -1;
	machine_install(m);
	machine_record(m);
	if (do_commit(plan, m, &path, &err) < 0) {
		wrong(plan, "commit", "failed", &err);
		goto out;
	}
	m->recording = false;
	after = machine_clone(m);
	if (machine_same_disk(before, after)) {
		wrong(plan, "commit", "the plan changes nothing", NULL);
		goto out;
	}
	if (crash_sweep(plan, m, before, after, counts) < 0)
		goto out;
	r = plan->place.no_undo ? 0 : crash_undo(plan, m, before, after, counts);
out:
	machine_install(NULL);
	machine_free(before);
	machine_free(after);
	machine_free(m);
	return r;
}

/* One operation of `run` fails. The disk must be old or new at once if the machine went on working, else after recovery. */
static int fault_once(const struct crash_plan *plan, const struct machine *start, const struct machine *before,
		      const struct machine *after, bool undo, uint64_t at, bool forever, int error, bool *reached,
		      struct crash_counts *counts)
{
	char where[100];
	struct cf_error err = { 0 };
	CF_FREE char *path = NULL;
	struct machine *x = machine_clone(start);
	snprintf(where, sizeof where, "%s, operation %llu fails%s (%s)", undo ? "undo" : "commit", (unsigned long long)at,
		 forever ? " and all later ones" : "", strerror(error));
	x->fail_at = at;
	x->fail_forever = forever;
	x->fail_errno = error;
	machine_install(x);
	if (plan->nested)
		machine_record(x);
	int r = undo ? do_undo(plan, x, &err) : do_commit(plan, x, &path, &err);
	*reached = x->calls >= at;
	x->fail_at = 0;
	x->recording = false;
	const struct machine *wanted = undo ? before : after, *old = undo ? after : before;
	int result = 0;
	/* The machine may also die while it deals with the failure. */
	if (plan->nested && at % plan->nested == 0 && sweep(plan, x, before, after, 0, false, counts) < 0)
		result = wrong(plan, where, "(and then died)", NULL);
	machine_install(x);
	if (r == 0 && !machine_same_disk(x, wanted))
		result = wrong(plan, where, "success was reported, and the disk is not as it must be", NULL);
	else if (r < 0 && !forever && !machine_same_disk(x, old) && !strstr(err.message, "could not be recorded"))
		result = wrong(plan, where, "the failure left the disk changed", &err);
	if (result == 0)
		result = check_settles(plan, x, before, after, where, counts);
	if (result == 0)
		result = check_goes_on(plan, x, before, after, where);
	counts->states++;
	machine_free(x);
	return result;
}

int crash_faults(const struct crash_plan *plan, struct crash_counts *counts)
{
	static const int errors[] = { EIO, ENOSPC };
	struct cf_error err;
	CF_FREE char *path = NULL;
	struct machine *before = machine_new(plan->base), *after = machine_new(plan->base);
	int r = 0;
	machine_install(after);
	if (do_commit(plan, after, &path, &err) < 0)
		r = wrong(plan, "commit", "failed", &err);
	for (int undo = 0; r == 0 && undo <= !plan->place.no_undo; undo++)
		for (size_t e = 0; e < CF_ARRAY_LEN(errors); e++)
			for (int forever = 0; forever < 2; forever++) {
				bool reached = true;
				for (uint64_t at = 1; r == 0 && reached; at++)
					r = fault_once(plan, undo ? after : before, before, after, undo, at, forever,
						       errors[e], &reached, counts);
			}
	machine_install(NULL);
	machine_free(before);
	machine_free(after);
	return r;
}
