/* options-table.c - every option of every command, and how its value is read.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "options.h"

int option_usage(struct cf_error *err, const char *fmt, ...)
{
	va_list ap;
	memset(err, 0, sizeof *err);
	err->code = CF_E_USAGE;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return -1;
}

int option_no_memory(struct cf_error *err)
{
	option_usage(err, "out of memory");
	err->code = CF_E_NO_MEMORY;
	return -1;
}

int option_push(char ***list, const char *text, size_t len)
{
	size_t n = 0;
	while (*list && (*list)[n])
		n++;
	char **grown = reallocarray(*list, n + 2, sizeof *grown);
	if (!grown)
		return -1;
	*list = grown;
	grown[n] = strndup(text, len);
	grown[n + 1] = NULL;
	return grown[n] ? 0 : -1;
}

static int push_ids(char ***list, const char *text, const char *option, struct cf_error *err)
{
	const char *p = text;
	for (;;) {
		size_t n = strcspn(p, ",");
		if (!n)
			return option_usage(err, "--%s: \"%s\" has an empty place; write ID,ID", option, text);
		if (option_push(list, p, n) < 0)
			return option_no_memory(err);
		if (!p[n])
			return 0;
		p += n + 1;
	}
}

/* "16G", "16GiB", "4096M", "1T" or bytes. */
static int parse_size(const char *text, const char *option, uint64_t *out, struct cf_error *err)
{
	static const char units[] = "KMGT";
	char *end;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	const char *u = *end ? strchr(units, *end >= 'a' ? *end - 32 : *end) : NULL;
	unsigned shift = u ? 10 * (unsigned)(u - units + 1) : 0;
	const char *rest = u ? end + 1 : end;
	bool tail_ok = !*rest || strcasecmp(rest, "B") == 0 || (u && strcasecmp(rest, "iB") == 0);
	if (end == text || *text == '-' || errno || !tail_ok || !n || (shift && n > UINT64_MAX >> shift))
		return option_usage(err, "--%s: \"%s\" is no size; write 16G, 4096M or bytes", option, text);
	*out = (uint64_t)n << shift;
	return 0;
}

static int parse_number(const char *text, const char *option, long least, long most, int *out, struct cf_error *err)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (end == text || *end || errno || n < least || n > most)
		return option_usage(err, "--%s: \"%s\" is no number from %ld to %ld", option, text, least, most);
	*out = (int)n;
	return 0;
}

static int set_temp_disk(const char *text, struct options *o, struct cf_error *err)
{
	struct cf_request *r = &o->req;
	char c = text[0] & ~32;
	if (strcasecmp(text, "scsi") == 0)
		r->temp_disk = CF_TEMP_SCSI;
	else if (strcasecmp(text, "nvme") == 0)
		r->temp_disk = CF_TEMP_NVME;
	else if (strcasecmp(text, "none") == 0)
		r->temp_disk = CF_TEMP_NONE;
	else if (c >= 'A' && c <= 'Z' && (!text[1] || strcmp(text + 1, ":") == 0)) {
		r->temp_disk = CF_TEMP_LETTER;
		r->temp_letter = c;
	} else
		return option_usage(err, "--temp-disk: \"%s\" is not scsi, nvme, none or a letter such as E:", text);
	return 0;
}

static int set_color(const char *text, struct options *o, struct cf_error *err)
{
	static const char *const words[] = { "never", "always", "auto" };
	static const int values[] = { 0, 1, -1 };
	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0) {
			o->color = values[i];
			return 0;
		}
	return option_usage(err, "--color: \"%s\" is not auto, always or never", text);
}

static int set_quiet(const char *text, struct options *o, struct cf_error *err)
{
	(void)text;
	(void)err;
	o->quiet = true;
	o->verbose = -1;
	return 0;
}

static int set_verbose(const char *text, struct options *o, struct cf_error *err)
{
	(void)text;
	(void)err;
	o->verbose = 1;
	return 0;
}

static int set_progress(const char *text, struct options *o, struct cf_error *err)
{
	return parse_number(text, "progress", 0, 65535, &o->progress_fd, err);
}

static int set_sector_size(const char *text, struct options *o, struct cf_error *err)
{
	int n;
	if (parse_number(text, "sector-size", 512, 4096, &n, err) < 0 || (n != 512 && n != 4096))
		return option_usage(err, "--sector-size: \"%s\" is not 512 or 4096", text);
	o->req.sector_size = (unsigned)n;
	return 0;
}

