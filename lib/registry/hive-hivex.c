/* hive-hivex.c - carries out edits with hivex, in a child process, on private memory files.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The only file that knows hivex. The child gets three descriptors: the hive (3), the result (4) and a pipe for one
 * record (5): 'K' when done, else 'E' and a sentence. It has nothing else open, is limited in memory and time, and may call only what the
 * sandbox leaves. Whatever it does, the parent takes nothing but the result file, and that is validated and compared.
 */
#include "registry/hive-edit-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <hivex.h>
#include <iconv.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/sandbox.h"

#define CHILD_HIVE 3
#define CHILD_RESULT 4
#define CHILD_PIPE 5
#define CHILD_CPU_SECONDS 120
#define CHILD_WALL_SECONDS 300
#define CHILD_MEMORY (256u * CF_MIB) /* beyond eight times the hive */
#define MAX_RECORD 512u

/* ---- in the child ---- */

static void __attribute__((noreturn)) CF_PRINTF(1, 2) die(const char *fmt, ...)
{
	char text[MAX_RECORD] = "E";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text + 1, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	ssize_t n = write(CHILD_PIPE, text, strlen(text));
	_exit(n > 0 ? 1 : 2);
}

/* The node of a key; 0 when it is not there. make: make what is missing. */
static hive_node_h walk_to(hive_h *h, const char *path, bool make)
{
	hive_node_h node = hivex_root(h);
	CF_FREE char *copy = strdup(path);
	if (!copy || !node)
		die("hivex has no root key");
	char *rest = copy;
	for (char *name; node && *rest && (name = strsep(&rest, "\\"));) {
		hive_node_h child = hivex_node_get_child(h, node, name);
		if (!child && make) {
			child = hivex_node_add_child(h, node, name);
			if (!child)
				die("hivex could not make the key %.200s: %s", path, strerror(errno));
		}
		node = child;
		if (!rest)
			break;
	}
	return node;
}

struct value_array {
	hive_set_value *v;
	size_t n;
};

static void read_values(hive_h *h, hive_node_h node, size_t room, struct value_array *a)
{
	CF_FREE hive_value_h *values = hivex_node_values(h, node);
	size_t n = 0;
	if (!values)
		die("hivex could not list the values: %s", strerror(errno));
	while (values[n])
		n++;
	a->v = calloc(n + room, sizeof(*a->v));
	a->n = n;
	if (!a->v)
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		a->v[i].key = hivex_value_key(h, values[i]);
		a->v[i].value = hivex_value_value(h, values[i], &a->v[i].t, &a->v[i].len);
		if (!a->v[i].key || !a->v[i].value)
			die("hivex could not read a value: %s", strerror(errno));
	}
}

/* Only the pointers in the array change hands: what they point at lives until the child exits. */
static void put_value(struct value_array *a, const struct cf_hive_edit *e)
{
	size_t i = 0;
	while (i < a->n && strcasecmp(a->v[i].key, e->name) != 0)
		i++;
	if (e->op == CF_EDIT_DELETE_VALUE) {
		if (i < a->n) {
			memmove(&a->v[i], &a->v[i + 1], (a->n - i - 1) * sizeof(*a->v));
			a->n--;
		}
		return;
	}
	if (i == a->n) {
		a->v[i].key = e->name;
		a->n++;
	}
	a->v[i].t = (hive_type)e->type;
	a->v[i].len = e->data.n;
	a->v[i].value = e->data.n ? (char *)e->data.p : (char *)(uintptr_t)"";
}

/* All edits of one key's values that follow each other; returns how many. */
static size_t edit_values(hive_h *h, const struct cf_hive_edits *e, size_t at)
{
	const struct cf_hive_edit *first = &e->edit[at];
	size_t n = 0;
	bool make = false;
	while (at + n < e->n && first[n].op != CF_EDIT_DELETE_KEY && strcmp(first[n].key, first->key) == 0)
		make |= first[n++].op == CF_EDIT_SET;
	hive_node_h node = walk_to(h, first->key, make);
	if (!node)
		return n;
	struct value_array a;
	read_values(h, node, n, &a);
	for (size_t i = 0; i < n; i++)
		put_value(&a, &first[i]);
	if (hivex_node_set_values(h, node, a.n, a.v, 0) < 0)
		die("hivex could not write the values of %.200s: %s", first->key, strerror(errno));
	free(a.v);
	return n;
}

