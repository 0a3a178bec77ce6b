#!/bin/bash
# expand.sh - a disk becomes larger and Windows gets the room: containers, generations, sectors, clusters, undo, refusals. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
export PATH=$PATH:/usr/sbin:/sbin

# Every kept stream of a volume, its security, times and number; the volume's own files (which grow) left out.
describe() { # disk partition-start out
	rm -f vol
	dd if="$1" of=vol bs=1M iflag=skip_bytes skip="$2" conv=sparse 2>/dev/null
	ntfsls -R -a -l -f vol 2>/dev/null | grep -Ev '\$(Bitmap|BadClus)|ReAgent.xml' | sort >"$3"
	local f
	for f in Windows/System32/config/SYSTEM Windows/System32/ntoskrnl.exe Windows/win.ini pagefile.sys; do
		ntfscat -f vol "$f" 2>/dev/null | sha256sum >>"$3"
		ntfsinfo -f -v -F "$f" vol 2>/dev/null | grep -v '^Dumping' >>"$3"
	done
	[ -s "$3" ] || echo nothing >"$3"
}
start_of() { "$coldfix" info --json "$1" | jq "[.disk.partitions[] | select(.role == \"$2\") | .start][0]"; }
guids() { "$coldfix" info --json "$1" | jq -c '[.disk.guid, .disk.signature, [.disk.partitions[] | [.number, .guid, .type, .name, .active]]]'; }
sound() { # name disk [options of judge]
	local name=$1 disk=$2
	shift 2
	ok "$name: every judge agrees" "$factory/judge" "$@" "$disk"
}

# Like json, for the kinds of results whose schema has been checked already.
quick() { # status name command arguments...
	expect "$1" "$2" "$3" --json "${@:4}"
}
# One whole life of an expansion: raw file.
life() { # name generation more-options-of-mkdisk...
	local name=$1 sector=512
	shift
	case " $* " in *' --sector 4096 '*) sector=4096 ;; esac
	mk d.raw --layout recovery-behind "$@"
	sha256sum d.raw >sum0
	guids d.raw >guids0
	local win rec
	win=$(start_of d.raw windows) rec=$(start_of d.raw recovery)
	describe d.raw "$win" was
	dd if=d.raw of=rec0 bs=1M iflag=skip_bytes skip="$rec" count=16 2>/dev/null
	$json 4 "$name: dry run" expand --dry-run --by 100M d.raw
	ok "$name: the dry run leaves the file" sha256sum --quiet -c sum0
	jq .changes out >planned
	$json 0 "$name: expand" expand --yes --by 100M d.raw
	ok "$name: the changes are those of the dry run" sh -c 'jq .changes out | cmp - planned'
	ok "$name: no record stays" test ! -e d.raw.coldfix-growing
	sound "$name" d.raw --sector "$sector"
	[ "$(guids d.raw)" = "$(cat guids0)" ]
	result $? "$name: GUIDs, signature, types and names stay"
	describe d.raw "$win" is
	ok "$name: every stream, time, number and security as before" cmp was is
	rec=$(start_of d.raw recovery)
	dd if=d.raw of=rec1 bs=1M iflag=skip_bytes skip="$rec" count=16 2>/dev/null
	ok "$name: the moved partition's files are the same" sh -c \
		'for f in Winre.wim boot.sdi; do ntfscat -f rec0 Recovery/WindowsRE/$f | sha256sum; ntfscat -f rec1 Recovery/WindowsRE/$f | sha256sum; done | uniq -c | grep -c "^ *2 " | grep -qx 2'
	ok "$name: ReAgent.xml knows the new place" sh -c \
		"'$coldfix' cat d.raw 'C:\\Windows\\System32\\Recovery\\ReAgent.xml' | grep -q 'WinreLocation.* offset=\"$rec\"'"
	ok "$name: so does the copy beside Windows RE" sh -c "ntfscat -f rec1 Recovery/WindowsRE/ReAgent.xml | grep -q ' offset=\"$rec\"'"
	local h
	h=$(sha256sum <d.raw)
	$json 0 "$name: again, the same size" expand --yes --size "$(stat -c %s d.raw)" d.raw
	is "$name: again: nothing is written" '.bytes_written == 0 and .undo_file == null and .changes == []'
	[ "$(sha256sum <d.raw)" = "$h" ]
	result $? "$name: again: the file stays"
	$json 0 "$name: undo" undo --yes d.raw
	ok "$name: the file is what it was" sha256sum --quiet -c sum0
}
json=json
life 'generation 2' --gen 2 --size 200M
json=quick
[ -n "${COLDFIX_QUICK:-}" ] || life 'generation 1' --gen 1 --size 200M
# 16 KiB more than 128 MiB of clusters: the bitmap's last cluster fills up, and there is hardly a free one in the old part.
life 'full' --gen 2 --size 186M --leave 0
[ -n "${COLDFIX_QUICK:-}" ] || life '64 KiB clusters' --gen 2 --size 300M --cluster 65536
[ -n "${COLDFIX_QUICK:-}" ] || life '4096-byte sectors' --gen 2 --size 400M --sector 4096

