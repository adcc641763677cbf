# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is damaged, missing, full or refuses to work hurts neither the VPS nor the next backup."""

import contextlib
import os
import pathlib
import signal
import sqlite3
import stat

import backups
import guest as guests
import isolated
import pytest

MIB = 1 << 20
HOOK = pathlib.Path("/etc/libvirt/hooks/qemu.d/refuse")


def flip_byte(path, offset):
    with open(path, "r+b") as image:
        image.seek(offset)
        byte = image.read(1)
        image.seek(offset)
        image.write(bytes([byte[0] ^ 0x10]))


def files_beside(vps):
    return sorted(os.listdir(vps.disks[0].path.parent))


def expect_no_trace(service, client, vps, folders=()):
    """Nothing of an operation that has failed is left, and the next one works."""
    now = client.vps[vps.vps]
    assert now["operation"] is None and now["slots"]["used"] == len(folders)
    assert service.backup_folders(vps.vps) == sorted(folders)
    assert [name for name in vps.checkpoints() if name.removeprefix("vps-backup.") not in folders] == []
    assert not service.lock_held(vps.vps)
    if vps.active:
        with pytest.raises(guests.libvirt.libvirtError):
            vps.domain.backupGetXMLDesc()


def shorten(path):
    os.truncate(path, 20 * MIB)


def overwrite(path):
    flip_byte(path, 20 * MIB)


def replace(path):
    """As many programs write a file."""
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes())
    new.rename(path)


@pytest.mark.parametrize("change", [shorten, overwrite, replace])
def test_image_that_another_program_changes_while_it_is_backed_up(new_service, new_blank, change):
    """The VPS is off, so that nothing but the image tells of it."""
    service = new_service(operations={"bandwidth-limit": "4M", "scratch-reserve": "1M"})
    vps = new_blank(disks=[guests.Disk("vda", size=32 * MIB, format="raw")])
    vps.qemu_io("vda", "write -P 0x55 0 32M")
    client = service.client()
    client.follow(vps.vps)
    vps.destroy()
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it is off")
    started = client.request("backup.create", vps=vps.vps)
    client.wait_state(started["operation"]["id"], "copying", bytes_done=MIB)
    change(vps.disks[0].path)
    ended = client.wait_operation(vps.vps, started["operation"]["id"])
    assert ended["state"] == "failed" and ended["error"]["reason"] == "disk_busy", ended
    expect_no_trace(service, client, vps)
    assert client.back_up(vps.vps)[0]["state"] == "completed"


@pytest.mark.parametrize("stop_first", [False, True])
def test_flipped_byte_is_found_before_the_swap(service, new_blank, stop_first):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    flip_byte(service.backup_path(vps.vps, backup) / "vda.raw", 9 * MIB + 12345)
    vps.qemu_io("vda", "write -P 0x55 0 20M")
    pid, disks = vps.qemu_pid(), files_beside(vps)

    ended = client.restore(vps.vps, backup, stop_first=stop_first)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "checksum_mismatch", ended
    assert ended["error"]["message"] and str(service.pool) not in ended["error"]["message"]
    client.wait_event("notification.added", lambda told: told["type"] == "restore_failed"
                      and told["reason"] == "checksum_mismatch" and told["backup"] == backup)
    assert vps.running and files_beside(vps) == disks
    assert stop_first or vps.qemu_pid() == pid, "the VPS should not have been touched"
    expect_no_trace(service, client, vps, [backup])
    verdict = client.request("backup.verify", vps=vps.vps, backup=backup)
    assert verdict == {"ok": False, "bad_chunks": 1}
    vps.destroy()
    assert vps.disk_bytes("vda", 0, 20 * MIB) == b"\x55" * (20 * MIB)


def test_damage_in_a_hole_is_found(service, new_blank):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    with open(service.backup_path(vps.vps, backup) / "vda.raw", "r+b") as image:
        image.seek(30 * MIB)
        image.write(b"x")
    assert client.request("backup.verify", vps=vps.vps, backup=backup) == {"ok": False, "bad_chunks": 1}
    assert client.failure_of_restore(vps.vps, backup) == "checksum_mismatch"
    assert vps.running


def last_check(service, backup):
    """When, and with how many bad chunks; (0, None) before the first."""
    with contextlib.closing(sqlite3.connect(service.state / "journal.sqlite")) as journal:
        return journal.execute("SELECT checked_at, bad_chunks FROM checks WHERE backup = ?", (backup,)).fetchone() or (0, None)