static void __attribute__((noreturn)) child(const int fds[3], uint64_t hive_bytes, const struct cf_hive_edits *e)
{
	const struct cf_sandbox limits = { .memory = CHILD_MEMORY + 8 * hive_bytes, .file_size = 4 * hive_bytes + CF_GIB,
		.cpu_seconds = CHILD_CPU_SECONDS, .wall_seconds = CHILD_WALL_SECONDS };
	if (cf_sandbox_keep_fds(fds, 3) < 0)
		_exit(2);
	/* glibc loads converters from files: hivex finds them loaded once no file can be opened any more */
	static const char *const pairs[][2] = { { "LATIN1", "UTF-8" }, { "UTF-8", "LATIN1" }, { "UTF-16LE", "UTF-8" },
		{ "UTF-8", "UTF-16LE" } };
	for (size_t i = 0; i < CF_ARRAY_LEN(pairs); i++)
		if (iconv_open(pairs[i][0], pairs[i][1]) == (iconv_t)-1)
			die("the C library has no conversion from %s to %s", pairs[i][1], pairs[i][0]);
	unsetenv("HIVEX_DEBUG");
	cf_sandbox_enter(&limits);
	hive_h *h = hivex_open("/proc/self/fd/3", HIVEX_OPEN_WRITE);
	if (!h)
		die("hivex could not open the hive: %s", strerror(errno));
	for (size_t i = 0; i < e->n;) {
		if (e->edit[i].op != CF_EDIT_DELETE_KEY) {
			i += edit_values(h, e, i);
			continue;
		}
		hive_node_h node = walk_to(h, e->edit[i].key, false);
		if (node && hivex_node_delete_child(h, node) < 0)
			die("hivex could not delete the key %.200s: %s", e->edit[i].key, strerror(errno));
		i++;
	}
	if (hivex_commit(h, "/proc/self/fd/4", 0) < 0)
		die("hivex could not write the hive: %s", strerror(errno));
	_exit(write(CHILD_PIPE, "K", 1) == 1 ? 0 : 2);
}

/* ---- in the parent ---- */

static int write_all(int fd, struct cf_span s, struct cf_error *err)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "the hive could not be copied to a memory file");
		s = cf_span_of(s.p + n, s.n - (size_t)n);
	}
	return 0;
}

/* hivex computes the checksum without the rule for 0 and -1: it gets the plain sum to see. */
static int give_hive(int fd, struct cf_span hive, struct cf_error *err)
{
	uint8_t base[512];
	uint32_t sum = 0;
	memcpy(base, hive.p, sizeof(base));
	for (size_t i = 0; i < 508; i += 4)
		sum ^= cf_ld32(base + i);
	cf_st32(base + 508, sum);
	if (write_all(fd, cf_span_of(base, sizeof(base)), err) < 0)
		return -1;
	return write_all(fd, cf_span_of(hive.p + sizeof(base), hive.n - sizeof(base)), err);
}

static int take_result(int fd, struct cf_buf *out, struct cf_error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || st.st_size < 512 || (uint64_t)st.st_size > CF_HIVE_BASE + CF_HIVE_MAX_BYTES)
		return cf_fail(err, CF_E_INTERNAL, "the registry editor (hivex) left no hive; nothing was changed");
	out->n = 0;
	if (cf_buf_resize(out, (size_t)st.st_size) < 0)
		return cf_fail_nomem(err);
	for (size_t at = 0; at < out->n;) {
		ssize_t n = pread(fd, out->p + at, out->n - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cf_fail_errno(err, CF_E_INTERNAL, n < 0 ? errno : EIO, "the edited hive could not be read back");
		at += (size_t)n;
	}
	return 0;
}

/* Reads the child's record to its end, then waits for it. */
static int hear(int fd, pid_t pid, struct cf_error *err)
{
	char record[MAX_RECORD + 1];
	size_t n = 0;
	ssize_t got;
	int status = 0;
	while (n < MAX_RECORD && ((got = read(fd, record + n, MAX_RECORD - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	record[n] = '\0';
	pid_t waited;
	while ((waited = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (waited < 0)
		status = 0; /* the caller lets the system reap children: the record has to do */
	if (WIFSIGNALED(status))
		return cf_fail(err, CF_E_INTERNAL, "the registry editor (hivex) stopped with signal %d (%s); nothing was changed",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (n && record[0] == 'E')
		return cf_fail(err, CF_E_INTERNAL, "%s; nothing was changed", record + 1);
	if (n != 1 || record[0] != 'K' || status != 0)
		return cf_fail(err, CF_E_INTERNAL, "the registry editor (hivex) did not finish; nothing was changed");
	return 0;
}

int cf_hivex_run(struct cf_span hive, const struct cf_hive_edits *e, struct cf_buf *out, struct cf_error *err)
{
	int ends[2];
	CF_CLOSE int in = memfd_create("coldfix-hive", MFD_CLOEXEC);
	CF_CLOSE int result = memfd_create("coldfix-hive-edited", MFD_CLOEXEC);
	if (in < 0 || result < 0)
		return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "no memory file for the registry editor");
	if (give_hive(in, hive, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return cf_fail_errno(err, CF_E_INTERNAL, errno, "no pipe to the registry editor");
	CF_CLOSE int reader = ends[0];
	const int fds[3] = { in, result, ends[1] };
	pid_t pid = fork();
	if (pid == 0)
		child(fds, hive.n, e);
	int fork_errno = errno;
	close(ends[1]);
	if (pid < 0)
		return cf_fail_errno(err, CF_E_NO_MEMORY, fork_errno, "the registry editor could not be started");
	return hear(reader, pid, err) < 0 ? -1 : take_result(result, out, err);
}
