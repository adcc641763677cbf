# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that change places, copies of disks, disks that are replaced or renamed, clones of whole VPSs: what was learnt about one
disk is never believed of another."""

import contextlib
import pathlib
import shutil
import uuid

import guest as guests
import guest_view
import isolated
import pytest
from backups import (back_up, check_backup_is_the_disk, check_guest, check_image, entry, image, off, on, restore, stored_bitmaps, try_back_up,
                     try_restore)

MIB = 1 << 20
SIZE = 16 * MIB


@pytest.fixture
def folder():
    return isolated.new_folder("disks")


@pytest.fixture
def place():
    """A file system with reflinks for pool and disks: restores write back only what has changed where they can."""
    path = isolated.mount_xfs(isolated.new_folder("reflinks"), 2 << 30)
    (path / "disks").mkdir()
    return path


@pytest.fixture(params=["delta", "staged"])
def any_service(request, new_service, place):
    """Restores of both kinds."""
    options = {"delta-limit": 0} if request.param == "staged" else {}
    return new_service(pool_path=place / "pool", slots={"included": 8, "maximum": 8}, operations=options)


@pytest.fixture
def roomy_service(new_service, place):
    return new_service(pool_path=place / "pool", slots={"included": 8, "maximum": 8})


@pytest.fixture
def new_vps(new_guest, place):
    """A running VPS whose disks hold different bytes all over: 0xa0, 0xb0, 0xc0, …"""
    def make(count=2, name="vps", **options):
        disks = [guests.Disk(f"vd{chr(ord('a') + number)}", size=SIZE, **options) for number in range(count)]
        vps = new_guest(name, disks, kind=guests.Blank, folder=place / "disks").start()
        for number, disk in enumerate(disks):
            vps.qemu_io(disk.target, f"write -P {0xA0 + 16 * number} 0 12M")
        return vps
    return make


def content(number):
    return bytes([0xA0 + 16 * number]) * (12 * MIB) + bytes(4 * MIB)


def follow(service, vps):
    client = service.client()
    client.follow(vps.vps)
    return client


def define(vps):
    """The definition follows vps.disks."""
    vps.domain = vps.connection.defineXML(vps.xml())


def swap_files(vps, one, other):
    first, second = vps.disk(one), vps.disk(other)
    first.path, second.path = second.path, first.path
    define(vps)


# ---- disks that change places


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("count", [2, 3])
def test_backup_after_disks_have_changed_places(roomy_service, new_vps, count, running):
    service, vps = roomy_service, new_vps(count)
    client = follow(service, vps)
    first = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    off(client, vps)
    swap_files(vps, "vda", vps.disks[-1].target)
    if running:
        on(client, vps)
    second, _ = try_back_up(client, vps)
    if second:
        on(client, vps)
        check_backup_is_the_disk(service, vps, second, [disk.target for disk in vps.disks])
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x12 3M 1M")
    third, _ = try_back_up(client, vps)
    if third:
        check_backup_is_the_disk(service, vps, third, [disk.target for disk in vps.disks])
    check_image(service, vps, first, {disk.target: content(number) for number, disk in enumerate(vps.disks)})


@pytest.mark.parametrize("running", [True, False])
def test_restore_after_disks_have_changed_places(any_service, new_vps, running):
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    swap_files(vps, "vda", "vdb")
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    vps.qemu_io("vdb", "write -P 0x12 2M 1M")
    before = {target: guest_view.disk_bytes(vps, target) for target in ("vda", "vdb")}
    if not running:
        off(client, vps)
    if try_restore(client, vps, backup) is None:
        on(client, vps)
        found = [guest_view.disk_bytes(vps, target) for target in ("vda", "vdb")]
        assert found in ([content(0), content(1)], [content(1), content(0)]), "the disks are mixtures"
        again = back_up(client, vps)
        check_backup_is_the_disk(service, vps, again, ["vda", "vdb"])
    else:
        on(client, vps)
        check_guest(vps, before)


def attach(vps, disk, live=True, config=True):
    flags = (guests.libvirt.VIR_DOMAIN_AFFECT_LIVE if live else 0) | (guests.libvirt.VIR_DOMAIN_AFFECT_CONFIG if config else 0)
    vps.domain.attachDeviceFlags(disk.xml(), flags)


def detach(vps, disk, live=True, config=True):
    flags = (guests.libvirt.VIR_DOMAIN_AFFECT_LIVE if live else 0) | (guests.libvirt.VIR_DOMAIN_AFFECT_CONFIG if config else 0)
    vps.domain.detachDeviceFlags(disk.xml(), flags)


@pytest.mark.parametrize("then", ["backup", "restore"])
def test_disks_attached_in_another_order(any_service, new_vps, then):
    service, vps = any_service, new_vps(3)
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    for target in ("vdb", "vdc"):
        detach(vps, vps.disk(target), live=False)
    vdb, vdc = vps.disk("vdb"), vps.disk("vdc")
    vdb.target, vdc.target = "vdc", "vdb"
    for disk in (vdc, vdb):
        attach(vps, disk, live=False)
    on(client, vps)
    expected = {"vda": content(0), "vdb": content(2), "vdc": content(1)}
    check_guest(vps, expected)
    if then == "backup":
        second, _ = try_back_up(client, vps)
        if second:
            check_image(service, vps, second, expected)
        return
    vps.qemu_io("vdb", "write -P 0x11 1M 1M")
    before = {target: guest_view.disk_bytes(vps, target) for target in expected}
    if try_restore(client, vps, backup) is None:
        found = [guest_view.disk_bytes(vps, target) for target in ("vdb", "vdc")]
        assert found in ([content(1), content(2)], [content(2), content(1)]), "the disks are mixtures"
    else:
        check_guest(vps, before)


# ---- copies


def copied(source, target):
    """`cp` over a file: the inode stays."""
    shutil.copyfile(source, target)


COPIES = {
    "cp": copied,
    "mv": lambda source, target: (copied(source, f"{target}.new"), pathlib.Path(f"{target}.new").rename(target)),
    "convert": lambda source, target: isolated.run("qemu-img", "convert", "--bitmaps", "-O", "qcow2", source, target),
}


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("how", COPIES)
def test_disk_that_is_a_copy_of_another(roomy_service, new_vps, how, running):
    """vdb has vda's content and vda's bitmaps now."""
    service, vps = roomy_service, new_vps(2)
    client = follow(service, vps)
    back_up(client, vps)
    off(client, vps)
    COPIES[how](vps.disk("vda").path, vps.disk("vdb").path)
    if running:
        on(client, vps)
    second, _ = try_back_up(client, vps)
    if second:
        check_image(service, vps, second, {"vda": content(0), "vdb": content(0)})
    on(client, vps)
    check_guest(vps, {"vda": content(0), "vdb": content(0)})


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("backups_since", [0, 1, 2])
def test_older_copy_put_back(any_service, new_vps, backups_since, running):
    """An image of the host's own making, from between two backups."""
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    first = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    off(client, vps)
    kept = isolated.new_folder("kept") / "vda.qcow2"
    shutil.copyfile(vps.disk("vda").path, kept)
    on(client, vps)
    for number in range(backups_since):
        vps.qemu_io("vda", f"write -P {0x21 + number} {4 + number}M 1M")
        back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x31 8M 1M")
    off(client, vps)
    shutil.copyfile(kept, vps.disk("vda").path)
    if running:
        on(client, vps)
    expected = bytearray(content(0))
    expected[MIB:2 * MIB] = b"\x11" * MIB
    backup, _ = try_back_up(client, vps)
    if backup:
        check_image(service, vps, backup, {"vda": expected, "vdb": content(1)})
    on(client, vps)
    check_guest(vps, {"vda": expected, "vdb": content(1)})
    restore(client, vps, first)
    check_guest(vps, {"vda": content(0), "vdb": content(1)})


