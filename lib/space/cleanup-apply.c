/* cleanup-apply.c - deleting what was decided on, and proving the result.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * In the order of the MFT, so that neighbouring records are changed together; all names of a file at once; folders last, from the inside out.
 */
#include "space/cleanup-internal.h"

#define TELL_EVERY 64u /* names between two lines of progress */

static int remove_item(const struct cf_cleanup *c, struct cf_volume *vol, const struct cf_clean_item *it, struct cf_clean_done *done,
		       struct cf_error *err)
{
	const struct cf_clean_store *s = c->store;
	struct cf_error own = { 0 };
	if (!err)
		err = &own;
	if (cf_tree_remove(vol, s->folder[it->folder].ref, it->ref, cf_clean_item_name(s, it), err) == 0)
		return 0;
	if (err->code == CF_E_CORRUPT)
		done->stuck = s->folder[it->folder].ref;
	CF_FREE char *path = cf_clean_item_path(c, it);
	return cf_fail_path(err, path ? path : "");
}

static int remove_files(const struct cf_cleanup *c, struct cf_volume *vol, const struct cf_clean_hooks *hooks, struct cf_clean_done *done,
			struct cf_error *err)
{
	const struct cf_clean_store *s = c->store;
	uint64_t last = 0, told = 0;
	for (size_t i = 0; i < s->n_order; i++) {
		const struct cf_clean_item *it = &s->item[s->order[i]];
		if (it->keep != CF_KEEP_NOT || !c->sum[it->cls].chosen)
			continue;
		/* Only between files: one whose names have gone in part has given nothing back. */
		if (it->ref != last && hooks && hooks->full && hooks->full(hooks->user)) {
			done->stopped = true;
			return 0;
		}
		if (hooks && hooks->progress && done->names >= told) {
			told = done->names + TELL_EVERY;
			if (hooks->progress(hooks->user, i, s->n_order))
				return cf_fail(err, CF_E_CANCELLED, "stopped; nothing was changed");
		}
		if (remove_item(c, vol, it, done, err) < 0)
			return -1;
		done->files += it->ref != last;
		done->names++;
		done->bytes += it->bytes;
		last = it->ref;
	}
	return 0;
}

static int remove_folders(const struct cf_cleanup *c, struct cf_volume *vol, struct cf_clean_done *done, struct cf_error *err)
{
	const struct cf_clean_store *s = c->store;
	for (size_t i = s->n_folders; i-- > 0;) {
		const struct cf_clean_item *it = s->folder[i].item == CF_CLEAN_NO ? NULL : &s->item[s->folder[i].item];
		if (!it || it->keep != CF_KEEP_NOT || !c->sum[it->cls].chosen)
			continue;
		if (remove_item(c, vol, it, done, err) < 0)
			return -1;
		done->folders++;
		done->bytes += it->bytes;
	}
	return 0;
}

int cf_cleanup_apply(const struct cf_cleanup *c, struct cf_volume *vol, const struct cf_clean_hooks *hooks, struct cf_clean_done *done,
		     struct cf_error *err)
{
	*done = (struct cf_clean_done){ 0 };
	if (remove_files(c, vol, hooks, done, err) < 0)
		return -1;
	/* A folder that could still hold something waits with it. */
	if (!done->stopped && remove_folders(c, vol, done, err) < 0)
		return -1;
	if (done->files + done->folders && cf_tree_quota_stale(vol, err) < 0)
		return -1;
	done->quota_stale = done->files + done->folders && c->quota != CF_QUOTA_OFF;
	return 0;
}
