/* bcd-names.c - the vocabulary of bcdedit: aliases, section titles, element names, words for integers.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tables only. An element of the application class means different things in different kinds of objects, so there is
 * one table for each kind. What bcdedit itself has no word for (the setup template class among them) is not given one
 * here. Sources: phnt, BCD.psm1, Microsoft's documentation of the BCD WMI provider, printed output of bcdedit.
 */
#include "registry/bcd-internal.h"

#include <stdio.h>

#define G(a0, a1, a2, a3, b0, b1, c0, c1, ...) \
	{                                       \
		{ a3, a2, a1, a0, b1, b0, c1, c0, __VA_ARGS__ } \
	}

const struct cf_guid cf_bcd_bootmgr =
	G(0x9d, 0xea, 0x86, 0x2c, 0x5c, 0xdd, 0x4e, 0x70, 0xac, 0xc1, 0xf3, 0x2b, 0x34, 0x4d, 0x47, 0x95);
const struct cf_guid cf_bcd_fwbootmgr =
	G(0xa5, 0xa3, 0x0f, 0xa2, 0x3d, 0x06, 0x4e, 0x9f, 0xb5, 0xf4, 0xa0, 0x1d, 0xf9, 0xd1, 0xfc, 0xba);
const struct cf_guid cf_bcd_badmemory =
	G(0x51, 0x89, 0xb2, 0x5c, 0x55, 0x58, 0x4b, 0xf2, 0xbc, 0xa4, 0x28, 0x9b, 0x11, 0xbd, 0x29, 0xe2);
const struct cf_guid cf_bcd_emssettings =
	G(0x0c, 0xe4, 0x99, 0x1b, 0xe6, 0xb3, 0x4b, 0x16, 0xb2, 0x3c, 0x5e, 0x0d, 0x92, 0x50, 0xe5, 0xd9);
const struct cf_guid cf_bcd_globalsettings =
	G(0x7e, 0xa2, 0xe1, 0xac, 0x2e, 0x61, 0x47, 0x28, 0xaa, 0xa3, 0x89, 0x6d, 0x9d, 0x0a, 0x9f, 0x0e);
const struct cf_guid cf_bcd_bootloadersettings =
	G(0x6e, 0xfb, 0x52, 0xbf, 0x17, 0x66, 0x41, 0xdb, 0xa6, 0xb3, 0x0e, 0xe5, 0xef, 0xf7, 0x2b, 0xd7);
const struct cf_guid cf_bcd_memdiag =
	G(0xb2, 0x72, 0x1d, 0x73, 0x1d, 0xb4, 0x4c, 0x62, 0xbf, 0x78, 0xc5, 0x48, 0xa8, 0x80, 0x14, 0x2d);
const struct cf_guid cf_bcd_dbgsettings =
	G(0x46, 0x36, 0x85, 0x6e, 0x54, 0x0f, 0x41, 0x70, 0xa1, 0x30, 0xa8, 0x47, 0x76, 0xf4, 0xc6, 0x54);

static const struct cf_guid ntldr =
	G(0x46, 0x6f, 0x5a, 0x88, 0x0a, 0xf2, 0x4f, 0x76, 0x90, 0x38, 0x09, 0x5b, 0x17, 0x0d, 0xc2, 0x1c);
static const struct cf_guid hypervisorsettings =
	G(0x7f, 0xf6, 0x07, 0xe0, 0x43, 0x95, 0x11, 0xdb, 0xb0, 0xde, 0x08, 0x00, 0x20, 0x0c, 0x9a, 0x66);
static const struct cf_guid kerneldbgsettings =
	G(0x31, 0x3e, 0x8e, 0xed, 0x70, 0x98, 0x45, 0x86, 0xa9, 0xbf, 0x30, 0x9c, 0x61, 0xf8, 0xd4, 0x49);
static const struct cf_guid resumeloadersettings =
	G(0x1a, 0xfa, 0x9c, 0x49, 0x16, 0xab, 0x4a, 0x5c, 0x90, 0x1b, 0x21, 0x28, 0x02, 0xda, 0x94, 0x60);
static const struct cf_guid ramdiskoptions =
	G(0xae, 0x55, 0x34, 0xe0, 0xa9, 0x24, 0x46, 0x6c, 0xb8, 0x36, 0x75, 0x85, 0x39, 0xa3, 0xee, 0x3a);

