/* text.c - a result as text for people: verdict first, then identity, causes, obstacles, settings, evidence, what to type next.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/page.h"

#define ID_WIDTH 24

static void verdict(struct cf_page *p, const json_t *doc)
{
	const json_t *v = json_object_get(doc, "verdict");
	const char *code = cf_str(v, "code");
	static const struct {
		const char *code, *word;
		enum cf_ink ink;
	} words[] = {
		{ "likely-cause", N_("LIKELY CAUSE FOUND"), CF_INK_RED },
		{ "possible-cause", N_("POSSIBLE CAUSE FOUND"), CF_INK_YELLOW },
		{ "no-cause-found", N_("NO CAUSE FOUND"), CF_INK_GREEN },
		{ "cannot-tell", N_("CANNOT TELL"), CF_INK_YELLOW },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(words); i++) {
		if (strcmp(code, words[i].code) != 0)
			continue;
		char label[40];
		snprintf(label, sizeof label, "%s:", _(words[i].word));
		cf_page_item(p, 0, words[i].ink, label, cf_text_columns(label) + 1, cf_str(v, "sentence"));
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
}

static bool is_cause(const json_t *doc, const json_t *f)
{
	size_t i;
	json_t *id;
	json_array_foreach(json_object_get(json_object_get(doc, "verdict"), "causes"), i, id)
		if (strcmp(json_string_value(id), cf_str(f, "id")) == 0)
			return true;
	return false;
}

enum group { CAUSES, OTHERS, OBSTACLES, SETTINGS, EVIDENCE, GROUPS };

static enum group group_of(const json_t *doc, const json_t *f)
{
	const char *severity = cf_str(f, "severity"), *id = cf_str(f, "id");
	bool obstacle = strncmp(id, "volume-u", 8) == 0 || strncmp(id, "volume-h", 8) == 0 || strcmp(id, "gpt-damaged") == 0 ||
			strcmp(id, "shadow-copies") == 0;
	if (strcmp(severity, "info") != 0 && is_cause(doc, f) && strcmp(severity, "blocker") != 0)
		return CAUSES;
	if (strcmp(severity, "blocker") == 0 || obstacle)
		return OBSTACLES;
	if (strcmp(severity, "recommended") == 0)
		return SETTINGS;
	return strcmp(severity, "info") == 0 ? EVIDENCE : OTHERS;
}

static enum cf_ink severity_ink(const char *severity)
{
	if (strcmp(severity, "error") == 0 || strcmp(severity, "blocker") == 0)
		return CF_INK_RED;
	if (strcmp(severity, "warning") == 0)
		return CF_INK_YELLOW;
	return CF_INK_CYAN;
}

static void finding(struct cf_page *p, const json_t *f, bool outcome)
{
	const char *severity = cf_str(f, "severity"), *status = cf_str(f, "status"), *reason = cf_str(f, "reason");
	cf_page_item(p, 2, severity_ink(severity), cf_str(f, "id"), ID_WIDTH, cf_str(f, "detail"));
	if (p->verbose >= 0 && *cf_str(f, "where"))
		cf_page_item(p, 2, CF_INK_PLAIN, "", ID_WIDTH, cf_str(f, "where"));
	char line[700] = "";
	if (outcome && strcmp(status, "found") != 0)
		snprintf(line, sizeof line, "-> %s%s%s", status, *reason ? ": " : "", reason);
	if (*line)
		cf_page_item(p, 2, CF_INK_PLAIN, "", ID_WIDTH, line);
	if (p->verbose > 0) {
		char *e = json_dumps(json_object_get(f, "evidence"), JSON_COMPACT | JSON_PRESERVE_ORDER);
		if (e)
			cf_page_item(p, 2, CF_INK_PLAIN, "", ID_WIDTH, e);
		free(e);
	}
}

static void findings(struct cf_page *p, const json_t *doc, bool outcome)
{
	static const char *const heading[GROUPS] = { N_("Causes"), N_("Problems"), N_("Obstacles"), N_("Recommended settings"),
						     N_("Evidence") };
	const json_t *problems = json_object_get(doc, "problems");
	for (int g = 0; g < GROUPS; g++) {
		size_t i;
		json_t *f;
		bool any = false;
		if (p->verbose < 0 && g > OBSTACLES)
			break;
		json_array_foreach(problems, i, f) {
			if ((int)group_of(doc, f) != g)
				continue;
			if (!any)
				cf_page_heading(p, _(heading[g]));
			any = true;
			finding(p, f, outcome);
		}
	}
}

/* The dump type in plain words behind its number; "" for other values. */
static const char *in_words(const char *what, const char *value)
{
	static const char *const words[] = { N_(" (none)"), N_(" (complete: all memory)"), N_(" (kernel memory)"), N_(" (small)"),
					     "", "", "", N_(" (automatic: kernel memory)") };
	const char *name = strrchr(what, '\\');
	if (!name || strcmp(name, "\\CrashDumpEnabled") != 0 || value[0] < '0' || value[0] > '7' || value[1])
		return "";
	return _(words[value[0] - '0']);
}

