#!/usr/bin/env python3
"""hostile.py - disks with a few bytes turned against us: whatever they say, coldfix ends in order.

usage: hostile.py COLDFIX SOURCE-ROOT WORK-FOLDER [--seed N] [--rounds N] [--seconds N] [--only WORD] [--replay FILE]

Each round patches a factory disk in a place that is parsed (partition tables, boot sectors, MFT records, index blocks, FATs and
folders, hives, logs, boot store, $LogFile, $Bitmap), runs commands on it and takes the patch back. What must hold, whatever the patch:

  - exit status 0, 4 or 8; no signal, no sanitizer report; 10 seconds and 256 MiB are enough (more under a sanitizer)
  - standard output is one JSON object, and says the same status; no control character reaches it
  - commands that only look leave every byte as it was; so does a repair that failed
  - a repair that wrote is undone to the very disk from before; a second repair writes nothing

The same seed gives the same patches. A patch that breaks a rule is kept in WORK-FOLDER as found-N.json, for --replay.
SPDX-License-Identifier: GPL-2.0-or-later
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib

SECTOR = 512
BASES = {
    "gen2": ["--gen", "2", "--break", "bad-memory-list,bad-memory-registry,pagefile-misplaced", "--windows", "server2022"],
    "gen1": ["--gen", "1", "--break", "bad-memory-list,serial-console-off", "--windows", "server2019"],
    "hibernated": ["--gen", "2", "--break", "volume-hibernated,bad-memory-registry", "--windows", "win11"],
    "unclean": ["--gen", "1", "--break", "volume-unclean,bad-memory-registry", "--windows", "server2022"],
    "logs": ["--gen", "2", "--break", "hive-unclean,bad-memory-list,bad-memory-registry", "--windows", "server2022"],
    "store": ["--gen", "2", "--break", "boot-store-unclean,bad-memory-list", "--windows", "server2019"],
}
WORDS32 = [0, 1, 2, 7, 8, 0x20, 0xFF, 0x100, 0xFFF, 0x1000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFF8, 0xFFFFFFFF]


# ---- where things lie ----

class Ntfs:
    """Just enough of NTFS to know where to hit it."""

    def __init__(self, f, start):
        self.f, self.start = f, start
        boot = self.at(0, 512)
        self.cluster = struct.unpack_from("<H", boot, 0xB)[0] * boot[0xD]
        code = struct.unpack_from("<b", boot, 0x40)[0]
        self.record = code * self.cluster if code > 0 else 1 << -code
        first = struct.unpack_from("<Q", boot, 0x30)[0] * self.cluster
        self.mft = self.runs(self.attributes(self.at(first, self.record)).get((0x80, ""), b""))

    def at(self, off, n):
        self.f.seek(self.start + off)
        return self.f.read(n)

    def attributes(self, rec):
        out = {}
        if rec[:4] != b"FILE":
            return out
        rec = bytearray(rec)
        usa, n = struct.unpack_from("<HH", rec, 4)
        for i in range(1, n):
            rec[i * 512 - 2:i * 512] = rec[usa + 2 * i:usa + 2 * i + 2]
        off = struct.unpack_from("<H", rec, 0x14)[0]
        while off + 8 <= len(rec):
            kind, length = struct.unpack_from("<II", rec, off)
            if kind == 0xFFFFFFFF or length < 0x18:
                break
            a = bytes(rec[off:off + length])
            name = a[struct.unpack_from("<H", a, 0xA)[0]:][:2 * a[9]].decode("utf-16le")
            out.setdefault((kind, name), a)
            off += length
        return out

    def runs(self, a):
        """[(offset on the volume, bytes)] of a non-resident attribute."""
        out, lcn = [], 0
        if len(a) < 0x40 or not a[8]:
            return out
        p = struct.unpack_from("<H", a, 0x20)[0]
        while a[p]:
            n, m = a[p] & 15, a[p] >> 4
            length = int.from_bytes(a[p + 1:p + 1 + n], "little")
            if m:
                lcn += int.from_bytes(a[p + 1 + n:p + 1 + n + m], "little", signed=True)
                out.append((lcn * self.cluster, length * self.cluster))
            p += 1 + n + m
        return out

    def targets(self):
        """(name, offset on the disk, bytes): the records that matter and what they point to."""
        yield "ntfs-boot", self.start, 0x60
        number, wanted = 0, {"config", "System32", "Windows", "hiberfil.sys", "pagefile.sys", "ntoskrnl.exe", "BCD", "Boot", "BCD.LOG",
                             "System Volume Information", "."}
        hives = {"SYSTEM", "SOFTWARE", "SYSTEM.LOG1", "SYSTEM.LOG2", "BCD", "BCD.LOG", "BCD.LOG1"}
        for off, length in self.mft:
            for k in range(length // self.record):
                attributes = self.attributes(self.at(off + k * self.record, self.record))
                name = attributes.get((0x30, ""), b"")
                text = ""
                if len(name) > 0x5A:
                    v = name[struct.unpack_from("<H", name, 0x14)[0]:]
                    text = v[0x42:0x42 + 2 * v[0x40]].decode("utf-16le", "replace")
                if number < 40 or text in wanted or text in hives:
                    yield f"record-{text or number}", self.start + off + k * self.record, self.record
                    for a_off, a_len in self.runs(attributes.get((0xA0, "$I30"), b"")):
                        yield f"index-{text or number}", self.start + a_off, min(a_len, 64 * 1024)
                    if text in hives or text in ("$LogFile", "$Bitmap", "$AttrDef", "$UpCase", "$Secure", "hiberfil.sys"):
                        for a_off, a_len in self.runs(attributes.get((0x80, ""), b""))[:4]:
                            yield f"data-{text}", self.start + a_off, min(a_len, 8192 if text[0] in "$h" else 4 << 20)
                number += 1


def fat_targets(f, start, size):
    f.seek(start)
    boot = f.read(512)
    sector, per, reserved, fats = *struct.unpack_from("<HBH", boot, 0xB), boot[0x10]
    root, table16 = struct.unpack_from("<H", boot, 0x11)[0], struct.unpack_from("<H", boot, 0x16)[0]
    table = table16 or struct.unpack_from("<I", boot, 0x24)[0]
    yield "fat-boot", start, 0x5A
    if not table16:
        yield "fat-info", start + sector * struct.unpack_from("<H", boot, 0x30)[0], 512
    for i in range(fats):
        yield "fat-table", start + (reserved + i * table) * sector, 2048
    data = (reserved + fats * table) * sector
    yield "fat-root", start + data, max(root * 32, per * sector)
    # Folders and stores, by what they look like.
    cluster = per * sector
    for off in range(data, min(size, data + 8 << 20), cluster):
        f.seek(start + off)
        head = f.read(512)
        if head[:4] == b"regf":
            yield "fat-store", start + off, 64 * 1024
        elif head[:2] == b". " or head[32:34] == b"..":
            yield "fat-folder", start + off, cluster


def targets_of(path):
    out = []
    with open(path, "rb") as f:
        f.seek(0, 2)
        size = f.tell()
        f.seek(510)
        out.append(("mbr", 446, 66))
        parts = []
        f.seek(SECTOR)
        gpt = f.read(92)
        if gpt[:8] == b"EFI PART":
            out += [("gpt-header", SECTOR, 92), ("gpt-entries", 2 * SECTOR, 128 * 8), ("gpt-backup", size - SECTOR, 92),
                    ("gpt-backup-entries", size - 33 * SECTOR, 128 * 8)]
            f.seek(2 * SECTOR)
            for _ in range(128):
                e = f.read(128)
                if any(e[:16]):
                    a, b = struct.unpack_from("<QQ", e, 32)
                    parts.append((a * SECTOR, (b - a + 1) * SECTOR))
        else:
            f.seek(446)
            for _ in range(4):
                e = f.read(16)
                if e[4]:
                    a, n = struct.unpack_from("<II", e, 8)
                    parts.append((a * SECTOR, n * SECTOR))
        for start, length in parts:
            f.seek(start)
            boot = f.read(512)
            if boot[3:7] == b"NTFS":
                out += Ntfs(f, start).targets()
            elif boot[0x36:0x39] == b"FAT" or boot[0x52:0x55] == b"FAT":
                out += fat_targets(f, start, length)
    return [t for t in out if t[2] > 0 and t[1] + t[2] <= size]


# ---- what is done to them ----

def mutate(rng, data, whole):
    """A changed copy of data. whole(): bytes of another place."""
    d = bytearray(data)
    nonzero = [i for i in range(0, len(d) & ~3, 4) if d[i:i + 4] != b"\0\0\0\0"]

    def place(align):
        if nonzero and rng.random() < 0.85:
            i = rng.choice(nonzero) + rng.randrange(4)
        else:
            i = rng.randrange(len(d))
        return min(i, len(d) - 8) // align * align if len(d) >= 8 else 0

    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        kind = rng.randrange(10)
        if kind < 2:
            i = place(1)
            d[i] ^= 1 << rng.randrange(8)
        elif kind == 2:
            i = place(1)
            d[i] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind < 5:
            i = place(2)
            struct.pack_into("<H", d, i, rng.choice([w & 0xFFFF for w in WORDS32] + [rng.randrange(0x10000)]))
        elif kind < 8:
            i = place(4)
            old = struct.unpack_from("<I", d, i)[0]
            struct.pack_into("<I", d, i, rng.choice(WORDS32 + [(old + rng.choice([-8, -1, 1, 8, 4096])) & 0xFFFFFFFF,
                                                               rng.randrange(1 << 32), len(d)]))
        elif kind == 8:
            i = place(8)
            n = rng.choice([8, 16, 64, 512])
            d[i:i + n] = rng.choice([bytes(n), b"\xff" * n, rng.randbytes(n)])[:len(d) - i]
        else:
            other = whole()
            i = place(8)
            j = rng.randrange(max(1, len(other) - 7)) // 8 * 8
            n = rng.choice([8, 32, 128, 1024])
            piece = other[j:j + n]
            d[i:i + len(piece)] = piece[:len(d) - i]
    return bytes(d[:len(data)])


def repair_checksum(rng, name, d, disk):
    """Most changes would stop at a checksum; so that they get further, it is made right again more often than not."""
    if rng.random() < 0.3:
        return d
    d = bytearray(d)
    if name in ("gpt-header", "gpt-backup"):
        d[16:20] = bytes(4)
        struct.pack_into("<I", d, 16, zlib.crc32(bytes(d)))
    elif d[:4] == b"regf" and len(d) >= 512:
        x = 0
        for i in range(0, 508, 4):
            x ^= struct.unpack_from("<I", d, i)[0]
        struct.pack_into("<I", d, 508, {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(x, x))
    return bytes(d)


def gpt_fix(disk, size):
    """Both headers' checksums over entries that a patch has changed."""
    out = []
    with open(disk, "rb") as f:
        for at in (SECTOR, size - SECTOR):
            f.seek(at)
            h = bytearray(f.read(92))
            lba, n, each = struct.unpack_from("<QII", h, 72)
            if h[:8] != b"EFI PART" or n * each > 1 << 20 or lba * SECTOR > size:
                continue
            f.seek(lba * SECTOR)
            struct.pack_into("<I", h, 88, zlib.crc32(f.read(n * each)))
            h[16:20] = bytes(4)
            struct.pack_into("<I", h, 16, zlib.crc32(bytes(h)))
            out.append((at, bytes(h)))
    return out


