#!/bin/bash
# dumps.sh - dump list and dump info: every place of a dump, every kind, in paging files past NTFS, whole and cut. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
# All dumps here are synthetic (tests/images/dumps.py) but for those at the end.
. "$(dirname "$0")/lib.sh"
dump() { python3 -B "$factory/dumps.py" "$@" || result 1 "dumps.py $*"; }
one() { is "$1" ".dumps | map(select(.path == \"$2\")) | length == 1 and (.[0] | $3)"; }

# ---- every place, on one disk --------------------------------------------------------------------------------------------------------
dump bitmap memory.dmp pages=300 code=0x7b p1=0xffffe00012345678 p2=0xffffffffc0000034 p3=0 p4=0 blobs=1
dump triage mini64.dmp
dump triage mini32.dmp bits=32
dump triage torn.dmp cut=9000
dump complete live.dmp attributes=0x10 code=0x161
dump complete old32.dmp bits=32 pae=1
dump kernel win7.dmp
dump active active.dmp
dump user calc.dmp
dump user service.dmp
dump bitmap dedicated.dmp pages=128 code=0xe2 p1=0 p2=0 p3=0 p4=0
dump bitmap renamed.dmp pages=100 code=0xef
: >empty.dmp
echo 'this is no dump' >junk.dmp
{
	printf 'file\tDumps/big.dmp\t%s\n' "$PWD/memory.dmp"
	printf 'file\tWindows/Minidump/a.dmp\t%s\n' "$PWD/mini64.dmp"
	printf 'file\tWindows/Minidump/b.DMP\t%s\n' "$PWD/mini32.dmp"
	printf 'file\tWindows/Minidump/c.dmp\t%s\n' "$PWD/torn.dmp"
	printf 'file\tWindows/Minidump/empty.dmp\t%s\n' "$PWD/empty.dmp"
	printf 'file\tWindows/Minidump/junk.dmp\t%s\n' "$PWD/junk.dmp"
	printf 'text\tWindows/Minidump/notes.txt\tno dump\n'
	printf 'file\tWindows/LiveKernelReports/live.dmp\t%s\n' "$PWD/live.dmp"
	printf 'file\tWindows/LiveKernelReports/USBHUB3/USBHUB3-1.dmp\t%s\n' "$PWD/active.dmp"
	printf 'file\tUsers/ada/AppData/Local/CrashDumps/calc.exe.4242.dmp\t%s\n' "$PWD/calc.dmp"
	printf 'file\tWindows/ServiceProfiles/LocalService/AppData/Local/CrashDumps/svc.dmp\t%s\n' "$PWD/service.dmp"
	printf 'file\tProgramData/Dumps/app.dmp\t%s\n' "$PWD/calc.dmp"
	printf 'file\tUsers/ada/own/app2.dmp\t%s\n' "$PWD/calc.dmp"
	printf 'file\tUsers/ada/old32.dmp\t%s\n' "$PWD/old32.dmp"
	printf 'file\tUsers/ada/win7.dmp\t%s\n' "$PWD/win7.dmp"
	printf 'poke\tdd.sys\t0\t%s\n' "$PWD/dedicated.dmp"
	printf 'solid\tDUMP1a2b.tmp\t1048576\n'
	printf 'poke\tDUMP1a2b.tmp\t0\t%s\n' "$PWD/renamed.dmp"
	printf 'file\tDUMPnone.tmp\t%s\n' "$PWD/junk.dmp"
} >more
cat >system.reg <<'EOF'
Windows Registry Editor Version 5.00

[\ControlSet001\Control\CrashControl]
"DumpFile"=str(2):"%SystemDrive%\\Dumps\\big.dmp"
EOF
cat >software.reg <<'EOF'
Windows Registry Editor Version 5.00

[\Microsoft\Windows\Windows Error Reporting]

[\Microsoft\Windows\Windows Error Reporting\LocalDumps]
"DumpFolder"=str(2):"%ProgramData%\\Dumps"

