/* problem.h - a problem is a row: how it is seen, how bad it is, and what puts it right.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One file in this folder holds one problem, detection and repair together, and one row of the table (table.c). Detectors
 * only look (at a surveyed machine); a fix only queues work (work.h), which the job carries out on an overlay. The same
 * detectors then look at the overlay: a problem counts as fixed when they no longer see it.
 */
#ifndef CF_PROBLEM_PROBLEM_H
#define CF_PROBLEM_PROBLEM_H

#include <jansson.h>

#include "base/i18n.h"
#include "dump/find.h"

enum cf_severity { CF_SEV_ERROR, CF_SEV_WARNING, CF_SEV_RECOMMENDED, CF_SEV_INFO, CF_SEV_BLOCKER };
enum cf_repair_kind { CF_REPAIR_DEFAULT, CF_REPAIR_RECOMMENDED, CF_REPAIR_OPT_IN, CF_REPAIR_NONE };
enum cf_status { CF_STATUS_FOUND, CF_STATUS_PLANNED, CF_STATUS_FIXED, CF_STATUS_LEFT, CF_STATUS_SKIPPED };

/* Can this problem by itself produce 0xC0000017? */
enum cf_cause { CF_CAUSE_NO, CF_CAUSE_POSSIBLE, CF_CAUSE_LIKELY, CF_CAUSE_CANNOT_TELL };

const char *cf_severity_name(enum cf_severity s);
const char *cf_repair_name(enum cf_repair_kind r);
const char *cf_status_name(enum cf_status s);

/* What detectors and fixes see. Borrowed. */
struct cf_collected {
	char header[65]; /* SHA-256 of the dump's beginning as cf_dump_header_hash gives it */
	char time[32];   /* ISO 8601 UTC: when it was copied out */
};

struct cf_context {
	const struct cf_machine *m;
	const struct cf_install *in;        /* the selected installation; NULL: none */
	const struct cf_boot_store *store;  /* the store that boots it, with a readable hive; NULL: none. Without an
					     * installation (encrypted): the disk's only store */
	size_t n_loaders;                   /* the loaders of that store that count: the installation's, else the default */
	struct cf_guid loader[CF_MAX_LOADERS];
	const struct cf_request *req;
	const struct cf_collected *collected; /* dumps inside paging files that were copied out already; may be NULL */
	size_t n_collected;
};

struct cf_problem;
struct cf_work;

struct cf_finding {
	const struct cf_problem *problem;
	enum cf_severity severity;   /* the row's, unless the detector knows better */
	enum cf_repair_kind repair;  /* likewise */
	enum cf_cause cause;         /* likewise */
	char *where;                 /* "partition 3 (C:), \\Windows\\System32\\config\\SYSTEM" */
	char *detail;                /* one or two sentences with the numbers */
	json_t *evidence;            /* object */
	int vol;                     /* volume it is about, or -1 */
	enum cf_status status;
	char *reason;                /* why it was left or skipped; may be NULL */
	bool blocked;                /* a part of the fix had to wait (reason says why) */
};

struct cf_findings {
	size_t n, cap;
	struct cf_finding *item;
	bool no_memory; /* sticky: an evidence or text could not be stored */
};

struct cf_problem {
	const char *id;
	enum cf_severity severity;
	enum cf_repair_kind repair;
	enum cf_cause cause;
	const char *article, *step; /* where it comes from */
	const char *title;          /* one sentence */
	const char *seen;           /* explain: how it is seen */
	const char *does;           /* explain: what the repair does, with the option if it is opt-in */
	const char *risk;           /* explain: what can go wrong */
	/* Adds findings. -1 only when memory runs out: what can't be read is another problem's finding. */
	int (*detect)(const struct cf_context *c, struct cf_findings *out, struct cf_error *err);
	/* Queues what puts this finding right; NULL: nothing in this version does (cf_problem.does says what will). */
	int (*fix)(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err);
};

#define CF_PROBLEM_MAX 64 /* more rows than the table has */

/* All rows in their order, and one by id (NULL: no such id). */
extern const struct cf_problem *const cf_problem_table[];
extern const size_t cf_problem_count;
const struct cf_problem *cf_problem_by_id(const char *id);

/* Fills a context for a surveyed machine. */
void cf_context_make(struct cf_context *c, const struct cf_machine *m, const struct cf_request *req);

