/* ntfs-stat.c - what an MFT record says about its file: sizes, names, extents, and whether its content can be given.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One walk over the attributes of an inode, extension records included; nothing is written and no reparse point is followed.
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

#define MAX_ATTRIBUTES 16384 /* an attribute list of 256 KiB, the most NTFS allows, has no more entries */

#define TAG_WOF 0x80000017u
#define TAG_DEDUP 0x80000013u
#define TAG_SIS 0x80000007u
#define TAG_HSM 0xc0000004u
#define TAG_HSM2 0x80000006u
#define TAG_ONEDRIVE 0x80000021u
#define TAG_CLOUD 0x9000001au /* 0x9000?01a: sixteen variants */
#define TAG_SURROGATE 0x20000000u /* stands for another file: symbolic links, junctions, mount points */

struct stat_walk {
	struct cf_stat *st;
	bool index, encrypted;
	int64_t run_end; /* cluster after the last run seen, -1: none */
	size_t names;
	uint32_t cluster_size;
	uint64_t folder; /* record number of a folder it may have a name in */
	bool in_folder;  /* and it has one */
	bool own_unknown; /* a stream that the file is not about can't be counted */
};

enum cf_unreadable cf_ntfs_tag_meaning(uint32_t tag)
{
	switch (tag) {
	case 0:
		return CF_READABLE;
	case TAG_WOF:
		return CF_UNREADABLE_WOF;
	case TAG_DEDUP:
	case TAG_SIS:
		return CF_UNREADABLE_DEDUP;
	case TAG_HSM:
	case TAG_HSM2:
	case TAG_ONEDRIVE:
		return CF_UNREADABLE_CLOUD;
	default:
		if ((tag & 0xffff0fffu) == TAG_CLOUD)
			return CF_UNREADABLE_CLOUD;
		return tag & TAG_SURROGATE ? CF_UNREADABLE_LINK : CF_READABLE;
	}
}

const char *cf_ntfs_unreadable_text(enum cf_unreadable why)
{
	switch (why) {
	case CF_UNREADABLE_EFS:
		return "it is encrypted with EFS";
	case CF_UNREADABLE_WOF:
		return "it is compressed with CompactOS (WOF)";
	case CF_UNREADABLE_DEDUP:
		return "its content lies in the deduplication store";
	case CF_UNREADABLE_CLOUD:
		return "it is a placeholder for a file in the cloud";
	case CF_UNREADABLE_LINK:
		return "it is a symbolic link or junction";
	case CF_READABLE:
		break;
	}
	return "it is readable";
}

/* Counts the clusters of one piece of a non-resident attribute and, of the one that the file is about, its runs; runs that adjoin are
 * one. */
static int count_runs(struct cf_span a, bool main_stream, struct stat_walk *w)
{
	size_t pos = cf_ld16(a.p + 0x20);
	int64_t lcn, previous = 0;
	uint64_t length, bytes;
	int rc;
	while ((rc = cf_ntfs_next_run(a, &pos, &lcn, &length, &previous)) == 1) { /* pos grows and is bounded by a */
		if (lcn < 0)
			continue;
		if (cf_mul_overflow(length, w->cluster_size, &bytes) ||
		    cf_add_overflow(w->st->own_bytes, bytes, &w->st->own_bytes))
			return -1;
		if (!main_stream)
			continue;
		if (lcn != w->run_end)
			w->st->fragments++;
		if (cf_add_overflow(lcn, length, &w->run_end))
			return -1;
	}
	return rc;
}

static int content(struct cf_span a, struct stat_walk *w)
{
	struct cf_stat *st = w->st;
	uint16_t flags = cf_ld16(a.p + 0xc);
	if (!a.p[8]) { /* resident */
		if (!w->index)
			st->size = cf_ld32(a.p + 0x10);
		return 0;
	}
	if (cf_ld64(a.p + 0x10) == 0) { /* the first piece has the sizes */
		bool packed = flags & 0x80ff && a.n >= 0x48;
		if (!w->index)
			st->size = cf_ld64(a.p + 0x30);
		st->allocated = cf_ld64(a.p + (packed ? 0x40 : 0x28));
		if (st->size > INT64_MAX || st->allocated > INT64_MAX)
			return -1;
	}
	if (!w->index && flags & CF_NTFS_FA_ENCRYPTED)
		w->encrypted = true;
	return 0;
}

/* Value of a resident attribute; {NULL, 0} when it is none or too short. */
static struct cf_span value(struct cf_span a, size_t least)
{
	if (a.n < 0x18 || a.p[8])
		return (struct cf_span){ NULL, 0 };
	struct cf_span v = cf_span_sub(a, cf_ld16(a.p + 0x14), cf_ld32(a.p + 0x10));
	return v.n < least ? (struct cf_span){ NULL, 0 } : v;
}

static bool named_i30(struct cf_span a)
{
	const uint8_t *name = cf_span_at(a, cf_ld16(a.p + 0xa), 8);
	return a.p[9] == 4 && name && memcmp(name, "$\0I\0003\0000\0", 8) == 0;
}

