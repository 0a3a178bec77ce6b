/* test-undo.c - undo restores every byte, or refuses and writes nothing.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "txn-test.h"

static void test_identity(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL;
	struct cf_undo_info info;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, DISK_SIZE - 9000, 0, 9000, &path));
	assert_ok(&r, cf_undo_read_info(path, &info, &r.err));
	assert_int_equal(info.blocks, 4);
	assert_int_equal(info.bytes, 3 * 4096 + 700);
	assert_string_equal(info.disk_id, "id-1");
	assert_string_equal(info.disk_path, "disk.img");
	assert_true(info.time > 1700000000);
	/* A dry run checks and writes nothing. */
	machine_record(r.m);
	assert_ok(&r, cf_undo_apply(rig_disk(&r), &r.place, path, false, true, &r.stats, &r.err));
	assert_int_equal(r.m->n_events, 0);
	assert_int_equal(r.stats.bytes_written, 3 * 4096 + 700);
	assert_false(rig_is_old(&r));
	assert_ok(&r, rig_undo(&r, path, false));
	assert_true(rig_is_old(&r));
	assert_int_equal(r.stats.bytes_written, 3 * 4096 + 700);
	assert_true(machine_has(r.m, UNDO_1 ".undone"));
	assert_int_equal(machine_count_names(r.m, "/"), 1);
	/* Once only. */
	assert_fails(&r, rig_undo(&r, UNDO_1 ".undone", true), CF_E_REFUSED);
	assert_null(cf_undo_newest(&r.place, &r.err));
	assert_int_equal(r.err.code, CF_E_NOT_FOUND);
	rig_close(&r);
}

/* Windows has booted in between: it wrote into a block that was repaired. */
static void test_changed_block(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 8192, 0xaa, 4096, &path));
	rig_poke(&r, 8200, 0xab);
	struct machine *booted = machine_clone(r.m);
	machine_record(r.m);
	assert_fails(&r, rig_undo(&r, path, false), CF_E_CHANGED);
	assert_true(r.err.has_offset);
	assert_int_equal(r.err.offset, 8192);
	assert_says(&r, "--force");
	assert_int_equal(r.m->n_events, 0);
	assert_true(machine_same_disk(booted, r.m));
	assert_ok(&r, rig_undo(&r, path, true));
	assert_true(rig_is_old(&r));
	machine_free(booted);
	rig_close(&r);
}

/* Or only elsewhere, which the fingerprint of the boot sector shows; its byte 5 shares no block with the repair. */
static void test_changed_fingerprint(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 8192, 0xaa, 4096, &path));
	rig_poke(&r, 5, 0xab);
	assert_fails(&r, rig_undo(&r, path, false), CF_E_CHANGED);
	assert_says(&r, "boot sector");
	assert_int_equal(r.err.offset, 0);
	assert_int_equal(rig_byte(&r, 8192), 0xaa);
	/* What nobody watches may change. */
	rig_poke(&r, 5, r.content[5]);
	rig_poke(&r, 100000, 0xcd);
	assert_ok(&r, rig_undo(&r, path, false));
	assert_int_equal(rig_byte(&r, 8192), r.content[8192]);
	assert_int_equal(rig_byte(&r, 100000), 0xcd);
	rig_close(&r);
}

/* A block half old, half new is a torn write after a crash, but a change by someone else after a finished repair. */
static void test_half_block_is_a_change(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 8192, 0xaa, 4096, &path));
	for (uint32_t i = 0; i < 512; i++)
		rig_poke(&r, 8192 + i, r.content[8192 + i]);
	assert_fails(&r, rig_undo(&r, path, false), CF_E_CHANGED);
	for (uint32_t i = 512; i < 4096; i++)
		rig_poke(&r, 8192 + i, r.content[8192 + i]);
	assert_ok(&r, rig_undo(&r, path, false)); /* all old: nothing to write */
	assert_int_equal(r.stats.bytes_written, 0);
	assert_true(rig_is_old(&r));
	rig_close(&r);
}

static void test_stack(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *p1 = NULL, *p2 = NULL, *p3 = NULL, *again = NULL;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 100, 1, 50, &p1)); /* all in the boot sector's block, which is fingerprinted */
	struct machine *after1 = machine_clone(r.m);
	assert_ok(&r, rig_commit(&r, 120, 2, 50, &p2));
	struct machine *after2 = machine_clone(r.m);
	assert_ok(&r, rig_commit(&r, 20000, 3, 50, &p3));
	assert_string_equal(p3, UNDO_1 ".3");
	assert_fails(&r, rig_undo(&r, p1, false), CF_E_CHANGED);
	assert_says(&r, p3);
	for (int i = 3; i > 0; i--) {
		CF_FREE char *newest = cf_undo_newest(&r.place, &r.err);
		assert_string_equal(newest, i == 3 ? p3 : i == 2 ? p2 : p1);
		assert_ok(&r, rig_undo(&r, newest, false));
		assert_true(i == 3 ? machine_same_disk(after2, r.m) :
			    i == 2 ? machine_same_disk(after1, r.m) : rig_is_old(&r));
	}
	assert_ok(&r, rig_commit(&r, 0, 9, 1, &again));
	assert_string_equal(again, UNDO_1);
	machine_free(after1);
	machine_free(after2);
	rig_close(&r);
}

