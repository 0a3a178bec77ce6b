/* bcd-inherit.c - which object boots by default, and which settings reach it by inheritance.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An element set on an object hides the same element of everything it inherits from. The order is breadth first, each
 * object once, so a loop of inheritance ends.
 */
#include "registry/bcd-internal.h"

#define MAX_ANCESTORS 64 /* real loaders have six */

const struct cf_bcd_object *cf_bcd_boot_manager(const struct cf_bcd *bcd)
{
	const struct cf_bcd_object *found = cf_bcd_object(bcd, &cf_bcd_bootmgr);
	if (found)
		return found;
	for (size_t i = 0; i < bcd->n; i++) {
		if (bcd->object[i].type != CF_BCD_TYPE_BOOTMGR)
			continue;
		if (found)
			return NULL;
		found = &bcd->object[i];
	}
	return found;
}

/* The object when it can be a loader. */
static const struct cf_bcd_object *named_loader(const struct cf_bcd *bcd, const struct cf_guid *g)
{
	const struct cf_bcd_object *o = cf_bcd_object(bcd, g);
	return o && (o->type == CF_BCD_TYPE_LOADER || o->type == 0) ? o : NULL;
}

const struct cf_bcd_object *cf_bcd_default_loader(const struct cf_bcd *bcd)
{
	const struct cf_bcd_object *manager = cf_bcd_boot_manager(bcd), *o, *only = NULL;
	struct cf_guid list[CF_BCD_MAX_LIST];
	if (cf_bcd_guid(cf_bcd_element(manager, CF_BCD_DEFAULT), &list[0]) && (o = named_loader(bcd, &list[0])))
		return o;
	size_t n = cf_bcd_guid_list(cf_bcd_element(manager, CF_BCD_DISPLAYORDER), list, CF_BCD_MAX_LIST);
	for (size_t i = 0; i < n; i++)
		if ((o = named_loader(bcd, &list[i])))
			return o;
	for (size_t i = 0; i < bcd->n; i++) {
		if (bcd->object[i].type != CF_BCD_TYPE_LOADER)
			continue;
		if (only)
			return NULL;
		only = &bcd->object[i];
	}
	return only;
}

static bool contains(const struct cf_bcd_object *const *list, size_t n, const struct cf_bcd_object *o)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == o)
			return true;
	return false;
}

size_t cf_bcd_inheritance(const struct cf_bcd *bcd, const struct cf_bcd_object *o, const struct cf_bcd_object **out,
			  size_t max)
{
	size_t n = 0;
	if (o && max)
		out[n++] = o;
	for (size_t i = 0; i < n; i++) { /* out is also the queue */
		struct cf_guid list[CF_BCD_MAX_LIST];
		size_t n_list = cf_bcd_guid_list(cf_bcd_element(out[i], CF_BCD_INHERIT), list, CF_BCD_MAX_LIST);
		for (size_t k = 0; k < n_list && n < max; k++) {
			const struct cf_bcd_object *parent = cf_bcd_object(bcd, &list[k]);
			if (parent && !contains(out, n, parent))
				out[n++] = parent;
		}
	}
	return n;
}

const struct cf_bcd_element *cf_bcd_effective(const struct cf_bcd *bcd, const struct cf_bcd_object *o, uint32_t type,
					      const struct cf_bcd_object **from)
{
	const struct cf_bcd_object *all[MAX_ANCESTORS];
	size_t n = cf_bcd_inheritance(bcd, o, all, MAX_ANCESTORS);
	for (size_t i = 0; i < n; i++) {
		const struct cf_bcd_element *e = cf_bcd_element(all[i], type);
		if (!e)
			continue;
		if (from)
			*from = all[i];
		return e;
	}
	return NULL;
}
