#!/bin/bash
# dump-configure.sh - dump configure: the values as hivex reads them, the arithmetic, a second run, undo, refusals. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

# The SYSTEM hive of the disk, taken out by another tool, and a value of CrashControl in it.
hive() { # disk start-of-the-volume-in-MiB
	local size=$((($(stat -c %s "$1") / 1048576 - $2 - 1) * 1048576))
	truncate -s $size volume.img
	"$COLDFIX_IMAGE_TOOLS/place" "$1" volume.img 0 $(($2 * 1048576)) $size
	ntfscat -f volume.img Windows/System32/config/SYSTEM >SYSTEM 2>err
	rm -f volume.img
}
value() { hivexget SYSTEM "ControlSet00${2:-1}\\Control\\CrashControl" "$1" 2>/dev/null; }
has() { # name value want [control set]
	local got
	got=$(value "$2" "${4:-1}") || got=absent
	[ "$got" = "$3" ]
	local good=$?
	echo "$2 is '$got', not '$3'" >check.log
	result $good "$1: $2 $3" check.log
}

# Generation 2: complete, with the memory known.
mk g2.raw --gen 2 --size 1G --break crash-dump-off
h=$(hash g2.raw)
json 4 'dry run' dump g2.raw configure --type complete --ram 128M --dry-run
is 'the arithmetic is there' '.arithmetic == [{"control_set":"ControlSet001","type":"complete","needed_bytes":403701760,"dedicated_file":null,"fits":"yes","sentence":.arithmetic[0].sentence}] and (.arithmetic[0].sentence | contains("128 MiB + 257 MiB"))'
is 'the plan too' '.dry_run and .bytes_planned > 0 and .bytes_written == 0 and ([.changes[].what] | map(ltrimstr("HKLM\\SYSTEM\\ControlSet001\\Control\\CrashControl\\")) == ["CrashDumpEnabled","DumpFile","AlwaysKeepMemoryDump"])'
same 'a dry run writes nothing' g2.raw "$h"
ok 'and leaves nothing beside it' test -z "$(beside g2.raw)"
json 16 'no terminal' dump g2.raw configure --type complete --ram 128M
on_terminal n dump --type complete --ram 128M g2.raw configure
[ $status = 4 ] && grep -q 'Nothing was changed' out && grep -q '257 MiB' out
result $? 'declined: status 4, the arithmetic was shown' out
same 'declined: nothing is written' g2.raw "$h"
json 0 'complete' dump g2.raw configure --type complete --ram 128M --yes
is 'fixed, with an undo file and a backup' '.problems[0].id == "dump-configure" and .problems[0].status == "fixed" and (.undo_file | endswith("g2.raw.coldfix-undo")) and (.backup_folder | length > 10) and .bytes_written > 0'
hive g2.raw 58
has 'complete' CrashDumpEnabled 1
has 'complete' DumpFile '%SystemRoot%\MEMORY.DMP'
has 'complete' AlwaysKeepMemoryDump 1
has 'complete' FilterPages absent
has 'complete' DedicatedDumpFile absent
h1=$(hash g2.raw)
json 0 'a second run' dump g2.raw configure --type complete --ram 128M --yes
is 'has nothing to write' '.bytes_written == 0 and .changes == [] and .undo_file == null and .problems == []'
same 'and writes nothing' g2.raw "$h1"
json 0 'diagnose has nothing to recommend' diagnose --ram 128M g2.raw
is 'no finding of dumps' '[.problems[].id] | map(startswith("crash-dump") or startswith("dump-")) | any | not'
ok 'the judges have nothing to say' "$factory/judge" g2.raw

# The other types, each upon the one before; then all of it undone.
json 0 'active' dump g2.raw configure --type active --ram 128M --yes
hive g2.raw 58
has 'active' CrashDumpEnabled 1
has 'active' FilterPages 1
json 0 'active again' dump g2.raw configure --ram 128M --yes
is 'without --type the type stays' '.arithmetic[0].type == "active" and .bytes_written == 0'
json 0 'complete again' dump g2.raw configure --type complete --ram 128M --yes
hive g2.raw 58
has 'complete after active' FilterPages 0
json 0 'kernel, in a dedicated file, another place for the dump' dump g2.raw configure --type kernel --ram 128M --dedicated-file 'C:\Dumps.sys' --dump-file 'C:\Windows\Temp\m.dmp' --yes
hive g2.raw 58
has 'kernel' CrashDumpEnabled 2
has 'kernel' DedicatedDumpFile 'C:\Dumps.sys'
has 'kernel' DumpFileSize 385
has 'kernel' DumpFile 'C:\Windows\Temp\m.dmp'
json 0 'small' dump g2.raw configure --type SMALL --yes
hive g2.raw 58
has 'small' CrashDumpEnabled 3
has 'small keeps the larger file' DumpFileSize 385
json 0 'automatic, with --size' dump g2.raw configure --type automatic --ram 128M --size 512M --yes
hive g2.raw 58
has 'automatic' CrashDumpEnabled 7
has 'automatic' DumpFileSize 512
for i in 1 2 3 4 5 6; do run undo --yes g2.raw; done
same 'undone six times: every byte' g2.raw "$h"

