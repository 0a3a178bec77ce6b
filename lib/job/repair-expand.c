/* repair-expand.c - repair --expand: what cleaning up could not bring comes from a larger disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A second step with an undo file of its own, since the first one's transaction is in the disk as it was. Only when the repair has left volume-full:
 * the option allows growing, it does not ask for it.
 */
#include <string.h>
#include <sys/stat.h>

#include "block/container.h"
#include "job/expand.h"

#define GROW_BY (8 * CF_GIB) /* unless a size is named: room for updates and a paging file, and small beside any disk's price */
#define FULL_BELOW (300 * CF_MIB)

static json_t *left_full(const json_t *doc)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(doc, "problems"), i, f)
		if (strcmp(json_string_value(json_object_get(f, "id")), "volume-full") == 0 &&
		    strcmp(json_string_value(json_object_get(f, "status")), "left") == 0)
			return f;
	return NULL;
}

/* As repair counts: an error, a warning or a blocker that is not fixed. */
static int status_of(const json_t *doc)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_object_get(doc, "problems"), i, f) {
		const char *severity = json_string_value(json_object_get(f, "severity")), *status = json_string_value(json_object_get(f, "status"));
		bool counts = strcmp(severity, "error") == 0 || strcmp(severity, "warning") == 0 || strcmp(severity, "blocker") == 0;
		if (counts && strcmp(status, "fixed") != 0)
			return 4;
	}
	return 0;
}

static uint64_t free_of(const json_t *doc)
{
	size_t i;
	json_t *w;
	json_array_foreach(json_object_get(doc, "windows"), i, w)
		if (json_is_true(json_object_get(w, "selected")))
			return (uint64_t)json_integer_value(json_object_get(w, "free_bytes"));
	return 0;
}

static void add_number(json_t *doc, const json_t *more, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(doc, key)) + json_integer_value(json_object_get(more, key));
	json_object_set_new(doc, key, json_integer(n));
}

/* What the expansion says becomes part of what the repair says. */
static void merge(const struct cf_request *req, struct cf_result *out, const struct cf_result *x, json_t *finding)
{
	json_t *doc = out->doc, *changes = json_object_get(doc, "changes"), *list = json_object_get(doc, "undo_files");
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(x->doc, "changes"), i, c)
		json_array_append(changes, c);
	json_object_set(doc, "expand", json_object_get(x->doc, "expand"));
	add_number(doc, x->doc, "bytes_planned");
	add_number(doc, x->doc, "bytes_written");
	json_t *undo = json_object_get(x->doc, "undo_file");
	if (json_is_string(undo)) {
		if (!list)
			json_object_set_new(doc, "undo_files", list = json_array());
		json_array_append(list, undo);
		json_object_set(doc, "undo_file", undo);
	}
	bool room = free_of(x->doc) >= (req->min_free ? req->min_free : FULL_BELOW);
	const char *status = req->dry_run ? "planned" : json_is_true(json_object_get(x->doc, "declined")) || !room ? "left" : "fixed";
	json_object_set_new(finding, "status", json_string(status));
	if (strcmp(status, "left") != 0)
		json_object_del(finding, "reason");
	if (!req->dry_run && !json_is_true(json_object_get(x->doc, "declined"))) {
		json_object_set(doc, "disk", json_object_get(x->doc, "disk"));
		json_object_set(doc, "windows", json_object_get(x->doc, "windows"));
	}
	out->exit_status = req->dry_run ? 4 : status_of(doc);
}

int cf_job_repair_expand(const struct cf_request *req, struct cf_result *out)
{
	json_t *finding = left_full(out->doc);
	struct cf_request more = *req;
	struct cf_result x = { .command = CF_EXPAND };
	struct stat st;
	if (!finding || json_is_true(json_object_get(out->doc, "declined")))
		return 0;
	if (!req->dry_run && req->output) {
		more.disk = req->output;
		more.format = NULL;
		more.output = NULL;
	}
	more.command = CF_EXPAND;
	more.undo_file = NULL; /* the first step has taken the name */
	bool fixed_size = cf_is_nbd_uri(more.disk) || (stat(more.disk, &st) == 0 && S_ISBLK(st.st_mode));
	more.expand_max = !more.expand_size && fixed_size;
	more.expand_by = !more.expand_size && !fixed_size ? GROW_BY : 0;
	x.disk = more.disk;
	x.doc = json_object();
	if (!x.doc)
		return cf_fail_nomem(&out->error);
	int ret = cf_job_expand(&more, &x);
	if (ret == 0) {
		merge(req, out, &x, finding);
	} else if (x.error.code == CF_E_USAGE || x.error.code == CF_E_REFUSED || x.error.code == CF_E_UNSUPPORTED || x.error.code == CF_E_UNCLEAN) {
		/* The repair itself is done; why the rest could not be is its finding's reason. */
		json_object_set_new(finding, "reason", cf_json_text(x.error.message));
		ret = 0;
	} else {
		out->error = x.error;
		cf_fail_prefix(&out->error, req->dry_run ? "the expansion" : "the repair is done, but the expansion is not");
	}
	json_decref(x.doc);
	return ret;
}
