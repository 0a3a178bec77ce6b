/* defrag-look.c - what $MFT says: the figures of a volume, what may be moved, and which pieces should be.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A stream's clusters form pieces: runs whose clusters follow each other on the volume, whatever holes the file has between them. Pieces of
 * CF_DEFRAG_LARGE and more are left alone; a group is two or more smaller ones in a row, and a fragment is what a group has too many.
 */
#include <stdlib.h>

#include "base/grow.h"
#include "base/utf16.h"
#include "space/defrag-internal.h"
#include "volume/ntfs-format.h"

#define PARENTS_MAX 100 /* folders above a file; more is a loop */
#define DEDUP_CANDIDATES 64
#define APART_MEMORY (4 * CF_MIB)

/* ---- folders ---- */

struct folder {
	uint32_t record, parent;
};

struct folders {
	struct folder *of;
	size_t n, cap;
	uint64_t svi;                      /* "System Volume Information"; 0: none yet */
	uint64_t dedup[DEDUP_CANDIDATES]; /* folders in which there is one called "Dedup" */
	size_t n_dedup;
};

/* ASCII name in any letter case. */
static bool is_named(struct cf_span name, const char *text)
{
	size_t n = strlen(text);
	if (name.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint16_t u = cf_ld16(name.p + 2 * i);
		if (u > 127 || (u >= 'A' && u <= 'Z' ? u + 32 : u) != (uint16_t)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]))
			return false;
	}
	return true;
}

static int see_folder(void *user, const struct cf_mft_file *f)
{
	struct folders *s = user;
	if (!f->directory || !f->name_count || f->record > UINT32_MAX)
		return 0;
	uint64_t parent = CF_NTFS_REF_RECORD(f->names[0].parent);
	for (size_t i = 0; i < f->name_count; i++) {
		if (parent == CF_NTFS_REC_ROOT && is_named(f->names[i].name, "System Volume Information"))
			s->svi = f->record;
		if (is_named(f->names[i].name, "Dedup") && s->n_dedup < DEDUP_CANDIDATES)
			s->dedup[s->n_dedup++] = parent;
	}
	/* A folder in the root is none that matters, unless it is that one. */
	if (parent > UINT32_MAX || (parent == CF_NTFS_REC_ROOT && f->record != s->svi))
		return 0;
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap + s->cap / 2 : 1024;
		struct folder *p = reallocarray(s->of, cap, sizeof *p);
		if (!p)
			return 1;
		s->of = p;
		s->cap = cap;
	}
	s->of[s->n++] = (struct folder){ (uint32_t)f->record, (uint32_t)parent };
	return 0;
}

static bool has(const struct cf_look *look, uint64_t record)
{
	return record < look->records && cf_bits_find(look->apart, record, record + 1, true) == record;
}

/* Everything below what is apart is apart. */
static void spread(struct cf_look *look, const struct folders *s)
{
	bool more = true;
	for (unsigned budget = PARENTS_MAX; budget && more; budget--) {
		more = false;
		for (size_t i = 0; i < s->n; i++) {
			if (s->of[i].record >= look->records || has(look, s->of[i].record) || !has(look, s->of[i].parent))
				continue;
			cf_bits_set(look->apart, s->of[i].record, 1, true);
			more = true;
		}
	}
}

int cf_look_begin(struct cf_look *look, struct cf_error *err)
{
	struct folders s = { 0 };
	const struct cf_mft_geometry *g = cf_mft_geometry(look->mft);
	look->cluster_size = g->cluster_size;
	look->record_size = g->record_size;
	look->records = g->records;
	look->apart = cf_bits_new(look->records, APART_MEMORY, true);
	int r = look->apart ? cf_mft_scan(look->mft, see_folder, &s, NULL, err) : 1;
	if (r == 0) {
		if (look->records > CF_NTFS_REC_EXTEND)
			cf_bits_set(look->apart, CF_NTFS_REC_EXTEND, 1, true);
		if (s.svi)
			cf_bits_set(look->apart, s.svi, 1, true);
		spread(look, &s);
		for (size_t i = 0; i < s.n_dedup; i++)
			look->dedup |= s.svi && s.dedup[i] == s.svi;
	}
	free(s.of);
	return r > 0 ? cf_fail_nomem(err) : r;
}

