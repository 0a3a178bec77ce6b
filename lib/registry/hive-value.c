/* hive-value.c - values of a hive: names, data (also in segments) and what it means.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Data of more than 16344 bytes lies in segments ("db") since version 1.4; hivex writes it into one plain cell all the same,
 * so the cell itself decides how it is read. Text is read up to its first NUL and may lack one or have an odd length.
 */
#include "registry/hive-internal.h"

#include "base/utf16.h"

int cf_hive_vk(const struct cf_hive *h, uint32_t rel, struct cf_vk *vk, struct cf_error *err)
{
	struct cf_span cell;
	uint64_t at = CF_HIVE_BASE + (uint64_t)rel;
	if (cf_hive_cell(h, rel, sizeof(struct cf_vk_disk), "value", &cell, err) < 0)
		return -1;
	const struct cf_vk_disk *d = (const void *)cell.p;
	if (memcmp(d->signature, "vk", 2) != 0)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the cell at 0x%llx is no value", (unsigned long long)at);
	uint32_t size = cf_le32_get(d->data_size);
	*vk = (struct cf_vk){
		.rel = rel,
		.type = cf_le32_get(d->type),
		.size = size & ~CF_VK_INLINE,
		.data = cf_le32_get(d->data),
		.is_inline = size & CF_VK_INLINE,
		.flags = cf_le16_get(d->flags),
		.latin1 = cf_le16_get(d->flags) & CF_VK_LATIN1,
		.name = cf_span_sub(cell, sizeof(*d), cf_le16_get(d->name_len)),
	};
	if (!vk->name.p || (!vk->latin1 && vk->name.n % 2))
		return cf_fail_at(err, CF_E_CORRUPT, at, "the name of the value at 0x%llx does not fit into its cell",
				  (unsigned long long)at);
	return 0;
}

static int big_place(const struct cf_hive *h, const struct cf_vk *vk, struct cf_span cell, struct cf_data_place *place,
		     struct cf_error *err)
{
	uint64_t at = CF_HIVE_BASE + (uint64_t)vk->data;
	const struct cf_db_disk *d = (const void *)cell.p;
	uint32_t n = (vk->size + CF_BIG_SEGMENT - 1) / CF_BIG_SEGMENT;
	if (cf_le16_get(d->n) != n)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the data at 0x%llx has %u segments, %u bytes need %u",
				  (unsigned long long)at, cf_le16_get(d->n), vk->size, n);
	place->big = true;
	place->n_segments = n;
	return cf_hive_cell(h, cf_le32_get(d->list), n * 4, "list of data segments", &place->segments, err);
}

int cf_data_place(const struct cf_hive *h, const struct cf_vk *vk, struct cf_data_place *place, struct cf_error *err)
{
	uint64_t at = CF_HIVE_BASE + (uint64_t)vk->rel;
	*place = (struct cf_data_place){ 0 };
	if (vk->is_inline) {
		if (vk->size > 4)
			return cf_fail_at(err, CF_E_CORRUPT, at, "the value at 0x%llx claims %u bytes inside its record",
					  (unsigned long long)at, vk->size);
		/* the vk's own cell was checked when it was decoded: its data field follows two 4-byte fields */
		place->plain = cf_span_sub(h->bins, (uint64_t)vk->rel + 4 + 8, vk->size);
		return 0;
	}
	if (vk->size == 0)
		return 0;
	if (vk->size > CF_HIVE_MAX_DATA)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the value at 0x%llx claims %u bytes", (unsigned long long)at,
				  vk->size);
	struct cf_span cell;
	if (cf_hive_cell(h, vk->data, 0, "data", &cell, err) < 0)
		return -1;
	if (cell.n < vk->size && vk->size > CF_BIG_SEGMENT && h->base.minor > 3 && cell.n >= sizeof(struct cf_db_disk) &&
	    memcmp(cell.p, "db", 2) == 0)
		return big_place(h, vk, cell, place, err);
	if (cell.n < vk->size)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the value at 0x%llx claims %u bytes, its cell holds %zu",
				  (unsigned long long)at, vk->size, cell.n);
	place->plain = cf_span_sub(cell, 0, vk->size);
	return 0;
}

int cf_data_read(const struct cf_hive *h, const struct cf_vk *vk, struct cf_buf *data, struct cf_error *err)
{
	struct cf_data_place place;
	if (cf_data_place(h, vk, &place, err) < 0)
		return -1;
	if (!place.big)
		return cf_buf_copy(data, place.plain) < 0 ? cf_fail_nomem(err) : 0;
	data->n = 0;
	uint32_t left = vk->size;
	for (uint32_t i = 0; i < place.n_segments; i++) {
		uint32_t part = left < CF_BIG_SEGMENT ? left : CF_BIG_SEGMENT;
		struct cf_span cell;
		if (cf_hive_cell(h, cf_ld32(place.segments.p + 4 * i), part, "data segment", &cell, err) < 0)
			return -1;
		if (cf_buf_append(data, cell.p, part) < 0)
			return cf_fail_nomem(err);
		left -= part;
	}
	return 0;
}

void cf_value_free(struct cf_value *v)
{
	free(v->name);
	v->name = NULL;
	cf_buf_free(&v->data);
}

static int load_value(const struct cf_hive *h, const struct cf_vk *vk, struct cf_value *v, struct cf_error *err)
{
	*v = (struct cf_value){ .type = vk->type };
	if (cf_data_read(h, vk, &v->data, err) < 0) {
		cf_value_free(v);
		return -1;
	}
	v->name = cf_name_utf8(vk->name, vk->latin1);
	if (!v->name) {
		cf_value_free(v);
		return cf_fail_nomem(err);
	}
	return 0;
}

