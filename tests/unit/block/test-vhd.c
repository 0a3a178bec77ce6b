/* test-vhd.c - VHD footers: real, made, damaged, hostile; fixed VHDs read and written in place.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fixture.h"

#include "base/endian.h"
#include "block/vhd.h"

static void put32(uint8_t *p, uint32_t v)
{
	cf_st32(p, __builtin_bswap32(v));
}

static void sign(uint8_t f[512])
{
	uint32_t sum = 0;
	put32(f + 64, 0);
	for (int i = 0; i < 512; i++)
		sum += f[i];
	put32(f + 64, ~sum);
}

static const uint8_t id[16] = "0123456789abcde";

static void test_build_and_parse(void **state)
{
	(void)state;
	struct cf_vhd_footer v;
	struct cf_error err = { 0 };
	uint8_t f[512];
	cf_vhd_build(UINT64_C(127) << 30, id, 946684800 + 77, f);
	assert_int_equal(cf_vhd_parse(cf_span_of(f, 512), &v, &err), 0);
	assert_int_equal(v.type, CF_VHD_FIXED);
	assert_true(v.current_size == UINT64_C(127) << 30 && v.original_size == v.current_size);
	assert_int_equal(f[27], 77);
	/* What the specification's algorithm gives for 127 GiB: 4064 sectors less than the size. */
	assert_int_equal(v.cylinders, 65278);
	assert_int_equal(v.heads, 16);
	assert_int_equal(v.sectors, 255);
	assert_true(UINT64_C(127) * 2097152 - (uint64_t)v.cylinders * v.heads * v.sectors == 4064);
	assert_memory_equal(v.id, id, 16);
	uint16_t c;
	uint8_t h, s;
	cf_vhd_geometry(UINT64_C(4) << 40, &c, &h, &s);
	assert_true(c == 65535 && h == 16 && s == 255);
	cf_vhd_geometry(3 << 20, &c, &h, &s);
	assert_true(c == 90 && h == 4 && s == 17);
}

