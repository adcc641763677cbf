# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks as they are in the field: linked clones, raw files, block devices, disks that come and go, UEFI variables, broken bitmaps."""

import json
import os
import pathlib
import signal

import guest as guests
import isolated
import pytest
import service as services
from devices import Device, OnDevices

MIB = 1 << 20
LOCKS_DIR = pathlib.Path("/etc/vps-backup/locks-dir")


def image(service, vps, backup, target="vda"):
    return (service.backup_path(vps.vps, backup) / f"{target}.raw").read_bytes()


def entry(client, vps, backup):
    return next(one for one in client.vps[vps.vps]["backups"] if one["id"] == backup)


def switched_off(client, vps):
    vps.destroy()
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "the power to be off")


def switched_on(client, vps):
    vps.start()
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "the power to be on")


@pytest.fixture
def new_hook():
    """Installs a hook for libvirt's start of VPSs; the daemon must know it from its own start."""
    path = pathlib.Path("/etc/libvirt/hooks/qemu.d/test")

    def make(script):
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        isolated.stop_libvirtd()
        isolated.start_libvirtd()
    yield make
    path.unlink()


def back_up(client, vps):
    done, backup = client.back_up(vps.vps)
    assert done["state"] == "completed", done
    return backup


# ---- bitmaps that a killed QEMU has left


def but_marks(names):
    """Without those that tell the disks of a VPS apart: they are of no backup."""
    return [name for name in names if not name.startswith("vps-backup-disk.")]


def stored_bitmaps(vps, target):
    described = json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", vps.disk(target).path))
    return set(but_marks(one["name"] for one in described["format-specific"]["data"].get("bitmaps", [])))


def kill(client, vps):
    for disk in vps.disks:
        vps.qemu_io(disk.target, "flush")
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    vps.wait_off()
    client.wait_vps(vps.vps, lambda now: now["power"] != "running", "the end of QEMU to be seen")


@pytest.fixture
def bitmaps(new_service, new_blank):
    """A VPS with a backup, and with another program's checkpoint on its second disk; its QEMU is killed."""
    service = new_service(slots={"included": 4})
    vps = new_blank("bitmaps", [guests.Disk("vda", size=32 * MIB), guests.Disk("vdb", size=32 * MIB)])
    client = service.client()
    client.follow(vps.vps)
    backup = back_up(client, vps)
    vps.domain.checkpointCreateXML("<domaincheckpoint><name>theirs</name><disks><disk name='vda' checkpoint='no'/>"
                                   "<disk name='vdb' checkpoint='bitmap'/></disks></domaincheckpoint>")
    # QEMU stores bitmaps when it ends; only those that it has loaded from there can be left broken.
    switched_off(client, vps)
    switched_on(client, vps)
    kill(client, vps)
    return service, vps, client, f"vps-backup.{backup}"


def expect_healed(vps, broken, fresh, recorded=True):
    """Ours is gone, theirs is not, and the disk that only we had marked can be resized again."""
    assert but_marks(vps.checkpoints()) == ["theirs"] + ([f"vps-backup.{fresh}"] if recorded else [])
    vps.domain.blockResize("vda", 40 * 1024)
    with pytest.raises(guests.libvirt.libvirtError):
        vps.domain.blockResize("vdb", 40 * 1024)
    vps.destroy()
    assert stored_bitmaps(vps, "vda") == {f"vps-backup.{fresh}"}
    assert stored_bitmaps(vps, "vdb") == {f"vps-backup.{fresh}", "theirs"}
    assert broken not in vps.checkpoints()


@pytest.mark.parametrize("full_every", [0, 1])
def test_running_vps_loses_our_broken_bitmaps(bitmaps, full_every):
    """Whether or not the backup would have built on them."""
    service, vps, client, broken = bitmaps
    service.config["operations"]["full-every"] = full_every
    service.write_config()
    client = service.restart().client()
    client.follow(vps.vps)
    switched_on(client, vps)
    with pytest.raises(guests.libvirt.libvirtError):
        vps.domain.blockResize("vda", 40 * 1024)
    fresh = back_up(client, vps)
    assert not entry(client, vps, fresh)["incremental"]
    assert image(service, vps, fresh) == image(service, vps, broken.removeprefix("vps-backup."))
    expect_healed(vps, broken, fresh)


