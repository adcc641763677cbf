# SPDX-License-Identifier: LGPL-2.1-or-later
"""A second host beside the lab's own: another libvirt, in a mount namespace of its own, with the same disks and pools."""

import contextlib
import os
import signal

import isolated
import libvirt

_SET_UP = """
cp -a /etc/libvirt/. "$1/etc"; rm -rf "$1/etc/qemu"
mount --rbind /var/lib/libvirt/images "$1/lib/images"
mount -t tmpfs tmpfs /run; mkdir /run/libvirt /run/lock
mount --bind "$1/run" /run/libvirt
mount --bind "$1/etc" /etc/libvirt
mount --rbind "$1/lib" /var/lib/libvirt
mount --bind "$1/cache" /var/cache/libvirt
mount --bind "$1/log" /var/log/libvirt
/usr/sbin/virtlogd -d --pid-file "$1/virtlogd.pid"
exec /usr/sbin/libvirtd -d --pid-file "$1/libvirtd.pid"
"""


class SecondHost:
    """Its libvirt is reached at uri; close() ends it with all its guests."""

    def __init__(self):
        self.folder = isolated.new_folder("host")
        for name in ("etc", "run", "lib/images", "lib/qemu", "lib/boot", "cache/qemu", "log/qemu"):
            (self.folder / name).mkdir(parents=True)
        isolated.run("chown", "libvirt-qemu:", self.folder / "lib/qemu")
        isolated.run("unshare", "--mount", "--propagation", "private", "sh", "-euc", _SET_UP, "sh", self.folder)
        self.uri = f"qemu+unix:///system?socket={self.folder}/run/libvirt-sock"
        self.connection = isolated.wait_until(self._connect, "the second libvirtd listens")

    def _connect(self):
        with contextlib.suppress(libvirt.libvirtError):
            return libvirt.open(self.uri)
        return None

    def define(self, xml):
        return self.connection.defineXML(xml)

    def close(self):
        for domain in self.connection.listAllDomains():
            if domain.isActive():
                domain.destroy()
        self.connection.close()
        for name in ("libvirtd", "virtlogd"):
            os.kill(int((self.folder / f"{name}.pid").read_text()), signal.SIGTERM)
