/* bcd.h - the boot configuration store on top of a hive: objects, elements, inheritance, devices.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Element and object numbers as in the project's notes (§1: phnt, BCD.psm1, real stores). Everything is decoded once
 * into host structs; the store is changed through hive-edit.h with the paths that cf_bcd_element_path() gives.
 */
#ifndef CF_REGISTRY_BCD_H
#define CF_REGISTRY_BCD_H

#include "base/guid.h"
#include "registry/hive.h"

#define CF_BCD_MAX_OBJECTS 4096
#define CF_BCD_MAX_ELEMENTS 512 /* per object */
#define CF_BCD_MAX_DATA (UINT64_C(64) * 1024 * 1024) /* bytes of all elements of a store; real ones have some KiB */

/* Object types (Description\Type) that decide something. */
#define CF_BCD_TYPE_FWBOOTMGR 0x10100001u
#define CF_BCD_TYPE_BOOTMGR 0x10100002u
#define CF_BCD_TYPE_LOADER 0x10200003u
#define CF_BCD_TYPE_RESUME 0x10200004u
#define CF_BCD_TYPE_MEMDIAG 0x10200005u

/* Element types that decide something. */
#define CF_BCD_DEVICE 0x11000001u
#define CF_BCD_PATH 0x12000002u
#define CF_BCD_DESCRIPTION 0x12000004u
#define CF_BCD_INHERIT 0x14000006u
#define CF_BCD_TRUNCATEMEMORY 0x15000007u
#define CF_BCD_RECOVERYSEQUENCE 0x14000008u
#define CF_BCD_RECOVERYENABLED 0x16000009u
#define CF_BCD_BADMEMORYLIST 0x1700000au
#define CF_BCD_BADMEMORYACCESS 0x1600000bu
#define CF_BCD_AVOIDLOWMEMORY 0x1500000eu
#define CF_BCD_EMSPORT 0x15000022u
#define CF_BCD_EMSBAUDRATE 0x15000023u
#define CF_BCD_DISPLAYORDER 0x24000001u  /* boot manager */
#define CF_BCD_BOOTSEQUENCE 0x24000002u  /* boot manager */
#define CF_BCD_DEFAULT 0x23000003u       /* boot manager */
#define CF_BCD_OSDEVICE 0x21000001u      /* loader */
#define CF_BCD_SYSTEMROOT 0x22000002u    /* loader */
#define CF_BCD_WINPE 0x26000022u         /* loader */
#define CF_BCD_NOLOWMEM 0x26000030u      /* loader */
#define CF_BCD_REMOVEMEMORY 0x25000031u  /* loader */
#define CF_BCD_EMS 0x260000b0u           /* loader */

struct cf_bcd_element {
	uint32_t type;
	uint32_t reg_type;
	struct cf_buf data;
	char key[12]; /* the key's name as it is spelled ("1700000a") */
};

struct cf_bcd_object {
	struct cf_guid guid;
	char key[48];  /* "{…}" as it is spelled */
	uint32_t type; /* 0: no Description\Type */
	size_t n;
	struct cf_bcd_element *element; /* ascending by type */
};

struct cf_bcd {
	size_t n;
	struct cf_bcd_object *object; /* in the hive's order */
	unsigned skipped;             /* keys under Objects that are no objects, elements that can't be read */
};

/* CF_E_CORRUPT when the hive has no Objects key: then it is no store. */
int cf_bcd_read(const struct cf_hive *hive, struct cf_bcd *bcd, struct cf_error *err) CF_MUST_CHECK;
void cf_bcd_free(struct cf_bcd *bcd);

const struct cf_bcd_object *cf_bcd_object(const struct cf_bcd *bcd, const struct cf_guid *guid);
const struct cf_bcd_element *cf_bcd_element(const struct cf_bcd_object *o, uint32_t type);

/* Decoding by format nibble; false when the element is missing (e NULL) or its data does not fit the format. */
bool cf_bcd_u64(const struct cf_bcd_element *e, uint64_t *out);     /* integer: 1 to 8 bytes */
bool cf_bcd_bool(const struct cf_bcd_element *e, bool *out);
bool cf_bcd_guid(const struct cf_bcd_element *e, struct cf_guid *out);
/* GUID list: how many were put into out (at most max; what is no GUID is passed over). */
size_t cf_bcd_guid_list(const struct cf_bcd_element *e, struct cf_guid *out, size_t max);
size_t cf_bcd_integer_count(const struct cf_bcd_element *e);        /* of an integer list */
uint64_t cf_bcd_integer_at(const struct cf_bcd_element *e, size_t i);
char *cf_bcd_string(const struct cf_bcd_element *e);                /* malloc'd UTF-8 or NULL */

/* Well-known GUIDs. */
extern const struct cf_guid cf_bcd_bootmgr, cf_bcd_fwbootmgr, cf_bcd_badmemory, cf_bcd_emssettings,
    cf_bcd_globalsettings, cf_bcd_bootloadersettings, cf_bcd_memdiag, cf_bcd_dbgsettings;

