/* test-code.c - codes: what may be put right, and that nothing else becomes 0xC0000017; sentences; tesseract's table.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include "symptom/code.h"
#include "symptom/ocr.h"
#include "symptom/phrases.h"

static void test_strict(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
		uint32_t code;
	} rows[] = {
		{ "0xc0000017", true, 0xC0000017 }, { "OxC0000017", true, 0xC0000017 }, { "@xc000001I", true, 0xC0000011 }, { "0xcOOOOO17", true, 0xC0000017 },
		{ "0xc00000l7.", true, 0xC0000017 }, { "0x\xc2\xa2" "0000225", true, 0xC0000225 }, { "0xc0000225)", true, 0xC0000225 }, { "0xC000000D", true, 0xC000000D },
		{ "0xc000001", false, 0 }, { "0xc00000017", false, 0 }, { "0xc00000177", false, 0 }, { "0xc00000?7", false, 0 }, { "c0000017", false, 0 },
		{ "", false, 0 }, { "0", false, 0 }, { "0x", false, 0 }, { "1xc0000017", false, 0 }, { "0xCD000017", true, 0xC0000017 } /* no code begins with CD: a misread zero */,
		{ "0xC0000D17", true, 0xC0000D17 }, { "0xC00000D7", true, 0xC00000D7 }, { "0xC00000B7", true, 0xC00000B7 }, { "0xC0000077", true, 0xC0000077 },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(rows); i++) {
		uint32_t code = 0;
		bool good = cf_code_strict(rows[i].text, &code);
		if (good != rows[i].good)
			fail_msg("\"%s\" is %s a code", rows[i].text, good ? "taken for" : "not taken for");
		if (good)
			assert_int_equal(code, rows[i].code);
	}
}

/* What readings of other codes look like must not be a reading of this one in words' company either. */
static void test_resembles(void **state)
{
	(void)state;
	static const char *const like[] = { "0xc0000017", "@xcegegel?", "BxCBB8ee17", "0xcO000077", "0xc000017", "OxC000001T" };
	static const char *const unlike[] = { "0xc0000225", "0xc000000e", "0xc0000098", "0xc0000034", "0xc0000428", "0x80070017", "0xc0210000", "", "0xc17", "0xc00000000017" };
	for (size_t i = 0; i < CF_ARRAY_LEN(like); i++)
		if (!cf_code_resembles(like[i], CF_STATUS_NO_MEMORY))
			fail_msg("%s could be 0xC0000017", like[i]);
	for (size_t i = 0; i < CF_ARRAY_LEN(unlike); i++)
		if (cf_code_resembles(unlike[i], CF_STATUS_NO_MEMORY))
			fail_msg("%s is not 0xC0000017", unlike[i]);
}

static struct cf_read_code decide(const char *a, const char *b, const char *c, const struct cf_code_shape *s, double no_memory)
{
	char r[3][CF_CODE_TEXT];
	struct cf_read_code out;
	snprintf(r[0], sizeof r[0], "%s", a);
	snprintf(r[1], sizeof r[1], "%s", b);
	snprintf(r[2], sizeof r[2], "%s", c);
	cf_code_decide((const char(*)[CF_CODE_TEXT])r, 3, s, no_memory, &out);
	return out;
}

