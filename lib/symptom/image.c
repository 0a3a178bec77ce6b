/* image.c - decodes an image in a child process that can do nothing else.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The child has the file in its copy of our memory, writes one line about how it went to a pipe and the pixels to a memory file.
 */
#include "symptom/image.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>

#include "base/sandbox.h"

#define CHILD_MEMORY (768 * CF_MIB) /* pixels of the largest image, twice, and what a progressive JPEG keeps */
#define CHILD_CPU_SECONDS 20
#define CHILD_WALL_SECONDS 60
#define CHILD_PIPE 3
#define CHILD_PIXELS 4

enum cf_image_kind cf_image_kind(struct cf_span f)
{
	if (f.n >= 8 && memcmp(f.p, "\x89PNG\r\n\x1a\n", 8) == 0)
		return CF_IMAGE_PNG;
	if (f.n >= 4 && memcmp(f.p, "\xff\xd8\xff", 3) == 0)
		return CF_IMAGE_JPEG;
	if (f.n >= 26 && memcmp(f.p, "BM", 2) == 0 && memcmp(f.p + 6, "\0\0\0\0", 4) == 0)
		return CF_IMAGE_BMP;
	if (f.n >= 8 && f.p[0] == 'P' && (f.p[1] == '6' || f.p[1] == '5') && (f.p[2] == '\n' || f.p[2] == ' ' || f.p[2] == '\r'))
		return CF_IMAGE_PNM;
	return CF_IMAGE_NONE;
}

bool cf_image_decode_here(struct cf_span file, struct cf_image *out, char *reason)
{
	switch (cf_image_kind(file)) {
	case CF_IMAGE_PNG:
		return cf_image_png(file, out, reason);
	case CF_IMAGE_JPEG:
		return cf_image_jpeg(file, out, reason);
	case CF_IMAGE_BMP:
		return cf_image_bmp(file, out, reason);
	case CF_IMAGE_PNM:
		return cf_image_pnm(file, out, reason);
	case CF_IMAGE_NONE:
		break;
	}
	snprintf(reason, CF_IMAGE_REASON, "this is no PNG, JPEG, BMP or PPM image");
	return false;
}

static bool write_all(int fd, const void *p, size_t n)
{
	for (const uint8_t *b = p; n;) {
		ssize_t k = write(fd, b, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		b += k;
		n -= (size_t)k;
	}
	return true;
}

static _Noreturn void child(const int fds[2], struct cf_span file)
{
	const struct cf_sandbox limits = { .memory = CHILD_MEMORY, .file_size = CF_IMAGE_MAX_PIXELS * 3ull, .cpu_seconds = CHILD_CPU_SECONDS,
					   .wall_seconds = CHILD_WALL_SECONDS };
	struct cf_image image = { 0 };
	char record[CF_IMAGE_REASON + 1] = "E";
	if (cf_sandbox_keep_fds(fds, 2) < 0)
		_exit(2);
	cf_sandbox_enter(&limits);
	if (!cf_image_decode_here(file, &image, record + 1))
		_exit(write_all(CHILD_PIPE, record, strlen(record)) ? 1 : 2);
	if (!write_all(CHILD_PIXELS, image.rgb.p, image.rgb.n))
		_exit(2);
	int n = snprintf(record, sizeof record, "K%u %u", image.width, image.height);
	_exit(write_all(CHILD_PIPE, record, (size_t)n) ? 0 : 2);
}

static int take_pixels(int fd, const char *record, struct cf_image *out, struct cf_error *err)
{
	struct stat st;
	char reason[CF_IMAGE_REASON];
	unsigned width = 0, height = 0;
	if (sscanf(record, "K%u %u", &width, &height) != 2 || !cf_image_size(out, width, height, reason) || fstat(fd, &st) < 0 ||
	    (uint64_t)st.st_size != out->rgb.n)
		return cf_fail(err, CF_E_INTERNAL, "the image reader gave no whole image");
	for (size_t at = 0; at < out->rgb.n;) {
		ssize_t n = pread(fd, out->rgb.p + at, out->rgb.n - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cf_fail_errno(err, CF_E_INTERNAL, n < 0 ? errno : EIO, "the pixels could not be read back");
		at += (size_t)n;
	}
	return 0;
}

static int hear(int fd, pid_t pid, char *record, size_t size, struct cf_error *err)
{
	size_t n = 0;
	ssize_t got;
	int status = 0;
	while (n + 1 < size && ((got = read(fd, record + n, size - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	record[n] = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (record[0] == 'K')
		return 0;
	if (record[0] == 'E')
		return cf_fail(err, CF_E_CORRUPT, "%s", record + 1);
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU))
		return cf_fail(err, CF_E_CORRUPT, "decoding this image takes too long; it was given up");
	return cf_fail(err, CF_E_CORRUPT, "the image reader stopped on this image; it is probably damaged");
}

int cf_image_decode(struct cf_span file, struct cf_image *out, struct cf_error *err)
{
	int ends[2];
	char record[CF_IMAGE_REASON + 2];
	*out = (struct cf_image){ 0 };
	CF_CLOSE int pixels = memfd_create("coldfix-image", MFD_CLOEXEC);
	if (pixels < 0)
		return cf_fail_errno(err, CF_E_NO_MEMORY, errno, "no memory file for the image reader");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return cf_fail_errno(err, CF_E_INTERNAL, errno, "no pipe to the image reader");
	CF_CLOSE int reader = ends[0];
	const int fds[2] = { ends[1], pixels };
	pid_t pid = fork();
	if (pid == 0)
		child(fds, file);
	int fork_errno = errno;
	close(ends[1]);
	if (pid < 0)
		return cf_fail_errno(err, CF_E_NO_MEMORY, fork_errno, "the image reader could not be started");
	return hear(reader, pid, record, sizeof record, err) < 0 ? -1 : take_pixels(pixels, record, out, err);
}
