/* compress.h - a zstd stream; libzstd is optional at build.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BASE_COMPRESS_H
#define CF_BASE_COMPRESS_H

#include <stddef.h>

#include "base/error.h"

struct cf_zstd; /* opaque */

/* Receives compressed bytes; 0, or -1 with err. */
typedef int (*cf_sink)(void *user, const void *p, size_t n, struct cf_error *err);

/* threads: workers beside the caller's own; 0, or a library built without them: the caller's thread does it all. A build without
 * libzstd fails with CF_E_UNSUPPORTED and says what to do. `what` is the option that asks for it ("--zstd"). */
struct cf_zstd *cf_zstd_new(unsigned threads, const char *what, struct cf_error *err);

int cf_zstd_add(struct cf_zstd *z, const void *p, size_t n, cf_sink sink, void *user, struct cf_error *err) CF_MUST_CHECK;

/* Ends the frame; the stream can't be added to any more. */
int cf_zstd_end(struct cf_zstd *z, cf_sink sink, void *user, struct cf_error *err) CF_MUST_CHECK;
void cf_zstd_free(struct cf_zstd *z); /* NULL is fine */

/* The refusal of a build without libzstd alone, to be asked before any work. */
int cf_zstd_check(const char *what, struct cf_error *err) CF_MUST_CHECK;

#endif
