/* vhdx.h - what has to be known about a VHDX file before QEMU opens it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_VHDX_H
#define CF_BLOCK_VHDX_H

#include "base/guid.h"
#include "block/block.h"

struct cf_vhdx {
	bool log_pending;     /* the header names a log: it may have to be replayed before the file is right */
	bool metadata_ok;     /* the fields below were found; they may be missing while a log is pending */
	bool has_parent;
	uint64_t size;        /* bytes that the guest sees */
	uint32_t sector_size; /* logical */
	struct cf_guid data_write; /* what a child names as its parent's version */
	char parent_path[512];     /* with has_parent: the relative or absolute path in the locator, "" when none */
	char parent_linkage[80];   /* with has_parent: GUID of the parent's data, as text */
};

/* Reads headers, region table and metadata of the container in raw (the file's own bytes). CF_E_CORRUPT when there is no
 * valid header, or no metadata though no log is pending; CF_E_NOT_FOUND when it is no VHDX. */
int cf_vhdx_read(struct cf_block *raw, struct cf_vhdx *out, struct cf_error *err) CF_MUST_CHECK;

/* CRC-32C (Castagnoli) over n bytes. */
uint32_t cf_crc32c(const void *p, size_t n);

#endif
