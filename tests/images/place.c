/* place.c - copies a file's data (not its holes) into another file at an offset.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mkntfs wants a file that is the volume; this puts the finished volume into the disk image, and takes it out again,
 * so that a disk of gigabytes costs what its data costs. Zeros are not written: the target is expected to have none.
 *
 *	place SOURCE TARGET OFFSET [FROM LENGTH]     LENGTH bytes of SOURCE from FROM go to OFFSET in TARGET
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define BLOCK 4096

static char buf[1 << 20];

/* Writes the blocks of buf that are not all zeros. */
static int put(int out, size_t n, off_t at)
{
	for (size_t i = 0; i < n; i += BLOCK) {
		size_t len = n - i < BLOCK ? n - i : BLOCK;

		if (buf[i] == 0 && !memcmp(buf + i, buf + i + 1, len - 1))
			continue;
		if (pwrite(out, buf + i, len, at + (off_t)i) != (ssize_t)len)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	off_t base, from = 0, end, at, hole;
	int in, out;

	if (argc != 4 && argc != 6) {
		fprintf(stderr, "usage: place SOURCE TARGET OFFSET [FROM LENGTH]\n");
		return 16;
	}
	base = (off_t)strtoll(argv[3], NULL, 0);
	in = open(argv[1], O_RDONLY | O_CLOEXEC);
	out = open(argv[2], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (in < 0 || out < 0 || (end = lseek(in, 0, SEEK_END)) < 0)
		goto fail;
	if (argc == 6) {
		off_t length = (off_t)strtoll(argv[5], NULL, 0);

		from = (off_t)strtoll(argv[4], NULL, 0);
		if (from < end && length < end - from)
			end = from + length;
	}
	for (at = from; at < end;) {
		at = lseek(in, at, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			break;
		hole = at < 0 ? -1 : lseek(in, at, SEEK_HOLE);
		if (hole < 0)
			goto fail;
		if (hole > end)
			hole = end;
		while (at < hole) {
			size_t want = hole - at < (off_t)sizeof(buf) ? (size_t)(hole - at) : sizeof(buf);
			ssize_t n = pread(in, buf, want, at);

			if (n <= 0 || put(out, (size_t)n, base + at - from))
				goto fail;
			at += n;
		}
	}
	if (!close(out))
		return 0;
fail:
	fprintf(stderr, "place: %s into %s: %s\n", argv[1], argv[2], strerror(errno));
	return 1;
}
