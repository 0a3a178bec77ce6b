/* cleanup.h - what Disk Cleanup may delete, found and deleted offline.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A class is a row (cleanup-classes.c): a few folders whose place is fixed, and rules for what in them goes. Nothing outside of those folders is
 * looked at, no reparse point is followed, and a file goes only when every name that it has goes, so that each deletion gives back exactly the bytes that
 * the list says. What stays, stays for a reason that is counted. Finding reads only; carrying out needs a volume open for writing, which in a repair lies
 * on an overlay.
 */
#ifndef CF_SPACE_CLEANUP_H
#define CF_SPACE_CLEANUP_H

#include "volume/tree.h"
#include "windows/machine.h"

#define CF_CLEAN_MAX_CLASSES 32
#define CF_CLEAN_KEEP_DAYS 7 /* Disk Cleanup's own rule for temporary files */

/* Why something in a class's folder stays. */
enum cf_clean_keep {
	CF_KEEP_NOT,      /* it goes */
	CF_KEEP_YOUNG,    /* a temporary file of the last days before the VM stopped */
	CF_KEEP_LINKED,   /* it has another name that stays, so nothing would come free */
	CF_KEEP_LINK,     /* a link or another reparse point */
	CF_KEEP_DUMP,     /* a crash dump */
	CF_KEEP_SYSTEM,   /* has the System attribute where no class expects it */
	CF_KEEP_PENDING,  /* the next start renames or deletes it (PendingFileRenameOperations) */
	CF_KEEP_DAMAGED,  /* its record can't be read or contradicts the folder */
	CF_KEEP_RULE,     /* the class leaves it: desktop.ini, profiles in Windows.old, the newest dump, … */
	CF_KEEP_FILLED,   /* a folder that does not become empty */
	CF_KEEP_LATER,    /* beyond the most files that were asked for */
	CF_KEEP_REASONS
};

/* The word of JSON for a reason ("young", "hard-link", …). */
const char *cf_clean_keep_name(enum cf_clean_keep why);

struct cf_clean_class {
	const char *id, *title;
	const char *means;   /* what is lost, or why nothing is */
	unsigned flags;      /* cleanup-internal.h */
	bool by_default;
};
extern const struct cf_clean_class cf_clean_classes[];
extern const size_t cf_clean_n_classes;

struct cf_clean_options {
	const char *const *classes; /* ids, or "default"; NULL-terminated; NULL: the default ones */
	int keep_days;              /* temporary files younger than this stay; 0: none; -1: CF_CLEAN_KEEP_DAYS */
	uint64_t max_files;         /* only so many files of the chosen classes, the largest; 0: all */
	const uint64_t *skip;       /* MFT references of folders in which nothing is to be touched: an earlier try failed there */
	size_t n_skip;
};

/* CF_E_USAGE when a word names no class. */
int cf_clean_check_options(const struct cf_clean_options *opt, struct cf_error *err) CF_MUST_CHECK;

/* One of the largest files of a class. */
struct cf_clean_example {
	char *path;
	uint64_t bytes;
};
#define CF_CLEAN_EXAMPLES 5

struct cf_clean_sum {
	bool chosen;             /* the options name it, and nothing forbids it */
	char *blocked;           /* named or not, it can't be cleaned now: why; NULL: it can */
	uint64_t files, folders; /* that go */
	uint64_t names;          /* of these files: more than files where hard links go together */
	uint64_t bytes;          /* that come free */
	uint64_t kept[CF_KEEP_REASONS];
	uint64_t kept_bytes[CF_KEEP_REASONS]; /* clusters of files that stay (hard links once a name) */
	size_t n_examples;
	struct cf_clean_example example[CF_CLEAN_EXAMPLES]; /* largest first */
	size_t n_places;
	char **place;            /* the folders that were looked into */
};

#define CF_CLEAN_DAMAGED_SHOWN 20

struct cf_clean_store; /* the single names; cleanup-internal.h */

struct cf_cleanup {
	size_t vol;                              /* of the machine */
	struct cf_clean_sum sum[CF_CLEAN_MAX_CLASSES];
	uint64_t files, folders, bytes;          /* of the chosen classes */
	int64_t last_used;                       /* seconds since 1970: the age of temporary files is counted from here */
	int keep_days;
	bool pending;                            /* an update or a restart is pending */
	bool pending_unknown, renames_unknown;   /* SOFTWARE or SYSTEM can't be read: it may be; SYSTEM can't: files in Temp may be meant */
	enum cf_quota_state quota;
	uint64_t free_before, cluster_size;      /* bytes */
	uint64_t later_files, later_bytes;       /* of the chosen classes, left out for max_files */
	uint64_t n_damaged;                      /* folders whose index can't be read to its end: nothing in them is touched */
	char *damaged[CF_CLEAN_DAMAGED_SHOWN];   /* the first of them; NULL behind the last */
	bool truncated;                          /* more names than memory is given for: the rest waits for the next time */
	struct cf_clean_store *store;
};

/* Looks at the volume of an installation. NTFS only (CF_E_UNSUPPORTED). Reads only. */
int cf_cleanup_find(const struct cf_machine *m, const struct cf_install *in, const struct cf_clean_options *opt,
		    struct cf_cleanup **out, struct cf_error *err) CF_MUST_CHECK;
void cf_cleanup_free(struct cf_cleanup *c); /* NULL is fine */
void cf_cleanup_freep(struct cf_cleanup **c);

/* Memory that the change takes, and who wants to know how far it is. */
struct cf_clean_hooks {
	bool (*full)(void *user);                                  /* true: stop here, the rest waits. May be NULL */
	int (*progress)(void *user, uint64_t done, uint64_t total); /* names; nonzero cancels. May be NULL */
	void *user;
};

/* What was really carried out. */
struct cf_clean_done {
	uint64_t files, folders, bytes, names;
	bool stopped;      /* hooks->full said so: more is left */
	bool quota_stale;  /* the volume's quotas are marked as out of date */
	uint64_t stuck;    /* after CF_E_CORRUPT: the folder (MFT reference) that a name could not be taken out of; 0: none */
};

/* Deletes what the chosen classes list, on the same volume open for writing. On failure the caller drops what was written. */
int cf_cleanup_apply(const struct cf_cleanup *c, struct cf_volume *vol, const struct cf_clean_hooks *hooks, struct cf_clean_done *done,
		     struct cf_error *err) CF_MUST_CHECK;

/* Looks at the result (the overlay, closed and opened again): nothing of what went is left, every folder of a class is still there, the
 * free space has grown by what was promised, and every cluster belongs to exactly the files that it belonged to. before and after are slices of the same
 * volume. CF_E_INTERNAL says what is wrong; CF_E_CORRUPT: the volume was not sound enough to begin with. */
int cf_cleanup_prove(const struct cf_cleanup *c, const struct cf_clean_done *done, struct cf_block *before, struct cf_block *after,
		     struct cf_error *err) CF_MUST_CHECK;

#endif
