/* mft-scan.c - the pass over $MFT.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * First all records in order, in large pieces: a file that is whole in its base record is handed on at once, base records with an attribute
 * list and extension records are kept. Then the kept ones, each with its extensions. What does not fit the store is read again, so that
 * memory stays bounded however many there are.
 */
#include <stdlib.h>

#include "volume/mft-internal.h"

#define PIECE ((size_t)2 << 20) /* bytes a read; a multiple of every record size */

struct scan {
	struct cf_mft *m;
	int (*fn)(void *, const struct cf_mft_file *);
	void *user;
	struct cf_mft_stats stats;
};

static int hand_on(struct scan *s)
{
	const struct cf_mft_file *f = &s->m->build.file;
	s->stats.files++;
	s->stats.folders += f->directory;
	s->stats.damaged += f->damaged;
	return s->fn(s->user, f);
}

static int keep(struct cf_mft *m, uint64_t number, struct cf_span rec, struct cf_error *err)
{
	if (rec.n > m->store_max - m->store.n)
		return 0;
	if (!CF_MFT_ROOM(m->kept, m->n_kept, m->max_kept))
		return cf_fail_nomem(err);
	m->kept[m->n_kept++] = (struct cf_mft_kept){ .record = number, .at = m->store.n, .n = (uint32_t)rec.n };
	return cf_buf_append(&m->store, rec.p, rec.n) < 0 ? cf_fail_nomem(err) : 0;
}

static int see_record(struct scan *s, uint64_t number, uint8_t *record, struct cf_error *err)
{
	struct cf_mft *m = s->m;
	struct cf_span used;
	switch (cf_mft_judge(m, number, record, &used)) {
	case CF_MFT_FREE:
		return 0;
	case CF_MFT_BAD:
		s->stats.bad++;
		return 0;
	case CF_MFT_USED:
		break;
	}
	if (cf_ld64(used.p + 0x20)) {
		s->stats.extensions++;
		return keep(m, number, used, err);
	}
	if (cf_mft_build_begin(&m->build, number, used) < 0)
		return cf_fail_nomem(err);
	if (m->build.list.p) {
		if (!CF_MFT_ROOM(m->deferred, m->n_deferred, m->max_deferred))
			return cf_fail_nomem(err);
		m->deferred[m->n_deferred++] = number;
		return keep(m, number, used, err);
	}
	return cf_mft_build_finish(&m->build) < 0 ? cf_fail_nomem(err) : hand_on(s);
}

/* Reads n records from first on. Those that can't be read become zeros, which cf_mft_judge() calls bad if they are used. */
static int read_records(struct cf_mft *m, uint64_t first, size_t n, uint8_t *buf, struct cf_error *err)
{
	size_t size = m->boot.record_size, failed = 0;
	struct cf_error why = { 0 };
	if (cf_mft_read_runs(m, m->runs, m->run_count, first * size, buf, n * size, &why) == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (cf_mft_read_runs(m, m->runs, m->run_count, (first + i) * size, buf + i * size, size, &why) == 0)
			continue;
		memset(buf + i * size, 0, size);
		failed++;
	}
	/* Not one of them: is it a bad place, or is the device gone? */
	uint8_t probe[512];
	if (failed == n && cf_block_read_direct(m->slice, 0, probe, sizeof probe, NULL) < 0) {
		if (err)
			*err = why;
		return cf_fail_prefix(err, "can't read $MFT");
	}
	return 0;
}

static int tell_progress(struct cf_mft *m, uint64_t records, struct cf_error *err)
{
	if (!m->progress || m->progress(m->progress_user, records * m->boot.record_size,
					m->geometry.records * m->boot.record_size) == 0)
		return 0;
	return cf_fail(err, CF_E_CANCELLED, "reading the list of files was cancelled");
}

static int first_pass(struct scan *s, struct cf_error *err)
{
	struct cf_mft *m = s->m;
	size_t size = m->boot.record_size, at_once = PIECE / size;
	CF_FREE uint8_t *buf = malloc(PIECE);
	if (!buf)
		return cf_fail_nomem(err);
	for (uint64_t first = 0; first < m->geometry.records; first += at_once) {
		size_t n = (size_t)cf_min_u64(at_once, m->geometry.records - first);
		if (read_records(m, first, n, buf, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			int rc = see_record(s, first + i, buf + i * size, err);
			if (rc)
				return rc;
		}
		if (tell_progress(m, first + n, err) < 0)
			return -1;
	}
	return 0;
}

static int give_one(void *user, const struct cf_mft_file *file)
{
	(void)file; /* it is that of the scan's own m->build */
	return hand_on(user);
}

static int second_pass(struct scan *s, struct cf_error *err)
{
	struct cf_mft *m = s->m;
	m->claimed = 0;
	for (size_t i = 0; i < m->n_deferred; i++) {
		struct cf_error why = { 0 };
		int rc = cf_mft_one(m, m->deferred[i], give_one, s, &why);
		if (rc < 0 && (why.code == CF_E_CORRUPT || why.code == CF_E_NOT_FOUND)) {
			s->stats.bad++; /* could be read before, and no longer can */
			continue;
		}
		if (rc < 0 && why.code != CF_OK && err)
			*err = why;
		if (rc)
			return rc;
	}
	s->stats.orphans = s->stats.extensions - cf_min_u64(m->claimed, s->stats.extensions);
	return 0;
}

int cf_mft_scan(struct cf_mft *m, int (*fn)(void *user, const struct cf_mft_file *file), void *user, struct cf_mft_stats *stats,
		struct cf_error *err)
{
	struct scan s = { .m = m, .fn = fn, .user = user };
	s.stats.records = m->geometry.records + m->beyond;
	s.stats.bad = m->beyond;
	int rc = first_pass(&s, err);
	if (rc == 0)
		rc = second_pass(&s, err);
	cf_mft_forget(m);
	if (stats)
		*stats = s.stats;
	return rc;
}
