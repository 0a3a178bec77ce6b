/* options.c - reading the command line.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

enum {
	O_JSON = 256, O_COLOR, O_PROGRESS, O_HELP, O_VERSION,
	O_FORMAT, O_SECTOR, O_BACKING, O_CHECKPOINTS, O_SHARE, O_UNCLEAN,
	O_RAM, O_TEMP, O_DATA, O_WINDOWS,
	O_ONLY, O_SYMPTOM, O_SKIP, O_WITH, O_PREPARE, O_OUTPUT, O_BACKUP, O_NO_BACKUP, O_EXPECT, O_DUMP_FILE, O_DEDICATED, O_DISCARD, O_KEY, O_SHADOW, O_EXPAND,
	O_DRY, O_YES, O_UNDO_FILE, O_NO_UNDO, O_FORCE, O_TO, O_ARCHIVE,
	O_TYPE, O_DEDICATED_FILE, O_SIZE, O_NMI, O_TOP,
	O_ANALYZE, O_CONSOLIDATE, O_BOOT_FILES, O_MAX_BYTES, O_FILE,
	O_CLASS, O_KEEP_DAYS, O_MIN_FREE,
	O_ZSTD, O_SPLIT,
	O_BY, O_MAX, O_DROP
};

static const struct option longopts[] = {
	{ "json", no_argument, NULL, O_JSON },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "color", required_argument, NULL, O_COLOR },
	{ "progress", required_argument, NULL, O_PROGRESS },
	{ "help", no_argument, NULL, O_HELP },
	{ "version", no_argument, NULL, O_VERSION },
	{ "format", required_argument, NULL, O_FORMAT },
	{ "sector-size", required_argument, NULL, O_SECTOR },
	{ "allow-backing", no_argument, NULL, O_BACKING },
	{ "allow-checkpoints", no_argument, NULL, O_CHECKPOINTS },
	{ "force-share", no_argument, NULL, O_SHARE },
	{ "force-unclean", no_argument, NULL, O_UNCLEAN },
	{ "ram", required_argument, NULL, O_RAM },
	{ "temp-disk", required_argument, NULL, O_TEMP },
	{ "data-disk", required_argument, NULL, O_DATA },
	{ "windows", required_argument, NULL, O_WINDOWS },
	{ "only", required_argument, NULL, O_ONLY },
	{ "skip", required_argument, NULL, O_SKIP },
	{ "with", required_argument, NULL, O_WITH },
	{ "prepare", no_argument, NULL, O_PREPARE },
	{ "symptom", required_argument, NULL, O_SYMPTOM },
	{ "output", required_argument, NULL, O_OUTPUT },
	{ "backup-dir", required_argument, NULL, O_BACKUP },
	{ "no-backup", no_argument, NULL, O_NO_BACKUP },
	{ "expect-computer", required_argument, NULL, O_EXPECT },
	{ "dump-file", required_argument, NULL, O_DUMP_FILE },
	{ "dedicated-dump-file", required_argument, NULL, O_DEDICATED },
	{ "discard-dump", no_argument, NULL, O_DISCARD },
	{ "recovery-key-at-hand", no_argument, NULL, O_KEY },
	{ "accept-shadow-copy-loss", no_argument, NULL, O_SHADOW },
	{ "expand", optional_argument, NULL, O_EXPAND },
	{ "dry-run", no_argument, NULL, O_DRY },
	{ "yes", no_argument, NULL, O_YES },
	{ "undo-file", required_argument, NULL, O_UNDO_FILE },
	{ "no-undo", no_argument, NULL, O_NO_UNDO },
	{ "force", no_argument, NULL, O_FORCE },
	{ "recursive", no_argument, NULL, 'R' },
	{ "to", required_argument, NULL, O_TO },
	{ "analyze", no_argument, NULL, O_ANALYZE },
	{ "consolidate-only", no_argument, NULL, O_CONSOLIDATE },
	{ "boot-files-only", no_argument, NULL, O_BOOT_FILES },
	{ "max-bytes", required_argument, NULL, O_MAX_BYTES },
	{ "file", required_argument, NULL, O_FILE },
	{ "archive", no_argument, NULL, O_ARCHIVE },
	{ "type", required_argument, NULL, O_TYPE },
	{ "dedicated-file", required_argument, NULL, O_DEDICATED_FILE },
	{ "size", required_argument, NULL, O_SIZE },
	{ "nmi", no_argument, NULL, O_NMI },
	{ "top", required_argument, NULL, O_TOP },
	{ "class", required_argument, NULL, O_CLASS },
	{ "keep-days", required_argument, NULL, O_KEEP_DAYS },
	{ "min-free", required_argument, NULL, O_MIN_FREE },
	{ "zstd", no_argument, NULL, O_ZSTD },
	{ "split", required_argument, NULL, O_SPLIT },
	{ "by", required_argument, NULL, O_BY },
	{ "max", no_argument, NULL, O_MAX },
	{ "drop-recovery", no_argument, NULL, O_DROP },
	{ NULL, 0, NULL, 0 },
};

/* The groups that have this option. */
static unsigned group_of(int opt)
{
	switch (opt) {
	case O_FORMAT: case O_SECTOR: case O_BACKING: case O_CHECKPOINTS: case O_SHARE: case O_UNCLEAN:
		return OPT_DISK;
	case O_RAM: case O_TEMP: case O_DATA:
		return OPT_VM;
	case O_WINDOWS:
		return OPT_VM | OPT_CLEAN;
	case O_BACKUP: case O_NO_BACKUP:
		return OPT_BACKUP;
	case O_ZSTD: case O_SPLIT:
		return OPT_PACK;
	case O_EXPECT:
		return OPT_BACKUP | OPT_EXPAND;
	case O_DUMP_FILE:
		return OPT_REPAIR | OPT_CONFIGURE;
	case O_TYPE: case O_DEDICATED_FILE: case O_NMI:
		return OPT_CONFIGURE;
	case O_SIZE:
		return OPT_CONFIGURE | OPT_EXPAND;
	case O_ONLY: case O_SYMPTOM: case O_SKIP: case O_WITH: case O_PREPARE: case O_DEDICATED: case O_DISCARD: case O_EXPAND:
		return OPT_REPAIR;
	case O_OUTPUT: case O_KEY:
		return OPT_REPAIR | OPT_EXPAND;
	case O_BY: case O_MAX: case O_DROP:
		return OPT_EXPAND;
	case O_SHADOW:
		return OPT_SHADOW;
	case O_CLASS: case O_KEEP_DAYS:
		return OPT_CLEAN;
	case O_MIN_FREE:
		return OPT_LIMITS;
	case O_DRY: case O_YES: case O_UNDO_FILE: case O_NO_UNDO:
		return OPT_WRITE;
	case O_FORCE:
		return OPT_UNDO;
	case 'R':
		return OPT_LIST;
	case O_ANALYZE: case O_CONSOLIDATE: case O_BOOT_FILES: case O_MAX_BYTES: case O_FILE:
		return OPT_DEFRAG;
	case O_TO:
		return OPT_TO;
	case O_ARCHIVE:
		return OPT_ARCHIVE;
	case O_TOP:
		return OPT_TOP;
	default:
		return OPT_COMMON;
	}
}

