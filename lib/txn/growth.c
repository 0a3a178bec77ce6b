/* growth.c - the file that holds a disk becomes larger, and small again.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Order of growing: 1. record, synced with its folder; 2. VHD: new footer behind the new end, synced; raw: the new length, synced; 3. VHD: the old
 * footer, which is guest bytes now, becomes zeros, synced. Before 2 is synced the old footer is still there, and the record
 * holds a copy of it. Backwards: 1. VHD: the old footer in its place, synced; 2. the old length, synced; 3. the record goes.
 */
#include "txn/growth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/child.h"
#include "block/inuse.h"
#include "block/vhd.h"
#include "txn/stable.h"
#include "txn/undo-format.h"

static char *record_path(const char *image)
{
	char *s;
	return asprintf(&s, "%s.coldfix-growing", image) < 0 ? NULL : s;
}

static const uint8_t no_nonce[CF_UNDO_NONCE];

static uint32_t record_crc(const struct cf_growth_record_disk *d)
{
	return cf_crc32(cf_crc32(0, no_nonce, sizeof no_nonce), d, offsetof(struct cf_growth_record_disk, crc));
}

int cf_growth_record(const char *image, const struct cf_growth *g, struct cf_error *err)
{
	struct cf_growth_record_disk d = { 0 };
	CF_FREE char *path = record_path(image);
	if (!path)
		return cf_fail_nomem(err);
	int there = cf_stable_exists(path, err);
	if (there)
		return there < 0 ? -1 : 0;
	memcpy(d.magic, CF_GROWTH_MAGIC, sizeof d.magic);
	cf_le32_set(&d.version, CF_UNDO_VERSION);
	cf_le32_set(&d.kind, g->kind);
	cf_le64_set(&d.old_size, g->old_size);
	cf_le64_set(&d.new_size, g->new_size);
	memcpy(d.footer, g->footer, sizeof d.footer);
	cf_le32_set(&d.crc, record_crc(&d));
	CF_STABLE_CLOSE int h = cf_stable_open(path, CF_STABLE_CREATE, err);
	if (h < 0)
		return -1;
	if (cf_stable_write(h, path, 0, &d, sizeof d, err) < 0 || cf_stable_sync(h, path, err) < 0 ||
	    cf_stable_sync_folder_of(path, err) < 0) {
		struct cf_error ignored;
		(void)!cf_stable_unlink(path, &ignored); /* what stays is removed by the next open */
		return -1;
	}
	return 0;
}

int cf_growth_read(const char *image, struct cf_growth *g, struct cf_error *err)
{
	struct cf_growth_record_disk d;
	struct cf_stable_stat st;
	CF_FREE char *path = record_path(image);
	*g = (struct cf_growth){ 0 };
	if (!path)
		return cf_fail_nomem(err);
	int there = cf_stable_exists(path, err);
	if (there <= 0)
		return there;
	CF_STABLE_CLOSE int h = cf_stable_open(path, CF_STABLE_READ, err);
	if (h < 0 || cf_stable_stat(h, path, &st, err) < 0)
		return -1;
	/* A stop while it was being made: nothing had been grown yet. */
	if (st.size < sizeof d)
		return 1;
	if (cf_stable_read(h, path, 0, &d, sizeof d, err) < 0)
		return -1;
	static const uint8_t zero[sizeof d];
	if (memcmp(&d, zero, sizeof d) == 0)
		return 1;
	g->kind = (enum cf_growth_kind)cf_le32_get(d.kind);
	g->old_size = cf_le64_get(d.old_size);
	g->new_size = cf_le64_get(d.new_size);
	memcpy(g->footer, d.footer, sizeof g->footer);
	if (memcmp(d.magic, CF_GROWTH_MAGIC, sizeof d.magic) != 0 || cf_le32_get(d.version) != CF_UNDO_VERSION ||
	    cf_le32_get(d.crc) != record_crc(&d) || g->kind < CF_GROWTH_RAW || g->kind > CF_GROWTH_QCOW2 || !g->old_size ||
	    g->old_size >= g->new_size || g->new_size > INT64_MAX - CF_GROWTH_FOOTER) {
		cf_fail(err, CF_E_CORRUPT, "%s is damaged: it says what the image was before an expansion that did not finish; "
			"remove it to keep the image as it is", path);
		return cf_fail_path(err, path);
	}
	return 1;
}

int cf_growth_keep(const char *image, struct cf_error *err)
{
	CF_FREE char *path = record_path(image);
	if (!path)
		return cf_fail_nomem(err);
	return cf_stable_unlink(path, err) < 0 ? -1 : cf_stable_sync_folder_of(path, err);
}

/* ---- the file ---- */

static int qemu_resize(const char *image, uint64_t size, bool shrink, struct cf_error *err)
{
	char bytes[32];
	snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)size);
	const char *const grow[] = { "qemu-img", "resize", "-q", "-f", "qcow2", image, bytes, NULL };
	const char *const less[] = { "qemu-img", "resize", "-q", "--shrink", "-f", "qcow2", image, bytes, NULL };
	if (cf_child_run(shrink ? less : grow, err) < 0)
		return -1;
	CF_STABLE_CLOSE int h = cf_stable_open(image, CF_STABLE_WRITE, err);
	return h < 0 ? -1 : cf_stable_sync(h, image, err);
}

