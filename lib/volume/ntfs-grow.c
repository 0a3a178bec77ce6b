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
#define MAX_CLUSTERS UINT64_C(0xffffffff) /* Windows' limit: 2^32 - 1 */

struct grow {
	struct cf_ntfs *n;
	struct cf_block *slice;
	uint64_t old_clusters, clusters, sectors;
	uint64_t bitmap_bytes; /* of $Bitmap's data, new */
	uint64_t extra_lcn, extra; /* clusters that $Bitmap gains */
};

/* An MFT record and one attribute of it, to be changed. */
struct edited {
	MFT_RECORD *rec;
	ntfs_attr_search_ctx *ctx;
	runlist_element *rl;
};

static void edited_end(struct edited *e)
{
	if (e->ctx)
		ntfs_attr_put_search_ctx(e->ctx);
	free(e->rec);
	free(e->rl);
}

static const char *record_name(unsigned record)
{
	return record == CF_NTFS_REC_BITMAP ? "$Bitmap" : "$BadClus";
}

/* $Bitmap's unnamed data, $BadClus' "$Bad". (libntfs-3g compares names only where it has an open inode.) */
static bool find_data(struct edited *e, bool named)
{
	static const uint8_t bad[8] = { '$', 0, 'B', 0, 'a', 0, 'd' };
	while (ntfs_attr_lookup(AT_DATA, NULL, 0, CASE_SENSITIVE, 0, NULL, 0, e->ctx) == 0) { /* each time a later attribute */
		const ATTR_RECORD *a = e->ctx->attr;
		if (a->name_length == (named ? 4 : 0) &&
		    (!named || (cf_range_ok(cf_ld16(&a->name_offset), sizeof bad, cf_ld32(&a->length)) &&
			      memcmp((const uint8_t *)a + cf_ld16(&a->name_offset), bad, sizeof bad) == 0)))
			return true;
	}
	return false;
}

static int edited_open(struct grow *g, unsigned record, struct edited *e, struct cf_error *err)
{
	errno = 0;
	if (ntfs_file_record_read(g->n->nv, record, &e->rec, NULL))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't read the MFT record of %s", record_name(record));
	if (!(cf_ld16(&e->rec->flags) & 1) || cf_ld32(&e->rec->bytes_allocated) != g->n->boot.record_size)
		return cf_fail(err, CF_E_CORRUPT, "the MFT record of %s is damaged; run chkdsk", record_name(record));
	e->ctx = ntfs_attr_get_search_ctx(NULL, e->rec);
	if (!e->ctx)
		return cf_fail_nomem(err);
	if (!find_data(e, record == REC_BADCLUS))
		return cf_fail(err, CF_E_UNSUPPORTED, "%s is kept in several MFT records, which is not supported; run chkdsk or defragment it",
			       record_name(record));
	const ATTR_RECORD *a = e->ctx->attr;
	if (!a->non_resident || cf_ld64(&a->lowest_vcn) != 0)
		return cf_fail(err, CF_E_UNSUPPORTED, "%s is kept in an unusual way, which is not supported", record_name(record));
	errno = 0;
	e->rl = ntfs_mapping_pairs_decompress(g->n->nv, a, NULL);
	return e->rl ? 0 : cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't read the extents of %s", record_name(record));
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

/* Puts the run list into the attribute and the record on the volume. */
static int edited_write(struct grow *g, unsigned record, struct edited *e, struct cf_error *err)
{
	ntfs_volume *nv = g->n->nv;
	ATTR_RECORD *a = e->ctx->attr;
	unsigned pairs_at = cf_ld16(&a->mapping_pairs_offset);
	errno = 0;
	int size = ntfs_get_size_for_mapping_pairs(nv, e->rl, 0, INT32_MAX);
	if (size <= 0)
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't describe the extents of %s", record_name(record));
	if (ntfs_attr_record_resize(e->rec, a, (pairs_at + (unsigned)size + 7u) & ~7u))
		return cf_fail(err, CF_E_UNSUPPORTED, "there is no room in the MFT record of %s, which is too fragmented", record_name(record));
	if (ntfs_mapping_pairs_build(nv, (u8 *)a + pairs_at, size, e->rl, 0, NULL))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't describe the extents of %s", record_name(record));
	if (ntfs_mft_record_write(nv, record, e->rec))
		return cf_ntfs_fail(g->n, err, errno ? errno : EIO, "can't write the MFT record of %s", record_name(record));
	return 0;
}

static void set_sizes(ATTR_RECORD *a, uint64_t clusters, uint64_t allocated, uint64_t size, uint64_t initialized)
{
	cf_st64(&a->highest_vcn, clusters - 1);
	cf_st64(&a->allocated_size, allocated);
	cf_st64(&a->data_size, size);
	cf_st64(&a->initialized_size, initialized);
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
	ATTR_RECORD *a = e.ctx->attr;
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
	set_sizes(a, have, have * cs, size, size);
	return edited_write(g, CF_NTFS_REC_BITMAP, &e, err);
}

/* ---- $BadClus ---- */

/* $Bad is as long as the volume; everything that is not a bad cluster is a hole. */
static int grow_bad(struct grow *g, struct cf_error *err)
{
	struct edited e CF_CLEANUP(edited_end) = { 0 };
	uint64_t cs = g->n->boot.cluster_size;
	if (edited_open(g, REC_BADCLUS, &e, err) < 0)
		return -1;
	ATTR_RECORD *a = e.ctx->attr;
	uint64_t have = run_clusters(e.rl), allocated = cf_ld64(&a->allocated_size);
	if (have > g->clusters || !have)
		return cf_fail(err, CF_E_CORRUPT, "$BadClus is longer than the volume; run chkdsk");
	if (append_run(&e.rl, LCN_HOLE, g->clusters - have, err) < 0)
		return -1;
	/* Kept in step with the data as it was: some versions round the allocated size of a sparse stream up. */
	uint64_t size = cf_ld64(&a->data_size), more = g->clusters * cs - cf_min_u64(size, g->clusters * cs);
	set_sizes(a, g->clusters, allocated + more, g->clusters * cs, cf_ld64(&a->initialized_size));
	return edited_write(g, REC_BADCLUS, &e, err);
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
