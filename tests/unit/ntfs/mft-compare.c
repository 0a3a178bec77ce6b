/* mft-compare.c - the MFT scanner against libntfs-3g, file by file and run by run.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "mft-compare.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/endian.h"
#include "oracle.h"
#include "support.h"
#include "volume/mft-internal.h"

struct cf_mft *open_mft(struct cf_block *b)
{
	struct cf_error err = { 0 };
	struct cf_mft *m = cf_mft_open(b, &err);
	if (!m)
		fail_msg("can't open $MFT: %s", err.message);
	return m;
}

static void hex(char *out, struct cf_span name)
{
	*out = 0;
	for (size_t i = 0; i + 1 < name.n; i += 2)
		out += sprintf(out, "%04x", cf_ld16(name.p + i));
}

/* The scanner's file in the oracle's words. */
static char *describe_file(const struct cf_mft_file *f)
{
	struct description d = { 0 };
	char name[1100];
	describe(&d, "record %llu sequence %u links %u directory %d", (unsigned long long)f->record, f->sequence, f->link_count,
		 f->directory);
	describe(&d, "times %llx %llx", (unsigned long long)f->created, (unsigned long long)f->modified);
	for (size_t i = 0; i < f->name_count; i++) {
		hex(name, f->names[i].name);
		describe(&d, "name %s space %u parent %llx", name, f->names[i].space, (unsigned long long)f->names[i].parent);
	}
	for (size_t i = 0; i < f->stream_count; i++) {
		const struct cf_mft_stream *s = &f->streams[i];
		if (s->type == CF_NTFS_AT_LIST)
			continue;
		hex(name, s->name);
		if (s->resident) {
			describe(&d, "stream %x %s resident %llu", s->type, name, (unsigned long long)s->size);
			continue;
		}
		for (size_t k = 0; k < s->run_count; k++)
			describe(&d, "run %x %s vcn %llu lcn %lld count %llu", s->type, name, (unsigned long long)s->runs[k].vcn,
				 s->runs[k].lcn == CF_MFT_HOLE ? -1LL : (long long)s->runs[k].lcn,
				 (unsigned long long)s->runs[k].count);
		describe(&d, "stream %x %s size %lld initialized %lld flags %x allocated %llu extents %llu", s->type, name,
			 (long long)s->size, (long long)s->initialized, s->flags, (unsigned long long)s->allocated,
			 (unsigned long long)s->extents);
	}
	return describe_end(&d);
}

static int compare_file(void *user, const struct cf_mft_file *f)
{
	struct compare *c = user;
	assert_true(f->record < oracle_records(c->o));
	assert_false(c->seen[f->record]);
	c->seen[f->record] = 1;
	c->damaged += f->damaged;
	c->extensions += f->extension_count;
	c->links += f->hard_links > 2;
	c->reparse += f->reparse_tag != 0;
	uint64_t allocated = 0;
	for (size_t i = 0; i < f->stream_count; i++) {
		c->most_extents = cf_max_u64(c->most_extents, f->streams[i].extents);
		c->most_pieces = cf_max_u64(c->most_pieces, f->streams[i].pieces);
		c->streams += f->streams[i].type == CF_NTFS_AT_DATA && f->streams[i].name.n;
		c->packed += f->streams[i].flags & CF_NTFS_AF_COMPRESSED && f->streams[i].unit == 4 &&
			     f->streams[i].allocated < f->streams[i].size;
		allocated += f->streams[i].allocated;
	}
	assert_int_equal(allocated, f->allocated);
	CF_FREE char *ours = describe_file(f), *theirs = oracle_describe(c->o, f->record);
	/* Reserved records without a name are no inodes to libntfs-3g. */
	if (!theirs && f->record < CF_NTFS_REC_FIRST_FREE && f->record > CF_NTFS_REC_EXTEND)
		return 0;
	if (!theirs || strcmp(ours, theirs) != 0)
		fail_msg("record %llu:\n%s\nlibntfs-3g:\n%s", (unsigned long long)f->record, ours, theirs ? theirs : "unreadable");
	return 0;
}

/* Every file of the image is the same to both, and none is missing. */
struct compare compare_image(const char *image, uint32_t sector_size, bool no_store, struct cf_mft_stats *stats)
{
	struct cf_block *b = open_image(image, sector_size, false);
	struct cf_mft *m = open_mft(b);
	struct compare c = { .o = oracle_open(image) };
	struct cf_error err = { 0 };
	assert_non_null(c.o);
	c.seen = calloc(oracle_records(c.o), 1);
	if (no_store)
		m->store_max = 0;
	ok(cf_mft_scan(m, compare_file, &c, stats, &err), err);
	assert_int_equal(stats->records, oracle_records(c.o));
	uint64_t files = 0;
	for (uint64_t i = 0; i < oracle_records(c.o); i++) {
		if (c.seen[i] != oracle_in_use(c.o, i))
			fail_msg("record %llu: %d", (unsigned long long)i, c.seen[i]);
		files += c.seen[i];
	}
	assert_int_equal(files, stats->files);
	assert_int_equal(c.extensions, stats->extensions);
	assert_int_equal(stats->orphans, 0);
	assert_int_equal(stats->bad, 0);
	assert_int_equal(c.damaged, stats->damaged);
	free(c.seen);
	oracle_close(c.o);
	cf_mft_close(m);
	assert_int_equal(b->bytes_written, 0);
	cf_block_close(b);
	return c;
}

static int sum_free(void *user, uint64_t lcn, uint64_t count)
{
	uint64_t *sum = user;
	assert_true(lcn >= sum[1] && count > 0); /* in order, and adjoining ones are one */
	sum[0] += count;
	sum[1] = lcn + count + 1;
	return 0;
}

/* The check of $Bitmap, and its free extents against libntfs-3g's count. */
struct cf_extent_check check_image(const char *image, uint32_t sector_size)
{
	struct cf_block *b = open_image(image, sector_size, false);
	struct cf_mft *m = open_mft(b);
	struct cf_extent_check c;
	struct cf_error err = { 0 };
	uint64_t sum[2] = { 0 };
	ok(cf_mft_check(m, &c, &err), err);
	ok(cf_mft_free_extents(m, sum_free, sum, &err), err);
	struct oracle *o = oracle_open(image);
	assert_non_null(o);
	assert_int_equal(sum[0], oracle_free_clusters(o));
	assert_int_equal(sum[0], c.clusters - c.marked);
	oracle_close(o);
	cf_mft_close(m);
	cf_block_close(b);
	return c;
}
