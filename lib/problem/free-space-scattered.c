/* free-space-scattered.c - the free space of the Windows volume, or a file that the loader reads, lies in very many pieces.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "problem/table.h"

#include <stdio.h>

#include "problem/limits.h"
#include "problem/work.h"
#include "space/boot-files.h"
#include "space/defrag.h"

#define AT_MOST (512 * CF_MIB) /* data that one repair moves on its overlay; more is the defrag command's */

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in)
		return 0;
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	if (!v->vol || !v->space.total_bytes)
		return 0;
	bool scattered = v->space.largest_free_extent_bytes < cf_wanted_extent(c->req, v->space.free_bytes);
	char path[512] = "", largest[32], free_text[32];
	uint64_t pieces = cf_boot_files_worst(v->vol, c->in->root, path, sizeof path);
	CF_FREE char *name = cf_vol_name(c->m, c->in->vol);
	if (!name)
		return cf_fail_nomem(err);
	/* Boot files alone are little work and put right by default; the free space may be gigabytes. */
	for (int boot = 0; boot < 2; boot++) {
		CF_FREE char *where = NULL;
		if (boot ? pieces <= cf_many_pieces(c->req) : !scattered)
			continue;
		if (asprintf(&where, "%s%s%s", name, boot ? ", " : "", boot ? path : "") < 0) {
			where = NULL;
			return cf_fail_nomem(err);
		}
		struct cf_finding *f =
			boot ? cf_finding_add(out, &cf_problem_free_space_scattered, (int)c->in->vol, where, _("%s lies in %llu pieces"), path,
					      (unsigned long long)pieces)
			     : cf_finding_add(out, &cf_problem_free_space_scattered, (int)c->in->vol, where,
					      _("%s has %s free in %llu pieces, the largest only %s"), name,
					      cf_size_text(v->space.free_bytes, free_text), (unsigned long long)v->space.free_extents,
					      cf_size_text(v->space.largest_free_extent_bytes, largest));
		if (!f)
			return cf_fail_nomem(err);
		if (boot)
			f->repair = CF_REPAIR_DEFAULT;
		cf_evidence_int(out, f, "free_bytes", v->space.free_bytes);
		cf_evidence_int(out, f, "free_extents", v->space.free_extents);
		cf_evidence_int(out, f, "largest_free_extent_bytes", v->space.largest_free_extent_bytes);
		cf_evidence_int(out, f, "wanted_extent_bytes", cf_wanted_extent(c->req, v->space.free_bytes));
		cf_evidence_int(out, f, "boot_file_extents", pieces);
		cf_evidence_int(out, f, "most_boot_file_extents", cf_many_pieces(c->req));
	}
	return 0;
}

struct outcome {
	const struct cf_context *c;
	uint64_t pieces; /* of the worst boot file, as it would be */
};

static int look(void *user, struct cf_block *slice, struct cf_error *err)
{
	struct outcome *o = user;
	char path[512];
	struct cf_volume *vol = cf_volume_open(slice, CF_FS_NTFS, CF_VOL_READ, err);
	if (!vol)
		return -1;
	o->pieces = cf_boot_files_worst(vol, o->c->in->root, path, sizeof path);
	return cf_volume_close(vol, err);
}

static bool may_move(const struct cf_context *c, struct cf_finding *f, const struct cf_work *w)
{
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	char reason[500];
	if (!cf_work_may_write(w, c->in->vol, false, reason, sizeof reason))
		cf_finding_block(f, "%s", reason);
	else if (v->fs != CF_FS_NTFS || v->health.damaged || v->health.dirty_flag || v->health.journal_unclean || v->health.hibernated)
		cf_finding_block(f, _("the volume is not clean: it must be settled before it is rearranged"));
	else if (v->health.shadow_copies && !c->req->accept_shadow_copy_loss)
		cf_finding_block(f, _("the volume has shadow copies, which moving clusters spoils; say --accept-shadow-copy-loss"));
	else
		return true;
	return false;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	const struct cf_vol *v = &c->m->vol[c->in->vol];
	struct outcome o = { .c = c };
	struct cf_defrag_plan p = { .disk = c->m->disk[v->disk].block, .start = v->start, .size = v->size, .look = look, .user = &o };
	struct cf_error e = { 0 };
	bool boot = f->repair == CF_REPAIR_DEFAULT;
	CF_FREE uint64_t *records = NULL;
	char moved[32], grows[32], undo[32], before[160], after[160];
	if (!may_move(c, f, w))
		return 0;
	if (boot && cf_boot_files(v->vol, c->in->root, &records, &p.opt.n_records, err) < 0)
		return -1;
	p.opt.records = records;
	if (cf_defrag_plan(&p, &e) < 0) {
		if (e.code == CF_E_NO_MEMORY || e.code == CF_E_IO)
			return cf_fail(err, e.code, "%s", e.message);
		cf_finding_block(f, "%s", e.message);
		return 0;
	}
	cf_size_text(p.result.moved, moved);
	if (p.result.incomplete || p.result.moved > AT_MOST) {
		cf_finding_block(f, _("%s have to move: run coldfix defrag, which does it in steps"), moved);
		return 0;
	}
	if (boot ? o.pieces > cf_many_pieces(c->req) : p.after.largest_free < cf_wanted_extent(c->req, p.after.free)) {
		cf_finding_block(f, _("what may be moved is too little to put it right"));
		return 0;
	}
	if (boot)
		snprintf(before, sizeof before, _("%llu pieces"),
			 (unsigned long long)json_integer_value(json_object_get(f->evidence, "boot_file_extents")));
	else
		snprintf(before, sizeof before, _("%llu free extents, the largest %s"), (unsigned long long)p.before.free_extents,
			 cf_size_text(p.before.largest_free, undo));
	snprintf(after, sizeof after, _("%s moved; a thin image grows by at most %s, the undo file by about %s"), moved,
		 cf_size_text(p.result.growth, grows), cf_size_text(p.result.moved + p.metadata, undo));
	if (cf_work_change(w, f, f->where, before, after, err) < 0)
		return -1;
	return cf_work_defrag(w, c->in->vol, CF_STEAL(records), p.opt.n_records, err);
}

const struct cf_problem cf_problem_free_space_scattered = {
	.id = "free-space-scattered",
	.severity = CF_SEV_WARNING,
	.repair = CF_REPAIR_OPT_IN,
	.cause = CF_CAUSE_POSSIBLE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Free up space on the disk (defrag /u /x /g)",
	.title = N_("The free space of the Windows volume is scattered"),
	.seen = N_("The largest free extent is smaller than 512 MiB and than half of the free space (--min-extent sets another limit than 512 MiB), or a file "
		   "that the boot loader reads lies in more than 1,000 extents (--max-pieces)."),
	.does = N_("Moves clusters so that files and free space lie in one piece, as coldfix defrag does. Boot files in very many pieces are put right by "
		   "default; the free space with --with free-space-scattered, or with coldfix defrag, which also does what is too much "
		   "for one repair (512 MiB). The plan says how much moves, how much a thin image may grow and what the undo file takes."),
	.risk = N_("Content, names, times and security stay; shadow copies of the volume are spoilt, so it asks for --accept-shadow-copy-loss where "
		   "there are some. Left as it is, Windows may be unable to create a contiguous paging file or dump file."),
	.detect = detect,
	.fix = fix,
};
