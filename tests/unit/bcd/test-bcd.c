/* test-bcd.c - boot stores made for the test: reading, inheritance, devices, and bcdedit's layout.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "make-store.h"
#include "registry/bcd.h"

#define BOOTMGR "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
#define GLOBAL "{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}"
#define LOADERSETTINGS "{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}"
#define BADMEMORY "{5189b25c-5558-4bf2-bca4-289b11bd29e2}"
#define EMSSETTINGS "{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}"
#define MEMDIAG "{b2721d73-1db4-4c62-bf78-c548a880142d}"
#define LOADER "{11111111-2222-3333-4444-555555555555}"
#define WINRE "{aaaaaaaa-2222-3333-4444-555555555555}"
#define OPTIONS "{bbbbbbbb-2222-3333-4444-555555555555}"
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- device elements ---- */

static size_t put_device(uint8_t *p, uint32_t type, uint32_t flags, size_t size)
{
	cf_st32(p, type);
	cf_st32(p + 4, flags);
	cf_st32(p + 8, (uint32_t)size);
	cf_st32(p + 12, 0);
	return 16;
}

/* A partition from its header on, 0x48 bytes. */
static void put_partition(uint8_t *p, bool mbr)
{
	memset(p, 0, 0x48);
	put_device(p, 6, 0, 0x48);
	if (mbr) {
		cf_st64(p + 16, UINT64_C(1048576));
		cf_st32(p + 36, 1);
		cf_st32(p + 40, 0xdeadbeef);
	} else {
		memset(p + 16, 0x11, 16);
		memset(p + 40, 0x22, 16);
	}
}

static size_t put_text16(uint8_t *p, const char *text)
{
	size_t n = 0;
	do {
		cf_st16(p + n, (uint8_t)*text);
		n += 2;
	} while (*text++);
	return n;
}

/* A file path with a partition inside: its size. */
static size_t put_path(uint8_t *p, bool mbr, const char *path)
{
	put_partition(p + 12, mbr);
	size_t n = 12 + 0x48 + put_text16(p + 12 + 0x48, path);
	cf_st32(p, 1);
	cf_st32(p + 4, (uint32_t)n);
	cf_st32(p + 8, 5);
	return n;
}

/* The five forms; each returns the size of the whole element. */
static size_t make_boot(uint8_t *p)
{
	memset(p, 0, 88);
	put_device(p + 16, 5, 0, 0x48);
	return 88;
}
static size_t make_partition(uint8_t *p, bool mbr)
{
	memset(p, 0, 16);
	put_partition(p + 16, mbr);
	return 88;
}
static size_t make_ramdisk(uint8_t *p, const char *path)
{
	struct cf_guid options;
	memset(p, 0, 64);
	cf_guid_parse(OPTIONS, &options);
	memcpy(p, options.b, 16);
	size_t n = put_path(p + 0x38, false, path);
	cf_st32(p + 0x20, 3);
	put_device(p + 16, 0, 1, 0x28 + n);
	return 0x38 + n;
}
static size_t make_located_vhd(uint8_t *p, const char *path)
{
	memset(p, 0, 0x6a);
	size_t n = put_path(p + 0x6a, true, path);
	cf_st32(p + 0x66, 5);
	put_device(p + 0x56, 0, 0, 0x14 + n);
	cf_st32(p + 0x3e, 6);
	put_device(p + 0x2e, 0, 0, 0x3c + n);
	cf_st32(p + 0x24, CF_BCD_PATH);
	cf_st32(p + 0x28, 0x1e);
	put_device(p + 0x10, 8, 0, 0x5a + n);
	return 0x6a + n;
}
static size_t make_locate(uint8_t *p)
{
	memset(p, 0, 46);
	put_device(p + 16, 8, 0, 0x1e);
	cf_st32(p + 0x24, CF_BCD_SYSTEMROOT);
	return 46;
}

static struct cf_bcd_element element_of(uint32_t type, uint8_t *p, size_t n)
{
	return (struct cf_bcd_element){ .type = type, .reg_type = CF_REG_BINARY, .data = { p, n, n } };
}

