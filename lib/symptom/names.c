/* names.c - codes by name: NTSTATUS of boot screens, bug checks of stop screens.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What dump/stop.h does not name already: codes that only boot screens show, from ntstatus.h.
 */
#include "dump/stop.h"
#include "symptom/phrases.h"

#define HIGHEST_STOP 0x200u /* of the plain bug checks */

static const struct {
	uint32_t code;
	const char *name;
} statuses[] = {
	{ 0xC000000D, "STATUS_INVALID_PARAMETER" },
	{ 0xC000000F, "STATUS_NO_SUCH_FILE" },
	{ 0xC0000011, "STATUS_END_OF_FILE" },
	{ 0xC0000098, "STATUS_FILE_INVALID" },
	{ 0xC00000BB, "STATUS_NOT_SUPPORTED" },
	{ 0xC0000142, "STATUS_DLL_INIT_FAILED" },
	{ 0xC0000225, "STATUS_NOT_FOUND" },
	{ 0xC0000359, "STATUS_INVALID_IMAGE_WIN_64" },
	{ 0xC0210000, "STATUS_FVE_LOCKED_VOLUME" },
};

const char *cf_status_name_of(uint32_t code)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].name;
	return cf_ntstatus_name(code);
}

const char *cf_stop_name_of(uint32_t code)
{
	const char *name = cf_stop_name(code);
	return name ? name : cf_status_name_of(code);
}

/* The best match has to be a good one and clearly better than any other: the longest that contains another's name wins by length. */
bool cf_stop_by_name(const char *text, uint32_t *code)
{
	CF_BUF folded = { 0 };
	double best = 0;
	size_t best_length = 0;
	if (cf_fold(text, strlen(text), &folded) < 0)
		return false;
	for (uint32_t i = 1; i <= HIGHEST_STOP; i++) {
		CF_BUF name = { 0 };
		size_t end;
		const char *plain = cf_stop_name(i);
		if (!plain)
			continue;
		if (cf_fold(plain, strlen(plain), &name) < 0)
			return false;
		unsigned d = cf_distance_in(cf_buf_span(&folded), cf_buf_span(&name), &end);
		double q = 1 - (double)d / (double)name.n;
		if (name.n < 12 || q < 0.8) /* "file system" is said of other things too */
			continue;
		double weight = (double)name.n - 2.0 * d;
		if (weight > best) {
			best = weight;
			best_length = name.n;
			*code = i;
		}
	}
	return best_length > 0;
}
