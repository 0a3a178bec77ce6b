/* hive.c - opening a hive, its cells and keys, and finding a key by its path.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The hive lies in memory as the file has it and is never changed here. cf_hive_cell() is the only way from an offset to bytes.
 * Lists are searched from end to end, not by halves: real hives have lists whose order or hashes other programs got wrong.
 */
#include "registry/hive-internal.h"

#include "base/utf16.h"

const char *cf_reg_type_name(uint32_t type)
{
	static const char *const names[] = { "REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD",
		"REG_DWORD_BIG_ENDIAN", "REG_LINK", "REG_MULTI_SZ", "REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR",
		"REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD" };
	return type < CF_ARRAY_LEN(names) ? names[type] : NULL;
}

uint32_t cf_hive_checksum(const uint8_t *base_block)
{
	uint32_t x = 0;
	for (size_t i = 0; i < 508; i += 4)
		x ^= cf_ld32(base_block + i);
	return x == 0 ? 1 : x == UINT32_MAX ? UINT32_MAX - 1 : x;
}

int cf_hive_read_base(struct cf_span bytes, struct cf_hive_base *base, struct cf_error *err)
{
	const struct cf_base_disk *d = (const void *)cf_span_at(bytes, 0, sizeof(*d));
	if (!d)
		return cf_fail(err, CF_E_CORRUPT, "the file is too short for a registry hive (%zu bytes)", bytes.n);
	if (memcmp(d->signature, "CREG", 4) == 0)
		return cf_fail_at(err, CF_E_UNSUPPORTED, 0, "this is a registry file of Windows 95, 98 or Me (\"CREG\")");
	if (memcmp(d->signature, "regf", 4) != 0)
		return cf_fail_at(err, CF_E_CORRUPT, 0, "no registry hive: the signature \"regf\" is missing");
	*base = (struct cf_hive_base){
		.seq1 = cf_le32_get(d->seq1),
		.seq2 = cf_le32_get(d->seq2),
		.timestamp = cf_le64_get(d->timestamp),
		.major = cf_le32_get(d->major),
		.minor = cf_le32_get(d->minor),
		.file_type = cf_le32_get(d->file_type),
		.root_cell = cf_le32_get(d->root_cell),
		.bins_size = cf_le32_get(d->bins_size),
		.flags = cf_le32_get(d->flags),
		.checksum_ok = cf_hive_checksum(bytes.p) == cf_le32_get(d->checksum),
	};
	base->dirty = !base->checksum_ok || base->seq1 != base->seq2;
	return 0;
}

struct cf_hive *cf_hive_open(struct cf_buf *bytes, struct cf_error *err)
{
	struct cf_hive_base base;
	if (cf_hive_read_base(cf_buf_span(bytes), &base, err) < 0)
		return NULL;
	if (bytes->n > CF_HIVE_BASE + CF_HIVE_MAX_BYTES) {
		cf_fail(err, CF_E_CORRUPT, "the hive is larger than Windows can load (%zu bytes)", bytes->n);
		return NULL;
	}
	if (base.major != 1 || base.minor < 3 || base.minor > 6) {
		cf_fail_at(err, CF_E_UNSUPPORTED, 0x14, "hives of version %u.%u are not known", base.major, base.minor);
		return NULL;
	}
	if (base.checksum_ok && base.file_type != 0) {
		cf_fail_at(err, CF_E_CORRUPT, 0x1c, "this is a transaction log (type %u), not a hive", base.file_type);
		return NULL;
	}
	struct cf_hive h = { .bytes = *bytes, .base = base };
	if (bytes->n > CF_HIVE_BASE)
		h.bins = cf_span_sub(cf_buf_span(bytes), CF_HIVE_BASE,
				     cf_min_u64(bytes->n - CF_HIVE_BASE, base.bins_size));
	struct cf_nk root;
	if (cf_hive_nk(&h, base.root_cell, &root, err) < 0) {
		cf_fail_prefix(err, "the root key can't be reached");
		return NULL;
	}
	struct cf_hive *out = malloc(sizeof(*out));
	if (!out) {
		cf_fail_nomem(err);
		return NULL;
	}
	*out = h;
	*bytes = (struct cf_buf){ 0 };
	return out;
}

