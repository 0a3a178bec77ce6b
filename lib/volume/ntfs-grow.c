/* ntfs-grow.c - an NTFS volume takes the room that its partition has gained.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a larger volume needs, and nothing else: bits for the new clusters in $Bitmap, a longer hole in $BadClus:$Bad, the number of
 * sectors in the boot sector, and its copy in the partition's last sector. No file moves and no free cluster of the old part is
 * taken, so the cost does not depend on how full the volume is, and a full one can grow: when $Bitmap itself needs more clusters
 * they are the first new ones. The order of the writes does not matter, since all of them belong to one transaction.
 *
 * Attributes are edited in the MFT records themselves. libntfs-3g's own functions would take clusters from the $Bitmap that is being
 * rewritten. Layout and arithmetic as in ntfsprogs' ntfsresize; the number of sectors is Windows' (all but the last one).
 */
#include "volume/ntfs-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/runlist.h>
#include <ntfs-3g/mft.h>

#define REC_BADCLUS 8u
#define PIECE (64 * 1024u)
#define PIECES_MAX 4096u                   /* attribute records of one stream: more than the largest attribute list needs */
#define MAX_CLUSTERS UINT64_C(0xffffffff) /* Windows' limit: 2^32 - 1 */

struct grow {
	struct cf_ntfs *n;
	struct cf_block *slice;
	uint64_t old_clusters, clusters, sectors;
	uint64_t bitmap_bytes; /* of $Bitmap's data, new */
	uint64_t extra_lcn, extra; /* clusters that $Bitmap gains */
};

/* An MFT record and one attribute record in it, to be changed. */
struct piece {
	uint64_t record, lowest; /* of the MFT; first cluster of the stream that it describes */
	MFT_RECORD *rec;
	ATTR_RECORD *a;
};

/* A stream: its first piece has the sizes, its last one grows. Both are the same unless there is an attribute list. */
struct edited {
	ntfs_attr_search_ctx *ctx;
	ntfs_inode *ni;          /* to be closed; NULL: the volume's own */
	struct piece first, last; /* last.rec NULL: both pieces lie in one record, first.rec */
	runlist_element *rl;     /* of the whole stream */
};

static void edited_end(struct edited *e)
{
	if (e->ctx)
		ntfs_attr_put_search_ctx(e->ctx);
	if (e->ni)
		ntfs_inode_close(e->ni);
	free(e->first.rec);
	free(e->last.rec);
	free(e->rl);
}

static const char *record_name(unsigned record)
{
	return record == CF_NTFS_REC_BITMAP ? "$Bitmap" : "$BadClus";
}

static ntfschar bad_name[4]; /* "$Bad", in the order of bytes that the volume has */

static ntfschar *stream_name(unsigned record)
{
	static const uint8_t bytes[8] = { '$', 0, 'B', 0, 'a', 0, 'd' };
	memcpy(bad_name, bytes, sizeof bad_name);
	return record == REC_BADCLUS ? bad_name : AT_UNNAMED;
}

/* The attribute record that describes the stream from cluster p->lowest, in the record that has been read. */
static bool find_piece(unsigned record, struct piece *p)
{
	uint32_t used = cf_ld32(&p->rec->bytes_in_use), at = cf_ld16(&p->rec->attrs_offset), name_units = record == REC_BADCLUS ? 4 : 0;
	while (cf_range_ok(at, sizeof(ATTR_RECORD), used)) {
		ATTR_RECORD *a = (ATTR_RECORD *)((uint8_t *)p->rec + at);
		uint32_t length = cf_ld32(&a->length);
		if (length < 24 || length % 8 || !cf_range_ok(at, length, used) || cf_ld32(&a->type) > 0x80)
			return false;
		if (cf_ld32(&a->type) == 0x80 && a->name_length == name_units && a->non_resident && length >= 64 && cf_ld64(&a->lowest_vcn) == p->lowest &&
		    (!name_units || (cf_range_ok(cf_ld16(&a->name_offset), 8, length) &&
				     memcmp((uint8_t *)a + cf_ld16(&a->name_offset), stream_name(record), 8) == 0))) {
			p->a = a;
			return cf_ld16(&a->mapping_pairs_offset) >= 64 && cf_ld16(&a->mapping_pairs_offset) < length;
		}
		at += length;
	}
	return false;
}

