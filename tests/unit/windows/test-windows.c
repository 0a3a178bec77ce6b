/* test-windows.c - what a survey says about disks that are known to the last byte.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "test-disks.h"

static bool ready;

/* Not cmocka's skip(): its "not ok # SKIP" counts as a failure for meson. */
#define NEEDS_DISKS()                                               \
	do {                                                            \
		(void)state;                                                \
		if (!ready) {                                               \
			print_message("# skipped: the disks can't be made\n"); \
			return;                                                 \
		}                                                           \
	} while (0)

static void open_one(struct rig *r, const char *name)
{
	const char *names[] = { name, NULL };
	rig_open(r, names, 0);
}

static const struct cf_install *selected(const struct rig *r)
{
	assert_true(r->m->selected >= 0);
	return &r->m->install[r->m->selected];
}

static void check_path(const struct cf_install *in, const char *text, char letter, const char *expected)
{
	char got = 0;
	CF_FREE char *path = NULL;
	assert_true(cf_install_path(in, text, &got, &path));
	assert_int_equal(got, letter);
	assert_string_equal(path, expected);
}

static void test_paths(void **state)
{
	char root[] = "\\WINNT";
	struct cf_install in = { .root = root, .own_letter = 'E' };
	static const char *const not_paths[] = { "", "MEMORY.DMP", "\\pagefile.sys", "C:pagefile.sys", "\\??\\Volume{1}\\a",
						 "\\\\server\\share\\x", "%SystemRootX%\\a", "%TEMP%\\x", "\\??\\", "1:\\a" };
	char letter;
	char *path;
	(void)state;
	check_path(&in, "%SystemRoot%\\MEMORY.DMP", 'E', "\\WINNT\\MEMORY.DMP");
	check_path(&in, "%systemroot%", 'E', "\\WINNT");
	check_path(&in, "%windir%/Minidump", 'E', "\\WINNT\\Minidump");
	check_path(&in, "\\SystemRoot\\System32\\drivers", 'E', "\\WINNT\\System32\\drivers");
	check_path(&in, "%SystemDrive%\\pagefile.sys", 'E', "\\pagefile.sys");
	check_path(&in, "?:\\pagefile.sys", 'E', "\\pagefile.sys");
	check_path(&in, "d:\\pagefile.sys", 'D', "\\pagefile.sys");
	check_path(&in, "\\??\\C:\\pagefile.sys", 'C', "\\pagefile.sys");
	check_path(&in, "C:\\\\dump//dd.sys", 'C', "\\dump\\dd.sys");
	check_path(&in, "C:", 'C', "\\");
	for (size_t i = 0; i < CF_ARRAY_LEN(not_paths); i++)
		assert_false(cf_install_path(&in, not_paths[i], &letter, &path));
}

