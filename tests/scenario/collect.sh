#!/bin/bash
# collect.sh - the evidence of a disk: what is in it, that it is what lies on the disk, and that a failure leaves nothing. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

# Files that Windows would have, one of them larger than what is taken of a log.
head -c 300000 /dev/urandom >System.evtx
head -c 6000000 /dev/urandom >CBS.log
{
	printf 'file\tWindows/System32/winevt/Logs/System.evtx\t%s\n' "$PWD/System.evtx"
	printf 'file\tWindows/Logs/CBS/CBS.log\t%s\n' "$PWD/CBS.log"
	printf 'text\tWindows/INF/setupapi.dev.log\tdevice\n'
	for i in 1 2 3 4 5 6 7 8 9 10; do
		printf 'text\tWindows/Logs/WindowsUpdate/WindowsUpdate.%s.etl\ttrace\n' $i
		printf 'time\tWindows/Logs/WindowsUpdate/WindowsUpdate.%s.etl\t%s\n' $i $((1704000000 + i))
	done
	printf 'journal\t1.1\tclean\n'
} >more

mk g2.raw --gen 2 --size 512M --manifest more --json g2.json
mk g1.raw --gen 1 --size 512M --break hive-unclean,dump-found,dump-in-pagefile
for f in vhd vhdx qcow2; do mk g2.$f --gen 2 --size 512M --manifest more --format $f; done
qemu-img convert -O vhdx g1.raw g1.vhdx
h2=$(hash g2.raw) h1=$(hash g1.raw)
start() { jq ".partitions[] | select(.role == \"$1\") | .start" g2.json; }
bytes() { jq ".partitions[] | select(.role == \"$1\") | .size" g2.json; }

# One folder; every file is what independent tools read from the disk.
json 0 'generation 2' collect --to 'out dir' g2.raw
is 'its folder is told, and what it holds' '(.folder | startswith("out dir/coldfix-COLDFIX-VM-")) and .archive == null and .collected > 40 and .not_collected == 0'
is 'the warning is there' '.warning | contains("secrets")'
cp out g2.out
d=$(jq -r .folder out)
ok 'the sums are right' sh -c "cd '$d' && sha256sum -c --quiet SHA256SUMS"
[ "$(find "$d" -type f ! -name SHA256SUMS | wc -l)" = "$(wc -l <"$d/SHA256SUMS")" ]
result $? 'every file has its sum'
[ -z "$(find 'out dir' -type d ! -perm 700)" ] && [ -z "$(find "$d" -type f ! -perm 600)" ]
result $? 'folders are 0700, files 0600'
jq -e --slurpfile o out '.files == $o[0].files and (.warning | contains("secrets")) and .disk == "g2.raw"' "$d/manifest.json" >/dev/null
result $? 'the manifest says the same'
grep -qF "coldfix collect --json --to 'out dir' g2.raw" "$d/command.txt"
result $? 'the command line is kept as typed' "$d/command.txt"
for c in info diagnose; do
	"$coldfix" $c --json g2.raw >plain.json 2>err
	cmp plain.json <(cat "$d/$c.json" && echo) >check.log 2>&1
	result $? "$c.json is what $c --json says" check.log
done
taken() { cmp "$d/$1" "$2" >check.log 2>&1; result $? "$1 is what lies on the disk" check.log; }
head -c 17408 g2.raw >want && taken disk/disk0-first-sectors.bin want
tail -c 16896 g2.raw >want && taken disk/disk0-last-sectors.bin want
volume() { rm -f volume.img && truncate -s "$3" volume.img && "$COLDFIX_IMAGE_TOOLS/place" "$1" volume.img 0 "$2" "$3"; }
volume g2.raw "$(start windows)" "$(bytes windows)"
head -c 8192 volume.img >want && taken disk/disk0-partition4-boot.bin want
tail -c 512 volume.img >want && taken disk/disk0-partition4-boot-copy.bin want
for f in SYSTEM SOFTWARE SAM SECURITY DEFAULT SYSTEM.LOG1 SYSTEM.LOG2 SOFTWARE.LOG1; do
	ntfscat -f volume.img "Windows/System32/config/$f" >want 2>err && taken "registry/windows1-$f" want
