/* watch.h - runs a program and sees each change that it makes to files, before the kernel makes it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The kernel's seccomp notifications stop the program, and all that it starts, at every system call that changes a file;
 * nothing in the program knows. Single threads give the same order each time.
 */
#ifndef TESTS_CRASH_WATCH_H
#define TESTS_CRASH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum watch_kind {
	W_CREATE, W_WRITE, W_ALLOCATE, W_TRUNCATE, W_SYNC, W_RENAME, W_UNLINK, W_MAKE_FOLDER, W_REMOVE_FOLDER
};

struct watch_event {
	enum watch_kind kind;
	char *path, *to;   /* absolute; to: of a rename */
	uint64_t off;      /* of a write; the size that an allocation or truncation asks for */
	uint8_t *data;     /* of a write */
	size_t len;
	bool folder;       /* a sync of a folder */
};

struct watch_trace {
	struct watch_event *e;
	size_t n, cap;
};

#define WATCH_NEVER SIZE_MAX

struct watch_plan {
	const char *const *argv; /* argv[0]: full path */
	const char *folder;      /* only it and what lies beneath it count */
	size_t die_at;           /* killed instead of doing this event, counted from 0; WATCH_NEVER */
	size_t torn;             /* … but so many bytes of it are written */
	bool alone;              /* what it has started is not killed with it */
	size_t fail_at;          /* this event fails; WATCH_NEVER */
	int fail_errno;          /* EIO: once, half of a write is done; ENOSPC: from there on all that needs room fails */
};

struct watch_result {
	int status;  /* exit status; -1: killed by us; otherwise 128 + signal */
	bool hit;    /* die_at or fail_at was reached */
	size_t events;
	char *text;  /* standard output and error, malloc'd */
};

/* Runs the plan to the end of all processes. trace (may be NULL) receives the events, the one it died at excluded. Ends the
 * test program when something does not work that must. */
void watch_run(const struct watch_plan *plan, struct watch_trace *trace, struct watch_result *result);
void watch_trace_free(struct watch_trace *trace);
void watch_result_free(struct watch_result *result);
const char *watch_name(enum watch_kind kind);

/* False when this machine has no seccomp notifications. */
bool watch_possible(void);

#endif
