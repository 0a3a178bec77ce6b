/* expand-winre.c - what names the place of a recovery partition: ReAgent.xml and boot stores.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Boot stores of GPT disks name partitions by GUID, which stays; those of MBR disks by the disk's signature and the byte where the partition
 * begins. ReAgent.xml (Windows' own, and a copy beside the image of Windows RE) names that byte on both. Only numbers that are exactly
 * the old place and name no other disk are changed. When a partition is dropped, loaders no longer lead to it and Windows RE is off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/i18n.h"
#include "base/utf16.h"
#include "space/expand-internal.h"

#define REAGENT_MAX (256 * CF_KIB) /* bytes; real ones have one */

/* ---- ReAgent.xml ---- */

/* The file as bytes of one unit each; width 2: UTF-16LE. */
struct text {
	struct cf_buf *b;
	size_t width, at;
};

static size_t units(const struct text *t)
{
	return (t->b->n - t->at) / t->width;
}

static int unit(const struct text *t, size_t i)
{
	const uint8_t *p = t->b->p + t->at + i * t->width;
	return t->width == 1 ? p[0] : p[1] ? 0x100 : p[0];
}

static bool matches(const struct text *t, size_t i, size_t end, const char *word)
{
	for (; *word && i < end; i++, word++) {
		int c = unit(t, i), w = (unsigned char)*word;
		if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (w >= 'A' && w <= 'Z' ? w + 32 : w))
			return false;
	}
	return !*word;
}

/* The value of an attribute in the tag [from, to): its first unit and length. */
static bool attribute(const struct text *t, size_t from, size_t to, const char *name, size_t *start, size_t *len)
{
	size_t n = strlen(name);
	for (size_t i = from; i + n + 2 < to; i++) {
		int quote;
		if ((unit(t, i) != ' ' && unit(t, i) != '\t' && unit(t, i) != '\n') || !matches(t, i + 1, to, name) || unit(t, i + 1 + n) != '=')
			continue;
		quote = unit(t, i + 2 + n);
		if (quote != '"' && quote != '\'')
			continue;
		*start = i + 3 + n;
		for (*len = 0; *start + *len < to; ++*len)
			if (unit(t, *start + *len) == quote)
				return true;
	}
	return false;
}

static bool value_is(const struct text *t, size_t start, size_t len, const char *word)
{
	return strlen(word) == len && matches(t, start, start + len, word);
}

/* Puts a word in the place of len units. */
static int replace(struct text *t, size_t start, size_t len, const char *word, struct cf_error *err)
{
	size_t n = strlen(word), off = t->at + start * t->width, old = len * t->width, now = n * t->width, tail = t->b->n - off - old;
	if (now > old && cf_buf_resize(t->b, t->b->n + (now - old)) < 0)
		return cf_fail_nomem(err);
	memmove(t->b->p + off + now, t->b->p + off + old, tail);
	if (now < old && cf_buf_resize(t->b, t->b->n - (old - now)) < 0)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		t->b->p[off + i * t->width] = (uint8_t)word[i];
		if (t->width == 2)
			t->b->p[off + i * 2 + 1] = 0;
	}
	return 0;
}

/* Is the disk that the tag [from, to) names ours? One that names none (GUID and id zero, or not there) can only mean this one. */
static bool names_disk(const struct text *t, size_t from, size_t to, const char *guid, uint32_t signature)
{
	char braced[64], id[16], negative[16];
	size_t s, len;
	snprintf(braced, sizeof braced, "{%s}", guid ? guid : "");
	snprintf(id, sizeof id, "%u", signature);
	snprintf(negative, sizeof negative, "%d", (int)signature);
	bool no_guid = !attribute(t, from, to, "guid", &s, &len) || value_is(t, s, len, "{00000000-0000-0000-0000-000000000000}");
	if (!no_guid)
		return guid && (value_is(t, s, len, braced) || value_is(t, s, len, guid));
	if (!attribute(t, from, to, "id", &s, &len) || value_is(t, s, len, "0"))
		return true;
	return !guid && (value_is(t, s, len, id) || value_is(t, s, len, negative));
}

