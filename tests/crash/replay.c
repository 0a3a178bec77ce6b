/* replay.c - what a real program did, carried over to a machine that can die.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "replay.h"

#include <string.h>

#define SECTOR 512u

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

uint64_t replay_points(const struct watch_trace *t)
{
	uint64_t points = 1;
	for (size_t i = 0; i < t->n; i++) {
		points++;
		if (t->e[i].kind == W_WRITE && t->e[i].len > SECTOR)
			points += (t->e[i].len - 1) / SECTOR;
	}
	return points;
}

/* Files get the numbers that the machine would have given them. */
struct names {
	struct { char path[1200]; int file; } name[MACHINE_NAMES];
	int n, last;
};

static int find(const struct names *l, const char *path)
{
	for (int i = 0; i < l->n; i++)
		if (strcmp(l->name[i].path, path) == 0)
			return i;
	return -1;
}

static void add(struct names *l, const char *path, int file)
{
	if (l->n == MACHINE_NAMES)
		abort();
	snprintf(l->name[l->n].path, sizeof l->name[0].path, "%s", path);
	l->name[l->n++].file = file;
}

/* The event as the machine has it; false: it is of no file of the transaction. */
static bool convert(struct names *l, const struct bench *b, const struct watch_event *w, struct event *e)
{
	memset(e, 0, sizeof *e);
	bool image = strcmp(w->path, b->image) == 0;
	int i = find(l, w->path);
	if (w->kind == W_SYNC && w->folder) {
		e->kind = EV_SYNC_FOLDER;
		e->path = must(strdup(w->path));
		return true;
	}
	if (image) {
		if (w->kind != W_WRITE && w->kind != W_SYNC)
			abort(); /* an image never changes otherwise */
		e->kind = w->kind == W_WRITE ? EV_DISK_WRITE : EV_DISK_FLUSH;
	} else if (w->kind == W_CREATE && (strstr(w->path, ".coldfix-pending") || strstr(w->path, ".coldfix-undo"))) {
		e->kind = EV_CREATE;
		e->file = ++l->last;
		e->path = must(strdup(w->path));
		add(l, w->path, e->file);
		return true;
	} else if (i >= 0) {
		static const enum event_kind kinds[] = { [W_WRITE] = EV_WRITE, [W_ALLOCATE] = EV_ALLOCATE, [W_SYNC] = EV_SYNC,
							 [W_RENAME] = EV_RENAME, [W_UNLINK] = EV_UNLINK };
		if (w->kind == W_CREATE || w->kind == W_TRUNCATE)
			abort();
		e->kind = kinds[w->kind];
		e->file = l->name[i].file;
		if (w->kind == W_RENAME || w->kind == W_UNLINK) {
			e->path = must(strdup(w->path));
			e->to = w->to ? must(strdup(w->to)) : NULL;
			l->name[i] = l->name[--l->n];
			if (w->to)
				add(l, w->to, e->file);
		}
	} else {
		return false;
	}
	e->off = w->off;
	if (w->kind == W_WRITE) {
		e->len = w->len;
		e->data = must(malloc(w->len + 1));
		memcpy(e->data, w->data, w->len);
	}
	return true;
}

void replay_load(struct machine *m, const struct bench *b, const struct watch_trace *t, uint64_t *left_out)
{
	struct names l = { .n = 0 };
	machine_record(m);
	m->recording = false;
	for (int i = 0; i < MACHINE_NAMES; i++)
		if (m->names[i].path)
			add(&l, m->names[i].path, m->names[i].file->id);
	for (int i = 0; i < m->n_files; i++)
		if (m->files[i]->id > l.last)
			l.last = m->files[i]->id;
	m->events = must(calloc(t->n ? t->n : 1, sizeof *m->events));
	m->cap_events = t->n;
	*left_out = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (convert(&l, b, &t->e[i], &m->events[m->n_events])) {
			m->n_events++;
			continue;
		}
		struct watch_trace one = { .e = &t->e[i], .n = 1 };
		*left_out += replay_points(&one) - 1;
	}
}
