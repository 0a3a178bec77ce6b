/* mkhive-bulk.c - fills a new hive with many keys, as many as a server's SYSTEM hive has.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hivexregedit would need minutes for what this writes at once: bins behind the one that `mkhive new` made, every key
 * with three values, every list sorted and hashed as Windows does it ("lh", and "ri" above 500 keys). The tree is
 * ControlSet001\Enum\<bus>\<device>\<instance>: few buses with many devices, five instances each. Nothing in the hive
 * is left for hivex to fix: it can merge more keys into the result.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mkhive.h"

#define PER_LIST 500 /* keys in one lh */
#define DEVICES 1000 /* on a bus: more than one lh holds */
#define INSTANCES 5 /* of a device */
#define NONE 0xffffffffU

struct hive {
	uint8_t *data; /* base block and bins */
	size_t size, room;
	size_t bin, used; /* the last bin: offset in data, bytes in use */
	uint32_t security, keys;
};

static void close_bin(struct hive *h)
{
	size_t rest = h->size - h->bin - h->used;

	if (rest)
		put32(h->data + h->bin + h->used, (uint32_t)rest);
}

/* A zeroed cell with `n` bytes of content; returns its offset from the first bin. Pointers into h->data move. */
static uint32_t cell(struct hive *h, size_t n)
{
	size_t len = (n + 4 + 7) & ~(size_t)7, bin = (len + 0x20 + PAGE - 1) & ~(size_t)(PAGE - 1);
	uint8_t *p;

	if (h->used + len > h->size - h->bin) {
		close_bin(h);
		if (h->size + bin > h->room) {
			h->room = 2 * (h->size + bin);
			h->data = realloc(h->data, h->room);
			if (!h->data)
				die("no memory", "bulk");
		}
		h->bin = h->size;
		h->size += bin;
		h->used = 0x20;
		p = h->data + h->bin;
		memset(p, 0, bin);
		memcpy(p, "hbin", 4);
		put32(p + 4, (uint32_t)(h->bin - BASE));
		put32(p + 8, (uint32_t)bin);
		put64(p + 0x14, FILETIME);
	}
	p = h->data + h->bin + h->used;
	put32(p, -(uint32_t)len);
	h->used += len;
	return (uint32_t)((size_t)(p - h->data) - BASE);
}

static uint8_t *at(struct hive *h, uint32_t offset)
{
	return h->data + BASE + offset + 4;
}

static uint32_t key(struct hive *h, uint32_t parent, const char *name)
{
	size_t len = strlen(name);
	uint32_t off = cell(h, 0x4c + len);
	uint8_t *nk = at(h, off);

	memcpy(nk, "nk", 2);
	put16(nk + 2, 0x20);
	put64(nk + 4, FILETIME);
	put32(nk + 0x10, parent);
	put32(nk + 0x1c, NONE);
	put32(nk + 0x20, NONE);
	put32(nk + 0x28, NONE);
	put32(nk + 0x2c, h->security);
	put32(nk + 0x30, NONE);
	put16(nk + 0x48, (unsigned)len);
	memcpy(nk + 0x4c, name, len);
	h->keys++;
	return off;
}

static uint32_t value(struct hive *h, const char *name, uint32_t type, const uint8_t *data, uint32_t n)
{
	size_t len = strlen(name);
	uint32_t off = cell(h, 0x14 + len), where = n > 4 ? cell(h, n) : 0;
	uint8_t *vk = at(h, off);

	memcpy(vk, "vk", 2);
	put16(vk + 2, (unsigned)len);
	put32(vk + 4, n > 4 ? n : n | 0x80000000U);
	if (n > 4) {
		put32(vk + 8, where);
		memcpy(at(h, where), data, n);
	} else {
		memcpy(vk + 8, data, n);
	}
	put32(vk + 0xc, type);
	put16(vk + 0x10, 1);
	memcpy(vk + 0x14, name, len);
	return off;
}

static void give_values(struct hive *h, uint32_t nk, uint32_t serial)
{
	static const char *const names[] = {"Capabilities", "DeviceDesc", "HardwareID"};
	uint32_t list, v[3];
	uint8_t text[2][104] = {{0}}, number[4];
	char plain[52];

	put32(number, serial % 256);
	snprintf(plain, sizeof(plain), "@machine.inf,%%pci\\ven_%04x%%;Device %07u", serial % 65536, serial);
	for (int k = 0; k < 2; k++)
		for (size_t i = 0; plain[i]; i++)
			text[k][2 * i] = (uint8_t)(k ? toupper((unsigned char)plain[i]) : plain[i]);
	v[0] = value(h, names[0], 4, number, 4);
	v[1] = value(h, names[1], 1, text[0], (uint32_t)(2 * strlen(plain) + 2));
	v[2] = value(h, names[2], 7, text[1], (uint32_t)(2 * strlen(plain) + 4));
	list = cell(h, 12);
	for (size_t i = 0; i < 3; i++)
		put32(at(h, list) + 4 * i, v[i]);
	put32(at(h, nk) + 0x24, 3);
	put32(at(h, nk) + 0x28, list);
	put32(at(h, nk) + 0x3c, (uint32_t)(2 * strlen(names[0])));
	put32(at(h, nk) + 0x40, (uint32_t)(2 * strlen(plain) + 4));
}

