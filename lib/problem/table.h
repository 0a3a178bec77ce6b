/* table.h - the rows, one a file in this folder.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_PROBLEM_TABLE_H
#define CF_PROBLEM_TABLE_H

#include "problem/problem.h"
#include "problem/work.h"

#define CF_ARTICLE_NO_MEMORY "status-no-memory"
#define CF_ARTICLE_STARTING "starting-windows"

extern const struct cf_problem cf_problem_volume_full, cf_problem_free_space_scattered, cf_problem_bad_memory_list,
	cf_problem_bad_memory_registry, cf_problem_memory_limited, cf_problem_ramdisk_boot_pending,
	cf_problem_pagefile_misplaced, cf_problem_serial_console_off, cf_problem_crash_dump_off,
	cf_problem_dump_has_no_room, cf_problem_dump_in_pagefile, cf_problem_dump_found, cf_problem_hive_unclean,
	cf_problem_hive_corrupt, cf_problem_volume_unclean, cf_problem_volume_hibernated, cf_problem_gpt_damaged,
	cf_problem_shadow_copies, cf_problem_boot_store_missing, cf_problem_control_set_missing, cf_problem_encrypted,
	cf_problem_unsupported_filesystem, cf_problem_dynamic_disk,
	cf_problem_hang_at_start;

#endif
