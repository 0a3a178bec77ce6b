/* expand-plan.c - where everything will lie.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the end of the disk backwards: first the recovery partitions, in their order and packed, each beginning on a whole MiB, then the
 * Windows partition up to the first of them. A partition whose content moves must not land on bytes that are still
 * needed until the switch: not on any old place of one, and not on the backup GPT as it lies now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/i18n.h"
#include "space/expand.h"

#define ALIGN CF_MIB
#define SLACK (2 * CF_MIB) /* a partition that could only move this little on a disk that stays as large is taken for one at the end already */

struct planner {
	const struct cf_machine *m;
	const struct cf_part_table *t;
	const struct cf_expand_options *opt;
	uint32_t ss;
	uint64_t old_end; /* byte behind which nothing of the old disk lies: partitions, backup GPT */
	uint64_t room_end; /* byte that partitions may reach */
};

static uint64_t down(uint64_t n)
{
	return n - n % ALIGN;
}

static const char *gib(uint64_t bytes, char out[32])
{
	if (bytes % CF_GIB == 0 || bytes >= 10 * CF_GIB)
		snprintf(out, 32, "%.*f GiB", bytes % CF_GIB ? 1 : 0, (double)bytes / (double)CF_GIB);
	else
		snprintf(out, 32, "%llu MiB", (unsigned long long)(bytes / CF_MIB));
	return out;
}

/* ---- how large the disk becomes ---- */

static int choose_size(struct planner *p, struct cf_expand *x, struct cf_error *err)
{
	const struct cf_expand_options *o = p->opt;
	char a[32], b[32], c[32];
	uint64_t now = x->old_disk, want = o->size, limit = now;
	if (o->stay || (o->max && !o->can_grow)) {
		x->disk = now;
		p->room_end = cf_part_room_end(p->t, o->stay ? now : cf_min_u64(now, cf_max_u64(CF_EXPAND_CEILING, p->t->needs)), p->ss);
		return 0;
	}
	if (o->max)
		want = cf_max_u64(now, CF_EXPAND_CEILING);
	else if (o->by && cf_add_overflow(o->can_grow ? now : cf_max_u64(p->t->needs, 1), o->by, &want))
		return cf_fail(err, CF_E_USAGE, "--by: the disk can't become that large");
	if (want > (uint64_t)INT64_MAX - ALIGN)
		return cf_fail(err, CF_E_USAGE, "the disk can't become that large");
	if (o->by && want > CF_EXPAND_CEILING)
		return cf_fail(err, CF_E_REFUSED, "--by %s would make it %s; more than %s is given only when --size says it", gib(o->by, a), gib(want, b),
			       gib(CF_EXPAND_CEILING, c));
	limit = o->can_grow && want != now ? (want + ALIGN - 1) / ALIGN * ALIGN : want; /* Azure's rule, and harmless everywhere else */
	/* What was rounded up the last time is what it has now. */
	if (want < now && limit != now && (o->can_grow || want < p->t->needs))
		return cf_fail(err, CF_E_REFUSED, "the disk has %s already, and nothing is ever made smaller (--size %s)", gib(now, a), gib(want, b));
	if (!o->can_grow && want > now)
		return cf_fail(err, CF_E_REFUSED, "the disk has %s: make it larger first where it comes from, then --max takes the new room", gib(now, a));
	if (p->t->scheme == CF_SCHEME_MBR && limit > (UINT64_C(1) << 32) * p->ss && !o->max)
		return cf_fail(err, CF_E_REFUSED, "a disk with an MBR can use %s at most; convert it to GPT in Windows first (mbr2gpt)",
			       gib((UINT64_C(1) << 32) * p->ss, a));
	x->disk = o->can_grow ? limit : now;
	p->room_end = cf_part_room_end(p->t, limit, p->ss);
	return 0;
}

/* ---- what stands behind ---- */

static int vol_of(const struct cf_machine *m, unsigned number)
{
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].disk == 0 && m->vol[i].number == number)
			return (int)i;
	return -1;
}

static const char *part_name(const struct cf_machine *m, const struct cf_partition *part, char *out, size_t n)
{
	int v = vol_of(m, part->number);
	CF_FREE char *name = v >= 0 ? cf_vol_name(m, (size_t)v) : NULL;
	if (name && strncmp(name, "partition", 9) == 0)
		snprintf(out, n, "%s", name);
	else
		snprintf(out, n, "partition %u%s%s%s", part->number, name ? " (" : "", name ? name : "", name ? ")" : "");
	return out;
}

static bool may_move(const struct planner *p, const struct cf_partition *part)
{
	int v = vol_of(p->m, part->number);
	return v >= 0 && p->m->vol[v].role == CF_ROLE_RECOVERY && p->m->vol[v].fs != CF_FS_BITLOCKER && (p->t->scheme == CF_SCHEME_GPT || part->number <= 4);
}

