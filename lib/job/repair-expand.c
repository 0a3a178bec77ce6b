/* repair-expand.c - repair --expand: what cleaning up could not bring comes from a larger disk.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A second step with an undo file of its own, since the first one's transaction is in the disk as it was. Only when the repair has left volume-full:
 * the option allows growing, it does not ask for it. Both steps are shown and asked about as one plan; only when the second turns out to be another
 * one than was shown there is a second question. A VHDX can't grow in place, so its copy (--output) is made as large as it is to be.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "block/container.h"
#include "job/expand.h"
#include "problem/limits.h"

#define GROW_BY (8 * CF_GIB) /* unless a size is named: room for updates and a paging file, and small beside any disk's price */

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

/* What the expansion says becomes part of what the repair says. plan: it has not been carried out. */
static void merge(const struct cf_request *req, json_t *doc, const struct cf_result *x, json_t *finding, bool plan)
{
	json_t *changes = json_object_get(doc, "changes"), *list = json_object_get(doc, "undo_files");
	bool declined = json_is_true(json_object_get(x->doc, "declined"));
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
	bool room = free_of(x->doc) >= cf_full_below(req);
	const char *status = plan ? "planned" : declined || !room ? "left" : "fixed";
	json_object_set_new(finding, "status", json_string(status));
	if (strcmp(status, "left") != 0)
		json_object_del(finding, "reason");
	if (!plan && !declined) {
		json_object_set(doc, "disk", json_object_get(x->doc, "disk"));
		json_object_set(doc, "windows", json_object_get(x->doc, "windows"));
	}
}

static bool ends_in(const char *name, const char *with)
{
	size_t n = strlen(name), k = strlen(with);
	return n > k && strcasecmp(name + n - k, with) == 0;
}

uint64_t cf_job_repair_expand_copy(const struct cf_request *req, const json_t *doc, uint64_t now)
{
	uint64_t size = req->expand_size ? req->expand_size : now + GROW_BY;
	if (!req->expand || !req->output || !ends_in(req->output, ".vhdx") || !left_full(doc) || size <= now)
		return 0;
	return size > INT64_MAX - CF_MIB ? 0 : (size + CF_MIB - 1) / CF_MIB * CF_MIB;
}

/* The expansion as a command of its own, of the disk or (copied: it is there already) of its copy. */
static void request(const struct cf_request *req, bool copied, struct cf_request *more)
{
	struct stat st;
	*more = *req;
	if (copied) {
		more->disk = req->output;
		more->format = NULL;
		more->output = NULL;
	}
	more->command = CF_EXPAND;
	more->undo_file = NULL; /* the first step has taken the name */
	bool fixed_size = !more->output && (cf_is_nbd_uri(more->disk) || (stat(more->disk, &st) == 0 && S_ISBLK(st.st_mode)));
	more->expand_max = !more->expand_size && fixed_size;
	more->expand_by = !more->expand_size && !fixed_size ? GROW_BY : 0;
}

static int run_expand(const struct cf_request *more, struct cf_result *x)
{
	*x = (struct cf_result){ .command = CF_EXPAND, .disk = more->disk, .doc = json_object() };
	return x->doc ? cf_job_expand(more, x) : cf_fail_nomem(&x->error);
}

/* The two plans lead to the same disk. */
static bool same_end(const json_t *a, const json_t *b)
{
	static const char *const key[] = { "disk_size_after", "partition", "size_after", "moved" };
	for (size_t i = 0; i < CF_ARRAY_LEN(key); i++)
		if (!json_equal(json_object_get(a, key[i]), json_object_get(b, key[i])))
			return false;
	return true;
}

json_t *cf_job_repair_expand_plan(const struct cf_request *req, json_t *doc)
{
	struct cf_request more;
	struct cf_result x;
	if (!req->expand || !left_full(doc))
		return NULL;
	request(req, false, &more);
	more.dry_run = true;
	more.confirm = NULL;
	json_t *whole = json_deep_copy(doc);
	if (whole && run_expand(&more, &x) == 0) {
		merge(req, whole, &x, left_full(whole), true);
		json_object_set(doc, "expand", json_object_get(x.doc, "expand"));
	}
	json_decref(x.doc);
	return whole;
}

/* What was agreed to with the repair is not asked again. */
static bool agreed(const struct cf_request *more, const json_t *expected)
{
	struct cf_request look = *more;
	struct cf_result x;
	look.dry_run = true;
	look.confirm = NULL;
	bool same = expected && run_expand(&look, &x) == 0 && same_end(expected, json_object_get(x.doc, "expand"));
	if (expected)
		json_decref(x.doc);
	return same;
}

int cf_job_repair_expand(const struct cf_request *req, struct cf_result *out)
{
	json_t *finding = left_full(out->doc), *expected = json_incref(json_object_get(out->doc, "expand"));
	struct cf_request more;
	struct cf_result x;
	json_object_del(out->doc, "expand");
	if (!finding || json_is_true(json_object_get(out->doc, "declined"))) {
		json_decref(expected);
		return 0;
	}
	bool copied = !req->dry_run && req->output;
	request(req, copied, &more);
	/* Nothing makes this copy larger any more: it has the room already. */
	if (copied && ends_in(req->output, ".vhdx")) {
		more.expand_size = (uint64_t)json_integer_value(json_object_get(json_object_get(out->doc, "disk"), "size"));
		more.expand_by = 0;
	}
	if (more.confirm && agreed(&more, expected))
		more.confirm = NULL;
	json_decref(expected);
	int ret = run_expand(&more, &x);
	if (ret == 0) {
		merge(req, out->doc, &x, finding, req->dry_run);
		out->exit_status = req->dry_run ? 4 : status_of(out->doc);
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
