/* session.c - opening the disks of a command, and where their state lies.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * State of an image file lies beside it; of a device or NBD export in $XDG_STATE_HOME/coldfix/ID (root: /var/lib/coldfix/ID).
 */
#include "job/session.h"

#include "job/dump-record.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf16.h"
#include "block/container.h"

#define MAX_MEMORY (4 * CF_GIB) /* what a command that only reads may map: hives of 512 MiB, twice, and room to spare */

void cf_notice(const struct cf_request *req, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	if (!req->notice)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	cf_text_tame(line, false);
	req->notice(req->user, line);
}

/* A file name made of a disk id: everything but letters, digits, dot, dash becomes '_'. */
static void safe_name(const char *id, char *out, size_t n)
{
	size_t i = 0;
	for (; id[i] && i + 1 < n; i++) {
		char c = id[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
		out[i] = ok ? c : '_';
	}
	out[i] = 0;
	if (out[0] == '.')
		out[0] = '_';
}

static char *state_folder(const char *id, struct cf_error *err)
{
	char name[200];
	char *out = NULL;
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	safe_name(id, name, sizeof name);
	int n;
	if (geteuid() == 0)
		n = asprintf(&out, "/var/lib/coldfix/%s", name);
	else if (xdg && *xdg == '/')
		n = asprintf(&out, "%s/coldfix/%s", xdg, name);
	else if (home && *home == '/')
		n = asprintf(&out, "%s/.local/state/coldfix/%s", home, name);
	else
		return cf_fail(err, CF_E_USAGE, "neither XDG_STATE_HOME nor HOME says where the undo file of a device goes"), NULL;
	return n < 0 ? (cf_fail_nomem(err), NULL) : out;
}

/* Identity from the partition table; two images of one size without a table are told apart by their content at undo. */
static void identify(struct cf_block *b, char *id, size_t n)
{
	struct cf_part_table *t = malloc(sizeof *t);
	char guid[CF_GUID_TEXT];
	if (t && cf_part_read(b, t, NULL) == 0 && t->scheme == CF_SCHEME_GPT)
		snprintf(id, n, "gpt:%s", cf_guid_format(&t->disk_guid, guid));
	else if (t && t->scheme == CF_SCHEME_MBR)
		snprintf(id, n, "mbr:%08x:%llu", t->signature, (unsigned long long)b->size);
	else
		snprintf(id, n, "size:%llu", (unsigned long long)b->size);
	free(t);
}

static int open_once(struct cf_session *s, const char *path, bool writable, struct cf_error *err)
{
	const struct cf_request *req = s->req;
	struct cf_disk_options opt = { .format = s->n == 0 ? req->format : NULL,
				       .sector_size = s->n == 0 ? req->sector_size : 0,
				       .writable = writable,
				       .allow_backing = req->allow_backing,
				       .allow_checkpoints = req->allow_checkpoints,
				       .force_share = req->force_share };
	if (s->n >= CF_MAX_DISKS)
		return cf_fail(err, CF_E_USAGE, "more than %d disks", CF_MAX_DISKS);
	struct cf_disk *d = cf_disk_open(path, &opt, err);
	if (!d)
		return cf_fail_path(err, path);
	unsigned i = s->n++;
	s->disk[i] = d;
	bool folder = d->is_device || d->is_uri;
	s->state[i] = folder ? state_folder(d->id ? d->id : path, err) : realpath(path, NULL);
	if (!s->state[i])
		return folder ? -1 : cf_fail_errno(err, CF_E_IO, errno, "can't resolve %s", path);
	identify(d->block, s->id[i], sizeof s->id[i]);
	s->place[i] = (struct cf_txn_place){ .undo_file = i == 0 ? req->undo_file : NULL,
					     .state_base = s->state[i],
					     .state_is_folder = folder,
					     .disk_id = s->id[i],
					     .disk_path = d->path,
					     .no_undo = req->no_undo,
					     .progress = req->progress,
					     .user = req->user };
	enum cf_recovery what = CF_RECOVERY_NONE;
	/* An unfinished change on a disk that has moved on can't be taken back by itself; undo --force can, and goes on. */
	struct cf_error e = { 0 };
	if (cf_txn_recover(d->block, &s->place[i], &what, &e) < 0 &&
	    !(e.code == CF_E_CHANGED && req->command == CF_UNDO && req->force)) {
		if (err)
			*err = e;
		return cf_fail_path(err, path);
	}
	if (what == CF_RECOVERY_ROLLED_BACK) {
		cf_notice(req, "%s: an unfinished change was rolled back", path);
		s->rolled_back |= i == 0;
		identify(d->block, s->id[i], sizeof s->id[i]);
	}
	if (what == CF_RECOVERY_ROW_SHORTENED) {
		cf_notice(req, "%s: the unfinished step of a longer change was rolled back; the steps before it are still there", path);
		s->row_shortened |= i == 0;
		identify(d->block, s->id[i], sizeof s->id[i]);
	}
	return 0;
}

/* Does the partition table need more of the disk than `size` bytes? 1, 0, or -1: it can't be read, so nothing is decided. */
static int needs_more(struct cf_block *b, uint64_t size, struct cf_error *err)
{
	CF_FREE struct cf_part_table *t = malloc(sizeof *t);
	if (!t)
		return cf_fail_nomem(err);
	if (cf_part_read(b, t, err) < 0)
		return cf_fail_prefix(err, "an expansion of this disk did not finish, and its partition table can't be read");
	if (t->scheme == CF_SCHEME_NONE)
		return cf_fail(err, CF_E_UNCLEAN, "an expansion of this disk did not finish, and it has no partition table");
	return t->needs > size;
}

/* An expansion that was stopped: whether it had succeeded is in the partition table. 1: the image's file was made small again
 * (it must be opened anew), 0: nothing to do, -1. */
static int settle_growth(struct cf_session *s, unsigned i, bool writable, struct cf_error *err)
{
	struct cf_growth g;
	if (s->growing || s->place[i].state_is_folder)
		return 0;
	int there = cf_growth_read(s->state[i], &g, err);
	if (there <= 0)
		return there;
	int more = g.kind != CF_GROWTH_NONE && s->disk[i]->block->size > g.old_size ? needs_more(s->disk[i]->block, g.old_size, err) : 0;
	if (more < 0)
		return -1;
	if (more > 0)
		return writable ? cf_growth_keep(s->state[i], err) : 0;
	if (!writable)
		return g.kind == CF_GROWTH_NONE ? 0 :
			       cf_fail(err, CF_E_UNCLEAN, "an expansion of this disk did not finish: run 'coldfix repair' on it, which first "
				       "puts it back as it was");
	/* A file keeps its lock until it is small; QEMU takes its own. */
	if (g.kind == CF_GROWTH_QCOW2) {
		cf_disk_close(s->disk[i]);
		s->disk[i] = NULL;
	}
	return cf_growth_back(s->state[i], &g, err) < 0 ? -1 : 1;
}

static int open_one(struct cf_session *s, const char *path, bool writable, struct cf_error *err)
{
	CF_FREE char *image = cf_is_nbd_uri(path) ? NULL : realpath(path, NULL);
	struct stat st;
	if (image && !s->growing && stat(image, &st) == 0 && S_ISREG(st.st_mode) && cf_growth_settle_file(image, writable, err) < 0)
		return cf_fail_path(err, path);
	if (open_once(s, path, writable, err) < 0)
		return -1;
	int small = settle_growth(s, s->n - 1, writable, err);
	if (small < 0)
		return cf_fail_path(err, path);
	if (!small)
		return 0;
	if (s->req->command != CF_UNDO)
		cf_notice(s->req, "%s: an expansion that had not finished was taken back", path);
	s->rolled_back |= s->n == 1;
	s->n--;
	cf_disk_close(s->disk[s->n]);
	free(s->state[s->n]);
	s->disk[s->n] = NULL;
	s->state[s->n] = NULL;
	return open_once(s, path, writable, err);
}

static int open_all(struct cf_session *s, const struct cf_request *req, const char *path, bool writable, struct cf_error *err)
{
	if (open_one(s, path ? path : req->disk, writable, err) < 0)
		return -1;
	for (size_t i = 0; req->data_disks && req->data_disks[i]; i++)
		if (open_one(s, req->data_disks[i], writable, err) < 0)
			return -1;
	return cf_record_read(s, &s->collected, &s->n_collected, err);
}

int cf_session_open_for_plan(struct cf_session *s, const struct cf_request *req, struct cf_error *err)
{
	struct cf_error why = { 0 };
	if (cf_session_open(s, req, NULL, false, &why) == 0)
		return 0;
	if (err)
		*err = why;
	if (why.code != CF_E_UNCLEAN || req->dry_run || req->analyze)
		return -1;
	cf_session_close(s);
	if (cf_session_open(s, req, NULL, true, err) < 0)
		return -1;
	cf_session_close(s);
	return cf_session_open(s, req, NULL, false, err);
}

int cf_session_open(struct cf_session *s, const struct cf_request *req, const char *path, bool writable, struct cf_error *err)
{
	*s = (struct cf_session){ .req = req };
	return open_all(s, req, path, writable, err);
}

int cf_session_open_growing(struct cf_session *s, const struct cf_request *req, const char *path, struct cf_error *err)
{
	*s = (struct cf_session){ .req = req, .growing = true };
	return open_all(s, req, path, true, err);
}

void cf_session_lock_in(const struct cf_session *s, const char *folder)
{
	cf_session_lock_in_box(s, (struct cf_sandbox){ .folder = folder });
}

void cf_session_lock_in_box(const struct cf_session *s, struct cf_sandbox box)
{
	box.memory = MAX_MEMORY;
	box.whole_process = true;
	unsigned absent = s->req->sandbox ? cf_sandbox_enter(&box) : 0;
	if (absent & (CF_SANDBOX_FILES | CF_SANDBOX_SYSCALLS) && s->req->sandbox > 1)
		cf_notice(s->req, "the sandbox is incomplete here:%s%s missing", absent & CF_SANDBOX_FILES ? " Landlock" : "",
			  absent & CF_SANDBOX_SYSCALLS ? " seccomp" : "");
}

int cf_session_survey_with(const struct cf_session *s, struct cf_block *const instead[CF_MAX_DISKS], struct cf_machine **m, struct cf_error *err)
{
	struct cf_block *block[CF_MAX_DISKS];
	const char *path[CF_MAX_DISKS];
	struct cf_survey_options opt = { .windows = s->req->windows };
	for (unsigned i = 0; i < s->n; i++) {
		block[i] = instead[i] ? instead[i] : s->disk[i]->block;
		path[i] = s->disk[i]->path;
	}
	cf_machine_free(*m);
	*m = NULL;
	return cf_machine_survey(block, path, s->n, &opt, m, err);
}

int cf_session_survey(struct cf_session *s, struct cf_error *err)
{
	static struct cf_block *const as_they_are[CF_MAX_DISKS];
	if (cf_session_survey_with(s, as_they_are, &s->m, err) < 0)
		return cf_fail_path(err, s->disk[0]->path);
	cf_context_make(&s->ctx, s->m, s->req);
	s->ctx.collected = s->collected;
	s->ctx.n_collected = s->n_collected;
	return 0;
}

int cf_session_look(struct cf_session *s, const struct cf_request *req, const char *path, const char *folder, struct cf_error *err)
{
	if (cf_session_open(s, req, path, false, err) < 0)
		return -1;
	cf_session_lock_in(s, folder);
	return cf_session_survey(s, err);
}

void cf_session_close(struct cf_session *s)
{
	free(s->collected);
	cf_machine_free(s->m);
	for (unsigned i = 0; i < s->n; i++) {
		cf_disk_close(s->disk[i]);
		free(s->state[i]);
	}
	*s = (struct cf_session){ 0 };
}

bool cf_session_confirmed(const struct cf_session *s, struct cf_result *out)
{
	const struct cf_request *req = s->req;
	const struct cf_disk *d = s->disk[0];
	struct cf_result shown = *out;
	if (!req->confirm)
		return true;
	/* A device has no name that says whose it is. */
	if (d && d->is_device)
		cf_notice(req, "%s: %s, serial %s, %llu bytes, %s, computer %s", d->path, d->model ? d->model : "unknown model",
			  d->serial ? d->serial : "unknown", (unsigned long long)d->block->size, s->id[0],
			  s->ctx.in && s->ctx.in->computer_name ? s->ctx.in->computer_name : "unknown");
	shown.plan = true;
	if (req->confirm(req->user, &shown))
		return true;
	json_object_set_new(out->doc, "declined", json_true());
	out->exit_status = 4;
	return false;
}

int cf_session_path(const struct cf_session *s, const char *text, size_t *vol, const char **path, struct cf_error *err)
{
	const struct cf_machine *m = s->m;
	const char *colon = strchr(text, ':');
	size_t lead = colon ? (size_t)(colon - text) : 0;
	int found = -1;
	if (!colon) {
		if (m->selected < 0 && m->n_vols != 1)
			return cf_fail(err, CF_E_NO_WINDOWS, "no Windows was found; name a partition: 2:\\path");
		found = m->selected >= 0 ? (int)m->install[m->selected].vol : 0;
		*path = text;
	} else if (lead >= 1 && lead <= 3 && strspn(text, "0123456789") == lead) {
		unsigned number = (unsigned)strtoul(text, NULL, 10);
		for (size_t i = 0; i < m->n_vols && found < 0; i++)
			if (m->vol[i].disk == 0 && m->vol[i].number == number)
				found = (int)i;
		if (found < 0)
			return cf_fail(err, CF_E_NOT_FOUND, "there is no partition %u on this disk", number);
		*path = colon + 1;
	} else if (lead == 1 && ((text[0] | 32) >= 'a' && (text[0] | 32) <= 'z')) {
		if (m->selected < 0)
			return cf_fail(err, CF_E_NO_WINDOWS, "no Windows was found that gives drive letters; name a partition: 2:\\path");
		const struct cf_install *in = &m->install[m->selected];
		char letter = (char)(text[0] & ~32);
		found = letter == in->own_letter ? (int)in->vol : cf_machine_find_letter(m, in, letter);
		if (found < 0)
			return cf_fail(err, CF_E_NOT_FOUND, "drive %c: is not on this disk", letter);
		*path = colon + 1;
	} else {
		return cf_fail(err, CF_E_USAGE, "\"%s\" is no path: use C:\\path, 2:\\path (partition 2) or \\path", text);
	}
	const struct cf_vol *v = &m->vol[found];
	if (!v->vol && v->error.code == CF_OK)
		return cf_fail(err, CF_E_UNSUPPORTED, "partition %u holds no file system whose files can be read (it is %s)", v->number,
			       cf_fs_name(v->fs));
	if (!v->vol) {
		if (err)
			*err = v->error;
		return -1;
	}
	*vol = (size_t)found;
	return 0;
}
