/* user.c - dumps of one process (MDMP): which system, when, why, and whether all of it is there.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: MINIDUMP_HEADER, MINIDUMP_DIRECTORY and the streams of minidumpapiset.h as Microsoft documents them.
 */
#include "dump/internal.h"

#define HEADER 32u
#define ENTRY 12u
#define VERSION 0xa793u
#define MAX_STREAMS 4096u
#define MAX_RANGES 65536u /* ranges of memory that are added up; a dump of a large process has thousands */

enum { STREAM_MODULES = 4, STREAM_MEMORY = 5, STREAM_EXCEPTION = 6, STREAM_SYSTEM = 7, STREAM_MEMORY64 = 9 };

int cf_dump_user_stream(struct cf_dump_source *s, uint32_t type, uint64_t *at, uint64_t *len)
{
	uint8_t h[HEADER], e[ENTRY];
	if (cf_dump_read(s, 0, h, sizeof h, NULL) < 0)
		return 0;
	uint64_t n = cf_min_u64(cf_ld32(h + 8), MAX_STREAMS), directory = cf_ld32(h + 12);
	for (uint64_t k = 0; k < n && cf_dump_read(s, directory + k * ENTRY, e, sizeof e, NULL) == 0; k++)
		if (cf_ld32(e) == type) {
			*at = cf_ld32(e + 8);
			*len = cf_ld32(e + 4);
			return 1;
		}
	return 0;
}

static uint32_t machine_of(uint16_t processor)
{
	switch (processor) {
	case 0:
		return 0x14c;
	case 5:
		return 0x1c4;
	case 6:
		return 0x200;
	case 9:
		return 0x8664;
	case 12:
		return 0xaa64;
	default:
		return 0;
	}
}

static void system_stream(struct cf_dump_source *s, struct cf_dump_info *i)
{
	uint8_t b[24];
	uint64_t at, len;
	if (!cf_dump_user_stream(s, STREAM_SYSTEM, &at, &len) || len < sizeof b || cf_dump_read(s, at, b, sizeof b, NULL) < 0)
		return;
	i->machine = machine_of(cf_ld16(b));
	i->architecture = cf_dump_architecture(i->machine);
	i->processors = b[6];
	i->product_type = b[7];
	i->major = cf_ld32(b + 8);
	i->build = cf_ld32(b + 16);
}

static void exception_stream(struct cf_dump_source *s, struct cf_dump_info *i)
{
	uint8_t b[32];
	uint64_t at, len;
	if (!cf_dump_user_stream(s, STREAM_EXCEPTION, &at, &len) || len < sizeof b || cf_dump_read(s, at, b, sizeof b, NULL) < 0)
		return;
	i->has_exception = true;
	i->exception_code = cf_ld32(b + 8);
	i->exception_address = cf_ld64(b + 24);
}

static void need(struct cf_dump_info *i, uint64_t at, uint64_t len)
{
	uint64_t end;
	if (cf_add_overflow(at, len, &end) || end > INT64_MAX)
		end = INT64_MAX;
	i->required_size = cf_max_u64(i->required_size, end);
}

/* Memory that lies outside the streams themselves. */
static void memory_streams(struct cf_dump_source *s, struct cf_dump_info *i)
{
	uint8_t b[16];
	uint64_t at, len, sum;
	if (cf_dump_user_stream(s, STREAM_MEMORY64, &at, &len) && cf_dump_read(s, at, b, 16, NULL) == 0) {
		uint64_t n = cf_min_u64(cf_ld64(b), MAX_RANGES);
		sum = cf_ld64(b + 8);
		for (uint64_t k = 0; k < n && cf_dump_read(s, at + 16 + k * 16, b, 16, NULL) == 0; k++)
			if (cf_add_overflow(sum, cf_ld64(b + 8), &sum))
				sum = UINT64_MAX;
		need(i, sum, 0);
	}
	if (cf_dump_user_stream(s, STREAM_MEMORY, &at, &len) && cf_dump_read(s, at, b, 4, NULL) == 0) {
		uint64_t n = cf_min_u64(cf_ld32(b), MAX_RANGES);
		for (uint64_t k = 0; k < n && cf_dump_read(s, at + 4 + k * 16, b, 16, NULL) == 0; k++)
			need(i, cf_ld32(b + 12), cf_ld32(b + 8));
	}
}

int cf_dump_read_user(struct cf_dump_source *s, struct cf_dump_info *out, struct cf_error *err)
{
	uint8_t h[HEADER], e[ENTRY];
	out->kind = CF_KIND_USER;
	out->header_size = HEADER;
	if (s->size < HEADER)
		return cf_fail(err, CF_E_CORRUPT, "the dump ends inside its header: %llu of %u bytes are there", (unsigned long long)s->size, HEADER);
	if (cf_dump_read(s, 0, h, sizeof h, err) < 0)
		return -1;
	if (cf_ld16(h + 4) != VERSION)
		return cf_fail_at(err, CF_E_UNSUPPORTED, 4, "it begins as a user-mode dump, but has no version that is known");
	uint64_t streams = cf_ld32(h + 8), directory = cf_ld32(h + 12);
	out->time = cf_ld32(h + 20);
	out->has_time = out->time != 0;
	need(out, directory, streams * ENTRY);
	for (uint64_t k = 0; k < cf_min_u64(streams, MAX_STREAMS) && cf_dump_read(s, directory + k * ENTRY, e, sizeof e, NULL) == 0; k++)
		if (cf_ld32(e)) /* an unused entry has nothing */
			need(out, cf_ld32(e + 8), cf_ld32(e + 4));
	memory_streams(s, out);
	system_stream(s, out);
	exception_stream(s, out);
	if (out->required_size > out->size)
		cf_dump_cut(out, _("%llu of %llu bytes are there"), (unsigned long long)out->size, (unsigned long long)out->required_size);
	out->extent = cf_min_u64(out->size, out->required_size);
	return 0;
}
