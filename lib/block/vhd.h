/* vhd.h - the VHD footer: reading, checking and making it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_VHD_H
#define CF_BLOCK_VHD_H

#include "base/span.h"
#include "block/block.h"

#define CF_VHD_FOOTER 512u          /* bytes */
#define CF_VHD_FOOTER_OLD 511u      /* images made by Virtual PC before 2004 */
#define CF_VHD_HEADER 1024u         /* the "cxsparse" header of dynamic and differencing disks */
#define CF_VHD_MAX (UINT64_C(64) * 1024 * CF_GIB) /* bytes: larger current sizes are taken for damage */

enum cf_vhd_type { CF_VHD_FIXED = 2, CF_VHD_DYNAMIC = 3, CF_VHD_DIFFERENCING = 4 };

struct cf_vhd_footer {
	enum cf_vhd_type type;
	uint64_t current_size;  /* bytes; the truth: the geometry of the same footer may say less (Azure) */
	uint64_t original_size; /* bytes */
	uint64_t data_offset;   /* of the dynamic header; UINT64_MAX for fixed */
	uint16_t cylinders;
	uint8_t heads, sectors;
	char creator[5];
	uint8_t id[16];
	bool saved_state;       /* the VM was saved while running: its memory belongs to the disk's content */
};

/* Decodes 512 or 511 bytes. CF_E_NOT_FOUND: no footer (cookie); CF_E_CORRUPT: checksum, version, type or size wrong. */
int cf_vhd_parse(struct cf_span bytes, struct cf_vhd_footer *out, struct cf_error *err) CF_MUST_CHECK;

/* True when bytes start with the footer's cookie. */
bool cf_vhd_has_cookie(struct cf_span bytes);

/* Checks the dynamic header at the start of bytes (CF_VHD_HEADER): cookie and checksum. */
int cf_vhd_check_header(struct cf_span bytes, struct cf_error *err) CF_MUST_CHECK;

/* Makes the footer of a fixed disk of size bytes (a multiple of 512). id: 16 random bytes; time: seconds since 1970. */
void cf_vhd_build(uint64_t size, const uint8_t id[16], int64_t time, uint8_t out[CF_VHD_FOOTER]);

/* Changes a footer's current size and geometry, and nothing else of it but the checksum. size: bytes, a multiple of 512. */
void cf_vhd_set_size(uint8_t footer[CF_VHD_FOOTER], uint64_t size);

/* Geometry that the format prescribes for a disk of size bytes. */
void cf_vhd_geometry(uint64_t size, uint16_t *cylinders, uint8_t *heads, uint8_t *sectors);

#endif
