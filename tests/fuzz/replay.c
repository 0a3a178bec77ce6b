/* replay.c - runs a fuzz target over files and folders of inputs: corpora are ordinary tests, and a crash file is replayed by hand.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: replay-TARGET FILE|FOLDER …    Prints one TAP line an input; a crash ends the program.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count;

static int replay_file(const char *path)
{
	CF_FCLOSE FILE *f = fopen(path, "rb");
	CF_BUF b = { 0 };
	uint8_t piece[65536];
	size_t n;
	if (!f)
		return -1;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		if (cf_buf_append(&b, piece, n) < 0)
			return -1;
	LLVMFuzzerTestOneInput(b.p ? b.p : (const uint8_t *)"", b.n);
	printf("ok %d - %s\n", ++count, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	fflush(stdout);
	return 0;
}

static int replay_folder(const char *path)
{
	DIR *d = opendir(path);
	int r = 0;
	if (!d)
		return -1;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		CF_FREE char *full = NULL;
		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&full, "%s/%s", path, e->d_name) < 0)
			full = NULL;
		r = full ? replay_file(full) : -1;
	}
	closedir(d);
	return r;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (stat(argv[i], &st) < 0 || (S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i])) < 0) {
			printf("not ok %d - %s can't be read\n", ++count, argv[i]);
			break;
		}
	}
	printf("1..%d\n", count);
	return count ? 0 : 1;
}
