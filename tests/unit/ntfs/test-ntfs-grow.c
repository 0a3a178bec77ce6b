/* test-ntfs-grow.c - a volume that takes the room its partition has gained, judged by ntfs-3g's tools.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "volume/ntfs-internal.h"

struct growth {
	const char *options;
	uint32_t sector;
	uint64_t from, to; /* bytes of the partition */
	bool more_bitmap;  /* $Bitmap needs clusters that it does not have */
};

static const struct growth growths[] = {
	{ "-s 512 -c 512", 512, 8 * CF_MIB, 40 * CF_MIB, true },
	{ "-s 512 -c 512", 512, 8 * CF_MIB, 8 * CF_MIB + 512, false },
	{ "-s 512 -c 4096", 512, 100 * CF_MIB, 120 * CF_MIB, false },
	{ "-s 512 -c 4096", 512, 100 * CF_MIB, 1100 * CF_MIB, true },
	{ "-s 512 -c 4096", 512, 128 * CF_MIB + 512, 1024 * CF_GIB, true }, /* the bitmap's cluster is full to the last bit */
	{ "-s 512 -c 4096", 512, 100 * CF_MIB, 100 * CF_MIB + 1024, false }, /* less than a cluster */
	{ "-s 512 -c 65536", 512, 96 * CF_MIB, 40 * CF_GIB, true },
	{ "-s 4096 -c 4096", 4096, 100 * CF_MIB, 300 * CF_MIB, true },
	{ "-s 4096 -c 65536", 4096, 96 * CF_MIB, 200 * CF_MIB, false },
};

/* Files until nothing goes in any more. Returns how many. */
static unsigned fill_up(const char *image, uint32_t sector)
{
	struct cf_block *b = open_image(image, sector, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	struct cf_error err = { 0 };
	unsigned n = 0;
	size_t size = 16 * CF_MIB;
	uint8_t *data = malloc(size);
	assert_non_null(data);
	while (size >= 256) {
		char path[40];
		snprintf(path, sizeof path, "\\file-%u.bin", n);
		fill(data, size, n + 7);
		struct cf_volume_space s;
		ok(cf_volume_space(v, &s, &err), err);
		/* A creation that fails midway may leave a file that is cut short: asked first. */
		if (s.free_bytes < size + 4 * s.cluster_size || cf_ntfs_create(v, path, cf_span_of(data, size), &err) < 0) {
			size /= 2;
			continue;
		}
		n++;
	}
	free(data);
	close_ok(v);
	cf_block_close(b);
	return n;
}

static uint64_t free_bytes(const char *image, uint32_t sector, struct cf_volume_space *s)
{
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, sector, false);
	struct cf_volume *v = mount_ok(b, CF_VOL_READ);
	ok(cf_volume_space(v, s, &err), err);
	close_ok(v);
	cf_block_close(b);
	return s->free_bytes;
}

/* One hash over the content, security, times, numbers and extents of every file, as ntfsinfo and ntfscat show them. */
static void describe(const char *image, unsigned files, struct cf_buf *out)
{
	out->n = 0;
	for (unsigned i = 0; i < files; i += i < 3 ? 1 : 97)
		assert_int_equal(run(out, "ntfsinfo -f -v -F file-%u.bin %s && ntfscat -f %s file-%u.bin | sha256sum", i, image, image, i), 0);
}

static void grow(const char *image, const struct growth *g, uint64_t fresh, struct cf_ntfs_grown *done)
{
	struct cf_error err = { 0 };
	assert_int_equal(truncate(image, (off_t)g->to), 0);
	struct cf_block *b = open_image(image, g->sector, true);
	ok(cf_ntfs_grow(b, fresh, 0, done, &err), err);
	uint64_t before = b->bytes_written;
	struct cf_ntfs_grown again;
	ok(cf_ntfs_grow(b, fresh, 0, &again, &err), err);
	assert_int_equal(b->bytes_written - before, 0);
	assert_int_equal(again.old_clusters, done->clusters);
	uint8_t first[4096], last[4096];
	ok(cf_block_read(b, 0, first, g->sector, &err), err);
	ok(cf_block_read(b, g->to - g->sector, last, g->sector, &err), err);
	assert_memory_equal(first, last, g->sector);
	assert_int_equal(cf_ld64(first + 0x28), g->to / g->sector - 1);
	cf_block_close(b);
}

