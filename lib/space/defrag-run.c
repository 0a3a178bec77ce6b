/* defrag-run.c - rounds of looking, planning and moving until nothing is left to improve.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each round makes something better or is the last one: a round of files leaves fewer fragments, a round of consolidation a larger free
 * extent and no more fragments. Places are given out from what was free when the round began. A move that is larger than one transaction may
 * be goes in parts, each of which leaves the file whole in content, in one piece more for a while.
 */
#include <stdlib.h>

#include "space/defrag-internal.h"

#define ROUNDS_MAX 4096
#define WINDOW_TRIES 12 /* stretches that are tried for one size before a smaller one is */
#define SKIP_MAX 65536u

struct run {
	const struct cf_defrag_io *io;
	const struct cf_defrag_options *opt;
	struct cf_defrag_result *result;
	struct cf_mover *mover;
	struct cf_map map;
	struct cf_look look;
	struct cf_move_target *skip;
	size_t n_skip;
	uint64_t homeless, largest_homeless, smallest_homeless; /* clusters of jobs that found no place, and of the two */
	uint64_t open_data; /* bytes copied in the open transaction */
	uint64_t cluster;   /* bytes */
	bool stopped;       /* max_bytes */
};

/* ---- carrying out ---- */

static int commit(struct run *r, struct cf_error *err)
{
	if (!r->open_data)
		return 0;
	if (r->io->commit && r->io->commit(r->io->user, err) < 0)
		return -1;
	r->result->steps++;
	r->open_data = 0;
	return 0;
}

static int copied(void *user, uint64_t bytes)
{
	struct run *r = user;
	r->result->moved += bytes;
	r->open_data += bytes;
	return r->io->progress ? r->io->progress(r->io->user, r->result->moved) : 0;
}

static int fill(void *user, uint64_t off, const void *buf, size_t len, struct cf_error *err)
{
	struct run *r = user;
	return r->io->fill(r->io->user, off, buf, len, err);
}

/* The moves of all jobs of one stream, from the stream as it is now. */
struct moves {
	const struct cf_job *job; /* in order of vcn */
	size_t n_jobs;
	struct cf_move *mv;
	uint64_t *from; /* old place of each */
	size_t n;
	uint64_t *cut;  /* clusters after which a part ends; the last one: all */
	size_t n_cuts;
	bool as_planned, no_memory;
};

static int take_moves(void *user, const struct cf_mft_file *f)
{
	struct moves *m = user;
	uint32_t number = m->job->target.stream;
	if (number >= f->stream_count || f->streams[number].resident || f->streams[number].damaged)
		return 0;
	const struct cf_mft_stream *s = &f->streams[number];
	m->mv = calloc(s->run_count + m->n_jobs + 1, sizeof *m->mv);
	m->from = calloc(s->run_count + m->n_jobs + 1, sizeof *m->from);
	m->no_memory = !m->mv || !m->from;
	size_t i = 0;
	m->as_planned = true;
	for (size_t k = 0; k < m->n_jobs && m->as_planned && !m->no_memory; k++) {
		const struct cf_job *job = &m->job[k];
		uint64_t to = job->to;
		while (i < s->run_count && s->runs[i].vcn + s->runs[i].count <= job->vcn)
			i++;
		for (; i < s->run_count && s->runs[i].vcn < job->end; i++) {
			const struct cf_mft_run *r = &s->runs[i];
			uint64_t vcn = cf_max_u64(r->vcn, job->vcn), end = cf_min_u64(r->vcn + r->count, job->end);
			if (r->lcn != CF_MFT_HOLE) {
				if (to == job->to)
					m->as_planned = r->lcn + (vcn - r->vcn) == job->from;
				m->from[m->n] = r->lcn + (vcn - r->vcn);
				m->mv[m->n++] = (struct cf_move){ .vcn = vcn, .count = end - vcn, .lcn = to };
				to += end - vcn;
			}
			if (r->vcn + r->count > job->end)
				break; /* the next job may go on in it */
		}
		m->as_planned &= to - job->to == job->clusters;
	}
	return 0;
}

