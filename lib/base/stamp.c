/* stamp.c - times as text, always UTC.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/stamp.h"

#include <stddef.h>
#include <time.h>

char *cf_time_text(int64_t seconds, char out[CF_TIME_TEXT])
{
	time_t t = (time_t)seconds;
	struct tm tm;
	if (gmtime_r(&t, &tm) && strftime(out, CF_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return out;
	out[0] = 0;
	return NULL;
}

char *cf_now_text(char out[CF_TIME_TEXT])
{
	cf_time_text(time(NULL), out);
	return out;
}

char *cf_now_stamp(char out[CF_TIME_TEXT])
{
	time_t now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&now, &tm) || !strftime(out, CF_TIME_TEXT, "%Y%m%dT%H%M%SZ", &tm))
		out[0] = 0;
	return out;
}
