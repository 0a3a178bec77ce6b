/* ramdisk-boot-pending.c - the next boot goes into a ramdisk (Windows PE, an upgrade), where 0xC0000017 is shown.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A ramdisk needs contiguous memory; an upgrade that was cut short leaves a one-time bootsequence or a default that leads there.
 */
#include "problem/table.h"

#include "base/utf16.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_ORDER 64

/* Does this loader boot a ramdisk, Windows PE or an upgrade's staging folder? Fills why. */
static bool leads_to_ramdisk(const struct cf_bcd_object *o, const char **why)
{
	bool on = false;
	struct cf_bcd_device d = { 0 };
	if (cf_bcd_device(cf_bcd_element(o, CF_BCD_DEVICE), &d) || cf_bcd_device(cf_bcd_element(o, CF_BCD_OSDEVICE), &d)) {
		bool ramdisk = d.kind == CF_BCD_DEV_RAMDISK;
		cf_bcd_device_free(&d);
		if (ramdisk) {
			*why = "its device is a ramdisk";
			return true;
		}
	}
	if (o->type == CF_BCD_TYPE_LOADER && cf_bcd_bool(cf_bcd_element(o, CF_BCD_WINPE), &on) && on) {
		*why = "it boots Windows PE";
		return true;
	}
	CF_FREE char *path = cf_bcd_string(cf_bcd_element(o, CF_BCD_PATH));
	CF_FREE char *root = cf_bcd_string(cf_bcd_element(o, CF_BCD_SYSTEMROOT));
	if ((path && strcasestr(path, "$WINDOWS.~BT")) || (root && strcasestr(root, "$WINDOWS.~BT"))) {
		*why = "it boots an upgrade's staging folder";
		return true;
	}
	return false;
}

static int report(const struct cf_context *c, struct cf_findings *out, const char *element, const struct cf_bcd_object *o,
		  const char *why, struct cf_error *err)
{
	CF_FREE char *where = cf_where_store(c);
	CF_FREE char *text = cf_bcd_string(cf_bcd_element(o, CF_BCD_DESCRIPTION));
	struct cf_finding *f = !where ? NULL
				      : cf_finding_add(out, &cf_problem_ramdisk_boot_pending, (int)c->store->vol, where,
						       _("%s leads to \"%s\" %s: %s"), element, text ? text : "", o->key, why);
	if (!f)
		return cf_fail_nomem(err);
	cf_evidence_str(out, f, "element", element);
	cf_evidence_str(out, f, "object", o->key);
	cf_evidence_str(out, f, "description", text);
	return 0;
}

static int detect(const struct cf_context *c, struct cf_findings *out, struct cf_error *err)
{
	if (!c->store)
		return 0;
	const struct cf_bcd *bcd = &c->store->bcd;
	const struct cf_bcd_object *bootmgr = cf_bcd_object(bcd, &cf_bcd_bootmgr);
	if (!bootmgr)
		return 0;
	struct cf_guid list[MAX_ORDER], g;
	const char *why = "";
	size_t n = cf_bcd_guid_list(cf_bcd_element(bootmgr, CF_BCD_BOOTSEQUENCE), list, MAX_ORDER);
	for (size_t i = 0; i < n; i++) {
		const struct cf_bcd_object *o = cf_bcd_object(bcd, &list[i]);
		if (o && leads_to_ramdisk(o, &why)) {
			if (report(c, out, "bootsequence", o, why, err) < 0)
				return -1;
			break;
		}
	}
	if (cf_bcd_guid(cf_bcd_element(bootmgr, CF_BCD_DEFAULT), &g)) {
		const struct cf_bcd_object *o = cf_bcd_object(bcd, &g);
		return o && leads_to_ramdisk(o, &why) ? report(c, out, "default", o, why, err) : 0;
	}
	/* Without a default the first entry of the menu is booted. */
	n = cf_bcd_guid_list(cf_bcd_element(bootmgr, CF_BCD_DISPLAYORDER), list, MAX_ORDER);
	const struct cf_bcd_object *o = n ? cf_bcd_object(bcd, &list[0]) : NULL;
	return o && leads_to_ramdisk(o, &why) ? report(c, out, "displayorder", o, why, err) : 0;
}

static int fix(const struct cf_context *c, struct cf_finding *f, struct cf_work *w, struct cf_error *err)
{
	const char *element = json_string_value(json_object_get(f->evidence, "element"));
	if (strcmp(element, "bootsequence") == 0)
		return cf_work_bcd_delete(w, f, &cf_bcd_bootmgr, CF_BCD_BOOTSEQUENCE, err);
	/* The first loader of this installation that is not itself a ramdisk becomes the default. */
	for (size_t i = 0; i < c->n_loaders; i++) {
		const struct cf_bcd_object *o = cf_bcd_object(&c->store->bcd, &c->loader[i]);
		const char *why;
		if (!o || leads_to_ramdisk(o, &why))
			continue;
		char text[CF_GUID_TEXT + 2];
		text[0] = '{';
		cf_guid_format(&o->guid, text + 1);
		strcat(text, "}");
		CF_BUF data = { 0 };
		if (cf_utf8_to_utf16(text, &data) < 0 || cf_buf_append(&data, "\0", 2) < 0)
			return cf_fail_nomem(err);
		return cf_work_bcd_set(w, f, &cf_bcd_bootmgr, CF_BCD_TYPE_BOOTMGR, CF_BCD_DEFAULT, CF_REG_SZ, cf_buf_span(&data),
				       err);
	}
	cf_finding_block(f, _("no other boot entry of this Windows was found to make the default"));
	return 0;
}

const struct cf_problem cf_problem_ramdisk_boot_pending = {
	.id = "ramdisk-boot-pending",
	.severity = CF_SEV_ERROR,
	.repair = CF_REPAIR_OPT_IN,
	.cause = CF_CAUSE_LIKELY,
	.article = CF_ARTICLE_NO_MEMORY,
	.step = "not in the article",
	.title = N_("The next boot leads into a ramdisk"),
	.seen = N_("bootsequence, the default entry, or without a default the first of displayorder is a ramdisk, Windows PE or upgrade entry."),
	.does = N_("With --with ramdisk-boot-pending: removes bootsequence; makes the loader of this Windows the default again."),
	.risk = N_("An upgrade or recovery that somebody started is not continued at the next boot."),
	.detect = detect,
	.fix = fix,
};