void cf_look_end(struct cf_look *look)
{
	cf_bits_free(look->apart);
	look->apart = NULL;
}

/* Lies in a folder whose files stay where they are, or is one. */
static bool is_apart(const struct cf_look *look, const struct cf_mft_file *f)
{
	for (size_t i = 0; i < f->name_count; i++)
		if (has(look, CF_NTFS_REF_RECORD(f->names[i].parent)))
			return true;
	return has(look, f->record);
}

/* A paging file into which Windows wrote a crash dump: Windows looks for it where it was written. */
static bool holds_dump(const struct cf_look *look, const struct cf_mft_file *f)
{
	bool paging = false;
	uint8_t magic[6];
	for (size_t i = 0; i < f->name_count; i++)
		paging |= CF_NTFS_REF_RECORD(f->names[i].parent) == CF_NTFS_REC_ROOT && is_named(f->names[i].name, "pagefile.sys");
	const struct cf_mft_stream *s = paging ? cf_mft_stream(f, CF_NTFS_AT_DATA, NULL) : NULL;
	if (!s || s->resident || s->size < sizeof magic)
		return false;
	/* Written past the file system: the size that counts as initialized does not tell. */
	struct cf_mft_stream raw = *s;
	raw.initialized = raw.size;
	return cf_mft_read(look->mft, &raw, 0, magic, sizeof magic, NULL) < 0 || memcmp(magic, "PAGEDU", 6) == 0;
}

/* ---- pieces ---- */

/* Runs [first, last) of a stream that follow each other on the volume. */
struct piece {
	size_t first, last;
	uint64_t clusters, lcn, vcn, end; /* VCNs [vcn, end) */
};

/* The piece at or behind run `at`; false: none. */
static bool next_piece(const struct cf_mft_stream *s, size_t at, struct piece *p)
{
	while (at < s->run_count && s->runs[at].lcn == CF_MFT_HOLE)
		at++;
	if (at == s->run_count)
		return false;
	const struct cf_mft_run *r = &s->runs[at];
	*p = (struct piece){ .first = at, .last = at + 1, .clusters = r->count, .lcn = r->lcn, .vcn = r->vcn, .end = r->vcn + r->count };
	for (at++; at < s->run_count; at++) {
		r = &s->runs[at];
		if (r->lcn == CF_MFT_HOLE)
			continue;
		if (r->lcn != p->lcn + p->clusters)
			break;
		p->clusters += r->count;
		p->end = r->vcn + r->count;
		p->last = at + 1;
	}
	return true;
}

/* The run from which on a stream's pieces may be moved; run_count: none may. $MFT's first records must stay where the boot sector says. */
static size_t first_movable(const struct cf_look *look, const struct cf_mft_file *f, uint32_t number)
{
	const struct cf_mft_stream *s = &f->streams[number];
	struct piece p;
	if (s->resident || s->damaged || f->damaged)
		return s->run_count;
	if (f->record >= CF_NTFS_REC_FIRST_FREE)
		return 0;
	if (f->record != CF_NTFS_REC_MFT || s->type != CF_NTFS_AT_DATA || s->name.n)
		return s->run_count;
	size_t at = 0;
	while (next_piece(s, at, &p)) {
		at = p.last;
		if (p.end * look->cluster_size >= (uint64_t)CF_NTFS_REC_FIRST_FREE * look->record_size)
			break;
	}
	return at;
}

/* ---- jobs ---- */

void cf_jobs_free(struct cf_jobs *jobs)
{
	free(jobs->job);
	*jobs = (struct cf_jobs){ 0 };
}

