/* test-detect.c - recognising what a partition holds, and paths.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include "volume/path.h"
#include "volume/volume.h"

static enum cf_fs detect_file(const char *path, uint32_t ss)
{
	enum cf_fs fs;
	struct cf_block *b = tool_block_open(path, ss);
	assert_int_equal(cf_volume_detect(b, &fs, NULL), 0);
	assert_int_equal(b->bytes_written, 0);
	assert_true(b->bytes_read <= 128 * CF_KIB);
	cf_block_close(b);
	return fs;
}

static enum cf_fs detect_bytes(const void *bytes, size_t n)
{
	enum cf_fs fs;
	struct cf_block *b = cf_memory_open(bytes, n, 512, NULL);
	assert_non_null(b);
	assert_int_equal(cf_volume_detect(b, &fs, NULL), 0);
	cf_block_close(b);
	return fs;
}

static void test_made(void **state)
{
	(void)state;
	static const struct { const char *size, *cmd; enum cf_fs fs; } made[] = {
		{ "1440K", "mkfs.fat -F 12", CF_FS_FAT12 },
		{ "16M", "mkfs.fat -F 16", CF_FS_FAT16 },
		{ "300M", "mkfs.fat -F 16", CF_FS_FAT16 },
		{ "300M", "mkfs.fat -F 32", CF_FS_FAT32 },
		{ "300M", "mkfs.fat -F 32 -S 4096", CF_FS_FAT32 },
		{ "100M", "mkfs.fat -F 32 -S 4096 -s 1", CF_FS_FAT32 }, /* an ESP of a 4Kn disk: few clusters */
		{ "16M", "mkfs.ntfs -q -F -f", CF_FS_NTFS },
		{ "16M", "mkfs.ext4 -q -F", CF_FS_UNKNOWN },
		{ "16M", "true", CF_FS_EMPTY },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(made); i++) {
		assert_int_equal(tool("rm -f d.img; truncate -s %s d.img", made[i].size), 0);
		int rc = tool("%s d.img >/dev/null 2>&1", made[i].cmd);
		if (rc == 127) {
			printf("# skipped: no %s\n", made[i].cmd);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(cf_fs_name(detect_file("d.img", 512)), cf_fs_name(made[i].fs));
	}
}

static void test_signatures(void **state)
{
	(void)state;
	static uint8_t s[1 << 20];
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_EMPTY);
	assert_int_equal(detect_bytes(s, 100), CF_FS_EMPTY);
	memcpy(s + 3, "ReFS\0\0\0\0", 8);
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_REFS);
	memcpy(s, "\xeb\x76\x90" "EXFAT   ", 11);
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_EXFAT);
	memcpy(s, "\xeb\x52\x90-FVE-FS-", 11);
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_BITLOCKER);
	memset(s, 0, 512);
	memcpy(s + 6 * 512, "PRIVHEAD", 8);
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_LDM);
	memset(s + 6 * 512, 0, 8);
	memcpy(s + sizeof s - 512, "PRIVHEAD", 8);
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_LDM);
	memset(s + sizeof s - 512, 0, 8);
	memcpy(s + 4096, "SPACEDB ", 8);
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_STORAGE_SPACES);
	memset(s + 4096, 0, 8);
	s[9] = 1;
	assert_int_equal(detect_bytes(s, sizeof s), CF_FS_UNKNOWN);
	assert_string_equal(cf_fs_name((enum cf_fs)99), "unknown");
}

/* BitLocker To Go hides behind a sound FAT32 boot sector. */
static void test_bitlocker_to_go(void **state)
{
	(void)state;
	NEED_TOOL("mkfs.fat");
	assert_int_equal(tool("rm -f d.img; truncate -s 300M d.img; mkfs.fat -F 32 d.img >/dev/null"), 0);
	assert_int_equal(detect_file("d.img", 512), CF_FS_FAT32);
	static const uint8_t guid[16] = { 0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a,
					  0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01 };
	struct cf_block *b = tool_block_open("d.img", 512);
	assert_int_equal(cf_block_write(b, 3, "MSWIN4.1", 8, NULL), 0);
	assert_int_equal(cf_block_write(b, 424, guid, 16, NULL), 0);
	cf_block_close(b);
	assert_int_equal(detect_file("d.img", 512), CF_FS_BITLOCKER);
}

