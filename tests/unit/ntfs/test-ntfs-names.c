/* test-ntfs-names.c - names, links, folders, and what stat, list, extents and fingerprints say.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "support.h"
#include "craft.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/endian.h"
#include "volume/ntfs-internal.h"

#define MANY 3000

struct names {
	unsigned n, hits;
	const char *look_for;
	char previous[256];
	struct cf_stat st;
};

static int see_name(void *user, const char *name, const struct cf_stat *st)
{
	struct names *s = user;
	s->n++;
	if (s->look_for && strcmp(name, s->look_for) == 0) {
		s->hits++;
		s->st = *st;
	}
	assert_string_not_equal(name, s->previous);
	snprintf(s->previous, sizeof s->previous, "%s", name);
	return 0;
}

static struct names list_folder(struct cf_volume *v, const char *folder, const char *look_for)
{
	struct names s = { .look_for = look_for };
	struct cf_error err = { 0 };
	ok(cf_volume_list(v, folder, see_name, &s, &err), err);
	return s;
}

static struct cf_stat stat_ok(struct cf_volume *v, const char *path)
{
	struct cf_stat st;
	struct cf_error err = { 0 };
	ok(cf_volume_stat(v, path, &st, &err), err);
	return st;
}

static void test_names(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("names.img");
	make_image(image, 32 * CF_MIB, "-c 4096 -L Größe");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	/* listed name, another way to write it */
	static const char *const names[][2] = {
		{ "Übungen.TXT", "übungen.txt" },
		{ "日本語.txt", "日本語.TXT" },
		{ "Ωμέγα", "ωΜΈΓΑ" },
		{ "Файл", "фАЙЛ" },
		{ "smile 😀", "SMILE 😀" },
		{ "lone\\u{D800}end", "LONE\\u{D800}END" },
		{ "\\u{DFFF}", "\\u{DFFF}" },
		{ "a b.c", "A B.C" },
	};
	ok(cf_ntfs_mkdir(v, "\\Ordner ä", &err), err);
	for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
		char path[256];
		snprintf(path, sizeof path, "\\ordner Ä\\%s", names[i][0]);
		ok(cf_volume_create(v, path, cf_span_of(&i, sizeof i), &err), err);
	}
	for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
		char path[256];
		snprintf(path, sizeof path, "/ORDNER ä/%s", names[i][1]);
		struct names s = list_folder(v, "ordner ä", names[i][0]);
		assert_int_equal(s.n, CF_ARRAY_LEN(names));
		assert_int_equal(s.hits, 1);
		CF_BUF back = { 0 };
		ok(cf_volume_read_file(v, path, 100, &back, &err), err);
		assert_true(back.n == sizeof i && memcmp(back.p, &i, sizeof i) == 0);
		assert_int_equal(cf_volume_create(v, path, cf_span_of("x", 1), &err), -1);
		assert_int_equal(err.code, CF_E_REFUSED);
	}
	ok(cf_volume_delete(v, "\\ordner ä\\lone\\u{D800}END", &err), err);
	assert_int_equal(list_folder(v, "\\Ordner ä", NULL).n, CF_ARRAY_LEN(names) - 1);
	char *label = cf_volume_label(v, &err);
	assert_string_equal(label, "Größe");
	free(label);
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	CF_BUF out = { 0 };
	assert_int_equal(run(&out, "ntfsls -f -p '/Ordner ä' %s", image), 0);
	assert_non_null(memmem(out.p, out.n, "日本語.txt", strlen("日本語.txt")));
}

