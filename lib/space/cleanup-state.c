/* cleanup-state.c - what an installation says about its own rubbish: profiles, pending work, when it was last used.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "space/cleanup-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/i18n.h"
#include "base/utf16.h"

#define MAX_PROFILES 8192u
#define MAX_PENDING 100000u /* names; real lists have hundreds */
#define STAGING "$WINDOWS.~BT"

/* ---- profiles ---- */

void cf_clean_profiles_free(struct cf_clean_profiles *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct cf_clean_profiles){ 0 };
}

/* Takes path over. */
static int add_profile(struct cf_clean_profiles *p, char *path, struct cf_error *err)
{
	CF_FREE char *own = path;
	if (!own)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < p->n; i++)
		if (cf_utf8_eq_nocase(p->path[i], own))
			return 0;
	if (p->n == MAX_PROFILES)
		return 0;
	char **grown = reallocarray(p->path, p->n + 1, sizeof *grown);
	if (!grown)
		return cf_fail_nomem(err);
	p->path = grown;
	p->path[p->n++] = CF_STEAL(own);
	return 0;
}

static char *join(const char *folder, const char *name)
{
	char *out = NULL;
	return asprintf(&out, "%s\\%s", folder, name) < 0 ? NULL : out;
}

struct listing {
	struct cf_clean_profiles *p;
	const char *folder;
	struct cf_error *err;
};

static int each_user(void *user, const struct cf_tree_entry *e)
{
	struct listing *l = user;
	if (e->damaged || e->st.kind != CF_FILE_DIRECTORY || e->st.reparse_tag)
		return 0;
	return add_profile(l->p, join(l->folder, e->name), l->err);
}

