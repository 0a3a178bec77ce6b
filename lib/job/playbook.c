/* playbook.c - an article as steps in order, with what a disk says about each.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "job/playbook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step {
	const char *article;
	const char *title, *text;
	const char *commands;  /* lines; DISK, DIR, FILE and VM stand for what is meant */
	const char *ids;       /* problems whose findings belong here, ",id,id,"; NULL: none */
	const char *none;      /* fact when the disk shows none of them; NULL: no fact */
};

static const struct step steps[] = {
	{ "starting-windows", N_("See what it is"),
	  N_("The screen shows Starting Windows, or Windows' logo with turning dots, and does not change. A disk check or an update can look like "
	     "this for an hour: compare two screenshots some minutes apart."),
	  "coldfix symptom FILE", NULL, NULL },
	{ "starting-windows", N_("Look at the disk"),
	  N_("Stop (deallocate) the VM first. The evidence is how the last start and shutdown ended, updates that are half done, file operations that "
	     "wait for the next start, and bootstatuspolicy. Whatever else is wrong with the disk is repaired before a hang is looked into."),
	  "coldfix diagnose DISK", ",hang-at-start,volume-unclean,hive-unclean,hive-corrupt,volume-full,encrypted,",
	  N_("nothing on the disk says that a start did not come to its end") },
	{ "starting-windows", N_("Keep the evidence"),
	  N_("Before anything changes the disk. The folder holds secrets: hives, and memory if dumps are in it."),
	  "coldfix collect DISK --to DIR", NULL, NULL },
	{ "starting-windows", N_("Is there a memory dump already?"),
	  N_("A dump that Windows wrote during the hang is what support asks for: collect it and go to the last step. One inside pagefile.sys is saved by "
	     "Windows at its next good start only; collect takes it out now."),
	  "coldfix dump DISK list\ncoldfix dump DISK collect --to DIR", ",dump-found,dump-in-pagefile,", N_("there is no crash dump on the disk: go on") },
	{ "starting-windows", N_("No dump: turn on crash dumps and the serial console"),
	  N_("So that the next hang can be made into a dump. Say how much memory the VM has: a dump that finds no room is not written."),
	  "coldfix repair --only crash-dump-off,serial-console-off,dump-has-no-room --ram SIZE DISK",
	  ",crash-dump-off,serial-console-off,dump-has-no-room,", N_("crash dumps and serial console are on") },
	{ "starting-windows", N_("Start the VM and let it hang"),
	  N_("Give it the disk back, start it, and wait until it has not changed for at least ten minutes."), NULL, NULL, NULL },
	{ "starting-windows", N_("Send it a non-maskable interrupt (NMI)"),
	  N_("Windows answers with stop 0x80 (NMI_HARDWARE_FAILURE) and writes the dump. Azure: the VM's page, Serial console, keyboard menu, Send "
	     "Non-Maskable Interrupt. Hyper-V and KVM: the commands below, on the host."),
	  "Debug-VM -Name VM -InjectNonMaskableInterrupt -Force\nvirsh inject-nmi VM", NULL, NULL },
	{ "starting-windows", N_("Wait until the dump is written, then collect it"),
	  N_("The screen counts to 100 % and the VM restarts; where no screen shows it, wait until the disk is quiet. Stop the VM and collect. If it "
	     "never starts, the dump is still inside pagefile.sys and is collected from there. No dump: check the step that turns them on, and begin "
	     "again."),
	  "coldfix dump DISK list\ncoldfix dump DISK collect --to DIR", NULL, NULL },
	{ "starting-windows", N_("Open a support ticket with the dump"),
	  N_("A hang can only be understood from the dump. Send it with the folder of the third step, over a channel that may carry the VM's memory."), NULL,
	  NULL, NULL },

	{ "status-no-memory", N_("See what it is"),
	  N_("Windows Boot Manager or the Recovery screen shows 0xC0000017: there is not enough memory to create a ramdisk device."),
	  "coldfix symptom FILE", NULL, NULL },
	{ "status-no-memory", N_("Let coldfix do the steps below"),
	  N_("Stop (deallocate) the VM. Diagnose says which of the following steps the disk needs; repair does them in one transaction that undo takes back."),
	  "coldfix diagnose DISK\ncoldfix repair --symptom FILE --dry-run DISK\ncoldfix repair --symptom FILE DISK", ",encrypted,volume-hibernated,", NULL },
	{ "status-no-memory", N_("Free up space on the disk"),
	  N_("Less than 300 MiB free: clean up, then grow into room behind the partition. Free space in small pieces, or boot files in many: bring them "
	     "together."),
	  "coldfix space DISK\ncoldfix cleanup DISK\ncoldfix expand DISK\ncoldfix defrag DISK", ",volume-full,free-space-scattered,", N_("there is room, in one piece") },
	{ "status-no-memory", N_("Clean out bad memory"),
	  N_("The list of bad pages stands in the boot store, and since Windows 10 20H2 also in the registry. Limits on memory count too."), NULL,
	  ",bad-memory-list,bad-memory-registry,memory-limited,", N_("no memory is excluded") },
	{ "status-no-memory", N_("Boot what should be booted"), N_("A pending start of an upgrade's ramdisk is not in the article, and asks for the very memory that is missing."),
	  NULL, ",ramdisk-boot-pending,boot-store-missing,", N_("the store boots Windows itself") },
	{ "status-no-memory", N_("Restore the paging file to its place"), N_("On Azure's temporary disk if the VM size has one, else on the system drive: say which with --temp-disk."),
	  NULL, ",pagefile-misplaced,", N_("no paging file is misplaced") },
	{ "status-no-memory", N_("Turn on the serial console and memory dumps"), N_("For the next time."), "coldfix repair --prepare DISK",
	  ",serial-console-off,crash-dump-off,dump-has-no-room,", N_("both are on") },
	{ "status-no-memory", N_("Start the VM"), N_("If it still stops, look at its size and start-up memory, and at the host's."), "coldfix undo DISK", NULL, NULL },
};

