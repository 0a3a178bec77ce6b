# reg.py - what Windows keeps in its registry hives and boot stores, as .reg text for hivexregedit.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Modelled on real hives and stores: names, types and element formats as Windows writes them. Healthy unless a fault is
# named; a fault changes exactly what its line in README.md says. No code here is shared with libcoldfix.

import struct
import uuid

SZ, EXPAND, BINARY, DWORD, MULTI = 1, 2, 3, 4, 7

WINDOWS = {
    # id: product, build, revision, edition, type, display version, release id, server?, control sets
    'server2008r2': ('Windows Server 2008 R2 Datacenter', 7601, 24545, 'ServerDatacenter', 'Server', '', '', True, 2),
    'win7': ('Windows 7 Professional', 7601, 24545, 'Professional', 'Client', '', '', False, 2),
    'server2012r2': ('Windows Server 2012 R2 Datacenter', 9600, 21620, 'ServerDatacenter', 'Server', '', '', True, 1),
    'server2016': ('Windows Server 2016 Datacenter', 14393, 7699, 'ServerDatacenter', 'Server', '', '1607', True, 1),
    'server2019': ('Windows Server 2019 Datacenter', 17763, 6775, 'ServerDatacenter', 'Server', '', '1809', True, 1),
    'server2022': ('Windows Server 2022 Datacenter', 20348, 3091, 'ServerDatacenter', 'Server', '21H2', '2009', True, 1),
    'server2025': ('Windows Server 2025 Datacenter', 26100, 2605, 'ServerDatacenter', 'Server', '24H2', '2009', True, 1),
    'win10': ('Windows 10 Pro', 19045, 5247, 'Professional', 'Client', '22H2', '2009', False, 1),
    'win11': ('Windows 10 Pro', 22631, 4602, 'Professional', 'Client', '23H2', '2009', False, 1),
}


class Reg:
    """Keys and values, written parents first, as hivexregedit needs them."""

    def __init__(self):
        self.keys = {}

    def key(self, path):
        at = ''
        for part in path.split('\\'):
            at += '\\' + part
            self.keys.setdefault(at, {})
        return at

    def put(self, path, name, kind, data):
        if kind in (SZ, EXPAND):
            data = (data + '\0').encode('utf-16le')
        elif kind == MULTI:
            data = ''.join(line + '\0' for line in data + ['']).encode('utf-16le')
        elif kind == DWORD:
            data = struct.pack('<I', data)
        self.keys[self.key(path)][name] = (kind, data)

    def drop(self, path, name):
        self.keys['\\' + path].pop(name, None)

    def text(self):
        out = ['Windows Registry Editor Version 5.00', '']
        for key, values in self.keys.items():
            out.append('[' + key + ']')
            for name, (kind, data) in values.items():
                quoted = '@' if name == '' else '"' + name.replace('\\', '\\\\').replace('"', '\\"') + '"'
                out.append('%s=hex(%x):%s' % (quoted, kind, ','.join('%02x' % b for b in data)))
            out.append('')
        return '\n'.join(out)


def mounted(disk, part):
    """The value of MountedDevices for a partition."""
    if disk['scheme'] == 'gpt':
        return b'DMIO:ID:' + uuid.UUID(part['guid']).bytes_le
    return struct.pack('<IQ', disk['signature'], part['start'])


