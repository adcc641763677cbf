# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VPS whose content is known at each moment, its service, and the judge: what must hold whatever has died."""

import contextlib
import os
import pathlib
import re
import subprocess
import time

import client as clients
import devices
import guest as guests
import isolated
import power
import service as services

MIB = 1 << 20
STEP = 4 * MIB          # what one change writes, at a place of its own
ENDED = {"create": ("backup_completed", "backup_failed"), "restore": ("restore_completed", "restore_failed")}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Lost(AssertionError):
    """Something that must never be lost is."""


def require(holds, what):
    if not holds:
        raise Lost(what)


def wait(condition, otherwise, deadline_s=20):
    """What is cleaned up in the background may take a moment."""
    try:
        isolated.wait_until(condition, "", deadline_s)
    except isolated.LabError:
        raise Lost(otherwise()) from None


class Faulty(services.Service):
    """A service that dies or waits at the points that it is told (plugin/core/base/vb-fault.h)."""

    def __init__(self, *args, **config):
        super().__init__(*args, **config)
        self.points_path = self.folder / "points"
        self.wishes_path = self.folder / "wishes"
        self.hold_path = self.folder / "hold"
        os.environ.update(VB_FAULT=f"@{self.wishes_path}", VB_FAULT_LOG=str(self.points_path), VB_FAULT_HOLD=str(self.hold_path))

    def points(self):
        """Names of the points that this process has reached, in order."""
        return self.points_path.read_text().split() if self.points_path.exists() else []

    def start(self, *args, **options):
        self.points_path.unlink(missing_ok=True)
        return super().start(*args, **options)

    def arm(self, point, action="kill", occurrence=1):
        """From now on: at the next time (or a later one) that the point is reached."""
        number = self.points().count(point) + occurrence
        self._write_wishes(f"{point}#{number}:{action}")

    def arm_start(self, point, occurrence=1):
        """For a process that is not there yet."""
        self._write_wishes(f"{point}#{occurrence}:kill")

    def disarm(self):
        self.hold_path.unlink(missing_ok=True)
        self.wishes_path.unlink(missing_ok=True)

    def _write_wishes(self, text):
        partial = self.wishes_path.with_suffix(".new")
        partial.write_text(text)
        partial.rename(self.wishes_path)


class Model:
    """What the disks of the VPS hold, byte for byte."""

    def __init__(self, disks):
        self.disks = {disk.target: bytearray(disk.size) for disk in disks}

    def copy(self):
        other = Model([])
        other.disks = {target: bytearray(data) for target, data in self.disks.items()}
        return other

    def write(self, target, start, length, byte):
        self.disks[target][start:start + length] = bytes([byte]) * length

    def __eq__(self, other):
        return self.disks == other.disks


