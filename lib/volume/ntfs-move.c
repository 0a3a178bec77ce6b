/* ntfs-move.c - clusters of a stream change their place.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Order of a move: everything is read, checked and encoded; then the data is copied; then $Bitmap gets the new place, the MFT
 * records their new pairs, and $Bitmap loses the old place. Data goes first, since an MFT record may itself lie in what is moved ($MFT). All
 * of it reaches the disk in one transaction, or none.
 */
#include "volume/ntfs-move.h"

#include <stdlib.h>
#include <string.h>

#include "volume/ntfs-internal.h"

#define COPY_PIECE (4 * CF_MIB)
#define RECORDS_MAX 16384u        /* of one file: more than a full attribute list (256 KiB) names */

struct runs {
	struct cf_mft_run *run;
	size_t n;
};

struct cf_mover {
	struct cf_block *slice;
	struct cf_mover_options opt;
	struct cf_mft *mft;
	struct cf_mft_geometry g;
	uint64_t mirror;         /* byte offset of $MFTMirr on the slice */
	uint64_t mirror_records;
	struct runs self, bitmap; /* where $MFT and $Bitmap lie */
	uint8_t *buf;            /* COPY_PIECE bytes */
};

/* A changed MFT record, fix-ups undone. */
struct changed {
	uint64_t number;
	uint8_t data[4096];
};

/* What is known of the stream that is moved. */
struct subject {
	uint32_t stream, type;
	uint8_t name[2 * CF_NTFS_NAME_MAX];
	size_t name_bytes;
	bool found;
	struct runs old, now;
	uint64_t *records; /* base and extensions */
	size_t n_records;
	struct changed **changed;
	size_t n_changed;
};

static void subject_free(struct subject *s)
{
	for (size_t i = 0; i < s->n_changed; i++)
		free(s->changed[i]);
	free(s->changed);
	free(s->old.run);
	free(s->now.run);
	free(s->records);
}

static int copy_runs(struct runs *out, const struct cf_mft_stream *s)
{
	out->run = calloc(s->run_count + 1, sizeof *out->run);
	if (!out->run)
		return -1;
	if (s->run_count)
		memcpy(out->run, s->runs, s->run_count * sizeof *out->run);
	out->n = s->run_count;
	return 0;
}

/* ---- opening ---- */

static int take_unnamed(void *user, const struct cf_mft_file *f)
{
	const struct cf_mft_stream *s = cf_mft_stream(f, CF_NTFS_AT_DATA, NULL);
	return !s || s->resident || s->damaged || copy_runs(user, s) < 0 ? 1 : 0;
}

struct mirror {
	uint64_t lcn, size;
};

static int take_mirror(void *user, const struct cf_mft_file *f)
{
	struct mirror *m = user;
	const struct cf_mft_stream *s = cf_mft_stream(f, CF_NTFS_AT_DATA, NULL);
	if (!s || s->resident || s->damaged || s->run_count != 1 || s->runs[0].lcn == CF_MFT_HOLE)
		return 1;
	*m = (struct mirror){ s->runs[0].lcn, s->size };
	return 0;
}

int cf_mover_reset(struct cf_mover *m, struct cf_error *err)
{
	struct mirror mirror = { 0 };
	cf_mft_close(m->mft);
	free(m->self.run);
	free(m->bitmap.run);
	m->self = m->bitmap = (struct runs){ 0 };
	m->mft = cf_mft_open(m->slice, err);
	if (!m->mft)
		return -1;
	m->g = *cf_mft_geometry(m->mft);
	int r = cf_mft_one(m->mft, CF_NTFS_REC_MFT, take_unnamed, &m->self, err);
	if (r == 0)
		r = cf_mft_one(m->mft, CF_NTFS_REC_BITMAP, take_unnamed, &m->bitmap, err);
	if (r == 0)
		r = cf_mft_one(m->mft, 1, take_mirror, &mirror, err);
	if (r > 0)
		return cf_fail(err, CF_E_CORRUPT, "$MFT, $MFTMirr or $Bitmap does not lie as it must; run chkdsk");
	if (r < 0)
		return -1;
	m->mirror = mirror.lcn * m->g.cluster_size;
	m->mirror_records = mirror.size / m->g.record_size;
	return 0;
}

struct cf_mover *cf_mover_open(struct cf_block *slice, const struct cf_mover_options *opt, struct cf_error *err)
{
	struct cf_mover *m = calloc(1, sizeof *m);
	if (!m || !(m->buf = malloc(COPY_PIECE))) {
		free(m);
		cf_fail_nomem(err);
		return NULL;
	}
	m->slice = slice;
	if (opt)
		m->opt = *opt;
	if (cf_mover_reset(m, err) == 0)
		return m;
	cf_mover_close(m);
	return NULL;
}

