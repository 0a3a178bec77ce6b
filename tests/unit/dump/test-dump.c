/* test-dump.c - synthetic dumps of every kind, whole, cut and wrong. tests/images/dumps.py makes them: no Windows has seen them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include "base/endian.h"
#include "dump/modules.h"
#include "dump/stop.h"

/* The bytes of a dump that dumps.py makes. */
static struct cf_buf made(const char *how)
{
	struct cf_buf b = { 0 };
	char cmd[500];
	uint8_t part[65536];
	size_t n;
	snprintf(cmd, sizeof cmd, "python3 \"$COLDFIX_IMAGES/dumps.py\" %s", how);
	assert_int_equal(system(cmd), 0);
	FILE *f = fopen("made.dmp", "rb");
	assert_non_null(f);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		assert_int_equal(cf_buf_append(&b, part, n), 0);
	fclose(f);
	return b;
}

static struct cf_dump_source *source(struct cf_buf *b)
{
	struct cf_dump_source *s = cf_dump_from_memory(cf_buf_span(b), NULL);
	assert_non_null(s);
	return s;
}

static void check_modules(struct cf_dump_source *s, const struct cf_dump_info *i)
{
	static const struct {
		const char *name;
		uint64_t base64, base32, size64;
	} want[] = {
		{ "\\SystemRoot\\system32\\ntoskrnl.exe", 0xfffff80412800000, 0x82800000, 0x1046000 },
		{ "\\SystemRoot\\system32\\hal.dll", 0xfffff80412400000, 0x82c12000, 0x6000 },
		{ "\\SystemRoot\\System32\\drivers\\storport.sys", 0xfffff8048b580000, 0x8b580000, 0xae000 },
		{ "\u00d6-driver.sys", 0xfffff8048b700000, 0x8b700000, 0xd000 },
	};
	CF_DUMP_MODULES m = { 0 };
	assert_int_equal(cf_dump_read_modules(s, i, &m, NULL), 0);
	assert_true(m.known);
	assert_false(m.broken);
	assert_int_equal(m.n, 4);
	for (size_t k = 0; k < 4; k++) {
		assert_int_equal(m.item[k].base, i->bits == 32 ? want[k].base32 : want[k].base64);
		if (i->bits != 32) {
			assert_string_equal(m.item[k].name, want[k].name);
			assert_int_equal(m.item[k].size, want[k].size64);
		}
	}
	assert_string_equal(cf_dump_module_base(&m.item[2]), "storport.sys");
	assert_ptr_equal(cf_dump_module_at(&m, m.item[3].base + m.item[3].size - 1), &m.item[3]);
	assert_null(cf_dump_module_at(&m, m.item[3].base + m.item[3].size));
	assert_null(cf_dump_module_at(&m, m.item[2].base - 1));
}

static void test_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *how;
		enum cf_dump_kind kind;
		unsigned bits;
		uint64_t pages;
		bool modules;
	} dumps[] = {
		{ "complete made.dmp", CF_KIND_COMPLETE, 64, 64, true },
		{ "kernel made.dmp", CF_KIND_KERNEL, 64, 64, true },
		{ "bitmap made.dmp pages=200", CF_KIND_BITMAP, 64, 200, true },
		{ "bitmap made.dmp type=5", CF_KIND_BITMAP, 64, 64, true },
		{ "active made.dmp", CF_KIND_ACTIVE, 64, 64, true },
		{ "triage made.dmp", CF_KIND_TRIAGE, 64, 0, true },
		{ "triage made.dmp entry=0xa8", CF_KIND_TRIAGE, 64, 0, true },
		{ "header made.dmp", CF_KIND_KERNEL, 64, 0, false },
		{ "complete made.dmp bits=32", CF_KIND_COMPLETE, 32, 64, true },
		{ "complete made.dmp bits=32 pae=1 pages=128", CF_KIND_COMPLETE, 32, 128, true },
		{ "kernel made.dmp bits=32", CF_KIND_KERNEL, 32, 64, true },
		{ "bitmap made.dmp bits=32 pae=1", CF_KIND_BITMAP, 32, 64, true },
		{ "active made.dmp bits=32", CF_KIND_ACTIVE, 32, 64, true },
		{ "triage made.dmp bits=32", CF_KIND_TRIAGE, 32, 0, true },
		{ "triage made.dmp bits=32 entry=0x58", CF_KIND_TRIAGE, 32, 0, true },
	};
	for (size_t k = 0; k < CF_ARRAY_LEN(dumps); k++) {
		CF_BUF b = made(dumps[k].how);
		CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = source(&b);
		struct cf_dump_info i;
		char time[32];
		print_message("# %s\n", dumps[k].how);
		assert_int_equal(cf_dump_read_info(s, &i, NULL), 0);
		assert_int_equal(i.kind, dumps[k].kind);
		assert_int_equal(i.bits, dumps[k].bits);
		assert_int_equal(i.pages, dumps[k].pages);
		assert_string_equal(i.architecture, i.bits == 64 ? "x64" : "x86");
		assert_int_equal(i.build, 17763);
		assert_int_equal(i.processors, 2);
		assert_int_equal(i.code, i.bits == 64 ? 0x7e : 0x8e);
		assert_int_equal(i.parameter[0], i.bits == 64 ? 0xffffffffc0000005 : 0xc0000005);
		assert_int_equal(i.parameter[1], i.bits == 64 ? 0xfffff8048b58334c : 0x8b58334c);
		assert_int_equal(i.product_type, i.bits == 64 ? 3 : 1);
		assert_int_equal(i.uptime_seconds, 5 * 3600);
		assert_string_equal(cf_dump_time_text(&i, time), "2024-01-01T01:00:00Z");
		assert_true(i.complete);
		assert_int_equal(i.required_size, b.n);
		assert_int_equal(i.required_dump_space, b.n);
		assert_int_equal(i.extent, b.n);
		assert_false(i.has_exception);
		if (dumps[k].modules)
			check_modules(s, &i);
	}
}

