/* fat-table.c - the file allocation table: which cluster follows which.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The active FAT is held in memory in pages, loaded when first needed. Changes stay there until cf_fat_flush writes
 * exactly the sectors that differ, to every mirrored copy. Entries 0 and 1 (media byte, dirty bits) and the four upper
 * bits of a FAT32 entry are never changed.
 */
#include "volume/fat.h"

#include "base/grow.h"

#define FAT_PAGES_CLEAN_MAX 1024 /* 48 MiB; beyond that clean pages are let go */

/* ---- pages ------------------------------------------------------------------------------------------------ */

static size_t page_length(const struct fat_volume *v, size_t i)
{
	return (size_t)cf_min_u64(FAT_PAGE_SIZE, v->g.fat_size - (uint64_t)i * FAT_PAGE_SIZE);
}

static void drop_clean(struct fat_volume *v)
{
	for (size_t i = 0; i < v->n_pages; i++)
		if (v->page[i].bytes && !v->page[i].dirty) {
			free(v->page[i].bytes);
			v->page[i].bytes = NULL;
			v->n_loaded--;
		}
}

void cf_fat_drop(struct fat_volume *v)
{
	for (size_t i = 0; i < v->n_pages; i++)
		free(v->page[i].bytes);
	free(v->page);
	v->page = NULL;
	v->n_pages = 0;
}

static struct fat_page *load(struct fat_volume *v, uint64_t off, struct cf_error *err)
{
	size_t i = (size_t)(off / FAT_PAGE_SIZE);
	struct fat_page *p = &v->page[i];
	if (p->bytes)
		return p;
	if (v->n_loaded >= FAT_PAGES_CLEAN_MAX)
		drop_clean(v);
	CF_FREE uint8_t *bytes = calloc(1, FAT_PAGE_SIZE);
	if (!bytes) {
		cf_fail_nomem(err);
		return NULL;
	}
	uint64_t at = v->g.fat_offset + v->g.active_fat * v->g.fat_size + (uint64_t)i * FAT_PAGE_SIZE;
	if (cf_block_read(v->v.slice, at, bytes, page_length(v, i), err) < 0) {
		cf_fail_prefix(err, "the FAT can't be read");
		return NULL;
	}
	p->bytes = CF_STEAL(bytes);
	v->n_loaded++;
	return p;
}

/* ---- entries ---------------------------------------------------------------------------------------------- */

static uint64_t entry_offset(const struct fat_volume *v, uint32_t cluster)
{
	if (v->g.fs == CF_FS_FAT12)
		return (uint64_t)cluster + cluster / 2;
	return (uint64_t)cluster * (v->g.fs == CF_FS_FAT16 ? 2 : 4);
}

static bool cluster_ok(const struct fat_volume *v, uint32_t cluster)
{
	return cluster >= 2 && cluster - 2 < v->g.clusters;
}

static uint32_t decode(const struct fat_volume *v, const uint8_t *p, uint32_t cluster)
{
	uint32_t value, top;
	switch (v->g.fs) {
	case CF_FS_FAT12:
		value = cluster & 1 ? cf_ld16(p) >> 4 : cf_ld16(p) & 0xfffu;
		top = 0xff0;
		break;
	case CF_FS_FAT16:
		value = cf_ld16(p);
		top = 0xfff0;
		break;
	default:
		value = cf_ld32(p) & 0x0fffffff;
		top = 0x0ffffff0;
		break;
	}
	if (value >= (top | 8))
		return FAT_END;
	return value == (top | 7) ? FAT_BAD : value;
}

int cf_fat_get(struct fat_volume *v, uint32_t cluster, uint32_t *value, struct cf_error *err)
{
	uint64_t off = entry_offset(v, cluster);
	if (!cluster_ok(v, cluster))
		return cf_fail(err, CF_E_CORRUPT, "cluster %u does not exist", cluster);
	struct fat_page *p = load(v, off, err);
	if (!p)
		return -1;
	*value = decode(v, p->bytes + off % FAT_PAGE_SIZE, cluster);
	return 0;
}