static const char *option_name(int opt)
{
	for (const struct option *o = longopts; o->name; o++)
		if (o->val == opt)
			return o->name;
	return "";
}

__attribute__((format(printf, 2, 3)))
static int usage(struct cf_error *err, const char *fmt, ...)
{
	va_list ap;
	memset(err, 0, sizeof *err);
	err->code = CF_E_USAGE;
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	va_end(ap);
	return -1;
}

static int no_memory(struct cf_error *err)
{
	usage(err, "out of memory");
	err->code = CF_E_NO_MEMORY;
	return -1;
}

/* Appends to a NULL-terminated array of copies. */
static int push(char ***list, const char *text, size_t len)
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
			return usage(err, "--%s: \"%s\" has an empty place; write ID,ID", option, text);
		if (push(list, p, n) < 0)
			return no_memory(err);
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
		return usage(err, "--%s: \"%s\" is no size; write 16G, 4096M or bytes", option, text);
	*out = (uint64_t)n << shift;
	return 0;
}

static int parse_number(const char *text, const char *option, long least, long most, int *out, struct cf_error *err)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (end == text || *end || errno || n < least || n > most)
		return usage(err, "--%s: \"%s\" is no number from %ld to %ld", option, text, least, most);
	*out = (int)n;
	return 0;
}

