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

#endif