/* Fills m for n jobs of one stream. */
static int get_moves(struct run *r, const struct cf_job *jobs, size_t n, struct moves *m, struct cf_error *err)
{
	*m = (struct moves){ .job = jobs, .n_jobs = n };
	if (cf_mft_one(cf_mover_mft(r->mover), jobs->target.record, take_moves, m, err) < 0)
		return -1;
	if (m->no_memory)
		return cf_fail_nomem(err);
	if (!m->as_planned)
		return cf_fail(err, CF_E_CHANGED, "MFT record %llu is not as it was a moment ago", (unsigned long long)jobs->target.record);
	return 0;
}

static void free_moves(struct moves *m)
{
	free(m->mv);
	free(m->from);
	free(m->cut);
}

/* The moves of clusters [first, end) of all that m moves, into part. How many those are. *at: of the first one. */
static size_t take_part(const struct moves *m, uint64_t first, uint64_t end, struct cf_move *part, size_t *at)
{
	size_t n = 0;
	uint64_t start = 0;
	for (size_t i = 0; i < m->n && start < end; start += m->mv[i++].count) {
		const struct cf_move *mv = &m->mv[i];
		uint64_t from = cf_max_u64(start, first), to = cf_min_u64(start + mv->count, end);
		if (from >= to)
			continue;
		if (!n)
			*at = i;
		part[n++] = (struct cf_move){ mv->vcn + (from - start), to - from, mv->lcn + (from - start) };
	}
	return n;
}

/* Does a file that was moved so far fit into its MFT records? As cf_mover_fits. */
static int fits_until(struct run *r, const struct moves *m, uint64_t end, struct cf_move *part, struct cf_error *err)
{
	size_t at = 0, n = take_part(m, 0, end, part, &at);
	return cf_mover_fits(r->mover, &m->job->target, part, n, err);
}

/* The clusters before `end` of m that old runs end with; 0: none behind `start`. */
static uint64_t run_end(const struct moves *m, uint64_t start, uint64_t end)
{
	uint64_t at = 0, last = 0;
	for (size_t i = 0; i < m->n && at + m->mv[i].count <= end; i++) {
		at += m->mv[i].count;
		last = at;
	}
	return last > start ? last : 0;
}

/* Where the moves are cut into parts that one transaction can take. With more than one it is known before the first that all of them fit: a cut
 * within a run takes room in the MFT record, one between two runs hardly ever. 1, 0: they don't fit, -1. */
static int cut(struct run *r, struct moves *m, struct cf_error *err)
{
	uint64_t all = 0, most = cf_max_u64(cf_min_u64(r->io->max_held, r->io->max_data) / r->cluster, 1);
	for (size_t i = 0; i < m->n; i++)
		all += m->mv[i].count;
	CF_FREE struct cf_move *part = calloc(m->n + 1, sizeof *part);
	m->cut = calloc((size_t)(2 * (all / most) + m->n + 2), sizeof *m->cut);
	if (!part || !m->cut)
		return cf_fail_nomem(err);
	for (uint64_t at = 0; all - at > most;) {
		uint64_t end = at + most, between = run_end(m, at, end);
		int rc = between ? fits_until(r, m, between, part, err) : 0;
		end = rc == 1 ? between : end;
		if (rc == 0)
			rc = fits_until(r, m, end, part, err);
		if (rc < 1)
			return rc;
		m->cut[m->n_cuts++] = at = end;
	}
	m->cut[m->n_cuts++] = all;
	return m->n_cuts == 1 ? 1 : fits_until(r, m, all, part, err); /* one part: moving it tells */
}

