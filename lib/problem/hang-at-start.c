/* hang-at-start.c - signs that Windows' last start did not come to its end.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * \Windows\bootstat.dat: the loader clears LastBootSucceeded, Windows sets it when its services are up. Layout after RTL_BSD_DATA of
 * ReactOS' rtltypes.h: 0x00 version (4), 0x04 product type (4), 0x08 automatic advanced boot, 0x09 its timeout, 0x0A last boot
 * succeeded, 0x0B last shutdown proper (1 each), 0x30 boot attempts (1, Windows 8 on). The version is the size of the structure.
 *
 * A start that failed earlier, in the boot manager, leaves the same sign, so this alone is information. It is a warning when a cause
 * for a hang stands beside it: an update that is half done.
 */
#include "problem/table.h"

#include <stdio.h>

#include "base/endian.h"
#include "dump/find.h"
#include "registry/bcd.h"

#define BOOTSTATUSPOLICY 0x250000e0u
#define ATTEMPTS 0x30
#define MAX_BOOTSTAT (1024 * 1024) /* bytes; Windows makes it 64 KiB */

struct signs {
	bool known, succeeded, shut_down; /* bootstat.dat */
	int attempts;                     /* -1: not recorded */
	bool unclean_volume, unclean_hives, update;
	size_t renames;                   /* PendingFileRenameOperations: pairs of names */
	uint64_t policy;                  /* bootstatuspolicy; UINT64_MAX: not set */
	size_t dumps;
};

static int read_bootstat(const struct cf_context *c, struct signs *s, struct cf_error *err)
{
	CF_BUF file = { 0 };
	CF_FREE char *path = NULL;
	struct cf_error e = { 0 };
	struct cf_volume *vol = c->m->vol[c->in->vol].vol;
	s->attempts = -1;
	if (!vol)
		return 0;
	if (asprintf(&path, "%s\\bootstat.dat", c->in->root) < 0) {
		path = NULL;
		return cf_fail_nomem(err);
	}
	if (cf_volume_read_file(vol, path, MAX_BOOTSTAT, &file, &e) < 0)
		return e.code == CF_E_NO_MEMORY ? cf_fail_nomem(err) : 0;
	const uint8_t *p = cf_span_at(cf_buf_span(&file), 0, 12);
	if (!p)
		return 0;
	uint32_t version = cf_ld32(p);
	s->known = version >= 12 && version <= file.n && version <= 4096 && p[10] <= 1 && p[11] <= 1;
	s->succeeded = p[10];
	s->shut_down = p[11];
	if (s->known && version > ATTEMPTS && file.n > ATTEMPTS)
		s->attempts = file.p[ATTEMPTS];
	return 0;
}

static int read_renames(const struct cf_context *c, struct signs *s, struct cf_error *err)
{
	struct cf_error e = { 0 };
	if (!c->in->system.hive)
		return 0;
	cf_for_each_set(c, set) {
		CF_VALUE v = { 0 };
		char path[80];
		size_t n = 0;
		if (!set->current && c->in->n_sets > 1)
			continue;
		snprintf(path, sizeof path, "%s\\Control\\Session Manager", set->key);
		if (cf_hive_value(c->in->system.hive, cf_hive_root(c->in->system.hive), path, "PendingFileRenameOperations", &v, &e) < 0) {
			if (e.code == CF_E_NO_MEMORY)
				return cf_fail_nomem(err);
			continue;
		}
		char **names = cf_value_multi_sz(&v, &n);
		cf_strv_free(names);
		s->renames += (n + 1) / 2;
	}
	return 0;
}

static int read_signs(const struct cf_context *c, struct signs *s, struct cf_error *err)
{
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	CF_DUMP_LIST dumps = { 0 };
	*s = (struct signs){ .policy = UINT64_MAX };
	s->unclean_volume = v->health.dirty_flag || v->health.journal_unclean;
	s->unclean_hives = c->in->system.replay.state != CF_REPLAY_CLEAN || c->in->software.replay.state != CF_REPLAY_CLEAN;
	s->update = c->in->update_pending;
	if (read_bootstat(c, s, err) < 0 || read_renames(c, s, err) < 0 || cf_dump_find(c->m, c->in, CF_DUMP_EVERYWHERE, &dumps, err) < 0)
		return -1;
	s->dumps = dumps.n;
	if (c->store && c->n_loaders) {
		const struct cf_bcd_object *o = cf_bcd_object(&c->store->bcd, &c->loader[0]), *from = NULL;
		const struct cf_bcd_element *e = o ? cf_bcd_effective(&c->store->bcd, o, BOOTSTATUSPOLICY, &from) : NULL;
		if (e && !cf_bcd_u64(e, &s->policy))
			s->policy = UINT64_MAX;
	}
	return 0;
}