int cf_reagent_edit(struct cf_buf *xml, uint64_t from, uint64_t to, const char *guid, uint32_t signature, bool off, unsigned *n,
		    struct cf_error *err)
{
	struct text t = { .b = xml, .width = 1 };
	char old[24], now[24];
	*n = 0;
	snprintf(old, sizeof old, "%llu", (unsigned long long)from);
	snprintf(now, sizeof now, "%llu", (unsigned long long)(off ? 0 : to));
	if (xml->n >= 2 && xml->p[0] == 0xff && xml->p[1] == 0xfe)
		t = (struct text){ .b = xml, .width = 2, .at = 2 };
	else if (xml->n >= 3 && memcmp(xml->p, "\xef\xbb\xbf", 3) == 0)
		t.at = 3;
	bool located = false;
	for (size_t i = 0; i < units(&t); i++) {
		size_t end = i, s, len;
		if (unit(&t, i) != '<')
			continue;
		while (end < units(&t) && unit(&t, end) != '>')
			end++;
		bool here = names_disk(&t, i, end, guid, signature);
		if (here && attribute(&t, i, end, "offset", &s, &len) && value_is(&t, s, len, old)) {
			if (!off && replace(&t, s, len, now, err) < 0)
				return -1;
			located = true;
			++*n;
		}
		i = end;
		if (off && located)
			break;
	}
	/* The place stays written down: a location of no partition, which Windows ignores once the state says off. */
	for (size_t i = 0; off && located && i < units(&t); i++) {
		size_t end = i, s, len;
		if (unit(&t, i) != '<' || !matches(&t, i + 1, units(&t), "InstallState"))
			continue;
		while (end < units(&t) && unit(&t, end) != '>')
			end++;
		if (attribute(&t, i, end, "state", &s, &len) && !value_is(&t, s, len, "0"))
			return replace(&t, s, len, "0", err);
		break;
	}
	return 0;
}

static int edit_file(const struct cf_expand *x, const struct cf_machine *m, struct cf_volume *vol, const char *path, const char *whose,
		     bool drops, struct cf_expand_changes *changes, struct cf_error *err)
{
	const struct cf_part_table *t = &m->disk[0].parts;
	char guid[CF_GUID_TEXT], what[200], before[40], after[40];
	CF_BUF xml = { 0 };
	struct cf_error why = { 0 };
	unsigned all = 0;
	cf_guid_format(&t->disk_guid, guid);
	if (!cf_volume_exists(vol, path))
		return 0;
	if (cf_volume_read_file(vol, path, REAGENT_MAX, &xml, &why) < 0)
		return why.code == CF_E_UNSUPPORTED ? 0 : (err ? (*err = why, -1) : -1);
	for (size_t i = 0; i < x->n_moves; i++) {
		const struct cf_expand_move *v = &x->move[i];
		unsigned n;
		if (v->drop != drops)
			continue;
		if (cf_reagent_edit(&xml, v->from, v->to, t->scheme == CF_SCHEME_GPT ? guid : NULL, t->signature, v->drop, &n, err) < 0)
			return -1;
		all += n;
		snprintf(what, sizeof what, v->drop ? _("Windows RE in %s%s") : _("place of Windows RE in %s%s"), whose, path);
		snprintf(before, sizeof before, v->drop ? _("on") : "%llu", (unsigned long long)v->from);
		snprintf(after, sizeof after, v->drop ? _("off") : "%llu", (unsigned long long)v->to);
		if (n && cf_expand_note(changes, what, before, after, err) < 0)
			return -1;
	}
	if (!all || cf_volume_replace(vol, path, cf_buf_span(&xml), &why) == 0)
		return 0;
	if (why.code == CF_E_UNSUPPORTED)
		return cf_fail(err, CF_E_UNSUPPORTED, "%s%s says where the recovery partition begins, and it is compressed, so it can't be changed from here: "
			       "run compact /u on it in Windows, or delete it and run reagentc /enable afterwards", whose, path);
	return err ? (*err = why, -1) : -1;
}

