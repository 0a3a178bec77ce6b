/* checkpoint.h - files beside an image that depend on its content.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_CHECKPOINT_H
#define CF_BLOCK_CHECKPOINT_H

#include <sys/stat.h>

#include "block/probe.h"

/* Looks through the folder of the image path (its stat st, its probe) for differencing disks, overlays and saved states that
 * need it unchanged. 1: found, what receives a short text with the file's name; 0: none; -1 with err only when memory runs
 * out. Files that can't be read are judged by their name. */
int cf_checkpoint_find(const char *path, const struct stat *st, const struct cf_probe *probe, char *what, size_t what_len,
		       struct cf_error *err) CF_MUST_CHECK;

#endif