[\Microsoft\Windows\Windows Error Reporting\LocalDumps\app2.exe]
"DumpFolder"=str(2):"%USERPROFILE%\\own"
EOF
mk places.raw --gen 2 --paging d --manifest more --reg SYSTEM=system.reg --reg SOFTWARE=software.reg
h=$(hash places.raw)
json 0 'list' dump places.raw list
is 'all of them, each once' '[.dumps[].path] | sort == ([
	"C:\\Dumps\\big.dmp", "C:\\Windows\\Minidump\\a.dmp", "C:\\Windows\\Minidump\\b.DMP", "C:\\Windows\\Minidump\\c.dmp",
	"C:\\Windows\\Minidump\\empty.dmp", "C:\\Windows\\Minidump\\junk.dmp", "C:\\Windows\\LiveKernelReports\\live.dmp",
	"C:\\Windows\\LiveKernelReports\\USBHUB3\\USBHUB3-1.dmp", "C:\\Users\\ada\\AppData\\Local\\CrashDumps\\calc.exe.4242.dmp",
	"C:\\Windows\\ServiceProfiles\\LocalService\\AppData\\Local\\CrashDumps\\svc.dmp", "C:\\ProgramData\\Dumps\\app.dmp",
	"C:\\Users\\ada\\own\\app2.dmp", "C:\\dd.sys", "C:\\DUMP1a2b.tmp"] | sort)'
one 'where DumpFile says' 'C:\\Dumps\\big.dmp' '.where == "memory-dmp" and .kind == "bitmap" and .complete and .bugcheck.code == "0x0000007B"
	and .bugcheck.name == "INACCESSIBLE_BOOT_DEVICE" and .bugcheck.values[1] == "STATUS_OBJECT_NAME_NOT_FOUND" and .memory_bytes == 1228800
	and .dump_size == .size and .required_size < .size and .required_dump_space == .required_size'
one 'a small one' 'C:\\Windows\\Minidump\\a.dmp' '.kind == "triage" and .complete and .bits == 64 and .in_pagefile == false and .modules == null'
one 'a small one of 32 bits' 'C:\\Windows\\Minidump\\b.DMP' '.kind == "triage" and .complete and .architecture == "x86" and .bugcheck.parameters[1] == "0x8B58334C"'
one 'one that is cut short' 'C:\\Windows\\Minidump\\c.dmp' '.kind == "triage" and (.complete | not) and (.cut_reason | contains("9000")) and .size == 9000'
one 'an empty file' 'C:\\Windows\\Minidump\\empty.dmp' '.kind == null and .size == 0 and (.error | length) > 10'
one 'no dump at all' 'C:\\Windows\\Minidump\\junk.dmp' '.kind == null and (.complete | not) and (.error | contains("no crash dump"))'
one 'of a running system' 'C:\\Windows\\LiveKernelReports\\live.dmp' '.where == "live" and .live and .bugcheck.name == "LIVE_SYSTEM_DUMP"'
one 'of a component' 'C:\\Windows\\LiveKernelReports\\USBHUB3\\USBHUB3-1.dmp' '.where == "live" and .kind == "active"'
one 'of a program' 'C:\\Users\\ada\\AppData\\Local\\CrashDumps\\calc.exe.4242.dmp' '.kind == "user" and .bugcheck == null and .exception.name == "STATUS_STACK_BUFFER_OVERRUN"'
one 'in the dedicated file' 'C:\\dd.sys' '.where == "dedicated" and .in_pagefile == false and .complete and .size == 16777216 and .dump_size < .size and .bugcheck.code == "0x000000E2"'
one 'a paging file that was renamed' 'C:\\DUMP1a2b.tmp' '.where == "renamed-pagefile" and .bugcheck.name == "CRITICAL_PROCESS_DIED"'
expect 0 'list as text' dump places.raw list
grep -q 'CUT SHORT' out && grep -q 'INACCESSIBLE_BOOT_DEVICE' out && grep -q 'inside the dedicated dump file' out
result $? 'the text says so too' out

