#!/bin/bash
# other-disks.sh - data disks, NBD, whose disk it is, odd layouts, --output. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

# A data disk with the paging file of a drive that the VM should no longer page to.
mk os.raw --gen 2 --break pagefile-data-disk
mk data.raw --data-disk
ho=$(hash os.raw) hd=$(hash data.raw)
sfdisk --dump data.raw >table0
json 0 'data disk: F: is at hand' diagnose --data-disk data.raw os.raw
is 'data disk: nothing is wrong with F: as it is' '[.problems[] | select(.id == "pagefile-misplaced" and .severity != "info")] == []'
json 0 'data disk: repair without --temp-disk' repair --yes --data-disk data.raw os.raw
same 'data disk: a file that a control set names stays' data.raw "$hd"
json 4 'data disk: --temp-disk none' diagnose --temp-disk none --data-disk data.raw os.raw
json 4 'data disk: dry run' repair --dry-run --temp-disk none --data-disk data.raw os.raw
same 'data disk: dry run changes nothing' data.raw "$hd"
json 0 'data disk: repair --temp-disk none' repair --yes --temp-disk none --data-disk data.raw os.raw
is 'data disk: two disks, two undo files' '.undo_files | length == 2'
ok 'data disk: its undo file lies beside it' test -s data.raw.coldfix-undo
start=$("$coldfix" info --json data.raw | jq '[.disk.partitions[] | select(.filesystem == "ntfs")][0].start')
dd if=data.raw of=vol bs=1M iflag=skip_bytes skip="$start" conv=sparse 2>/dev/null
ntfsls -f vol >names 2>/dev/null
! grep -qix pagefile.sys names
result $? 'data disk: the file is gone' names
ok 'data disk: partition table as before' sh -c 'sfdisk --dump data.raw | cmp - table0'
json 0 'data disk: repaired' diagnose --temp-disk none --data-disk data.raw os.raw
json 0 'data disk: undo of the data disk' undo --yes data.raw
same 'data disk: every byte' data.raw "$hd"
json 0 'data disk: undo of the OS disk' undo --yes os.raw
same 'OS disk: every byte' os.raw "$ho"
json 8 'data disk that is not there' repair --yes --data-disk nothing.raw os.raw

# A server between us and the disk.
if command -v qemu-nbd >/dev/null; then
	mk served.raw --gen 2 --break bad-memory-list
	h=$(hash served.raw)
	socket=$work/s
	[ ${#socket} -lt 100 ] || socket=$(mktemp -u /tmp/coldfix-nbd.XXXXXX)
	qemu-nbd -f raw -k "$socket" -t served.raw >nbd.log 2>&1 &
	server=$!
	for _ in $(seq 100); do [ -S "$socket" ] && break || sleep 0.1; done
	uri="nbd+unix:///?socket=$socket"
	export XDG_STATE_HOME=$work/state
	json 4 'NBD: diagnose' diagnose "$uri"
	json 0 'NBD: repair' repair --yes "$uri"
	state=$(dirname "$(jq -r .undo_file out)")
	backup=$(jq -r .backup_folder out)
	if [ "$(id -u)" = 0 ]; then want=/var/lib/coldfix; else want=$work/state/coldfix; fi
	ok 'NBD: state lies where the contract says' test "$(dirname "$state")" = "$want"
	ok 'NBD: the state folder is private' test "$(stat -c %a "$state")" = 700
	ok 'NBD: the backup lies there too' test "${backup#"$state"/}" != "$backup"
	json 0 'NBD: diagnose after it' diagnose "$uri"
	json 0 'NBD: undo' undo --yes "$uri"
	kill $server
	wait $server 2>/dev/null
	rm -f "$socket"
	same 'NBD: every byte' served.raw "$h"
	ok 'NBD: nothing beside the disk that was served' test -z "$(beside served.raw)"
	[ "$(dirname "$state")" != "$want" ] || rm -rf "$state"
	json 8 'NBD: the server is gone' diagnose "$uri"
	unset XDG_STATE_HOME
else
	skip NBD 'no qemu-nbd'
fi

# Whose disk is it.
mk mine.raw --gen 1 --break bad-memory-list --computer PAYROLL-7
h=$(hash mine.raw)
refused refused '--expect-computer: another one' repair --yes --expect-computer FRONTDESK mine.raw
is '--expect-computer: both names are said' '.error.message | contains("PAYROLL-7") and contains("FRONTDESK")'
same '--expect-computer: nothing is written' mine.raw "$h"
ok '--expect-computer: no file beside the disk' test -z "$(beside mine.raw)"
json 0 '--expect-computer: in any letter case' repair --yes --expect-computer payroll-7 mine.raw
json 8 '--windows 2 of one' repair --yes --windows 2 mine.raw
json 16 '--windows 0' repair --yes --windows 0 mine.raw

# Layouts.
mk single.raw --gen 1 --layout single --break bad-memory-list
sfdisk --dump single.raw >table0
h=$(hash single.raw)
json 4 'one partition: diagnose' diagnose single.raw
is 'one partition: MBR, generation 1' '.disk.scheme == "mbr" and .disk.generation == 1 and (.disk.signature | length) == 8 and (.disk.partitions | length) == 1'
json 0 'one partition: repair' repair --yes single.raw
ok 'one partition: partition table as before' sh -c 'sfdisk --dump single.raw | cmp - table0'
json 0 'one partition: undo' undo --yes single.raw
same 'one partition: every byte' single.raw "$h"
start=$("$coldfix" info --json single.raw | jq '.disk.partitions[0].start')
dd if=single.raw of=bare.img bs=1M iflag=skip_bytes skip="$start" conv=sparse 2>/dev/null
h=$(hash bare.img)
json 4 'a bare volume: diagnose' diagnose bare.img
is 'a bare volume: no scheme' '.disk.scheme == null and (.windows | length) == 1'
json 0 'a bare volume: repair' repair --yes bare.img
json 0 'a bare volume: undo' undo --yes bare.img
same 'a bare volume: every byte' bare.img "$h"
mk big.raw --gen 2 --sector 4096 --break bad-memory-list,bad-memory-registry --windows server2022
h=$(hash big.raw)
json 4 '4096-byte sectors: diagnose' diagnose --sector-size 4096 big.raw
is '4096-byte sectors: said' '.disk.sector_size == 4096'
json 0 '4096-byte sectors: repair' repair --yes --sector-size 4096 big.raw
ok '4096-byte sectors: judges find nothing' "$factory/judge" --sector 4096 big.raw
json 0 '4096-byte sectors: undo' undo --yes --sector-size 4096 big.raw
same '4096-byte sectors: every byte' big.raw "$h"

# A copy instead of the original.
mk src.raw --gen 2 --break bad-memory-list
h=$(hash src.raw)
for f in raw qcow2 vhdx vhd; do
	json 0 "--output: $f" repair --yes --output "new.$f" src.raw
	same "--output $f: the original is as it was" src.raw "$h"
	json 0 "--output $f: the copy is right" diagnose "new.$f"
	is "--output $f: its format" ".disk.format == \"$f\""
done
ok '--output: no state beside the original' test -z "$(beside src.raw)"
refused refused '--output: an existing file' repair --yes --output new.raw src.raw
json 4 '--output: a dry run' repair --dry-run --output dry.raw src.raw
ok '--output: a dry run makes no copy' test ! -e dry.raw
plan
