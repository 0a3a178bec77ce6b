/* classify.c - from pixels and words to the screen, its code and its article.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "symptom/symptom.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/i18n.h"
#include "symptom/code.h"
#include "symptom/ocr.h"
#include "symptom/phrases.h"

#define READ_WIDTH 1800.0 /* pixels that a screen is brought to before its text is read */
#define HEX "0123456789abcdefABCDEFx"
#define FEW_WORDS 6 /* a boot screen's line with a code has a label and the code, not a sentence */

const char *cf_screen_name(enum cf_screen s)
{
	static const char *const names[] = { "unknown", "boot-manager", "recovery", "starting-windows", "stop",
					    "check-disk", "login", "blank", "serial" };
	return (unsigned)s < CF_ARRAY_LEN(names) ? names[s] : "unknown";
}

struct page {
	struct cf_grey grey;
	struct cf_look look;
	double factor;       /* words are in pixels of the picture scaled by it */
	struct cf_words words;
};

static int text_of(const struct cf_words *w, struct cf_buf *out)
{
	out->n = 0;
	for (size_t i = 0; i < w->n; i++) {
		const char *gap = !i ? "" : w->word[i].line == w->word[i - 1].line ? " " : "\n";
		if (cf_buf_printf(out, "%s%s", gap, w->word[i].text) < 0)
			return -1;
	}
	return cf_buf_append(out, "", 1);
}

/* ---- where the code stands ---- */

/* The word in front of a code, folded as cf_fold does. */
static bool is_label(const char *word)
{
	static const char *const labels[] = { "status", "statut", "etat", "code", "felkod", "foutcode", "kod", "stop", "derreur" };
	CF_BUF f = { 0 };
	if (cf_fold(word, strlen(word), &f) < 0 || !f.n)
		return false;
	for (size_t i = 0; i < CF_ARRAY_LEN(labels); i++) {
		size_t end, n = strlen(labels[i]);
		unsigned d = cf_distance_in(cf_buf_span(&f), cf_span_of(labels[i], n), &end);
		if (f.n <= n + 3 && d <= (n > 5 ? 1u : 0u))
			return true;
	}
	return false;
}

/* Where in a word a code begins: at its start, or behind a label that was read as one word with it. SIZE_MAX: nowhere. */
static size_t code_in(const char *word)
{
	if (cf_code_begins(word))
		return 0;
	for (size_t i = 1; word[i]; i++)
		if (strchr(":;.,", word[i - 1]) && cf_code_begins(word + i))
			return i;
	return SIZE_MAX;
}

struct spot {
	unsigned x, y, w, h; /* pixels of the screen */
	char text[CF_CODE_TEXT];
	unsigned words; /* in its line */
};

/* Takes the words [i, …) of one line as the code: the first, and more while it is too short for one. */
static void take(const struct page *p, size_t i, struct spot *s)
{
	const struct cf_word *w = &p->words.word[i];
	size_t skip = code_in(w->text), length = strlen(w->text);
	skip = skip == SIZE_MAX ? 0 : skip;
	unsigned x0 = w->x + (unsigned)(w->w * skip / (length ? length : 1)), x1 = w->x + w->w, y0 = w->y, y1 = w->y + w->h;
	snprintf(s->text, sizeof s->text, "%.30s", w->text + skip);
	for (size_t k = i + 1; k < p->words.n && p->words.word[k].line == w->line && strlen(s->text) < 10; k++) {
		const struct cf_word *v = &p->words.word[k];
		size_t n = strlen(s->text);
		snprintf(s->text + n, sizeof s->text - n, "%.9s", v->text);
		x1 = v->x + v->w;
		y0 = v->y < y0 ? v->y : y0;
		y1 = v->y + v->h > y1 ? v->y + v->h : y1;
	}
	s->words = 0;
	for (size_t k = 0; k < p->words.n; k++)
		s->words += p->words.word[k].line == w->line;
	double margin = (y1 - y0) * 0.3, f = p->factor;
	double left = (x0 - (skip ? 0 : margin)) / f, top = (y0 - margin) / f;
	s->x = left < 0 ? 0 : (unsigned)left;
	s->y = top < 0 ? 0 : (unsigned)top;
	s->w = (unsigned)((x1 + margin) / f) + 1 - s->x;
	s->h = (unsigned)((y1 + margin) / f) + 1 - s->y;
}

static bool find_spot(const struct page *p, struct spot *s)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < p->words.n; i++) {
			const struct cf_word *w = &p->words.word[i];
			bool after = i && p->words.word[i - 1].line == w->line && is_label(p->words.word[i - 1].text);
			bool colon = i > 1 && strcmp(p->words.word[i - 1].text, ":") == 0 && p->words.word[i - 2].line == w->line &&
				     is_label(p->words.word[i - 2].text);
			/* first a 0x behind a label, then either of them */
			bool x = code_in(w->text) != SIZE_MAX, label = (after || colon) && !is_label(w->text) && strlen(w->text) >= 6;
			label |= x && code_in(w->text) > 0;
			if (pass ? x || label : x && label) {
				take(p, i, s);
				return true;
			}
		}
	return false;
}

