/* describe.c - disk, installations, findings and verdict as the contract's JSON.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/session.h"

json_t *cf_json_text(const char *text)
{
	if (!text)
		return json_null();
	json_t *j = json_string(text);
	if (j)
		return j;
	/* Host paths and error texts may hold bytes that are no UTF-8: those are shown as \xNN. */
	CF_BUF out = { 0 };
	for (size_t i = 0, n = strlen(text); i < n;) {
		size_t k = 1;
		while ((unsigned char)text[i] >= 0xc0 && k < 4 && i + k < n && ((unsigned char)text[i + k] & 0xc0) == 0x80)
			k++;
		json_t *one = json_stringn(text + i, k);
		int r = 0;
		if (one)
			r = cf_buf_append(&out, text + i, k);
		else
			for (size_t b = 0; b < k && r == 0; b++)
				r = cf_buf_printf(&out, "\\x%02x", (unsigned char)text[i + b]);
		json_decref(one);
		if (r < 0)
			return json_null();
		i += k;
	}
	return json_stringn(out.p ? (char *)out.p : "", out.n);
}

json_t *cf_json_number(uint64_t n)
{
	return json_integer((json_int_t)(n < INT64_MAX ? n : INT64_MAX));
}

void cf_json_set_path(json_t *j, const char *path)
{
	json_object_set_new(j, "path", cf_json_text(path));
	if (strstr(path, "\\u{"))
		json_object_set_new(j, "escaped", json_true());
}

void cf_describe_unwritten(json_t *doc)
{
	json_object_set_new(doc, "undo_file", json_null());
	json_object_set_new(doc, "bytes_written", json_integer(0));
}

static json_t *partition(const struct cf_machine *m, const struct cf_vol *v)
{
	char type[CF_GUID_TEXT] = "";
	const struct cf_part_table *t = &m->disk[v->disk].parts;
	char letter[2] = { v->letter, 0 };
	if (v->part)
		cf_part_type_text(t, v->part, type);
	json_t *j = json_object();
	json_object_set_new(j, "number", json_integer(v->number));
	json_object_set_new(j, "start", json_integer((json_int_t)v->start));
	json_object_set_new(j, "size", json_integer((json_int_t)v->size));
	json_object_set_new(j, "type", json_string(type));
	json_object_set_new(j, "name", cf_json_text(v->part ? v->part->name : ""));
	if (v->part && strstr(v->part->name, "\\u{"))
		json_object_set_new(j, "escaped", json_true());
	json_object_set_new(j, "filesystem", json_string(cf_fs_name(v->fs)));
	json_object_set_new(j, "role", json_string(cf_role_name(v->role)));
	json_object_set_new(j, "letter", v->letter ? json_string(letter) : json_null());
	json_object_set_new(j, "label", cf_json_text(v->label));
	if (v->part && t->scheme == CF_SCHEME_GPT) {
		char guid[CF_GUID_TEXT];
		json_object_set_new(j, "guid", json_string(cf_guid_format(&v->part->guid, guid)));
	}
	if (v->part && t->scheme == CF_SCHEME_MBR)
		json_object_set_new(j, "active", json_boolean(v->part->active));
	if (v->error.code != CF_OK && v->fs != CF_FS_UNKNOWN && v->fs != CF_FS_EMPTY)
		json_object_set_new(j, "note", cf_json_text(v->error.message));
	return j;
}

json_t *cf_describe_disk(const struct cf_session *s)
{
	const struct cf_machine *m = s->m;
	const struct cf_disk *d = s->disk[0];
	const struct cf_part_table *t = &m->disk[0].parts;
	char text[CF_GUID_TEXT];
	json_t *j = json_object(), *parts = json_array();
	json_object_set_new(j, "path", cf_json_text(d->path));
	json_object_set_new(j, "format", json_string(cf_disk_format_name(d->format)));
	json_object_set_new(j, "size", json_integer((json_int_t)d->block->size));
	json_object_set_new(j, "sector_size", json_integer(d->block->sector_size));
	json_object_set_new(j, "scheme",
			    t->scheme == CF_SCHEME_GPT ? json_string("gpt")
						       : t->scheme == CF_SCHEME_MBR ? json_string("mbr") : json_null());
	json_object_set_new(j, "generation", m->generation ? json_integer(m->generation) : json_null());
	if (t->scheme == CF_SCHEME_GPT) {
		json_object_set_new(j, "guid", json_string(cf_guid_format(&t->disk_guid, text)));
	} else if (t->scheme == CF_SCHEME_MBR) {
		snprintf(text, sizeof text, "%08x", t->signature);
		json_object_set_new(j, "signature", json_string(text));
	}
	if (d->model)
		json_object_set_new(j, "model", cf_json_text(d->model));
	if (d->serial)
		json_object_set_new(j, "serial", cf_json_text(d->serial));
	if (d->lun)
		json_object_set_new(j, "lun", cf_json_text(d->lun));
	if (d->inconsistent)
		json_object_set_new(j, "inconsistent", json_true());
	if (d->temporary_overlay)
		json_object_set_new(j, "temporary_overlay", json_true());
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].disk == 0)
			json_array_append_new(parts, partition(m, &m->vol[i]));
	json_object_set_new(j, "partitions", parts);
	return j;
}

