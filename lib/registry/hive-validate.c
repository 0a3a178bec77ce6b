/* hive-validate.c - checks a whole hive: base block, bins, cells, and every record that can be reached from the root.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is changed. Two bitmaps over the bins data (one bit per 8 bytes): where an allocated cell starts, and which
 * of them has an owner already. A cell is owned once, so every walk ends: the work is bounded by the number of cells. Security
 * cells alone are shared; their uses are counted and compared with their reference counts.
 */
#include "registry/hive-internal.h"

#include <stdarg.h>

#include "base/utf16.h"

struct sk_use {
	uint32_t rel;
	uint32_t n;
};

struct scan {
	const struct cf_hive *h;
	struct cf_hive_report *report;
	uint8_t *start, *owned;
	struct cf_buf todo;    /* stack of u32: keys that have an owner but were not looked into yet */
	struct cf_buf sk_uses; /* array of struct sk_use, runs as they came */
	bool no_memory;
};

static bool bit(const uint8_t *map, uint32_t rel)
{
	return map[rel / 64] >> (rel / 8 % 8) & 1;
}

static void set_bit(uint8_t *map, uint32_t rel)
{
	map[rel / 64] = (uint8_t)(map[rel / 64] | 1u << (rel / 8 % 8));
}

/* A fatal defect takes the place of a cosmetic one when there is no room: what stops a repair has to be named. */
static void CF_PRINTF(4, 5) defect(struct scan *s, bool fatal, uint64_t offset, const char *fmt, ...)
{
	struct cf_hive_report *r = s->report;
	const size_t room = CF_ARRAY_LEN(r->defect);
	size_t at = r->n_defects;
	r->n_defects++;
	r->n_fatal += fatal;
	if (at >= room) {
		for (at = room; fatal && at > 0 && r->defect[at - 1].fatal;)
			at--;
		if (!fatal || at == 0)
			return;
		at--;
	}
	struct cf_hive_defect *d = &r->defect[at];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(d->what, sizeof(d->what), fmt, ap);
	va_end(ap);
	d->offset = (uint32_t)cf_min_u64(offset, UINT32_MAX);
	d->fatal = fatal;
}

static void defect_error(struct scan *s, const struct cf_error *e, uint64_t offset)
{
	defect(s, true, e->has_offset ? e->offset : offset, "%.*s", 159, e->message);
}

static uint64_t file_offset(uint32_t rel)
{
	return CF_HIVE_BASE + (uint64_t)rel;
}

static bool is_cell(const struct scan *s, uint32_t rel)
{
	return rel % 8 == 0 && rel < s->h->bins.n && bit(s->start, rel);
}

/* Makes the cell at rel belong to the record at owner; false (and a defect) when it is no cell, too small or belongs to another. */
static bool take(struct scan *s, uint32_t rel, uint32_t min, const char *what, uint32_t owner, struct cf_span *cell)
{
	if (!is_cell(s, rel)) {
		defect(s, true, file_offset(owner), "%s of the record at 0x%llx: there is no allocated cell at 0x%llx", what,
		       (unsigned long long)file_offset(owner), (unsigned long long)file_offset(rel));
		return false;
	}
	if (cf_hive_cell(s->h, rel, min, what, cell, NULL) < 0) {
		/* Asked again for the reason: clearing an error for each of a million good cells would cost more than the rest. */
		struct cf_error e = { 0 };
		if (cf_hive_cell(s->h, rel, min, what, cell, &e) < 0)
			defect_error(s, &e, file_offset(rel));
		return false;
	}
	if (bit(s->owned, rel)) {
		defect(s, true, file_offset(rel), "%s of the record at 0x%llx: the cell at 0x%llx has another owner too", what,
		       (unsigned long long)file_offset(owner), (unsigned long long)file_offset(rel));
		return false;
	}
	set_bit(s->owned, rel);
	return true;
}

static bool read_nk(struct scan *s, uint32_t rel, struct cf_nk *nk)
{
	if (cf_hive_nk(s->h, rel, nk, NULL) == 0)
		return true;
	struct cf_error e = { 0 };
	if (cf_hive_nk(s->h, rel, nk, &e) < 0)
		defect_error(s, &e, file_offset(rel));
	return false;
}

