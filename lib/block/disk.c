/* disk.c - opening a VM's disk as the user names it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Order: open the file itself, ask who else uses it, look at its content, refuse what must not be done, and only then make the
 * device of guest bytes. Until that last step nothing but the file itself has been opened, and nothing has been written.
 * Raw files, fixed VHDs and devices keep the descriptor that was looked at, with its locks, so no other file can slip in
 * between; QEMU takes its own locks on containers.
 */
#include "block/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/overflow.h"
#include "block/checkpoint.h"
#include "block/container.h"
#include "block/device.h"
#include "block/file.h"
#include "block/inuse.h"
#include "block/probe.h"

const char *cf_disk_format_name(enum cf_disk_format format)
{
	switch (format) {
	case CF_FMT_VHD_FIXED:
	case CF_FMT_VHD_DYNAMIC:
		return "vhd";
	case CF_FMT_VHDX:
		return "vhdx";
	case CF_FMT_QCOW2:
		return "qcow2";
	case CF_FMT_VMDK:
		return "vmdk";
	case CF_FMT_VDI:
		return "vdi";
	case CF_FMT_RAW:
	case CF_FMT_DEVICE:
	case CF_FMT_NBD:
		break;
	}
	return "raw";
}

static int check_options(const struct cf_disk_options *opt, struct cf_error *err)
{
	if (opt->sector_size != 0 && opt->sector_size != 512 && opt->sector_size != 4096)
		return cf_fail(err, CF_E_USAGE, "the sector size is 512 or 4096, not %u", opt->sector_size);
	return 0;
}

static int open_failed(int e, bool writable, struct cf_error *err)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return cf_fail(err, CF_E_NOT_FOUND, "there is no such file");
	case EACCES:
	case EPERM:
	case EROFS:
		if (writable)
			return cf_fail_errno(err, CF_E_READ_ONLY, e, "the disk can't be opened for writing");
		break;
	case EBUSY:
		return cf_fail(err, CF_E_IN_USE, "the device is in use by the kernel: unmount it and deactivate what is built on it");
	case ETXTBSY:
		return cf_fail(err, CF_E_IN_USE, "the file is in use by the kernel: turn it off as swap space first");
	default:
		break;
	}
	return cf_fail_errno(err, CF_E_IO, e, "the disk can't be opened");
}

/* Opens path, looking first so that a FIFO or a tape is never opened. */
static int open_file(const char *path, bool writable, struct stat *st, struct cf_error *err)
{
	if (stat(path, st) < 0)
		return open_failed(errno, false, err);
	if (S_ISDIR(st->st_mode))
		return cf_fail(err, CF_E_UNSUPPORTED, "this is a folder, not a disk: give the image file or the device");
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return cf_fail(err, CF_E_UNSUPPORTED, "this is neither an image file nor a block device");
	/* O_EXCL without O_CREAT on a device: the kernel refuses while it is mounted or held, in any name space. */
	int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	if (writable && S_ISBLK(st->st_mode))
		flags |= O_EXCL;
	int fd = open(path, flags);
	if (fd < 0)
		return open_failed(errno, writable, err);
	struct stat opened;
	if (fstat(fd, &opened) < 0 || opened.st_ino != st->st_ino || opened.st_dev != st->st_dev) {
		close(fd);
		return cf_fail(err, CF_E_CHANGED, "the file was replaced while it was being opened: try again");
	}
	*st = opened;
	return fd;
}

/* Asks the kernel and other processes. With force_share a disk in use may be read: then it is marked inconsistent. */
static int check_use(struct cf_disk *disk, int fd, const struct stat *st, const struct cf_disk_options *opt,
		     struct cf_error *err)
{
	char why[400] = "";
	bool used = cf_kernel_uses(st, &cf_kernel, why, sizeof why);
	if (!used) {
		int locked = cf_image_lock(fd, opt->writable, err);
		if (locked < 0)
			return -1;
		used = locked == 0;
		snprintf(why, sizeof why, "locked by another process: is the VM running, or QEMU or coldfix working on it? Shut the VM down");
	}
	if (!used)
		return 0;
	if (!opt->force_share || opt->writable)
		return cf_fail(err, CF_E_IN_USE, "the disk is in use, %s%s", why,
			       opt->writable ? "" : " (--force-share reads it all the same; what is found may be inconsistent)");
	disk->inconsistent = true;
	return 0;
}

