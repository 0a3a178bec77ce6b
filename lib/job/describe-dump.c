/* describe-dump.c - one crash dump as the contract's JSON.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "dump/find.h"
#include "dump/modules.h"
#include "dump/stop.h"
#include "job/session.h"

static json_t *hex(uint64_t v, unsigned digits)
{
	char text[24];
	snprintf(text, sizeof text, "0x%0*llX", (int)digits, (unsigned long long)v);
	return json_string(text);
}

static unsigned digits(const struct cf_dump_info *i)
{
	return i->bits == 32 ? 8 : 16;
}

static json_t *number_or_null(bool known, uint64_t v)
{
	return known && v <= INT64_MAX ? json_integer((json_int_t)v) : json_null();
}

/* "amdppm.sys+0x334C"; by its address for a module whose name is not in the dump */
static json_t *place_in(const struct cf_dump_module *m, uint64_t address)
{
	char text[300];
	if (!m)
		return json_null();
	const char *name = cf_dump_module_base(m);
	int n = *name ? snprintf(text, sizeof text, "%.200s", name) : snprintf(text, sizeof text, "0x%llX", (unsigned long long)m->base);
	snprintf(text + n, sizeof text - (size_t)n, "+0x%llX", (unsigned long long)(address - m->base));
	return cf_json_text(text);
}

static json_t *bugcheck(const struct cf_dump_info *i, const struct cf_dump_modules *m)
{
	json_t *parameters = json_array(), *meanings = json_array(), *values = json_array();
	for (unsigned k = 0; k < 4; k++) {
		uint64_t v = i->parameter[k];
		const char *status = cf_ntstatus_name(v);
		const char *meaning = cf_stop_parameter(i->code, i->parameter, k);
		json_array_append_new(parameters, hex(v, digits(i)));
		json_array_append_new(meanings, meaning ? json_string(_(meaning)) : json_null());
		json_array_append_new(values, status ? json_string(status) : place_in(cf_dump_module_at(m, v), v));
	}
	const char *name = cf_stop_name(i->code);
	json_t *j = json_object();
	json_object_set_new(j, "code", hex(i->code, 8));
	json_object_set_new(j, "name", name ? json_string(name) : json_null());
	json_object_set_new(j, "parameters", parameters);
	json_object_set_new(j, "meanings", meanings);
	json_object_set_new(j, "values", values);
	return j;
}

static json_t *exception(const struct cf_dump_info *i, const struct cf_dump_modules *m)
{
	const char *name = cf_ntstatus_name(i->exception_code);
	json_t *j = json_object();
	json_object_set_new(j, "code", hex(i->exception_code, 8));
	json_object_set_new(j, "name", name ? json_string(name) : json_null());
	json_object_set_new(j, "address", hex(i->exception_address, digits(i)));
	json_object_set_new(j, "module", place_in(cf_dump_module_at(m, i->exception_address), i->exception_address));
	return j;
}

