/* select.h - which findings a repair takes on.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_SELECT_H
#define CF_JOB_SELECT_H

#include "problem/problem.h"
#include "problem/work.h"

/* Every id of --only, --skip, --with must exist: CF_E_USAGE names the one that does not. */
int cf_select_check(const struct cf_request *req, struct cf_error *err) CF_MUST_CHECK;

/* Sets the status of each finding to PLANNED, SKIPPED or LEFT and queues the fixes of the planned ones. Obstacles (a
 * hibernated or unclean volume, a bad GPT) go first, because other repairs wait for them. */
int cf_select_and_fix(const struct cf_context *c, struct cf_findings *fs, struct cf_work *w, struct cf_error *err) CF_MUST_CHECK;

/* The same for the findings of one row alone, which somebody asked for; what else was found stays as it is. */
int cf_select_task(const struct cf_context *c, const struct cf_problem *task, struct cf_findings *fs, struct cf_work *w,
		   struct cf_error *err) CF_MUST_CHECK;

#endif
