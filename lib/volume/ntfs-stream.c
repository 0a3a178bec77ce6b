/* ntfs-stream.c - an NTFS attribute as a stream of bytes: reading, sizes, extents.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A stream owns its inode and its attribute and only reads. libntfs-3g decompresses LZNT1, fills holes and everything beyond the
 * initialized size with zeros. Streams of one record do not see what another one's owner writes: whoever writes opens anew.
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

#define MAX_READ (16 * CF_MIB) /* per call into the library */

struct cf_ntfs_stream {
	struct cf_ntfs *n;
	ntfs_inode *ni;
	ntfs_attr *na;
};

struct cf_ntfs_stream *cf_ntfs_stream_open(struct cf_ntfs *n, uint64_t ref, uint32_t type, const char *name,
					   struct cf_error *err)
{
	struct cf_ntfs_stream *s = calloc(1, sizeof *s);
	if (!s) {
		cf_fail_nomem(err);
		return NULL;
	}
	s->n = n;
	unsigned long long number = CF_NTFS_REF_RECORD(ref);
	errno = 0;
	s->ni = ntfs_inode_open(n->nv, ref);
	if (!s->ni) {
		cf_ntfs_fail(n, err, errno == ENOENT ? EIO : errno, "can't read MFT record %llu", number);
		free(s);
		return NULL;
	}
	ntfschar wide[16];
	u32 len = 0;
	for (; name && name[len] && len < CF_ARRAY_LEN(wide); len++)
		cf_st16(&wide[len], (uint16_t)name[len]);
	s->na = ntfs_attr_open(s->ni, (ATTR_TYPES)cpu_to_le32(type), name ? wide : AT_UNNAMED, len);
	if (!s->na) {
		int e = errno;
		if (e == ENOENT)
			cf_fail(err, CF_E_NOT_FOUND, "MFT record %llu has no attribute of type 0x%x", number, type);
		else
			cf_ntfs_fail(n, err, e, "can't open attribute 0x%x of MFT record %llu", type, number);
		cf_ntfs_stream_close(s);
		return NULL;
	}
	if (s->na->data_size < 0 || s->na->initialized_size < 0 || s->na->initialized_size > s->na->data_size) {
		cf_fail(err, CF_E_CORRUPT, "the sizes of attribute 0x%x of MFT record %llu contradict each other", type, number);
		cf_ntfs_stream_close(s);
		return NULL;
	}
	return s;
}

uint64_t cf_ntfs_stream_size(const struct cf_ntfs_stream *s)
{
	return (uint64_t)s->na->data_size;
}

uint64_t cf_ntfs_stream_initialized(const struct cf_ntfs_stream *s)
{
	return (uint64_t)s->na->initialized_size;
}

int cf_ntfs_stream_read(struct cf_ntfs_stream *s, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	uint64_t size = cf_ntfs_stream_size(s);
	*got = 0;
	if (off >= size)
		return 0;
	len = (size_t)cf_min_u64(len, size - off);
	while (*got < len) {
		s64 want = (s64)cf_min_u64(len - *got, MAX_READ);
		errno = 0;
		s64 n = ntfs_attr_pread(s->na, (s64)(off + *got), want, (uint8_t *)buf + *got);
		if (n <= 0 || n > want)
			return cf_ntfs_fail(s->n, err, errno ? errno : EIO, "can't read MFT record %llu at byte %llu",
					    (unsigned long long)s->ni->mft_no, (unsigned long long)(off + *got));
		*got += (size_t)n;
	}
	return 0;
}

int cf_ntfs_stream_read_all(struct cf_ntfs_stream *s, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	size_t got;
	if (cf_ntfs_stream_read(s, off, buf, len, &got, err) < 0)
		return -1;
	if (got != len)
		return cf_fail(err, CF_E_CORRUPT, "MFT record %llu is too short: %zu bytes of %zu at byte %llu",
			       (unsigned long long)s->ni->mft_no, got, len, (unsigned long long)off);
	return 0;
}

/* Where a resident value lies on the volume. */
static int resident_place(struct cf_ntfs_stream *s, uint64_t *place, struct cf_error *err)
{
	struct cf_ntfs *n = s->n;
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(s->ni, NULL);
	if (!ctx)
		return cf_fail_nomem(err);
	if (ntfs_attr_lookup(s->na->type, s->na->name, s->na->name_len, CASE_SENSITIVE, 0, NULL, 0, ctx)) {
		int e = errno;
		ntfs_attr_put_search_ctx(ctx);
		return cf_ntfs_fail(n, err, e, "can't find an attribute of MFT record %llu", (unsigned long long)s->ni->mft_no);
	}
	uint64_t inside = (uint64_t)((uint8_t *)ctx->attr - (uint8_t *)ctx->mrec) + cf_ld16(&ctx->attr->value_offset);
	uint64_t in_mft = ctx->ntfs_ino->mft_no * n->boot.record_size;
	ntfs_attr_put_search_ctx(ctx);
	LCN lcn = ntfs_attr_vcn_to_lcn(n->nv->mft_na, (VCN)(in_mft / n->boot.cluster_size));
	if (lcn < 0)
		return cf_fail(err, CF_E_CORRUPT, "MFT record %llu lies nowhere", (unsigned long long)s->ni->mft_no);
	*place = (uint64_t)lcn * n->boot.cluster_size + in_mft % n->boot.cluster_size + inside;
	return 0;
}

int cf_ntfs_stream_extents(struct cf_ntfs_stream *s, int (*fn)(void *, uint64_t, uint64_t, uint64_t), void *user,
			   struct cf_error *err)
{
	const struct cf_ntfs_boot *b = &s->n->boot;
	if (!NAttrNonResident(s->na)) {
		uint64_t place = 0;
		if (!s->na->data_size)
			return 0;
		if (resident_place(s, &place, err) < 0)
			return -1;
		return fn(user, 0, place, (uint64_t)s->na->data_size);
	}
	errno = 0;
	if (ntfs_attr_map_whole_runlist(s->na))
		return cf_ntfs_fail(s->n, err, errno, "can't read the extents of MFT record %llu",
				    (unsigned long long)s->ni->mft_no);
	for (const runlist_element *r = s->na->rl; r && r->length; r++) { /* ends: the library built the list with an end mark */
		uint64_t at = UINT64_MAX;
		if (r->lcn >= 0) {
			if (!cf_range_ok((uint64_t)r->lcn, (uint64_t)r->length, b->clusters))
				return cf_fail(err, CF_E_CORRUPT, "an extent of MFT record %llu lies outside the volume",
					       (unsigned long long)s->ni->mft_no);
			at = (uint64_t)r->lcn * b->cluster_size;
		} else if (r->lcn != LCN_HOLE) {
			break;
		}
		int rc = fn(user, (uint64_t)r->vcn * b->cluster_size, at, (uint64_t)r->length * b->cluster_size);
		if (rc)
			return rc;
	}
	return 0;
}

void cf_ntfs_stream_close(struct cf_ntfs_stream *s)
{
	if (!s)
		return;
	if (s->na)
		ntfs_attr_close(s->na);
	if (s->ni)
		ntfs_inode_close(s->ni);
	free(s);
}

void cf_ntfs_stream_closep(struct cf_ntfs_stream **s)
{
	cf_ntfs_stream_close(*s);
}