static void test_wrong_disk(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 8192, 0xaa, 4096, &path));
	r.place.disk_id = "id-2";
	assert_fails(&r, rig_undo(&r, path, true), CF_E_REFUSED);
	assert_says(&r, "another disk");
	r.place.disk_id = NULL;
	assert_fails(&r, rig_undo(&r, path, false), CF_E_REFUSED);
	r.place.disk_id = "id-1";
	struct cf_block *smaller = cf_slice_open(rig_disk(&r), 0, DISK_SIZE - 4096, &r.err);
	assert_fails(&r, cf_undo_apply(smaller, &r.place, path, false, false, NULL, &r.err), CF_E_REFUSED);
	assert_says(&r, "bytes");
	cf_block_close(smaller);
	rig_disk(&r)->read_only = true;
	assert_fails(&r, rig_undo(&r, path, false), CF_E_READ_ONLY);
	rig_disk(&r)->read_only = false;
	assert_fails(&r, rig_undo(&r, "/vm/nothing", false), CF_E_NOT_FOUND);
	assert_int_equal(rig_byte(&r, 8192), 0xaa);
	rig_close(&r);
}

/* ---- unfinished transactions ---- */

/* The machine right after its nth disk write of a commit of three far blocks. */
static struct machine *crash_in_commit(struct rig *r, int nth)
{
	static const struct cf_txn_fingerprint print = { 0, 512, "boot sector" };
	uint8_t b = 0x77;
	machine_record(r->m);
	struct cf_txn *txn = cf_txn_begin(rig_disk(r), 0, &r->err);
	for (uint64_t off = 8192; off < 8192 + 3 * 65536; off += 65536)
		assert_ok(r, cf_block_write(cf_txn_block(txn), off, &b, 1, &r->err));
	assert_ok(r, cf_txn_commit(txn, &r->place, &print, 1, NULL, &r->stats, &r->err));
	cf_txn_end(txn);
	for (size_t k = 0; k < r->m->n_events; k++)
		if (r->m->events[k].kind == EV_DISK_WRITE && nth-- == 1) {
			struct machine *x = machine_crash(r->m, k + 1, 0, CRASH_PROCESS, 1);
			machine_free(r->m);
			r->m = x;
			machine_install(x);
			return x;
		}
	fail();
	return NULL;
}

static void test_recover_refuses_changed_disk(void **state)
{
	(void)state;
	static const uint64_t places[] = { 8192 + 65536 + 3, 5 }; /* a covered block, a fingerprint */
	for (size_t i = 0; i < CF_ARRAY_LEN(places); i++) {
		struct rig r;
		enum cf_recovery what;
		rig_open(&r);
		crash_in_commit(&r, 2);
		rig_poke(&r, places[i], 0xdd);
		struct machine *booted = machine_clone(r.m);
		machine_record(r.m);
		assert_fails(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err), CF_E_CHANGED);
		assert_says(&r, UNDO_1);
		assert_says(&r, MARKER);
		assert_true(machine_same_disk(booted, r.m));
		/* A new repair is refused as well, force takes it back. */
		assert_fails(&r, rig_commit(&r, 300000, 1, 1, NULL), CF_E_CHANGED);
		assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CHANGED);
		assert_ok(&r, rig_undo(&r, UNDO_1, true));
		assert_int_equal(rig_byte(&r, 8192), r.content[8192]);
		assert_false(machine_has(r.m, MARKER));
		machine_free(booted);
		rig_close(&r);
	}
}

static void test_recover_read_only(void **state)
{
	(void)state;
	struct rig r;
	enum cf_recovery what;
	rig_open(&r);
	crash_in_commit(&r, 1);
	rig_disk(&r)->read_only = true;
	machine_record(r.m);
	assert_fails(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err), CF_E_UNCLEAN);
	assert_says(&r, "coldfix repair");
	assert_int_equal(r.m->n_events, 0);
	rig_disk(&r)->read_only = false;
	assert_ok(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err));
	assert_int_equal(what, CF_RECOVERY_ROLLED_BACK);
	assert_true(rig_is_old(&r));
	assert_int_equal(machine_count_names(r.m, "coldfix"), 0);
	assert_ok(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err));
	assert_int_equal(what, CF_RECOVERY_NONE);
	rig_close(&r);
}

static void test_recover_journal_elsewhere(void **state)
{
	(void)state;
	struct rig r;
	enum cf_recovery what;
	rig_open(&r);
	r.place.undo_file = "/usb/stick/undo";
	crash_in_commit(&r, 2);
	r.place.undo_file = NULL; /* the next open does not know */
	/* Not mounted: an alarm, and nothing is touched. */
	struct machine *x = machine_clone(r.m);
	machine_install(x);
	assert_int_equal(x->hook.ops->unlink(x, "/usb/stick/undo"), 0);
	assert_fails(&r, cf_txn_recover(machine_disk(x), &r.place, &what, &r.err), CF_E_UNCLEAN);
	assert_says(&r, "/usb/stick/undo");
	assert_true(machine_has(x, MARKER));
	assert_true(machine_same_disk(x, r.m));
	machine_free(x);
	machine_install(r.m);
	assert_ok(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err));
	assert_int_equal(what, CF_RECOVERY_ROLLED_BACK);
	assert_true(rig_is_old(&r));
	assert_int_equal(machine_count_names(r.m, "/"), 0);
	rig_close(&r);
}

