# make-disks.py - the odd little disks of test-windows: two installations, no partition table, nearly empty hives.
# SPDX-License-Identifier: GPL-2.0-or-later
#
#	make-disks.py IMAGES BIN OUT [REAL-SYSTEM.xz]
#
# IMAGES: tests/images of the source tree (reg.py); BIN: where mkhive and ntfs-populate were built; OUT: where the disks
# go. Whole disks as the factory makes them come from mkdisk; here are the ones that it has no words for.

import lzma
import os
import struct
import subprocess
import sys

images, tools, out = sys.argv[1:4]
sys.path.insert(0, images)
sys.dont_write_bytecode = True
import reg  # noqa: E402

MIB = 1 << 20
LOADER2 = '{7f64c13c-0b1d-11ed-afd6-c01df1c50002}'
LOADER3 = '{7f64c13c-0b1d-11ed-afd6-c01df1c50003}'
CV = 'Microsoft\\Windows NT\\CurrentVersion'
os.environ['PATH'] += ':/usr/sbin:/sbin'


def run(*args, **kwargs):
    done = subprocess.run(args, capture_output=True, **kwargs)
    if done.returncode:
        sys.exit('%s: %s' % (' '.join(args), done.stderr.decode(errors='replace')))
    return done.stdout


def hive(name, content):
    path = os.path.join(out, name + '.hive')
    text = os.path.join(out, name + '.reg')
    with open(text, 'w') as f:
        f.write(content.text())
    run(os.path.join(tools, 'mkhive'), 'new', path)
    run('hivexregedit', '--merge', path, text)
    return path


def system(name, select=1, mounted=(), build=20348):
    r = reg.Reg()
    for n in (1, 2):
        control = 'ControlSet%03d\\Control\\' % n
        r.put(control + 'ComputerName\\ComputerName', 'ComputerName', reg.SZ, name + ('' if n == 1 else '-OLD'))
        r.put(control + 'Session Manager\\Environment', 'PROCESSOR_ARCHITECTURE', reg.SZ, 'AMD64')
    for value, number in (('Current', select), ('Default', select), ('Failed', 0), ('LastKnownGood', 2)):
        r.put('Select', value, reg.DWORD, number)
    for letter, data in mounted:
        r.put('MountedDevices', '\\DosDevices\\%s:' % letter, reg.BINARY, data)
    return hive('system-' + name, r)


def minimal_system(select):
    r = reg.Reg()
    r.key('ControlSet001\\Control')
    if select:
        r.put('Select', 'Current', reg.DWORD, 1)
    return hive('system-minimal-%d' % select, r)


def software(product, build):
    r = reg.Reg()
    r.put(CV, 'ProductName', reg.SZ, product)
    r.put(CV, 'CurrentBuildNumber', reg.SZ, str(build))
    return hive('software-%d' % build, r)


class Disk:
    """An MBR disk: parts is a list of (number, start MiB, size MiB, type); the first is active; none: a bare volume."""

    def __init__(self, name, size, signature, parts):
        self.path = os.path.join(out, name + '.raw')
        self.id = {'scheme': 'mbr', 'signature': signature}
        with open(self.path, 'wb') as f:
            f.truncate(size * MIB)
        if not parts:
            return
        table = 'label: dos\nlabel-id: 0x%08x\nunit: sectors\n' % signature
        for number, start, length, kind in parts:
            table += '%d: start=%d, size=%d, type=%s%s\n' % (number, start * 2048, length * 2048, kind,
                                                            ', bootable' if number == 1 else '')
        run('sfdisk', '-q', '--no-tell-kernel', self.path, input=table.encode())

    def part(self, start):
        return {'start': start * MIB}

    def device(self, start):
        return reg.device(self.id, self.part(start))

    def letter(self, start):
        return reg.mounted(self.id, self.part(start))

    def ntfs(self, start, size, lines, label=''):
        volume = self.path + '.vol'
        with open(volume, 'wb') as f:
            f.truncate(size * MIB)
        run('mkntfs', '-q', '-Q', '-F', '-s', '512', '-c', '4096', '-p', str(start * 2048), '-H', '255', '-S', '63',
            '-L', label, volume)
        manifest = ''.join('\t'.join(str(x) for x in line) + '\n' for line in lines) + 'journal\t1.1\tclean\n'
        run(os.path.join(tools, 'ntfs-populate'), volume, input=('now\t1704067200\n' + manifest).encode())
        with open(volume, 'rb') as src, open(self.path, 'r+b') as dst:
            at = start * MIB
            while True:
                piece = src.read(1 << 16)
                if not piece:
                    break
                if piece.count(0) != len(piece):
                    dst.seek(at)
                    dst.write(piece)
                at += len(piece)
        os.unlink(volume)


