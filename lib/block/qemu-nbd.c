/* qemu-nbd.c - images in a container format, through a QEMU process of our own.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * QEMU is told the format of every layer and the one file it may open, in its JSON notation, so that it neither probes nor
 * follows a name that the image gives (unless the user allowed it), and odd file names can't be taken for options. The
 * socket lies in a folder that only we can enter and is gone as soon as we are connected; so is the throw-away overlay:
 * even when we are killed nothing stays behind.
 */
#include "block/container.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "block/child.h"
#include "block/nbd.h"

#define FOLDER_MAX 80u /* bytes: with the socket's name it must fit in struct sockaddr_un (108) */

/* A private folder and what we put there; removed at the end of the scope. */
struct folder {
	char path[FOLDER_MAX];
	char socket[FOLDER_MAX + 16], overlay[FOLDER_MAX + 16];
};

static void remove_folder(struct folder *f)
{
	if (!f->path[0])
		return;
	unlink(f->socket);
	unlink(f->overlay);
	rmdir(f->path);
}

static int make_folder(struct folder *f, struct cf_error *err)
{
	const char *base = getenv("TMPDIR");
	if (!base || base[0] != '/' || strlen(base) > FOLDER_MAX - 20)
		base = "/tmp";
	snprintf(f->path, sizeof f->path, "%s/coldfix-XXXXXX", base);
	if (!mkdtemp(f->path)) { /* mode 0700 */
		int e = errno;
		f->path[0] = 0;
		return cf_fail_errno(err, CF_E_IO, e, "can't make a temporary folder in %s", base);
	}
	snprintf(f->socket, sizeof f->socket, "%s/socket", f->path);
	snprintf(f->overlay, sizeof f->overlay, "%s/overlay", f->path);
	return 0;
}

static const char *driver(enum cf_disk_format format)
{
	/* QEMU's own words are ours but for one. */
	return format == CF_FMT_VHD_FIXED || format == CF_FMT_VHD_DYNAMIC ? "vpc" : cf_disk_format_name(format);
}

/* {"driver": "file", "filename": PATH}: the only node that opens a file of the user's. */
static json_t *file_node(const struct cf_container *c, const char *path, bool read_only)
{
	json_t *n = json_pack("{s:s, s:s, s:b}", "driver", c->is_device ? "host_device" : "file", "filename", path, "read-only",
			      read_only);
	if (n && c->force_share && json_object_set_new(n, "force-share", json_true()) < 0) {
		json_decref(n);
		return NULL;
	}
	return n;
}

/* Where a dirty VHDX is only read, QEMU replays its log all the same, but into a qcow2 file that lies between its VHDX
 * driver and the untouched original. */
static json_t *overlay_node(const struct cf_container *c, const char *path, const char *overlay)
{
	return json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:b, s:o}}", "driver", "qcow2", "file", "driver", "file", "filename", overlay,
			 "backing", "driver", "raw", "read-only", 1, "file", file_node(c, path, true));
}

/* The whole tree as "json:{…}"; malloc'd. */
static char *image_spec(const struct cf_container *c, const char *path, const struct folder *f, struct cf_error *err)
{
	bool read_only = !c->writable && !c->overlay;
	json_t *file = c->overlay ? overlay_node(c, path, f->overlay) : file_node(c, path, read_only);
	json_t *top = json_pack("{s:s, s:o}", "driver", driver(c->format), "file", file);
	int r = top ? 0 : -1;

	if (r == 0 && c->format == CF_FMT_VHD_DYNAMIC)
		r = json_object_set_new(top, "force_size_calc", json_string("current_size"));
	if (r == 0 && (c->format == CF_FMT_QCOW2 || c->format == CF_FMT_VMDK) && !c->allow_backing)
		r = json_object_set_new(top, "backing", json_null());
	if (r == 0 && c->force_share)
		r = json_object_set_new(top, "force-share", json_true());
	CF_FREE char *text = r == 0 ? json_dumps(top, JSON_COMPACT) : NULL;
	json_decref(top);
	char *spec = NULL;
	if (!text) {
		cf_fail(err, CF_E_UNSUPPORTED, "the path can't be given to QEMU: it is not valid UTF-8, rename the file");
		return NULL;
	}
	if (asprintf(&spec, "json:%s", text) < 0) {
		cf_fail_nomem(err);
		return NULL;
	}
	return spec;
}

/* An empty qcow2 file as large as the container itself. */
static int make_overlay(const char *path, const struct folder *f, struct cf_error *err)
{
	struct stat st;
	char size[32];
	if (stat(path, &st) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't find out the file's size");
	snprintf(size, sizeof size, "%llu", ((unsigned long long)st.st_size + 511) / 512 * 512);
	const char *const argv[] = { "qemu-img", "create", "-q", "-f", "qcow2", f->overlay, size, NULL };
	if (cf_child_run(argv, err) < 0)
		return cf_fail_prefix(err, "the VHDX has a log to replay, which needs a temporary file");
	return 0;
}

/* A listening socket in the folder, and a connection to it that waits for the server. */
static int make_sockets(const struct folder *f, int *listener, int *client, struct cf_error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	snprintf(a.sun_path, sizeof a.sun_path, "%s", f->socket);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || *client < 0 || bind(*listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(*listener, 1) < 0 ||
	    connect(*client, (struct sockaddr *)&a, sizeof a) < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't make a socket in %s", f->path);
	return 0;
}

struct cf_block *cf_container_open(const struct cf_container *c, int fd, struct cf_error *err)
{
	CF_CLEANUP(remove_folder) struct folder folder = { .path = "" };
	CF_CLEANUP(cf_child_close) struct cf_child child = CF_CHILD_NONE;
	CF_CLOSE int file_fd = fd;
	CF_CLOSE int listener = -1;
	CF_CLOSE int client = -1;

	if (!cf_nbd_available()) {
		cf_fail(err, CF_E_UNSUPPORTED, "%s images need libnbd, which this build of coldfix lacks", cf_disk_format_name(c->format));
		return NULL;
	}
	CF_FREE char *path = realpath(c->path, NULL);
	if (!path) {
		cf_fail_errno(err, CF_E_IO, errno, "can't find out the file's absolute path");
		return NULL;
	}
	if (make_folder(&folder, err) < 0 || (c->overlay && make_overlay(path, &folder, err) < 0) ||
	    make_sockets(&folder, &listener, &client, err) < 0)
		return NULL;
	CF_FREE char *spec = image_spec(c, path, &folder, err);
	if (!spec)
		return NULL;
	const char *const reading[] = { "qemu-nbd", "--read-only", "--cache=writeback", spec, NULL };
	const char *const writing[] = { "qemu-nbd", c->overlay ? "--cache=unsafe" : "--cache=writeback", spec, NULL };
	/* With an overlay QEMU opens for writing, since only then does it replay; we never send it a write. */
	if (cf_child_start(&child, c->writable || c->overlay ? writing : reading, listener, err) < 0)
		return NULL;
	/* Only the child may hold the listening end now: when it dies our connection is reset, not left waiting. */
	close(listener);
	listener = -1;
	int sock = client, own = file_fd;
	client = file_fd = -1;
	return cf_nbd_open_child(sock, own, &child, c->sector_size, c->writable, err);
}
