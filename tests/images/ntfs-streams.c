/* ntfs-streams.c - everything an NTFS volume holds that a defragmenter must not change, one line each.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *	ntfs-streams [--offset BYTES] IMAGE            (IMAGE "-": standard input can't seek, so it is always a file)
 *
 * Reads with libntfs-3g alone and shares no line with libcoldfix. For each MFT record in use: number, sequence, flags, link count, and for each of its
 * attributes type, name, flags, sizes and SHA-256 of the content as a reader gets it; $STANDARD_INFORMATION and $FILE_NAME byte by byte. Where
 * clusters lie is not in it, but for the count of extents behind "#", and neither is the content of $MFT, its mirror, $Bitmap and $LogFile. Ends with 2 when
 * something can't be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <nettle/sha2.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/runlist.h>
#include "image-device.h"

static int bad;

static void put_hash(struct sha256_ctx *ctx)
{
	uint8_t hash[SHA256_DIGEST_SIZE];

	sha256_digest(ctx, sizeof(hash), hash);
	for (unsigned i = 0; i < sizeof(hash); i++)
		printf("%02x", hash[i]);
}

static uint64_t extents(ntfs_attr *na)
{
	uint64_t n = 0;
	LCN end = -1;

	if (!NAttrNonResident(na) || ntfs_attr_map_whole_runlist(na))
		return 0;
	for (runlist_element *r = na->rl; r->length; r++) {
		if (r->lcn < 0)
			continue;
		n += r->lcn != end;
		end = r->lcn + r->length;
	}
	return n;
}

static void content(ntfs_inode *ni, ATTR_RECORD *a, int hash_it)
{
	static uint8_t buf[1 << 20];
	ntfschar name[256];
	struct sha256_ctx ctx;
	ntfs_attr *na;

	memcpy(name, (uint8_t *)a + le16_to_cpu(a->name_offset), a->name_length * sizeof(ntfschar));
	na = ntfs_attr_open(ni, a->type, a->name_length ? name : AT_UNNAMED, a->name_length);
	if (!na) {
		printf(" unreadable");
		bad = 1;
		return;
	}
	printf(" %" PRId64 " %" PRId64 " %" PRId64 " %04x ", na->data_size, na->initialized_size, na->allocated_size, le16_to_cpu(na->data_flags));
	sha256_init(&ctx);
	for (s64 off = 0, got; hash_it && off < na->data_size; off += got) {
		got = ntfs_attr_pread(na, off, na->data_size - off < (s64)sizeof(buf) ? na->data_size - off : (s64)sizeof(buf), buf);
		if (got <= 0) {
			printf("unreadable at %" PRId64 " ", off);
			bad = 1;
			break;
		}
		sha256_update(&ctx, (size_t)got, buf);
	}
	if (hash_it)
		put_hash(&ctx);
	printf(" # %" PRIu64, extents(na));
	ntfs_attr_close(na);
}

static ntfschar name_unit(ATTR_RECORD *a, int i)
{
	ntfschar c;

	memcpy(&c, (uint8_t *)a + le16_to_cpu(a->name_offset) + i * (int)sizeof(c), sizeof(c));
	return c;
}

static void record(ntfs_volume *vol, s64 number)
{
	ntfs_inode *ni = ntfs_inode_open(vol, (MFT_REF)number);
	ntfs_attr_search_ctx *ctx;

	if (!ni)
		return; /* not in use, or an extension record */
	printf("%" PRId64 " seq %u flags %x links %u\n", number, le16_to_cpu(ni->mrec->sequence_number), le16_to_cpu(ni->mrec->flags),
	       le16_to_cpu(ni->mrec->link_count));
	ctx = ntfs_attr_get_search_ctx(ni, NULL);
	while (ctx && !ntfs_attrs_walk(ctx)) {
		ATTR_RECORD *a = ctx->attr;
		int is_mft = number < 3 || number == FILE_Bitmap || number == FILE_BadClus;

		if (a->non_resident && a->lowest_vcn)
			continue; /* later piece of a stream */
		printf("%" PRId64 " %x ", number, le32_to_cpu(a->type));
		for (int i = 0; i < a->name_length; i++)
			printf("%04x", le16_to_cpu(name_unit(a, i)));
		if (a->non_resident) {
			content(ni, a, !is_mft);
		} else {
			struct sha256_ctx h;

			sha256_init(&h);
			sha256_update(&h, le32_to_cpu(a->value_length), (uint8_t *)a + le16_to_cpu(a->value_offset));
			printf(" resident %u ", le32_to_cpu(a->value_length));
			put_hash(&h);
		}
		printf("\n");
	}
	if (ctx)
		ntfs_attr_put_search_ctx(ctx);
	ntfs_inode_close(ni);
}

int main(int argc, char **argv)
{
	struct ntfs_device *dev;
	ntfs_volume *vol;

	if (argc > 3 && !strcmp(argv[1], "--offset")) {
		image_base = strtoll(argv[2], NULL, 0);
		argc -= 2;
		argv += 2;
	}
	image_fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (image_fd < 0) {
		fprintf(stderr, "usage: ntfs-streams [--offset BYTES] IMAGE\n");
		return 16;
	}
	ntfs_log_set_handler(ntfs_log_handler_null);
	dev = ntfs_device_alloc("image", 0, &image_ops, NULL);
	vol = dev ? ntfs_device_mount(dev, NTFS_MNT_RDONLY | NTFS_MNT_FORENSIC) : NULL;
	if (!vol) {
		fprintf(stderr, "ntfs-streams: no NTFS volume there\n");
		return 2;
	}
	for (s64 i = 0, n = vol->mft_na->initialized_size >> vol->mft_record_size_bits; i < n; i++)
		record(vol, i);
	ntfs_umount(vol, FALSE);
	return bad ? 2 : 0;
}
