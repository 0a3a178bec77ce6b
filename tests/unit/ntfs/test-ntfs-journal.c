/* test-ntfs-journal.c - which volumes may be opened for writing: $LogFile's restart pages and hiberfil.sys.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/hash.h"
#include "volume/ntfs-internal.h"

#define PAGE 4096u

struct page {
	char magic[5]; /* "" leaves the page all ones */
	unsigned major, minor;
	bool in_use;   /* a client is in use and the log isn't marked closed */
	bool closed_flag;
	uint64_t lsn;
	bool torn;
};

struct log_case {
	const char *what;
	struct page page[2];
	bool unclean;
	const char *text;
};

#define EMPTY { "", 0, 0, false, false, 0, false }

static const struct log_case cases[] = {
	{ "empty", { EMPTY, EMPTY }, false, "empty" },
	{ "1.1 closed", { { "RSTR", 1, 1, false, false, 10, false }, { "RSTR", 1, 1, false, false, 9, false } }, false,
	  "version 1.1, closed" },
	{ "1.1 marked closed", { { "RSTR", 1, 1, true, true, 10, false }, { "RSTR", 1, 1, true, true, 10, false } }, false,
	  "version 1.1, closed" },
	{ "1.1 in use", { { "RSTR", 1, 1, true, false, 10, false }, { "RSTR", 1, 1, true, false, 9, false } }, true,
	  "version 1.1, in use" },
	{ "2.0 in use", { { "RSTR", 2, 0, true, false, 10, false }, { "RSTR", 2, 0, true, false, 9, false } }, true,
	  "version 2.0, in use" },
	{ "2.0 closed", { { "RSTR", 2, 0, false, true, 10, false }, { "RSTR", 2, 0, false, true, 9, false } }, true,
	  "version 2.0, closed" },
	{ "newer page in use", { { "RSTR", 1, 1, false, true, 10, false }, { "RSTR", 1, 1, true, false, 11, false } }, true,
	  "version 1.1, in use" },
	{ "newer page closed", { { "RSTR", 2, 0, true, false, 10, false }, { "RSTR", 1, 1, false, true, 11, false } }, false,
	  "version 1.1, closed" },
	{ "same age, one in use", { { "RSTR", 1, 1, false, true, 10, false }, { "RSTR", 1, 1, true, false, 10, false } }, true,
	  "version 1.1, in use" },
	{ "first page torn", { { "RSTR", 1, 1, true, false, 12, true }, { "RSTR", 1, 1, false, true, 10, false } }, false,
	  "version 1.1, closed" },
	{ "both torn", { { "RSTR", 1, 1, false, true, 12, true }, { "RSTR", 1, 1, false, true, 10, true } }, true,
	  "both restart pages damaged" },
	{ "only one page written", { EMPTY, { "RSTR", 1, 1, true, false, 10, false } }, true,
	  "version 1.1, in use" },
	{ "not a log", { { "RCRD", 1, 1, false, true, 12, false }, { "RCRD", 1, 1, false, true, 10, false } }, true,
	  "both restart pages damaged" },
};

static void build_page(uint8_t p[PAGE], const struct page *w)
{
	memset(p, w->magic[0] ? 0 : 0xff, PAGE);
	if (!w->magic[0])
		return;
	memcpy(p, w->magic, 4);
	cf_st16(p + 4, 0x1e); /* update sequence: number, then 8 words */
	cf_st16(p + 6, 9);
	cf_st32(p + 0x10, PAGE);
	cf_st32(p + 0x14, PAGE);
	cf_st16(p + 0x18, 0x30);
	cf_st16(p + 0x1a, (uint16_t)w->minor);
	cf_st16(p + 0x1c, (uint16_t)w->major);
	cf_st64(p + 0x30, w->lsn);
	cf_st16(p + 0x38, 1);
	cf_st16(p + 0x3a, 0xffff);
	cf_st16(p + 0x3c, w->in_use ? 0 : 0xffff);
	cf_st16(p + 0x3e, w->closed_flag ? 2 : 0);
	cf_st16(p + 0x1e, 0x77);
	for (unsigned i = 1; i <= 8; i++) {
		cf_st16(p + 0x1e + 2 * i, cf_ld16(p + i * 512 - 2));
		cf_st16(p + i * 512 - 2, w->torn && i == 5 ? 0x76 : 0x77);
	}
}

