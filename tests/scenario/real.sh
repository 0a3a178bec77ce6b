#!/bin/bash
# real.sh - boot stores and hives that real Windows wrote, each on a factory disk: no false finding, exact edits, exact undo. TAP.
# usage: real.sh COLDFIX SOURCE-ROOT WORK-FOLDER
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The stores come from $COLDFIX_SHARED/data (other people's disks, not to be redistributed); without it the test skips.
# Their device elements name partitions of machines that are not here, so most run along the way where a lone Windows is
# taken for what the store boots; some are pointed at the factory's partition and run along the way of a match.
. "$(dirname "$0")/lib.sh"
data=${COLDFIX_SHARED:-}/data
python=${PYTHON:-/usr/bin/python3}
export MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null
if [ ! -d "$data/bcd" ]; then
	echo "1..0 # SKIP no real boot stores here: COLDFIX_SHARED names no folder that has them"
	exit 0
fi
# What of a report says why a check failed.
said() { jq -c '.error, .problems' "$1"; }
# A hive as text without its times and places: what must not change.
text() { hivexml "$1" | sed -E 's#<mtime>[^<]*</mtime>##g; s#></#>\n</#g; s#><#>\n<#g' | grep -v byte_run; }
counted() { jq -r '.problems[] | select(.severity | IN("error", "warning", "blocker")) | .id' "$1" | tr '\n' ' '; }

esp=17825792 sysres=1048576 # bytes: where the factory puts these partitions
put() { # GEN DISK BCD [LOG-SOURCE]: the store in place of the factory's, with the logs that lay beside it
	local log
	if [ "$1" = 2 ]; then
		for log in LOG LOG1 LOG2; do mdel -i "$2@@$esp" "::/EFI/Microsoft/Boot/BCD.$log"; done
		mcopy -o -i "$2@@$esp" "$3" ::/EFI/Microsoft/Boot/BCD
		for log in "$4".LOG "$4".LOG1 "$4".LOG2; do
			[ ! -s "$log" ] || mcopy -o -i "$2@@$esp" "$log" "::/EFI/Microsoft/Boot/BCD.${log##*.}"
		done
	else
		{
			printf 'now\t1704067200\n'
			printf 'delete\t/Boot/BCD%s\n' '' .LOG .LOG1 .LOG2
			printf 'file\t/Boot/BCD\t%s\n' "$3"
			for log in "$4".LOG "$4".LOG1 "$4".LOG2; do
				[ ! -s "$log" ] || printf 'file\t/Boot/BCD.%s\t%s\n' "${log##*.}" "$log"
			done
		} | "$COLDFIX_IMAGE_TOOLS/ntfs-populate" --offset $sysres "$2"
	fi
}
fetch() { # GEN DISK OUT
	if [ "$1" = 2 ]; then
		mcopy -n -o -i "$2@@$esp" ::/EFI/Microsoft/Boot/BCD "$3"
	else
		dd if="$2" of=sysres.img bs=1M skip=1 count=24 conv=sparse status=none
		ntfscat -f sysres.img /Boot/BCD >"$3"
	fi
}
# Every GPT device element of the store now names the factory's Windows partition.
match() {
	"$python" - "$1" "$2" <<'END'
import json, sys, uuid
data, disk = bytearray(open(sys.argv[1], 'rb').read()), json.load(open(sys.argv[2]))
part = uuid.UUID([p['guid'] for p in disk['partitions'] if p['role'] == 'windows'][0]).bytes_le
head, at = bytes([6, 0, 0, 0, 0, 0, 0, 0, 0x48, 0, 0, 0, 0, 0, 0, 0]), 0
while (at := data.find(head, at)) >= 0:
    if data[at + 36:at + 40] == bytes(4):
        data[at + 16:at + 32], data[at + 40:at + 56] = part, uuid.UUID(disk['guid']).bytes_le
    at += 16
open(sys.argv[1], 'wb').write(data)
END
}

ems() { # ELEMENT: its bytes in {emssettings} of the file after
	hivexget after "\\Objects\\{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}\\Elements\\$1" Element | od -An -v -tx1 | tr -d ' \n'
}
badmemory='{5189b25c-5558-4bf2-bca4-289b11bd29e2}'
store() { # GEN OBJECTS MATCHED PATH
	local gen=$1 objects=$2 matched=$3 path=$data/bcd/$4 name="$4${3:+ (matched)}" before got
	rm -f ./*.json
	again "gen$gen.raw" disk.raw
	case $path in *.xz) xz -dc "$path" >BCD ;; *) cat "$path" >BCD ;; esac
	[ -z "$matched" ] || match BCD "gen$gen.layout"
	put "$gen" disk.raw BCD "$path"
	"$coldfix" diagnose --json disk.raw >d.json 2>d.err
	got=$?
	[ $got = 0 ] && [ -s d.json ] && [ -z "$(counted d.json)" ] &&
		jq -e '[.problems[] | select(.id != "serial-console-off")] | length == 0' d.json >/dev/null
	result $? "$name: nothing is found but the serial console (exit $got)" <(said d.json)
	"$coldfix" bcd disk.raw enum all /v >enum.txt
	[ "$(grep -c ^identifier enum.txt)" = "$objects" ]
	result $? "$name: enum shows its $objects objects" enum.txt
	if [ -n "$matched" ]; then
		grep -qE '^osdevice +partition=C:' enum.txt
		result $? "$name: the loader's device is named" enum.txt
	fi

	# A bad-memory list, written by hivexsh.
	cp BCD bad
	printf 'cd \\Objects\\%s\\Elements\nadd 1700000a\ncd 1700000a\nsetval 1\nElement\nhex:3:00,10,00,00,00,00,00,00,07,10,00,00,00,00,00,00\ncommit\n' \
		$badmemory | hivexsh -w bad >/dev/null
	again "gen$gen.raw" disk.raw
	put "$gen" disk.raw bad "$path"
	before=$(hash disk.raw)
	"$coldfix" diagnose --json disk.raw >d.json 2>d.err
	[ "$(counted d.json)" = 'bad-memory-list ' ] && [ "$(jq .verdict.code d.json)" = '"likely-cause"' ]
	result $? "$name: the list is found and nothing else" <(said d.json)
	"$coldfix" repair --yes --json --only bad-memory-list disk.raw >r.json 2>r.err && [ "$(jq .bytes_written r.json)" -gt 0 ]
	result $? "$name: the list is repaired" <(said r.json)
	fetch "$gen" disk.raw after
	text BCD >want.txt
	text after >got.txt
	diff want.txt got.txt >diff.txt
	result $? "$name: hivexml reads the store as it was before the list" diff.txt
	"$coldfix" repair --yes --json --only serial-console-off disk.raw >r2.json 2>r2.err
	fetch "$gen" disk.raw after
	[ "$(ems 15000022)" = 0100000000000000 ] && [ "$(ems 15000023)" = 00c2010000000000 ] && text after | grep -q 'name="260000b0"'
	result $? "$name: ems and emssettings are set" <(said r2.json)
	# What the store had is still there, in its order: the text only gained lines.
	text after >got.txt
	diff want.txt got.txt | grep '^<' >diff.txt
	[ ! -s diff.txt ]
	result $? "$name: and nothing else went" diff.txt
	"$coldfix" repair --yes --json --prepare disk.raw >r3.json 2>r3.err
	[ "$(jq .bytes_written r3.json)" = 0 ]
	result $? "$name: one more repair writes 0 bytes" <(said r3.json)
	"$coldfix" undo --yes --json disk.raw >u.json 2>&1 && "$coldfix" undo --yes --json disk.raw >u.json 2>&1
	result $? "$name: both repairs are undone" <(said u.json)
	[ "$(hash disk.raw)" = "$before" ]
	result $? "$name: every byte is as it was"
}

"$factory/mkdisk" --gen 2 --size 640M --out gen2.raw --json gen2.layout && "$factory/mkdisk" --gen 1 --size 640M --out gen1.raw --json gen1.layout
result $? "the factory makes the disks"
store 2 17 '' BAndysc+ASUS-TP300LD-ESP/1534c9bfcd/EFI/Microsoft/Boot/BCD
store 2 40 m Bizzaro+x230-osx/54ae5dae2a/EFI/Microsoft/Boot/BCD
store 2 49 '' FireOOO+MultiOsBoot-X230T/f3fa463347/EFI/Microsoft/Boot/BCD
store 2 20 m HiGreg+clover-m3800/78c782ca8a/EFI/Microsoft/Boot/BCD
store 2 39 '' Isstones+T480s-hackintosh/f8bf3e44d1/EFI/Microsoft/Boot/BCD
store 2 21 m lucasjsr2+EFI-Z690M-AORUS-ELITE-I5-12600K-RX5500XT/8720a70757/EFI/Microsoft/Boot/BCD
store 2 17 '' vincentwilliam+EFI/117a42533a/EFI/Microsoft/Boot/BCD
store 2 17 m mkorman90+regipy/BCD.xz
store 1 11 '' GaltonLai+iPXE_NativeWin11/1d01829aa9/boot/Boot/BCD
store 1 13 '' dev-trams+android_studys/44a22b6707/Boot/BCD
store 1 13 '' shrimant-shimpi+myGit/76a0d9eae5/Boot/BCD
store 1 11 '' TechInTech+ASU/3821571f89/Boot/BCD
plan
