/* ntfs-ops.c - the operations of ntfs-populate on an open NTFS volume.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files that hold data are written through libntfs-3g; "solid" ones get clusters that we choose and nothing is written,
 * which is what lets a full 2 GiB volume cost a few MiB on the host. Everything here is a function of its arguments and
 * of the volume's state: no clock, no random numbers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/bitmap.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/index.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/ntfstime.h>
#include <ntfs-3g/reparse.h>
#include <ntfs-3g/security.h>
#include <ntfs-3g/unistr.h>
#include "image-device.h"
#include "ntfs-ops.h"

#define PIECE 65536
#define RESIDENT 512 /* data up to this size is left to the MFT record */
#define MARK 65536 /* scattered files carry their pattern in the first and last so many bytes */

static ntfs_inode *lookup(ntfs_volume *vol, const char *path)
{
	return *path ? ntfs_pathname_to_inode(vol, NULL, path) : ntfs_inode_open(vol, FILE_root);
}

static ntfs_inode *must_open(ntfs_volume *vol, const char *path)
{
	ntfs_inode *ni = lookup(vol, path);

	if (!ni)
		die("%s: cannot open", path);
	return ni;
}

static void must_close(ntfs_inode *ni)
{
	if (ntfs_inode_close(ni))
		die("cannot write an MFT record");
}

/* Whether Windows would have made this name its own 8.3 name. */
static int is_short(const char *name)
{
	const char *dot = strchr(name, '.');
	size_t base = dot ? (size_t)(dot - name) : strlen(name), ext = dot ? strlen(dot + 1) : 0;

	return base >= 1 && base <= 8 && ext <= 3 && !(dot && (strchr(dot + 1, '.') || !ext)) &&
	       !strpbrk(name, " +,;=[]~$-{}");
}

/* libntfs-3g leaves 16 MiB behind every allocation, for files to grow into; ours do not, so start at the front again. */
static void pack(ntfs_volume *vol)
{
	vol->data1_zone_pos = vol->mft_zone_end;
	vol->data2_zone_pos = 0;
	vol->full_zones = 0;
}

void set_dos_name(ntfs_volume *vol, const char *path, const char *shortname)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	ntfs_inode *ni, *dir;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	dir = must_open(vol, parent);
	ni = must_open(vol, path);
	/* Closes both, whatever happens. */
	if (ntfs_set_ntfs_dos_name(ni, dir, shortname, strlen(shortname), 0))
		die("%s: cannot set the DOS name %s", path, shortname);
	free(parent);
}

/* Makes a file or folder, with its parents; closes it. An existing folder is left as it is. */
void create(ntfs_volume *vol, const char *path, mode_t type)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	const char *name = slash ? path + (slash - parent) + 1 : path;
	ntfschar *uname = NULL;
	ntfs_inode *dir, *ni;
	int len;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	pack(vol);
	ni = lookup(vol, path);
	if (ni) {
		if (!(ni->mrec->flags & MFT_RECORD_IS_DIRECTORY) || !S_ISDIR(type))
			die("%s: exists", path);
		must_close(ni);
		free(parent);
		return;
	}
	dir = lookup(vol, parent);
	if (!dir) {
		create(vol, parent, S_IFDIR);
		dir = must_open(vol, parent);
	}
	errno = 0;
	len = ntfs_mbstoucs(name, &uname);
	if (len <= 0)
		die("%s: bad name", path);
	ni = ntfs_create(dir, const_cpu_to_le32(0), uname, (u8)len, type);
	if (!ni)
		die("%s: cannot create", path);
	if (S_ISREG(type)) {
		ni->flags |= FILE_ATTR_ARCHIVE;
		NInoFileNameSetDirty(ni);
	}
	if (ntfs_inode_close_in_dir(ni, dir))
		die("%s: cannot write its MFT record", path);
	must_close(dir);
	free(uname);
	free(parent);
	if (is_short(name))
		set_dos_name(vol, path, name);
}

static void pattern(const char *path, s64 at, uint8_t *p, size_t n, int compressible)
{
	uint64_t seed = 14695981039346656037ULL;

	for (; *path; path++)
		seed = (seed ^ (uint8_t)*path) * 1099511628211ULL;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = (seed + ((uint64_t)at + i) / 8) * 0x9e3779b97f4a7c15ULL;

		v ^= v >> 29;
		v *= 0xbf58476d1ce4e5b9ULL;
		v ^= v >> 32;
		if (compressible)
			v &= 0x00000000000000ffULL;
		memcpy(p + i, &v, n - i < 8 ? n - i : 8);
	}
}

