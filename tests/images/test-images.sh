#!/bin/bash
# test-images.sh - the disk factory itself is sound: healthy disks please every judge, each --break shows what it must.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: test-images.sh healthy|breaks     (COLDFIX_IMAGE_TOOLS names the built helpers)
# What must show is asked from tools that are not ours: hivexget, ntfs-3g.probe, ntfsinfo, ntfsls, blkid, sgdisk.
set -uo pipefail
export LC_ALL=C TZ=UTC MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${COLDFIX_IMAGE_TOOLS:-$here/../../build/tests/images}
for need in mkntfs mkfs.fat mcopy sfdisk fdisk sgdisk hivexregedit hivexget qemu-img ntfs-3g.probe; do
	command -v $need >/dev/null || { echo "skipped: $need is not installed"; exit 77; }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/images.XXXXXX")
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

make() { "$here/mkdisk" --out "$work/d" --json "$work/json" "$@" || { fail "mkdisk $*"; return 1; }; }
sound() { # judge options… -- what
	local opts=()
	while [ "$1" != -- ]; do opts+=("$1"); shift; done
	"$here/judge" ${opts[@]+"${opts[@]}"} "$work/d" >"$work/judged" || { fail "${*:2}"; cat "$work/judged"; }
}
field() { sed -n "s/.*\"role\": \"$1\", \"start\": \([0-9]*\), \"size\": \([0-9]*\).*/\\$2/p" "$work/json"; }
volume() { # ROLE: the volume as $work/v
	rm -f "$work/v"
	"$tools/place" "$work/d" "$work/v" 0 "$(field "$1" 1)" "$(field "$1" 2)"
	truncate -s "$(field "$1" 2)" "$work/v"
}
hive() { volume windows; ntfscat -f "$work/v" "Windows/System32/config/$1" >"$work/h" 2>/dev/null; }
store() { volume esp; mcopy -n -i "$work/v" ::EFI/Microsoft/Boot/BCD "$work/h" </dev/null; }
value() { hivexget "$work/h" "$1" "$2" 2>&1; }
hex() { hivexget "$work/h" "$1" "$2" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; }
is() { [ "$1" = "$2" ] || fail "$now: '$1' instead of '$2'"; }
like() { grep -qE "$2" <<<"$1" || fail "$now: '$1' has no $2"; }
probe() { volume windows; ntfs-3g.probe --readwrite "$work/v" 2>/dev/null; is $? "$1"; }
has_file() { volume windows; ntfsls -f -a -p "/$1" "$work/v" 2>/dev/null | grep -qx "$2" || fail "$now: no $1/$2"; }
no_file() { volume windows; ! ntfsls -f -a -p "/$1" "$work/v" 2>/dev/null | grep -qx "$2" || fail "$now: $1/$2 is there"; }

badmemory='\Objects\{5189b25c-5558-4bf2-bca4-289b11bd29e2}\Elements\1700000a'
loader='\Objects\{7f64c13c-0b1d-11ed-afd6-c01df1c50001}\Elements'
bootmgr='\Objects\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements'
crash='\ControlSet001\Control\CrashControl'
memory='\ControlSet001\Control\Session Manager\Memory Management'
name='\ControlSet001\Control\ComputerName\ComputerName'

healthy() {
	local one two
	printf 'many\tUsers/many\t500\t20\nmany\tUsers/flat\t300\t300\n' >"$work/many"
	for args in "--gen 2" "--gen 1" "--gen 1 --layout single --windows server2008r2" "--data-disk" \
		"--gen 2 --layout recovery-behind --windows win11 --paging d" "--gen 2 --sector 4096 --windows server2025" \
		"--gen 1 --layout recovery-behind --size 192M" "--gen 2 --size 192M --unallocated 32M --junk 20M" \
		"--gen 2 --size 192M --system-keys 7000 --manifest $work/many"; do
		case $args in *4096*) sector=4096 ;; *) sector=512 ;; esac
		# shellcheck disable=SC2086
		make $args && sound --sector $sector -- "$args"
	done
	now='many names and keys'
	hive SYSTEM
	is "$(value '\ControlSet001\Enum\BUS0000\VEN_1414&DEV_03E7&SUBSYS_00004257\5&394b69d0&0&000004' DeviceDesc)" \
		'@machine.inf,%pci\ven_1774%;Device 0006004'
	has_file Users/flat 'component-0000299_10.0.1.manifest'
	no_file Users/many/level-00/level-00/folder-00000 temporary0000000.tmp
	now='one command, one disk'
	make --gen 2 --size 192M && one=$("$here/verify-guest" "$work/d")
	sleep 1.1
	make --gen 2 --size 192M --format vhdx && two=$("$here/verify-guest" "$work/d")
	is "$two" "$one"
	for format in vhd vhd-azure vhd-dynamic vhdx qcow2 vmdk vdi; do
		now=$format
		make --gen 2 --size 192M --format $format && is "$("$here/verify-guest" "$work/d")" "$one"
		sound -- $format
	done
}

