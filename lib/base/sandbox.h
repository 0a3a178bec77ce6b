/* sandbox.h - locks a process in before it touches hostile bytes.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * For a forked child that gets its work through open descriptors only, or (whole_process) for a program that has opened all that
 * it needs and from now on only reads, prints and ends. Every layer is best effort: what this kernel or this build lacks is left
 * out and reported, so that a caller can say so. Nothing of it can be taken back, so the library enters it in its own
 * process only when the request says so.
 */
#ifndef CF_BASE_SANDBOX_H
#define CF_BASE_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

struct cf_sandbox {
	uint64_t memory;       /* bytes it may map beyond what is mapped already; 0: no limit */
	uint64_t file_size;    /* largest file it may write; 0: no limit */
	unsigned cpu_seconds;  /* 0: no limit */
	unsigned wall_seconds; /* dies by SIGALRM then; 0: no limit */
	bool whole_process;    /* not a child: may use connected sockets and terminals, end its children, and outlives its parent */
	const char *folder;    /* where new files may be made; NULL: nowhere. With whole_process only */
	const char *also;      /* a second such folder; NULL: none */
	bool tree;             /* in `folder` also folders may be made, removed and renamed, and files read back */
	const char *remove[2]; /* with tree: empty folders in these may be removed (`folder` and `also`, if they were made for this); NULL */
	bool threads;          /* threads of this process may be started; with whole_process only */
	/* Not NULL: a child that is about to become another program. It may read and run what lies in these places (NULL-terminated; what
	 * is not there is passed over), write only to what is open, and make no connection, mount or trace. Limits stay in force. */
	const char *const *program;
};

#define CF_SANDBOX_LIMITS 1u   /* resource limits, no core file */
#define CF_SANDBOX_PRIVS 2u    /* no new privileges */
#define CF_SANDBOX_FILES 4u    /* Landlock: opens no file of any file system but in folder (a memfd through /proc/self/fd still) */
#define CF_SANDBOX_SYSCALLS 8u /* seccomp: memory, files that are open, exit; everything else fails with EPERM */

/* Enters; returns the layers (CF_SANDBOX_…) that are absent, 0 when all are in force. */
unsigned cf_sandbox_enter(const struct cf_sandbox *s);

/* Keeps the n descriptors (they become 3, 4, …), points 0 to 2 at /dev/null and closes all others. 0 or -1. */
int cf_sandbox_keep_fds(const int *fds, unsigned n);

#endif