static void test_decide(void **state)
{
	(void)state;
	const struct cf_code_shape none = { 0 };
	/* 0xC0000017: digits 1 to 5 are zeros, 6 and 7 none and not alike */
	const struct cf_code_shape seventeen = { true, true, 0x3e, 0xc0, 0.3 };
	const struct cf_code_shape twins = { true, true, 0x3e, 0xc0, 0.99 };
	const struct cf_code_shape first = { true, true, 0x7e, 0x80, 0.4 }; /* 0xC000000x */
	struct cf_read_code d = decide("0xc0000017", "0xc0000017", "0xc0000017", &seventeen, 0);
	assert_true(d.found && d.value == CF_STATUS_NO_MEMORY && d.sure > 0.95);
	/* two that agree against one */
	d = decide("0xc0000017", "0xc0000077", "0xc0000017", &none, 0);
	assert_true(d.found && d.value == CF_STATUS_NO_MEMORY);
	/* digits that were found, though few zeros among them, and are not alike can't be twins */
	const struct cf_code_shape few = { true, false, 0x18, 0xc0, 0.48 };
	d = decide("0xc0000077", "0xc0000017", "0xc0000077", &few, 0);
	assert_true(!d.found || d.value != 0xC0000077);
	/* one alone is nothing without the shapes, and a tie is nothing */
	assert_false(decide("0xc0000017", "", "", &none, 0).found);
	assert_false(decide("0xc0000017", "0xc0000011", "", &none, 0).found);
	/* readers who all see 17 are wrong when the last digits are twins, or the seventh is a zero */
	assert_false(decide("0xc0000017", "0xc0000017", "0xc0000017", &twins, 0).found);
	d = decide("0xc0000017", "0xc0000017", "0xc000000f", &first, 0);
	assert_true(!d.found || d.value != CF_STATUS_NO_MEMORY);
	/* zeros by shape, the rest where all agree */
	d = decide("@xc@@eee17", "@xcgeeee17", "0xc86eo017", &seventeen, 0);
	assert_true(d.found && d.value == CF_STATUS_NO_MEMORY && d.sure < 0.9);
	assert_false(decide("@xc@@eee17", "@xcgeeee11", "", &seventeen, 0).found);
	/* the sentence confirms a misread code, but not another one */
	d = decide("0xcO000077", "0xc0000077", "0xc0000077", &none, 0.95);
	assert_true(d.found && d.value == CF_STATUS_NO_MEMORY);
	d = decide("0xc0000225", "0xc0000225", "0xc0000225", &none, 0.95);
	assert_true(d.found && d.value == 0xC0000225);
	d = decide("0xc0000077", "0xc0000077", "0xc0000077", &none, 0.5);
	assert_true(d.found && d.value == 0xC0000077);
}

static struct cf_phrases find(const char *text)
{
	struct cf_phrases f;
	assert_int_equal(cf_phrases_find(text, false, &f), 0);
	return f;
}

/* Five by seven pixels a character, three pixels a dot. */
static const char *glyph(char c)
{
	switch (c) {
	case '0':
		return ".###." "#...#" "#...#" "#...#" "#...#" "#...#" ".###.";
	case '1':
		return "..#.." ".##.." "..#.." "..#.." "..#.." "..#.." ".###.";
	case '2':
		return ".###." "#...#" "....#" "...#." "..#.." ".#..." "#####";
	case '5':
		return "#####" "#...." "####." "....#" "....#" "#...#" ".###.";
	case '7':
		return "#####" "....#" "...#." "...#." "..#.." "..#.." "..#..";
	case 'x':
		return "....." "....." "#...#" ".#.#." "..#.." ".#.#." "#...#";
	default: /* c */
		return "....." "....." ".####" "#...." "#...." "#...." ".####";
	}
}

static struct cf_code_shape shape_of(const char *code)
{
	struct cf_grey g = { .width = 6 * 3 * 10 + 12, .height = 7 * 3 + 12 };
	struct cf_code_shape s;
	assert_int_equal(cf_buf_resize(&g.px, (size_t)g.width * g.height), 0);
	memset(g.px.p, 255, g.px.n);
	for (size_t i = 0; code[i]; i++)
		for (size_t y = 0; y < 21; y++)
			for (size_t x = 0; x < 15; x++)
				if (glyph(code[i])[y / 3 * 5 + x / 3] == '#')
					g.px.p[(y + 6) * g.width + 6 + i * 18 + x] = 30;
	cf_code_shape_of(&g, &s);
	cf_buf_free(&g.px);
	return s;
}

static void test_shape(void **state)
{
	(void)state;
	struct cf_code_shape s = shape_of("0xc0000017");
	assert_true(s.known && s.last_two < 0.55);
	assert_int_equal(s.zeros, 0x3e);
	assert_int_equal(s.not_zeros & 0xc0, 0xc0);
	s = shape_of("0xc0000077");
	assert_true(s.known && s.zeros == 0x3e && s.last_two > 0.93);
	s = shape_of("0xc0000001");
	assert_true(s.known && s.zeros == 0x7e);
	s = shape_of("0xc0000225");
	assert_true(s.known && s.zeros == 0x1e && (s.not_zeros & 0xe0) == 0xe0);
	/* readers who say 17 of these pictures are not believed */
	assert_false(decide("0xc0000017", "0xc0000017", "0xc0000017", &s, 0).found);
	s = shape_of("0xc0000077");
	assert_false(decide("0xc0000017", "0xc0000017", "0xc0000017", &s, 0).found);
	/* nothing to see */
	struct cf_grey empty = { .width = 50, .height = 20 };
	assert_int_equal(cf_buf_resize(&empty.px, 1000), 0);
	memset(empty.px.p, 255, 1000);
	cf_code_shape_of(&empty, &s);
	assert_false(s.known);
	cf_buf_free(&empty.px);
}

