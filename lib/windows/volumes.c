/* volumes.c - partitions become volumes: file system, health, space, role.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every partition of every disk is kept, also one that can't be read: then vol is NULL and error says what it is and
 * what to do. A role comes from what lies on the volume first and from the partition's type second.
 */
#include <stdlib.h>
#include <string.h>

#include "windows/survey.h"

static const char *const role_names[] = {
	[CF_ROLE_DATA] = "data", [CF_ROLE_ESP] = "esp", [CF_ROLE_SYSTEM] = "system",
	[CF_ROLE_MSR] = "msr", [CF_ROLE_WINDOWS] = "windows", [CF_ROLE_RECOVERY] = "recovery",
};

const char *cf_role_name(enum cf_role role)
{
	return (size_t)role < CF_ARRAY_LEN(role_names) ? role_names[role] : "data";
}

/* "" for the whole disk. */
const char *cf_vol_type_word(const struct cf_machine *m, const struct cf_vol *v)
{
	return v->part ? cf_part_type_word(&m->disk[v->disk].parts, v->part) : "";
}

static bool type_is(const struct cf_machine *m, const struct cf_vol *v, const char *word)
{
	return strcmp(cf_vol_type_word(m, v), word) == 0;
}

/* An active partition is booted from whatever its type says (makers' disks have boot files on a type-27 partition). */
bool cf_vol_is_recovery(const struct cf_machine *m, const struct cf_vol *v)
{
	return (type_is(m, v, "recovery") || type_is(m, v, "winre")) && !(v->part && v->part->active);
}

bool cf_vol_firmware_boots(const struct cf_machine *m, size_t vol)
{
	const struct cf_vol *v = &m->vol[vol];
	if (!v->part)
		return true;
	return type_is(m, v, "esp") || (m->disk[v->disk].parts.scheme == CF_SCHEME_MBR && v->part->active);
}

int cf_survey_disk(struct cf_machine *m, unsigned disk, struct cf_error *err)
{
	struct cf_machine_disk *d = &m->disk[disk];
	struct cf_error why = { 0 };
	if (cf_part_read(d->block, &d->parts, &why) == 0)
		return 0;
	d->parts.n = 0;
	cf_fail_path(&why, d->path);
	d->part_error = why;
	if (why.code == CF_E_NO_MEMORY || (disk == 0 && why.code == CF_E_IO)) {
		if (err)
			*err = why;
		return -1;
	}
	return 0;
}

/* What to do about a file system that can't be read here. */
static void say_unsupported(struct cf_vol *v)
{
	char what[64];
	if (v->number)
		snprintf(what, sizeof what, "partition %u", v->number);
	else
		snprintf(what, sizeof what, "the disk");
	switch (v->fs) {
	case CF_FS_BITLOCKER:
		cf_fail(&v->error, CF_E_UNSUPPORTED,
			"%s is encrypted with BitLocker: decrypt it first (manage-bde -off in Windows, or turn off Azure Disk "
			"Encryption), then try again; suspending the protection is not enough",
			what);
		break;
	case CF_FS_REFS:
		cf_fail(&v->error, CF_E_UNSUPPORTED, "%s is formatted with ReFS, which can only be read by Windows", what);
		break;
	case CF_FS_EXFAT:
		cf_fail(&v->error, CF_E_UNSUPPORTED, "%s is formatted with exFAT, which is not read here", what);
		break;
	case CF_FS_LDM:
		cf_fail(&v->error, CF_E_UNSUPPORTED,
			"%s belongs to a dynamic disk: convert it to a basic disk first, or repair it in Windows", what);
		break;
	case CF_FS_STORAGE_SPACES:
		cf_fail(&v->error, CF_E_UNSUPPORTED,
			"%s is a member of a Storage Spaces pool, which can only be read by Windows", what);
		break;
	default:
		cf_fail(&v->error, CF_E_UNSUPPORTED, "%s holds no file system that is known here", what);
		break;
	}
}

/* Health and space are what the problems weigh; when they can't be had that is damage, not "all is well". */
static void measure(struct cf_vol *v)
{
	struct cf_error why = { 0 };
	if (cf_volume_health(v->vol, &v->health, &why) < 0 && !v->health.damaged) {
		v->health.damaged = true;
		snprintf(v->health.damage, sizeof v->health.damage, "%.*s", (int)sizeof v->health.damage - 1, why.message);
	}
	why = (struct cf_error){ 0 };
	if (cf_volume_space(v->vol, &v->space, &why) < 0) {
		v->space = (struct cf_volume_space){ 0 };
		if (!v->health.damaged) {
			v->health.damaged = true;
			snprintf(v->health.damage, sizeof v->health.damage, "%.*s", (int)sizeof v->health.damage - 1,
				 why.message);
		}
	}
	v->label = cf_volume_label(v->vol, NULL);
}

/* The file system by type where the type says that the content is a piece of something larger. */
static bool piece_of_a_pool(const struct cf_machine *m, struct cf_vol *v)
{
	if (type_is(m, v, "ldm-data") || type_is(m, v, "ldm-metadata"))
		v->fs = CF_FS_LDM;
	else if (type_is(m, v, "storage-spaces"))
		v->fs = CF_FS_STORAGE_SPACES;
	else
		return false;
	return true;
}

