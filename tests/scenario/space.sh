#!/bin/bash
# space.sh - what fills a volume: known files in every class, other tools' totals, every container and geometry. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin

# Bytes of a class, of volume 0 (that of Windows).
class() { jq "[.volumes[0].classes[] | select(.class == \"$1\") | .bytes] | add" out; }
class_is() { # name class bytes
	[ "$(class "$2")" = "$3" ]
	result $? "$1: $3 bytes of $2" <(class "$2")
}
# The volume of Windows in a file of its own, for tools that know no disks.
volume() { # disk layout
	local start size
	read -r start size < <(jq -r '.partitions[] | select(.role == "windows") | "\(.start) \(.size)"' "$2")
	rm -f vol.img && truncate -s "$size" vol.img && "$COLDFIX_IMAGE_TOOLS/place" "$1" vol.img 0 "$start" "$size"
}
# What must hold for any volume, and what libntfs-3g's tools count on their own.
agrees() { # name disk layout
	json 0 "$1" space --top 1000 "$2"
	is "$1: the classes add up to what is used" '[.volumes[] | select(.reason == null) | .used_bytes == ([.classes[].bytes] | add) and .total_bytes == .used_bytes + .free_bytes] | all'
	is "$1: the histogram adds up to what is free" '[.volumes[] | select(.reason == null) | (.free_space | .extents == ([.histogram[].extents] | add)) and .free_bytes == ([.free_space.histogram[].bytes] | add)] | all'
	is "$1: sound" '[.volumes[] | select(.reason == null) | .consistency.sound] | all'
	volume "$2" "$3"
	ntfsinfo -f -m vol.img >info 2>&1
	local clusters size free
	size=$(sed -n 's/.*Cluster Size: //p' info) free=$(sed -n 's/.*Free Clusters: \([0-9]*\).*/\1/p' info)
	[ -n "$free" ] && [ "$(jq '.volumes[0].free_bytes' out)" = $((free * size)) ]
	result $? "$1: ntfsinfo has as much free" info
	# All runs of all inodes, one inode after the other.
	ntfscluster -f -i vol.img >clusters 2>/dev/null
	clusters=$(awk '/^clusters of (user data|metadata)/ { n += $NF } END { print n }' clusters)
	[ "$(jq '.volumes[0].used_bytes' out)" = $((clusters * size)) ]
	result $? "$1: ntfscluster finds as many clusters in use" clusters
}

