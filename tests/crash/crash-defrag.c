/* crash-defrag.c - a whole defragmentation of an NTFS volume, cut off at its writes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: crash-defrag VOLUME [POINTS [SEED]]     POINTS: how many stops, spread over all events by the seed; 0: every event
 * After any stop and the recovery: every stream of every file has its content, every MFT record all but its mapping pairs, every cluster one
 * owner that $Bitmap knows. From there the work can be done, and with undo the first disk comes back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "block/disk.h"
#include "machine.h"
#include "space/defrag.h"
#include "tests/random.h"
#include "txn/series.h"
#include "volume/mft-check.h"

#define STEP (700 * CF_KIB) /* small transactions, so that there are many */

static const struct cf_txn_fingerprint prints[] = { { 0, 512, "boot sector" } };

/* ---- what must not change ---- */

struct digest {
	struct cf_mft *mft;
	uint8_t *buf;
	uint8_t sum[CF_SHA256_LEN]; /* of all files, whatever their order */
	uint64_t files, bytes;
	bool bad;
};

#define BUF (1u << 20)

static void add(struct digest *d, struct cf_sha256_state *s)
{
	uint8_t hash[CF_SHA256_LEN];
	cf_sha256_end(s, hash);
	unsigned carry = 0;
	for (int i = 0; i < CF_SHA256_LEN; i++) {
		carry += d->sum[i] + hash[i];
		d->sum[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static int digest_file(void *user, const struct cf_mft_file *f)
{
	struct digest *d = user;
	const uint64_t head[] = { f->record, f->sequence, f->link_count, f->attributes, f->reparse_tag, f->created, f->modified, f->changed,
				  f->accessed, f->name_count, f->stream_count, f->extension_count, f->damaged };
	struct cf_sha256_state *s = cf_sha256_new();
	cf_sha256_add(s, head, sizeof head);
	for (size_t i = 0; i < f->name_count; i++)
		cf_sha256_add(s, f->names[i].name.p, f->names[i].name.n);
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *st = &f->streams[i];
		const uint64_t what[] = { st->type, st->flags, st->unit, st->resident, st->damaged, st->size, st->initialized, st->allocated };
		cf_sha256_add(s, what, sizeof what);
		if (st->name.n)
			cf_sha256_add(s, st->name.p, st->name.n);
		/* $MFT, its mirror and $Bitmap say where things are. */
		if ((f->record < 2 || f->record == CF_NTFS_REC_BITMAP || f->record == CF_NTFS_REC_BADCLUS) && !st->resident)
			continue;
		for (uint64_t off = 0; off < st->size; off += BUF) {
			size_t n = (size_t)cf_min_u64(BUF, st->size - off);
			if (cf_mft_read(d->mft, st, off, d->buf, n, NULL) < 0)
				d->bad = true;
			cf_sha256_add(s, d->buf, n);
			d->bytes += n;
		}
	}
	d->files++;
	add(d, s);
	return 0;
}

static int digest(struct cf_block *slice, struct digest *d, struct cf_error *err)
{
	memset(d, 0, sizeof *d);
	d->buf = malloc(BUF);
	d->mft = cf_mft_open(slice, err);
	int r = d->mft && d->buf ? cf_mft_scan(d->mft, digest_file, d, NULL, err) : -1;
	struct cf_extent_check check;
	if (r == 0)
		r = cf_mft_check(d->mft, &check, err);
	if (r == 0 && (d->bad || !cf_extent_check_sound(&check)))
		r = cf_fail(err, CF_E_CORRUPT, "%llu lost, %llu unmarked, %llu cross-linked clusters, or a stream that can't be read",
			    (unsigned long long)check.lost, (unsigned long long)check.unmarked, (unsigned long long)check.cross_linked);
	cf_mft_close(d->mft);
	free(d->buf);
	return r;
}

/* ---- the work ---- */

struct work {
	struct cf_series *series;
};

static int fill(void *user, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	return cf_series_fill(((struct work *)user)->series, off, buf, len, err);
}

static int commit(void *user, struct cf_error *err)
{
	return cf_series_commit(((struct work *)user)->series, prints, CF_ARRAY_LEN(prints), err);
}

static uint64_t held(void *user)
{
	return cf_series_held(((struct work *)user)->series);
}

static int defrag(struct cf_block *disk, const struct cf_txn_place *place, struct cf_defrag_result *result, struct cf_error *err)
{
	struct work w = { .series = cf_series_begin(disk, place, 2 * CF_MIB, err) };
	struct cf_defrag_options opt = { 0 };
	struct cf_defrag_io io = { .fill = fill, .commit = commit, .held = held, .user = &w, .max_held = STEP, .max_data = STEP };
	if (!w.series)
		return -1;
	io.slice = cf_series_block(w.series);
	int r = cf_defrag_run(&io, &opt, NULL, NULL, result, err);
	cf_series_end(w.series);
	return r;
}

/* ---- the stops ---- */

struct test {
	struct cf_block *base;
	struct cf_txn_place place;
	const struct machine *before, *after;
	struct digest want;
	uint64_t stops, undone, finished;
};

static int wrong(const char *where, const char *what, const struct cf_error *err)
{
	fprintf(stderr, "%s: %s%s%s\n", where, what, err ? ": " : "", err ? err->message : "");
	return -1;
}

static int check(struct test *t, struct machine *x, const char *where)
{
	struct cf_error err = { 0 };
	enum cf_recovery what;
	struct digest now;
	struct cf_defrag_result result;
	if (cf_txn_recover(machine_disk(x), &t->place, &what, &err) < 0)
		return wrong(where, "recovery failed", &err);
	if (machine_count_names(x, "pending"))
		return wrong(where, "the marker is still there", NULL);
	if (digest(machine_disk(x), &now, &err) < 0)
		return wrong(where, "the volume is not sound", &err);
	if (now.files != t->want.files || memcmp(now.sum, t->want.sum, sizeof now.sum) != 0)
		return wrong(where, "a file has another content", NULL);
	/* Every few stops: the rest of the way, in one direction or the other. */
	if (t->stops % 8 == 0) {
		if (defrag(machine_disk(x), &t->place, &result, &err) < 0 || digest(machine_disk(x), &now, &err) < 0)
			return wrong(where, "the work can't be finished afterwards", &err);
		if (memcmp(now.sum, t->want.sum, sizeof now.sum) != 0)
			return wrong(where, "after the rest of the work a file has another content", NULL);
		t->finished++;
	} else if (!t->place.no_undo && t->stops % 8 < 4 && !machine_same_disk(x, t->before)) {
		CF_FREE char *path = cf_undo_newest(&t->place, &err);
		if (!path || cf_undo_apply(machine_disk(x), &t->place, path, false, false, NULL, &err) < 0)
			return wrong(where, "undo does not work", &err);
		if (!machine_same_disk(x, t->before))
			return wrong(where, "undo gives another disk", NULL);
		t->undone++;
	}
	return 0;
}

static int stop_at(struct test *t, const struct machine *m, size_t event, uint32_t random)
{
	char where[120];
	const struct event *e = event < m->n_events ? &m->events[event] : NULL;
	size_t len = e ? e->len : 0, torn = len ? random / 8 % len / 512 * 512 : 0;
	bool power = random & 1;
	uint32_t seed = random >> 1 & 3;
	snprintf(where, sizeof where, "%s at event %zu of %zu (%s, %zu of %zu bytes), seed %u", power ? "power cut" : "process death", event,
		 m->n_events, e ? machine_event_name(e) : "the end", power ? len : torn, len, seed);
	struct machine *x = machine_crash(m, event, power ? len : torn, power ? CRASH_POWER : CRASH_PROCESS, power ? seed : 1);
	machine_install(x);
	int r = check(t, x, where);
	machine_install(NULL);
	machine_free(x);
	t->stops++;
	return r;
}

static int sweep(struct test *t, const struct machine *m, unsigned points, uint32_t seed)
{
	uint32_t state = seed | 1;
	size_t n = points ? points : m->n_events + 1;
	for (size_t i = 0; i < n; i++)
		if (stop_at(t, m, points ? next_random(&state) % (m->n_events + 1) : i, next_random(&state)) < 0)
			return -1;
	return 0;
}

static int run(struct cf_block *base, bool no_undo, unsigned points, uint32_t seed)
{
	struct test t = { .base = base,
			  .place = { .state_base = "/nowhere/disk.img", .disk_id = "id", .disk_path = "disk.img", .no_undo = no_undo } };
	struct cf_error err = { 0 };
	struct cf_defrag_result result = { 0 };
	struct cf_defrag_plan plan = { .disk = base, .size = base->size, .max_part = STEP };
	struct machine *before = machine_new(base), *m = machine_new(base), *after = NULL;
	static int number;
	int r = digest(base, &t.want, &err);
	if (r == 0)
		r = cf_defrag_plan(&plan, &err);
	machine_install(m);
	machine_record(m);
	if (r == 0)
		r = defrag(machine_disk(m), &t.place, &result, &err);
	m->recording = false;
	t.before = before;
	if (r < 0)
		wrong("the work", "failed", &err);
	else if (result.steps < 4 || result.made_whole < 4)
		r = wrong("the work", "is too small to show anything", NULL);
	else if (result.moved != plan.result.moved || result.made_whole != plan.result.made_whole || result.no_room != plan.result.no_room)
		r = wrong("the work", "is not what was planned", NULL);
	else if (result.no_room != 1)
		r = wrong("the file whose MFT record is full", "was moved, or others were not", NULL);
	machine_install(NULL);
	t.after = after = machine_clone(m);
	if (r == 0)
		r = sweep(&t, m, points, seed);
	printf("%s %d - defrag%s: %" PRIu64 " bytes moved in %" PRIu64 " steps, %zu events, %" PRIu64 " stops, %" PRIu64 " undone, %" PRIu64
	       " finished from there\n", r == 0 ? "ok" : "not ok", ++number, no_undo ? " without undo" : "", result.moved, result.steps,
	       m->n_events, t.stops, t.undone, t.finished);
	fflush(stdout);
	machine_free(before);
	machine_free(after);
	machine_free(m);
	return r;
}

int main(int argc, char **argv)
{
	struct cf_error err;
	unsigned points = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 30;
	uint32_t seed = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 7;
	struct cf_disk *base = argc > 1 ? cf_disk_open(argv[1], &(struct cf_disk_options){ .format = "raw" }, &err) : NULL;
	if (!base) {
		printf("Bail out! usage: crash-defrag VOLUME [POINTS [SEED]]\n");
		return 1;
	}
	printf("1..2\n");
	int bad = run(base->block, false, points, seed);
	bad |= run(base->block, true, points, seed + 1);
	cf_disk_close(base);
	return bad ? 1 : 0;
}
