/* collect.c - the evidence that a colleague or support asks for, in one folder or one archive.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The disk is only read. The folder is filled under another name and gets its own at the end (out.h); manifest.json says for each file
 * where it comes from and what could not be collected, SHA256SUMS is what sha256sum -c reads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/compress.h"
#include "base/i18n.h"
#include "base/stamp.h"
#include "base/utf16.h"
#include "job/archive.h"
#include "job/evidence.h"

#define DUMP_HEAD 12288u /* bytes: a 64-bit header, and the bitmap's behind it */
#define MAX_NAME 96 /* bytes of a file's name with its folder: what fits a tar header */

/* ---- writing one file ---- */

/* Reads up to len bytes at off of whatever it is; *got 0: the end. */
typedef int (*reader)(void *what, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err);

static int read_file(void *what, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	return cf_file_read(what, off, buf, len, got, err);
}

static int read_range(void *what, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	*got = len;
	return cf_block_read(what, off, buf, len, err);
}

static int read_dump(void *what, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	*got = len;
	return cf_dump_read(what, off, buf, len, err);
}

/* A name from a disk as one of the host: letters, digits and what is harmless. */
static void host_name(const char *folder, const char *name, char out[MAX_NAME + 1])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-$~{}";
	size_t n = (size_t)snprintf(out, MAX_NAME - 3, "%s/", folder); /* room for "~99" */
	for (; *name && n < MAX_NAME - 4; name++)
		out[n++] = strchr(plain, *name) ? *name : '_';
	out[n] = 0;
}

static int create(struct cf_evidence *e, const char *folder, const char *name, char path[MAX_NAME + 1], struct cf_error *err)
{
	bool taken = true;
	int fd = -1;
	host_name(folder, name, path);
	size_t n = strlen(path);
	for (int i = 2; fd < 0 && taken && i < 100; i++) {
		fd = cf_out_create(&e->out, path, &taken, err);
		if (fd < 0 && taken)
			snprintf(path + n, MAX_NAME + 1 - n, "~%d", i);
	}
	if (fd < 0 && taken)
		cf_fail(err, CF_E_INTERNAL, "too many files are called %s", name);
	return fd;
}

struct copied {
	uint64_t bytes;
	uint8_t hash[CF_SHA256_LEN];
	struct cf_error bad; /* code != CF_OK: reading ended early */
};

/* [from, from + len) of the reader into fd. -1 only for what happens on the host. */
static int copy(struct cf_evidence *e, int fd, const char *path, reader read, void *what, uint64_t from, uint64_t len, struct copied *c,
		struct cf_error *err)
{
	const struct cf_request *req = e->s->req;
	CF_BUF buf = { 0 };
	struct cf_sha256_state *sha = cf_sha256_new();
	int r = !sha || cf_buf_resize(&buf, CF_MIB) < 0 ? cf_fail_nomem(err) : 0;
	*c = (struct copied){ 0 };
	while (r == 0 && c->bytes < len) {
		size_t got = 0;
		if (read(what, from + c->bytes, buf.p, (size_t)cf_min_u64(buf.n, len - c->bytes), &got, &c->bad) < 0)
			break;
		if (!got)
			break;
		cf_sha256_add(sha, buf.p, got);
		/* Zeros stay holes: a sparse file of the guest costs the host no room. */
		if (!cf_all_zero(buf.p, got))
			r = cf_out_pwrite(fd, buf.p, got, c->bytes, path, err);
		c->bytes += got;
		if (r == 0 && req->progress && req->progress(req->user, "collect", c->bytes, len) != 0)
			r = cf_fail(err, CF_E_CANCELLED, "stopped");
	}
	if (r == 0 && (ftruncate(fd, (off_t)c->bytes) < 0 || fsync(fd) < 0))
		r = cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't sync %s", path);
	if (sha)
		cf_sha256_end(sha, c->hash);
	return r;
}

/* ---- the manifest ---- */

static int add_row(struct cf_evidence *e, json_t *row, struct cf_error *err)
{
	return json_array_append_new(e->files, row) < 0 ? cf_fail_nomem(err) : 0;
}

static int add_file(struct cf_evidence *e, const char *path, const char *source, const char *status, uint64_t source_size,
		    const struct copied *c, const char *note, struct cf_error *err)
{
	char hex[65];
	cf_sha256_hex(c->hash, hex);
	json_t *row = json_pack("{s:s,s:o,s:s,s:I,s:I,s:s}", "file", path, "source", cf_json_text(source), "status", status, "size",
				(json_int_t)c->bytes, "source_size", (json_int_t)source_size, "sha256", hex);
	if (row && note)
		json_object_set_new(row, "note", cf_json_text(note));
	e->bytes += c->bytes;
	e->collected++;
	if (cf_buf_printf(&e->sums, "%s  %s\n", hex, path) < 0) {
		json_decref(row);
		return cf_fail_nomem(err);
	}
	return add_row(e, row, err);
}

