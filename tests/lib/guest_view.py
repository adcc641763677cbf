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


def _start_server(vps, path):
    """QEMU has one server only, and a backup job uses it as long as it lasts."""
    def started():
        with contextlib.suppress(LabError, libvirt.libvirtError):
            monitor(vps, "nbd-server-start", addr={"type": "unix", "data": {"path": str(path)}})
            return True
    wait_until(started, f"the NBD server of {vps.name} is free")


@contextlib.contextmanager
def exported(vps, target):
    """Address of an export of a running VPS's disk, read only; it ends with the context."""
    folder = new_folder("export")
    shutil.chown(folder, "libvirt-qemu", "libvirt-qemu")
    path = folder / "nbd.sock"
    node = top_node(vps, target)
    _start_server(vps, path)
    try:
        monitor(vps, "block-export-add", **{"type": "nbd", "id": EXPORT, "node-name": node, "name": target, "writable": False})
        yield f"nbd+unix:///{target}?socket={path}"
    finally:
        monitor(vps, "nbd-server-stop")
        exports = [one["id"] for one in monitor(vps, "query-block-exports")]
        wait_until(lambda: EXPORT not in exports or EXPORT not in [one["id"] for one in monitor(vps, "query-block-exports")],
                   f"the export of {vps.name} has ended")
        shutil.rmtree(folder)


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
