# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VPS is rebooted, powered off, killed or taken away during a create and during a restore."""

import hashlib
import os
import signal

import guest as guests
import isolated
import libvirt
import libvirt_qemu
import pytest

SIZE = 32 << 20
FILLED = 20 << 20


@pytest.fixture
def watched(new_service):
    service = new_service(operations={"bandwidth-limit": "10M", "scratch-reserve": "1M"}, slots={"included": 10})
    return service, service.client()


def copying(client, vps, method, **params):
    """An operation in the midst of its copy: its id, and that of its backup."""
    operation = client.request(method, vps=vps.vps, **params)["operation"]
    client.wait_state(operation["id"], "copying", bytes_done=2 << 20)
    return operation["id"], operation["backup"]


def completed(client, vps, operation):
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    return ended


def write(vps, byte):
    """Written and flushed: what QEMU keeps in its own memory dies with it."""
    vps.qemu_io("vda", f"write -P {byte} 0 {FILLED >> 20}M")
    vps.qemu_io("vda", "flush")


def kill_qemu(vps):
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    vps.wait_off()


def no_trace(service, vps, allowed=()):
    """Nothing beside the disk, no partial folder, no lock, no checkpoint but those of backups."""
    beside = {path.name for path in vps.disk("vda").path.parent.iterdir() if vps.name in path.name} - {vps.disk("vda").path.name}
    assert not beside
    assert not list(service.pool.glob("*/.*"))
    assert service.lock_held(vps.vps) is None
    assert set(vps.checkpoints()) <= {f"vps-backup.{backup}" for backup in allowed}


def image_sum(service, vps, backup):
    with open(service.backup_path(vps.vps, backup) / "vda.raw", "rb") as image:
        return hashlib.sha256(image.read(FILLED)).hexdigest()


def guest_sum(vps):
    return vps.sh(f"dd if=/dev/vda bs=1M count={FILLED >> 20} iflag=direct 2>/dev/null | sha256sum").split()[0]


def fill(vps):
    vps.sh(f"dd if=/dev/urandom of=/dev/vda bs=1M count={FILLED >> 20} 2>/dev/null && sync")
    return guest_sum(vps)


def test_guest_reboots_and_powers_off(watched, new_guest):
    service, client = watched
    vps = new_guest(disks=[guests.Disk("vda", size=SIZE)], agent=False, counter=False).boot()
    client.follow(vps.vps)
    before = fill(vps)

    operation, first = copying(client, vps, "backup.create")
    pid = vps.qemu_pid()
    vps.send("reboot")
    assert client.operation(vps.vps, operation)["state"] == "copying"
    completed(client, vps, operation)
    assert image_sum(service, vps, first) == before and vps.qemu_pid() == pid
    vps.wait_ready()

    after = fill(vps)
    operation, second = copying(client, vps, "backup.create")
    vps.power_off()
    completed(client, vps, operation)
    assert not vps.active
    seen = next(one for one in client.vps[vps.vps]["backups"] if one["id"] == second)
    assert seen["consistency"] == "offline" and image_sum(service, vps, second) == after
    no_trace(service, vps, [first, second])

    vps.boot()
    operation, _ = copying(client, vps, "backup.restore", backup=first)
    vps.send("reboot")
    completed(client, vps, operation)
    assert guest_sum(vps.wait_ready()) == before

    operation, _ = copying(client, vps, "backup.restore", backup=second)
    vps.power_off()
    completed(client, vps, operation)
    assert vps.running, "it ran before the restore"
    assert guest_sum(vps.wait_ready()) == after
    no_trace(service, vps, [first, second])


def test_qemu_is_killed(watched, new_blank):
    service, client = watched
    vps = new_blank()
    client.follow(vps.vps)
    write(vps, 0xc3)
    operation, backup = copying(client, vps, "backup.create")
    kill_qemu(vps)
    completed(client, vps, operation)
    assert image_sum(service, vps, backup) == hashlib.sha256(b"\xc3" * FILLED).hexdigest()
    assert client.vps[vps.vps]["slots"]["used"] == 1
    no_trace(service, vps, [backup])

    vps.start()
    write(vps, 0xd4)
    operation, _ = copying(client, vps, "backup.restore", backup=backup)
    kill_qemu(vps)
    completed(client, vps, operation)
    assert vps.running
    vps.destroy()
    assert vps.disk_bytes("vda", 0, FILLED) == b"\xc3" * FILLED
    no_trace(service, vps, [backup])


