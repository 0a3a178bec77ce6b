/* crash-container.c - coldfix and its QEMU process die at random while they repair a disk in a container.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: crash-container COLDFIX FOLDER DISK NAME VERIFY-GUEST
 * What is compared is what the guest sees, by qemu-img's reading of the container and not ours.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/overflow.h"
#include "bench.h"
#include "tests/random.h"

#define KILLS 20u

struct test {
	struct bench b;
	const char *verify;
	char before[100];
};

static void guest_hash(const struct test *t, char out[100])
{
	CF_FREE char *command = NULL;
	out[0] = 0;
	if (asprintf(&command, "'%s' '%s'", t->verify, t->b.image) < 0)
		abort();
	FILE *p = popen(command, "re");
	if (!p || !fgets(out, 100, p))
		out[0] = 0;
	if (p)
		pclose(p);
	if (strlen(out) < 64) {
		printf("Bail out! %s gives no hash\n", command);
		exit(1);
	}
	out[64] = 0;
}

/* qemu-img check: 0 clean, 3 leaked clusters only. */
static void check_container(struct test *t, const char *where, unsigned *leaks)
{
	CF_FREE char *command = NULL;
	if (asprintf(&command, "qemu-img check -q '%s' >/dev/null 2>&1", t->b.image) < 0)
		abort();
	int status = system(command);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	*leaks += code == 3;
	if (code != 0 && code != 3)
		bench_wrong(&t->b, where, "qemu-img check gives %d", code);
}

static bool work(struct test *t, const char *verb, const char *where, size_t *events)
{
	struct bench_run run = BENCH_RUN(verb);
	struct watch_result r;
	bench_run(&t->b, &run, NULL, &r);
	bool works = r.status == 0 || r.status == 4;
	if (!works)
		bench_wrong(&t->b, where, "%s does not work (%d): %s", verb, r.status, r.text);
	if (events)
		*events = r.events;
	watch_result_free(&r);
	return works;
}

static void kill_once(struct test *t, size_t at, bool alone, unsigned counts[2], unsigned *leaks)
{
	char where[100], now[100];
	struct bench_run run = BENCH_RUN("repair");
	struct watch_result r;
	struct cf_error err = { 0 };
	snprintf(where, sizeof where, "killed %s at change %zu", alone ? "alone" : "with its QEMU", at);
	bench_reset(&t->b);
	run.die_at = at;
	run.alone = alone;
	bench_run(&t->b, &run, NULL, &r);
	watch_result_free(&r);
	if (bench_open(&t->b, NULL, &err) < 0) {
		bench_wrong(&t->b, where, "the next open fails: %s", err.message);
		return;
	}
	check_container(t, where, leaks);
	guest_hash(t, now);
	bool old = strcmp(now, t->before) == 0;
	counts[!old]++;
	if (old)
		work(t, "repair", where, NULL);
	if (!bench_is_right(&t->b))
		bench_wrong(&t->b, where, "the disk is neither old nor repaired");
	work(t, "undo", where, NULL);
	guest_hash(t, now);
	if (strcmp(now, t->before) != 0)
		bench_wrong(&t->b, where, "undo does not bring the first disk back");
	if (bench_count(&t->b, ".coldfix-pending"))
		bench_wrong(&t->b, where, "the marker is still there");
}

int main(int argc, char **argv)
{
	struct test t = { .verify = NULL };
	uint32_t random = 77;
	unsigned counts[2] = { 0, 0 }, leaks = 0, reached = 0;
	size_t events = 0;
	if (argc != 6)
		return 2;
	if (!watch_possible()) {
		printf("1..0 # SKIP no seccomp notifications here\n");
		return 0;
	}
	t.verify = argv[5];
	time_t began = time(NULL);
	bench_begin(&t.b, argv[1], argv[2], argv[3]);
	guest_hash(&t, t.before);
	printf("1..1\n");
	if (work(&t, "repair", "first repair", &events) && events) {
		/* The last two thirds: what comes before is the backup. */
		for (unsigned i = 0; i < KILLS; i++, reached++)
			kill_once(&t, events / 3 + next_random(&random) % (events - events / 3), i % 2, counts, &leaks);
	}
	printf("%s 1 - %s: killed at %u of %zu changes (container's own included), each second time with its QEMU: guest old %u, "
	       "new %u, containers with leaks %u, corrupt 0\n", t.b.bad ? "not ok" : "ok", argv[4], reached, events, counts[0],
	       counts[1], leaks);
	printf("# %lld s\n", (long long)(time(NULL) - began));
	return t.b.bad ? 1 : 0;
}
