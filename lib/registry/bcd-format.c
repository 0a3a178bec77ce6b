/* bcd-format.c - elements and objects as `bcdedit /enum` prints them.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layout is bcdedit's, so that what administrators and scripts know about it holds: name padded to column 24,
 * further list items beneath the first, Yes and No, "unknown" for a partition that is not there. Text from the store is
 * escaped by the base layer.
 */
#include "registry/bcd-internal.h"

#include <stdio.h>

#define COLUMN 24
#define MAX_SHOWN_BYTES 64 /* of data that does not fit its format */

typedef char *partition_fn(void *user, const struct cf_bcd_device *d);

/* The NULL-terminated result while it grows. */
struct lines {
	char **line;
	size_t n;
	bool failed;
};

/* Takes over text; NULL counts as no memory. */
static void add(struct lines *l, char *text)
{
	char **bigger = text && !l->failed ? reallocarray(l->line, l->n + 2, sizeof(*bigger)) : NULL;
	if (!bigger) {
		free(text);
		l->failed = true;
		return;
	}
	l->line = bigger;
	l->line[l->n++] = text;
	l->line[l->n] = NULL;
}

static void add_guid(struct lines *l, const struct cf_bcd *bcd, const struct cf_guid *g, bool verbose)
{
	char text[48];
	add(l, strdup(cf_bcd_guid_text(bcd, g, verbose, text)));
}

char *cf_bcd_guid_text(const struct cf_bcd *bcd, const struct cf_guid *g, bool verbose, char *out)
{
	char text[CF_GUID_TEXT];
	struct cf_guid standard;
	const char *alias = verbose ? NULL : cf_bcd_alias(g);
	if (!alias && !verbose && cf_bcd_guid(cf_bcd_element(cf_bcd_boot_manager(bcd), CF_BCD_DEFAULT), &standard) &&
	    cf_guid_eq(&standard, g))
		alias = "{default}";
	if (alias)
		snprintf(out, 48, "%s", alias);
	else
		snprintf(out, 48, "{%s}", cf_guid_format(g, text));
	return out;
}

/* ---- devices ---- */

/* "partition=C:", "boot" or "unknown", malloc'd; NULL: no memory. */
static char *holder_text(const struct cf_bcd_device *d, partition_fn *partition, void *user)
{
	char *name = partition && (d->on_gpt || d->on_mbr) ? partition(user, d) : NULL;
	return name ? name : strdup(d->on_boot ? "boot" : "unknown");
}

static int put_device(struct cf_buf *b, const struct cf_bcd_device *d, const char *holder)
{
	static const char prefix[] = "partition=";
	const char *inside = strncmp(holder, prefix, sizeof(prefix) - 1) == 0 ? holder + sizeof(prefix) - 1 : holder;
	const char *path = d->path ? d->path : "";
	switch (d->kind) {
	case CF_BCD_DEV_RAMDISK:
		return cf_buf_printf(b, "ramdisk=[%s]%s", inside, path);
	case CF_BCD_DEV_FILE:
		return cf_buf_printf(b, "%s=[%s]%s", d->vhd ? "vhd" : "file", inside, path);
	case CF_BCD_DEV_LOCATE:
		return *path ? cf_buf_printf(b, "locate=%s", path) :
			       cf_buf_printf(b, "locate=custom:%08x", d->locate_element);
	case CF_BCD_DEV_BOOT:
	case CF_BCD_DEV_GPT:
	case CF_BCD_DEV_MBR:
	case CF_BCD_DEV_UNKNOWN:
	default:
		return cf_buf_printf(b, "%s", holder);
	}
}

static char *device_text(const struct cf_bcd *bcd, const struct cf_bcd_device *d, bool verbose, partition_fn *partition,
			 void *user)
{
	CF_BUF b = { 0 };
	CF_FREE char *holder = holder_text(d, partition, user);
	if (!holder || put_device(&b, d, holder) < 0)
		return NULL;
	if (d->kind == CF_BCD_DEV_FILE && d->locate_element &&
	    cf_buf_printf(&b, ",locate=custom:%08x", d->locate_element) < 0)
		return NULL;
	char guid[48];
	if (!cf_guid_is_zero(&d->options) &&
	    cf_buf_printf(&b, ",%s", cf_bcd_guid_text(bcd, &d->options, verbose, guid)) < 0)
		return NULL;
	return strndup((const char *)b.p, b.n);
}

/* ---- values ---- */

/* Data that its format does not explain: hexadecimal bytes, at most MAX_SHOWN_BYTES. */
static char *hex_text(struct cf_span s)
{
	CF_BUF b = { 0 };
	for (size_t i = 0; i < s.n && i < MAX_SHOWN_BYTES; i++)
		if (cf_buf_printf(&b, i ? " %02x" : "%02x", s.p[i]) < 0)
			return NULL;
	if (s.n > MAX_SHOWN_BYTES && cf_buf_printf(&b, " ... (%zu bytes)", s.n) < 0)
		return NULL;
	return strndup(b.p ? (const char *)b.p : "", b.n);
}

