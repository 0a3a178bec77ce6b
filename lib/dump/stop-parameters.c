/* stop-parameters.c - what the four parameters of the common stop codes mean.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: the page of each code in Microsoft's "Bug Check Code Reference" (windows-driver-docs), in our words. Where the first parameter decides
 * what the others are, its usual values have a row of their own before the general one.
 */
#include "dump/stop.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/i18n.h"
#include "base/overflow.h"

#define ANY UINT64_MAX /* whatever the first parameter is */

#define REFERENCED N_("address that was referenced")
#define BY N_("address of the instruction that did it")
#define IRQL N_("IRQL at that time")
#define ACCESS N_("0: read, 1: write, 8: execute")
#define CODE N_("exception code")
#define WHERE N_("address where it happened")
#define RECORD N_("address of the exception record")
#define CONTEXT N_("address of the context record")
#define SOURCE N_("source file (high 16 bits) and line (low 16 bits)")
#define STATUS N_("status code")
#define KIND N_("which violation it is")
#define VARIES N_("depends on the first parameter")

struct row {
	uint32_t code;
	uint64_t first;
	const char *text[4];
};

static const struct row rows[] = {
	{ 0x1, ANY, { N_("address of the system call or worker routine"), N_("ApcStateIndex of the thread"), N_("CombinedApcDisable of the thread"),
		      N_("0: system call, 1: worker routine") } },
	{ 0xa, ANY, { REFERENCED, IRQL, ACCESS, BY } },
	{ 0x12, ANY, { N_("unexpected interrupt or cause"), NULL, NULL, NULL } },
	{ 0x18, ANY, { N_("type of the object whose reference count is too low"), N_("the object"), NULL, NULL } },
	{ 0x19, 0x20, { KIND, N_("pool entry that should have been found"), N_("next pool entry"), NULL } },
	{ 0x19, ANY, { KIND, N_("pool entry or list head that was checked"), VARIES, VARIES } },
	{ 0x1a, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x1e, ANY, { CODE, WHERE, N_("parameter 0 of the exception"), N_("parameter 1 of the exception") } },
	{ 0x22, ANY, { SOURCE, NULL, NULL, NULL } },
	{ 0x23, ANY, { SOURCE, RECORD, CONTEXT, NULL } },
	{ 0x24, ANY, { SOURCE, RECORD, CONTEXT, NULL } },
	{ 0x27, ANY, { SOURCE, RECORD, CONTEXT, NULL } },
	{ 0x2e, ANY, { N_("virtual address that caused the fault"), N_("physical address"), N_("processor status register"),
		       N_("faulting instruction register") } },
	{ 0x34, ANY, { SOURCE, RECORD, CONTEXT, NULL } },
	{ 0x3b, ANY, { CODE, WHERE, CONTEXT, NULL } },
	{ 0x3d, ANY, { RECORD, CONTEXT, NULL, NULL } },
	{ 0x3f, ANY, { N_("0: system expansion, 1: nonpaged pool expansion"), N_("size of the request in pages"), N_("free PTEs"), N_("all PTEs") } },
	{ 0x44, ANY, { N_("address of the I/O request packet"), NULL, NULL, NULL } },
	{ 0x4c, ANY, { STATUS, VARIES, VARIES, VARIES } },
	{ 0x4d, ANY, { N_("dirty pages"), N_("dirty pages that belong into the paging file"), N_("nonpaged pool that was available"),
		       N_("last error of writing modified pages") } },
	{ 0x4e, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x50, ANY, { REFERENCED, N_("0: read, 1 or 2: write, 0x10: execute"), BY, N_("type of page fault") } },
	{ 0x51, ANY, { NULL, NULL, N_("address of the hive, if known"), N_("what the check of the hive returned, if it is corrupt") } },
	{ 0x5a, ANY, { STATUS, NULL, NULL, NULL } },
	{ 0x67, ANY, { NULL, N_("place in the code"), STATUS, NULL } },
	{ 0x6b, ANY, { STATUS, NULL, NULL, NULL } },
	{ 0x6f, ANY, { STATUS, NULL, NULL, NULL } },
	{ 0x71, ANY, { STATUS, NULL, NULL, NULL } },
	{ 0x73, ANY, { N_("1: a hive could not be mounted"), STATUS, N_("index of the hive in the list"), N_("address of its file name") } },
	{ 0x74, ANY, { NULL, NULL, NULL, STATUS } },
	{ 0x76, ANY, { NULL, N_("address of the process"), N_("locked pages"), N_("address of driver stacks, if traced; else 0") } },
	{ 0x77, 0, { N_("0: the page came from the cache"), N_("what stands where the signature should be"), NULL, N_("address of the signature") } },
	{ 0x77, 1, { N_("1: the page came from a disk"), N_("what stands where the signature should be"), NULL, N_("address of the signature") } },
	{ 0x77, 2, { N_("2: the disk gave less than a page, without an error"), N_("what stands where the signature should be"), NULL,
		     N_("address of the signature") } },
	{ 0x77, ANY, { STATUS, N_("I/O status code"), N_("number of the paging file"), N_("offset in the paging file") } },
	{ 0x7a, ANY, { N_("kind of lock (1 to 4), or address of the page table entry"), N_("I/O status code"),
		       N_("process, page support structure or page table entry"), N_("virtual address that could not be read in") } },
	{ 0x7b, ANY, { N_("device object or name of the boot device"), N_("status code of the mount, or 0"), NULL, NULL } },
	{ 0x7c, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x7e, ANY, { CODE, WHERE, RECORD, CONTEXT } },
	{ 0x7f, 8, { N_("8: double fault, mostly a stack that overflowed"), NULL, NULL, NULL } },
	{ 0x7f, ANY, { N_("number of the trap (0: division by zero, 6: invalid opcode, 8: double fault)"), NULL, NULL, NULL } },
	{ 0x8e, ANY, { CODE, WHERE, N_("address of the trap frame"), NULL } },
	{ 0x93, ANY, { N_("the handle"), N_("0: the handle is protected from closing, 1: it is invalid"), NULL, NULL } },
	{ 0x9c, ANY, { N_("number of the bank"), N_("address of the MCA exception structure"), N_("high 32 bits of the bank's status"),
		       N_("low 32 bits of the bank's status") } },
	{ 0x9e, ANY, { N_("process whose health was not proved in time"), N_("timeout in seconds"), N_("source of the watchdog"), NULL } },
	{ 0x9f, 3, { N_("3: a device object blocked a request for too long"), N_("physical device object of the stack"), N_("TRIAGE_9F_POWER structure"),
		     N_("the blocked request") } },
	{ 0x9f, 4, { N_("4: a power transition waited too long for Plug and Play"), N_("timeout in seconds"), N_("thread that holds the lock"),
		     N_("TRIAGE_9F_PNP structure") } },
	{ 0x9f, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xa0, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xa5, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xbe, ANY, { N_("address that was written"), N_("page table entry"), NULL, NULL } },
	{ 0xc1, ANY, { N_("address that the driver tried to free"), VARIES, VARIES, N_("which violation it is") } },
	{ 0xc2, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xc4, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xc5, ANY, { REFERENCED, IRQL, ACCESS, BY } },
	{ 0xc9, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xca, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xce, ANY, { REFERENCED, ACCESS, BY, NULL } },
	{ 0xd1, ANY, { REFERENCED, IRQL, ACCESS, BY } },
	{ 0xd5, ANY, { REFERENCED, ACCESS, BY, NULL } },
	{ 0xd8, ANY, { N_("address of the driver's name, or 0"), N_("PTEs that the driver uses"), N_("free PTEs"), N_("all PTEs") } },
	{ 0xe3, ANY, { N_("the resource"), N_("the thread"), N_("its owner table, if there is one"), NULL } },
	{ 0xea, ANY, { N_("thread that is stuck"), N_("watchdog object"), N_("address of the driver's name"), NULL } },
	{ 0xed, ANY, { N_("device object of the boot volume"), N_("status code: why it could not be mounted"), NULL, NULL } },
	{ 0xef, ANY, { N_("the process or thread that ended"), N_("0: a process, 1: a thread"), NULL, NULL } },
	{ 0xf4, ANY, { N_("3: a process, 6: a thread"), N_("the object that ended"), N_("address of the process's name"), N_("address of a message") } },
	{ 0xf5, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0xf7, ANY, { N_("cookie that was found"), N_("cookie that was expected"), N_("its complement"), NULL } },
	{ 0xf8, ANY, { N_("1: no RAM disk in the loader's list, 2: no RAM disk driver, 3: it could not be made, 4: GUID, 5: symbolic link"), STATUS,
		       NULL, NULL } },
	{ 0xfc, ANY, { N_("address that was executed"), N_("page table entry"), NULL, NULL } },
	{ 0xfe, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x101, ANY, { N_("time-out in clock ticks"), NULL, N_("PRCB of the processor that hangs"), N_("number of that processor") } },
	{ 0x109, ANY, { NULL, NULL, VARIES, N_("what was changed (1: code, 2: interrupt table, 3: descriptor table …)") } },
	{ 0x10d, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x116, ANY, { N_("recovery context"), N_("address in the driver that is responsible"), N_("error of the last operation"), NULL } },
	{ 0x119, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x122, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x124, 0, { N_("0: machine check"), N_("address of the WHEA error record"), N_("high 32 bits of the bank's status"),
		      N_("low 32 bits of the bank's status") } },
	{ 0x124, ANY, { N_("kind of error source"), N_("address of the WHEA error record"), VARIES, VARIES } },
	{ 0x12b, ANY, { N_("address that maps the page"), N_("number of the page, or what was wrong in it"), NULL, NULL } },
	{ 0x133, 0, { N_("0: one DPC or interrupt routine took too long"), N_("its time in ticks"), N_("time allowed, in ticks"), NULL } },
	{ 0x133, 1, { N_("1: the system spent too long at DISPATCH_LEVEL or above"), N_("watchdog period"), NULL, NULL } },
	{ 0x133, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x139, 2, { N_("2: a stack cookie was overwritten"), N_("address of the trap frame"), RECORD, NULL } },
	{ 0x139, 3, { N_("3: a list entry was corrupt"), N_("address of the trap frame"), RECORD, NULL } },
	{ 0x139, ANY, { N_("which check failed"), N_("address of the trap frame"), RECORD, NULL } },
	{ 0x13a, ANY, { KIND, N_("address of the heap"), N_("address where the corruption was found"), NULL } },
	{ 0x144, ANY, { KIND, VARIES, VARIES, VARIES } },
	{ 0x149, ANY, { SOURCE, RECORD, CONTEXT, NULL } },
	{ 0x14f, ANY, { N_("id of the client that hangs"), N_("kind of notification"), N_("its context"), NULL } },
	{ 0x154, ANY, { N_("store context or data manager"), N_("exception information"), NULL, NULL } },
	{ 0x1ca, ANY, { N_("time since the watchdog was reset, in interrupt time"), N_("interrupt time"), N_("time stamp of the performance counter"),
			N_("number of the clock's processor") } },
	{ 0xc0000218, ANY, { N_("address of the hive's file name"), NULL, NULL, NULL } },
	{ 0xc000021a, ANY, { N_("address of a text that says what ended"), STATUS, NULL, NULL } },
	{ 0xc0000221, ANY, { N_("address of the name of the file that does not match"), NULL, NULL, NULL } },
};

const char *cf_stop_parameter(uint32_t code, const uint64_t parameter[4], unsigned n)
{
	if ((code & 0xf0000000u) == CF_STOP_MINIDUMP)
		code &= ~CF_STOP_MINIDUMP;
	for (size_t i = 0; n < 4 && i < CF_ARRAY_LEN(rows); i++)
		if (rows[i].code == code && (rows[i].first == ANY || rows[i].first == parameter[0]))
			return rows[i].text[n];
	return NULL;
}
