# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt backend on real libvirt and QEMU: which earlier backup a capture builds on, and what a restore has to write back."""

import os
import signal
import uuid

import guest as guests
import libvirt
from captured import MIB, assert_no_trace, bitmaps, covered, two_disks
from isolated import run


def test_next_base_is_tried_when_one_is_broken(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)])
    first, second = driver.begin(vps), None
    first.end(keep=True)
    vps.start()
    second = driver.begin(vps, bases=[first.backup])
    second.end(keep=True)
    vps.destroy()
    run("qemu-img", "bitmap", "--remove", "-f", "qcow2", vps.disks[0].path, second.name)
    vps.start()
    vps.qemu_io("vda", "write -P 3 1M 64k")
    third = driver.begin(vps, bases=[second.backup, first.backup])
    assert third.base == first.backup and covered(third.changed(), MIB, 64 << 10)
    third.end(keep=False)
    assert_no_trace(driver, vps, [first])


def test_checkpoint_that_only_the_disk_knows_is_taken_up(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)]).start()
    first = driver.begin(vps)
    first.end(keep=True)
    vps.destroy()
    vps.domain.checkpointLookupByName(first.name).delete(libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
    off = driver.begin(vps, bases=[first.backup])
    assert off.base == first.backup
    off.end(keep=False)
    vps.start()
    vps.qemu_io("vda", "write -P 3 1M 64k")
    second = driver.begin(vps, bases=[first.backup])
    assert second.base == first.backup and covered(second.changed(), MIB, 64 << 10)
    second.end(keep=True)
    vps.destroy()
    vps.start()
    for capture in (first, second):  # bitmaps that only the disk knows are deleted as well
        vps.domain.checkpointLookupByName(capture.name).delete(libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
        driver.call("delete_checkpoint", vps=vps.vps, backup=capture.backup)
    assert_no_trace(driver, vps)


def test_disk_that_was_replaced_or_added(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB), guests.Disk("vdb", size=16 * MIB)]).start()
    first = driver.begin(vps)
    first.end(keep=True)
    vps.destroy()
    run("qemu-img", "create", "-q", "-f", "qcow2", vps.disks[1].path, "16M")
    off = driver.begin(vps, bases=[first.backup])
    assert off.changed("vda") == [] and off.changed("vdb") is None
    off.end(keep=False)
    extra = guests.Disk("vdc", size=8 * MIB)
    extra.make(guests.IMAGES, "extra")
    vps.disks.append(extra)
    vps.domain = vps.connection.defineXML(vps.xml())
    vps.start()
    capture = driver.begin(vps, bases=[first.backup])
    assert capture.changed("vdb") is None and capture.changed("vdc") is None
    capture.end(keep=True)
    driver.call("delete_checkpoint", vps=vps.vps, backup=first.backup)
    assert_no_trace(driver, vps, [capture])
    again = driver.begin(vps, bases=[capture.backup])
    assert [again.changed(target) for target in ("vda", "vdb", "vdc")] == [[], [], []]
    again.end(keep=False)


def test_checkpoints_of_others_stay(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)]).start()
    xml = ("<domaincheckpoint><name>{}</name><disks><disk name='vda' checkpoint='bitmap'/></disks></domaincheckpoint>")
    vps.domain.checkpointCreateXML(xml.format("nightly"))
    vps.domain.checkpointCreateXML(xml.format("vps-backup.not-a-uuid"))
    capture = driver.begin(vps)
    capture.end(keep=True)
    vps.qemu_io("vda", "write -P 3 1M 64k")
    driver.begin(vps, bases=[capture.backup]).end(keep=False)
    driver.call("delete_checkpoint", vps=vps.vps, backup=capture.backup)
    assert vps.checkpoints() == ["nightly", "vps-backup.not-a-uuid"]
    vps.destroy()
    off = driver.begin(vps)
    off.end(keep=True)
    driver.call("delete_checkpoint", vps=vps.vps, backup=off.backup)
    assert vps.checkpoints() == ["nightly", "vps-backup.not-a-uuid"] == bitmaps(vps.disks[0].path)
    # A restore whose disk has the bitmaps (a delta restore clones them) keeps them, one without them forgets.
    backup = str(uuid.uuid4())
    driver.call("reset_checkpoints", vps=vps.vps, backup=backup)
    assert vps.checkpoints() == ["nightly", f"vps-backup.{backup}", "vps-backup.not-a-uuid"]
    run("qemu-img", "create", "-q", "-f", "qcow2", vps.disks[0].path, "16M")
    driver.call("reset_checkpoints", vps=vps.vps, backup=backup)
    assert vps.checkpoints() == [f"vps-backup.{backup}"] == bitmaps(vps.disks[0].path)


