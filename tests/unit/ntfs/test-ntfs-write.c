/* test-ntfs-write.c - what the driver writes, judged by ntfs-3g's tools, over sector and cluster sizes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "support.h"
#include "craft.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "volume/ntfs-internal.h"

static uint8_t *bytes(size_t n, uint32_t seed)
{
	uint8_t *p = malloc(n ? n : 1);
	assert_non_null(p);
	fill(p, n, seed);
	return p;
}

static void expect_content(const char *image, const char *path, const void *p, size_t n)
{
	CF_BUF out = { 0 };
	assert_int_equal(run(&out, "ntfscat -f %s '%s'", image, path), 0);
	if (out.n != n || (n && memcmp(out.p, p, n) != 0))
		fail_msg("%s: ntfscat reads %zu bytes, not the %zu that were written", path, out.n, n);
}

static void hash_image(const char *path, char hex[65])
{
	CF_BUF out = { 0 };
	assert_int_equal(run(&out, "sha256sum < %s", path), 0);
	memcpy(hex, out.p, 64);
	hex[64] = 0;
}

struct geometry {
	const char *options;
	uint32_t sector;
	uint64_t size;
};

static const struct geometry geometries[] = {
	{ "-s 512 -c 512", 512, 24 * CF_MIB },     { "-s 512 -c 1024", 512, 24 * CF_MIB },
	{ "-s 512 -c 4096", 512, 32 * CF_MIB },    { "-s 512 -c 65536", 512, 96 * CF_MIB },
	{ "-s 4096 -c 4096", 4096, 32 * CF_MIB },  { "-s 4096 -c 65536", 4096, 96 * CF_MIB },
	{ "-s 512 -c 131072", 512, 400 * CF_MIB },
};

static const size_t sizes[] = { 0, 1, 600, 700, 4096, 5000, 65536, 300001 };

static void write_and_check(const char *image, const struct geometry *g)
{
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, g->sector, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_ntfs_mkdir(v, "\\Boot", &err), err);
	for (size_t i = 0; i < CF_ARRAY_LEN(sizes); i++) {
		char path[64];
		snprintf(path, sizeof path, "\\BOOT\\file%zu", i);
		CF_FREE uint8_t *p = bytes(sizes[i], (uint32_t)i);
		ok(cf_volume_create(v, path, cf_span_of(p, sizes[i]), &err), err);
	}
	ok(cf_volume_create(v, "\\Boot\\doomed", cf_span_of(g, sizeof *g), &err), err);
	ok(cf_volume_delete(v, "\\boot\\DOOMED", &err), err);
	assert_false(cf_volume_exists(v, "\\Boot\\doomed"));
	assert_int_equal(cf_volume_create(v, "\\Boot\\FILE3", cf_span_of(g, 1), &err), -1);
	assert_int_equal(err.code, CF_E_REFUSED);
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	for (size_t i = 0; i < CF_ARRAY_LEN(sizes); i++) {
		char path[64];
		snprintf(path, sizeof path, "/Boot/file%zu", i);
		CF_FREE uint8_t *p = bytes(sizes[i], (uint32_t)i);
		expect_content(image, path, p, sizes[i]);
	}
}

/* Every file gets every size: resident to non-resident and back, growing, shrinking. */
static void replace_and_check(const char *image, const struct geometry *g)
{
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, g->sector, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	for (size_t i = 0; i < CF_ARRAY_LEN(sizes); i++)
		for (size_t k = 0; k < CF_ARRAY_LEN(sizes); k++) {
			char path[64];
			snprintf(path, sizeof path, "/boot/FILE%zu", i);
			size_t n = sizes[(i + k) % CF_ARRAY_LEN(sizes)];
			CF_FREE uint8_t *p = bytes(n, (uint32_t)(100 + k));
			ok(cf_volume_replace(v, path, cf_span_of(p, n), &err), err);
			CF_BUF back = { 0 };
			ok(cf_volume_read_file(v, path, CF_MIB, &back, &err), err);
			assert_true(back.n == n && (!n || memcmp(back.p, p, n) == 0));
		}
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	CF_BUF info = { 0 };
	assert_int_equal(run(&info, "ntfsinfo -f -F /Boot/file6 %s", image), 0);
	assert_null(memmem(info.p, info.n, "SPARSE", 6)); /* growing must leave no sparse file behind */
	for (size_t i = 0; i < CF_ARRAY_LEN(sizes); i++) {
		char path[64];
		size_t k = CF_ARRAY_LEN(sizes) - 1, n = sizes[(i + k) % CF_ARRAY_LEN(sizes)];
		snprintf(path, sizeof path, "/Boot/file%zu", i);
		CF_FREE uint8_t *p = bytes(n, (uint32_t)(100 + k));
		expect_content(image, path, p, n);
	}
}

