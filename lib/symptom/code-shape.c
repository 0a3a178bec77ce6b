/* code-shape.c - which digits of a code look like its first character, a zero.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The digits of all fonts that Windows boots with are equally wide, so seven of them stand at one pitch up to the right edge (the
 * one behind x is a letter in every code that boot screens show). Pitch and place are those at which most digits are like the first
 * zero; nearly every code that a boot screen shows has four or more.
 */
#include "symptom/code.h"

#include <math.h>

#define HEIGHT 48.0 /* pixels that the line is scaled to */
#define SURE_ZERO 0.90
#define SURE_OTHER 0.70

struct ink {
	const struct cf_grey *g;
	unsigned left, right, top, bottom; /* of all ink, right and bottom are the last ones */
};

static double at(const struct ink *k, double x, unsigned y)
{
	long base = (long)floor(x);
	double f = x - (double)base;
	const struct cf_grey *g = k->g;
	if (base < 0 || base + 1 >= (long)g->width || y >= g->height)
		return 0;
	const uint8_t *p = g->px.p + (size_t)y * g->width + base;
	return 255 - (p[0] * (1 - f) + p[1] * f);
}

static double column(const struct ink *k, unsigned x)
{
	double sum = 0;
	for (unsigned y = k->top; y <= k->bottom; y++)
		sum += at(k, x, y);
	return sum / (k->bottom - k->top + 1);
}

static bool bounds(struct ink *k)
{
	unsigned most = 0;
	const struct cf_grey *g = k->g;
	for (size_t i = 0; i < g->px.n; i++)
		most = 255u - g->px.p[i] > most ? 255u - g->px.p[i] : most;
	if (most < 60)
		return false;
	k->left = g->width;
	k->top = g->height;
	k->right = k->bottom = 0;
	for (unsigned y = 0; y < g->height; y++)
		for (unsigned x = 0; x < g->width; x++) {
			if (255u - g->px.p[(size_t)y * g->width + x] < most / 3) /* a thin 1 of a light font is faint */
				continue;
			k->left = x < k->left ? x : k->left;
			k->right = x > k->right ? x : k->right;
			k->top = y < k->top ? y : k->top;
			k->bottom = y > k->bottom ? y : k->bottom;
		}
	return k->left < k->right && k->top < k->bottom;
}

/* How alike the glyphs at a and b are: correlation over width columns, -1 … 1. */
static double alike_at(const struct ink *k, double a, double b, double width)
{
	double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, n = 0;
	for (unsigned y = k->top; y <= k->bottom; y += 1)
		for (double x = -1; x < width + 1; x += 1) {
			double va = at(k, a + x, y), vb = at(k, b + x, y);
			sa += va;
			sb += vb;
			saa += va * va;
			sbb += vb * vb;
			sab += va * vb;
			n += 1;
		}
	double ca = saa - sa * sa / n, cb = sbb - sb * sb / n;
	return ca > 1 && cb > 1 ? (sab - sa * sb / n) / sqrt(ca * cb) : -1;
}

/* The same, b moved by up to two pixels: digits stand at fractions of a pixel. */
static double alike(const struct ink *k, double a, double b, double width)
{
	double best = -1;
	for (double d = -2; d <= 2; d += 1) {
		double v = alike_at(k, a, b + d, width);
		best = v > best ? v : best;
	}
	return best;
}

static double zero_width(const struct ink *k)
{
	double most = 0, all = k->right - k->left + 1;
	for (unsigned x = k->left; x < k->left + all / 9; x++)
		most = fmax(most, column(k, x));
	for (unsigned x = k->left + (unsigned)(all / 24); x < k->left + all / 7; x++)
		if (column(k, x) < most * 0.22)
			return x - k->left;
	return all / 10 * 0.86;
}

/* What is left of a label's colon in front of the code is narrower than any digit but 1. */
static void skip_colon(struct ink *k)
{
	double all = k->right - k->left + 1;
	for (int i = 0; i < 2 && zero_width(k) < all * 0.045; i++) {
		unsigned x = k->left + (unsigned)zero_width(k) + 1;
		while (x < k->left + all / 6 && column(k, x) < 12)
			x++;
		k->left = x;
	}
}

static double place(const struct ink *k, double width, double *first, double *pitch)
{
	double best = 0, all = k->right - k->left + 1;
	for (double d = fmax(width * 1.02, all * 0.088); d < all * 0.118; d += 0.5)
		for (double off = -0.35; off <= 0.35; off += 0.05) {
			double start = k->right + 1 - width - 6 * d + off * d, score = 0;
			for (int i = 0; i < 7; i++)
				score += fmax(alike_at(k, k->left, start + i * d, width) - 0.5, 0);
			if (score > best) {
				best = score;
				*first = start;
				*pitch = d;
			}
		}
	return best;
}

void cf_code_shape_of(const struct cf_grey *line, struct cf_code_shape *out)
{
	struct cf_grey big = { 0 };
	struct ink k = { .g = &big };
	double first = 0, pitch = 0;
	*out = (struct cf_code_shape){ 0 };
	if (line->height < 4 || cf_grey_scale(line, 0, 0, line->width, line->height, fmax(fmin(HEIGHT / line->height, 12), 0.1), 4, &big) < 0 ||
	    !bounds(&k)) {
		cf_buf_free(&big.px);
		return;
	}
	skip_colon(&k);
	double width = zero_width(&k);
	if (place(&k, width, &first, &pitch) > 3 * 0.3) {
		for (int i = 0; i < 7; i++) {
			double v = alike(&k, k.left, first + i * pitch, width);
			if (v >= SURE_ZERO)
				out->zeros |= 1u << (i + 1);
			else if (v < SURE_OTHER)
				out->not_zeros |= 1u << (i + 1);
		}
		out->last_two = alike(&k, first + 5 * pitch, first + 6 * pitch, width);
		out->placed = __builtin_popcount(out->zeros) >= 2;
		out->known = __builtin_popcount(out->zeros) >= 4; /* fewer do not say where the digits stand */
	}
	cf_buf_free(&big.px);
}
