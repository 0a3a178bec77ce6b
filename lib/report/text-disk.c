/* text-disk.c - what the disk is: container, partitions, installations.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "report/page.h"

#define LABEL 9

static void partitions(struct cf_page *p, const json_t *disk)
{
	size_t i;
	json_t *v;
	cf_page_print(p, CF_INK_DIM, "  %3s  %-10s %10s  %-4s %-12s %s\n", _("No."), _("Role"), _("Size"), "", _("Files"), _("Name"));
	json_array_foreach(json_object_get(disk, "partitions"), i, v) {
		char size[32], letter[8] = "";
		const char *l = cf_str(v, "letter"), *label = cf_str(v, "label");
		if (*l)
			snprintf(letter, sizeof letter, "%s:", l);
		cf_page_print(p, CF_INK_PLAIN, "  %3llu  %-10s %10s  %-4s %-12s %s", (unsigned long long)cf_num(v, "number"),
			      cf_str(v, "role"), cf_size(cf_num(v, "size"), size), letter, cf_str(v, "filesystem"), cf_str(v, "name"));
		if (*label)
			cf_page_print(p, CF_INK_PLAIN, "%s[%s]", *cf_str(v, "name") ? " " : "", label);
		cf_page_print(p, CF_INK_PLAIN, "\n");
		if (*cf_str(v, "note"))
			cf_page_item(p, 7, CF_INK_PLAIN, "", 0, cf_str(v, "note"));
	}
}

static void install(struct cf_page *p, const json_t *w, bool full, bool several)
{
	char line[600], free_text[32], total[32];
	const char *display = cf_str(w, "display_version"), *name = cf_str(w, "computer_name");
	snprintf(line, sizeof line, "%s%s%s (%s, build %llu%s%s), %s%s%s", *cf_str(w, "product") ? cf_str(w, "product") : "Windows",
		 *display ? " " : "", display, *cf_str(w, "version") ? cf_str(w, "version") : _("version not known"),
		 (unsigned long long)cf_num(w, "build"), *cf_str(w, "architecture") ? ", " : "", cf_str(w, "architecture"),
		 *name ? _("computer ") : "", *name ? name : _("computer name not known"),
		 several && json_is_true(json_object_get(w, "selected")) ? _(", selected") : "");
	cf_page_item(p, 0, CF_INK_BOLD, "Windows", LABEL, line);
	snprintf(line, sizeof line, _("partition %llu, %s, %s free of %s"), (unsigned long long)cf_num(w, "partition"), cf_str(w, "root"),
		 cf_size(cf_num(w, "free_bytes"), free_text), cf_size(cf_num(w, "total_bytes"), total));
	cf_page_item(p, 0, CF_INK_PLAIN, "", LABEL, line);
	const json_t *store = json_object_get(w, "boot_store");
	if (json_is_object(store))
		snprintf(line, sizeof line, _("partition %llu, %s"), (unsigned long long)cf_num(store, "partition"), cf_str(store, "path"));
	else
		snprintf(line, sizeof line, "%s", _("no boot store found"));
	cf_page_item(p, 0, CF_INK_BOLD, _("Boot"), LABEL, line);
	if (!full)
		return;
	char sets[200] = "";
	size_t i;
	json_t *n;
	json_array_foreach(json_object_get(w, "control_sets"), i, n) {
		size_t at = strlen(sets);
		snprintf(sets + at, sizeof sets - at, "%sControlSet%03d", i ? ", " : "", (int)json_integer_value(n));
	}
	snprintf(line, sizeof line, _("%s; current %llu, default %llu, last known good %llu, failed %llu"), *sets ? sets : _("none"),
		 (unsigned long long)cf_num(w, "current_control_set"), (unsigned long long)cf_num(w, "default_control_set"),
		 (unsigned long long)cf_num(w, "last_known_good_control_set"), (unsigned long long)cf_num(w, "failed_control_set"));
	cf_page_item(p, 0, CF_INK_BOLD, _("Sets"), LABEL, line);
	snprintf(line, sizeof line, "%s%s%s", *cf_str(w, "edition") ? cf_str(w, "edition") : _("edition not known"),
		 json_is_true(json_object_get(w, "guest_agent")) ? _(", Azure guest agent") : "",
		 json_is_true(json_object_get(w, "update_pending")) ? _(", an update is pending") : "");
	cf_page_item(p, 0, CF_INK_BOLD, _("Also"), LABEL, line);
}

void cf_text_disk(struct cf_page *p, const json_t *doc, bool full)
{
	const json_t *disk = json_object_get(doc, "disk"), *windows = json_object_get(doc, "windows");
	char line[900], size[32];
	size_t i;
	json_t *w;
	if (!json_is_object(disk))
		return;
	const char *scheme = cf_str(disk, "scheme");
	snprintf(line, sizeof line, "%s (%s, %s, %s%s%s)", cf_str(disk, "path"), cf_str(disk, "format"),
		 cf_size(cf_num(disk, "size"), size), strcasecmp(scheme, "gpt") == 0 ? "GPT" : *scheme ? "MBR" : _("no partition table"),
		 cf_num(disk, "generation") ? _(", generation ") : "",
		 cf_num(disk, "generation") == 2 ? "2" : cf_num(disk, "generation") == 1 ? "1" : "");
	cf_page_item(p, 0, CF_INK_BOLD, _("Disk"), LABEL, line);
	if (json_is_true(json_object_get(disk, "inconsistent")))
		cf_page_item(p, 0, CF_INK_YELLOW, _("In use"), LABEL, _("read while something writes to it: what is said here may be inconsistent"));
	if (full) {
		snprintf(line, sizeof line, "%s%s%s%s%s", *cf_str(disk, "guid") ? cf_str(disk, "guid") : cf_str(disk, "signature"),
			 *cf_str(disk, "model") ? ", " : "", cf_str(disk, "model"), *cf_str(disk, "serial") ? ", serial " : "",
			 cf_str(disk, "serial"));
		cf_page_item(p, 0, CF_INK_BOLD, "Id", LABEL, line);
		partitions(p, disk);
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
	bool several = json_array_size(windows) > 1;
	json_array_foreach(windows, i, w)
		if (full || !several || json_is_true(json_object_get(w, "selected")))
			install(p, w, full, several);
	if (!json_array_size(windows))
		cf_page_item(p, 0, CF_INK_BOLD, "Windows", LABEL, _("none found"));
}
