/* fingerprints.c - the places that tell whether a disk has moved on since a repair.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A booted Windows writes at once: $LogFile restart pages, MFT records, hive base blocks. Partition tables change when somebody resizes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "job/session.h"

struct list {
	struct cf_txn_fingerprint *p;
	size_t n, cap;
	bool no_memory;
	uint64_t start, size; /* of the volume on the disk */
	const char *label;
};

static int add(struct list *l, uint64_t off, uint64_t len, const char *what)
{
	if (!CF_ROOM(l->p, l->n, l->cap, 32)) {
		l->no_memory = true;
		return 1;
	}
	struct cf_txn_fingerprint *f = &l->p[l->n++];
	*f = (struct cf_txn_fingerprint){ .offset = off, .length = len };
	snprintf(f->what, sizeof f->what, "%s", what);
	return 0;
}

static int add_volume_range(void *user, uint64_t off, uint64_t len, const char *what)
{
	struct list *l = user;
	char text[sizeof l->p->what];
	if (!cf_range_ok(off, len, l->size))
		return 0;
	snprintf(text, sizeof text, "%s: %s", l->label, what);
	return add(l, l->start + off, len, text);
}

struct head {
	uint64_t off;
};

static int first(void *user, uint64_t file_off, uint64_t off, uint64_t len)
{
	struct head *h = user;
	if (file_off == 0 && len >= 4096)
		h->off = off;
	return 1;
}

static void add_hive(struct list *l, const struct cf_machine *m, const struct cf_hive_file *h)
{
	const struct cf_vol *v = &m->vol[h->vol];
	struct head head = { UINT64_MAX };
	if (!h->present || !v->vol)
		return;
	struct cf_file *f = cf_file_open(v->vol, h->path, NULL);
	if (!f)
		return;
	int r = cf_file_extents(f, first, &head, NULL);
	cf_file_close(f);
	if (r >= 0 && head.off != UINT64_MAX && cf_range_ok(head.off, 4096, v->size)) {
		char what[48];
		const char *name = strrchr(h->path, '\\');
		snprintf(what, sizeof what, "hive base block of %s", name ? name + 1 : h->path);
		add(l, v->start + head.off, 4096, what);
	}
}

int cf_session_fingerprints(const struct cf_machine *m, unsigned disk, struct cf_txn_fingerprint **out, size_t *n,
			    struct cf_error *err)
{
	struct list l = { 0 };
	const struct cf_machine_disk *d = &m->disk[disk];
	uint64_t ss = d->block->sector_size, table = cf_min_u64(34 * ss, d->block->size);
	if (d->parts.scheme == CF_SCHEME_GPT) {
		add(&l, 0, cf_min_u64(table, 64 * CF_KIB), "primary partition table");
		if (d->block->size > 34 * ss)
			add(&l, d->block->size - cf_min_u64(33 * ss, 64 * CF_KIB), cf_min_u64(33 * ss, 64 * CF_KIB),
			    "backup partition table");
	} else if (d->parts.scheme == CF_SCHEME_MBR) {
		add(&l, 0, 512, "MBR");
	}
	for (size_t i = 0; i < m->n_vols && !l.no_memory; i++) {
		const struct cf_vol *v = &m->vol[i];
		char label[24];
		if (v->disk != disk || !v->vol)
			continue;
		snprintf(label, sizeof label, "partition %u", v->number);
		l.start = v->start;
		l.size = v->size;
		l.label = label;
		if (cf_volume_fingerprints(v->vol, add_volume_range, &l, NULL) != 0)
			continue; /* a volume that can't be read in full has fewer fingerprints, not none */
	}
	for (size_t i = 0; i < m->n_installs; i++)
		if (m->vol[m->install[i].vol].disk == disk) {
			add_hive(&l, m, &m->install[i].system);
			add_hive(&l, m, &m->install[i].software);
		}
	for (size_t i = 0; i < m->n_stores; i++)
		if (m->vol[m->store[i].vol].disk == disk)
			add_hive(&l, m, &m->store[i].file);
	if (l.no_memory) {
		free(l.p);
		return cf_fail_nomem(err);
	}
	*out = l.p;
	*n = l.n;
	return 0;
}