void cf_text_changes(struct cf_page *p, const json_t *doc, const char *title)
{
	const json_t *list = json_object_get(doc, "changes");
	const char *last = "";
	size_t i;
	json_t *c;
	if (!json_array_size(list))
		return;
	cf_page_heading(p, title);
	json_array_foreach(list, i, c) {
		char line[1500];
		const char *id = cf_str(c, "problem");
		if (strcmp(id, last) != 0)
			cf_page_print(p, CF_INK_CYAN, "  %s\n", id);
		last = id;
		cf_page_item(p, 4, CF_INK_PLAIN, "", 0, cf_str(c, "what"));
		const char *what = cf_str(c, "what"), *before = cf_str(c, "before"), *after = cf_str(c, "after");
		snprintf(line, sizeof line, "%s%s -> %s%s", before, in_words(what, before), after, in_words(what, after));
		cf_page_item(p, 6, CF_INK_PLAIN, "", 0, line);
	}
}

/* What has control characters or is no UTF-8 can't be typed as it is: $'…' of bash, zsh and ksh. */
static const char *quoted_bytes(const char *path, char *out, size_t n)
{
	size_t k = (size_t)snprintf(out, n, "$'");
	for (; *path && k + 6 < n; path++) {
		unsigned char c = (unsigned char)*path;
		bool plain = c >= 0x20 && c < 0x7f && c != '\'' && c != '\\';
		k += (size_t)snprintf(out + k, n - k, plain ? "%c" : "\\x%02x", c);
	}
	snprintf(out + k, n - k, "'");
	return out;
}

const char *cf_quoted(const char *path, char *out, size_t n)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:+=@%,-";
	if (*path && strspn(path, safe) == strlen(path))
		return path;
	size_t k = 0;
	if (n < 8)
		return path;
	json_t *as_text = json_string(path);
	json_t *shown = as_text ? cf_page_safe(as_text) : NULL;
	bool typable = shown && strcmp(json_string_value(shown), path) == 0;
	json_decref(as_text);
	json_decref(shown);
	if (!typable)
		return quoted_bytes(path, out, n);
	out[k++] = '\'';
	for (; *path && k + 6 < n; path++) {
		if (*path == '\'') {
			memcpy(out + k, "'\\''", 4);
			k += 4;
		} else {
			out[k++] = *path;
		}
	}
	out[k++] = '\'';
	out[k] = 0;
	return out;
}

static bool any_with(const json_t *doc, const char *key, const char *value, const char *key2, const char *value2)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(doc, "problems"), i, f)
		if (strcmp(cf_str(f, key), value) == 0 && (!key2 || strcmp(cf_str(f, key2), value2) == 0))
			return true;
	return false;
}

static void add_id(char *list, size_t size, const char *id)
{
	size_t at = strlen(list);
	if (!strstr(list, id))
		snprintf(list + at, size - at, "%s%s", at ? "," : "", id);
}

static void next_command(struct cf_page *p, const json_t *doc)
{
	char buf[1100], with[300] = "", explain[300] = "", *rest = NULL;
	const char *path = cf_quoted(p->disk, buf, sizeof buf);
	bool default_fix = false;
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(doc, "problems"), i, f) {
		const char *id = cf_str(f, "id"), *severity = cf_str(f, "severity"), *repair = cf_str(f, "repair");
		if (strcmp(severity, "error") != 0 && strcmp(severity, "warning") != 0 && strcmp(severity, "blocker") != 0)
			continue;
		if (strcmp(repair, "none") == 0)
			add_id(explain, sizeof explain, id);
		else if (strcmp(repair, "opt-in") == 0)
			add_id(with, sizeof with, id);
		else
			default_fix = true;
	}
	cf_page_print(p, CF_INK_PLAIN, "\n");
	if (default_fix || *with)
		cf_page_print(p, CF_INK_PLAIN, _("Next: coldfix repair%s%s --dry-run %s\n"), *with ? " --with " : "", with, path);
	else if (any_with(doc, "severity", "recommended", NULL, NULL) && !*explain)
		cf_page_print(p, CF_INK_PLAIN, _("Next, if you want the recommended settings: coldfix repair --prepare --dry-run %s\n"), path);
	for (char *id = strtok_r(explain, ",", &rest); id; id = strtok_r(NULL, ",", &rest))
		cf_page_print(p, CF_INK_PLAIN, _("What to do about %s: coldfix explain %s\n"), id, id);
}

