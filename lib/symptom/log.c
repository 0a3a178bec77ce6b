/* log.c - what the serial console has seen: the boot manager's screen, SAC, the XML of a stop.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With boot EMS on, the boot manager draws its screens on the serial line with the controls of a VT100; the kernel's Special
 * Administration Console speaks after it, and a stop is written there as text and as XML (<PROPERTY NAME="STOPCODE">). A log holds
 * many starts: the last event counts. The controls are taken out, a move of the cursor becomes a line break.
 */
#include "symptom/symptom.h"

#include <ctype.h>
#include <stdio.h>

#include "base/i18n.h"
#include "symptom/code.h"
#include "symptom/phrases.h"

#define LOG_TEXT (256u * 1024) /* of the plain text, its end */
#define SHOWN 4096u            /* of it that is kept for people */

bool cf_is_log(struct cf_span f)
{
	size_t odd = 0, n = f.n < 65536 ? f.n : 65536;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = f.p[i];
		odd += c == 0 || (c < 0x20 && !strchr("\t\n\v\f\r\b\a\033", c));
	}
	return n && odd * 50 < n;
}

/* Skips a control sequence that starts behind ESC; says whether it moves the cursor. */
static size_t skip_control(struct cf_span log, size_t at, bool *moves)
{
	*moves = false;
	if (at >= log.n)
		return at;
	uint8_t c = log.p[at];
	if (c == ']' || c == 'P') { /* a title or a device string, to BEL or ESC \ */
		size_t end = at + 1;
		while (end < log.n && end - at < 512 && log.p[end] != '\a' && log.p[end] != 0x1b)
			end++;
		return end < log.n && log.p[end] == '\a' ? end + 1 : end;
	}
	if (c != '[')
		return at + (c == '(' || c == ')' || c == '#' ? 2 : 1);
	size_t end = at + 1;
	while (end < log.n && end - at < 32 && ((log.p[end] >= '0' && log.p[end] <= '?') || log.p[end] == ' '))
		end++;
	if (end < log.n && strchr("ABEFGHJKdf`", log.p[end]))
		*moves = true;
	return end + 1;
}

static int plain_text(struct cf_span log, struct cf_buf *out)
{
	for (size_t i = 0; i < log.n;) {
		uint8_t c = log.p[i++];
		bool moves = false;
		if (c == 0x1b)
			i = skip_control(log, i, &moves);
		if (moves)
			c = '\n';
		if (c == '\r')
			c = '\n';
		if (c == '\t')
			c = ' ';
		if ((c < ' ' && c != '\n') || c == 0x7f || (c == '\n' && out->n && out->p[out->n - 1] == '\n'))
			continue;
		if (cf_buf_append(out, &c, 1) < 0)
			return -1;
	}
	return cf_buf_append(out, "", 1);
}

enum what { NOTHING, CODE, STOP, UP, KERNEL };

struct event {
	enum what what;
	uint32_t code;
	size_t at;
};

static void take(struct event *e, enum what what, uint32_t code, size_t at)
{
	*e = (struct event){ what, code, at };
}

/* The hexadecimal number at s, with or without 0x; the number of its digits. */
static size_t hex(const char *s, uint32_t *value)
{
	size_t n = 0;
	*value = 0;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	for (; n < 16 && isxdigit((unsigned char)s[n]); n++) {
		unsigned d = isdigit((unsigned char)s[n]) ? (unsigned)(s[n] - '0') : (unsigned)(tolower((unsigned char)s[n]) - 'a' + 10);
		*value = *value << 4 | d;
	}
	return n;
}

