/* image.h - the pixels of a screenshot: PNG, JPEG, BMP, PPM.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An image is hostile input: it is decoded in a child process that can open nothing and has limits on memory and time
 * (base/sandbox.h). What comes back is checked width times height pixels; nothing of the file itself is looked at again.
 */
#ifndef CF_SYMPTOM_IMAGE_H
#define CF_SYMPTOM_IMAGE_H

#include "base/error.h"
#include "base/span.h"

#define CF_IMAGE_MAX_SIDE 8192u
#define CF_IMAGE_MAX_PIXELS (36u * 1024 * 1024) /* 8K screens are 33 million */
#define CF_IMAGE_MAX_FILE (64u * 1024 * 1024)   /* bytes */

struct cf_image {
	unsigned width, height;
	struct cf_buf rgb; /* width * height * 3 bytes, rows from the top */
};

enum cf_image_kind { CF_IMAGE_NONE, CF_IMAGE_PNG, CF_IMAGE_JPEG, CF_IMAGE_BMP, CF_IMAGE_PNM };

/* What the first bytes say it is. */
enum cf_image_kind cf_image_kind(struct cf_span file);

/* Decodes in a locked-in child. CF_E_CORRUPT for what is damaged, CF_E_UNSUPPORTED for what is too large, of a kind that is not
 * read, or when this build has no decoders. Free out->rgb in any case. */
int cf_image_decode(struct cf_span file, struct cf_image *out, struct cf_error *err) CF_MUST_CHECK;

/* The decoding itself, in the calling process: for the child, and for tests that check it against known pixels. reason: 200 bytes. */
bool cf_image_decode_here(struct cf_span file, struct cf_image *out, char *reason);

/* image-formats.c: one for each kind; false with a reason. */
bool cf_image_png(struct cf_span file, struct cf_image *out, char *reason);
bool cf_image_jpeg(struct cf_span file, struct cf_image *out, char *reason);
bool cf_image_bmp(struct cf_span file, struct cf_image *out, char *reason);
bool cf_image_pnm(struct cf_span file, struct cf_image *out, char *reason);

/* Checks the size and makes room for the pixels (black). */
bool cf_image_size(struct cf_image *out, uint64_t width, uint64_t height, char *reason);

#define CF_IMAGE_REASON 200

#endif