static int parse_temp_disk(const char *text, struct cf_request *r, struct cf_error *err)
{
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
		return usage(err, "--temp-disk: \"%s\" is not scsi, nvme, none or a letter such as E:", text);
	return 0;
}

static int parse_color(const char *text, struct options *o, struct cf_error *err)
{
	static const char *const words[] = { "never", "always", "auto" };
	static const int values[] = { 0, 1, -1 };
	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0) {
			o->color = values[i];
			return 0;
		}
	return usage(err, "--color: \"%s\" is not auto, always or never", text);
}

static int set_common(int opt, struct options *o, struct cf_error *err)
{
	switch (opt) {
	case O_JSON:
		o->json = true;
		break;
	case 'q':
		o->quiet = true;
		o->verbose = -1;
		break;
	case 'v':
		o->verbose = 1;
		break;
	case O_COLOR:
		return parse_color(optarg, o, err);
	case O_PROGRESS:
		return parse_number(optarg, "progress", 0, 65535, &o->progress_fd, err);
	case O_HELP:
		o->help = true;
		break;
	case O_VERSION:
		o->version = true;
		break;
	}
	return 0;
}

static int set_disk(int opt, struct cf_request *r, struct cf_error *err)
{
	int n;
	switch (opt) {
	case O_FORMAT:
		r->format = optarg;
		break;
	case O_SECTOR:
		if (parse_number(optarg, "sector-size", 512, 4096, &n, err) < 0 || (n != 512 && n != 4096))
			return usage(err, "--sector-size: \"%s\" is not 512 or 4096", optarg);
		r->sector_size = (unsigned)n;
		break;
	case O_BACKING:
		r->allow_backing = 1;
		break;
	case O_CHECKPOINTS:
		r->allow_checkpoints = 1;
		break;
	case O_SHARE:
		r->force_share = 1;
		break;
	case O_UNCLEAN:
		r->force_unclean = 1;
		break;
	}
	return 0;
}

static int set_repair(int opt, struct options *o, struct cf_error *err)
{
	struct cf_request *r = &o->req;
	switch (opt) {
	case O_RAM:
		return parse_size(optarg, "ram", &r->ram, err);
	case O_TEMP:
		return parse_temp_disk(optarg, r, err);
	case O_DATA:
		return push(&o->data_disks, optarg, strlen(optarg)) < 0 ? no_memory(err) : 0;
	case O_WINDOWS:
		return parse_number(optarg, "windows", 1, 99, &r->windows, err);
	case O_ONLY:
		return push_ids(&o->only, optarg, "only", err);
	case O_SYMPTOM:
		r->symptom = optarg;
		break;
	case O_SKIP:
		return push_ids(&o->skip, optarg, "skip", err);
	case O_WITH:
		return push_ids(&o->with, optarg, "with", err);
	case O_PREPARE:
		r->prepare = 1;
		break;
	case O_OUTPUT:
		r->output = optarg;
		break;
	case O_BACKUP:
		r->backup_dir = optarg;
		break;
	case O_NO_BACKUP:
		r->no_backup = 1;
		break;
	case O_EXPECT:
		r->expect_computer = optarg;
		break;
	case O_DUMP_FILE:
		r->dump_file = optarg;
		break;
	case O_DEDICATED:
	case O_DEDICATED_FILE:
		r->dedicated_dump_file = optarg;
		break;
	case O_TYPE:
		r->dump_type = optarg;
		break;
	case O_SIZE:
		return parse_size(optarg, "size", r->command == CF_EXPAND ? &r->expand_size : &r->dedicated_size, err);
	case O_NMI:
		r->nmi = 1;
		break;
	case O_ZSTD:
		r->zstd = 1;
		break;
	case O_SPLIT:
		return parse_size(optarg, "split", &r->split, err);
	case O_DISCARD:
		r->discard_dump = 1;
		break;
	case O_KEY:
		r->recovery_key_at_hand = 1;
		break;
	case O_EXPAND:
		r->expand = 1;
		return optarg ? parse_size(optarg, "expand", &r->expand_size, err) : 0;
	case O_BY:
		return parse_size(optarg, "by", &r->expand_by, err);
	case O_MAX:
		r->expand_max = 1;
		break;
	case O_DROP:
		r->drop_recovery = 1;
		break;
	case O_SHADOW:
		r->accept_shadow_copy_loss = 1;
		break;
	case O_DRY:
		r->dry_run = 1;
		break;
	case O_YES:
		o->yes = true;
		break;
	case O_UNDO_FILE:
		r->undo_file = optarg;
		break;
	case O_NO_UNDO:
		r->no_undo = 1;
		break;
	case O_FORCE:
		r->force = 1;
		break;
	case 'R':
		r->recursive = 1;
		break;
	case O_TO:
		r->to = optarg;
		break;
	case O_ANALYZE:
		r->analyze = 1;
		break;
	case O_CONSOLIDATE:
		r->consolidate_only = 1;
		break;
	case O_BOOT_FILES:
		r->boot_files_only = 1;
		break;
	case O_MAX_BYTES:
		return parse_size(optarg, "max-bytes", &r->max_bytes, err);
	case O_FILE:
		return push(&o->files, optarg, strlen(optarg)) < 0 ? no_memory(err) : 0;
	case O_ARCHIVE:
		r->archive = 1;
		break;
	case O_TOP: {
		int n = 0;
		if (parse_number(optarg, "top", 1, 1000, &n, err) < 0)
			return -1;
		r->top = (unsigned)n;
		break;
	}
	case O_CLASS:
		return push_ids(&o->classes, optarg, "class", err);
	case O_KEEP_DAYS:
		r->keep_days_given = 1;
		return parse_number(optarg, "keep-days", 0, 36500, &r->keep_days, err);
	case O_MIN_FREE:
		return parse_size(optarg, "min-free", &r->min_free, err);
	}
	return 0;
}

