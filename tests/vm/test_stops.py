# SPDX-License-Identifier: LGPL-2.1-or-later
"""Copies that are stopped at full speed, with requests under way on each connection: by a cancel, by SIGTERM, by a full pool, by the
end of the VPS. The service lives on, and another VPS's restore does not notice."""

import os
import signal

import backups
import guest as guests
import guest_view
import isolated
import pytest

MIB = 1 << 20
PIECE = 128  # MiB that QEMU writes at once
A_MIB, B_MIB = 256, 1024


def fill(vps, mib):
    for at in range(0, mib, PIECE):
        vps.qemu_io("vda", f"write -P {1 + at // PIECE} {at}M {PIECE}M")


@pytest.fixture
def two(new_blank):
    """A with a backup to restore, and B with enough data that a copy of it can be met on the way."""
    made = [new_blank(name, disks=[guests.Disk("vda", size=mib * MIB)], start=False) for name, mib in (("a", A_MIB), ("b", B_MIB))]
    for vps, mib in zip(made, (A_MIB, B_MIB)):
        vps.start()
        fill(vps, mib)
    return made


class World:
    """The service with both, A's backup made and A's restore about to begin."""

    def __init__(self, service, two):
        self.service = service
        self.a, self.b = two
        self.client = service.client()
        for vps in two:
            self.client.follow(vps.vps)
        ended, self.kept = self.client.back_up(self.a.vps)
        assert ended["state"] == "completed", ended
        self.a.qemu_io("vda", "write -P 0xee 0 64M")
        self.worker = service.worker_pid()

    def restore_a(self):
        return self.client.request("backup.restore", vps=self.a.vps, backup=self.kept)["operation"]["id"]

    def copy_b(self):
        """A backup of B that is being copied."""
        started = self.client.request("backup.create", vps=self.b.vps)
        self.client.wait_state(started["operation"]["id"], "copying", bytes_done=1)
        return started["operation"]["id"], started["backup"]["id"]

    def end_of_b(self, operation):
        return self.client.wait_operation(self.b.vps, operation)

    def expect_a_restored(self, operation):
        ended = self.client.wait_operation(self.a.vps, operation)
        assert ended["state"] == "completed", ended
        image = backups.image_path(self.service, self.a, self.kept)
        assert guest_view.difference(self.a, "vda", image) is None
        assert self.service.alive and self.service.worker_pid() == self.worker, "the same process"

    def expect_no_backup_of_b(self):
        self.client.wait_vps(self.b.vps, lambda now: now["slots"]["used"] == 0 and not now["backups"], "B's slot is free")
        assert self.service.backup_folders(self.b.vps) == [] and self.b.checkpoints() == []


def test_cancel(service, two):
    world = World(service, two)
    restore = world.restore_a()
    for _ in range(3):
        operation, _ = world.copy_b()
        world.client.request("operation.cancel", vps=world.b.vps, operation=operation)
        assert world.end_of_b(operation)["state"] == "cancelled"
        world.expect_no_backup_of_b()
    world.expect_a_restored(restore)
    assert world.client.back_up(world.b.vps)[0]["state"] == "completed"


def take_all_but(folder, rest):
    """Fills a file system that is being written to."""
    with open(folder / "of others", "wb") as others:
        while (free := os.statvfs(folder)) and free.f_bavail * free.f_frsize > rest:
            os.posix_fallocate(others.fileno(), os.fstat(others.fileno()).st_size, min(free.f_bavail * free.f_frsize - rest, 512 * MIB) or 1)


def test_full_pool(new_service, two):
    pool = isolated.mount_ext4(isolated.new_folder("filling") / "pool", 2 << 30)
    world = World(new_service(pool_path=pool), two)
    restore = world.restore_a()
    operation, _ = world.copy_b()
    take_all_but(pool, 200 * MIB)
    ended = world.end_of_b(operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "insufficient_space", ended
    world.expect_no_backup_of_b()
    world.expect_a_restored(restore)
    (pool / "of others").unlink()
    assert world.client.back_up(world.b.vps)[0]["state"] == "completed"


def test_vps_is_destroyed(service, two):
    """The backup starts over from the disk that is off."""
    world = World(service, two)
    restore = world.restore_a()
    operation, backup = world.copy_b()
    world.b.destroy()
    ended = world.end_of_b(operation)
    assert ended["state"] == "completed", ended
    assert guest_view.difference(world.b, "vda", backups.image_path(service, world.b, backup)) is None
    world.expect_a_restored(restore)


def test_sigterm(service, two):
    """Status 0, both operations go on when it is back: A's restore anew, B's backup where it was."""
    world = World(service, two)
    restore = world.restore_a()
    operation, backup = world.copy_b()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(60) == 0, service.log_tail()
    service.close_clients()
    service.start()
    world.client, world.worker = service.client(), service.worker_pid()
    for vps in two:
        world.client.follow(vps.vps)
    ended = world.end_of_b(operation)
    assert ended["state"] == "completed", ended
    assert guest_view.difference(world.b, "vda", backups.image_path(service, world.b, backup)) is None
    world.expect_a_restored(restore)
    assert [one["id"] for one in world.client.vps[world.b.vps]["backups"]] == [backup], "one slot"
