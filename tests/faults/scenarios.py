# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done to the VPS while something dies, and what may come of it."""

import contextlib
import os

import client as clients
import websockets
from world import Lost, require


class Scenario:
    """One request of a kind. A fresh object for each trial."""

    name = ""
    kind = ""                # of the operation; empty: it is none
    running = True           # whether the VPS is switched on
    must_reach = ""          # a point that shows that it went the way that is meant
    delta = False            # whether the service may write back only what has changed
    on_device = False        # whether the first disk is a block device

    def __init__(self, world):
        self.world = world
        self.before = None   # content of the disks at the request
        self.between = []    # and whenever something had died
        self.inodes = None
        self.sent = None     # id of the request
        self.known = None
        self.said = None     # its answer
        self.announced = {}  # operation → how it has ended, as clients were told
        self.moved = False   # the guest was seen on its new disks

    # ---- before

    def prepare(self):
        """Brings the world into the state that the request needs."""
        world = self.world
        if self.running and not world.vps.active:
            world.vps.start()
        elif not self.running:
            world.vps.destroy()
        power = "running" if self.running else "stopped"
        world.client.wait_vps(world.vps.vps, lambda now: now["power"] == power, f"the VPS is {power}")

    def have_backups(self, least, most):
        world = self.world
        while len(world.backups) > most:
            oldest = next(iter(world.backups))
            world.client.request("backup.delete", vps=world.vps.vps, backup=oldest)
            del world.backups[oldest]
        while len(world.backups) < least:
            world.change()
            model = world.model.copy()
            ended, backup = world.client.back_up(world.vps.vps)
            require(ended["state"] == "completed", f"a backup that nothing disturbed is {ended}")
            world.operations[ended["id"]] = "create"
            world.backups[backup] = model

    # ---- the request

    def begin(self):
        world = self.world
        world.change()
        self.before = world.model.copy()
        self.inodes = self._inodes()
        self.known = set(world.operations)
        method, parameters = self.request()
        with contextlib.suppress(websockets.ConnectionClosed):  # what is written in the background may reach the point first
            self.sent = world.client.start(method, **parameters)

    def request(self):
        """Method and parameters."""
        raise NotImplementedError

    def hear(self):
        """What the service has said until it died must stay true."""
        with contextlib.suppress(TimeoutError, clients.ConnectionEnded, clients.RpcError):
            self.said = self.world.client.answer(self.sent, 0)
        for _, method, told in list(self.world.client.events):
            one = told.get("operation") if method in ("operation.progress", "vps.changed") else None
            if one and one["id"] not in self.known and one["state"] in clients.ENDED:
                self.announced[one["id"]] = one["state"]

    def _inodes(self):
        return [os.stat(disk.path).st_ino for disk in self.world.vps.disks]

    def disturb(self):
        """The guest goes on writing while the service is away. On the new disks already, if those are in place."""
        world = self.world
        if world.vps.active and not self.moved and self._inodes() != self.inodes:
            self.moved = True
            world.model = self.restored().copy()
        self.between.append(world.model.copy())
        world.change()

    def restored(self):
        raise Lost("the disks were exchanged, and nobody asked for that")

    # ---- after

    def find_operation(self):
        """The operation that the request began, from the list; None when it was never accepted."""
        world = self.world
        listed = world.client.request("operation.list", vps=world.vps.vps, limit=1000)["operations"]
        new = [one for one in listed if one["id"] not in self.known]
        require(len(new) <= 1, f"one request, {len(new)} operations")
        for one in new:
            require(one["kind"] == self.kind, f"a {one['kind']} instead of a {self.kind}")
            world.operations[one["id"]] = one["kind"]
        states = {one["id"]: one["state"] for one in new}
        for operation, state in self.announced.items():
            require(states.get(operation) == state, f"operation {operation} was said to be {state}, and is {states.get(operation)}")
        return new[0] if new else None

    def judge(self, now, power_kept=True):
        """Looks at everything when all is quiet again."""
        world = self.world
        allowed = self.outcome(now)
        if power_kept:
            self._check_power()
        world.check_quick(now)
        world.check_leftovers()
        world.check_disks(allowed)
        world.check_notifications()
        world.check_backups()

    def _check_power(self):
        """The event of a start may come a moment after the end of the operation that made it."""
        world, power = self.world, "running" if self.running else "stopped"
        require(world.vps.active == self.running, f"the VPS was {power} and is not any more")
        world.client.wait_vps(world.vps.vps, lambda now: now["power"] == power, f"the VPS is said to be {power}", 20)

    def outcome(self, now):
        """Takes what has become of the request into the world's books; the states that the disks may be in."""
        raise NotImplementedError

    def require_done(self):
        """What died was nothing that the request could not wait for."""
        world, ids = self.world, set(self.world.operations) - self.known
        listed = world.client.request("operation.list", vps=world.vps.vps, limit=10)["operations"]
        failed = [one for one in listed if one["id"] in ids and one["state"] != "completed"]
        require(not failed, f"it should have gone on: {failed}")


