/* bcd-device.c - device elements: which partition, and which file on it, something boots from.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device is an envelope with a type; a RAM disk or VHD contains a file path, which contains the device that holds the
 * file, and a search ("locate") contains what is searched on. Followed from the outside in with a fixed depth. Layout
 * from real stores; names of the types after ReactOS' boot library.
 */
#include "registry/bcd-internal.h"

#include "base/endian.h"
#include "base/utf16.h"

#define MAX_DEPTH 4 /* locate → VHD → file → partition */

struct device_disk {
	cf_le32 type;     /* 0x00 */
	cf_le32 flags;    /* 0x04 */
	cf_le32 size;     /* 0x08 with this header */
	cf_le32 reserved; /* 0x0c */
};
_Static_assert(sizeof(struct device_disk) == 0x10, "device header");

enum { DEVICE_DISK = 0, DEVICE_BOOT = 5, DEVICE_PARTITION = 6, DEVICE_LOCATE = 8 };

struct partition_disk {
	uint8_t id[16];   /* 0x00 GPT: partition GUID; MBR: u64 byte offset */
	cf_le32 medium;   /* 0x10 0: hard disk */
	cf_le32 scheme;   /* 0x14 0: GPT, 1: MBR */
	uint8_t disk[16]; /* 0x18 GPT: disk GUID; MBR: u32 signature */
};
_Static_assert(sizeof(struct partition_disk) == 0x28, "partition device");

/* First u32 of a DEVICE_DISK's payload. */
enum { DISK_RAMDISK = 3, DISK_FILE = 5, DISK_VHD = 6 };
#define RAMDISK_PATH 0x18u /* payload: kind, u64 base, u64 size, u32 offset, then the file path */
#define FILE_PATH 0x04u
#define VHD_PARENT 0x18u   /* payload: kind, 20 bytes, then the device that holds the VHD */

struct path_disk {
	cf_le32 version; /* 0x00 1 */
	cf_le32 size;    /* 0x04 with this header */
	cf_le32 type;    /* 0x08 5: a device, then a path in UTF-16 */
};
_Static_assert(sizeof(struct path_disk) == 0x0c, "file path");

struct locate_disk {
	cf_le32 kind;    /* 0x00 */
	cf_le32 element; /* 0x04 element whose path is searched for */
	cf_le32 parent;  /* 0x08 from the device header on; 0: all partitions */
};
_Static_assert(sizeof(struct locate_disk) == 0x0c, "locate device");

static bool decode_partition(struct cf_span payload, struct cf_bcd_device *d)
{
	const struct partition_disk *p = (const void *)cf_span_at(payload, 0, sizeof(*p));
	if (!p || cf_le32_get(p->medium) != 0)
		return false;
	d->place = p->id;
	switch (cf_le32_get(p->scheme)) {
	case 0:
		memcpy(d->partition_guid.b, p->id, 16);
		memcpy(d->disk_guid.b, p->disk, 16);
		d->on_gpt = true;
		return true;
	case 1:
		d->offset = cf_ld64(p->id);
		d->signature = cf_ld32(p->disk);
		d->on_mbr = true;
		return true;
	default:
		return false;
	}
}

/* The span of one device: from its header, as long as the header says. */
static struct cf_span device_span(struct cf_span s)
{
	const struct device_disk *h = (const void *)cf_span_at(s, 0, sizeof(*h));
	if (!h || cf_le32_get(h->size) < sizeof(*h))
		return (struct cf_span){ NULL, 0 };
	return cf_span_sub(s, 0, cf_le32_get(h->size));
}

/* A file path: sets the path, and *holder to the device that the file lies on. */
static bool decode_path(struct cf_span s, struct cf_bcd_device *d, struct cf_span *holder)
{
	const struct path_disk *p = (const void *)cf_span_at(s, 0, sizeof(*p));
	if (!p || cf_le32_get(p->version) != 1 || cf_le32_get(p->type) != 5 || d->path)
		return false;
	s = cf_span_sub(s, 0, cf_le32_get(p->size));
	*holder = device_span(cf_span_sub(s, sizeof(*p), s.n - cf_min_u64(s.n, sizeof(*p))));
	if (!holder->p)
		return false;
	size_t at = sizeof(*p) + holder->n;
	d->path = cf_utf16z_to_utf8(cf_span_sub(s, at, s.n - at), NULL);
	return d->path != NULL;
}

