/* direct.c - reads and writes past the page cache that go on while the caller does something else.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Gigabytes that are moved gain nothing from the page cache: each byte would be copied there, wait, be written and forgotten, and is then read back from the disk
 * anyway. Direct access goes straight to it, but each call waits for the disk. So one thread keeps several requests on their way (io_submit(2); more threads
 * would wait for each other in the file system). It does nothing else, and sees nothing of the library but this struct, whose lock it holds except
 * during a call. What can't be done this way, or is done only in part, is done the plain way from the same buffer, so that a caller meets only errors that
 * plain access has too.
 */
#include "block/direct.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/overflow.h"
#include "block/file.h"

#define PUTS 8u
#define READS 8u
#define SLOTS (PUTS + READS)
#define PUT_BYTES ((size_t)CF_MIB)
#define READ_BYTES ((size_t)CF_BLOCK_RANGE_MAX + CF_DIRECT_ALIGN)

/* Idle ones are nobody's, an open one takes more bytes to be written, a ready one waits for the thread, a busy one is the kernel's. */
struct slot {
	enum { IDLE, OPEN, READY, BUSY } state;
	uint64_t off;
	size_t len;
	uint8_t *buf;
	size_t range; /* of the pass, for a read */
	struct iocb cb;
};

struct cf_direct {
	int direct_fd, plain_fd;
	uint8_t *memory;
	aio_context_t context;
	pthread_t thread;
	bool has_thread, quit;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct slot slot[SLOTS]; /* PUTS for writing, READS for reading */
	unsigned on_way;         /* busy ones */
	bool broken;             /* the kernel takes no more of either; nothing is on its way then */
	struct slot *open;
	bool plain;              /* the file takes no direct writes */
	int failed;              /* errno of a put that could not be written at all */
	uint64_t failed_off;
	struct cf_block_pass *pass; /* NULL: none */
	size_t next;             /* range of it that nobody reads yet */
	unsigned reading;        /* ranges of it that are on their way, or being shown */
	bool stop;
	int result;              /* of the pass */
	struct cf_error err;
};

/* ---- the thread; the lock is held on entry and return ---- */

static struct slot *find_slot(struct cf_direct *d, unsigned first, unsigned n, int state)
{
	for (unsigned i = first; i < first + n; i++)
		if ((int)d->slot[i].state == state)
			return &d->slot[i];
	return NULL;
}

