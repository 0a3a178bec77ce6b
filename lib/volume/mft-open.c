/* mft-open.c - finding $MFT, reading its records one by one, and joining a file with its extension records.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * $MFT describes itself in record 0; when that has an attribute list, the extension records lie in the part of $MFT that is known by then,
 * so its own file is put together again until nothing more of it comes to light. A record counts as used when its own flag says so; $MFT's
 * bitmap only tells whether something unreadable matters.
 */
#include <stdlib.h>

#include "volume/mft-internal.h"

#define LIST_MAX (256 * 1024u)  /* bytes; NTFS allows no longer attribute list */
#define LIST_ENTRY_MIN 0x1au
#define BAD_REFERENCES_MAX 64u  /* of one list, before the rest is not followed: a bound on time */
#define SELF_ROUNDS_MAX 64u     /* how often $MFT's own file is put together */
#define RECORD_IN_USE 1u
#define STORE_MAX ((size_t)32 << 20) /* bytes of records that a scan keeps */

static bool marked(const struct cf_mft *m, uint64_t number)
{
	return number / 8 >= m->in_use.n || m->in_use.p[number / 8] >> (number & 7) & 1;
}

enum cf_mft_state cf_mft_judge(const struct cf_mft *m, uint64_t number, uint8_t *record, struct cf_span *used)
{
	if (memcmp(record, "FILE", 4) != 0)
		return marked(m, number) ? CF_MFT_BAD : CF_MFT_FREE;
	if (!(cf_ld16(record + 0x16) & RECORD_IN_USE))
		return CF_MFT_FREE;
	if (!cf_ntfs_fixup(record, m->boot.record_size) || !cf_mft_header(cf_span_of(record, m->boot.record_size), used))
		return CF_MFT_BAD;
	return CF_MFT_USED;
}

