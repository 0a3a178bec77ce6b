/* make-store.c - boot stores for tests, made by hivex from an empty hive.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The empty hive is one bin with a root key and its security descriptor; hivex adds the rest, on a memory file.
 */
#include "make-store.h"

#include <hivex.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/endian.h"

struct store {
	int fd;
	char path[64];
	hive_h *h;
	hive_node_h objects;
	size_t n; /* Elements keys of the objects */
	hive_node_h element[64], object[64];
};

#define CHECK(x) \
	do {         \
		if (!(x)) { \
			perror(#x); \
			abort(); \
		} \
	} while (0)

static void empty_hive(uint8_t *p)
{
	memset(p, 0, 8192);
	memcpy(p, "regf", 4);
	cf_st32(p + 4, 1);
	cf_st32(p + 8, 1);
	cf_st32(p + 0x14, 1);
	cf_st32(p + 0x18, 3);
	cf_st32(p + 0x20, 1);
	cf_st32(p + 0x24, 0x20);
	cf_st32(p + 0x28, 4096);
	cf_st32(p + 0x2c, 1);
	cf_st32(p + 0x1fc, cf_hive_checksum(p));
	uint8_t *bin = p + 4096, *nk = bin + 0x24, *sk = bin + 0x7c;
	memcpy(bin, "hbin", 4);
	cf_st32(bin + 8, 4096);
	cf_st32(bin + 0x20, (uint32_t)-0x58);
	memcpy(nk, "nk", 2);
	cf_st16(nk + 2, 0x2c);
	cf_st32(nk + 0x10, UINT32_MAX);
	cf_st32(nk + 0x1c, UINT32_MAX);
	cf_st32(nk + 0x20, UINT32_MAX);
	cf_st32(nk + 0x28, UINT32_MAX);
	cf_st32(nk + 0x2c, 0x78);
	cf_st32(nk + 0x30, UINT32_MAX);
	cf_st16(nk + 0x48, 4);
	memcpy(nk + 0x4c, "Root", 4);
	cf_st32(bin + 0x78, (uint32_t)-0x30);
	memcpy(sk, "sk", 2);
	cf_st32(sk + 4, 0x78);
	cf_st32(sk + 8, 0x78);
	cf_st32(sk + 0xc, 1);
	cf_st32(sk + 0x10, 20);
	sk[0x14] = 1;
	sk[0x17] = 0x80;
	cf_st32(bin + 0xa8, 4096 - 0xa8); /* free */
}

struct store *store_new(bool with_objects)
{
	struct store *s = calloc(1, sizeof(*s));
	uint8_t bytes[8192];
	CHECK(s);
	s->fd = memfd_create("store", 0);
	empty_hive(bytes);
	CHECK(write(s->fd, bytes, sizeof(bytes)) == sizeof(bytes));
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->fd);
	CHECK((s->h = hivex_open(s->path, HIVEX_OPEN_WRITE)));
	if (with_objects)
		CHECK((s->objects = hivex_node_add_child(s->h, hivex_root(s->h), "Objects")));
	return s;
}

static void set(struct store *s, hive_node_h key, const char *name, uint32_t type, const void *data, size_t n)
{
	hive_set_value v = { .key = (char *)name, .t = (hive_type)type, .len = n, .value = (char *)data };
	CHECK(hivex_node_set_value(s->h, key, &v, 0) == 0);
}

size_t store_object(struct store *s, const char *key, uint32_t type)
{
	CHECK(s->n < 64);
	hive_node_h o = hivex_node_add_child(s->h, s->objects, key), d;
	CHECK(o);
	if (type) {
		uint8_t le[4];
		cf_st32(le, type);
		CHECK((d = hivex_node_add_child(s->h, o, "Description")));
		set(s, d, "Type", CF_REG_DWORD, le, 4);
	}
	s->object[s->n] = o;
	return s->n++;
}

void store_element(struct store *s, size_t object, const char *key, uint32_t reg_type, const void *data, size_t n)
{
	hive_node_h e;
	if (!s->element[object])
		CHECK((s->element[object] = hivex_node_add_child(s->h, s->object[object], "Elements")));
	CHECK((e = hivex_node_add_child(s->h, s->element[object], key)));
	if (data)
		set(s, e, "Element", reg_type, data, n);
}

static void utf16(struct cf_buf *b, const char *text)
{
	do {
		uint8_t c[2] = { (uint8_t)*text, 0 };
		CHECK(cf_buf_append(b, c, 2) == 0);
	} while (*text++);
}

void store_text(struct store *s, size_t object, const char *key, const char *text)
{
	CF_BUF b = { 0 };
	utf16(&b, text);
	store_element(s, object, key, CF_REG_SZ, b.p, b.n);
}

void store_list(struct store *s, size_t object, const char *key, const char *const *strv)
{
	CF_BUF b = { 0 };
	for (; *strv; strv++)
		utf16(&b, *strv);
	utf16(&b, "");
	store_element(s, object, key, CF_REG_MULTI_SZ, b.p, b.n);
}

void store_integer(struct store *s, size_t object, const char *key, uint64_t v)
{
	uint8_t le[8];
	cf_st64(le, v);
	store_element(s, object, key, CF_REG_BINARY, le, 8);
}

void store_bool(struct store *s, size_t object, const char *key, bool v)
{
	uint8_t b = v;
	store_element(s, object, key, CF_REG_BINARY, &b, 1);
}

struct cf_buf store_bytes(struct store *s)
{
	struct cf_buf b = { 0 };
	struct stat st;
	CHECK(hivex_commit(s->h, NULL, 0) == 0);
	hivex_close(s->h);
	CHECK(fstat(s->fd, &st) == 0 && cf_buf_resize(&b, (size_t)st.st_size) == 0);
	CHECK(pread(s->fd, b.p, b.n, 0) == st.st_size);
	close(s->fd);
	free(s);
	return b;
}
