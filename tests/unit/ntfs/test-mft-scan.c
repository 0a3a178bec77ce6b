/* test-mft-scan.c - the MFT scanner against libntfs-3g, file by file and run by run; damage; the check of $Bitmap.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Volumes come from mkntfs and the disk factory's ntfs-populate (environment NTFS_POPULATE).
 */
#include "craft.h"
#include "mft-compare.h"
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "volume/mft-internal.h"

/* Everything that a volume can hold in one manifest; %u: clusters of the fragmented pair. */
static const char everything[] =
	"now\t1700000000\n"
	"many\tmany\t300\t20\n"
	"text\tsmall.txt\tresident\n"
	"fill\tbig.bin\t700000\n"
	"sparse\tholes.bin\t9000000\n"
	"%s"
	"fill\tshared.dll\t50000\n"
	"link\ta/shared.dll\tshared.dll\n"
	"link\tb/shared.dll\tshared.dll\n"
	"link\tb/another name.dll\tshared.dll\n"
	"text\ta/a long name.txt\tx\n"
	"dosname\ta/a long name.txt\tALONGN~1.TXT\n"
	"stream\tbig.bin\tZone.Identifier\t26\n"
	"stream\tbig.bin\tlarge\t300000\n"
	"stream\tsmall.txt\tså här\t70000\n"
	"junction\tjump\tC:\\\\a\n"
	"fragment\tpieces.bin\tother.bin\t%u\n"
	"mkdir\tempty\n"
	"time\tsmall.txt\t1600000000\n"
	"report\n";

static const char *populate(void)
{
	return getenv("NTFS_POPULATE");
}

static void fill_image(const char *image, const char *manifest)
{
	const char *path = temp("manifest");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(manifest, f);
	fclose(f);
	/* libntfs-3g forgets a name of each junction. */
	if (run(NULL, "ASAN_OPTIONS=detect_leaks=0 '%s' '%s' '%s'", populate(), image, path) != 0)
		fail_msg("ntfs-populate failed");
}

static void make_everything(const char *image, const char *options, uint64_t size, bool compression, unsigned pieces)
{
	char manifest[4096];
	make_image(image, size, options);
	snprintf(manifest, sizeof manifest, everything, compression ? "compressed\tpacked.bin\t900000\n" : "", pieces);
	fill_image(image, manifest);
}

static void everything_case(const char *options, uint32_t sector_size, uint64_t size, bool compression, unsigned pieces)
{
	struct cf_mft_stats stats;
	if (!have_tools() || !populate())
		skip();
	const char *image = temp("everything.img");
	make_everything(image, options, size, compression, pieces);
	struct compare c = compare_image(image, sector_size, false, &stats);
	print_message("# %s: %llu files, %llu extension records, up to %llu extents in %llu pieces\n", options,
		      (unsigned long long)stats.files, (unsigned long long)stats.extensions, (unsigned long long)c.most_extents,
		      (unsigned long long)c.most_pieces);
	assert_true(c.most_extents >= pieces && c.most_pieces > 1 && c.streams >= 3 && c.reparse == 1 && c.links >= 1);
	assert_int_equal(c.packed, compression);
	assert_int_equal(c.damaged, 0);
	/* The same without keeping extension records: read again one by one. */
	struct cf_mft_stats again;
	compare_image(image, sector_size, true, &again);
	assert_memory_equal(&again, &stats, sizeof stats);
	struct cf_extent_check check = check_image(image, sector_size);
	CF_FREE char *text = cf_extent_check_text(&check);
	if (!cf_extent_check_sound(&check) || text)
		fail_msg("%s: %s", options, text);
	assert_int_equal(check.owned, check.marked);
	unlink(image);
}

static void test_usual(void **state)
{
	(void)state;
	everything_case("-c 4096 -L usual", 512, 64 * CF_MIB, true, 1500);
}

static void test_small_clusters(void **state)
{
	(void)state;
	everything_case("-c 512", 512, 32 * CF_MIB, true, 1500);
}

static void test_large_clusters(void **state)
{
	(void)state;
	everything_case("-c 65536", 512, 400 * CF_MIB, false, 1100);
}

static void test_large_sectors(void **state)
{
	(void)state;
	everything_case("-s 4096 -c 4096", 4096, 400 * CF_MIB, true, 4000);
}

/* ---- damage ---- */

#define SMALL "now\t1700000000\nmany\tmany\t40\t10\nfill\ta\t40960\nfill\tb\t40960\nfragment\tpieces\tother\t800\n"

static const char *small_image(void)
{
	const char *image = temp("small.img");
	make_image(image, 32 * CF_MIB, "-c 4096");
	fill_image(image, SMALL);
	return image;
}

