/* watch.c - runs a program and sees each change that it makes to files, before the kernel makes it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * While a call waits for our answer the files are exactly as all earlier events left them. Syncs are answered and not
 * done: what a process leaves when it dies does not depend on them, and thousands of them would take long.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIDS_MAX 64
#define IOV_COUNT_MAX 1024u
#define WRITE_MAX (64u << 20) /* bytes of one write */

static _Noreturn void broken(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *must(void *p)
{
	if (!p)
		broken("memory");
	return p;
}

struct watch {
	const struct watch_plan *plan;
	struct watch_trace *trace;
	struct watch_result *result;
	size_t n;       /* events so far */
	int listener;
	pid_t main;
	bool killing;   /* whoever still calls is killed */
	bool full;      /* no room any more */
	pid_t seen[PIDS_MAX];
	int n_seen;
};

static const int watched[] = {
	SCMP_SYS(write), SCMP_SYS(pwrite64), SCMP_SYS(writev), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(fsync),
	SCMP_SYS(fdatasync), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(rmdir), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(creat),
	/* None of these is expected: they would change a file behind our back, so they end the test. */
	SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(truncate), SCMP_SYS(sendfile), SCMP_SYS(copy_file_range),
};

static int make_filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx)
		return -1;
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof watched / sizeof watched[0]; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, watched[i], 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT));
	/* Writes in the background could not be seen one by one: the program has to do without. */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_setup), 0);
	if (r == 0)
		r = seccomp_load(ctx);
	int fd = r == 0 ? seccomp_notify_fd(ctx) : -1;
	return fd;
}

/* The listener crosses to the parent through a socket: sendmsg is none of the calls that wait for an answer. */
union passed {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static void pass(int sock, int fd)
{
	char byte = fd >= 0;
	union passed p = { .room = { 0 } };
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	if (fd >= 0) {
		m.msg_control = p.room;
		m.msg_controllen = sizeof p.room;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	if (sendmsg(sock, &m, 0) != 1)
		_exit(126);
}

static int receive(int sock)
{
	char byte = 0;
	int fd = -1;
	union passed p = { .room = { 0 } };
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = p.room, .msg_controllen = sizeof p.room };
	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) != 1 || !byte)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static _Noreturn void become(const struct watch_plan *plan, int sock, int out)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	int fd = make_filter();
	pass(sock, fd);
	if (fd < 0)
		_exit(126);
	close(fd);
	execv(plan->argv[0], (char *const *)(uintptr_t)plan->argv);
	_exit(127);
}

/* ---- what a call is about ---- */

static bool memory(pid_t pid, uint64_t at, void *buf, size_t len)
{
	struct iovec mine = { buf, len }, theirs = { (void *)(uintptr_t)at, len };
	return process_vm_readv(pid, &mine, 1, &theirs, 1, 0) == (ssize_t)len;
}

/* Page by page, so that a text at the end of its mapping can be read. */
static void text(pid_t pid, uint64_t at, char out[PATH_MAX])
{
	for (size_t i = 0; i < PATH_MAX;) {
		size_t n = 256 - (size_t)((at + i) & 255);
		if (n > PATH_MAX - i)
			n = PATH_MAX - i;
		if (!memory(pid, at + i, out + i, n))
			break;
		if (memchr(out + i, 0, n))
			return;
		i += n;
	}
	out[0] = 0;
}

static void proc_link(pid_t pid, const char *name, char out[PATH_MAX])
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	ssize_t n = readlink(path, out, PATH_MAX - 1);
	out[n < 0 ? 0 : n] = 0;
}

static void path_of_fd(pid_t pid, int fd, char out[PATH_MAX])
{
	char name[32];
	snprintf(name, sizeof name, "fd/%d", fd);
	proc_link(pid, name, out);
}

static void path_at(pid_t pid, int dirfd, uint64_t at, char out[PATH_MAX])
{
	char name[PATH_MAX], folder[PATH_MAX];
	text(pid, at, name);
	if (name[0] == '/')
		folder[0] = 0;
	else if (dirfd == AT_FDCWD)
		proc_link(pid, "cwd", folder);
	else
		path_of_fd(pid, dirfd, folder);
	if (snprintf(out, PATH_MAX, "%s%s%s", folder, folder[0] ? "/" : "", name) >= PATH_MAX)
		out[0] = 0;
}

