/* letters.c - drive letters as an installation has them (SYSTEM\MountedDevices).
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Values "\DosDevices\X:": 12 bytes are an MBR disk's signature and the partition's byte offset, 24 bytes "DMIO:ID:"
 * and the partition's GUID, anything else a device string (CD, floppy, USB). Format: winreg-kb and real SYSTEM hives.
 */
#include <string.h>
#include <strings.h>

#include "base/endian.h"
#include "windows/survey.h"

static const char dosdevices[] = "\\DosDevices\\";

struct walk {
	struct cf_machine *m;
	struct cf_install *in;
};

/* 'C' from "\DosDevices\C:", 0 for another value. */
static char letter_of(const char *name)
{
	size_t n = sizeof dosdevices - 1;
	if (strncasecmp(name, dosdevices, n) != 0 || strlen(name) != n + 2 || name[n + 1] != ':')
		return 0;
	char c = name[n];
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	return c >= 'A' && c <= 'Z' ? c : 0;
}

static int add_letter(void *user, const struct cf_value *v)
{
	const struct walk *w = user;
	struct cf_install *in = w->in;
	unsigned near = w->m->vol[in->vol].disk;
	char c = letter_of(v->name);
	if (!c || in->n_letters == CF_ARRAY_LEN(in->letter))
		return 0;
	for (size_t i = 0; i < in->n_letters; i++)
		if (in->letter[i].letter == c)
			return 0;
	struct cf_letter *l = &in->letter[in->n_letters++];
	*l = (struct cf_letter){ .letter = c, .vol = -1 };
	if (v->data.n == 12) {
		bool disk_known = false;
		l->vol = cf_find_mbr(w->m, near, cf_ld32(v->data.p), cf_ld64(v->data.p + 4), &disk_known);
		l->foreign = !disk_known;
	} else if (v->data.n == 24 && memcmp(v->data.p, "DMIO:ID:", 8) == 0) {
		struct cf_guid g;
		memcpy(g.b, v->data.p + 8, sizeof g.b);
		l->vol = cf_find_gpt(w->m, near, &g, NULL);
		l->foreign = l->vol < 0;
	} else {
		l->not_a_disk = true;
	}
	return 0;
}

static const struct cf_letter *find(const struct cf_install *in, char c)
{
	for (size_t i = 0; i < in->n_letters; i++)
		if (in->letter[i].letter == c)
			return &in->letter[i];
	return NULL;
}

/* own_letter holds 'C' or what SOFTWARE's SystemRoot says; MountedDevices decides if it names this volume. */
static char own_letter(const struct cf_install *in)
{
	char own = 0;
	for (size_t i = 0; i < in->n_letters; i++) {
		if (in->letter[i].vol != (int)in->vol)
			continue;
		if (in->letter[i].letter == in->own_letter)
			return in->own_letter;
		if (!own || in->letter[i].letter < own)
			own = in->letter[i].letter;
	}
	return own ? own : in->own_letter;
}

int cf_survey_letters(struct cf_machine *m, struct cf_install *in, struct cf_error *err)
{
	const struct cf_hive *h = in->system.hive;
	struct walk w = { m, in };
	struct cf_error why = { 0 };
	cf_key key;
	if (h && cf_hive_find(h, cf_hive_root(h), "MountedDevices", &key, &why) == 0)
		if (cf_hive_values(h, key, add_letter, &w, &why) < 0 && why.code == CF_E_NO_MEMORY)
			return cf_fail_nomem(err);
	if (why.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	in->own_letter = own_letter(in);
	return 0;
}

int cf_machine_find_letter(const struct cf_machine *m, const struct cf_install *in, char letter)
{
	(void)m;
	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	if (letter == in->own_letter)
		return (int)in->vol;
	const struct cf_letter *l = find(in, letter);
	return l ? l->vol : -1;
}

/* The selected Windows' view of all volumes. */
void cf_survey_volume_letters(struct cf_machine *m)
{
	if (m->selected < 0)
		return;
	const struct cf_install *in = &m->install[m->selected];
	for (size_t i = 0; i < in->n_letters; i++) {
		const struct cf_letter *l = &in->letter[i];
		if (l->vol >= 0 && !m->vol[l->vol].letter && l->letter != in->own_letter)
			m->vol[l->vol].letter = l->letter;
	}
	m->vol[in->vol].letter = in->own_letter;
}