int cf_fat_set(struct fat_volume *v, uint32_t cluster, uint32_t value, struct cf_error *err)
{
	uint64_t off = entry_offset(v, cluster);
	if (!cluster_ok(v, cluster))
		return cf_fail(err, CF_E_INTERNAL, "cluster %u does not exist", cluster);
	struct fat_page *page = load(v, off, err);
	if (!page)
		return -1;
	size_t at = (size_t)(off % FAT_PAGE_SIZE), width = v->g.fs == CF_FS_FAT32 ? 4 : 2;
	uint8_t *p = page->bytes + at;
	uint32_t was = decode(v, p, cluster);
	if (was == value)
		return 0;
	if (v->g.fs == CF_FS_FAT32)
		cf_st32(p, (cf_ld32(p) & 0xf0000000) | (value & 0x0fffffff));
	else if (v->g.fs == CF_FS_FAT16)
		cf_st16(p, (uint16_t)value);
	else if (cluster & 1)
		cf_st16(p, (uint16_t)((cf_ld16(p) & 0x000f) | (value & 0xfff) << 4));
	else
		cf_st16(p, (uint16_t)((cf_ld16(p) & 0xf000) | (value & 0xfff)));
	page->dirty = true;
	page->sector[at / 512] = page->sector[(at + width - 1) / 512] = true;
	v->fat_changed = true;
	if (v->free_known)
		v->free += (value == FAT_FREE) - (was == FAT_FREE);
	return 0;
}

/* ---- writing out ------------------------------------------------------------------------------------------ */

static int write_page(struct fat_volume *v, size_t i, struct cf_error *err)
{
	struct fat_page *p = &v->page[i];
	size_t len = page_length(v, i);
	for (size_t s = 0; s < FAT_PAGE_SECTORS; s++) {
		size_t from = s * 512;
		if (!p->sector[s])
			continue;
		while (s + 1 < FAT_PAGE_SECTORS && p->sector[s + 1])
			s++;
		size_t n = (size_t)cf_min_u64((s + 1) * 512, len) - from;
		for (unsigned copy = 0; copy < v->g.n_fats; copy++) {
			if (!v->g.mirrored && copy != v->g.active_fat)
				continue;
			uint64_t at = v->g.fat_offset + copy * v->g.fat_size + (uint64_t)i * FAT_PAGE_SIZE + from;
			if (cf_block_write(v->v.slice, at, p->bytes + from, n, err) < 0)
				return cf_fail_prefix(err, "the FAT can't be written");
		}
	}
	memset(p->sector, 0, sizeof p->sector);
	p->dirty = false;
	return 0;
}

/* FSInfo: 0x000 "RRaA", 0x1e4 "rrAa", 0x1e8 free clusters, 0x1ec next free, 0x1fc 00 00 55 AA. One without its marks is
 * left alone. */
static int write_fsinfo(struct fat_volume *v, struct cf_error *err)
{
	uint8_t s[512], now[8];
	if (!v->g.fsinfo_offset)
		return 0;
	if (cf_block_read(v->v.slice, v->g.fsinfo_offset, s, sizeof s, err) < 0)
		return cf_fail_prefix(err, "the FSInfo sector can't be read");
	if (memcmp(s, "RRaA", 4) != 0 || memcmp(s + 0x1e4, "rrAa", 4) != 0 || cf_ld32(s + 0x1fc) != 0xaa550000)
		return 0;
	if (cf_fat_count_free(v, err) < 0)
		return -1;
	cf_st32(now, v->free);
	cf_st32(now + 4, v->next_free);
	if (memcmp(s + 0x1e8, now, sizeof now) == 0)
		return 0;
	if (cf_block_write(v->v.slice, v->g.fsinfo_offset + 0x1e8, now, sizeof now, err) < 0)
		return cf_fail_prefix(err, "the FSInfo sector can't be written");
	return 0;
}

int cf_fat_flush(struct fat_volume *v, struct cf_error *err)
{
	if (!v->fat_changed)
		return 0;
	for (size_t i = 0; i < v->n_pages; i++)
		if (v->page[i].dirty && write_page(v, i, err) < 0)
			return -1;
	if (write_fsinfo(v, err) < 0)
		return -1;
	v->fat_changed = false;
	return 0;
}

/* ---- free space ------------------------------------------------------------------------------------------- */

