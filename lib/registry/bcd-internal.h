/* bcd-internal.h - what the files of the boot store share: for lib/registry/bcd*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_REGISTRY_BCD_INTERNAL_H
#define CF_REGISTRY_BCD_INTERNAL_H

#include "registry/bcd.h"

#define CF_BCD_MAX_LIST 256 /* GUIDs of one list that are followed; bcdedit's own lists have a handful */

/* The format nibble of an element type. */
enum cf_bcd_fmt {
	CF_BCD_FMT_DEVICE = 1,
	CF_BCD_FMT_STRING,
	CF_BCD_FMT_GUID,
	CF_BCD_FMT_GUID_LIST,
	CF_BCD_FMT_INTEGER,
	CF_BCD_FMT_BOOL,
	CF_BCD_FMT_INTEGER_LIST
};
static inline unsigned cf_bcd_fmt(uint32_t element_type)
{
	return element_type >> 24 & 0xf;
}

#endif