void cf_hive_close(struct cf_hive *h)
{
	if (!h)
		return;
	cf_buf_free(&h->bytes);
	free(h);
}

void cf_hive_closep(struct cf_hive **h)
{
	cf_hive_close(*h);
}

const struct cf_hive_base *cf_hive_base(const struct cf_hive *h)
{
	return &h->base;
}

struct cf_span cf_hive_bytes(const struct cf_hive *h)
{
	return cf_buf_span(&h->bytes);
}

cf_key cf_hive_root(const struct cf_hive *h)
{
	return h->base.root_cell;
}

int cf_hive_cell(const struct cf_hive *h, uint32_t rel, uint32_t min, const char *what, struct cf_span *cell,
		 struct cf_error *err)
{
	uint64_t at = CF_HIVE_BASE + (uint64_t)rel;
	const uint8_t *p = rel % 8 == 0 ? cf_span_at(h->bins, rel, 4) : NULL;
	if (!p)
		return cf_fail_at(err, CF_E_CORRUPT, at, "%s: there is no cell at 0x%llx", what, (unsigned long long)at);
	int32_t size = (int32_t)cf_ld32(p);
	if (size >= 0)
		return cf_fail_at(err, CF_E_CORRUPT, at, "%s: the cell at 0x%llx is free", what, (unsigned long long)at);
	uint64_t len = (uint64_t)(-(int64_t)size);
	if (len % 8 || !cf_range_ok(rel, len, h->bins.n))
		return cf_fail_at(err, CF_E_CORRUPT, at, "%s: the cell at 0x%llx has the impossible size %llu", what,
				  (unsigned long long)at, (unsigned long long)len);
	if (len - 4 < min)
		return cf_fail_at(err, CF_E_CORRUPT, at, "%s: the cell at 0x%llx has %llu bytes, %u are needed", what,
				  (unsigned long long)at, (unsigned long long)len - 4, min);
	*cell = cf_span_of(p + 4, (size_t)len - 4);
	return 0;
}

int cf_hive_nk(const struct cf_hive *h, uint32_t rel, struct cf_nk *nk, struct cf_error *err)
{
	struct cf_span cell;
	uint64_t at = CF_HIVE_BASE + (uint64_t)rel;
	if (cf_hive_cell(h, rel, sizeof(struct cf_nk_disk), "key", &cell, err) < 0)
		return -1;
	const struct cf_nk_disk *d = (const void *)cell.p;
	if (memcmp(d->signature, "nk", 2) != 0)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the cell at 0x%llx is no key", (unsigned long long)at);
	*nk = (struct cf_nk){
		.rel = rel,
		.flags = cf_le16_get(d->flags),
		.time = cf_le64_get(d->time),
		.parent = cf_le32_get(d->parent),
		.n_subkeys = cf_le32_get(d->n_subkeys),
		.subkeys = cf_le32_get(d->subkeys),
		.n_values = cf_le32_get(d->n_values),
		.values = cf_le32_get(d->values),
		.sk = cf_le32_get(d->sk),
		.class_name = cf_le32_get(d->class_name),
		.class_len = cf_le16_get(d->class_len),
		.max_value_data = cf_le32_get(d->max_value_data),
		.name = cf_span_sub(cell, sizeof(*d), cf_le16_get(d->name_len)),
	};
	nk->latin1 = nk->flags & CF_NK_LATIN1;
	if (!nk->name.p || (!nk->latin1 && nk->name.n % 2))
		return cf_fail_at(err, CF_E_CORRUPT, at, "the name of the key at 0x%llx does not fit into its cell",
				  (unsigned long long)at);
	return 0;
}

bool cf_name_eq(struct cf_span a, bool a_latin1, struct cf_span b, bool b_latin1)
{
	size_t n = cf_name_units(a, a_latin1);
	if (n != cf_name_units(b, b_latin1))
		return false;
	for (size_t i = 0; i < n; i++)
		if (cf_name_unit(a, a_latin1, i) != cf_name_unit(b, b_latin1, i))
			return false;
	return true;
}

char *cf_name_utf8(struct cf_span name, bool latin1)
{
	return latin1 ? cf_latin1_to_utf8(name, NULL) : cf_utf16_to_utf8(name, NULL);
}

