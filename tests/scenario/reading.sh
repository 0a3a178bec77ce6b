#!/bin/bash
# reading.sh - ls, cat, get, reg, bcd beside the tools of others; colours, quoting and names that a terminal would obey. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
export MTOOLS_SKIP_CHECK=1 PATH=$PATH:/usr/sbin:/sbin

disk="it's \$a disk.raw"
printf '%s\t%s\t%s\n' text 'Users/x/häl lo.txt' hello compressed Users/x/c.bin 300000 sparse Users/x/s.bin 3000000 fill Users/x/f.bin 1234567 >m
mk "$disk" --gen 2 --break bad-memory-list --manifest m
before=$(hash "$disk")
"$coldfix" info --json "$disk" >info.json
alike() { test -s "$1" && cmp "$1" "$2"; }
part() { # number file: a partition as a file of its own
	local start size
	start=$(jq ".disk.partitions[] | select(.number == $1).start" info.json)
	size=$(jq ".disk.partitions[] | select(.number == $1).size" info.json)
	dd if="$disk" of="$2" bs=1M iflag=skip_bytes,count_bytes skip="$start" count="$size" conv=sparse status=none
	truncate -s "$size" "$2"
}
part 4 ntfs.img
part 2 esp.img

for f in Users/x/c.bin Users/x/s.bin Users/x/f.bin 'Users/x/häl lo.txt' Windows/System32/config/SOFTWARE pagefile.sys; do
	ntfscat -f ntfs.img "/$f" >want 2>/dev/null
	run cat "$disk" "C:\\${f//\//\\}"
	ok "cat $f: as ntfscat" alike want out
done
run cat "$disk" 'c:/WINDOWS/system32/CONFIG/software'
ntfscat -f ntfs.img /Windows/System32/config/SOFTWARE >want
ok 'cat: any letter case, either slash' alike want out
mcopy -n -i esp.img ::/EFI/Microsoft/Boot/BCD want
run cat "$disk" '2:\efi\microsoft\boot\bcd'
ok 'cat from the ESP: as mcopy' alike want out

mkdir got
expect 0 'get two files' get --to got "$disk" 'C:\Users\x\c.bin' '2:\EFI\Microsoft\Boot\BCD'
ok 'get: the ESP file' alike want got/BCD
ntfscat -f ntfs.img /Users/x/c.bin >want2
ok 'get: the NTFS file' alike want2 got/c.bin
expect 8 'get: an existing file is not overwritten' get --to got "$disk" '2:\EFI\Microsoft\Boot\BCD'
ok 'get: it is as it was' alike want got/BCD
expect 8 'get: a path that is not there' get --to got "$disk" 'C:\no\such'
err_says 'get: the path is named' 'C:\\no\\such'
ok 'get: nothing half-done' test "$(find got -type f | wc -l)" = 2

run ls "$disk" 'C:\Windows\System32\config'
sed -n '/^-/s/.*config\\//p' out | sort >ours
ntfsls -F -p /Windows/System32/config ntfs.img 2>/dev/null | grep -v '/$' | sort >theirs
ok 'ls: the names of ntfsls' alike ours theirs
run ls "$disk" /
ok 'ls /: one kind of separator' test "$(grep -c / out)" = 0
json 0 'ls: a file' ls "$disk" 'C:\Users\x\f.bin'
is 'ls: its size' '.entries[0].size == 1234567'

hive=want3
ntfscat -f ntfs.img /Windows/System32/config/SYSTEM >$hive
for v in DumpFile MinidumpDir; do
	hivexget $hive 'ControlSet001\Control\CrashControl' $v >want4
	run reg "$disk" query 'HKLM\SYSTEM\CurrentControlSet\Control\CrashControl' /v $v
	ok "reg query /v $v: as hivexget" grep -qF "$(cat want4)" out
done
run reg "$disk" query 'HKLM\SYSTEM\ControlSet001\Services\sacsvr' /v Start
ok 'reg query: a number' grep -q 'Start  *REG_DWORD  *0x2' out
expect 8 'reg query: no such key' reg "$disk" query 'HKLM\SYSTEM\NoSuchKey'
expect 16 'reg query: no such hive' reg "$disk" query 'HKXX\SYSTEM'
run bcd "$disk" enum all
ok 'bcd enum all: the list of bad pages' grep -qE '^badmemorylist +0x10000$' out
json 0 'bcd enum' bcd "$disk" enum

# On a terminal: colours, unless they are not wanted. What is typed next works in a shell, whatever the name.
on_terminal n diagnose "$disk"
ok 'terminal: coloured' grep -q $'\033\[31m' out
NO_COLOR=1 on_terminal n diagnose "$disk"
ok 'terminal: NO_COLOR' sh -c '! grep -q "$(printf "\033")" out'
on_terminal n diagnose --color=never "$disk"
ok 'terminal: --color=never' sh -c '! grep -q "$(printf "\033")" out'
run diagnose "$disk"
ok 'no terminal: no colour' sh -c '! grep -q "$(printf "\033")" out'
next=$(sed -n 's/^Next: coldfix //p' out)
bash -c "'$coldfix' $next" >next.out 2>next.err
[ $? = 4 ] && grep -q '^Dry run' next.out
result $? 'the next command, as printed, works in a shell' next.out
run diagnose --color=always "$disk"
ok '--color=always' grep -q $'\033\[' out
same 'nothing was written' "$disk" "$before"
ok 'nothing lies beside it' test -z "$(beside "$disk")"
plan
