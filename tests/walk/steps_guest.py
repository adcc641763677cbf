# SPDX-License-Identifier: LGPL-2.1-or-later
"""What guests and their owners do: write, zero, discard, grow, power."""

import os
import signal

import libvirt

from machine import CLUSTER
from table import NotPossible, is_off, is_on, step

MIB = 1 << 20
LENGTHS = [512, 4096, 65536, 300 << 10, MIB, 3 * MIB]


def place(walk, disk, unit=512):
    length = max(unit, walk.random.choice(LENGTHS) // unit * unit)
    length = min(length, len(disk.content) // unit * unit)
    return walk.random.randrange(0, len(disk.content) - length + 1, unit), length


def pick(walk, disks):
    target = walk.random.choice(sorted(disks))
    return target, disks[target]


@step(30, is_on)
def write(walk, vps):
    target, disk = pick(walk, vps.state.live)
    offset, length = place(walk, disk)
    byte = walk.random.randrange(1, 256)
    vps.qemu_io(target, f"write -P {byte} {offset} {length}")
    disk.write(offset, bytes([byte]) * length)
    return f"{target} 0x{byte:02x} at 0x{offset:x} +0x{length:x}"


@step(8, is_on)
def zero(walk, vps):
    target, disk = pick(walk, vps.state.live)
    offset, length = place(walk, disk)
    unmap = walk.random.choice(["", "-u "])
    vps.qemu_io(target, f"write -z {unmap}{offset} {length}")
    disk.write(offset, bytes(length))
    return f"{target} {unmap}at 0x{offset:x} +0x{length:x}"


@step(6, is_on)
def discard(walk, vps):
    target, disk = pick(walk, vps.state.live)
    offset, length = place(walk, disk, CLUSTER)
    vps.qemu_io(target, f"discard {offset} {length}")
    disk.write(offset, bytes(length))
    return f"{target} at 0x{offset:x} +0x{length:x}"


@step(2, lambda walk, vps: is_on(walk, vps) and not vps.state.snapshots)
def resize(walk, vps):
    target, disk = pick(walk, vps.state.live)
    size = len(disk.content) + walk.random.choice([MIB, MIB // 2, 64 << 10, 3 * MIB])
    if size > 16 * MIB:
        raise NotPossible("large enough")
    try:
        vps.domain.blockResize(target, size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
    except libvirt.libvirtError as refused:
        # QEMU resizes no disk with a bitmap that a killed QEMU has left; those go with their backups.
        if "inconsistent" not in str(refused):
            raise
        raise NotPossible(str(refused)) from refused
    disk.content += bytes(size - len(disk.content))
    return f"{target} to 0x{size:x}"


@step(14, is_off)
def start(_walk, vps):
    vps.start()
    vps.state.live = dict(vps.state.defined)
    return ""


@step(4, is_on)
def destroy(_walk, vps):
    vps.destroy()
    vps.state.live = None
    return ""


@step(2, is_on)
def kill_qemu(_walk, vps):
    for target in vps.state.live:
        vps.qemu_io(target, "flush")
    os.kill(vps.qemu_pid(), signal.SIGKILL)
    vps.wait_off()
    vps.state.live = None
    return ""
