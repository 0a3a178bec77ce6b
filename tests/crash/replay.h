/* replay.h - what a real program did, carried over to a machine that can die.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_CRASH_REPLAY_H
#define TESTS_CRASH_REPLAY_H

#include "bench.h"
#include "harness.h"

/* Gives m (whose state is the one at the beginning of the trace) the trace as its recording. What happened to files that
 * recovery never looks at (the backup) is left out; *left_out: events and tears of them. */
void replay_load(struct machine *m, const struct bench *b, const struct watch_trace *t, uint64_t *left_out);

/* Death points of a trace: before each event, at each 512 bytes inside a write, and at the end. */
uint64_t replay_points(const struct watch_trace *t);

#endif