def loader(store, guid, device, root='\\Windows', pe=False, osdevice=True):
    store.object(guid, 0x10200003)
    store.element(guid, 0x12000004, 'Windows')
    if osdevice:
        store.element(guid, 0x21000001, device)
    if root:
        store.element(guid, 0x22000002, root)
    if pe:
        store.element(guid, 0x26000022, 1)


def store(default):
    s = reg.Store()
    s.object(reg.BOOTMGR, 0x10100002)
    if default:
        s.element(reg.BOOTMGR, 0x23000003, default)
    return s


BOOT_DEVICE = bytes(16) + struct.pack('<IIII', 5, 0, 0x48, 0) + bytes(56)


def windows(root, system_hive, software_hive=None):
    lines = [('file', root + '/System32/config/SYSTEM', system_hive)]
    if software_hive:
        lines.append(('file', root + '/System32/config/SOFTWARE', software_hive))
    return lines


def two(name, default):
    """System Reserved, two Windows partitions, and a third installation in an unusual folder that nothing boots."""
    d = Disk(name, 96, 0x12345678, [(1, 1, 15, '7'), (2, 16, 32, '7'), (3, 48, 40, '7')])
    s = store(default)
    loader(s, reg.LOADER, d.device(16))
    loader(s, LOADER2, d.device(48), '\\WINDOWS\\')
    loader(s, LOADER3, d.device(17), '\\Windows')
    loader(s, reg.WINRE, reg.ramdisk(d.id, d.part(48), reg.WINRE_OPTIONS, '\\Recovery\\WindowsRE\\Winre.wim'),
           '\\windows', True)
    d.ntfs(1, 15, [('file', 'Boot/BCD', hive(name, s))], 'System Reserved')
    first = system(name + '-FIRST', mounted=[('C', d.letter(16))])
    second = system(name + '-SECOND', mounted=[
        ('C', d.letter(48)), ('D', d.letter(16)), ('E', '\\??\\IDE#CdRom'.encode('utf-16le')),
        ('F', struct.pack('<IQ', 0x7e3dd15c, 1 << 20)), ('G', struct.pack('<IQ', 0x12345678, 3 << 20))])
    d.ntfs(16, 32, windows('Windows', first, software('Windows Server 2022 Datacenter', 20348)))
    d.ntfs(48, 40, windows('Windows', second, software('Windows 10 Pro', 22631)) +
           windows('Rescue', minimal_system(1)) + windows('Windows.old', minimal_system(1)))


def bare():
    d = Disk('bare', 40, 0, [])
    s = store(reg.LOADER)
    loader(s, reg.LOADER, BOOT_DEVICE)
    d.ntfs(0, 40, [('file', 'Boot/BCD', hive('bare', s))] + windows('Windows', minimal_system(1)))


def logical():
    d = Disk('logical', 96, 0xcafe0001,
             [(1, 1, 15, '7'), (2, 16, 78, '5'), (5, 17, 20, '7'), (6, 38, 40, '7')])
    s = store(reg.LOADER)
    loader(s, reg.LOADER, d.device(38))
    d.ntfs(1, 15, [('file', 'boot/bcd', hive('logical', s))], 'System Reserved')
    d.ntfs(17, 20, [('text', 'data.txt', 'data')], 'Data')
    d.ntfs(38, 40, windows('Windows', system('LOGICAL', mounted=[('E', d.letter(38)), ('C', d.letter(17))])))