static int read_footer(int h, const char *image, struct cf_growth *g, struct cf_error *err)
{
	struct cf_stable_stat st;
	struct cf_vhd_footer f;
	if (cf_stable_stat(h, image, &st, err) < 0)
		return -1;
	if (st.size != g->old_size + CF_GROWTH_FOOTER)
		return cf_fail(err, CF_E_UNSUPPORTED, "the VHD's footer is not the 512 bytes behind its data: copy it with --output NEW.vhd");
	if (cf_stable_read(h, image, g->old_size, g->footer, sizeof g->footer, err) < 0 ||
	    cf_vhd_parse(cf_span_of(g->footer, sizeof g->footer), &f, err) < 0)
		return -1;
	return f.type == CF_VHD_FIXED && f.current_size == g->old_size ?
		       0 : cf_fail(err, CF_E_CORRUPT, "the VHD's footer does not say what its file holds");
}

static int grow_file(int h, const char *image, const struct cf_growth *g, struct cf_error *err)
{
	static const uint8_t zero[CF_GROWTH_FOOTER];
	uint8_t footer[CF_GROWTH_FOOTER];
	if (g->kind == CF_GROWTH_RAW)
		return cf_stable_truncate(h, image, g->new_size, err) < 0 ? -1 : cf_stable_sync(h, image, err);
	memcpy(footer, g->footer, sizeof footer);
	cf_vhd_set_size(footer, g->new_size);
	if (cf_stable_write(h, image, g->new_size, footer, sizeof footer, err) < 0 || cf_stable_sync(h, image, err) < 0 ||
	    cf_stable_write(h, image, g->old_size, zero, sizeof zero, err) < 0)
		return -1;
	return cf_stable_sync(h, image, err);
}

static int shrink_file(int h, const char *image, const struct cf_growth *g, struct cf_error *err)
{
	uint64_t size = g->old_size;
	if (g->kind == CF_GROWTH_VHD) {
		size += CF_GROWTH_FOOTER;
		if (cf_stable_write(h, image, g->old_size, g->footer, sizeof g->footer, err) < 0 || cf_stable_sync(h, image, err) < 0)
			return -1;
	}
	return cf_stable_truncate(h, image, size, err) < 0 ? -1 : cf_stable_sync(h, image, err);
}

int cf_growth_back(const char *image, const struct cf_growth *g, struct cf_error *err)
{
	struct cf_stable_stat st;
	if (g->kind == CF_GROWTH_NONE)
		return cf_growth_keep(image, err);
	if (g->kind == CF_GROWTH_QCOW2)
		return qemu_resize(image, g->old_size, true, err) < 0 ? -1 : cf_growth_keep(image, err);
	CF_STABLE_CLOSE int h = cf_stable_open(image, CF_STABLE_WRITE, err);
	if (h < 0 || cf_stable_stat(h, image, &st, err) < 0)
		return -1;
	/* Never a byte of a file that is not the one that was grown. */
	if (st.size < g->old_size || st.size > g->new_size + CF_GROWTH_FOOTER)
		return cf_fail(err, CF_E_CHANGED, "the image is no longer the one that was grown: its size is %llu bytes",
			       (unsigned long long)st.size);
	return shrink_file(h, image, g, err) < 0 ? -1 : cf_growth_keep(image, err);
}

int cf_growth_begin(const char *image, struct cf_growth *g, struct cf_error *err)
{
	struct cf_error ignored = { 0 };
	if (g->kind != CF_GROWTH_QCOW2) {
		CF_STABLE_CLOSE int h = cf_stable_open(image, CF_STABLE_WRITE, err);
		if (h < 0 || (g->kind == CF_GROWTH_VHD && read_footer(h, image, g, err) < 0) || cf_growth_record(image, g, err) < 0)
			return -1;
		if (grow_file(h, image, g, err) == 0)
			return 0;
	} else {
		if (cf_growth_record(image, g, err) < 0)
			return -1;
		if (qemu_resize(image, g->new_size, false, err) == 0)
			return 0;
		(void)!cf_growth_keep(image, &ignored); /* the next open looks */
		return -1;
	}
	if (cf_growth_back(image, g, &ignored) < 0)
		return cf_fail_prefix(err, "the image could not be made small again (%.200s); the next open tries", ignored.message);
	return -1;
}

int cf_growth_settle_file(const char *image, bool writable, struct cf_error *err)
{
	struct cf_growth g;
	struct cf_stable_stat st;
	struct cf_vhd_footer f;
	uint8_t tail[CF_GROWTH_FOOTER];
	int there = cf_growth_read(image, &g, err);
	if (there <= 0 || g.kind != CF_GROWTH_VHD)
		return there < 0 ? -1 : 0;
	CF_CLOSE int fd = open(image, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	int free_now = fd < 0 ? -1 : cf_image_lock(fd, writable, err);
	if (fd < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "the disk can't be opened");
	if (free_now <= 0)
		return free_now < 0 ? -1 : cf_fail(err, CF_E_IN_USE, "the disk is in use: another process is expanding it");
	CF_STABLE_CLOSE int h = cf_stable_open(image, CF_STABLE_READ, err);
	if (h < 0 || cf_stable_stat(h, image, &st, err) < 0)
		return -1;
	if (st.size > sizeof tail) {
		if (cf_stable_read(h, image, st.size - sizeof tail, tail, sizeof tail, err) < 0)
			return -1;
		if (cf_vhd_parse(cf_span_of(tail, sizeof tail), &f, NULL) == 0 && f.current_size == st.size - sizeof tail)
			return 0;
	}
	if (!writable)
		return cf_fail(err, CF_E_UNCLEAN, "an expansion of this disk did not finish: run 'coldfix repair' on it, which first puts it "
			       "back as it was");
	return cf_growth_back(image, &g, err);
}
