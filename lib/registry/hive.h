/* hive.h - a registry hive in memory: bounded reading and full validation (regf 1.3 - 1.6).
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source of the format knowledge: msuhanov's regf specification and hivex's reader, as summed up in the project's notes.
 * The hive's bytes are hostile: one function turns an offset into a pointer (cf_hive_cell) and checks alignment, range,
 * the allocated mark and the size; every list walk has a budget. Reading never changes the bytes. A dirty hive has to be
 * replayed first (hive-log.h): what is read here is exactly what the bytes say.
 */
#ifndef CF_REGISTRY_HIVE_H
#define CF_REGISTRY_HIVE_H

#include "base/error.h"
#include "base/span.h"

#define CF_HIVE_MAX_BYTES (UINT64_C(2) * 1024 * 1024 * 1024) /* the kernel's own limit for hive bins data */
#define CF_HIVE_ABSURD_BYTES (UINT64_C(512) * 1024 * 1024)   /* reported as hive-corrupt ("absurdly large") */

enum cf_reg_type {
	CF_REG_NONE, CF_REG_SZ, CF_REG_EXPAND_SZ, CF_REG_BINARY, CF_REG_DWORD, CF_REG_DWORD_BE, CF_REG_LINK,
	CF_REG_MULTI_SZ, CF_REG_RESOURCE_LIST, CF_REG_FULL_RESOURCE_DESCRIPTOR, CF_REG_RESOURCE_REQUIREMENTS_LIST,
	CF_REG_QWORD
};

/* "REG_SZ", …; "REG_0x%x" types are not named: NULL. */
const char *cf_reg_type_name(uint32_t type);

struct cf_hive_base {
	uint32_t seq1, seq2; /* primary and secondary sequence number */
	uint64_t timestamp;  /* FILETIME */
	uint32_t major, minor, file_type, root_cell, bins_size, flags;
	bool checksum_ok;
	bool dirty;          /* checksum wrong or seq1 != seq2 */
};

/* Decodes the first 512 bytes; CF_E_CORRUPT when it is no "regf" block at all. checksum_ok may be false. */
int cf_hive_read_base(struct cf_span bytes, struct cf_hive_base *base, struct cf_error *err) CF_MUST_CHECK;

/* XOR checksum of the first 508 bytes with the 0 and -1 rule. */
uint32_t cf_hive_checksum(const uint8_t *base_block);

struct cf_hive; /* opaque */

typedef uint32_t cf_key; /* offset of an nk cell, relative to the first bin */
#define CF_KEY_NONE UINT32_MAX

/* Takes over bytes (empties *bytes) on success. CF_E_CORRUPT names what is wrong with the base block; a dirty or torn base block is accepted
 * when the root cell can be reached (base->dirty tells). */
struct cf_hive *cf_hive_open(struct cf_buf *bytes, struct cf_error *err);
void cf_hive_close(struct cf_hive *h); /* NULL is fine */
void cf_hive_closep(struct cf_hive **h);

const struct cf_hive_base *cf_hive_base(const struct cf_hive *h);
struct cf_span cf_hive_bytes(const struct cf_hive *h);
cf_key cf_hive_root(const struct cf_hive *h);

/* Subkey by path with backslashes, without regard to letter case; "" gives key itself. CF_E_NOT_FOUND or CF_E_CORRUPT. */
int cf_hive_find(const struct cf_hive *h, cf_key key, const char *path, cf_key *out, struct cf_error *err) CF_MUST_CHECK;

/* Name of a key in UTF-8 with escapes, malloc'd. */
char *cf_hive_key_name(const struct cf_hive *h, cf_key key, struct cf_error *err);

/* FILETIME of the last write; 0 when the cell can't be read. */
uint64_t cf_hive_key_time(const struct cf_hive *h, cf_key key);

/* Calls fn for each subkey in list order; nonzero stops and is returned. */
int cf_hive_subkeys(const struct cf_hive *h, cf_key key, int (*fn)(void *user, cf_key sub, const char *name), void *user,
		    struct cf_error *err) CF_MUST_CHECK;

struct cf_value {
	char *name;         /* UTF-8 with escapes; "" is the default value */
	uint32_t type;      /* enum cf_reg_type or any other number */
	struct cf_buf data; /* raw bytes; big data is put together */
};
void cf_value_free(struct cf_value *v);
#define CF_VALUE CF_CLEANUP(cf_value_free) struct cf_value

int cf_hive_values(const struct cf_hive *h, cf_key key, int (*fn)(void *user, const struct cf_value *v), void *user,
		   struct cf_error *err) CF_MUST_CHECK;

/* One value by name (letter case never matters) of the key at path beneath key; CF_E_NOT_FOUND when key or value is not there. */
int cf_hive_value(const struct cf_hive *h, cf_key key, const char *path, const char *name, struct cf_value *v,
		  struct cf_error *err) CF_MUST_CHECK;

/* Shorthands beneath the root key; found tells "not there" (0 is returned) from damage (-1). */
int cf_hive_get_u32(const struct cf_hive *h, const char *path, const char *name, uint32_t *out, bool *found,
		    struct cf_error *err) CF_MUST_CHECK; /* REG_DWORD, or a REG_QWORD that fits */
int cf_hive_get_string(const struct cf_hive *h, const char *path, const char *name, char **out, bool *found,
		       struct cf_error *err) CF_MUST_CHECK; /* REG_SZ, REG_EXPAND_SZ, LINK; malloc'd UTF-8 */

/* REG_MULTI_SZ data to a NULL-terminated array of malloc'd UTF-8 strings (free with cf_strv_free). A REG_SZ gives one. */
char **cf_value_multi_sz(const struct cf_value *v, size_t *n);
void cf_strv_free(char **strv);
char *cf_value_string(const struct cf_value *v); /* malloc'd UTF-8 up to the first NUL; NULL when it is no string type */

/* ---- validation ---- */

struct cf_hive_defect {
	char what[160];  /* "bin at 0x5000: size 0 is not a multiple of 4096" */
	uint32_t offset; /* bytes from the start of the file */
	bool fatal;      /* Windows would not load it, or an edit could lose data; else cosmetic (leaks, stale counts) */
};

struct cf_hive_report {
	size_t n_keys, n_values, n_cells, n_bins;
	size_t n_defects, n_fatal;       /* all that were found … */
	struct cf_hive_defect defect[32]; /* … the first of them; fatal ones displace cosmetic ones when it is full */
};

/* Walks base block, every bin, every cell and the whole key tree (without recursion); finds every defect, never crashes.
 * 0 also when defects were found; -1 only for no memory. Cells that are allocated but not reached are not a defect. */
int cf_hive_validate(const struct cf_hive *h, struct cf_hive_report *report, struct cf_error *err) CF_MUST_CHECK;

#endif
