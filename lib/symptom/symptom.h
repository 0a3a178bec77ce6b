/* symptom.h - a screenshot or a serial log: which screen, which code, which article.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A wrong article is worse than none: what is not known for sure is CF_SCREEN_UNKNOWN, and an article is named only from
 * CF_SYMPTOM_SURE on. docs/decisions/0030-symptom.md says how sure is reckoned.
 */
#ifndef CF_SYMPTOM_SYMPTOM_H
#define CF_SYMPTOM_SYMPTOM_H

#include "base/error.h"
#include "base/span.h"

enum cf_screen {
	CF_SCREEN_UNKNOWN, CF_SCREEN_BOOT_MANAGER, CF_SCREEN_RECOVERY, CF_SCREEN_STARTING_WINDOWS, CF_SCREEN_STOP, CF_SCREEN_CHECK_DISK,
	CF_SCREEN_LOGIN, CF_SCREEN_BLANK, CF_SCREEN_SERIAL, CF_SCREENS
};

#define CF_SYMPTOM_SURE 0.75
#define CF_STATUS_NO_MEMORY 0xC0000017u
#define CF_LOG_MAX (4u * 1024 * 1024) /* bytes of a log that are read: its end */

struct cf_symptom {
	bool has_code;
	uint32_t code;        /* NTSTATUS of a boot screen, bug check of a stop screen */
	const char *name;     /* of the code, "STATUS_NO_MEMORY"; NULL: not known by name */
	enum cf_screen screen;
	const char *language; /* "en", "sv", "nl", "fr"; NULL: not known */
	const char *article;  /* "status-no-memory", "starting-windows"; NULL: none */
	double sure;          /* 0..1 */
	const char *note;     /* one more sentence for people; NULL: none */
	bool recognised;
	struct cf_buf text;   /* what was read, UTF-8 lines, NUL-terminated; may be empty */
};

/* "boot-manager", "serial", … */
const char *cf_screen_name(enum cf_screen s);

/* Reads one file. CF_E_NOT_FOUND, CF_E_IO, CF_E_CORRUPT, CF_E_UNSUPPORTED (neither image nor text; tesseract is missing).
 * Free out->text in any case. */
int cf_symptom_read(const char *path, struct cf_symptom *out, struct cf_error *err) CF_MUST_CHECK;

/* The same for bytes at hand. */
int cf_symptom_of(struct cf_span file, struct cf_symptom *out, struct cf_error *err) CF_MUST_CHECK;

/* A serial or SAC log, already known to be text (log.c). */
int cf_symptom_log(struct cf_span log, struct cf_symptom *out, struct cf_error *err) CF_MUST_CHECK;

/* Is this text as a serial console writes it: mostly printable, terminal controls allowed? */
bool cf_is_log(struct cf_span file);

/* Known names: of boot status codes, of bug checks; NULL. */
const char *cf_status_name_of(uint32_t code);
const char *cf_stop_name_of(uint32_t code);

/* The bug check whose name stands in text ("CRITICAL PROCESS DIED"), tolerant of misreading; false: none, or not clear. */
bool cf_stop_by_name(const char *text, uint32_t *code);

#endif