static ntfs_attr *open_data(ntfs_inode *ni, const char *path)
{
	ntfs_attr *na = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);

	if (!na)
		die("%s: has no data", path);
	return na;
}

static void write_at(ntfs_attr *na, const char *path, s64 at, const void *p, s64 n)
{
	for (s64 done = 0; done < n;) {
		s64 w = ntfs_attr_pwrite(na, at + done, n - done, (const char *)p + done);

		if (w <= 0)
			die("%s: cannot write at %" PRId64, path, at + done);
		done += w;
	}
}

static void write_pattern(ntfs_attr *na, const char *path, s64 from, s64 to, int compressible)
{
	uint8_t buf[PIECE];

	for (s64 at = from; at < to; at += PIECE) {
		s64 n = to - at < PIECE ? to - at : PIECE;

		pattern(path, at, buf, (size_t)n, compressible);
		write_at(na, path, at, buf, n);
	}
}

void write_source(ntfs_volume *vol, const char *path, s64 at, const char *source)
{
	ntfs_inode *ni = must_open(vol, path);
	ntfs_attr *na = open_data(ni, path);
	char buf[PIECE];
	FILE *f = fopen(source, "rb");
	size_t n;

	if (!f)
		die("%s: cannot read", source);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0) {
		write_at(na, path, at, buf, (s64)n);
		at += (s64)n;
	}
	fclose(f);
	ntfs_attr_close(na);
	must_close(ni);
}

void delete_file(ntfs_volume *vol, const char *path)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	const char *name = slash ? path + (slash - parent) + 1 : path;
	ntfschar *uname = NULL;
	ntfs_inode *ni, *dir;
	int len;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	ni = must_open(vol, path);
	dir = must_open(vol, parent);
	len = ntfs_mbstoucs(name, &uname);
	if (len <= 0 || ntfs_delete(vol, NULL, ni, dir, uname, (u8)len))
		die("%s: cannot delete", path);
	free(uname);
	free(parent);
}

void write_text(ntfs_volume *vol, const char *path, const char *text)
{
	ntfs_inode *ni = must_open(vol, path);
	ntfs_attr *na = open_data(ni, path);

	write_at(na, path, 0, text, (s64)strlen(text));
	ntfs_attr_close(na);
	must_close(ni);
}


/* The free extents in the order of the disk; ends with length 0. */
static struct extent *free_extents(ntfs_volume *vol, s64 *total)
{
	static uint8_t buf[1 << 20];
	struct extent *e = calloc(1024, sizeof(*e));
	size_t n = 0, room = 1024;
	s64 run = 0, bits = vol->nr_clusters;

	*total = 0;
	for (s64 at = 0; e && at < (bits + 7) / 8; at += (s64)sizeof(buf)) {
		s64 got = ntfs_attr_pread(vol->lcnbmp_na, at, sizeof(buf), buf);

		if (got <= 0)
			die("$Bitmap: cannot read");
		for (s64 i = 0; i < got * 8 && at * 8 + i <= bits; i++) {
			if (at * 8 + i < bits && !(buf[i / 8] >> (i % 8) & 1)) {
				run++;
			} else if (run) {
				e[n++] = (struct extent){at * 8 + i - run, run};
				*total += run;
				run = 0;
				if (n + 2 > room)
					e = realloc(e, (room *= 2) * sizeof(*e));
				if (!e)
					die("no memory");
			}
		}
	}
	if (!e)
		die("no memory");
	if (run) {
		e[n++] = (struct extent){bits - run, run};
		*total += run;
	}
	e[n] = (struct extent){0, 0};
	return e;
}

void take(ntfs_volume *vol, const struct extent *e)
{
	for (; e->length; e++)
		if (ntfs_bitmap_set_run(vol->lcnbmp_na, e->lcn, e->length))
			die("$Bitmap: cannot set");
}

/* Gives an empty file these extents, already taken, the whole length valid: reads give what the clusters hold, zeros on a new image.
 * We choose the clusters, because libntfs-3g's allocator spreads large files and gives up before the volume is full. */
