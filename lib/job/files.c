/* files.c - ls, cat, get: files of the guest by Windows path, never zeros for what can't be decoded.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/overflow.h"
#include "base/stamp.h"
#include "job/session.h"

#define MAX_ENTRIES 2000000        /* names that one listing may give */
#define MAX_PATH_BYTES (256 * CF_MIB) /* of their paths; a real volume has a tenth */
#define MAX_DEPTH 1024             /* folders in folders; the deepest of a real Windows has some 20 */

/* The path as it was asked for, with its drive, instead of the volume's own. */
static int fail_about(struct cf_error *err, const char *path)
{
	if (err)
		err->path[0] = 0;
	return cf_fail_path(err, path);
}

static const char *unreadable_word(enum cf_unreadable u)
{
	static const char *const words[] = { NULL, "efs", "compactos", "dedup", "cloud", "link" };
	return (unsigned)u < CF_ARRAY_LEN(words) ? words[u] : NULL;
}

/* Folders by their id. A damaged or hostile volume can hang a folder into itself; no folder is entered twice. */
struct folder_set {
	uint64_t *slot; /* id + 1, 0: free */
	size_t n, size; /* size: a power of two */
};

static bool set_put(uint64_t *slot, size_t size, uint64_t key)
{
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (size - 1);
	while (slot[i] && slot[i] != key) /* ends: at least a quarter of the slots is free */
		i = (i + 1) & (size - 1);
	bool fresh = !slot[i];
	slot[i] = key;
	return fresh;
}

/* 1: id is new, 0: it was there, -1: no memory. */
static int set_add(struct folder_set *set, uint64_t id)
{
	if (set->n * 4 >= set->size * 3) {
		size_t size = set->size ? set->size * 2 : 1024;
		uint64_t *slot = calloc(size, sizeof *slot);
		if (!slot)
			return -1;
		for (size_t i = 0; i < set->size; i++)
			if (set->slot[i])
				set_put(slot, size, set->slot[i]);
		free(set->slot);
		set->slot = slot;
		set->size = size;
	}
	bool fresh = set_put(set->slot, set->size, id + 1);
	set->n += fresh;
	return fresh;
}

struct listing {
	json_t *entries;
	const char *folder;
	bool recursive;
	size_t n;
	uint64_t bytes; /* of all paths */
	struct folder_set seen;
	struct todo {
		size_t entry; /* index into entries */
		unsigned depth;
	} *todo;
	size_t n_todo, max_todo;
	unsigned depth; /* of folder */
};

static void listing_free(struct listing *l)
{
	free(l->seen.slot);
	free(l->todo);
}

/* Puts the entry that was added last on the list of folders to enter. */
static int enter_later(struct listing *l, const struct cf_stat *st)
{
	int fresh = set_add(&l->seen, st->id);
	if (fresh <= 0)
		return fresh;
	if (!CF_ROOM(l->todo, l->n_todo, l->max_todo, 256))
		return -1;
	l->todo[l->n_todo++] = (struct todo){ json_array_size(l->entries) - 1, l->depth + 1 };
	return 0;
}

static json_t *entry(const char *path, const struct cf_stat *st)
{
	char time[CF_TIME_TEXT];
	cf_time_text(st->mtime, time);
	json_t *j = json_object();
	cf_json_set_path(j, path);
	json_object_set_new(j, "kind", json_string(st->kind == CF_FILE_DIRECTORY ? "directory" : "file"));
	json_object_set_new(j, "size", json_integer((json_int_t)st->size));
	json_object_set_new(j, "allocated", json_integer((json_int_t)st->allocated));
	json_object_set_new(j, "modified", json_string(time));
	json_object_set_new(j, "attributes", json_integer(st->attributes));
	json_object_set_new(j, "links", json_integer(st->links));
	json_object_set_new(j, "extents", json_integer((json_int_t)st->fragments));
	const char *why = unreadable_word(st->unreadable);
	json_object_set_new(j, "unreadable", why ? json_string(why) : json_null());
	return j;
}

static int each(void *user, const char *name, const struct cf_stat *st)
{
	struct listing *l = user;
	CF_FREE char *path = NULL;
	size_t n = strlen(l->folder);
	bool slash = n && l->folder[n - 1] == '\\';
	int len = asprintf(&path, "%s%s%s", l->folder, slash ? "" : "\\", name);
	if (len < 0) {
		path = NULL;
		return -2;
	}
	l->bytes += (uint64_t)len;
	if (++l->n > MAX_ENTRIES || l->bytes > MAX_PATH_BYTES)
		return 1;
	if (json_array_append_new(l->entries, entry(path, st)) < 0)
		return -2;
	if (!l->recursive || st->kind != CF_FILE_DIRECTORY || st->unreadable)
		return 0;
	return enter_later(l, st) < 0 ? -2 : 0;
}

