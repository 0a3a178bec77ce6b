/* crash-repair.c - the real program dies, or the machine fails it, at every change that a repair or an undo makes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: crash-repair COLDFIX FOLDER DISK NAME
 * Three ways, from the same recorded run: (1) the program is run again for each of its changes and killed there, or told
 * that the call failed, and the next open must settle; (2) each state between, torn every 512 bytes, is made in memory
 * and recovery let loose on it, also cut off in its turn; (3) the same after a power cut that loses any of what was not
 * synced. In the end the disk must be byte for byte what it was before or what the repair makes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "bench.h"
#include "block/file.h"
#include "replay.h"
#include "tests/random.h"

#define FULL_FLOWS 20u /* deaths after which everything is done once more: repair, diagnose, undo */

struct test {
	struct bench b;
	const char *name;
	char old[1100], done[1100], dead[1100]; /* folders: before the repair, after it, after a death */
	char after[1200];                       /* the image in done */
	struct watch_trace repair, undo;
	char id[80];
	unsigned n;
	uint32_t random;
	time_t began;
};

/* What a verb makes of what. */
struct side {
	const char *verb, *start;      /* start: folder */
	const char *from, *to;         /* images; to: NULL when each run has its own */
	const struct watch_trace *trace;
};

static void result(struct test *t, unsigned bad_before, const char *fmt, ...) CF_PRINTF(3, 4);
static void result(struct test *t, unsigned bad_before, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("%s %u - %s: ", t->b.bad == bad_before ? "ok" : "not ok", ++t->n, t->name);
	vprintf(fmt, ap);
	printf("\n# %lld s so far\n", (long long)(time(NULL) - t->began));
	fflush(stdout);
	va_end(ap);
}

/* ---- the program itself ---- */

static bool flushed(const struct bench *b, const struct watch_trace *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->e[i].kind == W_SYNC && strcmp(t->e[i].path, b->image) == 0)
			return true;
	return false;
}

/* Which of the two the image is: 0 old, 1 new, -1 neither. got: what the run did to it. */
static int which(struct test *t, const struct side *s, const struct watch_trace *got)
{
	const char *new = s->to;
	if (bench_same(t->b.image, s->from))
		return 0;
	if (!new && flushed(&t->b, got)) {
		bench_expect(&t->b, got);
		new = t->b.expected;
	}
	return new && bench_same(t->b.image, new) ? 1 : -1;
}

/* Settles what was left in this process, then looks at what there is. 0 old, 1 new, -1 wrong. */
static int settle(struct test *t, const struct side *s, const struct watch_trace *got, const char *where)
{
	struct cf_error err = { 0 };
	if (bench_open(&t->b, NULL, &err) < 0) {
		bench_wrong(&t->b, where, "the next open fails: %s", err.message);
		return -1;
	}
	int is = which(t, s, got);
	bool undo = strcmp(s->verb, "undo") == 0;
	if (is < 0)
		bench_wrong(&t->b, where, "the disk is in between");
	if (bench_count(&t->b, ".coldfix-pending"))
		bench_wrong(&t->b, where, "the marker is still there");
	unsigned files = bench_count(&t->b, ".coldfix-undo"), done = bench_count(&t->b, ".undone");
	bool old = undo ? is == 1 : is == 0;
	if (is >= 0 && files - done != (old ? 0 : 1))
		bench_wrong(&t->b, where, "%u undo files beside %s disk", files - done, old ? "an old" : "a new");
	return is;
}

/* Runs a verb that must succeed. */
static void must_work(struct test *t, const char *verb, const char *where)
{
	struct bench_run run = BENCH_RUN(verb);
	struct watch_result r;
	bench_run(&t->b, &run, NULL, &r);
	if (r.status != 0 && r.status != 4)
		bench_wrong(&t->b, where, "%s does not work afterwards (%d): %s", verb, r.status, r.text);
	watch_result_free(&r);
}

/* From an old or new disk: repair, diagnose, undo. */
static void full_flow(struct test *t, const char *where)
{
	must_work(t, "repair", where);
	if (!bench_is_right(&t->b))
		bench_wrong(&t->b, where, "after the repair diagnose still finds what was repaired");
	must_work(t, "undo", where);
	if (!bench_same(t->b.image, t->b.before))
		bench_wrong(&t->b, where, "undo does not bring the first disk back");
}

