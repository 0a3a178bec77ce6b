/* bad-memory-list.c - the boot store excludes memory pages: badmemorylist on {badmemory} or on any object the loader inherits.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `bcdedit /set badmemorylist` without an id lands on the loader itself, so every object that reaches a loader or the
 * boot manager is looked at, not only {badmemory}.
 */
#include "problem/table.h"

#include <stdio.h>

#define MAX_OBJECTS 64

/* Objects whose badmemorylist is in force for this installation: {badmemory}, and all that its loaders and the boot manager inherit. */
static size_t objects_in_force(const struct cf_context *c, const struct cf_bcd_object **out)
{
	const struct cf_bcd *bcd = &c->store->bcd;
	const struct cf_bcd_object *start[CF_MAX_LOADERS + 2], *chain[MAX_OBJECTS];
	size_t n_start = 0, n = 0;
	start[n_start++] = cf_bcd_object(bcd, &cf_bcd_badmemory);
	start[n_start++] = cf_bcd_object(bcd, &cf_bcd_bootmgr);
	for (size_t i = 0; i < c->n_loaders; i++)
		start[n_start++] = cf_bcd_object(bcd, &c->loader[i]);
	for (size_t i = 0; i < n_start; i++) {
		size_t k = start[i] ? cf_bcd_inheritance(bcd, start[i], chain, MAX_OBJECTS) : 0;
		for (size_t j = 0; j < k; j++) {
			bool known = false;
			for (size_t o = 0; o < n; o++)
				known |= out[o] == chain[j];
			if (!known && n < MAX_OBJECTS)
				out[n++] = chain[j];
		}
	}
	return n;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->store)
		return 0;
	const struct cf_bcd_object *object[MAX_OBJECTS];
	size_t n = objects_in_force(c, object);
	for (size_t i = 0; i < n; i++) {
		const struct cf_bcd_element *e = cf_bcd_element(object[i], CF_BCD_BADMEMORYLIST);
		size_t pages = e ? (e->data.n + 7) / 8 : 0; /* a list cut short is in force, too */
		if (!pages)
			continue;
		const char *alias = cf_bcd_alias(&object[i]->guid);
		CF_FREE char *where = cf_where_store(c);
		char size[32], first[24];
		struct cf_finding *f = !where ? NULL
					      : cf_finding_add(out, &cf_problem_bad_memory_list, (int)c->store->vol, where,
							       pages == 1 ? _("%zu bad page = %s is excluded by badmemorylist on %s")
									  : _("%zu bad pages = %s are excluded by badmemorylist on %s"),
							       pages, cf_size_text(pages * 4096, size), alias ? alias : object[i]->key);
		if (!f)
			return cf_fail_nomem(err);
		snprintf(first, sizeof first, "0x%llx", (unsigned long long)cf_bcd_integer_at(e, 0));
		cf_evidence_str(out, f, "object", object[i]->key);
		cf_evidence_int(out, f, "pages", pages);
		cf_evidence_int(out, f, "bytes", pages * 4096);
		cf_evidence_str(out, f, "first_page", first);
	}
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	struct cf_guid object;
	if (!c->store || !cf_guid_parse(json_string_value(json_object_get(f->evidence, "object")), &object))
		return 0;
	return cf_work_bcd_delete(w, f, &object, CF_BCD_BADMEMORYLIST, err);
}

const struct cf_problem cf_problem_bad_memory_list = {
	.id = "bad-memory-list",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_DEFAULT,
	.cause = CF_CAUSE_LIKELY,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Clean out bad memory from the BCD store",
	.title = N_("Memory pages are excluded by a bad-memory list in the boot store"),
	.seen = N_("A badmemorylist element (0x1700000a) with at least one page on {badmemory}, the boot manager, a loader of this "
		   "Windows, or any object they inherit."),
	.does = N_("Deletes the element, as bcdedit /deletevalue {badmemory} badmemorylist does. Nothing else in the store changes."),
	.risk = N_("Pages that really are bad on physical hardware would be used again. A VM's memory pages are never bad in that sense."),
	.detect = detect,
	.fix = fix,
};