static bool read_vk(struct scan *s, uint32_t rel, struct cf_vk *vk)
{
	if (cf_hive_vk(s->h, rel, vk, NULL) == 0)
		return true;
	struct cf_error e = { 0 };
	if (cf_hive_vk(s->h, rel, vk, &e) < 0)
		defect_error(s, &e, file_offset(rel));
	return false;
}

/* ---- base block, bins, cells ---- */

static void check_base(struct scan *s)
{
	const struct cf_hive_base *b = &s->h->base;
	const struct cf_base_disk *d = (const void *)s->h->bytes.p;
	if (!b->checksum_ok)
		defect(s, true, 0x1fc, "the base block's checksum is wrong");
	if (b->file_type != 0)
		defect(s, true, 0x1c, "the base block's file type is %u, not 0", b->file_type);
	if (cf_le32_get(d->format) != 1)
		defect(s, true, 0x20, "the base block's format is %u, not 1", cf_le32_get(d->format));
	if (b->bins_size == 0 || b->bins_size % CF_HIVE_BASE)
		defect(s, true, 0x28, "the size of the bins, %u, is no multiple of 4096", b->bins_size);
	if (s->h->bins.n < b->bins_size)
		defect(s, true, 0x28, "the file ends %llu bytes before the end of its bins",
		       (unsigned long long)(b->bins_size - s->h->bins.n));
	if (s->h->bins.n > CF_HIVE_ABSURD_BYTES)
		defect(s, true, 0x28, "the hive is absurdly large (%zu bytes)", s->h->bins.n);
}

static void check_cells(struct scan *s, uint32_t from, uint32_t end)
{
	for (uint32_t rel = from; rel < end;) {
		int32_t raw = (int32_t)cf_ld32(s->h->bins.p + rel);
		uint32_t size = raw < 0 ? 0u - (uint32_t)raw : (uint32_t)raw;
		if (size < 8 || size % 8 || size > end - rel) {
			defect(s, true, file_offset(rel), "the cell at 0x%llx has the impossible size %u",
			       (unsigned long long)file_offset(rel), size);
			return;
		}
		s->report->n_cells++;
		if (raw < 0)
			set_bit(s->start, rel);
		rel += size;
	}
}

static void check_bins(struct scan *s)
{
	struct cf_span bins = s->h->bins;
	for (uint32_t rel = 0; rel < bins.n;) {
		unsigned long long at = file_offset(rel);
		const struct cf_bin_disk *d = (const void *)cf_span_at(bins, rel, sizeof(*d));
		if (!d)
			return; /* a truncated file: named by check_base */
		uint32_t size = cf_le32_get(d->size);
		if (memcmp(d->signature, "hbin", 4) != 0) {
			defect(s, true, at, "there is no bin at 0x%llx", at);
		} else if (cf_le32_get(d->offset) != rel) {
			defect(s, true, at, "the bin at 0x%llx says that it lies at 0x%llx", at,
			       (unsigned long long)file_offset(cf_le32_get(d->offset)));
		} else if (size == 0 || size % CF_HIVE_BASE || size > bins.n - rel) {
			defect(s, true, at, "the bin at 0x%llx has the impossible size %u", at, size);
		} else {
			s->report->n_bins++;
			check_cells(s, rel + (uint32_t)sizeof(*d), rel + size);
			rel += size;
			continue;
		}
		if (bins.n - rel <= CF_HIVE_BASE)
			return;
		rel += CF_HIVE_BASE; /* look for the next one */
	}
}

/* ---- values ---- */

static void check_segments(struct scan *s, const struct cf_vk *vk)
{
	struct cf_error e = { 0 };
	struct cf_data_place place;
	struct cf_span cell, list;
	const struct cf_db_disk *d;
	if (cf_data_place(s->h, vk, &place, &e) < 0) {
		defect_error(s, &e, file_offset(vk->rel));
		return;
	}
	if (cf_hive_cell(s->h, vk->data, sizeof(*d), "data", &cell, NULL) < 0)
		return;
	d = (const void *)cell.p;
	if (!take(s, cf_le32_get(d->list), place.n_segments * 4, "list of data segments", vk->data, &list))
		return;
	uint32_t left = vk->size;
	for (uint32_t i = 0; i < place.n_segments; i++) {
		uint32_t part = left < CF_BIG_SEGMENT ? left : CF_BIG_SEGMENT;
		take(s, cf_ld32(list.p + 4 * i), part, "data segment", vk->data, &cell);
		left -= part;
	}
}

