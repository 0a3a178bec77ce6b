#!/bin/bash
# crash-defrag.sh - makes a small scattered volume and lets crash-defrag work on it. TAP.
# usage: crash-defrag.sh CRASH-DEFRAG WORK-FOLDER [POINTS [SEED]]
# SPDX-License-Identifier: GPL-2.0-or-later
set -eu
crash_defrag=$(realpath "$1") work=$2
shift 2
rm -rf "$work"
mkdir -p "$work"
cd "$work"
trap 'rm -rf "$work"' EXIT
truncate -s 28M volume
mkntfs -F -Q -q -T -s 512 -p 0 -H 255 -S 63 -c 4096 volume >mkntfs.log 2>&1 || { sed 's/^/# /' mkntfs.log; exit 1; }
# Long run lists with attribute lists, small ones, a stream, holes, compressed files of several units in pieces, a folder and $MFT in pieces, many
# small files. The MFT record of full.bin is full, and a piece of it larger than a transaction: there is no room for the way.
tr ' ' '\t' >manifest <<'EOF'
now 1704067200
compressed /comp1.bin 64K
compressed /comp2.bin 64K
fragment /long.bin /gone1.bin 420
fragment /short.bin /gone2.bin 30
stream /short.bin ads 90K
fragment /full.bin /gone3.bin 3 200
stream /full.bin s 560
scatter /large 96K
compressed /units1.bin 300K
compressed /units2.bin 300K
mft /mft 3
scatter /pieces 24K
many /many 260 260
sparse /sparse.bin 400K
link /link.bin /long.bin
delete /gone1.bin
delete /gone2.bin
delete /gone3.bin
journal 1.1 clean
EOF
"$COLDFIX_IMAGE_TOOLS/ntfs-populate" volume manifest >populate.log 2>&1 || { sed 's/^/# /' populate.log; exit 1; }
"$crash_defrag" volume "$@"
