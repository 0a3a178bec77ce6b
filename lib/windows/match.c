/* match.c - which loader of which store starts which installation, and which one is worked on.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A loader belongs to an installation when its osdevice is that volume and its systemroot that folder. Only when no
 * loader of the whole machine fits anywhere and there is a single installation, or the user named one, are a store's loaders
 * taken for it; that is marked (any_loader_guess).
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf16.h"
#include "windows/survey.h"

/* The k-th disk to look at: near first, so that a clone with the same identity does not win over the disk at hand. */
static unsigned nth_disk(unsigned near, unsigned k)
{
	return k == 0 ? near : k <= near ? k - 1 : k;
}

static int volume_at(const struct cf_machine *m, unsigned disk, const struct cf_partition *p)
{
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].disk == disk && m->vol[i].part == p)
			return (int)i;
	return -1;
}

int cf_find_mbr(const struct cf_machine *m, unsigned near, uint32_t signature, uint64_t offset, bool *known)
{
	for (unsigned k = 0; k < m->n_disks; k++) {
		unsigned disk = nth_disk(near, k);
		const struct cf_part_table *t = &m->disk[disk].parts;
		if (t->scheme != CF_SCHEME_MBR || t->signature != signature)
			continue;
		if (known)
			*known = true;
		for (size_t i = 0; i < t->n; i++) {
			int vol = t->part[i].start == offset ? volume_at(m, disk, &t->part[i]) : -1;
			if (vol >= 0)
				return vol;
		}
	}
	return -1;
}

int cf_find_gpt(const struct cf_machine *m, unsigned near, const struct cf_guid *part, const struct cf_guid *disk_guid)
{
	if (cf_guid_is_zero(part))
		return -1;
	for (unsigned k = 0; k < m->n_disks; k++) {
		unsigned disk = nth_disk(near, k);
		const struct cf_part_table *t = &m->disk[disk].parts;
		if (t->scheme != CF_SCHEME_GPT)
			continue;
		if (disk_guid && !cf_guid_is_zero(disk_guid) && !cf_guid_eq(disk_guid, &t->disk_guid))
			continue;
		for (size_t i = 0; i < t->n; i++)
			if (cf_guid_eq(&t->part[i].guid, part))
				return volume_at(m, disk, &t->part[i]);
	}
	return -1;
}

static int find_device(const struct cf_machine *m, unsigned near, const struct cf_bcd_device *d)
{
	bool holder = d->kind == CF_BCD_DEV_RAMDISK || d->kind == CF_BCD_DEV_FILE;
	if (d->kind == CF_BCD_DEV_GPT || (holder && d->on_gpt))
		return cf_find_gpt(m, near, &d->partition_guid, &d->disk_guid);
	if (d->kind == CF_BCD_DEV_MBR || (holder && d->on_mbr))
		return cf_find_mbr(m, near, d->signature, d->offset, NULL);
	return -1;
}

int cf_machine_find_device(const struct cf_machine *m, const struct cf_bcd_device *d)
{
	return find_device(m, 0, d);
}

int cf_loader_volume(const struct cf_machine *m, const struct cf_boot_store *s, const struct cf_bcd_object *o)
{
	const struct cf_bcd_element *e = cf_bcd_element(o, CF_BCD_OSDEVICE);
	struct cf_bcd_device d = { 0 };
	int vol = -1;
	if (cf_bcd_device(e ? e : cf_bcd_element(o, CF_BCD_DEVICE), &d)) {
		if (d.kind == CF_BCD_DEV_BOOT)
			vol = (int)s->vol;
		else if (d.kind == CF_BCD_DEV_GPT || d.kind == CF_BCD_DEV_MBR)
			vol = find_device(m, m->vol[s->vol].disk, &d);
	}
	cf_bcd_device_free(&d);
	return vol;
}

char *cf_loader_root(const struct cf_bcd_object *o, bool *no_memory)
{
	const struct cf_bcd_element *e = cf_bcd_element(o, CF_BCD_SYSTEMROOT);
	CF_FREE char *text = e ? cf_bcd_string(e) : strdup("\\Windows");
	if (!text) {
		*no_memory = !e;
		return NULL;
	}
	size_t n = strlen(text);
	while (n && (text[n - 1] == '\\' || text[n - 1] == '/'))
		text[--n] = 0;
	if (!n || n > CF_SURVEY_MAX_NAME)
		return NULL;
	for (char *p = text; *p; p++)
		if (*p == '/')
			*p = '\\';
	if (*text == '\\')
		return CF_STEAL(text);
	char *out = NULL;
	if (asprintf(&out, "\\%s", text) < 0) {
		*no_memory = true;
		return NULL;
	}
	return out;
}

static void add_loader(struct cf_install *in, const struct cf_guid *guid)
{
	if (in->n_loaders < CF_MAX_LOADERS)
		in->loader[in->n_loaders++] = *guid;
}

