/* test-hive-edit.c - edits on every healthy real hive and back again, in place, refused, and on spoilt bytes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/endian.h"
#include "base/utf16.h"
#include "corpus.h"
#include "oracle.h"
#include "registry/hive-edit-internal.h"
#include "tests/random.h"

static const char *const folders[] = { "registry-hives", "registry-dirty-logs", "bcd", NULL };
static const char *const minimal[] = { "registry-hives/libguestfs+hivex", NULL };

#define EDITS CF_CLEANUP(cf_hive_edits_free) struct cf_hive_edits
#define HIVE CF_CLEANUP(cf_hive_closep) struct cf_hive

static struct cf_hive *open_copy(struct cf_span bytes)
{
	struct cf_error err;
	CF_BUF copy = { 0 };
	assert_int_equal(cf_buf_copy(&copy, bytes), 0);
	struct cf_hive *h = cf_hive_open(&copy, &err);
	if (!h)
		fail_msg("%s", err.message);
	return h;
}

static bool healthy(struct cf_span bytes)
{
	struct cf_error err;
	struct cf_hive_report r;
	HIVE *h = open_copy(bytes);
	assert_int_equal(cf_hive_validate(h, &r, &err), 0);
	return !r.n_fatal && !cf_hive_base(h)->dirty;
}

/* hivex opens the result and sees the same as we. */
static void check_with_hivex(struct cf_span bytes)
{
	int fd;
	struct totals t = { 0 };
	HIVE *h = open_copy(bytes);
	hive_h *x = hivex_of(bytes, &fd);
	assert_non_null(x);
	same_tree(h, x, &t);
	assert_int_equal(t.unlike, 0);
	hivex_close(x);
	close(fd);
}

static size_t changed_blocks(struct cf_span a, struct cf_span b)
{
	size_t n = 0, most = a.n > b.n ? a.n : b.n;
	for (size_t at = 0; at < most; at += 512)
		n += at + 512 > a.n || at + 512 > b.n || memcmp(a.p + at, b.p + at, 512) != 0;
	return n;
}

static void must(int r, const struct cf_error *err, const char *name)
{
	if (r < 0)
		fail_msg("%s: %s", name, err->message);
}

static void add_edits(struct cf_hive_edits *e)
{
	static const char *const strv[] = { "one", "zw\u00f6lf", NULL };
	struct cf_error err;
	assert_int_equal(cf_hive_edits_set_u32(e, "", "coldfix", 0x12345678, &err), 0);
	assert_int_equal(cf_hive_edits_set_multi(e, "~coldfix test\\inner", "list", strv, &err), 0);
	assert_int_equal(cf_hive_edits_set_string(e, "~coldfix test\\inner", "", CF_REG_SZ, "default", &err), 0);
	assert_int_equal(cf_hive_edits_set_string(e, "~COLDFIX test", "empty", CF_REG_SZ, "", &err), 0);
}

static void check_added(const struct cf_hive *h)
{
	struct cf_error err;
	uint32_t v;
	bool found;
	size_t n;
	CF_VALUE list = { 0 };
	CF_FREE char *text = NULL;
	assert_int_equal(cf_hive_get_u32(h, "", "COLDFIX", &v, &found, &err), 0);
	assert_true(found);
	assert_int_equal(v, 0x12345678);
	assert_int_equal(cf_hive_value(h, cf_hive_root(h), "~Coldfix Test\\INNER", "List", &list, &err), 0);
	char **strv = cf_value_multi_sz(&list, &n);
	assert_int_equal(n, 2);
	assert_string_equal(strv[1], "zw\u00f6lf");
	cf_strv_free(strv);
	assert_int_equal(cf_hive_get_string(h, "~coldfix test\\inner", "", &text, &found, &err), 0);
	assert_string_equal(text, "default");
}

