/* stack.c - the addresses on the stack of the thread that crashed.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Source: TRIAGE_DUMP64's CallStackOffset, SizeOfCallStack and TopOfStack (rizin's dmp_specs.h): the bytes kept begin at TopOfStack, which on
 * the real minidump is the stack pointer of its context. CONTEXT's instruction pointer: 0xf8 (x64), 0xb8 (x86), 0x108 (ARM64), winnt.h.
 */
#include <stdlib.h>

#include "dump/internal.h"

#define MAX_STACK (CF_MIB)    /* bytes looked at; a kernel stack has 24 KiB, on a fatal path a few times that */
#define MAX_FRAMES 4096

void cf_dump_stack_free(struct cf_dump_stack *st)
{
	free(st->item);
	*st = (struct cf_dump_stack){ 0 };
}

static void add(struct cf_dump_stack *st, const struct cf_dump_modules *m, uint64_t at, uint64_t address)
{
	const struct cf_dump_module *module = cf_dump_module_at(m, address);
	if (!module)
		return;
	if (st->n < MAX_FRAMES)
		st->item[st->n++] = (struct cf_dump_frame){ at, address, module };
	else
		st->more = true;
}

static void instruction_pointer(struct cf_dump_source *s, const struct cf_dump_info *i, const struct cf_dump_triage *t,
				const struct cf_dump_modules *m, struct cf_dump_stack *st)
{
	uint8_t b[8];
	bool wide = i->bits == 64;
	uint64_t inside = i->machine == 0x8664 ? 0xf8 : i->machine == 0x14c ? 0xb8 : i->machine == 0xaa64 ? 0x108 : 0;
	if (inside && cf_dump_read(s, t->context + inside, b, wide ? 8 : 4, NULL) == 0)
		add(st, m, 0, wide ? cf_ld64(b) : cf_ld32(b));
}

int cf_dump_read_stack(struct cf_dump_source *s, const struct cf_dump_info *i, const struct cf_dump_modules *m, struct cf_dump_stack *out,
		       struct cf_error *err)
{
	struct cf_dump_triage t;
	CF_BUF bytes = { 0 };
	unsigned word = i->bits / 8;
	*out = (struct cf_dump_stack){ 0 };
	if (i->kind != CF_KIND_TRIAGE || cf_dump_read_triage(s, i, &t) < 0 || t.stack < i->header_size || t.stack >= s->size)
		return 0;
	uint64_t size = cf_min_u64(cf_min_u64(t.stack_size, MAX_STACK), s->size - t.stack);
	out->item = calloc(MAX_FRAMES, sizeof *out->item);
	if (!out->item || cf_buf_resize(&bytes, (size_t)size) < 0)
		return cf_fail_nomem(err);
	if (cf_dump_read(s, t.stack, bytes.p, bytes.n, err) < 0)
		return -1;
	out->known = true;
	out->top = t.top;
	out->size = size;
	out->more = size < t.stack_size;
	instruction_pointer(s, i, &t, m, out);
	for (size_t k = 0; k + word <= bytes.n; k += word)
		add(out, m, t.top + k, word == 8 ? cf_ld64(bytes.p + k) : cf_ld32(bytes.p + k));
	return 0;
}