const char *cf_bcd_alias(const struct cf_guid *g)
{
	static const struct {
		const struct cf_guid *guid;
		const char *alias;
	} aliases[] = {
		{ &cf_bcd_bootmgr, "{bootmgr}" },
		{ &cf_bcd_fwbootmgr, "{fwbootmgr}" },
		{ &cf_bcd_memdiag, "{memdiag}" },
		{ &ntldr, "{ntldr}" },
		{ &cf_bcd_globalsettings, "{globalsettings}" },
		{ &cf_bcd_dbgsettings, "{dbgsettings}" },
		{ &cf_bcd_emssettings, "{emssettings}" },
		{ &cf_bcd_badmemory, "{badmemory}" },
		{ &cf_bcd_bootloadersettings, "{bootloadersettings}" },
		{ &hypervisorsettings, "{hypervisorsettings}" },
		{ &kerneldbgsettings, "{kerneldbgsettings}" },
		{ &resumeloadersettings, "{resumeloadersettings}" },
		{ &ramdiskoptions, "{ramdiskoptions}" },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(aliases); i++)
		if (cf_guid_eq(aliases[i].guid, g))
			return aliases[i].alias;
	return NULL;
}

/* show, for integers: words from 0 on, parted by '|'; "#": decimal; "@": an IPv4 address; NULL: hexadecimal. */
struct row {
	uint32_t type;
	const char *name;
	const char *show;
};

#define DEBUG_TYPES "Serial|1394|USB|NET|Local"
#define MESSAGES \
	"Default|Resume|HyperV|Recovery|StartupRepair|SystemImageRecovery|CommandPrompt|SystemRestore|PushButtonReset"
#define BOOT_UX "Disabled|Basic|Standard"
#define MENU_POLICY "Legacy|Standard"

