# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storage that hangs, goes away, becomes read-only, breaks or fills up stops a backup, never the guest, never the service."""

import contextlib
import os
import pathlib
import subprocess
import threading

import guest as guests
import isolated
import pytest

MIB = 1 << 20


@contextlib.contextmanager
def frozen(mount):
    """Whoever writes there hangs as long as this lasts, and nothing can kill him."""
    isolated.run("fsfreeze", "-f", mount)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "-u", mount], check=False, stderr=subprocess.DEVNULL)


@pytest.fixture
def pool():
    return isolated.mount_ext4(isolated.new_folder("pool") / "pool", 512 * MIB)


def make(new_service, new_blank, pool_path, name="blank", **operations):
    """A running VPS, a service that copies slowly, and a client."""
    vps = new_blank(name)
    service = new_service(pool_path=pool_path, operations={"bandwidth-limit": "8M", "scratch-reserve": "1M", **operations})
    client = service.client()
    client.follow(vps.vps)
    return vps, service, client


def begin(client, vps):
    """A backup that is being copied."""
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    return operation


def expect_no_trace(service, client, vps, backups=()):
    client.wait_vps(vps.vps, lambda now: now["operation"] is None and now["slots"]["used"] == len(backups), "the slot is free again")
    isolated.wait_until(lambda: service.backup_folders(vps.vps) == sorted(backups), "no partial backup is left")
    assert [name for name in vps.checkpoints() if name.removeprefix("vps-backup.") not in backups] == []
    assert [name for name in os.listdir(vps.disks[0].path.parent) if name.startswith(".")] == []
    assert not service.lock_path(vps.vps).exists()
    if vps.active:
        with pytest.raises(guests.libvirt.libvirtError):
            vps.domain.backupGetXMLDesc()


def told_failures(client, operation):
    return [one["reason"] for one in client.request("notification.list")["notifications"]
            if one["operation"] == operation and one["type"] == "backup_failed"]


def test_hung_pool_stalls_a_backup_and_nothing_else(new_service, new_blank, pool):
    vps, service, client = make(new_service, new_blank, pool, **{"stall-timeout": "2"})
    other = new_blank("other")
    client.follow(other.vps)
    operation = begin(client, vps)
    with frozen(pool):
        for turn in range(8):
            vps.qemu_io("vda", f"write -P {turn + 1} {turn}M 1M")  # the guest meets nothing of it
        vps.qemu_io("vda", "flush")
        client.wait_event("notification.added", lambda told: told["type"] == "operation_stalled" and told["operation"] == operation)
        assert client.request("vps.get", vps=vps.vps)["operation"]["stalled"] is True
        assert client.refusal("backup.create", vps=vps.vps).reason == "operation_running"
        with service.client() as second:  # another client of another VPS
            second.follow(other.vps)
            second.wait_vps(other.vps, lambda now: now["can_create"]["reason"] == "pool_unavailable", "the hung pool is noticed")
            assert second.refusal("backup.create", vps=other.vps).reason == "pool_unavailable"
        client.request("power.stop", vps=other.vps, force=True)
        client.wait_vps(other.vps, lambda now: now["power"] == "stopped", "another VPS is stopped")
        assert "blank" in service.ctl("list")
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed" and ended["stalled"] is False, ended
    client.wait_vps(other.vps, lambda now: now["can_create"]["allowed"], "the pool is there again")
    stalls = [one for one in client.request("notification.list")["notifications"] if one["type"] == "operation_stalled"]
    assert len(stalls) == 1
    image = (service.backup_path(vps.vps, ended["backup"]) / "vda.raw").read_bytes()
    assert image == bytes(MIB) + b"\xa1" * (16 * MIB) + bytes(15 * MIB), "not the point in time at which it began"


def test_service_ends_in_time_though_its_pool_hangs(new_service, new_blank, pool):
    vps, service, client = make(new_service, new_blank, pool)
    operation = begin(client, vps)
    with frozen(pool):
        isolated.wait_until(lambda: hanging(service), "a thread hangs in the kernel")
        service.stop(40)                   # status 0
        service.start()                    # and the next one serves, before the old threads are gone
        client = service.client()
        client.follow(vps.vps)
        vps.qemu_io("vda", "write -P 0x77 0 8M")
        assert "blank" in service.ctl("list")
    client.wait_vps(vps.vps, lambda now: now["operation"] is None and now["can_create"]["allowed"], "it was cleaned up")
    ended = client.operation(vps.vps, operation)
    backups = [ended["backup"]] if ended["state"] == "completed" else []
    assert ended["state"] in ("completed", "failed"), ended
    expect_no_trace(service, client, vps, backups)
    assert client.back_up(vps.vps)[0]["state"] == "completed"


