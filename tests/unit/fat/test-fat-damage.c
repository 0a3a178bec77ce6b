/* test-fat-damage.c - FAT volumes that are damaged, marked, hostile, or fail while they are written.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include "base/endian.h"
#include "volume/fat-bpb.h"
#include "volume/volume.h"

static struct cf_block *disk;
static struct cf_fat_geometry g;

static void make(const char *size, const char *mkfs)
{
	NEED_TOOL("mkfs.fat");
	NEED_TOOL("mcopy");
	uint8_t boot[512];
	assert_int_equal(tool("rm -f f.img; truncate -s %s f.img; mkfs.fat %s f.img >/dev/null 2>&1", size, mkfs), 0);
	assert_int_equal(tool("head -c 20000 /dev/zero | tr '\\0' x > data; mmd -i f.img ::/EFI; mcopy -i f.img data ::/a; "
			      "mcopy -i f.img data ::/EFI/b"), 0);
	disk = tool_block_open("f.img", 512);
	assert_int_equal(cf_block_read(disk, 0, boot, sizeof boot, NULL), 0);
	assert_true(cf_fat_geometry(cf_span_of(boot, sizeof boot), &g, NULL));
}

static void put(uint64_t off, const void *p, size_t n)
{
	assert_int_equal(cf_block_write(disk, off, p, n, NULL), 0);
}

static uint32_t get32(uint64_t off)
{
	uint8_t b[4];
	assert_int_equal(cf_block_read(disk, off, b, 4, NULL), 0);
	return cf_ld32(b);
}

static void put32(uint64_t off, uint32_t v)
{
	uint8_t b[4];
	cf_st32(b, v);
	put(off, b, 4);
}

static void set_fat32(unsigned copy, uint32_t cluster, uint32_t value)
{
	put32(g.fat_offset + copy * g.fat_size + 4 * (uint64_t)cluster, value);
}

static struct cf_volume *open_volume(int flags)
{
	struct cf_error err = { 0 };
	struct cf_volume *v = cf_volume_open(disk, g.fs, flags, &err);
	if (!v)
		fail_msg("%s", err.message);
	return v;
}

static uint32_t first_of(const char *path)
{
	struct cf_stat st;
	struct cf_volume *v = open_volume(CF_VOL_READ);
	assert_int_equal(cf_volume_stat(v, path, &st, NULL), 0);
	cf_volume_closep(&v);
	return (uint32_t)st.id;
}

static void done(void)
{
	cf_block_close(disk);
	disk = NULL;
}

static int count_name(void *user, const char *name, const struct cf_stat *st)
{
	(void)name;
	(void)st;
	++*(unsigned *)user;
	return 0;
}

/* The active FAT alone is read and written when mirroring is off. */
static void test_not_mirrored(void **state)
{
	(void)state;
	make("40M", "-F 32 -s 1");
	/* FAT 1 active; FAT 0 is nonsense */
	put(0x28, "\x81\0", 2);
	CF_BUF junk = { 0 };
	assert_int_equal(cf_buf_resize(&junk, (size_t)g.fat_size), 0);
	memset(junk.p, 0x77, junk.n);
	put(g.fat_offset, junk.p, junk.n);
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	CF_BUF data = { 0 };
	assert_int_equal(cf_volume_read_file(v, "a", 1 << 20, &data, NULL), 0);
	assert_int_equal(data.n, 20000);
	assert_int_equal(cf_buf_resize(&data, 60000), 0);
	assert_int_equal(cf_volume_replace(v, "a", cf_buf_span(&data), NULL), 0);
	assert_int_equal(cf_volume_create(v, "EFI\\c", cf_buf_span(&data), NULL), 0);
	assert_int_equal(cf_volume_close(v, NULL), 0);
	CF_BUF now = { 0 };
	assert_int_equal(cf_buf_resize(&now, junk.n), 0);
	assert_int_equal(cf_block_read(disk, g.fat_offset, now.p, now.n, NULL), 0);
	assert_memory_equal(now.p, junk.p, junk.n);
	/* with FAT 1 copied over FAT 0 it is an ordinary volume again */
	assert_int_equal(cf_block_read(disk, g.fat_offset + g.fat_size, now.p, now.n, NULL), 0);
	put(g.fat_offset, now.p, now.n);
	put(0x28, "\0\0", 2);
	assert_int_equal(tool("dd if=f.img of=f.img bs=512 seek=6 count=1 conv=notrunc status=none"), 0);
	assert_int_equal(tool("fsck.fat -n f.img >out || { cat out; false; }"), 0);
	done();
}

