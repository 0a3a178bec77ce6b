#!/bin/bash
# traps.sh - what is not a disk, what lies in the way of state files, absurd sizes, names that move the cursor, signals. TAP.
# usage: traps.sh COLDFIX SOURCE-ROOT WORK-FOLDER
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
mkdir tmp
export TMPDIR=$PWD/tmp
umask 000

# As in lib.sh, but what hangs is ended, and the status is run's own.
run() { timeout 60 "$coldfix" "$@" >out 2>err; }
fresh() { again base.raw disk.raw; }
clean_output() { ! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' out err; }

"$factory/mkdisk" --gen 1 --size 256M --break bad-memory-list --out base.raw >mk.log 2>&1 || {
	echo "1..0 # SKIP the disk factory can't run"
	exit 0
}

# ---- what is no disk ----
mkfifo fifo
ln -s loop loop
: >empty
printf x >tiny
for f in fifo /dev/zero /dev/full . loop empty tiny nothing; do
	run diagnose --json "$f"
	[ $? = 8 ] && jq -e '.error.code' out >/dev/null
	result $? "diagnose $f gives 8 and a reason" err
done
run info "$(printf 'no\033[31msuch\302\233\342\200\256')"
[ $? = 8 ] && clean_output
result $? "a file name with control characters is tamed" err

# ---- what lies in the way ----
echo precious >precious
fresh
ln -s precious disk.raw.coldfix-undo
run repair --yes --json disk.raw
[ $? -lt 8 ] && [ "$(cat precious)" = precious ] && [ -f disk.raw.coldfix-undo.2 ]
result $? "an undo file that is a link is not followed" err
run undo --yes --json disk.raw && cmp -s disk.raw base.raw
result $? "and the undo finds the right one" err
fresh
ln -s precious elsewhere.undo
ln -s nowhere dangling.undo
for f in elsewhere.undo dangling.undo; do
	run repair --yes --json --undo-file $f disk.raw
	[ $? = 8 ] && [ "$(cat precious)" = precious ] && [ ! -e nowhere ] && cmp -s disk.raw base.raw
	result $? "--undo-file $f is refused" err
done
for f in precious fifo nowhere .; do
	fresh
	ln -s "$PWD/$f" disk.raw.coldfix-pending
	run repair --yes --json disk.raw
	[ $? = 8 ] && cmp -s disk.raw base.raw && [ "$(cat precious)" = precious ] && grep -q 'symbolic link' err
	result $? "a marker that is a link to $f is refused" err
done
fresh
mkfifo disk.raw.coldfix-pending
run repair --yes --json disk.raw
[ $? = 8 ] && cmp -s disk.raw base.raw
result $? "a marker that is a FIFO is refused" err
for f in g.undo fifo /dev/zero .; do
	fresh
	head -c 100000 /dev/urandom >g.undo
	run undo --yes --json disk.raw $f
	[ $? = 8 ] && cmp -s disk.raw base.raw
	result $? "undo with $f is refused" err
done
fresh
run repair --yes --json disk.raw
[ $? -lt 8 ] && [ -f disk.raw.coldfix-undo ]
result $? "repair with umask 000" err
find . -path './disk.raw?*' -perm /077 >modes
[ ! -s modes ]
result $? "leaves nothing that others can read" modes
"$factory/mkdisk" --gen 2 --size 256M --seed 7 --break bad-memory-list --out other.raw >mk.log 2>&1
cp --sparse=always other.raw other.before
for o in "" --force; do
	run undo --yes --json $o other.raw disk.raw.coldfix-undo
	[ $? = 8 ] && cmp -s other.raw other.before
	result $? "undo ${o:-with} another disk's undo file is refused" err
done

# ---- absurd sizes ----
start=$((512 * $(sfdisk -l -o Start base.raw | tail -1)))
config=/Windows/System32/config
fresh
printf '%s\t%s\t%s\n' delete $config/SOFTWARE '' sparse $config/SOFTWARE 600M sparse /Windows/huge 4194304M sparse /Windows/System32/SYSTEM.LOG1 600M |
	sed 's/\t$//' | "$COLDFIX_IMAGE_TOOLS/ntfs-populate" --offset $start disk.raw
result $? "a disk with a hive of 600 MiB and a file of 4 TiB"
(
	ulimit -v 1000000
	[[ $(nm -D "$coldfix" 2>/dev/null) == *__asan_init* ]] && ulimit -v unlimited
	run diagnose --json disk.raw
	jq -e '.problems[] | select(.id == "hive-corrupt") | .detail | contains("absurdly large")' out >/dev/null
)
result $? "the hive is called absurdly large and not loaded" out
run get disk.raw '\Windows\huge'
[ $? = 8 ] && [ ! -e huge ]
result $? "get asks for room first" err

# ---- names ----
fresh
printf 'text\t/Windows/\033[31m\342\200\256exe\302\233\342\201\246\a\thello\n' | "$COLDFIX_IMAGE_TOOLS/ntfs-populate" --offset $start disk.raw
python3 - disk.raw <<'END'
import re, sys
d = open(sys.argv[1], "r+b").read()
with open(sys.argv[1], "r+b") as f:
    for m in re.finditer(re.escape("COLDFIX-VM".encode("utf-16le")), d):
        f.seek(m.start())
        f.write("\x1b[31m\u202e\x9b\u2066\x07\ud800".encode("utf-16le", "surrogatepass"))
END
for c in info diagnose "ls -R" "info --json" "diagnose --json" "ls -R --json" "repair --yes" "undo --yes"; do
	run $c disk.raw
	[ $? -lt 8 ] && clean_output
	result $? "$c tames names" err
done
name=$(run ls --json disk.raw '\Windows'; jq -r '.entries[].path | select(contains("exe") and contains("31m"))' out)
run cat disk.raw "$name" && [ "$(cat out)" = hello ]
result $? "an escaped name can be given back" err

# ---- signals, and what stays behind ----
if command -v qemu-img >/dev/null && "$coldfix" --version | grep -q qemu-nbd; then
	qemu-img convert -q -O qcow2 base.raw disk.qcow2
	for s in INT TERM KILL; do
		mkfifo hold
		( exec "$coldfix" cat disk.qcow2 '\pagefile.sys' >hold 2>err ) &
		pid=$!
		exec 9<hold
		head -c 1 <&9 >/dev/null
		child=$(pgrep -P $pid qemu-nbd)
		kill -$s $pid
		wait $pid 2>/dev/null
		for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			kill -0 "$child" 2>/dev/null || break
			sleep 0.25
		done
		[ -n "$child" ] && ! kill -0 "$child" 2>/dev/null && [ -z "$(ls -A tmp)" ]
		result $? "SIG$s: qemu-nbd ends and no temporary file stays" err
		exec 9<&-
		rm -f hold
	done
	before=$(ls -A)
	run diagnose --json disk.qcow2
	run info disk.raw
	[ "$before" = "$(ls -A)" ] && [ -z "$(ls -A tmp)" ]
	result $? "commands that look leave no file anywhere"
fi
plan