/* bcdedit's and reg.exe's own switches among the words behind DISK; what is left moves up. */
static int take_switches(struct options *o, struct cf_error *err)
{
	bool reg = o->req.command == CF_REG, bcd = o->req.command == CF_BCD;
	size_t n = 0;
	for (size_t i = 0; o->args && o->args[i]; i++) {
		char *a = o->args[i];
		if (reg && strcasecmp(a, "/v") == 0) {
			if (!o->args[i + 1])
				return usage(err, "reg query /v needs the name of a value");
			free(o->value_name);
			o->req.value_name = o->value_name = o->args[++i];
		} else if (reg && strcasecmp(a, "/ve") == 0) {
			o->req.value_name = "";
		} else if (reg && strcasecmp(a, "/s") == 0) {
			o->req.recursive = 1;
		} else if (bcd && strcasecmp(a, "/v") == 0) {
			o->req.all = 1;
		} else {
			o->args[n++] = a;
			continue;
		}
		free(a);
	}
	if (o->args)
		o->args[n] = NULL;
	return 0;
}

static int positionals(int argc, char **argv, const struct command **command, struct options *o, struct cf_error *err)
{
	if (optind < argc && !*command)
		return 0;
	if (*command && (*command)->needs_disk) {
		if (optind >= argc)
			return o->help ? 0 : usage(err, "coldfix %s needs a disk; see coldfix %s --help", (*command)->name, (*command)->name);
		o->req.disk = argv[optind++];
	}
	for (; optind < argc; optind++)
		if (push(&o->args, argv[optind], strlen(argv[optind])) < 0)
			return no_memory(err);
	size_t n = 0;
	while (o->args && o->args[n])
		n++;
	if (!n && !o->help && *command && (*command)->id == CF_SYMPTOM)
		return usage(err, "coldfix symptom needs a file: a screenshot or the log of a serial console");
	size_t most = !*command ? 0
		      : (*command)->id == CF_UNDO || (*command)->id == CF_DEFRAG ? 1
		      : (*command)->id == CF_EXPLAIN ? 2
		      : (*command)->id == CF_INFO || (*command)->id == CF_DIAGNOSE || (*command)->id == CF_REPAIR ||
					(*command)->id == CF_COLLECT || (*command)->id == CF_SPACE || (*command)->id == CF_CLEANUP ||
					(*command)->id == CF_EXPAND ? 0 : SIZE_MAX;
	if (n > most)
		return usage(err, "\"%s\" is one word too many; see coldfix %s --help", o->args[most], (*command)->name);
	return take_switches(o, err);
}