static void test_devices(void **state)
{
	(void)state;
	uint8_t b[512];
	struct cf_bcd_device d;
	struct cf_bcd_element e = element_of(CF_BCD_DEVICE, b, make_boot(b));
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_BOOT);
	assert_true(d.on_boot && !d.on_gpt && !d.on_mbr);

	e = element_of(CF_BCD_DEVICE, b, make_partition(b, false));
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_GPT);
	assert_true(d.on_gpt && !d.on_boot);
	assert_int_equal(d.partition_guid.b[0], 0x11);
	assert_int_equal(d.disk_guid.b[15], 0x22);

	e = element_of(CF_BCD_DEVICE, b, make_partition(b, true));
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_MBR);
	assert_true(d.on_mbr && d.signature == 0xdeadbeef && d.offset == 1048576);

	e = element_of(CF_BCD_DEVICE, b, make_ramdisk(b, "\\Recovery\\Winre.wim"));
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_RAMDISK);
	assert_true(d.on_gpt && !d.vhd);
	assert_string_equal(d.path, "\\Recovery\\Winre.wim");
	assert_int_equal(d.options.b[0], 0xbb);
	cf_bcd_device_free(&d);

	e = element_of(CF_BCD_DEVICE, b, make_located_vhd(b, "\\x.vhd"));
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_FILE);
	assert_true(d.on_mbr && d.vhd && d.locate_element == CF_BCD_PATH);
	assert_string_equal(d.path, "\\x.vhd");
	cf_bcd_device_free(&d);

	e = element_of(CF_BCD_OSDEVICE, b, make_locate(b));
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_LOCATE);
	assert_true(d.locate_element == CF_BCD_SYSTEMROOT && !d.path);

	e.type = CF_BCD_PATH; /* no device */
	assert_false(cf_bcd_device(&e, &d));
	assert_false(cf_bcd_device(NULL, &d));
	e = element_of(CF_BCD_DEVICE, b, make_boot(b));
	b[16] = 3; /* serial */
	assert_true(cf_bcd_device(&e, &d));
	assert_int_equal(d.kind, CF_BCD_DEV_UNKNOWN);
}

static void test_devices_cut_and_changed(void **state)
{
	(void)state;
	uint8_t b[512];
	struct cf_bcd_device d;
	for (int form = 0; form < 4; form++) {
		size_t n = form == 0 ? make_ramdisk(b, "\\a.wim") : form == 1 ? make_located_vhd(b, "\\x.vhd") :
			   form == 2 ? make_locate(b) : make_partition(b, false);
		for (size_t len = 0; len < n; len++) {
			uint8_t *exact = malloc(len ? len : 1); /* so that a sanitizer sees what lies behind the end */
			memcpy(exact, b, len);
			struct cf_bcd_element e = element_of(CF_BCD_DEVICE, exact, len);
			assert_false(cf_bcd_device(&e, &d));
			cf_bcd_device_free(&d);
			free(exact);
		}
		uint8_t *copy = malloc(n);
		for (size_t at = 0; at < n; at++)
			for (unsigned v = 0; v < 256; v += 15) {
				memcpy(copy, b, n);
				copy[at] = (uint8_t)v;
				struct cf_bcd_element e = element_of(CF_BCD_DEVICE, copy, n);
				(void)cf_bcd_device(&e, &d);
				cf_bcd_device_free(&d);
			}
		free(copy);
	}
}

/* ---- whole stores ---- */

static void read_store(struct store *s, struct cf_bcd *bcd)
{
	struct cf_error err = { 0 };
	struct cf_buf bytes = store_bytes(s);
	struct cf_hive *h = cf_hive_open(&bytes, &err);
	if (!h || cf_bcd_read(h, bcd, &err) < 0)
		fail_msg("%s", err.message);
	cf_hive_close(h);
}

static struct cf_guid guid(const char *text)
{
	struct cf_guid g;
	assert_true(cf_guid_parse(text, &g));
	return g;
}

