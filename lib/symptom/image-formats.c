/* image-formats.c - decoders: BMP and PPM by hand, PNG and JPEG by their libraries.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Run in the child of image.c. BMP after the BITMAPINFOHEADER of the Windows SDK (what hypervisors' consoles save: 24 and 32 bits,
 * and palettes), PPM after ppm(5) (what QEMU's screendump writes).
 */
#include "symptom/image.h"

#include <setjmp.h>
#include <stdio.h>

#include "base/endian.h"
#include "config.h"

#ifdef HAVE_IMAGES
#include <png.h>
#include <jpeglib.h>
#endif

static bool no(char *reason, const char *text)
{
	snprintf(reason, CF_IMAGE_REASON, "%s", text);
	return false;
}

bool cf_image_size(struct cf_image *out, uint64_t width, uint64_t height, char *reason)
{
	if (!width || !height)
		return no(reason, "the image has no pixels");
	if (width > CF_IMAGE_MAX_SIDE || height > CF_IMAGE_MAX_SIDE || width * height > CF_IMAGE_MAX_PIXELS) {
		snprintf(reason, CF_IMAGE_REASON, "the image is too large (%llu x %llu pixels): a screen has at most %u a side",
			 (unsigned long long)width, (unsigned long long)height, CF_IMAGE_MAX_SIDE);
		return false;
	}
	out->width = (unsigned)width;
	out->height = (unsigned)height;
	out->rgb.n = 0;
	return cf_buf_resize(&out->rgb, (size_t)width * (size_t)height * 3) == 0 || no(reason, "out of memory");
}

#ifdef HAVE_IMAGES
bool cf_image_png(struct cf_span file, struct cf_image *out, char *reason)
{
	png_image png = { .version = PNG_IMAGE_VERSION };
	png_color black = { 0, 0, 0 };
	if (!png_image_begin_read_from_memory(&png, file.p, file.n)) {
		snprintf(reason, CF_IMAGE_REASON, "the PNG can't be read: %.100s", png.message);
		return false;
	}
	bool ok = cf_image_size(out, png.width, png.height, reason);
	png.format = PNG_FORMAT_RGB;
	if (ok && !png_image_finish_read(&png, &black, out->rgb.p, 0, NULL)) {
		snprintf(reason, CF_IMAGE_REASON, "the PNG can't be read: %.100s", png.message);
		ok = false;
	}
	png_image_free(&png);
	return ok;
}

struct jpeg_trouble {
	struct jpeg_error_mgr mgr;
	jmp_buf out;
	char text[JMSG_LENGTH_MAX];
};

static void jpeg_fatal(j_common_ptr info)
{
	struct jpeg_trouble *t = (struct jpeg_trouble *)info->err;
	t->mgr.format_message(info, t->text);
	longjmp(t->out, 1);
}

static void jpeg_quiet(j_common_ptr info)
{
	(void)info;
}

bool cf_image_jpeg(struct cf_span file, struct cf_image *out, char *reason)
{
	struct jpeg_decompress_struct d;
	struct jpeg_trouble t;
	volatile bool ok = false;
	d.err = jpeg_std_error(&t.mgr);
	t.mgr.error_exit = jpeg_fatal;
	t.mgr.output_message = jpeg_quiet;
	if (setjmp(t.out) == 0) {
		jpeg_create_decompress(&d);
		jpeg_mem_src(&d, file.p, file.n);
		jpeg_read_header(&d, TRUE);
		d.out_color_space = JCS_RGB;
		ok = cf_image_size(out, d.image_width, d.image_height, reason);
		if (ok) {
			jpeg_start_decompress(&d);
			while (d.output_scanline < d.output_height) {
				JSAMPROW row = out->rgb.p + (size_t)d.output_scanline * out->width * 3;
				jpeg_read_scanlines(&d, &row, 1);
			}
			jpeg_finish_decompress(&d);
		}
	} else {
		snprintf(reason, CF_IMAGE_REASON, "the JPEG can't be read: %.100s", t.text);
		ok = false;
	}
	jpeg_destroy_decompress(&d);
	return ok;
}
#else
bool cf_image_png(struct cf_span file, struct cf_image *out, char *reason)
{
	(void)file;
	(void)out;
	return no(reason, "this build can't read PNG: install libpng-dev and libjpeg-dev and build coldfix again");
}

bool cf_image_jpeg(struct cf_span file, struct cf_image *out, char *reason)
{
	(void)file;
	(void)out;
	return no(reason, "this build can't read JPEG: install libpng-dev and libjpeg-dev and build coldfix again");
}
#endif