void assign(ntfs_volume *vol, const char *path, const struct extent *e, s64 size)
{
	ntfs_inode *ni = must_open(vol, path);
	ntfs_attr *na = open_data(ni, path);
	ntfs_attr_search_ctx *ctx;
	s64 vcn = 0;
	size_t n = 0;

	while (e[n].length)
		n++;
	if (!NAttrNonResident(na) && ntfs_attr_force_non_resident(na))
		die("%s: cannot make non-resident", path);
	free(na->rl);
	na->rl = calloc(n + 1, sizeof(*na->rl));
	if (!na->rl)
		die("no memory");
	for (size_t i = 0; i < n; vcn += e[i++].length) {
		na->rl[i] = (runlist_element){.vcn = vcn, .lcn = e[i].lcn, .length = e[i].length};
	}
	na->rl[n] = (runlist_element){.vcn = vcn, .lcn = LCN_ENOENT};
	NAttrSetFullyMapped(na);
	na->allocated_size = vcn * vol->cluster_size;
	na->data_size = na->initialized_size = size;
	ctx = ntfs_attr_get_search_ctx(ni, NULL);
	if (!ctx || ntfs_attr_lookup(AT_DATA, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, ctx))
		die("%s: lost its data", path);
	ctx->attr->allocated_size = cpu_to_sle64(na->allocated_size);
	ctx->attr->data_size = ctx->attr->initialized_size = cpu_to_sle64(size);
	ntfs_inode_mark_dirty(ctx->ntfs_ino);
	ntfs_attr_put_search_ctx(ctx);
	if (ntfs_attr_update_mapping_pairs(na, 0))
		die("%s: cannot write the runlist", path);
	ni->data_size = size;
	ni->allocated_size = na->allocated_size;
	NInoFileNameSetDirty(ni);
	ntfs_attr_close(na);
	must_close(ni);
	pack(vol);
}

/* In one piece where there is room for that, first behind the zone kept for $MFT; else over the extents in order. */
void make_solid(ntfs_volume *vol, const char *path, s64 size)
{
	s64 total, want = (size + vol->cluster_size - 1) / vol->cluster_size;
	struct extent *e, *use;
	size_t n = 0;

	create(vol, path, S_IFREG);
	e = free_extents(vol, &total);
	errno = 0;
	if (want > total)
		die("%s: the volume is too small for %" PRId64 " bytes", path, size);
	for (int pass = 0; pass < 2; pass++)
		for (use = e; use->length; use++) {
			s64 skip = pass == 0 && use->lcn < vol->mft_zone_end ? vol->mft_zone_end - use->lcn : 0;

			if (use->length - skip >= want) {
				struct extent one[2] = {{use->lcn + skip, want}, {0, 0}};

				take(vol, want ? one : one + 1);
				assign(vol, path, want ? one : one + 1, size);
				free(e);
				return;
			}
		}
	for (; want > e[n].length; n++)
		want -= e[n].length;
	e[n].length = want;
	e[want ? n + 1 : n].length = 0;
	take(vol, e);
	assign(vol, path, e, size);
	free(e);
}

/* Takes everything but `rest` bytes, which stay in one piece if there is such a piece. */
void leave(ntfs_volume *vol, s64 rest, const char *path)
{
	s64 total, keep = rest / vol->cluster_size;
	struct extent *e, *big, *to;

	create(vol, path, S_IFREG);
	e = free_extents(vol, &total);
	errno = 0;
	if (total <= keep)
		die("%s: less than that is free already", path);
	while (keep) {
		s64 n;

		big = e;
		for (struct extent *i = e; i->length; i++)
			if (i->length > big->length)
				big = i;
		n = big->length < keep ? big->length : keep;
		keep -= n;
		total -= n;
		big->length -= n;
		if (big->length)
			continue;
		for (to = big; to[1].length; to++)
			to[0] = to[1];
		to->length = 0;
	}
	take(vol, e);
	assign(vol, path, e, total * vol->cluster_size);
	free(e);
}

/* Two files of n clusters that take turns, so every cluster of each is an extent of its own. */
void fragment(ntfs_volume *vol, const char *path, const char *other, s64 n, s64 each)
{
	const char *name[2] = {path, other};
	struct extent *e[2], *all, *big;
	s64 total, size = n * each * vol->cluster_size;

	for (int i = 0; i < 2; i++) {
		create(vol, name[i], S_IFREG);
		e[i] = calloc((size_t)n + 1, sizeof(**e));
		if (!e[i])
			die("no memory");
	}
	big = all = free_extents(vol, &total);
	for (struct extent *x = all; x->length; x++)
		if (x->length > big->length)
			big = x;
	if (big->length < 2 * n * each)
		die("%s: no room for %" PRId64 " extents", path, n);
	for (s64 k = 0; k < 2 * n; k++)
		e[k % 2][k / 2] = (struct extent){big->lcn + k * each, each};
	free(all);
	/* Both taken before either runlist is written: a long one needs MFT records, which need clusters. */
	take(vol, e[0]);
	take(vol, e[1]);
	for (int i = 0; i < 2; i++) {
		ntfs_inode *ni;
		ntfs_attr *na;

		assign(vol, name[i], e[i], size);
		free(e[i]);
		ni = must_open(vol, name[i]);
		na = open_data(ni, name[i]);
		write_pattern(na, name[i], 0, size, 0);
		ntfs_attr_close(na);
		must_close(ni);
	}
}

