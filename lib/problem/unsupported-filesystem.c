/* unsupported-filesystem.c - ReFS and Storage Spaces: named, and left alone.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		if (v->fs != CF_FS_REFS && v->fs != CF_FS_STORAGE_SPACES)
			continue;
		CF_FREE char *name = cf_vol_name(c->m, i);
		const char *kind = v->fs == CF_FS_REFS ? "ReFS" : "Storage Spaces";
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_unsupported_filesystem, (int)i, name,
							      _("%s is %s, which coldfix does not read"), name, kind);
		if (!f)
			return cf_fail_nomem(err);
		/* Beside a Windows that was found it is a data volume: nothing is blocked. */
		if (c->in) {
			f->severity = CF_SEV_INFO;
			f->cause = CF_CAUSE_NO;
		}
		cf_evidence_str(out, f, "filesystem", cf_fs_name(v->fs));
		cf_evidence_int(out, f, "partition", v->number);
	}
	return 0;
}

const struct cf_problem cf_problem_unsupported_filesystem = {
	.id = "unsupported-filesystem",
	.severity = CF_SEV_BLOCKER,
	.repair = CF_REPAIR_NONE,
	.cause = CF_CAUSE_CANNOT_TELL,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("A volume has a file system that coldfix does not read"),
	.seen = N_("The boot sector says ReFS, or the partition type says Storage Spaces."),
	.does = N_("Nothing on that volume; what can be repaired elsewhere on the disk still is. Use a Windows repair VM for this one."),
	.risk = N_("None from looking."),
	.detect = detect,
};
