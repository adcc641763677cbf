# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VPS moves to another host while it is backed up, while it is restored, and while nothing happens."""

import os
import pathlib
import signal
import subprocess
import uuid

import guest as guests
import isolated
import pytest
import second_host
import service as services

LIBVIRTD_CONF = pathlib.Path("/etc/libvirt/libvirtd.conf")
SIZE = 32 << 20
FILLED = 20 << 20


@pytest.fixture
def there(new_service):  # pylint: disable=unused-argument # so that it goes before the services
    """libvirt migrates to a host with another UUID only; the one here read its file when it started."""
    config = LIBVIRTD_CONF.read_text()
    LIBVIRTD_CONF.write_text(f'{config}host_uuid = "{uuid.uuid4()}"\n')
    made = second_host.SecondHost()
    LIBVIRTD_CONF.write_text(config)
    yield made
    made.close()


@pytest.fixture
def moving(new_service, new_guest, there):
    """A running VPS, its service here, and one there that has the same pool."""
    folder = isolated.new_folder("shared")
    folder.chmod(0o777)
    vps = new_guest("mover", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=folder)
    vps.start()
    write(vps, 0xa1)
    here = new_service(operations={"bandwidth-limit": "10M", "scratch-reserve": "1M"})
    other = services.Service(pool_path=here.pool, libvirt={"uri": there.uri}, bridge={"listen": ""})
    yield vps, here, other
    problems = other.problems()
    other.stop()
    assert not problems


def write(vps, byte):
    vps.qemu_io("vda", f"write -P {byte} 0 {FILLED >> 20}M")
    vps.qemu_io("vda", "flush")


def migrate(source, target, *words):
    """What virsh says when it refuses; None when the VPS has moved."""
    done = subprocess.run(["virsh", "-c", source, "migrate", "--live", "--unsafe", "--persistent", *words, "mover", target,
                           "--migrateuri", "tcp://127.0.0.1"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else None


def copying(client, vps, method, **params):
    operation = client.request(method, vps=vps.vps, **params)["operation"]
    client.wait_state(operation["id"], "copying", bytes_done=2 << 20)
    return operation["id"], operation["backup"]


def image(service, vps, backup):
    return (service.backup_path(vps.vps, backup) / "vda.raw").read_bytes()[:FILLED]


def beside(vps):
    disk = vps.disk("vda").path
    return [path.name for path in disk.parent.iterdir() if path != disk]


def test_a_vps_moves(moving, there):
    vps, here, other = moving
    client = here.client()
    client.follow(vps.vps)
    client.request("slots.set", vps=vps.vps, total=3)

    # libvirt lets a VPS go when its backup job has ended.
    operation, first = copying(client, vps, "backup.create")
    assert migrate(isolated.URI, there.uri) is None
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed" and image(here, vps, first) == b"\xa1" * FILLED
    assert migrate(there.uri, isolated.URI, "--undefinesource") is None
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "the VPS is home again")

    # It goes during a restore, and its definition stays: nothing here may touch the disk, or start it here again.
    write(vps, 0xb2)
    operation, _ = copying(client, vps, "backup.restore", backup=first)
    inode = vps.disk("vda").path.stat().st_ino
    os.kill(here.worker_pid(), signal.SIGSTOP)  # so that it takes no longer than the copy
    assert migrate(isolated.URI, there.uri) is None
    os.kill(here.worker_pid(), signal.SIGCONT)
    ended = client.wait_operation(vps.vps, operation)
    assert (ended["state"], ended["error"]["reason"]) == ("failed", "interrupted"), ended
    assert vps.disk("vda").path.stat().st_ino == inode and beside(vps) == []
    assert not vps.active and there.connection.lookupByName("mover").isActive()
    assert here.lock_held(vps.vps) is None

    # There it has its backups and slots; here it is gone with its definition.
    vps.domain.undefineFlags(guests.libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
    client.wait_event("vps.removed", lambda told: told["vps"] == vps.vps)
    beyond = other.start().client()
    beyond.follow(vps.vps)
    now = beyond.vps[vps.vps]
    assert [one["id"] for one in now["backups"]] == [first] and now["slots"]["total"] == 3 and now["power"] == "running"
    ended, second = beyond.back_up(vps.vps)
    assert ended["state"] == "completed" and image(other, vps, second) == b"\xb2" * FILLED

    # And home again, where its backup from there is known.
    assert migrate(there.uri, isolated.URI, "--undefinesource") is None
    vps.domain = vps.connection.lookupByUUIDString(vps.vps)
    client.follow(vps.vps)
    now = client.wait_vps(vps.vps, lambda now: len(now["backups"]) == 2, "both backups are listed")
    assert {one["id"] for one in now["backups"]} == {first, second} and now["slots"]["total"] == 3
    ended, third = client.back_up(vps.vps)
    assert ended["state"] == "completed" and image(here, vps, third) == b"\xb2" * FILLED
    ended = client.restore(vps.vps, first)
    assert ended["state"] == "completed" and vps.running
    vps.destroy()
    assert vps.disk_bytes("vda", 0, FILLED) == b"\xa1" * FILLED
