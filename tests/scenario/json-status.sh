#!/bin/bash
# json-status.sh - one JSON object in every case, and the exit statuses of the contract. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

mk healthy.raw --gen 2
mk broken.raw --gen 2 --break bad-memory-list
mk opt.raw --gen 1 --break memory-limited
mk soft.raw --gen 1 --break serial-console-off
h=$(hash broken.raw) hh=$(hash healthy.raw)

# What is right, what is wrong.
for c in info diagnose; do json 0 "healthy: $c" $c healthy.raw; done
json 0 'healthy: repair --yes' repair --yes healthy.raw
json 0 'healthy: dry run' repair --dry-run healthy.raw
is 'healthy: a dry run plans nothing' '.dry_run and .bytes_planned == 0 and .changes == []'
json 0 'recommended only: diagnose' diagnose soft.raw
json 0 'recommended only: repair' repair --yes soft.raw
is 'recommended only: nothing is written' '.bytes_written == 0 and .undo_file == null'
json 0 'broken: info' info broken.raw
json 4 'broken: diagnose' diagnose broken.raw
is 'broken: the verdict names the cause' '.verdict.code == "likely-cause" and .verdict.confidence == "likely" and .verdict.causes == ["bad-memory-list"]'
is 'broken: found, not more' '.problems[0].status == "found" and .changes == [] and .bytes_written == 0'
json 4 'broken: a dry run that would write' repair --dry-run broken.raw
is 'broken: the dry run shows the plan' '.problems[0].status == "planned" and (.changes | length) == 1 and .bytes_written == 0 and .undo_file == null'
json 4 'opt-in only: repair' repair --yes opt.raw
is 'opt-in only: left with the option to say' '.problems[0].status == "left" and (.problems[0].reason | contains("--with memory-limited"))'
same 'no state beside a disk that was only looked at' broken.raw "$h"
ok 'no file beside it' test -z "$(beside broken.raw)"

# No terminal and no --yes.
for c in repair undo; do
	json 16 "no terminal: $c" $c broken.raw
	is "no terminal: $c says what to type" '.error.code == "usage" and (.error.message | contains("--yes") and contains("--dry-run"))'
done
json 16 'no terminal: healthy disk' repair healthy.raw
same 'no terminal: nothing is touched' broken.raw "$h"
ok 'no terminal: no file beside the disk' test -z "$(beside broken.raw)"

# On a terminal.
on_terminal n repair broken.raw
[ $status = 4 ] && grep -q 'Nothing was changed' out
result $? 'the plan declined: status 4' out
on_terminal '' repair broken.raw
[ $status = 4 ]
result $? 'an empty answer declines' out
on_terminal nonsense repair broken.raw
[ $status = 4 ]
result $? 'a word that is no yes declines' out
same 'declined: nothing is touched' broken.raw "$h"
ok 'declined: no file beside the disk' test -z "$(beside broken.raw)"
on_terminal n repair --output copy.raw broken.raw
[ $status = 4 ] && [ ! -e copy.raw ]
result $? 'declined: --output makes no copy' out
on_terminal y repair --dry-run broken.raw
[ $status = 4 ] && ! grep -q 'y/N' out
result $? 'a dry run never asks' out
on_terminal y repair broken.raw
[ $status = 0 ] && grep -q "Repaired\." out
result $? 'the plan agreed to: repaired' out
on_terminal n undo broken.raw
[ $status = 4 ]
result $? 'undo declined: status 4' out
on_terminal y undo broken.raw
[ $status = 0 ]
result $? 'undo agreed to' out
same 'undone' broken.raw "$h"

# The object while somebody is asked: plan and question go to standard error.
python3 - "$coldfix" >out 2>err <<'EOF'
import os, pty, subprocess, sys
m, s = pty.openpty()
p = subprocess.Popen([sys.argv[1], 'repair', '--json', 'broken.raw'], stdin=s, stderr=s, stdout=subprocess.PIPE)
os.write(m, b'n\n')
sys.stdout.buffer.write(p.communicate()[0])
sys.exit(p.returncode)
EOF
[ $? = 4 ] && python3 "$root/tests/scenario/schema.py" "$root/docs/schema" repair out >check.log && [ "$(jq .declined out)" = true ]
result $? 'asked with --json: declined, one object' out

