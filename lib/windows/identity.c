/* identity.c - what an installation is: product, version, edition, architecture, names, agent, pending updates.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SOFTWARE is read, validated and freed again (it can have 100 MB); SYSTEM stays loaded for the problems. Each value
 * may be missing: then the next source is asked (the program files, the build number), and what nobody knows stays
 * NULL.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "windows/survey.h"

#define CURRENT_VERSION "Microsoft\\Windows NT\\CurrentVersion"
#define CBS "Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\"
#define WINDOWS_UPDATE "Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\"
#define PROFILE_LIST CURRENT_VERSION "\\ProfileList"
#define MAX_PROFILES 4096u /* a terminal server with more is not known */
#define FIRST_WINDOWS_11 22000u

/* Reads values of one hive and remembers whether memory ran out; a missing or damaged value is NULL, 0 or false. */
struct reader {
	const struct cf_hive *hive;
	bool no_memory;
};

static char *get_string(struct reader *r, const char *path, const char *name)
{
	char *text = NULL;
	bool found = false;
	struct cf_error why = { 0 };
	if (cf_hive_get_string(r->hive, path, name, &text, &found, &why) < 0) {
		r->no_memory = r->no_memory || why.code == CF_E_NO_MEMORY;
		return NULL;
	}
	if (found && text && *text)
		return text;
	free(text);
	return NULL;
}

static unsigned get_number(struct reader *r, const char *path, const char *name, bool *found)
{
	uint32_t v = 0;
	struct cf_error why = { 0 };
	*found = false;
	if (cf_hive_get_u32(r->hive, path, name, &v, found, &why) < 0) {
		r->no_memory = r->no_memory || why.code == CF_E_NO_MEMORY;
		*found = false;
	}
	return *found ? v : 0;
}

static bool has_key(struct reader *r, const char *path)
{
	cf_key key;
	struct cf_error why = { 0 };
	if (cf_hive_find(r->hive, cf_hive_root(r->hive), path, &key, &why) == 0)
		return true;
	r->no_memory = r->no_memory || why.code == CF_E_NO_MEMORY;
	return false;
}

static char *hive_path(const struct cf_install *in, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s\\System32\\config\\%s", in->root, name) < 0 ? NULL : path;
}

static bool has_file(const struct cf_machine *m, const struct cf_install *in, const char *name)
{
	CF_FREE char *path = NULL;
	if (asprintf(&path, "%s\\%s", in->root, name) < 0) {
		path = NULL;
		return false;
	}
	return cf_volume_exists(m->vol[in->vol].vol, path);
}

/* "20348" and nothing else. */
static unsigned parse_build(const char *text)
{
	unsigned n = 0;
	if (!text || !*text || strlen(text) > 6)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		n = n * 10 + (unsigned)(*text - '0');
	}
	return n;
}

