/* ntfs-health.c - the state of an NTFS volume: journal, hibernation, shadow copies, free space, fingerprints.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads only, in pieces of at most 64 KiB, so that the $Bitmap of a huge volume costs no memory.
 */
#include "volume/ntfs-internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE (64 * 1024u)
#define MAX_RESTART_HEAD (128 * 1024u) /* two restart pages of the largest size */
#define HIBERFIL_HEADER 4096u
#define FINGERPRINT_RECORDS 16u
#define MAX_LABEL 1024u /* bytes; NTFS allows 32 characters in practice, 256 by its definition */
#define SNAPSHOT_STORE "{3808876b-c176-4e48-b7ae-04046e6cc752}"

int cf_ntfs_journal_state(struct cf_ntfs *n, struct cf_ntfs_journal *j, struct cf_error *err)
{
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(n, CF_NTFS_REC_LOGFILE, CF_NTFS_AT_DATA, NULL, err);
	CF_FREE uint8_t *head = malloc(MAX_RESTART_HEAD);
	size_t got;
	if (!s)
		return cf_fail_prefix(err, "can't read $LogFile");
	if (!head)
		return cf_fail_nomem(err);
	if (cf_ntfs_stream_read(s, 0, head, MAX_RESTART_HEAD, &got, err) < 0)
		return cf_fail_prefix(err, "can't read $LogFile");
	cf_ntfs_journal_parse(head, got, j);
	return 0;
}

int cf_ntfs_hibernated(struct cf_ntfs *n, bool *hibernated, struct cf_error *err)
{
	*hibernated = false;
	CF_NTFS_PLACE place = { 0 };
	struct cf_error why = { 0 };
	if (cf_ntfs_resolve(n, "\\hiberfil.sys", &place, &why) < 0) {
		if (why.code == CF_E_NOT_FOUND)
			return 0;
		if (err)
			*err = why;
		return cf_fail_prefix(err, "can't look for \\hiberfil.sys");
	}
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(n, place.ref, CF_NTFS_AT_DATA, NULL, err);
	if (!s)
		return cf_fail_prefix(err, "can't read \\hiberfil.sys");
	uint8_t magic[4];
	/* One too short for a header marks a volume that another, hibernated Windows has mounted (libntfs-3g's rule as well). */
	if (cf_ntfs_stream_size(s) < HIBERFIL_HEADER) {
		*hibernated = true;
		return 0;
	}
	if (cf_ntfs_stream_read_all(s, 0, magic, sizeof magic, err) < 0)
		return cf_fail_prefix(err, "can't read \\hiberfil.sys");
	*hibernated = memcmp(magic, "hibr", 4) == 0 || memcmp(magic, "HIBR", 4) == 0;
	return 0;
}

/* Snapshots are files named by their GUID and the store's; the store's name alone is only the catalogue. */
static int count_snapshot(void *user, const struct cf_ntfs_name *name)
{
	struct cf_volume_health *h = user;
	if (name->space == 2)
		return 0;
	CF_FREE char *text = cf_utf16_to_utf8(name->name, NULL);
	size_t len = text ? strlen(text) : 0, store = strlen(SNAPSHOT_STORE);
	if (len > store && text[0] == '{' && cf_utf8_eq_nocase(text + len - store, SNAPSHOT_STORE))
		h->shadow_copy_count++;
	return 0;
}

static void note_damage(struct cf_volume_health *h, const char *text)
{
	if (!h->damaged)
		snprintf(h->damage, sizeof h->damage, "%.*s", (int)sizeof h->damage - 1, text);
	h->damaged = true;
}

/* Damage is noted and the rest is still looked at; a device that fails is no damage but an error. Returns -1 for that. */
static int note_error(struct cf_volume_health *h, const struct cf_error *why, struct cf_error *err)
{
	if (why->code != CF_E_IO && why->code != CF_E_NO_MEMORY) {
		note_damage(h, why->message);
		return 0;
	}
	if (err)
		*err = *why;
	return -1;
}

static int count_snapshots(struct cf_ntfs *n, struct cf_volume_health *h, struct cf_error *err)
{
	CF_NTFS_PLACE place = { 0 };
	if (cf_ntfs_resolve(n, "\\System Volume Information", &place, err) < 0)
		return -1;
	return cf_ntfs_walk(n, place.ref, count_snapshot, h, err);
}

