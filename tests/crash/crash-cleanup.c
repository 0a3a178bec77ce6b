/* crash-cleanup.c - a whole `coldfix cleanup` in several transactions, cut off everywhere.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: crash-cleanup NAME BEFORE.raw DISK.raw TRANSACTIONS [SEEDED-POINTS]     (both the same disk; DISK.raw is cleaned)
 * The command runs through cf_run; its files and the order of its writes are the machine's. First it dies between every two operations: what
 * recovery makes of the disk then are the states, one more than there are transactions, each a sound volume. Then every write is torn and power is cut
 * with unsynced writes kept or lost: recovery must lead to one of these states, and undo from there to the first. SEEDED-POINTS: so many stops at random
 * places instead, for runs by hand.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block/disk.h"
#include "machine.h"
#include "part/part.h"
#include "tests/random.h"
#include "txn/txn.h"
#include "volume/mft-check.h"

#define MAX_STATES 64
#define HELD (48 * CF_KIB) /* so that even a small clean-up takes several transactions */

struct test {
	const char *name;
	struct cf_txn_place place;
	struct cf_undo_info info;
	uint64_t start, size; /* of the Windows volume: bytes */
	size_t n_states;
	struct machine *state[MAX_STATES];
	struct machine *before;
	uint64_t stops, undone;
};

static int wrong(const struct test *t, const char *where, const char *what, const struct cf_error *err)
{
	fprintf(stderr, "%s: %s: %s%s%s\n", t->name, where, what, err ? ": " : "", err ? err->message : "");
	return -1;
}

/* The largest partition: the Windows volume of the factory's disks. */
static int find_volume(struct test *t, struct cf_block *base)
{
	struct cf_part_table *table = malloc(sizeof *table);
	struct cf_error err;
	if (!table || cf_part_read(base, table, &err) < 0) {
		free(table);
		return -1;
	}
	for (size_t i = 0; i < table->n; i++)
		if (table->part[i].size > t->size) {
			t->start = table->part[i].start;
			t->size = table->part[i].size;
		}
	free(table);
	return t->size ? 0 : -1;
}

static int sound(const struct test *t, struct machine *m, const char *where)
{
	struct cf_error err = { 0 };
	struct cf_extent_check check;
	struct cf_block *slice = cf_slice_open(machine_disk(m), t->start, t->size, &err);
	struct cf_mft *mft = slice ? cf_mft_open(slice, &err) : NULL;
	int r = mft ? cf_mft_check(mft, &check, &err) : -1;
	cf_mft_close(mft);
	cf_block_close(slice);
	if (r < 0)
		return wrong(t, where, "the volume can't be read", &err);
	return cf_extent_check_sound(&check) ? 0 : wrong(t, where, "the volume is not sound", NULL);
}

static int find_state(const struct test *t, const struct machine *m)
{
	for (size_t i = 0; i < t->n_states; i++)
		if (machine_same_disk(m, t->state[i]))
			return (int)i;
	return -1;
}

static int recover(const struct test *t, struct machine *m, const char *where)
{
	struct cf_error err = { 0 };
	enum cf_recovery what;
	if (cf_txn_recover(machine_disk(m), &t->place, &what, &err) < 0)
		return wrong(t, where, "recovery failed", &err);
	return machine_count_names(m, "pending") ? wrong(t, where, "the marker is still there", NULL) : 0;
}

static int undo(struct test *t, struct machine *m, const char *where)
{
	struct cf_error err = { 0 };
	CF_FREE char *path = cf_undo_newest(&t->place, &err);
	if (!path || cf_undo_apply(machine_disk(m), &t->place, path, false, false, NULL, &err) < 0)
		return wrong(t, where, "undo does not work afterwards", &err);
	t->undone++;
	return machine_same_disk(m, t->before) ? 0 : wrong(t, where, "undo afterwards gives another disk", NULL);
}

/* One stop. collect: a disk that was not seen before is a new state. */
static int stop(struct test *t, const struct machine *m, size_t k, size_t torn, enum crash_mode mode, uint32_t seed, bool collect)
{
	char where[160];
	snprintf(where, sizeof where, "%s at event %zu of %zu (%zu bytes), seed %u", mode == CRASH_POWER ? "power cut" : "process death", k,
		 m->n_events, torn, seed);
	struct machine *x = machine_crash(m, k, torn, mode, seed);
	machine_install(x);
	int r = recover(t, x, where), state = r == 0 ? find_state(t, x) : -1;
	t->stops++;
	if (r == 0 && state < 0 && collect && t->n_states < MAX_STATES) {
		r = sound(t, x, where);
		state = (int)t->n_states;
		t->state[t->n_states++] = machine_clone(x);
	}
	if (r == 0 && state < 0)
		r = wrong(t, where, "the disk is in between after recovery", NULL);
	/* Undo from each state once, and then from every tenth. */
	if (r == 0 && !machine_same_disk(x, t->before) && (collect || t->stops % 10 == 0))
		r = undo(t, x, where);
	machine_install(NULL);
	machine_free(x);
	return r;
}

