/* commands.c - a command is a declared row; --help is made from it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define READS (OPT_COMMON | OPT_DISK | OPT_VM)

const struct command commands[] = {
	{ "info", CF_INFO, READS, 1, "[OPTIONS] DISK", "what is on this disk",
	  "Shows the container, the partitions with their roles and Windows' drive letters, every Windows installation with version, computer\n"
	  "name and control sets, and the boot store. Reads only." },
	{ "diagnose", CF_DIAGNOSE, READS | OPT_LIMITS, 1, "[OPTIONS] DISK", "what is wrong, and does it explain 0xC0000017",
	  "Gives a verdict, then every finding with its evidence, then the command to type next. Changes nothing: the disk is opened read-only." },
	{ "repair", CF_REPAIR, READS | OPT_REPAIR | OPT_BACKUP | OPT_WRITE | OPT_SHADOW | OPT_LIMITS, 1, "[OPTIONS] DISK", "diagnose, show the plan, ask, repair, verify",
	  "Repairs what diagnose found, in one transaction: tried and proved on an overlay first, then written, read back and compared. Keeps a\n"
	  "copy of the hives and an undo file. On a healthy disk it writes nothing." },
	{ "expand", CF_EXPAND, READS | OPT_EXPAND | OPT_SHADOW | OPT_WRITE, 1, "[OPTIONS] --size N|--by N|--max DISK",
	  "make the disk larger and give Windows the room",
	  "Makes the disk's file larger (raw, fixed VHD, qcow2; others by way of --output), moves the recovery partition behind Windows to the new\n"
	  "end, and grows Windows' partition and its NTFS volume in one transaction. Nothing but a recovery partition is moved. A device or NBD\n"
	  "export has to be larger already. What is full may stay full: no file is moved, and the time it takes does not depend on it." },
	{ "undo", CF_UNDO, OPT_COMMON | OPT_DISK | OPT_WRITE | OPT_UNDO, 1, "[OPTIONS] DISK [UNDO-FILE]",
	  "put back what the last repair changed",
	  "Puts every byte back that the last repair changed, newest repair first. Refuses when the disk has changed since, for example because\n"
	  "Windows was started." },
	{ "cleanup", CF_CLEANUP, OPT_COMMON | OPT_DISK | OPT_WRITE | OPT_SHADOW | OPT_CLEAN, 1, "[OPTIONS] DISK", "delete what Disk Cleanup would",
	  "Lists what can go from the Windows volume, each class with the bytes that deleting it really gives back, asks, and deletes it in a\n"
	  "transaction. By default only what Windows makes again or nobody misses; --class names others." },
	{ "explain", CF_EXPLAIN, READS, 0, "[OPTIONS] [ID|ARTICLE [DISK]]", "what a problem is, and what its repair does",
	  "Without an argument lists every problem id. With an id: how it is seen, what the repair does, the risk. With an article\n"
	  "(status-no-memory, starting-windows): its steps in order, and with DISK what that disk says about each of them. Reads only." },
	{ "ls", CF_LS, READS | OPT_LIST, 1, "[OPTIONS] DISK [PATH ...]", "list files of the guest",
	  "PATH is a Windows path in any letter case: C:\\Windows, 2:\\Boot (partition 2) or \\Windows (the volume of Windows)." },
	{ "cat", CF_CAT, READS, 1, "[OPTIONS] DISK PATH ...", "write a guest file to standard output",
	  "What can't be decoded (EFS, deduplicated, cloud and CompactOS files) is refused by name, never zeros." },
	{ "get", CF_GET, READS | OPT_TO, 1, "[OPTIONS] DISK PATH ...", "copy guest files out",
	  "Copies files into the current folder, or the one that --to names. An existing file is never overwritten." },
	{ "bcd", CF_BCD, READS, 1, "[OPTIONS] DISK enum [all|active|ID] [/v]", "bcdedit for Linux",
	  "Shows the boot store in bcdedit's layout. ID is {default}, {bootmgr}, {badmemory} … or a GUID; /v shows GUIDs instead of names." },
	{ "defrag", CF_DEFRAG, READS | OPT_WRITE | OPT_SHADOW | OPT_DEFRAG, 1, "[OPTIONS] DISK [VOLUME]", "files and free space in one piece",
	  "Defragments files, folders and the movable parts of $MFT, then consolidates free space, as defrag /u /x /g does in Windows. Shows the\n"
	  "plan first; works in steps that are each safe, so a stop at any moment leaves every file whole. VOLUME is C: or 2: (partition 2);\n"
	  "default: the volume of Windows. On a volume that is already good it writes nothing." },
	{ "reg", CF_REG, READS, 1, "[OPTIONS] DISK query KEY [/v NAME] [/s]", "reg.exe on the offline hives",
	  "KEY is written as HKLM\\SYSTEM\\CurrentControlSet\\…, HKLM\\SOFTWARE\\…, HKLM\\BCD00000000\\…; transaction logs are replayed in memory." },
	{ "collect", CF_COLLECT, READS | OPT_TO | OPT_ARCHIVE, 1, "[OPTIONS] --to DIR DISK", "the evidence that a colleague or support asks for",
	  "Makes a folder coldfix-COMPUTER-TIME in DIR (0700, files 0600): partition tables and boot sectors, every boot store, the hives with\n"
	  "their logs, $LogFile, the System event log, the ends of the CBS, setup and update logs, ReAgent.xml, the headers of crash dumps, what\n"
	  "info and diagnose say, a manifest and SHA-256 sums. What is missing is noted. The disk is only read. It holds secrets." },
	{ "dump", CF_DUMP, READS | OPT_WRITE | OPT_BACKUP | OPT_CONFIGURE | OPT_TO | OPT_PACK, 1, "[OPTIONS] DISK|FILE VERB [PATH ...]",
	  "crash dumps: find, decode, copy out, set up",
	  "list       every crash dump on the disk: where Windows saves them, and those still inside a paging or dedicated dump file\n"
	  "info       what is in each, or in the one at PATH: system, time, stop code and what its parameters mean, drivers, stack; with FILE: in\n"
	  "           a dump that lies here as a file\n"
	  "collect    copies them, or those at PATH, into the folder that --to names, with SHA-256; a dump that is still inside a paging file becomes\n"
	  "           the MEMORY.DMP that Windows would make of it at its next start\n"
	  "configure  sets every value of CrashControl that the type of dump needs, in each control set, sized so that a dump will really be\n"
	  "           written, and explains the arithmetic; with the life of a repair: tried, proved, asked, written, undone with coldfix undo" },
	{ "space", CF_SPACE, READS | OPT_TOP, 1, "[OPTIONS] DISK", "what fills the volumes, and in how many pieces it lies",
	  "Shows total, used and free space of every NTFS volume, what fills it (Windows, component store, users, paging files, dumps, update\n"
	  "downloads, shadow copies, …), the largest folders and files, and how fragmented files and free space are. Reads only." },
	{ "symptom", CF_SYMPTOM, OPT_COMMON, 0, "[OPTIONS] FILE ...", "what does a screenshot or a serial log show",
	  "Reads boot-diagnostics screenshots (PNG, JPEG, BMP, PPM) and logs of the serial console: which screen, which error code, which\n"
	  "language, which article, and the command to run next. Says \"not recognised\" rather than guess. Pictures need tesseract." },
};
const size_t n_commands = sizeof commands / sizeof commands[0];

const struct verb verbs[] = {
	{ CF_DUMP, "list", READS },
	{ CF_DUMP, "info", READS },
	{ CF_DUMP, "collect", READS | OPT_TO | OPT_PACK },
	{ CF_DUMP, "configure", READS | OPT_WRITE | OPT_BACKUP | OPT_CONFIGURE },
};
const size_t n_verbs = sizeof verbs / sizeof verbs[0];

const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static const struct {
	unsigned group;
	const char *text;
} option_help[] = {
	{ OPT_WRITE, "  --dry-run              show what would be done, change nothing, never ask\n"
		     "  --yes                  do not ask\n"
		     "  --undo-file FILE       write (undo: read) the undo file here\n"
		     "  --no-undo              keep no undo file once the work has succeeded\n" },
	{ OPT_REPAIR, "  --only ID,...          repair only these problems, also opt-in and recommended ones\n"
		      "  --skip ID,...          leave these problems\n"
		      "  --with ID,...          repair these opt-in problems too\n"
		      "  --symptom FILE         repair what the article of this screenshot or serial log is about\n"
		      "  --prepare              apply the recommended settings too\n"
		      "  --expand[=SIZE]        make the disk larger when the volume stays full; by 8 GiB, or to SIZE\n"
		      "  --output NEW           work on a copy; .vhd (fixed), .vhdx, .qcow2, else raw\n"
		      "  --dump-file PATH, --dedicated-dump-file PATH\n"
		      "                         where crash dumps go (Windows paths)\n"
		      "  --discard-dump         a crash dump inside a stray pagefile.sys may be deleted\n"
		      "  --recovery-key-at-hand the boot store of a disk with encryption may be changed\n" },
	{ OPT_BACKUP, "  --backup-dir DIR       where the copy of the hives goes\n"
		      "  --no-backup            keep no copy of the hives\n"
		      "  --expect-computer NAME refuse unless the disk is this computer's\n" },
	{ OPT_PACK, "  --zstd                 compressed, as NAME.zst\n"
		    "  --split SIZE           in parts of this size, as NAME.001, NAME.002 …\n" },
	{ OPT_CONFIGURE, "  --type TYPE            complete, active, kernel, automatic or small; default: as it is set\n"
			 "  --dump-file PATH       where Windows saves the dump (%SystemRoot%\\MEMORY.DMP)\n"
			 "  --dedicated-file PATH  where a crash is written to, instead of the paging file (C:\\dd.sys)\n"
			 "  --size SIZE            of the dedicated file; default: what the type needs with --ram\n"
			 "  --nmi                  an NMI makes a dump (needed before Windows 8 only)\n" },
	{ OPT_CLEAN, "  --class ID,...         delete exactly these classes; \"default\" stands for the usual ones\n"
		     "  --keep-days N          temporary files of the VM's last N days stay; 7\n"
		     "  --windows N            which Windows installation, from 1\n" },
	{ OPT_LIMITS, "  --min-free SIZE        less free space than this counts as full; 300M\n"
		      "  --min-extent SIZE      a largest free extent of less than this, and of less than half the free space, counts as scattered; 512M\n"
		      "  --max-pieces N         a boot file in more extents than this counts as scattered; 1000\n" },
	{ OPT_EXPAND, "  --size N               bytes that the disk is to have (256G)\n"
		      "  --by N                 bytes more than it has\n"
		      "  --max                  as large as it may become: a device's own size, else 1 TiB\n"
		      "  --drop-recovery        delete the recovery partition behind Windows instead of moving it\n"
		      "  --output NEW           work on a copy; .vhd (fixed), .vhdx, .qcow2, else raw\n"
		      "  --expect-computer NAME refuse unless the disk is this computer's\n"
		      "  --recovery-key-at-hand a disk with encryption may be changed in what its key depends on\n" },
	{ OPT_DEFRAG, "  --analyze              report only\n"
		      "  --consolidate-only     make free space whole, not files\n"
		      "  --boot-files-only      only the files that the boot needs\n"
		      "  --file PATH            only this file; may be repeated\n"
		      "  --max-bytes SIZE       move no more data than this\n" },
	{ OPT_SHADOW, "  --accept-shadow-copy-loss\n"
		      "                         go on although the volume has shadow copies, which that spoils\n" },
	{ OPT_UNDO, "  --force                undo although the disk has changed since\n" },
	{ OPT_LIST, "  -R, --recursive        list folders in folders too\n" },
	{ OPT_TO, "  --to DIR               folder that receives the files\n" },
	{ OPT_TOP, "  --top N                entries of each list (largest folders, files, …), 1 to 1000; default 5\n" },
	{ OPT_ARCHIVE, "  --archive              one .tar.zst instead of a folder\n" },
	{ OPT_VM, "  --ram SIZE             memory of the VM (16G)\n"
		  "  --temp-disk KIND       scsi (D:), nvme, none, or a letter such as E:\n"
		  "  --data-disk FILE       another disk of the VM; may be repeated\n"
		  "  --windows N            which Windows installation, from 1\n" },
	{ OPT_DISK, "  --format FORMAT        raw, vhd, vhdx, qcow2, vmdk, vdi; default: probed\n"
		    "  --sector-size N        512 or 4096\n"
		    "  --allow-backing        read an image that has a backing file\n"
		    "  --allow-checkpoints    write an image that a checkpoint depends on\n"
		    "  --force-share          read a disk that is in use\n"
		    "  --force-unclean        empty the journal of a volume that was not dismounted\n" },
	{ OPT_COMMON, "  --json                 one JSON object on standard output\n"
		      "  -q, --quiet / -v, --verbose\n"
		      "  --color WHEN           auto, always, never\n"
		      "  --progress FD          progress lines on this file descriptor\n"
		      "  --help                 this text\n" },
};

void print_usage(FILE *out)
{
	fprintf(out, "Usage: coldfix COMMAND [OPTIONS] DISK\n\n"
	       "Repairs Windows VMs that stop with 0xC0000017, from Linux, on the VM's disk image.\n"
	       "DISK is an image file (raw, VHD, VHDX, qcow2, VMDK, VDI), a block device or an NBD URI.\n\nCommands:\n");
	for (size_t i = 0; i < n_commands; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n  coldfix COMMAND --help says more; coldfix --version.\n\n"
	       "Exit status: 0 the disk is right, 4 problems left, 8 could not do it, 16 usage.\n");
}

void print_command_help(const struct command *c)
{
	printf("Usage: coldfix %s %s\n\n%s\n\nOptions:\n", c->name, c->synopsis, c->help);
	for (size_t i = 0; i < sizeof option_help / sizeof option_help[0]; i++)
		if (c->groups & option_help[i].group)
			fputs(option_help[i].text, stdout);
}