/* Opening for writing, reading everything and replacing with equal content changes no byte. */
static void nothing_written(const char *image, const struct geometry *g)
{
	char before[65], after[65];
	struct cf_error err = { 0 };
	hash_image(image, before);
	struct cf_block *b = open_image(image, g->sector, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	CF_BUF content = { 0 };
	ok(cf_volume_read_file(v, "\\boot\\file1", CF_MIB, &content, &err), err);
	ok(cf_volume_replace(v, "\\boot\\file1", cf_buf_span(&content), &err), err);
	close_ok(v);
	assert_true(b->bytes_written == 0);
	cf_block_close(b);
	hash_image(image, after);
	assert_string_equal(before, after);
}

static void test_geometries(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	for (size_t i = 0; i < CF_ARRAY_LEN(geometries); i++) {
		const char *image = temp("geometry.img");
		print_message("# mkntfs %s\n", geometries[i].options);
		make_image(image, geometries[i].size, geometries[i].options);
		write_and_check(image, &geometries[i]);
		replace_and_check(image, &geometries[i]);
		nothing_written(image, &geometries[i]);
		unlink(image);
	}
}

/* Only the pieces that differ are written. */
static void test_pieces(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("pieces.img");
	make_image(image, 32 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	size_t n = 4 * CF_MIB;
	CF_FREE uint8_t *p = bytes(n, 7);
	ok(cf_volume_create(v, "\\hive", cf_span_of(p, n), &err), err);
	uint64_t before = b->bytes_written;
	p[0] ^= 1;
	p[CF_MIB + 5] ^= 1;
	ok(cf_volume_replace(v, "\\hive", cf_span_of(p, n), &err), err);
	uint64_t written = b->bytes_written - before;
	assert_true(written >= 8192 && written <= 8192 + 16 * 1024); /* and the record, its mirror, the folder's index */
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	expect_content(image, "/hive", p, n);
}

struct seen {
	unsigned n;
	uint64_t total, next, at;
	bool contiguous_in_file;
};

static int see_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	struct seen *s = user;
	s->contiguous_in_file = s->n ? s->contiguous_in_file && file_off == s->next : file_off == 0;
	assert_true(offset != UINT64_MAX);
	s->n++;
	s->at = offset;
	s->next = file_off + len;
	s->total += len;
	return 0;
}

/* A volume filled with small files, every second one deleted, leaves only scattered room: a file in many pieces. */
static void test_full_and_fragmented(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("full.img");
	make_image(image, 16 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	CF_FREE uint8_t *p = bytes(4 * CF_MIB, 3);
	unsigned made = 0;
	char path[64];
	for (; made < 5000; made++) {
		snprintf(path, sizeof path, "\\small%u", made);
		if (cf_volume_create(v, path, cf_span_of(p, 8192), &err) < 0)
			break;
	}
	if (err.code != CF_E_NO_SPACE)
		fail_msg("a full volume gives \"%s\"", err.message);
	assert_true(made > 200);
	struct cf_volume_space space;
	for (unsigned i = 0; i < made; i += 2) {
		snprintf(path, sizeof path, "\\small%u", i);
		ok(cf_volume_delete(v, path, &err), err);
	}
	ok(cf_volume_space(v, &space, &err), err);
	close_ok(v);
	v = mount_ok(b, CF_VOL_WRITE);
	print_message("# made %u free %llu in %llu\n", made, (unsigned long long)space.free_bytes, (unsigned long long)space.free_extents);
	size_t n = (size_t)(space.free_bytes / 10 * 9);
	assert_true(n < 16 * CF_MIB && space.free_extents > 100);
	CF_FREE uint8_t *big = bytes(n, 9);
	ok(cf_volume_create(v, "\\pieces", cf_span_of(big, n), &err), err);
	struct cf_stat st;
	ok(cf_volume_stat(v, "\\PIECES", &st, &err), err);
	assert_true(st.fragments > 20);
	struct seen s = { 0 };
	struct cf_file *f = cf_file_open(v, "\\pieces", &err);
	assert_non_null(f);
	ok(cf_file_extents(f, see_extent, &s, &err), err);
	cf_file_close(f);
	assert_int_equal(s.n, st.fragments);
	assert_true(s.contiguous_in_file && s.total == st.allocated);
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	expect_content(image, "/pieces", big, n);
	CF_BUF info = { 0 };
	assert_int_equal(run(&info, "ntfsinfo -m -f %s | grep 'Free Clusters' | sed 's/.*: *//; s/ .*//'", image), 0);
	b = open_image(image, 512, false);
	v = mount_ok(b, CF_VOL_READ);
	ok(cf_volume_space(v, &space, &err), err);
	assert_int_equal(cf_buf_append(&info, "", 1), 0);
	assert_int_equal(strtoull((char *)info.p, NULL, 10), space.free_bytes / space.cluster_size);
	close_ok(v);
	cf_block_close(b);
}

static void test_what_is_left_alone(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("alone.img");
	make_image(image, 32 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	CF_FREE uint8_t *p = bytes(200000, 3);
	memset(p, 'x', 100000);
	ok(cf_volume_create(v, "\\streams", cf_span_of(p, 9000), &err), err);
	ok(cf_volume_create(v, "\\two names", cf_span_of(p, 9000), &err), err);
	ok(cf_volume_create(v, "\\link", cf_span_of(p, 9000), &err), err);
	ok(cf_volume_create(v, "\\efs", cf_span_of(p, 9000), &err), err);
	ok(cf_ntfs_mkdir(v, "\\packed", &err), err);
	close_ok(v);
	cf_block_close(b);
	assert_int_equal(craft_stream(image, "streams", "Zone.Identifier", "[ZoneTransfer]", 14), 0);
	assert_int_equal(craft_link(image, "two names", "packed", "second"), 0);
	assert_int_equal(craft_reparse(image, "link", 0xa000000c), 0);
	assert_int_equal(craft_attributes(image, "efs", 0x4000, 0), 0);
	assert_int_equal(craft_folder_compressed(image, "packed"), 0);
	assert_int_equal(craft_file(image, "packed", "lznt1", 0, p, 200000), 0);
	assert_int_equal(craft_file(image, "", "sparse", CF_MIB, p, 5000), 0);
	b = open_image(image, 512, true);
	v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_volume_replace(v, "\\streams", cf_span_of("short", 5), &err), err);
	uint64_t before = b->bytes_written;
	static const struct { const char *path; enum cf_code replace, delete; } cases[] = {
		{ "\\two names", CF_OK, CF_E_REFUSED },
		{ "\\link", CF_E_UNSUPPORTED, CF_E_REFUSED },
		{ "\\efs", CF_E_UNSUPPORTED, CF_OK },
		{ "\\packed\\lznt1", CF_E_UNSUPPORTED, CF_OK },
		{ "\\sparse", CF_E_UNSUPPORTED, CF_OK },
		{ "\\packed", CF_E_REFUSED, CF_E_REFUSED },
		{ "\\$MFT", CF_E_REFUSED, CF_E_REFUSED },
		{ "\\$Extend", CF_E_REFUSED, CF_E_REFUSED },
		{ "\\$Extend\\$Quota", CF_E_REFUSED, CF_E_REFUSED },
		{ "\\none", CF_E_NOT_FOUND, CF_E_NOT_FOUND },
		{ "\\link\\below", CF_E_NOT_FOUND, CF_E_NOT_FOUND },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
		if (cases[i].replace != CF_OK) {
			assert_int_equal(cf_volume_replace(v, cases[i].path, cf_span_of("y", 1), &err), -1);
			if (err.code != cases[i].replace)
				fail_msg("%s: %s", cases[i].path, err.message);
		}
		if (cases[i].delete != CF_OK) {
			assert_int_equal(cf_volume_delete(v, cases[i].path, &err), -1);
			if (err.code != cases[i].delete)
				fail_msg("%s: %s", cases[i].path, err.message);
		}
	}
	assert_int_equal(cf_volume_create(v, "\\no folder\\x", cf_span_of("y", 1), &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_int_equal(cf_volume_create(v, "\\what?", cf_span_of("y", 1), &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
	assert_true(b->bytes_written == before);
	CF_BUF back = { 0 };
	ok(cf_volume_read_file(v, "\\packed\\LZNT1", CF_MIB, &back, &err), err);
	assert_true(back.n == 200000 && memcmp(back.p, p, back.n) == 0);
	ok(cf_volume_read_file(v, "\\sparse", 2 * CF_MIB, &back, &err), err);
	assert_true(back.n == CF_MIB + 5000 && memcmp(back.p + CF_MIB, p, 5000) == 0 && !back.p[0] && !back.p[CF_MIB - 1]);
	assert_int_equal(cf_volume_read_file(v, "\\efs", CF_MIB, &back, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
	ok(cf_volume_delete(v, "\\packed\\lznt1", &err), err);
	ok(cf_volume_delete(v, "\\sparse", &err), err);
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	CF_BUF out = { 0 };
	assert_int_equal(run(&out, "ntfscat -f -n Zone.Identifier %s /streams", image), 0);
	assert_true(out.n == 14 && memcmp(out.p, "[ZoneTransfer]", 14) == 0);
	expect_content(image, "/streams", "short", 5);
}

/* A new file has a security descriptor of its own in $Secure, not "everyone". */
static void test_security(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("security.img");
	make_image(image, 16 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_volume_create(v, "\\new", cf_span_of("x", 1), &err), err);
	ok(cf_volume_create(v, "\\newer", cf_span_of("x", 1), &err), err);
	close_ok(v);
	cf_block_close(b);
	CF_BUF out = { 0 };
	assert_int_equal(run(&out, "ntfsinfo -v -f -F /new %s", image), 0);
	assert_null(memmem(out.p, out.n, "SECURITY_DESCRIPTOR", 19)); /* it has an id instead */
	const char *id = memmem(out.p, out.n, "Security ID:", 12);
	assert_non_null(id);
	assert_true(strtoul(id + 12, NULL, 0) >= 0x100);
	CF_BUF second = { 0 };
	assert_int_equal(run(&second, "ntfsinfo -v -f -F /newer %s", image), 0);
	const char *id2 = memmem(second.p, second.n, "Security ID:", 12);
	assert_non_null(id2);
	assert_true(strtoul(id + 12, NULL, 0) == strtoul(id2 + 12, NULL, 0));
	check_consistent(image);
}

typedef int (*operation)(struct cf_volume *v, const uint8_t *p, struct cf_error *err);

static int op_create(struct cf_volume *v, const uint8_t *p, struct cf_error *err)
{
	return cf_volume_create(v, "\\d\\f", cf_span_of(p, 300000), err);
}

static int op_grow(struct cf_volume *v, const uint8_t *p, struct cf_error *err)
{
	return cf_volume_replace(v, "\\d\\g", cf_span_of(p, 300000), err);
}

static int op_cut(struct cf_volume *v, const uint8_t *p, struct cf_error *err)
{
	return cf_volume_replace(v, "\\d\\g", cf_span_of(p + 1, 100), err);
}

static int op_delete(struct cf_volume *v, const uint8_t *p, struct cf_error *err)
{
	(void)p;
	return cf_volume_delete(v, "\\d\\g", err);
}

/* Lets the nth write fail, for every n there is. Returns how many there were. */
static unsigned fail_every_write(const char *image, const char *copy, operation op, const uint8_t *p)
{
	for (unsigned nth = 1; nth < 200; nth++) {
		copy_sparse(image, 0, 16 * CF_MIB, copy);
		struct cf_error err = { 0 };
		struct cf_block *b = open_image(copy, 512, true);
		struct cf_block *fault = cf_fault_open(b, 0, nth, &err);
		assert_non_null(fault);
		struct cf_volume *v = mount_ok(fault, CF_VOL_WRITE);
		bool failed = op(v, p, &err) < 0;
		failed |= cf_volume_close(v, &err) < 0;
		cf_block_close(fault);
		cf_block_close(b);
		if (!failed) { /* then the fault was never reached and all is well */
			check_consistent(copy);
			return nth - 1;
		}
		assert_int_equal(err.code, CF_E_IO);
	}
	fail();
	return 0;
}

/* A write that fails is reported, by the operation or at the latest by close. */
static void test_failing_writes(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("failing.img"), *copy = temp("failing-copy.img");
	make_image(image, 16 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	CF_FREE uint8_t *p = bytes(300000, 1);
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_ntfs_mkdir(v, "\\d", &err), err);
	ok(cf_volume_create(v, "\\d\\g", cf_span_of(p, 50000), &err), err);
	close_ok(v);
	cf_block_close(b);
	static const operation all[] = { op_create, op_grow, op_cut, op_delete };
	for (size_t i = 0; i < CF_ARRAY_LEN(all); i++)
		assert_true(fail_every_write(image, copy, all[i], p) > 3);
}

/* A volume of more than 2 TiB: clusters and sectors beyond 32 bits of bytes. The image is sparse. */
static void test_large(void **state)
{
	(void)state;
	const char *image = temp("large.img");
	struct cf_error err = { 0 };
	if (!have_tools() || run(NULL, "truncate -s 5T %s", image) != 0)
		skip();
	make_image(image, UINT64_C(5) << 40, "-c 65536");
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	struct cf_volume_space s;
	ok(cf_volume_space(v, &s, &err), err);
	assert_true(s.total_bytes > (UINT64_C(4) << 40) && s.largest_free_extent_bytes > (UINT64_C(1) << 40));
	/* Clusters from beyond 4 TiB: mark everything before as used, in the bitmap only. */
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *bitmap = cf_ntfs_stream_open((struct cf_ntfs *)v, CF_NTFS_REC_BITMAP, CF_NTFS_AT_DATA, NULL, &err);
	assert_non_null(bitmap);
	struct seen where = { 0 };
	ok(cf_ntfs_stream_extents(bitmap, see_extent, &where, &err), err);
	assert_int_equal(where.n, 1);
	size_t used = (size_t)((UINT64_C(4) << 40) / 65536 / 8);
	CF_FREE uint8_t *ones = malloc(used);
	assert_non_null(ones);
	memset(ones, 0xff, used);
	ok(cf_block_write(b, where.at, ones, used, &err), err);
	ok(cf_volume_create(v, "\\far", cf_span_of(ones, 200000), &err), err);
	struct cf_file *f = cf_file_open(v, "\\far", &err);
	assert_non_null(f);
	ok(cf_file_extents(f, see_extent, &where, &err), err);
	cf_file_close(f);
	assert_true(where.at >= (UINT64_C(4) << 40));
	close_ok(v);
	cf_block_close(b);
	expect_content(image, "/far", ones, 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometries), cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_full_and_fragmented), cmocka_unit_test(test_what_is_left_alone),
		cmocka_unit_test(test_security), cmocka_unit_test(test_failing_writes),
		cmocka_unit_test(test_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