/* "{badmemory}" or NULL. */
const char *cf_bcd_alias(const struct cf_guid *g);

/* bcdedit's word for an element in an object of this type ("badmemorylist"); NULL: unknown (custom:XXXXXXXX). */
const char *cf_bcd_element_name(uint32_t object_type, uint32_t element_type);

/* What an integer of this element means to people: its word ("OptIn"), a decimal or hexadecimal number, an IPv4
 * address, as bcdedit shows it. out has 64 bytes. Returns out. */
char *cf_bcd_integer_text(uint32_t object_type, uint32_t element_type, uint64_t v, char *out);

/* bcdedit's section title for an object type ("Windows Boot Loader"). out has 64 bytes. */
const char *cf_bcd_title(const struct cf_bcd_object *o, char *out);

/* The boot manager's object: {bootmgr}, else the only one of its type; NULL when there is none. */
const struct cf_bcd_object *cf_bcd_boot_manager(const struct cf_bcd *bcd);

/* The default loader: {bootmgr} default, else the first loader of displayorder, else the only loader; NULL when there
 * is none. An object without Description\Type counts as a loader when the boot manager names it. */
const struct cf_bcd_object *cf_bcd_default_loader(const struct cf_bcd *bcd);

/* o itself, then all objects it inherits from, in order and each once (breadth first, loops end). Fills out, returns
 * how many (at most max). */
size_t cf_bcd_inheritance(const struct cf_bcd *bcd, const struct cf_bcd_object *o, const struct cf_bcd_object **out,
			  size_t max);

/* The element that is in force for o: its own or the first inherited one; from (may be NULL) receives whose it is. */
const struct cf_bcd_element *cf_bcd_effective(const struct cf_bcd *bcd, const struct cf_bcd_object *o, uint32_t type,
					      const struct cf_bcd_object **from);

/* ---- devices ---- */

enum cf_bcd_device_kind {
	CF_BCD_DEV_UNKNOWN,
	CF_BCD_DEV_BOOT,      /* "boot": the partition that was booted from */
	CF_BCD_DEV_GPT,       /* partition GUID + disk GUID */
	CF_BCD_DEV_MBR,       /* disk signature + byte offset */
	CF_BCD_DEV_RAMDISK,   /* a WIM or SDI file on a partition */
	CF_BCD_DEV_FILE,      /* a VHD file (vhd is true), or a plain file, on a partition */
	CF_BCD_DEV_LOCATE     /* "the partition that has this path" */
};

struct cf_bcd_device {
	enum cf_bcd_device_kind kind;
	struct cf_guid partition_guid, disk_guid; /* GPT; also of the partition that holds a ramdisk's file */
	uint32_t signature;                       /* MBR */
	uint64_t offset;                          /* MBR: bytes */
	const uint8_t *place;                     /* inside the element's data: 16 bytes, GPT: partition GUID, MBR: u64 byte offset; NULL: none */
	bool on_gpt, on_mbr;                      /* which of the two identifies the partition, or a file's holder */
	bool on_boot;                             /* neither: it is the partition that was booted from */
	bool vhd;                                 /* FILE */
	uint32_t locate_element;                  /* LOCATE, FILE: the element whose path is searched for, or 0 */
	char *path;                               /* RAMDISK, FILE, LOCATE: malloc'd UTF-8 or NULL */
	struct cf_guid options;                   /* additional options object, zero if none */
};
bool cf_bcd_device(const struct cf_bcd_element *e, struct cf_bcd_device *out);
void cf_bcd_device_free(struct cf_bcd_device *d);

/* ---- for editing ---- */

/* "Objects\{guid}\Elements\1700000a" with the spelling the store has if it is there; malloc'd. */
char *cf_bcd_element_path(const struct cf_bcd *bcd, const struct cf_guid *object, uint32_t type);

/* ---- for showing ---- */

/* The lines that `bcdedit /enum` shows for one element's value: NULL-terminated malloc'd strings (cf_strv_free).
 * partition names a device's partition for people ("partition=C:", …) and may return NULL for bcdedit's "unknown"; its
 * result is malloc'd. It is called for devices with on_gpt or on_mbr only, and may be NULL. verbose: GUIDs instead of
 * aliases. NULL: no memory. */
char **cf_bcd_format(const struct cf_bcd *bcd, const struct cf_bcd_object *o, const struct cf_bcd_element *e,
		     bool verbose, char *(*partition)(void *user, const struct cf_bcd_device *d), void *user);

/* A GUID as bcdedit shows it: "{badmemory}", "{default}" or "{…}". out has 48 bytes. Returns out. */
char *cf_bcd_guid_text(const struct cf_bcd *bcd, const struct cf_guid *g, bool verbose, char *out);

/* Appends one object as `bcdedit /enum` prints it, title to last element, without the empty line before it. 0, or -1
 * for no memory. */
int cf_bcd_object_text(const struct cf_bcd *bcd, const struct cf_bcd_object *o, bool verbose,
		       char *(*partition)(void *user, const struct cf_bcd_device *d), void *user,
		       struct cf_buf *out) CF_MUST_CHECK;

#endif
