#!/usr/bin/env python3
"""problems.py - coldfix-problems(7) in scdoc, from the problem table of the built program.

usage: problems.py COLDFIX
SPDX-License-Identifier: GPL-2.0-or-later
"""
import json
import subprocess
import sys


def safe(text):
    """Text in which scdoc sees no markup."""
    out = ""
    for c in text:
        out += "\\" + c if c in "\\*_[]|#~`<>" else c
    return out


coldfix = sys.argv[1]
rows = []
for article in ("status-no-memory", "starting-windows"):
    rows += json.loads(subprocess.check_output([coldfix, "explain", article, "--json"]))["problems"]
order = [p["id"] for p in json.loads(subprocess.check_output([coldfix, "explain", "--json"]))["problems"]]
rows.sort(key=lambda p: order.index(p["id"]))

print("coldfix-problems(7)\n\n# NAME\n\ncoldfix-problems - what coldfix finds on a Windows VM disk, and what it repairs\n\n# PROBLEMS\n")
for p in rows:
    print(f"## {safe(p['id'])}\n")
    print(f"{safe(p['title'])}. Severity: {p['severity']}; repair: {p['repair']}.\n")
    print(f"*Seen:* {safe(p['seen'])}\n")
    print(f"*Repair:* {safe(p['does'])}\n")
    print(f"*Risk:* {safe(p['risk'])}\n")
    print(f"*Article:* {safe(p['article'])}, {safe(p['step'])}\n")
print("# SEE ALSO\n\n*coldfix*(1), *coldfix-explain*(1)")
