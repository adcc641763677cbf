# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt knows of a VPS may differ from what its QEMU does: definitions that wait for the next start, disks that are attached
only now, snapshots with records of their own, disks that are named by a storage pool."""

import json
import os

import guest as guests
import guest_view
import isolated
import libvirt
import pytest
from backups import (back_up, check_backup_is_the_disk, check_guest, check_image, entry, off, on, restore, try_back_up, try_restore,
                     wait_power)

MIB = 1 << 20
SIZE = 16 * MIB
LIVE, CONFIG = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG


@pytest.fixture
def place():
    """A file system with reflinks for pool and disks."""
    path = isolated.mount_xfs(isolated.new_folder("reflinks"), 2 << 30)
    (path / "disks").mkdir()
    return path


@pytest.fixture(params=["delta", "staged"])
def any_service(request, new_service, place):
    """Restores that write back only what has changed, and restores that make new images."""
    options = {"delta-limit": 0} if request.param == "staged" else {}
    return new_service(pool_path=place / "pool", slots={"included": 8, "maximum": 8}, operations=options)


@pytest.fixture
def new_vps(new_guest, place):
    """A running VPS whose disks hold different bytes."""
    def make(count=2, name="vps"):
        disks = [guests.Disk(f"vd{chr(ord('a') + number)}", size=SIZE) for number in range(count)]
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


def make_disk(path, byte, image_format="qcow2"):
    isolated.run("qemu-img", "create", "-q", "-f", image_format, path, SIZE)
    isolated.run("qemu-io", "-f", image_format, "-c", f"write -q -P {byte} 0 {SIZE}", path)
    return path


# ---- a definition that waits for the next start


def _another_file(vps, place):
    return vps.xml().replace(str(vps.disk("vda").path), str(make_disk(place / "disks/other.qcow2", 0x99)))


def _copy_of_the_file(vps, place):
    """The operator moves a disk by hand: the copy is as it was a moment ago, bitmaps and all."""
    copy = place / "disks/copy.qcow2"
    isolated.run("qemu-img", "convert", "-U", "-O", "qcow2", vps.disk("vda").path, copy)
    return vps.xml().replace(str(vps.disk("vda").path), str(copy))


def _exchanged(vps, _place):
    first, second = str(vps.disk("vda").path), str(vps.disk("vdb").path)
    return vps.xml().replace(first, "\0").replace(second, first).replace("\0", second)


def _removed(vps, _place):
    return vps.xml().replace(vps.disk("vdb").xml(), "")


def _chained(vps, place):
    """Rests on another image from the next start on."""
    below = make_disk(place / "disks/below.qcow2", 0x98)
    disk = vps.disk("vda").xml()
    backing = f"<backingStore type='file'><format type='qcow2'/><source file='{below}'/><backingStore/></backingStore>"
    return vps.xml().replace(disk, disk.replace("</disk>", f"{backing}</disk>"))


EDITS = {"another file": _another_file, "a copy": _copy_of_the_file, "exchanged": _exchanged, "removed": _removed, "chained": _chained}


@pytest.mark.parametrize("edit", EDITS)
def test_restore_while_an_edited_definition_waits(any_service, new_vps, place, edit):
    """Refused before anything happens, or what the VPS starts with, now and later, is the backup."""
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    expected = {target: guest_view.disk_bytes(vps, target) for target in ("vda", "vdb")}
    vps.domain = vps.connection.defineXML(EDITS[edit](vps, place))
    definition, pid = vps.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), vps.qemu_pid()
    images = sorted(os.listdir(place / "disks"))
    if try_restore(client, vps, backup) is not None:
        assert vps.running and vps.qemu_pid() == pid, "refused after the VPS was stopped"
        assert vps.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) == definition
        assert sorted(os.listdir(place / "disks")) == images
        check_guest(vps, expected)
        return
    restored = {"vda": content(0), "vdb": content(1)}
    check_guest(vps, restored)
    again = back_up(client, vps)
    check_image(service, vps, again, restored)
    off(client, vps)
    on(client, vps)
    check_guest(vps, restored)
    later = back_up(client, vps)
    check_image(service, vps, later, restored)


@pytest.mark.parametrize("edit", [name for name in EDITS if name != "removed"])
def test_backups_before_and_after_an_edited_definition(any_service, new_vps, place, edit):
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    back_up(client, vps)
    vps.domain = vps.connection.defineXML(EDITS[edit](vps, place))
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    for _ in range(2):
        backup, _ = try_back_up(client, vps)
        if backup:
            check_backup_is_the_disk(service, vps, backup, ["vda", "vdb"])
        off(client, vps)
        on(client, vps)
    vps.qemu_io("vda", "write -P 0x12 2M 1M")
    backup = back_up(client, vps)
    check_backup_is_the_disk(service, vps, backup, ["vda", "vdb"])


@pytest.mark.parametrize("size", [SIZE, 8 * MIB])
def test_disk_attached_only_live_is_there_after_a_restore(any_service, new_vps, place, size):
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    disk = guests.Disk("vdb", size=size, path=place / "disks/live.qcow2")
    isolated.run("qemu-img", "create", "-q", "-f", "qcow2", disk.path, size)
    vps.domain.attachDeviceFlags(disk.xml(), LIVE)
    vps.disks.append(disk)
    vps.qemu_io("vdb", "write -P 0xb0 0 4M")
    backup, reason = try_back_up(client, vps)
    if backup is None:
        assert reason == "unsupported_disk"
        return
    old = {"vda": content(0), "vdb": b"\xb0" * (4 * MIB) + bytes(size - 4 * MIB)}
    check_image(service, vps, backup, old)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    vps.qemu_io("vdb", "write -P 0x12 1M 1M")
    new = {target: guest_view.disk_bytes(vps, target) for target in old}
    pid = vps.qemu_pid()
    if try_restore(client, vps, backup) is None:
        check_guest(vps, old)
    else:
        assert vps.qemu_pid() == pid
        check_guest(vps, new)


def test_live_disk_that_the_backup_lacks_is_there_after_a_restore(any_service, new_vps, place):
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    backup = back_up(client, vps)
    disk = guests.Disk("vdb", size=SIZE, path=make_disk(place / "disks/live.qcow2", 0xB0))
    vps.domain.attachDeviceFlags(disk.xml(), LIVE)
    vps.disks.append(disk)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    pid = vps.qemu_pid()
    if try_restore(client, vps, backup) is None:
        check_guest(vps, {"vda": content(0), "vdb": b"\xb0" * SIZE})
    else:
        assert vps.qemu_pid() == pid
        check_guest(vps, {"vda": content(0)[:MIB] + b"\x11" * MIB + content(0)[2 * MIB:], "vdb": b"\xb0" * SIZE})


# ---- internal snapshots


def internal_snapshot(vps, name):
    vps.domain.snapshotCreateXML(f"<domainsnapshot><name>{name}</name></domainsnapshot>")


def revert(vps, name):
    try:
        vps.domain.revertToSnapshot(vps.domain.snapshotLookupByName(name))
    except libvirt.libvirtError as error:
        raise AssertionError(f"the snapshot cannot be reverted: {error}") from error


@pytest.mark.parametrize("running", [True, False])
def test_internal_snapshot_from_before_a_backup_can_be_reverted(any_service, new_vps, running):
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    internal_snapshot(vps, "s1")
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    first = back_up(client, vps)
    check_backup_is_the_disk(service, vps, first, ["vda", "vdb"])
    vps.qemu_io("vdb", "write -P 0x12 1M 1M")
    second = back_up(client, vps)
    check_backup_is_the_disk(service, vps, second, ["vda", "vdb"])
    if not running:
        off(client, vps)
    revert(vps, "s1")
    wait_power(client, vps)
    assert vps.active
    check_guest(vps, {"vda": content(0), "vdb": content(1)})
    vps.qemu_io("vda", "write -P 0x13 3M 1M")
    third = back_up(client, vps)
    check_backup_is_the_disk(service, vps, third, ["vda", "vdb"])


def test_internal_snapshot_made_after_a_backup_can_be_reverted(any_service, new_vps):
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    back_up(client, vps)
    internal_snapshot(vps, "s1")
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    back_up(client, vps)
    revert(vps, "s1")
    wait_power(client, vps)
    check_guest(vps, {"vda": content(0)})
    third = back_up(client, vps)
    check_image(service, vps, third, {"vda": content(0)})


def our_bitmaps(vps):
    """Of a running VPS: what QEMU has; of one that is off: what its images hold."""
    if vps.active:
        nodes = json.loads(isolated.run("virsh", "qemu-monitor-command", vps.name, '{"execute":"query-named-block-nodes"}'))["return"]
        return {bitmap["name"] for node in nodes for bitmap in node.get("dirty-bitmaps", [])}
    found = set()
    for disk in vps.disks:
        image = json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", disk.path))
        found |= {bitmap["name"] for bitmap in image["format-specific"]["data"].get("bitmaps", [])}
    return found


def has_nothing_of_ours(vps):
    if vps.checkpoints():
        return False
    try:
        return not our_bitmaps(vps)
    except (isolated.LabError, json.JSONDecodeError):
        return False  # qemu-img is just writing to it


def wait_released(vps):
    isolated.wait_until(lambda: has_nothing_of_ours(vps), "nothing of ours is on the disks", 60)


def wait_no_records(vps):
    isolated.wait_until(lambda: not vps.checkpoints(), "libvirt has no record of ours", 60)


@pytest.mark.parametrize("restarted", [False, True])
def test_internal_snapshot_that_is_newer_than_the_last_backup(any_service, new_vps, restarted):
    """The service sees that it is there and lets go of its bitmaps, those without a record, too."""
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    back_up(client, vps)
    if restarted:
        off(client, vps)
        wait_no_records(vps)
        on(client, vps)
    assert our_bitmaps(vps)
    internal_snapshot(vps, "s1")
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    wait_released(vps)
    revert(vps, "s1")
    wait_power(client, vps)
    assert vps.active
    check_guest(vps, {"vda": content(0), "vdb": content(1)})
    second = back_up(client, vps)
    check_image(service, vps, second, {"vda": content(0), "vdb": content(1)})


def test_internal_snapshot_that_nobody_was_there_to_see(any_service, new_vps):
    """It was made while the service was stopped."""
    service, vps = any_service, new_vps(1)
    back_up(follow(service, vps), vps)
    service.stop()
    internal_snapshot(vps, "s1")
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    service.start()
    wait_released(vps)
    revert(vps, "s1")
    assert vps.active
    check_guest(vps, {"vda": content(0)})


def test_forget_lets_go_of_all_at_once(any_service, new_vps):
    """For those who cannot wait until the service has seen the snapshot."""
    service, vps = any_service, new_vps(1)
    back_up(follow(service, vps), vps)
    service.stop()
    internal_snapshot(vps, "s1")
    with pytest.raises(AssertionError):
        revert(vps, "s1")
    done = service.run_ctl("forget", vps.name)
    assert done.returncode == 0, done.stderr
    revert(vps, "s1")
    assert vps.active
    check_guest(vps, {"vda": content(0)})


def test_internal_snapshot_of_a_vps_that_is_off(any_service, new_vps):
    """libvirt makes none of a VPS that is off and has checkpoints: it has none of ours, and yet the next backup is incremental."""
    service, vps = any_service, new_vps(2)
    client = follow(service, vps)
    back_up(client, vps)
    off(client, vps)
    wait_no_records(vps)
    assert our_bitmaps(vps)
    while_off = back_up(client, vps)
    assert entry(client, vps, while_off)["incremental"]
    wait_no_records(vps)
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    third = back_up(client, vps)
    assert entry(client, vps, third)["incremental"]
    check_backup_is_the_disk(service, vps, third, ["vda", "vdb"])
    off(client, vps)
    wait_no_records(vps)
    now = {target: guest_view.disk_bytes(vps, target) for target in ("vda", "vdb")}
    internal_snapshot(vps, "s1")
    wait_released(vps)
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x12 2M 1M")
    fourth = back_up(client, vps)
    check_backup_is_the_disk(service, vps, fourth, ["vda", "vdb"])
    off(client, vps)
    revert(vps, "s1")
    fifth = back_up(client, vps)
    check_image(service, vps, fifth, now)
    on(client, vps)
    check_guest(vps, now)


def test_vps_that_is_off_can_be_undefined_and_renamed(any_service, new_vps):
    """libvirt refuses both beside a checkpoint."""
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    wait_no_records(vps)
    vps.domain.rename("another-name")
    vps.name = "another-name"
    second = back_up(client, vps)
    assert entry(client, vps, second)["incremental"]
    wait_no_records(vps)
    vps.domain.undefine()
    assert sorted(service.backup_folders(vps.vps)) == sorted([backup, second])


@pytest.mark.parametrize("external", [True, False])
def test_snapshots_that_a_restore_drops_are_named_before(any_service, new_vps, external):
    """The answer to the request names them; what cannot be reverted any more has no record, and what has one can be."""
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    backup = back_up(client, vps)
    if external:
        vps.domain.snapshotCreateXML("<domainsnapshot><name>before-upgrade</name></domainsnapshot>",
                                     libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY)
    else:
        internal_snapshot(vps, "before-upgrade")
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    wait_power(client, vps)
    answer = client.request("backup.restore", vps=vps.vps, backup=backup)
    ended = client.wait_operation(vps.vps, answer["operation"]["id"])
    assert ended["state"] == "completed", ended
    check_guest(vps, {"vda": content(0)})
    if not vps.domain.listAllSnapshots():
        assert "before-upgrade" in json.dumps(answer), "a snapshot was dropped without a word"
        return
    assert not external, "an external snapshot's files are not those of the new disk"
    revert(vps, "before-upgrade")
    check_guest(vps, {"vda": content(0)})


# ---- disks named by a storage pool


@pytest.fixture(params=["1.1", "0.10"])
def volume(place, request):
    """A volume of a storage pool of libvirt; (pool, volume, path). The older version, libvirt's own choice, has no bitmaps."""
    compat = request.param
    folder = place / "pool-of-libvirt"
    folder.mkdir()
    connection = guests.connect()
    pool = connection.storagePoolCreateXML(f"<pool type='dir'><name>images</name><target><path>{folder}</path></target></pool>")
    made = pool.createXML(f"<volume><name>web1.qcow2</name><capacity>{SIZE}</capacity><target><format type='qcow2'/><compat>{compat}</compat></target></volume>")
    yield "images", "web1.qcow2", folder / "web1.qcow2"
    del made
    pool.destroy()
    connection.close()


