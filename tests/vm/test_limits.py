# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many disks, images that are hard to put back, jobs of others, storage with limits of its own, clocks that go wrong: each is either
backed up and restored, or refused at once with a reason."""

import os
import pathlib

import guest as guests
import isolated
import libvirt
import pytest
from backups import back_up, check_guest, check_image, entry, off, on, restore, try_back_up, try_restore
from client import RpcError
from devices import Device, OnDevices

MIB = 1 << 20
SIZE = 16 * MIB
OWN_REASONS_ONLY = (None, "internal")


def follow(service, vps):
    client = service.client()
    client.follow(vps.vps)
    return client


@pytest.fixture
def folder():
    return isolated.new_folder("disks")


@pytest.fixture
def roomy_service(new_service):
    """A pool with reflinks, so that repeated backups are incremental."""
    place = isolated.mount_xfs(isolated.new_folder("reflinks"), 2 << 30)
    return new_service(pool_path=place / "pool", slots={"included": 8, "maximum": 8})


# ---- many disks


class Scsi(guests.Disk):
    """A disk of a controller that has room for many."""

    def xml(self):
        return super().xml().replace("bus='virtio'", "bus='scsi'")


def target(number):
    return f"sd{chr(ord('a') + number)}" if number < 26 else f"sd{chr(ord('a') + number // 26 - 1)}{chr(ord('a') + number % 26)}"


@pytest.mark.parametrize("count", [21, 30, 64])
def test_many_disks(roomy_service, new_guest, folder, count):
    """On and off, full and incremental, and a restore of them all."""
    service, size = roomy_service, 2 * MIB
    disks = [Scsi(target(number), size=size, format="raw" if number % 8 == 7 else "qcow2") for number in range(count)]
    controllers = "".join(f"<controller type='scsi' index='{index}' model='virtio-scsi'/>" for index in range(count // 15 + 1))
    vps = new_guest("many", disks, kind=guests.Blank, folder=folder, devices=controllers).start()
    expected = {}
    for number, disk in enumerate(disks):
        vps.qemu_io(disk.target, f"write -P {number + 1} 0 1M")
        expected[disk.target] = bytes([number + 1]) * MIB + bytes(MIB)
    client = follow(service, vps)
    first = back_up(client, vps, deadline_s=60)
    check_image(service, vps, first, expected)
    last = disks[-1].target
    changed = {**expected, last: expected[last][:MIB] + b"\xee" * MIB}
    vps.qemu_io(last, "write -P 0xee 1M 1M")
    second = back_up(client, vps, deadline_s=60)
    check_image(service, vps, second, changed)
    off(client, vps)
    third = back_up(client, vps, deadline_s=60)
    check_image(service, vps, third, changed)
    on(client, vps)
    restore(client, vps, first)
    check_guest(vps, expected)


# ---- images that are hard to put back


def _data_file(folder):
    path, data = folder / "disk.qcow2", folder / "disk.data"
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", path, SIZE)
    data.chmod(0o666)
    return guests.Disk("vda", size=SIZE, path=path)


def _long_name(folder):
    path = folder / ("n" * 230 + ".qcow2")
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", path, SIZE)
    return guests.Disk("vda", size=SIZE, path=path)


def _longest_name(folder):
    path = folder / ("n" * 255)
    isolated.run("qemu-img", "create", "-q", "-f", "raw", path, SIZE)
    return guests.Disk("vda", size=SIZE, path=path, format="raw")


def _long_path(folder):
    """Each name is short, all of them together are not."""
    for _ in range(14):
        folder = folder / ("f" * 250)
        folder.mkdir()
    path = folder / ("n" * 200 + ".qcow2")
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", path, SIZE)
    return guests.Disk("vda", size=SIZE, path=path)


def _odd_name(folder):
    path = folder / "a b,c=d:e'ü&%s.qcow2"
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", f"file:{path}", SIZE)
    return _Escaped("vda", size=SIZE, path=path)


def _link(folder):
    (folder / "real").mkdir()
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", folder / "real/disk.qcow2", SIZE)
    (folder / "disk.qcow2").symlink_to("real/disk.qcow2")
    return guests.Disk("vda", size=SIZE, path=folder / "disk.qcow2")


def _hard_link(folder):
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", folder / "disk.qcow2", SIZE)
    os.link(folder / "disk.qcow2", folder / "other.qcow2")
    return guests.Disk("vda", size=SIZE, path=folder / "disk.qcow2")


class _Escaped(guests.Disk):
    def xml(self):
        path = str(self.path)
        return super().xml().replace(f"'{path}'", '"' + path.replace("&", "&amp;") + '"')


class _Formatted(Device):
    """A qcow2 in a block device."""

    def make(self, folder, owner):
        super().make(folder, owner)
        isolated.run("qemu-img", "create", "-q", "-f", "qcow2", self.path, SIZE // 2)
        self.format = "qcow2"


def _in_device(_folder):
    return _Formatted("vda", size=SIZE)


KINDS = {"data file": _data_file, "long name": _long_name, "longest name": _longest_name, "long path": _long_path, "odd name": _odd_name,
         "link": _link, "hard link": _hard_link, "qcow2 in a device": _in_device}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_backed_up_can_be_restored(roomy_service, new_guest, folder, kind, running):
    """Whatever cannot be put back is refused at create, not when it is needed."""
    service = roomy_service
    disk = KINDS[kind](folder)
    vps = new_guest("odd", [disk], kind=OnDevices, folder=folder).start()
    vps.qemu_io("vda", "write -P 0xa0 0 4M")
    client = follow(service, vps)
    if not running:
        off(client, vps)
    backup, reason = try_back_up(client, vps)
    if backup is None:
        assert reason not in OWN_REASONS_ONLY
        assert client.request("vps.get", vps=vps.vps)["can_create"] == {"allowed": False, "reason": reason}
        return
    size = SIZE // 2 if kind == "qcow2 in a device" else SIZE
    expected = {"vda": b"\xa0" * (4 * MIB) + bytes(size - 4 * MIB)}
    check_image(service, vps, backup, expected)
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 6M")
    if not running:
        off(client, vps)
    restore(client, vps, backup)
    on(client, vps)
    check_guest(vps, expected)
    again = back_up(client, vps)
    check_image(service, vps, again, expected)


# ---- jobs of others


def test_backup_job_that_somebody_aborts(slow_service, new_blank):
    """`virsh domjobabort` ends the backup; nobody waits for bytes that do not come."""
    vps = new_blank(disks=[guests.Disk("vda", size=128 * MIB)])
    vps.qemu_io("vda", "write -P 0x42 0 128M")
    client = follow(slow_service, vps)
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    vps.domain.abortJob()
    try:
        ended = client.wait_operation(vps.vps, operation, deadline_s=45)
    except TimeoutError as error:
        raise AssertionError("the backup goes on without its job") from error
    assert ended["state"] == "failed" and ended["error"]["reason"] not in OWN_REASONS_ONLY, ended
    assert vps.running and slow_service.backup_folders(vps.vps) == [] and vps.checkpoints() == []


def test_cancel_after_the_job_was_aborted(slow_service, new_blank):
    vps = new_blank(disks=[guests.Disk("vda", size=128 * MIB)])
    vps.qemu_io("vda", "write -P 0x42 0 128M")
    client = follow(slow_service, vps)
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    vps.domain.abortJob()
    try:
        client.request("operation.cancel", vps=vps.vps, operation=operation)
    except RpcError as refused:
        assert refused.reason in ("not_found", "too_late"), refused
    try:
        ended = client.wait_operation(vps.vps, operation, deadline_s=45)
    except TimeoutError as error:
        raise AssertionError("neither the aborted job nor the cancel had an effect") from error
    assert ended["state"] in ("failed", "cancelled"), ended


def test_backup_during_a_block_job(roomy_service, new_blank, folder):
    """Somebody copies or moves the disk: the refusal says that, and a restore does not disturb it either."""
    vps = new_blank()
    client = follow(roomy_service, vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x55 0 20M")
    vps.domain.blockCopy("vda", f"<disk type='file'><source file='{folder}/copy.qcow2'/><driver type='qcow2'/></disk>",
                         {libvirt.VIR_DOMAIN_BLOCK_COPY_BANDWIDTH: MIB}, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
    _, reason = try_back_up(client, vps)
    assert reason not in OWN_REASONS_ONLY, "refused with a reason of its own"
    pid = vps.qemu_pid()
    if try_restore(client, vps, backup) is not None:
        assert vps.running and vps.qemu_pid() == pid
        assert vps.domain.blockJobInfo("vda", 0), "the copy goes on"
        vps.domain.blockJobAbort("vda", 0)
        check_guest(vps, {"vda": b"\x55" * (20 * MIB) + bytes(12 * MIB)})
    else:
        check_guest(vps, {"vda": bytes(MIB) + b"\xa1" * (16 * MIB) + bytes(15 * MIB)})


def test_disk_that_is_larger_than_any_file_of_the_pool(new_service, new_guest):
    """ext4 keeps files of up to 16 TiB."""
    pool = isolated.mount_ext4(isolated.new_folder("small") / "pool", 256 * MIB)
    service = new_service(pool_path=pool)
    vps = new_guest("huge", [guests.Disk("vda", size=17 << 40)], kind=guests.Blank)
    client = follow(service, vps)
    try:
        done, _ = client.back_up(vps.vps)
        reason, message = done["error"]["reason"], done["error"]["message"]
    except RpcError as refused:
        reason, message = refused.reason, refused.message
    assert reason not in OWN_REASONS_ONLY, (reason, message)
    assert "17" in message or "16" in message or "large" in message, "the sentence says what is too large"
    assert service.backup_folders(vps.vps) == []


# ---- a clock that goes wrong


def test_order_of_backups_is_the_order_of_making(new_service, new_blank, monkeypatch):
    """The host's clock was a day ahead when the first was made."""
    vps = new_blank()
    (shim,) = pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    monkeypatch.setenv("VB_WRAPPER", f"env LD_PRELOAD={shim} FAKETIME=+1d DONT_FAKE_MONOTONIC=1")
    service = new_service(slots={"included": 4, "maximum": 4})
    client = follow(service, vps)
    first = back_up(client, vps)
    monkeypatch.delenv("VB_WRAPPER")
    client = follow(service.restart(), vps)
    second = back_up(client, vps)
    third = back_up(client, vps)
    order = [third, second, first]
    assert entry(client, vps, first)["created_at"] > entry(client, vps, second)["created_at"], "the clock was set back"
    assert [one["id"] for one in client.request("vps.get", vps=vps.vps)["backups"]] == order
    assert [one["id"] for one in follow(service.restart(), vps).vps[vps.vps]["backups"]] == order
    service.stop()
    other = new_service(pool_path=service.pool)
    assert [one["id"] for one in follow(other, vps).vps[vps.vps]["backups"]] == order, "the pool itself knows it, too"