static const struct row library[] = {
	{ 0x11000001, "device", NULL },
	{ 0x12000002, "path", NULL },
	{ 0x12000004, "description", NULL },
	{ 0x12000005, "locale", NULL },
	{ 0x14000006, "inherit", NULL },
	{ 0x15000007, "truncatememory", NULL },
	{ 0x14000008, "recoverysequence", NULL },
	{ 0x16000009, "recoveryenabled", NULL },
	{ 0x1700000a, "badmemorylist", NULL },
	{ 0x1600000b, "badmemoryaccess", NULL },
	{ 0x1500000c, "firstmegabytepolicy", "UseNone|UseAll|UsePrivate" },
	{ 0x1500000d, "relocatephysical", NULL },
	{ 0x1500000e, "avoidlowmemory", NULL },
	{ 0x1600000f, "traditionalkseg", NULL },
	{ 0x16000010, "bootdebug", NULL },
	{ 0x15000011, "debugtype", DEBUG_TYPES },
	{ 0x15000012, "debugaddress", NULL },
	{ 0x15000013, "debugport", "#" },
	{ 0x15000014, "baudrate", "#" },
	{ 0x15000015, "channel", "#" },
	{ 0x12000016, "targetname", NULL },
	{ 0x16000017, "noumex", NULL },
	{ 0x15000018, "debugstart", "Active|AutoEnable|Disable" },
	{ 0x12000019, "busparams", NULL },
	{ 0x1500001a, "hostip", "@" },
	{ 0x1500001b, "port", "#" },
	{ 0x1600001c, "dhcp", NULL },
	{ 0x1200001d, "key", NULL },
	{ 0x1600001e, "vm", NULL },
	{ 0x1200001f, "hostipv6", NULL },
	{ 0x16000020, "bootems", NULL },
	{ 0x15000022, "emsport", "#" },
	{ 0x15000023, "emsbaudrate", "#" },
	{ 0x12000030, "loadoptions", NULL },
	{ 0x16000040, "advancedoptions", NULL },
	{ 0x16000041, "optionsedit", NULL },
	{ 0x15000042, "keyringaddress", NULL },
	{ 0x11000043, "bootstatdevice", NULL },
	{ 0x12000044, "bootstatfilepath", NULL },
	{ 0x16000045, "preservebootstat", NULL },
	{ 0x16000046, "graphicsmodedisabled", NULL },
	{ 0x15000047, "configaccesspolicy", "Default|DisallowMmConfig" },
	{ 0x16000048, "nointegritychecks", NULL },
	{ 0x16000049, "testsigning", NULL },
	{ 0x1200004a, "fontpath", NULL },
	{ 0x1500004b, "integrityservices", NULL },
	{ 0x1500004c, "volumebandid", NULL },
	{ 0x16000050, "extendedinput", NULL },
	{ 0x15000051, "initialconsoleinput", NULL },
	{ 0x15000052, "graphicsresolution", "1024x768|800x600|1024x600" },
	{ 0x16000053, "restartonfailure", NULL },
	{ 0x16000054, "highestmode", NULL },
	{ 0x16000060, "isolatedcontext", NULL },
	{ 0x15000065, "displaymessage", MESSAGES },
	{ 0x15000066, "displaymessageoverride", MESSAGES },
	{ 0x16000067, "nobootuxlogo", NULL },
	{ 0x16000068, "nobootuxtext", NULL },
	{ 0x16000069, "nobootuxprogress", NULL },
	{ 0x1600006a, "nobootuxfade", NULL },
	{ 0x1600006b, "bootuxreservepooldebug", NULL },
	{ 0x1600006c, "bootuxdisabled", NULL },
	{ 0x1500006d, "bootuxfadeframes", "#" },
	{ 0x1600006e, "bootuxdumpstats", NULL },
	{ 0x1600006f, "bootuxshowstats", NULL },
	{ 0x16000071, "multibootsystem", NULL },
	{ 0x16000072, "nokeyboard", NULL },
	{ 0x15000073, "aliaswindowskey", NULL },
	{ 0x16000074, "bootshutdowndisabled", NULL },
	{ 0x15000075, "performancefrequency", NULL },
	{ 0x15000076, "securebootrawpolicy", NULL },
	{ 0x17000077, "allowedinmemorysettings", NULL },
	{ 0x15000077, "allowedinmemorysettings", NULL },
	{ 0x15000079, "bootuxtransitiontime", "#" },
	{ 0x1600007a, "mobilegraphics", NULL },
	{ 0x1600007b, "forcefipscrypto", NULL },
	{ 0x1500007d, "booterrorux", "Legacy|Standard|Simple" },
	{ 0x1600007e, "flightsigning", NULL },
	{ 0x1500007f, "measuredbootlogformat", "Default|Sha1" },
	{ 0x15000080, "displayrotation", "#" },
	{ 0x15000081, "logcontrol", NULL },
	{ 0x16000082, "nofirmwaresync", NULL },
	{ 0x11000084, "windowssyspart", NULL },
	{ 0x16000087, "numlock", NULL },
};

static const struct row manager[] = {
	{ 0x24000001, "displayorder", NULL },
	{ 0x24000002, "bootsequence", NULL },
	{ 0x23000003, "default", NULL },
	{ 0x25000004, "timeout", "#" },
	{ 0x26000005, "resume", NULL },
	{ 0x23000006, "resumeobject", NULL },
	{ 0x24000007, "startupsequence", NULL },
	{ 0x24000010, "toolsdisplayorder", NULL },
	{ 0x26000020, "displaybootmenu", NULL },
	{ 0x26000021, "noerrordisplay", NULL },
	{ 0x21000022, "bcddevice", NULL },
	{ 0x22000023, "bcdfilepath", NULL },
	{ 0x26000024, "hormenabled", NULL },
	{ 0x26000028, "processcustomactionsfirst", NULL },
	{ 0x27000030, "customactions", NULL },
	{ 0x26000031, "persistbootsequence", NULL },
	{ 0x26000032, "skipstartupsequence", NULL },
};

