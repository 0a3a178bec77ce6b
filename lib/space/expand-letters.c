/* expand-letters.c - the drive letters and volume names of a recovery partition that was moved on an MBR disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SYSTEM\MountedDevices names a partition of an MBR disk by the disk's signature and the byte where it begins (windows/letters.c); one of a GPT
 * disk by its GUID, which stays. A value that says exactly the old place on exactly this disk gets the new one, so a letter or a mount point
 * stays with its volume.
 */
#include <stdio.h>

#include "base/endian.h"
#include "base/i18n.h"
#include "space/expand-internal.h"

#define KEY "MountedDevices"

struct walk {
	const struct cf_expand *x;
	uint32_t signature;
	struct cf_hive_edits *edits;
	struct cf_expand_changes *changes;
	struct cf_error *err;
};

static int look(void *user, const struct cf_value *v)
{
	const struct walk *w = user;
	char what[200], before[40], after[40];
	if (v->data.n != 12 || cf_ld32(v->data.p) != w->signature)
		return 0;
	for (size_t i = 0; i < w->x->n_moves; i++) {
		const struct cf_expand_move *move = &w->x->move[i];
		uint8_t place[12];
		if (move->drop || cf_ld64(v->data.p + 4) != move->from)
			continue;
		memcpy(place, v->data.p, 4);
		cf_st64(place + 4, move->to);
		snprintf(what, sizeof what, _("registry, %s of partition %u"), v->name, move->number);
		snprintf(before, sizeof before, "%llu", (unsigned long long)move->from);
		snprintf(after, sizeof after, "%llu", (unsigned long long)move->to);
		if (cf_hive_edits_set(w->edits, KEY, v->name, v->type, cf_span_of(place, sizeof place), w->err) < 0 ||
		    cf_expand_note(w->changes, what, before, after, w->err) < 0)
			return -1;
		return 0;
	}
	return 0;
}

static int edit_install(const struct cf_expand *x, const struct cf_machine *m, const struct cf_install *in, struct cf_block *disk,
			struct cf_expand_changes *changes, struct cf_error *err)
{
	const struct cf_hive *h = in->system.hive;
	struct cf_hive_edits edits = { 0 };
	struct walk w = { x, m->disk[0].parts.signature, &edits, changes, err };
	struct cf_error why = { 0 };
	cf_key key;
	/* One that can't be read says nothing that could be made right; Windows gives letters anew. */
	if (!h || in->system.report.n_fatal || cf_hive_find(h, cf_hive_root(h), KEY, &key, &why) < 0)
		return why.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
	int r = cf_hive_values(h, key, look, &w, &why);
	if (r < 0 && err && err->code == CF_OK)
		*err = why;
	if (r == 0 && edits.n)
		r = cf_expand_write_hive(x, m, in->vol, in->system.path, disk, &edits, err);
	cf_hive_edits_free(&edits);
	return r < 0 ? cf_fail_prefix(err, "the registry %s", in->system.path) : 0;
}

int cf_expand_letters(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, struct cf_expand_changes *changes,
		      struct cf_error *err)
{
	if (m->disk[0].parts.scheme != CF_SCHEME_MBR)
		return 0;
	for (size_t i = 0; i < m->n_installs; i++)
		if (m->vol[m->install[i].vol].disk == 0 && edit_install(x, m, &m->install[i], disk, changes, err) < 0)
			return -1;
	return 0;
}