/* Adds keys and values, then takes them away: what is left has to be the original again, key by key. */
static bool there_and_back(const struct corpus_file *f)
{
	struct cf_error err = { 0 };
	struct cf_span bytes = cf_buf_span(&f->bytes);
	EDITS there = { 0 };
	EDITS back = { 0 };
	const struct cf_hive_edits none = { 0 };
	CF_BUF one = { 0 };
	CF_BUF two = { 0 };
	add_edits(&there);
	if (cf_hive_apply(bytes, &there, &one, &err) < 0) {
		print_message("# %s: %s\n", f->name, err.message);
		assert_int_equal(err.code, CF_E_REFUSED);
		return false;
	}
	HIVE *before = open_copy(bytes);
	HIVE *between = open_copy(cf_buf_span(&one));
	check_added(between);
	check_with_hivex(cf_buf_span(&one));
	assert_int_equal(cf_hive_base(between)->seq1, cf_hive_base(before)->seq1 + 1);
	assert_int_equal(cf_hive_base(between)->timestamp, cf_hive_base(before)->timestamp);
	assert_int_equal(cf_hive_compare(before, between, &none, &err), -1);

	must(cf_hive_edits_delete_key(&back, "~Coldfix test", &err), &err, f->name);
	must(cf_hive_edits_delete_value(&back, "", "coldfix", &err), &err, f->name);
	must(cf_hive_edits_delete_value(&back, "", "is not there", &err), &err, f->name);
	must(cf_hive_apply(cf_buf_span(&one), &back, &two, &err), &err, f->name);
	HIVE *after = open_copy(cf_buf_span(&two));
	must(cf_hive_compare(before, after, &none, &err), &err, f->name);
	check_with_hivex(cf_buf_span(&two));
	return true;
}

static void test_round_trips(void **state)
{
	(void)state;
	struct corpus c = corpus_load(folders);
	size_t done = 0, refused = 0;
	if (!c.n)
		SKIP_WITHOUT_DATA();
	for (size_t i = 0; i < c.n; i++) {
		if (!healthy(cf_buf_span(&c.file[i].bytes)))
			continue;
		if (there_and_back(&c.file[i]))
			done++;
		else
			refused++;
	}
	print_message("# %zu hives edited and restored, %zu refused\n", done, refused);
	assert_true(done > 170);
	assert_int_equal(refused, 1); /* lone surrogates in its key names */
	corpus_free(&c);
}

static void expect(struct cf_span bytes, const struct cf_hive_edits *e, enum cf_code code, const char *word)
{
	struct cf_error err = { 0 };
	CF_BUF out = { 0 };
	int r = cf_hive_apply(bytes, e, &out, &err);
	if (r == 0 || err.code != code || !strstr(err.message, word))
		fail_msg("expected %s, got: %s", word, r ? err.message : "success");
	assert_int_equal(out.n, 0);
}

#define CRASH "ControlSet001\\Control\\CrashControl"
#define MEMORY "ControlSet001\\Control\\Session Manager\\Memory Management"