static const struct row loader[] = {
	{ 0x21000001, "osdevice", NULL },
	{ 0x22000002, "systemroot", NULL },
	{ 0x23000003, "resumeobject", NULL },
	{ 0x26000004, "stampdisks", NULL },
	{ 0x26000010, "detecthal", NULL },
	{ 0x22000011, "kernel", NULL },
	{ 0x22000012, "hal", NULL },
	{ 0x22000013, "dbgtransport", NULL },
	{ 0x25000020, "nx", "OptIn|OptOut|AlwaysOff|AlwaysOn" },
	{ 0x25000021, "pae", "Default|ForceEnable|ForceDisable" },
	{ 0x26000022, "winpe", NULL },
	{ 0x26000024, "nocrashautoreboot", NULL },
	{ 0x26000025, "lastknowngood", NULL },
	{ 0x26000026, "oslnointegritychecks", NULL },
	{ 0x26000027, "osltestsigning", NULL },
	{ 0x26000030, "nolowmem", NULL },
	{ 0x25000031, "removememory", "#" },
	{ 0x25000032, "increaseuserva", "#" },
	{ 0x25000033, "perfmem", "#" },
	{ 0x26000040, "vga", NULL },
	{ 0x26000041, "quietboot", NULL },
	{ 0x26000042, "novesa", NULL },
	{ 0x26000043, "novga", NULL },
	{ 0x25000050, "clustermodeaddressing", "#" },
	{ 0x26000051, "usephysicaldestination", NULL },
	{ 0x25000052, "restrictapiccluster", "#" },
	{ 0x26000054, "uselegacyapicmode", NULL },
	{ 0x25000055, "x2apicpolicy", "Default|Disable|Enable" },
	{ 0x26000060, "onecpu", NULL },
	{ 0x25000061, "numproc", "#" },
	{ 0x26000062, "maxproc", NULL },
	{ 0x25000063, "configflags", NULL },
	{ 0x26000064, "maxgroup", NULL },
	{ 0x26000065, "groupaware", NULL },
	{ 0x25000066, "groupsize", "#" },
	{ 0x26000070, "usefirmwarepcisettings", NULL },
	{ 0x25000071, "msi", "Default|ForceDisable" },
	{ 0x25000072, "pciexpress", "Default|ForceDisable" },
	{ 0x25000080, "safeboot", "Minimal|Network|DsRepair" },
	{ 0x26000081, "safebootalternateshell", NULL },
	{ 0x26000090, "bootlog", NULL },
	{ 0x26000091, "sos", NULL },
	{ 0x260000a0, "debug", NULL },
	{ 0x260000a1, "halbreakpoint", NULL },
	{ 0x260000a2, "useplatformclock", NULL },
	{ 0x260000a3, "forcelegacyplatform", NULL },
	{ 0x260000a4, "useplatformtick", NULL },
	{ 0x260000a5, "disabledynamictick", NULL },
	{ 0x250000a6, "tscsyncpolicy", "Default|Legacy|Enhanced" },
	{ 0x260000b0, "ems", NULL },
	{ 0x250000c0, "forcefailure", NULL },
	{ 0x250000c1, "driverloadfailurepolicy", "Fatal|UseErrorControl" },
	{ 0x250000c2, "bootmenupolicy", MENU_POLICY },
	{ 0x260000c3, "onetimeadvancedoptions", NULL },
	{ 0x260000c4, "onetimeoptionsedit", NULL },
	{ 0x250000e0, "bootstatuspolicy",
	  "DisplayAllFailures|IgnoreAllFailures|IgnoreShutdownFailures|IgnoreBootFailures|IgnoreCheckpointFailures|"
	  "DisplayShutdownFailures|DisplayBootFailures|DisplayCheckpointFailures" },
	{ 0x260000e1, "disableelamdrivers", NULL },
	{ 0x250000f0, "hypervisorlaunchtype", "Off|Auto" },
	{ 0x220000f1, "hypervisorpath", NULL },
	{ 0x260000f2, "hypervisordebug", NULL },
	{ 0x250000f3, "hypervisordebugtype", "Serial|1394|None|NET" },
	{ 0x250000f4, "hypervisordebugport", "#" },
	{ 0x250000f5, "hypervisorbaudrate", "#" },
	{ 0x250000f6, "hypervisorchannel", "#" },
	{ 0x250000f7, "bootux", BOOT_UX },
	{ 0x260000f8, "hypervisordisableslat", NULL },
	{ 0x220000f9, "hypervisorbusparams", NULL },
	{ 0x250000fa, "hypervisornumproc", "#" },
	{ 0x250000fb, "hypervisorrootprocpernode", "#" },
	{ 0x260000fc, "hypervisoruselargevtlb", NULL },
	{ 0x250000fd, "hypervisorhostip", "@" },
	{ 0x250000fe, "hypervisorhostport", "#" },
	{ 0x25000100, "tpmbootentropy", "Default|ForceDisable|ForceEnable" },
	{ 0x22000110, "hypervisorusekey", NULL },
	{ 0x22000112, "hypervisorproductskutype", NULL },
	{ 0x25000113, "hypervisorrootproc", "#" },
	{ 0x26000114, "hypervisordhcp", NULL },
	{ 0x25000115, "hypervisoriommupolicy", "Default|Enable|Disable" },
	{ 0x26000116, "hypervisorusevapic", NULL },
	{ 0x22000117, "hypervisorloadoptions", NULL },
	{ 0x25000118, "hypervisormsrfilterpolicy", "Disable|Enable" },
	{ 0x25000119, "hypervisormmionxpolicy", "Disable|Enable" },
	{ 0x2500011a, "hypervisorschedulertype", "Default|Classic|Core|Root" },
	{ 0x2500012b, "xsavedisable", NULL },
	{ 0x2500012c, "kerneldebugtype", DEBUG_TYPES },
	{ 0x2200012d, "kernelbusparams", NULL },
	{ 0x2500012e, "kerneldebugaddress", NULL },
	{ 0x2500012f, "kerneldebugport", "#" },
	{ 0x25000131, "kernelchannel", "#" },
	{ 0x22000132, "kerneltargetname", NULL },
	{ 0x25000133, "kernelhostip", "@" },
	{ 0x25000134, "kernelport", "#" },
	{ 0x26000135, "kerneldhcp", NULL },
	{ 0x22000136, "kernelkey", NULL },
	{ 0x22000137, "imchivename", NULL },
	{ 0x21000138, "imcdevice", NULL },
	{ 0x25000139, "kernelbaudrate", "#" },
	{ 0x22000140, "mfgmode", NULL },
	{ 0x26000141, "event", NULL },
	{ 0x25000142, "vsmlaunchtype", "Off|Auto" },
	{ 0x25000144, "hypervisorenforcedcodeintegrity", NULL },
	{ 0x21000150, "systemdatadevice", NULL },
	{ 0x21000151, "osarcdevice", NULL },
	{ 0x21000153, "osdatadevice", NULL },
};

