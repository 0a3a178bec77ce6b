/* dump-copy.h - a dump out of a disk into files of the host: hashed while it is copied, sparse, compressed, in parts.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files have ".incomplete" behind their names until the whole dump is there and synced; then all get their names. An existing file is never
 * overwritten. Reading and writing go on in the caller's thread, hashing in another one, with buffers of 4 MiB between them.
 */
#ifndef CF_JOB_DUMP_COPY_H
#define CF_JOB_DUMP_COPY_H

#include "base/hash.h"
#include "dump/dump.h"

struct cf_dump_part {
	char *name; /* in the folder; owned */
	uint64_t size;
	uint8_t hash[CF_SHA256_LEN];
};

struct cf_dump_copy {
	/* what is asked for */
	int folder;           /* descriptor */
	const char *name;     /* "MEMORY.DMP"; ".zst" and ".001" are added as needed */
	bool compress;
	uint64_t split;       /* bytes of a part; 0: one file */
	unsigned threads;     /* for compression */
	int (*progress)(void *user, const char *what, uint64_t done, uint64_t total); /* may be NULL */
	void *user;
	/* what came of it */
	uint64_t bytes;       /* of the dump */
	uint8_t hash[CF_SHA256_LEN]; /* of the dump, whatever the files */
	struct cf_dump_part *part;
	size_t n_parts;
	bool source_failed;   /* after a failure: the dump could not be read (and not: the host not be written) */
};

/* Copies [0, length) of the source. On failure none of its files stays. Free with cf_dump_copy_free in both cases. */
int cf_dump_copy(struct cf_dump_copy *c, struct cf_dump_source *s, uint64_t length, struct cf_error *err) CF_MUST_CHECK;
void cf_dump_copy_free(struct cf_dump_copy *c);

#endif
