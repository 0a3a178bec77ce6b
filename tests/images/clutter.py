# clutter.py - rubbish of every class of Disk Cleanup, and beside it what only looks like rubbish.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every name with "~go" is deleted by a plain clean-up, every one with "~opt" when its class is named; everything else stays. Times: 40 days old
# unless a name says "young". One function for guest.py, which owns the manifest.

PROFILES = ('Users/azureadmin', 'Users/Anna Svensson', 'Users/Default', 'Users/guest.COLDFIX', 'Profiles/roamer')
CACHE = '/AppData/Local/Microsoft/Windows'


def profile(b, v, home):
    local = home + '/AppData/Local'
    temp = local + '/Temp'
    b.do(v, 'fill', home + '/Documents/letter.docx', 30011)
    b.do(v, 'fill', home + '/Documents/Temp/draft.tmp', 5000)
    b.do(v, 'fill', temp + '/big~go.tmp', 60001)
    b.do(v, 'text', temp + '/small~go.tmp', 'resident: no clusters come free')
    b.do(v, 'compressed', temp + '/packed~go.log', 200000)
    b.do(v, 'sparse', temp + '/holes~go.dat', 3000000)
    b.do(v, 'fill', temp + '/streams~go.exe', 9000)
    b.do(v, 'stream', temp + '/streams~go.exe', 'Zone.Identifier', 120)
    b.do(v, 'stream', temp + '/streams~go.exe', 'large', 40000)
    b.do(v, 'fill', temp + '/setup~go/deep/er/still~go.cab', 12345)
    b.do(v, 'mkdir', temp + '/empty~go')
    b.do(v, 'text', temp + '/setup~go/desktop.ini~go', '[x]')
    b.do(v, 'fill', temp + '/Low/old~go.htm', 5001)
    # Two names, both temporary: it goes. One name in the documents: it stays, with both.
    b.do(v, 'fill', temp + '/twin~go.bin', 20000)
    b.do(v, 'link', temp + '/setup~go/twin2~go.bin', temp + '/twin~go.bin')
    b.do(v, 'link', temp + '/linked.docx', home + '/Documents/letter.docx')
    b.do(v, 'junction', temp + '/documents', 'C:\\' + home.replace('/', '\\') + '\\Documents')
    b.do(v, 'fill', temp + '/desktop.ini', 300)
    b.do(v, 'fill', temp + '/crash.dmp', 5000)
    b.do(v, 'file', temp + '/evidence.tmp', b.work + '/f/clutter.mdmp')
    b.do(v, 'fill', temp + '/cloud.txt', 5000)
    b.do(v, 'reparse', temp + '/cloud.txt', '9000601a')
    b.do(v, 'fill', temp + '/wof~go.dll', 5000)
    b.do(v, 'reparse', temp + '/wof~go.dll', '80000017')
    b.do(v, 'fill', temp + '/guarded.sys', 5000)
    b.do(v, 'attr', temp + '/guarded.sys', 'hs')
    b.do(v, 'fill', home + CACHE + '/INetCache/IE/A1B2C3D4/page~go.htm', 7000)
    b.do(v, 'fill', home + CACHE + '/INetCache/Low/IE/E5F6/low~go.js', 7000)
    b.do(v, 'fill', home + CACHE + '/INetCache/Content.Outlook/X/contract.docx', 7000)
    b.do(v, 'fill', home + CACHE + '/WebCache/WebCacheV01.dat', 7000)
    b.do(v, 'fill', home + CACHE + '/Explorer/thumbcache_256~go.db', 50000)
    b.do(v, 'fill', home + CACHE + '/Explorer/iconcache_48~go.db', 9000)
    b.do(v, 'fill', home + CACHE + '/Explorer/ExplorerStartupLog.etl', 9000)
    b.do(v, 'fill', local + '/D3DSCache/9a8b~go/F4~go.idx', 9000)
    b.do(v, 'fill', home + CACHE + '/WER/ReportQueue/AppCrash_1~opt/Report~opt.wer', 6000)
    b.do(v, 'fill', home + CACHE + '/WER/ReportQueue/AppCrash_2/memory.hdmp', 6000)
    b.do(v, 'fill', local + '/Temporary/kept.tmp', 6000)