static void test_many(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("many.img");
	make_image(image, 64 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_ntfs_mkdir(v, "\\many", &err), err);
	char path[64];
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(path, sizeof path, "\\many\\name number %u", i * 7919 % MANY);
		ok(cf_volume_create(v, path, cf_span_of(&i, sizeof i), &err), err);
	}
	struct names s = list_folder(v, "\\MANY", "name number 1234");
	assert_int_equal(s.n, MANY);
	assert_int_equal(s.hits, 1);
	assert_true(s.st.size == sizeof(unsigned) && s.st.fragments == 0 && s.st.links == 1);
	for (unsigned i = 0; i < MANY; i += 7) {
		snprintf(path, sizeof path, "\\Many\\NAME NUMBER %u", i);
		assert_true(cf_volume_exists(v, path));
		ok(cf_volume_delete(v, path, &err), err);
		assert_false(cf_volume_exists(v, path));
	}
	assert_int_equal(list_folder(v, "\\many", NULL).n, MANY - (MANY + 6) / 7);
	struct cf_stat st = stat_ok(v, "\\many");
	assert_true(st.kind == CF_FILE_DIRECTORY && st.fragments >= 1 && st.attributes & 0x10 && st.allocated > 0);
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
	CF_BUF out = { 0 };
	assert_int_equal(run(&out, "ntfsls -f -p /many %s | grep -c name", image), 0);
	assert_int_equal(cf_buf_append(&out, "", 1), 0);
	assert_int_equal(atoi((char *)out.p), MANY - (MANY + 6) / 7);
}

static int stop_at_first(void *user, const char *name, const struct cf_stat *st)
{
	(void)name;
	(void)st;
	++*(int *)user;
	return 42;
}

static void test_links_and_tags(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("links.img");
	make_image(image, 32 * CF_MIB, "-c 4096");
	static const struct { const char *name; uint32_t tag; enum cf_unreadable why; } tags[] = {
		{ "wof", 0x80000017, CF_UNREADABLE_WOF },      { "dedup", 0x80000013, CF_UNREADABLE_DEDUP },
		{ "cloud", 0x9000001a, CF_UNREADABLE_CLOUD },  { "cloud7", 0x9000701a, CF_UNREADABLE_CLOUD },
		{ "cloudf", 0x9000f01a, CF_UNREADABLE_CLOUD }, { "symlink", 0xa000000c, CF_UNREADABLE_LINK },
		{ "junction", 0xa0000003, CF_UNREADABLE_LINK }, { "lx", 0xa000001d, CF_UNREADABLE_LINK },
		{ "appexec", 0x8000001b, CF_READABLE },
	};
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_ntfs_mkdir(v, "\\d", &err), err);
	ok(cf_volume_create(v, "\\d\\a long file name.text", cf_span_of("12345", 5), &err), err);
	for (size_t i = 0; i < CF_ARRAY_LEN(tags); i++) {
		char path[64];
		snprintf(path, sizeof path, "\\%s", tags[i].name);
		ok(cf_volume_create(v, path, cf_span_of("secret", 6), &err), err);
	}
	close_ok(v);
	cf_block_close(b);
	assert_int_equal(craft_dos_name(image, "d/a long file name.text", "d", "ALONGF~1.TEX"), 0);
	for (size_t i = 0; i < CF_ARRAY_LEN(tags); i++)
		assert_int_equal(craft_reparse(image, tags[i].name, tags[i].tag), 0);
	b = open_image(image, 512, true);
	v = mount_ok(b, CF_VOL_WRITE);
	assert_int_equal(stat_ok(v, "\\d\\A LONG file name.text").links, 1);
	assert_int_equal(stat_ok(v, "\\d\\alongf~1.tex").links, 1);
	assert_int_equal(list_folder(v, "\\d", "a long file name.text").n, 1);
	for (size_t i = 0; i < CF_ARRAY_LEN(tags); i++) {
		struct cf_stat st = stat_ok(v, tags[i].name);
		assert_int_equal(st.reparse_tag, tags[i].tag);
		assert_int_equal(st.unreadable, tags[i].why);
		assert_true(st.attributes & 0x400);
		CF_BUF back = { 0 };
		int rc = cf_volume_read_file(v, tags[i].name, 100, &back, &err);
		assert_int_equal(rc, tags[i].why == CF_READABLE ? 0 : -1);
		if (rc < 0)
			assert_int_equal(err.code, CF_E_UNSUPPORTED);
	}
	int calls = 0;
	assert_int_equal(cf_volume_list(v, "", stop_at_first, &calls, &err), 42);
	assert_int_equal(calls, 1);
	assert_int_equal(cf_volume_list(v, "\\wof", stop_at_first, &calls, &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_null(cf_file_open(v, "\\d", &err));
	close_ok(v);
	cf_block_close(b);
	assert_int_equal(craft_link(image, "d/a long file name.text", "", "other name"), 0);
	b = open_image(image, 512, true);
	v = mount_ok(b, CF_VOL_WRITE);
	assert_int_equal(stat_ok(v, "\\other NAME").links, 2);
	assert_true(stat_ok(v, "\\other name").id == stat_ok(v, "\\d\\ALONGF~1.TEX").id);
	assert_int_equal(cf_volume_delete(v, "\\other name", &err), -1);
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
}

/* A DOS+WIN32 pair is one name: deleting takes both, by either. */
static void test_delete_pair(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("pair.img");
	make_image(image, 16 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_volume_space before, after;
	uint8_t *p = malloc(100000);
	assert_non_null(p);
	fill(p, 100000, 1);
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_volume_create(v, "\\first long name", cf_span_of(p, 100000), &err), err);
	ok(cf_volume_create(v, "\\second long name", cf_span_of(p, 100000), &err), err);
	free(p);
	close_ok(v);
	cf_block_close(b);
	assert_int_equal(craft_dos_name(image, "first long name", "", "FIRSTL~1"), 0);
	assert_int_equal(craft_dos_name(image, "second long name", "", "SECOND~1"), 0);
	b = open_image(image, 512, true);
	v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_volume_space(v, &before, &err), err);
	ok(cf_volume_delete(v, "\\FIRST long NAME", &err), err);
	ok(cf_volume_delete(v, "\\second~1", &err), err);
	assert_false(cf_volume_exists(v, "\\firstl~1") || cf_volume_exists(v, "\\second long name"));
	ok(cf_volume_space(v, &after, &err), err);
	assert_true(after.free_bytes == before.free_bytes + 2 * 102400); /* 25 clusters each */
	close_ok(v);
	cf_block_close(b);
	check_consistent(image);
}

