/* test-layers.c - dispatch, slice, memory, fault, raw files.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/overflow.h"

static void test_dispatch(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	uint8_t buf[16] = { 0 };
	struct cf_block *m = cf_memory_open("0123456789abcdef", 16, 512, &err);
	assert_non_null(m);
	assert_int_equal(cf_block_read(m, 10, buf, 6, &err), 0);
	assert_memory_equal(buf, "abcdef", 6);
	assert_int_equal(cf_block_read(m, 16, buf, 0, &err), 0);
	assert_int_equal(cf_block_read(m, 11, buf, 6, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	assert_true(err.has_offset && err.offset == 11);
	assert_int_equal(cf_block_read(m, UINT64_MAX, buf, 2, &err), -1);
	assert_int_equal(cf_block_write(m, 15, "zz", 2, &err), -1);
	assert_int_equal(cf_block_write(m, 0, "xy", 2, &err), 0);
	assert_int_equal(cf_block_read_direct(m, 0, buf, 3, &err), 0);
	assert_memory_equal(buf, "xy2", 3);
	assert_true(m->bytes_read == 9 && m->bytes_written == 2);
	m->read_only = true;
	assert_int_equal(cf_block_write(m, 0, "zz", 2, &err), -1);
	assert_int_equal(err.code, CF_E_READ_ONLY);
	assert_int_equal(cf_block_flush(m, &err), 0);
	cf_block_close(m);
	cf_block_close(NULL);
}

static void test_slice(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	uint8_t buf[8];
	struct cf_block *m = cf_memory_open("0123456789abcdef", 16, 4096, &err);
	struct cf_block *s = cf_slice_open(m, 4, 8, &err);
	assert_non_null(s);
	assert_int_equal(s->sector_size, 4096);
	assert_int_equal(cf_block_read(s, 6, buf, 2, &err), 0);
	assert_memory_equal(buf, "ab", 2);
	assert_int_equal(cf_block_read(s, 6, buf, 3, &err), -1);
	assert_int_equal(cf_block_write(s, 0, "X", 1, &err), 0);
	assert_int_equal(cf_block_read_direct(m, 4, buf, 1, &err), 0);
	assert_int_equal(buf[0], 'X');
	assert_true(m->bytes_written == 1);
	cf_block_close(s);
	assert_null(cf_slice_open(m, 9, 8, &err));
	assert_null(cf_slice_open(m, UINT64_MAX, 8, &err));
	s = cf_slice_open(m, 16, 0, &err);
	assert_non_null(s);
	cf_block_close(s);
	cf_block_close(m);
}

static void test_fault(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	uint8_t buf[4];
	struct cf_block *m = cf_memory_open(NULL, 4096, 512, &err);
	struct cf_block *f = cf_fault_open(m, 2, 1, &err);
	assert_int_equal(cf_block_read(f, 0, buf, 4, &err), 0);
	assert_int_equal(cf_block_read_direct(f, 8, buf, 4, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	assert_true(err.offset == 8);
	assert_int_equal(cf_block_read(f, 0, buf, 4, &err), 0);
	assert_int_equal(cf_block_write(f, 0, "no", 2, &err), -1);
	assert_int_equal(cf_block_write(f, 0, "yes", 3, &err), 0);
	assert_true(m->bytes_written == 3);
	cf_block_close(f);
	f = cf_fault_open(m, 0, 0, &err);
	for (int i = 0; i < 100; i++)
		assert_int_equal(cf_block_read(f, 0, buf, 4, &err), 0);
	cf_block_close(f);
	cf_block_close(m);
}

static void test_raw_read_write(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir(f, "a.raw");
	make_file(path, "hello", 5, 1 << 20);
	struct cf_disk *d = expect_open(path, &(struct cf_disk_options){ .writable = true });
	struct cf_error err = { 0 };
	uint8_t buf[9000];
	assert_int_equal(d->format, CF_FMT_RAW);
	assert_true(d->block->size == 1 << 20);
	assert_int_equal(d->block->sector_size, 512);
	assert_string_equal(d->id, path);
	assert_false(d->is_device || d->is_uri || d->inconsistent);
	assert_int_equal(cf_block_read(d->block, 1, buf, 4, &err), 0);
	assert_memory_equal(buf, "ello", 4);
	/* Unaligned in every way, over a page boundary, seen at once by a direct read. */
	assert_int_equal(cf_block_write(d->block, 4093, "straddle", 8, &err), 0);
	assert_int_equal(cf_block_flush(d->block, &err), 0);
	memset(buf, 0xee, sizeof buf);
	assert_int_equal(cf_block_read_direct(d->block, 4092, buf, 9000, &err), 0);
	assert_memory_equal(buf, "\0straddle\0", 10);
	/* The last bytes, where an aligned read is short. */
	assert_int_equal(cf_block_write(d->block, (1 << 20) - 3, "end", 3, &err), 0);
	assert_int_equal(cf_block_read_direct(d->block, (1 << 20) - 3, buf, 3, &err), 0);
	assert_memory_equal(buf, "end", 3);
	cf_disk_close(d);
}