/* Reads the code again from larger pictures of the spot. alone: nothing else says that this is a boot screen. */
static int read_code(const struct page *p, double no_memory, bool alone, struct cf_read_code *code, struct cf_error *err)
{
	/* heights of the digits in pixels; hexadecimal digits only, or any character */
	static const struct {
		double height;
		const char *only;
	} again[] = { { 34, NULL }, { 48, HEX }, { 30, HEX } };
	char reading[CF_CODE_READINGS][CF_CODE_TEXT];
	struct cf_code_shape shape = { 0 };
	struct spot s;
	size_t n = 0;
	*code = (struct cf_read_code){ 0 };
	if (!find_spot(p, &s) || (alone && s.words > FEW_WORDS))
		return 0;
	memcpy(reading[n++], s.text, sizeof s.text);
	struct cf_grey line = { 0 };
	int ret = cf_grey_scale(&p->grey, s.x, s.y, s.w, s.h, 1, 0, &line);
	if (ret == 0)
		cf_code_shape_of(&line, &shape);
	cf_buf_free(&line.px);
	for (size_t i = 0; ret == 0 && i < CF_ARRAY_LEN(again); i++) {
		/* two that agree with each other and with the shapes are enough */
		cf_code_decide((const char(*)[CF_CODE_TEXT])reading, n, &shape, no_memory, code);
		if (shape.known && code->found && code->sure >= CF_CODE_AGREED)
			return 0;
		struct cf_grey big = { 0 };
		struct cf_words words = { 0 };
		double factor = again[i].height / (s.h * 0.62);
		ret = cf_grey_scale(&p->grey, s.x, s.y, s.w, s.h, factor < 0.3 ? 0.3 : factor > 11 ? 11 : factor, 16, &big);
		if (ret == 0)
			ret = cf_ocr(&big, CF_OCR_LINE, "eng", again[i].only, &words, err);
		if (ret == 0) {
			reading[n][0] = 0;
			for (size_t k = 0; k < words.n && strlen(reading[n]) + strlen(words.word[k].text) < CF_CODE_TEXT; k++)
				strcat(reading[n], words.word[k].text);
			size_t punctuation = strspn(reading[n], ":;.,'");
			memmove(reading[n], reading[n] + punctuation, strlen(reading[n] + punctuation) + 1);
			n++;
		}
		free(words.word);
		cf_buf_free(&big.px);
	}
	if (ret < 0)
		return err && err->code != CF_OK ? -1 : cf_fail_nomem(err);
	cf_code_decide((const char(*)[CF_CODE_TEXT])reading, n, &shape, no_memory, code);
	return 0;
}

/* ---- the decision ---- */

/* "*** STOP: 0x0000007B (…": the number behind STOP, read strictly. */
static bool stop_number(const struct cf_words *w, uint32_t *code)
{
	for (size_t i = 0; i + 1 < w->n; i++)
		if (strncasecmp(w->word[i].text, "STOP", 4) == 0 && cf_code_strict(w->word[i + 1].text, code))
			return true;
	return false;
}

static int decide_stop(const struct page *p, struct cf_symptom *out, struct cf_error *err)
{
	uint32_t code = 0;
	struct cf_read_code again = { 0 };
	bool number = stop_number(&p->words, &code) && cf_stop_name_of(code);
	if (!number && strcasestr((const char *)out->text.p, "STOP: ")) {
		if (read_code(p, 0, false, &again, err) < 0)
			return -1;
		number = again.found && cf_stop_name_of(again.value);
		code = again.value;
	}
	out->has_code = number || cf_stop_by_name((const char *)out->text.p, &code);
	if (out->has_code) {
		out->code = code;
		out->name = cf_stop_name_of(code);
	}
	return 0;
}

/* Few words, a time and a date: the lock screen before anybody has touched it. */
static bool is_clock(const struct cf_words *w)
{
	static const char *const days[] = {
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "måndag", "tisdag", "onsdag",
		"torsdag", "fredag", "lördag", "söndag", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag",
		"zondag", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
	};
	bool time = false, day = false;
	if (w->n > 14)
		return false;
	for (size_t i = 0; i < w->n; i++) {
		const char *t = w->word[i].text;
		size_t n = strspn(t, "0123456789");
		time |= n >= 1 && n <= 2 && t[n] == ':' && strspn(t + n + 1, "0123456789") == 2 && !t[n + 3];
		CF_BUF word = { 0 };
		if (cf_fold(t, strlen(t), &word) < 0)
			return false;
		for (size_t k = 0; k < CF_ARRAY_LEN(days); k++) {
			CF_BUF name = { 0 };
			day |= cf_fold(days[k], strlen(days[k]), &name) == 0 && name.n == word.n && memcmp(name.p, word.p, name.n) == 0;
		}
	}
	return time && day;
}

