/* child.c - a program of our own that ends when we do.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything that allocates is done before the fork: between fork and exec only calls are made that are safe in a copy of a
 * process with threads. Standard error goes to a memory file, which never blocks the child.
 */
#include "block/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/overflow.h"

#define TERM_MS 5000u /* from SIGTERM to SIGKILL */
#define FIRST_FD 3    /* where socket activation puts the listening socket */

extern char **environ;

struct launch {
	char **env;
	char pid_text[40]; /* "LISTEN_PID=…", filled in by the child: only it knows */
};

/* Full path of a program (malloc'd), as a shell would find it. */
static char *find_program(const char *name, struct cf_error *err)
{
	const char *path = getenv("PATH");
	if (!path || !*path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t n = strcspn(path, ":");
		char *full = NULL;
		if (n && asprintf(&full, "%.*s/%s", (int)n, path, name) < 0) {
			cf_fail_nomem(err);
			return NULL;
		}
		if (full && access(full, X_OK) == 0)
			return full;
		free(full);
		path += n + (path[n] == ':');
	}
	cf_fail(err, CF_E_UNSUPPORTED, "the program %s is missing: install it (Debian and Ubuntu: qemu-utils; Fedora: qemu-img)", name);
	return NULL;
}

static bool is_replaced(const char *entry)
{
	return strncmp(entry, "LC_ALL=", 7) == 0 || strncmp(entry, "LANGUAGE=", 9) == 0 || strncmp(entry, "LISTEN_", 7) == 0;
}

static int make_environment(struct launch *l, bool listens, struct cf_error *err)
{
	static char c_locale[] = "LC_ALL=C", one_socket[] = "LISTEN_FDS=1";
	size_t n = 0, k = 0;
	while (environ && environ[n])
		n++;
	l->env = calloc(n + 4, sizeof *l->env);
	if (!l->env)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		if (!is_replaced(environ[i]))
			l->env[k++] = environ[i];
	l->env[k++] = c_locale;
	if (listens) {
		l->env[k++] = one_socket;
		l->env[k++] = l->pid_text;
	}
	return 0;
}

/* Only async-signal-safe calls from here to exec. */
static void write_pid(char *out)
{
	char digits[24];
	int n = 0;
	for (long pid = getpid(); pid > 0; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	memcpy(out, "LISTEN_PID=", 11);
	out += 11;
	while (n)
		*out++ = digits[--n];
	*out = 0;
}

static void close_from(unsigned first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0u, 0) == 0)
		return;
#endif
	for (unsigned fd = first; fd < 4096; fd++)
		close((int)fd);
}

static _Noreturn void become(const char *program, char *const *argv, struct launch *l, int listen_fd, int log_fd,
			     pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) /* died before that took effect */
		_exit(127);

	/* Move what is wanted out of the way of 0..3 first. */
	int log = fcntl(log_fd, F_DUPFD, 10);
	int sock = listen_fd >= 0 ? fcntl(listen_fd, F_DUPFD, 10) : -1;
	int null = open("/dev/null", O_RDWR);
	if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0 ||
	    (listen_fd >= 0 && dup2(sock, FIRST_FD) < 0))
		_exit(127);
	close_from(listen_fd >= 0 ? FIRST_FD + 1 : FIRST_FD);
	if (listen_fd >= 0)
		write_pid(l->pid_text);
	execve(program, argv, l->env);
	_exit(127);
}

int cf_child_start(struct cf_child *c, const char *const *argv, int listen_fd, struct cf_error *err)
{
	struct launch l = { .env = NULL };
	*c = CF_CHILD_NONE;
	CF_FREE char *program = find_program(argv[0], err);
	if (!program || make_environment(&l, listen_fd >= 0, err) < 0)
		return -1;
	CF_FREE char **env = l.env;
	CF_CLOSE int log_fd = memfd_create("coldfix-child-log", MFD_CLOEXEC);
	if (log_fd < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't make a memory file");

	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't start %s", argv[0]);
	if (pid == 0) {
		/* execve takes the arguments as char *const *, but doesn't change them. */
		char *const *args;
		memcpy(&args, &argv, sizeof args);
		become(program, args, &l, listen_fd, log_fd, parent);
	}
	(void)env;
	c->pid = pid;
	c->log_fd = log_fd;
	log_fd = -1;
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* True when it has ended and is reaped. */
static bool wait_for(struct cf_child *c, unsigned ms, int *status)
{
	uint64_t end = now_ms() + ms;
	long pause_us = 500;
	for (;;) {
		pid_t r = waitpid(c->pid, status, WNOHANG);
		if (r == c->pid)
			return true;
		if (r < 0 && errno != EINTR) { /* somebody else reaped it */
			*status = 0;
			return true;
		}
		if (now_ms() >= end)
			return false;
		nanosleep(&(struct timespec){ 0, pause_us * 1000 }, NULL);
		pause_us = pause_us < 20000 ? pause_us * 2 : pause_us;
	}
}

int cf_child_finish(struct cf_child *c, unsigned ms)
{
	int status = 0;
	if (c->pid <= 0)
		return 0;
	if (!wait_for(c, ms, &status)) {
		kill(c->pid, SIGTERM);
		if (!wait_for(c, TERM_MS, &status)) {
			kill(c->pid, SIGKILL);
			while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
				;
		}
	}
	c->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void cf_child_complaint(const struct cf_child *c, char *out, size_t out_len)
{
	char text[1024];
	off_t end = c->log_fd >= 0 ? lseek(c->log_fd, 0, SEEK_END) : 0;
	off_t start = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
	ssize_t n = end > 0 ? pread(c->log_fd, text, sizeof text - 1, start) : 0;
	out[0] = 0;
	if (n <= 0)
		return;
	text[n] = 0;
	/* "qemu-nbd: " and "qemu-img: NAME: " start a line: the first of them goes, line breaks become "; ". */
	char *s = text;
	if (strncmp(s, "qemu-", 5) == 0 && strchr(s, ' '))
		s = strchr(s, ' ') + 1;
	size_t k = 0;
	for (; *s && k + 3 < out_len; s++) {
		if (*s == '\n') {
			if (s[1] && s[1] != '\n') {
				out[k++] = ';';
				out[k++] = ' ';
			}
		} else {
			out[k++] = (unsigned char)*s < ' ' || *s == 127 ? '?' : *s;
		}
	}
	out[k] = 0;
}

void cf_child_close(struct cf_child *c)
{
	if (c->pid > 0)
		cf_child_finish(c, 0);
	if (c->log_fd >= 0)
		close(c->log_fd);
	*c = CF_CHILD_NONE;
}

int cf_child_run(const char *const *argv, struct cf_error *err)
{
	CF_CLEANUP(cf_child_close) struct cf_child c = CF_CHILD_NONE;
	char said[512];
	if (cf_child_start(&c, argv, -1, err) < 0)
		return -1;
	int status = cf_child_finish(&c, 10 * 60 * 1000);
	if (status == 0)
		return 0;
	cf_child_complaint(&c, said, sizeof said);
	return cf_fail(err, CF_E_IO, "%s failed: %s", argv[0], said[0] ? said : "it gave no reason");
}