static int set_windows(const char *text, struct options *o, struct cf_error *err)
{
	return parse_number(text, "windows", 1, 99, &o->req.windows, err);
}

static int set_expand(const char *text, struct options *o, struct cf_error *err)
{
	o->req.expand = 1;
	return text ? parse_size(text, "expand", &o->req.expand_size, err) : 0;
}

/* Of the disk, or of a dump file: two commands have an option of this name. */
static int set_size(const char *text, struct options *o, struct cf_error *err)
{
	return parse_size(text, "size", o->req.command == CF_EXPAND ? &o->req.expand_size : &o->req.dedicated_size, err);
}

static int set_top(const char *text, struct options *o, struct cf_error *err)
{
	int n = 0;
	if (parse_number(text, "top", 1, 1000, &n, err) < 0)
		return -1;
	o->req.top = (unsigned)n;
	return 0;
}

static int set_keep_days(const char *text, struct options *o, struct cf_error *err)
{
	o->req.keep_days_given = 1;
	return parse_number(text, "keep-days", 0, 36500, &o->req.keep_days, err);
}

static int set_max_pieces(const char *text, struct options *o, struct cf_error *err)
{
	int n = 0;
	if (parse_number(text, "max-pieces", 1, 1000000000, &n, err) < 0)
		return -1;
	o->req.max_pieces = (uint64_t)n;
	return 0;
}

/* What the type of the field says of its option; a list of this kind takes ID,ID. */
#define HOW(field)                                                                                                       \
	_Generic(((struct options *)0)->field, bool: SET_TRUE, int: SET_ONE, const char *: SET_TEXT, uint64_t: SET_SIZE, \
		 char **: ADD_IDS)
#define FIELD(name, letter, groups, field) { name, groups, HOW(field), offsetof(struct options, field), letter, NULL }
#define LIST(name, groups, field) { name, groups, ADD_TEXT, offsetof(struct options, field), 0, NULL }
#define CALLS(name, letter, groups, how, set) { name, groups, how, 0, letter, set }

