/* fuzz-undo-file.c - a hostile undo file or marker: it may be refused, it may not crash, and a refusal writes nothing.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: 1 byte of flags, then the undo file (flag 8: the marker instead, beside a fixed place where no undo file is).
 * Flags 1, 2, 4 make the checksums of header, marks, and tables right, so that the fuzzer gets past them; 16 sets force;
 * 32 adds an active marker that names the undo file.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>

#include "base/overflow.h"
#include "base/span.h"
#include "txn/stable.h"
#include "txn/txn.h"
#include "txn/undo-format.h"

#define UNDO "/d/disk.img.coldfix-undo"
#define MARKER "/d/disk.img.coldfix-pending"
#define DISK_SIZE (65536u + 100)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a machine with two files ---- */

enum { FILE_UNDO, FILE_MARKER, FILES };

struct files {
	struct cf_buf f[FILES];
	bool there[FILES];
	bool disk_written;
};

static int which(const char *path)
{
	return strcmp(path, UNDO) == 0 ? FILE_UNDO : strcmp(path, MARKER) == 0 ? FILE_MARKER : -1;
}

static int f_open(void *user, const char *path, enum cf_stable_open how)
{
	struct files *m = user;
	int i = which(path);
	if (i < 0 || (how != CF_STABLE_CREATE && !m->there[i]))
		return -ENOENT;
	if (how == CF_STABLE_CREATE && m->there[i])
		return -EEXIST;
	if (how == CF_STABLE_CREATE)
		cf_buf_free(&m->f[i]);
	m->there[i] = true;
	return i;
}

static void f_close(void *user, int h)
{
	(void)user;
	(void)h;
}

static ssize_t f_pread(void *user, int h, void *buf, size_t len, uint64_t off)
{
	struct cf_buf *b = &((struct files *)user)->f[h];
	if (off >= b->n)
		return 0;
	size_t n = (size_t)cf_min_u64(len, b->n - off);
	memcpy(buf, b->p + off, n);
	return (ssize_t)n;
}

static ssize_t f_pwrite(void *user, int h, const void *buf, size_t len, uint64_t off)
{
	struct cf_buf *b = &((struct files *)user)->f[h];
	if (off + len > b->n && cf_buf_resize(b, (size_t)off + len) < 0)
		return -ENOSPC;
	memcpy(b->p + off, buf, len);
	return (ssize_t)len;
}

static int f_stat(void *user, int h, struct cf_stable_stat *st)
{
	*st = (struct cf_stable_stat){ .size = ((struct files *)user)->f[h].n, .regular = true, .ours = true };
	return 0;
}

static int f_allocate(void *user, int h, uint64_t size)
{
	struct cf_buf *b = &((struct files *)user)->f[h];
	return size > b->n && cf_buf_resize(b, (size_t)size) < 0 ? -ENOSPC : 0;
}

static int f_sync(void *user, int h)
{
	(void)user;
	(void)h;
	return 0;
}

static int f_folder(void *user, const char *folder)
{
	(void)user;
	(void)folder;
	return 0;
}

static int f_rename(void *user, const char *from, const char *to)
{
	(void)to;
	if (which(from) >= 0)
		((struct files *)user)->there[which(from)] = false;
	return 0;
}

static int f_unlink(void *user, const char *path)
{
	return f_rename(user, path, NULL);
}

static int f_exists(void *user, const char *path)
{
	return which(path) >= 0 && ((struct files *)user)->there[which(path)];
}

static int f_room(void *user, const char *folder, struct cf_stable_room *room)
{
	(void)user;
	(void)folder;
	*room = (struct cf_stable_room){ .free = UINT64_MAX / 2, .type = EXT4_SUPER_MAGIC };
	return 0;
}

static int f_disk_write(void *user, struct cf_block *disk, uint64_t off, const void *buf, size_t len,
			struct cf_error *err)
{
	((struct files *)user)->disk_written = true;
	return cf_block_write(disk, off, buf, len, err);
}

static int f_disk_flush(void *user, struct cf_block *disk, struct cf_error *err)
{
	(void)user;
	return cf_block_flush(disk, err);
}

static const struct cf_stable_ops ops = {
	.open = f_open, .close = f_close, .pread = f_pread, .pwrite = f_pwrite, .stat = f_stat, .allocate = f_allocate,
	.sync = f_sync, .sync_folder = f_folder, .rename = f_rename, .unlink = f_unlink, .exists = f_exists,
	.make_folder = f_folder, .room = f_room, .disk_write = f_disk_write, .disk_flush = f_disk_flush,
};

/* ---- right checksums ---- */

static void seal(const uint8_t *nonce, void *p, size_t n)
{
	cf_st32((uint8_t *)p + n - 4, cf_crc32(cf_crc32(0, nonce, CF_UNDO_NONCE), p, n - 4));
}

/* n structures of `size` bytes at `at`, and what they add to the CRC over all tables. */
static uint32_t seal_table(struct cf_buf *b, const uint8_t *nonce, uint64_t at, uint64_t n, size_t size, uint32_t crc)
{
	for (uint64_t i = 0; i < n && cf_range_ok(at, size, b->n); i++, at += size) {
		seal(nonce, b->p + at, size);
		crc = cf_crc32(crc, b->p + at, size - 4);
	}
	return crc;
}

