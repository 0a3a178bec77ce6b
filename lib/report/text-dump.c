/* text-dump.c - crash dumps for people.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "report/page.h"

#define LABEL 9
#define SHOWN 24 /* addresses of a stack without --verbose */

static void item(struct cf_page *p, const char *label, const char *text)
{
	cf_page_item(p, 2, CF_INK_BOLD, label, LABEL, text);
}

static const char *kind_in_words(const json_t *d)
{
	static const char *const words[][2] = {
		{ "complete", N_("complete memory dump") }, { "kernel", N_("kernel memory dump") }, { "bitmap", N_("kernel memory dump (bitmap)") },
		{ "active", N_("active memory dump") },     { "triage", N_("small memory dump") },  { "user", N_("dump of one process") },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
		if (strcmp(cf_str(d, "kind"), words[i][0]) == 0)
			return _(words[i][1]);
	return _("no dump that can be decoded");
}

static const char *place_in_words(const json_t *d)
{
	static const char *const words[][2] = {
		{ "live", N_(", of a running system") },
		{ "pagefile", N_(", still inside the paging file") },
		{ "dedicated", N_(", inside the dedicated dump file") },
		{ "renamed-pagefile", N_(", a paging file that Windows has cut to save it") },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(words); i++)
		if (strcmp(cf_str(d, "where"), words[i][0]) == 0)
			return _(words[i][1]);
	return json_is_true(json_object_get(d, "live")) ? _(", of a running system") : "";
}

static bool is_null(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	return !v || json_is_null(v);
}

/* "3 days 4 h 5 min", the two largest units. */
static const char *duration(uint64_t s, char *out, size_t n)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, N_("d") }, { 3600, N_("h") }, { 60, N_("min") }, { 1, N_("s") } };
	size_t first = 0, at;
	while (first < 3 && s < units[first].seconds)
		first++;
	at = (size_t)snprintf(out, n, "%llu %s", (unsigned long long)(s / units[first].seconds), _(units[first].name));
	uint64_t rest = first < 3 ? s % units[first].seconds / units[first + 1].seconds : 0;
	if (rest && at < n)
		snprintf(out + at, n - at, " %llu %s", (unsigned long long)rest, _(units[first + 1].name));
	return out;
}

static void dump_line(struct cf_page *p, const json_t *d)
{
	char line[700], size[32], dump[32], whole[60] = "";
	uint64_t bytes = cf_num(d, "size"), used = cf_num(d, "dump_size");
	bool complete = json_is_true(json_object_get(d, "complete")), known = !is_null(d, "kind");
	if (known && complete && used < bytes)
		snprintf(whole, sizeof whole, _("%s of "), cf_size(used, dump));
	const char *state = !known ? "" : complete ? _(", whole") : _(", CUT SHORT: ");
	snprintf(line, sizeof line, "%s%s, %s%s%s%s", kind_in_words(d), place_in_words(d), whole, cf_size(bytes, size), state,
		 known && !complete ? cf_str(d, "cut_reason") : "");
	item(p, _("Dump"), line);
	if (*cf_str(d, "error"))
		item(p, "", cf_str(d, "error"));
}

static void crash_line(struct cf_page *p, const json_t *d)
{
	char line[200], up[60];
	if (is_null(d, "time") && is_null(d, "uptime_seconds"))
		return;
	snprintf(line, sizeof line, "%s%s%s%s", is_null(d, "time") ? _("time not known") : cf_str(d, "time"), is_null(d, "uptime_seconds") ? "" : ", ",
		 is_null(d, "uptime_seconds") ? "" : duration(cf_num(d, "uptime_seconds"), up, sizeof up),
		 is_null(d, "uptime_seconds") ? "" : _(" after the start"));
	item(p, _("Crash"), line);
}

static void system_line(struct cf_page *p, const json_t *d)
{
	char line[200], build[40], cpus[40] = "", memory[60] = "", size[32];
	if (is_null(d, "kind"))
		return;
	if (is_null(d, "build"))
		snprintf(build, sizeof build, "%s", _("build not known"));
	else
		snprintf(build, sizeof build, _("Windows build %llu"), (unsigned long long)cf_num(d, "build"));
	if (!is_null(d, "processors"))
		snprintf(cpus, sizeof cpus, cf_num(d, "processors") == 1 ? _(", %llu processor") : _(", %llu processors"),
			 (unsigned long long)cf_num(d, "processors"));
	if (!is_null(d, "memory_bytes"))
		snprintf(memory, sizeof memory, _(", %s of memory"), cf_size(cf_num(d, "memory_bytes"), size));
	snprintf(line, sizeof line, "%s%s%s%s%s%s%s", build, is_null(d, "architecture") ? "" : ", ", cf_str(d, "architecture"), cpus, memory,
		 is_null(d, "product") ? "" : ", ", cf_str(d, "product"));
	item(p, _("System"), line);
}

