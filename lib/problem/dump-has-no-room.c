/* dump-has-no-room.c - crash dumps are on, yet none could be written.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The arithmetic is in dump-room.c. A fix never takes the room that Windows itself needs: after a dedicated file and the
 * dump at least 1 GiB and 10 % of the volume stay free.
 */
#include "problem/table.h"

#include <stdio.h>
#include <string.h>

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !c->in->system.hive)
		return 0;
	cf_for_each_set(c, s) {
		char why[300];
		uint32_t type = cf_dump_type(c, s);
		if (cf_dump_fits(c, s, type, why, sizeof why) != CF_DUMP_NO_ROOM)
			continue;
		CF_FREE char *where = cf_where_registry(c, s->key, "Control\\CrashControl");
		struct cf_finding *f = !where ? NULL
					      : cf_finding_add(out, &cf_problem_dump_has_no_room, (int)c->in->vol, where,
							       _("No crash dump would be written in %s: %s"), s->key, why);
		if (!f)
			return cf_fail_nomem(err);
		cf_evidence_str(out, f, "control_set", s->key);
		cf_evidence_int(out, f, "type", type);
		cf_evidence_int(out, f, "needed_bytes", c->req->ram ? cf_dump_needed(type, c->req->ram) : 0);
		cf_evidence_int(out, f, "free_bytes", c->m->vol[c->in->vol].space.free_bytes);
		cf_evidence_str(out, f, "reason", why);
	}
	return 0;
}

/* Does a dedicated file for this type, and the dump, leave enough free on the volume of Windows? */
static bool dedicated_leaves_enough(const struct cf_context *c, uint32_t type)
{
	const struct cf_volume_space *s = &c->m->vol[c->in->vol].space;
	uint64_t needed = cf_dump_needed(type, c->req->ram), both;
	uint64_t keep = cf_max_u64(CF_GIB, s->total_bytes / 10);
	return !cf_add_overflow(needed, needed, &both) && !cf_add_overflow(both, keep, &both) && s->free_bytes >= both;
}

static int use_dedicated(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, const char *key, uint32_t type,
			 struct cf_error *err)
{
	char file[16];
	uint64_t mb = (cf_dump_needed(type, c->req->ram) + CF_MIB - 1) / CF_MIB;
	snprintf(file, sizeof file, "%c:\\dd.sys", c->in->own_letter);
	if (cf_work_set_u32(w, f, &c->in->system, key, "CrashDumpEnabled", type, err) < 0 ||
	    cf_work_set_string(w, f, &c->in->system, key, "DedicatedDumpFile", CF_REG_SZ, file, err) < 0)
		return -1;
	return cf_work_set_u32(w, f, &c->in->system, key, "DumpFileSize", (uint32_t)cf_min_u64(mb, UINT32_MAX), err);
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	static const uint32_t smaller[] = { CF_DUMP_COMPLETE, CF_DUMP_AUTOMATIC, CF_DUMP_SMALL };
	const char *set = json_string_value(json_object_get(f->evidence, "control_set"));
	uint32_t type = (uint32_t)json_integer_value(json_object_get(f->evidence, "type"));
	char key[80];
	snprintf(key, sizeof key, "%s\\Control\\CrashControl", set);
	if (c->req->dedicated_dump_file)
		return cf_work_set_string(w, f, &c->in->system, key, "DedicatedDumpFile", CF_REG_SZ, c->req->dedicated_dump_file,
					  err);
	if (!c->req->ram) {
		cf_finding_block(f, "%s", _("say --ram SIZE so that a dump that fits can be chosen, or --dedicated-dump-file PATH"));
		return 0;
	}
	/* The type that is set first, then the next smaller ones. */
	for (size_t i = 0; i < CF_ARRAY_LEN(smaller); i++) {
		uint32_t t = smaller[i];
		bool same = t == type || (t == CF_DUMP_AUTOMATIC && type == CF_DUMP_KERNEL);
		bool below = cf_dump_needed(t, c->req->ram) <= cf_dump_needed(type, c->req->ram);
		if (!(same || below))
			continue;
		uint32_t chosen = t == CF_DUMP_AUTOMATIC && c->in->build && c->in->build < 9200 ? CF_DUMP_KERNEL : t;
		if (dedicated_leaves_enough(c, chosen))
			return use_dedicated(c, f, w, key, chosen, err);
		char why[300];
		const struct cf_control_set *s = NULL;
		cf_for_each_set(c, k)
			s = strcmp(k->key, set) == 0 ? k : s;
		if (!same && s && cf_dump_fits(c, s, chosen, why, sizeof why) == CF_DUMP_FITS)
			return cf_work_set_u32(w, f, &c->in->system, key, "CrashDumpEnabled", chosen, err);
	}
	cf_finding_block(f, "%s", _("no type of dump fits; name a place on another disk with --dedicated-dump-file PATH"));
	return 0;
}

const struct cf_problem cf_problem_dump_has_no_room = {
	.id = "dump-has-no-room",
	.severity = CF_SEV_RECOMMENDED,
	.repair = CF_REPAIR_RECOMMENDED,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Verify that the free space on the OS disk is larger than the memory size",
	.title = N_("No crash dump could be written"),
	.seen = N_("The dump type needs a paging file on the volume of Windows or a dedicated dump file, large enough (complete: memory + 257 MiB; "
		   "kernel and automatic: about a third of the memory; small: 2 MiB), and room for the dump itself; --ram gives the memory."),
	.does = N_("A dedicated dump file (DedicatedDumpFile, DumpFileSize) if at least 1 GiB and 10 % stay free after it and the dump; else the "
		   "largest dump type that fits. --dedicated-dump-file PATH chooses the place."),
	.risk = N_("The dedicated file takes its size on the volume from the next boot on."),
	.detect = detect,
	.fix = fix,
};
