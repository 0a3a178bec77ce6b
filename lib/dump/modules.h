/* modules.h - which drivers were loaded, and which of them stand on the stack of the thread that crashed.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_DUMP_MODULES_H
#define CF_DUMP_MODULES_H

#include "dump/dump.h"

struct cf_dump_module {
	char *name;         /* UTF-8 with escapes, as the dump has it: "\\SystemRoot\\system32\\ntoskrnl.exe" */
	uint64_t base, size; /* addresses in the dump */
	uint32_t timestamp; /* of its PE header (of newer builds: a hash); 0: not known */
};

struct cf_dump_modules {
	size_t n;
	struct cf_dump_module *item; /* in the dump's order: the kernel comes first */
	bool known;  /* false: this dump does not say (or not in a way that is understood): n is 0 */
	bool broken; /* the list could not be followed to its end */
};

/* Of a small dump its list of drivers, of a user-mode dump its modules; of the others PsLoadedModuleList, through the dump's own page tables
 * (x64 and x86). What is damaged or absent makes the list broken or unknown; -1 only when memory runs out or reading fails. */
int cf_dump_read_modules(struct cf_dump_source *s, const struct cf_dump_info *i, struct cf_dump_modules *out,
			 struct cf_error *err) CF_MUST_CHECK;
void cf_dump_modules_free(struct cf_dump_modules *m);
#define CF_DUMP_MODULES CF_CLEANUP(cf_dump_modules_free) struct cf_dump_modules

/* The module that an address lies in; NULL: none. */
const struct cf_dump_module *cf_dump_module_at(const struct cf_dump_modules *m, uint64_t address);

/* "amdppm.sys" of a module's name. */
const char *cf_dump_module_base(const struct cf_dump_module *m);

struct cf_dump_frame {
	uint64_t at;      /* where on the stack it stands; 0: the instruction pointer of the context record */
	uint64_t address;
	const struct cf_dump_module *module;
};

struct cf_dump_stack {
	size_t n;
	struct cf_dump_frame *item; /* from the innermost on */
	uint64_t top, size;         /* address of the lowest byte that was kept, and how many were */
	bool known;
	bool more;                  /* there are more than are listed */
};

/* Of a small dump: every word of the thread's stack that points into a module, the instruction pointer first. Words that only look like
 * addresses are among them: nothing unwinds here. -1 as above. */
int cf_dump_read_stack(struct cf_dump_source *s, const struct cf_dump_info *i, const struct cf_dump_modules *m, struct cf_dump_stack *out,
		       struct cf_error *err) CF_MUST_CHECK;
void cf_dump_stack_free(struct cf_dump_stack *st);
#define CF_DUMP_STACK CF_CLEANUP(cf_dump_stack_free) struct cf_dump_stack

#endif
