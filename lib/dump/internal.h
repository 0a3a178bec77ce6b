/* internal.h - what the files of lib/dump share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_DUMP_INTERNAL_H
#define CF_DUMP_INTERNAL_H

#include "base/endian.h"
#include "base/i18n.h"
#include "dump/dump.h"

const char *cf_dump_architecture(uint32_t machine);

/* Marks a dump as cut short; the first reason stays. */
void cf_dump_cut(struct cf_dump_info *i, const char *fmt, ...) CF_PRINTF(2, 3);

/* The header and the streams of a user-mode dump (user.c). */
int cf_dump_read_user(struct cf_dump_source *s, struct cf_dump_info *out, struct cf_error *err) CF_MUST_CHECK;

/* The place of a user-mode dump's first stream of this type: 1, or 0 when it has none. */
int cf_dump_user_stream(struct cf_dump_source *s, uint32_t type, uint64_t *at, uint64_t *len);

/* Sets extent: the data of drivers that may follow the dump (secondary.c). */
void cf_dump_find_extent(struct cf_dump_source *s, struct cf_dump_info *i);

#endif
