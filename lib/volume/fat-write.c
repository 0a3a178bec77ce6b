/* fat-write.c - replacing, creating and deleting files on FAT.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each change is planned first: the chain is followed to its end, free clusters and places in the folder are found, and
 * only when nothing can be missing any more the first byte is written. So "no room" leaves the volume as it was. A failed
 * write is different: the volume then takes no further change, and the transaction beneath is dropped.
 */
#include "volume/fat.h"

#include <time.h>

#define PIECE 4096u          /* unit in which old content is compared */
#define FRESH_PIECE (1u << 20) /* unit in which new clusters are filled */
#define DELETED 0xe5

/* ---- planning --------------------------------------------------------------------------------------------- */

static int ready(const struct fat_volume *v, struct cf_span data, struct cf_error *err)
{
	if (v->broken)
		return cf_fail(err, CF_E_IO, "an earlier write to this volume failed half-way, so nothing more is written to it");
	if (data.n > UINT32_MAX)
		return cf_fail(err, CF_E_UNSUPPORTED, "a file on FAT can't be larger than 4 GiB");
	return 0;
}

static uint32_t clusters_for(const struct fat_volume *v, size_t bytes)
{
	return (uint32_t)(bytes / v->g.cluster_size + (bytes % v->g.cluster_size != 0));
}

/* The whole chain of a file, which must be sound: what is cut or freed must belong to this file alone. */
static int whole_chain(struct fat_volume *v, const struct fat_entry_disk *d, struct fat_chain *c, struct cf_error *err)
{
	if (cf_fat_chain(v, cf_fat_entry_cluster(v, d), v->g.clusters, c, err) < 0)
		return -1;
	if (!c->ended)
		return cf_fail(err, CF_E_CORRUPT, "the file's chain of clusters runs in a circle");
	if (c->clusters < clusters_for(v, cf_le32_get(d->size)))
		return cf_fail(err, CF_E_CORRUPT, "the file's chain of clusters is shorter than the file");
	return 0;
}

static uint32_t last_cluster(const struct fat_chain *c)
{
	return c->n ? c->run[c->n - 1].first + c->run[c->n - 1].count - 1 : 0;
}

static uint32_t first_cluster(const struct fat_chain *c)
{
	return c->n ? c->run[0].first : 0;
}

/* n free clusters, malloc'd; NULL with err. */
static uint32_t *plan_clusters(struct fat_volume *v, uint32_t hint, uint32_t n, struct cf_error *err)
{
	/* Before memory is asked for: the number comes from the caller's data, the volume says whether it can be. */
	if (cf_fat_count_free(v, err) < 0)
		return NULL;
	uint32_t *out = calloc(cf_min_u64(n, v->free) + 1, sizeof *out);
	if (!out) {
		cf_fail_nomem(err);
		return NULL;
	}
	if (cf_fat_find_free(v, hint, n, out, err) == 0)
		return out;
	free(out);
	return NULL;
}

static int extend(struct fat_chain *c, const uint32_t *fresh, uint32_t n, struct cf_error *err)
{
	for (uint32_t i = 0; i < n; i++)
		if (cf_fat_chain_add(c, fresh[i]) < 0)
			return cf_fail_nomem(err);
	return 0;
}

/* ---- content ---------------------------------------------------------------------------------------------- */

static int write_old(struct fat_volume *v, uint64_t at, const uint8_t *p, size_t n, bool *changed, struct cf_error *err)
{
	uint8_t old[PIECE];
	if (cf_block_read(v->v.slice, at, old, n, err) < 0)
		return -1;
	if (memcmp(old, p, n) == 0)
		return 0;
	*changed = true;
	return cf_block_write(v->v.slice, at, p, n, err);
}

/* Puts data into the clusters of c. The first `old` clusters hold content to compare with; behind them is free space,
 * and the rest of its last cluster is zeroed, so that nobody's deleted data becomes part of the file. */
