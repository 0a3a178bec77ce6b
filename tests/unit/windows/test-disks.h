/* test-disks.h - disks for test-windows: made once, opened by name.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TEST_DISKS_H
#define TEST_DISKS_H

#include "block/disk.h"
#include "windows/machine.h"

#define RIG_DISKS 4

struct rig {
	struct cf_disk *disk[RIG_DISKS];
	unsigned n;
	struct cf_machine *m;
};

/* A fresh folder; makes the odd disks in it. NULL when a tool is missing, with the reason on standard error. */
const char *disks_setup(void);
void disks_teardown(void);
bool disks_have_real(void); /* the real SYSTEM hive is at hand */

/* mkdisk with these options into NAME.raw, run in the folder of the disks; false when it failed. */
bool disks_make(const char *name, const char *options);

/* Opens NAME.raw (names NULL-terminated) and surveys; fails the running test when that can't be done. */
void rig_open(struct rig *r, const char *const *names, int windows);
void rig_close(struct rig *r);

#endif
