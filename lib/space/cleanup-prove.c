/* cleanup-prove.c - the result of a clean-up, read again: only what was listed is gone, and every cluster has its one owner.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Both sides are read with the scanner of $MFT, which shares no code with the library that did the deleting.
 */
#include "space/cleanup-internal.h"

#include <stdlib.h>

#include "volume/mft-check.h"

/* What one side is like. */
struct side {
	struct cf_extent_check check;
	const struct cf_clean_set *gone;
	uint64_t still_there; /* files that should have gone */
};

static int is_gone(void *user, const struct cf_mft_file *file)
{
	struct side *s = user;
	s->still_there += cf_clean_set_has(s->gone, file->record | (uint64_t)file->sequence << 48);
	return 0;
}

static int look(struct cf_block *slice, const struct cf_clean_set *gone, struct side *s, struct cf_error *err)
{
	*s = (struct side){ .gone = gone };
	CF_CLEANUP(cf_mft_closep) struct cf_mft *mft = cf_mft_open(slice, err);
	if (!mft || cf_mft_check(mft, &s->check, err) < 0)
		return -1;
	return gone ? cf_mft_scan(mft, is_gone, s, NULL, err) : 0;
}

static int collect(const struct cf_cleanup *c, const struct cf_clean_done *done, struct cf_clean_set *gone, struct cf_error *err)
{
	const struct cf_clean_store *s = c->store;
	uint64_t files = 0;
	for (size_t i = 0; i < s->n_order && files <= done->files; i++) {
		const struct cf_clean_item *it = &s->item[s->order[i]];
		if (it->keep != CF_KEEP_NOT || !c->sum[it->cls].chosen)
			continue;
		if (files == done->files && !cf_clean_set_has(gone, it->ref))
			break; /* where it stopped */
		int fresh = cf_clean_set_add(gone, it->ref);
		if (fresh < 0)
			return cf_fail_nomem(err);
		files += (uint64_t)fresh;
	}
	for (size_t i = 0; i < s->n_folders && !done->stopped; i++) {
		const struct cf_clean_item *it = s->folder[i].item == CF_CLEAN_NO ? NULL : &s->item[s->folder[i].item];
		if (it && it->keep == CF_KEEP_NOT && c->sum[it->cls].chosen && cf_clean_set_add(gone, it->ref) < 0)
			return cf_fail_nomem(err);
	}
	return 0;
}

/* Deleting one of two files that share a cluster would damage the other. */
static int sound(const struct side *a, struct cf_error *err)
{
	if (!a->check.cross_linked && !a->check.unmarked)
		return 0;
	CF_FREE char *text = cf_extent_check_text(&a->check);
	return cf_fail(err, CF_E_CORRUPT, "%s; have Windows run chkdsk first", text ? text : "$Bitmap and the files contradict each other");
}

static int compare(const struct cf_cleanup *c, const struct cf_clean_done *done, const struct cf_clean_set *gone, const struct side *before,
		   const struct side *after, struct cf_error *err)
{
	const struct cf_extent_check *a = &before->check, *b = &after->check;
	if (after->still_there)
		return cf_fail(err, CF_E_INTERNAL, "%llu files that should be gone are still there", (unsigned long long)after->still_there);
	if (a->scan.files - gone->n != b->scan.files || b->scan.bad > a->scan.bad || b->scan.damaged > a->scan.damaged ||
	    b->scan.orphans > a->scan.orphans)
		return cf_fail(err, CF_E_INTERNAL, "%llu of %llu files are left where %zu were to go", (unsigned long long)b->scan.files,
			       (unsigned long long)a->scan.files, gone->n);
	if (b->cross_linked || b->unmarked || b->lost > a->lost)
		return cf_fail(err, CF_E_INTERNAL, "clusters would have lost their owner, or got two");
	/* A folder's index may have to grow by a block where a separator moves up: nothing else takes room. */
	uint64_t promised = done->bytes / c->cluster_size, came_free = a->marked - b->marked;
	if (a->marked < b->marked || came_free > promised || promised - came_free > 16)
		return cf_fail(err, CF_E_INTERNAL, "%llu clusters came free instead of %llu", (unsigned long long)came_free,
			       (unsigned long long)promised);
	return 0;
}

/* The folders of the classes are what they were: the same records. */
static int places_there(const struct cf_cleanup *c, struct cf_block *after, struct cf_error *err)
{
	const struct cf_clean_store *s = c->store;
	struct cf_volume *vol = cf_volume_open(after, CF_FS_NTFS, CF_VOL_READ, err);
	int rc = vol ? 0 : -1;
	for (size_t i = 0; i < s->n_folders && rc == 0; i++) {
		const struct cf_clean_folder *f = &s->folder[i];
		uint64_t ref = 0;
		if (f->parent != CF_CLEAN_NO || f->item != CF_CLEAN_NO || cf_clean_classes[f->cls].flags & CF_CLEAN_SELF)
			continue;
		if (cf_tree_find(vol, c->sum[f->cls].place[f->place], &ref, NULL, err) < 0 || ref != f->ref)
			rc = cf_fail(err, CF_E_INTERNAL, "the folder %s would be gone", c->sum[f->cls].place[f->place]);
	}
	cf_volume_closep(&vol);
	return rc;
}

int cf_cleanup_prove(const struct cf_cleanup *c, const struct cf_clean_done *done, struct cf_block *before, struct cf_block *after,
		     struct cf_error *err)
{
	struct cf_clean_set gone = { 0 };
	struct side a, b;
	int rc = collect(c, done, &gone, err);
	if (rc == 0 && (look(before, NULL, &a, err) < 0 || sound(&a, err) < 0))
		rc = -1;
	if (rc == 0 && (look(after, &gone, &b, err) < 0 || compare(c, done, &gone, &a, &b, err) < 0 ||
			places_there(c, after, err) < 0))
		rc = cf_fail_prefix(err, "the clean-up was tried and did not come out right; nothing was written");
	free(gone.slot);
	return rc;
}
