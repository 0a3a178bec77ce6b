/* picture.h - what a screenshot shows without reading it, and the grey pictures that are given to the text reader.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SYMPTOM_PICTURE_H
#define CF_SYMPTOM_PICTURE_H

#include "symptom/image.h"

enum cf_ground { CF_GROUND_OTHER, CF_GROUND_BLACK, CF_GROUND_BLUE };

struct cf_look {
	uint8_t rgb[3];        /* the commonest colour */
	double share;          /* of the pixels that are close to it, 0..1 */
	enum cf_ground ground; /* black as the boot manager, blue as Recovery and stop screens; OTHER unless it covers most */
	bool dark;             /* light text on dark */
	bool blank;            /* one colour, but for a text cursor */
	bool logo;             /* Windows' four panes on black */
};

void cf_look_at(const struct cf_image *image, struct cf_look *look);

/* 8 bits a pixel: the commonest colour is paper (255), what differs from it is ink, whatever the screen's colours are. */
struct cf_grey {
	unsigned width, height;
	struct cf_buf px;
};

int cf_grey_of(const struct cf_image *image, const struct cf_look *look, struct cf_grey *out) CF_MUST_CHECK;

/* The part at (x, y) of w by h pixels (cut to the picture) scaled by factor 0.1 … 12 with bicubic interpolation and given a border
 * of white pixels. -1: out of memory, or nothing of the part lies inside. */
int cf_grey_scale(const struct cf_grey *from, unsigned x, unsigned y, unsigned w, unsigned h, double factor, unsigned border,
		  struct cf_grey *out) CF_MUST_CHECK;

#endif