static void test_system(void **state)
{
	(void)state;
	static const char *const system[] = { "registry-hives/mkorman90+regipy", NULL };
	static const char *const paging[] = { "C:\\pagefile.sys 0 0", "D:\\pagefile.sys 1024 2048", NULL };
	struct corpus c = corpus_load(system);
	struct cf_error err = { 0 };
	struct corpus_file *f = NULL;
	for (size_t i = 0; i < c.n; i++)
		if (strstr(c.file[i].name, "SYSTEM.xz"))
			f = &c.file[i];
	if (!f)
		SKIP_WITHOUT_DATA();
	struct cf_span bytes = cf_buf_span(&f->bytes);
	EDITS small = { 0 };
	EDITS same = { 0 };
	EDITS large = { 0 };
	CF_BUF out = { 0 };
	CF_BUF two = { 0 };

	/* in place: the value's record, the base block, nothing else */
	must(cf_hive_edits_set_u32(&small, CRASH, "CrashDumpEnabled", 1, &err), &err, "");
	must(cf_hive_apply(bytes, &small, &out, &err), &err, "in place");
	assert_int_equal(out.n, bytes.n);
	assert_int_equal(changed_blocks(bytes, cf_buf_span(&out)), 2);
	HIVE *h = open_copy(cf_buf_span(&out));
	uint32_t v;
	bool found;
	assert_int_equal(cf_hive_get_u32(h, CRASH, "crashdumpenabled", &v, &found, &err), 0);
	assert_int_equal(v, 1);
	check_with_hivex(cf_buf_span(&out));

	/* what is there already changes no byte */
	must(cf_hive_edits_set_u32(&same, "CONTROLSET001\\control\\crashcontrol", "CRASHDUMPENABLED", 2, &err), &err, "");
	must(cf_hive_edits_delete_value(&same, CRASH, "No such value", &err), &err, "");
	must(cf_hive_edits_delete_key(&same, "No\\such\\key", &err), &err, "");
	must(cf_hive_apply(bytes, &same, &two, &err), &err, "same");
	assert_int_equal(two.n, bytes.n);
	assert_memory_equal(two.p, bytes.p, bytes.n);

	/* with hivex: longer data, a new value, a deleted one, in two control sets */
	must(cf_hive_edits_set_multi(&large, MEMORY, "PagingFiles", paging, &err), &err, "");
	must(cf_hive_edits_set_multi(&large, &"ControlSet002" MEMORY[13], "pagingfiles", paging, &err), &err, "");
	must(cf_hive_edits_set_u32(&large, CRASH, "NMICrashDump", 1, &err), &err, "");
	must(cf_hive_edits_delete_value(&large, CRASH, "MinidumpDir", &err), &err, "");
	must(cf_hive_edits_delete_key(&large, "ControlSet002\\Control\\CrashControl", &err), &err, "");
	must(cf_hive_apply(bytes, &large, &two, &err), &err, "large");
	HIVE *g = open_copy(cf_buf_span(&two));
	CF_VALUE list = { 0 };
	size_t n;
	cf_key key;
	must(cf_hive_value(g, cf_hive_root(g), &"ControlSet002" MEMORY[13], "PagingFiles", &list, &err), &err, "");
	char **strv = cf_value_multi_sz(&list, &n);
	assert_int_equal(n, 2);
	assert_string_equal(strv[1], paging[1]);
	assert_string_equal(list.name, "PagingFiles"); /* the hive's spelling stays */
	cf_strv_free(strv);
	assert_int_equal(cf_hive_find(g, cf_hive_root(g), "ControlSet002\\Control\\CrashControl", &key, &err), -1);
	check_with_hivex(cf_buf_span(&two));
	print_message("# %zu of %zu blocks changed by hivex\n", changed_blocks(bytes, cf_buf_span(&two)), bytes.n / 512);

	/* refused */
	EDITS big = { 0 };
	CF_BUF data = { 0 };
	assert_int_equal(cf_buf_resize(&data, CF_BIG_SEGMENT + 1), 0);
	must(cf_hive_edits_set(&big, CRASH, "big", CF_REG_BINARY, cf_buf_span(&data), &err), &err, "");
	expect(bytes, &big, CF_E_REFUSED, "too large");
	EDITS foreign = { 0 };
	must(cf_hive_edits_set_u32(&foreign, "ControlSet001\\Gr\u00fc\u00dfe", "x", 1, &err), &err, "");
	expect(bytes, &foreign, CF_E_REFUSED, "other characters than ASCII");
	corpus_free(&c);
}

