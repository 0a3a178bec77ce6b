/* child.h - a program of our own that ends when we do.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_CHILD_H
#define CF_BLOCK_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct cf_child {
	pid_t pid;  /* 0: none */
	int log_fd; /* what it wrote to standard error; -1: none */
};

#define CF_CHILD_NONE ((struct cf_child){ 0, -1 })

/* Starts argv[0] (looked up in PATH). It is in a session of its own, so Ctrl-C on the terminal reaches only us; it gets SIGTERM when
 * the calling thread dies; it inherits no descriptor but listen_fd (-1: none), which it finds as systemd's socket
 * activation prescribes. CF_E_UNSUPPORTED with the name of the package when the program is not there. */
int cf_child_start(struct cf_child *c, const char *const *argv, int listen_fd, struct cf_error *err) CF_MUST_CHECK;

/* Waits until it has ended, at most ms milliseconds; then asks it to end, then kills it. Returns its exit status, or -1 when a
 * signal ended it. Reaps it in every case. */
int cf_child_finish(struct cf_child *c, unsigned ms);

/* The last lines that it wrote to standard error, without the program's name and line breaks; out is always terminated. */
void cf_child_complaint(const struct cf_child *c, char *out, size_t out_len);

/* Releases what is left (kills and reaps a child that still runs). */
void cf_child_close(struct cf_child *c);

/* Runs argv to its end. A failure's error holds what it said. */
int cf_child_run(const char *const *argv, struct cf_error *err) CF_MUST_CHECK;

#endif