int cf_hive_values(const struct cf_hive *h, cf_key key, int (*fn)(void *user, const struct cf_value *v), void *user,
		   struct cf_error *err)
{
	struct cf_nk nk;
	struct cf_span list;
	if (cf_hive_nk(h, key, &nk, err) < 0 || cf_value_list(h, &nk, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i += 4) {
		struct cf_vk vk;
		CF_VALUE v = { 0 };
		if (cf_hive_vk(h, cf_ld32(list.p + i), &vk, err) < 0 || load_value(h, &vk, &v, err) < 0)
			return -1;
		int r = fn(user, &v);
		if (r)
			return r;
	}
	return 0;
}

int cf_hive_find_value(const struct cf_hive *h, const struct cf_nk *nk, const struct cf_wanted *w, struct cf_vk *vk,
		       struct cf_error *err)
{
	struct cf_span list;
	if (cf_value_list(h, nk, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i += 4) {
		if (cf_hive_vk(h, cf_ld32(list.p + i), vk, err) < 0)
			return -1;
		if (cf_wanted_is(w, vk->name, vk->latin1))
			return 1;
	}
	return 0;
}

int cf_hive_value(const struct cf_hive *h, cf_key key, const char *path, const char *name, struct cf_value *v,
		  struct cf_error *err)
{
	cf_key at;
	struct cf_nk nk;
	struct cf_wanted w;
	struct cf_vk vk;
	*v = (struct cf_value){ 0 };
	if (cf_hive_find(h, key, path, &at, err) < 0 || cf_hive_nk(h, at, &nk, err) < 0 ||
	    cf_wanted_init(&w, name, strlen(name), err) < 0)
		return -1;
	int r = cf_hive_find_value(h, &nk, &w, &vk, err);
	cf_buf_free(&w.units);
	if (r == 0)
		return cf_fail(err, CF_E_NOT_FOUND, "the key %s has no value %s", path, *name ? name : "(default)");
	if (r > 0)
		r = load_value(h, &vk, v, err);
	if (r < 0)
		return cf_fail_prefix(err, "value %s of %s", *name ? name : "(default)", path);
	return 0;
}

/* As cf_hive_value() beneath the root; 0 also when it is not there. */
static int get(const struct cf_hive *h, const char *path, const char *name, struct cf_value *v, bool *found,
	       struct cf_error *err)
{
	struct cf_error e = { 0 };
	*found = false;
	if (cf_hive_value(h, cf_hive_root(h), path, name, v, &e) < 0) {
		if (e.code == CF_E_NOT_FOUND)
			return 0;
		if (err)
			*err = e;
		return -1;
	}
	*found = true;
	return 0;
}

int cf_hive_get_u32(const struct cf_hive *h, const char *path, const char *name, uint32_t *out, bool *found,
		    struct cf_error *err)
{
	CF_VALUE v = { 0 };
	if (get(h, path, name, &v, found, err) < 0)
		return -1;
	if (!*found)
		return 0;
	if (v.type == CF_REG_DWORD && v.data.n >= 4) {
		*out = cf_ld32(v.data.p);
		return 0;
	}
	if (v.type == CF_REG_QWORD && v.data.n >= 8 && cf_ld64(v.data.p) <= UINT32_MAX) {
		*out = (uint32_t)cf_ld64(v.data.p);
		return 0;
	}
	*found = false;
	return cf_fail(err, CF_E_CORRUPT, "value %s of %s is no 32-bit number (type %u, %zu bytes)", name, path, v.type,
		       v.data.n);
}

int cf_hive_get_string(const struct cf_hive *h, const char *path, const char *name, char **out, bool *found,
		       struct cf_error *err)
{
	CF_VALUE v = { 0 };
	*out = NULL;
	if (get(h, path, name, &v, found, err) < 0)
		return -1;
	if (!*found)
		return 0;
	*found = false;
	if (v.type != CF_REG_SZ && v.type != CF_REG_EXPAND_SZ && v.type != CF_REG_LINK)
		return cf_fail(err, CF_E_CORRUPT, "value %s of %s is no text (type %u)", name, path, v.type);
	*out = cf_value_string(&v);
	if (!*out)
		return cf_fail_nomem(err);
	*found = true;
	return 0;
}

char *cf_value_string(const struct cf_value *v)
{
	if (v->type != CF_REG_SZ && v->type != CF_REG_EXPAND_SZ && v->type != CF_REG_LINK)
		return NULL;
	return cf_utf16z_to_utf8(cf_buf_span(&v->data), NULL);
}

char **cf_value_multi_sz(const struct cf_value *v, size_t *n)
{
	*n = 0;
	struct cf_span s = cf_buf_span(&v->data);
	bool one = v->type == CF_REG_SZ || v->type == CF_REG_EXPAND_SZ;
	if (!one && v->type != CF_REG_MULTI_SZ)
		return NULL;
	size_t most = 1;
	for (size_t i = 0; i + 1 < s.n; i += 2)
		most += cf_ld16(s.p + i) == 0;
	char **strv = calloc(most + 1, sizeof(*strv));
	if (!strv)
		return NULL;
	for (size_t at = 0; at + 1 < s.n && cf_ld16(s.p + at) != 0;) {
		size_t end = at;
		while (end + 1 < s.n && cf_ld16(s.p + end) != 0)
			end += 2;
		strv[*n] = cf_utf16_to_utf8(cf_span_sub(s, at, end - at), NULL);
		if (!strv[*n]) {
			cf_strv_free(strv);
			return NULL;
		}
		++*n;
		at = end + 2;
		if (one)
			break;
	}
	return strv;
}

void cf_strv_free(char **strv)
{
	for (char **s = strv; s && *s; s++)
		free(*s);
	free(strv);
}
