#!/usr/bin/env python3
"""make-mft.py - the seeds of fuzz-mft: $MFT of small volumes from mkntfs and ntfs-populate.

usage: make-mft.py NTFS-POPULATE      writes corpus/mft/ beside this file

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pathlib
import subprocess
import sys
import tempfile

RECORD, AT = 1024, 4 * 4096
SEEDS = {
    'plain': 'text\tsmall.txt\tx\nfill\tbig\t90000\nmkdir\tempty\nlink\tother\tbig\nstream\tbig\ts\t9000\njunction\tj\tC:\\x\n',
    'lists': 'fragment\ta\tb\t900\nsparse\tholes\t3000000\n',
    'packed': 'compressed\tp\t400000\nstream\tp\tone\t100\nstream\tp\ttwo\t70000\ndosname\tp\tPACKED~1\n',
    'links': 'text\tx\tx\n' + ''.join(f'link\tdir {i}/name of link number {i}\tx\n' for i in range(12)),
}
out = pathlib.Path(__file__).parent / 'mft'
out.mkdir(exist_ok=True)
for name, manifest in SEEDS.items():
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(64 << 20)
        subprocess.run(['mkntfs', '-F', '-Q', '-q', '-p', '0', '-H', '255', '-S', '63', '-c', '4096', image.name], check=True,
                       capture_output=True)
        subprocess.run([sys.argv[1], image.name], check=True, input='now\t1700000000\n' + manifest, text=True)
        image.seek(0)
        disk = image.read()
        n = 24  # up to the last record in use behind the reserved ones
        for i in range(24, 100):
            r = disk[AT + i * RECORD:AT + (i + 1) * RECORD]
            if r[:4] == b'FILE' and r[0x16] & 1:
                n = i + 1
        mft = disk[AT:AT + n * RECORD]
        (out / name).write_bytes(b'\x01' + mft)
        if name == 'lists':
            (out / 'lists-torn').write_bytes(b'\x00' + mft[:30 * RECORD + 510] + b'??' + mft[30 * RECORD + 512:])
            (out / 'cut').write_bytes(b'\x01' + mft[:25 * RECORD + 100])
