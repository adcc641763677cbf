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


def without_marks(names):
    """Marks that tell the disks of a VPS apart stay."""
    return [name for name in names if not name.startswith("vps-backup-disk.")]


def assert_no_trace(driver, vps, captures=()):
    """Nothing is left of any capture but the checkpoints of the given ones."""
    kept = sorted(capture.name for capture in captures)
    assert without_marks(vps.checkpoints()) == kept
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
