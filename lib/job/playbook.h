/* playbook.h - an article as steps in order.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_PLAYBOOK_H
#define CF_JOB_PLAYBOOK_H

#include "job/session.h"

/* An array of { step, title, text, commands, facts }, empty for what is no article. found: the findings of the disk of c, whose details become
 * the facts; NULL (and c NULL): no disk was given. */
json_t *cf_playbook(const char *article, const struct cf_context *c, const struct cf_findings *found);

#endif
