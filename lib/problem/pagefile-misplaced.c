/* pagefile-misplaced.c - the paging file is set to a drive where it can't be, or lies where nobody uses it any more.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PagingFiles is the setting; ExistingPageFiles is only a record of the last boot. Without --temp-disk only what surely can't
 * work is a warning. D: is Azure's temporary disk, which is never on the disk at hand: it is not written and not doubted
 * unless --temp-disk says so.
 */
#include "problem/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place { PLACE_RIGHT, PLACE_NOTE, PLACE_WRONG };

static enum place judge_entry(const struct cf_context *c, char wanted, const struct cf_paging_file *p)
{
	if (wanted)
		return p->letter == wanted || (p->letter == '?' && wanted == c->in->own_letter) ? PLACE_RIGHT : PLACE_WRONG;
	if (p->letter == '?' || p->letter == c->in->own_letter)
		return PLACE_RIGHT;
	const struct cf_letter *l = cf_letter_entry(c->in, p->letter);
	/* Azure gives D: to the temporary disk whatever had the letter before, so D: is never surely wrong. */
	if (p->letter == 'D')
		return l && !l->not_a_disk ? PLACE_RIGHT : PLACE_NOTE;
	if (l && !l->not_a_disk)
		return l->vol >= 0 ? PLACE_RIGHT : PLACE_NOTE;
	return PLACE_WRONG;
}

/* Judges PagingFiles of every control set; text collects what stands there. */
static int judge_sets(const struct cf_context *c, char wanted, enum place *worst, struct cf_buf *text, struct cf_error *err)
{
	*worst = PLACE_RIGHT;
	cf_for_each_set(c, s) {
		struct cf_paging_file pf[CF_MAX_PAGING_FILES];
		size_t n;
		bool found;
		if (cf_paging_files(c, s, "PagingFiles", pf, &n, &found, err) < 0)
			return -1;
		enum place p = n ? PLACE_RIGHT : wanted ? PLACE_WRONG : PLACE_NOTE;
		for (size_t i = 0; i < n; i++) {
			enum place q = judge_entry(c, wanted, &pf[i]);
			p = q > p ? q : p;
		}
		*worst = p > *worst ? p : *worst;
		if (cf_buf_printf(text, "%s%s: ", text->n ? "; " : "", s->key) < 0 ||
		    (!n && cf_buf_printf(text, "%s", _("none")) < 0))
			return cf_fail_nomem(err);
		for (size_t i = 0; i < n; i++)
			if (cf_buf_printf(text, "%s%s", i ? ", " : "", pf[i].text) < 0)
				return cf_fail_nomem(err);
	}
	return cf_buf_append(text, "", 1) < 0 ? cf_fail_nomem(err) : 0;
}

/* Does any control set name a paging file on this letter? With a target (the letter that a repair sets): after that. */
static bool is_named(const struct cf_context *c, char letter, char wanted, char target)
{
	if (target && (wanted || letter == target))
		return letter == target;
	cf_for_each_set(c, s) {
		struct cf_paging_file pf[CF_MAX_PAGING_FILES];
		size_t n = 0;
		bool found;
		if (cf_paging_files(c, s, "PagingFiles", pf, &n, &found, NULL) < 0)
			return true; /* not known: keep the file */
		for (size_t i = 0; i < n; i++)
			if ((pf[i].letter == '?' || pf[i].letter == letter) &&
			    !(target && judge_entry(c, wanted, &pf[i]) == PLACE_WRONG))
				return true;
	}
	return false;
}

/* Another Windows on that volume may use the file. */
static bool other_install_on(const struct cf_context *c, size_t vol)
{
	for (size_t i = 0; i < c->m->n_installs; i++)
		if (c->m->install[i].vol == vol && &c->m->install[i] != c->in)
			return true;
	return false;
}

static int detect_strays(const struct cf_context *c, char wanted, char target, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		struct cf_stat st;
		if (!v->vol || cf_volume_stat(v->vol, "\\pagefile.sys", &st, NULL) < 0 || st.kind != CF_FILE_REGULAR ||
		    other_install_on(c, i))
			continue;
		char letter = i == c->in->vol ? c->in->own_letter : v->letter;
		if (letter && is_named(c, letter, wanted, target))
			continue;
		/* A volume whose letter is not known may be the one that a letter without a volume means. */
		if (!letter && !wanted)
			continue;
		CF_FREE char *name = cf_vol_name(c->m, i);
		char size[32];
		struct cf_finding *f = !name ? NULL
					     : cf_finding_add(out, &cf_problem_pagefile_misplaced, (int)i, name,
							      _("%s holds a pagefile.sys of %s that no control set names"), name,
							      cf_size_text(st.allocated, size));
		if (!f)
			return cf_fail_nomem(err);
		if (!wanted) {
			f->severity = CF_SEV_INFO;
			f->repair = CF_REPAIR_NONE;
		}
		cf_evidence_str(out, f, "stray_file", "\\pagefile.sys");
		cf_evidence_int(out, f, "size", st.size);
		cf_evidence_int(out, f, "disk", v->disk);
		cf_evidence_int(out, f, "partition", v->number);
	}
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !c->in->system.hive || !c->in->n_sets)
		return 0;
	char wanted = cf_paging_wanted(c);
	enum place worst;
	CF_BUF text = { 0 };
	if (judge_sets(c, wanted, &worst, &text, err) < 0)
		return -1;
	char target = wanted ? wanted : worst == PLACE_WRONG ? c->in->own_letter : 0;
	if (worst != PLACE_RIGHT) {
		CF_FREE char *where = cf_where_registry(c, "ControlSet*", "Control\\Session Manager\\Memory Management\\PagingFiles");
		struct cf_finding *f =
			!where ? NULL
			: worst == PLACE_NOTE
				? cf_finding_add(out, &cf_problem_pagefile_misplaced, (int)c->in->vol, where,
						 _("The paging file is set to a disk that is not at hand or to none (%s); "
						   "say --temp-disk if this VM's size has a temporary disk or not"),
						 (char *)text.p)
			: wanted ? cf_finding_add(out, &cf_problem_pagefile_misplaced, (int)c->in->vol, where,
						  _("The paging file is not on %c: in every control set (%s)"), wanted, (char *)text.p)
				 : cf_finding_add(out, &cf_problem_pagefile_misplaced, (int)c->in->vol, where,
						  _("The paging file is set to a drive that does not exist (%s)"), (char *)text.p);
		if (!f)
			return cf_fail_nomem(err);
		if (worst == PLACE_NOTE) {
			f->severity = CF_SEV_INFO;
			f->repair = CF_REPAIR_NONE;
			f->cause = CF_CAUSE_NO;
		}
		cf_evidence_str(out, f, "paging_files", (char *)text.p);
		if (target) {
			char t[2] = { target, 0 };
			cf_evidence_str(out, f, "target_letter", t);
		}
	}
	size_t before = out->n;
	if (detect_strays(c, wanted, target, out, err) < 0)
		return -1;
	/* A file left behind costs space, it does not keep Windows from starting. */
	for (size_t i = before; i < out->n; i++)
		out->item[i].cause = CF_CAUSE_NO;
	return 0;
}