static int read_piece(struct grow *g, unsigned record, struct piece *p, struct cf_error *err)
{
	errno = 0;
	if (ntfs_file_record_read(g->n->nv, p->record, &p->rec, NULL))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't read the MFT record of %s", record_name(record));
	uint64_t base = cf_ld64(&p->rec->base_mft_record) & UINT64_C(0xffffffffffff);
	if (!(cf_ld16(&p->rec->flags) & 1) || cf_ld32(&p->rec->bytes_allocated) != g->n->boot.record_size ||
	    cf_ld32(&p->rec->bytes_in_use) > g->n->boot.record_size || (p->record == record ? base != 0 : base != record) || !find_piece(record, p))
		return cf_fail(err, CF_E_CORRUPT, "the MFT record of %s is damaged; run chkdsk", record_name(record));
	return 0;
}

/* Follows the attribute list, if there is one: the extents of the whole stream, and where its first and its last piece lie. */
static int find_pieces(struct grow *g, unsigned record, struct edited *e, struct cf_error *err)
{
	ntfschar *name = stream_name(record);
	uint64_t next = 0;
	for (unsigned n = 0; n < PIECES_MAX; n++) {
		ntfs_attr_reinit_search_ctx(e->ctx);
		errno = 0;
		int rc = ntfs_attr_lookup(AT_DATA, name, record == REC_BADCLUS ? 4 : 0, CASE_SENSITIVE, (VCN)next, NULL, 0, e->ctx);
		if (rc && (errno != ENOENT || !n))
			return cf_fail(err, CF_E_CORRUPT, "the data of %s can't be found; run chkdsk", record_name(record));
		const ATTR_RECORD *a = e->ctx->attr;
		if (rc || !a->non_resident || cf_ld64(&a->lowest_vcn) != next)
			return n ? 0 : cf_fail(err, CF_E_UNSUPPORTED, "%s is kept in an unusual way, which is not supported", record_name(record));
		errno = 0;
		runlist_element *rl = ntfs_mapping_pairs_decompress(g->n->nv, a, e->rl);
		if (!rl)
			return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't read the extents of %s", record_name(record));
		e->rl = rl;
		struct piece *p = n ? &e->last : &e->first;
		*p = (struct piece){ .record = e->ctx->ntfs_ino->mft_no, .lowest = next };
		if (!n)
			e->last = *p;
		if (cf_ld64(&a->highest_vcn) < next || cf_ld64(&a->highest_vcn) >= INT64_MAX)
			return cf_fail(err, CF_E_CORRUPT, "the extents of %s are damaged; run chkdsk", record_name(record));
		next = cf_ld64(&a->highest_vcn) + 1;
	}
	return cf_fail(err, CF_E_UNSUPPORTED, "%s is kept in more than %u MFT records", record_name(record), PIECES_MAX);
}

static int edited_open(struct grow *g, unsigned record, struct edited *e, struct cf_error *err)
{
	ntfs_volume *nv = g->n->nv;
	errno = 0;
	if (record != CF_NTFS_REC_BITMAP && !(e->ni = ntfs_inode_open(nv, record)))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't read the MFT record of %s", record_name(record));
	e->ctx = ntfs_attr_get_search_ctx(e->ni ? e->ni : nv->lcnbmp_ni, NULL);
	if (!e->ctx)
		return cf_fail_nomem(err);
	if (find_pieces(g, record, e, err) < 0 || read_piece(g, record, &e->first, err) < 0)
		return -1;
	if (e->last.record != e->first.record)
		return read_piece(g, record, &e->last, err);
	struct piece same = { .record = e->last.record, .lowest = e->last.lowest, .rec = e->first.rec };
	if (!find_piece(record, &same))
		return cf_fail(err, CF_E_CORRUPT, "the MFT record of %s is damaged; run chkdsk", record_name(record));
	e->last.a = same.a;
	return 0;
}

