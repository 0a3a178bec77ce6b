#!/bin/bash
# undo-state.sh - undo, and what coldfix keeps beside a disk: undo files, backup, modes. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

mk two.raw --gen 2 --windows server2022 --break bad-memory-list,bad-memory-registry
h0=$(hash two.raw)
sfdisk --dump two.raw >table0
extract() { # disk offset-of-partition file: the Windows volume
	dd if="$1" of="$2" bs=1M iflag=skip_bytes skip="$3" conv=sparse 2>/dev/null
}
win=$("$coldfix" info --json two.raw | jq '.disk.partitions[] | select(.role == "windows") | .start')
esp=$("$coldfix" info --json two.raw | jq '.disk.partitions[] | select(.role == "esp") | .start')
config='Windows/System32/config'

# Two repairs, undone newest first.
json 4 'first repair: one of two' repair --yes --only bad-memory-list two.raw
is 'first repair: the other one is skipped' '[.problems[] | select(.id == "bad-memory-registry")][0].status == "skipped"'
folder=$(jq -r .backup_folder out)
h1=$(hash two.raw)
ok 'undo file: mode 0600' test "$(stat -c %a two.raw.coldfix-undo)" = 600
ok 'backup: modes 0700' test "$(stat -c %a "$folder") $(stat -c %a two.raw.coldfix-backup)" = '700 700'
ok 'backup: files 0600' test -z "$(find "$folder" -type f ! -perm 600)"
ok 'backup: its sums are right' sh -c "cd '$folder' && sha256sum -c SHA256SUMS"
ok 'backup: every file has its sum' test "$(find "$folder" -type f ! -name SHA256SUMS | wc -l)" = "$(wc -l <"$folder/SHA256SUMS")"
sum=$(sha256sum two.raw.coldfix-undo)
json 0 'second repair' repair --yes two.raw
h2=$(hash two.raw)
second=$(jq -r .undo_file out)
ok 'second repair: an undo file of its own' test "$(basename "$second")" = two.raw.coldfix-undo.2
ok 'second repair: the first undo file is as it was' test "$sum" = "$(sha256sum two.raw.coldfix-undo)"
ok 'partition table as before' sh -c 'sfdisk --dump two.raw | cmp - table0'
ok 'two repairs, two different disks' test "$h0 $h1" != "$h1 $h2"
refused changed 'undo of the older one first' undo --yes two.raw two.raw.coldfix-undo
same 'undo of the older one first: nothing is written' two.raw "$h2"
json 0 'undo: the newest' undo --yes two.raw
same 'undo: as after the first repair' two.raw "$h1"
json 0 'undo: then the first, named' undo --yes two.raw two.raw.coldfix-undo
same 'undo: as in the beginning' two.raw "$h0"
ok 'partition table as in the beginning' sh -c 'sfdisk --dump two.raw | cmp - table0'

# The backup is what was on the disk.
json 0 'repair both' repair --yes two.raw
folder=$(jq -r .backup_folder out)
again two.raw was.raw
cp two.raw.coldfix-undo.3 was.undo 2>/dev/null || cp two.raw.coldfix-undo was.undo
json 0 'undo both' undo --yes two.raw
extract two.raw vol "$win"
dd if=two.raw of=esp.img bs=1M iflag=skip_bytes skip="$esp" count=40 2>/dev/null
for hive in SYSTEM SOFTWARE; do
	ntfscat -f vol "$config/$hive" >was.hive 2>/dev/null
	ok "backup: $hive as it was" cmp was.hive "$folder/disk0-partition4-$hive"
done
MTOOLS_SKIP_CHECK=1 mcopy -n -i esp.img ::/EFI/Microsoft/Boot/BCD was.bcd
ok 'backup: the boot store as it was' cmp was.bcd "$folder/disk0-partition2-BCD"

