/* mkhive.c - makes registry hives from nothing, and makes them dirty, for tests.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shares no line with libcoldfix: it is the independent side of every hive test. A new hive is one 4096-byte bin that
 * holds the root key and one security cell; hivexregedit then adds the keys. A dirty hive is made from two finished
 * states of the same hive: the file on disk keeps the old pages, the transaction logs carry the pages that differ,
 * so that a reader that replays sees the new state and one that does not sees the old. Layouts: the public "Windows
 * registry file format specification"; all numbers little-endian.
 *
 *	mkhive new [--minor N] [--root NAME] [--file-name NAME] [--seq N] OUT
 *	mkhive dirty OLD NEW OUT LOG [LOG2]     OUT = OLD, marked dirty; the logs lead to NEW
 *	mkhive bulk FILE KEYS                   adds so many keys below ControlSet001\Enum to a new hive
 *	mkhive tear FILE                        spoils the base block (as a write torn by a power cut)
 *	mkhive clobber FILE OFFSET LENGTH       overwrites bytes with 0xDE (damage that no log covers)
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mkhive.h"

#define SEG 512

void die(const char *what, const char *name)
{
	fprintf(stderr, "mkhive: %s: %s%s%s\n", name, what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The base block's checksum: XOR of the 127 words before it; 0 and -1 are not used. */
void seal(uint8_t *base)
{
	uint32_t x = 0;

	for (int i = 0; i < 0x1fc; i += 4)
		x ^= get32(base + i);
	if (x == 0)
		x = 1;
	else if (x == 0xffffffff)
		x = 0xfffffffe;
	put32(base + 0x1fc, x);
}

