/* test-dump-real.c - real dumps and what other people's tools say of them. Skipped without $COLDFIX_SHARED.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ground truth: crash-dumps/…/EXPECTED-rizin-x64.txt (rizin's reading of the same file).
 */
#include "tests/tool.h"

#include <fcntl.h>

#include "dump/modules.h"

#define DUMP CF_CLEANUP(cf_dump_closep) struct cf_dump_source

/* Opens one and reads its header. fd is to be closed after the source. */
static struct cf_dump_source *open_real(const char *name, int *fd, struct cf_dump_info *i)
{
	const char *shared = getenv("COLDFIX_SHARED");
	char path[600];
	snprintf(path, sizeof path, "%s/data/crash-dumps/%s", shared ? shared : "", name);
	*fd = shared ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (*fd < 0) {
		printf("# skipped: no %s in $COLDFIX_SHARED\n", name);
		skip();
	}
	struct cf_dump_source *s = cf_dump_from_fd(*fd, NULL);
	assert_non_null(s);
	assert_int_equal(cf_dump_read_info(s, i, NULL), 0);
	return s;
}

static void test_triage(void **state)
{
	(void)state;
	struct cf_dump_info i;
	char time[32];
	CF_CLOSE int fd = -1;
	DUMP *s = open_real("rizinorg+rizin-testbins/triage_x64.dmp", &fd, &i);
	assert_int_equal(i.kind, CF_KIND_TRIAGE);
	assert_int_equal(i.bits, 64);
	assert_int_equal(i.major, 0xf);
	assert_int_equal(i.build, 0x4a61);
	assert_string_equal(i.architecture, "x64");
	assert_int_equal(i.processors, 16);
	assert_int_equal(i.code, 0x1000007e);
	assert_int_equal(i.parameter[0], 0xffffffffc0000005);
	assert_int_equal(i.parameter[1], 0xfffff8048b58334c);
	assert_int_equal(i.parameter[2], 0xffff850429891ee8);
	assert_int_equal(i.parameter[3], 0xffff850429891720);
	assert_int_equal(i.directory_table_base, 0x1ad000);
	assert_int_equal(i.pfn_database, 0xfffff8047c6fc500);
	assert_int_equal(i.ps_loaded_module_list, 0xfffff8047c62a390);
	assert_int_equal(i.ps_active_process_head, 0xfffff8047c61e200);
	assert_int_equal(i.kd_debugger_data_block, 0xfffff8047c600b20);
	assert_int_equal(i.product_type, 1);
	assert_int_equal(i.triage_size, 0x13a28c);
	assert_int_equal(i.required_size, 0x13a28c);
	assert_true(i.complete);
	assert_int_equal(i.extent, i.size); /* the drivers' data ends where the file does */
	assert_string_equal(cf_dump_time_text(&i, time), "2021-02-21T01:38:22Z");
	assert_int_equal(i.uptime_seconds, 3);
}

/* The drivers, and every return address that rizin's unwinding found: each must be among the stack's addresses, in the same module. */
static void test_triage_stack(void **state)
{
	(void)state;
	static const struct {
		const char *pdb, *module;
	} same[] = { { "pdb.ntkrnlmp.", "ntoskrnl.exe" }, { "pdb.amdppm.", "amdppm.sys" }, { "pdb.Wdf01000.", "Wdf01000.sys" } };
	struct cf_dump_info i;
	CF_DUMP_MODULES m = { 0 };
	CF_DUMP_STACK st = { 0 };
	char path[600], line[600];
	CF_CLOSE int fd = -1;
	DUMP *s = open_real("rizinorg+rizin-testbins/triage_x64.dmp", &fd, &i);
	assert_int_equal(cf_dump_read_modules(s, &i, &m, NULL), 0);
	assert_true(m.known && !m.broken);
	assert_int_equal(m.n, 0x97);
	assert_string_equal(m.item[0].name, "\\SystemRoot\\system32\\ntoskrnl.exe");
	assert_int_equal(m.item[0].base, 0xfffff8047ba00000);
	assert_int_equal(m.item[0].size, 0x1046000);
	for (size_t k = 0; k < m.n; k++)
		assert_true(m.item[k].name[0] && m.item[k].size && m.item[k].size % 4096 == 0 && m.item[k].base >> 47 == 0x1ffff);
	assert_int_equal(cf_dump_read_stack(s, &i, &m, &st, NULL), 0);
	assert_true(st.known && !st.more);
	assert_int_equal(st.top, 0xffff850429890ee8);
	assert_int_equal(st.size, 0x2118);
	assert_int_equal(st.item[0].address, 0xfffff8048b58334c); /* the context record's: where it happened, as parameter 2 says too */
	assert_int_equal(st.item[0].at, 0);
	snprintf(path, sizeof path, "%s/data/crash-dumps/rizinorg+rizin-testbins/EXPECTED-rizin-x64.txt", getenv("COLDFIX_SHARED"));
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t found = 0;
	while (fgets(line, sizeof line, f)) {
		unsigned long long address;
		const char *pdb = strstr(line, "pdb.");
		if (!pdb || sscanf(line, "%*d 0x%llx sp:", &address) != 1 || line[0] == '0')
			continue;
		size_t k = 0, n = 0;
		while (n < CF_ARRAY_LEN(same) && strncmp(pdb, same[n].pdb, strlen(same[n].pdb)) != 0)
			n++;
		while (k < st.n && st.item[k].address != address)
			k++;
		assert_true(n < CF_ARRAY_LEN(same) && k < st.n);
		assert_string_equal(cf_dump_module_base(st.item[k].module), same[n].module);
		found++;
	}
	fclose(f);
	assert_int_equal(found, 35); /* all but frame 0, which stands in a register */
}

