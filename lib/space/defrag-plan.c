/* defrag-plan.c - the work on an overlay that is thrown away, without the data.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "space/defrag.h"

#include "base/overflow.h"
#include "txn/txn.h"
#include "volume/mft-check.h"

#define PLAN_MEMORY (96 * CF_MIB) /* changed metadata that a plan may hold */

struct plan {
	const struct cf_defrag_plan *p;
	uint64_t start;
};

static uint64_t growth(void *user, uint64_t off, uint64_t len)
{
	const struct plan *x = user;
	uint64_t at = x->start + off, end = at + len, holes = 0, start, stop;
	while (at < end) {
		cf_block_next_data(x->p->disk, at, &start, &stop);
		holes += cf_min_u64(start, end) - at;
		at = start < end ? stop : end;
	}
	return holes;
}

static int progress(void *user, uint64_t moved)
{
	const struct plan *x = user;
	return x->p->progress ? x->p->progress(x->p->user, moved) : 0;
}

int cf_defrag_check_owners(struct cf_block *slice, const char *when, struct cf_error *err)
{
	struct cf_extent_check check;
	CF_CLEANUP(cf_mft_closep) struct cf_mft *m = cf_mft_open(slice, err);
	if (!m || cf_mft_check(m, &check, err) < 0)
		return -1;
	if (!check.unmarked && !check.cross_linked)
		return 0;
	CF_FREE char *text = cf_extent_check_text(&check);
	return cf_fail(err, CF_E_CORRUPT, "%s: %s", when, text ? text : "clusters belong to nobody or to several files");
}

int cf_defrag_plan(struct cf_defrag_plan *p, struct cf_error *err)
{
	struct plan x = { p, p->start };
	struct cf_txn *txn = cf_txn_begin(p->disk, PLAN_MEMORY, err);
	struct cf_block *slice = txn ? cf_slice_open(cf_txn_block(txn), p->start, p->size, err) : NULL;
	uint64_t most = p->max_part ? p->max_part : UINT64_MAX;
	struct cf_defrag_io io = { .slice = slice, .growth = growth, .progress = progress, .user = &x, .max_held = most, .max_data = most };
	int r = slice ? cf_defrag_check_owners(slice, "the volume contradicts itself", err) : -1;
	if (r == 0)
		r = cf_defrag_run(&io, &p->opt, &p->before, &p->after, &p->result, err);
	if (r == 0 && p->result.moved && !p->result.incomplete)
		r = cf_txn_pending(txn, &p->metadata, err);
	if (r == 0 && p->look)
		r = p->look(p->user, slice, err);
	cf_block_close(slice);
	cf_txn_end(txn);
	return r;
}