def minimal():
    d = Disk('minimal', 48, 0x1, [(1, 1, 40, '7')])
    d.ntfs(1, 40, windows('windows', minimal_system(1)))


def guess():
    """A hand-made store: loaders without devices; the hive has no Select."""
    d = Disk('guess', 48, 0x2, [(1, 1, 40, '7')])
    s = store(None)
    loader(s, reg.LOADER, None, None, osdevice=False)
    loader(s, reg.WINRE, None, '\\windows', True, osdevice=False)
    d.ntfs(1, 40, [('file', 'Boot/BCD', hive('guess', s))] + windows('Windows', minimal_system(0)))


def missing_set():
    d = Disk('missing-set', 48, 0x3, [(1, 1, 40, '7')])
    d.ntfs(1, 40, windows('Windows', system('MISSING', select=4), software('Windows 7 Professional', 7601)))


def hostile():
    d = Disk('hostile', 64, 0x4, [(1, 1, 56, '7')])
    junk = os.path.join(out, 'junk')
    with open(junk, 'wb') as f:
        f.write(bytes((i * 167 + 13) & 255 for i in range(70000)))
    d.ntfs(1, 56, [('file', 'Boot/BCD', junk), ('sparse', 'Windows/System32/config/SOFTWARE', 600 * MIB)] +
           windows('Windows', junk) + [('mkdir', 'Other/System32/config/SYSTEM'), ('mkdir', 'Third/System32/config')])


def old():
    """A loader starts what lies in Windows.old (after a failed upgrade); \\Windows has no SYSTEM hive."""
    d = Disk('old', 48, 0x5, [(1, 1, 40, '7')])
    s = store(reg.LOADER)
    loader(s, reg.LOADER, d.device(1), '\\Windows.old\\WINDOWS')
    d.ntfs(1, 40, [('file', 'Boot/BCD', hive('old', s)), ('mkdir', 'Windows/System32/config')] +
           windows('Windows.old/Windows', minimal_system(1)))


def media():
    """A copy of installation media: its stores start nothing but WinPE."""
    d = Disk('media', 48, 0x6, [(1, 1, 40, '7')])
    s = store('{7619dcc9-fafe-11d9-b411-000476eba25f}')
    loader(s, '{7619dcc9-fafe-11d9-b411-000476eba25f}',
           reg.ramdisk(d.id, d.part(1), reg.UPGRADE_OPTIONS, '\\sources\\boot.wim'), '\\windows', True)
    path = hive('media', s)
    d.ntfs(1, 40, [('file', 'Boot/BCD', path), ('file', 'EFI/Microsoft/Boot/BCD', path),
                   ('fill', 'sources/boot.wim', 100000)])


def real(source):
    """The SYSTEM hive of a real Windows 7 on a disk that has the identity that the hive expects."""
    path = os.path.join(out, 'real.hive')
    with lzma.open(source) as f, open(path, 'wb') as g:
        g.write(f.read())
    value = run('hivexget', path, 'MountedDevices', '\\DosDevices\\C:')
    signature, offset = struct.unpack('<IQ', value[:12])
    start = offset // MIB
    d = Disk('real', start + 128, signature, [(1, start, 120, '7')])
    d.ntfs(start, 120, windows('Windows', path))


with open(os.path.join(out, 'no-software.manifest'), 'w') as manifest:
    manifest.write('delete\tWindows/System32/config/SOFTWARE\n')
two('two', LOADER2)
two('ambiguous', LOADER3)
bare()
logical()
minimal()
guess()
missing_set()
hostile()
old()
media()
if len(sys.argv) > 4:
    real(sys.argv[4])