static void test_hostile_footers(void **state)
{
	(void)state;
	struct cf_vhd_footer v;
	struct cf_error err = { 0 };
	uint8_t f[512];
	for (int i = 0; i < 512; i++) { /* every single flipped bit is noticed */
		cf_vhd_build(1 << 20, id, 0, f);
		f[i] ^= 0x10;
		assert_int_equal(cf_vhd_parse(cf_span_of(f, 512), &v, &err), -1);
	}
	static const struct {
		unsigned at;
		uint32_t value;
		const char *text;
	} bad[] = {
		{ 12, 0x00020000, "version" }, { 60, 1, "type" },          { 60, 5, "type" },
		{ 52, 0, "size" },             { 52, 513, "size" },        { 48, 0x7fffffff, "size" },
		{ 48, 0xffffffff, "size" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cf_vhd_build(1 << 20, id, 0, f);
		put32(f + bad[i].at, bad[i].value);
		sign(f);
		assert_int_equal(cf_vhd_parse(cf_span_of(f, 512), &v, &err), -1);
		assert_int_equal(err.code, CF_E_CORRUPT);
		assert_non_null(strstr(err.message, bad[i].text));
	}
	cf_vhd_build(1 << 20, id, 0, f);
	assert_int_equal(cf_vhd_parse(cf_span_of(f, 510), &v, &err), -1);
	assert_int_equal(cf_vhd_parse(cf_span_of(f, 0), &v, &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_int_equal(cf_vhd_parse(cf_span_of(f, 511), &v, &err), 0);
}

static void make_fixed(const char *path, uint64_t size, const char *creator, size_t footer_len)
{
	uint8_t f[512];
	cf_vhd_build(size, id, 0, f);
	memcpy(f + 28, creator, 4);
	put32(f + 56, 0x00010401); /* geometry: 1 cylinder, 4 heads, 1 sector: 2 KiB */
	sign(f);
	make_file(path, NULL, 0, (off_t)size);
	patch_file(path, (off_t)size, f, footer_len);
}

static void test_fixed_in_place(void **state)
{
	struct fixture *fx = *state;
	struct cf_error err = { 0 };
	char before[65], after[65];
	static const struct {
		const char *name;
		const char *creator;
		size_t footer;
	} kinds[] = { { "azure.vhd", "wa\0", 512 }, { "old.vhd", "vpc ", 511 }, { "noname", "win ", 512 } };
	for (size_t i = 0; i < 3; i++) {
		const char *p = in_dir(fx, kinds[i].name);
		uint8_t buf[4] = { 0 };
		make_fixed(p, 3 << 20, kinds[i].creator, kinds[i].footer);
		file_hash(p, before);
		struct cf_disk *d = expect_open(p, &(struct cf_disk_options){ .writable = true });
		assert_int_equal(d->format, CF_FMT_VHD_FIXED);
		assert_true(d->block->size == 3 << 20); /* not what the geometry says */
		assert_int_equal(cf_block_write(d->block, (3 << 20) - 4, "last", 4, &err), 0);
		assert_int_equal(cf_block_write(d->block, 3 << 20, "x", 1, &err), -1); /* the footer is out of reach */
		assert_int_equal(cf_block_read_direct(d->block, (3 << 20) - 4, buf, 4, &err), 0);
		assert_memory_equal(buf, "last", 4);
		assert_int_equal(cf_block_write(d->block, (3 << 20) - 4, "\0\0\0\0", 4, &err), 0);
		cf_disk_close(d);
		file_hash(p, after);
		assert_string_equal(before, after);
	}
}

/* The guest's first bytes mean nothing when there is a footer. */
static void test_fixed_with_guest_header(void **state)
{
	struct fixture *fx = *state;
	const char *p = in_dir(fx, "guest.vhd");
	make_fixed(p, 1 << 20, "win ", 512);
	patch_file(p, 0, "QFI\xfb\0\0\0\3\0\0\0\0\0\0\1\0\0\0\0\013", 20);
	patch_file(p, 256, "/etc/passwd", 11);
	struct cf_disk *d = expect_open(p, &(struct cf_disk_options){ .writable = true });
	assert_int_equal(d->format, CF_FMT_VHD_FIXED);
	assert_true(d->block->size == 1 << 20);
	cf_disk_close(d);
}

static void test_damaged_files(void **state)
{
	struct fixture *fx = *state;
	struct cf_disk_options w = { .writable = true };
	const char *p = in_dir(fx, "cut.vhd");
	make_fixed(p, 1 << 20, "win ", 512);
	assert_int_equal(truncate(p, 1 << 20), 0);
	expect_refusal(p, NULL, CF_E_CORRUPT, "no VHD footer");
	p = in_dir(fx, "grown.vhd");
	make_fixed(p, 1 << 20, "win ", 512);
	uint8_t f[512];
	cf_vhd_build(1 << 20, id, 0, f);
	patch_file(p, 2 << 20, f, 512);
	expect_refusal(p, &w, CF_E_CORRUPT, "footer says 1048576 bytes, but the file holds 2097152");
	p = in_dir(fx, "sum.vhd");
	make_fixed(p, 1 << 20, "win ", 512);
	patch_file(p, (1 << 20) + 100, "x", 1);
	expect_refusal(p, NULL, CF_E_CORRUPT, "checksum");
	struct cf_disk *d = expect_open(p, &(struct cf_disk_options){ .format = "raw" });
	assert_true(d->block->size == (1 << 20) + 512);
	cf_disk_close(d);
	/* A raw disk's guest can fake a footer, too. */
	p = in_dir(fx, "guest.raw");
	make_fixed(p, 1 << 20, "win ", 512);
	expect_refusal(p, NULL, CF_E_REFUSED, "--format=raw");
	d = expect_open(p, &(struct cf_disk_options){ .format = "vhd" });
	assert_true(d->block->size == 1 << 20);
	cf_disk_close(d);
	p = in_dir(fx, "saved.vhd");
	make_fixed(p, 1 << 20, "win ", 512);
	cf_vhd_build(1 << 20, id, 0, f);
	f[84] = 1;
	sign(f);
	patch_file(p, 1 << 20, f, 512);
	cf_disk_close(expect_open(p, NULL));
	expect_refusal(p, &w, CF_E_REFUSED, "--allow-checkpoints");
	w.allow_checkpoints = true;
	cf_disk_close(expect_open(p, &w));
}

static void test_differencing(void **state)
{
	struct fixture *fx = *state;
	uint8_t f[512];
	const char *p = in_dir(fx, "child.vhd");
	cf_vhd_build(1 << 20, id, 0, f);
	put32(f + 60, CF_VHD_DIFFERENCING);
	sign(f);
	make_file(p, f, 512, 8192);
	patch_file(p, 8192, f, 512);
	expect_refusal(p, NULL, CF_E_REFUSED, "differencing vhd");
	expect_refusal(p, &(struct cf_disk_options){ .allow_backing = true }, CF_E_REFUSED, "differencing");
}

static void test_real_files(void **state)
{
	struct fixture *fx = *state;
	const char *p = shared_file(fx, "vhd-vhdx-qcow2/WerWolv+ImHex-Patterns/vhd.hexpat.vhd");
	if (!p)
		SKIP("the shared images are not at hand");
	struct cf_disk *d = expect_open(p, NULL);
	assert_int_equal(d->format, CF_FMT_VHD_FIXED);
	assert_true(d->block->size == 3145728);
	cf_disk_close(d);
	p = shared_file(fx, "vhd-vhdx-qcow2/SecurityRonin+vhd-forensic/minimal.vhd");
	assert_non_null(p);
	uint8_t bytes[2560];
	struct cf_vhd_footer v;
	int fd = open(p, O_RDONLY);
	assert_int_equal(read(fd, bytes, sizeof bytes), 2560);
	close(fd);
	assert_int_equal(cf_vhd_parse(cf_span_of(bytes, 512), &v, NULL), 0);
	assert_int_equal(v.type, CF_VHD_DYNAMIC);
	assert_true(v.data_offset == 512);
	assert_int_equal(cf_vhd_check_header(cf_span_of(bytes + 512, 1024), NULL), 0);
	bytes[600] ^= 1;
	assert_int_equal(cf_vhd_check_header(cf_span_of(bytes + 512, 1024), NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_parse),
		cmocka_unit_test(test_hostile_footers),
		cmocka_unit_test_setup_teardown(test_fixed_in_place, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_fixed_with_guest_header, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_files, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_differencing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_real_files, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
