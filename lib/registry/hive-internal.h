/* hive-internal.h - the records of a hive as they lie on the disk and decoded: for lib/registry/hive*.c only.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * "rel" is an offset from the first bin (file offset 0x1000). A decoded record points into the hive's bytes and lives as
 * long as they do; every span in it has been checked against its cell.
 */
#ifndef CF_REGISTRY_HIVE_INTERNAL_H
#define CF_REGISTRY_HIVE_INTERNAL_H

#include "base/endian.h"
#include "registry/hive.h"

#define CF_HIVE_BASE 4096u      /* base block; also the alignment of bins */
#define CF_HIVE_NONE UINT32_MAX /* "no cell" */
#define CF_BIG_SEGMENT 16344u   /* data bytes in one segment of big data */
#define CF_HIVE_MAX_DATA (UINT32_C(512) * 1024 * 1024) /* one value: beyond what any hive that is no absurdity holds */

struct cf_base_disk {
	uint8_t signature[4];  /* 0x00 "regf" */
	cf_le32 seq1;          /* 0x04 */
	cf_le32 seq2;          /* 0x08 */
	cf_le64 timestamp;     /* 0x0c */
	cf_le32 major;         /* 0x14 */
	cf_le32 minor;         /* 0x18 */
	cf_le32 file_type;     /* 0x1c */
	cf_le32 format;        /* 0x20 */
	cf_le32 root_cell;     /* 0x24 */
	cf_le32 bins_size;     /* 0x28 */
	cf_le32 clustering;    /* 0x2c */
	uint8_t name[64];      /* 0x30 */
	uint8_t guids[32];     /* 0x70 RmId, LogId */
	cf_le32 flags;         /* 0x90 */
	uint8_t reserved[360]; /* 0x94 */
	cf_le32 checksum;      /* 0x1fc */
};
_Static_assert(sizeof(struct cf_base_disk) == 512, "base block");

struct cf_bin_disk {
	uint8_t signature[4]; /* 0x00 "hbin" */
	cf_le32 offset;       /* 0x04 rel */
	cf_le32 size;         /* 0x08 */
	uint8_t reserved[20]; /* 0x0c */
};
_Static_assert(sizeof(struct cf_bin_disk) == 0x20, "hbin");

struct cf_nk_disk {
	uint8_t signature[2];    /* 0x00 "nk" */
	cf_le16 flags;           /* 0x02 */
	cf_le64 time;            /* 0x04 */
	cf_le32 access;          /* 0x0c */
	cf_le32 parent;          /* 0x10 */
	cf_le32 n_subkeys;       /* 0x14 */
	cf_le32 n_volatile;      /* 0x18 */
	cf_le32 subkeys;         /* 0x1c */
	cf_le32 volatile_list;   /* 0x20 */
	cf_le32 n_values;        /* 0x24 */
	cf_le32 values;          /* 0x28 */
	cf_le32 sk;              /* 0x2c */
	cf_le32 class_name;      /* 0x30 */
	cf_le16 max_subkey_name; /* 0x34 */
	cf_le16 bits;            /* 0x36 */
	cf_le32 max_class;       /* 0x38 */
	cf_le32 max_value_name;  /* 0x3c */
	cf_le32 max_value_data;  /* 0x40 */
	cf_le32 workvar;         /* 0x44 */
	cf_le16 name_len;        /* 0x48 */
	cf_le16 class_len;       /* 0x4a */
};
_Static_assert(sizeof(struct cf_nk_disk) == 0x4c, "nk");

struct cf_vk_disk {
	uint8_t signature[2]; /* 0x00 "vk" */
	cf_le16 name_len;     /* 0x02 */
	cf_le32 data_size;    /* 0x04 bit 31: the data lies in the next field */
	cf_le32 data;         /* 0x08 */
	cf_le32 type;         /* 0x0c */
	cf_le16 flags;        /* 0x10 */
	cf_le16 spare;        /* 0x12 */
};
_Static_assert(sizeof(struct cf_vk_disk) == 0x14, "vk");

struct cf_sk_disk {
	uint8_t signature[2]; /* 0x00 "sk" */
	cf_le16 reserved;     /* 0x02 */
	cf_le32 flink;        /* 0x04 */
	cf_le32 blink;        /* 0x08 */
	cf_le32 refcount;     /* 0x0c */
	cf_le32 size;         /* 0x10 of the descriptor that follows */
};
_Static_assert(sizeof(struct cf_sk_disk) == 0x14, "sk");

struct cf_db_disk {
	uint8_t signature[2]; /* 0x00 "db" */
	cf_le16 n;            /* 0x02 */
	cf_le32 list;         /* 0x04 */
};
_Static_assert(sizeof(struct cf_db_disk) == 8, "db");

