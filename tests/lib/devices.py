# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that are block devices, and a VPS that has some."""

import pathlib

import guest as guests
import isolated


class Device(guests.Disk):
    """A loop device on a sparse file."""

    def make(self, folder, owner):
        self.file = pathlib.Path(folder) / f"{owner}-{self.target}.device"
        isolated.run("truncate", "-s", self.size, self.file)
        self.path = pathlib.Path(isolated.run("losetup", "--find", "--show", self.file).strip())
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
