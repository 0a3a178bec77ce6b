#!/bin/bash
# dump-collect.sh - dumps come out of the disk byte for byte, wherever they lie; what was taken out of a paging file is remembered. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

dump() { python3 "$factory/dumps.py" "$@" || result 1 "the factory makes a dump ($*)"; }
made() { # name file wanted
	cmp "$2" "$3" >check.log 2>&1
	result $? "$1: byte for byte" check.log
}
sums_right() { ok "$1: the sums" sh -c "cd '$2' && sha256sum -c --quiet ./*.sha256"; }
# A disk with this dump at the start of its paging file: file dump pieces(0: one) mkdisk-options...
plant() {
	local out=$1 dump=$2 pieces=$3
	shift 3
	{
		if [ "$pieces" -gt 0 ]; then
			printf 'delete\tpagefile.sys\nfragment\tpagefile.sys\tWindows/Temp/other.tmp\t%s\n' "$pieces"
		fi
		printf 'poke\tpagefile.sys\t0\t%s\njournal\t1.1\tclean\n' "$PWD/$dump"
	} >more
	mk "$out" --size 512M --manifest more "$@"
}

# Inside a paging file: in one piece, in 500, in one that is too small for it.
dump bitmap one.dmp pages=500 blobs=1
dump complete many.dmp pages=490
dump active short.dmp pages=500
head -c 1048576 short.dmp >cut.dmp
plant one.raw one.dmp 0 --gen 2
plant many.raw many.dmp 500 --gen 1
plant short.raw cut.dmp 0 --gen 2 --page-file-size 1M
for d in one many short; do
	h=$(hash $d.raw)
	json 0 "$d" dump $d.raw collect --to "to-$d"
	cp out $d.out
	want=$d.dmp
	[ $d = short ] && want=cut.dmp
	made "$d" "to-$d/MEMORY.DMP" $want
	sums_right "$d" "to-$d"
	jq -e --arg h "$(sha256sum <$want | cut -c1-64)" '.collected | length == 1 and .[0].sha256 == $h and .[0].in_pagefile and .[0].recorded and .[0].files[0].sha256 == $h' out >/dev/null
	result $? "$d: the record of it" out
	same "$d: the disk is untouched" $d.raw "$h"
done
[ "$(stat -c %a to-one)" = 700 ] && [ -z "$(find to-one -type f ! -perm 600)" ]
result $? 'the folder is 0700, its files 0600'
jq -e '.collected[0].complete' one.out >/dev/null && jq -e '.collected[0].complete == false and (.collected[0].cut | length > 5)' short.out >/dev/null
result $? 'which is whole and which is cut short' short.out
truncate -s 486M volume.img && "$COLDFIX_IMAGE_TOOLS/place" many.raw volume.img 0 26214400 509607936
[ "$(ntfsinfo -f -v -F pagefile.sys volume.img 2>/dev/null | grep -cE '^[[:space:]]+0x[0-9a-f]+[[:space:]]+0x[0-9a-f]+[[:space:]]+0x[0-9a-f]+')" -ge 500 ]
result $? 'the paging file is in 500 pieces' # ntfsinfo counts
rm -f volume.img

# The same from every container; other kinds of dumps, also in the dedicated file.
for f in vhd vhdx qcow2; do
	plant one.$f one.dmp 0 --gen 2 --format $f
	json 0 "$f" dump one.$f collect --to "to-$f"
	made "$f" "to-$f/MEMORY.DMP" one.dmp
done
dump bitmap ded.dmp bits=32 pages=300
printf 'poke\tdd.sys\t0\t%s\njournal\t1.1\tclean\n' "$PWD/ded.dmp" >more
mk ded.raw --gen 1 --size 512M --paging d --manifest more
json 0 'in the dedicated file, 32 bits' dump ded.raw collect --to to-ded
made 'in the dedicated file' to-ded/MEMORY.DMP ded.dmp

