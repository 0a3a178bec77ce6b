#!/usr/bin/env python3
# make-regf.py - writes the seeds in regf/: small hives with every kind of list and data, and one that hivex has edited.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import struct
import subprocess

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'regf')
NONE = 0xffffffff
SEGMENT = 16344


class Hive:
    """Bins with one growing row of cells; sizes are known at the end, so one bin is enough."""

    def __init__(self, minor):
        self.minor, self.cells, self.keys = minor, b'', 0
        self.sk = self.add(struct.pack('<2sHIIII', b'sk', 0, 0, 0, 0, 20) + struct.pack('<BBHIIII', 1, 0, 0x8000, 0, 0, 0, 0))

    def add(self, payload):
        at = 0x20 + len(self.cells)
        size = (len(payload) + 4 + 7) // 8 * 8
        self.cells += struct.pack('<i', -size) + payload.ljust(size - 4, b'\0')
        return at

    def put(self, at, payload):
        at = at - 0x20 + 4
        self.cells = self.cells[:at] + payload + self.cells[at + len(payload):]

    def data(self, raw):
        if len(raw) <= SEGMENT or self.minor <= 3:
            return self.add(raw)
        parts = [self.add(raw[i:i + SEGMENT]) for i in range(0, len(raw), SEGMENT)]
        return self.add(struct.pack('<2sHI', b'db', len(parts), self.add(struct.pack('<%dI' % len(parts), *parts))))

    def value(self, name, kind, raw):
        latin = all(ord(c) < 256 for c in name)
        name = name.encode('latin-1' if latin else 'utf-16-le')
        if len(raw) <= 4:
            size, where = len(raw) | 0x80000000, struct.unpack('<I', raw.ljust(4, b'\0'))[0]
        else:
            size, where = len(raw), self.data(raw)
        return self.add(struct.pack('<2sHIIIHH', b'vk', len(name), size, where, kind, int(latin), 0) + name)

    def key(self, name, values=(), children=(), kind='lf', class_name=b'', flags=0):
        """children: (name, offset) pairs made before; their parent pointers are set here."""
        latin = all(ord(c) < 256 for c in name)
        raw = name.encode('latin-1' if latin else 'utf-16-le')
        children = sorted(children, key=lambda c: c[0].upper())
        vlist = self.add(struct.pack('<%dI' % len(values), *values)) if values else NONE
        klass = self.add(class_name) if class_name else NONE
        at = self.add(struct.pack('<2sHQIIIIIIIIIIIIIIIHH', b'nk', flags | (0x20 if latin else 0), 1, 0, NONE,
                                  len(children), 0, self.lists(children, kind), NONE, len(values), vlist, self.sk,
                                  klass, 64, 0, 64, 65536, 0, len(raw), len(class_name)) + raw)
        for _, child in children:
            self.put(child + 0x10, struct.pack('<I', at))
        self.keys += 1
        return name, at

    def lists(self, children, kind):
        if not children:
            return NONE
        if kind == 'ri':
            half = len(children) // 2 or 1
            parts = [self.leaf(p, 'lh') for p in (children[:half], children[half:]) if p]
            return self.add(struct.pack('<2sH%dI' % len(parts), b'ri', len(parts), *parts))
        return self.leaf(children, kind)

    def leaf(self, children, kind):
        out = struct.pack('<2sH', kind.encode(), len(children))
        for name, at in children:
            out += struct.pack('<I', at)
            if kind == 'lf':
                out += name.encode('latin-1')[:4].ljust(4, b'\0')
            elif kind == 'lh':
                h = 0
                for c in name.upper():
                    h = (h * 37 + ord(c)) & 0xffffffff
                out += struct.pack('<I', h)
        return self.add(out)

    def save(self, name, root):
        self.put(self.sk + 4, struct.pack('<III', self.sk, self.sk, self.keys))
        size = (0x20 + len(self.cells) + 8 + 4095) // 4096 * 4096
        bins = struct.pack('<4sII20x', b'hbin', 0, size) + self.cells
        bins = (bins + struct.pack('<i', size - len(bins))).ljust(size, b'\0')
        base = struct.pack('<4sIIQIIIIIII', b'regf', 7, 7, 1, 1, self.minor, 0, 1, root[1], size, 1).ljust(508, b'\0')
        checksum = 0
        for (word,) in struct.iter_unpack('<I', base):
            checksum ^= word
        path = os.path.join(here, name)
        with open(path, 'wb') as f:
            f.write((base + struct.pack('<I', checksum)).ljust(4096, b'\0') + bins)
        return path


def text(s):
    return (s + '\0').encode('utf-16-le')


def tree(minor, kind):
    h = Hive(minor)
    leaves = [h.key('Key%d' % i, [h.value('v', 4, struct.pack('<I', i))]) for i in range(5)]
    inner = h.key('Inner', [h.value('', 1, text('default')), h.value('list', 7, text('one\0two\0')),
                            h.value('empty', 3, b''), h.value('\u20ac', 11, bytes(8))], leaves, kind, text('class'))
    return h, h.key('Root', [], [inner], 'lf' if minor <= 4 else 'lh', flags=0x2c)


os.makedirs(here, exist_ok=True)
h = Hive(3)
path = h.save('empty', h.key('Root', flags=0x2c))
for minor, kind in ((3, 'lf'), (5, 'lh'), (3, 'li'), (5, 'ri')):
    h, root = tree(minor, kind)
    h.save(kind, root)
h = Hive(5)
h.save('big', h.key('Root', [h.value('big', 3, b'\5' * (SEGMENT + 100))], flags=0x2c))
h, root = tree(5, 'lh')
path = h.save('hivex', root)
subprocess.run(['hivexsh', '-w', path], check=True, text=True, stdout=subprocess.DEVNULL, input='''cd \\Inner
add Made
cd Made
setval 1
name
string:by hivex
cd \\Inner\\Key2
del
commit
''')
