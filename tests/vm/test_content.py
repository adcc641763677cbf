# SPDX-License-Identifier: LGPL-2.1-or-later
"""A restore brings back exactly what the backup saw, and the power state that the VPS had."""

import hashlib
import os

import guest as guests
import isolated
import pytest
import rules


def files_beside(vps):
    """What lies in the folder of the VPS's disks: after an operation, its disks and nothing else."""
    return sorted(os.listdir(vps.disks[0].path.parent))


def digest(vps, target="vda"):
    return hashlib.sha256(vps.disk_bytes(target)).hexdigest()


def test_running_guest_sees_its_old_files_again(service, new_guest, tree):
    vps = new_guest(disks=[guests.Disk("vda", tree=tree), guests.Disk("vdb", tree=tree, format="raw")]).boot()
    client = service.client()
    client.follow(vps.vps)
    vps.wait_counter(0)
    before = {target: vps.tree_sums(target) for target in ("vda", "vdb")}
    disks = files_beside(vps)

    created, backup = client.back_up(vps.vps)
    assert created["state"] == "completed", created
    rules.check_progress(client.progress_of(created["id"]))
    seen = client.vps[vps.vps]["backups"][0]
    assert (seen["state"], seen["consistency"]) == ("available", "filesystem")
    assert [disk["target"] for disk in seen["disks"]] == ["vda", "vdb"]
    for target in ("vda", "vdb"):  # frozen means clean: no journal to replay, nothing to mend
        image = service.backup_path(vps.vps, backup) / f"{target}.raw"
        assert "needs_recovery" not in isolated.run("dumpe2fs", "-h", image)
        isolated.run("e2fsck", "-fn", image)

    vps.sh("rm /mnt/vda/random.bin; echo changed >/mnt/vda/etc/hostname; dd if=/dev/urandom of=/mnt/vdb/new bs=1M count=5; sync")
    vps.wait_counter(vps.counter() + 5)
    assert vps.tree_sums("vda") != before["vda"] and vps.tree_sums("vdb") != before["vdb"]

    restored = client.restore(vps.vps, backup)
    assert restored["state"] == "completed", restored
    rules.check_progress(client.progress_of(restored["id"]))
    assert vps.active and client.vps[vps.vps]["power"] == "running"
    vps.wait_ready()
    assert {target: vps.tree_sums(target) for target in ("vda", "vdb")} == before
    numbers = [int(line) for line in vps.sh("cat /mnt/vda/counter").split()]
    assert numbers == list(range(1, len(numbers) + 1)), "the counter has a hole, or a number twice"
    assert files_beside(vps) == disks


def test_shut_off_guest_is_byte_for_byte_as_before(service, new_guest, tree):
    vps = new_guest(disks=[guests.Disk("vda", tree=tree), guests.Disk("vdb", format="raw", size=16 << 20)])
    client = service.client()
    client.follow(vps.vps)
    before = digest(vps), digest(vps, "vdb")
    disks = files_beside(vps)
    created, backup = client.back_up(vps.vps)
    assert created["state"] == "completed", created
    assert client.vps[vps.vps]["backups"][0]["consistency"] == "offline"

    vps.boot()
    vps.wait_counter(5)
    vps.sh("dd if=/dev/urandom of=/dev/vdb bs=1M count=3 seek=5; rm -r /mnt/vda/etc; sync")
    vps.power_off()
    assert digest(vps) != before[0] and digest(vps, "vdb") != before[1]

    restored = client.restore(vps.vps, backup)
    assert restored["state"] == "completed", restored
    assert not vps.active and client.vps[vps.vps]["power"] == "stopped"
    assert (digest(vps), digest(vps, "vdb")) == before
    assert files_beside(vps) == disks
    assert "corrupt" not in isolated.run("qemu-img", "check", vps.live_path("vda"))
    vps.boot()
    assert vps.counter() >= 0


def test_paused_vps_is_paused_again(service, new_blank):
    vps = new_blank()
    vps.domain.suspend()
    client = service.client()
    client.follow(vps.vps)
    client.wait_vps(vps.vps, lambda now: now["power"] == "paused", "the VPS is seen as paused")
    created, backup = client.back_up(vps.vps)
    assert created["state"] == "completed", created
    assert client.vps[vps.vps]["power"] == "paused"
    restored = client.restore(vps.vps, backup)
    assert restored["state"] == "completed", restored
    assert client.vps[vps.vps]["power"] == "paused"
    vps.destroy()
    assert vps.disk_bytes("vda", 1 << 20, 16 << 20) == b"\xa1" * (16 << 20)