static int add_facts(json_t *facts, const struct step *s, const struct cf_findings *found)
{
	for (size_t i = 0; s->ids && i < found->n; i++) {
		const struct cf_finding *f = &found->item[i];
		char id[60];
		CF_FREE char *line = NULL;
		snprintf(id, sizeof id, ",%s,", f->problem->id);
		if (!strstr(s->ids, id))
			continue;
		if (asprintf(&line, "%s: %s", f->problem->id, f->detail) < 0) {
			line = NULL;
			return -1;
		}
		if (json_array_append_new(facts, cf_json_text(line)) < 0)
			return -1;
	}
	if (s->none && !json_array_size(facts) && json_array_append_new(facts, json_string(_(s->none))) < 0)
		return -1;
	return 0;
}

/* Before Windows 8 an NMI makes a dump only where NMICrashDump is 1. */
static const char *nmi_fact(const struct cf_context *c)
{
	if (!c->in || !c->in->build)
		return NULL;
	return c->in->build >= 9200 ? _("this Windows answers an NMI without any setting (Windows 8 or Server 2012 and later)")
				    : _("this Windows answers an NMI only with NMICrashDump 1: crash-dump-off, two steps before, says whether it is set");
}

json_t *cf_playbook(const char *article, const struct cf_context *c, const struct cf_findings *found)
{
	json_t *out = json_array();
	for (size_t i = 0; i < CF_ARRAY_LEN(steps); i++) {
		const struct step *s = &steps[i];
		if (strcmp(s->article, article) != 0)
			continue;
		json_t *facts = json_array(), *commands = json_array();
		for (const char *line = s->commands; line && *line;) {
			size_t n = strcspn(line, "\n");
			json_array_append_new(commands, json_stringn(line, n));
			line += n + (line[n] == '\n');
		}
		const char *nmi = found && s->commands && strstr(s->commands, "inject-nmi") ? nmi_fact(c) : NULL;
		if (nmi)
			json_array_append_new(facts, json_string(nmi));
		if (found && add_facts(facts, s, found) < 0)
			json_array_clear(facts);
		json_array_append_new(out, json_pack("{s:i,s:s,s:s,s:o,s:o}", "step", (int)json_array_size(out) + 1, "title", _(s->title), "text", _(s->text),
						     "commands", commands, "facts", facts));
	}
	return out;
}