/* Every second cluster of the largest free extent, n of them. */
static struct extent *every_second(ntfs_volume *vol, s64 n)
{
	s64 total;
	struct extent *all = free_extents(vol, &total), *big = all, *e = calloc((size_t)n + 1, sizeof(*e));

	for (struct extent *x = all; x->length; x++)
		if (x->length > big->length)
			big = x;
	if (!e || big->length < 2 * n)
		die("no room for %" PRId64 " extents", n);
	for (s64 k = 0; k < n; k++)
		e[k] = (struct extent){big->lcn + 2 * k, 1};
	free(all);
	return e;
}

void split_bitmap(ntfs_volume *vol)
{
	ntfs_attr *na = vol->lcnbmp_na;
	s64 cs = vol->cluster_size, n = na->allocated_size / cs;
	struct extent *e = every_second(vol, n);
	uint8_t *data = calloc((size_t)n, (size_t)cs);

	if (!data || ntfs_attr_map_whole_runlist(na))
		die("$Bitmap: cannot read its runlist");
	take(vol, e);
	for (runlist_element *r = na->rl; r->length; r++)
		if (ntfs_bitmap_clear_run(na, r->lcn, r->length))
			die("$Bitmap: cannot clear");
	if (ntfs_attr_pread(na, 0, na->data_size, data) != na->data_size)
		die("$Bitmap: cannot read");
	for (s64 k = 0; k < n; k++)
		if (ntfs_pwrite(vol->dev, e[k].lcn * cs, cs, data + k * cs) != cs)
			die("$Bitmap: cannot write");
	free(data);
	free(na->rl);
	na->rl = calloc((size_t)n + 1, sizeof(*na->rl));
	if (!na->rl)
		die("no memory");
	for (s64 k = 0; k < n; k++)
		na->rl[k] = (runlist_element){.vcn = k, .lcn = e[k].lcn, .length = 1};
	na->rl[n] = (runlist_element){.vcn = n, .lcn = LCN_ENOENT};
	free(e);
	NAttrSetFullyMapped(na);
	if (ntfs_attr_update_mapping_pairs(na, 0))
		die("$Bitmap: cannot write the runlist");
	pack(vol);
}

void split_bad(ntfs_volume *vol, s64 n)
{
	ntfschar name[4] = {const_cpu_to_le16('$'), const_cpu_to_le16('B'), const_cpu_to_le16('a'), const_cpu_to_le16('d')};
	ntfs_inode *ni = ntfs_inode_open(vol, FILE_BadClus);
	ntfs_attr *na = ni ? ntfs_attr_open(ni, AT_DATA, name, 4) : NULL;
	struct extent *e = every_second(vol, n);
	s64 at = 0;
	size_t k = 0;

	if (!na)
		die("$BadClus: cannot open");
	take(vol, e);
	free(na->rl);
	na->rl = calloc(2 * (size_t)n + 2, sizeof(*na->rl));
	if (!na->rl)
		die("no memory");
	for (s64 i = 0; i < n; i++, at = e[i - 1].lcn + 1) {
		na->rl[k++] = (runlist_element){.vcn = at, .lcn = LCN_HOLE, .length = e[i].lcn - at};
		na->rl[k++] = (runlist_element){.vcn = e[i].lcn, .lcn = e[i].lcn, .length = 1};
	}
	na->rl[k++] = (runlist_element){.vcn = at, .lcn = LCN_HOLE, .length = vol->nr_clusters - at};
	na->rl[k] = (runlist_element){.vcn = vol->nr_clusters, .lcn = LCN_ENOENT};
	free(e);
	NAttrSetFullyMapped(na);
	if (ntfs_attr_update_mapping_pairs(na, 0))
		die("$BadClus: cannot write the runlist");
	ntfs_attr_close(na);
	must_close(ni);
	pack(vol);
}

