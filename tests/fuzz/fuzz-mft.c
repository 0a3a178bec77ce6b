/* fuzz-mft.c - $MFT from one input: scanned, checked against $Bitmap, read.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: a byte of options, then $MFT as it lies from cluster 4 on, on a volume of 16,384 clusters that holds nothing else (mkntfs lays one
 * of 64 MiB out so). Option 1: the fix-ups of every record are made right first, so that changes inside get past them. What comes out of
 * the scanner must keep what its header promises.
 */
#include <stdio.h>
#include <stdlib.h>

#include "volume/mft-check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLUSTER 4096u
#define CLUSTERS 16384u
#define RECORD 1024u
#define MFT_AT (4u * CLUSTER)
#define MFT_MAX ((size_t)512 << 10)

/* The volume: a boot sector, $MFT, and zeros. */
struct volume {
	struct cf_block b;
	uint8_t boot[512], mft[MFT_MAX];
};

static void copy_part(uint64_t off, uint8_t *buf, size_t len, uint64_t start, const uint8_t *part, size_t n)
{
	uint64_t from = off > start ? off : start, to = off + len < start + n ? off + len : start + n;
	if (from < to)
		memcpy(buf + (from - off), part + (from - start), (size_t)(to - from));
}

static int volume_read(struct cf_block *b, uint64_t off, void *buf, size_t len, struct cf_error *err)
{
	struct volume *v = (struct volume *)b;
	(void)err;
	memset(buf, 0, len);
	copy_part(off, buf, len, 0, v->boot, sizeof v->boot);
	copy_part(off, buf, len, MFT_AT, v->mft, sizeof v->mft);
	return 0;
}

static const struct cf_block_ops volume_ops = { .name = "fuzz volume", .read = volume_read };

static void make_boot(uint8_t *p)
{
	memcpy(p + 3, "NTFS    ", 8);
	p[0x0c] = 2;             /* 512 bytes a sector */
	p[0x0d] = CLUSTER / 512; /* sectors a cluster */
	p[0x2a] = 2;             /* 131072 sectors */
	p[0x30] = 4;             /* $MFT */
	p[0x39] = 0x20;          /* its mirror: cluster 8192 */
	p[0x40] = 0xf6;          /* 1 KiB records */
	p[0x44] = 1;             /* cluster a block of an index */
}

/* The last two bytes of each sector become the update sequence number, and what they were goes where they are fetched from. */
static void make_fixups(uint8_t *r)
{
	size_t at = r[4] | (size_t)r[5] << 8, n = RECORD / 512 + 1;
	if (memcmp(r, "FILE", 4) != 0 || at + 2 * n > 510)
		return;
	r[6] = (uint8_t)n;
	r[7] = 0;
	for (size_t i = 1; i < n; i++)
		memcpy(r + i * 512 - 2, r + at, 2);
}

static int see_file(void *user, const struct cf_mft_file *f)
{
	const struct cf_mft_geometry *g = user;
	volatile uint8_t sink = 0;
	uint64_t sum = 0;
	if (f->record >= g->records)
		abort();
	for (size_t i = 0; i < f->name_count; i++)
		for (size_t k = 0; k < f->names[i].name.n; k++)
			sink ^= f->names[i].name.p[k];
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *s = &f->streams[i];
		uint64_t next = 0;
		if (s->initialized > s->size || s->size > INT64_MAX)
			abort();
		for (size_t k = 0; k < s->value.n; k++)
			sink ^= s->value.p[k];
		for (size_t k = 0; k < s->run_count; k++) {
			const struct cf_mft_run *r = &s->runs[k];
			if (!r->count || r->vcn < next)
				abort();
			next = r->vcn + r->count;
			if (r->lcn == CF_MFT_HOLE)
				continue;
			if (r->lcn >= g->clusters || r->count > g->clusters - r->lcn)
				abort();
			sum += r->count * g->cluster_size;
		}
	}
	if (sum != f->allocated)
		abort();
	(void)sink;
	return 0;
}

struct content {
	struct cf_mft *m;
};

static int read_file(void *user, const struct cf_mft_file *f)
{
	struct content *c = user;
	static uint8_t part[8192];
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *s = &f->streams[i];
		size_t n = s->size < sizeof part ? (size_t)s->size : sizeof part;
		(void)!cf_mft_read(c->m, s, 0, part, n, NULL);
		(void)!cf_mft_read(c->m, s, s->size - n, part, n, NULL);
	}
	return 0;
}

static int see_free(void *user, uint64_t lcn, uint64_t count)
{
	uint64_t *end = user;
	if (!count || lcn < *end || count > CLUSTERS - lcn)
		abort();
	*end = lcn + count + 1; /* those that adjoin are one */
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct volume v;
	if (size < 1 || size - 1 > MFT_MAX)
		return 0;
	v = (struct volume){ .b = { .ops = &volume_ops, .size = (uint64_t)CLUSTERS * CLUSTER, .sector_size = 512, .read_only = true } };
	make_boot(v.boot);
	memcpy(v.mft, data + 1, size - 1);
	for (size_t at = 0; data[0] & 1 && at + RECORD <= size - 1; at += RECORD)
		make_fixups(v.mft + at);
	struct cf_error err;
	struct cf_mft *m = cf_mft_open(&v.b, &err);
	if (!m)
		return 0;
	struct cf_mft_geometry g = *cf_mft_geometry(m);
	struct cf_mft_stats stats;
	struct cf_extent_check check;
	struct content c = { m };
	uint64_t end = 0;
	if (cf_mft_scan(m, see_file, &g, &stats, &err) < 0 || stats.files > stats.records || stats.orphans > stats.extensions)
		abort();
	(void)!cf_mft_scan(m, read_file, &c, NULL, &err);
	for (uint64_t i = 0; i < g.records && i < 64; i++)
		(void)!cf_mft_one(m, i, see_file, &g, &err);
	if (cf_mft_check(m, &check, &err) == 0) {
		char *text = cf_extent_check_text(&check);
		if (!text != cf_extent_check_sound(&check) || check.owned > check.clusters || check.marked > check.clusters)
			abort();
		free(text);
	}
	(void)!cf_mft_free_extents(m, see_free, &end, &err);
	cf_mft_close(m);
	return 0;
}