static void test_user(void **state)
{
	(void)state;
	struct cf_dump_info i;
	char time[32];
	CF_CLOSE int fd = -1;
	DUMP *s = open_real("rizinorg+rizin-testbins/calc.dmp", &fd, &i);
	assert_int_equal(i.kind, CF_KIND_USER);
	assert_false(i.has_bugcheck);
	assert_int_equal(i.build, 7601);
	assert_string_equal(i.architecture, "x64");
	assert_true(i.complete);
	assert_string_equal(cf_dump_time_text(&i, time), "2016-10-29T12:43:47Z");
	CF_DUMP_MODULES m = { 0 };
	assert_int_equal(cf_dump_read_modules(s, &i, &m, NULL), 0);
	assert_true(m.known && !m.broken && m.n == 28);
	assert_non_null(strstr(m.item[0].name, "\\calc.exe"));
}

static void test_user_cut(void **state)
{
	(void)state;
	static const char *const names[] = { "radareorg+radare2-testbins/trunc_memory64.dmp", "rizinorg+rizin-testbins/npe_r_mdmp.c-364_1.mdmp" };
	for (size_t k = 0; k < CF_ARRAY_LEN(names); k++) {
		struct cf_dump_info i;
		CF_CLOSE int fd = -1;
		DUMP *s = open_real(names[k], &fd, &i);
		assert_non_null(s);
		assert_int_equal(i.kind, CF_KIND_USER);
		assert_false(i.complete);
		if (k == 0)
			assert_true(i.required_size > i.size);
	}
}

/* The real dump, cut at every length that matters: never whole, and never an error behind its header. */
static void test_cut(void **state)
{
	(void)state;
	CF_CLOSE int fd = -1;
	struct cf_dump_info i;
	DUMP *real = open_real("rizinorg+rizin-testbins/triage_x64.dmp", &fd, &i);
	CF_BUF all = { 0 };
	assert_int_equal(cf_buf_resize(&all, (size_t)real->size), 0);
	assert_int_equal(cf_dump_read(real, 0, all.p, all.n, NULL), 0);
	static const size_t lengths[] = { 0, 7, 8, 4096, 8191, 8192, 8200, 8320, 8321, 0x10000, 0x13a287, 0x13a28b };
	for (size_t k = 0; k < CF_ARRAY_LEN(lengths); k++) {
		struct cf_error err = { 0 };
		DUMP *s = cf_dump_from_memory(cf_span_of(all.p, lengths[k]), NULL);
		int r = cf_dump_read_info(s, &i, &err);
		assert_int_equal(r, lengths[k] < 8192 ? -1 : 0);
		if (r == 0) {
			assert_false(i.complete);
			assert_true(i.cut[0]);
			assert_int_equal(i.code, 0x1000007e);
			assert_int_equal(i.extent, lengths[k]);
		} else {
			assert_int_equal(err.code, lengths[k] < 8 ? CF_E_UNSUPPORTED : CF_E_CORRUPT);
		}
	}
	DUMP *s = cf_dump_from_memory(cf_span_of(all.p, 0x13a28c), NULL);
	assert_int_equal(cf_dump_read_info(s, &i, NULL), 0);
	assert_true(i.complete);
	assert_int_equal(i.extent, 0x13a28c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_triage),
		cmocka_unit_test(test_triage_stack),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_user_cut),
		cmocka_unit_test(test_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