# Saved dumps: all, those that are named, sparse, compressed by NTFS, in parts.
{ head -c 3M /dev/urandom; head -c 20M /dev/zero; head -c 1234567 /dev/urandom; } >memory.dmp
dump triage mini.dmp
{
	printf 'file\tWindows/MEMORY.DMP\t%s\n' "$PWD/memory.dmp"
	printf 'file\tWindows/Minidump/a.dmp\t%s\nfile\tWindows/LiveKernelReports/WATCHDOG/a.dmp\t%s\n' "$PWD/mini.dmp" "$PWD/mini.dmp"
	printf 'compressed\tWindows/LiveKernelReports/b.dmp\t700000\n'
	printf 'poke\tpagefile.sys\t0\t%s\njournal\t1.1\tclean\n' "$PWD/one.dmp"
} >more
mk all.raw --gen 2 --size 512M --manifest more
ha=$(hash all.raw)
json 0 'all of them' dump all.raw collect --to all
is 'five' '.collected | length == 5'
made 'MEMORY.DMP' all/MEMORY.DMP memory.dmp
made 'a second one of that name' all/MEMORY-2.DMP one.dmp
made 'a small one' all/a.dmp mini.dmp
made 'another of its name' all/a-2.dmp mini.dmp
run cat all.raw '\Windows\LiveKernelReports\b.dmp'
made 'compressed by NTFS' all/b.dmp out
[ "$(stat -c %b all/MEMORY.DMP)" -lt 20000 ]
result $? 'zeros stay holes'
sums_right 'all' all
json 0 'one by its path' dump all.raw collect --to named 'c:\windows\minidump\A.DMP'
[ "$(find named -type f | wc -l)" = 2 ] && cmp named/*.dmp mini.dmp
result $? 'it and its sum, nothing else'
json 0 'in parts' dump all.raw collect --to parts --split 1M 'C:\Windows\MEMORY.DMP'
cat parts/MEMORY.DMP.0?? >joined
made 'the parts together' joined memory.dmp
sums_right 'the parts' parts
[ "$(find parts -name 'MEMORY.DMP.0*' -size +1024k | wc -l)" = 0 ] && [ "$(find parts -name 'MEMORY.DMP.0*' | wc -l)" = 25 ]
result $? '25 parts of at most 1 MiB'
if "$coldfix" --version | grep -q zstd; then
	json 0 'compressed' dump all.raw collect --to packed --zstd 'C:\Windows\MEMORY.DMP'
	zstd -dcq packed/MEMORY.DMP.zst >joined
	made 'unpacked' joined memory.dmp
	json 0 'compressed, in parts' dump all.raw collect --to packs --zstd --split 1M 'C:\Windows\MEMORY.DMP'
	cat packs/MEMORY.DMP.zst.0?? | zstd -dcq >joined
	made 'joined and unpacked' joined memory.dmp
	sums_right 'compressed, in parts' packs
	is 'the sum of the dump is told too' ".collected[0].sha256 == \"$(sha256sum <memory.dmp | cut -c1-64)\" and (.collected[0].files | length) > 3"
else
	refused unsupported 'compressed, without libzstd' dump all.raw collect --to packed --zstd
fi
same 'the disk is untouched by all this' all.raw "$ha"

# Until it was collected, the paging file stays; afterwards a repair deletes it.
printf 'poke\tpagefile.sys\t0\t%s\njournal\t1.1\tclean\n' "$PWD/one.dmp" >more
mk stray.raw --gen 2 --size 1G --break pagefile-stray --manifest more
json 4 'before: diagnose' diagnose stray.raw
is 'before: a warning' '.problems[] | select(.id == "dump-in-pagefile") | .severity == "warning" and .evidence.collected == null'
json 4 'before: repair' repair --yes --temp-disk scsi stray.raw
is 'before: the file is left, and the way out is said' '[.problems[] | select(.evidence.stray_file)][0] | .status == "left" and (.reason | contains("dump DISK collect"))'
json 0 'collected' dump stray.raw collect --to stray
ok 'the record lies beside the disk' test -s stray.raw.coldfix-dumps/collected.json
json 0 'after: diagnose' diagnose stray.raw
is 'after: information' '.problems[] | select(.id == "dump-in-pagefile") | .severity == "info" and (.detail | contains("was collected")) and .evidence.collected != null'
dump bitmap other.dmp pages=500 time=1704000000
json 0 'after: repair' repair --yes --temp-disk scsi stray.raw
is 'after: the file is deleted' '[.problems[] | select(.evidence.stray_file)][0].status == "fixed"'
expect 8 'it is gone' ls stray.raw '\pagefile.sys'
# A later crash is another dump, which nobody has.
sed "s/one.dmp/other.dmp/" more >more2
mk later.raw --gen 2 --size 1G --break pagefile-stray --manifest more2
cp -r stray.raw.coldfix-dumps later.raw.coldfix-dumps
json 4 'a later dump: repair' repair --yes --temp-disk scsi later.raw
is 'a later dump: its file is left' '[.problems[] | select(.evidence.stray_file)][0].status == "left"'
json 0 'or said to be discarded' repair --yes --temp-disk scsi --discard-dump later.raw
is 'then it goes' '[.problems[] | select(.evidence.stray_file)][0].status == "fixed"'

# Refusals and failures leave nothing.
json 16 'no --to' dump all.raw collect
json 16 'parts of nothing' dump all.raw collect --to x --split 1K
json 16 'another verb'"'"'s option' dump all.raw collect --to x --yes
refused not-found 'no such path' dump all.raw collect --to x '\Windows\nothing.dmp'
refused unsupported 'no dump' dump all.raw collect --to x '\Windows\explorer.exe'
mk none.raw --gen 2 --size 512M
refused not-found 'no dump on the disk' dump none.raw collect --to x
ok 'no folder is made for that' test ! -e x
ok 'no record either' test ! -e none.raw.coldfix-dumps
refused refused 'a file of that name' dump all.raw collect --to all 'C:\Windows\MEMORY.DMP'
made 'which is not overwritten' all/MEMORY.DMP memory.dmp
for o in '' --zstd '--split 1M'; do
	mkdir full
	# shellcheck disable=SC2086
	(trap '' XFSZ && ulimit -f 512 && "$coldfix" dump all.raw collect --json --to full $o 'C:\Windows\MEMORY.DMP' >out 2>err)
	[ $? = 8 ] && [ -z "$(ls -A full)" ]
	result $? "no room ($o): nothing stays behind" out
	rm -rf full
done
expect 0 'text' dump all.raw collect --to text
grep -q 'C:\\pagefile.sys, bitmap, ' out && grep -q 'SHA-256' out && grep -q 'secrets' out
result $? 'the text says what came from where' out
plan