def hanging(service):
    """Whether a thread of the service, or of a process that it started, waits in the kernel and cannot be killed."""
    def state(path):
        return path.read_text().rsplit(")", 1)[1].split()[0]
    own = {service.process.pid}
    for _ in range(2):
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                if int(entry.read_text().rsplit(")", 1)[1].split()[1]) in own:
                    own.add(int(entry.parent.name))
    found = []
    for pid in own:
        with contextlib.suppress(OSError):
            found += [task for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat") if state(task) == "D"]
    return found


def test_pool_that_goes_away_during_the_copy(new_service, new_blank):
    point = isolated.new_folder("going") / "pool"
    image = isolated.lab() / "going.img"
    with open(image, "wb") as file:
        file.truncate(256 * MIB)
    isolated.run("mke2fs", "-q", "-F", "-t", "ext4", image)
    point.mkdir()
    isolated.run("mount", "-o", "loop", image, point)
    device = isolated.run("findmnt", "-n", "-o", "SOURCE", point).strip()
    vps, service, client = make(new_service, new_blank, point)
    operation = begin(client, vps)
    isolated.run("umount", "-l", point)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "pool_unavailable", ended
    assert told_failures(client, operation) == ["pool_unavailable"]
    assert os.listdir(point) == [], "nothing may be written below the mount point of a pool that is not there"
    assert vps.running
    isolated.run("mount", device, point)  # the same device: QEMU, in its own namespace, has it mounted still
    client.wait_vps(vps.vps, lambda now: now["can_create"]["allowed"], "the pool is back")
    expect_no_trace(service, client, vps)
    assert client.back_up(vps.vps)[0]["state"] == "completed"
    image.unlink()


def test_pool_that_becomes_read_only(new_service, new_blank):
    point = isolated.mount_image(isolated.new_folder("ro") / "pool", 256 * MIB, ["mke2fs", "-q", "-F", "-t", "ext4"],
                                 "loop,errors=remount-ro")
    vps, service, client = make(new_service, new_blank, point)
    operation = begin(client, vps)
    device = isolated.run("findmnt", "-n", "-o", "SOURCE", point).strip()
    pathlib.Path(f"/sys/fs/ext4/{pathlib.Path(device).name}/trigger_fs_error").write_text("a test")
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "pool_unavailable", ended
    assert told_failures(client, operation) == ["pool_unavailable"]
    assert vps.running and not service.lock_path(vps.vps).exists() and vps.checkpoints() == []
    client.wait_vps(vps.vps, lambda now: now["slots"]["used"] == 0 and now["can_create"]["reason"] == "pool_unavailable",
                    "the pool counts as not available")


def test_pool_whose_device_breaks(new_service, new_blank):
    point = isolated.mount_xfs(isolated.new_folder("breaking") / "pool", 512 * MIB)
    vps, service, client = make(new_service, new_blank, point)
    operation = begin(client, vps)
    isolated.run("xfs_io", "-x", "-c", "shutdown", point)
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] in ("pool_unavailable", "internal"), ended
    assert vps.running and vps.checkpoints() == [] and not service.lock_path(vps.vps).exists()
    client.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "pool_unavailable", "the broken pool is noticed")


def test_slow_pool(new_service, new_blank, pool):
    """Each write waits up to a quarter of a second."""
    vps, service, client = make(new_service, new_blank, pool)
    done = threading.Event()

    def drag():
        while not done.is_set():
            with frozen(pool):
                done.wait(0.25)
            done.wait(0.02)
    dragging = threading.Thread(target=drag)
    dragging.start()
    try:
        ended, backup = client.back_up(vps.vps)
        vps.qemu_io("vda", "write -P 0x33 0 4M")
    finally:
        done.set()
        dragging.join()
    assert ended["state"] == "completed" and ended["stalled"] is False, ended
    assert client.request("backup.verify", vps=vps.vps, backup=backup)["ok"]
    expect_no_trace(service, client, vps, [backup])


def test_scratch_space_runs_short(new_service, new_guest, pool):
    """The guest overwrites what is not copied yet, and there is little room beside its disk: the backup gives way."""
    folder = isolated.mount_ext4(isolated.new_folder("disks") / "images", 112 * MIB)
    folder.chmod(0o755)
    vps = new_guest("blank", [guests.Disk("vda", size=64 * MIB)], kind=guests.Blank, folder=folder)
    vps.start()
    vps.qemu_io("vda", "write -P 0xa1 0 56M")
    vps.qemu_io("vda", "flush")
    service = new_service(pool_path=pool, operations={"bandwidth-limit": "2M", "scratch-reserve": "24M"})
    client = service.client()
    client.follow(vps.vps)
    operation = begin(client, vps)
    least = free = os.statvfs(folder).f_bavail * 4096
    for turn in range(56, 8, -2):
        vps.qemu_io("vda", f"write -P {turn} {turn - 2}M 2M")
        least = min(least, os.statvfs(folder).f_bavail * 4096)
        if client.vps[vps.vps]["operation"] is None:
            break
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "insufficient_space", ended
    assert 0 < least < free, "there was always room for the guest, and the scratch file took some of it"
    assert vps.running
    vps.qemu_io("vda", "write -P 0x11 0 64M")  # all of its disk can be written
    expect_no_trace(service, client, vps)


def test_disk_that_cannot_be_read(new_service, new_guest, pool):
    vps = new_guest("blank", [guests.Disk("vda", size=32 * MIB)], kind=guests.Blank)
    vps.start()
    vps.qemu_io("vda", "write -P 0xa1 0 24M")
    vps.destroy()
    break_cluster(vps.disks[0].path, 20)
    vps.start()
    service = new_service(pool_path=pool)
    client = service.client()
    client.follow(vps.vps)
    ended, _ = client.back_up(vps.vps)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "internal", ended
    assert str(vps.disks[0].path) not in ended["error"]["message"]
    assert vps.running
    expect_no_trace(service, client, vps)


def break_cluster(path, megabyte):
    """Lets the entry of a cluster in the table of a qcow2 image point past all that there is: reading it is an error."""
    with open(path, "r+b") as image:
        image.seek(40)
        l1_table = int.from_bytes(image.read(8), "big")
        image.seek(l1_table)
        l2_table = int.from_bytes(image.read(8), "big") & 0x00FFFFFFFFFFFE00
        entry = l2_table + 8 * (megabyte * MIB // 65536)
        image.seek(entry)
        image.write((1 << 63 | 0x1234).to_bytes(8, "big"))  # offset not aligned to a cluster
