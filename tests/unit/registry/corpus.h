/* corpus.h - the real hives of the shared test data, for tests that want all of them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The data is not part of the project: without it ($COLDFIX_SHARED/data) tests skip.
 */
#ifndef CF_TEST_CORPUS_H
#define CF_TEST_CORPUS_H

#include "base/span.h"

/* Ends a test without a verdict. Not cmocka's skip(): its "not ok # SKIP" counts as a failure for meson. */
#define SKIP_WITHOUT_DATA()                                          \
	do {                                                             \
		print_message("# skipped: the shared hives are not here\n"); \
		return;                                                      \
	} while (0)

struct corpus_file {
	char *name; /* relative to the data folder */
	struct cf_buf bytes;
};

struct corpus {
	struct corpus_file *file;
	size_t n;
};

/* All files beneath the folders (NULL-terminated, relative to data) that start with "regf" and are no logs; .xz files unpacked. n is 0 without the data. */
struct corpus corpus_load(const char *const *folders);
void corpus_free(struct corpus *c);

/* One file by its name relative to the data folder (.xz unpacked), logs too; false when it is not there. */
bool corpus_read(const char *name, struct cf_buf *bytes);

#endif