@pytest.mark.parametrize("then", ["backup", "restore"])
def test_disks_of_two_vpss_exchanged(any_service, new_vps, then):
    """Each has backups, bitmaps, and the other's disk under its own file's name."""
    service, one, other = any_service, new_vps(1, "one"), new_vps(1, "other")
    other.qemu_io("vda", "write -P 0x55 0 12M")
    client = follow(service, one)
    client.follow(other.vps)
    backups = {vps: back_up(client, vps) for vps in (one, other)}
    for vps in (one, other):
        off(client, vps)
    first, second = one.disk("vda").path, other.disk("vda").path
    first.rename(first.with_suffix(".away"))
    second.rename(first)
    first.with_suffix(".away").rename(second)
    expected = {one: b"\x55" * (12 * MIB) + bytes(4 * MIB), other: content(0)}
    for vps in (one, other):
        on(client, vps)
        check_guest(vps, {"vda": expected[vps]})
        if then == "backup":
            again, _ = try_back_up(client, vps)
            if again:
                check_image(service, vps, again, {"vda": expected[vps]})
        elif try_restore(client, vps, backups[vps]) is None:
            check_guest(vps, {"vda": expected[other if vps is one else one]})
        else:
            check_guest(vps, {"vda": expected[vps]})


# ---- clones of a whole VPS


@contextlib.contextmanager
def cloned(vps, name, folder):
    """`cp` of the disks and the definition with another name and UUID."""
    disks = []
    for disk in vps.disks:
        path = folder / f"{name}-{disk.target}.{disk.format}"
        shutil.copyfile(disk.path, path)
        disks.append(guests.Disk(disk.target, size=disk.size, format=disk.format, path=path))
    clone = guests.Blank(name, disks, vps=str(uuid.uuid4()))
    try:
        yield clone
    finally:
        clone.remove()