static void describe(char *out, size_t size, const struct side *s, const char *what, size_t n, size_t torn)
{
	const struct watch_event *e = n < s->trace->n ? &s->trace->e[n] : NULL;
	const char *name = e ? strrchr(e->path, '/') : NULL;
	snprintf(out, size, "%s, %s at event %zu of %zu (%s %s, %zu of %zu bytes)", s->verb, what, n, s->trace->n,
		 e ? watch_name(e->kind) : "", name ? name + 1 : "the end", torn, e ? e->len : 0);
}

static bool in_backup(const struct watch_event *e)
{
	return strstr(e->path, ".coldfix-backup") != NULL;
}

struct deaths {
	uint64_t runs, old, new, full;
};

static void die_once(struct test *t, const struct side *s, size_t n, size_t torn, bool full, struct deaths *d)
{
	char where[300];
	struct bench_run run = BENCH_RUN(s->verb);
	struct watch_trace got = { 0 };
	struct watch_result r;
	describe(where, sizeof where, s, "death", n, torn);
	bench_copy_folder(s->start, t->b.folder);
	run.die_at = n;
	run.torn = torn;
	bench_run(&t->b, &run, &got, &r);
	if (!r.hit)
		bench_wrong(&t->b, where, "the run is not like the recorded one: %s", r.text);
	bool undo = strcmp(s->verb, "undo") == 0;
	if (!undo && in_backup(&s->trace->e[n])) {
		/* Nothing was begun but the backup: no recovery, the next repair just works. */
		if (!bench_same(t->b.image, s->from))
			bench_wrong(&t->b, where, "the disk was changed before the backup was made");
		d->old++;
		if (!full)
			must_work(t, "repair", where);
	} else {
		int is = settle(t, s, &got, where);
		d->old += is == 0;
		d->new += is == 1;
	}
	d->runs++;
	if (full) {
		d->full++;
		full_flow(t, where);
	}
	watch_result_free(&r);
	watch_trace_free(&got);
}

/* Killed at each event; writes also when half of them is done. */
static void deaths(struct test *t, const struct side *s)
{
	struct deaths d = { 0 };
	unsigned bad = t->b.bad;
	uint32_t every = (uint32_t)(2 * s->trace->n / FULL_FLOWS) + 1;
	for (size_t n = 0; n < s->trace->n; n++) {
		const struct watch_event *e = &s->trace->e[n];
		size_t half = e->kind == W_WRITE ? (e->len + 1023) / 1024 * 512 : 0;
		die_once(t, s, n, 0, next_random(&t->random) % every == 0, &d);
		if (half && half < e->len && !in_backup(e))
			die_once(t, s, n, half, next_random(&t->random) % every == 0, &d);
	}
	result(t, bad, "%s: the program killed %" PRIu64 " times, at each of its %zu changes: disk old %" PRIu64 ", new %" PRIu64
	       "; repair, diagnose and undo afterwards %" PRIu64 " times", s->verb, d.runs, s->trace->n, d.old, d.new, d.full);
}

/* A repair dies, and the one that takes it back dies too, at each of its changes. */
static void deaths_of_recovery(struct test *t, const struct side *s, unsigned first_deaths)
{
	uint64_t runs = 0;
	unsigned bad = t->b.bad;
	size_t first = 0;
	while (first < s->trace->n && strcmp(s->trace->e[first].path, t->b.image) != 0)
		first++;
	for (unsigned i = 0; i < first_deaths; i++) {
		char where[300];
		/* From the first write of the disk on: evenly over what comes after. */
		size_t n = first + 1 + i * (s->trace->n - first - 1) / first_deaths;
		struct bench_run run = BENCH_RUN(s->verb);
		struct watch_result r;
		struct watch_trace got = { 0 };
		bench_copy_folder(s->start, t->b.folder);
		run.die_at = n;
		bench_run(&t->b, &run, &got, &r);
		watch_result_free(&r);
		bench_copy_folder(t->b.folder, t->dead);
		for (size_t at = 0;; at++) {
			struct watch_trace ignored = { 0 };
			struct bench_run again = BENCH_RUN("repair");
			describe(where, sizeof where, s, "death", n, 0);
			snprintf(where + strlen(where), sizeof where - strlen(where), ", again at %zu", at);
			bench_copy_folder(t->dead, t->b.folder);
			again.die_at = at;
			again.torn = at % 2 * 512; /* every second one in the middle of a write, if it is one */
			bench_run(&t->b, &again, &ignored, &r);
			bool over = !r.hit || (ignored.n && in_backup(&ignored.e[ignored.n - 1]));
			watch_result_free(&r);
			watch_trace_free(&ignored);
			if (over)
				break;
			settle(t, s, &got, where);
			runs++;
		}
		watch_trace_free(&got);
	}
	result(t, bad, "%s: killed again %" PRIu64 " times while an earlier death is settled", s->verb, runs);
}

