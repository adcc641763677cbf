# SPDX-License-Identifier: LGPL-2.1-or-later
"""Only what changed is read and written back, and still every snapshot is the whole disk as it was: a few cases by name, and a
random walk that compares every image with a model of the disk."""

import os
import random
import signal

import guest as guests
import isolated
import pytest

MIB = 1 << 20
SIZE = 24 * MIB
STEPS = int(os.environ.get("VB_WALK_STEPS", "200"))
SEED = int(os.environ.get("VB_WALK_SEED", "20261122"))


@pytest.fixture
def place():
    """One file system with reflinks for the pool and the disks."""
    path = isolated.mount_xfs(isolated.new_folder("reflinks"), 2 << 30)
    (path / "disks").mkdir()
    yield path


@pytest.fixture
def sharing_service(new_service, place):
    return new_service(pool_path=place / "pool", slots={"included": 4, "maximum": 4})


def image(service, vps, backup, target="vda"):
    return (service.backup_path(vps.vps, backup) / f"{target}.raw").read_bytes()


def entry(client, vps, backup):
    return next(one for one in client.vps[vps.vps]["backups"] if one["id"] == backup)


def pool_used(place):
    isolated.run("sync", "-f", place)
    state = os.statvfs(place)
    return (state.f_blocks - state.f_bfree) * state.f_frsize


def wait_unique(client, vps, ranges):
    """What deleting each backup would free; the file system settles it in the background."""
    def are_right():
        shown = {one["id"]: one.get("unique_bytes") for one in client.request("vps.get", vps=vps.vps)["backups"]}
        assert None not in shown.values(), shown
        return shown.keys() == ranges.keys() and all(low <= shown[one] <= high for one, (low, high) in ranges.items())
    isolated.wait_until(are_right, f"the figures are {ranges}", pause_s=0.1)


def test_repeated_backup_takes_the_place_of_the_change(sharing_service, place, new_guest):
    service = sharing_service
    disk = guests.Disk("vda", size=256 * MIB)
    vps = new_guest("repeat", [disk], kind=guests.Blank, folder=place / "disks").start()
    vps.qemu_io("vda", "write -P 0x11 0 128M")
    client = service.client()
    client.follow(vps.vps)
    _, first = client.back_up(vps.vps)
    assert not entry(client, vps, first)["incremental"]
    used = pool_used(place)
    vps.qemu_io("vda", "write -P 0x22 10M 2M")
    vps.qemu_io("vda", "write -z 50M 1M")
    before_change = image(service, vps, first)
    done, second = client.back_up(vps.vps)
    assert done["state"] == "completed" and entry(client, vps, second)["incremental"]
    assert done["bytes_done"] <= 3 * MIB
    assert pool_used(place) - used < 16 * MIB, "the second backup should share what has not changed"
    expected = bytearray(b"\x11" * (128 * MIB) + bytes(128 * MIB))
    assert image(service, vps, first) == before_change == bytes(expected)
    expected[10 * MIB:12 * MIB] = b"\x22" * (2 * MIB)
    expected[50 * MIB:51 * MIB] = bytes(MIB)
    assert image(service, vps, second) == bytes(expected)

    # The first holds the 3 MiB that were overwritten since, the second the 2 MiB that took their place.
    wait_unique(client, vps, {first: (3 * MIB, 4 * MIB), second: (2 * MIB, 3 * MIB)})
    client.request("backup.delete", vps=vps.vps, backup=first)
    wait_unique(client, vps, {second: (126 * MIB, 129 * MIB)})
    assert image(service, vps, second) == bytes(expected)
    assert client.request("backup.verify", vps=vps.vps, backup=second) == {"ok": True, "bad_chunks": 0}


@pytest.mark.parametrize("running", [True, False])
def test_restore_writes_back_the_change_and_the_next_backup_is_incremental(sharing_service, place, new_guest, running):
    service = sharing_service
    vps = new_guest("back", [guests.Disk("vda", size=128 * MIB)], kind=guests.Blank, folder=place / "disks").start()
    vps.qemu_io("vda", "write -P 0x33 0 64M")
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    vps.qemu_io("vda", "write -P 0x44 20M 1M")
    vps.qemu_io("vda", "write -P 0x44 100M 1M")
    if not running:
        vps.destroy()
        client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "the power to be off")

    done = client.restore(vps.vps, backup)
    assert done["state"] == "completed", done
    assert done["bytes_total"] <= 4 * MIB, "only what has changed should have been written back"
    assert vps.active == running
    made, again = client.back_up(vps.vps)
    assert made["state"] == "completed" and entry(client, vps, again)["incremental"]
    assert image(service, vps, again) == image(service, vps, backup)
    vps.destroy()
    assert vps.disk_bytes("vda") == image(service, vps, backup)
    assert sorted(path.name for path in (place / "disks").iterdir()) == ["back-vda.qcow2"]


def test_damaged_base_leads_to_a_full_backup(sharing_service, place, new_guest):
    service = sharing_service
    vps = new_guest("base", [guests.Disk("vda", size=32 * MIB)], kind=guests.Blank, folder=place / "disks").start()
    vps.qemu_io("vda", "write -P 0x55 0 16M")
    client = service.client()
    client.follow(vps.vps)
    _, first = client.back_up(vps.vps)
    with open(service.backup_path(vps.vps, first) / "vda.sums", "r+b") as sums:
        sums.truncate(10)
    vps.qemu_io("vda", "write -P 0x56 1M 1M")
    done, second = client.back_up(vps.vps)
    assert done["state"] == "completed" and not entry(client, vps, second)["incremental"]
    assert image(service, vps, second)[:3 * MIB] == b"\x55" * MIB + b"\x56" * MIB + b"\x55" * MIB


