/* modules.c - the drivers that a small dump names, the modules of a user-mode dump.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: TRIAGE_DUMP32/64, DUMP_DRIVER_ENTRY32/64 and DUMP_STRING as rizin's dmp_specs.h has them, checked on a real Windows 10 minidump (its
 * entries have 0x90 bytes, strings count characters). Other tools saw longer entries, so the length is the one with which every name lies in the
 * string pool. MINIDUMP_MODULE as Microsoft documents it.
 */
#include <stdlib.h>

#include "base/utf16.h"
#include "dump/internal.h"

#define MAX_NAME 1024u /* bytes of a module's name */

enum { STREAM_MODULES = 4, USER_MODULE = 108 };

void cf_dump_modules_free(struct cf_dump_modules *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->item[i].name);
	free(m->item);
	*m = (struct cf_dump_modules){ 0 };
}

int cf_dump_module_add(struct cf_dump_modules *m, struct cf_span name, struct cf_dump_module module, struct cf_error *err)
{
	if (m->n >= CF_DUMP_MAX_MODULES) {
		m->broken = true;
		return 0;
	}
	if (m->n % 64 == 0) {
		struct cf_dump_module *grown = reallocarray(m->item, m->n + 64, sizeof *grown);
		if (!grown)
			return cf_fail_nomem(err);
		m->item = grown;
	}
	module.name = cf_utf16z_to_utf8(name, NULL);
	if (!module.name)
		return cf_fail_nomem(err);
	m->item[m->n++] = module;
	return 0;
}

const struct cf_dump_module *cf_dump_module_at(const struct cf_dump_modules *m, uint64_t address)
{
	for (size_t i = 0; i < m->n; i++)
		if (address >= m->item[i].base && address - m->item[i].base < m->item[i].size)
			return &m->item[i];
	return NULL;
}

const char *cf_dump_module_base(const struct cf_dump_module *m)
{
	const char *slash = strrchr(m->name, '\\');
	return slash && slash[1] ? slash + 1 : m->name;
}

/* A counted string: n units of `unit` bytes behind a 32-bit count. What lies outside or is absurdly long gives an empty name. */
static struct cf_span read_name(struct cf_dump_source *s, uint64_t at, unsigned unit, uint8_t *buf)
{
	uint8_t count[4];
	if (cf_dump_read(s, at, count, sizeof count, NULL) < 0)
		return (struct cf_span){ 0 };
	uint64_t n = (uint64_t)cf_ld32(count) * unit;
	if (!n || n > MAX_NAME || cf_dump_read(s, at + 4, buf, (size_t)n, NULL) < 0)
		return (struct cf_span){ 0 };
	return cf_span_of(buf, (size_t)n);
}

int cf_dump_read_triage(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_triage *out)
{
	uint8_t b[0x50];
	if (cf_dump_read(s, i->header_size, b, sizeof b, NULL) < 0)
		return -1;
	*out = (struct cf_dump_triage){ .context = cf_ld32(b + 0xc),
					.stack = cf_ld32(b + 0x28),
					.stack_size = cf_ld32(b + 0x2c),
					.drivers = cf_ld32(b + 0x30),
					.n_drivers = cf_ld32(b + 0x34),
					.pool = cf_ld32(b + 0x38),
					.pool_size = cf_ld32(b + 0x3c),
					.top = i->bits == 64 ? cf_ld64(b + 0x48) : cf_ld32(b + 0x48) };
	return 0;
}

/* Does every one of the first entries, taken this long, have its name in the string pool? */
static bool entries_fit(struct cf_dump_source *s, const struct cf_dump_triage *t, uint32_t length)
{
	uint8_t b[4];
	uint64_t n = cf_min_u64(t->n_drivers, 32);
	for (uint64_t k = 0; k < n; k++)
		if (cf_dump_read(s, t->drivers + k * length, b, sizeof b, NULL) < 0 || cf_ld32(b) < t->pool ||
		    cf_ld32(b) - t->pool >= t->pool_size)
			return false;
	return true;
}

static int triage_modules(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_modules *out, struct cf_error *err)
{
	static const uint32_t lengths64[] = { 0x90, 0x98, 0xa0, 0xa8, 0 }, lengths32[] = { 0x4c, 0x50, 0x54, 0x58, 0x5c, 0x60, 0 };
	struct cf_dump_triage t;
	uint8_t b[0x90], name[MAX_NAME];
	bool wide = i->bits == 64;
	if (cf_dump_read_triage(s, i, &t) < 0 || t.drivers < i->header_size || !t.n_drivers)
		return 0;
	const uint32_t *length = wide ? lengths64 : lengths32;
	while (*length && !entries_fit(s, &t, *length))
		length++;
	if (!*length)
		return 0;
	out->known = true;
	for (uint64_t k = 0; k < t.n_drivers && !out->broken; k++) {
		if (cf_dump_read(s, t.drivers + k * *length, b, wide ? 0x90 : 0x4c, NULL) < 0) {
			out->broken = true;
			break;
		}
		struct cf_dump_module m = { .base = wide ? cf_ld64(b + 0x38) : cf_ld32(b + 0x1c),
					    .size = cf_ld32(b + (wide ? 0x48 : 0x24)),
					    .timestamp = cf_ld32(b + (wide ? 0x88 : 0x48)) };
		if (cf_dump_module_add(out, read_name(s, cf_ld32(b), 2, name), m, err) < 0)
			return -1;
	}
	return 0;
}

static int user_modules(struct cf_dump_source *s, struct cf_dump_modules *out, struct cf_error *err)
{
	uint64_t at, len;
	uint8_t b[USER_MODULE], name[MAX_NAME];
	if (!cf_dump_user_stream(s, STREAM_MODULES, &at, &len) || cf_dump_read(s, at, b, 4, NULL) < 0)
		return 0;
	uint64_t n = cf_ld32(b);
	out->known = true;
	for (uint64_t k = 0; k < n && !out->broken; k++) {
		if (cf_dump_read(s, at + 4 + k * USER_MODULE, b, sizeof b, NULL) < 0) {
			out->broken = true;
			break;
		}
		struct cf_dump_module m = { .base = cf_ld64(b), .size = cf_ld32(b + 8), .timestamp = cf_ld32(b + 16) };
		if (cf_dump_module_add(out, read_name(s, cf_ld32(b + 20), 1, name), m, err) < 0)
			return -1;
	}
	return 0;
}

int cf_dump_read_modules(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_modules *out, struct cf_error *err)
{
	*out = (struct cf_dump_modules){ 0 };
	switch (i->kind) {
	case CF_KIND_TRIAGE:
		return triage_modules(s, i, out, err);
	case CF_KIND_USER:
		return user_modules(s, out, err);
	default:
		return cf_dump_memory_modules(s, i, out, err);
	}
}