struct faults {
	uint64_t runs, failed, shrugged, later;
};

static void fail_once(struct test *t, const struct side *s, size_t n, int error, struct faults *f)
{
	char where[300];
	struct bench_run run = BENCH_RUN(s->verb);
	struct watch_trace got = { 0 };
	struct watch_result r;
	describe(where, sizeof where, s, strerror(error), n, 0);
	bench_copy_folder(s->start, t->b.folder);
	run.fail_at = n;
	run.fail_errno = error;
	bench_run(&t->b, &run, &got, &r);
	f->runs++;
	int is = which(t, s, &got);
	bool recorded = !strstr(r.text, "could not be recorded"), half = strstr(r.text, "the next open") != NULL;
	if (!r.hit)
		bench_wrong(&t->b, where, "the run is not like the recorded one: %s", r.text);
	if (r.status == 8) {
		f->failed++;
		f->later += is != 0;
		if (is != 0 && recorded && !(half && error == ENOSPC))
			bench_wrong(&t->b, where, "failed, but the disk is not as it was: %s", r.text);
		if (strlen(r.text) < 20)
			bench_wrong(&t->b, where, "failed without saying why: %s", r.text);
	} else if (r.status == 0 || r.status == 4) {
		f->shrugged++;
		if (is != 1)
			bench_wrong(&t->b, where, "success, but the disk is not new: %s", r.text);
	} else {
		bench_wrong(&t->b, where, "exit status %d: %s", r.status, r.text);
	}
	if (error == EIO && s->trace->e[n].kind != W_UNLINK && in_backup(&s->trace->e[n]) &&
	    bench_count(&t->b, ".coldfix-undo"))
		bench_wrong(&t->b, where, "went on without its backup");
	if (s->trace->e[n].kind != W_UNLINK && in_backup(&s->trace->e[n]) && bench_count(&t->b, ".coldfix-"))
		bench_wrong(&t->b, where, "left something behind");
	settle(t, s, &got, where);
	watch_result_free(&r);
	watch_trace_free(&got);
}

/* Each change fails: with EIO once and half done, with ENOSPC so that there is no room from there on. */
static void faults(struct test *t, const struct side *s)
{
	struct faults f = { 0 };
	unsigned bad = t->b.bad;
	for (size_t n = 0; n < s->trace->n; n++) {
		enum watch_kind kind = s->trace->e[n].kind;
		fail_once(t, s, n, EIO, &f);
		if (kind == W_CREATE || kind == W_WRITE || kind == W_ALLOCATE || kind == W_MAKE_FOLDER)
			fail_once(t, s, n, ENOSPC, &f);
	}
	result(t, bad, "%s: %" PRIu64 " runs with a failing call: %" PRIu64 " failed with a reason, %" PRIu64
	       " succeeded all the same, %" PRIu64 " were settled by the next open", s->verb, f.runs, f.failed, f.shrugged, f.later);
}

/* ---- in memory ---- */

static int make_change(void *user, struct cf_block *overlay, struct cf_error *err)
{
	const struct test *t = user;
	for (size_t i = 0; i < t->repair.n; i++) {
		const struct watch_event *e = &t->repair.e[i];
		if (e->kind == W_WRITE && strcmp(e->path, t->b.image) == 0 &&
		    cf_block_write(overlay, e->off, e->data, e->len, err) < 0)
			return -1;
	}
	return 0;
}

