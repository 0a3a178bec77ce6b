/* support.c - what the NTFS tests share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nettle/sha2.h>

#include "base/hash.h"

struct image {
	struct cf_block b;
	int fd;
};

static int image_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct image *im = (struct image *)b;
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(im->fd, (uint8_t *)buf + done, len - done, (off_t)(off + done));
		if (n <= 0)
			return cf_fail_at(err, CF_E_IO, off, "can't read the image");
		done += (size_t)n;
	}
	return 0;
}

static int image_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct image *im = (struct image *)b;
	if (pwrite(im->fd, buf, len, (off_t)off) != (ssize_t)len)
		return cf_fail_at(err, CF_E_IO, off, "can't write the image");
	return 0;
}

static void image_close(struct cf_block *b)
{
	close(((struct image *)b)->fd);
	free(b);
}

static const struct cf_block_ops image_ops = {
	.name = "test image", .read = image_read, .write = image_write, .close = image_close
};

struct cf_block *open_image(const char *path, uint32_t sector_size, bool writable)
{
	struct image *im = calloc(1, sizeof *im);
	struct stat st;
	assert_non_null(im);
	im->fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (im->fd < 0 || fstat(im->fd, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	im->b = (struct cf_block){ .ops = &image_ops,
				   .size = (uint64_t)st.st_size,
				   .sector_size = sector_size,
				   .read_only = !writable };
	return &im->b;
}

static char folder[64];

static void remove_folder(void)
{
	(void)!run(NULL, "rm -rf '%s'", folder);
}

const char *temp(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	if (!folder[0]) {
		/* The current directory is meson's build directory: never a small memory file system. */
		snprintf(folder, sizeof folder, "ntfs-test-XXXXXX");
		assert_non_null(mkdtemp(folder));
		atexit(remove_folder);
	}
	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

int run(struct cf_buf *out, const char *fmt, ...)
{
	char command[2048], full[2200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	snprintf(full, sizeof full, "PATH=$PATH:/sbin:/usr/sbin LC_ALL=C.UTF-8; { %s ; } 2>/dev/null", command);
	FILE *p = popen(full, "r");
	assert_non_null(p);
	char piece[4096];
	size_t n;
	while ((n = fread(piece, 1, sizeof piece, p)) > 0)
		if (out)
			assert_int_equal(cf_buf_append(out, piece, n), 0);
	int status = pclose(p);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

bool have_tools(void)
{
	return run(NULL, "command -v mkntfs ntfscp ntfsinfo ntfsls ntfscat ntfsfix ntfsresize") == 0;
}

void make_image(const char *path, uint64_t size, const char *options)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
	if (run(NULL, "mkntfs -F -Q -q -p 0 -H 255 -S 63 %s %s", options, path) != 0)
		fail_msg("mkntfs %s failed", options);
}

void copy_sparse(const char *from, uint64_t offset, uint64_t size, const char *to)
{
	static uint8_t buf[1 << 20];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(in >= 0 && out >= 0);
	assert_int_equal(ftruncate(out, (off_t)size), 0);
	off_t end = (off_t)(offset + size), at = (off_t)offset;
	while (at < end && (at = lseek(in, at, SEEK_DATA)) >= 0 && at < end) {
		off_t hole = lseek(in, at, SEEK_HOLE);
		hole = hole > end ? end : hole;
		while (at < hole) {
			ssize_t n = pread(in, buf, (size_t)cf_min_u64(sizeof buf, (uint64_t)(hole - at)), at);
			assert_true(n > 0);
			assert_int_equal(pwrite(out, buf, (size_t)n, at - (off_t)offset), n);
			at += n;
		}
	}
	close(in);
	close(out);
}

struct cf_volume *mount_ok(struct cf_block *b, int flags)
{
	struct cf_error err = { 0 };
	struct cf_volume *v = cf_volume_open(b, CF_FS_NTFS, flags, &err);
	if (!v)
		fail_msg("can't open the volume: %s", err.message);
	return v;
}

void close_ok(struct cf_volume *v)
{
	struct cf_error err = { 0 };
	ok(cf_volume_close(v, &err), err);
}

void check_consistent(const char *image)
{
	CF_BUF out = { 0 };
	if (run(&out, "ntfsfix -n %s", image) != 0)
		fail_msg("ntfsfix -n: %.*s", (int)out.n, (char *)out.p);
	out.n = 0;
	if (run(&out, "ntfsresize --info -f -P %s 2>&1", image) != 0)
		/* "Volume is full" is no inconsistency, only an answer about resizing. */
		if (!memmem(out.p, out.n, "is full", 7))
			fail_msg("ntfsresize --info: %.*s", (int)out.n, (char *)out.p);
}

bool hash_file(struct cf_volume *v, const char *path, char hex[65], struct cf_error *err)
{
	struct cf_file *f = cf_file_open(v, path, err);
	if (!f)
		return false;
	struct sha256_ctx ctx;
	sha256_init(&ctx);
	static uint8_t buf[1 << 16];
	size_t got;
	uint64_t off = 0;
	int rc;
	while ((rc = cf_file_read(f, off, buf, sizeof buf, &got, err)) == 0 && got) {
		sha256_update(&ctx, got, buf);
		off += got;
	}
	bool whole = rc == 0 && off == cf_file_size(f);
	cf_file_close(f);
	uint8_t digest[32];
	sha256_digest(&ctx, sizeof digest, digest);
	cf_sha256_hex(digest, hex);
	return whole;
}

void fill(uint8_t *p, size_t len, uint32_t seed)
{
	uint32_t s = seed * 2654435761u + 1;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(next_random(&s) >> 24);
}

/* libntfs-3g loses an inode when a write fails while it makes one; nothing above it can get at that. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:libntfs-3g.so\n";
}
