/* text-space.c - what fills the volumes, as tables for people.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

/* "12.3" of a hundred; nothing divided by nothing is nothing. */
static const char *percent(uint64_t part, uint64_t whole, char *out, size_t n)
{
	snprintf(out, n, "%.1f", whole ? 100.0 * (double)part / (double)whole : 0.0);
	return out;
}

static void name_of(const json_t *v, char *out, size_t n)
{
	const char *letter = cf_str(v, "letter"), *label = cf_str(v, "label");
	if (*letter)
		snprintf(out, n, "%s: %s%s%s", letter, *label ? "[" : "", label, *label ? "]" : "");
	else
		snprintf(out, n, _("Partition %llu %s%s%s"), (unsigned long long)cf_num(v, "partition"), *label ? "[" : "", label,
			 *label ? "]" : "");
	size_t len = strlen(out);
	if (len && out[len - 1] == ' ')
		out[len - 1] = 0;
}

/* Digits in groups of three. */
static const char *count(uint64_t n, char *out)
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), k = 0;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[k++] = ',';
		out[k++] = digits[i];
	}
	out[k] = 0;
	return out;
}

static void class_table(struct cf_page *p, const json_t *v)
{
	uint64_t used = cf_num(v, "used_bytes"), shared = cf_num(v, "winsxs_shared_bytes");
	const json_t *list = json_object_get(v, "classes");
	bool shown[64] = { false };
	cf_page_heading(p, _("What fills it"));
	/* Largest first; a dozen rows need no better sort. */
	for (size_t row = 0; row < json_array_size(list); row++) {
		size_t best = SIZE_MAX;
		for (size_t i = 0; i < json_array_size(list) && i < CF_ARRAY_LEN(shown); i++)
			if (!shown[i] && (best == SIZE_MAX || cf_num(json_array_get(list, i), "bytes") >
								      cf_num(json_array_get(list, best), "bytes")))
				best = i;
		if (best == SIZE_MAX)
			break;
		shown[best] = true;
		const json_t *c = json_array_get(list, best);
		char size[32], share[16], files[48];
		uint64_t bytes = cf_num(c, "bytes");
		if (!bytes && p->verbose <= 0)
			continue;
		cf_page_print(p, CF_INK_PLAIN, "  %-25s %10s %5s %%  ", cf_str(c, "title"), cf_size(bytes, size),
			      percent(bytes, used, share, sizeof share));
		cf_page_print(p, CF_INK_DIM, cf_num(c, "files") == 1 ? _("%10s file") : _("%10s files"), count(cf_num(c, "files"), files));
		if (strcmp(cf_str(c, "class"), "winsxs") == 0 && shared)
			cf_page_print(p, CF_INK_DIM, _(" (%s more is shared with Windows)"), cf_size(shared, size));
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
}

static void path_list(struct cf_page *p, const json_t *list, const char *title, const char *key)
{
	size_t n = json_array_size(list);
	if (!n)
		return;
	cf_page_heading(p, title);
	for (size_t i = 0; i < n; i++) {
		const json_t *f = json_array_get(list, i);
		char size[32], also[160] = "";
		uint64_t bytes = cf_num(f, key), size_of = cf_num(f, "size");
		/* Sparse and compressed files are worth a word. */
		if (json_object_get(f, "size") && bytes < size_of / 2)
			snprintf(also, sizeof also, _(" (its size is %s)"), cf_size(size_of, size));
		cf_page_print(p, CF_INK_PLAIN, "  %10s  %s", cf_size(bytes, size), cf_str(f, "path"));
		cf_page_print(p, CF_INK_DIM, "%s", also);
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
}

static void bucket_name(const json_t *b, char *out, size_t n)
{
	char from[32], below[32];
	const json_t *end = json_object_get(b, "below_bytes");
	cf_size(cf_num(b, "from_bytes"), from);
	if (!json_is_integer(end))
		snprintf(out, n, _("%s and more"), from);
	else if (!cf_num(b, "from_bytes"))
		snprintf(out, n, _("below %s"), cf_size(cf_num(b, "below_bytes"), below));
	else
		snprintf(out, n, _("%s to %s"), from, cf_size(cf_num(b, "below_bytes"), below));
}

static void pieces(struct cf_page *p, const json_t *v)
{
	const json_t *f = json_object_get(v, "fragmentation"), *s = json_object_get(v, "free_space");
	char a[48], b[48], c[48], line[400];
	size_t i;
	json_t *row;
	cf_page_heading(p, _("Pieces"));
	snprintf(line, sizeof line, _("%s of %s lie in more than one piece; %s pieces in all, %.2f a file"),
		 count(cf_num(f, "fragmented_files"), a), count(cf_num(f, "files"), b), count(cf_num(f, "extents"), c),
		 json_real_value(json_object_get(f, "average_extents")));
	cf_page_item(p, 2, CF_INK_PLAIN, _("Files"), 12, line);
	snprintf(line, sizeof line, _("in %s"), count(cf_num(f, "mft_extents"), a));
	cf_page_item(p, 2, CF_INK_PLAIN, "$MFT", 12, line);
	snprintf(line, sizeof line, _("in %s; the largest %s, %s on average"), count(cf_num(s, "extents"), a),
		 cf_size(cf_num(s, "largest_bytes"), b), cf_size(cf_num(s, "average_bytes"), c));
	cf_page_item(p, 2, CF_INK_PLAIN, _("Free space"), 12, line);
	json_array_foreach(json_object_get(s, "histogram"), i, row) {
		if (!cf_num(row, "extents") && p->verbose <= 0)
			continue;
		bucket_name(row, line, sizeof line);
		cf_page_print(p, CF_INK_PLAIN, "    %-22s %10s %12s\n", line, count(cf_num(row, "extents"), a),
			      cf_size(cf_num(row, "bytes"), b));
	}
	const json_t *worst = json_object_get(f, "most_fragmented");
	size_t n = json_array_size(worst);
	if (n)
		cf_page_heading(p, _("Files in the most pieces"));
	for (i = 0; i < n; i++) {
		const json_t *one = json_array_get(worst, i);
		cf_page_print(p, CF_INK_PLAIN, "  %10s  %10s  %s\n", count(cf_num(one, "extents"), a),
			      cf_size(cf_num(one, "allocated_bytes"), b), cf_str(one, "path"));
	}
}

/* What helps, as commands to type. */
static void next_steps(struct cf_page *p, const json_t *v)
{
	const json_t *list = json_object_get(v, "next");
	char buf[1100];
	const char *path = cf_quoted(p->disk, buf, sizeof buf);
	size_t i;
	json_t *n;
	if (json_array_size(list))
		cf_page_heading(p, _("What helps"));
	json_array_foreach(list, i, n) {
		cf_page_print(p, CF_INK_BOLD, "  coldfix %s %s\n", cf_str(n, "command"), path);
		cf_page_item(p, 4, CF_INK_PLAIN, "", 0, cf_str(n, "why"));
	}
}

static void volume(struct cf_page *p, const json_t *v, bool full)
{
	char name[300], line[600], total[32], used[32], rest[32], own[32], share[16];
	const char *reason = cf_str(v, "reason");
	name_of(v, name, sizeof name);
	if (*reason) {
		snprintf(line, sizeof line, "%s", reason);
		if (cf_num(v, "total_bytes"))
			snprintf(line, sizeof line, _("%s, %s of %s free"), cf_str(v, "filesystem"), cf_size(cf_num(v, "free_bytes"), rest),
				 cf_size(cf_num(v, "total_bytes"), total));
	} else {
		snprintf(line, sizeof line, _("%s: %s used (%s of it NTFS itself), %s free (%s %%)"), cf_size(cf_num(v, "total_bytes"), total),
			 cf_size(cf_num(v, "used_bytes"), used), cf_size(cf_num(v, "reserved_bytes"), own),
			 cf_size(cf_num(v, "free_bytes"), rest), percent(cf_num(v, "free_bytes"), cf_num(v, "total_bytes"), share, sizeof share));
	}
	cf_page_print(p, CF_INK_BOLD, "%s", name);
	cf_page_print(p, CF_INK_PLAIN, "  %s\n", line);
	const json_t *check = json_object_get(v, "consistency");
	if (json_is_true(json_object_get(v, "unclean")) && !*reason)
		cf_page_item(p, 2, CF_INK_YELLOW, "", 0, _("This volume was not dismounted cleanly: the figures may change when Windows repairs it."));
	if (json_is_object(check) && !json_is_true(json_object_get(check, "sound"))) {
		snprintf(line, sizeof line, _("This volume contradicts itself: %s. Run chkdsk."), cf_str(check, "detail"));
		cf_page_item(p, 2, CF_INK_YELLOW, "", 0, line);
	}
	if (!full || *reason)
		return;
	class_table(p, v);
	path_list(p, json_object_get(v, "largest_folders"), _("Largest folders"), "bytes");
	path_list(p, json_object_get(v, "largest_files"), _("Largest files"), "allocated_bytes");
	pieces(p, v);
	next_steps(p, v);
}

void cf_text_space(struct cf_page *p, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "volumes");
	size_t i, most = SIZE_MAX;
	json_t *v;
	/* All about the first volume that was measured (that of Windows), or with --verbose about each; a line for the others. */
	json_array_foreach(list, i, v)
		if (most == SIZE_MAX && !*cf_str(v, "reason"))
			most = i;
	json_array_foreach(list, i, v)
		if (i != most && p->verbose >= 0 && p->verbose <= 0)
			volume(p, v, false);
	json_array_foreach(list, i, v) {
		if (i != most && p->verbose <= 0)
			continue;
		if (p->out.n)
			cf_page_print(p, CF_INK_PLAIN, "\n");
		volume(p, v, p->verbose >= 0);
	}
}
