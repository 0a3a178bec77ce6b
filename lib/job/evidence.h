/* evidence.h - the folder that collect fills, and its manifest.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is not there or can't be read is written down in the manifest and never ends the work; what can't be written to the host does.
 */
#ifndef CF_JOB_EVIDENCE_H
#define CF_JOB_EVIDENCE_H

#include "dump/find.h"
#include "job/out.h"
#include "job/session.h"

struct cf_evidence {
	const struct cf_session *s;
	struct cf_out out;
	json_t *files;      /* the manifest's "files" */
	struct cf_buf sums; /* SHA256SUMS */
	uint64_t bytes;     /* of all files */
	size_t collected, lacking;
};

#define CF_EVIDENCE_TAIL (4 * CF_MIB) /* of a log: its last bytes, which is what support asks for */

enum cf_evidence_how {
	CF_TAKE_WHOLE = 0,
	CF_TAKE_TAIL = 1,     /* the last CF_EVIDENCE_TAIL bytes */
	CF_TAKE_IF_THERE = 2, /* with one of the above: absent is normal and not noted */
};

/* A file of a volume to FOLDER/NAME; NAME is made fit for a host. */
int cf_evidence_file(struct cf_evidence *e, size_t vol, const char *path, unsigned how, const char *folder, const char *name,
		     struct cf_error *err) CF_MUST_CHECK;

/* [off, off + len) of a device, clipped to it. source says what it is. */
int cf_evidence_range(struct cf_evidence *e, struct cf_block *b, uint64_t off, uint64_t len, const char *source, const char *folder,
		      const char *name, struct cf_error *err) CF_MUST_CHECK;

/* The beginning of a crash dump. */
int cf_evidence_dump(struct cf_evidence *e, const struct cf_dump_place *p, struct cf_error *err) CF_MUST_CHECK;

/* Text that coldfix made; name may hold one folder. */
int cf_evidence_text(struct cf_evidence *e, const char *name, const char *source, const char *text, struct cf_error *err) CF_MUST_CHECK;

/* Something that could not be collected. status: "missing" or "unreadable". */
int cf_evidence_note(struct cf_evidence *e, const char *source, const char *status, const char *why, struct cf_error *err) CF_MUST_CHECK;

/* Everything that lies on the disks (collect-items.c). */
int cf_evidence_disks(struct cf_evidence *e, struct cf_error *err) CF_MUST_CHECK;

#endif