static void check(const struct growth *g, bool full, uint64_t fresh)
{
	const char *image = temp("grow.img"), *fresh_one = temp("made.img");
	make_image(image, g->from, g->options);
	unsigned files = full ? fill_up(image, g->sector) : 0;
	CF_BUF before = { 0 };
	CF_BUF after = { 0 };
	struct cf_volume_space s;
	describe(image, files, &before);
	uint64_t free_before = free_bytes(image, g->sector, &s);
	if (full)
		assert_true(free_before < 16 * s.cluster_size);

	struct cf_ntfs_grown done;
	grow(image, g, fresh, &done);
	assert_int_equal(done.bitmap_clusters > 0, g->more_bitmap);
	uint64_t gained = (done.clusters - done.old_clusters - done.bitmap_clusters) * done.cluster_size;
	assert_int_equal(free_bytes(image, g->sector, &s), free_before + gained);
	check_consistent(image);
	describe(image, files, &after);
	assert_int_equal(before.n, after.n);
	if (before.n)
		assert_memory_equal(before.p, after.p, before.n);

	/* As many clusters as a volume that was made that large. */
	CF_BUF made = { 0 };
	CF_BUF grown = { 0 };
	make_image(fresh_one, g->to, g->options);
	assert_int_equal(run(&made, "ntfsinfo -m %s | grep -E 'Volume Size in Clusters|Cluster Size'", fresh_one), 0);
	assert_int_equal(run(&grown, "ntfsinfo -m %s | grep -E 'Volume Size in Clusters|Cluster Size'", image), 0);
	assert_int_equal(made.n, grown.n);
	assert_memory_equal(made.p, grown.p, made.n);

	/* What was gained can be used. */
	if (gained > 10 * CF_MIB) {
		struct cf_error err = { 0 };
		struct cf_block *b = open_image(image, g->sector, true);
		struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
		CF_FREE uint8_t *data = calloc(1, 8 * CF_MIB);
		assert_non_null(data);
		ok(cf_ntfs_create(v, "\\grown.bin", cf_span_of(data, 8 * CF_MIB), &err), err);
		close_ok(v);
		cf_block_close(b);
		check_consistent(image);
	}
	unlink(image);
	unlink(fresh_one);
}

static void grows_an_empty_volume(void **state)
{
	(void)state;
	for (size_t i = 0; i < CF_ARRAY_LEN(growths); i++) {
		struct growth g = growths[i];
		check(&g, false, 0);
	}
}

static void grows_a_full_volume(void **state)
{
	(void)state;
	static const size_t some[] = { 0, 1, 3, 6, 7 };
	for (size_t i = 0; i < CF_ARRAY_LEN(some); i++)
		check(&growths[some[i]], true, i % 2 ? growths[some[i]].from : 0);
}

/* $Bitmap in single clusters, so that its extents need four MFT records, and bad clusters in $BadClus. ntfsresize would not change such a volume, but it
 * still accounts for every cluster. */
static void grows_a_bitmap_in_several_records(void **state)
{
	(void)state;
	const char *image = temp("split.img"), *populate = getenv("NTFS_POPULATE");
	const struct growth g = { "-s 512 -c 512", 512, 2 * CF_GIB, 3 * CF_GIB + 512, true };
	static const char accounting[] = "ntfsresize --info -f --bad-sectors %s 2>&1 | grep -E 'Accounting|accounting|Highly'";
	CF_BUF before = { 0 };
	CF_BUF after = { 0 };
	CF_BUF said = { 0 };
	struct cf_volume_space s;
	struct cf_ntfs_grown done;
	if (!populate || access(populate, X_OK) < 0)
		skip();
	make_image(image, g.from, g.options);
	assert_int_equal(run(NULL, "printf 'split-bad\\t150\\nsplit-bitmap\\nfill\\tfile-0.bin\\t5000000\\n' | %s %s", populate, image), 0);
	assert_int_equal(run(NULL, "test $(ntfsinfo -f -v -i 6 %s | grep -c 'Highest VCN:') -gt 3", image), 0);
	assert_int_equal(run(&said, accounting, image), 0);
	describe(image, 1, &before);
	uint64_t free_before = free_bytes(image, g.sector, &s);
	grow(image, &g, 0, &done);
	assert_true(done.bitmap_clusters > 0);
	assert_int_equal(free_bytes(image, g.sector, &s), free_before + (done.clusters - done.old_clusters - done.bitmap_clusters) * done.cluster_size);
	assert_int_equal(s.total_bytes, done.clusters * done.cluster_size);
	describe(image, 1, &after);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.p, after.p, before.n);
	CF_BUF now = { 0 };
	assert_int_equal(run(&now, accounting, image), 0);
	assert_int_equal(said.n, now.n);
	assert_memory_equal(said.p, now.p, now.n);
	uint64_t last = ((done.clusters + 7) / 8 + 511) / 512 - 1;
	assert_int_equal(run(NULL, "ntfsfix -n %s", image), 0);
	assert_int_equal(run(NULL, "ntfsinfo -f -v -i 6 %s | grep -q 'Highest VCN:[^0-9]*%llu '", image, (unsigned long long)last), 0);
	assert_int_equal(run(NULL, "ntfsinfo -f -v -i 8 %s | grep -q 'Highest VCN:[^0-9]*%llu '", image, (unsigned long long)done.clusters - 1), 0);
	unlink(image);
}

static void refuses(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	struct cf_ntfs_grown done;
	const char *image = temp("refuse.img");
	make_image(image, 40 * CF_MIB, "-s 512 -c 512");
	/* 2^32 clusters of 512 bytes are 2 TiB. */
	assert_int_equal(truncate(image, (off_t)(2049 * CF_GIB)), 0);
	struct cf_block *b = open_image(image, 512, true);
	assert_int_equal(cf_ntfs_grow(b, 0, 0, &done, &err), -1);
	assert_int_equal(err.code, CF_E_REFUSED);
	assert_int_equal(b->bytes_written, 0);
	cf_block_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_an_empty_volume),
		cmocka_unit_test(grows_a_full_volume),
		cmocka_unit_test(grows_a_bitmap_in_several_records),
		cmocka_unit_test(refuses),
	};
	if (!have_tools()) {
		printf("1..0 # SKIP ntfs-3g's tools are missing\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