static const struct cf_bcd_object *object(const struct cf_bcd *bcd, const char *text)
{
	struct cf_guid g = guid(text);
	return cf_bcd_object(bcd, &g);
}

/* A store as bcdboot leaves it, in small, with a bad memory list. */
static struct store *standard_store(void)
{
	uint8_t b[512];
	struct store *s = store_new(true);
	size_t o = store_object(s, BOOTMGR, CF_BCD_TYPE_BOOTMGR);
	store_element(s, o, "11000001", CF_REG_BINARY, b, make_partition(b, true));
	store_text(s, o, "12000004", "Windows Boot Manager");
	store_list(s, o, "14000006", LIST(GLOBAL));
	store_text(s, o, "23000003", LOADER);
	store_list(s, o, "24000001", LIST(LOADER, WINRE));
	store_list(s, o, "24000010", LIST(MEMDIAG));
	store_integer(s, o, "25000004", 30);
	o = store_object(s, LOADER, CF_BCD_TYPE_LOADER);
	store_element(s, o, "11000001", CF_REG_BINARY, b, make_partition(b, false));
	store_text(s, o, "12000002", "\\Windows\\system32\\winload.efi");
	store_list(s, o, "14000006", LIST(LOADERSETTINGS));
	store_list(s, o, "14000008", LIST(WINRE));
	store_integer(s, o, "15000066", 3);
	store_bool(s, o, "16000009", true);
	store_integer(s, o, "17000077", 0x15000075);
	store_element(s, o, "21000001", CF_REG_BINARY, b, make_partition(b, false));
	store_integer(s, o, "25000020", 0);
	store_integer(s, o, "25000061", 2);
	store_integer(s, o, "250000C2", 1);
	store_integer(s, o, "250000e0", 99);
	store_bool(s, o, "260000b0", false);
	o = store_object(s, WINRE, CF_BCD_TYPE_LOADER);
	store_element(s, o, "11000001", CF_REG_BINARY, b, make_ramdisk(b, "\\Recovery\\WindowsRE\\Winre.wim"));
	store_bool(s, o, "26000022", true);
	store_bool(s, o, "46000010", true);
	store_integer(s, o, "25abcdef", 77);
	o = store_object(s, OPTIONS, 0x30000000);
	store_element(s, o, "31000003", CF_REG_BINARY, b, make_boot(b));
	store_text(s, o, "32000004", "\\boot.sdi");
	o = store_object(s, GLOBAL, 0x20100000);
	store_list(s, o, "14000006", LIST(EMSSETTINGS, BADMEMORY));
	o = store_object(s, LOADERSETTINGS, 0x20200003);
	store_list(s, o, "14000006", LIST(GLOBAL));
	o = store_object(s, EMSSETTINGS, 0x20100000);
	store_integer(s, o, "15000022", 1);
	store_integer(s, o, "15000023", 115200);
	store_bool(s, o, "16000020", false);
	o = store_object(s, BADMEMORY, 0x20100000);
	uint8_t pages[16] = { 0xb7, [8] = 0xb8 };
	store_element(s, o, "1700000a", CF_REG_BINARY, pages, 16);
	return s;
}

static char *name_partition(void *user, const struct cf_bcd_device *d)
{
	assert_string_equal(user, "user");
	if (d->on_gpt && d->partition_guid.b[0] == 0x11)
		return strdup("partition=C:");
	return NULL;
}

