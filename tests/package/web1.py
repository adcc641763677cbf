# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VPS of the bare system, and what its service says of it."""

import bare as bares

IMAGE = "/var/lib/libvirt/images/web1.qcow2"
DOMAIN = f"""<domain type='qemu'><name>web1</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{IMAGE}'/><target dev='vda' bus='virtio'/></disk></devices>
</domain>"""


def write_offline(bare, byte):
    bare.run("qemu-io", "-c", f"write -P {byte} 1M 40M", IMAGE)


def write(bare, byte):
    """As the guest would."""
    bare.run("virsh", "qemu-monitor-command", "web1", "--hmp",
             f'qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write -P {byte} 1M 40M"')


def holds(bare, byte):
    done = bare.call("qemu-io", "-U", "-r", "-c", f"read -P {byte} 1M 40M", IMAGE)
    assert "read 41943040/41943040 bytes" in done.stdout, done
    return done.returncode == 0 and "verification failed" not in done.stdout


def vps(bare):
    return bare.ctl("show", "web1")


def backups(bare):
    return [one["id"] for one in vps(bare)["backups"]]


def operation(bare):
    return vps(bare)["operation"]


def wait_copying(bare, moved=8 << 20):
    def found():
        now = operation(bare)
        return now if now and now["state"] == "copying" and now["bytes_done"] >= moved else None
    return bares.wait_until(found, "it is in the midst of copying")


def wait_end(bare, wanted):
    def found():
        return next((one for one in bare.ctl("log", "web1")["operations"] if one["id"] == wanted and one["ended_at"]), None)
    return bares.wait_until(found, "the operation has ended")
