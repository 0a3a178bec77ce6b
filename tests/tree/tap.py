"""tap.py - a few lines of TAP for the scripts of this folder.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import sys

_n = _failed = 0


def ok(good, name, *details):
    global _n, _failed
    _n += 1
    print(f"{'ok' if good else 'not ok'} {_n} - {name}")
    if not good:
        _failed += 1
        for d in details:
            print("#", d)


def done():
    print(f"1..{_n}")
    sys.exit(1 if _failed else 0)
