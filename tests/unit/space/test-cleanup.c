/* test-cleanup.c - the patterns of cleanup's classes, its options and its table.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "space/cleanup-internal.h"

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} t[] = {
		{ "MEMORY.DMP", "memory.dmp", true },     { "MEMORY.DMP", "memory.dmp2", false }, { "*.dmp", ".dmp", true },
		{ "*.dmp", "a.dmp.dmp", true },           { "*.dmp", "a.dmpx", false },           { "*.dmp|*.mdmp", "x.mdmp", true },
		{ "*.dmp|*.mdmp", "x.hdmp", false },      { "thumbcache_*.db", "thumbcache_.db", true },
		{ "thumbcache_*.db", "thumbcache.db", false }, { "S-1-*", "S-1-5-18", true },     { "S-1-*", "S-2-5-18", false },
		{ "Windows.old.###", "WINDOWS.OLD.001", true }, { "Windows.old.###", "Windows.old.01", false },
		{ "Windows.old.###", "Windows.old.backup", false }, { "found.###", "found.0001", false },
		{ "a*b*c", "aXbXbXc", true },             { "a*b*c", "aXbXbX", false },           { "", "", true },
		{ "", "a", false },                       { "*", "", true },                      { "a|", "", true },
		{ "CbsPersist_*", "CbsPersist", false },
	};
	(void)state;
	for (size_t i = 0; i < CF_ARRAY_LEN(t); i++)
		if (cf_clean_match(t[i].pattern, t[i].name) != t[i].match)
			fail_msg("%s on %s", t[i].pattern, t[i].name);
}

static void options(void **state)
{
	static const char *const good[] = { "default", "recycle-bin", NULL }, *const bad[] = { "recycle-bin", "Temp", NULL };
	struct cf_clean_options opt = { 0 };
	struct cf_error err = { 0 };
	(void)state;
	assert_int_equal(cf_clean_check_options(&opt, &err), 0);
	opt.classes = good;
	assert_int_equal(cf_clean_check_options(&opt, &err), 0);
	opt.classes = bad;
	assert_int_equal(cf_clean_check_options(&opt, &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
}

/* Every class has a folder and every folder a class; nothing that must never be touched is the folder of one. */
static void table(void **state)
{
	static const char *const never[] = { "WinSxS", "servicing", "DriverStore", "Installer", "catroot", "assembly", "Package Cache",
					     "System Volume Information", "Recovery", "Boot", "Documents", "Desktop", "pagefile.sys",
					     "Panther", "Prefetch" };
	(void)state;
	for (size_t k = 0; k < cf_clean_n_classes; k++) {
		bool any = false;
		for (size_t r = 0; r < cf_clean_n_roots; r++)
			any |= strcmp(cf_clean_roots[r].id, cf_clean_classes[k].id) == 0;
		assert_true(any);
	}
	for (size_t r = 0; r < cf_clean_n_roots; r++) {
		bool any = false;
		for (size_t k = 0; k < cf_clean_n_classes; k++)
			any |= strcmp(cf_clean_roots[r].id, cf_clean_classes[k].id) == 0;
		assert_true(any);
		for (size_t i = 0; i < CF_ARRAY_LEN(never); i++)
			assert_null(strstr(cf_clean_roots[r].path, never[i]));
		/* Wildcards only where they are expanded: in the last name, and not below a profile. */
		const char *wild = strpbrk(cf_clean_roots[r].path, "*#");
		assert_true(!wild || (cf_clean_roots[r].path[0] == '\\' && !strchr(wild, '\\')));
	}
	/* Evidence and what users threw away are never default. */
	for (size_t k = 0; k < cf_clean_n_classes; k++)
		if (cf_clean_classes[k].flags & (CF_CLEAN_DUMPS | CF_CLEAN_OLD | CF_CLEAN_HIBERNATION | CF_CLEAN_SELF | CF_CLEAN_LINKS))
			assert_false(cf_clean_classes[k].by_default);
}

