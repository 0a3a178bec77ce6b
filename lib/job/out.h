/* out.h - a folder on the host that a command fills: called NAME.incomplete until it is whole, gone when it fails.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The folder is 0700 and its files 0600: what comes off a disk holds secrets. Only names that were made here are ever removed.
 */
#ifndef CF_JOB_OUT_H
#define CF_JOB_OUT_H

#include "base/error.h"
#include "base/hash.h"
#include "base/sandbox.h"
#include "base/span.h"

struct cf_out {
	char *parent;       /* owned: the folder that --to names */
	char *above;        /* owned: the folder that it lies in */
	char *name;         /* owned: what the new folder will be called; NULL: not begun */
	char work[200];     /* NAME.incomplete */
	int parent_fd, fd;  /* -1: not open */
	bool made_parent;
	struct cf_out_name { char *path; bool folder; } *made; /* owned, in the order they were made; relative to the folder */
	size_t n_made;
};

/* Opens the folder `to`, or makes it (0700; the folder above must exist). Before the process is locked in. */
int cf_out_open(struct cf_out *o, const char *to, struct cf_error *err) CF_MUST_CHECK;

/* The box in which the rest can be done. */
struct cf_sandbox cf_out_box(const struct cf_out *o);

/* Makes `parent`/NAME.incomplete; NAME is name, or name.2, … where that exists. suffix: what NAME must be free with, too (".tar.zst"). */
int cf_out_begin(struct cf_out *o, const char *name, const char *suffix, struct cf_error *err) CF_MUST_CHECK;

int cf_out_folder(struct cf_out *o, const char *path, struct cf_error *err) CF_MUST_CHECK;

/* A new file in it, open for writing and reading; -1. A name that is taken gives EEXIST in *taken and no error text. */
int cf_out_create(struct cf_out *o, const char *path, bool *taken, struct cf_error *err);

/* A whole file at once; hash may be NULL. */
int cf_out_put(struct cf_out *o, const char *path, struct cf_span data, uint8_t hash[CF_SHA256_LEN], struct cf_error *err) CF_MUST_CHECK;

/* Syncs everything, gives the folder its name. *path (malloc'd): where it is now. */
int cf_out_finish(struct cf_out *o, char **path, struct cf_error *err) CF_MUST_CHECK;

/* Removes what was made, unless it is finished, and frees. */
void cf_out_end(struct cf_out *o);

/* Removes the files of the folder and the folder, but not `parent`: what an archive has taken over. */
int cf_out_clear(struct cf_out *o, struct cf_error *err) CF_MUST_CHECK;

/* Writes all of it at off; -1 with err that names `name`. */
int cf_out_pwrite(int fd, const void *p, size_t n, uint64_t off, const char *name, struct cf_error *err) CF_MUST_CHECK;

/* True when all bytes are zero. */
bool cf_all_zero(const uint8_t *p, size_t n);

#endif