static void replay(struct test *t)
{
	struct stat st;
	int fd = open(t->b.before, O_RDONLY | O_CLOEXEC);
	struct cf_block *base = fd >= 0 && fstat(fd, &st) == 0 ?
				cf_raw_open(fd, t->b.before, (uint64_t)st.st_size, 512, true, NULL) : NULL;
	if (!base)
		abort();
	struct crash_plan plan = {
		.name = t->name, .base = base, .change = make_change, .user = t, .step = 512, .seeds = 30, .nested = 41,
		.place = { .state_base = t->b.image, .disk_id = t->id, .disk_path = t->b.image },
	};
	const struct watch_trace *traces[] = { &t->repair, &t->undo };
	struct machine *before = machine_new(base), *m = machine_new(base), *after = NULL;
	for (int i = 0; i < 2; i++) {
		struct crash_counts c = { 0 };
		uint64_t left_out;
		unsigned bad = t->b.bad;
		replay_load(m, &t->b, traces[i], &left_out);
		struct machine *end = machine_crash(m, m->n_events, 0, CRASH_PROCESS, 1);
		if (i == 0)
			after = machine_clone(end);
		if (machine_same_disk(before, after) || !machine_same_disk(end, i == 0 ? after : before))
			bench_wrong(&t->b, "replay", "the recorded run does not lead where it must");
		if (crash_sweep(&plan, m, before, after, &c) < 0)
			bench_wrong(&t->b, "replay", "see standard error");
		result(t, bad, "%s: %" PRIu64 " points (writes torn at 512-byte steps included; %" PRIu64 " of them in the backup), %"
		       PRIu64 " states after death or power cut, %" PRIu64 " more cut off during recovery: old %" PRIu64 ", new %"
		       PRIu64 ", never between", i ? "undo" : "repair", replay_points(traces[i]), left_out, c.states, c.nested,
		       c.rolled_back, c.kept_new);
		machine_free(m);
		m = end;
	}
	machine_free(before);
	machine_free(after);
	machine_free(m);
	cf_block_close(base);
}

/* ---- */

static void record(struct test *t, const char *verb, struct watch_trace *trace)
{
	struct bench_run run = BENCH_RUN(verb);
	struct watch_result r;
	bench_run(&t->b, &run, trace, &r);
	if (r.status != 0 && r.status != 4)
		bench_wrong(&t->b, verb, "does not work at all (%d): %s", r.status, r.text);
	watch_result_free(&r);
}

/* The runs that everything is compared with. */
static void prepare(struct test *t)
{
	struct cf_error err;
	unsigned bad = t->b.bad;
	if (bench_open(&t->b, t->id, &err) < 0)
		bench_wrong(&t->b, "open", "%s", err.message);
	bench_copy_folder(t->b.folder, t->old);
	record(t, "repair", &t->repair);
	bench_copy_folder(t->b.folder, t->done);
	if (!bench_is_right(&t->b))
		bench_wrong(&t->b, "repair", "diagnose still finds what was repaired");
	bench_expect(&t->b, &t->repair);
	if (!bench_same(t->b.image, t->b.expected))
		bench_wrong(&t->b, "repair", "the disk holds something else than was written: a write was not seen");
	record(t, "undo", &t->undo);
	if (!bench_same(t->b.image, t->b.before))
		bench_wrong(&t->b, "undo", "does not bring the first disk back");
	result(t, bad, "repair makes %zu changes to files, undo %zu", t->repair.n, t->undo.n);
}

int main(int argc, char **argv)
{
	struct test t = { .random = 20240917, .began = time(NULL) };
	if (argc < 5)
		return 2;
	if (!watch_possible()) {
		printf("1..0 # SKIP no seccomp notifications here\n");
		return 0;
	}
	t.name = argv[4];
	bench_begin(&t.b, argv[1], argv[2], argv[3]);
	snprintf(t.old, sizeof t.old, "%.1000s.old", t.b.folder);
	snprintf(t.done, sizeof t.done, "%.1000s.done", t.b.folder);
	snprintf(t.dead, sizeof t.dead, "%.1000s.dead", t.b.folder);
	snprintf(t.after, sizeof t.after, "%s%s", t.done, strrchr(t.b.image, '/'));
	printf("1..9\n");
	prepare(&t);
	const struct side repair = { "repair", t.old, t.b.before, NULL, &t.repair };
	const struct side undo = { "undo", t.done, t.after, t.b.before, &t.undo };
	if (t.b.bad == 0) {
		replay(&t);
		deaths(&t, &repair);
		deaths(&t, &undo);
		deaths_of_recovery(&t, &repair, 4);
		deaths_of_recovery(&t, &undo, 2);
		faults(&t, &repair);
		faults(&t, &undo);
	}
	watch_trace_free(&t.repair);
	watch_trace_free(&t.undo);
	return t.b.bad ? 1 : 0;
}
