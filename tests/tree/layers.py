#!/usr/bin/env python3
"""layers.py - a folder of lib/ includes only from folders beneath it; cli/ only the public header; third-party headers stay where they may be.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pathlib
import re
import sys

from tap import done, ok

root = pathlib.Path(sys.argv[1])
order = ["base", "block", "txn", "part", "volume", "registry", "windows", "dump", "space", "symptom", "problem", "job", "report"]
include = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)
third_party = {"ntfs-3g/": "volume/ntfs", "hivex.h": "registry/hive-hivex", "libnbd.h": "block/", "png.h": "symptom/image", "jpeglib.h": "symptom/image"}

folders = sorted(p.name for p in (root / "lib").iterdir() if p.is_dir())
ok(set(folders) <= set(order), "every folder of lib/ has a place in the order", folders)
for layer in folders:
    bad = []
    for f in sorted((root / "lib" / layer).glob("*.[ch]")):
        for inc in include.findall(f.read_text(errors="replace")):
            top = inc.split("/")[0]
            if top in order and "/" in inc and order.index(top) > order.index(layer):
                bad.append(f"{f.relative_to(root)} includes {inc}")
            for prefix, place in third_party.items():
                if inc.startswith(prefix) and (not f"{layer}/{f.name}".startswith(place) or f.suffix == ".h" and "internal" not in f.name):
                    bad.append(f"{f.relative_to(root)} includes {inc}")
    ok(not bad, f"lib/{layer} includes only from beneath", *bad)
bad = [f"{f.name}: {i}" for f in sorted((root / "cli").glob("*.[ch]")) for i in include.findall(f.read_text())
       if "/" in i and not i.startswith("sys/")]
ok(not bad, "cli/ uses the public header only", *bad)
first = re.compile(r"^/\* [\w.-]+ - ")
bad = [str(f.relative_to(root)) for d in ("lib", "cli", "include", "tests") for f in sorted((root / d).rglob("*.[ch]"))
       if not first.match(f.read_text(errors="replace"))]
ok(not bad, "every C file's first line says what it is for", *bad)
done()
