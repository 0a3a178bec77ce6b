#!/bin/bash
# crash-run.sh - makes broken disks and lets crash-run repair them. TAP.
# usage: crash-run.sh CRASH-RUN FACTORY WORK-FOLDER
# SPDX-License-Identifier: GPL-2.0-or-later
set -u
crash_run=$(realpath "$1") factory=$2 work=$3
rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit 1
trap 'rm -rf "$work"' EXIT
n=0
echo 1..3
while read -r gen break; do
	n=$((n + 1))
	name="gen $gen: $break"
	if ! "$factory/mkdisk" --gen "$gen" --out before.raw --break "$break" >mkdisk.log 2>&1; then
		echo "not ok $n - $name: the factory makes it"
		sed 's/^/# /' mkdisk.log
		continue
	fi
	cp --sparse=always before.raw disk.raw
	if "$crash_run" "$name" before.raw disk.raw >out 2>&1; then
		echo "ok $n - $(cat out)"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' out
	fi
done <<'LIST'
1 bad-memory-list
2 bad-memory-list
1 bad-memory-list,crash-dump-off,serial-console-off
LIST