static void check_data(struct scan *s, const struct cf_vk *vk)
{
	struct cf_span cell;
	unsigned long long at = file_offset(vk->rel);
	if (vk->is_inline) {
		if (vk->size > 4)
			defect(s, true, at, "the value at 0x%llx claims %u bytes inside its record", at, vk->size);
		return;
	}
	if (vk->size == 0)
		return; /* the offset means nothing then */
	if (!take(s, vk->data, 0, "data", vk->rel, &cell))
		return;
	bool may_be_big = vk->size > CF_BIG_SEGMENT && s->h->base.minor > 3;
	if (may_be_big && cell.n < vk->size && cell.n >= sizeof(struct cf_db_disk) && memcmp(cell.p, "db", 2) == 0)
		check_segments(s, vk);
	else if (cell.n < vk->size)
		defect(s, true, at, "the value at 0x%llx claims %u bytes, its cell holds %zu", at, vk->size, cell.n);
	else if (may_be_big)
		defect(s, false, at, "the %u bytes of the value at 0x%llx are not in segments; Windows can't read them",
		       vk->size, at);
}

static void check_values(struct scan *s, const struct cf_nk *nk)
{
	struct cf_span list;
	if (nk->n_values == 0)
		return; /* then the pointer to the list is left over from before */
	if (nk->n_values > s->h->bins.n / 4) {
		defect(s, true, file_offset(nk->rel), "the key at 0x%llx claims %u values",
		       (unsigned long long)file_offset(nk->rel), nk->n_values);
		return;
	}
	if (!take(s, nk->values, nk->n_values * 4, "value list", nk->rel, &list))
		return;
	for (uint32_t i = 0; i < nk->n_values; i++) {
		struct cf_span cell;
		struct cf_vk vk;
		uint32_t rel = cf_ld32(list.p + 4 * i);
		if (!take(s, rel, sizeof(struct cf_vk_disk), "value", nk->rel, &cell) || !read_vk(s, rel, &vk))
			continue;
		s->report->n_values++;
		check_data(s, &vk);
	}
}

/* ---- keys ---- */

/* The mapping to upper case is known to be Windows' one only for these. */
static bool surely_folded(const struct cf_nk *nk)
{
	for (size_t i = 0; i < cf_name_units(nk->name, nk->latin1); i++)
		if (cf_name_unit(nk->name, nk->latin1, i) >= 0x80)
			return false;
	return true;
}

static int compare_names(const struct cf_nk *a, const struct cf_nk *b)
{
	size_t na = cf_name_units(a->name, a->latin1), nb = cf_name_units(b->name, b->latin1);
	for (size_t i = 0; i < na && i < nb; i++) {
		uint16_t ca = cf_utf16_upper(cf_name_unit(a->name, a->latin1, i));
		uint16_t cb = cf_utf16_upper(cf_name_unit(b->name, b->latin1, i));
		if (ca != cb)
			return ca < cb ? -1 : 1;
	}
	return na == nb ? 0 : na < nb ? -1 : 1;
}

/* lf: the first four characters; lh: a hash of the upper-cased name. Windows skips a key whose hint is wrong. */
static bool hint_ok(enum cf_list_kind kind, const uint8_t *hint, const struct cf_nk *nk)
{
	size_t n = cf_name_units(nk->name, nk->latin1);
	if (kind == CF_LIST_LH) {
		uint32_t hash = 0;
		for (size_t i = 0; i < n; i++)
			hash = hash * 37 + cf_utf16_upper(cf_name_unit(nk->name, nk->latin1, i));
		return hash == cf_ld32(hint);
	}
	for (size_t i = 0; i < 4 && i < n && hint[i]; i++)
		if (cf_utf16_upper(hint[i]) != cf_utf16_upper(cf_name_unit(nk->name, nk->latin1, i)))
			return false;
	return true;
}

static void push_key(struct scan *s, uint32_t rel)
{
	uint8_t b[4];
	cf_st32(b, rel);
	s->no_memory |= cf_buf_append(&s->todo, b, 4) < 0;
}

struct last_name {
	struct cf_nk nk;
	bool any, folded;
};