/* A worklist instead of recursion. */
static int list_tree(const struct cf_session *s, struct cf_volume *v, const char *path, struct listing *l, struct cf_error *err)
{
	const char *inside = path;
	for (size_t next = 0;; next++) {
		int r = cf_volume_list(v, inside, each, l, err);
		if (r == -2)
			return cf_fail_nomem(err);
		if (r < 0)
			return fail_about(err, l->folder);
		if (r > 0)
			return cf_fail(err, CF_E_UNSUPPORTED, "too much for one listing (%d names, %llu MiB of paths): list a smaller folder",
				       MAX_ENTRIES, (unsigned long long)(MAX_PATH_BYTES / CF_MIB));
		if (next == l->n_todo)
			return 0;
		size_t same;
		l->folder = json_string_value(json_object_get(json_array_get(l->entries, l->todo[next].entry), "path"));
		l->depth = l->todo[next].depth;
		if (l->depth > MAX_DEPTH)
			return cf_fail(err, CF_E_UNSUPPORTED, "folders nest more than %d deep: list one of them", MAX_DEPTH);
		if (!l->folder)
			return cf_fail_nomem(err);
		if (cf_session_path(s, l->folder, &same, &inside, err) < 0)
			return -1;
	}
}

static int list_one(const struct cf_session *s, const char *given, bool recursive, json_t *entries, struct cf_error *err)
{
	size_t vol;
	const char *path;
	struct cf_stat st = { 0 };
	CF_FREE char *text = strdup(given);
	if (!text)
		return cf_fail_nomem(err);
	for (char *p = text; *p; p++) /* one kind of separator in what is printed */
		if (*p == '/')
			*p = '\\';
	if (cf_session_path(s, text, &vol, &path, err) < 0)
		return -1;
	struct cf_volume *v = s->m->vol[vol].vol;
	if (cf_volume_stat(v, path, &st, err) < 0)
		return fail_about(err, text);
	if (st.kind == CF_FILE_REGULAR)
		return json_array_append_new(entries, entry(text, &st)) < 0 ? cf_fail_nomem(err) : 0;
	CF_CLEANUP(listing_free) struct listing l = { .entries = entries, .folder = text, .recursive = recursive };
	return set_add(&l.seen, st.id) < 0 ? cf_fail_nomem(err) : list_tree(s, v, path, &l, err);
}

int cf_job_ls(const struct cf_request *req, struct cf_result *r)
{
	static const char *const root[] = { "\\", NULL };
	const char *const *path = req->args && req->args[0] ? req->args : root;
	struct cf_session s;
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	json_t *entries = json_array();
	json_object_set_new(r->doc, "entries", entries);
	for (; ret == 0 && *path; path++)
		ret = list_one(&s, *path, req->recursive, entries, &r->error);
	cf_session_close(&s);
	return ret;
}

/* Streams one file to write(); the buffer is a megabyte, so that a dump of many GiB goes at disk speed. */
static int stream(const struct cf_session *s, const char *text, int (*sink)(void *user, const void *p, size_t n), void *user,
		  const struct cf_request *req, uint64_t *bytes, struct cf_error *err)
{
	size_t vol;
	const char *path;
	CF_BUF buf = { 0 };
	if (cf_session_path(s, text, &vol, &path, err) < 0)
		return -1;
	struct cf_file *f = cf_file_open(s->m->vol[vol].vol, path, err);
	if (!f)
		return fail_about(err, text);
	int r = cf_buf_resize(&buf, CF_MIB) < 0 ? cf_fail_nomem(err) : 0;
	uint64_t off = 0, size = cf_file_size(f);
	while (r == 0 && off < size) {
		size_t got;
		r = cf_file_read(f, off, buf.p, buf.n, &got, err);
		if (r < 0 || !got)
			break;
		if (sink(user, buf.p, got) != 0)
			r = cf_fail(err, CF_E_IO, "the output could not be written");
		off += got;
		if (req->progress && req->progress(req->user, text, off, size) != 0)
			r = cf_fail(err, CF_E_CANCELLED, "stopped");
	}
	if (r == 0 && off != size)
		r = cf_fail(err, CF_E_CORRUPT, "only %llu of %llu bytes could be read", (unsigned long long)off,
			    (unsigned long long)size);
	cf_file_close(f);
	*bytes = off;
	return r < 0 ? fail_about(err, text) : 0;
}