/* All names first, so that neither folder nor $MFT grows into the extents that are dealt out then. */
void scatter(ntfs_volume *vol, const char *dir, s64 size)
{
	char path[512];
	s64 total, n = 0, made, want = size / vol->cluster_size;
	struct extent *e = free_extents(vol, &total);

	free(e);
	made = total / want;
	for (s64 i = 0; i < made; i++) {
		snprintf(path, sizeof(path), "%s/piece%05" PRId64 ".bin", dir, i);
		create(vol, path, S_IFREG);
	}
	e = free_extents(vol, &total);
	for (struct extent *use = e; use->length; use++)
		for (; use->length >= want && n < made; use->lcn += want, use->length -= want, n++) {
			struct extent one[2] = {{use->lcn, want}, {0, 0}};
			ntfs_inode *ni;
			ntfs_attr *na;

			snprintf(path, sizeof(path), "%s/piece%05" PRId64 ".bin", dir, n);
			take(vol, one);
			assign(vol, path, one, want * vol->cluster_size);
			ni = must_open(vol, path);
			na = open_data(ni, path);
			write_pattern(na, path, 0, size < MARK ? size : MARK, 0);
			if (size > 2 * MARK)
				write_pattern(na, path, size - MARK, size, 0);
			ntfs_attr_close(na);
			must_close(ni);
		}
	free(e);
	for (s64 i = 0; i < made; i++) {
		snprintf(path, sizeof(path), "%s/piece%05" PRId64 ".bin", dir, i);
		if (i % 2 || i >= n)
			delete_file(vol, path);
	}
}

/* A new file whose clusters lie in one piece, as a fresh Windows installation's mostly do. */
void make_file(ntfs_volume *vol, const char *path, const char *source)
{
	struct stat st;

	if (stat(source, &st))
		die("%s: cannot read", source);
	if (st.st_size > RESIDENT)
		make_solid(vol, path, st.st_size);
	else
		create(vol, path, S_IFREG);
	write_source(vol, path, 0, source);
}

void make_data(ntfs_volume *vol, const char *kind, const char *path, s64 size)
{
	ntfs_inode *ni;
	ntfs_attr *na;

	int compressed = !strcmp(kind, "compressed");

	if (!strcmp(kind, "fill") && size > RESIDENT)
		make_solid(vol, path, size);
	else
		create(vol, path, S_IFREG);
	ni = must_open(vol, path);
	/* Both flags, while it is empty: libntfs-3g compresses what is written then. */
	if (compressed && ntfs_attr_set_flags(ni, AT_DATA, AT_UNNAMED, 0, ATTR_IS_COMPRESSED, ATTR_COMPRESSION_MASK))
		die("%s: cannot set the stream's compressed flag", path);
	if (compressed) {
		ni->flags |= FILE_ATTR_COMPRESSED;
		NInoFileNameSetDirty(ni);
	}
	na = open_data(ni, path);
	/* NTFS compresses nothing in clusters of more than 4 KiB. */
	if (compressed && vol->cluster_size <= 4096 && !(na->data_flags & ATTR_COMPRESSION_MASK))
		die("%s: is not compressed", path);
	if (!strcmp(kind, "sparse")) {
		if (ntfs_attr_truncate(na, size))
			die("%s: cannot set the length", path);
	} else {
		write_pattern(na, path, 0, size, compressed);
		if (compressed && ntfs_attr_pclose(na))
			die("%s: cannot finish the compressed data", path);
	}
	ntfs_attr_close(na);
	must_close(ni);
}

void make_stream(ntfs_volume *vol, const char *path, const char *name, s64 size)
{
	ntfs_inode *ni = must_open(vol, path);
	ntfschar *uname = NULL;
	int len = ntfs_mbstoucs(name, &uname);
	ntfs_attr *na;

	if (len <= 0 || ntfs_attr_add(ni, AT_DATA, uname, (u8)len, NULL, 0))
		die("%s:%s: cannot add", path, name);
	na = ntfs_attr_open(ni, AT_DATA, uname, (u32)len);
	if (!na)
		die("%s:%s: cannot open", path, name);
	write_pattern(na, path, 0, size, 0);
	ntfs_attr_close(na);
	must_close(ni);
	free(uname);
}

