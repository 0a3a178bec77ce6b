/* result.h - what a command found and did, as one record that report/ renders as text and as JSON.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The record is the contract's JSON object itself (jansson), so that text for people can only say what JSON says too.
 */
#ifndef CF_JOB_RESULT_H
#define CF_JOB_RESULT_H

#include <jansson.h>

#include "base/error.h"

struct cf_result {
	enum cf_command command;
	int exit_status;
	struct cf_error error; /* code CF_OK: none */
	json_t *doc;           /* object; without "coldfix", "command", "exit_status", "error": report adds those */
	bool plan;             /* a plan shown for confirmation, not an outcome */
	bool dry_run;
	const char *disk;      /* the path as it was given, borrowed from the request: also where it is no UTF-8 */
};

const char *cf_command_name(enum cf_command c);

#endif
