/* collect-items.c - what collect takes from the disks, folder by folder.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/endian.h"
#include "base/i18n.h"
#include "job/evidence.h"

#define BOOT_SECTOR_BYTES 8192u /* $Boot of NTFS; of FAT32: boot sector, FSInfo and their copies at sector 6 */
#define MAX_MATCHES 512         /* files of one folder that a pattern may name */

/* ---- disk/: partition tables and boot sectors ---- */

static int take_table(struct cf_evidence *e, unsigned d, struct cf_error *err)
{
	const struct cf_machine_disk *disk = &e->s->m->disk[d];
	struct cf_block *b = disk->block;
	uint64_t sector = b->sector_size, table = sector == 512 ? 33 * 512 : 5 * 4096; /* header and 128 entries of 128 bytes */
	uint8_t header[512];
	char name[64], source[80];
	snprintf(name, sizeof name, "disk%u-first-sectors.bin", d);
	snprintf(source, sizeof source, "disk %u, MBR and primary GPT", d);
	if (cf_evidence_range(e, b, 0, sector + table, source, "disk", name, err) < 0)
		return -1;
	snprintf(name, sizeof name, "disk%u-last-sectors.bin", d);
	snprintf(source, sizeof source, "disk %u, backup GPT", d);
	if (b->size > 2 * table && cf_evidence_range(e, b, b->size - table, table, source, "disk", name, err) < 0)
		return -1;
	/* A disk that was grown keeps its backup where the end was; the primary header says where (offset 0x20). */
	if (b->size >= 2 * table && cf_block_read(b, sector, header, sizeof header, NULL) == 0 && memcmp(header, "EFI PART", 8) == 0) {
		uint64_t lba = cf_ld64(header + 0x20), entries = table / sector - 1;
		if (lba > entries && lba < b->size / sector - 1) {
			snprintf(name, sizeof name, "disk%u-old-backup-gpt.bin", d);
			snprintf(source, sizeof source, "disk %u, backup GPT where the primary says", d);
			if (cf_evidence_range(e, b, (lba - entries) * sector, table, source, "disk", name, err) < 0)
				return -1;
		}
	}
	for (size_t i = 0; i < disk->parts.n; i++) {
		const struct cf_partition *p = &disk->parts.part[i];
		if (!p->record)
			continue;
		snprintf(name, sizeof name, "disk%u-partition%u-record.bin", d, p->number);
		snprintf(source, sizeof source, "disk %u, extended boot record of partition %u", d, p->number);
		if (cf_evidence_range(e, b, p->record, sector, source, "disk", name, err) < 0)
			return -1;
	}
	return 0;
}

static int take_boot_sectors(struct cf_evidence *e, const struct cf_vol *v, struct cf_error *err)
{
	char name[64], source[80];
	snprintf(name, sizeof name, "disk%u-partition%u-boot.bin", v->disk, v->number);
	snprintf(source, sizeof source, "disk %u, partition %u, boot sectors", v->disk, v->number);
	if (!v->slice)
		return 0;
	if (cf_evidence_range(e, v->slice, 0, BOOT_SECTOR_BYTES, source, "disk", name, err) < 0)
		return -1;
	if (v->fs != CF_FS_NTFS || v->slice->size < 2 * BOOT_SECTOR_BYTES)
		return 0;
	uint64_t sector = v->slice->sector_size;
	snprintf(name, sizeof name, "disk%u-partition%u-boot-copy.bin", v->disk, v->number);
	snprintf(source, sizeof source, "disk %u, partition %u, copy of the boot sector", v->disk, v->number);
	return cf_evidence_range(e, v->slice, v->slice->size - sector, sector, source, "disk", name, err);
}

/* ---- files whose names a pattern gives ---- */

struct match {
	char name[256];
	int64_t mtime;
};

struct matches {
	const char *const *first; /* beginnings of names, NULL-terminated */
	const char *end;          /* end of the name; NULL: a name of `first` alone, or with .LOG, .LOG1, .LOG2 behind it */
	struct match *item;
	size_t n;
	bool exact;               /* with end NULL: one of them has no .LOG behind its name */
};

static bool is_log_of(const char *rest)
{
	return !*rest || strcasecmp(rest, ".LOG") == 0 || strcasecmp(rest, ".LOG1") == 0 || strcasecmp(rest, ".LOG2") == 0;
}

