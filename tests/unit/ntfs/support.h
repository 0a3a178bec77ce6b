/* support.h - what the NTFS tests share: an image file as a block device, ntfs-3g's own tools as judges.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TEST_NTFS_SUPPORT_H
#define TEST_NTFS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/span.h"
#include "tests/random.h"
#include "volume/volume.h"

/* A file as a block device; sector_size is what it says of itself. Fails the test when it can't be opened. */
struct cf_block *open_image(const char *path, uint32_t sector_size, bool writable);

/* A path in this process's own temporary folder, which goes when the process ends; valid until the next but three calls. */
const char *temp(const char *name);

/* Makes an NTFS image with mkntfs; options like "-s 4096 -c 4096". */
void make_image(const char *path, uint64_t size, const char *options);

/* Runs a shell command; its standard output is appended to out (NULL: dropped). Returns its exit status. */
int run(struct cf_buf *out, const char *fmt, ...) CF_PRINTF(2, 3);

/* True if every one of ntfs-3g's tools is there. */
bool have_tools(void);

/* Copies [offset, offset+size) of a sparse file to a new sparse file. */
void copy_sparse(const char *from, uint64_t offset, uint64_t size, const char *to);

/* Opens a volume on a block device or fails the test with the error. */
struct cf_volume *mount_ok(struct cf_block *b, int flags);
void close_ok(struct cf_volume *v);

/* ntfsfix -n and ntfsresize --info find nothing wrong. */
void check_consistent(const char *image);

/* SHA-256 of a file's content through the driver, as hex; false with err when reading failed. */
bool hash_file(struct cf_volume *v, const char *path, char hex[65], struct cf_error *err);

/* Deterministic bytes that don't compress to nothing: len bytes from seed. */
void fill(uint8_t *p, size_t len, uint32_t seed);

/* Asserts rc == 0 and prints the error otherwise. */
#define ok(rc, err)                                                                       \
	do {                                                                              \
		if ((rc) != 0)                                                            \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, (err).message);         \
	} while (0)

#endif