static uint32_t name_hash(const uint8_t *name, size_t n)
{
	uint32_t x = 0;

	while (n--)
		x = x * 37 + (uint32_t)toupper(*name++);
	return x;
}

/* Lists `n` keys, sorted by the caller, below a key. */
static void give_subkeys(struct hive *h, uint32_t parent, const uint32_t *keys, uint32_t n)
{
	uint32_t lists = (n + PER_LIST - 1) / PER_LIST, top = lists > 1 ? cell(h, 4 + 4UL * lists) : 0, longest = 0;

	for (uint32_t first = 0; first < n; first += PER_LIST) {
		uint32_t count = n - first < PER_LIST ? n - first : PER_LIST, off = cell(h, 4 + 8UL * count);

		memcpy(at(h, off), "lh", 2);
		put16(at(h, off) + 2, count);
		for (uint32_t i = 0; i < count; i++) {
			const uint8_t *nk = at(h, keys[first + i]);
			uint32_t len = nk[0x48];

			put32(at(h, off) + 4 + 8UL * i, keys[first + i]);
			put32(at(h, off) + 8 + 8UL * i, name_hash(nk + 0x4c, len));
			if (2 * len > longest)
				longest = 2 * len;
		}
		if (lists > 1)
			put32(at(h, top) + 4 + 4UL * (first / PER_LIST), off);
		else
			top = off;
	}
	if (lists > 1) {
		memcpy(at(h, top), "ri", 2);
		put16(at(h, top) + 2, lists);
	}
	put32(at(h, parent) + 0x14, n);
	put32(at(h, parent) + 0x1c, top);
	put32(at(h, parent) + 0x34, longest);
}

static uint32_t only_child(struct hive *h, uint32_t parent, const char *name)
{
	uint32_t off = key(h, parent, name);

	give_subkeys(h, parent, &off, 1);
	return off;
}

/* One bus with up to DEVICES devices; stops when `end` keys are there. */
static void fill_bus(struct hive *h, uint32_t bus, uint32_t end)
{
	uint32_t devices[DEVICES], instances[INSTANCES], n = 0, m;
	char name[64];

	for (; n < DEVICES && h->keys < end; n++) {
		snprintf(name, sizeof(name), "VEN_1414&DEV_%04X&SUBSYS_%08X", n, n * 17);
		devices[n] = key(h, bus, name);
		give_values(h, devices[n], h->keys);
		for (m = 0; m < INSTANCES && h->keys < end; m++) {
			snprintf(name, sizeof(name), "5&394b69d0&0&%06u", m);
			instances[m] = key(h, devices[n], name);
			give_values(h, instances[m], h->keys);
		}
		if (m)
			give_subkeys(h, devices[n], instances, m);
	}
	give_subkeys(h, bus, devices, n);
}

void bulk(const char *name, uint32_t keys)
{
	struct hive h = {0};
	uint32_t root, enumeration, end, *buses, n = 0;
	char bus[16];

	h.data = load(name, &h.size);
	if (h.size != BASE + PAGE || keys > 1000000)
		die("is not a new hive", name);
	h.room = h.size;
	h.bin = BASE;
	root = 0x20;
	h.security = get32(at(&h, root) + 0x2c);
	/* The free cell at the end of the first bin stays what it is. */
	h.used = PAGE;
	h.keys = 1;
	end = keys + 1;
	buses = calloc(keys / DEVICES + 1, sizeof(*buses));
	if (!buses)
		die("no memory", name);
	enumeration = only_child(&h, only_child(&h, root, "ControlSet001"), "Enum");
	while (h.keys < end) {
		snprintf(bus, sizeof(bus), "BUS%04u", n);
		buses[n] = key(&h, enumeration, bus);
		fill_bus(&h, buses[n++], end);
	}
	give_subkeys(&h, enumeration, buses, n);
	close_bin(&h);
	put32(h.data + 0x28, (uint32_t)(h.size - BASE));
	put32(at(&h, h.security) + 0xc, h.keys);
	seal(h.data);
	save(name, h.data, h.size);
	free(buses);
	free(h.data);
}