static const struct row resume[] = {
	{ 0x21000001, "filedevice", NULL },
	{ 0x22000002, "filepath", NULL },
	{ 0x26000003, "customsettings", NULL },
	{ 0x26000004, "pae", NULL },
	{ 0x21000005, "associatedosdevice", NULL },
	{ 0x26000006, "debugoptionenabled", NULL },
	{ 0x25000007, "bootux", BOOT_UX },
	{ 0x25000008, "bootmenupolicy", MENU_POLICY },
};

static const struct row memory_tester[] = {
	{ 0x25000001, "passcount", "#" },
	{ 0x25000002, "testmix", "Basic|Extended" },
	{ 0x25000003, "failurecount", "#" },
	{ 0x25000004, "testtofail", NULL },
	{ 0x26000005, "cacheenable", NULL },
};

static const struct row legacy_loader[] = {
	{ 0x22000001, "bpbstring", NULL },
};

static const struct row device_options[] = {
	{ 0x35000001, "ramdiskimageoffset", "#" },
	{ 0x35000002, "ramdisktftpclientport", "#" },
	{ 0x31000003, "ramdisksdidevice", NULL },
	{ 0x32000004, "ramdisksdipath", NULL },
	{ 0x35000005, "ramdiskimagelength", "#" },
	{ 0x36000006, "exportascd", NULL },
	{ 0x35000007, "ramdisktftpblocksize", "#" },
	{ 0x35000008, "ramdisktftpwindowsize", "#" },
	{ 0x36000009, "ramdiskmcenabled", NULL },
	{ 0x3600000a, "ramdiskmctftpfallback", NULL },
	{ 0x3600000b, "ramdisktftpvarwindow", NULL },
	{ 0x3600000c, "vhdramdiskboot", NULL },
};

static const struct row *find(const struct row *t, size_t n, uint32_t type)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].type == type)
			return &t[i];
	return NULL;
}
#define FIND(table, type) find(table, CF_ARRAY_LEN(table), type)

/* The application that an object is, or whose objects inherit from it: 1 to 9. */
static unsigned application(uint32_t object_type)
{
	unsigned code = object_type >> 28;
	return code == 1 || code == 2 ? object_type & 0xfffff : 0;
}

