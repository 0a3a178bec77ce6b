/* fixture.h - a private folder for each test, and files in it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TEST_BLOCK_FIXTURE_H
#define TEST_BLOCK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "block/disk.h"
#include "block/nbd.h"

struct fixture {
	char dir[64];
	char *paths[64]; /* handed out, freed at the end */
	unsigned n_paths;
};

static inline int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	strcpy(f->dir, "/var/tmp/coldfix-block-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	while (f->n_paths)
		free(f->paths[--f->n_paths]);
	free(f);
	return 0;
}

static inline const char *join(struct fixture *f, const char *folder, const char *name)
{
	char *p = NULL;
	assert_true(f->n_paths < 64 && asprintf(&p, "%s/%s", folder, name) > 0);
	return f->paths[f->n_paths++] = p;
}

/* Path of NAME in the folder; good until the test ends. */
static inline const char *in_dir(struct fixture *f, const char *name)
{
	return join(f, f->dir, name);
}

/* Writes len bytes at offset 0 of a file of size bytes. */
static inline void make_file(const char *path, const void *bytes, size_t len, off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	if (len)
		assert_int_equal(pwrite(fd, bytes, len, 0), len);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static inline void patch_file(const char *path, off_t off, const void *bytes, size_t len)
{
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, off), len);
	close(fd);
}

static inline void file_hash(const char *path, char hex[65])
{
	struct stat st;
	uint8_t hash[CF_SHA256_LEN];
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	cf_sha256(bytes, (size_t)st.st_size, hash);
	cf_sha256_hex(hash, hex);
	free(bytes);
	close(fd);
}

/* Opening must fail with this code; the message must hold text and the error name the path. */
static inline void expect_refusal(const char *path, const struct cf_disk_options *opt, enum cf_code code, const char *text)
{
	struct cf_error err = { 0 };
	struct cf_disk *d = cf_disk_open(path, opt, &err);
	assert_null(d);
	if (err.code != code || !strstr(err.message, text))
		fail_msg("%s: %d \"%s\", expected %d \"%s\"", path, err.code, err.message, code, text);
	assert_string_equal(err.path, path);
}

static inline struct cf_disk *expect_open(const char *path, const struct cf_disk_options *opt)
{
	struct cf_error err = { 0 };
	struct cf_disk *d = cf_disk_open(path, opt, &err);
	if (!d)
		fail_msg("%s: %d %s", path, err.code, err.message);
	return d;
}

/* Runs a shell command in dir; its exit status. */
static inline int run_in(const char *dir, const char *fmt, ...) CF_PRINTF(2, 3);
static inline int run_in(const char *dir, const char *fmt, ...)
{
	char cmd[8192];
	int n = snprintf(cmd, sizeof cmd, "cd '%s' && exec >>log 2>&1; ", dir);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof cmd - (size_t)n, fmt, ap);
	va_end(ap);
	int r = system(cmd);
	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}

/* Leaves the test with a plain word. Not cmocka's skip(): its "not ok # SKIP" counts as a failure for meson. */
#define SKIP(why)                                \
	do {                                         \
		print_message("# skipped: %s\n", (why)); \
		return;                                  \
	} while (0)

static inline bool have_qemu(struct fixture *f)
{
	return run_in(f->dir, "command -v qemu-img && command -v qemu-nbd && command -v qemu-io") == 0;
}

#define NEED_QEMU(f)                              \
	do {                                          \
		if (!cf_nbd_available() || !have_qemu(f)) \
			SKIP("no qemu-utils or no libnbd");    \
	} while (0)

/* A file among the shared test data, or NULL when it is not there. */
static inline const char *shared_file(struct fixture *f, const char *name)
{
	const char *root = getenv("COLDFIX_SHARED");
	const char *p = join(f, root ? root : "", "data");
	p = join(f, p, name);
	return root && access(p, R_OK) == 0 ? p : NULL;
}

#endif
