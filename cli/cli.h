/* cli.h - the command line: a thin client of coldfix.h.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_CLI_H
#define CF_CLI_H

#include <coldfix.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum exit_status { EXIT_RIGHT = 0, EXIT_LEFT = 4, EXIT_CANNOT = 8, EXIT_USAGE = 16 };

/* Which group of options a command takes. */
enum option_group {
	OPT_COMMON = 1,  /* --json, --quiet, --color, … */
	OPT_DISK = 2,    /* --format, --sector-size, … */
	OPT_VM = 4,      /* --ram, --temp-disk, --data-disk, --windows */
	OPT_REPAIR = 8,  /* --only, --skip, … */
	OPT_WRITE = 16,  /* --dry-run, --yes, --undo-file, … */
	OPT_UNDO = 32,   /* --force */
	OPT_LIST = 64,   /* -R */
	OPT_TO = 128,    /* --to */
	OPT_ARCHIVE = 256, /* --archive */
	OPT_BACKUP = 512,  /* --backup-dir, --no-backup, --expect-computer */
	OPT_PACK = 32768,  /* dump collect: --zstd, --split */
	OPT_CONFIGURE = 1024, /* dump configure: --type, --dedicated-file, … */
	OPT_TOP = 2048,  /* --top */
	OPT_DEFRAG = 1 << 20, /* --analyze, --file, … */
	OPT_SHADOW = 4096, /* --accept-shadow-copy-loss */
	OPT_CLEAN = 8192, /* --class, --keep-days */
	OPT_LIMITS = 16384, /* --min-free, --min-extent, --max-pieces */
	OPT_EXPAND = 65536, /* --size, --by, … */
};

struct command {
	const char *name;
	enum cf_command id;
	unsigned groups;
	int needs_disk;
	const char *synopsis; /* behind the command's name */
	const char *summary;  /* one line */
	const char *help;     /* what it does, for --help */
};

/* A command's verb that takes only some of its options. A command without rows here takes all of them with every verb. */
struct verb {
	enum cf_command id;
	const char *name;
	unsigned groups;
};
extern const struct verb verbs[];
extern const size_t n_verbs;

extern const struct command commands[];
extern const size_t n_commands;
const struct command *find_command(const char *name);

struct options {
	struct cf_request req;
	bool writes;     /* the command, with this verb, writes to the disk */
	bool bytes_out;  /* content of a file went to standard output */
	bool json, yes, quiet, help, version;
	int verbose;
	int color;       /* -1 auto, 0 never, 1 always */
	int progress_fd; /* -1: none */
	char **only, **skip, **with, **files, **data_disks, **classes;
	char **args;     /* what follows DISK */
	char *value_name;
	char *command_line; /* for collect: what was typed */
};

/* Parses argv; 0, or -1 with a sentence in err. Free with options_free in both cases. */
int options_parse(int argc, char **argv, const struct command **command, struct options *o, struct cf_error *err);
void options_free(struct options *o);

void print_usage(FILE *out);
void print_command_help(const struct command *c);

/* Colour and width for a stream. */
bool use_color(const struct options *o, int fd);
int terminal_width(int fd);

/* Text on standard error without characters that a terminal obeys: file names and messages may quote what stands on a disk. */
void print_safe(const char *text);

/* Callbacks. */
struct ui {
	struct options *o;
	bool bar_shown;
	long last_ms;
	long begun_ms;         /* when this kind of progress was first told */
	uint64_t begun_done;
	char what[40];
};
int ui_confirm(void *user, const cf_result *plan);
void ui_notice(void *user, const char *line);
int ui_progress(void *user, const char *what, uint64_t done, uint64_t total);
/* From now on the first Ctrl-C makes ui_progress say stop, where that is safe; for work in steps. */
void ui_stop_between_steps(void);
int ui_data(void *user, const void *bytes, size_t n);
void ui_end(struct ui *ui);

#endif