static const struct row *row_of(uint32_t object_type, uint32_t element_type)
{
	switch (element_type >> 28) {
	case 1:
		return FIND(library, element_type);
	case 2:
		switch (application(object_type)) {
		case 1: /* firmware boot manager: the same names */
		case 2:
			return FIND(manager, element_type);
		case 3:
			return FIND(loader, element_type);
		case 4:
			return FIND(resume, element_type);
		case 5:
			return FIND(memory_tester, element_type);
		case 6:
		case 7:
		case 8:
			return FIND(legacy_loader, element_type);
		default:
			return NULL;
		}
	case 3:
		return FIND(device_options, element_type);
	default:
		return NULL;
	}
}

const char *cf_bcd_element_name(uint32_t object_type, uint32_t element_type)
{
	const struct row *r = row_of(object_type, element_type);
	return r ? r->name : NULL;
}

/* Word number v of a list parted by '|', into out; false when there are fewer. */
static bool word(const char *words, uint64_t v, char *out)
{
	for (; v; v--) {
		words = strchr(words, '|');
		if (!words)
			return false;
		words++;
	}
	snprintf(out, 64, "%.*s", (int)strcspn(words, "|"), words);
	return true;
}

char *cf_bcd_integer_text(uint32_t object_type, uint32_t element_type, uint64_t v, char *out)
{
	const struct row *r = row_of(object_type, element_type);
	if (!r || (r->show && *r->show == '#')) /* bcdedit shows what it does not know in decimal */
		snprintf(out, 64, "%llu", (unsigned long long)v);
	else if (r->show && *r->show == '@' && v <= UINT32_MAX)
		snprintf(out, 64, "%u.%u.%u.%u", (unsigned)(v >> 24), (unsigned)(v >> 16 & 0xff),
			 (unsigned)(v >> 8 & 0xff), (unsigned)(v & 0xff));
	else if (!r->show || *r->show == '@' || !word(r->show, v, out))
		snprintf(out, 64, "0x%llx", (unsigned long long)v);
	return out;
}

/* ---- titles ---- */

static const char *shared_title(const struct cf_bcd_object *o)
{
	static const struct {
		const struct cf_guid *guid;
		const char *title;
	} own[] = {
		{ &cf_bcd_emssettings, "EMS Settings" },
		{ &cf_bcd_dbgsettings, "Debugger Settings" },
		{ &cf_bcd_badmemory, "RAM Defects" },
		{ &cf_bcd_globalsettings, "Global Settings" },
		{ &hypervisorsettings, "Hypervisor Settings" },
		{ &kerneldbgsettings, "Kernel Debugger Settings" },
		{ &ramdiskoptions, "Setup Ramdisk Options" },
	};
	for (size_t i = 0; i < CF_ARRAY_LEN(own); i++)
		if (cf_guid_eq(own[i].guid, &o->guid))
			return own[i].title;
	return NULL;
}

const char *cf_bcd_title(const struct cf_bcd_object *o, char *out)
{
	static const struct {
		uint32_t type;
		const char *title;
	} by_type[] = {
		{ CF_BCD_TYPE_FWBOOTMGR, "Firmware Boot Manager" },
		{ CF_BCD_TYPE_BOOTMGR, "Windows Boot Manager" },
		{ CF_BCD_TYPE_LOADER, "Windows Boot Loader" },
		{ CF_BCD_TYPE_RESUME, "Resume from Hibernate" },
		{ CF_BCD_TYPE_MEMDIAG, "Windows Memory Tester" },
		{ 0x10300006, "Windows Legacy OS Loader" },
		{ 0x10400008, "Real-mode Boot Sector" },
		{ 0x10300008, "Real-mode Boot Sector" },
		{ 0x20100000, "Global Settings" },
		{ 0x20200003, "Boot Loader Settings" },
		{ 0x20200004, "Resume Loader Settings" },
		{ 0x30000000, "Device options" },
	};
	const char *title = o->type >> 28 == 2 || o->type >> 28 == 3 ? shared_title(o) : NULL;
	for (size_t i = 0; !title && i < CF_ARRAY_LEN(by_type); i++)
		if (by_type[i].type == o->type)
			title = by_type[i].title;
	if (title)
		snprintf(out, 64, "%s", title);
	else if (o->type == 0x101fffff)
		snprintf(out, 64, "Firmware Application (%08x)", o->type);
	else
		snprintf(out, 64, "Object of type %08x", o->type);
	return out;
}