int cf_fat_space(struct fat_volume *v, struct cf_volume_space *s, struct cf_error *err)
{
	uint64_t run = 0, largest = 0, runs = 0;
	uint32_t n_free = 0;
	for (uint32_t c = 2; c - 2 < v->g.clusters; c++) {
		uint32_t value;
		if (cf_fat_get(v, c, &value, err) < 0)
			return -1;
		if (value != FAT_FREE) {
			run = 0;
			continue;
		}
		runs += run == 0;
		largest = cf_max_u64(largest, ++run);
		n_free++;
	}
	v->free = n_free;
	v->free_known = true;
	*s = (struct cf_volume_space){
		.total_bytes = (uint64_t)v->g.clusters * v->g.cluster_size,
		.free_bytes = (uint64_t)n_free * v->g.cluster_size,
		.cluster_size = v->g.cluster_size,
		.largest_free_extent_bytes = largest * v->g.cluster_size,
		.free_extents = runs,
	};
	return 0;
}

int cf_fat_count_free(struct fat_volume *v, struct cf_error *err)
{
	struct cf_volume_space s;
	return v->free_known ? 0 : cf_fat_space(v, &s, err);
}

int cf_fat_find_free(struct fat_volume *v, uint32_t hint, uint32_t n, uint32_t *out, struct cf_error *err)
{
	if (cf_fat_count_free(v, err) < 0)
		return -1;
	if (n > v->free)
		return cf_fail(err, CF_E_NO_SPACE, "the volume is full: %llu bytes are needed, %llu are free",
			       (unsigned long long)n * v->g.cluster_size, (unsigned long long)v->free * v->g.cluster_size);
	uint32_t c = cluster_ok(v, hint) ? hint : 2, found = 0;
	for (uint32_t i = 0; i < v->g.clusters && found < n; i++) {
		uint32_t value;
		if (cf_fat_get(v, c, &value, err) < 0)
			return -1;
		if (value == FAT_FREE)
			out[found++] = c;
		c = c - 2 == v->g.clusters - 1 ? 2 : c + 1;
	}
	if (found < n)
		return cf_fail(err, CF_E_INTERNAL, "the count of free clusters was wrong");
	return 0;
}

/* ---- chains ----------------------------------------------------------------------------------------------- */

int cf_fat_chain_add(struct fat_chain *c, uint32_t cluster)
{
	struct fat_run *last = c->n ? &c->run[c->n - 1] : NULL;
	if (last && cluster == last->first + last->count) {
		last->count++;
		c->clusters++;
		return 0;
	}
	if (!CF_ROOM(c->run, c->n, c->cap, 8))
		return -1;
	c->run[c->n++] = (struct fat_run){ .index = c->clusters++, .first = cluster, .count = 1 };
	return 0;
}

void cf_fat_chain_free(struct fat_chain *c)
{
	free(c->run);
	*c = (struct fat_chain){ 0 };
}

int cf_fat_chain(struct fat_volume *v, uint32_t first, uint64_t limit, struct fat_chain *c, struct cf_error *err)
{
	uint32_t at = first;
	*c = (struct fat_chain){ .ended = first == 0 };
	while (!c->ended && c->clusters < limit) {
		uint32_t next;
		if (!cluster_ok(v, at))
			return cf_fail(err, CF_E_CORRUPT, "a chain of clusters leads to cluster %u, which does not exist", at);
		if (cf_fat_get(v, at, &next, err) < 0)
			return -1;
		if (next == FAT_FREE || next == FAT_BAD)
			return cf_fail(err, CF_E_CORRUPT, "a chain of clusters leads to cluster %u, which is %s", at,
				       next == FAT_FREE ? "free" : "marked bad");
		/* More clusters than the volume has: the chain runs in a circle. */
		if (c->clusters >= v->g.clusters)
			return cf_fail(err, CF_E_CORRUPT, "the chain of clusters that begins at %u runs in a circle", first);
		if (cf_fat_chain_add(c, at) < 0)
			return cf_fail_nomem(err);
		c->ended = next == FAT_END;
		at = next;
	}
	return 0;
}

uint64_t cf_fat_chain_at(const struct fat_volume *v, const struct fat_chain *c, uint64_t pos, uint64_t *run)
{
	uint64_t index = pos / v->g.cluster_size, inside = pos % v->g.cluster_size;
	size_t low = 0, high = c->n;
	*run = 0;
	if (index >= c->clusters)
		return 0;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (c->run[mid].index <= index)
			low = mid;
		else
			high = mid;
	}
	uint64_t skip = index - c->run[low].index;
	*run = (c->run[low].count - skip) * v->g.cluster_size - inside;
	return fat_cluster_offset(v, c->run[low].first) + skip * v->g.cluster_size + inside;
}
