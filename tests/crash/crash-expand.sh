#!/bin/bash
# crash-expand.sh - makes one disk with a recovery partition behind Windows and gives it to crash-expand. TAP.
# usage: crash-expand.sh PROGRAM COLDFIX SOURCE-ROOT WORK-FOLDER GENERATION FORMAT POINTS [mkdisk-options]
# By hand with POINTS 1000000 and hours of time: every change, torn at every sector.
# SPDX-License-Identifier: GPL-2.0-or-later
set -u
program=$1 coldfix=$2 root=$3 work=$4 gen=$5 format=$6 points=$7
shift 7
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
suffix=${format/-azure/}
if ! "$root/tests/images/mkdisk" --gen "$gen" --windows server2022 --size 120M --page-file-size 1M --layout recovery-behind --format "$format" \
	--out "$work/made.$suffix" "$@" >"$work/mkdisk.log" 2>&1; then
	sed 's/^/# /' "$work/mkdisk.log"
	echo "Bail out! the disk can't be made"
	exit 1
fi
"$program" "$coldfix" "$work/bench" "$work/made.$suffix" "generation $gen, $format" "$points"
