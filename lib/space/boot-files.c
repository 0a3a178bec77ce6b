/* boot-files.c - the files that the boot loader reads.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The loader reads the SYSTEM hive and its logs, the kernel with what it links to, the fonts and messages of its own, and every driver with
 * Start 0; which those are stands in the hive, and all of drivers\ is a safe answer.
 */
#include "space/boot-files.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/grow.h"
#include "base/overflow.h"

#define FILES_MAX 65536u
#define NO_MEMORY (-2) /* told apart from -1, a folder that can't be listed */

/* Beneath the Windows folder. The first WATCHED are large or read early at every start: the pieces they lie in are felt. */
#define WATCHED 5
static const char *const files[] = {
	"System32\\config\\SYSTEM", "System32\\ntoskrnl.exe", "System32\\winload.exe", "System32\\winload.efi", "System32\\hal.dll",
	"System32\\winresume.exe", "System32\\winresume.efi", "System32\\ntkrnlpa.exe", "System32\\kdcom.dll", "System32\\ci.dll",
	"System32\\mcupdate_GenuineIntel.dll", "System32\\mcupdate_AuthenticAMD.dll", "System32\\pshed.dll", "System32\\bootvid.dll",
	"System32\\clfs.sys", "System32\\ntdll.dll", "System32\\smss.exe", "System32\\apisetschema.dll"
};

struct list {
	uint64_t *id;
	size_t n, cap;
	const char *suffix; /* only names that end so; NULL: all */
};

static int add(struct list *l, const struct cf_stat *st)
{
	if (st->kind != CF_FILE_REGULAR || l->n >= FILES_MAX)
		return 0;
	if (!CF_ROOM(l->id, l->n, l->cap, 64))
		return -1;
	l->id[l->n++] = st->id;
	return 0;
}

static int add_listed(void *user, const char *name, const struct cf_stat *st)
{
	struct list *l = user;
	size_t n = strlen(name), m = l->suffix ? strlen(l->suffix) : 0;
	if (m && (n < m || strcasecmp(name + n - m, l->suffix) != 0))
		return 0;
	return add(l, st) < 0 ? NO_MEMORY : 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

int cf_boot_files(struct cf_volume *vol, const char *root, uint64_t **records, size_t *n, struct cf_error *err)
{
	static const char *const outside[] = { "\\bootmgr", "\\ntldr", "\\Boot\\BCD", "\\Boot\\BCD.LOG" };
	static const struct { const char *folder, *suffix; } folders[] = {
		{ "System32\\config", NULL }, { "System32\\drivers", ".sys" }, { "System32\\Boot", NULL }
	};
	struct list l = { 0 };
	char path[600];
	struct cf_stat st;
	int r = 0;
	for (size_t i = 0; i < CF_ARRAY_LEN(files) && r == 0; i++) {
		snprintf(path, sizeof path, "%s\\%s", root, files[i]);
		if (cf_volume_stat(vol, path, &st, NULL) == 0)
			r = add(&l, &st);
	}
	for (size_t i = 0; i < CF_ARRAY_LEN(outside) && r == 0; i++)
		if (cf_volume_stat(vol, outside[i], &st, NULL) == 0)
			r = add(&l, &st);
	/* A folder that is not there, or can't be read, has no boot files to move. */
	for (size_t i = 0; i < CF_ARRAY_LEN(folders) && r == 0; i++) {
		snprintf(path, sizeof path, "%s\\%s", root, folders[i].folder);
		l.suffix = folders[i].suffix;
		if (cf_volume_list(vol, path, add_listed, &l, NULL) == NO_MEMORY)
			r = -1;
	}
	if (r < 0 || !l.n) {
		free(l.id);
		return r < 0 ? cf_fail_nomem(err) : cf_fail(err, CF_E_NOT_FOUND, "none of Windows' boot files was found");
	}
	qsort(l.id, l.n, sizeof *l.id, by_number);
	size_t kept = 1;
	for (size_t i = 1; i < l.n; i++) /* named in the list and found in its folder, or by two hard links */
		if (l.id[i] != l.id[kept - 1])
			l.id[kept++] = l.id[i];
	*records = l.id;
	*n = kept;
	return 0;
}

uint64_t cf_boot_files_worst(struct cf_volume *vol, const char *root, char *path, size_t path_size)
{
	uint64_t worst = 0;
	for (size_t i = 0; i < WATCHED; i++) {
		char p[512];
		struct cf_stat st;
		snprintf(p, sizeof p, "%s\\%s", root, files[i]);
		if (cf_volume_stat(vol, p, &st, NULL) == 0 && st.fragments > worst) {
			worst = st.fragments;
			snprintf(path, path_size, "%s", p);
		}
	}
	return worst;
}
