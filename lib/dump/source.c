/* source.c - where the bytes of a dump come from: memory, a host file, a guest file, the clusters of a paging file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "dump/dump.h"

#include "base/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_EXTENTS (1u << 20) /* of one paging file; a million pieces are 4 GiB even with the smallest clusters */

int cf_dump_read(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	if (!len)
		return 0;
	if (!cf_range_ok(off, len, s->size))
		return cf_fail_at(err, CF_E_CORRUPT, off, "the dump ends before %zu bytes that it should have here", len);
	return s->read(s, off, buf, len, err);
}

void cf_dump_close(struct cf_dump_source *s)
{
	if (s)
		s->close(s);
}

void cf_dump_closep(struct cf_dump_source **s)
{
	cf_dump_close(*s);
}

/* ---- memory ---- */

struct memory {
	struct cf_dump_source s;
	struct cf_span bytes;
};

static int memory_read(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	(void)err;
	memcpy(buf, ((struct memory *)s)->bytes.p + off, len);
	return 0;
}

static void memory_close(struct cf_dump_source *s)
{
	free(s);
}

struct cf_dump_source *cf_dump_from_memory(struct cf_span bytes, struct cf_error *err)
{
	struct memory *m = calloc(1, sizeof *m);
	if (!m) {
		cf_fail_nomem(err);
		return NULL;
	}
	m->s = (struct cf_dump_source){ .size = bytes.n, .read = memory_read, .close = memory_close };
	m->bytes = bytes;
	return &m->s;
}

/* ---- a file of the host ---- */

struct host {
	struct cf_dump_source s;
	int fd;
};

static int host_read(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	const struct host *h = (struct host *)s;
	uint8_t *to = buf;
	while (len) {
		ssize_t n = pread(h->fd, to, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cf_fail_errno(err, CF_E_IO, errno, "can't read the dump at byte %llu", (unsigned long long)off);
		if (n == 0)
			return cf_fail_at(err, CF_E_IO, off, "the dump became shorter while it was read");
		to += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static void host_close(struct cf_dump_source *s)
{
	free(s);
}

struct cf_dump_source *cf_dump_from_fd(int fd, struct cf_error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0) {
		cf_fail_errno(err, CF_E_IO, errno, "can't look at the dump");
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		cf_fail(err, CF_E_UNSUPPORTED, "it is no regular file");
		return NULL;
	}
	struct host *h = calloc(1, sizeof *h);
	if (!h) {
		cf_fail_nomem(err);
		return NULL;
	}
	h->s = (struct cf_dump_source){ .size = (uint64_t)st.st_size, .read = host_read, .close = host_close };
	h->fd = fd;
	return &h->s;
}

/* ---- a file of the guest; with its extents: the clusters of one ---- */

struct extent {
	uint64_t file, offset, len; /* bytes; offset on the volume, UINT64_MAX: a hole */
};

struct guest {
	struct cf_dump_source s;
	struct cf_file *file;
	struct cf_block *slice;
	struct extent *extent; /* ascending and without gaps from 0 to s.size */
	size_t n, cap;
	bool broken, no_memory;
};

static int guest_read(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct guest *g = (struct guest *)s;
	uint8_t *to = buf;
	while (len) {
		size_t got;
		if (cf_file_read(g->file, off, to, len, &got, err) < 0)
			return -1;
		if (!got || got > len)
			return cf_fail_at(err, CF_E_CORRUPT, off, "the file is shorter than its size says");
		to += got;
		off += got;
		len -= got;
	}
	return 0;
}

/* The extent that off lies in; off < s.size. */
static const struct extent *find_extent(const struct guest *g, uint64_t off)
{
	size_t low = 0, high = g->n;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (g->extent[mid].file <= off)
			low = mid;
		else
			high = mid;
	}
	return &g->extent[low];
}

static int clusters_read(struct cf_dump_source *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	const struct guest *g = (struct guest *)s;
	uint8_t *to = buf;
	while (len) {
		const struct extent *e = find_extent(g, off);
		uint64_t inside = off - e->file;
		size_t n = (size_t)cf_min_u64(len, e->len - inside);
		if (e->offset == UINT64_MAX)
			memset(to, 0, n);
		else if (cf_block_read(g->slice, e->offset + inside, to, n, err) < 0)
			return -1;
		to += n;
		off += n;
		len -= n;
	}
	return 0;
}

static void guest_close(struct cf_dump_source *s)
{
	struct guest *g = (struct guest *)s;
	cf_file_close(g->file);
	free(g->extent);
	free(g);
}

static struct guest *guest_open(struct cf_volume *vol, const char *path, struct cf_error *err)
{
	struct cf_stat st = { 0 };
	if (cf_volume_stat(vol, path, &st, err) < 0)
		return NULL;
	if (st.kind != CF_FILE_REGULAR) {
		cf_fail(err, CF_E_UNSUPPORTED, "%s is a folder, no dump", path);
		return NULL;
	}
	struct guest *g = calloc(1, sizeof *g);
	if (!g) {
		cf_fail_nomem(err);
		return NULL;
	}
	g->file = cf_file_open(vol, path, err);
	if (!g->file) {
		free(g);
		return NULL;
	}
	g->s = (struct cf_dump_source){ .size = cf_file_size(g->file), .read = guest_read, .close = guest_close };
	return g;
}

struct cf_dump_source *cf_dump_from_file(struct cf_volume *vol, const char *path, struct cf_error *err)
{
	struct guest *g = guest_open(vol, path, err);
	return g ? &g->s : NULL;
}

static int add_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	struct guest *g = user;
	const struct extent *last = g->n ? &g->extent[g->n - 1] : NULL;
	uint64_t end;
	if (!len)
		return 0;
	g->broken = file_off != (last ? last->file + last->len : 0) || cf_add_overflow(file_off, len, &end) || g->n >= MAX_EXTENTS ||
		    (offset != UINT64_MAX && !cf_range_ok(offset, len, g->slice->size));
	if (g->broken)
		return 1;
	if (!CF_ROOM(g->extent, g->n, g->cap, 64)) {
		g->no_memory = true;
		return 1;
	}
	g->extent[g->n++] = (struct extent){ file_off, offset, len };
	return 0;
}

struct cf_dump_source *cf_dump_from_clusters(const struct cf_vol *v, const char *path, struct cf_error *err)
{
	struct guest *g = guest_open(v->vol, path, err);
	if (!g)
		return NULL;
	g->slice = v->slice;
	int r = cf_file_extents(g->file, add_extent, g, err);
	if (r > 0)
		r = g->no_memory ? cf_fail_nomem(err) : cf_fail(err, CF_E_CORRUPT, "the extents of %s contradict each other", path);
	if (r < 0) {
		guest_close(&g->s);
		return NULL;
	}
	const struct extent *last = g->n ? &g->extent[g->n - 1] : NULL;
	uint64_t mapped = last ? last->file + last->len : 0;
	/* A file whose clusters end before its size (or that has none: resident on FAT, compressed) is read as the file it is. */
	if (mapped < g->s.size)
		return &g->s;
	g->s.size = mapped;
	g->s.read = clusters_read;
	return &g->s;
}