def system(disk, faults):
    reg = Reg()
    _, build, _, edition, _, _, _, server, sets = WINDOWS[disk['windows']]
    old = build < 9200
    for i in range(1, sets + 1):
        control_set(reg, 'ControlSet%03d' % i, disk, faults, build, server, old)
    for name, value in (('Current', 1), ('Default', 1), ('Failed', 0), ('LastKnownGood', sets)):
        reg.put('Select', name, DWORD, value)
    if 'control-set-missing' in faults:
        reg.put('Select', 'Current', DWORD, 4)
        reg.put('Select', 'Default', DWORD, 4)

    md = 'MountedDevices'
    for p in disk['partitions']:
        if p['role'] == 'windows':
            reg.put(md, '\\DosDevices\\C:', BINARY, mounted(disk, p))
    if disk['temp_disk']:
        # The temporary disk of an Azure VM: a disk that is never part of the image.
        reg.put(md, '\\DosDevices\\D:', BINARY, struct.pack('<IQ', 0x7e3dd15c, 1 << 20))
    reg.put(md, '\\DosDevices\\%s:' % disk['cdrom'], BINARY,
            '\\??\\SCSI#CdRom&Ven_Msft&Prod_Virtual_DVD-ROM#5&394b69d0&0&000002#{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}'
            .encode('utf-16le'))
    if disk.get('data_disk'):
        reg.put(md, '\\DosDevices\\F:', BINARY, b'DMIO:ID:' + uuid.UUID(disk['data_disk']).bytes_le)

    setup = 'Setup'
    for name, value in (('OOBEInProgress', 0), ('RestartSetup', 0), ('SetupPhase', 0), ('SetupType', 0),
                        ('SystemSetupInProgress', 0)):
        reg.put(setup, name, DWORD, value)
    reg.put(setup, 'CmdLine', SZ, '')
    reg.put(setup, 'OsLoaderPath', SZ, '\\')
    reg.put(setup, 'SystemPartition', SZ, '\\Device\\HarddiskVolume1')
    return reg


def control_set(reg, cs, disk, faults, build, server, old):
    control = cs + '\\Control\\'
    services = cs + '\\Services\\'
    reg.put(control + 'ComputerName\\ComputerName', '', SZ, 'mnmsrvc')
    reg.put(control + 'ComputerName\\ComputerName', 'ComputerName', SZ, disk['computer'])
    reg.put(control + 'ProductOptions', 'ProductType', SZ, 'ServerNT' if server else 'WinNT')
    env = control + 'Session Manager\\Environment'
    reg.put(env, 'ComSpec', EXPAND, '%SystemRoot%\\system32\\cmd.exe')
    reg.put(env, 'OS', SZ, 'Windows_NT')
    reg.put(env, 'PROCESSOR_ARCHITECTURE', SZ, 'AMD64')
    reg.put(env, 'windir', EXPAND, '%SystemRoot%')

    crash = control + 'CrashControl'
    reg.put(crash, 'AutoReboot', DWORD, 1)
    reg.put(crash, 'CrashDumpEnabled', DWORD, 2 if old else 7)
    reg.put(crash, 'DumpFile', EXPAND, '%SystemRoot%\\MEMORY.DMP')
    reg.put(crash, 'DumpFilters', MULTI, ['dumpfve.sys'])
    reg.put(crash, 'LogEvent', DWORD, 1)
    reg.put(crash, 'MinidumpDir', EXPAND, '%SystemRoot%\\Minidump')
    reg.put(crash, 'MinidumpsCount', DWORD, 0x32 if old else 5)
    reg.put(crash, 'NMICrashDump', DWORD, 1)
    reg.put(crash, 'Overwrite', DWORD, 1)
    if disk.get('dedicated'):
        reg.put(crash, 'DedicatedDumpFile', SZ, disk['dedicated'])
    if 'crash-dump-off' in faults:
        reg.put(crash, 'CrashDumpEnabled', DWORD, 0)
        reg.drop(crash, 'DumpFile')
        reg.put(crash, 'NMICrashDump', DWORD, 0)
    if 'dump-has-no-room' in faults:
        reg.put(crash, 'CrashDumpEnabled', DWORD, 1)

    if 'renames-pending' in faults:
        reg.put(control + 'Session Manager', 'PendingFileRenameOperations', MULTI,
                ['\\??\\C:\\Windows\\Temp\\later~go.dll', '!\\??\\C:\\Windows\\System32\\later.dll',
                 '\\??\\C:\\Windows\\Temp\\many~go\\level-00'])
    mm = control + 'Session Manager\\Memory Management'
    paging, existing = disk['paging'], disk['existing']
    for name, value in (('ClearPageFileAtShutdown', 0), ('DisablePagingExecutive', 0), ('LargeSystemCache', 0),
                        ('NonPagedPoolQuota', 0), ('NonPagedPoolSize', 0), ('PagedPoolQuota', 0), ('PagedPoolSize', 0),
                        ('PhysicalAddressExtension', 1), ('SecondLevelDataCache', 0), ('SessionPoolSize', 4),
                        ('SessionViewSize', 0x30), ('SystemPages', 0)):
        reg.put(mm, name, DWORD, value)
    reg.put(mm, 'PagingFiles', MULTI, paging)
    reg.put(mm, 'ExistingPageFiles', MULTI, existing)
    reg.put(mm + '\\PrefetchParameters', 'EnablePrefetcher', DWORD, 3)

    whea = reg.key(control + 'WHEA')[1:]
    if 'bad-memory-registry' in faults:
        reg.put(whea, 'BadPages', BINARY, b''.join(struct.pack('<Q', 0x21000 + 3 * i) for i in range(1500)))

    def service(name, kind, start, image, display):
        reg.put(services + name, 'Type', DWORD, kind)
        reg.put(services + name, 'Start', DWORD, start)
        reg.put(services + name, 'ErrorControl', DWORD, 1)
        reg.put(services + name, 'ImagePath', EXPAND, image)
        reg.put(services + name, 'DisplayName', SZ, display)

    service('disk', 1, 0, 'System32\\drivers\\disk.sys', 'Disk Driver')
    service('volsnap', 1, 0, 'system32\\drivers\\volsnap.sys', 'Volume Shadow Copy driver')
    service('storvsc', 1, 0, 'System32\\drivers\\storvsc.sys', 'storvsc')
    if server:
        sacsvr = 3 if 'serial-console-off' in faults else 2
        service('sacdrv', 1, 0, 'system32\\DRIVERS\\sacdrv.sys', 'sacdrv')
        service('sacsvr', 0x20, sacsvr, '%SystemRoot%\\System32\\svchost.exe -k netsvcs', 'Special Administration Console')
        reg.put(services + 'sacsvr\\Parameters', 'ServiceDll', EXPAND, '%SystemRoot%\\System32\\sacsvr.dll')
    if disk['azure']:
        agent = 'C:\\WindowsAzure\\GuestAgent_2.7.41491.1095\\'
        service('RdAgent', 0x10, 2, agent + 'WaAppAgent.exe', 'RdAgent')
        service('WindowsAzureGuestAgent', 0x10, 2, agent + 'WindowsAzureGuestAgent.exe', 'Windows Azure Guest Agent')