int cf_evidence_note(struct cf_evidence *e, const char *source, const char *status, const char *why, struct cf_error *err)
{
	e->lacking++;
	return add_row(e, json_pack("{s:n,s:o,s:s,s:o}", "file", "source", cf_json_text(source), "status", status, "note", cf_json_text(why)),
		       err);
}

/* What became of a copy: whole, a tail, or ended early. */
static int finish(struct cf_evidence *e, const char *path, const char *source, uint64_t from, uint64_t len, const struct copied *c,
		  struct cf_error *err)
{
	char note[1200];
	if (c->bad.code != CF_OK || c->bytes != len) {
		snprintf(note, sizeof note, "only %llu of %llu bytes could be read%s%s", (unsigned long long)c->bytes, (unsigned long long)len,
			 c->bad.code != CF_OK ? ": " : "", c->bad.message);
		e->lacking++;
		return add_file(e, path, source, "partial", from + len, c, note, err);
	}
	if (!from)
		return add_file(e, path, source, "collected", len, c, NULL, err);
	snprintf(note, sizeof note, "the last %llu of %llu bytes", (unsigned long long)len, (unsigned long long)(from + len));
	return add_file(e, path, source, "tail", from + len, c, note, err);
}

static char *source_text(const struct cf_evidence *e, size_t vol, const char *path)
{
	const struct cf_vol *v = &e->s->m->vol[vol];
	char *text = NULL;
	int n = v->disk ? asprintf(&text, "disk %u, partition %u, %s", v->disk, v->number, path)
			: asprintf(&text, "partition %u, %s", v->number, path);
	return n < 0 ? NULL : text;
}

