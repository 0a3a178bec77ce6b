/* fuzz-bcd.c - a boot store from hostile bytes: read, inherit, decode and show everything.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The input is a hive. Its checksum need not be right: cf_hive_open() accepts a torn base block.
 */
#include <stdlib.h>

#include "registry/bcd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *partition(void *user, const struct cf_bcd_device *d)
{
	(void)user;
	return d->on_gpt ? strdup("partition=C:") : NULL;
}

static void use(const struct cf_bcd *bcd)
{
	const struct cf_bcd_object *all[64];
	if (cf_bcd_inheritance(bcd, cf_bcd_default_loader(bcd), all, 64) > 64)
		abort();
	for (size_t i = 0; i < bcd->n; i++) {
		const struct cf_bcd_object *o = &bcd->object[i], *from = NULL;
		CF_BUF text = { 0 };
		if (cf_bcd_object_text(bcd, o, i & 1, partition, NULL, &text) < 0)
			abort();
		if (cf_bcd_effective(bcd, o, CF_BCD_BADMEMORYLIST, &from) && !from)
			abort();
		CF_FREE char *path = cf_bcd_element_path(bcd, &o->guid, CF_BCD_BADMEMORYLIST);
		if (!path)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cf_buf bytes = { 0 };
	struct cf_error err = { 0 };
	struct cf_bcd bcd;
	if (cf_buf_copy(&bytes, cf_span_of(data, size)) < 0)
		abort();
	struct cf_hive *h = cf_hive_open(&bytes, &err);
	if (h && cf_bcd_read(h, &bcd, &err) == 0) {
		use(&bcd);
		cf_bcd_free(&bcd);
	} else if (err.code == CF_OK) {
		abort();
	}
	cf_hive_close(h);
	cf_buf_free(&bytes);
	return 0;
}
