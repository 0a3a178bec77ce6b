/* crash-expand.c - the real program dies, or the machine fails it, while it expands a disk past its recovery partition.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: crash-expand COLDFIX FOLDER DISK NAME POINTS
 * Points are changes that an expansion makes to files (its record, the image's length and footer, copies, marker, undo file, the switch),
 * torn at whole sectors, and calls that fail; every one of them if POINTS allows, else as many, evenly spread. After each the next
 * open settles, and the file must be byte for byte what it was, or the new disk, which undo makes byte for byte what it was.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "tests/random.h"

#define SECTOR 512u
#define COPY (256u * 1024) /* bytes: a write of the copy, not of the switch */
#define COPY_TEARS 16u

struct test {
	struct bench b;
	struct watch_trace trace, undo;
	unsigned old, new, failed, refused;
};

struct point {
	size_t event, torn;
	int error; /* 0: killed */
};

static void work(struct test *t, const char *verb, const char *where)
{
	struct bench_run run = BENCH_RUN(verb);
	struct watch_result r;
	bench_run(&t->b, &run, NULL, &r);
	if (r.status != 0)
		bench_wrong(&t->b, where, "%s does not work (%d): %s", verb, r.status, r.text);
	watch_result_free(&r);
}

static void settle(struct test *t, const char *where)
{
	struct cf_error err = { 0 };
	if (bench_open(&t->b, NULL, &err) < 0) {
		bench_wrong(&t->b, where, "the next open fails: %s", err.message);
		return;
	}
	if (bench_count(&t->b, ".coldfix-pending") || bench_count(&t->b, ".coldfix-growing"))
		bench_wrong(&t->b, where, "a marker or a record is still there");
	if (bench_same(t->b.image, t->b.before)) {
		t->old++;
		return;
	}
	t->new++;
	/* Nothing is left to do on the new disk, and undo leads back. */
	work(t, "expand", where);
	work(t, "undo", where);
	if (!bench_same(t->b.image, t->b.before))
		bench_wrong(&t->b, where, "neither old nor new: undo does not bring the first file back");
}

static void at_point(struct test *t, const struct point *p, bool undo)
{
	char where[120];
	struct bench_run run = BENCH_RUN(undo ? "undo" : "expand");
	struct watch_result r;
	bench_reset(&t->b);
	if (undo)
		work(t, "expand", "before undo");
	snprintf(where, sizeof where, "%s, change %zu, %s %zu", run.verb, p->event, p->error ? strerror(p->error) : "torn at", p->torn);
	if (p->error) {
		run.fail_at = p->event;
		run.fail_errno = p->error;
	} else {
		run.die_at = p->event;
		run.torn = p->torn;
	}
	bench_run(&t->b, &run, NULL, &r);
	if (!r.hit)
		bench_wrong(&t->b, where, "was not reached");
	if (p->error && r.status != 0 && r.status != 8)
		bench_wrong(&t->b, where, "ends with status %d: %s", r.status, r.text);
	t->failed += p->error != 0;
	watch_result_free(&r);
	settle(t, where);
}

static void record(struct test *t, const char *verb, struct watch_trace *trace)
{
	struct bench_run run = BENCH_RUN(verb);
	struct watch_result r;
	bench_run(&t->b, &run, trace, &r);
	if (r.status != 0)
		bench_wrong(&t->b, verb, "does not work at all (%d): %s", r.status, r.text);
	watch_result_free(&r);
}

/* Every change, torn at every sector (large copies at some), and every call failing in two ways. */
static struct point *points(const struct watch_trace *trace, size_t *n)
{
	struct point *p = NULL;
	size_t cap = 0;
	*n = 0;
	for (size_t i = 0; i < trace->n; i++) {
		size_t len = trace->e[i].len, torns = trace->e[i].kind == W_WRITE ? (len + SECTOR - 1) / SECTOR : 1;
		/* A copy to where nothing refers to is torn in fewer places. */
		size_t step = len > COPY ? len / COPY_TEARS / SECTOR : 1;
		torns = (torns + step - 1) / step;
		for (size_t k = 0; k < torns + 2; k++) {
			if (*n == cap) {
				cap = cap ? cap * 2 : 256;
				p = reallocarray(p, cap, sizeof *p);
				if (!p)
					abort();
			}
			p[(*n)++] = k < torns ? (struct point){ i, k * step * SECTOR, 0 } : (struct point){ i, 0, k == torns ? EIO : ENOSPC };
		}
	}
	return p;
}

static size_t sweep(struct test *t, const struct watch_trace *trace, bool undo, size_t most)
{
	size_t n, done = 0;
	struct point *p = points(trace, &n);
	uint32_t random = 4711;
	for (size_t i = 0; i < n && i < most; i++, done++) {
		/* Stratified: one point of each n/most, so that short and long parts of the run both count. */
		size_t at = n <= most ? i : (size_t)((double)n / (double)most * ((double)i + next_random(&random) % 1000 / 1000.0));
		at_point(t, &p[at < n ? at : n - 1], undo);
	}
	free(p);
	return done;
}

int main(int argc, char **argv)
{
	struct test t = { .old = 0 };
	if (argc != 6)
		return 2;
	if (!watch_possible()) {
		printf("1..0 # SKIP no seccomp notifications here\n");
		return 0;
	}
	size_t most = strtoul(argv[5], NULL, 10);
	time_t began = time(NULL);
	bench_begin(&t.b, argv[1], argv[2], argv[3]);
	printf("1..2\n");
	record(&t, "expand", &t.trace);
	record(&t, "undo", &t.undo);
	const struct watch_trace *traces[] = { &t.trace, &t.undo };
	for (int i = 0; i < 2; i++) {
		unsigned bad = t.b.bad;
		t.old = t.new = t.failed = 0;
		size_t done = sweep(&t, traces[i], i == 1, i ? (most + 1) / 2 : most);
		printf("%s %d - %s: %s stopped at %zu points of %zu changes (%u of them calls that failed): old %u, new %u, never between\n",
		       t.b.bad == bad ? "ok" : "not ok", i + 1, argv[4], i ? "undo" : "expand", done, traces[i]->n, t.failed, t.old, t.new);
		printf("# %lld s\n", (long long)(time(NULL) - began));
		fflush(stdout);
	}
	watch_trace_free(&t.trace);
	watch_trace_free(&t.undo);
	return t.b.bad ? 1 : 0;
}