/* One element of a list of the key at owner. */
static void check_child(struct scan *s, uint32_t owner, enum cf_list_kind kind, const uint8_t *element,
			struct last_name *last)
{
	struct cf_span cell;
	struct cf_nk nk;
	uint32_t rel = cf_ld32(element);
	unsigned long long at = file_offset(rel);
	if (!take(s, rel, sizeof(struct cf_nk_disk), "subkey", owner, &cell) || !read_nk(s, rel, &nk))
		return;
	if (nk.parent != owner)
		defect(s, true, at, "the key at 0x%llx names 0x%llx as its parent, but is in the list of 0x%llx", at,
		       (unsigned long long)file_offset(nk.parent), (unsigned long long)file_offset(owner));
	if (nk.name.n == 0)
		defect(s, false, at, "the key at 0x%llx has no name", at);
	bool folded = surely_folded(&nk);
	if (folded && kind != CF_LIST_LI && !hint_ok(kind, element + 4, &nk))
		defect(s, false, at, "the list has a wrong hint for the key at 0x%llx; Windows may not find it", at);
	int order = last->any && folded && last->folded ? compare_names(&last->nk, &nk) : -1;
	if (order > 0)
		defect(s, false, at, "the key at 0x%llx is out of order in its list; Windows may not find it", at);
	else if (order == 0)
		defect(s, false, at, "the key at 0x%llx has the name of the one before it", at);
	*last = (struct last_name){ nk, true, folded };
	push_key(s, rel);
}

/* The number of keys in the list at rel. */
static uint32_t check_leaf(struct scan *s, uint32_t owner, uint32_t rel, struct cf_span cell, struct last_name *last)
{
	unsigned long long at = file_offset(rel);
	enum cf_list_kind kind = cf_list_kind(cell);
	if (kind == CF_LIST_BAD || kind == CF_LIST_RI) {
		defect(s, true, at, "the cell at 0x%llx is no list of subkeys", at);
		return 0;
	}
	uint32_t element = kind == CF_LIST_LI ? 4 : 8, n = cf_ld16(cell.p + 2);
	if (n > (cell.n - CF_LIST_HEADER) / element) {
		defect(s, true, at, "the subkey list at 0x%llx has %u elements, more than its cell holds", at, n);
		return 0;
	}
	for (uint32_t i = 0; i < n; i++)
		check_child(s, owner, kind, cell.p + CF_LIST_HEADER + (size_t)i * element, last);
	return n;
}

static void check_subkeys(struct scan *s, const struct cf_nk *nk)
{
	struct cf_span list, leaf;
	struct last_name last = { 0 };
	uint64_t found = 0;
	if (nk->n_subkeys == 0)
		return; /* hivex leaves an empty list behind, Windows a stale pointer */
	if (!take(s, nk->subkeys, CF_LIST_HEADER, "subkey list", nk->rel, &list))
		return;
	if (cf_list_kind(list) == CF_LIST_RI) {
		uint32_t n = cf_ld16(list.p + 2);
		if (n > (list.n - CF_LIST_HEADER) / 4) {
			defect(s, true, file_offset(nk->subkeys),
			       "the subkey list at 0x%llx has %u elements, more than its cell holds",
			       (unsigned long long)file_offset(nk->subkeys), n);
			return;
		}
		for (uint32_t i = 0; i < n; i++) {
			uint32_t rel = cf_ld32(list.p + CF_LIST_HEADER + 4 * (size_t)i);
			if (!take(s, rel, CF_LIST_HEADER, "subkey list", nk->rel, &leaf))
				continue;
			uint32_t in_leaf = check_leaf(s, nk->rel, rel, leaf, &last);
			if (!in_leaf)
				defect(s, false, file_offset(rel), "the subkey list at 0x%llx is empty",
				       (unsigned long long)file_offset(rel));
			found += in_leaf;
		}
	} else {
		found = check_leaf(s, nk->rel, nk->subkeys, list, &last);
	}
	if (found != nk->n_subkeys)
		defect(s, true, file_offset(nk->rel), "the key at 0x%llx claims %u subkeys, its lists have %llu",
		       (unsigned long long)file_offset(nk->rel), nk->n_subkeys, (unsigned long long)found);
}

static void use_sk(struct scan *s, uint32_t rel)
{
	struct sk_use use = { rel, 1 };
	size_t n = s->sk_uses.n / sizeof(use);
	struct sk_use *last = n ? (struct sk_use *)(void *)s->sk_uses.p + n - 1 : NULL;
	if (last && last->rel == rel)
		last->n++;
	else
		s->no_memory |= cf_buf_append(&s->sk_uses, &use, sizeof(use)) < 0;
}

