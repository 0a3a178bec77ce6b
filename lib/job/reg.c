/* reg.c - reg.exe for Linux: query on the offline hives, logs replayed in memory.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/endian.h"
#include "base/utf16.h"
#include "job/session.h"

#define MAX_KEYS 2000000

struct place {
	size_t vol;
	char file[600];  /* the hive on its volume */
	char root[64];   /* "HKLM\\SYSTEM" as it is shown */
	char key[1024];  /* inside the hive */
};

static const char *skip_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	return strncasecmp(text, word, n) == 0 && (text[n] == '\\' || !text[n]) ? text + n + (text[n] == '\\') : NULL;
}

static int resolve(const struct cf_session *s, const char *text, struct place *p, struct cf_error *err)
{
	static const char *const hives[] = { "SYSTEM", "SOFTWARE", "SAM", "SECURITY", "COMPONENTS" };
	const struct cf_install *in = s->ctx.in;
	*p = (struct place){ 0 };
	const char *rest = skip_word(text, "HKLM");
	if (!rest)
		rest = skip_word(text, "HKEY_LOCAL_MACHINE");
	const char *users = skip_word(text, "HKU");
	if (!users)
		users = skip_word(text, "HKEY_USERS");
	if (!rest && !users)
		return cf_fail(err, CF_E_USAGE, "\"%s\" is no key of an offline Windows: use HKLM\\SYSTEM\\…, HKLM\\SOFTWARE\\…, HKU\\.DEFAULT\\…",
			       text);
	const char *bcd = rest ? skip_word(rest, "BCD00000000") : NULL;
	if (bcd) {
		if (!s->ctx.store)
			return cf_fail(err, CF_E_NOT_FOUND, "no boot store was found on this disk");
		p->vol = s->ctx.store->vol;
		snprintf(p->file, sizeof p->file, "%s", s->ctx.store->path);
		snprintf(p->root, sizeof p->root, "HKLM\\BCD00000000");
		snprintf(p->key, sizeof p->key, "%s", bcd);
		return 0;
	}
	if (!in)
		return cf_fail(err, CF_E_NO_WINDOWS, "no Windows installation was found on this disk");
	p->vol = in->vol;
	if (users) {
		const char *d = skip_word(users, ".DEFAULT");
		if (!d)
			return cf_fail(err, CF_E_UNSUPPORTED, "of HKU only .DEFAULT can be queried; copy a user's NTUSER.DAT out with coldfix get");
		snprintf(p->file, sizeof p->file, "%s\\System32\\config\\DEFAULT", in->root);
		snprintf(p->root, sizeof p->root, "HKU\\.DEFAULT");
		snprintf(p->key, sizeof p->key, "%s", d);
		return 0;
	}
	for (size_t i = 0; i < CF_ARRAY_LEN(hives); i++) {
		const char *k = skip_word(rest, hives[i]);
		if (!k)
			continue;
		snprintf(p->file, sizeof p->file, "%s\\System32\\config\\%s", in->root, hives[i]);
		snprintf(p->root, sizeof p->root, "HKLM\\%s", hives[i]);
		const char *current = i == 0 ? skip_word(k, "CurrentControlSet") : NULL;
		if (current)
			snprintf(p->key, sizeof p->key, "ControlSet%03u%s%s", in->current, *current ? "\\" : "", current);
		else
			snprintf(p->key, sizeof p->key, "%s", k);
		size_t n = strlen(p->key);
		while (n && p->key[n - 1] == '\\')
			p->key[--n] = 0;
		return 0;
	}
	return cf_fail(err, CF_E_NOT_FOUND, "HKLM has no hive for \"%s\": SYSTEM, SOFTWARE, SAM, SECURITY, COMPONENTS, BCD00000000", rest);
}

static json_t *hex(const struct cf_buf *b)
{
	CF_BUF t = { 0 };
	for (size_t i = 0; i < b->n; i++)
		if (cf_buf_printf(&t, "%02X", b->p[i]) < 0)
			return NULL;
	return json_stringn(t.p ? (char *)t.p : "", t.n);
}

static json_t *value_json(const struct cf_value *v)
{
	char number[16];
	const char *type = cf_reg_type_name(v->type);
	json_t *data = NULL;
	snprintf(number, sizeof number, "REG_0x%x", v->type);
	if (v->type == CF_REG_DWORD && v->data.n == 4) {
		data = json_integer(cf_ld32(v->data.p));
	} else if (v->type == CF_REG_QWORD && v->data.n == 8) {
		data = json_integer((json_int_t)cf_ld64(v->data.p));
	} else if (v->type == CF_REG_MULTI_SZ) {
		size_t n = 0;
		char **s = cf_value_multi_sz(v, &n);
		data = json_array();
		for (size_t i = 0; s && i < n; i++)
			json_array_append_new(data, cf_json_text(s[i]));
		cf_strv_free(s);
	} else if (v->type == CF_REG_SZ || v->type == CF_REG_EXPAND_SZ || v->type == CF_REG_LINK) {
		CF_FREE char *s = cf_value_string(v);
		data = cf_json_text(s ? s : "");
	} else {
		data = hex(&v->data);
	}
	return json_pack("{s:o,s:s,s:o}", "name", cf_json_text(v->name), "type", type ? type : number, "data", data);
}

