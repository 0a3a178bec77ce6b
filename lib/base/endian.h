/* endian.h - integers as they lie on a disk: byte arrays that cannot be mistaken for numbers.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * On-disk structures are declared from these types only: they have alignment 1, so no structure needs `packed`, no
 * access is unaligned, and using a field as a number without its getter does not compile. The prefix keeps them
 * apart from ntfs-3g's own le16/le32 typedefs.
 */
#ifndef CF_BASE_ENDIAN_H
#define CF_BASE_ENDIAN_H

#include <stdint.h>

typedef struct { uint8_t b[2]; } cf_le16;
typedef struct { uint8_t b[4]; } cf_le32;
typedef struct { uint8_t b[8]; } cf_le64;
typedef struct { uint8_t b[2]; } cf_be16;
typedef struct { uint8_t b[4]; } cf_be32;
typedef struct { uint8_t b[8]; } cf_be64;

/* Getters and setters on raw bytes; `p` may have any alignment. */
static inline uint16_t cf_ld16(const void *p)
{
	const uint8_t *b = p;
	return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t cf_ld32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t cf_ld64(const void *p)
{
	return (uint64_t)cf_ld32(p) | (uint64_t)cf_ld32((const uint8_t *)p + 4) << 32;
}
static inline void cf_st16(void *p, uint16_t v)
{
	uint8_t *b = p;
	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}
static inline void cf_st32(void *p, uint32_t v)
{
	cf_st16(p, (uint16_t)v);
	cf_st16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}
static inline void cf_st64(void *p, uint64_t v)
{
	cf_st32(p, (uint32_t)v);
	cf_st32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t cf_le16_get(cf_le16 v) { return cf_ld16(v.b); }
static inline uint32_t cf_le32_get(cf_le32 v) { return cf_ld32(v.b); }
static inline uint64_t cf_le64_get(cf_le64 v) { return cf_ld64(v.b); }
static inline void cf_le16_set(cf_le16 *v, uint16_t n) { cf_st16(v->b, n); }
static inline void cf_le32_set(cf_le32 *v, uint32_t n) { cf_st32(v->b, n); }
static inline void cf_le64_set(cf_le64 *v, uint64_t n) { cf_st64(v->b, n); }

static inline uint16_t cf_be16_get(cf_be16 v) { return (uint16_t)(v.b[0] << 8 | v.b[1]); }
static inline uint32_t cf_be32_get(cf_be32 v) { return __builtin_bswap32(cf_ld32(v.b)); }
static inline uint64_t cf_be64_get(cf_be64 v) { return __builtin_bswap64(cf_ld64(v.b)); }
static inline void cf_be16_set(cf_be16 *v, uint16_t n) { cf_st16(v->b, __builtin_bswap16(n)); }
static inline void cf_be32_set(cf_be32 *v, uint32_t n) { cf_st32(v->b, __builtin_bswap32(n)); }
static inline void cf_be64_set(cf_be64 *v, uint64_t n) { cf_st64(v->b, __builtin_bswap64(n)); }

#endif
