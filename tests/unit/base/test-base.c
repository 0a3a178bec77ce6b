/* test-base.c - spans, GUIDs, UTF-16, hashes, times.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/error.h"
#include "base/grow.h"
#include "base/guid.h"
#include "base/hash.h"
#include "base/span.h"
#include "base/stamp.h"
#include "base/utf16.h"

static void test_range(void **state)
{
	(void)state;
	assert_true(cf_range_ok(0, 0, 0));
	assert_true(cf_range_ok(4, 4, 8));
	assert_false(cf_range_ok(5, 4, 8));
	assert_false(cf_range_ok(UINT64_MAX, 2, 8));
	assert_false(cf_range_ok(2, UINT64_MAX, 8));
	struct cf_span s = cf_span_of("abcdef", 6);
	assert_null(cf_span_at(s, 5, 2));
	assert_int_equal(*cf_span_at(s, 5, 1), 'f');
	assert_int_equal(cf_span_sub(s, 7, 0).n, 0);
}

static void test_endian(void **state)
{
	(void)state;
	cf_be64 b;
	cf_be64_set(&b, 0x0102030405060708);
	assert_int_equal(b.b[0], 1);
	assert_true(cf_be64_get(b) == 0x0102030405060708);
	cf_le32 l;
	cf_le32_set(&l, 0x01020304);
	assert_int_equal(l.b[0], 4);
	assert_int_equal(cf_le32_get(l), 0x01020304);
}

static void test_guid(void **state)
{
	(void)state;
	struct cf_guid g;
	char text[CF_GUID_TEXT];
	assert_true(cf_guid_parse("{C12A7328-F81F-11D2-BA4B-00A0C93EC93B}", &g));
	assert_int_equal(g.b[0], 0x28);
	assert_string_equal(cf_guid_format(&g, text), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_false(cf_guid_parse("C12A7328-F81F-11D2-BA4B-00A0C93EC93", &g));
	assert_false(cf_guid_parse("{C12A7328-F81F-11D2-BA4B-00A0C93EC93B", &g));
	assert_false(cf_guid_parse("C12A7328-F81F-11D2-BA4B-00A0C93EC93B ", &g));
	assert_false(cf_guid_parse("", &g));
}

static void test_utf16_round_trip(void **state)
{
	(void)state;
	/* "Aé€😀", a lone surrogate, a line feed */
	static const uint8_t in[] = { 'A', 0, 0xe9, 0, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde, 0x00, 0xd8, '\n', 0 };
	bool escaped = false;
	CF_FREE char *text = cf_utf16_to_utf8(cf_span_of(in, sizeof in), &escaped);
	assert_string_equal(text, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\u{D800}\\u{000A}");
	assert_true(escaped);
	CF_BUF back = { 0 };
	assert_int_equal(cf_utf8_to_utf16(text, &back), 0);
	assert_int_equal(back.n, sizeof in);
	assert_memory_equal(back.p, in, sizeof in);
}

static void test_utf8_refused(void **state)
{
	(void)state;
	CF_BUF b = { 0 };
	assert_int_equal(cf_utf8_to_utf16("\xc0\x80", &b), -1);
	assert_int_equal(cf_utf8_to_utf16("\xff", &b), -1);
	assert_int_equal(cf_utf8_to_utf16("\xe2\x82", &b), -1);
}

static void test_nocase(void **state)
{
	(void)state;
	assert_true(cf_utf8_eq_nocase("Windows", "wINDOWS"));
	assert_true(cf_utf8_eq_nocase("\xc3\xa9", "\xc3\x89"));
	assert_false(cf_utf8_eq_nocase("Windows", "Windows2"));
}