/* Appends a run (lcn LCN_HOLE: a hole) to a list, joining it with the last one where that goes on. */
static int append_run(runlist_element **list, LCN lcn, uint64_t length, struct cf_error *err)
{
	size_t n = 0;
	if (!length)
		return 0;
	while ((*list)[n].length)
		n++;
	runlist_element *r = *list;
	if (n && ((lcn < 0 && r[n - 1].lcn < 0) || (lcn >= 0 && r[n - 1].lcn >= 0 && r[n - 1].lcn + r[n - 1].length == lcn))) {
		r[n - 1].length += (s64)length;
		r[n].vcn += (s64)length;
		return 0;
	}
	r = realloc(*list, (n + 2) * sizeof *r);
	if (!r)
		return cf_fail_nomem(err);
	*list = r;
	r[n + 1] = (runlist_element){ .vcn = r[n].vcn + (s64)length, .lcn = LCN_ENOENT };
	r[n] = (runlist_element){ .vcn = r[n].vcn, .lcn = lcn, .length = (s64)length };
	return 0;
}

/* Puts the run list's end into the last piece, the sizes into the first one, and the records on the volume. */
static int edited_write(struct grow *g, unsigned record, struct edited *e, uint64_t clusters, uint64_t allocated, uint64_t size,
			uint64_t initialized, struct cf_error *err)
{
	ntfs_volume *nv = g->n->nv;
	ATTR_RECORD *a = e->last.a;
	MFT_RECORD *rec = e->last.rec ? e->last.rec : e->first.rec;
	unsigned pairs_at = cf_ld16(&a->mapping_pairs_offset);
	/* Before anything in the record moves. */
	cf_st64(&e->first.a->allocated_size, allocated);
	cf_st64(&e->first.a->data_size, size);
	cf_st64(&e->first.a->initialized_size, initialized);
	cf_st64(&a->highest_vcn, clusters - 1);
	errno = 0;
	int n = ntfs_get_size_for_mapping_pairs(nv, e->rl, (VCN)e->last.lowest, INT32_MAX);
	if (n <= 0)
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't describe the extents of %s", record_name(record));
	if (ntfs_attr_record_resize(rec, a, (pairs_at + (unsigned)n + 7u) & ~7u))
		return cf_fail(err, CF_E_UNSUPPORTED, "there is no room in the MFT record of %s, which is too fragmented", record_name(record));
	if (ntfs_mapping_pairs_build(nv, (u8 *)a + pairs_at, n, e->rl, (VCN)e->last.lowest, NULL))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't describe the extents of %s", record_name(record));
	if (ntfs_mft_record_write(nv, e->first.record, e->first.rec) ||
	    (e->last.rec && ntfs_mft_record_write(nv, e->last.record, e->last.rec)))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't write the MFT record of %s", record_name(record));
	return 0;
}

static uint64_t run_clusters(const runlist_element *r)
{
	uint64_t n = 0;
	for (; r->length; r++)
		n += (uint64_t)r->length;
	return n;
}

/* ---- $Bitmap ---- */

/* Where on the volume byte `at` of the stream lies, and how many bytes follow it there; false outside of its clusters. */
static bool place_of(const struct grow *g, const runlist_element *r, uint64_t at, uint64_t *off, uint64_t *len)
{
	uint64_t cs = g->n->boot.cluster_size, start = 0;
	for (; r->length; r++) {
		uint64_t bytes = (uint64_t)r->length * cs;
		if (at - start < bytes) {
			*off = (uint64_t)r->lcn * cs + (at - start);
			*len = bytes - (at - start);
			return r->lcn >= 0;
		}
		start += bytes;
	}
	return false;
}

/* What byte `at` of the bitmap becomes: old is what it was. */
static uint8_t bitmap_byte(const struct grow *g, uint64_t at, uint8_t old)
{
	uint8_t v = 0;
	if (at * 8 >= g->clusters)
		return 0xff;
	bool plain = at * 8 >= g->old_clusters && at * 8 + 8 <= g->clusters &&
		     (at * 8 + 8 <= g->extra_lcn || at * 8 >= g->extra_lcn + g->extra);
	for (unsigned i = 0; i < 8 && !plain; i++) {
		uint64_t bit = at * 8 + i;
		bool set = bit < g->old_clusters ? old >> i & 1 : bit >= g->clusters || bit - g->extra_lcn < g->extra;
		v |= (uint8_t)(set << i);
	}
	return v;
}

