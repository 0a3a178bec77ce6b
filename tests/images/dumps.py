#!/usr/bin/env python3
"""dumps.py - makes crash dumps from nothing: kernel dumps of every type, 32 and 64 bits, and user-mode ones.

usage: dumps.py KIND OUT [NAME=VALUE ...]
  KIND  complete, kernel (before Windows 8), bitmap, active, triage, header, user
  bits=64|32 pae=0|1 pages=N build=N code=N p1=N p2=N p3=N p4=N cpus=N time=UNIX uptime=SECONDS attributes=N
  modules=0|1 (page tables and a list of drivers)  blobs=0|1 (data of drivers behind it)  entry=N (bytes of a triage driver entry)  pad=0|1 (a triage dump of 64 KiB)
  cut=N (only the first N bytes)

Synthetic: written from public descriptions of the format (mindumpdef.h of the Windows SDK, volatility3, kdmp-parser, ReactOS, rizin), by hand and
in another language than what reads them. Windows has never seen these files.

SPDX-License-Identifier: GPL-2.0-or-later
"""
import struct
import sys

NOW = 1704067200
PAGE = 4096
LOW = 1  # page tables lie in this page and those behind it; eight pages with the list of drivers
SECOND = 0x1000  # first page of the second run of memory

# name, base, size; {64-bit, 32-bit} addresses are told apart by the caller
MODULES = {
    64: [(r'\SystemRoot\system32\ntoskrnl.exe', 0xfffff80412800000, 0x1046000), (r'\SystemRoot\system32\hal.dll', 0xfffff80412400000, 0x6000),
         (r'\SystemRoot\System32\drivers\storport.sys', 0xfffff8048b580000, 0xae000), ('Ö-driver.sys', 0xfffff8048b700000, 0xd000)],
    32: [(r'\SystemRoot\system32\ntkrnlpa.exe', 0x82800000, 0x412000), (r'\SystemRoot\system32\halmacpi.dll', 0x82c12000, 0x37000),
         (r'\SystemRoot\System32\drivers\storport.sys', 0x8b580000, 0x48000), ('Ö-driver.sys', 0x8b700000, 0xd000)],
}
DEFAULT = {
    64: dict(code=0x7e, p1=0xffffffffc0000005, p2=0xfffff8048b58334c, p3=0xffffd00020a87a58, p4=0xffffd00020a872a0),
    32: dict(code=0x8e, p1=0xc0000005, p2=0x8b58334c, p3=0x9a4d1b24, p4=0),
}


def frames_of(pages, half):
    """Two runs of memory with a hole between them."""
    return list(range(1, 1 + half)) + list(range(SECOND, SECOND + pages - half))


