/* encrypted.c - BitLocker or Azure Disk Encryption: the volume can't be looked into, and the boot store must not change unasked.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A changed boot store can make a TPM-bound VM ask for its recovery key, so no store on such a disk is written without
 * --recovery-key-at-hand (field notes K24).
 */
#include "problem/table.h"

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	for (size_t i = 0; i < c->m->n_vols; i++) {
		const struct cf_vol *v = &c->m->vol[i];
		if (v->fs != CF_FS_BITLOCKER)
			continue;
		bool may_be_windows = !c->in;
		CF_FREE char *name = cf_vol_name(c->m, i);
		struct cf_finding *f =
			!name ? NULL
			      : cf_finding_add(out, &cf_problem_encrypted, (int)i, name,
					       may_be_windows ? _("%s is encrypted (BitLocker or Azure Disk Encryption)")
							      : _("%s is encrypted; a changed boot store can make Windows ask for its "
								  "recovery key"),
					       name);
		if (!f)
			return cf_fail_nomem(err);
		f->cause = may_be_windows ? CF_CAUSE_CANNOT_TELL : CF_CAUSE_NO;
		/* Whoever has the key at hand is not blocked by a volume that is not Windows'. */
		if (!may_be_windows && c->req->recovery_key_at_hand)
			f->severity = CF_SEV_INFO;
		cf_evidence_int(out, f, "partition", v->number);
		cf_evidence_bool(out, f, "may_hold_windows", may_be_windows);
	}
	return 0;
}

const struct cf_problem cf_problem_encrypted = {
	.id = "encrypted",
	.severity = CF_SEV_BLOCKER,
	.repair = CF_REPAIR_NONE,
	.cause = CF_CAUSE_CANNOT_TELL,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article (unlock an encrypted disk offline)",
	.title = N_("A volume is encrypted"),
	.seen = N_("The boot sector of a volume carries BitLocker's signature (-FVE-FS-); Azure Disk Encryption uses the same."),
	.does = N_("Nothing in this version can look inside. Decrypt the volume first (manage-bde -off, or disable Azure Disk Encryption), then diagnose "
		   "again. The boot store of such a disk is only changed with --recovery-key-at-hand."),
	.risk = N_("None from looking."),
	.detect = detect,
};