void make_link(ntfs_volume *vol, const char *path, const char *old)
{
	char *parent = strdup(path), *slash = strrchr(parent, '/');
	const char *name = slash ? path + (slash - parent) + 1 : path;
	ntfschar *uname = NULL;
	ntfs_inode *ni, *dir;
	int len;

	if (slash)
		*slash = 0;
	else
		*parent = 0;
	create(vol, parent, S_IFDIR);
	ni = must_open(vol, old);
	dir = must_open(vol, parent);
	len = ntfs_mbstoucs(name, &uname);
	if (len <= 0 || ntfs_link(ni, dir, uname, (u8)len))
		die("%s: cannot link", path);
	if (ntfs_inode_close_in_dir(ni, dir))
		die("%s: cannot write its MFT record", path);
	must_close(dir);
	free(uname);
	free(parent);
}

void make_junction(ntfs_volume *vol, const char *path, const char *target)
{
	struct {
		le32 tag;
		le16 length, reserved, sub_off, sub_len, print_off, print_len;
		ntfschar text[600];
	} __attribute__((packed)) r = {.tag = const_cpu_to_le32(0xa0000003)};
	char full[512];
	ntfschar *sub = NULL, *print = NULL;
	ntfs_inode *ni;
	int n, m;

	create(vol, path, S_IFDIR);
	snprintf(full, sizeof(full), "\\??\\%s", target);
	n = ntfs_mbstoucs(full, &sub);
	m = ntfs_mbstoucs(target, &print);
	if (n <= 0 || m <= 0 || n + m + 2 > 600)
		die("%s: bad target", path);
	memcpy(r.text, sub, 2 * (size_t)n);
	memcpy(r.text + n + 1, print, 2 * (size_t)m);
	r.sub_len = cpu_to_le16((u16)(2 * n));
	r.print_off = cpu_to_le16((u16)(2 * n + 2));
	r.print_len = cpu_to_le16((u16)(2 * m));
	r.length = cpu_to_le16((u16)(8 + 2 * (n + m + 2)));
	ni = must_open(vol, path);
	if (ntfs_set_ntfs_reparse_data(ni, (const char *)&r, 16 + 2 * (size_t)(n + m + 2), 0))
		die("%s: cannot make a junction", path);
	must_close(ni);
	free(sub);
	free(print);
}

void make_reparse(ntfs_volume *vol, const char *path, const char *tag)
{
	struct {
		le32 tag;
		le16 length, reserved;
		uint8_t data[16];
	} __attribute__((packed)) r = {.tag = cpu_to_le32((u32)strtoul(tag, NULL, 16)), .length = const_cpu_to_le16(16)};
	ntfs_inode *ni = must_open(vol, path);

	if (ntfs_set_ntfs_reparse_data(ni, (const char *)&r, sizeof(r), 0))
		die("%s: cannot set the reparse tag %s", path, tag);
	must_close(ni);
}

void cross_link(ntfs_volume *vol, const char *path, const char *other)
{
	ntfs_inode *ni = must_open(vol, other);
	ntfs_attr *na = open_data(ni, other);
	struct extent e[64];
	s64 size = na->data_size;
	size_t n = 0;

	if (ntfs_attr_map_whole_runlist(na))
		die("%s: cannot read its runlist", other);
	for (runlist_element *r = na->rl; r->length && n < 63; r++)
		if (r->lcn >= 0)
			e[n++] = (struct extent){r->lcn, r->length};
	e[n] = (struct extent){0, 0};
	ntfs_attr_close(na);
	must_close(ni);
	create(vol, path, S_IFREG);
	assign(vol, path, e, size);
}

void track_quota(ntfs_volume *vol)
{
	ntfs_inode *ni = ntfs_pathname_to_inode(vol, NULL, "$Extend/$Quota");
	ntfschar name[2] = {const_cpu_to_le16('$'), const_cpu_to_le16('Q')};
	le32 key = const_cpu_to_le32(1);
	ntfs_index_context *icx = ni ? ntfs_index_ctx_get(ni, name, 2) : NULL;
	QUOTA_CONTROL_ENTRY *q;

	if (!icx || ntfs_index_lookup(&key, sizeof(key), icx))
		die("$Quota: cannot find the defaults");
	q = (QUOTA_CONTROL_ENTRY *)(void *)((uint8_t *)icx->entry + le16_to_cpu(icx->entry->data_offset));
	q->flags = QUOTA_FLAG_DEFAULT_LIMITS | QUOTA_FLAG_TRACKING_ENABLED | QUOTA_FLAG_TRACKING_REQUESTED;
	ntfs_index_entry_mark_dirty(icx);
	ntfs_index_ctx_put(icx);
	must_close(ni);
}

