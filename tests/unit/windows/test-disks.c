/* test-disks.c - disks for test-windows: made once, opened by name.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "test-disks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* The factory's own tools may be built with a sanitizer too; libntfs-3g leaks a little when it formats names. */
#define LEAKS "ASAN_OPTIONS=detect_leaks=0 "

static char folder[512];
static bool real_hive;

static const char *variable(const char *name)
{
	const char *v = getenv(name);
	return v ? v : "";
}

static bool run(const char *command)
{
	return system(command) == 0; /* NOLINT: the commands are this file's own */
}

const char *disks_setup(void)
{
	CF_FREE char *command = NULL;
	CF_FREE char *hive = NULL;
	static const char *const tools[] = { "hivexregedit", "hivexget", "mkntfs", "sfdisk", "mcopy", "mkfs.fat", "python3" };
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
		CF_FREE char *probe = NULL;
		if (asprintf(&probe, "PATH=$PATH:/usr/sbin:/sbin command -v %s >/dev/null", tools[i]) < 0 || !run(probe)) {
			fprintf(stderr, "%s is not installed\n", tools[i]);
			return NULL;
		}
	}
	const char *parent = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/coldfix-windows.XXXXXX", parent && *parent ? parent : "/var/tmp");
	if (!mkdtemp(folder))
		return NULL;
	if (asprintf(&hive, "%s/data/registry-hives/mkorman90+regipy/SYSTEM.xz", variable("COLDFIX_SHARED")) < 0)
		return NULL;
	real_hive = access(hive, R_OK) == 0;
	if (asprintf(&command, LEAKS "python3 '%s' '%s' '%s' '%s' %s%s%s", variable("COLDFIX_WINDOWS_DISKS"),
		     variable("COLDFIX_IMAGES"), variable("COLDFIX_IMAGE_TOOLS"), folder, real_hive ? "'" : "",
		     real_hive ? hive : "", real_hive ? "'" : "") < 0)
		return NULL;
	return run(command) ? folder : NULL;
}

void disks_teardown(void)
{
	CF_FREE char *command = NULL;
	if (*folder && asprintf(&command, "rm -rf '%s'", folder) >= 0)
		(void)!run(command);
}

bool disks_have_real(void)
{
	return real_hive;
}

bool disks_make(const char *name, const char *options)
{
	CF_FREE char *command = NULL;
	if (asprintf(&command, "cd '%s' && " LEAKS "'%s/mkdisk' %s --out %s.raw", folder, variable("COLDFIX_IMAGES"), options,
		     name) < 0)
		return false;
	return run(command);
}

void rig_open(struct rig *r, const char *const *names, int windows)
{
	struct cf_block *block[RIG_DISKS];
	const char *path[RIG_DISKS];
	struct cf_error err = { 0 };
	*r = (struct rig){ .n = 0 };
	for (; names[r->n]; r->n++) {
		CF_FREE char *file = NULL;
		struct cf_disk_options opt = { .format = "raw" };
		assert_true(asprintf(&file, "%s/%s.raw", folder, names[r->n]) > 0);
		r->disk[r->n] = cf_disk_open(file, &opt, &err);
		if (!r->disk[r->n])
			fail_msg("%s", err.message);
		block[r->n] = r->disk[r->n]->block;
		path[r->n] = r->disk[r->n]->path;
	}
	struct cf_survey_options opt = { .windows = windows };
	if (cf_machine_survey(block, path, r->n, &opt, &r->m, &err) < 0)
		fail_msg("%s", err.message);
}

void rig_close(struct rig *r)
{
	cf_machine_free(r->m);
	for (unsigned i = 0; i < r->n; i++)
		cf_disk_close(r->disk[i]);
}

/* libntfs-3g leaks its $AttrDef or $UpCase inode when a read fails in the middle of mounting; nothing of ours is
 * excused. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
	return "leak:ntfs_device_mount\n";
}