/* The old places of one step: for `needed`, each cluster counts once. */
static void note_moved(struct run *r, const struct moves *m, const struct cf_move *mv, size_t n, size_t first)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t from = m->from[first + i] + (mv[i].vcn - m->mv[first + i].vcn), to = mv[i].lcn;
		uint64_t at = from, end = from + mv[i].count;
		while (at < end) {
			uint64_t seen = cf_bits_find(r->map.moved, at, end, true);
			r->result->needed += (seen - at) * r->cluster;
			at = seen < end ? cf_bits_find(r->map.moved, seen, end, false) : end;
		}
		/* The content goes on at its new place as one that has moved; the old place is anybody's. */
		cf_bits_set(r->map.moved, from, mv[i].count, false);
		cf_bits_set(r->map.moved, to, mv[i].count, true);
		if (r->io->growth)
			r->result->growth += r->io->growth(r->io->user, to * r->cluster, mv[i].count * r->cluster);
	}
}

/* Moves clusters [start, end) of m in one transaction. 1: done, 0: no room in the record, -1. */
static int step(struct run *r, struct moves *m, uint64_t start, uint64_t end, struct cf_error *err)
{
	/* With a journal the overlay holds what is copied; without one only $Bitmap and $MFT. */
	uint64_t held = r->io->held ? r->io->held(r->io->user) : 0, room = r->io->max_held > held ? r->io->max_held - held : 0;
	room = cf_min_u64(room, r->io->max_data > r->open_data ? r->io->max_data - r->open_data : 0);
	/* What fits into the next transaction waits for it. */
	if (end - start > room / r->cluster && r->open_data && commit(r, err) < 0)
		return -1;
	CF_FREE struct cf_move *part = calloc(m->n, sizeof *part);
	size_t first = 0;
	if (!part)
		return cf_fail_nomem(err);
	size_t n = take_part(m, start, end, part, &first);
	int rc = cf_mover_move(r->mover, &m->job->target, part, n, err);
	if (rc <= 0)
		return rc;
	note_moved(r, m, part, n, first);
	r->result->moves += n;
	return 1;
}

static int remember_no_room(struct run *r, const struct cf_move_target *t, struct cf_error *err)
{
	r->result->no_room++;
	if (r->n_skip >= SKIP_MAX) /* the next round tries it again */
		return 0;
	if (!r->skip && !(r->skip = calloc(SKIP_MAX, sizeof *r->skip)))
		return cf_fail_nomem(err);
	r->skip[r->n_skip++] = *t;
	r->look.skip = r->skip;
	r->look.n_skip = r->n_skip;
	return 0;
}

/* All jobs of a stream. 1: done, 0: they stay, -1. */
static int carry_out(struct run *r, const struct cf_job *jobs, size_t n, struct cf_error *err)
{
	struct moves m;
	int rc = get_moves(r, jobs, n, &m, err);
	if (rc == 0)
		rc = cut(r, &m, err);
	for (size_t i = 0; i < m.n_cuts && rc == 1; i++)
		rc = step(r, &m, i ? m.cut[i - 1] : 0, m.cut[i], err);
	free_moves(&m);
	return rc == 0 ? remember_no_room(r, &jobs->target, err) : rc;
}

static int by_stream(const void *a, const void *b)
{
	const struct cf_job *x = a, *y = b;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->target.record != y->target.record)
		return x->target.record < y->target.record ? -1 : 1;
	if (x->target.stream != y->target.stream)
		return x->target.stream < y->target.stream ? -1 : 1;
	return x->vcn < y->vcn ? -1 : x->vcn > y->vcn;
}

/* Jobs from i on that are of one stream. */
static size_t same_stream(const struct cf_jobs *jobs, size_t i)
{
	const struct cf_move_target *t = &jobs->job[i].target;
	size_t n = 1;
	while (i + n < jobs->n && jobs->job[i + n].target.record == t->record && jobs->job[i + n].target.stream == t->stream)
		n++;
	return n;
}

/* Those that have a place, stream by stream, in the order in which the streams lie on the volume. */
static void sort_jobs(struct cf_jobs *jobs)
{
	size_t kept = 0;
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->job[i].to != UINT64_MAX) {
			jobs->job[kept] = jobs->job[i];
			jobs->job[kept++].order = 0;
		}
	jobs->n = kept;
	qsort(jobs->job, jobs->n, sizeof *jobs->job, by_stream);
	for (size_t i = 0, n; i < jobs->n; i += n) {
		n = same_stream(jobs, i);
		for (size_t k = 0; k < n; k++)
			jobs->job[i + k].order = jobs->job[i].from;
	}
	qsort(jobs->job, jobs->n, sizeof *jobs->job, by_stream);
}

