# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that rest on other images: external snapshots, linked clones, templates that change, chains that only the definition knows.
The bytes are compared through QEMU, because the files alone can be right where the guest reads something else."""

import os
import pathlib
import shutil
import xml.etree.ElementTree as ElementTree

import guest as guests
import isolated
import libvirt
import pytest
from backups import back_up, check_backup_is_the_disk, check_guest, check_image, entry, off, on, restore, try_back_up, try_restore

MIB = 1 << 20
SIZE = 24 * MIB


def filled(*runs, size=SIZE):
    """Content of a disk: (byte, first MiB, last MiB) each, zeroes elsewhere, the later ones above."""
    content = bytearray(size)
    for byte, first, last in runs:
        content[first * MIB:last * MIB] = bytes([byte]) * ((last - first) * MIB)
    return bytes(content)


def qemu_io(path, *commands, image_format="qcow2"):
    isolated.run("qemu-io", "-f", image_format, *(word for command in commands for word in ("-c", command)), path)


def make_image(path, size=SIZE, below=None, image_format="qcow2", below_format="qcow2"):
    backing = ["-b", below, "-F", below_format] if below else []
    isolated.run("qemu-img", "create", "-q", "-f", image_format, *backing, path, *([] if below else [size]))
    return path


def snapshot(vps, name, options=""):
    """An external snapshot of all disks of a running VPS."""
    vps.domain.snapshotCreateXML(f"<domainsnapshot><name>{name}</name>{options}</domainsnapshot>",
                                 libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC)


def lower_images(vps):
    """Files that the definition names below the VPS's disks."""
    return [source.get("file") for disk in vps.disks for source in vps.inactive_disk(disk.target).iterfind(".//backingStore/source")]


class Chained(guests.Disk):
    """A qcow2 on images of the test's own. backing: XML that the definition says of them."""

    def __init__(self, target, path, backing="", **options):
        super().__init__(target, size=SIZE, path=pathlib.Path(path), options=backing, **options)


def backing_xml(path, image_format="qcow2", below="<backingStore/>"):
    return f"<backingStore type='file'><format type='{image_format}'/><source file='{path}'/>{below}</backingStore>"


@pytest.fixture
def folder():
    """Where images lie that reach each other by name."""
    return isolated.new_folder("chains")


@pytest.fixture
def reflinks():
    return isolated.mount_xfs(isolated.new_folder("reflinks"), 2 << 30)


@pytest.fixture
def staging_service(new_service, reflinks):
    """Repeated backups are incremental; each restore makes a new image."""
    return new_service(pool_path=reflinks / "pool", slots={"included": 8, "maximum": 8}, operations={"delta-limit": 0})


def follow(service, vps):
    client = service.client()
    client.follow(vps.vps)
    return client


def expect_right_from_here(service, client, vps, expected):
    """The guest reads what is expected, and later backups and a power cycle know it too."""
    check_guest(vps, expected)
    assert lower_images(vps) == [], "the new disk rests on nothing"
    again = back_up(client, vps)
    check_image(service, vps, again, expected)
    on(client, vps)
    expected = {target: bytearray(content) for target, content in expected.items()}
    for target, content in expected.items():
        vps.qemu_io(target, "write -P 0x77 2M 1M")
        content[2 * MIB:3 * MIB] = b"\x77" * MIB
    later = back_up(client, vps)
    check_image(service, vps, later, expected)
    off(client, vps)
    on(client, vps)
    check_guest(vps, expected)


# ---- external snapshots


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("image_format, snapshots", [("qcow2", 1), ("qcow2", 3), ("raw", 1), ("raw", 2)])
def test_restore_after_an_external_snapshot(staging_service, new_guest, folder, image_format, snapshots, running):
    service = staging_service
    vps = new_guest("snapped", [guests.Disk("vda", size=SIZE, format=image_format)], kind=guests.Blank, folder=folder).start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -P 0xa1 0 20M")
    for number in range(snapshots):
        snapshot(vps, f"s{number}")
    vps.qemu_io("vda", "write -z 4M 8M")
    expected = {"vda": filled((0xA1, 0, 4), (0xA1, 12, 20))}
    backup = back_up(client, vps)
    check_image(service, vps, backup, expected)
    vps.qemu_io("vda", "write -P 0xb2 0 24M")
    if not running:
        off(client, vps)
    restore(client, vps, backup)
    on(client, vps)
    expect_right_from_here(service, client, vps, expected)