/* One number of a PNM header, with white space and comments before it. */
static bool pnm_number(struct cf_span f, size_t *at, uint64_t *out)
{
	while (*at < f.n && (f.p[*at] <= ' ' || f.p[*at] == '#')) {
		if (f.p[*at] == '#')
			while (*at < f.n && f.p[*at] != '\n')
				++*at;
		else
			++*at;
	}
	size_t start = *at;
	for (*out = 0; *at < f.n && f.p[*at] >= '0' && f.p[*at] <= '9' && *at - start < 9; ++*at)
		*out = *out * 10 + (uint64_t)(f.p[*at] - '0');
	return *at > start;
}

bool cf_image_pnm(struct cf_span file, struct cf_image *out, char *reason)
{
	size_t at = 2;
	uint64_t width, height, most;
	unsigned channels = file.p[1] == '6' ? 3 : 1;
	if (!pnm_number(file, &at, &width) || !pnm_number(file, &at, &height) || !pnm_number(file, &at, &most) || at >= file.n)
		return no(reason, "the header of this PPM is damaged");
	at++; /* one white space */
	if (most != 255)
		return no(reason, "only PPM with 8 bits a colour is read");
	if (!cf_image_size(out, width, height, reason))
		return false;
	size_t pixels = (size_t)out->width * out->height;
	if (!cf_range_ok(at, (uint64_t)pixels * channels, file.n))
		return no(reason, "this PPM is cut short");
	for (size_t i = 0; i < pixels * 3; i++)
		out->rgb.p[i] = file.p[at + (channels == 3 ? i : i / 3)];
	return true;
}

struct bmp {
	struct cf_span file;
	uint64_t bits; /* offset of the rows */
	uint64_t stride;
	unsigned depth, colors;
	uint64_t palette;
	bool top_down;
};

static bool bmp_header(struct cf_span file, struct bmp *b, struct cf_image *out, char *reason)
{
	const uint8_t *h = cf_span_at(file, 0, 54);
	if (!h)
		return no(reason, "this BMP is cut short");
	uint32_t head = cf_ld32(h + 14), compression = cf_ld32(h + 30);
	int32_t width = (int32_t)cf_ld32(h + 18), height = (int32_t)cf_ld32(h + 22);
	b->file = file;
	b->bits = cf_ld32(h + 10);
	b->depth = cf_ld16(h + 28);
	b->top_down = height < 0;
	b->palette = 14 + (uint64_t)head;
	b->colors = cf_ld32(h + 46);
	if (head < 40 || (b->depth != 1 && b->depth != 4 && b->depth != 8 && b->depth != 24 && b->depth != 32))
		return no(reason, "this kind of BMP is not read: save the screenshot as PNG");
	if (compression != 0 && !(compression == 3 && b->depth == 32))
		return no(reason, "compressed BMP is not read: save the screenshot as PNG");
	if (compression == 3) {
		const uint8_t *mask = cf_span_at(file, 54, 12);
		if (!mask || cf_ld32(mask) != 0xff0000 || cf_ld32(mask + 4) != 0xff00 || cf_ld32(mask + 8) != 0xff)
			return no(reason, "this order of colours in a BMP is not read: save the screenshot as PNG");
	}
	if (!b->colors || b->colors > 256)
		b->colors = b->depth <= 8 ? 1u << b->depth : 0;
	uint64_t w = width < 0 ? 0 : (uint64_t)width, n = height < 0 ? (uint64_t)-(int64_t)height : (uint64_t)height;
	if (!cf_image_size(out, w, n, reason))
		return false;
	b->stride = (w * b->depth + 31) / 32 * 4;
	if (!cf_range_ok(b->bits, b->stride * n, file.n) || (b->depth <= 8 && !cf_range_ok(b->palette, b->colors * 4ull, file.n)))
		return no(reason, "this BMP is cut short");
	return true;
}

bool cf_image_bmp(struct cf_span file, struct cf_image *out, char *reason)
{
	struct bmp b;
	if (!bmp_header(file, &b, out, reason))
		return false;
	for (unsigned y = 0; y < out->height; y++) {
		const uint8_t *row = file.p + b.bits + b.stride * (b.top_down ? y : out->height - 1 - y);
		uint8_t *to = out->rgb.p + (size_t)y * out->width * 3;
		for (unsigned x = 0; x < out->width; x++, to += 3) {
			const uint8_t *from = row + (size_t)x * (b.depth / 8);
			if (b.depth <= 8) {
				unsigned at = x * b.depth, index = row[at / 8] >> (8 - b.depth - at % 8) & ((1u << b.depth) - 1);
				from = index < b.colors ? file.p + b.palette + index * 4ull : (const uint8_t *)"\0\0\0";
			}
			to[0] = from[2];
			to[1] = from[1];
			to[2] = from[0];
		}
	}
	return true;
}
