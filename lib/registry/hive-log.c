/* hive-log.c - replaying a hive's transaction logs as Windows does (old "DIRT" and new "HvLE" format).
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Works on bytes in memory only and never on the primary itself: the result is a new buffer, and it is either the whole
 * replay (whose chain of bins was checked) or an untouched copy of the primary. A clean hive's logs are not even looked
 * at, because Windows does not look at them either. Source of the rules: msuhanov's regf specification; that the result
 * is right was checked against a hive that Windows 10 recovered itself.
 */
#include "registry/hive-log.h"

#include <stdarg.h>
#include <stdio.h>

#include "registry/hive-internal.h"

#define LOG_SECTOR 512u
#define TYPE_PRIMARY 0u
#define TYPE_LOG_OLD 1u
#define TYPE_LOG_W2K 2u /* same layout as 1 */
#define TYPE_LOG_NEW 6u
#define FLAG_KTM 1u     /* the one bit of the base block's flags that an entry carries */

/* An entry's hashes prove only who wrote it to a forger, so its size claims have a ceiling of their own. */
#define MAX_GROWN CF_HIVE_ABSURD_BYTES

struct entry_disk {
	uint8_t signature[4]; /* 0x00 "HvLE" */
	cf_le32 size;         /* 0x04 of the whole entry, multiple of 512 */
	cf_le32 flags;        /* 0x08 */
	cf_le32 seq;          /* 0x0c */
	cf_le32 bins_size;    /* 0x10 after this entry */
	cf_le32 n_pages;      /* 0x14 */
	cf_le64 hash1;        /* 0x18 of all from 0x28 on */
	cf_le64 hash2;        /* 0x20 of the first 0x20 bytes */
};
_Static_assert(sizeof(struct entry_disk) == 0x28, "HvLE header");

enum log_kind { LOG_EMPTY, LOG_INVALID, LOG_OLD, LOG_NEW };

struct log {
	struct cf_span bytes;
	enum log_kind kind;
	struct cf_hive_base base;
	const char *why;  /* INVALID: what is wrong */
	const char *name;
	unsigned bit;     /* in cf_replay.log_used */
};

/* The state of one replay: hive is what becomes the result. */
struct work {
	struct cf_buf hive;
	struct cf_hive_base base; /* of the primary */
	bool good;                /* the primary's base block can be trusted */
	struct cf_replay *replay;
};