/* Fills in->loader with the loaders of store s that start it. */
static int loaders_of(struct cf_machine *m, const struct cf_boot_store *s, struct cf_install *in, struct cf_error *err)
{
	in->n_loaders = 0;
	for (size_t i = 0; i < s->bcd.n; i++) {
		const struct cf_bcd_object *o = &s->bcd.object[i];
		if (!cf_is_loader(o) || cf_loader_volume(m, s, o) != (int)in->vol)
			continue;
		bool no_memory = false;
		CF_FREE char *root = cf_loader_root(o, &no_memory);
		if (no_memory)
			return cf_fail_nomem(err);
		if (root && cf_utf8_eq_nocase(root, in->root))
			add_loader(in, &o->guid);
	}
	return 0;
}

static bool default_is_among(const struct cf_boot_store *s, const struct cf_install *in)
{
	const struct cf_bcd_object *o = cf_bcd_default_loader(&s->bcd);
	for (size_t i = 0; o && i < in->n_loaders; i++)
		if (cf_guid_eq(&in->loader[i], &o->guid))
			return true;
	return false;
}

/* How likely a store is the one that this machine boots the installation with: its own disk, the place that the
 * firmware starts, its default. */
static int weight(const struct cf_machine *m, size_t store, const struct cf_install *in)
{
	const struct cf_boot_store *s = &m->store[store];
	bool gpt = m->disk[m->vol[s->vol].disk].parts.scheme == CF_SCHEME_GPT;
	int w = 1;
	if (m->vol[s->vol].disk == m->vol[in->vol].disk)
		w += 8;
	if (cf_vol_firmware_boots(m, s->vol))
		w += 4;
	if (gpt == cf_store_is_efi(s))
		w += 2;
	if (default_is_among(s, in))
		w += 1;
	return w;
}

static int best_store(struct cf_machine *m, struct cf_install *in, struct cf_error *err)
{
	int best = 0;
	for (size_t k = 0; k < m->n_stores; k++) {
		if (loaders_of(m, &m->store[k], in, err) < 0)
			return -1;
		int w = in->n_loaders ? weight(m, k, in) : 0;
		if (w > best) {
			best = w;
			in->store = (int)k;
		}
	}
	in->n_loaders = 0;
	if (in->store < 0)
		return 0;
	if (loaders_of(m, &m->store[in->store], in, err) < 0)
		return -1;
	in->is_default = default_is_among(&m->store[in->store], in);
	return 0;
}

/* The store that boots an installation although no loader says so; -1: several could. */
static int lone_store(const struct cf_machine *m, const struct cf_install *in)
{
	int found = -1;
	unsigned count = 0;
	for (size_t k = 0; k < m->n_stores; k++)
		if (m->vol[m->store[k].vol].disk == m->vol[in->vol].disk && cf_vol_firmware_boots(m, m->store[k].vol)) {
			found = (int)k;
			count++;
		}
	if (count == 1)
		return found;
	return m->n_stores == 1 ? 0 : -1;
}

static void guess(struct cf_machine *m, int windows)
{
	size_t which = windows > 0 ? (size_t)windows - 1 : 0;
	if (which >= m->n_installs || (m->n_installs != 1 && windows <= 0))
		return;
	for (size_t i = 0; i < m->n_installs; i++)
		if (m->install[i].store >= 0)
			return;
	struct cf_install *in = &m->install[which];
	in->store = lone_store(m, in);
	if (in->store < 0)
		return;
	const struct cf_boot_store *s = &m->store[in->store];
	for (size_t i = 0; i < s->bcd.n; i++)
		if (cf_is_loader(&s->bcd.object[i]) && !cf_loader_is_recovery(&s->bcd, &s->bcd.object[i]))
			add_loader(in, &s->bcd.object[i].guid);
	in->any_loader_guess = true;
	in->is_default = default_is_among(s, in);
}

int cf_survey_match(struct cf_machine *m, int windows, struct cf_error *err)
{
	for (size_t i = 0; i < m->n_installs; i++)
		if (best_store(m, &m->install[i], err) < 0)
			return -1;
	guess(m, windows);
	return 0;
}

/* The only candidate for which test holds; -1: none or several. */
static int only_one(const struct cf_machine *m, bool os_disk_only, int level)
{
	int found = -1;
	for (size_t i = 0; i < m->n_installs; i++) {
		const struct cf_install *in = &m->install[i];
		if (os_disk_only && m->vol[in->vol].disk != 0)
			continue;
		if (level >= 1 && !in->is_default)
			continue;
		if (level >= 2 && !cf_vol_firmware_boots(m, m->store[in->store].vol))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

void cf_survey_select(struct cf_machine *m, int windows)
{
	bool os_disk = false;
	m->selected = -1;
	m->ambiguous = false;
	if (windows > 0) {
		if ((size_t)windows <= m->n_installs)
			m->selected = windows - 1;
		return;
	}
	if (!m->n_installs)
		return;
	for (size_t i = 0; i < m->n_installs; i++)
		os_disk = os_disk || m->vol[m->install[i].vol].disk == 0;
	/* A lone installation, else the one default, else the one default of a store that the firmware starts. */
	for (int level = 0; level <= 2 && m->selected < 0; level++)
		m->selected = only_one(m, os_disk, level);
	if (m->selected >= 0)
		return;
	m->ambiguous = true;
	for (size_t i = 0; m->selected < 0; i++)
		if (!os_disk || m->vol[m->install[i].vol].disk == 0)
			m->selected = (int)i;
}
