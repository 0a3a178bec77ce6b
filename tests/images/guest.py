# guest.py - everything that a test disk holds, made from a description of the disk.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Called once by mkdisk: reads WORK/disk.json, writes into WORK: the .reg texts of the hives and boot stores, small PE
# files, crash dumps, headers of foreign file systems, the folder esp/ that is copied onto the system partition, and the
# manifests that ntfs-populate carries out. Python only so that the tables stay readable; nothing here is installed.

import json
import os
import struct
import sys

import clutter
import dumps
import reg

NOW = 1704067200
OLD = NOW - 40 * 86400
USER = 'Users/azureadmin'


def version_resource(version):
    fixed = struct.pack('<IIIIIIIIIIIII', 0xfeef04bd, 0x10000, version[0] << 16 | version[1],
                        version[2] << 16 | version[3], version[0] << 16 | version[1], version[2] << 16 | version[3],
                        0x3f, 0, 0x40004, 1, 0, 0, 0)
    key = 'VS_VERSION_INFO\0'.encode('utf-16le')
    head = struct.pack('<HHH', 0, len(fixed), 0) + key
    head += bytes(-len(head) % 4)
    block = head + fixed
    return struct.pack('<H', len(block)) + block[2:]


def pe(version, machine=0x8664, size=24576):
    """A PE32+ image with a version resource and nothing else."""
    info = version_resource(version)
    rsrc = b''
    for level, (name, offset) in enumerate(((16, 0x80000018), (1, 0x80000030), (0x409, 0x48))):
        rsrc += struct.pack('<IIHHHH', 0, 0, 0, 0, 0, 1) + struct.pack('<II', name, offset)
    rsrc += struct.pack('<IIII', 0x1000 + 0x58, len(info), 0, 0) + info
    raw = (len(rsrc) + 511) & ~511
    dos = b'MZ' + bytes(58) + struct.pack('<I', 0x80)
    coff = b'PE\0\0' + struct.pack('<HHIIIHH', machine, 1, NOW, 0, 0, 240, 0x22)
    optional = struct.pack('<HBBIIIIIQIIHHHHHHIIIIHHQQQQII', 0x20b, 14, 0, 0, raw, 0, 0x1000, 0x1000, 0x140000000, 0x1000,
                           512, 10, 0, 10, 0, 10, 0, 0, 0x2000, 512, 0, 1, 0, 0x40000, 0x1000, 0x100000, 0x1000, 0, 16)
    dirs = bytearray(128)
    struct.pack_into('<II', dirs, 16, 0x1000, len(rsrc))
    section = b'.rsrc\0\0\0' + struct.pack('<IIIIIIHHI', len(rsrc), 0x1000, raw, 512, 0, 0, 0, 0, 0x40000040)
    out = dos.ljust(0x80, b'\0') + coff + optional + bytes(dirs) + section
    out = out.ljust(512, b'\0') + rsrc.ljust(raw, b'\0')
    return out + bytes(i * 7 & 255 for i in range(256)) * ((size - len(out)) // 256)


def noise(n, seed):
    """Looks encrypted; the same every time."""
    out, x = bytearray(), seed
    for _ in range(n // 8):
        x = (x * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out += struct.pack('<Q', x ^ x >> 29)
    return bytes(out)


class Builder:
    def __init__(self, work):
        self.work = work
        self.disk = json.load(open(os.path.join(work, 'disk.json')))
        self.faults = set(self.disk['faults'])
        self.build = reg.WINDOWS[self.disk['windows']][1]
        ubr = reg.WINDOWS[self.disk['windows']][2]
        self.version = (6, 1, self.build, ubr) if self.build < 9200 else (10, 0, self.build, ubr)
        self.lines = {}

    def write(self, name, data):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w' if isinstance(data, str) else 'wb') as f:
            f.write(data)
        os.utime(path, (NOW, NOW))
        return path

    def do(self, volume, *fields):
        self.lines.setdefault(volume, ['now\t%d' % NOW]).append('\t'.join(str(f) for f in fields))

    def binary(self, volume, path, size=24576):
        self.do(volume, 'file', path, self.write('f/pe%d' % size, pe(self.version, 0x8664, size)))

    def hives(self):
        system = reg.system(self.disk, self.faults)
        if 'hive-unclean' in self.faults or 'hive-torn' in self.faults:
            delta = reg.Reg()
            for i in range(1, reg.WINDOWS[self.disk['windows']][8] + 1):
                name = 'ControlSet%03d\\Control\\ComputerName\\ComputerName' % i
                for key in list(system.keys):
                    if key == '\\' + name:
                        system.put(name, 'ComputerName', reg.SZ, 'BEFORE-REPLAY')
                delta.put(name, 'ComputerName', reg.SZ, self.disk['computer'])
            self.write('SYSTEM.delta.reg', delta.text())
        self.write('SYSTEM.reg', system.text())
        self.write('SOFTWARE.reg', reg.software(self.disk, self.faults).text())
        store = reg.store(self.disk, self.faults)
        self.write('BCD.reg', store.text())
        if 'boot-store-unclean' in self.faults:
            delta = reg.Store()
            delta.element(reg.BOOTMGR, 0x25000004, 5)
            self.write('BCD.delta.reg', delta.text())
        if self.disk['scheme'] == 'gpt':
            self.write('RECOVERY.reg', reg.recovery_store(self.disk).text())

    def system_partition(self):
        if self.disk['scheme'] == 'gpt':
            image = pe(self.version)
            for name in ('EFI/Microsoft/Boot/bootmgfw.efi', 'EFI/Microsoft/Boot/bootmgr.efi',
                         'EFI/Microsoft/Boot/memtest.efi', 'EFI/Boot/bootx64.efi'):
                self.write('esp/' + name, image)
            self.write('esp/EFI/Microsoft/Boot/en-US/bootmgfw.efi.mui', pe(self.version, size=8192))
            return
        volume = 'sysres' if reg.find(self.disk, 'sysres') else 'windows'
        self.binary(volume, 'bootmgr')
        self.do(volume, 'attr', 'bootmgr', 'rhsa')
        self.do(volume, 'mkdir', 'Boot')
        self.binary(volume, 'Boot/memtest.exe')
        self.binary(volume, 'Boot/en-US/bootmgr.exe.mui', 8192)
        if 'boot-store-missing' not in self.faults:
            self.do(volume, 'file', 'Boot/BCD', self.work + '/h/BCD')
            for log in ('LOG', 'LOG1', 'LOG2'):
                self.do(volume, 'file', 'Boot/BCD.' + log, self.work + '/h/BCD.' + log)
                self.do(volume, 'attr', 'Boot/BCD.' + log, 'hsa')
        self.do(volume, 'attr', 'Boot', 'hs')
        if volume == 'sysres':
            self.do(volume, 'mkdir', 'System Volume Information')
            self.do(volume, 'attr', 'System Volume Information', 'hs')
            self.do(volume, 'serial', '3a1c1db5c01df1%02x' % (self.disk['seed'] & 255))
            self.do(volume, 'journal', '1.1', 'clean')

    def windows(self):
        v, d = 'windows', self.disk
        self.do(v, 'serial', '7e2f0017c01df1%02x' % (d['seed'] & 255))
        for path in ('PerfLogs', 'Program Files/Common Files', 'Program Files (x86)', 'ProgramData/Microsoft/Windows',
                     'Windows/Temp', 'Windows/Logs/CBS', 'Windows/SoftwareDistribution/Download', 'Windows/Prefetch',
                     'Windows/System32/config/RegBack', 'Windows/System32/config/systemprofile', 'Windows/WinSxS',
                     'Windows/servicing', 'Windows/Installer', 'Users/Public/Documents', USER + '/Desktop',
                     USER + '/Documents', USER + '/AppData/Local/Temp', USER + '/AppData/Roaming', 'Recovery',
                     '$Recycle.Bin/S-1-5-18', '$Recycle.Bin/S-1-5-21-1004336348-1177238915-682003330-500'):
            self.do(v, 'mkdir', path)
        self.do(v, 'dosname', 'Program Files', 'PROGRA~1')
        self.do(v, 'dosname', 'Program Files (x86)', 'PROGRA~2')
        self.do(v, 'mkdir', 'System Volume Information')
        self.do(v, 'dosname', 'System Volume Information', 'SYSTEM~1')
        for path in ('System Volume Information', '$Recycle.Bin', 'Recovery'):
            self.do(v, 'attr', path, 'hs')
        self.do(v, 'attr', 'ProgramData', 'h')
        self.do(v, 'junction', 'Documents and Settings', 'C:\\Users')
        self.do(v, 'attr', 'Documents and Settings', 'hs')
        self.do(v, 'text', '$Recycle.Bin/S-1-5-18/desktop.ini', '[.ShellClassInfo]')
        self.do(v, 'text', USER + '/Desktop/readme.txt', 'A file that somebody needs.')
        self.do(v, 'fill', USER + '/Documents/report.docx', 100003)
        self.do(v, 'text', 'Windows/win.ini', '; for 16-bit app support')
        s32 = 'Windows/System32/'
        sizes = {'ntoskrnl.exe': 65536, 'hal.dll': 32768}
        for name in ('ntoskrnl.exe', 'hal.dll', 'winload.exe', 'winload.efi', 'winresume.exe', 'winresume.efi', 'cmd.exe',
                     'svchost.exe', 'smss.exe', 'kernel32.dll', 'ntdll.dll', 'drivers/disk.sys', 'drivers/ntfs.sys',
                     'drivers/volsnap.sys', 'drivers/storvsc.sys', 'drivers/vmbus.sys', 'Boot/winload.exe',
                     'Boot/winload.efi'):
            self.binary(v, s32 + name, sizes.get(name, 24576))
        if reg.WINDOWS[d['windows']][7]:
            self.binary(v, s32 + 'sacsvr.dll')
            self.binary(v, s32 + 'drivers/sacdrv.sys')
        self.binary(v, 'Windows/explorer.exe')
        self.binary(v, 'Windows/Boot/EFI/bootmgfw.efi')
        self.binary(v, 'Windows/Boot/EFI/bootmgr.efi')
        self.binary(v, 'Windows/Boot/PCAT/bootmgr')
        self.do(v, 'link', 'Windows/WinSxS/amd64_microsoft-windows-os-kernel_31bf3856ad364e35_10.0.1.1_none/ntoskrnl.exe',
                s32 + 'ntoskrnl.exe')
        for hive in ('SYSTEM', 'SOFTWARE', 'SAM', 'SECURITY', 'DEFAULT'):
            self.do(v, 'file', s32 + 'config/' + hive, self.work + '/h/' + hive)
            for log in ('.LOG1', '.LOG2'):
                self.do(v, 'file', s32 + 'config/' + hive + log, self.work + '/h/' + hive + log)
                self.do(v, 'attr', s32 + 'config/' + hive + log, 'hsa')
        if reg.find(d, 'recovery'):
            self.do(v, 'file', s32 + 'Recovery/ReAgent.xml', self.write('f/ReAgent.xml', self.reagent()))
        self.do(v, 'file', s32 + 'config/BCD-Template', self.work + '/h/BCD-Template')
        if d['azure']:
            self.binary(v, 'WindowsAzure/GuestAgent_2.7.41491.1095/WaAppAgent.exe')
            self.binary(v, 'WindowsAzure/GuestAgent_2.7.41491.1095/WindowsAzureGuestAgent.exe')
            self.do(v, 'text', 'WindowsAzure/Logs/WaAppAgent.log', '[00000003] 2024-01-01T00:00:00Z started')
        self.paging(v)
        if d['junk']:
            for path, share in (('Windows/Temp/setup7.tmp', 4), ('Windows/SoftwareDistribution/Download/4f1a.cab', 2),
                                (USER + '/AppData/Local/Temp/old.bin', 4)):
                self.do(v, 'solid', path, d['junk'] // share)
                self.do(v, 'time', path, OLD)
        if 'clutter' in self.faults:
            clutter.add(self, v, OLD, NOW)
        self.windows_faults(v)

    def paging(self, v):
        for name in self.disk['page_files']:
            self.do(v, 'solid', name, self.disk['page_file_size'])
            self.do(v, 'attr', name, 'hsa')

    def windows_faults(self, v):
        f = self.faults
        if 'dump-in-pagefile' in f:
            self.do(v, 'poke', 'pagefile.sys', 0, self.write('f/pagedump', dumps.make('bitmap', build=self.build, pages=200)))
        if 'dump-found' in f:
            self.do(v, 'file', 'Windows/MEMORY.DMP', self.write('f/memory.dmp', dumps.make('bitmap', build=self.build, pages=300)))
            self.do(v, 'file', 'Windows/Minidump/010124-5171-01.dmp', self.write('f/mini.dmp', dumps.make('triage', build=self.build)))
            self.do(v, 'file', 'Windows/LiveKernelReports/WATCHDOG-20240101-0000.dmp',
                    self.write('f/live.dmp', dumps.make('complete', build=self.build, code=0x161, attributes=0x10)))
        self.boot_status(v, not ({'hang-at-start', 'hang-at-start-update'} & f))
        if 'hang-at-start-update' in f:
            self.do(v, 'text', 'Windows/WinSxS/pending.xml', '<?xml version="1.0" encoding="utf-8"?><PendingTransaction/>')
        if 'volume-hibernated' in f:
            self.do(v, 'solid', 'hiberfil.sys', self.disk['page_file_size'])
            self.do(v, 'poke', 'hiberfil.sys', 0,
                    self.write('f/hibr', (b'hibr' if self.build < 9200 else b'HIBR') + noise(4092, 5)))
            self.do(v, 'attr', 'hiberfil.sys', 'hsa')
        if 'shadow-copies' in f:
            svi = 'System Volume Information/'
            for name, size in (('{3808876b-c176-4e48-b7ae-04046e6cc752}', 65536),
                               ('{9c3f6d5e-a6f4-11ee-8c90-c01df1c50001}{3808876b-c176-4e48-b7ae-04046e6cc752}', 4 << 20)):
                self.do(v, 'solid', svi + name, size)
                self.do(v, 'attr', svi + name, 'hs')
        if 'boot-file-fragmented' in f:
            self.do(v, 'delete', 'Windows/System32/kernel32.dll')
            self.do(v, 'fragment', 'Windows/System32/kernel32.dll', 'Windows/Temp/other.tmp', 700)
            self.do(v, 'poke', 'Windows/System32/kernel32.dll', 0, self.work + '/f/pe24576')
            self.do(v, 'delete', 'Windows/Temp/other.tmp')
        if 'cross-linked' in f:
            self.do(v, 'crosslink', 'Windows/Temp/crossed.tmp', USER + '/Documents/report.docx')
            self.do(v, 'time', 'Windows/Temp/crossed.tmp', OLD)
        if 'free-space-scattered' in f:
            self.do(v, 'scatter', USER + '/Pieces', self.disk['piece'])
        if self.disk['leave'] >= 0:
            self.do(v, 'leave', self.disk['leave'], USER + '/Documents/archive.bin')
        if 'volume-dirty' in f:
            self.do(v, 'flag', 'dirty')
        if 'volume-unclean' in f:
            self.do(v, 'journal', '2.0', 'dirty')
        elif 'volume-unclean-1.1' in f:
            self.do(v, 'journal', '1.1', 'dirty')
        else:
            self.do(v, 'journal', '1.1', 'clean')

    def boot_status(self, v, good):
        """bootstat.dat: RTL_BSD_DATA in 64 KiB, as Windows 10 makes it."""
        data = bytearray(65536)
        struct.pack_into('<IIBBBB', data, 0, 0x88, 1, 1, 30, good, good)
        data[0x30] = 0 if good else 2
        self.do(v, 'file', 'Windows/bootstat.dat', self.write('f/bootstat.dat', bytes(data)))

    def reagent(self):
        """ReAgent.xml as reagentc /info reads it: the recovery partition by its disk and its first byte."""
        d = self.disk
        gpt = d['scheme'] == 'gpt'
        nil = '{00000000-0000-0000-0000-000000000000}'
        place = 'id="%d" offset="%d" guid="%s"' % (0 if gpt else d['signature'], reg.find(d, 'recovery')['start'],
                                                   '{%s}' % d['guid'] if gpt else nil)
        none = 'id="0" offset="0" guid="%s"' % nil
        return ('<?xml version=\'1.0\' encoding=\'utf-8\'?>\r\n\r\n<WindowsRE version="2.0">\r\n  <WinreBCD id="%s"/>\r\n'
                '  <WinreLocation path="\\Recovery\\WindowsRE" %s/>\r\n  <ImageLocation path="" %s/>\r\n'
                '  <PBRImageLocation path="" %s index="0"/>\r\n  <InstallState state="1"/>\r\n  <OsInstallAvailable state="0"/>\r\n'
                '  <CustomImageAvailable state="0"/>\r\n</WindowsRE>\r\n' % (reg.WINRE, place, none, none)).encode()

    def recovery(self):
        if not reg.find(self.disk, 'recovery'):
            return
        v = 'recovery'
        self.do(v, 'fill', 'Recovery/WindowsRE/Winre.wim', 300000)
        self.do(v, 'fill', 'Recovery/WindowsRE/boot.sdi', 50000)
        self.do(v, 'file', 'Recovery/WindowsRE/ReAgent.xml', self.write('f/ReAgent.xml', self.reagent()))
        self.do(v, 'attr', 'Recovery', 'hs')
        self.do(v, 'serial', '2ec0fe27c01df1%02x' % (self.disk['seed'] & 255))
        self.do(v, 'journal', '1.1', 'clean')

    def foreign(self):
        """First bytes of volumes that coldfix must name and leave alone."""
        size = reg.find(self.disk, 'windows')['size']
        if 'encrypted' in self.faults:
            blocks = [0x2100000, size // 3 & ~0xfff, size // 2 & ~0xfff]
            boot = bytearray(noise(1 << 20, 7))
            boot[0:512] = bytes(512)
            boot[0:11] = b'\xeb\x58\x90-FVE-FS-'
            struct.pack_into('<HB', boot, 11, 512, 8)
            boot[160:176] = bytes.fromhex('3bd6674929 2ed84a8399f6a339e3d001'.replace(' ', ''))
            struct.pack_into('<QQQ', boot, 176, *blocks)
            boot[510:512] = b'\x55\xaa'
            self.write('f/head', bytes(boot))
            meta = bytearray(noise(65536, 9))
            struct.pack_into('<8sHHHHQIIQQQQ', meta, 0, b'-FVE-FS-', 0x40, 2, 4, 4, size, 0, 16, *blocks, 1 << 20)
            struct.pack_into('<IIIII', meta, 0x40, 0x200, 1, 0x30, 0x200, 1)
            self.write('f/fve', bytes(meta))
            self.write('f/fve.at', ' '.join(str(b) for b in blocks))
        if 'refs' in self.faults:
            boot = bytearray(1 << 20)
            struct.pack_into('<3s5sQ4sHHQIIBB', boot, 0, bytes(3), b'ReFS\0', 0, b'FSRS', 0x200, 0, size // 512, 512, 128, 3, 4)
            self.write('f/head', bytes(boot))
        if 'ldm' in self.faults:
            head = bytearray(1 << 20)
            struct.pack_into('>8sIHH', head, 0, b'PRIVHEAD', 0x2f95, 2, 12)
            head[0x30:0x30 + 36] = b'c01df1c5-0000-4000-8000-0000000001d2'
            self.write('f/ldm', bytes(head[:512]))

    def finish(self):
        for volume, lines in self.lines.items():
            self.write(volume + '.manifest', '\n'.join(lines + ['report', '']))


def main():
    b = Builder(sys.argv[1])
    if b.disk['kind'] == 'data':
        b.do('data', 'text', 'notes.txt', 'Nothing to see here.')
        b.do('data', 'fill', 'db/customers.mdf', 200000)
        for name in b.disk['page_files']:
            b.do('data', 'solid', name, b.disk['page_file_size'])
            b.do('data', 'attr', name, 'hsa')
        b.do('data', 'serial', '5da7a000c01df1%02x' % (b.disk['seed'] & 255))
        b.do('data', 'journal', '1.1', 'clean')
    else:
        b.hives()
        b.system_partition()
        b.windows()
        b.recovery()
        b.foreign()
    b.finish()


main()
