#!/bin/bash
# expand-limits.sh - how large a disk may become, disks that have grown already (a device, an export, a partition), letters, one question. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
export PATH=$PATH:/usr/sbin:/sbin

quick() { # status name command arguments...
	expect "$1" "$2" "$3" --json "${@:4}"
}
no() { # code name command arguments...: quick(), and the error's code
	local code=$1
	shift
	quick 8 "$@"
	[ "$(jq -r .error.code out)" = "$code" ]
	result $? "$1: $code" out
}

# ---- the ceiling, and what the schemes and NTFS can say; dry runs on a disk that stays small --------------------------
mk g2.raw --gen 2 --size 200M --layout recovery-behind
mk g1.raw --gen 1 --size 200M --layout recovery-behind
for d in g1 g2; do
	quick 4 "$d: --max" expand --dry-run --max $d.raw
	is "$d: --max: 1 TiB" '.expand.disk_size_after == 1099511627776'
	no refused "$d: --by beyond 1 TiB" expand --dry-run --by 1T $d.raw
	ok "$d: --by beyond 1 TiB: the way out" sh -c 'jq -r .error.message out | grep -q -- --size'
done
quick 4 'GPT: --size 3T' expand --dry-run --size 3T g2.raw
is 'GPT: --size 3T: it is' '.expand.disk_size_after == 3298534883328'
is 'GPT: --size 3T: no hidden sectors that 32 bits could not say' '[.changes[] | select(.what | test("hidden")) | .after] == ["0"]'
no refused 'NTFS: more than 2^32 - 1 clusters' expand --dry-run --size 17T g2.raw
quick 4 'NTFS: nearly as many' expand --dry-run --size 16777000M g2.raw
quick 4 'MBR: 2 TiB' expand --dry-run --size 2T g1.raw
is 'MBR: 2 TiB: its last MiB stays free' '.expand | .moved[0].to + .moved[0].size == 2199023255552 - 1048576'
no refused 'MBR: more than 2 TiB' expand --dry-run --size 2049G g1.raw
ok 'MBR: more than 2 TiB: why' sh -c 'jq -r .error.message out | grep -q MBR'
# For real, and what sfdisk makes of it.
quick 0 'MBR: 2 TiB, done' expand --yes --size 2T g1.raw
ok 'MBR: 2 TiB, done: sfdisk agrees' sfdisk -q -V g1.raw
quick 0 'MBR: 2 TiB, undone' undo --yes g1.raw
quick 0 'GPT: 3 TiB, done' expand --yes --size 3T g2.raw
ok 'GPT: 3 TiB, done: sgdisk agrees' sh -c 'sgdisk -v g2.raw | grep -q "No problems found"'
quick 0 'GPT: 3 TiB, once more' expand --yes --size 3T g2.raw
is 'GPT: 3 TiB, once more: nothing is written' '.bytes_written == 0'
quick 0 'GPT: 3 TiB, undone' undo --yes g2.raw
ok 'both are as small as they were' test "$(stat -c %s g1.raw g2.raw | sort -u)" = 209715200

# A size that is no whole MiB is rounded up, and is the same size the second time.
quick 0 'an odd size' expand --yes --size 333333333 g2.raw
is 'an odd size: whole MiB' '.expand.disk_size_after == 333447168'
quick 0 'an odd size again' expand --yes --size 333333333 g2.raw
is 'an odd size again: nothing is written' '.bytes_written == 0'
no refused 'a size that moves the recovery partition onto itself' expand --yes --by 1M g2.raw

# ---- a partition that was made larger without its volume ---------------------------------------------------------------
mk p.raw --gen 2 --size 250M --unallocated 60M
echo ', 191M' | sfdisk -q -N 4 --no-reread p.raw >/dev/null 2>&1
h=$(sha256sum <p.raw)
quick 0 'a volume that does not fill its partition' expand --yes --size 250M p.raw
is 'it fills it' '[.changes[].what] == ["NTFS of the Windows volume"] and (.windows[0].total_bytes + 8192 > (.disk.partitions[] | select(.role == "windows") | .size))'
ok 'it fills it: every judge agrees' "$factory/judge" p.raw
quick 0 'it fills it: undo' undo --yes p.raw
[ "$(sha256sum <p.raw)" = "$h" ]
result $? 'it fills it: the file is what it was'