int cf_ntfs_health(struct cf_volume *v, struct cf_volume_health *h, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	struct cf_ntfs_journal j = { .unclean = true, .text = "unreadable" };
	struct cf_error why = { 0 };
	*h = (struct cf_volume_health){ .dirty_flag = cf_ntfs_dirty_flag(n) };
	if (n->boot.truncated)
		note_damage(h, "the volume is larger than its partition: its end is missing");
	if (cf_ntfs_journal_state(n, &j, &why) < 0 && note_error(h, &why, err) < 0)
		return -1;
	h->journal_unclean = j.unclean;
	memcpy(h->journal, j.text, sizeof h->journal);
	if (cf_ntfs_hibernated(n, &h->hibernated, &why) < 0 && note_error(h, &why, err) < 0)
		return -1;
	if (count_snapshots(n, h, &why) < 0 && why.code != CF_E_NOT_FOUND && note_error(h, &why, err) < 0)
		return -1;
	h->shadow_copies = h->shadow_copy_count > 0;
	return 0;
}

struct run_count {
	uint64_t free, longest, runs, current;
};

static void end_run(struct run_count *r)
{
	if (r->current) {
		r->runs++;
		r->longest = cf_max_u64(r->longest, r->current);
		r->current = 0;
	}
}

static void count_bits(const uint8_t *p, uint64_t bits, struct run_count *r)
{
	for (uint64_t i = 0, word; i < bits;) {
		if (!(i & 63) && bits - i >= 64) {
			/* Most of a bitmap is long runs. */
			memcpy(&word, p + (i >> 3), sizeof word);
			if (word == 0 || word == UINT64_MAX) {
				if (word) {
					end_run(r);
				} else {
					r->free += 64;
					r->current += 64;
				}
				i += 64;
				continue;
			}
		}
		if (!(i & 7) && bits - i >= 8 && (p[i >> 3] == 0 || p[i >> 3] == 0xff)) {
			if (p[i >> 3]) {
				end_run(r);
			} else {
				r->free += 8;
				r->current += 8;
			}
			i += 8;
			continue;
		}
		if (p[i >> 3] >> (i & 7) & 1) {
			end_run(r);
		} else {
			r->free++;
			r->current++;
		}
		i++;
	}
}

static int count_free(struct cf_ntfs *n, struct run_count *r, struct cf_error *err)
{
	*r = (struct run_count){ 0 };
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(n, CF_NTFS_REC_BITMAP, CF_NTFS_AT_DATA, NULL, err);
	CF_FREE uint8_t *piece = malloc(PIECE);
	if (!s)
		return cf_fail_prefix(err, "can't read $Bitmap");
	if (!piece)
		return cf_fail_nomem(err);
	/* Bits beyond the last cluster are padding. */
	for (uint64_t bit = 0; bit < n->boot.clusters; bit += PIECE * 8u) {
		uint64_t bits = cf_min_u64(PIECE * 8u, n->boot.clusters - bit);
		if (cf_ntfs_stream_read_all(s, bit / 8, piece, (size_t)((bits + 7) / 8), err) < 0)
			return cf_fail_prefix(err, "can't read $Bitmap");
		count_bits(piece, bits, r);
	}
	end_run(r);
	return 0;
}

int cf_ntfs_space(struct cf_volume *v, struct cf_volume_space *s, struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	struct run_count r;
	if (count_free(n, &r, err) < 0)
		return -1;
	uint64_t c = n->boot.cluster_size; /* clusters * cluster_size was checked with the boot sector */
	*s = (struct cf_volume_space){ .total_bytes = n->boot.clusters * c,
				       .free_bytes = r.free * c,
				       .cluster_size = c,
				       .largest_free_extent_bytes = r.longest * c,
				       .free_extents = r.runs };
	return 0;
}

char *cf_ntfs_label(struct cf_volume *v, struct cf_error *err)
{
	struct cf_error why = { 0 };
	uint8_t name[MAX_LABEL];
	size_t got = 0;
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(cf_ntfs_of(v), CF_NTFS_REC_VOLUME, CF_NTFS_AT_VOLUME_NAME, NULL, &why);
	if ((!s && why.code != CF_E_NOT_FOUND) || (s && cf_ntfs_stream_read(s, 0, name, sizeof name, &got, &why) < 0)) {
		if (err)
			*err = why;
		return NULL;
	}
	char *text = cf_utf16z_to_utf8(cf_span_of(name, got), NULL);
	if (!text)
		cf_fail_nomem(err);
	return text;
}

