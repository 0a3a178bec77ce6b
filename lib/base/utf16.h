/* utf16.h - Windows names (UTF-16LE, perhaps ill-formed) to UTF-8 and back, and comparing them as Windows does.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ill-formed UTF-16 (a lone surrogate) and control characters become "\u{XXXX}" in UTF-8 text, and the caller is
 * told, so that nothing read from a disk reaches a terminal or JSON unescaped.
 */
#ifndef CF_BASE_UTF16_H
#define CF_BASE_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* UTF-16LE bytes (s.n is rounded down to even) to malloc'd UTF-8; stops at the end, not at a NUL. *escaped (may be
 * NULL) is set to true when something had to be escaped. NULL when out of memory. */
char *cf_utf16_to_utf8(struct cf_span s, bool *escaped);

/* As above, but stops at the first U+0000 (REG_SZ values). */
char *cf_utf16z_to_utf8(struct cf_span s, bool *escaped);

/* Latin-1 bytes (compressed registry names) to UTF-8 with the same escapes. */
char *cf_latin1_to_utf8(struct cf_span s, bool *escaped);

/* Well-formed UTF-8 (and the "\u{XXXX}" escapes that cf_utf16_to_utf8 makes) to UTF-16LE bytes appended to out,
 * without a NUL. 0, or -1 for ill-formed input or no memory. */
int cf_utf8_to_utf16(const char *text, struct cf_buf *out) CF_MUST_CHECK;

/* Upper case of one UTF-16 code unit by simple case mapping (ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic); others map to themselves. */
uint16_t cf_utf16_upper(uint16_t c);

/* For text that reaches a terminal, whoever wrote it: in place, every control character (also newlines, unless keep_lines),
 * bidirectional mark or override, and every byte that is no well-formed UTF-8 becomes one '?'. The new length. */
size_t cf_text_tame(char *text, bool keep_lines);

/* The same for texts of any length, without loss: malloc'd, with "\u{XXXX}" for each such character and "\x{XX}" for each byte that
 * is no UTF-8. NULL when out of memory. */
char *cf_text_escape(const char *text);

/* Compares two UTF-8 texts without regard to letter case (simple mapping as above): true when equal. */
bool cf_utf8_eq_nocase(const char *a, const char *b);

#endif