static int first_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	assert_true(file_off == 0 && len >= 2 * PAGE);
	*(uint64_t *)user = offset;
	return 1;
}

static uint64_t log_offset(struct cf_block *b)
{
	struct cf_error err = { 0 };
	uint64_t at = 0;
	struct cf_volume *v = mount_ok(b, CF_VOL_READ);
	struct cf_file *f = cf_file_open(v, "\\$LogFile", &err);
	assert_non_null(f);
	assert_int_equal(cf_file_extents(f, first_extent, &at, &err), 1);
	cf_file_close(f);
	close_ok(v);
	return at;
}

static void expect_refused(struct cf_block *b, int flags, const char *says)
{
	struct cf_error err = { 0 };
	uint64_t before = b->bytes_written;
	assert_null(cf_volume_open(b, CF_FS_NTFS, CF_VOL_WRITE | flags, &err));
	assert_int_equal(err.code, CF_E_UNCLEAN);
	if (!strstr(err.message, says))
		fail_msg("\"%s\" doesn't say \"%s\"", err.message, says);
	assert_true(b->bytes_written == before);
}

static void try_log(const char *image, const struct log_case *c)
{
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	uint8_t pages[2 * PAGE];
	build_page(pages, &c->page[0]);
	build_page(pages + PAGE, &c->page[1]);
	uint64_t at = log_offset(b);
	ok(cf_block_write(b, at, pages, sizeof pages, &err), err);
	uint64_t before = b->bytes_written;
	struct cf_volume *v = mount_ok(b, CF_VOL_READ);
	struct cf_volume_health h;
	ok(cf_volume_health(v, &h, &err), err);
	if (h.journal_unclean != c->unclean || strcmp(h.journal, c->text) != 0)
		fail_msg("%s: found \"%s\", unclean %d", c->what, h.journal, h.journal_unclean);
	assert_false(h.hibernated || h.damaged);
	close_ok(v);
	if (c->unclean)
		expect_refused(b, CF_VOL_READ, "--force-unclean");
	else
		close_ok(mount_ok(b, CF_VOL_WRITE));
	assert_true(b->bytes_written == before);
	v = mount_ok(b, CF_VOL_WRITE | CF_VOL_FORCE_UNCLEAN);
	assert_true((b->bytes_written > before) == c->unclean);
	ok(cf_volume_replace(v, "\\file", cf_span_of(c->what, strlen(c->what)), &err), err);
	close_ok(v);
	v = mount_ok(b, CF_VOL_WRITE); /* settled */
	ok(cf_volume_health(v, &h, &err), err);
	assert_false(h.journal_unclean);
	assert_true(h.dirty_flag == c->unclean);
	close_ok(v);
	if (c->unclean) {
		ok(cf_block_read(b, at, pages, sizeof pages, &err), err);
		for (size_t i = 0; i < sizeof pages; i++)
			assert_int_equal(pages[i], 0xff);
	}
	cf_block_close(b);
}

static void test_journal_states(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *fresh = temp("fresh.img"), *image = temp("log.img");
	struct cf_error err = { 0 };
	make_image(fresh, 16 * CF_MIB, "-c 4096");
	struct cf_block *b = open_image(fresh, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_volume_create(v, "\\file", cf_span_of("x", 1), &err), err);
	close_ok(v);
	cf_block_close(b);
	for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
		copy_sparse(fresh, 0, 16 * CF_MIB, image);
		try_log(image, &cases[i]);
		CF_BUF out = { 0 };
		assert_int_equal(run(&out, "ntfscat -f %s /file", image), 0);
		assert_true(out.n == strlen(cases[i].what) && memcmp(out.p, cases[i].what, out.n) == 0);
		if (!cases[i].unclean)
			check_consistent(image);
	}
}

