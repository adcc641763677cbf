# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt backend on real libvirt and QEMU: points in time, and that nothing is ever left behind."""

import contextlib
import os
import pathlib
import signal
import time
import uuid

import guest as guests
import isolated
import libvirt
import pytest
from captured import MIB, assert_no_trace, covered, hidden_files, two_disks
from isolated import run, wait_until


@pytest.mark.parametrize("paused", [False, True])
def test_running_vps_is_held_at_one_point_in_time(driver, new_guest, paused):
    vps = new_guest(disks=two_disks()).start(paused)
    vps.qemu_io("vda", "write -P 1 1M 2M")
    vps.qemu_io("vdb", "write -P 2 3M 2M")
    capture = driver.begin(vps)
    vps.qemu_io("vda", "write -P 7 0 4M")
    vps.qemu_io("vdb", "write -P 7 0 8M")
    assert capture.info["running"] and capture.info["consistency"] == "crash"
    assert capture.info["skipped"] == {"vdc": "readonly"} and capture.base is None
    assert capture.info["full_reason"] is None
    assert f"<uuid>{vps.vps}</uuid>" in capture.info["domain_xml"] and "<alias" not in capture.info["domain_xml"]
    assert capture.check() is None
    _, data = capture.finish(keep=False)
    assert data["vda"] == bytes(MIB) + b"\1" * (2 * MIB) + bytes(29 * MIB)
    assert data["vdb"] == bytes(3 * MIB) + b"\2" * (2 * MIB) + bytes(11 * MIB)
    assert_no_trace(driver, vps)
    assert vps.active


def test_changes_are_counted_from_the_newest_base(driver, new_guest):
    vps = new_guest(disks=two_disks()).start()
    vps.qemu_io("vda", "write -P 1 1M 2M")
    first = driver.begin(vps)
    _, before = first.finish()
    assert first.changed() is None
    vps.qemu_io("vda", "write -P 2 8M 128k")
    second = driver.begin(vps, bases=[first.backup])
    vps.qemu_io("vda", "write -P 3 20M 64k")
    assert second.base == first.backup and second.info["full_reason"] is None
    extents = second.changed()
    assert covered(extents, 8 * MIB, 128 << 10) and sum(high - low for low, high in extents) <= MIB
    assert second.changed("vdb") is None, "a raw disk cannot say what has changed"
    _, after = second.finish()
    expected = bytearray(before["vda"])
    for low, high in extents:
        expected[low:high] = after["vda"][low:high]
    assert bytes(expected) == after["vda"]
    third = driver.begin(vps, bases=[second.backup, first.backup])
    assert third.base == second.backup and covered(third.changed(), 20 * MIB, 64 << 10)
    assert not covered(third.changed(), 8 * MIB, 64 << 10)
    third.end(keep=False)
    assert_no_trace(driver, vps, [first, second])
    # Deleting the one in the middle does not lose changes of an older base.
    driver.call("delete_checkpoint", vps=vps.vps, backup=second.backup)
    assert_no_trace(driver, vps, [first])
    fourth = driver.begin(vps, bases=[second.backup, first.backup])
    assert fourth.base == first.backup
    assert covered(fourth.changed(), 8 * MIB, 64 << 10) and covered(fourth.changed(), 20 * MIB, 64 << 10)
    fourth.end(keep=False)


def test_vps_that_is_off(driver, new_guest):
    vps = new_guest(disks=two_disks())
    run("qemu-io", "-f", "qcow2", "-c", "write -P 1 1M 2M", vps.disks[0].path)
    first = driver.begin(vps)
    assert not first.info["running"] and first.info["consistency"] == "offline"
    assert first.disk()["path"] == str(vps.disks[0].path) and first.disk("vdb")["format"] == "raw"
    assert first.check() is None and vps.checkpoints() == []
    _, data = first.finish()
    assert data["vda"] == bytes(MIB) + b"\1" * (2 * MIB) + bytes(29 * MIB)
    assert_no_trace(driver, vps, [first])
    # Changes while it is off and while it is on, seen in both states.
    run("qemu-io", "-f", "qcow2", "-c", "write -P 2 8M 64k", vps.disks[0].path)
    second = driver.begin(vps, bases=[first.backup])
    assert second.base == first.backup and second.changed() == [(8 * MIB, 8 * MIB + (64 << 10))]
    assert second.changed("vdb") is None
    second.end(keep=False)
    assert_no_trace(driver, vps, [first])
    vps.start()
    vps.qemu_io("vda", "write -P 3 12M 64k")
    third = driver.begin(vps, bases=[first.backup])
    assert third.base == first.backup
    assert covered(third.changed(), 8 * MIB, 64 << 10) and covered(third.changed(), 12 * MIB, 64 << 10)
    third.end(keep=True)
    assert_no_trace(driver, vps, [first, third])
    vps.qemu_io("vda", "write -P 4 16M 64k")
    vps.destroy()
    fourth = driver.begin(vps, bases=[third.backup, first.backup])
    assert fourth.base == third.backup and fourth.changed() == [(16 * MIB, 16 * MIB + (64 << 10))]
    fourth.end(keep=True)
    assert_no_trace(driver, vps, [first, third, fourth])
    driver.call("delete_checkpoint", vps=vps.vps, backup=third.backup)
    driver.call("delete_checkpoint", vps=vps.vps, backup=third.backup)
    assert_no_trace(driver, vps, [first, fourth])


