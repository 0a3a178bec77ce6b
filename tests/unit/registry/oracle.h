/* oracle.h - hivex as the second opinion on a hive.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TEST_ORACLE_H
#define CF_TEST_ORACLE_H

#include <hivex.h>

#include "registry/hive-internal.h"

struct totals {
	size_t hives, keys, values, bytes, big, unlike;
};

/* Opens a copy of the bytes read-only with hivex; *fd is the caller's to close. */
hive_h *hivex_of(struct cf_span bytes, int *fd);

/* Fails the test when the two see different names, order, times, types or data; counts what only one can read. */
void same_tree(const struct cf_hive *h, hive_h *x, struct totals *t);

#endif
