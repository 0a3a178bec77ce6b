/* memory-limited.c - elements that keep memory from the loader: truncatememory, removememory, avoidlowmemory, nolowmem.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>
#include <string.h>

static const struct {
	uint32_t type;
	const char *name;
	bool flag; /* a boolean element */
	const char *unit;
} limits[] = {
	{ CF_BCD_TRUNCATEMEMORY, "truncatememory", false, "bytes" },
	{ CF_BCD_REMOVEMEMORY, "removememory", false, "MB" },
	{ CF_BCD_AVOIDLOWMEMORY, "avoidlowmemory", false, "bytes" },
	{ CF_BCD_NOLOWMEM, "nolowmem", true, "" },
};

static int look(const struct cf_context *c, const struct cf_bcd_object *o, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(limits); i++) {
		const struct cf_bcd_object *from = NULL;
		const struct cf_bcd_element *e = cf_bcd_effective(&c->store->bcd, o, limits[i].type, &from);
		uint64_t n = 0;
		bool on = false;
		/* An application element means something else, or nothing, on another kind of application. */
		if (o->type == CF_BCD_TYPE_BOOTMGR && limits[i].type >> 28 != 1)
			continue;
		if (!e || !(limits[i].flag ? cf_bcd_bool(e, &on) && on : cf_bcd_u64(e, &n) && n))
			continue;
		bool known = false; /* two loaders may inherit the same element */
		for (size_t k = 0; k < out->n; k++) {
			const struct cf_finding *g = &out->item[k];
			known |= g->problem == &cf_problem_memory_limited &&
				 json_integer_value(json_object_get(g->evidence, "element")) == limits[i].type &&
				 strcmp(json_string_value(json_object_get(g->evidence, "object")), from->key) == 0;
		}
		if (known)
			continue;
		const char *alias = cf_bcd_alias(&from->guid);
		const char *whose = alias ? alias : from->key;
		CF_FREE char *where = cf_where_store(c);
		struct cf_finding *f =
			!where ? NULL
			: limits[i].flag
				? cf_finding_add(out, &cf_problem_memory_limited, (int)c->store->vol, where,
						 _("%s on %s keeps memory from the loader"), limits[i].name, whose)
				: cf_finding_add(out, &cf_problem_memory_limited, (int)c->store->vol, where,
						 _("%s = %llu %s on %s keeps memory from the loader"), limits[i].name,
						 (unsigned long long)n, limits[i].unit, whose);
		if (!f)
			return cf_fail_nomem(err);
		cf_evidence_str(out, f, "object", from->key);
		cf_evidence_int(out, f, "element", limits[i].type);
		cf_evidence_str(out, f, "name", limits[i].name);
		cf_evidence_int(out, f, "value", limits[i].flag ? 1 : n);
	}
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->store)
		return 0;
	for (size_t i = 0; i < c->n_loaders; i++) {
		const struct cf_bcd_object *o = cf_bcd_object(&c->store->bcd, &c->loader[i]);
		if (o && look(c, o, out, err) < 0)
			return -1;
	}
	const struct cf_bcd_object *bootmgr = cf_bcd_object(&c->store->bcd, &cf_bcd_bootmgr);
	return bootmgr ? look(c, bootmgr, out, err) : 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	struct cf_guid object;
	if (!c->store || !cf_guid_parse(json_string_value(json_object_get(f->evidence, "object")), &object))
		return 0;
	return cf_work_bcd_delete(w, f, &object, (uint32_t)json_integer_value(json_object_get(f->evidence, "element")), err);
}

const struct cf_problem cf_problem_memory_limited = {
	.id = "memory-limited",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_OPT_IN,
	.cause = CF_CAUSE_LIKELY,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("The boot store keeps memory from Windows"),
	.seen = N_("truncatememory, removememory, avoidlowmemory or nolowmem is in force for the boot manager or a loader of this "
		   "Windows, its own or inherited."),
	.does = N_("With --with memory-limited: deletes the element. Somebody may have set it on purpose, for a test, so it is not touched by default."),
	.risk = N_("A deliberate limit is gone; undo brings it back."),
	.detect = detect,
	.fix = fix,
};