struct ranges {
	struct cf_block *b;
	uint64_t bytes, first[16];
	unsigned n;
	uint8_t data[256];
	char what[16][32];
};

static int see_range(void *user, uint64_t off, uint64_t len, const char *what)
{
	struct ranges *r = user;
	assert_true(len > 0 && len <= 65536 && cf_range_ok(off, len, r->b->size) && r->n < 16);
	snprintf(r->what[r->n], sizeof r->what[0], "%s", what);
	r->first[r->n++] = off;
	r->bytes += len;
	return 0;
}

static int see_resident(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	struct ranges *r = user;
	struct cf_error err = { 0 };
	assert_true(file_off == 0 && len <= sizeof r->data && cf_range_ok(offset, len, r->b->size));
	ok(cf_block_read(r->b, offset, r->data, len, &err), err);
	r->bytes = len;
	return 0;
}

static void test_places(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("places.img");
	make_image(image, 16 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	ok(cf_volume_create(v, "\\resident", cf_span_of("hello, record", 13), &err), err);
	ok(cf_ntfs_mkdir(v, "\\System Volume Information", &err), err);
	ok(cf_volume_create(v, "\\System Volume Information\\{3808876b-c176-4e48-b7ae-04046e6cc752}", cf_span_of("", 0), &err),
	   err);
	struct cf_volume_health h;
	ok(cf_volume_health(v, &h, &err), err);
	assert_false(h.shadow_copies); /* the catalogue alone is none */
	ok(cf_volume_create(v, "\\System Volume Information\\{11111111-2222-3333-4444-555555555555}"
			       "{3808876B-c176-4e48-b7ae-04046e6cc752}", cf_span_of("", 0), &err), err);
	ok(cf_volume_health(v, &h, &err), err);
	assert_true(h.shadow_copies && h.shadow_copy_count == 1);
	assert_true(!h.dirty_flag && !h.damaged && !h.hibernated);
	struct ranges r = { .b = b };
	ok(cf_volume_fingerprints(v, see_range, &r, &err), err);
	assert_string_equal(r.what[0], "boot sector");
	assert_int_equal(r.bytes, 512 + 16 * 1024 + 8192);
	uint8_t magic[4];
	ok(cf_block_read(b, r.first[1], magic, 4, &err), err);
	assert_memory_equal(magic, "FILE", 4);
	r.n = 0;
	struct cf_file *f = cf_file_open(v, "\\resident", &err);
	assert_non_null(f);
	ok(cf_file_extents(f, see_resident, &r, &err), err);
	cf_file_close(f);
	assert_int_equal(r.bytes, 13);
	assert_memory_equal(r.data, "hello, record", 13);
	close_ok(v);
	cf_block_close(b);
	/* What lies beyond the initialized size reads as zeros, whatever the clusters hold. */
	uint8_t *p = malloc(100000);
	assert_non_null(p);
	memset(p, 0xee, 100000);
	assert_int_equal(craft_file(image, "", "part", 0, p, 50000), 0);
	assert_int_equal(craft_extend(image, "part", 90000), 0);
	b = open_image(image, 512, false);
	v = mount_ok(b, CF_VOL_READ);
	CF_BUF back = { 0 };
	ok(cf_volume_read_file(v, "\\part", CF_MIB, &back, &err), err);
	assert_int_equal(back.n, 90000);
	for (size_t i = 0; i < back.n; i++)
		assert_int_equal(back.p[i], i < 50000 ? 0xee : 0);
	struct cf_volume *denied = v;
	assert_int_equal(cf_volume_replace(denied, "\\part", cf_span_of(p, 5), &err), -1);
	assert_int_equal(err.code, CF_E_READ_ONLY);
	close_ok(v);
	assert_true(b->bytes_written == 0);
	cf_block_close(b);
	free(p);
}

static int all_in_use(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	struct ranges *r = user;
	struct cf_error err = { 0 };
	uint8_t ones[4096];
	(void)file_off;
	memset(ones, 0xff, sizeof ones);
	assert_true(len <= sizeof ones);
	ok(cf_block_write(r->b, offset, ones, len, &err), err);
	r->bytes += len;
	return 0;
}

/* $MFT can grow until neither a free record nor a free cluster is left. */
static void test_mft_full(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	const char *image = temp("mft.img");
	make_image(image, 8 * CF_MIB, "-c 4096");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	char path[32];
	assert_true(cf_volume_mft_can_grow(v));
	for (unsigned i = 0; i < 400; i++) { /* makes the folder's index and $MFT large */
		snprintf(path, sizeof path, "\\f%u", i);
		ok(cf_volume_create(v, path, cf_span_of("", 0), &err), err);
	}
	for (unsigned i = 0; i < 400; i++) {
		snprintf(path, sizeof path, "\\f%u", i);
		ok(cf_volume_delete(v, path, &err), err);
	}
	struct cf_volume_space s;
	ok(cf_volume_space(v, &s, &err), err);
	CF_FREE uint8_t *p = calloc(1, (size_t)s.free_bytes);
	assert_non_null(p);
	ok(cf_volume_create(v, "\\all", cf_span_of(p, (size_t)s.free_bytes), &err), err);
	ok(cf_volume_space(v, &s, &err), err);
	assert_true(s.free_bytes == 0 && s.free_extents == 0 && s.largest_free_extent_bytes == 0);
	assert_true(cf_volume_mft_can_grow(v)); /* free records are left */
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *bitmap = cf_ntfs_stream_open((struct cf_ntfs *)v, 0, CF_NTFS_AT_BITMAP, NULL, &err);
	assert_non_null(bitmap);
	struct ranges r = { .b = b };
	ok(cf_ntfs_stream_extents(bitmap, all_in_use, &r, &err), err);
	assert_true(r.bytes > 0);
	assert_false(cf_volume_mft_can_grow(v));
	close_ok(v);
	cf_block_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_many), cmocka_unit_test(test_links_and_tags),
		cmocka_unit_test(test_delete_pair), cmocka_unit_test(test_places), cmocka_unit_test(test_mft_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