def test_delta_restore_after_an_external_snapshot(new_service, new_guest, reflinks):
    """The same where a restore may write back only what has changed."""
    service = new_service(pool_path=reflinks / "pool", slots={"included": 8, "maximum": 8})
    (reflinks / "disks").mkdir()
    vps = new_guest("snapped", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=reflinks / "disks").start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -P 0xa1 0 20M")
    back_up(client, vps)
    snapshot(vps, "s1")
    vps.qemu_io("vda", "write -z 4M 8M")
    expected = {"vda": filled((0xA1, 0, 4), (0xA1, 12, 20))}
    backup = back_up(client, vps)
    check_image(service, vps, backup, expected)
    vps.qemu_io("vda", "write -P 0xb2 4M 2M")
    restore(client, vps, backup)
    check_guest(vps, expected)
    later = back_up(client, vps)
    check_image(service, vps, later, expected)
    off(client, vps)
    on(client, vps)
    check_guest(vps, expected)


@pytest.mark.parametrize("pivot", [True, False])
def test_backups_around_a_snapshot_and_its_commit(staging_service, new_guest, folder, pivot):
    """Each backup is what the guest saw, whichever file the data was in; the commit is QEMU's own, or made while the VPS is off."""
    service = staging_service
    vps = new_guest("commit", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=folder).start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -P 0xa1 0 20M")
    first = back_up(client, vps)
    snapshot(vps, "s1")
    vps.qemu_io("vda", "write -P 0xb2 4M 2M")
    second = back_up(client, vps)
    vps.qemu_io("vda", "write -z 8M 2M")
    if pivot:
        vps.domain.blockCommit("vda", None, None, 0, libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE)
        isolated.wait_until(lambda: (info := vps.domain.blockJobInfo("vda", 0)) and info["cur"] == info["end"], "the commit is ready")
        isolated.wait_until(lambda: _pivoted(vps), "the disk is pivoted")
    else:
        off(client, vps)
        top = vps.inactive_disk("vda").find("source").get("file")
        isolated.run("qemu-img", "commit", "-q", "-f", "qcow2", top)
        vps.domain = vps.connection.defineXML(vps.xml())
        on(client, vps)
    vps.qemu_io("vda", "write -P 0xc3 12M 1M")
    third = back_up(client, vps)
    check_image(service, vps, first, {"vda": filled((0xA1, 0, 20))})
    check_image(service, vps, second, {"vda": filled((0xA1, 0, 20), (0xB2, 4, 6))})
    last = {"vda": filled((0xA1, 0, 20), (0xB2, 4, 6), (0, 8, 10), (0xC3, 12, 13))}
    check_image(service, vps, third, last)
    check_guest(vps, last)
    restore(client, vps, second)
    check_guest(vps, {"vda": filled((0xA1, 0, 20), (0xB2, 4, 6))})