/* Only what differs is written: zeros that are there already cost neither memory nor undo. */
static int write_piece(struct grow *g, uint64_t at, uint64_t off, size_t len, uint8_t *buf, struct cf_error *err)
{
	uint8_t *old = buf, *new = buf + PIECE;
	if (cf_block_read(g->slice, off, old, len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		new[i] = bitmap_byte(g, at + i, old[i]);
	for (size_t i = 0; i < len; i += 4096) {
		size_t k = cf_min_u64(4096, len - i);
		if (memcmp(old + i, new + i, k) != 0 && cf_block_write(g->slice, off + i, new + i, k, err) < 0)
			return -1;
	}
	return 0;
}

static int write_bits(struct grow *g, const runlist_element *rl, struct cf_error *err)
{
	CF_FREE uint8_t *buf = malloc(2 * PIECE);
	if (!buf)
		return cf_fail_nomem(err);
	for (uint64_t at = g->old_clusters / 8; at < g->bitmap_bytes;) {
		uint64_t off, len;
		if (!place_of(g, rl, at, &off, &len))
			return cf_fail(err, CF_E_CORRUPT, "$Bitmap has a hole; run chkdsk");
		len = cf_min_u64(cf_min_u64(len, PIECE), g->bitmap_bytes - at);
		if (write_piece(g, at, off, (size_t)len, buf, err) < 0)
			return -1;
		at += len;
	}
	return 0;
}

static int grow_bitmap(struct grow *g, uint64_t fresh, struct cf_error *err)
{
	struct edited e CF_CLEANUP(edited_end) = { 0 };
	uint64_t cs = g->n->boot.cluster_size;
	if (edited_open(g, CF_NTFS_REC_BITMAP, &e, err) < 0)
		return -1;
	const ATTR_RECORD *a = e.first.a;
	uint64_t have = run_clusters(e.rl), need = (g->bitmap_bytes + cs - 1) / cs;
	if (cf_ld64(&a->data_size) < (g->old_clusters + 7) / 8 || cf_ld64(&a->initialized_size) < (g->old_clusters + 7) / 8 ||
	    cf_ld16(&a->flags) || have * cs < cf_ld64(&a->data_size))
		return cf_fail(err, CF_E_CORRUPT, "$Bitmap is too short for the volume; run chkdsk");
	for (const runlist_element *r = e.rl; r->length; r++)
		if (r->lcn < 0 || !cf_range_ok((uint64_t)r->lcn, (uint64_t)r->length, g->old_clusters))
			return cf_fail(err, CF_E_CORRUPT, "$Bitmap has an extent outside of the volume; run chkdsk");
	if (need > have) {
		g->extra = need - have;
		/* Right behind the old end, unless that place holds old bytes and there is one that has never been written. */
		g->extra_lcn = g->old_clusters;
		uint64_t first = (fresh + cs - 1) / cs;
		if (first > g->extra_lcn && cf_range_ok(first, g->extra, g->clusters))
			g->extra_lcn = first;
		if (!cf_range_ok(g->extra_lcn, g->extra, g->clusters))
			return cf_fail(err, CF_E_NO_SPACE, "the volume gains too little room for its own $Bitmap");
		if (append_run(&e.rl, (LCN)g->extra_lcn, g->extra, err) < 0)
			return -1;
		have = need;
	}
	if (write_bits(g, e.rl, err) < 0)
		return -1;
	uint64_t size = cf_max_u64(g->bitmap_bytes, cf_ld64(&a->data_size));
	return edited_write(g, CF_NTFS_REC_BITMAP, &e, have, have * cs, size, size, err);
}

/* ---- $BadClus ---- */

/* $Bad is as long as the volume; everything that is not a bad cluster is a hole. */
static int grow_bad(struct grow *g, struct cf_error *err)
{
	struct edited e CF_CLEANUP(edited_end) = { 0 };
	uint64_t cs = g->n->boot.cluster_size;
	if (edited_open(g, REC_BADCLUS, &e, err) < 0)
		return -1;
	const ATTR_RECORD *a = e.first.a;
	uint64_t have = run_clusters(e.rl), allocated = cf_ld64(&a->allocated_size);
	if (have > g->clusters || !have)
		return cf_fail(err, CF_E_CORRUPT, "$BadClus is longer than the volume; run chkdsk");
	if (append_run(&e.rl, LCN_HOLE, g->clusters - have, err) < 0)
		return -1;
	/* Kept in step with the data as it was: some versions round the allocated size of a sparse stream up. */
	uint64_t size = cf_ld64(&a->data_size), more = g->clusters * cs - cf_min_u64(size, g->clusters * cs);
	return edited_write(g, REC_BADCLUS, &e, g->clusters, allocated + more, g->clusters * cs, cf_ld64(&a->initialized_size), err);
}

/* ---- boot sector ---- */

static int write_boot(struct grow *g, struct cf_error *err)
{
	uint32_t ss = g->n->boot.sector_size;
	uint8_t sector[4096];
	if (cf_block_read(g->slice, 0, sector, ss, err) < 0)
		return -1;
	cf_st64(sector + 0x28, g->sectors);
	if (cf_block_write(g->slice, 0, sector, ss, err) < 0)
		return -1;
	return cf_block_write(g->slice, g->sectors * ss, sector, ss, err);
}

/* ---- the whole ---- */

static int prepare(struct grow *g, struct cf_error *err)
{
	const struct cf_ntfs_boot *b = &g->n->boot;
	uint64_t per_cluster = b->cluster_size / b->sector_size;
	g->sectors = g->slice->size / b->sector_size - 1;
	g->old_clusters = b->clusters;
	g->clusters = g->sectors / per_cluster;
	if (g->clusters < g->old_clusters)
		return cf_fail(err, CF_E_REFUSED, "the volume would have to shrink, which is never done");
	if (g->clusters > MAX_CLUSTERS)
		return cf_fail(err, CF_E_REFUSED, "with clusters of %u bytes an NTFS volume can have at most %llu GiB", b->cluster_size,
			       (unsigned long long)(MAX_CLUSTERS * b->cluster_size / CF_GIB));
	g->bitmap_bytes = ((g->clusters + 7) / 8 + 7) & ~UINT64_C(7);
	return 0;
}

/* The folder's own record of $Bitmap's sizes, as Windows keeps it, from a fresh look at the volume. */
static int update_names(struct cf_block *slice, struct cf_error *err)
{
	struct cf_volume *v = cf_volume_open(slice, CF_FS_NTFS, CF_VOL_WRITE, err);
	if (!v)
		return cf_fail_prefix(err, "the grown volume can't be opened");
	struct cf_ntfs *n = cf_ntfs_of(v);
	ntfs_inode *ni = n->nv->lcnbmp_ni;
	NInoFileNameSetDirty(ni);
	errno = 0;
	int rc = ntfs_inode_sync(ni) ? cf_ntfs_fail(n, err, errno ? errno : EIO, "can't update the name of $Bitmap") : 0;
	return cf_volume_close(v, rc < 0 ? NULL : err) < 0 ? -1 : rc;
}

int cf_ntfs_grow(struct cf_block *slice, uint64_t fresh, int flags, struct cf_ntfs_grown *out, struct cf_error *err)
{
	struct cf_volume *v = cf_volume_open(slice, CF_FS_NTFS, flags | CF_VOL_WRITE, err);
	if (!v)
		return -1;
	struct grow g = { .n = cf_ntfs_of(v), .slice = slice };
	int rc = prepare(&g, err);
	*out = (struct cf_ntfs_grown){ .cluster_size = g.n->boot.cluster_size, .old_clusters = g.old_clusters, .clusters = g.clusters };
	bool same = rc == 0 && g.sectors == g.n->boot.sectors;
	if (rc == 0 && !same && (grow_bitmap(&g, fresh, err) < 0 || grow_bad(&g, err) < 0 || write_boot(&g, err) < 0))
		rc = -1;
	out->bitmap_clusters = g.extra;
	if (cf_volume_close(v, rc < 0 ? NULL : err) < 0)
		rc = -1;
	return rc == 0 && !same ? update_names(slice, err) : rc;
}
