/* mft-build.c - one file put together from its MFT records: attributes to streams, mapping pairs to runs.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No input or output. Every loop is over attributes or runs that lie inside a record, and moves forwards in it; a file's runs have a
 * limit of their own. What contradicts itself marks the stream and the file as damaged, and what was sure until there is kept.
 */
#include <stdlib.h>

#include "volume/mft-internal.h"

#define RUNS_MAX ((size_t)4 << 20) /* of one file; with records of 1 KiB a full attribute list has room for less than half */
#define NONRESIDENT_HEADER 0x40u

bool cf_mft_grow(void **array, size_t *max, size_t size)
{
	size_t n = *max ? *max * 2 : 16, bytes;
	if (cf_mul_overflow(n, size, &bytes))
		return false;
	void *p = realloc(*array, bytes);
	if (!p)
		return false;
	*array = p;
	*max = n;
	return true;
}

bool cf_mft_header(struct cf_span record, struct cf_span *used)
{
	if (record.n < 0x30)
		return false;
	uint32_t n = cf_ld32(record.p + 0x18), first = cf_ld16(record.p + 0x14);
	if (n > record.n || first < 0x28 || first & 7 || n < first + 4)
		return false;
	*used = cf_span_sub(record, 0, n);
	return true;
}

/* Value of a resident attribute; {NULL, 0} when it is none or too short. */
static struct cf_span value_of(struct cf_span a, size_t least)
{
	if (a.p[8])
		return (struct cf_span){ NULL, 0 };
	struct cf_span v = cf_span_sub(a, cf_ld16(a.p + 0x14), cf_ld32(a.p + 0x10));
	return v.n < least ? (struct cf_span){ NULL, 0 } : v;
}

static void standard_information(struct cf_mft_build *b, struct cf_span a)
{
	struct cf_span v = value_of(a, 0x24);
	if (!v.p) {
		b->file.damaged = true;
		return;
	}
	b->file.created = cf_ld64(v.p);
	b->file.modified = cf_ld64(v.p + 8);
	b->file.changed = cf_ld64(v.p + 0x10);
	b->file.accessed = cf_ld64(v.p + 0x18);
	b->file.attributes |= cf_ld32(v.p + 0x20) & CF_NTFS_FA_STORED;
}

static int file_name(struct cf_mft_build *b, struct cf_span a)
{
	struct cf_span v = value_of(a, 0x42);
	struct cf_span name = v.p ? cf_span_sub(v, 0x42, v.p[0x40] * 2u) : v;
	if (!name.p || v.p[0x41] > 3) {
		b->file.damaged = true;
		return 0;
	}
	if (!CF_MFT_ROOM(b->names, b->n_names, b->max_names))
		return -1;
	b->names[b->n_names++] = (struct cf_mft_name){ .parent = cf_ld64(v.p), .name = name, .space = v.p[0x41] };
	b->file.hard_links += v.p[0x41] != 2;
	return 0;
}

static int compare(const struct cf_mft_piece *x, const struct cf_mft_piece *y)
{
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int c = n ? memcmp(x->name.p, y->name.p, n) : 0;
	if (c || x->name.n != y->name.n)
		return c ? c : x->name.n < y->name.n ? -1 : 1;
	return x->lowest < y->lowest ? -1 : x->lowest > y->lowest;
}

static int compare_pieces(const void *a, const void *b)
{
	return compare(a, b);
}

static int add_piece(struct cf_mft_build *b, uint32_t type, struct cf_span a)
{
	if (!CF_MFT_ROOM(b->pieces, b->n_pieces, b->max_pieces))
		return -1;
	struct cf_mft_piece *p = &b->pieces[b->n_pieces];
	*p = (struct cf_mft_piece){ .type = type, .attr = a };
	if (a.p[9])
		p->name = cf_span_sub(a, cf_ld16(a.p + 0xa), a.p[9] * 2u);
	if ((a.p[9] && !p->name.p) || (a.p[8] && a.n < NONRESIDENT_HEADER)) {
		b->file.damaged = true;
		return 0;
	}
	if (a.p[8])
		p->lowest = cf_ld64(a.p + 0x10);
	if (b->n_pieces && b->sorted && compare(p - 1, p) > 0)
		b->sorted = false;
	b->n_pieces++;
	return 0;
}