def test_raw_disks_alone_need_no_checkpoint(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=8 * MIB, format="raw")])
    for _ in range(2):
        first = driver.begin(vps)
        first.end(keep=True)
        again = driver.begin(vps, bases=[first.backup])
        assert again.base is None and again.info["full_reason"]
        assert len(again.finish()[1]["vda"]) == 8 * MIB
        assert_no_trace(driver, vps)
        vps.start() if not vps.active else None


def test_old_qcow2_without_bitmaps_is_read_whole(driver, new_guest):
    path = guests.IMAGES / "old.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", path, "8M")
    vps = new_guest(disks=[guests.Disk("vda", path=path), guests.Disk("vdb", size=8 * MIB)]).start()
    first = driver.begin(vps)
    first.end(keep=True)
    vps.qemu_io("vdb", "write -P 3 1M 64k")
    second = driver.begin(vps, bases=[first.backup])
    assert second.changed("vda") is None and covered(second.changed("vdb"), MIB, 64 << 10)
    second.end(keep=False)
    assert_no_trace_of_scratch(vps)


def assert_no_trace_of_scratch(vps):
    assert hidden_files() == []
    with pytest.raises(libvirt.libvirtError, match="no domain backup job"):
        vps.domain.backupGetXMLDesc()


def test_vps_is_cut_off_in_mid_capture(driver, new_guest):
    vps = new_guest(disks=two_disks()).start()
    vps.qemu_io("vda", "write -P 1 1M 2M")
    first = driver.begin(vps)
    first.end(keep=True)
    capture = driver.begin(vps, bases=[first.backup])
    vps.destroy()
    wait_until(lambda: capture.check() == "interrupted", "the capture is known to be lost")
    capture.end(keep=False)
    assert_no_trace(driver, vps, [first])
    again = driver.begin(vps, bases=[first.backup])
    assert not again.info["running"] and again.base == first.backup and again.changed() == []
    assert again.finish()[1]["vda"][MIB:3 * MIB] == b"\1" * (2 * MIB)
    assert_no_trace(driver, vps, [first, again])


def test_qemu_dies_in_mid_capture(driver, new_guest):
    vps = new_guest(disks=two_disks()).start()
    first = driver.begin(vps)
    first.end(keep=True)
    vps.destroy()
    vps.start()  # from now on its bitmap is in the image, in use
    capture = driver.begin(vps, bases=[first.backup])
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    wait_until(lambda: capture.check() == "interrupted", "the capture is known to be lost")
    capture.end(keep=False)
    assert hidden_files() == [] and capture.name not in vps.checkpoints()
    # What changed since the first is not known any more; to read whole is right, on or off.
    off = driver.begin(vps, bases=[first.backup])
    assert off.base is None and off.info["full_reason"]
    off.end(keep=True)
    vps.start()
    capture = driver.begin(vps, bases=[first.backup])
    assert capture.base is None and capture.info["full_reason"]
    assert first.name not in vps.checkpoints()
    capture.end(keep=True)
    again = driver.begin(vps, bases=[capture.backup, off.backup, first.backup])
    assert again.base == capture.backup
    again.end(keep=True)
    assert_no_trace(driver, vps, [off, capture, again])


def test_saved_memory_makes_it_a_crash(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)]).start()
    vps.domain.managedSave()
    capture = driver.begin(vps)
    assert (capture.info["running"], capture.info["consistency"]) == (False, "crash")
    capture.end(keep=True)
    vps.start()
    assert vps.active
    again = driver.begin(vps, bases=[capture.backup])
    assert again.base == capture.backup
    again.end(keep=False)
    assert_no_trace(driver, vps, [capture])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_libvirtd_goes_away_in_mid_capture(driver, new_guest, number):
    vps = new_guest(disks=two_disks()).start()
    vps.qemu_io("vda", "write -P 1 1M 2M")
    capture = driver.begin(vps)
    isolated.stop_libvirtd(number)
    driver.wait_available(False)
    assert capture.data()[MIB:3 * MIB] == b"\1" * (2 * MIB), "QEMU goes on serving"
    assert capture.check() is None
    ending = driver.send("end", operation=capture.operation, keep=True)
    isolated.start_libvirtd()
    ending.wait()
    vps.refresh()
    assert_no_trace(driver, vps, [capture])
    again = driver.begin(vps, bases=[capture.backup])
    assert again.base == capture.backup
    again.end(keep=False)