# ---- running ----

class Disk:
    """A working copy of a base, patched and taken back."""

    def __init__(self, base, work):
        self.base, self.path = base, work
        self.size = os.path.getsize(base)
        self.targets = targets_of(base)
        self.renew()

    def renew(self):
        for p in self.path.parent.glob(self.path.name + "*"):
            shutil.rmtree(p) if p.is_dir() and not p.is_symlink() else p.unlink()
        subprocess.run(["cp", "--sparse=always", self.base, self.path], check=True)

    def read(self, off, n):
        with open(self.path, "rb") as f:
            f.seek(off)
            return f.read(n)

    def apply(self, patches):
        with open(self.path, "r+b") as f:
            for off, new in patches:
                f.seek(off)
                f.write(new)

    def state_files(self):
        return sorted(p.name for p in self.path.parent.glob(self.path.name + "?*"))

    def hash(self):
        """Of the content, however much of it is holes."""
        h, piece = hashlib.blake2b(), 1 << 16
        fd = os.open(self.path, os.O_RDONLY)
        off, done = 0, -1
        try:
            while off < self.size:
                try:
                    start = os.lseek(fd, off, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(fd, start, os.SEEK_HOLE)
                for p in range(max(start // piece, done + 1), (end + piece - 1) // piece):
                    data = os.pread(fd, piece, p * piece)
                    if data.strip(b"\0"):
                        h.update(p.to_bytes(8, "little") + data)
                    done = p
                off = end
        finally:
            os.close(fd)
        return h.hexdigest() + str(os.path.getsize(self.path))


class Run:
    """One command, with what it said and took."""

    def __init__(self, coldfix, *args, limit=10, to="out"):
        env = dict(os.environ, ASAN_OPTIONS="exitcode=99:detect_leaks=1:allocator_may_return_null=1", UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")
        self.args = args
        started = time.monotonic()
        out, err = open(to, "w+b"), open("err", "w+b")
        pid = os.posix_spawn(coldfix, [coldfix, *map(str, args)], env,
                             file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                                           (os.POSIX_SPAWN_DUP2, err.fileno(), 2)])
        self.timed_out = False
        pidfd = os.pidfd_open(pid)
        if not select.select([pidfd], [], [], limit)[0]:
            self.timed_out = True
            os.kill(pid, signal.SIGKILL)
        os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        self.seconds = time.monotonic() - started
        self.code = os.waitstatus_to_exitcode(status)
        self.memory = usage.ru_maxrss * 1024
        err.seek(0)
        self.err = err.read(1 << 20)
        if to == "out":
            out.seek(0)
            self.out = out.read(64 << 20)
        else:
            self.out = b""
        out.close(), err.close()
        try:
            self.json = json.loads(self.out)
        except ValueError:
            self.json = None


class Broken(Exception):
    pass


class Driver:
    def __init__(self, o):
        self.o, self.coldfix = o, os.path.realpath(o.coldfix)
        self.sanitized = b"__asan_init" in pathlib.Path(self.coldfix).read_bytes()
        self.memory_limit = (1536 if self.sanitized else 256) << 20
        self.time_limit = 60 if self.sanitized else 10
        self.counts, self.worst = {}, {}

    def check(self, r, text=False):
        name = r.args[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        self.counts[f"exit {r.code}"] = self.counts.get(f"exit {r.code}", 0) + 1
        worst = self.worst.setdefault(name, [0, 0])
        worst[0], worst[1] = max(worst[0], r.seconds), max(worst[1], r.memory)
        what = " ".join(map(str, r.args))
        if r.timed_out:
            raise Broken(f"{what}: still running after {self.time_limit} s")
        if r.code not in (0, 4, 8):
            raise Broken(f"{what}: ended with {r.code}\n" + r.err.decode(errors="replace"))
        if b"Sanitizer" in r.err or b"runtime error" in r.err:
            raise Broken(f"{what}: sanitizer\n" + r.err.decode(errors="replace"))
        if r.memory > self.memory_limit:
            raise Broken(f"{what}: took {r.memory >> 20} MiB")
        if any(c < 32 and c != 10 for c in r.out + r.err) or b"\x7f" in r.out + r.err:
            raise Broken(f"{what}: control characters in the output")
        for stream in (r.out, r.err):
            try:
                stream.decode()
            except UnicodeDecodeError as e:
                raise Broken(f"{what}: ill-formed UTF-8 in the output: {e}")
        if text:
            return
        if not isinstance(r.json, dict):
            raise Broken(f"{what}: no JSON object\n{r.out[:400]}\n" + r.err.decode(errors="replace"))
        if r.json.get("exit_status") != r.code:
            raise Broken(f"{what}: the object says {r.json.get('exit_status')}, the status is {r.code}")
        if r.code == 8 and not r.json.get("error"):
            raise Broken(f"{what}: status 8 without an error")
        if "unexpected" in (r.json.get("error") or {}).get("message", ""):
            raise Broken(f"{what}: {r.json['error']}")

    def run(self, *args, text=False):
        r = Run(self.coldfix, *args, limit=self.time_limit)
        self.check(r, text)
        return r

    def one(self, disk, rng):
        """Everything that is asked of one patched disk."""
        d = disk.path
        before = disk.hash()
        looks = [["diagnose", "--json", d], ["diagnose", d], ["info", "--json", d], ["dump", "--json", d, "info"], ["bcd", "--json", d, "enum", "all"],
                 ["ls", "--json", "-R", d, "\\"], ["ls", "--json", "-R", d, "1:\\"], ["ls", "--json", "-R", d, "2:\\"],
                 ["reg", "--json", d, "query", "HKLM\\SYSTEM", "/s"], ["cat", d, "\\Windows\\System32\\config\\SYSTEM"],
                 ["space", "--json", d], ["repair", "--dry-run", "--json", "--with", "gpt-damaged", d]]
        for args in [looks[0]] + rng.sample(looks[1:], 2):
            if args[0] == "cat":
                # A file may claim any size: as long as its zeros come, all is well.
                r = Run(self.coldfix, *args, limit=2, to="/dev/null")
                if not r.timed_out and r.code not in (0, 8):
                    raise Broken(f"cat: {r.code}\n" + r.err.decode(errors="replace"))
                continue
            self.run(*args, text="--json" not in args)
        if disk.hash() != before or disk.state_files():
            raise Broken("a command that only looks has changed something: " + " ".join(disk.state_files()))
        options = rng.choice([[], ["--prepare"], ["--force-unclean"], ["--with", "gpt-damaged,volume-hibernated", "--force-unclean"],
                              ["--with", "memory-limited,ramdisk-boot-pending", "--temp-disk", "scsi", "--prepare"]])
        r = self.run("repair", "--yes", "--json", *options, d)
        written = r.json.get("bytes_written", 0)
        if not written:
            if disk.hash() != before:
                raise Broken("repair says that it wrote nothing, and the disk has changed: " + str(r.json.get("error")))
            if any("undo" in n or "pending" in n for n in disk.state_files()):
                raise Broken("state left behind by a repair that wrote nothing: " + " ".join(disk.state_files()))
            return
        self.counts["written"] = self.counts.get("written", 0) + 1
        if r.code == 8:
            raise Broken("status 8 after a write: " + str(r.json.get("error")))
        again = self.run("repair", "--yes", "--json", *options, d)
        if again.json.get("bytes_written"):
            raise Broken(f"a second repair wrote {again.json['bytes_written']} bytes: {again.json.get('changes')}")
        for p in d.parent.glob(d.name + "?*"):
            if p.stat().st_mode & 0o077:
                raise Broken(f"{p.name} has mode {p.stat().st_mode & 0o777:o}")
        u = self.run("undo", "--yes", "--json", d)
        if u.code != 0:
            raise Broken("undo failed: " + str(u.json.get("error")))
        if disk.hash() != before:
            raise Broken("undo did not bring the disk back")

    def patches(self, disk, rng):
        pool = [t for t in disk.targets if self.o.only in t[0]]
        # Every kind of place has the same chance, however many of it there are.
        kinds = sorted({t[0] for t in pool})
        out = []
        for _ in range(rng.choice([1, 1, 1, 2])):
            name, off, n = rng.choice([t for t in pool if t[0] == (kind := rng.choice(kinds))] or pool)
            if n > 4096:
                inside = rng.randrange(n // 512) * 512 if rng.random() < 0.7 else 0
                off, n = off + inside, min(4096, n - inside)
            old = disk.read(off, n)
            other = rng.choice(disk.targets)
            new = repair_checksum(rng, name, mutate(rng, old, lambda: disk.read(other[1], min(other[2], 4096))), disk)
            out.append((name, off, old, new))
        return out

    def main(self):
        o, broken = self.o, 0
        work = pathlib.Path(o.work)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        os.chdir(work)
        os.umask(0)
        disks = {}
        for name, args in BASES.items():
            if o.base and name not in o.base.split(","):
                continue
            made = subprocess.run([pathlib.Path(o.root) / "tests/images/mkdisk", "--size", "256M", *args, "--out", f"base-{name}.raw"],
                                  capture_output=True, text=True)
            if made.returncode:
                print("1..0 # SKIP the disk factory can't run:", made.stderr.strip()[-200:].replace("\n", " "))
                return 0
            disks[name] = Disk(work.resolve() / f"base-{name}.raw", work.resolve() / f"disk-{name}.raw")
        if o.replay:
            found = json.load(open(o.replay))
            plan = [(found["base"], found["round"], [(p["where"], p["offset"], bytes.fromhex(p["old"]), bytes.fromhex(p["new"]))
                                                     for p in found["patches"]])]
        else:
            plan = [(list(disks)[n % len(disks)], n, None) for n in range(o.first, o.first + o.rounds)]
        end = time.monotonic() + o.seconds
        rounds = 0
        for base, n, patches in plan:
            if time.monotonic() > end:
                break
            rounds += 1
            rng = random.Random(f"{o.seed}/{n}")
            disk = disks[base]
            made = self.patches(disk, rng)
            patches = patches or made
            disk.apply([(off, new) for _, off, _, new in patches])
            extra = gpt_fix(disk.path, disk.size) if any("entries" in p[0] for p in patches) and rng.random() < 0.7 else []
            disk.apply(extra)
            try:
                self.one(disk, rng)
                good = True
            except Broken as e:
                broken += 1
                good = False
                with open(f"found-{n}.json", "w") as f:
                    json.dump({"base": base, "round": n, "seed": o.seed, "why": str(e)[:4000], "patches": [
                        {"where": w, "offset": off, "old": old.hex(), "new": new.hex()} for w, off, old, new in patches]}, f, indent=1)
                print(f"# round {n} on {base}, {', '.join(p[0] + ' at ' + str(p[1]) for p in patches)}:")
                print("\n".join("#   " + x for x in str(e).splitlines()[:40]), flush=True)
            if good and not extra:
                disk.apply([(off, old) for _, off, old, _ in reversed(patches)])
                for p in disk.path.parent.glob(disk.path.name + "?*"):
                    shutil.rmtree(p) if p.is_dir() else p.unlink()
            else:
                disk.renew()
        print(f"# {rounds} disks; " + ", ".join(f"{k}: {v}" for k, v in sorted(self.counts.items())))
        print("# most: " + ", ".join(f"{k} {s:.1f} s {m >> 20} MiB" for k, (s, m) in sorted(self.worst.items())))
        print(f"{'not ok' if broken or not rounds else 'ok'} 1 - {rounds} hostile disks with seed {o.seed}: {broken} broke a rule")
        print("1..1")
        if not broken and not o.keep:
            os.chdir("/")
            shutil.rmtree(work, ignore_errors=True)
        return 0


p = argparse.ArgumentParser()
p.add_argument("coldfix")
p.add_argument("root")
p.add_argument("work")
p.add_argument("--seed", default="1")
p.add_argument("--first", type=int, default=0)
p.add_argument("--rounds", type=int, default=30)
p.add_argument("--seconds", type=float, default=45)
p.add_argument("--only", default="")
p.add_argument("--base", default="")
p.add_argument("--replay")
p.add_argument("--keep", action="store_true")
sys.exit(Driver(p.parse_args()).main())
