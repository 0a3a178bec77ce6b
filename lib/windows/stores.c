/* stores.c - boot stores: found by content on every volume, whatever the partition is called.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A store of an installed Windows is \EFI\Microsoft\Boot\BCD or \Boot\BCD of a volume. Never listed, so never edited:
 * the recovery environment's own store (\EFI\Microsoft\Recovery\BCD, and anything on a recovery partition), the
 * template in \Windows\System32\config, and stores that start nothing but WinPE (copied installation media).
 */
#include <stdlib.h>
#include <string.h>

#include "windows/survey.h"

#define BCD_RECOVERYOS 0x46000010u /* boolean that Windows sets on the loader of its recovery environment */

static const char *const store_paths[] = { "\\EFI\\Microsoft\\Boot\\BCD", "\\Boot\\BCD" };

bool cf_store_is_efi(const struct cf_boot_store *s)
{
	return strcmp(s->path, store_paths[0]) == 0;
}

static bool element_is_ramdisk(const struct cf_bcd_object *o, uint32_t type)
{
	struct cf_bcd_device d = { 0 };
	bool ramdisk = cf_bcd_device(cf_bcd_element(o, type), &d) && d.kind == CF_BCD_DEV_RAMDISK;
	cf_bcd_device_free(&d);
	return ramdisk;
}

static bool element_is_true(const struct cf_bcd *bcd, const struct cf_bcd_object *o, uint32_t type)
{
	bool on = false;
	return cf_bcd_bool(cf_bcd_effective(bcd, o, type, NULL), &on) && on;
}

bool cf_is_loader(const struct cf_bcd_object *o)
{
	if (o->type)
		return o->type == CF_BCD_TYPE_LOADER;
	CF_FREE char *path = cf_bcd_string(cf_bcd_element(o, CF_BCD_PATH));
	return path && strcasestr(path, "\\winload.");
}

bool cf_loader_is_recovery(const struct cf_bcd *bcd, const struct cf_bcd_object *o)
{
	return element_is_true(bcd, o, CF_BCD_WINPE) || element_is_true(bcd, o, BCD_RECOVERYOS) ||
	       element_is_ramdisk(o, CF_BCD_OSDEVICE) || element_is_ramdisk(o, CF_BCD_DEVICE);
}

static int add_store(struct cf_machine *m, size_t vol, const char *path, struct cf_error *err)
{
	struct cf_boot_store *grown = realloc(m->store, (m->n_stores + 1) * sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	m->store = grown;
	struct cf_boot_store *s = &grown[m->n_stores++];
	*s = (struct cf_boot_store){ .vol = vol };
	s->path = strdup(path);
	if (!s->path)
		return cf_fail_nomem(err);
	cf_hive_file_load(m, vol, path, true, &s->file);
	if (s->file.hive && cf_bcd_read(s->file.hive, &s->bcd, &s->file.error) < 0) {
		cf_fail_path(&s->file.error, path);
		cf_bcd_free(&s->bcd);
		cf_hive_close(s->file.hive);
		s->file.hive = NULL;
	}
	return s->file.error.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
}

int cf_survey_stores(struct cf_machine *m, struct cf_error *err)
{
	for (size_t i = 0; i < m->n_vols; i++) {
		if (!m->vol[i].vol || cf_vol_is_recovery(m, &m->vol[i]))
			continue;
		for (size_t k = 0; k < CF_ARRAY_LEN(store_paths) && m->n_stores < CF_SURVEY_MAX_STORES; k++) {
			struct cf_stat st;
			struct cf_error why = { 0 };
			if (cf_volume_stat(m->vol[i].vol, store_paths[k], &st, &why) < 0 || st.kind != CF_FILE_REGULAR)
				continue;
			if (add_store(m, i, store_paths[k], err) < 0)
				return -1;
		}
	}
	return 0;
}

static bool only_recovery_loaders(const struct cf_bcd *bcd)
{
	size_t loaders = 0;
	for (size_t i = 0; i < bcd->n; i++) {
		if (!cf_is_loader(&bcd->object[i]))
			continue;
		loaders++;
		if (!cf_loader_is_recovery(bcd, &bcd->object[i]))
			return false;
	}
	return loaders > 0;
}

/* The firmware's store of a disk with a Windows on it stays even if its only loader starts WinPE (a broken upgrade): it
 * is what this machine boots. The same store on other volumes is a copy of installation media. */
static bool is_ours(const struct cf_machine *m, const struct cf_boot_store *s)
{
	if (s->file.hive && !only_recovery_loaders(&s->bcd))
		return true;
	for (size_t i = 0; i < m->n_installs; i++) {
		if (m->install[i].vol == s->vol && !s->file.hive)
			return true;
		if (m->vol[m->install[i].vol].disk == m->vol[s->vol].disk && cf_vol_firmware_boots(m, s->vol))
			return true;
	}
	return !s->file.hive && cf_vol_firmware_boots(m, s->vol);
}

void cf_store_free(struct cf_boot_store *s)
{
	cf_bcd_free(&s->bcd);
	cf_hive_file_free(&s->file);
	free(s->path);
}

void cf_survey_prune_stores(struct cf_machine *m)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->n_stores; i++) {
		if (is_ours(m, &m->store[i]))
			m->store[kept++] = m->store[i];
		else
			cf_store_free(&m->store[i]);
	}
	m->n_stores = kept;
}