struct query {
	json_t *values, *subkeys;
	const char *only; /* /v NAME */
	const char *path;
	json_t *queue;
};

static int each_value(void *user, const struct cf_value *v)
{
	struct query *q = user;
	if (!q->only || cf_utf8_eq_nocase(v->name, q->only))
		json_array_append_new(q->values, value_json(v));
	return 0;
}

static int each_subkey(void *user, cf_key sub, const char *name)
{
	struct query *q = user;
	CF_FREE char *path = NULL;
	(void)sub;
	if (asprintf(&path, "%s%s%s", q->path, *q->path ? "\\" : "", name) < 0) {
		path = NULL;
		return -1;
	}
	json_array_append_new(q->subkeys, cf_json_text(path));
	return 0;
}

/* One key after another; with /s the subkeys found so far are the worklist. */
static int walk(const struct cf_hive *h, const struct place *p, const char *only, bool recursive, json_t *keys,
		struct cf_error *err)
{
	json_t *todo = json_array();
	json_array_append_new(todo, cf_json_text(p->key));
	int r = 0;
	for (size_t i = 0; i < json_array_size(todo) && r == 0; i++) {
		const char *path = json_string_value(json_array_get(todo, i));
		struct query q = { .values = json_array(), .subkeys = json_array(), .only = only, .path = path };
		cf_key k;
		char shown[1200];
		if (i > MAX_KEYS)
			r = cf_fail(err, CF_E_UNSUPPORTED, "more than %d keys; query a smaller part", MAX_KEYS);
		else if (cf_hive_find(h, cf_hive_root(h), path, &k, err) < 0 || cf_hive_values(h, k, each_value, &q, err) < 0 ||
			 cf_hive_subkeys(h, k, each_subkey, &q, err) < 0)
			r = -1;
		snprintf(shown, sizeof shown, "%s%s%s", p->root, *path ? "\\" : "", path);
		json_t *names = json_array();
		for (size_t n = 0; n < json_array_size(q.subkeys); n++) {
			const char *sub = json_string_value(json_array_get(q.subkeys, n));
			char full[1300];
			snprintf(full, sizeof full, "%s\\%s", p->root, sub);
			json_array_append_new(names, cf_json_text(full));
			if (recursive)
				json_array_append_new(todo, cf_json_text(sub));
		}
		if (r == 0 && (!only || json_array_size(q.values)))
			json_array_append_new(keys, json_pack("{s:o,s:O,s:O}", "key", cf_json_text(shown), "values", q.values,
							      "subkeys", names));
		json_decref(names);
		json_decref(q.values);
		json_decref(q.subkeys);
	}
	json_decref(todo);
	return r;
}

static int query(const struct cf_request *req, struct cf_session *s, struct cf_result *r)
{
	struct place p;
	struct cf_hive_file file = { 0 };
	const char *only = req->value_name;
	if (!req->args[1])
		return cf_fail(&r->error, CF_E_USAGE, "reg query needs a key, such as HKLM\\SYSTEM\\CurrentControlSet\\Control");
	if (resolve(s, req->args[1], &p, &r->error) < 0)
		return -1;
	json_t *keys = json_array();
	json_object_set_new(r->doc, "keys", keys);
	cf_hive_file_load(s->m, p.vol, p.file, false, &file);
	int ret = 0;
	if (!file.hive) {
		r->error = file.error;
		if (r->error.code == CF_OK)
			cf_fail(&r->error, CF_E_NOT_FOUND, "the hive %s is not on this disk", p.file);
		ret = -1;
	} else {
		ret = walk(file.hive, &p, only, req->recursive, keys, &r->error);
		if (ret < 0)
			cf_fail_path(&r->error, req->args[1]);
		else if (only && !json_array_size(keys))
			ret = cf_fail(&r->error, CF_E_NOT_FOUND, "%s has no value \"%s\"", req->args[1], only);
	}
	cf_hive_file_free(&file);
	return ret;
}

int cf_job_reg(const struct cf_request *req, struct cf_result *r)
{
	struct cf_session s;
	if (!req->args || !req->args[0])
		return cf_fail(&r->error, CF_E_USAGE, "reg needs a verb: query");
	if (strcasecmp(req->args[0], "query") != 0)
		return cf_fail(&r->error, CF_E_USAGE, "reg has no verb \"%s\" in this version: use query", req->args[0]);
	int ret = cf_session_look(&s, req, NULL, NULL, &r->error);
	if (ret == 0)
		ret = query(req, &s, r);
	cf_session_close(&s);
	return ret;
}
