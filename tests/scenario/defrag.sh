#!/bin/bash
# defrag.sh - defragmenting disks of every kind: nothing but places changes, others agree, twice is once, undo is exact. TAP.
# A fourth argument of 2: other containers and geometries; else one disk, parts of the work, and refusals.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

# The Windows volume of a disk as a raw file.
volume() { # disk file
	local raw=$1 start size
	case $1 in *.vhdx | *.qcow2) qemu-img convert -O raw "$1" plain.raw && raw=plain.raw ;; esac
	read -r start size < <("$coldfix" info --json "$1" | jq -r '.disk.partitions[] | select(.role == "windows") | "\(.start) \(.size)"')
	rm -f "$2"
	dd if="$raw" of="$2" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$size" conv=sparse 2>/dev/null
}
streams() { volume "$1" vol.img && "$COLDFIX_IMAGE_TOOLS/ntfs-streams" vol.img >"$2"; }
# Everything but the count of extents.
contents() { sed 's/ # [0-9]*$//' "$1"; }
same_contents() { test -s before.txt && cmp <(contents before.txt) <(contents after.txt); }
others() { # what ntfs-3g's tools say of vol.img
	ntfsfix -n vol.img >others.log 2>&1 && ntfsresize --info -f --no-progress-bar vol.img >>others.log 2>&1 &&
		! grep -qiE 'error|corrupt|inconsisten|mismatch' others.log || { cat others.log; false; }
}
no_more_pieces() { # before after: no stream has more extents than it had
	paste -d' ' <(grep -o '# [0-9]*$' "$1") <(grep -o '# [0-9]*$' "$2") | awk '$4 > $2 { bad = 1 } END { exit bad }'
}

try() { # name disk: all that must hold of a scattered disk
	local name=$1 disk=$2 h
	shift 2
	h=$(hash "$disk")
	ok "$name: readable" streams "$disk" before.txt
	json 4 "$name: dry run" defrag --dry-run "$disk"
	same "$name: a dry run writes nothing" "$disk" "$h"
	jq '.plan.bytes_to_move' out >planned
	json 0 "$name: defrag" defrag --yes "$disk" "$@"
	is "$name: moves what was planned" ".bytes_moved == $(cat planned) and .bytes_moved > 1000000"
	is "$name: \$MFT was in pieces, and is in two at most" '.before.mft_extents >= 3 and .after.mft_extents <= 2'
	is "$name: no fragments are left" '.after.fragmented_files == 0 and .after.fragmented_folders == 0'
	is "$name: half of the free space is in one piece" '.after.largest_free_extent_bytes * 2 >= .after.free_bytes and .before.largest_free_extent_bytes * 2 < .before.free_bytes'
	is "$name: as much is free as before" '.after.free_bytes == .before.free_bytes and .after.files == .before.files and .after.folders == .before.folders'
	is "$name: nothing moved twice as often as it had to" '.bytes_moved < .bytes_that_had_to_move * 2'
	ok "$name: readable afterwards" streams "$disk" after.txt
	ok "$name: contents, names, times, security, numbers as before" same_contents
	ok "$name: no stream in more pieces" no_more_pieces before.txt after.txt
	ok "$name: ntfs-3g's tools agree" others
	json 0 "$name: a second time" defrag --yes "$disk"
	is "$name: a second time writes nothing" '.bytes_written == 0 and .bytes_moved == 0 and .undo_file == null'
	json 0 "$name: undo" undo --yes "$disk"
	same "$name: undo gives every byte back" "$disk" "$h"
	ok "$name: one retired undo file is left" test "$(beside "$disk")" = "./$disk.coldfix-undo.undone"
}

# Files of more than 1,000 extents (attribute lists), compressed ones of one and of several units, $MFT in pieces, sparse, alternate streams, hard links, thousands of small free extents.
scattered() { # pieces count-of-files
	cat <<EOF
compressed	/comp1.bin	64K
compressed	/comp2.bin	64K
compressed	/comp3.bin	64K
compressed	/comp4.bin	64K
fragment	/long.bin	/gone1.bin	$2
fragment	/short.bin	/gone2.bin	60
fragment	/Windows/System32/drivers/frag.sys	/gone3.bin	300
stream	/short.bin	ads	700K
sparse	/sparse.bin	3M
link	/link1.bin	/long.bin
link	/link2.bin	/long.bin
many	/many	900	90
link	/link3.bin	/short.bin
scatter	/large	256K
compressed	/units1.bin	900K
compressed	/units2.bin	900K
mft	/mft	4
scatter	/pieces	$1
many	/late	300	300
delete	/gone1.bin
delete	/gone2.bin
delete	/gone3.bin
sparse	/late-sparse.bin	2M
EOF
}

