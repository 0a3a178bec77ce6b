# lib.sh - what the scenario scripts share: run coldfix, judge status, output and disk. TAP.
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
# usage of a script: NAME.sh COLDFIX SOURCE-ROOT WORK-FOLDER
set -u
coldfix=$(realpath "$1") root=$(realpath "$2") work=$3
factory=$root/tests/images
export COLDFIX_IMAGE_TOOLS=${COLDFIX_IMAGE_TOOLS:-$(dirname "$coldfix")/tests/images}
export LC_ALL=C.UTF-8
unset NO_COLOR
rm -rf "$work"
mkdir -p "$work"
cd "$work" || exit 1
n=0 status=

result() { # good(0/1) name [file with details]
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
		return
	fi
	echo "not ok $n - $2"
	[ -z "${3:-}" ] || sed 's/^/# /' "$3" | cut -c1-300 | head -40
}
ok() { # name command...
	local name=$1
	shift
	"$@" >check.log 2>&1
	result $? "$name" check.log
}
skip() { n=$((n + 1)) && echo "ok $n - $1 # SKIP $2"; }
plan() { echo "1..$n"; }

mk() { # file mkdisk-options...
	local out=$1
	shift
	rm -rf "$out" "$out".coldfix-*
	"$factory/mkdisk" --out "$out" "$@" >mk.log 2>&1 || result 1 "the factory makes $out ($*)" mk.log
}
# A sparse copy of a disk, without its state.
again() { rm -rf "$2" "$2".coldfix-* && cp --sparse=always "$1" "$2"; }
hash() { "$factory/verify-guest" "$@" | awk '{print $1}'; }
# Everything that coldfix keeps beside the disk.
beside() { find . -maxdepth 1 -name "$(basename "$1").*" | sort; }

# Runs coldfix without a terminal: out, err, $status.
run() { "$coldfix" "$@" </dev/null >out 2>err; status=$?; }

expect() { # status name coldfix-arguments...
	local want=$1 name=$2
	shift 2
	run "$@"
	[ "$status" = "$want" ]
	local good=$?
	[ $good = 0 ] || { echo "status $status instead of $want" && cat err && head -20 out; } >check.log
	result $good "$name: status $want" check.log
}
# The same with --json: one object that follows its schema, with the same status in it. out is the object.
json() { # status name command arguments...
	local want=$1 name=$2 command=$3
	shift 2
	"$coldfix" "$1" --json "${@:2}" </dev/null >out 2>err
	status=$?
	{
		[ "$status" = "$want" ] || echo "status $status instead of $want"
		python3 "$root/tests/scenario/schema.py" "$root/docs/schema" "$command" out || echo 'not as the schema says'
		[ "$(jq .exit_status out)" = "$status" ] || echo 'another exit_status in the object'
		if [ "$status" = 8 ] || [ "$status" = 16 ]; then
			jq -e '.error.message | length > 10' out >/dev/null || echo 'no error in the object'
		else
			jq -e 'has("error") | not' out >/dev/null || echo 'an error in the object'
		fi
	} >check.log 2>&1
	[ -s check.log ] && cat err >>check.log
	! [ -s check.log ]
	result $? "$name: status $want, one object" check.log
}
# json() and then: the error's code is this.
refused() { # code name command arguments...
	local code=$1
	shift
	json 8 "$@"
	[ "$(jq -r .error.code out)" = "$code" ]
	result $? "$1: $code" out
}
is() { # name jq-filter: true of the last object
	jq -e "$2" out >/dev/null
	result $? "$1" out
}
err_says() { # name pattern
	grep -qE "$2" err
	result $? "$1" err
}
same() { # name disk hash (none: a test that could not begin)
	[ -n "$3" ] && [ "$(hash "$2")" = "$3" ]
	result $? "$1"
}
# Answers coldfix's question on a terminal of its own: answer arguments... ; out holds what the terminal showed.
on_terminal() {
	local answer=$1
	shift
	python3 - "$answer" "$coldfix" "$@" >out 2>err <<'EOF'
import os, pty, sys
answer, argv = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
shown = b''
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        got = b''
    if not got:
        break
    shown += got
    if b'[y/N]' in got:
        os.write(fd, answer.encode() + b'\n')
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
	status=$?
}
