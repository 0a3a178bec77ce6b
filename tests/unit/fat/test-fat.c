/* test-fat.c - the FAT driver, with mkfs.fat, mtools and fsck.fat as independent judges.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every scenario runs on each kind of volume below; after each write fsck.fat -n must have nothing to say, and mtools
 * must read back what was written.
 */
#include "tests/tool.h"

#include "base/endian.h"
#include "base/utf16.h"
#include "volume/volume.h"

struct kind {
	const char *name, *size, *mkfs;
	uint32_t ss;
	bool dir_grows; /* small clusters: folders grow soon */
};

static const struct kind kinds[] = {
	{ "FAT12 floppy", "1440K", "-F 12", 512, true },
	{ "FAT12, clusters of 8 KiB", "16M", "-F 12 -s 16", 512, false },
	{ "FAT16, clusters of 2 KiB", "20M", "-F 16 -s 4", 512, true },
	{ "FAT16, one FAT", "20M", "-F 16 -s 4 -f 1", 512, true },
	{ "FAT16, 4096-byte sectors", "64M", "-F 16 -S 4096 -s 1", 4096, true },
	{ "FAT32, clusters of 512 bytes", "40M", "-F 32 -s 1", 512, true },
	{ "FAT32, ESP as Windows makes it", "100M", "-F 32 -s 2", 512, true },
	{ "FAT32, 4096-byte sectors", "300M", "-F 32 -S 4096 -s 1", 4096, true },
};

static const struct kind *kind; /* of the running scenario */
static struct cf_block *disk;
static struct cf_volume *vol;

#define DIE(err) fail_msg("%s: %s (%s)", kind->name, (err).message, (err).path)

static void open_volume(int flags)
{
	struct cf_error err = { 0 };
	enum cf_fs fs;
	disk = tool_block_open("f.img", kind->ss);
	if (cf_volume_detect(disk, &fs, &err) < 0 || !(vol = cf_volume_open(disk, fs, flags, &err)))
		DIE(err);
}

static void close_volume(void)
{
	struct cf_error err = { 0 };
	if (cf_volume_close(vol, &err) < 0)
		DIE(err);
	cf_block_close(disk);
	vol = NULL;
}

/* fsck.fat -n: its version line and its summary, nothing else. */
static void fsck(void)
{
	CF_BUF out = { 0 };
	int rc = tool_output(&out, "fsck.fat -n f.img 2>&1");
	unsigned lines = 0;
	for (size_t i = 0; i < out.n; i++)
		lines += out.p[i] == '\n';
	if (rc != 0 || lines != 2)
		fail_msg("%s: fsck.fat says: %s", kind->name, (char *)out.p);
}

static void fill(struct cf_buf *b, size_t n, unsigned seed)
{
	assert_int_equal(cf_buf_resize(b, n), 0);
	uint32_t x = seed * 2654435761u + 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		b->p[i] = (uint8_t)(x >> 24);
	}
}

static void save(const char *path, struct cf_span s)
{
	CF_FCLOSE FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_true(!s.n || fwrite(s.p, 1, s.n, f) == s.n);
}