/* One line of the log; at: where it starts. */
static void look_at_line(const char *line, size_t at, struct event *e)
{
	static const char *const up[] = { "EVENT: The CMD command is now available", "The CMD command is now available" };
	uint32_t v;
	const char *s;
	/* A boot screen's code: eight digits behind 0x, the line's own. Not in what a shell or a kernel prints: the word before is a label. */
	for (s = line; (s = strcasestr(s, "0xc")) != NULL; s += 3) {
		const char *before = s;
		while (before > line && before[-1] == ' ')
			before--;
		bool label = before > line && before[-1] == ':';
		/* status, statut, état; code, felkod, foutcode */
		label = label && (strcasestr(line, "stat") || strcasestr(line, "tat") || strcasestr(line, "kod") || strcasestr(line, "code"));
		if (label && hex(s, &v) == 8 && !isalnum((unsigned char)s[10]))
			take(e, CODE, v, at);
	}
	if ((s = strstr(line, "*** STOP: ")) && hex(s + 10, &v) == 8)
		take(e, STOP, v, at);
	if ((s = strcasestr(line, "\"STOPCODE\"")) && (s = strcasestr(s, "<VALUE>"))) {
		s += 7;
		s += strspn(s, " \"");
		if (hex(s, &v) > 0 && v)
			take(e, STOP, v, at);
	}
	if (strstr(line, "Computer is booting, SAC started and initialized") || strstr(line, "SAC started and initialized"))
		take(e, KERNEL, 0, at);
	for (size_t i = 0; i < CF_ARRAY_LEN(up); i++)
		if (strstr(line, up[i]))
			take(e, UP, 0, at);
	if (strncmp(line, "SAC>", 4) == 0 && e->what == NOTHING)
		take(e, KERNEL, 0, at);
}

static void last_event(char *text, struct event *e)
{
	*e = (struct event){ 0 };
	for (char *s = text; *s;) {
		size_t n = strcspn(s, "\n");
		char end = s[n];
		s[n] = 0;
		look_at_line(s, (size_t)(s - text), e);
		s[n] = end;
		s += n + (end != 0);
	}
}

static int keep_text(const char *text, size_t n, struct cf_symptom *out)
{
	size_t from = n > SHOWN ? n - SHOWN : 0;
	while (from < n && ((unsigned char)text[from] & 0xc0) == 0x80)
		from++;
	out->text.n = 0;
	return cf_buf_append(&out->text, text + from, n - from) < 0 || cf_buf_append(&out->text, "", 1) < 0 ? -1 : 0;
}

int cf_symptom_log(struct cf_span log, struct cf_symptom *out, struct cf_error *err)
{
	struct event e;
	struct cf_phrases f;
	CF_BUF text = { 0 };
	*out = (struct cf_symptom){ 0 };
	if (plain_text(log, &text) < 0)
		return cf_fail_nomem(err);
	char *all = (char *)text.p;
	size_t n = text.n - 1;
	if (n > LOG_TEXT) {
		all += n - LOG_TEXT;
		n = LOG_TEXT;
	}
	last_event(all, &e);
	if (cf_phrases_find(e.what == CODE ? all : "", true, &f) < 0 || keep_text(all, n, out) < 0)
		return cf_fail_nomem(err);
	if (e.what == NOTHING)
		return 0;
	out->screen = CF_SCREEN_SERIAL;
	out->has_code = e.what == CODE || e.what == STOP;
	out->code = e.code;
	out->language = f.language;
	switch (e.what) {
	case CODE:
		out->name = cf_status_name_of(e.code);
		/* Such a line alone may stand in any program's log: a boot screen draws with the controls of a terminal, or SAC is there too. */
		out->sure = f.screen == CF_SCREEN_BOOT_MANAGER || f.screen == CF_SCREEN_RECOVERY || f.no_memory > 0 ? 0.99
			    : memchr(log.p, 0x1b, log.n) || strstr(all, "SAC>")					    ? 0.85
														    : 0.60;
		if (e.code == CF_STATUS_NO_MEMORY && out->sure >= CF_SYMPTOM_SURE)
			out->article = "status-no-memory";
		break;
	case STOP:
		out->name = cf_stop_name_of(e.code);
		out->sure = out->name ? 0.99 : 0.90;
		break;
	case UP:
		out->sure = 0.95;
		out->note = N_("Windows' services are up: the serial console offers its command line");
		break;
	default:
		out->sure = 0.80;
		out->note = N_("Windows' kernel had started when this log ended, its services had not: if it stays like this, see "
				  "coldfix explain starting-windows");
		break;
	}
	return 0;
}