/* Does the next stream still fit under --max-bytes? It is moved whole or not at all. */
static bool allowed(struct run *r, const struct cf_job *jobs, size_t n)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += jobs[i].clusters * r->cluster;
	if (!r->opt->max_bytes || r->result->moved + bytes <= r->opt->max_bytes)
		return true;
	r->result->limited = true;
	return false;
}

/* jobs are sorted. *done: streams that moved. */
static int carry_out_all(struct run *r, struct cf_jobs *jobs, size_t *done, struct cf_error *err)
{
	for (size_t i = 0, n; i < jobs->n; i += n) {
		n = same_stream(jobs, i);
		if (!allowed(r, &jobs->job[i], n)) /* a smaller one may */
			continue;
		int rc = carry_out(r, &jobs->job[i], n, err);
		if (rc < 0)
			return -1;
		*done += rc == 1;
		r->result->made_whole += rc == 1 && jobs->job[i].extents > 1;
	}
	r->stopped |= r->result->limited;
	return commit(r, err);
}

/* ---- planning ---- */

static int by_size(const void *a, const void *b)
{
	const struct cf_job *x = a, *y = b;
	if (x->clusters != y->clusters)
		return x->clusters > y->clusters ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Jobs that go on where the one before ends want one place together. */
static int place_chain(struct cf_jobs *jobs, size_t first, size_t n, struct cf_holes *holes)
{
	uint64_t all = 0, to;
	for (size_t i = 0; i < n; i++)
		all += jobs->job[first + i].clusters;
	int rc = cf_holes_take(holes, all, &to);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		struct cf_job *job = &jobs->job[first + i];
		if (rc == 1) {
			job->to = to;
			to += job->clusters;
		} else if (job->extents > 1 && n > 1) {
			int one = cf_holes_take(holes, job->clusters, &job->to);
			if (one < 0)
				return -1;
			if (!one)
				job->to = UINT64_MAX;
		}
	}
	return rc < 0 ? -1 : 0;
}

/* 1: something was moved, 0: nothing was left to do, -1. */
static int round_of_files(struct run *r, struct cf_jobs *jobs, struct cf_error *err)
{
	struct cf_holes holes;
	size_t done = 0;
	r->homeless = r->largest_homeless = 0;
	r->smallest_homeless = UINT64_MAX;
	if (!jobs->n)
		return 0;
	if (cf_holes_fill(&holes, &r->map, 0, 0, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0, n; i < jobs->n && rc == 0; i += n) {
		for (n = 1; i + n < jobs->n && jobs->job[i + n].chained; n++)
			;
		rc = place_chain(jobs, i, n, &holes);
	}
	cf_holes_free(&holes);
	if (rc < 0)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < jobs->n; i++) {
		if (jobs->job[i].to != UINT64_MAX)
			continue;
		r->homeless += jobs->job[i].clusters;
		r->largest_homeless = cf_max_u64(r->largest_homeless, jobs->job[i].clusters);
		r->smallest_homeless = cf_min_u64(r->smallest_homeless, jobs->job[i].clusters);
	}
	sort_jobs(jobs);
	return carry_out_all(r, jobs, &done, err) < 0 ? -1 : done > 0;
}

/* Streams whose records have no room for the new places stay, and so does the stretch. 1: all fit, 0, -1. */
static int all_fit(struct run *r, struct cf_jobs *jobs, struct cf_error *err)
{
	int result = 1;
	for (size_t i = 0, n; i < jobs->n && result >= 0; i += n) {
		struct moves m;
		n = same_stream(jobs, i);
		int rc = get_moves(r, &jobs->job[i], n, &m, err);
		if (rc == 0)
			rc = cut(r, &m, err);
		if (rc == 1)
			rc = cf_mover_fits(r->mover, &jobs->job[i].target, m.mv, m.n, err);
		free_moves(&m);
		if (rc < 0)
			return -1;
		for (size_t k = 0; k < n && rc == 0; k++)
			cf_bits_set(r->map.fixed, jobs->job[i + k].from, jobs->job[i + k].clusters, true);
		result &= rc;
	}
	return result;
}