def software(disk, faults):
    reg = Reg()
    product, build, ubr, edition, kind, display, release, server, _ = WINDOWS[disk['windows']]
    cv = 'Microsoft\\Windows NT\\CurrentVersion'
    reg.put(cv, 'ProductName', SZ, product)
    reg.put(cv, 'CurrentVersion', SZ, '6.1' if build < 9200 else '6.3')
    reg.put(cv, 'CurrentBuild', SZ, str(build))
    reg.put(cv, 'CurrentBuildNumber', SZ, str(build))
    reg.put(cv, 'InstallationType', SZ, kind)
    reg.put(cv, 'EditionID', SZ, edition)
    reg.put(cv, 'SystemRoot', SZ, 'C:\\Windows')
    reg.put(cv, 'RegisteredOwner', SZ, 'coldfix tests')
    reg.put(cv, 'BuildLab', SZ, '%d.coldfix_tests' % build)
    if build >= 10240:
        reg.put(cv, 'CurrentMajorVersionNumber', DWORD, 10)
        reg.put(cv, 'CurrentMinorVersionNumber', DWORD, 0)
        reg.put(cv, 'UBR', DWORD, ubr)
    if build == 7601:
        reg.put(cv, 'CSDVersion', SZ, 'Service Pack 1')
    if release:
        reg.put(cv, 'ReleaseId', SZ, release)
    if display:
        reg.put(cv, 'DisplayVersion', SZ, display)
    reg.put(cv + '\\ProfileList', 'ProfilesDirectory', EXPAND, '%SystemDrive%\\Users')
    if 'clutter' in faults:
        for sid, path in (('S-1-5-18', '%systemroot%\\system32\\config\\systemprofile'),
                          ('S-1-5-21-1004336348-1177238915-682003330-500', 'C:\\Users\\azureadmin'),
                          ('S-1-5-21-1004336348-1177238915-682003330-1007', 'C:\\Profiles\\roamer'),
                          ('S-1-5-21-1004336348-1177238915-682003330-1008', 'D:\\Profiles\\elsewhere')):
            reg.put(cv + '\\ProfileList\\' + sid, 'ProfileImagePath', EXPAND, path)
    if 'update-pending' in faults:
        reg.key('Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired')
    reg.put('Microsoft\\Windows\\CurrentVersion', 'ProgramFilesDir', SZ, 'C:\\Program Files')
    reg.key('Microsoft\\Windows\\CurrentVersion\\Component Based Servicing')
    if disk['azure']:
        reg.put('Microsoft\\GuestAgent', 'VmId', SZ, '{c01df1c5-0000-4000-8000-00000000a2e0}')
    reg.key('Classes')
    reg.key('Policies\\Microsoft')
    return reg