size_t cf_runs_find(const struct cf_mft_run *runs, size_t n, uint64_t vcn)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (runs[mid].vcn + runs[mid].count <= vcn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int cf_mft_read_runs(struct cf_mft *m, const struct cf_mft_run *runs, size_t n, uint64_t off, uint8_t *buf, size_t len,
		     struct cf_error *err)
{
	uint64_t cluster = m->boot.cluster_size;
	while (len) { /* every round takes at least one byte */
		size_t i = cf_runs_find(runs, n, off / cluster);
		if (i == n || runs[i].vcn > off / cluster)
			return cf_fail(err, CF_E_CORRUPT, "cluster %llu of the stream has no place on the volume",
				       (unsigned long long)(off / cluster));
		uint64_t skip = off - runs[i].vcn * cluster; /* < count * cluster, which fits */
		size_t take = (size_t)cf_min_u64(len, runs[i].count * cluster - skip);
		if (runs[i].lcn == CF_MFT_HOLE) {
			memset(buf, 0, take);
		} else {
			uint64_t at = runs[i].lcn * cluster + skip;
			if (!cf_range_ok(at, take, m->slice->size))
				return cf_fail_at(err, CF_E_CORRUPT, at, "the volume's end is missing: byte %llu is not there",
						  (unsigned long long)at);
			if (cf_block_read(m->slice, at, buf, take, err) < 0)
				return -1;
		}
		off += take;
		buf += take;
		len -= take;
	}
	return 0;
}

int cf_mft_read(struct cf_mft *m, const struct cf_mft_stream *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	if (!cf_range_ok(off, len, s->size))
		return cf_fail(err, CF_E_CORRUPT, "the stream has only %llu bytes", (unsigned long long)s->size);
	if (s->resident) {
		if (len)
			memcpy(buf, s->value.p + off, len);
		return 0;
	}
	size_t written = off < s->initialized ? (size_t)cf_min_u64(len, s->initialized - off) : 0;
	if (written < len)
		memset((uint8_t *)buf + written, 0, len - written);
	return cf_mft_read_runs(m, s->runs, s->run_count, off, buf, written, err);
}

static int compare_kept(const void *key, const void *element)
{
	uint64_t number = *(const uint64_t *)key;
	const struct cf_mft_kept *k = element;
	return number < k->record ? -1 : number > k->record;
}

/* A record in use, from the store or the disk; {NULL, 0} when there is none. False: out of memory. */
static bool fetch(struct cf_mft *m, uint64_t number, struct cf_span *used)
{
	*used = (struct cf_span){ NULL, 0 };
	const struct cf_mft_kept *k =
		m->n_kept ? bsearch(&number, m->kept, m->n_kept, sizeof *m->kept, compare_kept) : NULL;
	if (k) {
		*used = cf_span_sub(cf_buf_span(&m->store), k->at, k->n);
		return true;
	}
	if (number >= m->geometry.records)
		return true;
	if (m->n_pool == m->max_pool) {
		size_t max = m->max_pool;
		if (!CF_MFT_ROOM(m->pool, m->n_pool, m->max_pool))
			return false;
		memset(m->pool + max, 0, (m->max_pool - max) * sizeof *m->pool);
	}
	uint8_t **buf = &m->pool[m->n_pool];
	if (!*buf && !(*buf = malloc(m->boot.record_size)))
		return false;
	if (cf_mft_read_runs(m, m->runs, m->run_count, number * m->boot.record_size, *buf, m->boot.record_size, NULL) < 0 ||
	    cf_mft_judge(m, number, *buf, used) != CF_MFT_USED) {
		*used = (struct cf_span){ NULL, 0 };
		return true;
	}
	m->n_pool++;
	return true;
}

/* The content of the attribute list; {NULL, 0} when it can't be had. False: out of memory. */
static bool read_list(struct cf_mft *m, struct cf_span a, struct cf_span *list)
{
	*list = (struct cf_span){ NULL, 0 };
	if (!a.p[8]) {
		*list = cf_span_sub(a, cf_ld16(a.p + 0x14), cf_ld32(a.p + 0x10));
		return true;
	}
	uint64_t size = a.n >= 0x40 ? cf_ld64(a.p + 0x30) : 0, done = 0, length;
	size_t pos = a.n >= 0x40 ? cf_ld16(a.p + 0x20) : 0;
	int64_t lcn, previous = 0;
	if (!size || size > LIST_MAX || pos < 0x40)
		return true;
	if (cf_buf_resize(&m->list, (size_t)size) < 0)
		return false;
	while (done < size && cf_ntfs_next_run(a, &pos, &lcn, &length, &previous) == 1) { /* pos grows, bounded by a */
		uint64_t take, at;
		if (cf_mul_overflow(length, m->boot.cluster_size, &take))
			return true;
		take = cf_min_u64(take, size - done);
		if (lcn < 0 || cf_mul_overflow((uint64_t)lcn, m->boot.cluster_size, &at) ||
		    !cf_range_ok(at, take, m->slice->size) ||
		    cf_block_read(m->slice, at, m->list.p + done, (size_t)take, NULL) < 0)
			return true;
		done += take;
	}
	if (done == size)
		*list = cf_buf_span(&m->list);
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* What other records the list leads to, each once, in m->references. The number of entries, -1: out of memory. */
static int64_t references(struct cf_mft *m, struct cf_span list)
{
	int64_t entries = 0;
	uint64_t own = m->build.file.record;
	m->references.n = 0;
	for (size_t off = 0; off < list.n; entries++) { /* grows by at least LIST_ENTRY_MIN */
		const uint8_t *e = cf_span_at(list, off, LIST_ENTRY_MIN);
		size_t len = e ? cf_ld16(e + 4) : 0;
		if (len < LIST_ENTRY_MIN || len > list.n - off) {
			m->build.file.damaged = true;
			break;
		}
		uint64_t ref = cf_ld64(e + 0x10);
		if (CF_NTFS_REF_RECORD(ref) != own && cf_buf_append(&m->references, &ref, sizeof ref) < 0)
			return -1;
		off += len;
	}
	size_t n = m->references.n / sizeof(uint64_t), kept = 0;
	uint64_t *r = (uint64_t *)(void *)m->references.p; /* malloc'd: aligned */
	if (n)
		qsort(r, n, sizeof *r, compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (!i || r[i] != r[i - 1])
			r[kept++] = r[i];
	m->references.n = kept * sizeof *r;
	return entries;
}

static int add_extensions(struct cf_mft *m, struct cf_error *err)
{
	struct cf_mft_build *b = &m->build;
	const uint64_t *r = (const uint64_t *)(const void *)m->references.p;
	uint64_t self = b->file.record | (uint64_t)b->file.sequence << 48;
	unsigned bad = 0;
	for (size_t i = 0; i < m->references.n / sizeof *r && bad < BAD_REFERENCES_MAX; i++) {
		struct cf_span rec;
		uint64_t number = CF_NTFS_REF_RECORD(r[i]);
		if (!fetch(m, number, &rec))
			return cf_fail_nomem(err);
		/* Only the record that names this file as its base is part of it, so each is part of one file at most. */
		if (!rec.p || cf_ld16(rec.p + 0x10) != CF_NTFS_REF_SEQUENCE(r[i]) || cf_ld64(rec.p + 0x20) != self) {
			b->file.damaged = true;
			bad++;
			continue;
		}
		if (cf_mft_build_extension(b, number, rec) < 0)
			return cf_fail_nomem(err);
		m->claimed++;
	}
	return 0;
}

int cf_mft_gather(struct cf_mft *m, struct cf_error *err)
{
	struct cf_mft_build *b = &m->build;
	if (b->list.p) {
		struct cf_span list;
		if (!read_list(m, b->list, &list))
			return cf_fail_nomem(err);
		int64_t entries = references(m, list);
		if (entries < 0)
			return cf_fail_nomem(err);
		if (add_extensions(m, err) < 0)
			return -1;
		/* A list has one entry for every attribute but itself. */
		if (!list.p || (uint64_t)entries + 1 != b->n_attributes)
			b->file.damaged = true;
	}
	return cf_mft_build_finish(b) < 0 ? cf_fail_nomem(err) : 0;
}

/* Puts one file together in m->build. */
static int one(struct cf_mft *m, uint64_t number, struct cf_error *err)
{
	struct cf_span rec;
	m->n_pool = 0;
	if (!fetch(m, number, &rec))
		return cf_fail_nomem(err);
	if (!rec.p)
		return cf_fail(err, number < m->geometry.records && !marked(m, number) ? CF_E_NOT_FOUND : CF_E_CORRUPT,
			       "MFT record %llu is damaged or not in use", (unsigned long long)number);
	if (cf_ld64(rec.p + 0x20))
		return cf_fail(err, CF_E_NOT_FOUND, "MFT record %llu is part of another file", (unsigned long long)number);
	if (cf_mft_build_begin(&m->build, number, rec) < 0)
		return cf_fail_nomem(err);
	return cf_mft_gather(m, err);
}

int cf_mft_one(struct cf_mft *m, uint64_t record, int (*fn)(void *, const struct cf_mft_file *), void *user,
	       struct cf_error *err)
{
	return one(m, record, err) < 0 ? -1 : fn(user, &m->build.file);
}

static uint64_t coverage(const struct cf_mft_stream *s)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s->run_count; i++)
		n += s->runs[i].count;
	return n;
}

/* How many records lie on the slice without a gap, by $MFT's own runs. */
static void count_records(struct cf_mft *m, const struct cf_mft_stream *s)
{
	uint64_t vcn = 0, cluster = m->boot.cluster_size, in_slice = m->slice->size / cluster;
	for (size_t i = 0; i < s->run_count; i++) {
		const struct cf_mft_run *r = &s->runs[i];
		if (r->vcn != vcn || r->lcn == CF_MFT_HOLE || r->lcn >= in_slice)
			break;
		uint64_t here = cf_min_u64(r->count, in_slice - r->lcn);
		vcn += here;
		if (here < r->count)
			break;
	}
	/* Runs that lead to the same clusters again and again must not make $MFT larger than the volume. */
	uint64_t claimed = s->initialized / m->boot.record_size;
	m->geometry.records = cf_min_u64(claimed, cf_min_u64(vcn, in_slice) * cluster / m->boot.record_size);
	m->beyond = claimed - m->geometry.records;
}

/* Learns where $MFT lies, from itself. */
static int find_self(struct cf_mft *m, struct cf_error *err)
{
	uint64_t known = 0;
	uint32_t record = m->boot.record_size, cluster = m->boot.cluster_size;
	m->geometry.records = 1;
	m->run_count = 1;
	m->runs = malloc(sizeof *m->runs);
	if (!m->runs)
		return cf_fail_nomem(err);
	m->runs[0] = (struct cf_mft_run){ .lcn = m->boot.mft_lcn, .count = record > cluster ? record / cluster : 1 };
	for (unsigned round = 0; round < SELF_ROUNDS_MAX; round++) {
		if (one(m, CF_NTFS_REC_MFT, err) < 0)
			return -1;
		const struct cf_mft_stream *s = cf_mft_stream(&m->build.file, CF_NTFS_AT_DATA, NULL);
		if (!s || !s->run_count)
			return cf_fail(err, CF_E_CORRUPT, "$MFT's data attribute is not that of an MFT");
		uint64_t covered = coverage(s);
		if (covered <= known)
			return 0;
		known = covered;
		struct cf_mft_run *runs = malloc(s->run_count * sizeof *runs);
		if (!runs)
			return cf_fail_nomem(err);
		memcpy(runs, s->runs, s->run_count * sizeof *runs);
		free(m->runs);
		m->runs = runs;
		m->run_count = s->run_count;
		count_records(m, s);
	}
	return 0;
}

static int read_bitmap(struct cf_mft *m)
{
	const struct cf_mft_stream *s = cf_mft_stream(&m->build.file, CF_NTFS_AT_BITMAP, NULL);
	uint64_t bytes = s ? cf_min_u64(s->size, (m->geometry.records + 7) / 8) : 0;
	if (cf_buf_resize(&m->in_use, (size_t)bytes) < 0)
		return -1;
	if (bytes && cf_mft_read(m, s, 0, m->in_use.p, (size_t)bytes, NULL) < 0)
		m->in_use.n = 0;
	return 0;
}

struct cf_mft *cf_mft_open(struct cf_block *slice, struct cf_error *err)
{
	CF_CLEANUP(cf_mft_closep) struct cf_mft *m = calloc(1, sizeof *m);
	if (!m) {
		cf_fail_nomem(err);
		return NULL;
	}
	m->slice = slice;
	m->store_max = STORE_MAX;
	if (cf_ntfs_check(slice, &m->boot, err) < 0)
		return NULL;
	m->build.clusters = m->boot.clusters;
	m->build.cluster_size = m->boot.cluster_size;
	m->geometry = (struct cf_mft_geometry){ .sector_size = m->boot.sector_size,
						.cluster_size = m->boot.cluster_size,
						.record_size = m->boot.record_size,
						.clusters = m->boot.clusters };
	if (find_self(m, err) < 0)
		return NULL;
	if (read_bitmap(m) < 0) {
		cf_fail_nomem(err);
		return NULL;
	}
	return CF_STEAL(m);
}

void cf_mft_forget(struct cf_mft *m)
{
	cf_buf_free(&m->store);
	free(m->kept);
	free(m->deferred);
	m->kept = NULL;
	m->deferred = NULL;
	m->n_kept = m->max_kept = m->n_deferred = m->max_deferred = 0;
}

void cf_mft_close(struct cf_mft *m)
{
	if (!m)
		return;
	cf_mft_forget(m);
	for (size_t i = 0; i < m->max_pool; i++)
		free(m->pool[i]);
	free(m->pool);
	free(m->runs);
	cf_buf_free(&m->in_use);
	cf_buf_free(&m->list);
	cf_buf_free(&m->references);
	cf_mft_build_free(&m->build);
	free(m);
}

void cf_mft_closep(struct cf_mft **m)
{
	cf_mft_close(*m);
}

const struct cf_mft_geometry *cf_mft_geometry(const struct cf_mft *m)
{
	return &m->geometry;
}

void cf_mft_progress(struct cf_mft *m, int (*fn)(void *, uint64_t, uint64_t), void *user)
{
	m->progress = fn;
	m->progress_user = user;
}
