/* dump-room.c - will Windows write a crash dump at all? Dump type × paging file × dedicated file × memory × free space.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sources: Microsoft's memory-dump-file-options (a complete dump needs memory + 257 MB in a paging file on the boot volume
 * or in a dedicated dump file; a kernel dump about a third of the memory; a small dump 2 MB), and notes §3.3. What is not
 * known (memory, a disk that is not here) gives "unknown", never a finding.
 */
#include "problem/problem.h"

#include <stdio.h>
#include <string.h>

#define KERNEL_LEAST (800 * CF_MIB) /* what Microsoft names for kernel dumps of machines with little memory */

uint64_t cf_dump_needed(uint32_t type, uint64_t ram)
{
	switch (type) {
	case CF_DUMP_COMPLETE:
		return ram + 257 * CF_MIB;
	case CF_DUMP_SMALL:
		return 2 * CF_MIB;
	default:
		return cf_min_u64(ram + 257 * CF_MIB, cf_max_u64(ram / 3, KERNEL_LEAST));
	}
}

static bool get_u32(const struct cf_context *c, const struct cf_control_set *set, const char *name, uint32_t *out)
{
	char path[80];
	bool found = false;
	snprintf(path, sizeof path, "%s\\Control\\CrashControl", set->key);
	return cf_hive_get_u32(c->in->system.hive, path, name, out, &found, NULL) == 0 && found;
}

bool cf_dump_type_known(uint32_t type)
{
	return type == CF_DUMP_COMPLETE || type == CF_DUMP_KERNEL || type == CF_DUMP_SMALL || type == CF_DUMP_AUTOMATIC;
}

uint32_t cf_dump_type(const struct cf_context *c, const struct cf_control_set *set)
{
	uint32_t type = 0;
	if (get_u32(c, set, "CrashDumpEnabled", &type) && cf_dump_type_known(type))
		return type;
	char why[300];
	if (c->req->ram && cf_dump_fits(c, set, CF_DUMP_COMPLETE, why, sizeof why) == CF_DUMP_FITS)
		return CF_DUMP_COMPLETE;
	return c->in->build && c->in->build < 9200 ? CF_DUMP_KERNEL : CF_DUMP_AUTOMATIC;
}

/* Free bytes for a dump on the volume with this letter; false when it is not at hand. */
static bool free_on(const struct cf_context *c, char letter, const char *existing, uint64_t *bytes)
{
	int v = letter == c->in->own_letter ? (int)c->in->vol : cf_machine_find_letter(c->m, c->in, letter);
	if (v < 0 || !c->m->vol[v].vol || !c->m->vol[v].space.total_bytes)
		return false;
	struct cf_stat st;
	*bytes = c->m->vol[v].space.free_bytes;
	if (existing && cf_volume_stat(c->m->vol[v].vol, existing, &st, NULL) == 0)
		*bytes += st.allocated;
	return true;
}

static enum cf_dump_fit say(enum cf_dump_fit fit, char *why, size_t n, const char *text)
{
	snprintf(why, n, "%s", text);
	return fit;
}

/* A dedicated dump file is set: is its volume here, and large enough? */
static enum cf_dump_fit dedicated(const struct cf_context *c, const struct cf_control_set *set, const char *text,
				  uint64_t needed, char *why, size_t n)
{
	char letter = 0, a[32], b[32];
	CF_FREE char *path = NULL;
	uint64_t room;
	uint32_t mb = 0;
	if (!cf_install_path(c->in, text, &letter, &path))
		return say(CF_DUMP_NO_ROOM, why, n, _("DedicatedDumpFile is not a path on a drive"));
	if (!free_on(c, letter, path, &room))
		return say(CF_DUMP_FIT_UNKNOWN, why, n, _("the dedicated dump file lies on a disk that is not at hand"));
	if (get_u32(c, set, "DumpFileSize", &mb) && mb && needed && (uint64_t)mb * CF_MIB < needed) {
		snprintf(why, n, _("the dedicated dump file is limited to %u MB, the dump needs %s"), mb,
			 cf_size_text(needed, a));
		return CF_DUMP_NO_ROOM;
	}
	if (needed && room < needed) {
		snprintf(why, n, _("%c: has room for %s, the dedicated dump file needs %s"), letter, cf_size_text(room, a),
			 cf_size_text(needed, b));
		return CF_DUMP_NO_ROOM;
	}
	return needed ? CF_DUMP_FITS : say(CF_DUMP_FIT_UNKNOWN, why, n, _("the VM's memory is not known (--ram)"));
}

enum cf_dump_fit cf_dump_fits(const struct cf_context *c, const struct cf_control_set *set, uint32_t type, char *why,
			      size_t why_size)
{
	why[0] = 0;
	uint64_t needed = c->req->ram || type == CF_DUMP_SMALL ? cf_dump_needed(type, c->req->ram) : 0;
	char path[80];
	bool found = false;
	CF_FREE char *file = NULL;
	snprintf(path, sizeof path, "%s\\Control\\CrashControl", set->key);
	if (cf_hive_get_string(c->in->system.hive, path, "DedicatedDumpFile", &file, &found, NULL) == 0 && found && file &&
	    *file)
		return dedicated(c, set, file, needed, why, why_size);

	/* The paging file as it will be: --temp-disk moves it. */
	struct cf_paging_file pf[CF_MAX_PAGING_FILES];
	size_t n = 0;
	const struct cf_paging_file *own = NULL;
	static const struct cf_paging_file managed = { .letter = '?', .path = "\\pagefile.sys" };
	char wanted = cf_paging_wanted(c);
	if (wanted == c->in->own_letter)
		own = &managed;
	if (cf_paging_files(c, set, "PagingFiles", pf, &n, &found, NULL) < 0)
		return say(CF_DUMP_FIT_UNKNOWN, why, why_size, _("PagingFiles can't be read"));
	for (size_t i = 0; i < n && (!wanted || wanted == c->in->own_letter); i++)
		if (pf[i].letter == '?' || pf[i].letter == c->in->own_letter)
			own = &pf[i];
	if (!own)
		return say(CF_DUMP_NO_ROOM, why, why_size,
			   _("no paging file is on the volume of Windows, and there is no dedicated dump file"));
	if (!needed)
		return say(CF_DUMP_FIT_UNKNOWN, why, why_size, _("the VM's memory is not known (--ram)"));
	char a[32], b[32];
	if (own->sized && own->maximum_mb && own->maximum_mb * CF_MIB < needed) {
		snprintf(why, why_size, _("the paging file is limited to %llu MB, the dump needs %s"),
			 (unsigned long long)own->maximum_mb, cf_size_text(needed, a));
		return CF_DUMP_NO_ROOM;
	}
	/* The paging file has to grow to this size, and the dump is then written beside it. */
	uint64_t room, both = 0;
	if (!free_on(c, c->in->own_letter, own->path, &room))
		return say(CF_DUMP_FIT_UNKNOWN, why, why_size, _("the free space is not known"));
	if (cf_add_overflow(needed, needed, &both) || room < both) {
		snprintf(why, why_size, _("%c: has room for %s, the paging file and the dump need %s"), c->in->own_letter,
			 cf_size_text(room, a), cf_size_text(both, b));
		return CF_DUMP_NO_ROOM;
	}
	return CF_DUMP_FITS;
}
