/* compress.c - zstd through libzstd, with content checksum.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/compress.h"

#include "config.h"

#ifdef HAVE_ZSTD

#include <zstd.h>

#define LEVEL 3 /* zstd's own default: a memory dump shrinks to a third at several hundred MB/s */

struct cf_zstd {
	ZSTD_CCtx *c;
	size_t room;
	char out[];
};

int cf_zstd_check(const char *what, struct cf_error *err)
{
	(void)what, (void)err;
	return 0;
}

struct cf_zstd *cf_zstd_new(unsigned threads, const char *what, struct cf_error *err)
{
	(void)what;
	size_t room = ZSTD_CStreamOutSize();
	struct cf_zstd *z = malloc(sizeof *z + room);
	ZSTD_CCtx *c = ZSTD_createCCtx();
	if (!z || !c) {
		ZSTD_freeCCtx(c);
		free(z);
		cf_fail_nomem(err);
		return NULL;
	}
	z->c = c;
	z->room = room;
	ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	/* Fails where the library has no threads: then none it is. */
	if (threads)
		(void)ZSTD_CCtx_setParameter(c, ZSTD_c_nbWorkers, (int)threads);
	return z;
}

static int run(struct cf_zstd *z, ZSTD_inBuffer *in, ZSTD_EndDirective mode, cf_sink sink, void *user, struct cf_error *err)
{
	for (;;) {
		ZSTD_outBuffer out = { z->out, z->room, 0 };
		size_t left = ZSTD_compressStream2(z->c, &out, in, mode);
		if (ZSTD_isError(left))
			return cf_fail(err, CF_E_INTERNAL, "zstd can't compress this: %s", ZSTD_getErrorName(left));
		if (out.pos && sink(user, z->out, out.pos, err) < 0)
			return -1;
		if (mode == ZSTD_e_end ? left == 0 : in->pos == in->size)
			return 0;
	}
}

int cf_zstd_add(struct cf_zstd *z, const void *p, size_t n, cf_sink sink, void *user, struct cf_error *err)
{
	ZSTD_inBuffer in = { p, n, 0 };
	return run(z, &in, ZSTD_e_continue, sink, user, err);
}

int cf_zstd_end(struct cf_zstd *z, cf_sink sink, void *user, struct cf_error *err)
{
	ZSTD_inBuffer in = { "", 0, 0 };
	return run(z, &in, ZSTD_e_end, sink, user, err);
}

void cf_zstd_free(struct cf_zstd *z)
{
	if (!z)
		return;
	ZSTD_freeCCtx(z->c);
	free(z);
}

#else

int cf_zstd_check(const char *what, struct cf_error *err)
{
	return cf_fail(err, CF_E_UNSUPPORTED, "%s needs libzstd, which this build of coldfix lacks: build it with libzstd-dev, or go without %s",
		       what, what);
}

struct cf_zstd *cf_zstd_new(unsigned threads, const char *what, struct cf_error *err)
{
	(void)threads;
	(void)cf_zstd_check(what, err);
	return NULL;
}

int cf_zstd_add(struct cf_zstd *z, const void *p, size_t n, cf_sink sink, void *user, struct cf_error *err)
{
	(void)z, (void)p, (void)n, (void)sink, (void)user;
	return cf_fail(err, CF_E_UNSUPPORTED, "this build of coldfix lacks libzstd");
}

int cf_zstd_end(struct cf_zstd *z, cf_sink sink, void *user, struct cf_error *err)
{
	return cf_zstd_add(z, NULL, 0, sink, user, err);
}

void cf_zstd_free(struct cf_zstd *z)
{
	(void)z;
}

#endif
