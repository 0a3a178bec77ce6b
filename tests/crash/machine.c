/* machine.c - a machine that can die.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The model is harsher than real ones: names that were not synced come and go independently of each other, and data
 * that was not synced survives in any set of sectors. What a sync covered survives.
 */
#include "machine.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/result.h"
#include "tests/random.h"

#define SECTOR 512u

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* ---- files ---- */

static int find_name(const struct machine *m, const char *path)
{
	for (int i = 0; i < MACHINE_NAMES; i++)
		if (m->names[i].path && strcmp(m->names[i].path, path) == 0)
			return i;
	return -1;
}

static struct machine_file *file_by_id(const struct machine *m, int id)
{
	for (int i = 0; i < m->n_files; i++)
		if (m->files[i]->id == id)
			return m->files[i];
	return NULL;
}

static struct machine_file *add_file(struct machine *m, int id)
{
	if (m->n_files == (int)CF_ARRAY_LEN(m->files))
		abort();
	struct machine_file *f = must(calloc(1, sizeof *f));
	f->id = id;
	m->files[m->n_files++] = f;
	return f;
}

static void add_name(struct machine *m, const char *path, struct machine_file *f)
{
	for (int i = 0; i < MACHINE_NAMES; i++)
		if (!m->names[i].path) {
			m->names[i].path = must(strdup(path));
			m->names[i].file = f;
			return;
		}
	abort();
}

static void drop_name(struct machine *m, int i)
{
	free(m->names[i].path);
	m->names[i].path = NULL;
	m->names[i].file = NULL;
}

static void put_bytes(struct machine_file *f, uint64_t off, const void *data, size_t len)
{
	if (off + len > f->size) {
		f->data = must(realloc(f->data, (size_t)off + len));
		memset(f->data + f->size, 0, (size_t)off + len - f->size);
		f->size = (size_t)off + len;
	}
	if (data)
		memcpy(f->data + off, data, len);
}