/* ---- fingerprints ---- */

struct clip {
	int (*fn)(void *, uint64_t, uint64_t, const char *);
	void *user;
	const char *what;
	uint64_t end; /* bytes of the stream that count */
};

/* Hands on what of an extent lies before clip.end, in pieces. */
static int clip_extent(void *user, uint64_t file_off, uint64_t offset, uint64_t len)
{
	struct clip *c = user;
	if (file_off >= c->end)
		return 0;
	len = cf_min_u64(len, c->end - file_off);
	for (uint64_t done = 0; done < len && offset != UINT64_MAX; done += PIECE) {
		int rc = c->fn(c->user, offset + done, cf_min_u64(PIECE, len - done), c->what);
		if (rc)
			return rc;
	}
	return 0;
}

static int stream_fingerprint(struct cf_ntfs *n, uint64_t record, uint64_t bytes, struct clip *c, struct cf_error *err)
{
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *s = cf_ntfs_stream_open(n, record, CF_NTFS_AT_DATA, NULL, err);
	if (!s)
		return -1;
	c->end = cf_min_u64(bytes, cf_ntfs_stream_size(s));
	return cf_ntfs_stream_extents(s, clip_extent, c, err);
}

int cf_ntfs_fingerprints(struct cf_volume *v, int (*fn)(void *, uint64_t, uint64_t, const char *), void *user,
			 struct cf_error *err)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	int rc = fn(user, 0, n->boot.sector_size, "boot sector");
	if (rc)
		return rc;
	struct clip c = { .fn = fn, .user = user, .what = "MFT records 0-15" };
	rc = stream_fingerprint(n, CF_NTFS_REC_MFT, (uint64_t)FINGERPRINT_RECORDS * n->boot.record_size, &c, err);
	if (rc)
		return rc;
	c.what = "$LogFile restart pages";
	return stream_fingerprint(n, CF_NTFS_REC_LOGFILE, 8192, &c, err);
}

/* ---- can $MFT take another record? ---- */

/* A free record that is already formatted: a zero bit of $MFT's bitmap below the initialized size. */
static int free_record(struct cf_ntfs *n, struct cf_ntfs_stream *mft, bool *found, struct cf_error *err)
{
	*found = false;
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *bitmap = cf_ntfs_stream_open(n, CF_NTFS_REC_MFT, CF_NTFS_AT_BITMAP, NULL, err);
	CF_FREE uint8_t *piece = malloc(PIECE);
	if (!bitmap)
		return -1;
	if (!piece)
		return cf_fail_nomem(err);
	uint64_t records = cf_ntfs_stream_initialized(mft) / n->boot.record_size;
	for (uint64_t byte = CF_NTFS_REC_FIRST_FREE / 8; byte < records / 8 && !*found;) {
		size_t got;
		if (cf_ntfs_stream_read(bitmap, byte, piece, (size_t)cf_min_u64(PIECE, records / 8 - byte), &got, err) < 0)
			return -1;
		if (!got)
			break;
		for (size_t i = 0; i < got && !*found; i++)
			*found = piece[i] != 0xff;
		byte += got;
	}
	return 0;
}

bool cf_ntfs_mft_can_grow(struct cf_volume *v)
{
	struct cf_ntfs *n = cf_ntfs_of(v);
	struct cf_error err = { 0 };
	CF_CLEANUP(cf_ntfs_stream_closep)
	struct cf_ntfs_stream *mft = cf_ntfs_stream_open(n, CF_NTFS_REC_MFT, CF_NTFS_AT_DATA, NULL, &err);
	bool found;
	struct run_count r;
	if (!mft || free_record(n, mft, &found, &err) < 0)
		return false;
	if (found)
		return true;
	/* A new extent takes whole clusters, enough for one record. Its mapping pairs always find room: libntfs-3g and Windows move
	 * attributes out of record 0 into extension records, whose numbers are kept in reserve below 24. */
	uint64_t needed = cf_max_u64(1, n->boot.record_size / n->boot.cluster_size);
	return count_free(n, &r, &err) == 0 && r.free >= needed;
}