def machine(b, v):
    w = 'Windows/'
    b.do(v, 'many', w + 'Temp/many~go', 60, 20)
    b.do(v, 'fill', w + 'Temp/TS_1~go.tmp', 33000)
    b.do(v, 'fill', w + 'Temp/later~go.dll', 5000)
    b.do(v, 'fill', w + 'SystemTemp/update~go.tmp', 5000)
    b.do(v, 'fill', w + 'SoftwareDistribution/Download/0a1b~go/inst~go/x~go.cab', 80000)
    b.do(v, 'fill', w + 'SoftwareDistribution/Download/4f1a~go.cab', 4000)
    b.do(v, 'fill', w + 'SoftwareDistribution/DataStore/DataStore.edb', 9000)
    b.do(v, 'fill', w + 'SoftwareDistribution/DeliveryOptimization/c~go.bin', 9000)
    b.do(v, 'fill', w + 'ServiceProfiles/NetworkService' + CACHE + '/DeliveryOptimization/Cache/9f~go/d~go', 90000)
    b.do(v, 'fill', w + 'ServiceProfiles/LocalService/AppData/Local/Temp/svc~go.tmp', 5000)
    b.do(v, 'fill', w + 'System32/config/systemprofile/AppData/Local/Temp/sys~go.tmp', 5000)
    b.do(v, 'fill', w + 'System32/config/systemprofile/AppData/Local/Tmp/kept', 5000)
    b.do(v, 'fill', w + 'WinSxS/Temp/PendingDeletes/x.dll', 5000)
    b.do(v, 'fill', w + 'WinSxS/Backup/y.dll', 5000)
    b.do(v, 'fill', w + 'Logs/CBS/CBS.log', 8000)
    b.do(v, 'fill', w + 'Logs/CBS/CbsPersist_20231101~opt.cab', 8000)
    b.do(v, 'fill', w + 'Panther/setupact.log', 8000)
    b.do(v, 'fill', w + 'Prefetch/CMD.EXE-4A81B364.pf', 8000)
    b.do(v, 'fill', w + 'Installer/1a2b.msi', 8000)
    b.do(v, 'fill', w + 'Downloaded Program Files/control~opt.ocx', 8000)
    b.do(v, 'fill', w + 'Minidump/old1~opt.dmp', 9000)
    b.do(v, 'fill', w + 'Minidump/old2~opt.dmp', 9000)
    b.do(v, 'fill', w + 'LiveKernelReports/USBXHCI/live~opt.dmp', 9000)
    b.do(v, 'fill', 'ProgramData/Microsoft/Windows/WER/ReportArchive/Kernel~opt/Report~opt.wer', 6000)
    b.do(v, 'fill', 'ProgramData/Package Cache/setup.exe', 6000)
    bin_ = '$Recycle.Bin/S-1-5-21-1004336348-1177238915-682003330-500'
    b.do(v, 'fill', bin_ + '/$R1A2B3C~opt.docx', 30000)
    b.do(v, 'fill', bin_ + '/$I1A2B3C~opt.docx', 544)
    b.do(v, 'fill', bin_ + '/$RFOLDER~opt/inner~opt.txt', 9000)
    b.do(v, 'text', bin_ + '/desktop.ini', '[.ShellClassInfo]')
    b.do(v, 'attr', bin_ + '/desktop.ini', 'hs')
    old = 'Windows.old'
    b.do(v, 'fill', old + '/Windows/System32/old~opt.dll', 20000)
    b.do(v, 'link', old + '/Windows/WinSxS/amd64~opt/old~opt.dll', old + '/Windows/System32/old~opt.dll')
    b.do(v, 'fill', old + '/Users/anna/Documents/only-copy.docx', 20000)
    b.do(v, 'junction', old + '/Documents and Settings', 'C:\\Users')
    b.do(v, 'junction', old + '/ProgramData/Desktop~opt', 'C:\\Users\\Public')
    b.do(v, 'fill', '$WINDOWS.~BT/Sources/setup~opt.exe', 15000)
    b.do(v, 'fill', 'found.000/file0000~opt.chk', 15000)
    b.do(v, 'fill', 'found.000/dir0000.chk/inner.txt', 5000)
    b.do(v, 'fill', 'Temp/mine.tmp', 40000)
    b.do(v, 'fill', 'huge-unknown.bin', 400000)
    b.do(v, 'solid', 'hiberfil.sys', 1 << 20)
    b.do(v, 'attr', 'hiberfil.sys', 'hsa')


def young(b, v, old):
    """What the last days before the VM stopped brought."""
    for home in PROFILES[:2]:
        b.do(v, 'fill', home + '/AppData/Local/Temp/young.tmp', 25000)
        b.do(v, 'fill', home + '/AppData/Local/Temp/youngdir/new.bin', 5000)
    b.do(v, 'fill', 'Windows/Temp/young.log', 25000)
    # Made there lately, with an older date: as old as it says, unless a restart is pending.
    b.do(v, 'fill', 'Windows/Temp/unpacked~go.dll', 5000)
    b.do(v, 'changed', 'Windows/Temp/unpacked~go.dll', old)
    b.do(v, 'fill', 'Windows/Minidump/newest.dmp', 9000)
    b.do(v, 'fill', 'Windows/Temp/setup.dmp', 9000)


def add(b, v, old, now):
    b.write('f/clutter.mdmp', b'MDMP\x93\xa7' + bytes(9000))
    b.do(v, 'quota')
    b.do(v, 'now', old)
    for home in PROFILES:
        profile(b, v, home)
    machine(b, v)
    b.do(v, 'now', now)
    young(b, v, old)
