/* expand-internal.h - what the files of an expansion share; nobody else includes it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_SPACE_EXPAND_INTERNAL_H
#define CF_SPACE_EXPAND_INTERNAL_H

#include "space/expand.h"

/* A volume of the disk that is being switched, at its new place and size; slice and volume are the caller's to close. */
struct cf_expand_vol {
	struct cf_block *slice;
	struct cf_volume *vol;
};
int cf_expand_open(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, size_t vol, int flags,
		   struct cf_expand_vol *out, struct cf_error *err) CF_MUST_CHECK;
int cf_expand_close(struct cf_expand_vol *v, struct cf_error *err) CF_MUST_CHECK;

/* expand-winre.c: ReAgent.xml of Windows and of what was moved, boot stores. */
int cf_expand_winre(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, struct cf_expand_changes *changes,
		    struct cf_error *err) CF_MUST_CHECK;

/* expand-letters.c: MountedDevices of every Windows on the disk. */
int cf_expand_letters(const struct cf_expand *x, const struct cf_machine *m, struct cf_block *disk, struct cf_expand_changes *changes,
		      struct cf_error *err) CF_MUST_CHECK;

/* Edits a hive of a volume of the switched disk, its logs replayed. */
int cf_expand_write_hive(const struct cf_expand *x, const struct cf_machine *m, size_t vol, const char *path, struct cf_block *disk,
			 const struct cf_hive_edits *edits, struct cf_error *err) CF_MUST_CHECK;

/* Replaces the byte offset `from` by `to` in every element of a ReAgent.xml that names the disk (GPT: its GUID as text, MBR: its signature
 * in decimal); off: turns Windows RE off instead. UTF-8 or UTF-16. *n: elements that were changed. */
int cf_reagent_edit(struct cf_buf *xml, uint64_t from, uint64_t to, const char *guid, uint32_t signature, bool off, unsigned *n,
		    struct cf_error *err) CF_MUST_CHECK;

#endif
