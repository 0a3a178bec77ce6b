#!/usr/bin/env python3
"""minimal.py - small disks as somebody else would make them: hives with a dozen keys, no logs, odd but legal shapes. TAP.

usage: minimal.py COLDFIX SOURCE-ROOT WORK-FOLDER [CASE…]

The factory's disks look like Windows' own; these have only what a case needs, laid out with mkntfs, mkfs.fat, sfdisk and hivexregedit.
Each case says which problems must be found, and goes through repair, a second repair, the judges, and undo.
"""
# SPDX-License-Identifier: GPL-2.0-or-later
import json
import os
import shutil
import struct
import subprocess
import sys
import uuid

COLDFIX, ROOT, WORK = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2]), sys.argv[3]
sys.path.insert(0, os.path.join(ROOT, 'tests', 'images'))
from reg import BINARY, DWORD, EXPAND, MULTI, SZ, Reg  # noqa: E402

TOOLS = os.environ.get('COLDFIX_IMAGE_TOOLS', os.path.join(os.path.dirname(COLDFIX), 'tests', 'images'))
os.environ.update(LC_ALL='C', MTOOLS_SKIP_CHECK='1', MTOOLSRC='/dev/null', COLDFIX_IMAGE_TOOLS=TOOLS)
os.environ['PATH'] += ':/usr/sbin:/sbin'
os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
MIB = 1 << 20
DISK_GUID = '11111111-2222-4333-8444-555555555555'
SIGNATURE = 0x5eed1234
LOADER, SECOND = '{aaaaaaaa-0000-4000-8000-000000000001}', '{aaaaaaaa-0000-4000-8000-000000000002}'
BOOTMGR, BADMEMORY = '{9dea862c-5cdd-4e70-acc1-f32b344d4795}', '{5189b25c-5558-4bf2-bca4-289b11bd29e2}'
GLOBAL, EMS = '{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}', '{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}'
LOADERS = '{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}'
TYPES = {'esp': 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', 'ntfs': 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'}


