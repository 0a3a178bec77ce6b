/* verdict.c - can what was found produce 0xC0000017? One sentence that tells the truth.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The findings decide, in this order: something that alone can produce the error; something that may; nothing, but a
 * part of the disk could not be looked at; nothing.
 */
#include "problem/problem.h"

#include <stdio.h>
#include <string.h>

static void add_cause(struct cf_verdict *v, const char *id)
{
	for (size_t i = 0; i < v->n_causes; i++)
		if (strcmp(v->cause[i], id) == 0)
			return;
	if (v->n_causes < CF_ARRAY_LEN(v->cause))
		v->cause[v->n_causes++] = id;
}

/* The findings of one weight: how many, their ids as causes, and the first one's detail for the sentence. */
static const struct cf_finding *collect(const struct cf_findings *fs, enum cf_cause weight, struct cf_verdict *v)
{
	const struct cf_finding *first = NULL;
	for (size_t i = 0; i < fs->n; i++) {
		if (fs->item[i].cause != weight)
			continue;
		if (!first)
			first = &fs->item[i];
		add_cause(v, fs->item[i].problem->id);
	}
	return first;
}

static void say(struct cf_verdict *v, const char *code, const char *confidence, const char *lead, const char *detail)
{
	v->code = code;
	v->confidence = confidence;
	snprintf(v->sentence, sizeof v->sentence, "%s%s", lead, detail);
}

void cf_verdict_make(const struct cf_findings *fs, const struct cf_context *c, struct cf_verdict *v)
{
	*v = (struct cf_verdict){ 0 };
	const struct cf_finding *f = collect(fs, CF_CAUSE_LIKELY, v);
	if (f) {
		collect(fs, CF_CAUSE_POSSIBLE, v);
		say(v, "likely-cause", "likely", _("This alone can produce 0xC0000017: "), f->detail);
		return;
	}
	const struct cf_finding *unknown = collect(fs, CF_CAUSE_CANNOT_TELL, v);
	if (unknown) {
		/* A volume that can't be read may hide the real cause, so what was seen elsewhere stays in the list only. */
		collect(fs, CF_CAUSE_POSSIBLE, v);
		say(v, "cannot-tell", "cannot-tell", "", unknown->detail);
		return;
	}
	f = collect(fs, CF_CAUSE_POSSIBLE, v);
	if (f) {
		say(v, "possible-cause", "possible", _("This may produce 0xC0000017: "), f->detail);
		return;
	}
	if (!c->in) {
		say(v, "cannot-tell", "cannot-tell", "", _("no Windows installation was found on this disk"));
		return;
	}
	say(v, "no-cause-found", "none",
	    _("Nothing on this disk explains 0xC0000017; check the VM's size and start-up memory, then boot again"), "");
}
