/* ocr.c - runs tesseract on a picture of ours.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "symptom/ocr.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/sandbox.h"

#define MEMORY (2 * CF_GIB)
#define ANSWER (4 * CF_MIB)
#define CPU_SECONDS 60
#define WALL_SECONDS 180

struct run {
	char program[300];
	char data_folder[300]; /* TESSDATA_PREFIX=…, or empty */
	int in, out, said;     /* memory files: picture, answer, complaints */
	const char *argv[20];
};

static int find_program(char *out, size_t size, struct cf_error *err)
{
	const char *path = getenv("PATH");
	for (path = path && *path ? path : "/usr/local/bin:/usr/bin:/bin"; *path;) {
		size_t n = strcspn(path, ":");
		if (n && snprintf(out, size, "%.*s/tesseract", (int)cf_min_u64(n, 280), path) < (int)size && access(out, X_OK) == 0)
			return 0;
		path += n + (path[n] == ':');
	}
	return cf_fail(err, CF_E_UNSUPPORTED,
		       "reading a screenshot needs the program tesseract: install it (Debian and Ubuntu: tesseract-ocr "
		       "tesseract-ocr-eng; Fedora: tesseract)");
}

static int give_picture(int fd, const struct cf_grey *g, struct cf_error *err)
{
	char head[60];
	int n = snprintf(head, sizeof head, "P5\n%u %u\n255\n", g->width, g->height);
	if (pwrite(fd, head, (size_t)n, 0) != n)
		return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "the picture could not be copied to a memory file");
	for (size_t at = 0; at < g->px.n;) {
		ssize_t k = pwrite(fd, g->px.p + at, g->px.n - at, (off_t)at + n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "the picture could not be copied to a memory file");
		at += (size_t)k;
	}
	return 0;
}

static _Noreturn void become(struct run *r)
{
	/* What a distribution's tesseract reads: itself, its libraries and data, what the processor is like. */
	const char *readable[] = { "/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys/devices/system", "/opt", "/nix/store", "/gnu/store",
				   r->data_folder[0] ? strchr(r->data_folder, '=') + 1 : "/usr", r->program, NULL };
	const struct cf_sandbox limits = { .memory = MEMORY, .file_size = ANSWER, .cpu_seconds = CPU_SECONDS, .wall_seconds = WALL_SECONDS,
					   .program = readable };
	char c_locale[] = "LC_ALL=C", threads[] = "OMP_THREAD_LIMIT=1", path[] = "PATH=/usr/bin:/bin";
	char *env[] = { c_locale, threads, path, r->data_folder[0] ? r->data_folder : NULL, NULL };
	sigset_t none;
	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	const int fds[3] = { r->in, r->out, r->said };
	if (cf_sandbox_keep_fds(fds, 3) < 0)
		_exit(126);
	for (int i = 0; i < 3; i++)
		if (dup2(3 + i, i) < 0 || close(3 + i) < 0)
			_exit(126);
	lseek(0, 0, SEEK_SET);
	cf_sandbox_enter(&limits);
	/* execve takes the arguments as char *const *, but does not change them. */
	char *const *args;
	const char *const *given = r->argv;
	memcpy(&args, &given, sizeof args);
	execve(r->program, args, env);
	_exit(127);
}