static int add_job(struct cf_jobs *jobs, const struct cf_job *job)
{
	if (jobs->n >= CF_JOBS_MAX) {
		jobs->full = true;
		return 0;
	}
	if (!CF_ROOM(jobs->job, jobs->n, jobs->cap, 256))
		return -1;
	jobs->job[jobs->n++] = *job;
	return 0;
}

struct seeing {
	struct cf_look *look;
	struct cf_defrag_figures *f;
	struct cf_jobs *jobs;
	uint64_t movable;      /* clusters of the largest piece that is worth a thought */
	uint64_t start, end;   /* the window */
	bool no_memory;
};

/* A group of small pieces, [from, to) as runs: cut where what came so far is large, so that each part is worth a place of its own. */
static int group_jobs(struct seeing *s, const struct cf_mft_file *f, uint32_t number, size_t from, size_t to)
{
	const struct cf_mft_stream *st = &f->streams[number];
	uint64_t large = CF_DEFRAG_LARGE / s->look->cluster_size, left = 0;
	struct cf_job job = { .target = { f->record, number }, .to = UINT64_MAX };
	struct piece p;
	for (size_t at = from; at < to && next_piece(st, at, &p); at = p.last)
		left += p.clusters;
	for (size_t at = from; at < to && next_piece(st, at, &p); at = p.last) {
		if (!job.extents) {
			job.vcn = p.vcn;
			job.from = p.lcn;
		}
		job.extents++;
		job.clusters += p.clusters;
		job.end = p.end;
		left -= p.clusters;
		/* A rest that would be small goes with the part before it. */
		if (job.clusters < large || (left && left < large))
			continue;
		if (left) {
			if (add_job(s->jobs, &job) < 0)
				return -1;
			job = (struct cf_job){ .target = job.target, .to = UINT64_MAX, .chained = true };
		}
	}
	return add_job(s->jobs, &job);
}

int cf_by_target(const void *a, const void *b)
{
	const struct cf_move_target *x = a, *y = b;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	return x->stream < y->stream ? -1 : x->stream > y->stream;
}

static bool is_skipped(const struct cf_look *look, uint64_t record, uint32_t stream)
{
	const struct cf_move_target t = { record, stream };
	return look->n_skip && bsearch(&t, look->skip, look->n_skip, sizeof t, cf_by_target);
}

static bool is_wanted(const struct cf_look *look, uint64_t record)
{
	const struct cf_defrag_options *o = look->opt;
	size_t low = 0, high = o->n_records;
	if (!o->records)
		return !o->consolidate_only;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (o->records[mid] < record)
			low = mid + 1;
		else
			high = mid;
	}
	return low < o->n_records && o->records[low] == record;
}

/* Counts the fragments of a stream, and makes jobs of its groups where that is wanted. Returns how many it has too many. */
static uint64_t see_groups(struct seeing *s, const struct cf_mft_file *f, uint32_t number, size_t from, bool wanted)
{
	const struct cf_mft_stream *st = &f->streams[number];
	uint64_t large = CF_DEFRAG_LARGE / s->look->cluster_size, extra = 0;
	struct piece p;
	size_t group = 0, small = 0;
	for (size_t at = from;; at = p.last) {
		bool there = next_piece(st, at, &p);
		if (there && p.clusters < large) {
			if (!small++)
				group = p.first;
			continue;
		}
		if (small > 1) {
			extra += small - 1;
			if (wanted && s->jobs && !is_skipped(s->look, f->record, number) &&
			    group_jobs(s, f, number, group, there ? p.first : st->run_count) < 0)
				s->no_memory = true;
		}
		small = 0;
		if (!there)
			return extra;
	}
}

static void free_fixed(struct seeing *s, const struct cf_mft_stream *st, size_t from)
{
	struct piece p;
	for (size_t at = from; next_piece(st, at, &p); at = p.last)
		if (p.clusters <= s->movable)
			cf_bits_set(s->look->map->fixed, p.lcn, p.clusters, false);
}