/* The stream that size, allocated and fragments are about. */
static bool is_main(struct cf_span a, const struct stat_walk *w)
{
	uint32_t type = cf_ld32(a.p);
	return w->index ? type == CF_NTFS_AT_INDEX_ALLOCATION && named_i30(a) : type == CF_NTFS_AT_DATA && !a.p[9];
}

static int attribute(struct cf_span a, struct stat_walk *w)
{
	struct cf_stat *st = w->st;
	struct cf_span v;
	bool main_stream = is_main(a, w);
	if (a.p[8] && (a.n < 0x40 || count_runs(a, main_stream, w) < 0)) {
		if (main_stream)
			return -1;
		w->own_unknown = true;
	}
	if (main_stream)
		return content(a, w);
	switch (cf_ld32(a.p)) {
	case CF_NTFS_AT_STD_INFO:
		v = value(a, 0x24);
		if (!v.p)
			return -1;
		st->born = cf_ntfs_unix_time(cf_ld64(v.p));
		st->mtime = cf_ntfs_unix_time(cf_ld64(v.p + 8));
		st->accessed = cf_ntfs_unix_time(cf_ld64(v.p + 0x18));
		st->attributes |= cf_ld32(v.p + 0x20) & CF_NTFS_FA_STORED;
		return 0;
	case CF_NTFS_AT_FILE_NAME:
		v = value(a, 0x42);
		if (!v.p)
			return -1;
		w->names += v.p[0x41] != 2; /* a DOS alias is no link of its own */
		w->in_folder |= CF_NTFS_REF_RECORD(cf_ld64(v.p)) == w->folder;
		return 0;
	case CF_NTFS_AT_REPARSE_POINT: {
		v = value(a, 4);
		/* A non-resident one is rare but legal; its tag is then taken from the index by nobody: say link, the safe word. */
		st->reparse_tag = v.p ? cf_ld32(v.p) : TAG_SURROGATE;
		return 0;
	}
	default:
		return 0;
	}
}

static int walk(struct cf_ntfs *n, ntfs_attr_search_ctx *ctx, struct stat_walk *w, struct cf_error *err, uint64_t number)
{
	for (unsigned budget = MAX_ATTRIBUTES; budget; budget--) {
		errno = 0;
		if (ntfs_attrs_walk(ctx)) {
			if (errno == ENOENT)
				return 0;
			return cf_ntfs_fail(n, err, errno, "can't read MFT record %llu", (unsigned long long)number);
		}
		struct cf_span rec = cf_span_of(ctx->mrec, n->boot.record_size);
		uint64_t off = (uint64_t)((uint8_t *)ctx->attr - rec.p);
		const uint8_t *head = cf_span_at(rec, off, 0x18);
		struct cf_span a = head ? cf_span_sub(rec, off, cf_ld32(head + 4)) : (struct cf_span){ NULL, 0 };
		if (a.n < 0x18 || attribute(a, w) < 0)
			break;
	}
	return cf_fail(err, CF_E_CORRUPT, "MFT record %llu is damaged; run chkdsk", (unsigned long long)number);
}

static int stat_inode(struct cf_ntfs *n, uint64_t ref, struct stat_walk *w, struct cf_error *err)
{
	struct cf_stat *st = w->st;
	uint64_t number = CF_NTFS_REF_RECORD(ref);
	*st = (struct cf_stat){ .id = number };
	errno = 0;
	ntfs_inode *ni = ntfs_inode_open(n->nv, ref);
	if (!ni)
		return cf_ntfs_fail(n, err, errno == ENOENT ? EIO : errno, "can't read MFT record %llu",
				    (unsigned long long)number);
	w->run_end = -1;
	w->cluster_size = n->boot.cluster_size;
	w->index = (cf_ld16(&ni->mrec->flags) & 2) != 0;
	st->kind = w->index ? CF_FILE_DIRECTORY : CF_FILE_REGULAR;
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);
	int rc = ctx ? walk(n, ctx, w, err, number) : cf_fail_nomem(err);
	if (ctx)
		ntfs_attr_put_search_ctx(ctx);
	ntfs_inode_close(ni);
	if (rc < 0)
		return -1;
	if (w->index)
		st->attributes |= CF_NTFS_FA_DIRECTORY;
	if (w->own_unknown)
		st->own_bytes = UINT64_MAX;
	st->links = w->names ? (uint32_t)w->names : 1;
	st->unreadable = cf_ntfs_tag_meaning(st->reparse_tag);
	if (w->encrypted || (!w->index && st->attributes & CF_NTFS_FA_ENCRYPTED))
		st->unreadable = CF_UNREADABLE_EFS;
	return 0;
}

int cf_ntfs_stat_record(struct cf_ntfs *n, uint64_t ref, struct cf_stat *st, struct cf_error *err)
{
	struct stat_walk w = { .st = st };
	return stat_inode(n, ref, &w, err);
}

int cf_ntfs_stat_in(struct cf_ntfs *n, uint64_t ref, uint64_t folder, struct cf_stat *st, bool *in_folder, struct cf_error *err)
{
	struct stat_walk w = { .st = st, .folder = CF_NTFS_REF_RECORD(folder) };
	int rc = stat_inode(n, ref, &w, err);
	*in_folder = w.in_folder;
	return rc;
}