done
ntfscat -f volume.img '$LogFile' >want 2>err && taken ntfs/disk0-partition4-LogFile want
MTOOLS_SKIP_CHECK=1 mcopy -n -i "g2.raw@@$(start esp)" ::/EFI/Microsoft/Boot/BCD want && taken boot/disk0-partition2-EFI-Microsoft-Boot-BCD want && rm -f want
MTOOLS_SKIP_CHECK=1 mcopy -n -i "g2.raw@@$(start esp)" ::/EFI/Microsoft/Recovery/BCD want && taken boot/disk0-partition2-EFI-Microsoft-Recovery-BCD want
taken events/windows1-System32-winevt-Logs-System.evtx System.evtx
tail -c 4194304 CBS.log >want && taken logs/windows1-Logs-CBS-CBS.log want
jq -e '.files[] | select(.file == "logs/windows1-Logs-CBS-CBS.log") | .status == "tail" and .source_size == 6000000' g2.out >/dev/null
result $? 'the tail of a log is called so'
[ "$(find "$d/logs" -name '*.etl' | sed 's/.*Update\.\([0-9]*\).*/\1/' | sort -n | xargs)" = '3 4 5 6 7 8 9 10' ]
result $? 'of the traces the newest eight'
[ -s "$d/boot/windows1-System32-Recovery-ReAgent.xml" ] && [ -s "$d/boot/disk0-partition1-ReAgent.xml" ]
result $? 'both ReAgent.xml'
same 'the disk is untouched' g2.raw "$h2"
ok 'nothing lies beside the disk' test -z "$(beside g2.raw)"
json 0 'a second time' collect --to 'out dir' g2.raw
[ "$(find 'out dir' -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
result $? 'makes a folder of its own'

# Every container holds the same evidence.
sums() { grep -v '\.json$\|command.txt\|last-sectors' "$1/SHA256SUMS" | sort; }
for f in vhd vhdx qcow2; do
	json 0 "g2.$f" collect --to "out-$f" g2.$f
	sums "$d" >want
	sums "$(jq -r .folder out)" | diff want - >check.log 2>&1
	result $? "g2.$f: the same evidence" check.log
done

# Generation 1, with what is not there.
json 0 'generation 1' collect --to out1 g1.raw
cp out g1.out
is 'what is missing is noted' '[.files[] | select(.status == "missing").source] | map(contains("System.evtx") or contains("CBS.log") or contains("setupapi") or contains("ReAgent")) | length == 4 and all'
d1=$(jq -r .folder out)
[ -s "$d1/boot/disk0-partition1-Boot-BCD" ] && [ -s "$d1/registry/windows1-SYSTEM.LOG1" ] && [ "$(jq -r .exit_status "$d1/diagnose.json")" = 4 ]
result $? 'store, logs of the unclean hive and diagnosis are there' g1.out
ok 'the sums of it are right' sh -c "cd '$d1' && sha256sum -c --quiet SHA256SUMS"
same 'generation 1: the disk is untouched' g1.raw "$h1"
volume g1.raw 26214400 509607936
for p in pagefile.sys Windows/MEMORY.DMP Windows/LiveKernelReports/WATCHDOG-20240101-0000.dmp; do
	cmp "$d1/dumps/disk0-partition2-${p//\//-}.header" <(ntfscat -f volume.img "$p" 2>err | head -c 12288) >check.log 2>&1
	result $? "the header of $p" check.log
done
is 'a header is called so' '[.files[] | select(.status == "head")] | length == 4'
json 0 'generation 1 as VHDX' collect --to out1x g1.vhdx

# Logical partitions: their own records too. A damaged backup GPT that lies where the disk once ended.
truncate -s 64M logical.raw
printf 'label: dos\nstart=2048, size=20480, type=7\nstart=24576, size=90000, type=5\nstart=26624, size=20480, type=7\nstart=49152, size=20480, type=7\n' |
	sfdisk -q --no-reread --no-tell-kernel logical.raw >/dev/null 2>&1
json 0 'logical partitions' collect --to outl logical.raw
dl=$(jq -r .folder out)
[ "$(find "$dl/disk" -name '*-record.bin' | wc -l)" = 2 ] && cmp "$dl/disk/disk0-partition5-record.bin" <(dd if=logical.raw bs=512 skip=24576 count=1 status=none)
result $? 'the extended boot records'
is 'no Windows is no failure' '[.files[] | select(.source == "Windows").status] == ["missing"]'
mk grown.raw --gen 2 --size 512M --break gpt-damaged-size
json 0 'a disk that has grown' collect --to outg grown.raw
cmp "$(jq -r .folder out)/disk/disk0-old-backup-gpt.bin" <(head -c 536870912 grown.raw | tail -c 16896) >check.log 2>&1
result $? 'the backup GPT where the primary says' check.log

# Damage is noted and does not end it.
mk enc.raw --gen 2 --size 512M --break encrypted
json 0 'an encrypted disk' collect --to oute enc.raw
is 'what can not be read is noted' '[.files[] | select(.status == "unreadable")] | length == 1'
mk nosys.raw --gen 2 --size 512M --break hive-corrupt,boot-store-missing
json 0 'a damaged disk' collect --to outn nosys.raw

# One archive.
if "$coldfix" --version | grep -q zstd; then
	json 0 'archive' collect --archive --to arch g2.raw
	a=$(jq -r .archive.path out)
	[ "$(stat -c %a "$a")" = 600 ] && [ "$(sha256sum <"$a" | cut -c1-64)" = "$(jq -r .archive.sha256 out)" ] && [ "$(find arch -mindepth 1 | wc -l)" = 1 ] && [ "$(stat -c %s "$a")" = "$(jq .archive.size out)" ]
	result $? 'one file, 0600, with the sum that was told' out
	mkdir unpacked && (umask 022 && tar -C unpacked --zstd -xpf "$a") >check.log 2>&1
	result $? 'tar unpacks it' check.log
	u=$(find unpacked -mindepth 1 -maxdepth 1)
	ok 'the sums in it are right' sh -c "cd '$u' && sha256sum -c --quiet SHA256SUMS"
	sums "$d" >want
	sums "$u" | diff want - >check.log 2>&1
	result $? 'it holds what the folder holds' check.log
	[ "$(stat -c %a "$u")" = 700 ]
	result $? 'unpacked it is 0700 again'
else
	refused unsupported 'archive without libzstd' collect --archive --to arch g2.raw
	ok 'and nothing is made' test ! -e arch
fi

# Refusals and failures leave nothing.
json 16 'no --to' collect g2.raw
json 16 'a word too many' collect --to x g2.raw more
json 16 'an option of another command' collect --to x --yes g2.raw
json 8 'no such disk' collect --to x missing.raw
ok 'no folder is made for it' test ! -e x
json 8 'a file is no folder' collect --to g2.raw/x g2.raw
json 8 'a folder in a folder that is not there' collect --to no/where g2.raw
mkdir full
(trap '' XFSZ && ulimit -f 1024 && "$coldfix" collect --json --to full g2.raw >out 2>err)
[ $? = 8 ] && [ "$(jq -r .error.code out)" = no-space ]
result $? 'no room: status 8' out
ok 'no room: nothing half-done stays behind' test -z "$(ls -A full)"
(trap '' XFSZ && ulimit -f 1024 && "$coldfix" collect --json --to fresh g2.raw >out 2>err)
ok 'no room: not even the folder that was made for it' test ! -e fresh
(trap '' XFSZ && ulimit -f 1024 && "$coldfix" collect --json --archive --to fresh g2.raw >out 2>err)
ok 'no room: no archive either' test ! -e fresh
same 'the disk is untouched by all this' g2.raw "$h2"
expect 0 'text' collect --to text g2.raw
grep -q '^Evidence of COLDFIX-VM: ' out && grep -q 'registry *[0-9]* files' out && grep -q 'holds secrets' out
result $? 'the text says what there is, where, and the warning' out
plan
