/* machine.h - what is on a VM's disks: volumes with roles and letters, Windows installations, boot stores.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * cf_machine_survey() reads everything that the problems decide on, once, from the given devices (the disk itself, or the
 * overlay of a repair: the same code looks at both). It never writes. Things are found by content, never by position:
 * a partition that can't be read is kept with its error, and the rest of the disk is still surveyed.
 */
#ifndef CF_WINDOWS_MACHINE_H
#define CF_WINDOWS_MACHINE_H

#include "part/part.h"
#include "registry/bcd.h"
#include "registry/hive-log.h"
#include "registry/hive.h"
#include "volume/volume.h"

#define CF_MAX_DISKS 16
#define CF_MAX_CONTROL_SETS 16
#define CF_MAX_LOADERS 32

enum cf_role { CF_ROLE_DATA, CF_ROLE_ESP, CF_ROLE_SYSTEM, CF_ROLE_MSR, CF_ROLE_WINDOWS, CF_ROLE_RECOVERY };

const char *cf_role_name(enum cf_role role); /* "esp", "system", "msr", "windows", "recovery", "data" */

struct cf_machine_disk {
	struct cf_block *block; /* borrowed */
	char *path;             /* for messages */
	struct cf_part_table parts;
	struct cf_error part_error; /* code != CF_OK: the table can't be used; the disk has no volumes then */
};

/* One partition, or the whole disk when it has no partition table but a file system. */
struct cf_vol {
	unsigned disk;                    /* index into cf_machine.disk */
	const struct cf_partition *part;  /* NULL: the whole disk */
	unsigned number;                  /* partition number; 0: the whole disk */
	uint64_t start, size;             /* bytes on the disk */
	enum cf_fs fs;
	enum cf_role role;
	char letter;                      /* as the selected Windows has it; 0: none known */
	char *label;                      /* may be NULL */
	struct cf_block *slice;           /* owned */
	struct cf_volume *vol;            /* owned, open read-only; NULL: see error */
	struct cf_error error;
	struct cf_volume_health health;   /* zero when vol is NULL */
	struct cf_volume_space space;     /* total_bytes 0 when not known */
};

/* A hive file with its logs, as Windows would load it. */
struct cf_hive_file {
	size_t vol;          /* index into cf_machine.vol */
	char *path;          /* "\\Windows\\System32\\config\\SYSTEM" */
	bool present;
	uint64_t size;       /* bytes of the primary file */
	struct cf_replay replay;
	struct cf_hive *hive;          /* after replay; NULL: see error */
	struct cf_hive_report report;  /* validation of the replayed hive */
	struct cf_error error;
};

struct cf_boot_store {
	size_t vol;
	char *path;               /* "\\EFI\\Microsoft\\Boot\\BCD" or "\\Boot\\BCD" */
	struct cf_hive_file file; /* file.hive NULL: bcd is empty */
	struct cf_bcd bcd;
};

struct cf_control_set {
	unsigned number;      /* 1: ControlSet001 */
	char key[16];         /* "ControlSet001" */
	bool current, is_default, failed, last_known_good;
};

/* Where one drive letter of an installation points (MountedDevices). */
struct cf_letter {
	char letter;
	int vol;             /* index into cf_machine.vol, or -1: not on any disk at hand */
	bool foreign;        /* a disk that is not here (its signature or GUID matches none) */
	bool not_a_disk;     /* CD, floppy, USB (device string) */
};

