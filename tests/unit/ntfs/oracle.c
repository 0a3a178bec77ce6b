/* oracle.c - what libntfs-3g says of a file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shares nothing with the scanner: inodes, attribute lists and run lists are the library's.
 */
#include "oracle.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <ntfs-3g/types.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/volume.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/mft.h>
#include <ntfs-3g/logging.h>

struct oracle {
	ntfs_volume *vol;
};

struct oracle *oracle_open(const char *image)
{
	ntfs_log_set_handler(ntfs_log_handler_null);
	struct oracle *o = calloc(1, sizeof *o);
	if (o)
		o->vol = ntfs_mount(image, NTFS_MNT_RDONLY | NTFS_MNT_FORENSIC);
	if (o && !o->vol) {
		free(o);
		o = NULL;
	}
	return o;
}

void oracle_close(struct oracle *o)
{
	ntfs_umount(o->vol, FALSE);
	free(o);
}

uint64_t oracle_records(const struct oracle *o)
{
	return (uint64_t)o->vol->mft_na->initialized_size >> o->vol->mft_record_size_bits;
}

uint64_t oracle_free_clusters(const struct oracle *o)
{
	return (uint64_t)ntfs_attr_get_free_bits(o->vol->lcnbmp_na);
}

int oracle_in_use(struct oracle *o, uint64_t record)
{
	MFT_RECORD *m = NULL;
	int used = ntfs_file_record_read(o->vol, record, &m, NULL) == 0 && m->flags & MFT_RECORD_IN_USE && !m->base_mft_record;
	free(m);
	return used;
}

void describe(struct description *d, const char *fmt, ...)
{
	va_list ap;
	if (d->n == d->max) {
		d->max = d->max ? d->max * 2 : 64;
		d->line = realloc(d->line, d->max * sizeof *d->line);
	}
	va_start(ap, fmt);
	if (vasprintf(&d->line[d->n], fmt, ap) < 0)
		abort();
	d->n++;
	va_end(ap);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *describe_end(struct description *d)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	qsort(d->line, d->n, sizeof *d->line, by_text);
	for (size_t i = 0; i < d->n; i++) {
		fprintf(f, "%s\n", d->line[i]);
		free(d->line[i]);
	}
	free(d->line);
	fclose(f);
	return text;
}

/* UTF-16 in hex: any name, however odd. */
static void hex(char *out, const void *name, unsigned len)
{
	const unsigned char *p = name;
	*out = 0;
	for (unsigned i = 0; i < len; i++)
		out += sprintf(out, "%02x%02x", p[2 * i + 1], p[2 * i]);
}

static void describe_name(struct description *d, const ATTR_RECORD *a)
{
	char name[1100];
	const FILE_NAME_ATTR *fn = (const void *)((const char *)a + le16_to_cpu(a->value_offset));
	hex(name, (const char *)fn + offsetof(FILE_NAME_ATTR, file_name), fn->file_name_length);
	describe(d, "name %s space %u parent %llx", name, fn->file_name_type, (unsigned long long)le64_to_cpu(fn->parent_directory));
}

static void describe_stream(struct description *d, ntfs_inode *ni, const ATTR_RECORD *a)
{
	char name[1100];
	const ntfschar *wide = (const void *)((const char *)a + le16_to_cpu(a->name_offset));
	hex(name, wide, a->name_length);
	unsigned type = le32_to_cpu(a->type);
	if (!a->non_resident) {
		describe(d, "stream %x %s resident %u", type, name, le32_to_cpu(a->value_length));
		return;
	}
	if (a->lowest_vcn)
		return;
	ntfschar copy[256];
	memcpy(copy, wide, a->name_length * sizeof *copy);
	ntfs_attr *na = ntfs_attr_open(ni, a->type, a->name_length ? copy : AT_UNNAMED, a->name_length);
	if (!na || ntfs_attr_map_whole_runlist(na)) {
		describe(d, "stream %x %s unreadable: %s", type, name, strerror(errno));
		ntfs_attr_close(na);
		return;
	}
	unsigned long long clusters = 0, extents = 0;
	s64 end = -1;
	for (runlist_element *r = na->rl; r && r->length; r++) {
		describe(d, "run %x %s vcn %llu lcn %lld count %llu", type, name, (unsigned long long)r->vcn,
			 (long long)(r->lcn < 0 ? -1 : r->lcn), (unsigned long long)r->length);
		if (r->lcn < 0)
			continue;
		clusters += (unsigned long long)r->length;
		extents += r->lcn != end;
		end = r->lcn + r->length;
	}
	describe(d, "stream %x %s size %lld initialized %lld flags %x allocated %llu extents %llu", type, name,
		 (long long)na->data_size, (long long)na->initialized_size, le16_to_cpu(a->flags),
		 clusters * ni->vol->cluster_size, extents);
	ntfs_attr_close(na);
}

char *oracle_describe(struct oracle *o, uint64_t record)
{
	struct description d = { 0 };
	ntfs_inode *ni = ntfs_inode_open(o->vol, record);
	if (!ni)
		return NULL;
	ntfs_attr_search_ctx *ctx = ntfs_attr_get_search_ctx(ni, NULL);
	describe(&d, "record %llu sequence %u links %u directory %d", (unsigned long long)record,
		 le16_to_cpu(ni->mrec->sequence_number), le16_to_cpu(ni->mrec->link_count),
		 (ni->mrec->flags & MFT_RECORD_IS_DIRECTORY) != 0);
	while (ctx && !ntfs_attrs_walk(ctx)) {
		if (ctx->attr->type == AT_FILE_NAME)
			describe_name(&d, ctx->attr);
		else if (ctx->attr->type == AT_STANDARD_INFORMATION)
			describe(&d, "times %llx %llx", (unsigned long long)ni->creation_time,
				 (unsigned long long)ni->last_data_change_time);
		else if (ctx->attr->type != AT_ATTRIBUTE_LIST)
			describe_stream(&d, ni, ctx->attr);
	}
	ntfs_attr_put_search_ctx(ctx);
	ntfs_inode_close(ni);
	return describe_end(&d);
}
