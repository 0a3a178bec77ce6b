/* disk.h - a VM's disk as the user names it: image file, block device or NBD URI.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening probes the container safely (a raw disk whose guest wrote a qcow2 header at offset 0 must never make us open
 * another file), refuses what can't be written safely, and gives one cf_block of guest bytes. Raw files, fixed VHDs and
 * block devices are read and written directly; dynamic VHD, VHDX, qcow2, VMDK, VDI go through a private qemu-nbd child
 * on a Unix socket (libnbd). The design's §3 lists what is refused for writing.
 */
#ifndef CF_BLOCK_DISK_H
#define CF_BLOCK_DISK_H

#include "block/block.h"

enum cf_disk_format {
	CF_FMT_RAW,
	CF_FMT_VHD_FIXED,
	CF_FMT_VHD_DYNAMIC,
	CF_FMT_VHDX,
	CF_FMT_QCOW2,
	CF_FMT_VMDK,
	CF_FMT_VDI,
	CF_FMT_DEVICE, /* a block device, raw */
	CF_FMT_NBD     /* an NBD server's export */
};

struct cf_disk_options {
	const char *format;   /* NULL: probe; "raw", "vhd", "vhdx", "qcow2", "vmdk", "vdi" */
	unsigned sector_size; /* 0: what the container says (512 for files) */
	bool writable;        /* open for writing: locks, refuses what must not be written */
	bool allow_backing;   /* read an image that has a backing file (never with writable) */
	bool allow_checkpoints;
	bool force_share;     /* read a disk that is in use */
};

struct cf_disk {
	struct cf_block *block; /* owned */
	enum cf_disk_format format;
	char *path;             /* as given */
	bool is_uri, is_device;
	bool inconsistent;      /* opened although in use (force_share) */
	bool temporary_overlay; /* reads go through a throw-away overlay (VHDX with a dirty log) */
	char *model, *serial, *lun; /* devices: may be NULL */
	char *id;               /* stable identity for the state directory of devices and NBD; file: absolute path */
};

/* "raw", "vhd", "vhdx", "qcow2", "vmdk", "vdi": the word of the contract for "format" (devices and NBD: "raw"). */
const char *cf_disk_format_name(enum cf_disk_format format);

/* NULL with err: CF_E_IN_USE, CF_E_REFUSED (backing file, differencing disk, checkpoint), CF_E_UNSUPPORTED (container
 * that can't be opened), CF_E_READ_ONLY, CF_E_IO, CF_E_NOT_FOUND, CF_E_CORRUPT. The error names path. */
struct cf_disk *cf_disk_open(const char *path, const struct cf_disk_options *opt, struct cf_error *err);
void cf_disk_close(struct cf_disk *disk);

/* Makes a new image NEW with the content of source (repair --output): NEW's suffix chooses the format (.vhd: fixed,
 * whole MiB, zeros behind the source's end; .vhdx; .qcow2; .raw or anything else: raw). Refuses an existing file, .vmdk and
 * .vdi (CF_E_UNSUPPORTED), and .vhd and .vhdx for 4096-byte sectors. Sparse where it can be. Leaves nothing behind on
 * failure. progress may be NULL; it returns nonzero to cancel. */
int cf_disk_copy(struct cf_disk *source, const char *new_path,
		 int (*progress)(void *user, const char *what, uint64_t done, uint64_t total), void *user,
		 struct cf_error *err) CF_MUST_CHECK;

/* The same, and the new image has at least size bytes (0: as many as the source); zeros follow the source's content. */
int cf_disk_copy_larger(struct cf_disk *source, const char *new_path, uint64_t size,
			int (*progress)(void *user, const char *what, uint64_t done, uint64_t total), void *user,
			struct cf_error *err) CF_MUST_CHECK;

#endif
