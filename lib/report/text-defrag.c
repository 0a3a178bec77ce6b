/* text-defrag.c - defrag for people: the report that Windows' defrag gives, before and after, and the plan between.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>

#include "report/page.h"

#define LABEL 30

struct pair {
	struct cf_page *p;
	const json_t *before, *after; /* after: NULL when there is only one report */
};

static void line(const struct pair *x, const char *label, const char *before, const char *after)
{
	cf_page_print(x->p, CF_INK_PLAIN, "  %-*s %14s", LABEL, label, before);
	if (x->after)
		cf_page_print(x->p, CF_INK_BOLD, "  %14s", after);
	cf_page_print(x->p, CF_INK_PLAIN, "\n");
}

static void size_line(const struct pair *x, const char *label, const char *key)
{
	char a[32], b[32];
	line(x, label, cf_size(cf_num(x->before, key), a), x->after ? cf_size(cf_num(x->after, key), b) : "");
}

static void number_line(const struct pair *x, const char *label, const char *key)
{
	char a[32], b[32];
	snprintf(a, sizeof a, "%llu", (unsigned long long)cf_num(x->before, key));
	snprintf(b, sizeof b, "%llu", (unsigned long long)cf_num(x->after, key));
	line(x, label, a, b);
}

static double ratio(const json_t *f, const char *over, const char *under)
{
	uint64_t n = cf_num(f, under);
	return n ? (double)cf_num(f, over) / (double)n : 0;
}

static void percent_line(const struct pair *x, const char *label, const char *over, const char *under)
{
	char a[32], b[32];
	snprintf(a, sizeof a, "%.0f %%", 100 * ratio(x->before, over, under));
	snprintf(b, sizeof b, "%.0f %%", 100 * ratio(x->after, over, under));
	line(x, label, a, b);
}

static void figures(const struct pair *x)
{
	char a[32], b[32];
	if (x->after) {
		cf_page_print(x->p, CF_INK_DIM, "  %-*s %14s  %14s\n", LABEL, "", _("before"), _("after"));
	}
	size_line(x, _("Volume size"), "volume_bytes");
	size_line(x, _("Cluster size"), "cluster_size");
	size_line(x, _("Used space"), "used_bytes");
	size_line(x, _("Free space"), "free_bytes");
	percent_line(x, _("Total fragmented space"), "fragmented_bytes", "used_bytes");
	snprintf(a, sizeof a, "%.2f", ratio(x->before, "extents", "streams"));
	snprintf(b, sizeof b, "%.2f", ratio(x->after, "extents", "streams"));
	line(x, _("Average extents per stream"), a, b);
	number_line(x, _("Movable files and folders"), "movable");
	number_line(x, _("Unmovable files and folders"), "unmovable");
	number_line(x, _("Files"), "files");
	number_line(x, _("Fragmented files"), "fragmented_files");
	number_line(x, _("Total file fragments"), "file_fragments");
	number_line(x, _("Folders"), "folders");
	number_line(x, _("Fragmented folders"), "fragmented_folders");
	number_line(x, _("Total folder fragments"), "folder_fragments");
	number_line(x, _("Free space count"), "free_extents");
	uint64_t n = cf_num(x->before, "free_extents"), m = cf_num(x->after, "free_extents");
	line(x, _("Average free space size"), cf_size(n ? cf_num(x->before, "free_bytes") / n : 0, a),
	     cf_size(m ? cf_num(x->after, "free_bytes") / m : 0, b));
	size_line(x, _("Largest free space size"), "largest_free_extent_bytes");
	size_line(x, _("MFT size"), "mft_bytes");
	number_line(x, _("MFT record count"), "mft_records");
	percent_line(x, _("MFT usage"), "mft_used_records", "mft_records");
	number_line(x, _("Total MFT fragments"), "mft_extents");
}

/* What a plan leaves, or the work has left: of either's object. */
static void left_text(struct cf_page *p, const json_t *o)
{
	uint64_t stayed = cf_num(o, "streams_without_room");
	if (stayed)
		cf_page_print(p, CF_INK_YELLOW, _("  %llu streams stay as they are: their MFT records have no room for a new place.\n"),
			      (unsigned long long)stayed);
	if (json_is_true(json_object_get(o, "limited")))
		cf_page_print(p, CF_INK_YELLOW, "%s", _("  --max-bytes ends it before all is done.\n"));
}