static void test_stack(void **state)
{
	(void)state;
	for (unsigned bits = 32; bits <= 64; bits += 32) {
		CF_BUF b = made(bits == 64 ? "triage made.dmp" : "triage made.dmp bits=32");
		/* An instruction pointer in the second module. */
		if (bits == 64)
			cf_st64(b.p + 0x348 + 0xf8, 0xfffff80412400010);
		else
			cf_st32(b.p + 0x320 + 0xb8, 0x82c12010);
		CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = source(&b);
		struct cf_dump_info i;
		CF_DUMP_MODULES m = { 0 };
		CF_DUMP_STACK st = { 0 };
		assert_int_equal(cf_dump_read_info(s, &i, NULL), 0);
		assert_int_equal(cf_dump_read_modules(s, &i, &m, NULL), 0);
		assert_int_equal(cf_dump_read_stack(s, &i, &m, &st, NULL), 0);
		assert_true(st.known);
		uint64_t top = bits == 64 ? 0xffffd00020a87800 : 0x9a4d1a00, word = bits / 8;
		static const struct {
			unsigned slot, module;
			uint64_t offset;
		} want[] = { { 0, 1, 0x10 }, { 1, 0, 0x1234 }, { 3, 2, 0x334c }, { 5, 1, 0 }, { 7, 3, 0xcfff } };
		/* Of 32 bits hal.dll lies right behind the kernel: slot 6, the kernel's end, is its first byte. */
		assert_int_equal(st.n, bits == 64 ? 5 : 6);
		assert_int_equal(st.top, top);
		for (size_t k = 0; k < 5; k++) {
			const struct cf_dump_frame *f = &st.item[k == 4 ? st.n - 1 : k];
			assert_ptr_equal(f->module, &m.item[want[k].module]);
			assert_int_equal(f->address, m.item[want[k].module].base + want[k].offset);
			assert_int_equal(f->at, k ? top + want[k].slot * word : 0);
		}
	}
}

static void test_user(void **state)
{
	(void)state;
	CF_BUF b = made("user made.dmp");
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = source(&b);
	struct cf_dump_info i;
	assert_int_equal(cf_dump_read_info(s, &i, NULL), 0);
	assert_int_equal(i.kind, CF_KIND_USER);
	assert_false(i.has_bugcheck);
	assert_true(i.has_exception);
	assert_int_equal(i.exception_code, 0xc0000409);
	assert_int_equal(i.exception_address, 0xfffff80412800000 + 0x4321);
	assert_int_equal(i.build, 17763);
	assert_int_equal(i.required_size, b.n);
	assert_true(i.complete);
	check_modules(s, &i);
	for (size_t n = 32; n < b.n; n += n < 900 ? 1 : 997) {
		CF_CLEANUP(cf_dump_closep) struct cf_dump_source *cut = cf_dump_from_memory(cf_span_of(b.p, n), NULL);
		struct cf_dump_info c;
		CF_DUMP_MODULES m = { 0 };
		assert_int_equal(cf_dump_read_info(cut, &c, NULL), 0);
		assert_false(c.complete);
		assert_int_equal(cf_dump_read_modules(cut, &c, &m, NULL), 0);
		assert_true(m.n <= 4);
	}
}