static void text_diagnose(struct cf_page *p, const json_t *doc)
{
	verdict(p, doc);
	cf_text_disk(p, doc, p->verbose > 0);
	findings(p, doc, false);
	next_command(p, doc);
}

static void text_repair(struct cf_page *p, const cf_result *r)
{
	const json_t *doc = r->doc;
	char size[32], buf[1100];
	uint64_t planned = cf_num(doc, "bytes_planned"), written = cf_num(doc, "bytes_written");
	bool declined = json_is_true(json_object_get(doc, "declined"));
	if (r->plan || r->dry_run) {
		const json_t *symptom = json_object_get(doc, "symptom");
		if (symptom)
			cf_page_print(p, CF_INK_PLAIN, _("%s: %s; the problems of the article %s are repaired.\n\n"), cf_str(symptom, "path"),
				      cf_str(symptom, "screen"), cf_str(symptom, "article"));
		verdict(p, doc);
		cf_text_disk(p, doc, false);
	}
	if (!declined)
		findings(p, doc, true);
	if (r->plan || r->dry_run || (written && p->verbose > 0))
		cf_text_changes(p, doc, r->plan || r->dry_run ? _("Plan") : _("Changes"));
	cf_page_print(p, CF_INK_PLAIN, "\n");
	if (r->plan) {
		cf_page_print(p, CF_INK_PLAIN,
			      json_object_get(doc, "expand") ?
				      _("%s will be written, the repair first and then the expansion; it was tried on an overlay and proved there.\n") :
				      _("%s will be written in one transaction; it was tried on an overlay and proved there.\n"),
			      cf_size(planned, size));
	} else if (declined) {
		cf_page_print(p, CF_INK_PLAIN, _("Nothing was changed.\n"));
	} else if (r->dry_run) {
		cf_page_print(p, CF_INK_PLAIN, planned ? _("Dry run: nothing was changed. %s would be written; it was tried on an overlay and "
							   "proved there.\n")
						       : _("Dry run: there is nothing to change (%s).\n"),
			      cf_size(planned, size));
	} else if (!written) {
		cf_page_print(p, CF_INK_PLAIN, r->exit_status ? _("Nothing was changed.\n") : _("Nothing to repair: nothing was changed.\n"));
	} else {
		cf_page_print(p, r->exit_status ? CF_INK_YELLOW : CF_INK_GREEN, "%s",
			      r->exit_status ? _("Repaired, except for what is left above.") : _("Repaired."));
		cf_page_print(p, CF_INK_PLAIN, _(" %s written, read back and compared.\n"), cf_size(written, size));
		if (*cf_str(doc, "backup_folder"))
			cf_page_print(p, CF_INK_PLAIN, _("Hives before the repair: %s\n"), cf_str(doc, "backup_folder"));
		bool twice = json_object_get(doc, "expand") && json_array_size(json_object_get(doc, "undo_files")) > 1;
		if (*cf_str(doc, "undo_file"))
			cf_page_print(p, CF_INK_PLAIN, twice ? _("To put every byte back, first the expansion and then the repair, twice: coldfix undo %s\n") :
							       _("To put every byte back: coldfix undo %s\n"),
				      cf_quoted(p->disk, buf, sizeof buf));
	}
}

static void text_undo(struct cf_page *p, const cf_result *r)
{
	char size[32];
	uint64_t planned = cf_num(r->doc, "bytes_planned");
	cf_size(planned, size);
	if (json_is_true(json_object_get(r->doc, "rolled_back")))
		cf_page_print(p, CF_INK_GREEN, _("A repair that had not finished was taken back; the disk is as it was before it.\n"));
	else if (r->plan)
		cf_page_print(p, CF_INK_PLAIN, _("%s will be put back from %s.\n"), size, cf_str(r->doc, "undo_file"));
	else if (json_is_true(json_object_get(r->doc, "declined")))
		cf_page_print(p, CF_INK_PLAIN, _("Nothing was changed.\n"));
	else if (r->dry_run)
		cf_page_print(p, CF_INK_PLAIN, _("Dry run: %s would be put back from %s; the disk is as the repair left it.\n"), size,
			      cf_str(r->doc, "undo_file"));
	else
		cf_page_print(p, CF_INK_GREEN, _("Undone: %s put back, the disk is as it was before the repair.\n"), size);
}