static bool dirty(void)
{
	struct cf_volume_health h;
	struct cf_volume *v = open_volume(CF_VOL_READ);
	assert_int_equal(cf_volume_health(v, &h, NULL), 0);
	assert_false(h.damaged);
	cf_volume_closep(&v);
	return h.dirty_flag;
}

static void test_dirty_bits(void **state)
{
	(void)state;
	make("40M", "-F 32 -s 1");
	assert_false(dirty());
	for (unsigned copy = 0; copy < 2; copy++)
		set_fat32(copy, 1, 0x07ffffff);
	assert_true(dirty());
	/* a write leaves them */
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	assert_int_equal(cf_volume_create(v, "x", cf_span_of("x", 1), NULL), 0);
	assert_int_equal(cf_volume_close(v, NULL), 0);
	assert_true(dirty());
	assert_int_equal(get32(g.fat_offset + 4), 0x07ffffff);
	for (unsigned copy = 0; copy < 2; copy++)
		set_fat32(copy, 1, 0x0fffffff);
	put(0x41, "\1", 1);
	assert_true(dirty());
	done();
	make("20M", "-F 16");
	assert_false(dirty());
	put(g.fat_offset + 2, "\xff\x7f", 2);
	assert_true(dirty());
	done();
	make("1440K", "-F 12");
	assert_false(dirty());
	put(0x25, "\1", 1);
	assert_true(dirty());
	done();
}

/* The four upper bits of a FAT32 entry are not ours. */
static void test_upper_bits(void **state)
{
	(void)state;
	make("40M", "-F 32 -s 1");
	struct cf_volume *v = open_volume(CF_VOL_READ);
	struct cf_volume_space s;
	assert_int_equal(cf_volume_space(v, &s, NULL), 0);
	cf_volume_closep(&v);
	uint32_t free = get32(g.fsinfo_offset + 0x1ec) + 1;
	set_fat32(0, free, 0xa0000000);
	set_fat32(1, free, 0xa0000000);
	v = open_volume(CF_VOL_WRITE);
	struct cf_volume_space t;
	assert_int_equal(cf_volume_space(v, &t, NULL), 0);
	assert_int_equal(t.free_bytes, s.free_bytes);
	static uint8_t data[4096];
	assert_int_equal(cf_volume_create(v, "x", cf_span_of(data, sizeof data), NULL), 0);
	assert_int_equal(cf_volume_close(v, NULL), 0);
	assert_int_equal(get32(g.fat_offset + 4 * free) >> 28, 0xa);
	assert_true((get32(g.fat_offset + 4 * free) & 0x0fffffff) != 0);
	done();
}

static void test_copies_differ(void **state)
{
	(void)state;
	struct cf_error err;
	struct cf_volume_health h;
	make("40M", "-F 32 -s 1");
	set_fat32(1, 5000, 0x0fffffff);
	struct cf_volume *v = open_volume(CF_VOL_READ);
	assert_int_equal(cf_volume_health(v, &h, NULL), 0);
	assert_true(h.damaged);
	assert_non_null(strstr(h.damage, "copies"));
	cf_volume_closep(&v);
	uint64_t before = disk->bytes_written;
	assert_null(cf_volume_open(disk, g.fs, CF_VOL_WRITE, &err));
	assert_int_equal(err.code, CF_E_UNCLEAN);
	assert_int_equal(disk->bytes_written, before);
	v = open_volume(CF_VOL_WRITE | CF_VOL_FORCE_UNCLEAN);
	cf_volume_closep(&v);
	done();
}

/* Writing is refused if that damage could reach another file; forced, the calls that follow this file's chain fail, and
 * nothing is written. */
