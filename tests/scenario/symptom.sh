#!/bin/bash
# symptom.sh - screenshots and serial logs to screen, code and article; repair --symptom; the articles as playbooks. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
# A sample only: ./bench --accuracy has hundreds.
. "$(dirname "$0")/lib.sh"

printf '\033[1;1HWindows Boot Manager\r\n\033[3;1HWindows failed to start. A recent hardware or software change might be the cause.\r\n\033[14;5HStatus: 0xc0000017\r\n' >boot.log
printf 'web01 login: ' >linux.log
printf 'Computer is booting, SAC started and initialized.\r\nEVENT:   The CMD command is now available.\r\nSAC>' >up.log

# Logs, and what can't be read.
json 0 'a serial log' symptom boot.log
is 'it is the article' '.files == [.files[0]] and (.files[0] | .screen == "serial" and .code == "0xC0000017" and .article == "status-no-memory" and .language == "en" and .confidence >= 0.75)'
json 0 'a Windows that is up' symptom up.log
is 'it needs nothing' '.files[0] | .screen == "serial" and .code == null and .article == null and .next == null'
json 4 'a log of something else' symptom linux.log
is 'it is not recognised' '.files[0] | .screen == "unknown" and .code == null and .article == null and .confidence == 0'
json 4 'two logs, one of them not recognised' symptom boot.log linux.log
is 'both are told' '[.files[].article] == ["status-no-memory", null]'
json 16 'no file' symptom
json 8 'a file that is not there' symptom nowhere.png
is 'it is named' '.error.code == "not-found" and .error.path == "nowhere.png"'
json 8 'one of three can not be read' symptom linux.log nowhere.png boot.log
is 'the others are told all the same' '[.files[] | [.article, has("error")]] == [[null, false], [null, true], ["status-no-memory", false]]'
head -c 5000 "$coldfix" >program
json 8 'neither image nor text' symptom program
json 8 'a folder' symptom .
printf 'P6\n60000 60000\n255\nxx' >huge.ppm
json 8 'an image that claims to be huge' symptom huge.ppm
run symptom boot.log
[ "$status" = 0 ] && grep -q '0xC0000017 STATUS_NO_MEMORY' out && grep -q 'coldfix repair --symptom' out
result $? 'the text names code and next command' out

# repair --symptom.
mk d.raw --gen 2 --break bad-memory-list,serial-console-off,hang-at-start
h=$(hash d.raw)
json 4 'repair --symptom: dry run' repair --symptom boot.log --dry-run d.raw
is 'it says which symptom' '.symptom.article == "status-no-memory"'
is 'it plans what the article is about' '[.problems[] | select(.status == "planned") | .id] == ["bad-memory-list", "serial-console-off"]'
json 8 'a symptom that is not recognised' repair --symptom linux.log --yes d.raw
is 'it is refused' '.error.code == "refused" and (.error.message | contains("not recognised"))'
json 8 'a Windows that is up' repair --symptom up.log --yes d.raw
json 16 '--symptom and --only' repair --symptom boot.log --only bad-memory-list --yes d.raw
same 'nothing was touched' d.raw "$h"

# Playbooks.
json 0 'explain an article' explain starting-windows
is 'its steps are in order' '[.playbook[].step] == [range(1; 10)] and (.playbook | all(.facts == [])) and (.playbook[6].commands | any(contains("virsh inject-nmi")) and any(contains("-InjectNonMaskableInterrupt")))'
json 0 'explain an article with a disk' explain starting-windows d.raw
is 'the facts are the disk'"'"'s' '(.playbook[1].facts | any(startswith("hang-at-start: "))) and (.playbook[4].facts | any(startswith("serial-console-off: "))) and (.playbook[3].facts | any(contains("no crash dump")))'
json 0 'the other article' explain status-no-memory d.raw
is 'its facts too' '[.playbook[].facts[] | select(startswith("bad-memory-list: "))] | length == 1'
json 16 'a problem is no article' explain bad-memory-list d.raw
same 'a disk that was explained is untouched' d.raw "$h"

# Screenshots: drawn ones, and real ones when they are at hand.
like() { # name file screen code language article
	json "$([ "$3" = unknown ] && echo 4 || echo 0)" "$1" symptom "$2"
	jq -e --arg s "$3" --arg c "$4" --arg l "$5" --arg a "$6" '.files[0] | .screen == $s and (.code // "") == $c and (.language // "") == $l and (.article // "") == $a' out >/dev/null
	result $? "$1: $3 $4 $5 $6" out
}
if ! command -v tesseract >/dev/null; then
	skip 'screenshots' 'no tesseract'
	plan
	exit
fi
shots=${COLDFIX_SHARED:-/nonexistent}/data/screenshots docs=
docs=$shots/VinayPrasannaSarangam+SupportArticles-docs
if [ -d "$docs" ] && [[ "$("$coldfix" --version)" == *images* ]]; then
	like 'real: recovery' "$docs/troubleshoot-windows-stop-error/2.png" recovery 0xC0000017 en status-no-memory
	like 'real: boot manager, another code' "$shots/grub4dos+ntloader/vhd_error.png" boot-manager 0xC0000001 en ''
	like 'real: the logo' "$docs/troubleshoot-reboot-loop/start-screen-1.png" starting-windows '' '' starting-windows
	like 'real: a stop' "$docs/troubleshoot-guide-critical-process-died/1.jpg" stop 0x000000EF en ''
	json 4 'real: bcdedit is no boot manager' symptom "$docs/troubleshoot-boot-error-status-not-found/13.png"
	head -c 3000 "$docs/troubleshoot-windows-stop-error/2.png" >short.png
	json 8 'a PNG that is cut short' symptom short.png
	is 'it says so' '.error.code == "corrupt" and (.error.message | contains("PNG"))'
	json 4 'repair --symptom with the logo: dry run' repair --symptom "$docs/troubleshoot-reboot-loop/start-screen-1.png" --dry-run d.raw
	is 'only the settings are planned' '[.problems[] | select(.status == "planned") | .id] == ["serial-console-off"] and ([.problems[] | select(.id == "bad-memory-list")][0].status == "skipped")'
else
	skip 'real screenshots' 'not at hand, or a build without images'
fi
if /usr/bin/python3 -B "$root/tests/symptom/render.py" --out drawn --others 130 --pick positive-009,positive-079,other-028,other-051,other-126 >render.log 2>&1; then
	while IFS=$'\037' read -r file screen code language article how; do
		[[ "$("$coldfix" --version)" == *images* || $file == *.ppm || $file == *.bmp ]] || continue
		like "drawn: $file ($how)" "drawn/$file" "$screen" "$code" "$language" "$article"
	done < <(jq -r '.[] | [.file, .screen, .code // "", .language // "", .article // "", .how] | join("\u001f")' drawn/truth.json)
	image=$(jq -r '.[0].file' drawn/truth.json)
	PATH=/nonexistent "$coldfix" symptom --json "drawn/$image" >out 2>err
	[ $? = 8 ] && jq -e '.error.code == "unsupported" and (.error.message | contains("tesseract-ocr"))' out >/dev/null
	result $? 'without tesseract its package is named' out
else
	skip 'drawn screenshots' 'no python3-pil, or its fonts are missing'
fi
plan
