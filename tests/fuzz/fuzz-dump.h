/* fuzz-dump.h - what must hold for every dump, shared by the targets.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TESTS_FUZZ_DUMP_H
#define CF_TESTS_FUZZ_DUMP_H

#include <stdlib.h>

#include <jansson.h>

#include "dump/modules.h"
#include "dump/stop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check_utf8(const char *text)
{
	json_t *j = json_string(text);
	if (!j)
		abort();
	json_decref(j);
}

static inline void check_info(const struct cf_dump_info *i)
{
	if (i->extent > i->size || i->required_size > INT64_MAX || i->complete == (i->cut[0] != 0) || (i->complete && i->required_size > i->size))
		abort();
	if (i->pages && (i->first_page < i->header_size || i->pages > UINT64_C(1) << 40))
		abort();
	char time[32];
	cf_dump_time_text(i, time);
	check_utf8(i->comment);
	check_utf8(i->cut);
	for (unsigned n = 0; n < 4; n++)
		(void)cf_stop_parameter(i->code, i->parameter, n);
}

static inline void fuzz_dump(struct cf_dump_source *s)
{
	struct cf_dump_info i;
	struct cf_error err = { 0 };
	CF_DUMP_MODULES m = { 0 };
	CF_DUMP_STACK st = { 0 };
	if (cf_dump_read_info(s, &i, &err) < 0) {
		if (err.code == CF_OK || !err.message[0])
			abort();
		return;
	}
	check_info(&i);
	if (cf_dump_read_modules(s, &i, &m, &err) < 0 || cf_dump_read_stack(s, &i, &m, &st, &err) < 0)
		abort(); /* memory does not fail to be read */
	if ((m.n || m.broken) && !m.known)
		abort();
	for (size_t k = 0; k < m.n; k++)
		check_utf8(m.item[k].name);
	for (size_t k = 0; k < st.n; k++)
		if (!st.item[k].module || st.item[k].address - st.item[k].module->base >= st.item[k].module->size)
			abort();
}

#endif