static uint32_t rol(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void marvin_mix(uint32_t *lo, uint32_t *hi)
{
	*hi ^= *lo;
	*lo = rol(*lo, 20) + *hi;
	*hi = rol(*hi, 9) ^ *lo;
	*lo = rol(*lo, 27) + *hi;
	*hi = rol(*hi, 19);
}

uint64_t cf_marvin32(struct cf_span data)
{
	uint32_t lo = 0x7a4e55c5, hi = 0x82ef4d88, last = 0;
	size_t i = 0;
	for (; data.n - i >= 4; i += 4) {
		lo += cf_ld32(data.p + i);
		marvin_mix(&lo, &hi);
	}
	unsigned shift = 0;
	for (; i < data.n; i++, shift += 8)
		last |= (uint32_t)data.p[i] << shift;
	lo += last | UINT32_C(0x80) << shift;
	marvin_mix(&lo, &hi);
	marvin_mix(&lo, &hi);
	return (uint64_t)hi << 32 | lo;
}

static void CF_PRINTF(3, 4) finish(struct cf_replay *r, enum cf_replay_state state, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	r->state = state;
	vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
}

/* Sequence numbers wrap: a comes before b when b is at most 0x7fffffff ahead. */
static bool seq_before(uint32_t a, uint32_t b)
{
	return a != b && b - a <= 0x7fffffff;
}

/* ---- looking at a log ---- */

static bool all_zero(struct cf_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

static struct log look_at(struct cf_span bytes, const char *name, unsigned bit)
{
	struct log l = { .bytes = bytes, .kind = LOG_INVALID, .name = name, .bit = bit };
	const struct cf_base_disk *d = (const void *)bytes.p;
	if (all_zero(bytes))
		l.kind = LOG_EMPTY;
	else if (cf_hive_read_base(bytes, &l.base, NULL) < 0)
		l.why = "it does not begin with a base block";
	else if (!l.base.checksum_ok)
		l.why = "the checksum of its base block is wrong";
	else if (l.base.seq1 != l.base.seq2)
		l.why = "it was being written when the machine stopped";
	else if (l.base.major != 1 || cf_le32_get(d->format) != 1)
		l.why = "its version is not known";
	else if (l.base.bins_size % CF_HIVE_BASE || l.base.bins_size == 0 || l.base.bins_size > CF_HIVE_MAX_BYTES)
		l.why = "its hive size is impossible";
	else if (l.base.file_type == TYPE_LOG_NEW)
		l.kind = LOG_NEW;
	else if (l.base.file_type != TYPE_LOG_OLD && l.base.file_type != TYPE_LOG_W2K)
		l.why = "it is no transaction log";
	else if (!cf_span_at(bytes, LOG_SECTOR, 4) || memcmp(bytes.p + LOG_SECTOR, "DIRT", 4) != 0)
		l.why = "the signature \"DIRT\" is missing";
	else
		l.kind = LOG_OLD;
	return l;
}

/* ---- what both formats share ---- */

static uint8_t *base_of(struct work *w)
{
	return w->hive.p;
}

/* The first 512 bytes of the log become the hive's, as Windows does with a torn base block. */
static void restore_base(struct work *w, const struct log *l)
{
	struct cf_base_disk *d = (void *)base_of(w);
	memcpy(d, l->bytes.p, sizeof(*d));
	cf_le32_set(&d->file_type, TYPE_PRIMARY);
	w->replay->torn_base = true;
}

/* Every bin from the first to bins_size: signature, own offset, size. Windows refuses or replaces a bin that
 * fails this. */
static bool bins_sane(const struct work *w, uint32_t bins_size, uint32_t *bad)
{
	struct cf_span bins = cf_span_sub(cf_buf_span(&w->hive), CF_HIVE_BASE, bins_size);
	uint32_t at = 0;
	while (bins.p && at < bins_size) {
		const struct cf_bin_disk *b = (const void *)cf_span_at(bins, at, sizeof(*b));
		if (!b || memcmp(b->signature, "hbin", 4) != 0 || cf_le32_get(b->offset) != at)
			break;
		uint32_t size = cf_le32_get(b->size);
		if (size == 0 || size % CF_HIVE_BASE || !cf_range_ok(at, size, bins_size))
			break;
		at += size;
	}
	*bad = at;
	return bins.p && at == bins_size && at > 0;
}

static int grow(struct work *w, uint32_t bins_size)
{
	size_t need = CF_HIVE_BASE + (size_t)bins_size;
	return w->hive.n >= need ? 0 : cf_buf_resize(&w->hive, need);
}

/* Closes a replay: sequence numbers equal and one further than the last write, as Windows leaves them. */
static void seal(struct work *w, uint32_t last_seq, uint32_t bins_size)
{
	struct cf_base_disk *d = (void *)base_of(w);
	uint32_t bad;
	if (!bins_sane(w, bins_size, &bad)) {
		finish(w->replay, CF_REPLAY_REJECTED, "after replaying the logs there is no valid bin at 0x%llx",
		       (unsigned long long)bad + CF_HIVE_BASE);
		return;
	}
	cf_le32_set(&d->seq1, last_seq + 1);
	cf_le32_set(&d->seq2, last_seq + 1);
	cf_le32_set(&d->bins_size, bins_size);
	cf_le32_set(&d->checksum, cf_hive_checksum(base_of(w)));
	w->replay->state = CF_REPLAY_APPLIED;
}

/* ---- new format ---- */

/* The entry at off when it is valid and carries seq; NULL ends the log (remnants of older entries follow). */
static const struct entry_disk *entry_at(const struct log *l, uint64_t off, uint32_t seq, size_t hive_size)
{
	const struct entry_disk *e = (const void *)cf_span_at(l->bytes, off, sizeof(*e));
	if (!e || memcmp(e->signature, "HvLE", 4) != 0 || cf_le32_get(e->seq) != seq)
		return NULL;
	uint32_t size = cf_le32_get(e->size), bins_size = cf_le32_get(e->bins_size), n = cf_le32_get(e->n_pages);
	struct cf_span all = cf_span_sub(l->bytes, off, size);
	if (!all.p || size < sizeof(*e) || size % LOG_SECTOR || bins_size == 0 || bins_size % CF_HIVE_BASE)
		return NULL;
	if (bins_size > MAX_GROWN && CF_HIVE_BASE + (uint64_t)bins_size > hive_size)
		return NULL;
	if (cf_marvin32(cf_span_sub(all, 0, 0x20)) != cf_le64_get(e->hash2) ||
	    cf_marvin32(cf_span_sub(all, sizeof(*e), size - sizeof(*e))) != cf_le64_get(e->hash1))
		return NULL;
	uint64_t data = sizeof(*e) + (uint64_t)n * 8; /* n < 2^32: no overflow */
	if (data > size)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *ref = all.p + sizeof(*e) + (size_t)i * 8;
		uint32_t len = cf_ld32(ref + 4);
		if (!cf_range_ok(cf_ld32(ref), len, bins_size) || !cf_range_ok(data, len, size))
			return NULL;
		data += len;
	}
	return e;
}

static int apply_entry(struct work *w, const struct entry_disk *e)
{
	uint32_t n = cf_le32_get(e->n_pages);
	if (grow(w, cf_le32_get(e->bins_size)) < 0)
		return -1;
	const uint8_t *ref = (const uint8_t *)(e + 1), *page = ref + (size_t)n * 8;
	for (uint32_t i = 0; i < n; i++, ref += 8) {
		uint32_t len = cf_ld32(ref + 4);
		memcpy(w->hive.p + CF_HIVE_BASE + cf_ld32(ref), page, len);
		page += len;
	}
	struct cf_base_disk *d = (void *)base_of(w);
	cf_le32_set(&d->flags, (cf_le32_get(d->flags) & ~FLAG_KTM) | (cf_le32_get(e->flags) & FLAG_KTM));
	return 0;
}

/* Applies a log's entries from the sequence number of its base block on, as far as they are valid and without a gap. */
static int apply_new_log(struct work *w, const struct log *l, uint32_t *last_seq, uint32_t *bins_size)
{
	uint32_t seq = l->base.seq1;
	uint64_t off = LOG_SECTOR;
	const struct entry_disk *e;
	while ((e = entry_at(l, off, seq, w->hive.n))) { /* at least 512 bytes of the log each */
		if (apply_entry(w, e) < 0)
			return -1;
		*last_seq = seq++;
		*bins_size = cf_le32_get(e->bins_size);
		off += cf_le32_get(e->size);
		w->replay->entries++;
		w->replay->log_used |= l->bit;
	}
	return 0;
}

/* Which log goes first: the one with the earlier sequence number; of a torn base block's logs only
 * the latest is used. */
static int replay_new(struct work *w, const struct log *logs[2])
{
	const struct log *first = logs[0], *second = logs[1];
	uint32_t last_seq = 0, bins_size = 0;
	if (second && seq_before(second->base.seq1, first->base.seq1)) {
		first = logs[1];
		second = logs[0];
	}
	if (!w->good) {
		if (second && seq_before(first->base.seq1, second->base.seq1))
			first = second;
		second = NULL;
		restore_base(w, first);
	} else if (seq_before(first->base.seq1, w->base.seq2)) {
		first = second && !seq_before(second->base.seq1, w->base.seq2) ? second : NULL;
		second = NULL;
	}
	if (!first) {
		finish(w->replay, CF_REPLAY_NO_LOGS, "the logs are older than the hive");
		return 0;
	}
	if (apply_new_log(w, first, &last_seq, &bins_size) < 0)
		return -1;
	if (w->replay->entries == 0) {
		finish(w->replay, CF_REPLAY_REJECTED, "%s: the first entry (sequence number %u) is invalid",
		       first->name, first->base.seq1);
		return 0;
	}
	if (second && second->base.seq1 == last_seq + 1 && apply_new_log(w, second, &last_seq, &bins_size) < 0)
		return -1;
	seal(w, last_seq, bins_size);
	return 0;
}

/* ---- old format ---- */

/* When the primary was last written: its base block says so, or if that is torn, the copy in its first bin. */
static uint64_t primary_time(const struct work *w)
{
	if (w->good)
		return w->base.timestamp;
	const uint8_t *p = cf_span_at(cf_buf_span(&w->hive), CF_HIVE_BASE + 0x14, 8);
	return p ? cf_ld64(p) : 0;
}

/* LOG1, unless it can't be used or LOG2 is newer (Windows 8, and Windows 7 since 2016): LOG2 then holds all that LOG1
 * does. A log newer than the hive is one whose write stopped before it came to the hive's base block. */
static const struct log *choose_old(const struct work *w, const struct log *logs[2])
{
	const struct log *best = NULL;
	for (int i = 0; i < 2; i++)
		if (logs[i] && logs[i]->base.timestamp >= primary_time(w) &&
		    (!best || logs[i]->base.timestamp > best->base.timestamp))
			best = logs[i];
	return best;
}

static int replay_old(struct work *w, const struct log *logs[2])
{
	const struct log *l = choose_old(w, logs);
	if (!l) {
		finish(w->replay, CF_REPLAY_NO_LOGS, "the logs are older than the hive");
		return 0;
	}
	/* One bit for 512 bytes of the bins; their size is a multiple of 4096, so the bitmap is whole bytes. */
	uint32_t bins_size = l->base.bins_size, n_bytes = bins_size / LOG_SECTOR / 8;
	struct cf_span bitmap = cf_span_sub(l->bytes, LOG_SECTOR + 4, n_bytes);
	uint64_t page = ((uint64_t)LOG_SECTOR + 4 + n_bytes + LOG_SECTOR - 1) / LOG_SECTOR * LOG_SECTOR;
	unsigned n_pages = 0;
	for (size_t i = 0; i < bitmap.n; i++)
		n_pages += (unsigned)__builtin_popcount(bitmap.p[i]);
	if (!bitmap.p || !cf_range_ok(page, (uint64_t)n_pages * LOG_SECTOR, l->bytes.n)) {
		finish(w->replay, CF_REPLAY_REJECTED, "%s: its dirty pages are not all there", l->name);
		return 0;
	}
	if (grow(w, bins_size) < 0)
		return -1;
	if (!w->good)
		restore_base(w, l);
	for (size_t bit = 0; bit < (size_t)n_bytes * 8; bit++) {
		if (!(bitmap.p[bit / 8] >> bit % 8 & 1))
			continue;
		memcpy(w->hive.p + CF_HIVE_BASE + bit * LOG_SECTOR, l->bytes.p + page, LOG_SECTOR);
		page += LOG_SECTOR;
	}
	w->replay->entries = n_pages;
	w->replay->log_used = l->bit;
	uint32_t last = l->base.seq1;
	if (w->good && seq_before(last, w->base.seq1))
		last = w->base.seq1;
	seal(w, last, bins_size);
	return 0;
}

/* ---- the whole ---- */

/* Picks the logs of one kind, first LOG1; returns how many. */
static unsigned pick(const struct log all[2], enum log_kind kind, const struct log *out[2])
{
	unsigned n = 0;
	out[0] = out[1] = NULL;
	for (int i = 0; i < 2; i++)
		if (all[i].kind == kind)
			out[n++] = &all[i];
	return n;
}

static int replay_dirty(struct work *w, const struct log all[2])
{
	const struct log *logs[2];
	struct cf_replay *r = w->replay;
	int rc = 0;
	if (pick(all, LOG_NEW, logs))
		rc = replay_new(w, logs);
	else if (pick(all, LOG_OLD, logs))
		rc = replay_old(w, logs);
	else
		finish(r, CF_REPLAY_NO_LOGS, "there is nothing in the logs");
	/* Stale or absent beside damaged: the damaged one is where the missing changes may lie. */
	if (rc == 0 && r->state == CF_REPLAY_NO_LOGS && pick(all, LOG_INVALID, logs))
		finish(r, CF_REPLAY_REJECTED, "%s is invalid: %s", logs[0]->name, logs[0]->why);
	return rc;
}

/* Fills w->base and w->good; a base block whose very signature is torn passes when the first bin shows that this is a
 * hive. */
static int judge_primary(struct work *w, struct cf_span primary, struct cf_error *err)
{
	const uint8_t *bin = cf_span_at(primary, CF_HIVE_BASE, 4);
	if (primary.n < CF_HIVE_BASE)
		return cf_fail(err, CF_E_CORRUPT, "the file is too short for a registry hive (%zu bytes)", primary.n);
	if (primary.n > CF_HIVE_BASE + CF_HIVE_MAX_BYTES)
		return cf_fail(err, CF_E_CORRUPT, "the hive is larger than Windows can load (%zu bytes)", primary.n);
	if (cf_hive_read_base(primary, &w->base, NULL) < 0) {
		if (!bin || memcmp(bin, "hbin", 4) != 0)
			return cf_hive_read_base(primary, &w->base, err);
		w->base = (struct cf_hive_base){ .dirty = true };
		return 0;
	}
	if (w->base.checksum_ok && w->base.file_type != TYPE_PRIMARY)
		return cf_fail_at(err, CF_E_CORRUPT, 0x1c, "this is a transaction log (type %u), not a hive",
				  w->base.file_type);
	w->good = w->base.checksum_ok;
	return 0;
}

int cf_hive_replay(struct cf_span primary, struct cf_span log1, struct cf_span log2, struct cf_buf *hive,
		   struct cf_replay *replay, struct cf_error *err)
{
	*replay = (struct cf_replay){ .state = CF_REPLAY_CLEAN };
	struct work w = { .replay = replay };
	if (judge_primary(&w, primary, err) < 0)
		return -1;
	CF_BUF result = { 0 };
	if (cf_buf_copy(&w.hive, primary) < 0)
		return cf_fail_nomem(err);
	int rc = 0;
	if (w.base.dirty) {
		struct log all[2] = { look_at(log1, "LOG1", 1), look_at(log2, "LOG2", 2) };
		rc = replay_dirty(&w, all);
	}
	result = w.hive;
	if (rc == 0 && replay->state != CF_REPLAY_APPLIED) {
		replay->entries = replay->log_used = 0;
		replay->torn_base = false;
		if (replay->state != CF_REPLAY_CLEAN)
			rc = cf_buf_copy(&result, primary);
	}
	if (rc < 0)
		return cf_fail_nomem(err);
	cf_buf_free(hive);
	*hive = result;
	result = (struct cf_buf){ 0 };
	return 0;
}