# The whole way as JSON.
json 0 'repair --yes' repair --yes broken.raw
is 'repair: fixed, with the undo file' '.problems[0].status == "fixed" and .bytes_written > 0 and (.undo_file | endswith("/broken.raw.coldfix-undo"))'
json 4 'undo --dry-run' undo --dry-run broken.raw
is 'undo --dry-run: nothing is written' '.dry_run and .bytes_planned > 0 and .bytes_written == 0'
json 0 'undo --yes' undo --yes broken.raw
is 'undo: put back' '.bytes_written == .bytes_planned'
same 'undo: every byte' broken.raw "$h"
json 8 'undo with nothing to undo' undo --yes broken.raw
is 'nothing to undo: not-found' '.error.code == "not-found"'

# Usage.
for c in info diagnose repair undo ls cat get bcd reg; do
	json 16 "$c --nonsense" $c --nonsense broken.raw
	json 16 "$c without a disk" $c
done
json 16 'a word too many' diagnose broken.raw more
json 16 'unknown id: --only' repair --yes --only no-such-problem broken.raw
json 16 'unknown id: --skip' repair --yes --skip no-such-problem broken.raw
json 16 'unknown id: --with' repair --yes --with no-such-problem broken.raw
json 16 'empty place in a list' repair --yes --only bad-memory-list,,volume-full broken.raw
json 16 'unknown id: explain' explain no-such-problem
json 0 'explain: a problem' explain bad-memory-list
json 0 'explain: an article' explain status-no-memory
json 16 'an option of another command' diagnose --yes broken.raw
json 16 'option without its value' diagnose broken.raw --format
json 16 'no such format' diagnose --format=floppy broken.raw
json 16 'no such size' diagnose --ram=lots broken.raw
json 16 'no such temporary disk' diagnose --temp-disk=tape broken.raw
json 16 'no such sector size' diagnose --sector-size=1000 broken.raw
json 16 'no such colour' diagnose --color=pink broken.raw
json 16 'unknown bcd verb' bcd broken.raw dance
json 16 'unknown reg verb' reg broken.raw dance 'HKLM\SYSTEM'
json 16 'reg without a key' reg broken.raw query
for words in '--json' '--json nonsense' 'nonsense --json' '--json info broken.raw' 'info --js --nonsense'; do
	# shellcheck disable=SC2086
	run $words
	[ $status = 16 ] && jq -e '.error.code == "usage" and .exit_status == 16' out >/dev/null
	result $? "coldfix $words: 16, one object" out
done
expect 16 'no words at all'
ok 'no words at all: nothing on standard output' test ! -s out
expect 16 'unknown command' nonsense
err_says 'unknown command: it is named' nonsense
expect 0 'help' --help
expect 0 'help of a command' repair --help
expect 0 'version' --version

# What can't be opened or understood.
head -c 3M /dev/urandom >garbage.raw
: >empty.raw
mkdir folder
truncate -s 64M zeros.raw
mk data.raw --data-disk
mk locked.raw --gen 2 --break encrypted
for c in info diagnose 'repair --yes' 'undo --yes' ls 'bcd' 'reg'; do
	set -- $c
	case $c in bcd) tail='enum' ;; reg) tail='query HKLM\SYSTEM' ;; *) tail= ;; esac
	for d in missing.raw folder empty.raw garbage.raw zeros.raw; do
		# shellcheck disable=SC2086
		json 8 "$d: $c" $1 ${2:-} $d $tail
	done
done
for c in diagnose 'repair --yes'; do
	set -- $c
	# shellcheck disable=SC2086
	refused no-windows "no Windows: $c" $1 ${2:-} data.raw
done
json 0 'no Windows: info is still right' info data.raw
is 'no Windows: info says so' '.windows == []'
run info --json missing.raw
is 'the error names the path' '.error.path == "missing.raw" and .error.offset == null'
bad=$(printf 'na\377me.raw')
run info --json "$bad"
[ $status = 8 ] && jq -e '.error.path == "na\\xffme.raw"' out >/dev/null
result $? 'a file name that is no UTF-8: one object, the byte escaped' out
json 4 'encrypted: cannot tell' diagnose locked.raw
is 'encrypted: the verdict' '.verdict.code == "cannot-tell" and .verdict.confidence == "cannot-tell" and .problems[0].severity == "blocker"'
dd if=/dev/zero of=cut.qcow2 bs=1k count=4 2>/dev/null
printf 'QFI\373\0\0\0\3' | dd of=cut.qcow2 conv=notrunc 2>/dev/null
json 8 'a torn qcow2' diagnose cut.qcow2
printf 'vhdxfile' | dd of=cut.vhdx bs=1M seek=0 conv=sync 2>/dev/null
json 8 'a torn VHDX' diagnose cut.vhdx
json 8 'the wrong format' diagnose --format=vhdx broken.raw
same 'healthy disk untouched by all this' healthy.raw "$hh"
same 'broken disk untouched by all this' broken.raw "$h"
plan