/* Places for all that lies in [start, end). 1: found; 0: some have none, and count as fixed now; -1. */
static int place_window(struct run *r, uint64_t start, uint64_t end, struct cf_jobs *jobs, struct cf_error *err)
{
	struct cf_holes holes;
	int rc = 1;
	uint64_t all = 0, used = 0;
	jobs->n = 0;
	jobs->full = false;
	if (cf_look_at_window(&r->look, start, end, jobs, err) < 0 || cf_holes_fill(&holes, &r->map, start, end, err) < 0)
		return -1;
	qsort(jobs->job, jobs->n, sizeof *jobs->job, by_size);
	for (size_t i = 0; i < jobs->n && rc >= 0; i++) {
		struct cf_job *job = &jobs->job[i];
		int one = cf_holes_take(&holes, job->clusters, &job->to);
		all += job->clusters;
		if (one < 0)
			rc = cf_fail_nomem(err);
		else if (!one) {
			cf_bits_set(r->map.fixed, job->from, job->clusters, true);
			rc = 0;
		}
	}
	cf_holes_free(&holes);
	/* Not all of it may be somebody's, when there are too many pieces, or records that can't be read. */
	for (uint64_t at = start; (at = cf_bits_find(r->map.used, at, end, true)) < end;) {
		uint64_t stop = cf_bits_find(r->map.used, at, end, false);
		used += stop - at;
		at = stop;
	}
	if (rc == 1 && (jobs->full || all != used)) {
		cf_bits_set(r->map.fixed, cf_bits_find(r->map.used, start, end, true), 1, true);
		rc = 0;
	}
	if (rc < 1)
		return rc;
	sort_jobs(jobs);
	return all_fit(r, jobs, err);
}

/* Empties the cheapest stretch that is at least goal clusters long. As round_of_files. */
static int empty_stretch(struct run *r, uint64_t goal, struct cf_jobs *jobs, struct cf_error *err)
{
	uint64_t start, end, used;
	for (unsigned tries = 0; tries < WINDOW_TRIES && cf_map_window(&r->map, goal, &start, &end, &used); tries++) {
		size_t done = 0;
		int rc = place_window(r, start, end, jobs, err);
		if (rc < 0)
			return -1;
		if (rc)
			return carry_out_all(r, jobs, &done, err) < 0 ? -1 : done > 0;
	}
	return 0;
}

/* As round_of_files. */
static int round_of_space(struct run *r, struct cf_jobs *jobs, struct cf_error *err)
{
	const struct cf_map *map = &r->map;
	uint64_t largest = map->largest, half = map->free / 2, more = half + map->free / 16, goal = half;
	/* A little more than half, with room for what has no place yet; then half. Where only some files count, just room for them. */
	const uint64_t all[] = { more + r->homeless, more, half };
	const uint64_t some[] = { r->homeless, r->largest_homeless };
	const uint64_t *first = r->opt->records ? some : all;
	size_t n = r->opt->records ? CF_ARRAY_LEN(some) : CF_ARRAY_LEN(all);
	int rc = 0;
	if (r->opt->records ? !r->homeless : largest >= half)
		return 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (first[i] > largest)
			rc = empty_stretch(r, first[i], jobs, err);
	/* Then what is clearly better than what there is, the best first. */
	if (r->opt->records)
		goal = r->largest_homeless;
	while (rc == 0 && goal > largest + largest / 8) {
		goal = largest + (goal - largest) / 2;
		rc = empty_stretch(r, goal, jobs, err);
	}
	if (rc == 0 && r->opt->records && r->smallest_homeless > largest)
		rc = empty_stretch(r, r->smallest_homeless, jobs, err);
	return rc;
}

