/* test-sandbox.c - what a process can still do behind each layer that is in force here.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

struct seen {
	unsigned absent;
	int socket_errno, open_errno;
	int memfd_opens, stray_open;
};

static struct seen look(void)
{
	const struct cf_sandbox s = { .memory = 1 << 28, .file_size = 1 << 20, .cpu_seconds = 10, .wall_seconds = 20 };
	struct seen seen = { 0 };
	seen.absent = cf_sandbox_enter(&s);
	seen.socket_errno = socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
	seen.open_errno = open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
	seen.memfd_opens = open("/proc/self/fd/3", O_RDWR) >= 0;
	seen.stray_open = fcntl(20, F_GETFD) >= 0;
	return seen;
}

static void test_layers(void **state)
{
	(void)state;
	int ends[2], status;
	struct seen seen;
	int mem = memfd_create("test", 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[0], 20), 20);
	pid_t pid = fork();
	if (pid == 0) {
		const int fds[] = { mem, ends[1] };
		if (cf_sandbox_keep_fds(fds, 2) < 0)
			_exit(1);
		seen = look();
		_exit(write(4, &seen, sizeof(seen)) == sizeof(seen) ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &seen, sizeof(seen)), sizeof(seen));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	print_message("# absent layers: 0x%x\n", seen.absent);
	assert_false(seen.stray_open);
	assert_true(seen.memfd_opens);
	assert_int_equal(seen.absent & CF_SANDBOX_PRIVS, 0);
	if (!(seen.absent & CF_SANDBOX_SYSCALLS))
		assert_int_equal(seen.socket_errno, EPERM);
	if (!(seen.absent & CF_SANDBOX_FILES))
		assert_int_equal(seen.open_errno, EACCES);
	close(ends[0]);
	close(20);
	close(mem);
}

/* What a program that has opened everything can still do: 0 or the errno of each. */
struct rest {
	unsigned absent;
	int read_errno, outside_errno, inside_errno, remove_errno, fork_errno, socket_errno, tty_errno, reap_errno, memory;
};

static int failed(long r)
{
	return r < 0 ? errno : 0;
}

/* Calls work in a child and takes what it found. */
static void in_child(void (*work)(const char *folder, void *found), const char *folder, void *found, size_t size)
{
	int ends[2], status;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		work(folder, found);
		_exit(write(ends[1], found, size) == (ssize_t)size ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], found, size), size);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ends[0]);
}

static void work_on(const char *folder, void *found)
{
	char inside[200], outside[200];
	struct rest rest = { 0 };
	pid_t child = fork();
	if (child == 0)
		for (;;)
			pause();
	snprintf(inside, sizeof inside, "%s/in/new", folder);
	snprintf(outside, sizeof outside, "%s/new", folder);
	char in[200];
	snprintf(in, sizeof in, "%s/in", folder);
	const struct cf_sandbox s = { .memory = 1 << 28, .whole_process = true, .folder = in };
	rest.absent = cf_sandbox_enter(&s);
	rest.read_errno = failed(open("/etc/passwd", O_RDONLY));
	rest.outside_errno = failed(open(outside, O_WRONLY | O_CREAT | O_EXCL, 0600));
	rest.inside_errno = failed(open(inside, O_WRONLY | O_CREAT | O_EXCL, 0600));
	rest.remove_errno = failed(unlink(inside));
	rest.socket_errno = failed(socket(AF_INET, SOCK_STREAM, 0));
	rest.tty_errno = isatty(0) ? 0 : errno;
	kill(child, SIGKILL);
	rest.reap_errno = failed(waitpid(child, NULL, 0));
	void *p = malloc((size_t)1 << 29);
	rest.memory = p != NULL;
	free(p);
	pid_t another = fork();
	if (another == 0)
		_exit(0);
	rest.fork_errno = failed(another);
	memcpy(found, &rest, sizeof rest);
}

static void test_whole_process(void **state)
{
	(void)state;
	char folder[] = "/tmp/coldfix-sandbox-XXXXXX", in[64], new[64];
	struct rest rest = { 0 };
	assert_non_null(mkdtemp(folder));
	snprintf(in, sizeof in, "%s/in", folder);
	snprintf(new, sizeof new, "%s/new", folder);
	assert_int_equal(mkdir(in, 0700), 0);
	in_child(work_on, folder, &rest, sizeof rest);
	print_message("# absent layers: 0x%x\n", rest.absent);
	assert_int_equal(rest.inside_errno, 0);
	assert_int_equal(rest.remove_errno, 0);
	assert_int_equal(rest.reap_errno, 0);
	assert_int_not_equal(rest.tty_errno, EPERM);
	if (!(rest.absent & CF_SANDBOX_LIMITS))
		assert_false(rest.memory);
	if (!(rest.absent & CF_SANDBOX_SYSCALLS)) {
		assert_int_equal(rest.socket_errno, EPERM);
		assert_int_equal(rest.fork_errno, EPERM);
	}
	if (!(rest.absent & CF_SANDBOX_FILES)) {
		assert_int_equal(rest.read_errno, EACCES);
		assert_int_equal(rest.outside_errno, EACCES);
	}
	unlink(new);
	rmdir(in);
	rmdir(folder);
}

