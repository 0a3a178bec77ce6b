/* fat.c - the FAT12, FAT16 and FAT32 driver.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading trusts nothing: every cluster number is checked, every chain has an end. Writing refuses a volume whose two
 * FATs disagree (which one is right can't be known), where files share clusters, or that is larger than its partition. After each change the volume is
 * consistent; nothing waits for close. Boot sector and dirty bits are never written.
 */
#include "volume/fat.h"

#include <stdio.h>
#include <time.h>

#include "base/utf16.h"

struct fat_file {
	struct cf_file f;
	struct fat_chain chain;
};

/* ---- what an entry says ----------------------------------------------------------------------------------- */

static uint64_t clusters_for(const struct fat_volume *v, uint64_t bytes)
{
	return bytes / v->g.cluster_size + (bytes % v->g.cluster_size != 0);
}

static int64_t dos_time(cf_le16 date, cf_le16 time)
{
	unsigned d = cf_le16_get(date), t = cf_le16_get(time);
	struct tm tm = {
		.tm_year = (int)(d >> 9) + 80,
		.tm_mon = (int)(d >> 5 & 15) - 1,
		.tm_mday = (int)(d & 31),
		.tm_hour = (int)(t >> 11),
		.tm_min = (int)(t >> 5 & 63),
		.tm_sec = (int)(t & 31) * 2,
	};
	return d ? (int64_t)timegm(&tm) : 0;
}

/* A chain that is damaged gives the length of its good part: reading the file will say what is wrong. */
static void fill_stat(struct fat_volume *v, const struct fat_entry *e, struct cf_stat *st)
{
	FAT_CHAIN chain = { 0 };
	struct cf_error ignored;
	bool folder = e->d.attr & FAT_ATTR_DIRECTORY;
	uint32_t first = cf_fat_entry_cluster(v, &e->d);
	uint64_t allocated = 0;
	if (folder && !e->n && v->g.fs == CF_FS_FAT32)
		first = v->g.root_cluster;
	if (folder && !e->n && v->g.fs != CF_FS_FAT32)
		allocated = (uint64_t)v->g.root_entries * 32;
	else if (cf_fat_chain(v, first, folder ? FAT_DIR_BYTES_MAX / v->g.cluster_size : v->g.clusters, &chain, &ignored) == 0 ||
		 chain.n)
		allocated = chain.clusters * v->g.cluster_size;
	*st = (struct cf_stat){
		.kind = folder ? CF_FILE_DIRECTORY : CF_FILE_REGULAR,
		.size = folder ? 0 : cf_le32_get(e->d.size),
		.allocated = allocated,
		.attributes = e->d.attr & 0x37u,
		.links = 1,
		.mtime = dos_time(e->d.mdate, e->d.mtime),
		.id = first,
		.fragments = chain.n,
	};
}

static char *units_to_utf8(const uint16_t *units, size_t n)
{
	uint8_t bytes[(FAT_NAME_MAX + 1) * 2];
	for (size_t i = 0; i < n; i++)
		cf_st16(bytes + 2 * i, units[i]);
	return cf_utf16_to_utf8(cf_span_of(bytes, 2 * n), NULL);
}

/* ---- operations ------------------------------------------------------------------------------------------- */

static int fat_stat(struct cf_volume *vol, const char *path, struct cf_stat *st, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	struct fat_entry e;
	if (cf_fat_lookup(v, path, &e, NULL, err) < 0)
		return -1;
	fill_stat(v, &e, st);
	return 0;
}

static int fat_list(struct cf_volume *vol, const char *path, int (*fn)(void *, const char *, const struct cf_stat *),
		    void *user, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	FAT_DIR dir = { 0 };
	struct fat_entry e;
	if (cf_fat_lookup(v, path, &e, NULL, err) < 0)
		return -1;
	if (!(e.d.attr & FAT_ATTR_DIRECTORY))
		return cf_fail(err, CF_E_NOT_FOUND, "this is a file, not a folder");
	if (cf_fat_dir_load(v, cf_fat_entry_cluster(v, &e.d), &dir, err) < 0)
		return -1;
	for (size_t pos = 0; cf_fat_dir_next(&dir, &pos, &e);) {
		struct cf_stat st;
		CF_FREE char *name = units_to_utf8(e.name, e.n);
		if (!name)
			return cf_fail_nomem(err);
		fill_stat(v, &e, &st);
		int rc = fn(user, name, &st);
		if (rc)
			return rc;
	}
	return 0;
}

