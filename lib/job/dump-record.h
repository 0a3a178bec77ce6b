/* dump-record.h - which dumps inside paging files have been collected: until then, that paging file is not deleted.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The record lies with the other state of the disk: DISK.coldfix-dumps/collected.json; of devices and NBD exports in their state folder, dumps/collected.json.
 * A dump is known again by the SHA-256 of its first 8 KiB (its header: time, stop code, parameters), so a later crash in the same file is another dump.
 */
#ifndef CF_JOB_DUMP_RECORD_H
#define CF_JOB_DUMP_RECORD_H

#include "job/session.h"

struct cf_record {
	char *folder, *above; /* owned: where it lies, and the folder around that */
	int fd;               /* of the folder; -1: there is none and none could be made */
	bool made;            /* for this; taken away again while nothing was recorded */
	json_t *doc;          /* owned */
};

/* What the record says, for the problems; never fails but for memory: what can't be read says nothing. */
int cf_record_read(const struct cf_session *s, struct cf_collected **out, size_t *n, struct cf_error *err) CF_MUST_CHECK;

/* Opens it for adding, before the process is locked in. fd -1 where the folder can't be made (a share that is read-only): then nothing can be recorded. */
int cf_record_open(struct cf_record *r, const struct cf_session *s, struct cf_error *err) CF_MUST_CHECK;

/* Adds a dump and writes the record anew, synced. to: the file that it was copied to. */
int cf_record_add(struct cf_record *r, const struct cf_session *s, const struct cf_dump_place *p, struct cf_dump_source *dump, const char *sha256,
		  const char *to, struct cf_error *err) CF_MUST_CHECK;
void cf_record_end(struct cf_record *r);

#endif