static int put_content(struct fat_volume *v, const struct fat_chain *c, uint64_t old, struct cf_span data, bool *changed,
		       struct cf_error *err)
{
	uint64_t border = old * v->g.cluster_size;
	for (uint64_t pos = 0; pos < data.n;) {
		uint64_t run, at = cf_fat_chain_at(v, c, pos, &run);
		uint64_t n = cf_min_u64(cf_min_u64(run, data.n - pos), pos < border ? PIECE - pos % PIECE : FRESH_PIECE);
		if (pos < border)
			n = cf_min_u64(n, border - pos);
		if (!n)
			return cf_fail(err, CF_E_INTERNAL, "too few clusters for the file");
		int rc = pos < border ? write_old(v, at, data.p + pos, (size_t)n, changed, err)
				      : cf_block_write(v->v.slice, at, data.p + pos, (size_t)n, err);
		if (rc < 0)
			return cf_fail_prefix(err, "the file's content can't be written");
		pos += n;
	}
	static const uint8_t zero[PIECE];
	uint64_t end = cf_min_u64(c->clusters, clusters_for(v, data.n)) * v->g.cluster_size;
	for (uint64_t pos = data.n; data.n > border && pos < end;) {
		uint64_t run, at = cf_fat_chain_at(v, c, pos, &run);
		size_t n = (size_t)cf_min_u64(cf_min_u64(run, sizeof zero), end - pos);
		if (cf_block_write(v->v.slice, at, zero, n, err) < 0)
			return cf_fail_prefix(err, "the file's content can't be written");
		pos += n;
	}
	return 0;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

/* Hangs n fresh clusters behind `last` (0: a new chain). */
static int link_clusters(struct fat_volume *v, uint32_t last, const uint32_t *fresh, uint32_t n, struct cf_error *err)
{
	for (uint32_t i = 0; i < n; i++) {
		if (last && cf_fat_set(v, last, fresh[i], err) < 0)
			return -1;
		if (cf_fat_set(v, fresh[i], FAT_END, err) < 0)
			return -1;
		v->next_free = last = fresh[i];
	}
	return 0;
}

/* Keeps the first `keep` clusters of c and frees the others. */
static int cut(struct fat_volume *v, const struct fat_chain *c, uint64_t keep, struct cf_error *err)
{
	if (cf_fat_count_free(v, err) < 0)
		return -1;
	for (size_t i = 0; i < c->n; i++)
		for (uint32_t k = 0; k < c->run[i].count; k++) {
			uint64_t index = c->run[i].index + k;
			if (index + 1 < keep)
				continue;
			if (cf_fat_set(v, c->run[i].first + k, index < keep ? FAT_END : FAT_FREE, err) < 0)
				return -1;
		}
	return 0;
}

/* ---- entries ---------------------------------------------------------------------------------------------- */

/* UTC, as the volume does not say which time zone it means. */
static void stamp(cf_le16 *date, cf_le16 *clock)
{
	time_t now = time(NULL);
	struct tm tm;
	if (!gmtime_r(&now, &tm) || tm.tm_year < 80 || tm.tm_year > 207)
		tm = (struct tm){ .tm_year = 80, .tm_mday = 1 };
	cf_le16_set(date, (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday));
	cf_le16_set(clock, (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | (tm.tm_sec > 59 ? 59 : tm.tm_sec) / 2));
}

static void set_entry(struct fat_entry_disk *d, uint32_t first, size_t size, enum cf_fs fs)
{
	cf_le16_set(&d->cluster_low, (uint16_t)first);
	if (fs == CF_FS_FAT32)
		cf_le16_set(&d->cluster_high, (uint16_t)(first >> 16));
	cf_le32_set(&d->size, (uint32_t)size);
	stamp(&d->mdate, &d->mtime);
	d->adate = d->mdate;
	d->attr |= FAT_ATTR_ARCHIVE;
}

/* ---- replace ---------------------------------------------------------------------------------------------- */

static int replace(struct fat_volume *v, struct fat_entry *e, struct fat_dir *dir, struct fat_chain *chain,
		   struct cf_span data, struct cf_error *err)
{
	uint64_t old = chain->clusters;
	uint32_t last = last_cluster(chain), need = clusters_for(v, data.n);
	uint32_t more = need > old ? (uint32_t)(need - old) : 0;
	bool changed = data.n != cf_le32_get(e->d.size);
	CF_FREE uint32_t *fresh = plan_clusters(v, last ? last + 1 : v->next_free, more, err);
	if (!fresh || extend(chain, fresh, more, err) < 0)
		return -1;
	v->broken = true;
	if (put_content(v, chain, old, data, &changed, err) < 0)
		return -1;
	if (changed) {
		if (link_clusters(v, last, fresh, more, err) < 0 || (need < old && cut(v, chain, need, err) < 0) ||
		    cf_fat_flush(v, err) < 0)
			return -1;
		set_entry(&e->d, need ? first_cluster(chain) : 0, data.n, v->g.fs);
		memcpy(dir->bytes.p + e->pos, &e->d, sizeof e->d);
		if (cf_fat_dir_write(v, dir, e->pos, sizeof e->d, err) < 0)
			return -1;
	}
	v->broken = false;
	return 0;
}

/* Finds a file (no folder) to be changed. */
static int find_file(struct fat_volume *v, const char *path, struct fat_entry *e, struct fat_dir *dir,
		     struct fat_chain *chain, struct cf_error *err)
{
	if (cf_fat_lookup(v, path, e, dir, err) < 0)
		return -1;
	if (e->d.attr & FAT_ATTR_DIRECTORY)
		return cf_fail(err, CF_E_REFUSED, "this is a folder, not a file");
	return whole_chain(v, &e->d, chain, err);
}

int cf_fat_replace(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	FAT_DIR dir = { 0 };
	FAT_CHAIN chain = { 0 };
	struct fat_entry e;
	if (ready(v, data, err) < 0 || find_file(v, path, &e, &dir, &chain, err) < 0)
		return -1;
	return replace(v, &e, &dir, &chain, data, err);
}

/* ---- create ----------------------------------------------------------------------------------------------- */

/* A new name: its entries in order, the short one last. */
struct new_name {
	size_t n;
	uint8_t entry[FAT_LFN_MAX + 1][32];
};

static int compare_short(const void *a, const void *b)
{
	return memcmp(a, b, 11);
}

/* Chooses an alias that no entry of the folder has. */
static int choose_alias(const struct fat_dir *dir, const uint16_t *name, size_t n, uint8_t raw[11], struct cf_error *err)
{
	size_t used = 0;
	struct fat_entry e;
	CF_FREE uint8_t *all = malloc(dir->bytes.n / 32 * 11 + 1);
	if (!all)
		return cf_fail_nomem(err);
	for (size_t pos = 0; cf_fat_dir_next(dir, &pos, &e); used++)
		memcpy(all + used * 11, e.d.name, 11);
	qsort(all, used, 11, compare_short);
	for (uint32_t attempt = 0; attempt <= used + 1; attempt++) {
		uint16_t text[12];
		if (!cf_fat_short_alias(name, n, attempt, raw) || bsearch(raw, all, used, 11, compare_short))
			continue;
		if (!cf_fat_dir_find(dir, text, cf_fat_short_decode(raw, 0, text), &e))
			return 0;
	}
	return cf_fail(err, CF_E_NO_SPACE, "no short name is left for this file in its folder");
}

static void lfn_entry(const uint16_t *name, size_t n, size_t part, bool last, uint8_t sum, uint8_t out[32])
{
	struct fat_lfn_disk d = { .order = (uint8_t)(part + 1) | (last ? 0x40 : 0), .attr = FAT_ATTR_LFN, .sum = sum };
	uint8_t *place[3] = { d.name1, d.name2, d.name3 };
	static const size_t length[3] = { 5, 6, 2 };
	size_t at = part * FAT_LFN_UNITS;
	for (size_t p = 0; p < 3; p++)
		for (size_t i = 0; i < length[p]; i++, at++)
			cf_st16(place[p] + 2 * i, at < n ? name[at] : at == n ? 0 : 0xffff);
	memcpy(out, &d, sizeof d);
}

static int make_name(const struct fat_dir *dir, const uint16_t *name, size_t n, struct new_name *out,
		     struct fat_entry_disk *d, struct cf_error *err)
{
	struct fat_entry e;
	out->n = 0;
	if (cf_fat_dir_find(dir, name, n, &e))
		return cf_fail(err, CF_E_REFUSED, "a file or folder of this name exists");
	if (!cf_fat_short_exact(name, n, d->name, &d->nt_case)) {
		if (choose_alias(dir, name, n, d->name, err) < 0)
			return -1;
		size_t parts = (n + FAT_LFN_UNITS - 1) / FAT_LFN_UNITS;
		for (size_t i = parts; i-- > 0;)
			lfn_entry(name, n, i, i + 1 == parts, cf_fat_short_sum(d->name), out->entry[out->n++]);
	}
	out->n++; /* the short entry, which is filled in last */
	return 0;
}

/* Where n entries fit: behind each other, deleted or behind the end. */
static size_t find_slot(const struct fat_dir *dir, size_t n, size_t used)
{
	size_t run = 0;
	for (size_t pos = 0; pos < used; pos += 32) {
		run = dir->bytes.p[pos] == DELETED ? run + 1 : 0;
		if (run == n)
			return pos + 32 - n * 32;
	}
	return used - run * 32;
}

struct creation {
	struct fat_dir dir;
	struct cf_buf name;
	struct new_name names;
	struct fat_entry_disk d;
	size_t slot, used;
	uint32_t data_clusters, dir_clusters;
};

static void creation_free(struct creation *c)
{
	cf_fat_dir_free(&c->dir);
	cf_buf_free(&c->name);
}

static int plan_creation(struct fat_volume *v, const char *path, size_t size, struct creation *c, struct cf_error *err)
{
	uint16_t units[FAT_NAME_MAX];
	if (cf_fat_lookup_parent(v, path, &c->dir, &c->name, err) < 0)
		return -1;
	for (size_t i = 0; i < c->name.n / 2; i++)
		units[i] = cf_ld16(c->name.p + 2 * i);
	if (make_name(&c->dir, units, c->name.n / 2, &c->names, &c->d, err) < 0)
		return -1;
	c->used = cf_fat_dir_used(&c->dir);
	c->slot = find_slot(&c->dir, c->names.n, c->used);
	c->data_clusters = clusters_for(v, size);
	size_t end = c->slot + c->names.n * 32;
	if (end > c->dir.bytes.n) {
		if (c->dir.fixed || end > FAT_DIR_BYTES_MAX)
			return cf_fail(err, CF_E_NO_SPACE, "the folder is full");
		c->dir_clusters = clusters_for(v, end - c->dir.bytes.n);
	}
	return 0;
}

/* Puts the entries into the loaded folder and writes what changed. */
static int write_entries(struct fat_volume *v, struct creation *c, size_t old_size, struct cf_error *err)
{
	size_t end = c->slot + c->names.n * 32;
	memcpy(c->names.entry[c->names.n - 1], &c->d, sizeof c->d);
	memcpy(c->dir.bytes.p + c->slot, c->names.entry, c->names.n * 32);
	if (c->dir.bytes.n > old_size) {
		end = c->dir.bytes.n; /* the new clusters whole: their old content must not become entries */
	} else if (end > c->used && end < c->dir.bytes.n && c->dir.bytes.p[end]) {
		/* The old end mark is overwritten, and what lies behind it was never an entry. */
		memset(c->dir.bytes.p + end, 0, 32);
		end += 32;
	}
	return cf_fat_dir_write(v, &c->dir, c->slot, end - c->slot, err);
}

static int carry_out(struct fat_volume *v, struct creation *c, const uint32_t *fresh, struct cf_span data,
		     struct cf_error *err)
{
	FAT_CHAIN chain = { 0 };
	const uint32_t *for_dir = fresh + c->data_clusters;
	size_t old_size = c->dir.bytes.n;
	uint32_t last = last_cluster(&c->dir.chain);
	bool changed;
	if (extend(&chain, fresh, c->data_clusters, err) < 0 || extend(&c->dir.chain, for_dir, c->dir_clusters, err) < 0)
		return -1;
	if (cf_buf_resize(&c->dir.bytes, old_size + (size_t)c->dir_clusters * v->g.cluster_size) < 0)
		return cf_fail_nomem(err);
	v->broken = true;
	if (put_content(v, &chain, 0, data, &changed, err) < 0 || link_clusters(v, 0, fresh, c->data_clusters, err) < 0 ||
	    link_clusters(v, last, for_dir, c->dir_clusters, err) < 0 || cf_fat_flush(v, err) < 0)
		return -1;
	set_entry(&c->d, first_cluster(&chain), data.n, v->g.fs);
	c->d.cdate = c->d.mdate;
	c->d.ctime = c->d.mtime;
	if (write_entries(v, c, old_size, err) < 0)
		return -1;
	v->broken = false;
	return 0;
}

int cf_fat_create(struct cf_volume *vol, const char *path, struct cf_span data, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	struct creation c CF_CLEANUP(creation_free) = { 0 };
	if (ready(v, data, err) < 0 || plan_creation(v, path, data.n, &c, err) < 0)
		return -1;
	CF_FREE uint32_t *fresh = plan_clusters(v, v->next_free, c.data_clusters + c.dir_clusters, err);
	if (!fresh)
		return -1;
	return carry_out(v, &c, fresh, data, err);
}

/* ---- delete ----------------------------------------------------------------------------------------------- */

int cf_fat_remove(struct cf_volume *vol, const char *path, struct cf_error *err)
{
	struct fat_volume *v = (struct fat_volume *)vol;
	FAT_DIR dir = { 0 };
	FAT_CHAIN chain = { 0 };
	struct fat_entry e;
	if (ready(v, cf_span_of(NULL, 0), err) < 0 || find_file(v, path, &e, &dir, &chain, err) < 0)
		return -1;
	v->broken = true;
	if (cut(v, &chain, 0, err) < 0 || cf_fat_flush(v, err) < 0)
		return -1;
	for (size_t pos = e.first; pos <= e.pos; pos += 32)
		dir.bytes.p[pos] = DELETED;
	if (cf_fat_dir_write(v, &dir, e.first, e.pos + 32 - e.first, err) < 0)
		return -1;
	v->broken = false;
	return 0;
}
