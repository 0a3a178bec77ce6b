/* ntfs-sums.c - every file of an NTFS volume in a plain file: names, streams with their SHA-256, attributes, security, times.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: ntfs-sums [--no-times] IMAGE [OFFSET]
 * One line a name and one a stream, tab-separated, sorted by record: what was the same before and after is the same file. Folders have no times:
 * those change with what is in them. Reads through libntfs-3g's own file device; shares no line with libcoldfix.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <nettle/sha2.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/unistr.h>
#include "image-device.h"

#define DEPTH 64

static int with_times = 1;

/* Names lie unaligned in their structures. */
static char *text_of(const void *units, int n)
{
	ntfschar copy[256];
	char *text = NULL;

	memcpy(copy, units, 2 * (size_t)n);
	if (ntfs_ucstombs(copy, n, &text, 0) < 0)
		text = NULL;
	return text ? text : strdup("?");
}

static void die(const char *what, s64 n)
{
	fprintf(stderr, "ntfs-sums: %s %" PRId64 ": %s\n", what, n, strerror(errno));
	exit(1);
}

/* The first name that is no DOS alias, behind those of its folders. */
static void print_folder(ntfs_volume *vol, MFT_REF ref, int depth)
{
	ntfs_inode *ni;
	ntfs_attr_search_ctx *ctx;

	if (MREF(ref) == FILE_root || depth == DEPTH)
		return;
	ni = ntfs_inode_open(vol, ref);
	ctx = ni ? ntfs_attr_get_search_ctx(ni, NULL) : NULL;
	if (!ctx)
		die("cannot open folder", (s64)MREF(ref));
	while (!ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, 0, 0, NULL, 0, ctx)) {
		FILE_NAME_ATTR *fn = (FILE_NAME_ATTR *)(void *)((uint8_t *)ctx->attr + le16_to_cpu(ctx->attr->value_offset));
		char *name;

		if (fn->file_name_type == FILE_NAME_DOS)
			continue;
		print_folder(vol, le64_to_cpu(fn->parent_directory), depth + 1);
		name = text_of((uint8_t *)fn + offsetof(FILE_NAME_ATTR, file_name), fn->file_name_length);
		printf("%s/", name);
		free(name);
		break;
	}
	ntfs_attr_put_search_ctx(ctx);
	ntfs_inode_close(ni);
}

static void print_stream(ntfs_inode *ni, ATTR_RECORD *a)
{
	static uint8_t buf[1 << 16];
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	ntfschar *uname = (ntfschar *)(void *)((uint8_t *)a + le16_to_cpu(a->name_offset));
	ntfs_attr *na = ntfs_attr_open(ni, a->type, a->name_length ? uname : AT_UNNAMED, a->name_length);
	char *name;

	if (!na)
		die("cannot open a stream of record", (s64)ni->mft_no);
	sha256_init(&sha);
	for (s64 at = 0, n; at < na->data_size; at += n) {
		n = ntfs_attr_pread(na, at, sizeof(buf), buf);
		if (n <= 0)
			die("cannot read a stream of record", (s64)ni->mft_no);
		sha256_update(&sha, (size_t)n, buf);
	}
	sha256_digest(&sha, sizeof(digest), digest);
	name = text_of(uname, a->name_length);
	printf("%" PRIu64 "\tstream\t%x:%s\t%" PRId64 "\t%x\t", ni->mft_no, le32_to_cpu(a->type), a->name_length ? name : "", na->data_size,
	       le16_to_cpu(a->flags));
	for (size_t i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	printf("\n");
	free(name);
	ntfs_attr_close(na);
}

static void print_inode(ntfs_volume *vol, ntfs_inode *ni)
{
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);
	int folder = !!(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY);

	if (!ctx)
		die("no memory for", (s64)ni->mft_no);
	printf("%" PRIu64 "\tfile\tseq %u\tattr %x\tsecurity %u", ni->mft_no, le16_to_cpu(ni->mrec->sequence_number),
	       le32_to_cpu(ni->flags), le32_to_cpu(ni->security_id));
	if (!folder && with_times)
		printf("\t%" PRId64 " %" PRId64 " %" PRId64, sle64_to_cpu(ni->creation_time), sle64_to_cpu(ni->last_data_change_time),
		       sle64_to_cpu(ni->last_mft_change_time));
	printf("\n");
	while (!ntfs_attrs_walk(ctx)) {
		ATTR_RECORD *a = ctx->attr;

		if (a->type == AT_FILE_NAME) {
			FILE_NAME_ATTR *fn = (FILE_NAME_ATTR *)(void *)((uint8_t *)a + le16_to_cpu(a->value_offset));
			char *name = text_of((uint8_t *)fn + offsetof(FILE_NAME_ATTR, file_name), fn->file_name_length);

			printf("%" PRIu64 "\tname\t%u\t/", ni->mft_no, fn->file_name_type);
			print_folder(vol, le64_to_cpu(fn->parent_directory), 0);
			printf("%s\n", name);
			free(name);
		} else if ((a->type == AT_DATA || a->type == AT_REPARSE_POINT || a->type == AT_EA || a->type == AT_SECURITY_DESCRIPTOR) &&
			   (!a->non_resident || !a->lowest_vcn)) {
			print_stream(ni, a);
		}
	}
	ntfs_attr_put_search_ctx(ctx);
}

int main(int argc, char **argv)
{
	struct ntfs_device *dev;
	ntfs_volume *vol;

	if (argc > 1 && !strcmp(argv[1], "--no-times")) {
		with_times = 0;
		argc--;
		argv++;
	}
	if (argc != 2 && argc != 3)
		return 16;
	image_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (image_fd < 0)
		die(argv[1], 0);
	image_base = argc == 3 ? strtoll(argv[2], NULL, 0) : 0;
	ntfs_log_set_handler(ntfs_log_handler_null);
	ntfs_set_char_encoding("UTF-8");
	dev = ntfs_device_alloc("image", 0, &image_ops, NULL);
	vol = dev ? ntfs_device_mount(dev, NTFS_MNT_RDONLY) : NULL;
	if (!vol)
		die("no NTFS volume at", image_base);
	for (s64 i = 24; i < vol->mft_na->initialized_size >> vol->mft_record_size_bits; i++) {
		ntfs_inode *ni = ntfs_inode_open(vol, (MFT_REF)i);

		if (!ni)
			continue; /* free, or an extension record */
		print_inode(vol, ni);
		ntfs_inode_close(ni);
	}
	return ntfs_umount(vol, FALSE) ? 1 : 0;
}
