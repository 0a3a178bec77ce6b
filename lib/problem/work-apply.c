/* work-apply.c - carrying the queued work out on overlays: one open and one close for each volume.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing here reaches a disk: the overlays belong to transactions that are committed, or dropped, by the caller.
 */
#include "problem/work.h"

#include <stdio.h>

#include "txn/txn.h"

static int write_hive(const struct cf_work_hive *h, struct cf_volume *vol, struct cf_error *err)
{
	CF_BUF hive = { 0 };
	CF_BUF edited = { 0 };
	struct cf_replay replay;
	if (cf_hive_read_replayed(vol, h->path, &hive, &replay, err) < 0)
		return -1;
	if (replay.state == CF_REPLAY_REJECTED)
		return cf_fail(err, CF_E_UNCLEAN, "%s was not closed and its logs are not valid: %s", h->path, replay.reason);
	if (replay.state == CF_REPLAY_NO_LOGS)
		cf_hive_mark_clean(&hive);
	if (h->edits.n && cf_hive_apply(cf_buf_span(&hive), &h->edits, &edited, err) < 0)
		return -1;
	return cf_volume_replace(vol, h->path, cf_buf_span(h->edits.n ? &edited : &hive), err);
}

static int write_volume(struct cf_work *w, size_t i, struct cf_volume *vol, struct cf_error *err)
{
	for (size_t k = 0; k < w->n_hives; k++)
		if (w->hive[k].vol == i && write_hive(&w->hive[k], vol, err) < 0)
			return cf_fail_path(err, w->hive[k].path);
	for (size_t k = 0; k < w->n_deletes; k++)
		if (w->del[k].vol == i && cf_volume_delete(vol, w->del[k].path, err) < 0)
			return cf_fail_path(err, w->del[k].path);
	return 0;
}

#define CLEANUP_HELD (768 * CF_MIB) /* changed blocks in memory, so that there is room for the rest of the repair */

static bool held_enough(void *user)
{
	return cf_txn_held(user) >= CLEANUP_HELD;
}

/* Cleaning up comes first, so that what is written after it finds room; it is proved by itself, against the disk. */
static int clean_up(struct cf_work *w, const struct cf_work_cleanup *k, struct cf_block *overlay, struct cf_error *err)
{
	const struct cf_vol *v = &w->c->m->vol[k->vol];
	const struct cf_clean_hooks hooks = { .full = held_enough, .user = overlay };
	struct cf_clean_done done = { 0 };
	struct cf_block *slice = cf_slice_open(overlay, v->start, v->size, err);
	if (!slice)
		return -1;
	struct cf_volume *vol = cf_volume_open(slice, v->fs, CF_VOL_WRITE | (w->force_unclean[k->vol] ? CF_VOL_FORCE_UNCLEAN : 0) |
						       (w->discard_hibernation[k->vol] ? CF_VOL_DISCARD_HIBERNATION : 0), err);
	int r = vol ? cf_cleanup_apply(k->plan, vol, &hooks, &done, err) : -1;
	if (cf_volume_close(vol, r < 0 ? NULL : err) < 0)
		r = -1;
	w->stuck = done.stuck;
	if (r == 0 && done.stopped)
		r = cf_fail(err, CF_E_NO_SPACE, "cleaning up is more than the one transaction of a repair may hold; run coldfix cleanup");
	if (r == 0)
		r = cf_cleanup_prove(k->plan, &done, v->slice, slice, err);
	cf_block_close(slice);
	w->failed_cleanup = r < 0;
	return r;
}

static int rearrange(struct cf_work *w, const struct cf_work_defrag *k, struct cf_block *overlay, struct cf_error *err)
{
	const struct cf_vol *v = &w->c->m->vol[k->vol];
	struct cf_block *slice = cf_slice_open(overlay, v->start, v->size, err);
	struct cf_defrag_io io = { .slice = slice, .max_held = UINT64_MAX, .max_data = UINT64_MAX, .copy_all = true };
	struct cf_defrag_result done;
	int r = slice ? cf_defrag_run(&io, &k->opt, NULL, NULL, &done, err) : -1;
	if (r == 0)
		r = cf_defrag_check_owners(slice, "after rearranging the volume contradicts itself", err);
	cf_block_close(slice);
	return r < 0 ? cf_fail_prefix(err, "defragmenting") : 0;
}

static bool volume_has_work(const struct cf_work *w, size_t i)
{
	for (size_t k = 0; k < w->n_hives; k++)
		if (w->hive[k].vol == i)
			return true;
	for (size_t k = 0; k < w->n_deletes; k++)
		if (w->del[k].vol == i)
			return true;
	return w->force_unclean[i] || w->discard_hibernation[i];
}

static int apply_volume(struct cf_work *w, size_t i, struct cf_block *overlay, struct cf_error *err)
{
	const struct cf_vol *v = &w->c->m->vol[i];
	struct cf_block *slice = cf_slice_open(overlay, v->start, v->size, err);
	if (!slice)
		return -1;
	int flags = CF_VOL_WRITE | (w->force_unclean[i] ? CF_VOL_FORCE_UNCLEAN : 0) |
		    (w->discard_hibernation[i] ? CF_VOL_DISCARD_HIBERNATION : 0);
	struct cf_volume *vol = cf_volume_open(slice, v->fs, flags, err);
	int r = vol ? write_volume(w, i, vol, err) : -1;
	/* The first error is the one to tell; a failed close is an error only when nothing else was. */
	if (cf_volume_close(vol, r < 0 ? NULL : err) < 0)
		r = -1;
	cf_block_close(slice);
	if (r < 0) {
		CF_FREE char *name = cf_vol_name(w->c->m, i);
		cf_fail_prefix(err, "%s", name ? name : "volume");
	}
	return r;
}

static int grow(struct cf_work *w, struct cf_block *overlay, struct cf_error *err)
{
	struct cf_expand_changes told = { 0 }; /* the plan has its own words for it */
	int r = cf_expand_switch(&w->expand, w->c->m, overlay, overlay->size, &told, err);
	cf_expand_changes_free(&told);
	if (r < 0)
		w->failed_vol = (int)w->expand.vol;
	return r;
}

int cf_work_apply(struct cf_work *w, struct cf_block *const *overlay, struct cf_error *err)
{
	const struct cf_machine *m = w->c->m;
	for (unsigned d = 0; d < m->n_disks; d++)
		if (w->repair_gpt[d] && cf_part_repair_gpt(overlay[d], err) < 0)
			return -1;
	for (size_t i = 0; i < w->n_cleanups; i++)
		if (clean_up(w, &w->cleanup[i], overlay[m->vol[w->cleanup[i].vol].disk], err) < 0)
			return -1;
	for (size_t i = 0; i < w->n_defrags; i++)
		if (rearrange(w, &w->defrag[i], overlay[m->vol[w->defrag[i].vol].disk], err) < 0) {
			w->failed_vol = (int)w->defrag[i].vol;
			return -1;
		}
	for (size_t i = 0; i < m->n_vols; i++)
		if (volume_has_work(w, i) && apply_volume(w, i, overlay[m->vol[i].disk], err) < 0) {
			w->failed_vol = (int)i;
			return -1;
		}
	/* Last: everything above has opened the volume in its old size. */
	return w->grows ? grow(w, overlay[0], err) : 0;
}