json 0 'info of all' dump places.raw info
is 'drivers of every kind that has them' '[.dumps[] | select(.kind != null and .complete) | .modules | length] | length == 11 and all(. == 4)'
one 'the stack of a small one' 'C:\\Windows\\Minidump\\a.dmp' '[.stack[].module] == ["ntoskrnl.exe+0x1234", "storport.sys+0x334C", "hal.dll+0x0", "Ö-driver.sys+0xCFFF"]
	and .bugcheck.values == ["STATUS_ACCESS_VIOLATION", "storport.sys+0x334C", null, null] and .modules[0].base == "0xFFFFF80412800000"'
json 0 'info of one, by another spelling' dump places.raw info 'c:/windows/minidump/A.DMP'
is 'it and no other' '(.dumps | length) == 1 and .dumps[0].kind == "triage"'
json 0 'info of a dump that lies elsewhere' dump places.raw info 'C:\Users\ada\old32.dmp'
is 'complete, 32 bits with PAE, its drivers through its own page tables' '.dumps[0] | .where == "elsewhere" and .kind == "complete" and .bits == 32 and .architecture == "x86"
	and ([.modules[].name] | index("\\SystemRoot\\system32\\ntkrnlpa.exe") == 0 and length == 4)'
json 0 'info of an older kernel dump' dump places.raw info '\Users\ada\win7.dmp'
is 'kernel' '.dumps[0].kind == "kernel" and (.dumps[0].modules | length) == 4'
json 0 'info of the dedicated file' dump places.raw info 'C:\dd.sys'
is 'read by its clusters' '.dumps[0].where == "dedicated"'
expect 0 'info as text of all' dump places.raw info -v
! grep -q ' $' out
result $? 'no line ends in blanks' out
expect 0 'info as text' dump places.raw info 'C:\Windows\Minidump\a.dmp'
grep -q 'exception code: STATUS_ACCESS_VIOLATION' out && grep -q 'address where it happened: storport.sys+0x334C' out && grep -q 'Drivers  4' out
result $? 'the text says what the parameters mean' out
refused not-found 'no such path' dump places.raw info 'C:\none.dmp'
refused unsupported 'a path that is no dump' dump places.raw info 'C:\Windows\Minidump\junk.dmp'
json 16 'a path behind list' dump places.raw list 'C:\x'
json 16 'too many paths' dump places.raw info a b
json 16 'no verb' dump places.raw
json 16 'an unknown verb' dump places.raw dance
json 16 'no disk' dump
json 8 'no such disk' dump missing.raw list
same 'nothing was written' places.raw "$h"
ok 'no file beside it' test -z "$(beside places.raw)"

# ---- inside pagefile.sys -------------------------------------------------------------------------------------------------------------
dump bitmap inside.dmp pages=400 blobs=1
dump bitmap large.dmp pages=700 cut=2048000
{
	printf 'fragment\tpagefile.sys\tother.bin\t500\n' # 500 clusters, each a piece of its own
	printf 'poke\tpagefile.sys\t0\t%s\n' "$PWD/inside.dmp"
	printf 'attr\tpagefile.sys\thsa\n'
} >scattered
mk scattered.raw --gen 2 --size 512M --paging none --manifest scattered
json 0 'in 500 pieces' dump scattered.raw info
is 'in 500 pieces: whole, with its drivers' ".dumps | length == 1 and (.[0] | .path == \"C:\\\\pagefile.sys\" and .in_pagefile and .complete and .kind == \"bitmap\" and .size == 2048000
	and .dump_size == $(stat -c %s inside.dmp) and (.modules | length) == 4)"
sed 's/inside/large/' scattered >cut
mk cut.raw --gen 1 --size 512M --paging none --manifest cut
json 0 'larger than the paging file' dump cut.raw list
is 'larger than the paging file: cut short' '.dumps[0] | .in_pagefile and (.complete | not) and .size == 2048000 and .required_size > .size'