cat >manifest <<'END'
fill	Users/alice/a.bin	1M
stream	Users/alice/a.bin	hidden	150000
sparse	Users/alice/sparse.bin	50M
compressed	Users/alice/packed.bin	2M
text	Users/alice/small.txt	resident
fill	Users/alice/AppData/Local/Temp/t.bin	300K
fill	Users/bob/AppData/Local/Temp/deep/er/t.bin	100K
fill	Users/bob/AppData/Local/CrashDumps/app.dmp	64K
fill	Windows/Temp/w.bin	200K
fill	Windows/ServiceProfiles/LocalService/AppData/Local/Temp/s.bin	16K
fill	Windows/SoftwareDistribution/Download/abc/u.bin	400K
fill	Windows/WinSxS/amd64_only/only.bin	600K
fill	Windows/WinSxS/amd64_shared/shared.bin	800K
link	Windows/System32/shared.bin	Windows/WinSxS/amd64_shared/shared.bin
link	Windows/WinSxS/amd64_other/shared.bin	Windows/WinSxS/amd64_shared/shared.bin
fill	Windows/WinSxS/amd64_twice/twice.bin	40K
link	Windows/WinSxS/Backup/twice.bin	Windows/WinSxS/amd64_twice/twice.bin
fill	Windows/MEMORY.DMP	32K
fill	Windows/Minidump/010126-1.dmp	32K
fill	$Recycle.Bin/S-1-5-21-1/$RABC.bin	100K
fill	swapfile.sys	128K
fill	hiberfil.sys	500K
fill	Windows.old/Windows/x.bin	700K
fill	Program Files/App/app.exe	120K
fill	ProgramData/App/data.bin	8K
fill	System Volume Information/{3808876b-c176-4e48-b7ae-04046e6cc752}	64K
fill	System Volume Information/{11111111-2222-3333-4444-555555555555}{3808876b-c176-4e48-b7ae-04046e6cc752}	160K
fill	stray.bin	24K
fragment	pieces.bin	between.bin	1200
junction	Users/alice/jump	C:\Windows
END
K=1024
mk g2.raw --gen 2 --windows server2022 --manifest manifest --json g2.json
h=$(hash g2.raw)
agrees 'generation 2' g2.raw g2.json
class_is 'temporary files' temp $(((300 + 100 + 200 + 16) * K))
class_is 'update downloads' updates $((400 * K))
class_is 'dumps' dumps $(((64 + 32 + 32) * K))
class_is 'shadow copies' shadow-copies $(((64 + 160) * K))
class_is 'recycle bin' recycle-bin $((100 * K))
class_is 'paging files' paging $((16 * K * K + 128 * K))
class_is 'hibernation' hibernation $((500 * K))
class_is 'an old Windows' old-windows $((700 * K))
class_is 'programs' programs $((128 * K))
is 'hard links: a file that is only in the component store counts there, once' '[.volumes[0].largest_files[] | select(.path | endswith("twice.bin"))] | length == 1 and .[0].class == "winsxs" and .[0].links == 2 and .[0].allocated_bytes == 40960'
is 'hard links: one that is in System32 too counts there, once' '[.volumes[0].largest_files[] | select(.path | endswith("shared.bin"))] | length == 1 and .[0].path == "C:\\Windows\\System32\\shared.bin" and .[0].class == "windows" and .[0].links == 3'
is 'hard links: what the store shares' '.volumes[0].winsxs_shared_bytes >= 800 * 1024'
is 'the component store: only, twice and its folders' '[.volumes[0].classes[] | select(.class == "winsxs") | .bytes >= 640 * 1024 and .bytes < 700 * 1024 and .files == 2] | all'
is 'a sparse file occupies nothing' '[.volumes[0].largest_files[] | select(.path == "C:\\Users\\alice\\sparse.bin") | .size == 52428800 and .allocated_bytes == 0] == [true]'
is 'a compressed file occupies less than its size' '[.volumes[0].largest_files[] | select(.path == "C:\\Users\\alice\\packed.bin") | .size == 2097152 and .allocated_bytes < 1048576 and .allocated_bytes > 0] == [true]'
is 'an alternate stream counts' '[.volumes[0].largest_files[] | select(.path == "C:\\Users\\alice\\a.bin") | .size == 1048576 and .allocated_bytes == 1048576 + 151552] == [true]'
is 'a resident file occupies nothing' '[.volumes[0].largest_files[] | select(.path == "C:\\Users\\alice\\small.txt") | .allocated_bytes] == [0]'
is 'the file in 1,200 pieces' '.volumes[0].fragmentation | .fragmented_files >= 2 and .most_fragmented[0].extents == 1200 and .most_fragmented[1].extents == 1200 and (.most_fragmented[0].path == "C:\\pieces.bin" or .most_fragmented[0].path == "C:\\between.bin")'
is 'the largest file' '.volumes[0].largest_files[0] | .path == "C:\\pagefile.sys" and .class == "paging"'
is 'the root is no largest folder, nor are those that hold one folder only' '[.volumes[0].largest_folders[].path] | (index("C:") | not) and (index("C:\\Windows.old") | not) and (index("C:\\Windows.old\\Windows") != null)'
is 'a folder counts what is beneath, links once' '[.volumes[0].largest_folders[] | select(.path == "C:\\Users\\alice") | .bytes] | .[0] > 1048576 + 151552 + 300 * 1024 and .[0] < 4194304'
is 'the recovery partition and the ESP are there too' '[.volumes[] | .role] == ["windows", "recovery", "esp"] and .volumes[2].filesystem == "fat32" and .volumes[2].reason != null and .volumes[2].free_bytes > 0'
same 'a disk that was only looked at' g2.raw "$h"
ok 'no file beside it' test -z "$(beside g2.raw)"