# MBR: the boot store names the recovery partition by its first byte.
mk m.raw --gen 1 --size 200M --layout recovery-behind
old=$(start_of m.raw recovery)
expect 0 'MBR' expand --yes --size 300M m.raw
new=$(start_of m.raw recovery)
"$coldfix" bcd --json m.raw enum all >out
ok 'MBR: no element names the old place' sh -c "! '$coldfix' bcd --json m.raw enum all | grep -q '$old'"
expect 0 'MBR: bcd' bcd m.raw enum all
ok 'MBR: every device is found' sh -c '! grep -q "unknown" out'
[ "$new" -gt "$old" ]
result $? 'MBR: the recovery partition moved'

# Dropped.
for gen in 1 2; do
	mk p.raw --gen $gen --size 200M --layout recovery-behind
	h=$(sha256sum <p.raw)
	json 0 "--drop-recovery, generation $gen" expand --yes --by 50M --drop-recovery p.raw
	is "--drop-recovery, generation $gen: it is gone" '[.disk.partitions[] | select(.role == "recovery")] == [] and .expand.moved[0].dropped'
	sound "--drop-recovery, generation $gen" p.raw
	expect 0 "--drop-recovery, generation $gen: bcd" bcd p.raw enum all
	ok "--drop-recovery, generation $gen: no loader recovers with it" sh -c '! grep -q "^recoverysequence" out'
	quick 0 "--drop-recovery, generation $gen: undo" undo --yes p.raw
	[ "$(sha256sum <p.raw)" = "$h" ]
	result $? "--drop-recovery, generation $gen: the file is what it was"
done

# Containers. A fixed VHD: footer, whole MiB, and the file itself after undo.
mk f.vhd --gen 2 --size 200M --layout recovery-behind --format vhd-azure
h=$(sha256sum <f.vhd)
quick 0 'fixed VHD' expand --yes --by 33333333 f.vhd
is 'fixed VHD: whole MiB' '.disk.size % 1048576 == 0 and .disk.format == "vhd" and .disk.size == .expand.disk_size_after'
ok 'fixed VHD: the file is 512 bytes longer' test "$(($(stat -c %s f.vhd) % 1048576))" = 512
ok 'fixed VHD: no old footer inside' sh -c 'test "$(grep -c conectix f.vhd)" = 1'
ok 'fixed VHD: QEMU reads its size' sh -c \
	"test \"\$(qemu-img info --output=json --image-opts driver=vpc,force_size_calc=current_size,file.filename=f.vhd | jq '.\"virtual-size\"')\" = $(jq .disk.size out)"
sound 'fixed VHD' f.vhd
quick 0 'fixed VHD: undo' undo --yes f.vhd
[ "$(sha256sum <f.vhd)" = "$h" ]
result $? 'fixed VHD: the file is what it was'

mk q.qcow2 --gen 2 --size 200M --layout recovery-behind --format qcow2
h=$(hash q.qcow2)
quick 0 'qcow2' expand --yes --size 300M q.qcow2
ok 'qcow2: QEMU finds nothing wrong' qemu-img check q.qcow2
sound 'qcow2' q.qcow2
quick 0 'qcow2: undo' undo --yes q.qcow2
same 'qcow2: the guest sees what it saw, in the old size' q.qcow2 "$h"

mk x.vhdx --gen 2 --size 200M --layout recovery-behind --format vhdx
h=$(sha256sum <x.vhdx)
refused unsupported 'VHDX in place' expand --yes --size 300M x.vhdx
err_says 'VHDX in place: the way out' 'say .-output NEW.vhdx'
for to in vhdx; do
	quick 0 "VHDX into .$to" expand --yes --size 300M --output "y.$to" x.vhdx
	is "VHDX into .$to: larger" '.disk.size == 314572800 and .output == "y.'$to'"'
	sound "VHDX into .$to" "y.$to"
