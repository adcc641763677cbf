# SPDX-License-Identifier: LGPL-2.1-or-later
"""A backup holds the disks as they were at one instant, whatever the guest writes while it is copied.

The guest writes rings (see guest-tool.c): small records that overwrite each other all the time. A copy that mixed two instants would
hold a torn record, one that is too new, or lack one. The rings lie behind other data, so that all records have been overwritten by the
time the copy gets there (test_lab.py shows that a copy without a point in time is seen).
"""

import guest as guests
import pytest

SLOTS = 64
RING_START = 14 << 20
RING_BYTES = SLOTS * guests.RING_RECORD


@pytest.fixture
def very_slow_service(new_service):
    return new_service(operations={"bandwidth-limit": "2M"})


def back_up_while_writing(service, vps, rings):
    """Creates a backup while the rings turn: its id, and the numbers written before and after its point in time."""
    client = service.client()
    client.follow(vps.vps)
    vps.start_ring(rings, SLOTS, RING_START)
    before = vps.wait_ring(2 * SLOTS)
    started = client.request("backup.create", vps=vps.vps)
    operation = started["operation"]["id"]
    client.wait_state(operation, "copying")
    after = vps.ring_written()
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    assert vps.stop_ring() > after + SLOTS, "the guest should have overwritten all records during the copy"
    return started["backup"]["id"], before, after


def image_ring(service, vps, backup, target, index=0):
    path = service.backup_path(vps.vps, backup) / f"{target}.raw"
    return guests.parse_ring(guests.image_bytes(path, "raw", RING_START, RING_BYTES), SLOTS, index)


def fill(vps, target):
    """Data before the ring, so that the copy takes a while."""
    vps.sh(f"dd if=/dev/urandom of=/dev/{target} bs=1M count=12 conv=notrunc 2>/dev/null; sync")


def test_writing_guest_is_captured_at_one_instant(very_slow_service, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=32 << 20)]).boot()
    fill(vps, "vda")
    backup, before, after = back_up_while_writing(very_slow_service, vps, ["vda"])
    ring = image_ring(very_slow_service, vps, backup, "vda")
    assert before <= ring.last <= after + 1


def test_two_disks_share_one_point_in_time(very_slow_service, new_guest):
    """Each record goes to the first disk, then to the second: at any instant the first is at most one ahead."""
    vps = new_guest(disks=[guests.Disk("vda", size=32 << 20), guests.Disk("vdb", size=32 << 20, format="raw")]).boot()
    fill(vps, "vda")
    backup, before, after = back_up_while_writing(very_slow_service, vps, ["vda", "vdb"])
    first = image_ring(very_slow_service, vps, backup, "vda", 0)
    second = image_ring(very_slow_service, vps, backup, "vdb", 1)
    assert 0 <= first.last - second.last <= 1, f"{first} and {second} are not of one instant"
    assert before <= second.last and first.last <= after + 1


def test_file_systems_are_frozen_for_the_instant(very_slow_service, new_guest, tree):
    """With an agent the counter files of both disks end with the same number, and the guest goes on at once."""
    vps = new_guest(disks=[guests.Disk("vda", size=64 << 20, tree=tree), guests.Disk("vdb", size=32 << 20, tree=tree)]).boot()
    client = very_slow_service.client()
    client.follow(vps.vps)
    vps.wait_counter(3)
    started = client.request("backup.create", vps=vps.vps)
    operation = started["operation"]["id"]
    client.wait_state(operation, "copying")
    vps.wait_counter(vps.counter() + 3)
    assert "thawed" in guests.libvirt_qemu.qemuAgentCommand(vps.domain, '{"execute":"guest-fsfreeze-status"}', 5, 0)
    assert client.operation(vps.vps, operation)["state"] == "copying", "the guest should go on during the copy"
    assert client.wait_operation(vps.vps, operation)["state"] == "completed"
    last = []
    for target in ("vda", "vdb"):
        image = very_slow_service.backup_path(vps.vps, started["backup"]["id"]) / f"{target}.raw"
        assert "needs_recovery" not in guests.run("dumpe2fs", "-h", image)
        numbers = [int(line) for line in guests.run("debugfs", "-R", "cat counter", image).split() if line.isdigit()]
        assert numbers == list(range(1, len(numbers) + 1))
        last.append(numbers[-1])
    assert 0 <= last[0] - last[1] <= 1


def test_without_an_agent_the_backup_is_crash_consistent(service, new_guest, tree):
    vps = new_guest(disks=[guests.Disk("vda", tree=tree)], agent=False).boot()
    client = service.client()
    client.follow(vps.vps)
    vps.wait_counter(3)
    started = client.request("backup.create", vps=vps.vps)
    assert client.wait_operation(vps.vps, started["operation"]["id"])["state"] == "completed"
    assert client.vps[vps.vps]["backups"][0]["consistency"] == "crash"


def test_powered_off_guest_is_backed_up_all_the_same(very_slow_service, new_guest):
    """The point in time is lost with QEMU; the same backup starts over from the shut-off disk."""
    vps = new_guest(disks=[guests.Disk("vda", size=32 << 20)]).boot()
    fill(vps, "vda")
    client = very_slow_service.client()
    client.follow(vps.vps)
    started = client.request("backup.create", vps=vps.vps)
    operation = started["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    vps.destroy()
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    seen = client.vps[vps.vps]["backups"][0]
    assert (seen["id"], seen["consistency"]) == (started["backup"]["id"], "offline")
    path = very_slow_service.backup_path(vps.vps, seen["id"]) / "vda.raw"
    assert path.read_bytes() == vps.disk_bytes("vda")


def test_guest_that_shuts_down_is_backed_up_all_the_same(very_slow_service, new_guest):
    """libvirt from 11.10 on keeps QEMU until the end, and the point in time with it; before, the backup starts over from the disk."""
    vps = new_guest(disks=[guests.Disk("vda", size=32 << 20)]).boot()
    fill(vps, "vda")
    before = vps.disk_bytes("vda")
    goes_on = vps.domain.connect().getLibVersion() >= 11_010_000
    client = very_slow_service.client()
    client.follow(vps.vps)
    started = client.request("backup.create", vps=vps.vps)
    operation = started["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    vps.sh("printf 'after the point in time' | dd of=/dev/vda bs=1M seek=30 conv=notrunc,fsync 2>/dev/null")
    vps.power_off()
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "completed", ended
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", f"{vps.name} is off")
    seen = client.vps[vps.vps]["backups"][0]
    after = vps.disk_bytes("vda")
    assert after != before
    assert seen["consistency"] == ("crash" if goes_on else "offline")
    image = (very_slow_service.backup_path(vps.vps, seen["id"]) / "vda.raw").read_bytes()
    assert image == (before if goes_on else after)
    vps.boot()
    client.back_up(vps.vps)
