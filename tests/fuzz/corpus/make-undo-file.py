#!/usr/bin/env python3
# make-undo-file.py - makes the seeds of fuzz-undo-file: undo files and a marker, from docs/undo-format.md alone.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A second writer of the format, in another language: test-undo-file requires that the library reads what this makes.
# Run in this folder: ./make-undo-file.py undo-file
import hashlib
import struct
import sys
import zlib

NONCE = bytes(range(16))
BLOCK = 4096
DISK = 65536 + 100


def crc(data):
    return struct.pack('<I', zlib.crc32(data, zlib.crc32(NONCE)))


def mark(kind, tables=0):
    body = struct.pack('<8s16sIIQ20x', b'CFMARK\r\n', NONCE, kind, tables, 1700000000)
    return (body + crc(body)).ljust(BLOCK, b'\0')


def pad(data):
    return data + bytes(-len(data) % BLOCK)


def undo_file(marks, prints, blocks, flags=0):
    records_at = 5 * BLOCK + len(pad(bytes(192 * len(prints))))
    images_at = records_at + len(pad(bytes(192 * len(blocks))))
    header = struct.pack('<8s4I16sQQIIQIIQQQQ32s80s512s3356x', b'CFUNDO\r\n', 1, BLOCK, 0, 0, NONCE, 1700000000, DISK,
                         512, BLOCK, len(blocks), len(prints), flags, 5 * BLOCK, records_at, images_at,
                         images_at + BLOCK * len(blocks), b'make-undo-file', b'fuzz', b'disk.img')
    tables = zlib.crc32(header)
    print_table = record_table = images = b''
    for offset, length, what, before, after in prints:
        body = struct.pack('<QII48s32s32s60x', offset, length, 0, what, hashlib.sha256(before).digest(),
                           hashlib.sha256(after).digest())
        tables = zlib.crc32(body, tables)
        print_table += body + crc(body)
    for block, before, after in blocks:
        tags = b''.join(hashlib.sha256(after[i:i + 512]).digest()[:8] for i in range(0, len(after), 512))
        body = struct.pack('<QII32s32s64s44x', block, len(before), 0, hashlib.sha256(before).digest(),
                           hashlib.sha256(after).digest(), tags)
        tables = zlib.crc32(body, tables)
        record_table += body + crc(body)
        images += before.ljust(BLOCK, b'\0')
    slots = b''.join(mark(k, tables if k == 0 else 0) if k in marks else bytes(BLOCK) for k in range(4))
    return header + crc(header) + slots + pad(print_table) + pad(record_table) + images


def marker(path, kind=1):
    body = struct.pack('<8sII16sI28x4028s', b'CFPEND\r\n', 1, kind, NONCE, len(path), path)
    return body + crc(body) + mark(0) + bytes(2 * BLOCK)


zero = bytes(BLOCK)
whole = (3, b'\x11' * BLOCK, zero)
last = (16, b'\x22' * 100, bytes(100))
boot = (0, 512, b'boot sector', bytes(512), bytes(512))
seeds = {
    'finished': b'\x07' + undo_file({0, 1}, [boot], [whole, last]),
    'finished-no-fingerprint': b'\x07' + undo_file({0, 1}, [], [whole]),
    'unfinished': b'\x27' + undo_file({0}, [boot], [whole]),
    'forced': b'\x17' + undo_file({0, 1, 2}, [(0, 65536, b'changed', b'?', b'!')], [(3, b'\x33' * BLOCK, b'?' * BLOCK)]),
    'marker': b'\x0b' + marker(b'/d/disk.img.coldfix-undo'),
}
for name, content in seeds.items():
    with open(f'{sys.argv[1]}/{name}', 'wb') as f:
        f.write(content)