static double sure_of(const struct cf_phrases *f)
{
	return f->n > 1 ? 0.90 + 0.09 * f->quality : 0.60 + 0.36 * f->quality;
}

static int decide_boot(const struct page *p, const struct cf_phrases *f, struct cf_symptom *out, struct cf_error *err)
{
	struct cf_read_code code;
	bool boot = f->screen == CF_SCREEN_BOOT_MANAGER || f->screen == CF_SCREEN_RECOVERY;
	if (read_code(p, f->no_memory, !boot, &code, err) < 0)
		return -1;
	if (code.found) {
		out->has_code = true;
		out->code = code.value;
		out->name = cf_status_name_of(code.value);
	}
	/* A code alone says which article, in any language; where it stands says which screen. */
	if (!boot && code.found && (code.value >> 28) == 0xc && p->look.ground != CF_GROUND_OTHER) {
		out->screen = p->look.ground == CF_GROUND_BLUE ? CF_SCREEN_RECOVERY : CF_SCREEN_BOOT_MANAGER;
		out->sure = code.sure - 0.10;
		out->language = f->no_memory >= 0.8 ? f->no_memory_language : NULL;
	} else if (boot) {
		out->sure = code.found && code.sure < out->sure ? code.sure : out->sure;
	}
	bool no_memory = code.found ? code.value == CF_STATUS_NO_MEMORY : f->no_memory >= 0.85 && (boot || p->look.ground != CF_GROUND_OTHER);
	if (no_memory && out->screen != CF_SCREEN_UNKNOWN && out->sure >= CF_SYMPTOM_SURE)
		out->article = "status-no-memory";
	return 0;
}

static int decide(const struct page *p, struct cf_symptom *out, struct cf_error *err)
{
	struct cf_phrases f;
	if (text_of(&p->words, &out->text) < 0 || cf_phrases_find((const char *)out->text.p, false, &f) < 0)
		return cf_fail_nomem(err);
	out->screen = f.screen;
	out->language = f.language;
	out->sure = f.screen == CF_SCREEN_UNKNOWN ? 0 : sure_of(&f);
	uint32_t code;
	switch (f.screen) {
	case CF_SCREEN_STOP:
		return decide_stop(p, out, err);
	case CF_SCREEN_STARTING_WINDOWS:
		out->article = out->sure >= CF_SYMPTOM_SURE ? "starting-windows" : NULL;
		return 0;
	case CF_SCREEN_CHECK_DISK:
	case CF_SCREEN_LOGIN:
		return 0;
	case CF_SCREEN_UNKNOWN:
		if (stop_number(&p->words, &code) && cf_stop_name_of(code)) {
			*out = (struct cf_symptom){ .screen = CF_SCREEN_STOP, .sure = 0.85, .has_code = true, .code = code,
						    .name = cf_stop_name_of(code), .text = out->text };
			return 0;
		}
		if (is_clock(&p->words)) {
			out->screen = CF_SCREEN_LOGIN;
			out->sure = 0.80;
			return 0;
		}
		break;
	default:
		break;
	}
	return decide_boot(p, &f, out, err);
}

static size_t letters(const struct cf_words *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		for (const char *t = w->word[i].text; w->word[i].sure >= 40 && *t; t++)
			n += isalpha((unsigned char)*t) != 0;
	return n;
}

static int read_page(struct page *p, enum cf_ocr_mode mode, struct cf_error *err)
{
	struct cf_grey big = { 0 };
	p->factor = READ_WIDTH / p->grey.width;
	p->factor = p->factor > 4 ? 4 : p->factor < 1 && p->grey.width <= 2600 ? 1 : p->factor;
	free(p->words.word);
	p->words = (struct cf_words){ 0 };
	int ret = cf_grey_scale(&p->grey, 0, 0, p->grey.width, p->grey.height, p->factor, 10, &big);
	if (ret < 0)
		cf_fail(err, CF_E_UNSUPPORTED, "this picture is too narrow to be a screen");
	else
		ret = cf_ocr(&big, mode, "eng", NULL, &p->words, err);
	for (size_t i = 0; i < p->words.n; i++) {
		p->words.word[i].x -= p->words.word[i].x < 10 ? p->words.word[i].x : 10;
		p->words.word[i].y -= p->words.word[i].y < 10 ? p->words.word[i].y : 10;
	}
	cf_buf_free(&big.px);
	return ret;
}