#define CF_LIST_HEADER 4u /* signature and u16 count of lf, lh, li, ri */

#define CF_NK_ROOT 0x0004u
#define CF_NK_LATIN1 0x0020u
#define CF_VK_LATIN1 0x0001u
#define CF_VK_TOMBSTONE 0x0002u
#define CF_VK_INLINE UINT32_C(0x80000000)

struct cf_hive {
	struct cf_buf bytes;
	struct cf_hive_base base;
	struct cf_span bins; /* what the file really holds of the bins data */
};

struct cf_nk {
	uint32_t rel;
	uint16_t flags;
	uint64_t time;
	uint32_t parent, n_subkeys, subkeys, n_values, values, sk, class_name, max_value_data;
	uint16_t class_len;
	struct cf_span name; /* Latin-1 or UTF-16LE, as flags say */
	bool latin1;
};

struct cf_vk {
	uint32_t rel;
	uint32_t type, size; /* size without the inline bit */
	uint32_t data;       /* rel, or the bytes themselves */
	uint16_t flags;
	bool is_inline;
	struct cf_span name;
	bool latin1;
};

/* The payload of the allocated cell at rel, at least min bytes; what names the record for the message. */
int cf_hive_cell(const struct cf_hive *h, uint32_t rel, uint32_t min, const char *what, struct cf_span *cell,
		 struct cf_error *err) CF_MUST_CHECK;
int cf_hive_nk(const struct cf_hive *h, uint32_t rel, struct cf_nk *nk, struct cf_error *err) CF_MUST_CHECK;
int cf_hive_vk(const struct cf_hive *h, uint32_t rel, struct cf_vk *vk, struct cf_error *err) CF_MUST_CHECK;

/* Code unit i of a name, and how many there are. */
static inline uint16_t cf_name_unit(struct cf_span name, bool latin1, size_t i)
{
	return latin1 ? name.p[i] : cf_ld16(name.p + 2 * i);
}
static inline size_t cf_name_units(struct cf_span name, bool latin1)
{
	return latin1 ? name.n : name.n / 2;
}
bool cf_name_eq(struct cf_span a, bool a_latin1, struct cf_span b, bool b_latin1); /* exact */
char *cf_name_utf8(struct cf_span name, bool latin1);                              /* malloc'd or NULL */

/* Bytes of the first name in a path: up to a backslash that parts names, or the end. */
size_t cf_path_component(const char *path);

/* A name to search for: upper-cased UTF-16 code units. */
struct cf_wanted {
	struct cf_buf units;
};
int cf_wanted_init(struct cf_wanted *w, const char *utf8, size_t n, struct cf_error *err) CF_MUST_CHECK;
bool cf_wanted_is(const struct cf_wanted *w, struct cf_span name, bool latin1);

/* ---- lists (hive-list.c) ---- */

enum cf_list_kind { CF_LIST_LF, CF_LIST_LH, CF_LIST_LI, CF_LIST_RI, CF_LIST_BAD };
enum cf_list_kind cf_list_kind(struct cf_span cell);

/* Walks the subkey lists of a key: leaf by leaf, element by element. */
struct cf_subkey_iter {
	const struct cf_hive *h;
	struct cf_span root;  /* of the ri, when there is one */
	size_t n_leaves, leaf_at;
	struct cf_span leaf;
	enum cf_list_kind kind;
	size_t n, at;
	size_t budget;
};
int cf_subkey_iter_init(struct cf_subkey_iter *it, const struct cf_hive *h, const struct cf_nk *nk,
			struct cf_error *err) CF_MUST_CHECK;
int cf_subkey_iter_next(struct cf_subkey_iter *it, cf_key *key, struct cf_error *err) CF_MUST_CHECK; /* 1, 0 end, -1 */

/* The u32 list of a key's values: n_values elements. */
int cf_value_list(const struct cf_hive *h, const struct cf_nk *nk, struct cf_span *list,
		  struct cf_error *err) CF_MUST_CHECK;

int cf_hive_find_value(const struct cf_hive *h, const struct cf_nk *nk, const struct cf_wanted *w, struct cf_vk *vk,
		       struct cf_error *err) CF_MUST_CHECK; /* 1 found, 0 not, -1 */

/* ---- data (hive-value.c) ---- */

/* Where a value's bytes lie: span for inline and plain data; big true when they are in segments. */
struct cf_data_place {
	struct cf_span plain;
	bool big;
	uint32_t n_segments;
	struct cf_span segments; /* u32 list */
};
int cf_data_place(const struct cf_hive *h, const struct cf_vk *vk, struct cf_data_place *place,
		  struct cf_error *err) CF_MUST_CHECK;
int cf_data_read(const struct cf_hive *h, const struct cf_vk *vk, struct cf_buf *data,
		 struct cf_error *err) CF_MUST_CHECK;

#endif
