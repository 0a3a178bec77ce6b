/* volume-full.c - the Windows volume has hardly any free space, or $MFT can't grow.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>

#include "problem/table.h"

#define FULL_BELOW (300 * CF_MIB) /* the article's threshold: "less than 300 Mb of free space" */
#define MAX_FILES 60000           /* at most some 8 KiB of changed blocks each in the one transaction of a repair */
#define MARGIN (16 * CF_MIB)      /* what other work of the same repair may take of what comes free */

static uint64_t full_below(const struct cf_context *c)
{
	return c->req->min_free ? c->req->min_free : FULL_BELOW;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in)
		return 0;
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	if (!v->vol || !v->space.total_bytes)
		return 0;
	bool mft_stuck = !cf_volume_mft_can_grow(v->vol), full = v->space.free_bytes < full_below(c);
	if (!full && !mft_stuck)
		return 0;
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	char size[32], limit[32];
	if (!name)
		return cf_fail_nomem(err);
	struct cf_finding *f =
		full ? cf_finding_add(out, &cf_problem_volume_full, (int)c->in->vol, name, _("%s has %s free (less than %s)"), name,
				      cf_size_text(v->space.free_bytes, size), cf_size_text(full_below(c), limit))
		     : cf_finding_add(out, &cf_problem_volume_full, (int)c->in->vol, name,
				      _("%s can't hold another file: $MFT has no free record and can't grow"), name);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_int(out, f, "free_bytes", v->space.free_bytes);
	cf_evidence_int(out, f, "total_bytes", v->space.total_bytes);
	cf_evidence_int(out, f, "full_below_bytes", full_below(c));
	cf_evidence_bool(out, f, "mft_can_grow", !mft_stuck);
	return 0;
}

/* Queues a clean-up of the default classes. gain: bytes that it brings; stays: bytes of young temporary files that it leaves. */
static int clean_up(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, uint64_t *gain, uint64_t *stays, struct cf_error *err)
{
	const struct cf_clean_options opt = { .keep_days = -1 };
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	struct cf_cleanup *plan = NULL;
	char reason[500];
	*gain = *stays = 0;
	if (!cf_work_may_write(w, c->in->vol, false, reason, sizeof reason)) {
		cf_finding_block(f, "%s", reason);
		return 0;
	}
	if (v->health.shadow_copies && !c->req->accept_shadow_copy_loss) {
		cf_finding_block(f, _("the volume has shadow copies, which deleting from outside spoils; say --accept-shadow-copy-loss"));
		return 0;
	}
	if (cf_cleanup_find(c->m, c->in, &opt, &plan, err) < 0)
		return -1;
	for (size_t k = 0; k < cf_clean_n_classes; k++)
		if (plan->sum[k].chosen)
			*stays += plan->sum[k].kept_bytes[CF_KEEP_YOUNG];
	if (!plan->files && !plan->folders) {
		cf_cleanup_free(plan);
		return 0;
	}
	if (plan->files + plan->folders > MAX_FILES) {
		cf_finding_block(f, _("%llu files can be deleted, more than one transaction of a repair takes: run coldfix cleanup first"),
				 (unsigned long long)plan->files);
		cf_cleanup_free(plan);
		return 0;
	}
	*gain = plan->bytes;
	return cf_work_clean_up(w, f, c->in->vol, plan, err);
}

/* Free room right behind the volume, on the disk as it is: queued when it is enough. *room: bytes. */
static int take_room(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, uint64_t lacking, uint64_t *room, struct cf_error *err)
{
	const struct cf_expand_options opt = { .stay = true, .accept_shadow_copy_loss = c->req->accept_shadow_copy_loss,
					       .force_unclean = c->req->force_unclean, .recovery_key_at_hand = c->req->recovery_key_at_hand };
	struct cf_expand x;
	*room = 0;
	/* What forbids it is said by the clean-up, or by coldfix expand. */
	if (c->m->vol[c->in->vol].disk != 0 || cf_expand_plan(c->m, c->in->vol, &opt, &x, NULL) < 0 || cf_expand_empty(&x))
		return 0;
	*room = x.size - x.old_size + x.idle;
	return *room > lacking + *room / 4096 ? cf_work_grow(w, f, &x, err) : 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	uint64_t wanted = full_below(c), gain, stays;
	uint64_t free_now = c->m->vol[c->in->vol].space.free_bytes;
	if (clean_up(c, f, w, &gain, &stays, err) < 0)
		return -1;
	if (f->blocked || (gain && free_now + gain >= wanted + MARGIN))
		return 0;
	uint64_t room, then_free = free_now + gain, lacking = wanted + MARGIN > then_free ? wanted + MARGIN - then_free : MARGIN;
	if (take_room(c, f, w, lacking, &room, err) < 0)
		return -1;
	if (w->grows)
		return 0;
	/* What cleaning up can't bring has to come from a larger volume. If it is just enough after all, the second look says so. */
	char brings[32], then[32], limit[32], young[120] = "";
	if (stays) {
		char size[32];
		snprintf(young, sizeof young, _(" (coldfix cleanup --keep-days 0 takes %s of younger temporary files too)"), cf_size_text(stays, size));
	}
	cf_size_text(gain, brings);
	cf_size_text(free_now + gain, then);
	cf_size_text(wanted, limit);
	if (gain)
		cf_finding_block(f, _("cleaning up brings %s, then %s are free, which is hardly more than %s or less%s; enlarge the volume: --expand, or coldfix expand"),
				 brings, then, limit, young);
	else
		cf_finding_block(f, _("there is nothing that cleaning up may delete%s; enlarge the volume: --expand, or coldfix expand"), young);
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
	.seen = N_("Less than 300 MiB are free on the Windows volume by its $Bitmap (--min-free sets another limit), or $MFT has no free record and "
		   "can't grow."),
	.does = N_("Deletes what Disk Cleanup deletes by default, as coldfix cleanup does: temporary files older than seven days, downloaded updates unless one "
		   "is pending, caches that Windows makes again. No dump, no log, nothing of users' documents. If that is not enough, the volume takes unallocated room right behind it; if "
		   "that is not enough either it is left, and --expand (or coldfix expand) makes the disk larger. Needs --accept-shadow-copy-loss on a volume with shadow copies."),
	.risk = N_("Windows needs room for its paging file, logs and updates; a full volume alone may stop the boot. What was deleted comes back "
		   "with coldfix undo, as long as Windows was not started."),
	.detect = detect,
	.fix = fix,
};
