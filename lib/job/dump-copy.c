/* dump-copy.c - one thread reads and writes, another one hashes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A buffer is filled by the caller's thread, then read by both: hashed there, written here; it is filled again when both are through with it. That needs
 * no copy and no lock on the bytes, only two counters.
 */
#include "job/dump-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compress.h"
#include "job/out.h"

#define BUFFERS 4u
#define BUFFER (4 * CF_MIB)
#define PIECE (64 * CF_KIB)      /* a hole in a file is found at this grain */
#define WRITEBACK (32 * CF_MIB)  /* how much is written before it is sent on its way to the medium */
#define MAX_PARTS 9999u

/* ---- hashing beside ---- */

struct hasher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint8_t *buffer[BUFFERS];
	size_t len[BUFFERS];
	uint64_t filled, hashed; /* buffers, ever */
	bool end, running;
	struct cf_sha256_state *sha;
};

static void *hash_all(void *user)
{
	struct hasher *h = user;
	pthread_mutex_lock(&h->lock);
	for (;;) {
		while (h->hashed == h->filled && !h->end)
			pthread_cond_wait(&h->moved, &h->lock);
		if (h->hashed == h->filled)
			break;
		unsigned i = h->hashed % BUFFERS;
		pthread_mutex_unlock(&h->lock);
		cf_sha256_add(h->sha, h->buffer[i], h->len[i]);
		pthread_mutex_lock(&h->lock);
		h->hashed++;
		pthread_cond_broadcast(&h->moved);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static int hasher_begin(struct hasher *h, struct cf_error *err)
{
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->moved, NULL);
	h->sha = cf_sha256_new();
	bool whole = h->sha != NULL;
	for (unsigned i = 0; i < BUFFERS; i++)
		whole = (h->buffer[i] = malloc(BUFFER)) && whole;
	if (!whole)
		return cf_fail_nomem(err);
	/* Where no thread can be had, the caller's does both. */
	h->running = pthread_create(&h->thread, NULL, hash_all, h) == 0;
	return 0;
}

/* The buffer to fill next, once it was hashed. */
static uint8_t *hasher_next(struct hasher *h)
{
	pthread_mutex_lock(&h->lock);
	while (h->running && h->filled - h->hashed == BUFFERS)
		pthread_cond_wait(&h->moved, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return h->buffer[h->filled % BUFFERS];
}

static void hasher_put(struct hasher *h, size_t len)
{
	if (!h->running)
		cf_sha256_add(h->sha, h->buffer[h->filled % BUFFERS], len);
	pthread_mutex_lock(&h->lock);
	h->len[h->filled % BUFFERS] = len;
	h->filled++;
	h->hashed += !h->running;
	pthread_cond_broadcast(&h->moved);
	pthread_mutex_unlock(&h->lock);
}

static void hasher_end(struct hasher *h, uint8_t hash[CF_SHA256_LEN])
{
	pthread_mutex_lock(&h->lock);
	h->end = true;
	pthread_cond_broadcast(&h->moved);
	pthread_mutex_unlock(&h->lock);
	if (h->running)
		pthread_join(h->thread, NULL);
	if (h->sha)
		cf_sha256_end(h->sha, hash);
	for (unsigned i = 0; i < BUFFERS; i++)
		free(h->buffer[i]);
	pthread_cond_destroy(&h->moved);
	pthread_mutex_destroy(&h->lock);
}

/* ---- the files ---- */

struct files {
	struct cf_dump_copy *c;
	int fd;
	uint64_t at, sent;           /* in the open file: its size, and how much was sent to the medium */
	struct cf_sha256_state *sha; /* of the open file; NULL: the dump's own hash is the file's */
	bool own_hash;
};

static void work_name(const char *name, char out[400])
{
	snprintf(out, 400, "%s.incomplete", name);
}

static int open_part(struct files *f, struct cf_error *err)
{
	struct cf_dump_copy *c = f->c;
	char name[320], work[400];
	struct stat st;
	if (c->split)
		snprintf(name, sizeof name, "%s%s.%03zu", c->name, c->compress ? ".zst" : "", c->n_parts + 1);
	else
		snprintf(name, sizeof name, "%s%s", c->name, c->compress ? ".zst" : "");
	if (c->n_parts == MAX_PARTS)
		return cf_fail(err, CF_E_USAGE, "--split: more than %u parts", MAX_PARTS);
	if (fstatat(c->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return cf_fail(err, CF_E_REFUSED, "%s exists already in that folder and is never overwritten", name);
	struct cf_dump_part *grown = reallocarray(c->part, c->n_parts + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	c->part = grown;
	grown[c->n_parts] = (struct cf_dump_part){ .name = strdup(name) };
	f->sha = f->own_hash ? cf_sha256_new() : NULL;
	if (!grown[c->n_parts].name || (f->own_hash && !f->sha)) {
		free(grown[c->n_parts].name);
		return cf_fail_nomem(err);
	}
	work_name(name, work);
	f->fd = openat(c->folder, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0) {
		free(grown[c->n_parts].name);
		return cf_fail_errno(err, errno == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, errno, "can't create %s", work);
	}
	c->n_parts++;
	f->at = f->sent = 0;
	return 0;
}

static int close_part(struct files *f, struct cf_error *err)
{
	struct cf_dump_part *p = &f->c->part[f->c->n_parts - 1];
	int r = ftruncate(f->fd, (off_t)f->at) < 0 || fsync(f->fd) < 0
			? cf_fail_errno(err, errno == ENOSPC || errno == EDQUOT ? CF_E_NO_SPACE : CF_E_IO, errno, "can't sync %s", p->name)
			: 0;
	close(f->fd);
	f->fd = -1;
	p->size = f->at;
	if (f->sha)
		cf_sha256_end(f->sha, p->hash);
	f->sha = NULL;
	return r;
}

/* Writes what is not zero; the rest stays a hole. */
static int write_pieces(struct files *f, const uint8_t *p, size_t n, struct cf_error *err)
{
	const char *name = f->c->part[f->c->n_parts - 1].name;
	for (size_t from = 0; from < n;) {
		size_t end = from, piece;
		while (end < n && !cf_all_zero(p + end, piece = (size_t)cf_min_u64(PIECE, n - end)))
			end += piece;
		if (end > from && cf_out_pwrite(f->fd, p + from, end - from, f->at + from, name, err) < 0)
			return -1;
		from = end;
		while (from < n && cf_all_zero(p + from, piece = (size_t)cf_min_u64(PIECE, n - from)))
			from += piece;
	}
	f->at += n;
	if (f->at - f->sent >= WRITEBACK) {
		/* So that the sync at the end has little left to do; no matter if it can't be had. */
		(void)sync_file_range(f->fd, (off_t)f->sent, (off_t)(f->at - f->sent), SYNC_FILE_RANGE_WRITE);
		f->sent = f->at;
	}
	return 0;
}

/* The stream of the files: opens, fills and closes parts. A cf_sink. */
static int put(void *user, const void *bytes, size_t n, struct cf_error *err)
{
	struct files *f = user;
	const uint8_t *p = bytes;
	uint64_t split = f->c->split;
	while (n) {
		if (f->fd >= 0 && split && f->at == split && close_part(f, err) < 0)
			return -1;
		if (f->fd < 0 && open_part(f, err) < 0)
			return -1;
		size_t k = split ? (size_t)cf_min_u64(n, split - f->at) : n;
		if (f->sha)
			cf_sha256_add(f->sha, p, k);
		if (write_pieces(f, p, k, err) < 0)
			return -1;
		p += k;
		n -= k;
	}
	return 0;
}

static void remove_all(struct files *f)
{
	if (f->fd >= 0)
		close(f->fd);
	uint8_t unused[CF_SHA256_LEN];
	if (f->sha)
		cf_sha256_end(f->sha, unused);
	for (size_t i = 0; i < f->c->n_parts; i++) {
		char work[400];
		work_name(f->c->part[i].name, work);
		unlinkat(f->c->folder, work, 0);
	}
}

/* All files get their names, or none: a name that somebody took meanwhile is not overwritten. */
static int name_all(struct files *f, struct cf_error *err)
{
	struct cf_dump_copy *c = f->c;
	size_t i = 0;
	for (; i < c->n_parts; i++) {
		char work[400];
		work_name(c->part[i].name, work);
		if (renameat2(c->folder, work, c->folder, c->part[i].name, RENAME_NOREPLACE) == 0)
			continue;
		/* Some file systems know no such rename; the name was free when the part was begun. */
		if ((errno == EINVAL || errno == ENOSYS) && renameat(c->folder, work, c->folder, c->part[i].name) == 0)
			continue;
		cf_fail_errno(err, CF_E_IO, errno, "can't name %s", c->part[i].name);
		break;
	}
	if (i == c->n_parts && (fsync(c->folder) == 0 || errno == EINVAL))
		return 0;
	if (i == c->n_parts)
		cf_fail_errno(err, CF_E_IO, errno, "can't sync the folder of %s", c->name);
	while (i > 0)
		unlinkat(c->folder, c->part[--i].name, 0);
	return -1;
}

/* ---- both ---- */

static int copy_all(struct cf_dump_copy *c, struct cf_dump_source *s, uint64_t length, struct hasher *h, struct files *f, struct cf_zstd *z,
		    struct cf_error *err)
{
	while (c->bytes < length) {
		size_t n = (size_t)cf_min_u64(BUFFER, length - c->bytes);
		uint8_t *p = hasher_next(h);
		if (cf_dump_read(s, c->bytes, p, n, err) < 0) {
			c->source_failed = true;
			return -1;
		}
		hasher_put(h, n);
		if (z ? cf_zstd_add(z, p, n, put, f, err) < 0 : put(f, p, n, err) < 0)
			return -1;
		c->bytes += n;
		if (c->progress && c->progress(c->user, c->name, c->bytes, length) != 0)
			return cf_fail(err, CF_E_CANCELLED, "stopped");
	}
	if (z && cf_zstd_end(z, put, f, err) < 0)
		return -1;
	if (f->fd < 0 && !c->n_parts && open_part(f, err) < 0)
		return -1;
	return f->fd >= 0 ? close_part(f, err) : 0;
}

int cf_dump_copy(struct cf_dump_copy *c, struct cf_dump_source *s, uint64_t length, struct cf_error *err)
{
	struct hasher h = { 0 };
	struct files f = { .c = c, .fd = -1, .own_hash = c->compress || c->split };
	struct cf_zstd *z = c->compress ? cf_zstd_new(c->threads, "--zstd", err) : NULL;
	if (c->compress && !z)
		return -1;
	int r = hasher_begin(&h, err);
	if (r == 0)
		r = copy_all(c, s, length, &h, &f, z, err);
	hasher_end(&h, c->hash);
	cf_zstd_free(z);
	if (r == 0 && !f.own_hash)
		memcpy(c->part[0].hash, c->hash, sizeof c->hash);
	if (r == 0)
		r = name_all(&f, err);
	if (r < 0)
		remove_all(&f);
	return r;
}

void cf_dump_copy_free(struct cf_dump_copy *c)
{
	for (size_t i = 0; i < c->n_parts; i++)
		free(c->part[i].name);
	free(c->part);
	c->part = NULL;
	c->n_parts = 0;
}
