# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power of the host fails: every process dies at once, and what was not on stable storage by then is gone."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import struct
import tempfile

import devices
import isolated

XFS_IOC_GOINGDOWN = 0x8004587D
NO_LOG_FLUSH = 2
PROCESSES = ("qemu-system-x86", "qemu-nbd", "qemu-img")


class Drive:
    """An XFS of its own. After a cut it holds what its log and its blocks held: nothing that was only in memory."""

    def __init__(self, point, size=320 << 20):
        self.point = pathlib.Path(point)
        self.point.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=isolated.lab(), prefix=".drive.") as image:
            os.truncate(image.name, size)
            self.device = devices.attach(image.name)
        isolated.run("mkfs.xfs", "-q", "-m", "reflink=1", self.device)
        self.mount()
        self.point.chmod(0o755)

    def mount(self):
        isolated.run("mount", self.device, self.point)

    def cut(self):
        root = os.open(self.point, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.ioctl(root, XFS_IOC_GOINGDOWN, struct.pack("I", NO_LOG_FLUSH))
        os.close(root)

    def _is_free(self):
        """Guests have mounts of their own, which outlive them for a moment; mounted again it would be as dead as before."""
        try:
            os.close(os.open(self.device, os.O_RDWR | os.O_EXCL))
        except OSError:
            return False
        return True

    def come_back(self):
        """Unmounts it, and mounts it again, which replays the log."""
        isolated.run("umount", self.point)
        isolated.wait_until(self._is_free, f"nobody has {self.device} mounted")
        self.mount()

    def close(self):
        with contextlib.suppress(isolated.LabError):
            isolated.run("umount", self.point)
        isolated.run("losetup", "--detach", self.device)


def _pids():
    """The guests and helpers of this namespace."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text().strip() in PROCESSES:
                found.append(int(entry.name))
    return found


def _signal(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _gone(pid):
    """Also when it waits to be reaped: then its files are closed."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def fail(service, drives):
    """The power fails and comes back; libvirtd runs then, guests and the service do not."""
    worker = [service.worker_pid()] if service.alive else []
    _signal([*worker, *_pids()], signal.SIGSTOP)  # nobody is to notice, and tell, that the drives have gone
    for drive in drives:
        drive.cut()
    service.kill()
    isolated.stop_libvirtd(signal.SIGKILL)
    died = _pids()
    _signal(died, signal.SIGKILL)
    isolated.wait_until(lambda: all(map(_gone, died)), "guests and helpers are dead")
    for entry in pathlib.Path("/run/libvirt/qemu").iterdir():  # what a host has in memory only
        if entry.suffix in (".xml", ".pid"):
            entry.unlink()
    shutil.rmtree("/run/libvirt/qemu/autostarted", ignore_errors=True)
    for drive in drives:
        drive.come_back()
    isolated.start_libvirtd()
