/* ntfs-check.c - what is checked on an NTFS volume before libntfs-3g is let near it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pure parsing of bytes that were read through the block layer; nothing here writes. Offsets are those of the NTFS on-disk format as
 * libntfs-3g's layout.h has them (boot sector, MFT record header, attribute header, restart page).
 */
#include <stdio.h>
#include <stdlib.h>

#include "volume/ntfs-internal.h"

#define MAX_CLUSTER (2 * CF_MIB)   /* Windows 10 1709 and later; 64 KiB before */
#define MAX_INDEX_BLOCK (64 * 1024u)
#define MAX_RECORD 4096u
#define FIXUP_STRIDE 512u          /* also with 4096-byte sectors */
#define MAX_CLUSTERS (UINT64_C(1) << 48)

struct boot_sector {
	uint8_t jump[3];
	char oem[8];              /* 0x03 "NTFS    " */
	cf_le16 sector_size;      /* 0x0b */
	uint8_t cluster_sectors;  /* 0x0d, above 128: 2^(256-v) */
	uint8_t unused_0e[0x1a];
	cf_le64 sectors;          /* 0x28 */
	cf_le64 mft_lcn;          /* 0x30 */
	cf_le64 mirror_lcn;       /* 0x38 */
	uint8_t record_clusters;  /* 0x40, negative: 2^-v bytes */
	uint8_t unused_41[3];
	uint8_t index_clusters;   /* 0x44, likewise */
	uint8_t unused_45[3];
	cf_le64 serial;           /* 0x48 */
	uint8_t unused_50[0x1b0];
};
_Static_assert(sizeof(struct boot_sector) == 512, "boot sector");

struct record_header {
	char magic[4];        /* 0x00 "FILE" */
	cf_le16 usa_ofs;      /* 0x04 */
	cf_le16 usa_count;    /* 0x06 */
	cf_le64 lsn;          /* 0x08 */
	cf_le16 sequence;     /* 0x10 */
	cf_le16 links;        /* 0x12 */
	cf_le16 attrs_offset; /* 0x14 */
	cf_le16 flags;        /* 0x16, 1 in use */
	cf_le32 bytes_in_use; /* 0x18 */
	cf_le32 allocated;    /* 0x1c */
	cf_le64 base;         /* 0x20 */
};
_Static_assert(sizeof(struct record_header) == 0x28, "MFT record header");