# ---- boot configuration data ------------------------------------------------------------------------------------

BOOTMGR = '{9dea862c-5cdd-4e70-acc1-f32b344d4795}'
FWBOOTMGR = '{a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba}'
MEMDIAG = '{b2721d73-1db4-4c62-bf78-c548a880142d}'
GLOBAL = '{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}'
DBG = '{4636856e-540f-4170-a130-a84776f4c654}'
EMS = '{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}'
BADMEMORY = '{5189b25c-5558-4bf2-bca4-289b11bd29e2}'
BOOTLOADER = '{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}'
HYPERVISOR = '{7ff607e0-4395-11db-b0de-0800200c9a66}'
RESUMELOADER = '{1afa9c49-16ab-4a5c-901b-212802da9460}'
RESUME = '{7f64c13b-0b1d-11ed-afd6-c01df1c50001}'
LOADER = '{7f64c13c-0b1d-11ed-afd6-c01df1c50001}'
WINRE = '{7f64c13d-0b1d-11ed-afd6-c01df1c50001}'
WINRE_OPTIONS = '{7f64c13e-0b1d-11ed-afd6-c01df1c50001}'
UPGRADE = '{7619dcca-fafe-11d9-b411-000476eba25f}'
UPGRADE_OPTIONS = '{7619dcc8-fafe-11d9-b411-000476eba25f}'


def device(disk, part):
    """The 88-byte device element that names a partition."""
    head = bytes(16) + struct.pack('<IIII', 6, 0, 0x48, 0)
    return head + identity(disk, part)


def identity(disk, part):
    if disk['scheme'] == 'gpt':
        where, gpt, whole = uuid.UUID(part['guid']).bytes_le, 0, uuid.UUID(disk['guid']).bytes_le
    else:
        where, gpt = struct.pack('<QQ', part['start'], 0), 1
        whole = struct.pack('<III', disk['signature'], 0, 0) + bytes(4)
    return where + struct.pack('<II', 0, gpt) + whole + bytes(16)


def ramdisk(disk, part, options, path):
    """A file on a partition, loaded as a RAM disk: how Windows names Winre.wim."""
    text = (path + '\0').encode('utf-16le')
    inner = struct.pack('<IIII', 6, 0, 0x48, 0) + identity(disk, part)
    body = struct.pack('<I', 3) + bytes(20) + struct.pack('<III', 1, 12 + len(inner) + len(text), 5) + inner + text
    return uuid.UUID(options).bytes_le + struct.pack('<IIII', 0, 1, len(body) + 16, 0) + body


class Store(Reg):
    def __init__(self):
        Reg.__init__(self)
        self.put('Description', 'KeyName', SZ, 'BCD00000000')
        self.put('Description', 'System', DWORD, 1)
        self.put('Description', 'TreatAsSystem', DWORD, 1)
        self.key('Objects')

    def object(self, guid, kind):
        self.put('Objects\\%s\\Description' % guid, 'Type', DWORD, kind)
        self.key('Objects\\%s\\Elements' % guid)

    def element(self, guid, element, value):
        key = 'Objects\\%s\\Elements\\%08x' % (guid, element)
        form = element >> 24 & 15
        if form in (1, 8):
            self.put(key, 'Element', BINARY, value)
        elif form in (2, 3):
            self.put(key, 'Element', SZ, value)
        elif form == 4:
            self.put(key, 'Element', MULTI, value)
        elif form == 5:
            self.put(key, 'Element', BINARY, struct.pack('<Q', value))
        elif form == 6:
            self.put(key, 'Element', BINARY, bytes([value]))
        elif form == 7:
            self.put(key, 'Element', BINARY, b''.join(struct.pack('<Q', v) for v in value))


