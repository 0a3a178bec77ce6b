/* test-overlay.c - the overlay composes, is bounded, and touches nothing.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "txn-test.h"

static void test_compose(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r);
	struct cf_txn *txn = cf_txn_begin(rig_disk(&r), 0, &r.err);
	struct cf_block *o = cf_txn_block(txn);
	uint8_t *model = malloc(DISK_SIZE), *got = malloc(DISK_SIZE);
	memcpy(model, r.content, DISK_SIZE);
	assert_int_equal(o->size, DISK_SIZE);
	assert_false(o->read_only);
	/* Random writes and reads against a plain copy. */
	uint32_t x = 12345;
	for (int i = 0; i < 600; i++) {
		x = x * 1664525u + 1013904223u;
		uint32_t off = x % DISK_SIZE, len = (x >> 8) % 20000;
		if (len > DISK_SIZE - off)
			len = DISK_SIZE - off;
		if (i % 2) {
			memset(model + off, i, len);
			assert_ok(&r, cf_block_write(o, off, model + off, len, &r.err));
		} else {
			assert_ok(&r, cf_block_read(o, off, got, len, &r.err));
			assert_memory_equal(got, model + off, len);
		}
	}
	assert_ok(&r, cf_block_read(o, 0, got, DISK_SIZE, &r.err));
	assert_memory_equal(got, model, DISK_SIZE);
	assert_true(rig_is_old(&r));
	assert_int_equal(cf_block_read(o, DISK_SIZE - 1, got, 2, &r.err), -1);
	cf_txn_end(txn);
	free(model);
	free(got);
	rig_close(&r);
}

static void test_pending(void **state)
{
	(void)state;
	struct rig r;
	uint64_t bytes = 1;
	uint8_t b = 0xee;
	rig_open(&r);
	struct cf_txn *txn = cf_txn_begin(rig_disk(&r), 0, &r.err);
	struct cf_block *o = cf_txn_block(txn);
	assert_ok(&r, cf_txn_pending(txn, &bytes, &r.err));
	assert_int_equal(bytes, 0);
	assert_ok(&r, cf_block_write(o, 5, &b, 1, &r.err));
	assert_ok(&r, cf_block_write(o, DISK_SIZE - 1, &b, 1, &r.err));
	assert_ok(&r, cf_block_write(o, 9000, r.content + 9000, 100, &r.err)); /* no difference */
	assert_ok(&r, cf_txn_pending(txn, &bytes, &r.err));
	assert_int_equal(bytes, 4096 + 700);
	assert_ok(&r, cf_block_write(o, 5, r.content + 5, 1, &r.err)); /* taken back */
	assert_ok(&r, cf_txn_pending(txn, &bytes, &r.err));
	assert_int_equal(bytes, 700);
	cf_txn_end(txn);
	cf_txn_end(NULL);
	rig_close(&r);
}

static void test_bounded(void **state)
{
	(void)state;
	struct rig r;
	uint8_t buf[3 * 4096] = { 1 };
	rig_open(&r);
	struct cf_txn *txn = cf_txn_begin(rig_disk(&r), 2 * 4096, &r.err);
	assert_fails(&r, cf_block_write(cf_txn_block(txn), 0, buf, sizeof buf, &r.err), CF_E_NO_SPACE);
	assert_says(&r, "one transaction");
	cf_txn_end(txn);
	rig_close(&r);
}

static void test_read_error(void **state)
{
	(void)state;
	struct rig r;
	uint8_t b = 1, got[8];
	rig_open(&r);
	/* The 1st read is the copy-up of a partly written block, the 2nd a plain read. */
	struct cf_block *bad = cf_fault_open(rig_disk(&r), 1, 0, &r.err);
	struct cf_txn *txn = cf_txn_begin(bad, 0, &r.err);
	assert_fails(&r, cf_block_write(cf_txn_block(txn), 5000, &b, 1, &r.err), CF_E_IO);
	assert_ok(&r, cf_block_read(cf_txn_block(txn), 5000, got, sizeof got, &r.err));
	assert_memory_equal(got, r.content + 5000, sizeof got); /* the failed write left no trace */
	cf_txn_end(txn);
	cf_block_close(bad);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_read_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