/* Each folder in \Users and \Windows\ServiceProfiles, the two profiles of SYSTEM, and what the registry's list has on this volume. */
int cf_clean_profiles(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, struct cf_clean_profiles *p,
		      struct cf_error *err)
{
	static const char *const own[] = { "System32\\config\\systemprofile", "SysWOW64\\config\\systemprofile" };
	struct cf_volume *vol = m->vol[in->vol].vol;
	CF_FREE char *services = join(in->root, "ServiceProfiles");
	const char *const parents[] = { "\\Users", services };
	*p = (struct cf_clean_profiles){ 0 };
	if (!services)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < CF_ARRAY_LEN(parents); i++) {
		struct cf_error why = { 0 };
		struct listing l = { p, parents[i], &why };
		struct cf_stat st = { 0 };
		uint64_t ref;
		int rc = cf_tree_find(vol, parents[i], &ref, &st, &why);
		if (rc == 0 && st.kind == CF_FILE_DIRECTORY && !st.reparse_tag)
			rc = cf_tree_list(vol, ref, each_user, &l, &why);
		if (rc < 0 && (why.code == CF_E_IO || why.code == CF_E_NO_MEMORY))
			return cf_fail(err, why.code, "%s", why.message);
		if (rc < 0 && why.code != CF_E_NOT_FOUND && cf_clean_note_damaged(c, parents[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < CF_ARRAY_LEN(own); i++)
		if (add_profile(p, join(in->root, own[i]), err) < 0)
			return -1;
	for (size_t i = 0; i < in->n_profiles; i++) {
		char letter;
		char *path;
		if (cf_install_path(in, in->profile[i], &letter, &path) && letter == in->own_letter && strcmp(path, "\\") != 0) {
			if (add_profile(p, path, err) < 0)
				return -1;
		} else {
			free(path);
		}
	}
	return 0;
}

/* ---- what the next start renames or deletes ---- */

static int add_pending(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, const char *text, struct cf_error *err)
{
	char letter;
	CF_FREE char *path = NULL;
	uint64_t ref;
	struct cf_error why = { 0 };
	/* "!" before a target: replace what is there; "*1" and the like before a source: more of the same operation. */
	text += strspn(text, "!*0123456789");
	if (!cf_install_path(in, text, &letter, &path) || letter != in->own_letter)
		return 0;
	if (cf_tree_find(m->vol[in->vol].vol, path, &ref, NULL, &why) < 0)
		return why.code == CF_E_IO || why.code == CF_E_NO_MEMORY ? cf_fail(err, why.code, "%s", why.message) : 0;
	return cf_clean_set_add(&c->store->pending, ref) < 0 ? cf_fail_nomem(err) : 0;
}

/* A list in which empty strings are values: it ends where the data does. */
static int pending_strings(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, struct cf_span data, struct cf_error *err)
{
	size_t from = 0;
	for (size_t at = 0, n = 0; at + 2 <= data.n && n < MAX_PENDING; at += 2) {
		if (data.p[at] || data.p[at + 1])
			continue;
		CF_FREE char *text = at > from ? cf_utf16_to_utf8(cf_span_sub(data, from, at - from), NULL) : NULL;
		if (at > from && !text)
			return cf_fail_nomem(err);
		if (text && add_pending(m, in, c, text, err) < 0)
			return -1;
		n++;
		from = at + 2;
	}
	return 0;
}

/* PendingFileRenameOperations: pairs of a file and its new name ("": to be deleted). *any: there are some. */
static int pending_renames(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, bool *any, struct cf_error *err)
{
	static const char *const values[] = { "PendingFileRenameOperations", "PendingFileRenameOperations2" };
	for (size_t s = 0; in->system.hive && s < in->n_sets; s++)
		for (size_t i = 0; i < CF_ARRAY_LEN(values); i++) {
			char key[80];
			CF_VALUE v = { 0 };
			struct cf_error why = { 0 };
			snprintf(key, sizeof key, "%s\\Control\\Session Manager", in->set[s].key);
			if (cf_hive_value(in->system.hive, cf_hive_root(in->system.hive), key, values[i], &v, &why) < 0) {
				if (why.code == CF_E_NO_MEMORY)
					return cf_fail_nomem(err);
				continue;
			}
			*any |= v.data.n > 4;
			if (pending_strings(m, in, c, cf_buf_span(&v.data), err) < 0)
				return -1;
		}
	return 0;
}

/* An upgrade or a setup in the middle of its restarts. */
static bool setup_under_way(const struct cf_install *in)
{
	static const char *const values[] = { "SystemSetupInProgress", "SetupType", "UpgradeInProgress" };
	for (size_t i = 0; in->system.hive && i < CF_ARRAY_LEN(values); i++) {
		uint32_t v = 0;
		bool found = false;
		if (cf_hive_get_u32(in->system.hive, "Setup", values[i], &v, &found, NULL) == 0 && found && v)
			return true;
	}
	return false;
}

/* ---- when it was last used ---- */

/* The newest of what a running Windows writes all the time and coldfix never does: the age of temporary files is counted from the VM's
 * last sign of life, not from today, since for the guest no time has passed. */
static int64_t last_used(const struct cf_machine *m, const struct cf_install *in)
{
	static const char *const in_root[] = { "System32\\config\\SYSTEM.LOG1", "System32\\config\\SYSTEM.LOG2",
					       "System32\\config\\SOFTWARE.LOG1", "System32\\config\\SOFTWARE.LOG2",
					       "System32\\winevt\\Logs\\System.evtx", "bootstat.dat" };
	struct cf_volume *vol = m->vol[in->vol].vol;
	int64_t newest = 0, now = time(NULL);
	struct cf_stat st;
	for (size_t i = 0; i < CF_ARRAY_LEN(in_root); i++) {
		CF_FREE char *path = join(in->root, in_root[i]);
		if (path && cf_volume_stat(vol, path, &st, NULL) == 0 && st.mtime > newest)
			newest = st.mtime;
	}
	return newest > 0 && newest < now ? newest : now;
}

/* A hive that can't be read, or not to the end, hides what is pending. */
static bool hidden(const struct cf_hive_file *h)
{
	return !h->present || h->error.code != CF_OK || h->report.n_fatal || h->replay.state == CF_REPLAY_REJECTED;
}

int cf_clean_state(const struct cf_machine *m, const struct cf_install *in, struct cf_cleanup *c, struct cf_error *err)
{
	bool renames = false;
	if (pending_renames(m, in, c, &renames, err) < 0)
		return -1;
	c->pending = in->update_pending || renames || setup_under_way(in);
	c->renames_unknown = hidden(&in->system);
	c->pending_unknown = c->renames_unknown || hidden(&in->software);
	c->last_used = last_used(m, in);
	return 0;
}

/* ---- classes that must wait ---- */

/* Does any boot entry lead into an upgrade's staging folder? */
static bool boots_staging(const struct cf_machine *m)
{
	for (size_t s = 0; s < m->n_stores; s++)
		for (size_t o = 0; o < m->store[s].bcd.n; o++) {
			const struct cf_bcd_object *object = &m->store[s].bcd.object[o];
			for (size_t e = 0; e < object->n; e++) {
				struct cf_bcd_device d = { 0 };
				CF_FREE char *text = cf_bcd_string(&object->element[e]);
				bool there = text && strcasestr(text, STAGING);
				if (!there && cf_bcd_device(&object->element[e], &d)) {
					there = d.path && strcasestr(d.path, STAGING);
					cf_bcd_device_free(&d);
				}
				if (there)
					return true;
			}
		}
	return false;
}

/* An installation that some loader starts and that lies in a folder of this name. */
static bool boots_old(const struct cf_machine *m, const struct cf_install *in)
{
	for (size_t i = 0; i < m->n_installs; i++)
		if (m->install[i].vol == in->vol && strncasecmp(m->install[i].root, "\\Windows.old", 12) == 0)
			return true;
	return false;
}

char *cf_clean_blocked(const struct cf_machine *m, const struct cf_install *in, const struct cf_cleanup *c, const struct cf_clean_class *cls,
		       bool *no_memory)
{
	const char *why = NULL;
	if (cls->flags & CF_CLEAN_PENDING && c->pending)
		why = _("an update or a restart is pending, which may need them");
	else if (cls->flags & CF_CLEAN_PENDING && c->pending_unknown)
		why = _("the registry can't be read, so an update may be pending that needs them (hive-corrupt)");
	else if (cls->flags & CF_CLEAN_AGE && c->renames_unknown)
		why = _("the registry can't be read, so the next start may need some of them (hive-corrupt)");
	else if (cls->flags & CF_CLEAN_UPGRADE && boots_staging(m))
		why = _("a boot entry leads into the upgrade's folder (ramdisk-boot-pending)");
	else if (cls->flags & CF_CLEAN_OLD && boots_old(m, in))
		why = _("a boot entry starts the previous installation");
	else if (cls->flags & CF_CLEAN_HIBERNATION && m->vol[in->vol].health.hibernated)
		why = _("it holds a session; shut Windows down fully, or discard it with coldfix repair --with volume-hibernated");
	char *copy = why ? strdup(why) : NULL;
	*no_memory |= why && !copy;
	return copy;
}
