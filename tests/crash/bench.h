/* bench.h - a work folder with a disk image that a real coldfix is let loose on, again and again.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_CRASH_BENCH_H
#define TESTS_CRASH_BENCH_H

#include "job/session.h"
#include "watch.h"

struct bench {
	const char *coldfix; /* the program */
	char folder[1000];   /* what lies here is thrown away again and again */
	char image[1100];    /* the disk in it */
	char before[1100];   /* a copy of the disk before anything; never written */
	char expected[1100]; /* room for another copy */
	unsigned bad;        /* things that were wrong */
};

/* folder is made, disk copied. Ends the test program when that fails, as everything here does. */
void bench_begin(struct bench *b, const char *coldfix, const char *folder, const char *disk);

/* One line for a thing that is wrong, as a TAP comment. */
void bench_wrong(struct bench *b, const char *where, const char *fmt, ...) CF_PRINTF(3, 4);

/* Copies all regular files (sparse) of one folder, with one level of folders, to another that is emptied before. */
void bench_copy_folder(const char *from, const char *to);
void bench_copy(const char *from, const char *to);
bool bench_same(const char *a, const char *b);

/* The image as it was at first and nothing else in the folder. */
void bench_reset(struct bench *b);

/* expected = before with the writes of the trace to the image. */
void bench_expect(struct bench *b, const struct watch_trace *t);

/* Runs coldfix VERB with the options that the tests use. fail_errno as in struct watch_plan. */
struct bench_run {
	const char *verb;        /* repair, undo, diagnose, expand */
	size_t die_at, torn;
	bool alone;
	size_t fail_at;
	int fail_errno;
};
#define BENCH_RUN(v) ((struct bench_run){ .verb = (v), .die_at = WATCH_NEVER, .fail_at = WATCH_NEVER })
void bench_run(struct bench *b, const struct bench_run *r, struct watch_trace *t, struct watch_result *result);

/* Opens the disk for writing in this process, which settles what was left, and closes it. 0 or -1. id (may be NULL): of the disk. */
int bench_open(struct bench *b, char id[80], struct cf_error *err);

/* Files in the folder whose name contains text. */
unsigned bench_count(const struct bench *b, const char *text);

/* What diagnose says of the disk: none of the problems that were made is there any more. */
bool bench_is_right(struct bench *b);

#endif