static json_t *number_or_null(unsigned n)
{
	return n ? json_integer(n) : json_null();
}

static json_t *install(const struct cf_machine *m, const struct cf_install *in)
{
	const struct cf_vol *v = &m->vol[in->vol];
	json_t *j = json_object(), *sets = json_array();
	json_object_set_new(j, "partition", json_integer(v->number));
	json_object_set_new(j, "root", cf_json_text(in->root));
	json_object_set_new(j, "product", cf_json_text(in->product));
	json_object_set_new(j, "version", cf_json_text(in->version));
	json_object_set_new(j, "display_version", cf_json_text(in->display_version));
	json_object_set_new(j, "build", number_or_null(in->build));
	json_object_set_new(j, "update_revision", json_integer(in->ubr));
	json_object_set_new(j, "edition", cf_json_text(in->edition));
	json_object_set_new(j, "server", json_boolean(in->server));
	json_object_set_new(j, "architecture", cf_json_text(in->architecture));
	json_object_set_new(j, "computer_name", cf_json_text(in->computer_name));
	json_object_set_new(j, "guest_agent", json_boolean(in->guest_agent));
	json_object_set_new(j, "update_pending", json_boolean(in->update_pending));
	for (size_t i = 0; i < in->n_sets; i++)
		json_array_append_new(sets, json_integer(in->set[i].number));
	json_object_set_new(j, "control_sets", sets);
	json_object_set_new(j, "current_control_set", number_or_null(in->current));
	json_object_set_new(j, "default_control_set", number_or_null(in->default_set));
	json_object_set_new(j, "failed_control_set", number_or_null(in->failed));
	json_object_set_new(j, "last_known_good_control_set", number_or_null(in->last_known_good));
	if (in->store >= 0) {
		const struct cf_boot_store *st = &m->store[in->store];
		json_object_set_new(j, "boot_store",
				    json_pack("{s:i,s:o}", "partition", (int)m->vol[st->vol].number, "path",
					      cf_json_text(st->path)));
	} else {
		json_object_set_new(j, "boot_store", json_null());
	}
	json_object_set_new(j, "default_boot", json_boolean(in->is_default));
	json_object_set_new(j, "selected", json_boolean(m->selected >= 0 && &m->install[m->selected] == in));
	json_object_set_new(j, "free_bytes", json_integer((json_int_t)v->space.free_bytes));
	json_object_set_new(j, "total_bytes", json_integer((json_int_t)v->space.total_bytes));
	json_object_set_new(j, "cluster_size", json_integer((json_int_t)v->space.cluster_size));
	json_object_set_new(j, "largest_free_extent_bytes", json_integer((json_int_t)v->space.largest_free_extent_bytes));
	return j;
}

json_t *cf_describe_windows(const struct cf_session *s)
{
	json_t *a = json_array();
	for (size_t i = 0; i < s->m->n_installs; i++)
		json_array_append_new(a, install(s->m, &s->m->install[i]));
	return a;
}

json_t *cf_describe_findings(const struct cf_findings *fs)
{
	json_t *a = json_array();
	for (size_t i = 0; i < fs->n; i++) {
		const struct cf_finding *f = &fs->item[i];
		json_t *j = json_object();
		json_object_set_new(j, "id", json_string(f->problem->id));
		json_object_set_new(j, "severity", json_string(cf_severity_name(f->severity)));
		json_object_set_new(j, "article", json_string(f->problem->article));
		json_object_set_new(j, "step", json_string(f->problem->step));
		json_object_set_new(j, "title", json_string(f->problem->title));
		json_object_set_new(j, "detail", cf_json_text(f->detail));
		json_object_set_new(j, "where", cf_json_text(f->where));
		json_object_set(j, "evidence", f->evidence);
		json_object_set_new(j, "repair", json_string(cf_repair_name(f->repair)));
		json_object_set_new(j, "status", json_string(cf_status_name(f->status)));
		if (f->reason)
			json_object_set_new(j, "reason", cf_json_text(f->reason));
		json_array_append_new(a, j);
	}
	return a;
}

json_t *cf_describe_verdict(const struct cf_verdict *v)
{
	json_t *causes = json_array();
	for (size_t i = 0; i < v->n_causes; i++)
		json_array_append_new(causes, json_string(v->cause[i]));
	return json_pack("{s:s,s:o,s:o,s:s}", "code", v->code, "sentence", cf_json_text(v->sentence), "causes", causes,
			 "confidence", v->confidence);
}

static json_t *error_json(const struct cf_error *e)
{
	return json_pack("{s:s,s:o,s:o,s:o}", "code", cf_code_name(e->code), "message", cf_json_text(e->message), "path",
			 cf_json_text(e->path[0] ? e->path : NULL), "offset", e->has_offset ? json_integer((json_int_t)e->offset) : json_null());
}

json_t *cf_json_head(const char *command, int exit_status, const struct cf_error *e)
{
	json_t *j = json_object();
	json_object_set_new(j, "coldfix", json_string(cf_version()));
	json_object_set_new(j, "command", json_string(command));
	json_object_set_new(j, "exit_status", json_integer(exit_status));
	if (e)
		json_object_set_new(j, "error", error_json(e));
	return j;
}