def test_vps_that_is_off_loses_our_broken_bitmaps(bitmaps):
    _, vps, client, broken = bitmaps
    assert broken in stored_bitmaps(vps, "vda")
    fresh = back_up(client, vps)
    assert stored_bitmaps(vps, "vda") == {f"vps-backup.{fresh}"}
    isolated.wait_until(lambda: but_marks(vps.checkpoints()) == ["theirs"], "libvirt has no record of ours while it is off")
    switched_on(client, vps)
    expect_healed(vps, broken, fresh, recorded=False)


# ---- UEFI variables

NVRAM_BYTES = 128 * 1024


class Firmware(guests.Blank):
    """A machine whose firmware, an empty chip, does nothing, and has a file of variables."""

    code = guests.IMAGES / "firmware.fd"

    def __init__(self, name, disks, **options):
        self.code.write_bytes(bytes(2 * NVRAM_BYTES))
        self.nvram = guests.IMAGES / f"{name}_VARS.fd"
        self.nvram.write_bytes(b"GOOD".ljust(NVRAM_BYTES, b"1"))
        self.nvram.chmod(0o640)
        os.chown(self.nvram, 12345, 54321)
        super().__init__(name, disks, **options)

    def boot_xml(self):
        return (f"<type arch='x86_64' machine='pc'>hvm</type><loader readonly='yes' type='pflash'>{self.code}</loader>"
                f"<nvram>{self.nvram}</nvram>")

    def set(self, content):
        """The variables change under a VPS that is off, as its firmware changes them when it is on."""
        with open(self.nvram, "r+b") as file:
            file.write(content.ljust(NVRAM_BYTES, b"2"))

    def state(self):
        status = self.nvram.stat()
        return self.nvram.read_bytes(), status.st_uid, status.st_gid, status.st_mode


@pytest.fixture
def firmware(new_guest):
    vps = new_guest("uefi", [guests.Disk("vda", size=32 * MIB)], kind=Firmware)
    yield vps
    vps.nvram.unlink(missing_ok=True)
    vps.code.unlink()


def test_uefi_variables_come_back(new_service, firmware):
    vps = firmware
    service = new_service()
    client = service.client()
    client.follow(vps.vps)
    before = vps.state()
    backup = back_up(client, vps)
    manifest = service.manifest(vps.vps, backup)
    assert manifest["nvram"] == "nvram.fd" and len(manifest["nvram_sum"]) == 32
    assert (service.backup_path(vps.vps, backup) / "nvram.fd").read_bytes() == before[0]
    vps.set(b"CHANGED")
    files = sorted(os.listdir(guests.IMAGES))
    assert client.restore(vps.vps, backup)["state"] == "completed"
    assert vps.state() == before and not vps.active
    assert sorted(os.listdir(guests.IMAGES)) == files

    vps.set(b"CHANGED")
    switched_on(client, vps)
    assert client.restore(vps.vps, backup)["state"] == "completed"
    assert vps.running and vps.nvram.read_bytes() == before[0]
    assert sorted(os.listdir(guests.IMAGES)) == files
    switched_off(client, vps)

    kept = service.backup_path(vps.vps, backup) / "nvram.fd"
    kept.write_bytes(kept.read_bytes().replace(b"GOOD", b"BEEN"))
    assert client.failure_of_restore(vps.vps, backup) == "checksum_mismatch"
    assert vps.nvram.read_bytes() == before[0] and sorted(os.listdir(guests.IMAGES)) == files


def test_uefi_variables_are_put_back_when_the_start_fails(new_hook, new_service, firmware):
    vps = firmware
    new_hook(f'[ "$2 $3" != "prepare begin" ] || [ "$(head -c 3 {vps.nvram})" != BAD ] || exit 1')
    vps.refresh()
    client = new_service().client()
    client.follow(vps.vps)
    vps.set(b"BAD")
    backup = back_up(client, vps)
    with pytest.raises(guests.libvirt.libvirtError):
        vps.start()
    vps.set(b"GOOD")
    switched_on(client, vps)
    files, now = sorted(os.listdir(guests.IMAGES)), vps.nvram.read_bytes()
    ended = client.restore(vps.vps, backup)
    assert ended["state"] == "failed", ended
    assert vps.running and vps.nvram.read_bytes() == now and sorted(os.listdir(guests.IMAGES)) == files


