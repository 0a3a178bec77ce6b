/* dump-collect.c - dump collect: crash dumps out of the disk, also those that still lie inside a paging file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A dump inside a paging or dedicated file becomes the MEMORY.DMP that Windows would make at its next start: the file's clusters from the first
 * byte, past what NTFS thinks is initialized, as long as the header says (notes §6.4; the header is left as it is, since Windows copies it too). What was
 * taken out of such a file is recorded (dump-record.h), synced first: from then on a repair may delete it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/compress.h"
#include "base/i18n.h"
#include "base/utf16.h"
#include "dump/find.h"
#include "job/dump-copy.h"
#include "job/dump-record.h"
#include "job/out.h"

struct item {
	struct cf_dump_place place; /* path borrowed from list or own_path */
	char *own_path;
	char name[200];             /* in the folder */
	uint64_t length;            /* bytes to copy; 0 with bad set */
	bool inside;                /* of a paging or dedicated file */
	struct cf_dump_info info;
	bool decoded;
	struct cf_error bad;        /* code != CF_OK: it can't be read */
};

struct run {
	struct cf_session s;
	struct cf_out out;
	struct cf_record record;
	struct cf_dump_list list;
	struct item *item;
	size_t n;
	char *to;     /* owned: the folder, absolute */
	unsigned threads;
	size_t failed;
};

static void run_end(struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->item[i].own_path);
	free(r->item);
	free(r->to);
	cf_dump_list_free(&r->list);
	cf_record_end(&r->record);
	cf_out_end(&r->out);
	cf_session_close(&r->s);
}

/* ---- which ---- */

/* The place that a path names: one of those that were found, or any other file. */
static int named(struct run *r, const char *text, struct item *it, struct cf_error *err)
{
	size_t vol;
	const char *path;
	struct cf_stat st = { 0 };
	if (cf_session_path(&r->s, text, &vol, &path, err) < 0)
		return -1;
	if (asprintf(&it->own_path, "%s%s", *path == '\\' || *path == '/' ? "" : "\\", path) < 0) {
		it->own_path = NULL;
		return cf_fail_nomem(err);
	}
	for (char *c = it->own_path; *c; c++)
		*c = *c == '/' ? '\\' : *c;
	for (size_t k = 0; k < r->list.n; k++)
		if (r->list.item[k].vol == vol && cf_utf8_eq_nocase(r->list.item[k].path, it->own_path)) {
			it->place = r->list.item[k];
			return 0;
		}
	if (cf_volume_stat(r->s.m->vol[vol].vol, it->own_path, &st, err) < 0)
		return cf_fail_path(err, text);
	if (st.kind != CF_FILE_REGULAR)
		return cf_fail(err, CF_E_USAGE, "%s is a folder, no dump", text);
	it->place = (struct cf_dump_place){ .where = CF_DUMP_ELSEWHERE, .vol = vol, .path = it->own_path, .size = st.size };
	return 0;
}

static int choose(struct run *r, const char *const *paths, struct cf_error *err)
{
	size_t n = 0;
	while (paths[n])
		n++;
	size_t all = n ? n : r->list.n;
	r->item = calloc(all + 1, sizeof *r->item);
	if (!r->item)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < all; i++) {
		struct item *it = &r->item[r->n++];
		if (!n)
			it->place = r->list.item[i];
		else if (named(r, paths[i], it, err) < 0)
			return -1;
	}
	return 0;
}

/* Reads the header and decides how much belongs to the dump. */
static int look(struct run *r, struct item *it, struct cf_error *err)
{
	const struct cf_dump_place *p = &it->place;
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = cf_dump_open(r->s.m, p, &it->bad);
	it->inside = p->clusters || p->where == CF_DUMP_PAGEFILE || p->where == CF_DUMP_DEDICATED;
	if (!s)
		return it->bad.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
	it->length = s->size;
	it->decoded = cf_dump_read_info(s, &it->info, &it->bad) == 0;
	if (it->decoded && it->inside)
		it->length = it->info.extent;
	if (it->decoded || it->bad.code == CF_E_NO_MEMORY)
		return it->decoded ? 0 : cf_fail_nomem(err);
	if (it->inside && it->bad.code == CF_E_CORRUPT)
		cf_fail_prefix(&it->bad, "its length can't be known (coldfix get copies the whole file)");
	/* A file that Windows keeps as a dump goes along as it is, whatever its header is worth; another one that somebody named has to be a dump. */
	bool listed = p->path != it->own_path;
	if (!it->inside && (it->bad.code == CF_E_CORRUPT || (listed && it->bad.code == CF_E_UNSUPPORTED)))
		it->bad.code = CF_OK;
	return 0;
}