static const struct option_row rows[] = {
	FIELD("json", 0, OPT_COMMON, json),
	CALLS("quiet", 'q', OPT_COMMON, CALL, set_quiet),
	CALLS("verbose", 'v', OPT_COMMON, CALL, set_verbose),
	CALLS("color", 0, OPT_COMMON, CALL_WITH, set_color),
	CALLS("progress", 0, OPT_COMMON, CALL_WITH, set_progress),
	FIELD("help", 'h', OPT_COMMON, help),
	FIELD("version", 0, OPT_COMMON, version),
	FIELD("format", 0, OPT_DISK, req.format),
	CALLS("sector-size", 0, OPT_DISK, CALL_WITH, set_sector_size),
	FIELD("allow-backing", 0, OPT_DISK, req.allow_backing),
	FIELD("allow-checkpoints", 0, OPT_DISK, req.allow_checkpoints),
	FIELD("force-share", 0, OPT_DISK, req.force_share),
	FIELD("force-unclean", 0, OPT_DISK, req.force_unclean),
	FIELD("ram", 0, OPT_VM, req.ram),
	CALLS("temp-disk", 0, OPT_VM, CALL_WITH, set_temp_disk),
	LIST("data-disk", OPT_VM, data_disks),
	CALLS("windows", 0, OPT_VM | OPT_CLEAN, CALL_WITH, set_windows),
	FIELD("only", 0, OPT_REPAIR, only),
	FIELD("skip", 0, OPT_REPAIR, skip),
	FIELD("with", 0, OPT_REPAIR, with),
	FIELD("prepare", 0, OPT_REPAIR, req.prepare),
	FIELD("symptom", 0, OPT_REPAIR, req.symptom),
	FIELD("output", 0, OPT_REPAIR | OPT_EXPAND, req.output),
	FIELD("backup-dir", 0, OPT_BACKUP, req.backup_dir),
	FIELD("no-backup", 0, OPT_BACKUP, req.no_backup),
	FIELD("expect-computer", 0, OPT_BACKUP | OPT_EXPAND, req.expect_computer),
	FIELD("dump-file", 0, OPT_REPAIR | OPT_CONFIGURE, req.dump_file),
	FIELD("dedicated-dump-file", 0, OPT_REPAIR, req.dedicated_dump_file),
	FIELD("discard-dump", 0, OPT_REPAIR, req.discard_dump),
	FIELD("recovery-key-at-hand", 0, OPT_REPAIR | OPT_EXPAND, req.recovery_key_at_hand),
	FIELD("accept-shadow-copy-loss", 0, OPT_SHADOW, req.accept_shadow_copy_loss),
	CALLS("expand", 0, OPT_REPAIR, CALL_MAYBE, set_expand),
	FIELD("dry-run", 0, OPT_WRITE, req.dry_run),
	FIELD("yes", 0, OPT_WRITE, yes),
	FIELD("undo-file", 0, OPT_WRITE, req.undo_file),
	FIELD("no-undo", 0, OPT_WRITE, req.no_undo),
	FIELD("force", 0, OPT_UNDO, req.force),
	FIELD("recursive", 'R', OPT_LIST, req.recursive),
	FIELD("to", 0, OPT_TO, req.to),
	FIELD("analyze", 0, OPT_DEFRAG, req.analyze),
	FIELD("consolidate-only", 0, OPT_DEFRAG, req.consolidate_only),
	FIELD("boot-files-only", 0, OPT_DEFRAG, req.boot_files_only),
	FIELD("max-bytes", 0, OPT_DEFRAG, req.max_bytes),
	LIST("file", OPT_DEFRAG, files),
	FIELD("archive", 0, OPT_ARCHIVE, req.archive),
	FIELD("type", 0, OPT_CONFIGURE, req.dump_type),
	FIELD("dedicated-file", 0, OPT_CONFIGURE, req.dedicated_dump_file),
	CALLS("size", 0, OPT_CONFIGURE | OPT_EXPAND, CALL_WITH, set_size),
	FIELD("nmi", 0, OPT_CONFIGURE, req.nmi),
	CALLS("top", 0, OPT_TOP, CALL_WITH, set_top),
	FIELD("class", 0, OPT_CLEAN, classes),
	CALLS("keep-days", 0, OPT_CLEAN, CALL_WITH, set_keep_days),
	FIELD("min-free", 0, OPT_LIMITS, req.min_free),
	FIELD("min-extent", 0, OPT_LIMITS, req.min_extent),
	CALLS("max-pieces", 0, OPT_LIMITS, CALL_WITH, set_max_pieces),
	FIELD("zstd", 0, OPT_PACK, req.zstd),
	FIELD("split", 0, OPT_PACK, req.split),
	FIELD("by", 0, OPT_EXPAND, req.expand_by),
	FIELD("max", 0, OPT_EXPAND, req.expand_max),
	FIELD("drop-recovery", 0, OPT_EXPAND, req.drop_recovery),
};
#define N_ROWS (sizeof rows / sizeof rows[0])
#define NO_LETTER 256 /* getopt's value of a row without a letter: this and its place */

const struct option *option_getopt_rows(void)
{
	static struct option all[N_ROWS + 1];
	for (size_t i = 0; i < N_ROWS; i++) {
		enum option_how how = rows[i].how;
		all[i].name = rows[i].name;
		all[i].has_arg = how == SET_TRUE || how == SET_ONE || how == CALL ? no_argument : how == CALL_MAYBE ? optional_argument : required_argument;
		all[i].val = rows[i].letter ? rows[i].letter : NO_LETTER + (int)i;
	}
	return all;
}

const struct option_row *option_find(int opt)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (opt == (rows[i].letter ? rows[i].letter : NO_LETTER + (int)i))
			return &rows[i];
	return NULL;
}

int option_set(const struct option_row *row, const char *text, struct options *o, struct cf_error *err)
{
	void *field = (char *)o + row->at;
	switch (row->how) {
	case SET_TRUE:
		*(bool *)field = true;
		break;
	case SET_ONE:
		*(int *)field = 1;
		break;
	case SET_TEXT:
		*(const char **)field = text;
		break;
	case SET_SIZE:
		return parse_size(text, row->name, field, err);
	case ADD_TEXT:
		return option_push(field, text, strlen(text)) < 0 ? option_no_memory(err) : 0;
	case ADD_IDS:
		return push_ids(field, text, row->name, err);
	case CALL: case CALL_WITH: case CALL_MAYBE:
		return row->set(text, o, err);
	}
	return 0;
}
