/* crash-series.c - a row of transactions and its undo, cut off everywhere.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * After any stop the disk must be as one of the row's transactions left it, or as it was at first; from there undo gives
 * the first disk back, and with it nothing but one retired undo file stays. Blocks are covered several times over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "txn/series.h"

#define STEPS 4
#define SIZE (4 * CF_MIB + 700)

static const struct cf_txn_fingerprint prints[] = { { 0, 512, "boot sector" }, { 6000, 3000, "partly covered range" } };

/* Where transaction `step` writes; the third grows the row's file by more than one batch of blocks. */
static int change(struct cf_series *s, int step, struct cf_error *err)
{
	static const struct { uint64_t off; uint32_t len; } where[STEPS][3] = {
		{ { 0, 512 }, { 8192, 9000 }, { 300000, 40000 } },
		{ { 7000, 300 }, { 310000, 5000 }, { SIZE - 700, 700 } },
		{ { 40960, 280000 }, { 9000, 10 }, { 0, 3 } },
		{ { 8192, 4096 }, { 2097152, 65536 }, { 300000, 100 } },
	};
	for (int i = 0; i < 3; i++) {
		CF_FREE uint8_t *buf = malloc(where[step][i].len);
		if (!buf)
			return -1;
		for (uint32_t k = 0; k < where[step][i].len; k++)
			buf[k] = (uint8_t)(k * 3 + (unsigned)step * 17 + 1);
		/* The large ones go where "nothing refers to". */
		int r = where[step][i].len > 20000 ?
				cf_series_fill(s, where[step][i].off, buf, where[step][i].len, err) :
				cf_block_write(cf_series_block(s), where[step][i].off, buf, where[step][i].len, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

struct test {
	const char *name;
	struct cf_txn_place place;
	unsigned step, seeds, nested;
	struct machine *state[STEPS + 1]; /* the disk after so many transactions */
	uint64_t crashes, inner;
};

static int wrong(const struct test *t, const char *where, const char *what, const struct cf_error *err)
{
	fprintf(stderr, "%s: %s: %s%s%s\n", t->name, where, what, err ? ": " : "", err ? err->message : "");
	return -1;
}

/* states: NULL, or receives the disks. */
static int do_row(struct test *t, struct machine *m, bool keep, struct cf_error *err)
{
	struct cf_series *s = cf_series_begin(machine_disk(m), &t->place, 0, err);
	int r = s ? cf_series_check_place(s, CF_MIB, STEPS, 2, NULL, err) : -1;
	for (int i = 0; r == 0 && i < STEPS; i++) {
		if (keep)
			t->state[i] = machine_clone(m);
		r = change(s, i, err);
		if (r == 0)
			r = cf_series_commit(s, prints, CF_ARRAY_LEN(prints), err);
	}
	if (r == 0 && cf_series_stats(s)->transactions != STEPS)
		r = cf_fail(err, CF_E_INTERNAL, "the row has another number of transactions");
	if (keep)
		t->state[STEPS] = machine_clone(m);
	cf_series_end(s);
	return r;
}

static int do_undo(const struct test *t, struct machine *m, struct cf_error *err)
{
	CF_FREE char *path = t->place.undo_file ? strdup(t->place.undo_file) : cf_undo_newest(&t->place, err);
	return path ? cf_undo_apply(machine_disk(m), &t->place, path, false, false, NULL, err) : -1;
}

static int find_state(const struct test *t, const struct machine *m)
{
	for (int i = 0; i <= STEPS; i++)
		if (machine_same_disk(m, t->state[i]))
			return i;
	return -1;
}

/* After recovery with undo: back to the first disk. */
static int check_undo(const struct test *t, struct machine *m, int state, const char *where)
{
	struct cf_error err = { 0 };
	if (state > 0 && do_undo(t, m, &err) < 0)
		return wrong(t, where, "undo does not work afterwards", &err);
	if (!machine_same_disk(m, t->state[0]))
		return wrong(t, where, "undo afterwards gives another disk", NULL);
	if (machine_count_names(m, "pending") || machine_count_names(m, "/") > 1)
		return wrong(t, where, "files are left over", NULL);
	return 0;
}

static int recover(struct test *t, struct machine *m, const char *where, int *state)
{
	struct cf_error err = { 0 };
	enum cf_recovery what;
	if (cf_txn_recover(machine_disk(m), &t->place, &what, &err) < 0)
		return wrong(t, where, "recovery failed", &err);
	*state = find_state(t, m);
	if (*state < 0)
		return wrong(t, where, "the disk is in between after recovery", NULL);
	if (machine_count_names(m, "pending"))
		return wrong(t, where, "the marker is still there", NULL);
	return 0;
}

/* The recovery itself dies, at each of its events. */
static int check_nested(struct test *t, struct machine *m, const char *where)
{
	struct machine *rec = machine_clone(m);
	int state, r;
	machine_install(rec);
	machine_record(rec);
	r = recover(t, rec, where, &state);
	rec->recording = false;
	for (size_t k = 0; r == 0 && k < rec->n_events; k++)
		for (uint32_t seed = 0; r == 0 && seed < 3; seed++) {
			struct machine *x = machine_crash(rec, k, rec->events[k].len, CRASH_POWER, seed);
			machine_install(x);
			r = recover(t, x, where, &state);
			if (r == 0)
				r = check_undo(t, x, state, where);
			t->inner++;
			machine_free(x);
		}
	machine_free(rec);
	return r;
}

static int crash_at(struct test *t, const struct machine *m, size_t k, size_t torn, enum crash_mode mode, uint32_t seed)
{
	char where[160];
	int state = -1, r = 0;
	snprintf(where, sizeof where, "%s at event %zu of %zu (%s, %zu bytes), seed %u",
		 mode == CRASH_POWER ? "power cut" : "process death", k, m->n_events,
		 k < m->n_events ? machine_event_name(&m->events[k]) : "the end", torn, seed);
	struct machine *x = machine_crash(m, k, torn, mode, seed);
	if (++t->crashes, t->nested && t->crashes % t->nested == 0)
		r = check_nested(t, x, where);
	machine_install(x);
	if (r == 0)
		r = recover(t, x, where, &state);
	if (r == 0)
		r = check_undo(t, x, state, where);
	machine_install(NULL);
	machine_free(x);
	return r;
}

static int sweep(struct test *t, const struct machine *m)
{
	for (size_t k = 0; k <= m->n_events; k++) {
		size_t len = k < m->n_events ? m->events[k].len : 0;
		for (size_t torn = 0; torn == 0 || torn < len; torn += t->step)
			if (crash_at(t, m, k, torn, CRASH_PROCESS, 1) < 0)
				return -1;
		for (uint32_t seed = 0; seed < t->seeds; seed++)
			if (crash_at(t, m, k, len, CRASH_POWER, seed) < 0)
				return -1;
	}
	return 0;
}

/* Every single operation fails once: the row ends in one of its states at once, and undo works. */
static int faults(struct test *t, struct cf_block *base)
{
	for (int undo = 0; undo <= 1; undo++)
		for (uint64_t at = 1;; at++) {
			char where[80];
			struct cf_error err = { 0 };
			struct machine *x = undo ? machine_clone(t->state[STEPS]) : machine_new(base);
			snprintf(where, sizeof where, "operation %" PRIu64 " of the %s fails", at, undo ? "undo" : "row");
			machine_install(x);
			x->calls = 0;
			x->fail_at = at;
			x->fail_errno = 5;
			int r = undo ? do_undo(t, x, &err) : do_row(t, x, false, &err), state = -1;
			bool reached = x->calls >= at;
			x->fail_at = 0;
			if (find_state(t, x) < 0 && !strstr(err.message, "could not be recorded"))
				r = wrong(t, where, "the disk is in between", &err);
			else
				r = r == 0 && undo ? 0 : recover(t, x, where, &state);
			if (r == 0)
				r = check_undo(t, x, undo && state < 0 ? 0 : state, where);
			t->crashes++;
			machine_install(NULL);
			machine_free(x);
			if (r < 0)
				return -1;
			if (!reached)
				break;
		}
	return 0;
}

static int run(struct test *t, bool with_faults)
{
	static int number;
	struct cf_error err = { 0 };
	struct cf_block *base = cf_memory_open(NULL, SIZE, 512, &err);
	uint8_t pattern[4096];
	int r = base ? 0 : -1;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 7);
	for (uint64_t off = 0; r == 0 && off < CF_MIB; off += sizeof pattern)
		r = cf_block_write(base, off, pattern, sizeof pattern, &err);
	struct machine *m = r == 0 ? machine_new(base) : NULL;
	if (!m)
		return wrong(t, "setting up", "failed", &err);
	machine_install(m);
	machine_record(m);
	if (do_row(t, m, true, &err) < 0)
		r = wrong(t, "the row", "failed", &err);
	m->recording = false;
	if (r == 0 && with_faults)
		r = faults(t, base);
	else if (r == 0)
		r = sweep(t, m);
	if (r == 0 && !with_faults) {
		machine_install(m);
		machine_record(m);
		if (do_undo(t, m, &err) < 0 || !machine_same_disk(m, t->state[0]))
			r = wrong(t, "undo", "failed", &err);
		m->recording = false;
		if (r == 0)
			r = sweep(t, m);
	}
	machine_install(NULL);
	printf("%s %d - %s: %" PRIu64 " stops, %" PRIu64 " more during recovery\n", r == 0 ? "ok" : "not ok", ++number, t->name,
	       t->crashes, t->inner);
	fflush(stdout);
	for (int i = 0; i <= STEPS; i++)
		if (t->state[i])
			machine_free(t->state[i]);
	machine_free(m);
	cf_block_close(base);
	return r;
}

int main(int argc, char **argv)
{
	unsigned step = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 32768 - 512;
	static const struct cf_txn_place beside = { .state_base = "/nowhere/disk.img", .disk_id = "id", .disk_path = "disk.img" };
	struct cf_txn_place elsewhere = beside;
	elsewhere.undo_file = "/other/place/undo";
	struct test t[] = {
		{ .name = "row", .place = beside, .step = step, .seeds = 3, .nested = 40 },
		{ .name = "row with its undo file elsewhere", .place = elsewhere, .step = 4 * step, .seeds = 2 },
		{ .name = "row with faults", .place = beside },
	};
	int bad = 0;
	printf("1..%zu\n", CF_ARRAY_LEN(t));
	for (size_t i = 0; i < CF_ARRAY_LEN(t); i++)
		bad |= run(&t[i], i == 2);
	return bad ? 1 : 0;
}
