/* test-undo-file.c - undo files that are damaged or hostile never crash and never undo wrongly.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "txn-test.h"
#include "txn/undo-format.h"

/* after: the machine with a finished commit. */
static void flip(struct rig *r, const struct machine *after, size_t at, uint8_t bits, bool force)
{
	struct machine *x = machine_clone(after);
	machine_install(x);
	machine_file(x, UNDO_1)->data[at] ^= bits;
	if (cf_undo_apply(machine_disk(x), &r->place, UNDO_1, force, false, NULL, &r->err) == 0) {
		/* Harmless places: reserved bytes outside every checksum, marks that are set only later. */
		struct machine *fresh = machine_new(r->base);
		assert_true(machine_same_disk(fresh, x));
		machine_free(fresh);
	} else {
		assert_true(r->err.code == CF_E_CORRUPT || r->err.code == CF_E_UNSUPPORTED);
		assert_true(machine_same_disk(after, x));
	}
	machine_free(x);
}

/* Every byte of the header, the marks, the tables; and every 37th of the images. */
static void test_every_byte(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 4090, 0xaa, 10, NULL));
	size_t size = machine_file(r.m, UNDO_1)->size;
	for (size_t at = 0; at < size;) {
		flip(&r, r.m, at, 1, false);
		bool dense = at < 800 || at % 4096 >= 4090 || at % 4096 < 400;
		at += dense ? 1 : 37;
	}
	for (size_t at = 0; at < size; at += 101)
		flip(&r, r.m, at, 0xff, true);
	machine_install(r.m);
	rig_close(&r);
}

static void test_every_length(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	CF_FREE char *path = NULL;
	assert_ok(&r, rig_commit(&r, 4090, 0xaa, 10, &path));
	size_t size = machine_file(r.m, path)->size;
	for (size_t n = 0; n < size; n += n < 4200 || n > size - 100 ? 13 : 509) {
		machine_file(r.m, path)->size = n;
		assert_fails(&r, rig_undo(&r, path, true), CF_E_CORRUPT);
	}
	machine_file(r.m, path)->size = size;
	assert_ok(&r, rig_undo(&r, path, false));
	rig_close(&r);
}

/* A header with a good checksum and impossible numbers. */
static void reseal(struct machine_file *f)
{
	struct cf_undo_header *h = (struct cf_undo_header *)f->data;
	uint32_t crc = cf_crc32(cf_crc32(0, h->nonce, sizeof h->nonce), h, offsetof(struct cf_undo_header, crc));
	cf_le32_set(&h->crc, crc);
}

static void test_hostile_header(void **state)
{
	(void)state;
	static const struct { size_t at; uint64_t value; int bytes; enum cf_code code; } cases[] = {
		{ offsetof(struct cf_undo_header, version), 2, 4, CF_E_UNSUPPORTED },
		{ offsetof(struct cf_undo_header, incompat), 2, 4, CF_E_UNSUPPORTED },
		{ offsetof(struct cf_undo_header, block_size), 512, 4, CF_E_UNSUPPORTED },
		{ offsetof(struct cf_undo_header, blocks), 0, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, blocks), UINT64_MAX, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, blocks), UINT64_C(1) << 52, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, blocks), 1000, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, prints), UINT32_MAX, 4, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, records_at), 0, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, images_at), UINT64_MAX - 4095, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, file_size), 4096, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, disk_size), 4096, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, disk_size), 0, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, disk_size), UINT64_MAX, 8, CF_E_CORRUPT },
		{ offsetof(struct cf_undo_header, disk_size), DISK_SIZE + 4096, 8, CF_E_REFUSED },
		{ offsetof(struct cf_undo_header, time), 0, 8, CF_E_CORRUPT }, /* not what was armed */
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(cases); i++) {
		struct rig r;
		CF_FREE char *path = NULL;
		struct cf_undo_info info;
		rig_open(&r);
		assert_ok(&r, rig_commit(&r, 4090, 0xaa, 10, &path));
		struct machine_file *f = machine_file(r.m, path);
		uint8_t le[8];
		cf_st64(le, cases[i].value);
		memcpy(f->data + cases[i].at, le, (size_t)cases[i].bytes);
		reseal(f);
		assert_fails(&r, rig_undo(&r, path, true), cases[i].code);
		assert_int_equal(rig_byte(&r, 4090), 0xaa);
		int info_result = cf_undo_read_info(path, &info, &r.err);
		assert_int_equal(info_result, -1);
		rig_close(&r);
	}
}

