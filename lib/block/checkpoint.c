/* checkpoint.c - files beside an image that depend on its content.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A differencing disk or a qcow2 overlay holds only what differs from its parent: change the parent and the child is garbage. A
 * saved state holds memory that still caches the disk. This looks at files, never changes or follows them: a name that
 * a child gives is compared with ours by its last part or by the file it leads to, and is not opened.
 */
#include "block/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/endian.h"
#include "base/utf16.h"
#include "block/file.h"
#include "block/vhd.h"
#include "block/vhdx.h"

#define FILES_MAX 20000u        /* entries of the folder that are looked at */
#define SAVED_VMRS_MIN (16 * CF_MIB) /* a .vmrs exists for every Hyper-V VM; with memory in it, it is larger than this */

struct search {
	const char *name;             /* of our image, without its folder */
	const struct stat *st;
	const struct cf_probe *probe;
	int dir;                      /* the folder */
};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);
	return n > k && strcasecmp(name + n - k, suffix) == 0;
}

static const char *last_part(const char *path)
{
	const char *last = path;
	for (const char *p = path; *p; p++)
		if (*p == '/' || *p == '\\')
			last = p + 1;
	return last;
}

/* Does the name that a child gives for its parent mean our image? */
static bool means_us(const struct search *s, const char *parent)
{
	struct stat st;
	if (strncmp(parent, "file:", 5) == 0)
		parent += 5;
	if (strncmp(parent, "json:", 5) == 0)
		return strstr(parent, s->name) != NULL;
	if (fstatat(s->dir, parent, &st, 0) == 0)
		return st.st_dev == s->st->st_dev && st.st_ino == s->st->st_ino;
	/* A Windows path, or a path on the host where the VM lives. */
	return strcasecmp(last_part(parent), s->name) == 0;
}

/* The rule of Hyper-V: the checkpoint of disk.vhdx is called disk_GUID.avhdx. */
static bool name_of_child(const struct search *s, const char *name)
{
	const char *dot = strrchr(s->name, '.');
	size_t stem = dot ? (size_t)(dot - s->name) : strlen(s->name);
	return strncasecmp(name, s->name, stem) == 0 && (name[stem] == '_' || name[stem] == '.' || name[stem] == '-');
}

static bool vhd_child(const struct search *s, struct cf_block *raw, struct cf_span head)
{
	struct cf_vhd_footer f;
	uint8_t header[CF_VHD_HEADER];
	if (cf_vhd_parse(cf_span_sub(head, 0, cf_min_u64(head.n, CF_VHD_FOOTER)), &f, NULL) < 0 ||
	    f.type != CF_VHD_DIFFERENCING || !cf_range_ok(f.data_offset, sizeof header, raw->size) ||
	    cf_block_read(raw, f.data_offset, header, sizeof header, NULL) < 0)
		return false;
	/* 0x28: the parent's unique id; 0x40: its name, 256 UTF-16 characters, big-endian. */
	if (s->probe->has_id && memcmp(header + 0x28, s->probe->id, 16) == 0)
		return true;
	for (size_t i = 0x40; i < 0x240; i += 2) {
		uint8_t t = header[i];
		header[i] = header[i + 1];
		header[i + 1] = t;
	}
	CF_FREE char *parent = cf_utf16z_to_utf8(cf_span_of(header + 0x40, 512), NULL);
	return parent && parent[0] && means_us(s, parent);
}

static bool vhdx_child(const struct search *s, struct cf_block *raw)
{
	struct cf_vhdx v;
	struct cf_guid g;
	if (cf_vhdx_read(raw, &v, NULL) < 0 || !v.has_parent)
		return false;
	if (s->probe->has_id && s->probe->format == CF_FMT_VHDX && cf_guid_parse(v.parent_linkage, &g) &&
	    memcmp(g.b, s->probe->id, sizeof g.b) == 0)
		return true;
	return v.parent_path[0] && means_us(s, v.parent_path);
}