void set_attributes(ntfs_volume *vol, const char *path, const char *letters)
{
	ntfs_inode *ni = must_open(vol, path);

	ni->flags &= ~(FILE_ATTR_READONLY | FILE_ATTR_HIDDEN | FILE_ATTR_SYSTEM | FILE_ATTR_ARCHIVE);
	if (strchr(letters, 'r'))
		ni->flags |= FILE_ATTR_READONLY;
	if (strchr(letters, 'h'))
		ni->flags |= FILE_ATTR_HIDDEN;
	if (strchr(letters, 's'))
		ni->flags |= FILE_ATTR_SYSTEM;
	if (strchr(letters, 'a'))
		ni->flags |= FILE_ATTR_ARCHIVE;
	NInoFileNameSetDirty(ni);
	ntfs_inode_mark_dirty(ni);
	must_close(ni);
}

void set_time(ntfs_volume *vol, const char *path, time_t t)
{
	ntfs_inode *ni = must_open(vol, path);
	struct timespec ts = {.tv_sec = t};
	ntfs_time n = timespec2ntfs(ts);

	ni->creation_time = ni->last_data_change_time = ni->last_mft_change_time = ni->last_access_time = n;
	NInoFileNameSetDirty(ni);
	ntfs_inode_mark_dirty(ni);
	must_close(ni);
}

void set_changed(ntfs_volume *vol, const char *path, time_t t)
{
	ntfs_inode *ni = must_open(vol, path);
	struct timespec ts = {.tv_sec = t};

	ni->last_data_change_time = timespec2ntfs(ts);
	NInoFileNameSetDirty(ni);
	ntfs_inode_mark_dirty(ni);
	must_close(ni);
}

#define MANY_PATH 512

/* One leaf folder of make_many: files of the sizes that a Windows folder has, every fourth a temporary one. */
static void fill_leaf(ntfs_volume *vol, const char *leaf, s64 first, s64 count)
{
	static uint8_t data[8 * 4096];
	ntfs_inode *dir;

	create(vol, leaf, S_IFDIR);
	dir = must_open(vol, leaf);
	for (s64 i = first; i < first + count; i++) {
		s64 mix = (i * 2654435761LL) >> 7 & 0xffff, size = mix % 500;
		char name[64];
		ntfschar *uname = NULL;
		ntfs_inode *ni;
		ntfs_attr *na;
		int len;

		if (i % 8 == 7)
			size = 12000 + mix % 20000;
		else if (i % 8 > 3)
			size = 600 + mix % 7000;
		for (int copy = 0; copy < (i % 4 ? 1 : 2); copy++) {
			snprintf(name, sizeof(name), copy ? "temporary%07" PRId64 ".tmp" : "component-%07" PRId64 "_10.0.1.manifest",
				 i);
			len = ntfs_mbstoucs(name, &uname);
			ni = len > 0 ? ntfs_create(dir, const_cpu_to_le32(0), uname, (u8)len, S_IFREG) : NULL;
			if (!ni)
				die("%s/%s: cannot create", leaf, name);
			ni->flags |= FILE_ATTR_ARCHIVE;
			na = open_data(ni, name);
			memcpy(data, name, sizeof(name));
			write_at(na, name, 0, data, size);
			ntfs_attr_close(na);
			NInoFileNameSetDirty(ni);
			if (ntfs_inode_close_in_dir(ni, dir))
				die("%s/%s: cannot write its MFT record", leaf, name);
			free(uname);
			uname = NULL;
		}
	}
	must_close(dir);
}

static void drop_temporary(ntfs_volume *vol, const char *leaf, s64 first, s64 count)
{
	char path[MANY_PATH + 64];

	for (s64 i = (first + 3) / 4 * 4; i < first + count; i += 4) {
		snprintf(path, sizeof(path), "%s/temporary%07" PRId64 ".tmp", leaf, i);
		delete_file(vol, path);
	}
}

/* Temporary files of a folder go when the next folder is full, so that records and clusters are freed between those in use. */
void make_many(ntfs_volume *vol, const char *dir, s64 n, s64 per)
{
	char leaf[2][MANY_PATH];
	s64 first = 0, before = -1;

	if (per < 1)
		die("%s: so few names in a folder?", dir);
	for (int turn = 0; first < n; first += per, turn = !turn) {
		s64 k = first / per;

		if (n <= per)
			snprintf(leaf[turn], MANY_PATH, "%s", dir);
		else
			snprintf(leaf[turn], MANY_PATH, "%s/level-%02" PRId64 "/level-%02" PRId64 "/folder-%05" PRId64, dir,
				 k / 256, k / 16 % 16, k);
		pack(vol);
		fill_leaf(vol, leaf[turn], first, n - first < per ? n - first : per);
		if (before >= 0)
			drop_temporary(vol, leaf[!turn], before, per);
		before = first;
	}
}

