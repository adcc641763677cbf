# SPDX-License-Identifier: LGPL-2.1-or-later
"""What administrators do behind the service's back: snapshots, jobs, definitions, files, clones."""

import contextlib
import json
import os
import shutil

import guest_view
import isolated
import libvirt

import model
from machine import Machine, disk_xml
from steps_guest import MIB, pick, place
from table import NotPossible, is_off, is_on, is_plain, step

JOB_DEADLINE_S = 60


def plain_and_on(_walk, vps):
    return vps.state.live is not None and is_plain(vps)


def plain_and_off(_walk, vps):
    return vps.state.live is None and is_plain(vps)


def new_name(walk, prefix):
    walk.made += 1
    return f"{prefix}{walk.made}"


# ---- external snapshots and what takes them back


def forget_copies(vps):
    """Files that were put aside rest on images as they were then."""
    vps.state.copies.clear()


@step(4, plain_and_on)
def external_snapshot(walk, vps):
    name = new_name(walk, "s")
    record = walk.random.choice([0, libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA])
    if any(len(vps.lower_files(target)) > 4 for target in vps.state.live):
        raise NotPossible("long enough a chain")
    vps.domain.snapshotCreateXML(f"<domainsnapshot><name>{name}</name></domainsnapshot>", libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY
                                 | libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC | record)
    forget_copies(vps)
    for disk in vps.state.live.values():
        disk.format = "qcow2"
    return name + (" without a record" if record else "")


def _wait_job(vps, target, pivot):
    def ended():
        info = vps.domain.blockJobInfo(target, 0)
        if not info:
            return True
        if pivot and info["cur"] == info["end"]:
            with contextlib.suppress(libvirt.libvirtError):
                vps.domain.blockJobAbort(target, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)
        return False
    isolated.wait_until(ended, f"the job of {target} has ended", JOB_DEADLINE_S)


def _private_lower(walk, vps):
    """Targets of a running VPS that rest on an image that nobody else uses."""
    templates = {str(template.path) for template in walk.templates}
    return [target for target in sorted(vps.state.live) if (files := vps.lower_files(target)) and str(files[0]) not in templates]


@step(5, plain_and_on)
def blockcommit(walk, vps):
    targets = _private_lower(walk, vps)
    if not targets:
        raise NotPossible("no chain of its own")
    target = walk.random.choice(targets)
    base = vps.lower_files(target)[0]
    try:
        vps.domain.blockCommit(target, str(base), None, 0, libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE)
    except libvirt.libvirtError as refused:
        raise NotPossible(str(refused)) from refused
    _wait_job(vps, target, True)
    forget_copies(vps)
    vps.state.live[target].format = vps.live_disk(target).find("driver").get("type")
    return f"{target} into {base.name}"


@step(2, plain_and_on)
def blockpull(walk, vps):
    targets = [target for target in sorted(vps.state.live) if vps.lower_files(target)]
    if not targets:
        raise NotPossible("no chain")
    target = walk.random.choice(targets)
    try:
        vps.domain.blockPull(target)
    except libvirt.libvirtError as refused:
        raise NotPossible(str(refused)) from refused
    _wait_job(vps, target, False)
    forget_copies(vps)
    return target


# ---- internal snapshots


def _can_have_snapshots(_walk, vps):
    return not vps.state.pending and len(vps.state.snapshots) < 2 and all(disk.format == "qcow2" for disk in vps.state.now.values())


@step(3, _can_have_snapshots)
def internal_snapshot(walk, vps):
    name = new_name(walk, "i")
    if any(vps.has_lower_images(target) for target in vps.state.defined):
        raise NotPossible("a chain")
    try:
        vps.domain.snapshotCreateXML(f"<domainsnapshot><name>{name}</name></domainsnapshot>")
    except libvirt.libvirtError as refused:
        raise NotPossible(str(refused)) from refused
    vps.state.snapshots[name] = (is_on(walk, vps), {disk: bytes(disk.content) for disk in vps.state.now.values()}, set(vps.state.backups))
    return name


def _forget_and_revert(walk, vps, name):
    done = walk.service.run_ctl("forget", vps.name)
    assert done.returncode == 0, done.stderr
    try:
        vps.domain.revertToSnapshot(vps.domain.snapshotLookupByName(name))
    except libvirt.libvirtError as error:
        raise AssertionError(f"internal snapshot {name} cannot be reverted without our bitmaps: {error}") from error