static const char *policy_name(uint64_t policy)
{
	static const char *const names[] = { "DisplayAllFailures", "IgnoreAllFailures", "IgnoreShutdownFailures", "IgnoreBootFailures",
					     "IgnoreCheckpointFailures", "DisplayShutdownFailures", "DisplayBootFailures",
					     "DisplayCheckpointFailures" };
	return policy < CF_ARRAY_LEN(names) ? names[policy] : NULL;
}

static int describe(const struct signs *s, struct cf_buf *text)
{
	int r = cf_buf_printf(text, "%s", s->known && !s->succeeded ? _("Windows' last start did not come to its end (bootstat.dat)")
								    : _("An update is half done and Windows was not shut down"));
	if (r == 0 && s->update && s->known && !s->succeeded)
		r = cf_buf_printf(text, "%s", _("; an update is half done"));
	if (r == 0 && s->renames)
		r = cf_buf_printf(text, _("; %zu file operations wait for the next start"), s->renames);
	if (r == 0 && (s->unclean_volume || s->unclean_hives))
		r = cf_buf_printf(text, "%s", _("; it was not shut down"));
	if (r == 0)
		r = s->dumps ? cf_buf_printf(text, _("; %zu crash dumps are there"), s->dumps)
			     : cf_buf_printf(text, "%s", _("; there is no crash dump"));
	return r < 0 ? -1 : cf_buf_append(text, "", 1);
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	struct signs s;
	CF_BUF text = { 0 };
	if (!c->in)
		return 0;
	if (read_signs(c, &s, err) < 0)
		return -1;
	bool failed = s.known && !s.succeeded;
	if (!failed && !(s.update && (s.unclean_volume || s.unclean_hives) && !s.known))
		return 0;
	CF_FREE char *where = cf_vol_name(c->m, c->in->vol);
	if (!where || describe(&s, &text) < 0)
		return cf_fail_nomem(err);
	struct cf_finding *f = cf_finding_add(out, &cf_problem_hang_at_start, (int)c->in->vol, where, "%s", (char *)text.p);
	if (!f)
		return cf_fail_nomem(err);
	if (failed && s.update)
		f->severity = CF_SEV_WARNING;
	if (s.known) {
		cf_evidence_bool(out, f, "last_boot_succeeded", s.succeeded);
		cf_evidence_bool(out, f, "last_shutdown_proper", s.shut_down);
	}
	if (s.attempts >= 0)
		cf_evidence_int(out, f, "boot_attempts", (uint64_t)s.attempts);
	cf_evidence_bool(out, f, "volume_unclean", s.unclean_volume);
	cf_evidence_bool(out, f, "hives_unclean", s.unclean_hives);
	cf_evidence_bool(out, f, "update_pending", s.update);
	cf_evidence_int(out, f, "pending_renames", s.renames);
	if (policy_name(s.policy))
		cf_evidence_str(out, f, "bootstatuspolicy", policy_name(s.policy));
	cf_evidence_int(out, f, "dumps", s.dumps);
	return 0;
}

const struct cf_problem cf_problem_hang_at_start = {
	.id = "hang-at-start",
	.severity = CF_SEV_INFO,
	.repair = CF_REPAIR_NONE,
	.article = CF_ARTICLE_STARTING,
	.step = "VM boot error: Starting Windows",
	.title = N_("Windows' last start did not come to its end"),
	.seen = N_("\\Windows\\bootstat.dat says that the last start did not succeed; without that file: an update is half done and Windows was not shut "
		   "down. A start that 0xC0000017 stopped leaves the same sign. With a half-done update it is a warning, otherwise information."),
	.does = N_("Nothing on the disk: a hang is found in a memory dump. coldfix explain starting-windows DISK says what to collect and how to get a "
		   "dump."),
	.risk = N_("None from looking."),
	.detect = detect,
};
