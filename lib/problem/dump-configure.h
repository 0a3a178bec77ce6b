/* dump-configure.h - dump configure: what CrashControl needs so that the next crash leaves a dump.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Not a problem of the table: somebody asked for it. It has the shape of one (detect, fix), so that the life of a repair carries it out and
 * proves it: "found" is a control set that does not have the wanted values, "gone" that it has them.
 */
#ifndef CF_PROBLEM_DUMP_CONFIGURE_H
#define CF_PROBLEM_DUMP_CONFIGURE_H

#include "problem/problem.h"

extern const struct cf_problem cf_task_dump_configure;

/* Checks the request's words alone (type, sizes, paths): CF_E_USAGE. */
int cf_dump_configure_check(const struct cf_request *req, struct cf_error *err) CF_MUST_CHECK;

/* For people and programs: "arithmetic" (an object for each control set: type, bytes, whether it fits, and why in words) and "notes" into doc. */
int cf_dump_configure_describe(const struct cf_context *c, json_t *doc, struct cf_error *err) CF_MUST_CHECK;

#endif
