/* direct.c - reads past the page cache, several at a time.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One direct read after the other waits for the disk each time: with pieces of 100 KiB that is most of the time. The kernel's own asynchronous reads
 * (io_submit(2)) keep a few on their way without threads. Nothing depends on them: what they don't read the caller reads the plain way.
 */
#include "block/direct.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 15u
#define SLOT_BYTES (CF_BLOCK_RANGE_MAX + CF_DIRECT_ALIGN)

struct slot {
	struct iocb cb;
	size_t range;
	size_t skip; /* bytes in front of the range, for the alignment */
	uint8_t *buf;
};

struct cf_direct {
	aio_context_t context;
	struct slot slot[SLOTS];
	unsigned idle[SLOTS], n_idle;
	uint8_t *memory;
	bool broken; /* the kernel does not take any more */
};

void cf_direct_free(struct cf_direct *d)
{
	if (!d)
		return;
	/* Reads that are still on their way end before this returns, so their memory may go. */
	if (d->context)
		syscall(SYS_io_destroy, d->context);
	free(d->memory);
	free(d);
}

struct cf_direct *cf_direct_new(void)
{
	struct cf_direct *d = calloc(1, sizeof *d);
	void *memory = NULL;
	if (!d || posix_memalign(&memory, CF_DIRECT_ALIGN, SLOTS * (size_t)SLOT_BYTES) != 0) {
		free(d);
		return NULL;
	}
	d->memory = memory;
	if (syscall(SYS_io_setup, SLOTS, &d->context) != 0) {
		d->context = 0;
		cf_direct_free(d);
		return NULL;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		d->slot[i].buf = d->memory + i * (size_t)SLOT_BYTES;
		d->idle[d->n_idle++] = i;
	}
	return d;
}

static void start(struct cf_direct *d, int fd, const struct cf_block_range *range, size_t i)
{
	unsigned k = d->idle[d->n_idle - 1];
	struct slot *s = &d->slot[k];
	struct iocb *list = &s->cb;
	uint64_t at = range->off & ~(uint64_t)(CF_DIRECT_ALIGN - 1);
	s->range = i;
	s->skip = (size_t)(range->off - at);
	s->cb = (struct iocb){ .aio_data = k, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)s->buf,
			       .aio_nbytes = (s->skip + range->len + CF_DIRECT_ALIGN - 1) & ~(size_t)(CF_DIRECT_ALIGN - 1),
			       .aio_offset = (int64_t)at };
	long n;
	while ((n = syscall(SYS_io_submit, d->context, 1L, &list)) < 0 && errno == EINTR)
		;
	if (n == 1)
		d->n_idle--;
	else
		d->broken = true;
}

/* Shows what came; with wait it waits for at least one. */
static int reap(struct cf_direct *d, struct cf_block_pass *pass, bool wait, struct cf_error *err)
{
	struct io_event event[SLOTS];
	struct timespec now = { 0 };
	long n;
	while ((n = syscall(SYS_io_getevents, d->context, wait ? 1L : 0L, (long)SLOTS, event, wait ? NULL : &now)) < 0 && errno == EINTR)
		;
	if (n < 0) {
		/* What is on its way can't be told from what has come: nobody touches those buffers again, and the caller reads it all. */
		d->broken = true;
		return 0;
	}
	int rc = 0;
	for (long e = 0; e < n; e++) {
		unsigned k = (unsigned)event[e].data;
		const struct slot *s = &d->slot[k];
		d->idle[d->n_idle++] = k;
		/* A read that failed, or came short, is done again by the caller, who knows what to say of it. */
		if (rc < 0 || !pass->see || event[e].res < 0 || (uint64_t)event[e].res < s->skip + pass->range[s->range].len)
			continue;
		pass->shown[s->range] = true;
		rc = pass->see(pass->user, s->range, s->buf + s->skip, err);
	}
	return rc;
}

int cf_direct_go(struct cf_direct *d, int fd, struct cf_block_pass *pass, bool wait, struct cf_error *err)
{
	for (;;) {
		while (pass->next < pass->n && d->n_idle && !d->broken) {
			start(d, fd, &pass->range[pass->next], pass->next);
			pass->next++;
		}
		if (d->broken || d->n_idle == SLOTS)
			return 0;
		unsigned before = d->n_idle;
		if (reap(d, pass, wait, err) < 0)
			return -1;
		if (!wait && d->n_idle == before)
			return 0;
	}
}