/* Where a dump ends when something else follows: in a paging file. */
static void test_extent(void **state)
{
	(void)state;
	static const char *const how[] = { "bitmap made.dmp blobs=1", "complete made.dmp blobs=1", "triage made.dmp blobs=1" };
	for (size_t k = 0; k < CF_ARRAY_LEN(how); k++) {
		CF_BUF b = made(how[k]);
		size_t whole = b.n;
		assert_int_equal(cf_buf_resize(&b, whole + 50000), 0);
		memset(b.p + whole, k ? 0xcc : 0, 50000);
		CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = source(&b);
		struct cf_dump_info i;
		assert_int_equal(cf_dump_read_info(s, &i, NULL), 0);
		assert_true(i.complete);
		assert_int_equal(i.extent, whole);
		assert_true(i.required_size < whole);
		/* The last blob cut short: the dump itself is whole. */
		CF_CLEANUP(cf_dump_closep) struct cf_dump_source *cut = cf_dump_from_memory(cf_span_of(b.p, whole - 3000), NULL);
		assert_int_equal(cf_dump_read_info(cut, &i, NULL), 0);
		assert_true(i.complete);
		assert_int_equal(i.extent, whole - 3000);
	}
}

static void test_cut(void **state)
{
	(void)state;
	static const char *const how[] = { "complete made.dmp", "kernel made.dmp", "bitmap made.dmp", "active made.dmp bits=32", "triage made.dmp",
					   "complete made.dmp bits=32" };
	for (size_t k = 0; k < CF_ARRAY_LEN(how); k++) {
		CF_BUF b = made(how[k]);
		size_t header = strstr(how[k], "bits=32") ? 4096 : 8192;
		const size_t lengths[] = { 0, 8, header - 1, header, header + 8, header + 0x37, header + 0x38, header + 5000, b.n - 4096, b.n - 1 };
		for (size_t n = 0; n < CF_ARRAY_LEN(lengths); n++) {
			if (lengths[n] >= b.n)
				continue;
			CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = cf_dump_from_memory(cf_span_of(b.p, lengths[n]), NULL);
			struct cf_dump_info i;
			CF_DUMP_MODULES m = { 0 };
			int r = cf_dump_read_info(s, &i, NULL);
			assert_int_equal(r, lengths[n] < header ? -1 : 0);
			if (r < 0)
				continue;
			assert_false(i.complete);
			assert_true(i.cut[0]);
			assert_int_equal(i.extent, lengths[n]);
			assert_int_equal(cf_dump_read_modules(s, &i, &m, NULL), 0);
		}
	}
}

/* One field made wrong at a time: an error or a dump that is marked, never a size that can't be. */
static void test_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *how;
		size_t at;
		uint64_t value;
		unsigned bytes;
		enum cf_code code; /* CF_OK: marked as cut short */
	} wrong[] = {
		{ "complete made.dmp", 0, 0x4547415045474150, 8, CF_E_UNSUPPORTED },
		{ "complete made.dmp", 0x90, UINT64_MAX, 8, CF_OK },           /* pages of memory */
		{ "complete made.dmp", 0x90, UINT64_C(1) << 40, 8, CF_OK },
		{ "complete made.dmp", 0x90, 0, 8, CF_OK },
		{ "complete made.dmp", 0xf98, 11, 4, CF_E_UNSUPPORTED },       /* type */
		{ "complete made.dmp", 0xf98, 5, 4, CF_E_CORRUPT },            /* no bitmap there */
		{ "complete made.dmp", 0xf98, 8, 4, CF_E_CORRUPT },            /* no RDMP there */
		{ "complete made.dmp", 0x1050, CF_DUMP_ATTR_INSUFFICIENT, 4, CF_OK },
		{ "bitmap made.dmp", 0x2020, 0x2000, 8, CF_E_CORRUPT },        /* first page inside the bitmap */
		{ "bitmap made.dmp", 0x2020, UINT64_MAX - 4095, 8, CF_E_CORRUPT },
		{ "bitmap made.dmp", 0x2028, UINT64_MAX, 8, CF_E_CORRUPT },    /* more pages than bits */
		{ "bitmap made.dmp", 0x2030, UINT64_MAX, 8, CF_E_CORRUPT },    /* bits */
		{ "bitmap made.dmp", 0x2000, 0, 8, CF_E_CORRUPT },
		{ "triage made.dmp", 0x2004, UINT32_MAX, 4, CF_OK },           /* SizeOfDump */
		{ "triage made.dmp", 0x2008, UINT32_MAX, 4, CF_OK },           /* ValidOffset */
		{ "triage made.dmp", 0x2008, 0x2010, 4, CF_OK },               /* no mark there */
		{ "user made.dmp", 4, 0, 4, CF_E_UNSUPPORTED },
		{ "user made.dmp", 8, UINT32_MAX, 4, CF_OK },                  /* streams */
		{ "user made.dmp", 12, UINT32_MAX, 4, CF_OK },                 /* directory */
	};
	for (size_t k = 0; k < CF_ARRAY_LEN(wrong); k++) {
		CF_BUF b = made(wrong[k].how);
		struct cf_dump_info i;
		struct cf_error err = { 0 };
		print_message("# %s, 0x%zx = 0x%llx\n", wrong[k].how, wrong[k].at, (unsigned long long)wrong[k].value);
		if (wrong[k].bytes == 8)
			cf_st64(b.p + wrong[k].at, wrong[k].value);
		else
			cf_st32(b.p + wrong[k].at, (uint32_t)wrong[k].value);
		CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = source(&b);
		int r = cf_dump_read_info(s, &i, &err);
		assert_int_equal(r, wrong[k].code == CF_OK ? 0 : -1);
		assert_int_equal(err.code, wrong[k].code);
		if (r == 0) {
			assert_false(i.complete);
			assert_true(i.cut[0]);
			assert_true(i.extent <= i.size);
			assert_true(i.required_size <= INT64_MAX);
		} else {
			assert_true(strlen(err.message) > 10);
		}
	}
}