static void open_volume(struct cf_machine *m, struct cf_vol *v)
{
	if (type_is(m, v, "msr"))
		return;
	v->slice = cf_slice_open(m->disk[v->disk].block, v->start, v->size, &v->error);
	if (!v->slice)
		return;
	if (!piece_of_a_pool(m, v) && cf_volume_detect(v->slice, &v->fs, &v->error) < 0)
		return;
	switch (v->fs) {
	case CF_FS_NTFS:
	case CF_FS_FAT12:
	case CF_FS_FAT16:
	case CF_FS_FAT32:
		v->vol = cf_volume_open(v->slice, v->fs, CF_VOL_READ, &v->error);
		if (v->vol)
			measure(v);
		break;
	case CF_FS_EMPTY:
		break;
	default:
		say_unsupported(v);
		break;
	}
}

static struct cf_vol *add_volume(struct cf_machine *m, struct cf_error *err)
{
	struct cf_vol *grown = realloc(m->vol, (m->n_vols + 1) * sizeof *grown);
	if (!grown) {
		cf_fail_nomem(err);
		return NULL;
	}
	m->vol = grown;
	grown[m->n_vols] = (struct cf_vol){ 0 };
	return &grown[m->n_vols++];
}

/* A disk without a partition table may be one volume. */
static int whole_disk(struct cf_machine *m, unsigned disk, struct cf_error *err)
{
	struct cf_block *block = m->disk[disk].block;
	struct cf_error why = { 0 };
	enum cf_fs fs = CF_FS_UNKNOWN;
	if (cf_volume_detect(block, &fs, &why) < 0) {
		m->disk[disk].part_error = why;
		return 0;
	}
	if (fs == CF_FS_UNKNOWN || fs == CF_FS_EMPTY)
		return 0;
	struct cf_vol *v = add_volume(m, err);
	if (!v)
		return -1;
	v->disk = disk;
	v->size = block->size;
	open_volume(m, v);
	return v->error.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
}

int cf_survey_volumes(struct cf_machine *m, unsigned disk, struct cf_error *err)
{
	const struct cf_part_table *t = &m->disk[disk].parts;
	if (m->disk[disk].part_error.code != CF_OK)
		return 0;
	if (t->scheme == CF_SCHEME_NONE)
		return whole_disk(m, disk, err);
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(cf_part_type_word(t, &t->part[i]), "extended") == 0)
			continue; /* a container: its logical partitions are listed on their own */
		struct cf_vol *v = add_volume(m, err);
		if (!v)
			return -1;
		v->disk = disk;
		v->part = &t->part[i];
		v->number = t->part[i].number;
		v->start = t->part[i].start;
		v->size = t->part[i].size;
		open_volume(m, v);
		if (v->error.code == CF_E_NO_MEMORY)
			return cf_fail_nomem(err);
	}
	return 0;
}

static bool holds_install(const struct cf_machine *m, size_t vol)
{
	for (size_t i = 0; i < m->n_installs; i++)
		if (m->install[i].vol == vol)
			return true;
	return false;
}

static const struct cf_boot_store *holds_store(const struct cf_machine *m, size_t vol)
{
	for (size_t i = 0; i < m->n_stores; i++)
		if (m->store[i].vol == vol)
			return &m->store[i];
	return NULL;
}

static enum cf_role role_of(const struct cf_machine *m, size_t i)
{
	const struct cf_vol *v = &m->vol[i];
	const struct cf_boot_store *store = holds_store(m, i);
	if (holds_install(m, i))
		return CF_ROLE_WINDOWS;
	if (type_is(m, v, "esp"))
		return CF_ROLE_ESP;
	if (type_is(m, v, "msr"))
		return CF_ROLE_MSR;
	if (cf_vol_is_recovery(m, v))
		return CF_ROLE_RECOVERY;
	if (store)
		return cf_store_is_efi(store) ? CF_ROLE_ESP : CF_ROLE_SYSTEM;
	if (v->part && v->part->active && m->disk[v->disk].parts.scheme == CF_SCHEME_MBR)
		return CF_ROLE_SYSTEM;
	if (v->vol && cf_volume_exists(v->vol, "\\Recovery\\WindowsRE\\Winre.wim"))
		return CF_ROLE_RECOVERY;
	return CF_ROLE_DATA;
}

void cf_survey_roles(struct cf_machine *m)
{
	for (size_t i = 0; i < m->n_vols; i++)
		m->vol[i].role = role_of(m, i);
}

char *cf_vol_name(const struct cf_machine *m, size_t vol)
{
	char *text = NULL;
	if (vol >= m->n_vols)
		return strdup("an unknown volume");
	const struct cf_vol *v = &m->vol[vol];
	const char *label = v->label && *v->label ? v->label : v->part ? v->part->name : "";
	const char *on = v->disk ? m->disk[v->disk].path : "";
	int n;
	if (v->letter)
		n = asprintf(&text, "%c:", v->letter);
	else if (v->number)
		n = asprintf(&text, "partition %u%s%s%s%s%s", v->number, *on ? " of " : "", on, *label ? " (" : "", label,
			     *label ? ")" : "");
	else
		n = asprintf(&text, "the whole disk%s%s", *on ? " " : "", on);
	return n < 0 ? NULL : text;
}