static void sets(void **state)
{
	struct cf_clean_set s = { 0 };
	(void)state;
	assert_false(cf_clean_set_has(&s, 7));
	for (uint64_t i = 1; i < 5000; i++)
		assert_int_equal(cf_clean_set_add(&s, i << 40 | i), 1);
	for (uint64_t i = 1; i < 5000; i++) {
		assert_int_equal(cf_clean_set_add(&s, i << 40 | i), 0);
		assert_true(cf_clean_set_has(&s, i << 40 | i));
		assert_false(cf_clean_set_has(&s, i << 41 | i));
	}
	assert_int_equal(s.n, 4999);
	free(s.slot);
}

/* Only the largest files go when there are too many, hard links as one; folders that keep something stay. */
static void limit(void **state)
{
	static const struct {
		uint64_t ref, bytes;
		uint32_t folder, links;
		bool goes;
	} t[] = {
		{ 100, 1000, 1, 1, false }, { 101, 3000, 0, 1, true }, { 102, 2000, 1, 2, true }, { 102, 2000, 0, 2, true },
		{ 103, 500, 0, 1, false },  { 104, 1000, 2, 1, true }, /* 104: as large as 100, but one must be the last */
	};
	(void)state;
	for (int many = 0; many < 2; many++) {
		struct cf_cleanup c = { 0 };
		struct cf_clean_store s = { 0 };
		struct cf_clean_item item[8] = { 0 };
		struct cf_clean_folder folder[3] = { { .ref = 50, .parent = CF_CLEAN_NO, .item = CF_CLEAN_NO },
						     { .ref = 51, .item = 6 }, { .ref = 52, .item = 7 } };
		char *place[] = { (char[]){ "\\Windows\\Temp" } };
		static uint8_t name[] = { 1, 'x', 0 };
		struct cf_error err = { 0 };
		uint64_t ref_of_100 = many ? 100 : 105;
		for (size_t i = 0; i < CF_ARRAY_LEN(t); i++)
			item[i] = (struct cf_clean_item){ .ref = t[i].ref == 100 ? ref_of_100 : t[i].ref, .bytes = t[i].bytes,
							  .folder = t[i].folder, .links = t[i].links, .inside = CF_CLEAN_NO };
		item[6] = (struct cf_clean_item){ .ref = 51, .links = 1, .inside = 1 };
		item[7] = (struct cf_clean_item){ .ref = 52, .links = 1, .inside = 2 };
		s = (struct cf_clean_store){ .n_items = 8, .item = item, .n_folders = 3, .folder = folder, .names = { .p = name, .n = sizeof name } };
		c.store = &s;
		c.sum[0].chosen = true;
		c.sum[0].place = place;
		c.sum[0].n_places = 1;
		assert_int_equal(cf_clean_decide(&c, NULL, many ? 0 : 3, &err), 0);
		for (size_t i = 0; i < CF_ARRAY_LEN(t); i++)
			assert_int_equal(item[i].keep, many || t[i].goes ? CF_KEEP_NOT : CF_KEEP_LATER);
		assert_int_equal(c.files, many ? 5 : 3);
		assert_int_equal(c.sum[0].files, c.files);
		assert_int_equal(c.sum[0].names, many ? 6 : 4);
		assert_int_equal(c.bytes, many ? 7500 : 6000);
		assert_int_equal(c.later_files, many ? 0 : 2);
		assert_int_equal(c.later_bytes, many ? 0 : 1500);
		assert_int_equal(c.folders, many ? 2 : 1); /* the folder of 100 is not empty */
		for (size_t i = 0; i < c.sum[0].n_examples; i++)
			free(c.sum[0].example[i].path);
		free(s.order);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(options),
		cmocka_unit_test(table),
		cmocka_unit_test(sets),
		cmocka_unit_test(limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
