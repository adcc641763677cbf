# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine that the benchmarks run on: its load, its caches, and file systems whose writes can be counted."""

import contextlib
import os
import pathlib
import resource
import subprocess
import sys
import time

import isolated

SECTOR = 512
COLD, WARM = "cold", "warm"


def say(text):
    print(text, file=sys.stderr, flush=True)


def cores():
    return os.cpu_count()


def describe():
    """One line about the machine and how busy it is now."""
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    name = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                 if line.startswith("model name")), "?")
    memory = next(int(line.split()[1]) >> 10 for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                  if line.startswith("MemTotal"))
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')}, {cores()} cores ({name}), {memory} MiB, load average {load}"


def _busy_ticks():
    fields = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4]  # neither idle nor waiting for a disk


def busy_cores(period_s=0.4):
    """How many cores are busy now, in a moment in which we ourselves do nothing."""
    before = _busy_ticks()
    time.sleep(period_s)
    return (_busy_ticks() - before) / (period_s * os.sysconf("SC_CLK_TCK"))


def wait_quiet(limit_s):
    """Waits until less than an eighth of the machine is busy, at most limit_s; the result is how many cores are busy then."""
    end = time.monotonic() + limit_s
    while True:
        busy = busy_cores()
        if busy <= cores() / 8 or time.monotonic() >= end:
            return busy
        time.sleep(0.5)


def can_drop_caches():
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def drop_caches():
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")


def _data_of(path):
    """(start, end) of each part of a file that holds data."""
    with open(path, "rb") as file:
        position = 0
        while True:
            try:
                start = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                return
            position = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield start, position


def read_all(path):
    """Brings a file into the cache."""
    with open(path, "rb", buffering=0) as file:
        for start, end in _data_of(path):
            os.lseek(file.fileno(), start, os.SEEK_SET)
            while start < end:
                start += len(file.read(min(1 << 20, end - start)) or b"\0" * (end - start))


def settle(cache, *sources):
    """Everything is written; sources (files, or folders of them) are in the cache, or nothing is."""
    os.sync()
    if cache == COLD:
        drop_caches()
        return
    for source in map(pathlib.Path, sources):
        for path in (sorted(source.rglob("*")) if source.is_dir() else [source]):
            if path.is_file():
                read_all(path)


def sync_tree(path):
    """fsync of every file below path, or of path: what a tool leaves to the kernel, paid now."""
    path = pathlib.Path(path)
    for one in (path.rglob("*") if path.is_dir() else [path]):
        if one.is_file():
            descriptor = os.open(one, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)


def timed(action, *arguments, **options):
    """(seconds, result)"""
    start = time.monotonic()
    result = action(*arguments, **options)
    return time.monotonic() - start, result


def _cpu_of(pid):
    """Seconds of processor time that a process and its ended children have used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def cpu_used(row, *pids):
    """Processor time that the processes, and programs that we run meanwhile, use in the block goes into a row.

    Unlike a duration it hardly depends on what else the machine does.
    """
    def all_seconds():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime + sum(map(_cpu_of, pids))
    before = all_seconds()
    yield
    row.add(all_seconds() - before)


def run(*command, **options):
    return isolated.run(*command, **options)


class FileSystem:
    """An XFS with reflinks of its own, on a loop device without a second cache; what is written to it can be counted."""

    def __init__(self, path, size):
        self.path = pathlib.Path(path)
        make = ["sh", "-c", f'fallocate -l {size} "$1" && mkfs.xfs -q -K -m reflink=1 "$1"', "sh"]
        isolated.mount_image(self.path, size, make)
        number = os.stat(self.path).st_dev
        self._block = pathlib.Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
        device = f"/dev/{self._block.resolve().name}"
        with contextlib.suppress(isolated.LabError):  # only the disk below may be unable to
            run("losetup", "--direct-io=on", device)

    def written(self):
        """Bytes written to the device since it exists, after everything has been written."""
        subprocess.run(["sync", "-f", str(self.path)], check=True)
        return int((self._block / "stat").read_text().split()[6]) * SECTOR

    def used(self):
        subprocess.run(["sync", "-f", str(self.path)], check=True)
        now = os.statvfs(self.path)
        return (now.f_blocks - now.f_bfree) * now.f_frsize

    def folder(self, name):
        path = self.path / name
        path.mkdir()
        return path
