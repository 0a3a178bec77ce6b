/* machine.h - a machine that can die: files and a disk in memory, every write and sync recorded.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stands behind cf_stable_set_hook, so that undo file, marker and disk live here. From the recorded trace,
 * machine_crash makes the machine as it may be found after its process or its power went away at any event.
 */
#ifndef TESTS_CRASH_MACHINE_H
#define TESTS_CRASH_MACHINE_H

#include "base/overflow.h"
#include "txn/overlay.h"
#include "txn/stable.h"

#define MACHINE_NAMES 16   /* names in use at a time */
#define MACHINE_HANDLES 16

struct machine_file {
	int id;
	uint8_t *data;
	size_t size;
};

enum event_kind {
	EV_CREATE, EV_WRITE, EV_ALLOCATE, EV_SYNC, EV_SYNC_FOLDER, EV_RENAME, EV_UNLINK, EV_DISK_WRITE, EV_DISK_FLUSH
};

struct event {
	enum event_kind kind;
	int file;          /* id */
	char *path, *to;   /* names, folder */
	uint64_t off;      /* or size */
	uint8_t *data;
	size_t len;
};

struct machine {
	struct cf_stable hook;
	struct cf_txn *disk; /* changes over the base disk */
	struct cf_block *base;
	struct { char *path; struct machine_file *file; } names[MACHINE_NAMES];
	struct machine_file *files[64]; /* all that ever were */
	int n_files;
	struct machine_file *handles[MACHINE_HANDLES];
	/* what can go wrong */
	uint64_t room;        /* bytes that statfs reports */
	uint64_t fs_type;
	uint64_t calls;       /* operations so far that can fail */
	uint64_t fail_at;     /* the operation that fails, from 1; 0: none */
	bool fail_forever;    /* and every later one */
	int fail_errno;
	/* the trace since machine_record */
	struct event *events;
	size_t n_events, cap_events;
	bool recording;
	struct machine *start; /* as it was when recording began */
};

enum crash_mode { CRASH_PROCESS, CRASH_POWER };

/* base is borrowed and never written. Aborts the test program when memory runs out, as everything here does. */
struct machine *machine_new(struct cf_block *base);
void machine_free(struct machine *m);
struct machine *machine_clone(const struct machine *m);

void machine_install(struct machine *m); /* NULL: the real machine again */
struct cf_block *machine_disk(struct machine *m);

void machine_record(struct machine *m);

/* Installs m, records, and runs a whole command through the public interface; m stays installed. 0: its exit status was 0; -1 with a line on stderr. */
int machine_command(struct machine *m, const struct cf_request *request);

/* The machine after `point` whole events and `torn` bytes of the next one. With CRASH_POWER whatever was not synced by then
 * is there or not, sector by sector, as seed decides (0: nothing of it, 1: all of it). */
struct machine *machine_crash(const struct machine *m, size_t point, size_t torn, enum crash_mode mode, uint32_t seed);

/* Makes m's recording the continuation of what `dead` recorded up to its death there: a process that died took nothing
 * with it, but left much that was never synced and that a power cut may still take. m: from machine_crash, CRASH_PROCESS. */
void machine_carry_on(struct machine *m, const struct machine *dead, size_t point, size_t torn);

/* Do both disks hold the same bytes? */
bool machine_same_disk(const struct machine *a, const struct machine *b);
bool machine_has(const struct machine *m, const char *path);
struct machine_file *machine_file(const struct machine *m, const char *path);
int machine_count_names(const struct machine *m, const char *substring);
const char *machine_event_name(const struct event *e);

#endif