/* $LogFiles of real Windows machines. */
static void test_real_logs(void **state)
{
	(void)state;
	static const struct { const char *name; bool unclean; const char *text; } real[] = {
		{ "LogFile_7.bin", false, "version 1.1, closed" },
		{ "LogFile_empty.bin", false, "empty" },
	};
	const char *root = getenv("COLDFIX_SHARED");
	unsigned seen = 0;
	for (size_t i = 0; root && i < CF_ARRAY_LEN(real); i++) {
		char path[512];
		uint8_t head[128 * 1024];
		snprintf(path, sizeof path, "%s/data/ntfs/msuhanov+dfir_ntfs/%s", root, real[i].name);
		FILE *f = fopen(path, "rb");
		if (!f)
			continue;
		size_t n = fread(head, 1, sizeof head, f);
		fclose(f);
		struct cf_ntfs_journal j;
		cf_ntfs_journal_parse(head, n, &j);
		print_message("# %s: %s\n", real[i].name, j.text);
		assert_int_equal(j.unclean, real[i].unclean);
		assert_string_equal(j.text, real[i].text);
		seen++;
	}
	if (!seen)
		skip();
}

static void test_journal_hostile(void **state)
{
	(void)state;
	uint8_t page[2 * PAGE];
	uint32_t seed = 12345;
	struct cf_ntfs_journal j;
	for (int round = 0; round < 20000; round++) {
		struct page w = { "RSTR", 1, 1, false, true, 10, false };
		build_page(page, &w);
		build_page(page + PAGE, &w);
		for (int k = 0; k < 4; k++)
			page[next_random(&seed) % 0x40] = (uint8_t)next_random(&seed);
		cf_ntfs_journal_parse(page, next_random(&seed) % 8 ? sizeof page : next_random(&seed) % sizeof page, &j);
		assert_true(j.text[0] != 0);
	}
}

static void test_hibernation(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	static const struct { const char *magic; size_t size; bool hibernated; } files[] = {
		{ "hibr", 65536, true },  { "HIBR", 65536, true }, { "wake", 65536, false }, { "RSTR", 65536, false },
		{ "\0\0\0", 65536, false }, { "hibr", 100, true },   { "HIBR", 4096, true },
	};
	const char *image = temp("hibernated.img");
	for (size_t i = 0; i < CF_ARRAY_LEN(files); i++) {
		struct cf_error err = { 0 };
		make_image(image, 16 * CF_MIB, "-c 4096");
		CF_FREE uint8_t *p = malloc(files[i].size);
		assert_non_null(p);
		fill(p, files[i].size, 5);
		memcpy(p, files[i].magic, 4);
		struct cf_block *b = open_image(image, 512, true);
		struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
		ok(cf_volume_create(v, "\\HiberFil.sys", cf_span_of(p, files[i].size), &err), err);
		close_ok(v);
		uint64_t before = b->bytes_written;
		v = mount_ok(b, CF_VOL_READ);
		struct cf_volume_health h;
		ok(cf_volume_health(v, &h, &err), err);
		assert_int_equal(h.hibernated, files[i].hibernated);
		close_ok(v);
		if (!files[i].hibernated) {
			close_ok(mount_ok(b, CF_VOL_WRITE | CF_VOL_DISCARD_HIBERNATION));
			assert_true(b->bytes_written == before);
			cf_block_close(b);
			continue;
		}
		expect_refused(b, CF_VOL_READ, "hibernated");
		expect_refused(b, CF_VOL_FORCE_UNCLEAN, "hibernated");
		/* Discarding the image says nothing about an unclean journal. */
		uint8_t pages[2 * PAGE], old[2 * PAGE];
		uint64_t at = log_offset(b);
		ok(cf_block_read(b, at, old, sizeof old, &err), err);
		build_page(pages, &cases[3].page[0]);
		build_page(pages + PAGE, &cases[3].page[1]);
		ok(cf_block_write(b, at, pages, sizeof pages, &err), err);
		expect_refused(b, CF_VOL_DISCARD_HIBERNATION, "journal");
		ok(cf_block_write(b, at, old, sizeof old, &err), err);
		close_ok(mount_ok(b, CF_VOL_WRITE | CF_VOL_DISCARD_HIBERNATION));
		v = mount_ok(b, CF_VOL_READ);
		CF_BUF back = { 0 };
		ok(cf_volume_read_file(v, "\\hiberfil.sys", CF_MIB, &back, &err), err);
		size_t cleared = cf_min_u64(PAGE, files[i].size);
		memset(p, 0, cleared);
		assert_true(back.n == files[i].size && memcmp(back.p, p, back.n) == 0);
		close_ok(v);
		cf_block_close(b);
		check_consistent(image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_states), cmocka_unit_test(test_real_logs),
		cmocka_unit_test(test_journal_hostile), cmocka_unit_test(test_hibernation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
