/* test-image.c - decoders against known pixels, damaged images, what a picture shows without being read.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tests/tool.h"

#include "base/endian.h"
#include "symptom/picture.h"
#include "symptom/symptom.h"

static struct cf_image painted(unsigned w, unsigned h, uint8_t r, uint8_t g, uint8_t b)
{
	struct cf_image m = { 0 };
	char reason[CF_IMAGE_REASON];
	assert_true(cf_image_size(&m, w, h, reason));
	for (size_t i = 0; i < (size_t)w * h; i++) {
		m.rgb.p[i * 3] = r;
		m.rgb.p[i * 3 + 1] = g;
		m.rgb.p[i * 3 + 2] = b;
	}
	return m;
}

static void box(struct cf_image *m, unsigned x0, unsigned y0, unsigned x1, unsigned y1, uint8_t r, uint8_t g, uint8_t b)
{
	for (unsigned y = y0; y < y1; y++)
		for (unsigned x = x0; x < x1; x++) {
			uint8_t *p = m->rgb.p + ((size_t)y * m->width + x) * 3;
			p[0] = r;
			p[1] = g;
			p[2] = b;
		}
}

static const uint8_t ppm[] = "P6 # as QEMU writes it\n2 2\n255\n\xff\x00\x00\x00\xff\x00\x00\x00\xff\x01\x02\x03";

static void test_ppm(void **state)
{
	(void)state;
	struct cf_image m = { 0 };
	struct cf_error err = { 0 };
	assert_int_equal(cf_image_decode(cf_span_of(ppm, sizeof ppm - 1), &m, &err), 0);
	assert_int_equal(m.width, 2);
	assert_int_equal(m.height, 2);
	assert_memory_equal(m.rgb.p, "\xff\x00\x00\x00\xff\x00\x00\x00\xff\x01\x02\x03", 12);
	cf_buf_free(&m.rgb);
	/* cut short anywhere: an error, never pixels */
	for (size_t n = 8; n < sizeof ppm - 1; n++) {
		assert_int_equal(cf_image_decode(cf_span_of(ppm, n), &m, &err), -1);
		assert_int_equal(err.code, CF_E_CORRUPT);
		cf_buf_free(&m.rgb);
	}
	static const char *const bad[] = { "P6\n99999 1\n255\nxxx", "P6\n8000 8000\n255\nxxx", "P6\n0 5\n255\nxxx", "P6\n2 2\n65535\nxxxxxxxxxxxxxxxxxxxxxxxxx", "P6\n-1 2\n255\nxx" };
	for (size_t i = 0; i < CF_ARRAY_LEN(bad); i++) {
		assert_int_equal(cf_image_decode(cf_span_of(bad[i], strlen(bad[i])), &m, &err), -1);
		assert_true(strlen(err.message) > 10);
		cf_buf_free(&m.rgb);
	}
}

static size_t make_bmp(uint8_t *out, int32_t height, uint16_t depth)
{
	size_t stride = depth == 24 ? 8 : 4, palette = depth == 8 ? 1024 : 0;
	memset(out, 0, 54 + palette + 2 * stride);
	memcpy(out, "BM", 2);
	cf_st32(out + 10, (uint32_t)(54 + palette));
	cf_st32(out + 14, 40);
	cf_st32(out + 18, 2);
	cf_st32(out + 22, (uint32_t)height);
	cf_st16(out + 26, 1);
	cf_st16(out + 28, depth);
	uint8_t *rows = out + 54 + palette;
	if (depth == 8) {
		cf_st32(out + 54 + 4 * 7, 0x00112233);
		rows[0] = 7;
	} else {
		memcpy(rows, "\x33\x22\x11\x01\x02\x03", 6);
	}
	return 54 + palette + 2 * stride;
}

static void test_bmp(void **state)
{
	(void)state;
	uint8_t file[1200];
	struct cf_image m = { 0 };
	struct cf_error err = { 0 };
	/* rows from below: the first row of the file is the lower one */
	size_t n = make_bmp(file, 2, 24);
	assert_int_equal(cf_image_decode(cf_span_of(file, n), &m, &err), 0);
	assert_memory_equal(m.rgb.p + 6, "\x11\x22\x33\x03\x02\x01", 6);
	cf_buf_free(&m.rgb);
	n = make_bmp(file, -2, 24);
	assert_int_equal(cf_image_decode(cf_span_of(file, n), &m, &err), 0);
	assert_memory_equal(m.rgb.p, "\x11\x22\x33\x03\x02\x01", 6);
	cf_buf_free(&m.rgb);
	n = make_bmp(file, -2, 8);
	assert_int_equal(cf_image_decode(cf_span_of(file, n), &m, &err), 0);
	assert_memory_equal(m.rgb.p, "\x11\x22\x33\x00\x00\x00", 6);
	cf_buf_free(&m.rgb);
	for (size_t k = 26; k < n; k += 7) {
		assert_int_equal(cf_image_decode(cf_span_of(file, k), &m, &err), -1);
		cf_buf_free(&m.rgb);
	}
	make_bmp(file, INT32_MIN, 24);
	assert_int_equal(cf_image_decode(cf_span_of(file, 70), &m, &err), -1);
	cf_buf_free(&m.rgb);
}