static const char golden[] =
	"Windows Boot Manager\n"
	"--------------------\n"
	"identifier              {bootmgr}\n"
	"device                  unknown\n"
	"description             Windows Boot Manager\n"
	"inherit                 {globalsettings}\n"
	"default                 {default}\n"
	"displayorder            {default}\n"
	"                        {aaaaaaaa-2222-3333-4444-555555555555}\n"
	"toolsdisplayorder       {memdiag}\n"
	"timeout                 30\n"
	"\n"
	"Windows Boot Loader\n"
	"-------------------\n"
	"identifier              {default}\n"
	"device                  partition=C:\n"
	"path                    \\Windows\\system32\\winload.efi\n"
	"inherit                 {bootloadersettings}\n"
	"recoverysequence        {aaaaaaaa-2222-3333-4444-555555555555}\n"
	"displaymessageoverride  Recovery\n"
	"recoveryenabled         Yes\n"
	"allowedinmemorysettings 0x15000075\n"
	"osdevice                partition=C:\n"
	"nx                      OptIn\n"
	"numproc                 2\n"
	"bootmenupolicy          Standard\n"
	"bootstatuspolicy        0x63\n"
	"ems                     No\n"
	"\n"
	"Windows Boot Loader\n"
	"-------------------\n"
	"identifier              {aaaaaaaa-2222-3333-4444-555555555555}\n"
	"device                  ramdisk=[C:]\\Recovery\\WindowsRE\\Winre.wim,{bbbbbbbb-2222-3333-4444-555555555555}\n"
	"custom:25abcdef         77\n"
	"winpe                   Yes\n"
	"custom:46000010         Yes\n"
	"\n"
	"Device options\n"
	"--------------\n"
	"identifier              {bbbbbbbb-2222-3333-4444-555555555555}\n"
	"ramdisksdidevice        boot\n"
	"ramdisksdipath          \\boot.sdi\n"
	"\n"
	"Global Settings\n"
	"---------------\n"
	"identifier              {globalsettings}\n"
	"inherit                 {emssettings}\n"
	"                        {badmemory}\n"
	"\n"
	"Boot Loader Settings\n"
	"--------------------\n"
	"identifier              {bootloadersettings}\n"
	"inherit                 {globalsettings}\n"
	"\n"
	"EMS Settings\n"
	"------------\n"
	"identifier              {emssettings}\n"
	"emsport                 1\n"
	"emsbaudrate             115200\n"
	"bootems                 No\n"
	"\n"
	"RAM Defects\n"
	"-----------\n"
	"identifier              {badmemory}\n"
	"badmemorylist           0xb7\n"
	"                        0xb8\n";

/* The objects in the order they were made in: hivex sorts its keys, so the hive's order is another. */
static void test_layout(void **state)
{
	(void)state;
	static const char *const order[] = {BOOTMGR, LOADER,	     WINRE,	  OPTIONS,
					    GLOBAL,  LOADERSETTINGS, EMSSETTINGS, BADMEMORY};
	struct cf_bcd bcd;
	CF_BUF text = { 0 };
	read_store(standard_store(), &bcd);
	assert_int_equal(bcd.n, 8);
	assert_int_equal(bcd.skipped, 0);
	for (size_t i = 0; i < 8; i++) {
		if (i)
			assert_int_equal(cf_buf_append(&text, "\n", 1), 0);
		assert_int_equal(cf_bcd_object_text(&bcd, object(&bcd, order[i]), false, name_partition, "user", &text),
				 0);
	}
	assert_int_equal(cf_buf_append(&text, "", 1), 0);
	assert_string_equal((char *)text.p, golden);

	text.n = 0;
	assert_int_equal(cf_bcd_object_text(&bcd, object(&bcd, GLOBAL), true, NULL, NULL, &text), 0);
	assert_int_equal(cf_buf_append(&text, "", 1), 0);
	assert_string_equal((char *)text.p,
			    "Global Settings\n---------------\nidentifier              " GLOBAL
			    "\ninherit                 " EMSSETTINGS "\n                        " BADMEMORY "\n");
	cf_bcd_free(&bcd);
}