struct cf_install {
	size_t vol;                 /* the volume it lies on */
	char *root;                 /* "\\Windows" */
	char *product, *version, *edition, *architecture, *computer_name; /* malloc'd, NULL: not known. version: "10.0.20348" style; product: "Windows Server 2022 Datacenter" (Windows 11 said right); architecture: "x64", "x86", "arm64" */
	char *display_version;      /* "21H2", may be NULL */
	unsigned build, ubr;        /* 0: not known */
	bool server;                /* InstallationType, else the product's name or ProductType says server */
	bool type_known;            /* InstallationType is there */
	bool guest_agent;           /* Azure guest agent: service keys or \WindowsAzure */
	bool update_pending;        /* pending.xml, RebootPending, … */
	char **dump_folders;        /* DumpFolder of LocalDumps and its programs' keys, as they stand there; NULL-terminated, NULL: none */
	size_t n_profiles;
	char **profile;             /* ProfileImagePath of each user as the registry spells it ("C:\\Users\\x"); cf_install_path */
	struct cf_hive_file system;
	struct cf_hive_file software; /* hive is always NULL: freed once its values are read; report, replay and error stay */
	bool select_missing;        /* Select has no usable Current */
	unsigned current, default_set, failed, last_known_good; /* Select; 0: not there */
	size_t n_sets;
	struct cf_control_set set[CF_MAX_CONTROL_SETS]; /* those that exist, ascending */
	size_t n_letters;
	struct cf_letter letter[26];
	char own_letter;            /* the letter of its own volume: MountedDevices, else 'C' */
	int store;                  /* index into cf_machine.store of the store that boots it; -1: none found */
	size_t n_loaders;
	struct cf_guid loader[CF_MAX_LOADERS]; /* loader objects of that store whose osdevice and systemroot are this installation */
	bool is_default;            /* the store's default loader is one of them */
	bool any_loader_guess;      /* no loader names this volume: loaders were taken because it is the only installation or the one asked for */
};

struct cf_machine {
	unsigned n_disks;
	struct cf_machine_disk disk[CF_MAX_DISKS]; /* 0: the OS disk */
	size_t n_vols;
	struct cf_vol *vol;
	size_t n_installs;
	struct cf_install *install;
	size_t n_stores;
	struct cf_boot_store *store;
	int selected;       /* index of the installation that is worked on; -1: none */
	bool ambiguous;     /* several, and no default loader decides: --windows N is needed for writing */
	unsigned generation;/* 1 or 2; 0: not known (no boot store, no partition table) */
};

struct cf_survey_options {
	int windows;        /* --windows N, from 1; 0: choose */
};

/* disk[0..n) are borrowed and must outlive the machine; paths are copied. Fails only when the OS disk can't be read at all
 * or memory runs out: everything else is recorded where it belongs. */
int cf_machine_survey(struct cf_block *const *disk, const char *const *path, unsigned n,
		      const struct cf_survey_options *opt, struct cf_machine **out, struct cf_error *err) CF_MUST_CHECK;
void cf_machine_free(struct cf_machine *m); /* NULL is fine */

/* The volume of a disk on which byte offset/GUID/signature of a device element lies; -1: none here. */
int cf_machine_find_device(const struct cf_machine *m, const struct cf_bcd_device *d);

/* The volume that has this letter for installation `in`; -1: none here. */
int cf_machine_find_letter(const struct cf_machine *m, const struct cf_install *in, char letter);

/* "C:" for a volume with a letter, else "partition 2 (System Reserved)"; malloc'd. */
char *cf_vol_name(const struct cf_machine *m, size_t vol);

/* The bytes of a hive as Windows would load it: the file, and if it is dirty its logs (PATH.LOG1, .LOG2, .LOG) replayed over
 * it in memory; replay says what was done. CF_E_CORRUPT for what is no hive or absurdly large. */
int cf_hive_read_replayed(struct cf_volume *vol, const char *path, struct cf_buf *bytes, struct cf_replay *replay,
			  struct cf_error *err) CF_MUST_CHECK;

/* Reads a hive file with its logs (PATH.LOG1, .LOG2, .LOG) and replays them in memory. Never fails: see file->error. */
void cf_hive_file_load(struct cf_machine *m, size_t vol, const char *path, bool validate, struct cf_hive_file *file);
void cf_hive_file_free(struct cf_hive_file *file);

/* One paging file that a control set names. */
struct cf_paging_file {
	char letter;       /* 'C'; '?' for "?:" */
	char path[260];    /* "\\pagefile.sys" */
	uint64_t initial_mb, maximum_mb;
	bool sized;
	char text[300];    /* as it stands in the registry */
};
#define CF_MAX_PAGING_FILES 16

/* PagingFiles (value "PagingFiles") or ExistingPageFiles of one control set; *n entries, *found: the value is there. */
int cf_install_paging_files(const struct cf_install *in, const struct cf_control_set *set, const char *value,
			    struct cf_paging_file *out, size_t *n, bool *found, struct cf_error *err) CF_MUST_CHECK;

/* Windows' answer to "%SystemRoot%\MEMORY.DMP" and "D:\pagefile.sys", "\??\C:\pagefile.sys": the letter and the
 * volume-relative path (malloc'd). False when it is no such path. */
bool cf_install_path(const struct cf_install *in, const char *text, char *letter, char **path);

#endif
