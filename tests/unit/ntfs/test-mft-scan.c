/* test-mft-scan.c - the MFT scanner against libntfs-3g, file by file and run by run; damage; the check of $Bitmap.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Volumes come from mkntfs and the disk factory's ntfs-populate (environment NTFS_POPULATE).
 */
#include "oracle.h"
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/endian.h"
#include "volume/mft-scan.h"

/* Everything that a volume can hold in one manifest; %u: clusters of the fragmented pair. */
static const char everything[] =
	"now\t1700000000\n"
	"many\tmany\t300\t20\n"
	"text\tsmall.txt\tresident\n"
	"fill\tbig.bin\t700000\n"
	"sparse\tholes.bin\t9000000\n"
	"%s"
	"fill\tshared.dll\t50000\n"
	"link\ta/shared.dll\tshared.dll\n"
	"link\tb/shared.dll\tshared.dll\n"
	"link\tb/another name.dll\tshared.dll\n"
	"text\ta/a long name.txt\tx\n"
	"dosname\ta/a long name.txt\tALONGN~1.TXT\n"
	"stream\tbig.bin\tZone.Identifier\t26\n"
	"stream\tbig.bin\tlarge\t300000\n"
	"stream\tsmall.txt\tså här\t70000\n"
	"junction\tjump\tC:\\\\a\n"
	"fragment\tpieces.bin\tother.bin\t%u\n"
	"mkdir\tempty\n"
	"time\tsmall.txt\t1600000000\n"
	"report\n";

static const char *populate(void)
{
	return getenv("NTFS_POPULATE");
}

static void fill_image(const char *image, const char *manifest)
{
	const char *path = temp("manifest");
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(manifest, f);
	fclose(f);
	if (run(NULL, "'%s' '%s' '%s'", populate(), image, path) != 0)
		fail_msg("ntfs-populate failed");
}

static void make_everything(const char *image, const char *options, uint64_t size, bool compression, unsigned pieces)
{
	char manifest[4096];
	make_image(image, size, options);
	snprintf(manifest, sizeof manifest, everything, compression ? "compressed\tpacked.bin\t900000\n" : "", pieces);
	fill_image(image, manifest);
}

static struct cf_mft *open_mft(struct cf_block *b)
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

struct compare {
	struct oracle *o;
	uint8_t *seen; /* a byte a record */
	uint64_t most_extents, most_pieces, damaged, extensions;
	uint64_t streams, reparse, links;
};

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
static struct compare compare_image(const char *image, uint32_t sector_size, struct cf_mft_stats *stats)
{
	struct cf_block *b = open_image(image, sector_size, false);
	struct cf_mft *m = open_mft(b);
	struct compare c = { .o = oracle_open(image) };
	struct cf_error err = { 0 };
	assert_non_null(c.o);
	c.seen = calloc(oracle_records(c.o), 1);
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

static void everything_case(const char *options, uint32_t sector_size, uint64_t size, bool compression, unsigned pieces)
{
	struct cf_mft_stats stats;
	if (!have_tools() || !populate())
		skip();
	const char *image = temp("everything.img");
	make_everything(image, options, size, compression, pieces);
	struct compare c = compare_image(image, sector_size, &stats);
	print_message("# %s: %llu files, %llu extension records, up to %llu extents in %llu pieces\n", options,
		      (unsigned long long)stats.files, (unsigned long long)stats.extensions, (unsigned long long)c.most_extents,
		      (unsigned long long)c.most_pieces);
	assert_true(c.most_extents >= pieces && c.most_pieces > 1 && c.streams >= 3 && c.reparse == 1 && c.links >= 1);
	assert_int_equal(c.damaged, 0);
	unlink(image);
}

static void test_usual(void **state)
{
	(void)state;
	everything_case("-c 4096 -L usual", 512, 64 * CF_MIB, true, 1500);
}

static void test_small_clusters(void **state)
{
	(void)state;
	everything_case("-c 512", 512, 32 * CF_MIB, true, 1500);
}

static void test_large_clusters(void **state)
{
	(void)state;
	everything_case("-c 65536", 512, 400 * CF_MIB, false, 1100);
}

static void test_large_sectors(void **state)
{
	(void)state;
	everything_case("-s 4096 -c 4096", 4096, 400 * CF_MIB, true, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_small_clusters),
		cmocka_unit_test(test_large_clusters),
		cmocka_unit_test(test_large_sectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