static void test_format_devices(void **state)
{
	(void)state;
	uint8_t b[512];
	struct cf_bcd bcd = { 0 };
	struct cf_bcd_object o = { .type = CF_BCD_TYPE_LOADER };
	static const struct { int form; const char *text; } expect[] = {
		{ 0, "boot" }, { 1, "partition=C:" }, { 2, "unknown" },
		{ 3, "ramdisk=[C:]\\a.wim," OPTIONS }, { 4, "vhd=[unknown]\\x.vhd,locate=custom:12000002" },
		{ 5, "locate=custom:22000002" },
	};
	for (size_t i = 0; i < sizeof(expect) / sizeof(*expect); i++) {
		size_t n = i == 0   ? make_boot(b)
			   : i < 3  ? make_partition(b, i == 2)
			   : i == 3 ? make_ramdisk(b, "\\a.wim")
			   : i == 4 ? make_located_vhd(b, "\\x.vhd")
				    : make_locate(b);
		struct cf_bcd_element e = element_of(CF_BCD_DEVICE, b, n);
		char **lines = cf_bcd_format(&bcd, &o, &e, false, name_partition, "user");
		assert_non_null(lines);
		assert_string_equal(lines[0], expect[i].text);
		assert_null(lines[1]);
		cf_strv_free(lines);
	}
	struct cf_bcd_element odd = element_of(0x15000004, b, 9); /* too long for an integer */
	memset(b, 0xab, 9);
	char **lines = cf_bcd_format(&bcd, &o, &odd, false, NULL, NULL);
	assert_string_equal(lines[0], "ab ab ab ab ab ab ab ab ab");
	cf_strv_free(lines);
}

static void test_inheritance(void **state)
{
	(void)state;
	struct cf_bcd bcd;
	read_store(standard_store(), &bcd);
	const struct cf_bcd_object *loader = cf_bcd_default_loader(&bcd), *from = NULL, *all[16];
	assert_ptr_equal(loader, object(&bcd, LOADER));
	assert_int_equal(cf_bcd_inheritance(&bcd, loader, all, 16), 5);
	assert_ptr_equal(all[0], loader);
	assert_ptr_equal(all[1], object(&bcd, LOADERSETTINGS));
	assert_ptr_equal(all[2], object(&bcd, GLOBAL));
	assert_ptr_equal(all[3], object(&bcd, EMSSETTINGS));
	assert_ptr_equal(all[4], object(&bcd, BADMEMORY));
	assert_int_equal(cf_bcd_inheritance(&bcd, loader, all, 2), 2);
	const struct cf_bcd_element *e = cf_bcd_effective(&bcd, loader, CF_BCD_BADMEMORYLIST, &from);
	assert_ptr_equal(from, object(&bcd, BADMEMORY));
	assert_int_equal(cf_bcd_integer_count(e), 2);
	assert_int_equal(cf_bcd_integer_at(e, 1), 0xb8);
	assert_int_equal(cf_bcd_integer_at(e, 2), 0);
	assert_null(cf_bcd_effective(&bcd, loader, CF_BCD_TRUNCATEMEMORY, NULL));
	assert_ptr_equal(cf_bcd_effective(&bcd, loader, CF_BCD_INHERIT, &from), cf_bcd_element(loader, CF_BCD_INHERIT));
	assert_ptr_equal(from, loader);

	CF_FREE char *there = cf_bcd_element_path(&bcd, &loader->guid, 0x250000c2); /* as it is spelled */
	assert_string_equal(there, "Objects\\" LOADER "\\Elements\\250000C2");
	CF_FREE char *absent = cf_bcd_element_path(&bcd, &cf_bcd_memdiag, CF_BCD_EMS);
	assert_string_equal(absent, "Objects\\" MEMDIAG "\\Elements\\260000b0");
	cf_bcd_free(&bcd);

	struct store *s = store_new(true); /* a inherits b inherits a, and itself, and what is not there */
	store_list(s, store_object(s, LOADER, CF_BCD_TYPE_LOADER), "14000006", LIST(LOADER, WINRE, MEMDIAG));
	store_list(s, store_object(s, WINRE, CF_BCD_TYPE_LOADER), "14000006", LIST(LOADER));
	read_store(s, &bcd);
	assert_int_equal(cf_bcd_inheritance(&bcd, object(&bcd, WINRE), all, 16), 2);
	assert_null(cf_bcd_effective(&bcd, object(&bcd, WINRE), CF_BCD_EMS, NULL));
	assert_null(cf_bcd_default_loader(&bcd)); /* two, and nobody says which */
	cf_bcd_free(&bcd);
}

