#!/usr/bin/env python3
# make-regf-log.py - writes the seeds in regf-log/: tiny hives (bins without keys) with logs in both formats.
# SPDX-License-Identifier: GPL-2.0-or-later
# The flags byte makes the fuzz target set checksums and hashes, so none are computed here.
import os
import struct

PAGE = 4096
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'regf-log')


def base(seq1, seq2, kind, bins, time=1000):
    b = struct.pack('<4sIIQIIIIIII', b'regf', seq1, seq2, time, 1, 5, kind, 1, 0x20, bins * PAGE, 1)
    return b.ljust(512, b'\0')


def bin_(i, mark):
    b = struct.pack('<4sII8xQI', b'hbin', i * PAGE, PAGE, 1000, 0) + struct.pack('<i', PAGE - 0x20)
    return b.ljust(PAGE, mark)


def hive(bins, seq1, seq2):
    return base(seq1, seq2, 0, bins).ljust(PAGE, b'\0') + b''.join(bin_(i, b'P') for i in range(bins))


def entry(seq, bins, first, n, mark):
    size = (0x28 + n * (8 + PAGE) + 511) // 512 * 512
    e = struct.pack('<4sIIIII16x', b'HvLE', size, 0, seq, bins * PAGE, n)
    e += b''.join(struct.pack('<II', (first + i) * PAGE, PAGE) for i in range(n))
    return (e + b''.join(bin_(first + i, mark) for i in range(n))).ljust(size, b'\0')


def old_log(seq, bins, pages, time=1000):
    bitmap = bytes(0xff if i in pages else 0 for i in range(bins))
    head = base(seq, seq, 1, bins, time) + (b'DIRT' + bitmap).ljust(512, b'\0')
    return head + b''.join(bin_(i, b'A') for i in pages)


def seed(name, primary, log1, log2, flags=15):
    with open(os.path.join(here, name), 'wb') as f:
        f.write(struct.pack('<BII', flags, len(primary), len(log1)) + primary + log1 + log2)


os.makedirs(here, exist_ok=True)
log5 = base(5, 5, 6, 1) + entry(5, 1, 0, 1, b'A')
log6 = base(6, 6, 6, 1) + entry(6, 2, 1, 1, b'B')
seed('new-both', hive(1, 6, 5), log5, log6)
seed('new-swapped', hive(1, 6, 5), log6, log5)
seed('new-torn', hive(1, 6, 5), log5, log6, flags=14)
seed('new-wrap', hive(1, 0xffffffff, 0xfffffffe), base(0, 0, 6, 1) + entry(0, 1, 0, 1, b'B'),
     base(0xffffffff, 0xffffffff, 6, 1) + entry(0xffffffff, 1, 0, 1, b'A'))
seed('old', hive(2, 6, 5), old_log(6, 2, [0]), old_log(7, 2, [0, 1], 1001))
seed('old-torn', hive(2, 6, 5), old_log(6, 2, [1]), b'', flags=14)
seed('clean', hive(1, 5, 5), log5, b'')
