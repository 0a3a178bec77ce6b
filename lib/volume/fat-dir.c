/* fat-dir.c - folders: reading entries with their long names, and finding a path.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A folder is loaded whole (it has at most 65,536 entries) and looked at in memory. A long name counts only if all its
 * parts are there in order and carry the checksum of the short name that follows, and if it is a name that Windows
 * allows; else the short name is the name. So a name never holds a separator, and never is "." or "..".
 */
#include "volume/fat.h"

#include "base/utf16.h"
#include "volume/path.h"

#define DELETED 0xe5
#define LFN_LAST 0x40

/* ---- loading and writing ---------------------------------------------------------------------------------- */

void cf_fat_dir_free(struct fat_dir *dir)
{
	cf_fat_chain_free(&dir->chain);
	cf_buf_free(&dir->bytes);
}

/* Place on the volume of byte pos of the folder. */
static uint64_t dir_at(const struct fat_volume *v, const struct fat_dir *dir, uint64_t pos, uint64_t *run)
{
	if (!dir->fixed)
		return cf_fat_chain_at(v, &dir->chain, pos, run);
	*run = (uint64_t)v->g.root_entries * 32 - pos;
	return v->g.root_offset + pos;
}

static int load(struct fat_volume *v, uint32_t cluster, struct fat_dir *dir, struct cf_error *err)
{
	uint64_t size, run, limit = FAT_DIR_BYTES_MAX / v->g.cluster_size;
	if (!cluster && v->g.fs != CF_FS_FAT32) {
		dir->fixed = true;
		size = (uint64_t)v->g.root_entries * 32;
	} else {
		if (cf_fat_chain(v, cluster ? cluster : v->g.root_cluster, limit, &dir->chain, err) < 0)
			return cf_fail_prefix(err, "a folder is damaged");
		if (!dir->chain.ended)
			return cf_fail(err, CF_E_CORRUPT, "a folder is larger than a FAT folder can be, or runs in a circle");
		size = dir->chain.clusters * v->g.cluster_size;
	}
	if (cf_buf_resize(&dir->bytes, (size_t)size) < 0)
		return cf_fail_nomem(err);
	for (uint64_t pos = 0; pos < size; pos += run) {
		uint64_t at = dir_at(v, dir, pos, &run);
		if (cf_block_read(v->v.slice, at, dir->bytes.p + pos, (size_t)run, err) < 0)
			return cf_fail_prefix(err, "a folder can't be read");
	}
	return 0;
}

int cf_fat_dir_load(struct fat_volume *v, uint32_t cluster, struct fat_dir *dir, struct cf_error *err)
{
	*dir = (struct fat_dir){ 0 };
	if (load(v, cluster, dir, err) == 0)
		return 0;
	cf_fat_dir_free(dir);
	return -1;
}

int cf_fat_dir_write(struct fat_volume *v, const struct fat_dir *dir, size_t from, size_t len, struct cf_error *err)
{
	while (len) {
		uint64_t run, at = dir_at(v, dir, from, &run);
		size_t n = (size_t)cf_min_u64(run, len);
		if (!n)
			return cf_fail(err, CF_E_INTERNAL, "a folder is smaller than what is to be written to it");
		if (cf_block_write(v->v.slice, at, dir->bytes.p + from, n, err) < 0)
			return cf_fail_prefix(err, "a folder can't be written");
		from += n;
		len -= n;
	}
	return 0;
}

/* ---- entries ---------------------------------------------------------------------------------------------- */

struct lfn {
	uint16_t unit[FAT_LFN_MAX * FAT_LFN_UNITS];
	unsigned parts, expect; /* expect: number of the next part, 0 when complete */
	uint8_t sum;
	size_t first;
	bool valid;
};

static void lfn_part(struct lfn *l, const uint8_t *raw, size_t pos)
{
	struct fat_lfn_disk d;
	memcpy(&d, raw, sizeof d);
	unsigned order = d.order & 0x1f;
	if (d.order & LFN_LAST) {
		*l = (struct lfn){ .parts = order, .expect = order, .sum = d.sum, .first = pos, .valid = true };
		if (!order || order > FAT_LFN_MAX)
			l->valid = false;
	}
	if (!l->valid || !l->expect || order != l->expect || d.sum != l->sum) {
		l->valid = false;
		return;
	}
	uint16_t *u = l->unit + (order - 1) * FAT_LFN_UNITS;
	for (size_t i = 0; i < 5; i++)
		*u++ = cf_ld16(d.name1 + 2 * i);
	for (size_t i = 0; i < 6; i++)
		*u++ = cf_ld16(d.name2 + 2 * i);
	for (size_t i = 0; i < 2; i++)
		*u++ = cf_ld16(d.name3 + 2 * i);
	l->expect--;
}

/* The long name in front of entry e, if it is one. */
static bool take_lfn(const struct lfn *l, struct fat_entry *e)
{
	if (!l->valid || l->expect || l->sum != cf_fat_short_sum(e->d.name))
		return false;
	size_t n = 0, max = (size_t)l->parts * FAT_LFN_UNITS;
	while (n < max && l->unit[n])
		n++;
	e->first = l->first; /* the parts belong to this entry even if Windows would not allow the name */
	if (!cf_fat_long_valid(l->unit, n))
		return false;
	memcpy(e->name, l->unit, n * sizeof *l->unit);
	e->n = n;
	return true;
}

static bool dots_only(const struct fat_entry *e)
{
	return !e->n || (e->name[0] == '.' && (e->n == 1 || (e->n == 2 && e->name[1] == '.')));
}

