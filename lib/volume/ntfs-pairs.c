/* ntfs-pairs.c - run lists and mapping pairs: composing, encoding, putting them into an MFT record.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * No input or output. Sources: mapping pairs and attribute headers as libntfs-3g's layout.h and runlist.c have them. A pair is written with as
 * few bytes as its signed numbers need, a hole without an LCN (NTFS 3.0 and later); the LCN counts from the last one of the same attribute record.
 */
#include <stdlib.h>
#include <string.h>

#include "volume/ntfs-internal.h"
#include "volume/ntfs-move.h"

/* Bytes of v as a signed little-endian number, into out (8 bytes). */
static unsigned put_signed(int64_t v, uint8_t *out)
{
	unsigned n = 0;
	int64_t left = v;
	do {
		out[n++] = (uint8_t)left;
		left >>= 8;
	} while (left != 0 && left != -1);
	/* The top bit of the last byte is the sign. */
	if ((v >= 0) != ((out[n - 1] & 0x80) == 0)) {
		out[n] = v < 0 ? 0xff : 0;
		n++;
	}
	return n;
}

size_t cf_pairs_encode(const struct cf_mft_run *runs, size_t n, uint64_t lowest, uint64_t highest, uint8_t *out, size_t size)
{
	uint64_t next = lowest, previous = 0;
	size_t at = 0;
	for (size_t i = cf_runs_find(runs, n, lowest); i < n && next <= highest; i++) {
		const struct cf_mft_run *r = &runs[i];
		if (r->vcn > next)
			return 0;
		uint64_t skip = next - r->vcn, count = cf_min_u64(r->count - skip, highest - next + 1);
		uint8_t length[9], place[9];
		unsigned nl = put_signed((int64_t)count, length), np = 0;
		if (r->lcn != CF_MFT_HOLE) {
			np = put_signed((int64_t)(r->lcn + skip - previous), place);
			previous = r->lcn + skip;
		}
		if (nl > 8 || np > 8 || size - at < 1u + nl + np + 1)
			return 0;
		out[at++] = (uint8_t)(nl | np << 4);
		memcpy(out + at, length, nl);
		memcpy(out + at + nl, place, np);
		at += nl + np;
		next += count;
	}
	if (next != highest + 1)
		return 0;
	out[at++] = 0;
	return at;
}

/* Adds a run behind the others; adjoining ones are joined. There is room. */
static void add(struct cf_mft_run *out, size_t *n, uint64_t vcn, uint64_t lcn, uint64_t count)
{
	struct cf_mft_run *last = *n ? &out[*n - 1] : NULL;
	bool joins = last && last->vcn + last->count == vcn &&
		     (lcn == CF_MFT_HOLE ? last->lcn == CF_MFT_HOLE : last->lcn != CF_MFT_HOLE && last->lcn + last->count == lcn);
	if (joins)
		last->count += count;
	else
		out[(*n)++] = (struct cf_mft_run){ .vcn = vcn, .lcn = lcn, .count = count };
}

int cf_runs_apply(const struct cf_mft_run *runs, size_t n, const struct cf_move *moves, size_t n_moves, struct cf_mft_run **out,
		  size_t *n_out, struct cf_error *err)
{
	size_t at = 0, done = 0;
	/* Each move cuts at most two runs. */
	CF_FREE struct cf_mft_run *list = calloc(n + 2 * n_moves + 1, sizeof *list);
	if (!list)
		return cf_fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		uint64_t vcn = runs[i].vcn, end = vcn + runs[i].count;
		while (vcn < end) {
			const struct cf_move *mv = done < n_moves ? &moves[done] : NULL;
			uint64_t lcn = runs[i].lcn == CF_MFT_HOLE ? CF_MFT_HOLE : runs[i].lcn + (vcn - runs[i].vcn);
			uint64_t stop = mv ? cf_min_u64(end, mv->vcn) : end;
			if (!mv || vcn < mv->vcn) {
				add(list, &at, vcn, lcn, stop - vcn);
				vcn = stop;
				continue;
			}
			/* A move may go over several runs, but not over a hole, nor begin where the list has nothing. */
			uint64_t in = vcn - mv->vcn, take = cf_min_u64(end - vcn, mv->count - in);
			if (lcn == CF_MFT_HOLE || (in == 0 && vcn != mv->vcn))
				return cf_fail(err, CF_E_CHANGED, "a move is of clusters that the file does not have");
			add(list, &at, vcn, mv->lcn + in, take);
			vcn += take;
			if (in + take == mv->count)
				done++;
		}
	}
	if (done != n_moves)
		return cf_fail(err, CF_E_CHANGED, "a move is of clusters that the file does not have");
	*out = CF_STEAL(list);
	*n_out = at;
	return 0;
}

bool cf_record_set_pairs(uint8_t *record, uint32_t record_size, uint32_t off, const uint8_t *pairs, size_t n)
{
	uint8_t *a = record + off;
	uint32_t used = cf_ld32(record + 0x18), old = cf_ld32(a + 4), at = cf_ld16(a + 0x20);
	uint64_t size = ((uint64_t)at + n + 7) / 8 * 8;
	/* The caller knows that the attribute lies within the used bytes, and those within the record. */
	if (size > old && size - old > record_size - used)
		return false;
	memmove(a + size, a + old, used - off - old);
	memcpy(a + at, pairs, n);
	memset(a + at + n, 0, (size_t)(size - at - n));
	cf_st32(a + 4, (uint32_t)size);
	uint32_t now = (uint32_t)(used - old + size);
	cf_st32(record + 0x18, now);
	if (now < used)
		memset(record + now, 0, used - now);
	return true;
}

void cf_record_protect(uint8_t *record, uint32_t record_size)
{
	uint8_t *usa = record + cf_ld16(record + 4);
	uint16_t usn = (uint16_t)(cf_ld16(usa) + 1);
	if (usn == 0 || usn == 0xffff)
		usn = 1;
	cf_st16(usa, usn);
	for (uint32_t i = 1; i <= record_size / 512; i++) {
		memcpy(usa + 2 * i, record + i * 512 - 2, 2);
		cf_st16(record + i * 512 - 2, usn);
	}
}