/* Every byte of the real screenshots' beginnings turned over: an error or an image, never a crash of ours. */
static void test_damaged(void **state)
{
	(void)state;
	static const char *const names[] = { "grub4dos+ntloader/vhd_error.png", "VinayPrasannaSarangam+SupportArticles-docs/troubleshoot-guide-not-bootable-disk/1.jpg" };
	const char *shared = getenv("COLDFIX_SHARED");
	for (size_t i = 0; i < CF_ARRAY_LEN(names); i++) {
		char path[600];
		static uint8_t file[1 << 20];
		snprintf(path, sizeof path, "%s/data/screenshots/%s", shared ? shared : "", names[i]);
		CF_FCLOSE FILE *f = fopen(path, "rb");
		if (!f)
			skip();
		size_t n = fread(file, 1, sizeof file, f);
		char reason[CF_IMAGE_REASON];
		struct cf_image m = { 0 };
		struct cf_span s = cf_span_of(file, n);
		if (!cf_image_decode_here(s, &m, reason) && strstr(reason, "this build"))
			skip();
		cf_buf_free(&m.rgb);
		for (size_t at = 8; at < n && at < 300; at += 3) {
			struct cf_error err = { 0 };
			file[at] ^= 0xff;
			if (cf_image_decode(s, &m, &err) < 0)
				assert_true(err.code == CF_E_CORRUPT && strlen(err.message) > 10);
			else
				assert_int_equal(m.rgb.n, (size_t)m.width * m.height * 3);
			cf_buf_free(&m.rgb);
			file[at] ^= 0xff;
		}
	}
}

static void test_look(void **state)
{
	(void)state;
	struct cf_look look;
	struct cf_image m = painted(640, 480, 0, 0, 0);
	cf_look_at(&m, &look);
	assert_true(look.blank && look.dark && !look.logo && look.ground == CF_GROUND_BLACK);
	box(&m, 0, 14, 8, 16, 191, 191, 191); /* a text cursor */
	cf_look_at(&m, &look);
	assert_true(look.blank);
	box(&m, 0, 14, 80, 16, 191, 191, 191);
	cf_look_at(&m, &look);
	assert_false(look.blank);
	cf_buf_free(&m.rgb);

	m = painted(640, 480, 0, 0, 0);
	box(&m, 270, 120, 318, 168, 0, 173, 239);
	box(&m, 322, 120, 370, 168, 0, 173, 239);
	box(&m, 270, 172, 318, 220, 0, 173, 239);
	box(&m, 322, 172, 370, 220, 0, 173, 239);
	cf_look_at(&m, &look);
	assert_true(look.logo && !look.blank);
	/* three panes, or a square without a cross, are something else */
	box(&m, 322, 172, 370, 220, 0, 0, 0);
	cf_look_at(&m, &look);
	assert_false(look.logo);
	box(&m, 270, 120, 370, 220, 0, 173, 239);
	cf_look_at(&m, &look);
	assert_false(look.logo);
	cf_buf_free(&m.rgb);

	m = painted(64, 48, 33, 101, 181);
	cf_look_at(&m, &look);
	assert_true(look.ground == CF_GROUND_BLUE && look.dark);
	struct cf_grey g, part;
	assert_int_equal(cf_grey_of(&m, &look, &g), 0);
	assert_int_equal(g.px.p[0], 255); /* the background is paper, whatever its colour */
	assert_int_equal(cf_grey_scale(&g, 60, 40, 100, 100, 2, 3, &part), 0);
	assert_int_equal(part.width, 4 * 2 + 6);
	assert_int_equal(part.height, 8 * 2 + 6);
	cf_buf_free(&part.px);
	assert_int_equal(cf_grey_scale(&g, 64, 0, 10, 10, 2, 0, &part), -1);
	assert_int_equal(cf_grey_scale(&g, 0, 0, 10, 10, 1e9, 0, &part), -1);
	cf_buf_free(&g.px);
	cf_buf_free(&m.rgb);
}

static void test_neither(void **state)
{
	(void)state;
	static const uint8_t bytes[] = "\x7f" "ELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00";
	struct cf_symptom s;
	struct cf_error err = { 0 };
	assert_int_equal(cf_symptom_of(cf_span_of(bytes, sizeof bytes), &s, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
	cf_buf_free(&s.text);
	assert_int_equal(cf_symptom_read("/nonexistent/file.png", &s, &err), -1);
	assert_int_equal(err.code, CF_E_NOT_FOUND);
	assert_int_equal(cf_symptom_read("/dev/null", &s, &err), -1);
	assert_int_equal(err.code, CF_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ppm), cmocka_unit_test(test_bmp), cmocka_unit_test(test_damaged), cmocka_unit_test(test_look), cmocka_unit_test(test_neither) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
