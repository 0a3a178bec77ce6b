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

void print_safe(const char *text)
{
	char *shown = cf_printable(text);
	fputs(shown ? shown : "?", stderr);
	free(shown);
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