def run(*argv, check=True, **more):
    return subprocess.run(argv, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


# ---- what lies on the disk ---------------------------------------------------------------------------------------

class Part:
    """A partition: kind (esp, ntfs, extended), first MiB, MiB, and its files by path: bytes."""

    def __init__(self, kind, start, size, files=None, fat=32, cluster=4096, active=False, number=None):
        self.kind, self.start, self.size, self.files = kind, start, size, files or {}
        self.fat, self.cluster, self.active, self.number = fat, cluster, active, number
        self.guid = str(uuid.UUID(int=0xbeef0000000040008000000000000000 + start))


def device(part, scheme):
    """A device element of a partition; None is one that says nothing ("boot")."""
    head = struct.pack('<16sIIII', b'', 6 if part else 5, 0, 0x48, 0)
    if not part:
        return head + bytes(0x38)
    if scheme == 'gpt':
        body = uuid.UUID(part.guid).bytes_le + struct.pack('<II', 0, 0) + uuid.UUID(DISK_GUID).bytes_le
    else:
        body = struct.pack('<QQ', part.start * MIB, 0) + struct.pack('<II', 0, 1) + struct.pack('<I12x', SIGNATURE)
    return head + body + bytes(16)


class Store:
    """A boot store: objects with their type and elements."""

    def __init__(self, upper=False, description=True):
        self.reg, self.upper, self.description = Reg(), upper, description
        if description:
            self.reg.put('Description', 'KeyName', SZ, 'BCD00000001')
        self.reg.key('Objects')

    def path(self, guid):
        return 'Objects\\' + (guid.upper() if self.upper else guid)

    def add(self, guid, kind):
        if kind and self.description:
            self.reg.put(self.path(guid) + '\\Description', 'Type', DWORD, kind)
        self.reg.key(self.path(guid) + '\\Elements')
        return self

    def element(self, guid, number, value):
        form = number >> 24 & 15
        if form == 3:
            kind, data = SZ, value
        elif form == 2:
            kind, data = SZ, value
        elif form == 4:
            kind, data = MULTI, value
        elif form == 5:
            kind, data = BINARY, value if isinstance(value, bytes) else struct.pack('<Q', value)
        elif form == 6:
            kind, data = BINARY, bytes([value])
        elif form == 7:
            kind, data = BINARY, b''.join(struct.pack('<Q', n) for n in value)
        else:
            kind, data = BINARY, value
        self.reg.put('%s\\Elements\\%08x' % (self.path(guid), number), 'Element', kind, data)
        return self


def store(part, scheme, default=True, pages=(), where=BADMEMORY, objects=(BOOTMGR, LOADER, BADMEMORY, GLOBAL, EMS, LOADERS), **form):
    s = Store(**form)
    types = {BOOTMGR: 0x10100002, LOADER: 0x10200003, SECOND: 0x10200003, BADMEMORY: 0x20100000, GLOBAL: 0x20100000, EMS: 0x20100000,
             LOADERS: 0x20200003}
    for guid in objects:
        s.add(guid, types[guid])
    if default:
        s.element(BOOTMGR, 0x23000003, LOADER)
        s.element(BOOTMGR, 0x24000001, [LOADER])
    for guid in (LOADER, SECOND):
        if guid in objects:
            s.element(guid, 0x11000001, device(part, scheme)).element(guid, 0x21000001, device(part, scheme))
            s.element(guid, 0x12000002, '\\Windows\\system32\\winload.' + ('efi' if scheme == 'gpt' else 'exe'))
            s.element(guid, 0x22000002, '\\Windows')
            if LOADERS in objects:
                s.element(guid, 0x14000006, [LOADERS])
    if LOADERS in objects and GLOBAL in objects:
        s.element(LOADERS, 0x14000006, [GLOBAL])
    if GLOBAL in objects:
        s.element(GLOBAL, 0x14000006, [g for g in (EMS, BADMEMORY) if g in objects])
    if pages:
        s.element(where, 0x1700000a, list(pages))
    return s


def system(sets=(1,), current=None, paging=('C:\\pagefile.sys 0 0',), paging_kind=MULTI, crash=True, computer='MINI', server=True):
    r = Reg()
    for name in ('Current', 'Default', 'LastKnownGood'):
        r.put('Select', name, DWORD, current or sets[0])
    r.put('Select', 'Failed', DWORD, 0)
    for n in sets:
        control = 'ControlSet%03d\\Control\\' % n
        r.put(control + 'ComputerName\\ComputerName', 'ComputerName', SZ, computer)
        r.put(control + 'ProductOptions', 'ProductType', SZ, 'ServerNT' if server else 'WinNT')
        if paging is not None:
            value = list(paging) if paging_kind == MULTI else paging[0]
            r.put(control + 'Session Manager\\Memory Management', 'PagingFiles', paging_kind, value)
        if crash:
            r.put(control + 'CrashControl', 'CrashDumpEnabled', DWORD, 7)
            r.put(control + 'CrashControl', 'DumpFile', EXPAND, '%SystemRoot%\\MEMORY.DMP')
    return r


def software(product='Windows Server 2019 Datacenter', build='17763', edition='ServerDatacenter'):
    r = Reg()
    at = 'Microsoft\\Windows NT\\CurrentVersion'
    r.put(at, 'ProductName', SZ, product)
    if build:
        r.put(at, 'CurrentBuild', SZ, build)
        r.put(at, 'CurrentBuildNumber', SZ, build)
    if edition:
        r.put(at, 'EditionID', SZ, edition)
    return r


def hive(reg, minor=5):
    path = 'hive.tmp'
    run(TOOLS + '/mkhive', 'new', '--minor', str(minor), '--root', 'ROOT', '--file-name', 'X', path)
    open('hive.reg', 'w').write(reg.text())
    run('hivexregedit', '--merge', path, 'hive.reg')
    return open(path, 'rb').read()


def windows(sys_reg=None, soft_reg=None, root='Windows', config='System32/config', names=('SYSTEM', 'SOFTWARE')):
    base = '%s/%s/' % (root, config)
    return {base + names[0]: hive(sys_reg or system()), base + names[1]: hive(soft_reg or software())}


# ---- making it ---------------------------------------------------------------------------------------------------

def fill_esp(image, part):
    os.path.exists('tree') and shutil.rmtree('tree')
    for path, data in part.files.items():
        os.makedirs(os.path.dirname('tree/' + path), exist_ok=True)
        open('tree/' + path, 'wb').write(data)
    run('mkfs.fat', '-F', str(part.fat), '-h', str(part.start * 2048), *(['-s', '1'] if part.fat == 32 else []), image)
    for name in os.listdir('tree') if part.files else []:
        run('mcopy', '-s', '-m', '-Q', '-i', image, 'tree/' + name, '::/')


def fill_ntfs(image, part):
    run('mkntfs', '-F', '-Q', '-q', '-c', str(part.cluster), '-p', str(part.start * 2048), '-H', '255', '-S', '63', image)
    lines = []
    for i, (path, data) in enumerate(part.files.items()):
        open('f%d' % i, 'wb').write(data)
        lines.append('file\t%s\tf%d' % (path, i))
    run(TOOLS + '/ntfs-populate', image, input='\n'.join(lines + ['journal\t1.1\tclean', '']))


def make(path, scheme, parts, size=1300):
    open(path, 'wb').truncate(size * MIB)
    lines = ['label: gpt', 'label-id: ' + DISK_GUID, 'first-lba: 34'] if scheme == 'gpt' else ['label: dos', 'label-id: 0x%08x' % SIGNATURE]
    for p in parts:
        kind = TYPES.get(p.kind) if scheme == 'gpt' else {'esp': 'ef', 'ntfs': '7', 'extended': '5'}[p.kind]
        lines.append('%sstart=%d, size=%d, type=%s%s%s' % ('%s : ' % p.number if p.number else '', p.start * 2048, p.size * 2048, kind,
                                                          ', uuid=' + p.guid if scheme == 'gpt' else '', ', bootable' if p.active else ''))
    if scheme != 'none':
        run('sfdisk', '-q', '--no-reread', '--no-tell-kernel', path, input='\n'.join(lines) + '\n')
    for p in parts:
        if p.kind == 'extended':
            continue
        open('part.img', 'wb').truncate(p.size * MIB)
        (fill_esp if p.kind == 'esp' else fill_ntfs)('part.img', p)
        run(TOOLS + '/place', 'part.img', path, str(p.start * MIB))
        os.unlink('part.img')


# ---- asking ------------------------------------------------------------------------------------------------------

count = failed = 0


def result(good, name, detail=''):
    global count, failed
    count += 1
    failed += not good
    print('%sok %d - %s' % ('' if good else 'not ', count, name), flush=True)
    if not good:
        for line in str(detail).splitlines()[:30]:
            print('# ' + line)


def coldfix(*argv):
    r = subprocess.run([COLDFIX, argv[0], '--json', *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    try:
        return r.returncode, json.loads(r.stdout)
    except ValueError:
        return r.returncode, {'problems': [], 'error': {'message': r.stdout + r.stderr}}


def digest(path):
    return run(os.path.join(ROOT, 'tests', 'images', 'verify-guest'), path).stdout.split()[0]


def serious(doc):
    return {p['id'] for p in doc['problems'] if p['severity'] in ('error', 'warning', 'blocker')}


def go(name, want, options=(), to_repair=(), left=0, recommended=None, look=None):
    """want: ids of errors, warnings and blockers. left: the repair's status. look: asks the repaired disk."""
    disk = 'disk.raw'
    before = digest(disk)
    status, doc = coldfix('diagnose', *options, disk)
    result(status == (4 if want else 0) and serious(doc) == set(want), '%s: finds %s' % (name, ', '.join(want) or 'nothing'),
           'status %d, %s\n%s' % (status, serious(doc), json.dumps(doc.get('error') or doc['problems'], indent=1)))
    if recommended is not None:
        found = {p['id'] for p in doc['problems'] if p['severity'] == 'recommended'}
        result(found == set(recommended), '%s: recommends %s' % (name, ', '.join(recommended) or 'nothing'), found)
    status, doc = coldfix('repair', '--yes', *options, *to_repair, disk)
    result(status == left, '%s: repair ends with %d' % (name, left),
           'status %d\n%s' % (status, json.dumps(doc.get('error') or doc['problems'], indent=1)))
    wrote = doc.get('bytes_written', 0)
    status, doc = coldfix('repair', '--yes', *options, *to_repair, disk)
    result(status == left and doc.get('bytes_written') == 0, name + ': a second repair writes nothing', json.dumps(doc, indent=1))
    if look:
        look(name, disk)
    judge = run(os.path.join(ROOT, 'tests', 'images', 'judge'), disk, check=False)
    result(judge.returncode == 0, name + ': the judges agree', judge.stdout)
    if wrote:
        status, doc = coldfix('undo', '--yes', disk)
        result(status == 0 and digest(disk) == before, name + ': undo', doc.get('error'))
    for f in os.listdir('.'):
        if f.startswith('disk.raw'):
            shutil.rmtree(f) if os.path.isdir(f) else os.unlink(f)


def gen2(pages=(0x1234, 0x1235), esp=None, win=None, fat=32, cluster=4096, path='EFI/Microsoft/Boot/BCD', **how):
    w = Part('ntfs', 70, 1200, win or windows(), cluster=cluster)
    boot = store(w, 'gpt', pages=pages, **how)
    e = Part('esp', 1, 64 if fat == 32 else 20 if fat == 16 else 4, {path: hive(boot.reg, 3)} if esp is None else esp, fat=fat)
    make('disk.raw', 'gpt', [e, w])


# ---- the cases ---------------------------------------------------------------------------------------------------

def elements(disk):
    status, doc = coldfix('bcd', disk, 'enum', 'all')
    return {o['id'] if 'id' in o else o.get('guid'): o for o in doc.get('objects', [])}


CASES = {}


def case(f):
    CASES[f.__name__.replace('_', '-')] = f
    return f


@case
def plain(name):
    gen2()
    go(name, ['bad-memory-list'], recommended=['serial-console-off'])


@case
def healthy(name):
    gen2(pages=())
    go(name, [])


@case
def no_default(name):
    gen2(default=False)
    go(name, ['bad-memory-list'])


@case
def no_descriptions(name):
    gen2(description=False)
    go(name, ['bad-memory-list'])


@case
def upper_case_guids(name):
    gen2(upper=True)
    go(name, ['bad-memory-list'])


@case
def no_ems_object(name):
    gen2(objects=(BOOTMGR, LOADER, BADMEMORY, GLOBAL, LOADERS))

    def look(name, disk):
        text = run(COLDFIX, 'bcd', disk, 'enum', '{emssettings}', check=False).stdout
        result('115200' in text, name + ': {emssettings} is made', text)
    go(name, ['bad-memory-list'], recommended=['serial-console-off'], look=look)


@case
def no_inheritance(name):
    """The list lies on {badmemory}, but nothing leads the loader there: the article's command deletes it all the same."""
    gen2(objects=(BOOTMGR, LOADER, BADMEMORY))
    go(name, ['bad-memory-list'])


@case
def list_on_the_loader(name):
    gen2(where=LOADER, objects=(BOOTMGR, LOADER))
    go(name, ['bad-memory-list'])


@case
def two_loaders(name):
    gen2(objects=(BOOTMGR, LOADER, SECOND, BADMEMORY, GLOBAL, EMS, LOADERS))
    go(name, ['bad-memory-list'])


@case
def fat16(name):
    gen2(fat=16)
    go(name, ['bad-memory-list'])


@case
def fat12(name):
    gen2(fat=12)
    go(name, ['bad-memory-list'])


@case
def lower_case_paths(name):
    gen2(path='efi/microsoft/boot/bcd', win=windows(root='WINDOWS', config='system32/config', names=('system', 'software')))
    go(name, ['bad-memory-list'])


@case
def big_clusters(name):
    gen2(cluster=65536)
    go(name, ['bad-memory-list'])


@case
def small_clusters(name):
    gen2(cluster=512)
    go(name, ['bad-memory-list'])


@case
def no_crash_control(name):
    gen2(pages=(), win=windows(system(crash=False)))
    status, doc = coldfix('repair', '--yes', '--prepare', 'disk.raw')
    result(status == 0, name + ': --prepare', doc.get('error') or json.dumps(doc['problems'], indent=1))
    r = run(COLDFIX, 'reg', 'disk.raw', 'query', 'HKLM\\SYSTEM\\ControlSet001\\Control\\CrashControl', check=False)
    result('CrashDumpEnabled' in r.stdout and 'MEMORY.DMP' in r.stdout, name + ': the key is made', r.stdout)
    status, doc = coldfix('undo', '--yes', 'disk.raw')
    result(status == 0, name + ': undo of that', doc.get('error'))
    go(name, [], recommended=['crash-dump-off', 'serial-console-off'])


@case
def second_set_only(name):
    gen2(win=windows(system(sets=(2,))))
    go(name, ['bad-memory-list'])


@case
def set_missing(name):
    gen2(pages=(), win=windows(system(current=7)))
    go(name, ['control-set-missing'], left=4)


@case
def paging_text(name):
    """PagingFiles as one string instead of a list: Windows reads it, and so do we."""
    gen2(pages=(), win=windows(system(paging=('C:\\pagefile.sys 1024 2048',), paging_kind=SZ)))
    go(name, [])


@case
def paging_nowhere(name):
    gen2(pages=(), win=windows(system(paging=('Q:\\pagefile.sys 0 0',))))
    go(name, ['pagefile-misplaced'])


@case
def paging_temp_disk(name):
    gen2(pages=(), win=windows(system(paging=('C:\\pagefile.sys 0 0',), sets=(1, 2))))
    go(name, ['pagefile-misplaced'], options=('--temp-disk', 'scsi'))


@case
def paging_absent(name):
    gen2(pages=(), win=windows(system(paging=None)))
    go(name, [])


def value(disk, key, name):
    """A registry value as reg query prints it; several lines are one."""
    out = run(COLDFIX, 'reg', disk, 'query', 'HKLM\\SYSTEM\\' + key, '/v', name, check=False).stdout
    return ' '.join(out.split())


@case
def paging_right_entries_stay(name):
    """Only the entry that can't work goes; the sizes of the other stay, and a set without a fault is not rewritten."""
    reg = system(sets=(1, 2), paging=('C:\\pagefile.sys 1024 4096', 'Q:\\pagefile.sys 0 0'))
    at = 'Control\\Session Manager\\Memory Management'
    reg.put('ControlSet002\\' + at, 'PagingFiles', MULTI, ['C:\\pagefile.sys 16 32'])
    gen2(pages=(), win=windows(reg))

    def look(name, disk):
        one, two = value(disk, 'ControlSet001\\' + at, 'PagingFiles'), value(disk, 'ControlSet002\\' + at, 'PagingFiles')
        result('C:\\pagefile.sys 1024 4096' in one and 'Q:' not in one, name + ': the right entry keeps its sizes', one)
        result(two.endswith('C:\\pagefile.sys 16 32'), name + ': the other set is as it was', two)
    go(name, ['pagefile-misplaced'], look=look)


@case
def unknown_dump_type(name):
    reg = system()
    reg.put('ControlSet001\\Control\\CrashControl', 'CrashDumpEnabled', DWORD, 9)
    gen2(pages=(7,), win=windows(reg))

    def look(name, disk):
        got = value(disk, 'ControlSet001\\Control\\CrashControl', 'CrashDumpEnabled')
        result(got.endswith('0x7'), name + ': a known type after the repair', got)
    go(name, ['bad-memory-list'], recommended=['crash-dump-off', 'serial-console-off'], look=look)


@case
def unclean_software(name):
    """SOFTWARE waits for its logs, as after a hard stop; that is said, and it is no fault."""
    win = windows()
    open('old', 'wb').write(win['Windows/System32/config/SOFTWARE'])
    shutil.copy('old', 'new')
    more = Reg()
    more.put('Microsoft\\Late', 'Written', SZ, 'only in the log')
    open('delta.reg', 'w').write(more.text())
    run('hivexregedit', '--merge', 'new', 'delta.reg')
    run(TOOLS + '/mkhive', 'dirty', 'old', 'new', 'out', 'log1', 'log2')
    for file, data in (('SOFTWARE', 'out'), ('SOFTWARE.LOG1', 'log1'), ('SOFTWARE.LOG2', 'log2')):
        win['Windows/System32/config/' + file] = open(data, 'rb').read()
    gen2(pages=(), win=win)
    status, doc = coldfix('diagnose', 'disk.raw')
    found = [p for p in doc['problems'] if p['id'] == 'hive-unclean']
    result(status == 0 and len(found) == 1 and found[0]['severity'] == 'info' and 'SOFTWARE' in json.dumps(found[0]), name + ': said',
           json.dumps(doc['problems'], indent=1))
    go(name, [])


@case
def list_cut_short(name):
    """Not a whole number of page numbers: still a list that shuts memory out."""
    w = Part('ntfs', 70, 1200, windows())
    boot = store(w, 'gpt', pages=(1,))
    boot.reg.put(boot.path(BADMEMORY) + '\\Elements\\1700000a', 'Element', BINARY, struct.pack('<QI', 0x99, 0x9a))
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/Microsoft/Boot/BCD': hive(boot.reg, 3)}), w])
    go(name, ['bad-memory-list'])


@case
def number_of_the_boot_manager(name):
    """25000031 is removememory on a loader only."""
    w = Part('ntfs', 70, 1200, windows())
    boot = store(w, 'gpt')
    boot.element(BOOTMGR, 0x25000031, 3000)
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/Microsoft/Boot/BCD': hive(boot.reg, 3)}), w])
    go(name, [])


@case
def unknown_build(name):
    gen2(win=windows(None, software(build='', edition='')))
    go(name, ['bad-memory-list'])


@case
def short_integers(name):
    w = Part('ntfs', 70, 1200, windows())
    boot = store(w, 'gpt', pages=(5,))
    boot.element(LOADER, 0x15000007, b'\x00\x00\x00\x10').element(EMS, 0x15000022, b'\x01').element(EMS, 0x15000023, b'\x00\xc2\x01')
    boot.element(LOADER, 0x260000b0, 1)
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/Microsoft/Boot/BCD': hive(boot.reg, 3)}), w])
    go(name, ['bad-memory-list', 'memory-limited'], to_repair=('--with', 'memory-limited'), recommended=[])


@case
def no_boot_store(name):
    gen2(esp={'EFI/readme.txt': b'nothing'})
    go(name, ['boot-store-missing'], left=4)


@case
def devices_say_nothing(name):
    """Loaders on "boot" devices, as in an image that was not yet started: one Windows, so it is the one."""
    w = Part('ntfs', 70, 1200, windows())
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/Microsoft/Boot/BCD': hive(store(None, 'gpt', pages=(9,)).reg, 3)}), w])
    go(name, ['bad-memory-list'])


@case
def mbr_single(name):
    w = Part('ntfs', 1, 1200, active=True)
    w.files = dict(windows(), **{'Boot/BCD': hive(store(w, 'mbr', pages=(9,)).reg, 3)})
    make('disk.raw', 'mbr', [w])
    go(name, ['bad-memory-list'])


@case
def mbr_logical(name):
    w = Part('ntfs', 110, 1180, windows(), number=5)
    boot = Part('ntfs', 1, 100, active=True, number=1)
    boot.files = {'Boot/BCD': hive(store(w, 'mbr', pages=(9,)).reg, 3)}
    make('disk.raw', 'mbr', [boot, Part('extended', 105, 1190, number=2), w])
    go(name, ['bad-memory-list'])


@case
def bare_volume(name):
    w = Part('ntfs', 0, 1200, windows())
    make('disk.raw', 'none', [w])
    status, doc = coldfix('diagnose', 'disk.raw')
    result(status in (0, 4) and len(doc['windows']) == 1, name + ': a volume without a disk is read', doc.get('error'))


@case
def two_windows(name):
    a = Part('ntfs', 70, 1200, windows(system(computer='FIRST')))
    b = Part('ntfs', 1300, 1200, windows(system(computer='OTHER')))
    boot = store(b, 'gpt', pages=(9,))
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/Microsoft/Boot/BCD': hive(boot.reg, 3)}), a, b], size=2600)
    status, doc = coldfix('info', 'disk.raw')
    result([w['computer_name'] for w in doc['windows']] == ['FIRST', 'OTHER'], name + ': both are listed', json.dumps(doc.get('windows')))
    status, doc = coldfix('repair', '--dry-run', '--expect-computer', 'FIRST', 'disk.raw')
    result(status == 8, name + ': the default loader boots the other', status)
    go(name, ['bad-memory-list'], to_repair=('--expect-computer', 'OTHER'))


@case
def two_windows_ambiguous(name):
    a = Part('ntfs', 70, 1200, windows(system(computer='FIRST')))
    b = Part('ntfs', 1300, 1200, windows(system(computer='OTHER')))
    boot = store(None, 'gpt', pages=(9,))
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/Microsoft/Boot/BCD': hive(boot.reg, 3)}), a, b], size=2600)
    status, doc = coldfix('repair', '--yes', 'disk.raw')
    result(status == 8 and '--windows' in doc['error']['message'], name + ': repair asks for --windows N', doc.get('error', status))
    status, doc = coldfix('repair', '--yes', '--windows', '2', 'disk.raw')
    result(status == 0, name + ': --windows 2', doc.get('error') or json.dumps(doc['problems'], indent=1))


@case
def nothing_on_it(name):
    make('disk.raw', 'gpt', [Part('esp', 1, 64, {'EFI/readme.txt': b'x'}), Part('ntfs', 70, 1200, {'data.txt': b'x'})])
    for command in ('diagnose', 'repair'):
        status, doc = coldfix(command, *(['--yes'] if command == 'repair' else []), 'disk.raw')
        result(status == 8 and 'Windows' in doc['error']['message'], '%s: %s' % (name, command), doc.get('error', status))


def main():
    global WORK
    WORK = os.path.realpath(WORK)
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    os.chdir(WORK)
    for name, f in CASES.items():
        if not sys.argv[4:] or name in sys.argv[4:]:
            f(name)
    print('1..%d' % count)
    sys.exit(failed != 0)


main()