/* The volume as it is now; fixed and the jobs of files with it. */
static int look(struct run *r, struct cf_defrag_figures *f, struct cf_jobs *jobs, struct cf_error *err)
{
	jobs->n = 0;
	jobs->full = false;
	r->look.mft = cf_mover_mft(r->mover);
	if (r->n_skip)
		qsort(r->skip, r->n_skip, sizeof *r->skip, cf_by_target);
	if (cf_map_read(&r->map, r->look.mft, err) < 0)
		return -1;
	return cf_look_at_files(&r->look, r->map.largest, f, jobs, err);
}

static int rounds(struct run *r, struct cf_defrag_figures *before, struct cf_defrag_figures *after, struct cf_error *err)
{
	struct cf_jobs jobs = { 0 };
	int rc = 1;
	for (unsigned n = 0; rc == 1; n++) {
		rc = look(r, after, &jobs, err);
		if (rc < 0)
			break;
		if (n == 0)
			*before = *after;
		if (n == ROUNDS_MAX || r->stopped)
			break;
		rc = round_of_files(r, &jobs, err);
		/* Streams that turned out to have no room are known now. */
		if (rc == 0 && !r->stopped) {
			if (r->n_skip)
				rc = look(r, after, &jobs, err);
			if (rc == 0)
				rc = round_of_space(r, &jobs, err);
		}
		r->result->rounds += rc == 1;
	}
	cf_jobs_free(&jobs);
	return rc < 0 ? -1 : 0;
}

static int begin(struct run *r, struct cf_block *slice, const struct cf_mover_options *opt, struct cf_error *err)
{
	r->mover = cf_mover_open(slice, opt, err);
	if (!r->mover)
		return -1;
	const struct cf_mft_geometry *g = cf_mft_geometry(cf_mover_mft(r->mover));
	r->cluster = g->cluster_size;
	r->look = (struct cf_look){ .mft = cf_mover_mft(r->mover), .map = &r->map, .opt = r->opt };
	return cf_map_new(&r->map, g->clusters, err) < 0 || cf_look_begin(&r->look, err) < 0 ? -1 : 0;
}

static void end(struct run *r)
{
	cf_look_end(&r->look);
	cf_map_free(&r->map);
	cf_mover_close(r->mover);
	free(r->skip);
}

int cf_defrag_analyze(struct cf_block *slice, struct cf_defrag_figures *figures, struct cf_error *err)
{
	struct cf_defrag_options none = { 0 };
	struct cf_defrag_result result = { 0 };
	struct run r = { .opt = &none, .result = &result };
	int rc = begin(&r, slice, NULL, err);
	if (rc == 0)
		rc = cf_map_read(&r.map, r.look.mft, err);
	if (rc == 0)
		rc = cf_look_at_files(&r.look, 0, figures, NULL, err);
	end(&r);
	return rc;
}

int cf_defrag_run(const struct cf_defrag_io *io, const struct cf_defrag_options *opt, struct cf_defrag_figures *before,
		  struct cf_defrag_figures *after, struct cf_defrag_result *result, struct cf_error *err)
{
	struct cf_defrag_figures b = { 0 }, a = { 0 };
	struct cf_error e = { 0 };
	struct run r = { .io = io, .opt = opt, .result = result };
	struct cf_mover_options mo = { .fill = io->fill ? fill : NULL, .copied = copied, .user = &r, .no_data = !io->commit && !io->copy_all };
	*result = (struct cf_defrag_result){ 0 };
	int rc = begin(&r, io->slice, &mo, &e);
	if (rc == 0)
		rc = rounds(&r, &b, &a, &e);
	/* A plan that holds too much ends here, and says so. */
	if (rc < 0 && mo.no_data && e.code == CF_E_NO_SPACE) {
		result->incomplete = true;
		rc = 0;
	}
	if (rc < 0)
		result->moved -= r.open_data; /* of a transaction that will be dropped */
	end(&r);
	if (rc < 0 && err)
		*err = e;
	if (before)
		*before = b;
	if (after)
		*after = a;
	return rc;
}
