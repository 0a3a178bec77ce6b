/* test-ntfs-hostile.c - damaged volumes give errors: metadata bytes flipped at random, truncated devices, failing reads.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every round runs in a child process, so that one crash (which may be libntfs-3g's) fails the test with the round's number and
 * doesn't hide the others. Random numbers come from a fixed seed: a round can be run again alone (argument: its number).
 */
#include "support.h"
#include "craft.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/endian.h"
#include "volume/ntfs-internal.h"

#define ROUNDS 300
#define SIZE (16 * CF_MIB)
#define SECONDS 20
#define FILES_MAX 2000
#define EXTENTS_MAX 64

struct extent {
	uint64_t at, len;
};

static struct {
	uint8_t *bytes;
	struct extent meta[EXTENTS_MAX]; /* where metadata lies */
	unsigned n;
} base;

static int add_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	(void)user;
	(void)file_off;
	if (offset != UINT64_MAX && base.n < EXTENTS_MAX)
		base.meta[base.n++] = (struct extent){ offset, len };
	return 0;
}

static void add_stream(struct cf_volume *v, uint64_t record, uint32_t type, const char *name)
{
	struct cf_error err = { 0 };
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open((struct cf_ntfs *)v, record, type, name, &err);
	if (!s)
		fail_msg("%s", err.message);
	ok(cf_ntfs_stream_extents(s, add_extent, NULL, &err), err);
}

/* A volume with a bit of everything. */
static int make_base(void **state)
{
	(void)state;
	if (!have_tools())
		return 0;
	const char *image = temp("base.img");
	make_image(image, SIZE, "-c 4096 -L hostile");
	struct cf_error err = { 0 };
	struct cf_block *b = open_image(image, 512, true);
	struct cf_volume *v = mount_ok(b, CF_VOL_WRITE);
	static uint8_t p[300000];
	memset(p, 'a', 150000);
	fill(p + 150000, 150000, 4);
	ok(cf_ntfs_mkdir(v, "\\dir", &err), err);
	ok(cf_ntfs_mkdir(v, "\\packed", &err), err);
	ok(cf_ntfs_mkdir(v, "\\System Volume Information", &err), err);
	char path[64];
	for (unsigned i = 0; i < 150; i++) {
		snprintf(path, sizeof path, "\\dir\\a file with number %u", i);
		ok(cf_volume_create(v, path, cf_span_of(p, i * 100), &err), err);
	}
	ok(cf_volume_create(v, "\\hiberfil.sys", cf_span_of(p, 9000), &err), err);
	ok(cf_volume_create(v, "\\big", cf_span_of(p, sizeof p), &err), err);
	uint64_t folder = 0;
	struct cf_stat st;
	ok(cf_volume_stat(v, "\\dir", &st, &err), err);
	folder = st.id;
	close_ok(v);
	cf_block_close(b);
	assert_int_equal(craft_folder_compressed(image, "packed"), 0);
	assert_int_equal(craft_file(image, "packed", "lznt1", 0, p, sizeof p), 0);
	assert_int_equal(craft_file(image, "", "sparse", CF_MIB, p, 70000), 0);
	assert_int_equal(craft_reparse(image, "big", 0x80000017), 0);
	assert_int_equal(craft_stream(image, "hiberfil.sys", "stream", "abc", 3), 0);
	b = open_image(image, 512, false);
	v = mount_ok(b, CF_VOL_READ);
	base.meta[base.n++] = (struct extent){ 0, 512 };
	add_stream(v, CF_NTFS_REC_MFT, CF_NTFS_AT_DATA, NULL);
	add_stream(v, CF_NTFS_REC_MFT, CF_NTFS_AT_DATA, NULL); /* twice: this is where it hurts most */
	add_stream(v, CF_NTFS_REC_MFT, CF_NTFS_AT_DATA, NULL);
	add_stream(v, folder, CF_NTFS_AT_INDEX_ALLOCATION, "$I30");
	add_stream(v, CF_NTFS_REC_ROOT, CF_NTFS_AT_INDEX_ALLOCATION, "$I30");
	add_stream(v, CF_NTFS_REC_BITMAP, CF_NTFS_AT_DATA, NULL);
	ok(cf_volume_stat(v, "\\packed\\lznt1", &st, &err), err);
	add_stream(v, st.id, CF_NTFS_AT_DATA, NULL);
	close_ok(v);
	base.bytes = malloc(SIZE);
	assert_non_null(base.bytes);
	ok(cf_block_read(b, 0, base.bytes, SIZE, &err), err);
	cf_block_close(b);
	return 0;
}