static struct event *record(struct machine *m, enum event_kind kind)
{
	if (!m->recording)
		return NULL;
	if (m->n_events == m->cap_events) {
		m->cap_events = m->cap_events ? 2 * m->cap_events : 64;
		m->events = must(realloc(m->events, m->cap_events * sizeof *m->events));
	}
	struct event *e = &m->events[m->n_events++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	return e;
}

static void record_names(struct machine *m, enum event_kind kind, int file, const char *path, const char *to)
{
	struct event *e = record(m, kind);
	if (!e)
		return;
	e->file = file;
	e->path = must(strdup(path));
	e->to = to ? must(strdup(to)) : NULL;
}

static void record_data(struct machine *m, enum event_kind kind, int file, uint64_t off, const void *data, size_t len)
{
	struct event *e = record(m, kind);
	if (!e)
		return;
	e->file = file;
	e->off = off;
	e->len = len;
	if (data) {
		e->data = must(malloc(len ? len : 1));
		memcpy(e->data, data, len);
	}
}

/* True when this operation is the one that fails. */
static bool fails(struct machine *m)
{
	m->calls++;
	return m->fail_at && (m->fail_forever ? m->calls >= m->fail_at : m->calls == m->fail_at);
}

/* ---- the calls ---- */

static int m_open(void *user, const char *path, enum cf_stable_open how)
{
	struct machine *m = user;
	if (fails(m))
		return -m->fail_errno;
	int i = find_name(m, path), h = 0;
	if (how == CF_STABLE_CREATE ? i >= 0 : i < 0)
		return how == CF_STABLE_CREATE ? -EEXIST : -ENOENT;
	while (h < MACHINE_HANDLES && m->handles[h])
		h++;
	if (h == MACHINE_HANDLES)
		return -EMFILE;
	if (how == CF_STABLE_CREATE) {
		struct machine_file *f = add_file(m, m->n_files ? m->files[m->n_files - 1]->id + 1 : 1);
		add_name(m, path, f);
		record_names(m, EV_CREATE, f->id, path, NULL);
		m->handles[h] = f;
	} else {
		m->handles[h] = m->names[i].file;
	}
	return h;
}

static void m_close(void *user, int h)
{
	struct machine *m = user;
	m->handles[h] = NULL;
}

static ssize_t m_pread(void *user, int h, void *buf, size_t len, uint64_t off)
{
	struct machine *m = user;
	struct machine_file *f = m->handles[h];
	if (fails(m))
		return -m->fail_errno;
	if (off >= f->size)
		return 0;
	size_t n = cf_min_u64(len, f->size - off);
	memcpy(buf, f->data + off, n);
	return (ssize_t)n;
}

static ssize_t m_pwrite(void *user, int h, const void *buf, size_t len, uint64_t off)
{
	struct machine *m = user;
	struct machine_file *f = m->handles[h];
	bool bad = fails(m);
	size_t n = bad ? len / 2 : len; /* an error in the middle of a write */
	put_bytes(f, off, buf, n);
	record_data(m, EV_WRITE, f->id, off, buf, n);
	return bad ? -m->fail_errno : (ssize_t)n;
}

static int m_stat(void *user, int h, struct cf_stable_stat *st)
{
	struct machine *m = user;
	if (fails(m))
		return -m->fail_errno;
	*st = (struct cf_stable_stat){ .size = m->handles[h]->size, .regular = true, .ours = true };
	return 0;
}

static int m_allocate(void *user, int h, uint64_t size)
{
	struct machine *m = user;
	struct machine_file *f = m->handles[h];
	if (fails(m))
		return -m->fail_errno;
	if (size > f->size)
		put_bytes(f, f->size, NULL, (size_t)size - f->size);
	record_data(m, EV_ALLOCATE, f->id, size, NULL, 0);
	return 0;
}

static int m_sync(void *user, int h)
{
	struct machine *m = user;
	if (fails(m))
		return -m->fail_errno;
	record_data(m, EV_SYNC, m->handles[h]->id, 0, NULL, 0);
	return 0;
}

static int m_sync_folder(void *user, const char *folder)
{
	struct machine *m = user;
	if (fails(m))
		return -m->fail_errno;
	record_names(m, EV_SYNC_FOLDER, 0, folder, NULL);
	return 0;
}

static int m_rename(void *user, const char *from, const char *to)
{
	struct machine *m = user;
	int i = find_name(m, from);
	if (fails(m))
		return -m->fail_errno;
	if (i < 0 || find_name(m, to) >= 0)
		return i < 0 ? -ENOENT : -EEXIST;
	struct machine_file *f = m->names[i].file;
	drop_name(m, i);
	add_name(m, to, f);
	record_names(m, EV_RENAME, f->id, from, to);
	return 0;
}

static int m_unlink(void *user, const char *path)
{
	struct machine *m = user;
	int i = find_name(m, path);
	if (fails(m))
		return -m->fail_errno;
	if (i < 0)
		return -ENOENT;
	record_names(m, EV_UNLINK, m->names[i].file->id, path, NULL);
	drop_name(m, i);
	return 0;
}

static int m_exists(void *user, const char *path)
{
	return find_name(user, path) >= 0; /* not counted: a thousand names are asked for */
}

static int m_make_folder(void *user, const char *folder)
{
	struct machine *m = user;
	(void)folder;
	return fails(m) ? -m->fail_errno : 0;
}

static int m_room(void *user, const char *folder, struct cf_stable_room *room)
{
	struct machine *m = user;
	(void)folder;
	if (fails(m))
		return -m->fail_errno;
	*room = (struct cf_stable_room){ .free = m->room, .type = m->fs_type, .device = 0 };
	return 0;
}

static int m_disk_write(void *user, struct cf_block *disk, uint64_t off, const void *buf, size_t len,
			struct cf_error *err)
{
	struct machine *m = user;
	bool bad = fails(m);
	size_t n = bad ? len / 2 : len;
	record_data(m, EV_DISK_WRITE, 0, off, buf, n);
	if (n && cf_block_write(disk, off, buf, n, err) < 0)
		return -1;
	return bad ? cf_fail_at(err, CF_E_IO, off + n, "the disk failed on purpose") : 0;
}

static int m_disk_flush(void *user, struct cf_block *disk, struct cf_error *err)
{
	struct machine *m = user;
	if (fails(m))
		return cf_fail(err, CF_E_IO, "the disk's flush failed on purpose");
	record_data(m, EV_DISK_FLUSH, 0, 0, NULL, 0);
	return cf_block_flush(disk, err);
}

static const struct cf_stable_ops machine_ops = {
	.open = m_open, .close = m_close, .pread = m_pread, .pwrite = m_pwrite, .stat = m_stat, .allocate = m_allocate,
	.sync = m_sync, .sync_folder = m_sync_folder, .rename = m_rename, .unlink = m_unlink, .exists = m_exists,
	.make_folder = m_make_folder, .room = m_room, .disk_write = m_disk_write, .disk_flush = m_disk_flush,
};

/* ---- machines ---- */

struct machine *machine_new(struct cf_block *base)
{
	struct machine *m = must(calloc(1, sizeof *m));
	m->hook.ops = &machine_ops;
	m->hook.user = m;
	m->base = base;
	m->disk = must(cf_txn_begin(base, 0, NULL));
	m->room = UINT64_MAX / 2;
	m->fs_type = EXT4_SUPER_MAGIC;
	m->fail_errno = EIO;
	return m;
}

static void free_events(struct machine *m)
{
	for (size_t i = 0; i < m->n_events; i++) {
		free(m->events[i].path);
		free(m->events[i].to);
		free(m->events[i].data);
	}
	free(m->events);
	m->events = NULL;
	m->n_events = m->cap_events = 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	free_events(m);
	machine_free(m->start);
	for (int i = 0; i < MACHINE_NAMES; i++)
		free(m->names[i].path);
	for (int i = 0; i < m->n_files; i++) {
		free(m->files[i]->data);
		free(m->files[i]);
	}
	cf_txn_end(m->disk);
	free(m);
}

static void copy_disk(struct machine *to, const struct machine *from)
{
	const struct cf_overlay *o = &from->disk->overlay;
	for (size_t i = 0; i < o->cap; i++)
		if (o->slots[i] && cf_block_write(machine_disk(to), o->slots[i]->index * CF_TXN_BLOCK, o->slots[i]->data,
						  cf_overlay_length(o->slots[i]->index, o->block.size), NULL) < 0)
			abort();
}

struct machine *machine_clone(const struct machine *m)
{
	struct machine *c = machine_new(m->base);
	c->room = m->room;
	c->fs_type = m->fs_type;
	copy_disk(c, m);
	for (int i = 0; i < m->n_files; i++)
		put_bytes(add_file(c, m->files[i]->id), 0, m->files[i]->data, m->files[i]->size);
	for (int i = 0; i < MACHINE_NAMES; i++)
		if (m->names[i].path)
			add_name(c, m->names[i].path, file_by_id(c, m->names[i].file->id));
	return c;
}

void machine_install(struct machine *m)
{
	cf_stable_set_hook(m ? &m->hook : NULL);
}

struct cf_block *machine_disk(struct machine *m)
{
	return cf_txn_block(m->disk);
}

void machine_record(struct machine *m)
{
	free_events(m);
	machine_free(m->start);
	m->start = machine_clone(m);
	m->recording = true;
}

int machine_command(struct machine *m, const struct cf_request *request)
{
	machine_install(m);
	machine_record(m);
	cf_result *result = cf_run(request);
	m->recording = false;
	if (!result)
		return -1;
	int status = cf_result_exit_status(result);
	const struct cf_error *e = cf_result_error(result);
	if (status != 0)
		fprintf(stderr, "%s of %s gives %d: %s\n", cf_command_name(request->command), request->disk, status, e ? e->message : "problems left");
	cf_result_free(result);
	return status == 0 ? 0 : -1;
}

void machine_carry_on(struct machine *m, const struct machine *dead, size_t point, size_t torn)
{
	free_events(m);
	machine_free(m->start);
	m->start = machine_clone(dead->start);
	m->recording = true;
	for (size_t i = 0; i < dead->n_events && (i < point || (i == point && torn > 0)); i++) {
		const struct event *from = &dead->events[i];
		struct event *e = must(record(m, from->kind));
		*e = *from;
		e->path = from->path ? must(strdup(from->path)) : NULL;
		e->to = from->to ? must(strdup(from->to)) : NULL;
		if (i == point)
			e->len = cf_min_u64(torn, e->len);
		if (from->data) {
			e->data = must(malloc(e->len ? e->len : 1));
			memcpy(e->data, from->data, e->len);
		}
	}
}

/* Is there, between event i and point, a sync that covers it? */
static bool is_durable(const struct machine *m, size_t i, size_t point)
{
	const struct event *e = &m->events[i];
	CF_FREE char *folder = e->path ? cf_stable_folder_of(e->path) : NULL;
	for (size_t k = i + 1; k < point; k++) {
		const struct event *s = &m->events[k];
		if ((e->kind == EV_WRITE || e->kind == EV_ALLOCATE) && s->kind == EV_SYNC && s->file == e->file)
			return true;
		if (e->kind == EV_DISK_WRITE && s->kind == EV_DISK_FLUSH)
			return true;
		if (folder && s->kind == EV_SYNC_FOLDER && strcmp(s->path, folder) == 0)
			return true;
	}
	return false;
}

static void replay_bytes(struct machine *c, const struct event *e, size_t from, size_t to)
{
	if (from >= to)
		return;
	if (e->kind == EV_WRITE) {
		put_bytes(file_by_id(c, e->file), e->off + from, e->data + from, to - from);
	} else if (cf_block_write(machine_disk(c), e->off + from, e->data + from, to - from, NULL) < 0) {
		abort();
	}
}

static void replay_name(struct machine *c, const struct event *e)
{
	struct machine_file *f = file_by_id(c, e->file);
	int i = find_name(c, e->path);
	if (e->kind == EV_CREATE && i < 0)
		add_name(c, e->path, f);
	if ((e->kind == EV_UNLINK || e->kind == EV_RENAME) && i >= 0)
		drop_name(c, i);
	if (e->kind == EV_RENAME && i >= 0 && find_name(c, e->to) < 0)
		add_name(c, e->to, f);
}

struct machine *machine_crash(const struct machine *m, size_t point, size_t torn, enum crash_mode mode, uint32_t seed)
{
	struct machine *c = machine_clone(m->start);
	uint32_t state = seed * 2654435761u + (uint32_t)point * 97u + 1u;
	for (size_t i = 0; i < m->n_events && i <= point; i++) {
		const struct event *e = &m->events[i];
		if (e->kind == EV_CREATE && !file_by_id(c, e->file))
			add_file(c, e->file);
		if (i == point && torn == 0)
			break;
		size_t len = i == point ? cf_min_u64(torn, e->len) : e->len;
		bool data = e->kind == EV_WRITE || e->kind == EV_DISK_WRITE;
		bool sure = mode == CRASH_PROCESS || seed == 1 || is_durable(m, i, point);
		if (!sure && (seed == 0 || (!data && next_random(&state) & 1)))
			continue;
		if (sure && data) {
			replay_bytes(c, e, 0, len);
		} else if (data) {
			for (size_t at = 0; at < len; at += SECTOR)
				if (next_random(&state) & 1)
					replay_bytes(c, e, at, cf_min_u64(at + SECTOR, len));
		} else if (e->kind == EV_ALLOCATE) {
			struct machine_file *f = file_by_id(c, e->file);
			if (e->off > f->size)
				put_bytes(f, f->size, NULL, (size_t)e->off - f->size);
		} else if (e->path && e->kind != EV_SYNC_FOLDER) {
			replay_name(c, e);
		}
	}
	return c;
}

/* Every block that a has changed equals b's. */
static bool covers(const struct machine *a, const struct machine *b)
{
	const struct cf_overlay *o = &a->disk->overlay;
	for (size_t i = 0; i < o->cap; i++) {
		uint8_t other[CF_TXN_BLOCK];
		if (!o->slots[i])
			continue;
		uint32_t length = cf_overlay_length(o->slots[i]->index, o->block.size);
		if (cf_block_read(cf_txn_block(b->disk), o->slots[i]->index * CF_TXN_BLOCK, other, length, NULL) < 0)
			abort();
		if (memcmp(other, o->slots[i]->data, length) != 0)
			return false;
	}
	return true;
}

bool machine_same_disk(const struct machine *a, const struct machine *b)
{
	return covers(a, b) && covers(b, a);
}

bool machine_has(const struct machine *m, const char *path)
{
	return find_name(m, path) >= 0;
}

struct machine_file *machine_file(const struct machine *m, const char *path)
{
	int i = find_name(m, path);
	return i < 0 ? NULL : m->names[i].file;
}

int machine_count_names(const struct machine *m, const char *substring)
{
	int n = 0;
	for (int i = 0; i < MACHINE_NAMES; i++)
		n += m->names[i].path && strstr(m->names[i].path, substring);
	return n;
}

const char *machine_event_name(const struct event *e)
{
	static const char *const names[] = {
		[EV_CREATE] = "create", [EV_WRITE] = "write", [EV_ALLOCATE] = "allocate", [EV_SYNC] = "sync",
		[EV_SYNC_FOLDER] = "sync folder", [EV_RENAME] = "rename", [EV_UNLINK] = "unlink",
		[EV_DISK_WRITE] = "disk write", [EV_DISK_FLUSH] = "disk flush",
	};
	return names[e->kind];
}