@step(5, lambda walk, vps: bool(vps.state.snapshots))
def revert(walk, vps):
    name = walk.random.choice(sorted(vps.state.snapshots))
    was_on, contents, older_backups = vps.state.snapshots[name]
    try:
        vps.domain.revertToSnapshot(vps.domain.snapshotLookupByName(name))
    except libvirt.libvirtError as error:
        # Of one that is newer than the last backup our bitmaps have to go first, see vps-backup(7). A later backup has let go of them.
        if not older_backups or set(vps.state.backups) - older_backups:
            raise AssertionError(f"internal snapshot {name} cannot be reverted: {error}") from error
        _forget_and_revert(walk, vps, name)
    for disk, content in contents.items():
        disk.content[:] = disk.padded(content)
    vps.state.live = dict(vps.state.defined) if was_on else None
    return name


@step(2, lambda walk, vps: bool(vps.state.snapshots))
def delete_snapshot(walk, vps):
    name = walk.random.choice(sorted(vps.state.snapshots))
    vps.domain.snapshotLookupByName(name).delete()
    del vps.state.snapshots[name]
    return name


# ---- definitions


def _free_target(vps):
    used = set(vps.state.defined) | set(vps.state.live or {})
    return next(target for target in (f"vd{letter}" for letter in "abcdefghijkl") if target not in used)


def _new_disk(walk):
    image_format = walk.random.choice(["qcow2", "qcow2", "raw"])
    path = walk.folder / f"{new_name(walk, 'disk')}.{image_format}"
    return walk.make_disk(path, image_format), path


@step(3, lambda walk, vps: not vps.state.snapshots and len(vps.state.now) < 4)
def attach(walk, vps):
    (disk, path), target = _new_disk(walk), _free_target(vps)
    where = walk.random.choice(["live", "config", "both"]) if vps.state.live is not None else "config"
    xml = disk_xml(target, path, disk.format)
    flags = {"live": libvirt.VIR_DOMAIN_AFFECT_LIVE, "config": libvirt.VIR_DOMAIN_AFFECT_CONFIG,
             "both": libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG}[where]
    vps.domain.attachDeviceFlags(xml, flags)
    if where != "live":
        vps.state.defined[target] = disk
    if where != "config":
        vps.state.live[target] = disk
    return f"{target} {disk.format} {where}"


def _unplug(vps, target):
    """No system answers in there: the machine lets go of the device when it is reset."""
    vps.domain.detachDeviceAlias(vps.live_disk(target).find("alias").get("name"), libvirt.VIR_DOMAIN_AFFECT_LIVE)
    vps.domain.reset()
    isolated.wait_until(lambda: target not in vps.live_targets(), f"{target} is gone")
    del vps.state.live[target]


@step(3, lambda walk, vps: not vps.state.snapshots)
def detach(walk, vps):
    where = walk.random.choice(["live", "config", "both"]) if vps.state.live is not None else "config"
    disks = {"live": vps.state.live, "config": vps.state.defined}.get(where)
    if disks is None:
        disks = {target: disk for target, disk in vps.state.live.items() if vps.state.defined.get(target) is disk}
    if len(vps.state.defined) < 2 or len(vps.state.now) < 2 or not disks:
        raise NotPossible("the last one")
    target, _ = pick(walk, disks)
    if where != "live":
        vps.remove_from_definition(target)
        del vps.state.defined[target]
    if where != "config":
        _unplug(vps, target)
    return f"{target} {where}"


@step(4, lambda walk, vps: not vps.state.snapshots and len(vps.state.defined) > 1)
def swap(walk, vps):
    """At once if the VPS is off, else with the next start."""
    one, other = walk.random.sample(sorted(vps.state.defined), 2)
    vps.exchange(one, other)
    defined = vps.state.defined
    defined[one], defined[other] = defined[other], defined[one]
    return f"{one} and {other}" + (", from the next start on" if vps.state.live is not None else "")


@step(2, lambda walk, vps: not vps.state.snapshots)
def another_disk(walk, vps):
    """Another disk under the same target."""
    target, _ = pick(walk, vps.state.defined)
    disk, path = _new_disk(walk)
    root = vps.definition()
    element = vps.element(root, target)
    element.find("source").set("file", str(path))
    element.find("driver").set("type", disk.format)
    for backing in element.findall("backingStore"):
        element.remove(backing)
    vps.define(root)
    vps.state.defined[target] = disk
    forget_copies(vps)
    return f"{target} {disk.format}" + (", from the next start on" if vps.state.live is not None else "")


@step(1, plain_and_off)
def rename_target(walk, vps):
    old, new = pick(walk, vps.state.defined)[0], _free_target(vps)
    vps.rename_target(old, new)
    vps.state.defined[new] = vps.state.defined.pop(old)
    return f"{old} to {new}"


