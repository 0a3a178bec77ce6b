/* survey.h - what the files of the windows layer share while a survey runs; nobody else includes it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order is machine.c's: disks, volumes, stores, installations, stores that are none of ours dropped, matching,
 * letters, roles. Each step may rely on the ones before it. Steps return -1 only when memory runs out; what a disk gets
 * wrong is recorded in the struct that it concerns.
 */
#ifndef CF_WINDOWS_SURVEY_H
#define CF_WINDOWS_SURVEY_H

#include "windows/machine.h"

#define CF_SURVEY_MAX_STORES 64         /* two places a volume, a few volumes: anything beyond is hostile */
#define CF_SURVEY_MAX_INSTALLS 64       /* loaders can name any folder */
#define CF_SURVEY_MAX_HIVE_BYTES (UINT64_C(1152) * 1024 * 1024) /* of hives in memory together: two of the largest, and real ones */
#define CF_SURVEY_MAX_FOLDERS 1024      /* top-level folders that are looked into, a volume */
#define CF_SURVEY_MAX_NAME 260          /* bytes of a folder's name or a loader's systemroot */

/* volumes.c */
int cf_survey_disk(struct cf_machine *m, unsigned disk, struct cf_error *err) CF_MUST_CHECK;
int cf_survey_volumes(struct cf_machine *m, unsigned disk, struct cf_error *err) CF_MUST_CHECK;
void cf_survey_roles(struct cf_machine *m);
const char *cf_vol_type_word(const struct cf_machine *m, const struct cf_vol *v);
bool cf_vol_is_recovery(const struct cf_machine *m, const struct cf_vol *v); /* by type, not booted from */
bool cf_vol_firmware_boots(const struct cf_machine *m, size_t vol);          /* ESP, active partition, whole disk */

/* stores.c */
int cf_survey_stores(struct cf_machine *m, struct cf_error *err) CF_MUST_CHECK;
void cf_survey_prune_stores(struct cf_machine *m);
void cf_store_free(struct cf_boot_store *s);
bool cf_store_is_efi(const struct cf_boot_store *s);
bool cf_is_loader(const struct cf_bcd_object *o); /* by its type; without a Description by its program, winload */
bool cf_loader_is_recovery(const struct cf_bcd *bcd, const struct cf_bcd_object *o); /* WinPE, WinRE, ramdisk */

/* install.c */
int cf_survey_installs(struct cf_machine *m, struct cf_error *err) CF_MUST_CHECK;

/* identity.c, pe.c */
int cf_survey_software(struct cf_machine *m, struct cf_install *in, struct cf_error *err) CF_MUST_CHECK;
int cf_survey_system(struct cf_machine *m, struct cf_install *in, struct cf_error *err) CF_MUST_CHECK;
const char *cf_pe_architecture(struct cf_volume *vol, const char *path); /* "x64", …; NULL: not known */
bool cf_pe_version(struct cf_volume *vol, const char *path, unsigned version[4]);

/* dump-folders.c; software.hive is open */
int cf_survey_dump_folders(struct cf_install *in, struct cf_error *err) CF_MUST_CHECK;

/* control-sets.c */
int cf_survey_control_sets(struct cf_install *in, struct cf_error *err) CF_MUST_CHECK;

/* letters.c */
int cf_survey_letters(struct cf_machine *m, struct cf_install *in, struct cf_error *err) CF_MUST_CHECK;
void cf_survey_volume_letters(struct cf_machine *m);

/* match.c */
int cf_find_mbr(const struct cf_machine *m, unsigned near, uint32_t signature, uint64_t offset, bool *known);
int cf_find_gpt(const struct cf_machine *m, unsigned near, const struct cf_guid *part, const struct cf_guid *disk);
int cf_loader_volume(const struct cf_machine *m, const struct cf_boot_store *s, const struct cf_bcd_object *o);
char *cf_loader_root(const struct cf_bcd_object *o, bool *no_memory); /* "\\Windows", malloc'd; NULL: none usable */
int cf_survey_match(struct cf_machine *m, int windows, struct cf_error *err) CF_MUST_CHECK;
void cf_survey_select(struct cf_machine *m, int windows);

#endif
