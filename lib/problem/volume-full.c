/* volume-full.c - the Windows volume has hardly any free space, or $MFT can't grow.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#define FULL_BELOW (300 * CF_MIB) /* the article's threshold: "less than 300 Mb of free space" */

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in)
		return 0;
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	if (!v->vol || !v->space.total_bytes)
		return 0;
	bool mft_stuck = !cf_volume_mft_can_grow(v->vol);
	if (v->space.free_bytes >= FULL_BELOW && !mft_stuck)
		return 0;
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	char size[32];
	if (!name)
		return cf_fail_nomem(err);
	struct cf_finding *f =
		v->space.free_bytes < FULL_BELOW
			? cf_finding_add(out, &cf_problem_volume_full, (int)c->in->vol, name, _("%s has %s free (less than 300 MiB)"),
					 name, cf_size_text(v->space.free_bytes, size))
			: cf_finding_add(out, &cf_problem_volume_full, (int)c->in->vol, name,
					 _("%s can't hold another file: $MFT has no free record and can't grow"), name);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_int(out, f, "free_bytes", v->space.free_bytes);
	cf_evidence_int(out, f, "total_bytes", v->space.total_bytes);
	cf_evidence_bool(out, f, "mft_can_grow", !mft_stuck);
	return 0;
}

const struct cf_problem cf_problem_volume_full = {
	.id = "volume-full",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_DEFAULT,
	.cause = CF_CAUSE_POSSIBLE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Free up space on the disk",
	.title = N_("The Windows volume is full"),
	.seen = N_("Less than 300 MiB are free on the Windows volume by its $Bitmap, or $MFT has no free record and can't grow."),
	.does = N_("This version reports it and leaves it: free space on the volume or enlarge it with other tools first "
		   "(for a raw image: grow the image, then the partition, then the file system). Cleaning up and growing come with "
		   "the cleanup and expand commands of a later version."),
	.risk = N_("Windows needs room for its paging file, logs and updates; a full volume alone may stop the boot."),
	.detect = detect,
};