def _pivoted(vps):
    try:
        vps.domain.blockJobAbort("vda", libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        return True
    except libvirt.libvirtError as error:
        if "not ready for pivot" in str(error):
            return False
        raise


@pytest.fixture
def refusing_hook():
    """Starts of VPSs whose devices do not name the text in the file `wanted` are refused; libvirtd must know the hook from its start."""
    path, wanted = pathlib.Path("/etc/libvirt/hooks/qemu.d/refuse"), isolated.new_folder("hook") / "wanted"
    path.write_text(f"#!/bin/sh\n[ \"$2 $3\" = 'prepare begin' ] && [ -e {wanted} ] || exit 0\nsed '1,/<devices>/d' "
                    f"| grep -q -F -f {wanted} || exit 1\n")
    path.chmod(0o755)
    isolated.stop_libvirtd()
    isolated.start_libvirtd()
    yield wanted
    path.unlink()


def test_swap_that_is_taken_back_takes_the_chain_back(refusing_hook, staging_service, new_guest, folder):
    """The start on the new disk fails: the VPS is on its old disk again, with what that one rests on."""
    service = staging_service
    vps = new_guest("snapped", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=folder).start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -P 0xa1 0 20M")
    backup = back_up(client, vps)
    snapshot(vps, "s1")
    vps.qemu_io("vda", "write -P 0xb2 4M 2M")
    disk, records = ElementTree.tostring(vps.inactive_disk("vda")), vps.domain.snapshotListNames()
    refusing_hook.write_text(f"{folder}/snapped-vda.qcow2\n")
    assert client.restore(vps.vps, backup)["state"] == "failed", "the definition still names the old base"
    refusing_hook.unlink()
    assert vps.running, "the old disk's chain has to be in the definition again"
    assert ElementTree.tostring(vps.inactive_disk("vda")) == disk and vps.domain.snapshotListNames() == records
    expected = {"vda": filled((0xA1, 0, 20), (0xB2, 4, 6))}
    check_guest(vps, expected)
    again = back_up(client, vps)
    check_image(service, vps, again, expected)


# ---- linked clones


@pytest.fixture
def clone(new_guest, folder):
    """Makes a VPS on a template: levels of images, the definition says the chain or leaves it to the header."""
    def make(levels=1, said=True, name="clone"):
        path, xml = None, "<backingStore/>"
        for level in range(levels):
            below = path
            path = make_image(folder / f"template{level}.qcow2", below=below)
            qemu_io(path, f"write -q -P {0x70 + level} {4 * level}M {16 - 4 * level}M")
            xml = xml if level == 0 else backing_xml(below, below=xml)
        disk = make_image(folder / f"{name}.qcow2", below=path)
        return new_guest(name, [Chained("vda", disk, backing_xml(path, below=xml) if said else "")], kind=guests.Blank, folder=folder)
    return make


def template_content(levels):
    return filled(*((0x70 + level, 4 * level, 16) for level in range(levels)))


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("levels", [1, 3])
def test_restore_of_a_linked_clone(staging_service, clone, levels, running, said):
    service = staging_service
    vps = clone(levels, said).start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -z 6M 8M")
    vps.qemu_io("vda", "write -P 0xa1 20M 2M")
    expected = bytearray(template_content(levels))
    expected[6 * MIB:14 * MIB] = bytes(8 * MIB)
    expected[20 * MIB:22 * MIB] = b"\xa1" * (2 * MIB)
    expected = {"vda": bytes(expected)}
    backup = back_up(client, vps)
    check_image(service, vps, backup, expected)
    vps.qemu_io("vda", "write -P 0xb2 0 24M")
    if not running:
        off(client, vps)
    restore(client, vps, backup)
    on(client, vps)
    expect_right_from_here(service, client, vps, expected)


def test_definition_of_a_running_clone_defined_again(staging_service, clone):
    """`virsh dumpxml` of a running VPS writes the whole chain down; many tools define that again."""
    service = staging_service
    vps = clone(2, said=False).start()
    client = follow(service, vps)
    vps.domain = vps.connection.defineXML(vps.domain.XMLDesc())
    vps.qemu_io("vda", "write -z 0 8M")
    expected = {"vda": bytes(8 * MIB) + template_content(2)[8 * MIB:]}
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0xb2 0 24M")
    restore(client, vps, backup)
    expect_right_from_here(service, client, vps, expected)


def patched_later(path, change):
    """Changes a lower image so that its time differs."""
    before = path.stat().st_mtime_ns
    change()
    os.utime(path, ns=(before + 10**9, before + 10**9))


PATCHES = {
    "in place": lambda path: patched_later(path, lambda: qemu_io(path, "write -q -P 0x99 1M 1M", "write -q -P 0x99 13M 1M")),
    "another file": lambda path: patched_later(path, lambda: _replaced(path)),
    "as old as before": lambda path: _as_old_as_before(path),
}


def _replaced(path):
    other = path.with_suffix(".new")
    shutil.copyfile(path, other)
    qemu_io(other, "write -q -P 0x99 1M 1M", "write -q -P 0x99 13M 1M")
    other.rename(path)


def _as_old_as_before(path):
    """Time, size and inode stay; most of the content changes, so that looking at a few places finds it."""
    status = path.stat()
    qemu_io(path, "write -q -P 0x99 0 16M")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("level", [0, 1])
def test_backup_after_the_template_was_patched(staging_service, clone, folder, level, patch, running):
    service = staging_service
    vps = clone(2, said=False).start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -P 0xa1 18M 2M")
    first = back_up(client, vps)
    before = template_content(2)[:18 * MIB] + b"\xa1" * (2 * MIB) + bytes(4 * MIB)
    check_image(service, vps, first, {"vda": before})
    off(client, vps)
    PATCHES[patch](folder / f"template{level}.qcow2")
    if running:
        on(client, vps)
    second = back_up(client, vps)
    check_backup_is_the_disk(service, vps, second, ["vda"])
    on(client, vps)
    check_backup_is_the_disk(service, vps, second, ["vda"])
    check_image(service, vps, first, {"vda": before})
    third = back_up(client, vps)
    check_backup_is_the_disk(service, vps, third, ["vda"])
    if patch == "another file" and not running:  # libvirt has changed its owner since
        third = back_up(client, vps)
        check_backup_is_the_disk(service, vps, third, ["vda"])
    assert entry(client, vps, third)["incremental"], "the next one relies on what the template is now"


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("patch", PATCHES)
def test_restore_after_the_template_was_patched(new_service, new_guest, reflinks, patch, running):
    """What the disk reads from its template has changed, too: all of it is written back, not just what the bitmap knows."""
    service = new_service(pool_path=reflinks / "pool", slots={"included": 8, "maximum": 8})
    disks = reflinks / "disks"
    disks.mkdir()
    template = make_image(disks / "template.qcow2")
    qemu_io(template, "write -q -P 0x70 0 16M")
    vps = new_guest("clone", [Chained("vda", make_image(disks / "clone.qcow2", below=template))], kind=guests.Blank, folder=disks).start()
    client = follow(service, vps)
    vps.qemu_io("vda", "write -P 0xa1 18M 2M")
    backup = back_up(client, vps)
    vps.qemu_io("vda", "write -P 0xa2 19M 2M")
    off(client, vps)
    PATCHES[patch](template)
    if running:
        on(client, vps)
    restore(client, vps, backup)
    on(client, vps)
    expected = {"vda": filled((0x70, 0, 16), (0xA1, 18, 20))}
    check_guest(vps, expected)
    again = back_up(client, vps)
    check_image(service, vps, again, expected)


@pytest.mark.parametrize("running", [True, False])
def test_restore_of_another_ones_backing_file(staging_service, new_guest, folder, running):
    """The disk of one VPS is the template of another's: a restore would pull the rug from under that one."""
    service = staging_service
    below = new_guest("below", [guests.Disk("vda", size=SIZE)], kind=guests.Blank, folder=folder)
    qemu_io(below.disk("vda").path, "write -q -P 0x71 0 16M")
    client = follow(service, below)
    backup = back_up(client, below)
    qemu_io(below.disk("vda").path, "write -q -P 0x72 4M 8M")
    above = new_guest("above", [Chained("vda", make_image(folder / "above.qcow2", below=below.disk("vda").path))], kind=guests.Blank)
    if running:
        above.start()
    client.follow(above.vps)
    expected = {"vda": filled((0x71, 0, 16), (0x72, 4, 12))}
    check_guest(above, expected)
    reason = try_restore(client, below, backup)
    if above.active:
        off(client, above)
    on(client, above)
    check_guest(above, expected)
    assert reason is not None
    off(client, above)
    check_guest(below, expected)


# ---- what only the definition knows


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("said", ["nothing", "another"])
def test_definition_overrides_the_header(staging_service, new_guest, folder, said, running):
    """An empty <backingStore/> hides what the header names; another file in it takes that one's place."""
    service = staging_service
    hidden, other = make_image(folder / "hidden.qcow2"), make_image(folder / "other.qcow2")
    qemu_io(hidden, "write -q -P 0x71 0 16M")
    qemu_io(other, "write -q -P 0x72 2M 4M")
    disk = make_image(folder / "disk.qcow2", below=hidden)
    qemu_io(disk, "write -q -P 0xa1 8M 2M")
    said = {"nothing": "<backingStore/>", "another": backing_xml(other)}[said]
    expected = {"vda": filled((0xA1, 8, 10)) if "other" not in said else filled((0x72, 2, 6), (0xA1, 8, 10))}
    vps = new_guest("hidden", [Chained("vda", disk, said)], kind=guests.Blank, folder=folder)
    client = follow(service, vps)
    if running:
        on(client, vps)
    backup, reason = try_back_up(client, vps)
    if backup is None:
        assert reason != "internal" and not running, reason
        return
    check_image(service, vps, backup, expected)
    on(client, vps)
    check_guest(vps, expected)
    vps.qemu_io("vda", "write -P 0xb2 0 24M")
    second = back_up(client, vps)
    check_image(service, vps, second, {"vda": filled((0xB2, 0, 24))})
    restore(client, vps, backup)
    expect_right_from_here(service, client, vps, expected)
