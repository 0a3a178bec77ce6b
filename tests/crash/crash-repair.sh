#!/bin/bash
# crash-repair.sh - makes one broken disk and gives it to crash-repair (or crash-container). TAP.
# usage: crash-repair.sh PROGRAM COLDFIX SOURCE-ROOT WORK-FOLDER GENERATION FORMAT
# SPDX-License-Identifier: GPL-2.0-or-later
set -u
program=$1 coldfix=$2 root=$3 work=$4 gen=$5 format=$6
breaks=bad-memory-list,bad-memory-registry,pagefile-misplaced,serial-console-off,crash-dump-off
[ "$gen" = 1 ] && breaks+=,hive-unclean
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
if ! "$root/tests/images/mkdisk" --gen "$gen" --windows server2022 --size 256M --break "$breaks" --format "$format" \
	--out "$work/made.$format" >"$work/mkdisk.log" 2>&1; then
	sed 's/^/# /' "$work/mkdisk.log"
	echo "Bail out! the disk can't be made"
	exit 1
fi
"$program" "$coldfix" "$work/bench" "$work/made.$format" "generation $gen, $format" "$root/tests/images/verify-guest"