def find(disk, role, otherwise=None):
    for p in disk['partitions']:
        if p['role'] == role:
            return p
    return find(disk, otherwise) if otherwise else None


def store(disk, faults):
    bcd = Store()
    product, build, _, _, _, _, _, server, _ = WINDOWS[disk['windows']]
    efi = disk['scheme'] == 'gpt'
    ext = '.efi' if efi else '.exe'
    boot = find(disk, 'esp' if efi else 'sysres', 'windows')
    win = find(disk, 'windows')
    recovery = find(disk, 'recovery', 'windows')
    title = {True: 'Windows Server', False: 'Windows 11' if build >= 22000 else 'Windows 10'}[server]
    if build == 7601:
        title = 'Windows Server 2008 R2' if server else 'Windows 7'

    def boot_common(guid, kind, where, path, description, inherit):
        bcd.object(guid, kind)
        bcd.element(guid, 0x11000001, where)
        bcd.element(guid, 0x12000002, path)
        bcd.element(guid, 0x12000004, description)
        bcd.element(guid, 0x12000005, 'en-US')
        bcd.element(guid, 0x14000006, [inherit])

    boot_common(BOOTMGR, 0x10100002, device(disk, boot), '\\EFI\\Microsoft\\Boot\\bootmgfw.efi' if efi else '\\bootmgr',
                'Windows Boot Manager', GLOBAL)
    if not efi:
        del bcd.keys['\\Objects\\%s\\Elements\\12000002' % BOOTMGR]  # BIOS stores have none
    bcd.element(BOOTMGR, 0x23000003, LOADER)
    bcd.element(BOOTMGR, 0x23000006, RESUME)
    bcd.element(BOOTMGR, 0x24000001, [LOADER])
    bcd.element(BOOTMGR, 0x24000010, [MEMDIAG])
    bcd.element(BOOTMGR, 0x25000004, 30)
    if efi:
        bcd.object(FWBOOTMGR, 0x10100001)
        bcd.element(FWBOOTMGR, 0x24000001, [BOOTMGR])
        bcd.element(FWBOOTMGR, 0x25000004, 0)

    boot_common(LOADER, 0x10200003, device(disk, win), '\\Windows\\system32\\winload' + ext, title, BOOTLOADER)
    bcd.element(LOADER, 0x14000008, [WINRE])
    bcd.element(LOADER, 0x16000009, 1)
    bcd.element(LOADER, 0x16000060, 1)
    bcd.element(LOADER, 0x17000077, [0x15000075])
    bcd.element(LOADER, 0x21000001, device(disk, win))
    bcd.element(LOADER, 0x22000002, '\\Windows')
    bcd.element(LOADER, 0x23000003, RESUME)
    bcd.element(LOADER, 0x25000020, 1 if server else 0)
    bcd.element(LOADER, 0x250000c2, 1)
    bcd.element(LOADER, 0x260000b0, 0 if 'serial-console-off' in faults else 1)

    boot_common(RESUME, 0x10200004, device(disk, win), '\\Windows\\system32\\winresume' + ext,
                'Windows Resume Application', RESUMELOADER)
    bcd.element(RESUME, 0x21000001, device(disk, win))
    bcd.element(RESUME, 0x22000002, '\\hiberfil.sys')
    bcd.element(RESUME, 0x26000006, 0)

    wim = ramdisk(disk, recovery, WINRE_OPTIONS, '\\Recovery\\WindowsRE\\Winre.wim')
    boot_common(WINRE, 0x10200003, wim, '\\windows\\system32\\winload' + ext, 'Windows Recovery Environment', BOOTLOADER)
    bcd.element(WINRE, 0x15000065, 3)
    bcd.element(WINRE, 0x21000001, wim)
    bcd.element(WINRE, 0x22000002, '\\windows')
    bcd.element(WINRE, 0x25000020, 0)
    bcd.element(WINRE, 0x250000c2, 1)
    bcd.element(WINRE, 0x26000022, 1)
    bcd.element(WINRE, 0x46000010, 1)
    bcd.object(WINRE_OPTIONS, 0x30000000)
    bcd.element(WINRE_OPTIONS, 0x12000004, 'Windows Recovery')
    bcd.element(WINRE_OPTIONS, 0x31000003, device(disk, recovery))
    bcd.element(WINRE_OPTIONS, 0x32000004, '\\Recovery\\WindowsRE\\boot.sdi')

    boot_common(MEMDIAG, 0x10200005, device(disk, boot), '\\EFI\\Microsoft\\Boot\\memtest.efi' if efi else '\\boot\\memtest.exe',
                'Windows Memory Diagnostic', GLOBAL)
    bcd.element(MEMDIAG, 0x1600000b, 1)

    bcd.object(GLOBAL, 0x20100000)
    bcd.element(GLOBAL, 0x14000006, [DBG, EMS, BADMEMORY])
    bcd.object(DBG, 0x20100000)
    bcd.element(DBG, 0x15000011, 4)
    bcd.object(EMS, 0x20100000)
    bcd.element(EMS, 0x16000020, 0)
    if 'serial-console-off' not in faults:
        bcd.element(EMS, 0x15000022, 1)
        bcd.element(EMS, 0x15000023, 115200)
    bcd.object(BADMEMORY, 0x20100000)
    bcd.object(BOOTLOADER, 0x20200003)
    bcd.element(BOOTLOADER, 0x14000006, [GLOBAL, HYPERVISOR])
    bcd.object(HYPERVISOR, 0x20200003)
    bcd.element(HYPERVISOR, 0x250000f3, 0)
    bcd.element(HYPERVISOR, 0x250000f4, 1)
    bcd.element(HYPERVISOR, 0x250000f5, 115200)
    bcd.object(RESUMELOADER, 0x20200004)
    bcd.element(RESUMELOADER, 0x14000006, [GLOBAL])
    store_faults(bcd, disk, faults, win, ext, boot_common)
    return bcd