static int by_start(const void *a, const void *b)
{
	const struct cf_expand_move *x = a, *y = b;
	return x->from < y->from ? -1 : x->from > y->from;
}

static int collect_behind(struct planner *p, struct cf_expand *x, struct cf_error *err)
{
	for (size_t i = 0; i < p->t->n; i++) {
		const struct cf_partition *part = &p->t->part[i];
		char name[200], size[32];
		p->old_end = cf_max_u64(p->old_end, part->start + part->size);
		if (part->start < x->start + x->old_size)
			continue;
		if (p->opt->stay || !may_move(p, part)) {
			if (p->opt->stay) {
				p->room_end = cf_min_u64(p->room_end, part->start);
				continue;
			}
			return cf_fail(err, CF_E_REFUSED, "%s (%s, %s) lies behind the Windows volume, and only a recovery partition is moved: move or delete it first",
				       part_name(p->m, part, name, sizeof name), gib(part->size, size), cf_part_type_word(p->t, part));
		}
		if (x->n_moves == CF_EXPAND_MOVES)
			return cf_fail(err, CF_E_REFUSED, "more than %u recovery partitions lie behind the Windows volume: delete some of them first", CF_EXPAND_MOVES);
		const char *word = cf_part_type_word(p->t, part);
		if (p->opt->drop_recovery && strcmp(word, "recovery") != 0 && strcmp(word, "winre") != 0)
			return cf_fail(err, CF_E_REFUSED, "%s holds Windows RE, but its type does not say so: it is not dropped; without --drop-recovery it is moved",
				       part_name(p->m, part, name, sizeof name));
		x->move[x->n_moves++] = (struct cf_expand_move){ .number = part->number, .vol = vol_of(p->m, part->number),
								 .from = part->start, .size = part->size, .drop = p->opt->drop_recovery };
	}
	qsort(x->move, x->n_moves, sizeof x->move[0], by_start);
	return 0;
}

/* ---- where it goes ---- */

/* From the end backwards; *end: where the room before them ends. False: they don't fit. */
static bool pack(const struct planner *p, struct cf_expand *x, uint64_t *end)
{
	*end = p->room_end;
	for (size_t i = x->n_moves; i > 0; i--) {
		struct cf_expand_move *v = &x->move[i - 1];
		if (*end < v->size)
			return false;
		v->to = down(*end - v->size);
		if (v->to < v->from + (x->disk == x->old_disk ? SLACK : 1))
			v->to = v->from;
		*end = v->to;
	}
	return true;
}

/* No copy lands on bytes that count until the switch. */
static const struct cf_expand_move *collision(const struct planner *p, const struct cf_expand *x)
{
	for (size_t i = 0; i < x->n_moves; i++)
		if (x->move[i].to != x->move[i].from && x->move[i].to < p->old_end)
			return &x->move[i];
	return NULL;
}

static int place(struct planner *p, struct cf_expand *x, struct cf_error *err)
{
	uint64_t end = p->room_end;
	char a[32], name[200];
	/* The backup GPT, too, is needed until the switch. On a disk that does not grow it stays behind everything. */
	if (p->t->scheme == CF_SCHEME_GPT && p->t->needs < x->disk)
		p->old_end = cf_max_u64(p->old_end, p->t->needs);
	if (!p->opt->drop_recovery && x->n_moves) {
		const struct cf_expand_move *bad = NULL;
		if (!pack(p, x, &end) || (bad = collision(p, x)) != NULL) {
			uint64_t least = 0;
			for (size_t i = 0; i < x->n_moves; i++)
				least += x->move[i].size + ALIGN;
			const struct cf_partition *part = NULL;
			for (size_t i = 0; i < p->t->n && bad; i++)
				if (p->t->part[i].number == bad->number)
					part = &p->t->part[i];
			return cf_fail(err, CF_E_REFUSED,
				       "%s can only be moved whole to a place that is free now: grow the disk by at least %s, or say --drop-recovery",
				       part ? part_name(p->m, part, name, sizeof name) : "the recovery partition", gib((least + CF_MIB) / CF_MIB * CF_MIB, a));
		}
	}
	uint64_t old = x->start + x->old_size;
	end = down(end);
	x->size = end > old && end - old >= ALIGN ? end - x->start : x->old_size;
	if (x->size == x->old_size) {
		x->n_moves = 0;
		x->disk = x->old_disk;
		return 0;
	}
	/* Those that stay where they are are none of the plan's business. */
	size_t n = 0;
	for (size_t i = 0; i < x->n_moves; i++)
		if (x->move[i].drop || x->move[i].to != x->move[i].from)
			x->move[n++] = x->move[i];
	x->n_moves = n;
	return 0;
}

/* ---- may it be done at all ---- */