static void must_be_corrupt(const char *path, bool dangerous)
{
	struct cf_error err = { 0 };
	uint64_t before = disk->bytes_written;
	struct cf_volume *v = cf_volume_open(disk, g.fs, CF_VOL_WRITE, &err);
	assert_int_equal(dangerous, v == NULL);
	if (v)
		cf_volume_closep(&v);
	else
		assert_int_equal(err.code, CF_E_UNCLEAN);
	v = open_volume(CF_VOL_WRITE | CF_VOL_FORCE_UNCLEAN);
	struct cf_stat st;
	assert_int_equal(cf_volume_stat(v, path, &st, NULL), 0);
	assert_int_equal(cf_volume_replace(v, path, cf_span_of("x", 1), &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	assert_int_equal(cf_volume_delete(v, path, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	assert_string_equal(err.path, path);
	cf_volume_closep(&v);
	assert_int_equal(disk->bytes_written, before);
}

static void test_chains(void **state)
{
	(void)state;
	make("40M", "-F 32 -s 1");
	uint32_t first = first_of("a"), third = first + 2;
	static const uint32_t bad[] = { 0, 1, 0x0ffffff7, 0x0ffffff0, 90000000 };
	uint32_t was = get32(g.fat_offset + 4 * (uint64_t)third);
	for (size_t i = 0; i <= CF_ARRAY_LEN(bad); i++) {
		uint32_t value = i < CF_ARRAY_LEN(bad) ? bad[i] : first; /* last: a circle */
		set_fat32(0, third, value);
		set_fat32(1, third, value);
		must_be_corrupt("a", value == first || value == 0);
	}
	/* the end mark too early */
	set_fat32(0, third, 0x0fffffff);
	set_fat32(1, third, 0x0fffffff);
	must_be_corrupt("a", false);
	struct cf_error err;
	struct cf_volume *v = open_volume(CF_VOL_READ);
	assert_null(cf_file_open(v, "a", &err));
	assert_int_equal(err.code, CF_E_CORRUPT);
	cf_volume_closep(&v);
	set_fat32(0, third, was);
	set_fat32(1, third, was);
	/* a folder that runs in a circle */
	uint32_t efi = first_of("EFI");
	set_fat32(0, efi, efi);
	set_fat32(1, efi, efi);
	assert_null(cf_volume_open(disk, g.fs, CF_VOL_WRITE, &err));
	assert_int_equal(err.code, CF_E_UNCLEAN);
	v = open_volume(CF_VOL_WRITE | CF_VOL_FORCE_UNCLEAN);
	unsigned n = 0;
	assert_int_equal(cf_volume_list(v, "EFI", count_name, &n, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	assert_int_equal(n, 0);
	assert_int_equal(cf_volume_create(v, "EFI\\new", cf_span_of("x", 1), &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	cf_volume_closep(&v);
	done();
}

/* Two files in one cluster, and a file in a cluster that is marked free: writing would destroy something. */
static void test_shared_clusters(void **state)
{
	(void)state;
	struct cf_error err;
	make("20M", "-F 16 -s 4");
	uint32_t a = first_of("a"), b = first_of("EFI\\b");
	uint8_t e[32], two[2];
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	cf_volume_closep(&v);
	uint64_t before = disk->bytes_written;
	/* b's second cluster becomes a's second */
	for (unsigned copy = 0; copy < 2; copy++) {
		cf_st16(two, (uint16_t)(a + 1));
		put(g.fat_offset + copy * g.fat_size + 2 * (uint64_t)b, two, 2);
	}
	before = disk->bytes_written;
	assert_null(cf_volume_open(disk, g.fs, CF_VOL_WRITE, &err));
	assert_int_equal(err.code, CF_E_UNCLEAN);
	assert_non_null(strstr(err.message, "two files"));
	assert_int_equal(disk->bytes_written, before);
	cf_st16(two, (uint16_t)(b + 1));
	for (unsigned copy = 0; copy < 2; copy++)
		put(g.fat_offset + copy * g.fat_size + 2 * (uint64_t)b, two, 2);
	v = open_volume(CF_VOL_WRITE);
	cf_volume_closep(&v);
	/* the first cluster of a, marked free */
	for (unsigned copy = 0; copy < 2; copy++)
		put(g.fat_offset + copy * g.fat_size + 2 * (uint64_t)a, "\0\0", 2);
	assert_null(cf_volume_open(disk, g.fs, CF_VOL_WRITE, &err));
	assert_int_equal(err.code, CF_E_UNCLEAN);
	assert_non_null(strstr(err.message, "marked free"));
	/* a folder inside itself */
	cf_st16(two, (uint16_t)(a + 1));
	for (unsigned copy = 0; copy < 2; copy++)
		put(g.fat_offset + copy * g.fat_size + 2 * (uint64_t)a, two, 2);
	uint32_t efi = first_of("EFI");
	uint64_t at = g.data_offset + (uint64_t)(efi - 2) * g.cluster_size;
	assert_int_equal(cf_block_read(disk, at + 64, e, 32, NULL), 0);
	memcpy(e, "ITSELF     \x10", 12);
	cf_st16(e + 26, (uint16_t)efi);
	put(at + 96, e, 32);
	assert_null(cf_volume_open(disk, g.fs, CF_VOL_WRITE, &err));
	assert_int_equal(err.code, CF_E_UNCLEAN);
	v = open_volume(CF_VOL_READ);
	assert_true(cf_volume_exists(v, "EFI\\itself\\ITSELF\\b"));
	cf_volume_closep(&v);
	done();
}

/* Entries whose long names are torn, and names that must never be given out. */
static void test_names(void **state)
{
	(void)state;
	make("20M", "-F 16");
	static const uint8_t hostile[][32] = {
		"..         \x10", ".          \x10", "A/B     C  \x20", "A\\B     C  \x20", "  \x1b[2J    \x20",
		"        .  \x20", "LABEL      \x08", ("\xe5" "BC     DEF\x20"),
	};
	uint32_t used = 0;
	uint8_t e[32];
	do
		assert_int_equal(cf_block_read(disk, g.root_offset + 32 * used++, e, 32, NULL), 0);
	while (e[0]);
	put(g.root_offset + 32 * (used - 1), hostile, sizeof hostile);
	struct cf_volume *v = open_volume(CF_VOL_READ);
	unsigned n = 0;
	assert_int_equal(cf_volume_list(v, "", count_name, &n, NULL), 0);
	assert_int_equal(n, 2 + 3); /* a, EFI, and the three with replaced characters */
	assert_true(cf_volume_exists(v, "A\xef\xbf\xbd""B.C"));
	cf_volume_closep(&v);
	/* a long name whose checksum is wrong is no name */
	assert_int_equal(tool("mcopy -i f.img data ::/EFI/'a long name.text'"), 0);
	v = open_volume(CF_VOL_READ);
	assert_true(cf_volume_exists(v, "EFI\\a long name.text"));
	cf_volume_closep(&v);
	uint64_t at = g.data_offset + (uint64_t)(first_of("EFI") - 2) * g.cluster_size;
	unsigned torn = 0;
	for (unsigned i = 0; i < g.cluster_size / 32; i++) {
		assert_int_equal(cf_block_read(disk, at + 32 * i, e, 32, NULL), 0);
		if (e[11] == 0x0f) {
			e[13] ^= 1;
			put(at + 32 * i, e, 32);
			torn++;
		}
	}
	assert_int_equal(torn, 2);
	v = open_volume(CF_VOL_READ);
	assert_false(cf_volume_exists(v, "EFI\\a long name.text"));
	assert_true(cf_volume_exists(v, "EFI\\ALONGN~1.TEX"));
	cf_volume_closep(&v);
	done();
}

/* What lies behind the end mark of a folder was never an entry, and must not become one. */
static void test_end_mark(void **state)
{
	(void)state;
	make("20M", "-F 16 -s 4");
	uint64_t at = g.data_offset + (uint64_t)(first_of("EFI") - 2) * g.cluster_size;
	uint8_t junk[32] = "JUNK    BIN\x20";
	for (unsigned i = 4; i < g.cluster_size / 32; i++) /* ., .., B, the end mark */
		put(at + 32 * i, junk, 32);
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	unsigned n = 0;
	assert_int_equal(cf_volume_list(v, "EFI", count_name, &n, NULL), 0);
	assert_int_equal(n, 1);
	for (unsigned i = 0; i < 80; i++) {
		char name[64];
		snprintf(name, sizeof name, i % 2 ? "EFI\\N%u" : "EFI\\a longer name, number %u", i);
		assert_int_equal(cf_volume_create(v, name, cf_span_of("x", 1), NULL), 0);
		n = 0;
		assert_int_equal(cf_volume_list(v, "EFI", count_name, &n, NULL), 0);
		assert_int_equal(n, 2 + i);
	}
	assert_int_equal(cf_volume_close(v, NULL), 0);
	assert_int_equal(tool("fsck.fat -n f.img >out || { cat out; false; }"), 0);
	done();
}

/* A boot sector whose numbers contradict each other. */
static void test_boot_sector(void **state)
{
	(void)state;
	make("40M", "-F 32 -s 1");
	uint8_t good[512], bad[512];
	const char *why;
	assert_int_equal(cf_block_read(disk, 0, good, sizeof good, NULL), 0);
	static const struct { unsigned off, len; uint32_t value; } change[] = {
		{ 0, 1, 0 }, { 11, 2, 0 }, { 11, 2, 8192 }, { 11, 2, 513 }, { 13, 1, 0 }, { 13, 1, 3 }, { 14, 2, 0 },
		{ 16, 1, 0 }, { 17, 2, 512 }, { 21, 1, 0x55 }, { 0x20, 4, 0 }, { 0x24, 4, 0 }, { 0x24, 4, 0xffffffff },
		{ 0x24, 4, 1 }, { 0x28, 2, 0x82 }, { 0x2a, 2, 1 }, { 0x2c, 4, 1 }, { 0x2c, 4, 0x0fffffff }, { 0x30, 2, 32 },
		{ 510, 2, 0 },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(change); i++) {
		uint8_t v[4];
		cf_st32(v, change[i].value);
		memcpy(bad, good, sizeof bad);
		memcpy(bad + change[i].off, v, change[i].len);
		if (cf_fat_geometry(cf_span_of(bad, sizeof bad), &g, &why))
			fail_msg("accepted: value 0x%x at %u", change[i].value, change[i].off);
		assert_non_null(why);
	}
	assert_true(cf_fat_geometry(cf_span_of(good, sizeof good), &g, NULL));
	assert_false(cf_fat_geometry(cf_span_of(good, 511), &g, NULL));
	/* a volume that is larger than its partition is read, but not written */
	struct cf_error err;
	struct cf_volume_health h;
	struct cf_block *part = cf_slice_open(disk, 0, disk->size - 512, NULL);
	assert_null(cf_volume_open(part, CF_FS_FAT32, CF_VOL_WRITE, &err));
	assert_int_equal(err.code, CF_E_CORRUPT);
	struct cf_volume *v = cf_volume_open(part, CF_FS_FAT32, CF_VOL_READ, &err);
	assert_non_null(v);
	assert_int_equal(cf_volume_health(v, &h, NULL), 0);
	assert_true(h.damaged);
	cf_volume_closep(&v);
	cf_block_close(part);
	done();
}

static void test_fsinfo(void **state)
{
	(void)state;
	make("40M", "-F 32 -s 1");
	/* wrong count: put right by the next change; next free behind the volume: survived */
	put32(g.fsinfo_offset + 0x1e8, 7);
	put32(g.fsinfo_offset + 0x1ec, 0xfffffff0);
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	assert_int_equal(cf_volume_create(v, "x", cf_span_of("x", 1), NULL), 0);
	assert_int_equal(cf_volume_close(v, NULL), 0);
	assert_int_equal(tool("fsck.fat -n f.img >out || { cat out; false; }"), 0);
	assert_true(get32(g.fsinfo_offset + 0x1ec) < g.clusters + 2);
	/* without its marks it is left alone */
	put32(g.fsinfo_offset + 0x1e4, 0);
	uint32_t was = get32(g.fsinfo_offset + 0x1e8);
	v = open_volume(CF_VOL_WRITE);
	assert_int_equal(cf_volume_create(v, "y", cf_span_of("x", 1), NULL), 0);
	assert_int_equal(cf_volume_close(v, NULL), 0);
	assert_int_equal(get32(g.fsinfo_offset + 0x1e8), was);
	done();
}

/* Each write of a change fails once: the error is reported, and the volume takes no more. */
static void test_write_errors(void **state)
{
	(void)state;
	static uint8_t data[50000];
	unsigned failures = 0;
	for (uint64_t nth = 1; nth < 100; nth++) {
		struct cf_error err = { 0 };
		make("20M", "-F 16 -s 1");
		struct cf_block *bad = cf_fault_open(disk, 0, nth, NULL);
		assert_non_null(bad);
		struct cf_volume *v = cf_volume_open(bad, CF_FS_FAT16, CF_VOL_WRITE, &err);
		assert_non_null(v);
		int rc = cf_volume_replace(v, "a", cf_span_of(data, sizeof data), &err);
		if (rc < 0) {
			failures++;
			assert_int_equal(err.code, CF_E_IO);
			uint64_t before = disk->bytes_written;
			assert_int_equal(cf_volume_create(v, "x", cf_span_of("x", 1), &err), -1);
			assert_int_equal(cf_volume_close(v, NULL), 0);
			assert_int_equal(disk->bytes_written, before);
		} else {
			assert_int_equal(cf_volume_close(v, NULL), 0);
		}
		cf_block_close(bad);
		done();
		if (rc == 0)
			break;
	}
	assert_true(failures >= 7 && failures < 90);
}

struct extents {
	uint64_t next, n;
};

static int check_extent(void *user, uint64_t file_off, uint64_t off, uint64_t len)
{
	struct extents *x = user;
	uint8_t byte;
	assert_int_equal(file_off, x->next);
	assert_int_equal(cf_block_read(disk, off + len - 1, &byte, 1, NULL), 0);
	assert_int_equal(byte, 'x');
	x->next += len;
	x->n++;
	return 0;
}

static int note_range(void *user, uint64_t off, uint64_t len, const char *what)
{
	struct extents *x = user;
	assert_true(len && off % 512 == 0 && what[0]);
	x->n++;
	return 0;
}

static void test_extents(void **state)
{
	(void)state;
	struct extents x = { 0 };
	make("40M", "-F 32 -s 1");
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	CF_BUF data = { 0 };
	assert_int_equal(cf_buf_resize(&data, 60001), 0);
	memset(data.p, 'x', data.n);
	assert_int_equal(cf_volume_replace(v, "a", cf_buf_span(&data), NULL), 0); /* grows round EFI\b */
	struct cf_file *f = cf_file_open(v, "a", NULL);
	assert_int_equal(cf_file_extents(f, check_extent, &x, NULL), 0);
	assert_int_equal(x.next, 60001);
	assert_int_equal(x.n, 2);
	cf_file_close(f);
	struct cf_stat st;
	assert_int_equal(cf_volume_stat(v, "a", &st, NULL), 0);
	assert_int_equal(st.fragments, 2);
	assert_true(cf_volume_mft_can_grow(v));
	x.n = 0;
	assert_int_equal(cf_volume_fingerprints(v, note_range, &x, NULL), 0);
	assert_int_equal(x.n, 2);
	cf_volume_closep(&v);
	done();
}

/* What somebody deleted must not come to lie in the last cluster of a new file, or in a folder that grew. */
static void test_slack(void **state)
{
	(void)state;
	make("20M", "-F 16 -s 4");
	CF_BUF junk = { 0 };
	assert_int_equal(cf_buf_resize(&junk, 1 << 20), 0);
	memset(junk.p, 'J', junk.n);
	put(g.data_offset + (1 << 18), junk.p, junk.n); /* free, behind the few files */
	struct cf_volume *v = open_volume(CF_VOL_WRITE);
	for (unsigned i = 0; i < 250; i++) {
		char name[64];
		struct cf_stat st;
		uint8_t rest[2048];
		snprintf(name, sizeof name, "EFI\\a file to make the folder grow, %u", i);
		assert_int_equal(cf_volume_create(v, name, cf_span_of(junk.p, 10), NULL), 0);
		assert_int_equal(cf_volume_stat(v, name, &st, NULL), 0);
		assert_int_equal(st.allocated, sizeof rest);
		assert_int_equal(cf_block_read(disk, g.data_offset + (st.id - 2) * g.cluster_size, rest, sizeof rest, NULL), 0);
		for (size_t k = 0; k < sizeof rest; k++)
			assert_int_equal(rest[k], k < 10 ? 'J' : 0);
	}
	unsigned n = 0;
	assert_int_equal(cf_volume_list(v, "EFI", count_name, &n, NULL), 0);
	assert_int_equal(n, 251);
	assert_int_equal(cf_volume_close(v, NULL), 0);
	assert_int_equal(tool("fsck.fat -n f.img >out || { cat out; false; }"), 0);
	done();
}

static void test_shared_xp(void **state)
{
	(void)state;
	tool_shared("fat/util-linux+util-linux/fat32_xp_label1.img.xz", "f.img");
	disk = tool_block_open("f.img", 512);
	struct cf_volume *v = cf_volume_open(disk, CF_FS_FAT32, CF_VOL_READ, NULL);
	assert_non_null(v);
	CF_FREE char *label = cf_volume_label(v, NULL);
	assert_string_equal(label, "LABEL1");
	cf_volume_closep(&v);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_mirrored), cmocka_unit_test(test_dirty_bits),   cmocka_unit_test(test_upper_bits),
		cmocka_unit_test(test_copies_differ), cmocka_unit_test(test_chains),
		cmocka_unit_test(test_shared_clusters), cmocka_unit_test(test_names),
		cmocka_unit_test(test_end_mark),     cmocka_unit_test(test_boot_sector),  cmocka_unit_test(test_fsinfo),
		cmocka_unit_test(test_write_errors), cmocka_unit_test(test_extents),      cmocka_unit_test(test_slack),
		cmocka_unit_test(test_shared_xp),
	};
	return cmocka_run_group_tests_name("fat-damage", tests, tool_setup, tool_teardown);
}