def test_capture_after_a_restore_builds_on_the_restored_backup(driver, new_guest):
    vps = new_guest(disks=two_disks()).start()
    vps.qemu_io("vda", "write -P 1 1M 2M")
    first = driver.begin(vps)
    first.end(keep=True)
    second = driver.begin(vps, bases=[first.backup])
    second.end(keep=True)
    assert driver.reason("reset_checkpoints", vps=vps.vps, backup=first.backup) == "internal", "it is on"
    vps.domain.managedSave()
    run("qemu-img", "create", "-q", "-f", "qcow2", vps.disks[0].path, "32M")
    driver.call("reset_checkpoints", vps=vps.vps, backup=first.backup)
    assert not vps.domain.hasManagedSaveImage()
    assert_no_trace(driver, vps, [first])
    vps.start()
    vps.qemu_io("vda", "write -P 3 5M 64k")
    third = driver.begin(vps, bases=[second.backup, first.backup])
    assert third.base == first.backup and covered(third.changed(), 5 * MIB, 64 << 10)
    assert sum(high - low for low, high in third.changed()) <= MIB
    third.end(keep=True)
    assert_no_trace(driver, vps, [first, third])


def test_what_a_restore_would_have_to_write_back(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=32 * MIB), guests.Disk("vdb", size=300 * MIB)])
    first = driver.begin(vps)
    first.end(keep=True)
    wanted = {"vps": vps.vps, "backup": first.backup}
    assert driver.call("changed_bytes", **wanted) == 0
    vps.start()
    assert driver.call("changed_bytes", **wanted) == 0
    vps.qemu_io("vda", "write -P 2 8M 128k")
    vps.qemu_io("vdb", "write -P 2 1M 1M")
    vps.qemu_io("vdb", "write -P 2 299M 64k")
    on = driver.call("changed_bytes", **wanted)
    vps.destroy()
    off = driver.call("changed_bytes", **wanted)
    delta = driver.call("delta", operation=str(uuid.uuid4()), **wanted)
    assert on == off == (128 << 10) + MIB + (64 << 10)
    assert [disk["changed_context"] for disk in delta["disks"]] == [first.name] * 2
    assert [disk["path"] for disk in delta["disks"]] == [str(disk.path) for disk in vps.disks]
    run("qemu-io", "-f", "qcow2", "-c", "write -P 3 0 300M", vps.disks[1].path)
    assert driver.call("changed_bytes", **wanted) == (128 << 10) + 300 * MIB
    run("qemu-img", "bitmap", "--remove", "-f", "qcow2", vps.disks[1].path, first.name)
    assert driver.reason("changed_bytes", **wanted) == "not_found"
    assert driver.reason("delta", operation=str(uuid.uuid4()), **wanted) == "not_found"
    vps.start()
    assert driver.reason("changed_bytes", **wanted) == "not_found"
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    driver.wait_info(vps.vps, power="crashed")
    assert driver.reason("changed_bytes", **wanted) == "not_found"


def test_record_that_a_snapshot_has_split(driver, new_guest):
    """After an external snapshot the older changes are in the image below, of which no backup knows whether it is still as it was."""
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)]).start()
    first = driver.begin(vps)
    first.end(keep=True)
    vps.qemu_io("vda", "write -P 1 1M 64k")
    run("virsh", "snapshot-create-as", vps.name, "s", "--disk-only", "--no-metadata")
    vps.qemu_io("vda", "write -P 2 2M 64k")
    on = driver.begin(vps, bases=[first.backup])
    assert on.base is None
    on.end(keep=True)
    vps.qemu_io("vda", "write -P 3 3M 64k")
    again = driver.begin(vps, bases=[on.backup, first.backup])
    assert again.base == on.backup and covered(again.changed(), 3 * MIB, 64 << 10) and not covered(again.changed(), 2 * MIB, 64 << 10)
    again.end(keep=False)
    vps.destroy()
    off = driver.begin(vps, bases=[first.backup])
    assert off.base is None and off.disk()["path"] == str(vps.live_path("vda"))
    off.end(keep=False)
    assert driver.reason("changed_bytes", vps=vps.vps, backup=first.backup) == "not_found"
    vps.live_path("vda").unlink()