void cf_mover_close(struct cf_mover *m)
{
	if (!m)
		return;
	cf_mft_close(m->mft);
	free(m->self.run);
	free(m->bitmap.run);
	free(m->buf);
	free(m);
}

struct cf_mft *cf_mover_mft(struct cf_mover *m)
{
	return m->mft;
}

/* ---- bytes of $MFT and $Bitmap in their places ---- */

/* Where byte `off` of a run list lies on the slice, and how many bytes go on there. */
static int locate(const struct cf_mover *m, const struct runs *r, uint64_t off, uint64_t *at, uint64_t *left, struct cf_error *err)
{
	uint64_t vcn = off / m->g.cluster_size, in = off % m->g.cluster_size;
	size_t low = 0, high = r->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (r->run[mid].vcn + r->run[mid].count <= vcn)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == r->n || r->run[low].vcn > vcn || r->run[low].lcn == CF_MFT_HOLE)
		return cf_fail(err, CF_E_CORRUPT, "$MFT or $Bitmap has a hole; run chkdsk");
	uint64_t skip = vcn - r->run[low].vcn;
	*at = (r->run[low].lcn + skip) * m->g.cluster_size + in;
	*left = (r->run[low].count - skip) * m->g.cluster_size - in;
	return 0;
}

static int transfer(struct cf_mover *m, const struct runs *r, uint64_t off, uint8_t *buf, size_t len, bool write,
		    struct cf_error *err)
{
	while (len) {
		uint64_t at = 0, left = 0;
		if (locate(m, r, off, &at, &left, err) < 0)
			return -1;
		size_t n = (size_t)cf_min_u64(left, len);
		if ((write ? cf_block_write(m->slice, at, buf, n, err) : cf_block_read(m->slice, at, buf, n, err)) < 0)
			return -1;
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* The bits of [lcn, lcn + count): all must be `is`; with write they become the opposite. */
static int bits(struct cf_mover *m, uint64_t lcn, uint64_t count, bool is, bool write, struct cf_error *err)
{
	uint8_t buf[4096];
	if (!cf_range_ok(lcn, count, m->g.clusters))
		return cf_fail(err, CF_E_CHANGED, "a move leads out of the volume");
	while (count) {
		uint64_t first = lcn / 8;
		size_t n = (size_t)cf_min_u64(sizeof buf, (lcn + count - 1) / 8 - first + 1);
		uint64_t here = cf_min_u64(count, (first + n) * 8 - lcn);
		if (transfer(m, &m->bitmap, first, buf, n, false, err) < 0)
			return -1;
		for (uint64_t i = lcn - first * 8; i < lcn - first * 8 + here; i++) {
			if ((buf[i / 8] >> (i % 8) & 1) != is)
				return cf_fail(err, CF_E_CHANGED, "cluster %llu is %s as $Bitmap says, and should not be",
					       (unsigned long long)(first * 8 + i), is ? "free" : "used");
			buf[i / 8] ^= (uint8_t)(1u << (i % 8));
		}
		if (write && transfer(m, &m->bitmap, first, buf, n, true, err) < 0)
			return -1;
		lcn += here;
		count -= here;
	}
	return 0;
}

/* ---- looking at the stream ---- */

static int take_subject(void *user, const struct cf_mft_file *f)
{
	struct subject *s = user;
	if (s->stream >= f->stream_count || f->damaged || f->extension_count >= RECORDS_MAX)
		return 0;
	const struct cf_mft_stream *st = &f->streams[s->stream];
	if (st->resident || st->damaged || st->name.n > sizeof s->name)
		return 0;
	s->type = st->type;
	if (st->name.n)
		memcpy(s->name, st->name.p, st->name.n);
	s->name_bytes = st->name.n;
	s->n_records = f->extension_count + 1;
	s->records = calloc(s->n_records, sizeof *s->records);
	s->changed = calloc(s->n_records, sizeof *s->changed);
	if (!s->records || !s->changed || copy_runs(&s->old, st) < 0)
		return 1;
	s->records[0] = f->record;
	if (f->extension_count)
		memcpy(s->records + 1, f->extensions, f->extension_count * sizeof *s->records);
	s->found = true;
	return 0;
}

/* Is the attribute a piece of the stream? */
static bool is_piece(const struct subject *s, struct cf_span a)
{
	if (cf_ld32(a.p) != s->type || !a.p[8] || a.n < 0x40 || a.p[9] * 2u != s->name_bytes)
		return false;
	const uint8_t *name = s->name_bytes ? cf_span_at(a, cf_ld16(a.p + 0xa), s->name_bytes) : NULL;
	return !s->name_bytes || (name && memcmp(name, s->name, s->name_bytes) == 0);
}

/* New pairs for one piece. 1: they differ and are in, 0: the same, -1: no room, -2: damaged. */
static int set_piece(const struct cf_mover *m, const struct subject *s, uint8_t *record, uint32_t off, struct cf_span a)
{
	uint8_t pairs[4096];
	uint64_t lowest = cf_ld64(a.p + 0x10), highest = cf_ld64(a.p + 0x18);
	uint16_t at = cf_ld16(a.p + 0x20);
	if (highest + 1 <= lowest || at < 0x40 || at >= a.n)
		return highest + 1 == lowest ? 0 : -2;
	size_t n = cf_pairs_encode(s->now.run, s->now.n, lowest, highest, pairs, m->g.record_size);
	if (!n)
		return -1;
	const uint8_t *now = cf_span_at(a, at, n);
	if (now && memcmp(now, pairs, n) == 0)
		return 0;
	return cf_record_set_pairs(record, m->g.record_size, off, pairs, n) ? 1 : -1;
}

/* All pieces in one record (fix-ups undone). As set_piece, for the whole record. */
static int set_record(const struct cf_mover *m, const struct subject *s, uint8_t *record)
{
	int result = 0;
	uint32_t off = cf_ld16(record + 0x14);
	for (;;) { /* off grows by at least 0x18 and is bounded by the used bytes, which set_piece keeps within the record */
		struct cf_span used = cf_span_of(record, cf_ld32(record + 0x18));
		const uint8_t *head = used.n <= m->g.record_size ? cf_span_at(used, off, 4) : NULL;
		if (head && cf_ld32(head) == UINT32_MAX)
			return result;
		head = head ? cf_span_at(used, off, 0x18) : NULL;
		uint32_t len = head ? cf_ld32(head + 4) : 0;
		if (len < 0x18 || len & 7 || !cf_span_at(used, off, len))
			return -2;
		if (is_piece(s, cf_span_sub(used, off, len))) {
			int r = set_piece(m, s, record, off, cf_span_sub(used, off, len));
			if (r < 0)
				return r;
			result |= r;
			len = cf_ld32(record + off + 4);
		}
		off += len;
	}
}

/* Encodes everything in memory. 1: ready, 0: no room, -1. */
static int prepare(struct cf_mover *m, struct subject *s, struct cf_error *err)
{
	for (size_t i = 0; i < s->n_records; i++) {
		struct changed *c = malloc(sizeof *c);
		if (!c)
			return cf_fail_nomem(err);
		s->changed[s->n_changed++] = c;
		c->number = s->records[i];
		if (transfer(m, &m->self, c->number * m->g.record_size, c->data, m->g.record_size, false, err) < 0)
			return -1;
		int r = memcmp(c->data, "FILE", 4) == 0 && cf_ntfs_fixup(c->data, m->g.record_size) ? set_record(m, s, c->data) : -2;
		if (r == -1)
			return 0;
		if (r < 0)
			return cf_fail(err, CF_E_CORRUPT, "MFT record %llu is damaged; run chkdsk", (unsigned long long)c->number);
		if (r == 0) {
			free(c);
			s->n_changed--;
		}
	}
	return 1;
}

/* Old places must be used, new ones free. */
static int check_bits(struct cf_mover *m, const struct subject *s, const struct cf_move *mv, size_t n, bool write, bool is_new,
		      struct cf_error *err)
{
	for (size_t k = 0, i = 0; k < n; k++) {
		if (is_new) {
			if (bits(m, mv[k].lcn, mv[k].count, false, write, err) < 0)
				return -1;
			continue;
		}
		for (uint64_t vcn = mv[k].vcn, end = vcn + mv[k].count; vcn < end;) {
			while (s->old.run[i].vcn + s->old.run[i].count <= vcn)
				i++; /* cf_runs_apply found every cluster of the moves in the list */
			const struct cf_mft_run *r = &s->old.run[i];
			uint64_t count = cf_min_u64(end - vcn, r->vcn + r->count - vcn);
			if (bits(m, r->lcn + (vcn - r->vcn), count, true, write, err) < 0)
				return -1;
			vcn += count;
		}
	}
	return 0;
}

/* ---- carrying out ---- */

static int copy(struct cf_mover *m, uint64_t from, uint64_t to, uint64_t bytes, struct cf_error *err)
{
	while (bytes) {
		size_t n = (size_t)cf_min_u64(bytes, COPY_PIECE);
		if (cf_block_read(m->slice, from, m->buf, n, err) < 0)
			return -1;
		int r = m->opt.fill ? m->opt.fill(m->opt.user, to, m->buf, n, err) : cf_block_write(m->slice, to, m->buf, n, err);
		if (r < 0)
			return -1;
		if (m->opt.copied && m->opt.copied(m->opt.user, n))
			return cf_fail(err, CF_E_CANCELLED, "stopped");
		from += n;
		to += n;
		bytes -= n;
	}
	return 0;
}

static int copy_data(struct cf_mover *m, const struct subject *s, const struct cf_move *mv, size_t n, struct cf_error *err)
{
	uint64_t cs = m->g.cluster_size;
	for (size_t k = 0, i = 0; k < n; k++)
		for (uint64_t done = 0; done < mv[k].count;) {
			uint64_t vcn = mv[k].vcn + done;
			while (s->old.run[i].vcn + s->old.run[i].count <= vcn)
				i++;
			const struct cf_mft_run *r = &s->old.run[i];
			uint64_t count = cf_min_u64(mv[k].count - done, r->vcn + r->count - vcn);
			if (copy(m, (r->lcn + (vcn - r->vcn)) * cs, (mv[k].lcn + done) * cs, count * cs, err) < 0)
				return -1;
			done += count;
		}
	return 0;
}

static int write_records(struct cf_mover *m, const struct subject *s, struct cf_error *err)
{
	for (size_t i = 0; i < s->n_changed; i++) {
		struct changed *c = s->changed[i];
		cf_record_protect(c->data, m->g.record_size);
		if (transfer(m, &m->self, c->number * m->g.record_size, c->data, m->g.record_size, true, err) < 0)
			return -1;
		if (c->number < m->mirror_records &&
		    cf_block_write(m->slice, m->mirror + c->number * m->g.record_size, c->data, m->g.record_size, err) < 0)
			return -1;
	}
	return 0;
}

static int carry_out(struct cf_mover *m, struct subject *s, const struct cf_move *mv, size_t n, uint64_t record, struct cf_error *err)
{
	bool is_mft = record == CF_NTFS_REC_MFT && s->type == CF_NTFS_AT_DATA && !s->name_bytes;
	if (!m->opt.no_data || is_mft || s->type == CF_NTFS_AT_LIST) {
		if (copy_data(m, s, mv, n, err) < 0)
			return -1;
	} else if (m->opt.copied) {
		for (size_t k = 0; k < n; k++)
			if (m->opt.copied(m->opt.user, mv[k].count * m->g.cluster_size))
				return cf_fail(err, CF_E_CANCELLED, "stopped");
	}
	if (is_mft) {
		/* From here on its records are found at the new place, where they have just been copied to. */
		free(m->self.run);
		m->self = s->now;
		s->now = (struct runs){ 0 };
	}
	if (check_bits(m, s, mv, n, true, true, err) < 0 || write_records(m, s, err) < 0 ||
	    check_bits(m, s, mv, n, true, false, err) < 0)
		return -1;
	return is_mft ? cf_mover_reset(m, err) : 0;
}

/* Reads the stream and encodes the new pairs; with look, the places are checked too. As prepare. */
static int begin(struct cf_mover *m, const struct cf_move_target *target, const struct cf_move *moves, size_t n, bool look,
		 struct subject *s, struct cf_error *err)
{
	int r = cf_mft_one(m->mft, target->record, take_subject, s, err);
	if (r < 0)
		return -1;
	if (r > 0)
		return cf_fail_nomem(err);
	if (!s->found)
		return cf_fail(err, CF_E_CHANGED, "MFT record %llu has no such stream", (unsigned long long)target->record);
	if (cf_runs_apply(s->old.run, s->old.n, moves, n, &s->now.run, &s->now.n, err) < 0)
		return -1;
	if (look && (check_bits(m, s, moves, n, false, true, err) < 0 || check_bits(m, s, moves, n, false, false, err) < 0))
		return -1;
	return prepare(m, s, err);
}

int cf_mover_fits(struct cf_mover *m, const struct cf_move_target *target, const struct cf_move *moves, size_t n, struct cf_error *err)
{
	struct subject s = { .stream = target->stream };
	int r = begin(m, target, moves, n, false, &s, err);
	subject_free(&s);
	return r;
}

int cf_mover_move(struct cf_mover *m, const struct cf_move_target *target, const struct cf_move *moves, size_t n, struct cf_error *err)
{
	struct subject s = { .stream = target->stream };
	int r = begin(m, target, moves, n, true, &s, err);
	if (r == 1 && carry_out(m, &s, moves, n, target->record, err) < 0)
		r = -1;
	subject_free(&s);
	if (r < 0 && err && err->code != CF_E_CANCELLED)
		cf_fail_prefix(err, "can't move clusters of MFT record %llu", (unsigned long long)target->record);
	return r;
}
