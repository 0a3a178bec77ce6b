/* findings.c - collecting what the detectors see, with evidence.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/problem.h"
#include "problem/work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cf_severity_name(enum cf_severity s)
{
	static const char *const names[] = { "error", "warning", "recommended", "info", "blocker" };
	return (unsigned)s < CF_ARRAY_LEN(names) ? names[s] : "info";
}

const char *cf_repair_name(enum cf_repair_kind r)
{
	static const char *const names[] = { "default", "recommended", "opt-in", "none" };
	return (unsigned)r < CF_ARRAY_LEN(names) ? names[r] : "none";
}

const char *cf_status_name(enum cf_status s)
{
	static const char *const names[] = { "found", "planned", "fixed", "left", "skipped" };
	return (unsigned)s < CF_ARRAY_LEN(names) ? names[s] : "found";
}

struct cf_finding *cf_finding_add(struct cf_findings *fs, const struct cf_problem *p, int vol, const char *where,
				  const char *detail_fmt, ...)
{
	if (fs->n == fs->cap) {
		size_t cap = fs->cap ? fs->cap * 2 : 16;
		struct cf_finding *item = realloc(fs->item, cap * sizeof *item);
		if (!item)
			return NULL;
		fs->item = item;
		fs->cap = cap;
	}
	CF_FREE char *detail = NULL;
	va_list ap;
	va_start(ap, detail_fmt);
	int n = vasprintf(&detail, detail_fmt, ap);
	va_end(ap);
	if (n < 0) {
		detail = NULL;
		return NULL;
	}
	CF_FREE char *place = strdup(where ? where : "");
	json_t *evidence = json_object();
	if (!place || !evidence) {
		json_decref(evidence);
		return NULL;
	}
	struct cf_finding *f = &fs->item[fs->n++];
	*f = (struct cf_finding){ .problem = p, .severity = p->severity, .repair = p->repair, .cause = p->cause,
				  .where = CF_STEAL(place), .detail = CF_STEAL(detail), .evidence = evidence, .vol = vol };
	return f;
}

void cf_findings_free(struct cf_findings *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		free(fs->item[i].where);
		free(fs->item[i].detail);
		free(fs->item[i].reason);
		json_decref(fs->item[i].evidence);
	}
	free(fs->item);
	*fs = (struct cf_findings){ 0 };
}

static void put(struct cf_findings *fs, struct cf_finding *f, const char *key, json_t *v)
{
	if (!v || json_object_set_new(f->evidence, key, v) < 0)
		fs->no_memory = true;
}

void cf_evidence_int(struct cf_findings *fs, struct cf_finding *f, const char *key, uint64_t v)
{
	put(fs, f, key, json_integer((json_int_t)v));
}

/* Strings read from a disk were escaped when they were converted, but a driver may pass raw bytes: JSON must be UTF-8. */
static json_t *text_value(const char *v)
{
	json_t *j = json_string(v);
	return j ? j : json_string("(not valid text)");
}

void cf_evidence_str(struct cf_findings *fs, struct cf_finding *f, const char *key, const char *v)
{
	put(fs, f, key, v ? text_value(v) : json_null());
}

void cf_evidence_bool(struct cf_findings *fs, struct cf_finding *f, const char *key, bool v)
{
	put(fs, f, key, json_boolean(v));
}

void cf_evidence_push(struct cf_findings *fs, struct cf_finding *f, const char *key, const char *v)
{
	json_t *list = json_object_get(f->evidence, key);
	if (!list) {
		list = json_array();
		put(fs, f, key, list);
		list = json_object_get(f->evidence, key);
	}
	if (!list || json_array_append_new(list, text_value(v)) < 0)
		fs->no_memory = true;
}

void cf_finding_block(struct cf_finding *f, const char *fmt, ...)
{
	f->blocked = true;
	if (f->reason)
		return; /* the first reason is the one to solve first */
	va_list ap;
	va_start(ap, fmt);
	if (vasprintf(&f->reason, fmt, ap) < 0)
		f->reason = NULL;
	va_end(ap);
}

bool cf_finding_counts(const struct cf_finding *f)
{
	return f->severity == CF_SEV_ERROR || f->severity == CF_SEV_WARNING || f->severity == CF_SEV_BLOCKER;
}

int cf_detect_all(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < cf_problem_count; i++)
		if (cf_problem_table[i]->detect(c, out, err) < 0)
			return -1;
	return out->no_memory ? cf_fail_nomem(err) : 0;
}

const struct cf_problem *cf_problem_by_id(const char *id)
{
	for (size_t i = 0; i < cf_problem_count; i++)
		if (strcmp(cf_problem_table[i]->id, id) == 0)
			return cf_problem_table[i];
	return NULL;
}

char *cf_size_text(uint64_t bytes, char *out)
{
	static const char *const unit[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t u = 0;
	double v = (double)bytes;
	while (v >= 1024 && u + 1 < CF_ARRAY_LEN(unit)) {
		v /= 1024;
		u++;
	}
	if (u == 0 || v >= 100 || v - (double)(uint64_t)v < 0.05)
		snprintf(out, 32, "%.0f %s", v, unit[u]);
	else
		snprintf(out, 32, "%.1f %s", v, unit[u]);
	return out;
}

void cf_context_make(struct cf_context *c, const struct cf_machine *m, const struct cf_request *req)
{
	*c = (struct cf_context){ .m = m, .req = req };
	if (m->selected >= 0)
		c->in = &m->install[m->selected];
	int store = c->in ? c->in->store : m->n_stores == 1 ? 0 : -1;
	if (store >= 0 && m->store[store].file.hive)
		c->store = &m->store[store];
	if (c->in) {
		c->n_loaders = c->in->n_loaders;
		memcpy(c->loader, c->in->loader, sizeof c->loader);
	} else if (c->store) {
		const struct cf_bcd_object *o = cf_bcd_default_loader(&c->store->bcd);
		if (o)
			c->loader[c->n_loaders++] = o->guid;
	}
}
