/* control-sets.c - Select and the control sets that exist.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers are kept as Select has them, also when no such control set exists: that is a problem to be reported, not a
 * number to be guessed. Only when Select has no usable Current and a single control set exists is that one taken as
 * current.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "windows/survey.h"

/* 1..999 from "ControlSet001", any letter case; 0: another key. */
static unsigned set_number(const char *name)
{
	if (strlen(name) != 13 || strncasecmp(name, "ControlSet", 10) != 0)
		return 0;
	unsigned n = 0;
	for (const char *p = name + 10; *p; p++) {
		if (*p < '0' || *p > '9')
			return 0;
		n = n * 10 + (unsigned)(*p - '0');
	}
	return n;
}

static int add_set(void *user, cf_key sub, const char *name)
{
	struct cf_install *in = user;
	unsigned n = set_number(name);
	(void)sub;
	if (!n)
		return 0;
	size_t at = 0;
	while (at < in->n_sets && in->set[at].number < n)
		at++;
	if (at == CF_MAX_CONTROL_SETS || (at < in->n_sets && in->set[at].number == n))
		return 0;
	if (in->n_sets == CF_MAX_CONTROL_SETS)
		in->n_sets--; /* the highest number goes */
	memmove(&in->set[at + 1], &in->set[at], (in->n_sets - at) * sizeof in->set[0]);
	in->n_sets++;
	in->set[at] = (struct cf_control_set){ .number = n };
	snprintf(in->set[at].key, sizeof in->set[at].key, "%.13s", name);
	return 0;
}

static int read_select(const struct cf_hive *h, const char *name, unsigned *out, struct cf_error *err)
{
	uint32_t v = 0;
	bool found = false;
	struct cf_error why = { 0 };
	*out = 0;
	if (cf_hive_get_u32(h, "Select", name, &v, &found, &why) < 0)
		return why.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0; /* damage: the hive's report has it */
	if (found)
		*out = v;
	return 0;
}

int cf_survey_control_sets(struct cf_install *in, struct cf_error *err)
{
	const struct cf_hive *h = in->system.hive;
	struct cf_error why = { 0 };
	if (!h)
		return 0;
	if (cf_hive_subkeys(h, cf_hive_root(h), add_set, in, &why) < 0 && why.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	if (read_select(h, "Current", &in->current, err) < 0 || read_select(h, "Default", &in->default_set, err) < 0 ||
	    read_select(h, "Failed", &in->failed, err) < 0 ||
	    read_select(h, "LastKnownGood", &in->last_known_good, err) < 0)
		return -1;
	if (!in->current) {
		in->select_missing = true;
		if (in->n_sets == 1)
			in->current = in->set[0].number;
	}
	for (size_t i = 0; i < in->n_sets; i++) {
		struct cf_control_set *s = &in->set[i];
		s->current = s->number == in->current;
		s->is_default = s->number == in->default_set;
		s->failed = s->number == in->failed;
		s->last_known_good = s->number == in->last_known_good;
	}
	return 0;
}
