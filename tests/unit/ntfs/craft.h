/* craft.h - things on an NTFS image that our driver never makes itself, made with libntfs-3g directly.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TEST_NTFS_CRAFT_H
#define TEST_NTFS_CRAFT_H

#include <stddef.h>
#include <stdint.h>

/* Paths here are libntfs-3g's: slashes, letter case as on the volume. Every function returns 0 or -1. */
int craft_link(const char *image, const char *path, const char *folder, const char *new_name);
int craft_dos_name(const char *image, const char *path, const char *folder, const char *dos);
int craft_stream(const char *image, const char *path, const char *stream, const void *p, size_t n);
int craft_reparse(const char *image, const char *path, uint32_t tag);
int craft_attributes(const char *image, const char *path, uint32_t set, uint32_t clear);
int craft_folder_compressed(const char *image, const char *path);
/* Writes [off, off+n) of a new file, as compressed if its folder is, with a hole before. */
int craft_file(const char *image, const char *folder, const char *name, uint64_t off, const void *p, size_t n);
/* Grows a file without writing: data beyond the initialized size. */
int craft_extend(const char *image, const char *path, uint64_t size);

/* Makes path's unnamed stream use the clusters of other's (as many as it has itself, other has one run): its own are lost. */
int craft_cross_link(const char *image, const char *path, const char *other);
/* Sets or clears the bits of clusters [lcn, lcn + count) in $Bitmap. */
int craft_bitmap(const char *image, uint64_t lcn, uint64_t count, int set);

#endif
