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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(options),
		cmocka_unit_test(table),
		cmocka_unit_test(sets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
