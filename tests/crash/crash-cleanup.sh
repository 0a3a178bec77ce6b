#!/bin/bash
# crash-cleanup.sh - makes disks full of rubbish and lets crash-cleanup clean them. TAP.
# usage: crash-cleanup.sh CRASH-CLEANUP FACTORY WORK-FOLDER [SEEDED-POINTS]      (by hand: 2000 points or more)
# SPDX-License-Identifier: GPL-2.0-or-later
set -u
crash_cleanup=$(realpath "$1") factory=$2 work=$3 points=${4:-}
rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit 1
trap 'rm -rf "$work"' EXIT
n=0
echo 1..2
for gen in 1 2; do
	n=$((n + 1))
	name="gen $gen: cleanup"
	"$factory/mkdisk" --gen $gen --out before.raw --size 192M --break clutter >mkdisk.log 2>&1 || cat mkdisk.log
	cp --sparse=always before.raw disk.raw
	if "$crash_cleanup" "$name" before.raw disk.raw 3 ${points:+"$points"} >out 2>&1; then
		echo "ok $n - $(cat out)"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' out
	fi
done