struct find {
	struct cf_span name; /* UTF-16LE */
	uint64_t record, lcn, extension;
	bool damaged, seen;
	uint64_t extents;
};

static int find_file(void *user, const struct cf_mft_file *f)
{
	struct find *w = user;
	for (size_t i = 0; i < f->name_count; i++) {
		if (f->names[i].name.n != w->name.n || memcmp(f->names[i].name.p, w->name.p, w->name.n) != 0)
			continue;
		const struct cf_mft_stream *s = cf_mft_stream(f, CF_NTFS_AT_DATA, NULL);
		w->seen = true;
		w->record = f->record;
		w->damaged = f->damaged;
		w->lcn = s && s->run_count ? s->runs[0].lcn : 0;
		w->extents = s ? s->extents : 0;
		w->extension = f->extension_count ? f->extensions[f->extension_count / 2] : 0;
	}
	return 0;
}

static struct find find_in(struct cf_block *b, const char *name, struct cf_mft_stats *stats)
{
	CF_BUF wide = { 0 };
	struct cf_error err = { 0 };
	assert_int_equal(cf_utf8_to_utf16(name, &wide), 0);
	struct find w = { .name = cf_buf_span(&wide) };
	struct cf_mft *m = open_mft(b);
	ok(cf_mft_scan(m, find_file, &w, stats, &err), err);
	cf_mft_close(m);
	return w;
}

static struct find find_name(const char *image, const char *name, struct cf_mft_stats *stats)
{
	struct cf_block *b = open_image(image, 512, false);
	struct find w = find_in(b, name, stats);
	cf_block_close(b);
	return w;
}

/* Where an MFT record lies: these volumes' $MFT is one extent or its start is enough. */
static uint64_t place_of(const char *image, uint64_t record)
{
	struct cf_block *b = open_image(image, 512, false);
	struct cf_mft *m = open_mft(b);
	uint64_t at = record * m->boot.record_size, place = 0;
	for (size_t i = 0; i < m->run_count; i++) {
		uint64_t first = m->runs[i].vcn * m->boot.cluster_size, n = m->runs[i].count * m->boot.cluster_size;
		if (at >= first && at < first + n)
			place = m->runs[i].lcn * m->boot.cluster_size + at - first;
	}
	cf_mft_close(m);
	cf_block_close(b);
	assert_true(place > 0);
	return place;
}

static void poke(const char *image, uint64_t at, const void *p, size_t n)
{
	int fd = open(image, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0 && pwrite(fd, p, n, (off_t)at) == (ssize_t)n);
	close(fd);
}

static void test_bad_records(void **state)
{
	(void)state;
	if (!have_tools() || !populate())
		skip();
	const char *image = small_image();
	struct cf_mft_stats sound, stats;
	uint64_t a = find_name(image, "a", &sound).record;
	assert_int_equal(sound.bad + sound.damaged + sound.orphans, 0);
	/* A torn record: it and nothing else is missing. */
	uint64_t at = place_of(image, a);
	poke(image, at + 510, "\xaa\x55", 2);
	assert_false(find_name(image, "a", &stats).seen);
	assert_int_equal(stats.bad, 1);
	assert_int_equal(stats.files, sound.files - 1);
	struct find b = find_name(image, "b", &stats);
	assert_true(b.seen && !b.damaged && b.extents == 1);
	/* And one that isn't a record at all. */
	poke(image, place_of(image, b.record), "ABCD", 4);
	assert_false(find_name(image, "b", &stats).seen);
	assert_int_equal(stats.bad, 2);
	struct cf_extent_check c = check_image(image, 512);
	assert_int_equal(c.lost, 20);
	CF_FREE char *text = cf_extent_check_text(&c);
	assert_string_equal(text, "20 clusters are marked as used but belong to no file, 2 MFT records are damaged");
	unlink(image);
}

static void test_bad_extensions(void **state)
{
	(void)state;
	if (!have_tools() || !populate())
		skip();
	const char *image = small_image();
	struct cf_mft_stats stats;
	struct find p = find_name(image, "pieces", &stats);
	assert_true(p.seen && p.extension && p.extents == 800 && !p.damaged);
	uint64_t at = place_of(image, p.extension);
	/* It says that it belongs to another file: an orphan, and the file's runs have a gap. */
	uint8_t base[8] = { 5, 0, 0, 0, 0, 0, 5, 0 };
	poke(image, at + 0x20, base, sizeof base);
	struct find w = find_name(image, "pieces", &stats);
	assert_true(w.seen && w.damaged && w.extents < 800 && w.extents > 100);
	assert_int_equal(stats.orphans, 1);
	assert_int_equal(stats.damaged, 1);
	struct cf_extent_check c = check_image(image, 512);
	assert_true(!cf_extent_check_sound(&c) && c.lost == 800 - w.extents);
	/* Its sequence number is wrong: the list means an older one. */
	cf_st64(base, p.record | UINT64_C(1) << 48);
	poke(image, at + 0x20, base, sizeof base);
	assert_false(find_name(image, "pieces", &stats).damaged);
	poke(image, at + 0x10, "\x99\x00", 2);
	assert_true(find_name(image, "pieces", &stats).damaged);
	assert_int_equal(stats.orphans, 1);
	unlink(image);
}

