/* hive-list.c - the lists of a hive: subkeys (lf, lh, li, ri) and values.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A list's count is believed only as far as its cell reaches. All elements of one walk together have a budget: a hive of n bytes
 * can't hold more keys than n divided by the smallest key cell, so an ri that names the same list many times ends.
 */
#include "registry/hive-internal.h"

enum cf_list_kind cf_list_kind(struct cf_span cell)
{
	if (cell.n < CF_LIST_HEADER)
		return CF_LIST_BAD;
	switch (cf_ld16(cell.p)) {
	case 'l' | 'f' << 8:
		return CF_LIST_LF;
	case 'l' | 'h' << 8:
		return CF_LIST_LH;
	case 'l' | 'i' << 8:
		return CF_LIST_LI;
	case 'r' | 'i' << 8:
		return CF_LIST_RI;
	default:
		return CF_LIST_BAD;
	}
}

static int read_list(const struct cf_hive *h, uint32_t rel, struct cf_span *cell, enum cf_list_kind *kind, size_t *n,
		     struct cf_error *err)
{
	uint64_t at = CF_HIVE_BASE + (uint64_t)rel;
	if (cf_hive_cell(h, rel, CF_LIST_HEADER, "subkey list", cell, err) < 0)
		return -1;
	*kind = cf_list_kind(*cell);
	if (*kind == CF_LIST_BAD)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the cell at 0x%llx is no subkey list", (unsigned long long)at);
	*n = cf_ld16(cell->p + 2);
	size_t element = *kind == CF_LIST_LF || *kind == CF_LIST_LH ? 8 : 4;
	if (*n * element > cell->n - CF_LIST_HEADER)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the subkey list at 0x%llx has more elements than its cell holds",
				  (unsigned long long)at);
	return 0;
}

int cf_subkey_iter_init(struct cf_subkey_iter *it, const struct cf_hive *h, const struct cf_nk *nk, struct cf_error *err)
{
	*it = (struct cf_subkey_iter){ .h = h, .budget = h->bins.n / (sizeof(struct cf_nk_disk) + 4) };
	if (nk->n_subkeys == 0)
		return 0;
	if (read_list(h, nk->subkeys, &it->leaf, &it->kind, &it->n, err) < 0)
		return -1;
	if (it->kind == CF_LIST_RI) {
		it->root = it->leaf;
		it->n_leaves = it->n;
		it->n = 0;
	}
	return 0;
}

int cf_subkey_iter_next(struct cf_subkey_iter *it, cf_key *key, struct cf_error *err)
{
	while (it->at == it->n) {
		if (it->leaf_at == it->n_leaves)
			return 0;
		uint32_t rel = cf_ld32(it->root.p + CF_LIST_HEADER + 4 * it->leaf_at++);
		if (read_list(it->h, rel, &it->leaf, &it->kind, &it->n, err) < 0)
			return -1;
		it->at = 0;
		if (it->kind == CF_LIST_RI) {
			it->n = 0;
			return cf_fail_at(err, CF_E_CORRUPT, CF_HIVE_BASE + (uint64_t)rel,
					  "the subkey list at 0x%llx is nested", CF_HIVE_BASE + (unsigned long long)rel);
		}
	}
	if (it->budget-- == 0)
		return cf_fail(err, CF_E_CORRUPT, "a subkey list names more keys than the hive can hold");
	size_t element = it->kind == CF_LIST_LI ? 4 : 8;
	*key = cf_ld32(it->leaf.p + CF_LIST_HEADER + element * it->at++);
	return 1;
}

int cf_value_list(const struct cf_hive *h, const struct cf_nk *nk, struct cf_span *list, struct cf_error *err)
{
	*list = (struct cf_span){ NULL, 0 };
	if (nk->n_values == 0)
		return 0;
	uint64_t at = CF_HIVE_BASE + (uint64_t)nk->rel;
	if (nk->n_values > h->bins.n / 4)
		return cf_fail_at(err, CF_E_CORRUPT, at, "the key at 0x%llx claims %u values, more than the hive can hold",
				  (unsigned long long)at, nk->n_values);
	if (cf_hive_cell(h, nk->values, nk->n_values * 4, "value list", list, err) < 0)
		return -1;
	list->n = (size_t)nk->n_values * 4;
	return 0;
}

int cf_hive_subkeys(const struct cf_hive *h, cf_key key, int (*fn)(void *user, cf_key sub, const char *name), void *user,
		    struct cf_error *err)
{
	struct cf_nk nk;
	struct cf_subkey_iter it;
	cf_key sub;
	int r;
	if (cf_hive_nk(h, key, &nk, err) < 0 || cf_subkey_iter_init(&it, h, &nk, err) < 0)
		return -1;
	while ((r = cf_subkey_iter_next(&it, &sub, err)) > 0) {
		CF_FREE char *name = cf_hive_key_name(h, sub, err);
		if (!name)
			return -1;
		r = fn(user, sub, name);
		if (r)
			return r;
	}
	return r;
}
