/* path.h - Windows paths on a volume taken apart; shared by the file system drivers.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_VOLUME_PATH_H
#define CF_VOLUME_PATH_H

#include <stddef.h>

#include "base/error.h"

#define CF_PATH_BYTES_MAX 65536 /* Windows stops at 32,767 UTF-16 units */

/* The names of a path from the root down, UTF-8 with escapes; n 0 is the root folder. */
struct cf_path {
	size_t n;
	char **name;
	char *store; /* what the names point into */
};

/* Takes volume.h's paths apart: "\\" and "/" separate, doubled and outer separators don't count, a "\\u{XXXX}" escape is part of
 * a name. "." and ".." are refused (CF_E_USAGE), so is text that is not UTF-8. Free with cf_path_free. */
int cf_path_split(const char *path, struct cf_path *p, struct cf_error *err) CF_MUST_CHECK;
void cf_path_free(struct cf_path *p);
#define CF_PATH CF_CLEANUP(cf_path_free) struct cf_path

/* A name that Windows accepts for a new file: 1 to 255 UTF-16 units, none of "*\/:<>?| or controls, no dot or space at the
 * end. CF_E_USAGE else. */
int cf_name_check_new(const char *name, struct cf_error *err) CF_MUST_CHECK;

#endif
