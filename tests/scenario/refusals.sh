#!/bin/bash
# refusals.sh - what is not written, by name, with what to do; and that nothing of it was touched. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

mk base.raw --gen 2 --break bad-memory-list
mk healthy.raw --gen 2
h=$(hash base.raw)
bytes() { "$factory/verify-guest" --format raw "$1"; } # of the file itself, holes skipped
untouched() { # name file sum
	[ -n "$3" ] && [ "$(bytes "$2")" = "$3" ]
	result $? "$1"
}

# A qcow2 with a backing file.
mkdir -p chain
again base.raw chain/base.raw
qemu-img create -q -f qcow2 -F raw -b base.raw chain/top.qcow2
sb=$(bytes chain/base.raw) st=$(bytes chain/top.qcow2)
for c in diagnose info; do refused refused "backing file: $c" $c chain/top.qcow2; done
is 'backing file: the option is named' '.error.message | contains("--allow-backing")'
json 4 'backing file: diagnose --allow-backing' diagnose --allow-backing chain/top.qcow2
refused refused 'backing file: repair' repair --yes chain/top.qcow2
refused refused 'backing file: repair --allow-backing' repair --yes --allow-backing chain/top.qcow2
is 'backing file: what to do instead' '.error.message | contains("--output")'
json 0 'backing file: a copy can be repaired' repair --yes --allow-backing --output chain/flat.qcow2 chain/top.qcow2
untouched 'backing file: it is as it was' chain/base.raw "$sb"
untouched 'backing file: the overlay is as it was' chain/top.qcow2 "$st"
ok 'backing file: no state beside it' sh -c '! ls chain | grep "coldfix-" | grep -v "^flat"'

# The base that an overlay beside it needs.
refused refused 'a checkpoint depends on it: repair' repair --yes chain/base.raw
is 'a checkpoint depends on it: the option and the overlay are named' '.error.message | contains("--allow-checkpoints") and contains("top.qcow2")'
json 4 'a checkpoint depends on it: diagnose' diagnose chain/base.raw
untouched 'a checkpoint depends on it: as it was' chain/base.raw "$sb"
json 0 'a checkpoint depends on it: --allow-checkpoints' repair --yes --allow-checkpoints chain/base.raw

# A differencing VHD: a dynamic one whose footer says so.
again base.raw d.raw
qemu-img convert -O vpc -o subformat=dynamic d.raw diff.vhd
python3 - <<'EOF'
import struct
with open('diff.vhd', 'r+b') as f:
    size = f.seek(0, 2)
    for at in (0, size - 512):
        f.seek(at)
        b = bytearray(f.read(512))
        b[60:64] = struct.pack('>I', 4)
        b[64:68] = bytes(4)
        b[64:68] = struct.pack('>I', ~sum(b) & 0xffffffff)
        f.seek(at)
        f.write(b)
EOF
sd=$(bytes diff.vhd)
for c in diagnose 'repair --yes'; do
	set -- $c
	# shellcheck disable=SC2086
	json 8 "differencing VHD: $c" $1 ${2:-} diff.vhd
	is "differencing VHD: $c says so" '.error.message | test("differencing|parent")'
done
untouched 'differencing VHD: as it was' diff.vhd "$sd"

# In use.
again base.raw used.raw
if command -v qemu-nbd >/dev/null; then
	qemu-nbd -f raw -k "$work/u" -t used.raw >nbd.log 2>&1 &
	server=$!
	for _ in $(seq 100); do [ -S "$work/u" ] && break || sleep 0.1; done
	refused in-use 'in use: diagnose' diagnose used.raw
	is 'in use: the option is named' '.error.message | contains("--force-share")'
	refused in-use 'in use: repair' repair --yes used.raw
	json 4 'in use: diagnose --force-share' diagnose --force-share used.raw
	is 'in use: marked' '.disk.inconsistent == true'
	run diagnose --force-share used.raw
	ok 'in use: said to people too' grep -qi inconsistent out err
	json 8 'in use: repair --force-share' repair --yes --force-share used.raw
	kill $server
	wait $server 2>/dev/null
	same 'in use: as it was' used.raw "$h"
	ok 'in use: no file beside it' test -z "$(beside used.raw)"
	json 4 'no longer in use' diagnose used.raw
	is 'no longer in use: not marked' '.disk | has("inconsistent") | not'
else
	skip 'in use' 'no qemu-nbd'
fi

# A raw disk whose guest wrote a qcow2 header that names a file of the host.
again base.raw trap.raw
echo 'a secret of the host' >secret.txt
qemu-img create -q -f qcow2 -u -F raw -b "$work/secret.txt" header.qcow2 2G
dd if=header.qcow2 of=trap.raw bs=440 count=1 conv=notrunc 2>/dev/null
ht=$(bytes trap.raw)
run diagnose --json trap.raw
! grep -q 'secret of the host' out && [ $status != 0 ]
result $? 'a qcow2 header by the guest: not followed' out
json 8 'a qcow2 header by the guest: not written without a word' repair --yes trap.raw
untouched 'a qcow2 header by the guest: as it was' trap.raw "$ht"
json 4 'a qcow2 header by the guest: --format=raw' diagnose --format=raw trap.raw

# Wrong formats.
json 8 '--format=qcow2 on a raw disk' diagnose --format=qcow2 base.raw
json 8 '--format=vhd on a raw disk' diagnose --format=vhd base.raw
json 8 '--format=vhdx on a raw disk: repair' repair --yes --format=vhdx base.raw
same 'wrong formats: as it was' base.raw "$h"

# Read-only files; root may write them all the same, so then it needs an immutable or a read-only place.
if [ "$(id -u)" != 0 ]; then
	again base.raw ro.raw
	again healthy.raw rh.raw
	chmod 400 ro.raw rh.raw
	json 4 'read-only: diagnose' diagnose ro.raw
	json 0 'read-only: repair of a healthy disk' repair --yes rh.raw
	refused read-only 'read-only: repair' repair --yes ro.raw
	chmod 600 ro.raw
	same 'read-only: as it was' ro.raw "$h"
elif command -v setpriv >/dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$coldfix" 2>/dev/null; then
	mkdir nobody
	again base.raw nobody/ro.raw
	again healthy.raw nobody/rh.raw
	chmod 444 nobody/*.raw
	chmod 755 nobody
	if setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$work/nobody/ro.raw"; then
		root_coldfix=$coldfix
		printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "%s" "$@"\n' "$coldfix" >as-nobody
		chmod 755 as-nobody
		coldfix=$work/as-nobody
		json 4 'read-only: diagnose' diagnose nobody/ro.raw
		json 0 'read-only: repair of a healthy disk' repair --yes nobody/rh.raw
		json 4 'read-only: dry run' repair --dry-run nobody/ro.raw
		refused read-only 'read-only: repair' repair --yes nobody/ro.raw
		coldfix=$root_coldfix
		same 'read-only: as it was' nobody/ro.raw "$h"
		ok 'read-only: no file beside it' sh -c '! ls nobody | grep coldfix-'
	else
		skip 'read-only' 'the folder of the tests is private'
	fi
else
	skip 'read-only' 'no second user to be'
fi
plan
