# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: disks with data, VPSs on them, changes, and the service with a client that knows when it was told what."""

import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import threading
import time

import libvirt

import client as clients
import guest as guests
import isolated
import service as services

HERE = pathlib.Path(__file__).resolve().parent
MIB, GIB = 1 << 20, 1 << 30
PIECE = 64 << 10
LATENCY_FILE_BYTES = 128 * MIB
LATENCY_PAUSE_US = 5000
DEADLINE_S = 1800
SPARSE_PIECES = 16
LARGE_FILE, SMALL_FILE = 32 * MIB, 64 << 10


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is measured."""
    virtual: int            # size of the disk
    data: int               # data in it
    small_virtual: int      # the other size, for downtimes
    small_data: int
    rounds: int
    repeat_rounds: int
    sparse_sizes: tuple
    sparse_data: int
    snapshots: int
    many: int
    many_data: int
    file_system: int        # size of each of the two file systems


FULL = Scale(10 * GIB, 2700 * MIB, 2 * GIB, 512 * MIB, 3, 5, (10 * GIB, 100 * GIB, 1024 * GIB), 512 * MIB, 10, 16, 256 * MIB,
             16 * GIB)
QUICK = Scale(2 * GIB, 512 * MIB, GIB, 256 * MIB, 1, 2, (10 * GIB, 100 * GIB), 512 * MIB, 4, 4, 64 * MIB, 3 * GIB)


# ---------------------------------------------------------------------------------------------------------------------------
# Disks


def _fill_tree(tree, data):
    """Large and small files of random content, and the file in which latencies are measured."""
    isolated.run("gcc", "-O2", "-static", "-Wall", "-o", tree / "guest-latency", HERE / "guest-latency.c")
    block = os.urandom(LARGE_FILE)
    left, number = data - LATENCY_FILE_BYTES, 0
    sizes = [("latency", LATENCY_FILE_BYTES)]
    while left > 0:  # four parts in large files, one in small ones
        length = LARGE_FILE if number % 129 == 0 or left > data * 0.2 else SMALL_FILE
        sizes.append((f"file-{number}", length))
        left, number = left - length, number + 1
    for name, length in sizes:
        with open(tree / name, "wb") as file:
            written = 0
            while written < length:  # never twice the same: nothing may be saved by comparing
                part = os.urandom(16) + block[16:min(LARGE_FILE, length - written)]
                file.write(part)
                written += len(part)


def make_image(path, virtual, data):
    """A qcow2 image of `virtual` bytes, an ext4 file system with about `data` bytes of files in it."""
    tree = path.with_suffix(".tree")
    tree.mkdir()
    raw = path.with_suffix(".raw")
    try:
        _fill_tree(tree, data)
        with open(raw, "wb") as image:
            image.truncate(virtual)
        isolated.run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", tree, raw)
        isolated.run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path)
    finally:
        shutil.rmtree(tree)
        raw.unlink(missing_ok=True)
    return path


def make_sparse_image(path, virtual, data, pieces=SPARSE_PIECES):
    """A qcow2 image with data in so many places, spread over the whole disk."""
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", path, virtual)
    length = data // pieces
    commands = []
    for piece in range(pieces):
        commands += ["-c", f"write -P {piece % 255 + 1} {virtual // pieces * piece} {length}"]
    isolated.run("qemu-io", "-f", "qcow2", *commands, path)
    return path


def clone_image(source, target):
    isolated.run("cp", "--reflink=always", source, target)
    return target


def blank_on(name, path):
    """A started machine without a system, on an image."""
    return guests.Blank(name, [guests.Disk("vda", path=path)], folder=path.parent).start()


def linux_on(name, path):
    """A started Linux with its agent, on an image whose file system it has mounted."""
    return guests.Guest(name, [guests.Disk("vda", path=path)], folder=path.parent, counter=False).boot(120)


# ---------------------------------------------------------------------------------------------------------------------------
# Changes


def change(vps, amount, within, scattered, seed):
    """Lets the VPS write `amount` bytes below `within`: in one piece, or in pieces of 64 KiB at random places."""
    chooser = random.Random(seed)
    pattern = chooser.randrange(1, 255)
    if not scattered:
        start = chooser.randrange((within - amount) // MIB) * MIB
        vps.qemu_io("vda", f"write -P {pattern} {start} {amount}")
    else:
        for place in chooser.sample(range(within // PIECE), amount // PIECE):
            vps.qemu_io("vda", f"write -P {pattern} {place * PIECE} {PIECE}")
    vps.qemu_io("vda", "flush")


class Latencies:
    """Small synchronous writes of a Linux guest, each with the time it took."""

    def __init__(self, vps):
        self.vps = vps
        vps.sh(": >/tmp/latency; "
               f"/mnt/vda/guest-latency /mnt/vda/latency /tmp/latency {LATENCY_PAUSE_US} & echo $! >/tmp/latency.pid")
        isolated.wait_until(lambda: self._count() > 20, "the guest measures latencies")

    def _count(self):
        return int(self.vps.sh("wc -l </tmp/latency"))

    @contextlib.contextmanager
    def window(self, row):
        """What is written while the block runs goes into a row, in seconds."""
        first = self._count() + 1
        yield
        last = self._count()
        text = self.vps.sh(f"sed -n '{first},{last}p' /tmp/latency", deadline_s=300)
        for line in text.split():
            row.add(int(line) / 1e6)

    def stop(self):
        self.vps.sh("kill $(cat /tmp/latency.pid)")


# ---------------------------------------------------------------------------------------------------------------------------
# The service


class PowerWatch:
    """When each VPS stopped and ran again, as libvirt tells it: not by our own service's word. Make it before any connection."""

    STOPPED = (libvirt.VIR_DOMAIN_EVENT_STOPPED,)
    RUNNING = (libvirt.VIR_DOMAIN_EVENT_STARTED, libvirt.VIR_DOMAIN_EVENT_RESUMED)

    def __init__(self):
        self.events = []  # (monotonic seconds, uuid, libvirt's number of the event)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=self._run, daemon=True).start()
        self._connection = libvirt.open(isolated.URI)
        self._connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_event, None)

    @staticmethod
    def _run():
        while True:
            libvirt.virEventRunDefaultImpl()

    def _on_event(self, _connection, domain, event, _detail, _data):
        self.events.append((time.monotonic(), domain.UUIDString(), event))

    def downtime(self, vps, since):
        """Seconds from the first stop after `since` to the last start; it waits a little for an event that is late."""
        def found():
            stopped = [when for when, who, event in self.events if who == vps and when >= since and event in self.STOPPED]
            running = [when for when, who, event in self.events if who == vps and event in self.RUNNING]
            return bool(stopped and running and running[-1] > stopped[0]) and (stopped[0], running[-1])
        stopped, running = isolated.wait_until(found, "libvirt has told that the VPS stopped and runs again")
        return running - stopped


