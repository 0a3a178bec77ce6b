/* free-space-scattered.c - the free space of the Windows volume, or a file that the loader reads, lies in very many pieces.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>

#define WANTED_EXTENT (512 * CF_MIB)
#define MANY_PIECES 1000 /* a boot-critical file in more extents than this takes the loader seconds and pool memory */

/* The file among those that the loader reads that has the most extents. */
static uint64_t worst_boot_file(const struct cf_context *c, char *path, size_t path_size)
{
	static const char *const files[] = { "System32\\config\\SYSTEM", "System32\\ntoskrnl.exe", "System32\\winload.exe",
					     "System32\\winload.efi", "System32\\hal.dll" };
	uint64_t worst = 0;
	for (size_t i = 0; i < CF_ARRAY_LEN(files); i++) {
		char p[512];
		struct cf_stat st;
		snprintf(p, sizeof p, "%s\\%s", c->in->root, files[i]);
		if (cf_volume_stat(c->m->vol[c->in->vol].vol, p, &st, NULL) == 0 && st.fragments > worst) {
			worst = st.fragments;
			snprintf(path, path_size, "%s", p);
		}
	}
	return worst;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in)
		return 0;
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	if (!v->vol || !v->space.total_bytes)
		return 0;
	uint64_t wanted = cf_min_u64(WANTED_EXTENT, v->space.free_bytes / 2);
	bool scattered = v->space.largest_free_extent_bytes < wanted;
	char path[512] = "";
	uint64_t pieces = worst_boot_file(c, path, sizeof path);
	if (!scattered && pieces <= MANY_PIECES)
		return 0;
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	char largest[32], free_text[32];
	if (!name)
		return cf_fail_nomem(err);
	struct cf_finding *f =
		scattered ? cf_finding_add(out, &cf_problem_free_space_scattered, (int)c->in->vol, name,
					   _("%s has %s free in %llu pieces, the largest only %s"), name,
					   cf_size_text(v->space.free_bytes, free_text),
					   (unsigned long long)v->space.free_extents,
					   cf_size_text(v->space.largest_free_extent_bytes, largest))
			  : cf_finding_add(out, &cf_problem_free_space_scattered, (int)c->in->vol, name,
					   _("%s lies in %llu pieces"), path, (unsigned long long)pieces);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_int(out, f, "free_bytes", v->space.free_bytes);
	cf_evidence_int(out, f, "free_extents", v->space.free_extents);
	cf_evidence_int(out, f, "largest_free_extent_bytes", v->space.largest_free_extent_bytes);
	cf_evidence_int(out, f, "boot_file_extents", pieces);
	return 0;
}

const struct cf_problem cf_problem_free_space_scattered = {
	.id = "free-space-scattered",
	.severity = CF_SEV_WARNING,
	.repair = CF_REPAIR_OPT_IN,
	.cause = CF_CAUSE_POSSIBLE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Free up space on the disk (defrag /u /x /g)",
	.title = N_("The free space of the Windows volume is scattered"),
	.seen = N_("The largest free extent is smaller than 512 MiB and than half of the free space, or a file that the boot "
		   "loader reads lies in more than 1,000 extents."),
	.does = N_("This version reports it and leaves it: run defrag /x in the VM once it boots. Consolidating free space "
		   "offline comes with the defrag command of a later version."),
	.risk = N_("None from looking. Windows may be unable to create a contiguous paging file or dump file."),
	.detect = detect,
};
