/* expand.h - what the commands that make a disk larger share.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_EXPAND_H
#define CF_JOB_EXPAND_H

#include "job/session.h"
#include "space/expand.h"

/* How the file that holds the disk can be made larger; NONE: it can't (devices, NBD, VHDX, …). */
enum cf_growth_kind cf_job_growth_kind(const struct cf_disk *d);

#endif