class Volume(guests.Disk):
    """A disk that the definition names by pool and volume."""

    def __init__(self, target, volume):
        self.pool, self.volume, path = volume
        super().__init__(target, size=SIZE, path=path)

    def xml(self):
        return (f"<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='{self.pool}' volume='{self.volume}'/>"
                f"<target dev='{self.target}' bus='virtio'/></disk>")


@pytest.mark.parametrize("running", [True, False])
def test_disk_that_is_a_volume_of_a_pool(any_service, new_guest, volume, running, request):
    service = any_service
    vps = new_guest("volume", [Volume("vda", volume)], kind=guests.Blank).start()
    vps.qemu_io("vda", "write -P 0xa0 0 12M")
    client = follow(service, vps)
    if not running:
        off(client, vps)
    backup, reason = try_back_up(client, vps)
    assert reason is None
    check_image(service, vps, backup, {"vda": content(0)})
    on(client, vps)
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    second = back_up(client, vps)
    keeps_bitmaps = request.node.callspec.params["volume"] == "1.1"
    assert entry(client, vps, second)["incremental"] == keeps_bitmaps
    check_backup_is_the_disk(service, vps, second, ["vda"])
    if not running:
        off(client, vps)
    restore(client, vps, backup)
    on(client, vps)
    check_guest(vps, {"vda": content(0)})
    source = vps.inactive_disk("vda").find("source")
    assert (source.get("pool"), source.get("volume")) == volume[:2], "the definition should name it as before"


# ---- undefined


def test_what_is_ours_goes_when_asked(any_service, new_vps):
    """libvirt undefines no VPS that has checkpoints; the command line lets go of ours, and the backups stay."""
    service, vps = any_service, new_vps(1)
    client = follow(service, vps)
    backup = back_up(client, vps)
    off(client, vps)
    done = service.run_ctl("forget", vps.name)
    assert done.returncode == 0, done.stderr
    assert vps.checkpoints() == []
    vps.domain.undefine()
    assert service.backup_folders(vps.vps) == [backup]
    vps.domain = vps.connection.defineXML(vps.xml())
    client.follow(vps.vps)
    vps.start()
    vps.qemu_io("vda", "write -P 0x11 1M 1M")
    restore(client, vps, backup)
    check_guest(vps, {"vda": content(0)})