@step(1, plain_and_on)
def define_live(_walk, vps):
    """`virsh dumpxml` of the running VPS, defined again."""
    vps.domain = vps.connection.defineXML(vps.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
    return ""


@step(1, plain_and_off)
def rename(walk, vps):
    name = new_name(walk, "renamed")
    try:
        vps.domain.rename(name)
    except libvirt.libvirtError as refused:
        raise NotPossible(str(refused)) from refused
    vps.name = name
    return name


# ---- files


@step(5, is_off)
def offline_edit(walk, vps):
    if vps.state.snapshots:
        raise NotPossible("internal snapshots")
    target, disk = pick(walk, vps.state.defined)
    offset, length = place(walk, disk)
    byte = walk.random.randrange(1, 256)
    isolated.run("qemu-io", "-c", f"write -q -P {byte} {offset} {length}", guest_view.offline_node(vps, target))
    disk.write(offset, bytes([byte]) * length)
    return f"{target} 0x{byte:02x} at 0x{offset:x} +0x{length:x}"


@step(3, plain_and_off)
def keep_copy(walk, vps):
    target, disk = pick(walk, vps.state.defined)
    if vps.has_lower_images(target):
        raise NotPossible("a chain")
    path = walk.folder / f"{new_name(walk, 'copy')}.kept"
    shutil.copyfile(vps.path(target), path)
    vps.state.copies.append(model.Copy(path, disk, bytes(disk.content)))
    return f"{target} as {path.name}"


@step(4, lambda walk, vps: plain_and_off(walk, vps) and bool(vps.state.copies))
def put_back(walk, vps):
    """An older copy of a disk takes its place: over it, or by rename."""
    kept = walk.random.choice(vps.state.copies)
    target = next((target for target, disk in vps.state.defined.items() if disk is kept.disk), None)
    if target is None or vps.has_lower_images(target) or _format_of(kept.path) != kept.disk.format:
        raise NotPossible("it belongs to no disk")
    _place_copy(walk, kept.path, vps.path(target))
    kept.disk.content = bytearray(kept.content)
    return f"{kept.path.name} as {target}"


def _format_of(path):
    with open(path, "rb") as image:
        return "qcow2" if image.read(4) == b"QFI\xfb" else "raw"


def _place_copy(walk, source, target):
    if walk.random.random() < 0.5:
        shutil.copyfile(source, target)
        return
    shutil.copyfile(source, f"{target}.new")
    os.rename(f"{target}.new", target)


@step(2, lambda walk, vps: plain_and_off(walk, vps) and len(vps.state.defined) > 1)
def copy_over(walk, vps):
    """One disk becomes a copy of another, bitmaps and all."""
    one, other = walk.random.sample(sorted(vps.state.defined), 2)
    first, second = vps.state.defined[one], vps.state.defined[other]
    if first.format != second.format or vps.has_lower_images(one) or vps.has_lower_images(other):
        raise NotPossible("not alike")
    _place_copy(walk, vps.path(one), vps.path(other))
    second.content = bytearray(first.content)
    return f"{one} over {other}"


@step(3, lambda walk, vps: bool(walk.templates))
def change_template(walk, _vps):
    """All who rest on it are off, and see what they have not written themselves change."""
    template = walk.random.choice(walk.templates)
    if any(vps.state.live is not None for vps in walk.machines):
        raise NotPossible("in use")
    length = walk.random.choice([65536, MIB])
    offset = walk.random.randrange(0, template.size - length + 1, 65536)
    byte = walk.random.randrange(1, 256)
    isolated.run("qemu-io", "-f", "qcow2", "-c", f"write -q -P {byte} {offset} {length}", template.path)
    for vps in walk.machines:
        forget_copies(vps)
        for target, disk in vps.state.defined.items():
            for start, size in vps.regions_of(target, template.path):
                first, last = max(start, offset), min(start + size, offset + length)
                if first < last:
                    disk.write(first, bytes([byte]) * (last - first))
    return f"0x{byte:02x} at 0x{offset:x} +0x{length:x}"


# ---- clones


@step(3, lambda walk, vps: plain_and_off(walk, vps) and len(walk.machines) < 2)
def clone(walk, vps):
    if any(vps.has_lower_images(target) and vps.state.defined[target].template is None for target in vps.state.defined):
        raise NotPossible("a chain of its own")
    templates = {str(template.path) for template in walk.templates}
    for target in vps.state.defined:
        below = json.loads(isolated.run("qemu-img", "info", "-U", "--output=json", vps.path(target))).get("full-backing-filename")
        if below is not None and below not in templates:
            raise NotPossible("a chain of its own")
    name, sources, disks = new_name(walk, "clone"), {}, {}
    for target, disk in vps.state.defined.items():
        sources[target] = walk.folder / f"{name}-{target}.{disk.format}"
        shutil.copyfile(vps.path(target), sources[target])
        disks[target] = model.Disk(bytearray(disk.content), disk.format, disk.template)
    walk.add(Machine.from_definition(vps.copy_of_definition(name, sources), disks))
    return name


@step(2, lambda walk, vps: len(walk.machines) > 1)
def undefine(walk, vps):
    vps.destroy()
    walk.drop(vps)
    return vps.name
