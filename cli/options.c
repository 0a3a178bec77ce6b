/* options.c - reading the command line.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "options.h"

/* bcdedit's and reg.exe's own switches among the words behind DISK; what is left moves up. */
static int take_switches(struct options *o, struct cf_error *err)
{
	bool reg = o->req.command == CF_REG, bcd = o->req.command == CF_BCD;
	size_t n = 0;
	for (size_t i = 0; o->args && o->args[i]; i++) {
		char *a = o->args[i];
		if (reg && strcasecmp(a, "/v") == 0) {
			if (!o->args[i + 1])
				return option_usage(err, "reg query /v needs the name of a value");
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
			return o->help ? 0 : option_usage(err, "coldfix %s needs a disk; see coldfix %s --help", (*command)->name, (*command)->name);
		o->req.disk = argv[optind++];
	}
	for (; optind < argc; optind++)
		if (option_push(&o->args, argv[optind], strlen(argv[optind])) < 0)
			return option_no_memory(err);
	size_t n = 0;
	while (o->args && o->args[n])
		n++;
	if (!n && !o->help && *command && (*command)->id == CF_SYMPTOM)
		return option_usage(err, "coldfix symptom needs a file: a screenshot or the log of a serial console");
	size_t most = !*command ? 0
		      : (*command)->id == CF_UNDO || (*command)->id == CF_DEFRAG ? 1
		      : (*command)->id == CF_EXPLAIN ? 2
		      : (*command)->id == CF_INFO || (*command)->id == CF_DIAGNOSE || (*command)->id == CF_REPAIR ||
					(*command)->id == CF_COLLECT || (*command)->id == CF_SPACE || (*command)->id == CF_CLEANUP ||
					(*command)->id == CF_EXPAND ? 0 : SIZE_MAX;
	if (n > most)
		return option_usage(err, "\"%s\" is one word too many; see coldfix %s --help", o->args[most], (*command)->name);
	return take_switches(o, err);
}

/* A verb that takes only some options must have been given no others; whether this is going to write. */
static int check_verb(const struct command *c, struct options *o, const struct option_row *const *given, size_t n_given, struct cf_error *err)
{
	o->writes = c && c->groups & OPT_WRITE;
	for (size_t i = 0; c && i < n_verbs; i++)
		o->writes &= verbs[i].id != c->id;
	for (size_t i = 0; c && i < n_verbs; i++) {
		if (verbs[i].id != c->id || !o->args || !o->args[0] || strcmp(o->args[0], verbs[i].name) != 0)
			continue;
		o->writes = verbs[i].groups & OPT_WRITE;
		for (size_t k = 0; k < n_given; k++)
			if (!(given[k]->groups & verbs[i].groups))
				return option_usage(err, "coldfix %s %s takes no --%s", c->name, verbs[i].name, given[k]->name);
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
			return option_usage(err, "there is no command \"%s\"; coldfix --help lists them", argv[1]);
		o->req.command = (*command)->id;
		argc--;
		argv++;
	}
	const struct option_row *given[64];
	size_t n_given = 0;
	opterr = 0;
	optind = 1;
	for (int opt; (opt = getopt_long(argc, argv, ":qvRh", option_getopt_rows(), NULL)) != -1;) {
		if (opt == ':')
			return option_usage(err, "option %s needs a value", argv[optind - 1]);
		const struct option_row *row = option_find(opt);
		if (!row)
			return option_usage(err, "there is no option %s; see coldfix %s --help", argv[optind - 1], *command ? (*command)->name : "");
		if (n_given < sizeof given / sizeof given[0])
			given[n_given++] = row;
		if (row->groups != OPT_COMMON && !(*command && (*command)->groups & row->groups))
			return option_usage(err, "coldfix %s takes no --%s", *command ? (*command)->name : "", row->name);
		if (option_set(row, optarg, o, err) < 0)
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