static int sweep(struct test *t, const struct machine *m)
{
	for (size_t k = 0; k < m->n_events; k++)
		for (unsigned i = 0; i < 4; i++) {
			size_t len = m->events[k].len, torn = i == 1 ? len / 2 & ~(size_t)511 : len;
			if (stop(t, m, k, torn, i < 2 ? CRASH_PROCESS : CRASH_POWER, i == 0 ? 1 : i, false) < 0)
				return -1;
		}
	return 0;
}

/* The disk that the command really wrote. */
static bool same_as_file(struct machine *m, const char *path)
{
	enum { PIECE = 1 << 20 };
	struct cf_block *disk = machine_disk(m);
	CF_FREE uint8_t *a = malloc(PIECE);
	CF_FREE uint8_t *b = malloc(PIECE);
	CF_FCLOSE FILE *f = fopen(path, "rb");
	bool same = a && b && f;
	for (uint64_t at = 0; same && at < disk->size; at += PIECE) {
		size_t n = (size_t)cf_min_u64(PIECE, disk->size - at);
		same = fread(b, 1, n, f) == n && cf_block_read(disk, at, a, n, NULL) == 0 && memcmp(a, b, n) == 0;
	}
	return same;
}

static int seeded(struct test *t, const struct machine *m, unsigned points)
{
	uint32_t x = 20240101;
	for (unsigned i = 0; i < points; i++) {
		size_t k = next_random(&x) % m->n_events, len = m->events[k].len;
		size_t torn = len ? (next_random(&x) % (len / 512 + 1)) * 512 : 0;
		enum crash_mode mode = next_random(&x) % 3 ? CRASH_POWER : CRASH_PROCESS;
		if (stop(t, m, k, torn, mode, next_random(&x) % 1000 + 2, false) < 0)
			return -1;
	}
	return 0;
}

static int run(struct test *t, struct cf_block *base, const char *disk, size_t least, unsigned points)
{
	CF_FREE char *path = realpath(disk, NULL);
	CF_FREE char *undo_file = NULL;
	struct cf_error err = { 0 };
	struct machine *m = machine_new(base);
	int r = -1;
	t->before = machine_new(base);
	if (!path || machine_command(m, &(struct cf_request){ .command = CF_CLEANUP, .disk = path, .max_held = HELD }) < 0 || find_volume(t, base) < 0)
		goto out;
	t->place = (struct cf_txn_place){ .state_base = path, .disk_path = path, .disk_id = t->info.disk_id };
	undo_file = cf_undo_newest(&t->place, &err);
	if (!undo_file || cf_undo_read_info(undo_file, &t->info, &err) < 0) {
		wrong(t, "the clean-up", "left no undo file", &err);
		goto out;
	}
	machine_install(NULL);
	r = 0;
	for (size_t k = 0; k <= m->n_events && r == 0; k++)
		r = stop(t, m, k, 0, CRASH_PROCESS, 1, true);
	if (r == 0 && (t->info.transactions < least || t->n_states != t->info.transactions + 1))
		r = wrong(t, "the states", "are not one more than the transactions", NULL);
	if (r == 0 && (!machine_same_disk(t->state[0], t->before) || !same_as_file(t->state[t->n_states - 1], path)))
		r = wrong(t, "the states", "do not lead from the first disk to the last", NULL);
	if (r == 0)
		r = points ? seeded(t, m, points) : sweep(t, m);
	printf("%s: %zu transactions, %zu operations, %" PRIu64 " stops, %" PRIu64 " undone: always one of %zu sound states\n", t->name,
	       t->info.transactions, m->n_events, t->stops, t->undone, t->n_states);
out:
	machine_install(NULL);
	machine_free(t->before);
	for (size_t i = 0; i < t->n_states; i++)
		machine_free(t->state[i]);
	machine_free(m);
	return r;
}

int main(int argc, char **argv)
{
	struct cf_error err;
	if (argc < 5)
		return 2;
	struct test t = { .name = argv[1] };
	struct cf_disk *base = cf_disk_open(argv[2], &(struct cf_disk_options){ .format = "raw" }, &err);
	if (!base) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	int r = run(&t, base->block, argv[3], strtoul(argv[4], NULL, 10), argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 0);
	cf_disk_close(base);
	return r == 0 ? 0 : 1;
}
