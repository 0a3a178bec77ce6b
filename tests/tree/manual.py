#!/usr/bin/env python3
"""manual.py - every command has a page, every long option of --help stands in a page and the other way round.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pathlib
import re
import subprocess
import sys

from tap import done, ok

root, coldfix = pathlib.Path(sys.argv[1]), sys.argv[2]


def run(*args):
    return subprocess.run([coldfix, *args], capture_output=True, text=True).stdout


commands = re.findall(r"^  ([a-z]+) ", run("--help").split("Commands:")[1], re.M)
commands = [c for c in commands if c != "coldfix"]
ok(len(commands) >= 10, "--help lists the commands", commands)
common = (root / "man/coldfix.1.scd").read_text()
option = re.compile(r"--([a-z][a-z-]+)")
for c in commands:
    page = root / f"man/coldfix-{c}.1.scd"
    ok(page.exists(), f"{c} has a page")
    text = page.read_text() + common if page.exists() else ""
    help_options = set(option.findall(run(c, "--help")))
    missing = sorted(o for o in help_options if f"--{o}" not in text)
    ok(not missing, f"every option of {c} --help is in its page or coldfix(1)", *missing)
    known = sorted(o for o in set(option.findall(page.read_text())) - help_options if page.exists())
    ok(not known, f"coldfix-{c}(1) names no option that {c} does not have", *known)
all_help = set()
for c in commands:
    all_help |= set(option.findall(run(c, "--help")))
unknown = sorted(set(option.findall(common)) - all_help - {"version"})
ok(not unknown, "coldfix(1) names no option that does not exist", *unknown)
done()
