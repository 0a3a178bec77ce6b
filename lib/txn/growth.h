/* growth.h - the file that holds a disk becomes larger, and small again when that was in vain or is undone.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Growing a container is harmless by itself: the guest's bytes stay where they are and zeros follow. But it has to be
 * taken back when what it was done for does not happen, and a fixed VHD is only a disk while its footer is at its end. So a
 * record is made first, beside the image (IMAGE.coldfix-growing, docs/undo-format.md), and goes last. While it is there the next open decides: does the
 * partition table need the new part, the record goes; does it not, the file becomes what it was. Undo of an expansion puts
 * the record there, puts the content back, and lets the same rule make the file small.
 * Image files only: raw, fixed VHD, and qcow2 through qemu-img.
 */
#ifndef CF_TXN_GROWTH_H
#define CF_TXN_GROWTH_H

#include "block/block.h"

#define CF_GROWTH_FOOTER 512u

enum cf_growth_kind { CF_GROWTH_NONE = 0, CF_GROWTH_RAW = 1, CF_GROWTH_VHD = 2, CF_GROWTH_QCOW2 = 3 };

struct cf_growth {
	enum cf_growth_kind kind;
	uint64_t old_size, new_size;      /* bytes that the guest sees */
	uint8_t footer[CF_GROWTH_FOOTER]; /* VHD: as it was */
};

/* Makes the image file larger: g->kind, old_size and new_size are given, the footer is filled in. The caller holds the image's lock or, for qcow2,
 * has closed it. On failure the file is as it was. image: absolute, symbolic links resolved. */
int cf_growth_begin(const char *image, struct cf_growth *g, struct cf_error *err) CF_MUST_CHECK;

/* Only the record: something is about to make the new part superfluous (undo). One that is there already is fine. */
int cf_growth_record(const char *image, const struct cf_growth *g, struct cf_error *err) CF_MUST_CHECK;

/* 1: there is a record, 0: there is none, -1. CF_E_CORRUPT: one that can't be understood. */
int cf_growth_read(const char *image, struct cf_growth *g, struct cf_error *err) CF_MUST_CHECK;

/* The file becomes what it was, byte for byte if its guest bytes are; then the record goes. Can be run again at any point. */
int cf_growth_back(const char *image, const struct cf_growth *g, struct cf_error *err) CF_MUST_CHECK;

/* The new part is in use: the record goes. */
int cf_growth_keep(const char *image, struct cf_error *err) CF_MUST_CHECK;

/* Before an image is opened: a fixed VHD that a stop left without its footer at the end gets it back. Does nothing for images without a
 * record. CF_E_UNCLEAN when that is needed and writable is false; CF_E_IN_USE. */
int cf_growth_settle_file(const char *image, bool writable, struct cf_error *err) CF_MUST_CHECK;

#endif
