/* place.c - copies a file's data (not its holes) into another file at an offset.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mkntfs wants a file that is the volume; this puts the finished volume into the disk image, so that a disk of
 * gigabytes costs what its data costs. Usage: place SOURCE TARGET OFFSET
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buf[1 << 20];

int main(int argc, char **argv)
{
	off_t base, end, data = 0, hole;
	int in, out;

	if (argc != 4) {
		fprintf(stderr, "usage: place SOURCE TARGET OFFSET\n");
		return 16;
	}
	base = (off_t)strtoll(argv[3], NULL, 0);
	in = open(argv[1], O_RDONLY | O_CLOEXEC);
	out = open(argv[2], O_WRONLY | O_CLOEXEC);
	if (in < 0 || out < 0 || (end = lseek(in, 0, SEEK_END)) < 0)
		goto fail;
	while (data < end) {
		data = lseek(in, data, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
		if (hole < 0)
			goto fail;
		while (data < hole) {
			size_t want = hole - data < (off_t)sizeof(buf) ? (size_t)(hole - data) : sizeof(buf);
			ssize_t n = pread(in, buf, want, data);

			if (n <= 0 || pwrite(out, buf, (size_t)n, base + data) != n)
				goto fail;
			data += n;
		}
	}
	if (!close(out))
		return 0;
fail:
	fprintf(stderr, "place: %s into %s: %s\n", argv[1], argv[2], strerror(errno));
	return 1;
}
