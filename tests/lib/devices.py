# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that are block devices, and a VPS that has some."""

import contextlib
import pathlib

import guest as guests
import isolated


def attach(file):
    """The loop device that a file has become; another lab may take the one that was free a moment ago."""
    def device():
        with contextlib.suppress(isolated.LabError):
            return isolated.run("losetup", "--find", "--show", file).strip()
    return isolated.wait_until(device, f"there is a loop device for {file}", 20)


class Device(guests.Disk):
    """A loop device on a sparse file."""

    def make(self, folder, owner):
        self.file = pathlib.Path(folder) / f"{owner}-{self.target}.device"
        isolated.run("truncate", "-s", self.size, self.file)
        self.path = pathlib.Path(attach(self.file))
        self.format = "raw"

    def xml(self):
        return super().xml().replace("type='file'", "type='block'").replace("source file=", "source dev=")

    def bytes(self):
        isolated.run("sync", self.path)
        return self.file.read_bytes()

    def free(self):
        isolated.run("losetup", "--detach", self.path)
        self.file.unlink()


class OnDevices(guests.Blank):
    """A machine whose disks are block devices or files."""

    def remove(self):
        devices = [disk for disk in self.disks if isinstance(disk, Device)]
        self.disks = [disk for disk in self.disks if disk not in devices]
        super().remove()
        for device in devices:
            device.free()