# broken ID JUDGE-OPTIONS…; then checks follow
broken() {
	now=$1
	make --gen 2 --size 256M --windows server2022 --break "$1"
	sound "${@:2}" -- "$1"
}
breaks() {
	broken bad-memory-list; store; is "$(hex "$badmemory" Element | wc -c)" 36976
	broken bad-memory-list-loader; store; is "$(hex "$loader\\1700000a" Element | wc -c)" 144
	broken bad-memory-registry; hive SYSTEM; like "$(hex '\ControlSet001\Control\WHEA' BadPages)" '^0010020000000000'
	broken memory-limited; store; is "$(hex "$loader\\15000007" Element)" 0000001000000000
	broken memory-limited-removememory; store; is "$(hex "$loader\\25000031" Element)" ac0d000000000000
	broken memory-limited-inherited; store
	is "$(hex '\Objects\{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}\Elements\15000007' Element)" 0000001000000000
	broken ramdisk-boot-pending; store; like "$(value "$bootmgr\\24000002" Element)" '7619dcca'
	broken ramdisk-boot-default; store; like "$(value "$bootmgr\\23000003" Element)" '7619dcca'
	broken pagefile-misplaced; hive SYSTEM; is "$(value "$memory" PagingFiles)" 'E:\pagefile.sys'; no_file '' pagefile.sys
	broken pagefile-stray; hive SYSTEM; is "$(value "$memory" PagingFiles)" 'D:\pagefile.sys'; has_file '' pagefile.sys
	broken pagefile-data-disk; hive SYSTEM; is "$(value "$memory" PagingFiles)" 'F:\pagefile.sys'
	like "$(hex '\MountedDevices' '\DosDevices\F:')" '^444d494f3a49443ac5f11dc0'
	broken serial-console-off; store; is "$(hex "$loader\\260000b0" Element)" 00
	hive SYSTEM; is "$(value '\ControlSet001\Services\sacsvr' Start)" 3
	broken crash-dump-off; hive SYSTEM; is "$(value "$crash" CrashDumpEnabled)" 0
	broken dump-has-no-room; hive SYSTEM; is "$(value "$crash" CrashDumpEnabled)" 1
	is "$(value "$memory" PagingFiles)" 'D:\pagefile.sys'
	broken dump-in-pagefile; volume windows
	is "$(ntfscat -f "$work/v" pagefile.sys 2>/dev/null | head -c 8)" PAGEDU64
	broken dump-found; has_file Windows MEMORY.DMP; has_file Windows/Minidump 010124-5171-01.dmp
	broken hive-unclean; hive SYSTEM; is "$(value "$name" ComputerName)" BEFORE-REPLAY
	is "$(od -An -tu4 -j4 -N8 "$work/h" | tr -s ' ')" ' 9 8'
	hive SYSTEM.LOG1; is "$(head -c 516 "$work/h" | tail -c 4)" HvLE
	broken hive-torn --expect hivexml=bad,all=bad
	broken hive-corrupt --expect all=bad; like "$(cat "$work/judged")" 'SOFTWARE +bad'
	broken hive-corrupt-system --expect all=bad; like "$(cat "$work/judged")" 'SYSTEM +bad'
	broken boot-store-unclean; store; is "$(od -An -tu4 -j4 -N8 "$work/h" | tr -s ' ')" ' 9 8'
	broken boot-store-corrupt --expect all=bad; like "$(cat "$work/judged")" 'Boot/BCD +bad'
	broken boot-store-missing; rm -f "$work/h"; store 2>/dev/null; [ ! -e "$work/h" ] || fail 'boot store is there'
	broken control-set-missing; hive SYSTEM; is "$(value '\Select' Current)" 4
	broken volume-unclean; probe 14
	broken volume-unclean-1.1; probe 15
	broken volume-dirty; volume windows; like "$(ntfsinfo -f -m "$work/v" 2>/dev/null)" 'Volume Flags: 0x0001'
	broken volume-hibernated; probe 14; has_file '' hiberfil.sys
	broken shadow-copies; has_file 'System Volume Information' \
		'{9c3f6d5e-a6f4-11ee-8c90-c01df1c50001}{3808876b-c176-4e48-b7ae-04046e6cc752}'
	broken volume-full; volume windows; like "$(ntfsinfo -f -m "$work/v" 2>/dev/null)" 'Free Clusters: 8192 '
	broken volume-full-hard; volume windows; like "$(ntfsinfo -f -m "$work/v" 2>/dev/null)" 'Free Clusters: 4096 '
	broken free-space-scattered; has_file Users/azureadmin/Pieces piece00002.bin
	no_file Users/azureadmin/Pieces piece00001.bin
	broken boot-file-fragmented; volume windows
	is "$(ntfsinfo -v -f -F Windows/System32/kernel32.dll "$work/v" 2>/dev/null | grep -c '0x.*0x.*0x1$')" 701
	broken gpt-damaged --expect sgdisk=bad,sfdisk=bad
	broken gpt-damaged-backup --expect sgdisk=bad,sfdisk=bad
	broken gpt-damaged-size --expect sgdisk=bad,sfdisk=bad
	broken cross-linked --expect all=bad; like "$(cat "$work/judged")" 'cluster accounting +bad'
	broken clutter; has_file Users/azureadmin/AppData/Local/Temp packed~go.log; has_file Profiles/roamer/Documents letter.docx
	broken update-pending; hive SOFTWARE
	like "$(hivexml "$work/h" 2>/dev/null)" 'RebootRequired'
	broken renames-pending; hive SYSTEM
	like "$(value '\ControlSet001\Control\Session Manager' PendingFileRenameOperations)" 'later~go.dll'
	broken encrypted; volume windows; is "$(blkid -p -o value -s TYPE "$work/v")" BitLocker
	broken refs; volume windows; is "$(blkid -p -o value -s TYPE "$work/v")" ReFS
	broken ldm; like "$(sfdisk --dump "$work/d")" 5808C8AA
}

now=''
case ${1-} in
healthy | breaks) "$1" ;;
*) echo "usage: test-images.sh healthy|breaks" >&2; exit 16 ;;
esac
[ $bad = 0 ] && echo "all as it must be"
exit $bad