/* Is PagingFiles changed by this repair? Its finding comes before those of the files. */
static bool setting_planned(const struct cf_work *w)
{
	static const char name[] = "\\PagingFiles";
	for (size_t i = 0; i < w->n_changes; i++) {
		size_t n = strlen(w->change[i].what);
		if (n >= sizeof name && strcmp(w->change[i].what + n - (sizeof name - 1), name) == 0)
			return true;
	}
	return false;
}

static int fix_stray(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	if (cf_dump_keeps(c, &c->m->vol[f->vol], "\\pagefile.sys")) {
		cf_finding_block(f, "%s", _("it holds a crash dump that was not collected yet: coldfix dump DISK collect --to DIR, or say --discard-dump"));
		return 0;
	}
	/* The file goes only when no control set names it: if the setting has to wait, so has the file. */
	if (is_named(c, c->m->vol[f->vol].letter, 0, 0) && !setting_planned(w)) {
		cf_finding_block(f, "%s", _("PagingFiles still names it, and that setting is not changed"));
		return 0;
	}
	return cf_work_delete_file(w, f, (size_t)f->vol, "\\pagefile.sys", err);
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	if (json_object_get(f->evidence, "stray_file"))
		return fix_stray(c, f, w, err);
	const char *t = json_string_value(json_object_get(f->evidence, "target_letter"));
	if (!t)
		return 0;
	const struct cf_letter *l = cf_letter_entry(c->in, t[0]);
	/* A CD that has D: at home moves out of the way on Azure; a volume that is at hand does not. */
	if (c->req->temp_disk == CF_TEMP_SCSI && l && l->vol >= 0) {
		CF_FREE char *name = cf_vol_name(c->m, (size_t)l->vol);
		cf_finding_block(f, _("D: is %s in this VM, not the temporary disk; say --temp-disk=X: with its letter"),
				 name ? name : "D:");
		return 0;
	}
	char wanted = cf_paging_wanted(c), line[32];
	snprintf(line, sizeof line, "%c:\\pagefile.sys", t[0]);
	cf_for_each_set(c, s) {
		struct cf_paging_file pf[CF_MAX_PAGING_FILES];
		const char *lines[CF_MAX_PAGING_FILES + 1] = { line };
		size_t n, kept = 0, wrong = 0;
		bool found;
		if (cf_paging_files(c, s, "PagingFiles", pf, &n, &found, err) < 0)
			return -1;
		/* What is right stays, with the sizes that somebody chose. */
		for (size_t i = 0; i < n; i++) {
			if (judge_entry(c, wanted, &pf[i]) == PLACE_WRONG)
				wrong++;
			else
				lines[kept++] = pf[i].text;
		}
		if (!wrong && (n || !wanted))
			continue;
		char key[128];
		snprintf(key, sizeof key, "%s\\Control\\Session Manager\\Memory Management", s->key);
		if (cf_work_set_multi(w, f, &c->in->system, key, "PagingFiles", lines, err) < 0)
			return -1;
	}
	return 0;
}

const struct cf_problem cf_problem_pagefile_misplaced = {
	.id = "pagefile-misplaced",
	.severity = CF_SEV_WARNING,
	.repair = CF_REPAIR_DEFAULT,
	.cause = CF_CAUSE_POSSIBLE,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Restore the page file to its default location",
	.title = N_("The paging file is not where it should be"),
	.seen = N_("With --temp-disk: PagingFiles of a control set names another drive, or a pagefile.sys lies on a volume that no control "
		   "set names. Without it: PagingFiles names a drive that exists nowhere; anything less sure is information."),
	.does = N_("Sets PagingFiles in every control set: D:\\pagefile.sys with --temp-disk=scsi, the drive of Windows with nvme or none (or "
		   "when the named drive does not exist), the given letter with X:. Then deletes the stray pagefile.sys, also on a --data-disk. "
		   "D: is never written without --temp-disk. ExistingPageFiles is only a record of the last boot and stays."),
	.risk = N_("A size without a temporary disk must not page to D:; that is why the choice is yours. Sizes set by hand are replaced by "
		   "system-managed ones where the drive changes."),
	.detect = detect,
	.fix = fix,
};