class Create(Scenario):
    kind = "create"
    bases = 0

    def prepare(self):
        super().prepare()
        self.have_backups(self.bases, self.bases)

    def request(self):
        return "backup.create", {"vps": self.world.vps.vps}

    def outcome(self, now):
        world = self.world
        operation = self.find_operation()
        if operation is not None and operation["state"] == "completed":
            folder = world.service.backup_path(world.vps.vps, operation["backup"])
            found = {target: (folder / f"{target}.raw").read_bytes() for target in world.model.disks}
            model = next((model for model in (self.before, *self.between, world.model) if model.disks == found), None)
            require(model is not None, "the backup is the VPS at no moment")
            world.backups[operation["backup"]] = model.copy()
        return [world.model]


class CreateFull(Create):
    name = "create"
    must_reach = "pool.commit.after"


class CreateRepeat(Create):
    name = "create, repeat"
    bases = 1


class CreateOff(Create):
    name = "create, shut off"
    running = False
    bases = 1
    must_reach = "keep-offline.after"


class Restore(Scenario):
    kind = "restore"
    stop_first = False
    must_reach = "pool.stage.after"

    def prepare(self):
        super().prepare()
        self.have_backups(1, 2)
        self.backup = next(iter(self.world.backups))

    def request(self):
        options = {"stop_first": True} if self.stop_first else {}
        return "backup.restore", {"vps": self.world.vps.vps, "backup": self.backup, **options}

    def restored(self):
        return self.world.backups[self.backup]

    def outcome(self, now):
        world = self.world
        operation = self.find_operation()
        if operation is None or operation["state"] != "completed":
            require(self._inodes() == self.inodes, f"the disks were exchanged by {operation}")
            return [world.model]
        require(self._inodes() != self.inodes, "a restore is completed, and the disks are the old ones")
        return [world.model if self.moved else self.restored()]


class RestoreStaged(Restore):
    name = "restore, staged"


class RestoreStopped(Restore):
    name = "restore, stopped first"
    stop_first = True


class RestoreOff(Restore):
    name = "restore, shut off"
    running = False


class RestoreDelta(Restore):
    name = "restore, delta"
    delta = True
    must_reach = "pool.stage-delta.after"

    def prepare(self):
        super().prepare()
        self.have_backups(0, 0)  # whatever was killed before, the new one has a whole checkpoint
        self.have_backups(1, 1)
        self.backup = next(iter(self.world.backups))


class RestoreInPlace(Restore):
    """The inode of the second disk, a file, tells whether the VPS was given its restored disks."""
    name = "restore, in place"
    on_device = True
    must_reach = "in-place.written.after"


class Delete(Scenario):
    name = "delete"
    least = 2

    def prepare(self):
        super().prepare()
        self.have_backups(self.least, 2)
        self.backup = next(iter(self.world.backups))

    def request(self):
        return "backup.delete", {"vps": self.world.vps.vps, "backup": self.backup}

    def outcome(self, now):
        gone = all(backup["id"] != self.backup for backup in now["backups"])
        require(gone or self.said is None, "a backup was deleted, said the answer, and is there")
        if gone:
            del self.world.backups[self.backup]
        return [self.world.model]


class DeleteLast(Delete):
    name = "delete, the last one, shut off"
    running = False
    least = 1

    def prepare(self):
        super().prepare()
        self.have_backups(1, 1)
        self.backup = next(iter(self.world.backups))


class Rename(Scenario):
    name = "rename"

    def prepare(self):
        super().prepare()
        self.have_backups(1, 2)
        self.backup = next(iter(self.world.backups))
        self.title = f"renamed {self.world.turn}"

    def request(self):
        return "backup.rename", {"vps": self.world.vps.vps, "backup": self.backup, "name": self.title}

    def outcome(self, now):
        name = next(backup["name"] for backup in now["backups"] if backup["id"] == self.backup)
        require(name == self.title or self.said is None, f"it was renamed, said the answer, and its name is {name}")
        return [self.world.model]


ALL = [CreateFull, CreateRepeat, CreateOff, RestoreStaged, RestoreStopped, RestoreOff, Delete, DeleteLast, Rename, RestoreDelta,
       RestoreInPlace]
