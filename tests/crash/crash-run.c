/* crash-run.c - a whole `coldfix repair` of a factory disk, cut off everywhere.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: crash-run NAME BEFORE.raw DISK.raw    (both the same disk; DISK.raw is repaired)
 * The command runs as users run it, through cf_run; only its files and the order of its writes are the machine's. What it
 * wrote is then the change that the harness plays.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block/disk.h"
#include "harness.h"

/* The recorded writes to the disk, made on an overlay. */
static int same_again(void *user, struct cf_block *overlay, struct cf_error *err)
{
	const struct machine *m = user;
	for (size_t i = 0; i < m->n_events; i++)
		if (m->events[i].kind == EV_DISK_WRITE &&
		    cf_block_write(overlay, m->events[i].off, m->events[i].data, m->events[i].len, err) < 0)
			return -1;
	return 0;
}

static int run(const char *name, struct cf_block *base, const char *disk, struct crash_counts *counts)
{
	CF_FREE char *path = realpath(disk, NULL);
	CF_FREE char *undo_file = NULL;
	struct machine *before = machine_new(base), *m = machine_new(base), *after = NULL, *undone = NULL;
	struct cf_undo_info info;
	struct cf_error err = { 0 };
	int r = -1;
	if (!path || machine_command(m, &(struct cf_request){ .command = CF_REPAIR, .disk = path, .no_backup = 1 }) < 0)
		goto out;
	after = machine_crash(m, m->n_events, 0, CRASH_PROCESS, 1);
	struct crash_plan plan = { .name = name, .base = base, .change = same_again, .user = m, .step = 512, .seeds = 6,
				   .nested = 40,
				   .place = { .state_base = path, .disk_path = path, .disk_id = info.disk_id } };
	undo_file = cf_undo_newest(&plan.place, &err);
	if (!undo_file || cf_undo_read_info(undo_file, &info, &err) < 0) {
		fprintf(stderr, "%s: %s\n", name, err.message);
		goto out;
	}
	if (machine_same_disk(before, after))
		fprintf(stderr, "%s: the repair changed nothing\n", name);
	else if (crash_sweep(&plan, m, before, after, counts) == 0)
		r = crash_undo(&plan, undone = machine_clone(after), before, after, counts);
out:
	machine_install(NULL);
	machine_free(before);
	machine_free(after);
	machine_free(undone);
	machine_free(m);
	return r;
}

int main(int argc, char **argv)
{
	struct cf_error err;
	struct crash_counts c = { 0 };
	if (argc != 4)
		return 2;
	struct cf_disk *base = cf_disk_open(argv[2], &(struct cf_disk_options){ .format = "raw" }, &err);
	if (!base) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	int r = run(argv[1], base->block, argv[3], &c);
	printf("%s: %" PRIu64 " events, %" PRIu64 " crashes, %" PRIu64 " more during recovery (old %" PRIu64 ", new %" PRIu64
	       ")\n", argv[1], c.events, c.states, c.nested, c.rolled_back, c.kept_new);
	cf_disk_close(base);
	return r == 0 ? 0 : 1;
}
