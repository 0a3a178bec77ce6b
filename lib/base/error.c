/* error.c - filling struct cf_error.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "base/error.h"
#include "base/overflow.h"
#include "base/utf16.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

CF_PRINTF(3, 0)
static void set(struct cf_error *err, enum cf_code code, const char *fmt, va_list ap)
{
	err->code = code;
	err->path[0] = 0;
	err->offset = 0;
	err->has_offset = 0;
	vsnprintf(err->message, sizeof err->message, fmt, ap);
	cf_text_tame(err->message, false); /* names in it come from a disk or an image's header; a cut may have split a character */
}

int cf_fail(struct cf_error *err, enum cf_code code, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		set(err, code, fmt, ap);
		va_end(ap);
	}
	return -1;
}

int cf_fail_errno(struct cf_error *err, enum cf_code code, int errno_value, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		set(err, code, fmt, ap);
		va_end(ap);
		size_t n = strlen(err->message);
		snprintf(err->message + n, sizeof err->message - n, ": %s", strerror(errno_value));
	}
	return -1;
}

int cf_fail_at(struct cf_error *err, enum cf_code code, uint64_t offset, const char *fmt, ...)
{
	if (err) {
		va_list ap;
		va_start(ap, fmt);
		set(err, code, fmt, ap);
		va_end(ap);
		err->offset = offset;
		err->has_offset = 1;
	}
	return -1;
}

int cf_fail_prefix(struct cf_error *err, const char *fmt, ...)
{
	if (err) {
		char old[sizeof err->message];
		memcpy(old, err->message, sizeof old);
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(err->message, sizeof err->message, fmt, ap);
		va_end(ap);
		size_t n = strlen(err->message);
		snprintf(err->message + n, sizeof err->message - n, ": %s", old);
		cf_text_tame(err->message, false);
	}
	return -1;
}

int cf_fail_path(struct cf_error *err, const char *path)
{
	if (err && !err->path[0])
		snprintf(err->path, sizeof err->path, "%s", path);
	return -1;
}

int cf_fail_nomem(struct cf_error *err)
{
	return cf_fail(err, CF_E_NO_MEMORY, "out of memory");
}

const char *cf_code_name(enum cf_code code)
{
	static const char *const names[] = {
		[CF_OK] = "ok",
		[CF_E_USAGE] = "usage",
		[CF_E_IO] = "io",
		[CF_E_NOT_FOUND] = "not-found",
		[CF_E_UNSUPPORTED] = "unsupported",
		[CF_E_CORRUPT] = "corrupt",
		[CF_E_IN_USE] = "in-use",
		[CF_E_NO_SPACE] = "no-space",
		[CF_E_CHANGED] = "changed",
		[CF_E_REFUSED] = "refused",
		[CF_E_READ_ONLY] = "read-only",
		[CF_E_UNCLEAN] = "unclean",
		[CF_E_NO_WINDOWS] = "no-windows",
		[CF_E_NO_MEMORY] = "no-memory",
		[CF_E_CANCELLED] = "cancelled",
		[CF_E_INTERNAL] = "internal",
	};
	return (unsigned)code < CF_ARRAY_LEN(names) && names[code] ? names[code] : "internal";
}