static int add_attributes(struct cf_mft_build *b, struct cf_span rec, bool base)
{
	for (uint64_t off = cf_ld16(rec.p + 0x14);;) { /* grows by at least 0x18 each time and is bounded by the record */
		const uint8_t *head = cf_span_at(rec, off, 4);
		uint32_t type = head ? cf_ld32(head) : 0;
		if (type == UINT32_MAX)
			return 0;
		head = head ? cf_span_at(rec, off, 0x18) : NULL;
		uint32_t len = head ? cf_ld32(head + 4) : 0;
		struct cf_span a = len < 0x18 || len & 7 ? (struct cf_span){ NULL, 0 } : cf_span_sub(rec, off, len);
		if (!a.p || !type) {
			b->file.damaged = true;
			return 0;
		}
		off += len;
		b->n_attributes++;
		if (type == CF_NTFS_AT_STD_INFO && base) {
			standard_information(b, a);
		} else if (type == CF_NTFS_AT_FILE_NAME) {
			if (file_name(b, a) < 0)
				return -1;
		} else if (add_piece(b, type, a) < 0) {
			return -1;
		}
		if (type == CF_NTFS_AT_LIST && base && !b->list.p)
			b->list = a;
	}
}

int cf_mft_build_begin(struct cf_mft_build *b, uint64_t number, struct cf_span rec)
{
	b->n_pieces = b->n_names = b->n_streams = b->n_runs = b->n_extensions = b->n_attributes = 0;
	b->sorted = true;
	b->list = (struct cf_span){ NULL, 0 };
	b->file = (struct cf_mft_file){ .record = number,
					.sequence = cf_ld16(rec.p + 0x10),
					.link_count = cf_ld16(rec.p + 0x12),
					.directory = cf_ld16(rec.p + 0x16) & 2 };
	return add_attributes(b, rec, true);
}

int cf_mft_build_extension(struct cf_mft_build *b, uint64_t number, struct cf_span rec)
{
	if (!CF_MFT_ROOM(b->extensions, b->n_extensions, b->max_extensions))
		return -1;
	b->extensions[b->n_extensions++] = number;
	return add_attributes(b, rec, false);
}

/* One run more of stream s. 1: taken, 0: contradicts what is there or the volume, -1: out of memory. */
static int add_run(struct cf_mft_build *b, struct cf_mft_stream *s, uint64_t vcn, int64_t lcn, uint64_t count)
{
	uint64_t at = lcn < 0 ? CF_MFT_HOLE : (uint64_t)lcn;
	if (count > (uint64_t)INT64_MAX / b->cluster_size - vcn || (lcn >= 0 && !cf_range_ok(at, count, b->clusters)))
		return 0;
	struct cf_mft_run *last = s->run_count ? &b->runs[b->n_runs - 1] : NULL;
	if (last && last->vcn + last->count == vcn &&
	    (lcn < 0 ? last->lcn == CF_MFT_HOLE : last->lcn != CF_MFT_HOLE && last->lcn + last->count == at)) {
		last->count += count;
		return 1;
	}
	if (b->n_runs >= RUNS_MAX)
		return 0;
	if (!CF_MFT_ROOM(b->runs, b->n_runs, b->max_runs))
		return -1;
	b->runs[b->n_runs++] = (struct cf_mft_run){ .vcn = vcn, .lcn = at, .count = count };
	s->run_count++;
	return 1;
}

/* The runs of one piece. *next is the VCN behind the last one taken; *end the LCN there, for counting extents. */
static int add_runs(struct cf_mft_build *b, struct cf_mft_stream *s, const struct cf_mft_piece *p, uint64_t *next, uint64_t *end)
{
	uint64_t highest = cf_ld64(p->attr.p + 0x18), vcn = p->lowest, length;
	int64_t lcn, previous = 0;
	size_t pos = cf_ld16(p->attr.p + 0x20);
	int rc;
	/* A piece that overlaps the one before is left out: which of them is true nobody can say. */
	if (p->lowest != *next)
		s->damaged = true;
	if (p->lowest < *next || p->lowest > (uint64_t)INT64_MAX / b->cluster_size || pos < NONRESIDENT_HEADER) {
		s->damaged = true;
		return 0;
	}
	while ((rc = cf_ntfs_next_run(p->attr, &pos, &lcn, &length, &previous)) == 1) { /* pos grows, bounded by attr */
		int taken = add_run(b, s, vcn, lcn, length);
		if (taken <= 0) {
			s->damaged = true;
			*next = vcn;
			return taken;
		}
		vcn += length;
		if (lcn < 0)
			continue;
		s->allocated += length * b->cluster_size; /* clusters * cluster_size of a volume was checked; see below */
		if ((uint64_t)lcn != *end)
			s->extents++;
		*end = (uint64_t)lcn + length;
	}
	if (rc < 0 || vcn != highest + 1)
		s->damaged = true;
	*next = vcn;
	return 0;
}

/* Sizes of a non-resident attribute's first piece. */
static void sizes(struct cf_mft_stream *s, struct cf_span a)
{
	uint64_t allocated = cf_ld64(a.p + 0x28);
	s->size = cf_ld64(a.p + 0x30);
	s->initialized = cf_ld64(a.p + 0x38);
	s->unit = a.p[0x22];
	if (allocated > INT64_MAX || s->size > allocated || s->initialized > s->size || a.p[0x23] || s->unit > 20) {
		s->damaged = true;
		s->size = cf_min_u64(s->size, INT64_MAX);
		s->initialized = cf_min_u64(s->initialized, s->size);
		s->unit = s->unit > 20 ? 0 : s->unit;
	}
}