/* Of an unfinished commit, every byte of the undo file flipped: the disk becomes old, or stays as the crash left it. */
static void test_damaged_while_unfinished(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	machine_record(r.m);
	assert_ok(&r, rig_commit(&r, 4090, 0xaa, 10, NULL));
	size_t k = 0;
	while (r.m->events[k].kind != EV_DISK_WRITE)
		k++;
	struct machine *dead = machine_crash(r.m, k, 4096, CRASH_PROCESS, 1); /* half of it is written */
	size_t size = machine_file(dead, UNDO_1)->size;
	struct machine *fresh = machine_new(r.base);
	assert_false(machine_same_disk(fresh, dead));
	int refused = 0, rolled_back = 0;
	for (size_t at = 0; at < size; at += at % 4096 < 400 || at < 800 ? 1 : 37) {
		enum cf_recovery what;
		struct machine *x = machine_clone(dead);
		machine_install(x);
		machine_file(x, UNDO_1)->data[at] ^= 4;
		if (cf_txn_recover(machine_disk(x), &r.place, &what, &r.err) == 0) {
			assert_int_equal(what, CF_RECOVERY_ROLLED_BACK);
			assert_true(machine_same_disk(fresh, x));
			rolled_back++;
		} else {
			assert_true(r.err.code == CF_E_CORRUPT || r.err.code == CF_E_UNSUPPORTED);
			assert_true(machine_same_disk(dead, x));
			assert_true(machine_has(x, MARKER));
			refused++;
		}
		machine_free(x);
	}
	assert_true(refused > 1000 && rolled_back > 100);
	machine_free(fresh);
	machine_free(dead);
	machine_install(r.m);
	rig_close(&r);
}

/* What a second writer made from the specification alone (tests/fuzz/corpus/make-undo-file.py) is read as it is meant. */
static void test_other_writer(void **state)
{
	(void)state;
	static uint8_t seed[65536];
	static const uint8_t zero[65536 + 100];
	struct rig r;
	struct cf_undo_info info;
	rig_open(&r);
	FILE *f = fopen(CORPUS "/finished", "rb");
	assert_non_null(f);
	size_t n = fread(seed, 1, sizeof seed, f); /* its first byte is for the fuzz target */
	fclose(f);
	int h = r.m->hook.ops->open(r.m, "/vm/seed", CF_STABLE_CREATE);
	assert_true(n > 4096 && h >= 0);
	assert_int_equal(r.m->hook.ops->pwrite(r.m, h, seed + 1, n - 1, 0), n - 1);
	r.m->hook.ops->close(r.m, h);
	assert_ok(&r, cf_undo_read_info("/vm/seed", &info, &r.err));
	assert_int_equal(info.bytes, 4096 + 100);
	r.place.disk_id = "fuzz";
	struct cf_block *disk = cf_memory_open(zero, sizeof zero, 512, &r.err);
	assert_non_null(disk);
	assert_ok(&r, cf_undo_apply(disk, &r.place, "/vm/seed", false, false, &r.stats, &r.err));
	uint8_t got[2];
	assert_ok(&r, cf_block_read(disk, 4 * 4096 - 1, got, 2, &r.err));
	assert_int_equal(got[0], 0x11);
	assert_int_equal(got[1], 0);
	assert_ok(&r, cf_block_read(disk, 65536 + 99, got, 1, &r.err));
	assert_int_equal(got[0], 0x22);
	cf_block_close(disk);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_hostile_header),
		cmocka_unit_test(test_damaged_while_unfinished),
		cmocka_unit_test(test_other_writer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
