/* cleanup-classes.c - the classes of Disk Cleanup and their folders.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * By default only what Windows makes again or nobody misses, and nothing that is evidence. Which handlers Disk Cleanup has: keys of
 * HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\VolumeCaches. Not here on purpose: WinSxS (its files are hard links that only the servicing
 * stack may count: DISM /StartComponentCleanup after the boot), the paging file (Windows makes it again before anybody gains from it), prefetch
 * (evidence), setup logs (evidence), anything that is only large.
 */
#include "space/cleanup-internal.h"

#include "base/i18n.h"

#define TREE (CF_CLEAN_DEEP | CF_CLEAN_FOLDERS)

const struct cf_clean_class cf_clean_classes[] = {
	{ "windows-temp", N_("Temporary files of Windows"), N_("nobody uses them while Windows is off; the last days' stay"),
	  CF_CLEAN_AGE | TREE, true },
	{ "user-temp", N_("Temporary files of users and services"), N_("nobody uses them while Windows is off; the last days' stay"),
	  CF_CLEAN_AGE | TREE, true },
	{ "update-downloads", N_("Downloaded updates"), N_("Windows Update loads them again"), CF_CLEAN_PENDING | TREE, true },
	{ "delivery-optimization", N_("Delivery optimization cache"), N_("copies for other computers"), CF_CLEAN_PENDING | TREE, true },
	{ "internet-cache", N_("Temporary internet files"), N_("loaded again when they are needed"), CF_CLEAN_DEEP, true },
	{ "thumbnails", N_("Thumbnails and icons"), N_("Explorer makes them again"), 0, true },
	{ "shader-cache", N_("Shader caches"), N_("made again when they are needed"), TREE, true },
	{ "recycle-bin", N_("Recycle bin"), N_("what users deleted can no longer be restored"), TREE | CF_CLEAN_LINKS | CF_CLEAN_SYSTEM, false },
	{ "windows-old", N_("Previous installation of Windows"), N_("no way back to it; its Users folder stays"),
	  TREE | CF_CLEAN_SELF | CF_CLEAN_LINKS | CF_CLEAN_SYSTEM | CF_CLEAN_OLD, false },
	{ "upgrade-leftovers", N_("Files of a finished or abandoned upgrade"), N_("an upgrade loads them again"),
	  TREE | CF_CLEAN_SELF | CF_CLEAN_LINKS | CF_CLEAN_SYSTEM | CF_CLEAN_PENDING | CF_CLEAN_UPGRADE, false },
	{ "old-dumps", N_("Crash dumps but the newest"), N_("evidence of earlier crashes is lost"), CF_CLEAN_DEEP | CF_CLEAN_DUMPS, false },
	{ "error-reports", N_("Windows error reports"), N_("evidence of program crashes is lost; dumps in them stay"), TREE, false },
	{ "servicing-logs", N_("Archived servicing logs (CbsPersist)"), N_("the history of updates is harder to read"), 0, false },
	{ "downloaded-programs", N_("Downloaded program files"), N_("ActiveX controls are loaded again, if their site still has them"), TREE, false },
	{ "chkdsk-fragments", N_("File fragments that chkdsk saved"), N_("what could not be put back is lost"), 0, false },
	{ "hibernation-file", N_("Hibernation file"), N_("Windows makes it again if hibernation is on"), CF_CLEAN_SYSTEM | CF_CLEAN_HIBERNATION,
	  false },
};
const size_t cf_clean_n_classes = CF_ARRAY_LEN(cf_clean_classes);
_Static_assert(CF_ARRAY_LEN(cf_clean_classes) < CF_CLEAN_MAX_CLASSES, "room for every class");

