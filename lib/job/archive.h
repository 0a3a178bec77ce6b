/* archive.h - a finished folder as one .tar.zst.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_ARCHIVE_H
#define CF_JOB_ARCHIVE_H

#include "job/out.h"

#define CF_ARCHIVE_SUFFIX ".tar.zst"

/* Packs what was made in the folder (as NAME/…) to NAME.tar.zst beside it, 0600, under another name until it is whole and
 * synced; then removes the folder. *path (malloc'd), hash and size tell of the archive. On failure no archive is there. */
int cf_archive_pack(struct cf_out *o, char **path, uint8_t hash[CF_SHA256_LEN], uint64_t *size, struct cf_error *err) CF_MUST_CHECK;

#endif