def test_rot_is_reported_to_the_operator_before_anybody_needs_the_backup(new_service, new_blank):
    vps = new_blank()
    service = new_service(pool={"check-interval": "1s"})
    client, customer = service.client(), service.customer(vps.vps)
    client.follow(vps.vps)
    customer.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    image = service.backup_path(vps.vps, backup) / "vda.raw"

    def told(who):
        return [one["backup"] for one in who.request("notification.list", vps=vps.vps)["notifications"] if one["type"] == "backup_damaged"]

    def wait_checked(bad):
        before, _ = last_check(service, backup)
        isolated.wait_until(lambda: (check := last_check(service, backup))[0] > before and check[1] == bad, f"a check finds {bad} bad chunks")

    wait_checked(0)
    assert told(client) == []
    flip_byte(image, 9 * MIB + 12345)
    event = client.wait_event("notification.added", lambda one: one["type"] == "backup_damaged")
    assert (event["backup"], event["reason"]) == (backup, "checksum_mismatch")
    assert told(customer) == [] and "backup_damaged" not in str(customer.events), "this is nothing for customers"
    service.restart()
    client = service.client()
    wait_checked(1)
    assert told(client) == [backup], "it is told once"


def test_truncated_or_missing_file_of_a_backup_is_found(service, new_blank):
    vps = new_blank()
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    pid, disks = vps.qemu_pid(), files_beside(vps)
    for name in ("vda.raw", "vda.sums", "manifest.json"):
        path = service.backup_path(vps.vps, backup) / name
        whole = path.read_bytes()
        for harm in (lambda path: os.truncate(path, path.stat().st_size // 2), pathlib.Path.unlink):
            harm(path)
            assert client.failure_of_restore(vps.vps, backup) == "checksum_mismatch", name
            assert vps.running and vps.qemu_pid() == pid and files_beside(vps) == disks
            path.write_bytes(whole)
    manifest = service.backup_path(vps.vps, backup) / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"virtual_size_bytes"', b'"virtual_size_bytez"'))
    assert client.failure_of_restore(vps.vps, backup) == "checksum_mismatch"
    assert client.refusal("backup.verify", vps=vps.vps, backup=backup).reason == "checksum_mismatch"
    expect_no_trace(service, client, vps, [backup])
    assert vps.running and vps.qemu_pid() == pid and files_beside(vps) == disks


def test_pool_without_room_refuses(new_service, new_blank):
    vps = new_blank(disks=[guests.Disk("vda", size=128 * MIB)])
    vps.qemu_io("vda", "write -P 0x42 0 100M")
    pool = isolated.mount_ext4(isolated.new_folder("small") / "pool", 64 * MIB)
    service = new_service(pool_path=pool)
    client = service.client()
    client.follow(vps.vps)
    assert client.refusal("backup.create", vps=vps.vps).reason == "insufficient_space"
    expect_no_trace(service, client, vps)


def test_reserve_is_never_used_up(new_service, new_blank):
    vps = new_blank()
    pool = isolated.mount_ext4(isolated.new_folder("reserved") / "pool", 128 * MIB)
    service = new_service(pool_path=pool, pool={"reserve": "90%"})
    client = service.client()
    client.follow(vps.vps)
    assert client.refusal("backup.create", vps=vps.vps).reason == "insufficient_space"


def test_pool_that_fills_up_during_the_copy(new_service, new_blank):
    vps = new_blank()
    pool = isolated.mount_ext4(isolated.new_folder("filling") / "pool", 96 * MIB)
    service = new_service(pool_path=pool, operations={"bandwidth-limit": "4M"})
    client = service.client()
    client.follow(vps.vps)
    operation = client.request("backup.create", vps=vps.vps)["operation"]["id"]
    client.wait_state(operation, "copying", bytes_done=1)
    free = os.statvfs(pool)
    isolated.run("fallocate", "-l", free.f_bavail * free.f_frsize - 3 * MIB, pool / "somebody else's")
    ended = client.wait_operation(vps.vps, operation)
    assert ended["state"] == "failed" and ended["error"]["reason"] == "insufficient_space", ended
    expect_no_trace(service, client, vps)
    assert vps.running
    (pool / "somebody else's").unlink()
    assert client.back_up(vps.vps)[0]["state"] == "completed"


def fill(pool):
    """Not a byte is left; the file that took it."""
    taken = pool / "somebody else's"
    with open(taken, "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return taken


@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_backups_of_a_full_pool_can_be_restored_and_deleted(new_service, new_blank, what):
    vps, other = new_blank(), new_blank("other")
    pool = isolated.mount_ext4(isolated.new_folder("full") / "pool", 96 * MIB)
    service = new_service(pool_path=pool, pool={"reserve": "0"})
    client = service.client()
    client.follow(vps.vps)
    client.follow(other.vps)
    _, backup = client.back_up(vps.vps)
    _, others = client.back_up(other.vps)
    if what == "bytes":
        fill(pool)
    else:
        with contextlib.suppress(OSError):
            for number in range(1 << 20):
                (pool / str(number)).touch()
    for _ in range(3):
        assert backups.try_back_up(client, vps) == (None, "insufficient_space")
    assert client.restore(vps.vps, backup)["state"] == "completed"
    assert client.request("backup.verify", vps=vps.vps, backup=backup)["ok"]
    assert client.request("backup.delete", vps=vps.vps, backup=backup) == {}
    assert client.request("backup.delete", vps=other.vps, backup=others) == {}
    expect_no_trace(service, client, vps)


def test_pool_that_vanishes_and_comes_back(new_service, new_blank):
    vps = new_blank()
    pool = isolated.mount_ext4(isolated.new_folder("vanishing") / "pool", 256 * MIB)
    service = new_service(pool_path=pool)
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    isolated.run("umount", "-l", pool)
    client.wait_vps(vps.vps, lambda now: now["can_create"]["reason"] == "pool_unavailable", "the missing pool is noticed")
    assert client.refusal("backup.create", vps=vps.vps).reason == "pool_unavailable"
    assert client.refusal("backup.restore", vps=vps.vps, backup=backup).reason == "pool_unavailable"
    assert os.listdir(pool) == [], "nothing may be written below the mount point of a pool that is not there"


def write_hook(script):
    HOOK.write_text("#!/bin/sh\n" + script)
    HOOK.chmod(HOOK.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def refusing_hook():
    """A hook that lets no VPS start whose first disk, a raw one, begins with `BAD`; the daemon must know it from its start."""
    write_hook("""
[ "$2 $3" = "prepare begin" ] || exit 0
disk=$(sed -n "s/.*<source file='\\([^']*\\)'.*/\\1/p" | head -n 1)
[ "$(head -c 3 "$disk")" != BAD ] || exit 1
""")
    isolated.stop_libvirtd(signal.SIGTERM)
    isolated.start_libvirtd()
    yield
    HOOK.unlink()


def test_start_that_fails_puts_the_old_disk_back(refusing_hook, new_service, new_guest):
    vps = new_guest("blank", [guests.Disk("vda", size=32 * MIB, format="raw")], kind=guests.Blank)
    with open(vps.disks[0].path, "r+b") as image:
        image.write(b"BAD")
    service = new_service()
    client = service.client()
    client.follow(vps.vps)
    created, backup = client.back_up(vps.vps)
    assert created["state"] == "completed", created
    with pytest.raises(guests.libvirt.libvirtError):
        vps.start()
    with open(vps.disks[0].path, "r+b") as image:
        image.write(b"GOOD")
    vps.start()
    client.wait_vps(vps.vps, lambda now: now["power"] == "running", "the start is noticed")
    disks = files_beside(vps)

    ended = client.restore(vps.vps, backup)
    assert ended["state"] == "failed", ended
    assert vps.running and client.vps[vps.vps]["power"] == "running"
    assert files_beside(vps) == disks
    expect_no_trace(service, client, vps, [backup])
    client.wait_event("notification.added", lambda told: told["type"] == "restore_failed")
    vps.destroy()
    assert vps.disk_bytes("vda", 0, 4) == b"GOOD"


@pytest.fixture
def holding_hook():
    """A hook that keeps each VPS from starting while its file `hold` exists; the daemon must know it from its start."""
    hold = isolated.new_folder("holding") / "hold"
    write_hook(f"""
[ "$2 $3" = "prepare begin" ] || exit 0
tries=600
while [ -e '{hold}' ] && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
""")
    isolated.stop_libvirtd(signal.SIGTERM)
    isolated.start_libvirtd()
    yield hold
    hold.unlink(missing_ok=True)
    HOOK.unlink()


def test_restore_cannot_be_cancelled_once_the_disks_are_swapped(holding_hook, service, new_blank):
    vps = new_blank()
    vps.qemu_io("vda", "write -P 0xa1 0 1M")
    client = service.client()
    client.follow(vps.vps)
    _, backup = client.back_up(vps.vps)
    vps.qemu_io("vda", "write -P 0xb2 0 1M")
    disks = files_beside(vps)
    holding_hook.touch()
    operation = client.request("backup.restore", vps=vps.vps, backup=backup)["operation"]["id"]
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it is off for the swap")
    finishing = client.wait_state(operation, "finishing")
    assert finishing["progress"] < 100
    assert client.refusal("operation.cancel", vps=vps.vps, operation=operation).reason == "too_late"
    assert service.lock_held(vps.vps) in (None, f"swap {operation}")
    holding_hook.unlink()
    assert client.wait_operation(vps.vps, operation)["state"] == "completed"
    assert vps.running and client.vps[vps.vps]["power"] == "running"
    expect_no_trace(service, client, vps, [backup])
    assert files_beside(vps) == disks
    vps.destroy()
    assert vps.disk_bytes("vda", 0, 2) == b"\xa1\xa1"


def test_disk_storage_without_room_fails_the_restore(service, new_guest):
    folder = isolated.mount_ext4(isolated.new_folder("disks") / "images", 96 * MIB)
    folder.chmod(0o755)
    vps = new_guest("blank", [guests.Disk("vda", size=64 * MIB)], kind=guests.Blank, folder=folder)
    vps.start()
    vps.qemu_io("vda", "write -P 0xa1 0 48M")
    client = service.client()
    client.follow(vps.vps)
    vps.destroy()
    client.wait_vps(vps.vps, lambda now: now["power"] == "stopped", "it is off")
    created, backup = client.back_up(vps.vps)
    assert created["state"] == "completed", created
    vps.start()
    disks = files_beside(vps)
    assert client.failure_of_restore(vps.vps, backup) == "insufficient_space"
    assert vps.running and files_beside(vps) == disks