static void fat_close_file(struct cf_file *f)
{
	struct fat_file *file = (struct fat_file *)f;
	cf_fat_chain_free(&file->chain);
	free(file);
}

static void close_filep(struct fat_file **f)
{
	if (*f)
		fat_close_file(&(*f)->f);
}

static struct cf_file *fat_open_file(struct cf_volume *vol, const char *path, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	struct fat_entry e;
	if (cf_fat_lookup(v, path, &e, NULL, err) < 0)
		return NULL;
	if (e.d.attr & FAT_ATTR_DIRECTORY) {
		cf_fail(err, CF_E_UNSUPPORTED, "this is a folder, not a file");
		return NULL;
	}
	struct fat_file *file CF_CLEANUP(close_filep) = calloc(1, sizeof *file);
	if (!file) {
		cf_fail_nomem(err);
		return NULL;
	}
	file->f.vol = vol;
	file->f.size = cf_le32_get(e.d.size);
	uint64_t need = clusters_for(v, file->f.size);
	if (cf_fat_chain(v, need ? cf_fat_entry_cluster(v, &e.d) : 0, need, &file->chain, err) < 0)
		return NULL;
	if (file->chain.clusters < need) {
		cf_fail(err, CF_E_CORRUPT, "the file has %llu bytes, but clusters for %llu only", (unsigned long long)file->f.size,
			(unsigned long long)(file->chain.clusters * v->g.cluster_size));
		return NULL;
	}
	return &CF_STEAL(file)->f;
}

static int fat_read(struct cf_file *f, uint64_t off, void *buf, size_t len, size_t *got, struct cf_error *err)
{
	struct fat_file *file = (struct fat_file *)f;
	struct fat_volume *v = (struct fat_volume *)f->vol;
	for (uint8_t *out = buf; *got < len;) {
		uint64_t run, at = cf_fat_chain_at(v, &file->chain, off + *got, &run);
		size_t n = (size_t)cf_min_u64(run, len - *got);
		if (!n)
			return cf_fail(err, CF_E_INTERNAL, "a file is shorter than it was when it was opened");
		if (cf_block_read(f->vol->slice, at, out + *got, n, err) < 0)
			return -1;
		*got += n;
	}
	return 0;
}

