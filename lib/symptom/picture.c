/* picture.c - background, blankness, Windows' logo; grey pictures and their scaling.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "symptom/picture.h"

#include <math.h>
#include <stdlib.h>

#define NEAR 24            /* a colour channel may be so far off and count as the same: JPEG */
#define CURSOR 24          /* pixels, the largest text cursor a blank screen may show */
#define MOST_BLACK 0.76    /* share of the background: a boot manager with its two bars and much text has 0.80 … */
#define MOST_BLUE 0.88     /* … a Recovery screen 0.93; a blue desktop with windows less */
#define LOGO_BLACK 0.80    /* of a screen with the logo is black at least */

static bool near_color(const uint8_t *p, const uint8_t *c)
{
	return abs(p[0] - c[0]) <= NEAR && abs(p[1] - c[1]) <= NEAR && abs(p[2] - c[2]) <= NEAR;
}

static void commonest(const struct cf_image *m, struct cf_look *look)
{
	static const size_t bins = 4096;
	CF_FREE uint32_t *count = calloc(bins, sizeof *count);
	size_t n = (size_t)m->width * m->height, best = 0, close_to = 0;
	uint64_t sum[3] = { 0, 0, 0 }, k = 0;
	if (!count)
		return;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = m->rgb.p + i * 3;
		count[(size_t)(p[0] >> 4) << 8 | (size_t)(p[1] >> 4) << 4 | p[2] >> 4]++;
	}
	for (size_t i = 1; i < bins; i++)
		best = count[i] > count[best] ? i : best;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = m->rgb.p + i * 3;
		if (((size_t)(p[0] >> 4) << 8 | (size_t)(p[1] >> 4) << 4 | p[2] >> 4) != best)
			continue;
		for (int c = 0; c < 3; c++)
			sum[c] += p[c];
		k++;
	}
	for (int c = 0; c < 3; c++)
		look->rgb[c] = (uint8_t)(k ? sum[c] / k : 0);
	for (size_t i = 0; i < n; i++)
		close_to += near_color(m->rgb.p + i * 3, look->rgb);
	look->share = (double)close_to / (double)n;
}

/* Everything that is not background lies in one small box. */
static bool is_blank(const struct cf_image *m, const struct cf_look *look)
{
	unsigned left = m->width, right = 0, top = m->height, bottom = 0;
	if (look->share < 0.99)
		return false;
	for (unsigned y = 0; y < m->height; y++)
		for (unsigned x = 0; x < m->width; x++) {
			if (near_color(m->rgb.p + ((size_t)y * m->width + x) * 3, look->rgb))
				continue;
			left = x < left ? x : left;
			right = x > right ? x : right;
			top = y < top ? y : top;
			bottom = y > bottom ? y : bottom;
		}
	return left > right || (right - left < CURSOR && bottom - top < CURSOR);
}

/* The blues of the logo, from 0,120,215 (Windows 11) to 0,207,255 (Server 2016). */
static bool logo_blue(const uint8_t *p)
{
	return p[2] > 140 && p[2] - p[0] > 80 && p[1] > 70 && p[0] < 110;
}

static double blue_share(const struct cf_image *m, double x0, double y0, double x1, double y1)
{
	size_t n = 0, k = 0;
	for (unsigned y = (unsigned)y0; y < (unsigned)y1 && y < m->height; y++)
		for (unsigned x = (unsigned)x0; x < (unsigned)x1 && x < m->width; x++, n++)
			k += logo_blue(m->rgb.p + ((size_t)y * m->width + x) * 3);
	return n ? (double)k / (double)n : 0;
}

/* Does a dark line cross the box: the row (or column) with the least blue between 35 % and 65 % of it. */
static double least_blue(const struct cf_image *m, const double box[4], bool row)
{
	double least = 1, span = row ? box[3] - box[1] : box[2] - box[0];
	for (double at = 0.35 * span; at < 0.65 * span; at += 1) {
		double s = row ? blue_share(m, box[0], box[1] + at, box[2], box[1] + at + 1)
			       : blue_share(m, box[0] + at, box[1], box[0] + at + 1, box[3]);
		least = s < least ? s : least;
	}
	return least;
}

/* Four blue panes, as high as wide, in the middle, and nothing else that is blue. */
static bool has_logo(const struct cf_image *m, const struct cf_look *look)
{
	unsigned left = m->width, right = 0, top = m->height, bottom = 0;
	if (look->share < LOGO_BLACK || look->rgb[0] > 16 || look->rgb[1] > 16 || look->rgb[2] > 16)
		return false;
	for (unsigned y = 0; y < m->height; y++)
		for (unsigned x = 0; x < m->width; x++) {
			if (!logo_blue(m->rgb.p + ((size_t)y * m->width + x) * 3))
				continue;
			left = x < left ? x : left;
			right = x > right ? x : right;
			top = y < top ? y : top;
			bottom = y > bottom ? y : bottom;
		}
	if (left >= right || top >= bottom)
		return false;
	double w = right - left + 1, h = bottom - top + 1, box[4] = { left, top, left + w, top + h };
	double off = fabs((box[0] + box[2]) / 2 - m->width / 2.0);
	if (w < 16 || h < m->height * 0.06 || h > m->height * 0.5 || w / h < 0.8 || w / h > 1.25 || off > m->width * 0.06)
		return false;
	if (blue_share(m, box[0], box[1], box[2], box[3]) < 0.7 || least_blue(m, box, true) > 0.4 || least_blue(m, box, false) > 0.4)
		return false;
	for (int i = 0; i < 4; i++) {
		double x = box[0] + (i & 1 ? 0.56 : 0.12) * w, y = box[1] + (i & 2 ? 0.56 : 0.14) * h;
		if (blue_share(m, x, y, x + 0.28 * w, y + 0.28 * h) < 0.85)
			return false;
	}
	return true;
}

