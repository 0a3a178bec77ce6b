/* bcd.c - bcdedit for Linux: enum.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "job/session.h"

struct naming {
	const struct cf_session *s;
};

/* "partition=C:" as bcdedit shows a device; NULL: bcdedit's "unknown". */
static char *partition_text(void *user, const struct cf_bcd_device *d)
{
	const struct naming *n = user;
	char *out = NULL;
	int v = cf_machine_find_device(n->s->m, d);
	if (v < 0)
		return NULL;
	const struct cf_vol *vol = &n->s->m->vol[v];
	int r = vol->letter ? asprintf(&out, "partition=%c:", vol->letter)
			    : asprintf(&out, "partition=\\Device\\HarddiskVolume%u", vol->number);
	return r < 0 ? NULL : out;
}

/* "{default}", "{bootmgr}" or a GUID; false: no such form. */
static bool parse_id(const struct cf_bcd *bcd, const char *text, struct cf_guid *g)
{
	const struct cf_bcd_object *d = cf_bcd_default_loader(bcd);
	if (strcasecmp(text, "{default}") == 0 && d) {
		*g = d->guid;
		return true;
	}
	for (size_t i = 0; i < bcd->n; i++) {
		const char *alias = cf_bcd_alias(&bcd->object[i].guid);
		if (alias && strcasecmp(alias, text) == 0) {
			*g = bcd->object[i].guid;
			return true;
		}
	}
	return cf_guid_parse(text, g);
}

/* bcdedit's order: the boot manager, its menu in display order, then with "all" the rest as the store has them. */
static size_t put_in_order(const struct cf_bcd *bcd, bool all, const struct cf_bcd_object **out, size_t max)
{
	struct cf_guid order[64];
	size_t n = 0;
	const struct cf_bcd_object *bootmgr = cf_bcd_boot_manager(bcd);
	if (bootmgr && n < max)
		out[n++] = bootmgr;
	size_t entries = bootmgr ? cf_bcd_guid_list(cf_bcd_element(bootmgr, CF_BCD_DISPLAYORDER), order, CF_ARRAY_LEN(order)) : 0;
	for (size_t i = 0; i < entries + (all ? bcd->n : 0); i++) {
		const struct cf_bcd_object *o = i < entries ? cf_bcd_object(bcd, &order[i]) : &bcd->object[i - entries];
		bool known = !o;
		for (size_t k = 0; k < n && !known; k++)
			known = out[k] == o;
		if (!known && n < max)
			out[n++] = o;
	}
	return n;
}

static json_t *object(const struct cf_session *s, const struct cf_bcd *bcd, const struct cf_bcd_object *o, bool verbose)
{
	char title[64], type[16], guid[CF_GUID_TEXT], braced[CF_GUID_TEXT + 2];
	struct naming n = { s };
	const struct cf_bcd_object *def = cf_bcd_default_loader(bcd);
	const char *alias = verbose ? NULL : o == def ? "{default}" : cf_bcd_alias(&o->guid);
	json_t *j = json_object(), *elements = json_array();
	snprintf(type, sizeof type, "0x%08x", o->type);
	snprintf(braced, sizeof braced, "{%s}", cf_guid_format(&o->guid, guid));
	json_object_set_new(j, "title", json_string(cf_bcd_title(o, title)));
	json_object_set_new(j, "identifier", json_string(alias ? alias : braced));
	json_object_set_new(j, "guid", json_string(braced));
	json_object_set_new(j, "type", json_string(type));
	for (size_t i = 0; i < o->n; i++) {
		const struct cf_bcd_element *e = &o->element[i];
		const char *name = cf_bcd_element_name(o->type, e->type);
		char custom[24], hex[16];
		char **lines = cf_bcd_format(bcd, o, e, verbose, partition_text, &n);
		json_t *values = json_array();
		for (size_t k = 0; lines && lines[k]; k++)
			json_array_append_new(values, cf_json_text(lines[k]));
		cf_strv_free(lines);
		snprintf(custom, sizeof custom, "custom:%08x", e->type);
		snprintf(hex, sizeof hex, "0x%08x", e->type);
		json_array_append_new(elements, json_pack("{s:s,s:s,s:o}", "name", name ? name : custom, "type", hex, "values", values));
	}
	json_object_set_new(j, "elements", elements);
	return j;
}

static int enumerate(const struct cf_request *req, struct cf_session *s, const struct cf_boot_store *st, struct cf_result *r)
{
	const char *what = req->args[1] ? req->args[1] : "active";
	struct cf_guid g = { { 0 } };
	bool all = strcasecmp(what, "all") == 0, active = strcasecmp(what, "active") == 0;
	json_t *objects = json_array();
	json_object_set_new(r->doc, "store",
			    json_pack("{s:i,s:o}", "partition", (int)s->m->vol[st->vol].number, "path", cf_json_text(st->path)));
	json_object_set_new(r->doc, "objects", objects);
	if (!all && !active && !parse_id(&st->bcd, what, &g))
		return cf_fail(&r->error, CF_E_USAGE, "\"%s\" is no boot entry: use all, active, {default}, {bootmgr} or a GUID", what);
	CF_FREE const struct cf_bcd_object **list = calloc(st->bcd.n + 1, sizeof *list);
	if (!list)
		return cf_fail_nomem(&r->error);
	size_t n = put_in_order(&st->bcd, !active, list, st->bcd.n);
	for (size_t i = 0; i < n; i++)
		if (all || active || cf_guid_eq(&list[i]->guid, &g))
			json_array_append_new(objects, object(s, &st->bcd, list[i], req->all));
	if (!json_array_size(objects) && !all && !active)
		return cf_fail(&r->error, CF_E_NOT_FOUND, "the boot store has no entry %s", what);
	return 0;
}

int cf_job_bcd(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	if (!req->args || !req->args[0])
		return cf_fail(&r->error, CF_E_USAGE, "bcd needs a verb: enum");
	if (strcmp(req->args[0], "enum") != 0 && strcmp(req->args[0], "/enum") != 0)
		return cf_fail(&r->error, CF_E_USAGE, "bcd has no verb \"%s\" in this version: use enum", req->args[0]);
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	if (ret == 0 && !s.ctx.store) {
		int store = s.m->selected >= 0 ? s.m->install[s.m->selected].store : -1;
		if (store < 0 && s.m->n_stores)
			store = 0;
		if (store >= 0 && !s.m->store[store].file.hive) {
			r->error = s.m->store[store].file.error;
			ret = -1;
		} else if (store >= 0) {
			s.ctx.store = &s.m->store[store];
		} else {
			ret = cf_fail(&r->error, CF_E_NOT_FOUND, "no boot store was found on this disk");
		}
	}
	if (ret == 0)
		ret = enumerate(req, &s, s.ctx.store, r);
	cf_session_close(&s);
	return ret;
}
