/* dump-list.c - dump list and dump info: the crash dumps of a disk, or one that lies here as a file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/find.h"
#include "job/session.h"

/* A dump itself, not a disk: its first bytes say so. No disk begins like that. -1: it is none. */
static int open_as_dump(const char *path)
{
	char first[8] = "";
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || pread(fd, first, sizeof first, 0) != sizeof first || cf_dump_magic(first, sizeof first) == CF_MAGIC_NONE) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int add(json_t *dumps, struct cf_dump_source *s, const char *path, const struct cf_dump_place *place, bool full, struct cf_error *err)
{
	return json_array_append_new(dumps, cf_describe_dump(s, path, place, full)) < 0 ? cf_fail_nomem(err) : 0;
}

static int host_file(const struct cf_request *req, int fd, bool full, struct cf_result *r, json_t *dumps)
{
	struct cf_session s = { .req = req };
	struct cf_dump_info i;
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *src = cf_dump_from_fd(fd, &r->error);
	if (req->args[1])
		return cf_fail(&r->error, CF_E_USAGE, "%s is a crash dump itself: no path goes with it", req->disk);
	if (!src)
		return -1;
	cf_session_lock_in(&s, NULL);
	/* Asked about one dump, what is wrong with it is the answer's error; a list has it as an entry. */
	if (full && cf_dump_read_info(src, &i, &r->error) < 0)
		return -1;
	return add(dumps, src, req->disk, NULL, full, &r->error);
}

static int one_place(const struct cf_session *s, const struct cf_dump_place *p, bool full, json_t *dumps, struct cf_error *err)
{
	struct cf_error why = { 0 };
	CF_FREE char *path = cf_dump_path_text(s->m, p);
	if (!path)
		return cf_fail_nomem(err);
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *src = cf_dump_open(s->m, p, &why);
	if (!src && why.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	if (src)
		return add(dumps, src, path, p, full, err);
	/* It can't be opened (encrypted with EFS, say): listed with the reason. */
	json_t *j = cf_describe_dump(NULL, path, p, full);
	json_object_set_new(j, "error", cf_json_text(why.message));
	return json_array_append_new(dumps, j) < 0 ? cf_fail_nomem(err) : 0;
}

/* The dump at a path of the guest, as it was found, or any other file that is one. */
static int at_path(const struct cf_session *s, const char *text, const struct cf_dump_list *l, json_t *dumps, struct cf_error *err)
{
	size_t vol;
	const char *path;
	struct cf_dump_info i;
	CF_FREE char *full = NULL;
	if (cf_session_path(s, text, &vol, &path, err) < 0)
		return -1;
	if (asprintf(&full, "%s%s", *path == '\\' || *path == '/' ? "" : "\\", path) < 0) {
		full = NULL;
		return cf_fail_nomem(err);
	}
	for (char *c = full; *c; c++)
		if (*c == '/')
			*c = '\\';
	struct cf_dump_place p = { .where = CF_DUMP_ELSEWHERE, .vol = vol, .path = full };
	for (size_t k = 0; k < l->n; k++)
		if (l->item[k].vol == vol && strcasecmp(l->item[k].path, full) == 0)
			p = l->item[k];
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *src = cf_dump_open(s->m, &p, err);
	if (!src || cf_dump_read_info(src, &i, err) < 0)
		return cf_fail_path(err, text);
	return one_place(s, &p, true, dumps, err);
}

/* Volumes whose files can't be looked at: a disk whose Windows is encrypted is not one without dumps. */
static json_t *not_searched(const struct cf_machine *m)
{
	json_t *list = json_array();
	for (size_t i = 0; i < m->n_vols; i++) {
		const struct cf_vol *v = &m->vol[i];
		bool files = v->fs == CF_FS_NTFS || v->fs == CF_FS_BITLOCKER || v->fs == CF_FS_REFS || v->fs == CF_FS_LDM ||
			     v->fs == CF_FS_STORAGE_SPACES;
		if (v->vol || !files)
			continue;
		json_array_append_new(list, json_pack("{s:o,s:i,s:s,s:o}", "disk", cf_json_text(m->disk[v->disk].path), "partition", (int)v->number,
						      "filesystem", cf_fs_name(v->fs), "reason",
						      cf_json_text(v->error.code != CF_OK ? v->error.message : NULL)));
	}
	return list;
}

static int on_disk(const struct cf_request *req, bool full, struct cf_result *r, json_t *dumps)
{
	struct cf_session s;
	CF_DUMP_LIST l = { 0 };
	const char *path = req->args[1];
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	if (ret == 0)
		ret = cf_dump_find(s.m, NULL, CF_DUMP_EVERYWHERE, &l, &r->error);
	if (ret == 0 && path)
		ret = at_path(&s, path, &l, dumps, &r->error);
	for (size_t i = 0; ret == 0 && !path && i < l.n; i++) {
		ret = one_place(&s, &l.item[i], full, dumps, &r->error);
		if (ret == 0 && req->progress && req->progress(req->user, "dumps", i + 1, l.n) != 0)
			ret = cf_fail(&r->error, CF_E_CANCELLED, "stopped");
	}
	if (ret == 0 && !path)
		json_object_set_new(r->doc, "not_searched", not_searched(s.m));
	if (l.more)
		json_object_set_new(r->doc, "more", json_true());
	cf_session_close(&s);
	return ret;
}

static int run(const struct cf_request *req, bool full, struct cf_result *r)
{
	json_t *dumps = json_array();
	CF_CLOSE int fd = open_as_dump(req->disk);
	json_object_set_new(r->doc, "dumps", dumps);
	if (fd >= 0)
		return host_file(req, fd, full, r, dumps);
	return on_disk(req, full, r, dumps);
}

int cf_job_dump_list(const struct cf_request *req, struct cf_result *r)
{
	if (req->args[1])
		return cf_fail(&r->error, CF_E_USAGE, "\"%s\" is one word too many; see coldfix dump --help", req->args[1]);
	return run(req, false, r);
}

int cf_job_dump_info(const struct cf_request *req, struct cf_result *r)
{
	if (req->args[1] && req->args[2])
		return cf_fail(&r->error, CF_E_USAGE, "\"%s\" is one word too many; see coldfix dump --help", req->args[2]);
	return run(req, true, r);
}
