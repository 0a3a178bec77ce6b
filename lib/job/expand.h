/* expand.h - what the commands that make a disk larger share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_EXPAND_H
#define CF_JOB_EXPAND_H

#include "job/session.h"
#include "space/expand.h"

/* How the file that holds the disk can be made larger; NONE: it can't (devices, NBD, VHDX, …). */
enum cf_growth_kind cf_job_growth_kind(const struct cf_disk *d);

/* The second step of repair --expand, when the first has left volume-full: makes the disk larger, in an undo file of its own, and
 * brings out's record up to date. Nothing to do is success. */
int cf_job_repair_expand(const struct cf_request *req, struct cf_result *out);

/* The record of a repair with the planned expansion in it, to be shown before one question (a new reference; doc keeps what was planned under
 * "expand", which cf_job_repair_expand compares). NULL: this repair leaves nothing that a larger disk would help. */
json_t *cf_job_repair_expand_plan(const struct cf_request *req, json_t *doc);

/* Bytes that the copy (--output) of a disk of `now` bytes gets at once because its container can't grow in place; 0: as large as the disk. */
uint64_t cf_job_repair_expand_copy(const struct cf_request *req, const json_t *doc, uint64_t now);

#endif
