/* test-series.c - a row of transactions: one undo file, undone as one, bounded, and what damages it is seen.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "txn-test.h"
#include "txn/place.h"
#include "txn/series.h"

static const struct cf_txn_fingerprint print = { 0, 512, "boot sector" };

/* Transaction i writes byte i + 1 over [i * 4096, i * 4096 + 12288): each block is covered up to three times. */
static void row_make(struct rig *r, unsigned n, struct cf_series **out)
{
	struct cf_series *s = cf_series_begin(rig_disk(r), &r->place, CF_MIB, &r->err);
	uint8_t buf[12288];
	assert_non_null(s);
	for (unsigned i = 0; i < n; i++) {
		memset(buf, (int)i + 1, sizeof buf);
		assert_ok(r, cf_block_write(cf_series_block(s), i * 4096, buf, sizeof buf, &r->err));
		assert_int_equal(cf_series_held(s), sizeof buf);
		assert_ok(r, cf_series_commit(s, &print, 1, &r->err));
		assert_int_equal(cf_series_held(s), 0);
		/* Nothing changed: nothing written. */
		assert_ok(r, cf_series_commit(s, &print, 1, &r->err));
		assert_int_equal(cf_series_stats(s)->transactions, i + 1);
	}
	*out = s;
}

static void test_as_one(void **state)
{
	(void)state;
	struct rig r;
	struct cf_series *s;
	struct cf_undo_info info;
	rig_open(&r);
	row_make(&r, 5, &s);
	assert_string_equal(cf_series_stats(s)->undo_file, UNDO_1);
	assert_int_equal(cf_series_stats(s)->bytes_written, 5 * 12288);
	assert_int_equal(cf_series_stats(s)->undo_bytes, machine_file(r.m, UNDO_1)->size);
	assert_int_equal(machine_count_names(r.m, "/"), 1);
	cf_series_end(s);
	assert_ok(&r, cf_undo_read_info(UNDO_1, &info, &r.err));
	assert_int_equal(info.transactions, 5);
	assert_int_equal(info.bytes, 5 * 12288);
	/* A later repair lies in a file of its own, and goes first. */
	char *path;
	assert_ok(&r, rig_commit(&r, 4096, 0x77, 100, &path));
	assert_string_equal(path, UNDO_1 ".2");
	assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CHANGED);
	assert_says(&r, UNDO_1 ".2 first");
	assert_ok(&r, rig_undo(&r, path, false));
	free(path);
	assert_ok(&r, rig_undo(&r, UNDO_1, false));
	assert_true(rig_is_old(&r));
	assert_true(machine_has(r.m, UNDO_1 ".undone"));
	assert_false(machine_has(r.m, UNDO_1));
	assert_fails(&r, rig_undo(&r, UNDO_1 ".undone", false), CF_E_REFUSED);
	assert_says(&r, "undone already");
	rig_close(&r);
}

/* A block that an early transaction wrote and none later, changed by somebody else: seen before anything is written. */
static void test_changed(void **state)
{
	(void)state;
	struct rig r;
	struct cf_series *s;
	rig_open(&r);
	row_make(&r, 5, &s);
	cf_series_end(s);
	rig_poke(&r, 100, 0xee); /* the boot sector: the last transaction's fingerprint */
	assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CHANGED);
	assert_says(&r, "boot sector");
	rig_poke(&r, 100, 1);
	rig_poke(&r, 2000, 0xee); /* only the first one wrote this block */
	machine_record(r.m);
	assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CHANGED);
	assert_says(&r, "byte 0");
	assert_int_equal(r.m->n_events, 0);
	assert_ok(&r, rig_undo(&r, UNDO_1, true));
	assert_true(rig_is_old(&r));
	rig_close(&r);
}

/* Every byte of the second transaction's header: refused, never a row that silently ends before it. */
static void test_damaged_middle(void **state)
{
	(void)state;
	struct rig r;
	struct cf_series *s;
	CF_ROW row = { 0 };
	rig_open(&r);
	row_make(&r, 4, &s);
	cf_series_end(s);
	assert_ok(&r, cf_row_read(&row, UNDO_1, &r.err));
	assert_int_equal(row.n, 4);
	struct machine_file *f = machine_file(r.m, UNDO_1);
	machine_record(r.m);
	for (size_t k = 0; k < 4096; k += k < 0x300 ? 1 : 97) {
		f->data[row.at[1] + k] ^= 0x40;
		assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CORRUPT);
		f->data[row.at[1] + k] ^= 0x40;
	}
	/* A finished mark that is gone would break the row off, too. */
	f->data[row.at[1] + 8192] ^= 1;
	assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CORRUPT);
	f->data[row.at[1] + 8192] ^= 1;
	assert_int_equal(r.m->n_events, 0);
	/* And a later transaction is no file of its own. */
	uint8_t *copy = malloc(f->size - row.at[1]);
	assert_non_null(copy);
	memcpy(copy, f->data + row.at[1], f->size - row.at[1]);
	memcpy(f->data, copy, f->size - row.at[1]);
	free(copy);
	assert_fails(&r, rig_undo(&r, UNDO_1, true), CF_E_CORRUPT);
	rig_close(&r);
}

static int stop_after(void *user, const char *what, uint64_t done, uint64_t total)
{
	(void)what;
	assert_true(done <= total);
	return --*(int *)user == 0;
}

