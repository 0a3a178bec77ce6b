#!/usr/bin/env python3
# make-disk.py - writes the seeds in gpt/, mbr/, fat/ and detect/: tiny tables, boot sectors and whole FAT volumes.
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything is computed here; no tool and no other image is needed.
import os
import struct
import uuid
import zlib

here = os.path.dirname(os.path.abspath(__file__))


def save(folder, name, data):
    os.makedirs(os.path.join(here, folder), exist_ok=True)
    with open(os.path.join(here, folder, name), 'wb') as f:
        f.write(data.rstrip(b'\0') or b'\0')


# ---- MBR and GPT -------------------------------------------------------------------------------------------------

DISK = 1 << 18


def mbr(entries, code=b'\x33\xc0\x8e\xd0'):
    s = code.ljust(440, b'\0') + struct.pack('<IH', 0x1234abcd, 0)
    for status, kind, start, count in entries:
        s += struct.pack('<B3sB3sII', status, b'\xfe\xff\xff', kind, b'\xfe\xff\xff', start, count)
    return s.ljust(510, b'\0') + b'\x55\xaa'


def header(my, other, array, ss, entries, array_crc, first, last, size=92):
    h = struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000, size, 0, 0, my, other, first, last,
                    uuid.UUID('01234567-89ab-cdef-0123-456789abcdef').bytes_le, array, entries, 128, array_crc)
    return h[:16] + struct.pack('<I', zlib.crc32(h)) + h[20:]


ESP = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b'
BASIC = 'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7'


def entry(kind, first, last, name, attributes=0):
    return struct.pack('<16s16sQQQ72s', uuid.UUID(kind).bytes_le, uuid.UUID(int=first + 1).bytes_le, first, last, attributes,
                       name.encode('utf-16-le'))