class Walk:
    """A random walk of one VPS with two disks, and a model of what its disks and backups hold."""

    def __init__(self, service, vps, seed):
        self.random = random.Random(seed)
        self.service = service
        self.vps = vps
        self.client = service.client()
        self.client.follow(vps.vps)
        self.disks = {disk.target: bytearray(disk.size) for disk in vps.disks}
        self.backups = {}
        self.counts = {}

    def choose(self):
        """A step and its weight for each that is possible now."""
        steps = [(self.write, 40), (self.zero, 10), (self.back_up, 20 if len(self.backups) < 4 else 0), (self.switch, 8)]
        if self.backups:
            steps += [(self.restore, 9), (self.delete, 12 if len(self.backups) > 2 else 3)]
        if self.vps.active:
            steps += [(self.kill, 4), (self.grow, 2)]
        return self.random.choices([step for step, _ in steps], [weight for _, weight in steps])[0]

    def step(self):
        step = self.choose()
        self.counts[step.__name__] = self.counts.get(step.__name__, 0) + 1
        step()

    def _place(self):
        target = self.random.choice(list(self.disks))
        length = self.random.choice([512, 4096, 65536, 300 * 1024, 2 * MIB])
        offset = self.random.randrange(0, len(self.disks[target]) - length, 512)
        return target, offset, length

    def _on(self):
        if not self.vps.active:
            self.vps.start()

    def write(self):
        self._on()
        target, offset, length = self._place()
        byte = self.random.randrange(1, 256)
        self.vps.qemu_io(target, f"write -P {byte} {offset} {length}")
        self.disks[target][offset:offset + length] = bytes([byte]) * length

    def zero(self):
        self._on()
        target, offset, length = self._place()
        unmap = self.random.choice(["", "-u "])
        self.vps.qemu_io(target, f"write -z {unmap}{offset} {length}")
        self.disks[target][offset:offset + length] = bytes(length)

    def grow(self):
        target = self.random.choice(list(self.disks))
        try:
            self.vps.domain.blockResize(target, (len(self.disks[target]) + MIB) // 1024)
        except guests.libvirt.libvirtError as refused:
            # QEMU resizes no disk with a bitmap that a killed QEMU has left; those go with their backups.
            if "is inconsistent" not in str(refused):
                raise
            return
        self.disks[target] += bytes(MIB)

    def switch(self):
        if not self.vps.active:
            self.vps.start()
            return
        self.vps.destroy()
        for target, content in self.disks.items():
            assert self.vps.disk_bytes(target) == bytes(content), f"{target} is not what was written to it"

    def kill(self):
        for target in self.disks:
            self.vps.qemu_io(target, "flush")
        os.kill(self.vps.qemu_pid(), signal.SIGKILL)
        self.vps.wait_off()

    def _settled(self):
        """The service has seen the power state that there is."""
        self.client.wait_vps(self.vps.vps, lambda now: (now["power"] in ("running", "paused")) == self.vps.active,
                             "the power state to be seen")

    def back_up(self):
        self._settled()
        done, backup = self.client.back_up(self.vps.vps)
        assert done["state"] == "completed", done
        self.backups[backup] = {target: bytes(content) for target, content in self.disks.items()}
        if entry(self.client, self.vps, backup)["incremental"]:
            self.counts["incremental"] = self.counts.get("incremental", 0) + 1
        self.check(backup)

    def check(self, backup):
        for target, content in self.backups[backup].items():
            assert image(self.service, self.vps, backup, target) == content, f"{target} of {backup} is not the disk as it was"

    def restore(self):
        self._settled()
        was_active = self.vps.active
        backup = self.random.choice(list(self.backups))
        done = self.client.restore(self.vps.vps, backup)
        assert done["state"] == "completed", done
        assert self.vps.active == was_active
        for target, content in self.backups[backup].items():
            self.disks[target] = bytearray(content.ljust(len(self.disks[target]), b"\0"))

    def delete(self):
        backup = self.random.choice(list(self.backups))
        self.client.request("backup.delete", vps=self.vps.vps, backup=backup)
        del self.backups[backup]
        for kept in self.backups:
            self.check(kept)

    def finish(self):
        for backup in self.backups:
            self.check(backup)
            assert self.client.request("backup.verify", vps=self.vps.vps, backup=backup) == {"ok": True, "bad_chunks": 0}
        ours = {name.removeprefix("vps-backup.") for name in self.vps.checkpoints()}
        assert ours <= set(self.backups), "checkpoints of backups that are gone"


def test_random_walk(sharing_service, place, new_guest):
    disks = [guests.Disk("vda", size=SIZE), guests.Disk("vdb", size=SIZE)]
    vps = new_guest("walk", disks, kind=guests.Blank, folder=place / "disks").start()
    walk = Walk(sharing_service, vps, SEED)
    print(f"seed {SEED}, {STEPS} steps")
    for number in range(STEPS):
        try:
            walk.step()
        except BaseException:
            print(f"at step {number}")
            raise
    walk.finish()
    print(walk.counts)
    assert STEPS < 100 or walk.counts.get("incremental", 0) > 0, walk.counts
