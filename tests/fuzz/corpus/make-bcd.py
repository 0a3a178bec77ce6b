#!/usr/bin/env python3
# make-bcd.py - writes the seeds in bcd/ with hivexsh (Debian: libhivex-bin), starting from a hive with nothing but a root key.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import struct
import subprocess

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'bcd')
NONE = 0xffffffff
BOOTMGR = '{9dea862c-5cdd-4e70-acc1-f32b344d4795}'
LOADER = '{11111111-2222-3333-4444-555555555555}'
WINRE = '{aaaaaaaa-2222-3333-4444-555555555555}'
GLOBAL = '{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}'
BADMEMORY = '{5189b25c-5558-4bf2-bca4-289b11bd29e2}'


def empty_hive():
    base = struct.pack('<4sIIQIIIIIII', b'regf', 1, 1, 0, 1, 3, 0, 1, 0x20, 4096, 1).ljust(508, b'\0')
    checksum = 0
    for (word,) in struct.iter_unpack('<I', base):
        checksum ^= word
    nk = struct.pack('<2sHQIIIIIIIIIIIIIIIHH', b'nk', 0x2c, 0, 0, NONE, 0, 0, NONE, NONE, 0, NONE, 0x78, NONE,
                     0, 0, 0, 0, 0, 4, 0) + b'Root'
    sk = struct.pack('<2sHIIII', b'sk', 0, 0x78, 0x78, 1, 20) + struct.pack('<BBHIIII', 1, 0, 0x8000, 0, 0, 0, 0)
    cells = struct.pack('<i', -0x58) + nk.ljust(0x54, b'\0') + struct.pack('<i', -0x30) + sk.ljust(0x2c, b'\0')
    free = 4096 - 0x20 - len(cells)
    bins = struct.pack('<4sII20x', b'hbin', 0, 4096) + cells + struct.pack('<i', free)
    return (base + struct.pack('<I', checksum)).ljust(4096, b'\0') + bins.ljust(4096, b'\0')


def data(kind, raw):
    return 'hex:%d:%s' % (kind, ','.join('%02x' % b for b in raw))


def text(s):
    return data(1, (s + '\0').encode('utf-16-le'))


def guids(*g):
    return data(7, (''.join(x + '\0' for x in g) + '\0').encode('utf-16-le'))


def integer(n):
    return data(3, struct.pack('<Q', n))


def partition(mbr):
    ident = struct.pack('<QQIII12x', 1 << 20, 0, 0, 1, 0xdeadbeef) if mbr else b'\x11' * 16 + bytes(8) + b'\x22' * 16
    return struct.pack('<IIII', 6, 0, 0x48, 0) + ident + bytes(16)


def path(mbr, name):
    body = partition(mbr) + (name + '\0').encode('utf-16-le')
    return struct.pack('<III', 1, 12 + len(body), 5) + body


def device(kind, flags, body, options=bytes(16)):
    return options + struct.pack('<IIII', kind, flags, 16 + len(body), 0) + body


def ramdisk(name):
    return device(0, 1, struct.pack('<IQQI', 3, 0, 0, 0) + path(False, name), b'\xbb' * 16)


def located_vhd(name):
    file = device(0, 0, struct.pack('<I', 5) + path(True, name))[16:]
    return device(8, 0, struct.pack('<IIIH', 0, 0x12000002, 0x1e, 0) + device(0, 0, struct.pack('<I20x', 6) + file)[16:])


def seed(name, objects):
    file = os.path.join(here, name)
    with open(file, 'wb') as f:
        f.write(empty_hive())
    script = ['load ' + file, 'cd \\', 'add Objects']
    for guid, (kind, elements) in objects.items():
        script += ['cd \\Objects', 'add ' + guid]
        if kind is not None:
            script += ['cd \\Objects\\' + guid, 'add Description', 'cd Description', 'setval 1', 'Type', 'dword:0x%08x' % kind]
        script += ['cd \\Objects\\' + guid, 'add Elements']
        for key, value in elements.items():
            script += ['cd \\Objects\\%s\\Elements' % guid, 'add ' + key, 'cd ' + key, 'setval 1', 'Element', value]
    subprocess.run(['hivexsh', '-w'], input='\n'.join(script + ['commit', '']), text=True, check=True,
                   stdout=subprocess.DEVNULL)


os.makedirs(here, exist_ok=True)
seed('normal', {
    BOOTMGR: (0x10100002, {'11000001': data(3, bytes(16) + partition(True)), '23000003': text(LOADER),
                           '24000001': guids(LOADER, WINRE), '25000004': integer(30)}),
    LOADER: (0x10200003, {'11000001': data(3, bytes(16) + partition(False)), '12000002': text('\\winload.efi'),
                          '14000006': guids(GLOBAL), '16000009': data(3, b'\1'), '25000020': integer(1)}),
    WINRE: (0x10200003, {'11000001': data(3, ramdisk('\\a.wim')), '21000001': data(3, located_vhd('\\x.vhd'))}),
    GLOBAL: (0x20100000, {'14000006': guids(BADMEMORY)}),
    BADMEMORY: (0x20100000, {'1700000a': data(3, struct.pack('<QQ', 0xb7, 0xb8))})})
seed('loop', {LOADER: (0x10200003, {'14000006': guids(WINRE)}), WINRE: (0x10200003, {'14000006': guids(LOADER, WINRE)})})
seed('hand-made', {LOADER: (None, {'1500000E': data(3, b'\1\2\3'), '1500000': integer(1), '21000001': data(3, device(5, 0, bytes(56)))})})
seed('empty', {})