static void plan_text(struct cf_page *p, const struct cf_result *r, const json_t *plan)
{
	char moved[32], grows[32], undo[32];
	const char *least = json_is_true(json_object_get(plan, "at_least")) ? _("at least ") : "";
	uint64_t bytes = cf_num(plan, "bytes_to_move");
	if (!bytes) {
		bool more = json_is_true(json_object_get(plan, "limited")) || cf_num(plan, "streams_without_room");
		cf_page_print(p, CF_INK_GREEN, "\n%s\n", more ? _("Nothing to move. Nothing is written.")
								 : _("Nothing to move: the volume is as good as it gets. Nothing is written."));
		left_text(p, plan);
		return;
	}
	cf_page_heading(p, r->dry_run ? _("What would be done") : _("What will be done"));
	cf_page_print(p, CF_INK_PLAIN, _("  Move %s%s in %llu pieces; %llu fragmented streams become whole.\n"), least, cf_size(bytes, moved),
		      (unsigned long long)cf_num(plan, "moves"), (unsigned long long)cf_num(plan, "streams_made_whole"));
	cf_page_print(p, CF_INK_PLAIN, _("  A thin image grows by at most %s (clusters that it has no room for yet).\n"),
		      cf_size(cf_num(plan, "image_growth_bytes"), grows));
	if (cf_num(plan, "undo_bytes"))
		cf_page_print(p, CF_INK_PLAIN, _("  The undo file takes about %s, and as much writing again; --no-undo keeps none.\n"),
			      cf_size(cf_num(plan, "undo_bytes"), undo));
	else
		cf_page_print(p, CF_INK_PLAIN, _("  No undo file is kept (--no-undo).\n"));
	left_text(p, plan);
	cf_page_print(p, CF_INK_DIM, "%s", _("  An image has no storage tiers, so there are none to optimise.\n"));
}

static void done_text(struct cf_page *p, const json_t *doc)
{
	char moved[32], written[32], undo[32];
	if (!cf_num(doc, "bytes_moved"))
		return;
	cf_page_heading(p, _("Done"));
	cf_page_print(p, CF_INK_PLAIN, _("  %s moved in %llu steps, %s written; every cluster was read back, and every cluster's owner checked.\n"),
		      cf_size(cf_num(doc, "bytes_moved"), moved), (unsigned long long)cf_num(doc, "transactions"),
		      cf_size(cf_num(doc, "bytes_written"), written));
	left_text(p, doc);
	if (*cf_str(doc, "undo_file"))
		cf_page_print(p, CF_INK_PLAIN, _("  Undo file: %s (%s); coldfix undo puts everything back.\n"), cf_str(doc, "undo_file"),
			      cf_size(cf_num(doc, "undo_bytes"), undo));
}

void cf_text_defrag(struct cf_page *p, const struct cf_result *r)
{
	const json_t *doc = r->doc, *plan = json_object_get(doc, "plan"), *after = json_object_get(doc, "after");
	const json_t *vol = json_object_get(doc, "volume");
	struct pair x = { .p = p, .before = json_object_get(doc, "before"), .after = json_is_object(after) ? after : NULL };
	bool worked = cf_num(doc, "bytes_moved") > 0;
	if (!x.before)
		return;
	cf_page_print(p, CF_INK_BOLD, _("Partition %llu%s%s%s"), (unsigned long long)cf_num(vol, "partition"),
		      *cf_str(vol, "letter") ? " (" : "", cf_str(vol, "letter"), *cf_str(vol, "letter") ? ":)" : "");
	cf_page_print(p, CF_INK_PLAIN, "%s%s\n", *cf_str(vol, "label") ? "  " : "", cf_str(vol, "label"));
	if (!worked)
		x.after = NULL;
	if (r->dry_run || r->plan) {
		const json_t *expected = json_object_get(plan, "after");
		if (json_is_object(expected) && cf_num(plan, "bytes_to_move"))
			x.after = expected;
	}
	figures(&x);
	if (json_is_true(json_object_get(x.before, "deduplication_store")))
		cf_page_print(p, CF_INK_DIM, "%s", _("  The deduplication store is left where it is.\n"));
	if (cf_num(x.before, "bad_records"))
		cf_page_print(p, CF_INK_YELLOW, _("  %llu MFT records can't be understood; what they own stays where it is.\n"),
			      (unsigned long long)cf_num(x.before, "bad_records"));
	cf_page_print(p, CF_INK_DIM, "%s", _("  Pieces of 64 MiB and more are not counted as fragments.\n"));
	if (json_is_object(plan) && !worked && !json_is_true(json_object_get(doc, "declined")))
		plan_text(p, r, plan);
	if (json_is_true(json_object_get(doc, "declined")))
		cf_page_print(p, CF_INK_PLAIN, "\n%s\n", _("Declined: nothing was changed."));
	done_text(p, doc);
}