static void expect(const char *path, struct cf_span want)
{
	struct cf_error err = { 0 };
	CF_BUF got = { 0 };
	if (cf_volume_read_file(vol, path, UINT32_MAX, &got, &err) < 0)
		DIE(err);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

/* What mtools reads at path ("::/EFI/x") must be the same. */
static void expect_mtools(const char *path, struct cf_span want)
{
	save("want", want);
	if (tool("mcopy -n -o -i f.img '%s' got && cmp got want", path) != 0)
		fail_msg("%s: mtools reads something else at %s", kind->name, path);
}

static void replace(const char *path, struct cf_span data)
{
	struct cf_error err = { 0 };
	if (cf_volume_replace(vol, path, data, &err) < 0)
		DIE(err);
}

static void create(const char *path, struct cf_span data)
{
	struct cf_error err = { 0 };
	if (cf_volume_create(vol, path, data, &err) < 0)
		DIE(err);
}

static void delete(const char *path)
{
	struct cf_error err = { 0 };
	if (cf_volume_delete(vol, path, &err) < 0)
		DIE(err);
}

static void make_volume(void)
{
	assert_int_equal(tool("rm -f f.img; truncate -s %s f.img", kind->size), 0);
	if (tool("mkfs.fat %s -n 'MY LABEL' -i c01df1ef f.img >mkfs.out 2>&1", kind->mkfs) != 0)
		fail_msg("mkfs.fat fails for %s", kind->name);
}

/* ---- names listed ----------------------------------------------------------------------------------------- */

struct names {
	struct cf_buf text;
	unsigned n;
};

static int collect(void *user, const char *name, const struct cf_stat *st)
{
	struct names *l = user;
	assert_true(st->links == 1);
	l->n++;
	return cf_buf_printf(&l->text, "%s%s\n", name, st->kind == CF_FILE_DIRECTORY ? "/" : "");
}

static unsigned count(const char *path)
{
	struct cf_error err = { 0 };
	struct names l = { 0 };
	if (cf_volume_list(vol, path, collect, &l, &err) < 0)
		DIE(err);
	cf_buf_free(&l.text);
	return l.n;
}

/* The list of a folder, sorted, must be that of mdir. */
static void same_as_mdir(const char *path, const char *mpath)
{
	struct cf_error err = { 0 };
	struct names l = { 0 };
	char cmd[256];
	if (cf_volume_list(vol, path, collect, &l, &err) < 0)
		DIE(err);
	save("ours", cf_buf_span(&l.text));
	cf_buf_free(&l.text);
	snprintf(cmd, sizeof cmd, "mdir -a -b -i f.img '%s' | sed -e 's,^::/,,' -e 's,\\(.*[^/]\\)$,\\1,' -e 's,.*/\\([^/][^/]*/*\\)$,\\1,' | sort > theirs;"
		 " sort ours | diff - theirs", mpath);
	if (tool("%s", cmd) != 0)
		fail_msg("%s: mdir lists something else in %s", kind->name, path);
}

/* ---- scenarios -------------------------------------------------------------------------------------------- */

static void put_files(void)
{
	CF_BUF data = { 0 };
	fill(&data, 32768, 1);
	save("BCD", cf_buf_span(&data));
	fill(&data, 5000, 2);
	save("a", cf_buf_span(&data));
	assert_int_equal(tool("mmd -i f.img ::/EFI ::/EFI/Microsoft ::/EFI/Microsoft/Boot ::/'a long folder name' &&"
			      "mcopy -i f.img BCD ::/EFI/Microsoft/Boot/BCD && mcopy -i f.img a ::/lower.txt && "
			      "mcopy -i f.img a ::/'Long file name with spaces.Text' && mcopy -i f.img a ::/MixedCase.TXT && "
			      "mcopy -i f.img a ::/'räksmörgås Ünïcödé ελληνικά.dat' && "
			      "mcopy -i f.img a ::/UPPER.lwr && mcopy -i f.img /dev/null ::/empty && "
			      "mcopy -i f.img a ::/'a long folder name'/x"), 0);
}

static void scenario_read(void)
{
	CF_BUF data = { 0 };
	struct cf_stat st;
	make_volume();
	put_files();
	open_volume(CF_VOL_READ);
	fill(&data, 32768, 1);
	expect("\\EFI\\Microsoft\\Boot\\BCD", cf_buf_span(&data));
	expect("efi/microsoft/BOOT/bcd", cf_buf_span(&data));
	fill(&data, 5000, 2);
	expect("LOWER.TXT", cf_buf_span(&data));
	expect("LONG FILE NAME WITH SPACES.TEXT", cf_buf_span(&data));
	expect("LONGFI~1.TEX", cf_buf_span(&data));
	expect("RÄKSMÖRGÅS ÜNÏCÖDÉ ΕΛΛΗΝΙΚΆ.DAT", cf_buf_span(&data));
	expect("a long folder name\\X", cf_buf_span(&data));
	expect("EMPTY", cf_span_of("", 0));
	same_as_mdir("\\", "::");
	assert_int_equal(cf_volume_stat(vol, "lower.txt", &st, NULL), 0);
	assert_int_equal(st.size, 5000);
	assert_true(st.allocated >= 5000 && st.fragments == 1 && st.id >= 2);
	assert_true(st.mtime > 1500000000 && st.mtime < 7000000000);
	assert_int_equal(cf_volume_stat(vol, "", &st, NULL), 0);
	assert_int_equal(st.kind, CF_FILE_DIRECTORY);
	assert_true(st.allocated > 0);
	assert_false(cf_volume_exists(vol, "\\EFI\\nothing"));
	assert_false(cf_volume_exists(vol, "\\lower.txt\\x"));
	struct cf_error err;
	assert_int_equal(cf_volume_list(vol, "lower.txt", collect, &(struct names){ 0 }, &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_string_equal(err.path, "lower.txt");
	assert_null(cf_file_open(vol, "EFI", &err));
	CF_FREE char *label = cf_volume_label(vol, NULL);
	assert_string_equal(label, "MY LABEL");
	assert_int_equal(cf_volume_replace(vol, "lower.txt", cf_span_of("x", 1), &err), -1);
	assert_int_equal(err.code, CF_E_READ_ONLY);
	assert_int_equal(cf_volume_read_file(vol, "lower.txt", 4999, &data, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
	/* reading in odd pieces */
	struct cf_file *f = cf_file_open(vol, "EFI/Microsoft/Boot/BCD", NULL);
	fill(&data, 32768, 1);
	for (size_t off = 0, got, n = 1; off < 32768; off += got, n = n * 2 + 1) {
		uint8_t part[65536];
		assert_int_equal(cf_file_read(f, off, part, n, &got, NULL), 0);
		assert_memory_equal(part, data.p + off, got);
		assert_true(got == n || off + got == 32768);
	}
	cf_file_close(f);
	assert_int_equal(disk->bytes_written, 0);
	close_volume();
}

static void scenario_replace(void)
{
	static const char bcd[] = "\\EFI\\Microsoft\\Boot\\BCD", judge[] = "::/EFI/Microsoft/Boot/BCD";
	CF_BUF data = { 0 };
	make_volume();
	put_files();
	open_volume(CF_VOL_WRITE);
	fill(&data, 32768, 1);
	replace(bcd, cf_buf_span(&data));
	assert_int_equal(disk->bytes_written, 0); /* nothing changed, nothing written */
	data.p[9000] ^= 1;
	replace(bcd, cf_buf_span(&data));
	assert_true(disk->bytes_written <= 4096 + 32); /* the piece and the entry */
	fsck();
	expect_mtools(judge, cf_buf_span(&data));
	static const size_t sizes[] = { 100000, 100001, 40000, 32768, 10, 0, 0, 1, 8191, 8192, 8193, 200000, 0, 4096 };
	for (size_t i = 0; i < CF_ARRAY_LEN(sizes); i++) {
		fill(&data, sizes[i], (unsigned)i + 10);
		replace(bcd, cf_buf_span(&data));
		fsck();
		expect(bcd, cf_buf_span(&data));
		expect_mtools(judge, cf_buf_span(&data));
	}
	/* into the holes of a fragmented volume */
	CF_BUF piece = { 0 };
	fill(&piece, 4000, 3);
	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof name, "frag%d.bin", i);
		create(name, cf_buf_span(&piece));
	}
	for (int i = 0; i < 20; i += 2) {
		char name[32];
		snprintf(name, sizeof name, "frag%d.bin", i);
		delete(name);
	}
	fsck();
	fill(&data, 300000, 77);
	replace("frag1.bin", cf_buf_span(&data));
	fsck();
	expect("frag1.bin", cf_buf_span(&data));
	expect_mtools("::/frag1.bin", cf_buf_span(&data));
	close_volume();
	/* what the other reads was not only in memory */
	open_volume(CF_VOL_READ);
	expect("FRAG1.BIN", cf_buf_span(&data));
	same_as_mdir("\\", "::");
	close_volume();
}

static void scenario_create(void)
{
	static const char *const names[] = {
		"boot.stl", "README", "lower", "UPPER.lwr2", "MixedCase.bin", "two.dots.txt", ".hidden", "a b.c", "plus+comma,x.txt",
		"räksmörgås.dat", "日本語のファイル名.txt", "thirteen-long", "exactly-26-characters-long", "long extension.extension",
		"noext~1", "ÅÄÖ", "x.y.z.w", "CON1.$$$", "LONGNA~1.TXT", "Longname-file-a.txt", "Longname-file-b.txt",
		"Longname-file-c.txt",
	};
	CF_BUF data = { 0 };
	struct cf_error err;
	make_volume();
	put_files();
	open_volume(CF_VOL_WRITE);
	for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
		char path[512];
		fill(&data, 1000 * i, (unsigned)i);
		snprintf(path, sizeof path, "\\a long folder name\\%s", names[i]);
		create(path, cf_buf_span(&data));
		expect(path, cf_buf_span(&data));
		snprintf(path, sizeof path, "::/a long folder name/%s", names[i]);
		expect_mtools(path, cf_buf_span(&data));
		fsck();
	}
	same_as_mdir("a long folder name", "::/a long folder name");
	/* a character outside the plane that mtools knows */
	create("EFI\\emoji😀.txt", cf_buf_span(&data));
	fsck();
	expect("EFI\\EMOJI😀.txt", cf_buf_span(&data));
	/* 255 characters */
	char longest[300] = "\\EFI\\";
	memset(longest + 5, 'x', 254);
	strcat(longest, "y");
	create(longest, cf_buf_span(&data));
	fsck();
	expect(longest, cf_buf_span(&data));
	strcat(longest, "y");
	assert_int_equal(cf_volume_create(vol, longest, cf_buf_span(&data), &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
	/* what exists stays */
	static const char *const taken[] = { "LOWER.txt", "lower.TXT", "efi", "LONGFI~1.TEX", "a long folder NAME\\BOOT.STL" };
	uint64_t before = disk->bytes_written;
	for (size_t i = 0; i < CF_ARRAY_LEN(taken); i++) {
		assert_int_equal(cf_volume_create(vol, taken[i], cf_buf_span(&data), &err), -1);
		assert_int_equal(err.code, CF_E_REFUSED);
	}
	assert_int_equal(cf_volume_create(vol, "nowhere\\x", cf_buf_span(&data), &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_int_equal(cf_volume_create(vol, "lower.txt\\x", cf_buf_span(&data), &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_int_equal(cf_volume_create(vol, "bad:name", cf_buf_span(&data), &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
	assert_int_equal(disk->bytes_written, before);
	close_volume();
}

static void scenario_many(void)
{
	struct cf_error err = { 0 };
	CF_BUF data = { 0 };
	unsigned n = kind->dir_grows ? 260 : 600, failed = 0;
	make_volume();
	put_files();
	open_volume(CF_VOL_WRITE);
	struct cf_stat st, grown;
	assert_int_equal(cf_volume_stat(vol, "EFI", &st, NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		char path[128];
		fill(&data, i, i);
		snprintf(path, sizeof path, "EFI\\a file with a long name, number %u.data", i);
		create(path, cf_buf_span(&data));
		if (i % 64 == 0)
			fsck();
	}
	fsck();
	assert_int_equal(count("EFI"), n + 1);
	same_as_mdir("EFI", "::/EFI");
	assert_int_equal(cf_volume_stat(vol, "EFI", &grown, NULL), 0);
	assert_true(grown.allocated > st.allocated);
	/* deleted places are used again: the folder does not grow */
	for (unsigned i = 0; i < n; i += 3) {
		char path[128];
		snprintf(path, sizeof path, "EFI\\A FILE with a long name, number %u.data", i);
		delete(path);
	}
	fsck();
	for (unsigned i = 0; i < n; i += 3) {
		char path[128];
		snprintf(path, sizeof path, "EFI\\A File With a long name, number %u.data", i);
		create(path, cf_span_of("x", 1));
	}
	fsck();
	assert_int_equal(count("EFI"), n + 1);
	assert_int_equal(cf_volume_stat(vol, "EFI", &st, NULL), 0);
	assert_int_equal(st.allocated, grown.allocated);
	same_as_mdir("EFI", "::/EFI");
	/* the fixed root folder of FAT12 and FAT16 can be full */
	for (unsigned i = 0; i < 600 && !failed; i++) {
		char path[32];
		snprintf(path, sizeof path, "R%u", i);
		if (cf_volume_create(vol, path, cf_span_of(NULL, 0), &err) < 0)
			failed = i;
	}
	assert_true(!failed || err.code == CF_E_NO_SPACE);
	fsck();
	close_volume();
}

static void scenario_full(void)
{
	struct cf_error err = { 0 };
	struct cf_volume_space s;
	CF_BUF data = { 0 };
	make_volume();
	put_files();
	open_volume(CF_VOL_WRITE);
	assert_int_equal(cf_volume_space(vol, &s, NULL), 0);
	CF_BUF out = { 0 };
	assert_int_equal(tool_output(&out, "mdir -a -i f.img :: | tail -2 | tr -dc '0-9'"), 0);
	assert_int_equal(s.free_bytes, strtoull((char *)out.p, NULL, 10));
	assert_true(s.free_bytes && s.free_bytes < s.total_bytes && s.largest_free_extent_bytes <= s.free_bytes);
	fill(&data, (size_t)s.free_bytes + 1, 5);
	assert_int_equal(cf_volume_create(vol, "too-big", cf_buf_span(&data), &err), -1);
	assert_int_equal(err.code, CF_E_NO_SPACE);
	assert_int_equal(cf_volume_replace(vol, "EMPTY", cf_buf_span(&data), &err), -1);
	assert_int_equal(err.code, CF_E_NO_SPACE);
	assert_int_equal(disk->bytes_written, 0); /* nothing half-done */
	fsck();
	create("just-right", cf_span_of(data.p, (size_t)s.free_bytes));
	fsck();
	expect_mtools("::/just-right", cf_span_of(data.p, (size_t)s.free_bytes));
	assert_int_equal(cf_volume_space(vol, &s, NULL), 0);
	assert_int_equal(s.free_bytes, 0);
	uint64_t before = disk->bytes_written;
	assert_int_equal(cf_volume_replace(vol, "EMPTY", cf_span_of("x", 1), &err), -1);
	assert_int_equal(err.code, CF_E_NO_SPACE);
	assert_int_equal(disk->bytes_written, before);
	/* a folder that would have to grow */
	int rc = 0;
	for (unsigned i = 0; i < 3000 && rc == 0; i++) {
		char path[64];
		snprintf(path, sizeof path, "EFI\\name number %u", i);
		before = disk->bytes_written;
		rc = cf_volume_create(vol, path, cf_span_of(NULL, 0), &err);
	}
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, CF_E_NO_SPACE);
	assert_int_equal(disk->bytes_written, before);
	fsck();
	delete("just-right");
	fsck();
	assert_false(cf_volume_exists(vol, "just-right"));
	assert_int_equal(cf_volume_delete(vol, "EFI", &err), -1);
	assert_int_equal(err.code, CF_E_REFUSED);
	close_volume();
}

static void each_kind(void (*scenario)(void))
{
	NEED_TOOL("mkfs.fat");
	NEED_TOOL("fsck.fat");
	NEED_TOOL("mcopy");
	for (size_t i = 0; i < CF_ARRAY_LEN(kinds); i++) {
		uint8_t boot[2][512];
		kind = &kinds[i];
		scenario();
		/* the boot sector, with the volume's serial number, is as it was made */
		CF_BUF image = { 0 };
		assert_int_equal(tool_output(&image, "head -c 512 f.img"), 0);
		memcpy(boot[0], image.p, 512);
		make_volume();
		assert_int_equal(tool_output(&image, "head -c 512 f.img"), 0);
		memcpy(boot[1], image.p, 512);
		assert_memory_equal(boot[0], boot[1], 512);
	}
	unlink("f.img");
}

#define TEST(name)                          \
	static void test_##name(void **state) \
	{                                   \
		(void)state;                \
		each_kind(scenario_##name); \
	}
TEST(read)
TEST(replace)
TEST(create)
TEST(many)
TEST(full)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read), cmocka_unit_test(test_replace), cmocka_unit_test(test_create),
		cmocka_unit_test(test_many), cmocka_unit_test(test_full),
	};
	return cmocka_run_group_tests_name("fat", tests, tool_setup, tool_teardown);
}