/* true: the kernel has it. */
static bool submit(struct cf_direct *d, struct slot *s, unsigned opcode)
{
	struct iocb *list = &s->cb;
	long n;
	s->state = BUSY;
	s->cb = (struct iocb){ .aio_data = (uint64_t)(s - d->slot), .aio_lio_opcode = (uint16_t)opcode, .aio_fildes = (uint32_t)d->direct_fd,
			       .aio_buf = (uintptr_t)s->buf, .aio_nbytes = s->len, .aio_offset = (int64_t)s->off };
	pthread_mutex_unlock(&d->lock);
	while ((n = syscall(SYS_io_submit, d->context, 1L, &list)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&d->lock);
	d->on_way += n == 1;
	return n == 1;
}

/* A slot's bytes from `done` on are written the plain way. */
static void end_put(struct cf_direct *d, struct slot *s, size_t done)
{
	int e = 0;
	if (done < s->len) {
		pthread_mutex_unlock(&d->lock);
		e = cf_pwrite_all(d->plain_fd, s->buf + done, s->len - done, s->off + done) < 0 ? errno : 0;
		pthread_mutex_lock(&d->lock);
	}
	if (e && !d->failed) {
		d->failed = e;
		d->failed_off = s->off + done;
	}
	s->state = IDLE;
	pthread_cond_signal(&d->done);
}

static void end_read(struct cf_direct *d, struct slot *s, int64_t got)
{
	struct cf_block_pass *pass = d->pass;
	const struct cf_block_range *r = &pass->range[s->range];
	size_t skip = (size_t)(r->off - s->off);
	/* One that failed, or came short, is done again by the caller, who knows what to say of it. */
	if (!d->stop && got >= (int64_t)(skip + r->len)) {
		struct cf_error err = { 0 };
		pthread_mutex_unlock(&d->lock);
		int rc = pass->see(pass->user, s->range, s->buf + skip, &err);
		pthread_mutex_lock(&d->lock);
		pass->shown[s->range] = true;
		if (rc < 0 && d->result == 0) {
			d->result = -1;
			d->err = err;
			d->stop = true;
		}
	}
	s->state = IDLE;
	d->reading--;
	pthread_cond_signal(&d->done);
}

static bool start_put(struct cf_direct *d)
{
	struct slot *s = find_slot(d, 0, PUTS, READY);
	if (s && (d->plain || d->broken || !submit(d, s, IOCB_CMD_PWRITE)))
		end_put(d, s, 0);
	return s;
}

static bool start_read(struct cf_direct *d)
{
	struct slot *s = find_slot(d, PUTS, READS, IDLE);
	if (!s || !d->pass || d->stop || d->broken || d->next == d->pass->n)
		return false;
	const struct cf_block_range *r = &d->pass->range[s->range = d->next++];
	s->off = r->off & ~(uint64_t)(CF_DIRECT_ALIGN - 1);
	s->len = ((size_t)(r->off - s->off) + r->len + CF_DIRECT_ALIGN - 1) & ~(size_t)(CF_DIRECT_ALIGN - 1);
	d->reading++;
	if (!submit(d, s, IOCB_CMD_PREAD))
		end_read(d, s, -1);
	return true;
}

static void end_request(struct cf_direct *d, struct slot *s, int64_t got)
{
	bool put = s < d->slot + PUTS;
	d->on_way--;
	d->plain |= put && got == -EINVAL;
	if (put) /* in whole blocks: what was written of one is written again */
		end_put(d, s, got > 0 ? (size_t)cf_min_u64((uint64_t)got & ~(uint64_t)(CF_DIRECT_ALIGN - 1), s->len) : 0);
	else
		end_read(d, s, got);
}

/* Waits for at least one. */
static void reap(struct cf_direct *d)
{
	struct io_event event[SLOTS];
	long n;
	pthread_mutex_unlock(&d->lock);
	while ((n = syscall(SYS_io_getevents, d->context, 1L, (long)SLOTS, event, NULL)) < 0 && errno == EINTR)
		;
	if (n < 0) {
		/* Not expected, and no way to tell which are done: let them all end, and do all of them once more. */
		syscall(SYS_io_destroy, d->context);
		d->context = 0;
	}
	pthread_mutex_lock(&d->lock);
	d->broken |= n < 0;
	for (unsigned i = 0; n < 0 && i < SLOTS; i++)
		if (d->slot[i].state == BUSY)
			end_request(d, &d->slot[i], -1);
	for (long e = 0; e < n; e++)
		end_request(d, &d->slot[event[e].data], event[e].res);
}

static void *work(void *user)
{
	struct cf_direct *d = user;
	pthread_mutex_lock(&d->lock);
	for (;;) {
		if (start_put(d) || start_read(d))
			continue;
		if (d->on_way)
			reap(d);
		else if (d->quit)
			break;
		else
			pthread_cond_wait(&d->work, &d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	if (d->context)
		syscall(SYS_io_destroy, d->context);
	return NULL;
}

/* ---- making and ending it ---- */

/* Signals are the caller's. */
static void start_thread(struct cf_direct *d)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	d->has_thread = pthread_create(&d->thread, NULL, work, d) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void cf_direct_free(struct cf_direct *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->quit = d->stop = true;
	pthread_cond_signal(&d->work);
	pthread_mutex_unlock(&d->lock);
	if (d->has_thread)
		pthread_join(d->thread, NULL);
	else if (d->context)
		syscall(SYS_io_destroy, d->context);
	pthread_cond_destroy(&d->work);
	pthread_cond_destroy(&d->done);
	pthread_mutex_destroy(&d->lock);
	free(d->memory);
	free(d);
}

struct cf_direct *cf_direct_new(int direct_fd, int plain_fd)
{
	struct cf_direct *d = calloc(1, sizeof *d);
	void *memory = NULL;
	if (!d || posix_memalign(&memory, CF_DIRECT_ALIGN, PUTS * PUT_BYTES + READS * READ_BYTES) != 0) {
		free(d);
		return NULL;
	}
	d->memory = memory;
	d->direct_fd = direct_fd;
	d->plain_fd = plain_fd;
	for (unsigned i = 0; i < SLOTS; i++)
		d->slot[i].buf = d->memory + cf_min_u64(i, PUTS) * PUT_BYTES + (i > PUTS ? i - PUTS : 0) * READ_BYTES;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->work, NULL);
	pthread_cond_init(&d->done, NULL);
	if (syscall(SYS_io_setup, SLOTS, &d->context) == 0)
		start_thread(d);
	else
		d->context = 0;
	if (d->has_thread)
		return d;
	cf_direct_free(d);
	return NULL;
}

/* ---- a pass ---- */

void cf_direct_pass(struct cf_direct *d, struct cf_block_pass *pass)
{
	pthread_mutex_lock(&d->lock);
	d->pass = pass;
	d->next = 0;
	d->stop = false;
	d->result = 0;
	pthread_cond_signal(&d->work);
	pthread_mutex_unlock(&d->lock);
}

int cf_direct_pass_wait(struct cf_direct *d, bool stop, struct cf_error *err)
{
	if (!d || !d->pass)
		return 0;
	pthread_mutex_lock(&d->lock);
	d->stop |= stop;
	while (d->reading || (!d->stop && !d->broken && d->next < d->pass->n))
		pthread_cond_wait(&d->done, &d->lock);
	d->pass = NULL;
	pthread_mutex_unlock(&d->lock);
	if (d->result < 0 && err)
		*err = d->err;
	return d->result;
}

/* ---- puts; the lock is held ---- */

static void close_open(struct cf_direct *d)
{
	if (!d->open)
		return;
	d->open->state = READY;
	d->open = NULL;
	pthread_cond_signal(&d->work);
}

static void wait_for_all(struct cf_direct *d)
{
	close_open(d);
	while (find_slot(d, 0, PUTS, READY) || find_slot(d, 0, PUTS, BUSY))
		pthread_cond_wait(&d->done, &d->lock);
}

static void wait_for(struct cf_direct *d, uint64_t off, uint64_t len)
{
	bool overlaps = false;
	for (unsigned i = 0; i < PUTS && !overlaps; i++)
		overlaps = d->slot[i].state != IDLE && d->slot[i].off < off + len && off < d->slot[i].off + d->slot[i].len;
	if (overlaps)
		wait_for_all(d);
}

static struct slot *open_slot(struct cf_direct *d, uint64_t off)
{
	while (!(d->open = find_slot(d, 0, PUTS, IDLE)))
		pthread_cond_wait(&d->done, &d->lock);
	d->open->state = OPEN;
	d->open->off = off;
	d->open->len = 0;
	return d->open;
}

static int outcome(const struct cf_direct *d, uint64_t *bad_off)
{
	*bad_off = d->failed_off;
	errno = d->failed;
	return d->failed ? -1 : 0;
}

int cf_direct_put(struct cf_direct *d, uint64_t off, const void *buf, size_t len, uint64_t *bad_off)
{
	const uint8_t *p = buf;
	pthread_mutex_lock(&d->lock);
	wait_for(d, off, len); /* two writes of the same bytes would end in either order */
	while (len) {
		if (d->open && (d->open->off + d->open->len != off || d->open->len == PUT_BYTES))
			close_open(d);
		struct slot *s = d->open ? d->open : open_slot(d, off);
		size_t n = (size_t)cf_min_u64(PUT_BYTES - s->len, len);
		pthread_mutex_unlock(&d->lock); /* an open slot is the caller's alone */
		memcpy(s->buf + s->len, p, n);
		pthread_mutex_lock(&d->lock);
		s->len += n;
		p += n;
		off += n;
		len -= n;
	}
	int rc = outcome(d, bad_off);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

void cf_direct_wait(struct cf_direct *d, uint64_t off, uint64_t len)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	wait_for(d, off, len);
	pthread_mutex_unlock(&d->lock);
}

int cf_direct_settle(struct cf_direct *d, uint64_t *bad_off)
{
	if (!d)
		return 0;
	pthread_mutex_lock(&d->lock);
	wait_for_all(d);
	int rc = outcome(d, bad_off);
	pthread_mutex_unlock(&d->lock);
	return rc;
}
