/* test-log.c - serial logs: the boot manager's screen with its terminal controls, SAC, stops; and what is none.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include "symptom/symptom.h"

#define BOOT "\033[0m\033[2J\033[1;1H\033[7m                 Windows Boot Manager                  \033[0m\r\n\033[3;1HWindows failed to start. A recent hardware or software\033[4;1H change might be the cause.\r\n" \
	     "\033[14;5HStatus: \033[1m0xc0000017\033[0m\033[16;5HInfo: There isn't enough memory available to create a ramdisk device.\r\n"
#define SAC "\r\n\nComputer is booting, SAC started and initialized.\r\n\r\nUse the \"ch -?\" command for information about using channels.\r\nUse the \"?\" command for general help.\r\n\r\n\r\nSAC>"
#define UP "\r\nEVENT:   The CMD command is now available.\r\nSAC>"
#define XML "<INSTANCE CLASSNAME=\"BLUESCREEN\">\r\n<PROPERTY NAME=\"STOPCODE\" TYPE=\"string\"><VALUE>\"0x7B\"</VALUE></PROPERTY>\r\n</INSTANCE>\r\n"
#define STOP "\r\n*** STOP: 0x000000EF (0xFFFFE001,0xC0000017,0x0,0x0)\r\n"

static struct cf_symptom of(const char *log)
{
	struct cf_symptom s;
	struct cf_error err;
	assert_int_equal(cf_symptom_of(cf_span_of(log, strlen(log)), &s, &err), 0);
	cf_buf_free(&s.text);
	return s;
}

static void test_events(void **state)
{
	(void)state;
	struct cf_symptom s = of(BOOT);
	assert_int_equal(s.screen, CF_SCREEN_SERIAL);
	assert_true(s.has_code && s.code == CF_STATUS_NO_MEMORY && s.sure > 0.95);
	assert_string_equal(s.article, "status-no-memory");
	assert_string_equal(s.language, "en");
	s = of(SAC);
	assert_true(s.recognised && !s.has_code && !s.article && s.note);
	s = of(SAC UP);
	assert_true(s.recognised && !s.has_code && !s.article && s.sure > 0.9);
	s = of(SAC XML);
	assert_true(s.has_code && s.code == 0x7b && !s.article);
	/* a parameter of a stop is not its code */
	s = of(STOP);
	assert_true(s.has_code && s.code == 0xef && !s.article);
	/* the last event counts */
	assert_false(of(BOOT SAC UP).has_code);
	assert_int_equal(of(SAC UP BOOT).code, CF_STATUS_NO_MEMORY);
	assert_int_equal(of(BOOT SAC STOP).code, 0xef);
}

static void test_others(void **state)
{
	(void)state;
	static const char *const none[] = {
		"", "\n", "[    0.000000] BIOS-e820: [mem 0x00000000c0000017-0x00000000cfffffff] reserved\nweb01 login: ",
		"C:\\>bcdedit\nWindows Boot Manager\nidentifier {bootmgr}\n", "kernel: status 0xc0000017", "GRUB loading.\nWindows Boot Manager (on /dev/sda1)\n",
		"Status: 0xc00000170\n", "Status: 0xc000001\n",
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(none); i++) {
		struct cf_symptom s = { 0 };
		struct cf_error err;
		/* an empty file is neither image nor text */
		if (cf_symptom_of(cf_span_of(none[i], strlen(none[i])), &s, &err) == 0 && (s.recognised || s.article || s.has_code))
			fail_msg("\"%s\" is no log of Windows", none[i]);
		cf_buf_free(&s.text);
	}
	/* a line that any program's log may hold names no article */
	struct cf_symptom s = of("2024-01-01 setup: Status: 0xc0000017\n");
	assert_true(!s.article && s.sure < CF_SYMPTOM_SURE);
	/* in a language that is not known, with the controls of a boot screen, it does */
	s = of("\033[2J\033[14;5HFelkod: 0xc0000017\033[16;5H\n");
	assert_string_equal(s.article, "status-no-memory");
	assert_false(of("Status: 0xc0000225\nInfo: The boot selection failed\n").article);
	assert_int_equal(of("Felkod: 0xc0000017\n").code, CF_STATUS_NO_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_events), cmocka_unit_test(test_others) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
