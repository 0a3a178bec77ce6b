/* vhd.c - the VHD footer: reading, checking and making it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Works on bytes in memory only. The disk's size is always the footer's current size: Hyper-V and Azure ignore the
 * geometry, which for whole-MiB disks is smaller. Big-endian, unlike everything else on these disks.
 * Source: Microsoft's Virtual Hard Disk Image Format Specification 1.0.
 */
#include "block/vhd.h"

#include <string.h>

#include "base/endian.h"

struct footer_disk {
	uint8_t cookie[8];       /* 0: "conectix" */
	cf_be32 features;        /* 8: 2 is reserved and always set */
	cf_be32 version;         /* 12: 0x00010000 */
	cf_be64 data_offset;     /* 16 */
	cf_be32 timestamp;       /* 24: seconds since 2000-01-01 UTC */
	uint8_t creator[4];      /* 28 */
	cf_be32 creator_version; /* 32 */
	uint8_t creator_os[4];   /* 36 */
	cf_be64 original_size;   /* 40 */
	cf_be64 current_size;    /* 48 */
	cf_be16 cylinders;       /* 56 */
	uint8_t heads;           /* 58 */
	uint8_t sectors;         /* 59 */
	cf_be32 type;            /* 60 */
	cf_be32 checksum;        /* 64: complement of the sum of all other bytes */
	uint8_t id[16];          /* 68 */
	uint8_t saved_state;     /* 84 */
	uint8_t reserved[427];   /* 85 */
};
_Static_assert(sizeof(struct footer_disk) == CF_VHD_FOOTER, "VHD footer");

#define CHECKSUM_AT 64u
#define HEADER_CHECKSUM_AT 36u
#define VHD_EPOCH 946684800 /* 2000-01-01 in seconds since 1970 */

static uint32_t checksum(const uint8_t *p, size_t n, size_t skip)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i++)
		if (i < skip || i >= skip + 4)
			sum += p[i];
	return ~sum;
}

bool cf_vhd_has_cookie(struct cf_span bytes)
{
	return bytes.n >= 8 && memcmp(bytes.p, "conectix", 8) == 0;
}

int cf_vhd_parse(struct cf_span bytes, struct cf_vhd_footer *out, struct cf_error *err)
{
	struct footer_disk d = { .reserved = { 0 } };
	memset(out, 0, sizeof *out);
	if (bytes.n < CF_VHD_FOOTER_OLD || !cf_vhd_has_cookie(bytes))
		return cf_fail(err, CF_E_NOT_FOUND, "there is no VHD footer");
	memcpy(&d, bytes.p, cf_min_u64(bytes.n, sizeof d));
	if (checksum((const uint8_t *)&d, sizeof d, CHECKSUM_AT) != cf_be32_get(d.checksum))
		return cf_fail(err, CF_E_CORRUPT, "the VHD footer's checksum is wrong");
	if (cf_be32_get(d.version) >> 16 != 1)
		return cf_fail(err, CF_E_CORRUPT, "the VHD footer has the unknown version 0x%08x", cf_be32_get(d.version));
	uint32_t type = cf_be32_get(d.type);
	if (type < CF_VHD_FIXED || type > CF_VHD_DIFFERENCING)
		return cf_fail(err, CF_E_CORRUPT, "the VHD footer has the unknown disk type %u", type);
	uint64_t size = cf_be64_get(d.current_size);
	if (size == 0 || size % 512 || size > CF_VHD_MAX)
		return cf_fail(err, CF_E_CORRUPT, "the VHD footer has the impossible size %llu", (unsigned long long)size);

	out->type = (enum cf_vhd_type)type;
	out->current_size = size;
	out->original_size = cf_be64_get(d.original_size);
	out->data_offset = cf_be64_get(d.data_offset);
	out->cylinders = cf_be16_get(d.cylinders);
	out->heads = d.heads;
	out->sectors = d.sectors;
	memcpy(out->creator, d.creator, 4);
	memcpy(out->id, d.id, sizeof out->id);
	out->saved_state = d.saved_state != 0;
	return 0;
}

int cf_vhd_check_header(struct cf_span bytes, struct cf_error *err)
{
	const uint8_t *p = cf_span_at(bytes, 0, CF_VHD_HEADER);
	if (!p || memcmp(p, "cxsparse", 8) != 0)
		return cf_fail(err, CF_E_CORRUPT, "the dynamic VHD's header is missing");
	cf_be32 sum;
	memcpy(&sum, p + HEADER_CHECKSUM_AT, sizeof sum);
	if (checksum(p, CF_VHD_HEADER, HEADER_CHECKSUM_AT) != cf_be32_get(sum))
		return cf_fail(err, CF_E_CORRUPT, "the dynamic VHD header's checksum is wrong");
	return 0;
}

void cf_vhd_geometry(uint64_t size, uint16_t *cylinders, uint8_t *heads, uint8_t *sectors)
{
	uint64_t total = cf_min_u64(size / 512, UINT64_C(65535) * 16 * 255);
	uint64_t spt, h, cth;

	if (total >= UINT64_C(65535) * 16 * 63) {
		spt = 255;
		h = 16;
		cth = total / spt;
	} else {
		spt = 17;
		cth = total / spt;
		h = cf_max_u64((cth + 1023) / 1024, 4);
		if (cth >= h * 1024 || h > 16) {
			spt = 31;
			h = 16;
			cth = total / spt;
		}
		if (cth >= h * 1024) {
			spt = 63;
			h = 16;
			cth = total / spt;
		}
	}
	*cylinders = (uint16_t)(cth / h);
	*heads = (uint8_t)h;
	*sectors = (uint8_t)spt;
}

void cf_vhd_build(uint64_t size, const uint8_t id[16], int64_t time, uint8_t out[CF_VHD_FOOTER])
{
	struct footer_disk d = { .cookie = "conectix" };
	uint16_t cylinders;

	cf_be32_set(&d.features, 2);
	cf_be32_set(&d.version, 0x00010000);
	cf_be64_set(&d.data_offset, UINT64_MAX);
	cf_be32_set(&d.timestamp, time > VHD_EPOCH ? (uint32_t)(time - VHD_EPOCH) : 0);
	/* "win " makes QEMU, too, take the current size and not the geometry. */
	memcpy(d.creator, "win ", 4);
	cf_be32_set(&d.creator_version, 0x000a0000);
	memcpy(d.creator_os, "Wi2k", 4);
	cf_be64_set(&d.original_size, size);
	cf_be64_set(&d.current_size, size);
	cf_vhd_geometry(size, &cylinders, &d.heads, &d.sectors);
	cf_be16_set(&d.cylinders, cylinders);
	cf_be32_set(&d.type, CF_VHD_FIXED);
	memcpy(d.id, id, sizeof d.id);
	cf_be32_set(&d.checksum, checksum((const uint8_t *)&d, sizeof d, CHECKSUM_AT));
	memcpy(out, &d, sizeof d);
}

void cf_vhd_set_size(uint8_t footer[CF_VHD_FOOTER], uint64_t size)
{
	struct footer_disk d;
	uint16_t cylinders;
	memcpy(&d, footer, sizeof d);
	cf_be64_set(&d.current_size, size);
	cf_vhd_geometry(size, &cylinders, &d.heads, &d.sectors);
	cf_be16_set(&d.cylinders, cylinders);
	cf_be32_set(&d.checksum, checksum((const uint8_t *)&d, sizeof d, CHECKSUM_AT));
	memcpy(footer, &d, sizeof d);
}