def store_faults(bcd, disk, faults, win, ext, boot_common):
    pages = [0x10000 + 7 * i for i in range(2311)]
    if 'bad-memory-list' in faults:
        bcd.element(BADMEMORY, 0x1700000a, pages)
    if 'bad-memory-list-loader' in faults:
        bcd.element(LOADER, 0x1700000a, pages[:9])
    if 'memory-limited' in faults:
        bcd.element(LOADER, 0x15000007, 0x10000000)
    if 'memory-limited-removememory' in faults:
        bcd.element(LOADER, 0x25000031, 3500)
    if 'memory-limited-inherited' in faults:
        bcd.element(GLOBAL, 0x15000007, 0x10000000)
    pending = [f for f in faults if f.startswith('ramdisk-boot-')]
    if pending:
        wim = ramdisk(disk, win, UPGRADE_OPTIONS, '\\$WINDOWS.~BT\\Sources\\SafeOS\\winre.wim')
        boot_common(UPGRADE, 0x10200003, wim, '\\windows\\system32\\winload' + ext, 'Windows Setup', BOOTLOADER)
        bcd.element(UPGRADE, 0x21000001, wim)
        bcd.element(UPGRADE, 0x22000002, '\\windows')
        bcd.element(UPGRADE, 0x26000022, 1)
        bcd.object(UPGRADE_OPTIONS, 0x30000000)
        bcd.element(UPGRADE_OPTIONS, 0x31000003, device(disk, win))
        bcd.element(UPGRADE_OPTIONS, 0x32000004, '\\$WINDOWS.~BT\\Sources\\SafeOS\\boot.sdi')
    if 'ramdisk-boot-pending' in faults:
        bcd.element(BOOTMGR, 0x24000002, [UPGRADE])
    if 'ramdisk-boot-default' in faults:
        bcd.element(BOOTMGR, 0x23000003, UPGRADE)
        bcd.element(BOOTMGR, 0x24000001, [UPGRADE, LOADER])


def recovery_store(disk):
    """The minimal second store that WinRE keeps on the system partition of UEFI machines."""
    bcd = Store()
    boot = find(disk, 'esp')
    bcd.object(BOOTMGR, 0x10100002)
    bcd.element(BOOTMGR, 0x11000001, device(disk, boot))
    bcd.element(BOOTMGR, 0x12000002, '\\EFI\\Microsoft\\Boot\\bootmgfw.efi')
    bcd.element(BOOTMGR, 0x12000004, 'Windows Boot Manager')
    bcd.element(BOOTMGR, 0x14000006, [GLOBAL])
    bcd.object(GLOBAL, 0x20100000)
    return bcd
