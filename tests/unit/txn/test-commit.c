/* test-commit.c - commits that succeed, and commits that fail and leave the disk as it was.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <linux/magic.h>

#include "txn-test.h"

static void test_nothing_to_do(void **state)
{
	(void)state;
	struct rig r;
	char *path = (char *)1;
	rig_open(&r);
	machine_record(r.m);
	struct cf_txn *txn = cf_txn_begin(rig_disk(&r), 0, &r.err);
	assert_ok(&r, cf_block_write(cf_txn_block(txn), 100, r.content + 100, 9000, &r.err));
	rig_disk(&r)->read_only = true; /* not even asked */
	assert_ok(&r, cf_txn_commit(txn, &r.place, NULL, 0, &path, &r.stats, &r.err));
	assert_null(path);
	assert_int_equal(r.stats.bytes_written, 0);
	assert_int_equal(r.m->n_events, 0);
	cf_txn_end(txn);
	rig_close(&r);
}

static void test_commit(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL;
	rig_open(&r);
	assert_ok(&r, rig_commit(&r, 4000, 0xaa, 5000, &path));
	assert_string_equal(path, UNDO_1);
	assert_int_equal(r.stats.blocks, 3);
	assert_int_equal(r.stats.bytes_written, 3 * 4096);
	assert_int_equal(r.stats.undo_bytes, machine_file(r.m, UNDO_1)->size);
	assert_int_equal(rig_byte(&r, 3999), r.content[3999]);
	assert_int_equal(rig_byte(&r, 4000), 0xaa);
	assert_int_equal(rig_byte(&r, 8999), 0xaa);
	assert_int_equal(rig_byte(&r, 9000), r.content[9000]);
	assert_false(machine_has(r.m, MARKER));
	rig_close(&r);
}

/* One transaction may be used for a row of commits. */
static void test_commit_again(void **state)
{
	(void)state;
	struct rig r;
	uint8_t b = 0xaa;
	CF_FREE char *first = NULL, *second = NULL;
	rig_open(&r);
	struct cf_txn *txn = cf_txn_begin(rig_disk(&r), 0, &r.err);
	assert_ok(&r, cf_block_write(cf_txn_block(txn), 0, &b, 1, &r.err));
	assert_ok(&r, cf_txn_commit(txn, &r.place, NULL, 0, &first, NULL, &r.err));
	assert_ok(&r, cf_block_write(cf_txn_block(txn), 1, &b, 1, &r.err));
	assert_ok(&r, cf_txn_commit(txn, &r.place, NULL, 0, &second, NULL, &r.err));
	assert_string_equal(second, UNDO_1 ".2");
	assert_ok(&r, rig_undo(&r, second, false));
	assert_int_equal(rig_byte(&r, 0), 0xaa);
	assert_ok(&r, rig_undo(&r, first, false));
	assert_true(rig_is_old(&r));
	cf_txn_end(txn);
	rig_close(&r);
}

static void test_no_undo(void **state)
{
	(void)state;
	struct rig r;
	char *path = NULL;
	rig_open(&r);
	r.place.no_undo = true;
	assert_ok(&r, rig_commit(&r, DISK_SIZE - 5, 0xaa, 5, &path));
	assert_null(path);
	assert_int_equal(r.stats.bytes_written, 700);
	assert_int_equal(machine_count_names(r.m, "/"), 0);
	assert_int_equal(rig_byte(&r, DISK_SIZE - 1), 0xaa);
	rig_close(&r);
}

static void assert_untouched(struct rig *r)
{
	assert_true(rig_is_old(r));
	assert_int_equal(machine_count_names(r->m, "coldfix"), 0);
}

static void test_refused_places(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	r.m->fs_type = TMPFS_MAGIC;
	assert_fails(&r, rig_commit(&r, 0, 1, 1, NULL), CF_E_REFUSED);
	assert_says(&r, "--undo-file");
	assert_untouched(&r);
	r.m->fs_type = EXT4_SUPER_MAGIC;
	r.m->room = 20000;
	assert_fails(&r, rig_commit(&r, 0, 1, 1, NULL), CF_E_NO_SPACE);
	assert_untouched(&r);
	rig_disk(&r)->read_only = true;
	assert_fails(&r, rig_commit(&r, 0, 1, 1, NULL), CF_E_READ_ONLY);
	assert_untouched(&r);
	rig_close(&r);
}

static void test_existing_undo_file(void **state)
{
	(void)state;
	struct rig r;
	CF_FREE char *path = NULL, *next = NULL;
	rig_open(&r);
	r.place.undo_file = "/other/undo";
	assert_ok(&r, rig_commit(&r, 0, 1, 1, &path));
	assert_string_equal(path, "/other/undo");
	assert_fails(&r, rig_commit(&r, 0, 2, 1, NULL), CF_E_REFUSED);
	assert_says(&r, "never overwritten");
	assert_int_equal(rig_byte(&r, 0), 1);
	assert_ok(&r, rig_undo(&r, path, false));
	assert_true(machine_has(r.m, "/other/undo.undone"));
	/* And the name of an earlier .undone is not taken either. */
	assert_ok(&r, rig_commit(&r, 0, 1, 1, &next));
	assert_ok(&r, rig_undo(&r, next, false));
	assert_true(machine_has(r.m, "/other/undo.undone"));
	assert_true(machine_has(r.m, "/other/undo.undone.2"));
	rig_close(&r);
}

