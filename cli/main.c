/* main.c - coldfix COMMAND [OPTIONS] DISK.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

bool use_color(const struct options *o, int fd)
{
	const char *no = getenv("NO_COLOR");
	if (o->color >= 0)
		return o->color;
	return isatty(fd) && !(no && *no) && !(getenv("TERM") && strcmp(getenv("TERM"), "dumb") == 0);
}

static void print_error(const struct cf_error *e, const char *disk)
{
	fprintf(stderr, "coldfix: ");
	const char *about = e->path[0] ? e->path : disk && e->code != CF_E_USAGE ? disk : NULL;
	if (about) {
		print_safe(about);
		fprintf(stderr, ": ");
	}
	print_safe(e->message);
	if (e->has_offset)
		fprintf(stderr, " (at byte %llu)", (unsigned long long)e->offset);
	fprintf(stderr, "\n");
}

static int fail_early(const struct command *c, bool json, const struct cf_error *e)
{
	int status = e->code == CF_E_USAGE ? EXIT_USAGE : EXIT_CANNOT;
	if (json) {
		char *text = cf_error_json(c ? c->name : "", e, status);
		if (text)
			fputs(text, stdout);
		free(text);
	}
	print_error(e, NULL);
	return status;
}

/* Every command that writes asks on a terminal; a script has to say --yes (or --dry-run). */
static int refuse_without_terminal(const struct command *c, const struct options *o, struct cf_error *e)
{
	if (!o->writes || o->yes || o->req.dry_run || o->req.analyze || (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)))
		return 0;
	memset(e, 0, sizeof *e);
	e->code = CF_E_USAGE;
	snprintf(e->message, sizeof e->message,
		 "there is no terminal to ask on: say --yes to %s, or --dry-run to see what it would do", c->name);
	return -1;
}

static int show(const struct options *o, const cf_result *r)
{
	const struct cf_error *e = cf_result_error(r);
	struct cf_text_style style = { use_color(o, STDOUT_FILENO), terminal_width(STDOUT_FILENO), o->verbose };
	bool bytes = o->req.command == CF_CAT;
	char *text = bytes && !o->json ? strdup("") : o->json ? cf_result_json(r) : cf_result_text(r, &style);
	if (!text) {
		fprintf(stderr, "coldfix: out of memory\n");
		return EXIT_CANNOT;
	}
	/* The object of a cat goes to standard error: standard output holds the file, or as much of it as could be read. */
	fputs(text, bytes && (!e || o->bytes_out) ? stderr : stdout);
	free(text);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "coldfix: can't write to standard output\n");
		return EXIT_CANNOT;
	}
	if (e)
		print_error(e, o->req.disk);
	return cf_result_exit_status(r);
}

int main(int argc, char **argv)
{
	const struct command *c = NULL;
	struct options o;
	struct cf_error e;
	bool json = false;
	/* Known before anything can be wrong with the options: a script gets its object also then. getopt takes --js as well. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		json |= strlen(argv[i]) > 2 && strncmp(argv[i], "--json", strlen(argv[i])) == 0;
	signal(SIGPIPE, SIG_IGN);
	int r = options_parse(argc, argv, &c, &o, &e);
	if (r == 0 && o.version) {
		printf("coldfix %s (", cf_version());
		for (const char *const *f = cf_features(); *f; f++)
			printf("%s%s", f == cf_features() ? "" : ", ", *f);
		printf(")\n");
	} else if (r == 0 && o.help) {
		if (c)
			print_command_help(c);
		else
			print_usage(stdout);
	} else if (r == 0 && !c && argc == 1) {
		print_usage(stderr);
		r = EXIT_USAGE;
	} else if (r == 0 && !c) {
		memset(&e, 0, sizeof e);
		e.code = CF_E_USAGE;
		snprintf(e.message, sizeof e.message, "the command comes first: coldfix COMMAND [OPTIONS] DISK; see coldfix --help");
		r = fail_early(c, json, &e);
	} else if (r < 0 || refuse_without_terminal(c, &o, &e) < 0) {
		r = fail_early(c, json, &e);
	} else {
		struct ui ui = { .o = &o };
		o.req.user = &ui;
		o.req.notice = ui_notice;
		o.req.progress = ui_progress;
		o.req.data = ui_data;
		o.req.sandbox = o.verbose > 0 ? 2 : 1;
		/* The list of a clean-up is shown to people in any case before the first file goes; ui_confirm asks nobody after --yes. */
		if (!o.yes || (c->id == CF_CLEANUP && !o.json))
			o.req.confirm = ui_confirm;
		if (c->id == CF_DEFRAG)
			ui_stop_between_steps();
		cf_result *result = cf_run(&o.req);
		ui_end(&ui);
		if (!result)
			fprintf(stderr, "coldfix: out of memory\n");
		r = result ? show(&o, result) : EXIT_CANNOT;
		cf_result_free(result);
	}
	options_free(&o);
	return r;
}