#define RANGES 60u

struct seen {
	unsigned n, wrong, times[RANGES];
	size_t stop_at; /* fails there */
};

/* Every range holds its own number, but for those that are read past the ends of blocks: first and last byte tell. */
static int see_range(void *user, size_t i, const uint8_t *buf, struct cf_error *err)
{
	struct seen *s = user;
	s->n++;
	s->times[i]++;
	s->wrong += buf[0] != i + 1 || buf[i * 100] != i + 1; /* a thread can't assert */
	return i == s->stop_at ? cf_fail(err, CF_E_CHANGED, "enough") : 0;
}

/* Several at a time from a file, one after the other from a layer that knows no passes; waited for, or ended in their middle. */
static void test_pass(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir(f, "pass.raw");
	make_file(path, NULL, 0, (RANGES << 16) - 512);
	struct cf_disk *d = expect_open(path, &(struct cf_disk_options){ .writable = true });
	struct cf_block_range range[RANGES];
	struct cf_error err = { 0 };
	uint8_t buf[RANGES * 100];
	for (unsigned i = 0; i < RANGES; i++) {
		memset(buf, (int)i + 1, sizeof buf);
		/* The last one ends with the file. */
		range[i] = (struct cf_block_range){ i + 1 < RANGES ? (i << 16) + i * 7 : d->block->size - i * 100 - 1, i * 100 + 1 };
		assert_int_equal(cf_block_write(d->block, range[i].off, buf, range[i].len, &err), 0);
	}
	assert_int_equal(cf_block_flush(d->block, &err), 0);
	struct cf_block *layer = cf_fault_open(d->block, 0, 0, &err);
	for (unsigned turn = 0; turn < 8; turn++) {
		struct seen seen = { .stop_at = turn & 2 ? 40 : RANGES };
		bool shown[RANGES] = { false };
		struct cf_block_pass p = { .range = range, .n = RANGES, .see = see_range, .user = &seen, .shown = shown };
		struct cf_block *b = turn & 1 ? layer : d->block;
		if (turn & 4)
			assert_int_equal(cf_block_pass_begin(b, &p, &err), 0);
		int r = cf_block_pass_wait(b, &p, &err);
		assert_int_equal(r, turn & 2 ? -1 : 0);
		if (!r)
			assert_int_equal(seen.n, RANGES);
		assert_int_equal(seen.wrong, 0);
		for (unsigned i = 0; i < RANGES; i++)
			assert_in_range(seen.times[i], r ? 0 : 1, 1);
		unsigned before = seen.n;
		cf_block_pass_end(b, &p);
		assert_int_equal(seen.n, before);
	}
	/* A read that fails is found, and ranges that no device has. */
	cf_block_close(layer);
	layer = cf_fault_open(d->block, 33, 0, &err);
	struct seen seen = { .stop_at = RANGES };
	bool shown[RANGES] = { false };
	struct cf_block_pass p = { .range = range, .n = RANGES, .see = see_range, .user = &seen, .shown = shown };
	assert_int_equal(cf_block_pass_wait(layer, &p, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	assert_int_equal(seen.n, 32);
	range[RANGES - 1].len++;
	assert_int_equal(cf_block_pass_wait(d->block, &p, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	cf_block_close(layer);
	/* A file that was cut while it was open. */
	range[RANGES - 1].len--;
	assert_int_equal(truncate(path, 50 << 16), 0);
	memset(shown, 0, sizeof shown);
	seen = (struct seen){ .stop_at = RANGES };
	assert_int_equal(cf_block_pass_wait(d->block, &p, &err), -1);
	assert_non_null(strstr(err.message, "cut short"));
	assert_int_equal(seen.n, 50);
	cf_disk_close(d);
}

/* Writes in the background: whatever their order and places, reads find them, and the file holds them after the flush. */
static void test_put(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir(f, "put.raw");
	const size_t size = 24 * CF_MIB + 512, most = 2 * CF_MIB;
	struct cf_error err = { 0 };
	uint8_t *want = calloc(1, size), *now = malloc(size);
	assert_non_null(want);
	assert_non_null(now);
	make_file(path, NULL, 0, size);
	struct cf_disk *d = expect_open(path, &(struct cf_disk_options){ .writable = true });
	uint32_t chance = 20;
	for (unsigned i = 0; i < 600; i++) {
		uint64_t off = (chance = chance * 1664525 + 1013904223) % size;
		size_t len = (chance = chance * 1664525 + 1013904223) % most;
		/* Mostly whole blocks, often following each other or overlapping, now and then anything. */
		if (i % 7) {
			off = i % 3 ? off & ~UINT64_C(4095) : (uint64_t)(i % 40) * 8192;
			len = i % 3 ? len & ~(size_t)4095 : 8192;
		}
		len = cf_min_u64(len, size - off);
		memset(want + off, (int)(i % 255) + 1, len);
		assert_int_equal((i % 11 ? cf_block_put : cf_block_write)(d->block, off, want + off, len, &err), 0);
		if (i % 5 == 0) {
			assert_int_equal((i % 2 ? cf_block_read : cf_block_read_direct)(d->block, off / 2, now, len, &err), 0);
			assert_memory_equal(now, want + off / 2, len);
		}
	}
	assert_int_equal(cf_block_flush(d->block, &err), 0);
	cf_disk_close(d);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, now, size, 0), size);
	close(fd);
	assert_memory_equal(now, want, size);
	free(want);
	free(now);
}

/* What can't be written is told by the flush at the latest, and so it stays. */
static void test_put_fails(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir(f, "limit.raw");
	static uint8_t buf[CF_MIB];
	struct cf_error err = { 0 };
	struct rlimit before;
	make_file(path, NULL, 0, 8 * CF_MIB);
	struct cf_disk *d = expect_open(path, &(struct cf_disk_options){ .writable = true });
	assert_int_equal(cf_block_put(d->block, 0, buf, sizeof buf, &err), 0);
	assert_int_equal(cf_block_flush(d->block, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 4 * CF_MIB, before.rlim_max }), 0);
	int put = cf_block_put(d->block, 5 * CF_MIB, buf, sizeof buf, &err);
	int flush = cf_block_flush(d->block, &err), again = cf_block_flush(d->block, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_in_range(put + 1, 0, 1);
	assert_int_equal(flush, -1);
	assert_int_equal(again, -1);
	assert_int_equal(err.code, CF_E_IO);
	assert_true(err.has_offset);
	assert_in_range(err.offset, 5 * CF_MIB, 6 * CF_MIB - 1);
	assert_non_null(strstr(err.message, "can't write at offset"));
	cf_disk_close(d);
	d = expect_open(path, NULL);
	assert_int_equal(cf_block_put(d->block, 0, buf, sizeof buf, &err), -1);
	assert_int_equal(err.code, CF_E_READ_ONLY);
	cf_disk_close(d);
}

static void test_cut_while_open(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir(f, "cut.img");
	struct cf_error err = { 0 };
	uint8_t buf[512];
	make_file(path, NULL, 0, 65536);
	struct cf_disk *d = expect_open(path, NULL);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_equal(cf_block_read(d->block, 900, buf, 512, &err), -1);
	assert_int_equal(err.code, CF_E_IO);
	assert_non_null(strstr(err.message, "cut short"));
	assert_int_equal(cf_block_read_direct(d->block, 900, buf, 512, &err), -1);
	cf_disk_close(d);
}

static void test_next_data(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir(f, "sparse.raw");
	uint64_t start, end;
	make_file(path, NULL, 0, 8 << 20);
	patch_file(path, 4 << 20, "x", 1);
	struct cf_disk *d = expect_open(path, NULL);
	cf_block_next_data(d->block, 0, &start, &end);
	/* A file system without holes may call everything data; it may never hide the byte. */
	assert_true(start <= 4 << 20 && end > 4 << 20);
	struct cf_error err;
	struct cf_block *s = cf_slice_open(d->block, 1 << 20, 2 << 20, &err);
	cf_block_next_data(s, 0, &start, &end);
	assert_true(start <= s->size && end <= s->size);
	cf_block_close(s);
	cf_block_next_data(d->block, 8 << 20, &start, &end);
	assert_true(start == 8 << 20);
	cf_disk_close(d);
}

static void test_clear_errors(void **state)
{
	struct fixture *f = *state;
	struct cf_disk_options w = { .writable = true };
	expect_refusal(in_dir(f, "none.raw"), NULL, CF_E_NOT_FOUND, "no such file");
	expect_refusal(f->dir, NULL, CF_E_UNSUPPORTED, "folder");
	const char *p = in_dir(f, "fifo");
	assert_int_equal(mkfifo(p, 0600), 0);
	expect_refusal(p, NULL, CF_E_UNSUPPORTED, "neither an image file nor a block device");
	p = in_dir(f, "empty.raw");
	make_file(p, NULL, 0, 0);
	expect_refusal(p, NULL, CF_E_CORRUPT, "empty");
	p = in_dir(f, "odd.raw");
	make_file(p, NULL, 0, 1000);
	expect_refusal(p, NULL, CF_E_CORRUPT, "no multiple of 512");
	p = in_dir(f, "x.raw");
	make_file(p, NULL, 0, 4096 + 512);
	expect_refusal(p, &(struct cf_disk_options){ .sector_size = 4096 }, CF_E_CORRUPT, "4096-byte");
	expect_refusal(p, &(struct cf_disk_options){ .sector_size = 1024 }, CF_E_USAGE, "512 or 4096");
	expect_refusal(p, &(struct cf_disk_options){ .format = "qcow" }, CF_E_USAGE, "unknown format");
	p = in_dir(f, "packed.gz");
	make_file(p, "\x1f\x8b\x08", 3, 4096);
	expect_refusal(p, NULL, CF_E_UNSUPPORTED, "unpack");
	if (geteuid() != 0) {
		p = in_dir(f, "ro.raw");
		make_file(p, NULL, 0, 4096);
		assert_int_equal(chmod(p, 0400), 0);
		cf_disk_close(expect_open(p, NULL));
		expect_refusal(p, &w, CF_E_READ_ONLY, "writing");
	}
}

static void test_sector_size(void **state)
{
	struct fixture *f = *state;
	const char *p = in_dir(f, "4k.raw");
	make_file(p, NULL, 0, 1 << 20);
	patch_file(p, 4096, "EFI PART", 8);
	struct cf_disk *d = expect_open(p, NULL);
	assert_int_equal(d->block->sector_size, 4096);
	cf_disk_close(d);
	d = expect_open(p, &(struct cf_disk_options){ .sector_size = 512 });
	assert_int_equal(d->block->sector_size, 512);
	cf_disk_close(d);
	patch_file(p, 512, "EFI PART", 8);
	d = expect_open(p, NULL);
	assert_int_equal(d->block->sector_size, 512);
	cf_disk_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_fault),
		cmocka_unit_test_setup_teardown(test_raw_read_write, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_pass, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_put, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_put_fails, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_cut_while_open, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_next_data, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_clear_errors, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_sector_size, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
