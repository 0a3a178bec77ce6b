#!/bin/bash
# select.sh - --only, --skip, --with, --prepare: what runs, what is left, what stays the same. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"

statuses() { jq -r '[.problems[] | select(.severity != "info") | .id + "=" + .status] | sort | join(" ")' out; }
says() { # name expected-statuses
	local got
	got=$(statuses)
	[ "$got" = "$2" ] || echo "$got" >check.log
	[ "$got" = "$2" ]
	result $? "$1" check.log
}

mk many.raw --gen 2 --windows server2022 --break bad-memory-list,memory-limited,serial-console-off,crash-dump-off
sfdisk --dump many.raw >table0
dry() { # name options... : what a dry run would do
	local name=$1
	shift
	json 4 "$name" repair --dry-run "$@" many.raw
}
dry 'no option'
says 'no option: default repairs, and with them the recommended settings' \
	'bad-memory-list=planned crash-dump-off=planned memory-limited=left serial-console-off=planned'
dry '--with' --with memory-limited
says '--with adds an opt-in repair' 'bad-memory-list=planned crash-dump-off=planned memory-limited=planned serial-console-off=planned'
dry '--only an opt-in repair' --only memory-limited
says '--only an opt-in repair: that and nothing else' \
	'bad-memory-list=skipped crash-dump-off=skipped memory-limited=planned serial-console-off=skipped'
dry '--only an error' --only bad-memory-list
says '--only an error: no recommended settings' \
	'bad-memory-list=planned crash-dump-off=skipped memory-limited=skipped serial-console-off=skipped'
dry '--only two' --only crash-dump-off,memory-limited
says '--only two: both' 'bad-memory-list=skipped crash-dump-off=planned memory-limited=planned serial-console-off=skipped'
dry '--only twice' --only crash-dump-off --only memory-limited
says '--only twice: both' 'bad-memory-list=skipped crash-dump-off=planned memory-limited=planned serial-console-off=skipped'
dry '--skip a setting' --skip crash-dump-off
says '--skip a setting' 'bad-memory-list=planned crash-dump-off=skipped memory-limited=left serial-console-off=planned'
dry '--skip beats --with' --with memory-limited --skip memory-limited
says '--skip beats --with' 'bad-memory-list=planned crash-dump-off=planned memory-limited=skipped serial-console-off=planned'
dry '--skip beats --only' --only memory-limited,bad-memory-list --skip memory-limited
says '--skip beats --only' 'bad-memory-list=planned crash-dump-off=skipped memory-limited=skipped serial-console-off=skipped'
json 4 '--skip the only error' repair --dry-run --skip bad-memory-list many.raw
says '--skip the only error: then no recommended settings either' \
	'bad-memory-list=skipped crash-dump-off=found memory-limited=left serial-console-off=found'
is '--skip the only error: nothing is planned' '.changes == [] and .bytes_planned == 0'
dry '--prepare without the error' --prepare --skip bad-memory-list
says '--prepare: the recommended settings without an error' \
	'bad-memory-list=skipped crash-dump-off=planned memory-limited=left serial-console-off=planned'
json 4 'repair leaves the opt-in one' repair --yes many.raw
is 'what is left keeps status 4' '[.problems[] | select(.status == "left")] | length == 1'
ok 'partition table as before' sh -c 'sfdisk --dump many.raw | cmp - table0'
json 0 'repair the rest' repair --yes --with memory-limited many.raw
ok 'judges find nothing' "$factory/judge" many.raw

for gen in 1 2; do
	mk "serial$gen.raw" --gen $gen --break serial-console-off,crash-dump-off
	sfdisk --dump "serial$gen.raw" >table0
	h=$(hash "serial$gen.raw")
	json 0 "gen $gen: recommended settings alone make no repair" repair --yes "serial$gen.raw"
	same "gen $gen: nothing is written" "serial$gen.raw" "$h"
	json 0 "gen $gen: --only serial-console-off" repair --yes --only serial-console-off "serial$gen.raw"
	says "gen $gen: that and nothing else" 'crash-dump-off=skipped serial-console-off=fixed'
	is "gen $gen: every change is that problem's" '[.changes[].problem] | unique == ["serial-console-off"]'
	ok "gen $gen: partition table as before" sh -c "sfdisk --dump serial$gen.raw | cmp - table0"
	json 0 "gen $gen: diagnose sees one of two" diagnose "serial$gen.raw"
	says "gen $gen: the other one is still found" 'crash-dump-off=found'
	json 0 "gen $gen: undo" undo --yes "serial$gen.raw"
	same "gen $gen: every byte" "serial$gen.raw" "$h"
done
plan