def test_stop_first_stops_before_the_copy(slow_service, new_blank):
    vps = new_blank()
    client = slow_service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    started = client.request("backup.restore", vps=vps.vps, backup=backup, stop_first=True)["operation"]
    seen = client.wait_vps(vps.vps, lambda now: (now["operation"] or {}).get("state") == "copying" and now["power"] == "stopped",
                           "the VPS is off while its disks are copied")
    assert seen["status"] == "restoring_backup" and not vps.active
    ended = client.wait_operation(vps.vps, started["id"])
    assert ended["state"] == "completed" and vps.running


def test_disk_that_has_grown_keeps_its_size(service, new_blank):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    vps.domain.blockResize("vda", 48 << 20, 1)
    vps.qemu_io("vda", "write -P 0x77 0 47M")
    assert client.restore(vps.vps, backup)["state"] == "completed"
    vps.destroy()
    assert guests.virtual_size(vps.live_path("vda")) == 48 << 20
    data = vps.disk_bytes("vda")
    assert data == bytes(1 << 20) + b"\xa1" * (16 << 20) + bytes(31 << 20)


def test_disk_that_the_backup_lacks_is_left_alone(service, new_blank):
    vps = new_blank(start=False)
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    second = guests.Disk("vdb", size=16 << 20)
    second.make(guests.IMAGES, "late")
    vps.disks.append(second)
    vps.domain.attachDeviceFlags(second.xml(), 2)
    vps.start()
    vps.qemu_io("vda", "write -P 0x11 0 1M")
    vps.qemu_io("vdb", "write -P 0x22 0 1M")
    assert client.restore(vps.vps, backup)["state"] == "completed"
    vps.destroy()
    assert vps.disk_bytes("vda", 0, 1 << 20) == bytes(1 << 20)
    assert vps.disk_bytes("vdb", 0, 1 << 20) == b"\x22" * (1 << 20)


def test_backups_are_independent_and_delete_frees_the_slot(service, new_blank):
    """Deleting any backup leaves the others whole."""
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    _, first = client.back_up(vps.vps, name="first")
    vps.qemu_io("vda", "write -P 0xb2 4M 4M")
    _, second = client.back_up(vps.vps, name="second")
    vps.qemu_io("vda", "write -P 0xc3 8M 4M")
    assert [one["name"] for one in client.vps[vps.vps]["backups"]] == ["second", "first"]
    client.request("backup.delete", vps=vps.vps, backup=first)
    now = client.wait_vps(vps.vps, lambda now: now["slots"]["used"] == 1, "the slot is free")
    assert [one["id"] for one in now["backups"]] == [second]
    assert service.backup_folders(vps.vps) == [second]
    assert client.request("backup.verify", vps=vps.vps, backup=second) == {"ok": True, "bad_chunks": 0}
    assert client.restore(vps.vps, second)["state"] == "completed"
    vps.destroy()
    data = vps.disk_bytes("vda")
    assert data[4 << 20:8 << 20] == b"\xb2" * (4 << 20)
    assert data[8 << 20:17 << 20] == b"\xa1" * (9 << 20)
    assert data[17 << 20:] == bytes(15 << 20)


def test_backup_is_found_by_a_new_service(new_service, new_blank):
    """The pool describes itself: a service with an empty database lists and restores what is there."""
    vps = new_blank()
    one = new_service()
    client = one.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps, name="kept")
    one.stop()
    vps.qemu_io("vda", "write -P 0x01 0 20M")
    other = new_service(pool_path=one.pool)
    client = other.client()
    seen = client.follow(vps.vps)
    assert [(found["id"], found["name"]) for found in seen["backups"]] == [(backup, "kept")]
    assert client.restore(vps.vps, backup)["state"] == "completed"
    vps.destroy()
    assert vps.disk_bytes("vda", 0, 17 << 20) == bytes(1 << 20) + b"\xa1" * (16 << 20)


def test_image_in_the_pool_is_a_plain_raw_disk(service, new_blank):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    vps.destroy()
    folder = service.backup_path(vps.vps, backup)
    image = folder / "vda.raw"
    assert image.read_bytes() == vps.disk_bytes("vda")
    assert image.stat().st_blocks * 512 < 24 << 20, "holes should have stayed holes"
    assert folder.stat().st_mode & 0o777 == 0o700
    manifest = service.manifest(vps.vps, backup)
    assert manifest and sorted(os.listdir(folder)) == ["domain.xml", "manifest.json", "vda.raw", "vda.sums"]
    assert (folder / "vda.sums").stat().st_size > 0


@pytest.mark.parametrize("options", ["cache='none' io='native'", "discard='unmap' detect_zeroes='unmap'"])
def test_driver_options_survive(service, new_blank, options):
    vps = new_blank(disks=[guests.Disk("vda", size=32 << 20, driver=options)])
    client = service.client()
    client.follow(vps.vps)
    xml = vps.domain.XMLDesc(2)
    _, backup = client.back_up(vps.vps)
    assert client.restore(vps.vps, backup)["state"] == "completed"
    assert vps.domain.XMLDesc(2) == xml