static void playbook(struct cf_page *p, const json_t *doc)
{
	size_t i, k;
	json_t *step, *line;
	json_array_foreach(json_object_get(doc, "playbook"), i, step) {
		char number[16], buf[1100];
		snprintf(number, sizeof number, "%llu.", (unsigned long long)cf_num(step, "step"));
		if (i)
			cf_page_print(p, CF_INK_PLAIN, "\n");
		cf_page_item(p, 0, CF_INK_BOLD, number, 4, cf_str(step, "title"));
		cf_page_item(p, 4, CF_INK_PLAIN, "", 0, cf_str(step, "text"));
		json_array_foreach(json_object_get(step, "facts"), k, line)
			cf_page_item(p, 4, CF_INK_YELLOW, _("here:"), 6, json_string_value(line));
		json_array_foreach(json_object_get(step, "commands"), k, line) {
			/* the disk that was given, as it has to be typed */
			const char *text = json_string_value(line), *at = *p->disk ? strstr(text, "DISK") : NULL;
			if (at)
				cf_page_print(p, CF_INK_CYAN, "      %.*s%s%s\n", (int)(at - text), text, cf_quoted(p->disk, buf, sizeof buf), at + 4);
			else
				cf_page_print(p, CF_INK_CYAN, "      %s\n", text);
		}
	}
}

