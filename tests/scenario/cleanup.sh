#!/bin/bash
# cleanup.sh - rubbish of every class goes, everything else stays byte by byte; refusals; the way back. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
sums=$COLDFIX_IMAGE_TOOLS/ntfs-sums

# The start of the Windows volume, as the factory wrote it down.
start_of() { sed -n 's/.*"role": "windows", "start": \([0-9]*\).*/\1/p' "$1"; }
# Every file of the Windows volume, whatever the container.
list() { # disk json output
	local raw=$1
	case $1 in *.qcow2 | *.vhdx) qemu-img convert -O raw "$1" list.raw && raw=list.raw ;; esac
	"$sums" "$raw" "$(start_of "$2")" >"$3"
}
# The lines of a list without the files that have a name of this pattern.
without() { awk -F'\t' -v p="$1" 'FNR == NR { if ($2 == "name" && $4 ~ p) gone[$1] = 1; next } !($1 in gone)' "$2" "$2"; }
free_of() { jq '.volume.free_bytes' out; }

# ---- every class by default, in every container: what is kept is the same to the byte ----
whole() { # name options...
	local disk=$1
	shift
	mk "$disk" --size 256M --break clutter --json made.json "$@"
	local before
	before=$(hash "$disk")
	list "$disk" made.json before.list
	json 4 "$disk: dry run" cleanup --dry-run "$disk"
	is "$disk: every default class has something" '[.classes[] | select(.default) | .chosen and .files > 0 and .bytes > 0] | all'
	is "$disk: the opt-in ones are listed, not chosen" '[.classes[] | select(.default | not) | (.chosen | not) and .files > 0] | all'
	is "$disk: bytes are the sum of the chosen" '.bytes == ([.classes[] | select(.chosen) | .bytes] | add) and .volume.free_bytes_after > .volume.free_bytes'
	same "$disk: a dry run changes nothing" "$disk" "$before"
	local promised=$(($(jq '.volume.free_bytes + .bytes' out)))
	json 0 "$disk: cleanup" cleanup --yes "$disk"
	is "$disk: written, with an undo file" '.bytes_written > 0 and (.undo_file | endswith("coldfix-undo")) and .transactions == 1'
	list "$disk" made.json after.list
	without '~go' before.list >want.list
	diff want.list after.list >check.log
	result $? "$disk: gone is what must go, and all else is as it was: names, streams, security, times" check.log
	ok "$disk: independent tools find nothing" "$factory/judge" "$disk"
	json 0 "$disk: again" cleanup --yes "$disk"
	is "$disk: a second run writes nothing" '.bytes_written == 0 and .files == 0 and .folders == 0'
	[ "$(free_of)" = "$promised" ]
	result $? "$disk: the free space grew by what was promised" out
	json 0 "$disk: undo" undo --yes "$disk"
	same "$disk: undo puts every byte back" "$disk" "$before"
}
whole two.raw --gen 2
cp made.json two.json
whole one.vhd --gen 1 --format vhd --windows server2008r2
if "$coldfix" --version | grep -q qemu-nbd; then
	whole two.vhdx --gen 2 --format vhdx --windows win11
	whole one.qcow2 --gen 1 --format qcow2
else
	skip 'VHDX and qcow2' 'built without libnbd'
fi

# ---- classes by name ----
again two.raw some.raw
list some.raw two.json before.list
json 0 'recycle bin alone' cleanup --yes --class recycle-bin some.raw
list some.raw two.json after.list
without '[$]Recycle.*~opt' before.list | diff - after.list >check.log
result $? 'recycle bin alone: nothing else goes' check.log
json 0 'all on request' cleanup --yes --class windows-old,upgrade-leftovers,old-dumps,error-reports,servicing-logs,downloaded-programs,chkdsk-fragments,hibernation-file some.raw
list some.raw two.json after.list
without '~opt|^/hiberfil|^/Windows.old/(Windows|ProgramData)|^/[$]WINDOWS|WER/ReportArchive/Kernel' before.list |
	diff - after.list >check.log