/* A new commit finds the unfinished one by itself, and does not go on with a plan made on the disk in between. */
static void test_commit_over_unfinished(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	crash_in_commit(&r, 2);
	assert_fails(&r, rig_commit(&r, 300000, 1, 1, NULL), CF_E_CHANGED);
	assert_true(rig_is_old(&r));
	assert_ok(&r, rig_commit(&r, 300000, 1, 1, NULL));
	rig_close(&r);
}

/* What a marker names is removed only when it is ours. */
static void test_stale_marker_and_foreign_file(void **state)
{
	(void)state;
	struct rig r;
	enum cf_recovery what;
	rig_open(&r);
	machine_record(r.m);
	assert_ok(&r, rig_commit(&r, 8192, 1, 1, NULL));
	size_t k = 0;
	while (r.m->events[k].kind != EV_CREATE || strcmp(r.m->events[k].path, UNDO_1) != 0)
		k++;
	struct machine *x = machine_crash(r.m, k, 0, CRASH_PROCESS, 1);
	machine_install(x);
	int h = x->hook.ops->open(x, UNDO_1, CF_STABLE_CREATE);
	assert_true(h >= 0);
	assert_int_equal(x->hook.ops->pwrite(x, h, "precious", 8, 0), 8);
	x->hook.ops->close(x, h);
	assert_ok(&r, cf_txn_recover(machine_disk(x), &r.place, &what, &r.err));
	assert_int_equal(what, CF_RECOVERY_STALE_REMOVED);
	assert_true(machine_has(x, UNDO_1));
	assert_false(machine_has(x, MARKER));
	machine_free(x);
	machine_install(r.m);
	rig_close(&r);
}

/* Every byte of a marker flipped, in the middle of a commit: rolled back, or refused; never taken for settled. */
static void test_damaged_marker(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	crash_in_commit(&r, 2);
	size_t size = machine_file(r.m, MARKER)->size;
	for (size_t at = 0; at < size; at += at < 256 || at % 4096 < 80 || at % 4096 > 4090 ? 1 : 61) {
		enum cf_recovery what;
		struct machine *x = machine_clone(r.m);
		machine_install(x);
		machine_file(x, MARKER)->data[at] ^= 0x20;
		if (cf_txn_recover(machine_disk(x), &r.place, &what, &r.err) == 0) {
			assert_int_equal(what, CF_RECOVERY_ROLLED_BACK);
			struct machine *fresh = machine_new(r.base);
			assert_true(machine_same_disk(fresh, x));
			machine_free(fresh);
		} else {
			assert_int_equal(r.err.code, CF_E_CORRUPT);
			assert_true(machine_same_disk(x, r.m));
		}
		machine_free(x);
	}
	machine_install(r.m);
	rig_close(&r);
}

/* The disk refuses a write in the middle of an undo: what was overwritten comes back. */
static void test_undo_write_error(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 3; n++) {
		struct rig r;
		CF_FREE char *path = NULL;
		uint8_t b = 0x44;
		rig_open(&r);
		struct cf_txn *txn = cf_txn_begin(rig_disk(&r), 0, &r.err);
		for (uint64_t off = 0; off < 3 * 65536; off += 65536)
			assert_ok(&r, cf_block_write(cf_txn_block(txn), off, &b, 1, &r.err));
		assert_ok(&r, cf_txn_commit(txn, &r.place, NULL, 0, &path, NULL, &r.err));
		cf_txn_end(txn);
		struct machine *after = machine_clone(r.m);
		struct cf_block *bad = cf_fault_open(rig_disk(&r), 0, n, &r.err);
		assert_fails(&r, cf_undo_apply(bad, &r.place, path, false, false, NULL, &r.err), CF_E_IO);
		assert_says(&r, "as it was before the undo");
		assert_true(machine_same_disk(after, r.m));
		assert_false(machine_has(r.m, MARKER));
		assert_ok(&r, rig_undo(&r, path, false));
		assert_true(rig_is_old(&r));
		cf_block_close(bad);
		machine_free(after);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_changed_block),
		cmocka_unit_test(test_changed_fingerprint),
		cmocka_unit_test(test_half_block_is_a_change),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_wrong_disk),
		cmocka_unit_test(test_recover_refuses_changed_disk),
		cmocka_unit_test(test_recover_read_only),
		cmocka_unit_test(test_recover_journal_elsewhere),
		cmocka_unit_test(test_commit_over_unfinished),
		cmocka_unit_test(test_stale_marker_and_foreign_file),
		cmocka_unit_test(test_damaged_marker),
		cmocka_unit_test(test_undo_write_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
