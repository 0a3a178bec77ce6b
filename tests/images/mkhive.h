/* mkhive.h - what the files of mkhive share; every function ends the program with a message if it cannot.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef IMAGES_MKHIVE_H
#define IMAGES_MKHIVE_H

#include <stddef.h>
#include <stdint.h>

#define BASE 4096
#define PAGE 4096
/* 2024-01-01 00:00 UTC: every hive of the factory says it was written then. */
#define FILETIME 133485408000000000ULL

void die(const char *what, const char *name) __attribute__((noreturn));
void put16(uint8_t *p, unsigned v);
void put32(uint8_t *p, uint32_t v);
void put64(uint8_t *p, uint64_t v);
uint32_t get32(const uint8_t *p);
/* Writes the checksum of a base block. */
void seal(uint8_t *base);
/* The whole file, to be freed by the caller; size in bytes. */
uint8_t *load(const char *name, size_t *size);
void save(const char *name, const uint8_t *p, size_t size);

/* Adds `keys` keys with values below ControlSet001\Enum to a hive as `mkhive new` makes it. */
void bulk(const char *name, uint32_t keys);

#endif