# Written past NTFS: the file's initialized size ends before the dump, so the file system gives zeros.
mk past.raw --gen 2 --size 512M --json past.json
start=$(jq '.partitions[] | select(.role == "windows") | .start' past.json)
size=$(jq '.partitions[] | select(.role == "windows") | .size' past.json)
tail -c +$((start + 1)) past.raw | head -c "$size" >volume.img
python3 - volume.img inside.dmp <<'EOF'
import re, struct, subprocess, sys
image, dump = sys.argv[1], open(sys.argv[2], 'rb').read()
info = subprocess.run(['ntfsinfo', '-f', '-F', '/pagefile.sys', '-v', image], capture_output=True, text=True).stdout
record = int(re.search(r'Dumping Inode (\d+)', info).group(1))
volume = open(image, 'r+b')
boot = volume.read(512)
cluster = struct.unpack_from('<H', boot, 11)[0] * boot[13]
mft = struct.unpack_from('<Q', boot, 48)[0] * cluster
at = mft + record * 1024  # the start of $MFT is in one piece
volume.seek(at)
rec = bytearray(volume.read(1024))
usa, n = struct.unpack_from('<HH', rec, 4)
for k in range(1, n):
    rec[k * 512 - 2:k * 512] = rec[usa + 2 * k:usa + 2 * k + 2]
pos = struct.unpack_from('<H', rec, 20)[0]
while struct.unpack_from('<I', rec, pos)[0] != 0x80:
    pos += struct.unpack_from('<I', rec, pos + 4)[0]
struct.pack_into('<Q', rec, pos + 0x38, 0)  # initialized size
run = pos + struct.unpack_from('<H', rec, pos + 0x20)[0]
done, lcn = 0, 0
while rec[run] and done < len(dump):
    a, b = rec[run] & 15, rec[run] >> 4
    length = int.from_bytes(rec[run + 1:run + 1 + a], 'little')
    lcn += int.from_bytes(rec[run + 1 + a:run + 1 + a + b], 'little', signed=True)
    volume.seek(lcn * cluster)
    volume.write(dump[done:done + length * cluster])
    done += length * cluster
    run += 1 + a + b
for k in range(1, n):
    rec[usa + 2 * k:usa + 2 * k + 2] = rec[k * 512 - 2:k * 512]
    rec[k * 512 - 2:k * 512] = rec[usa:usa + 2]
volume.seek(at)
volume.write(rec)
EOF
result $? 'a dump is written past NTFS'
dd if=volume.img of=past.raw bs=1M seek=$((start / 1048576)) conv=notrunc,sparse status=none
dd if=volume.img of=past.raw bs=1M seek=$((start / 1048576)) conv=notrunc status=none
[ "$(ntfscat -f volume.img pagefile.sys 2>/dev/null | head -c 8 | tr -d '\0' | wc -c)" = 0 ]
result $? 'the file system itself gives zeros there [ntfscat]'
json 0 'past NTFS' dump past.raw list
is 'past NTFS: found and whole' ".dumps | length == 1 and (.[0] | .in_pagefile and .complete and .dump_size == $(stat -c %s inside.dmp))"
json 4 'past NTFS: diagnose sees it too' diagnose past.raw
is 'past NTFS: as what it is' '.problems | map(.id) | contains(["dump-in-pagefile"])'

# ---- nothing there, other containers, other disks ------------------------------------------------------------------------------------
mk healthy.raw --gen 1 --size 512M
json 0 'a disk without dumps' dump healthy.raw list
is 'a disk without dumps: none' '.dumps == []'
expect 0 'a disk without dumps as text' dump healthy.raw info
grep -q 'No crash dump' out
result $? 'it says that there is none' out
mk locked.raw --gen 2 --size 512M --break encrypted
json 0 'an encrypted disk' dump locked.raw list
is 'an encrypted disk: it says where it could not look' '.dumps == [] and (.not_searched | length) == 1 and .not_searched[0].filesystem == "bitlocker"'
expect 0 'an encrypted disk as text' dump locked.raw list
grep -q 'No crash dump was found' out && grep -q 'bitlocker.*could not be searched' out
result $? 'an encrypted disk: so does the text' out
mk data.raw --data-disk --size 256M
json 0 'a dump on another disk of the VM' dump healthy.raw list --data-disk data.raw
json 0 'a data disk' dump data.raw list
qemu-img convert -O vhdx scattered.raw scattered.vhdx
json 0 'VHDX' dump scattered.vhdx info
is 'VHDX: the same' '.dumps[0].complete and (.dumps[0].modules | length) == 4'

