/* error.h - one error: a code for programs, a sentence for people, and the place.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Convention of the whole library: a function that can fail returns int (0, or -1 with *err filled) or a pointer
 * (NULL with *err filled) and takes `struct cf_error *err` last. err may be NULL. A message is one sentence without
 * a final full stop that names what could not be done and, where there is one, the way out. The library never prints.
 */
#ifndef CF_BASE_ERROR_H
#define CF_BASE_ERROR_H

#include <coldfix.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/cleanup.h"

/* Fills *err (path and offset cleared) and returns -1, so that `return cf_fail(err, CF_E_IO, "...")` reads well. */
int cf_fail(struct cf_error *err, enum cf_code code, const char *fmt, ...) CF_PRINTF(3, 4);

/* As cf_fail, and appends ": strerror(errno_value)". */
int cf_fail_errno(struct cf_error *err, enum cf_code code, int errno_value, const char *fmt, ...) CF_PRINTF(4, 5);

/* As cf_fail for a place on a disk or in a file: offset in bytes. */
int cf_fail_at(struct cf_error *err, enum cf_code code, uint64_t offset, const char *fmt, ...) CF_PRINTF(4, 5);

/* Adds context to an error that a callee filled: the new message is "PREFIX: old message". Returns -1. */
int cf_fail_prefix(struct cf_error *err, const char *fmt, ...) CF_PRINTF(2, 3);

/* Names the file or partition an error is about, if none is named yet. Returns -1. */
int cf_fail_path(struct cf_error *err, const char *path);

/* CF_E_NO_MEMORY; returns -1. */
int cf_fail_nomem(struct cf_error *err);

/* The stable word of a code as JSON shows it ("io", "in-use", …). */
const char *cf_code_name(enum cf_code code);

#endif
