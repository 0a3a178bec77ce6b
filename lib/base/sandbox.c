/* sandbox.c - resource limits, no new privileges, Landlock and seccomp.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Order matters: limits first, then "no new privileges" (Landlock and seccomp demand it), then Landlock, seccomp last,
 * because its filter no longer lets the other calls through.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
#define TCGETS_2 0x802c542au /* TCGETS2, which isatty() of later C libraries asks with; its header clashes with theirs */

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

#if defined(HAVE_LANDLOCK) && defined(SYS_landlock_create_ruleset)
/* New files may be made there, and taken away again if they stay incomplete. */
#define MAKE_FILES (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE)
/* The same with folders; a folder is opened to be synced. */
#define MAKE_TREE (MAKE_FILES | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_READ_FILE | \
		   LANDLOCK_ACCESS_FS_READ_DIR)

static bool allow_folder(int ruleset, const char *folder, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	if (!folder)
		return true;
	rule.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return true; /* the caller finds out when it makes its file */
	bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}
#endif

/* A program may read and run what lies beneath place, or the file itself. */
static bool allow_reading(int ruleset, const char *place)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE };
	struct stat st;
	rule.parent_fd = open(place, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return true; /* not there: nothing to allow */
	if (fstat(rule.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return ok;
}

/* Handles every right of Landlock's first version and grants none, but for the folders and what a program has to read. */
static bool deny_files(const struct cf_sandbox *s)
{
#if defined(HAVE_LANDLOCK) && defined(SYS_landlock_create_ruleset)
	struct landlock_ruleset_attr attr = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return false;
	bool ok = allow_folder(fd, s->folder, s->tree ? MAKE_TREE : MAKE_FILES) && allow_folder(fd, s->also, MAKE_FILES) &&
		  allow_folder(fd, s->tree ? s->remove[0] : NULL, LANDLOCK_ACCESS_FS_REMOVE_DIR) &&
		  allow_folder(fd, s->tree ? s->remove[1] : NULL, LANDLOCK_ACCESS_FS_REMOVE_DIR);
	for (size_t i = 0; s->program && s->program[i]; i++)
		ok = allow_reading(fd, s->program[i]) && ok;
	ok = ok && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return ok;
#else
	(void)s;
	return false;
#endif
}

#ifdef HAVE_SECCOMP
static bool allow(scmp_filter_ctx filter, const int *call, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call[i], 0);
		if (r != 0 && r != -EDOM && r != -EINVAL) /* not every machine has every call */
			return false;
	}
	return true;
}
#endif

static bool filter_syscalls(const struct cf_sandbox *s)
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
	/* Talking to the NBD server that is connected, ending a qemu-nbd of ours, terminals, what the C library likes to ask. No call
	 * that starts a program or a process, makes a socket, or looks into another process. */
	static const int process[] = { SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recv), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
		SCMP_SYS(send), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(select),
		SCMP_SYS(pselect6), SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(waitpid), SCMP_SYS(kill), SCMP_SYS(nanosleep),
		SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_getres), SCMP_SYS(restart_syscall), SCMP_SYS(alarm), SCMP_SYS(setitimer),
		SCMP_SYS(fcntl64), SCMP_SYS(_llseek), SCMP_SYS(fstat64), SCMP_SYS(fstatat64), SCMP_SYS(stat), SCMP_SYS(lstat),
		SCMP_SYS(fstatfs), SCMP_SYS(statfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
		SCMP_SYS(readlinkat), SCMP_SYS(getcwd), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
		SCMP_SYS(getppid), SCMP_SYS(getrusage), SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(sched_getaffinity),
		SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(mincore), SCMP_SYS(fadvise64),
		SCMP_SYS(dup), SCMP_SYS(pipe2), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rt_sigpending) };
	/* Making, naming and removing folders and files; sending them on their way to the medium early. */
	static const int tree[] = { SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(rename), SCMP_SYS(renameat),
		SCMP_SYS(renameat2), SCMP_SYS(sync_file_range), SCMP_SYS(sync_file_range2), SCMP_SYS(fallocate) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return false;
	bool ok = allow(filter, allowed, CF_ARRAY_LEN(allowed));
	if (s->whole_process && s->tree)
		ok = ok && allow(filter, tree, CF_ARRAY_LEN(tree));
	/* clone() starts a thread or a process, and its flags tell which; clone3() keeps them where a filter can't look, and the C
	 * library falls back to clone() when there is no such call. */
	if (s->whole_process && s->threads)
		ok = ok && seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
					    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) == 0 &&
		     seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
	if (s->whole_process) {
		/* Of ioctl only the questions that a terminal is asked: TIOCSTI would type on it. */
		ok = ok && allow(filter, process, CF_ARRAY_LEN(process)) &&
		     seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, TCGETS, 0)) == 0 &&
		     seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, TCGETS_2, 0)) == 0 &&
		     seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, TIOCGWINSZ, 0)) == 0;
	}
	ok = ok && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return ok;
#else
	(void)s;
	return false;
#endif
}

/* For another program, whose needs are not known call by call: everything but what reaches beyond it. */
static bool filter_program(void)
{
#ifdef HAVE_SECCOMP
	static const int denied[] = { SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
		SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns),
		SCMP_SYS(unshare), SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key),
		SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
		SCMP_SYS(reboot), SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(ioctl), SCMP_SYS(fork), SCMP_SYS(vfork) };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = filter != NULL;
	for (size_t i = 0; ok && i < CF_ARRAY_LEN(denied); i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
		ok = r == 0 || r == -EDOM || r == -EINVAL;
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
	/* A sanitizer looks into its own process at the end, with calls that are refused here. */
	if (s->whole_process && SANITIZED)
		return CF_SANDBOX_LIMITS | CF_SANDBOX_PRIVS | CF_SANDBOX_FILES | CF_SANDBOX_SYSCALLS;
	if (!s->whole_process)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!set_limits(s))
		absent |= CF_SANDBOX_LIMITS;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		absent |= CF_SANDBOX_PRIVS;
	if (!deny_files(s))
		absent |= CF_SANDBOX_FILES;
	if (!(s->program ? filter_program() : filter_syscalls(s)))
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