# Where undo files go.
again two.raw d.raw
mkdir -p else
json 0 '--undo-file elsewhere' repair --yes --undo-file else/here.undo d.raw
ok '--undo-file: it is there' test -s else/here.undo
ok '--undo-file: nothing under the usual name' test ! -e d.raw.coldfix-undo
json 0 '--undo-file: undone from there' undo --yes --undo-file else/here.undo d.raw
same '--undo-file: every byte' d.raw "$h0"
echo precious >mine
json 8 '--undo-file: an existing file' repair --yes --undo-file mine d.raw
ok '--undo-file: an existing file stays' grep -qx precious mine
same '--undo-file: an existing file, nothing written' d.raw "$h0"
again two.raw d.raw
json 8 '--undo-file in a folder that is not there' repair --yes --undo-file nowhere/x d.raw
same 'no folder for the undo file: nothing written' d.raw "$h0"
json 0 '--no-undo --no-backup' repair --yes --no-undo --no-backup d.raw
ok '--no-undo --no-backup: nothing is left beside the disk' test -z "$(beside d.raw)"
is '--no-undo: no undo file in the object' '.undo_file == null and .bytes_written > 0'
again two.raw d.raw
json 0 '--backup-dir' repair --yes --no-undo --backup-dir else/backup d.raw
ok '--backup-dir: it is there' test -s "$(jq -r .backup_folder out)/SHA256SUMS"
ok '--backup-dir: nothing beside the disk' test -z "$(beside d.raw)"
if [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ] && [ -w /dev/shm ]; then
	again two.raw d.raw
	refused refused 'undo file on a memory file system' repair --yes --undo-file "/dev/shm/coldfix-$$.undo" d.raw
	ok 'memory file system: nothing is left there' test ! -e "/dev/shm/coldfix-$$.undo"
	ok 'memory file system: nothing is left beside the disk' test -z "$(beside d.raw)"
	refused refused 'backup on a memory file system' repair --yes --backup-dir "/dev/shm/coldfix-$$" d.raw
	ok 'memory file system: no backup there' test ! -e "/dev/shm/coldfix-$$"
	same 'memory file system: nothing written' d.raw "$h0"
else
	skip 'memory file systems' 'no /dev/shm'
fi

# What a boot between repair and undo writes.
ntfs() { python3 - "$1" "$win" "$2" <<'EOF'
import struct, sys
path, start, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, 'r+b') as f:
    f.seek(start)
    boot = f.read(512)
    cluster = struct.unpack_from('<H', boot, 11)[0] * boot[13]
    mft = start + struct.unpack_from('<Q', boot, 48)[0] * cluster
    if what == 'mft':
        at = mft + 3 * 1024 + 0x10      # sequence number of $Volume
    else:
        f.seek(mft + 2 * 1024)           # $LogFile: its first extent
        r = f.read(1024)
        a = struct.unpack_from('<H', r, 20)[0]
        while struct.unpack_from('<I', r, a)[0] != 0x80:
            a += struct.unpack_from('<I', r, a + 4)[0]
        p = a + struct.unpack_from('<H', r, a + 32)[0]
        n, o = r[p] & 15, r[p] >> 4
        at = start + int.from_bytes(r[p + 1 + n:p + 1 + n + o], 'little', signed=True) * cluster + 0x30
    f.seek(at)
    b = f.read(1)
    f.seek(at)
    f.write(bytes([b[0] ^ 1]))
EOF
}
hive_block() { # disk: the base block of SYSTEM, found by its bytes
	python3 - "$1" "$win" <<'EOF'
import mmap, sys
with open(sys.argv[1], 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0)
    at = int(sys.argv[2])
    name = 'SYSTEM'.encode('utf-16-le')
    while (at := m.find(b'regf', at)) >= 0:
        if name in m[at + 48:at + 112].upper().replace(b's\0', b'S\0'):
            m[at + 4] ^= 1
            sys.exit(0)
        at += 512
sys.exit('no such hive')
EOF
}
for what in mft log hive; do
	again two.raw d.raw
	"$coldfix" repair --yes d.raw >/dev/null 2>&1
	h=$(hash d.raw)
	if [ $what = hive ]; then hive_block d.raw; else ntfs d.raw $what; fi
	changed=$(hash d.raw)
	ok "a boot wrote ($what): the disk is another one" test "$h" != "$changed"
	refused changed "a boot wrote ($what): undo" undo --yes d.raw
	same "a boot wrote ($what): nothing is written" d.raw "$changed"
	json 0 "a boot wrote ($what): undo --force" undo --yes --force d.raw
done

# Undo files that are not this disk's, or no undo files.
mk other.raw --gen 2 --windows server2022 --break bad-memory-list,bad-memory-registry --seed 7
again two.raw d.raw
"$coldfix" repair --yes d.raw >/dev/null 2>&1
ho=$(hash other.raw)
json 8 "another disk's undo file" undo --yes other.raw d.raw.coldfix-undo
same "another disk's undo file: nothing is written" other.raw "$ho"
head -c 4096 /dev/urandom >noise
json 8 'noise instead of an undo file' undo --yes d.raw noise
: >nothing
json 8 'an empty undo file' undo --yes d.raw nothing
json 8 'an undo file that is not there' undo --yes d.raw not-there
head -c 6000 d.raw.coldfix-undo >torn
json 8 'a torn undo file' undo --yes d.raw torn
plan