static void seal_marks(struct cf_buf *b, const uint8_t *nonce, unsigned n, uint32_t tables)
{
	for (unsigned k = 0; k < n; k++) {
		uint64_t at = CF_UNDO_MARKS_AT + k * (uint64_t)CF_UNDO_BLOCK;
		if (!cf_range_ok(at, sizeof(struct cf_undo_mark), b->n) || b->p[at] == 0)
			continue;
		memcpy(b->p + at + offsetof(struct cf_undo_mark, nonce), nonce, CF_UNDO_NONCE);
		if (k == CF_MARK_ARMED)
			cf_st32(b->p + at + offsetof(struct cf_undo_mark, tables_crc), tables);
		seal(nonce, b->p + at, sizeof(struct cf_undo_mark));
	}
}

static void seal_file(struct cf_buf *b, uint8_t flags, bool marker)
{
	if (b->n < CF_UNDO_BLOCK)
		return;
	const uint8_t *nonce = b->p + (marker ? offsetof(struct cf_marker_header, nonce) :
						offsetof(struct cf_undo_header, nonce));
	if (flags & 1)
		seal(nonce, b->p, CF_UNDO_BLOCK);
	uint32_t tables = cf_crc32(0, b->p, CF_UNDO_BLOCK - 4);
	if (flags & 4 && !marker) {
		const struct cf_undo_header *h = (const struct cf_undo_header *)b->p;
		uint32_t prints = cf_le32_get(h->prints);
		uint64_t blocks = cf_le64_get(h->blocks), at = cf_le64_get(h->records_at);
		tables = seal_table(b, nonce, CF_UNDO_PRINTS_AT, prints, sizeof(struct cf_undo_print), tables);
		tables = seal_table(b, nonce, at, blocks, sizeof(struct cf_undo_record), tables);
	}
	if (flags & 2)
		seal_marks(b, nonce, marker ? (unsigned)CF_MARKER_MARK_COUNT : (unsigned)CF_UNDO_MARK_COUNT, tables);
}

static void add_marker(struct files *m)
{
	struct cf_buf *b = &m->f[FILE_MARKER];
	if (m->f[FILE_UNDO].n < CF_UNDO_BLOCK || cf_buf_resize(b, CF_UNDO_MARKS_AT + 3 * CF_UNDO_BLOCK) < 0)
		return;
	struct cf_marker_header *h = (struct cf_marker_header *)b->p;
	memcpy(h->magic, CF_MARKER_MAGIC, sizeof h->magic);
	cf_le32_set(&h->version, CF_UNDO_VERSION);
	cf_le32_set(&h->kind, m->f[FILE_UNDO].n % 2 ? CF_MARKER_UNDO : CF_MARKER_COMMIT);
	memcpy(h->nonce, m->f[FILE_UNDO].p + offsetof(struct cf_undo_header, nonce), CF_UNDO_NONCE);
	cf_le32_set(&h->path_length, sizeof UNDO - 1);
	memcpy(h->path, UNDO, sizeof UNDO);
	struct cf_undo_mark *active = (struct cf_undo_mark *)(b->p + CF_UNDO_MARKS_AT);
	memcpy(active->magic, CF_MARK_MAGIC, sizeof active->magic);
	seal_file(b, 3, true);
	m->there[FILE_MARKER] = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 1 << 20)
		return 0;
	struct files m = { 0 };
	const struct cf_stable hook = { &ops, &m };
	struct cf_txn_place place = { .state_base = "/d/disk.img", .disk_id = "fuzz", .disk_path = "disk.img" };
	uint8_t flags = data[0];
	int target = flags & 8 ? FILE_MARKER : FILE_UNDO;
	static const uint8_t zero[DISK_SIZE];
	struct cf_block *disk = cf_memory_open(zero, DISK_SIZE, 512, NULL);
	if (!disk || cf_buf_append(&m.f[target], data + 1, size - 1) < 0)
		abort();
	m.there[target] = true;
	seal_file(&m.f[target], flags, target == FILE_MARKER);
	if (flags & 32 && target == FILE_UNDO)
		add_marker(&m);

	cf_stable_set_hook(&hook);
	struct cf_undo_info info;
	enum cf_recovery what;
	struct cf_error err = { 0 };
	struct cf_txn_stats stats;
	if (cf_undo_read_info(UNDO, &info, &err) < 0 && err.code == CF_OK)
		abort();
	for (int dry_run = 1; dry_run >= 0; dry_run--) {
		int r = cf_undo_apply(disk, &place, UNDO, flags & 16, dry_run, &stats, &err);
		if (r < 0 && m.disk_written && err.code != CF_E_CHANGED)
			abort();
		if (dry_run && m.disk_written)
			abort();
	}
	m.disk_written = false;
	if (cf_txn_recover(disk, &place, &what, &err) < 0 && m.disk_written)
		abort();
	cf_stable_set_hook(NULL);
	cf_block_close(disk);
	for (int i = 0; i < FILES; i++)
		cf_buf_free(&m.f[i]);
	return 0;
}
