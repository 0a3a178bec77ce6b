/* txn-test.h - what the tests of txn/ share: a small disk on a machine in memory, and short ways to use it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_TXN_TEST_H
#define TESTS_UNIT_TXN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "txn/txn.h"

#define DISK_SIZE (1024 * 1024 + 700u) /* ends in a partial block and a partial sector */
#define UNDO_1 "/vm/disk.img.coldfix-undo"
#define MARKER "/vm/disk.img.coldfix-pending"

struct rig {
	struct cf_block *base;
	struct machine *m;
	uint8_t *content; /* of the base */
	struct cf_txn_place place;
	struct cf_error err;
	struct cf_txn_stats stats;
};

static inline void rig_open(struct rig *r)
{
	memset(r, 0, sizeof *r);
	r->content = malloc(DISK_SIZE);
	assert_non_null(r->content);
	for (uint32_t i = 0; i < DISK_SIZE; i++)
		r->content[i] = (uint8_t)(i * 7 + i / 4096 * 13);
	r->base = cf_memory_open(r->content, DISK_SIZE, 512, &r->err);
	assert_non_null(r->base);
	r->m = machine_new(r->base);
	machine_install(r->m);
	r->place = (struct cf_txn_place){ .state_base = "/vm/disk.img", .disk_id = "id-1", .disk_path = "disk.img" };
}

static inline void rig_close(struct rig *r)
{
	machine_install(NULL);
	machine_free(r->m);
	cf_block_close(r->base);
	free(r->content);
}

static inline struct cf_block *rig_disk(struct rig *r)
{
	return machine_disk(r->m);
}

/* The machine's disk holds what it held at the start. */
static inline bool rig_is_old(struct rig *r)
{
	struct machine *fresh = machine_new(r->base);
	bool same = machine_same_disk(fresh, r->m);
	machine_free(fresh);
	return same;
}

static inline void rig_read(struct rig *r, uint64_t off, void *buf, size_t len)
{
	assert_int_equal(cf_block_read(rig_disk(r), off, buf, len, &r->err), 0);
}

static inline uint8_t rig_byte(struct rig *r, uint64_t off)
{
	uint8_t b;
	rig_read(r, off, &b, 1);
	return b;
}

/* Somebody else writes to the disk, past us. */
static inline void rig_poke(struct rig *r, uint64_t off, uint8_t byte)
{
	assert_int_equal(cf_block_write(rig_disk(r), off, &byte, 1, &r->err), 0);
}

/* Writes len bytes `byte` at off in one transaction; the path of the undo file (may be NULL) goes to *path. */
static inline int rig_commit_on(struct rig *r, struct cf_block *disk, uint64_t off, uint8_t byte, size_t len,
				const struct cf_txn_fingerprint *prints, size_t n_prints, char **path)
{
	uint8_t *buf = malloc(len);
	assert_non_null(buf);
	memset(buf, byte, len);
	struct cf_txn *txn = cf_txn_begin(disk, 0, &r->err);
	assert_non_null(txn);
	assert_int_equal(cf_block_write(cf_txn_block(txn), off, buf, len, &r->err), 0);
	int result = cf_txn_commit(txn, &r->place, prints, n_prints, path, &r->stats, &r->err);
	cf_txn_end(txn);
	free(buf);
	return result;
}

static inline int rig_commit(struct rig *r, uint64_t off, uint8_t byte, size_t len, char **path)
{
	static const struct cf_txn_fingerprint print = { 0, 512, "boot sector" };
	return rig_commit_on(r, rig_disk(r), off, byte, len, &print, 1, path);
}

static inline int rig_undo(struct rig *r, const char *path, bool force)
{
	return cf_undo_apply(rig_disk(r), &r->place, path, force, false, &r->stats, &r->err);
}

#define assert_ok(r, call)                                                     \
	do {                                                                   \
		if ((call) != 0)                                               \
			fail_msg("%s: %s", #call, (r)->err.message);           \
	} while (0)
#define assert_fails(r, call, want)                                            \
	do {                                                                   \
		assert_int_equal((call), -1);                                  \
		if ((r)->err.code != (want))                                   \
			fail_msg("%s: %s (%s)", #call, cf_code_name((r)->err.code), (r)->err.message); \
	} while (0)
#define assert_says(r, word)                                                   \
	do {                                                                   \
		if (!strstr((r)->err.message, (word)))                         \
			fail_msg("\"%s\" does not say \"%s\"", (r)->err.message, (word)); \
	} while (0)

#endif