/* Restart pages as Windows lays them out; no log records, so there is nothing to replay but the state is the state. */
void write_journal(ntfs_volume *vol, const char *version, const char *state)
{
	ntfs_inode *ni = ntfs_inode_open(vol, FILE_LogFile);
	ntfs_attr *na = ni ? open_data(ni, "$LogFile") : NULL;
	uint8_t p[4096];
	unsigned major = (unsigned)(version[0] - '0'), minor = (unsigned)(version[2] - '0');
	int bits = 0;

	if (!na)
		die("$LogFile: cannot open");
	for (s64 s = na->data_size; s; s >>= 1)
		bits++;
	for (int page = 0; page < 2; page++) {
		memset(p, 0xff, sizeof(p));
		if (strcmp(state, "empty")) {
			le16 usn = cpu_to_le16((u16)(page + 1)), *usa = (le16 *)(void *)(p + 0x1e);
			uint64_t lsn = 0x100000 + (uint64_t)page * 8;

			memset(p, 0, sizeof(p));
			memcpy(p, "RSTR", 4);
			p[4] = 0x1e;
			p[6] = 9;
			p[0x11] = 0x10; /* system page size 4096 */
			p[0x15] = 0x10; /* log page size 4096 */
			p[0x18] = 0x30;
			p[0x1a] = (uint8_t)minor;
			p[0x1c] = (uint8_t)major;
			memcpy(p + 0x30, &lsn, 8);
			p[0x38] = 1; /* one client */
			memset(p + 0x3a, 0xff, 2); /* none free */
			p[0x3e] = !strcmp(state, "clean") ? 2 : 0;
			p[0x40] = (uint8_t)(67 - bits);
			p[0x44] = 0xe0;
			p[0x46] = 0x40;
			memcpy(p + 0x48, &na->data_size, 8);
			p[0x54] = 0x30;
			p[0x56] = 0x40;
			p[0x58] = 1;
			memcpy(p + 0x70, &lsn, 8);
			memcpy(p + 0x78, &lsn, 8);
			memset(p + 0x80, 0xff, 4);
			p[0x8c] = 8;
			memcpy(p + 0x90, "N\0T\0F\0S\0", 8);
			usa[0] = usn;
			for (int i = 0; i < 8; i++) {
				memcpy(&usa[i + 1], p + 512 * i + 510, 2);
				memcpy(p + 512 * i + 510, &usn, 2);
			}
		}
		write_at(na, "$LogFile", page * 4096, p, sizeof(p));
	}
	ntfs_attr_close(na);
	must_close(ni);
}

void set_serial(ntfs_volume *vol, const char *hex)
{
	uint64_t serial = strtoull(hex, NULL, 16);
	uint8_t boot[512];
	s64 at[2] = {0, 0};

	if (pread(image_fd, boot, sizeof(boot), image_base) != sizeof(boot))
		die("cannot read the boot sector");
	memcpy(&at[1], boot + 0x28, 8);
	at[1] *= vol->sector_size;
	for (int i = 0; i < 2; i++) {
		if (pread(image_fd, boot, sizeof(boot), image_base + at[i]) != sizeof(boot))
			die("cannot read boot sector %d", i);
		if (memcmp(boot + 3, "NTFS    ", 8))
			die("no boot sector at %" PRId64, at[i]);
		memcpy(boot + 0x48, &serial, 8);
		if (pwrite(image_fd, boot, sizeof(boot), image_base + at[i]) != sizeof(boot))
			die("cannot write boot sector %d", i);
	}
}

void report(ntfs_volume *vol)
{
	s64 total, best = 0;
	struct extent *e = free_extents(vol, &total);

	for (struct extent *i = e; i->length; i++)
		if (i->length > best)
			best = i->length;
	free(e);
	printf("cluster %u total %" PRId64 " free %" PRId64 " largest %" PRId64 "\n", vol->cluster_size,
	       vol->nr_clusters * (s64)vol->cluster_size, total * (s64)vol->cluster_size, best * (s64)vol->cluster_size);
}