/* "6.1" */
static bool parse_version(const char *text, unsigned *major, unsigned *minor)
{
	char *end;
	if (!text || *text < '1' || *text > '9')
		return false;
	unsigned long a = strtoul(text, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9' || a > 99)
		return false;
	unsigned long b = strtoul(end + 1, &end, 10);
	if (*end || b > 99)
		return false;
	*major = (unsigned)a;
	*minor = (unsigned)b;
	return true;
}

/* Which kernel a build number belongs to; false for numbers before Windows XP. */
static bool version_of_build(unsigned build, unsigned *major, unsigned *minor)
{
	static const struct {
		unsigned from, major, minor;
	} map[] = { { 10000, 10, 0 }, { 9300, 6, 3 }, { 8000, 6, 2 }, { 7000, 6, 1 },
		    { 6000, 6, 0 },   { 3790, 5, 2 }, { 2600, 5, 1 } };
	for (size_t i = 0; i < CF_ARRAY_LEN(map); i++)
		if (build >= map[i].from) {
			*major = map[i].major;
			*minor = map[i].minor;
			return true;
		}
	return false;
}

static int set_version(struct cf_install *in, unsigned major, unsigned minor, struct cf_error *err)
{
	free(in->version);
	if (asprintf(&in->version, "%u.%u.%u", major, minor, in->build) < 0) {
		in->version = NULL;
		return cf_fail_nomem(err);
	}
	return 0;
}

/* CurrentVersion is frozen at 6.3 since Windows 8.1: the numbers that came with Windows 10 go first. */
static int read_version(struct reader *r, struct cf_install *in, struct cf_error *err)
{
	CF_FREE char *number = get_string(r, CURRENT_VERSION, "CurrentBuildNumber");
	CF_FREE char *older = get_string(r, CURRENT_VERSION, "CurrentBuild");
	CF_FREE char *text = get_string(r, CURRENT_VERSION, "CurrentVersion");
	bool found, has_major;
	in->build = parse_build(number);
	if (!in->build)
		in->build = parse_build(older);
	in->ubr = get_number(r, CURRENT_VERSION, "UBR", &found);
	unsigned major = get_number(r, CURRENT_VERSION, "CurrentMajorVersionNumber", &has_major);
	unsigned minor = get_number(r, CURRENT_VERSION, "CurrentMinorVersionNumber", &found);
	if (!in->build)
		return 0;
	if (!has_major && !(in->build < 10000 && parse_version(text, &major, &minor)) &&
	    !version_of_build(in->build, &major, &minor))
		return 0;
	return set_version(in, major, minor, err);
}

/* ProductName of Windows 11 still says Windows 10. */
static void say_windows_11(struct cf_install *in)
{
	static const char ten[] = "Windows 10";
	size_t n = sizeof ten - 1;
	if (in->product && in->build >= FIRST_WINDOWS_11 && strncmp(in->product, ten, n) == 0 &&
	    (in->product[n] == ' ' || !in->product[n]))
		in->product[n - 1] = '1';
}

static char *take_word(const char *word, bool *no_memory)
{
	char *copy = strdup(word);
	*no_memory = *no_memory || !copy;
	return copy;
}

/* "20348.859.amd64fre.fe_release_svc_prod2.220707-1832" */
static void architecture_of_lab(struct reader *r, struct cf_install *in)
{
	CF_FREE char *lab = get_string(r, CURRENT_VERSION, "BuildLabEx");
	static const struct {
		const char *part, *word;
	} labs[] = { { ".amd64", "x64" }, { ".x86", "x86" }, { ".arm64", "arm64" } };
	for (size_t i = 0; lab && i < CF_ARRAY_LEN(labs); i++)
		if (!in->architecture && strstr(lab, labs[i].part))
			in->architecture = take_word(labs[i].word, &r->no_memory);
}

struct profiles {
	struct reader *r;
	struct cf_install *in;
};

static int one_profile(void *user, cf_key sub, const char *name)
{
	struct profiles *p = user;
	(void)name;
	CF_VALUE v = { 0 };
	if (p->in->n_profiles == MAX_PROFILES)
		return 1;
	if (cf_hive_value(p->r->hive, sub, "", "ProfileImagePath", &v, NULL) < 0)
		return 0;
	char *text = cf_value_string(&v);
	if (!text)
		return 0; /* no string: nothing that can be used */
	char **grown = reallocarray(p->in->profile, p->in->n_profiles + 1, sizeof *grown);
	if (!grown) {
		free(text);
		p->r->no_memory = true;
		return 1;
	}
	p->in->profile = grown;
	grown[p->in->n_profiles++] = text;
	return 0;
}

/* Where each user's profile lies. A list that can't be read is a short list: \Users is looked into as well. */
static void read_profiles(struct reader *r, struct cf_install *in)
{
	struct profiles p = { r, in };
	struct cf_error why = { 0 };
	cf_key key;
	if ((cf_hive_find(r->hive, cf_hive_root(r->hive), PROFILE_LIST, &key, &why) < 0 ||
	     cf_hive_subkeys(r->hive, key, one_profile, &p, &why) < 0) && why.code == CF_E_NO_MEMORY)
		r->no_memory = true;
}

static void read_software(struct reader *r, struct cf_install *in)
{
	in->product = get_string(r, CURRENT_VERSION, "ProductName");
	in->edition = get_string(r, CURRENT_VERSION, "EditionID");
	in->display_version = get_string(r, CURRENT_VERSION, "DisplayVersion");
	if (!in->display_version)
		in->display_version = get_string(r, CURRENT_VERSION, "ReleaseId");
	CF_FREE char *type = get_string(r, CURRENT_VERSION, "InstallationType");
	in->type_known = type != NULL;
	in->server = type ? strncasecmp(type, "Server", 6) == 0 : in->product && strstr(in->product, "Server");
	architecture_of_lab(r, in);
	in->update_pending = has_key(r, CBS "RebootPending") || has_key(r, CBS "PackagesPending") ||
			     has_key(r, WINDOWS_UPDATE "Auto Update\\RebootRequired");
	read_profiles(r, in);
	CF_FREE char *root = get_string(r, CURRENT_VERSION, "SystemRoot");
	if (root && root[0] && root[1] == ':' && (root[2] == '\\' || !root[2])) {
		char c = root[0] >= 'a' && root[0] <= 'z' ? (char)(root[0] - 'a' + 'A') : root[0];
		if (c >= 'A' && c <= 'Z')
			in->own_letter = c; /* letters.c has the last word */
	}
}

int cf_survey_software(struct cf_machine *m, struct cf_install *in, struct cf_error *err)
{
	CF_FREE char *path = hive_path(in, "SOFTWARE");
	if (!path)
		return cf_fail_nomem(err);
	cf_hive_file_load(m, in->vol, path, true, &in->software);
	if (in->software.error.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	if (!in->software.hive)
		return 0;
	struct reader r = { .hive = in->software.hive };
	read_software(&r, in);
	int status = read_version(&r, in, err);
	if (status == 0)
		status = cf_survey_dump_folders(in, err);
	say_windows_11(in);
	cf_hive_close(in->software.hive);
	in->software.hive = NULL;
	if (status < 0)
		return -1;
	return r.no_memory ? cf_fail_nomem(err) : 0;
}

/* The control set that names are read from: the current one if it is there. */
static const char *set_key(const struct cf_install *in)
{
	for (size_t i = 0; i < in->n_sets; i++)
		if (in->set[i].current)
			return in->set[i].key;
	return in->n_sets ? in->set[0].key : NULL;
}

static char *in_set(struct reader *r, const char *set, const char *key, const char *name)
{
	char path[160];
	snprintf(path, sizeof path, "%s\\%s", set, key);
	return get_string(r, path, name);
}

static bool set_has(struct reader *r, const char *set, const char *key)
{
	char path[160];
	snprintf(path, sizeof path, "%s\\%s", set, key);
	return has_key(r, path);
}

static void read_system(struct reader *r, struct cf_install *in)
{
	const char *set = set_key(in);
	if (!set)
		return;
	in->computer_name = in_set(r, set, "Control\\ComputerName\\ComputerName", "ComputerName");
	if (!in->computer_name)
		in->computer_name = in_set(r, set, "Services\\Tcpip\\Parameters", "Hostname");
	in->guest_agent = set_has(r, set, "Services\\WindowsAzureGuestAgent") || set_has(r, set, "Services\\RdAgent");
	if (!in->type_known && !in->server) { /* SOFTWARE is missing or damaged, or says nothing */
		CF_FREE char *type = in_set(r, set, "Control\\ProductOptions", "ProductType");
		in->server = type && (strcasecmp(type, "ServerNT") == 0 || strcasecmp(type, "LanmanNT") == 0);
	}
	CF_FREE char *cpu = in_set(r, set, "Control\\Session Manager\\Environment", "PROCESSOR_ARCHITECTURE");
	static const struct {
		const char *name, *word;
	} cpus[] = { { "AMD64", "x64" }, { "x86", "x86" }, { "ARM64", "arm64" }, { "IA64", "ia64" } };
	for (size_t i = 0; cpu && !in->architecture && i < CF_ARRAY_LEN(cpus); i++)
		if (strcasecmp(cpu, cpus[i].name) == 0)
			in->architecture = take_word(cpus[i].word, &r->no_memory);
}

/* What the program files say comes before what the registry says, as it can't be out of date. */
static int read_programs(struct cf_machine *m, struct cf_install *in, struct cf_error *err)
{
	static const char *const names[] = { "System32\\ntoskrnl.exe", "System32\\cmd.exe" };
	struct cf_volume *vol = m->vol[in->vol].vol;
	const char *word = NULL;
	for (size_t i = 0; i < CF_ARRAY_LEN(names) && !word; i++) {
		CF_FREE char *path = NULL;
		unsigned v[4];
		if (asprintf(&path, "%s\\%s", in->root, names[i]) < 0) {
			path = NULL;
			return cf_fail_nomem(err);
		}
		word = cf_pe_architecture(vol, path);
		if (i == 0 && !in->build && cf_pe_version(vol, path, v)) {
			in->build = v[2];
			in->ubr = v[3];
			if (set_version(in, v[0], v[1], err) < 0)
				return -1;
		}
	}
	if (word) {
		free(in->architecture);
		in->architecture = strdup(word);
		if (!in->architecture)
			return cf_fail_nomem(err);
	}
	return 0;
}

int cf_survey_system(struct cf_machine *m, struct cf_install *in, struct cf_error *err)
{
	CF_FREE char *path = hive_path(in, "SYSTEM");
	if (!path)
		return cf_fail_nomem(err);
	cf_hive_file_load(m, in->vol, path, true, &in->system);
	if (in->system.error.code == CF_E_NO_MEMORY)
		return cf_fail_nomem(err);
	if (in->system.hive) {
		struct reader r = { .hive = in->system.hive };
		if (cf_survey_control_sets(in, err) < 0)
			return -1;
		read_system(&r, in);
		if (r.no_memory)
			return cf_fail_nomem(err);
	}
	in->guest_agent = in->guest_agent || cf_volume_exists(m->vol[in->vol].vol, "\\WindowsAzure");
	in->update_pending = in->update_pending || has_file(m, in, "WinSxS\\pending.xml") ||
			     has_file(m, in, "WinSxS\\reboot.xml");
	return read_programs(m, in, err);
}
