/* boot-files.h - the files that a Windows needs until it runs: what the boot loader reads.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SPACE_BOOT_FILES_H
#define CF_SPACE_BOOT_FILES_H

#include "volume/volume.h"

/* MFT record numbers (malloc'd) of those that exist on the volume: boot manager and boot store, loader, kernel, hives, drivers; ascending, each once.
 * root: the Windows folder ("\\Windows"). */
int cf_boot_files(struct cf_volume *vol, const char *root, uint64_t **records, size_t *n, struct cf_error *err) CF_MUST_CHECK;

/* Among the largest of those that every start reads, the one in the most extents: their number, and its path. 0, and path is left alone: there is none. */
uint64_t cf_boot_files_worst(struct cf_volume *vol, const char *root, char *path, size_t path_size);

#endif