static uint64_t position(pid_t pid, int fd)
{
	char path[64];
	unsigned long long pos = 0;
	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)pid, fd);
	FILE *f = fopen(path, "re");
	if (!f || fscanf(f, "pos: %llu", &pos) != 1)
		pos = 0;
	if (f)
		fclose(f);
	return pos;
}

static void fetch(pid_t pid, struct watch_event *e, uint64_t at, uint64_t len)
{
	if (len > WRITE_MAX)
		broken("a write is too large");
	e->data = must(realloc(e->data, e->len + len + 1));
	if (len && !memory(pid, at, e->data + e->len, len))
		broken("what is written can't be read");
	e->len += len;
}

static void fetch_vector(pid_t pid, struct watch_event *e, uint64_t at, uint64_t n)
{
	struct iovec v[IOV_COUNT_MAX];
	if (n > IOV_COUNT_MAX || (n && !memory(pid, at, v, n * sizeof v[0])))
		broken("a vector can't be read");
	for (uint64_t i = 0; i < n; i++)
		fetch(pid, e, (uintptr_t)v[i].iov_base, v[i].iov_len);
}

static bool beneath(const struct watch *w, const char *path)
{
	size_t n = strlen(w->plan->folder);
	return strncmp(path, w->plan->folder, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static bool is_there(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

/* Names: creation, rename, removal. Only what will change something is an event. */
static bool describe_name(struct watch *w, const struct seccomp_notif *q, struct watch_event *e, char path[PATH_MAX])
{
	const uint64_t *a = (const uint64_t *)(const void *)q->data.args;
	pid_t pid = (pid_t)q->pid;
	int nr = q->data.nr;
	char to[PATH_MAX];
	bool wanted = true;
	if (nr == SCMP_SYS(openat) || nr == SCMP_SYS(open) || nr == SCMP_SYS(creat)) {
		e->kind = W_CREATE;
		path_at(pid, nr == SCMP_SYS(openat) ? (int)a[0] : AT_FDCWD, a[nr == SCMP_SYS(openat)], path);
		return !is_there(path);
	}
	if (nr == SCMP_SYS(mkdir) || nr == SCMP_SYS(mkdirat)) {
		e->kind = W_MAKE_FOLDER;
		path_at(pid, nr == SCMP_SYS(mkdirat) ? (int)a[0] : AT_FDCWD, a[nr == SCMP_SYS(mkdirat)], path);
		return !is_there(path);
	}
	if (nr == SCMP_SYS(unlink) || nr == SCMP_SYS(rmdir) || nr == SCMP_SYS(unlinkat)) {
		bool folder = nr == SCMP_SYS(rmdir) || (nr == SCMP_SYS(unlinkat) && a[2] & AT_REMOVEDIR);
		e->kind = folder ? W_REMOVE_FOLDER : W_UNLINK;
		path_at(pid, nr == SCMP_SYS(unlinkat) ? (int)a[0] : AT_FDCWD, a[nr == SCMP_SYS(unlinkat)], path);
		return is_there(path);
	}
	e->kind = W_RENAME;
	bool at = nr != SCMP_SYS(rename);
	path_at(pid, at ? (int)a[0] : AT_FDCWD, a[at], path);
	path_at(pid, at ? (int)a[2] : AT_FDCWD, a[at ? 3 : 1], to);
	if (beneath(w, path) || beneath(w, to))
		e->to = must(strdup(to));
	return wanted;
}

/* True when the call is an event; fills it in. */
static bool describe(struct watch *w, const struct seccomp_notif *q, struct watch_event *e)
{
	const uint64_t *a = (const uint64_t *)(const void *)q->data.args;
	pid_t pid = (pid_t)q->pid;
	int nr = q->data.nr, fd = (int)a[0];
	char path[PATH_MAX];
	memset(e, 0, sizeof *e);
	bool by_fd = nr == SCMP_SYS(write) || nr == SCMP_SYS(pwrite64) || nr == SCMP_SYS(writev) || nr == SCMP_SYS(pwritev) ||
		     nr == SCMP_SYS(pwritev2) || nr == SCMP_SYS(fsync) || nr == SCMP_SYS(fdatasync) ||
		     nr == SCMP_SYS(ftruncate) || nr == SCMP_SYS(fallocate) || nr == SCMP_SYS(sendfile);
	if (nr == SCMP_SYS(copy_file_range))
		path_of_fd(pid, (int)a[2], path);
	else if (nr == SCMP_SYS(truncate) || nr == SCMP_SYS(link) || nr == SCMP_SYS(linkat))
		path_at(pid, nr == SCMP_SYS(linkat) ? (int)a[2] : AT_FDCWD, a[nr == SCMP_SYS(truncate) ? 0 : nr == SCMP_SYS(link) ? 1 : 3],
			path);
	else if (by_fd)
		path_of_fd(pid, fd, path);
	else if (!describe_name(w, q, e, path))
		return false;
	if (!beneath(w, path) && !e->to)
		return false;
	e->path = must(strdup(path));
	if (!by_fd && !e->to && e->kind == W_CREATE && nr != SCMP_SYS(openat) && nr != SCMP_SYS(open) && nr != SCMP_SYS(creat))
		broken("a call changes a file in a way that this test does not know");
	if (nr == SCMP_SYS(sendfile))
		broken("sendfile is not known here");
	if (!by_fd)
		return true;
	struct stat st;
	e->kind = nr == SCMP_SYS(fsync) || nr == SCMP_SYS(fdatasync) ? W_SYNC :
		  nr == SCMP_SYS(ftruncate) ? W_TRUNCATE : nr == SCMP_SYS(fallocate) ? W_ALLOCATE : W_WRITE;
	if (e->kind == W_SYNC)
		e->folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	else if (e->kind == W_TRUNCATE)
		e->off = a[1];
	else if (e->kind == W_ALLOCATE)
		e->off = a[2] + a[3];
	else if (nr == SCMP_SYS(write) || nr == SCMP_SYS(pwrite64))
		fetch(pid, e, a[1], a[2]);
	else
		fetch_vector(pid, e, a[1], a[2]);
	if (e->kind == W_WRITE)
		e->off = nr == SCMP_SYS(write) || nr == SCMP_SYS(writev) ? position(pid, fd) : a[3];
	return true;
}

/* ---- what is done about it ---- */

static void event_free(struct watch_event *e)
{
	free(e->path);
	free(e->to);
	free(e->data);
}

static void keep(struct watch *w, struct watch_event *e)
{
	if (!w->trace) {
		event_free(e);
		return;
	}
	struct watch_trace *t = w->trace;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->e = must(realloc(t->e, t->cap * sizeof *t->e));
	}
	t->e[t->n++] = *e;
}

/* A part of the write, done by us in the place of the program. */
static void write_part(const struct watch_event *e, size_t len)
{
	int fd = open(e->path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, e->data, len, (off_t)e->off) != (ssize_t)len)
		broken("a part of a write");
	close(fd);
}

static void kill_seen(struct watch *w)
{
	w->killing = true;
	kill(w->main, SIGKILL);
	for (int i = 0; i < w->n_seen; i++)
		kill(w->seen[i], SIGKILL);
}

static bool needs_room(const struct watch_event *e)
{
	return e->kind == W_CREATE || e->kind == W_WRITE || e->kind == W_ALLOCATE || e->kind == W_MAKE_FOLDER;
}

/* Returns the errno that the call gets, 0: it is carried out, -1: it says success and is not, -2: no answer, killed. */
static int decide(struct watch *w, pid_t pid, struct watch_event *e)
{
	const struct watch_plan *p = w->plan;
	size_t n = w->n++;
	if (n == p->die_at) {
		w->result->hit = true;
		if (p->alone && pid != w->main) {
			/* Its QEMU goes on, as it does when only we die. */
			kill(w->main, SIGKILL);
			keep(w, e);
			return 0;
		}
		if (p->torn && e->kind == W_WRITE) {
			e->len = p->torn < e->len ? p->torn : e->len;
			write_part(e, e->len);
			keep(w, e);
		} else {
			event_free(e);
		}
		if (p->alone)
			kill(w->main, SIGKILL);
		else
			kill_seen(w);
		return -2;
	}
	if (n == p->fail_at) {
		w->result->hit = true;
		w->full = p->fail_errno == ENOSPC;
	}
	if (n == p->fail_at || (w->full && needs_room(e))) {
		/* Half a write may have been done before the error. */
		if (p->fail_errno == EIO && e->kind == W_WRITE && e->len) {
			e->len -= e->len / 2;
			write_part(e, e->len);
			keep(w, e);
		} else {
			event_free(e);
		}
		return p->fail_errno;
	}
	int r = e->kind == W_SYNC ? -1 : 0;
	keep(w, e);
	return r;
}

static void note_pid(struct watch *w, pid_t pid)
{
	for (int i = 0; i < w->n_seen; i++)
		if (w->seen[i] == pid)
			return;
	if (w->n_seen < PIDS_MAX)
		w->seen[w->n_seen++] = pid;
}

static void answer(struct watch *w, struct seccomp_notif *q, struct seccomp_notif_resp *a)
{
	struct watch_event e;
	memset(q, 0, sizeof *q);
	if (seccomp_notify_receive(w->listener, q) < 0)
		return; /* killed meanwhile */
	if (w->killing) {
		kill((pid_t)q->pid, SIGKILL);
		return;
	}
	note_pid(w, (pid_t)q->pid);
	int r = 0;
	bool event = describe(w, q, &e);
	/* If the process has gone meanwhile, what was read is another's. */
	if (seccomp_notify_id_valid(w->listener, q->id) < 0) {
		if (event)
			event_free(&e);
		return;
	}
	if (event)
		r = decide(w, (pid_t)q->pid, &e);
	if (r == -2)
		return;
	memset(a, 0, sizeof *a);
	a->id = q->id;
	a->error = r > 0 ? -r : 0;
	a->flags = r == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	(void)seccomp_notify_respond(w->listener, a);
}

/* Reaps what has ended. False when nobody is left. */
static bool reap(struct watch *w)
{
	int status;
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return pid == 0;
		if (pid == w->main)
			w->result->status = WIFEXITED(status) ? WEXITSTATUS(status) :
					    w->result->hit && WTERMSIG(status) == SIGKILL ? -1 : 128 + WTERMSIG(status);
	}
}

