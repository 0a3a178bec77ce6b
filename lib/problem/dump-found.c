/* dump-found.c - crash dumps that Windows has saved: MEMORY.DMP, Minidump, LiveKernelReports.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_LISTED 64
#define PLACES (CF_DUMP_BIT(CF_DUMP_MEMORY) | CF_DUMP_BIT(CF_DUMP_MINIDUMP) | CF_DUMP_BIT(CF_DUMP_LIVE))

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !c->m->vol[c->in->vol].vol)
		return 0;
	CF_DUMP_LIST l = { 0 };
	if (cf_dump_find(c->m, c->in, PLACES, &l, err) < 0)
		return -1;
	if (!l.n)
		return 0;
	uint64_t bytes = 0;
	char size[32];
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	for (size_t i = 0; i < l.n; i++)
		bytes += l.item[i].size;
	struct cf_finding *f = !name ? NULL
				     : cf_finding_add(out, &cf_problem_dump_found, (int)c->in->vol, name,
						      l.n == 1 ? _("%zu crash dump of %s is on the disk") : _("%zu crash dumps, %s, are on the disk"),
						      l.n, cf_size_text(bytes, size));
	if (!f)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < l.n && i < MAX_LISTED; i++)
		cf_evidence_push(out, f, "files", l.item[i].path);
	cf_evidence_int(out, f, "count", l.n);
	cf_evidence_int(out, f, "bytes", bytes);
	return 0;
}

const struct cf_problem cf_problem_dump_found = {
	.id = "dump-found",
	.severity = CF_SEV_INFO,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_STARTING,
	.step = "Collect the memory dump file",
	.title = N_("Crash dumps are on the disk"),
	.seen = N_("A file where DumpFile says, or *.dmp under Minidump or LiveKernelReports."),
	.does = N_("Nothing. coldfix dump DISK info says what is in them; coldfix dump DISK collect --to DIR copies them out."),
	.risk = N_("They hold the VM's memory, secrets included."),
	.detect = detect,
};
