/* text-collect.c - what collect took along, and what it could not.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

#define FOLDER_WIDTH 10

/* One line for each folder of the evidence, in the order in which they come. */
static void folders(struct cf_page *p, const json_t *files)
{
	static const char *const name[] = { "disk", "boot", "registry", "ntfs", "events", "logs", "dumps" };
	for (size_t k = 0; k < sizeof name / sizeof name[0]; k++) {
		size_t i, n = 0, len = strlen(name[k]);
		uint64_t bytes = 0;
		json_t *f;
		char size[32];
		json_array_foreach(files, i, f) {
			const char *path = cf_str(f, "file");
			if (strncmp(path, name[k], len) != 0 || path[len] != '/')
				continue;
			n++;
			bytes += cf_num(f, "size");
		}
		if (n)
			cf_page_print(p, CF_INK_PLAIN, n == 1 ? _("  %-*s %4zu file   %10s\n") : _("  %-*s %4zu files  %10s\n"), FOLDER_WIDTH, name[k], n,
				      cf_size(bytes, size));
	}
}

void cf_text_collect(struct cf_page *p, const json_t *doc)
{
	const json_t *files = json_object_get(doc, "files"), *archive = json_object_get(doc, "archive");
	bool packed = json_is_object(archive), heading = false;
	const char *computer = cf_str(doc, "computer_name");
	char size[32], line[1500];
	size_t i;
	json_t *f;
	cf_page_print(p, CF_INK_BOLD, _("Evidence of %s"), *computer ? computer : _("this disk"));
	cf_page_print(p, CF_INK_PLAIN, _(": %llu files, %s\n"), (unsigned long long)cf_num(doc, "collected"), cf_size(cf_num(doc, "bytes"), size));
	folders(p, files);
	json_array_foreach(files, i, f) {
		const char *status = cf_str(f, "status");
		bool lacking = strcmp(status, "missing") == 0 || strcmp(status, "unreadable") == 0 || strcmp(status, "partial") == 0;
		if (!lacking && p->verbose < 1)
			continue;
		if (!heading)
			cf_page_heading(p, p->verbose > 0 ? _("Files") : _("Not collected"));
		heading = true;
		snprintf(line, sizeof line, "%s%s%s", cf_str(f, "source"), *cf_str(f, "note") ? ": " : "", cf_str(f, "note"));
		cf_page_item(p, 2, lacking ? CF_INK_YELLOW : CF_INK_PLAIN, status, FOLDER_WIDTH + 2, line);
	}
	cf_page_print(p, CF_INK_PLAIN, "\n");
	cf_page_print(p, CF_INK_GREEN, "%s", packed ? cf_str(archive, "path") : cf_str(doc, "folder"));
	if (packed)
		cf_page_print(p, CF_INK_PLAIN, " (%s)\nSHA-256 %s\n", cf_size(cf_num(archive, "size"), size), cf_str(archive, "sha256"));
	else
		cf_page_print(p, CF_INK_PLAIN, _("\nCheck it with: sha256sum -c SHA256SUMS\n"));
	cf_page_item(p, 0, CF_INK_YELLOW, "", 0, cf_str(doc, "warning"));
}
