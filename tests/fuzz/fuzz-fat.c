/* fuzz-fat.c - a FAT volume from one input: everything that reads it, then everything that changes it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: the start of a volume of 256 KiB; the rest is zero, so small inputs are whole volumes. What may happen is an error. On a volume
 * that is found safe to write, what was written must be read back, and it must still be safe afterwards; a damaged one is forced.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/span.h"
#include "volume/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VOLUME ((size_t)256 << 10)
#define FOLDERS_MAX 16

struct walk {
	struct cf_volume *v;
	const char *folder;
	char *next[FOLDERS_MAX];
	size_t n;
	char *file; /* one file found on the way */
};

static int ignore_extent(void *user, uint64_t file_off, uint64_t off, uint64_t len)
{
	(void)user;
	(void)file_off;
	if (!cf_range_ok(off, len, UINT64_C(1) << 48))
		abort();
	return 0;
}

static int ignore_range(void *user, uint64_t off, uint64_t len, const char *what)
{
	(void)user;
	return !len && off && what[0];
}

static void read_file(struct cf_volume *v, const char *path)
{
	uint8_t part[3000];
	struct cf_error err;
	size_t got;
	struct cf_file *f = cf_file_open(v, path, &err);
	if (!f)
		return;
	(void)!cf_file_extents(f, ignore_extent, NULL, &err);
	for (uint64_t off = 0; cf_file_read(f, off, part, sizeof part, &got, &err) == 0 && got; off += got)
		if (off > 2 * VOLUME)
			abort(); /* clusters of a sound chain are on the volume, each once */
	cf_file_close(f);
}

static int see(void *user, const char *name, const struct cf_stat *st)
{
	struct walk *w = user;
	CF_FREE char *path = NULL;
	struct cf_stat again;
	if (strpbrk(name, "/:") || strcmp(name, "..") == 0 || strcmp(name, ".") == 0 || !name[0])
		abort();
	if (asprintf(&path, "%s\\%s", w->folder, name) < 0)
		abort();
	(void)!cf_volume_stat(w->v, path, &again, NULL);
	if (st->kind == CF_FILE_REGULAR) {
		read_file(w->v, path);
		if (!w->file)
			w->file = CF_STEAL(path);
	} else if (w->n < FOLDERS_MAX) {
		w->next[w->n++] = CF_STEAL(path);
	}
	return 0;
}

static void write_something(struct cf_volume *v, const char *path, bool forced)
{
	static uint8_t data[9000];
	static const size_t sizes[] = { sizeof data, 100, 0, 5000 };
	struct cf_error err;
	CF_BUF back = { 0 };
	memset(data, 'w', sizeof data);
	for (size_t i = 0; i < CF_ARRAY_LEN(sizes); i++)
		if (cf_volume_replace(v, path, cf_span_of(data, sizes[i]), &err) == 0 && !forced &&
		    (cf_volume_read_file(v, path, VOLUME, &back, &err) < 0 || back.n != sizes[i] ||
		     (back.n && memcmp(back.p, data, back.n) != 0)))
			abort();
	(void)!cf_volume_delete(v, path, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t disk[VOLUME];
	struct cf_error err;
	struct cf_volume_health health;
	struct cf_volume_space space;
	enum cf_fs fs;
	if (size > VOLUME)
		return 0;
	memset(disk, 0, sizeof disk);
	if (size)
		memcpy(disk, data, size);
	struct cf_block *b = cf_memory_open(disk, VOLUME, 512, &err);
	if (!b || cf_volume_detect(b, &fs, &err) < 0)
		abort();
	struct walk w = { .v = NULL };
	if (fs == CF_FS_FAT12 || fs == CF_FS_FAT16 || fs == CF_FS_FAT32)
		w.v = cf_volume_open(b, fs, CF_VOL_WRITE, &err);
	bool forced = !w.v;
	if (forced && fs >= CF_FS_FAT12 && fs <= CF_FS_FAT32)
		w.v = cf_volume_open(b, fs, CF_VOL_WRITE | CF_VOL_FORCE_UNCLEAN, &err);
	if (w.v) {
		(void)!cf_volume_health(w.v, &health, &err);
		(void)!cf_volume_space(w.v, &space, &err);
		(void)!cf_volume_fingerprints(w.v, ignore_range, NULL, &err);
		free(cf_volume_label(w.v, &err));
		w.folder = "";
		(void)!cf_volume_list(w.v, "", see, &w, &err);
		for (size_t i = 0; i < w.n; i++) {
			w.folder = w.next[i];
			(void)!cf_volume_list(w.v, w.folder, see, &w, &err);
		}
		(void)!cf_volume_create(w.v, "A new file, långt.txt", cf_span_of("new", 3), &err);
		if (w.n)
			(void)!cf_volume_create(w.v, "new\\x", cf_span_of("new", 3), &err);
		if (w.file)
			write_something(w.v, w.file, forced);
		if (cf_volume_close(w.v, &err) < 0)
			abort();
		enum cf_fs after;
		if (cf_volume_detect(b, &after, &err) < 0 || after != fs)
			abort();
		struct cf_volume *v = cf_volume_open(b, fs, CF_VOL_WRITE, &err);
		if (!v && !forced)
			abort();
		cf_volume_closep(&v);
	}
	for (size_t i = 0; i < w.n; i++)
		free(w.next[i]);
	free(w.file);
	cf_block_close(b);
	return 0;
}
