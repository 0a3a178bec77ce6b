/* hash.h - CRC-32 (GPT, undo file) and SHA-256 (after-images, manifests), from zlib and nettle.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BASE_HASH_H
#define CF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define CF_SHA256_LEN 32

/* The IEEE CRC-32 of GPT and zip; start with crc 0, pass the result back in to go on. */
uint32_t cf_crc32(uint32_t crc, const void *p, size_t n);

void cf_sha256(const void *p, size_t n, uint8_t out[CF_SHA256_LEN]);

/* SHA-256 of data that comes in pieces. New: NULL when out of memory; end frees. */
struct cf_sha256_state;
struct cf_sha256_state *cf_sha256_new(void);
void cf_sha256_add(struct cf_sha256_state *s, const void *p, size_t n);
void cf_sha256_end(struct cf_sha256_state *s, uint8_t out[CF_SHA256_LEN]);

/* Lower-case hex, out has 65 bytes. Returns out. */
char *cf_sha256_hex(const uint8_t hash[CF_SHA256_LEN], char *out);

#endif