/* Deleting an element and changing a boolean of a boot store: the commonest edits of all. */
static void test_boot_stores(void **state)
{
	(void)state;
	static const char *const bcd[] = { "bcd", NULL };
	static const char path[] = "Objects\\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\\Elements";
	struct corpus c = corpus_load(bcd);
	static const uint8_t pages[16] = { 1, [8] = 2 };
	size_t deleted = 0, in_place = 0;
	if (!c.n)
		SKIP_WITHOUT_DATA();
	for (size_t i = 0; i < c.n; i++) {
		struct cf_error err = { 0 };
		struct cf_span bytes = cf_buf_span(&c.file[i].bytes);
		EDITS e = { 0 };
		EDITS set = { 0 };
		CF_BUF out = { 0 };
		CF_BUF two = { 0 };
		cf_key key;
		CF_FREE char *element = NULL;
		CF_FREE char *timeout = NULL;
		assert_true(asprintf(&element, "%s\\1700000a", path) > 0);
		assert_true(asprintf(&timeout, "%s\\25000004", path) > 0);
		HIVE *h = open_copy(bytes);
		if (cf_hive_find(h, cf_hive_root(h), path, &key, &err) < 0)
			continue;
		must(cf_hive_edits_set(&e, element, "Element", CF_REG_BINARY, cf_span_of(pages, sizeof(pages)), &err), &err, "");
		must(cf_hive_apply(bytes, &e, &out, &err), &err, c.file[i].name);
		check_with_hivex(cf_buf_span(&out));
		cf_hive_edits_free(&e);
		must(cf_hive_edits_delete_key(&e, element, &err), &err, "");
		must(cf_hive_apply(cf_buf_span(&out), &e, &two, &err), &err, c.file[i].name);
		HIVE *g = open_copy(cf_buf_span(&two));
		must(cf_hive_compare(h, g, &(struct cf_hive_edits){ 0 }, &err), &err, c.file[i].name);
		deleted++;
		uint64_t seconds = 7;
		CF_VALUE old = { 0 };
		if (cf_hive_value(h, cf_hive_root(h), timeout, "Element", &old, &err) < 0 || old.data.n != 8)
			continue;
		must(cf_hive_edits_set(&set, timeout, "Element", CF_REG_BINARY, cf_span_of(&seconds, 8), &err), &err, "");
		must(cf_hive_apply(bytes, &set, &out, &err), &err, c.file[i].name);
		assert_int_equal(out.n, bytes.n);
		assert_true(changed_blocks(bytes, cf_buf_span(&out)) <= 3); /* the data may lie across two */
		in_place++;
	}
	print_message("# %zu elements made and deleted, %zu changed in place\n", deleted, in_place);
	assert_true(deleted > 100);
	assert_true(in_place > 50);
	corpus_free(&c);
}

static struct corpus_file *find_file(struct corpus *c, const char *end)
{
	for (size_t i = 0; i < c->n; i++) {
		size_t n = strlen(c->file[i].name), m = strlen(end);
		if (n >= m && strcmp(c->file[i].name + n - m, end) == 0)
			return &c->file[i];
	}
	return NULL;
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const some[] = { "registry-hives", "registry-dirty-logs/msuhanov+yarp", NULL };
	struct corpus c = corpus_load(some);
	struct cf_error err;
	EDITS e = { 0 };
	if (!c.n)
		SKIP_WITHOUT_DATA();
	must(cf_hive_edits_set_u32(&e, "", "x", 1, &err), &err, "");
	expect(cf_buf_span(&find_file(&c, "NewDirtyHive1/NewDirtyHive")->bytes), &e, CF_E_REFUSED, "replayed");
	expect(cf_buf_span(&find_file(&c, "BadListHive")->bytes), &e, CF_E_CORRUPT, "another owner");
	expect(cf_buf_span(&find_file(&c, "InvalidParentHive")->bytes), &e, CF_E_CORRUPT, "as its parent");
	cf_hive_edits_free(&e);
	must(cf_hive_edits_set_u32(&e, "key_with_bigdata", "x", 1, &err), &err, "");
	expect(cf_buf_span(&find_file(&c, "BigDataHive")->bytes), &e, CF_E_REFUSED, "too large");
	cf_hive_edits_free(&e);
	must(cf_hive_edits_set_u32(&e, "zero\\u{0000}key", "zero\\u{0000}val", 1, &err), &err, "");
	CF_BUF out = { 0 };
	struct corpus_file *special = find_file(&c, "hivex/special");
	EDITS pair = { 0 };
	must(cf_hive_edits_set_u32(&pair, "x", "y", 1, &err), &err, "");
	expect(cf_buf_span(&find_file(&c, "TruncatedPairHive")->bytes), &pair, CF_E_REFUSED, "hivex can't read");
	/* in place nothing has to pass hivex */
	must(cf_hive_apply(cf_buf_span(&special->bytes), &e, &out, &err), &err, "special");
	must(cf_hive_edits_set_u32(&e, "zero\\u{0000}key", "other", 1, &err), &err, "");
	expect(cf_buf_span(&special->bytes), &e, CF_E_REFUSED, "hivex can't pass on");
	corpus_free(&c);
}

