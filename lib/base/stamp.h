/* stamp.h - times as text, always UTC.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BASE_STAMP_H
#define CF_BASE_STAMP_H

#include <stdint.h>

#define CF_TIME_TEXT 32 /* bytes that hold any of these, with its NUL */

/* Seconds since 1970 as ISO 8601, "2024-01-31T09:08:07Z". Returns out; NULL, and out is empty: no calendar goes that far. */
char *cf_time_text(int64_t seconds, char out[CF_TIME_TEXT]);

/* Now, in the same form. Returns out. */
char *cf_now_text(char out[CF_TIME_TEXT]);

/* Now as part of a file name, "20240131T090807Z". Returns out. */
char *cf_now_stamp(char out[CF_TIME_TEXT]);

#endif