static int fat_extents(struct cf_file *f, int (*fn)(void *, uint64_t, uint64_t, uint64_t), void *user, struct cf_error *err)
{
	struct fat_file *file = (struct fat_file *)f;
	struct fat_volume *v = (struct fat_volume *)f->vol;
	(void)err;
	for (size_t i = 0; i < file->chain.n; i++) {
		const struct fat_run *r = &file->chain.run[i];
		uint64_t off = r->index * v->g.cluster_size;
		uint64_t len = cf_min_u64((uint64_t)r->count * v->g.cluster_size, f->size - off);
		int rc = fn(user, off, fat_cluster_offset(v, r->first), len);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- what the volume is like ------------------------------------------------------------------------------ */

/* Compares the mirrored FATs; entries 0 and 1 may differ, as they hold the dirty bits. */
static int copies_agree(struct fat_volume *v, bool *agree, struct cf_error *err)
{
	uint64_t entries = (uint64_t)v->g.clusters + 2;
	uint64_t width2 = v->g.fs == CF_FS_FAT12 ? 3 : v->g.fs == CF_FS_FAT16 ? 4 : 8; /* bytes of two entries */
	uint64_t used = cf_min_u64(v->g.fat_size, (entries * width2 + 1) / 2);
	CF_FREE uint8_t *a = malloc(FAT_PAGE_SIZE);
	CF_FREE uint8_t *b = malloc(FAT_PAGE_SIZE);
	*agree = true;
	if (!a || !b)
		return cf_fail_nomem(err);
	for (unsigned copy = 1; v->g.mirrored && copy < v->g.n_fats; copy++)
		for (uint64_t off = width2; off < used && *agree; off += FAT_PAGE_SIZE) {
			size_t n = (size_t)cf_min_u64(FAT_PAGE_SIZE, used - off);
			if (cf_block_read(v->v.slice, v->g.fat_offset + off, a, n, err) < 0 ||
			    cf_block_read(v->v.slice, v->g.fat_offset + copy * v->g.fat_size + off, b, n, err) < 0)
				return cf_fail_prefix(err, "the FAT can't be read");
			*agree = memcmp(a, b, n) == 0;
		}
	return 0;
}

/* Windows keeps "clean" and "no errors" as set bits in entry 1, and bit 0 of a boot sector byte as "dirty". */
static int dirty_flag(struct fat_volume *v, bool *dirty, struct cf_error *err)
{
	uint8_t boot[512], fat[8];
	uint64_t at = v->g.fat_offset + v->g.active_fat * v->g.fat_size;
	if (cf_block_read(v->v.slice, 0, boot, sizeof boot, err) < 0 ||
	    cf_block_read(v->v.slice, at, fat, sizeof fat, err) < 0)
		return -1;
	*dirty = boot[v->g.fs == CF_FS_FAT32 ? 0x41 : 0x25] & 1;
	if (v->g.fs == CF_FS_FAT16)
		*dirty = *dirty || (cf_ld16(fat + 2) & 0xc000) != 0xc000;
	if (v->g.fs == CF_FS_FAT32)
		*dirty = *dirty || (cf_ld32(fat + 4) & 0x0c000000) != 0x0c000000;
	return 0;
}

static const char differ[] = "the two copies of the FAT differ; chkdsk can repair that";
static const char too_large[] = "the file system is larger than its partition";

static int fat_health(struct cf_volume *vol, struct cf_volume_health *h, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	bool agree;
	if (dirty_flag(v, &h->dirty_flag, err) < 0 || copies_agree(v, &agree, err) < 0)
		return -1;
	bool large = v->g.total_size > vol->slice->size;
	h->damaged = !agree || large;
	snprintf(h->damage, sizeof h->damage, "%s", large ? too_large : agree ? "" : differ);
	return 0;
}

static int fat_space(struct cf_volume *vol, struct cf_volume_space *s, struct cf_error *err)
{
	return cf_fat_space((struct fat_volume *)vol, s, err);
}

/* Windows shows the label of the root folder; the one in the boot sector counts only if there is none. */
static char *fat_label(struct cf_volume *vol, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	FAT_DIR root = { 0 };
	uint8_t boot[512];
	uint16_t units[12];
	const uint8_t *raw = NULL;
	if (cf_fat_dir_load(v, 0, &root, err) < 0 || cf_block_read(vol->slice, 0, boot, sizeof boot, err) < 0)
		return NULL;
	for (size_t pos = 0; pos < cf_fat_dir_used(&root) && !raw; pos += 32) {
		const uint8_t *p = root.bytes.p + pos;
		if (p[0] != 0xe5 && (p[11] & 0x18) == FAT_ATTR_LABEL && (p[11] & 0x3f) != FAT_ATTR_LFN)
			raw = p;
	}
	bool extended = boot[v->g.fs == CF_FS_FAT32 ? 0x42 : 0x26] == 0x29;
	if (!raw && extended)
		raw = boot + (v->g.fs == CF_FS_FAT32 ? 0x47 : 0x2b);
	size_t n = 0;
	if (raw && memcmp(raw, "NO NAME    ", 11) != 0)
		for (size_t i = 0; i < 11; i++) {
			uint8_t one[11] = "           ";
			one[0] = raw[i];
			if (raw[i] == ' ')
				units[n++] = ' ';
			else if (raw[i])
				n += cf_fat_short_decode(one, 0, units + n);
		}
	while (n && units[n - 1] == ' ')
		n--;
	char *label = units_to_utf8(units, n);
	if (!label)
		cf_fail_nomem(err);
	return label;
}

static int fat_fingerprints(struct cf_volume *vol, int (*fn)(void *, uint64_t, uint64_t, const char *), void *user,
			    struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	(void)err;
	int rc = fn(user, 0, v->g.sector_size, "FAT boot sector");
	if (!rc && v->g.fsinfo_offset)
		rc = fn(user, v->g.fsinfo_offset, 512, "FSInfo sector");
	return rc;
}

static bool fat_mft_can_grow(struct cf_volume *vol)
{
	(void)vol;
	return true;
}

/* ---- open and close --------------------------------------------------------------------------------------- */

static int fat_close(struct cf_volume *vol, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	int rc = v->broken ? 0 : cf_fat_flush(v, err);
	cf_fat_drop(v);
	free(v);
	return rc;
}

static const struct cf_volume_ops fat_ops = {
	.close = fat_close,
	.stat = fat_stat,
	.list = fat_list,
	.open = fat_open_file,
	.read = fat_read,
	.extents = fat_extents,
	.close_file = fat_close_file,
	.replace = cf_fat_replace,
	.create = cf_fat_create,
	.remove = cf_fat_remove,
	.health = fat_health,
	.space = fat_space,
	.label = fat_label,
	.fingerprints = fat_fingerprints,
	.mft_can_grow = fat_mft_can_grow,
};

static int check_writable(struct fat_volume *v, struct cf_error *err)
{
	bool agree;
	if (v->g.total_size > v->v.slice->size)
		return cf_fail(err, CF_E_CORRUPT, "%s", too_large);
	if (v->v.flags & CF_VOL_FORCE_UNCLEAN)
		return 0;
	if (copies_agree(v, &agree, err) < 0)
		return -1;
	if (!agree)
		return cf_fail(err, CF_E_UNCLEAN, "%s (--force-unclean writes nevertheless)", differ);
	if (cf_fat_check(v, err) < 0)
		return cf_fail_prefix(err, "the volume is damaged, so nothing is written to it; chkdsk can repair that "
					   "(--force-unclean writes nevertheless)");
	return 0;
}

static int setup(struct fat_volume *v, struct cf_error *err)
{
	uint8_t boot[512], info[8];
	const char *why;
	if (v->v.slice->size < sizeof boot)
		return cf_fail(err, CF_E_CORRUPT, "too small for a FAT volume");
	if (cf_block_read(v->v.slice, 0, boot, sizeof boot, err) < 0)
		return cf_fail_prefix(err, "the boot sector can't be read");
	if (!cf_fat_geometry(cf_span_of(boot, sizeof boot), &v->g, &why))
		return cf_fail_at(err, CF_E_CORRUPT, 0, "the FAT boot sector is damaged: %s", why);
	v->v.fs = v->g.fs;
	/* Twelve-, sixteen- and 32-bit entries take less than four bytes each; the last page may stay unused. */
	uint64_t bytes = cf_min_u64(((uint64_t)v->g.clusters + 2) * 4, v->g.fat_size);
	v->n_pages = (size_t)(bytes / FAT_PAGE_SIZE + 1);
	if ((uint64_t)(v->n_pages - 1) * FAT_PAGE_SIZE == v->g.fat_size)
		v->n_pages--;
	v->page = calloc(v->n_pages, sizeof *v->page);
	if (!v->page)
		return cf_fail_nomem(err);
	v->next_free = UINT32_MAX;
	if (v->g.fsinfo_offset && cf_range_ok(v->g.fsinfo_offset, 512, v->v.slice->size)) {
		if (cf_block_read(v->v.slice, v->g.fsinfo_offset + 0x1e8, info, sizeof info, err) < 0)
			return cf_fail_prefix(err, "the FSInfo sector can't be read");
		v->next_free = cf_ld32(info + 4);
	}
	return v->v.flags & CF_VOL_WRITE ? check_writable(v, err) : 0;
}

struct cf_volume *cf_fat_open(struct cf_block *slice, int flags, struct cf_error *err)
{
	struct fat_volume *v = calloc(1, sizeof *v);
	if (!v) {
		cf_fail_nomem(err);
		return NULL;
	}
	v->v = (struct cf_volume){ .ops = &fat_ops, .slice = slice, .flags = flags };
	if (setup(v, err) < 0) {
		cf_fat_drop(v);
		free(v);
		return NULL;
	}
	return &v->v;
}