bool cf_fat_dir_next(const struct fat_dir *dir, size_t *pos, struct fat_entry *e)
{
	struct lfn l = { .valid = false };
	for (; *pos + 32 <= dir->bytes.n; *pos += 32) {
		const uint8_t *raw = dir->bytes.p + *pos;
		if (!raw[0])
			return false;
		if (raw[0] == DELETED) {
			l.valid = false;
			continue;
		}
		if ((raw[11] & 0x3f) == FAT_ATTR_LFN) {
			lfn_part(&l, raw, *pos);
			continue;
		}
		*e = (struct fat_entry){ .first = *pos, .pos = *pos };
		memcpy(&e->d, raw, sizeof e->d);
		e->n_alias = cf_fat_short_decode(e->d.name, 0, e->alias);
		if (!(e->d.attr & FAT_ATTR_LABEL)) {
			if (!take_lfn(&l, e))
				e->n = cf_fat_short_decode(e->d.name, e->d.nt_case, e->name);
			if (!dots_only(e)) {
				*pos += 32;
				return true;
			}
		}
		l.valid = false;
	}
	return false;
}

bool cf_fat_dir_find(const struct fat_dir *dir, const uint16_t *name, size_t n, struct fat_entry *e)
{
	for (size_t pos = 0; cf_fat_dir_next(dir, &pos, e);)
		if (cf_fat_name_eq(name, n, e->name, e->n) || cf_fat_name_eq(name, n, e->alias, e->n_alias))
			return true;
	return false;
}

size_t cf_fat_dir_used(const struct fat_dir *dir)
{
	size_t pos = 0;
	while (pos + 32 <= dir->bytes.n && dir->bytes.p[pos])
		pos += 32;
	return pos;
}

uint32_t cf_fat_entry_cluster(const struct fat_volume *v, const struct fat_entry_disk *d)
{
	uint32_t high = v->g.fs == CF_FS_FAT32 ? cf_le16_get(d->cluster_high) : 0;
	return high << 16 | cf_le16_get(d->cluster_low);
}

/* ---- paths ------------------------------------------------------------------------------------------------ */

static int name_units(const char *name, uint16_t *out, size_t *n, struct cf_error *err)
{
	CF_BUF b = { 0 };
	if (cf_utf8_to_utf16(name, &b) < 0)
		return cf_fail(err, CF_E_USAGE, "a path is not well-formed UTF-8");
	if (b.n > FAT_NAME_MAX * 2)
		return cf_fail(err, CF_E_NOT_FOUND, "no such file or folder (the name has more than 255 characters)");
	*n = b.n / 2;
	for (size_t i = 0; i < *n; i++)
		out[i] = cf_ld16(b.p + 2 * i);
	return 0;
}

/* Goes down the first n names of p. dir is the folder that e lies in; for n 0 it stays empty and e is the root. */
static int walk(struct fat_volume *v, const struct cf_path *p, size_t n, struct fat_entry *e, struct fat_dir *dir,
		struct cf_error *err)
{
	uint32_t cluster = 0;
	*e = (struct fat_entry){ .d.attr = FAT_ATTR_DIRECTORY };
	for (size_t i = 0; i < n; i++) {
		uint16_t name[FAT_NAME_MAX];
		size_t units = 0;
		if (name_units(p->name[i], name, &units, err) < 0)
			return -1;
		cf_fat_dir_free(dir);
		if (cf_fat_dir_load(v, cluster, dir, err) < 0)
			return -1;
		if (!cf_fat_dir_find(dir, name, units, e) || (i + 1 < n && !(e->d.attr & FAT_ATTR_DIRECTORY)))
			return cf_fail(err, CF_E_NOT_FOUND, "no such file or folder");
		cluster = cf_fat_entry_cluster(v, &e->d);
		if ((e->d.attr & FAT_ATTR_DIRECTORY) && !cluster)
			return cf_fail(err, CF_E_CORRUPT, "the folder \"%s\" has no cluster", p->name[i]);
	}
	return 0;
}

int cf_fat_lookup(struct fat_volume *v, const char *path, struct fat_entry *e, struct fat_dir *dir, struct cf_error *err)
{
	CF_PATH p = { 0 };
	FAT_DIR parent = { 0 };
	if (cf_path_split(path, &p, err) < 0 || walk(v, &p, p.n, e, &parent, err) < 0)
		return -1;
	if (dir) {
		*dir = parent;
		parent = (struct fat_dir){ 0 };
	}
	return 0;
}

int cf_fat_lookup_parent(struct fat_volume *v, const char *path, struct fat_dir *dir, struct cf_buf *name,
			 struct cf_error *err)
{
	CF_PATH p = { 0 };
	FAT_DIR above = { 0 };
	struct fat_entry e;
	if (cf_path_split(path, &p, err) < 0)
		return -1;
	if (!p.n)
		return cf_fail(err, CF_E_REFUSED, "the root folder can't be created");
	if (cf_name_check_new(p.name[p.n - 1], err) < 0 || walk(v, &p, p.n - 1, &e, &above, err) < 0)
		return -1;
	if (!(e.d.attr & FAT_ATTR_DIRECTORY))
		return cf_fail(err, CF_E_NOT_FOUND, "no such folder");
	name->n = 0;
	if (cf_utf8_to_utf16(p.name[p.n - 1], name) < 0)
		return cf_fail_nomem(err);
	return cf_fat_dir_load(v, cf_fat_entry_cluster(v, &e.d), dir, err);
}
