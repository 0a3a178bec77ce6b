/* test-ntfs-real.c - volumes that Windows and other drivers made: every file's content against ntfscat's.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "mft-compare.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"

#define FILES_MAX 5000
#define DEPTH_MAX 20

struct sweep {
	struct cf_volume *v;
	const char *image;
	struct cf_buf folders; /* NUL-terminated paths still to list */
	const char *current;
	unsigned files, unreadable;
	uint64_t bytes;
};

static bool same_as_ntfscat(struct sweep *s, const char *path, const struct cf_stat *st)
{
	char hex[65];
	struct cf_error err = { 0 };
	CF_BUF out = { 0 };
	if (!hash_file(s->v, path, hex, &err))
		fail_msg("%s: %s: %s", s->image, path, err.message);
	assert_int_equal(run(&out, "ntfscat -f -i %llu %s | sha256sum", (unsigned long long)st->id, s->image), 0);
	return out.n >= 64 && memcmp(out.p, hex, 64) == 0;
}

static int visit(void *user, const char *name, const struct cf_stat *st)
{
	struct sweep *s = user;
	char path[1024];
	snprintf(path, sizeof path, "%s\\%s", s->current, name);
	assert_true(s->files < FILES_MAX);
	struct cf_stat again;
	struct cf_error err = { 0 };
	ok(cf_volume_stat(s->v, path, &again, &err), err);
	assert_true(again.id == st->id && again.size == st->size && again.kind == st->kind);
	if (st->kind == CF_FILE_DIRECTORY) {
		if (st->unreadable == CF_READABLE)
			assert_int_equal(cf_buf_append(&s->folders, path, strlen(path) + 1), 0);
		return 0;
	}
	s->files++;
	s->bytes += st->size;
	if (st->unreadable != CF_READABLE) {
		s->unreadable++;
		return 0;
	}
	if (!same_as_ntfscat(s, path, st))
		fail_msg("%s: %s differs from what ntfscat reads", s->image, path);
	return 0;
}

/* Reads every file of a volume and returns how many there were. The volume is not written to. */
static unsigned sweep_volume(const char *image)
{
	struct cf_block *b = open_image(image, 512, false);
	struct sweep s = { .v = mount_ok(b, CF_VOL_READ), .image = image };
	assert_int_equal(cf_buf_append(&s.folders, "", 1), 0);
	for (size_t at = 0; at < s.folders.n;) {
		char folder[1024];
		snprintf(folder, sizeof folder, "%s", (char *)s.folders.p + at);
		at += strlen(folder) + 1;
		s.current = folder;
		struct cf_error err = { 0 };
		if (cf_volume_list(s.v, folder, visit, &s, &err))
			fail_msg("%s: %s: %s", image, folder, err.message);
	}
	struct cf_volume_health h;
	struct cf_volume_space space;
	struct cf_error err = { 0 };
	ok(cf_volume_health(s.v, &h, &err), err);
	ok(cf_volume_space(s.v, &space, &err), err);
	char *label = cf_volume_label(s.v, &err);
	assert_non_null(label);
	print_message("# %s: \"%s\" %u files, %llu bytes, journal %s%s, %u snapshots, %llu of %llu bytes free in %llu pieces%s%s\n",
		      strrchr(image, '/') + 1, label, s.files, (unsigned long long)s.bytes, h.journal,
		      h.dirty_flag ? ", dirty" : "", h.shadow_copy_count, (unsigned long long)space.free_bytes,
		      (unsigned long long)space.total_bytes, (unsigned long long)space.free_extents,
		      h.damaged ? ", damaged: " : "", h.damage);
	free(label);
	cf_buf_free(&s.folders);
	close_ok(s.v);
	assert_true(b->bytes_written == 0);
	cf_block_close(b);
	return s.files;
}

/* A file of the shared test data, or NULL (then the test is skipped). */
static const char *shared(const char *path)
{
	static char full[512];
	const char *root = getenv("COLDFIX_SHARED");
	snprintf(full, sizeof full, "%s/data/%s", root ? root : "", path);
	return root && access(full, R_OK) == 0 && have_tools() ? full : NULL;
}

/* Replaces a whole disk by its largest partition. */
static void cut_partition(const char *disk)
{
	struct cf_block *b = open_image(disk, 512, false);
	uint8_t mbr[512], gpt[128 * 128];
	struct cf_error err = { 0 };
	ok(cf_block_read(b, 0, mbr, sizeof mbr, &err), err);
	ok(cf_block_read(b, 1024, gpt, sizeof gpt, &err), err);
	cf_block_close(b);
	uint64_t start = 0, sectors = 0;
	for (int i = 0; i < 4; i++) {
		const uint8_t *e = mbr + 446 + 16 * i;
		if (e[4] == 7 && cf_ld32(e + 12) > sectors) {
			start = cf_ld32(e + 8);
			sectors = cf_ld32(e + 12);
		}
	}
	for (int i = 0; i < 128 && mbr[450] == 0xee; i++) {
		uint64_t first = cf_ld64(gpt + 128 * i + 32), last = cf_ld64(gpt + 128 * i + 40);
		if (last > first && last - first >= sectors) {
			start = first;
			sectors = last - first + 1;
		}
	}
	assert_true(sectors > 0);
	const char *part = temp("part.img");
	copy_sparse(disk, start * 512, sectors * 512, part);
	assert_int_equal(rename(part, disk), 0);
}

