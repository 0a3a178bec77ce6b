#!/usr/bin/env python3
"""table.py - the problem table: ids unique, every row explained, every row with a disk that shows it.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import json
import pathlib
import subprocess
import sys

from tap import done, ok

root, coldfix = pathlib.Path(sys.argv[1]), sys.argv[2]
rows = json.loads(subprocess.check_output([coldfix, "explain", "--json"]))["problems"]
ids = [r["id"] for r in rows]
ok(len(ids) == len(set(ids)) >= 23, "ids are there and unique", ids)
shown = set()
for line in (root / "tests/scenario/breaks.tsv").read_text().splitlines():
    if line and not line.startswith("#"):
        shown |= set(line.split("\t")[3].split(","))
for r in rows:
    full = json.loads(subprocess.check_output([coldfix, "explain", r["id"], "--json"]))["problems"][0]
    empty = [k for k in ("title", "seen", "does", "risk", "article", "step") if not full[k]]
    ok(not empty, f"{r['id']} is explained", *empty)
    ok(r["id"] in shown, f"a disk of tests/scenario shows {r['id']}")
done()
