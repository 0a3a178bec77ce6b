/* crash-txn.c - commits, undos and recoveries of synthetic disks, cut off everywhere.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Disks hold a pattern that follows from the offset; nothing of them is stored but what changes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

/* ---- a disk of any size with content that nobody has to keep ---- */

static int pattern_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	(void)b;
	(void)err;
	uint8_t *p = buf;
	for (size_t i = 0; i < len; i++) {
		uint64_t at = off + i;
		p[i] = at / 65536 % 3 == 1 ? 0 : (uint8_t)(at * 131 + at / 512 * 7 + at / 4096);
	}
	return 0;
}

static const struct cf_block_ops pattern_ops = { .name = "pattern", .read = pattern_read };

static struct cf_block pattern_disk(uint64_t size)
{
	return (struct cf_block){ .ops = &pattern_ops, .size = size, .sector_size = 512, .read_only = true };
}

/* ---- what is changed ---- */

struct stretch {
	uint64_t off;
	uint32_t len;
	uint8_t xor; /* 0: write zeros */
};

static int change(void *user, struct cf_block *overlay, struct cf_error *err)
{
	for (const struct stretch *s = user; s->len; s++) {
		CF_FREE uint8_t *buf = malloc(s->len);
		if (!buf || cf_block_read(overlay, s->off, buf, s->len, err) < 0)
			return -1;
		for (uint32_t i = 0; i < s->len; i++)
			buf[i] = s->xor ? buf[i] ^ s->xor : 0;
		if (cf_block_write(overlay, s->off, buf, s->len, err) < 0)
			return -1;
	}
	return 0;
}

static const struct stretch one_byte[] = { { 5000, 1, 0x10 }, { 0 } };
static const struct stretch two_places[] = { { 5000, 1, 0x10 }, { 20000, 3000, 0x20 }, { 0 } };
static const struct stretch scattered[] = {
	{ 0, 512, 1 },              /* a boot sector */
	{ 8192, 12288, 0x5a },      /* neighbours in one write */
	{ 70000, 5000, 0 },         /* unaligned, across a boundary, partly zero before */
	{ 1048576 - 100, 200, 3 },
	{ 4 * 1048576 + 512, 512, 9 },
	{ 0 }
};
static const struct stretch large[] = {
	{ 4096, 300 * 4096, 0x33 }, /* more than one batch of blocks */
	{ 40 * 1048576, 70 * 4096 + 17, 0x0f },
	{ 256 * 1048576 - 4096, 4096, 0xff },
	{ 0 }
};
static const struct stretch odd_end[] = { { 1048576, 700, 0x44 }, { 3 * 1048576, 333, 0x77 }, { 0 } };
static const struct stretch huge[] = { { UINT64_C(5) << 40, 9000, 0x21 }, { (UINT64_C(8) << 40) - 512, 512, 2 }, { 0 } };

static const struct cf_txn_fingerprint prints[] = {
	{ 0, 512, "boot sector" },
	{ 6000, 3000, "partly covered range" },
	{ 300000, 65536, "hive base block of SYSTEM" },
};

static int run(const char *name, uint64_t size, const struct stretch *what, size_t n_prints,
	       const struct cf_txn_place *place, size_t step, unsigned seeds, unsigned nested, bool faults)
{
	struct cf_block base = pattern_disk(size);
	struct crash_counts c = { 0 };
	struct crash_plan plan = {
		.name = name, .base = &base, .place = *place, .prints = prints, .n_prints = n_prints, .change = change,
		.user = (void *)(uintptr_t)what, .step = step, .seeds = seeds, .nested = nested,
	};
	int r = faults ? crash_faults(&plan, &c) : crash_run(&plan, &c);
	static int number;
	printf("%s %d - %s: %" PRIu64 " events, %" PRIu64 " crashes or faults, %" PRIu64 " more during recovery "
	       "(old %" PRIu64 ", new %" PRIu64 ")\n", r == 0 ? "ok" : "not ok", ++number, name, c.events, c.states, c.nested,
	       c.rolled_back, c.kept_new);
	fflush(stdout);
	return r;
}

/* With a number: writes are torn every so many bytes instead of every 512, and fewer machines die twice. */
int main(int argc, char **argv)
{
	size_t step = argc > 1 ? strtoul(argv[1], NULL, 10) : 512;
	unsigned thin = step > 512 ? 60 : 1;
	static const struct cf_txn_place beside = { .state_base = "/nowhere/disk.img", .disk_id = "pattern",
						    .disk_path = "disk.img" };
	struct cf_txn_place elsewhere = beside, folder = beside, no_undo = beside;
	elsewhere.undo_file = "/other/place/undo";
	folder.state_base = "/nowhere/state";
	folder.state_is_folder = true;
	no_undo.no_undo = true;
	int bad = 0;
	printf("1..11\n");
	bad |= run("one byte", CF_MIB, one_byte, 0, &beside, step, 12, 4 * thin, false);
	bad |= run("scattered blocks", 8 * CF_MIB, scattered, 3, &beside, step, 8, 25 * thin, false);
	bad |= run("undo file elsewhere", 8 * CF_MIB, scattered, 3, &elsewhere, step, 8, 50 * thin, false);
	bad |= run("state folder", 8 * CF_MIB, one_byte, 1, &folder, step, 12, 5 * thin, false);
	bad |= run("no undo", 8 * CF_MIB, scattered, 3, &no_undo, step, 8, 25 * thin, false);
	bad |= run("partial last block", 3 * CF_MIB + 333, odd_end, 1, &beside, step, 12, 5 * thin, false);
	bad |= run("8 TiB disk", UINT64_C(8) << 40, huge, 3, &beside, step, 8, 10 * thin, false);
	bad |= run("370 blocks of 256 MiB", 256 * CF_MIB, large, 3, &beside, 128 * step - 512, 1, 0, false);
	bad |= run("crashes after a fault", CF_MIB, two_places, 1, &beside, step, 2, 1 * thin, true);
	bad |= run("faults", 8 * CF_MIB, scattered, 3, &beside, step, 0, 0, true);
	bad |= run("faults without undo", 8 * CF_MIB, scattered, 3, &no_undo, step, 0, 0, true);
	return bad ? 1 : 0;
}