static uint32_t rol(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void marvin_mix(uint32_t *lo, uint32_t *hi)
{
	*hi ^= *lo;
	*lo = rol(*lo, 20) + *hi;
	*hi = rol(*hi, 9) ^ *lo;
	*lo = rol(*lo, 27) + *hi;
	*hi = rol(*hi, 19);
}

/* Marvin32 with the seed of the registry's logs; len is a multiple of 4. */
static uint64_t marvin(const uint8_t *p, size_t len)
{
	uint32_t lo = 0x7a4e55c5, hi = 0x82ef4d88;

	for (size_t i = 0; i < len; i += 4) {
		lo += get32(p + i);
		marvin_mix(&lo, &hi);
	}
	lo += 0x80;
	marvin_mix(&lo, &hi);
	marvin_mix(&lo, &hi);
	return (uint64_t)hi << 32 | lo;
}

uint8_t *load(const char *name, size_t *size)
{
	FILE *f = fopen(name, "rb");
	long n = 0;
	uint8_t *p;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		die("cannot read", name);
	p = calloc(1, (size_t)n + 1);
	if (!p || fread(p, 1, (size_t)n, f) != (size_t)n)
		die("cannot read", name);
	fclose(f);
	*size = (size_t)n;
	return p;
}

void save(const char *name, const uint8_t *p, size_t size)
{
	FILE *f = fopen(name, "wb");

	if (!f || fwrite(p, 1, size, f) != size || fclose(f))
		die("cannot write", name);
}

static size_t put_sid(uint8_t *p, unsigned n, uint32_t first, uint32_t second)
{
	memset(p, 0, 8);
	p[0] = 1;
	p[1] = (uint8_t)n;
	p[7] = 5; /* NT authority */
	put32(p + 8, first);
	if (n > 1)
		put32(p + 12, second);
	return 8 + 4 * n;
}

static size_t put_ace(uint8_t *p, uint32_t mask, unsigned n, uint32_t first, uint32_t second)
{
	size_t len = 8 + put_sid(p + 8, n, first, second);

	p[0] = 0; /* access allowed */
	p[1] = 2; /* inherited by subkeys */
	put16(p + 2, (unsigned)len);
	put32(p + 4, mask);
	return len;
}

/* Self-relative: administrators own it, SYSTEM and administrators may do all, users may read. */
static size_t put_security(uint8_t *p)
{
	size_t at = 20, acl;

	memset(p, 0, 20);
	p[0] = 1;
	put16(p + 2, 0x8004); /* self-relative, DACL present */
	put32(p + 4, (uint32_t)at);
	at += put_sid(p + at, 2, 32, 544);
	put32(p + 8, (uint32_t)at);
	at += put_sid(p + at, 1, 18, 0);
	put32(p + 16, (uint32_t)at);
	acl = at;
	at += 8;
	at += put_ace(p + at, 0xf003f, 1, 18, 0);
	at += put_ace(p + at, 0xf003f, 2, 32, 544);
	at += put_ace(p + at, 0x20019, 2, 32, 545);
	p[acl] = 2;
	p[acl + 1] = 0;
	put16(p + acl + 2, (unsigned)(at - acl));
	put16(p + acl + 4, 3);
	put16(p + acl + 6, 0);
	return at;
}

static void new_hive(const char *out, unsigned minor, const char *root, const char *file_name, uint32_t seq)
{
	static uint8_t h[BASE + PAGE];
	uint8_t *bin = h + BASE, *nk = bin + 0x24, *sk;
	size_t rootlen = strlen(root), cell, sdlen, used;

	memcpy(h, "regf", 4);
	put32(h + 4, seq);
	put32(h + 8, seq);
	put64(h + 0xc, FILETIME);
	put32(h + 0x14, 1);
	put32(h + 0x18, minor);
	put32(h + 0x20, 1);
	put32(h + 0x24, 0x20);
	put32(h + 0x28, PAGE);
	put32(h + 0x2c, 1);
	for (size_t i = 0; file_name[i] && i < 31; i++)
		put16(h + 0x30 + 2 * i, (unsigned char)file_name[i]);
	seal(h);

	memcpy(bin, "hbin", 4);
	put32(bin + 8, PAGE);
	put64(bin + 0x14, FILETIME);
	cell = (4 + 0x4c + rootlen + 7) & ~7UL;
	put32(bin + 0x20, -(uint32_t)cell);
	memcpy(nk, "nk", 2);
	put16(nk + 2, 0x2c); /* root, not to be deleted, name in Latin-1 */
	put64(nk + 4, FILETIME);
	put32(nk + 0x10, 0xffffffff);
	put32(nk + 0x1c, 0xffffffff);
	put32(nk + 0x20, 0xffffffff);
	put32(nk + 0x28, 0xffffffff);
	put32(nk + 0x2c, (uint32_t)(0x20 + cell));
	put32(nk + 0x30, 0xffffffff);
	put16(nk + 0x48, (unsigned)rootlen);
	memcpy(nk + 0x4c, root, rootlen);
	used = 0x20 + cell;

	sk = bin + used + 4;
	memcpy(sk, "sk", 2);
	put32(sk + 4, (uint32_t)used);
	put32(sk + 8, (uint32_t)used);
	put32(sk + 0xc, 1);
	sdlen = put_security(sk + 0x14);
	put32(sk + 0x10, (uint32_t)sdlen);
	cell = (4 + 0x14 + sdlen + 7) & ~7UL;
	put32(bin + used, -(uint32_t)cell);
	used += cell;
	put32(bin + used, (uint32_t)(PAGE - used));
	save(out, h, sizeof(h));
}

/* One log: a copy of the base block (type 6) and one entry that holds `n` pages of `state`. */
static void write_log(const char *name, const uint8_t *base, const uint8_t *state, uint32_t bins, uint32_t seq,
		      const uint32_t *pages, uint32_t n)
{
	size_t head = 0x28 + 8UL * n, len = (head + (size_t)n * PAGE + SEG - 1) & ~(SEG - 1UL);
	uint8_t *log = calloc(1, SEG + len), *e = log + SEG;

	if (!log)
		die("no memory", name);
	memcpy(log, base, SEG);
	put32(log + 4, seq);
	put32(log + 8, seq);
	put32(log + 0x1c, 6);
	seal(log);
	memcpy(e, "HvLE", 4);
	put32(e + 4, (uint32_t)len);
	put32(e + 0xc, seq);
	put32(e + 0x10, bins);
	put32(e + 0x14, n);
	for (uint32_t i = 0; i < n; i++) {
		put32(e + 0x28 + 8 * i, pages[i] * PAGE);
		put32(e + 0x2c + 8 * i, PAGE);
		memcpy(e + head + (size_t)i * PAGE, state + BASE + (size_t)pages[i] * PAGE, PAGE);
	}
	put64(e + 0x18, marvin(e + 0x28, len - 0x28));
	put64(e + 0x20, marvin(e, 0x20));
	save(name, log, SEG + len);
	free(log);
}

static void dirty(const char *oldname, const char *newname, const char *out, const char *log1, const char *log2)
{
	size_t oldsize, newsize;
	uint8_t *old = load(oldname, &oldsize), *new = load(newname, &newsize);
	uint32_t bins, seq, n = 0, half, *pages;

	if (oldsize < BASE + PAGE || newsize < oldsize)
		die("the new state is smaller than the old", newname);
	bins = get32(new + 0x28);
	if (newsize < BASE + (size_t)bins)
		die("its length is wrong", newname);
	pages = calloc(bins / PAGE + 1, sizeof(*pages));
	if (!pages)
		die("no memory", newname);
	for (uint32_t i = 0; i < bins / PAGE; i++) {
		size_t at = BASE + (size_t)i * PAGE;

		if (at + PAGE > oldsize || memcmp(old + at, new + at, PAGE))
			pages[n++] = i;
	}
	if (!n)
		die("the two states do not differ", newname);
	seq = get32(old + 8);
	half = log2 && n > 1 ? n / 2 : n;
	write_log(log1, old, new, bins, seq, pages, half);
	if (log2 && half < n)
		write_log(log2, old, new, bins, seq + 1, pages + half, n - half);
	put32(old + 4, seq + 1);
	seal(old);
	save(out, old, oldsize);
	free(pages);
	free(old);
	free(new);
}

static void tear(const char *name)
{
	size_t size;
	uint8_t *h = load(name, &size);

	if (size < BASE)
		die("is not a hive", name);
	memset(h + 0x28, 0xa5, 0x58);
	save(name, h, size);
	free(h);
}

static void clobber(const char *name, const char *off, const char *len)
{
	size_t size, at = strtoul(off, NULL, 0), n = strtoul(len, NULL, 0);
	uint8_t *h = load(name, &size);

	if (at > size || n > size - at)
		die("is shorter than that", name);
	memset(h + at, 0xde, n);
	save(name, h, size);
	free(h);
}

int main(int argc, char **argv)
{
	unsigned minor = 5;
	uint32_t seq = 7;
	const char *root = "ROOT", *file_name = "";
	int i = 2;

	if (argc >= 3 && !strcmp(argv[1], "new")) {
		for (; i + 2 < argc; i += 2) {
			if (!strcmp(argv[i], "--minor"))
				minor = (unsigned)strtoul(argv[i + 1], NULL, 0);
			else if (!strcmp(argv[i], "--root"))
				root = argv[i + 1];
			else if (!strcmp(argv[i], "--file-name"))
				file_name = argv[i + 1];
			else if (!strcmp(argv[i], "--seq"))
				seq = (uint32_t)strtoul(argv[i + 1], NULL, 0);
			else
				break;
		}
		if (i == argc - 1 && strlen(root) < 256) {
			new_hive(argv[i], minor, root, file_name, seq);
			return 0;
		}
	} else if ((argc == 6 || argc == 7) && !strcmp(argv[1], "dirty")) {
		dirty(argv[2], argv[3], argv[4], argv[5], argc == 7 ? argv[6] : NULL);
		return 0;
	} else if (argc == 4 && !strcmp(argv[1], "bulk")) {
		bulk(argv[2], (uint32_t)strtoul(argv[3], NULL, 0));
		return 0;
	} else if (argc == 3 && !strcmp(argv[1], "tear")) {
		tear(argv[2]);
		return 0;
	} else if (argc == 5 && !strcmp(argv[1], "clobber")) {
		clobber(argv[2], argv[3], argv[4]);
		return 0;
	}
	fprintf(stderr, "usage: mkhive new [--minor N] [--root NAME] [--file-name NAME] [--seq N] OUT\n"
			"       mkhive dirty OLD NEW OUT LOG [LOG2]\n       mkhive tear FILE\n"
			"       mkhive bulk FILE KEYS\n       mkhive clobber FILE OFFSET LENGTH\n");
	return 16;
}