done
[ "$(sha256sum <x.vhdx)" = "$h" ]
result $? 'VHDX: the original stays'
refused refused 'an output that exists' expand --yes --size 300M --output y.vhdx x.vhdx

# Free room behind it: nothing grows, the recovery partition moves through the journal.
mk u.raw --gen 2 --size 250M --layout recovery-behind --unallocated 60M
h=$(sha256sum <u.raw)
quick 0 'free room' expand --yes --size 250M u.raw
is 'free room: the disk stays as large' '.expand.disk_size_before == .expand.disk_size_after and .expand.size_after > .expand.size_before'
sound 'free room' u.raw
quick 0 'free room: undo' undo --yes u.raw
[ "$(sha256sum <u.raw)" = "$h" ]
result $? 'free room: the file is what it was'

# No undo file.
quick 0 '--no-undo' expand --yes --no-undo --by 50M u.raw
is '--no-undo: none is named' '.undo_file == null and .bytes_written > 0'
[ -z "$(beside u.raw | grep -v undone)" ]
result $? '--no-undo: nothing stays beside the disk'

# Refusals leave everything as it was.
mk r.raw --gen 2 --size 200M --unallocated 60M
h=$(sha256sum <r.raw)
expect 16 'without a size' expand --yes r.raw
expect 16 'with two sizes' expand --yes --by 1G --max r.raw
expect 16 'without a terminal' expand --by 1G r.raw
refused refused 'smaller' expand --yes --size 50M r.raw
echo 'start=160M, size=20M, type=linux' | sfdisk -q --append r.raw >/dev/null 2>&1
h=$(sha256sum <r.raw)
refused refused 'a partition in the way' expand --yes --by 1G r.raw
err_says 'a partition in the way is named' 'partition 5 .*linux'
[ "$(sha256sum <r.raw)" = "$h" ] && [ -z "$(beside r.raw)" ]
result $? 'refusals leave no trace'
for fault in volume-unclean volume-hibernated volume-dirty; do
	mk r.raw --gen 2 --size 200M --break $fault
	refused unclean "$fault" expand --yes --by 1G r.raw
done
quick 0 'a dirty volume, when forced' expand --yes --by 100M --force-unclean r.raw
mk r.raw --gen 2 --size 200M --break shadow-copies
refused refused 'shadow copies' expand --yes --by 1G r.raw
quick 0 'shadow copies, accepted' expand --yes --by 50M --accept-shadow-copy-loss r.raw
mk r.raw --gen 2 --size 200M --layout recovery-behind
refused refused 'onto itself' expand --yes --by 4M r.raw
err_says 'onto itself: by how much' 'at least'

# repair: room right behind the volume is taken in the same transaction; more only with --expand.
mk v.raw --gen 2 --size 250M --unallocated 90M --break volume-full-hard
h=$(sha256sum <v.raw)
json 0 'repair takes the room behind' repair --yes --min-free 80M v.raw
is 'repair takes the room behind: fixed, nothing moved' '.problems[0].status == "fixed" and (has("expand") | not)'
sound 'repair takes the room behind' v.raw
quick 0 'repair takes the room behind: undo' undo --yes v.raw
[ "$(sha256sum <v.raw)" = "$h" ]
result $? 'repair takes the room behind: the file is what it was'
mk v.raw --gen 2 --size 200M --layout recovery-behind --break volume-full-hard
h=$(sha256sum <v.raw)
json 4 'repair without --expand' repair --yes --min-free 80M v.raw
is 'repair without --expand: left, and says so' '.problems[0].status == "left" and (.problems[0].reason | test("--expand")) and .bytes_written == 0'
[ "$(sha256sum <v.raw)" = "$h" ]
result $? 'repair without --expand: the file stays'
json 4 'repair --expand --dry-run' repair --expand=400M --dry-run --min-free 80M v.raw
is 'repair --expand --dry-run: planned' '.problems[0].status == "planned" and .expand.disk_size_after == 419430400 and (.changes | length) > 2'
json 0 'repair --expand' repair --expand=400M --yes --min-free 80M v.raw
is 'repair --expand: fixed' '.problems[0].status == "fixed" and .disk.size == 419430400 and (.undo_files | length) == 1'
sound 'repair --expand' v.raw
quick 0 'repair --expand: undo' undo --yes v.raw
[ "$(sha256sum <v.raw)" = "$h" ]
result $? 'repair --expand: the file is what it was'
plan
