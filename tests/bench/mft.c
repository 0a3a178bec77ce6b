/* mft.c - for ./bench: the MFT scanner alone, and the plain read that it is measured by.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *	mft read|scan|check DISK START SIZE      the volume's place in bytes
 *
 * read: all of $MFT in pieces of 2 MiB, thrown away. scan: every file with names, sizes and runs. check: and every cluster's owner.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block/disk.h"
#include "volume/mft-check.h"

#define PIECE ((size_t)2 << 20)

struct seen {
	uint64_t files, names, extents, bytes;
};

static int see(void *user, const struct cf_mft_file *f)
{
	struct seen *s = user;
	s->files++;
	s->names += f->name_count;
	s->bytes += f->allocated;
	for (size_t i = 0; i < f->stream_count; i++)
		s->extents += f->streams[i].extents;
	return 0;
}

struct copy {
	struct cf_mft *m;
	struct cf_error *err;
	uint64_t bytes;
};

static int read_all(void *user, const struct cf_mft_file *f)
{
	struct copy *c = user;
	const struct cf_mft_stream *s = cf_mft_stream(f, CF_NTFS_AT_DATA, NULL);
	uint8_t *buf = malloc(PIECE);
	int rc = buf && s ? 0 : -1;
	for (uint64_t off = 0, n; rc == 0 && off < s->initialized; off += n) {
		n = s->initialized - off < PIECE ? s->initialized - off : PIECE;
		rc = cf_mft_read(c->m, s, off, buf, (size_t)n, c->err);
		c->bytes += n;
	}
	free(buf);
	return rc;
}

int main(int argc, char **argv)
{
	struct cf_error err = { 0 };
	struct cf_disk_options opt = { .force_share = true };
	if (argc != 5) {
		fprintf(stderr, "usage: mft read|scan|check DISK START SIZE\n");
		return 16;
	}
	struct cf_disk *d = cf_disk_open(argv[2], &opt, &err);
	struct cf_block *slice = d ? cf_slice_open(d->block, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), &err) : NULL;
	struct cf_mft *m = slice ? cf_mft_open(slice, &err) : NULL;
	int rc = m ? 0 : -1;
	if (m && strcmp(argv[1], "read") == 0) {
		struct copy c = { .m = m, .err = &err };
		rc = cf_mft_one(m, CF_NTFS_REC_MFT, read_all, &c, &err);
		printf("%" PRIu64 " bytes\n", c.bytes);
	} else if (m && strcmp(argv[1], "check") == 0) {
		struct cf_extent_check check;
		rc = cf_mft_check(m, &check, &err);
		printf("%" PRIu64 " clusters, %s\n", check.owned, cf_extent_check_sound(&check) ? "sound" : "not sound");
	} else if (m) {
		struct seen s = { 0 };
		rc = cf_mft_scan(m, see, &s, NULL, &err);
		printf("%" PRIu64 " files, %" PRIu64 " names, %" PRIu64 " extents, %" PRIu64 " bytes\n", s.files, s.names, s.extents, s.bytes);
	}
	cf_mft_close(m);
	cf_block_close(slice);
	if (d)
		cf_disk_close(d);
	if (rc < 0)
		fprintf(stderr, "mft: %s\n", err.message);
	return rc < 0 ? 8 : 0;
}