/* A command that makes a folder of its own: what it can do there, beside it, and with threads. */
struct made {
	unsigned absent;
	int folder_errno, file_errno, back_errno, name_errno, gone_errno, outside_errno, also_errno, also_folder_errno, parent_errno, thread, fork_errno;
};

static void *answer(void *user)
{
	*(int *)user = 42;
	return NULL;
}

static void work_in_tree(const char *folder, void *found)
{
	struct made m = { 0 };
	char in[64], also[64], path[100], other[100];
	snprintf(in, sizeof in, "%s/in", folder);
	snprintf(also, sizeof also, "%s/also", folder);
	const struct cf_sandbox s = { .memory = 1 << 28, .whole_process = true, .folder = in, .also = also, .tree = true, .remove = { NULL, folder },
				      .threads = true };
	m.absent = cf_sandbox_enter(&s);
	snprintf(path, sizeof path, "%s/begun", in);
	snprintf(other, sizeof other, "%s/done", in);
	m.folder_errno = failed(mkdir(path, 0700));
	snprintf(path, sizeof path, "%s/begun/file", in);
	m.file_errno = failed(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
	m.back_errno = failed(open(path, O_RDONLY));
	unlink(path);
	snprintf(path, sizeof path, "%s/begun", in);
	m.name_errno = failed(rename(path, other));
	m.gone_errno = failed(rmdir(other));
	snprintf(path, sizeof path, "%s/stray", folder);
	m.outside_errno = failed(mkdir(path, 0700));
	snprintf(path, sizeof path, "%s/file", also);
	m.also_errno = failed(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
	unlink(path);
	m.also_folder_errno = failed(mkdir(path, 0700));
	m.parent_errno = failed(rmdir(also));
	pthread_t thread;
	if (pthread_create(&thread, NULL, answer, &m.thread) == 0)
		pthread_join(thread, NULL);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	m.fork_errno = failed(child);
	memcpy(found, &m, sizeof m);
}

static void test_tree(void **state)
{
	(void)state;
	char folder[] = "/tmp/coldfix-sandbox-XXXXXX", in[64], also[64];
	struct made m = { 0 };
	assert_non_null(mkdtemp(folder));
	snprintf(in, sizeof in, "%s/in", folder);
	snprintf(also, sizeof also, "%s/also", folder);
	assert_int_equal(mkdir(in, 0700), 0);
	assert_int_equal(mkdir(also, 0700), 0);
	in_child(work_in_tree, folder, &m, sizeof m);
	assert_int_equal(m.folder_errno, 0);
	assert_int_equal(m.file_errno, 0);
	assert_int_equal(m.back_errno, 0);
	assert_int_equal(m.name_errno, 0);
	assert_int_equal(m.gone_errno, 0);
	assert_int_equal(m.also_errno, 0);
	assert_int_equal(m.thread, 42);
	if (!(m.absent & CF_SANDBOX_SYSCALLS))
		assert_int_equal(m.fork_errno, EPERM);
	if (!(m.absent & CF_SANDBOX_FILES)) {
		assert_int_equal(m.outside_errno, EACCES);
		assert_int_equal(m.also_folder_errno, EACCES);
		assert_int_equal(m.parent_errno, 0);
	}
	/* Without the layers these could be made. */
	char stray[100];
	snprintf(stray, sizeof stray, "%s/stray", folder);
	rmdir(stray);
	snprintf(stray, sizeof stray, "%s/file", also);
	rmdir(stray);
	rmdir(also);
	rmdir(in);
	rmdir(folder);
}

/* A child that becomes another program: it runs and reads where it may, and nowhere else. Exit status of /bin/sh -c text. */
static int as_program(const char *text, unsigned *absent)
{
	int ends[2], status = 0;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		static const char *const may_read[] = { "/usr", "/lib", "/lib64", "/bin", "/nonexistent", NULL };
		const struct cf_sandbox s = { .program = may_read, .wall_seconds = 60 };
		unsigned a = cf_sandbox_enter(&s);
		if (write(ends[1], &a, sizeof a) == sizeof a)
			execl("/bin/sh", "sh", "-c", text, NULL);
		_exit(126);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], absent, sizeof *absent), sizeof *absent);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_program(void **state)
{
	(void)state;
	unsigned absent;
	char folder[] = "/tmp/coldfix-sandbox-XXXXXX", text[200];
	assert_int_equal(as_program("read -r line </usr/share/dict/none; exit 7", &absent), 7);
	if (absent & CF_SANDBOX_FILES)
		skip();
	assert_non_null(mkdtemp(folder));
	snprintf(text, sizeof text, "echo x 2>&- >%s/new && exit 0; exit 8", folder);
	assert_int_equal(as_program(text, &absent), 8);
	/* /bin/sh itself may be read, what is not named may not */
	assert_int_equal(as_program("[ -r /bin/sh ] && read -r line </bin/sh; exit 9", &absent), 9);
	assert_int_equal(as_program("read -r line </etc/passwd && exit 0; exit 10", &absent), 10);
	rmdir(folder);
}

static void test_time_limit(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		const struct cf_sandbox s = { .wall_seconds = 1 };
		cf_sandbox_enter(&s);
		for (;;)
			poll(NULL, 0, -1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGALRM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_whole_process),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_time_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