# NMI: needed before Windows 8, not since.
json 4 'NMI on Server 2019' dump g2.raw configure --type automatic --nmi --dry-run
is 'not needed, and said so' '(.notes | any(contains("NMICrashDump is not needed"))) and ([.changes[].what] | any(endswith("NMICrashDump")) | not)'
mk old.raw --gen 1 --size 1G --windows server2008r2 --break crash-dump-off
ho=$(hash old.raw)
refused unsupported 'automatic before Windows 8' dump old.raw configure --type automatic --yes
refused unsupported 'active before Windows 10' dump old.raw configure --type active --yes
json 4 'without --nmi' dump old.raw configure --type kernel --ram 64M --dry-run
is 'it says that an NMI makes none' '.notes | any(contains("--nmi"))'
json 0 'Server 2008 R2' dump old.raw configure --type kernel --ram 64M --nmi --yes
is 'every control set' '[.changes[].what | capture("(?<s>ControlSet00[0-9])").s] | unique | length == ([.[]] | length)'
sets=$(jq '.windows[0].control_sets | length' out)
hive old.raw 25
for s in $(seq "$sets"); do
	has "control set $s" NMICrashDump 1 "$s"
	has "control set $s" CrashDumpEnabled 2 "$s"
done
ok "no control set was invented" test "$(hivexsh SYSTEM <<<'ls' | grep -c '^ControlSet')" = "$sets"
json 0 'again' dump old.raw configure --type kernel --ram 64M --nmi --yes
is 'nothing to write' '.bytes_written == 0'
run undo --yes old.raw
same 'undone: every byte' old.raw "$ho"

# The paging file is elsewhere: a dedicated file takes its place, where there is room.
mk d.raw --gen 2 --size 2G --break dump-has-no-room
hd=$(hash d.raw)
json 16 'its size needs the memory' dump d.raw configure --type kernel --yes
json 0 'a dedicated file' dump d.raw configure --type complete --ram 128M --yes
is 'is chosen and said' '.arithmetic[0].dedicated_file == "C:\\dd.sys" and .arithmetic[0].fits == "yes" and (.notes | any(contains("385 MiB")))'
hive d.raw 58
has 'dedicated' DedicatedDumpFile 'C:\dd.sys'
has 'dedicated' DumpFileSize 385
json 0 'again' dump d.raw configure --type complete --ram 128M --yes
is 'nothing to write' '.bytes_written == 0'
run undo --yes d.raw
same 'undone: every byte' d.raw "$hd"
refused no-space 'too much memory' dump d.raw configure --type complete --ram 16G --yes
is 'with the numbers' '.error.message | contains("16 GiB + 257 MiB = 16.3 GiB") and contains("--dedicated-file")'
refused no-space 'a dedicated file without room' dump d.raw configure --type complete --ram 16G --dedicated-file 'C:\dd.sys' --yes
json 4 'another drive that is not at hand' dump d.raw configure --type complete --ram 16G --dedicated-file 'F:\dd.sys' --dump-file 'F:\MEMORY.DMP' --dry-run
is 'its room is not known' '.arithmetic[0].fits == "unknown"'
json 4 'the size without the memory' dump d.raw configure --type complete --dedicated-file 'C:\dd.sys' --size 3G --dry-run
refused not-found 'a folder that is not there' dump d.raw configure --ram 1G --dedicated-file 'C:\no\dd.sys' --yes
json 16 'a size that is too small' dump d.raw configure --type complete --ram 128M --dedicated-file 'C:\dd.sys' --size 200M --yes
same 'all this writes nothing' d.raw "$hd"

# Containers and obstacles.
for f in vhdx qcow2 vhd; do
	mk g.$f --gen 2 --size 512M --format $f --break crash-dump-off
	hf=$(hash g.$f)
	json 0 "$f" dump g.$f configure --type small --yes
	is "$f: written" '.bytes_written > 0'
	json 0 "$f again" dump g.$f configure --type small --yes
	is "$f: nothing to write" '.bytes_written == 0'
	run undo --yes g.$f
	same "$f: undone" g.$f "$hf"
done
mk unclean.raw --gen 2 --size 512M --break crash-dump-off,volume-unclean
hu=$(hash unclean.raw)
json 4 'an unclean volume' dump unclean.raw configure --type small --yes
is 'is left with the reason' '.problems[0].status == "left" and (.problems[0].reason | contains("--force-unclean"))'
same 'nothing is written' unclean.raw "$hu"
json 0 'an unclean volume, by force' dump unclean.raw configure --type small --yes --force-unclean
mk data.raw --data-disk --size 64M
refused no-windows 'no Windows' dump data.raw configure --type small --yes

# Usage.
json 16 'no verb' dump g2.raw
json 16 'no such verb' dump g2.raw dance
json 16 'no such type' dump g2.raw configure --type huge --yes
json 16 'a size without a file' dump g2.raw configure --ram 1G --size 2G --yes
for p in dd.sys 'C:dd.sys' 'C:\' 'C:\a?b' 'C:\pagefile.sys' '\\?\C:\dd.sys' "C:\\$(printf '%0160d' 1)"; do
	json 16 "no path: ${p:0:20}" dump g2.raw configure --ram 1G --dedicated-file "$p" --yes
done
json 16 'another option of repair' dump g2.raw configure --only volume-full --yes
same 'the disk is untouched by all this' g2.raw "$h"
plan