/* A verb that takes only some options must have been given no others; whether this is going to write. */
static int check_verb(const struct command *c, struct options *o, const int *given, size_t n_given, struct cf_error *err)
{
	o->writes = c && c->groups & OPT_WRITE;
	for (size_t i = 0; c && i < n_verbs; i++)
		o->writes &= verbs[i].id != c->id;
	for (size_t i = 0; c && i < n_verbs; i++) {
		if (verbs[i].id != c->id || !o->args || !o->args[0] || strcmp(o->args[0], verbs[i].name) != 0)
			continue;
		o->writes = verbs[i].groups & OPT_WRITE;
		for (size_t k = 0; k < n_given; k++)
			if (!(group_of(given[k]) & verbs[i].groups))
				return usage(err, "coldfix %s %s takes no --%s", c->name, verbs[i].name, option_name(given[k]));
	}
	return 0;
}

/* What was typed, as a shell would take it again. */
static char *typed(int argc, char **argv)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:+=@%,-";
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fputs("coldfix", out);
	for (int i = 1; i < argc; i++) {
		bool plain = *argv[i] && strspn(argv[i], safe) == strlen(argv[i]);
		fputs(plain ? " " : " '", out);
		for (const char *p = argv[i]; *p; p++)
			fputs(*p == '\'' ? "'\\''" : (char[]){ *p, 0 }, out);
		fputs(plain ? "" : "'", out);
	}
	return fclose(out) == 0 ? text : (free(text), NULL);
}

int options_parse(int argc, char **argv, const struct command **command, struct options *o, struct cf_error *err)
{
	*o = (struct options){ .color = -1, .progress_fd = -1 };
	*command = NULL;
	o->command_line = typed(argc, argv);
	o->req.command_line = o->command_line;
	if (argc > 1 && argv[1][0] != '-') {
		*command = find_command(argv[1]);
		if (!*command)
			return usage(err, "there is no command \"%s\"; coldfix --help lists them", argv[1]);
		o->req.command = (*command)->id;
		argc--;
		argv++;
	}
	int given[64];
	size_t n_given = 0;
	opterr = 0;
	optind = 1;
	for (int opt; (opt = getopt_long(argc, argv, ":qvRh", longopts, NULL)) != -1;) {
		if (opt == 'h')
			opt = O_HELP;
		if (opt == ':')
			return usage(err, "option %s needs a value", argv[optind - 1]);
		if (opt == '?')
			return usage(err, "there is no option %s; see coldfix %s --help", argv[optind - 1], *command ? (*command)->name : "");
		unsigned group = group_of(opt);
		if (n_given < sizeof given / sizeof given[0])
			given[n_given++] = opt;
		if (group != OPT_COMMON && !(*command && (*command)->groups & group))
			return usage(err, "coldfix %s takes no --%s", *command ? (*command)->name : "", option_name(opt));
		int r = group == OPT_COMMON ? set_common(opt, o, err) : group == OPT_DISK ? set_disk(opt, &o->req, err)
											    : set_repair(opt, o, err);
		if (r < 0)
			return -1;
	}
	if (positionals(argc, argv, command, o, err) < 0 || check_verb(*command, o, given, n_given, err) < 0)
		return -1;
	o->req.args = (const char *const *)o->args;
	o->req.only = (const char *const *)o->only;
	o->req.skip = (const char *const *)o->skip;
	o->req.with = (const char *const *)o->with;
	o->req.classes = (const char *const *)o->classes;
	o->req.data_disks = (const char *const *)o->data_disks;
	o->req.files = (const char *const *)o->files;
	return 0;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

void options_free(struct options *o)
{
	free_list(o->only);
	free_list(o->skip);
	free_list(o->with);
	free_list(o->classes);
	free_list(o->data_disks);
	free_list(o->files);
	free_list(o->args);
	free(o->value_name);
	free(o->command_line);
}
