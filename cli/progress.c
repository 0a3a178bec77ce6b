/* progress.c - a bar on a terminal, lines on a descriptor; both at most ten times a second.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <signal.h>
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

static volatile sig_atomic_t asked_to_stop;

static void note_signal(int signal_number)
{
	(void)signal_number;
	asked_to_stop = 1;
}

void ui_stop_between_steps(void)
{
	/* Once: who is in a hurry presses Ctrl-C again, and the next open rolls the open step back. */
	struct sigaction a = { .sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND };
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

static const char *size_text(double bytes, char *out, size_t n)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB" };
	int u = 0;
	for (bytes /= 1024; bytes >= 1024 && u < 3; u++)
		bytes /= 1024;
	snprintf(out, n, bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, unit[u]);
	return out;
}

static void show_bar(struct ui *ui, const char *what, uint64_t done, uint64_t total, long ms)
{
	char bar[21], rest[90] = "", a[24], b[24], rate[24];
	int filled = (int)((double)done / (double)total * 20);
	double seconds = (double)(ms - ui->begun_ms) / 1000, speed = seconds > 0 ? (double)(done - ui->begun_done) / seconds : 0;
	memset(bar, ' ', 20);
	memset(bar, '#', (size_t)(filled < 0 ? 0 : filled > 20 ? 20 : filled));
	bar[20] = 0;
	if (seconds >= 1 && speed >= 1) {
		double left = (double)(total - done) / speed;
		snprintf(rest, sizeof rest, ", %s/s, %.0f %s left", size_text(speed, rate, sizeof rate), left < 100 ? left : left / 60,
			 left < 100 ? "s" : "min");
	}
	fprintf(stderr, "\r%.20s [%s] %3.0f %%  %s of %s%s   ", what, bar, (double)done / (double)total * 100,
		size_text((double)done, a, sizeof a), size_text((double)total, b, sizeof b), rest);
	ui->bar_shown = true;
}

int ui_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
	struct ui *ui = user;
	long ms = now_ms();
	if (asked_to_stop)
		return 1;
	if (strncmp(ui->what, what, sizeof ui->what - 1) != 0) {
		snprintf(ui->what, sizeof ui->what, "%s", what);
		ui->begun_ms = ms;
		ui->begun_done = done;
		ui->last_ms = 0;
	}
	if (ms - ui->last_ms < 100 && done < total)
		return 0;
	ui->last_ms = ms;
	if (ui->o->progress_fd >= 0)
		dprintf(ui->o->progress_fd, "%s %llu %llu\n", what, (unsigned long long)done, (unsigned long long)total);
	if (ui->o->quiet || ui->o->json || !isatty(STDERR_FILENO) || !total || done > total)
		return 0;
	show_bar(ui, what, done, total, ms);
	return 0;
}

void ui_end(struct ui *ui)
{
	if (ui->bar_shown)
		fprintf(stderr, "\r%*s\r", 110, "");
	ui->bar_shown = false;
}