static void test_phrases(void **state)
{
	(void)state;
	struct cf_phrases f = find("windows Boot Manager\nWindovs faiIed to start. A recent hardware or software chonge might be the\ncause.");
	assert_int_equal(f.screen, CF_SCREEN_BOOT_MANAGER);
	assert_string_equal(f.language, "en");
	f = find("Aterstallning\nDatorn/enheten behover repareras\nDet finns inte tillrackligt med minne for att skapa en ramdisk-enhet.");
	assert_int_equal(f.screen, CF_SCREEN_RECOVERY);
	assert_string_equal(f.language, "sv");
	assert_true(f.no_memory > 0.9);
	/* the same words elsewhere are no screen */
	assert_int_equal(find("Windows Boot Manager\n--------------------\nidentifier {bootmgr}\ndescription Windows Boot Manager").screen, CF_SCREEN_UNKNOWN);
	assert_int_equal(find("BOOTMGR is missing\nPress Ctrl+Alt+Del to restart").screen, CF_SCREEN_UNKNOWN);
	assert_int_equal(find("please wait while we are starting Windows Update for you").screen, CF_SCREEN_UNKNOWN);
	assert_int_equal(find("Starting Windows").screen, CF_SCREEN_STARTING_WINDOWS);
	assert_int_equal(find("").screen, CF_SCREEN_UNKNOWN);
	uint32_t code = 0;
	assert_true(cf_stop_by_name("Stop code: CRITICAL PROCESS DIED", &code));
	assert_int_equal(code, 0xef);
	assert_true(cf_stop_by_name("Stopcode: SYSTEM_THREAD_EXCEPTI0N_N0T_HANDLED", &code));
	assert_int_equal(code, 0x7e);
	assert_false(cf_stop_by_name("check the file system of this disk", &code));
}

static void test_distance(void **state)
{
	(void)state;
	size_t end;
	assert_int_equal(cf_distance_in(cf_span_of("xxabcdyy", 8), cf_span_of("abcd", 4), &end), 0);
	assert_int_equal(end, 6);
	assert_int_equal(cf_distance_in(cf_span_of("xxabdyy", 7), cf_span_of("abcd", 4), &end), 1);
	assert_int_equal(cf_distance_in(cf_span_of("", 0), cf_span_of("abcd", 4), &end), 4);
}

static void test_table(void **state)
{
	(void)state;
	static const char tsv[] = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
				  "4\t1\t1\t1\t1\t0\t10\t20\t300\t40\t-1\t\n"
				  "5\t1\t1\t1\t1\t1\t10\t20\t100\t40\t96.5\tError\n"
				  "5\t1\t1\t1\t1\t2\t120\t20\t100\t40\t91\tcode:\n"
				  "5\t1\t1\t1\t2\t1\t10\t70\t99999999999\t40\t91\t\033[31mred\n"
				  "5\t1\t1\t1\n5\t1\n\t\t\t\n";
	struct cf_words w;
	assert_int_equal(cf_ocr_table(cf_span_of(tsv, sizeof tsv - 1), &w), 0);
	assert_int_equal(w.n, 3);
	assert_string_equal(w.word[0].text, "Error");
	assert_int_equal(w.word[0].sure, 96);
	assert_int_equal(w.word[0].line, w.word[1].line);
	assert_int_equal(w.word[1].x, 120);
	assert_int_not_equal(w.word[1].line, w.word[2].line);
	assert_string_equal(w.word[2].text, "[31mred");
	free(w.word);
	assert_int_equal(cf_ocr_table(cf_span_of(NULL, 0), &w), 0);
	free(w.word);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_strict), cmocka_unit_test(test_resembles), cmocka_unit_test(test_decide), cmocka_unit_test(test_shape),
					    cmocka_unit_test(test_phrases),
					    cmocka_unit_test(test_distance), cmocka_unit_test(test_table) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
