# SPDX-License-Identifier: LGPL-2.1-or-later
"""What captures leave on disks, in QEMU and in folders, for the tests of the libvirt backend."""

import json
import os
import pathlib
import subprocess

import guest as guests
import libvirt
import pytest
from isolated import run

MIB = 1 << 20


def bitmaps(path):
    """Names of the bitmaps in an image."""
    info = json.loads(run("qemu-img", "info", "-U", "--output=json", path))
    return sorted(bitmap["name"] for bitmap in info.get("format-specific", {}).get("data", {}).get("bitmaps", []))


def running_bitmaps(vps):
    """Names of the bitmaps that QEMU holds for the disks of a running VPS."""
    answer = subprocess.run(["virsh", "qemu-monitor-command", vps.name, '{"execute":"query-named-block-nodes"}'],
                            capture_output=True, check=True).stdout
    return sorted({bitmap["name"] for node in json.loads(answer)["return"] for bitmap in node.get("dirty-bitmaps", [])})


def hidden_files(folder=guests.IMAGES):
    return sorted(path.name for path in pathlib.Path(folder).iterdir() if path.name.startswith("."))


def is_mark(name):
    return name.startswith("vps-backup-disk.")


def without_marks(names):
    return [name for name in names if not is_mark(name)]


def assert_marks(vps):
    """What tells the disks of a VPS apart stays: one on each at most, and none that another disk has."""
    if vps.active:
        found = [name for name in running_bitmaps(vps) if is_mark(name)]
        assert len(found) <= len(vps.disks)
    else:
        each = [[name for name in bitmaps(disk.path) if is_mark(name)] for disk in vps.disks if disk.format == "qcow2"]
        assert all(len(names) <= 1 for names in each), each
        found = [name for names in each for name in names]
        assert len(set(found)) == len(found), found
    assert all(name.startswith(f"vps-backup-disk.{vps.vps}.") for name in found), found
    assert set(name for name in vps.checkpoints() if is_mark(name)) <= set(found), "a record of a mark that no disk has"


def assert_no_trace(driver, vps, captures=()):
    """Nothing is left of any capture but the checkpoints of the given ones."""
    kept = sorted(capture.name for capture in captures)
    assert without_marks(vps.checkpoints()) == kept
    assert_marks(vps)
    if vps.active:
        assert without_marks(running_bitmaps(vps)) == kept
        with pytest.raises(libvirt.libvirtError, match="no domain backup job"):
            vps.domain.backupGetXMLDesc()
    else:
        for disk in vps.disks:
            if disk.format == "qcow2":
                assert without_marks(bitmaps(disk.path)) == kept
    assert hidden_files() == []
    for folder in (driver.runtime_folder, pathlib.Path("/run/vps-backup")):
        assert not folder.exists() or os.listdir(folder) == []
    assert [name for name in os.listdir("/tmp") if name.startswith("vps-backup.")] == []


def two_disks():
    return [guests.Disk("vda", size=32 * MIB), guests.Disk("vdb", size=16 * MIB, format="raw"),
            guests.Disk("vdc", size=MIB, format="raw", options="<readonly/>")]


def covered(extents, start, length):
    return any(low <= start and start + length <= high for low, high in extents)