# ---- block devices


@pytest.fixture
def device_service(new_hook, new_service):
    """A service, and the hook that asks for its locks."""
    new_hook(f'exec {services.source_folder()}/hooks/vps-backup "$@"')
    service = new_service()
    LOCKS_DIR.write_text(f"{service.state / 'locks'}\n")
    yield service
    LOCKS_DIR.unlink()


@pytest.fixture
def on_devices(device_service, new_guest):
    """A running VPS with one block device and one qcow2 file, and a backup from before its last changes."""
    vps = new_guest("devices", [Device("vda", size=24 * MIB), guests.Disk("vdb", size=24 * MIB)], kind=OnDevices)
    vps.start()
    vps.qemu_io("vda", "write -P 0xa1 1M 8M")
    vps.qemu_io("vdb", "write -P 0xb1 1M 2M")
    client = device_service.client()
    client.follow(vps.vps)
    backup = back_up(client, vps)
    kept = b"\0" * MIB + b"\xa1" * (8 * MIB) + b"\0" * (15 * MIB)
    assert image(device_service, vps, backup) == kept
    vps.qemu_io("vda", "write -P 0xa2 4M 16M")
    vps.qemu_io("vdb", "write -P 0xb2 0 2M")
    return vps, client, backup, kept


def expect_restored(vps, client, kept):
    """Both disks are as in the backup, the VPS is on, and the next backup is whole too."""
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "the VPS to be back")
    again = back_up(client, vps)
    vps.destroy()
    assert vps.disk("vda").bytes() == kept
    assert vps.disk_bytes("vdb", 0, 4 * MIB) == b"\0" * MIB + b"\xb1" * (2 * MIB) + b"\0" * MIB
    assert sorted(path.name for path in guests.IMAGES.glob("*vps-backup*")) == []
    return again


def refused_start(vps):
    with pytest.raises(guests.libvirt.libvirtError) as refused:
        vps.start()
    assert "being restored" in str(refused.value)
    return True


def notes(service):
    return sorted(path.name for path in service.pool.glob(".restore*"))


def test_device_is_overwritten_to_the_end_whatever_happens(device_service, on_devices):
    """The service is killed in the middle: the VPS cannot be started then, and the next run completes the disk."""
    service = device_service
    vps, _, backup, kept = on_devices
    service.config["operations"]["bandwidth-limit"] = "3M"
    service.write_config()
    client = service.restart().client()
    client.follow(vps.vps)
    operation = client.request("backup.restore", vps=vps.vps, backup=backup)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=MIB)
    assert vps.running, "verifying the backup needs no VPS that is off"
    client.wait_state(operation, "finishing", bytes_done=11 * MIB)
    service.kill()
    assert not vps.active and vps.disk("vda").bytes() != kept, "it should have been killed in mid-write"
    assert service.lock_path(vps.vps).read_text() == f"swap {operation}\n" and notes(service)
    assert refused_start(vps), "a dead owner's lock counts while a disk is half overwritten"

    service.start()
    client = service.client()
    client.follow(vps.vps)
    assert client.vps[vps.vps]["status"] == "restoring_backup" and refused_start(vps)
    assert client.refusal("operation.cancel", vps=vps.vps, operation=operation).reason == "too_late"
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert notes(service) == [] and service.lock_held(vps.vps) is None
    expect_restored(vps, client, kept)