int cf_wanted_init(struct cf_wanted *w, const char *utf8, size_t n, struct cf_error *err)
{
	*w = (struct cf_wanted){ 0 };
	CF_FREE char *part = strndup(utf8, n);
	if (!part)
		return cf_fail_nomem(err);
	if (cf_utf8_to_utf16(part, &w->units) < 0) {
		cf_buf_free(&w->units);
		return cf_fail(err, CF_E_USAGE, "the name \"%s\" is no well-formed UTF-8", part);
	}
	for (size_t i = 0; i + 1 < w->units.n; i += 2)
		cf_st16(w->units.p + i, cf_utf16_upper(cf_ld16(w->units.p + i)));
	return 0;
}

bool cf_wanted_is(const struct cf_wanted *w, struct cf_span name, bool latin1)
{
	size_t n = cf_name_units(name, latin1);
	if (n != w->units.n / 2)
		return false;
	for (size_t i = 0; i < n; i++)
		if (cf_utf16_upper(cf_name_unit(name, latin1, i)) != cf_ld16(w->units.p + 2 * i))
			return false;
	return true;
}

/* Bytes of an escape as cf_utf16_to_utf8() makes it ("\u{0000}") at p; 0 when p starts none. Its backslash parts no names. */
static size_t escape_length(const char *p)
{
	if (strncmp(p, "\\u{", 3) != 0)
		return 0;
	size_t digits = strspn(p + 3, "0123456789abcdefABCDEF");
	if (digits < 1 || digits > 6 || p[3 + digits] != '}')
		return 0;
	char text[16];
	memcpy(text, p, digits + 4);
	text[digits + 4] = '\0';
	CF_BUF unit = { 0 };
	if (cf_utf8_to_utf16(text, &unit) < 0 || unit.n != 2)
		return 0;
	return digits + 4;
}

size_t cf_path_component(const char *path)
{
	size_t n = 0;
	while (path[n]) {
		size_t escape = escape_length(path + n);
		if (!escape && path[n] == '\\')
			break;
		n += escape ? escape : 1;
	}
	return n;
}

/* 1 found, 0 not there, -1 damaged. */
static int find_child(const struct cf_hive *h, const struct cf_nk *nk, const struct cf_wanted *w, struct cf_nk *child,
		      struct cf_error *err)
{
	struct cf_subkey_iter it;
	cf_key sub;
	int r;
	if (cf_subkey_iter_init(&it, h, nk, err) < 0)
		return -1;
	while ((r = cf_subkey_iter_next(&it, &sub, err)) > 0) {
		if (cf_hive_nk(h, sub, child, err) < 0)
			return -1;
		if (cf_wanted_is(w, child->name, child->latin1))
			return 1;
	}
	return r;
}

int cf_hive_find(const struct cf_hive *h, cf_key key, const char *path, cf_key *out, struct cf_error *err)
{
	struct cf_nk nk;
	if (cf_hive_nk(h, key, &nk, err) < 0)
		return -1;
	for (const char *p = path; *p;) {
		size_t n = cf_path_component(p);
		if (n) {
			struct cf_wanted w;
			struct cf_nk child;
			if (cf_wanted_init(&w, p, n, err) < 0)
				return -1;
			int r = find_child(h, &nk, &w, &child, err);
			cf_buf_free(&w.units);
			if (r < 0)
				return cf_fail_prefix(err, "key %s", path);
			if (r == 0)
				return cf_fail(err, CF_E_NOT_FOUND, "there is no key %s", path);
			nk = child;
		}
		p += n;
		p += *p == '\\';
	}
	*out = nk.rel;
	return 0;
}

char *cf_hive_key_name(const struct cf_hive *h, cf_key key, struct cf_error *err)
{
	struct cf_nk nk;
	if (cf_hive_nk(h, key, &nk, err) < 0)
		return NULL;
	char *name = cf_name_utf8(nk.name, nk.latin1);
	if (!name)
		cf_fail_nomem(err);
	return name;
}

uint64_t cf_hive_key_time(const struct cf_hive *h, cf_key key)
{
	struct cf_nk nk;
	return cf_hive_nk(h, key, &nk, NULL) < 0 ? 0 : nk.time;
}
