# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks as they are in the field: linked clones, raw files, block devices, disks that come and go, UEFI variables, broken bitmaps."""

import json
import os
import pathlib
import signal

import guest as guests
import isolated
import pytest

MIB = 1 << 20


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


def stored_bitmaps(vps, target):
    described = json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", vps.disk(target).path))
    return {one["name"] for one in described["format-specific"]["data"].get("bitmaps", [])}


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


def expect_healed(vps, broken, fresh):
    """Ours is gone, theirs is not, and the disk that only we had marked can be resized again."""
    assert vps.checkpoints() == ["theirs", f"vps-backup.{fresh}"]
    vps.domain.blockResize("vda", 40 * 1024)
    with pytest.raises(guests.libvirt.libvirtError):
        vps.domain.blockResize("vdb", 40 * 1024)
    vps.destroy()
    assert stored_bitmaps(vps, "vda") == {f"vps-backup.{fresh}"}
    assert stored_bitmaps(vps, "vdb") == {f"vps-backup.{fresh}", "theirs"}
    assert broken not in vps.checkpoints()


def test_running_vps_loses_our_broken_bitmaps(bitmaps):
    service, vps, client, broken = bitmaps
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
    switched_on(client, vps)
    expect_healed(vps, broken, fresh)


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