def panic(vps):
    """What a kernel does that panics: it tells the panic device. libvirt destroys the VPS then, unless a backup job keeps it from it."""
    libvirt_qemu.qemuMonitorCommand(vps.domain, "o /b 0x505 1", libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)


def test_guest_crashes(watched, new_blank):
    service, client = watched
    vps = new_blank(devices="<panic model='isa'/>")
    client.follow(vps.vps)
    write(vps, 0xc3)
    operation, backup = copying(client, vps, "backup.create")
    panic(vps)
    completed(client, vps, operation)
    assert not vps.running and image_sum(service, vps, backup) == hashlib.sha256(b"\xc3" * FILLED).hexdigest()
    no_trace(service, vps, [backup])

    vps.destroy()
    vps.start()
    write(vps, 0xd4)
    operation, _ = copying(client, vps, "backup.restore", backup=backup)
    panic(vps)
    completed(client, vps, operation)
    assert vps.running, "it ran before the restore"
    vps.destroy()
    assert vps.disk_bytes("vda", 0, FILLED) == b"\xc3" * FILLED
    no_trace(service, vps, [backup])


def test_vps_is_destroyed(watched, new_blank):
    service, client = watched
    vps = new_blank()
    client.follow(vps.vps)
    write(vps, 0xc3)
    operation, backup = copying(client, vps, "backup.create")
    vps.destroy()
    completed(client, vps, operation)
    assert not vps.active and image_sum(service, vps, backup) == hashlib.sha256(b"\xc3" * FILLED).hexdigest()
    no_trace(service, vps, [backup])

    vps.start()
    operation, _ = copying(client, vps, "backup.restore", backup=backup)
    vps.destroy()
    completed(client, vps, operation)
    assert vps.running
    no_trace(service, vps, [backup])


def test_vps_is_undefined(watched, new_blank):
    """It goes on as long as there is something to read; the VPS is told as gone when the operation has ended."""
    service, client = watched
    vps = new_blank("fleeting")
    client.follow(vps.vps)
    write(vps, 0xc3)
    definition = vps.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    operation, backup = copying(client, vps, "backup.create")
    vps.domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
    completed(client, vps, operation)
    assert vps.active and image_sum(service, vps, backup) == hashlib.sha256(b"\xc3" * FILLED).hexdigest()

    # It is transient now: powered off, it is gone at once, and so is what was being read.
    operation, lost = copying(client, vps, "backup.create")
    vps.domain.destroy()
    told = client.wait_event("notification.added", lambda told: told["operation"] == operation)
    assert (told["type"], told["reason"]) == ("backup_failed", "interrupted")
    assert client.refusal("vps.get", vps=vps.vps).reason == "not_found"
    assert service.backup_folders(vps.vps) == [backup]
    assert service.lock_held(vps.vps) is None
    beside = [path.name for path in vps.disk("vda").path.parent.iterdir() if "scratch" in path.name]
    assert beside == []

    # Defined again it has its backup, in its slot; a restore of a VPS that vanishes fails and leaves nothing.
    vps.domain = vps.connection.createXML(definition)
    client.follow(vps.vps)
    assert [one["id"] for one in client.vps[vps.vps]["backups"]] == [backup] and lost != backup
    operation, _ = copying(client, vps, "backup.restore", backup=backup)
    vps.domain.destroy()
    told = client.wait_event("notification.added", lambda told: told["operation"] == operation)
    assert told["type"] == "restore_failed"
    assert isolated.wait_until(lambda: service.lock_held(vps.vps) is None, "the lock is released")
    left = [path.name for path in vps.disk("vda").path.parent.iterdir() if "fleeting" in path.name]
    assert left == [vps.disk("vda").path.name], left