static void test_arguments(void **state)
{
	struct cf_machine *m;
	struct cf_error err;
	(void)state;
	assert_int_equal(cf_machine_survey(NULL, NULL, 0, NULL, &m, &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
	cf_machine_free(NULL);
}

/* A disk of zeros, one of noise, and one that fails: the first two are empty machines, the third is an error. */
static void test_nothing_there(void **state)
{
	static uint8_t bytes[1 << 20];
	struct cf_error err;
	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = round ? (uint8_t)(i * 2654435761u >> 13) : 0;
		struct cf_block *b = cf_memory_open(bytes, sizeof bytes, 512, &err);
		struct cf_machine *m;
		assert_non_null(b);
		assert_int_equal(cf_machine_survey(&b, NULL, 1, NULL, &m, &err), 0);
		assert_int_equal(m->n_vols, 0);
		assert_int_equal(m->n_installs, 0);
		assert_int_equal(m->selected, -1);
		assert_false(m->ambiguous);
		assert_int_equal(m->generation, 0);
		cf_machine_free(m);
		struct cf_block *bad = cf_fault_open(b, 1, 0, &err);
		assert_int_equal(cf_machine_survey(&bad, NULL, 1, NULL, &m, &err), -1);
		assert_int_equal(err.code, CF_E_IO);
		/* The same disk as a data disk is recorded, and the rest is looked at. */
		cf_block_close(bad);
		bad = cf_fault_open(b, 1, 0, &err);
		struct cf_block *both[] = { b, bad };
		assert_int_equal(cf_machine_survey(both, NULL, 2, NULL, &m, &err), 0);
		assert_int_equal(m->disk[1].part_error.code, CF_E_IO);
		cf_machine_free(m);
		cf_block_close(bad);
		cf_block_close(b);
	}
}

static void test_two(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "two");
	const struct cf_machine *m = r.m;
	assert_int_equal(m->n_vols, 3);
	assert_int_equal(m->n_installs, 3);
	assert_int_equal(m->n_stores, 1);
	assert_string_equal(m->store[0].path, "\\Boot\\BCD");
	assert_int_equal(m->store[0].vol, 0);
	assert_int_equal(m->vol[0].role, CF_ROLE_SYSTEM);
	assert_int_equal(m->vol[1].role, CF_ROLE_WINDOWS);
	assert_string_equal(m->vol[0].label, "System Reserved");
	assert_string_equal(m->install[0].computer_name, "two-FIRST");
	assert_string_equal(m->install[1].root, "\\Windows");
	assert_string_equal(m->install[2].root, "\\Rescue");
	assert_int_equal(m->install[2].store, -1);
	assert_int_equal(m->install[2].n_loaders, 0);
	assert_int_equal(m->selected, 1);
	assert_false(m->ambiguous);
	assert_int_equal(m->generation, 1);
	const struct cf_install *in = selected(&r);
	assert_true(in->is_default);
	assert_false(in->any_loader_guess);
	assert_false(m->install[0].is_default);
	assert_int_equal(in->n_loaders, 1);
	assert_int_equal(m->install[0].n_loaders, 1);
	assert_int_equal(in->store, 0);
	assert_string_equal(in->product, "Windows 11 Pro");
	assert_string_equal(in->version, "10.0.22631");
	assert_string_equal(in->architecture, "x64");
	assert_false(in->server);
	assert_true(m->install[0].server);
	/* letters of the selected Windows: C itself, D the other, E a CD, F a disk elsewhere, G no partition of this disk */
	assert_int_equal(in->own_letter, 'C');
	assert_int_equal(in->n_letters, 5);
	assert_int_equal(m->vol[2].letter, 'C');
	assert_int_equal(m->vol[1].letter, 'D');
	assert_int_equal(m->vol[0].letter, 0);
	assert_int_equal(cf_machine_find_letter(m, in, 'd'), 1);
	assert_int_equal(cf_machine_find_letter(m, in, 'F'), -1);
	assert_int_equal(cf_machine_find_letter(m, in, 'Q'), -1);
	for (size_t i = 0; i < in->n_letters; i++) {
		assert_int_equal(in->letter[i].not_a_disk, in->letter[i].letter == 'E');
		assert_int_equal(in->letter[i].foreign, in->letter[i].letter == 'F');
	}
	CF_FREE char *name = cf_vol_name(m, 0);
	CF_FREE char *drive = cf_vol_name(m, 2);
	assert_string_equal(name, "partition 1 (System Reserved)");
	assert_string_equal(drive, "C:");
	rig_close(&r);
}

/* One read fails, each time another: what was not hit is found all the same, and nothing is made up. */
static void test_read_faults(void **state)
{
	struct rig r;
	unsigned complete = 0, failed = 0;
	NEEDS_DISKS();
	open_one(&r, "two");
	for (uint64_t nth = 1; nth < 400; nth += nth < 40 ? 1 : 7) {
		struct cf_error err = { 0 };
		struct cf_block *b = cf_fault_open(r.disk[0]->block, nth, 0, &err);
		struct cf_machine *m = NULL;
		assert_non_null(b);
		if (cf_machine_survey(&b, NULL, 1, NULL, &m, &err) < 0) {
			assert_int_equal(err.code, CF_E_IO);
			failed++;
		} else {
			assert_true(m->n_vols <= 3 && m->n_installs <= 3 && m->n_stores <= 1);
			complete += m->n_installs == 3;
			for (size_t i = 0; i < m->n_vols; i++)
				assert_true(m->vol[i].vol || m->vol[i].error.code != CF_OK);
			for (size_t i = 0; i < m->n_installs; i++)
				assert_true(m->install[i].system.hive || m->install[i].system.error.code != CF_OK);
		}
		cf_machine_free(m);
		cf_block_close(b);
	}
	assert_true(failed > 0);
	assert_true(complete > 0);
	rig_close(&r);
}

