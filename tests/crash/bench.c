/* bench.c - a work folder with a disk image that a real coldfix is let loose on, again and again.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Disks are sparse: only what holds data is copied and compared.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/overflow.h"

#define CHUNK (1u << 20)

static _Noreturn void broken(const char *what, const char *path)
{
	printf("Bail out! %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

void bench_wrong(struct bench *b, const char *where, const char *fmt, ...)
{
	va_list ap;
	b->bad++;
	va_start(ap, fmt);
	printf("# WRONG: %s: ", where);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	va_end(ap);
}

/* The next run of data at or after *off: [*off, *end); false: no more. */
static bool next_data(int fd, off_t *off, off_t *end)
{
	off_t data = lseek(fd, *off, SEEK_DATA);
	if (data < 0)
		return false;
	*off = data;
	*end = lseek(fd, data, SEEK_HOLE);
	return *end > data;
}

void bench_copy(const char *from, const char *to)
{
	CF_CLOSE int in = open(from, O_RDONLY | O_CLOEXEC);
	unlink(to);
	CF_CLOSE int out = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CF_FREE char *buf = malloc(CHUNK);
	struct stat st;
	if (in < 0 || out < 0 || !buf || fstat(in, &st) < 0 || ftruncate(out, st.st_size) < 0)
		broken("can't copy", from);
	for (off_t off = 0, end; next_data(in, &off, &end);)
		while (off < end) {
			ssize_t n = pread(in, buf, cf_min_u64(CHUNK, (uint64_t)(end - off)), off);
			if (n <= 0 || pwrite(out, buf, (size_t)n, off) != n)
				broken("can't copy", from);
			off += n;
		}
}

/* Does b hold what a has as data? */
static bool holds(int a, int b)
{
	CF_FREE char *buf = malloc(2 * (size_t)CHUNK);
	if (!buf)
		broken("memory", "");
	for (off_t off = 0, end; next_data(a, &off, &end);)
		while (off < end) {
			ssize_t n = pread(a, buf, cf_min_u64(CHUNK, (uint64_t)(end - off)), off);
			if (n <= 0 || pread(b, buf + CHUNK, (size_t)n, off) != n || memcmp(buf, buf + CHUNK, (size_t)n) != 0)
				return false;
			off += n;
		}
	return true;
}

bool bench_same(const char *a, const char *b)
{
	CF_CLOSE int fa = open(a, O_RDONLY | O_CLOEXEC);
	CF_CLOSE int fb = open(b, O_RDONLY | O_CLOEXEC);
	struct stat sa, sb;
	if (fa < 0 || fb < 0 || fstat(fa, &sa) < 0 || fstat(fb, &sb) < 0)
		broken("can't compare", a);
	return sa.st_size == sb.st_size && holds(fa, fb) && holds(fb, fa);
}

/* Calls fn for each name in a folder. */
static void each(const char *folder, void (*fn)(const char *path, const char *name, void *user), void *user)
{
	DIR *d = opendir(folder);
	if (!d)
		broken("can't list", folder);
	for (struct dirent *e; (e = readdir(d));) {
		CF_FREE char *path = NULL;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (asprintf(&path, "%s/%s", folder, e->d_name) < 0)
			broken("memory", "");
		fn(path, e->d_name, user);
	}
	closedir(d);
}