/* Decides whether an image that was recognised may be opened like this. */
static int check_policy(const struct cf_probe *p, const struct cf_disk_options *opt, struct cf_error *err)
{
	const char *name = cf_disk_format_name(p->format);
	bool vhd = p->format == CF_FMT_VHD_DYNAMIC || p->format == CF_FMT_VHDX || p->format == CF_FMT_VDI;

	if (p->differencing && vhd)
		return cf_fail(err, CF_E_REFUSED,
			       "this is a differencing %s%s%s%s: merge it into its parent first (Hyper-V: Merge-VHD, or delete the checkpoint)",
			       name, p->other[0] ? ", whose parent is \"" : "", p->other, p->other[0] ? "\"" : "");
	if (p->other_files && opt->writable)
		return cf_fail(err, CF_E_REFUSED,
			       "the %s image takes a part of its content from another file (%s), which is never written: commit or rebase it (\"qemu-img rebase -b ''\"), or repair a copy with --output",
			       name, p->other);
	if (p->other_files && !opt->allow_backing)
		return cf_fail(err, CF_E_REFUSED,
			       "the %s image takes a part of its content from another file (%s): say --allow-backing if you trust the image",
			       name, p->other);
	if (p->write_once && opt->writable)
		return cf_fail(err, CF_E_REFUSED, "a stream-optimised VMDK can't be changed: repair a copy with --output");
	if (p->saved_state && opt->writable && !opt->allow_checkpoints)
		return cf_fail(err, CF_E_REFUSED,
			       "the VHD belongs to a saved VM: resume and shut it down, or say --allow-checkpoints and never resume it");
	if (p->format == CF_FMT_VHDX && p->sector_size == 4096)
		return cf_fail(err, CF_E_UNSUPPORTED,
			       "this VHDX has 4096-byte sectors, which QEMU's driver can't read: attach it to a machine and give the device, or convert it to raw there");
	if (p->sector_size && opt->sector_size && p->sector_size != opt->sector_size)
		return cf_fail(err, CF_E_USAGE, "the %s says that its sectors have %u bytes, not %u", name, p->sector_size,
			       opt->sector_size);
	return 0;
}

static int check_checkpoints(const char *path, const struct stat *st, const struct cf_probe *p, struct cf_error *err)
{
	char what[400];
	int found = cf_checkpoint_find(path, st, p, what, sizeof what, err);
	if (found <= 0)
		return found;
	return cf_fail(err, CF_E_REFUSED,
		       "%s depends on this disk as it is now: merge or delete it first, or say --allow-checkpoints and never use it again",
		       what);
}

/* Raw disks don't say how large their sectors are, but a GPT's place does. */
static uint32_t guess_sector_size(struct cf_block *b)
{
	uint8_t at512[8] = { 0 }, at4096[8] = { 0 };
	if (b->size < 8192 || cf_block_read(b, 512, at512, sizeof at512, NULL) < 0 ||
	    cf_block_read(b, 4096, at4096, sizeof at4096, NULL) < 0)
		return 512;
	return memcmp(at512, "EFI PART", 8) != 0 && memcmp(at4096, "EFI PART", 8) == 0 ? 4096 : 512;
}

static int settle_sector_size(struct cf_block *b, unsigned wanted, struct cf_error *err)
{
	if (wanted)
		b->sector_size = wanted;
	else if (b->sector_size == 0)
		b->sector_size = guess_sector_size(b);
	if (b->size == 0)
		return cf_fail(err, CF_E_CORRUPT, "the disk is empty");
	if (b->sector_size != 512 && b->sector_size != 4096)
		return cf_fail(err, CF_E_UNSUPPORTED, "sectors of %u bytes can't be handled, only 512 and 4096", b->sector_size);
	if (b->size % b->sector_size)
		return cf_fail(err, CF_E_CORRUPT, "the disk's size (%llu bytes) is no multiple of %u-byte sectors: it was cut short, or is no disk",
			       (unsigned long long)b->size, b->sector_size);
	return 0;
}

/* The device of guest bytes for what the probe found. Takes fd over. */
static struct cf_block *open_guest(const char *path, int fd, bool is_device, const struct cf_probe *p,
				   const struct cf_disk_options *opt, struct cf_disk *disk, struct cf_error *err)
{
	uint32_t sector = p->sector_size ? p->sector_size : opt->sector_size;

	if (p->format == CF_FMT_RAW || p->format == CF_FMT_VHD_FIXED)
		return cf_raw_open(fd, path, p->size, sector, !opt->writable, err);
	disk->temporary_overlay = p->log_pending && !opt->writable;
	struct cf_container c = {
		.path = path,
		.format = p->format,
		.sector_size = sector,
		.is_device = is_device,
		.writable = opt->writable,
		.force_share = disk->inconsistent,
		.allow_backing = opt->allow_backing && !opt->writable,
		.overlay = disk->temporary_overlay,
	};
	/* QEMU locks the container itself, and our locks would be in its way: they go with the last descriptor. */
	int own = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return cf_container_open(&c, own, err);
}

