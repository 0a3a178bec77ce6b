#!/bin/bash
# mounted.sh - defrag and expand judged by a mount: files that ntfs-3g wrote, compared through ntfs-3g before and after. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
if [ "$(id -u)" != 0 ] || [ ! -e /dev/fuse ] || ! losetup -f >/dev/null 2>&1; then
	echo '1..0 # SKIP a mount needs root, FUSE and loop devices'
	exit 0
fi
mkdir m
loop=
leave() {
	mountpoint -q m && umount m
	[ -z "$loop" ] || losetup -d "$loop"
	loop=
}
trap leave EXIT
enter() { # disk losetup-option mount-options
	local start size
	read -r start size < <("$coldfix" info --json "$1" | jq -r '.disk.partitions[] | select(.role == "windows") | "\(.start) \(.size)"')
	# shellcheck disable=SC2086 # none or one
	loop=$(losetup -f --show -o "$start" --sizelimit "$size" $2 "$1") && ntfs-3g -o "$3,streams_interface=xattr" "$loop" m
}
# Every file of the mount: number, links, sizes, times, content, streams, security.
sums() {
	python3 - m <<'PY'
import hashlib, os, sys
top = sys.argv[1]
def digest(b):
    return hashlib.sha256(b).hexdigest()
for folder, dirs, files in sorted(os.walk(top)):
    for name in sorted(files + dirs):
        path = os.path.join(folder, name)
        st = os.lstat(path)
        line = [os.path.relpath(path, top), st.st_ino, st.st_nlink, st.st_mtime_ns]
        if os.path.isfile(path) and not os.path.islink(path):
            line += [st.st_size, digest(open(path, 'rb').read())]
        attributes = ['system.ntfs_acl', 'system.ntfs_attrib', 'system.ntfs_times']
        try:
            attributes += sorted(os.listxattr(path))
        except OSError:
            pass
        for a in attributes:
            try:
                line.append(a + '=' + digest(os.getxattr(path, a)))
            except OSError:
                line.append(a + ' unreadable')
        print(*line)
PY
}
fill() {
	python3 - m <<'PY'
import os, random, sys
random.seed(1)
base = sys.argv[1] + '/Users/x'
names = []
for i in range(3000):
    folder = '%s/d%d' % (base, i % 40)
    os.makedirs(folder, exist_ok=True)
    names.append('%s/f%d' % (folder, i))
    with open(names[-1], 'wb') as f:
        f.write(random.randbytes(random.choice([100, 3000, 5000, 20000, 60000, 150000])))
random.shuffle(names)
for gone in names[1500:]:
    os.unlink(gone)
growing = [open('%s/big%d' % (base, i), 'ab', buffering=0) for i in range(5)]
for _ in range(300):
    for f in growing:
        f.write(random.randbytes(random.choice([4096, 8192, 12000])))
for i in range(100):
    os.link(names[i], '%s/link%d' % (base, i))
    os.setxattr(names[i], 'user.stream', random.randbytes(random.choice([50, 9000, 60000])))
with open(base + '/sparse', 'wb') as f:
    for i in range(200):
        f.seek(i * 200000)
        f.write(random.randbytes(5000))
packed = base + '/packed'
os.makedirs(packed)
attributes = int.from_bytes(os.getxattr(packed, 'system.ntfs_attrib_be'), 'big') | 0x800
os.setxattr(packed, 'system.ntfs_attrib_be', attributes.to_bytes(4, 'big'))
for i in range(30):
    with open('%s/c%d' % (packed, i), 'wb') as f:
        f.write(b''.join(random.choice([b'hello world ', b'x' * 40]) for _ in range(9000)))
PY
}
look() { enter disk.raw -r ro && sums >"$1"; leave; }
as_it_was() { test -s before.txt && cmp before.txt after.txt; }

mk disk.raw --gen 2 --size 700M --layout recovery-behind
{ enter disk.raw '' rw,compression && fill && sync; } >check.log 2>&1
result $? 'ntfs-3g fills the volume' check.log
sleep 0.3
leave
look before.txt
h=$(hash disk.raw)
json 0 'defrag' defrag --yes disk.raw
is 'defrag: much moved, no fragments left' '.bytes_moved > 10000000 and .after.fragmented_files == 0 and .after.fragmented_folders == 0'
look after.txt
ok 'defrag: the mount shows what it showed' as_it_was
ok 'defrag: the judges agree' "$factory/judge" disk.raw
json 0 'defrag: a second time' defrag --yes disk.raw
is 'defrag: a second time writes nothing' '.bytes_written == 0'
json 0 'expand' expand --yes --by 300M disk.raw
look after.txt
sed -i '/ReAgent\.xml /d' before.txt after.txt # says where the recovery partition is, which moved
ok 'expand: the mount shows what it showed' as_it_was
ok 'expand: the judges agree' "$factory/judge" disk.raw
json 0 'undo of expand' undo --yes disk.raw
json 0 'undo of defrag' undo --yes disk.raw
same 'both undone: every byte' disk.raw "$h"
plan