static json_t *modules(const struct cf_dump_info *i, const struct cf_dump_modules *m)
{
	json_t *list = json_array();
	for (size_t k = 0; k < m->n; k++) {
		json_t *j = json_object();
		json_object_set_new(j, "name", cf_json_text(m->item[k].name));
		json_object_set_new(j, "base", hex(m->item[k].base, digits(i)));
		json_object_set_new(j, "size", number_or_null(true, m->item[k].size));
		json_object_set_new(j, "timestamp", m->item[k].timestamp ? json_integer(m->item[k].timestamp) : json_null());
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *stack(const struct cf_dump_info *i, const struct cf_dump_stack *st)
{
	json_t *list = json_array();
	for (size_t k = 0; k < st->n; k++) {
		const struct cf_dump_frame *f = &st->item[k];
		json_t *j = json_object();
		json_object_set_new(j, "at", f->at ? hex(f->at, digits(i)) : json_null());
		json_object_set_new(j, "address", hex(f->address, digits(i)));
		json_object_set_new(j, "module", place_in(f->module, f->address));
		json_array_append_new(list, j);
	}
	return list;
}

static void header(json_t *j, const struct cf_dump_info *i)
{
	char time[32];
	json_object_set_new(j, "kind", json_string(cf_dump_kind_name(i->kind)));
	json_object_set_new(j, "required_size", number_or_null(i->required_size, i->required_size));
	json_object_set_new(j, "required_dump_space", number_or_null(i->required_dump_space, i->required_dump_space));
	json_object_set_new(j, "dump_size", json_integer((json_int_t)i->extent));
	json_object_set_new(j, "complete", json_boolean(i->complete));
	json_object_set_new(j, "cut_reason", i->complete ? json_null() : json_string(i->cut));
	json_object_set_new(j, "time", i->has_time ? json_string(cf_dump_time_text(i, time)) : json_null());
	json_object_set_new(j, "uptime_seconds", number_or_null(i->has_uptime, i->uptime_seconds));
	json_object_set_new(j, "architecture", i->architecture ? json_string(i->architecture) : json_null());
	json_object_set_new(j, "build", number_or_null(i->build, i->build));
	json_object_set_new(j, "processors", number_or_null(i->processors, i->processors));
	static const char *const product[] = { NULL, "workstation", "domain-controller", "server" };
	const char *p = i->product_type < CF_ARRAY_LEN(product) ? product[i->product_type] : NULL;
	json_object_set_new(j, "product", p ? json_string(p) : json_null());
	if (i->kind == CF_KIND_USER)
		return;
	json_object_set_new(j, "type", json_integer(i->type));
	json_object_set_new(j, "bits", json_integer(i->bits));
	json_object_set_new(j, "memory_bytes", number_or_null(i->memory_pages, i->memory_pages * CF_DUMP_PAGE));
	json_object_set_new(j, "directory_table_base", hex(i->directory_table_base, digits(i)));
	json_object_set_new(j, "ps_loaded_module_list", hex(i->ps_loaded_module_list, digits(i)));
	json_object_set_new(j, "kd_debugger_data_block", hex(i->kd_debugger_data_block, digits(i)));
	json_object_set_new(j, "live", json_boolean(i->attributes & CF_DUMP_ATTR_LIVE));
	json_object_set_new(j, "comment", i->comment[0] ? json_string(i->comment) : json_null());
}

static void nothing_known(json_t *j)
{
	static const char *const keys[] = { "kind", "required_size", "time", "uptime_seconds", "architecture", "build", "processors", "bugcheck", "modules" };
	for (size_t i = 0; i < CF_ARRAY_LEN(keys); i++)
		json_object_set_new(j, keys[i], json_null());
	json_object_set_new(j, "complete", json_false());
}

json_t *cf_describe_dump(struct cf_dump_source *s, const char *path, const struct cf_dump_place *place, bool full)
{
	static const char *const where[] = { "memory-dmp", "minidump", "live", "pagefile", "dedicated", "renamed-pagefile", "process", "elsewhere" };
	struct cf_dump_info i;
	struct cf_error err = { 0 };
	CF_DUMP_MODULES m = { 0 };
	CF_DUMP_STACK st = { 0 };
	json_t *j = json_object();
	json_object_set_new(j, "path", cf_json_text(path));
	json_object_set_new(j, "where", json_string(place ? where[place->where] : "file"));
	json_object_set_new(j, "in_pagefile", json_boolean(place && place->where == CF_DUMP_PAGEFILE));
	json_object_set_new(j, "size", number_or_null(s || place, s ? s->size : place ? place->size : 0));
	if (!s || cf_dump_read_info(s, &i, &err) < 0) {
		nothing_known(j);
		json_object_set_new(j, "error", cf_json_text(err.message));
		return j;
	}
	/* What can't be read behind a whole header (a bad sector, say) leaves the list unknown. */
	bool no_memory = full && (cf_dump_read_modules(s, &i, &m, &err) < 0 || cf_dump_read_stack(s, &i, &m, &st, &err) < 0) &&
			 err.code == CF_E_NO_MEMORY;
	header(j, &i);
	json_object_set_new(j, "bugcheck", i.has_bugcheck ? bugcheck(&i, &m) : json_null());
	json_object_set_new(j, "exception", i.has_exception ? exception(&i, &m) : json_null());
	json_object_set_new(j, "modules", full && m.known ? modules(&i, &m) : json_null());
	if (full && m.broken)
		json_object_set_new(j, "modules_incomplete", json_true());
	if (full)
		json_object_set_new(j, "stack", st.known ? stack(&i, &st) : json_null());
	if (no_memory) {
		json_decref(j);
		return NULL;
	}
	return j;
}
