/* run.c - cf_run(): one request in, one result out.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>

#include "config.h"
#include "job/session.h"

static const struct {
	const char *name;
	int (*run)(const struct cf_request *req, struct cf_result *r);
} commands[] = {
	[CF_INFO] = { "info", cf_job_info },
	[CF_DIAGNOSE] = { "diagnose", cf_job_diagnose },
	[CF_REPAIR] = { "repair", cf_job_repair },
	[CF_UNDO] = { "undo", cf_job_undo },
	[CF_EXPLAIN] = { "explain", cf_job_explain },
	[CF_LS] = { "ls", cf_job_ls },
	[CF_CAT] = { "cat", cf_job_cat },
	[CF_GET] = { "get", cf_job_get },
	[CF_BCD] = { "bcd", cf_job_bcd },
	[CF_REG] = { "reg", cf_job_reg },
	[CF_DEFRAG] = { "defrag", cf_job_defrag },
	[CF_COLLECT] = { "collect", cf_job_collect },
	[CF_DUMP] = { "dump", cf_job_dump },
	[CF_SPACE] = { "space", cf_job_space },
	[CF_CLEANUP] = { "cleanup", cf_job_cleanup },
	[CF_SYMPTOM] = { "symptom", cf_job_symptom },
	[CF_EXPAND] = { "expand", cf_job_expand },
};

const char *cf_command_name(enum cf_command c)
{
	return (unsigned)c < CF_ARRAY_LEN(commands) ? commands[c].name : "";
}

cf_result *cf_run(const struct cf_request *req)
{
	struct cf_result *r = calloc(1, sizeof *r);
	if (!r || !(r->doc = json_object())) {
		free(r);
		return NULL;
	}
	r->command = req->command;
	r->disk = req->disk;
	int ret;
	if ((unsigned)req->command >= CF_ARRAY_LEN(commands))
		ret = cf_fail(&r->error, CF_E_USAGE, "unknown command");
	else if (req->command != CF_EXPLAIN && req->command != CF_SYMPTOM && (!req->disk || !*req->disk))
		ret = cf_fail(&r->error, CF_E_USAGE, "no disk was named");
	else
		ret = commands[req->command].run(req, r);
	if (ret < 0 && r->error.code == CF_OK)
		cf_fail(&r->error, CF_E_INTERNAL, "it failed without saying why; please report this");
	if (ret < 0)
		r->exit_status = r->error.code == CF_E_USAGE ? 16 : 8;
	else
		r->error.code = CF_OK;
	return r;
}

void cf_result_free(cf_result *r)
{
	if (!r)
		return;
	json_decref(r->doc);
	free(r);
}

int cf_result_exit_status(const cf_result *r)
{
	return r->exit_status;
}

const struct cf_error *cf_result_error(const cf_result *r)
{
	return r->error.code == CF_OK ? NULL : &r->error;
}

const char *cf_version(void)
{
	return CF_VERSION;
}

const char *const *cf_features(void)
{
	static const char *const list[] = {
		"hivex",
		"ntfs-3g",
#ifdef HAVE_LIBNBD
		"qemu-nbd",
#endif
#ifdef HAVE_SECCOMP
		"seccomp",
#endif
#ifdef HAVE_ZSTD
		"zstd",
#endif
#ifdef HAVE_IMAGES
		"images",
#endif
		NULL,
	};
	return list;
}

const char *const *cf_problem_ids(void)
{
	static const char *ids[CF_PROBLEM_MAX];
	/* Filled once with the same values whoever comes first; the table is constant. */
	for (size_t i = 0; i < cf_problem_count && i + 1 < CF_ARRAY_LEN(ids); i++)
		ids[i] = cf_problem_table[i]->id;
	return ids;
}