static void add_guids(struct lines *l, const struct cf_bcd *bcd, const struct cf_bcd_element *e, bool verbose)
{
	size_t max = e->data.n / 2 + 1;
	struct cf_guid *list =
	    max <= CF_BCD_MAX_LIST ? calloc(max, sizeof(*list)) : calloc(CF_BCD_MAX_LIST, sizeof(*list));
	if (!list) {
		l->failed = true;
		return;
	}
	size_t n = cf_bcd_guid_list(e, list, max <= CF_BCD_MAX_LIST ? max : CF_BCD_MAX_LIST);
	for (size_t i = 0; i < n; i++)
		add_guid(l, bcd, &list[i], verbose);
	free(list);
}

static void add_integers(struct lines *l, const struct cf_bcd_element *e)
{
	size_t n = cf_bcd_integer_count(e);
	for (size_t i = 0; i < n && !l->failed; i++) {
		char *text;
		add(l, asprintf(&text, "0x%llx", (unsigned long long)cf_bcd_integer_at(e, i)) < 0 ? NULL : text);
	}
}

static void add_value(struct lines *l, const struct cf_bcd *bcd, const struct cf_bcd_object *o,
		      const struct cf_bcd_element *e, bool verbose, partition_fn *partition, void *user)
{
	struct cf_bcd_device d;
	struct cf_guid g;
	uint64_t v;
	bool yes;
	char text[64];
	switch (cf_bcd_fmt(e->type)) {
	case CF_BCD_FMT_DEVICE:
		if (cf_bcd_device(e, &d))
			add(l, device_text(bcd, &d, verbose, partition, user));
		cf_bcd_device_free(&d);
		break;
	case CF_BCD_FMT_STRING:
		add(l, cf_bcd_string(e));
		break;
	case CF_BCD_FMT_GUID:
		if (cf_bcd_guid(e, &g))
			add_guid(l, bcd, &g, verbose);
		break;
	case CF_BCD_FMT_GUID_LIST:
		add_guids(l, bcd, e, verbose);
		break;
	case CF_BCD_FMT_INTEGER:
		if (cf_bcd_u64(e, &v))
			add(l, strdup(cf_bcd_integer_text(o->type, e->type, v, text)));
		break;
	case CF_BCD_FMT_BOOL:
		if (cf_bcd_bool(e, &yes))
			add(l, strdup(yes ? "Yes" : "No"));
		break;
	case CF_BCD_FMT_INTEGER_LIST:
		add_integers(l, e);
		break;
	default:
		break;
	}
}

char **cf_bcd_format(const struct cf_bcd *bcd, const struct cf_bcd_object *o, const struct cf_bcd_element *e,
		     bool verbose, char *(*partition)(void *user, const struct cf_bcd_device *d), void *user)
{
	struct lines l = { 0 };
	add_value(&l, bcd, o, e, verbose, partition, user);
	if (!l.n && !l.failed)
		add(&l, hex_text(cf_buf_span(&e->data)));
	if (l.failed) {
		cf_strv_free(l.line);
		return NULL;
	}
	return l.line;
}

/* ---- objects ---- */

static int put_element(struct cf_buf *out, const struct cf_bcd *bcd, const struct cf_bcd_object *o,
		       const struct cf_bcd_element *e, bool verbose, partition_fn *partition, void *user)
{
	const char *name = cf_bcd_element_name(o->type, e->type);
	char custom[24];
	if (!name) {
		snprintf(custom, sizeof(custom), "custom:%08x", e->type);
		name = custom;
	}
	char **lines = cf_bcd_format(bcd, o, e, verbose, partition, user);
	int rc = lines ? 0 : -1;
	for (size_t i = 0; rc == 0 && lines[i]; i++)
		rc = i ? cf_buf_printf(out, "%*s%s\n", COLUMN, "", lines[i]) :
			 cf_buf_printf(out, "%-*s %s\n", COLUMN - 1, name, lines[i]);
	cf_strv_free(lines);
	return rc;
}

int cf_bcd_object_text(const struct cf_bcd *bcd, const struct cf_bcd_object *o, bool verbose,
		       char *(*partition)(void *user, const struct cf_bcd_device *d), void *user, struct cf_buf *out)
{
	char title[64], guid[48], dashes[64];
	size_t n = strlen(cf_bcd_title(o, title));
	memset(dashes, '-', n);
	dashes[n] = '\0';
	if (cf_buf_printf(out, "%s\n%s\n%-*s %s\n", title, dashes, COLUMN - 1, "identifier",
			  cf_bcd_guid_text(bcd, &o->guid, verbose, guid)) < 0)
		return -1;
	for (size_t i = 0; i < o->n; i++)
		if (put_element(out, bcd, o, &o->element[i], verbose, partition, user) < 0)
			return -1;
	return 0;
}