/* A disk that is made of a file: sets the kind, and *next to what lies inside. */
static bool decode_disk(struct cf_span payload, struct cf_bcd_device *d, struct cf_span *next)
{
	const uint8_t *kind = cf_span_at(payload, 0, 4);
	if (!kind)
		return false;
	switch (cf_ld32(kind)) {
	case DISK_RAMDISK:
		d->kind = CF_BCD_DEV_RAMDISK;
		return payload.n > RAMDISK_PATH &&
		       decode_path(cf_span_sub(payload, RAMDISK_PATH, payload.n - RAMDISK_PATH), d, next);
	case DISK_FILE:
		d->kind = CF_BCD_DEV_FILE;
		return payload.n > FILE_PATH &&
		       decode_path(cf_span_sub(payload, FILE_PATH, payload.n - FILE_PATH), d, next);
	case DISK_VHD:
		d->kind = CF_BCD_DEV_FILE;
		d->vhd = true;
		if (payload.n <= VHD_PARENT)
			return false;
		*next = device_span(cf_span_sub(payload, VHD_PARENT, payload.n - VHD_PARENT));
		return next->p;
	default:
		return false;
	}
}

/* A search: *next is what it searches on, empty for everything. */
static bool decode_locate(struct cf_span device, struct cf_bcd_device *d, struct cf_span *next)
{
	const struct locate_disk *l = (const void *)cf_span_at(device, sizeof(struct device_disk), sizeof(*l));
	size_t text = sizeof(struct device_disk) + sizeof(*l);
	if (!l)
		return false;
	uint32_t parent = cf_le32_get(l->parent);
	size_t end = parent >= text && parent <= device.n ? parent : device.n;
	d->kind = CF_BCD_DEV_LOCATE;
	d->locate_element = cf_le32_get(l->element);
	if (parent) {
		*next = device_span(cf_span_sub(device, parent, device.n - cf_min_u64(device.n, parent)));
		if (!next->p)
			return false;
	}
	char *path = cf_utf16z_to_utf8(cf_span_sub(device, text, end - text), NULL);
	if (path && *path && !d->path)
		d->path = CF_STEAL(path);
	free(path);
	return true;
}

/* Whether the innermost device was reached and understood. */
static bool decode(struct cf_span device, struct cf_bcd_device *d)
{
	for (int depth = 0; depth < MAX_DEPTH; depth++) {
		const struct device_disk *h = (const void *)device.p;
		struct cf_span payload = cf_span_sub(device, sizeof(*h), device.n - sizeof(*h)), next = { NULL, 0 };
		switch (cf_le32_get(h->type)) {
		case DEVICE_BOOT:
			if (depth == 0)
				d->kind = CF_BCD_DEV_BOOT;
			d->on_boot = true;
			return true;
		case DEVICE_PARTITION:
			if (!decode_partition(payload, d))
				return false;
			if (depth == 0)
				d->kind = d->on_gpt ? CF_BCD_DEV_GPT : CF_BCD_DEV_MBR;
			return true;
		case DEVICE_DISK:
			if (!decode_disk(payload, d, &next))
				return false;
			break;
		case DEVICE_LOCATE:
			if (!decode_locate(device, d, &next))
				return false;
			if (!next.p)
				return true;
			break;
		default:
			return false;
		}
		device = next;
	}
	return false;
}

bool cf_bcd_device(const struct cf_bcd_element *e, struct cf_bcd_device *out)
{
	*out = (struct cf_bcd_device){ 0 };
	if (!e || cf_bcd_fmt(e->type) != CF_BCD_FMT_DEVICE || e->data.n < 16)
		return false;
	struct cf_span s = cf_buf_span(&e->data), device = device_span(cf_span_sub(s, 16, s.n - 16));
	memcpy(out->options.b, s.p, 16);
	if (!device.p)
		return false;
	decode(device, out);
	return true;
}

void cf_bcd_device_free(struct cf_bcd_device *d)
{
	free(d->path);
	d->path = NULL;
}