scattered 24K 1100 >m
if [ "${4:-1}" = 2 ]; then
	if [ -z "${COLDFIX_QUICK:-}" ]; then
		scattered 64K 250 | grep -v '^compressed' >m64
		mk b.vhd --gen 1 --size 384M --cluster 65536 --manifest m64 --format vhd
		try 'Gen 1, fixed VHD, 64 KiB clusters' b.vhd
	fi
	mk d.raw --gen 2 --size 512M --sector 4096 --manifest m
	try '4 KiB sectors' d.raw
	if [ -n "${COLDFIX_QUICK:-}" ]; then
		skip 'VHDX and qcow2' 'a short run'
	elif qemu-nbd --version >/dev/null 2>&1; then
		mk e.vhdx --gen 2 --size 256M --manifest m --format vhdx
		try 'VHDX' e.vhdx
		mk f.qcow2 --gen 1 --size 256M --manifest m --format qcow2
		try 'qcow2' f.qcow2
	else
		skip 'VHDX and qcow2' 'no qemu-nbd'
	fi
	plan
	exit 0
fi
mk a.raw --gen 2 --size 256M --manifest m
try 'Gen 2, raw' a.raw
h=$(hash a.raw)
# Tens of thousands of free extents, without undo.
printf 'fragment\t/long.bin\t/gone.bin\t900\nscatter\t/pieces\t4K\ndelete\t/gone.bin\n' >m-many
mk n.raw --gen 2 --size 304M --cluster 2048 --manifest m-many
streams n.raw before.txt
json 0 'no undo: defrag' defrag --yes --no-undo n.raw
is 'no undo: 20,000 free extents, then half of the free space in one' '.before.free_extents > 20000 and .after.free_extents * 2 < .before.free_extents and .after.largest_free_extent_bytes * 2 >= .after.free_bytes and .after.fragmented_files == 0'
is 'no undo: no undo file' '.undo_file == null and .undo_bytes == 0'
ok 'no undo: nothing beside the disk' test -z "$(beside n.raw)"
streams n.raw after.txt
ok 'no undo: contents as before' same_contents
ok 'no undo: others agree' others
# Parts of it.
again a.raw p.raw
json 0 'analyze' defrag --analyze p.raw
is 'analyze: the figures' '.before.fragmented_files >= 3 and .before.free_extents > 500 and .plan == null and .after == null'
ok 'analyze: needs no terminal' test "$status" = 0
json 0 'one file' defrag --yes --file 'C:\short.bin' p.raw
is 'one file: its two streams at most' '.streams_made_whole >= 1 and .streams_made_whole <= 2 and .bytes_moved < 4000000 and .after.largest_free_extent_bytes * 2 < .after.free_bytes'
json 0 'boot files' defrag --yes --boot-files-only p.raw
is 'boot files: the driver' '.streams_made_whole >= 1 and .bytes_moved < 20000000'
json 0 'boot files again' defrag --yes --boot-files-only p.raw
is 'boot files again: nothing' '.bytes_written == 0'
json 0 'max-bytes' defrag --yes --max-bytes 2M p.raw
is 'max-bytes: kept, made use of, and said' '.bytes_moved <= 2097152 and .bytes_moved > 1000000 and .limited'
json 0 'space only' defrag --yes --consolidate-only p.raw
is 'space only: the space, not the files' '.after.largest_free_extent_bytes * 2 >= .after.free_bytes and .after.fragmented_files > 0 and .streams_made_whole == 0'
json 0 'the rest' defrag --yes p.raw
is 'the rest: whole' '.after.fragmented_files == 0'
for i in 1 2 3 4 5; do json 0 "undo $i of 5" undo --yes p.raw; done
same 'five undos: as in the beginning' p.raw "$h"
json 4 'text: dry run as JSON' defrag --dry-run a.raw
run defrag --dry-run a.raw
ok 'text: what will move, what it costs' grep -qE 'Move [0-9.]+ MiB.*pieces' out
ok 'text: undo' grep -q 'undo file takes about' out
ok 'text: a thin image' grep -q 'thin image grows by at most' out
ok 'text: tiers' grep -q 'no storage tiers' out