/* The MFT scanner sees what libntfs-3g sees; what the check of the clusters finds is shown. */
static void scan_volume(const char *image)
{
	struct cf_mft_stats stats;
	struct compare c = compare_image(image, 512, false, &stats);
	struct cf_extent_check check = check_image(image, 512);
	CF_FREE char *text = cf_extent_check_text(&check);
	print_message("#   $MFT: %llu files, %llu extension records, up to %llu extents in %llu pieces; %s\n",
		      (unsigned long long)stats.files, (unsigned long long)stats.extensions, (unsigned long long)c.most_extents,
		      (unsigned long long)c.most_pieces, text ? text : "sound");
}

/* Unpacks with a shell command that gets source and target, sweeps, and expects at least so many files. */
static void unpacked(const char *source, const char *command, unsigned least, bool whole_disk)
{
	const char *from = shared(source);
	if (!from) {
		print_message("# %s is not here\n", source);
		skip();
	}
	const char *to = temp("real.img");
	assert_int_equal(run(NULL, "SRC='%s' DST='%s'; %s", from, to, command), 0);
	if (whole_disk)
		cut_partition(to);
	unsigned files = sweep_volume(to);
	scan_volume(to);
	unlink(to);
	if (files < least)
		fail_msg("%s: only %u files", source, files);
}

#define REAL(name, source, command, least)                \
	static void name(void **state)                    \
	{                                                 \
		(void)state;                              \
		unpacked(source, command, least, false);  \
	}
#define REAL_DISK(name, source, command, least)           \
	static void name(void **state)                    \
	{                                                 \
		(void)state;                              \
		unpacked(source, command, least, true);   \
	}
#define COPY "cp \"$SRC\" \"$DST\"; chmod u+w \"$DST\""

#define UNTAR "mkdir -p \"$DST.d\" && tar -C \"$DST.d\" -xzf \"$SRC\" && mv \"$DST.d\"/* \"$DST\""

REAL(test_fs1, "ntfs/ColinFinck+ntfs/testfs1", COPY, 4)
REAL(test_radare, "ntfs/radareorg+radare2-testbins/ntfs.img", COPY, 1)
REAL(test_tiny, "ntfs/SecurityRonin+ntfs-forensic/SampleTinyNtfsVolume.zip",
     "python3 -c 'import zipfile,sys;z=zipfile.ZipFile(sys.argv[1]);"
     "i=max(z.infolist(),key=lambda x:x.file_size);open(sys.argv[2],\"wb\").write(z.read(i))' \"$SRC\" \"$DST\"", 8)
REAL(test_undelete, "ntfs/sleuthkit+sleuthkit_test_data/7-undel-ntfs.zip",
     "python3 -c 'import zipfile,sys;z=zipfile.ZipFile(sys.argv[1]);"
     "i=max(z.infolist(),key=lambda x:x.file_size);open(sys.argv[2],\"wb\").write(z.read(i))' \"$SRC\" \"$DST\"", 1)
REAL(test_attribute_lists, "ntfs/msuhanov+dfir_ntfs/ntfs3_attrlist.raw.gz", "gzip -dc \"$SRC\" > \"$DST\"", 1)
REAL_DISK(test_vss_1, "ntfs/msuhanov+dfir_ntfs/vss_1_vol.tar.gz", UNTAR, 1)
REAL_DISK(test_vss_2, "ntfs/msuhanov+dfir_ntfs/vss_2_stor.tar.gz", UNTAR, 1)
REAL_DISK(test_vss_2003, "ntfs/msuhanov+dfir_ntfs/vss_2003.tgz", UNTAR, 1)
REAL(test_windows_tree, "vhd-vhdx-qcow2/log2timeline+dfvfs/windows_volume.qcow2",
     "qemu-img convert -f qcow2 -O raw \"$SRC\" \"$DST\"", 1)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fs1),        cmocka_unit_test(test_radare),
		cmocka_unit_test(test_tiny),       cmocka_unit_test(test_undelete),
		cmocka_unit_test(test_attribute_lists), cmocka_unit_test(test_vss_1),
		cmocka_unit_test(test_vss_2),      cmocka_unit_test(test_vss_2003),
		cmocka_unit_test(test_windows_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