static void test_choice(void **state)
{
	struct rig r;
	const char *names[] = { "two", NULL };
	NEEDS_DISKS();
	rig_open(&r, names, 1);
	assert_int_equal(r.m->selected, 0);
	assert_int_equal(r.m->vol[1].letter, 'C');
	rig_close(&r);
	rig_open(&r, names, 9);
	assert_int_equal(r.m->selected, -1);
	rig_close(&r);
	open_one(&r, "ambiguous");
	assert_true(r.m->ambiguous);
	assert_int_equal(r.m->selected, 0);
	assert_false(selected(&r)->is_default);
	rig_close(&r);
}

static void test_bare(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "bare");
	assert_int_equal(r.m->n_vols, 1);
	assert_null(r.m->vol[0].part);
	assert_int_equal(r.m->vol[0].number, 0);
	assert_int_equal(r.m->n_installs, 1);
	assert_true(selected(&r)->is_default);
	assert_false(selected(&r)->any_loader_guess);
	assert_int_equal(r.m->generation, 1);
	assert_int_equal(r.m->vol[0].letter, 'C');
	rig_close(&r);
}

static void test_logical(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "logical");
	assert_int_equal(r.m->n_vols, 3);
	assert_int_equal(r.m->vol[2].number, 6);
	assert_int_equal(selected(&r)->vol, 2);
	assert_int_equal(selected(&r)->own_letter, 'E');
	assert_int_equal(r.m->vol[1].letter, 'C');
	assert_int_equal(r.m->vol[2].letter, 'E');
	assert_true(selected(&r)->is_default);
	rig_close(&r);
}

static void test_minimal(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "minimal");
	const struct cf_install *in = selected(&r);
	assert_string_equal(in->root, "\\windows");
	assert_int_equal(in->system.error.code, CF_OK);
	assert_non_null(in->system.hive);
	assert_int_equal(in->system.report.n_defects, 0);
	assert_int_equal(in->current, 1);
	assert_false(in->select_missing);
	assert_int_equal(in->n_sets, 1);
	assert_true(in->set[0].current);
	assert_string_equal(in->set[0].key, "ControlSet001");
	assert_false(in->software.present);
	assert_int_equal(in->software.error.code, CF_E_NOT_FOUND);
	assert_null(in->product);
	assert_null(in->version);
	assert_null(in->computer_name);
	assert_int_equal(in->build, 0);
	assert_int_equal(in->store, -1);
	assert_int_equal(r.m->n_stores, 0);
	assert_int_equal(r.m->generation, 1);
	assert_int_equal(in->own_letter, 'C');
	rig_close(&r);
}

static void test_guess(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "guess");
	const struct cf_install *in = selected(&r);
	assert_true(in->select_missing);
	assert_int_equal(in->current, 1);
	assert_true(in->any_loader_guess);
	assert_int_equal(in->n_loaders, 1); /* not the WinPE loader */
	assert_int_equal(in->store, 0);
	rig_close(&r);
	open_one(&r, "missing-set");
	in = selected(&r);
	assert_int_equal(in->current, 4);
	assert_false(in->select_missing);
	assert_int_equal(in->n_sets, 2);
	assert_false(in->set[0].current || in->set[1].current);
	assert_true(in->set[1].last_known_good);
	assert_string_equal(in->version, "6.1.7601");
	assert_string_equal(in->computer_name, "MISSING");
	rig_close(&r);
}

static void test_hostile(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "hostile");
	assert_int_equal(r.m->n_installs, 1);
	const struct cf_install *in = selected(&r);
	assert_null(in->system.hive);
	assert_true(in->system.present);
	assert_int_equal(in->system.error.code, CF_E_CORRUPT);
	assert_string_equal(in->system.error.path, "\\Windows\\System32\\config\\SYSTEM");
	assert_int_equal(in->software.error.code, CF_E_CORRUPT);
	assert_non_null(strstr(in->software.error.message, "absurdly large (600 MiB)"));
	assert_int_equal(in->n_sets, 0);
	assert_int_equal(in->own_letter, 'C');
	assert_int_equal(r.m->n_stores, 1);
	assert_null(r.m->store[0].file.hive);
	assert_int_equal(r.m->store[0].file.error.code, CF_E_CORRUPT);
	assert_int_equal(r.m->store[0].bcd.n, 0);
	assert_int_equal(in->store, 0);
	assert_int_equal(in->n_loaders, 0);
	rig_close(&r);
}

static void test_windows_old(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "old");
	assert_int_equal(r.m->n_installs, 1);
	assert_string_equal(selected(&r)->root, "\\Windows.old\\WINDOWS");
	assert_true(selected(&r)->is_default);
	rig_close(&r);
}