# ---- a dump file itself --------------------------------------------------------------------------------------------------------------
for f in memory mini64 mini32 torn live old32 win7 active calc; do
	json 0 "a file: $f" dump $f.dmp info
	is "a file: $f is decoded" ".dumps | length == 1 and (.[0] | .path == \"$f.dmp\" and .where == \"file\" and .kind != null and .complete == (\"$f\" != \"torn\"))"
done
json 0 'a file: list' dump memory.dmp list
json 16 'a file: a path behind it' dump memory.dmp info 'C:\x'
head -c 100 memory.dmp >header.dmp
refused corrupt 'a file: cut inside its header' dump header.dmp info
json 0 'a file: the same in a list' dump header.dmp list
is 'a file: an entry with the reason' '.dumps[0] | .kind == null and (.error | contains("header"))'
json 8 'a file that is neither disk nor dump' dump junk.dmp info
run dump "$(printf 'mini64.dmp\n')" info --quiet
[ $status = 0 ]
result $? 'quiet'

# ---- real ones -----------------------------------------------------------------------------------------------------------------------
real=${COLDFIX_SHARED:-}/data/crash-dumps/rizinorg+rizin-testbins
if [ -f "$real/triage_x64.dmp" ]; then
	json 0 'real: a minidump of Windows 10' dump "$real/triage_x64.dmp" info
	want() { sed -n "s/^ *$1 *: 0x0*\([0-9a-f]*\).*/\1/p" "$real/EXPECTED-rizin-x64.txt" | head -1; }
	got() { jq -r "$1" out | sed 's/^0x0*//' | tr A-F a-f; }
	[ "$(want BugCheckCode)" = "$(got '.dumps[0].bugcheck.code')" ] &&
		for k in 1 2 3 4; do [ "$(want BugCheckParameter$k)" = "$(got ".dumps[0].bugcheck.parameters[$((k - 1))]")" ] || exit 1; done
	result $? 'real: code and parameters as the ground truth has them' out
	[ $((0x$(want MinorVersion))) = "$(jq '.dumps[0].build' out)" ] && [ $((0x$(want NumberProcessors))) = "$(jq '.dumps[0].processors' out)" ] &&
		[ "$(want DirectoryTableBase)" = "$(got '.dumps[0].directory_table_base')" ] &&
		[ "$(want PsLoadedModuleList)" = "$(got '.dumps[0].ps_loaded_module_list')" ] && [ $((0x$(want DriverCount))) = "$(jq '.dumps[0].modules | length' out)" ] &&
		[ $((0x$(want SizeOfDump))) = "$(jq '.dumps[0].required_size' out)" ]
	result $? 'real: build, processors, tables, drivers, size as the ground truth has them' out
	is 'real: whole, and where it happened' '.dumps[0] | .complete and .bugcheck.values[1] == "amdppm.sys+0x334C" and .stack[0].module == "amdppm.sys+0x334C"'
	json 0 'real: a user-mode dump' dump "$real/calc.dmp" info
	is 'real: of calc' '.dumps[0] | .kind == "user" and .complete and .build == 7601 and (.modules | length) == 28'
	json 0 'real: a fuzzed one' dump "$real/npe_r_mdmp.c-364_1.mdmp" info
	json 0 'real: one that is cut' dump "$real/../radareorg+radare2-testbins/trunc_memory64.dmp" info
	is 'real: it says so' '.dumps[0] | .kind == "user" and (.complete | not)'
else
	skip 'real dumps' 'not at hand'
fi
plan