/* Flips bytes. Half of the rounds keep the fix-ups of 1 KiB records whole, so that the damage gets past them. */
static void damage(uint8_t *p, uint32_t *seed)
{
	unsigned flips = 1 + next_random(seed) % 8;
	for (unsigned i = 0; i < flips; i++) {
		const struct extent *e = &base.meta[next_random(seed) % base.n];
		uint64_t at = e->at + next_random(seed) % e->len;
		if (e->len > 1024 && next_random(seed) % 2)
			at = e->at + next_random(seed) % cf_min_u64(e->len / 1024, 96) * 1024 + next_random(seed) % 0x180;
		if (at % 512 >= 510)
			at -= 8;
		static const uint8_t nasty[] = { 0, 1, 0x7f, 0x80, 0xff, 0xfe };
		p[at] = next_random(seed) % 2 ? nasty[next_random(seed) % sizeof nasty] : (uint8_t)next_random(seed);
	}
}

struct sweep {
	struct cf_volume *v;
	char folder[300];
	unsigned files;
	struct cf_buf folders;
};

static int see_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	(void)file_off;
	(void)offset;
	return len && ++*(unsigned *)user < 100000 ? 0 : 1;
}

static int use_entry(void *user, const char *name, const struct cf_stat *st)
{
	struct sweep *s = user;
	char path[2048 + sizeof s->folder];
	static uint8_t buf[70000];
	if (++s->files > FILES_MAX || strlen(name) > 1500)
		return 1;
	snprintf(path, sizeof path, "%s\\%s", s->folder, name);
	if (st->kind == CF_FILE_DIRECTORY) {
		if (strlen(path) < sizeof s->folder && s->folders.n < 20000)
			return cf_buf_append(&s->folders, path, strlen(path) + 1);
		return 0;
	}
	struct cf_error err;
	struct cf_file *f = cf_file_open(s->v, path, &err);
	if (!f)
		return 0;
	size_t got;
	unsigned extents = 0;
	uint64_t size = cf_file_size(f);
	(void)!cf_file_read(f, 0, buf, sizeof buf, &got, &err);
	(void)!cf_file_read(f, size / 2, buf, sizeof buf, &got, &err);
	(void)!cf_file_read(f, size > 100 ? size - 100 : 0, buf, sizeof buf, &got, &err);
	(void)!cf_file_extents(f, see_extent, &extents, &err);
	cf_file_close(f);
	return 0;
}

static int see_range(void *user, uint64_t off, uint64_t len, const char *what)
{
	(void)off;
	(void)what;
	return len > 65536 || ++*(unsigned *)user > 1000;
}

/* Everything that can be done with a volume; whatever it answers is fine, as long as it answers. */
static void use_volume(struct cf_block *b, int flags)
{
	struct cf_error err = { 0 };
	struct cf_volume *v = cf_volume_open(b, CF_FS_NTFS, flags, &err);
	if (!v) {
		assert_true(err.code != CF_OK && err.message[0]);
		return;
	}
	struct sweep s = { .v = v };
	struct cf_volume_health h;
	struct cf_volume_space space;
	unsigned ranges = 0;
	(void)!cf_volume_health(v, &h, &err);
	(void)!cf_volume_space(v, &space, &err);
	(void)!cf_volume_fingerprints(v, see_range, &ranges, &err);
	(void)cf_volume_mft_can_grow(v);
	free(cf_volume_label(v, &err));
	(void)!cf_buf_append(&s.folders, "", 1);
	for (size_t at = 0; at < s.folders.n && s.files < FILES_MAX;) {
		snprintf(s.folder, sizeof s.folder, "%s", (char *)s.folders.p + at);
		at += strlen(s.folder) + 1;
		(void)!cf_volume_list(v, s.folder, use_entry, &s, &err);
	}
	cf_buf_free(&s.folders);
	if (flags & CF_VOL_WRITE) {
		static uint8_t data[20000];
		(void)!cf_volume_create(v, "\\dir\\new", cf_span_of(data, sizeof data), &err);
		(void)!cf_volume_replace(v, "\\dir\\a file with number 77", cf_span_of(data, sizeof data), &err);
		(void)!cf_volume_replace(v, "\\dir\\a file with number 149", cf_span_of(data, 10), &err);
		(void)!cf_volume_delete(v, "\\dir\\a file with number 50", &err);
	}
	(void)!cf_volume_close(v, &err);
}

static void one_round(unsigned round, int flags)
{
	uint32_t seed = 0x9e3779b9u * (round + 1);
	struct cf_error err = { 0 };
	struct cf_block *b = cf_memory_open(base.bytes, SIZE, 512, &err);
	assert_non_null(b);
	uint8_t *p = malloc(SIZE);
	assert_non_null(p);
	memcpy(p, base.bytes, SIZE);
	damage(p, &seed);
	ok(cf_block_write(b, 0, p, SIZE, &err), err);
	free(p);
	b->bytes_written = 0;
	use_volume(b, flags);
	if (!(flags & CF_VOL_WRITE))
		assert_true(b->bytes_written == 0);
	cf_block_close(b);
}