static int check_volume(const struct planner *p, const struct cf_vol *v, struct cf_error *err)
{
	const struct cf_machine_disk *d = &p->m->disk[0];
	if (v->disk != 0 || !v->part)
		return cf_fail(err, CF_E_REFUSED, "the Windows volume is not a partition of this disk");
	if (v->fs != CF_FS_NTFS || !v->vol)
		return cf_fail(err, CF_E_REFUSED, "the Windows volume can't be written: %s", v->error.message[0] ? v->error.message : "it is not NTFS");
	if (strncmp(cf_part_type_word(p->t, v->part), "ldm", 3) == 0)
		return cf_fail(err, CF_E_REFUSED, "the disk is a dynamic disk, whose volumes only Windows can expand");
	if (p->t->scheme == CF_SCHEME_MBR && v->number > 4)
		return cf_fail(err, CF_E_REFUSED, "the Windows volume is a logical partition, which is not expanded");
	if (p->t->scheme == CF_SCHEME_GPT ? !p->t->both_copies || p->t->used_backup || (d->parts.n_defects && !d->parts.gpt_repairable) : d->parts.n_defects)
		return cf_fail(err, CF_E_REFUSED, "the partition table is damaged (%s): repair it first (coldfix repair --only gpt-damaged)",
			       p->t->n_defects ? p->t->defect[0].what : "one copy is not right");
	if (v->health.damaged)
		return cf_fail(err, CF_E_REFUSED, "the Windows volume is damaged (%s): have Windows run chkdsk first", v->health.damage);
	if (v->health.hibernated)
		return cf_fail(err, CF_E_UNCLEAN, "Windows is hibernated on the volume: shut it down fully first, or discard that session (coldfix repair --with volume-hibernated)");
	if (v->health.journal_unclean && !p->opt->force_unclean)
		return cf_fail(err, CF_E_UNCLEAN, "the Windows volume was not dismounted cleanly (%s): start and shut down the VM once, or say --force-unclean (empties the journal, chkdsk runs)",
			       v->health.journal);
	if (v->health.dirty_flag && !p->opt->force_unclean)
		return cf_fail(err, CF_E_UNCLEAN, "the Windows volume is marked dirty, so chkdsk is due: start the VM once, or say --force-unclean to expand it as it is (chkdsk stays due)");
	if (v->health.shadow_copies && !p->opt->accept_shadow_copy_loss)
		return cf_fail(err, CF_E_REFUSED, "the Windows volume has %u shadow cop%s, which offline changes spoil: say --accept-shadow-copy-loss if that is all right",
			       v->health.shadow_copy_count, v->health.shadow_copy_count == 1 ? "y" : "ies");
	for (size_t i = 0; i < p->m->n_vols; i++)
		if (p->m->vol[i].disk == 0 && p->m->vol[i].fs == CF_FS_BITLOCKER && !p->opt->recovery_key_at_hand)
			return cf_fail(err, CF_E_REFUSED, "a volume of this disk is encrypted, and a changed disk layout can make it ask for its key: say --recovery-key-at-hand when you have that");
	return 0;
}

int cf_expand_plan(const struct cf_machine *m, size_t vol, const struct cf_expand_options *opt, struct cf_expand *x, struct cf_error *err)
{
	const struct cf_vol *v = &m->vol[vol];
	struct planner p = { .m = m, .t = &m->disk[0].parts, .opt = opt, .ss = m->disk[0].block->sector_size };
	*x = (struct cf_expand){ .old_disk = m->disk[0].block->size, .vol = vol };
	if (check_volume(&p, v, err) < 0)
		return -1;
	x->number = v->number;
	x->start = v->start;
	x->old_size = x->size = v->size;
	x->idle = v->space.total_bytes + ALIGN <= v->size ? v->size - v->space.total_bytes : 0;
	x->force_unclean = opt->force_unclean && v->health.journal_unclean;
	if (choose_size(&p, x, err) < 0 || collect_behind(&p, x, err) < 0)
		return -1;
	return place(&p, x, err);
}

uint64_t cf_expand_copied(const struct cf_expand *x)
{
	uint64_t n = 0;
	for (size_t i = 0; i < x->n_moves; i++)
		n += x->move[i].drop ? 0 : x->move[i].size;
	return n;
}

struct cf_block *cf_expand_view(const struct cf_expand *x, struct cf_block *next, struct cf_error *err)
{
	struct cf_view_copy copy[CF_EXPAND_MOVES];
	size_t n = 0;
	for (size_t i = 0; i < x->n_moves; i++)
		if (!x->move[i].drop)
			copy[n++] = (struct cf_view_copy){ .from = x->move[i].from, .to = x->move[i].to, .len = x->move[i].size };
	return cf_view_open(next, x->disk, copy, n, err);
}
