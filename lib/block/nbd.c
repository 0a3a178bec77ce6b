/* nbd.c - the NBD client: a server's export as a block device.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Requests are synchronous and one at a time. A write has reached the server when it returns, and stable storage when
 * flush returns; a server that can do neither flush nor forced writes is never written to. When the server is our own
 * child, closing disconnects first, so it can bring its container in order, and then waits for it.
 */
#include "block/nbd.h"

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/overflow.h"
#include "block/container.h"

bool cf_is_nbd_uri(const char *path)
{
	static const char *const schemes[] = { "nbd://", "nbds://", "nbd+unix://", "nbds+unix://", "nbd+vsock://", "nbds+vsock://" };
	for (size_t i = 0; i < CF_ARRAY_LEN(schemes); i++)
		if (strncmp(path, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

#ifdef HAVE_LIBNBD

#include <errno.h>
#include <fcntl.h>
#include <libnbd.h>
#include <time.h>

#define REQUEST_MAX (8u * 1024 * 1024)  /* bytes in one request */
#define CONNECT_URI_MS (60u * 1000)
#define CONNECT_CHILD_MS (600u * 1000)  /* a log replay or a refcount repair comes first */
#define SHUTDOWN_MS (120u * 1000)       /* for a child to write back its metadata */
#define STATUS_ROUNDS 4096u             /* block-status requests in one search for data */

struct nbd_block {
	struct cf_block b;
	struct nbd_handle *h;
	struct cf_child child;
	int file_fd;        /* the container's file, -1: unknown */
	uint32_t align;     /* the smallest unit that the server takes */
	uint32_t chunk;
	bool force_each;    /* no flush: every write carries FUA */
	bool can_status;
	bool lost;          /* a flush failed: no later one may claim success */
};

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The last libnbd error as ours, with what our own server said. */
static int nbd_failed(struct nbd_block *n, const char *verb, uint64_t off, size_t len, struct cf_error *err)
{
	int e = nbd_get_errno();
	const char *why = nbd_get_error();
	char said[300] = "";
	if (nbd_aio_is_dead(n->h) || nbd_aio_is_closed(n->h))
		cf_child_complaint(&n->child, said, sizeof said);
	return cf_fail_at(err, e == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, off, "%s %zu bytes at offset %llu failed: %s%s%s", verb, len,
			  (unsigned long long)off, why ? why : strerror(e), said[0] ? ": " : "", said);
}

/* ---- requests ---- */

/* Whole units only. */
static int read_units(struct nbd_block *n, uint64_t off, uint8_t *buf, size_t len, struct cf_error *err)
{
	while (len) {
		size_t take = cf_min_u64(len, n->chunk);
		if (nbd_pread(n->h, buf, take, off, 0) < 0)
			return nbd_failed(n, "reading", off, take, err);
		buf += take;
		off += take;
		len -= take;
	}
	return 0;
}

static int write_units(struct nbd_block *n, uint64_t off, const uint8_t *buf, size_t len, struct cf_error *err)
{
	while (len) {
		size_t take = cf_min_u64(len, n->chunk);
		if (nbd_pwrite(n->h, buf, take, off, n->force_each ? LIBNBD_CMD_FLAG_FUA : 0) < 0)
			return nbd_failed(n, "writing", off, take, err);
		buf += take;
		off += take;
		len -= take;
	}
	return 0;
}

/* Reads, and when data is not NULL changes, [off, off+len) through a buffer of whole units. */
static int through_units(struct nbd_block *n, uint64_t off, uint8_t *out, const uint8_t *data, size_t len,
			 struct cf_error *err)
{
	CF_FREE uint8_t *bounce = malloc(n->chunk);
	if (!bounce)
		return cf_fail_nomem(err);
	while (len) {
		uint64_t start = off - off % n->align;
		size_t skip = (size_t)(off - start);
		uint64_t end = cf_min_u64(start + n->chunk, off + len);
		if (end % n->align)
			end = cf_min_u64(end + n->align - end % n->align, n->b.size);
		size_t units = (size_t)(end - start), take = (size_t)cf_min_u64(units - skip, len);
		if (read_units(n, start, bounce, units, err) < 0)
			return -1;
		if (data) {
			memcpy(bounce + skip, data, take);
			data += take;
			if (write_units(n, start, bounce, units, err) < 0)
				return -1;
		} else {
			memcpy(out, bounce + skip, take);
			out += take;
		}
		off += take;
		len -= take;
	}
	return 0;
}

static bool is_aligned(const struct nbd_block *n, uint64_t off, size_t len)
{
	return off % n->align == 0 && len % n->align == 0;
}

static int nbd_block_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct nbd_block *n = (struct nbd_block *)b;
	return is_aligned(n, off, len) ? read_units(n, off, buf, len, err) : through_units(n, off, buf, NULL, len, err);
}

static int nbd_block_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct nbd_block *n = (struct nbd_block *)b;
	return is_aligned(n, off, len) ? write_units(n, off, buf, len, err) : through_units(n, off, NULL, buf, len, err);
}

static int nbd_block_flush(struct cf_block *b, struct cf_error *err)
{
	struct nbd_block *n = (struct nbd_block *)b;
	if (n->lost)
		return cf_fail(err, CF_E_IO, "an earlier flush failed: what was written did not reach the disk");
	if (b->read_only || n->force_each || nbd_flush(n->h, 0) == 0)
		return 0;
	n->lost = true;
	int e = nbd_get_errno();
	const char *why = nbd_get_error();
	return cf_fail(err, e == ENOSPC ? CF_E_NO_SPACE : CF_E_IO, "what was written did not reach the disk: %s",
		       why ? why : strerror(e));
}

/* NBD knows no request for a direct read; for a container on this machine its cached pages can be dropped. */
static int drop_cache(struct cf_block *b, struct cf_error *err)
{
	struct nbd_block *n = (struct nbd_block *)b;
	if (n->file_fd < 0)
		return 0;
	if (nbd_block_flush(b, err) < 0)
		return -1;
	(void)posix_fadvise(n->file_fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int nbd_block_read_direct(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	return drop_cache(b, err) < 0 ? -1 : nbd_block_read(b, off, buf, len, err);
}

/* Once all that a pass asks for has been written, dropping the cache once is enough for all of it. */
static int nbd_block_pass_wait(struct cf_block *b, struct cf_block_pass *p, bool stop, struct cf_error *err)
{
	if (stop || !p->n)
		return 0;
	CF_FREE uint8_t *buf = malloc(CF_BLOCK_RANGE_MAX);
	if (!buf)
		return cf_fail_nomem(err);
	if (drop_cache(b, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		if (nbd_block_read(b, p->range[i].off, buf, p->range[i].len, err) < 0)
			return -1;
		p->shown[i] = true;
		if (p->see(p->user, i, buf, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- which parts hold data ---- */

struct status {
	uint64_t off, start, end; /* off: how far it is known */
	bool found;
};

static int on_extents(void *user, const char *context, uint64_t off, uint32_t *entries, size_t n_entries, int *error)
{
	struct status *s = user;
	(void)off, (void)error;
	if (strcmp(context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0)
		return 0;
	for (size_t i = 0; i + 1 < n_entries && !s->found; i += 2) {
		uint64_t next = s->off + entries[i];
		if (!(entries[i + 1] & LIBNBD_STATE_ZERO)) {
			s->found = true;
			s->start = s->off;
			s->end = next;
		}
		s->off = next;
	}
	return 0;
}

static void nbd_block_next_data(struct cf_block *b, uint64_t off, uint64_t *start, uint64_t *end)
{
	struct nbd_block *n = (struct nbd_block *)b;
	struct status s = { .off = off - off % n->align };

	for (unsigned i = 0; n->can_status && i < STATUS_ROUNDS; i++) {
		uint64_t before = s.off, count = cf_min_u64(b->size - s.off, CF_GIB);
		if (count == 0 || nbd_block_status(n->h, count, s.off,
						   (nbd_extent_callback){ .callback = on_extents, .user_data = &s }, 0) < 0)
			return;
		if (s.found) {
			*start = cf_max_u64(s.start, off);
			*end = cf_min_u64(s.end, b->size);
			return;
		}
		if (s.off >= b->size) {
			*start = *end = b->size;
			return;
		}
		if (s.off <= before)
			return;
	}
}

/* ---- opening and closing ---- */

static void nbd_block_close(struct cf_block *b)
{
	struct nbd_block *n = (struct nbd_block *)b;
	if (n->h) {
		if (nbd_aio_is_ready(n->h))
			(void)nbd_shutdown(n->h, 0);
		nbd_close(n->h);
	}
	if (n->child.pid > 0)
		cf_child_finish(&n->child, SHUTDOWN_MS);
	cf_child_close(&n->child);
	if (n->file_fd >= 0)
		close(n->file_fd);
	free(n);
}

static const struct cf_block_ops nbd_ops = {
	.name = "nbd",
	.read = nbd_block_read,
	.write = nbd_block_write,
	.flush = nbd_block_flush,
	.read_direct = nbd_block_read_direct,
	.pass_wait = nbd_block_pass_wait,
	.next_data = nbd_block_next_data,
	.close = nbd_block_close,
};

static struct nbd_block *make(uint32_t sector_size, bool writable, struct cf_error *err)
{
	struct nbd_block *n = calloc(1, sizeof *n);
	if (!n) {
		cf_fail_nomem(err);
		return NULL;
	}
	n->b.ops = &nbd_ops;
	n->b.sector_size = sector_size;
	n->b.read_only = !writable;
	n->child = CF_CHILD_NONE;
	n->file_fd = -1;
	n->h = nbd_create();
	if (!n->h || nbd_add_meta_context(n->h, LIBNBD_CONTEXT_BASE_ALLOCATION) < 0) {
		cf_fail(err, CF_E_IO, "can't set up the NBD client: %s", nbd_get_error());
		nbd_block_close(&n->b);
		return NULL;
	}
	return n;
}

/* Waits for the end of the handshake that has begun. */
static int finish_connecting(struct nbd_block *n, unsigned ms, struct cf_error *err)
{
	uint64_t end = now_ms() + ms;
	while (nbd_aio_is_connecting(n->h)) {
		uint64_t now = now_ms();
		if (now >= end)
			return cf_fail(err, CF_E_IO, "the NBD server did not answer within %u seconds", ms / 1000);
		if (nbd_poll(n->h, (int)cf_min_u64(end - now, 1000)) < 0)
			return cf_fail(err, CF_E_IO, "can't connect to the NBD server: %s", nbd_get_error());
	}
	if (!nbd_aio_is_ready(n->h))
		return cf_fail(err, CF_E_IO, "the NBD server closed the connection");
	return 0;
}

/* What the server offers, once connected. */
static int take_export(struct nbd_block *n, struct cf_error *err)
{
	int64_t size = nbd_get_size(n->h);
	if (size < 0)
		return cf_fail(err, CF_E_IO, "the NBD server gives no size: %s", nbd_get_error());
	n->b.size = (uint64_t)size;
	int64_t unit = nbd_get_block_size(n->h, LIBNBD_SIZE_MINIMUM), most = nbd_get_block_size(n->h, LIBNBD_SIZE_MAXIMUM);
	n->align = unit > 0 && unit <= 65536 ? (uint32_t)unit : 1;
	n->chunk = most > 0 && (uint64_t)most < REQUEST_MAX ? (uint32_t)most : REQUEST_MAX;
	n->chunk -= n->chunk % n->align;
	if (n->chunk == 0)
		return cf_fail(err, CF_E_UNSUPPORTED, "the NBD server takes no requests of a usable size");
	n->can_status = nbd_can_meta_context(n->h, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
	if (n->b.read_only)
		return 0;
	if (nbd_is_read_only(n->h) != 0)
		return cf_fail(err, CF_E_READ_ONLY, "the NBD server offers the disk for reading only");
	if (nbd_can_flush(n->h) == 1)
		return 0;
	n->force_each = nbd_can_fua(n->h) == 1;
	return n->force_each ? 0 : cf_fail(err, CF_E_UNSUPPORTED, "the NBD server can't flush, so nothing written to it would be safe");
}

bool cf_nbd_available(void)
{
	return true;
}

struct cf_block *cf_nbd_open_uri(const char *uri, bool writable, struct cf_error *err)
{
	struct nbd_block *n = make(0, writable, err);
	if (!n)
		return NULL;
	int r = 0;
	/* A URI that the user typed may name key files for TLS. */
	if (nbd_set_uri_allow_local_file(n->h, true) < 0 || nbd_aio_connect_uri(n->h, uri) < 0)
		r = cf_fail(err, nbd_get_errno() == ENOENT ? CF_E_NOT_FOUND : CF_E_IO, "can't connect to the NBD server: %s", nbd_get_error());
	if (r < 0 || finish_connecting(n, CONNECT_URI_MS, err) < 0 || take_export(n, err) < 0) {
		nbd_block_close(&n->b);
		return NULL;
	}
	return &n->b;
}

/* Turns "the connection was closed" into the reason that the child gave before it ended. */
static void explain(struct cf_child *child, struct cf_error *err)
{
	char said[512];
	enum cf_code code = CF_E_IO;

	cf_child_finish(child, 5000);
	cf_child_complaint(child, said, sizeof said);
	if (!said[0])
		return;
	/* "Failed to blk_new_open 'json:{…}': reason": the tree that we made tells the user nothing. */
	char *reason = strstr(said, "'json:") ? strstr(said, "}': ") : NULL;
	reason = reason ? reason + 4 : said;
	if (strstr(said, "Failed to get") && strstr(said, "lock"))
		code = CF_E_IN_USE;
	else if (strstr(said, "not supported") || strstr(said, "nsupported") || strstr(said, "Unknown driver"))
		code = CF_E_UNSUPPORTED;
	else if (strstr(said, "Permission denied") || strstr(said, "Read-only file system"))
		code = CF_E_READ_ONLY;
	else if (strstr(said, "orrupt") || strstr(said, "checksum") || strstr(said, "nvalid"))
		code = CF_E_CORRUPT;
	cf_fail(err, code, "%s%s", code == CF_E_IN_USE ? "another process has the disk open (is the VM running?): " : "QEMU can't open the image: ",
		reason);
}

struct cf_block *cf_nbd_open_child(int sock, int file_fd, struct cf_child *child, uint32_t sector_size, bool writable,
				   struct cf_error *err)
{
	struct nbd_block *n = make(sector_size, writable, err);
	if (!n) {
		close(sock);
		if (file_fd >= 0)
			close(file_fd);
		cf_child_close(child);
		return NULL;
	}
	n->child = *child;
	*child = CF_CHILD_NONE;
	n->file_fd = file_fd;
	int r;
	if (nbd_aio_connect_socket(n->h, sock) < 0)
		r = cf_fail(err, CF_E_IO, "can't connect to qemu-nbd: %s", nbd_get_error());
	else
		r = finish_connecting(n, CONNECT_CHILD_MS, err);
	if (r < 0)
		explain(&n->child, err);
	if (r < 0 || take_export(n, err) < 0) {
		nbd_block_close(&n->b);
		return NULL;
	}
	return &n->b;
}

#else

bool cf_nbd_available(void)
{
	return false;
}

struct cf_block *cf_nbd_open_uri(const char *uri, bool writable, struct cf_error *err)
{
	(void)uri, (void)writable;
	cf_fail(err, CF_E_UNSUPPORTED, "NBD URIs need libnbd, which this build of coldfix lacks");
	return NULL;
}

struct cf_block *cf_nbd_open_child(int sock, int file_fd, struct cf_child *child, uint32_t sector_size, bool writable,
				   struct cf_error *err)
{
	(void)sector_size, (void)writable;
	close(sock);
	if (file_fd >= 0)
		close(file_fd);
	cf_child_close(child);
	cf_fail(err, CF_E_UNSUPPORTED, "this container format needs libnbd, which this build of coldfix lacks");
	return NULL;
}

#endif
