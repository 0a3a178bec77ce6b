/* sandbox.c - resource limits, no new privileges, Landlock and seccomp for child processes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Order matters: limits first, then "no new privileges" (Landlock and seccomp demand it), then Landlock, seccomp last,
 * because its filter no longer lets the other calls through.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/overflow.h"
#include "config.h"

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif
#if defined(__has_include)
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#define HAVE_LANDLOCK 1
#endif
#endif

#define MAX_KEPT_FDS 8u

/* Address sanitizer maps terabytes of shadow memory: a limit on the address space can't be set then. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static int limit(int what, uint64_t n)
{
	struct rlimit l = { n, n };
	struct rlimit now;
	if (getrlimit((__rlimit_resource_t)what, &now) == 0 && now.rlim_max < n)
		l = (struct rlimit){ now.rlim_max, now.rlim_max };
	return setrlimit((__rlimit_resource_t)what, &l);
}

static uint64_t mapped_now(void)
{
	unsigned long long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool set_limits(const struct cf_sandbox *s)
{
	bool ok = limit(RLIMIT_CORE, 0) == 0;
	if (s->memory && !SANITIZED) {
		uint64_t now = mapped_now(), most;
		ok = now && !cf_add_overflow(now, s->memory, &most) && limit(RLIMIT_AS, most) == 0 && ok;
	}
	if (s->file_size)
		ok = limit(RLIMIT_FSIZE, s->file_size) == 0 && ok;
	if (s->cpu_seconds)
		ok = limit(RLIMIT_CPU, s->cpu_seconds) == 0 && ok;
	if (s->wall_seconds) {
		sigset_t alarms;
		sigemptyset(&alarms);
		sigaddset(&alarms, SIGALRM);
		signal(SIGALRM, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &alarms, NULL);
		alarm(s->wall_seconds);
	}
	return ok;
}

/* Handles every right of Landlock's first version and grants none. */
static bool deny_files(void)
{
#if defined(HAVE_LANDLOCK) && defined(SYS_landlock_create_ruleset)
	struct landlock_ruleset_attr attr = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return false;
	bool ok = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return ok;
#else
	return false;
#endif
}

static bool filter_syscalls(void)
{
#ifdef HAVE_SECCOMP
	static const int allowed[] = { SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
		SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(ftruncate), SCMP_SYS(fsync),
		SCMP_SYS(fdatasync), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
		SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(fcntl), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
		SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(futex), SCMP_SYS(getrandom),
		SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(poll), SCMP_SYS(ppoll),
		SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction),
		SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(exit),
		SCMP_SYS(exit_group) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return false;
	bool ok = true;
	for (size_t i = 0; i < CF_ARRAY_LEN(allowed); i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		ok = ok && (r == 0 || r == -EDOM || r == -EINVAL); /* not every machine has every call */
	}
	ok = ok && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return ok;
#else
	return false;
#endif
}

unsigned cf_sandbox_enter(const struct cf_sandbox *s)
{
	unsigned absent = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!set_limits(s))
		absent |= CF_SANDBOX_LIMITS;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		absent |= CF_SANDBOX_PRIVS;
	if (!deny_files())
		absent |= CF_SANDBOX_FILES;
	if (!filter_syscalls())
		absent |= CF_SANDBOX_SYSCALLS;
	return absent;
}

static void close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, first, ~0u, 0) == 0)
		return;
#endif
	long most = sysconf(_SC_OPEN_MAX);
	for (int i = first; i < most; i++)
		close(i);
}

int cf_sandbox_keep_fds(const int *fds, unsigned n)
{
	int high[MAX_KEPT_FDS];
	if (n > MAX_KEPT_FDS)
		return -1;
	/* out of the way first: a descriptor may lie where another one has to go */
	for (unsigned i = 0; i < n; i++)
		if ((high[i] = fcntl(fds[i], F_DUPFD, 3 + (int)MAX_KEPT_FDS)) < 0)
			return -1;
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			close(i);
	for (unsigned i = 0; i < n; i++)
		if (dup2(high[i], 3 + (int)i) < 0)
			return -1;
	close_from(3 + (int)n);
	return 0;
}