@pytest.mark.parametrize("state", ["on", "off", "cut off since", "killed since"])
def test_orphan_of_a_killed_service_is_cleared_away(new_driver, new_guest, state):
    vps = new_guest(disks=two_disks())
    first_driver = new_driver().wait_available()
    kept = first_driver.begin(vps)
    kept.end(keep=True)
    if state != "off":
        vps.start()
    orphan = first_driver.begin(vps, bases=[kept.backup])
    first_driver.kill()
    if state == "cut off since":
        vps.destroy()
    if state == "killed since":
        os.kill(vps.qemu_pid(), signal.SIGKILL)
    driver = new_driver(runtime_folder=first_driver.runtime_folder).wait_available()
    for _ in range(2):
        driver.call("abort_orphan", vps=vps.vps, operation=orphan.operation, backup=orphan.backup)
    if state == "killed since":
        assert vps.checkpoints() == [kept.name] and hidden_files() == []
    else:
        assert_no_trace(driver, vps, [kept])
        driver.begin(vps, bases=[kept.backup]).end(keep=False)
    assert os.listdir(driver.runtime_folder) == []


def test_orphan_of_a_vps_that_is_gone(driver, new_guest):
    vps = new_guest().start()
    capture = driver.begin(vps)
    vps.destroy()
    vps.domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
    capture.end(keep=False)
    driver.call("abort_orphan", vps=vps.vps, operation=capture.operation, backup=capture.backup)
    driver.call("delete_checkpoint", vps=vps.vps, backup=capture.backup)
    assert hidden_files() == [] and os.listdir(driver.runtime_folder) == []


def test_other_backup_job_is_not_disturbed(driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)]).start()
    folder = isolated.new_folder("other")
    folder.chmod(0o777)
    vps.domain.backupBegin(f"<domainbackup mode='pull'><server transport='unix' socket='{folder}/s'/></domainbackup>", None)
    start = time.monotonic()
    assert driver.reason("begin", vps=vps.vps, backup=str(uuid.uuid4()), operation=str(uuid.uuid4())) == "disk_busy"
    assert time.monotonic() - start < 25, "libvirt itself would wait half a minute for the other job"
    driver.call("abort_orphan", vps=vps.vps, backup=str(uuid.uuid4()), operation=str(uuid.uuid4()))
    assert "<domainbackup" in vps.domain.backupGetXMLDesc()
    vps.domain.abortJob()


def small_storage(size=64 * MIB):
    folder = isolated.mount_ext4(isolated.new_folder("storage") / "mnt", size)
    folder.chmod(0o711)
    return folder


def test_guest_never_meets_a_full_disk(driver, new_guest):
    """Nobody reads and nobody checks, as with a pool that hangs: the job is ended all the same before the space is used up."""
    folder = small_storage(96 * MIB)
    vps = new_guest(disks=[guests.Disk("vda", size=64 * MIB, format="raw")], folder=folder)
    run("fallocate", "-l", "64M", vps.disks[0].path)
    vps.start()
    vps.qemu_io("vda", "write -P 1 0 64M")
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    capture = driver.begin(vps, scratch_reserve_bytes=free - 8 * MIB)
    for start in range(0, 64, 2):
        vps.qemu_io("vda", f"write -P 2 {start}M 2M")
        time.sleep(0.02)
    wait_until(lambda: "no domain backup job" in backup_job_error(vps), "the job is ended")
    assert capture.check() == "insufficient_space"
    capture.end(keep=False)
    assert hidden_files(folder) == [] and vps.running
    assert driver.reason("begin", vps=vps.vps, backup=str(uuid.uuid4()), operation=str(uuid.uuid4()),
                         scratch_reserve_bytes=free + 64 * MIB) == "insufficient_space"
    assert hidden_files(folder) == [] and os.listdir(driver.runtime_folder) == []
    vps.remove()
    isolated.unmount(folder)


def backup_job_error(vps):
    with contextlib.suppress(libvirt.libvirtError):
        vps.domain.backupGetXMLDesc()
        return ""
    return "no domain backup job"


