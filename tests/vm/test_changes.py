# SPDX-License-Identifier: LGPL-2.1-or-later
"""Only what changed is read and written back, and still every snapshot is the whole disk as it was. Random sequences: tests/walk."""

import os

import guest as guests
import isolated
import pytest

MIB = 1 << 20


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
