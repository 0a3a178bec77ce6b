/* ask.c - the plan, and one question.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli.h"

int ui_confirm(void *user, const cf_result *plan)
{
	struct ui *ui = user;
	ui_end(ui);
	/* With --json standard output is for the object alone. */
	FILE *out = ui->o->json ? stderr : stdout;
	struct cf_text_style style = { use_color(ui->o, fileno(out)), terminal_width(fileno(out)), ui->o->verbose };
	char *text = cf_result_text(plan, &style);
	if (!text)
		return 0;
	fputs(text, out);
	free(text);
	if (ui->o->yes)
		return 1;
	fprintf(out, "Go on? [y/N] ");
	fflush(out);
	char line[16];
	if (!fgets(line, sizeof line, stdin))
		return 0;
	return strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0;
}

/* U+200E to U+2069 but for dashes, quotes and the like: what turns the direction of text or breaks its line. */
static bool turns_text(const unsigned char *s)
{
	return s[0] == 0xe2 && ((s[1] == 0x80 && ((s[2] >= 0xa8 && s[2] <= 0xae) || s[2] == 0x8e || s[2] == 0x8f)) ||
				(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));
}

void print_safe(const char *text)
{
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		bool c1 = s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0;
		if (*s < 0x20 || *s == 0x7f) {
			fprintf(stderr, "\\x%02x", *s);
		} else if (c1) {
			fprintf(stderr, "\\x%02x", *++s);
		} else if (turns_text(s)) {
			fprintf(stderr, "\\u20%02x", (s[1] & 1u) << 6 | (s[2] & 0x3fu));
			s += 2;
		} else {
			fputc(*s, stderr);
		}
	}
}

void ui_notice(void *user, const char *line)
{
	struct ui *ui = user;
	ui_end(ui);
	if (ui->o->quiet)
		return;
	fprintf(stderr, "coldfix: ");
	print_safe(line);
	fprintf(stderr, "\n");
}

int ui_data(void *user, const void *bytes, size_t n)
{
	struct ui *ui = user;
	ui->o->bytes_out = true;
	return fwrite(bytes, 1, n, stdout) == n ? 0 : -1;
}