static void text_explain(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *v;
	bool list = json_is_true(json_object_get(doc, "list"));
	if (*p->disk) {
		cf_text_disk(p, doc, false);
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
	playbook(p, doc);
	/* The problems of an article one by one only where that is asked for; their ids stand in its steps. */
	if (json_array_size(json_object_get(doc, "playbook")) && p->verbose <= 0) {
		cf_page_print(p, CF_INK_PLAIN, _("\nThe problems of this article one by one: coldfix explain --verbose %s\n"), cf_str(doc, "article"));
		return;
	}
	json_array_foreach(json_object_get(doc, "problems"), i, v) {
		if (list) {
			cf_page_item(p, 0, severity_ink(cf_str(v, "severity")), cf_str(v, "id"), ID_WIDTH + 2, cf_str(v, "title"));
			continue;
		}
		if (i)
			cf_page_print(p, CF_INK_PLAIN, "\n");
		cf_page_print(p, CF_INK_BOLD, "%s", cf_str(v, "id"));
		cf_page_print(p, CF_INK_PLAIN, " - %s\n", cf_str(v, "title"));
		char line[300];
		snprintf(line, sizeof line, "%s; repair: %s; article: %s, %s", cf_str(v, "severity"), cf_str(v, "repair"),
			 cf_str(v, "article"), cf_str(v, "step"));
		cf_page_item(p, 2, CF_INK_DIM, "", 0, line);
		cf_page_item(p, 2, CF_INK_BOLD, _("Seen"), 8, cf_str(v, "seen"));
		cf_page_item(p, 2, CF_INK_BOLD, _("Repair"), 8, cf_str(v, "does"));
		cf_page_item(p, 2, CF_INK_BOLD, _("Risk"), 8, cf_str(v, "risk"));
	}
}

static void text_ls(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *e;
	json_array_foreach(json_object_get(doc, "entries"), i, e) {
		bool dir = strcmp(cf_str(e, "kind"), "directory") == 0;
		const char *why = cf_str(e, "unreadable");
		cf_page_print(p, CF_INK_PLAIN, "%s %14llu  %s  ", dir ? "d" : "-", (unsigned long long)cf_num(e, "size"), cf_str(e, "modified"));
		cf_page_print(p, dir ? CF_INK_CYAN : CF_INK_PLAIN, "%s", cf_str(e, "path"));
		cf_page_print(p, CF_INK_DIM, "%s%s%s", *why ? "  (" : "", why, *why ? ")" : "");
		cf_page_print(p, CF_INK_PLAIN, "\n");
	}
}

static void text_get(struct cf_page *p, const json_t *doc)
{
	size_t i;
	json_t *e;
	char size[32];
	json_array_foreach(json_object_get(doc, "files"), i, e)
		cf_page_print(p, CF_INK_PLAIN, "%s -> %s (%s)\n", cf_str(e, "path"), cf_str(e, "file"), cf_size(cf_num(e, "size"), size));
}

static void reg_data(struct cf_page *p, const json_t *v)
{
	const json_t *data = json_object_get(v, "data");
	size_t i;
	json_t *s;
	if (json_is_integer(data))
		cf_page_print(p, CF_INK_PLAIN, "0x%llx", (unsigned long long)json_integer_value(data));
	else if (json_is_array(data))
		json_array_foreach(data, i, s)
			cf_page_print(p, CF_INK_PLAIN, "%s%s", i ? "\\0" : "", json_string_value(s));
	else
		cf_page_print(p, CF_INK_PLAIN, "%s", json_is_string(data) ? json_string_value(data) : "");
}

/* reg.exe's layout. */
static void text_reg(struct cf_page *p, const json_t *doc)
{
	size_t i, k;
	json_t *key, *v;
	size_t n = json_array_size(json_object_get(doc, "keys"));
	json_array_foreach(json_object_get(doc, "keys"), i, key) {
		cf_page_print(p, CF_INK_BOLD, "%s%s", i ? "\n" : "", cf_str(key, "key"));
		cf_page_print(p, CF_INK_PLAIN, "\n");
		json_array_foreach(json_object_get(key, "values"), k, v) {
			cf_page_print(p, CF_INK_PLAIN, "    %s    %s    ", *cf_str(v, "name") ? cf_str(v, "name") : "(Default)", cf_str(v, "type"));
			reg_data(p, v);
			cf_page_print(p, CF_INK_PLAIN, "\n");
		}
		if (n > 1)
			continue;
		json_array_foreach(json_object_get(key, "subkeys"), k, v)
			cf_page_print(p, CF_INK_PLAIN, "%s%s\n", k == 0 ? "\n" : "", json_string_value(v));
	}
}

char *cf_result_text(const cf_result *result, const struct cf_text_style *style)
{
	struct cf_page p = { .color = style->color,
			     .width = style->width > 40 ? (size_t)style->width : 80,
			     .verbose = style->verbose,
			     .disk = result->disk ? result->disk : "" };
	struct cf_result safe = *result, *r = &safe;
	safe.doc = cf_page_safe(result->doc);
	if (!safe.doc)
		return NULL;
	if (r->error.code == CF_OK || r->command == CF_DIAGNOSE || r->command == CF_SYMPTOM ||
	    (r->command == CF_DUMP && json_array_size(json_object_get(r->doc, "collected")))) {
		switch (r->command) {
		case CF_INFO:
			cf_text_disk(&p, r->doc, true);
			break;
		case CF_DIAGNOSE:
			text_diagnose(&p, r->doc);
			break;
		case CF_REPAIR:
			text_repair(&p, r);
			break;
		case CF_UNDO:
			text_undo(&p, r);
			break;
		case CF_EXPLAIN:
			text_explain(&p, r->doc);
			break;
		case CF_LS:
			text_ls(&p, r->doc);
			break;
		case CF_CAT:
			break;
		case CF_GET:
			text_get(&p, r->doc);
			break;
		case CF_BCD:
			cf_text_bcd(&p, r->doc);
			break;
		case CF_DUMP:
			if (strcmp(cf_str(r->doc, "verb"), "configure") == 0)
				cf_text_configure(&p, r);
			else if (strcmp(cf_str(r->doc, "verb"), "collect") == 0)
				cf_text_dump_collect(&p, r->doc);
			else
				cf_text_dumps(&p, r->doc);
			break;
		case CF_EXPAND:
			cf_text_expand(&p, r);
			break;
		case CF_DEFRAG:
			cf_text_defrag(&p, r);
			break;
		case CF_COLLECT:
			cf_text_collect(&p, r->doc);
			break;
		case CF_SPACE:
			cf_text_space(&p, r->doc);
			break;
		case CF_REG:
			text_reg(&p, r->doc);
			break;
		case CF_CLEANUP:
			cf_text_cleanup(&p, r);
			break;
		case CF_SYMPTOM:
			cf_text_symptom(&p, r->doc);
			break;
		}
	}
	json_decref(safe.doc);
	if (p.no_memory || cf_buf_append(&p.out, "", 1) < 0) {
		cf_buf_free(&p.out);
		return NULL;
	}
	return (char *)p.out.p;
}