def gpt(ss, flags, entries=16, parts=None):
    array = b''.join(parts or [entry(ESP, 64, 99, 'EFI'), entry(BASIC, 100, 180, 'Basic data', 1 << 63)])
    array = array.ljust(entries * 128, b'\0')
    crc = zlib.crc32(array)
    total = DISK // ss
    d = mbr([(0, 0xee, 1, total - 1)]).ljust(ss, b'\0') + header(1, total - 1, 2, ss, entries, crc, 2 + len(array) // ss, total - 34).ljust(ss, b'\0')
    d += array
    return bytes([flags]) + d


def gpt_both():
    d = gpt(512, 4)[1:].ljust(2048 + 512, b'\0')
    total = DISK // 512
    array = d[1024:1024 + 16 * 128]
    # 33 sectors at the end of the disk: the array from total - 33 on, the header last
    tail = array.ljust(32 * 512, b'\0') + header(total - 1, 1, total - 33, 512, 16, zlib.crc32(array), 6, total - 34).ljust(512, b'\0')
    return bytes([4]) + d + tail


save('gpt', 'primary', gpt(512, 0))
save('gpt', 'primary-4096', gpt(4096, 8, 32, [entry(ESP, 6, 9, 'EFI'), entry(BASIC, 10, 25, 'Basic data')]))
save('gpt', 'fix-checksums', gpt(512, 1))
save('gpt', 'overlap', gpt(512, 1, 16, [entry(BASIC, 64, 99, 'a'), entry(BASIC, 90, 120, 'b'), entry(BASIC, 0, 1 << 62, 'c')]))
both = gpt_both()
open(os.path.join(here, 'gpt', 'both'), 'wb').write(both)
open(os.path.join(here, 'gpt', 'backup-only'), 'wb').write(bytes([4]) + both[1:513] + b'\0' * 512 + both[1025:])
save('gpt', 'protective-only', bytes([0]) + mbr([(0, 0xee, 1, 511)]))
save('gpt', 'hybrid', bytes([0]) + mbr([(0, 0xee, 1, 63), (0x80, 7, 64, 100)]) + gpt(512, 0)[513:])

save('mbr', 'primary', bytes([0]) + mbr([(0x80, 7, 64, 500), (0, 0x27, 600, 100)]))
# step 8 sectors (flag 3): EBRs at sectors 8, 16, 24
chain = [mbr([(0, 7, 2, 4), (0, 0x0f, 8, 500)]), mbr([(0, 7, 1, 5), (0, 5, 8, 8)]), mbr([(0, 0x0b, 1, 5), (0, 5, 16, 8)]),
         mbr([(0, 0x83, 1, 5)])]
save('mbr', 'logical', bytes([3 | 8]) + b''.join(chain))
chain[3] = mbr([(0, 0x83, 1, 5), (0, 5, 0, 8)])
save('mbr', 'circle', bytes([3 | 8]) + b''.join(chain))
save('mbr', 'overlap', bytes([0]) + mbr([(0, 7, 64, 500), (0, 7, 100, 500), (0, 0x0f, 700, 0xffffffff)]))


# ---- FAT ---------------------------------------------------------------------------------------------------------

def boot(kind, total, spc, reserved, fats, fat_sectors, root, ss=512):
    b = b'\xeb\x3c\x90MSDOS5.0' + struct.pack('<HBHBHHBHHHII', ss, spc, reserved, fats, root, total if total < 65536 else 0, 0xf8,
                                                0 if kind == 32 else fat_sectors, 63, 255, 0, 0 if total < 65536 else total)
    if kind == 32:
        b += struct.pack('<IHHIHH12sBBBI11s8s', fat_sectors, 0, 0, 2, 1, 6, b'', 0x80, 0, 0x29, 0xc01df1ef, b'NO NAME    ',
                         b'FAT32   ')
    else:
        b += struct.pack('<BBBI11s8s', 0x80, 0, 0x29, 0xc01df1ef, b'NO NAME    ', b'FAT%d   ' % kind)
    return b.ljust(510, b'\0') + b'\x55\xaa'


def table(kind, values, sectors):
    if kind == 12:
        out = bytearray(sectors * 512)
        for i, v in enumerate(values):
            at = i + i // 2
            old = out[at] | out[at + 1] << 8
            new = (old & 0x000f) | (v & 0xfff) << 4 if i & 1 else (old & 0xf000) | (v & 0xfff)
            out[at], out[at + 1] = new & 255, new >> 8
        return bytes(out)
    return b''.join(struct.pack('<H', v & 0xffff) if kind == 16 else struct.pack('<I', v & 0x0fffffff) for v in values).ljust(
        sectors * 512, b'\0')


def short(name, attr, cluster, size, case=0):
    return struct.pack('<11sBBBHHHHHHHI', name, attr, case, 0, 0, 0x5a21, 0x5a21, cluster >> 16, 0x6000, 0x5a21, cluster & 0xffff, size)


def long(name, alias):
    total = 0
    for c in alias:
        total = ((total & 1) << 7 | total >> 1) + c & 255
    units = list(struct.unpack('<%dH' % len(name), name.encode('utf-16-le'))) + [0]
    units += [0xffff] * (-len(units) % 13)
    out = b''
    parts = len(units) // 13
    for i in reversed(range(parts)):
        u = units[13 * i:13 * i + 13]
        out += struct.pack('<B5HBBB6HH2H', i + 1 | (0x40 if i == parts - 1 else 0), *u[:5], 0x0f, 0, total, *u[5:11], 0, *u[11:])
    return out


END = 0x0fffffff


def volume(kind, tweak=None):
    """256 KiB: root with a file, a file with a long name and a folder with a file of two clusters."""
    reserved, fat_sectors, root = (2, 4, 0) if kind == 32 else (1, 2, 16)
    if kind == 16:
        return None  # would need 4085 clusters: 2 MiB
    #        0           1    2 root/folder  ...
    values = [0x0ffffff8, END] + ([END] if kind == 32 else []) + [END, END, END, 6 + (kind == 32), END]
    base = 3 if kind == 32 else 2
    if tweak:
        tweak(values, base)
    fat = table(kind, values, fat_sectors)
    listing = short(b'MY LABEL   ', 8, 0, 0) + short(b'A       TXT', 0x20, base, 5, 0x18)
    listing += long('a long näme.text', b'ALONGN~1TEX') + short(b'ALONGN~1TEX', 0x20, base + 1, 100) + short(b'EFI        ', 0x10, base + 2, 0)
    folder = short(b'.          ', 0x10, base + 2, 0) + short(b'..         ', 0x10, 0, 0) + short(b'BCD        ', 0x20, base + 3, 700)
    b = boot(kind, 512, 1, reserved, 2, fat_sectors, root)
    if kind == 32:
        info = (b'RRaA'.ljust(484, b'\0') + struct.pack('<4sII', b'rrAa', 400, 8)).ljust(508, b'\0') + b'\0\0\x55\xaa'
        head, clusters = b + info, [listing, b'hello', b'y' * 100, folder, b'z' * 512, b'z' * 188]
    else:
        head, clusters = b, [b'hello', b'y' * 100, folder, b'z' * 512, b'z' * 188]
    out = head + fat * 2
    if kind != 32:
        out += listing.ljust(root * 32, b'\0')
    return out + b''.join(c.ljust(512, b'\0') for c in clusters)


save('fat', 'fat12', volume(12))
save('fat', 'fat32', volume(32))
save('fat', 'fat12-circle', volume(12, lambda v, b: v.__setitem__(b + 4, b + 3)))
save('fat', 'fat32-shared', volume(32, lambda v, b: v.__setitem__(b, b + 4)))
save('fat', 'fat12-free', volume(12, lambda v, b: v.__setitem__(b + 4, 0)))
# FAT16 with more clusters than the volume has bytes: the table is there, the data is not
fat16 = boot(16, 60000, 1, 1, 2, 200, 16) + table(16, [0xfff8, 0xffff, 0xffff, 0xffff], 4)
save('fat', 'fat16-cut', fat16)

# ---- what a boot sector says -------------------------------------------------------------------------------------

for name, head in {'ntfs': b'\xeb\x52\x90NTFS    ', 'exfat': b'\xeb\x76\x90EXFAT   ', 'refs': b'\0\0\0ReFS\0\0\0\0',
                   'bitlocker': b'\xeb\x58\x90-FVE-FS-', 'fat32': volume(32)[:90], 'fat12': volume(12)[:62]}.items():
    s = head.ljust(510, b'\0') + b'\x55\xaa'
    if name == 'ntfs':
        s = head + struct.pack('<HBH3sHBHHHII', 512, 8, 0, b'', 0, 0xf8, 0, 63, 255, 0, 0) + struct.pack(
            '<IQQQbxxxbxxxQ', 0x800080, 511, 4, 2, -10, 1, 0x1234)
        s = s.ljust(510, b'\0') + b'\x55\xaa'
    save('detect', name, s)
to_go = bytearray(volume(32)[:512])
to_go[3:11] = b'MSWIN4.1'
to_go[424:440] = uuid.UUID('4967d63b-2e29-4ad8-8399-f6a339e3d001').bytes_le
save('detect', 'bitlocker-to-go', bytes(to_go))
save('detect', 'ldm', b'\0' * 3072 + b'PRIVHEAD')
save('detect', 'storage-spaces', b'\0' * 4096 + b'SPACEDB ')