@pytest.mark.parametrize("running", [True, False])
def test_clone_of_a_vps_with_backups(roomy_service, new_vps, place, running):
    service, vps = roomy_service, new_vps(2, "original")
    client = follow(service, vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    off(client, vps)
    with cloned(vps, "clone", place / "disks") as clone:
        if running:
            clone.start()
        client.follow(clone.vps)
        expected = bytearray(content(0))
        expected[MIB:2 * MIB] = b"\x11" * MIB
        expected = {"vda": expected, "vdb": content(1)}
        first = back_up(client, clone)
        check_image(service, clone, first, expected)
        assert not entry(client, clone, first)["incremental"]
        assert [name for name in clone.checkpoints() if backup in name] == [], "the original's bitmaps are no checkpoints of the clone"
        on(client, clone)
        check_guest(clone, expected)
        off(client, clone)
        for disk in clone.disks:
            assert [name for name in stored_bitmaps(disk.path) if backup in name] == [], "and they are gone from its disks"
    on(client, vps)
    second = back_up(client, vps)
    assert entry(client, vps, second)["incremental"]
    check_image(service, vps, second, expected)
    assert backup in client.request("vps.get", vps=vps.vps)["backups"][1]["id"]


# ---- disks that are replaced, renamed, moved


@pytest.mark.parametrize("running", [True, False])
def test_disk_replaced_by_another_of_the_customers(any_service, new_vps, place, running):
    """What the backup has never seen is not overwritten without a word."""
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    vps.disk("vdb").path = place / "disks/other.qcow2"
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", vps.disk("vdb").path, SIZE)
    define(vps)
    on(client, vps)
    vps.qemu_io("vdb", "write -P 0x99 0 16M")
    if not running:
        off(client, vps)
    reason = try_restore(client, vps, backup)
    assert reason is not None, "a disk that is not in the backup was overwritten"
    on(client, vps)
    check_guest(vps, {"vda": content(0), "vdb": b"\x99" * SIZE})
    if not running:
        off(client, vps)
    restore(client, vps, backup, replace_disks=True)
    on(client, vps)
    check_guest(vps, {"vda": content(0), "vdb": content(1)})


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("count", [1, 3])
def test_targets_that_are_renamed(any_service, new_vps, count, running):
    """vda, vdb … become sda, sdb … on another bus: the backups are still theirs."""
    service, vps = any_service, new_vps(count)
    client = follow(service, vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    off(client, vps)
    for disk in vps.disks:
        disk.target = disk.target.replace("vd", "sd")
    vps.domain = vps.connection.defineXML(vps.xml().replace("bus='virtio'", "bus='sata'"))
    if running:
        on(client, vps)
    restore(client, vps, backup)
    on(client, vps)
    check_guest(vps, {disk.target: content(number) for number, disk in enumerate(vps.disks)})
    again = back_up(client, vps)
    check_image(service, vps, again, {disk.target: content(number) for number, disk in enumerate(vps.disks)})


def test_renamed_target_of_an_older_backup(roomy_service, new_vps):
    """A single disk needs no identity to be known again."""
    service, vps = roomy_service, new_vps(1, format="raw")
    client = follow(service, vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    off(client, vps)
    vps.disks[0].target = "sda"
    vps.domain = vps.connection.defineXML(vps.xml().replace("bus='virtio'", "bus='sata'"))
    restore(client, vps, backup)
    on(client, vps)
    check_guest(vps, {"sda": content(0)})


@pytest.mark.parametrize("how", ["mv", "cp"])
def test_disk_moved_to_another_folder(any_service, new_vps, how):
    """The definition follows: it is the same disk."""
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    moved = isolated.new_folder("moved") / "disk.qcow2"
    if how == "mv":
        shutil.move(vps.disks[0].path, moved)
    else:
        shutil.copyfile(vps.disks[0].path, moved)
    vps.disks[0].path = moved
    define(vps)
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    second = back_up(client, vps)
    check_backup_is_the_disk(service, vps, second, ["vda"])
    restore(client, vps, backup)
    check_guest(vps, {"vda": content(0)})
    assert image(service, vps, backup) == content(0)


@pytest.mark.parametrize("was", ["gone", "still there"])
def test_raw_disk_moved_to_another_folder(any_service, new_guest, place, was):
    """It carries no id: what tells that it has moved is that no other one is unknown, and that it is not where it was."""
    service = any_service
    vps = new_guest("raw", [guests.Disk(f"vd{letter}", size=SIZE, format="raw") for letter in "ab"], kind=guests.Blank,
                    folder=place / "disks").start()
    for number, disk in enumerate(vps.disks):
        vps.qemu_io(disk.target, f"write -P {0xA0 + 16 * number} 0 12M")
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    moved = isolated.new_folder("moved") / "disk.raw"
    (shutil.move if was == "gone" else shutil.copyfile)(vps.disk("vdb").path, moved)
    vps.disk("vdb").path = moved
    define(vps)
    on(client, vps)
    vps.qemu_io("vdb", "write -P 0x11 1M 1M")
    changed = content(1)[:MIB] + b"\x11" * MIB + content(1)[2 * MIB:]
    reason = try_restore(client, vps, backup)
    assert reason == (None if was == "gone" else "disk_missing")
    check_guest(vps, {"vda": content(0), "vdb": content(1) if was == "gone" else changed})