static void test_media(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	open_one(&r, "media");
	assert_int_equal(r.m->n_installs, 0);
	assert_int_equal(r.m->n_stores, 0);
	assert_int_equal(r.m->selected, -1);
	rig_close(&r);
	/* Beside a real OS disk it is a data disk, and its stores are nobody's. */
	const char *names[] = { "two", "media", NULL };
	rig_open(&r, names, 0);
	assert_int_equal(r.m->n_stores, 1);
	assert_int_equal(r.m->n_disks, 2);
	assert_int_equal(r.m->vol[3].disk, 1);
	assert_int_equal(r.m->selected, 1);
	rig_close(&r);
}

/* Expected values: regipy's own test of this hive (computer_name_plugin, processor_architecture, mounted devices). */
static void test_real(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	if (!disks_have_real()) {
		print_message("# skipped: the real SYSTEM hive is not at hand\n");
		return;
	}
	open_one(&r, "real");
	const struct cf_install *in = selected(&r);
	assert_int_equal(in->system.error.code, CF_OK);
	assert_int_equal(in->system.report.n_fatal, 0);
	assert_string_equal(in->computer_name, "WKS-WIN732BITA");
	assert_string_equal(in->architecture, "x86");
	assert_false(in->server);
	assert_int_equal(in->n_sets, 2);
	assert_int_equal(in->current, 1);
	assert_true(in->set[1].last_known_good);
	assert_int_equal(in->n_letters, 4);
	assert_int_equal(in->own_letter, 'C');
	assert_int_equal(cf_machine_find_letter(r.m, in, 'C'), 0);
	for (size_t i = 0; i < in->n_letters; i++)
		assert_int_equal(in->letter[i].not_a_disk, in->letter[i].letter != 'C');
	rig_close(&r);
}

static void test_gen2(void **state)
{
	struct rig r;
	const char *names[] = { "gen2", "data", NULL };
	NEEDS_DISKS();
	assert_true(disks_make("gen2", "--gen 2 --windows server2022 --computer AZ-2 --break pagefile-data-disk"));
	assert_true(disks_make("data", "--data-disk --size 128M"));
	rig_open(&r, names, 0);
	const struct cf_machine *m = r.m;
	assert_int_equal(m->n_vols, 5);
	static const enum cf_role roles[] = { CF_ROLE_RECOVERY, CF_ROLE_ESP, CF_ROLE_MSR, CF_ROLE_WINDOWS, CF_ROLE_DATA };
	for (size_t i = 0; i < m->n_vols; i++)
		assert_int_equal(m->vol[i].role, roles[i]);
	assert_int_equal(m->n_stores, 1); /* not \EFI\Microsoft\Recovery\BCD, not BCD-Template */
	assert_string_equal(m->store[0].path, "\\EFI\\Microsoft\\Boot\\BCD");
	assert_int_equal(m->store[0].file.report.n_fatal, 0);
	assert_int_equal(m->generation, 2);
	const struct cf_install *in = selected(&r);
	assert_string_equal(in->product, "Windows Server 2022 Datacenter");
	assert_string_equal(in->version, "10.0.20348");
	assert_string_equal(in->display_version, "21H2");
	assert_string_equal(in->edition, "ServerDatacenter");
	assert_string_equal(in->architecture, "x64");
	assert_string_equal(in->computer_name, "AZ-2");
	assert_int_equal(in->ubr, 3091);
	assert_true(in->server);
	assert_true(in->guest_agent);
	assert_false(in->update_pending);
	assert_true(in->is_default);
	assert_int_equal(in->n_loaders, 1);
	assert_null(in->software.hive);
	assert_int_equal(in->software.error.code, CF_OK);
	assert_true(in->software.present && in->software.report.n_keys > 0);
	assert_int_equal(cf_machine_find_letter(m, in, 'F'), 4);
	assert_int_equal(m->vol[4].letter, 'F');
	assert_true(m->vol[3].space.total_bytes > 0);
	rig_close(&r);
	open_one(&r, "gen2"); /* without the data disk */
	assert_int_equal(cf_machine_find_letter(r.m, selected(&r), 'F'), -1);
	rig_close(&r);
}

