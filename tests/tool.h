/* tool.h - for tests that let other programs make or judge an image: running them, and a block device on the file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_TESTS_TOOL_H
#define CF_TESTS_TOOL_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/span.h"
#include "block/block.h"

static inline bool tool_exists(const char *name)
{
	char cmd[256];
	snprintf(cmd, sizeof cmd, "command -v %s >/dev/null 2>&1", name);
	return system(cmd) == 0;
}

/* Ends the running test as skipped unless the program is there. */
#define NEED_TOOL(name)                                         \
	do {                                                    \
		if (!tool_exists(name)) {                       \
			printf("# skipped: no %s\n", name);     \
			skip();                                 \
		}                                               \
	} while (0)

/* Runs a shell command; its exit status. */
static inline CF_PRINTF(1, 2) int tool(const char *fmt, ...)
{
	char cmd[4096];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cmd, sizeof cmd, fmt, ap);
	va_end(ap);
	int rc = system(cmd);
	return rc < 0 ? -1 : WEXITSTATUS(rc);
}

/* Runs a shell command and takes its standard output, with a NUL behind. Returns its exit status. */
static inline int tool_output(struct cf_buf *out, const char *cmd)
{
	char part[4096];
	size_t n;
	FILE *f = popen(cmd, "r");
	assert_non_null(f);
	out->n = 0;
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		assert_int_equal(cf_buf_append(out, part, n), 0);
	assert_int_equal(cf_buf_append(out, "", 1), 0);
	int rc = pclose(f);
	return WEXITSTATUS(rc);
}

/* A work folder beneath the current one (meson's build folder); becomes the current one. */
static char tool_dir[64];

static inline int tool_setup(void **state)
{
	(void)state;
	const char *path = getenv("PATH");
	CF_FREE char *more = NULL;
	if (asprintf(&more, "%s:/usr/sbin:/sbin", path ? path : "/bin:/usr/bin") < 0)
		return -1;
	setenv("PATH", more, 1);
	setenv("MTOOLS_SKIP_CHECK", "1", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	strcpy(tool_dir, "coldfix-test-XXXXXX");
	return mkdtemp(tool_dir) && chdir(tool_dir) == 0 ? 0 : -1;
}

static inline int tool_teardown(void **state)
{
	(void)state;
	return chdir("..") == 0 ? tool("rm -rf %s", tool_dir) : -1;
}

/* ---- a block device on a file ----------------------------------------------------------------------------- */

struct tool_block {
	struct cf_block b;
	int fd;
};

static inline int tool_block_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	return pread(((struct tool_block *)b)->fd, buf, len, (off_t)off) == (ssize_t)len ? 0 : cf_fail(err, CF_E_IO, "read");
}

static inline int tool_block_write(struct cf_block *b, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	return pwrite(((struct tool_block *)b)->fd, buf, len, (off_t)off) == (ssize_t)len ? 0 : cf_fail(err, CF_E_IO, "write");
}

static inline int tool_block_flush(struct cf_block *b, struct cf_error *err)
{
	(void)b;
	(void)err;
	return 0;
}

static inline void tool_block_close(struct cf_block *b)
{
	close(((struct tool_block *)b)->fd);
	free(b);
}

static inline struct cf_block *tool_block_open(const char *path, uint32_t sector_size)
{
	static const struct cf_block_ops ops = {
		.name = "test file",
		.read = tool_block_read,
		.write = tool_block_write,
		.flush = tool_block_flush,
		.close = tool_block_close,
	};
	struct tool_block *t = calloc(1, sizeof *t);
	struct stat st;
	assert_non_null(t);
	t->fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(t->fd >= 0);
	assert_int_equal(fstat(t->fd, &st), 0);
	t->b = (struct cf_block){ .ops = &ops, .size = (uint64_t)st.st_size, .sector_size = sector_size };
	return &t->b;
}

/* A file of the shared test data unpacked to `to`; skips the test if it is not there. */
static inline void tool_shared(const char *name, const char *to)
{
	const char *root = getenv("COLDFIX_SHARED");
	char path[1024];
	snprintf(path, sizeof path, "%s/data/%s", root ? root : "/nonexistent", name);
	if (access(path, R_OK) != 0) {
		printf("# skipped: no test data %s\n", name);
		skip();
	}
	size_t n = strlen(path);
	const char *cat = n > 3 && strcmp(path + n - 3, ".xz") == 0 ? "xz -dc" : n > 3 && strcmp(path + n - 3, ".gz") == 0 ? "gzip -dc" : "cat";
	assert_int_equal(tool("%s '%s' > '%s'", cat, path, to), 0);
}

#endif
