/* expand-switch.c - copying what moves, and the one step in which the disk becomes the new one.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order within the switch does not matter for safety (it is one transaction), only for reading back what was just written: table, file system, then
 * the files that name the old place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/i18n.h"
#include "space/expand-internal.h"

#define PIECE (1024 * CF_KIB)
#define HOLD (32 * CF_MIB) /* bytes of the copy in one transaction */

void cf_expand_changes_free(struct cf_expand_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->item[i].what);
		free(c->item[i].before);
		free(c->item[i].after);
	}
	free(c->item);
	*c = (struct cf_expand_changes){ 0 };
}

int cf_expand_note(struct cf_expand_changes *c, const char *what, const char *before, const char *after, struct cf_error *err)
{
	struct cf_expand_change *grown = reallocarray(c->item, c->n + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	c->item = grown;
	grown[c->n] = (struct cf_expand_change){ .what = strdup(what), .before = strdup(before), .after = strdup(after) };
	c->n++;
	const struct cf_expand_change *n = &grown[c->n - 1];
	return n->what && n->before && n->after ? 0 : cf_fail_nomem(err);
}

/* "from byte A, B bytes" as people read it. */
static int note_range(struct cf_expand_changes *c, const char *what, uint64_t from, uint64_t old, uint64_t to, uint64_t size,
		      struct cf_error *err)
{
	char before[100], after[100];
	snprintf(before, sizeof before, _("%llu bytes from byte %llu"), (unsigned long long)old, (unsigned long long)from);
	snprintf(after, sizeof after, _("%llu bytes from byte %llu"), (unsigned long long)size, (unsigned long long)to);
	return cf_expand_note(c, what, before, size ? after : _("gone"), err);
}

/* ---- the copy ---- */

struct copier {
	struct cf_block *disk;
	struct cf_series *row;
	uint64_t fresh, done, total;
	int (*progress)(void *user, const char *what, uint64_t done, uint64_t total);
	void *user;
	uint8_t *buf; /* PIECE */
};

static bool is_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* One piece of at most PIECE bytes that lies wholly on one side of `fresh`. */
static int copy_piece(struct copier *c, uint64_t from, uint64_t to, size_t n, struct cf_error *err)
{
	if (cf_block_read(c->disk, from, c->buf, n, err) < 0)
		return -1;
	if (to >= c->fresh) {
		if (!is_zero(c->buf, n) && cf_series_fill_new(c->row, to, c->buf, n, err) < 0)
			return -1;
	} else if (cf_series_fill(c->row, to, c->buf, n, err) < 0 ||
		   (cf_series_held(c->row) >= HOLD && cf_series_commit(c->row, NULL, 0, err) < 0)) {
		return -1;
	}
	c->done += n;
	if (c->progress && c->progress(c->user, "moving the recovery partition", c->done, c->total))
		return cf_fail(err, CF_E_CANCELLED, "the expansion was cancelled");
	return 0;
}

static int copy_range(struct copier *c, uint64_t from, uint64_t to, uint64_t len, struct cf_error *err)
{
	while (len) {
		uint64_t n = cf_min_u64(len, PIECE);
		if (to < c->fresh)
			n = cf_min_u64(n, c->fresh - to);
		if (copy_piece(c, from, to, (size_t)n, err) < 0)
			return -1;
		from += n;
		to += n;
		len -= n;
	}
	return 0;
}

int cf_expand_copy(const struct cf_expand *x, struct cf_block *disk, struct cf_series *row, uint64_t fresh,
		   int (*progress)(void *user, const char *what, uint64_t done, uint64_t total), void *user, struct cf_error *err)
{
	CF_FREE uint8_t *buf = malloc(PIECE);
	struct copier c = { .disk = disk, .row = row, .fresh = fresh, .total = cf_expand_copied(x), .progress = progress, .user = user, .buf = buf };
	if (!c.total)
		return 0;
	if (!buf)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < x->n_moves; i++)
		if (!x->move[i].drop && copy_range(&c, x->move[i].from, x->move[i].to, x->move[i].size, err) < 0)
			return -1;
	/* Flushes and compares what went past the journal, too. */
	return cf_series_commit(row, NULL, 0, err);
}

/* ---- the switch ---- */

int cf_expand_open(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, size_t vol, int flags,
		   struct cf_expand_vol *out, struct cf_error *err)
{
	uint64_t start = m->vol[vol].start, size = m->vol[vol].size;
	*out = (struct cf_expand_vol){ 0 };
	if (vol == x->vol)
		size = x->size;
	for (size_t i = 0; i < x->n_moves; i++)
		if (x->move[i].vol == (int)vol && !x->move[i].drop)
			start = x->move[i].to;
	out->slice = cf_slice_open(disk, start, size, err);
	if (!out->slice)
		return -1;
	out->vol = cf_volume_open(out->slice, m->vol[vol].fs, flags, err);
	if (out->vol)
		return 0;
	cf_block_close(out->slice);
	*out = (struct cf_expand_vol){ 0 };
	return -1;
}

