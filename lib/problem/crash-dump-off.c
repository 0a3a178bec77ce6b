/* crash-dump-off.c - Windows would write no crash dump: CrashControl is off or has no file.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Types 1, 2, 3 and 7 are on. NMICrashDump matters before Windows 8 only (build 9200). Values go into every control set
 * that exists; none is invented.
 */
#include "problem/table.h"

#include <stdio.h>
#include <string.h>

#define FIRST_BUILD_WITHOUT_NMI_VALUE 9200

struct state {
	bool type_on, has_file, nmi_on, nmi_needed;
	uint32_t type;
};

static int read_state(const struct cf_context *c, const struct cf_control_set *s, struct state *st, struct cf_error *err)
{
	char path[80];
	bool found;
	uint32_t v = 0;
	CF_FREE char *file = NULL;
	const struct cf_hive *h = c->in->system.hive;
	*st = (struct state){ .nmi_needed = c->in->build && c->in->build < FIRST_BUILD_WITHOUT_NMI_VALUE };
	snprintf(path, sizeof path, "%s\\Control\\CrashControl", s->key);
	if (cf_hive_get_u32(h, path, "CrashDumpEnabled", &st->type, &found, NULL) == 0 && found)
		st->type_on = cf_dump_type_known(st->type);
	if (cf_hive_get_string(h, path, "DumpFile", &file, &found, err) < 0) {
		if (err && err->code == CF_E_NO_MEMORY)
			return -1;
		found = false;
	}
	st->has_file = found && file && *file;
	st->nmi_on = cf_hive_get_u32(h, path, "NMICrashDump", &v, &found, NULL) == 0 && found && v == 1;
	return 0;
}

static bool is_off(const struct state *st)
{
	return !st->type_on || !st->has_file || (st->nmi_needed && !st->nmi_on);
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !c->in->system.hive)
		return 0;
	CF_BUF what = { 0 };
	bool nmi_only = true;
	cf_for_each_set(c, s) {
		struct state st;
		if (read_state(c, s, &st, err) < 0)
			return -1;
		if (is_off(&st) && cf_buf_printf(&what, "%s%s:%s%s%s", what.n ? "; " : "", s->key,
						 st.type_on ? "" : _(" CrashDumpEnabled is off,"),
						 st.has_file ? "" : _(" DumpFile is missing,"),
						 st.nmi_needed && !st.nmi_on ? _(" NMICrashDump is not 1,") : "") < 0)
			return cf_fail_nomem(err);
		if (is_off(&st))
			what.n--; /* the last comma */
		nmi_only &= st.type_on && st.has_file;
	}
	if (!what.n)
		return 0;
	if (cf_buf_append(&what, "", 1) < 0)
		return cf_fail_nomem(err);
	CF_FREE char *where = cf_where_registry(c, "ControlSet*", "Control\\CrashControl");
	struct cf_finding *f = !where ? NULL
				      : cf_finding_add(out, &cf_problem_crash_dump_off, (int)c->in->vol, where,
						       nmi_only ? _("Windows would write no crash dump when an NMI asks for one (%s)")
								: _("Windows would write no crash dump (%s)"),
						       (char *)what.p);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_str(out, f, "off", (char *)what.p);
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	cf_for_each_set(c, s) {
		struct state st;
		char key[80];
		snprintf(key, sizeof key, "%s\\Control\\CrashControl", s->key);
		if (read_state(c, s, &st, err) < 0)
			return -1;
		if (!is_off(&st))
			continue;
		if (!st.type_on &&
		    cf_work_set_u32(w, f, &c->in->system, key, "CrashDumpEnabled", cf_dump_type(c, s), err) < 0)
			return -1;
		if (!st.has_file && cf_work_set_string(w, f, &c->in->system, key, "DumpFile", CF_REG_EXPAND_SZ,
						       c->req->dump_file ? c->req->dump_file : "%SystemRoot%\\MEMORY.DMP", err) < 0)
			return -1;
		if (!st.nmi_on && cf_work_set_u32(w, f, &c->in->system, key, "NMICrashDump", 1, err) < 0)
			return -1;
	}
	return 0;
}

const struct cf_problem cf_problem_crash_dump_off = {
	.id = "crash-dump-off",
	.severity = CF_SEV_RECOMMENDED,
	.repair = CF_REPAIR_RECOMMENDED,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Enable the Serial Console and memory dump collection",
	.title = N_("Crash dumps are off"),
	.seen = N_("In a control set CrashDumpEnabled is 0, absent or no known type, DumpFile is absent, or before Windows 8 NMICrashDump is not 1."),
	.does = N_("Sets DumpFile (%SystemRoot%\\MEMORY.DMP), NMICrashDump 1, and CrashDumpEnabled: 1 (complete) where --ram shows that a complete "
		   "dump fits, else 7 (automatic; before Windows 8: 2, kernel). Every control set that exists, none is made."),
	.risk = N_("A crash then takes disk space of up to the VM's memory."),
	.detect = detect,
	.fix = fix,
};