/* Windows' own file, and the copies on what was moved. */
static int edit_reagent(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, struct cf_expand_changes *changes,
			struct cf_error *err)
{
	struct cf_expand_vol v;
	int r = cf_expand_open(x, m, disk, x->vol, CF_VOL_WRITE, &v, err);
	if (r < 0)
		return -1;
	for (size_t i = 0; i < m->n_installs && r == 0; i++) {
		char path[400];
		if (m->install[i].vol != x->vol)
			continue;
		snprintf(path, sizeof path, "%s\\System32\\Recovery\\ReAgent.xml", m->install[i].root);
		r = edit_file(x, m, v.vol, path, "", false, changes, err);
		if (r == 0)
			r = edit_file(x, m, v.vol, path, "", true, changes, err);
	}
	if (cf_expand_close(&v, r < 0 ? NULL : err) < 0)
		r = -1;
	for (size_t i = 0; i < x->n_moves && r == 0; i++) {
		const struct cf_expand_move *move = &x->move[i];
		char whose[40];
		/* One that can't be written (its journal is not closed) keeps its copy as it is: Windows reads its own. */
		if (move->drop || move->vol < 0 || m->vol[move->vol].fs != CF_FS_NTFS ||
		    cf_expand_open(x, m, disk, (size_t)move->vol, CF_VOL_WRITE, &v, NULL) < 0)
			continue;
		snprintf(whose, sizeof whose, _("partition %u: "), move->number);
		r = edit_file(x, m, v.vol, "\\Recovery\\WindowsRE\\ReAgent.xml", whose, false, changes, err);
		if (cf_expand_close(&v, r < 0 ? NULL : err) < 0)
			r = -1;
	}
	return r;
}

/* ---- boot stores ---- */

/* Does the element name this partition, which is moved or dropped? */
static bool names(const struct cf_machine *m, const struct cf_expand_move *v, const struct cf_bcd_device *d)
{
	const struct cf_part_table *t = &m->disk[0].parts;
	if (t->scheme == CF_SCHEME_MBR)
		return d->on_mbr && d->signature == t->signature && d->offset == v->from;
	for (size_t i = 0; i < t->n; i++)
		if (t->part[i].number == v->number)
			return d->on_gpt && cf_guid_eq(&d->partition_guid, &t->part[i].guid);
	return false;
}

static bool object_on(const struct cf_machine *m, const struct cf_expand_move *v, const struct cf_bcd_object *o)
{
	bool found = false;
	for (size_t i = 0; i < o->n && !found; i++) {
		struct cf_bcd_device d;
		if (cf_bcd_device(&o->element[i], &d)) {
			found = names(m, v, &d);
			cf_bcd_device_free(&d);
		}
	}
	return found;
}

static int note_element(struct cf_expand_changes *changes, const struct cf_bcd *bcd, const struct cf_bcd_object *o, const char *name,
			const char *before, const char *after, struct cf_error *err)
{
	char guid[48], what[160];
	snprintf(what, sizeof what, _("boot store %s, %s"), cf_bcd_guid_text(bcd, &o->guid, false, guid), name);
	return cf_expand_note(changes, what, before, after, err);
}

/* MBR: the new place in a device element that has the old one. */
static int edit_device(const struct cf_machine *m, const struct cf_expand_move *v, const struct cf_bcd *bcd, const struct cf_bcd_object *o,
		       const struct cf_bcd_element *e, struct cf_hive_edits *edits, struct cf_expand_changes *changes, struct cf_error *err)
{
	struct cf_bcd_device d;
	CF_BUF data = { 0 };
	char before[40], after[40];
	if (!cf_bcd_device(e, &d))
		return 0;
	bool ours = d.place && d.on_mbr && names(m, v, &d);
	size_t at = ours ? (size_t)(d.place - e->data.p) : 0;
	cf_bcd_device_free(&d);
	if (!ours)
		return 0;
	CF_FREE char *key = cf_bcd_element_path(bcd, &o->guid, e->type);
	if (!key || cf_buf_copy(&data, cf_buf_span(&e->data)) < 0)
		return cf_fail_nomem(err);
	cf_st64(data.p + at, v->to);
	if (cf_hive_edits_set(edits, key, "Element", e->reg_type, cf_buf_span(&data), err) < 0)
		return -1;
	const char *name = cf_bcd_element_name(o->type, e->type);
	snprintf(before, sizeof before, "%llu", (unsigned long long)v->from);
	snprintf(after, sizeof after, "%llu", (unsigned long long)v->to);
	return note_element(changes, bcd, o, name ? name : "device", before, after, err);
}