static void shared(const char *name, const char *fs)
{
	tool_shared(name, "x.img");
	assert_string_equal(cf_fs_name(detect_file("x.img", 512)), fs);
}

#define SHARED(id, name, fs)               \
	static void test_##id(void **state) \
	{                                  \
		(void)state;               \
		shared(name, fs);          \
	}

SHARED(fve_128, "ntfs-bitlocker/fox-it+dissect.fve/aes_128.bin.gz", "bitlocker")
SHARED(fve_128d, "ntfs-bitlocker/fox-it+dissect.fve/aes_128_diffuser.bin.gz", "bitlocker")
SHARED(fve_256, "ntfs-bitlocker/fox-it+dissect.fve/aes_256.bin.gz", "bitlocker")
SHARED(fve_256d, "ntfs-bitlocker/fox-it+dissect.fve/aes_256_diffuser.bin.gz", "bitlocker")
SHARED(fve_win7, "ntfs/util-linux+util-linux/bitlocker-win7.img.xz", "bitlocker")
SHARED(fat_r2, "fat/radareorg+radare2-testbins/fat.img", "fat12")
SHARED(fat_xp1, "fat/util-linux+util-linux/fat32_xp_label1.img.xz", "fat32")
SHARED(fat_xp2, "fat/util-linux+util-linux/fat32_xp_none.img.xz", "fat32")
SHARED(fat_small, "fat/util-linux+util-linux/small-fat32.img.xz", "fat32")

static void check_path(const char *path, size_t n, const char *first, const char *last)
{
	CF_PATH p = { 0 };
	assert_int_equal(cf_path_split(path, &p, NULL), 0);
	assert_int_equal(p.n, n);
	if (n) {
		assert_string_equal(p.name[0], first);
		assert_string_equal(p.name[n - 1], last);
	}
}

static void test_paths(void **state)
{
	(void)state;
	check_path("", 0, "", "");
	check_path("\\", 0, "", "");
	check_path("/\\//", 0, "", "");
	check_path("\\Windows\\System32", 2, "Windows", "System32");
	check_path("Windows/System32/", 2, "Windows", "System32");
	check_path("\\a\\\\b", 2, "a", "b");
	check_path("\\x\\a\\u{000A}b", 2, "x", "a\\u{000A}b"); /* an escaped line feed */
	check_path("\\x\\u{41}", 2, "x", "u{41}");             /* no escape: "A" needs none */
	struct cf_error err;
	struct cf_path p;
	assert_int_equal(cf_path_split("\\a\\..\\b", &p, &err), -1);
	assert_int_equal(err.code, CF_E_USAGE);
	assert_int_equal(cf_path_split("\\a\\.", &p, &err), -1);
	assert_int_equal(cf_path_split("\\a\xff", &p, &err), -1);
	assert_int_equal(cf_name_check_new("boot.stl", &err), 0);
	static const char *const bad[] = { "", "a:b", "a*", "a.", "a ", "\\u{000A}", "a/b", "\xff" };
	for (size_t i = 0; i < CF_ARRAY_LEN(bad); i++)
		assert_int_equal(cf_name_check_new(bad[i], &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_bitlocker_to_go),
		cmocka_unit_test(test_fve_128),
		cmocka_unit_test(test_fve_128d),
		cmocka_unit_test(test_fve_256),
		cmocka_unit_test(test_fve_256d),
		cmocka_unit_test(test_fve_win7),
		cmocka_unit_test(test_fat_r2),
		cmocka_unit_test(test_fat_xp1),
		cmocka_unit_test(test_fat_xp2),
		cmocka_unit_test(test_fat_small),
		cmocka_unit_test(test_paths),
	};
	return cmocka_run_group_tests_name("detect", tests, tool_setup, tool_teardown);
}
