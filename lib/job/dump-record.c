/* dump-record.c - reading and writing the record of collected dumps.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "job/dump-record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stamp.h"
#include "dump/find.h"
#include "job/out.h"

#define FILE_NAME "collected.json"
#define NEW_NAME "collected.json.new"
#define MAX_BYTES (4 * CF_MIB) /* of the record: thousands of dumps */

static char *folder_of(const struct cf_session *s)
{
	char *path = NULL;
	return asprintf(&path, s->place[0].state_is_folder ? "%s/dumps" : "%s.coldfix-dumps", s->state[0]) < 0 ? NULL : path;
}

static json_t *load(int folder)
{
	CF_CLOSE int fd = folder < 0 ? -1 : openat(folder, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > MAX_BYTES)
		return NULL;
	json_t *doc = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_array(json_object_get(doc, "collected"))) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

int cf_record_read(const struct cf_session *s, struct cf_collected **out, size_t *n, struct cf_error *err)
{
	CF_FREE char *path = folder_of(s);
	*out = NULL;
	*n = 0;
	if (!path)
		return cf_fail_nomem(err);
	CF_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *doc = load(fd), *row;
	const json_t *list = json_object_get(doc, "collected");
	size_t i;
	int r = 0;
	if (json_array_size(list) && !(*out = calloc(json_array_size(list), sizeof **out)))
		r = cf_fail_nomem(err);
	if (r == 0)
		json_array_foreach(list, i, row) {
			const char *header = json_string_value(json_object_get(row, "header_sha256"));
			const char *when = json_string_value(json_object_get(row, "time"));
			if (header && strlen(header) == 64 && when) {
				snprintf((*out)[*n].header, sizeof (*out)->header, "%s", header);
				snprintf((*out)[(*n)++].time, sizeof (*out)->time, "%s", when);
			}
		}
	json_decref(doc);
	return r;
}

int cf_record_open(struct cf_record *r, const struct cf_session *s, struct cf_error *err)
{
	*r = (struct cf_record){ .fd = -1 };
	r->folder = folder_of(s);
	r->above = r->folder ? strdup(r->folder) : NULL;
	if (!r->above)
		return cf_fail_nomem(err);
	char *slash = strrchr(r->above, '/');
	if (slash)
		slash[slash == r->above] = 0;
	/* The state folder of a device may be new. */
	for (char *p = r->folder; s->place[0].state_is_folder && (p = strchr(p + 1, '/'));) {
		*p = 0;
		mkdir(r->folder, 0700);
		*p = '/';
	}
	r->made = mkdir(r->folder, 0700) == 0;
	r->fd = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r->doc = load(r->fd);
	if (!r->doc)
		r->doc = json_pack("{s:s,s:[]}", "coldfix", cf_version(), "collected");
	return r->doc ? 0 : cf_fail_nomem(err);
}

static int save(struct cf_record *r, struct cf_error *err)
{
	CF_FREE char *text = json_dumps(r->doc, JSON_INDENT(2));
	if (!text)
		return cf_fail_nomem(err);
	unlinkat(r->fd, NEW_NAME, 0); /* what a stop in between left */
	CF_CLOSE int fd = openat(r->fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return cf_fail_errno(err, CF_E_IO, errno, "can't write to %s", r->folder);
	int ret = cf_out_pwrite(fd, text, strlen(text), 0, r->folder, err);
	if (ret == 0 && (fsync(fd) < 0 || renameat(r->fd, NEW_NAME, r->fd, FILE_NAME) < 0 || (fsync(r->fd) < 0 && errno != EINVAL)))
		ret = cf_fail_errno(err, CF_E_IO, errno, "can't write to %s", r->folder);
	if (ret < 0)
		unlinkat(r->fd, NEW_NAME, 0);
	else
		r->made = false;
	return ret;
}

int cf_record_add(struct cf_record *r, const struct cf_session *s, const struct cf_dump_place *p, struct cf_dump_source *dump, const char *sha256,
		  const char *to, struct cf_error *err)
{
	char header[65], now[CF_TIME_TEXT];
	if (r->fd < 0)
		return cf_fail(err, CF_E_READ_ONLY, "the folder %s can't be made", r->folder);
	if (cf_dump_header_hash(dump, header, err) < 0)
		return -1;
	CF_FREE char *path = cf_dump_path_text(s->m, p);
	json_t *row = json_pack("{s:o,s:s,s:s,s:s,s:o}", "path", cf_json_text(path), "header_sha256", header, "sha256", sha256, "time", cf_now_text(now), "to",
				cf_json_text(to));
	if (!row || json_array_append_new(json_object_get(r->doc, "collected"), row) < 0)
		return cf_fail_nomem(err);
	return save(r, err);
}

void cf_record_end(struct cf_record *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->made)
		rmdir(r->folder);
	json_decref(r->doc);
	free(r->folder);
	free(r->above);
	*r = (struct cf_record){ .fd = -1 };
}