static void test_faults_of_the_bitmap(void **state)
{
	(void)state;
	if (!have_tools() || !populate())
		skip();
	const char *image = small_image();
	struct cf_mft_stats stats;
	struct find a = find_name(image, "a", &stats), b = find_name(image, "b", &stats);
	assert_int_equal(craft_bitmap(image, 7000, 3, 1), 0);
	struct cf_extent_check c = check_image(image, 512);
	assert_true(c.lost == 3 && !c.unmarked && !c.cross_linked && c.examples == 1);
	assert_true(c.example[0].fault == CF_EXTENT_LOST && c.example[0].lcn == 7000 && c.example[0].count == 3);
	assert_int_equal(craft_bitmap(image, 7000, 3, 0), 0);
	assert_int_equal(craft_bitmap(image, a.lcn + 2, 5, 0), 0);
	c = check_image(image, 512);
	assert_true(c.unmarked == 5 && !c.lost && !c.cross_linked && c.examples == 1);
	assert_true(c.example[0].fault == CF_EXTENT_UNMARKED && c.example[0].lcn == a.lcn + 2 && c.example[0].count == 5);
	assert_true(c.example[0].record == a.record);
	assert_int_equal(craft_bitmap(image, a.lcn + 2, 5, 1), 0);
	assert_int_equal(craft_cross_link(image, "b", "a"), 0);
	c = check_image(image, 512);
	assert_true(c.cross_linked == 10 && c.lost == 10 && !c.unmarked && !c.scan.damaged);
	CF_FREE char *text = cf_extent_check_text(&c);
	assert_string_equal(text, "10 clusters belong to more than one file, 10 clusters are marked as used but belong to no file");
	unsigned i = c.example[0].fault == CF_EXTENT_CROSS_LINKED ? 0 : 1;
	assert_true(c.examples == 2 && c.example[i].fault == CF_EXTENT_CROSS_LINKED && c.example[i].lcn == a.lcn);
	assert_true(c.example[i].count == 10 && c.example[i].record == b.record && c.example[i].other == a.record);
	/* libntfs-3g's own judge sees the same. */
	CF_BUF out = { 0 };
	(void)!run(&out, "ntfsresize -f -i %s 2>&1", image);
	assert_int_equal(cf_buf_append(&out, "", 1), 0);
	assert_non_null(strstr((char *)out.p, "10 clusters are referenced multiple times"));
	unlink(image);
}

static int stop_at_once(void *user, const struct cf_mft_file *f)
{
	(void)f;
	return ++*(int *)user == 3 ? 77 : 0;
}

static int cancel(void *user, uint64_t done, uint64_t total)
{
	(void)user;
	assert_true(done && done <= total);
	return 1;
}

static int count_file(void *user, const struct cf_mft_file *f)
{
	(void)f;
	++*(int *)user;
	return 0;
}