static void check_key(struct scan *s, uint32_t rel)
{
	struct cf_span cell;
	struct cf_nk nk;
	if (!read_nk(s, rel, &nk))
		return;
	s->report->n_keys++;
	if (!(nk.flags & CF_NK_ROOT) != (rel != s->h->base.root_cell))
		defect(s, false, file_offset(rel), "the key at 0x%llx has the wrong root mark",
		       (unsigned long long)file_offset(rel));
	if (nk.class_len && nk.class_name != CF_HIVE_NONE)
		take(s, nk.class_name, nk.class_len, "class name", rel, &cell);
	if (nk.sk == CF_HIVE_NONE)
		defect(s, false, file_offset(rel), "the key at 0x%llx has no security descriptor",
		       (unsigned long long)file_offset(rel));
	else
		use_sk(s, nk.sk);
	check_values(s, &nk);
	check_subkeys(s, &nk);
}

/* ---- security ---- */

static const struct cf_sk_disk *sk_at(const struct scan *s, uint32_t rel, struct cf_span *cell)
{
	if (!is_cell(s, rel) || cf_hive_cell(s->h, rel, sizeof(struct cf_sk_disk), "security", cell, NULL) < 0 ||
	    memcmp(cell->p, "sk", 2) != 0)
		return NULL;
	return (const void *)cell->p;
}

static void check_sk(struct scan *s, uint32_t rel, uint64_t uses)
{
	struct cf_span cell, other;
	unsigned long long at = file_offset(rel);
	const struct cf_sk_disk *d = sk_at(s, rel, &cell);
	if (!d) {
		defect(s, true, at, "there is no security descriptor at 0x%llx, but %llu keys use it", at,
		       (unsigned long long)uses);
		return;
	}
	if (bit(s->owned, rel))
		defect(s, true, at, "the security descriptor at 0x%llx is also something else", at);
	set_bit(s->owned, rel);
	if (cf_le32_get(d->size) > cell.n - sizeof(*d))
		defect(s, true, at, "the security descriptor at 0x%llx does not fit into its cell", at);
	if (cf_le32_get(d->refcount) != uses)
		defect(s, false, at, "the security descriptor at 0x%llx counts %u uses, there are %llu", at,
		       cf_le32_get(d->refcount), (unsigned long long)uses);
	const struct cf_sk_disk *next = sk_at(s, cf_le32_get(d->flink), &other);
	if (!next || cf_le32_get(next->blink) != rel)
		defect(s, false, at, "the list of security descriptors is broken behind the one at 0x%llx", at);
}

static int by_rel(const void *a, const void *b)
{
	uint32_t x = ((const struct sk_use *)a)->rel, y = ((const struct sk_use *)b)->rel;
	return x < y ? -1 : x > y;
}

static void check_security(struct scan *s)
{
	struct sk_use *use = (void *)s->sk_uses.p;
	size_t n = s->sk_uses.n / sizeof(*use);
	if (!n)
		return;
	qsort(use, n, sizeof(*use), by_rel);
	for (size_t i = 0; i < n;) {
		uint64_t uses = 0;
		uint32_t rel = use[i].rel;
		for (; i < n && use[i].rel == rel; i++)
			uses += use[i].n;
		check_sk(s, rel, uses);
	}
}

int cf_hive_validate(const struct cf_hive *h, struct cf_hive_report *report, struct cf_error *err)
{
	*report = (struct cf_hive_report){ 0 };
	size_t map = h->bins.n / 64 + 1;
	CF_FREE uint8_t *start = calloc(map, 1);
	CF_FREE uint8_t *owned = calloc(map, 1);
	if (!start || !owned)
		return cf_fail_nomem(err);
	struct scan s = { .h = h, .report = report, .start = start, .owned = owned };
	struct cf_span cell;
	check_base(&s);
	check_bins(&s);
	if (take(&s, h->base.root_cell, sizeof(struct cf_nk_disk), "root key", h->base.root_cell, &cell))
		push_key(&s, h->base.root_cell);
	while (s.todo.n && !s.no_memory) {
		s.todo.n -= 4;
		check_key(&s, cf_ld32(s.todo.p + s.todo.n));
	}
	check_security(&s);
	cf_buf_free(&s.todo);
	cf_buf_free(&s.sk_uses);
	return s.no_memory ? cf_fail_nomem(err) : 0;
}
