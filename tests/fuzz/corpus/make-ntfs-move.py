#!/usr/bin/env python3
"""make-ntfs-move.py - the seeds of fuzz-ntfs-move: what says where things lie on small volumes of mkntfs and ntfs-populate.

usage: make-ntfs-move.py NTFS-POPULATE      writes corpus/ntfs-move/ beside this file

SPDX-License-Identifier: GPL-2.0-or-later
"""
import pathlib
import subprocess
import sys
import tempfile

SECTOR, SIZE = 512, 2 << 20
SEEDS = {
    'plain': (512, 'whole moves', 'fill\tbig\t9000\nmkdir\tempty\nlink\tother\tbig\nstream\tbig\ts\t9000\n'),
    'lists': (512, 'parts moves', 'fragment\ta\tb\t250\ndelete\tb\nscatter\tp\t20K\n'),
    'mft': (512, 'whole moves', 'fragment\ta\tb\t30\nmkdir\tm\nmft\tm\t3\nmany\td\t40\t40\ndelete\tb\n'),
    'large-clusters': (4096, 'parts', 'fragment\ta\tb\t12\ndelete\tb\nsparse\ts\t90000\nscatter\tp\t16K\n'),
    'packed': (1024, 'whole moves', 'scatter\tp\t40K\ncompressed\tc\t100000\nsparse\ts\t70000\n'),
}


def runs(record, off):
    """Mapping pairs at off: (cluster, count)."""
    at, lcn = off, 0
    while record[at]:
        n, m = record[at] & 15, record[at] >> 4
        count = int.from_bytes(record[at + 1:at + 1 + n], 'little', signed=True)
        if m:
            lcn += int.from_bytes(record[at + 1 + n:at + 1 + n + m], 'little', signed=True)
            yield lcn, count
        at += 1 + n + m


def wanted(disk, cluster):
    """Sectors of the boot sector, $MFT, its mirror, $Bitmap and attribute lists."""
    sectors, mft = {0}, int.from_bytes(disk[0x30:0x38], 'little') * cluster
    places = []

    def see(r):
        a = int.from_bytes(r[0x14:0x16], 'little')
        while r[a:a + 4] != b'\xff\xff\xff\xff':
            kind, length = int.from_bytes(r[a:a + 4], 'little'), int.from_bytes(r[a + 4:a + 8], 'little')
            if r[a + 8]:
                yield kind, list(runs(r, a + int.from_bytes(r[a + 0x20:a + 0x22], 'little')))
            a += length

    def record(at):
        r = bytearray(disk[at:at + 1024])
        for i in (1, 2):
            u = int.from_bytes(r[4:6], 'little') + 2 * i
            r[i * 512 - 2:i * 512] = r[u:u + 2]
        return r
    places += [x for kind, list_ in see(record(mft)) if kind == 0xb0 for x in list_]
    table = [x for kind, list_ in see(record(mft)) if kind == 0x80 for x in list_]
    for lcn, count in table:
        for at in range(lcn * cluster, (lcn + count) * cluster, 1024):
            if disk[at:at + 4] != b'FILE' or not disk[at + 0x16] & 1:
                continue
            sectors.update((at // SECTOR, at // SECTOR + 1))
            number = int.from_bytes(disk[at + 0x2c:at + 0x30], 'little')
            for kind, list_ in see(record(at)):
                if kind == 0x20 or (number in (1, 6) and kind == 0x80):
                    places += list_
    for lcn, count in places:
        sectors.update(range(lcn * cluster // SECTOR, (lcn + count) * cluster // SECTOR))
    return sorted(sectors)


out = pathlib.Path(__file__).parent / 'ntfs-move'
out.mkdir(exist_ok=True)
for name, (cluster, kinds, manifest) in SEEDS.items():
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(SIZE)
        subprocess.run(['mkntfs', '-F', '-Q', '-q', '-T', '-p', '0', '-H', '255', '-S', '63', '-s', '512', '-c', str(cluster), image.name],
                       check=True, capture_output=True)
        subprocess.run([sys.argv[1], image.name], check=True, input='now\t1700000000\n' + manifest, text=True)
        image.seek(0)
        disk = image.read()
        data, pick = b'', wanted(disk, cluster)
        while pick:
            n = 1
            while n < len(pick) and pick[n] == pick[0] + n:
                n += 1
            data += pick[0].to_bytes(2, 'little') + n.to_bytes(2, 'little') + disk[pick[0] * SECTOR:(pick[0] + n) * SECTOR]
            pick = pick[n:]
        for what, first, number in (('whole', 1, 3), ('parts', 3, 4), ('moves', 7, 99)):
            if what in kinds:
                (out / f'{name}-{what}').write_bytes(bytes([first]) + number.to_bytes(4, 'little') + data)
