/* test-reagent.c - the place of Windows RE in ReAgent.xml: only the number that is meant, in whatever encoding.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "space/expand-internal.h"

#define DISK "c01df1c5-0001-4000-8000-000000000000"
#define NONE "{00000000-0000-0000-0000-000000000000}"
#define LOCATION(id, offset, guid) "<WinreLocation path=\"\\Recovery\\WindowsRE\" id=\"" id "\" offset=\"" offset "\" guid=\"" guid "\"/>\r\n"
#define FILE_OF(location, state) "<?xml version='1.0' encoding='utf-8'?>\r\n<WindowsRE version=\"2.0\">\r\n" location \
	"<ImageLocation path=\"\" id=\"0\" offset=\"0\" guid=\"" NONE "\"/>\r\n<InstallState state=\"" state "\"/>\r\n</WindowsRE>\r\n"

enum form { UTF8, BOM, UTF16 };

static void encode(struct cf_buf *b, const char *text, enum form form)
{
	size_t n = strlen(text), head = form == BOM ? 3 : form == UTF16 ? 2 : 0;
	assert_int_equal(cf_buf_resize(b, head + n * (form == UTF16 ? 2 : 1)), 0);
	if (head)
		memcpy(b->p, form == BOM ? "\xef\xbb\xbf" : "\xff\xfe", head);
	for (size_t i = 0; i < n; i++) {
		b->p[head + i * (form == UTF16 ? 2 : 1)] = (uint8_t)text[i];
		if (form == UTF16)
			b->p[head + i * 2 + 1] = 0;
	}
}

struct edit {
	const char *before, *after;
	const char *guid; /* NULL: an MBR disk */
	uint32_t signature;
	uint64_t from, to;
	bool off;
	unsigned n;
};

#define GPT .guid = DISK
#define MBR .guid = NULL, .signature = 0xc01df101
static const struct edit edits[] = {
	{ FILE_OF(LOCATION("0", "401604608", "{" DISK "}"), "1"), FILE_OF(LOCATION("0", "1099494850560", "{" DISK "}"), "1"), GPT,
	  .from = 401604608, .to = 1099494850560, .n = 1 }, /* longer */
	{ FILE_OF(LOCATION("0", "1099494850560", "{C01DF1C5-0001-4000-8000-000000000000}"), "1"),
	  FILE_OF(LOCATION("0", "401604608", "{C01DF1C5-0001-4000-8000-000000000000}"), "1"), GPT, .from = 1099494850560, .to = 401604608, .n = 1 }, /* shorter */
	{ FILE_OF(LOCATION("0", "401604608", "{11111111-0001-4000-8000-000000000000}"), "1"), NULL, GPT, .from = 401604608, .to = 7 }, /* another disk */
	{ FILE_OF(LOCATION("0", "4016046080", "{" DISK "}"), "1"), NULL, GPT, .from = 401604608, .to = 7 }, /* another place */
	{ FILE_OF(LOCATION("0", "401604608", NONE), "1"), FILE_OF(LOCATION("0", "8", NONE), "1"), GPT, .from = 401604608, .to = 8, .n = 1 }, /* no disk named */
	{ FILE_OF(LOCATION("5", "401604608", NONE), "1"), NULL, GPT, .from = 401604608, .to = 8 }, /* an MBR disk */
	{ FILE_OF(LOCATION("3223187713", "401604608", NONE), "1"), FILE_OF(LOCATION("3223187713", "506462208", NONE), "1"), MBR,
	  .from = 401604608, .to = 506462208, .n = 1 },
	{ FILE_OF(LOCATION("-1071779583", "401604608", NONE), "1"), FILE_OF(LOCATION("-1071779583", "506462208", NONE), "1"), MBR,
	  .from = 401604608, .to = 506462208, .n = 1 },
	{ FILE_OF(LOCATION("3223187714", "401604608", NONE), "1"), NULL, MBR, .from = 401604608, .to = 506462208 },
	{ FILE_OF(LOCATION("3223187713", "401604608", "{" DISK "}"), "1"), NULL, MBR, .from = 401604608, .to = 506462208 }, /* a GPT disk */
	/* Off: the place stays written down. */
	{ FILE_OF(LOCATION("0", "401604608", "{" DISK "}"), "1"), FILE_OF(LOCATION("0", "401604608", "{" DISK "}"), "0"), GPT, .from = 401604608, .off = true, .n = 1 },
	{ FILE_OF(LOCATION("0", "401604608", "{" DISK "}"), "0"), NULL, GPT, .from = 401604608, .off = true, .n = 1 },
	{ FILE_OF(LOCATION("0", "9", "{" DISK "}"), "1"), NULL, GPT, .from = 401604608, .off = true },
	/* What is no such file, cut short or odd, stays. */
	{ "", NULL, GPT, .from = 401604608, .to = 7 },
	{ "<", NULL, GPT, .from = 401604608, .to = 7 },
	{ "<WinreLocation offset=\"401604608", NULL, GPT, .from = 401604608, .to = 7 },
	{ "offset=\"401604608\" guid=\"{" DISK "}\"", NULL, GPT, .from = 401604608, .to = 7 },
	{ "<a offset='401604608' guid='" DISK "'>", "<a offset='7' guid='" DISK "'>", GPT, .from = 401604608, .to = 7, .n = 1 },
};

static void test_edit(void **state)
{
	(void)state;
	for (size_t i = 0; i < CF_ARRAY_LEN(edits); i++)
		for (enum form f = UTF8; f <= UTF16; f++) {
			const struct edit *e = &edits[i];
			CF_BUF b = { 0 };
			CF_BUF want = { 0 };
			struct cf_error err = { 0 };
			unsigned n = 99;
			encode(&b, e->before, f);
			encode(&want, e->after ? e->after : e->before, f);
			assert_int_equal(cf_reagent_edit(&b, e->from, e->to, e->guid, e->signature, e->off, &n, &err), 0);
			if (n != e->n || b.n != want.n || (b.n && memcmp(b.p, want.p, b.n) != 0))
				fail_msg("edit %zu, form %d: %u changes, %.*s", i, (int)f, n, (int)b.n, b.n ? (const char *)b.p : "");
		}
}

/* A file that is cut anywhere: no byte outside of it is touched (sanitizers), nothing but the number changes. */
static void test_cut(void **state)
{
	(void)state;
	for (enum form f = UTF8; f <= UTF16; f++) {
		CF_BUF whole = { 0 };
		encode(&whole, edits[0].before, f);
		for (size_t len = 0; len < whole.n; len++) {
			CF_BUF b = { 0 };
			struct cf_error err = { 0 };
			unsigned n;
			assert_int_equal(cf_buf_copy(&b, cf_span_of(whole.p, len)), 0);
			assert_int_equal(cf_reagent_edit(&b, edits[0].from, edits[0].to, DISK, 0, len % 2, &n, &err), 0);
			if (n == 0)
				assert_int_equal(b.n, len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_edit), cmocka_unit_test(test_cut) };
	return cmocka_run_group_tests_name("reagent", tests, NULL, NULL);
}
