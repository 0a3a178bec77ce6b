/* serial-console-off.c - the serial console (EMS, SAC) of a server edition is not on.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bcdedit /ems {loader} ON, /emssettings EMSPORT:1 EMSBAUDRATE:115200, service sacsvr automatic (field notes K17). Client
 * editions have no SAC until a capability is installed, ARM has none: nothing is found there.
 */
#include "problem/table.h"

#include <stdio.h>
#include <string.h>

#define SERVICE_AUTOMATIC 2

static bool applies(const struct cf_context *c)
{
	const char *arch = c->in->architecture;
	return c->in->server && (!arch || strcmp(arch, "arm64") != 0);
}

static bool settings_right(const struct cf_context *c)
{
	const struct cf_bcd_object *o = cf_bcd_object(&c->store->bcd, &cf_bcd_emssettings);
	uint64_t port = 0, baud = 0;
	return o && cf_bcd_u64(cf_bcd_element(o, CF_BCD_EMSPORT), &port) && port == 1 &&
	       cf_bcd_u64(cf_bcd_element(o, CF_BCD_EMSBAUDRATE), &baud) && baud == 115200;
}

static bool loader_on(const struct cf_context *c, const struct cf_bcd_object *o)
{
	bool on = false;
	return cf_bcd_bool(cf_bcd_effective(&c->store->bcd, o, CF_BCD_EMS, NULL), &on) && on;
}

/* sacsvr of a control set: false when there is no such service. */
static bool sac_start(const struct cf_context *c, const struct cf_control_set *s, uint32_t *start)
{
	char path[80];
	bool found = false;
	snprintf(path, sizeof path, "%s\\Services\\sacsvr", s->key);
	return c->in->system.hive && cf_hive_get_u32(c->in->system.hive, path, "Start", start, &found, NULL) == 0 && found;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->in || !applies(c))
		return 0;
	CF_BUF what = { 0 };
	int bad = 0;
	if (c->store) {
		for (size_t i = 0; i < c->n_loaders; i++) {
			const struct cf_bcd_object *o = cf_bcd_object(&c->store->bcd, &c->loader[i]);
			if (o && !loader_on(c, o))
				bad |= cf_buf_printf(&what, _("%sems is off on %s"), what.n ? ", " : "", o->key) < 0 ? -1 : 1;
		}
		if (!settings_right(c))
			bad |= cf_buf_printf(&what, _("%semssettings is not port 1 at 115200"), what.n ? ", " : "") < 0 ? -1 : 1;
	}
	cf_for_each_set(c, s) {
		uint32_t start;
		if (sac_start(c, s, &start) && start != SERVICE_AUTOMATIC)
			bad |= cf_buf_printf(&what, _("%ssacsvr is not automatic in %s"), what.n ? ", " : "", s->key) < 0 ? -1 : 1;
	}
	if (bad < 0 || cf_buf_append(&what, "", 1) < 0)
		return cf_fail_nomem(err);
	if (!bad)
		return 0;
	CF_FREE char *where = cf_where_store(c);
	struct cf_finding *f = !where ? NULL
				      : cf_finding_add(out, &cf_problem_serial_console_off,
						       c->store ? (int)c->store->vol : (int)c->in->vol, where,
						       _("The serial console can't be used: %s"), (char *)what.p);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_str(out, f, "off", (char *)what.p);
	return 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	if (c->store) {
		for (size_t i = 0; i < c->n_loaders; i++) {
			const struct cf_bcd_object *o = cf_bcd_object(&c->store->bcd, &c->loader[i]);
			if (o && !loader_on(c, o) &&
			    cf_work_bcd_set_bool(w, f, &o->guid, CF_BCD_TYPE_LOADER, CF_BCD_EMS, true, err) < 0)
				return -1;
		}
		if (!settings_right(c) &&
		    (cf_work_bcd_set_u64(w, f, &cf_bcd_emssettings, 0x20100000, CF_BCD_EMSPORT, 1, err) < 0 ||
		     cf_work_bcd_set_u64(w, f, &cf_bcd_emssettings, 0x20100000, CF_BCD_EMSBAUDRATE, 115200, err) < 0))
			return -1;
	}
	cf_for_each_set(c, s) {
		uint32_t start;
		char key[80];
		snprintf(key, sizeof key, "%s\\Services\\sacsvr", s->key);
		if (sac_start(c, s, &start) && start != SERVICE_AUTOMATIC &&
		    cf_work_set_u32(w, f, &c->in->system, key, "Start", SERVICE_AUTOMATIC, err) < 0)
			return -1;
	}
	return 0;
}

const struct cf_problem cf_problem_serial_console_off = {
	.id = "serial-console-off",
	.severity = CF_SEV_RECOMMENDED,
	.repair = CF_REPAIR_RECOMMENDED,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "Enable the Serial Console and memory dump collection",
	.title = N_("The serial console is off"),
	.seen = N_("On a server edition for x86 or x64: ems is off on a loader of this Windows, emssettings is not port 1 at 115200 baud, "
		   "or the service sacsvr exists and is not automatic. Client editions have no serial console until it is installed."),
	.does = N_("bcdedit /ems {loader} ON on the loaders that boot this Windows, /emssettings EMSPORT:1 EMSBAUDRATE:115200, sacsvr automatic "
		   "in every control set. The boot menu is not put on the serial port."),
	.risk = N_("Whoever reaches the VM's serial port gets a console that asks for an administrator's password."),
	.detect = detect,
	.fix = fix,
};
