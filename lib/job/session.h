/* session.h - one command's disks: opened, recovered, surveyed.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_JOB_SESSION_H
#define CF_JOB_SESSION_H

#include "base/sandbox.h"
#include "block/disk.h"
#include "job/result.h"
#include "problem/problem.h"
#include "txn/txn.h"

struct cf_session {
	const struct cf_request *req;
	unsigned n;                        /* disks: 0 the OS disk, then --data-disk */
	struct cf_disk *disk[CF_MAX_DISKS];
	char *state[CF_MAX_DISKS];         /* state_base of each */
	struct cf_txn_place place[CF_MAX_DISKS];
	char id[CF_MAX_DISKS][80];         /* identity of each disk: GPT GUID, MBR signature or size */
	bool growing;                      /* the record of a growing file is this command's own */
	bool rolled_back;                  /* opening found an unfinished change of the OS disk and took it back */
	bool row_shortened;                /* or the last step of one of many steps, whose earlier ones are still there */
	struct cf_machine *m;
	struct cf_collected *collected;    /* owned: dumps that were copied out of paging files (dump-record.h) */
	size_t n_collected;
	struct cf_context ctx;
};

/* Opens the OS disk (path overrides req->disk; NULL: req->disk) and the data disks, rolls an unfinished commit back when writable. */
int cf_session_open(struct cf_session *s, const struct cf_request *req, const char *path, bool writable,
		    struct cf_error *err) CF_MUST_CHECK;

/* For the plan of a command that will write: opens read-only; an unfinished commit of an earlier run is first rolled back, unless nothing may
 * be written (a dry run, an analysis). */
int cf_session_open_for_plan(struct cf_session *s, const struct cf_request *req, struct cf_error *err) CF_MUST_CHECK;
/* The same for writing, in the middle of an expansion that has just made the disk's file larger: its record (txn/growth.h) is left alone. */
int cf_session_open_growing(struct cf_session *s, const struct cf_request *req, const char *path, struct cf_error *err) CF_MUST_CHECK;

/* For commands that only read, when all disks are open: if the request says so, locks this process in (base/sandbox.h). folder: where
 * new files may be made, or NULL. Best effort; with --verbose (sandbox > 1) what is missing is said. */
void cf_session_lock_in(const struct cf_session *s, const char *folder);

/* The same for commands that make a folder of their own, or need threads: what of the box is theirs to set is its folder, also, tree,
 * remove and threads. */
void cf_session_lock_in_box(const struct cf_session *s, struct cf_sandbox box);

/* Surveys the disks as they would be: with instead[i], where it is not NULL, in place of disk i. *m is replaced (NULL: there was none, or an
 * error). */
int cf_session_survey_with(const struct cf_session *s, struct cf_block *const instead[CF_MAX_DISKS], struct cf_machine **m,
			   struct cf_error *err) CF_MUST_CHECK;

/* Surveys the disks and makes the context. */
int cf_session_survey(struct cf_session *s, struct cf_error *err) CF_MUST_CHECK;

/* All of it for a command that only reads and makes new files in `folder` at most (NULL: nowhere): opens read-only (path as for cf_session_open),
 * locks itself in, surveys. After a failure too, cf_session_close is the caller's. */
int cf_session_look(struct cf_session *s, const struct cf_request *req, const char *path, const char *folder,
		    struct cf_error *err) CF_MUST_CHECK;

void cf_session_close(struct cf_session *s);

void cf_notice(const struct cf_request *req, const char *fmt, ...) CF_PRINTF(2, 3);

/* Shows the plan in out to whoever decides; true: go on (also where nobody is to be asked). Else out says that it was declined. */
bool cf_session_confirmed(const struct cf_session *s, struct cf_result *out);

/* ---- describe.c ---- */

/* The contract's "disk" and "windows". NULL when out of memory. */
json_t *cf_describe_disk(const struct cf_session *s);
json_t *cf_describe_windows(const struct cf_session *s);
json_t *cf_describe_findings(const struct cf_findings *fs);
json_t *cf_describe_verdict(const struct cf_verdict *v);