static void test_list(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	static const char *const with_empty[] = { "a", "", NULL };
	EDITS e = { 0 };
	const struct cf_hive_edit *set;
	must(cf_hive_edits_set_u32(&e, "\\A\\\\B\\", "v", 1, &err), &err, "");
	must(cf_hive_edits_set_u32(&e, "a\\b", "V", 2, &err), &err, "");
	assert_int_equal(e.n, 1);
	assert_string_equal(e.edit[0].key, "a\\b");
	assert_int_equal(cf_ld32(e.edit[0].data.p), 2);
	must(cf_hive_edits_delete_key(&e, "A", &err), &err, "");
	assert_int_equal(cf_edits_value_fate(&e, "A\\B", "v", &set), CF_FATE_GONE);
	assert_int_equal(cf_edits_key_fate(&e, "A\\B"), CF_FATE_GONE);
	must(cf_hive_edits_set_u32(&e, "A\\B", "v", 3, &err), &err, "");
	assert_int_equal(e.n, 3);
	assert_int_equal(cf_edits_value_fate(&e, "A\\B", "v", &set), CF_FATE_SET);
	assert_ptr_equal(set, &e.edit[2]);
	assert_int_equal(cf_edits_key_fate(&e, "a"), CF_FATE_SET);
	assert_int_equal(cf_edits_key_fate(&e, "a\\c"), CF_FATE_GONE);
	assert_int_equal(cf_edits_key_fate(&e, "ab"), CF_FATE_UNTOUCHED);
	assert_true(cf_path_covers("", "x\\y"));
	assert_true(cf_path_covers("X", "x\\y"));
	assert_false(cf_path_covers("x\\y", "x"));
	assert_false(cf_path_covers("x\\y", "x\\yz"));
	assert_int_equal(cf_hive_edits_delete_key(&e, "\\", &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
	assert_int_equal(cf_hive_edits_set_multi(&e, "k", "v", with_empty, &err), -1);
	assert_int_equal(cf_hive_edits_set_u32(&e, "k\xff", "v", 1, &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
}

/* Deleted and made anew in one go: nothing of the old key comes through. */
static void test_replace_key(void **state)
{
	(void)state;
	struct corpus c = corpus_load(minimal);
	struct cf_error err = { 0 };
	bool found;
	uint32_t v;
	EDITS e = { 0 };
	EDITS f = { 0 };
	CF_BUF one = { 0 };
	CF_BUF two = { 0 };
	if (!c.n)
		SKIP_WITHOUT_DATA();
	struct cf_span bytes = cf_buf_span(&find_file(&c, "hivex/minimal")->bytes);
	must(cf_hive_edits_set_u32(&e, "Key\\Old", "old", 1, &err), &err, "");
	must(cf_hive_edits_set_u32(&e, "Key", "old", 1, &err), &err, "");
	must(cf_hive_edits_set_u32(&e, "Key", "both", 1, &err), &err, "");
	must(cf_hive_apply(bytes, &e, &one, &err), &err, "first");
	must(cf_hive_edits_delete_key(&f, "KEY", &err), &err, "");
	must(cf_hive_edits_set_u32(&f, "Key\\New", "new", 2, &err), &err, "");
	must(cf_hive_edits_set_u32(&f, "Key", "both", 2, &err), &err, "");
	must(cf_hive_apply(cf_buf_span(&one), &f, &two, &err), &err, "second");
	HIVE *h = open_copy(cf_buf_span(&two));
	must(cf_hive_get_u32(h, "Key", "both", &v, &found, &err), &err, "");
	assert_true(found && v == 2);
	must(cf_hive_get_u32(h, "Key", "old", &v, &found, &err), &err, "");
	assert_false(found);
	must(cf_hive_get_u32(h, "Key\\Old", "old", &v, &found, &err), &err, "");
	assert_false(found);
	must(cf_hive_get_u32(h, "Key\\New", "new", &v, &found, &err), &err, "");
	assert_true(found && v == 2);
	corpus_free(&c);
}

/* One changed bit anywhere that matters is seen, in a key that the edits are not about. */
static void test_compare_sees(void **state)
{
	(void)state;
	struct corpus c = corpus_load(minimal);
	struct cf_error err = { 0 };
	EDITS e = { 0 };
	CF_BUF one = { 0 };
	struct cf_nk nk;
	struct cf_vk vk;
	struct cf_wanted w;
	struct cf_data_place place;
	cf_key key;
	if (!c.n)
		SKIP_WITHOUT_DATA();
	add_edits(&e);
	must(cf_hive_apply(cf_buf_span(&find_file(&c, "hivex/minimal")->bytes), &e, &one, &err), &err, "");
	cf_hive_edits_free(&e);
	must(cf_hive_edits_set_u32(&e, "other", "x", 1, &err), &err, "");
	HIVE *h = open_copy(cf_buf_span(&one));
	must(cf_hive_find(h, cf_hive_root(h), "~coldfix test\\inner", &key, &err), &err, "");
	must(cf_hive_nk(h, key, &nk, &err), &err, "");
	must(cf_wanted_init(&w, "list", 4, &err), &err, "");
	assert_int_equal(cf_hive_find_value(h, &nk, &w, &vk, &err), 1);
	cf_buf_free(&w.units);
	must(cf_data_place(h, &vk, &place, &err), &err, "");
	const uint8_t *start = cf_hive_bytes(h).p;
	const size_t spots[] = { (size_t)(place.plain.p - start), (size_t)(place.plain.p - start) + place.plain.n - 1,
		(size_t)(vk.name.p - start), 0x1000 + vk.rel + 4 + 0xc, (size_t)(nk.name.p - start), 0x1000 + nk.rel + 4 + 4,
		0x1000 + nk.rel + 4 + 2, 0x1000 + nk.sk + 4 + 0x14 };
	for (size_t i = 0; i < CF_ARRAY_LEN(spots); i++) {
		HIVE *g = open_copy(cf_buf_span(&one));
		g->bytes.p[spots[i]] ^= 1;
		if (cf_hive_compare(h, g, &(struct cf_hive_edits){ 0 }, &err) == 0)
			fail_msg("the change at 0x%zx was not seen", spots[i]);
		assert_int_equal(cf_hive_compare(h, g, &e, &err), -1);
		assert_int_equal(err.code, CF_E_INTERNAL);
	}
	assert_int_equal(cf_hive_compare(h, h, &e, &err), -1); /* what was wanted is not there */
	corpus_free(&c);
}

static int note_name(void *user, cf_key sub, const char *name)
{
	(void)sub;
	strcat(strcat(user, name), " ");
	return 0;
}

/* Windows sorts by upper case: '_' comes behind 'Z'. Versions of hivex that sort by lower case would hide the key. */
static void test_order(void **state)
{
	(void)state;
	struct corpus c = corpus_load(minimal);
	struct cf_error err = { 0 };
	char names[64] = "";
	EDITS e = { 0 };
	CF_BUF out = { 0 };
	if (!c.n)
		SKIP_WITHOUT_DATA();
	struct cf_span bytes = cf_buf_span(&find_file(&c, "hivex/minimal")->bytes);
	must(cf_hive_edits_set_u32(&e, "AA_", "v", 1, &err), &err, "");
	must(cf_hive_edits_set_u32(&e, "aaz", "v", 1, &err), &err, "");
	must(cf_hive_edits_set_u32(&e, "AAB", "v", 1, &err), &err, "");
	if (cf_hive_apply(bytes, &e, &out, &err) < 0) {
		assert_int_equal(err.code, CF_E_REFUSED);
		assert_non_null(strstr(err.message, "out of order"));
	} else {
		HIVE *h = open_copy(cf_buf_span(&out));
		assert_int_equal(cf_hive_subkeys(h, cf_hive_root(h), note_name, names, &err), 0);
		assert_string_equal(names, "AAB aaz AA_ ");
	}
	corpus_free(&c);
}

/* A plain sum of 0 or -1 is stored as 1 or -2, which hivex takes for wrong. */
static void test_checksum_rule(void **state)
{
	(void)state;
	struct corpus c = corpus_load(minimal);
	if (!c.n)
		SKIP_WITHOUT_DATA();
	struct cf_buf *b = &find_file(&c, "hivex/minimal")->bytes;
	static const uint32_t sums[] = { 0, UINT32_MAX };
	static const uint32_t stored[] = { 1, UINT32_MAX - 1 };
	for (size_t i = 0; i < 2; i++) {
		struct cf_error err = { 0 };
		EDITS e = { 0 };
		CF_BUF out = { 0 };
		uint32_t x = 0;
		cf_st32(b->p + 0xb0, 0);
		for (size_t at = 0; at < 508; at += 4)
			x ^= cf_ld32(b->p + at);
		cf_st32(b->p + 0xb0, x ^ sums[i]);
		cf_st32(b->p + 508, cf_hive_checksum(b->p));
		assert_int_equal(cf_ld32(b->p + 508), stored[i]);
		must(cf_hive_edits_set_u32(&e, "new key", "v", 5, &err), &err, "");
		must(cf_hive_apply(cf_buf_span(b), &e, &out, &err), &err, "checksum");
		HIVE *h = open_copy(cf_buf_span(&out));
		assert_false(cf_hive_base(h)->dirty);
	}
	corpus_free(&c);
}

static void test_mark_clean(void **state)
{
	(void)state;
	struct corpus c = corpus_load(minimal);
	struct cf_error err;
	struct cf_hive_base base;
	struct cf_buf tiny = { 0 };
	cf_hive_mark_clean(&tiny);
	if (!c.n)
		SKIP_WITHOUT_DATA();
	struct cf_buf *b = &find_file(&c, "hivex/minimal")->bytes;
	cf_st32(b->p + 4, 77);
	must(cf_hive_read_base(cf_buf_span(b), &base, &err), &err, "");
	assert_true(base.dirty);
	cf_hive_mark_clean(b);
	must(cf_hive_read_base(cf_buf_span(b), &base, &err), &err, "");
	assert_false(base.dirty);
	assert_int_equal(base.seq1, 77);
	assert_int_equal(base.seq2, 77);
	corpus_free(&c);
}

/* A caller that lets the system reap its children still gets its hive. */
static void test_reaped_children(void **state)
{
	(void)state;
	struct corpus c = corpus_load(minimal);
	struct cf_error err = { 0 };
	EDITS e = { 0 };
	CF_BUF out = { 0 };
	if (!c.n)
		SKIP_WITHOUT_DATA();
	must(cf_hive_edits_set_u32(&e, "k", "v", 5, &err), &err, "");
	void (*old)(int) = signal(SIGCHLD, SIG_IGN);
	int r = cf_hive_apply(cf_buf_span(&find_file(&c, "hivex/minimal")->bytes), &e, &out, &err);
	signal(SIGCHLD, old);
	must(r, &err, "reaped");
	corpus_free(&c);
}

/* Whatever the bytes are, an edit ends in an error or in a hive that is right. */
static void test_spoilt(void **state)
{
	(void)state;
	static const char *const some[] = { "registry-hives/msuhanov+yarp/hives_for_tests", "registry-hives/libguestfs+hivex",
		"bcd/Bizzaro+x230-osx", NULL };
	struct corpus c = corpus_load(some);
	size_t edited = 0;
	if (!c.n)
		SKIP_WITHOUT_DATA();
	uint32_t seed = 4711;
	EDITS e = { 0 };
	add_edits(&e);
	for (unsigned round = 0; round < 600; round++) {
		struct corpus_file *f = &c.file[round % c.n];
		struct cf_error err = { 0 };
		CF_BUF b = { 0 };
		CF_BUF out = { 0 };
		assert_int_equal(cf_buf_copy(&b, cf_buf_span(&f->bytes)), 0);
		for (unsigned i = 0; i < 1 + round % 3; i++) {
			size_t at = 0x1000 + next_random(&seed) % 0x800;
			b.p[at] = (uint8_t)next_random(&seed);
		}
		cf_st32(b.p + 508, cf_hive_checksum(b.p));
		if (cf_hive_apply(cf_buf_span(&b), &e, &out, &err) < 0) {
			assert_int_not_equal(err.code, CF_OK);
			assert_true(err.message[0]);
			continue;
		}
		HIVE *h = open_copy(cf_buf_span(&out));
		check_added(h);
		edited++;
	}
	print_message("# %zu of 600 spoilt hives could still be edited\n", edited);
	assert_true(edited > 50);
	corpus_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),	    cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_system),	    cmocka_unit_test(test_boot_stores),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_replace_key),
		cmocka_unit_test(test_checksum_rule), cmocka_unit_test(test_mark_clean),
		cmocka_unit_test(test_reaped_children), cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_compare_sees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