static bool power_of_two(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* Size of an MFT record or index block: clusters, or as a negative number the power of two in bytes. 0: nonsense. */
static uint64_t coded_size(uint8_t code, uint32_t cluster_size)
{
	if (code < 0x80)
		return (uint64_t)code * cluster_size;
	unsigned shift = 256u - code;
	return shift < 32 ? UINT64_C(1) << shift : 0;
}

static int parse_boot(const struct boot_sector *bs, uint64_t slice_size, struct cf_ntfs_boot *b, struct cf_error *err)
{
	if (memcmp(bs->oem, "NTFS    ", 8) != 0)
		return cf_fail_at(err, CF_E_CORRUPT, 0, "there is no NTFS boot sector");
	b->sector_size = cf_le16_get(bs->sector_size);
	if (!power_of_two(b->sector_size) || b->sector_size < 512 || b->sector_size > 4096)
		return cf_fail_at(err, CF_E_CORRUPT, 0x0b, "the NTFS boot sector says %u bytes a sector", b->sector_size);
	unsigned code = bs->cluster_sectors, shift = 256 - code;
	uint64_t per_cluster = code <= 128 ? code : shift < 16 ? UINT64_C(1) << shift : 0;
	if (!power_of_two(per_cluster) || per_cluster * b->sector_size > MAX_CLUSTER)
		return cf_fail_at(err, CF_E_CORRUPT, 0x0d, "the NTFS boot sector has an impossible cluster size (code %u)", code);
	b->cluster_size = (uint32_t)(per_cluster * b->sector_size);
	uint64_t record = coded_size(bs->record_clusters, b->cluster_size);
	if (!power_of_two(record) || record < 512 || record > MAX_RECORD)
		return cf_fail_at(err, CF_E_CORRUPT, 0x40, "the NTFS boot sector has an impossible MFT record size (code %u)",
				  bs->record_clusters);
	uint64_t index = coded_size(bs->index_clusters, b->cluster_size);
	if (!power_of_two(index) || index < 512 || index > MAX_CLUSTER)
		return cf_fail_at(err, CF_E_CORRUPT, 0x44, "the NTFS boot sector has an impossible index block size (code %u)",
				  bs->index_clusters);
	b->record_size = (uint32_t)record;
	b->index_size = (uint32_t)index;
	b->sectors = cf_le64_get(bs->sectors);
	b->clusters = b->sectors / per_cluster;
	b->mft_lcn = cf_le64_get(bs->mft_lcn);
	b->mirror_lcn = cf_le64_get(bs->mirror_lcn);
	if (!b->clusters || b->clusters > MAX_CLUSTERS || b->clusters > (uint64_t)INT64_MAX / b->cluster_size)
		return cf_fail_at(err, CF_E_CORRUPT, 0x28, "the NTFS boot sector has an impossible volume size (%llu sectors)",
				  (unsigned long long)b->sectors);
	if (!b->mft_lcn || b->mft_lcn >= b->clusters || b->mirror_lcn >= b->clusters)
		return cf_fail_at(err, CF_E_CORRUPT, 0x30, "the NTFS boot sector places $MFT outside the volume");
	b->truncated = b->clusters > slice_size / b->cluster_size;
	return 0;
}

bool cf_ntfs_fixup(uint8_t *record, size_t size)
{
	size_t ofs = cf_ld16(record + 4), count = cf_ld16(record + 6);
	if (size < FIXUP_STRIDE || size % FIXUP_STRIDE || count != size / FIXUP_STRIDE + 1 || ofs & 1 || ofs < 8 ||
	    ofs + count * 2 > size - 2)
		return false;
	const uint8_t *usn = record + ofs;
	for (size_t i = 1; i < count; i++)
		if (memcmp(record + i * FIXUP_STRIDE - 2, usn, 2) != 0)
			return false;
	for (size_t i = 1; i < count; i++)
		memcpy(record + i * FIXUP_STRIDE - 2, usn + i * 2, 2);
	return true;
}

static int64_t signed_bytes(const uint8_t *p, unsigned n)
{
	uint64_t v = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
	for (unsigned i = n; i-- > 0;)
		v = v << 8 | p[i];
	return (int64_t)v;
}

int cf_ntfs_next_run(struct cf_span pairs, size_t *pos, int64_t *lcn, uint64_t *length, int64_t *previous)
{
	const uint8_t *head = cf_span_at(pairs, *pos, 1);
	if (!head)
		return -1;
	if (!*head)
		return 0;
	unsigned len_bytes = *head & 15u, lcn_bytes = *head >> 4u;
	const uint8_t *body = cf_span_at(pairs, *pos + 1, len_bytes + lcn_bytes);
	if (!body || !len_bytes || len_bytes > 8 || lcn_bytes > 8)
		return -1;
	int64_t n = signed_bytes(body, len_bytes);
	if (n <= 0)
		return -1;
	*length = (uint64_t)n;
	*pos += 1 + len_bytes + lcn_bytes;
	if (!lcn_bytes) {
		*lcn = -1;
		return 1;
	}
	if (cf_add_overflow(*previous, signed_bytes(body + len_bytes, lcn_bytes), previous) || *previous < 0)
		return -1;
	*lcn = *previous;
	return 1;
}

/* The unnamed $DATA of MFT record 0: non-resident, plain, beginning where the boot sector says. */
static int check_mft_data(struct cf_span a, const struct cf_ntfs_boot *b, struct cf_error *err)
{
	if (a.n < 0x48 || a.p[8] != 1 || a.p[9] || cf_ld16(a.p + 0xc))
		return cf_fail(err, CF_E_CORRUPT, "$MFT's data attribute is not that of an MFT");
	uint64_t allocated = cf_ld64(a.p + 0x28), size = cf_ld64(a.p + 0x30), initialized = cf_ld64(a.p + 0x38);
	if (size > allocated || initialized > size || initialized < (uint64_t)CF_NTFS_REC_FIRST_ORDINARY * b->record_size ||
	    allocated / b->cluster_size > b->clusters)
		return cf_fail(err, CF_E_CORRUPT, "$MFT's sizes contradict each other or the volume's size");
	size_t pos = cf_ld16(a.p + 0x20);
	int64_t lcn, previous = 0;
	uint64_t length;
	if (cf_ld64(a.p + 0x10) != 0 || cf_ntfs_next_run(a, &pos, &lcn, &length, &previous) != 1 || lcn < 0 ||
	    (uint64_t)lcn != b->mft_lcn)
		return cf_fail(err, CF_E_CORRUPT, "$MFT doesn't begin where the boot sector says");
	return 0;
}

/* Every attribute of a fixed-up record lies inside it; *data is the unnamed $DATA. */
static int check_attributes(struct cf_span rec, struct cf_span *data, struct cf_error *err)
{
	const struct record_header *h = (const void *)rec.p;
	uint32_t used = cf_le32_get(h->bytes_in_use), off = cf_le16_get(h->attrs_offset);
	if (memcmp(h->magic, "FILE", 4) != 0 || !(cf_le16_get(h->flags) & 1) || cf_le64_get(h->base) ||
	    used > rec.n || cf_le32_get(h->allocated) != rec.n || off < 0x28 || off & 7)
		return cf_fail(err, CF_E_CORRUPT, "MFT record 0 is damaged");
	struct cf_span in_use = cf_span_sub(rec, 0, used);
	for (;;) { /* off grows by at least 0x10 each time and is bounded by used */
		const uint8_t *a = cf_span_at(in_use, off, 4);
		if (!a)
			return cf_fail(err, CF_E_CORRUPT, "MFT record 0 has no end of attributes");
		uint32_t type = cf_ld32(a);
		if (type == UINT32_MAX)
			return 0;
		a = cf_span_at(in_use, off, 0x18);
		uint32_t len = a ? cf_ld32(a + 4) : 0;
		if (len < 0x18 || len & 7 || !cf_span_at(in_use, off, len))
			return cf_fail(err, CF_E_CORRUPT, "MFT record 0 has an attribute that reaches beyond it");
		if (type == CF_NTFS_AT_DATA && a[9] == 0 && !data->p)
			*data = cf_span_sub(in_use, off, len);
		off += len;
	}
}

int cf_ntfs_check(struct cf_block *slice, struct cf_ntfs_boot *boot, struct cf_error *err)
{
	struct boot_sector bs;
	if (slice->size < sizeof bs)
		return cf_fail(err, CF_E_CORRUPT, "the partition is smaller than a boot sector");
	if (cf_block_read(slice, 0, &bs, sizeof bs, err) < 0 || parse_boot(&bs, slice->size, boot, err) < 0)
		return -1;
	uint8_t rec[MAX_RECORD];
	uint64_t at = boot->mft_lcn * boot->cluster_size;
	if (!cf_range_ok(at, boot->record_size, slice->size))
		return cf_fail_at(err, CF_E_CORRUPT, at,
				  "the volume claims %llu bytes but the partition has only %llu, and $MFT lies beyond its end",
				  (unsigned long long)(boot->clusters * boot->cluster_size), (unsigned long long)slice->size);
	if (cf_block_read(slice, at, rec, boot->record_size, err) < 0)
		return -1;
	if (!cf_ntfs_fixup(rec, boot->record_size))
		return cf_fail_at(err, CF_E_CORRUPT, at, "MFT record 0 is torn or damaged");
	struct cf_span data = { NULL, 0 };
	if (check_attributes(cf_span_of(rec, boot->record_size), &data, err) < 0)
		return -1;
	if (!data.p)
		return cf_fail_at(err, CF_E_CORRUPT, at, "MFT record 0 has no data attribute");
	return check_mft_data(data, boot, err);
}

/* ---- $LogFile ---- */

struct restart {
	bool valid, in_use;
	unsigned major, minor;
	uint64_t lsn;
};

/* Restart page at p. Offsets: 0x10 system page size, 0x18 restart area, 0x1a minor, 0x1c major; in the area: 0 current LSN, 0xc first
 * client in use (0xffff: none), 0xe flags (2: closed). */
static void parse_restart(uint8_t *p, size_t n, struct restart *r)
{
	*r = (struct restart){ 0 };
	if (n < 4096 || (memcmp(p, "RSTR", 4) != 0 && memcmp(p, "CHKD", 4) != 0))
		return;
	uint32_t page = cf_ld32(p + 0x10);
	if (!power_of_two(page) || page < 4096 || page > n || !cf_ntfs_fixup(p, page))
		return;
	const uint8_t *area = cf_span_at(cf_span_of(p, page), cf_ld16(p + 0x18), 0x30);
	if (!area)
		return;
	r->valid = true;
	r->minor = cf_ld16(p + 0x1a);
	r->major = cf_ld16(p + 0x1c);
	r->lsn = cf_ld64(area);
	r->in_use = cf_ld16(area + 0xc) != 0xffff && !(cf_ld16(area + 0xe) & 2);
}

static bool all_ones(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0xff)
			return false;
	return true;
}

void cf_ntfs_journal_parse(uint8_t *head, size_t n, struct cf_ntfs_journal *j)
{
	if (n >= 8192 && all_ones(head, n)) {
		*j = (struct cf_ntfs_journal){ .unclean = false, .text = "empty" };
		return;
	}
	struct restart a, b;
	uint32_t page = n >= 0x14 ? cf_ld32(head + 0x10) : 0;
	if (!power_of_two(page) || page < 4096 || page > n / 2)
		page = 4096;
	parse_restart(head, n, &a);
	parse_restart(n >= page ? head + page : head, n >= page ? n - page : 0, &b);
	if (!a.valid && !b.valid) {
		*j = (struct cf_ntfs_journal){ .unclean = true, .text = "both restart pages damaged" };
		return;
	}
	/* The page with the newer LSN counts, as for Windows; at a tie the one that is still in use. */
	const struct restart *r = !a.valid ? &b : !b.valid ? &a : a.lsn != b.lsn ? (a.lsn > b.lsn ? &a : &b) : a.in_use ? &a : &b;
	j->unclean = r->in_use || r->major != 1;
	snprintf(j->text, sizeof j->text, "version %u.%u, %s", r->major, r->minor, r->in_use ? "in use" : "closed");
}
