/* internal.h - what the files of lib/dump share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_DUMP_INTERNAL_H
#define CF_DUMP_INTERNAL_H

#include "base/endian.h"
#include "base/i18n.h"
#include "dump/modules.h"

#define CF_DUMP_MAX_MODULES 8192u /* modules that are listed; a large server has some 300 */

const char *cf_dump_architecture(uint32_t machine);

/* Marks a dump as cut short; the first reason stays. */
void cf_dump_cut(struct cf_dump_info *i, const char *fmt, ...) CF_PRINTF(2, 3);

/* The header and the streams of a user-mode dump (user.c). */
int cf_dump_read_user(struct cf_dump_source *s, struct cf_dump_info *out, struct cf_error *err) CF_MUST_CHECK;

/* The place of a user-mode dump's first stream of this type: 1, or 0 when it has none. */
int cf_dump_user_stream(struct cf_dump_source *s, uint32_t type, uint64_t *at, uint64_t *len);

/* Sets extent: the data of drivers that may follow the dump (secondary.c). */
void cf_dump_find_extent(struct cf_dump_source *s, struct cf_dump_info *i);

/* The part of a small dump's header that is used here; offsets from the start of the dump, as they stand there. */
struct cf_dump_triage {
	uint32_t context, stack, stack_size, drivers, n_drivers, pool, pool_size;
	uint64_t top; /* address of the first byte of the stack that was kept */
};
int cf_dump_read_triage(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_triage *out) CF_MUST_CHECK; /* -1: it is cut */

/* Appends one; name is UTF-16. Beyond CF_DUMP_MAX_MODULES the list is broken. -1: no memory. */
int cf_dump_module_add(struct cf_dump_modules *m, struct cf_span name, struct cf_dump_module module, struct cf_error *err) CF_MUST_CHECK;

/* PsLoadedModuleList of a dump that holds memory (memory.c). */
int cf_dump_memory_modules(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_modules *out,
			   struct cf_error *err) CF_MUST_CHECK;

#endif
