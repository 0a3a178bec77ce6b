/* hash.c - CRC-32 and SHA-256.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/hash.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <zlib.h>

uint32_t cf_crc32(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)crc32_z(crc, p, n);
}

void cf_sha256(const void *p, size_t n, uint8_t out[CF_SHA256_LEN])
{
	struct sha256_ctx ctx;
	sha256_init(&ctx);
	sha256_update(&ctx, n, p);
	sha256_digest(&ctx, CF_SHA256_LEN, out);
}

struct cf_sha256_state {
	struct sha256_ctx ctx;
};

struct cf_sha256_state *cf_sha256_new(void)
{
	struct cf_sha256_state *s = malloc(sizeof *s);
	if (s)
		sha256_init(&s->ctx);
	return s;
}

void cf_sha256_add(struct cf_sha256_state *s, const void *p, size_t n)
{
	sha256_update(&s->ctx, n, p);
}

void cf_sha256_end(struct cf_sha256_state *s, uint8_t out[CF_SHA256_LEN])
{
	sha256_digest(&s->ctx, CF_SHA256_LEN, out);
	free(s);
}

char *cf_sha256_hex(const uint8_t hash[CF_SHA256_LEN], char *out)
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < CF_SHA256_LEN; i++) {
		out[2 * i] = hex[hash[i] >> 4];
		out[2 * i + 1] = hex[hash[i] & 15];
	}
	out[2 * CF_SHA256_LEN] = 0;
	return out;
}