result $? 'all on request: dumps in reports, the newest dump, Users of Windows.old stay' check.log
ok 'all on request: independent tools find nothing' "$factory/judge" some.raw
json 4 'young files too: dry run' cleanup --dry-run --keep-days 0 some.raw
is 'young files too: more' '.keep_days == 0 and ([.classes[].kept.young] | all(. == null))'
json 4 'default and one more: dry run' cleanup --dry-run --class default,recycle-bin two.raw
is 'default and one more: both chosen' '[.classes[] | select(.chosen) | .id] | index("recycle-bin") and index("user-temp")'
is 'reasons are counted' '.classes[] | select(.id == "user-temp") | .kept | .young.files == 4 and ."hard-link".files == 5 and .dump.files == 10 and .system.files == 5 and .link.files == 10'

# ---- text ----
run cleanup --yes two.raw
ok 'text: the list comes first, also with --yes' sh -c 'grep -n "To be deleted" out | head -1 && grep -q "come free\|came free" out'
grep -q 'DISM' out && grep -q 'UsnJrnl' out && grep -q 'quotas are marked as out of date' out
result $? 'text: what is left alone, and the quotas' out
if command -v ntfsinfo >/dev/null; then
	dd if=two.raw of=volume bs=1M skip=$(($(start_of two.json) / 1048576)) status=none
	ntfsinfo -f -v -F '$Extend/$Quota' volume >quota 2>/dev/null
	ok 'quotas are marked as out of date' grep -q 'Quota flags:.*0x00000251' quota
fi
json 0 'text: undo' undo --yes two.raw

# ---- pending work ----
mk pending.raw --gen 2 --size 256M --break clutter,update-pending,renames-pending --json made.json
list pending.raw made.json before.list
json 0 'pending: cleanup' cleanup --yes pending.raw
is 'pending: downloads wait, with the reason' '.update_pending and ([.classes[] | select(.id == "update-downloads" or .id == "delivery-optimization" or .id == "upgrade-leftovers") | (.chosen | not) and (.blocked | contains("pending"))] | all)'
list pending.raw made.json after.list
grep -q 'later~go' after.list && grep -q 'unpacked~go' after.list && grep -q 'Download/0a1b~go/inst~go/x~go.cab' after.list && grep -q 'folder-00000/component' after.list && ! grep -q 'TS_1~go' after.list
result $? 'pending: what the next start renames stays, the rest goes'
without '~go' before.list >want.list
[ -z "$(comm -13 <(sort after.list) <(sort want.list))" ]
result $? 'pending: and nothing else went'

# ---- what can't be read may be pending ----
mk torn.raw --gen 1 --size 256M --break clutter,hive-corrupt
json 4 'SOFTWARE is damaged: dry run' cleanup --dry-run torn.raw
is 'SOFTWARE is damaged: downloads wait, temporary files go' '(.classes[] | select(.id == "update-downloads") | .blocked | contains("hive-corrupt")) and (.classes[] | select(.id == "windows-temp") | .chosen)'
mk torn.raw --gen 1 --size 256M --break clutter,hive-corrupt-system
json 4 'SYSTEM is damaged: dry run' cleanup --dry-run torn.raw
is 'SYSTEM is damaged: temporary files wait too, caches go' '([.classes[] | select(.id == "update-downloads" or .id == "windows-temp" or .id == "user-temp") | has("blocked")] | all) and (.classes[] | select(.id == "thumbnails") | .chosen)'