/* Runs every detector in table order. */
int cf_detect_all(const struct cf_context *c, struct cf_findings *out, struct cf_error *err) CF_MUST_CHECK;
void cf_findings_free(struct cf_findings *f);

/* Adds a finding with the row's defaults; NULL when out of memory. The pointer is good until the next add. */
struct cf_finding *cf_finding_add(struct cf_findings *fs, const struct cf_problem *p, int vol, const char *where,
				  const char *detail_fmt, ...) CF_PRINTF(5, 6);

/* Evidence; out of memory is remembered in fs->no_memory. */
void cf_evidence_int(struct cf_findings *fs, struct cf_finding *f, const char *key, uint64_t v);
void cf_evidence_str(struct cf_findings *fs, struct cf_finding *f, const char *key, const char *v);
void cf_evidence_bool(struct cf_findings *fs, struct cf_finding *f, const char *key, bool v);
void cf_evidence_push(struct cf_findings *fs, struct cf_finding *f, const char *key, const char *v); /* array of strings */

/* Counts as a problem for the exit status: error, warning or blocker. */
bool cf_finding_counts(const struct cf_finding *f);

struct cf_verdict {
	const char *code;       /* "likely-cause", "possible-cause", "no-cause-found", "cannot-tell" */
	const char *confidence; /* "likely", "possible", "none", "cannot-tell" */
	char sentence[400];
	const char *cause[32];  /* ids, each once */
	size_t n_causes;
};
void cf_verdict_make(const struct cf_findings *fs, const struct cf_context *c, struct cf_verdict *v);

/* "9 MiB", "41 MiB", "1.5 GiB", "512 bytes" into out (32 bytes); returns out. */
char *cf_size_text(uint64_t bytes, char *out);

/* ---- shared by several problems ---- */

/* "HKLM\\SYSTEM\\ControlSet001\\…" style text of a registry place of the installation. */
char *cf_where_registry(const struct cf_context *c, const char *set_key, const char *rest);

/* "partition 2 (System Reserved), \\Boot\\BCD" */
char *cf_where_store(const struct cf_context *c);

/* Calls fn for each control set of the installation that exists. */
#define cf_for_each_set(c, s) \
	for (const struct cf_control_set *s = (c)->in->set; s < (c)->in->set + (c)->in->n_sets; s++)

/* cf_install_paging_files of the selected installation: *n entries, *found: the value is there. */
int cf_paging_files(const struct cf_context *c, const struct cf_control_set *set, const char *value,
		    struct cf_paging_file *out, size_t *n, bool *found, struct cf_error *err) CF_MUST_CHECK;

/* The letter that --temp-disk asks the paging file to be on; 0: not said. */
char cf_paging_wanted(const struct cf_context *c);

/* The entry of in->letter[] for a letter, or NULL. */
const struct cf_letter *cf_letter_entry(const struct cf_install *in, char letter);

/* The record of the dump inside this file of a volume: NULL: none is in it, or it was not collected. */
const struct cf_collected *cf_dump_was_collected(const struct cf_context *c, const struct cf_vol *v, const char *path);

/* Is this a paging file that has to stay, because a crash dump is in it that nobody collected and --discard-dump was not said? */
bool cf_dump_keeps(const struct cf_context *c, const struct cf_vol *v, const char *path);

/* Crash dump types of CrashControl. */
enum { CF_DUMP_NONE = 0, CF_DUMP_COMPLETE = 1, CF_DUMP_KERNEL = 2, CF_DUMP_SMALL = 3, CF_DUMP_AUTOMATIC = 7 };

/* A type that writes a dump: 1, 2, 3 or 7. */
bool cf_dump_type_known(uint32_t type);

/* CrashDumpEnabled of a control set as it is, or as crash-dump-off would set it when it is off or no known type. */
uint32_t cf_dump_type(const struct cf_context *c, const struct cf_control_set *set);

/* Would a dump of this type be written? The arithmetic in words goes to why (never empty when it is not known to fit). */
enum cf_dump_fit { CF_DUMP_FITS, CF_DUMP_NO_ROOM, CF_DUMP_FIT_UNKNOWN };
enum cf_dump_fit cf_dump_fits(const struct cf_context *c, const struct cf_control_set *set, uint32_t type, char *why,
			      size_t why_size);

/* Bytes that a dump of this type needs in the paging or dedicated file with this much memory. */
uint64_t cf_dump_needed(uint32_t type, uint64_t ram);

#endif
