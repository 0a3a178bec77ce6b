/* mft-compare.h - the MFT scanner against libntfs-3g, file by file and run by run.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TEST_NTFS_MFT_COMPARE_H
#define TEST_NTFS_MFT_COMPARE_H

#include "volume/mft-check.h"

/* What was seen on the way. */
struct compare {
	struct oracle *o; /* while it compares */
	uint8_t *seen; /* a byte a record */
	uint64_t most_extents, most_pieces, damaged, extensions;
	uint64_t streams, reparse, links, packed;
};

/* Opens $MFT or fails the test. */
struct cf_mft *open_mft(struct cf_block *b);

/* Every file of the image is the same to both, and none is missing. no_store: extension records are read one by one. */
struct compare compare_image(const char *image, uint32_t sector_size, bool no_store, struct cf_mft_stats *stats);

/* The check of $Bitmap, and its free extents against libntfs-3g's count. */
struct cf_extent_check check_image(const char *image, uint32_t sector_size);

#endif
