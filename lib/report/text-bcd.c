/* text-bcd.c - bcdedit's layout: title, dashes, name in 24 columns, list items beneath each other.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "report/page.h"

#define NAME_COLUMN 24

void cf_text_bcd(struct cf_page *p, const json_t *doc)
{
	static const char dashes[] = "----------------------------------------------------------------";
	size_t i, k, n;
	json_t *o, *e, *v;
	json_array_foreach(json_object_get(doc, "objects"), i, o) {
		const char *title = cf_str(o, "title");
		if (i)
			cf_page_print(p, CF_INK_PLAIN, "\n");
		cf_page_print(p, CF_INK_BOLD, "%s", title);
		cf_page_print(p, CF_INK_PLAIN, "\n%.*s\n", (int)cf_min_u64(cf_text_columns(title), sizeof dashes - 1), dashes);
		cf_page_print(p, CF_INK_PLAIN, "%-*s%s\n", NAME_COLUMN, "identifier", cf_str(o, "identifier"));
		json_array_foreach(json_object_get(o, "elements"), k, e) {
			json_t *values = json_object_get(e, "values");
			json_array_foreach(values, n, v)
				cf_page_print(p, CF_INK_PLAIN, "%-*s%s\n", NAME_COLUMN, n ? "" : cf_str(e, "name"), json_string_value(v));
			if (!json_array_size(values))
				cf_page_print(p, CF_INK_PLAIN, "%s\n", cf_str(e, "name"));
		}
	}
}