def test_device_that_fails_is_gone_on_with_when_it_works_again(device_service, new_guest):
    service = device_service
    folder = isolated.mount_ext4(isolated.new_folder("devices") / "images", 48 * MIB)
    vps = new_guest("failing", [Device("vda", size=24 * MIB)], kind=OnDevices, folder=folder)
    vps.start()
    vps.qemu_io("vda", "write -P 0xa1 0 16M")
    client = service.client()
    client.follow(vps.vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -z -u 0 24M")
    switched_off(client, vps)
    isolated.run("fallocate", "--punch-hole", "-o", 0, "-l", 24 * MIB, vps.disk("vda").file)
    isolated.run("sync", "-f", folder)
    free = os.statvfs(folder)
    isolated.run("fallocate", "-l", free.f_bavail * free.f_frsize - 4 * MIB, folder / "ballast")

    operation = client.request("backup.restore", vps=vps.vps, backup=backup)["operation"]["id"]
    stalled = client.wait_event("notification.added", lambda told: told["type"] == "operation_stalled")
    assert stalled["operation"] == operation
    assert not vps.active and service.lock_held(vps.vps).startswith("swap ") and refused_start(vps)
    (folder / "ballast").unlink()
    isolated.run("sync", "-f", folder)
    assert client.wait_operation(vps.vps, operation)["state"] == "completed"
    assert vps.disk("vda").bytes() == b"\xa1" * (16 * MIB) + bytes(8 * MIB) and not vps.active


def test_damaged_backup_is_not_written_to_a_device(device_service, on_devices):
    service = device_service
    vps, client, backup, _ = on_devices
    with open(service.backup_path(vps.vps, backup) / "vdb.raw", "r+b") as damaged:
        damaged.seek(2 * MIB)
        damaged.write(b"?")
    pid = vps.qemu_pid()
    assert client.failure_of_restore(vps.vps, backup) == "checksum_mismatch"
    assert vps.running and vps.qemu_pid() == pid and notes(service) == []
    vps.destroy()
    assert vps.disk("vda").bytes()[4 * MIB:20 * MIB] == b"\xa2" * (16 * MIB)


# ---- all kinds of disks on one VPS


class Cdrom(guests.Disk):
    """A CD in an IDE drive."""

    def xml(self):
        return super().xml().replace("bus='virtio'", "bus='ide'").replace("device='disk'", "device='cdrom'")


class Clone(guests.Disk):
    """A qcow2 with a template below it, of which the first 4 MiB hold data."""

    def make(self, folder, owner):
        self.template = folder / "template.qcow2"
        isolated.run("qemu-img", "create", "-q", "-f", "qcow2", self.template, self.size)
        isolated.run("qemu-io", "-f", "qcow2", "-c", "write -q -P 0x7e 0 4M", self.template)
        self.path = folder / f"{owner}-{self.target}.qcow2"
        isolated.run("qemu-img", "create", "-q", "-f", "qcow2", "-b", self.template, "-F", "qcow2", self.path)


def define(vps, disks):
    """The VPS has other disks from now on."""
    for disk in disks:
        if disk not in vps.disks:
            disk.make(guests.IMAGES, vps.name)
    vps.disks = disks
    vps.domain = vps.connection.defineXML(vps.xml())


@pytest.fixture
def field(new_guest):
    """A running VPS with a linked clone, a raw file, and disks that are left out."""
    disks = [Clone("vda", size=24 * MIB), guests.Disk("vdb", size=16 * MIB, format="raw"),
             guests.Disk("vdc", size=MIB, format="raw", options="<readonly/>"),
             guests.Disk("vdd", size=MIB, format="raw", options="<shareable/>"), Cdrom("hda", size=MIB, format="raw")]
    vps = new_guest("field", disks, kind=guests.Blank).start()
    vps.qemu_io("vda", "write -P 0xa1 2M 4M")
    vps.qemu_io("vdb", "write -P 0xb1 1M 4M")
    yield vps
    disks[0].template.unlink()


def test_every_kind_of_disk(new_service, field):
    vps = field
    service = new_service(operations={"delta-limit": 0})
    client = service.client()
    client.follow(vps.vps)
    template = vps.disk("vda").template.read_bytes()
    backup = back_up(client, vps)
    manifest = service.manifest(vps.vps, backup)
    assert [disk["target"] for disk in manifest["disks"]] == ["vda", "vdb"]
    assert {one["target"]: one["reason"] for one in manifest["skipped"]} == {"vdc": "readonly", "vdd": "shareable", "hda": "cdrom"}
    vda = b"\x7e" * (2 * MIB) + b"\xa1" * (4 * MIB) + bytes(18 * MIB)
    vdb = bytes(MIB) + b"\xb1" * (4 * MIB) + bytes(11 * MIB)
    assert image(service, vps, backup, "vda") == vda and image(service, vps, backup, "vdb") == vdb

    # Restored while it runs; the template is not needed any more, and not touched.
    vps.qemu_io("vda", "write -P 0xa2 0 20M")
    vps.qemu_io("vdb", "write -P 0xb2 0 16M")
    assert client.restore(vps.vps, backup)["state"] == "completed" and vps.running
    again = back_up(client, vps)
    assert image(service, vps, again, "vda") == vda and image(service, vps, again, "vdb") == vdb
    switched_off(client, vps)
    assert vps.disk("vda").template.read_bytes() == template
    assert vps.disk_bytes("vda") == vda and vps.disk_bytes("vdb") == vdb

    # Grown since the backup, and a disk more.
    for disk in vps.disks[:2]:
        isolated.run("qemu-img", "resize", "-q", "-f", disk.format, disk.path, disk.size + 4 * MIB)
        isolated.run("qemu-io", "-f", disk.format, "-c", f"write -q -P 0xcc {disk.size} 4M", disk.path)
    define(vps, [*vps.disks, guests.Disk("vde", size=2 * MIB, format="raw")])
    vps.disk("vde").path.write_bytes(b"e" * (2 * MIB))
    assert client.restore(vps.vps, backup)["state"] == "completed"
    assert vps.disk_bytes("vda") == vda + bytes(4 * MIB) and vps.disk_bytes("vdb") == vdb + bytes(4 * MIB)
    assert vps.disk("vde").path.read_bytes() == b"e" * (2 * MIB)

    # A disk less.
    define(vps, [disk for disk in vps.disks if disk.target != "vdb"])
    assert client.failure_of_restore(vps.vps, backup) == "disk_missing"
    assert vps.disk_bytes("vda") == vda + bytes(4 * MIB)


@pytest.mark.parametrize("running", [True, False])
def test_backup_after_a_staged_restore_is_incremental(new_service, new_guest, running):
    place = isolated.mount_xfs(isolated.new_folder("reflinks"), 1 << 30)
    service = new_service(pool_path=place / "pool", slots={"included": 4}, operations={"delta-limit": 0, "full-every": 3})
    vps = new_guest("staged", [guests.Disk("vda", size=32 * MIB)], kind=guests.Blank).start()
    vps.qemu_io("vda", "write -P 0xa1 0 16M")
    client = service.client()
    client.follow(vps.vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0xa2 4M 16M")
    if not running:
        switched_off(client, vps)
    done = client.restore(vps.vps, backup)
    assert done["state"] == "completed" and done["bytes_total"] >= 16 * MIB and vps.active == running
    made = [back_up(client, vps) for _ in range(3)]
    assert [entry(client, vps, one)["incremental"] for one in made] == [True, True, False], "each third one reads everything"
    assert all(image(service, vps, one) == image(service, vps, backup) for one in made)


UNSUPPORTED = {
    "The disk vdx is a network disk": "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' "
                                      "name='x'><host name='127.0.0.1' port='1'/></source><target dev='vdx' bus='virtio'/></disk>",
    "The disk vdy is a vhost-user disk": "<disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/><source type='unix' "
                                         "path='/run/none.sock'/><target dev='vdy' bus='virtio'/></disk>",
    "The VPS has a TPM": "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
}


class SharedMemory(guests.Blank):
    """What libvirt asks for before it takes a vhost-user disk."""

    def xml(self):
        shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
        return super().xml().replace("<vcpu>", f"{shared}<vcpu>")


def test_what_cannot_be_backed_up_is_named(service, new_guest):
    client = service.client()
    for number, (sentence, devices) in enumerate(UNSUPPORTED.items()):
        vps = new_guest(f"unsupported{number}", kind=SharedMemory, devices=devices)
        now = client.follow(vps.vps)
        assert now["can_create"] == {"allowed": False, "reason": "unsupported_disk"}
        refusal = client.refusal("backup.create", vps=vps.vps)
        assert refusal.reason == "unsupported_disk" and sentence in refusal.message, refusal.message