static int of_page(struct page *p, struct cf_symptom *out, struct cf_error *err)
{
	if (p->look.blank) {
		out->screen = CF_SCREEN_BLANK;
		out->sure = 0.95;
		return 0;
	}
	if (read_page(p, CF_OCR_PAGE, err) < 0)
		return -1;
	if (p->look.logo && letters(&p->words) < 8) {
		out->screen = CF_SCREEN_STARTING_WINDOWS;
		out->sure = 0.90;
		out->article = "starting-windows";
		return 0;
	}
	if (decide(p, out, err) < 0)
		return -1;
	/* A screen of few words here and there is read badly as one block. */
	if (out->screen == CF_SCREEN_UNKNOWN || (out->screen == CF_SCREEN_LOGIN && !out->language)) {
		struct cf_symptom first = *out, second = { 0 };
		if (read_page(p, CF_OCR_SCATTERED, err) < 0 || decide(p, &second, err) < 0) {
			cf_buf_free(&second.text);
			return -1;
		}
		bool better = second.screen != CF_SCREEN_UNKNOWN;
		cf_buf_free(better ? &first.text : &second.text);
		*out = better ? second : first;
	}
	return 0;
}

static int of_image(struct cf_span file, struct cf_symptom *out, struct cf_error *err)
{
	struct cf_image image;
	struct page p = { 0 };
	int ret = cf_image_decode(file, &image, err);
	if (ret == 0) {
		cf_look_at(&image, &p.look);
		ret = cf_grey_of(&image, &p.look, &p.grey) < 0 ? cf_fail_nomem(err) : 0;
	}
	cf_buf_free(&image.rgb);
	if (ret == 0)
		ret = of_page(&p, out, err);
	cf_buf_free(&p.grey.px);
	free(p.words.word);
	return ret;
}

int cf_symptom_of(struct cf_span file, struct cf_symptom *out, struct cf_error *err)
{
	int ret;
	*out = (struct cf_symptom){ 0 };
	if (cf_image_kind(file) != CF_IMAGE_NONE)
		ret = of_image(file, out, err);
	else if (cf_is_log(file))
		ret = cf_symptom_log(file, out, err);
	else
		return cf_fail(err, CF_E_UNSUPPORTED, "this is neither a PNG, JPEG, BMP or PPM image nor the text of a serial console");
	if (ret < 0)
		return -1;
	if (out->sure < 0.5) {
		out->screen = CF_SCREEN_UNKNOWN;
		out->language = NULL;
	}
	out->recognised = out->screen != CF_SCREEN_UNKNOWN;
	if (!out->recognised) {
		out->sure = 0;
		out->has_code = false;
	}
	return 0;
}

static int read_file(const char *path, struct cf_buf *out, struct cf_error *err)
{
	struct stat st;
	CF_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cf_fail_errno(err, errno == ENOENT ? CF_E_NOT_FOUND : CF_E_IO, errno, "can't open it");
	if (fstat(fd, &st) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't look at it");
	if (!S_ISREG(st.st_mode))
		return cf_fail(err, CF_E_UNSUPPORTED, "this is no file: save the screenshot or the log as a file first");
	uint64_t size = (uint64_t)st.st_size, from = 0;
	uint8_t head[32];
	ssize_t got = pread(fd, head, sizeof head, 0);
	bool image = got > 0 && cf_image_kind(cf_span_of(head, (size_t)got)) != CF_IMAGE_NONE;
	if (image && size > CF_IMAGE_MAX_FILE)
		return cf_fail(err, CF_E_UNSUPPORTED, "an image of %llu bytes is too large: at most %u MiB are read", (unsigned long long)size,
			       CF_IMAGE_MAX_FILE / (1024 * 1024));
	if (!image && size > CF_LOG_MAX) /* the end of a log is what happened last */
		from = size - CF_LOG_MAX;
	if (cf_buf_resize(out, (size_t)(size - from)) < 0)
		return cf_fail_nomem(err);
	for (size_t at = 0; at < out->n;) {
		ssize_t n = pread(fd, out->p + at, out->n - at, (off_t)(from + at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cf_fail_errno(err, CF_E_IO, errno, "can't read it");
		if (n == 0)
			out->n = at;
		at += (size_t)n;
	}
	return 0;
}

int cf_symptom_read(const char *path, struct cf_symptom *out, struct cf_error *err)
{
	CF_BUF file = { 0 };
	*out = (struct cf_symptom){ 0 };
	if (read_file(path, &file, err) == 0 && cf_symptom_of(cf_buf_span(&file), out, err) == 0)
		return 0;
	cf_buf_free(&out->text);
	*out = (struct cf_symptom){ 0 };
	return cf_fail_path(err, path);
}