/* Runs fn(round, flags) in a child. 0: it ended well. */
static int in_child(void (*fn)(unsigned, int), unsigned round, int flags)
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(SECONDS);
		fn(round, flags);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void rounds(int flags)
{
	if (!base.bytes)
		skip();
	unsigned bad = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		int status = in_child(one_round, round, flags);
		if (status) {
			print_message("# round %u, flags %d: status 0x%x%s\n", round, flags, status,
				      WIFSIGNALED(status) ? " (signal)" : "");
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

static void test_flipped_reading(void **state)
{
	(void)state;
	rounds(CF_VOL_READ);
}

static void test_flipped_writing(void **state)
{
	(void)state;
	rounds(CF_VOL_WRITE | CF_VOL_FORCE_UNCLEAN | CF_VOL_DISCARD_HIBERNATION);
}

static void truncated(unsigned kib, int flags)
{
	struct cf_error err = { 0 };
	struct cf_block *b = cf_memory_open(base.bytes, kib ? (uint64_t)kib * 1024 : 300, 512, &err);
	assert_non_null(b);
	struct cf_volume *v = cf_volume_open(b, CF_FS_NTFS, CF_VOL_WRITE, &err);
	assert_null(v); /* what lies beyond the end can't be written */
	assert_true(b->bytes_written == 0);
	use_volume(b, flags);
	cf_block_close(b);
}

static void test_truncated(void **state)
{
	(void)state;
	if (!base.bytes)
		skip();
	for (unsigned kib = 0; kib < SIZE / 1024 - 8; kib += kib < 64 ? 4 : 487)
		if (in_child(truncated, kib, CF_VOL_READ))
			fail_msg("a device of %u KiB", kib);
}

static void failing_read(unsigned nth, int flags)
{
	struct cf_error err = { 0 };
	struct cf_block *b = cf_memory_open(base.bytes, SIZE, 512, &err);
	struct cf_block *fault = cf_fault_open(b, nth, 0, &err);
	assert_non_null(fault);
	struct cf_volume *v = cf_volume_open(fault, CF_FS_NTFS, flags, &err);
	if (v)
		(void)!cf_volume_close(v, &err);
	else
		assert_int_equal(err.code, CF_E_IO); /* a device that fails is not called damaged */
	use_volume(fault, flags);
	cf_block_close(fault);
	cf_block_close(b);
}

static void test_failing_reads(void **state)
{
	(void)state;
	if (!base.bytes)
		skip();
	for (unsigned nth = 1; nth < 120; nth++)
		if (in_child(failing_read, nth, CF_VOL_READ))
			fail_msg("read number %u", nth);
}

/* An index whose child pointer leads back to itself ends in an error, soon. */
static void test_index_cycle(void **state)
{
	(void)state;
	if (!base.bytes)
		skip();
	struct cf_error err = { 0 };
	struct cf_block *b = cf_memory_open(base.bytes, SIZE, 512, &err);
	assert_non_null(b);
	unsigned changed = 0;
	/* Every last entry of a leaf of \dir gets a child: its own block. */
	for (unsigned i = 0; i < base.n; i++)
		for (uint64_t at = base.meta[i].at; at + 4096 <= base.meta[i].at + base.meta[i].len; at += 4096) {
			uint8_t block[4096];
			ok(cf_block_read(b, at, block, sizeof block, &err), err);
			if (memcmp(block, "INDX", 4) != 0 || !cf_ntfs_fixup(block, sizeof block))
				continue;
			uint32_t used = cf_ld32(block + 0x1c);
			size_t last = 0x18u + used - 0x10;
			if (used + 0x18 + 8 > 4000 || cf_ld16(block + last + 0xc) != 2)
				continue;
			cf_st16(block + last + 8, 0x18);
			cf_st16(block + last + 0xc, 3);
			cf_st64(block + last + 0x10, cf_ld64(block + 0x10));
			cf_st32(block + 0x1c, used + 8);
			block[0x24] = 1;
			uint16_t ofs = cf_ld16(block + 4);
			for (unsigned k = 1; k <= 8; k++) {
				memcpy(block + ofs + 2 * k, block + k * 512 - 2, 2);
				memcpy(block + k * 512 - 2, block + ofs, 2);
			}
			ok(cf_block_write(b, at, block, sizeof block, &err), err);
			changed++;
		}
	assert_true(changed > 0);
	struct cf_volume *v = mount_ok(b, CF_VOL_READ);
	struct sweep s = { .v = v };
	assert_int_equal(cf_volume_list(v, "\\dir", use_entry, &s, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	struct cf_stat st;
	assert_int_equal(cf_volume_stat(v, "\\dir\\zzzz", &st, &err), -1);
	assert_int_equal(err.code, CF_E_CORRUPT);
	close_ok(v);
	cf_block_close(b);
}

static int free_base(void **state)
{
	(void)state;
	free(base.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2) {
		make_base(NULL);
		one_round((unsigned)atoi(argv[1]), atoi(argv[2]));
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flipped_reading), cmocka_unit_test(test_flipped_writing), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_failing_reads), cmocka_unit_test(test_index_cycle),
	};
	return cmocka_run_group_tests(tests, make_base, free_base);
}