static void test_stops_and_failures(void **state)
{
	(void)state;
	if (!have_tools() || !populate())
		skip();
	const char *image = small_image();
	struct cf_block *b = open_image(image, 512, false);
	struct cf_error err = { 0 };
	struct cf_mft *m = open_mft(b);
	struct cf_mft_stats stats;
	int n = 0;
	assert_int_equal(cf_mft_scan(m, stop_at_once, &n, NULL, &err), 77);
	assert_int_equal(n, 3);
	cf_mft_progress(m, cancel, NULL);
	assert_int_equal(cf_mft_scan(m, count_file, &n, NULL, &err), -1);
	assert_int_equal(err.code, CF_E_CANCELLED);
	cf_mft_progress(m, NULL, NULL);
	assert_int_equal(cf_mft_one(m, 1000000, count_file, &n, &err), -1);
	assert_int_equal(cf_mft_one(m, CF_NTFS_REC_BITMAP, count_file, &n, &err), 0);
	uint64_t records = cf_mft_geometry(m)->records;
	cf_mft_close(m);
	/* One read that fails is made good record by record. */
	struct cf_block *f = cf_fault_open(b, 0, 0, &err);
	assert_non_null(f);
	m = open_mft(f);
	uint64_t reads_of_open = 4;
	cf_mft_close(m);
	cf_block_close(f);
	for (uint64_t fail = reads_of_open; fail < reads_of_open + 6; fail++) {
		f = cf_fault_open(b, fail, 0, &err);
		m = cf_mft_open(f, &err);
		n = 0;
		if (m) {
			ok(cf_mft_scan(m, count_file, &n, &stats, &err), err);
			assert_true(stats.bad <= 1 && (uint64_t)n == stats.files);
		}
		cf_mft_close(m);
		cf_block_close(f);
	}
	/* The end of the volume is missing: what is there is given, the rest counted. */
	struct cf_block *cut = cf_slice_open(b, 0, place_of(image, records / 2), &err);
	m = open_mft(cut);
	n = 0;
	ok(cf_mft_scan(m, count_file, &n, &stats, &err), err);
	assert_true(stats.records == records && stats.bad >= records / 4 && n > 15);
	struct cf_extent_check c;
	assert_int_equal(cf_mft_check(m, &c, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	cf_mft_close(m);
	cf_block_close(cut);
	cf_block_close(b);
	unlink(image);
}

/* Damage at random: no crash, every invariant of the header kept, and the check ends. */
static int sane_file(void *user, const struct cf_mft_file *f)
{
	const struct cf_mft_geometry *g = user;
	uint64_t sum = 0;
	assert_true(f->record < g->records);
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *s = &f->streams[i];
		uint64_t next = 0;
		for (size_t k = 0; k < s->run_count; k++) {
			const struct cf_mft_run *r = &s->runs[k];
			assert_true(r->count > 0 && r->vcn >= next);
			next = r->vcn + r->count;
			assert_true(r->lcn == CF_MFT_HOLE || (r->lcn < g->clusters && r->count <= g->clusters - r->lcn));
			sum += r->lcn == CF_MFT_HOLE ? 0 : r->count * g->cluster_size;
		}
		for (size_t k = 0; k < s->value.n; k++)
			*(volatile const uint8_t *)&s->value.p[k];
		assert_true(s->initialized <= s->size && s->size <= INT64_MAX);
	}
	assert_int_equal(sum, f->allocated);
	return 0;
}

static void test_random_damage(void **state)
{
	(void)state;
	if (!have_tools() || !populate())
		skip();
	const char *image = small_image();
	struct cf_block *b = open_image(image, 512, false);
	uint8_t *bytes = malloc(b->size);
	struct cf_error err = { 0 };
	assert_non_null(bytes);
	ok(cf_block_read(b, 0, bytes, b->size, &err), err);
	struct cf_block *mem = cf_memory_open(bytes, b->size, 512, &err);
	struct cf_mft *m = open_mft(b);
	uint64_t mft = m->runs[0].lcn * 4096, length = m->runs[0].count * 4096;
	cf_mft_close(m);
	unsigned opened = 0, damaged = 0;
	for (uint32_t round = 1; round <= 300; round++) {
		uint32_t seed = round * 2654435761u;
		uint64_t at[8];
		for (unsigned i = 0; i < 8; i++) {
			/* Heads of records, where the numbers are; never where fix-ups lie. */
			at[i] = mft + next_random(&seed) % (length / 1024) * 1024 + next_random(&seed) % 500;
			uint8_t v = (uint8_t)(next_random(&seed) % 3 ? next_random(&seed) : 0xff);
			ok(cf_block_write(mem, at[i], &v, 1, &err), err);
		}
		m = cf_mft_open(mem, &err);
		struct cf_extent_check c;
		struct cf_mft_stats stats = { 0 };
		if (m) {
			opened++;
			ok(cf_mft_scan(m, sane_file, &m->geometry, &stats, &err), err);
			damaged += stats.damaged || stats.bad || stats.orphans;
			(void)!cf_mft_check(m, &c, &err);
		}
		cf_mft_close(m);
		for (unsigned i = 0; i < 8; i++)
			ok(cf_block_write(mem, at[i], bytes + at[i], 1, &err), err);
	}
	print_message("# 300 rounds: %u could be opened, %u showed damage\n", opened, damaged);
	assert_true(opened > 200 && damaged > 100);
	free(bytes);
	cf_block_close(mem);
	cf_block_close(b);
	unlink(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_small_clusters),
		cmocka_unit_test(test_large_clusters),
		cmocka_unit_test(test_large_sectors),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_bad_extensions),
		cmocka_unit_test(test_faults_of_the_bitmap),
		cmocka_unit_test(test_stops_and_failures),
		cmocka_unit_test(test_random_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
