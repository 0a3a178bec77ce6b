/* ntfs-pieces.c - $MFT in pieces, as on a volume that was full for a while when it had to grow.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/volume.h>
#include "ntfs-ops.h"

#define WALL 4     /* clusters */
#define FILES 4000 /* that are made for one more piece, at most */

/* The cluster behind the last piece. */
static s64 mft_end(ntfs_volume *vol)
{
	runlist_element *r;

	if (ntfs_attr_map_whole_runlist(vol->mft_na))
		die("$MFT: cannot read its runlist");
	for (r = vol->mft_na->rl; r[1].length; r++)
		;
	return r->lcn + r->length;
}

static int is_free(ntfs_volume *vol, s64 lcn)
{
	uint8_t byte;

	if (lcn >= vol->nr_clusters || ntfs_attr_pread(vol->lcnbmp_na, lcn / 8, 1, &byte) != 1)
		return 0;
	return !(byte >> (lcn % 8) & 1);
}

void split_mft(ntfs_volume *vol, const char *dir, s64 n)
{
	char path[512];
	s64 made = 0;

	for (s64 piece = 0; piece < n; piece++) {
		s64 size = vol->mft_na->allocated_size, end = mft_end(vol);
		struct extent wall[2] = {{end, 0}, {0, 0}};

		while (wall->length < WALL && is_free(vol, end + wall->length))
			wall->length++;
		if (wall->length) {
			snprintf(path, sizeof(path), "%s/wall%02" PRId64, dir, piece);
			create(vol, path, S_IFREG);
			/* Making it may have let $MFT grow already. */
			if (mft_end(vol) != end)
				continue;
			take(vol, wall);
			assign(vol, path, wall, wall->length * vol->cluster_size);
		}
		for (int k = 0; vol->mft_na->allocated_size == size; k++) {
			if (k == FILES)
				die("$MFT does not grow");
			snprintf(path, sizeof(path), "%s/%05" PRId64, dir, made++);
			create(vol, path, S_IFREG);
		}
	}
}