@dataclasses.dataclass
class Outcome:
    """An operation seen from outside. seconds: from the request to the message that says that it is done."""
    seconds: float
    backup: str
    operation: dict
    phases: dict       # state: seconds after the request at which it was first announced
    incremental: bool = False
    downtime: float = 0    # seconds from the stop of the VPS until it ran again; restores only


class Session:
    """The service on a pool, and an administrator on its unix socket."""

    def __init__(self, power, pool_path, **config):
        self.power = power
        config.setdefault("slots", {"included": "20", "maximum": "20"})
        self.service = services.Service(pool_path=pool_path, **config).init_pool().start()
        self.client = self.service.client(schema=None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.service.stop()

    def watch(self, vps):
        """Subscribes to a VPS as soon as the service knows it."""
        def known():
            try:
                return self.client.subscribe(vps.vps)
            except clients.RpcError as error:
                if error.reason != "not_found":
                    raise
                return None
        isolated.wait_until(known, f"the service knows {vps.name}")
        return vps

    def request_create(self, vps):
        """Sends the request and does not wait for the end; for wait_create."""
        seen, start = len(self.client.events), time.monotonic()
        answer = self.client.request("backup.create", vps=vps.vps)
        return start, seen, answer["operation"]["id"], answer["backup"]["id"]

    def wait_create(self, vps, requested):
        start, seen, operation, backup = requested
        ended = self._wait_end(vps, operation, seen)
        when = next((when for when, now in self._changes(vps, seen) for one in now["backups"]
                     if one["id"] == backup and one["state"] == "available"), None)
        if when is None:
            raise isolated.LabError(f"{vps.name} has no backup after the operation: {ended}\n{self.service.log_tail()}")
        entry = next(one for one in self.client.vps[vps.vps]["backups"] if one["id"] == backup)
        return Outcome(when - start, backup, ended, self._phases(operation, seen, start), entry["incremental"])

    def create(self, vps):
        return self.wait_create(vps, self.request_create(vps))

    def restore(self, vps, backup):
        seen, start = len(self.client.events), time.monotonic()
        operation = self.client.request("backup.restore", vps=vps.vps, backup=backup)["operation"]["id"]
        ended = self._wait_end(vps, operation, seen)
        when = self._end(vps, operation, seen)
        return Outcome(when - start, backup, ended, self._phases(operation, seen, start), downtime=self.power.downtime(vps.vps, start))

    def delete(self, vps, backup):
        self.client.request("backup.delete", vps=vps.vps, backup=backup, deadline_s=120)

    def delete_all(self, vps, keep=0):
        """Deletes all backups of a VPS but the newest few."""
        for backup in self.client.request("vps.get", vps=vps.vps)["backups"][keep:]:
            self.delete(vps, backup["id"])

    def image(self, vps, backup, target="vda"):
        return self.service.backup_path(vps.vps, backup) / f"{target}.raw"

    # ---- what the client was told

    def _changes(self, vps, seen):
        """(when, Vps) of each vps.changed of a VPS after the first `seen` events."""
        return [(when, params) for when, method, params in self.client.events[seen:]
                if method == "vps.changed" and params["vps"] == vps.vps]

    def _end(self, vps, operation, seen):
        """When a VPS was first told to have an operation no longer; None before that."""
        begun = False
        for when, now in self._changes(vps, seen):
            runs = (now["operation"] or {}).get("id") == operation
            if begun and not runs:
                return when
            begun = begun or runs
        return None

    def _wait_end(self, vps, operation, seen):
        self.client.wait_for(lambda: self._end(vps, operation, seen), f"the end of the operation on {vps.name}", DEADLINE_S)
        ended = self.client.operation(vps.vps, operation)
        if ended is None or ended["state"] != "completed":
            raise isolated.LabError(f"the operation on {vps.name} has not completed: {ended}\n{self.service.log_tail()}")
        return ended

    def _phases(self, operation, seen, start):
        """When each state was first announced, in seconds after the request."""
        phases = {}
        for when, _method, params in self.client.events[seen:]:
            about = params.get("operation")
            if isinstance(about, dict) and about["id"] == operation:
                phases.setdefault(about["state"], round(when - start, 4))
        return phases