class World:
    """One VPS without a system, with two disks (the first one a block device or a file), and the backups that were announced."""

    def __init__(self, name, folder, pool, *, slots=4, on_device=False, drives=False, **config):
        self.disk_folder = pathlib.Path(folder)
        self.backups = {}        # announced: id → Model
        self.turn = 0
        self.kind = None         # what the scenarios that it serves have in common
        self.slots = slots
        self.service = Faulty(pool_path=pool, slots={"included": slots}, **config)
        self.drives = [power.Drive(path) for path in (folder, pool, self.service.state)] if drives else []
        self.service.init_pool()
        first = devices.Device if on_device else guests.Disk
        disks = [first("vda", size=16 * MIB), guests.Disk("vdb", size=8 * MIB)]
        self.vps = devices.OnDevices(name, disks, folder=folder)
        self.model = Model(disks)
        self.disk_files = sorted(path.name for path in self.disk_folder.iterdir())
        self.client = None
        self.operations = {}     # id → kind: of all that were accepted

    # ---- the guest

    def start_vps(self):
        self.vps.start()
        self.change()

    def change(self):
        """The guest writes something new at a new place, and flushes."""
        if not self.vps.active:
            return
        self.turn += 1
        for disk in self.vps.disks:
            start = (self.turn * 37 % (disk.size // MIB - 4)) * MIB + 65536 * (self.turn % 7)
            byte = self.turn % 251 + 1
            self.vps.qemu_io(disk.target, f"write -P {byte} {start} {STEP // 4}")
            self.vps.qemu_io(disk.target, "flush")
            self.model.write(disk.target, start, STEP // 4, byte)

    def content(self):
        """What is on the disks, as the guest sees it."""
        found = Model([])
        for disk in self.vps.disks:
            found.disks[disk.target] = bytearray(disk.bytes() if isinstance(disk, devices.Device) and not self.vps.active
                                                 else self.vps.disk_bytes(disk.target))
        return found

    # ---- the service

    def start_service(self):
        self.service.start()
        self.client = self.service.client()
        self.client.follow(self.vps.vps)

    def wait_dead(self, deadline_s=60):
        """Waits for the end of a service that was told to die; False when its operation ended before."""
        end = time.monotonic() + deadline_s
        while self.service.alive:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        self.service.kill()
        return True

    def settle(self, deadline_s=120):
        """Waits until the VPS has no operation; its present state."""
        def idle(now):
            return now["operation"] is None
        return self.client.wait_vps(self.vps.vps, idle, "all operations have ended", deadline_s)

    def cut_power(self):
        """All that runs dies, and what was on no drive yet is lost."""
        power.fail(self.service, self.drives)
        self.vps.refresh()

    def forget_clients(self):
        self.service.close_clients()
        problems = self.service.problems()
        self.service._clients.clear()  # pylint: disable=protected-access
        require(not problems, f"the protocol was broken: {problems[:3]}")

    # ---- the judge

    def check_quick(self, now):
        """What the service says agrees with itself and with the pool."""
        vps = self.vps.vps
        ids = sorted(backup["id"] for backup in now["backups"])
        require(ids == sorted(self.backups), f"backups {ids}, announced were {sorted(self.backups)}")
        require(all(backup["state"] == "available" for backup in now["backups"]), f"a backup is not available: {now['backups']}")
        require(now["slots"]["used"] == len(ids), f"{now['slots']} with {len(ids)} backups")
        wait(lambda: self.service.backup_folders(vps) == ids, lambda: f"the pool has {self.service.backup_folders(vps)}, not {ids}")

    def check_backups(self):
        for backup, model in self.backups.items():
            folder = self.service.backup_path(self.vps.vps, backup)
            for target, data in model.disks.items():
                require((folder / f"{target}.raw").read_bytes() == data, f"{target} of backup {backup} is not what was captured")
            verdict = self.client.request("backup.verify", vps=self.vps.vps, backup=backup)
            require(verdict["ok"], f"backup {backup} does not verify: {verdict}")

    def check_notifications(self):
        told = self.client.request("notification.list", limit=1000)["notifications"]
        listed = {one["id"]: one for one in self.client.request("operation.list", vps=self.vps.vps, limit=1000)["operations"]}
        for operation, kind in self.operations.items():
            require(operation in listed, f"operation {operation} was accepted and is not in the list")
            state = listed[operation]["state"]
            types = [one["type"] for one in told if one["operation"] == operation and one["type"] != "operation_stalled"]
            wanted = {"completed": [ENDED[kind][0]], "failed": [ENDED[kind][1]], "cancelled": []}.get(state)
            require(types == wanted, f"operation {operation} is {state}, notifications {types}")
        for operation, one in listed.items():
            require(one["state"] in clients.ENDED, f"operation {operation} is {one['state']}")

    def leftovers(self):
        """What must not be there when no operation runs."""
        found = [name for name in sorted(os.listdir(self.disk_folder)) if name not in self.disk_files]
        with contextlib.suppress(FileNotFoundError):
            found += [f"lock {name}" for name in os.listdir(self.service.state / "locks")]
        found += [f"folder {name}" for name in os.listdir(self.service.folder) if UUID.fullmatch(name)]
        found += [f"pool {name}" for name in os.listdir(self.service.pool) if name.startswith(".") and name != ".claims"]
        known = {f"vps-backup.{backup}" for backup in self.backups}
        checkpoints = self.vps.checkpoints()
        # A disk keeps its mark as long as the VPS has it: one a disk.
        marks = [name for name in checkpoints if name.startswith(f"vps-backup-disk.{self.vps.vps}.")]
        if len(marks) <= len(self.vps.disks):
            known.update(marks)
        found += [f"checkpoint {name}" for name in checkpoints if name not in known]
        found += helpers()
        if self.vps.active:
            with contextlib.suppress(guests.libvirt.libvirtError):
                found.append(f"backup job {self.vps.domain.backupGetXMLDesc()}")
        return found

    def check_leftovers(self):
        wait(lambda: not self.leftovers(), lambda: f"left behind: {self.leftovers()}")

    def check_disks(self, allowed):
        """The disks are one of the allowed whole states, the VPS runs on them or can; that state is the model from now on."""
        found = self.content()
        match = next((model for model in allowed if model == found), None)
        require(match is not None, "the disks of the VPS are none of the states that they may be in")
        self.model = match.copy()
        if not self.vps.active:
            self.vps.start()
            self.vps.destroy()
            require(self.content() == self.model, "the disks have changed by a start")
        for disk in self.vps.disks:
            if disk.format == "raw":
                continue
            # 3: clusters that nobody uses, which a killed QEMU leaves; they cost room, nothing else
            done = subprocess.run(["qemu-img", "check", "-q", "-U", "-f", disk.format, disk.path], check=False, capture_output=True)
            require(done.returncode in (0, 3), f"{disk.target} is damaged: {done.stdout} {done.stderr}")

    def close(self):
        with contextlib.suppress(AssertionError):
            self.service.disarm()
            self.service.close_clients()
            self.service.kill()
        self.vps.remove()
        for drive in self.drives:
            drive.close()


def helpers():
    """Helper processes of the service that run in this namespace."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (name := (entry / "comm").read_text().strip()) in ("qemu-nbd", "qemu-img"):
                found.append(f"process {name} {entry.name}")
    return found