static void test_bad_fingerprint(void **state)
{
	(void)state;
	struct rig r;
	struct cf_txn_fingerprint f = { DISK_SIZE - 10, 11, "beyond the end" };
	rig_open(&r);
	assert_fails(&r, rig_commit_on(&r, rig_disk(&r), 0, 1, 1, &f, 1, NULL), CF_E_INTERNAL);
	f.length = 0;
	assert_fails(&r, rig_commit_on(&r, rig_disk(&r), 0, 1, 1, &f, 1, NULL), CF_E_INTERNAL);
	assert_untouched(&r);
	rig_close(&r);
}

/* Reads and writes of the disk that fail, at every turn. */
static void test_disk_errors(void **state)
{
	(void)state;
	for (uint64_t n = 1; n < 200; n++) {
		for (int writing = 0; writing < 2; writing++) {
			struct rig r;
			rig_open(&r);
			struct cf_block *bad = cf_fault_open(rig_disk(&r), writing ? 0 : n, writing ? n : 0, &r.err);
			struct cf_txn *txn = cf_txn_begin(bad, 0, &r.err);
			uint8_t b = 0x11;
			int failed = 0;
			for (uint64_t off = 0; off < 20 * 8192 && !failed; off += 8192)
				failed = cf_block_write(cf_txn_block(txn), off, &b, 1, &r.err);
			if (!failed)
				failed = cf_txn_commit(txn, &r.place, NULL, 0, NULL, &r.stats, &r.err);
			if (failed)
				assert_untouched(&r);
			else
				assert_int_equal(rig_byte(&r, 8192), 0x11);
			/* 20 writes of the commit are there to fail; reads are many more. */
			if (writing)
				assert_int_equal(failed != 0, n <= 20);
			if (n < 40 && !writing)
				assert_int_equal(failed, -1);
			cf_txn_end(txn);
			cf_block_close(bad);
			rig_close(&r);
		}
	}
}

/* A disk that says yes and keeps something else. */
struct liar {
	struct cf_block b;
	struct cf_block *next;
	uint64_t where; /* this byte is not kept while lying */
	bool lying;
};

static int liar_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	return cf_block_read(((struct liar *)b)->next, off, buf, len, err);
}

static int liar_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct liar *l = (struct liar *)b;
	if (cf_block_write(l->next, off, buf, len, err) < 0)
		return -1;
	uint8_t wrong = 0x99;
	if (l->lying && l->where >= off && l->where < off + len)
		return cf_block_write(l->next, l->where, &wrong, 1, err);
	return 0;
}

static const struct cf_block_ops liar_ops = { .name = "liar", .read = liar_read, .write = liar_write,
					      .read_direct = liar_read };

static void test_verification(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	/* The byte is wrong in what is written, but right again once the before-image is. */
	struct liar l = { .b = { .ops = &liar_ops, .size = DISK_SIZE, .sector_size = 512 }, .next = rig_disk(&r),
			  .where = 4097, .lying = true };
	rig_poke(&r, 4097, 0x99);
	struct machine *before = machine_clone(r.m);
	assert_fails(&r, rig_commit_on(&r, &l.b, 4096, 0xaa, 4096, NULL, 0, NULL), CF_E_IO);
	assert_says(&r, "does not return what was written");
	assert_says(&r, "as it was before");
	assert_int_equal(r.err.offset, 4097);
	assert_true(machine_same_disk(before, r.m));
	assert_int_equal(machine_count_names(r.m, "coldfix"), 0);

	/* Wrong in both: nothing more can be done now, the undo file stays, and the error names it. */
	rig_poke(&r, 4097, 0x55);
	machine_free(before);
	before = machine_clone(r.m);
	assert_fails(&r, rig_commit_on(&r, &l.b, 4096, 0xaa, 4096, NULL, 0, NULL), CF_E_IO);
	assert_says(&r, UNDO_1);
	assert_true(machine_has(r.m, MARKER));
	/* The liar's byte is neither old nor new: not touched without force. */
	enum cf_recovery what;
	assert_fails(&r, cf_txn_recover(rig_disk(&r), &r.place, &what, &r.err), CF_E_CHANGED);
	assert_says(&r, "--force");
	assert_fails(&r, rig_undo(&r, UNDO_1, false), CF_E_CHANGED);
	assert_ok(&r, rig_undo(&r, UNDO_1, true));
	assert_true(machine_same_disk(before, r.m));
	assert_false(machine_has(r.m, MARKER));
	machine_free(before);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_commit),
		cmocka_unit_test(test_commit_again),
		cmocka_unit_test(test_no_undo),
		cmocka_unit_test(test_refused_places),
		cmocka_unit_test(test_existing_undo_file),
		cmocka_unit_test(test_bad_fingerprint),
		cmocka_unit_test(test_disk_errors),
		cmocka_unit_test(test_verification),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
