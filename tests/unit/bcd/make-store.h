/* make-store.h - boot stores for tests, made by hivex from an empty hive.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TEST_MAKE_STORE_H
#define CF_TEST_MAKE_STORE_H

#include "base/span.h"
#include "registry/hive.h"

struct store; /* being made */

struct store *store_new(bool with_objects);
/* type 0: without Description. Gives a handle for the calls beneath. */
size_t store_object(struct store *s, const char *key, uint32_t type);
void store_element(struct store *s, size_t object, const char *key, uint32_t reg_type, const void *data, size_t n);
void store_text(struct store *s, size_t object, const char *key, const char *text);       /* REG_SZ, ASCII */
void store_list(struct store *s, size_t object, const char *key, const char *const *strv); /* REG_MULTI_SZ */
void store_integer(struct store *s, size_t object, const char *key, uint64_t v);
void store_bool(struct store *s, size_t object, const char *key, bool v);
/* Ends it; the bytes of the hive. */
struct cf_buf store_bytes(struct store *s);

#endif
