/* probe.h - which container a file is, from its content, without opening anything else.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_PROBE_H
#define CF_BLOCK_PROBE_H

#include "block/disk.h"

#define CF_PROBE_HEAD 65536u /* bytes at the start of a file that are looked at */

struct cf_probe {
	enum cf_disk_format format;
	uint64_t size;        /* raw and fixed VHD: bytes that the guest sees */
	uint32_t sector_size; /* logical, when the container says; else 0 */
	bool log_pending;     /* VHDX: a log has to be replayed */
	bool write_once;      /* stream-optimised VMDK: can be read, not changed */
	bool saved_state;     /* VHD: the VM was saved while running */
	bool differencing;    /* needs a parent to be a whole disk */
	bool other_files;     /* names another file that holds (some of) the content: backing, data or extent file */
	char other[512];      /* its name, as the image gives it */
	uint8_t id[16];       /* VHD unique id, VHDX data write GUID, VDI UUID: what a child names as its parent */
	bool has_id;
};

/* Looks at raw, the file's own bytes. name (the file's, not a path to open) only tells what the user takes it for. format:
 * what the user says, or NULL. Nothing but raw is read, and at most some hundred KiB of it. CF_E_REFUSED: content and name
 * contradict each other in a way that only the user can settle; CF_E_UNSUPPORTED: known, but no disk that can be opened;
 * CF_E_CORRUPT: not what its name or format says. Whether other files may be read, and whether the image may be written, is
 * the caller's decision. */
int cf_probe(struct cf_block *raw, const char *name, const char *format, struct cf_probe *out,
	     struct cf_error *err) CF_MUST_CHECK;

#endif
