#!/usr/bin/env python3
# make-dump.py - makes the seeds of fuzz-dump and fuzz-dump-triage with the generator of the tests.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run in this folder: ./make-dump.py dump dump-triage
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'images'))
import dumps  # noqa: E402

small = dict(pages=9)
seeds = {
    'complete64': dumps.make('complete', **small),
    'complete32': dumps.make('complete', bits=32, **small),
    'complete32-pae': dumps.make('complete', bits=32, pae=1, **small),
    'bitmap64': dumps.make('bitmap', **small),
    'active32': dumps.make('active', bits=32, **small),
    'kernel64': dumps.make('kernel', **small),
    'kernel32-cut': dumps.make('kernel', bits=32, cut=9000, **small),
    'header': dumps.make('header'),
    'triage64': dumps.make('triage', pad=0, blobs=1),
    'triage32': dumps.make('triage', bits=32, pad=0),
    'user': dumps.make('user'),
}
# For fuzz-dump-triage: a byte that says which header, then what follows it.
triage = {
    'wide': b'\1' + dumps.make('triage', pad=0)[0x2000:],
    'wide-long-entries': b'\1' + dumps.make('triage', pad=0, entry=0xa8)[0x2000:],
    'wide-blobs': b'\1' + dumps.make('triage', pad=0, blobs=1)[0x2000:],
    'narrow': b'\0' + dumps.make('triage', bits=32, pad=0)[0x1000:],
    'narrow-cut': b'\0' + dumps.make('triage', bits=32, pad=0, cut=0x1200)[0x1000:],
}
for folder, content in zip(sys.argv[1:3], (seeds, triage)):
    os.makedirs(folder, exist_ok=True)
    for name, data in content.items():
        with open(f'{folder}/{name}', 'wb') as f:
            f.write(data)