/* What info and diagnose say of a surveyed disk, into doc. */
int cf_fill_info(const struct cf_session *s, json_t *doc, struct cf_error *err) CF_MUST_CHECK;
int cf_fill_diagnose(const struct cf_session *s, json_t *doc, int *exit_status, struct cf_error *err) CF_MUST_CHECK;

/* The keys that every object has: "coldfix", "command", "exit_status" and, where there is one, "error". */
json_t *cf_json_head(const char *command, int exit_status, const struct cf_error *e);

/* One entry of the contract's "dumps" (describe-dump.c): its header; full: also its drivers and its stack, as far as the dump has them. place NULL: a file of
 * the host. What can't be decoded is an entry with "error". NULL when out of memory. */
struct cf_dump_place;
struct cf_dump_source;
json_t *cf_describe_dump(struct cf_dump_source *s, const char *path, const struct cf_dump_place *place, bool full);

/* json_string for text that may not be UTF-8. NULL gives JSON null. */
json_t *cf_json_text(const char *text);

/* A count; more than JSON's integers reach becomes the largest. */
json_t *cf_json_number(uint64_t n);

/* "path", and "escaped" where the name is not well-formed text. */
void cf_json_set_path(json_t *j, const char *path);

/* "undo_file" and "bytes_written" while nothing has been written. */
void cf_describe_unwritten(json_t *doc);

/* ---- the commands ---- */

int cf_job_info(const struct cf_request *req, struct cf_result *r);
int cf_job_diagnose(const struct cf_request *req, struct cf_result *r);
int cf_job_repair(const struct cf_request *req, struct cf_result *r);
int cf_job_undo(const struct cf_request *req, struct cf_result *r);
int cf_job_explain(const struct cf_request *req, struct cf_result *r);
int cf_job_ls(const struct cf_request *req, struct cf_result *r);
int cf_job_cat(const struct cf_request *req, struct cf_result *r);
int cf_job_get(const struct cf_request *req, struct cf_result *r);
int cf_job_bcd(const struct cf_request *req, struct cf_result *r);
int cf_job_cleanup(const struct cf_request *req, struct cf_result *r);
int cf_job_defrag(const struct cf_request *req, struct cf_result *r);
int cf_job_reg(const struct cf_request *req, struct cf_result *r);
int cf_job_expand(const struct cf_request *req, struct cf_result *r);
int cf_job_collect(const struct cf_request *req, struct cf_result *r);
int cf_job_dump(const struct cf_request *req, struct cf_result *r);
int cf_job_dump_collect(const struct cf_request *req, struct cf_result *r);
int cf_job_dump_configure(const struct cf_request *req, struct cf_result *r);
int cf_job_space(const struct cf_request *req, struct cf_result *r);
int cf_job_dump_list(const struct cf_request *req, struct cf_result *r);
int cf_job_dump_info(const struct cf_request *req, struct cf_result *r);
int cf_job_symptom(const struct cf_request *req, struct cf_result *r);

/* ---- shared by repair and undo ---- */

/* Something to be written that is no problem of the table, with the life of a repair: planned, proved on an overlay, asked about, committed. */
struct cf_task {
	const struct cf_problem *row; /* its detect sees what is not yet as wanted, its fix queues it */
	/* Adds to the record what the plan rests on. */
	int (*describe)(const struct cf_context *c, json_t *doc, struct cf_error *err);
};
/* task NULL: the repair itself. */
int cf_job_task(const struct cf_request *req, const struct cf_task *task, struct cf_result *r);

/* Fingerprints of one disk of a machine, malloc'd; *n entries. */
int cf_session_fingerprints(const struct cf_machine *m, unsigned disk, struct cf_txn_fingerprint **out, size_t *n,
			    struct cf_error *err) CF_MUST_CHECK;

/* Copies hives with logs and the boot store to a new folder; *folder (malloc'd) names it. */
int cf_session_backup(const struct cf_session *s, char **folder, struct cf_error *err) CF_MUST_CHECK;

/* Resolves "C:\path", "2:\path" (partition 2) or "\path" to a volume and a volume-relative path inside it. */
int cf_session_path(const struct cf_session *s, const char *text, size_t *vol, const char **path,
		    struct cf_error *err) CF_MUST_CHECK;

#endif
