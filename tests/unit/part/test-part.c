/* test-part.c - partition tables, compared with sfdisk and sgdisk, and damaged ones.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include <jansson.h>
#include <strings.h>

#include "base/endian.h"
#include "base/hash.h"
#include "part/part.h"

static struct cf_part_table table; /* 100 KiB: too much for a stack */

static int read_image(const char *path, uint32_t ss, struct cf_error *err)
{
	struct cf_block *b = tool_block_open(path, ss);
	int rc = cf_part_read(b, &table, err);
	assert_int_equal(b->bytes_written, 0);
	cf_block_close(b);
	return rc;
}

static void must_read(const char *path, uint32_t ss)
{
	struct cf_error err = { 0 };
	if (read_image(path, ss, &err) < 0)
		fail_msg("%s: %s", path, err.message);
}

static bool defect_says(const char *text)
{
	for (size_t i = 0; i < table.n_defects; i++)
		if (strstr(table.defect[i].what, text))
			return true;
	for (size_t i = 0; i < table.n_defects; i++)
		printf("# defect: %s\n", table.defect[i].what);
	return false;
}

/* sfdisk takes an image's sectors for 512 bytes; fdisk can be told, and can write the same dump. */
static void same_as_fdisk(const char *path, uint32_t ss)
{
	char cmd[256];
	CF_BUF out = { 0 };
	size_t n = 0, len = strlen(path);
	snprintf(cmd, sizeof cmd, "rm -f dump; printf 'O\\ndump\\nq\\n' | fdisk -b %u %s >/dev/null 2>&1; cat dump", ss, path);
	assert_int_equal(tool_output(&out, cmd), 0);
	must_read(path, ss);
	for (char *line = strtok((char *)out.p, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned number;
		unsigned long long start, size;
		if (strncmp(line, path, len) != 0)
			continue;
		assert_int_equal(sscanf(line + len, "%u : start= %llu, size= %llu", &number, &start, &size), 3);
		assert_true(n < table.n);
		assert_int_equal(table.part[n].number, number);
		assert_int_equal(table.part[n].start, start * ss);
		assert_int_equal(table.part[n].size, size * ss);
		n++;
	}
	assert_int_equal(table.n, n);
}

/* Compares everything that sfdisk tells. */
static void same_as_sfdisk(const char *path, uint32_t ss)
{
	char cmd[256];
	CF_BUF out = { 0 };
	if (ss != 512) {
		same_as_fdisk(path, ss);
		return;
	}
	snprintf(cmd, sizeof cmd, "sfdisk -J %s 2>/dev/null", path);
	assert_int_equal(tool_output(&out, cmd), 0);
	json_t *root = json_loads((char *)out.p, 0, NULL);
	json_t *pt = json_object_get(root, "partitiontable"), *list = json_object_get(pt, "partitions"), *p;
	const char *id = json_string_value(json_object_get(pt, "id"));
	bool gpt = strcmp(json_string_value(json_object_get(pt, "label")), "gpt") == 0;
	must_read(path, ss);
	assert_int_equal(table.scheme, gpt ? CF_SCHEME_GPT : CF_SCHEME_MBR);
	char text[CF_GUID_TEXT];
	if (gpt)
		assert_int_equal(strcasecmp(id, cf_guid_format(&table.disk_guid, text)), 0);
	else
		assert_int_equal(strtoul(id, NULL, 0), table.signature);
	assert_int_equal(table.n, json_array_size(list));
	size_t i;
	json_array_foreach(list, i, p) {
		const struct cf_partition *q = &table.part[i];
		const char *node = json_string_value(json_object_get(p, "node"));
		assert_int_equal(strtoul(node + strlen(path), NULL, 10), q->number);
		assert_int_equal(json_integer_value(json_object_get(p, "start")) * ss, q->start);
		assert_int_equal(json_integer_value(json_object_get(p, "size")) * ss, q->size);
		const char *type = json_string_value(json_object_get(p, "type"));
		if (gpt) {
			assert_int_equal(strcasecmp(type, cf_part_type_text(&table, q, text)), 0);
			assert_int_equal(
				strcasecmp(json_string_value(json_object_get(p, "uuid")), cf_guid_format(&q->guid, text)), 0);
			const char *name = json_string_value(json_object_get(p, "name"));
			assert_string_equal(name ? name : "", q->name);
		} else {
			assert_int_equal(strtoul(type, NULL, 16), q->mbr_type);
			assert_int_equal(json_is_true(json_object_get(p, "bootable")), q->active);
		}
	}
	json_decref(root);
}

static void make(const char *path, const char *size, uint32_t ss, const char *script)
{
	NEED_TOOL("sfdisk");
	assert_int_equal(tool("rm -f %s; truncate -s %s %s", path, size, path), 0);
	if (ss == 512) {
		assert_int_equal(tool("printf '%s' | sfdisk -q --no-reread --no-tell-kernel %s >/dev/null 2>&1", script, path), 0);
		return;
	}
	NEED_TOOL("fdisk");
	assert_int_equal(tool("printf '%s' > script; printf 'I\\nscript\\nw\\n' | fdisk -b %u %s >/dev/null 2>&1", script, ss,
			      path), 0);
}

#define ESP "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define MSR "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"
#define BASIC "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
#define RECOVERY "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC"
static const char gen2[] = "label: gpt\\nsize=10M,type=" ESP ",name=\"EFI system partition\"\\nsize=4M,type=" MSR
			   ",name=\"Microsoft reserved partition\"\\nsize=20M,type=" BASIC
			   ",name=\"Basic data – å\"\\nsize=5M,type=" RECOVERY "\\n";
static const char gen1[] = "label: dos\\nlabel-id: 0x1234abcd\\nsize=5M,type=7,bootable\\nsize=10M,type=7\\nsize=20M,type=f\\n"
			   "size=3M,type=7\\nsize=4M,type=b\\nsize=2M,type=27\\nsize=1M,type=83\\n";

static void change(const char *path, uint64_t off, const void *bytes, size_t n)
{
	struct cf_block *b = tool_block_open(path, 512);
	assert_int_equal(cf_block_write(b, off, bytes, n, NULL), 0);
	cf_block_close(b);
}

static void fetch(const char *path, uint64_t off, void *bytes, size_t n)
{
	struct cf_block *b = tool_block_open(path, 512);
	assert_int_equal(cf_block_read(b, off, bytes, n, NULL), 0);
	cf_block_close(b);
}

#define SIZE (UINT64_C(64) << 20)

static void test_gpt(void **state)
{
	(void)state;
	for (uint32_t ss = 512; ss <= 4096; ss *= 8) {
		make("g.img", "64M", ss, gen2);
		same_as_sfdisk("g.img", ss);
		assert_int_equal(table.n_defects, 0);
		assert_false(table.used_backup);
		assert_int_equal(table.n, 4);
		static const char *const words[] = { "esp", "msr", "basic-data", "recovery" };
		for (size_t i = 0; i < 4; i++)
			assert_string_equal(cf_part_type_word(&table, &table.part[i]), words[i]);
		assert_string_equal(table.part[2].name, "Basic data – å");
	}
}

static void test_gpt_by_sgdisk(void **state)
{
	(void)state;
	NEED_TOOL("sgdisk");
	assert_int_equal(tool("truncate -s 64M s.img && sgdisk -a 1 -n 3:34:2047 -t 3:0c01 -n 1:2048:+20M -t 1:ef00 -n 128:0:0 "
			      "-t 128:2700 -A 128:set:0 -A 128:set:63 s.img >/dev/null"), 0);
	same_as_sfdisk("s.img", 512);
	assert_int_equal(table.n, 3);
	assert_int_equal(table.n_defects, 0);
	/* in the order of the table, which is not that of the disk */
	assert_int_equal(table.part[0].number, 1);
	assert_int_equal(table.part[2].number, 128);
	assert_true(table.part[2].attributes == 0x8000000000000001);
	/* sgdisk -p: the sectors */
	CF_BUF out = { 0 };
	assert_int_equal(tool_output(&out, "sgdisk -p s.img"), 0);
	char line[64];
	snprintf(line, sizeof line, "%llu", (unsigned long long)(table.part[2].start / 512));
	assert_non_null(strstr((char *)out.p, line));
}

static void test_gpt_primary_bad(void **state)
{
	(void)state;
	for (uint32_t ss = 512; ss <= 4096; ss *= 8) {
		make("g.img", "64M", ss, gen2);
		must_read("g.img", ss);
		CF_FREE struct cf_part_table *before = malloc(sizeof table);
		*before = table;
		static const struct { uint64_t off; const char *why; } damage[] = {
			{ 0, "there is none" }, { 40, "bad checksum" }, { 16, "bad checksum" }, { 8, "unknown revision" },
		};
		for (size_t i = 0; i < CF_ARRAY_LEN(damage); i++) {
			make("g.img", "64M", ss, gen2);
			must_read("g.img", ss);
			*before = table;
			change("g.img", ss + damage[i].off, "\xa5\x5a\xa5\x5a", 4);
			must_read("g.img", ss);
			assert_true(table.used_backup);
			assert_true(defect_says("primary GPT header at LBA 1"));
			assert_true(defect_says(damage[i].why));
			assert_int_equal(table.n, before->n);
			assert_memory_equal(table.part, before->part, table.n * sizeof table.part[0]);
			assert_memory_equal(&table.disk_guid, &before->disk_guid, 16);
		}
		/* its array */
		make("g.img", "64M", ss, gen2);
		change("g.img", 2 * ss + 56, "x", 1);
		must_read("g.img", ss);
		assert_true(table.used_backup);
		assert_true(defect_says("bad checksum of its entries"));
		assert_int_equal(table.n, 4);
	}
}

static void test_gpt_backup_bad(void **state)
{
	(void)state;
	make("g.img", "64M", 512, gen2);
	change("g.img", SIZE - 512 + 20, "\xff", 1);
	must_read("g.img", 512);
	assert_false(table.used_backup);
	assert_int_equal(table.n, 4);
	assert_int_equal(table.n_defects, 1);
	assert_true(defect_says("backup GPT header at LBA 131071: bad checksum"));
	assert_true(table.defect[0].offset == SIZE - 512);
	/* both */
	change("g.img", 512 + 20, "\xff", 1);
	struct cf_error err = { 0 };
	assert_int_equal(read_image("g.img", 512, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	assert_non_null(strstr(err.message, "bad checksum"));
	/* no GPT at all behind a protective MBR */
	char zero[1024] = { 0 };
	change("g.img", 512, zero, 1024);
	change("g.img", SIZE - 1024, zero, 1024);
	assert_int_equal(read_image("g.img", 512, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
}

static void test_gpt_copies_differ(void **state)
{
	(void)state;
	make("g.img", "64M", 512, gen2);
	/* another, valid backup: its own disk GUID */
	uint8_t h[512], zero[4] = { 0 };
	fetch("g.img", SIZE - 512, h, sizeof h);
	h[60] ^= 1;
	memcpy(h + 16, zero, 4);
	cf_st32(h + 16, cf_crc32(0, h, 92));
	change("g.img", SIZE - 512, h, sizeof h);
	must_read("g.img", 512);
	assert_false(table.used_backup);
	assert_true(defect_says("differ"));
}

static void test_gpt_sizes(void **state)
{
	(void)state;
	/* grown, as Azure does it */
	make("g.img", "64M", 512, gen2);
	assert_int_equal(tool("truncate -s 80M g.img"), 0);
	must_read("g.img", 512);
	assert_int_equal(table.n, 4);
	assert_true(defect_says("sizes wrong"));
	assert_true(defect_says("grown"));
	/* grown, and the primary bad: the old place of the backup is known from the protective MBR */
	change("g.img", 512, "\0\0\0\0", 4);
	must_read("g.img", 512);
	assert_true(table.used_backup);
	assert_int_equal(table.n, 4);
	assert_true(defect_says("sizes wrong"));
	/* cut: the last partition ends behind the end */
	make("g.img", "64M", 512, gen2);
	assert_int_equal(tool("truncate -s 38M g.img"), 0);
	must_read("g.img", 512);
	assert_int_equal(table.n, 3);
	assert_true(defect_says("was cut"));
	assert_true(defect_says("partition 4 lies outside the disk"));
}

static void test_gpt_pmbr(void **state)
{
	(void)state;
	char zero[512] = { 0 };
	make("g.img", "64M", 512, gen2);
	change("g.img", 0, zero, 512);
	must_read("g.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_GPT);
	assert_int_equal(table.n, 4);
	assert_true(defect_says("protective MBR"));
	/* an old GPT on a disk that is MBR now: MBR */
	make("g.img", "64M", 512, gen2);
	make("m.img", "64M", 512, gen1);
	uint8_t mbr[512];
	fetch("m.img", 0, mbr, 512);
	mbr[446 + 32 + 4] = 0x07; /* its extended partition lies elsewhere */
	change("g.img", 0, mbr, 512);
	must_read("g.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_MBR);
	assert_int_equal(table.n, 4);
	/* hybrid: the GPT counts */
	make("g.img", "64M", 512, gen2);
	uint8_t hybrid[16] = { 0x80, 0, 2, 0, 7, 0xff, 0xff, 0xff, 0, 8, 0, 0, 0, 0x50, 0, 0 };
	change("g.img", 446 + 16, hybrid, 16);
	must_read("g.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_GPT);
	assert_int_equal(table.n, 4);
	/* hybrid without any GPT: the MBR's own partition, and a defect */
	char big[34 * 512] = { 0 };
	change("g.img", 512, big, sizeof big - 512);
	change("g.img", SIZE - sizeof big, big, sizeof big);
	must_read("g.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_MBR);
	assert_int_equal(table.n, 1);
	assert_true(defect_says("there is no GPT"));
}

static void test_gpt_wrong_sector_size(void **state)
{
	(void)state;
	struct cf_error err = { 0 };
	make("g.img", "64M", 4096, gen2);
	assert_int_equal(read_image("g.img", 512, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	assert_non_null(strstr(err.message, "--sector-size=4096"));
}

/* Rewrites an entry of both copies and all four checksums. */
static void patch_entry(const char *path, unsigned i, uint64_t first, uint64_t last)
{
	static const uint64_t header[2] = { 512, SIZE - 512 };
	for (int copy = 0; copy < 2; copy++) {
		uint8_t h[512], array[128 * 128];
		fetch(path, header[copy], h, sizeof h);
		uint64_t at = cf_ld64(h + 72) * 512;
		fetch(path, at, array, sizeof array);
		if (memcmp(array + 128 * i, "\0\0\0\0", 4) == 0)
			memcpy(array + 128 * i, array, 32);
		cf_st64(array + 128 * i + 32, first);
		cf_st64(array + 128 * i + 40, last);
		change(path, at, array, sizeof array);
		cf_st32(h + 88, cf_crc32(0, array, sizeof array));
		cf_st32(h + 16, 0);
		cf_st32(h + 16, cf_crc32(0, h, 92));
		change(path, header[copy], h, sizeof h);
	}
}

static void test_gpt_hostile_entries(void **state)
{
	(void)state;
	make("g.img", "64M", 512, gen2);
	must_read("g.img", 512);
	uint64_t second = table.part[1].start / 512;
	patch_entry("g.img", 10, second, second); /* overlaps number 2 */
	patch_entry("g.img", 11, 1, 40);          /* the table itself */
	patch_entry("g.img", 12, 5, 4);
	patch_entry("g.img", 13, UINT64_MAX - 1, UINT64_MAX);
	patch_entry("g.img", 14, 0, UINT64_MAX);
	must_read("g.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_GPT);
	assert_int_equal(table.n, 3);
	assert_int_equal(table.part[0].number, 1);
	assert_int_equal(table.part[1].number, 3);
	assert_true(defect_says("partitions 2 and 11 overlap"));
	assert_true(defect_says("partition 12 lies outside"));
	assert_true(defect_says("partition 15 lies outside"));
}

/* Repairs, then judges: our reader finds nothing, sgdisk and sfdisk neither, every GUID and entry is as it was. */
static void repair(const struct cf_part_table *before, uint32_t ss)
{
	struct cf_error err = { 0 };
	struct cf_block *b = tool_block_open("g.img", ss);
	if (cf_part_repair_gpt(b, &err) < 0)
		fail_msg("%s", err.message);
	cf_block_close(b);
	must_read("g.img", ss);
	assert_int_equal(table.n_defects, 0);
	assert_false(table.used_backup);
	assert_false(table.gpt_repairable);
	assert_int_equal(table.n, before->n);
	assert_memory_equal(table.part, before->part, table.n * sizeof table.part[0]);
	assert_true(cf_guid_eq(&table.disk_guid, &before->disk_guid));
	assert_int_equal(table.signature, before->signature);
	if (ss != 512)
		return;
	assert_int_equal(tool("sfdisk --verify g.img >out 2>&1; grep -q 'No errors detected' out || { cat out; false; }"), 0);
	if (tool_exists("sgdisk"))
		assert_int_equal(tool("sgdisk -v g.img >out 2>&1; grep -q 'No problems found' out || { cat out; false; }"), 0);
}

static void test_gpt_repair(void **state)
{
	(void)state;
	CF_FREE struct cf_part_table *before = malloc(sizeof *before);
	static const struct { const char *what, *size; uint64_t off; bool from_end; } damage[] = {
		{ "primary header", "64M", 20, false },  { "primary signature", "64M", 0, false },
		{ "backup header", "64M", 20, true },    { "backup signature", "64M", 0, true },
		{ "grown", "80M", UINT64_MAX, false },   { "grown, and the primary is gone", "80M", 0, false },
		{ "grown, and the primary is bad", "80M", 20, false },
	};
	for (uint32_t ss = 512; ss <= 4096; ss *= 8)
		for (size_t i = 0; i < CF_ARRAY_LEN(damage); i++) {
			make("g.img", "64M", ss, gen2);
			must_read("g.img", ss);
			*before = table;
			assert_false(table.gpt_repairable);
			assert_int_equal(tool("truncate -s %s g.img", damage[i].size), 0);
			if (damage[i].off != UINT64_MAX)
				change("g.img", (damage[i].from_end ? SIZE - ss : ss) + damage[i].off, "\xa5\x5a", 2);
			must_read("g.img", ss);
			assert_true(table.n_defects > 0);
			if (!table.gpt_repairable)
				fail_msg("not repairable: %s", damage[i].what);
			repair(before, ss);
		}
	/* a cut disk can't be repaired, and says so before anybody tries */
	struct cf_error err = { 0 };
	make("g.img", "64M", 512, gen2);
	assert_int_equal(tool("truncate -s 38M g.img"), 0);
	must_read("g.img", 512);
	assert_false(table.gpt_repairable);
	struct cf_block *b = tool_block_open("g.img", 512);
	assert_int_equal(cf_part_repair_gpt(b, &err), -1);
	assert_int_equal(err.code, CF_E_REFUSED);
	assert_int_equal(b->bytes_written, 0);
	/* nor one without any good copy */
	assert_int_equal(cf_block_write(b, 512, "\0", 1, NULL), 0);
	uint64_t written = b->bytes_written;
	assert_int_equal(cf_part_repair_gpt(b, &err), -1);
	assert_int_equal(err.code, CF_E_REFUSED);
	assert_int_equal(b->bytes_written, written);
	cf_block_close(b);
}

static void test_mbr(void **state)
{
	(void)state;
	make("m.img", "64M", 512, gen1);
	same_as_sfdisk("m.img", 512);
	assert_int_equal(table.n, 7);
	assert_int_equal(table.n_defects, 0);
	assert_int_equal(table.signature, 0x1234abcd);
	assert_true(table.part[0].active);
	assert_string_equal(cf_part_type_word(&table, &table.part[0]), "ntfs");
	assert_string_equal(cf_part_type_word(&table, &table.part[2]), "extended");
	assert_string_equal(cf_part_type_word(&table, &table.part[4]), "fat");
	assert_string_equal(cf_part_type_word(&table, &table.part[5]), "winre");
	char text[CF_GUID_TEXT];
	assert_string_equal(cf_part_type_text(&table, &table.part[5], text), "0x27");
	make("m.img", "64M", 4096, gen1);
	same_as_sfdisk("m.img", 4096);
	/* an empty table is still an MBR */
	make("m.img", "64M", 512, "label: dos\\n");
	same_as_sfdisk("m.img", 512);
	assert_int_equal(table.n, 0);
}

static void test_mbr_chain(void **state)
{
	(void)state;
	make("m.img", "64M", 512, gen1);
	must_read("m.img", 512);
	uint64_t ext = table.part[2].start;
	/* a link back to the first EBR */
	uint8_t e[512];
	fetch("m.img", ext, e, 512);
	uint64_t second = ext + (uint64_t)cf_ld32(e + 446 + 16 + 8) * 512;
	fetch("m.img", second, e, 512);
	cf_st32(e + 446 + 16 + 8, 0);
	change("m.img", second, e, 512);
	must_read("m.img", 512);
	assert_int_equal(table.n, 6);
	assert_true(defect_says("circle"));
	/* a link behind the extended partition */
	cf_st32(e + 446 + 16 + 8, 0xfffffff0);
	change("m.img", second, e, 512);
	must_read("m.img", 512);
	assert_int_equal(table.n, 6);
	assert_true(defect_says("outside the extended partition"));
	/* no mark */
	change("m.img", second + 510, "\0", 1);
	must_read("m.img", 512);
	assert_int_equal(table.n, 5);
	assert_true(defect_says("55 AA"));
	/* a primary partition that overlaps another one */
	make("m.img", "64M", 512, gen1);
	fetch("m.img", 0, e, 512);
	cf_st32(e + 446 + 16 + 8, cf_ld32(e + 446 + 8) + 1);
	change("m.img", 0, e, 512);
	must_read("m.img", 512);
	assert_int_equal(table.n, 5);
	assert_true(defect_says("partitions 1 and 2 overlap"));
	/* a partition that ends behind the disk */
	make("m.img", "64M", 512, gen1);
	fetch("m.img", 0, e, 512);
	cf_st32(e + 446 + 16 + 12, 0xffffffff);
	change("m.img", 0, e, 512);
	must_read("m.img", 512);
	assert_int_equal(table.n, 6);
	assert_true(defect_says("partition 2 lies outside the disk"));
}

/* A volume without any partition table must not be taken for one. */
static void test_bare_volume(void **state)
{
	(void)state;
	static const char *const make_fs[] = {
		"mkfs.fat -F 16 v.img", "mkfs.fat -F 32 v.img", "mkfs.fat -F 12 -S 4096 v.img", "mkfs.ntfs -q -F -f v.img",
		"mkfs.ext4 -q -F v.img",
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(make_fs); i++) {
		assert_int_equal(tool("rm -f v.img; truncate -s 64M v.img"), 0);
		if (tool("%s >/dev/null 2>&1", make_fs[i]) == 127)
			continue;
		must_read("v.img", 512);
		assert_int_equal(table.scheme, CF_SCHEME_NONE);
		assert_int_equal(table.n, 0);
		assert_int_equal(table.n_defects, 0);
	}
	/* even with the backup GPT of former times at the end */
	make("g.img", "64M", 512, gen2);
	if (tool("mkfs.fat -F 16 g.img >/dev/null 2>&1") == 0) {
		char zero[512] = { 0 };
		change("g.img", 512, zero, 0);
		must_read("g.img", 512);
		assert_int_equal(table.scheme, CF_SCHEME_NONE);
	}
	assert_int_equal(tool("truncate -s 0 v.img; truncate -s 1M v.img"), 0);
	must_read("v.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_NONE);
	/* a real MBR whose first bytes come from a FAT boot sector stays an MBR */
	make("m.img", "64M", 512, gen1);
	uint8_t s[512];
	assert_int_equal(tool("rm -f v.img; truncate -s 64M v.img"), 0);
	if (tool("mkfs.fat -F 16 v.img >/dev/null 2>&1") == 0) {
		fetch("v.img", 0, s, 512);
		change("m.img", 0, s, 440);
		must_read("m.img", 512);
		assert_int_equal(table.scheme, CF_SCHEME_MBR);
		assert_int_equal(table.n, 7);
	}
}

static void shared(const char *name)
{
	NEED_TOOL("sfdisk");
	tool_shared(name, "x.img");
	same_as_sfdisk("x.img", 512);
}

static void test_shared_gpt(void **state)
{
	(void)state;
	shared("partition-tables/util-linux+util-linux/gpt.img.xz");
}

static void test_shared_mbr(void **state)
{
	(void)state;
	shared("partition-tables/debian_forensics-samples/fs.multiple.xz");
}

/* Disks that Windows made, unpacked from their containers. */
static void shared_container(const char *name, const char *file, const char *format)
{
	NEED_TOOL("sfdisk");
	NEED_TOOL("qemu-img");
	tool_shared(name, file);
	if (strcmp(file, "x.zip") == 0) {
		NEED_TOOL("unzip");
		assert_int_equal(tool("unzip -p x.zip > x.vhdx"), 0);
		file = "x.vhdx";
	}
	assert_int_equal(tool("qemu-img convert -q -f %s -O raw %s x.img", format, file), 0);
	same_as_sfdisk("x.img", 512);
	assert_int_equal(table.n_defects, 0);
	unlink("x.img");
}

static void test_shared_server2022(void **state)
{
	(void)state;
	shared_container("vhd-vhdx-qcow2/Velocidex+velociraptor/test.vhdx.zip", "x.zip", "vhdx");
	assert_int_equal(table.n, 1);
	assert_int_equal(table.part[0].start, 128 * 512);
	assert_int_equal(table.part[0].size, 6144 * 512);
	assert_string_equal(cf_part_type_word(&table, &table.part[0]), "basic-data");
}

/* No table on it, which sfdisk finds too. */
static void test_shared_no_table(void **state)
{
	(void)state;
	NEED_TOOL("qemu-img");
	tool_shared("vhd-vhdx-qcow2/LTRData+DiscUtils/swap.vhdx.gz", "x.vhdx");
	assert_int_equal(tool("qemu-img convert -q -f vhdx -O raw x.vhdx x.img"), 0);
	must_read("x.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_NONE);
	assert_int_equal(table.n_defects, 0);
	unlink("x.img");
}

static void test_shared_lvm(void **state)
{
	(void)state;
	shared_container("vhd-vhdx-qcow2/LTRData+DiscUtils/lvm2.vhdx.gz", "x.vhdx", "vhdx");
}

/* An NTFS volume without a table. */
static void test_shared_ntfs_volume(void **state)
{
	(void)state;
	NEED_TOOL("qemu-img");
	tool_shared("vhd-vhdx-qcow2/log2timeline+dfvfs/windows_volume.qcow2", "x.qcow2");
	assert_int_equal(tool("qemu-img convert -q -f qcow2 -O raw x.qcow2 x.img"), 0);
	must_read("x.img", 512);
	assert_int_equal(table.scheme, CF_SCHEME_NONE);
	assert_int_equal(table.n_defects, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gpt),
		cmocka_unit_test(test_gpt_by_sgdisk),
		cmocka_unit_test(test_gpt_primary_bad),
		cmocka_unit_test(test_gpt_backup_bad),
		cmocka_unit_test(test_gpt_copies_differ),
		cmocka_unit_test(test_gpt_sizes),
		cmocka_unit_test(test_gpt_pmbr),
		cmocka_unit_test(test_gpt_wrong_sector_size),
		cmocka_unit_test(test_gpt_hostile_entries),
		cmocka_unit_test(test_gpt_repair),
		cmocka_unit_test(test_mbr),
		cmocka_unit_test(test_mbr_chain),
		cmocka_unit_test(test_bare_volume),
		cmocka_unit_test(test_shared_gpt),
		cmocka_unit_test(test_shared_mbr),
		cmocka_unit_test(test_shared_server2022),
		cmocka_unit_test(test_shared_no_table),
		cmocka_unit_test(test_shared_lvm),
		cmocka_unit_test(test_shared_ntfs_volume),
	};
	return cmocka_run_group_tests_name("part", tests, tool_setup, tool_teardown);
}