# In repair: the free space on request, boot files in very many pieces by default.
again a.raw r.raw
json 4 'repair: left without being asked' repair --yes r.raw
is 'repair: names the option' '[.problems[] | select(.id == "free-space-scattered")][0] | .status == "left" and (.reason | contains("--with free-space-scattered"))'
json 4 'repair: another limit for the largest free extent' diagnose --min-extent 4K r.raw
is 'repair: another limit for the largest free extent' '[.problems[].id] | index("free-space-scattered") | not'
streams r.raw before.txt
json 4 'repair --with (and a full volume left)' repair --yes --no-backup --with free-space-scattered --skip volume-full r.raw
is 'repair --with: fixed' '[.problems[] | select(.id == "free-space-scattered")][0].status == "fixed"'
is 'repair --with: says what it costs' '[.changes[] | select(.problem == "free-space-scattered")][0].after | contains("moved") and contains("grows") and contains("undo")'
streams r.raw after.txt
ok 'repair --with: contents as before' same_contents
ok 'repair --with: others agree' others
json 0 'repair --with: undo' undo --yes r.raw
same 'repair --with: undo gives every byte back' r.raw "$h"
printf 'delete\t/Windows/System32/hal.dll\nfragment\t/Windows/System32/hal.dll\t/gone.bin\t1200\ndelete\t/gone.bin\n' >m-hal
mk x.raw --gen 2 --size 640M --manifest m-hal
json 0 'boot file: another limit' diagnose --max-pieces 1200 x.raw
json 4 'boot file: one piece less' diagnose --max-pieces 1199 x.raw
is 'boot file: one piece less' '[.problems[] | select(.id == "free-space-scattered")][0].evidence | .boot_file_extents == 1200 and .most_boot_file_extents == 1199'
json 16 'boot file: no number' diagnose --max-pieces 0 x.raw
json 0 'boot file in 1,200 pieces' repair --yes --no-backup x.raw
is 'boot file: fixed by default' '[.problems[] | select(.id == "free-space-scattered")][0] | .status == "fixed" and .repair == "default"'
json 0 'boot file: diagnose' diagnose x.raw

# Not asked, not allowed, not clean.
json 16 'no terminal' defrag a.raw
is 'no terminal: says what to type' '.error.code == "usage" and (.error.message | contains("--yes"))'
on_terminal n defrag a.raw
[ "$status" = 4 ] && grep -q 'nothing was changed' out
result $? 'declined: status 4' out
same 'declined: nothing is written' a.raw "$h"
json 16 'both kinds of part' defrag --yes --consolidate-only --boot-files-only a.raw
json 16 'no volume' defrag --yes a.raw 'C:\Windows'
mk x.raw --gen 2 --size 192M --break volume-dirty
refused unclean 'a dirty volume' defrag --yes x.raw
json 0 'a dirty volume: analyze' defrag --analyze x.raw
mk x.raw --gen 2 --size 192M --break volume-unclean
refused unclean 'an unclean journal' defrag --yes --force-unclean x.raw
mk x.raw --gen 2 --size 192M --break volume-hibernated
refused unclean 'a hibernated volume' defrag --yes x.raw
printf 'fragment\t/frag.bin\t/gone.bin\t200\ndelete\t/gone.bin\n' >m-one
mk x.raw --gen 2 --size 192M --break shadow-copies --manifest m-one
hx=$(hash x.raw)
refused refused 'shadow copies' defrag --yes x.raw
is 'shadow copies: names the option' '.error.message | contains("--accept-shadow-copy-loss")'
same 'shadow copies: nothing is written' x.raw "$hx"
json 0 'shadow copies, accepted' defrag --yes --accept-shadow-copy-loss x.raw
is 'shadow copies, accepted: moved' '.bytes_moved > 0'
mk x.raw --gen 2 --size 192M
json 0 'a good volume' defrag --yes x.raw
is 'a good volume: nothing is written' '.bytes_written == 0 and .plan.bytes_to_move == 0'
ok 'a good volume: nothing beside it' test -z "$(beside x.raw)"
plan