/* Does the open file (its first bytes in head) take its content from our image? */
static bool is_child(const struct search *s, struct cf_block *raw, struct cf_span head, const char *name)
{
	struct cf_probe p;

	if (cf_vhd_has_cookie(head))
		return vhd_child(s, raw, head);
	if (head.n >= 8 && memcmp(head.p, "vhdxfile", 8) == 0)
		return vhdx_child(s, raw);
	bool qcow2 = head.n >= 4 && memcmp(head.p, "QFI\xfb", 4) == 0;
	bool vmdk = head.n >= 21 && (memcmp(head.p, "KDMV", 4) == 0 || memcmp(head.p, "# Disk DescriptorFile", 21) == 0);
	bool vdi = head.n >= 512 && memcmp(head.p, "<<< ", 4) == 0;
	/* A file that only looks like a container (a raw disk with a faked header) is no child; its name decides. */
	if ((!qcow2 && !vmdk && !vdi) || cf_probe(raw, name, qcow2 ? "qcow2" : vmdk ? "vmdk" : "vdi", &p, NULL) < 0 ||
	    !p.differencing)
		return false;
	if (vdi) /* 0x1a8: the parent's UUID */
		return s->probe->format == CF_FMT_VDI && s->probe->has_id && memcmp(head.p + 0x1a8, s->probe->id, 16) == 0;
	return p.other[0] && means_us(s, p.other);
}

/* 1: depends on us, 0: does not, -1: could not be read. */
static int examine_file(const struct search *s, const char *name)
{
	struct stat st;
	uint8_t head[512] = { 0 };

	/* Only regular files, looked at before they are opened: a FIFO here must not stop us. */
	if (fstatat(s->dir, name, &st, 0) < 0)
		return -1;
	if (!S_ISREG(st.st_mode) || (st.st_dev == s->st->st_dev && st.st_ino == s->st->st_ino) || st.st_size < 512)
		return 0;
	int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	struct cf_block *raw = cf_raw_open(fd, name, (uint64_t)st.st_size, 512, true, NULL);
	if (!raw)
		return -1;
	int r = -1;
	if (cf_block_read(raw, 0, head, sizeof head, NULL) == 0)
		r = is_child(s, raw, cf_span_of(head, sizeof head), name);
	cf_block_close(raw);
	return r;
}

static bool is_saved_state(const struct search *s, const char *name)
{
	struct stat st;
	if (has_suffix(name, ".vsv") || has_suffix(name, ".vmss") || has_suffix(name, ".sav"))
		return true;
	return has_suffix(name, ".vmrs") && fstatat(s->dir, name, &st, 0) == 0 && st.st_size > 0 &&
	       (uint64_t)st.st_size >= SAVED_VMRS_MIN;
}

static bool depends_on_us(const struct search *s, const char *name, char *what, size_t what_len)
{
	if (is_saved_state(s, name)) {
		snprintf(what, what_len, "a VM's saved state (\"%.200s\")", name);
		return true;
	}
	int r = examine_file(s, name);
	bool by_name = has_suffix(name, ".avhd") || has_suffix(name, ".avhdx");
	if (r > 0 || (r < 0 && by_name && name_of_child(s, name))) {
		snprintf(what, what_len, "%s (\"%.200s\")", by_name ? "a checkpoint" : "a differencing disk or overlay", name);
		return true;
	}
	return false;
}

static int search_folder(struct search *s, const char *folder, char *what, size_t what_len)
{
	DIR *dir = opendir(folder);
	if (!dir)
		return 0;
	s->dir = dirfd(dir);
	bool found = false;
	struct dirent *e;
	for (unsigned i = 0; !found && i < FILES_MAX && (e = readdir(dir)); i++)
		if (e->d_type != DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			found = depends_on_us(s, e->d_name, what, what_len);
	closedir(dir);
	return found;
}

int cf_checkpoint_find(const char *path, const struct stat *st, const struct cf_probe *probe, char *what, size_t what_len,
		       struct cf_error *err)
{
	CF_FREE char *real = realpath(path, NULL);
	CF_FREE char *folder = strdup(real ? real : path);
	if (!folder)
		return cf_fail_nomem(err);
	char *slash = strrchr(folder, '/');
	struct search s = { .name = last_part(path), .st = st, .probe = probe };
	CF_FREE char *name = strdup(slash ? slash + 1 : folder);
	if (!name)
		return cf_fail_nomem(err);
	s.name = name;
	if (!slash)
		strcpy(folder, ".");
	else
		slash[slash == folder] = 0;
	return search_folder(&s, folder, what, what_len);
}