# A mount sees the same files with the same blocks.
mkdir -p m
if ntfs-3g -o ro vol.img m 2>mount.err; then
	find m/Users m/Windows -type f -printf '%i %b %s\n' | sort -u | awk '{ n++; b += $2 * 512; s += $3 } END { print n, b, s }' >mounted
	fusermount -u m
	# The unnamed streams only, which is all that a mount shows: a.bin's second stream is taken off.
	jq -r '[.volumes[0].largest_files[] | select(.path | test("^C:\\\\(Users|Windows)\\\\"))] | "\(length) \(([.[].allocated_bytes] | add) - 151552) \([.[].size] | add)"' out >ours
	read -r n1 b1 s1 <ours
	read -r n2 b2 s2 <mounted
	# FUSE counts resident files and rounds up: blocks are compared as an upper bound, number and sizes exactly.
	[ "$n1" = "$n2" ] && [ "$s1" = "$s2" ] && [ "$b1" -le "$b2" ]
	result $? 'find on a mount: as many files of the same sizes' <(cat ours mounted)
else
	skip 'find on a mount' "$(head -1 mount.err)"
fi

# Text.
expect 0 'text' space g2.raw
for word in 'What fills it' 'Component store (WinSxS)' 'shared with Windows' 'Largest files' 'Free space' 'Partition 2 \[SYSTEM\]'; do
	grep -q "$word" out
	result $? "text: $word" out
done
[ "$(grep -c 'C:\\' out)" = 12 ]
result $? 'text: five folders, five files, two in pieces' out
expect 0 'text with --verbose' space -v g2.raw
[ "$(grep -c 'What fills it' out)" = 2 ]
result $? 'text with --verbose: every volume' out
expect 0 'quiet' space -q g2.raw
[ "$(grep -c . out)" = 1 ] && grep -q '^C: ' out
result $? 'quiet: one line' out

# The same bytes in other containers, and generation 1.
jq '.volumes[0] | del(.disk)' <("$coldfix" space --json g2.raw) >want
for f in vhdx qcow2; do
	mk g2.$f --gen 2 --windows server2022 --manifest manifest --format $f
	json 0 "$f" space g2.$f
	jq '.volumes[0] | del(.disk)' out | diff - want >check.log
	result $? "$f: the same" check.log
	rm -f g2.$f
done
mk g1.raw --gen 1 --windows server2012r2 --manifest manifest --json g1.json
agrees 'generation 1' g1.raw g1.json
class_is 'generation 1' dumps $(((64 + 32 + 32) * K))

# Sectors of 4 KiB, clusters of 64 KiB.
mk big.raw --gen 2 --sector 4096 --manifest manifest --json big.json
agrees 'sectors of 4 KiB' big.raw big.json
is 'sectors of 4 KiB: in pieces' '.volumes[0].fragmentation.most_fragmented[0].extents == 1200'
sed '/^compressed/d' manifest >manifest64
mk c64.raw --gen 2 --cluster 65536 --manifest manifest64 --json c64.json
agrees 'clusters of 64 KiB' c64.raw c64.json
is 'clusters of 64 KiB: size' '.volumes[0].cluster_size == 65536'
class_is 'clusters of 64 KiB' temp $(((320 + 128 + 256 + 64) * K))

# Tens of thousands of free extents.
printf 'scatter\tUsers/filler\t4096\n' >scatter
mk holes.raw --gen 2 --size 320M --manifest scatter --json holes.json
agrees 'scattered' holes.raw holes.json
is 'scattered: the extents' '.volumes[0].free_space | .extents > 20000 and .largest_bytes < 1048576 and .histogram[0].extents > 20000'
python3 - vol.img >bits <<'END'
import subprocess, sys
bits = subprocess.run(['ntfscat', '-f', '-i', '6', sys.argv[1]], stdout=subprocess.PIPE).stdout
text = ''.join(f'{b:08b}'[::-1] for b in bits)
print(len([run for run in text.split('1') if run]), max(len(run) for run in text.split('1')))
END
[ "$(jq -r '.volumes[0].free_space | "\(.extents) \(.largest_bytes / 4096)"' out)" = "$(cat bits)" ]
result $? 'scattered: as many runs of zeros in $Bitmap as its bits show' bits
rm -f holes.raw vol.img