static int read_back(int fd, struct cf_buf *out, size_t most)
{
	struct stat st;
	out->n = 0;
	if (fstat(fd, &st) < 0 || st.st_size < 0 || cf_buf_resize(out, (size_t)cf_min_u64((uint64_t)st.st_size, most)) < 0)
		return -1;
	for (size_t at = 0; at < out->n;) {
		ssize_t n = pread(fd, out->p + at, out->n - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

/* The complaint's first line, without characters that a terminal obeys. */
static int complain(const struct run *r, int status, const char *languages, struct cf_error *err)
{
	CF_BUF said = { 0 };
	if (read_back(r->said, &said, 400) < 0 || cf_buf_append(&said, "", 1) < 0)
		return cf_fail_nomem(err);
	char *text = (char *)said.p;
	if (strstr(text, "loading language") || strstr(text, "traineddata"))
		return cf_fail(err, CF_E_UNSUPPORTED, "tesseract has no data for the language %s: install it (Debian and Ubuntu: tesseract-ocr-%s)",
			       languages, languages);
	text[strcspn(text, "\n")] = 0;
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
		return cf_fail(err, CF_E_IO, "reading the text of this picture took too long; it was given up");
	return cf_fail(err, CF_E_IO, "tesseract could not read this picture%s%s", *text ? ": " : "", text);
}

static int run_and_wait(struct run *r, const char *languages, struct cf_error *err)
{
	int status = 0;
	pid_t pid = fork(), waited;
	if (pid == 0)
		become(r);
	if (pid < 0)
		return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "tesseract could not be started");
	while ((waited = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (waited < 0)
		status = 0; /* the caller lets the system reap children: the answer has to do */
	return status ? complain(r, status, languages, err) : 0;
}

int cf_ocr(const struct cf_grey *picture, enum cf_ocr_mode mode, const char *languages, const char *only, struct cf_words *out,
	   struct cf_error *err)
{
	struct run r = { .in = -1, .out = -1, .said = -1 };
	char allowed[120];
	const char *folder = getenv("TESSDATA_PREFIX");
	size_t n = 0;
	*out = (struct cf_words){ 0 };
	if (find_program(r.program, sizeof r.program, err) < 0)
		return -1;
	if (folder && *folder)
		snprintf(r.data_folder, sizeof r.data_folder, "TESSDATA_PREFIX=%s", folder);
	CF_CLOSE int in = memfd_create("coldfix-picture", MFD_CLOEXEC);
	CF_CLOSE int answer = memfd_create("coldfix-text", MFD_CLOEXEC);
	CF_CLOSE int said = memfd_create("coldfix-said", MFD_CLOEXEC);
	r.in = in;
	r.out = answer;
	r.said = said;
	if (in < 0 || answer < 0 || said < 0)
		return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "no memory file for tesseract");
	if (give_picture(in, picture, err) < 0)
		return -1;
	/* one uniform block of text; scattered text; one line */
	const char *layout = mode == CF_OCR_PAGE ? "6" : mode == CF_OCR_SCATTERED ? "11" : "7";
	const char *fixed[] = { "tesseract", "stdin", "stdout", "--dpi", "150", "-l", languages, "--psm", layout };
	for (size_t i = 0; i < CF_ARRAY_LEN(fixed); i++)
		r.argv[n++] = fixed[i];
	if (only) {
		snprintf(allowed, sizeof allowed, "tessedit_char_whitelist=%s", only);
		r.argv[n++] = "-c";
		r.argv[n++] = allowed;
	}
	r.argv[n++] = "tsv";
	r.argv[n] = NULL;
	if (run_and_wait(&r, languages, err) < 0)
		return -1;
	CF_BUF tsv = { 0 };
	if (read_back(answer, &tsv, ANSWER) < 0 || cf_ocr_table(cf_buf_span(&tsv), out) < 0)
		return cf_fail_nomem(err);
	return 0;
}

/* ---- the table: level page block paragraph line word left top width height confidence text ---- */

static bool number(const char **s, const char *end, unsigned long *out)
{
	*out = 0;
	const char *start = *s;
	for (; *s < end && **s >= '0' && **s <= '9' && *s - start < 9; ++*s)
		*out = *out * 10 + (unsigned long)(**s - '0');
	while (*s < end && **s != '\t')
		++*s;
	if (*s >= end)
		return false;
	++*s;
	return true;
}

static bool row(const char *s, const char *end, struct cf_word *w, unsigned long place[3])
{
	unsigned long field[11];
	for (int i = 0; i < 11; i++)
		if (!number(&s, end, &field[i]))
			return false;
	if (field[0] != 5 || s >= end)
		return false;
	place[0] = field[2];
	place[1] = field[3];
	place[2] = field[4];
	*w = (struct cf_word){ .x = (unsigned)field[6], .y = (unsigned)field[7], .w = (unsigned)field[8], .h = (unsigned)field[9],
			       .sure = field[10] > 100 ? 100 : (int)field[10] };
	size_t n = 0;
	for (; s < end && n + 1 < sizeof w->text; s++)
		if ((unsigned char)*s > ' ' && *s != 0x7f)
			w->text[n++] = *s;
	w->text[n] = 0;
	return n > 0;
}

int cf_ocr_table(struct cf_span tsv, struct cf_words *out)
{
	const char *s = (const char *)tsv.p, *end = s ? s + tsv.n : s;
	unsigned long last[3] = { 0, 0, 0 };
	unsigned line = 0;
	*out = (struct cf_words){ .word = calloc(CF_MAX_WORDS, sizeof *out->word) };
	if (!out->word)
		return -1;
	while (s < end && out->n < CF_MAX_WORDS) {
		const char *stop = memchr(s, '\n', (size_t)(end - s));
		unsigned long place[3];
		stop = stop ? stop : end;
		struct cf_word *w = &out->word[out->n];
		if (row(s, stop, w, place)) {
			if (out->n && memcmp(place, last, sizeof last) != 0)
				line++;
			memcpy(last, place, sizeof last);
			w->line = line;
			out->n++;
		}
		s = stop < end ? stop + 1 : end;
	}
	return 0;
}
