/* device.c - what a block device says about itself.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Read from /sys, where no right to the device is needed. The identity names the state folder of a device: it prefers what
 * stays the same when the disk is attached elsewhere (WWID, serial number) to the kernel's name, which doesn't.
 */
#include "block/device.h"

#include <ctype.h>
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/hash.h"
#include "base/overflow.h"

#define ID_TEXT_MAX 80u

int cf_device_size(int fd, uint64_t *size, uint32_t *sector_size, struct cf_error *err)
{
	int sector = 512;
	if (ioctl(fd, BLKGETSIZE64, size) < 0 || ioctl(fd, BLKSSZGET, &sector) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't find out the size of the device");
	*sector_size = (uint32_t)sector;
	return 0;
}

/* One line of FOLDER/NAME without blanks around it; NULL when there is none or it is empty. */
static char *attribute(const char *folder, const char *name)
{
	char path[700], line[256];
	snprintf(path, sizeof path, "%.500s/%s", folder, name);
	CF_FCLOSE FILE *f = fopen(path, "re");
	if (!f || !fgets(line, sizeof line, f))
		return NULL;
	char *start = line + strspn(line, " \t");
	size_t n = strlen(start);
	while (n && (isspace((unsigned char)start[n - 1]) || !isprint((unsigned char)start[n - 1])))
		start[--n] = 0;
	for (size_t i = 0; i < n; i++)
		if (!isprint((unsigned char)start[i]))
			start[i] = '?';
	return n ? strdup(start) : NULL;
}

/* SCSI's page 0x80: 4 bytes of header, then the serial number. */
static char *vpd_serial(const char *folder)
{
	char path[700];
	unsigned char page[256];
	snprintf(path, sizeof path, "%.500s/device/vpd_pg80", folder);
	CF_FCLOSE FILE *f = fopen(path, "re");
	size_t n = f ? fread(page, 1, sizeof page - 1, f) : 0;
	if (n <= 4)
		return NULL;
	page[n] = 0;
	char *start = (char *)page + 4;
	start += strspn(start, " ");
	size_t len = strlen(start);
	while (len && (start[len - 1] == ' ' || !isprint((unsigned char)start[len - 1])))
		start[--len] = 0;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)start[i]))
			return NULL;
	return len ? strdup(start) : NULL;
}

/* A SCSI device's folder is called HOST:CHANNEL:TARGET:LUN. */
static char *scsi_lun(const char *folder)
{
	char path[700], real[4096];
	snprintf(path, sizeof path, "%.500s/device", folder);
	unsigned h, c, t, lun;
	int end = 0;
	if (!realpath(path, real))
		return NULL;
	const char *base = strrchr(real, '/');
	if (!base || sscanf(base, "/%u:%u:%u:%u%n", &h, &c, &t, &lun, &end) != 4 || base[end])
		return NULL;
	char text[16];
	snprintf(text, sizeof text, "%u", lun);
	return strdup(text);
}

char *cf_disk_id_from(const char *prefix, const char *text)
{
	char out[ID_TEXT_MAX + 1], result[ID_TEXT_MAX + 128];
	size_t n = strlen(text);
	bool changed = n > ID_TEXT_MAX || n == 0 || text[0] == '.';
	for (size_t i = 0; i < n && i < ID_TEXT_MAX; i++) {
		bool plain = isalnum((unsigned char)text[i]) || strchr("._-", text[i]);
		out[i] = plain ? text[i] : '_';
		changed |= !plain;
	}
	out[cf_min_u64(n, ID_TEXT_MAX)] = 0;
	if (changed) {
		uint8_t hash[CF_SHA256_LEN];
		char hex[65];
		cf_sha256(text, n, hash);
		snprintf(result, sizeof result, "%.30s-%s-%.16s", prefix, out, cf_sha256_hex(hash, hex));
	} else {
		snprintf(result, sizeof result, "%.30s-%s", prefix, out);
	}
	return strdup(result);
}

int cf_device_identify(struct cf_disk *disk, const struct stat *st, const char *path, const struct cf_kernel_view *view,
		       struct cf_error *err)
{
	char link[300], folder[4096], number[32] = "";

	snprintf(link, sizeof link, "%.200s/dev/block/%u:%u", view->sys, major(st->st_rdev), minor(st->st_rdev));
	if (!realpath(link, folder))
		folder[0] = 0;
	/* A partition has no model of its own: its disk is the folder above. */
	CF_FREE char *partition = folder[0] ? attribute(folder, "partition") : NULL;
	if (partition) {
		char *slash = strrchr(folder, '/');
		if (slash)
			*slash = 0;
		snprintf(number, sizeof number, "-part%.16s", partition);
	}
	CF_FREE char *wwid = NULL;
	if (folder[0]) {
		disk->model = attribute(folder, "device/model");
		disk->serial = attribute(folder, "serial");
		if (!disk->serial)
			disk->serial = attribute(folder, "device/serial");
		if (!disk->serial)
			disk->serial = vpd_serial(folder);
		disk->lun = scsi_lun(folder);
		wwid = attribute(folder, "wwid");
		if (!wwid)
			wwid = attribute(folder, "device/wwid");
	}
	CF_FREE char *real = realpath(path, NULL);
	const char *best = wwid ? wwid : disk->serial ? disk->serial : real ? real : path;
	CF_FREE char *text = NULL;
	if (asprintf(&text, "%s%s", best, number) < 0) {
		text = NULL;
		return cf_fail_nomem(err);
	}
	disk->id = cf_disk_id_from(wwid ? "wwid" : disk->serial ? "serial" : "dev", text);
	return disk->id ? 0 : cf_fail_nomem(err);
}