static int see_file(void *user, const struct cf_mft_file *f)
{
	struct seeing *s = user;
	struct cf_defrag_figures *out = s->f;
	uint64_t extra = 0;
	bool has_clusters = false, moves = false;
	bool apart = is_apart(s->look, f) || holds_dump(s->look, f), wanted = is_wanted(s->look, f->record);
	for (uint32_t i = 0; i < f->stream_count && i < UINT32_MAX; i++) {
		const struct cf_mft_stream *st = &f->streams[i];
		if (st->resident || !st->extents || (f->record == CF_NTFS_REC_BADCLUS && st->name.n))
			continue;
		size_t from = apart ? st->run_count : first_movable(s->look, f, i);
		uint64_t here = see_groups(s, f, i, from, wanted);
		has_clusters = true;
		moves |= from < st->run_count;
		free_fixed(s, st, from);
		out->streams++;
		out->pieces += st->extents;
		out->fragmented += here ? st->allocated : 0;
		extra += here;
		if (f->record == CF_NTFS_REC_MFT && st->type == CF_NTFS_AT_DATA && !st->name.n) {
			out->mft = st->size;
			out->mft_fragments = st->extents;
		}
	}
	if (f->directory) {
		out->folders++;
		out->fragmented_folders += extra > 0;
		out->folder_fragments += extra ? extra + 1 : 0;
	} else {
		out->files++;
		out->fragmented_files += extra > 0;
		out->file_fragments += extra ? extra + 1 : 0;
	}
	out->movable += has_clusters && moves;
	out->unmovable += has_clusters && !moves;
	return s->no_memory;
}

int cf_look_at_files(struct cf_look *look, uint64_t movable, struct cf_defrag_figures *figures, struct cf_jobs *jobs,
		     struct cf_error *err)
{
	struct cf_defrag_figures f = { 0 };
	struct cf_mft_stats stats = { 0 };
	struct cf_map *map = look->map;
	struct seeing s = { .look = look, .f = &f, .jobs = jobs, .movable = movable };
	uint64_t cs = look->cluster_size;
	int r = cf_mft_scan(look->mft, see_file, &s, &stats, err);
	if (r > 0)
		return cf_fail_nomem(err);
	if (r < 0)
		return -1;
	f.volume = map->clusters * cs;
	f.cluster = cs;
	f.free = map->free * cs;
	f.used = f.volume - f.free;
	f.free_extents = map->free_extents;
	f.largest_free = map->largest * cs;
	f.mft_records = stats.records;
	f.mft_used_records = stats.files + stats.extensions;
	f.bad_records = stats.bad + stats.damaged;
	f.dedup_store = look->dedup;
	*figures = f;
	return 0;
}

static int see_window(void *user, const struct cf_mft_file *f)
{
	struct seeing *s = user;
	int known = -1; /* whether the file may be moved at all, asked only for one in the window */
	for (uint32_t i = 0; i < f->stream_count && i < UINT32_MAX; i++) {
		const struct cf_mft_stream *st = &f->streams[i];
		struct piece p;
		for (size_t at = 0; !st->resident && next_piece(st, at, &p); at = p.last) {
			if (p.lcn >= s->end || p.lcn + p.clusters <= s->start)
				continue;
			if (known < 0)
				known = !is_apart(s->look, f) && !holds_dump(s->look, f);
			if (!known || p.first < first_movable(s->look, f, i))
				continue;
			struct cf_job job = { .target = { f->record, i }, .extents = 1, .vcn = p.vcn, .end = p.end, .clusters = p.clusters,
					      .from = p.lcn, .to = UINT64_MAX };
			if (add_job(s->jobs, &job) < 0)
				return 1;
		}
	}
	return 0;
}

int cf_look_at_window(struct cf_look *look, uint64_t start, uint64_t end, struct cf_jobs *jobs, struct cf_error *err)
{
	struct seeing s = { .look = look, .jobs = jobs, .start = start, .end = end };
	int r = cf_mft_scan(look->mft, see_window, &s, NULL, err);
	return r > 0 ? cf_fail_nomem(err) : r;
}