static void serve(struct watch *w, int signals)
{
	struct seccomp_notif *q = NULL;
	struct seccomp_notif_resp *a = NULL;
	if (seccomp_notify_alloc(&q, &a) < 0)
		broken("memory");
	while (reap(w)) {
		struct pollfd p[2] = { { .fd = w->listener, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		struct signalfd_siginfo info;
		if (poll(p, 2, 60000) == 0)
			broken("nothing happened for a minute");
		if (p[0].revents & POLLIN)
			answer(w, q, a);
		else if (p[0].revents)
			w->listener = -1; /* all its processes have gone */
		if (p[1].revents && read(signals, &info, sizeof info) < 0)
			broken("signalfd");
	}
	seccomp_notify_free(q, a);
}

void watch_run(const struct watch_plan *plan, struct watch_trace *trace, struct watch_result *result)
{
	struct watch w = { .plan = plan, .trace = trace, .result = result };
	int sock[2], out = memfd_create("output", MFD_CLOEXEC);
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	memset(result, 0, sizeof *result);
	sigset_t old;
	sigprocmask(SIG_BLOCK, &child, &old);
	int signals = signalfd(-1, &child, SFD_CLOEXEC);
	if (out < 0 || signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sock) < 0)
		broken("can't prepare a process");
	fflush(stdout);
	w.main = fork();
	if (w.main < 0)
		broken("fork");
	if (w.main == 0)
		become(plan, sock[1], out);
	int listener = w.listener = receive(sock[0]);
	if (listener < 0)
		broken("seccomp notifications");
	serve(&w, signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	off_t size = lseek(out, 0, SEEK_END);
	result->events = w.n;
	result->text = must(calloc(1, (size_t)size + 1));
	if (pread(out, result->text, (size_t)size, 0) != size)
		broken("output");
	close(listener);
	close(signals);
	close(out);
	close(sock[0]);
	close(sock[1]);
}

bool watch_possible(void)
{
	int sock[2], status;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sock) < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = make_filter();
		pass(sock[1], fd);
		_exit(0);
	}
	int fd = pid > 0 ? receive(sock[0]) : -1;
	close(sock[0]);
	close(sock[1]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void watch_trace_free(struct watch_trace *t)
{
	for (size_t i = 0; i < t->n; i++)
		event_free(&t->e[i]);
	free(t->e);
	memset(t, 0, sizeof *t);
}

void watch_result_free(struct watch_result *r)
{
	free(r->text);
	r->text = NULL;
}

const char *watch_name(enum watch_kind kind)
{
	static const char *const names[] = { "create", "write", "allocate", "truncate", "sync", "rename", "unlink",
					     "make folder", "remove folder" };
	return names[kind];
}