static void test_default_loader(void **state)
{
	(void)state;
	struct cf_bcd bcd;
	struct store *s = store_new(true);
	size_t o = store_object(s, BOOTMGR, CF_BCD_TYPE_BOOTMGR);
	store_text(s, o, "23000003", OPTIONS); /* not there */
	store_list(s, o, "24000001", LIST(MEMDIAG, WINRE, LOADER));
	store_object(s, MEMDIAG, CF_BCD_TYPE_MEMDIAG);
	store_object(s, LOADER, CF_BCD_TYPE_LOADER);
	store_object(s, WINRE, CF_BCD_TYPE_LOADER);
	read_store(s, &bcd);
	assert_ptr_equal(cf_bcd_default_loader(&bcd), object(&bcd, WINRE));
	cf_bcd_free(&bcd);

	s = store_new(true);
	store_object(s, MEMDIAG, CF_BCD_TYPE_MEMDIAG);
	store_object(s, LOADER, CF_BCD_TYPE_LOADER);
	read_store(s, &bcd);
	assert_ptr_equal(cf_bcd_default_loader(&bcd), object(&bcd, LOADER));
	cf_bcd_free(&bcd);
}

/* Stores made by hand leave things out or spell them otherwise. */
static void test_hand_made(void **state)
{
	(void)state;
	struct cf_bcd bcd;
	struct store *s = store_new(true);
	size_t o = store_object(s, "{11111111-2222-3333-4444-55555555555A}", 0);
	store_element(s, o, "1500000E", CF_REG_BINARY, "\x01\x02\x03", 3);
	store_element(s, o, "1600000b", CF_REG_BINARY, "\x01\0\0\0", 4);
	store_element(s, o, "16000009", CF_REG_BINARY, NULL, 0); /* no value: skipped */
	store_element(s, o, "1600000", CF_REG_BINARY, "", 1);    /* seven digits: skipped */
	store_element(s, o, "1600000g", CF_REG_BINARY, "", 1);   /* no hex: skipped */
	store_object(s, "{11111111-2222-3333-4444}", 5);         /* no GUID: skipped */
	store_object(s, "11111111-2222-3333-4444-555555555555", 5); /* no braces: skipped */
	store_object(s, BADMEMORY, 0x20100000); /* no Elements */
	read_store(s, &bcd);
	assert_int_equal(bcd.n, 2);
	assert_int_equal(bcd.skipped, 5);
	const struct cf_bcd_object *x = object(&bcd, "{11111111-2222-3333-4444-55555555555a}");
	assert_int_equal(x->type, 0);
	assert_int_equal(x->n, 2);
	uint64_t v;
	bool yes;
	assert_true(cf_bcd_u64(cf_bcd_element(x, CF_BCD_AVOIDLOWMEMORY), &v));
	assert_int_equal(v, 0x30201);
	assert_true(cf_bcd_bool(cf_bcd_element(x, CF_BCD_BADMEMORYACCESS), &yes));
	assert_true(yes);
	assert_false(cf_bcd_bool(cf_bcd_element(x, CF_BCD_AVOIDLOWMEMORY), &yes)); /* another format */
	assert_false(cf_bcd_u64(NULL, &v));
	CF_FREE char *path = cf_bcd_element_path(&bcd, &x->guid, CF_BCD_AVOIDLOWMEMORY);
	assert_string_equal(path, "Objects\\{11111111-2222-3333-4444-55555555555A}\\Elements\\1500000E");
	cf_bcd_free(&bcd);

	struct cf_error err = { 0 };
	struct cf_buf bytes = store_bytes(store_new(false));
	struct cf_hive *h = cf_hive_open(&bytes, &err);
	assert_non_null(h);
	assert_int_equal(cf_bcd_read(h, &bcd, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	cf_hive_close(h);
}

static void test_names(void **state)
{
	(void)state;
	char out[64];
	assert_string_equal(cf_bcd_element_name(CF_BCD_TYPE_LOADER, 0x23000003), "resumeobject");
	assert_string_equal(cf_bcd_element_name(CF_BCD_TYPE_BOOTMGR, 0x23000003), "default");
	assert_string_equal(cf_bcd_element_name(0x20200003, 0x260000b0), "ems");
	assert_string_equal(cf_bcd_element_name(CF_BCD_TYPE_RESUME, 0x26000004), "pae");
	assert_null(cf_bcd_element_name(CF_BCD_TYPE_LOADER, 0x26ffffff));
	assert_null(cf_bcd_element_name(0x20100000, 0x260000b0));
	assert_string_equal(cf_bcd_integer_text(CF_BCD_TYPE_LOADER, 0x25000080, 2, out), "DsRepair");
	assert_string_equal(cf_bcd_integer_text(CF_BCD_TYPE_LOADER, 0x25000080, 3, out), "0x3");
	assert_string_equal(cf_bcd_integer_text(CF_BCD_TYPE_LOADER, CF_BCD_TRUNCATEMEMORY, 1 << 30, out), "0x40000000");
	assert_string_equal(cf_bcd_integer_text(CF_BCD_TYPE_LOADER, CF_BCD_REMOVEMEMORY, 512, out), "512");
	assert_string_equal(cf_bcd_integer_text(0x20100000, 0x1500001a, 0xc0a80102, out), "192.168.1.2");
	assert_string_equal(cf_bcd_alias(&cf_bcd_badmemory), "{badmemory}");
	struct cf_guid g = guid("{1afa9c49-16ab-4a5c-901b-212802da9460}");
	assert_string_equal(cf_bcd_alias(&g), "{resumeloadersettings}");
	g = guid(BOOTMGR);
	assert_true(cf_guid_eq(&g, &cf_bcd_bootmgr));
	g = guid("{4636856e-540f-4170-a130-a84776f4c654}");
	assert_true(cf_guid_eq(&g, &cf_bcd_dbgsettings));
	struct cf_bcd_object fw = { .type = 0x101fffff };
	assert_string_equal(cf_bcd_title(&fw, out), "Firmware Application (101fffff)");
}

/* Bytes of a store changed at random: what can be read is read, nothing crashes. */
static void test_hostile(void **state)
{
	(void)state;
	CF_BUF good = store_bytes(standard_store());
	uint64_t x = 0x2545f4914f6cdd1d;
	size_t opened = 0, whole = 0;
	for (int round = 0; round < 3000; round++) {
		struct cf_buf b = { 0 };
		assert_int_equal(cf_buf_copy(&b, cf_buf_span(&good)), 0);
		for (int k = 0; k < 4; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			b.p[4096 + (x >> 8) % (b.n - 4096)] = (uint8_t)x;
		}
		struct cf_error err = { 0 };
		struct cf_bcd bcd;
		struct cf_hive *h = cf_hive_open(&b, &err);
		opened += h != NULL;
		if (h && cf_bcd_read(h, &bcd, &err) == 0) {
			CF_BUF text = { 0 };
			for (size_t i = 0; i < bcd.n; i++)
				assert_int_equal(cf_bcd_object_text(&bcd, &bcd.object[i], false, NULL, NULL, &text), 0);
			const struct cf_bcd_object *all[64];
			assert_true(cf_bcd_inheritance(&bcd, cf_bcd_default_loader(&bcd), all, 64) <= 64);
			whole += bcd.skipped == 0;
			cf_bcd_free(&bcd);
		}
		cf_hive_close(h);
		cf_buf_free(&b);
	}
	assert_true(opened > 1000 && whole > 500 && whole < 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_devices_cut_and_changed),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_format_devices),
		cmocka_unit_test(test_inheritance),
		cmocka_unit_test(test_default_loader),
		cmocka_unit_test(test_hand_made),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
