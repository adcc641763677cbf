# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the service is measured against: other tools of the distribution, as their users run them."""

import os
import pathlib
import time

import libvirt

import guest_view
import isolated
import machine

CONVERT_RAW = "qemu-img convert -W -m 8"
CONVERT_QCOW2 = "qemu-img convert -O qcow2"
CONVERT_QCOW2_FAST = "qemu-img convert -O qcow2 -W -m 8"
BY_HAND = "qemu-img convert -O qcow2, fsync, stop, rename, start"
VIRTNBDBACKUP = "virtnbdbackup"
VIRTNBDRESTORE = "virtnbdrestore + define + start"


def convert_to_raw(source, target):
    """A raw copy of a disk that may be in use: no point in time, but as fast as QEMU reads and writes."""
    machine.run("qemu-img", "convert", "-U", "-W", "-m", "8", "-f", "qcow2", "-O", "raw", source, target)


def convert_to_qcow2(source, target, *options):
    machine.run("qemu-img", "convert", *options, "-f", "raw", "-O", "qcow2", source, target)


def restore_by_hand(vps, image):
    """What a careful operator would do: convert beside the disk, fsync, stop, rename, start. Returns seconds.

    qemu-img syncs a new qcow2 while it is empty, but not its data (strace).
    """
    disk = vps.live_path("vda")
    staged = disk.with_suffix(".staged")
    start = time.monotonic()
    convert_to_qcow2(image, staged)
    machine.sync_tree(staged)
    vps.domain.destroy()
    staged.rename(disk)
    vps.domain.create()
    return time.monotonic() - start


def virtnbdbackup(vps, level, folder, scratch):
    """level: full and inc go into the same folder, one after another; copy leaves no checkpoint."""
    machine.run("virtnbdbackup", "-d", vps.name, "-l", level, "-o", folder, "-S", scratch, "-n")


def virtnbdrestore(vps, folder, target, log):
    """Stops the VPS, restores the newest state in folder to new disks, defines a machine on them and starts it.

    The result is (seconds in all, seconds for which nothing ran); they differ only in how long the stop took.
    """
    name = f"{vps.name}-restored"
    start = time.monotonic()
    vps.domain.destroy()
    stopped = time.monotonic()
    machine.run("virtnbdrestore", "-i", folder, "-o", target, "-c", "-D", "-N", name, "-n", "-L", log)
    restored = vps.connection.lookupByName(name)
    restored.create()
    end = time.monotonic()
    restored.destroy()
    for checkpoint in restored.listAllCheckpoints():
        checkpoint.delete(libvirt.VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY)
    restored.undefine()
    vps.start()
    return end - start, end - stopped


def forget_checkpoints(vps):
    for checkpoint in vps.domain.listAllCheckpoints():
        if checkpoint.getName().startswith("virtnbdbackup."):
            checkpoint.delete()


def allocated(path):
    """Bytes that a file, or all files of a folder, take, each on its own."""
    path = pathlib.Path(path)
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(os.stat(one).st_blocks * 512 for one in files if one.is_file())


def same_content(image, vps, target="vda"):
    """Raises unless a raw image holds what a VPS that writes nothing reads from its disk."""
    found = guest_view.difference(vps, target, image)
    if found:
        raise isolated.LabError(f"what was measured is wrong: {image} is not what {vps.name} reads from {target}: {found}")