static bool is_folder(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void remove_one(const char *path, const char *name, void *user)
{
	(void)name;
	if (is_folder(path)) {
		each(path, remove_one, user);
		rmdir(path);
	} else {
		unlink(path);
	}
}

static void copy_one(const char *path, const char *name, void *user)
{
	CF_FREE char *to = NULL;
	if (asprintf(&to, "%s/%s", (const char *)user, name) < 0)
		broken("memory", "");
	if (!is_folder(path)) {
		bench_copy(path, to);
		return;
	}
	if (mkdir(to, 0700) < 0)
		broken("can't make", to);
	each(path, copy_one, to);
}

void bench_copy_folder(const char *from, const char *to)
{
	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		broken("can't make", to);
	each(to, remove_one, NULL);
	each(from, copy_one, (void *)(uintptr_t)to);
}

void bench_reset(struct bench *b)
{
	each(b->folder, remove_one, NULL);
	bench_copy(b->before, b->image);
}

void bench_begin(struct bench *b, const char *coldfix, const char *folder, const char *disk)
{
	memset(b, 0, sizeof *b);
	b->coldfix = coldfix;
	mkdir(folder, 0700);
	CF_FREE char *real = realpath(folder, NULL);
	const char *dot = strrchr(disk, '.');
	if (!real || !dot || strlen(real) > 900)
		broken("can't use", folder);
	snprintf(b->folder, sizeof b->folder, "%s/here", real);
	snprintf(b->image, sizeof b->image, "%.900s/here/disk%s", real, dot);
	snprintf(b->before, sizeof b->before, "%.900s/before", real);
	snprintf(b->expected, sizeof b->expected, "%.900s/expected", real);
	if (mkdir(b->folder, 0700) < 0 && errno != EEXIST)
		broken("can't make", b->folder);
	bench_copy(disk, b->before);
	bench_reset(b);
}

void bench_expect(struct bench *b, const struct watch_trace *t)
{
	bench_copy(b->before, b->expected);
	CF_CLOSE int fd = open(b->expected, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		broken("can't open", b->expected);
	for (size_t i = 0; i < t->n; i++) {
		const struct watch_event *e = &t->e[i];
		if (e->kind == W_WRITE && strcmp(e->path, b->image) == 0 &&
		    pwrite(fd, e->data, e->len, (off_t)e->off) != (ssize_t)e->len)
			broken("can't write", b->expected);
	}
}

void bench_run(struct bench *b, const struct bench_run *r, struct watch_trace *t, struct watch_result *result)
{
	const char *repair[] = { b->coldfix, "repair", "--yes", "--skip", "volume-full", b->image, NULL };
	const char *undo[] = { b->coldfix, "undo", "--yes", b->image, NULL };
	const char *expand[] = { b->coldfix, "expand", "--yes", "--size", "160M", b->image, NULL };
	const char *diagnose[] = { b->coldfix, "diagnose", "--json", b->image, NULL };
	struct watch_plan plan = {
		.argv = strcmp(r->verb, "repair") == 0 ? repair : strcmp(r->verb, "undo") == 0 ? undo :
			strncmp(r->verb, "expand", 6) == 0 ? expand : diagnose,
		.folder = b->folder, .die_at = r->die_at, .torn = r->torn, .alone = r->alone, .fail_at = r->fail_at,
		.fail_errno = r->fail_errno,
	};
	watch_run(&plan, t, result);
}

int bench_open(struct bench *b, char id[80], struct cf_error *err)
{
	struct cf_request req = { .command = CF_REPAIR, .disk = b->image };
	struct cf_session s;
	int r = cf_session_open(&s, &req, NULL, true, err);
	if (r == 0 && id)
		memcpy(id, s.id[0], sizeof s.id[0]);
	cf_session_close(&s);
	return r;
}

struct counter {
	const char *text;
	unsigned n;
};

static void count_one(const char *path, const char *name, void *user)
{
	struct counter *c = user;
	(void)path;
	c->n += strstr(name, c->text) != NULL;
}

unsigned bench_count(const struct bench *b, const char *text)
{
	struct counter c = { text, 0 };
	each(b->folder, count_one, &c);
	return c.n;
}

bool bench_is_right(struct bench *b)
{
	static const char *const made[] = { "bad-memory-list", "bad-memory-registry", "pagefile-misplaced",
					    "serial-console-off", "crash-dump-off", "hive-unclean" };
	struct bench_run run = BENCH_RUN("diagnose");
	struct watch_result result;
	size_t i;
	json_t *p;
	bench_run(b, &run, NULL, &result);
	json_t *doc = json_loads(result.text, 0, NULL);
	json_t *problems = json_object_get(doc, "problems");
	bool right = json_is_array(problems) && (result.status == 0 || result.status == 4);
	json_array_foreach(problems, i, p)
		for (size_t k = 0; k < CF_ARRAY_LEN(made); k++)
			right = right && strcmp(json_string_value(json_object_get(p, "id")), made[k]) != 0;
	json_decref(doc);
	watch_result_free(&result);
	return right;
}