def test_socket_folder_that_qemu_cannot_use(new_driver, new_guest):
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)]).start()
    closed = isolated.new_folder("closed")
    closed.chmod(0o700)
    deep = isolated.new_folder("deep") / ("x" * 100)
    for folder in (closed, deep):
        driver = new_driver(runtime_folder=folder).wait_available()
        capture = driver.begin(vps)
        assert not capture.disk()["nbd_socket"].startswith(str(folder))
        parent = pathlib.Path(capture.disk()["nbd_socket"]).parent
        assert parent.stat().st_mode & 0o777 == 0o700 and parent.owner() == "libvirt-qemu"
        assert len(capture.data()) == 16 * MIB
        capture.end(keep=False)
        assert_no_trace(driver, vps)


@pytest.mark.parametrize("in_memory", [False, True])
def test_block_device(new_driver, new_guest, in_memory):
    driver = new_driver(runtime_folder="/run/driver" if in_memory else None).wait_available()
    image = isolated.lab() / "tmp/block"
    image.write_bytes(bytes(16 * MIB))
    device = run("losetup", "--show", "-f", image).strip()
    try:
        disk = guests.Disk("vda", path=pathlib.Path(device), format="raw")
        vps = new_guest(disks=[])
        xml = disk.xml().replace("type='file'", "type='block'").replace("file=", "dev=")
        vps.domain = vps.connection.defineXML(vps.xml().replace("<devices>", f"<devices>{xml}"))
        assert driver.call("list_disks", vps=vps.vps) == [
            {"target": "vda", "path": device, "format": "raw", "is_block": 1, "virtual_size_bytes": 16 * MIB,
             "allocated_bytes": 16 * MIB}]
        off = driver.begin(vps)
        assert off.disk()["path"] == device
        off.end(keep=True)
        vps.start()
        vps.qemu_io("vda", "write -P 1 1M 2M")
        capture = driver.begin(vps)
        vps.qemu_io("vda", "write -P 2 0 4M")
        assert capture.data() == bytes(MIB) + b"\1" * (2 * MIB) + bytes(13 * MIB)
        folder = pathlib.Path(capture.disk()["nbd_socket"]).parent
        assert str(folder).startswith("/run/") == in_memory
        if in_memory:
            folder = pathlib.Path(f"/var/tmp/vps-backup.{capture.operation}")
        assert (folder / "vda.scratch").stat().st_blocks > 0
        capture.end(keep=True)
        assert hidden_files("/dev") == [] and os.listdir(driver.runtime_folder) == [] and not folder.exists()
        vps.destroy()
    finally:
        run("losetup", "-d", device)


def test_uefi_variables_are_found(driver, new_guest):
    loader = ("<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>"
              "<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'/></os>")
    vps = new_guest(disks=[guests.Disk("vda", size=16 * MIB)], machine="q35")
    vps.domain = vps.connection.defineXML(vps.xml().replace("</os>", loader))
    never = driver.begin(vps)
    assert never.info["nvram_path"] is None, "it gets its variables when it is started"
    never.end(keep=False)
    vps.start()
    capture = driver.begin(vps)
    assert pathlib.Path(capture.info["nvram_path"]).stat().st_size > 0
    capture.end(keep=False)


def test_several_vps_at_once(driver, new_guest):
    machines = [new_guest(f"vps{number}", [guests.Disk("vda", size=16 * MIB)]).start() for number in range(6)]
    wanted = [{"vps": vps.vps, "backup": str(uuid.uuid4()), "operation": str(uuid.uuid4())} for vps in machines]
    for call in [driver.send("begin", **parameters) for parameters in wanted]:
        assert call.wait()["running"]
    for call in [driver.send("end", operation=parameters["operation"], keep=False) for parameters in wanted]:
        call.wait()
    for vps in machines:
        assert_no_trace(driver, vps)


def counting_guest(new_guest):
    return new_guest(kind=guests.Guest, disks=[guests.Disk("vda", tree=isolated.new_folder("tree"))]).boot(180)


def test_agent_freezes_and_thaws(driver, new_guest):
    vps = counting_guest(new_guest)
    vps.wait_counter(0)
    capture = driver.begin(vps, freeze_timeout_s=5)
    assert capture.info["consistency"] == "filesystem"
    vps.wait_counter(vps.counter() + 2)
    capture.end(keep=False)
    never = driver.begin(vps, freeze_timeout_s=0)
    assert never.info["consistency"] == "crash"
    never.end(keep=False)
    assert_no_trace(driver, vps)


def test_agent_that_hangs_does_not_hang_us(driver, new_guest):
    vps = counting_guest(new_guest)
    vps.sh("kill -STOP $(pidof qemu-ga)")
    capture = driver.begin(vps, freeze_timeout_s=1)
    assert capture.info["consistency"] == "crash"
    capture.end(keep=False)
    # What it was asked before it hung it may do when it wakes; the thaw comes after that, without being asked for again.
    vps.sh("kill -CONT $(pidof qemu-ga)")
    count = vps.counter()
    vps.wait_counter(count + 20, deadline_s=90)
    assert_no_trace(driver, vps)