void cf_look_at(const struct cf_image *m, struct cf_look *look)
{
	*look = (struct cf_look){ 0 };
	commonest(m, look);
	int r = look->rgb[0], g = look->rgb[1], b = look->rgb[2];
	look->dark = r * 3 + g * 6 + b < 10 * 128;
	if (look->share >= MOST_BLACK && r < 24 && g < 24 && b < 24)
		look->ground = CF_GROUND_BLACK;
	else if (look->share >= MOST_BLUE && b >= 96 && b - r >= 60 && b - g >= 40)
		look->ground = CF_GROUND_BLUE;
	look->blank = is_blank(m, look);
	look->logo = !look->blank && has_logo(m, look);
}

static unsigned lightness(const uint8_t *p, bool dark)
{
	unsigned v = (p[0] * 77u + p[1] * 150u + p[2] * 29u) >> 8;
	return dark ? 255 - v : v;
}

int cf_grey_of(const struct cf_image *m, const struct cf_look *look, struct cf_grey *out)
{
	unsigned paper = lightness(look->rgb, look->dark);
	size_t n = (size_t)m->width * m->height;
	*out = (struct cf_grey){ .width = m->width, .height = m->height };
	if (cf_buf_resize(&out->px, n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned v = lightness(m->rgb.p + i * 3, look->dark) * 255 / (paper ? paper : 1);
		out->px.p[i] = (uint8_t)(v > 255 ? 255 : v);
	}
	return 0;
}

/* Catmull-Rom. */
static void weights(double t, float w[4])
{
	float f = (float)t;
	w[0] = f * (-0.5f + f * (1 - 0.5f * f));
	w[1] = 1 + f * f * (-2.5f + 1.5f * f);
	w[2] = f * (0.5f + f * (2 - 1.5f * f));
	w[3] = f * f * (-0.5f + 0.5f * f);
}

static uint8_t clamp(float v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5f);
}

static size_t edge(long i, size_t n)
{
	return i < 0 ? 0 : (size_t)i >= n ? n - 1 : (size_t)i;
}

/* One line of n pixels, step bytes apart, to `to` pixels. */
static void scale_line(const uint8_t *from, size_t n, size_t step, uint8_t *out, size_t to, size_t out_step)
{
	double ratio = (double)n / (double)to;
	for (size_t i = 0; i < to; i++) {
		double at = ((double)i + 0.5) * ratio - 0.5;
		long base = (long)floor(at);
		float w[4], v = 0;
		if (ratio > 1.5) { /* smaller: the mean of what falls together */
			size_t a = edge((long)((double)i * ratio), n), b = edge((long)((double)(i + 1) * ratio), n), k = 0;
			unsigned sum = 0;
			for (; a <= b && k < 16; a++, k++)
				sum += from[a * step];
			out[i * out_step] = (uint8_t)(k ? sum / k : 255);
			continue;
		}
		weights(at - (double)base, w);
		for (int k = 0; k < 4; k++)
			v += w[k] * (float)from[edge(base + k - 1, n) * step];
		out[i * out_step] = clamp(v);
	}
}

int cf_grey_scale(const struct cf_grey *from, unsigned x, unsigned y, unsigned w, unsigned h, double factor, unsigned border,
		  struct cf_grey *out)
{
	*out = (struct cf_grey){ 0 };
	if (x >= from->width || y >= from->height || !w || !h || factor < 0.1 || factor > 12)
		return -1;
	w = (unsigned)cf_min_u64(w, from->width - x);
	h = (unsigned)cf_min_u64(h, from->height - y);
	size_t tw = (size_t)(w * factor + 0.5), th = (size_t)(h * factor + 0.5);
	if (!tw || !th || tw + 2 * border > 4 * CF_IMAGE_MAX_SIDE || th + 2 * border > 4 * CF_IMAGE_MAX_SIDE || tw * th > CF_IMAGE_MAX_PIXELS)
		return -1;
	CF_FREE uint8_t *middle = malloc(tw * h);
	out->width = (unsigned)(tw + 2 * border);
	out->height = (unsigned)(th + 2 * border);
	if (!middle || cf_buf_resize(&out->px, (size_t)out->width * out->height) < 0)
		return -1;
	memset(out->px.p, 255, out->px.n);
	for (size_t row = 0; row < h; row++)
		scale_line(from->px.p + (y + row) * from->width + x, w, 1, middle + row * tw, tw, 1);
	for (size_t column = 0; column < tw; column++)
		scale_line(middle + column, h, tw, out->px.p + (size_t)border * out->width + border + column, th, out->width);
	return 0;
}