int cf_expand_close(struct cf_expand_vol *v, struct cf_error *err)
{
	int r = cf_volume_close(v->vol, err);
	cf_block_close(v->slice);
	*v = (struct cf_expand_vol){ 0 };
	return r;
}

static int switch_table(const struct cf_expand *x, struct cf_block *disk, struct cf_expand_changes *changes, struct cf_error *err)
{
	struct cf_part_edit edit[CF_EXPAND_MOVES + 1];
	size_t n = 0;
	char what[60];
	for (size_t i = 0; i < x->n_moves; i++) {
		const struct cf_expand_move *v = &x->move[i];
		edit[n++] = (struct cf_part_edit){ .number = v->number, .start = v->to, .size = v->size, .remove = v->drop };
		snprintf(what, sizeof what, _("partition %u (recovery)"), v->number);
		if (note_range(changes, what, v->from, v->size, v->to, v->drop ? 0 : v->size, err) < 0)
			return -1;
	}
	if (!n && x->size == x->old_size && x->disk == x->old_disk)
		return 0; /* only the volume grows, in the partition that it has */
	edit[n++] = (struct cf_part_edit){ .number = x->number, .start = x->start, .size = x->size };
	snprintf(what, sizeof what, _("partition %u (Windows)"), x->number);
	if (note_range(changes, what, x->start, x->old_size, x->start, x->size, err) < 0)
		return -1;
	return cf_part_edit(disk, edit, n, err);
}

static int switch_volume(const struct cf_expand *x, struct cf_block *disk, uint64_t fresh, struct cf_expand_changes *changes, struct cf_error *err)
{
	struct cf_ntfs_grown g;
	char before[100], after[100];
	struct cf_block *slice = cf_slice_open(disk, x->start, x->size, err);
	if (!slice)
		return -1;
	int r = cf_ntfs_grow(slice, fresh > x->start ? fresh - x->start : 0, x->force_unclean ? CF_VOL_FORCE_UNCLEAN : 0, &g, err);
	cf_block_close(slice);
	if (r < 0)
		return cf_fail_prefix(err, "the Windows volume");
	snprintf(before, sizeof before, _("%llu clusters of %u bytes"), (unsigned long long)g.old_clusters, g.cluster_size);
	snprintf(after, sizeof after, _("%llu clusters of %u bytes"), (unsigned long long)g.clusters, g.cluster_size);
	return cf_expand_note(changes, _("NTFS of the Windows volume"), before, after, err);
}

/* The field has 32 bits; behind 2 TiB of 512-byte sectors it says nothing, as mkntfs has it. */
static uint32_t hidden_sectors(uint64_t lba)
{
	return lba > UINT32_MAX ? 0 : (uint32_t)lba;
}

/* The boot sector of a volume says where its partition begins, in sectors; so does its copy: NTFS in the last sector, FAT32 where
 * the boot sector says. Only where it said the old place. */
static int switch_hidden(const struct cf_expand_move *v, enum cf_fs fs, struct cf_block *disk, struct cf_expand_changes *changes,
			 struct cf_error *err)
{
	uint32_t ss = disk->sector_size;
	uint8_t s[512];
	char before[40], after[40];
	uint32_t old = hidden_sectors(v->from / ss), now = hidden_sectors(v->to / ss);
	bool fat = fs == CF_FS_FAT12 || fs == CF_FS_FAT16 || fs == CF_FS_FAT32;
	if (fs != CF_FS_NTFS && !fat)
		return 0;
	uint64_t place[2] = { v->to, 0 };
	for (int i = 0; i < 2; i++) {
		if (i && !place[i])
			break;
		if (cf_block_read(disk, place[i], s, sizeof s, err) < 0)
			return -1;
		if (i && memcmp(s + 3, fs == CF_FS_NTFS ? "NTFS    " : (const char *)s + 3, 8) != 0)
			break;
		uint64_t sector = cf_ld16(s + 0x0b), copy = 0;
		if (!i && fs == CF_FS_NTFS && cf_mul_overflow(cf_ld64(s + 0x28), sector, &copy))
			copy = 0;
		else if (!i && fs == CF_FS_FAT32)
			copy = cf_ld16(s + 0x32) * sector;
		if (!i && copy && cf_range_ok(copy, sizeof s, v->size))
			place[1] = v->to + copy;
		if (cf_ld32(s + 0x1c) != old || now == old)
			continue;
		cf_st32(s + 0x1c, now);
		if (cf_block_write(disk, place[i] + 0x1c, s + 0x1c, 4, err) < 0)
			return -1;
		if (!i) {
			snprintf(before, sizeof before, "%u", old);
			snprintf(after, sizeof after, "%u", now);
			if (cf_expand_note(changes, _("hidden sectors in the recovery partition's boot sector"), before, after, err) < 0)
				return -1;
		}
	}
	return 0;
}

