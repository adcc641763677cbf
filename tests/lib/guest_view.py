# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks as the guest sees them.

A file alone does not say what a guest reads: libvirt may have given QEMU another chain of images than the file's header names, or
another file. So a disk of a running VPS is read through its own QEMU, which exports the disk's top node; a disk of a VPS that is
off is read with the chain that the next start would give to QEMU.
"""

import contextlib
import json
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import libvirt
import libvirt_qemu

from isolated import LabError, new_folder, run, wait_until

EXPORT = "guest-view"


def monitor(vps, command, **arguments):
    """The answer of QEMU's monitor to one command."""
    request = {"execute": command, **({"arguments": arguments} if arguments else {})}
    answer = json.loads(libvirt_qemu.qemuMonitorCommand(vps.domain, json.dumps(request), 0))
    if "error" in answer:
        raise LabError(f"{command} on {vps.name}: {answer['error']['desc']}")
    return answer["return"]


def top_node(vps, target):
    """Name of the node that the guest's device reads."""
    alias = vps.live_disk(target).find("alias").get("name")
    for block in monitor(vps, "query-block"):
        if alias in block.get("qdev", "").split("/"):
            return block["inserted"]["node-name"]
    raise LabError(f"QEMU of {vps.name} has no device {alias}")


def _server_of_backup_job(vps):
    """Socket of the server that QEMU runs for a backup job of libvirt; None if there is no such job."""
    try:
        return ElementTree.fromstring(vps.domain.backupGetXMLDesc()).find("server").get("socket")
    except libvirt.libvirtError:
        return None


@contextlib.contextmanager
def _server(vps):
    """Socket of QEMU's NBD server. It has one only: that of a backup job is used where there is one."""
    folder = new_folder("export")
    shutil.chown(folder, "libvirt-qemu", "libvirt-qemu")
    own = str(folder / "nbd.sock")

    def found():
        with contextlib.suppress(LabError, libvirt.libvirtError):
            monitor(vps, "nbd-server-start", addr={"type": "unix", "data": {"path": own}})
            return own
        return _server_of_backup_job(vps)
    path = wait_until(found, f"{vps.name} has an NBD server")
    try:
        yield path
    finally:
        if path == own:
            monitor(vps, "nbd-server-stop")
        shutil.rmtree(folder)


def _is_exported(vps):
    return EXPORT in [one["id"] for one in monitor(vps, "query-block-exports")]


@contextlib.contextmanager
def exported(vps, target):
    """Address of an export of a running VPS's disk, read only; it ends with the context."""
    node = top_node(vps, target)
    with _server(vps) as path:
        monitor(vps, "block-export-add", **{"type": "nbd", "id": EXPORT, "node-name": node, "name": EXPORT, "writable": False})
        try:
            yield f"nbd+unix:///{EXPORT}?socket={path}"
        finally:
            monitor(vps, "block-export-del", id=EXPORT, mode="hard")
            wait_until(lambda: not _is_exported(vps), f"the export of {vps.name} has ended")


def _layer(source, image_format, backing):
    """One image of a chain in QEMU's words. backing: an element <backingStore>, or None where QEMU follows the header."""
    kind, where = ("file", source.get("file")) if source.get("file") else ("host_device", source.get("dev"))
    node = {"driver": image_format, "file": {"driver": kind, "filename": where}}
    if backing is not None and image_format != "raw":
        below = backing.find("source")
        node["backing"] = None if below is None else _layer(below, backing.find("format").get("type"), backing.find("backingStore"))
    return node


def offline_node(vps, target):
    """What QEMU would open for a disk at the next start."""
    disk = vps.inactive_disk(target)
    return "json:" + json.dumps(_layer(disk.find("source"), disk.find("driver").get("type"), disk.find("backingStore")))


@contextlib.contextmanager
def opened(vps, target):
    """(format, address) of a disk as the guest sees it now, for qemu-img."""
    if vps.active:
        with exported(vps, target) as address:
            yield "raw", address
    else:
        yield None, offline_node(vps, target)


def disk_bytes(vps, target, start=0, length=None):
    """Content of a disk as the guest sees it."""
    with opened(vps, target) as (image_format, address), tempfile.NamedTemporaryFile(suffix=".raw") as raw:
        run("qemu-img", "convert", "-U", *(["-f", image_format] if image_format else []), "-O", "raw", address, raw.name)
        raw.seek(start)
        return raw.read() if length is None else raw.read(length)


def difference(vps, target, image):
    """Where a disk as the guest sees it is not as a raw image, in qemu-img's words; None if they are equal."""
    with opened(vps, target) as (image_format, address):
        how = ["-f", image_format] if image_format else ["-U"]
        done = subprocess.run(["qemu-img", "compare", *how, "-F", "raw", str(address), str(image)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise LabError(f"qemu-img compare: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode else None