static void test_hash(void **state)
{
	(void)state;
	uint8_t h[CF_SHA256_LEN];
	char hex[65];
	cf_sha256("abc", 3, h);
	assert_string_equal(cf_sha256_hex(h, hex), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(cf_crc32(0, "123456789", 9), 0xcbf43926);
}

static void test_error(void **state)
{
	(void)state;
	struct cf_error e = { 0 };
	assert_int_equal(cf_fail_at(&e, CF_E_CORRUPT, 512, "bad %s", "header"), -1);
	assert_int_equal(cf_fail_prefix(&e, "reading %d", 7), -1);
	assert_string_equal(e.message, "reading 7: bad header");
	assert_true(e.has_offset && e.offset == 512);
	assert_string_equal(cf_code_name(CF_E_IN_USE), "in-use");
	assert_int_equal(cf_fail(NULL, CF_E_IO, "no place to say it"), -1);
}

static void test_tame(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out, *lines;
	} t[] = {
		{ "plain \xc3\xa9 \xe2\x82\xac", "plain \xc3\xa9 \xe2\x82\xac", "plain \xc3\xa9 \xe2\x82\xac" },
		{ "\033[31m\a\n\x7f", "?[31m???", "?[31m?\n?" },
		{ "a\xc2\x9b" "b\xe2\x80\xae" "c\xe2\x81\xa6", "a?b?c?", "a?b?c?" },
		{ "cut \xe2\x82", "cut ??", "cut ??" },
		{ "\xff\xc0\x80", "???", "???" },
		{ "", "", "" },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(t); i++) {
		char text[64];
		snprintf(text, sizeof text, "%s", t[i].in);
		assert_int_equal(cf_text_tame(text, false), strlen(t[i].out));
		assert_string_equal(text, t[i].out);
		snprintf(text, sizeof text, "%s", t[i].in);
		cf_text_tame(text, true);
		assert_string_equal(text, t[i].lines);
	}
	struct cf_error err;
	cf_fail(&err, CF_E_CORRUPT, "no file \"%s\"", "\033]0;x\a");
	assert_string_equal(err.message, "no file \"?]0;x?\"");
}

static void test_escape(void **state)
{
	(void)state;
	static const char *const t[][2] = {
		{ "C:\\plain \xc3\xa4\xf0\x9f\x92\xbd", "C:\\plain \xc3\xa4\xf0\x9f\x92\xbd" }, /* text of any script stays */
		{ "\033[2J\n\x7f", "\\u{001B}[2J\\u{000A}\\u{007F}" },
		{ "\xc2\x9b" "31m", "\\u{009B}31m" },                 /* CSI as one C1 control */
		{ "exe.\xe2\x80\xaetxt", "exe.\\u{202E}txt" },       /* right-to-left override */
		{ "\xff" "a\xc3", "\\x{FF}a\\x{C3}" },               /* no UTF-8, and cut short at the end */
		{ "", "" },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(t); i++) {
		char *got = cf_text_escape(t[i][0]);
		assert_non_null(got);
		assert_string_equal(got, t[i][1]);
		free(got);
	}
}

static void test_time(void **state)
{
	(void)state;
	char text[CF_TIME_TEXT], stamp[CF_TIME_TEXT], again[CF_TIME_TEXT];
	assert_string_equal(cf_time_text(0, text), "1970-01-01T00:00:00Z");
	assert_string_equal(cf_time_text(1706692087, text), "2024-01-31T09:08:07Z");
	assert_string_equal(cf_time_text(-1, text), "1969-12-31T23:59:59Z");
	assert_null(cf_time_text(INT64_MAX, text)); /* its year is no int */
	assert_string_equal(text, "");
	/* The two forms of now have the same digits, except where a second ends between them. */
	for (int i = 0; i < 3; i++) {
		cf_now_text(text);
		cf_now_stamp(stamp);
		if (strcmp(cf_now_text(again), text) == 0)
			break;
	}
	assert_string_equal(again, text);
	assert_int_equal(strlen(text), 20);
	size_t n = 0;
	for (const char *c = text; *c; c++)
		if (*c != '-' && *c != ':')
			again[n++] = *c;
	again[n] = 0;
	assert_string_equal(stamp, again);
}

static void test_room(void **state)
{
	(void)state;
	uint32_t *p = NULL;
	size_t n = 0, cap = 0;
	for (; n < 100; n++) {
		assert_true(CF_ROOM(p, n, cap, 3));
		assert_true(cap > n && cap <= 3 + 2 * n);
		p[n] = (uint32_t)n;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], i);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),	      cmocka_unit_test(test_endian),
		cmocka_unit_test(test_guid),	      cmocka_unit_test(test_utf16_round_trip),
		cmocka_unit_test(test_utf8_refused), cmocka_unit_test(test_nocase),
		cmocka_unit_test(test_hash),	      cmocka_unit_test(test_error), cmocka_unit_test(test_tame),
		cmocka_unit_test(test_escape),	      cmocka_unit_test(test_time), cmocka_unit_test(test_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