int cf_job_cat(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	uint64_t bytes, total = 0;
	int ret = req->args && req->args[0] ? 0 : cf_fail(&r->error, CF_E_USAGE, "cat needs a path on the disk");
	if (ret == 0 && !req->data)
		ret = cf_fail(&r->error, CF_E_USAGE, "cat needs somewhere to write to");
	if (ret < 0)
		return ret;
	ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	for (size_t i = 0; ret == 0 && req->args[i]; i++) {
		ret = stream(&s, req->args[i], req->data, req->user, req, &bytes, &r->error);
		total += bytes;
	}
	json_object_set_new(r->doc, "bytes", json_integer((json_int_t)total));
	cf_session_close(&s);
	return ret;
}

static int write_fd(void *user, const void *p, size_t n)
{
	const uint8_t *b = p;
	int fd = *(int *)user;
	while (n) {
		ssize_t w = write(fd, b, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		b += w;
		n -= (size_t)w;
	}
	return 0;
}

/* The last part of a Windows path as a file name on the host. */
static bool host_name(const char *text, char *out, size_t n)
{
	const char *p = text;
	for (const char *q = text; *q; q++)
		if (*q == '\\' || *q == '/' || *q == ':')
			p = q + 1;
	return *p && strcmp(p, ".") != 0 && strcmp(p, "..") != 0 && snprintf(out, n, "%s", p) < (int)n;
}

/* A sparse file can claim any size: the host's file system is not filled to find out. */
static int enough_room(const struct cf_session *s, const char *dir, const char *text, struct cf_error *err)
{
	size_t vol;
	const char *path;
	struct cf_stat st;
	struct statvfs host;
	if (cf_session_path(s, text, &vol, &path, err) < 0)
		return -1;
	if (cf_volume_stat(s->m->vol[vol].vol, path, &st, err) < 0)
		return fail_about(err, text);
	uint64_t room;
	if (statvfs(dir, &host) < 0 || cf_mul_overflow((uint64_t)host.f_bavail, (uint64_t)host.f_frsize, &room) || st.size <= room)
		return 0;
	return cf_fail(err, CF_E_NO_SPACE, "%s has %llu MiB, and %s only %llu MiB of room", text,
		       (unsigned long long)(st.size / CF_MIB), dir, (unsigned long long)(room / CF_MIB));
}

static int get_one(const struct cf_session *s, const struct cf_request *req, const char *dir, const char *text, json_t *files,
		   struct cf_error *err)
{
	char name[300];
	CF_FREE char *to = NULL;
	uint64_t bytes = 0;
	if (!host_name(text, name, sizeof name))
		return cf_fail(err, CF_E_USAGE, "\"%s\" names no file", text);
	if (asprintf(&to, "%s/%s", dir, name) < 0) {
		to = NULL;
		return cf_fail_nomem(err);
	}
	if (enough_room(s, dir, text, err) < 0)
		return -1;
	CF_CLOSE int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cf_fail_errno(err, errno == EEXIST ? CF_E_REFUSED : CF_E_IO, errno, "can't create %s", to);
	int r = stream(s, text, write_fd, &fd, req, &bytes, err);
	if (r == 0 && fsync(fd) < 0)
		r = cf_fail_errno(err, CF_E_IO, errno, "can't sync %s", to);
	if (r < 0) {
		unlink(to);
		return r;
	}
	json_array_append_new(files, json_pack("{s:o,s:o,s:I}", "path", cf_json_text(text), "file", cf_json_text(to), "size",
					       (json_int_t)bytes));
	return 0;
}

int cf_job_get(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	const char *dir = req->to ? req->to : ".";
	if (!req->args || !req->args[0])
		return cf_fail(&r->error, CF_E_USAGE, "get needs a path on the disk");
	int ret = cf_session_look(&s, req, NULL, dir, &r->error);
	json_t *files = json_array();
	json_object_set_new(r->doc, "files", files);
	for (size_t i = 0; ret == 0 && req->args[i]; i++)
		ret = get_one(&s, req, dir, req->args[i], files, &r->error);
	cf_session_close(&s);
	return ret;
}
