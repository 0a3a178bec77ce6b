/* options.h - an option is a declared row: its name, the commands that take it, and where its value goes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_CLI_OPTIONS_H
#define CF_CLI_OPTIONS_H

#include <getopt.h>
#include <stdint.h>

#include "cli.h"

enum option_how {
	SET_TRUE, SET_ONE,             /* no value: a bool, an int */
	SET_TEXT, SET_SIZE,            /* a const char *, bytes in a uint64_t */
	ADD_TEXT, ADD_IDS,             /* a list: each time one more, each time ID,ID */
	CALL, CALL_WITH, CALL_MAYBE,   /* set() without a value, with one, with one or NULL */
};

struct option_row {
	const char *name;
	unsigned groups;               /* of enum option_group: which commands take it */
	enum option_how how;
	size_t at;                     /* of the field in struct options */
	char letter;                   /* its short form, or 0 */
	int (*set)(const char *text, struct options *o, struct cf_error *err);
};

/* All rows as getopt_long wants them; and the row of what it gave back. */
const struct option *option_getopt_rows(void);
const struct option_row *option_find(int opt);

/* Sets what the option says. text: its value, or NULL. 0, or -1 with a sentence in err. */
int option_set(const struct option_row *row, const char *text, struct options *o, struct cf_error *err);

/* Both give -1. */
int option_usage(struct cf_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int option_no_memory(struct cf_error *err);

/* Appends a copy of len bytes to a NULL-terminated array; -1: no memory. */
int option_push(char ***list, const char *text, size_t len);

#endif
