/* guid.h - GUIDs in Microsoft's mixed byte order.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * On disk (GPT, BCD device elements, MountedDevices): Data1..Data3 little-endian, Data4 as bytes. A struct cf_guid
 * holds those 16 bytes as they lie on the disk, so comparing is memcmp.
 */
#ifndef CF_BASE_GUID_H
#define CF_BASE_GUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cf_guid {
	uint8_t b[16];
};

#define CF_GUID_TEXT 37 /* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" and the NUL */

/* Lower-case text without braces; out has CF_GUID_TEXT bytes. Returns out. */
char *cf_guid_format(const struct cf_guid *g, char *out);

/* Parses 36 characters, with or without braces, any case. True on success. */
bool cf_guid_parse(const char *text, struct cf_guid *g);

static inline bool cf_guid_eq(const struct cf_guid *a, const struct cf_guid *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool cf_guid_is_zero(const struct cf_guid *g);

#endif