def header(kind, bits, o, pages, runs):
    h = bytearray(b'PAGE' * (PAGE * (2 if bits == 64 else 1) // 4))
    params = [o['p%d' % k] for k in range(1, 5)]
    filetime = o['time'] * 10000000 + 116444736000000000
    required = o['required']
    if bits == 64:
        struct.pack_into('<8sIIQQQQIII', h, 0, b'PAGEDU64', 15, o['build'], LOW << 12, 0xffffe58000000000, o['list'], 0xfffff80412c4f2b0,
                         0x8664, o['cpus'], o['code'])
        struct.pack_into('<I4Q', h, 0x3c, 0, *params)
        h[0x60:0x80] = bytes(32)
        struct.pack_into('<Q', h, 0x80, 0xfffff80412c00b20)
        if pages:
            struct.pack_into('<IIQ', h, 0x88, len(runs), 0, pages)
            for k, (base, count) in enumerate(runs):
                struct.pack_into('<QQ', h, 0x98 + 16 * k, base, count)
        struct.pack_into('<I', h, 0xf98, kind)
        struct.pack_into('<QQ', h, 0xfa0, required, filetime)
        h[0xfb0:0x1030] = bytes(128)
        struct.pack_into('<QIIIII', h, 0x1030, o['uptime'] * 10000000, 0, 0, 3, 0x112, 0)
        struct.pack_into('<I', h, 0x1050, o['attributes'])
    else:
        table = (LOW << 12) + (0x20 if o['pae'] else 0)
        struct.pack_into('<8sIIIIIIIII', h, 0, b'PAGEDUMP', 15, o['build'], table, 0x83000000, o['list'], 0x82930000, 0x14c, o['cpus'], o['code'])
        struct.pack_into('<4I', h, 0x2c, *params)
        h[0x3c:0x5c] = bytes(32)
        struct.pack_into('<BB', h, 0x5c, o['pae'], 0)
        struct.pack_into('<I', h, 0x60, 0x82938be0)
        if pages:
            struct.pack_into('<II', h, 0x64, len(runs), pages)
            for k, (base, count) in enumerate(runs):
                struct.pack_into('<II', h, 0x6c + 8 * k, base, count)
        h[0x820:0x8a0] = bytes(128)
        struct.pack_into('<I', h, 0x8a0, o['attributes'])
        struct.pack_into('<IIIIII', h, 0xf88, kind, 0, 0, 1, 0x110, 0)
        struct.pack_into('<Q', h, 0xfa0, required)
        struct.pack_into('<QQ', h, 0xfb8, o['uptime'] * 10000000, filetime)
    return h


def put_tables(memory, bits, pae, region):
    """Page tables that map `region` (a 2 or 4 MiB aligned address) page by page, and the next large page straight onto memory from 0."""
    def table(page, size):
        memory[page] = bytearray(PAGE)
        return lambda index, value, at=0: memory[page].__setitem__(slice(at + index * size, at + index * size + size),
                                                                 value.to_bytes(size, 'little'))
    if bits == 64:
        table(LOW, 8)(region >> 39 & 511, (LOW + 1) << 12 | 3)
        table(LOW + 1, 8)(region >> 30 & 511, (LOW + 2) << 12 | 3)
        directory, leaf, size = table(LOW + 2, 8), table(LOW + 3, 8), 8
        directory(region >> 21 & 511, (LOW + 3) << 12 | 3)
        directory((region >> 21 & 511) + 1, 0 | 0x83)
    elif pae:
        table(LOW, 8)(region >> 30, (LOW + 1) << 12 | 1, 0x20)
        directory, leaf, size = table(LOW + 1, 8), table(LOW + 2, 8), 8
        directory(region >> 21 & 511, (LOW + 2) << 12 | 3)
        directory((region >> 21 & 511) + 1, 0 | 0x83)
    else:
        directory, leaf, size = table(LOW, 4), table(LOW + 1, 4), 4
        directory(region >> 22, (LOW + 1) << 12 | 3)
        directory((region >> 22) + 1, 0 | 0x83)
    # The pages behind the tables appear as the region's pages 0 and 1, the second as a transition entry: not valid, yet in memory.
    leaf(0, (LOW + 4) << 12 | 3)
    leaf(1, (LOW + 5) << 12 | 0x800)
    return size


def put_modules(memory, bits, pae):
    """PsLoadedModuleList at the region's start; entries behind it; names through the large page, one across a page's end, one paged out."""
    wide = bits == 64
    region = 0xfffff80412c00000 if wide else 0x82c00000
    large = region + (0x200000 if wide or pae else 0x400000)
    put_tables(memory, bits, pae, region)
    data, word = bytearray(2 * PAGE), 8 if wide else 4
    names = bytearray(2 * PAGE)
    stride = 0x100 if wide else 0x80
    entries = [region + 0x3d0 + k * stride if k < 3 else region + PAGE + 0x40 for k in range(len(MODULES[bits]))]
    chain = [region] + entries + [region]
    name_at = 0xfe0  # the first name reaches into the next page

    def pointer(at, value):
        data[at:at + word] = value.to_bytes(word, 'little')
    for k in range(len(chain) - 1):
        pointer(chain[k] - region, chain[k + 1])
        pointer(chain[k] - region + word, chain[k - 1] if k else entries[-1])
    for (name, base, size), va in zip(MODULES[bits], entries):
        text, at = name.encode('utf-16-le'), va - region
        names[name_at:name_at + len(text)] = text
        where = large + ((LOW + 6) << 12) + name_at
        name_at += (len(text) + 7) & ~7
        pointer(at + (0x30 if wide else 0x18), base)
        struct.pack_into('<I', data, at + (0x40 if wide else 0x20), size)
        # The last module's full name is not in memory; its base name is.
        full = where if name != MODULES[bits][-1][0] else region + 0x1ff000
        struct.pack_into('<HH', data, at + (0x48 if wide else 0x24), len(text), len(text) + 2)
        pointer(at + (0x50 if wide else 0x28), full)
        struct.pack_into('<HH', data, at + (0x58 if wide else 0x2c), len(text), len(text) + 2)
        pointer(at + (0x60 if wide else 0x30), where)
    for k in range(2):
        memory[LOW + 4 + k] = data[k * PAGE:(k + 1) * PAGE]
        memory[LOW + 6 + k] = names[k * PAGE:(k + 1) * PAGE]
    return region


def bitmap_block(bits, frames, size, options, old):
    """What follows the header of a bitmap dump. old: before Windows 8, fields of 32 bits."""
    n = max(frames) + 1 + 31 & ~31
    bitmap = bytearray(n // 8)
    for f in frames:
        bitmap[f // 8] |= 1 << f % 8
    at = (0x28 if bits == 64 else 0x20) if old else 0x38
    first = size + at + len(bitmap) + PAGE - 1 & ~(PAGE - 1)
    h = bytearray(b'PAGE' * (at // 4))
    struct.pack_into('<4s4sI', h, 0, b'FDMP' if options['kind'] == 'active' else b'SDMP', b'DUMP', 1)
    if old:
        struct.pack_into('<IIII', h, 0xc, first, n, len(frames), n)
    else:
        struct.pack_into('<QQQ', h, 0x20, first, len(frames), n)
    return (bytes(h) + bytes(bitmap)).ljust(first - size, b'\0')


def triage_block(bits, o):
    """TRIAGE_DUMP, a stack that points into the modules, drivers, strings, and the mark at the end."""
    wide = bits == 64
    size = 0x2000 if wide else 0x1000
    word, entry = (8, o['entry'] or 0x90) if wide else (4, o['entry'] or 0x4c)
    mods = MODULES[bits]
    top = 0xffffd00020a87800 if wide else 0x9a4d1a00
    words = [0, mods[0][1] + 0x1234, 0x1122, mods[2][1] + 0x334c, top + 64, mods[1][1], mods[0][1] + mods[0][2], mods[3][1] + 0xcfff]
    stack = b''.join(w.to_bytes(word, 'little') for w in words)
    stack_at = size + 0x100
    list_at = stack_at + len(stack)
    pool_at = list_at + entry * len(mods)
    drivers, pool = b'', b''
    for k, (name, base, length) in enumerate(mods):
        e = bytearray(entry)
        text = name.encode('utf-16-le')
        struct.pack_into('<I', e, 0, pool_at + len(pool))
        if wide:
            struct.pack_into('<Q', e, 0x38, base)
            struct.pack_into('<I', e, 0x48, length)
            struct.pack_into('<I', e, 0x88, 0x5f000000 + k)
        else:
            struct.pack_into('<I', e, 0x1c, base)
            struct.pack_into('<I', e, 0x24, length)
            struct.pack_into('<I', e, 0x48, 0x5f000000 + k)
        drivers += bytes(e)
        pool += (struct.pack('<I', len(text) // 2) + text + b'\0\0' + b'\0' * 7)[:(len(text) + 6 + 7) & ~7]
    # Windows' own have 64 KiB at least.
    end = max(pool_at + len(pool), 0x10000 - 4 if o['pad'] else 0)
    t = bytearray(0x100)
    struct.pack_into('<18I', t, 0, 0, end + 4, end, 0x348 if wide else 0x320, 0xf00 if wide else 0x7d0, 0, 0, 0, 0, 0, stack_at, len(stack), list_at,
                     len(mods), pool_at, len(pool), 0, 0xffffffff)
    t[0x48:0x48 + word] = top.to_bytes(word, 'little')
    return (bytes(t) + stack + drivers + pool).ljust(end - size, b'\0') + b'TRGD'


def user_dump(o):
    """MDMP: system, exception, modules, and memory of 64 bits behind it all."""
    mods = MODULES[64]
    streams, body = [], bytearray()
    base = 32 + 12 * 5

    def stream(kind, data):
        while (base + len(body)) % 8:
            body.append(0)
        streams.append((kind, len(data), base + len(body)))
        body.extend(data)
    stream(7, struct.pack('<HHHBBIIIII', 9, 6, 0, o['cpus'], 1, 10, 0, o['build'], 2, 0).ljust(56, b'\0'))
    stream(6, struct.pack('<IIIIQQ', 4242, 0, 0xc0000409, 0, 0, mods[0][1] + 0x4321).ljust(168, b'\0'))
    while (base + len(body)) % 8:
        body.append(0)
    at = base + len(body)
    names, records = b'', b''
    for name, address, size in mods:
        text = name.encode('utf-16-le')
        records += struct.pack('<QIIII', address, size, 0, 0x5f000000, at + 4 + 108 * len(mods) + len(names)).ljust(108, b'\0')
        names += struct.pack('<I', len(text)) + text + b'\0\0'
    streams.append((4, 4 + len(records), at))
    body.extend(struct.pack('<I', len(mods)) + records + names)
    while (base + len(body)) % 8:
        body.append(0)
    at = base + len(body)
    streams.append((9, 32, at))
    body.extend(struct.pack('<QQQQ', 1, at + 32, 0x7ff600000000, 2 * PAGE))
    streams.append((0, 0, 0))
    head = struct.pack('<4sIIIIIQ', b'MDMP', 0xa793, len(streams), 32, 0, o['time'], 2)
    return head + b''.join(struct.pack('<III', *s) for s in streams) + bytes(body) + b'M' * (2 * PAGE)


def blobs():
    """Data of drivers: two blobs behind a header."""
    out = struct.pack('<8sII', b'DumpBlob', 16, 17763)
    for k, n in enumerate((100, 4096)):
        out += struct.pack('<I16sIII', 32, bytes([k] * 16), n, 4, 8) + bytes(4) + bytes([0xb0 + k]) * n + bytes(8)
    return out


def make(kind, **given):
    o = dict(bits=64, pae=0, pages=64, build=17763, cpus=2, time=NOW + 3600, uptime=5 * 3600, attributes=0, modules=1, blobs=0, entry=0, pad=1,
             cut=None, kind=kind)
    bits = given.get('bits', 64)
    o.update(DEFAULT[bits])
    o.update(given)
    if kind == 'user':
        out = user_dump(o)
        return out[:o['cut']] if o['cut'] is not None else out
    o['list'] = 0xfffff80412c5a3d0 if bits == 64 else 0x82957850
    number = {'complete': 1, 'kernel': 2, 'header': 3, 'triage': 4, 'active': 5, 'bitmap': 6}[kind]
    number = o.get('type', number)
    if kind == 'active':
        o['attributes'] |= 0x40
    size = 0x2000 if bits == 64 else 0x1000
    half = min(o['pages'], max(8, o['pages'] // 2))
    frames = frames_of(o['pages'], half)
    memory = {f: struct.pack('<Q', f) * 512 for f in frames}
    if o['modules'] and half >= 8 and kind not in ('triage', 'header'):
        o['list'] = put_modules(memory, bits, o['pae'])
    runs = [(1, half), (SECOND, o['pages'] - half)]
    body = b''
    if kind == 'triage':
        body, runs, o['pages'], memory, frames = triage_block(bits, o), [], 0, {}, []
    elif kind == 'header':
        memory, frames = {}, []
    elif kind != 'complete':
        body = bitmap_block(bits, frames, size, o, kind == 'kernel')
    data = b''.join(bytes(memory[f]) for f in frames)
    # An active dump leaves pages out: the machine had more than are here.
    had = o['pages'] * 4 if kind == 'active' else o['pages']
    o['required'] = size + len(body) + len(data)
    out = bytes(header(number, bits, o, had, runs)) + body + data + (blobs() if o['blobs'] else b'')
    return out[:o['cut']] if o['cut'] is not None else out


if __name__ == '__main__':
    options = {k: int(v, 0) for k, v in (a.split('=', 1) for a in sys.argv[3:])}
    with open(sys.argv[2], 'wb') as f:
        f.write(make(sys.argv[1], **options))