/* A loader that recovers with something on the dropped partition no longer does. */
static int edit_sequence(const struct cf_machine *m, const struct cf_expand_move *v, const struct cf_bcd *bcd, const struct cf_bcd_object *o,
			 struct cf_hive_edits *edits, struct cf_expand_changes *changes, struct cf_error *err)
{
	static const uint8_t no = 0;
	struct cf_guid to[16];
	const struct cf_bcd_element *e = cf_bcd_element(o, CF_BCD_RECOVERYSEQUENCE);
	size_t n = e ? cf_bcd_guid_list(e, to, CF_ARRAY_LEN(to)) : 0;
	bool leads_there = false;
	for (size_t i = 0; i < n; i++) {
		const struct cf_bcd_object *target = cf_bcd_object(bcd, &to[i]);
		leads_there |= target && object_on(m, v, target);
	}
	if (!leads_there)
		return 0;
	CF_FREE char *sequence = cf_bcd_element_path(bcd, &o->guid, CF_BCD_RECOVERYSEQUENCE);
	CF_FREE char *enabled = cf_bcd_element_path(bcd, &o->guid, CF_BCD_RECOVERYENABLED);
	if (!sequence || !enabled)
		return cf_fail_nomem(err);
	if (cf_hive_edits_delete_key(edits, sequence, err) < 0 ||
	    cf_hive_edits_set(edits, enabled, "Element", CF_REG_BINARY, cf_span_of(&no, 1), err) < 0)
		return -1;
	return note_element(changes, bcd, o, "recoverysequence", _("Windows RE"), _("gone, recoveryenabled no"), err);
}

static int collect_edits(const struct cf_expand *x, const struct cf_machine *m, const struct cf_bcd *bcd, struct cf_hive_edits *edits,
			 struct cf_expand_changes *changes, struct cf_error *err)
{
	bool mbr = m->disk[0].parts.scheme == CF_SCHEME_MBR;
	for (size_t k = 0; k < x->n_moves; k++)
		for (size_t i = 0; i < bcd->n; i++) {
			const struct cf_bcd_object *o = &bcd->object[i];
			if (x->move[k].drop) {
				if (edit_sequence(m, &x->move[k], bcd, o, edits, changes, err) < 0)
					return -1;
				continue;
			}
			for (size_t e = 0; mbr && e < o->n; e++)
				if (edit_device(m, &x->move[k], bcd, o, &o->element[e], edits, changes, err) < 0)
					return -1;
		}
	return 0;
}

int cf_expand_write_hive(const struct cf_expand *x, const struct cf_machine *m, size_t vol, const char *path, struct cf_block *disk,
			 const struct cf_hive_edits *edits, struct cf_error *err)
{
	struct cf_expand_vol v;
	CF_BUF hive = { 0 };
	CF_BUF edited = { 0 };
	struct cf_replay replay;
	if (cf_expand_open(x, m, disk, vol, CF_VOL_WRITE, &v, err) < 0)
		return -1;
	int r = cf_hive_read_replayed(v.vol, path, &hive, &replay, err);
	if (r == 0 && replay.state == CF_REPLAY_REJECTED)
		r = cf_fail(err, CF_E_UNCLEAN, "it was not closed and its logs are not valid: %s", replay.reason);
	if (r == 0 && replay.state == CF_REPLAY_NO_LOGS)
		cf_hive_mark_clean(&hive);
	if (r == 0)
		r = cf_hive_apply(cf_buf_span(&hive), edits, &edited, err);
	if (r == 0)
		r = cf_volume_replace(v.vol, path, cf_buf_span(&edited), err);
	if (cf_expand_close(&v, r < 0 ? NULL : err) < 0)
		r = -1;
	return r;
}

int cf_expand_winre(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, struct cf_expand_changes *changes,
		    struct cf_error *err)
{
	if (!x->n_moves)
		return 0;
	if (edit_reagent(x, m, disk, changes, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_stores; i++) {
		const struct cf_boot_store *st = &m->store[i];
		struct cf_hive_edits edits = { 0 };
		if (m->vol[st->vol].disk != 0)
			continue;
		if (!st->file.hive || st->file.report.n_fatal) {
			if (m->disk[0].parts.scheme == CF_SCHEME_MBR)
				return cf_fail(err, CF_E_REFUSED, "the boot store %s can't be read, so what it says of the recovery partition can't be made right: "
					       "repair it first", st->path);
			continue;
		}
		int r = collect_edits(x, m, &st->bcd, &edits, changes, err);
		if (r == 0 && edits.n)
			r = cf_expand_write_hive(x, m, st->vol, st->path, disk, &edits, err);
		cf_hive_edits_free(&edits);
		if (r < 0)
			return cf_fail_prefix(err, "the boot store %s", st->path);
	}
	return cf_expand_letters(x, m, disk, changes, err);
}