static int identify_file(struct cf_disk *disk, struct cf_error *err)
{
	disk->id = realpath(disk->path, NULL);
	return disk->id ? 0 : cf_fail_errno(err, CF_E_IO, errno, "can't find out the file's absolute path");
}

/* Looks at the open file's own bytes and decides. Takes fd over, also on failure. */
static int open_image(struct cf_disk *disk, int fd, const struct stat *st, const struct cf_disk_options *opt,
		      struct cf_error *err)
{
	struct cf_probe probe;
	uint64_t size = (uint64_t)st->st_size;
	uint32_t sector = 0;
	CF_CLOSE int guest_fd = fd;

	if (disk->is_device && cf_device_size(fd, &size, &sector, err) < 0)
		return -1;
	if (size == 0)
		return cf_fail(err, CF_E_CORRUPT, "the disk is empty");
	if (check_use(disk, fd, st, opt, err) < 0)
		return -1;

	/* dup shares the description, so closing the copy keeps the locks. */
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't duplicate a file descriptor");
	struct cf_block *raw = cf_raw_open(copy, disk->path, size, 512, true, err);
	if (!raw)
		return -1;
	/* The content of a device is the guest's: it is raw unless the user says otherwise. */
	const char *format = opt->format ? opt->format : disk->is_device ? "raw" : NULL;
	const char *slash = strrchr(disk->path, '/');
	int r = cf_probe(raw, slash ? slash + 1 : disk->path, format, &probe, err);
	cf_block_close(raw);
	if (r < 0 || check_policy(&probe, opt, err) < 0)
		return -1;
	if (opt->writable && !opt->allow_checkpoints && !disk->is_device &&
	    check_checkpoints(disk->path, st, &probe, err) < 0)
		return -1;
	if (disk->is_device && probe.format == CF_FMT_RAW)
		probe.sector_size = sector;
	disk->format = disk->is_device && probe.format == CF_FMT_RAW ? CF_FMT_DEVICE : probe.format;
	guest_fd = -1; /* open_guest takes it over */
	disk->block = open_guest(disk->path, fd, disk->is_device, &probe, opt, disk, err);
	return disk->block ? settle_sector_size(disk->block, opt->sector_size, err) : -1;
}

static int open_path(struct cf_disk *disk, const struct cf_disk_options *opt, struct cf_error *err)
{
	struct stat st;
	int fd = open_file(disk->path, opt->writable, &st, err);
	if (fd < 0)
		return -1;
	disk->is_device = S_ISBLK(st.st_mode);
	if (open_image(disk, fd, &st, opt, err) < 0)
		return -1;
	return disk->is_device ? cf_device_identify(disk, &st, disk->path, &cf_kernel, err) : identify_file(disk, err);
}

static int open_uri(struct cf_disk *disk, const struct cf_disk_options *opt, struct cf_error *err)
{
	if (opt->format && strcmp(opt->format, "raw") != 0)
		return cf_fail(err, CF_E_USAGE, "an NBD export is a plain disk: --format=%s does not apply to it", opt->format);
	disk->is_uri = true;
	disk->format = CF_FMT_NBD;
	disk->block = cf_nbd_open_uri(disk->path, opt->writable, err);
	if (!disk->block || settle_sector_size(disk->block, opt->sector_size, err) < 0)
		return -1;
	disk->id = cf_disk_id_from("nbd", disk->path);
	return disk->id ? 0 : cf_fail_nomem(err);
}

struct cf_disk *cf_disk_open(const char *path, const struct cf_disk_options *opt, struct cf_error *err)
{
	static const struct cf_disk_options defaults;
	struct cf_disk *disk = calloc(1, sizeof *disk);
	int r;

	opt = opt ? opt : &defaults;
	if (!disk || !(disk->path = strdup(path)))
		r = cf_fail_nomem(err);
	else if (check_options(opt, err) < 0)
		r = -1;
	else if (cf_is_nbd_uri(path))
		r = open_uri(disk, opt, err);
	else
		r = open_path(disk, opt, err);
	if (r == 0)
		return disk;
	cf_fail_path(err, path);
	cf_disk_close(disk);
	return NULL;
}

void cf_disk_close(struct cf_disk *disk)
{
	if (!disk)
		return;
	cf_block_close(disk->block);
	free(disk->path);
	free(disk->model);
	free(disk->serial);
	free(disk->lun);
	free(disk->id);
	free(disk);
}