static void test_stopped_undo_goes_on(void **state)
{
	(void)state;
	struct rig r;
	struct cf_series *s;
	struct cf_undo_info info;
	int left = 2;
	rig_open(&r);
	row_make(&r, 5, &s);
	cf_series_end(s);
	r.place.progress = stop_after;
	r.place.user = &left;
	assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CANCELLED);
	assert_says(&r, "2 of 5");
	assert_int_equal(machine_count_names(r.m, "/"), 1);
	assert_ok(&r, cf_undo_read_info(UNDO_1, &info, &r.err));
	assert_int_equal(info.transactions, 3);
	r.place.progress = NULL;
	assert_ok(&r, rig_undo(&r, UNDO_1, false));
	assert_true(rig_is_old(&r));
	rig_close(&r);
}

/* Without undo, whole blocks go to the disk at once; parts of blocks, and blocks that the transaction holds, with it. */
static void test_fill(void **state)
{
	(void)state;
	struct rig r;
	uint8_t buf[40000];
	rig_open(&r);
	r.place.no_undo = true;
	struct cf_series *s = cf_series_begin(rig_disk(&r), &r.place, CF_MIB, &r.err);
	assert_non_null(s);
	memset(buf, 0xa5, sizeof buf);
	assert_ok(&r, cf_block_write(cf_series_block(s), 16384 + 5, buf, 10, &r.err));
	memset(buf, 0x5a, sizeof buf);
	assert_ok(&r, cf_series_fill(s, 8192 + 512, buf, 20000, &r.err));
	assert_int_equal(rig_byte(&r, 8192 + 512), r.content[8192 + 512]);
	assert_int_equal(rig_byte(&r, 12288), 0x5a);
	assert_int_equal(rig_byte(&r, 16384), r.content[16384]);
	assert_int_equal(rig_byte(&r, 20480), 0x5a);
	assert_int_equal(cf_series_held(s), 3 * 4096);
	assert_ok(&r, cf_series_commit(s, &print, 1, &r.err));
	for (uint64_t i = 8192; i < 32768; i++)
		assert_int_equal(rig_byte(&r, i), i >= 8192 + 512 && i < 8192 + 512 + 20000 ? 0x5a : r.content[i]);
	assert_int_equal(machine_count_names(r.m, "/"), 0);
	assert_null(cf_series_stats(s)->undo_file);
	/* A disk that forgets: what was filled is compared before anything may refer to it. */
	memset(buf, 0x33, sizeof buf);
	assert_ok(&r, cf_series_fill(s, 65536, buf, 8192, &r.err));
	rig_poke(&r, 65536 + 4999, 0x34);
	assert_ok(&r, cf_block_write(cf_series_block(s), 0, buf, 1, &r.err));
	assert_fails(&r, cf_series_commit(s, &print, 1, &r.err), CF_E_IO);
	assert_says(&r, "does not return what was written");
	assert_int_equal(rig_byte(&r, 0), r.content[0]);
	cf_series_drop(s);
	assert_ok(&r, cf_series_commit(s, &print, 1, &r.err));
	assert_int_equal(rig_byte(&r, 0), r.content[0]);
	/* Much is checked in parts, while more is filled. */
	CF_FREE uint8_t *much = malloc(CF_MIB / 4);
	assert_non_null(much);
	memset(much, 0x44, CF_MIB / 4);
	for (unsigned bad = 0; bad < 2; bad++) {
		assert_ok(&r, cf_series_fill(s, CF_MIB / 4, much, CF_MIB / 4, &r.err));
		if (bad)
			rig_poke(&r, CF_MIB / 4 + 5000, 0x45);
		int filled = cf_series_fill(s, CF_MIB / 2, much, CF_MIB / 4, &r.err);
		assert_int_equal(filled, bad ? -1 : 0);
		assert_ok(&r, cf_block_write(cf_series_block(s), 0, much, 1, bad ? NULL : &r.err));
		if (!bad)
			assert_ok(&r, cf_series_commit(s, &print, 1, &r.err));
	}
	assert_int_equal(r.err.code, CF_E_IO);
	assert_says(&r, "does not return what was written");
	assert_int_equal(rig_byte(&r, CF_MIB / 2 + CF_MIB / 4 - 1), 0x44);
	cf_series_end(s);
	rig_close(&r);
}

static void test_place_is_asked_before(void **state)
{
	(void)state;
	struct rig r;
	uint64_t need;
	rig_open(&r);
	struct cf_series *s = cf_series_begin(rig_disk(&r), &r.place, CF_MIB, &r.err);
	assert_non_null(s);
	assert_ok(&r, cf_series_check_place(s, 100 * CF_MIB, 2, 1, &need, &r.err));
	assert_in_range(need, 100 * CF_MIB, 106 * CF_MIB);
	r.m->room = 50 * CF_MIB;
	assert_fails(&r, cf_series_check_place(s, 100 * CF_MIB, 2, 1, &need, &r.err), CF_E_NO_SPACE);
	/* More than one transaction may hold is refused, and nothing is lost. */
	uint8_t *big = calloc(1, DISK_SIZE);
	assert_non_null(big);
	assert_fails(&r, cf_block_write(cf_series_block(s), 0, big, DISK_SIZE, &r.err), CF_E_NO_SPACE);
	free(big);
	cf_series_end(s);
	assert_true(rig_is_old(&r));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_one),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_damaged_middle),
		cmocka_unit_test(test_stopped_undo_goes_on),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_place_is_asked_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