/* A list of drivers that runs in a circle, or out of memory. */
static void test_circle(void **state)
{
	(void)state;
	CF_BUF b = made("complete made.dmp");
	const size_t data = 0x2000 + 4 * 4096; /* the list's page in the dump */
	uint64_t first = cf_ld64(b.p + data);
	struct cf_dump_info i;
	cf_st64(b.p + data + 0x3d0, first); /* the first entry leads to itself */
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = source(&b);
	assert_int_equal(cf_dump_read_info(s, &i, NULL), 0);
	CF_DUMP_MODULES m = { 0 };
	assert_int_equal(cf_dump_read_modules(s, &i, &m, NULL), 0);
	assert_true(m.known && m.broken);
	CF_DUMP_MODULES n = { 0 };
	cf_st64(b.p + data + 0x3d0, 0x1000); /* nowhere */
	assert_int_equal(cf_dump_read_modules(s, &i, &n, NULL), 0);
	assert_true(n.known && n.broken);
	assert_int_equal(n.n, 1);
	CF_DUMP_MODULES none = { 0 };
	i.ps_loaded_module_list = 0x1000;
	assert_int_equal(cf_dump_read_modules(s, &i, &none, NULL), 0);
	assert_false(none.known);
}

static void test_stop_codes(void **state)
{
	(void)state;
	static const uint64_t p[4] = { 0 }, third[4] = { 3 };
	assert_string_equal(cf_stop_name(0x1), "APC_INDEX_MISMATCH");
	assert_string_equal(cf_stop_name(0x7b), "INACCESSIBLE_BOOT_DEVICE");
	assert_string_equal(cf_stop_name(0x139), "KERNEL_SECURITY_CHECK_FAILURE");
	assert_string_equal(cf_stop_name(0x1000007e), "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M");
	assert_string_equal(cf_stop_name(0xdeaddead), "MANUALLY_INITIATED_CRASH1");
	assert_null(cf_stop_name(0x7bad));
	assert_null(cf_stop_name(0x10000001));
	assert_null(cf_stop_name(0));
	assert_string_equal(cf_stop_parameter(0x1000007e, p, 0), cf_stop_parameter(0x7e, p, 0));
	assert_non_null(strstr(cf_stop_parameter(0x139, third, 0), "list entry"));
	assert_null(strstr(cf_stop_parameter(0x139, p, 0), "list entry"));
	assert_null(cf_stop_parameter(0x7bad, p, 0));
	assert_null(cf_stop_parameter(0x7e, p, 4));
	assert_string_equal(cf_ntstatus_name(0xc0000005), "STATUS_ACCESS_VIOLATION");
	assert_string_equal(cf_ntstatus_name(0xffffffffc0000017), "STATUS_NO_MEMORY");
	assert_null(cf_ntstatus_name(0x1c0000005));
	assert_null(cf_ntstatus_name(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),  cmocka_unit_test(test_stack), cmocka_unit_test(test_user),
		cmocka_unit_test(test_extent), cmocka_unit_test(test_cut),   cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_circle), cmocka_unit_test(test_stop_codes),
	};
	char folder[] = "/tmp/test-dump.XXXXXX";
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	if (unlink("made.dmp") < 0 || chdir("/") < 0 || rmdir(folder) < 0)
		return 1;
	return r;
}