/* The pieces [first, last) are one stream. */
static int add_stream(struct cf_mft_build *b, size_t first, size_t last)
{
	if (!CF_MFT_ROOM(b->streams, b->n_streams, b->max_streams))
		return -1;
	struct cf_mft_stream *s = &b->streams[b->n_streams++];
	const struct cf_mft_piece *p = &b->pieces[first];
	*s = (struct cf_mft_stream){ .type = p->type,
				     .name = p->name,
				     .flags = cf_ld16(p->attr.p + 0xc),
				     .resident = !p->attr.p[8],
				     .pieces = (uint16_t)cf_min_u64(last - first, UINT16_MAX) };
	if (s->resident) {
		s->value = cf_span_sub(p->attr, cf_ld16(p->attr.p + 0x14), cf_ld32(p->attr.p + 0x10));
		s->size = s->initialized = s->value.n;
		s->damaged = !s->value.p || last - first > 1;
		return 0;
	}
	if (p->lowest)
		s->damaged = true;
	else
		sizes(s, p->attr);
	uint64_t next = 0, end = UINT64_MAX;
	for (size_t i = first; i < last; i++) {
		if (!b->pieces[i].attr.p[8])
			s->damaged = true;
		else if (add_runs(b, s, &b->pieces[i], &next, &end) < 0)
			return -1;
	}
	if (s->size > next * b->cluster_size) /* next * cluster_size <= INT64_MAX: add_run() saw to it */
		s->damaged = true;
	return 0;
}

static bool same_stream(const struct cf_mft_piece *x, const struct cf_mft_piece *y)
{
	return x->type == y->type && x->name.n == y->name.n && (!x->name.n || memcmp(x->name.p, y->name.p, x->name.n) == 0);
}

/* Pointers that were not known while the arrays grew, and sums over all streams. */
static void complete(struct cf_mft_build *b)
{
	struct cf_mft_file *f = &b->file;
	size_t at = 0;
	for (size_t i = 0; i < b->n_streams; i++) {
		struct cf_mft_stream *s = &b->streams[i];
		s->runs = s->run_count ? &b->runs[at] : NULL;
		at += s->run_count;
		if (cf_add_overflow(f->allocated, s->allocated, &f->allocated))
			f->allocated = UINT64_MAX; /* only when clusters belong to it many times over */
		f->damaged |= s->damaged;
		if (s->type == CF_NTFS_AT_DATA && !s->name.n)
			f->size = s->size;
		if (s->type == CF_NTFS_AT_REPARSE_POINT)
			f->reparse_tag = s->value.n >= 4 ? cf_ld32(s->value.p) : UINT32_MAX;
	}
	if (f->directory)
		f->attributes |= CF_NTFS_FA_DIRECTORY;
	f->names = b->names;
	f->name_count = b->n_names;
	f->streams = b->streams;
	f->stream_count = b->n_streams;
	f->extensions = b->extensions;
	f->extension_count = b->n_extensions;
}

int cf_mft_build_finish(struct cf_mft_build *b)
{
	if (!b->sorted)
		qsort(b->pieces, b->n_pieces, sizeof *b->pieces, compare_pieces);
	for (size_t i = 0, j; i < b->n_pieces; i = j) {
		/* A resident attribute is never in pieces: a second one of its name is a stream of its own, and a contradiction. */
		if (i && same_stream(&b->pieces[i - 1], &b->pieces[i]))
			b->file.damaged = true;
		for (j = i + 1; j < b->n_pieces && b->pieces[i].attr.p[8] && same_stream(&b->pieces[i], &b->pieces[j]); j++)
			;
		if (add_stream(b, i, j) < 0)
			return -1;
	}
	complete(b);
	return 0;
}

void cf_mft_build_free(struct cf_mft_build *b)
{
	free(b->pieces);
	free(b->names);
	free(b->streams);
	free(b->runs);
	free(b->extensions);
	*b = (struct cf_mft_build){ 0 };
}

const struct cf_mft_stream *cf_mft_stream(const struct cf_mft_file *file, uint32_t type, const char *name)
{
	size_t units = name ? strlen(name) : 0;
	for (size_t i = 0; i < file->stream_count; i++) {
		const struct cf_mft_stream *s = &file->streams[i];
		if (s->type != type || s->name.n != units * 2)
			continue;
		size_t k = 0;
		while (k < units && cf_ld16(s->name.p + 2 * k) == (uint8_t)name[k])
			k++;
		if (k == units)
			return s;
	}
	return NULL;
}

int64_t cf_mft_unix_time(uint64_t filetime)
{
	return cf_ntfs_unix_time(filetime);
}