/* The file's own name on the host; MEMORY.DMP for what Windows would save there. Two of one name: NAME-2.DMP. */
static void give_name(struct run *r, size_t i)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-$~{}() ";
	struct item *it = &r->item[i];
	const char *base = strrchr(it->place.path, '\\');
	char name[160];
	snprintf(name, sizeof name, "%s", it->inside ? "MEMORY.DMP" : base ? base + 1 : it->place.path);
	for (char *c = name; *c; c++)
		*c = strchr(plain, *c) ? *c : '_';
	if (!*name || *name == '.')
		*name = '_';
	const char *end = strrchr(name, '.');
	int stem = end && end != name ? (int)(end - name) : (int)strlen(name);
	snprintf(it->name, sizeof it->name, "%s", name);
	for (unsigned k = 2, taken = 1; taken; k++) {
		taken = 0;
		for (size_t j = 0; j < i; j++)
			taken |= strcasecmp(r->item[j].name, it->name) == 0;
		if (taken)
			snprintf(it->name, sizeof it->name, "%.*s-%u%s", stem, name, k, name + stem);
	}
}

/* Anything that would refuse, before the first byte is written. */
static int check_room(struct run *r, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	uint64_t need = 0, room;
	struct statvfs host;
	struct stat st;
	for (size_t i = 0; i < r->n; i++) {
		char name[230];
		const struct item *it = &r->item[i];
		if (it->bad.code != CF_OK)
			continue;
		snprintf(name, sizeof name, "%s%s%s", it->name, req->zstd ? ".zst" : "", req->split ? ".001" : "");
		if (fstatat(r->out.parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return cf_fail(err, CF_E_REFUSED, "%s/%s exists already and is never overwritten; name another folder with --to", req->to, name);
		if (cf_add_overflow(need, it->length, &need))
			need = UINT64_MAX;
	}
	if (req->zstd || fstatvfs(r->out.parent_fd, &host) < 0 || cf_mul_overflow((uint64_t)host.f_bavail, (uint64_t)host.f_frsize, &room) || need <= room)
		return 0;
	return cf_fail(err, CF_E_NO_SPACE, "the dumps have %llu MiB, and %s only %llu MiB of room; name other ones, another folder, or say --zstd",
		       (unsigned long long)(need / CF_MIB), req->to, (unsigned long long)(room / CF_MIB));
}

/* ---- one dump ---- */

/* NAME.sha256: the files as they lie there, for sha256sum -c. */
static int write_sums(struct run *r, const struct item *it, const struct cf_dump_copy *c, struct cf_error *err)
{
	char name[230], hex[65];
	CF_BUF text = { 0 };
	snprintf(name, sizeof name, "%s.sha256", it->name);
	for (size_t i = 0; i < c->n_parts; i++)
		if (cf_buf_printf(&text, "%s  %s\n", cf_sha256_hex(c->part[i].hash, hex), c->part[i].name) < 0)
			return cf_fail_nomem(err);
	CF_CLOSE int fd = openat(r->out.parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return cf_fail_errno(err, errno == EEXIST ? CF_E_REFUSED : CF_E_IO, errno, "can't create %s", name);
	if (cf_out_pwrite(fd, text.p, text.n, 0, name, err) == 0 && fsync(fd) == 0)
		return 0;
	if (err && err->code == CF_OK)
		cf_fail_errno(err, CF_E_IO, errno, "can't sync %s", name);
	unlinkat(r->out.parent_fd, name, 0);
	return -1;
}

static json_t *row_of(struct run *r, const struct item *it)
{
	char time[32];
	CF_FREE char *path = cf_dump_path_text(r->s.m, &it->place);
	json_t *row = json_object();
	json_object_set_new(row, "path", cf_json_text(path));
	json_object_set_new(row, "in_pagefile", json_boolean(it->inside));
	json_object_set_new(row, "kind", it->decoded ? json_string(cf_dump_kind_name(it->info.kind)) : json_null());
	json_object_set_new(row, "complete", it->decoded ? json_boolean(it->info.complete) : json_null());
	if (it->decoded && !it->info.complete)
		json_object_set_new(row, "cut", cf_json_text(it->info.cut));
	json_object_set_new(row, "time", it->decoded && it->info.has_time ? json_string(cf_dump_time_text(&it->info, time)) : json_null());
	json_object_set_new(row, "size", json_integer((json_int_t)it->length));
	return row;
}

static int record(struct run *r, const struct item *it, struct cf_dump_source *s, const struct cf_dump_copy *c, json_t *row, struct cf_error *err)
{
	struct cf_error why = { 0 };
	char hex[65];
	CF_FREE char *to = NULL;
	if (asprintf(&to, "%s/%s", r->to, c->part[0].name) < 0) {
		to = NULL;
		return cf_fail_nomem(err);
	}
	bool done = cf_record_add(&r->record, &r->s, &it->place, s, cf_sha256_hex(c->hash, hex), to, &why) == 0;
	json_object_set_new(row, "recorded", json_boolean(done));
	if (!done)
		cf_notice(r->s.req, "it could not be recorded that %s was collected (%s): a repair will ask for --discard-dump", it->place.path,
			  why.message);
	return 0;
}

/* 0 also where this dump can't be read, which stands in its row then; -1: the host, or no memory. */
static int collect(struct run *r, struct item *it, json_t *row, struct cf_error *err)
{
	const struct cf_request *req = r->s.req;
	char hex[65];
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *s = cf_dump_open(r->s.m, &it->place, &it->bad);
	CF_CLEANUP(cf_dump_copy_free) struct cf_dump_copy c = {
		.folder = r->out.parent_fd, .name = it->name, .compress = req->zstd, .split = req->split, .threads = r->threads,
		.progress = req->progress, .user = req->user,
	};
	if (!s)
		return 0;
	if (cf_dump_copy(&c, s, it->length, err) < 0) {
		if (!c.source_failed)
			return -1;
		it->bad = *err;
		return 0;
	}
	json_t *files = json_array();
	for (size_t i = 0; i < c.n_parts; i++)
		json_array_append_new(files, json_pack("{s:o,s:I,s:s}", "file", cf_json_text(c.part[i].name), "size", (json_int_t)c.part[i].size,
						       "sha256", cf_sha256_hex(c.part[i].hash, hex)));
	json_object_set_new(row, "sha256", json_string(cf_sha256_hex(c.hash, hex)));
	json_object_set_new(row, "files", files);
	r->out.made_parent = false; /* something whole is in it now */
	if (write_sums(r, it, &c, err) < 0)
		return -1;
	return it->inside ? record(r, it, s, &c, row, err) : 0;
}

static int collect_all(struct run *r, json_t *dumps, struct cf_error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		struct item *it = &r->item[i];
		json_t *row = row_of(r, it);
		if (!row || json_array_append_new(dumps, row) < 0)
			return cf_fail_nomem(err);
		if (it->bad.code == CF_OK && collect(r, it, row, err) < 0)
			return -1;
		if (it->bad.code == CF_OK)
			continue;
		json_object_set_new(row, "error", cf_json_text(it->bad.message));
		r->failed++;
	}
	return 0;
}

/* ---- the command ---- */

static int check_request(const struct cf_request *req, struct cf_error *err)
{
	if (!req->to || !*req->to)
		return cf_fail(err, CF_E_USAGE, "dump collect needs --to DIR: where the dumps go");
	if (req->split && req->split < CF_MIB)
		return cf_fail(err, CF_E_USAGE, "--split: parts of less than 1 MiB make no sense");
	return req->zstd ? cf_zstd_check("--zstd", err) : 0;
}

static int prepare(struct run *r, const struct cf_request *req, struct cf_error *err)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN); /* asks the file system: not from within the box */
	r->threads = processors > 1 ? (unsigned)cf_min_u64((uint64_t)processors, 16) : 0;
	if (cf_session_open(&r->s, req, NULL, false, err) < 0 || cf_out_open(&r->out, req->to, err) < 0 || cf_record_open(&r->record, &r->s, err) < 0)
		return -1;
	r->to = realpath(req->to, NULL);
	if (!r->to)
		return cf_fail_errno(err, CF_E_IO, errno, "can't resolve %s", req->to);
	struct cf_sandbox box = cf_out_box(&r->out);
	box.threads = true;
	box.also = r->record.fd >= 0 ? r->record.folder : NULL;
	box.remove[1] = r->record.made ? r->record.above : NULL;
	cf_session_lock_in_box(&r->s, box);
	if (cf_session_survey(&r->s, err) < 0 || cf_dump_find(r->s.m, NULL, CF_DUMP_EVERYWHERE, &r->list, err) < 0 ||
	    choose(r, req->args + 1, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		if (look(r, &r->item[i], err) < 0)
			return -1;
		give_name(r, i);
	}
	return check_room(r, err);
}

int cf_job_dump_collect(const struct cf_request *req, struct cf_result *out)
{
	struct run r = { .out = { .parent_fd = -1, .fd = -1 }, .record = { .fd = -1 } };
	json_t *dumps = json_array();
	json_object_set_new(out->doc, "collected", dumps);
	if (check_request(req, &out->error) < 0)
		return -1;
	int ret = prepare(&r, req, &out->error);
	if (ret == 0 && !r.n)
		ret = cf_fail(&out->error, CF_E_NOT_FOUND, "there is no crash dump on this disk");
	if (ret == 0) {
		json_object_set_new(out->doc, "folder", cf_json_text(req->to));
		json_object_set_new(out->doc, "warning", json_string(_("Crash dumps hold the VM's memory, secrets included.")));
		ret = collect_all(&r, dumps, &out->error);
	}
	for (size_t i = 0; ret == 0 && i < r.n; i++)
		if (r.item[i].bad.code != CF_OK)
			ret = cf_fail(&out->error, r.item[i].bad.code, "%zu of %zu dumps could not be collected: %s: %s", r.failed, r.n,
				      r.item[i].place.path, r.item[i].bad.message);
	run_end(&r);
	return ret;
}
