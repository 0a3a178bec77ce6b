/* inuse.h - is somebody else using this disk, and telling others that we are.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_BLOCK_INUSE_H
#define CF_BLOCK_INUSE_H

#include <sys/stat.h>

#include "block/block.h"

/* Where the kernel tells about itself; tests put folders of their own here. */
struct cf_kernel_view {
	const char *sys;  /* "/sys" */
	const char *proc; /* "/proc" */
};
extern const struct cf_kernel_view cf_kernel;

/* True when the kernel uses the file or block device: attached to a loop device, swap, and for devices and their partitions
 * mounts and holders (device mapper, RAID). why receives a short text: "attached to /dev/loop0". What can't be found out
 * (no /sys, no right to look) counts as not in use. */
bool cf_kernel_uses(const struct stat *st, const struct cf_kernel_view *view, char *why, size_t why_len);

/* Takes QEMU's image locks on fd (shared, for its lifetime: bytes 100+n for what we do, 200+n for what others must not do)
 * and looks for conflicting ones. 1: taken, 0: another process (QEMU, coldfix) has it locked; then nothing is held. File systems
 * without locks count as taken. -1 with err for other failures. */
int cf_image_lock(int fd, bool writable, struct cf_error *err) CF_MUST_CHECK;

#endif
