/* dump-configure.c - dump configure: CrashControl in every control set, with the life of a repair.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "job/session.h"
#include "problem/dump-configure.h"

int cf_job_dump_configure(const struct cf_request *req, struct cf_result *r)
{
	static const struct cf_task task = { &cf_task_dump_configure, cf_dump_configure_describe };
	if (cf_dump_configure_check(req, &r->error) < 0)
		return -1;
	return cf_job_task(req, &task, r);
}