# ---- MBR: a letter and a volume name follow the recovery partition -----------------------------------------------------
python3 - >letters.reg <<'PY'
import struct
old = struct.pack('<IQ', 0xc01df100, (200 - 17) << 20)
other = struct.pack('<IQ', 0xc01df1ff, (200 - 17) << 20)
data = lambda b: 'hex(3):' + ','.join('%02x' % x for x in b)
print('Windows Registry Editor Version 5.00\n\n[\\MountedDevices]')
print('"\\\\DosDevices\\\\R:"=' + data(old))
print('"\\\\DosDevices\\\\S:"=' + data(other))
print('"\\\\??\\\\Volume{11111111-2222-3333-4444-555555555555}"=' + data(old))
PY
mk l.raw --gen 1 --size 200M --layout recovery-behind --seed 0 --reg SYSTEM=letters.reg
h=$(sha256sum <l.raw)
place() { "$coldfix" info --json l.raw | jq -c '[.disk.partitions[] | select(.letter == "R") | [.role, .start]]'; }
ok 'letters: R: is the recovery partition' test "$(place)" = '[["recovery",191889408]]'
quick 0 'letters: expand' expand --yes --size 300M l.raw
ok 'letters: R: still is' test "$(place)" = '[["recovery",296747008]]'
"$coldfix" cat l.raw 'C:\Windows\System32\config\SYSTEM' >SYSTEM
hivexregedit --export SYSTEM '\MountedDevices' >mounted.reg
value() { grep -aiF "$1" mounted.reg | tr -d ' \r' | grep -qi "$2"; }
ok 'letters: hivex sees the new place' value 'DosDevices\\R:' '00,f1,1d,c0,00,00,b0,11,00,00,00,00'
ok 'letters: and the name of the volume has it' value 'Volume{1111' '00,f1,1d,c0,00,00,b0,11,00,00,00,00'
ok 'letters: that of another disk stays' value 'DosDevices\\S:' 'ff,f1,1d,c0,00,00,70,0b,00,00,00,00'
quick 0 'letters: undo' undo --yes l.raw
[ "$(sha256sum <l.raw)" = "$h" ]
result $? 'letters: the file is what it was'

# ---- repair --expand: one plan, one question ---------------------------------------------------------------------------
mk v.raw --gen 2 --size 200M --layout recovery-behind --break volume-full-hard,bad-memory-list
h=$(sha256sum <v.raw)
on_terminal n repair --expand=400M --min-free 80M v.raw
ok 'one question: declined' test "$status" = 4
ok 'one question: both in one plan' sh -c 'grep -q badmemorylist out && grep -q "NTFS of the Windows volume" out'
[ "$(sha256sum <v.raw)" = "$h" ]
result $? 'one question: declined: the file stays'
on_terminal y repair --expand=400M --min-free 80M v.raw
ok 'one question: done' test "$status" = 0
ok 'one question: asked once' test "$(grep -o '\[y/N\]' out | wc -l)" = 1
ok 'one question: it is larger' test "$(stat -c %s v.raw)" = 419430400
quick 0 'one question: undo of the expansion' undo --yes v.raw
quick 0 'one question: undo of the repair' undo --yes v.raw
[ "$(sha256sum <v.raw)" = "$h" ]
result $? 'one question: the file is what it was'
# A copy whose container can't grow is made as large as it is to be.
if [ -z "${COLDFIX_QUICK:-}" ]; then
quick 0 'repair into a larger VHDX' repair --expand=400M --min-free 80M --yes --output w.vhdx v.raw
is 'repair into a larger VHDX: fixed' '[.problems[] | select(.id == "volume-full") | .status] == ["fixed"] and .disk.size == 419430400'
ok 'repair into a larger VHDX: every judge agrees' "$factory/judge" w.vhdx
[ "$(sha256sum <v.raw)" = "$h" ]
result $? 'repair into a larger VHDX: the original stays'
fi

