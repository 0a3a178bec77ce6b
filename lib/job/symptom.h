/* symptom.h - symptoms in the commands: their JSON, and what an article covers.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_SYMPTOM_H
#define CF_JOB_SYMPTOM_H

#include "job/result.h"
#include "problem/problem.h"
#include "symptom/symptom.h"

#define CF_ARTICLE_STARTING_WINDOWS "starting-windows"

/* One entry of "files". */
json_t *cf_describe_symptom(const char *path, const struct cf_symptom *s);

/* The article of repair --symptom FILE; CF_E_REFUSED when the file names none. *described: its entry, a new reference. */
int cf_symptom_article(const char *file, json_t **described, const char **article, struct cf_error *err) CF_MUST_CHECK;

/* Is this problem one of the article's? */
bool cf_article_covers(const char *article, const struct cf_problem *p);

#endif
