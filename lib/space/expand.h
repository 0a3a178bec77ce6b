/* expand.h - the Windows volume takes the room of a disk that has grown, past the recovery partition behind it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plan is made from a surveyed disk alone and says where everything will lie. It is carried out on an overlay of the disk as it will be:
 * grown, and with the moved partitions' content at their new place already (in reality by cf_expand_copy, in a preview by cf_expand_view). So one
 * bounded transaction switches partition table, file system and whatever names the old place, and nothing is between before or after it.
 */
#ifndef CF_SPACE_EXPAND_H
#define CF_SPACE_EXPAND_H

#include "block/view.h"
#include "registry/hive-edit.h"
#include "txn/series.h"
#include "windows/machine.h"

#define CF_EXPAND_CEILING (UINT64_C(1024) * CF_GIB) /* unless a size is named: what the article expands to */
#define CF_EXPAND_MOVES 8u                           /* recovery partitions behind Windows; one is usual, two happen */

struct cf_expand_options {
	uint64_t size;      /* bytes that the disk is to have; 0: not said */
	uint64_t by;        /* bytes more than now; 0: not said */
	bool max;           /* as large as it may become */
	bool can_grow;      /* the disk's container can be made larger */
	bool stay;          /* neither grow the container nor move anything: only room right behind the volume counts */
	bool drop_recovery; /* delete recovery partitions instead of moving them */
	bool accept_shadow_copy_loss, force_unclean, recovery_key_at_hand;
};

struct cf_expand_move {
	unsigned number;
	int vol;            /* index into cf_machine.vol, or -1 */
	uint64_t from, to, size; /* bytes on the disk; to: 0 when it is dropped */
	bool drop;
};

struct cf_expand {
	uint64_t old_disk, disk; /* bytes of the disk, before and after */
	size_t vol;              /* the Windows volume: index into cf_machine.vol */
	unsigned number;
	uint64_t start, old_size, size; /* bytes of its partition */
	uint64_t idle;           /* bytes of its partition that its volume does not use, since somebody made only the partition larger; less than 1 MiB: 0 */
	size_t n_moves;
	struct cf_expand_move move[CF_EXPAND_MOVES]; /* ascending by place */
	bool force_unclean;
};

/* What is to be done to volume vol of disk 0. Nothing is written. CF_E_REFUSED and CF_E_UNCLEAN name what stands in the way and the way out;
 * CF_E_USAGE: a size that can't be. */
int cf_expand_plan(const struct cf_machine *m, size_t vol, const struct cf_expand_options *opt, struct cf_expand *x,
		   struct cf_error *err) CF_MUST_CHECK;

static inline bool cf_expand_empty(const struct cf_expand *x)
{
	return x->size == x->old_size && !x->idle;
}

/* The disk as the plan wants to find it: grown, with the moved content in place. Read-only; next is borrowed. */
struct cf_block *cf_expand_view(const struct cf_expand *x, struct cf_block *next, struct cf_error *err);

/* Bytes of partitions that are copied to another place. */
uint64_t cf_expand_copied(const struct cf_expand *x);

/* Copies the content of the partitions that move to their new places, to which nothing refers yet. What lies behind `fresh` (bytes; the disk's size when nothing
 * is new) did not exist before: what goes there needs no journal. Everything else goes in transactions of about 32 MiB. When it returns everything is on
 * the medium and compared. progress may be NULL; nonzero cancels. */
int cf_expand_copy(const struct cf_expand *x, struct cf_block *disk, struct cf_series *row, uint64_t fresh,
		   int (*progress)(void *user, const char *what, uint64_t done, uint64_t total), void *user, struct cf_error *err) CF_MUST_CHECK;

/* One line of a plan. */
struct cf_expand_change {
	char *what, *before, *after;
};
struct cf_expand_changes {
	size_t n;
	struct cf_expand_change *item;
};
void cf_expand_changes_free(struct cf_expand_changes *c);
int cf_expand_note(struct cf_expand_changes *c, const char *what, const char *before, const char *after, struct cf_error *err) CF_MUST_CHECK;

/* Switches: partition table, NTFS, hidden sectors of what was moved, ReAgent.xml, boot stores. disk: an overlay of the size x->disk. m: the machine
 * that the plan was made from. fresh as above. Adds what it did to changes. */
int cf_expand_switch(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, uint64_t fresh,
		     struct cf_expand_changes *changes, struct cf_error *err) CF_MUST_CHECK;

/* The switched disk, surveyed again: is it what the plan says, and nothing else? CF_E_INTERNAL tells what is not. */
int cf_expand_prove(const struct cf_expand *x, const struct cf_machine *before, const struct cf_machine *after, struct cf_error *err) CF_MUST_CHECK;

#endif