# ---- a stop between the copy and the switch, where the copy went to room that the disk had before -----------------------
if [ -n "${COLDFIX_QUICK:-}" ] || ! strace -f -o /dev/null true 2>/dev/null; then
	skip 'a stop after the copy' 'no strace here, or a build with sanitizers'
else
	mk s.raw --gen 2 --size 250M --layout recovery-behind --unallocated 60M
	h=$(sha256sum <s.raw)
	cmp_table() { sfdisk --dump s.raw 2>/dev/null | cmp -s - table; }
	sfdisk --dump s.raw >table 2>/dev/null
	# The marker of the copy's transaction goes: the copy is there, and nothing refers to it.
	(exec 2>/dev/null; strace -f -o /dev/null -e trace=unlink -e inject=unlink:signal=KILL:when=1 "$coldfix" expand --yes --size 250M s.raw >/dev/null)
	ok 'a stop after the copy: the partitions are the old ones' cmp_table
	ok 'a stop after the copy: every judge agrees' "$factory/judge" s.raw
	quick 0 'a stop after the copy: expand again' expand --yes --size 250M s.raw
	ok 'a stop after the copy: expanded: every judge agrees' "$factory/judge" s.raw
	quick 0 'a stop after the copy: undo of the expansion' undo --yes s.raw
	ok 'a stop after the copy: undone, the partitions are the old ones' cmp_table
	quick 0 'a stop after the copy: undo of the copy' undo --yes s.raw
	[ "$(sha256sum <s.raw)" = "$h" ]
	result $? 'a stop after the copy: the file is what it was'
fi

# ---- a device and an export that are larger already --------------------------------------------------------------------
grown() { # what disk
	quick 4 "$1: dry run" expand --dry-run --max "$2"
	quick 0 "$1: --max" expand --yes --max "$2"
	is "$1: --max: all of it" '.disk.size == 314572800 and .expand.disk_size_before == 314572800 and .expand.size_after > .expand.size_before'
	quick 0 "$1: again" expand --yes --max "$2"
	is "$1: again: nothing is written" '.bytes_written == 0'
	no refused "$1: more than it has" expand --yes --size 400M "$2"
}
mk e.raw --gen 2 --size 200M --layout recovery-behind --seed 77
truncate -s 300M e.raw
h=$(sha256sum <e.raw)
# What a device's undo leaves behind in root's own folder goes again.
export XDG_STATE_HOME=$work/state
forget() {
	case $1 in /var/lib/coldfix/?*) rm -rf "$1" ;; esac
}
if ! command -v qemu-nbd >/dev/null; then
	skip 'an NBD export' 'no qemu-nbd here'
else
	socket=$work/s
	[ ${#socket} -lt 100 ] || socket=$(mktemp -u /tmp/coldfix-nbd.XXXXXX)
	qemu-nbd -f raw -k "$socket" -t e.raw >nbd.log 2>&1 &
	server=$!
	for _ in $(seq 100); do [ -S "$socket" ] && break || sleep 0.1; done
	uri="nbd+unix:///?socket=$socket"
	grown 'an NBD export' "$uri"
	ok 'an NBD export: every judge agrees' "$factory/judge" --format raw e.raw
	quick 0 'an NBD export: undo' undo --yes "$uri"
	forget "$(dirname "$(jq -r .undo_file out)")"
	kill $server
	wait $server 2>/dev/null
	[ "$(sha256sum <e.raw)" = "$h" ]
	result $? 'an NBD export: the file is what it was'
fi
if [ "$(id -u)" != 0 ]; then
	skip 'a block device' 'only root makes a loop device'
elif ! loop=$(losetup -f --show e.raw 2>/dev/null); then
	skip 'a block device' 'no loop device here'
else
	trap 'losetup -d "$loop" 2>/dev/null' EXIT
	grown 'a block device' "$loop"
	quick 0 'a block device: undo' undo --yes "$loop"
	forget "$(dirname "$(jq -r .undo_file out)")"
	losetup -d "$loop"
	trap - EXIT
	[ "$(sha256sum <e.raw)" = "$h" ]
	result $? 'a block device: the file is what it was'
fi
plan