int cf_expand_switch(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, uint64_t fresh,
		     struct cf_expand_changes *changes, struct cf_error *err)
{
	if (disk->size != x->disk)
		return cf_fail(err, CF_E_CHANGED, "the disk does not have the planned size");
	if (switch_table(x, disk, changes, err) < 0 || switch_volume(x, disk, fresh, changes, err) < 0)
		return -1;
	for (size_t i = 0; i < x->n_moves; i++)
		if (!x->move[i].drop && x->move[i].vol >= 0 && switch_hidden(&x->move[i], m->vol[x->move[i].vol].fs, disk, changes, err) < 0)
			return -1;
	return cf_expand_winre(x, m, disk, changes, err);
}

/* ---- the proof ---- */

static const struct cf_partition *part_by_number(const struct cf_machine *m, unsigned number)
{
	const struct cf_part_table *t = &m->disk[0].parts;
	for (size_t i = 0; i < t->n; i++)
		if (t->part[i].number == number)
			return &t->part[i];
	return NULL;
}

/* Where the plan wants this partition; false: nowhere. */
static bool wanted(const struct cf_expand *x, const struct cf_partition *p, uint64_t *start, uint64_t *size)
{
	*start = p->start;
	*size = p->number == x->number ? x->size : p->size;
	for (size_t i = 0; i < x->n_moves; i++)
		if (x->move[i].number == p->number) {
			*start = x->move[i].to;
			return !x->move[i].drop;
		}
	return true;
}

static int prove_table(const struct cf_expand *x, const struct cf_machine *before, const struct cf_machine *after, struct cf_error *err)
{
	const struct cf_part_table *a = &before->disk[0].parts, *b = &after->disk[0].parts;
	size_t left = 0;
	if (after->disk[0].part_error.code != CF_OK || b->n_defects || a->scheme != b->scheme || !cf_guid_eq(&a->disk_guid, &b->disk_guid) ||
	    a->signature != b->signature)
		return cf_fail(err, CF_E_INTERNAL, "the new partition table would not be right (%s)", b->n_defects ? b->defect[0].what : "its identity");
	for (size_t i = 0; i < a->n; i++) {
		const struct cf_partition *p = &a->part[i], *q = part_by_number(after, p->number);
		uint64_t start, size;
		bool stays = wanted(x, p, &start, &size);
		left += stays;
		if (stays != (q != NULL) || (q && (q->start != start || q->size != size || !cf_guid_eq(&p->guid, &q->guid) ||
						   !cf_guid_eq(&p->type_guid, &q->type_guid) || p->mbr_type != q->mbr_type ||
						   p->active != q->active || p->attributes != q->attributes || strcmp(p->name, q->name) != 0)))
			return cf_fail(err, CF_E_INTERNAL, "partition %u would not be what was planned", p->number);
	}
	return left == b->n ? 0 : cf_fail(err, CF_E_INTERNAL, "a partition would be there that was not planned");
}

static const struct cf_vol *vol_by_number(const struct cf_machine *m, unsigned number)
{
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].disk == 0 && m->vol[i].number == number)
			return &m->vol[i];
	return NULL;
}

int cf_expand_prove(const struct cf_expand *x, const struct cf_machine *before, const struct cf_machine *after, struct cf_error *err)
{
	if (prove_table(x, before, after, err) < 0)
		return -1;
	for (size_t i = 0; i < before->n_vols; i++) {
		const struct cf_vol *a = &before->vol[i], *b = a->disk == 0 ? vol_by_number(after, a->number) : NULL;
		if (!b)
			continue;
		if (a->fs != b->fs || (a->vol != NULL) != (b->vol != NULL) || a->role != b->role || a->letter != b->letter ||
		    b->health.damaged != a->health.damaged || (b->health.dirty_flag && !a->health.dirty_flag && !x->force_unclean))
			return cf_fail(err, CF_E_INTERNAL, "partition %u would no longer be the volume it is", a->number);
		if (i != x->vol)
			continue;
		/* All the room but less than a cluster, and the new part of $Bitmap itself. */
		uint64_t gain = b->space.free_bytes - a->space.free_bytes, room = x->size - x->old_size + x->idle;
		if (b->space.total_bytes <= a->space.total_bytes || b->space.free_bytes <= a->space.free_bytes || gain > room + b->space.cluster_size ||
		    gain + room / 4096 + 4 * b->space.cluster_size < room)
			return cf_fail(err, CF_E_INTERNAL, "the Windows volume would have %llu bytes free, which can't be", (unsigned long long)b->space.free_bytes);
	}
	if (before->n_installs != after->n_installs || before->n_stores != after->n_stores || before->selected != after->selected)
		return cf_fail(err, CF_E_INTERNAL, "Windows would not be found any more as it was");
	return 0;
}