# ---- a folder whose index is damaged, on the whole disk the only one: everything else goes, and is repaired ----
{
	printf 'now\t1700000000\n'
	for d in Windows/Temp/first Windows/Temp/second Users/azureadmin/AppData/Local/Temp; do
		for i in $(seq 100 179); do printf 'fill\t%s/temporary file %s.tmp\t5000\n' "$d" "$i"; done
	done
	printf 'fill\tWindows/Temp/first/deeper/below.tmp\t5000\n'
} >folders
mk holes.raw --gen 2 --size 256M --manifest folders --break bad-memory-registry --windows server2022 --json made.json
# An INDX block that has a name, of the Nth folder with such a name: without its magic ('magic'), or with another name in the entry ('name').
damage() { # disk name nth magic|name
	python3 - "$@" <<'END'
import sys
disk, name, nth, how = sys.argv[1], sys.argv[2].encode('utf-16-le'), int(sys.argv[3]), sys.argv[4]
d = bytearray(open(disk, 'rb').read())
seen, at = [], 0
while (at := d.find(b'INDX', at)) >= 0:
    if at % 512 == 0:
        used = int.from_bytes(d[at + 0x1c:at + 0x20], 'little')
        hit = d.find(name, at, at + 0x18 + used)
        if hit >= 0 and (hit % 512) + len(name) < 510:
            seen.append((at, hit))
    at += 4
at, hit = seen[nth]
if how == 'magic':
    d[at:at + 4] = b'BAAD'
else:
    d[hit] += 1
open(disk, 'wb').write(d)
END
}
for how in magic name; do
	again holes.raw hole.raw
	rm -f list.log
	# A name in the middle of a block, wherever a sector does not end.
	for name in 'file 105' 'file 106' 'file 107'; do damage hole.raw "$name" 0 $how 2>list.log && break; done
	result $? "$how: a block of a folder's index to damage" list.log
	h=$(hash hole.raw)
	list hole.raw made.json before.list
	json 4 "$how: dry run" cleanup --dry-run hole.raw
	is "$how: one folder is named" '(.damaged_folders | length == 1) and (.damaged_folders[0] | test("Temp")) and ([.notes[] | select(contains("is damaged") and contains("chkdsk"))] | length == 1)'
	promised=$(jq .bytes out)
	json 0 "$how: cleanup" cleanup --yes hole.raw
	is "$how: the others go" ".files >= 160 and .bytes == $promised and .volume.free_bytes_after == .volume.free_bytes + .bytes"
	run cleanup --yes hole.raw
	grep -q 'the index of .*Temp.* is damaged' out
	result $? "$how: said to people" out
	json 0 "$how: again" cleanup --yes hole.raw
	is "$how: a second run writes nothing" '.bytes_written == 0'
	json 0 "$how: undo" undo --yes hole.raw
	same "$how: undo puts every byte back" hole.raw "$h"
	json 4 "$how: repair" repair --yes --only volume-full,bad-memory-registry --min-free 1G hole.raw
	is "$how: what has nothing to do with it is repaired, and cleaned up is what can be" '(.problems[] | select(.id == "bad-memory-registry") | .status == "fixed") and (.problems[] | select(.id == "volume-full") | .status == "left") and ([.changes[] | select(.problem == "volume-full")] | length == 2)'
done

# ---- refusals ----
h=$(hash two.raw)
json 16 'no terminal' cleanup two.raw
json 16 'no such class' cleanup --yes --class temp two.raw
json 16 'days that are none' cleanup --yes --keep-days many two.raw
json 16 'an option of repair' cleanup --yes --only volume-full two.raw
on_terminal n cleanup two.raw
[ $status = 4 ] && grep -q 'Nothing was changed' out
result $? 'declined: status 4' out
same 'refused and declined: nothing is touched' two.raw "$h"
mk shadow.raw --gen 2 --size 256M --break shadow-copies --junk 20M
refused refused 'shadow copies' cleanup --yes shadow.raw
err_says 'shadow copies: the option is named' 'accept-shadow-copy-loss'
json 0 'shadow copies accepted' cleanup --yes --accept-shadow-copy-loss shadow.raw
mk unclean.raw --gen 1 --size 256M --break volume-unclean --junk 20M
refused unclean 'unclean volume' cleanup --yes unclean.raw
json 0 'unclean volume, forced' cleanup --yes --force-unclean unclean.raw
is 'unclean volume, forced: cleaned' '.files == 3 and .bytes_written > 0'
json 0 'unclean volume: undo' undo --yes unclean.raw
mk asleep.raw --gen 2 --size 256M --break volume-hibernated --junk 20M
refused unclean 'hibernated volume' cleanup --yes --class hibernation-file asleep.raw
mk crossed.raw --gen 1 --size 256M --break cross-linked
h=$(hash crossed.raw)
refused corrupt 'a temporary file that has the clusters of a document' cleanup --yes crossed.raw
err_says 'cross-linked: chkdsk is named' 'chkdsk'
same 'cross-linked: nothing is touched' crossed.raw "$h"
mk data.raw --data-disk --size 64M
refused no-windows 'no Windows' cleanup --yes data.raw
plan