# What helps: only what is true, with what it brings, and each a command that works as it stands.
json 0 'healthy' space g2.raw
is 'healthy: nothing has to be done' '.volumes[0].next == [] and (.volumes[1] | has("next") | not)'
mk full.raw --gen 1 --size 512M --break volume-full,shadow-copies --unallocated 64M
json 0 'full' space full.raw
is 'full: cleanup, then the room behind' '[.volumes[0].next[].command | split(" ")[0]] == ["cleanup", "expand"] and .volumes[0].next[1].bytes == 67108864'
jq -r '.volumes[0].next[].command' out >commands
brings=$(jq '.volumes[0].next[0].bytes' out)
while read -r -a command; do
	json 4 "full: ${command[0]} as it is said" "${command[@]}" full.raw
	[ "${command[0]}" != cleanup ] || is 'full: it brings what was said' ".bytes == $brings"
done <commands
expect 0 'full, text' space full.raw
grep -A1 'coldfix cleanup --accept-shadow-copy-loss --dry-run full.raw' out | grep -q 'gives back'
result $? 'full: the command is said to people' out
mk hard.vhdx --gen 2 --size 512M --break volume-full-hard,free-space-scattered --format vhdx
json 0 'full of what is wanted, scattered' space hard.vhdx
is 'full of what is wanted, scattered: a larger copy, and defrag' '[.volumes[0].next[].command] == ["expand --by 8G --output NEW --dry-run", "defrag --dry-run"]'
rm -f full.raw hard.vhdx

# What can't be measured, and what contradicts itself.
mk enc.raw --gen 2 --break encrypted
json 0 'encrypted: the other volumes are measured' space enc.raw
is 'encrypted: named with a reason' '[.volumes[] | select(.filesystem == "bitlocker") | .reason | length > 10] == [true]'
mk unclean.raw --gen 1 --break volume-unclean
json 0 'unclean' space unclean.raw
is 'unclean: said' '.volumes[0].unclean'
is 'unclean: diagnose comes first' '[.volumes[0].next[].command] == ["diagnose"]'
expect 0 'unclean, text' space unclean.raw
grep -q 'not dismounted' out
result $? 'unclean: said to people' out
truncate -s 64M nothing.raw
refused unsupported 'an empty disk' space nothing.raw
read -r start < <(jq -r '.partitions[] | select(.role == "windows") | .start' g1.json)
# A used record loses its magic: counted, and its clusters belong to nobody.
python3 - g1.raw "$start" >torn <<'END'
import struct, sys
f, base = open(sys.argv[1], 'r+b'), int(sys.argv[2])
f.seek(base)
boot = f.read(512)
cluster = struct.unpack_from('<H', boot, 11)[0] * boot[13]
mft = base + struct.unpack_from('<Q', boot, 0x30)[0] * cluster
for n in range(64, 400):
    f.seek(mft + n * 1024)
    r = f.read(1024)
    if r[:4] == b'FILE' and r[0x16] == 1 and 'stray.bin'.encode('utf-16-le') in r:
        f.seek(mft + n * 1024)
        f.write(b'BAAD')
        print(n)
END
[ -s torn ]
result $? 'a record to damage was found'
json 0 'a damaged record' space g1.raw
is 'a damaged record: counted, its clusters are lost' '.volumes[0].consistency | (.sound | not) and .bad_records == 1 and .lost_clusters == 6 and .unmarked_clusters == 0'
expect 0 'a damaged record, text' space g1.raw
grep -q 'contradicts itself: 6 clusters' out
result $? 'a damaged record: said to people' out
json 16 'no such number' space --top 0 g2.raw
json 16 'a word too many' space g2.raw x
json 16 'an option of another command' space --yes g2.raw
plan
