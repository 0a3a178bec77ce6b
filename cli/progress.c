/* progress.c - a bar on a terminal, lines on a descriptor; both at most ten times a second.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

int terminal_width(int fd)
{
	struct winsize w;
	if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col >= 60)
		return w.ws_col > 140 ? 140 : w.ws_col;
	return 100;
}

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int ui_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
	struct ui *ui = user;
	long ms = now_ms();
	if (ms - ui->last_ms < 100 && done < total)
		return 0;
	ui->last_ms = ms;
	if (ui->o->progress_fd >= 0)
		dprintf(ui->o->progress_fd, "%s %llu %llu\n", what, (unsigned long long)done, (unsigned long long)total);
	if (ui->o->quiet || ui->o->json || !isatty(STDERR_FILENO) || !total)
		return 0;
	char bar[31];
	int filled = (int)((double)done / (double)total * 30);
	memset(bar, ' ', 30);
	memset(bar, '#', (size_t)(filled < 0 ? 0 : filled > 30 ? 30 : filled));
	bar[30] = 0;
	fprintf(stderr, "\r%.40s [%s] %3.0f %%", what, bar, (double)done / (double)total * 100);
	ui->bar_shown = true;
	return 0;
}

void ui_end(struct ui *ui)
{
	if (ui->bar_shown)
		fprintf(stderr, "\r%*s\r", 90, "");
	ui->bar_shown = false;
}
