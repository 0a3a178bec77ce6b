#!/bin/bash
# breaks.sh - each line of breaks.tsv: make the disk, diagnose, dry run, repair, judge, repair again, undo. TAP.
# usage: breaks.sh COLDFIX SOURCE-ROOT WORK-FOLDER PART OF    (every OFth line, beginning with PART)
# SPDX-License-Identifier: GPL-2.0-or-later
. "$(dirname "$0")/lib.sh"
part=$4 of=$5

# Which ids are in a report with this status (or any): has FILE ID [STATUS]
# An empty file is no report: jq -e alone lets it pass.
has() { [ -s "$1" ] && jq -e --arg id "$2" --arg st "${3:-}" '[.problems[] | select(.id == $id and ($st == "" or .status == $st))] | length > 0' "$1" >/dev/null; }

# Everything that counts and that nobody expected.
unexpected() { jq -r --arg want ",$2," '.problems[] | select(.severity | IN("error", "warning", "blocker")) | .id | select(("," + . + ",") as $i | $want | contains($i) | not)' "$1"; }

one() { # break gen mkdisk-options ids dstatus repair-options rstatus fixed
	local break=$1 gen=$2 mk=$3 ids=$4 dstatus=$5 opts=$6 rstatus=$7 fixed=$8
	local name="gen $gen: $break ${opts:+($opts)}" before after got id tolerate=
	local disk=disk.raw
	rm -rf disk* ./*.json
	local args=(--gen "$gen" --out "$disk")
	[ "$break" = - ] || args+=(--break "$break")
	# shellcheck disable=SC2086
	if ! "$factory/mkdisk" "${args[@]}" $mk >mk.log 2>&1; then
		result 1 "$name: the factory makes it" mk.log
		return
	fi
	before=$(hash "$disk")
	"$coldfix" diagnose --json "$disk" >d.json 2>d.err
	got=$?
	[ "$got" = "$dstatus" ] && [ -s d.json ] && jq -e . d.json >/dev/null
	result $? "$name: diagnose gives $dstatus (got $got)" d.err
	if [ "$ids" = - ]; then
		got=$(jq -r '.problems[].id' d.json)
		[ -z "$got" ] || echo "found on a healthy disk: $got" >d.err
		[ -z "$got" ]
		result $? "$name: nothing is found on a healthy disk" d.err
	else
		for id in ${ids//,/ }; do
			has d.json "$id"
			result $? "$name: diagnose finds $id" d.json
		done
		unexpected d.json "$ids" >extra
		[ ! -s extra ]
		result $? "$name: and nothing else that counts" extra
	fi
	[ "$(hash "$disk")" = "$before" ]
	result $? "$name: diagnose changes nothing"

	# shellcheck disable=SC2086
	"$coldfix" repair --dry-run --json $opts "$disk" >dry.json 2>dry.err
	[ "$(hash "$disk")" = "$before" ]
	result $? "$name: a dry run changes nothing"
	# shellcheck disable=SC2086
	"$coldfix" repair --yes --json $opts "$disk" >r.json 2>r.err
	got=$?
	[ "$got" = "$rstatus" ]
	result $? "$name: repair gives $rstatus (got $got)" r.err
	if [ "$fixed" != - ]; then
		for id in ${fixed//,/ }; do
			has r.json "$id" fixed
			result $? "$name: $id is fixed" r.json
		done
		[ -s r.json ] && jq -e --slurpfile dry dry.json '.changes == $dry[0].changes' r.json >/dev/null
		result $? "$name: the dry run showed these very changes"
		# What the break itself leaves wrong is not ours to be blamed for.
		case ",$break," in
		*,hive-corrupt* | *,boot-store-corrupt* | *encrypted* | *refs* | *ldm*) tolerate=1 ;;
		*,volume-unclean*) [[ $opts == *--force-unclean* ]] || tolerate=1 ;;
		esac
		if [ -z "$tolerate" ]; then
			"$factory/judge" "$disk" >judge.log 2>&1
			result $? "$name: independent tools find nothing" judge.log
		fi
		"$coldfix" diagnose --json "$disk" >d2.json 2>/dev/null
		for id in ${fixed//,/ }; do
			# A volume whose journal was emptied is marked for chkdsk: that is information under the same id.
			[ -s d2.json ] && jq -e --arg id "$id" '[.problems[] | select(.id == $id and .severity != "info")] | length == 0' d2.json >/dev/null
			result $? "$name: diagnose no longer finds $id" d2.json
		done
		after=$(hash "$disk")
		# shellcheck disable=SC2086
		"$coldfix" repair --yes --json $opts "$disk" >r2.json 2>r2.err
		[ "$(jq .bytes_written r2.json)" = 0 ] && [ "$(hash "$disk")" = "$after" ]
		result $? "$name: a second repair writes 0 bytes" r2.json
		"$coldfix" undo --yes --json "$disk" >u.json 2>u.err
		result $? "$name: undo succeeds" u.err
	else
		[ "$(jq .bytes_written r.json)" = 0 ]
		result $? "$name: nothing was written" r.json
	fi
	[ "$(hash "$disk")" = "$before" ]
	result $? "$name: in the end every byte is as it was"
}

line=0
while IFS=$'\037' read -r break gen mk ids dstatus opts rstatus fixed; do
	case $break in '' | '#'*) continue ;; esac
	line=$((line + 1))
	[ $(((line - 1) % of + 1)) = "$part" ] || continue
	one "$break" "$gen" "$mk" "$ids" "$dstatus" "$opts" "$rstatus" "$fixed"
done < <(tr '\t' '\037' <"$root/tests/scenario/breaks.tsv")
plan