static void stop_lines(struct cf_page *p, const json_t *d, bool full)
{
	const json_t *b = json_object_get(d, "bugcheck"), *e = json_object_get(d, "exception");
	char line[600] = "";
	size_t k;
	json_t *v;
	if (json_is_object(b)) {
		snprintf(line, sizeof line, "%s %s", cf_str(b, "code"), *cf_str(b, "name") ? cf_str(b, "name") : _("(not a code that is known here)"));
		cf_page_item(p, 2, CF_INK_BOLD, _("Stop"), LABEL, line);
		line[0] = 0;
		json_array_foreach(json_object_get(b, "parameters"), k, v) {
			const char *meaning = json_string_value(json_array_get(json_object_get(b, "meanings"), k));
			const char *value = json_string_value(json_array_get(json_object_get(b, "values"), k));
			if (!full) {
				size_t at = strlen(line);
				snprintf(line + at, sizeof line - at, "%s%s", at ? " " : "", json_string_value(v));
				continue;
			}
			snprintf(line, sizeof line, "%s%s%s", meaning ? meaning : "", meaning && value ? ": " : "", value ? value : "");
			if (*line)
				cf_page_item(p, 2 + LABEL, CF_INK_PLAIN, json_string_value(v), strlen(json_string_value(v)) + 2, line);
			else
				cf_page_print(p, CF_INK_PLAIN, "%*s%s\n", 2 + LABEL, "", json_string_value(v));
		}
		if (!full)
			item(p, "", line);
	} else if (json_is_object(e)) {
		snprintf(line, sizeof line, _("exception %s %s%sat %s"), cf_str(e, "code"), cf_str(e, "name"), *cf_str(e, "name") ? " " : "",
			 *cf_str(e, "module") ? cf_str(e, "module") : cf_str(e, "address"));
		item(p, _("Stop"), line);
	}
}

static void space_lines(struct cf_page *p, const json_t *d)
{
	char line[300];
	if (is_null(d, "kind"))
		return;
	if (is_null(d, "required_size"))
		snprintf(line, sizeof line, _("%llu bytes are there; how many there should be is not known"), (unsigned long long)cf_num(d, "size"));
	else
		snprintf(line, sizeof line, _("%llu bytes are there, %llu are needed"), (unsigned long long)cf_num(d, "size"),
			 (unsigned long long)cf_num(d, "required_size"));
	item(p, _("Size"), line);
	if (is_null(d, "directory_table_base"))
		return;
	snprintf(line, sizeof line, "DirectoryTableBase %s, PsLoadedModuleList %s", cf_str(d, "directory_table_base"), cf_str(d, "ps_loaded_module_list"));
	item(p, _("Kernel"), line);
	if (*cf_str(d, "comment"))
		item(p, _("Comment"), cf_str(d, "comment"));
}

static void driver_lines(struct cf_page *p, const json_t *d)
{
	const json_t *list = json_object_get(d, "modules");
	char line[200], size[32];
	size_t k;
	json_t *m;
	if (!json_is_array(list))
		return;
	snprintf(line, sizeof line, "%zu%s%s", json_array_size(list), json_is_true(json_object_get(d, "modules_incomplete")) ? _(", the list is cut") : "",
		 p->verbose > 0 ? "" : _(" (-v shows them)"));
	item(p, strcmp(cf_str(d, "kind"), "user") == 0 ? _("Modules") : _("Drivers"), line);
	if (p->verbose <= 0)
		return;
	json_array_foreach(list, k, m)
		cf_page_print(p, CF_INK_PLAIN, "%*s%s %10s  %s\n", 2 + LABEL, "", cf_str(m, "base"), cf_size(cf_num(m, "size"), size),
			      *cf_str(m, "name") ? cf_str(m, "name") : _("(its name is not in the dump)"));
}

/* An address that stands there twice in a row says nothing more the second time. */
static void stack_lines(struct cf_page *p, const json_t *d)
{
	const json_t *list = json_object_get(d, "stack");
	size_t k, shown = 0, n = json_array_size(list);
	const char *last = "";
	json_t *f;
	json_array_foreach(list, k, f) {
		if (p->verbose <= 0 && shown == SHOWN)
			break;
		const char *module = cf_str(f, "module");
		if (strcmp(module, last) == 0)
			continue;
		last = module;
		cf_page_item(p, 2, CF_INK_BOLD, shown ? "" : _("Stack"), LABEL, module);
		shown++;
	}
	if (k < n) {
		char line[80];
		snprintf(line, sizeof line, _("%zu more (-v shows them)"), n - k);
		item(p, "", line);
	}
}

void cf_text_dumps(struct cf_page *p, const json_t *doc)
{
	const json_t *dumps = json_object_get(doc, "dumps");
	bool full = strcmp(cf_str(doc, "verb"), "info") == 0;
	size_t i;
	json_t *d;
	const json_t *blind = json_object_get(doc, "not_searched");
	if (!json_array_size(dumps))
		cf_page_print(p, CF_INK_PLAIN, "%s", json_array_size(blind) ? _("No crash dump was found.\n") : _("No crash dump is on this disk.\n"));
	json_array_foreach(dumps, i, d) {
		bool bad = !json_is_true(json_object_get(d, "complete"));
		cf_page_print(p, bad ? CF_INK_YELLOW : CF_INK_CYAN, "%s%s", i ? "\n" : "", cf_str(d, "path"));
		cf_page_print(p, CF_INK_PLAIN, "\n");
		dump_line(p, d);
		crash_line(p, d);
		if (full)
			system_line(p, d);
		stop_lines(p, d, full);
		if (full) {
			space_lines(p, d);
			driver_lines(p, d);
			stack_lines(p, d);
		}
	}
	json_array_foreach(blind, i, d)
		cf_page_print(p, CF_INK_YELLOW, _("Partition %llu (%s) of %s could not be searched%s%s\n"), (unsigned long long)cf_num(d, "partition"),
			      cf_str(d, "filesystem"), cf_str(d, "disk"), *cf_str(d, "reason") ? ": " : "", cf_str(d, "reason"));
	if (json_is_true(json_object_get(doc, "more")))
		cf_page_print(p, CF_INK_YELLOW, _("\nThere are more dumps than are listed here.\n"));
}
