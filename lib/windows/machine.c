/* machine.c - the survey: in which order the disks are looked at, and what belongs to the result.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each step relies on the ones before it and only adds to the machine. The volumes' array is complete before anything
 * points into it by index; nothing is written.
 */
#include <stdlib.h>
#include <string.h>

#include "windows/survey.h"

static int survey_disks(struct cf_machine *m, struct cf_block *const *disk, const char *const *path, unsigned n,
			struct cf_error *err)
{
	for (unsigned i = 0; i < n; i++) {
		m->disk[i].block = disk[i];
		m->disk[i].path = strdup(path && path[i] ? path[i] : "");
		m->n_disks = i + 1;
		if (!m->disk[i].path)
			return cf_fail_nomem(err);
		if (cf_survey_disk(m, i, err) < 0 || cf_survey_volumes(m, i, err) < 0)
			return -1;
	}
	return 0;
}

static int survey_installs(struct cf_machine *m, struct cf_error *err)
{
	if (cf_survey_installs(m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_installs; i++) {
		struct cf_install *in = &m->install[i];
		if (cf_survey_software(m, in, err) < 0 || cf_survey_system(m, in, err) < 0 || cf_survey_letters(m, in, err) < 0)
			return -1;
	}
	return 0;
}

static bool has_esp(const struct cf_machine *m, unsigned disk)
{
	for (size_t i = 0; i < m->n_vols; i++)
		if (m->vol[i].disk == disk && m->vol[i].role == CF_ROLE_ESP)
			return true;
	return false;
}

/* A VM with an ESP on GPT starts by UEFI, also when an old \Boot\BCD lies about; otherwise the store's place tells. */
static unsigned generation(const struct cf_machine *m)
{
	const struct cf_install *in = m->selected >= 0 ? &m->install[m->selected] : NULL;
	unsigned disk = in ? m->vol[in->vol].disk : 0;
	enum cf_scheme scheme = m->disk[disk].parts.scheme;
	if (scheme == CF_SCHEME_GPT && has_esp(m, disk))
		return 2;
	if (in && in->store >= 0)
		return cf_store_is_efi(&m->store[in->store]) ? 2 : 1;
	if (m->disk[disk].part_error.code != CF_OK || scheme == CF_SCHEME_NONE)
		return 0;
	return scheme == CF_SCHEME_GPT ? 2 : 1;
}

static int survey(struct cf_machine *m, struct cf_block *const *disk, const char *const *path, unsigned n,
		  const struct cf_survey_options *opt, struct cf_error *err)
{
	if (survey_disks(m, disk, path, n, err) < 0 || cf_survey_stores(m, err) < 0 || survey_installs(m, err) < 0)
		return -1;
	cf_survey_prune_stores(m);
	if (cf_survey_match(m, opt ? opt->windows : 0, err) < 0)
		return -1;
	cf_survey_select(m, opt ? opt->windows : 0);
	cf_survey_volume_letters(m);
	cf_survey_roles(m);
	m->generation = generation(m);
	return 0;
}

int cf_machine_survey(struct cf_block *const *disk, const char *const *path, unsigned n,
		      const struct cf_survey_options *opt, struct cf_machine **out, struct cf_error *err)
{
	*out = NULL;
	if (!n || n > CF_MAX_DISKS)
		return cf_fail(err, CF_E_USAGE, "between 1 and %d disks can be looked at together, not %u", CF_MAX_DISKS, n);
	struct cf_machine *m = calloc(1, sizeof *m);
	if (!m)
		return cf_fail_nomem(err);
	m->selected = -1;
	if (survey(m, disk, path, n, opt, err) < 0) {
		cf_machine_free(m);
		return -1;
	}
	*out = m;
	return 0;
}

static void install_free(struct cf_install *in)
{
	cf_hive_file_free(&in->system);
	cf_hive_file_free(&in->software);
	free(in->root);
	free(in->product);
	free(in->version);
	free(in->edition);
	free(in->architecture);
	free(in->computer_name);
	free(in->display_version);
	cf_strv_free(in->dump_folders);
	for (size_t i = 0; i < in->n_profiles; i++)
		free(in->profile[i]);
	free(in->profile);
}

void cf_machine_free(struct cf_machine *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_stores; i++)
		cf_store_free(&m->store[i]);
	for (size_t i = 0; i < m->n_installs; i++)
		install_free(&m->install[i]);
	for (size_t i = 0; i < m->n_vols; i++) {
		cf_volume_closep(&m->vol[i].vol);
		cf_block_close(m->vol[i].slice);
		free(m->vol[i].label);
	}
	for (unsigned i = 0; i < m->n_disks; i++)
		free(m->disk[i].path);
	free(m->store);
	free(m->install);
	free(m->vol);
	free(m);
}
