/* volume-full.c - the Windows volume has hardly any free space, or $MFT can't grow.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>

#include "problem/limits.h"
#include "problem/table.h"

#define MAX_FILES 60000           /* at most some 8 KiB of changed blocks each in the one transaction of a repair; the largest go */
#define MARGIN (16 * CF_MIB)      /* what other work of the same repair may take of what comes free */

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in)
		return 0;
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	if (!v->vol || !v->space.total_bytes)
		return 0;
	bool mft_stuck = !cf_volume_mft_can_grow(v->vol), full = v->space.free_bytes < cf_full_below(c->req);
	if (!full && !mft_stuck)
		return 0;
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	char size[32], limit[32];
	if (!name)
		return cf_fail_nomem(err);
	struct cf_finding *f =
		full ? cf_finding_add(out, &cf_problem_volume_full, (int)c->in->vol, name, _("%s has %s free (less than %s)"), name,
				      cf_size_text(v->space.free_bytes, size), cf_size_text(cf_full_below(c->req), limit))
		     : cf_finding_add(out, &cf_problem_volume_full, (int)c->in->vol, name,
				      _("%s can't hold another file: $MFT has no free record and can't grow"), name);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_int(out, f, "free_bytes", v->space.free_bytes);
	cf_evidence_int(out, f, "total_bytes", v->space.total_bytes);
	cf_evidence_int(out, f, "full_below_bytes", cf_full_below(c->req));
	cf_evidence_bool(out, f, "mft_can_grow", !mft_stuck);
	return 0;
}

/* What a clean-up brings. Bytes. */
struct gain {
	uint64_t bytes;
	uint64_t young; /* of temporary files that it leaves for their age */
	uint64_t later; /* of files that are more than one transaction takes */
};

/* Queues a clean-up of the default classes. */
static int clean_up(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct gain *gain, struct cf_error *err)
{
	const struct cf_clean_options opt = { .keep_days = -1, .max_files = MAX_FILES, .skip = w->skip, .n_skip = w->n_skip };
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	struct cf_cleanup *plan = NULL;
	char reason[500];
	*gain = (struct gain){ 0 };
	if (!cf_work_may_write(w, c->in->vol, false, reason, sizeof reason)) {
		cf_finding_block(f, "%s", reason);
		return 0;
	}
	if (v->health.shadow_copies && !c->req->accept_shadow_copy_loss) {
		cf_finding_block(f, _("the volume has shadow copies, which deleting from outside spoils; say --accept-shadow-copy-loss"));
		return 0;
	}
	if (w->no_cleanup) {
		cf_finding_block(f, _("it can't be cleaned up: %s"), w->no_cleanup);
		return 0;
	}
	if (cf_cleanup_find(c->m, c->in, &opt, &plan, err) < 0)
		return -1;
	for (size_t k = 0; k < cf_clean_n_classes; k++)
		if (plan->sum[k].chosen)
			gain->young += plan->sum[k].kept_bytes[CF_KEEP_YOUNG];
	if (!plan->files && !plan->folders) {
		cf_cleanup_free(plan);
		return 0;
	}
	gain->bytes = plan->bytes;
	gain->later = plan->later_bytes;
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

/* Why it is left: what cleaning up can't bring has to come from a larger volume. */
static void say_left(struct cf_finding *f, const struct gain *gain, uint64_t free_now, uint64_t wanted)
{
	char brings[32], then[32], limit[32], size[32], more[160] = "";
	cf_size_text(gain->bytes, brings);
	cf_size_text(free_now + gain->bytes, then);
	cf_size_text(wanted, limit);
	if (gain->later && free_now + gain->bytes + gain->later >= wanted + MARGIN) {
		cf_finding_block(f, _("the %u largest files that can be deleted bring %s, which is not enough, and more are not deleted in one repair: run "
				      "coldfix cleanup, which deletes all of them (%s)"),
				 MAX_FILES, brings, cf_size_text(gain->bytes + gain->later, size));
		return;
	}
	if (gain->young)
		snprintf(more, sizeof more, _(" (coldfix cleanup --keep-days 0 takes %s of younger temporary files too)"),
			 cf_size_text(gain->young, size));
	if (gain->bytes)
		cf_finding_block(f, _("cleaning up brings %s; with that %s are free, and more than %s are needed%s: enlarge the volume with --expand or coldfix expand"),
				 brings, then, limit, more);
	else
		cf_finding_block(f, _("there is nothing that cleaning up may delete%s: enlarge the volume with --expand or coldfix expand"), more);
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	struct gain gain;
	uint64_t wanted = cf_full_below(c->req), free_now = c->m->vol[c->in->vol].space.free_bytes, room;
	if (clean_up(c, f, w, &gain, err) < 0)
		return -1;
	if (f->blocked || (gain.bytes && free_now + gain.bytes >= wanted + MARGIN))
		return 0;
	uint64_t then_free = free_now + gain.bytes, lacking = wanted + MARGIN > then_free ? wanted + MARGIN - then_free : MARGIN;
	if (take_room(c, f, w, lacking, &room, err) < 0)
		return -1;
	/* If it is just enough after all, the second look says so. */
	if (!w->grows)
		say_left(f, &gain, free_now, wanted);
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