static int each(void *user, const char *name, const struct cf_stat *st)
{
	struct matches *m = user;
	size_t n = strlen(name), end = m->end ? strlen(m->end) : 0;
	if (st->kind != CF_FILE_REGULAR || m->n == MAX_MATCHES || n >= sizeof m->item->name)
		return 0;
	for (const char *const *f = m->first; *f; f++) {
		size_t k = strlen(*f);
		if (strncasecmp(name, *f, k) != 0)
			continue;
		if (m->end ? n < k + end || strcasecmp(name + n - end, m->end) != 0 : !is_log_of(name + k))
			continue;
		m->exact |= !m->end && !name[k];
		memcpy(m->item[m->n].name, name, n + 1);
		m->item[m->n++].mtime = st->mtime;
		break;
	}
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct match *x = a, *y = b;
	if (x->mtime != y->mtime)
		return x->mtime < y->mtime ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Takes the matching files of a folder, the newest `most` of them. */
static int take_matches(struct cf_evidence *e, size_t vol, const char *path, struct matches *m, size_t most, unsigned how,
			const char *folder, const char *prefix, struct cf_error *err)
{
	CF_FREE struct match *item = calloc(MAX_MATCHES, sizeof *item);
	struct cf_error bad = { 0 };
	if (!item)
		return cf_fail_nomem(err);
	m->item = item;
	m->n = 0;
	/* A folder that can't be read to its end gives what was listed so far. */
	if (cf_volume_list(e->s->m->vol[vol].vol, path, each, m, &bad) < 0 && bad.code != CF_E_NOT_FOUND &&
	    cf_evidence_note(e, path, "unreadable", bad.message, err) < 0)
		return -1;
	qsort(item, m->n, sizeof *item, newest_first);
	for (size_t i = 0; i < m->n && i < most; i++) {
		char whole[900], name[320];
		snprintf(whole, sizeof whole, "%s\\%s", path, item[i].name);
		snprintf(name, sizeof name, "%s%s", prefix, item[i].name);
		if (cf_evidence_file(e, vol, whole, how, folder, name, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- boot/ and ntfs/ ---- */

static int take_stores(struct cf_evidence *e, size_t vol, struct cf_error *err)
{
	/* Also the recovery environment's and copied media's: support wants to see every store. */
	static const char *const folders[] = { "\\EFI\\Microsoft\\Boot", "\\EFI\\Microsoft\\Recovery", "\\Boot" };
	static const char *const first[] = { "BCD", NULL };
	const struct cf_vol *v = &e->s->m->vol[vol];
	for (size_t i = 0; i < CF_ARRAY_LEN(folders); i++) {
		struct matches m = { .first = first };
		char prefix[80];
		snprintf(prefix, sizeof prefix, "disk%u-partition%u%s-", v->disk, v->number, folders[i]);
		for (char *p = prefix; *p; p++)
			*p = *p == '\\' ? '-' : *p;
		if (take_matches(e, vol, folders[i], &m, MAX_MATCHES, CF_TAKE_WHOLE, "boot", prefix, err) < 0)
			return -1;
	}
	return 0;
}

static int take_volume(struct cf_evidence *e, size_t vol, struct cf_error *err)
{
	const struct cf_vol *v = &e->s->m->vol[vol];
	char name[64];
	if (take_boot_sectors(e, v, err) < 0)
		return -1;
	if (!v->vol && (v->fs == CF_FS_UNKNOWN || v->fs == CF_FS_EMPTY))
		return 0;
	if (!v->vol) {
		CF_FREE char *who = cf_vol_name(e->s->m, vol);
		return who ? cf_evidence_note(e, who, "unreadable", v->error.message, err) : cf_fail_nomem(err);
	}
	if (take_stores(e, vol, err) < 0)
		return -1;
	snprintf(name, sizeof name, "disk%u-partition%u-ReAgent.xml", v->disk, v->number);
	if (cf_evidence_file(e, vol, "\\Recovery\\WindowsRE\\ReAgent.xml", CF_TAKE_WHOLE | CF_TAKE_IF_THERE, "boot", name, err) < 0)
		return -1;
	snprintf(name, sizeof name, "disk%u-partition%u-LogFile", v->disk, v->number);
	return v->fs == CF_FS_NTFS ? cf_evidence_file(e, vol, "\\$LogFile", CF_TAKE_WHOLE, "ntfs", name, err) : 0;
}

/* ---- registry/, events/, logs/: an installation ---- */

static int take_hives(struct cf_evidence *e, const struct cf_install *in, unsigned number, struct cf_error *err)
{
	static const char *const expected[] = { "SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT" };
	static const char *const more[] = { "COMPONENTS", "DRIVERS", "BBI", "ELAM", "BCD-Template" };
	char config[600], prefix[32];
	snprintf(config, sizeof config, "%s\\System32\\config", in->root);
	snprintf(prefix, sizeof prefix, "windows%u-", number);
	for (size_t i = 0; i < CF_ARRAY_LEN(expected) + CF_ARRAY_LEN(more); i++) {
		bool must = i < CF_ARRAY_LEN(expected);
		const char *const first[] = { must ? expected[i] : more[i - CF_ARRAY_LEN(expected)], NULL };
		struct matches m = { .first = first };
		if (take_matches(e, in->vol, config, &m, MAX_MATCHES, CF_TAKE_WHOLE, "registry", prefix, err) < 0)
			return -1;
		if (!must || m.exact)
			continue;
		char whole[700];
		snprintf(whole, sizeof whole, "%s\\%s", config, first[0]);
		if (cf_evidence_note(e, whole, "missing", _("there is no such file"), err) < 0)
			return -1;
	}
	return 0;
}

struct wanted {
	const char *path; /* behind the root of Windows; with "/" in front: on its volume */
	unsigned how;
	const char *folder;
};

static const struct wanted wanted[] = {
	{ "\\System32\\winevt\\Logs\\System.evtx", CF_TAKE_WHOLE, "events" },
	{ "\\Logs\\CBS\\CBS.log", CF_TAKE_TAIL, "logs" },
	{ "\\INF\\setupapi.dev.log", CF_TAKE_TAIL, "logs" },
	{ "\\System32\\Recovery\\ReAgent.xml", CF_TAKE_WHOLE, "boot" },
	{ "\\INF\\setupapi.setup.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\INF\\setupapi.offline.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\INF\\setupapi.upgrade.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\Logs\\DISM\\dism.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\Logs\\MoSetup\\BlueBox.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\WindowsUpdate.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\SoftwareDistribution\\ReportingEvents.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\Panther\\setupact.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\Panther\\setuperr.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "/\\$WINDOWS.~BT\\Sources\\Panther\\setupact.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "/\\$WINDOWS.~BT\\Sources\\Panther\\setuperr.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\WinSxS\\pending.xml", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\WinSxS\\poqexec.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\ntbtlog.txt", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\bootstat.dat", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "\\System32\\LogFiles\\Srt\\SrtTrail.txt", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "/\\DumpStack.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "/\\DumpStack.log.tmp", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
	{ "/\\WindowsAzure\\Logs\\WaAppAgent.log", CF_TAKE_TAIL | CF_TAKE_IF_THERE, "logs" },
};

#define NEWEST_TRACES 8 /* of Windows Update's traces, the newest */

static int take_install(struct cf_evidence *e, const struct cf_install *in, unsigned number, struct cf_error *err)
{
	static const char *const any[] = { "", NULL };
	char path[700], name[400], prefix[64];
	if (!e->s->m->vol[in->vol].vol)
		return 0; /* its volume was noted */
	if (take_hives(e, in, number, err) < 0)
		return -1;
	for (size_t i = 0; i < CF_ARRAY_LEN(wanted); i++) {
		bool top = wanted[i].path[0] == '/';
		const char *rest = wanted[i].path + top;
		snprintf(path, sizeof path, "%s%s", top ? "" : in->root, rest);
		snprintf(name, sizeof name, "windows%u-%s", number, rest + 1);
		for (char *p = name; *p; p++)
			*p = *p == '\\' ? '-' : *p;
		if (cf_evidence_file(e, in->vol, path, wanted[i].how, wanted[i].folder, name, err) < 0)
			return -1;
	}
	struct matches traces = { .first = any, .end = ".etl" };
	snprintf(path, sizeof path, "%s\\Logs\\WindowsUpdate", in->root);
	snprintf(prefix, sizeof prefix, "windows%u-WindowsUpdate-", number);
	return take_matches(e, in->vol, path, &traces, NEWEST_TRACES, CF_TAKE_TAIL, "logs", prefix, err);
}

static int take_dumps(struct cf_evidence *e, struct cf_error *err)
{
	CF_DUMP_LIST l = { 0 };
	if (cf_dump_find(e->s->m, NULL, CF_DUMP_EVERYWHERE, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (cf_evidence_dump(e, &l.item[i], err) < 0)
			return -1;
	return l.more ? cf_evidence_note(e, "crash dumps", "missing", _("there are more than were listed"), err) : 0;
}

int cf_evidence_disks(struct cf_evidence *e, struct cf_error *err)
{
	const struct cf_machine *m = e->s->m;
	for (unsigned d = 0; d < m->n_disks; d++)
		if (take_table(e, d, err) < 0)
			return -1;
	for (size_t i = 0; i < m->n_vols; i++)
		if (take_volume(e, i, err) < 0)
			return -1;
	for (size_t i = 0; i < m->n_installs; i++)
		if (take_install(e, &m->install[i], (unsigned)i + 1, err) < 0)
			return -1;
	if (take_dumps(e, err) < 0)
		return -1;
	if (!m->n_installs)
		return cf_evidence_note(e, "Windows", "missing", _("no Windows installation was found on this disk"), err);
	return 0;
}