int cf_evidence_file(struct cf_evidence *e, size_t vol, const char *path, unsigned how, const char *folder, const char *name,
		     struct cf_error *err)
{
	CF_FREE char *source = source_text(e, vol, path);
	struct cf_error bad = { 0 };
	char out[MAX_NAME + 1];
	if (!source)
		return cf_fail_nomem(err);
	struct cf_file *f = cf_file_open(e->s->m->vol[vol].vol, path, &bad);
	if (!f && bad.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	if (!f && bad.code == CF_E_NOT_FOUND)
		return how & CF_TAKE_IF_THERE ? 0 : cf_evidence_note(e, source, "missing", _("there is no such file"), err);
	if (!f)
		return cf_evidence_note(e, source, "unreadable", bad.message, err);
	uint64_t size = cf_file_size(f), from = 0;
	if (how & CF_TAKE_TAIL && size > CF_EVIDENCE_TAIL)
		from = size - CF_EVIDENCE_TAIL;
	struct copied c;
	CF_CLOSE int fd = create(e, folder, name, out, err);
	int r = fd < 0 ? -1 : copy(e, fd, out, read_file, f, from, size - from, &c, err);
	cf_file_close(f);
	return r < 0 ? r : finish(e, out, source, from, size - from, &c, err);
}

int cf_evidence_range(struct cf_evidence *e, struct cf_block *b, uint64_t off, uint64_t len, const char *source, const char *folder,
		      const char *name, struct cf_error *err)
{
	char out[MAX_NAME + 1];
	CF_FREE char *text = NULL;
	struct copied c;
	if (off >= b->size)
		return 0;
	len = cf_min_u64(len, b->size - off);
	if (asprintf(&text, "%s, %llu bytes at %llu", source, (unsigned long long)len, (unsigned long long)off) < 0) {
		text = NULL;
		return cf_fail_nomem(err);
	}
	CF_CLOSE int fd = create(e, folder, name, out, err);
	if (fd < 0 || copy(e, fd, out, read_range, b, off, len, &c, err) < 0)
		return -1;
	/* A range is whole where it begins, whatever its offset. */
	return finish(e, out, text, 0, len, &c, err);
}

int cf_evidence_dump(struct cf_evidence *e, const struct cf_dump_place *p, struct cf_error *err)
{
	const struct cf_vol *v = &e->s->m->vol[p->vol];
	CF_FREE char *source = source_text(e, p->vol, p->path);
	CF_FREE char *name = NULL;
	struct cf_error bad = { 0 };
	char out[MAX_NAME + 1], note[120];
	struct copied c;
	if (!source || asprintf(&name, "disk%u-partition%u%s.header", v->disk, v->number, p->path) < 0) {
		name = NULL;
		return cf_fail_nomem(err);
	}
	for (char *q = name; *q; q++)
		*q = *q == '\\' ? '-' : *q;
	CF_CLEANUP(cf_dump_closep) struct cf_dump_source *dump = cf_dump_open(e->s->m, p, &bad);
	if (!dump)
		return bad.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : cf_evidence_note(e, source, "unreadable", bad.message, err);
	uint64_t len = cf_min_u64(dump->size, DUMP_HEAD);
	CF_CLOSE int fd = create(e, "dumps", name, out, err);
	if (fd < 0 || copy(e, fd, out, read_dump, dump, 0, len, &c, err) < 0)
		return -1;
	if (c.bytes != len || len == dump->size)
		return finish(e, out, source, 0, len, &c, err);
	snprintf(note, sizeof note, "the first %llu of %llu bytes", (unsigned long long)len, (unsigned long long)dump->size);
	return add_file(e, out, source, "head", dump->size, &c, note, err);
}

int cf_evidence_text(struct cf_evidence *e, const char *name, const char *source, const char *text, struct cf_error *err)
{
	struct copied c = { .bytes = strlen(text) };
	if (cf_out_put(&e->out, name, cf_span_of(text, strlen(text)), c.hash, err) < 0)
		return -1;
	return add_file(e, name, source, "collected", c.bytes, &c, NULL, err);
}

/* ---- what coldfix itself says ---- */

static int put_json(struct cf_evidence *e, const char *name, const char *source, json_t *doc, struct cf_error *err)
{
	CF_FREE char *text = doc ? json_dumps(doc, JSON_INDENT(2)) : NULL;
	json_decref(doc);
	return text ? cf_evidence_text(e, name, source, text, err) : cf_fail_nomem(err);
}

/* The object that the command would have given, its error included: that is evidence too. */
static int put_command(struct cf_evidence *e, const char *command, struct cf_error *err)
{
	char name[32], source[40];
	struct cf_error bad = { 0 };
	int status = 0;
	json_t *doc = json_object();
	int r = strcmp(command, "info") == 0 ? cf_fill_info(e->s, doc, &bad) : cf_fill_diagnose(e->s, doc, &status, &bad);
	if (r < 0 && bad.code == CF_E_NO_MEMORY) {
		json_decref(doc);
		return cf_fail_nomem(err);
	}
	json_t *j = cf_json_head(command, r < 0 ? 8 : status, r < 0 ? &bad : NULL);
	json_object_update(j, doc);
	json_decref(doc);
	snprintf(name, sizeof name, "%s.json", command);
	snprintf(source, sizeof source, "coldfix %s --json", command);
	return put_json(e, name, source, j, err);
}

static int put_command_line(struct cf_evidence *e, struct cf_error *err)
{
	CF_BUF text = { 0 };
	struct utsname host;
	char now[CF_TIME_TEXT];
	const char *line = e->s->req->command_line;
	cf_now_text(now);
	int r = cf_buf_printf(&text, "%s\n\ncoldfix %s (", line ? line : "(called through the library)", cf_version());
	for (const char *const *f = cf_features(); r == 0 && *f; f++)
		r = cf_buf_printf(&text, "%s%s", f == cf_features() ? "" : ", ", *f);
	if (r == 0)
		r = cf_buf_printf(&text, ")\n%s\n", now);
	if (r == 0 && uname(&host) == 0)
		r = cf_buf_printf(&text, "%s %s %s\n", host.sysname, host.release, host.machine);
	if (r < 0 || cf_buf_append(&text, "", 1) < 0)
		return cf_fail_nomem(err);
	return cf_evidence_text(e, "command.txt", "the command line", (const char *)text.p, err);
}

static const char warning[] =
	N_("It holds secrets: password hashes (SAM, SECURITY), keys and logs of the guest. Give it only to those who may have the whole disk.");

/* The manifest and the sums; not in the sums: SHA256SUMS itself. */
static int put_manifest(struct cf_evidence *e, json_t *doc, struct cf_error *err)
{
	char now[CF_TIME_TEXT];
	uint8_t hash[CF_SHA256_LEN];
	char hex[65];
	cf_now_text(now);
	json_t *m = json_object();
	json_object_set_new(m, "coldfix", json_string(cf_version()));
	json_object_set_new(m, "made", json_string(now));
	json_object_set_new(m, "disk", cf_json_text(e->s->disk[0]->path));
	json_object_set_new(m, "disk_id", cf_json_text(e->s->id[0]));
	json_object_set_new(m, "command_line", cf_json_text(e->s->req->command_line));
	json_object_set_new(m, "warning", json_string(_(warning)));
	json_object_set(m, "files", json_object_get(doc, "files"));
	CF_FREE char *text = json_dumps(m, JSON_INDENT(2));
	json_decref(m);
	if (!text)
		return cf_fail_nomem(err);
	if (cf_out_put(&e->out, "manifest.json", cf_span_of(text, strlen(text)), hash, err) < 0)
		return -1;
	if (cf_buf_printf(&e->sums, "%s  manifest.json\n", cf_sha256_hex(hash, hex)) < 0)
		return cf_fail_nomem(err);
	return cf_out_put(&e->out, "SHA256SUMS", cf_buf_span(&e->sums), NULL, err);
}

/* ---- the command ---- */

static int begin(struct cf_evidence *e, struct cf_error *err)
{
	const char *computer = e->s->ctx.in && e->s->ctx.in->computer_name ? e->s->ctx.in->computer_name : "disk";
	char safe[40], now[CF_TIME_TEXT], name[100];
	size_t n = 0;
	for (; computer[n] && n < 32; n++) {
		char c = computer[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
		safe[n] = plain ? c : '_';
	}
	safe[n] = 0;
	cf_now_stamp(now);
	snprintf(name, sizeof name, "coldfix-%s-%s", n ? safe : "disk", now);
	return cf_out_begin(&e->out, name, e->s->req->archive ? CF_ARCHIVE_SUFFIX : NULL, err);
}

static int fill(struct cf_evidence *e, json_t *doc, struct cf_error *err)
{
	static const char *const folders[] = { "disk", "boot", "registry", "ntfs", "events", "logs", "dumps" };
	for (size_t i = 0; i < CF_ARRAY_LEN(folders); i++)
		if (cf_out_folder(&e->out, folders[i], err) < 0)
			return -1;
	if (put_command_line(e, err) < 0 || put_command(e, "info", err) < 0 || put_command(e, "diagnose", err) < 0 ||
	    cf_evidence_disks(e, err) < 0)
		return -1;
	return put_manifest(e, doc, err);
}

static int publish(struct cf_evidence *e, json_t *doc, struct cf_error *err)
{
	CF_FREE char *path = NULL;
	uint8_t hash[CF_SHA256_LEN];
	char hex[65];
	uint64_t size = 0;
	if (!e->s->req->archive) {
		if (cf_out_finish(&e->out, &path, err) < 0)
			return -1;
		json_object_set_new(doc, "folder", cf_json_text(path));
		return 0;
	}
	if (cf_archive_pack(&e->out, &path, hash, &size, err) < 0)
		return -1;
	json_object_set_new(doc, "archive", json_pack("{s:o,s:I,s:s}", "path", cf_json_text(path), "size", (json_int_t)size, "sha256",
						      cf_sha256_hex(hash, hex)));
	return 0;
}

int cf_job_collect(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	struct cf_evidence e = { .s = &s, .files = json_array(), .out = { .parent_fd = -1, .fd = -1 } };
	json_object_set_new(r->doc, "files", e.files);
	json_object_set_new(r->doc, "folder", json_null());
	json_object_set_new(r->doc, "archive", json_null());
	if (!req->to || !*req->to)
		return cf_fail(&r->error, CF_E_USAGE, "collect needs --to DIR: where the evidence goes");
	if (req->archive && cf_zstd_check("--archive", &r->error) < 0)
		return -1;
	int ret = cf_session_open(&s, req, NULL, false, &r->error);
	if (ret == 0)
		ret = cf_out_open(&e.out, req->to, &r->error);
	if (ret == 0) {
		cf_session_lock_in_box(&s, cf_out_box(&e.out));
		ret = cf_session_survey(&s, &r->error);
	}
	if (ret == 0)
		ret = begin(&e, &r->error);
	if (ret == 0)
		ret = fill(&e, r->doc, &r->error);
	if (ret == 0)
		ret = publish(&e, r->doc, &r->error);
	cf_out_end(&e.out);
	cf_buf_free(&e.sums);
	if (ret == 0) {
		json_object_set_new(r->doc, "computer_name", cf_json_text(s.ctx.in ? s.ctx.in->computer_name : NULL));
		json_object_set_new(r->doc, "collected", json_integer((json_int_t)e.collected));
		json_object_set_new(r->doc, "not_collected", json_integer((json_int_t)e.lacking));
		json_object_set_new(r->doc, "bytes", json_integer((json_int_t)e.bytes));
		json_object_set_new(r->doc, "warning", json_string(_(warning)));
	} else {
		json_array_clear(e.files); /* what was collected is gone again */
	}
	cf_session_close(&s);
	return ret;
}
