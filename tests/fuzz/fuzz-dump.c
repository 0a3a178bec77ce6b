/* fuzz-dump.c - a crash dump from one input: headers, drivers (also through its own page tables), stack, streams, and the record made of them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What may happen is an error or a dump that is marked as cut; never a size or a count that can't be, nor text that is no UTF-8.
 */
#include <stdlib.h>

#include "fuzz-dump.h"
#include "job/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cf_error err = { 0 };
	struct cf_dump_source *s = cf_dump_from_memory(cf_span_of(data, size), &err);
	if (!s)
		abort();
	fuzz_dump(s);
	json_t *j = cf_describe_dump(s, "dump", NULL, true);
	char *text = j ? json_dumps(j, 0) : NULL;
	if (!text)
		abort();
	free(text);
	json_decref(j);
	cf_dump_close(s);
	return 0;
}