const struct cf_clean_root cf_clean_roots[] = {
	{ "windows-temp", "%W\\Temp", NULL, false },
	{ "windows-temp", "%W\\SystemTemp", NULL, false }, /* of SYSTEM's processes since Windows 11 */
	{ "user-temp", "%P\\AppData\\Local\\Temp", NULL, false },
	{ "update-downloads", "%W\\SoftwareDistribution\\Download", NULL, false },
	{ "delivery-optimization", "%W\\SoftwareDistribution\\DeliveryOptimization", NULL, false },
	{ "delivery-optimization",
	  "%W\\ServiceProfiles\\NetworkService\\AppData\\Local\\Microsoft\\Windows\\DeliveryOptimization\\Cache", NULL, false },
	/* Not Content.Outlook and its like: opened attachments are edited there. */
	{ "internet-cache", "%P\\AppData\\Local\\Microsoft\\Windows\\INetCache\\IE", NULL, false },
	{ "internet-cache", "%P\\AppData\\Local\\Microsoft\\Windows\\INetCache\\Low", NULL, false },
	{ "internet-cache", "%P\\AppData\\Local\\Microsoft\\Windows\\Temporary Internet Files\\Content.IE5", NULL, false },
	{ "internet-cache", "%P\\AppData\\Local\\Microsoft\\Windows\\Temporary Internet Files\\Low\\Content.IE5", NULL, false },
	{ "thumbnails", "%P\\AppData\\Local\\Microsoft\\Windows\\Explorer", "thumbcache_*.db|iconcache_*.db", false },
	{ "shader-cache", "%P\\AppData\\Local\\D3DSCache", NULL, false },
	{ "shader-cache", "%P\\AppData\\Local\\NVIDIA\\DXCache", NULL, false },
	{ "shader-cache", "%P\\AppData\\Local\\NVIDIA\\GLCache", NULL, false },
	{ "shader-cache", "%P\\AppData\\Local\\AMD\\DxCache", NULL, false },
	{ "shader-cache", "%P\\AppData\\Local\\AMD\\GLCache", NULL, false },
	{ "recycle-bin", "\\$Recycle.Bin\\S-1-*", NULL, false },
	{ "windows-old", "\\Windows.old", NULL, false },
	{ "windows-old", "\\Windows.old.###", NULL, false },
	{ "upgrade-leftovers", "\\$WINDOWS.~BT", NULL, false },
	{ "upgrade-leftovers", "\\$Windows.~WS", NULL, false },
	{ "upgrade-leftovers", "\\$GetCurrent", NULL, false },
	{ "old-dumps", "%W", "MEMORY.DMP", true },
	{ "old-dumps", "%W\\Minidump", "*.dmp", false },
	{ "old-dumps", "%W\\LiveKernelReports", "*.dmp", false },
	{ "error-reports", "\\ProgramData\\Microsoft\\Windows\\WER\\ReportQueue", NULL, false },
	{ "error-reports", "\\ProgramData\\Microsoft\\Windows\\WER\\ReportArchive", NULL, false },
	{ "error-reports", "%P\\AppData\\Local\\Microsoft\\Windows\\WER\\ReportQueue", NULL, false },
	{ "error-reports", "%P\\AppData\\Local\\Microsoft\\Windows\\WER\\ReportArchive", NULL, false },
	{ "servicing-logs", "%W\\Logs\\CBS", "CbsPersist_*", false },
	{ "downloaded-programs", "%W\\Downloaded Program Files", NULL, false },
	{ "chkdsk-fragments", "\\found.###", "*.chk", false },
	{ "hibernation-file", "\\", "hiberfil.sys", false },
};
const size_t cf_clean_n_roots = CF_ARRAY_LEN(cf_clean_roots);

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Backtracks to the last '*' only, so it is quadratic at worst, on names of 255 characters. */
static bool match_one(const char *pattern, const char *end, const char *name)
{
	const char *star = NULL, *mark = NULL;
	while (*name) {
		char p = pattern < end ? *pattern : 0;
		if (p == '*') {
			star = ++pattern;
			mark = name;
		} else if (p == '#' ? *name >= '0' && *name <= '9' : p && upper(p) == upper(*name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++mark;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

bool cf_clean_match(const char *pattern, const char *name)
{
	for (;;) {
		const char *end = strchrnul(pattern, '|');
		if (match_one(pattern, end, name))
			return true;
		if (!*end)
			return false;
		pattern = end + 1;
	}
}

static const char *const keep_names[CF_KEEP_REASONS] = {
	[CF_KEEP_NOT] = "",           [CF_KEEP_YOUNG] = "young",     [CF_KEEP_LINKED] = "hard-link",
	[CF_KEEP_LINK] = "link",      [CF_KEEP_DUMP] = "dump",       [CF_KEEP_SYSTEM] = "system",
	[CF_KEEP_PENDING] = "pending", [CF_KEEP_DAMAGED] = "damaged", [CF_KEEP_RULE] = "rule",
	[CF_KEEP_FILLED] = "filled",   [CF_KEEP_LATER] = "later",
};

const char *cf_clean_keep_name(enum cf_clean_keep why)
{
	return (unsigned)why < CF_KEEP_REASONS ? keep_names[why] : "";
}

int cf_clean_check_options(const struct cf_clean_options *opt, struct cf_error *err)
{
	for (size_t i = 0; opt->classes && opt->classes[i]; i++) {
		bool known = strcmp(opt->classes[i], "default") == 0;
		for (size_t k = 0; k < cf_clean_n_classes && !known; k++)
			known = strcmp(opt->classes[i], cf_clean_classes[k].id) == 0;
		if (!known)
			return cf_fail(err, CF_E_USAGE, "--class: there is no class \"%s\"; coldfix cleanup --dry-run DISK lists them all",
				       opt->classes[i]);
	}
	return 0;
}