static void test_gen1(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	assert_true(disks_make("gen1", "--gen 1 --windows server2008r2 --no-azure --paging d"));
	open_one(&r, "gen1");
	const struct cf_install *in = selected(&r);
	assert_int_equal(r.m->generation, 1);
	assert_int_equal(r.m->vol[0].role, CF_ROLE_SYSTEM);
	assert_string_equal(in->version, "6.1.7601");
	assert_int_equal(in->n_sets, 2);
	assert_false(in->guest_agent);
	assert_true(in->is_default);
	assert_int_equal(cf_machine_find_letter(r.m, in, 'D'), -1); /* Azure's temporary disk */
	rig_close(&r);
	assert_true(disks_make("single", "--gen 1 --layout single --windows win11 --break hive-unclean"));
	open_one(&r, "single");
	in = selected(&r);
	assert_int_equal(r.m->n_vols, 1);
	assert_int_equal(r.m->vol[0].role, CF_ROLE_WINDOWS);
	assert_int_equal(in->system.replay.state, CF_REPLAY_APPLIED);
	assert_string_equal(in->computer_name, "COLDFIX-VM"); /* "BEFORE-REPLAY" without the logs */
	assert_string_equal(in->product, "Windows 11 Pro");
	assert_int_equal(r.m->generation, 1);
	rig_close(&r);
}

/* What can't be read is named with a way out, and the rest of the disk is still there. */
static void test_unreadable(void **state)
{
	static const struct {
		const char *fault, *word;
		enum cf_fs fs;
	} cases[] = {
		{ "encrypted", "BitLocker", CF_FS_BITLOCKER },
		{ "refs", "ReFS", CF_FS_REFS },
		{ "ldm", "dynamic", CF_FS_LDM },
	};
	NEEDS_DISKS();
	for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
		struct rig r;
		char options[80];
		snprintf(options, sizeof options, "--gen 2 --break %s", cases[i].fault);
		assert_true(disks_make("unreadable", options));
		open_one(&r, "unreadable");
		assert_int_equal(r.m->n_installs, 0);
		assert_int_equal(r.m->n_stores, 1);
		assert_int_equal(r.m->generation, 2);
		const struct cf_vol *v = &r.m->vol[3];
		assert_int_equal(v->fs, cases[i].fs);
		assert_null(v->vol);
		assert_int_equal(v->error.code, CF_E_UNSUPPORTED);
		assert_non_null(strstr(v->error.message, cases[i].word));
		rig_close(&r);
	}
}

/* Without SOFTWARE the program file tells the version; the survey goes on without a boot store. */
static void test_fallbacks(void **state)
{
	struct rig r;
	NEEDS_DISKS();
	assert_true(disks_make("fallback", "--gen 2 --windows server2019 --break boot-store-missing "
				     "--manifest no-software.manifest"));
	open_one(&r, "fallback");
	const struct cf_install *in = selected(&r);
	assert_false(in->software.present);
	assert_null(in->product);
	assert_int_equal(r.m->n_stores, 0);
	assert_int_equal(in->store, -1);
	assert_int_equal(r.m->generation, 2);
	assert_string_equal(in->architecture, "x64");
	assert_int_equal(in->build, 17763);
	assert_string_equal(in->version, "10.0.17763");
	assert_int_equal(in->ubr, 6775);
	assert_true(in->server);
	rig_close(&r);
	assert_true(disks_make("fallback", "--gen 1 --windows server2019 --break hive-corrupt"));
	open_one(&r, "fallback");
	in = selected(&r);
	assert_int_equal(in->software.error.code, CF_OK);
	assert_true(in->software.report.n_fatal > 0);
	assert_null(in->software.hive);
	assert_string_equal(in->version, "10.0.17763");
	assert_true(in->server);
	rig_close(&r);
}

static int setup(void **state)
{
	(void)state;
	ready = disks_setup() != NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	disks_teardown();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),       cmocka_unit_test(test_arguments), cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_two),         cmocka_unit_test(test_choice),    cmocka_unit_test(test_bare),
		cmocka_unit_test(test_logical),     cmocka_unit_test(test_minimal),   cmocka_unit_test(test_guess),
		cmocka_unit_test(test_hostile),     cmocka_unit_test(test_windows_old), cmocka_unit_test(test_media),
		cmocka_unit_test(test_real),        cmocka_unit_test(test_gen2),      cmocka_unit_test(test_gen1),
		cmocka_unit_test(test_unreadable),  cmocka_unit_test(test_fallbacks), cmocka_unit_test(test_read_faults),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
